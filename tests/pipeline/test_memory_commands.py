"""The commands that read the archive again, settle disagreements and hand out the tables."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import First, ratecard
from warehouse.store import PUBLISHED, Store

Copied = Callable[[First], Path]


def rows(folder: Path, *arguments: str) -> list[dict[str, object]]:
    done = ratecard(*arguments, "--json", "--data-dir", folder)
    assert done.code == 0, done.err
    found: list[dict[str, object]] = json.loads(done.out)
    return found


def test_what_today_s_parsers_read_they_read_again(answered: First, copied: Copied) -> None:
    folder = copied(answered)
    before = Store(folder).digest()
    counts = rows(folder, "reparse")
    assert {row["source"] for row in counts} >= {"openai_pricing", "transcribed"}
    assert {row["corrections"] for row in counts} == {0}
    assert Store(folder).digest() == before
    assert ratecard("reparse", "openai_prices", "--data-dir", folder).code == 2


def test_a_disagreement_is_settled_by_a_decision(answered: First, copied: Copied) -> None:
    folder = copied(answered)
    found = [row for row in rows(folder, "disagreements") if row["what"] == "training_tokens"]
    assert found, "no two sources differ on a training price"
    row = found[0]
    named = ["decide", row["provider"], row["model"], row["what"]]
    narrow = ["--method", str(row["method"]).split()[0]]
    unknown = ratecard(*named, "--source", "nobody", "--why", "x", *narrow, "--data-dir", folder)
    assert unknown.code == 2
    assert "does not speak of it" in unknown.err
    holds = ["--source", row["source_b"], "--why", "read on the page", *narrow]
    settled = rows(folder, *map(str, [*named, *holds]))
    decided = [r for r in settled if r["decision"] == f"{row['source_b']}: read on the page"]
    assert {(r["source_a"], r["what"]) for r in decided} == {(row["source_b"], row["what"])}
    preferred = Store(folder).query(
        "select source from current_prices where is_preferred and provider = $provider "
        "and model = $model and meter = 'training_tokens'",
        {"provider": row["provider"], "model": decided[0]["model"]},
    )
    assert row["source_b"] in preferred.to_series().to_list()


def test_a_decision_on_what_nobody_disputes_says_so(answered: First, copied: Copied) -> None:
    done = ratecard(
        *("decide", "openai", "no such model", "training_tokens", "--source", "litellm"),
        *("--why", "x", "--data-dir", copied(answered)),
    )
    assert done.code == 1
    assert "0 disagreements on training_tokens of no such model at openai" in done.err


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_every_published_table_is_exported(answered: First, tmp_path: Path, form: str) -> None:
    files = rows(answered.folder, "export", str(tmp_path / "out"), "--format", form)
    assert {Path(str(row["file"])).stem for row in files} >= {*PUBLISHED}
    assert all(Path(str(row["file"])).exists() for row in files)


def test_a_publication_is_verified(answered: First, copied: Copied) -> None:
    folder = copied(answered)
    assert rows(folder, "verify") == []
    copy = shutil.copytree(folder / "published", folder / "copy")
    damaged = next((folder / "published").glob("*.parquet"))
    damaged.unlink()
    damaged.write_bytes(b"rot")
    done = ratecard("verify", "--data-dir", folder)
    assert done.code == 1
    assert damaged.name in done.out
    # wherever they lie, and without the folder that they come from
    kept = next((folder / "publications").iterdir())
    assert rows(folder / "none", "verify", str(kept)) == []
    assert rows(folder / "none", "verify", str(copy)) == []
    (copy / "manifest.json").unlink()
    done = ratecard("verify", copy, "--json")
    assert done.code == 1
    assert "manifest.json cannot be read" in json.loads(done.out)[0]["problem"]
    assert ratecard("verify", folder / "nowhere").code == 2

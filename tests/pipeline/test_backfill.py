"""Captures from files: found by name, believed by their own dates, whatever their order."""

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from pipeline.looking import Found, backfill, find_captures
from pipeline.refresh import build
from sources._contract import every_source
from tests.pipeline.conftest import CAPTURES, FIXTURES, latest_capture, ratecard, with_all
from warehouse.store import TABLES, Store

# A price that goes up, comes back and is withdrawn, and a page between that says nothing.
PRINTED: Final = "0.125 元 / 千tokens"
ZHIPU: Final = latest_capture("zhipu_pricing").read_text(encoding="utf-8")
DATED: Final = {
    "2026-01-01": ZHIPU,
    "2026-02-01": ZHIPU.replace(PRINTED, "0.15 元 / 千tokens"),
    "2026-03-01": "<html>maintenance</html>",
    "2026-04-01": ZHIPU,
    "2026-05-01": ZHIPU.replace(PRINTED, "不支持"),
}


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    (folder / "zhipu_pricing").mkdir(parents=True)
    for day, text in DATED.items():
        (folder / "zhipu_pricing" / f"{day}.html").write_text(text, encoding="utf-8")
    shutil.copytree(FIXTURES / "openai_pricing", folder / "openai_pricing")
    for lines in folder.glob("*/*.csv"):
        lines.unlink()
    return folder


def load(folder: Path, captures: Iterable[tuple[str, datetime, tuple[Path, ...]]]) -> Store:
    setup = with_all(folder)
    backfill(setup, Found([*captures], []), lambda _: None)
    assert build(setup).is_published
    return Store(folder)


def facts(store: Store) -> list[tuple[object, ...]]:
    """Give the history without what tells only when and through which capture it was learnt."""
    return store.query("""
        select * exclude (known_at, is_stale, capture_sha256, locator, parser_version)
        from price_history order by all
    """).rows()


def test_in_any_order_the_same_is_believed(captures: Path, tmp_path: Path) -> None:
    files = find_captures(captures, every_source()).captures
    assert len(files) == len(DATED) + 2
    forward = load(tmp_path / "forward", files)
    backward = load(tmp_path / "backward", reversed(files))
    assert facts(forward) == facts(backward)
    assert forward.digest() == backward.digest()
    history = forward.query("""
        select valid_from::date::varchar, valid_to::date::varchar, unit_price::double
        from price_history
        where model = 'GLM-4.5' and adapter = 'full' and context_tier = '16k'
        order by valid_from
    """).rows()
    assert history == [
        ("2026-01-01", "2026-02-01", 125),
        ("2026-02-01", "2026-04-01", 150),
        ("2026-04-01", "2026-05-01", 125),
        ("2026-05-01", None, None),
    ]


def test_a_second_time_nothing_is_new(captures: Path, tmp_path: Path) -> None:
    (captures / "README.md").write_text("what these are", encoding="utf-8")
    (captures / "nobody").mkdir()
    (captures / "zhipu_pricing" / "latest.html").write_text(ZHIPU, encoding="utf-8")
    (captures / "zhipu_pricing" / "2026-02-30.html").write_text(ZHIPU, encoding="utf-8")
    (captures / "zhipu_pricing" / "2026-01-01.d").mkdir()
    data = tmp_path / "data"

    first = ratecard("backfill", captures, "--json", "--data-dir", data)
    assert first.code == 3
    rows = {row["file"]: row for row in json.loads(first.out)}
    assert {file: row["reason"] for file, row in rows.items() if row["outcome"] == "skipped"} == {
        "README.md": "not in the folder of a source",
        "nobody": "no source has this name",
        "zhipu_pricing/latest.html": "no file whose name holds a date: YYYY-MM-DD.ext",
        "zhipu_pricing/2026-02-30.html": "no file whose name holds a date: YYYY-MM-DD.ext",
        "zhipu_pricing/2026-01-01.d": "no file whose name holds a date: YYYY-MM-DD.ext",
    }
    refused = rows.pop("zhipu_pricing/2026-03-01.html")
    assert refused["outcome"] == "refused"
    assert refused["reason"].startswith("zhipu_pricing: ")
    read = {file for file, row in rows.items() if row["outcome"] == "read"}
    assert read == {
        *(f"zhipu_pricing/{day}.html" for day in DATED if day != "2026-03-01"),
        *(f"openai_pricing/{file.name}" for file in (captures / "openai_pricing").iterdir()),
    }
    assert rows["zhipu_pricing/2026-01-01.html"]["quotes"] == 57
    assert rows["zhipu_pricing/2026-02-01.html"]["new_facts"] == 1

    store = Store(data)
    before = (store.digest(), facts(store))
    second = ratecard("backfill", captures, "--json", "--data-dir", data)
    assert second.code == 3
    for row in json.loads(second.out):
        assert row["outcome"] in {"known already", "skipped"}
        assert not row["new_facts"]
    assert (store.digest(), facts(store)) == before


def test_a_folder_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    ran = ratecard("backfill", tmp_path / "none", "--data-dir", tmp_path / "data")
    assert ran.code == 2
    assert not (tmp_path / "data").exists()


def at(hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 8, 21, hour, minute, second)  # noqa: DTZ001 UTC without an offset


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("2026-08-21.html", at()),
        ("2026-08-21.zh.md", at()),
        ("2026-08-21T06:30:00Z.html", at(6, 30)),
        ("2026-08-21T06-30-00Z.html", at(6, 30)),
        ("2026-08-21T06:30Z.json", at(6, 30)),
        ("2026-08-21T063015Z.html", at(6, 30, 15)),
        ("2026-08-21T23-59-59.again.html", at(23, 59, 59)),
        ("2026-08-21T06:30:00+02:00.html", None),
        ("2026-08-21T24:30:00Z.html", None),
        ("2026-13-01.html", None),
        ("20260821.html", None),
        ("2026-08-21", None),
    ],
)
def test_a_files_name_says_when(tmp_path: Path, name: str, moment: datetime | None) -> None:
    file = tmp_path / "zhipu_pricing" / name
    file.parent.mkdir()
    file.touch()
    found = find_captures(tmp_path, every_source())
    assert found.captures == ([("zhipu_pricing", moment, (file,))] if moment else [])
    assert [path for path, _ in found.skipped] == ([] if moment else [file])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Store:
    if not CAPTURES.exists():
        pytest.skip("the real captures are not here")
    folder = tmp_path_factory.mktemp("real")
    found = find_captures(CAPTURES, every_source())
    assert "README.md" in {path.name for path, _ in found.skipped}
    return load(folder, found.captures)


def test_the_same_facts_make_the_same_tables_each_time(real: Store) -> None:
    def tables() -> dict[str, pl.DataFrame]:
        facts = [name for name in TABLES if name != "source_health"]
        return {name: real.query(f"select * from {name} order by all") for name in facts}

    before = tables()
    assert build(with_all(real.folder)).is_published
    differing = [name for name, table in tables().items() if not table.equals(before[name])]
    assert not differing


def said(store: Store, query: str, **values: object) -> list[Any]:
    answer: pl.DataFrame = store.query(query, values)
    return [row[0] if len(row) == 1 else row for row in answer.rows()]


def test_the_comparison_page_says_what_it_says(real: Store) -> None:
    (summary,) = real.query("""
        select models_compared, cheapest_paid_training_usd::double, cheapest_paid_training,
            free_training_count
        from market_summary where scope = 'lmmarketcap'
    """).rows()
    assert summary == (14, 0.48, "together Llama 3.1 8B", 2)


def test_the_rows_without_a_provider_are_googles(real: Store) -> None:
    rows = said(
        real,
        """
        select p.model, meter, unit_price::double, value, p.remark is not null
        from current_prices as p
        join current_terms as t using (source, provider, model)
        where source = 'lmmarketcap' and provider = 'google' and term = 'min_examples'
            and meter in ('input_tokens', 'output_tokens') and p.tuning_method <> 'none'
        order by model, meter
        """,
    )
    # the repair of the missing cell is marked in the evidence
    assert rows == [
        ("Gemini 1.5 Flash", "input_tokens", 0.075, "100", True),
        ("Gemini 1.5 Flash", "output_tokens", 0.3, "100", True),
        ("Gemini 2.0 Flash", "input_tokens", 0.1, "100", True),
        ("Gemini 2.0 Flash", "output_tokens", 0.4, "100", True),
    ]


def test_openai_states_ten_tuned_models_a_tier(real: Store) -> None:
    tiers = said(
        real,
        """
        select service_tier, count(distinct model) from current_prices
        where source = 'openai_pricing' and tuning_method <> 'none'
            and confirmed_at = timestamp '2026-08-21' and meter in ('input_tokens', 'output_tokens')
        group by service_tier order by service_tier
        """,
    )
    assert tiers == [("batch", 10), ("standard", 10)]


def test_openai_trains_by_the_token_and_o4_mini_by_the_hour(real: Store) -> None:
    trained = """
        select distinct meter, unit_price::double, pricing_unit from {table}
        where source = 'openai_pricing' and model like $model || '%'
            and meter like 'training%' and availability = 'priced'
    """
    for table in ("current_prices", "price_history"):
        query = trained.format(table=table)
        assert said(real, query, model="gpt-4o-mini") == [("training_tokens", 3.0, "1M tokens")]
        assert said(real, query, model="o4-mini") == [("training_hours", 100.0, "hour")]


def test_volcengine_trains_an_adapter_at_half_the_price(real: Store) -> None:
    rows = said(
        real,
        """
        select adapter, unit_price::double, pricing_currency from current_prices
        where source = 'volcengine_pricing' and model like '%seed-1.6'
            and meter = 'training_tokens' and tuning_method = 'sft'
        order by adapter
        """,
    )
    assert rows == [("full", 80.0, "CNY"), ("lora", 40.0, "CNY")]


def test_zhipu_prints_per_thousand_and_does_not_offer_everything(real: Store) -> None:
    rows = said(
        real,
        """
        select adapter, availability, unit_price::double, pricing_currency, pricing_unit
        from current_prices
        where source = 'zhipu_pricing' and model = 'GLM-4.5' and meter = 'training_tokens'
            and context_tier = '32k'
        order by adapter
        """,
    )
    assert rows == [
        ("full", "not_offered", None, None, None),
        ("lora", "priced", 100.0, "CNY", "1K tokens"),
    ]

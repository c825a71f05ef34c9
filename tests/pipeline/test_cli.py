"""The command: what it prints, for people and for programs, and how it ends."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
import stamina
from rich.console import Console
from typer.models import CommandInfo

from pipeline import configuration, terminal
from pipeline.cli import app
from sources._contract import Evidence, Offer, Parsed, Quote, every_source
from sources._parsing import Price, read_unit
from tests.pipeline.conftest import BOT_WALL, First, latest_capture, pages, ratecard
from tests.pipeline.loopback import Site, in_turn, page, status
from warehouse.store import Store

COMMAND: Final = Path(sys.executable).with_name("ratecard")
READING: Final = {
    "status": (),
    "compare": (),
    "cheapest": (),
    "history": ("gpt-4o-mini",),
    "changes": (),
    "explain": ("openai", "gpt-4o-mini", "training_tokens"),
    "disagreements": (),
    "break-even": (),
    "claims": (),
    "sql": ("select * from market_summary",),
}
# Their own tests are in test_workloads.py.
UNPUBLISHED: Final = ("workloads", "estimate")
WRITING: Final = (
    "refresh",
    "backfill",
    "rebuild",
    "reparse",
    "decide",
    "export",
    "verify",
    "digest",
)
# Their own tests are in test_alerts.py, test_delivery.py, test_sources_command.py and
# test_review.py.
NESTED: Final = {
    "alerts": (
        "alerts list",
        "alerts check",
        "alerts replay",
        "alerts send",
        "alerts test",
        "alerts outbox",
        "alerts ack",
        "alerts mute",
    ),
    "sources": ("sources list", "sources try"),
    "review": ("review", "review show", "review accept", "review reject"),
}
reading: Final = pytest.mark.parametrize(("name", "arguments"), READING.items())


def rows(*arguments: object) -> list[dict[str, Any]]:
    ran = ratecard(*arguments, "--json")
    assert (ran.code, ran.err) == (0, "")
    answer: list[dict[str, Any]] = json.loads(ran.out)
    return answer


def names_of(commands: list[CommandInfo]) -> set[str]:
    return {command.name or command.callback.__name__ for command in commands if command.callback}


def test_every_command_is_tested_here() -> None:
    assert names_of(app.registered_commands) == {*READING, *WRITING, *UNPUBLISHED}
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    assert set(groups) == set(NESTED)
    for name, group in groups.items():
        assert group is not None
        own = {inner.removeprefix(f"{name} ") for inner in NESTED[name] if inner != name}
        assert names_of(group.registered_commands) == own


@pytest.mark.parametrize(
    "name", [*READING, *WRITING, *(inner for names in NESTED.values() for inner in names)]
)
def test_every_command_shows_how_it_is_called(name: str) -> None:
    ran = ratecard(*name.split(), "--help")
    assert ran.code == 0
    assert re.search(rf"Example: ratecard {name}\b", ran.out)
    assert "--json" in ran.out
    if name != "review":  # its options stand beside its commands
        assert re.search(r"default: \(?data\)?\]", ran.out)


def test_what_is_known_of_each_seller_is_counted(answered: First) -> None:
    where = ("--data-dir", answered.folder)
    counted = rows("status", "--coverage", *where)
    assert len({(c["provider"], c["offers"], c["what"]) for c in counted}) == len(counted)
    meters = {c["what"]: c for c in counted if c["provider"] == "zhipu" and c["offers"] == "tuned"}
    store = Store(answered.folder)
    for state in ("priced", "free", "not_offered", "not_published", "unreadable"):
        query = """
            select count(*) from current_prices
            where is_preferred and provider = 'zhipu' and tuning_method <> 'none'
                and meter = 'training_tokens' and availability = $state
        """
        assert meters["training_tokens"][state] == store.query(query, {"state": state}).item()
    assert meters["training_tokens"]["priced"] > 0
    assert meters["training_tokens"]["not_offered"] > 0
    openai = {c["what"]: c for c in counted if c["provider"] == "openai"}
    assert openai["min_examples"]["known"] > 0
    assert not openai["min_examples"]["priced"]
    assert {c["offers"] for c in counted} == {"base", "tuned"}
    assert "not published" in ratecard("status", "--coverage", *where).out


@reading
def test_every_question_is_answered_in_json(
    answered: First, name: str, arguments: tuple[str, ...]
) -> None:
    found = rows(name, *arguments, "--data-dir", answered.folder)
    assert all(isinstance(row, dict) for row in found)
    if name != "changes":  # a first look is no change
        assert found


@reading
def test_every_question_is_answered_in_a_table(
    answered: First, name: str, arguments: tuple[str, ...]
) -> None:
    ran = ratecard(name, *arguments, "--data-dir", answered.folder)
    assert (ran.code, ran.err) == (0, "")
    assert "━" in ran.out or "─" in ran.out
    assert "\x1b" not in ran.out, "a pipe wants no colours"


@reading
def test_before_anything_is_published_the_next_step_is_named(
    tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    ran = ratecard(name, *arguments, "--data-dir", tmp_path / "data")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.strip() == (
        f"nothing is published in {tmp_path / 'data'} yet; run `ratecard refresh`"
    )
    assert not (tmp_path / "data").exists()


def test_the_data_folder_is_taken_from_the_environment(
    answered: First, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATECARD_DATA_DIR", str(answered.folder))
    assert {row["source"] for row in rows("status")} == set(every_source())


def test_a_source_that_is_none_is_a_wrong_call(tmp_path: Path) -> None:
    ran = ratecard("refresh", "openai_pricing", "opnai", "--data-dir", tmp_path / "data")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("no such source: opnai; there are aws_bedrock_page, ")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("RATECARD_DATADIR", "/data"), ("RATECARD_TRUSTED_DAYS", "0")]
)
def test_a_setting_that_does_not_fit_is_a_wrong_call(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    ran = ratecard("status")
    assert (ran.code, ran.out) == (2, "")
    assert name.removeprefix("RATECARD_").lower() in ran.err.lower()


@pytest.mark.parametrize(
    "arguments",
    [
        ("cheapest", "--question", "inference"),
        ("cheapest", "--constraints", "none"),
        ("cheapest", "--rank", "0"),
        ("cheapest", "--since", "2026-01-01"),
        ("changes", "--since", "yesterday"),
        ("changes", "--limit", "0"),
        ("explain", "openai"),
        ("nonsense",),
    ],
)
def test_what_cannot_be_meant_is_a_wrong_call(answered: First, arguments: tuple[str, ...]) -> None:
    assert ratecard(*arguments, *(["--data-dir", answered.folder] * (len(arguments) > 1))).code == 2


def test_numbers_are_exact_in_json(answered: First) -> None:
    query = "select 1.10::decimal(20, 8) as a, timestamp '2026-01-02 03:04:05' as b, 0.1::double c"
    assert rows("sql", query, "--data-dir", answered.folder) == [
        {"a": "1.1", "b": "2026-01-02T03:04:05", "c": 0.1}
    ]


def test_whatever_a_query_gives_is_json(answered: First) -> None:
    query = """
        select [1.50::decimal(4, 2)] as list, {'on': date '2026-01-02'} as struct,
            time '03:04' as time, 'nan'::double as none, 'x'::blob as bytes,
            map {'k': 1.5::decimal(2, 1)} as map
    """
    assert rows("sql", query, "--data-dir", answered.folder) == [
        {
            "list": ["1.5"],
            "struct": {"on": "2026-01-02"},
            "time": "03:04:00",
            "none": None,
            "bytes": "b'x'",
            "map": {"k": "1.5"},
        }
    ]


def test_a_query_with_a_mistake_shows_what_duckdb_says(answered: First) -> None:
    ran = ratecard("sql", "selec 1", "--data-dir", answered.folder)
    assert (ran.code, ran.out) == (1, "")
    assert 'Parser Error: syntax error at or near "selec"' in ran.err


@pytest.mark.parametrize("query", ["drop table current_prices", "create table t as select 1"])
def test_a_query_changes_nothing(answered: First, query: str) -> None:
    ran = ratecard("sql", query, "--data-dir", answered.folder)
    assert (ran.code, ran.out) == (1, "")
    assert "read-only" in ran.err


def test_what_nobody_states_is_not_explained(answered: First) -> None:
    asked = ("explain", "openai", "gpt-4o-mini", "storage_years", "--data-dir", answered.folder)
    ran = ratecard(*asked)
    assert (ran.code, ran.out) == (1, "")
    assert "nobody states storage_years of gpt-4o-mini at openai" in ran.err
    assert ratecard(*asked, "--json").code == 1


def test_an_explanation_shows_the_page(answered: First) -> None:
    (used, *_) = rows(
        "explain", "openai", "gpt-4o-mini", "training_tokens", "--data-dir", answered.folder
    )
    assert used["is_in_comparison"]
    assert (used["source"], used["unit_price"]) == ("openai_pricing", "3")
    assert Decimal(used["printed_text"]) == 3
    assert Store(answered.folder).archive.load(used["capture_sha256"]) == (
        latest_capture("openai_pricing").read_bytes()
    )


def test_options_narrow_the_comparison(answered: First) -> None:
    where = ("--data-dir", answered.folder)
    everything = rows("compare", *where)
    assert {row["provider"] for row in rows("compare", "--provider", "zhipu", *where)} == {"zhipu"}
    narrow = rows("compare", "--model", "GPT-4O-MINI", *where)
    assert narrow
    assert len(narrow) < len(everything)
    assert all("gpt-4o-mini" in row["model"] + row["base_model"] for row in narrow)


def test_only_places_asked_for_are_given(answered: First) -> None:
    asked = ("cheapest", "--question", "paid_training", "--rank", "3")
    found = rows(*asked, "--data-dir", answered.folder)
    assert {row["rank"] for row in found} == {1, 2, 3}
    assert {row["question"] for row in found} == {"paid_training"}
    values = [Decimal(row["value_usd"]) for row in found]
    assert values == sorted(values)


def test_who_is_the_cheapest_now_has_been_so_since(answered: First) -> None:
    where = ("--question", "paid_training", "--data-dir", answered.folder)
    past = rows("cheapest", "--history", *where)
    now = {(row["provider"], row["model"]) for row in rows("cheapest", "--rank", "1", *where)}
    assert {(row["provider"], row["model"]) for row in past if row["until"] is None} == now
    assert "2026" in ratecard("cheapest", "--history", *where).out


def test_a_refresh_prints_nothing_but_json(
    alone: First, site: Site, copied: Callable[[First], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATECARD_MIRROR", site.url)
    site.answers["zhipu_pricing"] = in_turn(status(500), pages()["zhipu_pricing"])
    site.answers["openai_pricing"] = page(BOT_WALL)
    with stamina.set_testing(True, attempts=2):
        named = ("refresh", "zhipu_pricing", "openai_pricing")
        health = rows(*named, "--data-dir", copied(alone))
    assert site.count("zhipu_pricing") == 2
    found = {row["source"]: row["state"] for row in health}
    assert (found["zhipu_pricing"], found["openai_pricing"]) == ("ok", "failing")


def test_a_rebuild_believes_the_same(answered: First, copied: Callable[[First], Path]) -> None:
    folder = copied(answered)
    ((before, *_),) = (row.values() for row in rows("digest", "--data-dir", folder))
    assert rows("rebuild", "--data-dir", folder) == [{"looks": len(every_source())}]
    assert rows("digest", "--data-dir", folder) == [{"digest": before}]


def test_a_lost_capture_is_named(answered: First, copied: Callable[[First], Path]) -> None:
    folder = copied(answered)
    lost = next((folder / "archive" / "captures").rglob("*.zst"))
    lost.unlink()
    ran = ratecard("rebuild", "--data-dir", folder)
    assert ran.code == 1
    assert f"restore {lost} from a backup" in ran.err
    assert ratecard("compare", "--data-dir", folder).code == 0


HOSTILE: Final = "gpt\x1b[31m\x07\u202e[red][/] [link=https://evil.example]x[/link]"
TAME: Final = "gpt\ufffd[31m\ufffd\ufffd[red][/] [link=https://evil.example]x[/link]"


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Give a folder of captures that state a model with an evil name, and a place for the data."""

    def parse(capture: bytes) -> Parsed:
        price = Price("priced", Decimal(int(capture)), "USD", read_unit("per 1M tokens"))
        evidence = Evidence("row [red]1", HOSTILE, remark=HOSTILE)
        return Parsed([_training(price, evidence)], [])

    evil = replace(every_source()["zhipu_pricing"], parse=parse, quote_count=(1, 1))
    everything = {**every_source(), "zhipu_pricing": evil}
    monkeypatch.setattr(configuration, "every_source", lambda: everything)
    folder = tmp_path / "captures" / "zhipu_pricing"
    folder.mkdir(parents=True)
    (folder / "2026-01-01.[red]\x1b[31m.html").write_bytes(b"1")
    (folder / "2026-01-02.[bold].html").write_bytes(b"2")
    return folder.parent, tmp_path / "data"


def _training(price: Price, evidence: Evidence) -> Quote:
    return Offer("zhipu", HOSTILE, "sft", "lora").quote("training_tokens", price, evidence)


def test_what_a_page_says_cannot_touch_the_terminal(hostile: tuple[Path, Path]) -> None:
    folder, data = hostile
    loaded = ratecard("backfill", folder, "--data-dir", data)
    assert loaded.code == 0
    shown = {"backfill": loaded.out}
    for name, *arguments in (
        ("compare", "--all"),
        ("compare",),
        ("cheapest",),
        ("history", "gpt"),
        ("changes",),
        ("explain", "zhipu", HOSTILE, "training_tokens"),
        ("sql", "select model, printed_text from current_prices"),
    ):
        ran = ratecard(name, *arguments, "--data-dir", data)
        assert (ran.code, ran.err) == (0, "")
        shown[name] = ran.out
    for name, text in shown.items():
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), name
        assert "[red]" in text, f"{name} takes a name for markup"
    assert TAME in shown["sql"]

    unknown = ratecard("explain", "zhipu", f"no {HOSTILE}", "training_tokens", "--data-dir", data)
    assert unknown.code == 1
    assert f"no {TAME}" in unknown.err


def test_a_progress_bar_takes_no_name_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(terminal, "err", Console(file=screen, force_terminal=True, width=80))
    with terminal.progress(2, "backfill", is_shown=True) as step:
        step("[/] [red]2026-01-01\x1b]0;.html")
    assert "[/] [red]2026-01-01\ufffd]0;.html" in screen.getvalue()


def test_the_command_stands_on_the_path_and_tells_its_exit_codes() -> None:
    ran = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "Exit codes: 0 fine, 1 failed, 2 wrongly called, 3 done only in part." in ran.stdout
    for name in (*READING, *WRITING, *NESTED):
        assert re.search(rf"\b{name}\b", ran.stdout)


def test_a_question_does_not_wait_for_dagster(answered: First) -> None:
    asked = """
import sys
from pipeline.cli import app
app(["compare", "--data-dir", sys.argv[1]], standalone_mode=False)
assert "dagster" not in sys.modules
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", asked, answered.folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "openai" in ran.stdout

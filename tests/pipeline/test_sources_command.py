"""`ratecard sources`: what there is, and a look that stores nothing."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.configuration import built_in
from sources._contract import every_source
from tests.pipeline.conftest import (
    ACME,
    BOT_WALL,
    DESCRIBED,
    EXAMPLE,
    TEAM_LIST,
    Ran,
    latest_capture,
    ratecard,
)
from tests.pipeline.loopback import Site, page
from warehouse.store import Store

TRY: Final = ("sources", "try")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site) -> Path:
    """Give a working folder with the files that the docs show, and a site that has the page."""
    (tmp_path / "ratecard.toml").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "team-prices.csv").write_text(TEAM_LIST, encoding="utf-8")
    site.answers["acme_prices"] = page(ACME.encode())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATECARD_MIRROR", site.url)
    return tmp_path


def told(ran: Ran) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(ran.out)
    return answer


@pytest.mark.usefixtures("home")
def test_every_source_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATECARD_MIRROR")
    ran = ratecard("sources", "list", "--json")
    listed = {row["source"]: row for row in json.loads(ran.out)}
    assert [*listed] == sorted([*built_in(), *DESCRIBED])
    assert listed["team_list"] == {
        "source": "team_list",
        "kind": "described",
        "who_speaks": "transcribed",
        "provider": None,
        "url": Path("team-prices.csv").absolute().as_uri(),
        "cadence_hours": 720,
        "quotes": "1 to 500",
        "terms": "0 to 500",
        "unasked": None,
    }
    for name, source in every_source().items():
        assert listed[name]["kind"] == "built in"
        assert (listed[name]["url"], listed[name]["unasked"]) == (source.url, source.unasked)
    assert "acme_prices" in ratecard("sources", "list").out


def test_a_try_shows_what_is_read_and_what_is_left_out(home: Path, site: Site) -> None:
    ran = ratecard(*TRY, "acme_prices", "--json")
    assert (ran.code, ran.err) == (0, "")
    tried = told(ran)
    assert (tried["source"], tried["outcome"], tried["reason"]) == ("acme_prices", "read", None)
    assert [(p["model"], p["availability"], p["unit_price"]) for p in tried["prices"]][:3] == [
        ("acme-9b", "priced", "40"),
        ("acme-9b", "priced", "80"),
        ("acme-9b", "priced", "3.5"),
    ]
    assert [(t["model"], t["value"]) for t in tried["terms"]][:1] == [("acme-9b", "managed")]
    assert [(part["where"], part["what"]) for part in tried["left_out"]] == [
        ("table[0] under 'Inference'", "Model | Input / 1M tokens"),
        ("table[1]", "Since"),
        ("table[1]/tr[4]", "Total"),
    ]
    assert tried["doubts"] == []
    assert site.count("acme_prices") == 1
    assert not (home / "data").exists(), "a try stores nothing"


@pytest.mark.usefixtures("home")
def test_a_try_is_printed_for_people() -> None:
    ran = ratecard(*TRY, "acme_prices", "--limit", "2")
    assert (ran.code, ran.err) == (0, "")
    assert "acme_prices: prices, 8" in ran.out
    assert "... and 6 more; --limit or --json shows them" in ran.out
    assert "acme_prices: doubts, 0: nothing to show" in ran.out
    assert ran.out.endswith("acme_prices: read; nothing was stored\n")
    assert "│ Total" not in ran.out
    assert "│ Total" in ratecard(*TRY, "acme_prices").out


def test_a_saved_page_is_tried_without_asking(home: Path, site: Site) -> None:
    (home / "saved.html").write_text(ACME.replace("40.00", "41.00"), encoding="utf-8")
    tried = told(ratecard(*TRY, "acme_prices", "--file", "saved.html", "--json"))
    assert tried["prices"][0]["unit_price"] == "41"
    assert not site.asked
    assert ratecard(*TRY, "acme_prices", "--file", "none.html").code == 2


def test_what_is_refused_exits_with_1_and_shows_the_tables(home: Path) -> None:
    (home / "saved.html").write_text(ACME.replace("Fine-tuning", "Tuning"), encoding="utf-8")
    ran = ratecard(*TRY, "acme_prices", "--file", "saved.html", "--json")
    assert ran.code == 1
    assert "0 tables fit the description, not 1" in ran.err
    tried = told(ran)
    assert tried["outcome"] == "refused"
    assert tried["reason"] in ran.err
    assert [part["where"] for part in tried["left_out"]] == [
        "table[0] under 'Inference'",
        "table[1] under 'Tuning'",
    ]


def test_what_cannot_be_reached_exits_with_1(home: Path, site: Site) -> None:
    del site.answers["acme_prices"]
    ran = ratecard(*TRY, "acme_prices", "--json")
    assert (ran.code, told(ran)["outcome"]) == (1, "unreachable")
    assert "HTTP 404" in ran.err
    (home / "team-prices.csv").unlink()
    ran = ratecard(*TRY, "team_list")
    assert ran.code == 1
    assert "team-prices.csv cannot be read" in ran.err


def test_what_the_gate_would_hold_exits_with_3(home: Path, site: Site) -> None:
    assert ratecard("refresh", "acme_prices").code == 0
    restated = ACME.replace("/ 1M tokens", "/ 1K tokens")
    site.answers["acme_prices"] = page(restated.encode())
    before = Store(home / "data").digest()
    archive = home / "data" / "archive"
    files = {path: path.read_bytes() for path in archive.rglob("*.*")}

    ran = ratecard(*TRY, "acme_prices", "--json")
    assert (ran.code, ran.err) == (3, "")
    tried = told(ran)
    assert tried["outcome"] == "read"
    assert {"one_factor"} <= {d["rule"] for d in tried["doubts"] if d["severity"] == "hold"}
    assert "4 of 6 prices moved by one factor, 1000" in {d["reason"] for d in tried["doubts"]}
    assert ratecard(*TRY, "acme_prices").code == 3

    assert Store(home / "data").digest() == before
    assert {path: path.read_bytes() for path in archive.rglob("*.*")} == files
    assert not Store(home / "data").waiting()


def test_what_is_set_aside_exits_with_3_and_what_is_accepted_does_not(
    home: Path, site: Site
) -> None:
    dear = ACME.replace("500.00", "50000.00")
    site.answers["acme_prices"] = page(dear.encode())
    ran = ratecard(*TRY, "acme_prices", "--json")
    assert ran.code == 3, "the bounds hold for a first look, too"
    assert [(d["severity"], d["rule"]) for d in told(ran)["doubts"]] == [
        ("set_aside", "out_of_bounds")
    ]
    assert ratecard("refresh", "acme_prices").code == 0
    assert ratecard("review", "accept", "acme_prices", "--why", "it is so").code == 0
    (home / "saved.html").write_text(dear.replace("28", "29"), encoding="utf-8")
    assert ratecard(*TRY, "acme_prices", "--file", "saved.html").code == 0


@pytest.mark.usefixtures("home")
def test_a_built_in_source_shows_the_tables_that_it_does_not_read() -> None:
    ran = ratecard(*TRY, "zhipu_pricing", "--json")
    assert (ran.code, ran.err) == (0, "")
    tried = told(ran)
    assert tried["prices"]
    text = latest_capture("zhipu_pricing").read_text(encoding="utf-8")
    assert all(part["reason"] == "no fact is read from it" for part in tried["left_out"])
    read = {p["printed_text"] for p in tried["prices"]}
    assert all(printed in text for printed in read)


def test_a_page_that_is_none_is_refused_and_told(home: Path) -> None:
    (home / "wall.html").write_bytes(BOT_WALL)
    ran = ratecard(*TRY, "openai_pricing", "--file", home / "wall.html", "--json")
    assert ran.code == 1
    assert told(ran)["left_out"] == []


def test_a_source_that_is_none_or_not_asked_is_a_wrong_call(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = ratecard(*TRY, "acme_price")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("no such source: acme_price; there are acme_prices, aws_")
    monkeypatch.delenv("RATECARD_MIRROR")
    for command in ("refresh", "sources try"):
        ran = ratecard(*command.split(), "azure_openai_page")
        assert (ran.code, ran.out) == (2, "")
        assert "azure_openai_page is not asked: its page fills in its prices by a" in ran.err
    saved = latest_capture("azure_openai_page")
    assert ratecard(*TRY, "azure_openai_page", "--file", saved).code == 0
    assert not (home / "data").exists()

"""A page that changed its unit by mistake: held back, looked at by a person, decided."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest

from pipeline.assets import source_key
from pipeline.configuration import load_setup
from pipeline.definitions import definitions
from tests.pipeline.conftest import ACME, ratecard
from tests.pipeline.loopback import Answer, Site, page
from warehouse.store import Store

SOURCE: Final = "acme_prices"
DATA: Final = Path("data")
# The page says 1K where it said 1M, and the prices stay as they were: each is a thousandfold.
RESTATED: Final = ACME.replace("/ 1M tokens", "/ 1K tokens")
GROWN: Final = ACME.replace(
    "<tr><td>Total",
    "<tr><td>acme-1b</td><td>8.00</td><td>16.00</td><td>1</td><td>Our cloud</td><td>July</td></tr>"
    "<tr><td>Total",
)
REASON: Final = "4 of 6 prices moved by one factor, 1000"
WHY: Final = ("--why", "we asked them")


def refresh(*options: str) -> int:
    return ratecard("refresh", SOURCE, *options).code


def rows(*arguments: object) -> list[dict[str, Any]]:
    ran = ratecard(*arguments, "--json")
    assert (ran.code, ran.err) == (0, "")
    answer: list[dict[str, Any]] = json.loads(ran.out)
    return answer


def health() -> dict[str, Any]:
    (found,) = (row for row in rows("status") if row["source"] == SOURCE)
    return found


def lora_9b() -> tuple[float, bool]:
    """Give the price of one offer as it is believed, and whether it is stale."""
    query = """
        select unit_price::double, is_stale from current_prices
        where source = $source and model = 'acme-9b' and adapter = 'lora'
            and meter = 'training_tokens'
    """
    (found,) = Store(DATA).query(query, {"source": SOURCE}).rows()
    return found  # type: ignore[return-value]


def outcomes() -> list[str]:
    query = "select outcome from looks where source = $source order by position"
    return [outcome for (outcome,) in Store(DATA).query(query, {"source": SOURCE}).rows()]


def turn_bad(site: Site, text: str = RESTATED) -> None:
    site.answers[SOURCE] = page(text.encode())


def test_a_page_that_changed_its_unit_is_held_back(acme: Site) -> None:
    turn_bad(acme)
    ran = ratecard("refresh", SOURCE)
    assert ran.code == 0
    assert f"Waiting for a decision: {SOURCE}; see `ratecard review`." in ran.out
    assert outcomes() == ["read", "quarantined"]
    assert lora_9b() == (40, True), "the last good price stays, and is stale"
    assert health()["state"] == "quarantined"
    assert health()["reason"].startswith(f"{SOURCE}: held back: ")
    assert not rows("changes")

    (waiting, *_) = rows("review")
    assert (waiting["source"], waiting["state"], waiting["severity"], waiting["rule"]) == (
        SOURCE,
        "waiting",
        "hold",
        "one_factor",
    )
    assert waiting["reason"] == REASON
    assert REASON in ratecard("review").out


def test_strict_exits_with_3_while_anything_waits_or_failed(acme: Site) -> None:
    assert refresh("--strict") == 0
    turn_bad(acme)
    assert refresh("--strict") == 3
    del acme.answers[SOURCE]
    assert refresh("--strict") == 3
    turn_bad(acme, ACME)
    assert refresh("--strict") == 0


def test_what_waits_is_shown_beside_what_is_believed(acme: Site) -> None:
    turn_bad(acme)
    refresh()
    shown = rows("review", "show", SOURCE)
    assert [(r["model"], r["adapter"], r["old"], r["new"]) for r in shown] == [
        ("acme-200b", "full", "priced 500 CNY per 1M tokens", "priced 500 CNY per 1K tokens"),
        ("acme-70b", "lora", "priced 120 CNY per 1M tokens", "priced 120 CNY per 1K tokens"),
        ("acme-9b", "full", "priced 80 CNY per 1M tokens", "priced 80 CNY per 1K tokens"),
        ("acme-9b", "lora", "priced 40 CNY per 1M tokens", "priced 40 CNY per 1K tokens"),
    ]
    assert "priced 80 CNY per 1K tokens" in ratecard("review", "show", SOURCE).out


def test_what_is_accepted_is_believed(acme: Site) -> None:
    turn_bad(acme)
    refresh()
    decided = rows("review", "accept", SOURCE, *WHY)
    assert {(row["state"], row["decision"]) for row in decided} == {("accepted", WHY[1])}
    assert lora_9b() == (40_000, False)
    assert health()["state"] == "ok"
    assert {row["cause"] for row in rows("changes")} == {"price_change"}
    assert refresh("--strict") == 0
    assert outcomes()[-1] == "unchanged"
    assert lora_9b() == (40_000, False)


def test_what_is_rejected_stays_out_and_is_not_asked_about_again(acme: Site) -> None:
    turn_bad(acme)
    refresh()
    decided = rows("review", "reject", SOURCE, *WHY)
    assert {(row["state"], row["decision"]) for row in decided} == {("rejected", WHY[1])}
    for text in (RESTATED, RESTATED.replace("</body>", "<p>12:00</p></body>")):
        turn_bad(acme, text)
        ran = ratecard("refresh", SOURCE)
        assert (ran.code, "Waiting" in ran.out) == (0, False)
        assert lora_9b() == (40, True)
        assert health()["state"] == "quarantined"
        assert not [row for row in rows("review") if row["state"] == "waiting"]
    assert refresh("--strict") == 3, "the source is not well"

    turn_bad(acme, ACME.replace("40.00", "41.00"))
    assert refresh("--strict") == 0
    assert lora_9b() == (41, False)


def test_the_next_good_page_heals_the_source(acme: Site) -> None:
    turn_bad(acme)
    refresh()
    turn_bad(acme, GROWN)
    assert refresh("--strict") == 0
    assert outcomes() == ["read", "quarantined", "read"]
    assert health()["state"] == "ok"
    assert lora_9b() == (40, False)
    assert not rows("review")
    (listed,) = {row["model"] for row in rows("changes")}
    assert listed == "acme-1b"
    nothing = ratecard("review", "accept", SOURCE, *WHY)
    assert nothing.code == 1
    assert f"nothing of {SOURCE} is doubted; see `ratecard review`" in nothing.err


def test_a_decision_can_be_taken_back(acme: Site) -> None:
    turn_bad(acme)
    refresh()
    rows("review", "reject", SOURCE, *WHY)
    rows("review", "accept", SOURCE, *WHY)
    assert lora_9b() == (40_000, False)
    rows("review", "reject", SOURCE, *WHY)
    assert lora_9b() == (40, True)


def test_a_decision_outlives_a_rebuild(acme: Site) -> None:
    turn_bad(acme)
    refresh()
    rows("review", "accept", SOURCE, *WHY)
    before = rows("digest")
    rows("rebuild")
    assert rows("digest") == before
    assert lora_9b() == (40_000, False)


def test_a_single_price_is_set_aside_alone(acme: Site) -> None:
    turn_bad(acme, ACME.replace("40.00", "4000.00").replace("120.00", "121.00"))
    assert refresh("--strict") == 3
    assert outcomes() == ["read", "read"]
    assert lora_9b() == (40, True)
    query = "select unit_price::double, is_stale from current_prices where model = 'acme-70b'"
    assert (121, False) in Store(DATA).query(query).rows()
    assert [(row["severity"], row["rule"]) for row in rows("review")] == [("set_aside", "jump")]
    rows("review", "accept", SOURCE, *WHY)
    assert lora_9b() == (4000, False)


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_who_decides_says_why(acme: Site, verdict: str) -> None:
    turn_bad(acme)
    refresh()
    assert ratecard("review", verdict, SOURCE).code == 2
    assert ratecard("review", verdict, "openai_pricing", *WHY).code == 1
    assert lora_9b() == (40, True)


def modified(text: str) -> Answer:
    """Answer like a server that says when its page last changed."""
    whole = page(text.encode(), ETag='"v1"', Last_Modified="Fri, 21 Aug 2026 06:30:00 GMT")

    def answer(asked: BaseHTTPRequestHandler) -> None:
        if asked.headers["If-None-Match"] == '"v1"':
            asked.send_response(304)
            asked.end_headers()
        else:
            whole(asked)

    return answer


def test_a_page_that_did_not_change_is_not_sent_again(acme: Site) -> None:
    acme.answers[SOURCE] = modified(ACME.replace("40.00", "42.00"))
    refresh()
    refresh()
    assert refresh("--strict") == 0
    query = """
        select outcome, etag, last_modified, robots, byte_count
        from looks where source = $source order by position
    """
    first, *others = Store(DATA).query(query, {"source": SOURCE}).rows()
    assert first == ("read", None, None, "not asked (mirror)", len(ACME.encode()))
    known = ('"v1"', "Fri, 21 Aug 2026 06:30:00 GMT", "not asked (mirror)", len(ACME.encode()))
    assert others == [("read", *known), ("unchanged", *known), ("unchanged", *known)]
    shown = [headers.get("if-none-match") for _, headers in acme.asked]
    assert shown == [None, '"v1"', '"v1"']
    assert lora_9b() == (42, False)


@pytest.fixture
def checks(acme: Site) -> Callable[[str], dict[str, tuple[bool, str, str | None]]]:
    """Give what Dagster shows of the source's checks after it saw a page."""

    def look(text: str) -> dict[str, tuple[bool, str, str | None]]:
        turn_bad(acme, text)
        job = definitions(load_setup()).resolve_job_def("look_at_sources")
        with dg.DagsterInstance.ephemeral() as instance:
            ran = job.execute_in_process(
                instance=instance, raise_on_error=False, asset_selection=[source_key(SOURCE)]
            )
        return {
            check.check_name: (check.passed, check.severity.name, check.description)
            for check in ran.get_asset_check_evaluations()
        }

    return look


PASSED: Final = {
    "is_read_whole": (True, "ERROR", None),
    "passes_the_gate": (True, "WARN", None),
}


def test_dagster_shows_what_is_held_back_and_why(
    checks: Callable[[str], dict[str, tuple[bool, str, str | None]]],
) -> None:
    assert checks(ACME) == PASSED
    shown = checks(RESTATED)
    is_whole, severity, reason = shown["is_read_whole"]
    assert (is_whole, severity) == (False, "ERROR")
    assert reason is not None
    assert "held back: " in reason
    passes, severity, reason = shown["passes_the_gate"]
    assert (passes, severity) == (False, "ERROR")
    assert reason is not None
    assert REASON in reason.splitlines()
    assert reason.endswith("See `ratecard review`.")

    rows("review", "reject", SOURCE, *WHY)
    shown = checks(RESTATED)
    assert not shown["is_read_whole"][0]
    passes, severity, reason = shown["passes_the_gate"]
    assert (passes, severity) == (False, "ERROR")
    assert reason is not None
    assert REASON in reason.splitlines()
    assert checks(GROWN) == PASSED


def test_dagster_shows_what_is_set_aside(
    checks: Callable[[str], dict[str, tuple[bool, str, str | None]]],
) -> None:
    jumped = ACME.replace("40.00", "4000.00")
    reason = "acme acme-9b sft lora standard training_tokens: from 40 to 4000, times 100"
    for words in (reason, "facts set aside that wait for a decision: 1"):
        shown = checks(jumped)
        assert shown["is_read_whole"] == PASSED["is_read_whole"]
        assert shown["passes_the_gate"] == (False, "WARN", f"{words}\nSee `ratecard review`.")


def test_dagster_shows_what_was_never_asked_of_the_gate(
    checks: Callable[[str], dict[str, tuple[bool, str, str | None]]],
) -> None:
    assert [*checks("<html>maintenance</html>")] == ["is_read_whole"]

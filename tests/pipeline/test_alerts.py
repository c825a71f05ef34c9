"""Alerts: the rules, what they fire on and what they are silent about."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import polars as pl
import pytest

from pipeline.alerts import KINDS, RESOLD, Alerts, digests, fired, rule_frame
from pipeline.configuration import ConfigurationError, load_setup, read_configuration
from pipeline.messages import line
from pipeline.workloads import Workload, workload_frame
from sources._contract import every_source
from tests.pipeline.conftest import First, latest_capture, ratecard, small_sources
from tests.pipeline.test_backfill import load
from tests.pipeline.test_real_history import captures_of
from tests.warehouse.worlds import World, day, quote, term
from warehouse.captures import Choice, Decision
from warehouse.gate import Limits
from warehouse.store import Store

# Looks of a world become known on these days, each on its own.
FIRST: Final = 1001
EVER: Final = datetime(2020, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
PRICES: Final = ("list_unit_price", "unit_price")
Mode = Literal["check", "replay"]


def alerts(**kinds: dict[str, Any]) -> pl.DataFrame:
    """Give one rule of each kind, called as the kind, as the questions take them."""
    return rule_frame(Alerts.model_validate({kind: {kind: said} for kind, said in kinds.items()}))


def told(
    world: World,
    at: float = 2000,
    since: datetime = EVER,
    mode: Mode = "replay",
    **kinds: dict[str, Any],
) -> pl.DataFrame:
    return fired(world.publish(at), alerts(**kinds), since, mode=mode)


def told_first(events: pl.DataFrame) -> str:
    """Say the first of the events in English."""
    return line(events.row(0, named=True), "en")


def moves(events: pl.DataFrame) -> list[tuple[str, str]]:
    """Give the printed prices before and after of each event."""
    pairs = events.select("old", "new").rows()
    return [tuple(str(side).partition(" ")[0] for side in pair) for pair in pairs]  # type: ignore[misc]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Store(tmp_path / "data"))


def says(world: World, on: float, *rows: dict[str, Any], source: str = "page") -> None:
    """Let a source say rows on a day, and let them be known at once."""
    world.is_live = True
    world.says(on, *rows, source=source)


def priced(world: World, *prices: float | str, first: float = FIRST) -> None:
    """Let the page say one price after another, a day apart."""
    for number, price in enumerate(prices):
        world.says(first + number, quote(price))


# What the rules are.

MISTAKES: Final = """
[alerts.changes.causes]
causes = ["price_chnage"]
[alerts.changes.silent]
causes = ["correction"]
[alerts.changes.names]
providers = ["opnai"]
meters = ["training_token"]
[alerts.changes.typo]
percnt = 5
[alerts.changes.negative]
percent = -5
[alerts.changes.moves]
direction = "sideways"
[alerts.changes.idle]
causes = ["withdrawn"]
percent = 5
[alerts.cheapest.asked]
question = "trainings"
constraints = "availble"
[alerts.break_even.jobs]
workload = "classifer"
requests = 0
[alerts.ends.days]
days = "soon"
[alerts.failing.sources]
sources = "litellm"
[alerts.failing."No Name"]
[alerts.reviews.any]
[alerts.cheapest.missing]
[alerts.changes.empty]
models = []
"""


def test_ten_kinds_of_mistakes_and_more_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ratecard.toml"
    file.write_text(MISTAKES, encoding="utf-8")
    with pytest.raises(ConfigurationError) as mistaken:
        read_configuration(file)
    first, *lines = str(mistaken.value).splitlines()
    expected = [
        ("changes.causes.causes.1: 'price_chnage' is unknown; did you mean 'price_change'?", 3),
        ("changes.silent.causes.1: 'correction' is no change in the world, and never alerted", 5),
        ("changes.names.providers: 'opnai' is unknown; did you mean 'openai'?", 7),
        ("changes.names.meters.1: 'training_token' is unknown; did you mean 'training_tokens'?", 8),
        ("changes.typo.percnt: no such key; did you mean `percent`?", 10),
        ("changes.negative.percent: Input should be greater than 0; write by how many percent", 12),
        ("changes.moves.direction: 'sideways' is unknown; there are any, down, up", 14),
        ("changes.idle.causes: withdrawn moves no price; leave it out, or direction, percent", 16),
        ("cheapest.asked.question: 'trainings' is unknown; did you mean 'training'?", 19),
        ("cheapest.asked.constraints: 'availble' is unknown; did you mean 'available'?", 20),
        ("break_even.jobs.workload: 'classifer' is unknown; did you mean 'classifier'?", 22),
        ("break_even.jobs.requests: Input should be greater than 0; write the requests", 23),
        ("ends.days.days: Input should be a valid integer", 25),
        ("failing.sources.sources: Input should be a valid tuple; write only these sources", 27),
        ("failing.No Name: String should match pattern", 28),
        ("reviews: no such key; did you mean `review`?", 29),
        ("cheapest.missing.question: is missing; add training, paid_training", 30),
        ("changes.empty.models: an empty list asks for nothing; leave it out", 32),
    ]
    assert first == f"{file} has {len(expected)} mistakes, and nothing was done:"
    for said, number in expected:
        (found,) = [one for one in lines if one.startswith(f"  alerts.{said}")]
        assert found.endswith(f" (line {number})"), found


def test_names_of_the_user_s_own_can_be_used(tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratecard.toml").write_text(
        """
        [workloads.mine]
        training_tokens = 1_000
        examples = 10
        requests = 10
        prompt_before = 10
        prompt_after = 10
        completion_tokens = 10
        [constraints.ours]
        hosting = "managed"
        [alerts.cheapest.mine]
        question = "workload:mine"
        constraints = "ours"
        [alerts.break_even.mine]
        workload = "mine"
        requests = 10
        """,
        encoding="utf-8",
    )
    rules = rule_frame(load_setup().alerts)
    assert rules.select("kind", "rule").rows() == [("cheapest", "mine"), ("break_even", "mine")]
    listed = ratecard("alerts", "list")
    assert listed.code == 0
    assert "workload:mine" in listed.out


def test_every_kind_has_its_question_and_its_table() -> None:
    assert [*KINDS] == [*Alerts.model_fields]
    questions = Path("warehouse/sql/questions").glob("alerts_*.sql")
    assert {file.stem for file in questions} == {f"alerts_{kind}" for kind in KINDS}


def test_every_seller_that_a_capture_speaks_of_can_be_named() -> None:
    known = {source.provider for source in every_source().values()} | {*RESOLD}
    for name, source in small_sources().items():
        reading = source.read(latest_capture(name).read_bytes())
        assert {*reading.quotes["provider"], *reading.terms["provider"]} <= known, name


# What fires.


def test_small_steps_add_up_to_an_alert_and_then_count_anew(world: World) -> None:
    priced(world, 100, 102, 104, 106, 108, 110, 112)
    events = told(world, changes={"percent": 5})
    assert moves(events) == [("104", "106"), ("110", "112")]
    assert "(+1.92%); since 2028-10-01" in told_first(events)
    assert "; +6% against 100, from where the rule measures; " in told_first(events)


def test_either_threshold_is_enough(world: World) -> None:
    priced(world, 100, 103, 104, 100)
    assert moves(told(world, changes={"percent": 50, "amount": 4})) == [
        ("103", "104"),
        ("104", "100"),
    ]


def test_a_fall_counts_from_the_dearest_since(world: World) -> None:
    priced(world, 10, 20, 15, 14, 30)
    assert moves(told(world, changes={"direction": "down", "percent": 20})) == [("20", "15")]
    assert moves(told(world, changes={"direction": "down"})) == [("20", "15"), ("15", "14")]
    assert moves(told(world, changes={"direction": "up"})) == [("10", "20"), ("14", "30")]


def test_what_becomes_free_and_what_no_longer_is_moves_by_any_percent(world: World) -> None:
    free = quote(0, availability="free")
    for number, row in enumerate([quote(3), free, quote(2)]):
        says(world, FIRST + number, row)
    events = told(world, changes={"percent": 90})
    assert events["cause"].to_list() == ["became_free", "no_longer_free"]


def test_the_fold_is_that_of_a_loop(world: World) -> None:
    chance = Random(6)  # noqa: S311 no secret
    series = {
        f"m{model}": [chance.choice([2, 3, 4, 5, 8, 9, 10, 11, 12, 20]) for _ in range(12)]
        for model in range(8)
    }
    for number in range(12):
        rows = [quote(prices[number], model=model) for model, prices in series.items()]
        says(world, FIRST + number, *rows)
    store = world.publish()
    for rule in (
        {"percent": 25},
        {"amount": 3},
        {"percent": 60, "amount": 8},
        {"direction": "up", "percent": 50},
        {"direction": "down", "amount": 2},
        {"direction": "down"},
        {},
    ):
        events = fired(store, alerts(changes=rule), EVER, mode="replay")
        at = {
            model: [
                (moment - day(FIRST)).days
                for subject, moment in events.select("subject", "fires_at").rows()
                if f" {model} " in subject
            ]
            for model in series
        }
        assert at == {model: looped(prices, **rule) for model, prices in series.items()}, rule


def looped(
    prices: Sequence[int], percent: float | None = None, amount: float | None = None,
    direction: str = "any",
) -> list[int]:  # fmt: skip
    reference, hits = prices[0], []
    for number, price in enumerate(prices[1:], 1):
        way = {"any": price != reference, "up": price > reference, "down": price < reference}
        reached = [
            percent is not None and abs(100 * price / reference - 100) >= percent - 1e-6,
            amount is not None and abs(price - reference) >= amount,
            percent is None and amount is None,
        ]
        if way[direction] and any(reached):
            hits.append(number)
            reference = price
        elif direction != "any":
            reference = min(reference, price) if direction == "up" else max(reference, price)
    return hits


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ({}, 4),
        ({"providers": ["other"]}, 1),
        ({"models": ["A*"]}, 2),
        ({"models": ["*"]}, 4),
        ({"methods": ["none"]}, 1),
        ({"meters": ["training_tokens"]}, 2),
        ({"terms": ["min_examples"]}, 1),
        ({"terms": ["min_examples"], "meters": ["input_tokens"]}, 2),
        ({"tiers": ["batch"]}, 0),
        ({"sources": ["page"]}, 4),
        ({"sources": ["litellm"]}, 0),
        ({"causes": ["term_change", "withdrawn"]}, 1),
        ({"percent": 50}, 2),
        ({"since": day(FIRST + 2).date()}, 0),
    ],
)
def test_a_rule_fires_on_what_it_asks_for(world: World, rule: dict[str, Any], count: int) -> None:
    for number in range(2):
        says(
            world,
            FIRST + number,
            quote(1 + number),
            quote(10 + number, model="b", meter="input_tokens", tuning_method="none", adapter=None),
            quote(1 + number, model="c", provider="other"),
            term("min_examples", str(10 + number)),
        )
    assert told(world, changes=rule).height == count


# What does not.


def reasons_to_be_silent(world: World) -> None:
    """Let a page do everything that is no news."""
    says(world, FIRST, quote(1000), quote(5, model="b"))
    world.fails(FIRST + 1)
    # back after an outage of weeks, the same
    says(world, FIRST + 30, quote(1000), quote(5, model="b"))
    unit = {"pricing_unit": "1K tokens", "list_unit_price": 1}
    says(world, FIRST + 31, {**quote(1000), **unit}, quote(5, model="b"))
    # the next page has a better parser, which reads the old ones otherwise
    world.parser, world.parser_version = half_as_much, 2
    says(world, FIRST + 32, {**quote(1000), **unit}, quote(5, model="b"), quote(1, model="c"))


def half_as_much(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "unit_price": row["unit_price"] / 2, "list_unit_price": row["list_unit_price"]}


@pytest.mark.parametrize("mode", ["check", "replay"])
def test_nothing_fires_for_what_is_no_change(world: World, mode: Mode) -> None:
    reasons_to_be_silent(world)
    events = told(world, mode=mode, changes={})
    assert events.select("cause", "subject").rows() == [
        ("listed", "seller c sft lora training_tokens")
    ]


def test_a_change_that_only_a_reread_found_is_silent(world: World) -> None:
    misread = quote(1)
    world.parser = lambda row: {**row, **{name: misread[name] for name in PRICES}}
    says(world, FIRST, quote(1))
    says(world, FIRST + 1, quote(2))
    world.parser, world.parser_version = dict, 2
    says(world, FIRST + 2, quote(2), quote(3, model="b"))
    assert told(world, changes={})["cause"].to_list() == ["listed"]


@pytest.mark.parametrize("mode", ["check", "replay"])
def test_a_change_that_is_read_better_is_the_same_event(world: World, mode: Mode) -> None:
    world.parser = half_as_much
    priced(world, 2, 4)
    before = told(world, mode=mode, changes={})
    world.parser, world.parser_version = dict, 2
    says(world, FIRST + 2, quote(4), quote(3, model="b"))
    after = told(world, mode=mode, changes={"causes": ["price_change"]})
    assert before["event_id"].to_list() == after["event_id"].to_list() != []
    assert before["fires_at"].to_list() == after["fires_at"].to_list()


def test_a_quarantined_page_fires_when_it_is_accepted_and_not_before(world: World) -> None:
    world.limits = Limits()
    names = [f"m{number}" for number in range(10)]
    for number, factor in enumerate([1, 1, 3]):
        says(world, FIRST + number, *(quote(factor * 2, model=name) for name in names))
    kinds: dict[str, Any] = {"changes": {}, "review": {}}
    events = told(world, mode="check", **kinds)
    assert events["kind"].to_list() == ["review"]
    assert told_first(events).startswith(
        "a page of page waits for a decision; looked at on 2028-09-30; reason: "
    )
    doubts = world.store.query("select capture_sha256, list(fingerprint) from review group by 1")
    capture, fingerprints = doubts.row(0)
    decision = Decision(
        "page", capture, "accepted", "a real change", day(FIRST + 5), tuple(fingerprints)
    )
    world.store.decide(decision, world.read)
    events = told(world, mode="check", **kinds)
    assert events.select("kind", "cause", "fires_at").unique().rows() == [
        ("changes", "price_change", day(FIRST + 5))
    ]
    assert events.height == 10
    replayed = told(world, **kinds)
    assert replayed["fires_at"].unique().to_list() == [day(FIRST + 2)]


def test_the_past_that_is_backfilled_is_silent_but_in_a_replay(world: World) -> None:
    priced(world, 1, 2, first=0)
    assert told(world, mode="check", changes={}).is_empty()
    assert told(world, mode="replay", changes={}).height == 1


def test_a_first_load_is_silent_also_of_what_it_dates_itself(world: World) -> None:
    says(
        world,
        FIRST,
        quote(1, valid_from=day(FIRST - 10)),
        quote(2, valid_from=day(FIRST - 5)),
        quote(3, valid_from=day(FIRST + 5)),
    )
    assert told(world, changes={}).is_empty()


def test_what_is_announced_fires_when_it_is_said(world: World) -> None:
    says(world, FIRST, quote(1, valid_from=day(0)))
    says(world, FIRST + 1, quote(1, valid_from=day(0)), quote(3, valid_from=day(FIRST + 50)))
    for mode in ("check", "replay"):
        events = told(world, FIRST + 2, mode=mode, changes={"percent": 10})
        assert events.select("cause", "fires_at").rows() == [("announced", day(FIRST + 1))]
        said = "1 → 3 USD per 1M tokens from 2028-11-17 on; known since 2028-09-29"
        assert said in told_first(events)


def test_a_change_of_long_ago_that_a_page_dates_now_is_silent(world: World) -> None:
    for number in range(3):
        says(world, FIRST + number, quote(1, valid_from=day(0)), quote(7, model=f"other{number}"))
    says(world, FIRST + 90, quote(1, valid_from=day(0)), quote(2, valid_from=day(500)))
    assert "price_change" not in told(world, changes={})["cause"].to_list()


def test_a_rename_is_one_event_for_who_asks_about_the_model(world: World) -> None:
    world.limits = Limits()
    others = [quote(price, model=f"other {price}") for price in range(2, 9)]
    for number, name in enumerate(["classifier model 3b", "classifier (3b)"]):
        both = [quote(1, model=name), quote(3, model=name, meter="input_tokens")]
        says(world, FIRST + number, *both, *others)
    for rule, count in (
        ({}, 1),
        ({"models": ["*model 3b"]}, 1),
        ({"models": ["classifier (3b)"], "methods": ["sft"]}, 1),
        ({"methods": ["none"]}, 0),
        ({"models": ["other*"]}, 0),
        ({"percent": 1}, 0),
    ):
        events = told(world, changes=rule)
        assert events.height == count, rule
        if count:
            said = (
                "seller classifier (3b), renamed: classifier model 3b → classifier (3b); since 2028"
            )
            assert told_first(events).startswith(said)


# How it is told.


def test_a_hundred_flapping_changes_are_one_entry(world: World) -> None:
    for minute in range(101):
        says(world, FIRST + minute / 1440 / 2, quote(1 + minute % 2))
    events = told(world, changes={})
    assert events.height == 100
    (entry,) = digests(events).iter_rows(named=True)
    assert (entry["count"], len(entry["events"])) == (100, 100)
    assert entry["digest_id"] == events["event_id"][0]


def test_events_of_other_days_sellers_and_rules_are_other_entries(world: World) -> None:
    for number in range(3):
        rows = [quote(number + 1, provider=seller) for seller in ("one", "two")]
        says(world, FIRST + number, *rows)
    rules = rule_frame(Alerts.model_validate({"changes": {"first": {}, "second": {}}}))
    entries = digests(fired(world.publish(), rules, EVER, mode="replay"))
    assert entries["count"].to_list() == [1] * 8
    assert entries["digest_id"].is_unique().all()


def test_an_event_keeps_its_name_in_every_publication(world: World) -> None:
    priced(world, 1, 2)
    once = told(world, changes={})["event_id"].to_list()
    says(world, FIRST + 5, quote(2), quote(3, model="b"))
    again = told(world, mode="check", changes={"causes": ["price_change"]})["event_id"].to_list()
    assert once == again != []


def test_a_sentence_says_all_of_it(world: World) -> None:
    priced(world, 2, 3)
    said = told_first(told(world, changes={}))
    assert re.fullmatch(
        r"seller a sft lora, training tokens: 2 → 3 USD per 1M tokens \(\+50%\); since 2028-09-29, "
        r"last seen otherwise on 2028-09-28; stated by page, printed “text”, capture [0-9a-f]{12}, "
        r"https://example\.org",
        said,
    ), said


def test_hostile_names_stay_in_their_line(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a\x1b[31m[bold]\n2026-01-01  changes\u202e@everyone"
    says(world, FIRST, quote(1, model=name))
    says(world, FIRST + 1, quote(2, model=name))
    world.publish()
    monkeypatch.chdir(tmp_path)
    Path("ratecard.toml").write_text("[alerts.changes.any]\n", encoding="utf-8")
    arguments = ("alerts", "replay", "--since", "2026-01-01", "--data-dir", tmp_path / "data")
    ran = ratecard(*arguments)
    assert ran.code == 0
    assert not {"\x1b", "\u202e"} & {*ran.out}
    assert len(ran.out.splitlines()) == 2
    (entry,) = json.loads(ratecard(*arguments, "--json").out)
    assert name in entry["events"][0]["subject"]


@pytest.mark.usefixtures("world")
def test_without_rules_nothing_fires(world: World, tmp_path: Path) -> None:
    priced(world, 1, 2)
    world.publish()
    ran = ratecard("alerts", "check", "--data-dir", tmp_path / "data")
    assert (ran.code, ran.out) == (
        0,
        "No rules: write some into ratecard.toml, as docs/alerts.md shows\n",
    )
    ran = ratecard("alerts", "check", "--rule", "mine", "--data-dir", tmp_path / "data")
    assert ran.code == 2
    assert "no rule is called mine" in ran.err


# States, and outcomes.


def test_a_source_that_fails_for_days_fires_until_it_is_back(world: World) -> None:
    priced(world, 1)
    for number in range(1, 6):
        world.fails(FIRST + number)
    rule = {"failing": {"days": 3}}
    early = told(world, at=FIRST + 3.5, mode="check", **rule)
    assert early.is_empty()
    late = told(world, at=FIRST + 5.5, mode="check", **rule)
    assert late.select("subject", "began_at", "fires_at").rows() == [
        ("page", day(FIRST + 1), day(FIRST + 4))
    ]
    assert told_first(late) == (
        "page gives nothing that can be believed (5 looks); since 2028-09-29, the last look on "
        "2028-10-03; reason: no answer; source page, https://example.org"
    )
    says(world, FIRST + 6, quote(1))
    assert told(world, at=FIRST + 7, mode="check", **rule).is_empty()
    replayed = told(world, at=FIRST + 7, **rule)
    assert replayed["event_id"].to_list() == late["event_id"].to_list()
    assert told(world, at=FIRST + 7, since=day(FIRST + 5), **rule).is_empty()


def test_a_price_that_nobody_confirms_fires_after_so_many_days(world: World) -> None:
    priced(world, 1)
    rule = {"unconfirmed": {"days": 10, "meters": ["training_tokens"]}}
    assert told(world, at=FIRST + 9, mode="check", **rule).is_empty()
    assert told_first(told(world, at=FIRST + 12, mode="check", **rule)).startswith(
        "1 price of seller in page not confirmed for 12 days; last confirmed on 2028-09-28; "
        "such as a; stated by page"
    )
    says(world, FIRST + 13, quote(1))
    assert told(world, at=FIRST + 14, mode="check", **rule).is_empty()


@pytest.mark.parametrize(
    ("model", "fires"), [("a", True), ("A*", True), ("b", False), (None, True)]
)
def test_a_shutdown_fires_so_many_days_before(
    world: World, model: str | None, *, fires: bool
) -> None:
    says(world, FIRST, quote(1), term("shutdown_on", str(day(FIRST + 40).date())))
    rule: dict[str, Any] = {"ends": {"days": 30, **({"models": [model]} if model else {})}}
    assert told(world, at=FIRST + 9, mode="check", **rule).is_empty()
    events = told(world, at=FIRST + 11, mode="check", **rule)
    assert events["fires_at"].to_list() == [day(FIRST + 10)] * fires
    if fires:
        said = "seller a sft is shut down on 2028-11-07, in 29 days; stated since 2028-09-28; "
        assert told_first(events).startswith(said)
    assert told(world, at=FIRST + 41, mode="check", **rule).is_empty()
    assert told(world, at=FIRST + 41, **rule).height == fires


def test_a_last_day_for_every_model_is_one_for_mine(world: World) -> None:
    last = term("last_training_on", str(day(FIRST + 5).date()), model="*")
    says(world, FIRST, quote(1), last)
    events = told(world, at=FIRST + 5.5, mode="check", ends={"models": ["a"]})
    assert events["subject"].to_list() == ["seller every model sft"]


def test_a_shutdown_that_is_moved_away_fires_no_more(world: World) -> None:
    for number, days in enumerate([20, 90]):
        says(world, FIRST + number, term("shutdown_on", str(day(FIRST + days).date())), quote(1))
    assert told(world, at=FIRST + 2, mode="check", ends={}).is_empty()
    assert told(world, at=FIRST + 2, ends={})["new"].to_list() == [str(day(FIRST + 20).date())]


def test_two_sources_that_disagree_fire_until_somebody_decides(tmp_path: Path) -> None:
    world = World(Store(tmp_path), page=1, blog=3)
    says(world, FIRST, quote(1))
    says(world, FIRST + 1, quote(2), source="blog")
    events = told(world, at=FIRST + 2, mode="check", disagreements={"sources": ["blog"]})
    assert events["fires_at"].to_list() == [day(FIRST + 1)]
    assert told_first(events).startswith(
        "seller a sft lora, training tokens: page says 1 USD per 1M tokens, blog says 2 USD per 1M "
        "tokens (+100%); since 2028-09-29; stated by page"
    )
    row = world.store.query("select * from disagreements").row(0, named=True)
    what = {name: row[name] for name in Choice.__dataclass_fields__ if name in row}
    chosen = {"source": "page", "reason": "its own", "known_at": day(FIRST + 2)}
    world.store.decide(Choice(**{**what, **chosen, "inputs": tuple(row["inputs"])}), world.read)
    assert told(world, at=FIRST + 3, mode="check", disagreements={}).is_empty()


def test_another_cheapest_offer_fires_and_a_first_look_does_not(tmp_path: Path) -> None:
    world = World(Store(tmp_path), page=1, other=1)
    world.workloads = workload_frame({})
    says(world, FIRST, quote(3), quote(4, model="b"))
    # somebody who is looked at for the first time is cheaper
    says(world, FIRST + 1, quote(2, model="c", provider="else"), source="other")
    says(world, FIRST + 2, quote("2.5"), quote(4, model="b"))
    says(world, FIRST + 9, quote(3), quote(1, model="b"))
    rule = {"cheapest": {"question": "training", "constraints": "listed"}}
    events = told(world, at=FIRST + 10, since=day(FIRST), **rule)
    assert events["fires_at"].to_list() == [day(FIRST + 9)]
    assert told_first(events).startswith(
        "the cheapest for training, USD per 1M tokens, under listed: else c sft lora at 2 → seller "
        "b sft lora at 1; since 2028-10-07, "
    )
    checked = told(world, at=FIRST + 10, since=day(FIRST + 3), mode="check", **rule)
    assert checked["event_id"].to_list() == events["event_id"].to_list()


def test_break_even_that_crosses_a_number_fires_either_way(world: World) -> None:
    job = Workload(
        training_tokens=1_000_000,
        examples=1000,
        epochs=1,
        requests=10_000,
        prompt_before=1000,
        prompt_after=100,
        completion_tokens=100,
    )
    world.workloads = workload_frame({"mine": job})
    base = {"tuning_method": "none", "adapter": None}
    running = [
        quote(1, meter=meter, **kind)
        for meter in ("input_tokens", "output_tokens")
        for kind in (base, {})
    ]
    for number, training in enumerate([10, 10, 1000, 10]):
        says(world, FIRST + number, quote(training), quote(number, model="z"), *running)
    rule = {"break_even": {"workload": "mine", "requests": 5000}}
    events = told(world, at=FIRST + 5, since=day(FIRST), **rule)
    assert events.select("cause", "fires_at").rows() == [
        ("no_longer", day(FIRST + 2)),
        ("pays_back", day(FIRST + 3)),
    ]
    said = told_first(events)
    assert "no longer pays back for mine at 5,000 requests a month: it takes 9" in said
    assert "because of seller a, training tokens: 10 → 1000 USD per 1M tokens (+9,900%)" in said
    assert told(world, since=day(FIRST), break_even={"workload": "mine", "requests": 7}).is_empty()


# The dated captures of real pages.

REAL: Final = {
    "changes": {
        # what running and training a tuned model costs, said by the pages that are dated here
        "tuned_prices": {"methods": ["sft", "dpo", "rft", "unknown"], "percent": 5},
        "tuned_ends": {
            "methods": ["sft", "dpo", "rft"],
            "terms": ["shutdown_on", "last_training_on"],
        },
        "cheaper_prompts": {
            "providers": ["openai"],
            "methods": ["none"],
            "meters": ["input_tokens"],
            "tiers": ["standard"],
            "direction": "down",
            "percent": 10,
        },
        "old_chats": {"providers": ["azure"], "models": ["gpt-3.5-*"], "causes": ["lifecycle"]},
    },
    "review": {"pages": {}},
    "cheapest": {"to_run": {"question": "tuned_inference", "constraints": "listed"}},
}
# What a person finds who lays the pages side by side.
EXPECTED: Final = """
2024-02-26 pages mistral_platform_pricing
2024-04-17 pages mistral_platform_pricing
2024-12-12 old_chats azure gpt-3.5-turbo -> gpt-35-turbo-instruct
2024-12-12 old_chats azure gpt-3.5-turbo-16k -> gpt-35-turbo-16k
2024-12-12 tuned_prices openai gpt-3.5-turbo input_tokens 12 -> 3
2024-12-12 tuned_prices openai gpt-3.5-turbo output_tokens 16 -> 6
2026-01-18 cheaper_prompts openai gpt-3.5-turbo input_tokens 1.5 -> 0.5
2026-01-18 cheaper_prompts openai o1-mini input_tokens 3 -> 1.1
2026-01-18 old_chats azure gpt-3.5-turbo-0125 shutdown_on -> 2025-03-31
2026-01-18 old_chats azure gpt-35-turbo-0125 shutdown_on -> 2025-05-31
2026-01-18 old_chats azure gpt-35-turbo-0613 shutdown_on -> 2025-02-13
2026-01-18 old_chats azure gpt-35-turbo-1106 shutdown_on -> 2025-03-31
2026-01-18 pages litellm
2026-01-18 tuned_prices openai babbage-002 input_tokens 0.4 -> 1.6
2026-01-18 tuned_prices openai babbage-002 output_tokens 0.4 -> 1.6
2026-01-18 tuned_prices openai davinci-002 input_tokens 2 -> 12
2026-01-18 tuned_prices openai davinci-002 output_tokens 2 -> 12
2026-07-06 tuned_ends openai babbage-002 sft shutdown_on -> 2026-10-23
2026-07-06 tuned_ends openai davinci-002 sft shutdown_on -> 2026-10-23
2026-07-06 tuned_ends openai every model sft last_training_on -> 2027-01-06
2026-07-06 tuned_ends openai gpt-3.5-turbo sft shutdown_on -> 2026-10-23
2026-07-06 tuned_ends openai gpt-4 sft shutdown_on -> 2026-10-23
2026-07-06 tuned_ends openai gpt-4.1-nano-2025-04-14 sft shutdown_on -> 2026-10-23
2026-07-06 tuned_ends openai o4-mini-2025-04-16 rft shutdown_on -> 2026-10-23
2026-08-04 to_run tuned_inference under listed
2026-08-04 tuned_prices mistral Classifier API model 3B sft EUR input_tokens 0.04 -> 0.088
2026-08-04 tuned_prices mistral Classifier API model 3B sft EUR output_tokens 0.04 -> 0.088
2026-08-04 tuned_prices mistral Classifier API model 3B sft EUR storage_months 2 -> 1.75
2026-08-04 tuned_prices mistral Classifier API model 3B sft EUR training_tokens 1 -> 0.88
2026-08-04 tuned_prices mistral Classifier API model 3B sft input_tokens 0.04 -> 0.1
2026-08-04 tuned_prices mistral Classifier API model 3B sft output_tokens 0.04 -> 0.1
2026-08-04 tuned_prices mistral Classifier API model 8B sft EUR input_tokens 0.1 -> 0.04
2026-08-04 tuned_prices mistral Classifier API model 8B sft EUR output_tokens 0.1 -> 0.04
2026-08-04 tuned_prices mistral Classifier API model 8B sft input_tokens 0.1 -> 0.04
2026-08-04 tuned_prices mistral Classifier API model 8B sft output_tokens 0.1 -> 0.04
"""
DATED: Final = ("litellm", "openai_deprecations", "mistral_pricing", "mistral_platform_pricing")


def test_a_replay_of_real_pages_is_what_a_person_would_want(tmp_path: Path) -> None:
    files = [file for source in DATED for file in captures_of(source)]
    store = load(tmp_path, files)
    rules = rule_frame(Alerts.model_validate(REAL))
    events = fired(store, rules, EVER, mode="replay")
    lines = [in_short(**event) for event in events.iter_rows(named=True)]
    assert sorted(lines) == EXPECTED.strip().splitlines()
    # all of it was loaded today, long after
    assert fired(store, rules.filter(kind="changes"), EVER, mode="check").is_empty()


def in_short(**event: Any) -> str:  # noqa: ANN401 any column
    parts = [str(event["fires_at"].date()), event["rule"], event["subject"]]
    if event["kind"] == "changes":
        parts += [str(event["old"] or "").partition(" ")[0], "->", event["new"].partition(" ")[0]]
        if event["subject"].endswith(str(event["old"])):
            del parts[3]
    return " ".join(filter(None, parts))


def test_the_examples_of_the_docs_can_be_checked_and_replayed(
    answered: First, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path("docs/alerts.md").read_text(encoding="utf-8")
    (tmp_path / "ratecard.toml").write_text(
        page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    for command in (("check",), ("replay", "--since", "2026-01-01")):
        ran = ratecard("alerts", *command, "--json", "--data-dir", answered.folder)
        assert (ran.code, ran.err) == (0, "")
        entries = json.loads(ran.out)
        # a first load has no news, but it has states
        kinds = {entry["kind"] for entry in entries}
        assert "unconfirmed" in kinds
        assert not kinds & {"changes", "cheapest", "break_even"}
        ids = [event["event_id"] for entry in entries for event in entry["events"]]
        assert len(ids) == len({*ids})

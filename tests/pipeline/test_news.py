"""What is news: one rule for alerts and feeds, whatever the order in which we come to know it."""

from decimal import Decimal
from hashlib import md5
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from pipeline.alerts import Alerts, fired, rule_frame
from pipeline.feeds import feeds
from pipeline.refresh import build
from pipeline.workloads import Workload, workload_frame
from tests.pipeline.conftest import ratecard, with_all
from tests.pipeline.test_alerts import EVER, FIRST, Mode, moves, says, told
from tests.pipeline.test_backfill import load
from tests.pipeline.test_real_history import DATED, captures_of
from tests.warehouse.worlds import URL, World, day, quote, term
from warehouse.captures import Decision, Look
from warehouse.gate import Limits
from warehouse.store import Store

BOTH: Final[tuple[Mode, ...]] = ("check", "replay")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(Store(tmp_path / "data"))
    world.is_live = True
    return world


def loads(world: World, on: float, *rows: dict[str, Any], known: float) -> None:
    """Load from a file what the page said on a day, and know it since another."""
    look = Look("page", day(on), day(known), URL)
    list(world.store.record([(look, world.content(*rows, source="page"))], world.read))


def accepts(world: World, on: float) -> None:
    """Accept on a day all that is held back."""
    world.publish()
    doubts = world.store.query(
        "select source, capture_sha256, list(fingerprint) from review where state = 'waiting' "
        "group by all"
    )
    for source, capture, fingerprints in doubts.rows():
        decision = Decision(source, capture, "accepted", "real", day(on), tuple(fingerprints))
        world.store.decide(decision, world.read)


def in_feed(world: World) -> list[str]:
    """Give the changes that the feeds have as news."""
    found: list[pl.DataFrame] = []

    def faces(ask: Any) -> dict[str, bytes]:  # noqa: ANN401 as the store gives it
        found.append(ask("news", base_models=True).filter("is_news"))
        return feeds(ask, site=None, base_models=True)

    world.publish(faces=faces)
    return sorted(found[0]["change_id"])


def events_of(changes: list[str]) -> list[str]:
    """Give the events of a rule on changes, which is called so, that changes are."""
    names = (f"changes|changes|{change}".encode() for change in changes)
    return sorted(md5(name, usedforsecurity=False).hexdigest() for name in names)


# What is loaded from files, and what is accepted.


def test_last_week_s_capture_that_is_loaded_today_is_silent_with_all_that_follows(
    world: World,
) -> None:
    says(world, FIRST, quote(1))
    says(world, FIRST + 7, quote(1))
    loads(world, FIRST + 3, quote(5), known=FIRST + 8)
    assert told(world, mode="check", changes={}).is_empty()
    assert in_feed(world) == []
    assert moves(told(world, changes={})) == [("1", "5"), ("5", "1")]
    says(world, FIRST + 9, quote(2))
    assert moves(told(world, mode="check", changes={})) == [("1", "2")]
    assert len(in_feed(world)) == 1


def test_what_is_loaded_from_before_a_first_look_makes_no_news_of_it(world: World) -> None:
    says(world, FIRST, quote(2))
    loads(world, FIRST - 1, quote(1), known=FIRST + 1)
    assert told(world, mode="check", changes={}).is_empty()
    assert moves(told(world, changes={})) == [("1", "2")]


def test_a_page_loaded_from_a_file_stays_silent_when_it_is_accepted(world: World) -> None:
    world.limits = Limits()
    names = [f"m{number}" for number in range(10)]
    says(world, FIRST, *(quote(2, model=name) for name in names))
    loads(world, FIRST + 1, *(quote(6, model=name) for name in names), known=FIRST + 2)
    accepts(world, FIRST + 3)
    assert told(world, mode="check", changes={}).is_empty()
    assert told(world, changes={}).height == 10


@pytest.mark.parametrize(("days", "count"), [(29, 10), (31, 0)])
def test_a_live_page_is_news_when_it_is_accepted_within_a_month(
    world: World, days: int, count: int
) -> None:
    world.limits = Limits()
    for number, price in enumerate([2, 6]):
        says(world, FIRST + number, *(quote(price, model=f"m{name}") for name in range(10)))
    accepts(world, FIRST + 1 + days)
    events = told(world, mode="check", changes={})
    assert events["fires_at"].to_list() == [day(FIRST + 1 + days)] * count
    assert len(in_feed(world)) == count


CHEAPEST: Final = {"cheapest": {"question": "training", "constraints": "listed"}}


def dearer(tmp_path: Path) -> World:
    """Let a page rise above another, and be held back for it."""
    world = World(Store(tmp_path), page=1, other=1)
    world.workloads = workload_frame({})
    world.limits = Limits()
    for number in range(2):
        says(world, FIRST + number / 2, quote(4, provider="else", model="c"), source="other")
    for number, factor in enumerate([1, 3]):
        prices = [quote(factor * (2 + name), model=f"m{name}") for name in range(10)]
        says(world, FIRST + 1 + number, *prices)
    return world


def test_another_cheapest_offer_fires_when_the_page_is_accepted(tmp_path: Path) -> None:
    world = dearer(tmp_path)
    week = {"since": day(FIRST + 5), "at": FIRST + 9}
    assert told(world, mode="check", **week, **CHEAPEST).is_empty()
    accepts(world, FIRST + 6)
    events = told(world, mode="check", **week, **CHEAPEST)
    assert events.select("began_at", "fires_at", "provider").rows() == [
        (day(FIRST + 2), day(FIRST + 6), "else")
    ]
    replayed = told(world, at=FIRST + 9, since=day(FIRST), **CHEAPEST)
    assert replayed.select("event_id", "fires_at").rows() == [
        (events["event_id"][0], day(FIRST + 2))
    ]


def test_another_cheapest_offer_of_a_loaded_capture_is_silent(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.workloads = workload_frame({})
    both = [quote(3), quote(4, model="b")]
    for number in (0, 6):
        says(world, FIRST + number, *both)
    loads(world, FIRST + 3, quote(3), quote(1, model="b"), known=FIRST + 7)
    asked: dict[str, Any] = {"at": FIRST + 8, "since": day(FIRST + 1), **CHEAPEST}
    assert told(world, mode="check", **asked).is_empty()
    assert told(world, **asked)["began_at"].to_list() == [day(FIRST + 3), day(FIRST + 6)]


@pytest.mark.parametrize("mode", BOTH)
def test_a_day_that_comes_makes_another_offer_the_cheapest(tmp_path: Path, mode: Mode) -> None:
    world = World(Store(tmp_path))
    world.workloads = workload_frame({})
    last = term("last_training_on", str(day(FIRST + 4).date()))
    for number in range(2):
        says(world, FIRST + number, quote(3), quote(4, model="b"), last)
    rule = {"cheapest": {"question": "training"}}
    events = told(world, at=FIRST + 6, since=day(FIRST + 3), mode=mode, **rule)
    assert events.select("cause", "fires_at").rows() == [("lifecycle", day(FIRST + 5))]
    # who knows of it only when it is over is not told that it comes
    late = World(Store(tmp_path / "late"))
    late.workloads = workload_frame({})
    says(late, FIRST + 0.5, quote(3), quote(4, model="b"))
    loads(late, FIRST + 1, quote(3), quote(4, model="b"), last, known=FIRST + 6)
    found = told(late, at=FIRST + 7, since=day(FIRST + 3), mode=mode, **rule)
    assert found.height == (mode == "replay")


def test_break_even_fires_when_its_cause_is_known_and_is_silent_for_files(world: World) -> None:
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
    world.limits = Limits()

    def page(training: int, running: int) -> list[dict[str, Any]]:
        kinds = ({"tuning_method": "none", "adapter": None}, {})
        meters = ("input_tokens", "output_tokens")
        run = [quote(running, meter=meter, **kind) for meter in meters for kind in kinds]
        return [quote(training), *run, *(quote(running, model=f"m{n}") for n in range(5))]

    says(world, FIRST, *page(10, 1))
    says(world, FIRST + 1, *page(10_000, 3))
    asked: dict[str, Any] = {
        "at": FIRST + 12,
        "since": day(FIRST + 4),
        "break_even": {"workload": "mine", "requests": 5000},
    }
    assert told(world, mode="check", **asked).is_empty()
    accepts(world, FIRST + 5)
    events = told(world, mode="check", **asked)
    assert events.select("cause", "began_at", "fires_at").rows() == [
        ("no_longer", day(FIRST + 1), day(FIRST + 5))
    ]
    world.limits = None
    for number in (6, 8):
        says(world, FIRST + number, *page(10, 1))
    loads(world, FIRST + 7, *page(10_000, 3), known=FIRST + 9)
    later = {**asked, "since": day(FIRST + 5.5)}
    checked = told(world, mode="check", **later)
    assert checked.select("cause", "fires_at").rows() == [("pays_back", day(FIRST + 6))]
    replayed = told(world, **later)
    assert replayed["began_at"].to_list() == [day(FIRST + number) for number in (6, 7, 8)]


# What a second look has to confirm.


@pytest.mark.parametrize("mode", BOTH)
def test_a_change_waits_for_a_second_look_that_agrees(world: World, mode: Mode) -> None:
    rule = {"changes": {"confirm": True}}
    says(world, FIRST, quote(1))
    says(world, FIRST + 1, quote(2))
    world.fails(FIRST + 2)
    (pending,) = told(world, mode=mode, **rule).to_dicts()
    assert (pending["is_pending"], pending["fires_at"]) == (True, day(FIRST + 1))
    says(world, FIRST + 3, quote(2))
    (confirmed,) = told(world, mode=mode, **rule).to_dicts()
    assert (confirmed["is_pending"], confirmed["fires_at"]) == (False, day(FIRST + 3))
    assert confirmed["event_id"] == pending["event_id"]
    # a week later it is still news of the day on which it counted
    assert told(world, since=day(FIRST + 2), mode=mode, **rule).height == 1
    (unasked,) = told(world, mode=mode, changes={}).to_dicts()
    assert (unasked["is_pending"], unasked["fires_at"]) == (False, day(FIRST + 1))


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("prices", "counted"),
    [
        ([1, 2, 1, 1], []),
        ([1, 2, 1, 2, 1, 2, 2], [("1", "2")]),
        ([1, 2, 3, 3], [("2", "3")]),
        ([1, 2, 3, 1, 1], []),
        ([1, 2, 2, 1, 1], [("1", "2"), ("2", "1")]),
        ([1, 2, 1, 3, 3], [("1", "3")]),
    ],
)
def test_what_the_next_look_takes_back_never_was(
    world: World, prices: list[int], counted: list[tuple[str, str]], mode: Mode
) -> None:
    for number, price in enumerate(prices):
        says(world, FIRST + number, quote(price))
    events = told(world, mode=mode, changes={"confirm": True})
    assert moves(events) == counted
    assert not events["is_pending"].any()


def test_what_is_taken_back_moves_no_reference(world: World) -> None:
    for number, price in enumerate([100, 200, 103, 103, 106, 106, 50]):
        says(world, FIRST + number, quote(price))
    events = told(world, changes={"confirm": True, "percent": 5})
    assert [*zip(moves(events), events["is_pending"], strict=True)] == [
        (("103", "106"), False),
        (("106", "50"), True),
    ]
    rising = told(world, changes={"confirm": True, "direction": "up", "percent": 50})
    assert rising.is_empty()


def test_a_price_and_what_is_announced_for_later_confirm_each_by_themselves(world: World) -> None:
    ahead = quote(9, valid_from=day(FIRST + 50))
    since = [quote(1, valid_from=day(0)), quote(2, valid_from=day(FIRST + 1))]
    says(world, FIRST, since[0])
    says(world, FIRST + 1, *since)
    says(world, FIRST + 2, *since, ahead)
    events = told(world, at=FIRST + 3, changes={"confirm": True})
    assert events.select("cause", "is_pending").rows() == [
        ("announced", True),
        ("price_change", False),
    ]


# States at a first load.


@pytest.mark.parametrize("mode", BOTH)
def test_states_that_rest_on_a_single_look_are_marked(tmp_path: Path, mode: Mode) -> None:
    world = World(Store(tmp_path), page=1, blog=3)
    shutdown = term("shutdown_on", str(day(FIRST + 20).date()))
    kinds: dict[str, Any] = {
        "ends": {},
        "unconfirmed": {"days": 1},
        "disagreements": {},
        "failing": {"days": 1},
    }
    says(world, FIRST, quote(1), shutdown, source="page")
    says(world, FIRST + 0.5, quote(2), source="blog")

    def marked(at: float) -> set[tuple[str, bool]]:
        events = told(world, at=at, mode=mode, **kinds)
        return {*events.select("kind", "is_first_load").rows()}

    assert marked(FIRST + 2) == {
        ("ends", True),
        ("unconfirmed", True),
        ("disagreements", True),
    }
    world.fails(FIRST + 3, source="page")
    # only the blog has been looked at once
    assert ("disagreements", True) in marked(FIRST + 3.5)
    world.fails(FIRST + 4, source="blog")
    if mode == "check":
        assert marked(FIRST + 6) == {(kind, False) for kind in kinds}
    else:
        # they began before anybody looked again
        assert ("disagreements", True) in marked(FIRST + 6)
        assert ("failing", False) in marked(FIRST + 6)


def test_check_says_what_a_first_load_brings_and_what_is_pending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(Store(tmp_path / "data"), page=1, blog=1)
    says(world, FIRST, term("shutdown_on", str(day(FIRST + 20).date())), source="blog")
    for price in (1, 2):
        says(world, FIRST + price, quote(price))
    world.publish(FIRST + 3)
    monkeypatch.chdir(tmp_path)
    Path("ratecard.toml").write_text(
        "[alerts.ends.any]\n[alerts.changes.sure]\nconfirm = true\n", encoding="utf-8"
    )
    shown = ratecard("alerts", "check", "--data-dir", tmp_path / "data").out
    assert "\n  (first load) seller a " in shown
    assert "\n  (not confirmed yet) seller a " in shown


def test_a_page_that_waits_is_no_first_load_when_there_was_a_look_before(world: World) -> None:
    world.limits = Limits()
    for number, price in enumerate([2, 6]):
        says(world, FIRST + number, *(quote(price, model=f"m{name}") for name in range(10)))
    assert told(world, mode="check", review={})["is_first_load"].to_list() == [False]


# Announcements, and currencies.


def test_who_was_told_of_an_announced_price_is_told_that_it_is_off(world: World) -> None:
    now, ahead = quote(1, valid_from=day(0)), quote(2, valid_from=day(FIRST + 50))
    says(world, FIRST, now)
    says(world, FIRST + 1, now, ahead)
    rules: list[dict[str, Any]] = [
        {},
        {"percent": 50},
        {"amount": 1},
        {"direction": "down"},
        {"confirm": True, "percent": 20},
    ]
    for rule in rules[:2]:
        assert moves(told(world, FIRST + 2, changes=rule)) == [("1", "2")]
    says(world, FIRST + 3, now)
    for rule in rules:
        events = told(world, FIRST + 4, mode="check", changes=rule)
        assert events.select("cause", "old", "new", "fires_at", "began_at").rows() == [
            ("announced", "2 per 1M tokens", "1 per 1M tokens", day(FIRST + 3), day(FIRST + 50))
        ], rule
    for rule in ({"percent": 60}, {"direction": "up"}):
        assert told(world, FIRST + 4, changes=rule).is_empty()
    assert world.store.query("from price_history").height == 1
    # the day comes, and nothing with it
    says(world, FIRST + 60, now)
    assert told(world, FIRST + 61, changes={}).height == 1


def test_an_announcement_that_is_moved_is_off_on_the_one_day_and_on_at_the_other(
    world: World,
) -> None:
    now = quote(1, valid_from=day(0))
    says(world, FIRST, now)
    for number, on in enumerate([50, 80], start=1):
        says(world, FIRST + number, now, quote(2, valid_from=day(FIRST + on)))
    events = told(world, FIRST + 3, mode="check", changes={})
    found = {(began, *move) for began, move in zip(events["began_at"], moves(events), strict=True)}
    assert found == {(day(FIRST + 50), "2", "1"), (day(FIRST + 80), "1", "2")}


def test_who_was_told_of_an_announced_price_is_told_of_another_one(world: World) -> None:
    now = quote(1, valid_from=day(0))
    said: list[dict[str, Any]] = [
        {},
        {"list_unit_price": Decimal("0.002"), "pricing_unit": "1K tokens"},
        {"list_unit_price": Decimal(3), "unit_price": Decimal(3)},
    ]
    says(world, FIRST, now)
    events = []
    for number, columns in enumerate(said, start=1):
        says(world, FIRST + number, now, {**quote(2, valid_from=day(FIRST + 50)), **columns})
        events.append(told(world, FIRST + 4, mode="check", changes={}))
    assert [sorted(moves(those)) for those in events] == [
        [("1", "2")],
        [("1", "0.002")],
        [("0.002", "3"), ("1", "3")],
    ]
    # that a price is announced is told once, that it is another one is told beside it
    first, again, both = ({*those["event_id"]} for those in events)
    assert first == again < both


def test_a_change_of_currency_has_both(world: World) -> None:
    says(world, FIRST, quote(3))
    says(world, FIRST + 1, quote(20, pricing_currency="CNY"))
    says(world, FIRST + 2, quote(8, model="b"))
    found = world.publish().query("""
        select cause, old_unit_price, old_pricing_currency, new_unit_price, pricing_currency
        from price_changes order by valid_from, model
    """)
    assert found.rows() == [
        ("price_change", Decimal(3), "USD", Decimal(20), "CNY"),
        ("withdrawn", Decimal(20), "CNY", None, "CNY"),
        ("listed", None, None, Decimal(8), "USD"),
    ]


# What is read otherwise.


def test_a_change_that_only_a_better_reading_of_the_page_before_makes_is_silent(
    world: World,
) -> None:
    misread = {name: Decimal(2) for name in ("list_unit_price", "unit_price")}
    world.parser = lambda row: {**row, **misread}
    for number in (1, 2):
        says(world, FIRST + number, quote(number))
    world.parser, world.parser_version = dict, 2
    says(world, FIRST + 3, quote(2), quote(3, model="b"))
    causes = "select cause from price_changes where cause = 'price_change'"
    assert world.publish().query(causes).height == 1
    for mode in BOTH:
        assert told(world, mode=mode, changes={})["cause"].to_list() == ["listed"]


# One rule.


def test_alerts_and_feeds_have_the_same_news(world: World) -> None:
    world.limits = Limits()
    others = [quote(price, model=f"m{price}") for price in range(2, 12)]
    says(world, FIRST, *others, quote(1), quote(9, model="d", valid_from=day(FIRST - 3)))
    says(world, FIRST + 1, *others, quote(2), term("min_examples", "10"))
    says(world, FIRST + 2, *others, quote(2), quote(3, model="late", valid_from=day(FIRST - 40)))
    loads(world, FIRST + 1.5, *others, quote(7), known=FIRST + 2.5)
    says(world, FIRST + 3, *(quote(3 * price, model=f"m{price}") for price in range(2, 12)))
    accepts(world, FIRST + 5)
    world.parser_version = 2
    world.parser = lambda row: {**row, "price_list": "main"} if row["model"] == "m2" else row
    says(world, FIRST + 6, *others, quote(4))
    events = told(world, mode="check", changes={})
    assert events_of(in_feed(world)) == sorted(events["event_id"]) != []


@pytest.fixture(scope="module", params=["live", "loaded"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Look at the real pages on their own days, or load them all today."""
    files = sorted(
        (file for source in DATED for file in captures_of(source)), key=lambda file: file[1]
    )
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "loaded":
        return load(folder, files)
    setup = with_all(folder)
    looks = ((Look(source, at, at, URL), file.read_bytes()) for source, at, (file,) in files)
    for _ in Store(folder).record(looks, setup.read):
        pass
    assert build(setup).is_published
    return Store(folder)


def test_alerts_feeds_and_sql_have_the_same_news_of_real_pages(history: Store) -> None:
    feed = history.ask("news", base_models=True).filter("is_news")
    asked = history.query("select change_id from news() where is_news")
    count = "select count(*) from "
    assert history.query(f"{count} news()").row(0) == history.query(f"{count} price_changes").row(0)
    rules = rule_frame(Alerts.model_validate({"changes": {"changes": {}}}))
    events = {mode: fired(history, rules, EVER, mode=mode) for mode in BOTH}
    expected = events_of(feed["change_id"].to_list())
    assert expected == events_of(asked["change_id"].to_list())
    assert expected == sorted(events["check"]["event_id"])
    # what is looked at on its own day is told then
    is_live = history.folder.name.startswith("live")
    assert bool(expected) == is_live
    replayed = sorted(events["replay"]["event_id"])
    assert replayed != []
    if is_live:
        assert replayed == expected

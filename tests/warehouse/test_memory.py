"""The log of facts: what the gate lets in, what decisions change, what a look adds."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import duckdb
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.warehouse.worlds import START, URL, World, day, quote, statement
from warehouse.captures import ArchiveError, Decision, Entry, Look
from warehouse.gate import Limits, doubts, told
from warehouse.log import Reader, Refusal, Statement
from warehouse.store import Store


class Capture(NamedTuple):
    """What a source said on one day: a price for each model that it listed, or nothing readable."""

    day: int
    prices: Mapping[str, int] | None


def as_bytes(capture: Capture) -> bytes:
    return repr(None if capture.prices is None else sorted(capture.prices.items())).encode()


def read(_: str, content: bytes) -> Statement:
    said = eval(content)  # noqa: S307 the test's own text
    if said is None:
        raise Refusal("unreadable")
    return statement(quote(price, model=model) for model, price in said)


def look_at(number: int, known_at: datetime | None = None) -> Look:
    return Look("page", day(number), known_at or day(1001), URL)


def load(folder: Path, captures: list[Capture]) -> Store:
    return load_into(Store(folder), captures)


def load_into(
    store: Store, captures: list[Capture], reader: Reader = read, first: int = 0
) -> Store:
    looks = [
        (look_at(capture.day, day(1000) + timedelta(minutes=number)), as_bytes(capture))
        for number, capture in enumerate(captures, first)
    ]
    list(store.record(looks, reader))
    return store


def believed(captures: list[Capture], at: float) -> dict[str, int]:
    """Ask the oracle: what the latest readable capture at or before that day said."""
    spoke = [c for c in captures if c.day <= at and c.prices is not None]
    last = max(spoke, key=lambda c: c.day, default=None)
    return dict(last.prices or {}) if last else {}


def as_of(store: Store, valid_at: datetime, known_at: datetime) -> dict[str, int]:
    with store._writing() as db:  # noqa: SLF001 the log is asked without publishing each world
        rows = db.execute(
            "select model, unit_price from prices_as_of($valid_at, $known_at)",
            {"valid_at": valid_at, "known_at": known_at},
        ).fetchall()
    return {model: int(price) for model, price in rows}


PRICES = st.dictionaries(st.sampled_from("abc"), st.integers(1, 3), max_size=3)
WORLDS = st.lists(
    st.builds(Capture, st.integers(0, 6), st.one_of(st.none(), PRICES)),
    min_size=1,
    max_size=7,
    unique_by=lambda capture: capture.day,
)


CAREFUL: Limits = Limits(few=2)


def read_carefully(source: str, content: bytes) -> Statement:
    return read(source, content)._replace(limits=CAREFUL)


def load_carefully(folder: Path, captures: list[Capture]) -> Store:
    return load_into(Store(folder), captures, read_carefully)


def accepted(captures: list[Capture], verdicts: Mapping[str, str]) -> list[Capture]:
    """Judge captures in the order of their days, each against the last one that was accepted.

    `verdicts` has a person's word on a doubt, by its fingerprint, or on a whole capture.
    """
    good: list[Capture] = []
    for capture in sorted(captures, key=lambda c: c.day):
        if capture.prices is None or verdicts.get(sha256_of(capture)) == "rejected":
            continue
        before, now = (facts(c.prices if c else {}) for c in (good[-1] if good else None, capture))
        days = capture.day - good[-1].day if good else 0
        found = doubts(before, now, days, CAREFUL)
        holding = [d.fingerprint for d in found if d.severity == "hold"]
        if all(verdicts.get(fingerprint) == "accepted" for fingerprint in holding):
            good.append(capture)
    return good


def sha256_of(capture: Capture) -> str:
    return hashlib.sha256(as_bytes(capture)).hexdigest()


def facts(prices: Mapping[str, int] | None) -> pl.DataFrame:
    said = statement(quote(price, model=model) for model, price in (prices or {}).items())
    return told(said.quotes, said.terms)


@settings(max_examples=15)
@given(WORLDS, st.randoms(use_true_random=False))
def test_what_the_gate_holds_back_is_the_same_in_whatever_order_captures_come(
    captures: list[Capture], random: Random
) -> None:
    shuffled = list(captures)
    random.shuffle(shuffled)
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        with store.session():
            load_into(store, shuffled, read_carefully)
            World(store).prepare()
            for count in (len(shuffled) // 2, len(shuffled)):
                good = accepted(shuffled[:count], {})
                known_at = day(1000) + timedelta(minutes=count - 1)
                for at in {capture.day for capture in shuffled[:count]}:
                    assert as_of(store, day(at), known_at) == believed(good, at)


@settings(max_examples=10)
@given(WORLDS, st.sampled_from(["accepted", "rejected"]), st.data())
def test_a_decision_is_remembered_by_a_rebuild(
    captures: list[Capture], verdict: str, data: st.DataObject
) -> None:
    readable = [c for c in captures if c.prices is not None]
    assume(readable)
    with TemporaryDirectory() as folder:
        store = load_carefully(Path(folder), captures)
        waiting = store.waiting()
        if waiting:
            ((look, fingerprints),) = waiting
            assert look.looked_at == day(max(c.day for c in readable))
            sha256 = str(look.capture_sha256)
            verdicts = dict.fromkeys(fingerprints, verdict)
        else:
            sha256 = sha256_of(data.draw(st.sampled_from(readable)))
            fingerprints, verdict = (), "rejected"
            verdicts = {sha256: verdict}
        decision = Decision("page", sha256, verdict, "why", day(1500), fingerprints)
        store.decide(decision, read_carefully)
        good = accepted(captures, verdicts)
        with store.session():
            World(store).prepare()
            for at in range(8):
                assert as_of(store, day(at), day(2000)) == believed(good, at)
        before = store.digest()
        store.rebuild(read_carefully)
        assert store.digest() == before


def test_a_decision_holds_until_what_is_said_changes(tmp_path: Path) -> None:
    good, bad = {"a": 1, "b": 2, "c": 3}, {"a": 10, "b": 20, "c": 30}
    store = load_carefully(tmp_path, [Capture(0, good), Capture(1, bad)])
    ((look, fingerprints),) = store.waiting()
    reject = Decision(
        "page", str(look.capture_sha256), "rejected", "units", day(1500), fingerprints
    )
    store.decide(reject, read_carefully)
    assert store.waiting() == []
    # a page with another clock on it, and the same prices
    load_into(store, [Capture(2, {**bad, "d": 4})], read_carefully, 1000)
    assert store.waiting() == []
    load_into(store, [Capture(3, {"a": 20, "b": 40, "c": 60})], read_carefully, 2000)
    ((look, _),) = store.waiting()
    assert look.looked_at == day(3)


def test_accepting_lets_the_pages_after_it_in_too(tmp_path: Path) -> None:
    good, dear = {"a": 1, "b": 2, "c": 3}, {"a": 10, "b": 20, "c": 30}
    later = {"a": 10, "b": 20, "c": 31}
    store = load_carefully(tmp_path, [Capture(0, good), Capture(1, dear), Capture(2, later)])
    first = sha256_of(Capture(1, dear))
    with store._writing() as db:  # noqa: SLF001 the fingerprints of a capture that waits no more
        prints = db.execute(
            "select fingerprint from doubts where capture_sha256 = $sha", {"sha": first}
        ).fetchall()
    word = Decision("page", first, "accepted", "a rise", day(1500), tuple(p for (p,) in prints))
    store.decide(word, read_carefully)
    assert store.waiting() == []
    with store.session():
        World(store).prepare()
        assert as_of(store, day(1), day(2000)) == dear
        assert as_of(store, day(2), day(2000)) == later
        assert as_of(store, day(2), day(1400)) == good


def test_a_fact_set_aside_stays_as_it_was(tmp_path: Path) -> None:
    steady = {"b": 2, "c": 3, "d": 4}
    store = load_carefully(tmp_path, [Capture(0, {"a": 1, **steady})])
    load_into(store, [Capture(1, {"a": 1000, **steady, "e": 5})], read_carefully, 1)
    with store.session():
        World(store).prepare()
        assert as_of(store, day(1), day(2000)) == {"a": 1, **steady, "e": 5}
    ((look, _),) = store.waiting()
    difference = store.difference(look, read_carefully)
    assert difference.select("model", "old", "new").rows() == [
        ("a", "priced 1 USD per 1M tokens", "priced 1000 USD per 1M tokens")
    ]


def dated(*steps: tuple[float, int]) -> list[dict[str, object]]:
    return [quote(price, valid_from=day(since)) for since, price in steps]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_source_that_dates_its_prices_restates_the_past(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    captures = [
        (10, dated((0, 1), (5, 2))),
        (
            20,
            dated((0, 1), (4, 2), (30, 3)),
        ),  # the second price began earlier; a third is announced
        (25, dated((0, 1), (4, 2))),  # the announcement is revoked
    ]
    world = World(Store(tmp_path))
    for number in order:
        on, rows = captures[number]
        world.says(on, *rows)
    world.prepare()

    def price(at: float, known: int = 3) -> dict[str, int]:
        return as_of(world.store, day(at), day(1000 + known))

    assert [price(at) for at in (-1, 0, 3.9, 4, 31)] == [{}, {"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}]
    if order == (0, 1, 2):
        assert price(4.5, known=1) == {"a": 1}
        assert price(4.5, known=2) == {"a": 2}
        assert price(31, known=2) == {"a": 3}


def test_a_quiet_day_adds_a_look_and_no_fact(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1}), Capture(1, {"a": 1, "b": 2})])
    same = as_bytes(Capture(2, {"a": 1, "b": 2}))
    (outcome,) = store.record([(look_at(2), same)], read)
    assert (outcome.outcome, outcome.fact_count) == ("unchanged", 0)


def test_numbers_of_another_engine_are_made_anew(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1, "b": 2})])
    with store._writing() as db:  # noqa: SLF001 as another engine would have left it
        db.execute("update latest set made_by = 'another', subject = xor(subject, 1)")
    (outcome,) = store.record([(look_at(1), as_bytes(Capture(1, {"a": 1, "b": 3})))], read)
    assert outcome.fact_count == 1


def test_the_same_look_twice_is_nothing_new(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    (outcome,) = store.record([(look_at(0), as_bytes(Capture(0, {"a": 1})))], read)
    assert outcome.is_repeat
    assert len(list(store.archive.entries())) == 1


def looks_at(store: Store) -> list[tuple[object, ...]]:
    with store._writing() as db:  # noqa: SLF001 the looks as the log has them
        return db.execute(
            "select * exclude (known_at) from looks order by source, looked_at"
        ).fetchall()


def test_a_runs_looks_that_learn_nothing_are_written_together_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    same, new = as_bytes(Capture(0, {"a": 1})), as_bytes(Capture(0, {"a": 2}))
    failed = replace(look_at(3), error="no answer")
    noted: list[int] = []
    read_bytes: list[bytes] = []
    note = store.archive.note

    def counted(*entries: Entry) -> None:
        noted.append(len(entries))
        note(*entries)

    def seen(source: str, content: bytes) -> Statement:
        read_bytes.append(content)
        return read(source, content)

    monkeypatch.setattr(store.archive, "note", counted)
    looks = [
        (look_at(1), same), (look_at(2), same), (failed, None),
        (look_at(4), new),
        (look_at(5), new), (look_at(5), new), (look_at(6), new),
        # late, and not the last word
        (look_at(2.5), same),
        (look_at(7), new),
    ]  # fmt: skip
    outcomes = list(store.record(looks, seen))
    assert [(o.look.looked_at, o.outcome, o.is_repeat) for o in outcomes] == [
        (day(1), "unchanged", False),
        (day(2), "unchanged", False),
        (day(3), "unreachable", False),
        (day(4), "read", False),
        (day(5), "unchanged", False),
        (day(5), "unchanged", True),
        (day(6), "unchanged", False),
        (day(2.5), "unchanged", False),
        (day(7), "unchanged", False),
    ]
    assert noted == [3, 1, 1, 1, 1, 1]
    assert same not in read_bytes
    assert [position for position, _ in store.archive.entries()] == [*range(1, 10)]
    before = looks_at(store)
    assert sorted(position for position, *_ in before) == [*range(1, 10)]
    store.rebuild(read)
    assert looks_at(store) == before


@pytest.mark.parametrize("finished", [0, 1, 2, 3])
def test_looks_that_were_written_together_and_missed_by_the_log_are_folded_at_the_next_chance(
    tmp_path: Path, finished: int
) -> None:
    same = as_bytes(Capture(0, {"a": 1}))
    whole = load(tmp_path / "whole", [Capture(0, {"a": 1})])
    list(whole.record([(look_at(number), same) for number in (1, 2, 3)], read))
    died = load(tmp_path / "died", [Capture(0, {"a": 1})])
    lines = (
        (tmp_path / "whole" / "archive" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    )
    written = b"".join(lines[: finished + 1]) + (lines[finished + 1][:9] if finished < 3 else b"")
    (tmp_path / "died" / "archive" / "journal.jsonl").write_bytes(written)
    list(died.record([(look_at(number), same) for number in (1, 2, 3)], read))
    assert looks_at(died) == looks_at(whole)
    assert died.digest() == whole.digest()


def test_a_look_that_the_log_missed_is_folded_at_the_next_chance(tmp_path: Path) -> None:
    whole = load(tmp_path / "whole", [Capture(0, {"a": 1}), Capture(1, {"a": 2})])
    died = load(tmp_path / "died", [Capture(0, {"a": 1})])
    content = as_bytes(Capture(1, {"a": 2}))
    kept = died.archive.keep(content)
    died.archive.note(Look("page", day(1), day(1001), URL, kept, byte_count=len(content)))
    list(died.record([], read))
    assert died.digest() == whole.digest()


def test_a_line_that_a_dying_process_left_unfinished_is_dropped(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    journal = tmp_path / "archive" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"source": "page", "looked')
    assert len(list(store.archive.entries())) == 1
    list(store.record([(look_at(1), as_bytes(Capture(1, {"a": 2})))], read))
    assert [look.looked_at for _, look in store.archive.entries()] == [START, day(1)]


def test_a_refused_capture_changes_no_price_and_is_kept(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    before = store.digest()
    bad = as_bytes(Capture(1, None))
    (outcome,) = store.record([(look_at(1), bad)], read)
    assert (outcome.outcome, outcome.error) == ("refused", "unreadable")
    assert store.digest() == before
    assert store.archive.load(sha256_of(Capture(1, None))) == bad


def test_a_reader_that_crashes_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    before = store.digest()

    def crash(_: str, __: bytes) -> Statement:
        good = statement([quote(2)])
        return good._replace(quotes=good.quotes.drop("meter"))

    with pytest.raises(duckdb.ConstraintException, match="CHECK"):
        list(store.record([(look_at(1), b"x")], crash))
    assert store.digest() == before


def test_a_damaged_capture_is_named_and_stops_a_rebuild(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    before = store.digest()
    (kept,) = (tmp_path / "archive" / "captures").rglob("*.zst")
    kept.write_bytes(b"rot")
    with pytest.raises(ArchiveError, match=kept.stem):
        store.rebuild(read)
    assert store.digest() == before


def test_a_rebuild_is_free_of_what_a_dead_process_left_beside_the_file(tmp_path: Path) -> None:
    store = load(tmp_path, [Capture(0, {"a": 1})])
    before = store.digest()
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(file) as dying:
        dying.execute("pragma disable_checkpoint_on_shutdown")
        dying.execute("update facts set unit_price = 7")
    assert file.with_name("warehouse.duckdb.wal").exists()
    assert store.rebuild(read) == 1
    assert store.digest() == before

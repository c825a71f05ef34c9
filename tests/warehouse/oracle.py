"""Worlds that Hypothesis builds, and the model that answers for them by whole snapshots.

A world is one source: a few pages, and what happens to them in the order in which it becomes known.
The model knows nothing of change points: after each event it paints anew what was believed at
every half day. Many worlds share a store, each as a source of its own, so that opening it and
asking it costs once.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, NamedTuple
from unittest.mock import patch

from hypothesis import strategies as st

from tests.warehouse.worlds import URL, World, day, quote, statement, term
from warehouse.captures import Decision, Look
from warehouse.log import Refusal, Statement
from warehouse.store import Store

TERM: Final = "min_examples"
FACTS: Final = ("a", "b", "c", TERM)
# Looks are on whole days, dates that pages state on half ones; beyond both nothing happens.
HALF_DAYS: Final = [half / 2 for half in range(-3, 21)]
UPGRADED: Final = 2


class Row(NamedTuple):
    """A fact as a page has it: a price in dollars, 0 where it is free, none where not offered.

    `since` is the date that the page states beside it.
    """

    fact: str
    value: int | None
    since: float | None


class Page(NamedTuple):
    """What a source shows; `clock` makes other bytes of the same rows."""

    rows: tuple[Row, ...]
    clock: int = 0

    @property
    def content(self) -> bytes:
        """Give the bytes that a look at the page captures."""
        return repr(([tuple(row) for row in self.rows], self.clock)).encode()


Flaw = Literal["none", "misprices", "misses", "refuses", "invents", "undates"]
Verb = Literal["look", "not_modified", "fail", "upgrade", "reread", "reject", "accept"]


class Event(NamedTuple):
    """Something that happens: on a day, with one of the pages."""

    verb: Verb
    on: int
    page: int


class Source(NamedTuple):
    """One world: `flaw` is what the first version of its parser gets wrong."""

    flaw: Flaw
    pages: tuple[Page, ...]
    events: tuple[Event, ...]


Answer = tuple[str, Decimal | None] | str
Snapshot = dict[str, Answer]
Snapshots = dict[float, Snapshot]


def _unique(rows: list[Row]) -> tuple[Row, ...]:
    """Let a page state each fact once, or once for each date."""
    dated = {row.fact for row in rows if row.since is not None}
    kept = {
        (row.fact, row.since): row for row in rows if row.since is not None or row.fact not in dated
    }
    return tuple(kept.values())


DATES: Final = st.one_of(st.none(), st.integers(-2, 17).map(lambda half: half / 2))
ROWS: Final = st.builds(Row, st.sampled_from(FACTS), st.one_of(st.none(), st.integers(0, 3)), DATES)
UNDATED: Final = st.builds(
    Row, st.sampled_from(FACTS), st.one_of(st.none(), st.integers(0, 3)), st.none()
)
PAGES: Final = st.one_of(
    st.builds(Page, st.lists(UNDATED, max_size=4).map(_unique), st.integers(0, 1)),
    st.builds(Page, st.lists(ROWS, max_size=6).map(_unique), st.integers(0, 1)),
)
EVENTS: Final = st.builds(
    Event,
    st.sampled_from((
        *("look",) * 9, "not_modified", "fail", "upgrade", "reread", "reject", "accept",
    )),
    st.integers(0, 6),
    st.integers(0, 2),
)  # fmt: skip
SOURCES: Final = st.builds(
    Source,
    st.sampled_from(("none", "misprices", "misses", "refuses", "invents", "undates")),
    st.lists(PAGES, min_size=1, max_size=3).map(tuple),
    st.lists(EVENTS, min_size=3, max_size=8).map(tuple),
)


def worlds(count: int) -> st.SearchStrategy[list[Source]]:
    """Build so many worlds, to live in one store."""
    return st.lists(SOURCES, min_size=count, max_size=count)


def reading(page: Page, version: int, flaw: Flaw) -> tuple[Row, ...] | None:
    """Give what a version of the parser reads in a page; none where it refuses it."""
    rows = page.rows
    if version >= UPGRADED or flaw == "none":
        return rows
    if flaw == "refuses":
        return None if any(row.fact == "c" for row in rows) else rows
    if flaw == "misses":
        return tuple(row for row in rows if row.fact != "b")
    if flaw == "misprices":
        return tuple(row._replace(value=7) if row.fact == "a" else row for row in rows)
    if flaw == "undates":
        return _unique([row._replace(since=None) for row in rows])
    return (*(row for row in rows if row.fact != "c"), Row("c", 5, None))


class Seen(NamedTuple):
    """A look that captured something, as the model keeps it."""

    on: int
    order: int
    page: Page


class Model:
    """What is known of one source, and so believed: every look, read whole, painted over time."""

    def __init__(self, source: Source) -> None:
        self._flaw: Flaw = source.flaw
        self._seen: list[Seen] = []
        self._rejected: set[Page] = set()
        self._version = 1
        # by which version everything was read; more than one while nothing had to be read anew
        self._read_by = {1}

    def look(self, on: int, page: Page) -> bool:
        """See a page; false where that very look is known already."""
        if any(seen.on == on and seen.page == page for seen in self._seen):
            return False
        before = [seen for seen in self._good(min(self._read_by)) if seen.on <= on]
        is_new = not before or before[-1].page != page
        self._seen.append(Seen(on, len(self._seen), page))
        self._seen.sort()
        if is_new and reading(page, self._version, self._flaw) is not None:
            self._read_by = {self._version}
        elif is_new or any(seen.on > on for seen in self._seen):
            self._read_by |= {self._version}
        return True

    def upgrade(self) -> None:
        """Have a better parser from now on."""
        self._version = UPGRADED

    def reread(self) -> None:
        """Read everything anew."""
        if self._seen:
            self._read_by = {self._version}

    def decide(self, page: Page, *, is_rejected: bool) -> None:
        """Follow a person's word on a page."""
        (self._rejected.add if is_rejected else self._rejected.discard)(page)
        self._read_by = {self._version}

    def is_open(self, page: Page, *, to: Verb) -> bool:
        """Tell whether a person has that to decide on a page: it was seen, or is rejected yet."""
        if to == "accept":
            return page in self._rejected
        return any(seen.page == page for seen in self._seen) and page not in self._rejected

    def last_page(self, on: int) -> Page | None:
        """Give the page that the last look at or before a day saw."""
        before = [seen for seen in self._seen if seen.on <= on]
        return before[-1].page if before else None

    def believed(self) -> list[Snapshots]:
        """Give what may be believed at every half day: one answer, but where it is open yet."""
        return [self._painted(version) for version in sorted(self._read_by)]

    def states(self, version: int) -> dict[str, set[tuple[str, Answer]]]:
        """Give what each page states of any time, by the name of its capture."""
        return {
            hashlib.sha256(seen.page.content).hexdigest(): {
                (row.fact, answer(row)) for row in reading(seen.page, version, self._flaw) or ()
            }
            for seen in self._seen
        }

    def _good(self, version: int) -> list[Seen]:
        return [
            seen
            for seen in self._seen
            if seen.page not in self._rejected
            and reading(seen.page, version, self._flaw) is not None
        ]

    def _painted(self, version: int) -> Snapshots:
        painted: Snapshots = {at: {} for at in HALF_DAYS}
        for seen in self._good(version):
            rows = reading(seen.page, version, self._flaw) or ()
            stated: dict[str, dict[float, Answer]] = {}
            for row in rows:
                since = seen.on if row.since is None else row.since
                stated.setdefault(row.fact, {})[since] = answer(row)
            for fact in FACTS:
                steps = stated.get(fact, {})
                for at in HALF_DAYS:
                    past = [since for since in steps if since <= at]
                    if past:
                        painted[at][fact] = steps[max(past)]
                    elif not steps and at >= seen.on:
                        painted[at].pop(fact, None)
        return painted


def answer(row: Row) -> Answer:
    """Give what a row says, as the warehouse answers it."""
    if row.fact == TERM:
        return str(row.value)
    if row.value is None:
        return ("not_offered", None)
    return ("priced", Decimal(row.value)) if row.value else ("free", None)


def minute(number: float) -> datetime:
    """Give the instant at which the events with this number become known."""
    return day(1000) + timedelta(minutes=number)


class Universe:
    """Many worlds in one store: each event of all of them becomes known before the next one."""

    def __init__(
        self, folder: Path, sources: list[Source], known_from: datetime | None = None
    ) -> None:
        self._known_from = known_from or minute(0)
        self.store = Store(folder)
        self._sources = {f"w{number}": source for number, source in enumerate(sources)}
        self._models = {name: Model(source) for name, source in self._sources.items()}
        self._versions = dict.fromkeys(self._sources, 1)

    def read(self, source: str, content: bytes) -> Statement:
        """Read a capture as the source's parser of the moment does."""
        rows, clock = eval(content)  # noqa: S307 the test's own text
        page = Page(tuple(Row(*row) for row in rows), clock)
        version = self._versions[source]
        said = reading(page, version, self._sources[source].flaw)
        if said is None:
            raise Refusal("unreadable", version)
        return statement(map(_row, said))._replace(parser_version=version)

    def check(self) -> int:
        """Let everything happen, and compare every answer; give how many questions were asked."""
        expected: list[tuple[int, str, list[Snapshots]]] = []
        with patch.object(os, "fsync"), self.store.session():
            for number in range(max(len(s.events) for s in self._sources.values())):
                for name, source in self._sources.items():
                    if number < len(source.events):
                        self._happen(name, number, source.events[number])
                    expected.append((number, name, self._models[name].believed()))
            World(self.store, **dict.fromkeys(self._sources, 1)).prepare()
            asked = {number for number, *_ in expected}
            answers = self._ask(asked)
            for number, name, admissible in expected:
                got = {at: answers.get((number, at, name), {}) for at in HALF_DAYS}
                assert got in admissible, _difference(
                    self._sources[name], number, got, admissible[-1]
                )
            self._check_evidence()
        return len(expected) * len(HALF_DAYS)

    def check_digests(self, folder: Path) -> None:
        """Check that neither a rebuild nor another order of arrival changes what is believed."""
        with patch.object(os, "fsync"):
            self._versions = dict.fromkeys(self._sources, UPGRADED)
            self.store.reparse(None, None, minute(1000), self.read)
            digest = self.store.digest()
            self.store.rebuild(self.read)
            assert self.store.digest() == digest
            other = Store(folder)
            entries = [entry for _, entry in self.store.archive.entries()]
            looks = [entry for entry in entries if isinstance(entry, Look)]
            # two looks at one time are told apart by the order in which they came, and keep it
            looks.sort(key=lambda look: look.looked_at, reverse=True)
            with other.session():
                for look in looks:
                    name = look.capture_sha256
                    content = self.store.archive.load(name) if name else None
                    list(other.record([(look, content)], self.read))
                for entry in entries:
                    if isinstance(entry, Decision):
                        other.decide(entry, self.read)
            assert other.digest() == digest

    def check_revocations(self) -> int:
        """Compare what price_changes has of announcements that were taken back; give how many.

        All is known before any of it holds, so that every price but the first is an announcement.
        """
        beliefs: dict[str, list[tuple[datetime, Snapshots]]] = {name: [] for name in self._models}
        with patch.object(os, "fsync"), self.store.session():
            for number in range(max(len(s.events) for s in self._sources.values())):
                for name, source in self._sources.items():
                    if number < len(source.events):
                        self._happen(name, number, source.events[number])
                        painted = self._models[name].believed()[-1]
                        beliefs[name].append((self._minute(number), painted))
            World(self.store, **dict.fromkeys(self._sources, 1)).prepare()
            self.store.build("price_changes")
            with self.store._writing() as db:  # noqa: SLF001 asked without publishing
                rows = db.execute("""
                    select source, model, date_trunc('minute', known_at), valid_from,
                        old_availability, old_unit_price,
                        new_availability, new_unit_price
                    from price_changes where remark = 'revoked' and cause = 'announced'
                """).fetchall()
        found = {(*row[:4], row[4:6], None if row[6] is None else row[6:8]) for row in rows}
        assert len(found) == len(rows)
        expected = {
            (name, *revoked) for name, told in beliefs.items() for revoked in _revoked(told)
        }
        assert found == expected
        return len(found)

    def _minute(self, number: float) -> datetime:
        return self._known_from + timedelta(minutes=number)

    def _happen(self, name: str, number: int, event: Event) -> None:
        source, model = self._sources[name], self._models[name]
        page = source.pages[event.page % len(source.pages)]
        known_at = self._minute(number)
        look = Look(name, day(event.on), known_at, URL)
        if event.verb == "look":
            (outcome,) = self.store.record([(look, page.content)], self.read)
            assert outcome.is_repeat == (not model.look(event.on, page))
        elif event.verb == "not_modified":
            if (same := model.last_page(event.on)) is not None:
                model.look(event.on, same)
                sha256 = hashlib.sha256(same.content).hexdigest()
                count = len(same.content)
                seen = replace(look, capture_sha256=sha256, byte_count=count)
                list(self.store.record([(seen, None)], self.read))
        elif event.verb == "fail":
            list(self.store.record([(replace(look, error="no answer"), None)], self.read))
        elif event.verb in {"upgrade", "reread"}:
            self._versions[name] = UPGRADED
            model.upgrade()
            if event.verb == "reread":
                self.store.reparse([name], None, known_at, self.read)
                model.reread()
        elif model.is_open(page, to=event.verb):
            is_rejected = event.verb == "reject"
            verdict = "rejected" if is_rejected else "accepted"
            sha256 = hashlib.sha256(page.content).hexdigest()
            self.store.decide(Decision(name, sha256, verdict, "why", known_at), self.read)
            model.decide(page, is_rejected=is_rejected)

    def _ask(self, numbers: set[int]) -> Mapping[tuple[int, float, str], Snapshot]:
        """Put every question to the macros that users ask, all in one query each."""
        answers: dict[tuple[int, float, str], Snapshot] = {}
        for row in self._rows(numbers):
            number, at, source, fact, availability, amount, value = row
            said = value if availability is None else (availability, amount)
            there = answers.setdefault((number, at, source), {})
            assert fact not in there, "one fact has two answers"
            there[fact] = said
        return answers

    def _rows(self, numbers: set[int]) -> Iterator[tuple[int, float, str, str, str, Decimal, str]]:
        with self.store._writing() as db:  # noqa: SLF001 asked without building each table
            values = {
                "numbers": sorted(numbers),
                "known": [minute(number + 0.5) for number in sorted(numbers)],
                "half_days": HALF_DAYS,
                "valid": [day(at) for at in HALF_DAYS],
            }
            db.execute(
                """
                create or replace temp table questions as
                from (select unnest($numbers) as number, unnest($known) as known_at),
                    (select unnest($half_days) as half_day, unnest($valid) as valid_at)
                """,
                values,
            )
            yield from db.execute("""
                select number, half_day, source, model, availability, unit_price, null
                from questions as q,
                    lateral (select * from prices_as_of(q.valid_at, q.known_at))
                union all
                select number, half_day, source, term, null, null, value
                from questions as q,
                    lateral (select * from terms_as_of(q.valid_at, q.known_at))
            """).fetchall()

    def _check_evidence(self) -> None:
        """Check that each fact leads to a capture that states it."""
        with self.store._writing() as db:  # noqa: SLF001 as above
            rows = db.execute("""
                select source, coalesce(term, model), availability, unit_price, value,
                    capture_sha256, parser_version
                from facts where is_listed
            """).fetchall()
        for source, fact, availability, amount, value, sha256, version in rows:
            said = value if availability is None else (availability, amount)
            assert (fact, said) in self._models[source].states(version)[sha256]


def _revoked(told: list[tuple[datetime, Snapshots]]) -> Iterator[tuple[object, ...]]:
    """Give each announced price that another took the place of, and what did, by when."""
    for (_, before), (known_at, after) in pairwise(told):
        for earlier, at in pairwise(HALF_DAYS):
            for fact in FACTS[:-1]:
                was, now = before[at].get(fact), after[at].get(fact)
                was_announced = was is not None and was != before[earlier].get(fact)
                if was_announced and was != now:
                    yield fact, known_at, day(at), was, now


def _row(row: Row) -> dict[str, object]:
    since = None if row.since is None else day(row.since)
    if row.fact == TERM:
        return term(TERM, str(row.value), valid_from=since)
    if row.value:
        return quote(row.value, model=row.fact, valid_from=since)
    availability = "free" if row.value == 0 else "not_offered"
    return quote(None, model=row.fact, valid_from=since, availability=availability)


def _difference(source: Source, number: int, got: Snapshots, wanted: Snapshots) -> str:
    lines = [
        f"  day {at}: {got[at]}, but whole snapshots say {wanted[at]}"
        for at in HALF_DAYS
        if got[at] != wanted[at]
    ]
    return "\n".join([f"{source}", f"as known after event {number}:", *lines])

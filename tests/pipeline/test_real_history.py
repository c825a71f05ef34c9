"""The dated captures of real pages: each change that is listed is a difference of two files."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import polars as pl
import pytest

from pipeline.looking import Found, backfill, find_captures
from sources._contract import Reading, every_source
from tests.pipeline.conftest import CAPTURES, with_all
from tests.pipeline.test_backfill import load
from warehouse.gate import FACT
from warehouse.store import Store

DATED: Final = (
    "litellm",
    "genai_prices",
    "openai_deprecations",
    *(name for name in every_source() if name.startswith("mistral_")),
)
Key = tuple[str | None, ...]
# What is said of a fact, as a change shows it: availability, unit price, value or printed price.
Said = tuple[object, ...]
NOTHING: Final[Said] = (None, None, None)
NEVER: Final = datetime.min  # noqa: DTZ901 before any time in UTC without an offset
_PROVIDER, _MODEL = FACT.index("provider"), FACT.index("model")


class Change(NamedTuple):
    """A change of one fact, listed or found by comparing two files."""

    at: datetime
    old: Said
    new: Said


class Capture(NamedTuple):
    """What one believed capture says of each fact, from when on, oldest first."""

    at: datetime
    facts: dict[Key, list[tuple[datetime, Said]]]

    def now(self, key: Key) -> Said:
        said = [said for since, said in self.facts.get(key, []) if since <= self.at]
        return said[-1] if said else NOTHING

    def then(self, key: Key, at: datetime) -> Said:
        """Give what it says of an earlier time, where it dates what it says."""
        said = [said for since, said in self.facts.get(key, []) if NEVER < since <= at]
        return said[-1] if said else NOTHING


def captures_of(source: str) -> list[tuple[str, datetime, tuple[Path, ...]]]:
    if not CAPTURES.exists():
        pytest.skip("the real captures are not here")
    return [
        found for found in find_captures(CAPTURES, every_source()).captures if found[0] == source
    ]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Store:
    files = [file for source in DATED for file in captures_of(source)]
    return load(tmp_path_factory.mktemp("forward"), files)


def test_in_any_order_real_captures_leave_the_same(history: Store, tmp_path: Path) -> None:
    files = [file for source in DATED for file in captures_of(source)]
    shuffled = Random(4).sample(files, len(files))  # noqa: S311 no secret
    for name, order in (("backward", files[::-1]), ("shuffled", shuffled)):
        backfill(with_all(tmp_path / name), Found(order, []), lambda _: None)
        assert Store(tmp_path / name).digest() == history.digest(), name


@pytest.mark.parametrize("source", DATED)
def test_a_listed_change_is_a_difference_of_two_files(history: Store, source: str) -> None:
    believed = read_as_believed(history, source)
    listed = changes(history, source)
    renamed = {
        (doubt["looked_at"], doubt["provider"], name)
        for doubt in doubts(history, source, "renamed")
        for name in (doubt["model"], doubt["other"])
    }
    seen: set[tuple[Key, Change]] = set()
    for before, after in pairwise(believed):
        for key in before.facts.keys() | after.facts.keys() | listed.keys():
            chain = [c for c in listed.get(key, []) if before.at < c.at <= after.at]
            seen |= {(key, change) for change in chain}
            was, now = before.now(key), after.now(key)
            if key not in before.facts:
                was = after.then(key, before.at)
            if (after.at, key[_PROVIDER], key[_MODEL]) in renamed and NOTHING in {was, now}:
                assert not chain, key
                continue
            # from the one file to the other in steps that join, most often in a single one
            steps = [was, *(said for change in chain for said in (change.old, change.new)), now]
            assert steps[::2] == steps[1::2], key
            assert all(change.old != change.new for change in chain), key
            own_days = {since for since, _ in after.facts.get(key, [])}
            assert {change.at for change in chain} <= {after.at, *own_days}, key
    # what the source dates itself outside the time that was looked at
    last = believed[-1]
    stated = {
        (key, Change(since, old, new))
        for key, steps in last.facts.items()
        for (_, old), (since, new) in pairwise(steps)
        if old != new and not believed[0].at < since <= last.at
    }
    assert {(key, c) for key, those in listed.items() for c in those} - seen == stated


@pytest.mark.parametrize(("source", "count"), [("genai_prices", 6), ("litellm", 2)])
def test_a_listed_rename_is_a_model_with_the_same_prices(
    history: Store, source: str, count: int
) -> None:
    listed = history.query(
        """
        select provider, valid_from, old_value, new_value from price_changes
        where source = $source and remark = 'renamed' and cause = 'lifecycle' order by all
    """,
        {"source": source},
    ).rows()
    assert len(listed) == count
    pairs = {
        after.at: (before, after) for before, after in pairwise(read_as_believed(history, source))
    }
    for provider, at, old, new in listed:
        before, after = pairs[at]

        def prices(capture: Capture, model: str, provider: str = provider) -> dict[Key, Said]:
            return {
                (*key[:_MODEL], *key[_MODEL + 1 :]): capture.now(key)
                for key in capture.facts
                if key[: _MODEL + 1] == (provider, model)
            }

        assert prices(before, old) == prices(after, new) != {}
        assert prices(before, new) == prices(after, old) == {}


def read_as_believed(history: Store, source: str) -> list[Capture]:
    """Read the files again whose captures were believed, oldest first."""
    looks = history.query(
        "select looked_at from looks where source = $source and outcome = 'read'",
        {"source": source},
    )
    believed: list[Capture] = []
    for _, at, (file,) in sorted(captures_of(source)):
        if at not in looks["looked_at"]:
            continue
        facts = stated(every_source()[source].read(file.read_bytes()))
        for doubt in doubts(history, source, severity="set_aside"):
            if doubt["looked_at"] == at:
                # stays as it was
                key = tuple(doubt[name] for name in FACT)
                facts.pop(key)
                if believed and key in believed[-1].facts:
                    facts[key] = believed[-1].facts[key]
        believed.append(Capture(at, facts))
    return believed


def stated(reading: Reading) -> dict[Key, list[tuple[datetime, Said]]]:
    facts: dict[Key, list[tuple[datetime, Said]]] = {}
    for frame in (reading.quotes, reading.terms):
        for row in frame.iter_rows(named=True):
            price, unit = row.get("list_unit_price"), row.get("pricing_unit")
            printed = None if price is None or unit is None else f"{price.normalize():f} per {unit}"
            said = (row.get("availability"), row.get("unit_price"), row.get("value", printed))
            key = tuple(row.get(name) for name in FACT)
            facts.setdefault(key, []).append((row["valid_from"] or NEVER, said))
    return {key: sorted(steps, key=lambda step: step[0]) for key, steps in facts.items()}


def changes(history: Store, source: str) -> dict[Key, list[Change]]:
    """Give the listed changes of each fact in their order; renames are rows of models."""
    rows = history.query(
        f"""
        select
            {", ".join(FACT)}, valid_from, old_availability, old_unit_price, old_value,
            new_availability, new_unit_price, new_value
        from price_changes where source = $source and (meter is not null or term is not null)
        order by all
        """,
        {"source": source},
    ).rows()
    width = len(FACT)
    return {
        key: [Change(row[width], row[width + 1 : width + 4], row[width + 4 :]) for row in those]
        for key, those in groupby(rows, key=lambda row: row[:width])
    }


def doubts(
    history: Store, source: str, rule: str = "%", severity: str = "%"
) -> Iterator[dict[str, Any]]:
    query = """
        select l.looked_at, d.* from doubts as d join looks as l using (position)
        where d.source = $source and rule like $rule and severity like $severity
    """
    values = {"source": source, "rule": rule, "severity": severity}
    answer: pl.DataFrame = history.query(query, values)
    return answer.iter_rows(named=True)

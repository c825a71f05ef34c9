"""Dated captures of one source compared file by file, beside what the history says of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pipeline.configuration import Setup
from pipeline.looking import Found, backfill
from pipeline.refresh import build
from sources._contract import DOCUMENT_END
from warehouse.gate import FACT, told
from warehouse.log import Outcome
from warehouse.store import Store

Capture = tuple[str, datetime, tuple[Path, ...]]
Key = tuple[Any, ...]
Says = dict[str, Any]
_CHANGES = f"""
    select {", ".join(FACT)}, old_availability, new_availability, old_unit_price, new_unit_price,
        case when term is not null then old_value end,
        case when term is not null then new_value end
    from price_changes
    where source = $source and valid_from = $at and remark is distinct from 'renamed'
"""


class Compared(NamedTuple):
    """Two captures of a source that follow one another, and the changes from one to the other.

    `stated` are those that the two files show, `listed` those that the history has: each the
    fact, then what was said before and what is since. `left_out` counts the facts that are in
    neither, since the source dates them itself.
    """

    source: str
    at: datetime
    stated: Counter[Key]
    listed: Counter[Key]
    left_out: int


def loaded(setup: Setup, captures: Sequence[Capture]) -> list[Outcome]:
    """Load captures in the order given; give what came of each."""
    return [outcome for _, outcome in backfill(setup, Found([*captures], []), lambda _: None)]


def compared(setup: Setup, captures: Sequence[Capture]) -> Iterator[Compared]:
    """Load captures, oldest first, and compare those of each source that follow one another."""
    outcomes = loaded(setup, captures)
    assert build(setup).is_published
    store = Store(setup.settings.data_dir)
    states: dict[str, list[_State]] = {}
    for (source, at, files), outcome in zip(captures, outcomes, strict=True):
        if outcome.outcome == "read":
            content = DOCUMENT_END.join(file.read_bytes() for file in files)
            before = states.setdefault(source, [])
            before.append(_state(setup, outcome, at, content, before[-1].said if before else {}))
    for source, told_by in states.items():
        for before, after in pairwise(told_by):
            dated = {key for state in told_by for key in state.dated}
            changes = store.query(_CHANGES, {"source": source, "at": after.at}).rows()
            yield Compared(
                source,
                after.at,
                Counter(_differences(before, after, dated)),
                Counter(row for row in changes if row[: len(FACT)] not in dated),
                len(dated),
            )


class _State(NamedTuple):
    at: datetime
    said: dict[Key, Says]
    dated: set[Key]
    renamed: set[Key]


def _state(
    setup: Setup, outcome: Outcome, at: datetime, content: bytes, before: dict[Key, Says]
) -> _State:
    """Lay out what a capture says; what the gate set aside stays as it was."""
    reading = setup.sources[outcome.look.source].read(content)
    since = pl.concat([reading.quotes["valid_from"], reading.terms["valid_from"]])
    rows = [
        (tuple(row[name] for name in FACT), row)
        for row in told(reading.quotes, reading.terms).rows(named=True)
    ]
    said = dict(rows)
    for doubt in outcome.doubts:
        if doubt.severity == "set_aside":
            said.pop(doubt.fact, None)
            said |= {doubt.fact: before[doubt.fact]} if doubt.fact in before else {}
    dated = {key for (key, _), moment in zip(rows, since, strict=True) if moment is not None}
    renamed = {
        (doubt.fact[0], model)
        for doubt in outcome.doubts
        if doubt.rule == "renamed"
        for model in (doubt.fact[1], doubt.other)
    }
    return _State(at, said, dated, renamed)


def _differences(before: _State, after: _State, dated: set[Key]) -> Iterator[Key]:
    for key in (before.said.keys() | after.said.keys()) - dated:
        old, new = before.said.get(key, {}), after.said.get(key, {})
        # a model that is called otherwise neither came nor went
        if old != new and ((old and new) or key[:2] not in after.renamed):
            said = ("availability", "unit_price", "value")
            yield (*key, *(side.get(name) for name in said for side in (old, new)))

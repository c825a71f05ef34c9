"""One refresh by the command: look at the sources, build the tables, publish; in this process.

These are the steps of Dagster's assets, in their order and without Dagster: its bookkeeping of
a run nobody will look at takes as long as the run.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from pipeline.configuration import Setup
from pipeline.workshop import PUBLICATION, REFERENCE, Workshop
from warehouse.log import Outcome
from warehouse.store import TABLES, dependencies


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: which sources failed, which tables did, and whether it published.

    Each that failed stands with the reason, or none where it only needs another that failed.
    """

    failed_sources: Mapping[str, str | None]
    failed_tables: Mapping[str, str | None]

    @property
    def is_published(self) -> bool:
        """Tell whether readers have the new tables; the last good ones stay where not."""
        return not self.failed_tables


def refresh(
    setup: Setup, names: list[str], on_done: Callable[[str], None] = lambda _: None
) -> Refreshed:
    """Look at these sources and build the tables from all that is known."""
    shop = Workshop(setup, names=names, on_done=on_done)
    try:
        # nobody else waits for our network: the store is taken when the answers are there
        shop.looker.look_at_all()
        with _undisturbed(), shop.store.session():
            return Refreshed(_look(shop, names), _build(shop))
    finally:
        shop.close()


def build(setup: Setup, on_done: Callable[[str], None] = lambda _: None) -> Refreshed:
    """Build the tables from what is known, and publish them, without looking at any source."""
    shop = Workshop(setup, on_done=on_done)
    with _undisturbed(), shop.store.session():
        return Refreshed({}, _build(shop))


def _look(shop: Workshop, names: list[str]) -> Mapping[str, str | None]:
    """Record what the sources say; give those that failed."""
    outcomes: list[Outcome] = []
    with suppress(Exception):
        for outcome in shop.look_at_all():
            outcomes.append(outcome)  # noqa: PERF402 those before one that raises are kept
    faults = {name: _complaint(outcome) for name, outcome in zip(names, outcomes, strict=False)}
    # one raised: now each by itself, so that it is known which, and the others go on
    faults |= {name: _fault(shop.look, name) for name in names[len(outcomes) :]}
    return {name: why for name, why in faults.items() if why}


def _build(shop: Workshop) -> Mapping[str, str | None]:
    """Build every table and publish them; give those steps that failed, or needed one that did."""
    failed: dict[str, str | None] = {}
    steps: list[tuple[str, Callable[[], object], frozenset[str]]] = [
        (REFERENCE, shop.prepare, frozenset())
    ]
    steps += [
        (table, partial(shop.build, table), dependencies(table) | {REFERENCE}) for table in TABLES
    ]
    steps.append((PUBLICATION, shop.publish, frozenset(TABLES)))
    for name, step, needed in steps:
        if needed & failed.keys():
            failed[name] = None
        elif why := _fault(step):
            failed[name] = why
    return failed


def _fault(step: Callable[..., object], *arguments: str) -> str | None:
    """Take a step, and give what went wrong, if it did; the other steps go on."""
    try:
        done = step(*arguments)
    except Exception as error:  # noqa: BLE001 what it is, its step's name stands beside it
        return f"{type(error).__name__}: {error}" if str(error) else repr(error)
    return _complaint(done) if isinstance(done, Outcome) else None


def _complaint(outcome: Outcome) -> str | None:
    return None if outcome.is_good else outcome.error or outcome.outcome


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Spare the garbage collector what is imported: walking it takes a tenth of a refresh."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()

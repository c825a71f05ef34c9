"""The steps of a run, whoever runs them: the command, or Dagster's daemon."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pipeline.configuration import Setup
from pipeline.delivery import Told, deliver
from pipeline.feeds import feeds
from pipeline.looking import Looker, source_list, utc_now
from pipeline.workloads import constraint_frame
from sources._rates import RATES, usd_rates
from warehouse.log import Outcome
from warehouse.store import Ask, Reference, Store

REFERENCE: Final = "reference"
PUBLICATION: Final = "publication"
_HALF_A_LIST: Final = timedelta(days=45)


class Workshop:
    """What the steps of one run share: the setup, the store, and the one look at sources.

    `names` are the sources that are looked at, all that are asked where none is given.
    `on_done` is called with a step's name whenever one is through, well or not.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        names: list[str] | None = None,
        on_done: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.setup = setup
        self.store = Store(setup.settings.data_dir)
        self.on_done = on_done
        self._names = setup.asked if names is None else names
        self._looker: Looker | None = None

    @cached_property
    def waiting_before(self) -> dict[str, tuple[str, ...]]:
        """Give the fingerprints of the doubts that waited for a decision when first asked."""
        return self.waiting()

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Give the fingerprints of the doubts that wait for a decision now, by source."""
        return {look.source: fingerprints for look, fingerprints in self.store.waiting()}

    @property
    def looker(self) -> Looker:
        """Give the looker of this run, made when it is first needed."""
        if self._looker is None:
            self._looker = Looker(self.setup, self._names, self.store.last_seen())
        return self._looker

    def look(self, name: str) -> Outcome:
        """Record what a source says now, and give what came of it."""
        with self._step(name):
            (outcome,) = self.store.record([self.looker.look(name)], self.setup.read)
            return outcome

    def look_at_all(self) -> Iterator[Outcome]:
        """Record what every source says now, and give in their order what came of each.

        Those that say nothing new cost next to nothing, as they are written together.
        """
        looks = map(self.looker.look, self._names)
        recorded = self.store.record(looks, self.setup.read)
        for name, outcome in zip(self._names, recorded, strict=True):
            self.on_done(name)
            yield outcome

    def prepare(self) -> dict[str, int]:
        """Load what the tables need beside the log of facts; give the row counts."""
        with self._step(REFERENCE):
            return self.store.prepare(
                utc_now(),
                reference(self.setup, self.store),
                self.setup.rules,
                version("ratecard"),
            )

    def build(self, table: str) -> int:
        """Build a table; give its row count, or raise `InvalidTable`, and the old one stands."""
        with self._step(table):
            return self.store.build(table)

    def publish(self) -> Path:
        """Swap the tables and the feeds in for the readers; give the file that they open."""
        with self._step(PUBLICATION):
            return self.store.publish(self._feeds)

    def deliver(self) -> list[Told]:
        """Tell every channel what is new and due; give what became of each."""
        return deliver(self.setup, self.store)

    def _feeds(self, ask: Ask) -> dict[str, bytes]:
        settings = self.setup.settings
        site = str(settings.site) if settings.site else None
        return feeds(ask, site=site, base_models=settings.feed_base_models)

    def close(self) -> None:
        """End what the run began."""
        if self._looker is not None:
            self._looker.close()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        try:
            yield
        finally:
            self.on_done(name)


def reference(setup: Setup, store: Store) -> Reference:
    """Give what the tables need beside the log of facts."""
    return Reference(
        source_list(setup),
        usd_rates(_lists_of_rates(store)),
        constraint_sets=constraint_frame(setup.constraints),
        **setup.counted.tables,
    )


def _lists_of_rates(store: Store) -> Iterator[bytes]:
    """Give the bank's lists that together tell of every day, as few as will do."""
    last = None
    for seen_at, digest in store.believed(RATES.name):
        # each tells of 90 days, so that one in 45 leaves no gap that another could fill
        if last is None or last - seen_at >= _HALF_A_LIST:
            yield store.archive.load(digest)
            last = seen_at

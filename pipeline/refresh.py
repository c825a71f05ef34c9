"""One refresh: look at the sources, build the tables, publish; in one process, run by Dagster."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import dagster as dg

from pipeline.assets import Workshop, source_assets, source_key, table_assets
from pipeline.configuration import Setup

# The command says what failed itself; Dagster's own log of it is for the daemon.
_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


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
        with _undisturbed(), shop.store.session(), dg.DagsterInstance.ephemeral() as instance:
            tables = table_assets(setup)
            keys = [source_key(name) for name in names]
            everything = [*keys, *(key for asset in tables for key in asset.keys)]
            failed = _run(instance, [*source_assets(setup), *tables], shop, everything)
            failed_sources = {name: why for name, why in failed.items() if name in names}
            if failed_sources:
                # Dagster skips what lies below a failure, but the tables are made of all that is
                # known, and what failed is known to be so
                return Refreshed(failed_sources, _run(instance, tables, shop))
            return Refreshed({}, failed)
    finally:
        shop.close()


def build(setup: Setup, on_done: Callable[[str], None] = lambda _: None) -> Refreshed:
    """Build the tables from what is known, and publish them, without looking at any source."""
    shop = Workshop(setup, on_done=on_done)
    with _undisturbed(), shop.store.session(), dg.DagsterInstance.ephemeral() as instance:
        return Refreshed({}, _run(instance, table_assets(setup), shop))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Spare the garbage collector what is imported: walking it takes a tenth of a refresh."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _run(
    # an instance of the command's own: DAGSTER_HOME, where it is set, belongs to the daemon
    instance: dg.DagsterInstance,
    assets: list[dg.AssetsDefinition],
    shop: Workshop,
    keys: list[dg.AssetKey] | None = None,
) -> Mapping[str, str | None]:
    """Materialise assets in this process, and give those that failed with the reason."""
    result = dg.materialize(
        assets,
        instance=instance,
        resources={"workshop": dg.ResourceDefinition.hardcoded_resource(shop)},
        run_config=_QUIET,
        selection=keys,
        raise_on_error=False,
    )
    asked = {key for asset in assets for key in asset.keys if keys is None or key in keys}
    done = {event.asset_key for event in result.get_asset_materialization_events()}
    reasons = {
        event.step_key: (error.cause or error).message.strip()
        for event in result.get_step_failure_events()
        if (error := event.step_failure_data.error)
    }
    return {key.path[-1]: reasons.get(key.to_python_identifier()) for key in sorted(asked - done)}

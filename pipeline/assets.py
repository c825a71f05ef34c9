"""The assets: one per source, one per table, and the publication that readers see."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any, Final

import dagster as dg

from pipeline.looking import Looker, read_capture, source_list, utc_now
from pipeline.settings import Settings, load_settings
from sources._contract import Source, every_source
from sources._rates import usd_rates
from warehouse.schemas import SCHEMAS
from warehouse.store import TABLES, InvalidTable, Store, dependencies, table_comment

_POOL: Final = "warehouse"
REFERENCE: Final = dg.AssetKey(["warehouse", "reference"])
PUBLICATION: Final = dg.AssetKey(["warehouse", "publication"])


class Workshop:
    """What every asset of one run shares: the settings, the store, and the one look at sources.

    `on_done` is called with an asset's name whenever one is through, well or not.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        names: list[str] | None = None,
        on_done: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self.store = Store(settings.data_dir)
        self.on_done = on_done
        self._names = asked_sources() if names is None else names
        self._looker: Looker | None = None

    @property
    def looker(self) -> Looker:
        """Give the looker of this run, made when it is first needed."""
        if self._looker is None:
            self._looker = Looker(self.settings, self._names, self.store.last_seen())
        return self._looker

    def close(self) -> None:
        """End what the run began."""
        if self._looker is not None:
            self._looker.close()


@dg.resource(description="The store in the data folder, and the client that asks the sources.")
def workshop(_: dg.InitResourceContext) -> Iterator[Workshop]:
    """Open the workshop for a run of the scheduler, with settings from the environment."""
    opened = Workshop(load_settings())
    try:
        yield opened
    finally:
        opened.close()


def asked_sources() -> list[str]:
    """Name the sources that are looked at: all but those read from saved captures alone."""
    return [name for name, source in every_source().items() if source.unasked is None]


def source_key(name: str) -> dg.AssetKey:
    """Give the key of a source's asset."""
    return dg.AssetKey(["sources", name])


def table_key(name: str) -> dg.AssetKey:
    """Give the key of a table's asset."""
    return dg.AssetKey(["tables", name])


def _source_asset(source: Source) -> dg.AssetsDefinition:
    least, most = source.quote_count

    @dg.asset(
        key=source_key(source.name),
        group_name="sources",
        description=f"{source.description}. Asked at {source.url}.",
        kinds={"python", "json" if source.url.endswith(".json") else "html"},
        metadata={
            "url": dg.MetadataValue.url(source.url),
            "rank": source.rank.name.lower(),
            "cadence": str(source.cadence),
            "expected quotes": f"{least} to {most}",
            "parser version": source.parser_version,
        },
        required_resource_keys={"workshop"},
        pool=_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "is_read_whole",
                asset=source_key(source.name),
                description="The capture was read, passed its schemas and has the expected size.",
            )
        ],
    )
    def look(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        shop: Workshop = context.resources.workshop
        try:
            (outcome,) = shop.store.record([shop.looker.look(source.name)], read_capture)
        finally:
            shop.on_done(source.name)
        is_good = outcome.is_good
        yield dg.AssetCheckResult(
            check_name="is_read_whole",
            passed=is_good,
            severity=dg.AssetCheckSeverity.ERROR,
            description=outcome.error,
        )
        if not is_good:
            raise dg.Failure(outcome.error or outcome.outcome, allow_retries=False)
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": (outcome.quote_count or 0) + (outcome.term_count or 0),
                "outcome": outcome.outcome,
                "quotes": outcome.quote_count or 0,
                "terms": outcome.term_count or 0,
                "new facts": outcome.fact_count,
                "capture": outcome.look.capture_sha256 or "",
            }
        )

    return look


@dg.asset(
    key=REFERENCE,
    group_name="warehouse",
    description="Which names are the same model, the sources, the exchange rates, and the macros.",
    kinds={"duckdb", "csv"},
    deps=[source_key(name) for name in asked_sources()],
    required_resource_keys={"workshop"},
    pool=_POOL,
)
def reference(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Load what the tables need beside the log of facts."""
    shop: Workshop = context.resources.workshop
    counts = shop.store.prepare(
        utc_now(), source_list(), usd_rates(), shop.settings.trusted_days, version("ratecard")
    )
    shop.on_done("reference")
    return dg.MaterializeResult(metadata={f"rows of {name}": n for name, n in counts.items()})


def _table_asset(table: str) -> dg.AssetsDefinition:
    columns = SCHEMAS[table].to_schema().columns

    @dg.asset(
        key=table_key(table),
        group_name="tables",
        description=table_comment(table).capitalize() + ".",
        kinds={"duckdb", "sql"},
        deps=[REFERENCE, *(table_key(name) for name in sorted(dependencies(table) & {*TABLES}))],
        metadata={
            "dagster/column_schema": dg.TableSchema(
                [dg.TableColumn(name, str(column.dtype)) for name, column in columns.items()]
            )
        },
        required_resource_keys={"workshop"},
        pool=_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "fits_its_schema",
                asset=table_key(table),
                description="Every row passed the table's schema before it replaced the old.",
            )
        ],
    )
    def build(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        shop: Workshop = context.resources.workshop
        try:
            row_count = shop.store.build(table)
        except InvalidTable as error:
            yield dg.AssetCheckResult(
                check_name="fits_its_schema", passed=False, description=str(error)
            )
            raise dg.Failure(str(error), allow_retries=False) from error
        finally:
            shop.on_done(table)
        yield dg.AssetCheckResult(check_name="fits_its_schema", passed=True)
        yield dg.MaterializeResult(metadata={"dagster/row_count": row_count})

    return build


@dg.asset(
    key=PUBLICATION,
    group_name="warehouse",
    description="The one file that readers open, swapped in when every table is built.",
    kinds={"duckdb"},
    deps=[table_key(table) for table in TABLES],
    required_resource_keys={"workshop"},
    pool=_POOL,
)
def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Publish the tables."""
    shop: Workshop = context.resources.workshop
    published = shop.store.publish()
    shop.on_done("publication")
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(published),
            "bytes": published.stat().st_size,
        }
    )


SOURCE_ASSETS: Final = [_source_asset(every_source()[name]) for name in asked_sources()]
TABLE_ASSETS: Final = [reference, *(_table_asset(table) for table in TABLES), publication]

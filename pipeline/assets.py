"""The assets: one per source, one per table, and the publication that readers see."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

import dagster as dg

from pipeline.configuration import Setup
from pipeline.workshop import Workshop
from sources._contract import Source
from warehouse.log import Outcome
from warehouse.schemas import COLUMNS, SCHEMAS
from warehouse.store import TABLES, InvalidTable, dependencies, table_comment

_POOL: Final = "warehouse"
_KINDS: Final = {".json": "json", ".csv": "csv", ".md": "markdown"}
REFERENCE: Final = dg.AssetKey(["warehouse", "reference"])
PUBLICATION: Final = dg.AssetKey(["warehouse", "publication"])
ALERTS: Final = dg.AssetKey(["alerts", "delivery"])


def workshop(setup: Setup) -> dg.ResourceDefinition:
    """Make the resource that opens a workshop for each run of the scheduler."""

    @dg.resource(description="The store in the data folder, and the client that asks the sources.")
    def opened(_: dg.InitResourceContext) -> Iterator[Workshop]:
        shop = Workshop(setup)
        try:
            yield shop
        finally:
            shop.close()

    return opened


def source_key(name: str) -> dg.AssetKey:
    """Give the key of a source's asset."""
    return dg.AssetKey(["sources", name])


def table_key(name: str) -> dg.AssetKey:
    """Give the key of a table's asset."""
    return dg.AssetKey(["tables", name])


def source_assets(setup: Setup) -> list[dg.AssetsDefinition]:
    """Make an asset of each source that is asked."""
    return [_source_asset(setup.sources[name]) for name in setup.asked]


def table_assets(setup: Setup) -> list[dg.AssetsDefinition]:
    """Make an asset of each table, of what they need, their publication, and who is told."""
    return [_reference(setup), *map(_table_asset, TABLES), _publication(), _alerts()]


def _source_asset(source: Source) -> dg.AssetsDefinition:
    least, most = source.quote_count
    key = source_key(source.name)

    @dg.asset(
        key=key,
        group_name="sources",
        description=f"{source.description}. Asked at {source.url}.",
        kinds={"python", _KINDS.get(PurePosixPath(source.url).suffix, "html")},
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
                asset=key,
                description="The capture was read, passed its schemas, has the expected size, "
                "and is believed.",
            ),
            dg.AssetCheckSpec(
                "passes_the_gate",
                asset=key,
                description="Nothing in the capture waits for a person's decision.",
            ),
        ],
    )
    def look(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        shop: Workshop = context.resources.workshop
        outcome = shop.look(source.name)
        is_good = outcome.is_good
        yield dg.AssetCheckResult(
            check_name="is_read_whole",
            passed=is_good,
            severity=dg.AssetCheckSeverity.ERROR,
            description=outcome.error,
        )
        if outcome.outcome in {"read", "unchanged", "quarantined"}:
            yield _gate_check(outcome, shop)
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


def _gate_check(outcome: Outcome, shop: Workshop) -> dg.AssetCheckResult:
    """Tell what waits for a decision: it holds the capture back, or sets single facts aside."""
    source = outcome.look.source
    if outcome.outcome == "unchanged":
        count = len(shop.waiting_before.get(source, ()))
        reasons = [f"facts set aside that wait for a decision: {count}"] if count else []
    elif all(doubt.severity == "flag" for doubt in outcome.doubts):
        reasons = []
    else:
        held = [d for d in outcome.doubts if d.severity == "hold" and not outcome.is_good]
        waiting = shop.waiting().get(source, ())
        aside = [d for d in outcome.doubts if d.severity != "hold" and d.fingerprint in waiting]
        reasons = [doubt.reason for doubt in (*held, *aside)]
    return dg.AssetCheckResult(
        check_name="passes_the_gate",
        passed=not reasons,
        severity=dg.AssetCheckSeverity.WARN if outcome.is_good else dg.AssetCheckSeverity.ERROR,
        description="\n".join([*reasons, "See `ratecard review`."]) if reasons else None,
    )


def _reference(setup: Setup) -> dg.AssetsDefinition:
    @dg.asset(
        key=REFERENCE,
        group_name="warehouse",
        description="Which names are the same model, the sources, the exchange rates, "
        "and the macros.",
        kinds={"duckdb", "csv"},
        deps=[source_key(name) for name in setup.asked],
        required_resource_keys={"workshop"},
        pool=_POOL,
    )
    def reference(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        shop: Workshop = context.resources.workshop
        counts = shop.prepare()
        return dg.MaterializeResult(metadata={f"rows of {name}": n for name, n in counts.items()})

    return reference


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
                [
                    dg.TableColumn(
                        name,
                        str(column.dtype),
                        description=COLUMNS.get(f"{table}.{name}", COLUMNS.get(name)),
                    )
                    for name, column in columns.items()
                ]
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
            row_count = shop.build(table)
        except InvalidTable as error:
            yield dg.AssetCheckResult(
                check_name="fits_its_schema", passed=False, description=str(error)
            )
            raise dg.Failure(str(error), allow_retries=False) from error
        yield dg.AssetCheckResult(check_name="fits_its_schema", passed=True)
        yield dg.MaterializeResult(metadata={"dagster/row_count": row_count})

    return build


def _publication() -> dg.AssetsDefinition:
    @dg.asset(
        key=PUBLICATION,
        group_name="warehouse",
        description="The one file that readers open, and the feeds, swapped in when all is built.",
        kinds={"duckdb"},
        deps=[table_key(table) for table in TABLES],
        required_resource_keys={"workshop"},
        pool=_POOL,
    )
    def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        shop: Workshop = context.resources.workshop
        published = shop.publish()
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(published),
                "bytes": published.stat().st_size,
            }
        )

    return publication


def _alerts() -> dg.AssetsDefinition:
    @dg.asset(
        key=ALERTS,
        group_name="alerts",
        description="What is new in the publication, told to every channel of ratecard.toml, once.",
        kinds={"python", "duckdb"},
        deps=[PUBLICATION],
        required_resource_keys={"workshop"},
        check_specs=[
            dg.AssetCheckSpec(
                "all_is_delivered",
                asset=ALERTS,
                description="Every channel took what it was sent; what it did not, is tried again.",
            )
        ],
    )
    def delivery(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        shop: Workshop = context.resources.workshop
        told = shop.deliver()
        failed = [
            f"{one.channel}: {one.undelivered_count} wait: {one.error}"
            for one in told
            if one.undelivered_count
        ]
        yield dg.AssetCheckResult(
            check_name="all_is_delivered",
            passed=not failed,
            severity=dg.AssetCheckSeverity.WARN,
            # shown as Markdown, in which an empty line parts paragraphs
            description="\n\n".join([*failed, "See `ratecard alerts outbox`."]) if failed else None,
        )
        yield dg.MaterializeResult(metadata={f"told {one.channel}": one.count for one in told})

    return delivery

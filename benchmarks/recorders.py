"""Each engine's way to remember a snapshot, in a process of its own that memory.py asks in turn.

`python recorders.py NAME FOLDER` reads lines of `day file.parquet` and answers each with the
seconds that recording took, the file opened and closed for it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

KEY = ["provider", "model", "tuning_method", "adapter", "service_tier", "region", "meter"]
SAYS = ["availability", "list_unit_price", "pricing_unit", "pricing_currency", "unit_price"]
_START = datetime(2026, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
# What one day of one engine is: its snapshot, as read from that file.
Recorder = Callable[[int, pa.Table, Path], None]


def day(number: int) -> datetime:
    """Give the instant of a day of the market."""
    return _START + timedelta(days=number)


def ratecard(folder: Path, *, is_judged: bool = False) -> Recorder:
    """Archive the look and fold it into the log of facts."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import polars as pl

    from sources._contract import _TERM_SCHEMA as TERMS
    from warehouse.captures import Look
    from warehouse.gate import Limits
    from warehouse.log import Statement
    from warehouse.store import Store

    store = Store(folder)
    limits = Limits() if is_judged else None

    def record(number: int, table: pa.Table, _: Path) -> None:
        said = Statement(pl.DataFrame(table), pl.DataFrame(schema=TERMS), 1, limits)
        look = Look("page", day(number), day(number), "https://example.org")
        (outcome,) = store.record([(look, b"day %d" % number)], lambda *_: said)
        assert outcome.outcome == "read", outcome.error

    return record


def ratecard_judged(folder: Path) -> Recorder:
    """Do the same, with the gate that doubts a capture before it is believed."""
    return ratecard(folder, is_judged=True)


def floor(folder: Path) -> Recorder:
    """Find what differs from a current table, and commit: what no memory can do without."""
    import duckdb

    file = folder / "floor.duckdb"

    def record(number: int, table: pa.Table, _: Path) -> None:
        with duckdb.connect(file) as db:
            db.register("said", table)
            db.execute("begin")
            if number == 0:
                db.execute("create table held as from said")
            else:
                db.execute(
                    "create or replace temp table moved as "
                    f"select s.* from said as s full join held as h using ({', '.join(KEY)}) "
                    "where s.unit_price is distinct from h.unit_price"
                )
            db.execute("commit")

    return record


def dlt(folder: Path) -> Recorder:
    """Merge with dlt's strategy scd2."""
    os.environ.update(DLT_DATA_DIR=str(folder / "dlt"), RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")
    import dlt as engine
    from dlt.sources.helpers.transform import add_row_hash_to_table

    def record(_: int, table: pa.Table, __: Path) -> None:
        pipeline = engine.pipeline(
            "prices",
            pipelines_dir=str(folder / "pipelines"),
            destination=engine.destinations.duckdb(str(folder / "dlt.duckdb")),
            dataset_name="memory",
        )
        resource = engine.resource(
            [table.select([*KEY, *SAYS])],
            name="prices",
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "row_version_column_name": "row_hash",
            },
        ).add_map(add_row_hash_to_table("row_hash"))
        pipeline.run(resource)

    return record


def sqlmesh(folder: Path) -> Recorder:
    """Run SQLMesh's SCD type 2, by column, on the day's file."""
    os.environ.update(SQLMESH__DISABLE_ANONYMIZED_ANALYTICS="true")
    from sqlmesh import Context, configure_logging
    from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

    today = folder / "today.parquet"
    (folder / "models").mkdir()
    (folder / "models" / "prices.sql").write_text(
        "MODEL (name memory.prices, cron '@daily', start '2026-01-01', "
        f"kind SCD_TYPE_2_BY_COLUMN (unique_key ({', '.join(KEY)}), columns [{', '.join(SAYS)}], "
        "invalidate_hard_deletes true));\n"
        f"SELECT {', '.join(KEY + SAYS)} FROM read_parquet('{today}')"
    )
    config = Config(
        gateways={
            "duckdb": GatewayConfig(
                connection=DuckDBConnectionConfig(database=str(folder / "scd2.duckdb"))
            )
        },
        model_defaults=ModelDefaultsConfig(dialect="duckdb"),
    )
    context = Context(paths=[folder], config=config)

    def record(number: int, _: pa.Table, file: Path) -> None:
        today.unlink(missing_ok=True)
        today.symlink_to(file.absolute())
        if number == 0:
            context.plan(auto_apply=True, no_prompts=True, execution_time=str(day(1)))
        else:
            context.run(ignore_cron=True, execution_time=str(day(number + 1)))
        context.close()

    return record


def dbt(folder: Path) -> Recorder:
    """Take a snapshot with dbt-duckdb, by its check strategy, of the day's file."""
    from dbt.cli.main import dbtRunner

    today = folder / "today.parquet"
    (folder / "snapshots").mkdir()
    (folder / "dbt_project.yml").write_text(
        "name: memory\nprofile: memory\nflags: {send_anonymous_usage_stats: false}\n"
    )
    (folder / "profiles.yml").write_text(
        "memory: {target: it, outputs: {it: {type: duckdb, threads: 1, "
        f"path: '{folder / 'dbt.duckdb'}'}}}}}}\n"
    )
    (folder / "snapshots" / "prices.sql").write_text(
        "{% snapshot prices %}{{ config(target_schema='memory', strategy='check', "
        f"unique_key={KEY}, check_cols={SAYS}, hard_deletes='invalidate') }}}}\n"
        f"select {', '.join(KEY + SAYS)} from read_parquet('{today}')\n{{% endsnapshot %}}"
    )
    runner = dbtRunner()
    where = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet"]

    def record(_: int, __: pa.Table, file: Path) -> None:
        today.unlink(missing_ok=True)
        today.symlink_to(file.absolute())
        done = runner.invoke(["snapshot", *where])
        assert done.success, done.exception

    return record

"""Each engine's way to remember a snapshot, in a process that memory.py asks in turn.

`python recorders.py NAME FOLDER` answers each line of JSON, `[verb, day, file]`, with another:
how many seconds it took, and the most memory that the process has had, in MB. The file is the
day's snapshot in Parquet, and is read before the clock runs; the database is opened and closed
while it does.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from warehouse.store import Store

KEY = ["provider", "model", "tuning_method", "adapter", "service_tier", "region", "meter"]
SAYS = ["availability", "list_unit_price", "pricing_unit", "pricing_currency", "unit_price"]
_START = datetime(2026, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
# What an engine does with a day: its number, its snapshot, and the file that holds it. The snapshot
# is as the verb `given` reads it from the file, or Arrow's table where there is none.
Verb = Callable[..., Any]


def ratecard(folder: Path, *, is_judged: bool = False) -> dict[str, Verb]:
    """Archive the look and fold it into the log of facts; build the tables and publish them."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    # pandera imports this test package where it finds it; who runs ratecard has none
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    import polars as pl

    from sources._contract import _TERM_SCHEMA
    from warehouse.captures import Look
    from warehouse.gate import Limits
    from warehouse.log import Reader, Statement
    from warehouse.store import Store

    store = Store(folder)
    no_terms = pl.DataFrame(schema=_TERM_SCHEMA)
    limits = Limits() if is_judged else None

    def looks(at: list[datetime], file: Path, read: Reader) -> list[str]:
        content = file.read_bytes()
        seen = [(Look("page", when, when, "https://example.org"), content) for when in at]
        return [done.outcome for done in store.record(seen, read)]

    def record(day: int, said: pl.DataFrame, file: Path) -> None:
        statement = Statement(said, no_terms, 1, limits)
        assert looks([_START + timedelta(days=day)], file, lambda *_: statement) == ["read"]

    def parse(_: str, content: bytes) -> Statement:
        return Statement(pl.read_parquet(content), no_terms, 1, limits)

    def run(day: int, said: None, file: Path) -> None:
        """Do all that a run does, the reading of the snapshot, too."""
        assert looks([_START + timedelta(days=day)], file, parse) == ["read"]
        build(day, said, file)
        store.publish()

    def look_again(day: int, _: object, file: Path) -> None:
        """See the same bytes ten times more on one day, one look a run."""
        for hour in range(1, 11):
            at = _START + timedelta(days=day, hours=hour)
            assert looks([at], file, parse) == ["unchanged"]

    def look_again_at_once(day: int, _: object, file: Path) -> None:
        """See the same bytes a hundred times more, in one run."""
        at = [_START + timedelta(days=day, hours=11, minutes=minute) for minute in range(100)]
        assert {*looks(at, file, parse)} == {"unchanged"}

    def build(day: int, _: object, __: Path) -> None:
        _build(store, _START + timedelta(days=day + 0.5))

    def publish(_: int, __: object, ___: Path) -> None:
        store.publish()

    verbs = [record, run, look_again, look_again_at_once, build, publish]
    # a snapshot comes as ratecard's readers hand it over
    return {"given": pl.read_parquet, **{verb.__name__: verb for verb in verbs}}


def _build(store: "Store", at: datetime) -> None:
    """Build every table as of an instant."""
    import polars as pl

    from warehouse.schemas import ASKED
    from warehouse.store import TABLES, Reference, Rules

    sources = pl.DataFrame(
        {
            "source": ["page"],
            "provider": [None],
            "rank": [1],
            "cadence_hours": [24.0],
            "url": ["https://example.org"],
            "description": ["a page"],
            "unasked": [None],
        },
        schema_overrides={"provider": pl.String, "unasked": pl.String},
    )
    rates = pl.DataFrame(
        {"currency": ["USD"], "rate_on": [date(1970, 1, 1)], "usd_per_unit": [Decimal(1)]},
        schema_overrides={"usd_per_unit": pl.Decimal(12, 8)},
    )
    with store.session():
        reference = Reference(
            sources,
            rates,
            *(ASKED[name].empty() for name in ("workloads", "constraint_sets", "workload_tokens")),
        )
        store.prepare(at, reference, Rules(), "benchmark")
        for table in TABLES:
            store.build(table)


def ratecard_with_gate(folder: Path) -> dict[str, Verb]:
    """Do the same, with the gate that doubts a capture before it is believed."""
    return ratecard(folder, is_judged=True)


def floor(folder: Path) -> dict[str, Verb]:
    """Find what differs from the day before and commit it: what no memory can do without."""
    import duckdb

    file = folder / "floor.duckdb"

    def record(day: int, said: pa.Table, _: Path) -> None:
        with duckdb.connect(file) as db:
            db.register("said", said)
            db.execute("begin")
            if day == 0:
                db.execute("create table held as from said")
                db.execute("create table moved as from said limit 0")
            else:
                db.execute(
                    "insert into moved "
                    f"select s.* from said as s full join held as h using ({', '.join(KEY)}) "
                    "where s.unit_price is distinct from h.unit_price"
                )
            db.execute("commit")

    return {"record": record}


def dlt(folder: Path) -> dict[str, Verb]:
    """Merge with dlt's strategy scd2."""
    os.environ.update(
        DLT_DATA_DIR=str(folder / "dlt"),
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="ERROR",
    )
    import dlt as engine
    from dlt.sources.helpers.transform import add_row_hash_to_table

    def record(_: int, said: pa.Table, __: Path) -> None:
        pipeline = engine.pipeline(
            "prices",
            pipelines_dir=str(folder / "pipelines"),
            destination=engine.destinations.duckdb(str(folder / "dlt.duckdb")),
            dataset_name="memory",
        )
        resource = engine.resource(
            [said.select([*KEY, *SAYS])],
            name="prices",
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "row_version_column_name": "row_hash",
            },
        ).add_map(add_row_hash_to_table("row_hash"))
        pipeline.run(resource)

    return {"record": record}


def sqlmesh(folder: Path) -> dict[str, Verb]:
    """Run SQLMesh's SCD type 2, by column, on the day's file; its project is loaded once."""
    os.environ.update(SQLMESH__DISABLE_ANONYMIZED_ANALYTICS="true")
    from sqlmesh import Context
    from sqlmesh.core.config import (
        Config,
        DuckDBConnectionConfig,
        GatewayConfig,
        ModelDefaultsConfig,
    )

    today = folder / "today.parquet"
    (folder / "models").mkdir()
    (folder / "models" / "prices.sql").write_text(
        "MODEL (name memory.prices, cron '@daily', start '2026-01-01', "
        f"kind SCD_TYPE_2_BY_COLUMN (unique_key ({', '.join(KEY)}), columns [{', '.join(SAYS)}], "
        "invalidate_hard_deletes true));\n"
        f"SELECT {', '.join(KEY + SAYS)} FROM read_parquet('{today}')"
    )
    connection = DuckDBConnectionConfig(database=str(folder / "scd2.duckdb"))
    config = Config(
        gateways={"duckdb": GatewayConfig(connection=connection)},
        model_defaults=ModelDefaultsConfig(dialect="duckdb"),
    )
    context = Context(paths=[folder], config=config)

    def record(day: int, _: pa.Table, file: Path) -> None:
        _point(today, file)
        now = str(_START + timedelta(days=day + 1))
        if day == 0:
            context.plan(auto_apply=True, no_prompts=True, execution_time=now)
        else:
            context.run(ignore_cron=True, execution_time=now)
        context.close()

    return {"record": record}


def dbt(folder: Path) -> dict[str, Verb]:
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
        _point(today, file)
        done = runner.invoke(["snapshot", *where])
        assert done.success, done.exception

    return {"record": record}


ENGINES = {
    verbs.__name__: verbs for verbs in (ratecard, ratecard_with_gate, floor, dlt, sqlmesh, dbt)
}


def _point(link: Path, file: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(file.absolute())


def _peak_mb() -> float:
    # getrusage begins with what the process had that started this one
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Answer until nothing more is asked."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    # what an engine prints is not the answer
    answers, sys.stdout = sys.stdout, sys.stderr
    verbs = ENGINES[name](folder)
    given = verbs.get("given", pq.read_table)
    for line in sys.stdin:
        verb, day, file = json.loads(line)
        # what is measured for its memory reads the snapshot itself
        said = None if verb == "run" else given(file)
        begun = time.perf_counter()
        verbs[verb](day, said, Path(file))
        seconds = time.perf_counter() - begun
        print(json.dumps([seconds, _peak_mb()]), file=answers, flush=True)


if __name__ == "__main__":
    main()

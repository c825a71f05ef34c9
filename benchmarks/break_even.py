"""Whether tuning pays back, at scale: `python benchmarks/break_even.py [--offers 10000]`.

One query reckons every offer by every workload into a table of a file; beside it the same totals
by hand in polars and floating point, without verdicts and reasons. Each in a process of its own.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import duckdb  # noqa: E402
import polars as pl  # noqa: E402

CASES = ("ratecard", "polars")
_SECONDS, _MEGABYTES = 2, 500


def main() -> None:
    """Print the medians of both, their ratio, and the memory that the query takes at most."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--offers", type=int, default=10_000)
    options.add_argument("--workloads", type=int, default=100)
    options.add_argument("--times", type=int, default=3)
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.case:
        measure(chosen.file, chosen.case)
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "market.duckdb"
        build(file, chosen.offers, chosen.workloads)
        found: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
        for _ in range(chosen.times):
            for case in CASES:
                command = [sys.executable, __file__, "--file", str(file), "--case", case]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[case].append(tuple(json.loads(done.stdout.splitlines()[-1])))
    ours, theirs = (statistics.median(took for took, _ in found[case]) for case in CASES)
    print(
        f"{chosen.offers} offers by {chosen.workloads} workloads: {ours:.2f} s "
        f"(at most {_SECONDS} is meant), polars by hand {theirs:.2f} s, ratio {ours / theirs:.1f}"
    )
    peak = max(megabytes for _, megabytes in found["ratecard"])
    print(f"memory of the query's process: {peak:.0f} MB (at most {_MEGABYTES} is meant)")


def build(file: Path, offers: int, workloads: int) -> None:
    """Publish a few offers of every kind, and multiply them; put the query beside the file."""
    from pipeline.workloads import reference_workloads, workload_frame
    from tests.warehouse.test_bills import BASE, OFFERS, quotes_of
    from tests.warehouse.worlds import World
    from warehouse.store import Store, select_of

    file.with_suffix(".sql").write_text(select_of("break_even"), encoding="utf-8")
    with TemporaryDirectory() as folder:
        world = World(Store(Path(folder)))
        rows = [row for name, prices in OFFERS.items() for row in quotes_of(name, prices)]
        rows += [
            {**row, "tuning_method": "none", "adapter": None}
            for name in OFFERS
            for row in quotes_of(name, BASE)
        ]
        world.says(0, *rows)
        few = list(reference_workloads().values())
        world.workloads = workload_frame({
            f"w{number}": few[number % len(few)].model_copy(update={"requests": 1000 * number + 1})
            for number in range(workloads)
        })  # fmt: skip
        shutil.copy(world.publish(at=10).published, file)
    with duckdb.connect(file) as db:
        db.execute(
            """
            create or replace table cost_comparison as
            select c.* exclude (copy) replace (c.model || ' ' || copy as model)
            from (from cost_comparison, range($offers) as r (copy)) as c
            limit $offers
            """,
            {"offers": offers},
        )


def measure(file: Path, case: str) -> None:
    """Run one side once, and print its seconds and its peak of memory."""
    with duckdb.connect(file) as db:
        if case == "polars":
            compared = pl.DataFrame(db.table("cost_comparison").to_arrow_table())
            asked = pl.DataFrame(db.table("workloads").to_arrow_table())
            begun = time.perf_counter()
            by_hand(compared, asked)
        else:
            select = file.with_suffix(".sql").read_text(encoding="utf-8")
            begun = time.perf_counter()
            db.execute(f"create or replace table break_even as {select}")
        took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([took, peak]))


def by_hand(compared: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Reckon upfront and monthly totals of every offer by every workload, as floats."""
    money = pl.col("^.*_usd$").cast(pl.Float64)
    million = pl.col("requests") / 1e6
    shares = asked.with_columns(pl.col("^.*_share$").cast(pl.Float64))
    both = compared.with_columns(money).join(shares, how="cross")
    tokens = million * pl.col("prompt_after")
    cached = tokens * pl.col("cached_share")
    return both.select(
        "provider",
        "model",
        "workload",
        upfront=pl.max_horizontal(
            pl.col("training_tokens") * pl.col("epochs") / 1e6 * pl.col("training_usd"),
            pl.col("job_minimum_usd"),
        ),
        monthly=(tokens - cached) * pl.col("input_usd")
        + cached * pl.coalesce("cached_input_usd", "input_usd")
        + million * pl.col("completion_tokens") * pl.col("output_usd")
        + pl.col("hosting_hour_usd").fill_null(0) * 730
        + pl.col("storage_month_usd").fill_null(0),
    )


if __name__ == "__main__":
    main()

"""Ratios against named references, measured in one call: `python benchmarks/run.py`.

Each side of a ratio runs in a process of its own, several times in turn, and the medians are
compared, so that imports count and the machine's mood does not.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent


def measured(case: str, *arguments: str) -> float:
    """Run one case in a fresh process and give what it measured: seconds, mostly."""
    command = [sys.executable, str(HERE / "cases.py"), case, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent)
    return float(json.loads(done.stdout.splitlines()[-1])["measured"])


def ratio(
    name: str, case: tuple[str, ...], reference: tuple[str, ...], target: float, times: int
) -> None:
    """Measure a case and its reference in turn, and print both medians and their ratio."""
    ours, theirs = [], []
    for _ in range(times):
        theirs.append(measured(*reference))
        ours.append(measured(*case))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"{name}: {mine:.3f} s against {other:.3f} s, "
        f"ratio {mine / other:.2f} (at most {target:g} is meant)",
        flush=True,
    )


def main() -> None:
    """Print every ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=3, help="how often each side is run")
    options.add_argument("--pages", type=Path, help="a folder of captures to read pages from")
    chosen = options.parse_args()
    count = str(int(measured("asset_count")))
    with TemporaryDirectory() as folder:
        ratio(
            f"refresh, every source answering, against an empty graph of {count} assets",
            ("refresh", folder),
            ("empty_graph", count),
            target=2,
            times=chosen.times,
        )
        ratio(
            "fetching every source, each 200 ms slow, against the slowest of them alone",
            ("fetch_all", folder),
            ("fetch_slowest", folder),
            target=3,
            times=chosen.times,
        )
    with TemporaryDirectory() as folder:
        peak = measured("refresh_memory", folder)
        print(f"memory of a first refresh: {peak:.0f} MB (at most 400 is meant)", flush=True)
    pages = [str(chosen.pages)] if chosen.pages else []
    if pages:
        took = statistics.median(measured("read_captures", *pages) for _ in range(chosen.times))
        print(f"the folder of captures into frames: {took:.2f} s (at most 3 is meant)", flush=True)
    for source in ("openai_pricing", "volcengine_pricing", "zhipu_pricing"):
        for what, case in (("quotes", "parse_page"), ("validated frames", "read_page")):
            ratio(
                f"{source}, a page into {what}, against a bare walk of its cells",
                (case, source, *pages),
                ("walk_page", source, *pages),
                target=3,
                times=chosen.times,
            )


if __name__ == "__main__":
    main()

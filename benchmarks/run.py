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


def seconds(case: str, *arguments: str) -> float:
    """Run one case in a fresh process and give the seconds that it printed."""
    command = [sys.executable, str(HERE / "cases.py"), case, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def ratio(name: str, case: str, reference: str, *arguments: str, times: int) -> None:
    """Measure a case and its reference in turn, and print both medians and their ratio."""
    ours, theirs = [], []
    for _ in range(times):
        theirs.append(seconds(reference, *arguments))
        ours.append(seconds(case, *arguments))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{name}: {mine:.3f} s against {other:.3f} s, ratio {mine / other:.2f}")


def main() -> None:
    """Print every ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=3, help="how often each side is run")
    options.add_argument("--pages", type=Path, help="a folder of captures to read pages from")
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        ratio(
            "refresh, every source answering on loopback, against an empty graph of as many assets",
            "refresh",
            "empty_graph",
            folder,
            times=chosen.times,
        )
    pages = [str(chosen.pages)] if chosen.pages else []
    for source in ("openai_pricing", "volcengine_pricing", "zhipu_pricing"):
        for what, case in (("quotes", "parse_page"), ("validated frames", "read_page")):
            name = f"{source}, a page into {what}, against a bare walk of its cells"
            ratio(name, case, "walk_page", source, *pages, times=chosen.times)


if __name__ == "__main__":
    main()

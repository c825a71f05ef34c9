"""Readers beside a writer: `python benchmarks/readers.py [--readers 8] [--refreshes 50]`.

Processes ask the published file and its Parquet files in a loop while refreshes run. Each answer
must be that of one whole publication, and no refresh may fail.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.warehouse.refreshing import look_back, refresh, watched  # noqa: E402


def main() -> None:
    """Count what readers met, and how long refreshes took with and without them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--readers", type=int, default=8)
    options.add_argument("--refreshes", type=int, default=50)
    chosen = options.parse_args()
    told: set[str] = set()
    alone = []
    with TemporaryDirectory() as whole, TemporaryDirectory() as folder:
        for number in range(1, chosen.refreshes + 2):
            alone.append(_seconds(Path(whole), number))
            told |= {repr(answer) for answer in look_back(Path(whole))[1:]}
        refresh(Path(folder), 1)
        with watched(Path(folder), chosen.readers) as met:
            rounds = range(2, chosen.refreshes + 2)
            beside = [_seconds(Path(folder), number) for number in rounds]
    for reader in met:
        assert not reader.errors, reader.errors
        assert reader.answers <= told, reader.answers - told
    asked = sum(reader.asked for reader in met)
    slowest = max(reader.slowest for reader in met)
    seen = len(set.union(*(reader.answers for reader in met)))
    print(f"{asked} queries of {chosen.readers} readers: no error, each of one whole publication")
    print(f"{seen} of {len(told)} different answers were seen; the slowest took {slowest:.2f} s")
    print(
        f"{len(beside)} refreshes beside them: no error, median {statistics.median(beside):.2f} s, "
        f"slowest {max(beside):.2f} s; alone {statistics.median(alone[1:]):.2f} s"
    )


def _seconds(folder: Path, number: int) -> float:
    begun = time.perf_counter()
    refresh(folder, number)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

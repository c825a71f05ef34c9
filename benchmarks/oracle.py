"""Worlds against whole snapshots: `python benchmarks/oracle.py [--worlds 2000]`.

Hypothesis builds worlds: pages that change, come back, state dates and take them back, captures
that arrive late or twice, parsers that get better, decisions. Every as-of question about them is
answered by the warehouse and by a brute-force model; of every tenth of them it is also checked
that a rebuild and the reverse order of arrival believe the same.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, seed, settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.warehouse.oracle import Source, Universe, worlds  # noqa: E402

_TOGETHER = 20


def main() -> None:
    """Try as many worlds as were asked for; the first that differs is shown at its smallest."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", type=int, default=2000)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    begun = time.perf_counter()
    batches = events = questions = 0

    @seed(chosen.seed)
    @settings(
        max_examples=-(-chosen.worlds // _TOGETHER),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds(_TOGETHER))
    def compare(sources: list[Source]) -> None:
        nonlocal batches, events, questions
        with TemporaryDirectory() as folder, TemporaryDirectory() as other:
            universe = Universe(Path(folder), sources)
            questions += universe.check()
            if batches % 10 == 0:
                universe.check_digests(Path(other))
        batches += 1
        events += sum(len(source.events) for source in sources)

    compare()
    took = time.perf_counter() - begun
    print(
        f"{batches * _TOGETHER} worlds of {events / batches / _TOGETHER:.1f} events, "
        f"{questions} (valid, known) pairs, no difference, {took:.0f} s"
    )


if __name__ == "__main__":
    main()

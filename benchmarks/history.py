"""Real history: `python benchmarks/history.py CAPTURES [--orders 4]`.

A folder of dated captures, as `ratecard backfill` takes it, is loaded forwards, backwards and
shuffled, which must come to one digest; and every change listed between two captures of one
source must be a difference of the two files, and every difference a change.
"""

import argparse
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pipeline.configuration import Setup  # noqa: E402
from pipeline.looking import find_captures  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from tests.pipeline.comparing import compared, loaded  # noqa: E402
from warehouse.store import Store  # noqa: E402


def main() -> None:
    """Load in as many orders as were asked for; the first difference is shown."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("captures", type=Path)
    options.add_argument("--orders", type=int, default=4)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    random = Random(chosen.seed)  # noqa: S311 an order, no secret
    with TemporaryDirectory() as folder:
        setups = [
            Setup(Settings(data_dir=Path(folder) / str(number))) for number in range(chosen.orders)
        ]
        forwards = find_captures(chosen.captures, setups[0].sources).captures
        pairs = [*compared(setups[0], forwards)]
        orders = [forwards[::-1], *(random.sample(forwards, len(forwards)) for _ in setups[2:])]
        for setup, order in zip(setups[1:], orders, strict=True):
            loaded(setup, order)
        digests = {Store(setup.settings.data_dir).digest() for setup in setups}
    assert len(digests) == 1, digests
    for pair in pairs:
        stated, listed = pair.stated - pair.listed, pair.listed - pair.stated
        assert pair.stated == pair.listed, (pair.source, pair.at, stated, listed)
    print(f"{len(forwards)} captures in {chosen.orders} orders: one digest")
    for pair in pairs:
        dated = f" ({pair.left_out} facts that it dates itself left out)" if pair.left_out else ""
        print(
            f"{pair.source} until {pair.at}: {pair.stated.total()} changes, as in the files{dated}"
        )


if __name__ == "__main__":
    main()

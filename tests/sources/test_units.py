import contextlib
import time
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources._parsing import (
    Meter,
    Price,
    Unreadable,
    canonical_amount,
    read_date,
    read_price,
    read_size_bracket,
    read_unit,
    unit_in,
)

TOKEN_METERS: Final = [meter for meter in get_args(Meter) if meter.endswith("_tokens")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/ 1M tokens", "1M tokens"),
        ("/1M tokens", "1M tokens"),
        ("per 1M tokens", "1M tokens"),
        ("per million tokens", "1M tokens"),
        ("per 1 million tokens", "1M tokens"),
        ("per 1,000,000 tokens", "1M tokens"),
        ("1M toks", "1M tokens"),
        ("/M", "1M tokens"),
        ("/ 1M", "1M tokens"),
        ("/Mtok", "1M tokens"),
        ("per million", "1M tokens"),
        ("/百万", "1M tokens"),
        ("百万tokens", "1M tokens"),
        ("每百万token", "1M tokens"),
        ("每百万 令牌", "1M tokens"),
        ("/ 1K tokens", "1K tokens"),
        ("/K", "1K tokens"),
        ("/ 1k tokens", "1K tokens"),
        ("per 1,000 tokens", "1K tokens"),
        ("per 1000 tokens", "1K tokens"),
        ("per thousand tokens", "1K tokens"),
        ("per 1 thousand tokens", "1K tokens"),
        ("千tokens", "1K tokens"),
        ("/千tokens", "1K tokens"),
        ("/万tokens", "10K tokens"),
        ("per token", "token"),
        ("1 token", "token"),
        ("per 1,000 characters", "1K characters"),
        ("/ 1M chars", "1M characters"),
        ("千字符", "1K characters"),
        ("/ hour", "hour"),
        ("per hour", "hour"),
        ("1 Hour", "hour"),
        ("1/Hour", "hour"),
        ("/hr", "hour"),
        ("/小时", "hour"),
        ("each hour", "hour"),
        ("/ minute", "minute"),
        ("/分钟", "minute"),
        ("per second", "second"),
        ("/天", "day"),
        ("/算力单元/天", "day"),
        ("per month", "month"),
        ("a month", "month"),
        ("/ month per model", "month"),
        ("per model per month", "month"),
        ("/ custom model / month", "month"),
        ("/月", "month"),
        ("/年", "year"),
        ("per job", "job"),
        ("/次", "job"),
        ("/\u200b1\u200bM\xa0tokens", "1M tokens"),
    ],
)
def test_a_unit_is_read(text: str, name: str) -> None:
    assert read_unit(text).name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "per",
        "per model",
        "1M input tokens",
        "1M tokens per hour",
        "per hour and month",
        "10K tokens",
        "100 million tokens",
        "128k tokens",
        "11M tokens",
        "2 hours",
        "m",  # million, minute or month
        "/m",
        "/ 1m",
        "image",
        "fortnight",
        "hourly rate",
        "thouſand tokens",  # the long s is an s to a regular expression that ignores case
        "1M tokens" + " " * 300,
        "&#" + "9" * 5000,
    ],
)
def test_what_names_no_one_unit_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_unit(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Prices per 1M tokens", "1M tokens"),
        ("Price per /1M tokens Batch API price", "1M tokens"),
        ("Price to train 1,000 tokens", "1K tokens"),
        ("Paid Tier, per 1M tokens in USD", "1M tokens"),
        ("训练 元/百万token", "1M tokens"),
        ("单价(元/千tokens)", "1K tokens"),
        ("per 1M tokens (1 million tokens)", "1M tokens"),
        ("per 1M tokens, prompts up to 200k tokens", "1M tokens"),
        ("GPT-4.1 and o1 per million tokens", "1M tokens"),
        ("per 1,000 characters", "1K characters"),
        # no unit at all
        ("Fine-tuning", None),
        ("Training tokens", None),
        ("System tokens", None),
        ("Price calculated from tokens", None),
        ("GPT-4.1 tokens", None),
        ("1K charts", None),
        ("per hour", None),
        # no unit of ours: an amount of tokens is a context or an allowance
        ("up to 128k tokens", None),
        ("a context of 10 million tokens", None),
        ("2.5M tokens a day", None),
        ("十万 tokens", None),
        ("千万tokens", None),
        ("五百万tokens", None),
    ],
)
def test_the_unit_in_a_caption(text: str, name: str | None) -> None:
    unit = unit_in(text)
    assert (unit and unit.name) == name


@pytest.mark.parametrize(
    "text",
    [
        "per 1K and 1M tokens",
        "per 1M or 1K tokens",
        "per 1M tokens, formerly per 1K tokens",
        "per 1M tokens / per 1M characters",
        "每千tokens 每百万tokens",
    ],
)
def test_two_units_in_a_caption_are_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="two units"):
        unit_in(text)


@pytest.mark.parametrize(
    ("price", "meter", "amount"),
    [
        ("$25.00 / 1M tokens", "training_tokens", "25"),
        ("$0.0080 / 1K tokens", "training_tokens", "8"),
        ("0.1元/千tokens", "training_tokens", "100"),
        ("1元/万tokens", "input_tokens", "100"),
        ("0.00000015 USD per token", "cached_input_tokens", "0.15"),
        ("$100.00 / hour", "training_hours", "100"),
        ("$0.05718 / minute", "hosting_hours", "3.4308"),
        ("$0.001 / second", "hosting_hours", "3.6"),
        ("120元/天", "hosting_hours", "5"),
        ("100元/算力单元/天", "hosting_hours", "4.166666666666666667"),
        ("$1.95 / month", "storage_months", "1.95"),
        ("$23.40 / year", "storage_months", "1.95"),
        ("1 USD / year", "storage_months", "0.083333333333333333"),
        ("$4 per job", "job_minimum", "4"),
    ],
)
def test_a_price_per_its_meter_s_own_unit(price: str, meter: Meter, amount: str) -> None:
    read = read_price(price)
    assert read.amount is not None
    assert read.unit is not None
    assert canonical_amount(read.amount, read.unit, meter) == Decimal(amount)


EVERY_UNIT: Final = [
    *("token", "1K tokens", "10K", "1M tokens", "character", "1K characters"),
    *("second", "minute", "hour", "day", "month", "year", "job"),
]


@pytest.mark.parametrize("meter", get_args(Meter))
@pytest.mark.parametrize("unit", EVERY_UNIT)
def test_a_unit_of_another_kind_never_becomes_the_meter_s(unit: str, meter: Meter) -> None:
    counted = read_unit("万tokens" if unit == "10K" else unit)
    kind = meter.rpartition("_")[2].replace("minimum", "jobs")
    if counted.kind == kind:
        assert canonical_amount(Decimal(1), counted, meter) > 0
    else:
        with pytest.raises(Unreadable, match=meter):
            canonical_amount(Decimal(100), counted, meter)


@pytest.mark.parametrize("unit", ["1M tokens", "1K tokens", "token"])
@pytest.mark.parametrize("meter", TOKEN_METERS)
def test_a_price_finer_than_the_table_holds_is_refused_not_rounded(unit: str, meter: str) -> None:
    with pytest.raises(Unreadable, match="18 decimals"):
        canonical_amount(Decimal("0.1234567890123456789012345678"), read_unit(unit), meter)


AMOUNTS: Final = st.decimals(Decimal("1e-12"), Decimal(10**15), places=12)


@given(amount=AMOUNTS, meter=st.sampled_from(TOKEN_METERS))
def test_per_thousand_and_per_million_agree_to_the_last_digit(amount: Decimal, meter: str) -> None:
    with localcontext(prec=60):
        million = canonical_amount(amount, read_unit("1M tokens"), meter)
        thousand = canonical_amount(amount / 1000, read_unit("1K tokens"), meter)
        one = canonical_amount(amount / 1_000_000, read_unit("token"), meter)
    assert million == thousand == one == amount


@given(amount=AMOUNTS)
def test_minutes_and_seconds_are_exact_and_days_half_even(amount: Decimal) -> None:
    with localcontext(prec=60):
        day = (amount / 24).quantize(Decimal("1e-18"), ROUND_HALF_EVEN)
        assert canonical_amount(amount, read_unit("minute"), "hosting_hours") == amount * 60
        assert canonical_amount(amount, read_unit("second"), "training_hours") == amount * 3600
        assert canonical_amount(amount, read_unit("day"), "hosting_hours") == day


@given(text=st.one_of(st.text(), st.text("/1 0,KkMmpertoknshuac每千百万字符.()&#9;", max_size=60)))
def test_any_text_is_a_unit_or_unreadable(text: str) -> None:
    for read in (read_unit, unit_in, read_size_bracket, read_date):
        with contextlib.suppress(Unreadable):
            read(text)


@pytest.mark.parametrize("fill", ["1 ", "k ", "/", "per ", "1,000 ", " ", "M or ", "百万", "9"])
def test_no_caption_takes_long(fill: str) -> None:
    began = time.process_time()
    for read in (read_unit, unit_in, read_size_bracket, read_date):
        with contextlib.suppress(Unreadable):
            read(fill * 50_000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "bracket"),
    [
        ("Up to 16B", "up to 16B"),
        ("≤ 16B", "up to 16B"),
        ("Models up to 16B parameters", "up to 16B"),
        ("17B-69B", "17B-69B"),
        ("16.1B \u2013 80B", "16.1B-80B"),
        ("80B\u2011300B", "80B-300B"),
        ("70-100B", "70B-100B"),
        (">300B", "over 300B"),
        ("more than 300B", "over 300B"),
    ],
)
def test_a_size_bracket_is_spelled_one_way(text: str, bracket: str) -> None:
    assert read_size_bracket(text) == bracket


@pytest.mark.parametrize("text", ["", "16B", "Llama 3.1 70B", "up to 16B and 70B", "up to ١٦B"])
def test_what_is_no_size_bracket_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_size_bracket(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-10-23", "2026-10-23"),
        ("2026\u201103\u201126", "2026-03-26"),
        ("May 7, 2026", "2026-05-07"),
        ("Oct 2, 2026", "2026-10-02"),
        ("7 May 2026", "2026-05-07"),
        ("2026/01/06", "2026-01-06"),
    ],
)
def test_a_day_in_each_of_its_prints(text: str, day: str) -> None:
    assert read_date(text).isoformat() == day


@pytest.mark.parametrize("text", ["", "soon", "2026", "2026-02-30", "07/05/2026", "May 2026"])
def test_what_is_no_day_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_date(text)


def test_an_hour_s_price_in_a_token_column_stays_an_hour_s_price() -> None:
    price = read_price("$100.00 / hour", unit=read_unit("1M tokens"))
    assert price == Price("priced", Decimal(100), "USD", read_unit("hour"))
    with pytest.raises(Unreadable, match="per hour cannot be a price of training_tokens"):
        canonical_amount(Decimal(100), read_unit("hour"), "training_tokens")

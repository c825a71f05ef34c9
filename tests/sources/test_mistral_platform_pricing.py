from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import SourceError
from sources.mistral_platform_pricing import SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mistral_platform_pricing"
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "mistral_platform_pricing"
JANUARY = (FIXTURES / "2024-01-03.md").read_text("utf-8")
FEBRUARY = (FIXTURES / "2024-02-26.md").read_text("utf-8")


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the page of February, which must be there."""
    assert old in FEBRUARY
    return FEBRUARY.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("exclusive of VAT", "inclusive of VAT", "cut short, or another one"),
        ("# Pricing and rate limits\n", "", "cut short, or another one"),
        ("models in the future.", "models", "cut short, or another one"),
        ("### Chat Completions API", "### Fine-tuning API", "tables under other headings"),
        ("0.25$ / 1M tokens", "0.25€ / 1M tokens", "'0.25€ / 1M tokens' is no USD per 1M"),
        ("0.25$ / 1M tokens", "0.25$ / 1K tokens", "'0.25$ / 1K tokens' is no USD per 1M"),
        ("0.25$ / 1M tokens", "0.25$", "'0.25$' is no USD per 1M"),
        ("0.25$ / 1M tokens", "-", "'-' is no USD per 1M"),
        ("Output (USD)", "Output (GBP)", "unknown columns"),
        ("Endpoint", "Name", "unknown columns"),
        ("`open-mistral-7b`", "open-mistral-7b", "names no endpoint"),
        ("| Mixtral 8x7B", "\n| Mixtral 8x7B", "a row of a table stands outside it"),
        ("| Mixtral 8x7B |", "|", "5 cells under 6 headers"),
    ],
)
def test_a_page_that_says_something_else_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new))


def test_columns_are_found_by_header() -> None:
    swapped = FEBRUARY.replace("(USD)", "?").replace("(EUR)", "(USD)").replace("?", "(EUR)")

    assert "is no USD per 1M" in refused(swapped.encode())


def test_euros_are_one_list_before_and_after_dollars_came() -> None:
    lists = [SOURCE.read(page.encode()).quotes["price_list"] for page in (JANUARY, FEBRUARY)]

    assert [set(names) for names in lists] == [{"EUR"}, {"EUR", None}]


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not shipped")
@pytest.mark.parametrize(
    ("day", "fixture"),
    [("2024-01-03", JANUARY), ("2024-02-26", FEBRUARY), ("2024-04-17", FEBRUARY)],
)
def test_the_real_page_says_what_the_fixture_says(day: str, fixture: str) -> None:
    real = SOURCE.read((CAPTURES / f"{day}.md").read_bytes()).quotes

    assert real.equals(SOURCE.read(fixture.encode()).quotes)
    large = real.filter(
        (pl.col("model") == "mistral-large-latest") & (pl.col("price_list") == "EUR")
    )
    expected = [] if day == "2024-01-03" else [Decimal("7.3"), Decimal(22)]
    assert large["unit_price"].to_list() == expected

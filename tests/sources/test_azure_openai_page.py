from decimal import Decimal
from pathlib import Path

import pytest

from sources._contract import SourceError
from sources.azure_openai_page import SOURCE

PAGE = (Path(__file__).parents[1] / "fixtures/azure_openai_page/2025-02-27.md").read_text("utf-8")
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "azure_openai_page" / "2025-02-27.md"
HEADING = "## Fine-tuning models"


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` below the heading, which must be there."""
    start = PAGE.index(HEADING)
    assert old in PAGE[start:]
    return (PAGE[:start] + PAGE[start:].replace(old, new, 1)).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def test_a_row_that_slid_left_belongs_to_the_model_above_it() -> None:
    quotes = SOURCE.read(PAGE.encode()).quotes
    of_mini = quotes.filter(model="GPT-4o-mini", region="global")

    assert dict(of_mini.select("meter", "unit_price").iter_rows()) == {
        "input_tokens": Decimal("0.15"),
        "cached_input_tokens": Decimal("0.075"),
        "output_tokens": Decimal("0.6"),
        "training_tokens": None,
        "hosting_hours": Decimal("1.7"),
    }


def test_use_regional_is_no_price_and_not_zero() -> None:
    training = SOURCE.read(PAGE.encode()).quotes.filter(printed_text="use regional")

    assert training["model"].to_list() == ["GPT-4o-2024-08-06", "GPT-4o-mini"]
    assert set(training.select("availability", "list_unit_price", "pricing_unit").rows()) == {
        ("not_offered", None, None)
    }


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Model |  | Pricing", "Model | Region | Pricing", "are other columns than"),
        ("Model |  | Pricing", "Model | Pricing |", "are other columns than"),
        ("---|---|---", "---|---", "are other columns than"),
        ("Regional |", "US/EU – Data Zones |", "no part of the table"),
        ("Global |", "Regional |", "no part of the table"),
        ("GPT-4o-mini |  Regional |", "Global |", "no part of the table"),
        ("GPT-4o-mini |  Regional |  Input: $0.165/1M tokens  \n", "", "no part of the table"),
        ("GPT-3.5-Turbo (4K) |  Regional |  Input: $0.5/1M tokens  \n", "", "not the prices"),
        ("Training: $27.5/1M tokens  \n", "", "not the prices"),
        ("Training: $27.5/1M tokens", "$27.5/1M tokens", "not the prices"),
        ("Training:", "Grading:", "not the prices"),
        ("Training:", "Output:", "not the prices"),
        ("$27.5/1M tokens", "$27.5", "a price without a unit"),
        ("$27.5/1M tokens", "$27.5/hour", "cannot be a price of training_tokens"),
        ("$27.5/1M tokens", "$27.5/1M tokens or less", "no known unit"),
        ("$27.5/1M tokens", "€27,5/1M tokens", "not one exact price"),
        ("Hosting: $1.7/hour", "Hosting: $1.7/hour | N/A", "no part of the table"),
        ("GPT-4o-mini", "GPT-4o-2024-08-06", "two values for meter"),
        (HEADING, "## Fine-tuned models", "0 lines, not 1, say"),
        ("## Assistants API", HEADING, "2 lines, not 1, say"),
    ],
)
def test_a_table_of_another_shape_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new))


@pytest.mark.parametrize("end", ["Davinci-002 |", "Training: $6", "## Assistants"])
def test_a_page_cut_short_in_or_right_below_the_table_is_refused(end: str) -> None:
    start = PAGE.index(HEADING)

    assert "cut short" in refused(PAGE[: PAGE.index(end, start)].encode())


def test_a_table_that_lost_rows_is_refused() -> None:
    start, end = PAGE.index("GPT-4o-mini |  Regional"), PAGE.index("Babbage-002 |  |")

    assert "18 quotes where" in refused((PAGE[:start] + PAGE[end:]).encode())


def test_the_page_itself_is_refused() -> None:
    """Nobody has seen its HTML."""
    html = (
        "<html><body><h2>Fine-tuning models</h2><table><tr><td>$25</td></tr></table></body></html>"
    )

    assert "HTML is not known here" in refused(html.encode())


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_page_says_what_the_fixture_says() -> None:
    real, fixture = SOURCE.read(CAPTURE.read_bytes()), SOURCE.read(PAGE.encode())

    assert (real.quotes.height, real.terms.height) == (40, 0)
    assert real.quotes.drop("locator").equals(fixture.quotes.drop("locator"))
    assert real.quotes["locator"][0] == "line 330/Input"


@pytest.mark.parametrize(
    ("old", "new"),
    [("GPT-4o-mini |  Regional", "GPT-4o-mini | "), ("Babbage-002 |  ", "Babbage-002 | Regional ")],
)
def test_only_the_oldest_models_are_sold_without_saying_where(old: str, new: str) -> None:
    assert "is no part of the table" in refused(changed(old, new))

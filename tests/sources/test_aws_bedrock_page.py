import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sources._contract import SourceError
from sources.aws_bedrock_page import SOURCE, parse

FIXTURES = Path(__file__).parents[1] / "fixtures/aws_bedrock_page"
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "aws_bedrock_page"
TEXT = (FIXTURES / "2025-02-27.md").read_text("utf-8")
ROWS: list[dict[str, str]] = json.loads((FIXTURES / "2026-06-18.json").read_text("utf-8"))
TRAIN = "Price to train 1M tokens"
COMMAND = next(row for row in ROWS if row.get("Cohere models") == "Command")


def scrape(rows: object) -> bytes:
    return json.dumps(rows).encode()


def with_row(changes: Mapping[str, Any], row: Mapping[str, str] = COMMAND) -> bytes:
    """Give the rows with one of them changed; a cell that becomes None is taken away."""
    changed = {k: v for k, v in {**row, **changes}.items() if v is not None}
    return scrape([changed if other is row else other for other in ROWS])


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def training(capture: bytes) -> dict[str, tuple[Decimal, str, Decimal]]:
    priced = SOURCE.read(capture).quotes.filter(pl.col("meter") == "training_tokens")
    columns = ["list_unit_price", "pricing_unit", "unit_price"]
    return dict(zip(priced["model"], priced.select(columns).rows(), strict=True))


@pytest.mark.parametrize(
    ("model", "before", "now"),
    [
        ("Cohere Command", "0.004", "4.00"),
        ("Cohere Command-Light", "0.001", "1.00"),
        ("Llama 2 Pretrained (13B)", "0.00149", "1.49"),
        ("Llama 2 Pretrained (70B)", "0.00799", "7.99"),
    ],
)
def test_a_model_has_one_name_and_one_price_in_both_renderings(
    model: str, before: str, now: str
) -> None:
    assert training(TEXT.encode())[model] == (Decimal(before), "1K tokens", Decimal(now))
    assert training(scrape(ROWS))[model] == (Decimal(now), "1M tokens", Decimal(now))


def test_what_is_the_same_in_both_renderings_has_the_same_key() -> None:
    key = ["model", "tuning_method", "adapter", "region", "meter", "unit_price"]
    before = SOURCE.read(TEXT.encode()).quotes.select(key)
    now = SOURCE.read(scrape(ROWS)).quotes.select(key)

    assert before.join(now, on=key, how="anti", nulls_equal=True).is_empty()


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html><body>Amazon Bedrock</body></html>",
        f"<html><table><tr><th>Meta models</th><th>{TRAIN}</th></tr></table></html>",
        f"{TEXT}<table></table>",
    ],
)
def test_html_is_refused_with_the_reason(page: str) -> None:
    assert "in which a script fills in the prices" in refused(page.encode())


@pytest.mark.parametrize("heading", ["Pricing Examples", "Model evaluation example 1:"])
def test_a_worked_example_is_no_price(heading: str) -> None:
    example = {**COMMAND, "Cohere models": "Example", TRAIN: "$9", "Pricing_Category": heading}

    assert "Example" not in training(scrape([*ROWS, example]))


@pytest.mark.parametrize("heading", ["", "Batch pricing", "Cohere", "Priority tier pricing"])
def test_a_heading_that_bled_changes_nothing(heading: str) -> None:
    read = SOURCE.read(with_row({"Pricing_Category": heading}))

    assert read.quotes.equals(SOURCE.read(scrape(ROWS)).quotes)


def test_no_other_row_becomes_a_price() -> None:
    quotes = SOURCE.read(scrape(ROWS)).quotes

    assert quotes.height == 38
    assert set(quotes["tuning_method"]) == {"sft", "unknown"}
    assert not quotes["model"].str.contains("Canvas|Embed|Light.*-|Custom Model").any()


def test_a_price_of_a_model_unit_and_a_changed_name_are_remarked() -> None:
    quotes = SOURCE.read(scrape(ROWS)).quotes.filter(pl.col("model") == "Cohere Command")

    assert dict(quotes.select("meter", "remark").iter_rows()) == {
        "training_tokens": "printed Command",
        "storage_months": "printed Command",
        "hosting_hours": "for each model unit, without commitment",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {TRAIN: None},
        {TRAIN: None, "Price to train 1K tokens": "$4.00"},
        {TRAIN: None, "Price per training hours": "$4.00"},
        {"Price to train 1,000 tokens": "$0.004"},
        {"Price to store each custom model per month": None},
        {"Price per 1M input tokens": "$1.00"},
        {"Minimum": "$4"},
        {"Cohere models": None},
        {"Meta models": "Llama"},
    ],
)
def test_another_set_of_columns_is_refused(changes: Mapping[str, Any]) -> None:
    assert "not the columns of a customization table" in refused(with_row(changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({TRAIN: "$4.00 to $5.00"}, "not one exact price"),
        ({TRAIN: "4.00"}, "no currency"),
        ({TRAIN: "$4.00 / hour"}, "cannot be a price of training_tokens"),
        ({TRAIN: 4}, "is no table row"),
        ({"Cohere models": " ** "}, "names no model"),
        ({"Pricing_Category": None}, "does not say where it stands"),
        ({f"{TRAIN}*": "$4.00"}, "two columns are called"),
    ],
)
def test_a_row_that_says_nothing_exact_is_refused(changes: Mapping[str, Any], problem: str) -> None:
    assert problem in refused(with_row(changes))


def test_two_prices_of_one_label_are_refused() -> None:
    """As where a scrape lost the tab that names the region."""
    assert "two values for meter training_tokens" in refused(
        scrape([*ROWS, {**COMMAND, TRAIN: "$5.00"}])
    )


@pytest.mark.parametrize("document", [{"rows": ROWS}, [["Command", "$4.00"]], ["Command"]])
def test_json_that_is_no_list_of_table_rows_is_refused(document: object) -> None:
    assert "table row" in refused(scrape(document))


def test_a_page_without_customization_is_refused() -> None:
    capture = scrape([row for row in ROWS if row["Provider"] == "Custom Model Import"])

    assert "no table of model customization" in refused(capture)


def test_a_text_that_lost_a_table_is_refused() -> None:
    assert "6 quotes where 12" in refused(TEXT[: TEXT.index("  * Meta Llama")].encode())


def test_columns_are_found_by_header() -> None:
    rows = [dict(reversed(row.items())) for row in ROWS]

    assert training(scrape(rows)) == training(scrape(ROWS))


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
@pytest.mark.parametrize(
    ("file", "quotes", "per_token", "per_hour"),
    [
        ("2025-02-27.md", 12, 4, 0),
        # the scrape opened few tabs: 4 rows of training
        ("2026-05-25.json", 14, 2, 2),
        ("2026-06-18.json", 38, 10, 2),
    ],
)
def test_the_real_page(file: str, quotes: int, per_token: int, per_hour: int) -> None:
    read = SOURCE.read((CAPTURES / file).read_bytes()).quotes

    assert read.height == quotes
    assert read.filter(pl.col("meter") == "training_tokens").height == per_token
    hourly = read.filter(pl.col("meter") == "training_hours")
    assert list(hourly["unit_price"]) == [Decimal(80)] * per_hour
    assert set(read.filter(pl.col("meter") == "storage_months")["unit_price"]) == {Decimal("1.95")}


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
def test_the_real_scrape_says_what_the_fixture_says() -> None:
    real = parse((CAPTURES / "2026-06-18.json").read_bytes()).quotes
    ours = parse(scrape(ROWS)).quotes

    assert {quote._replace(locator="") for quote in real} == {
        quote._replace(locator="") for quote in ours
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({TRAIN: ""}, "blank cells in a row of customization"),
        ({"Cohere models": "Model Customization"}, "a tab's name and no model's"),
        ({"Cohere models": "Command, Command-Light"}, "a tab's name and no model's"),
    ],
)
def test_a_row_that_was_mixed_up_is_refused(changes: Mapping[str, Any], problem: str) -> None:
    assert problem in refused(with_row(changes))

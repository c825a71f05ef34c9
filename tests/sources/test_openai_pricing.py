import re
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from sources._contract import SourceError
from sources.openai_pricing import SOURCE

FIXTURES: Final = Path(__file__).parents[1] / "fixtures" / "openai_pricing"
PAGE: Final = (FIXTURES / "2026-08-21.html").read_text("utf-8")
RENDERED: Final = (FIXTURES / "2025-02-27.md").read_text("utf-8")
CAPTURES: Final = Path(__file__).parents[3] / "shared" / "captures" / "openai_pricing"
captured: Final = pytest.mark.skipif(not CAPTURES.exists(), reason="no captures on this machine")


def changed(old: str, new: str, *, page: str = PAGE, after: str = 'id="fine-tuning"') -> str:
    """Replace the first `old` behind `after`, which must be there."""
    start = page.index(after) if after in page else 0
    assert old in page[start:]
    return page[:start] + page[start:].replace(old, new, 1)


def problem(page: str) -> str:
    with pytest.raises(SourceError) as refused:
        SOURCE.read(page.encode())
    return refused.value.problem


@pytest.mark.parametrize(
    ("printed", "other", "said"),
    [
        ("<td>$16.00</td>", "<td>$18.00</td>", "standard: the page data has"),
        ("[0,16]", "[0,18]", "'$16.00'"),
        ("<td>$100.00 / hour</td>", "<td>$100.00</td>", "standard: the page data has"),
        ("<tr><td>o4-mini-2025-04-16</td>", "<tr><td>o5-mini</td>", "'o5-mini'"),
        ("<td>$1.00</td>", "<td>-</td>", "'-'"),
        ("<td>$2.00</td>", "<td>€2.00</td>", "'€2.00'"),
    ],
)
def test_a_table_that_says_other_than_the_page_data_is_refused(
    printed: str, other: str, said: str
) -> None:
    message = problem(changed(printed, other))

    assert "where the visible table has" in message
    assert said in message


def test_a_table_that_shows_other_rows_than_the_page_data_says_is_refused() -> None:
    said = "collapsedRowCount&quot;:[0,2]"
    assert "2 rows in the table, 3 of 10" in problem(changed(said, said.replace("2]", "3]")))

    start = PAGE.index("<tr><td><span>o4-mini")
    end = PAGE.index("</tr>", start) + len("</tr>")
    assert "1 rows in the table, 2 of 10" in problem(PAGE[:start] + PAGE[end:])


def test_page_data_that_is_no_json_is_refused() -> None:
    start = PAGE.index("[1,[[0,&quot;gpt-4.1-2025-04-14")

    assert "JSONDecodeError" in problem(PAGE[:start] + PAGE[PAGE.index("\n]]}", start) :])


def test_losing_the_rows_that_nobody_sees_is_refused() -> None:
    page = PAGE
    for _ in range(2):
        start = page.index(",\n[1,[[0,&quot;gpt-4.1-2025-04-14")
        page = page[:start] + page[page.index("\n]]}", start) :]

    assert "16 quotes where 20 to 200 are expected" in problem(page)


@pytest.mark.parametrize("unit", ["Prices in US dollars.", "Prices per 1K and 1M tokens.", ""])
def test_a_heading_without_one_unit_is_refused(unit: str) -> None:
    message = problem(changed("Prices per 1M tokens.", unit))

    assert "no unit of the prices in the fine-tuning heading" in message or "two units" in message


def test_a_heading_of_another_unit_is_read_as_it_says() -> None:
    reading = SOURCE.read(changed("Prices per 1M tokens.", "Prices per 1K tokens.").encode())
    training = reading.quotes.filter(
        model="gpt-4o-mini-2024-07-18", meter="training_tokens", service_tier="standard"
    )

    assert training["list_unit_price"].item() == 3
    assert training["pricing_unit"].item() == "1K tokens"
    assert training["unit_price"].item() == 3000


def test_the_unit_of_another_section_does_not_count() -> None:
    page = changed("Prices per 1M tokens.", "", after='class="pricing-switcher-meta"')

    assert "no unit" in problem(page)


@pytest.mark.parametrize("tier", ["priority", "flex", "Standard", ""])
def test_a_tier_of_another_name_is_refused(tier: str) -> None:
    page = changed('data-value="batch"', f'data-value="{tier}"')

    assert f"an unknown service tier '{tier}'" in problem(page)


def test_a_third_tier_and_a_lost_one_are_refused() -> None:
    start = PAGE.index('<div data-content-switcher-pane="true" data-value="batch"')
    pane = PAGE[start : PAGE.index("</astro-island></div>", start) + len("</astro-island></div>")]

    assert "3 service tiers" in problem(PAGE.replace(pane, pane + pane))
    assert "1 service tiers" in problem(PAGE.replace(pane, ""))


def test_a_page_without_its_switcher_or_with_two_is_refused() -> None:
    renamed = changed('id="content-switcher-ft-pricing"', 'id="content-switcher-tuning"')
    assert "0 fine-tuning price switchers" in problem(renamed)

    start = PAGE.index('<div id="content-switcher-ft-pricing"')
    end = PAGE.index("<h2>Moderation")
    assert "2 fine-tuning price switchers" in problem(PAGE[:end] + PAGE[start:end] + PAGE[end:])


def test_page_data_of_another_shape_is_refused() -> None:
    assert "headings are" in problem(changed("[0,&quot;Cached input&quot;],", ""))
    assert "unknown shape" in problem(changed("[0,16]", "[7,16]"))
    assert "unknown shape" in problem(changed("[0,16]", "[0,1,6]"))
    assert "cell of unknown shape" in problem(changed("[0,16]", "[0,{&quot;usd&quot;:[0,16]}]"))
    assert "price islands" in problem(changed('export="PricingTable"', 'export="Prices"'))


def test_a_row_that_is_shorter_or_longer_than_the_headings_is_refused() -> None:
    hidden = "[0,&quot;gpt-4.1-2025-04-14&quot;],"
    problem(changed(hidden, ""))
    problem(changed(hidden, hidden + "[0,1],"))


def test_a_table_with_another_column_is_refused() -> None:
    page = PAGE.replace("<th>Output</th></tr>", "<th>Output</th><th>Fee</th></tr>")
    page = page.replace("<td>$16.00</td>", "<td>$16.00</td><td>$1</td>")

    assert "a column more or less" in problem(page)


def test_columns_in_another_order_are_read_by_their_headers() -> None:
    start, end = RENDERED.index("Model| Training"), RENDERED.index("### Image")
    lines = RENDERED[start:end].split("\n")
    swapped = [re.sub(r"^([^|]*)\|([^|]*)\|([^|]*)\|", r"\1|\3|\2|", line) for line in lines]
    page = RENDERED[:start] + "\n".join(swapped) + RENDERED[end:]

    assert "Model| Input| Training|" in page
    assert SOURCE.read(page.encode()).quotes.equals(SOURCE.read(RENDERED.encode()).quotes)


def test_a_footnote_at_a_price_changes_nothing() -> None:
    page = changed("<td>$16.00</td>", "<td>$16.00<sup>1</sup></td>")
    with pytest.raises(SourceError):  # a digit beside a number is no footnote for certain
        SOURCE.read(page.encode())
    starred = changed("<td>$16.00</td>", "<td>$16.00<sup>*</sup></td>").encode()

    assert SOURCE.read(starred).quotes.equals(SOURCE.read(PAGE.encode()).quotes)


@pytest.mark.parametrize("printed", ["from $25", "$25-$30", "call us", "25,00"])
def test_a_hidden_price_that_is_no_exact_price_is_refused(printed: str) -> None:
    page = changed("[0,25]", f"[0,&quot;{printed}&quot;]")

    assert f"not one exact price: '{printed}'" in problem(page)


def test_a_hidden_price_in_another_currency_keeps_it() -> None:
    page = changed("[0,25]", "[0,&quot;25 €&quot;]")
    training = SOURCE.read(page.encode()).quotes.filter(
        model="gpt-4.1-2025-04-14", meter="training_tokens", service_tier="standard"
    )

    assert training["pricing_currency"].item() == "EUR"


def test_a_rendering_that_hides_rows_is_refused() -> None:
    collapsed = changed("babbage-002|", "All models\n\nbabbage-002|", page=RENDERED)

    assert "hides rows behind 'All models'" in problem(collapsed)


def test_a_rendering_without_a_unit_is_refused() -> None:
    page = changed("Price per /1M tokens", "Prices", page=RENDERED, after="### Fine tuning")

    assert "no unit of the prices in markdown-table[1]" in problem(page)


def test_a_rendering_without_the_section_is_refused() -> None:
    start, end = RENDERED.index("### Fine tuning"), RENDERED.index("### Image")

    assert "0 quotes where" in problem(RENDERED[:start] + RENDERED[end:])


NO_ROWS: Final = "the fine-tuning section has no rows"
SERVED: Final = """# Pricing

<div className="pricing-switcher-header">

Finetuning

<small className="pricing-switcher-meta">Prices per 1M tokens.</small>
</div>

<div data-content-switcher-pane data-value="standard">
<div class="hidden">Standard</div>
</div>
"""
OTHER_TABLES: Final = """
<table style={{ borderCollapse: "collapse" }}><tr><td>Image</td><td>$5.00</td></tr></table>

| Model | Input | Output |
| --- | --- | --- |
| gpt-5.5 | $1.25 | $10.00 |
"""


@pytest.mark.parametrize("heading", ["Finetuning", "Fine-tuning", "### Fine tuning"])
@pytest.mark.parametrize("tables", ["", OTHER_TABLES])
def test_a_section_without_any_row_is_refused_as_such(heading: str, tables: str) -> None:
    assert NO_ROWS in problem(SERVED.replace("Finetuning", heading) + tables)


def test_a_rendering_that_lost_its_table_is_refused_as_such() -> None:
    start, end = RENDERED.index("Model| Training"), RENDERED.index("### Image")

    assert NO_ROWS in problem(RENDERED[:start] + RENDERED[end:])


def test_hours_are_never_tokens() -> None:
    quotes = SOURCE.read(PAGE.encode()).quotes
    by_hour = quotes.filter(pl.col("pricing_unit") == "hour")

    assert by_hour["meter"].unique().to_list() == ["training_hours"]
    assert by_hour["tuning_method"].unique().to_list() == ["rft"]
    assert by_hour.height == 4


def test_the_unit_of_its_training_price_tells_the_method_of_a_row() -> None:
    by_hour = SOURCE.read(changed("[0,25]", "[0,&quot;$50.00 / hour&quot;]").encode()).quotes
    tuned = by_hour.filter(model="gpt-4.1-2025-04-14", service_tier="standard")
    assert tuned["tuning_method"].unique().to_list() == ["rft"]
    assert tuned.filter(meter="training_hours")["unit_price"].to_list() == [Decimal(50)]
    assert "training_tokens" not in tuned["meter"]

    by_token = SOURCE.read(PAGE.replace("$100.00 / hour", "$100.00").encode()).quotes
    tuned = by_token.filter(model="o4-mini-2025-04-16", service_tier="standard")
    assert tuned["tuning_method"].unique().to_list() == ["sft"]
    assert tuned.filter(meter="training_tokens")["unit_price"].to_list() == [Decimal(100)]


@captured
def test_the_page_of_2026_08_21() -> None:
    quotes = SOURCE.read((CAPTURES / "2026-08-21.html").read_bytes()).quotes
    assert quotes.height == 80
    for tier in ("standard", "batch"):
        assert quotes.filter(service_tier=tier)["model"].n_unique() == 10

    o4_mini = quotes.filter(pl.col("model").str.starts_with("o4-mini"))
    training = o4_mini.filter(pl.col("meter").str.starts_with("training"))
    assert training["meter"].to_list() == ["training_hours"] * 4
    assert training["unit_price"].to_list() == [Decimal(100)] * 4

    small = quotes.filter(model="gpt-4o-mini-2024-07-18", meter="training_tokens")
    assert small["unit_price"].to_list() == [Decimal(3)] * 2

    # not half of the standard price, as published
    odd = quotes.filter(model="gpt-4o-2024-08-06", service_tier="batch")
    assert odd["unit_price"].to_list() == [
        Decimal(25),
        Decimal("2.225"),
        Decimal("0.9"),
        Decimal("12.5"),
    ]
    missing = quotes.filter(availability="not_published")
    assert missing["meter"].unique().to_list() == ["cached_input_tokens"]
    assert missing.height == 6


@captured
def test_the_page_of_our_own_has_the_figures_of_the_real_one() -> None:
    for name in ("2026-08-21.html", "2025-02-27.md"):
        real = SOURCE.read((CAPTURES / name).read_bytes()).quotes.drop("locator")
        own = SOURCE.read((FIXTURES / name).read_bytes()).quotes.drop("locator")
        assert own.equals(real)


@captured
def test_a_real_rendering_that_lost_the_collapsed_rows_is_refused() -> None:
    assert "All models" in problem((CAPTURES / "2026-05-08.md").read_text("utf-8"))


@captured
@pytest.mark.parametrize(
    "name",
    [
        "openai_pricing_md/2026-02-26.md",
        "openai_pricing_md/2026-05-29.md",
        "openai_pricing/2024-04-01.js",
    ],
)
def test_a_real_page_without_any_row_is_refused_as_such(name: str) -> None:
    assert NO_ROWS in problem((CAPTURES.parent / name).read_text("utf-8"))


def test_a_blank_cell_is_refused() -> None:
    assert "a blank cell" in problem(changed("$1.875", "", page=RENDERED))
    assert "a cell of unknown shape" in problem(changed("[0,&quot;$100.00 / hour", "[0,&quot;"))

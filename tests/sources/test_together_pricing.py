import re
from decimal import Decimal
from pathlib import Path

import pytest

from sources._contract import Reading, SourceError
from sources.together_pricing import SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures/together_pricing"
SWITCH = (FIXTURES / "2026-07-10.html").read_text("utf-8")
MARKDOWN = (FIXTURES / "2026-02-13.md").read_text("utf-8")
NOT_TOLD_APART = "which table is LoRA's and which full fine-tuning's is not on the page"
CLOSING = re.findall(r"<p>Price is based on .+</p>", SWITCH)[0]
# The table by size as it stood before the switch, with method and adapter in two header rows.
TWO_HEADER_ROWS = f"""<html><body><h2>Fine-tuning</h2><p>Price per 1M tokens</p>
<p>Each job is subject to a minimum charge of $4.00.</p><table><thead>
<tr><th></th><th colspan=2>Supervised Fine-Tuning</th>
<th colspan=2>Direct Preference Optimization</th></tr>
<tr><th>Size</th><th>LoRA</th><th>Full Fine-Tuning</th><th>LoRA</th><th>Full Fine-Tuning</th></tr>
</thead><tbody><tr><td>Up to 16B</td><td>$0.48</td><td>$0.54</td><td>$1.20</td><td>$1.35</td></tr>
<tr><td>17B-69B</td><td>$1.50</td><td>$1.65</td><td>$3.75</td><td>$4.12</td></tr>
<tr><td>70-100B</td><td>$2.90</td><td>$3.20</td><td>$7.25</td><td>$8.00</td></tr>
</tbody></table>{CLOSING}</body></html>"""


def changed(old: str, new: str, page: str = SWITCH, count: int = 1) -> str:
    """Replace the first `old`, which must be there; all of them where the count is -1."""
    assert old in page
    return page.replace(old, new, count)


def read(page: str) -> Reading:
    return SOURCE.read(page.encode())


def refused(page: str) -> str:
    with pytest.raises(SourceError) as error:
        read(page)
    return error.value.problem


def training(page: str) -> dict[tuple[str, str, str], Decimal]:
    return {
        (row["model"], row["tuning_method"], row["adapter"]): row["unit_price"]
        for row in read(page).quotes.rows(named=True)
        if row["meter"] == "training_tokens"
    }


def without_labels(page: str) -> str:
    return changed(
        ' aria-labelledby="tab-', ' data-x="', changed(' id="pane-', ' data-y="', page, -1), -1
    )


def test_a_switch_is_read_by_the_tab_of_each_pane() -> None:
    prices = training(SWITCH)

    assert prices["up to 16B", "sft", "lora"] == Decimal("0.48")
    assert prices["up to 16B", "sft", "full"] == Decimal("0.54")


def test_tabs_in_the_other_order_name_the_other_tables() -> None:
    swapped = changed("LoRA fine-tuning", "?")
    swapped = changed("Full fine-tuning", "LoRA fine-tuning", swapped)
    prices = training(changed("?", "Full fine-tuning", swapped))

    assert prices["up to 16B", "sft", "full"] == Decimal("0.48")


@pytest.mark.parametrize(
    ("tab", "pane"),
    [
        ('data-w-tab="Tab 1"', 'data-w-tab="Tab 1"'),
        ("", 'data-w-tab="LoRA"'),
        ("", 'role="tabpanel" aria-label="LoRA"'),
        ('role="tab" aria-controls="x"', 'role="tabpanel" id="x"'),
    ],
)
def test_a_pane_is_named_by_its_tab_or_by_itself(tab: str, pane: str) -> None:
    page = changed('role="tab" id="tab-a" aria-controls="pane-a"', tab)
    page = changed(
        '<div role="tabpanel" id="pane-a" aria-labelledby="tab-a">', f"<div {pane}>", page
    )

    assert training(page) == training(SWITCH)


def test_a_switch_that_names_no_pane_is_refused() -> None:
    """So the page stood on 2026-10-08: two prices of one offer, 11 % apart."""
    page = changed("$0.48", "$0.34", changed("$0.54", "$0.38", without_labels(SWITCH)))

    assert NOT_TOLD_APART in refused(page)


def test_one_name_for_two_tables_is_refused() -> None:
    assert NOT_TOLD_APART in refused(
        changed("Full fine-tuning", "All models", without_labels(SWITCH))
    )


def test_a_heading_above_each_table_names_it() -> None:
    page = without_labels(SWITCH)
    first = page.index("<table><thead>")
    second = page.index("<table><thead>", first + 1)
    page = (
        f"{page[:first]}<h3>LoRA</h3>{page[first:second]}<h3>Full fine-tuning</h3>{page[second:]}"
    )

    assert training(page) == training(SWITCH)


def test_an_adapter_that_nothing_names_is_unknown_where_there_is_one_table() -> None:
    first, second = (SWITCH.index(f'<div role="tabpanel" id="pane-{pane}"') for pane in "ab")
    head = SWITCH[: SWITCH.index('<div class="tabs">')]
    page = f"{head}{SWITCH[first:second]}</body></html>"

    assert {quote.adapter for quote in SOURCE.parse(page.encode()).quotes} == {"unknown"}
    assert "12 quotes where 24" in refused(page)


def test_two_header_rows_name_method_and_adapter() -> None:
    prices = training(TWO_HEADER_ROWS)

    assert prices["up to 16B", "sft", "full"] == Decimal("0.54")
    assert prices["70B-100B", "dpo", "lora"] == Decimal("7.25")
    assert prices == {
        offer: price
        for offer, price in training(MARKDOWN).items()
        if offer[0].endswith("B") and offer[0] in {"up to 16B", "17B-69B", "70B-100B"}
    }


def test_a_minimum_in_a_sentence_is_of_every_row_without_its_own() -> None:
    minimums = read(TWO_HEADER_ROWS).quotes.rows(named=True)[1::2]

    assert {(row["meter"], row["unit_price"]) for row in minimums} == {("job_minimum", Decimal(4))}
    assert minimums[0]["printed_text"] == "Each job is subject to a minimum charge of $4.00"


@pytest.mark.parametrize(
    "sentence",
    [
        "Jobs have a minimum charge of $4.00.",
        "Each job is subject to a minimum charge of $4.00. A minimum charge of $6.00 for Scout.",
    ],
)
def test_a_minimum_in_other_words_is_refused(sentence: str) -> None:
    page = changed("Each job is subject to a minimum charge of $4.00.", sentence, TWO_HEADER_ROWS)

    assert "a minimum charge in words that are not known" in refused(page)


def test_the_unit_may_stand_once_above_both_tables() -> None:
    assert SWITCH.count("<p>Price per 1M tokens</p>\n<div") == 1
    assert set(read(SWITCH).quotes["pricing_unit"]) == {"1M tokens", "job"}


def test_a_heading_in_a_box_of_its_own_begins_the_section() -> None:
    box = "<div><h2>Fine-tuning</h2><p>Price per 1M tokens</p></div>"
    page = changed("<h2>Fine-tuning</h2>\n<p>Price per 1M tokens</p>", f"per 1K tokens {box}")

    assert training(page) == training(SWITCH)


def test_a_price_whose_unit_is_not_stated_is_refused() -> None:
    page = changed("<p>Price per 1M tokens</p>\n<div", "<div")

    assert "a price without a unit" in refused(page)


def test_another_unit_is_another_price() -> None:
    page = changed("<p>Price per 1M tokens</p>\n<div", "<p>Price per 1K tokens</p>\n<div")

    assert training(page)["up to 16B", "sft", "lora"] == Decimal(480)


def test_columns_are_found_by_header() -> None:
    page = changed(
        "<th>Supervised Fine-Tuning</th><th>Direct Preference Optimization</th>",
        "<th>Direct Preference Optimization</th><th>Supervised Fine-Tuning</th>",
    )

    assert training(page)["up to 16B", "dpo", "lora"] == Decimal("0.48")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<th>Minimum charge</th>", "<th>Setup fee</th>", "an unknown column 'Setup fee'"),
        ("<th>Size</th>", "<th>Supervised</th>", "a column is missing"),
        ("Direct Preference Optimization", "Reinforcement", "an unknown column 'Reinforcement'"),
        ("Up to 16B", "small models", "'small models' in 'small models' is no model's name"),
        ("17B-69B", "17 of 69B", "not a size bracket"),
        ("$1.50", "from $1.50", "not one exact price"),
        ("$1.50", "1.50", "no currency"),
        (CLOSING, "", "2 tables of training prices, 1 closings"),
    ],
)
def test_what_is_not_known_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new))


def test_models_that_share_a_row_are_told_apart_by_their_family() -> None:
    page = changed("gpt-oss-120B", "Llama 4 Maverick Llama 4 Maverick Instruct", MARKDOWN)

    assert {"Llama 4 Maverick", "Llama 4 Maverick Instruct", "Kimi K2 Instruct-0905"} <= {
        model for model, _, _ in training(page)
    }


def test_a_maker_behind_its_model_is_refused() -> None:
    page = changed("| gpt-oss-120B |", "| Kimi K2.5 Kimi |", MARKDOWN)

    assert "'Kimi' in 'Kimi K2.5 Kimi' is no model's name" in refused(page)


def test_headers_that_a_renderer_ran_together_are_refused() -> None:
    """So a copy of 2026-02 has them: two header rows in one, over rows of five cells."""
    header = next(line for line in MARKDOWN.split("\n") if line.startswith("| Size |"))
    page = changed(
        header,
        "|Supervised Fine-Tuning|Direct Preference Optimization|Size|LoRA|Full Fine-Tuning|LoRA|"
        "Full Fine-Tuning|",
        MARKDOWN,
    )

    assert "an unknown column 'LoRA'" in refused(page)


def test_a_markdown_page_cut_behind_its_first_table_is_refused() -> None:
    assert "12 quotes where 24" in refused(MARKDOWN[: MARKDOWN.index("Fine-tuning for the models")])


def test_scripts_are_not_the_page() -> None:
    page = changed('"Price is based on the sum of tokens"', f'"{CLOSING}"')

    assert read(page).quotes.equals(read(SWITCH).quotes)


@pytest.mark.parametrize("page", [SWITCH, MARKDOWN])
def test_a_blank_cell_is_refused(page: str) -> None:
    assert "a blank cell" in refused(changed("$1.35", "", page))

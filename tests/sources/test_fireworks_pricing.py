from decimal import Decimal
from pathlib import Path

import pytest

from sources._contract import SourceError
from sources._parsing import tables_in
from sources.fireworks_pricing import SOURCE

PAGE = (Path(__file__).parents[1] / "fixtures/fireworks_pricing/2026-10-08.html").read_text("utf-8")


def changed(old: str, new: str, count: int = 1) -> bytes:
    """Replace the first `old`, which must be there."""
    assert old in PAGE
    return PAGE.replace(old, new, count).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def prices(capture: bytes) -> dict[tuple[str, str, str], Decimal]:
    return {
        (row["model"], row["tuning_method"], row["adapter"]): row["unit_price"]
        for row in SOURCE.read(capture).quotes.rows(named=True)
    }


def test_four_methods_stand_in_one_row() -> None:
    read = prices(PAGE.encode())

    assert [
        read["80B-300B", method, adapter]
        for adapter in ("lora", "full")
        for method in ("sft", "dpo")
    ] == [6, 12, 12, 24]


def test_columns_are_found_by_header() -> None:
    swapped = changed("<th>LoRA SFT</th><th>LoRA DPO</th>", "<th>LoRA DPO</th><th>LoRA SFT</th>")

    assert prices(swapped)["up to 16B", "dpo", "lora"] == Decimal("0.5")
    moved = changed(
        "<th>Sample / 1M</th><th>Train / 1M</th>", "<th>Train / 1M</th><th>Sample / 1M</th>"
    )
    assert prices(moved)["Kimi K3", "unknown", "lora"] == Decimal("27.11")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<th>Full Param DPO</th>", "<th>Full DPO</th>", "0 tables, not 1, have a column"),
        ("<th>LoRA SFT</th>", "<th>SFT</th>", "0 columns are called 'LoRA SFT'"),
        (
            "<th>LoRA SFT</th><th>LoRA DPO</th><th>Full Param SFT</th><th>Full Param DPO</th>",
            "<th>Supervised Fine Tuning</th><th>Direct Preference Optimization</th>",
            "0 tables, not 1",
        ),
        ("<th>Context</th>", "<th>Region</th>", "0 columns are called 'Context'"),
        ("<th>Train / 1M</th>", "<th>Train</th>", "a price without a unit"),
        ("<td>$6.00</td>", "<td>6.00</td>", "no currency"),
        ("<td>$32.55</td>", "<td>$32.55 / hour</td>", "cannot be a price of training_tokens"),
        ("Models 16.1B - 80B", "Mid-sized models", "not a size bracket"),
        ("for LoRA training", "for ReFT training", "an unknown kind of training: ['ReFT']"),
        ("same price as base models", "same price", "the page does not say"),
        ("number of epochs", "number of steps", "the page does not say"),
    ],
)
def test_what_is_not_known_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new))


def test_a_header_more_is_refused() -> None:
    capture = changed("<th>Full Param DPO</th>", "<th>Full Param DPO</th><th>RFT</th>")

    assert "a column more than" in refused(capture)


def test_the_unit_is_the_one_that_the_page_states() -> None:
    assert prices(changed("1M training tokens", "1K training tokens", -1))[
        "up to 16B", "sft", "lora"
    ] == Decimal(500)


@pytest.mark.parametrize(("new", "count"), [("1K training tokens", 1), ("training tokens", -1)])
def test_two_units_or_none_are_refused(new: str, count: int) -> None:
    assert "units, not 1, of the prices by size" in refused(
        changed("1M training tokens", new, count)
    )


@pytest.mark.parametrize("bracket", ["up to 16B", "16.1B - 80B", "80B - 300B", "&gt;300B"])
def test_a_lost_bracket_is_refused(bracket: str) -> None:
    start = PAGE.index(f"<tr><td>Models {bracket}")
    row = PAGE[start : PAGE.index("</tr>", start)]

    assert "a size is missing" in refused(changed(row, ""))


def test_the_prices_of_a_training_loop_s_reading_are_not_read() -> None:
    assert prices(changed("$27.11", "from $27.11")) == prices(PAGE.encode())


def test_the_adapter_of_the_shared_trainers_is_what_the_page_says() -> None:
    capture = changed("trainer pool for LoRA training", "trainer pool")

    assert prices(capture)["Qwen 3.8 27B", "unknown", "unknown"] == Decimal("4.103")


def test_the_same_in_markdown() -> None:
    text = [
        "Serve fine-tuned models for the same price as base models.",
        "SFT and DPO prices are shown in $ per 1M training tokens.",
        (
            "Training tokens can be estimated with number of tokens in training dataset "
            "× number of epochs."
        ),
        "A trainer pool for LoRA training.",
    ]
    for table in tables_in(PAGE.encode()):
        rows = [table.headers, *(row.cells for row in table.rows)]
        header, *body = (f"| {' | '.join(cells)} |" for cells in rows)
        text += ["", header, "|---" * len(table.headers) + "|", *body]

    assert prices("\n".join(text).encode()) == prices(PAGE.encode())


def test_a_blank_cell_is_refused() -> None:
    assert "a blank cell" in refused(changed(">$6.00<", "><"))

"""The comparison page's own traps: rows that slid, and headlines that count the rows."""

from pathlib import Path
from typing import Final

import pytest

from sources._contract import Reading, SourceError, every_source

FIXTURES: Final = Path(__file__).parents[1] / "fixtures" / "lmmarketcap"
CAPTURES: Final = Path(__file__).parents[3] / "shared" / "captures" / "lmmarketcap"
PAGE: Final = (FIXTURES / "2026-11-22.zh.md").read_text(encoding="utf-8")
SLID: Final = "| Gemini 2.0 Flash | 免费 | $0.10 | $0.40 | 100 | Managed | |"


def read(page: str) -> Reading:
    return every_source()["lmmarketcap"].read(page.encode())


def test_a_row_without_its_provider_is_repaired_and_says_so() -> None:
    quotes = read(PAGE).quotes
    repaired = quotes.filter(quotes["remark"].is_not_null())
    assert set(repaired["model"]) == {"Gemini 2.0 Flash", "Gemini 1.5 Flash"}
    assert set(repaired["provider"]) == {"google"}
    assert all(remark.startswith("repaired") for remark in repaired["remark"])
    assert "免费" in set(repaired["printed_text"])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        # many sell the tuning of Llama: nobody can say who this row's seller is
        (SLID, SLID.replace("Gemini 2.0 Flash", "Llama 3.1 8B"), "do not fit the columns"),
        (SLID, SLID.replace("$0.10", "fast"), "do not fit the columns"),
        (SLID + "\n", "", "13 models compared in the table where the page says 14"),
        ("| $0.48 |", "| from $0.48 |", "do not fit the columns"),
        ("2 models", "3 models", "2 models with free training in the table"),
        ("对比模型数\n14\n", "", "does not say its number of models compared"),
        ("训练 $/百万", "训练", "no unit in the header"),
        ("训练 $/百万", "价格 $/百万", "0 tables with a training price"),
        ("推理输入 $/百万", "推理输出 $/百万", "columns are called"),
        ("Managed + Self-host", "On a boat", "do not fit the columns"),
    ],
)
def test_a_page_that_does_not_add_up_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in PAGE
    with pytest.raises(SourceError, match=r"^lmmarketcap: ") as refused:
        read(PAGE.replace(old, new, 1))
    assert complaint in str(refused.value)


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
def test_the_real_page() -> None:
    reading = every_source()["lmmarketcap"].read((CAPTURES / "2026-11-22.zh.md").read_bytes())
    assert (reading.quotes.height, reading.terms.height) == (42, 28)
    training = reading.quotes.filter(reading.quotes["meter"] == "training_tokens")
    assert training.height == 14
    assert (training["availability"] == "free").sum() == 2

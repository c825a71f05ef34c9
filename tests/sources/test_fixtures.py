"""Every source against pages of our own: the whole reading, as the CSV beside the page has it."""

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from sources._contract import Source, every_source

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
EXPECTED: Final = (".quotes.csv", ".terms.csv")
OFFER: Final = [
    "provider",
    "model",
    "tuning_method",
    "adapter",
    "service_tier",
    "region",
    "context_tier",
]
QUOTE_COLUMNS: Final = [
    *OFFER,
    "meter",
    "price_list",
    "availability",
    "list_unit_price",
    "pricing_unit",
    "pricing_currency",
    "unit_price",
    "printed_text",
]
TERM_COLUMNS: Final = [*OFFER, "term", "value", "printed_text"]


def captures_of(name: str) -> list[Path]:
    """Find the pages of a source, oldest first."""
    folder = FIXTURES / name
    return sorted(path for path in folder.glob("*") if not path.name.endswith(EXPECTED))


def expected(capture: Path, kind: str) -> list[list[str]]:
    """Give the lines that a page's reading must have, its header first; none without a file."""
    lines = capture.with_suffix(f".{kind}.csv")
    if kind == "terms" and not lines.exists():
        return [TERM_COLUMNS]
    with lines.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def fitted(source: Source, capture: Path) -> Source:
    """Let a small page pass as a whole one, where the source expects more of a real one."""

    def around(bounds: tuple[int, int], kind: str) -> tuple[int, int]:
        count = len(expected(capture, kind)) - 1
        return min(bounds[0], count), max(bounds[1], count)

    return replace(
        source,
        quote_count=around(source.quote_count, "quotes"),
        term_count=around(source.term_count, "terms"),
    )


def lines(frame: pl.DataFrame, columns: list[str]) -> list[list[str]]:
    return [columns, *([plain(value) for value in row] for row in frame.select(columns).rows())]


def plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.18f}".rstrip("0").rstrip(".")
    return str(value)


EVERY_CAPTURE: Final = [
    pytest.param(name, capture, id=f"{name}/{capture.name}")
    for name in every_source()
    for capture in captures_of(name)
]


@pytest.mark.parametrize(("name", "capture"), EVERY_CAPTURE)
def test_a_page_reads_as_the_lines_beside_it(name: str, capture: Path) -> None:
    reading = fitted(every_source()[name], capture).read(capture.read_bytes())
    assert lines(reading.quotes, QUOTE_COLUMNS) == expected(capture, "quotes")
    assert lines(reading.terms, TERM_COLUMNS) == expected(capture, "terms")


@pytest.mark.parametrize(("name", "capture"), EVERY_CAPTURE)
def test_the_same_bytes_read_the_same_each_time(name: str, capture: Path) -> None:
    source = fitted(every_source()[name], capture)
    once, again = source.read(capture.read_bytes()), source.read(capture.read_bytes())
    assert once.quotes.equals(again.quotes)
    assert once.terms.equals(again.terms)


@pytest.mark.parametrize("name", every_source())
def test_every_source_has_a_page_to_read(name: str) -> None:
    assert captures_of(name), f"tests/fixtures/{name} holds no page"


def test_every_file_here_belongs_to_a_source_and_to_a_page() -> None:
    assert {path.name for path in FIXTURES.iterdir()} <= set(every_source())
    for lines_file in FIXTURES.glob("*/*.csv"):
        if lines_file.name.endswith(EXPECTED):
            stem = lines_file.name.removesuffix(".quotes.csv").removesuffix(".terms.csv")
            pages = [page for page in captures_of(lines_file.parent.name) if page.stem == stem]
            assert len(pages) == 1, f"{lines_file} belongs to {len(pages)} pages"


@pytest.mark.parametrize(("name", "capture"), EVERY_CAPTURE)
def test_a_page_made_for_tests_is_small(name: str, capture: Path) -> None:
    assert capture.stat().st_size < 60_000, f"{name}: a page of the web itself?"

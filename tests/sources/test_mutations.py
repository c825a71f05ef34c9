"""Pages damaged by seeds: whatever is done to a page, no wrong number of it is believed."""

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import pytest

from sources._contract import Evidence, Offer, Parsed, Rank, Source, every_source
from sources._parsing import json_documents, read_price, read_unit, tables_in
from tests.sources.judging import Judge, Verdict
from tests.sources.mutations import KINDS, Mutation, mutated
from tests.sources.pages import MEDIA, Page, containers, thinned
from tests.sources.test_fixtures import EVERY_CAPTURE, fitted

COUNT: Final = 40
NOW: Final = datetime(2027, 1, 1)  # noqa: DTZ001 UTC without an offset, as everywhere
# What people transcribed is no page, and is believed unasked.
EVERY_PAGE: Final = [
    page for page in EVERY_CAPTURE if every_source()[page.values[0]].rank is not Rank.TRANSCRIBED
]


@pytest.mark.parametrize(("name", "capture"), EVERY_PAGE)
def test_no_wrong_number_of_a_mutated_page_is_believed(name: str, capture: Path) -> None:
    content = capture.read_bytes()
    judge = Judge(fitted(every_source()[name], capture), content, NOW)
    page = Page(content, MEDIA[capture.suffix])
    for seed in range(COUNT):
        mutation = mutated(page, Random(f"{capture.name}/{seed}"))  # noqa: S311 no secret
        verdict, reason = judge.verdict(mutation)
        assert verdict is not Verdict.WRONG, f"{seed}: {mutation.kind}: {mutation.what}: {reason}"


TABLE: Final = """# Prices

| Model | Training | Input | Output |
|--|--|--|--|
| alpha | $8.00 | $3.00 | $6.00 |
| beta | $25.00 | $3.75 | $15.00 |
| gamma | $3.00 | $0.30 | $1.20 |
| delta | $1.50 | $0.20 | $0.80 |

Per 1M tokens.
"""
METERS: Final = ("training_tokens", "input_tokens", "output_tokens")


def by_header(capture: bytes) -> Parsed:
    """Read the table as a careful source does."""
    (table,) = tables_in(capture)
    unit = read_unit(f"{re.search(b'Per (.+) tokens', capture)[1].decode()} tokens")
    quotes = [
        Offer("seller", row.cells[table.column("Model").at], "sft", "unknown").quote(
            meter,
            read_price(printed := row.cells[table.column(header).at], unit=unit),
            Evidence(row.locator, printed),
        )
        for row in table.full_rows
        for header, meter in zip(("Training", "Input", "Output"), METERS, strict=True)
    ]
    return Parsed(quotes, [])


def by_position(capture: bytes) -> Parsed:
    """Read the first four cells of any row of any table, and never mind what stands above it."""
    quotes = [
        Offer("seller", row.cells[0], "sft", "unknown").quote(
            meter,
            read_price(printed, currency="USD", unit=read_unit("1M tokens")),
            Evidence(row.locator, printed),
        )
        for table in tables_in(capture)
        for row in table.rows
        for meter, printed in zip(METERS, row.cells[1:], strict=True)
    ]
    return Parsed(quotes, [])


CAREFUL: Final = Source(
    url="https://example.org/prices",
    description="a table made for tests",
    rank=Rank.SELLER,
    cadence=timedelta(days=1),
    quote_count=(3, 100),
    parse=by_header,
    name="table",
)


def verdicts(judge: Judge, kinds: set[str] | None = None, count: int = 250) -> Counter[Verdict]:
    page = Page(TABLE.encode(), "markdown")
    mutations = [mutated(page, Random(seed)) for seed in range(count)]  # noqa: S311 no secret
    return Counter(
        judge.verdict(mutation).verdict
        for mutation in mutations
        if not kinds or mutation.kind in kinds
    )


def test_a_careful_source_behind_the_gate_believes_nothing_wrong() -> None:
    found = verdicts(Judge(CAREFUL, TABLE.encode(), NOW))
    assert found[Verdict.WRONG] == 0
    # and each way of not believing it is met
    assert set(found) == set(Verdict) - {Verdict.WRONG}


def test_a_gate_that_lets_everything_pass_is_caught() -> None:
    found = verdicts(Judge(CAREFUL, TABLE.encode(), NOW, gate=lambda *_: []))
    assert found[Verdict.WRONG] > 10
    assert not found[Verdict.HELD]


def test_a_source_that_reads_by_position_is_caught() -> None:
    gullible = replace(CAREFUL, parse=by_position)
    found = verdicts(Judge(gullible, TABLE.encode(), NOW, gate=lambda *_: []))
    assert found[Verdict.WRONG] > 30
    # a whole column in another place is what the gate has to find then
    places = {"swap two columns", "swap two columns' bodies"}
    found = verdicts(Judge(gullible, TABLE.encode(), NOW), places)
    assert found[Verdict.HELD] > 3


def test_every_kind_changes_some_page() -> None:
    met: set[str] = set()
    pages = [
        (name, Page(capture.read_bytes(), MEDIA[capture.suffix]))
        for name, capture in (param.values for param in EVERY_PAGE)
    ]
    for seed in range(600):
        for name, page in pages:
            mutation = mutated(page, Random(f"{name}/{seed}"))  # noqa: S311 no secret
            assert mutation.capture != page.capture
            met.add(mutation.kind)
        if met == set(KINDS):
            break
    assert met == set(KINDS)


def test_a_seed_does_the_same_each_time() -> None:
    def mutations() -> list[Mutation]:
        page = Page(TABLE.encode(), "markdown")
        return [mutated(page, Random(seed)) for seed in range(30)]  # noqa: S311 no secret

    assert mutations() == mutations()


SPANNED: Final = """<html><body><table>
<tr thead="true"><td rowspan="2">Model</td><td colspan="2">Price</td></tr>
<tr thead="true"><td>LoRA</td><td>Full</td></tr>
<tr><td rowspan="2">a</td><td>$1.00</td><td>$2.00</td></tr>
<tr><td rowspan="0"></td><td>$3.00</td><td>$4.00</td></tr>
</table></body></html>"""


def did(kind: str, text: str, media: str, seed: int = 0) -> str:
    """Give what a kind of mutation makes of a page with a seed, or the first seed behind it."""
    page, (_, verb) = Page(text.encode(), media), KINDS[kind]  # type: ignore[arg-type]
    while (change := verb(page, Random(seed))) is None:  # noqa: S311 no secret
        seed += 1
    (capture,) = {page.with_(change.splices)}
    return capture.decode()


def test_the_cells_of_a_table_are_found_in_their_columns() -> None:
    (grid,) = Page(SPANNED.encode(), "html").grids
    said = [[(grid.said(c), c.column, c.width) for c in line.cells] for line in grid.lines]
    assert said == [
        [("Model", 0, 1), ("Price", 1, 2)],
        [("LoRA", 1, 1), ("Full", 2, 1)],
        [("a", 0, 1), ("$1.00", 1, 1), ("$2.00", 2, 1)],
        [("", 0, 1), ("$3.00", 1, 1), ("$4.00", 2, 1)],
    ]
    assert [line.is_head for line in grid.lines] == [True, True, False, False]


@pytest.mark.parametrize("seed", range(6))
def test_two_whole_columns_change_places_and_the_table_says_the_same(seed: int) -> None:
    def said(page: str) -> list[dict[str, str]]:
        (table,) = tables_in(page.encode())
        return [dict(zip(table.headers, row.cells, strict=True)) for row in table.rows]

    swapped = did("swap two columns", SPANNED, "html", seed)
    assert swapped != SPANNED
    assert said(swapped) == said(SPANNED)
    assert said(did("swap two headers", SPANNED, "html", seed)) != said(SPANNED)


def test_a_column_is_dropped_with_its_share_of_a_header_that_spans_two() -> None:
    pages = {did("drop a column", SPANNED, "html", seed) for seed in range(20)}
    (without,) = (page for page in pages if "LoRA" not in page)
    (table,) = tables_in(without.encode())
    assert table.headers == ("Model", "Price Full")
    assert [row.cells for row in table.rows] == [("a", "$2.00"), ("a", "$4.00")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("drop a row", 3),
        ("drop most rows", 1),
        ("duplicate a row", 5),
        ("drop a column's body", 4),
    ],
)
def test_rows_come_and_go(kind: str, expected: int) -> None:
    lines = did(kind, TABLE, "markdown").splitlines()
    assert sum("$" in line or line.count("|") > 6 for line in lines) in {expected, expected + 1}


PRICES: Final = '{"a": {"input_cost": 1.5, "output_cost": 3}, "b": {"input_cost": 2}}'


@pytest.mark.parametrize("kind", ["drop a key", "swap two keys", "drop an entry", "empty a value"])
def test_json_stays_json(kind: str) -> None:
    more = (f', "m{n}": {{"input_cost": {n}, "output_cost": {n + 1}}}' for n in range(9))
    text = PRICES[:-1] + "".join(more) + "}"
    for seed in range(20):
        (document,) = json_documents(did(kind, text, "json", seed).encode())
        assert document


def test_json_is_taken_apart_where_it_stands() -> None:
    text = '{"a": [1, {"b\\"": "x, y"}], "c": null}'
    found = [[text[i.start : i.end] for i in c.items] for c in containers(text)]
    assert found == [
        ['"a": [1, {"b\\"": "x, y"}]', '"c": null'],
        ["1", '{"b\\"": "x, y"}'],
        ['"b\\"": "x, y"'],
    ]


def test_a_large_document_is_cut_down_evenly() -> None:
    text = "[" + ",".join(f'{{"n": {number}}}' for number in range(1000)) + "]"
    (kept,) = json_documents(thinned(text.encode(), len(text) // 4))
    assert [entry["n"] for entry in kept] == list(range(0, 1000, 4)) or len(kept) == 200

"""OpenAI's pricing page: what training and running a tuned model costs, by service tier."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple, cast

from selectolax.lexbor import LexborNode

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Price,
    Row,
    Table,
    Unit,
    Unreadable,
    clean,
    decode,
    html_tables,
    json_amount,
    markdown_tables,
    read_price,
    shown,
    unit_in,
    whole_page,
)

_COLUMNS: Final = ("Model", "Training", "Input", "Cached input", "Output")
_INFERENCE: Final[dict[str, Meter]] = {
    "Input": "input_tokens",
    "Cached input": "cached_input_tokens",
    "Output": "output_tokens",
}
# "Legacy" is a label of the page, not part of the model's name.
_LABEL: Final = re.compile(r"\s+Legacy$")
_SECTION: Final = re.compile(r"(?im)^#*[ ]?fine[- ]?tuning(?: models)?[ ]*$")


class _Pane(NamedTuple):
    """One service tier's table: every row as the page prints it, and what a number is per."""

    service_tier: str
    rows: Sequence[Row]
    unit: Unit


def parse(capture: bytes) -> Parsed:
    """Read the fine-tuning prices, from the page (since 2025) or its rendering as Markdown.

    The page shows 2 of 10 rows in its `<table>` and keeps all in the `props` of an
    `astro-island` element; both are read, and must agree row for row (page of 2026-08-21).
    """
    text = decode(capture)
    # the Markdown that OpenAI serves itself has tags in it, too
    panes = list(_panes(capture) if text.lstrip().startswith("<") else _rendered(text))
    return Parsed(
        [quote for pane in panes for row in pane.rows for quote in _quotes(pane, row)], []
    )


def _quotes(pane: _Pane, row: Row) -> Iterator[Quote]:
    printed = dict(zip(_COLUMNS, row.cells, strict=True))
    model = _LABEL.sub("", printed["Model"])
    training = read_price(printed["Training"], currency="USD", unit=pane.unit)
    # Reinforcement fine-tuning is the method that OpenAI bills by the hour, the rest is billed by
    # the token at one price for supervised and preference tuning:
    # https://developers.openai.com/api/docs/pricing (2026-08-21)
    hourly = training.unit is not None and training.unit.kind == "hours"
    offer = Offer("openai", model, "rft" if hourly else "sft", "unknown", pane.service_tier)
    yield offer.quote(
        "training_hours" if hourly else "training_tokens",
        training,
        Evidence(f"{row.locator}/Training", printed["Training"]),
    )
    for header, meter in _INFERENCE.items():
        price = read_price(printed[header], currency="USD", unit=pane.unit)
        yield offer.quote(meter, price, Evidence(f"{row.locator}/{header}", printed[header]))


def _rendered(text: str) -> Iterator[_Pane]:
    """Read the Markdown that a renderer made of the page, where nothing was collapsed.

    What OpenAI serves as https://developers.openai.com/api/docs/pricing.md has the section but
    none of its rows (2026-02-26 to 2026-05-29), and the text of 2024-04-01 has no table.
    """
    tables = [t for t in markdown_tables(text) if t.has("Training")]
    if any("All models" in line for line in text.splitlines()):
        raise Unreadable(
            "a rendering that hides rows behind 'All models'; the page itself is needed"
        )
    if not tables and _SECTION.search(text):
        raise Unreadable("the fine-tuning section has no rows; the page itself is needed")
    for table in tables:
        yield _Pane("standard", _in_order(table), _stated_unit(table.context, table.locator))


def _panes(capture: bytes) -> Iterator[_Pane]:
    switchers = whole_page(capture).css("#content-switcher-ft-pricing")
    if len(switchers) != 1:
        raise Unreadable(f"{len(switchers)} fine-tuning price switchers on the page, not 1")
    unit = _stated_unit(_heading(switchers[0]), "the fine-tuning heading")
    panes = switchers[0].css("[data-content-switcher-pane]")
    for pane in panes:
        tier = pane.attributes.get("data-value") or ""
        if tier not in {"standard", "batch"}:
            raise Unreadable(f"an unknown service tier {shown(tier)}")
        yield _Pane(tier, _rows(pane, tier), unit)
    if len(panes) != 2:  # noqa: PLR2004 standard and batch
        raise Unreadable(f"{len(panes)} service tiers of fine-tuning prices, not 2")


def _heading(switcher: LexborNode) -> str:
    texts = []
    before = switcher.prev
    while before is not None:
        texts.append(clean(before.text(separator=" ")))
        before = before.prev
    return " ".join(texts)


def _stated_unit(text: str, where: str) -> Unit:
    unit = unit_in(text)
    if unit is None:
        raise Unreadable(f"no unit of the prices in {where}: {shown(text)}")
    return unit


def _rows(pane: LexborNode, tier: str) -> list[Row]:
    islands = pane.css("astro-island[component-export=PricingTable]")
    tables = list(html_tables(pane))
    if len(islands) != 1 or len(tables) != 1:
        raise Unreadable(
            f"{tier}: {len(islands)} price islands and {len(tables)} tables, not 1 of each"
        )
    data = _island(islands[0])
    rows = [
        Row(f"#content-switcher-ft-pricing/{tier}/props/rows[{number}]", cells)
        for number, cells in enumerate(data.rows)
    ]
    visible = _in_order(tables[0])
    for row, seen in zip(rows, visible, strict=False):
        if not _same(row.cells, seen.cells):
            raise Unreadable(
                f"{tier}: the page data has {row.cells} where the visible table has {seen.cells}"
            )
    if len(visible) != min(data.visible_count, len(rows)):
        raise Unreadable(
            f"{tier}: {len(visible)} rows in the table, {data.visible_count} of {len(rows)} "
            "in the page data"
        )
    return rows


def _in_order(table: Table) -> list[Row]:
    places = [table.column(name).at for name in _COLUMNS]
    if len(table.headers) != len(_COLUMNS):
        raise Unreadable(f"{table.locator}: a column more or less than {_COLUMNS}: {table.headers}")
    return [Row(row.locator, tuple(row.cells[at] for at in places)) for row in table.full_rows]


def _same(data: Sequence[str], seen: Sequence[str]) -> bool:
    """Tell whether a row of page data and a row of the table say the same."""

    def price(text: str) -> Price:
        return read_price(text, currency="USD")

    return data[0] == seen[0] and list(map(price, data[1:])) == list(map(price, seen[1:]))


class _Island(NamedTuple):
    visible_count: int
    rows: list[tuple[str, ...]]


def _island(island: LexborNode) -> _Island:
    """Unpack an island's `props`: JSON in which every value is a `[type, value]` pair.

    Type 0 is a plain value and 1 a list: https://github.com/withastro/astro (serialize.ts,
    2026-08). A number is a price in dollars without its sign, null is an empty cell.
    """
    props = json.loads(
        island.attributes.get("props") or "", parse_float=json_amount, parse_int=json_amount
    )
    fields = {name: _plain(value) for name, value in props.items()}
    headings = fields["headings"]
    if headings != list(_COLUMNS):
        raise Unreadable(f"the page data's headings are {headings}, not {list(_COLUMNS)}")
    rows = [tuple(map(_cell, row)) for row in cast("list[list[object]]", fields["rows"])]
    visible = fields.get("collapsedRowCount")
    return _Island(int(visible) if isinstance(visible, Decimal) else len(rows), rows)


def _plain(value: object) -> object:
    match value:
        case [Decimal(real=0)]:
            return None
        case [Decimal(real=0), dict(fields)]:
            return {name: _plain(item) for name, item in fields.items()}
        case [Decimal(real=0), content]:
            return content
        case [Decimal(real=1), list(items)]:
            return [_plain(item) for item in items]
        case _:
            raise Unreadable(f"a value of unknown shape in the page data: {shown(str(value))}")


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case Decimal():
            return str(value)
        case str() if value:
            return clean(value)
        case {"__pricingHtml": str(markup), **rest} if not rest:
            return clean(re.sub(r"<[^>]*>", " ", markup))
        case _:
            raise Unreadable(f"a cell of unknown shape in the page data: {shown(str(value))}")


SOURCE: Final = Source(
    url="https://developers.openai.com/api/docs/pricing",
    description="OpenAI's pricing page: fine-tuning, standard and batch",
    rank=Rank.SELLER,
    provider="openai",
    cadence=timedelta(days=1),
    quote_count=(20, 200),
    parse=parse,
)

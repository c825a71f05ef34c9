"""LM Market Cap's comparison page: fine-tuning prices of several sellers, in any of its locales."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import (
    Meter,
    Row,
    Table,
    Unit,
    Unreadable,
    clean,
    decode,
    parsed_html,
    read_price,
    shown,
    tables_in,
)

_PROVIDER: Final = ("Provider", "提供商")
_MODEL: Final = ("Model", "模型")
_EXAMPLES: Final = ("Min Examples", "Min. Examples", "Minimum examples", "最少示例")
_HOSTING: Final = ("Hosting", "托管")
_METERS: Final[dict[Meter, tuple[str, ...]]] = {
    "training_tokens": ("Training", "训练"),
    "input_tokens": ("Inference Input", "Inference In", "Input", "推理输入"),
    "output_tokens": ("Inference Output", "Inference Out", "Output", "推理输出"),
}
_PROVIDERS: Final = {"together ai": "together", "fireworks ai": "fireworks"}
_HOSTINGS: Final = {
    "managed": "managed",
    "托管": "managed",
    "self-host": "self_hosted",
    "自托管": "self_hosted",
    "managed + self-host": "both",
    "托管 + 自托管": "both",
}
# Who alone sells the tuning of its models: enough to name the seller of a row that lost its
# provider cell. Llama and its like are tuned by many, so such a row stays unreadable.
_MAKERS: Final = {"gemini": "google", "gpt": "openai", "command": "cohere"}
_MODELS_COMPARED: Final = re.compile(r"(?:Models Compared|对比模型数)\s*(\d+)\b", re.IGNORECASE)
_FREE_TRAINING: Final = re.compile(r"(?:Free Training|免费训练)\s*(\d+)\s*models?\b", re.IGNORECASE)
_REPAIRED: Final = (
    "repaired: the provider cell is missing and the row slid one column left; "
    "read by column type, provider named by the model's maker"
)


class _Row(NamedTuple):
    """One row of the page under its right headers, and what was done to get there."""

    locator: str
    provider: str
    model: str
    prices: dict[Meter, str]
    examples: str
    hosting: str
    remark: str | None


def parse(capture: bytes) -> Parsed:
    """Read the comparison table, per 1M tokens, with its minimum examples and hosting kind.

    The page counts its own models and its own free ones above the table; a reading that
    counts otherwise raises `Unreadable`. Two rows of the page of 2026-11-22 lack their
    provider cell; they are repaired and say so in their evidence.
    """
    tables = [t for t in tables_in(capture) if t.has(*_METERS["training_tokens"])]
    if len(tables) != 1:
        raise Unreadable(f"{len(tables)} tables with a training price, not 1")
    table = tables[0]
    unit = table.column(*_METERS["training_tokens"]).unit
    if unit is None:
        raise Unreadable(f"no unit in the header of the training price: {table.headers}")
    rows = [_read(table, row) for row in table.rows]
    quotes = [quote for row in rows for quote in _quotes(row, unit)]
    _compare_with_headline(capture, rows, quotes)
    return Parsed(quotes, [term for row in rows for term in _terms(row)])


def _quotes(row: _Row, unit: Unit) -> Iterator[Quote]:
    offer = Offer(row.provider, row.model, "sft", "unknown")
    for meter, printed in row.prices.items():
        price = read_price(printed, unit=unit)
        yield offer.quote(meter, price, _evidence(row, meter, printed))


def _terms(row: _Row) -> Iterator[Term]:
    offer = Offer(row.provider, row.model, "sft", "unknown")
    yield offer.term("min_examples", row.examples, _evidence(row, "min_examples", row.examples))
    hosting = _HOSTINGS[row.hosting.lower()]
    yield offer.term("hosting", hosting, _evidence(row, "hosting", row.hosting))


def _evidence(row: _Row, subject: str, printed: str) -> Evidence:
    return Evidence(f"{row.locator}/{subject}", printed, remark=row.remark)


def _read(table: Table, row: Row) -> _Row:
    if _fits(straight := _under_headers(table, row, row.cells)):
        return straight
    if row.cells[-1] == "" and row.cells[0]:
        slid = _under_headers(table, row, ("", *row.cells[:-1]))
        maker = _MAKERS.get(re.split(r"[\s-]", slid.model.lower())[0])
        if _fits(slid) and maker:
            return slid._replace(provider=maker, remark=_REPAIRED)
    raise Unreadable(f"{row.locator}: the cells do not fit the columns: {list(row.cells)}")


def _under_headers(table: Table, row: Row, cells: tuple[str, ...]) -> _Row:
    seller = cells[table.column(*_PROVIDER).at].lower()
    return _Row(
        locator=row.locator,
        provider=_PROVIDERS.get(seller, re.sub(r"\W+", "_", seller).strip("_")),
        model=cells[table.column(*_MODEL).at],
        prices={meter: cells[table.column(*names).at] for meter, names in _METERS.items()},
        examples=cells[table.column(*_EXAMPLES).at],
        hosting=cells[table.column(*_HOSTING).at],
        remark=None,
    )


def _fits(row: _Row) -> bool:
    """Tell whether each cell is of its column's type: a name, money with its sign, a count."""
    return (
        bool(row.model)
        and not _is_money(row.model)
        and all(map(_is_money, row.prices.values()))
        and row.examples.isdecimal()
        and row.hosting.lower() in _HOSTINGS
    )


def _is_money(text: str) -> bool:
    try:
        return read_price(text).amount is not None
    except Unreadable:
        return False


def _compare_with_headline(capture: bytes, rows: list[_Row], quotes: list[Quote]) -> None:
    text = decode(capture)
    if "<table" in text:
        text = parsed_html(text).text(separator=" ")
    said = clean(text)
    free = sum(q.availability == "free" for q in quotes if q.meter == "training_tokens")
    for what, pattern, count in (
        ("models compared", _MODELS_COMPARED, len(rows)),
        ("models with free training", _FREE_TRAINING, free),
    ):
        stated = pattern.search(said)
        if stated is None:
            raise Unreadable(f"the page does not say its number of {what}: {shown(said)}")
        if int(stated[1]) != count:
            raise Unreadable(f"{count} {what} in the table where the page says {stated[1]}")


SOURCE: Final = Source(
    url="https://lmmarketcap.com/zh/fine-tuning",
    description="LM Market Cap: a third party's comparison of fine-tuning prices",
    rank=Rank.THIRD_PARTY,
    cadence=timedelta(days=1),
    quote_count=(30, 400),
    term_count=(20, 300),
    parse=parse,
)

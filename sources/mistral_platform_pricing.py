"""Mistral's first price page, part of its documentation until it was taken down in 2024-04.

Read from captures; nobody can fetch it any more. Models are named by their endpoint, as catalogues
do. Its prices in euros are one list all along, `EUR`, also while there was none in dollars. The
embedding models are left out: nobody tunes one here, or prompts it instead.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Table,
    Unreadable,
    decode,
    markdown_tables,
    read_price,
    read_unit,
    shown,
)

_BEGINNING: Final = """# Pricing and rate limits

## Pay-as-you-go

The prices listed below are exclusive of VAT.
"""
_END: Final = "We will raise the limits for embedding models in the future."
_CHAT: Final = "### Chat Completions API"
_EMBEDDINGS: Final = "### Embeddings API"
# The column of the endpoints, and what each price column is of; before dollars came, and after.
_LAYOUTS: Final[Mapping[str, Mapping[str, tuple[Meter, str]]]] = {
    "Model": {
        "Input": ("input_tokens", "EUR"),
        "Output": ("output_tokens", "EUR"),
    },
    "Endpoint": {
        "Input (USD)": ("input_tokens", "USD"),
        "Output (USD)": ("output_tokens", "USD"),
        "Input (EUR)": ("input_tokens", "EUR"),
        "Output (EUR)": ("output_tokens", "EUR"),
    },
}
_UNIT: Final = read_unit("1M tokens")
_ENDPOINT: Final = re.compile(r"`([a-z0-9-]+)`")


def parse(capture: bytes) -> Parsed:
    """Read the prices of the chat models, of a page that must be whole from title to last word."""
    text = decode(capture)
    if not text.startswith(_BEGINNING) or not text.rstrip().endswith(_END):
        raise Unreadable("the page is cut short, or another one")
    tables = list(markdown_tables(text))
    if [table.context for table in tables] != [_CHAT, _EMBEDDINGS]:
        raise Unreadable(f"tables under other headings: {[table.context for table in tables]}")
    # a blank line in a table would end it early
    lines = sum(line.startswith("|") for line in text.splitlines())
    if lines != sum(2 + len(table.rows) for table in tables):
        raise Unreadable("a row of a table stands outside it")
    return Parsed(list(_quotes(tables[0])), [])


def _quotes(table: Table) -> Iterator[Quote]:
    endpoints = "Endpoint" if table.has("Endpoint") else "Model"
    columns = _LAYOUTS[endpoints]
    if set(table.headers) != {"Model", endpoints, *columns}:
        raise Unreadable(f"unknown columns of {table.locator}: {list(table.headers)}")
    for row in table.rows:
        endpoint = _ENDPOINT.fullmatch(row.cells[table.column(endpoints).at])
        if endpoint is None:
            raise Unreadable(f"{row.locator} names no endpoint: {shown(str(row.cells))}")
        for header, (meter, currency) in columns.items():
            printed = row.cells[table.column(header).at]
            price = read_price(printed)
            if (price.currency, price.unit) != (currency, _UNIT):
                raise Unreadable(
                    f"{row.locator}/{header}: {shown(printed)} is no {currency} per 1M"
                )
            yield Offer("mistral", endpoint[1]).quote(
                meter,
                price,
                Evidence(f"{row.locator}/{header}", printed, remark="exclusive of VAT"),
                price_list=None if currency == "USD" else currency,
            )


SOURCE: Final = Source(
    url="https://docs.mistral.ai/platform/pricing",
    description="Mistral's first price page, of early 2024, which is gone: its base models",
    rank=Rank.SELLER,
    provider="mistral",
    cadence=timedelta(days=30),
    unasked="its page is gone since 2024-04-17",
    # 6 on 2024-01-03, 20 on 2024-02-26 and 2024-04-17
    quote_count=(6, 20),
    parse=parse,
)

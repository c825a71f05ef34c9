"""Azure OpenAI's price page: what tuning a model and running the result costs, of early 2025.

Only a text rendering of 2025-02-27 was ever seen. The page itself is refused until somebody has
read what its HTML looks like; `azure_retail_prices` has today's prices.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import Meter, Unreadable, clean, lines_in, read_price, shown

_HEADING: Final = "## Fine-tuning models"
_HEADERS: Final = ["Model", "", "Pricing"]
_METERS: Final[Mapping[str, Meter]] = {
    "Input": "input_tokens",
    "Cached Input": "cached_input_tokens",
    "Output": "output_tokens",
    "Training": "training_tokens",
    "Hosting": "hosting_hours",
}
# Older models have no cheaper price for input that is cached.
_REQUIRED: Final = _METERS.keys() - {"Cached Input"}
_GEOGRAPHIES: Final = {"Regional": "regional", "Global": "global", "": None}
# The oldest two are sold without saying where.
_ANYWHERE: Final = {"Babbage-002", "Davinci-002"}


class _Row(NamedTuple):
    """One row of the table: what is sold where, and the lines of its one price cell."""

    line: int
    model: str
    geography: str
    prices: list[tuple[int, str]]


def parse(capture: bytes) -> Parsed:
    """Read the table of tuned models, each row of which holds up to five prices in one cell.

    The rendering writes each price on a line of its own, and a row that belongs to the model
    above it without the model's cell.
    """
    lines = lines_in(capture)
    starts = [at for at, line in enumerate(lines) if line.strip() == _HEADING]
    if len(starts) != 1:
        raise Unreadable(f"{len(starts)} lines, not 1, say {_HEADING!r}; HTML is not known here")
    ends = [at for at, line in enumerate(lines) if at > starts[0] and line.startswith("## ")]
    if not ends:
        raise Unreadable(f"the page is cut short: no heading below {_HEADING!r}")
    table = [(at, clean(lines[at])) for at in range(starts[0] + 1, ends[0]) if lines[at].strip()]
    return Parsed([quote for row in _rows(table) for quote in _quotes(row)], [])


def _rows(table: list[tuple[int, str]]) -> Iterator[_Row]:
    head = [_cells(text) for _, text in table[:2]]
    if head != [_HEADERS, ["---"] * len(_HEADERS)]:
        raise Unreadable(f"below {_HEADING!r} are other columns than {_HEADERS}: {head}")
    row: _Row | None = None
    for at, text in table[2:]:
        match _cells(text):
            case [model, geography, price] if (
                model and geography in _GEOGRAPHIES and bool(geography) != (model in _ANYWHERE)
            ):
                if row:
                    yield row
                row = _Row(at, model, geography, [(at, price)])
            case ["Global", price] if row and row.geography == "Regional":
                yield row
                row = _Row(at, row.model, "Global", [(at, price)])
            case [price] if row:
                row.prices.append((at, price))
            case _:
                raise Unreadable(f"line {at + 1} is no part of the table: {shown(text)}")
    if row:
        yield row


def _cells(line: str) -> list[str]:
    return [clean(cell) for cell in line.split("|")]


def _quotes(row: _Row) -> Iterator[Quote]:
    offer = Offer("azure", row.model, "sft", "unknown", region=_GEOGRAPHIES[row.geography])
    labels = [text.partition(":")[0] for _, text in row.prices]
    if labels != [label for label in _METERS if label in {*labels, *_REQUIRED}]:
        raise Unreadable(f"line {row.line + 1}: not the prices of a tuned model: {labels}")
    for (at, text), label in zip(row.prices, labels, strict=True):
        printed = text.removeprefix(f"{label}:").strip()
        evidence = Evidence(f"line {at + 1}/{label}", printed)
        yield offer.quote(_METERS[label], read_price(printed), evidence)


SOURCE: Final = Source(
    url="https://azure.microsoft.com/en-us/pricing/details/cognitive-services/openai-service/",
    description="Azure OpenAI's price page: tuning models and running tuned ones, of early 2025",
    rank=Rank.SELLER,
    provider="azure",
    cadence=timedelta(days=30),
    unasked="its page fills in its prices by a script: only saved renderings of it are read",
    # 40 on 2025-02-27
    quote_count=(30, 200),
    parse=parse,
)

"""Amazon Bedrock's price page: what training, storing and running a custom model costs.

Read are the tables of model customization, from the two renderings of the page that are known: a
Markdown text (2025-02, Korean, per 1,000 tokens) and a list of all table rows as JSON objects
(2026-05 on, per 1M tokens). The page's own HTML is refused. Its price cells hold codes such as
`{priceOf!...}` that a script fills, and the tables behind a region selector are not in it
(public readers of 2026-11; in the text of 2025-02 nothing follows `Region:`), so that a reading
of it would lose most offers and say that they were withdrawn. `aws_price_list` reads AWS's own
file of these prices.

Left out, because no rendering says which of several prices it is or what is counted:

- Custom Model Import, per unit and minute: one label has two prices, 0.05718 and 0.07144 in
  2026, because the region's tab is lost, and a model takes a number of units that is found only
  when it is imported;
- base models on demand: the same loss gives one label up to four prices (2026-05-25);
- Amazon Nova Canvas, which learns from images, at a price for each;
- provisioned throughput, with a commitment or of a base model, also where a scrape files it under
  the heading of customization;
- the sentence on billed tokens: it is in the text of 2025 only, and what one rendering lacks
  would look like a change of terms.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Unreadable,
    clean,
    decode,
    json_documents,
    markdown_tables,
    read_price,
    read_unit,
    shown,
)

_NO_COMMIT: Final = "(with no-commit Provisioned Throughput pricing)"
_NO_COMMIT_KO: Final = "(약정이 없는 프로비저닝 처리량 요금 포함)"
# The headers of a customization table, without emphasis and footnote stars: what each counts.
_METERS: Final[Mapping[str, tuple[Meter, str]]] = {
    "1,000개의 토큰을 훈련하기 위한 요금": ("training_tokens", "1K tokens"),
    "Price to train 1,000 tokens": ("training_tokens", "1K tokens"),
    "Price to train 1M tokens": ("training_tokens", "1M tokens"),
    "Price per training hours": ("training_hours", "hour"),
    "Price to store each custom model per month": ("storage_months", "month"),
    "Price to store each trained model per month": ("storage_months", "month"),
    "각 사용자 지정 모델의 월별 저장 요금": ("storage_months", "month"),
    "각 사용자 지정 모델을 저장하는 데 드는 요금(월별)": ("storage_months", "month"),
    **dict.fromkeys(
        (
            f"Price to infer from a custom model for 1 model unit per hour {_NO_COMMIT}",
            f"Price to infer from a custom model per model unit per hour {_NO_COMMIT}",
            f"사용자 지정 모델에서 시간당 모델 단위당 추론 요금{_NO_COMMIT_KO}",
            f"사용자 지정 모델에서 시간당 모델 단위 1개당 추론 요금{_NO_COMMIT_KO}",
        ),
        ("hosting_hours", "hour"),
    ),
    # in a table of customization the tuned model's, elsewhere the base model's
    "Price per 1M input tokens": ("input_tokens", "1M tokens"),
    "Price per 1M output tokens": ("output_tokens", "1M tokens"),
}
# A table has all columns of one kind, and its kind says how the model is tuned: a price per token
# stands under "Pricing for model customization (fine-tuning)", one per hour names no method.
_METHODS: Final[Mapping[tuple[str, ...], str]] = {
    ("hosting_hours", "storage_months", "training_tokens"): "sft",
    ("input_tokens", "output_tokens", "storage_months", "training_hours"): "unknown",
}
_HTML: Final = re.compile(r"<(?:!doctype|html|head|body|table)\b", re.IGNORECASE)
_MODEL_COLUMN: Final = re.compile(r".+ (?:models|모델)")
_ABOUT_A_ROW: Final = {"Hierarchy_Path", "Pricing_Category", "Provider", "Sub_Tab_1", "Sub_Tab_2"}
# What makes a table one of customization by its headers, and those that are left out, see above.
_TUNING: Final = re.compile(r"train|custom|tuned|tuning|훈련|사용자 지정|미세 조정", re.IGNORECASE)
_LEFT_OUT: Final = {
    "Custom Model Unit version",  # Custom Model Import
    "사용자 지정 모델 단위 버전",
    "Price per image seen",  # Amazon Nova Canvas
}
# Headings bleed: the same row is filed under `Meta`, `Batch pricing` or `General Pricing`. So a
# heading only tells worked examples: `Pricing Examples`, `Model evaluation example 1:`.
_EXAMPLE: Final = re.compile(r"\bexamples?\b", re.IGNORECASE)
# On Cohere's tab of 2026 the customization table says Command where the one of provisioned
# throughput, and both tables of 2025, say Cohere Command.
_NAMES: Final = {"Command": "Cohere Command", "Command-Light": "Cohere Command-Light"}

# What tabs are called, and no model is.
_NO_NAME: Final = re.compile(r",|customization|pricing|사용자 지정|요금", re.IGNORECASE)

_tuned: Final = partial(Offer, "aws_bedrock", adapter="unknown")


def parse(capture: bytes) -> Parsed:
    """Read the customization tables of a rendering of the page."""
    text = decode(capture)
    if text.lstrip().startswith(("[", "{")):
        rows = _scraped(json_documents(capture))
    elif _HTML.search(text):
        raise Unreadable(
            "the page's HTML, in which a script fills in the prices; only a rendering of the "
            "page, as Markdown or as a list of its table rows, holds them"
        )
    else:
        rows = _printed(text)
    quotes = [quote for locator, cells in rows for quote in _quotes(locator, cells)]
    if not quotes:
        raise Unreadable("no table of model customization")
    return Parsed(quotes, [])


def _printed(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for table in markdown_tables(text):
        if _is_of_customization(table.headers):
            for row in table.rows:
                yield row.locator, _by_header(zip(table.headers, row.cells, strict=True))


def _scraped(documents: Sequence[object]) -> Iterator[tuple[str, Mapping[str, str]]]:
    rows = [row for rows in documents if isinstance(rows, list) for row in rows]
    if not all(isinstance(document, list) for document in documents):
        raise Unreadable("the JSON is no list of table rows")
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not all(isinstance(cell, str) for cell in row.values()):
            raise Unreadable(f"[{number}] is no table row: {shown(str(row))}")
        if not row.keys() >= {"Pricing_Category", "Provider"}:
            raise Unreadable(f"[{number}] does not say where it stands: {shown(str(row))}")
        if _is_of_customization(row) and not _EXAMPLE.search(row["Pricing_Category"]):
            yield f"[{number}]", _by_header(c for c in row.items() if c[0] not in _ABOUT_A_ROW)


def _is_of_customization(headers: Iterable[str]) -> bool:
    names = {_unmarked(header) for header in headers} - _ABOUT_A_ROW
    return any(map(_TUNING.search, names)) and names.isdisjoint(_LEFT_OUT)


def _by_header(cells: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    named: dict[str, str] = {}
    for printed, cell in cells:
        header = _unmarked(printed)
        if header in named:
            raise Unreadable(f"two columns are called {shown(header)}")
        named[header] = cell
    return named


def _unmarked(printed: str) -> str:
    """Take emphasis and footnote stars off a header or a name."""
    return clean(printed.replace("*", ""))


def _quotes(locator: str, cells: Mapping[str, str]) -> Iterator[Quote]:
    prices = {header: _METERS[header] for header in cells if header in _METERS}
    names = [header for header in cells if _MODEL_COLUMN.fullmatch(header)]
    method = _METHODS.get(tuple(sorted(meter for meter, _ in prices.values())))
    if len(names) != 1 or len(cells) != len(prices) + 1 or method is None:
        raise Unreadable(f"{locator}: not the columns of a customization table: {[*cells]}")
    printed = _unmarked(cells[names[0]])
    if not printed:
        raise Unreadable(f"{locator}: a row of customization names no model")
    if blank := [header for header, cell in cells.items() if not cell]:
        raise Unreadable(f"{locator}: blank cells in a row of customization: {blank}")
    if _NO_NAME.search(printed):
        raise Unreadable(f"{locator}: a tab's name and no model's: {shown(printed)}")
    # `Llama 2 Pretrained(70B)` in 2025, `Llama 2 Pretrained (70B)` in 2026
    name = re.sub(r"(?<=\w)\(", " (", printed)
    offer = _tuned(_NAMES.get(name, name), tuning_method=method)
    renamed = f"printed {printed}" if name in _NAMES else None
    for header, (meter, unit) in prices.items():
        price = read_price(cells[header], unit=read_unit(unit))
        remark = "for each model unit, without commitment" if meter == "hosting_hours" else renamed
        evidence = Evidence(f"{locator}/{header}", cells[header], remark=remark)
        yield offer.quote(meter, price, evidence)


SOURCE: Final = Source(
    url="https://aws.amazon.com/bedrock/pricing/",
    description="Amazon Bedrock's price page, as rendered: training and running custom models",
    rank=Rank.SELLER,
    provider="aws_bedrock",
    cadence=timedelta(days=30),
    unasked="its page fills in its prices by a script: only saved renderings of it are read",
    # 12 on 2025-02-27, 14 on 2026-05-25 when the scrape opened few tabs, 38 on 2026-06-18
    quote_count=(12, 300),
    parse=parse,
)

"""Zhipu BigModel's price page: what tuning a GLM model and running the result costs, in yuan."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Table,
    Unreadable,
    clean,
    html_tables,
    read_price,
    shown,
    whole_page,
)

# The page says 微调 and names no method. Zhipu's guide offers SFT and DPO, both as LoRA or full
# (https://docs.bigmodel.cn/cn/guide/tools/fine-tuning, undated copy), and the page has one price
# for both; so it is the price of supervised tuning, as it is of OpenAI's.
_tuned: Final = partial(Offer, "zhipu", tuning_method="sft")

_ADAPTERS: Final = {"LoRA微调单价": "lora", "全参微调单价": "full"}
# A token on a public instance has one price, read or written.
_PUBLIC: Final[tuple[Meter, ...]] = ("input_tokens", "output_tokens")
_COMPUTE_UNIT: Final = "算力单元"
_PER_COMPUTE_UNIT: Final = (
    f"per compute unit ({_COMPUTE_UNIT}); how many a model takes is not on the page"
)


class _Line(NamedTuple):
    """One body row: its locator, and what it prints under each header."""

    locator: str
    printed: dict[str, str]


def parse(capture: bytes) -> Parsed:
    """Read the prices of training, of running tuned models, and of private instances.

    Not read are the base models' token prices, the yearly packages (云端私有化套餐) and the
    table of what their buyers pay for more (`buy-more-table`, 增购报价), which has no headers
    and other training prices than the list: GLM-4-Air by LoRA 0.021 yuan, listed at 0.03, per
    1K tokens (page of 2026-07-17).

    Models of images stay as printed: Cogview-3 is tuned by the token like the others.
    """
    page = whole_page(capture)
    training, inference = _tables(page, "模型微调", "模型训练", "模型推理")
    # Private instances of base models: the section does not speak of tuned ones, and has models
    # that cannot be tuned. Of its tabs only the language models' is read; the others hold models
    # of sight, images, video, embedding and ranking.
    language, *_ = _tables(
        page,
        "模型私有实例",
        "语言模型",
        "视觉模型",
        "图像模型",
        "视频模型",
        "向量模型",
        "其他模型",
    )
    return Parsed(
        [
            *_training(_lines(training, "模型", "训练版本", *_ADAPTERS)),
            *_inference(_lines(inference, "模型", "部署版本", "公共实例", "私有实例")),
            *_base_hosting(_lines(language, "模型", "部署版本", "私有实例")),
        ],
        [],
    )


def _training(lines: Iterator[_Line]) -> Iterator[Quote]:
    for line in lines:
        model, version = line.printed["模型"], line.printed["训练版本"]
        for header, adapter in _ADAPTERS.items():
            offer = _tuned(model, adapter=adapter, context_tier=version)
            yield _quote(offer, "training_tokens", line, header)


def _inference(lines: Iterator[_Line]) -> Iterator[Quote]:
    for line in lines:
        model, version = line.printed["模型"], line.printed["部署版本"]
        offer = _tuned(model, adapter="unknown", context_tier=version)
        for meter in _PUBLIC:
            yield _quote(offer, meter, line, "公共实例")
        yield _hosting(offer, line)


def _base_hosting(lines: Iterator[_Line]) -> Iterator[Quote]:
    for line in lines:
        model, version = line.printed["模型"], line.printed["部署版本"]
        yield _hosting(Offer("zhipu", model, context_tier=version), line)


def _hosting(offer: Offer, line: _Line) -> Quote:
    """State what one compute unit costs, and that an instance may take more of them."""
    quote = _quote(offer, "hosting_hours", line, "私有实例")
    if quote.availability != "priced":
        return quote
    if _COMPUTE_UNIT not in quote.printed_text:
        raise Unreadable(
            f"{line.locator}: not a price per compute unit: {shown(quote.printed_text)}"
        )
    return quote._replace(remark=_PER_COMPUTE_UNIT)


def _quote(offer: Offer, meter: Meter, line: _Line, header: str) -> Quote:
    """State a price; currency and unit stand in the cell, and nowhere else."""
    printed = line.printed[header]
    return offer.quote(meter, read_price(printed), Evidence(f"{line.locator}/{header}", printed))


def _lines(table: Table, *columns: str) -> Iterator[_Line]:
    if sorted(table.headers) != sorted(columns):
        raise Unreadable(f"{table.locator}: the headers are {table.headers}, not {columns}")
    for row in table.full_rows:
        yield _Line(row.locator, dict(zip(table.headers, row.cells, strict=True)))


def _tables(page: LexborHTMLParser, heading: str, *tabs: str) -> Sequence[Table]:
    """Find the tables of a section, one for each of its tabs and in their order.

    The tables have no captions: the n-th tab shows the n-th table, so there must be exactly
    these tabs and as many tables. A table is renamed after its tab, to be found again by it.
    """
    sections = [
        section
        for section in page.css("div.section-item")
        if heading in [clean(title.text()) for title in section.css("h3.model-title")]
    ]
    if len(sections) != 1:
        raise Unreadable(f"{len(sections)} sections are headed {heading}, not 1")
    shown_tabs = [clean(tab.text()) for tab in sections[0].css("ul.tab-nav-list > li")]
    tables = list(html_tables(sections[0]))
    if shown_tabs != list(tabs) or len(tables) != len(tabs):
        raise Unreadable(f"{heading}: {len(tables)} tables under the tabs {shown_tabs}, not {tabs}")
    for tab, table in zip(tabs, tables, strict=True):
        table.locator = f"{heading}/{tab}"
    return tables


SOURCE: Final = Source(
    url="https://open.bigmodel.cn/pricing",
    description="Zhipu BigModel's price page: tuning GLM models, running tuned ones, instances",
    rank=Rank.SELLER,
    provider="zhipu",
    cadence=timedelta(days=1),
    # 57 on 2026-07-17; without any one of the three tables at most 44
    quote_count=(46, 200),
    parse=parse,
)

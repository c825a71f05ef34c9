"""Volcengine Ark's price page: what tuning a Doubao model and running the result costs, in yuan."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import (
    Meter,
    Row,
    Table,
    Unreadable,
    clean,
    html_tables,
    read_price,
    shown,
    whole_page,
)

# The page says 精调 and names no method. Ark's guide offers SFT, DPO and others under that word
# (https://www.volcengine.com/docs/82379/1099459, undated copy), and the page has one price for
# all of them; so it is the price of supervised tuning, as it is of OpenAI's.
_tuned: Final = partial(Offer, "volcengine", tuning_method="sft", adapter="unknown")

_ADAPTERS: Final = {"LoRA精调": "lora", "全量精调": "full"}
_SERVICE_TIERS: Final = {"推理-在线推理": "standard", "推理-批量推理": "batch"}
_INFERENCE: Final[dict[str, Meter]] = {
    "输入(非音频)": "input_tokens",
    "缓存命中(非音频)": "cached_input_tokens",
    "输出": "output_tokens",
}
# Sound has no meter here.
_IGNORED: Final = ("输入(音频)", "缓存命中(音频)")

_FORMULA: Final = (
    "训练费用 = 总 token 数 x 精调单价 ="
    "(用户训练集token数+混入token数+验证集token数)x 迭代轮次 x 精调token单价"
)
_LONGEST_LINE: Final = 1_000
_ROUNDING: Final = "若 token 数小于 1000,将会上取整为 1000 tokens 计算。"


def parse(capture: bytes) -> Parsed:
    """Read the training prices, per token and per hour, and those of running tuned models.

    The page's other tables are not read: base models, media, plug-ins and subscriptions.
    """
    page = whole_page(capture)
    tables = list(html_tables(page))
    return Parsed(
        [
            *_training(_under(tables, "精调-按 token 后付费", "基础模型 ID", *_ADAPTERS)),
            *_hourly(_under(tables, "精调-按算力付费", "算力规格", "计费方式", "定价")),
            *(quote for heading in _SERVICE_TIERS for quote in _inference(tables, heading)),
        ],
        [_billed_tokens(page)],
    )


def _training(table: Table) -> Iterator[Quote]:
    for row in table.full_rows:
        for header, adapter in _ADAPTERS.items():
            offer = _tuned(_cell(table, row, "基础模型 ID"), adapter=adapter)
            yield _quote(offer, "training_tokens", table, row, header)


def _hourly(table: Table) -> Iterator[Quote]:
    """Read what an hour of one model unit costs; a job takes a number of units of one kind."""
    for row in table.full_rows:
        billing = _cell(table, row, "计费方式")
        if billing != "按量后付费":
            raise Unreadable(f"{row.locator}: an unknown way of paying {shown(billing)}")
        yield _quote(_tuned(_cell(table, row, "算力规格")), "training_hours", table, row, "定价")


def _inference(tables: Sequence[Table], heading: str) -> Iterator[Quote]:
    model, condition = "精调模型对应的基础模型", "条件(千 token)"
    table = _under(tables, heading, model, condition, *_INFERENCE, *_IGNORED)
    _check_that_no_length_is_lost(
        (_cell(table, row, model), _context_tier(_cell(table, row, condition)))
        for row in table.full_rows
    )
    for row in table.full_rows:
        offer = _tuned(
            _cell(table, row, model),
            service_tier=_SERVICE_TIERS[heading],
            context_tier=_context_tier(_cell(table, row, condition)),
        )
        for header, meter in _INFERENCE.items():
            yield _quote(offer, meter, table, row, header)


def _under(tables: Sequence[Table], heading: str, *columns: str) -> Table:
    """Find the one table below a heading, which must have these columns and no other.

    Another table with them may only stand below another of the headings.
    """
    found = [table for table in tables if table.context.endswith(heading)]
    if len(found) != 1:
        raise Unreadable(f"{len(found)} tables under the heading {heading}, not 1")
    alike = [table for table in tables if table.headers == found[0].headers]
    if len(alike) > (len(_SERVICE_TIERS) if heading in _SERVICE_TIERS else 1):
        raise Unreadable(f"{len(alike)} tables like the one under the heading {heading}")
    places = {found[0].column(name).at for name in columns}
    if len(places) != len(found[0].headers):
        raise Unreadable(f"{heading}: a column more than {columns}: {found[0].headers}")
    return found[0]


def _cell(table: Table, row: Row, header: str) -> str:
    return row.cells[table.column(header).at]


def _quote(offer: Offer, meter: Meter, table: Table, row: Row, header: str) -> Quote:
    column, printed = table.column(header), _cell(table, row, header)
    price = read_price(printed, currency=column.currency, unit=column.unit)
    return offer.quote(meter, price, Evidence(f"{row.locator}/{header}", printed))


# A condition on the output's length as well, which base models have, is none of these.
_CONDITION: Final = re.compile(r"输入长度 (?:\[0|\((?P<above>[1-9]\d*)), ?(?P<up_to>[1-9]\d*)\]")


def _context_tier(condition: str) -> str | None:
    """Spell `输入长度 (32, 128]`, in thousand tokens, as `32k-128k`; `-` is no condition."""
    if condition == "-":
        return None
    if match := _CONDITION.fullmatch(condition):
        above = f"{match['above']}k" if match["above"] else "0"
        return f"{above}-{match['up_to']}k"
    raise Unreadable(f"an unknown condition of a price: {shown(condition)}")


def _check_that_no_length_is_lost(rows: Iterable[tuple[str, str | None]]) -> None:
    """Demand that a model's lengths of input go on from one row to the next, beginning at 0."""
    reached: dict[str, str] = {}
    for model, tier in rows:
        begin, _, end = (tier or "0-any").partition("-")
        if begin != reached.get(model, "0"):
            raise Unreadable(f"{shown(model)}: a length of input is missing before {tier}")
        reached[model] = end


def _billed_tokens(page: LexborHTMLParser) -> Term:
    """State the rule for billed tokens, if the page still gives it word for word.

    Only what the page shows counts: its embedded data repeats every sentence.
    """
    # one line may hold all the others
    texts = (line.text()[:_LONGEST_LINE] for line in page.css("div.ace-line"))
    lines = [clean(text) for text in texts]
    for sentence in (_FORMULA, _ROUNDING):
        if lines.count(sentence) != 1:
            raise Unreadable(f"{lines.count(sentence)} lines, not 1, say {shown(sentence)}")
    return _tuned(EVERY_MODEL).term(
        "billed_tokens_rule",
        "(train + mixed-in + validation) x epochs, rounded up to 1,000",
        Evidence(
            f"div.ace-line[{lines.index(_FORMULA)}]",
            f"{_FORMULA} {_ROUNDING}",
            remark="only a total below 1,000 tokens is rounded up, to 1,000",
        ),
    )


SOURCE: Final = Source(
    url="https://www.volcengine.com/docs/82379/1544106",
    description="Volcengine Ark's price page: tuning Doubao models and running tuned ones",
    rank=Rank.SELLER,
    provider="volcengine",
    cadence=timedelta(days=1),
    # 100 on 2026-07-17; without either inference table at most 61
    quote_count=(64, 300),
    term_count=(1, 1),
    parse=parse,
)

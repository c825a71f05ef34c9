"""Together AI's price page: what tuning a model costs, by its size or its name, and the minimum.

No raw page is held. The two shapes read here are those of stored copies: until September 2026 one
table by size, whose two header rows name method and adapter, and one of large models that are
tuned by LoRA alone; since then two tables of models behind a switch, one for LoRA and one for full
fine-tuning. The page as somebody fetched it on 2026-10-08 did not say which of the two is which
(0.34 and 0.38 per 1M tokens), and is refused.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import (
    Price,
    Table,
    Unit,
    Unreadable,
    clean,
    decode,
    html_tables,
    markdown_tables,
    read_price,
    read_size_bracket,
    read_unit,
    shown,
    unit_in,
    visible_text,
    whole_page,
)

_METHODS: Final = {"supervised": "sft", "sft": "sft", "direct": "dpo", "dpo": "dpo"}
_PRICE: Final = re.compile(
    r"(?P<method>Supervised|SFT|Direct|DPO)(?: Fine-Tuning| Preference Optimization)?"
    r"(?: \(?(?P<adapter>LoRA|Full)(?: Fine-Tuning)?\)?)?(?: \(?(?:/|per ).+)?",
    re.IGNORECASE | re.ASCII,
)
_SUBJECTS: Final = ("size", "model", "model size")
_MINIMUM: Final = "minimum charge"
_JOB: Final = read_unit("job")
_NO_MINIMUM: Final = ("no min price", "no minimum")
# How a switch, a heading or a sentence names one of the two adapters; `full` alone is any word.
_ADAPTER: Final = re.compile(r"\b(LoRA\b|Full(?=$|[ -](?:fine-?tuning|parameter)))", re.IGNORECASE)

# What stands under each of the tables, so that a page that lacks one is seen to be cut short.
_CLOSING: Final = (
    "Price is based on the sum of tokens processed in the fine-tuning training dataset (training "
    "dataset size * number of epochs) plus any tokens in the optional evaluation dataset "
    "(validation dataset size * number of evaluations)."
)
# "Each job is subject to a minimum charge of $4.00.", read by somebody on 2026-09-09
_EACH_JOB: Final = re.compile(
    r"Each job is subject to a minimum charge of (?P<price>\$\d[\d,]*(?:\.\d+)?)", re.ASCII
)


class _Found(NamedTuple):
    """A table, and what its page prints above it: in its section, and right above it.

    `pane` is the name of the tab whose pane it stands in, if it does.
    """

    table: Table
    section: str
    above: str
    pane: str


class _Column(NamedTuple):
    """A column of training prices; the adapter is null where its header names none."""

    header: str
    at: int
    method: str
    adapter: str | None
    unit: Unit | None


def parse(capture: bytes) -> Parsed:
    """Read the training prices, each with its job's minimum where there is one, and the rule.

    Raises `Unreadable` where several tables differ by an adapter that the page does not name.
    """
    found = [
        place
        for place in _places(capture)
        if any(_PRICE.fullmatch(clean(header)) for header in place.table.headers)
    ]
    said = visible_text(capture).replace("\\", "")
    if not found or said.count(_CLOSING) != len(found):
        raise Unreadable(f"{len(found)} tables of training prices, {said.count(_CLOSING)} closings")
    quotes: list[Quote] = []
    unit: Unit | None = None
    each_job = _each_job(said)
    for place, adapter in zip(found, _adapters(found), strict=True):
        # one line may stand above both tables of a switch
        unit = unit_in(place.section) or unit
        quotes += _quotes(place.table, adapter, unit, each_job)
    return Parsed(quotes, [_billed_tokens()])


def _columns(table: Table) -> tuple[int, list[_Column], int | None]:
    """Find the columns of the model, of the prices and of the minimum; any other is refused."""
    subject = minimum = None
    prices = []
    for at, header in enumerate(table.headers):
        name = clean(header)
        price = _PRICE.fullmatch(name)
        if price is not None:
            adapter = price["adapter"]
            prices.append(
                _Column(
                    name,
                    at,
                    _METHODS[price["method"].lower()],
                    adapter and adapter.lower(),
                    table.column(header).unit,
                )
            )
        elif name.lower() in _SUBJECTS and subject is None:
            subject = at
        elif name.lower() == _MINIMUM and minimum is None:
            minimum = at
        else:
            raise Unreadable(f"{table.locator}: an unknown column {shown(name)}")
    if subject is None or {price.method for price in prices} != {"sft", "dpo"}:
        raise Unreadable(
            f"{table.locator}: a column is missing in {shown(str(table.headers), 200)}"
        )
    return subject, prices, minimum


def _adapters(found: Sequence[_Found]) -> list[str]:
    """Tell the adapter of each table whose headers name none: by its tab, or the text above it.

    It is unknown only where there is one such table, and nothing near it names an adapter.
    """
    labels = [
        {"in its headers"}
        if all(column.adapter for column in _columns(place.table)[1])
        else _named(place.pane) or _named(place.above)
        for place in found
    ]
    rest = [at for at, label in enumerate(labels) if label != {"in its headers"}]
    if len(rest) == 1 and not labels[rest[0]]:
        labels[rest[0]] = {"unknown"}
    if any(len(label) != 1 for label in labels):
        raise Unreadable("which table is LoRA's and which full fine-tuning's is not on the page")
    return [min(label) for label in labels]


def _named(text: str) -> set[str]:
    return {name.lower() for name in _ADAPTER.findall(text)}


def _quotes(
    table: Table, adapter: str, unit: Unit | None, each_job: tuple[Price, Evidence] | None
) -> Iterator[Quote]:
    subject, prices, minimum = _columns(table)
    for row in table.full_rows:
        of_job = each_job
        if minimum is not None:
            evidence = Evidence(f"{row.locator}/Minimum charge", row.cells[minimum])
            of_job = _minimum(row.cells[minimum]), evidence
        for model in _models(row.cells[subject]):
            for column in prices:
                offer = Offer("together", model, column.method, column.adapter or adapter)
                printed = row.cells[column.at]
                evidence = Evidence(f"{row.locator}/{column.header}", printed)
                price = read_price(printed, unit=column.unit or unit)
                yield offer.quote("training_tokens", price, evidence)
                if of_job:
                    yield offer.quote("job_minimum", *of_job)


def _models(printed: str) -> list[str]:
    """Name what a row is of: a size bracket, or the models that share its prices.

    Those stand one behind the other, each beginning with the name of their family: `GLM-4.6
    GLM-4.7`.
    """
    if re.match(r"(?:up to |over |[<>≤] ?)?\d", printed, re.IGNORECASE | re.ASCII):
        return [read_size_bracket(printed)]
    family = re.match(r"[A-Za-z]+", printed)
    if family is None:
        raise Unreadable(f"neither a size nor a model: {shown(printed)}")
    models = re.split(rf" (?={family[0]})", printed)
    for model in models:
        if not re.search(r"\d", model):
            raise Unreadable(f"{shown(model)} in {shown(printed)} is no model's name")
    return models


def _minimum(printed: str) -> Price:
    if printed.lower() in _NO_MINIMUM:
        return Price("free", Decimal(0), unit=_JOB)
    return read_price(printed, unit=_JOB)


def _each_job(said: str) -> tuple[Price, Evidence] | None:
    """Read the minimum that a sentence states for every job whose row states none."""
    sentences = list(_EACH_JOB.finditer(said))
    prices = {sentence["price"] for sentence in sentences}
    if said.lower().count("minimum charge of") != len(sentences) or len(prices) > 1:
        raise Unreadable("a minimum charge in words that are not known, or two of them")
    if not sentences:
        return None
    evidence = Evidence("text/minimum charge", sentences[0][0])
    return read_price(sentences[0]["price"], unit=_JOB), evidence


def _billed_tokens() -> Term:
    return Offer("together", EVERY_MODEL, "sft", "unknown").term(
        "billed_tokens_rule",
        "train x epochs + validation x evaluations",
        Evidence("text/under each table", _CLOSING),
    )


def _places(capture: bytes) -> Iterator[_Found]:
    text = decode(capture)
    if "<table" not in text:
        for table in markdown_tables(text):
            yield _Found(table, table.context, table.context, "")
        return
    page = whole_page(capture)
    nodes, tabs = page.css("table"), _tabs(page)
    for table in html_tables(page):
        node = nodes[int(table.locator[len("table[") : -1])]
        section = _above(node)
        if caption := node.css_first("caption"):
            section.append(caption)
        headings = [at for at, part in enumerate(section) if re.fullmatch("h[1-6]", part.tag or "")]
        above = section[headings[-1] :] if headings else section
        yield _Found(table, _text(section), _text(above), _pane(node, tabs))


def _text(parts: Sequence[LexborNode]) -> str:
    return clean(" ".join(part.text(separator=" ") for part in parts))


def _above(node: LexborNode) -> list[LexborNode]:
    """Find what the page prints above a table, back to a section's heading or another table."""
    parts: list[LexborNode] = []
    place: LexborNode | None = node
    while place is not None and place.tag != "body":
        before = place.prev
        while before is not None:
            tag = before.tag or "-"
            is_element = not tag.startswith("-")
            if tag == "table" or (is_element and before.css_first("table")):
                return parts
            if tag not in {"-comment", "script", "style", "template"}:
                parts.insert(0, before)
            if tag in {"h1", "h2"} or (is_element and before.css_first("h1, h2")):
                return parts
            before = before.prev
        place = place.parent
    return parts


def _tabs(page: LexborHTMLParser) -> dict[str, str]:
    """Give the text of each tab by what ties it to its pane: ARIA's attributes, or Webflow's."""
    ties = ("id", "aria-controls", "data-w-tab")
    return {
        tie: clean(tab.text(separator=" "))
        for tab in page.css("[role=tab], a[data-w-tab], button[data-w-tab]")
        for name in ties
        if (tie := tab.attributes.get(name))
    }


def _pane(node: LexborNode, tabs: dict[str, str]) -> str:
    """Name the innermost pane around a table whose tab, or whose own label, names an adapter."""
    place = node.parent
    while place is not None:
        attributes = place.attributes
        if attributes.get("role") == "tabpanel" or "data-w-tab" in attributes:
            ties = [attributes.get(name) or "" for name in ("aria-labelledby", "id", "data-w-tab")]
            labels = [attributes.get("aria-label") or "", attributes.get("data-w-tab") or ""]
            name = " / ".join([*labels, *(tabs.get(tie, "") for tie in ties)])
            if _named(name):
                return name
        place = place.parent
    return ""


SOURCE: Final = Source(
    url="https://www.together.ai/pricing",
    description="Together AI's price page: tuning by size or model, LoRA or full, and the minimum",
    rank=Rank.SELLER,
    provider="together",
    cadence=timedelta(days=1),
    # 92 in a copy of 2026-02; 24 for the three sizes alone, each with its minimum, in 2026-07
    quote_count=(24, 2_000),
    term_count=(1, 1),
    parse=parse,
)

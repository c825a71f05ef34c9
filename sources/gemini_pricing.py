"""The Gemini API's price page: what tuning a model costs there, and what its base model costs.

Each model has a block of tables, one for each service tier, with a row for each kind of price and
a column for the free and the paid tier. The paid tier is read; the free one is an allowance within
rate limits. Models without a tuning row are left to the catalogues: the cells of a base model's
prices take a new form with every model (pictures, sound, `through December 31, 2026`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from sources._contract import Evidence, Offer, Parsed, Rank, Source, Term
from sources._parsing import (
    Meter,
    Price,
    Row,
    Table,
    Unreadable,
    clean,
    decode,
    html_tables,
    lines_in,
    markdown_tables,
    parsed_html,
    read_date,
    read_price,
    read_unit,
    shown,
    whole_page,
)

_MILLION: Final = read_unit("1M tokens")
_FREE_TIER: Final = ("Free Tier", "무료 등급")
# Each says US dollars per 1M tokens; prices per picture or second stand under other headers.
_PAID_TIER: Final = (
    "Paid Tier, per 1M tokens in USD",
    "유료 등급, 토큰 100만 개당 미화",
    "유료 등급, 토큰 100만 개당 가격(USD)",
)
_TUNING: Final = "Tuning price"
_INFERENCE: Final[Mapping[str, Meter]] = {
    "Input price": "input_tokens",
    "Output price": "output_tokens",
    "Context caching price": "cached_input_tokens",
}
_LAST_ROW: Final = "Used to improve our products"
# Pictures, sound, searches, and the hours that a cache is kept, have no meter here.
_IGNORED_ROWS: Final = frozenset({
    "Context caching (storage)",
    "Image generation pricing",
    "Live API",
    "Grounding with Google Search",
    "Grounding with Google Web and Image Search",
    "Grounding with Google Maps",
    _LAST_ROW,
})  # fmt: skip
_SPELLINGS: Final[Mapping[str, str]] = {
    "Input price (text, image, video)": "Input price",
    "가격 입력": "Input price",
    "Output price (including thinking tokens)": "Output price",
    "출력 가격": "Output price",
    "컨텍스트 캐싱 가격": "Context caching price",
    "컨텍스트 캐싱 (저장소)": "Context caching (storage)",
    "조정 가격": _TUNING,
    "Google 검색으로 그라운딩": "Grounding with Google Search",
    "제품 개선에 사용됨": _LAST_ROW,
}
_NO_MODELS: Final = frozenset({"Pricing for tools", "Pricing for agents", "Notes"})
# It has a tuning row, and is no language model.
_EMBEDDINGS: Final = frozenset({"Text Embedding 004", "텍스트 임베딩 004"})
_FREE_TO_TUNE: Final = frozenset({
    "Token prices are the same for tuned models Tuning service is free of charge.",
    "조정된 모델의 토큰 가격은 동일합니다. 조정 서비스는 무료입니다.",
})  # fmt: skip


class _Block(NamedTuple):
    """One model's part of the page: its heading, what it says outside tables, its tables."""

    heading: str
    notes: str
    tiers: Sequence[str]
    tables: Sequence[Table]


def parse(capture: bytes) -> Parsed:
    """Read the page, or a rendering of it as Markdown, in English or in Korean."""
    text = decode(capture)
    parsed = Parsed([], [])
    for block in _page(capture) if "<table" in text else _rendering(text):
        labels = {_label(row) for table in block.tables for row in table.rows}
        if unknown := sorted(
            name for name in labels - {_TUNING} if re.search("(?i)tun|조정", name)
        ):
            raise Unreadable(f"{block.heading}: an unknown price of tuning: {unknown}")
        if _TUNING in labels and block.heading not in _EMBEDDINGS:
            _state(block, parsed)
    return parsed


def _label(row: Row) -> str:
    """Give the name of a row, in English and without footnote marks."""
    name = row.cells[0].rstrip("*").rstrip()
    return _SPELLINGS.get(name, name)


# some thirty on 2026-05-07
_MOST_MODELS: Final = 500


def _page(capture: bytes) -> Iterator[_Block]:
    whole_page(capture)
    parts = re.split(r"(?=<h2\b)", decode(capture))[1:]
    if len(parts) > _MOST_MODELS:
        raise Unreadable(f"{len(parts)} headings are no page")
    for part in parts:
        block, prose = parsed_html(part), parsed_html(part)
        for node in prose.css("h2, h3, table, script, style"):
            node.decompose()
        notes = clean(prose.body.text(separator=" ")) if prose.body else ""
        heading = clean("".join(node.text() for node in block.css("h2")))
        tiers = [clean(node.text()).lower() for node in block.css("h3")] or ["standard"]
        yield _Block(heading, notes, tiers, list(html_tables(block)))


_CONTENTS: Final = re.compile(r"(?:On this page|이 페이지의 내용) *\n((?: *\* .+\n)+)")
_LINK: Final = re.compile(r"\[([^\]]{0,200})\]\([^)]{0,200}\)")
_TAB: Final = re.compile(r"\]\([^)]{0,200}#(standard|batch|flex|priority)\)")
_UPDATED: Final = re.compile(r"Last updated [0-9-]{10} UTC|최종 업데이트: [0-9-]{10}\(UTC\)")


def _rendering(text: str) -> Iterator[_Block]:
    """Read a rendering, whose headings must be those of its table of contents."""
    _, *parts = re.split(r"(?m)^## +", _with_a_line_for_each_row(text))
    contents = _CONTENTS.search(text)
    entries = contents[1].splitlines() if contents else []
    promised = [clean(_LINK.sub(r"\1", entry).strip(" *")) for entry in entries]
    headings = [clean(part.partition("\n")[0]) for part in parts]
    if not parts or promised != headings:
        raise Unreadable(f"the headings are {headings}, the table of contents says {promised}")
    if not _UPDATED.search(parts[-1]):
        raise Unreadable("the page is cut short: the day of its last update is not at its end")
    for heading, part in zip(headings, parts, strict=True):
        tables = list(markdown_tables(part))
        if heading not in _NO_MODELS and not (tables and all(map(_is_whole, tables))):
            raise Unreadable(f"{heading}: a table is missing, or some of its rows are")
        lines = [line for line in part.split("\n")[1:] if not line.startswith("|")]
        notes = clean(_LINK.sub(r"\1", " ".join(lines)).replace("**", ""))
        yield _Block(heading, notes, _TAB.findall(part) or ["standard"], tables)


def _is_whole(table: Table) -> bool:
    """Tell whether a table goes on to its last row, with rows of known names if it is of text."""
    labels = [_label(row) for row in table.rows]
    known = _IGNORED_ROWS | _INFERENCE.keys() | {_TUNING}
    return labels[-1:] == [_LAST_ROW] and ("Output price" not in labels or known.issuperset(labels))


def _with_a_line_for_each_row(text: str) -> str:
    """Write the tables of html2text as Markdown has them.

    It puts no pipe at the ends of a row and breaks lines within cells: a row goes on until it
    has a pipe between all of its columns, and then to the next line that holds a pipe.
    """
    lines = [""]
    row: list[str] = []
    pipes = met = 0
    for line in lines_in(text):
        said = line.strip()
        is_rule = re.fullmatch(r"---(?:\|---)+", said) is not None
        if row and said and not is_rule and ("|" not in said or met < pipes):
            row.append(said)
            met += said.count("|")
            continue
        if row:
            lines.append(f"|{' '.join(row)}|")
            row = []
        if is_rule:
            pipes = said.count("|") + 2
            lines[-1] = f"|{lines[-1].strip()}|"
        if not said or not pipes:
            pipes = 0
            lines.append(line)
        else:
            row, met = [said], said.count("|") + 2
    if row:
        lines.append(f"|{' '.join(row)}|")
    return "\n".join(lines)


def _state(block: _Block, parsed: Parsed) -> None:
    if not re.fullmatch(r"[A-Za-z0-9. -]+", block.heading):
        raise Unreadable(f"no model's name: {shown(block.heading)}")
    if len(block.tiers) != len(block.tables):
        raise Unreadable(f"{block.heading}: {len(block.tables)} tables for {block.tiers}")
    for tier, table in zip(block.tiers, block.tables, strict=True):
        base = Offer("google", block.heading, service_tier=tier)
        for label, evidence in _paid(f"{block.heading}/{tier}", table):
            if label == _TUNING:
                _tuning(base._replace(tuning_method="sft", adapter="unknown"), evidence, parsed)
            elif meter := _INFERENCE.get(label):
                for context_tier, price in _inference(evidence.printed_text):
                    offer = base._replace(context_tier=context_tier)
                    parsed.quotes.append(offer.quote(meter, price, evidence))
            elif label not in _IGNORED_ROWS:
                raise Unreadable(f"{block.heading}: an unknown kind of price {shown(label)}")
    parsed.terms.extend(_shutdown(block))


def _paid(where: str, table: Table) -> Iterator[tuple[str, Evidence]]:
    """Give what stands in the paid tier's column, row by row."""
    free, paid = table.column(*_FREE_TIER).at, table.column(*_PAID_TIER).at
    rows = {_label(row): row.cells for row in table.rows}
    missing = {_TUNING, "Input price", "Output price"} - rows.keys()
    if missing or len(rows) != len(table.rows):
        raise Unreadable(f"{where}: a row stands twice, or is missing: {missing}")
    for label, cells in rows.items():
        if "$" in cells[free] or "달러" in cells[free] or not cells[paid]:
            raise Unreadable(
                f"{where}/{label}: a price in the free tier, or none: {shown(str(cells))}"
            )
        is_free = cells[free].startswith(("Free of charge", "무료"))
        remark = "free of charge within the free tier's limits" if is_free else None
        yield label, Evidence(f"{where}/{label}", cells[paid], remark=remark)


def _tuning(offer: Offer, evidence: Evidence, parsed: Parsed) -> None:
    if evidence.printed_text in _FREE_TO_TUNE:
        price = Price("free", Decimal(0), "USD", _MILLION)
        parsed.terms.append(offer.term("tuned_inference_rule", "base_price", evidence))
    else:
        price = read_price(evidence.printed_text, unit=_MILLION)
    parsed.quotes.append(offer.quote("training_tokens", price, evidence))


_PART: Final = re.compile(r"(\$[0-9]+(?:\.[0-9]+)?)([^$]*)")
_LENGTHS: Final = (
    re.compile(r", prompts (?P<side><=|>) (?P<thousands>[0-9]+)k(?: tokens?)?"),
    # as machine translations put it, in eight ways
    re.compile(
        r"[,(][가-힣 ]*?(?P<thousands>[0-9]+), ?000개[가-힣 ]*?(?P<side>미만|이하|초과)[가-힣 ]*\)?"
    ),
)
_KINDS: Final = re.compile(r"(?:/ 1,000,000 tokens )?\((?P<kinds>[^()]+)\)")
_SEEN: Final = frozenset({"text", "image", "video", "텍스트", "이미지", "동영상"})
_HEARD: Final = frozenset({"audio", "오디오"})
# Announced for a later day, and not sold yet.
_ANNOUNCED: Final = re.compile(r"[0-9]{4}년 [0-9]+월 [0-9]+일부터 (?:사용|이용) 가능")


def _inference(printed: str) -> Iterator[tuple[str | None, Price]]:
    """Part a cell into its prices for text, each with the context tier that it is for."""
    said = re.sub(r"(?<![0-9.])([0-9.]+)달러", r"$\1", printed)
    if _ANNOUNCED.search(said):
        return
    if not said.startswith("$"):
        price = read_price(said, unit=_MILLION)
        if price.availability == "free":
            raise Unreadable(f"a paid tier that is free: {shown(printed)}")
        yield None, price
        return
    parts = _PART.findall(said)
    prices = {_condition(rest.strip()): read_price(amount, unit=_MILLION) for amount, rest in parts}
    is_whole = "".join(map("".join, parts)) == said and len(prices) == len(parts)
    prices.pop("sound", None)
    above = next((condition for condition in prices if condition.endswith("+")), None)
    if not is_whole or prices.keys() != ({f"up to {above[:-1]}", above} if above else {""}):
        raise Unreadable(f"not one price for each length of prompt: {shown(printed)}")
    for condition, price in prices.items():
        yield above if condition == above else None, price


def _condition(said: str) -> str:
    """Spell what a price is for: `up to 128k`, `128k+`, `sound`, or nothing where it is text."""
    for pattern in _LENGTHS:
        if length := pattern.fullmatch(said):
            is_above = length["side"] in {">", "초과"}
            return f"{length['thousands']}k+" if is_above else f"up to {length['thousands']}k"
    kinds = _KINDS.fullmatch(said)
    named = {kind.strip() for kind in re.split("[/,]", kinds["kinds"])} if kinds else set()
    if not said or (named <= _SEEN and named & {"text", "텍스트"}):
        return ""
    if named and named <= _HEARD:
        return "sound"
    raise Unreadable(f"an unknown condition of a price: {shown(said)}")


_WARNING: Final = re.compile(
    r"Warning: (?P<model>.+?) is deprecated and will be shut down (?P<day>[A-Z][a-z]+ \d+, \d{4})\."
)


def _shutdown(block: _Block) -> Iterator[Term]:
    """State the end that a warning announces for a base model, and so for the tuned ones."""
    warning = _WARNING.search(block.notes)
    if warning is None:
        if re.search("(?i)deprecated|shut ?down", block.notes):
            raise Unreadable(f"{block.heading}: an unknown warning: {shown(block.notes, 300)}")
        return
    if warning["model"] != block.heading:
        raise Unreadable(f"{block.heading}: a warning of another model: {shown(warning[0])}")
    base = Offer("google", block.heading)
    evidence = Evidence(f"{block.heading}/Warning", warning[0])
    yield base.term("shutdown_on", read_date(warning["day"]).isoformat(), evidence)
    yield base.term("is_deprecated", "yes", evidence)


SOURCE: Final = Source(
    url="https://ai.google.dev/gemini-api/docs/pricing",
    description="The Gemini API's price page: tuning, and the base models with a tuning price",
    rank=Rank.SELLER,
    provider="google",
    cadence=timedelta(days=1),
    # 27 on 2025-02-27; 20 on 2026-05-07, of which Gemma 4's 4 are not about to go
    quote_count=(3, 200),
    # 2 on 2025-02-27, 4 on 2026-05-07
    term_count=(0, 50),
    parse=parse,
)

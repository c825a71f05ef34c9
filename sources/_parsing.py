"""Reading what pages print: money, units and tables, exactly or not at all.

Nothing here guesses. A text that does not say one exact thing raises `Unreadable`, with
the text in it, and the source that met it decides what that means for the capture.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import cached_property, lru_cache, partial
from typing import Any, Final, Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

Availability = Literal["priced", "free", "not_offered", "not_published", "unreadable"]
Meter = Literal[
    "training_tokens",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "training_hours",
    "hosting_hours",
    "storage_months",
    "job_minimum",
]


class Unreadable(ValueError):  # noqa: N818 what a text is, not what went wrong
    """A text, a table or a page does not say one exact thing; the message shows what it says."""


def shown(text: str, limit: int = 80) -> str:
    """Quote a page's text for a message: one line, escaped, at most `limit` characters."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


# ---------------------------------------------------------------- text

_INVISIBLE: Final = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))
_DASHES: Final = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2212), "-")
_FULL_WIDTH: Final = {0xFF01 + i: 0x21 + i for i in range(94)}
_CHARACTERS: Final = {**_INVISIBLE, **_DASHES, **_FULL_WIDTH}
_SPACES: Final = re.compile(r"\s+")


def clean(text: str) -> str:
    """Take out what a reader does not see: zero-width signs, odd spaces and hyphens, entities.

    Superscripts stay as they are: `$3.00¹` is a price with a footnote, not 3.001. Raises
    `Unreadable` for a character reference to no character that could be.
    """
    if "&" in text:
        try:
            text = html.unescape(text)
        except ValueError as error:  # a number of more digits than Python converts
            raise Unreadable(f"a senseless character reference in {shown(text)}") from error
    return _SPACES.sub(" ", text.translate(_CHARACTERS)).strip()


_LONGEST_TEXT: Final = 200


def _brief(text: str) -> str:
    """Clean the text of one cell; `Unreadable` where it is an essay, so that reading ends soon."""
    if len(text) > _LONGEST_TEXT:
        raise Unreadable(f"{len(text)} characters are no single price or unit: {shown(text)}")
    return clean(text)


# ---------------------------------------------------------------- units


@dataclass(frozen=True, slots=True)
class Unit:
    """What a price is per: its name as tables show it, and how it relates to its kind's unit.

    `kind` is what can be counted (`tokens`, `characters`, `hours`, `months`, `jobs`); one
    such unit holds `size` of the kind's base (one token, one hour, one month, one job).
    """

    name: str
    kind: Literal["tokens", "characters", "hours", "months", "jobs"]
    size: Decimal


_TOKENS: Final = r"(?:tokens?|toks?|令牌|토큰)"
_COUNT: Final[Mapping[str, Decimal]] = {
    "": Decimal(1),
    "1": Decimal(1),
    "k": Decimal(1_000),
    "1k": Decimal(1_000),
    "1000": Decimal(1_000),
    "thousand": Decimal(1_000),
    "1thousand": Decimal(1_000),
    "千": Decimal(1_000),
    "万": Decimal(10_000),
    "m": Decimal(1_000_000),
    "1m": Decimal(1_000_000),
    "1000000": Decimal(1_000_000),
    "million": Decimal(1_000_000),
    "1million": Decimal(1_000_000),
    "百万": Decimal(1_000_000),
}
_COUNT_NAMES: Final = {
    Decimal(1): "",
    Decimal(1_000): "1K ",
    Decimal(10_000): "10K ",
    Decimal(1_000_000): "1M ",
}
_TIME: Final[Mapping[str, Unit]] = {
    "second": Unit("second", "hours", 1 / Decimal(3600)),
    "minute": Unit("minute", "hours", 1 / Decimal(60)),
    "hour": Unit("hour", "hours", Decimal(1)),
    "day": Unit("day", "hours", Decimal(24)),
    "month": Unit("month", "months", Decimal(1)),
    "year": Unit("year", "months", Decimal(12)),
}
_TIME_WORDS: Final = {
    "second": ("second", "seconds", "sec", "s", "秒"),
    "minute": ("minute", "minutes", "min", "分钟"),
    "hour": ("hour", "hours", "hr", "hrs", "h", "小时", "时"),
    "day": ("day", "days", "天", "日"),
    "month": ("month", "months", "mo", "月"),
    "year": ("year", "years", "yr", "年"),
}
_TIME_BY_WORD: Final = {word: _TIME[name] for name, words in _TIME_WORDS.items() for word in words}
_JOB: Final = Unit("job", "jobs", Decimal(1))
# Patterns are ASCII, so that no case is ignored but A-Z's: `(?i)s` would match `ſ`, too.
_PATTERN: Final = re.IGNORECASE | re.ASCII
# What stands before a count decides what it is: `128K tokens` and `System tokens` are no unit.
_COUNTED: Final = re.compile(
    r"(?<![\w.,一二三四五六七八九十百千万两亿])(?<!\d\s)"
    r"(?P<count>1?\s?[km]|1,?000(?:,?000)?|1|(?:1\s)?(?:thousand|million)|[千万]|百万)?\s?"
    rf"(?P<what>{_TOKENS}|characters?|chars?|字符)(?!\w)",
    _PATTERN,
)
_MANY: Final = r"(?:1?\s?[km]|1,?000(?:,?000)?|thousand|million|[千万]|百万)"
_EITHER: Final = re.compile(
    rf"(?<![\w.,]){_MANY}\s?(?:and|or|&|/|和|或)\s?(?:per\s)?{_MANY}\s?{_TOKENS}", _PATTERN
)
_PER: Final = re.compile(r"^(?:/|per\b|each\b|每|a\b)\s?", _PATTERN)
# What one unit of a recurring price is held for; it does not change what is counted.
_HOLDER: Final = re.compile(r"\s?(?:(?:/|per|每)\s?(?:custom\s)?model|算力单元\s?/)\s?", _PATTERN)
# Not `m`: it is also a minute's and a month's.
_BARE_COUNT: Final = re.compile(r"(?:1\s?)?(M|[Kk]|[Mm]illion|[Tt]housand|百万|千)", re.ASCII)


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit:
    """Read what a price is per, from `/ 1M tokens`, `per hour`, `千tokens`, `每百万token`, ...

    Raises `Unreadable` where the text names no known unit, or more than it.
    """
    said = _HOLDER.sub("", _brief(text))
    while (per := _PER.sub("", said)) != said:
        said = per.strip()
    said = said.rstrip(".)").lstrip("(").strip()
    if counted := _COUNTED.fullmatch(said):
        count = _COUNT[re.sub(r"[\s,]", "", (counted["count"] or "").lower())]
        is_text = counted["what"].lower().startswith(("char", "字"))
        noun = "character" if is_text else "token"
        return Unit(
            f"{_COUNT_NAMES[count]}{noun}{'' if count == 1 else 's'}",
            "characters" if is_text else "tokens",
            count,
        )
    if bare := _BARE_COUNT.fullmatch(said):
        return read_unit(f"{bare[1]} tokens")
    word = said.lower().removeprefix("1 ").removeprefix("1/").strip()
    if word in _TIME_BY_WORD:
        return _TIME_BY_WORD[word]
    if word in {"job", "jobs", "training job", "fine-tuning job", "任务", "次"}:
        return _JOB
    raise Unreadable(f"no known unit in {shown(text)}")


def unit_in(text: str) -> Unit | None:
    """Find the one token or character unit that a caption or a header states, or None.

    Raises `Unreadable` where it states two different ones (`per 1K and 1M tokens`).
    """
    said = clean(text)
    found = {
        read_unit(match[0])
        for match in _COUNTED.finditer(said)
        # "tokens" alone in running text is a noun, not a unit
        if match["count"]
    }
    if len(found) > 1 or _EITHER.search(said):
        raise Unreadable(f"two units in {shown(text)}")
    return next(iter(found), None)


CANONICAL: Final[Mapping[str, Unit]] = {
    "training_tokens": Unit("1M tokens", "tokens", Decimal(1_000_000)),
    "input_tokens": Unit("1M tokens", "tokens", Decimal(1_000_000)),
    "cached_input_tokens": Unit("1M tokens", "tokens", Decimal(1_000_000)),
    "output_tokens": Unit("1M tokens", "tokens", Decimal(1_000_000)),
    "training_hours": _TIME["hour"],
    "hosting_hours": _TIME["hour"],
    "storage_months": _TIME["month"],
    "job_minimum": _JOB,
}
_EXACT: Final = Decimal(1).scaleb(-18)
# Wide enough that nothing a cell can hold is rounded without being asked for.
_WIDE: Final = Context(prec=_LONGEST_TEXT + 100)


def canonical_amount(amount: Decimal, unit: Unit, meter: str) -> Decimal:
    """Restate a price per the meter's canonical unit: 1M tokens, hour, month or job.

    Exact, but for a day and a year, which 24 hours and 12 months seldom divide: then half-even
    at 18 decimals. Raises `Unreadable` where the unit is of another kind than the meter, so
    that 100 per hour never becomes 100 per 1M tokens, and where 18 decimals cannot hold the
    price.
    """
    canonical = CANONICAL[meter]
    if unit.kind != canonical.kind:
        raise Unreadable(
            f"a price per {unit.name} cannot be a price of {meter}, which counts {canonical.kind}"
        )
    with localcontext(_WIDE):
        if unit.name in {"minute", "second"}:
            restated = amount * {"minute": 60, "second": 3600}[unit.name]
        else:
            restated = amount * canonical.size / unit.size
        rounded = restated.quantize(_EXACT, ROUND_HALF_EVEN)
    if unit.name in {"day", "year"}:
        return rounded
    if restated != rounded:
        raise Unreadable(
            f"{amount} per {unit.name} needs more than 18 decimals per {canonical.name}"
        )
    return restated


# ---------------------------------------------------------------- money


class Price(NamedTuple):
    """One price as printed: an amount only where the availability is `priced` or `free`."""

    availability: Availability
    amount: Decimal | None = None
    currency: str | None = None
    unit: Unit | None = None


_FREE: Final = frozenset({"free", "free of charge", "no charge", "免费", "限时免费", "무료"})
_NOT_OFFERED: Final = frozenset({
    "not available", "not supported", "unavailable", "n/a", "na", "use regional", "use global",
    "不支持", "不可用", "사용할 수 없음", "지원되지 않음", "지원 안 됨", "해당 사항 없음",
})  # fmt: skip
_NOT_PUBLISHED: Final = frozenset({
    "", "-", "--", "–", "—", "contact sales", "contact us", "custom", "tbd", "coming soon",
    "联系销售", "联系我们",
})  # fmt: skip
_CURRENCIES: Final[Mapping[str, str]] = {
    "us$": "USD", "$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR", "元": "CNY",
    "人民币": "CNY", "cny": "CNY", "rmb": "CNY", "£": "GBP", "gbp": "GBP", "jpy": "JPY",
}  # fmt: skip
_SIGN: Final = r"us\$|\$|usd|€|eur|元|人民币|cny|rmb|£|gbp|jpy"
# Groups of three digits begin with one that counts: `0,480` is a decimal comma.
_NUMBER: Final = r"(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_FOOTNOTE: Final = r"(?:\s?(?:[*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]|\[\d{1,2}\]))*"
_MONEY: Final = re.compile(
    rf"(?P<before>{_SIGN})?\s?(?P<number>{_NUMBER})\s?(?P<ten_thousand>万(?=元))?"
    rf"(?P<after>{_SIGN})?{_FOOTNOTE}\s?(?P<unit>(?:/|per\b|每).+?)?{_FOOTNOTE}",
    _PATTERN,
)
_WORD_END: Final = re.compile(rf"\.?{_FOOTNOTE}\.?$", re.ASCII)


@lru_cache(maxsize=65536)
def read_price(text: str, *, currency: str | None = None, unit: Unit | None = None) -> Price:
    """Read one cell: a price, a word for its absence, or nothing at all.

    `currency` and `unit` are what a caption or a header says; the cell's own word wins over
    them. A printed zero is `free`. Raises `Unreadable` for what is not one exact price: a
    range, `from $5`, two signs, a decimal comma, a number with no currency anywhere, more than
    200 characters.
    """
    said = _brief(text)
    word = _WORD_END.sub("", said.lower()) or said
    if word in _FREE:
        return Price("free", Decimal(0), currency, unit)
    if word in _NOT_OFFERED:
        return Price("not_offered")
    if word in _NOT_PUBLISHED:
        return Price("not_published")
    money = _MONEY.fullmatch(said)
    if money is None:
        raise Unreadable(f"not one exact price: {shown(text)}")
    signs = {sign.lower() for sign in (money["before"], money["after"]) if sign}
    named = {_CURRENCIES[sign] for sign in signs}
    if not named and currency:
        named.add(currency)
    if len(named) != 1:
        raise Unreadable(f"no currency, or two, in {shown(text)}")
    number = money["number"].replace(",", "")
    amount = json_amount(f"{number}E4" if money["ten_thousand"] else number)
    stated = read_unit(money["unit"]) if money["unit"] else unit
    return Price("priced" if amount else "free", amount, named.pop(), stated)


def json_amount(text: str) -> Decimal:
    """Read a JSON number's own text as Decimal (for `json.loads(parse_float=..., parse_int=...)`).

    Raises `Unreadable` for a number that no price can be: above 10^15 or finer than 10^-40.
    """
    amount = Decimal(text)
    if amount and not -40 <= amount.adjusted() <= 15:  # noqa: PLR2004 bounds stated in the docstring
        raise Unreadable(f"no price: {shown(text)}")
    return amount


_JSON_BLANKS: Final = re.compile(r"[ \t\r\n]*")
# A value takes a hundred bytes of memory and more. The largest list has 441,000 of them, in 21,000
# objects: Azure's meters of one product, each of 21 fields (2026-11).
_MOST_VALUES: Final = 700_000
_MOST_CONTAINERS: Final = 250_000


def json_text(capture: bytes) -> str:
    """Read a capture's bytes as JSON's text; `Unreadable` where it is denser than any list is."""
    text = decode(capture)
    dense = text.count(",") > _MOST_VALUES
    if dense or text.count("{") + text.count("[") > _MOST_CONTAINERS:
        raise Unreadable(f"more values than any price list has in {len(text)} characters")
    return text


def json_documents(capture: bytes) -> list[Any]:
    """Read a capture of one JSON document or of several, one behind the other.

    Numbers are Decimal, exact. Raises `Unreadable` where a document is cut short or is no JSON,
    and where an object has two values for one key.
    """
    text = json_text(capture)
    decoder = json.JSONDecoder(
        parse_float=json_amount, parse_int=json_amount, object_pairs_hook=_json_object
    )
    documents = []
    at = _blanks_end(text, 0)
    while at < len(text):
        try:
            document, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if isinstance(error, Unreadable):
                raise
            raise Unreadable(f"no JSON document at character {at}: {error}") from error
        documents.append(document)
        at = _blanks_end(text, at)
    return documents


def _blanks_end(text: str, at: int) -> int:
    blanks = _JSON_BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _json_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        for key, value in pairs:
            if built[key] != value:
                raise Unreadable(f"two values of one key {shown(key)}")
    return built


# ---------------------------------------------------------------- dates

_DATE_FORMATS: Final = ("%Y-%m-%d", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%Y/%m/%d")


def read_date(text: str) -> date:
    """Read a day printed as `2026-10-23`, `May 7, 2026` or `7 May 2026`; `Unreadable` otherwise."""
    said = clean(text)
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(said, form).date()  # noqa: DTZ007 a day has no time zone
        except ValueError:
            continue
    raise Unreadable(f"not a date: {shown(text)}")


# ---------------------------------------------------------------- size brackets

_SIZE: Final = r"(\d+(?:\.\d+)?)\s?B?"
_UP_TO: Final = re.compile(rf"(?:models?\s)?(?:up to|under|≤|<=?)\s?{_SIZE}", _PATTERN)
_BETWEEN: Final = re.compile(rf"{_SIZE}\s?(?:-|–|—|to)\s?{_SIZE}", _PATTERN)
_OVER: Final = re.compile(rf"(?:>|over|above|more than)\s?{_SIZE}", _PATTERN)


def read_size_bracket(text: str) -> str:
    """Spell a seller's size bracket one way: `up to 16B`, `16.1B-80B`, `over 300B`.

    The bracket is the model of its offer; the comparison expands it. `Unreadable` otherwise.
    """
    said = clean(text).removesuffix(" parameters")
    if match := _UP_TO.fullmatch(said):
        return f"up to {match[1]}B"
    if match := _BETWEEN.fullmatch(said):
        return f"{match[1]}B-{match[2]}B"
    if match := _OVER.fullmatch(said):
        return f"over {match[1]}B"
    raise Unreadable(f"not a size bracket: {shown(text)}")


# ---------------------------------------------------------------- tables


class Row(NamedTuple):
    """One body row: its locator in the capture and its cells, one per column."""

    locator: str
    cells: tuple[str, ...]


class Column(NamedTuple):
    """Where a column stands, and the currency and unit that its header states, if it does."""

    at: int
    currency: str | None
    unit: Unit | None


_HEADER_TAIL: Final = re.compile(
    rf"[\s,(]*(?P<sign>{_SIGN})?\s?(?P<unit>(?:/|per\b|每)[^()]+)\)?", _PATTERN
)


def _split_header(header: str) -> tuple[str, Column]:
    """Part `Training $/M` into its name, its currency and its unit."""
    if len(header) > _LONGEST_TEXT:
        return header, Column(-1, None, None)
    for tail in _HEADER_TAIL.finditer(header):
        if tail.end() == len(header) and tail.start() > 0:
            sign = (tail["sign"] or "").lower()
            try:
                unit = read_unit(tail["unit"])
            except Unreadable:
                break
            return header[: tail.start()], Column(-1, _CURRENCIES.get(sign), unit)
    return header, Column(-1, None, None)


class Table:
    """A table of a page: its headers, and its rows with every span filled in.

    Columns are found by header, never by position. Rows are read when they are asked for, so
    that a broken table elsewhere on the page costs nothing and stops nobody.
    """

    def __init__(
        self,
        locator: str,
        headers: Sequence[str],
        body: Callable[[], Iterable[tuple[int, Sequence[str]]]],
        above: Callable[[], str],
    ) -> None:
        self.locator = locator
        self.headers = tuple(headers)
        self._body = body
        self._above = above
        self._columns: dict[str, list[Column]] = {}
        for index, header in enumerate(self.headers):
            name, stated = _split_header(header)
            column = stated._replace(at=index)
            for spelling in {header.casefold(), name.casefold()}:
                self._columns.setdefault(spelling, []).append(column)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Read the body; `Unreadable` where a row has not one cell for each header."""
        rows = []
        for number, cells in self._body():
            if len(cells) != len(self.headers):
                raise Unreadable(
                    f"{self.locator} row {number} has {len(cells)} cells "
                    f"under {len(self.headers)} headers"
                )
            rows.append(Row(f"{self.locator}/tr[{number}]", tuple(cells)))
        return tuple(rows)

    @cached_property
    def full_rows(self) -> tuple[Row, ...]:
        """Read the body of a table that prints something in every cell, if only a dash.

        Raises `Unreadable` where a cell is blank: there one was lost, and a row may have slid.
        """
        for row in self.rows:
            if "" in row.cells:
                raise Unreadable(f"{row.locator}: a blank cell in {shown(str(row.cells), 200)}")
        return self.rows

    @cached_property
    def context(self) -> str:
        """Give the text printed just above the table: a heading or a caption, at most 300 signs."""
        return self._above()

    def has(self, *names: str) -> bool:
        """Tell whether a column stands under any of these headers, with or without its unit."""
        return any(name.casefold() in self._columns for name in names)

    def column(self, *names: str) -> Column:
        """Find the one column under any of these headers, with or without the unit behind them.

        Raises `Unreadable` where there is none, or more than one.
        """
        found = {c.at: c for name in names for c in self._columns.get(name.casefold(), ())}
        if len(found) != 1:
            raise Unreadable(
                f"{self.locator}: {len(found)} columns are called "
                f"{' or '.join(map(repr, names))}; the headers are {list(self.headers)}"
            )
        return found.popitem()[1]


def tables_in(page: bytes) -> list[Table]:
    """Find every table of a page, HTML or Markdown, told apart by a `<table` tag."""
    text = decode(page)
    if "<table" in text:
        return list(html_tables(whole_page(page)))
    return list(markdown_tables(text))


def decode(page: bytes) -> str:
    """Read a capture's bytes as UTF-8; `Unreadable` where they are not, or hold a NUL."""
    try:
        text = page.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from error
    if "\0" in text:
        raise Unreadable(f"a NUL at character {text.index(chr(0))}")
    return text


_MOST_LINES: Final = 10_000
_LONGEST_PROSE: Final = 2_000_000


def lines_in(capture: bytes | str) -> list[str]:
    """Part a text into its lines; `Unreadable` where it is no text that people wrote, so long."""
    text = capture if isinstance(capture, str) else decode(capture)
    if len(text) > _LONGEST_PROSE or text.count("\n") > _MOST_LINES:
        raise Unreadable(f"{text.count(chr(10))} lines of {len(text)} characters are no page")
    return text.split("\n")


def whole_page(page: bytes) -> LexborHTMLParser:
    """Parse an HTML page that must have arrived to its end.

    Raises `Unreadable` where the closing tag is missing: a page cut short still parses, and
    the rows it lost would look withdrawn.
    """
    text = decode(page)
    if "</html>" not in text[-2048:].lower():
        raise Unreadable("the page is cut short, or is no HTML page: no </html> at its end")
    return parsed_html(text)


# Ten times what the largest page has, of 2.6 million characters: Volcengine's (2026-07-17).
_LONGEST_PAGE: Final = 16_000_000
_MOST_TAGS: Final = 300_000
# Elements that are open at once; and those without an end tag, of which a page had 900.
_MOST_OPEN: Final = 5_000
_LONG_TAG: Final = re.compile(r"<[a-zA-Z][^<>]{4000,}")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")


def parsed_html(text: str) -> LexborHTMLParser:
    """Parse HTML; `Unreadable` where it is longer, denser or deeper than any page is.

    The parser's time grows with the square of elements in elements, and of attributes of one.
    """
    if len(text) > _LONGEST_PAGE or text.count("<") > _MOST_TAGS:
        raise Unreadable(f"{text.count('<')} tags in {len(text)} characters are no page")
    open_, part = 0, max(1, len(text) // 64)
    for at in range(0, len(text), part):
        open_ += text.count("<", at, at + part) - 2 * text.count("</", at, at + part)
        if open_ > _MOST_OPEN:
            raise Unreadable(f"{open_} elements in one another before character {at + part}")
    for tag in _LONG_TAG.finditer(text):
        if len(_QUOTED.sub("", tag[0])) > 4000:  # noqa: PLR2004 as the pattern has it
            raise Unreadable(f"a tag of {len(tag[0])} characters: {shown(tag[0])}")
    return LexborHTMLParser(text)


def visible_text(page: bytes) -> str:
    """Give what a page prints, HTML or Markdown, as one clean line: its sentences, no scripts.

    Raises `Unreadable` as `whole_page` does.
    """
    text = decode(page)
    if "<table" not in text:
        return clean(text)
    parsed = whole_page(page)
    for unseen in parsed.css("script, style, template, noscript"):
        unseen.decompose()
    return clean(parsed.body.text(separator=" ")) if parsed.body else ""


def html_tables(page: LexborHTMLParser | LexborNode) -> Iterator[Table]:
    """Find the tables of a page or of a part of it, in page order.

    Knows `rowspan` and `colspan`, several header rows (joined by a space), a header row
    marked only by `thead="true"`, cells that stand under a span as empty `rowspan="0"`
    phantoms, and a header that is a table of its own above its body (Element UI).
    """
    pending: list[str] | None = None
    nodes = page.css("table")
    if len(nodes) > _MOST_TABLES:
        raise Unreadable(f"{len(nodes)} tables are no page")
    for number, node in enumerate(nodes):
        head: list[LexborNode] = []
        body: list[tuple[int, LexborNode]] = []
        for index, (section, row) in enumerate(_table_rows(node)):
            if _is_head(section, row):
                head.append(row)
            else:
                body.append((index, row))
        headers = [" ".join(dict.fromkeys(column)) for column in zip(*_grid(head), strict=False)]
        if headers and not body:
            pending = headers
            continue
        if not headers and pending is not None:
            headers = pending
        elif not headers and body:
            headers = list(next(iter(_grid([body.pop(0)[1]]))))
        pending = None
        if not any(headers):
            continue
        yield Table(
            f"table[{number}]",
            headers,
            partial(_numbered_grid, body),
            partial(_text_above, node),
        )


def _table_rows(table: LexborNode) -> Iterator[tuple[str, LexborNode]]:
    """Walk a table's own rows, not those of a table inside one of its cells."""
    for child in table.iter():
        if child.tag == "tr":
            yield "", child
        elif child.tag in {"thead", "tbody", "tfoot"}:
            for row in child.iter():
                if row.tag == "tr":
                    yield child.tag or "", row


def _is_head(section: str, row: LexborNode) -> bool:
    if section == "thead" or row.attributes.get("thead") == "true":
        return True
    tags = {cell.tag for cell in row.iter()}
    return tags == {"th"}


_MOST_TABLES: Final = 1_000
_WIDEST: Final = 200
_MOST_CELLS: Final = 200_000
# What no header and no price is; a table that lays out a page holds all of it in one cell.
_LONGEST_CELL: Final = 10_000
_LONGEST: Final = 65_534  # what a rowspan may be at most, says HTML


def _numbered_grid(body: list[tuple[int, LexborNode]]) -> Iterator[tuple[int, list[str]]]:
    numbers = [number for number, _ in body]
    return zip(numbers, _grid([row for _, row in body]), strict=True)


def _grid(rows: Iterable[LexborNode]) -> Iterator[list[str]]:
    """Lay rows out with one text per column, spans filled in."""
    hanging: dict[int, tuple[int, str]] = {}
    count = 0
    for row in rows:
        cells: list[str] = []
        filled = phantoms = 0
        for cell in row.iter():
            if cell.tag not in {"td", "th"}:
                continue
            filled += _fill(cells, hanging)
            attributes = cell.attributes
            text = clean(cell.text(separator=" "))[:_LONGEST_CELL]
            down = _span(attributes.get("rowspan"))
            if down == 0 and not text and phantoms < filled:
                phantoms += 1
                continue
            for _ in range(max(1, _span(attributes.get("colspan")))):
                if down != 1:
                    # 0 reaches to the end of the row group: https://html.spec.whatwg.org (2026-11)
                    hanging[len(cells)] = ((down or _LONGEST) - 1, text)
                cells.append(text)
            if len(cells) > _WIDEST:
                raise Unreadable(f"a table row of more than {_WIDEST} columns")
        _fill(cells, hanging)
        count += len(cells)
        if count > _MOST_CELLS:
            raise Unreadable(f"a table of more than {_MOST_CELLS} cells")
        yield cells


def _fill(cells: list[str], hanging: dict[int, tuple[int, str]]) -> int:
    """Append the texts that hang into this row from above; give their number."""
    before = len(cells)
    while (above := hanging.pop(len(cells), None)) is not None:
        left, text = above
        if left > 1:
            hanging[len(cells)] = (left - 1, text)
        cells.append(text)
    return len(cells) - before


def _span(attribute: str | None) -> int:
    if attribute is None or not attribute.isdecimal():
        return 1
    # no more digits than decide it, however many are written
    return min(int(attribute.lstrip("0")[:6] or "0"), _LONGEST)


_CONTEXT: Final = 300


_FARTHEST: Final = 2_000


def _text_above(node: LexborNode) -> str:
    """Give the text printed above a table; none where it is farther away than on any page."""
    place: LexborNode | None = node
    left = _FARTHEST
    while place is not None and place.tag != "body":
        before = place.prev
        while before is not None and left:
            left -= 1
            if before.tag not in {"-comment", "script", "style", "colgroup"}:
                text = clean(before.text(separator=" "))
                if text:
                    return text[-_CONTEXT:]
            before = before.prev
        place = place.parent
    return ""


_RULE: Final = re.compile(r"^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$")
_PIPE: Final = re.compile(r"(?<!\\)\|")


def markdown_tables(text: str) -> Iterator[Table]:
    """Find the pipe tables of a Markdown text, with or without pipes at the lines' ends.

    A table whose last row may go on raises `Unreadable` when it is read: the text is cut short
    there, or a cell holds several lines.
    """
    lines = lines_in(text)
    number = 0
    for index in range(1, len(lines)):
        rule, header = lines[index].strip(), lines[index - 1].strip()
        if "|" not in header or not _RULE.match(rule) or "|" not in rule:
            continue
        body = []
        for at in range(index + 1, len(lines)):
            next_is_rule = at + 1 < len(lines) and _RULE.match(lines[at + 1].strip())
            if "|" not in lines[at] or (next_is_rule and "|" in lines[at + 1]):
                break
            body.append((at + 1, lines[at]))
        after = index + 1 + len(body)
        yield Table(
            f"markdown-table[{number}]",
            _markdown_cells(header),
            partial(_markdown_body, body, lines[after] if after < len(lines) else None),
            partial(_lines_above, lines, index - 1),
        )
        number += 1


def _markdown_body(
    lines: list[tuple[int, str]], below: str | None
) -> Iterator[tuple[int, list[str]]]:
    if lines and not lines[-1][1].rstrip().endswith("|"):
        if below is None:
            raise Unreadable(f"the text is cut short in a table row: {shown(lines[-1][1])}")
        if below.strip() and "|" not in below:
            raise Unreadable(f"a table row goes on in a second line: {shown(below)}")
    return ((number, _markdown_cells(line)) for number, line in lines)


def _markdown_cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [clean(cell.replace("\\|", "|")) for cell in _PIPE.split(inner)]


def _lines_above(lines: list[str], index: int) -> str:
    """Join what stands above a Markdown table, back to the last heading or table."""
    above: list[str] = []
    for line in reversed(lines[:index]):
        if "|" in line:
            break
        above.insert(0, line)
        if line.startswith("#"):
            break
    return clean(" ".join(above))[-_CONTEXT:]

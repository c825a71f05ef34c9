"""A source with no code: one table on a page or in a file, described in `ratecard.toml`.

What a user writes is a `Description`; `described_source` makes a `Source` of it. The keys are
explained for users in docs/your-own-source.md.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, Self, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    model_validator,
)

from sources._contract import (
    ADAPTERS,
    CURRENCIES,
    SERVICE_TIERS,
    TERMS,
    TUNING_METHODS,
    Evidence,
    Offer,
    Parsed,
    Rank,
    Source,
    SourceError,
    Unread,
)
from sources._parsing import (
    Availability,
    Column,
    Meter,
    Price,
    Row,
    Table,
    Unit,
    Unreadable,
    canonical_amount,
    clean,
    decode,
    json_documents,
    read_date,
    read_price,
    read_unit,
    shown,
    tables_in,
    unit_in,
)

METERS: Final = get_args(Meter)
# What the cells of a column can be besides a price or a term: a part of the offer, or what the
# prices of its row are per and in.
_ROW_PARTS: Final = (*Offer._fields, "unit", "currency")
_MAY_BE_EMPTY: Final = ("region", "context_tier", "unit", "currency")
MEANINGS: Final = (*METERS, *TERMS, *_ROW_PARTS)
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "tuning_method": TUNING_METHODS,
    "adapter": ADAPTERS,
    "service_tier": SERVICE_TIERS,
    "currency": CURRENCIES,
}
_NO_AMOUNT: Final = ("free", "not_offered", "not_published", "unreadable")
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]*")
_GROUPED: Final = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
_SHOWN_TABLES: Final = 8
_SHOWN_ABOVE: Final = 60
# Counts up when this module reads the same description and bytes otherwise.
_VERSION: Final = 1

# ---------------------------------------------------------------- what a user writes


def _one_of(*choices: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in choices:
            near = get_close_matches(value, choices, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "write one of them"
            raise ValueError(f"{value!r} is none of {', '.join(choices)}; {hint}")
        return value

    return AfterValidator(check)


def _listed(value: object) -> object:
    """Take one spelling for a list of one."""
    return [value] if isinstance(value, str) else value


def _cleaned(value: str) -> str:
    """Spell a text as pages are read: it is compared with what they print."""
    if not (said := clean(value)):
        raise ValueError("an empty text; write what the page prints")
    return said


def _unit(value: object) -> Unit:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text; {_UNITS}")  # noqa: TRY004 pydantic reports it
    try:
        return read_unit(value)
    except Unreadable as error:
        raise ValueError(f"{error}; {_UNITS}") from error


_UNITS: Final = 'write it as "1M tokens", "1K tokens", "hour", "month" or "job"'


def _identifier(value: str) -> str:
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(f"{value!r} is no name; use a-z, 0-9 and _, and begin with a letter")
    return value


def _https(value: str) -> str:
    if not re.fullmatch(r"https://[^\s/@]+(?:/\S*)?", value):
        raise ValueError(f"{value!r} is no address; write it as https://host/page")
    return value


def _range(value: tuple[int, int]) -> tuple[int, int]:
    least, most = value
    if not 0 <= least <= most:
        raise ValueError(f"{list(value)} is no range; write the least and the most, as [10, 60]")
    return value


def _folded(value: object) -> object:
    """Fold the case of the words' printed side, as they are compared."""
    if not isinstance(value, Mapping):
        return value
    return {clean(str(printed)).casefold(): meant for printed, meant in value.items()}


Text = Annotated[str, AfterValidator(_cleaned)]
Spellings = Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1)]
UnitName = Annotated[InstanceOf[Unit], BeforeValidator(_unit)]
CurrencyName = Annotated[str, _one_of(*CURRENCIES)]
Identifier = Annotated[str, AfterValidator(_identifier)]
CountRange = Annotated[tuple[int, int], AfterValidator(_range)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _OfferParts(_Written):
    """What is sold, as far as it is the same in all rows, or in all of one column."""

    tuning_method: Annotated[str, _one_of(*TUNING_METHODS)] | None = Field(
        default=None, description="how the model is tuned; `none` for a base model"
    )
    adapter: Annotated[str, _one_of(*ADAPTERS)] | None = Field(
        default=None,
        description="what a tuned model is tuned as; `unknown` where the page does not say",
    )
    service_tier: Annotated[str, _one_of(*SERVICE_TIERS)] | None = Field(
        default=None, description="the service tier; `standard` if not given"
    )
    region: Text | None = Field(default=None, description="the region that the prices hold in")
    context_tier: Text | None = Field(
        default=None, description="the context length that they hold for"
    )
    unit: UnitName | None = Field(default=None, description=f"what the prices are per: {_UNITS}")
    currency: CurrencyName | None = Field(default=None, description="the currency of the prices")


_PARTS: Final = ("tuning_method", "adapter", "service_tier", "region", "context_tier")


class DescribedColumn(_OfferParts):
    """One column: under which header it stands, and what its cells are."""

    headers: Spellings = Field(
        description="the header, or its several spellings, in any language, without its unit"
    )
    means: Annotated[str, _one_of(*MEANINGS)] = Field(
        description="what the cells are: a meter, a term, or a part of the offer"
    )
    words: Annotated[dict[str, str], BeforeValidator(_folded)] = Field(
        default_factory=dict, description="what is printed, and what is meant by it"
    )
    optional: bool = Field(
        default=False, description="whether a cell may be empty, or the column missing"
    )
    price_list: CurrencyName | None = Field(
        default=None, description="the currency that names a further price list for the same offers"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems = [*self._strangers(), *self._wrong_words()]
        if self.means in METERS and self.unit and not _counts(self.unit, self.means):
            problems.append(f"unit: a price of {self.means} is not per {self.unit.name}; mend one")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _strangers(self) -> Iterator[str]:
        """Find keys that have no meaning beside what the column means."""
        allowed = {"headers", "means", "words"}
        if self.means in METERS:
            allowed |= {*_PARTS, "unit", "currency", "price_list", "optional"}
        elif self.means in TERMS:
            allowed |= {*_PARTS, "optional"}
        elif self.means in _MAY_BE_EMPTY:
            allowed |= {"optional"}
        for name in sorted(self.model_fields_set - allowed):
            yield f"{name}: says nothing of a column that means {self.means}; leave it out"
        if self.tuning_method == "none" and self.adapter:
            yield "adapter: a base model has none; leave it out"

    def _wrong_words(self) -> Iterator[str]:
        is_right, advice = _right_words(self.means)
        may_be_empty = self.optional or self.means in _MAY_BE_EMPTY
        for printed, meant in self.words.items():
            if not is_right(meant) and not (may_be_empty and not meant):
                yield f"words: {printed!r} cannot mean {meant!r}; {advice}"


def _right_words(means: str) -> tuple[Callable[[str], object], str]:
    """Tell what the words of a column can mean: a test of one, and what to do if it fails."""
    if means in TERMS:
        return TERMS[means].fullmatch, f"write what {TERMS[means].pattern} matches"
    if means == "provider":
        return _IDENTIFIER.fullmatch, "use a-z, 0-9 and _, and begin with a letter"
    if means == "unit":
        return _is_unit, _UNITS
    choices = _NO_AMOUNT if means in METERS else _CHOICES.get(means)
    if choices is None:
        return bool, "write what is meant"
    return choices.__contains__, f"write one of {', '.join(choices)}"


def _is_unit(text: str) -> bool:
    try:
        read_unit(text)
    except Unreadable:
        return False
    return True


class TableChoice(_Written):
    """Which of the tables is meant: exactly one must fit."""

    has: Spellings | None = Field(
        default=None, description="a header that it has, or its spellings"
    )
    above: Spellings | None = Field(
        default=None, description="a part of the heading or caption above it, or its spellings"
    )


class Description(_OfferParts):
    """One source: where it is, what it is, which table states what."""

    url: Annotated[str, AfterValidator(_https)] | None = Field(
        default=None, description="the address of the page or file, https://..."
    )
    path: Path | None = Field(
        default=None, description="a file here, beside the configuration file"
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="further hosts that the address may lead to"
    )
    format: Literal["page", "csv", "json"] | None = Field(
        default=None,
        description="page (HTML or Markdown), csv or json; by the address's ending if not",
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = Field(
        default=",", description="what parts the cells of a CSV file"
    )
    description: Text = Field(description="what it is, in a few words")
    rank: Annotated[str, _one_of(*(rank.name.lower() for rank in Rank))] = Field(
        description="who speaks: the seller, a catalogue, a third party, or people who read it"
    )
    cadence_hours: int = Field(default=24, ge=1, description="how often it is looked at, in hours")
    quotes: CountRange | None = Field(
        default=None,
        description="the least and the most prices that a good page states, as [10, 60]",
    )
    terms: CountRange | None = Field(
        default=None, description="the least and the most terms that a good page states"
    )
    table: TableChoice = Field(
        default=TableChoice(), description="which table; if not given, the one with all the columns"
    )
    provider: Identifier | None = Field(
        default=None, description="who sells, where it is one for all rows"
    )
    ignore_rows: Annotated[list[Text], BeforeValidator(_listed)] = Field(
        default_factory=list, description="names in the model column that are no models; * is any"
    )
    columns: list[DescribedColumn] = Field(description="the columns that are read", min_length=1)

    @model_validator(mode="after")
    def _demands_something(self) -> Self:
        if not any(count and count[0] for count in (self.quotes, self.terms)):
            raise ValueError("quotes: an empty page would be believed; let the least be 1 or more")
        return self


def gaps(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what is missing in a described source, or said twice: the key, and what to do.

    Looks only at which keys are there, so that it can be asked whatever else is wrong.
    """
    if ("url" in told) == ("path" in told):
        yield "url", "give one of url, an address, and path, a file here"
    listed = told.get("columns")
    columns = [c for c in listed if isinstance(c, Mapping)] if isinstance(listed, list) else []
    meant = [str(column.get("means")) for column in columns]
    if columns and meant.count("model") != 1:
        yield "columns", f"{meant.count('model')} of them mean the model; give one"
    if "provider" not in {*told, *meant}:
        yield "provider", 'is missing; add it, or a column with means = "provider"'
    for part in _ROW_PARTS:
        if (part in told) + meant.count(part) > 1 and part != "model":
            yield part, "is said more than once, by key or column; leave one of them"
    for key, names, what in (("quotes", METERS, "prices"), ("terms", tuple(TERMS), "terms")):
        if key not in told and any(means in names for means in meant):
            yield key, f"is missing; write the least and the most {what} of a good page, as [1, 9]"
    facts = [c for c, means in zip(columns, meant, strict=True) if means in {*METERS, *TERMS}]
    if columns and not facts:
        yield "columns", "none of them means a meter or a term; add one that does"
    yield from _gaps_of_offers(told, {*meant}, facts)


def _gaps_of_offers(
    told: Mapping[str, Any], meant: set[str], facts: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    methods = [column.get("tuning_method", told.get("tuning_method")) for column in facts]
    if "tuning_method" not in meant and None in methods:
        yield "tuning_method", "is missing; add it, here or to each column, or a column of them"
    tuned = [c for c, method in zip(facts, methods, strict=True) if method != "none"]
    if "adapter" not in {*told, *meant} and any("adapter" not in column for column in tuned):
        yield "adapter", 'is missing; add it, here or to each column: "unknown" if nobody says'


# ---------------------------------------------------------------- what it becomes


def described_source(name: str, said: Description, folder: Path) -> Source:
    """Make a source of a description; `folder` is where its path starts."""
    reader = _Reader(said)
    file = None if said.path is None else (folder / said.path).resolve()
    return Source(
        name=name,
        url=said.url or cast("Path", file).as_uri(),
        description=said.description,
        rank=Rank[said.rank.upper()],
        cadence=timedelta(hours=said.cadence_hours),
        provider=said.provider,
        quote_count=said.quotes or (0, 0),
        term_count=said.terms or (0, 0),
        parse=reader.parse,
        unread=reader.unread,
        hosts=said.hosts,
        bundled=None if file is None else partial(_contents, name, file),
        # another description is another reading, as another parser is
        parser_version=int(hashlib.sha256(f"{_VERSION} {said!r}".encode()).hexdigest()[:7], 16),
    )


def _contents(name: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        problem = f"{file} cannot be read: {error.strerror}"
        raise SourceError(name, problem, "put it there, or mend its path") from error


class _Reader:
    """Reads captures as a description says."""

    def __init__(self, said: Description) -> None:
        self._said = said
        self._fixed = {"provider": said.provider, "service_tier": "standard"} | _given(said)
        self._ignored = [
            (rule, re.compile(".*".join(map(re.escape, rule.casefold().split("*")))))
            for rule in said.ignore_rows
        ]

    def parse(self, capture: bytes) -> Parsed:
        """Read the table's rows, but those that are ignored by name."""
        table = self._table(self._tables(capture))
        found = self._columns(table)
        parsed = Parsed([], [])
        for row in table.rows:
            try:
                self._state(table, found, row, parsed)
            except Unreadable as error:
                raise Unreadable(f"{row.locator}: {error}") from error
        return parsed

    def unread(self, capture: bytes) -> list[Unread]:
        """Tell which tables, columns and rows are left out, and why."""
        tables = self._tables(capture)
        left = [unread_table(table, why) for table in tables if (why := self._why_not(table))]
        fitting = [table for table in tables if not self._why_not(table)]
        if len(fitting) != 1:
            why = f"fits the description, as {len(fitting) - 1} others do"
            return left + [unread_table(table, why) for table in fitting]
        (table,) = fitting
        try:
            found = self._columns(table)
        except Unreadable as error:
            return [*left, unread_table(table, str(error))]
        used = {column.at for _, column in found}
        left += [
            Unread(table.locator, header, "no column of the description is called so")
            for at, header in enumerate(table.headers)
            if at not in used
        ]
        for row in table.rows:
            name = _model(found, row)
            if rule := self._ignores(name):
                left.append(Unread(row.locator, name, f"ignore_rows has {rule!r}"))
        return left

    def _tables(self, capture: bytes) -> list[Table]:
        place = self._said.url or str(self._said.path)
        ending = PurePosixPath(re.split(r"[?#]", place)[0]).suffix.lower()
        match self._said.format or ending:
            case "csv" | ".csv":
                return [_csv_table(capture, self._said.delimiter)]
            case "json" | ".json":
                return json_tables(capture)
            case _:
                return tables_in(capture)

    def _table(self, tables: list[Table]) -> Table:
        fitting = [table for table in tables if not self._why_not(table)]
        if len(fitting) != 1:
            there = "; ".join(
                f"{table.locator}: {shown(' | '.join(table.headers), 200)}"
                for table in tables[:_SHOWN_TABLES]
            )
            raise Unreadable(
                f"{len(fitting)} tables fit the description, not 1; there are {there or 'none'}"
            )
        return fitting[0]

    def _why_not(self, table: Table) -> str | None:
        """Say why a table is not the one that is meant, or nothing where it is."""
        chosen = self._said.table
        demanded = [chosen.has] if chosen.has else []
        if not chosen.has and not chosen.above:
            demanded = [column.headers for column in self._said.columns if not column.optional]
        for spellings in demanded:
            if not table.has(*spellings):
                return f"no column is called {' or '.join(map(repr, spellings))}"
        if chosen.above:
            above = table.context.casefold()
            if not any(text.casefold() in above for text in chosen.above):
                return f"the text above it does not say {' or '.join(map(repr, chosen.above))}"
        return None

    def _columns(self, table: Table) -> list[tuple[DescribedColumn, Column]]:
        """Find the columns; one that is optional may be missing."""
        return [
            (column, table.column(*column.headers))
            for column in self._said.columns
            if not column.optional or table.has(*column.headers)
        ]

    def _state(
        self,
        table: Table,
        found: Sequence[tuple[DescribedColumn, Column]],
        row: Row,
        parsed: Parsed,
    ) -> None:
        if self._ignores(_model(found, row)):
            return
        parts: dict[str, Any] = dict(self._fixed)
        for column, at in found:
            if column.means in _ROW_PARTS:
                parts[column.means] = _part(column.means, _meant(column, row.cells[at.at]))
        for column, at in found:
            printed = row.cells[at.at]
            said = _meant(column, printed)
            if column.means in _ROW_PARTS or (column.optional and not said):
                continue
            given = parts | _given(column)
            offer = _offer(given)
            evidence = Evidence(f"{row.locator}/{table.headers[at.at]}", printed)
            if column.means in METERS:
                price = _price(column.means, said, given, at, table)
                meter = cast("Meter", column.means)
                quote = offer.quote(meter, price, evidence, price_list=column.price_list)
                parsed.quotes.append(quote)
            else:
                value = _value(column.means, said)
                parsed.terms.append(offer.term(column.means, value, evidence))

    def _ignores(self, model: str) -> str | None:
        name = model.casefold()
        return next((rule for rule, pattern in self._ignored if pattern.fullmatch(name)), None)


def unread_table(table: Table, why: str) -> Unread:
    """Name a table that is not read, by its headers and what stands above it."""
    above = f" under {shown(table.context[-_SHOWN_ABOVE:])}" if table.context else ""
    return Unread(f"{table.locator}{above}", " | ".join(table.headers), why)


def _given(parts: _OfferParts) -> dict[str, Any]:
    """Give those parts of the offer, unit and currency that are written out."""
    names = (*_PARTS, "unit", "currency")
    return {name: value for name in names if (value := getattr(parts, name)) is not None}


def _model(found: Sequence[tuple[DescribedColumn, Column]], row: Row) -> str:
    ((column, at),) = [pair for pair in found if pair[0].means == "model"]
    return _meant(column, row.cells[at.at])


def _meant(column: DescribedColumn, printed: str) -> str:
    return column.words.get(printed.casefold(), printed)


def _part(part: str, said: str) -> object:
    """Read a cell that says a part of the offer, or what its row's prices are per and in."""
    if part in _MAY_BE_EMPTY and not said:
        return None
    if part == "unit":
        return read_unit(said)
    if part == "model" and not said:
        raise Unreadable("the row names no model")
    if part in {"model", "region", "context_tier"}:
        return said
    value = said.upper() if part == "currency" else said.casefold()
    is_known = _IDENTIFIER.fullmatch(value) if part == "provider" else value in _CHOICES[part]
    if not is_known:
        raise Unreadable(f"no {part} in {shown(said)}; say in the column's words what it means")
    return value


def _offer(parts: Mapping[str, Any]) -> Offer:
    named = {name: parts.get(name) for name in Offer._fields}
    if named["tuning_method"] == "none":
        named["adapter"] = None
    return Offer(**cast("Any", named))


def _counts(unit: Unit, meter: str) -> bool:
    """Tell whether a meter's prices can be per this unit."""
    try:
        canonical_amount(Decimal(0), unit, meter)
    except Unreadable:
        return False
    return True


def _price(meter: str, said: str, given: Mapping[str, Any], at: Column, table: Table) -> Price:
    """Read a price; what the page says of its unit and currency must be what is described.

    Units of other meters are described for those, so that one for all columns may be given.
    """
    unit: Unit | None = given.get("unit")
    if unit is not None and not _counts(unit, meter):
        unit = None
    currency: str | None = given.get("currency")
    above = None if unit or at.unit or "tokens" not in meter else unit_in(table.context)
    default = at.unit or unit or above
    known = at.currency or currency
    if said in _NO_AMOUNT:
        amount = Decimal(0) if said == "free" else None
        return Price(cast("Availability", said), amount, known, default)
    if currency in {"CNY", "JPY"}:  # the sign alone does not tell them apart
        said = re.sub(r"^[¥￥]\s?", "", said)
    price = read_price(said, currency=known, unit=default)
    for what, is_said, is_meant in (
        ("unit", price.unit and price.unit.name, unit and unit.name),
        ("currency", price.currency, currency),
    ):
        if price.amount is not None and is_meant and is_said != is_meant:
            raise Unreadable(
                f"{shown(said)} under {shown(table.headers[at.at])} has the {what} {is_said}, "
                f"where {is_meant} is described"
            )
    return price


def _value(term: str, said: str) -> str:
    """Spell a term's value as terms are spelled: days as days, counts as digits."""
    if term.endswith("_on"):
        return read_date(said).isoformat()
    if TERMS[term].fullmatch(said):
        return said
    return said.replace(",", "") if _GROUPED.fullmatch(said) else said.casefold()


# ---------------------------------------------------------------- files that are tables


def _csv_table(capture: bytes, delimiter: str) -> Table:
    """Lay a CSV file out as a table; its first line has the headers."""
    text = decode(capture)
    if not text.endswith("\n"):
        raise Unreadable("the CSV file is cut short: its last line does not end")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        headers, *rows = [(lines.line_num, [*map(clean, cells)]) for cells in lines if cells]
    except csv.Error as error:
        raise Unreadable(f"no CSV file at line {lines.line_num}: {error}") from error
    return Table("csv", headers[1], lambda: rows, lambda: "")


def json_tables(capture: bytes) -> list[Table]:
    """Find the tables in a JSON document: its lists of objects, and its objects of objects.

    A key is a header; one in an object of the row's is written `outer.inner`. The rows of an
    object of objects have their own names under `key`. Several documents, one a line, are a list.
    """
    documents = json_documents(capture)
    return list(_records(documents[0] if len(documents) == 1 else documents, "$"))


def _records(value: object, place: str) -> Iterator[Table]:
    inner: Iterable[tuple[str, object]] = ()
    rows: list[dict[str, str]] = []
    if isinstance(value, list):
        inner = [(f"{place}[{number}]", item) for number, item in enumerate(value)]
        if all(isinstance(item, dict) for item in value):
            rows = [dict(_flat(item)) for item in value]
    elif isinstance(value, dict):
        inner = [(f"{place}.{key}", item) for key, item in value.items()]
        if all(isinstance(item, dict) for item in value.values()):
            rows = [{"key": clean(key)} | dict(_flat(item)) for key, item in value.items()]
    if rows:
        headers = list(dict.fromkeys(key for row in rows for key in row))
        yield Table(place, headers, partial(_laid_out, headers, rows), lambda: "")
    for place_within, item in inner:
        yield from _records(item, place_within)


def _laid_out(headers: list[str], rows: list[dict[str, str]]) -> Iterator[tuple[int, list[str]]]:
    return ((at, [row.get(key, "") for key in headers]) for at, row in enumerate(rows))


def _flat(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in item.items():
        within = value.items() if isinstance(value, dict) else ()
        scalars = [(key, value), *((f"{key}.{name}", each) for name, each in within)]
        yield from ((name, _cell(each)) for name, each in scalars if not _holds_others(each))


def _holds_others(value: object) -> bool:
    return isinstance(value, dict | list)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:f}"
        case _:
            return clean(str(value))

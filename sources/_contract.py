"""What a source hands over: quotes and terms, each with its evidence, validated as frames."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import IntEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple, cast, get_args

import pandera.polars as pa
import polars as pl
from pandera.backends.polars.checks import PolarsCheckBackend
from pandera.errors import SchemaErrors
from pandera.polars import PolarsData

from sources._parsing import (
    Availability,
    Meter,
    Price,
    Unreadable,
    canonical_amount,
    read_date,
    shown,
)

TUNING_METHODS: Final = ("none", "sft", "dpo", "rft", "unknown")
ADAPTERS: Final = ("lora", "full", "unknown")
SERVICE_TIERS: Final = ("standard", "batch", "flex", "priority", "developer")
CURRENCIES: Final = ("USD", "EUR", "CNY", "GBP", "JPY")
_COUNT: Final = re.compile(r"[1-9]\d{0,8}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# Which tokens of a training job a seller bills; `warehouse/billing_rules.csv` says how.
BILLED_TOKENS_RULES: Final = (
    "train x epochs",
    "train x epochs + validation",
    "train x epochs + validation x evaluations",
    "(train + validation) x epochs",
    "(train + mixed-in + validation) x epochs, rounded up to 1,000",
)
# What each term's value looks like.
TERMS: Final[Mapping[str, re.Pattern[str]]] = {
    "min_examples": _COUNT,
    "recommended_examples": _COUNT,
    "hosting": re.compile("managed|self_hosted|both"),
    "weights_exportable": re.compile("yes|no|unknown"),
    "epoch_default": _COUNT,
    "billed_tokens_rule": re.compile("|".join(map(re.escape, BILLED_TOKENS_RULES))),
    "tuned_inference_rule": re.compile("base_price"),
    "is_deprecated": re.compile("yes|no"),
    "closed_to_new_customers_on": _DAY,
    "last_training_on": _DAY,
    "shutdown_on": _DAY,
}
EVERY_MODEL: Final = "*"
DOCUMENT_END: Final = b"\n"
# The scale of the money columns, and room enough to see whether a price fits it.
_EXACT: Final = Decimal(1).scaleb(-18)
_WIDE: Final = Context(prec=60)


class SourceError(Exception):
    """A source could not be fetched or read; says which, what was met and what to do next."""

    def __init__(self, source: str, problem: str, next_step: str) -> None:
        super().__init__(f"{source}: {problem}; {next_step}")
        self.source = source
        self.problem = problem


class Quote(NamedTuple):
    """One price read from one capture; the fields are the columns of `Quotes`, in order.

    `price_list` is null in the seller's one list, or its main one; a further list for the same
    offers, such as Mistral's in euros beside the one in dollars, is named by its currency.
    """

    provider: str
    model: str
    tuning_method: str
    adapter: str | None
    service_tier: str
    region: str | None
    context_tier: str | None
    meter: str
    price_list: str | None
    availability: str
    list_unit_price: Decimal | None
    pricing_unit: str | None
    pricing_currency: str | None
    unit_price: Decimal | None
    valid_from: datetime | None
    checked_at: datetime | None
    locator: str
    printed_text: str
    url: str | None
    remark: str | None


class Term(NamedTuple):
    """One fact about an offer that is no price; the fields are the columns of `Terms`."""

    provider: str
    model: str
    tuning_method: str
    adapter: str | None
    service_tier: str
    region: str | None
    context_tier: str | None
    term: str
    value: str
    valid_from: datetime | None
    checked_at: datetime | None
    locator: str
    printed_text: str
    url: str | None
    remark: str | None


class Evidence(NamedTuple):
    """Where a fact stands, and what the source says about its time.

    `locator` finds it again in the capture and `printed_text` is what stands there.
    `valid_from` and `checked_at` are UTC and null unless the source itself states since when
    the fact holds, or when somebody last checked it. `url` is null where the source's own is
    meant. `remark` says what a reader of the number must know: a repair, a footnote.
    """

    locator: str
    printed_text: str
    valid_from: datetime | None = None
    checked_at: datetime | None = None
    url: str | None = None
    remark: str | None = None


class Offer(NamedTuple):
    """What is sold. `model` is the seller's name for it, or `*` for a term of all its models.

    A base model has the method `none` and no adapter; a tuned one names both or says
    `unknown`. A null region means that the price is not tied to one.
    """

    provider: str
    model: str
    tuning_method: str = "none"
    adapter: str | None = None
    service_tier: str = "standard"
    region: str | None = None
    context_tier: str | None = None

    def quote(
        self, meter: Meter, price: Price, evidence: Evidence, *, price_list: str | None = None
    ) -> Quote:
        """State a price of this offer, restated per the meter's canonical unit.

        `price_list` as in `Quote`. Raises `Unreadable` where the price has no unit, or one that
        the meter does not count.
        """
        amount = unit_price = price.amount
        if amount is not None:
            if price.unit is None and amount:
                msg = f"a price without a unit: {shown(evidence.printed_text)}"
                raise Unreadable(msg)
            if price.unit is not None:
                unit_price = canonical_amount(amount, price.unit, meter)
            if amount != _WIDE.quantize(amount, _EXACT):
                raise Unreadable(f"more than 18 decimals: {shown(evidence.printed_text)}")
        return Quote(
            *self,
            meter=meter,
            price_list=price_list,
            availability=price.availability,
            list_unit_price=amount,
            pricing_unit=price.unit.name if price.unit and amount is not None else None,
            pricing_currency=price.currency if amount is not None else None,
            unit_price=unit_price,
            valid_from=evidence.valid_from,
            checked_at=evidence.checked_at,
            locator=evidence.locator,
            printed_text=evidence.printed_text,
            url=evidence.url,
            remark=evidence.remark,
        )

    def term(self, name: str, value: str, evidence: Evidence) -> Term:
        """State a term of this offer; days as `YYYY-MM-DD`, counts as digits, facts as yes/no.

        Raises `Unreadable` for a value that the term cannot have.
        """
        if not TERMS[name].fullmatch(value):
            raise Unreadable(f"no value of {name}: {shown(value)}")
        if TERMS[name] is _DAY:
            read_date(value)
        return Term(
            *self,
            term=name,
            value=value,
            valid_from=evidence.valid_from,
            checked_at=evidence.checked_at,
            locator=evidence.locator,
            printed_text=evidence.printed_text,
            url=evidence.url,
            remark=evidence.remark,
        )


# A million tokens, an hour or a month for 10^9 is a misread number, in any currency.
_DEAREST: Final = 1_000_000_000
_Money = Annotated[pl.Decimal, 38, 18]
_Instant = Annotated[pl.Datetime, "us", None]


class _Facts(pa.DataFrameModel):
    provider: str = pa.Field(str_matches=r"^[a-z][a-z0-9_]*$")
    # a dash is no name, and none of a region or a length either
    model: str = pa.Field(
        str_length={"min_value": 1, "max_value": 200}, str_matches=r"^(?:\*$|.*\w)"
    )
    tuning_method: str = pa.Field(isin=TUNING_METHODS)
    adapter: str = pa.Field(isin=ADAPTERS, nullable=True)
    service_tier: str = pa.Field(isin=SERVICE_TIERS)
    region: str = pa.Field(nullable=True, str_matches=r"^.*\w")
    context_tier: str = pa.Field(nullable=True, str_matches=r"^.*\w")
    valid_from: _Instant = pa.Field(nullable=True)
    checked_at: _Instant = pa.Field(nullable=True)
    locator: str = pa.Field(str_length={"min_value": 1})
    printed_text: str
    url: str = pa.Field(nullable=True, str_startswith="https://")
    remark: str = pa.Field(nullable=True)

    class Config:
        strict = True

    @pa.dataframe_check
    @classmethod
    def only_a_tuned_offer_has_an_adapter(cls, data: PolarsData) -> pl.LazyFrame:
        """Demand an adapter of a tuned offer, be it `unknown`, and none of a base model."""
        return data.lazyframe.select(
            (pl.col("tuning_method") == "none") == pl.col("adapter").is_null()
        )


class Quotes(_Facts):
    """The prices that one capture states; one row is one offer's meter from one instant on."""

    meter: str = pa.Field(isin=get_args(Meter))
    price_list: str = pa.Field(isin=CURRENCIES, nullable=True)
    availability: str = pa.Field(isin=get_args(Availability))
    list_unit_price: _Money = pa.Field(nullable=True)
    pricing_unit: str = pa.Field(nullable=True)
    pricing_currency: str = pa.Field(isin=CURRENCIES, nullable=True)
    unit_price: _Money = pa.Field(nullable=True, ge=0, lt=_DEAREST)

    @pa.dataframe_check
    @classmethod
    def an_amount_stands_only_where_there_is_a_price(cls, data: PolarsData) -> pl.LazyFrame:
        """Demand an amount above zero where priced, zero where free, null anywhere else."""
        state, amount = pl.col("availability"), pl.col("unit_price")
        priced = amount > 0
        said = pl.col("list_unit_price").is_not_null() & pl.col("pricing_unit").is_not_null()
        return data.lazyframe.select(
            pl.when(state == "priced")
            .then(priced.fill_null(value=False) & said & pl.col("pricing_currency").is_not_null())
            .when(state == "free")
            .then((amount == 0).fill_null(value=False))
            .otherwise(amount.is_null() & pl.col("list_unit_price").is_null())
        )

    @pa.dataframe_check
    @classmethod
    def a_base_model_is_not_trained(cls, data: PolarsData) -> pl.LazyFrame:
        """Demand that training and its minimum are prices of a tuned offer."""
        training = pl.col("meter").is_in(["training_tokens", "training_hours", "job_minimum"])
        return data.lazyframe.select(~(training & (pl.col("tuning_method") == "none")))


class Terms(_Facts):
    """The terms that one capture states; one row is one term of one offer from one instant on."""

    term: str = pa.Field(isin=tuple(TERMS))
    value: str = pa.Field(str_length={"min_value": 1, "max_value": 500})


class _Selected:
    """Stands for a frame where a check is asked which values it selects."""

    def select(self, values: pl.Expr) -> pl.Expr:
        return values


@cache
def _demands(model: type[_Facts]) -> tuple[pa.DataFrameSchema, list[tuple[str | int, pl.Expr]]]:
    """Give a model's schema, and what it demands of each column or, by number, of each row."""
    schema = model.to_schema()
    nothing = pl.LazyFrame(schema=_types(schema))

    def demand(check: pa.Check, column: str) -> pl.Expr:
        # only now does a check look up how polars is asked
        check(nothing, None if column == "*" else column)
        ask = cast("Callable[[PolarsData], pl.Expr]", PolarsCheckBackend(check).check_fn)
        return ask(PolarsData(cast("pl.LazyFrame", _Selected()), column))

    demands: list[tuple[str | int, pl.Expr]] = []
    for name, column in schema.columns.items():
        if not column.nullable:
            demands.append((name, pl.col(name).is_not_null()))
        demands.extend((name, demand(check, name)) for check in column.checks)
    demands.extend((number, demand(check, "*")) for number, check in enumerate(schema.checks))
    return schema, demands


def _types(schema: pa.DataFrameSchema) -> dict[str, pl.DataType]:
    return {name: column.dtype.type for name, column in schema.columns.items()}


def check_facts(model: type[_Facts], facts: pl.DataFrame) -> None:
    """Check facts as `model.validate(facts, lazy=True)` does; raises its `SchemaErrors`.

    Pandera asks each check by itself, which takes 18 ms however few the facts are. Here all are
    asked at once, and pandera again of those columns where something is broken.
    """
    schema, demands = _demands(model)
    if dict(facts.schema) == _types(schema):
        met = facts.select(
            demand.all().alias(str(number)) for number, (_, demand) in enumerate(demands)
        ).row(0)
        broken = {name for (name, _), is_met in zip(demands, met, strict=True) if not is_met}
        if not broken:
            return
        schema = pa.DataFrameSchema(
            {name: column for name, column in schema.columns.items() if name in broken},
            checks=[check for number, check in enumerate(schema.checks) if number in broken],
            name=schema.name,
        )
    schema.validate(facts, lazy=True)


_TYPES: Final[dict[str, pl.DataType]] = {
    "list_unit_price": pl.Decimal(38, 18),
    "unit_price": pl.Decimal(38, 18),
    "valid_from": pl.Datetime("us"),
    "checked_at": pl.Datetime("us"),
}
_QUOTE_SCHEMA: Final = {name: _TYPES.get(name, pl.String()) for name in Quote._fields}
_TERM_SCHEMA: Final = {name: _TYPES.get(name, pl.String()) for name in Term._fields}
_OFFER: Final = list(Offer._fields)


class Parsed(NamedTuple):
    """What a source's `parse` found, in the capture's order."""

    quotes: list[Quote]
    terms: list[Term]


class Unread(NamedTuple):
    """A part of a capture that states nothing here: where it is, what stands there, and why not."""

    where: str
    what: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """One capture's quotes and terms: validated frames, each key once."""

    quotes: pl.DataFrame
    terms: pl.DataFrame


class Rank(IntEnum):
    """Who speaks; the lower number is believed first where sources differ."""

    SELLER = 1
    CATALOGUE = 2
    THIRD_PARTY = 3
    TRANSCRIBED = 4


@dataclass(frozen=True, kw_only=True)
class Source:
    """One page, price list or catalogue: where it is, how often to look, how to read it.

    `quote_count` and `term_count` are the least and the most that a good capture states; a
    capture outside them is refused. `bundled` gives the bytes of a source that arrives with
    an installed package, so that it needs no network. `parser_version` goes up whenever
    `parse` reads the same bytes differently.

    A source may be several documents: `more_urls` are asked after `url`, and `next_page` finds
    in a document the address of the one that continues it. They are one capture, joined by a
    newline (`DOCUMENT_END`), and so are several files of one day in a folder of captures, also
    where `is_several_files` says that one address gives what the files give together.
    `hosts` are those that the source may be redirected to, besides the ones it names. A source
    that is `unasked`, for the reason given, is read from saved captures alone. `unread` tells
    what `parse` leaves out of a capture on purpose, where the source knows.
    """

    url: str
    description: str
    rank: Rank
    cadence: timedelta
    quote_count: tuple[int, int]
    parse: Callable[[bytes], Parsed]
    term_count: tuple[int, int] = (0, 0)
    provider: str | None = None
    bundled: Callable[[], bytes] | None = None
    more_urls: tuple[str, ...] = ()
    next_page: Callable[[bytes], str | None] | None = None
    hosts: tuple[str, ...] = ()
    is_several_files: bool = False
    unasked: str | None = None
    unread: Callable[[bytes], list[Unread]] | None = None
    parser_version: int = 1
    name: str = ""

    @property
    def joins_files(self) -> bool:
        """Tell whether files of one day in a folder of captures are one capture."""
        return self.is_several_files or bool(self.more_urls) or self.next_page is not None

    def read(self, capture: bytes) -> Reading:
        """Read a capture into validated frames.

        Raises `SourceError` for anything but a whole, consistent reading of the expected
        size. This is the one door for pages: whatever a parser trips over inside a hostile
        page becomes a refusal of that capture, never a crash of the run.
        """
        if not capture.strip():
            raise self.refusal("the capture is empty")
        try:
            parsed = self.parse(capture)
            quotes = pl.DataFrame(parsed.quotes, schema=_QUOTE_SCHEMA, orient="row")
            terms = pl.DataFrame(parsed.terms, schema=_TERM_SCHEMA, orient="row")
        except Exception as error:
            problem = str(error) if isinstance(error, Unreadable) else f"{error!r}"
            raise self.refusal(problem) from error
        price = ["availability", "unit_price", "pricing_currency"]
        quotes = self._once(quotes, ["meter", "price_list"], price)
        terms = self._once(terms, ["term"], ["value"])
        for what, frame, (least, most) in (
            ("quotes", quotes, self.quote_count),
            ("terms", terms, self.term_count),
        ):
            if not least <= frame.height <= most:
                raise self.refusal(f"{frame.height} {what} where {least} to {most} are expected")
        self._validate(Quotes, quotes)
        self._validate(Terms, terms)
        return Reading(quotes, terms)

    def refusal(self, problem: str) -> SourceError:
        """Build the error for a capture that is not believed."""
        counts = ((self.quote_count, "quotes"), (self.term_count, "terms"))
        numbers = [f"{least} to {most} {what}" for (least, most), what in counts if most]
        expected = f"{' and '.join(numbers)} from {self.url}"
        return SourceError(
            self.name,
            f"{problem} (expected {expected})",
            "no price was changed; look at the capture, as with `ratecard sources try`, then mend "
            "how it is read or wait for the page",
        )

    def _once(self, facts: pl.DataFrame, subject: list[str], value: list[str]) -> pl.DataFrame:
        """Keep the first of equal statements; contradicting ones refuse the capture."""
        key = [*_OFFER, *subject, "valid_from"]
        distinct = facts.unique([*key, *value], keep="first", maintain_order=True)
        clash = distinct.filter(pl.struct(key).is_duplicated())
        if clash.height:
            first, second = clash.filter(
                pl.struct(key) == clash.select(pl.struct(key)).item(0, 0)
            ).rows(named=True)[:2]
            raise self.refusal(
                f"two values for {subject[0]} {first[subject[0]]} of {shown(first['model'])}: "
                f"{shown(first['printed_text'])} at {first['locator']} and "
                f"{shown(second['printed_text'])} at {second['locator']}"
            )
        return distinct

    def _validate(self, schema: type[_Facts], facts: pl.DataFrame) -> None:
        if facts.is_empty():
            return
        try:
            check_facts(schema, facts)
        except SchemaErrors as errors:
            cases = errors.failure_cases.select("column", "check", "failure_case", "index").rows()
            shown_cases = "; ".join(" ".join(map(str, case)) for case in cases[:5])
            raise self.refusal(
                f"{len(cases)} values break {schema.__name__}: {shown_cases}"
            ) from errors


@cache
def every_source() -> Mapping[str, Source]:
    """Discover the built-in sources: every module of this room without a leading underscore.

    Each holds a `SOURCE`, which gets the module's name. Sorted by name.
    """
    room = importlib.import_module("sources")
    names = sorted(m.name for m in pkgutil.iter_modules(room.__path__) if m.name[0] != "_")
    modules = {name: importlib.import_module(f"sources.{name}") for name in names}
    return MappingProxyType(
        {name: replace(module.SOURCE, name=name) for name, module in modules.items()}
    )

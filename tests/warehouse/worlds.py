"""Small worlds for the warehouse's tests: what sources said, as the frames they hand over."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from warehouse.captures import Look
from warehouse.gate import Limits
from warehouse.log import Statement
from warehouse.schemas import Workloads, WorkloadTokens
from warehouse.store import TABLES, Faces, Reference, Rules, Store

START = datetime(2026, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
URL = "https://example.org"
_OFFER = {
    "provider": "seller",
    "model": "a",
    "tuning_method": "sft",
    "adapter": "lora",
    "service_tier": "standard",
    "region": None,
    "context_tier": None,
}
_EVIDENCE = {
    "valid_from": None,
    "checked_at": None,
    "locator": "row",
    "printed_text": "text",
    "url": None,
    "remark": None,
}
_PRICE = {
    "meter": "training_tokens",
    "price_list": None,
    "availability": "priced",
    "list_unit_price": None,
    "pricing_unit": "1M tokens",
    "pricing_currency": "USD",
    "unit_price": None,
}
_TYPES: dict[str, pl.DataType] = {
    "list_unit_price": pl.Decimal(38, 18),
    "unit_price": pl.Decimal(38, 18),
    "valid_from": pl.Datetime("us"),
    "checked_at": pl.Datetime("us"),
}


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def quote(price: float | str | None, **columns: Any) -> dict[str, Any]:  # noqa: ANN401 any column
    """Give a quote of model `a` at `seller`: its columns, with these in place of the usual."""
    amount = None if price is None else Decimal(str(price))
    absent = {} if price is not None else {"pricing_unit": None, "pricing_currency": None}
    amounts = {"list_unit_price": amount, "unit_price": amount}
    return {**_OFFER, **_PRICE, **amounts, **absent, **_EVIDENCE, **columns}


def term(name: str, value: str, **columns: Any) -> dict[str, Any]:  # noqa: ANN401 any column
    return {**_OFFER, "term": name, "value": value, **_EVIDENCE, **columns}


def statement(rows: Iterable[dict[str, Any]]) -> Statement:
    """Part rows into the frames of quotes and of terms."""
    rows = list(rows)
    return Statement(
        _frame([r for r in rows if "meter" in r], [*_OFFER, *_PRICE, *_EVIDENCE]),
        _frame([r for r in rows if "term" in r], [*_OFFER, "term", "value", *_EVIDENCE]),
        1,
    )


def _frame(rows: list[dict[str, Any]], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: _TYPES.get(name, pl.String()) for name in names})


CONSTRAINT_SETS = pl.DataFrame(
    {
        "constraint_set": ["available", "available_any_tier", "listed"],
        "is_on_sale": [True, True, False],
        "is_standard_tier": [True, False, True],
        **dict.fromkeys(
            ("hosting", "weights_exportable", "providers", "regions", "max_upfront_usd"), [None] * 3
        ),
        "available_until": [None] * 3,
    },
    schema_overrides={
        "hosting": pl.String(),
        "weights_exportable": pl.String(),
        "providers": pl.List(pl.String()),
        "regions": pl.List(pl.String()),
        "max_upfront_usd": pl.Decimal(20, 2),
        "available_until": pl.Date(),
    },
)


class World:
    """A store, and sources that say what the test tells them to, each thing once per day.

    `parser` is how the rows of a capture are read, in its version, and `limits` are the gate's:
    without them everything is believed. With `is_live` each look is known when it is taken, as a
    refresh's are; without, one by one long after, as those of files.
    """

    def __init__(self, store: Store, **ranks: int) -> None:
        self.store = store
        self.limits: Limits | None = None
        self.is_live = False
        self.parser: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.parser_version = 1
        self.rules = Rules()
        self.workloads: pl.DataFrame = Workloads.empty()
        self.constraint_sets = CONSTRAINT_SETS
        self.workload_tokens: pl.DataFrame = WorkloadTokens.empty()
        self._ranks = ranks or {"page": 1}
        self._said: dict[bytes, tuple[dict[str, Any], ...]] = {}
        self._known = 0

    def read(self, _: str, content: bytes) -> Statement:
        said = statement(map(self.parser, self._said[content]))
        return said._replace(limits=self.limits, parser_version=self.parser_version)

    def says(self, on: float, *rows: dict[str, Any], source: str = "page") -> int:
        """Let a source say rows on a day; give the number of facts that were new."""
        content = self.content(*rows, source=source)
        look = Look(source, day(on), self._known_at(on), URL)
        (outcome,) = self.store.record([(look, content)], self.read)
        return outcome.fact_count

    def content(self, *rows: dict[str, Any], source: str = "page") -> bytes:
        """Give the bytes in which a source says rows, and know them from now on."""
        content = repr((source, rows)).encode()
        self._said[content] = rows
        return content

    def fails(self, on: float, source: str = "page") -> None:
        look = Look(source, day(on), self._known_at(on), URL, error="no answer")
        list(self.store.record([(look, None)], self.read))

    def _known_at(self, on: float) -> datetime:
        self._known += 1
        return day(on if self.is_live else 1000 + self._known)

    def prepare(self, at: float = 2000) -> None:
        count = len(self._ranks)
        sources = pl.DataFrame({
            "source": list(self._ranks),
            "provider": [None] * count,
            "rank": list(self._ranks.values()),
            "cadence_hours": [24.0] * count,
            "url": [URL] * count,
            "description": ["a page"] * count,
            "unasked": [None] * count,
        }, schema_overrides={"provider": pl.String(), "unasked": pl.String()})  # fmt: skip
        rates = pl.DataFrame(
            {
                "currency": ["USD", "CNY"],
                "rate_on": [START.date()] * 2,
                "usd_per_unit": [Decimal(1), Decimal("0.14")],
            },
            schema_overrides={"usd_per_unit": pl.Decimal(12, 8)},
        )
        reference = Reference(
            sources, rates, self.workloads, self.constraint_sets, self.workload_tokens
        )
        self.store.prepare(day(at), reference, self.rules, "test")

    def publish(self, at: float = 2000, faces: Faces = lambda _: {}) -> Store:
        """Build every table as of a day and publish them."""
        with self.store.session():
            self.prepare(at)
            for table in TABLES:
                self.store.build(table)
            self.store.publish(faces)
        return self.store

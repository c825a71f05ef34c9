"""A look at a source that stores nothing: what it would state, leave out, and be doubted for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.configuration import Setup, built_in
from pipeline.looking import Looker, utc_now
from sources._contract import DOCUMENT_END, SourceError, Unread
from sources._unread import unread
from warehouse.captures import Look
from warehouse.gate import FACT
from warehouse.store import Store

_OFFER: Final = list(FACT[:7])
_QUOTES: Final = [
    *_OFFER, "meter", "price_list", "availability", "list_unit_price", "pricing_currency",
    "pricing_unit", "unit_price", "valid_from", "printed_text", "locator", "remark",
]  # fmt: skip
_TERMS: Final = [*_OFFER, "term", "value", "valid_from", "printed_text", "locator", "remark"]


@dataclass(frozen=True)
class Attempt:
    """What came of a try: `read`, `refused` or `unreachable` and why.

    `frames` are what was read, what was left out and the gate's doubts; those that nobody has
    accepted would make something wait.
    """

    outcome: str
    reason: str | None = None
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Tell whether the gate would hold the capture back, or set a fact of it aside."""
        doubts = self.frames.get("doubts", pl.DataFrame({"severity": []}))
        return not doubts.filter(pl.col("severity") != "flag").is_empty()


def attempt(setup: Setup, name: str, files: Sequence[Path]) -> Attempt:
    """Look at a source now, or read files as one look at it; store nothing."""
    source = setup.sources[name]
    if files:
        now = utc_now()
        capture = DOCUMENT_END.join(file.read_bytes() for file in files)
        look, content = Look(name, now, now, source.url), capture
    else:
        looker = Looker(setup, [name], {})
        try:
            look, seen = looker.look(name)
        finally:
            looker.close()
        if seen is None:
            return Attempt("unreachable", look.error)
        content = seen
    try:
        reading = source.read(content)
    except SourceError as error:
        return Attempt(
            "refused", str(error), {"left_out": _left_out(unread(source, content, None))}
        )
    doubts = Store(setup.settings.data_dir).doubts(look, content, setup.read)
    return Attempt(
        "read",
        None,
        {
            "prices": reading.quotes.select(_QUOTES),
            "terms": reading.terms.select(_TERMS),
            "left_out": _left_out(unread(source, content, reading)),
            "doubts": pl.DataFrame(
                [(doubt.severity, doubt.rule, doubt.reason) for doubt in doubts],
                schema=dict.fromkeys(("severity", "rule", "reason"), pl.String),
                orient="row",
            ),
        },
    )


def _left_out(parts: list[Unread]) -> pl.DataFrame:
    return pl.DataFrame(parts, schema=dict.fromkeys(Unread._fields, pl.String), orient="row")


def listed(setup: Setup) -> pl.DataFrame:
    """Give one row per source: who speaks, where, how often, and what is expected of it."""
    rows = [
        (
            source.name,
            "built in" if source.name in built_in() else "described",
            source.rank.name.lower().replace("_", " "),
            source.provider,
            source.url,
            source.cadence // timedelta(hours=1),
            _range(source.quote_count),
            _range(source.term_count),
            None if source.name in setup.asked else source.unasked,
        )
        for source in setup.sources.values()
    ]
    names = ("source", "kind", "who_speaks", "provider", "url", "cadence_hours", "quotes", "terms")
    schema = dict.fromkeys([*names, "unasked"], pl.String) | {"cadence_hours": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _range(count: tuple[int, int]) -> str | None:
    least, most = count
    return f"{least} to {most}" if most else None

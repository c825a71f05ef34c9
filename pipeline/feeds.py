"""The feeds: what changed, as Atom for people and as JSON for programs.

They are made of what is known alone, and tell no time of their own: while nothing changes, each
publication has them byte for byte. What comes from a page is made harmless, as in messages.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree as ET

import polars as pl

from pipeline.harmless import LONGEST, address, plain
from pipeline.messages import headline
from warehouse.store import Ask

FOLDER: Final = "feeds"
VERSION: Final = 1
ENTRIES: Final = 200
# All of them are in the table; the file stays one that a program reads at once.
RECORDS: Final = 10_000
_ATOM: Final = "http://www.w3.org/2005/Atom"
# Names what it tags for good, wherever the feeds are served, so that no reader sees it twice.
_TAG: Final = "tag:ratecard.invalid,2026:"

Row = dict[str, Any]


def feeds(ask: Ask, *, site: str | None, base_models: bool) -> dict[str, bytes]:
    """Make all feeds, by their path in the publication.

    `site` is the address at which the publication is served, if it is; base models' changes are
    in the feeds only with `base_models`.
    """
    changes = ask("news", base_models=base_models)
    news = changes.filter("is_news")
    sellers = ask("sellers", base_models=base_models)["provider"]
    made = {
        f"{FOLDER}/{seller}.atom": _atom(
            seller, news.filter(pl.col("provider") == seller), site, f" at {seller}"
        )
        for seller in sellers
        # it is a file's name
        if len(seller) <= LONGEST
    }
    # a seller of that name has no feed of its own
    return {
        **made,
        f"{FOLDER}/changes.atom": _atom("changes", news, site),
        f"{FOLDER}/changes.json": _json(changes.head(RECORDS)),
    }


def _json(changes: pl.DataFrame) -> bytes:
    numbers = pl.col(pl.Float64)
    # JSON has no word for a number that is none
    rows = changes.with_columns(pl.when(numbers.is_finite()).then(numbers)).to_dicts()
    return json.dumps({"version": VERSION, "changes": rows}, default=_spelled).encode()


def _spelled(value: object) -> str:
    match value:
        case Decimal():
            digits = f"{value:f}"
            return digits.rstrip("0").rstrip(".") if "." in digits else digits
        case datetime():
            return f"{value.isoformat()}Z"
        case _:
            raise TypeError(f"nobody says how {type(value)} is written")


def _atom(name: str, news: pl.DataFrame, site: str | None, whose: str = "") -> bytes:
    rows = news.head(ENTRIES).rows(named=True)
    place = f"{site.rstrip('/')}/{FOLDER}/" if site else ""
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(feed, "title", f"ratecard: what changed{whose}", type="text")
    _add(feed, "id", f"{place}{name}.atom" if site else f"{_TAG}{name}")
    # where nothing has changed yet, that is so since ever
    newest = max((row["first_known_at"] for row in rows), default=datetime(1970, 1, 1))  # noqa: DTZ001 UTC
    _add(feed, "updated", _spelled(newest))
    _add(ET.SubElement(feed, "author"), "name", "ratecard")
    _add(feed, "generator", "ratecard")
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{place}{name}.atom")
    _add(feed, "link", rel="related", type="application/json", href=f"{place}changes.json")
    for row in rows:
        _add_entry(feed, row)
    ET.indent(feed)
    written: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add_entry(feed: ET.Element, row: Row) -> None:
    entry = ET.SubElement(feed, "entry")
    _add(entry, "title", headline(row), type="text")
    _add(entry, "id", f"{_TAG}change/{row['change_id']}")
    _add(entry, "updated", _spelled(row["first_known_at"]))
    _add(entry, "category", term=row["cause"], label=row["cause"].replace("_", " "))
    if page := address(row["url"]):
        _add(entry, "link", rel="alternate", href=page)
    _add(entry, "content", " ".join(_reasons(row, page)), type="text")


def _add(parent: ET.Element, tag: str, text: str | None = None, /, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _reasons(row: Row, page: str | None) -> Iterator[str]:
    """Say since when it is so, and why we believe it."""
    since, before = (_minute(row[name]) for name in ("valid_from", "last_seen_before_at"))
    if row["cause"] == "announced":
        # until then there is another look before it every day
        yield f"From {since} on."
    else:
        yield f"Since {since}; the look before was at {before}."
    at = f", {page}" if page else ""
    yield f"Stated by {plain(row['source'])}{at}."
    if row["printed_text"]:
        yield f"Printed: “{plain(row['printed_text'])}”."
    yield f"Capture: SHA-256 {row['capture_sha256']}."
    yield f"Change: {row['change_id']}."


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"

"""Simon Willison's llm-prices: base models, with the days on which their prices changed."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Price,
    Unreadable,
    json_documents,
    read_date,
    read_unit,
    shown,
)

# The site's word for a seller, to ours: the sellers of tuned models and those whose base models
# one would prompt instead. Any other is ignored, a new one too; so far `meta-ai`, `minimax`,
# `moonshot-ai`, `qwen` and `typesafe`.
_SELLERS: Final[Mapping[str, str]] = {
    "amazon": "aws_bedrock",
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "google": "google",
    "mistral": "mistral",
    "openai": "openai",
    "xai": "xai",
    "z.ai": "zhipu",
}
# USD per million tokens; `from_date` is inclusive and `to_date` exclusive, and null means from the
# beginning and until now: https://github.com/simonw/llm-prices `README.md` (2026-08 copy). A cached
# price is null where none is stated.
_METERS: Final[Mapping[str, Meter]] = {
    "input": "input_tokens",
    "input_cached": "cached_input_tokens",
    "output": "output_tokens",
}
# A strange letter in an id would make it another model, and end a price of this one that goes on.
_NAME: Final = re.compile(r"[\w.:/@+-]+", re.ASCII)
_IMAGES: Final = "(image gen)"
# `Gemini 2.5 Pro ≤200k` is the model's price, `Gemini 2.5 Pro >200k` that of its longer prompts,
# whose id is the model's and `-200k`. Not every such id is one: `glm-4-32b-0414-128k` is a model.
_LENGTH: Final = re.compile(r"[^<>≤≥]+?(?: (?P<sign>[≤>])(?P<size>\d+k))?", re.ASCII)
_MILLION: Final = read_unit("1M tokens")
# A price that held before any day that the source states.
_ALWAYS: Final = datetime.combine(date(1970, 1, 1), time.min)


class _Entry(NamedTuple):
    """What an offer cost from one day until another; None is an end that the source leaves open."""

    place: str
    since: datetime | None
    until: datetime | None
    prices: Mapping[str, Decimal]


def parse(capture: bytes) -> Parsed:
    """Read `historical-v1.json`, or the vendors' files that it is built from, one after another.

    A price without a `from_date` holds from 1970-01-01 on, which stands for: before any day that
    the source states, if it states one for the model. From a `to_date` that no other price begins
    on, the price is not published.
    """
    schedules: dict[Offer, list[_Entry]] = {}
    vendors: dict[tuple[object, ...], str] = {}
    for document in json_documents(capture):
        for place, vendor, model, record in _records(document):
            for name in (vendor, model["id"]):
                if not _NAME.fullmatch(name):
                    raise Unreadable(f"{place}: no name of a vendor or a model: {shown(name)}")
            same = (model["id"], *(record.get(key) for key in (*_METERS, "from_date", "to_date")))
            if vendors.setdefault(same, vendor) != vendor:
                # a piece of one vendor's file in another's
                raise Unreadable(f"{place} is {vendors[same]}'s model, at the same prices")
            if vendor in _SELLERS and _IMAGES not in model["name"]:
                entries = schedules.setdefault(_offer(_SELLERS[vendor], model), [])
                entries.append(_entry(place, record))
    return Parsed(
        [quote for offer, entries in schedules.items() for quote in _quotes(offer, entries)], []
    )


_Record = tuple[str, str, Mapping[str, Any], Mapping[str, Any]]


def _records(document: object) -> Iterator[_Record]:
    """Find each record's place, vendor, model and prices, in either shape of document."""
    match document:
        case {"prices": list(records)}:
            for number, record in enumerate(records):
                yield f"prices[{number}]", record["vendor"], record, record
        case {"vendor": str(vendor), "models": list(models)}:
            for model in models:
                for number, record in enumerate(model["price_history"]):
                    place = f"{vendor}/{model['id']}/price_history[{number}]"
                    yield place, vendor, model, record
        case other:
            raise Unreadable(f"neither a price history nor a vendor's file: {shown(str(other))}")


def _offer(provider: str, model: Mapping[str, Any]) -> Offer:
    name, label = model["id"], model["name"]
    length = _LENGTH.fullmatch(label)
    if length is None or not re.search(r"\w", label):
        raise Unreadable(f"{shown(name)} is for prompts of an unknown length: {shown(label)}")
    if length["sign"] != ">":
        return Offer(provider, name)
    size = length["size"]
    if not name.endswith(f"-{size}"):
        raise Unreadable(f"{shown(name)} is called {shown(label)} and does not end in -{size}")
    return Offer(provider, name.removesuffix(f"-{size}"), context_tier=f"{size}+")


def _entry(place: str, record: Mapping[str, Any]) -> _Entry:
    prices = {}
    for key in _METERS:
        match record[key]:
            case None:
                continue
            case Decimal() as amount:
                prices[key] = amount
            case other:
                raise Unreadable(f"{place}: {key} is no price: {shown(str(other))}")
    return _Entry(place, _midnight(record["from_date"]), _midnight(record["to_date"]), prices)


def _midnight(day: str | None) -> datetime | None:
    return None if day is None else datetime.combine(read_date(day), time.min)


def _quotes(offer: Offer, entries: list[_Entry]) -> Iterator[Quote]:
    seen: dict[str, None] = {}
    for place, since, _, prices in _in_order(entries):
        # Where a later entry drops a meter, nothing is said any more.
        seen |= dict.fromkeys(prices)
        for key in seen:
            amount = prices.get(key)
            price, remark = _price(amount)
            printed = "" if amount is None else str(amount)
            evidence = Evidence(f"{place}/{key}", printed, valid_from=since, remark=remark)
            yield offer.quote(_METERS[key], price, evidence)


def _in_order(entries: list[_Entry]) -> Iterator[_Entry]:
    """Give an offer's entries, oldest first, and an empty one where a price ends for good."""
    once: list[_Entry] = []
    for entry in sorted(entries, key=_since):
        # xAI's file has one model twice, with the same prices (2026-11 copy)
        if not once or entry[1:] != once[-1][1:]:
            once.append(entry)
    is_dated = any(entry.since or entry.until for entry in once)
    for entry, later in zip_longest(once, once[1:]):
        began, ended = _since(entry), entry.until
        if ended and ended <= began:
            raise Unreadable(f"{entry.place} ends on {ended:%Y-%m-%d}, before it begins")
        if later and (ended is None or ended > _since(later)):
            raise Unreadable(f"{later.place} holds at the same time as {entry.place}")
        yield entry._replace(since=began) if is_dated else entry
        if ended and (later is None or ended < _since(later)):
            yield _Entry(entry.place, ended, None, {})


def _since(entry: _Entry) -> datetime:
    return entry.since or _ALWAYS


def _price(amount: Decimal | None) -> tuple[Price, str | None]:
    if amount is None:
        return Price("not_published"), None
    if not amount:
        return Price("unreadable"), "0, and nothing says that it is free"
    return Price("priced", amount, "USD", _MILLION), None


SOURCE: Final = Source(
    url="https://www.llm-prices.com/historical-v1.json",
    description="Simon Willison's llm-prices: base models, with the days of their price changes",
    rank=Rank.CATALOGUE,
    cadence=timedelta(days=1),
    # 185 on 2026-08-05 of Google and OpenAI alone, 128 of them OpenAI's
    quote_count=(150, 10_000),
    is_several_files=True,
    parse=parse,
)

"""Pydantic's genai-prices: base models with dated prices, and tuned models of OpenAI."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Price,
    Unreadable,
    json_amount,
    json_text,
    read_date,
    read_unit,
    shown,
)

# The package's id of a seller, to ours: the sellers of tuned models and those whose base models
# one would prompt instead. Any other id is ignored, a new one too: the catalogue gains sellers
# every week, and resellers (`openrouter`, `huggingface_*`, `novita`, ...) sell nothing that could
# be tuned. Ignored in particular: `zai`, Zhipu's international shop with prices of its own.
_SELLERS: Final[Mapping[str, str]] = {
    "anthropic": "anthropic",
    "aws": "aws_bedrock",
    "azure": "azure",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "together": "together",
    # `x` until 2025
    "x": "xai",
    "x-ai": "xai",
    "zhipuai": "zhipu",
}
_SELLER_REMARKS: Final[Mapping[str, str]] = {
    # `price_comments` of this seller in genai-prices 0.2.3
    "zhipu": "converted from CNY by the catalogue, at a rate of its own",
}
_METERS: Final[Mapping[str, Meter]] = {
    "input_mtok": "input_tokens",
    "cache_read_mtok": "cached_input_tokens",
    "output_mtok": "output_tokens",
}
# Every other price key is ignored, because we have no meter for it: audio, images, video, what is
# written to a cache, requests, searches, characters, pages, hours.
_VARIANTS: Final[Mapping[tuple[str, str], str]] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
}
# Every other variant is ignored: `default` repeats the price, `fast` and OpenRouter's routes are
# tiers that we have no word for.
_AWS_REGION: Final = re.compile(r"(global|regional)\.")
_TUNED: Final = re.compile(r"ft:(?P<before>.+?)[-:]*|(?P<after>.+)\.ft-")
# Of 1,442 names one is not in what finds it: `regional.amazon.nova-2-lite`, at 0.75.
_LIKE: Final = 0.6
_MILLION: Final = read_unit("1M tokens")
# the least prompt that is a tier of its own, in tokens
_SHORTEST: Final = 999
# A price that held before any day that the source states.
_ALWAYS: Final = datetime.combine(date(1970, 1, 1), time.min)


class _Stated(NamedTuple):
    """One price as it stands, and where."""

    amount: Decimal
    locator: str


# What one entry states: by meter and context tier.
_Prices = dict[tuple[Meter, str | None], _Stated]


class _Entry(NamedTuple):
    """The prices from one day on; None is the day before all others, or no day at all."""

    place: str
    since: datetime | None
    prices: _Prices


class _Schedule(NamedTuple):
    """What an offer costs over time, oldest first."""

    offer: Offer
    entries: list[_Entry]
    remark: str | None


def parse(capture: bytes) -> Parsed:
    """Read token prices per 1M tokens in USD, from `data.json` or what `bundled` gives.

    A price with a `start_date` holds from that day's midnight UTC on; the one without, beside
    it, from 1970-01-01 on, which stands for: before any day that the source states. Prices of
    certain hours are left out, with a remark. `prices_checked` says when somebody looked, not
    since when a price holds, and is not read.
    """
    catalogue = json.loads(json_text(capture), parse_float=json_amount, parse_int=json_amount)
    return Parsed(
        [
            quote
            for provider in catalogue
            if provider["id"] in _SELLERS
            for model in map(_whole, provider["models"])
            for schedule in _schedules(provider["id"], model)
            for quote in _quotes(schedule)
        ],
        [],
    )


def _whole(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse a model that is found by words unlike its name: the catalogue was cut and joined."""
    name, words = model["id"].lower(), [word.lower() for word in _words(model.get("match", {}))]
    alike = (
        name in word or word in name or SequenceMatcher(None, name, word).ratio() >= _LIKE
        for word in words
    )
    if words and not any(alike):
        msg = f"{shown(model['id'])} is found by other names: {shown(', '.join(words))}"
        raise Unreadable(msg)
    return model


def _words(clause: Mapping[str, Any]) -> Iterator[str]:
    """Give the words of a clause such as `{"or": [{"equals": "o3"}, {"starts_with": "o3-"}]}`."""
    for said in clause.values():
        if isinstance(said, str):
            yield said
        else:
            for inner in said:
                yield from _words(inner)


def _schedules(seller: str, model: Mapping[str, Any]) -> Iterator[_Schedule]:
    offer = _offer(_SELLERS[seller], model["id"])
    place = f"{seller}/{model['id']}"
    prices = model["prices"]
    base = prices if isinstance(prices, list) else [{"prices": prices}]
    yield _schedule(offer, [(f"{place}/prices[{n}]", entry) for n, entry in enumerate(base)])
    tiers: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for number, variant in enumerate(model.get("price_variants") or ()):
        when = list(variant["when"].items())
        if len(when) == 1 and (tier := _VARIANTS.get(when[0])):
            tiers.setdefault(tier, []).append((f"{place}/price_variants[{number}]", variant))
    for tier, variants in tiers.items():
        yield _schedule(offer._replace(service_tier=tier), variants)


def _offer(provider: str, name: str) -> Offer:
    if tuned := _TUNED.fullmatch(name):
        # what it costs to run a tuned model; how it was tuned is not said
        return Offer(provider, tuned["before"] or tuned["after"], "unknown", "unknown")
    # The package's own word before Bedrock's model id, where the price depends on it.
    if provider == "aws_bedrock" and (place := _AWS_REGION.match(name)):
        return Offer(provider, name[place.end() :], region=place[1])
    return Offer(provider, name)


def _schedule(offer: Offer, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> _Schedule:
    dated: list[_Entry] = []
    hours: list[str] = []
    for place, entry in entries:
        match entry.get("constraint"):
            case None:
                dated.append(_Entry(place, None, _prices(place, entry["prices"])))
            case {"start_date": day}:
                since = datetime.combine(read_date(day), time.min)
                dated.append(_Entry(place, since, _prices(place, entry["prices"])))
            case {"start_time": start, "end_time": end}:
                # A price for part of each day is none that a month's bill can be computed from.
                hours.append(f"{start} to {end}")
            case other:
                raise Unreadable(f"{place}: an unknown constraint: {shown(str(other))}")
    if any(entry.since for entry in dated):
        dated = sorted((e._replace(since=e.since or _ALWAYS) for e in dated), key=_since)
    remarks = [_SELLER_REMARKS.get(offer.provider)]
    if hours:
        remarks.append(f"another price, which is left out, holds daily from {', '.join(hours)}")
    return _Schedule(offer, dated, "; ".join(filter(None, remarks)) or None)


def _since(entry: _Entry) -> datetime:
    return entry.since or _ALWAYS


def _prices(place: str, prices: Mapping[str, Any]) -> _Prices:
    stated: _Prices = {}
    for key, meter in _METERS.items():
        match prices.get(key):
            case None:
                continue
            case Decimal() as amount:
                stated[meter, None] = _Stated(amount, f"{place}/{key}")
            case {"base": Decimal() as base, "tiers": list(tiers)}:
                stated[meter, None] = _Stated(base, f"{place}/{key}/base")
                for number, tier in enumerate(tiers):
                    # It holds above `start`: 199,999 and 200,000 are one tier, `200k+`.
                    if not (isinstance(tier["start"], Decimal) and tier["start"] >= _SHORTEST):
                        raise Unreadable(f"{place}: no length of a prompt: {shown(str(tier))}")
                    above = f"{(int(tier['start']) + 1) // 1000}k+"
                    where = f"{place}/{key}/tiers[{number}]"
                    stated[meter, above] = _Stated(tier["price"], where)
            case other:
                raise Unreadable(f"{place}: {key} is no price: {shown(str(other))}")
    return stated


def _quotes(schedule: _Schedule) -> Iterator[Quote]:
    seen: dict[tuple[Meter, str | None], None] = {}
    for place, since, prices in schedule.entries:
        # Where a later entry drops a tier, its one price holds for prompts of any length; where
        # it drops a meter, nothing is said any more. Else the older price would seem to live on.
        seen |= dict.fromkeys(prices)
        for meter, above in seen:
            stated = prices.get((meter, above)) or prices.get((meter, None))
            evidence = Evidence(
                stated.locator if stated else place,
                str(stated.amount) if stated else "",
                valid_from=since,
                remark=schedule.remark,
            )
            offer = schedule.offer._replace(context_tier=above)
            yield offer.quote(meter, _price(stated), evidence)


def _price(stated: _Stated | None) -> Price:
    if stated is None:
        return Price("not_published")
    if not stated.amount:
        # Models known to be free have no price here at all (0.2.3), so that a zero is not said
        # to mean free, and could as well be a price that nobody knew.
        return Price("unreadable")
    return Price("priced", stated.amount, "USD", _MILLION)


def bundled() -> bytes:
    """Dump what the installed package knows of models and prices, as upstream's JSON has it.

    The same version of the package gives the same bytes: keys are sorted and numbers exact.
    All sellers are in it, so that a later parser can read more of them from an old capture.
    """
    # Importing the package's data takes half a second, which only this function should cost.
    from genai_prices.data import providers  # noqa: PLC0415

    catalogue = [
        {
            "id": provider.id,
            "models": [
                {"id": model.id, "prices": model.prices, "price_variants": model.price_variants}
                for model in provider.models
            ],
        }
        for provider in providers
    ]
    return _dump(catalogue).encode()


def _dump(value: object) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case str() | int():
            return json.dumps(value)
        case date() | time():
            return json.dumps(value.isoformat())
        case list():
            return f"[{','.join(map(_dump, value))}]"
        case _:
            fields = value if isinstance(value, dict) else vars(value)
            named = sorted((name, item) for name, item in fields.items() if item is not None)
            return f"{{{','.join(f'{json.dumps(name)}:{_dump(item)}' for name, item in named)}}}"


SOURCE: Final = Source(
    url="https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/data.json",
    description="Pydantic's genai-prices: base models, dated, and some tuned ones of OpenAI",
    rank=Rank.CATALOGUE,
    cadence=timedelta(days=1),
    quote_count=(400, 10_000),
    parse=parse,
    bundled=bundled,
)

"""Azure's Retail Prices API: what tuning an OpenAI model on Azure costs, in every region.

Left out, because no capture shows how the API names them: tuned models of other makers (Llama,
Ministral, Qwen), which stand under other products than `Azure OpenAI`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Unit,
    Unreadable,
    json_documents,
    read_price,
    read_unit,
    shown,
)

_HOST: Final = "prices.azure.com"
# Its fields and pages, 2026-11:
# https://learn.microsoft.com/en-us/rest/api/cost-management/retail-prices/azure-retail-prices
_API: Final = f"https://{_HOST}/api/retail/prices"

# A meter that looks like tuning is read, or ignored by a rule below, or refuses the capture.
_TUNING: Final = re.compile(
    r"(?i:(?<![a-z])[rs]?ft(?![a-z])|fine.?tun|tun(?:ed|ing)|train|trng|hosting|hstng|gra?de?r|dpo)"
    r"|FT"
)
# What a job of reinforcement pays for the model that grades it: there is no meter for it here.
_GRADER: Final = re.compile(r"grader|grdr", re.IGNORECASE)
# Prices under a commitment, and for subscriptions that only test.
_IGNORED_TYPES: Final = frozenset({"Reservation", "DevTestConsumption"})

# Names follow at least five conventions, which differ in order and spelling and not in what a
# word means: `gpt-4o-mini-0718-FT-Trng-glbl Tokens`, `gpt-4.1 FT Training global Tokens`,
# `4.1 mini ft training Dz Tokens`, `OSS-20b FT Tokens`, `Az-Babbage-002-Fine Tuned-Input Tokens`.
# The words that are not here are the model's name.
_WORDS: Final = {
    word: (kind, meaning)
    for kind, meaning, spellings in (
        ("use", "training", "training trng"),
        ("use", "hosting", "hosting hstng"),
        ("use", "input", "input inpt inp in"),
        ("use", "output", "output outp opt out"),
        ("cached", "cached ", "cached cchd cd"),
        ("geography", "global", "global glbl glb gl"),
        ("geography", "data zone", "datazone dzone dz"),
        ("geography", "regional", "regional regnl rgnl"),
        ("method", "ft", "ft tuned"),
        ("method", "rft", "rft"),
        ("tier", "developer", "dev"),
        ("counted", "tokens", "tokens"),
        ("counted", "hours", "unit"),
        ("nothing", "", "az fine tkn deployment"),
    )
    for word in spellings.split()
}
_METERS: Final[Mapping[tuple[str, str], Meter]] = {
    ("training", "tokens"): "training_tokens",
    ("training", "hours"): "training_hours",
    ("hosting", "hours"): "hosting_hours",
    ("input", "tokens"): "input_tokens",
    ("cached input", "tokens"): "cached_input_tokens",
    ("output", "tokens"): "output_tokens",
}
_MODELS: Final[Mapping[str, str]] = {
    "babbage-002": "babbage-002",
    "davinci-002": "davinci-002",
    "gpt-35-turbo4k": "gpt-3.5-turbo (4K)",
    "gpt-35-turbo16k": "gpt-3.5-turbo (16K)",
    "gpt-4-8k": "gpt-4 (8K)",
    # the one version of each that Azure tunes, which other meters leave out
    "gpt-4o-0806": "gpt-4o",
    "4o-0806": "gpt-4o",
    "gpt-4o-mini-0718": "gpt-4o-mini",
    "4o-mini-0718": "gpt-4o-mini",
    "gpt-oss-20b": "gpt-oss-20b",
    "oss-20b": "gpt-oss-20b",
    # its product is `Azure OpenAI OSS Models`
    "20b": "gpt-oss-20b",
}
_GPT: Final = re.compile(r"(?:gpt-)?(\d(?:\.\d)?o?(?:-(?:mini|nano))?)")
_REASONING: Final = re.compile(r"o\d(?:-mini)?")
_REGION: Final = re.compile(r"[a-z]+\d?")


class _Row(NamedTuple):
    """One meter's price in one ARM region, or in `Global`, from one instant on."""

    name: str
    region: str
    starts_at: datetime
    amount: Decimal
    unit: Unit
    locator: str

    @property
    def each(self) -> Decimal:
        """Give the price of one token or one hour, to compare prices by."""
        return self.amount / self.unit.size


def parse(capture: bytes) -> Parsed:
    """Read every meter of tuning and of running what was tuned, from the instant it is dated.

    A capture is the API's pages, one behind the other to the last, or one document of rows that
    somebody grouped by price, with their regions.

    A regional meter is an offer in its ARM region. One for all the world, or for a data zone, is
    one offer, `global` or `data zone`, at the price of most regions that it can be bought in; a
    region that differs is an offer of its own, `global (swedencentral)`.
    """
    found: dict[tuple[Offer, Meter], list[_Row]] = {}
    for row in _rows(json_documents(capture)):
        found.setdefault(_sold(row), []).append(row)
    return Parsed(
        [q for (offer, meter), rows in found.items() for q in _quotes(offer, meter, rows)], []
    )


def _rows(documents: list[Any]) -> Iterator[_Row]:
    match documents:
        case [{"Items": _}, *_]:
            yield from _rows_of_pages(documents)
        case [{"items": items, "source": source}] if source == _API:
            # Its maker asks for USD, and leaves out the field that says so:
            # https://pypi.org/project/azure-genai-prices/0.1.0/ (2026-07-31)
            for at, item in enumerate(items):
                if _is_tuning(item["meterName"]):
                    for region in item["regions"]:
                        yield _row(item, region, f"items[{at}]/{region}")
        case _:
            raise Unreadable("neither pages of the API nor one document of rows with regions")


def _rows_of_pages(pages: list[dict[str, Any]]) -> Iterator[_Row]:
    """Read the pages, each of which must be whole and go on where the one before it ended."""
    count = 0
    for number, page in enumerate(pages, start=1):
        items, link, currency = page["Items"], page["NextPageLink"], page["BillingCurrency"]
        count += len(items)
        if (page["Count"], currency) != (len(items), "USD"):
            raise Unreadable(f"page {number} has {len(items)} rows in {currency}: {page['Count']}")
        if (link is None) != (number == len(pages)):
            raise Unreadable(f"page {number} of {len(pages)} says that the next one is {link}")
        skipped = re.search(r"(?:\$|%24)skip=(\d+)", link or "")
        if skipped and int(skipped[1]) != count:
            raise Unreadable(f"{count} rows up to page {number}, and the next one is {link}")
        for at, item in enumerate(items):
            if not _is_tuning(item["meterName"]) or item["type"] in _IGNORED_TYPES:
                continue
            said = item["type"], item["currencyCode"], item["tierMinimumUnits"]
            if said != ("Consumption", "USD", 0):
                raise Unreadable(f"{shown(item['meterName'])} has no one price in USD: {said}")
            # whether a region is the meter's primary one changes nothing about its price there
            yield _row(item, item["armRegionName"], f"page[{number}]/Items[{at}]")


def _is_tuning(name: str) -> bool:
    if not (name.isascii() and name.isprintable()):
        raise Unreadable(f"a meter's name that cannot be told: {shown(name)}")
    return bool(_TUNING.search(name)) and not _GRADER.search(name)


def _row(item: dict[str, Any], region: str, locator: str) -> _Row:
    name, amount = item["meterName"], item["retailPrice"]
    if not isinstance(amount, Decimal):
        raise Unreadable(f"the price of {shown(name)} is no number: {shown(str(amount))}")
    if region != "Global" and not _REGION.fullmatch(region):
        raise Unreadable(f"{shown(name)} is sold in no region: {shown(region)}")
    starts_at = datetime.strptime(item["effectiveStartDate"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 UTC by contract
    return _Row(
        name, region, starts_at, amount, read_unit(item["unitOfMeasure"]), f"{locator}/{name}"
    )


def _sold(row: _Row) -> tuple[Offer, Meter]:
    """Read from a meter's name what is sold; the region of the offer is the geography it names."""
    words = row.name.lower().replace("-", " ").split(" ")
    said: dict[str, str] = {}
    for kind, meaning in (_WORDS[word] for word in words if word in _WORDS):
        if said.setdefault(kind, meaning) != meaning:
            raise Unreadable(f"the meter {shown(row.name)} is both {said[kind]} and {meaning}")
    model = _model("-".join(word for word in words if word not in _WORDS), row)
    # Reasoning models are tuned by reinforcement alone, and their inference meters say `ft`. Other
    # meters name no method: theirs is the price of supervised tuning, whatever else it is.
    method = "rft" if _REASONING.fullmatch(model) else "sft"
    if said.get("method") not in {"ft", method}:
        raise Unreadable(f"an unknown way of tuning in the meter {shown(row.name)}")
    if model == "gpt-oss-20b":
        # The meter that names no use is the one that is left; those of a data zone or a region
        # say so, and cost more.
        said = {"use": "training", "geography": "global", **said}
    elif words[0] == "az":
        # of the time before there were geographies
        said = {"geography": "regional", **said}
    use = said.get("cached", "") + said.get("use", "")
    meter = _METERS.get((use, row.unit.kind))
    if meter is None or "geography" not in said or said.get("counted") != row.unit.kind:
        raise Unreadable(f"the meter {shown(row.name)} per {row.unit.name} fits no convention")
    tier = said.get("tier", "standard")
    return Offer("azure", model, method, "unknown", tier, said["geography"]), meter


def _model(spelling: str, row: _Row) -> str:
    if spelling in _MODELS:
        return _MODELS[spelling]
    if gpt := _GPT.fullmatch(spelling):
        return f"gpt-{gpt[1]}"
    if _REASONING.fullmatch(spelling):
        return spelling
    raise Unreadable(f"an unknown model {shown(spelling)} in the meter {shown(row.name)}")


def _quotes(offer: Offer, meter: Meter, rows: list[_Row]) -> Iterator[Quote]:
    names: dict[str, _Row] = {}
    for row in rows:
        other = names.setdefault(row.region, row)
        if row.name != other.name and row.each != other.each:
            raise Unreadable(f"{shown(other.name)} and {shown(row.name)} differ in {row.region}")
    units = {row.unit.name for row in rows}
    if len(units) > 1 and len({row.each for row in rows}) > 1:
        raise Unreadable(f"{shown(rows[0].name)} is per {' and per '.join(sorted(units))}")
    if offer.region == "regional":
        for row in rows:
            # In `Global` stand meters of those days, whose price is tied to no region.
            region = None if row.region == "Global" else row.region
            yield _quote(offer._replace(region=region), meter, row, row.starts_at)
    else:
        yield from _quotes_by_geography(offer, meter, rows)


def _quotes_by_geography(offer: Offer, meter: Meter, rows: list[_Row]) -> Iterator[Quote]:
    """State what most regions pay, at first and after each day of a change, then who differs."""
    rows = sorted(rows, key=attrgetter("starts_at", "region"))
    held = {row.region: row for row in reversed(rows)}
    changes = [row for row in rows if row is not held[row.region]]
    differing: set[str] = set()
    before: Decimal | None = None
    for day in [None, *sorted({row.starts_at for row in changes})]:
        held |= {row.region: row for row in changes if row.starts_at == day}
        usual = _usual(held.values())
        differing |= {row.region for row in held.values() if row.each != usual[0].each}
        if usual[0].each != before:
            share = f"the price in {len(usual)} of {len(held)} regions"
            remark = None if len(usual) == len(held) else share
            yield _quote(offer, meter, usual[0], day or usual[0].starts_at, remark)
        before = usual[0].each
    for row in rows:
        if row.region in differing:
            place = f"{offer.region} ({row.region})"
            yield _quote(offer._replace(region=place), meter, row, row.starts_at)


def _usual(rows: Iterable[_Row]) -> list[_Row]:
    """Give the rows, oldest first, of the price that most have, or of the lowest such price."""
    by_price: dict[Decimal, list[_Row]] = {}
    for row in sorted(rows, key=attrgetter("starts_at", "region")):
        by_price.setdefault(row.each, []).append(row)
    return max(by_price.values(), key=lambda same: (len(same), -same[0].each))


def _quote(
    offer: Offer, meter: Meter, row: _Row, valid_from: datetime, remark: str | None = None
) -> Quote:
    # some numbers stand as `8.3e-05`
    printed = f"{row.amount:f}"
    price = read_price(printed, currency="USD", unit=row.unit)
    return offer.quote(meter, price, Evidence(row.locator, printed, valid_from, remark=remark))


def _next_page(page: bytes) -> str | None:
    match json_documents(page):
        case [{"NextPageLink": str(link)}]:
            parts = urlsplit(link)
            if (parts.scheme, parts.netloc.removesuffix(":443")) != ("https", _HOST):
                raise Unreadable(f"the next page is on another host: {shown(link)}")
            # the API writes the port, which makes another host of it for a careful client
            return parts._replace(netloc=_HOST).geturl()
        case _:
            return None


SOURCE: Final = Source(
    url=f"{_API}?api-version=2023-01-01-preview&currencyCode=USD"
    "&$filter=contains(productName,%20'Azure%20OpenAI')",
    description="Azure's Retail Prices API: tuning OpenAI models and running tuned ones, by region",
    rank=Rank.SELLER,
    provider="azure",
    cadence=timedelta(days=1),
    # 420 on 2026-07-31, from 2,308 rows of about 21,000
    quote_count=(200, 3_000),
    parse=parse,
    next_page=_next_page,
)

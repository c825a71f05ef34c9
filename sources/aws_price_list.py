"""AWS's public price list of Bedrock: tuned models, and the base models that they are tuned from.

Read are AWS's own files for the two regions in which Bedrock tunes, us-east-1 (Nova) and
us-west-2 (Llama), one product a usage type, and a file that a public repository condensed from
the whole list on 2026-08-21, one row a model and region. Base models in other regions are
ignored, and so is every base model that is not tuned: others keep those prices well.

What tuning is called in AWS's file is not documented; it is read as readers of the live file
describe it (2026-07 to 2026-10). The usage type says what is counted, after the region and the
model: `Customization-Training`, `Customization-Storage`, `input-tokens-custom-model`. `model`
names the model, and the price's `unit` what it is per. A usage type of tuning that is not known
refuses the file. The format itself is documented, under "Reading the service price list files" in
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/ (2026-11).

Left out:

- AmazonBedrockFoundationModels, the list of models sold through the marketplace (Claude, Cohere):
  its unit is `Units`, of a size that only a sentence states, and no price of tuning is known in it;
- an hour of provisioned throughput of a base model: the page says that it is also that of a
  custom one (`aws_bedrock_page`), the list does not;
- `effectiveDate`, from which a term is in force: whether its price held before is not said;
- Nova's base prices in the condensed file: it took whatever came first for one model, and gives
  Nova 2.0 Lite 0.30 in us-east-1, a tuned model's price, where the base model's is 0.33.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Context, Decimal
from typing import Any, Final, NamedTuple

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import Meter, Price, Unreadable, json_documents, read_price, read_unit, shown

_REGIONS: Final = ("us-east-1", "us-west-2")
_FILE: Final = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBedrock/current"
# What Bedrock tunes, by the list's names: those of the price page (2026-07) and Llama 3.3 70B,
# whose tuned form the list itself prices.
_TUNABLE: Final = frozenset({
    "Llama 3.1 8B", "Llama 3.1 70B", "Llama 3.2 1B", "Llama 3.2 3B", "Llama 3.2 11B",
    "Llama 3.2 90B", "Llama 3.3 70B", "gpt-oss-20b", "Qwen3 32B",
})  # fmt: skip


class _Usage(NamedTuple):
    """What a usage type counts, and of what: a base model or one tuned by this method."""

    meter: Meter
    tuning_method: str
    service_tier: str = "standard"


# How the usage types that are read end. How a tuned model that is stored or run was tuned makes
# no difference to its price. Of a base model the tiers `flex` and `priority` are ignored, and so
# is inference across regions.
_USAGES: Final[Mapping[str, _Usage]] = {
    "Customization-Training": _Usage("training_tokens", "sft"),
    "RFT-Training-Hours": _Usage("training_hours", "rft"),
    "Customization-Storage": _Usage("storage_months", "unknown"),
    "input-tokens-custom-model": _Usage("input_tokens", "unknown"),
    "cache-read-input-token-count-custom-model": _Usage("cached_input_tokens", "unknown"),
    "output-tokens-custom-model": _Usage("output_tokens", "unknown"),
    "ProvisionedThroughput-Custom-NoCommit-ModelUnits": _Usage("hosting_hours", "unknown"),
    "input-tokens": _Usage("input_tokens", "none"),
    "output-tokens": _Usage("output_tokens", "none"),
    "input-tokens-batch": _Usage("input_tokens", "none", "batch"),
    "output-tokens-batch": _Usage("output_tokens", "none", "batch"),
}
_USAGE: Final = re.compile(rf"[A-Z]+\d?-(?P<family>.+?)-(?P<usage>{'|'.join(_USAGES)})")
# `mantle` is a second name of the same rates, for another door to the same models.
_SECOND_NAME: Final = re.compile(r"-mantle(?:-|$)")
# Any usage type of tuning; Custom Model Import is none, and takes units that one has to find out.
_TUNING: Final = re.compile(
    r"customization|custom-?model(?!import)|training|-rft-|fine-?tun|throughput-custom",
    re.IGNORECASE,
)
_IGNORED_TUNING: Final = re.compile(
    # models that learn from images and give images, videos or embeddings
    r"Canvas|Reel|Image|Embed"
    # throughput bought for months; what is written to a cache
    r"|ProvisionedThroughput-Custom-\d+-?months?-|cache-write-.*custom-model",
    re.IGNORECASE,
)
_CONDENSED: Final = {"generatedAt", "source", "publicationDate", "rows"}
_CONDENSED_NAME: Final = re.compile(
    r"(?P<model>.+?)(?P<tuned> Custom)?(?: \((?P<variant>バッチ|クロスリージョン)\))?"
)
# Fifteen digits of a decimal number survive a binary float, its last ones do not.
_FLOAT: Final = Context(prec=15)


def parse(capture: bytes) -> Parsed:
    """Read what tuning costs, what a tuned model costs, and what its base model does."""
    quotes: list[Quote] = []
    for document in json_documents(capture):
        if not isinstance(document, dict):
            raise Unreadable(f"no price list: {shown(str(document))}")
        if document.keys() == _CONDENSED:
            quotes += _condensed(document["rows"])
        elif document.get("offerCode") == "AmazonBedrock":
            quotes += _listed(document)
        else:
            raise Unreadable(f"not the price list of AmazonBedrock: {shown(str([*document]))}")
    regions = {quote.region for quote in quotes}
    if regions != set(_REGIONS):
        raise Unreadable(f"prices in {sorted(map(str, regions))}, not in {_REGIONS}")
    return Parsed(quotes, [])


def _listed(file: Mapping[str, Any]) -> Iterator[Quote]:
    """Read one of AWS's own files."""
    read: list[tuple[str, str, _Usage]] = []
    for sku, product in file["products"].items():
        attributes = product["attributes"]
        if attributes.get("regionCode") in _REGIONS:
            usage = _usage(attributes)
            if usage is not None:
                read.append((sku, _name(sku, attributes), usage))
    models = _TUNABLE.union(name for _, name, usage in read if usage.tuning_method != "none")
    for sku, name, usage in read:
        if name in models:
            attributes = file["products"][sku]["attributes"]
            region = attributes["regionCode"]
            printed, price = _price(sku, file["terms"]["OnDemand"][sku])
            evidence = Evidence(
                f"products/{sku}/{attributes['usagetype']}",
                printed,
                url=f"{_FILE}/{region}/index.json",
            )
            yield _offer(name, usage, region).quote(usage.meter, price, evidence)


def _usage(attributes: Mapping[str, str]) -> _Usage | None:
    """Tell what a product is the price of; None where it is none that is read."""
    said, feature = attributes["usagetype"], attributes.get("feature", "")
    is_tuning = bool(_TUNING.search(said)) or feature == "Model Customization"
    match = _USAGE.fullmatch(said)
    if is_tuning and _IGNORED_TUNING.search(said):
        return None
    if match is None or _SECOND_NAME.search(match["family"]):
        if is_tuning:
            raise Unreadable(f"an unknown usage type of tuning: {shown(said)}")
        return None
    usage = _USAGES[match["usage"]]
    # some batch prices say so in `feature` alone
    is_batch = feature.replace(" ", "") == "BatchInference"
    if is_tuning == (usage.tuning_method == "none") or is_batch != (usage.service_tier == "batch"):
        raise Unreadable(f"{shown(said)} is said to be of {shown(feature)}")
    return usage


def _name(sku: str, attributes: Mapping[str, str]) -> str:
    name = attributes.get("model") or attributes.get("titanModel")
    if not name:
        raise Unreadable(f"{sku}: {shown(attributes['usagetype'])} names no model")
    return name.removesuffix(" Custom")


def _offer(name: str, usage: _Usage, region: str) -> Offer:
    adapter = None if usage.tuning_method == "none" else "unknown"
    return Offer("aws_bedrock", name, usage.tuning_method, adapter, usage.service_tier, region)


def _price(sku: str, terms: Mapping[str, Any]) -> tuple[str, Price]:
    """Read a product's one price, the same for every amount."""
    dimensions = [d for term in terms.values() for d in term["priceDimensions"].values()]
    if len(dimensions) != 1 or dimensions[0]["pricePerUnit"].keys() != {"USD"}:
        raise Unreadable(f"{sku}: {len(dimensions)} prices, not 1 in dollars")
    printed: str = dimensions[0]["pricePerUnit"]["USD"]
    unit = re.sub(r"^Model\s?/\s?", "", dimensions[0]["unit"])
    price = read_price(printed, currency="USD", unit=read_unit(unit))
    if price.amount is None:
        raise Unreadable(f"{sku}: no amount where a price stands: {shown(printed)}")
    return printed, price


def _condensed(rows: list[Mapping[str, Any]]) -> Iterator[Quote]:
    """Read the file that github.com/aToy0m0/bedrock-pricing made of the list, per 1M tokens."""
    for number, row in enumerate(rows):
        name, (region,) = _CONDENSED_NAME.fullmatch(row["m"]), row["r"]
        if (
            region not in _REGIONS
            or name is None
            or name["model"] not in _TUNABLE
            or name["variant"] == "クロスリージョン"
        ):
            continue
        tier = "batch" if name["variant"] else "standard"
        meters: Mapping[str, Meter] = {"i": "input_tokens", "o": "output_tokens"}
        for key, meter in meters.items():
            usage = _Usage(meter, "unknown" if name["tuned"] else "none", tier)
            if not isinstance(row[key], Decimal):
                raise Unreadable(f"rows[{number}]/{key} is no number: {shown(str(row[key]))}")
            amount = _FLOAT.plus(row[key])
            price = read_price(f"{amount:f}", currency="USD", unit=read_unit("1M tokens"))
            remark = None if amount == row[key] else "a binary float, read to fifteen digits"
            evidence = Evidence(f"rows[{number}]/{key}", str(row[key]), remark=remark)
            yield _offer(name["model"], usage, region).quote(meter, price, evidence)


SOURCE: Final = Source(
    url=f"{_FILE}/{_REGIONS[0]}/index.json",
    more_urls=(f"{_FILE}/{_REGIONS[1]}/index.json",),
    description="AWS's price list of Bedrock: tuned models and their base models, in two regions",
    rank=Rank.SELLER,
    provider="aws_bedrock",
    cadence=timedelta(days=1),
    # 66 in the condensed file of 2026-08-21, which has one tuned model
    quote_count=(50, 2_000),
    parse=parse,
)

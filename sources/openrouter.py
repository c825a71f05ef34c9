"""OpenRouter's list of models: what this reseller charges for running each base model."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urljoin

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Price,
    Unreadable,
    canonical_amount,
    json_amount,
    json_documents,
    read_unit,
    shown,
)

_URL: Final = "https://openrouter.ai/api/v1/models"
# Every other price is ignored, because we have no meter for it: images, audio, requests, searches,
# reasoning, what is written to a cache.
_METERS: Final[Mapping[str, Meter]] = {
    "prompt": "input_tokens",
    "input_cache_read": "cached_input_tokens",
    "completion": "output_tokens",
}
# What a further price may hold, and on which conditions, all of which must be met. It is in force
# for prompts strictly longer than `min_prompt_tokens`, and where several are, a later one wins:
# https://github.com/OpenRouterTeam/typescript-sdk `src/models/pricingoverride.ts` (2026-11 copy).
_OVERRIDES: Final = frozenset({
    *_METERS, "audio", "input_audio_cache", "input_cache_write", "input_cache_write_1h",
})  # fmt: skip
_LENGTH: Final = frozenset({"min_prompt_tokens"})
_HOURS: Final = frozenset({"utc_days", "utc_start", "utc_end"})
# What stands behind a colon is a variant of a model, with prices of its own. `:free` stays in the
# name: no service tier of ours is free and limited to so many requests a minute and a day
# (https://openrouter.ai/docs/guides/routing/model-variants/free.md, 2026-11 copy), and under the
# model's own name it would be the cheapest place to run it. Every other variant is ignored, a new
# one too: `:thinking` and `:extended` are the model set up otherwise.
_VARIANTS: Final = {"": "standard", "batch": "batch"}
_FREE: Final = "free"
# A name for whichever model is its maker's latest, which is listed under its own name as well.
_ALIAS: Final = "~"
_AMOUNT: Final = re.compile(r"\d+(?:\.\d+)?(?:[eE]-?\d+)?", re.ASCII)
_NO_PRICE: Final = "-1"
_TOKEN: Final = read_unit("token")
_MILLION: Final = read_unit("1M tokens")


def parse(capture: bytes) -> Parsed:
    """Read the token prices of every model that answers in text alone.

    Prices stand per token in USD and are stated per 1M tokens, exactly; `printed_text` keeps the
    string as it stands. `expiration_date` is not read: it is the day after which a model may be
    removed, some in 2098.
    """
    documents = json_documents(capture)
    models = [model for document in documents for model in document["data"]]
    for document in documents:
        # stated since 2026; before that the list had no pages
        if document.get("total_count", len(models)) != len(models):
            raise Unreadable(f"{len(models)} models, not {document['total_count']}")
    return Parsed([quote for model in models for quote in _quotes(model)], [])


def _quotes(model: Mapping[str, Any]) -> Iterator[Quote]:
    name = model["id"]
    slug, _, variant = name.partition(":")
    if model["architecture"]["output_modalities"] != ["text"] or name.startswith(_ALIAS):
        return
    if variant == _FREE:
        offer = Offer("openrouter", name)
    elif variant in _VARIANTS:
        offer = Offer("openrouter", slug, service_tier=_VARIANTS[variant])
    else:
        return
    pricing = model["pricing"]
    lengths, remarks = _by_length(name, pricing.get("overrides", []))
    discount = pricing.get("discount")
    if discount:
        remarks.append(f"a discount of {discount}, and not said whether these prices have it")
    for tier, prices, place in [(None, pricing, name), *lengths]:
        for key, meter in _METERS.items():
            if (printed := prices.get(key)) is None:
                continue
            price, note = _price(printed, meter, is_free=variant == _FREE)
            if discount:
                price = Price("unreadable")
            remark = "; ".join(filter(None, [note, *remarks])) or None
            evidence = Evidence(f"{place}/{key}", printed, remark=remark)
            yield offer._replace(context_tier=tier).quote(meter, price, evidence)


def _by_length(
    name: str, overrides: list[dict[str, Any]]
) -> tuple[list[tuple[str, dict[str, Any], str]], list[str]]:
    """Find the prices of longer prompts, and tell of those that are left out."""
    found, remarks, above = [], [], 0
    for number, override in enumerate(overrides):
        place = f"{name}/overrides[{number}]"
        conditions = override.keys() - _OVERRIDES
        if conditions == _LENGTH:
            size = int(override["min_prompt_tokens"])
            if size <= above:
                raise Unreadable(f"{place}: {size} tokens after {above}")
            found.append((f"{size // 1000}k+", override, place))
            above = size
        elif conditions and conditions <= _LENGTH | _HOURS:
            # A price for part of each day is none that a month's bill can be computed from.
            when = " ".join(f"{key}={override[key]}" for key in sorted(conditions))
            remarks.append(f"another price, which is left out, holds at {when}")
        else:
            raise Unreadable(f"{place}: unknown conditions: {shown(str(sorted(conditions)))}")
    return found, remarks


def _price(printed: str, meter: Meter, *, is_free: bool) -> tuple[Price, str | None]:
    if printed == _NO_PRICE:
        return Price("not_published"), "-1: the price is that of whichever model answers"
    if not _AMOUNT.fullmatch(printed):
        raise Unreadable(f"no price: {shown(printed)}")
    amount = canonical_amount(json_amount(printed), _TOKEN, meter)
    if amount:
        return Price("priced", amount, "USD", _MILLION), None
    if is_free:
        return Price("free", amount, "USD", _MILLION), "limited in requests a minute and a day"
    return Price("unreadable"), "0, and the name does not say that it is free"


def _next_page(document: bytes) -> str | None:
    link = json_documents(document)[0].get("links", {}).get("next")
    return urljoin(_URL, link) if link else None


SOURCE: Final = Source(
    url=_URL,
    description="OpenRouter's list of models: what the reseller charges for base models",
    rank=Rank.CATALOGUE,
    provider="openrouter",
    cadence=timedelta(days=1),
    # 909 on 2026-07-18
    quote_count=(450, 10_000),
    parse=parse,
    next_page=_next_page,
)

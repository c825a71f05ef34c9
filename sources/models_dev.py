"""models.dev: base models at the sellers that tune them or compete with tuned ones."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import Meter, Price, Unreadable, json_documents, read_unit, shown

# The catalogue's id of a seller, to ours: the sellers of tuned models and those whose base models
# one would prompt instead. Any other id is ignored, a new one too: the catalogue gains sellers
# every week, and most are resellers. Ignored in particular: `azure-cognitive-services`, a second
# door to Azure; `openrouter`, a source of its own; `zhipuai`, Zhipu's mainland shop, to which the
# catalogue gives the prices of the international one, `zai`.
_SELLERS: Final[Mapping[str, str]] = {
    "amazon-bedrock": "aws_bedrock",
    "anthropic": "anthropic",
    "azure": "azure",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks-ai": "fireworks",
    "google": "google",
    "google-vertex": "google_vertex",
    "google-vertex-anthropic": "google_vertex",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "togetherai": "together",
    "xai": "xai",
    "zai": "zhipu",
}
_PATHS: Final = {"fireworks": "accounts/fireworks/models/"}
# Elsewhere a slash that is left in a name belongs to a path that is no model's, such as a router
# (`accounts/fireworks/routers/`).
_MODELS_NAME_THEIR_MAKER: Final = frozenset({"together", "groq", "google_vertex"})
# An AWS region set of a cross-region inference profile.
_REGION: Final = re.compile(r"(us|us-gov|eu|apac|jp|au|global)\.")
# USD per million tokens, says https://github.com/anomalyco/models.dev `README.md` (2026-11 copy).
# Every other cost is ignored, because we have no meter for it: audio, minutes, reasoning, what is
# written to a cache. Ignored, too, are the modes of a model under `experimental`.
_METERS: Final[Mapping[str, Meter]] = {
    "input": "input_tokens",
    "cache_read": "cached_input_tokens",
    "output": "output_tokens",
}
_MILLION: Final = read_unit("1M tokens")
_ZERO: Final = "the catalogue writes 0 for a free model and for what it has no price of"


def parse(capture: bytes) -> Parsed:
    """Read token prices, and which models are deprecated.

    Only models that answer in text alone are read, and no embedding model, whose vectors the
    catalogue calls text. A model without a cost states nothing.
    """
    catalogue = _one(json_documents(capture))
    sold = [
        (offer, f"{seller}/{model['id']}", model)
        for seller, provider in _SELLERS.items()
        if seller in catalogue
        for model in catalogue[seller]["models"].values()
        if (offer := _offer(provider, model))
    ]
    return Parsed(
        [quote for offer, place, model in sold for quote in _quotes(offer, place, model["cost"])],
        [term for offer, place, model in sold for term in _terms(offer, place, model)],
    )


def _one(documents: list[Any]) -> dict[str, Any]:
    if len(documents) != 1:
        raise Unreadable(f"{len(documents)} documents, not 1")
    return dict(documents[0])


def _offer(provider: str, model: Mapping[str, Any]) -> Offer | None:
    """Tell what is sold; None where it is not read."""
    name = model["id"].removeprefix(_PATHS.get(provider, ""))
    if (
        "cost" not in model
        or model["modalities"]["output"] != ["text"]
        or "embed" in name
        or ("/" in name and provider not in _MODELS_NAME_THEIR_MAKER)
    ):
        return None
    if provider == "aws_bedrock" and (place := _REGION.match(name)):
        return Offer(provider, name[place.end() :], region=place[1])
    return Offer(provider, name)


def _quotes(offer: Offer, place: str, cost: Mapping[str, Any]) -> Iterator[Quote]:
    yield from _prices(offer, f"{place}/cost", cost)
    if "tiers" in cost:
        # `context_over_200k` then repeats a tier, whatever its length is
        for number, tier in enumerate(cost["tiers"]):
            where = f"{place}/cost/tiers[{number}]"
            yield from _prices(offer._replace(context_tier=_above(where, tier)), where, tier)
    elif "context_over_200k" in cost:
        longer = offer._replace(context_tier="200k+")
        where = f"{place}/cost/context_over_200k"
        yield from _prices(longer, where, cost["context_over_200k"])


def _above(place: str, tier: Mapping[str, Any]) -> str:
    match tier["tier"]:
        case {"type": "context", "size": Decimal() as size}:
            return f"{int(size) // 1000}k+"
        case other:
            raise Unreadable(f"{place}: an unknown tier: {shown(str(other))}")


def _prices(offer: Offer, place: str, cost: Mapping[str, Any]) -> Iterator[Quote]:
    for key, meter in _METERS.items():
        match cost.get(key):
            case None:
                continue
            case Decimal() as amount:
                price, remark = Price("priced", amount, "USD", _MILLION), None
                if not amount:
                    price, remark = Price("unreadable"), _ZERO
                yield offer.quote(
                    meter, price, Evidence(f"{place}/{key}", str(amount), remark=remark)
                )
            case other:
                raise Unreadable(f"{place}: {key} is no price: {shown(str(other))}")


def _terms(offer: Offer, place: str, model: Mapping[str, Any]) -> Iterator[Term]:
    match model.get("status"):
        case None | "alpha" | "beta":
            return
        case "deprecated" as status:
            evidence = Evidence(
                f"{place}/status", status, remark="no longer served, says the catalogue's schema"
            )
            yield offer.term("is_deprecated", "yes", evidence)
        case other:
            raise Unreadable(f"{place}: an unknown status: {shown(str(other))}")


SOURCE: Final = Source(
    url="https://models.dev/api.json",
    description="models.dev: base models at the sellers of tuned ones and their competitors",
    rank=Rank.CATALOGUE,
    cadence=timedelta(days=1),
    # 928 and 8 on 2026-02-01
    quote_count=(450, 10_000),
    term_count=(0, 2_000),
    parse=parse,
)

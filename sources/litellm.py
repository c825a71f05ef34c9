"""LiteLLM's price map: base models, and OpenAI's tuned ones, at every seller that tunes."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Final, NamedTuple, cast

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import (
    Meter,
    Price,
    Unreadable,
    canonical_amount,
    json_amount,
    json_text,
    read_date,
    read_unit,
    shown,
)

_MODES: Final = frozenset({"chat", "completion", "responses"})
# LiteLLM's id of a seller, to ours and to the paths that its keys put before the model. Read are
# the sellers of tuned models and those whose base models one would prompt instead. Any other id
# is ignored, a new one too: the catalogue gains sellers every week, and resellers
# (`openrouter`, `vercel_ai_gateway`) sell nothing that could be tuned. Ignored in particular:
# `bedrock_mantle`, `amazon_nova` and `codestral`, further doors to Bedrock, Nova and Mistral with
# prices of their own, and `bigmodel`, Zhipu's mainland shop, where `zai` is its international one.
# Where two keys are one offer, the id that stands first here is believed.
_SELLERS: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("openai", "openai/"),
    "text-completion-openai": ("openai", "openai/"),
    "azure": ("azure", "azure/"),
    "azure_text": ("azure", "azure/"),
    "azure_ai": ("azure", "azure_ai/"),
    "bedrock_converse": ("aws_bedrock", "bedrock/", "converse/"),
    "bedrock": ("aws_bedrock", "bedrock/", "invoke/"),
    "together_ai": ("together", "together_ai/"),
    "fireworks_ai": ("fireworks", "fireworks_ai/", "accounts/fireworks/models/"),
    "mistral": ("mistral", "mistral/"),
    "cohere_chat": ("cohere", "cohere_chat/"),
    "cohere": ("cohere", "cohere/"),
    "gemini": ("google", "gemini/"),
    # and every `vertex_ai-<maker>_models`, see `_seller`
    "vertex_ai": ("google_vertex", "vertex_ai/"),
    "volcengine": ("volcengine", "volcengine/"),
    "zai": ("zhipu", "zai/"),
    "anthropic": ("anthropic", "anthropic/"),
    "groq": ("groq", "groq/"),
    "deepseek": ("deepseek", "deepseek/"),
    "xai": ("xai", "xai/"),
}
_BELIEVED: Final = {name: order for order, name in enumerate(_SELLERS)}
_IGNORED_KEYS: Final = frozenset({
    # the file's own description of its fields, with words where numbers stand
    "sample_spec",
    # the price of its first days, beside today's under `azure_ai/`, where Azure sells Mistral
    "azure/mistral-large-latest",
})  # fmt: skip
# What LiteLLM assumes of a model that it does not list, by its size. As a bracket of ours it
# would be expanded to models that have a price of their own here.
_GUESSES: Final = ("together-ai-", "fireworks-ai-")
# Elsewhere a slash that is left in a name belongs to a path that is no model's: a commitment by
# the month (`1-month-commitment/`), a router (`accounts/fireworks/routers/`), another shop
# (`claude_platform/`).
_MODELS_NAME_THEIR_MAKER: Final = frozenset({"together", "groq", "google_vertex"})
# Where a seller's price holds, as it stands before the model: Azure's deployment zone; an AWS
# region, then the region set of a cross-region inference profile.
_REGIONS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    "azure": (re.compile(r"(eu|us|us-gov|apac|global)(?:-standard)?/"),),
    "aws_bedrock": (
        re.compile(r"([a-z]{2}(?:-gov)?-[a-z]+-\d)/"),
        re.compile(r"(us|us-gov|eu|apac|jp|au|global)\."),
    ),
}

_METERS: Final[Mapping[str, Meter]] = {
    "input_cost_per_token": "input_tokens",
    "cache_read_input_token_cost": "cached_input_tokens",
    # DeepSeek's, until 2025 the only one, and since then equal to the one above
    "input_cost_per_token_cache_hit": "cached_input_tokens",
    "output_cost_per_token": "output_tokens",
}
_TIERS: Final = {None: "standard", "batches": "batch", "flex": "flex", "priority": "priority"}
# Every other field is ignored. Some are no meters of ours: images, audio, characters, seconds,
# pixels, requests, reasoning tokens, what is written to a cache. Some are service tiers that we
# have no word for: `_ultrafast`, `_balanced`, `_decisions`, and any new one.
_FIELD: Final = re.compile(
    rf"(?P<meter>{'|'.join(_METERS)})"
    r"(?:_above_(?P<above>\d+k)_tokens)?(?:_(?P<tier>batches|flex|priority))?"
)
_TOKEN: Final = read_unit("token")
_MILLION: Final = read_unit("1M tokens")
_ZERO: Final = "the catalogue writes 0 for a free model and for one whose price it does not know"


class _Number(str):
    """A JSON number as it stands in the file, told apart from a string."""

    __slots__ = ()


class _Entry(NamedTuple):
    """One key of the file that is an offer of a seller we read."""

    key: str
    seller: str
    offer: Offer
    fields: Mapping[str, object]


def parse(capture: bytes) -> Parsed:
    """Read token prices, and the days on which models are shut down.

    Prices stand per token and are stated per 1M tokens, exactly; `printed_text` keeps the number
    as it stands. Where several keys are one offer, one of them is believed, whole: the one under
    the seller id that stands first in `_SELLERS`, then the one that spells out most of its path.
    """
    catalogue = json.loads(
        json_text(capture), parse_float=_Number, parse_int=_Number, object_pairs_hook=_object
    )
    believed: dict[Offer, _Entry] = {}
    for key, fields in catalogue.items():
        if not isinstance(fields, dict):
            raise Unreadable(f"{shown(key)} is no entry: {shown(str(fields))}")
        entry = _entry(key, fields)
        if entry is None:
            continue
        known = believed.get(entry.offer)
        if known is None or _trust(entry) < _trust(known):
            believed[entry.offer] = entry
    entries = believed.values()
    return Parsed([q for e in entries for q in _quotes(e)], [t for e in entries for t in _terms(e)])


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object of the file, in which no key may stand twice with two values."""
    built = dict(pairs)
    if len(built) != len(pairs):
        for key, value in pairs:
            if built[key] != value:
                raise Unreadable(f"two values of one key {shown(key)}")
    return built


def _trust(entry: _Entry) -> tuple[int, int]:
    return _BELIEVED[entry.seller], -len(entry.key)


def _entry(key: str, fields: Mapping[str, object]) -> _Entry | None:
    seller = _seller(key, fields.get("litellm_provider"))
    if (
        seller is None
        or fields.get("mode") not in _MODES
        or key in _IGNORED_KEYS
        or key.startswith(_GUESSES)
    ):
        return None
    provider, *paths = _SELLERS[seller]
    model = key
    for path in paths:
        model = model.removeprefix(path)
    region = None
    for pattern in _REGIONS.get(provider, ()):
        if place := pattern.match(model):
            region, model = place[1], model[place.end() :]
    if "/" in model and provider not in _MODELS_NAME_THEIR_MAKER:
        return None
    # `ft:` marks what it costs to run a tuned model; how it was tuned is not said
    if model.startswith("ft:"):
        offer = Offer(provider, model.removeprefix("ft:"), "unknown", "unknown", region=region)
    else:
        offer = Offer(provider, model, region=region)
    return _Entry(key, seller, offer, fields)


def _seller(key: str, named: object) -> str | None:
    """Tell whose offer a key is, by an id that `_SELLERS` has; None where we do not read it."""
    if key.startswith("azure/") and named == "text-completion-openai":
        # so until 2024, when they became `azure_text`
        return "azure_text"
    if str(named).startswith("vertex_ai-"):
        return "vertex_ai"
    return cast("str", named) if named in _SELLERS else None


class _Field(NamedTuple):
    """What a field of an entry is the price of."""

    meter: Meter
    service_tier: str
    context_tier: str | None


@lru_cache(maxsize=1024)
def _field(name: str) -> _Field | None:
    field = _FIELD.fullmatch(name)
    if field is None:
        return None
    above = field["above"]
    return _Field(_METERS[field["meter"]], _TIERS[field["tier"]], f"{above}+" if above else None)


def _quotes(entry: _Entry) -> Iterator[Quote]:
    for name, value in entry.fields.items():
        field = _field(name)
        if field is None or value is None:
            continue
        if not isinstance(value, _Number):
            raise Unreadable(f"{shown(entry.key)}: {name} is no number: {shown(str(value))}")
        price, remark = _price(value, field.meter)
        offer = entry.offer._replace(
            service_tier=field.service_tier, context_tier=field.context_tier
        )
        evidence = Evidence(f"{entry.key}/{name}", str(value), remark=remark)
        yield offer.quote(field.meter, price, evidence)


@lru_cache(maxsize=8192)
def _price(number: str, meter: Meter) -> tuple[Price, str | None]:
    try:
        amount = canonical_amount(json_amount(number), _TOKEN, meter)
    except Unreadable as error:
        # one number that says nothing exact is no reason to lose the other thousands
        return Price("unreadable"), str(error)
    if not amount:
        return Price("unreadable"), _ZERO
    return Price("priced", amount, "USD", _MILLION), None


def _terms(entry: _Entry) -> Iterator[Term]:
    day = entry.fields.get("deprecation_date")
    if day is not None:
        # described in the file's `sample_spec` as YYYY-MM-DD
        yield entry.offer.term(
            "shutdown_on",
            read_date(str(day)).isoformat(),
            Evidence(f"{entry.key}/deprecation_date", str(day)),
        )


SOURCE: Final = Source(
    url="https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json",
    description="LiteLLM's price map: base models, and the inference of OpenAI's tuned ones",
    rank=Rank.CATALOGUE,
    cadence=timedelta(days=1),
    quote_count=(66, 50_000),
    term_count=(0, 10_000),
    parse=parse,
)

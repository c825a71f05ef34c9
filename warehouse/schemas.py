"""What each table that users query must look like, and what its columns mean.

A build that breaks its schema replaces nothing. The columns named in it are the contract; a
table may have more.
"""

from typing import Annotated, Any, ClassVar, Final

import pandera.polars as pa
import polars as pl

SCHEMA_VERSION: Final = 1
_AVAILABILITY: Final = ("priced", "free", "not_offered", "not_published", "unreadable")
_CAUSES: Final = (
    "listed",
    "price_change",
    "became_free",
    "no_longer_free",
    "withdrawn",
    "relisted",
    "unit_restated",
    "correction",
    "announced",
    "term_change",
    "lifecycle",
)
_VERDICTS: Final = ("pays_back", "never", "too_late", "not_available", "unknown")
_STATES: Final = ("ok", "stale", "unreachable", "failing", "quarantined", "never")
_OFFER: Final = (
    "provider",
    "model",
    "tuning_method",
    "adapter",
    "service_tier",
    "region",
    "context_tier",
)
Price = Annotated[pl.Decimal, 38, 18]
Usd = Annotated[pl.Decimal, 20, 8]
Share = Annotated[pl.Decimal, 5, 4]
Instant = Annotated[pl.Datetime, "us", None]


def _names() -> Any:  # noqa: ANN401 pandera's own word for a column
    return pa.Field(nullable=True, dtype_kwargs={"inner": pl.String()})


class Offers(pa.DataFrameModel):
    """The columns that name an offer."""

    provider: str
    model: str
    base_model: str
    tuning_method: str = pa.Field(isin=("none", "sft", "dpo", "rft", "unknown"))
    adapter: str = pa.Field(isin=("lora", "full", "unknown"), nullable=True)
    service_tier: str = pa.Field(isin=("standard", "batch", "flex", "priority", "developer"))
    region: str = pa.Field(nullable=True)
    context_tier: str = pa.Field(nullable=True)


class Evidence(pa.DataFrameModel):
    """The columns that lead from a fact to where it stands."""

    source: str
    capture_sha256: str = pa.Field(str_matches=r"^[0-9a-f]{64}$")
    locator: str
    printed_text: str
    url: str


class PriceHistory(Offers, Evidence):
    """A price and the interval that it held."""

    meter: str
    price_list: str = pa.Field(nullable=True)
    availability: str = pa.Field(isin=_AVAILABILITY)
    list_unit_price: Price = pa.Field(nullable=True, ge=0)
    pricing_unit: str = pa.Field(nullable=True)
    pricing_currency: str = pa.Field(nullable=True)
    unit_price: Price = pa.Field(nullable=True, ge=0)
    unit_price_usd: Usd = pa.Field(nullable=True, ge=0)
    valid_from: Instant
    valid_to: Instant = pa.Field(nullable=True)
    known_at: Instant
    confirmed_at: Instant = pa.Field(nullable=True)
    is_stale: bool
    is_preferred: bool

    @pa.dataframe_check
    @classmethod
    def intervals_are_half_open(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Demand that an interval ends after it begins, or is open."""
        ends_later = pl.col("valid_to") > pl.col("valid_from")
        return data.lazyframe.select(ends_later.fill_null(value=True))


class CurrentPrices(PriceHistory):
    """What one source says now about one offer's meter."""

    class Config:
        """Each key stands once."""

        unique: ClassVar = ["source", *_OFFER, "meter", "price_list"]


class TermsHistory(Offers, Evidence):
    """A term of an offer and the interval that it held."""

    term: str
    value: str
    valid_from: Instant
    valid_to: Instant = pa.Field(nullable=True)
    known_at: Instant


class PriceChanges(Offers):
    """One change of one fact, with its cause."""

    change_id: str = pa.Field(unique=True)
    cause: str = pa.Field(isin=_CAUSES)
    meter: str = pa.Field(nullable=True)
    price_list: str = pa.Field(nullable=True)
    term: str = pa.Field(nullable=True)
    source: str
    old_availability: str = pa.Field(nullable=True)
    new_availability: str = pa.Field(nullable=True)
    old_unit_price: Price = pa.Field(nullable=True)
    new_unit_price: Price = pa.Field(nullable=True)
    old_pricing_currency: str = pa.Field(nullable=True)
    pricing_currency: str = pa.Field(nullable=True)
    old_value: str = pa.Field(nullable=True)
    new_value: str = pa.Field(nullable=True)
    change_pct: float = pa.Field(nullable=True)
    valid_from: Instant
    last_seen_before_at: Instant = pa.Field(nullable=True)
    known_at: Instant


class ComparisonFacts(Offers, Evidence):
    """The fact behind one figure of the cost comparison."""

    figure: str
    availability: str = pa.Field(isin=_AVAILABILITY)
    unit_price_usd: Usd = pa.Field(nullable=True, ge=0)


class CostComparison(Offers):
    """One tunable model at one provider by method and tier."""

    training_usd: Usd = pa.Field(nullable=True, ge=0)
    training_hour_usd: Usd = pa.Field(nullable=True, ge=0)
    input_usd: Usd = pa.Field(nullable=True, ge=0)
    cached_input_usd: Usd = pa.Field(nullable=True, ge=0)
    output_usd: Usd = pa.Field(nullable=True, ge=0)
    hosting_hour_usd: Usd = pa.Field(nullable=True, ge=0)
    storage_month_usd: Usd = pa.Field(nullable=True, ge=0)
    job_minimum_usd: Usd = pa.Field(nullable=True, ge=0)
    base_input_usd: Usd = pa.Field(nullable=True, ge=0)
    base_output_usd: Usd = pa.Field(nullable=True, ge=0)
    training_availability: str = pa.Field(isin=_AVAILABILITY)
    min_examples: pl.Int32 = pa.Field(nullable=True, ge=0)
    hosting: str = pa.Field(isin=("managed", "self_hosted", "both", "unknown"))
    weights_exportable: str = pa.Field(isin=("yes", "no", "unknown"))
    last_training_on: pl.Date = pa.Field(nullable=True)
    shutdown_on: pl.Date = pa.Field(nullable=True)
    is_available: bool
    pricing_currency: str = pa.Field(nullable=True)
    oldest_confirmed_at: Instant = pa.Field(nullable=True)
    sources: str

    class Config:
        """Each key stands once."""

        unique: ClassVar = list(_OFFER)


class CheapestOptions(Offers):
    """The cheapest offers for one question and one constraint set."""

    question: str = pa.Field(str_matches="^(training|paid_training|tuned_inference|workload:.+)$")
    constraint_set: str
    rank: pl.Int32 = pa.Field(ge=1, le=10)
    value_usd: Usd = pa.Field(ge=0)
    gap_pct: float = pa.Field(nullable=True, ge=0)


class BreakEven(Offers):
    """A tuned offer against prompting for one workload."""

    workload: str
    requests: pl.Int64 = pa.Field(gt=0)
    comparator: str = pa.Field(isin=("base_model", "alternative"))
    comparator_provider: str = pa.Field(nullable=True)
    comparator_model: str = pa.Field(nullable=True)
    upfront_usd: Usd = pa.Field(nullable=True, ge=0)
    tuned_monthly_usd: Usd = pa.Field(nullable=True, ge=0)
    prompting_monthly_usd: Usd = pa.Field(nullable=True, ge=0)
    months_to_break_even: float = pa.Field(nullable=True, ge=0)
    requests_needed: pl.Int64 = pa.Field(nullable=True, ge=0)
    horizon_saving_usd: Usd = pa.Field(nullable=True)
    verdict: str = pa.Field(isin=_VERDICTS)
    reason: str = pa.Field(str_length={"min_value": 1})

    class Config:
        """Each key stands once."""

        unique: ClassVar = [*_OFFER, "workload", "comparator"]


class Claims(Offers):
    """Whether a claim holds for a tuned offer and a workload."""

    claim: str
    url: str
    workload: str
    comparator: str = pa.Field(isin=("base_model", "alternative"))
    requests: pl.Int64 = pa.Field(gt=0)
    upfront_usd: Usd = pa.Field(nullable=True, ge=0)
    tuned_monthly_usd: Usd = pa.Field(nullable=True, ge=0)
    prompting_monthly_usd: Usd = pa.Field(nullable=True, ge=0)
    months_to_break_even: float = pa.Field(nullable=True, ge=0)
    outcome: str = pa.Field(isin=("holds", "fails", "not_available", "unknown"))
    requests_needed: pl.Int64 = pa.Field(nullable=True, ge=0)
    reason: str = pa.Field(str_length={"min_value": 1})

    class Config:
        """Each key stands once."""

        unique: ClassVar = [*_OFFER, "claim", "workload", "comparator"]


class MarketSummary(pa.DataFrameModel):
    """The headline figures of one scope."""

    scope: str = pa.Field(unique=True)
    models_compared: pl.Int32 = pa.Field(ge=1)
    cheapest_paid_training_usd: Usd = pa.Field(nullable=True, gt=0)
    cheapest_paid_training: str = pa.Field(nullable=True)
    free_training_count: pl.Int32 = pa.Field(ge=0)


class SourceHealth(pa.DataFrameModel):
    """How one source is."""

    source: str = pa.Field(unique=True)
    provider: str = pa.Field(nullable=True)
    state: str = pa.Field(isin=_STATES)
    last_look_at: Instant = pa.Field(nullable=True)
    last_good_at: Instant = pa.Field(nullable=True)
    confirmed_at: Instant = pa.Field(nullable=True)
    next_due_at: Instant
    reason: str = pa.Field(nullable=True)


class Review(pa.DataFrameModel):
    """A doubt about what a source last said, and what was decided."""

    source: str
    rule: str
    severity: str = pa.Field(isin=("hold", "set_aside", "flag"))
    state: str = pa.Field(isin=("waiting", "accepted", "rejected", "noted"))
    provider: str = pa.Field(nullable=True)
    model: str = pa.Field(nullable=True)
    meter: str = pa.Field(nullable=True)
    term: str = pa.Field(nullable=True)
    reason: str
    decision: str = pa.Field(nullable=True)
    decided_at: Instant = pa.Field(nullable=True)
    capture_sha256: str
    looked_at: Instant


class Disagreements(Offers):
    """Two sources that state different values for one fact."""

    meter: str = pa.Field(nullable=True)
    term: str = pa.Field(nullable=True)
    source_a: str
    value_a: str
    source_b: str
    value_b: str
    since_at: Instant
    decision: str = pa.Field(nullable=True)
    decided_at: Instant = pa.Field(nullable=True)


class Workloads(pa.DataFrameModel):
    """The jobs that offers are priced by."""

    workload: str = pa.Field(unique=True)
    description: str
    training_tokens: pl.Int64 = pa.Field(gt=0)
    examples: pl.Int64 = pa.Field(gt=0)
    epochs: pl.Int64 = pa.Field(gt=0)
    validation_tokens: pl.Int64 = pa.Field(ge=0)
    evaluations: pl.Int64 = pa.Field(gt=0)
    is_packed: bool
    max_sequence_tokens: pl.Int64 = pa.Field(nullable=True, gt=0)
    training_hours: Annotated[pl.Decimal, 10, 2] = pa.Field(nullable=True, gt=0)
    requests: pl.Int64 = pa.Field(gt=0, le=10**9)
    prompt_before: pl.Int64 = pa.Field(gt=0, le=10**7)
    prompt_after: pl.Int64 = pa.Field(gt=0, le=10**7)
    completion_tokens: pl.Int64 = pa.Field(gt=0, le=10**7)
    answers: str = pa.Field(isin=("text", "labels"))
    cached_share: Share = pa.Field(ge=0, le=1)
    cached_share_after: Share = pa.Field(nullable=True, ge=0, le=1)
    batch_share: Share = pa.Field(ge=0, le=1)
    hosting_hours_a_day: Annotated[pl.Decimal, 4, 2] = pa.Field(gt=0, le=24)
    retrain_every_months: pl.Int64 = pa.Field(nullable=True, gt=0)
    horizon_months: pl.Int64 = pa.Field(gt=0, le=120)
    alternatives: pl.List = pa.Field(dtype_kwargs={"inner": pl.String()})

    class Config:
        """There is no more to a workload than this."""

        strict: ClassVar = True


class WorkloadTokens(pa.DataFrameModel):
    """How many tokens a workload's file has by one tokenizer."""

    workload: str
    tokenizer: str
    training_tokens: pl.Int64 = pa.Field(gt=0)

    class Config:
        """Each key stands once."""

        strict: ClassVar = True
        unique: ClassVar = ["workload", "tokenizer"]


class ConstraintSets(pa.DataFrameModel):
    """Under which conditions offers compete."""

    constraint_set: str = pa.Field(unique=True)
    is_on_sale: bool
    is_standard_tier: bool
    hosting: str = pa.Field(nullable=True, isin=("managed", "self_hosted"))
    weights_exportable: str = pa.Field(nullable=True, eq="yes")
    providers: pl.List = pa.Field(nullable=True, dtype_kwargs={"inner": pl.String()})
    regions: pl.List = pa.Field(nullable=True, dtype_kwargs={"inner": pl.String()})
    max_upfront_usd: Annotated[pl.Decimal, 20, 2] = pa.Field(nullable=True, ge=0)
    available_until: pl.Date = pa.Field(nullable=True)

    class Config:
        """There is no more to a set than this."""

        strict: ClassVar = True


class AlertRules(pa.DataFrameModel):
    """What the user wants to be told; a null asks for all, a column of another kind is null."""

    kind: str
    rule: str
    since: pl.Date = pa.Field(nullable=True)
    providers: pl.List = _names()
    models: pl.List = _names()
    methods: pl.List = _names()
    meters: pl.List = _names()
    terms: pl.List = _names()
    tiers: pl.List = _names()
    sources: pl.List = _names()
    causes: pl.List = _names()
    direction: str = pa.Field(nullable=True, isin=("up", "down", "any"))
    percent: float = pa.Field(nullable=True, gt=0)
    amount: Price = pa.Field(nullable=True, gt=0)
    confirm: bool = pa.Field(nullable=True)
    question: str = pa.Field(nullable=True)
    constraints: str = pa.Field(nullable=True)
    workload: str = pa.Field(nullable=True)
    requests: pl.Int64 = pa.Field(nullable=True, gt=0)
    comparator: str = pa.Field(nullable=True)
    days: pl.Int64 = pa.Field(nullable=True, gt=0)

    class Config:
        """Each rule stands once, and there is no more to it than this."""

        strict: ClassVar = True
        unique: ClassVar = ["kind", "rule"]


class AlertEvents(pa.DataFrameModel):
    """What alerts are about, to be asked what it means for workloads."""

    event_id: str = pa.Field(unique=True)
    provider: str
    model: str
    canonical_model: str
    tuning_method: str = pa.Field(nullable=True)
    adapter: str = pa.Field(nullable=True)
    moment: Instant
    has_before: bool

    class Config:
        """There is no more to it than this."""

        strict: ClassVar = True


ASKED: Final[dict[str, type[pa.DataFrameModel]]] = {
    "workloads": Workloads,
    "constraint_sets": ConstraintSets,
    "workload_tokens": WorkloadTokens,
}
# What a question can bring with it: others than the published ones, and what is never published.
BROUGHT: Final[dict[str, type[pa.DataFrameModel]]] = {
    **ASKED,
    "alert_rules": AlertRules,
    "alert_events": AlertEvents,
}
SCHEMAS: Final[dict[str, type[pa.DataFrameModel]]] = {
    "current_prices": CurrentPrices,
    "price_history": PriceHistory,
    "current_terms": TermsHistory,
    "terms_history": TermsHistory,
    "price_changes": PriceChanges,
    "comparison_facts": ComparisonFacts,
    "cost_comparison": CostComparison,
    "break_even": BreakEven,
    "claims": Claims,
    "cheapest_options": CheapestOptions,
    "market_summary": MarketSummary,
    "source_health": SourceHealth,
    "review": Review,
    "disagreements": Disagreements,
}

# What a column means, in whatever table it stands; under `table.column` where it means something
# of its own there. The published file carries them as comments.
COLUMNS: Final[dict[str, str]] = {
    "adapter": "what is trained: lora, full or unknown; null for a base model",
    "aliases": "other spellings of the name, parted by |",
    "alternatives": "the models that would do if prompted as before",
    "answers": "what the model can answer with, or has to: labels of a few classes, or text",
    "availability": "priced, free, not_offered, not_published or unreadable",
    "available_until": "the day that the tuned model must outlive; null where it need not",
    "base_input_usd": "USD per 1M input tokens of the base model",
    "base_model": "the model that this one is tuned from, or is itself",
    "base_output_usd": "USD per 1M output tokens of the base model",
    "batch_share": "the share of the requests that can wait for a batch",
    "believed_from": "since when we took it to be so, UTC",
    "believed_to": "until when we took it to be so, UTC; infinity where we still do",
    "billed_tokens_rule": "which tokens of a training job are billed, as the seller says",
    "built_at": "when the tables were built: the now of every table about now, UTC",
    "byte_count": "how many bytes the capture has",
    "cached_input_usd": "USD per 1M input tokens read from the cache, on the tuned model",
    "cached_share": "the share of the prompt that a cache serves",
    "cached_share_after": "the same of the prompt to the tuned model; null where it is the same",
    "cadence_hours": "after how many hours the source is looked at again",
    "canonical_model": "the one name of a model that sellers spell in several ways",
    "capture_sha256": "SHA-256 of the bytes in which it was read; names them in the archive",
    "captured_at": "when the source gave these bytes for the first time, UTC",
    "cause": "listed, price_change, became_free, no_longer_free, withdrawn, relisted, "
    "unit_restated, correction, announced, term_change or lifecycle",
    "change_id": "names the change, in every publication alike",
    "change_pct": "by how many percent the price moved; null across currencies",
    "cheapest_paid_training": "the offers that cost this little, each as seller and model",
    "cheapest_paid_training_usd": "the least that 1M training tokens cost, in USD",
    "checked_at": "when the source itself says that somebody last checked it, UTC",
    "claim": "what is claimed of tuning in general",
    "closed_to_new_customers_on": "since when only those who are customers already may buy",
    "code_version": "the version of ratecard that built the tables",
    "macros_sha256": "of the macros' text, by which it is known whether they are today's",
    "comparator": "what tuning is compared with: base_model (the model itself, with the longer "
    "prompt) or alternative (the cheapest of the models that the workload names)",
    "comparator_model": "the model that is prompted instead",
    "comparator_provider": "who sells that; another seller where the offer's own does not",
    "completion_tokens": "the tokens of an answer",
    "confirmed_a_at": "when source_a was last seen to say so, UTC",
    "confirmed_at": "when it was last seen to be so, UTC",
    "confirmed_b_at": "when source_b was last seen to say so, UTC",
    "constraint_set": "which offers compete: available (on sale, standard tier), "
    "available_any_tier, listed (on sale or not), or one of your own",
    "context_tier": "the prompt lengths that the price is for; null where it is for all",
    "currency": "the currency's ISO 4217 code",
    "decided_at": "when a person decided, UTC; null while nobody has",
    "decision": "why the person decided so; null while nobody has",
    "description": "what the source is, in words",
    "difference_pct": "by how many percent value_b is above value_a; null where they are no prices",
    "doubt": "the rules of the gate that flag the value; null where none does",
    "epochs": "how often the training file is gone through",
    "error": "why nothing was captured, or was not believed; null where all is well",
    "etag": "the version that the server names its answer by",
    "evaluations": "how often the validation file is gone through",
    "examples": "how many examples the training file has",
    "expanded_from": "the size bracket whose price this is; null where the model itself is listed",
    "figure": "the figure of cost_comparison that this fact stands behind",
    "fingerprint": "names a doubt by its rule and values, so that a decision is remembered",
    "free_training": "the offers whose training is free, each as seller and model",
    "free_training_count": "how many models are trained for free",
    "gap_pct": "by how many percent dearer than the cheapest; null where that is free",
    "horizon_months": "the months within which tuning must pay back",
    "horizon_saving_usd": "USD that tuning saves until usable_months are over, the training paid; "
    "negative where it costs more",
    "hosting": "who may run the tuned model: managed (the seller), self_hosted, both or unknown",
    "hosting_hour_usd": "USD per hour that the tuned model is deployed, busy or idle",
    "hosting_hours_a_day": "the hours a day that the tuned model is deployed, busy or idle",
    "input_usd": "USD per 1M input tokens of the tuned model",
    "inputs": "what every source said of it when the decision was taken, or now",
    "is_available": "whether anybody can still buy it: trained, and not past its last day",
    "is_chosen": "whether a person chose this source for the fact",
    "is_dated": "whether the source itself dated something that it said",
    "is_known": "whether models has the model",
    "is_listed": "whether the source still lists it",
    "is_on_sale": "whether only what can be bought, and serves for the whole horizon, competes",
    "is_packed": "whether several short examples share one sequence",
    "is_padded": "whether examples that are not packed are billed at the full length",
    "is_preferred": "whether this is the source that the ranking picks for the offer's meter",
    "is_stale": "whether it went unconfirmed for too long, or the last page could not be believed",
    "is_standard_tier": "whether only the standard service tier competes",
    "is_trusted": "whether it was confirmed recently enough to go before a lesser source",
    "job_minimum_usd": "USD that a training job costs at least",
    "key": "names the fact: offer and meter, or offer and term",
    "known_at": "when we came to know it, UTC",
    "last_good_at": "when it last gave something that is believed, UTC",
    "last_look_at": "when it was last looked at, UTC",
    "last_modified": "when the server says that its answer last changed",
    "last_seen_before_at": "when the old value was last seen, UTC; the change lies between then "
    "and valid_from",
    "last_training_on": "the last day on which it can be trained; null where none is announced",
    "list_unit_price": "the price as printed, per pricing_unit in pricing_currency",
    "locator": "where in the capture it stands",
    "looked_at": "when the source said it, UTC",
    "made_by": "the version of the engine that made the numbers",
    "maker": "who made the model",
    "max_sequence_tokens": "the length that an example is padded to",
    "max_upfront_usd": "the most that training may cost, in USD; null where it may cost anything",
    "media_type": "what kind of bytes they are, as the server says",
    "meter": "what is counted: training_tokens, input_tokens, cached_input_tokens, output_tokens, "
    "training_hours, hosting_hours, storage_months or job_minimum",
    "min_examples": "how many training examples the seller demands at least",
    "model": "the model as the source names it; * in a term of all the seller's models",
    "models_compared": "how many models at how many sellers: each pair counts once",
    "months_to_break_even": "after how many months the saving has paid for the training; null "
    "where there is none",
    "new_availability": "the availability since; null where it is no longer listed",
    "new_unit_price": "the unit_price since",
    "new_value": "what is printed since: the term's value, or price and unit",
    "next_due_at": "when it is looked at again, UTC",
    "old_availability": "the availability before; null where it was not listed",
    "old_list_unit_price": "the list_unit_price before",
    "old_pricing_currency": "the pricing_currency before",
    "old_pricing_unit": "the pricing_unit before",
    "old_unit_price": "the unit_price before",
    "old_value": "what was printed before: the term's value, or price and unit",
    "oldest_confirmed_at": "when the least recently confirmed of its prices was, UTC",
    "open_weights": "whether the model's weights can be downloaded",
    "other": "the model that the doubt is about beside the one named",
    "outcome": "read, unchanged, refused, quarantined or unreachable",
    "output_usd": "USD per 1M output tokens of the tuned model",
    "parameters_b": "how many billions of parameters the model has",
    "parser_version": "the version of the parser that read it",
    "position": "the line of the archive's journal that it comes from",
    "price_list": "which of the seller's lists; null for its one or main list",
    "priced_model": "the model whose price this is, as the source names it",
    "pricing_currency": "the currency that the price is printed in",
    "pricing_unit": "the unit that the price is printed for",
    "printed_text": "what stands there, as printed",
    "prompt_after": "the tokens of a prompt to the tuned model",
    "prompt_before": "the tokens of a prompt without tuning",
    "prompting_monthly_usd": "USD that a month costs when the comparator is prompted instead",
    "provider": "who sells",
    "providers": "the sellers that are allowed; null where all are",
    "question": "training (free or paid), paid_training, tuned_inference (three input tokens for "
    "one output token), or workload:NAME (what it costs until its horizon)",
    "quote_count": "how many prices were read in it",
    "rank": "the place of who speaks in build_info.ranking; the lowest is believed first",
    "ranking": "who is believed first to who is believed last",
    "rate_on": "the day of the exchange rate",
    "reason": "why, in words",
    "recommended_examples": "how many training examples the seller recommends",
    "region": "where it is sold; null where the price is not tied to a region",
    "regions": "the regions that are allowed; null where all are",
    "remark": "what a reader of the value must know: a repair, a footnote",
    "requests": "the requests of a month",
    "requests_needed": "from how many requests a month it pays back in time; null where no number "
    "does",
    "retrain_every_months": "after how many months the model is trained anew; null where never",
    "robots": "what the site's robots.txt said about looking",
    "rounding_tokens": "to a multiple of how many tokens the seller rounds up",
    "rule": "the rule of the gate that it breaks",
    "says": "what is said of the fact, as a number to compare with",
    "schema_version": "the version of the tables' names and columns",
    "scope": "all, or the source whose word alone counts",
    "service_tier": "standard, batch, flex, priority or developer",
    "severity": "hold (the whole capture waits), set_aside (this row waits) or flag (stored as "
    "printed)",
    "shared_key": "names the fact whoever states it; null where one source alone does, by one name",
    "shutdown_on": "the day on which the tuned model is shut down; null where none is announced",
    "since_at": "since when the two differ, UTC",
    "source": "the page, price list or catalogue that says so",
    "source_a": "the source that the ranking picks",
    "source_b": "the source that says otherwise",
    "source_rank": "the place of who speaks in build_info.ranking; the lowest is believed first",
    "sources": "the sources that its figures come from",
    "speaker": "who speaks: seller (itself), catalogue, third_party or transcribed (people)",
    "storage_month_usd": "USD per month that the tuned model is stored",
    "subject": "what the fact is about, as a number to compare with",
    "term": "what the term is about, such as min_examples or shutdown_on",
    "term_count": "how many terms were read in it",
    "tokenizer": "the tokenizer that the model reads with; null where we have none of it",
    "tolerance_pct": "up to how many percent two prices may differ and be no disagreement",
    "training_availability": "the availability of training: priced, free, not_offered, "
    "not_published or unreadable",
    "training_hour_usd": "USD per hour of training",
    "training_hours": "the hours that training takes; null where nobody says",
    "training_tokens": "the tokens of the training file, once through",
    "training_usd": "USD per 1M training tokens; 0 where training is free",
    "trusted_days": "after how many days unconfirmed a fact yields to a lesser source",
    "tuned_inference_rule": "base_price where the tuned model runs at the base model's price",
    "tuned_monthly_usd": "USD that a month of the tuned model costs: standing and usage together",
    "tuned_standing_usd": "USD a month of the tuned model however little it is asked: hosting, "
    "storage, and what is laid aside for retraining",
    "tuned_usage_usd": "USD a month of the tuned model for what it is asked",
    "tuning_method": "none for a base model, else sft, dpo, rft or unknown",
    "unasked": "why the source is not looked at; null where it is",
    "unit_price": "the price per canonical unit of the meter (1M tokens, hour, month, job), in "
    "pricing_currency",
    "unit_price_usd": "unit_price in USD, at the rate of usd_rate_on; 0 where it is free",
    "upfront_usd": "USD that the training job costs",
    "url": "where it can be looked up",
    "usable_months": "the months until the horizon, the shutdown, or the end of what the last "
    "training is good for",
    "usd_per_unit": "how many USD one unit of the currency is worth",
    "usd_rate_on": "the day of the exchange rate used; null for a price in USD",
    "valid_from": "since when it holds, UTC, inclusive",
    "valid_to": "until when it held, UTC, exclusive; null while it holds",
    "validation_times": "how often validation tokens are billed: none, once, evaluations or epochs",
    "validation_tokens": "the tokens of the validation file, once through",
    "value": "what the term says; null in a price",
    "value_a": "what source_a says",
    "value_b": "what source_b says",
    "value_usd": "the answer in USD: per 1M tokens, or for a workload until its horizon",
    "verdict": "accepted or rejected",
    "weights_exportable": "whether the tuned weights can be taken home: yes, no or unknown",
    "workload": "the job that is priced, by its name",
    "billing_rules.rule": "which tokens of a training job are billed, in the words of "
    "billed_tokens_rule",
    "break_even.reason": "the verdict in words",
    "break_even.verdict": "pays_back, never, too_late (shut down or out of the horizon before), "
    "not_available or unknown (a price is missing)",
    "cheapest_options.rank": "the place, 1 for the cheapest; ties share one",
    "claims.months_to_break_even": "after how many months the saving at so many requests has paid "
    "for the training",
    "claims.outcome": "holds, fails, not_available or unknown (a price is missing)",
    "claims.prompting_monthly_usd": "USD that a month of so many requests costs when the "
    "comparator is prompted instead",
    "claims.reason": "what it takes for the claim to hold, or why nothing does",
    "claims.requests": "the requests of a month that the claim speaks of",
    "claims.requests_needed": "from how many requests a month the claim holds; null where it never "
    "does",
    "claims.tuned_monthly_usd": "USD that a month of so many requests costs on the tuned model",
    "constraint_sets.hosting": "who must be able to run the tuned model; null where it does not "
    "matter",
    "constraint_sets.weights_exportable": "yes where the tuned weights must be the buyer's; null "
    "where not",
    "migrations.name": "the file that has the step",
    "migrations.version": "the steps count from 1",
    "intervals.unit_price_usd": "unit_price where it is in USD",
    "intervals.valid_to": "until when it held, UTC, exclusive; infinity while it holds",
    "model_names.model": "the model's one name",
    "model_names.name": "a spelling of the model's name, in lower case with hyphens for blanks",
    "models.base_model": "the model that sellers tune when they sell this one",
    "models.model": "the model's one name",
    "review.looked_at": "when the source said what is doubted, UTC",
    "review.state": "waiting, accepted, rejected, or noted where nothing is to decide",
    "source_health.provider": "the seller whose own word it is; null for others' sources",
    "source_health.reason": "what is wrong with it; null where nothing is",
    "source_health.state": "ok, stale, unreachable, failing, quarantined or never",
    "sources.provider": "the seller whose own word it is; null for others' sources",
    "workload_tokens.training_tokens": "the tokens that this tokenizer finds in the file",
    "workloads.description": "the job in words",
}
# What one row is in each table that no SQL file describes.
OTHER_TABLES: Final[dict[str, str]] = {
    "migrations": "one row is a step that brought the log's tables to what they are now",
    "billing_rules": "one row is a way of counting the tokens of a training job that are billed",
    "build_info": "one row says when, by what and by which rules the tables were built",
    "captures": "one row is the exact bytes that a source gave, kept in the archive",
    "choices": "one row is a person's word on which of several sources holds",
    "constraint_sets": "one row is the conditions under which offers compete to be the cheapest",
    "corrections": "one row is a fact that was once read otherwise in the same capture",
    "decisions": "one row is a person's word on one doubt, or on a whole capture",
    "doubts": "one row is something in a capture that the gate doubts",
    "exchange_rates": "one row is what one unit of a currency was worth in USD from a day on",
    "facts": "one row is what a source said, or no longer said, of one fact since a moment; "
    "rows are only added",
    "latest": "one row is what a source said last of one fact, as numbers to compare with",
    "looks": "one row is one look at a source, and what came of it",
    "models": "one row is a model, by its one name",
    "sources": "one row is a page, price list or catalogue that states prices",
    "workload_tokens": "one row is how many tokens a workload's file has by one tokenizer",
    "workloads": "one row is a job to be priced: what is trained, and what the result is asked",
}

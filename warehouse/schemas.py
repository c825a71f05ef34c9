"""What each table that users query must look like, and what its columns mean.

A build that breaks its schema replaces nothing. The columns named in it are the contract; a
table may have more.
"""

from typing import Annotated, ClassVar, Final

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
Instant = Annotated[pl.Datetime, "us", None]


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

    question: str = pa.Field(isin=("training", "paid_training", "tuned_inference"))
    constraint_set: str = pa.Field(isin=("available", "available_any_tier", "listed"))
    rank: pl.Int32 = pa.Field(ge=1, le=10)
    value_usd: Usd = pa.Field(ge=0)
    gap_pct: float = pa.Field(nullable=True, ge=0)


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


SCHEMAS: Final[dict[str, type[pa.DataFrameModel]]] = {
    "current_prices": CurrentPrices,
    "price_history": PriceHistory,
    "current_terms": TermsHistory,
    "terms_history": TermsHistory,
    "price_changes": PriceChanges,
    "comparison_facts": ComparisonFacts,
    "cost_comparison": CostComparison,
    "cheapest_options": CheapestOptions,
    "market_summary": MarketSummary,
    "source_health": SourceHealth,
    "review": Review,
    "disagreements": Disagreements,
}

# What a column means, in whatever table it stands; under `table.column` where it means something
# of its own there. The published file carries them as comments.
COLUMNS: Final[dict[str, str]] = {
    "migrations.name": "the file that has the step",
    "migrations.version": "the steps count from 1",
    "adapter": "what is trained: lora, full or unknown; null for a base model",
    "aliases": "other spellings of the name, parted by |",
    "availability": "priced, free, not_offered, not_published or unreadable",
    "base_input_usd": "USD per 1M input tokens of the base model",
    "base_model": "the model that this one is tuned from, or is itself",
    "base_output_usd": "USD per 1M output tokens of the base model",
    "believed_from": "since when we took it to be so, UTC",
    "believed_to": "until when we took it to be so, UTC; infinity where we still do",
    "billed_tokens_rule": "which tokens of a training job are billed, as the seller says",
    "built_at": "when the tables were built: the now of every table about now, UTC",
    "byte_count": "how many bytes the capture has",
    "cached_input_usd": "USD per 1M input tokens read from the cache, on the tuned model",
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
    "closed_to_new_customers_on": "since when only those who are customers already may buy",
    "code_version": "the version of ratecard that built the tables",
    "confirmed_a_at": "when source_a was last seen to say so, UTC",
    "confirmed_at": "when it was last seen to be so, UTC",
    "confirmed_b_at": "when source_b was last seen to say so, UTC",
    "constraint_set": "which offers compete: available (on sale, standard tier), "
    "available_any_tier, or listed (on sale or not)",
    "context_tier": "the prompt lengths that the price is for; null where it is for all",
    "currency": "the currency's ISO 4217 code",
    "decided_at": "when a person decided, UTC; null while nobody has",
    "decision": "why the person decided so; null while nobody has",
    "description": "what the source is, in words",
    "difference_pct": "by how many percent value_b is above value_a; null where they are no prices",
    "doubt": "the rules of the gate that flag the value; null where none does",
    "error": "why nothing was captured, or was not believed; null where all is well",
    "etag": "the version that the server names its answer by",
    "expanded_from": "the size bracket whose price this is; null where the model itself is listed",
    "figure": "the figure of cost_comparison that this fact stands behind",
    "fingerprint": "names a doubt by its rule and values, so that a decision is remembered",
    "free_training": "the offers whose training is free, each as seller and model",
    "free_training_count": "how many models are trained for free",
    "gap_pct": "by how many percent dearer than the cheapest; null where that is free",
    "hosting": "who may run the tuned model: managed (the seller), self_hosted, both or unknown",
    "hosting_hour_usd": "USD per hour that the tuned model is deployed, busy or idle",
    "input_usd": "USD per 1M input tokens of the tuned model",
    "inputs": "what every source said of it when the decision was taken, or now",
    "is_available": "whether anybody can still buy it: trained, and not past its last day",
    "is_chosen": "whether a person chose this source for the fact",
    "is_dated": "whether the source itself dated something that it said",
    "is_known": "whether models has the model",
    "is_listed": "whether the source still lists it",
    "is_preferred": "whether this is the source that the ranking picks for the offer's meter",
    "is_stale": "whether it went unconfirmed for too long, or the last page could not be believed",
    "is_trusted": "whether it was confirmed recently enough to go before a lesser source",
    "job_minimum_usd": "USD that a training job costs at least",
    "key": "names the fact: offer and meter, or offer and term",
    "known_at": "when we came to know it, UTC",
    "last_good_at": "when it last gave something that is believed, UTC",
    "last_look_at": "when it was last looked at, UTC",
    "last_modified": "when the server says that its answer last changed",
    "last_seen_before_at": "when the old value was last seen, UTC; "
    "the change lies between then and valid_from",
    "last_training_on": "the last day on which it can be trained; null where none is announced",
    "list_unit_price": "the price as printed, per pricing_unit in pricing_currency",
    "locator": "where in the capture it stands",
    "looked_at": "when the source said it, UTC",
    "made_by": "the version of the engine that made the numbers",
    "maker": "who made the model",
    "media_type": "what kind of bytes they are, as the server says",
    "meter": "what is counted: training_tokens, input_tokens, cached_input_tokens, output_tokens, "
    "training_hours, hosting_hours, storage_months or job_minimum",
    "min_examples": "how many training examples the seller demands at least",
    "model": "the model as the source names it; * in a term of all the seller's models",
    "models_compared": "how many models at how many sellers: each pair counts once",
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
    "provider": "who sells",
    "question": "training (free or paid), paid_training, or tuned_inference "
    "(three input tokens for one output token)",
    "quote_count": "how many prices were read in it",
    "rank": "who speaks: 1 the seller itself, 2 a catalogue, 3 a third party, 4 people; "
    "the lowest is believed first",
    "rate_on": "the day of the exchange rate",
    "reason": "why, in words",
    "recommended_examples": "how many training examples the seller recommends",
    "region": "where it is sold; null where the price is not tied to a region",
    "remark": "what a reader of the value must know: a repair, a footnote",
    "robots": "what the site's robots.txt said about looking",
    "rule": "the rule of the gate that it breaks",
    "says": "what is said of the fact, as a number to compare with",
    "schema_version": "the version of the tables' names and columns",
    "scope": "all, or the source whose word alone counts",
    "service_tier": "standard, batch, flex, priority or developer",
    "severity": "hold (the whole capture waits), set_aside (this row waits) "
    "or flag (stored as printed)",
    "shared_key": "names the fact whoever states it; null where one source alone does, by one name",
    "shutdown_on": "the day on which the tuned model is shut down; null where none is announced",
    "since_at": "since when the two differ, UTC",
    "source": "the page, price list or catalogue that says so",
    "source_a": "the source that the ranking picks",
    "source_b": "the source that says otherwise",
    "source_rank": "who speaks: 1 the seller itself, 2 a catalogue, 3 a third party, 4 people",
    "sources": "the sources that its figures come from",
    "storage_month_usd": "USD per month that the tuned model is stored",
    "subject": "what the fact is about, as a number to compare with",
    "term": "what the term is about, such as min_examples or shutdown_on",
    "term_count": "how many terms were read in it",
    "tolerance_pct": "up to how many percent two prices may differ and be no disagreement",
    "training_availability": "the availability of training: priced, free, not_offered, "
    "not_published or unreadable",
    "training_hour_usd": "USD per hour of training",
    "training_usd": "USD per 1M training tokens; 0 where training is free",
    "trusted_days": "after how many days unconfirmed a fact yields to a lesser source",
    "tuned_inference_rule": "base_price where the tuned model runs at the base model's price",
    "tuning_method": "none for a base model, else sft, dpo, rft or unknown",
    "unasked": "why the source is not looked at; null where it is",
    "unit_price": "the price per canonical unit of the meter (1M tokens, hour, month, job), "
    "in pricing_currency",
    "unit_price_usd": "unit_price in USD, at the rate of usd_rate_on; 0 where it is free",
    "url": "where it can be looked up",
    "usd_per_unit": "how many USD one unit of the currency is worth",
    "usd_rate_on": "the day of the exchange rate used; null for a price in USD",
    "valid_from": "since when it holds, UTC, inclusive",
    "valid_to": "until when it held, UTC, exclusive; null while it holds",
    "value": "what the term says; null in a price",
    "value_a": "what source_a says",
    "value_b": "what source_b says",
    "value_usd": "the answer in USD per 1M tokens",
    "verdict": "accepted or rejected",
    "weights_exportable": "whether the tuned weights can be taken home: yes, no or unknown",
    "cheapest_options.rank": "the place, 1 for the cheapest; ties share one",
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
}
# What one row is in each table that no SQL file describes.
OTHER_TABLES: Final[dict[str, str]] = {
    "migrations": "one row is a step that brought the log's tables to what they are now",
    "build_info": "one row says when, by what and by which rules the tables were built",
    "captures": "one row is the exact bytes that a source gave, kept in the archive",
    "choices": "one row is a person's word on which of several sources holds",
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
}

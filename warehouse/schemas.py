"""What each table that users query must look like; a build that breaks it replaces nothing.

The columns named here are the contract. A table may have more.
"""

from typing import Annotated, ClassVar, Final

import pandera.polars as pa
import polars as pl

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
}

"""Alerts: which news the user wants to hear of, and what would be told of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self, get_args

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    field_validator,
    model_validator,
)

from pipeline.channels import Digest
from pipeline.messages import weighed
from sources._contract import EVERY_MODEL, SERVICE_TIERS, TERMS, TUNING_METHODS
from sources._parsing import Meter
from warehouse.outbox import TOGETHER
from warehouse.store import About, Store

# The causes that are news, and those among them that move a price by so much.
CAUSES: Final = (
    "price_change",
    "became_free",
    "no_longer_free",
    "announced",
    "listed",
    "relisted",
    "withdrawn",
    "term_change",
    "lifecycle",
)
MEASURED: Final = CAUSES[:4]
_SILENT: Final = ("correction", "unit_restated")
# Sellers that no source of their own speaks for, but catalogues and people's lists do.
RESOLD: Final = ("anthropic", "deepseek", "groq", "xai")
# At how many moments it is asked what news means for workloads.
MOMENTS: Final = 5


def _near(name: str, known: Collection[str]) -> str:
    """Say that a name is unknown, and which is meant."""
    near = get_close_matches(name, known, n=1)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known)) or 'none'}"
    )
    return f"{name!r} is unknown; {hint}"


def _one_of(*known: str) -> AfterValidator:
    def check(name: str) -> str:
        if name in _SILENT:
            raise ValueError(f"{name!r} is no change in the world, and never alerted on")
        if name not in known:
            raise ValueError(_near(name, known))
        return name

    return AfterValidator(check)


_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Method = Annotated[str, _one_of(*TUNING_METHODS)]
_Meter = Annotated[str, _one_of(*get_args(Meter))]
_Term = Annotated[str, _one_of(*TERMS)]
_Tier = Annotated[str, _one_of(*SERVICE_TIERS)]
_Cause = Annotated[str, _one_of(*CAUSES)]
_End = Annotated[str, _one_of("shutdown_on", "last_training_on")]


# Which keys of a rule say whom it tells, and when; the others say of what.
TELLING: Final = ("channels", "digest", "again_days", "recovery")


class Rule(BaseModel):
    """What all rules have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: date | None = Field(
        default=None, description="the day from which it watches; what came before is silent"
    )
    channels: tuple[_Text, ...] | None = Field(
        default=None, description="only these channels are told; if not given, all are"
    )
    digest: Digest | None = Field(
        default=None, description="immediately, daily or weekly, if not as the channel has it"
    )

    @field_validator("*")
    @classmethod
    def _asks_for_something(cls, said: object) -> object:
        if said == ():
            raise ValueError("an empty list asks for nothing; leave it out to ask for all")
        return said

    @property
    def definition(self) -> str:
        """Give what it asks for, in one text, without whom it tells and when."""
        return self.model_dump_json(exclude={*TELLING})


class StateRule(Rule):
    """What rules have that watch for what holds, and not for what happens."""

    again_days: PositiveInt | None = Field(
        default=None, le=3650, description="after how many days it is told again, if it still holds"
    )
    recovery: bool = Field(default=True, description="whether it is told that it holds no more")


class _Offers(Rule):
    providers: tuple[_Text, ...] | None = Field(default=None, description="only these sellers")
    models: tuple[_Text, ...] | None = Field(
        default=None,
        description="only models that are called so; * is any text, and upper case is as lower",
    )
    methods: tuple[_Method, ...] | None = Field(
        default=None, description="only these ways of tuning; none is a base model"
    )


class _Facts(_Offers):
    meters: tuple[_Meter, ...] | None = Field(
        default=None, description="only prices of these meters"
    )
    terms: tuple[_Term, ...] | None = Field(default=None, description="only these terms")
    tiers: tuple[_Tier, ...] | None = Field(default=None, description="only these service tiers")
    sources: tuple[_Text, ...] | None = Field(
        default=None, description="only what these sources say"
    )


class ChangeRule(_Facts):
    """A table `[alerts.changes.NAME]`: a price, a term or an offer changed."""

    causes: tuple[_Cause, ...] | None = Field(
        default=None,
        description="only these causes; if not given, all that fit the other keys",
    )
    direction: Annotated[str, _one_of("up", "down", "any")] = Field(
        default="any", description="up, down or any: which way a price must go"
    )
    percent: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="by how many percent a price must have moved since the rule's last alert on it",
    )
    amount: Decimal | None = Field(
        default=None,
        gt=0,
        le=10**9,
        decimal_places=18,
        description="the same in the price's own currency, per canonical unit; "
        "beside percent, the first that is reached counts",
    )
    confirm: bool = Field(
        default=False, description="true: a change counts when the next look at its source agrees"
    )

    @property
    def is_measured(self) -> bool:
        """Tell whether only moves of a price count."""
        return self.direction != "any" or self.percent is not None or self.amount is not None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        idle = [cause for cause in self.causes or () if cause not in MEASURED]
        if self.is_measured and idle:
            raise ValueError(
                f"causes: {', '.join(idle)} moves no price; leave it out, or direction, percent "
                "and amount"
            )
        if self.is_measured and self.terms:
            raise ValueError("terms: a term is no price; leave it out, or what measures prices")
        return self


class CheapestRule(Rule):
    """A table `[alerts.cheapest.NAME]`: another offer is the cheapest."""

    question: str = Field(
        description="training, paid_training, tuned_inference or workload:NAME",
    )
    constraints: str = Field(
        default="available", description="the set of constraints under which offers compete"
    )


class BreakEvenRule(_Offers):
    """A table `[alerts.break_even.NAME]`: tuning begins or ceases to pay back at a number."""

    workload: str = Field(description="the workload whose break-even is watched")
    requests: PositiveInt = Field(
        le=10**9, description="the requests a month that requests_needed crosses, either way"
    )
    comparator: Annotated[str, _one_of("base_model", "alternative")] = Field(
        default="base_model", description="what tuning is compared with: base_model or alternative"
    )


class EndRule(_Offers, StateRule):
    """A table `[alerts.ends.NAME]`: a model is shut down, or trained for the last time, soon."""

    terms: tuple[_End, ...] = Field(
        default=("shutdown_on", "last_training_on"),
        description="which end: shutdown_on, last_training_on, or both",
    )
    days: PositiveInt = Field(
        default=30, le=3650, description="how many days before the day it is told"
    )


class UnconfirmedRule(_Offers, StateRule):
    """A table `[alerts.unconfirmed.NAME]`: a price that the ranking picks was not seen again."""

    meters: tuple[_Meter, ...] | None = Field(
        default=None, description="only prices of these meters"
    )
    days: PositiveInt = Field(
        default=30, le=3650, description="for how many days nobody confirmed the price"
    )


class FailingRule(StateRule):
    """A table `[alerts.failing.NAME]`: a source gives nothing that can be believed."""

    sources: tuple[_Text, ...] | None = Field(default=None, description="only these sources")
    days: PositiveInt = Field(
        default=3, le=3650, description="for how many days every look at it failed"
    )


class ReviewRule(StateRule):
    """A table `[alerts.review.NAME]`: a page, or a part of it, waits for a decision."""

    sources: tuple[_Text, ...] | None = Field(default=None, description="only these sources")


class DisagreementRule(_Facts, StateRule):
    """A table `[alerts.disagreements.NAME]`: two sources state different values for one fact."""


_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Alerts(BaseModel):
    """The tables `[alerts.KIND.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changes: dict[_Name, ChangeRule] = Field(
        default_factory=dict, description="a price, a term or an offer changed"
    )
    cheapest: dict[_Name, CheapestRule] = Field(
        default_factory=dict, description="another offer is the cheapest"
    )
    break_even: dict[_Name, BreakEvenRule] = Field(
        default_factory=dict, description="tuning begins or ceases to pay back at so many requests"
    )
    ends: dict[_Name, EndRule] = Field(
        default_factory=dict, description="a shutdown or a last training day is near"
    )
    unconfirmed: dict[_Name, UnconfirmedRule] = Field(
        default_factory=dict, description="nobody confirmed a price for too long"
    )
    failing: dict[_Name, FailingRule] = Field(default_factory=dict, description="a source fails")
    review: dict[_Name, ReviewRule] = Field(
        default_factory=dict, description="a page waits for a decision"
    )
    disagreements: dict[_Name, DisagreementRule] = Field(
        default_factory=dict, description="two sources contradict each other"
    )

    @property
    def rules(self) -> Iterator[tuple[str, str, Rule]]:
        """Give every rule with its kind and its name."""
        for kind in KINDS:
            for name, rule in getattr(self, kind).items():
                yield kind, name, rule


KINDS: Final[Mapping[str, type[Rule]]] = {
    "changes": ChangeRule,
    "cheapest": CheapestRule,
    "break_even": BreakEvenRule,
    "ends": EndRule,
    "unconfirmed": UnconfirmedRule,
    "failing": FailingRule,
    "review": ReviewRule,
    "disagreements": DisagreementRule,
}


def misnamed(written: object, known: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Find names in the table `[alerts]`, as written, of what is not there.

    `known` has those that there are by the key that names them.
    """
    for kind, rules in _items(written):
        for rule, said in _items(rules):
            for key, names in _items(said):
                place, some = f"alerts.{kind}.{rule}.{key}", names
                if isinstance(names, str):
                    some = [names]
                for name in some if key in known and isinstance(some, list) else ():
                    if isinstance(name, str) and name not in known[key]:
                        yield f"{place}: {_near(name, known[key])}"


def _items(table: object) -> Iterable[tuple[str, object]]:
    return table.items() if isinstance(table, dict) else ()


_NAMES: Final = pl.List(pl.String())
_TYPES: Final[Mapping[str, pl.DataType]] = {
    "since": pl.Date(),
    "channels": _NAMES,
    "digest": pl.String(),
    "again_days": pl.Int64(),
    "recovery": pl.Boolean(),
    "providers": _NAMES,
    "models": _NAMES,
    "methods": _NAMES,
    "meters": _NAMES,
    "terms": _NAMES,
    "tiers": _NAMES,
    "sources": _NAMES,
    "causes": _NAMES,
    "direction": pl.String(),
    "percent": pl.Float64(),
    "amount": pl.Decimal(38, 18),
    "confirm": pl.Boolean(),
    "question": pl.String(),
    "constraints": pl.String(),
    "workload": pl.String(),
    "requests": pl.Int64(),
    "comparator": pl.String(),
    "days": pl.Int64(),
}


def rule_frame(alerts: Alerts) -> pl.DataFrame:
    """Give the rules as the table `alert_rules` that the warehouse's questions read."""
    rows = []
    for kind, name, rule in alerts.rules:
        said = rule.model_dump()
        if isinstance(rule, ChangeRule):
            said["causes"] = said["causes"] or (MEASURED if rule.is_measured else CAUSES)
        if said.get("models"):
            said["models"] = [model.lower() for model in said["models"]]
        rows.append({"kind": kind, "rule": name, **said})
    schema = {"kind": pl.String(), "rule": pl.String(), **_TYPES}
    return pl.DataFrame(rows, schema=schema)


# What is said of an event; where a kind of event has nothing to say of it, it is null.
EVENTS: Final = {
    **dict.fromkeys(("event_id", "kind", "rule"), pl.String()),
    **dict.fromkeys(("is_first_load", "is_pending"), pl.Boolean()),
    **dict.fromkeys(("provider", "subject", "cause", "old", "new"), pl.String()),
    "change_pct": pl.Float64(),
    **dict.fromkeys(("began_at", "fires_at"), pl.Datetime("us")),
    **dict.fromkeys(
        ("source", "url", "capture_sha256", "model", "canonical_model", "meter", "term",
         "pricing_currency", "printed_text"),
        pl.String(),
    ),
    "last_seen_before_at": pl.Datetime("us"),
    "details": pl.String(),
}  # fmt: skip
# Those of them that are instants.
TIMES: Final = tuple(name for name, kind in EVENTS.items() if kind == pl.Datetime)


def fired(
    store: Store, rules: pl.DataFrame, since: datetime, *, mode: Literal["check", "replay"]
) -> pl.DataFrame:
    """Give the events that rules, as in `rule_frame`, fire on, oldest first, with `EVENTS`.

    `check` takes what became known since then, and states that hold now, whenever they began.
    `replay` takes what each capture would have told on its own day, and states that began since.
    """
    asked = rules.drop(TELLING)
    found = [
        store.ask(
            f"alerts_{kind}",
            About(asked={"alert_rules": asked.filter(pl.col("kind") == kind)}),
            since=since,
            is_replay=mode == "replay",
        )
        for kind in rules["kind"].unique(maintain_order=True)
    ]
    events = pl.concat([pl.DataFrame(schema=EVENTS), *found], how="diagonal_relaxed")
    return events.sort("fires_at", "kind", "rule", "subject", "event_id")


def meaning(
    store: Store, events: Iterable[Mapping[str, Any]], workloads: Collection[str]
) -> pl.DataFrame:
    """Say what events, as rows of `fired`, mean for published workloads of these names.

    One row is an event and a workload. Only the `MOMENTS` of the weightiest events are asked about,
    as each takes up to a second.
    """
    schema = dict.fromkeys(
        ("event_id", "kind", "provider", "model", "canonical_model", "details"), pl.String()
    )
    told = [
        {
            **{name: event[name] for name in schema},
            "moment": datetime.fromisoformat(str(event["began_at"])).replace(tzinfo=None),
        }
        for event in weighed(events)
    ]
    (now,) = store.query("select built_at from build_info").row(0)
    is_end = pl.col("kind") == "ends"
    details = pl.col("details").str
    about = (
        pl.DataFrame(told, schema={**schema, "moment": pl.Datetime("us")})
        .filter(
            pl.col("kind").is_in(["changes", "break_even", "ends"])
            & pl.col("provider").is_not_null()
            & (pl.col("model") != EVERY_MODEL)
        )
        .select(
            pl.exclude("kind", "details", "moment"),
            tuning_method=details.json_path_match("$.tuning_method"),
            adapter=details.json_path_match("$.adapter"),
            moment=pl.when(is_end).then(pl.lit(now)).otherwise("moment").cast(pl.Datetime("us")),
            has_before=~is_end,
        )
    )
    when = ["moment", "has_before"]
    asked = about.select(when).unique(maintain_order=True).head(MOMENTS)
    jobs = store.query("from workloads").filter(pl.col("workload").is_in([*workloads]))
    brought = {"alert_events": about.join(asked, on=when, how="semi"), "workloads": jobs}
    return store.ask("meaning", About(asked=brought))


def digests(events: pl.DataFrame) -> pl.DataFrame:
    """Put the events of one rule and seller that follow each other closely into one entry each.

    An entry is named by its first event, so that one more event does not make it another.
    """
    if events.is_empty():
        return events.with_columns(count=pl.lit(0), until=pl.col("fires_at"))
    who = ["kind", "rule", "provider"]
    is_apart = (pl.col("fires_at").diff().over(who) >= TOGETHER).fill_null(value=True)
    return (
        events.sort("fires_at", "subject", "event_id")
        .with_columns(entry=is_apart.cast(pl.Int64).cum_sum().over(who))
        .group_by([*who, "entry"], maintain_order=True)
        .agg(
            pl.col("event_id").first().alias("digest_id"),
            pl.col("fires_at").first(),
            pl.col("fires_at").last().alias("until"),
            pl.len().alias("count"),
            pl.struct(pl.exclude("entry", *who)).alias("events"),
        )
        .drop("entry")
    )

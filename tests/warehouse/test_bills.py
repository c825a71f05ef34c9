"""Bills and break-evens: worked out by hand, and against a simulation month by month."""

import ast
import csv
import operator
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.workloads import Workload, workload_frame
from sources._contract import BILLED_TOKENS_RULES
from tests.warehouse.worlds import START, World, day, quote, term
from warehouse.schemas import WorkloadTokens
from warehouse.store import About, Store

with Path(__file__).with_name("bills.csv").open(encoding="utf-8") as file:
    BILLS: Final = list(csv.DictReader(file))
METERS: Final = {
    "training": "training_tokens",
    "training_hours": "training_hours",
    "minimum": "job_minimum",
    "input": "input_tokens",
    "cached": "cached_input_tokens",
    "output": "output_tokens",
    "hosting": "hosting_hours",
    "storage": "storage_months",
}
WORDS: Final = {
    "tokens": "training_tokens",
    "validation": "validation_tokens",
    "packed": "is_packed",
    "length": "max_sequence_tokens",
    "hours": "training_hours",
    "prompt": "prompt_after",
    "completion": "completion_tokens",
    "hosting_hours": "hosting_hours_a_day",
    "retrain": "retrain_every_months",
}
NOW: Final = START + timedelta(days=10)


def workload(**words: Any) -> Workload:  # noqa: ANN401 any word of a workload
    usual = {
        "training_tokens": 1_000_000,
        "examples": 1000,
        "requests": 10_000,
        "prompt_before": 10_000,
        "prompt_after": 100,
        "completion_tokens": 10,
    }
    return Workload(**{**usual, **words})


def words_of(text: str) -> dict[str, str]:
    return dict(word.split("=") for word in text.split())


def quotes_of(provider: str, prices: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give an offer's quotes; `batch_` before a price is that in batches."""
    currency = prices.get("currency", "USD")
    rows = []
    for name, price in prices.items():
        meter = METERS.get(name.removeprefix("batch_"))
        if meter is None:
            continue
        tier = "batch" if name.startswith("batch_") else "standard"
        what = {"provider": provider, "meter": meter, "service_tier": tier}
        if price == "free":
            rows.append(quote(None, availability="free", **what))
        else:
            rows.append(quote(price, pricing_currency=currency, **what))
    return rows


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Give the bill of each case: its job at its own seller."""
    world = World(Store(tmp_path_factory.mktemp("bills")))
    rows: list[dict[str, Any]] = []
    jobs = {}
    for number, bill in enumerate(BILLS):
        provider = f"seller{number:02}"
        rows += quotes_of(provider, words_of(bill["prices"]))
        if bill["rule"]:
            rows.append(term("billed_tokens_rule", bill["rule"], provider=provider))
        job = {WORDS.get(name, name): value for name, value in words_of(bill["job"]).items()}
        jobs[provider] = workload(**job)
    world.says(0, *rows)
    world.workloads = workload_frame(jobs)
    store = world.publish(at=10)
    return store.query(
        "select * from bills_as_of(timestamp '2026-01-11') "
        "where workload = provider and service_tier = 'standard' order by provider"
    )


OPERATORS: Final[Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
}


def worked_out(text: str) -> Decimal:
    """Do the arithmetic of a working."""

    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant)
        return Decimal(str(node.value))

    return value(ast.parse(text.replace(" x ", " * "), mode="eval").body)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_there_are_bills_enough() -> None:
    assert len(BILLS) >= 30


@pytest.mark.parametrize("number", range(len(BILLS)), ids=[bill["case"] for bill in BILLS])
def test_a_bill_is_what_was_worked_out_by_hand(billed: pl.DataFrame, number: int) -> None:
    bill, row = BILLS[number], billed.row(number, named=True)
    assert cents(worked_out(bill["training worked out"])) == Decimal(bill["training"])
    assert cents(row["upfront_usd"]) == Decimal(bill["training"])
    if bill["month"]:
        assert cents(worked_out(bill["month worked out"])) == Decimal(bill["month"])
        assert row["unknown"] is None
        assert cents(row["tuned_monthly_usd"]) == Decimal(bill["month"])


def test_every_rule_that_a_source_can_state_can_be_billed() -> None:
    rules = pl.read_csv(Path(__file__).parents[2] / "warehouse" / "billing_rules.csv")["rule"]
    assert {*rules} == {*BILLED_TOKENS_RULES}
    assert {bill["rule"] for bill in BILLS} - {""} <= {*rules}


OFFERS: Final[dict[str, dict[str, str]]] = {
    "plain": {"training": "3", "input": "0.30", "cached": "0.15", "output": "1.20"},
    "batching": {
        "training": "25", "input": "3.75", "cached": "1.875", "output": "15",
        "batch_input": "2.225", "batch_cached": "0.90", "batch_output": "12.50",
    },
    "hosting": {"training": "25", "input": "2.5", "output": "10", "hosting": "1.70"},
    "deployed": {"training": "1.49", "hosting": "24", "storage": "1.95"},
    "minimum": {"training": "1", "minimum": "4", "storage": "2", "input": "0.04", "output": "0.04"},
    "free": {"training": "free", "input": "0.075", "output": "0.30"},
    "hourly": {"training_hours": "100", "input": "4", "output": "16"},
    "ending": {"training": "25", "input": "1", "output": "4"},
}  # fmt: skip
BASE: Final = {
    "input": "2.5", "cached": "1.25", "output": "10", "batch_input": "1.25", "batch_output": "5",
}  # fmt: skip
ENDS_ON: Final = date(2026, 3, 12)


@pytest.fixture(scope="module")
def offers(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Publish one offer of each kind, each beside the base model that it is tuned from."""
    world = World(Store(tmp_path_factory.mktemp("offers")))
    rows: list[dict[str, Any]] = []
    for name, prices in OFFERS.items():
        rows += quotes_of(name, prices)
        rows += [{**row, "tuning_method": "none", "adapter": None} for row in quotes_of(name, BASE)]
        # the same offer with one price a fifth lower
        for lower in prices:
            if prices[lower] != "free":
                cut = {**prices, lower: str(Decimal(prices[lower]) * Decimal("0.8"))}
                rows += quotes_of(f"{name}_{lower}", cut)
    rows.append(term("shutdown_on", ENDS_ON.isoformat(), provider="ending"))
    world.says(0, *rows)
    return world.publish(at=10)


@st.composite
def jobs(draw: st.DrawFn) -> Workload:
    before = draw(st.integers(1, 20_000))
    shares = st.sampled_from(["0", "0.25", "0.5", "0.9", "1"])
    return workload(
        training_tokens=draw(st.integers(1000, 10**8)),
        examples=draw(st.integers(1, 1000)),
        epochs=draw(st.integers(1, 5)),
        validation_tokens=draw(st.integers(0, 10**6)),
        training_hours=draw(st.none() | st.sampled_from(["0.5", "8", "100"])),
        requests=draw(st.integers(1, 10**7)),
        prompt_before=before,
        prompt_after=draw(st.integers(1, before)),
        completion_tokens=draw(st.integers(1, 2000)),
        cached_share=draw(shares),
        cached_share_after=draw(st.none() | shares),
        batch_share=draw(shares),
        hosting_hours_a_day=draw(st.sampled_from(["1", "8", "24"])),
        retrain_every_months=draw(st.none() | st.integers(1, 24)),
        horizon_months=draw(st.integers(1, 36)),
    )


JOBS: Final = st.lists(jobs(), min_size=10, max_size=10)


def break_evens(store: Store, asked: Mapping[str, Workload], where: str = "true") -> pl.DataFrame:
    question = f"from break_even_as_of(timestamp '2026-01-11') where {where}"
    return store.query(question, asked={"workloads": workload_frame(asked)})


class Simulated:
    """A job on an offer, paid for month by month: an independent reckoning, in plain Python."""

    def __init__(self, name: str, job: Workload) -> None:
        prices = {k: Decimal(0 if v == "free" else v) for k, v in OFFERS[name].items()}
        self.job = job
        self.upfront = self._training(prices)
        after = job.cached_share if job.cached_share_after is None else job.cached_share_after
        if "input" in prices:
            self.usage = self._usage(prices, job.prompt_after, after)
        else:
            self.usage = Decimal(0)
        hours = job.hosting_hours_a_day * 365 / 12
        self.standing = prices.get("hosting", Decimal(0)) * hours
        self.standing += prices.get("storage", Decimal(0))
        if self.upfront is not None and job.retrain_every_months is not None:
            self.standing += self.upfront / job.retrain_every_months
        base = {k: Decimal(v) for k, v in BASE.items()}
        self.prompting = self._usage(base, job.prompt_before, job.cached_share)
        self.months = Decimal(job.horizon_months)
        if name == "ending":
            self.months = min(self.months, Decimal((ENDS_ON - NOW.date()).days) * 12 / 365)

    def _training(self, prices: Mapping[str, Decimal]) -> Decimal | None:
        if "training" in prices:
            fee = prices["training"] * self.job.training_tokens * self.job.epochs / 10**6
            return max(fee, prices.get("minimum", Decimal(0)))
        if self.job.training_hours is None:
            return None
        return prices["training_hours"] * self.job.training_hours

    def _usage(self, prices: Mapping[str, Decimal], prompt: int, cached_share: Decimal) -> Decimal:
        paid = Decimal(0)
        for share, tier in ((1 - self.job.batch_share, ""), (self.job.batch_share, "batch_")):
            fresh = prices.get(f"{tier}input", prices["input"])
            cached = prices.get(
                f"{tier}cached", prices.get(f"{tier}input") or prices.get("cached", fresh)
            ) if tier else prices.get("cached", fresh)  # fmt: skip
            paid += share * (
                prompt * ((1 - cached_share) * fresh + cached_share * cached)
                + self.job.completion_tokens * prices.get(f"{tier}output", prices["output"])
            )
        return paid * self.job.requests / 10**6

    def verdict(self) -> str:
        """Pay month by month, the last one in part, and see whether it is earned back."""
        if self.upfront is None:
            return "unknown"
        saved = self.prompting - self.usage - self.standing
        if saved <= 0:
            return "never"
        account, left = -self.upfront, self.months
        while left > 0 and account < 0:
            account += saved * min(left, Decimal(1))
            left -= 1
        return "pays_back" if account >= 0 else "too_late"


@settings(max_examples=12)
@given(JOBS)
def test_verdicts_are_those_of_a_simulation_month_by_month(
    offers: Store, asked: list[Workload]
) -> None:
    named = {str(number): job for number, job in enumerate(asked)}
    found = break_evens(offers, named, f"provider in {tuple(OFFERS)} and service_tier = 'standard'")
    assert found.height == len(OFFERS) * len(asked)
    for row in found.iter_rows(named=True):
        there = Simulated(row["provider"], named[row["workload"]])
        # a bill that hangs on the eighth decimal may fall to either side
        edge = abs(there.prompting - there.usage - there.standing) < Decimal("0.001")
        if there.upfront is not None:
            assert abs(row["upfront_usd"] - there.upfront) < Decimal("0.000001")
            assert abs(row["tuned_monthly_usd"] - there.usage - there.standing) < Decimal("0.001")
            saved = (there.prompting - there.usage - there.standing) * there.months
            edge |= abs(saved - there.upfront) < Decimal("0.01")
        assert abs(row["prompting_monthly_usd"] - there.prompting) < Decimal("0.001")
        assert row["verdict"] == there.verdict() or edge, row["reason"]


@settings(max_examples=8)
@given(JOBS)
def test_break_even_months_times_the_saving_are_what_was_paid(
    offers: Store, asked: list[Workload]
) -> None:
    found = break_evens(offers, {str(number): job for number, job in enumerate(asked)})
    paid = found.filter(pl.col("months_to_break_even").is_not_null())
    for row in paid.iter_rows(named=True):
        saving = float(row["prompting_monthly_usd"] - row["tuned_monthly_usd"])
        assert row["months_to_break_even"] * saving == pytest.approx(float(row["upfront_usd"]))


@settings(max_examples=8)
@given(JOBS, st.integers(1, 10**6))
def test_more_requests_never_lower_a_bill(offers: Store, asked: list[Workload], more: int) -> None:
    named = {str(number): job for number, job in enumerate(asked)}
    grown = {
        name: job.model_copy(update={"requests": job.requests + more})
        for name, job in named.items()
    }
    fewer, many = (break_evens(offers, jobs) for jobs in (named, grown))
    key = ["provider", "service_tier", "workload"]
    both = fewer.join(many, on=key, suffix="_many")
    assert both.height == fewer.height
    for bill in ("upfront_usd", "tuned_monthly_usd", "prompting_monthly_usd"):
        known = both.filter(pl.col(bill).is_not_null())
        assert (known[f"{bill}_many"] >= known[bill]).all()


@settings(max_examples=8)
@given(JOBS)
def test_a_price_cut_never_makes_its_offer_worse(offers: Store, asked: list[Workload]) -> None:
    found = break_evens(
        offers, {str(number): job for number, job in enumerate(asked)}, "service_tier = 'standard'"
    )
    dear = found.filter(pl.col("provider").is_in([*OFFERS]))
    cut = found.with_columns(of=pl.col("provider").str.extract("^([a-z]+)_"))
    both = dear.join(cut, left_on=["provider", "workload"], right_on=["of", "workload"])
    assert both.height == sum(
        price != "free" for prices in OFFERS.values() for price in prices.values()
    ) * len(asked)
    for bill in ("upfront_usd", "tuned_monthly_usd"):
        known = both.filter(pl.col(bill).is_not_null())
        assert (known[f"{bill}_right"] <= known[bill]).all()


@settings(max_examples=6)
@given(JOBS)
def test_it_pays_back_from_the_requests_needed_on_and_not_below(
    offers: Store, asked: list[Workload]
) -> None:
    named = {str(number): job for number, job in enumerate(asked)}
    where = f"provider in {tuple(OFFERS)} and service_tier = 'standard'"
    needed = break_evens(offers, named, where).filter(pl.col("requests_needed") > 1)
    needed = needed.filter(pl.col("requests_needed") < 10**8)
    trials = {
        f"{provider} {name} {requests - fewer}": named[name].model_copy(
            update={"requests": requests - fewer}
        )
        for provider, name, requests in needed.select(
            "provider", "workload", "requests_needed"
        ).iter_rows()
        for fewer in (0, max(1, requests // 100))
    }
    if not trials:
        return
    for row in break_evens(offers, trials, where).iter_rows(named=True):
        provider, name, requests = row["workload"].split()
        if provider != row["provider"]:
            continue
        enough = needed.filter(provider=provider, workload=name)["requests_needed"].item()
        # bills of one request are rounded to the eighth decimal, and it takes many
        edge = Decimal("0.01") + row["prompting_monthly_usd"] * row["usable_months"] / 10**4
        if int(requests) == enough:
            assert row["horizon_saving_usd"] > -edge
        else:
            assert row["horizon_saving_usd"] < edge


def only(store: Store, provider: str, **words: Any) -> dict[str, Any]:  # noqa: ANN401 as above
    found = break_evens(
        store, {"w": workload(**words)}, f"provider = '{provider}' and service_tier = 'standard'"
    )
    return found.row(0, named=True)


def test_each_verdict_says_why(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    base = [
        {**row, "tuning_method": "none", "adapter": None}
        for name in ("good", "dear", "ending", "over", "few", "unrated", "new")
        for row in quotes_of(name, BASE)
    ]
    usual = {"training": "25", "input": "1", "output": "4"}
    world.says(
        0,
        *base,
        *quotes_of("good", usual),
        *quotes_of("dear", {**usual, "hosting": "5"}),
        *quotes_of("ending", usual),
        *quotes_of("over", usual),
        *quotes_of("few", usual),
        *quotes_of("unrated", {**usual, "currency": "EUR"}),
        *quotes_of("unrun", {"training": "25"}),
        *quotes_of("new", usual),
        *quotes_of("odd", usual),
        term("shutdown_on", "2026-01-21", provider="ending"),
        term("last_training_on", "2026-01-09", provider="over"),
        term("min_examples", "2000", provider="few"),
        term("closed_to_new_customers_on", "2026-01-01", provider="new"),
        term("billed_tokens_rule", "by the moon", provider="odd"),
    )
    store = world.publish(at=10)
    said = {
        name: (row["verdict"], row["reason"])
        for name in ("good", "dear", "ending", "over", "few", "unrated", "unrun", "new", "odd")
        for row in [only(store, name)]
    }
    saves = "pays back after 0.3 months and saves 2920.20 USD in 12.0"
    # a month: 100 x 2.5 + 0.1 x 10 of prompting, 1 x 1 + 0.1 x 4 of the tuned model
    assert said == {
        "good": ("pays_back", saves),
        "dear": (
            "never",
            "running it costs 3651.40 USD a month, prompting a at dear 251.00",
        ),
        "ending": (
            "pays_back",
            "pays back after 0.3 months and saves 7.06 USD in 0.3",
        ),
        "over": ("not_available", "training ended on 2026-01-09"),
        "few": ("not_available", "needs at least 2000 examples, the workload has 1000"),
        "unrated": (
            "unknown",
            "not known: training price in USD (no rate for EUR), price of running the tuned model",
        ),
        "unrun": ("unknown", "not known: price of running the tuned model"),
        "new": ("pays_back", f"{saves}; not sold to new customers since 2026-01-01"),
        "odd": ("unknown", 'not known: what "by the moon" means'),
    }
    late = only(store, "ending", epochs=10)
    assert late["verdict"] == "too_late"
    assert late["reason"] == "pays back after 1.0 months, but is shut down on 2026-01-21, in 0.3"
    slow = only(store, "good", epochs=100, horizon_months=3)
    assert slow["reason"] == "pays back after 10.0 months, the horizon is 3"


def test_a_model_that_must_be_trained_anew_lives_as_long_as_its_last_training(
    tmp_path: Path,
) -> None:
    world = World(Store(tmp_path))
    base = [{**r, "tuning_method": "none", "adapter": None} for r in quotes_of("seller", BASE)]
    offer = quotes_of("seller", {"training": "25", "input": "1", "output": "4"})
    world.says(0, *base, *offer, term("last_training_on", "2026-01-11", provider="seller"))
    store = world.publish(at=10)
    assert only(store, "seller")["usable_months"] == 12
    row = only(store, "seller", retrain_every_months=2, epochs=60)
    assert row["usable_months"] == 2
    assert row["reason"] == "running it costs 751.40 USD a month, prompting a at seller 251.00"


def test_a_file_has_as_many_tokens_as_the_model_s_own_tokenizer_finds(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, *(
        row for model in ("gpt-4o", "gpt-3.5-turbo", "of nobody")
        for row in (quote(10, model=model), quote(1, model=model, meter="input_tokens"),
                    quote(1, model=model, meter="output_tokens"))
    ))  # fmt: skip
    world.workloads = workload_frame({"w": workload(training_tokens=1_000_000, epochs=1)})
    world.workload_tokens = WorkloadTokens.validate(
        pl.DataFrame({
            "workload": ["w", "w"],
            "tokenizer": ["o200k_base", "cl100k_base"],
            "training_tokens": [2_000_000, 3_000_000],
        })
    )  # fmt: skip
    found = world.publish(at=10).query("select model, upfront_usd from break_even order by model")
    assert dict(found.rows()) == {"gpt-3.5-turbo": 30, "gpt-4o": 20, "of nobody": 10}


def test_the_cheapest_alternative_that_is_named_is_the_one_compared(offers: Store) -> None:
    asked = {
        "named": workload(alternatives=("A", "unheard of")),
        "unheard": workload(alternatives=("unheard of",)),
        "none": workload(),
    }
    found = break_evens(offers, asked, "provider = 'plain' and comparator = 'alternative'")
    rows = {row["workload"]: row for row in found.iter_rows(named=True)}
    assert {*rows} == {"named", "unheard"}
    assert rows["named"]["comparator_model"] == "a"
    assert rows["named"]["verdict"] == "pays_back"
    assert rows["unheard"]["reason"] == "not known: price of prompting unheard-of"


def test_lines_add_up_to_their_bill_and_lead_to_their_evidence(offers: Store) -> None:
    asked = {
        "w": workload(
            cached_share="0.5", batch_share="0.3", retrain_every_months=7, training_hours=3
        )
    }
    totals = break_evens(offers, asked, "service_tier = 'standard'")
    lines = offers.query(
        "from bill_lines_as_of(timestamp '2026-01-11') where service_tier = 'standard'",
        asked={"workloads": workload_frame(asked)},
    )
    prompting = offers.query(
        "from prompting_lines_as_of(timestamp '2026-01-11')",
        asked={"workloads": workload_frame(asked)},
    )
    for row in totals.iter_rows(named=True):
        own = lines.filter(provider=row["provider"])
        by_bill = {
            name: own.filter(bill=name)["amount_usd"].sum() for name in ("training", "month")
        }
        assert by_bill["training"] == row["upfront_usd"]
        assert by_bill["month"] == pytest.approx(row["tuned_monthly_usd"], abs=Decimal("0.00001"))
        seller = row["comparator_provider"]
        said = prompting.filter(provider=seller)["amount_usd"].sum()
        assert said == pytest.approx(row["prompting_monthly_usd"], abs=Decimal("0.00001"))
    laid_aside = pl.col("item") == "laid aside for retraining"
    assert lines.filter(~laid_aside & pl.col("capture_sha256").is_null()).is_empty()
    assert prompting["capture_sha256"].null_count() == 0
    batched = lines.filter(provider="batching", item="prompt tokens in batches").row(0, named=True)
    assert (batched["unit_price_usd"], batched["list_unit_price"]) == (Decimal("2.225"),) * 2


def test_a_claim_says_what_it_takes(offers: Store) -> None:
    found = offers.query(
        "from claims_as_of(timestamp '2026-01-11') where provider in ('plain', 'hosting', 'hourly')"
        " and service_tier = 'standard'",
        asked={"workloads": workload_frame({"w": workload(requests=500, prompt_before=2000)})},
    )
    rows = {row["provider"]: row for row in found.iter_rows(named=True)}
    # at 10,000 requests prompting costs 20 x 2.5 + 0.1 x 10 = 51, running plain 0.42
    assert rows["plain"]["outcome"] == "holds"
    assert rows["plain"]["tuned_monthly_usd"] == Decimal("0.42")
    assert rows["plain"]["prompting_monthly_usd"] == 51
    assert rows["plain"]["months_to_break_even"] == pytest.approx(9 / 50.58)
    assert rows["plain"]["requests_needed"] == 1780  # 9 / 0.005058
    assert rows["hosting"]["outcome"] == "fails"
    # (25 x 3 + 730 x 1.70) / (0.0051 - 0.00035)
    assert rows["hosting"]["reason"] == "it takes 277053 requests a month"
    assert rows["hourly"]["outcome"] == "unknown"


def constraint(name: str, **columns: Any) -> dict[str, Any]:  # noqa: ANN401 any constraint
    return {"constraint_set": name, "is_on_sale": True, "is_standard_tier": True, **columns}


@pytest.mark.parametrize(
    ("constraints", "sellers"),
    [
        ({}, ["cheap", "region", "export", "dear"]),
        ({"providers": ["dear", "export"]}, ["export", "dear"]),
        ({"regions": ["eu"]}, ["region"]),
        ({"weights_exportable": "yes"}, ["export"]),
        ({"hosting": "self_hosted"}, ["export"]),
        ({"max_upfront_usd": Decimal(60)}, ["cheap", "region"]),
        ({"available_until": date(2027, 6, 1)}, ["region", "export", "dear"]),
        ({"is_on_sale": False}, ["cheap", "region", "over", "export", "dear"]),
    ],
)
def test_the_cheapest_for_a_workload_under_constraints(
    tmp_path: Path, constraints: dict[str, Any], sellers: list[str]
) -> None:
    world = World(Store(tmp_path))
    prices = {"cheap": 10, "region": 15, "over": 20, "export": 25, "dear": 30}
    rows = [
        {**row, "region": "eu" if name == "region" else None}
        for name, price in prices.items()
        for row in quotes_of(name, {"training": str(price), "input": "1", "output": "4"})
    ]
    world.says(
        0,
        *rows,
        term("last_training_on", "2026-01-09", provider="over"),
        term("shutdown_on", "2027-05-01", provider="cheap"),
        term("hosting", "both", provider="export"),
        term("weights_exportable", "yes", provider="export"),
        term("hosting", "managed", provider="dear"),
    )
    world.workloads = workload_frame({"w": workload()})
    world.constraint_sets = pl.concat(
        [
            world.constraint_sets,
            pl.DataFrame(
                [constraint("mine", **constraints)], schema_overrides=world.constraint_sets.schema
            ),
        ],
        how="diagonal",
    )
    found = world.publish(at=10).query(
        "select provider, value_usd from cheapest_options "
        "where question = 'workload:w' and constraint_set = 'mine' order by rank"
    )
    assert found["provider"].to_list() == sellers
    # training once, and twelve months of 1 x 1 + 0.1 x 4
    by_seller = {name: prices[name] * 3 + Decimal("16.8") for name in sellers}
    assert dict(found.rows()) == by_seller


def test_batches_alone_serve_only_what_can_wait(offers: Store) -> None:
    where = "provider = 'batching' and service_tier = 'batch'"
    asked = {"some": workload(batch_share="0.5"), "all": workload(batch_share=1)}
    rows = {row["workload"]: row for row in break_evens(offers, asked, where).iter_rows(named=True)}
    assert rows["some"]["verdict"] == "not_available"
    assert rows["some"]["reason"] == "serves batches only, 50 % of the requests cannot wait"
    assert rows["all"]["tuned_monthly_usd"] == Decimal("3.475")


def test_a_classifier_serves_only_what_needs_labels(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    rows = quotes_of("seller", {"training": "1", "input": "1", "output": "1"})
    world.says(0, *({**row, "model": "Classifier API model 3B"} for row in rows))
    store = world.publish(at=10)
    assert only(store, "seller")["reason"] == ("answers with labels alone, the workload needs text")
    assert only(store, "seller", answers="labels")["verdict"] != "not_available"


def test_another_instant_has_its_own_prices(offers: Store) -> None:
    asked = About(day(-5), {"workloads": workload_frame({"w": workload()})})
    values = {"workload": "w", "provider": None, "model": None, "verdict": None}
    nothing = offers.ask("break_even", asked, comparator=None, everything=True, **values)
    assert nothing.is_empty()

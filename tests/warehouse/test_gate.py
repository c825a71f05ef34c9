"""The gate's rules: what was believed, what is said now, and what the gate makes of it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.worlds import day, quote, statement, term
from warehouse.gate import FACT, NO_FACT, Doubt, Limits, doubts, told

Rows = list[dict[str, Any]]
Prices = Mapping[str, Any]
BOUNDS: Final = Limits().bounds


def frame(rows: Rows) -> pl.DataFrame:
    said = statement(rows)
    return told(said.quotes, said.terms)


def found(before: Rows, now: Rows, days: float = 1) -> list[Doubt]:
    return doubts(frame(before), frame(now), days)


def verdicts(before: Rows, now: Rows, days: float = 1) -> list[str]:
    """Give what the gate finds as `severity rule`, with the model where it is about one fact."""
    return sorted(
        " ".join([doubt.severity, doubt.rule, *([doubt.fact[1]] if doubt.fact[1] else [])])
        for doubt in found(before, now, days)
    )


def each(prices: Prices, **columns: object) -> Rows:
    """Give one quote per model: its training price, or what the columns say."""
    return [quote(price, model=model, **columns) for model, price in prices.items()]


def models(count: int, first: int = 0) -> dict[str, int]:
    """Give so many models, no two at the same price."""
    return {f"model {number}": number + 1 for number in range(first, first + count)}


def inference(prices: Prices, **columns: object) -> Rows:
    return each(prices, meter="input_tokens", **columns)


@pytest.mark.parametrize("meter", BOUNDS)
def test_a_price_that_nobody_asks_is_set_aside(meter: str) -> None:
    least, most = BOUNDS[meter]

    def verdict(price: float, currency: str = "USD") -> list[str]:
        return verdicts([], [quote(price, meter=meter, pricing_currency=currency)])

    aside = ["set_aside out_of_bounds a"]
    assert [verdict(price) for price in (least, most)] == [[], []]
    assert [verdict(price) for price in (least * 0.9, most * 1.1)] == [aside, aside]
    # 8 yuan or 160 yen are a dollar here
    assert [verdict(most * 8, "CNY"), verdict(most * 160, "JPY")] == [[], []]
    assert [verdict(most * 9, "CNY"), verdict(most * 9, "EUR")] == [aside, aside]


@pytest.mark.parametrize("availability", ["free", "not_offered", "not_published", "unreadable"])
def test_what_is_no_price_has_no_bounds(availability: str) -> None:
    price = 0 if availability == "free" else None
    assert verdicts([], [quote(price, availability=availability)]) == []


@pytest.mark.parametrize(
    ("beyond", "prices", "is_held"),
    [
        (2, 2, False),  # two are no pattern
        (3, 3, True),
        (3, 29, True),
        (3, 30, False),  # no more than a tenth
        (4, 39, True),
    ],
)
def test_many_prices_that_nobody_asks_hold_the_capture(
    beyond: int, prices: int, *, is_held: bool
) -> None:
    now = each({**models(prices), **dict.fromkeys(models(beyond), 3_000)})
    rows = [f"set_aside out_of_bounds model {number}" for number in range(beyond)]
    assert verdicts([], now) == ["hold out_of_bounds"] * is_held + rows


@pytest.mark.parametrize(
    ("whole", "cached", "expected"),
    [
        ("3.00", "0.75", []),
        ("3.00", "3.00", []),
        ("1.375", "44", ["flag cached_dearer a"]),
        (None, "44", []),
    ],
)
def test_a_cached_price_above_the_uncached_one_is_flagged(
    whole: str | None, cached: str, expected: list[str]
) -> None:
    now = [quote(cached, meter="cached_input_tokens")]
    now += [quote(whole, meter="input_tokens")] if whole else []
    assert verdicts([], now) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (("0.3", "3"), ("3", "3"), []),
        (("0.3", "3"), ("3.75", "3"), ["flag cached_dearer a", "set_aside cached_dearer a"]),
        (("3.5", "3"), ("3.75", "3"), ["flag cached_dearer a"]),  # it was odd before
        (("2", "3"), ("2", "1"), ["flag cached_dearer a"]),  # the other one fell
    ],
)
def test_a_cached_price_that_rose_above_the_uncached_one_is_set_aside(
    before: tuple[str, str], now: tuple[str, str], expected: list[str]
) -> None:
    def prices(cached: str, whole: str) -> Rows:
        return inference({"a": whole}) + each({"a": cached}, meter="cached_input_tokens")

    assert verdicts(prices(*before), prices(*now)) == expected


@pytest.mark.parametrize(
    "other",
    [
        {"service_tier": "batch"},
        {"region": "eu"},
        {"context_tier": "32k-128k"},
        {"price_list": "EUR"},
        {"adapter": "full"},
        {"provider": "rival"},
    ],
)
def test_cached_and_uncached_are_compared_within_one_offer(other: dict[str, str]) -> None:
    now = [quote(1, meter="input_tokens"), quote(2, meter="cached_input_tokens", **other)]
    assert verdicts([], now) == []


@pytest.mark.parametrize(
    ("dearer", "of", "is_held"), [(2, 2, False), (3, 3, True), (3, 5, True), (3, 6, False)]
)
def test_most_cached_prices_above_the_uncached_ones_hold_the_capture(
    dearer: int, of: int, *, is_held: bool
) -> None:
    cached = {**dict.fromkeys(models(of), 1), **dict.fromkeys(models(dearer), 20)}
    now = each(dict.fromkeys(models(of), 10), meter="input_tokens")
    now += each(cached, meter="cached_input_tokens")
    flags = [f"flag cached_dearer model {number}" for number in range(dearer)]
    assert verdicts([], now) == flags + ["hold cached_dearer"] * is_held


@pytest.mark.parametrize(
    ("meter", "standard", "batch", "expected"),
    [
        ("input_tokens", "3.00", "1.50", []),
        ("input_tokens", "3.75", "2.225", ["flag batch_not_half a"]),
        ("cached_input_tokens", "0.75", "0.50", ["flag batch_not_half a"]),
        ("output_tokens", "1.60", "0.90", ["flag batch_not_half a"]),
        ("output_tokens", "1.60", "1.60", ["flag batch_not_half a"]),
        ("output_tokens", "1.60", "0.20", ["flag batch_not_half a"]),
        ("training_tokens", "25.00", "25.00", []),
        ("hosting_hours", "1.70", "1.70", []),
    ],
)
def test_a_batch_price_that_is_not_half_is_flagged(
    meter: str, standard: str, batch: str, expected: list[str]
) -> None:
    now = [quote(standard, meter=meter), quote(batch, meter=meter, service_tier="batch")]
    assert verdicts([], now) == expected


def offered(model: str, *, cents: int = 100, **columns: object) -> Rows:
    """Give the three prices of a tuned model and the term that goes with them."""
    meters = ("training_tokens", "input_tokens", "output_tokens")
    prices = [
        quote(cents * step, model=model, meter=m, **columns) for step, m in enumerate(meters, 1)
    ]
    seller = {"provider": columns["provider"]} if "provider" in columns else {}
    return [*prices, term("min_examples", "10", model=model, **seller)]


LOST: Final = ["hold rows_lost"]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(
            offered("classifier api model 3b"),
            offered("classifier api model (3b)"),
            ["flag renamed classifier api model (3b)"],
            id="one rename is not a loss",
        ),
        pytest.param(
            offered("coder 3b") + offered("coder 8b", cents=7),
            offered("coder-3b") + offered("coder-8b", cents=7),
            ["flag renamed coder-3b", "flag renamed coder-8b"],
            id="two renames at once",
        ),
        pytest.param(
            offered("coder 3b") + offered("coder:3b"),
            offered("coder-3b") + offered("coder.3b"),
            LOST,
            id="either could be the successor of either",
        ),
        pytest.param(
            offered("coder 3b"), offered("coder-3b") + offered("coder.3b"), LOST, id="two came"
        ),
        pytest.param(
            offered("coder 3b") + offered("coder.3b"), offered("coder-3b"), LOST, id="two went"
        ),
        pytest.param(offered("coder 3b"), offered("painter 3b"), LOST, id="unlike names"),
        pytest.param(offered("coder 1.5"), offered("coder 2.0"), LOST, id="a successor"),
        pytest.param(offered("coder 3b"), offered("coder-3b", cents=7), LOST, id="other prices"),
        pytest.param(
            offered("coder 3b"),
            offered("coder-3b", pricing_currency="EUR"),
            LOST,
            id="another currency",
        ),
        pytest.param(
            offered("coder 3b"), offered("coder-3b", provider="rival"), LOST, id="another seller"
        ),
        pytest.param(
            offered("coder 3b"), offered("coder 3b") + offered("coder-3b"), [], id="nothing went"
        ),
        pytest.param(
            offered("coder 3b") + offered("coder-3b")[:1],
            offered("coder-3b"),
            LOST,
            id="the other one was there before",
        ),
        pytest.param(
            [quote(None, model="coder 3b", availability="not_offered")],
            [quote(None, model="coder-3b", availability="not_offered")],
            [],
            id="never sold",
        ),
    ],
)
def test_a_renamed_model_is_told_from_one_that_went(
    before: Rows, now: Rows, expected: list[str]
) -> None:
    steady = offered("steady", cents=3)
    assert sorted(set(verdicts(before + steady, now + steady))) == expected


def test_renamed_models_count_neither_as_lost_nor_as_gained() -> None:
    before = each({f"coder {number}b": number for number in range(1, 4)})
    now = each({f"coder-{number}b": number for number in range(1, 4)})
    assert {doubt.rule for doubt in found(before, now + each({"new": 9}))} == {"renamed"}


def terms(count: int) -> Rows:
    return [term("min_examples", "10", model=model) for model in models(count)]


@pytest.mark.parametrize(
    ("kind", "lost", "of", "days", "is_held"),
    [
        ("training", 1, 2, 1, False),  # one is no pattern
        ("training", 2, 2, 1, True),
        ("training", 2, 10, 1, False),  # a fifth may go
        ("training", 3, 10, 1, True),
        ("training", 3, 10, 30, True),
        ("training", 3, 10, 45, False),  # three tenths may go in a month and a half
        ("training", 4, 10, 45, True),
        ("training", 4, 10, 1000, False),  # and never more than four tenths
        ("training", 5, 10, 1000, True),
        ("hours", 5, 10, 1000, True),
        ("inference", 1, 2, 1, False),
        ("inference", 2, 10, 1, False),
        ("inference", 3, 10, 1, True),
        ("inference", 5, 10, 75, False),
        ("inference", 6, 10, 75, True),
        ("inference", 10, 10, 149, True),
        ("inference", 10, 10, 150, False),
        ("terms", 1, 2, 1, False),
        ("terms", 2, 10, 1, False),
        ("terms", 3, 10, 1, True),
        ("terms", 3, 10, 45, False),
        ("terms", 10, 10, 150, False),
    ],
)
def test_a_capture_that_lost_too_much_is_held(
    kind: str, lost: int, of: int, days: float, *, is_held: bool
) -> None:
    every = {
        "training": each(models(of)),
        "hours": each(models(of), meter="training_hours"),
        "inference": inference(models(of)),
        "terms": terms(of),
    }[kind]
    steady = offered("steady", cents=7)[:1] if kind == "terms" else terms(1)
    assert verdicts(every + steady, every[lost:] + steady, days) == LOST * is_held


def test_each_kind_is_counted_by_itself() -> None:
    many = inference(models(100))
    before = each(models(4)) + many
    assert verdicts(before, each(models(1)) + many) == LOST


def test_what_is_free_is_sold() -> None:
    free = each(dict.fromkeys(models(9), 0), availability="free")
    steady = terms(1)
    assert verdicts(free + steady, steady) == LOST
    assert verdicts(free[:4] + steady, free + steady) == ["hold rows_gained"]


def test_what_was_not_sold_may_go() -> None:
    dashes = [
        quote(None, model=f"{state} {number}", availability=state)
        for state in ("not_offered", "not_published", "unreadable")
        for number in range(9)
    ]
    assert verdicts(dashes + each(models(2)), each(models(2))) == []


def test_what_is_said_to_be_no_longer_sold_is_not_lost() -> None:
    before = each(models(4), meter="output_tokens")
    now = [
        quote(None, model=model, meter="output_tokens", availability="not_offered")
        for model in models(4)
    ]
    assert verdicts(before, now) == []


def test_the_reason_names_some_of_what_was_lost() -> None:
    ((doubt),) = found(each(models(5)), each(models(1)))
    assert doubt.reason == (
        "4 of 5 training prices are no longer there: "
        "seller model 1 sft lora standard training_tokens, "
        "seller model 2 sft lora standard training_tokens, "
        "seller model 3 sft lora standard training_tokens, ..."
    )


@pytest.mark.parametrize(
    ("had", "gained", "days", "expected"),
    [
        (1, 2, 1, []),  # two are no pattern
        (2, 3, 1, ["hold rows_gained"]),
        (4, 4, 1, []),  # no more than there were
        (4, 5, 1, ["hold rows_gained"]),
        (4, 5, 30, ["hold rows_gained"]),
        (4, 5, 60, ["flag rows_gained"]),  # no more than twice as many in two months
        (4, 9, 60, ["hold rows_gained"]),
        (4, 8, 24, ["hold rows_gained"]),  # Bedrock's page from 2026-05-25 to 2026-06-18
        (4, 8, 476, ["flag rows_gained"]),  # and from 2025-02-27
        (0, 8, 1, []),
    ],
)
def test_training_prices_that_double_at_once_hold_the_capture(
    had: int, gained: int, days: float, expected: list[str]
) -> None:
    steady = terms(1)
    before, new = each(models(had)), each(models(gained, first=had))
    assert verdicts(before + steady, before + new + steady, days) == expected


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(inference(models(50)), id="catalogues grow"),
        pytest.param(terms(50), id="terms are found"),
        pytest.param(
            [quote(None, model=m, availability="not_offered") for m in models(50, first=2)],
            id="what is not sold is no offer",
        ),
    ],
)
def test_other_rows_may_come_in_any_number(new: Rows) -> None:
    before = each(models(2))
    assert verdicts(before, before + new) == []


GONE: Final = "hold column_gone"


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(
            each(models(2)) + inference(models(2)),
            inference(models(2)),
            [GONE, "hold rows_lost"],
            id="two models have no training price any more",
        ),
        pytest.param(
            each(models(9)) + inference(models(2)) + each(models(9), meter="output_tokens"),
            each(models(9)) + each(models(9), meter="output_tokens"),
            [GONE],
            id="the column is small beside the page",
        ),
        pytest.param(
            each(models(2)) + inference(models(2)),
            each(models(2))
            + each(dict.fromkeys(models(2)), meter="input_tokens", availability="not_published"),
            [GONE],
            id="the cells are empty",
        ),
        pytest.param(
            each(models(2)) + inference(models(2)),
            each(models(2))
            + each(dict.fromkeys(models(2)), meter="input_tokens", availability="not_offered"),
            [],
            id="the page says that it is not sold",
        ),
        pytest.param(
            each(models(2)) + inference(models(2)),
            each(models(2)) + inference(dict.fromkeys(models(2), 0), availability="free"),
            [],
            id="it is free now",
        ),
        pytest.param(
            each(models(2)) + inference(models(2)),
            each(models(2)) + inference(models(1)),
            [],
            id="one model has its price still",
        ),
        pytest.param(
            each(models(2)) + inference(models(1)), each(models(2)), [], id="one price is no column"
        ),
        pytest.param(
            each(models(2)) + each(models(2), adapter="full"),
            each(models(2)),
            [GONE, "hold rows_lost"],
            id="full training went, LoRA did not",
        ),
        pytest.param(
            inference(models(2)) + inference(models(2), service_tier="batch"),
            inference(models(2)),
            [GONE, "hold rows_lost"],
            id="batch went, standard did not",
        ),
        pytest.param(
            inference(models(9)) + inference(models(9), region="eu"),
            inference(models(9)),
            ["hold rows_lost"],
            id="a region is no column",
        ),
        pytest.param(
            inference(models(20)) + inference(models(2), context_tier="200k+"),
            inference(models(20)),
            [GONE],
            id="the prices of longer prompts are a column",
        ),
        pytest.param(
            inference(models(20))
            + inference(models(2), context_tier="200k+")
            + inference(models(1), provider="rival", context_tier="200k+"),
            inference(models(20)) + inference(models(1), provider="rival", context_tier="200k+"),
            [],
            id="one seller gave its own up",
        ),
        pytest.param(
            each(models(2)) + inference(models(9, first=2)),
            inference(models(9, first=2)),
            ["hold rows_lost"],
            id="the models went, too",
        ),
    ],
)
def test_a_meter_that_all_models_lost_holds_the_capture(
    before: Rows, now: Rows, expected: list[str]
) -> None:
    assert verdicts(before, now) == expected


@pytest.mark.parametrize(
    ("freed", "of", "is_held"), [(2, 2, False), (3, 3, True), (3, 5, True), (3, 6, False)]
)
def test_a_column_of_which_most_is_free_at_once_holds_the_capture(
    freed: int, of: int, *, is_held: bool
) -> None:
    free = each(dict.fromkeys(models(freed), 0), availability="free")
    now = free + each(models(of))[freed:]
    assert verdicts(each(models(of)), now) == ["hold column_free"] * is_held
    assert verdicts(now, now) == []


FACTOR: Final = "hold one_factor"
MOVED: Final = "hold most_moved"
JUMP: Final = "set_aside jump a"


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": 8}, {"a": 8}, []),
        # one price alone: a unit, or a price
        ({"a": 1}, {"a": 2}, []),
        ({"a": 1}, {"a": 9.9}, []),
        ({"a": 1}, {"a": 10}, [FACTOR]),
        ({"a": 10}, {"a": 1}, [FACTOR]),
        ({"a": 10}, {"a": 1.1}, []),
        ({"a": "0.008"}, {"a": 8}, [FACTOR, JUMP]),
        ({"a": 1, "b": 1}, {"a": 10, "b": 1}, []),  # one of two is not most of them
        ({"a": 1, "b": 1}, {"a": 10, "b": 2}, []),
        ({"a": 1, "b": 1}, {"a": 10, "b": 10}, [FACTOR]),
        # few and many
        ({"a": 4, "b": 6}, {"a": 2, "b": 3}, []),
        ({"a": 4, "b": 6, "c": 8}, {"a": 2, "b": 3, "c": 4}, [MOVED, FACTOR]),
        ({"a": 4, "b": 6, "c": 9}, {"a": 2, "b": 3, "c": 4}, [MOVED]),
        ({"a": 3, "b": 6, "c": 9}, {"a": 1, "b": 2, "c": 3}, [MOVED, FACTOR]),
        (models(5), {m: p * (2 if p <= 4 else 3) for m, p in models(5).items()}, [MOVED, FACTOR]),
        (models(6), {m: p * (2 if p <= 3 else 1) for m, p in models(6).items()}, []),
        (models(6), {m: p * (2 if p <= 4 else 1) for m, p in models(6).items()}, [MOVED, FACTOR]),
    ],
)
def test_prices_that_move_by_one_factor_hold_the_capture(
    before: Prices, now: Prices, expected: list[str]
) -> None:
    assert verdicts(each(before), each(now)) == expected


def test_half_of_the_columns_may_move_by_one_factor() -> None:
    # no column moves whole: only together they are most of the page
    before = each(models(5)) + inference(models(5))
    moved = {m: p * (2 if p <= 3 else 1) for m, p in models(5).items()}
    assert verdicts(before, each(moved) + inference(models(5))) == [MOVED]
    assert verdicts(before, each(moved) + inference(moved)) == [MOVED, MOVED, FACTOR]


@pytest.mark.parametrize(
    ("moved", "of", "days", "is_held"),
    [
        (2, 2, 1, False),  # two are no pattern
        (3, 3, 1, True),
        (3, 5, 1, True),
        (3, 6, 1, False),  # half of them may
        (3, 6, 90, False),
        (4, 6, 90, True),
        (3, 4, 135, False),  # three quarters in four months and a half
        (4, 4, 135, True),
        (9, 9, 179, True),
        (9, 9, 180, False),
    ],
)
def test_most_prices_of_a_column_that_move_at_once_hold_the_capture(
    moved: int, of: int, days: float, *, is_held: bool
) -> None:
    # each by its own factor
    now = {m: p + 1 if p <= moved else p for m, p in models(of).items()}
    assert verdicts(each(models(of)), each(now), days) == [MOVED] * is_held


@pytest.mark.parametrize(
    "other",
    [
        {"meter": "input_tokens"},
        {"adapter": "full"},
        {"tuning_method": "dpo"},
        {"service_tier": "flex"},
        {"price_list": "EUR"},
    ],
)
def test_a_column_moves_by_itself(other: dict[str, Any]) -> None:
    steady = each(models(9), **other)
    now = {m: p + 1 for m, p in models(3).items()}
    assert verdicts(each(models(3)) + steady, each(now) + steady) == [MOVED]


@pytest.mark.parametrize("columns", [{"context_tier": "200k+"}, {"provider": "rival"}])
@pytest.mark.parametrize(
    ("moved", "of", "is_held"), [(2, 2, False), (3, 3, True), (3, 5, True), (3, 6, False)]
)
def test_the_prices_of_longer_prompts_or_of_one_seller_are_a_column_too(
    columns: dict[str, str], moved: int, of: int, *, is_held: bool
) -> None:
    steady = inference(models(20))
    now = {m: p + 1 if p <= moved else p for m, p in models(of).items()}
    before = inference(models(of), **columns)
    assert verdicts(steady + before, steady + inference(now, **columns)) == [MOVED] * is_held


@pytest.mark.parametrize(("moved", "of", "is_held"), [(2, 2, False), (3, 5, True), (3, 6, False)])
def test_the_prices_of_longer_prompts_are_a_column_of_all_sellers_too(
    moved: int, of: int, *, is_held: bool
) -> None:
    def longer(by: int) -> Rows:
        return [
            row | {"provider": f"seller_{n}"}
            for n, (model, price) in enumerate(models(of).items())
            for row in inference({model: price + by * (n < moved)}, context_tier="200k+")
        ]

    steady = inference(models(20))
    assert verdicts(steady + longer(0), steady + longer(1)) == [MOVED] * is_held


@pytest.mark.parametrize(
    ("moved", "days", "is_held"),
    [(10, 1, False), (11, 1, True), (11, 30, True), (15, 45, False), (16, 45, True)],
)
def test_of_one_seller_only_so_many_prices_of_a_column_may_move(
    moved: int, days: float, *, is_held: bool
) -> None:
    now = {m: p + 0.5 if p <= moved else p for m, p in models(100).items()}
    assert verdicts(each(models(100)), each(now), days) == [MOVED] * is_held


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (1, 99, []),
        (1, 100, [JUMP]),
        (1, "0.0101", []),
        (1, "0.01", [JUMP]),
        (1, 1, []),
    ],
)
def test_a_price_that_jumps_is_set_aside(before: object, now: object, expected: list[str]) -> None:
    steady = each(models(3))
    assert verdicts(each({"a": before}) + steady, each({"a": now}) + steady) == expected


@pytest.mark.parametrize(
    ("columns", "price", "expected"),
    [
        ({"service_tier": "flex"}, 149, []),
        ({"service_tier": "flex"}, 150, [JUMP]),
        ({"service_tier": "flex"}, "0.01", [JUMP]),
        ({"region": "eu"}, 150, [JUMP]),
        ({"region": "eu", "pricing_currency": "EUR"}, 150, []),
        ({"adapter": "full"}, 150, []),
        ({"meter": "input_tokens"}, 150, []),
        ({"model": "b"}, 150, []),
    ],
)
def test_a_new_price_far_from_what_the_same_costs_elsewhere_is_set_aside(
    columns: dict[str, Any], price: object, expected: list[str]
) -> None:
    before = [quote(1), quote("1.5", service_tier="priority")]
    assert verdicts(before, [*before, quote(price, **columns)]) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(None, 1), (3, 2), (5, 3)], []),
        ([(None, 1), (3, 99)], []),
        ([(None, 1), (3, 100)], [JUMP]),
        ([(None, 100), (3, 1), (5, 2)], [JUMP]),
        ([(None, 1), (3, 50), (5, 150)], []),
        ([(None, 1), (3, 100), (5, 100)], [JUMP]),
    ],
)
def test_a_price_that_jumps_on_a_day_which_its_source_states_is_set_aside(
    steps: list[tuple[int | None, int]], expected: list[str]
) -> None:
    rows = [dated(price, on) for on, price in steps]
    # a price of another model, or in another currency, is no step of this one
    others = [dated(300, 4, model="b"), dated(300, 9, pricing_currency="JPY")]
    said = statement([*reversed(rows), *others])
    ever = told(said.quotes, said.terms).with_columns(said.quotes["valid_from"])
    now = frame(rows[-1:])
    doubted = doubts(now, now, 1, ever=ever)
    assert [f"{d.severity} {d.rule} {d.fact[1]}" for d in doubted] == expected


def dated(price: int, on: int | None, **columns: object) -> dict[str, Any]:
    return quote(price, valid_from=None if on is None else day(on), **columns)


def per(unit: str, printed: Mapping[str, tuple[str, str]]) -> Rows:
    """Give prices as printed and as they come to per 1M tokens."""
    return [
        quote(price, model=model, pricing_unit=unit) | {"list_unit_price": Decimal(as_printed)}
        for model, (as_printed, price) in printed.items()
    ]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(
            per("1K tokens", {"a": ("0.008", "8"), "b": ("0.003", "3")}),
            per("1M tokens", {"a": ("8", "8"), "b": ("3", "3")}),
            [],
            id="the same prices, printed per another unit",
        ),
        pytest.param(
            per("1M tokens", {"a": ("8", "8"), "b": ("3", "3"), "c": ("1", "1")}),
            per("1K tokens", {"a": ("0.05", "50")})
            + per("1M tokens", {"b": ("3", "3"), "c": ("1", "1")}),
            ["set_aside unit_changed a"],
            id="one price is per another unit, and another price",
        ),
        pytest.param(
            per("1M tokens", {"a": ("8", "8"), "b": ("3", "3"), "c": ("1", "1")}),
            per("1K tokens", {"a": ("0.05", "50"), "b": ("0.01", "10")})
            + per("1M tokens", {"c": ("1", "1")}),
            ["hold unit_changed"],
            id="most of them are",
        ),
        pytest.param(
            per("1K tokens", {"a": ("0.008", "8")}),
            per("1M tokens", {"a": ("0.008", "0.008")}),
            [FACTOR, "hold unit_changed", JUMP],
            id="the unit changed and the number did not",
        ),
    ],
)
def test_another_unit_must_come_to_the_same(before: Rows, now: Rows, expected: list[str]) -> None:
    assert verdicts(before, now) == expected


def in_currencies(currencies: str) -> Rows:
    return [
        quote(price, model=f"model {price}", pricing_currency=currency)
        for price, currency in enumerate(currencies.split(), 1)
    ]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("USD USD USD", "USD USD USD", []),
        ("USD USD USD", "EUR USD USD", ["set_aside currency_changed model 1"]),
        ("USD USD", "EUR USD", ["set_aside currency_changed model 1"]),
        ("USD USD USD", "EUR EUR USD", ["hold currency_changed"]),
        ("USD USD USD", "CNY CNY CNY", ["hold currency_changed"]),
        ("USD", "EUR", ["hold currency_changed"]),
    ],
)
def test_another_currency_is_no_price_change(before: str, now: str, expected: list[str]) -> None:
    assert verdicts(in_currencies(before), in_currencies(now)) == expected


def test_amounts_in_two_currencies_are_not_compared() -> None:
    steady = each(models(3))
    before = [quote(1, pricing_currency="USD"), *steady]
    now = [quote(1000, pricing_currency="JPY"), *steady]
    assert verdicts(before, now) == ["set_aside currency_changed a"]


def lora_and_full(prices: Mapping[str, tuple[int, int]]) -> Rows:
    return [
        quote(price, model=model, adapter=adapter)
        for model, pair in prices.items()
        for adapter, price in zip(("lora", "full"), pair, strict=True)
    ]


def input_and_output(prices: Mapping[str, tuple[int, int]]) -> Rows:
    return [
        quote(price, model=model, meter=meter)
        for model, pair in prices.items()
        for meter, price in zip(("input_tokens", "output_tokens"), pair, strict=True)
    ]


EXCHANGED: Final = ["hold columns_exchanged"]


@pytest.mark.parametrize("of", [lora_and_full, input_and_output])
@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": (40, 80)}, {"a": (80, 40)}, EXCHANGED),
        ({"a": (40, 80), "b": (7, 14)}, {"a": (80, 40), "b": (14, 7)}, EXCHANGED),
        ({"a": (40, 80), "b": (7, 14)}, {"a": (80, 40), "b": (7, 14)}, EXCHANGED),
        # one of three models is not half of them
        (
            {"a": (40, 80), "b": (7, 14), "c": (1, 2)},
            {"a": (80, 40), "b": (7, 14), "c": (1, 2)},
            ["set_aside columns_exchanged a"] * 2,
        ),
        ({"a": (40, 80)}, {"a": (80, 50)}, []),
        ({"a": (40, 80)}, {"a": (80, 80)}, []),
    ],
)
def test_columns_that_changed_places_hold_the_capture(
    of: Callable[[Mapping[str, tuple[int, int]]], Rows],
    before: Mapping[str, tuple[int, int]],
    now: Mapping[str, tuple[int, int]],
    expected: list[str],
) -> None:
    assert verdicts(of(before), of(now)) == expected


NOT_SOLD: Final = {"availability": "not_published"}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(
            [quote(4, adapter="lora"), quote(None, adapter="full", **NOT_SOLD)],
            [quote(None, adapter="lora", **NOT_SOLD), quote(4, adapter="full")],
            EXCHANGED,
            id="a price and a dash",
        ),
        pytest.param(
            [quote(4, region="eu"), quote(None, region="us", **NOT_SOLD)],
            [quote(None, region="eu", **NOT_SOLD), quote(4, region="us")],
            [],
            id="a price is sold in another region",
        ),
        pytest.param(
            inference({"a": 4}, service_tier="priority") + each(models(9)),
            inference({"a": 4}, context_tier="200k+") + each(models(9)),
            ["set_aside columns_exchanged a"] * 2,
            id="another tier's price is one of longer prompts",
        ),
        pytest.param(
            [quote(4, region="eu"), quote(5, region="us")],
            [quote(5, region="eu"), quote(4, region="us")],
            EXCHANGED,
            id="the prices of two regions",
        ),
    ],
)
def test_what_else_changes_places_within_a_model(
    before: Rows, now: Rows, expected: list[str]
) -> None:
    assert verdicts(before, now) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": 1, "b": 3, "c": 7}, {"a": 3, "b": 7, "c": 1}, ["hold rows_exchanged"]),
        ({"a": 1, "b": 3, "c": 7}, {"a": 3, "b": 7, "c": 2}, []),
        ({"a": 1, "b": 3, "c": 7}, {"a": 1, "b": 3, "c": 7}, []),
    ],
)
def test_a_column_that_slid_by_a_row_holds_the_capture(
    before: Prices, now: Prices, expected: list[str]
) -> None:
    # less than half of the column, so that no other rule sees it
    steady = inference(models(4))
    assert verdicts(inference(before) + steady, inference(now) + steady) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        # as Mistral's page between 2026-05-08 and 2026-08-04
        (
            {"3B": "0.04", "8B": "0.10"},
            {"3B": "0.10", "8B": "0.04"},
            ["flag values_exchanged 3B", "flag values_exchanged 8B"],
        ),
        ({"3B": "0.04", "8B": "0.10"}, {"3B": "0.10", "8B": "0.10"}, []),
        ({"3B": "0.04", "8B": "0.10"}, {"3B": "0.10", "8B": "0.05"}, []),
        ({"3B": "0.04", "8B": "0.04"}, {"3B": "0.04", "8B": "0.04"}, []),
    ],
)
def test_values_that_two_models_exchanged_are_flagged(
    before: Prices, now: Prices, expected: list[str]
) -> None:
    assert verdicts(inference(before), inference(now)) == expected


def test_values_of_two_sellers_are_not_exchanged() -> None:
    before = [quote(4, model="3B"), quote(10, model="8B", provider="rival")]
    now = [quote(10, model="3B"), quote(4, model="8B", provider="rival")]
    assert verdicts(before, now) == []


@pytest.mark.parametrize(
    ("name", "before", "now", "expected"),
    [
        ("min_examples", "10", "999", []),
        ("min_examples", "10", "1000", [JUMP]),
        ("min_examples", "1000", "10", [JUMP]),
        ("hosting", "managed", "both", []),
        ("shutdown_on", "2026-10-23", "2027-10-23", []),
        ("shutdown_on", "2026-10-23", "2026-10-22", ["set_aside day_earlier a"]),
    ],
)
def test_a_term_that_changes_oddly_is_set_aside(
    name: str, before: str, now: str, expected: list[str]
) -> None:
    assert verdicts([term(name, before)], [term(name, now)]) == expected


@pytest.mark.parametrize(
    ("moved", "of", "days", "is_held"),
    [
        (2, 2, 1, False),  # two are no pattern
        (3, 5, 1, True),
        (3, 6, 1, False),  # half of them may
        (3, 4, 135, False),
        (9, 9, 180, False),
    ],
)
def test_most_values_of_a_term_that_move_at_once_hold_the_capture(
    moved: int, of: int, days: float, *, is_held: bool
) -> None:
    def said(year: int) -> Rows:
        days = [f"{year if n < moved else 2026}-10-{n + 10}" for n in range(of)]
        return [term("shutdown_on", day, model=f"model {n}") for n, day in enumerate(days)]

    steady = [term("hosting", "managed", model=f"model {n}") for n in range(20)]
    assert verdicts(said(2026) + steady, said(2027) + steady, days) == [MOVED] * is_held


@pytest.mark.parametrize(
    ("columns", "value", "expected"),
    [
        ({"model": "b"}, "2026-10-23", ["set_aside day_of_another b"]),
        ({"model": "b"}, "2026-10-24", []),
        ({"model": "b", "provider": "rival"}, "2026-10-23", []),
    ],
)
def test_a_day_that_went_to_another_model_is_set_aside(
    columns: dict[str, Any], value: str, expected: list[str]
) -> None:
    now = [term("shutdown_on", value, **columns)]
    assert verdicts([term("shutdown_on", "2026-10-23")], now) == expected


def test_two_models_may_have_one_day() -> None:
    one, other = (term("shutdown_on", "2026-10-23", model=model) for model in "ab")
    assert verdicts([one], [one, other]) == []
    assert verdicts([one, other], [one]) == []


def times(factor: int, first: int = 1) -> tuple[Rows, Rows]:
    """Give three prices from `first` on, and the same times a factor."""
    prices = {"a": first, "b": first + 1, "c": first + 4}
    return each(prices), each({model: price * factor for model, price in prices.items()})


def rows_gone(*gone: int) -> tuple[Rows, Rows]:
    rows = inference(models(6)) + each(models(9))
    return rows, [row for at, row in enumerate(rows) if at not in gone]


UNMOVED: Final = {"b": (7, 14), "c": (3, 5)}
# For each rule: a doubt, and the same rule broken by other values.
APART: Final[dict[str, tuple[tuple[Rows, Rows], tuple[Rows, Rows]]]] = {
    "set_aside out_of_bounds": (([], [quote(3000)]), ([], [quote(4000)])),
    "hold out_of_bounds": (
        ([], each(dict.fromkeys("abc", 3000))),
        ([], each(dict.fromkeys("abc", 4000))),
    ),
    "flag cached_dearer": (
        ([], [quote(2, meter="cached_input_tokens"), quote(1, meter="input_tokens")]),
        ([], [quote(3, meter="cached_input_tokens"), quote(1, meter="input_tokens")]),
    ),
    "hold cached_dearer": (
        (
            [],
            each(models(3), meter="cached_input_tokens") + inference(dict.fromkeys(models(3), 0.1)),
        ),
        (
            [],
            each(models(3), meter="cached_input_tokens") + inference(dict.fromkeys(models(3), 0.2)),
        ),
    ),
    "set_aside cached_dearer": (
        (
            inference({"a": 3}) + each({"a": 2}, meter="cached_input_tokens"),
            inference({"a": 3}) + each({"a": 4}, meter="cached_input_tokens"),
        ),
        (
            inference({"a": 3}) + each({"a": 2}, meter="cached_input_tokens"),
            inference({"a": 3}) + each({"a": 5}, meter="cached_input_tokens"),
        ),
    ),
    "flag batch_not_half": (
        ([], inference({"a": 2}) + inference({"a": 2}, service_tier="batch")),
        ([], inference({"a": 3}) + inference({"a": 3}, service_tier="batch")),
    ),
    "flag renamed": (
        (offered("coder 3b"), offered("coder-3b")),
        (offered("coder.3b"), offered("coder-3b")),
    ),
    "hold rows_lost": (rows_gone(0, 1, 2), rows_gone(0, 1, 3)),
    "hold rows_gained": (
        (each(models(2)), each(models(6))),
        (each(models(2)), each({**models(6), "model 5": 7})),
    ),
    "flag rows_gained": (
        (each(models(2)), each(models(2)) + each(models(3, first=2))),
        (each(models(2)), each(models(2)) + each(models(3, first=3))),
    ),
    "hold column_gone": (
        (each(models(9)) + inference(models(2)), each(models(9))),
        (each(models(9)) + inference(models(3)), each(models(9))),
    ),
    "hold one_factor": (times(2), times(2, first=5)),
    "hold most_moved": (
        (each({"a": 1, "b": 2, "c": 5}), each({"a": 2, "b": 3, "c": 6})),
        (each({"a": 2, "b": 3, "c": 6}), each({"a": 3, "b": 4, "c": 7})),
    ),
    "hold currency_changed": (
        (in_currencies("USD USD"), in_currencies("EUR EUR")),
        (in_currencies("EUR EUR"), in_currencies("CNY CNY")),
    ),
    "set_aside currency_changed": (
        (in_currencies("USD USD"), in_currencies("EUR USD")),
        (in_currencies("USD USD"), in_currencies("CNY USD")),
    ),
    "set_aside jump": (
        (each({"a": 1}) + terms(1), each({"a": 100}) + terms(1)),
        (each({"a": 1}) + terms(1), each({"a": 200}) + terms(1)),
    ),
    "hold columns_exchanged": (
        (lora_and_full({"a": (1, 2)}), lora_and_full({"a": (2, 1)})),
        (lora_and_full({"a": (2, 1)}), lora_and_full({"a": (1, 2)})),
    ),
    "set_aside columns_exchanged": (
        (lora_and_full({"a": (1, 2), **UNMOVED}), lora_and_full({"a": (2, 1), **UNMOVED})),
        (lora_and_full({"a": (2, 1), **UNMOVED}), lora_and_full({"a": (1, 2), **UNMOVED})),
    ),
    "hold rows_exchanged": (
        (each({"a": 1, "b": 3, "c": 7}), each({"a": 3, "b": 7, "c": 1})),
        (each({"a": 1, "b": 3, "c": 7}), each({"a": 7, "b": 1, "c": 3})),
    ),
    "hold column_free": (
        (each(models(3)), each(dict.fromkeys(models(3), 0), availability="free")),
        (each(models(4)), each(dict.fromkeys(models(4), 0), availability="free")),
    ),
    "hold unit_changed": (
        (
            per("1K tokens", dict.fromkeys("ab", ("1", "1000"))),
            per("1M tokens", dict.fromkeys("ab", ("1", "1"))),
        ),
        (
            per("1K tokens", dict.fromkeys("ab", ("1", "1000"))),
            per("1M tokens", dict.fromkeys("ab", ("2", "2"))),
        ),
    ),
    "set_aside unit_changed": (
        (
            per("1K tokens", {"a": ("1", "1000")}) + each({"b": 1}),
            per("1M tokens", {"a": ("50", "50")}) + each({"b": 1}),
        ),
        (
            per("1K tokens", {"a": ("1", "1000")}) + each({"b": 1}),
            per("1M tokens", {"a": ("60", "60")}) + each({"b": 1}),
        ),
    ),
    "set_aside day_earlier": (
        ([term("shutdown_on", "2026-10-23")], [term("shutdown_on", "2026-10-22")]),
        ([term("shutdown_on", "2026-10-23")], [term("shutdown_on", "2026-10-21")]),
    ),
    "set_aside day_of_another": (
        (
            [term("shutdown_on", "2026-10-23")],
            [term("shutdown_on", "2026-10-23", model="b")],
        ),
        (
            [term("shutdown_on", "2026-10-24")],
            [term("shutdown_on", "2026-10-24", model="b")],
        ),
    ),
    "flag values_exchanged": (
        (each({"a": 1, "b": 2}), each({"a": 2, "b": 1})),
        (each({"a": 1, "b": 3}), each({"a": 3, "b": 1})),
    ),
}


@pytest.mark.parametrize("what", APART)
def test_a_doubt_keeps_its_fingerprint_as_long_as_the_values_are_the_same(what: str) -> None:
    one, other = APART[what]
    days = 45 if what == "flag rows_gained" else 1

    def prints(case: tuple[Rows, Rows], around: Rows) -> set[str]:
        before, now = case
        doubted = found(before + around, now + around, days)
        named = {d.fingerprint for d in doubted if f"{d.severity} {d.rule}" == what}
        assert named, f"{what} is not what the gate finds"
        return named

    # the page also states something else, which nobody doubts
    beside = [term("hosting", "managed", model="z"), quote(1, model="z", meter="storage_months")]
    assert prints(one, []) == prints(one, beside)
    mirrored = (one[0][::-1], one[1][::-1])
    assert prints(one, []) == prints(mirrored, [])
    assert not prints(one, []) & prints(other, [])


def test_a_price_that_went_where_a_dash_was_is_told_from_another_one() -> None:
    def fingerprint(price: int) -> str:
        lora, full = {"adapter": "lora"}, {"adapter": "full"}
        before = [quote(price, **lora), quote(None, **full, **NOT_SOLD)]
        (doubt,) = found(before, [quote(None, **lora, **NOT_SOLD), quote(price, **full)])
        return doubt.fingerprint

    assert fingerprint(4) == fingerprint(4) != fingerprint(5)


def test_no_two_doubts_share_a_fingerprint() -> None:
    seen: dict[str, set[object]] = {}
    for what, (case, _) in APART.items():
        for doubt in found(*case, 45 if what == "flag rows_gained" else 1):
            seen.setdefault(doubt.fingerprint, set()).add((doubt.rule, doubt.severity, doubt.fact))
    assert all(len(meant) == 1 for meant in seen.values())


def test_a_doubt_names_the_fact_that_it_is_about() -> None:
    jumped = quote(100, region="eu", context_tier="32k-128k", price_list="EUR")
    before = [{**jumped, "unit_price": quote(1)["unit_price"]}, *each(models(1))]
    (doubt,) = found(before, [jumped, *each(models(1))])
    assert dict(zip(FACT, doubt.fact, strict=True)) == {name: jumped.get(name) for name in FACT}
    (held,) = found(each(models(4)), each(models(1)))
    assert held.fact == NO_FACT


def test_a_reason_stays_short() -> None:
    names = {f"{number} {'x' * 190}": number for number in range(1, 9)}
    (doubt,) = found(each(names), [*terms(1), *each({"y": 9})])
    assert len(doubt.reason) == 500


def test_a_source_may_have_its_own_limits() -> None:
    before, now = frame(each(models(5))), frame(each(models(2)))
    assert [doubt.rule for doubt in doubts(before, now, 1)] == ["rows_lost"]
    assert doubts(before, now, 1, Limits(few=5)) == []
    assert doubts(before, now, 1, Limits(lost_share=0.6, lost_training_share=0.6)) == []


PRICED: Final = st.fixed_dictionaries({
    "model": st.sampled_from(["a", "b", "c", "model d", "model-d"]),
    "meter": st.sampled_from(["training_tokens", "input_tokens", "cached_input_tokens"]),
    "adapter": st.sampled_from(["lora", "full"]),
    "service_tier": st.sampled_from(["standard", "batch"]),
    "availability": st.sampled_from(["priced", "priced", "priced", "free", "not_offered"]),
    "price": st.sampled_from(["0.5", "1", "2", "10", "3000"]),
    "pricing_currency": st.sampled_from(["USD", "USD", "EUR"]),
})  # fmt: skip
STATED: Final = st.fixed_dictionaries(
    {"model": st.sampled_from("abc"), "term": st.sampled_from(["min_examples", "hosting"])}
)


def as_row(drawn: dict[str, str]) -> dict[str, Any]:
    if "term" in drawn:
        return term(drawn["term"], "10", model=drawn["model"])
    columns = dict(drawn)
    price: str | None = columns.pop("price")
    if columns["availability"] == "not_offered":
        price = None
        del columns["pricing_currency"]
    if columns["availability"] == "free":
        price = "0"
    return quote(price, **columns)


def once_each(drawn: Rows) -> Rows:
    rows = [as_row(row) for row in drawn]
    return list({tuple(row.get(name) for name in FACT): row for row in rows}.values())


CAPTURES: Final = st.lists(st.one_of(PRICED, PRICED, STATED), max_size=25).map(once_each)


@settings(max_examples=25)
@given(CAPTURES, CAPTURES, st.sampled_from([0, 1, 45, 400]), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    before: Rows, now: Rows, days: float, random: Random
) -> None:
    was, said = (random.sample(rows, len(rows)) for rows in (before, now))
    assert sorted(found(before, now, days), key=str) == sorted(found(was, said, days), key=str)


@settings(max_examples=25)
@given(CAPTURES, st.sampled_from([0, 1, 400]))
def test_what_says_the_same_again_is_doubted_as_a_first_capture_is(rows: Rows, days: float) -> None:
    again = found(rows, rows, days)
    assert sorted(again, key=str) == sorted(found([], rows), key=str)
    assert {doubt.rule for doubt in again} <= {"out_of_bounds", "cached_dearer", "batch_not_half"}


@settings(max_examples=25)
@given(CAPTURES, CAPTURES, st.floats(0, 1000))
def test_more_time_makes_no_capture_more_doubtful(before: Rows, now: Rows, days: float) -> None:
    def held(after: float) -> set[str]:
        return {d.rule for d in found(before, now, after) if d.severity == "hold"}

    assert held(days + 100) <= held(days)


@settings(max_examples=25)
@given(CAPTURES)
def test_a_page_on_which_nothing_is_left_is_held(rows: Rows) -> None:
    training = [
        row
        for row in rows
        if row.get("meter") == "training_tokens" and row["availability"] in {"priced", "free"}
    ]
    held = {doubt.rule for doubt in found(rows, [])}
    assert len(training) < 2 or "rows_lost" in held

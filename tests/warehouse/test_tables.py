"""The tables that users query, each from a few rows that a person can check by head."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse.store
from tests.warehouse.worlds import World, day, quote, term
from warehouse.captures import Choice
from warehouse.gate import Limits
from warehouse.store import (
    TABLES,
    InvalidTable,
    Rules,
    Store,
    StoreError,
    dependencies,
    table_comment,
)


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return store.query(sql).rows()


def causes(world: World) -> list[tuple[Any, ...]]:
    return rows(
        world.publish(),
        "select cause, coalesce(meter, term), (valid_from - timestamp '2026-01-01')::varchar "
        "from price_changes order by valid_from, cause, model",
    )


def test_what_a_source_says_at_its_first_look_is_no_change(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1), quote(2, model="b"), term("min_examples", "10"))
    assert causes(world) == []


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (quote(1), quote(2), "price_change"),
        (quote(1), quote(0, availability="free"), "became_free"),
        (quote(0, availability="free"), quote(1), "no_longer_free"),
        (quote(1), quote(None, availability="not_offered"), "withdrawn"),
        (quote(1), None, "withdrawn"),
        (quote(None, availability="not_published"), quote(1), "listed"),
        (None, quote(1), "listed"),
        (
            quote(None, availability="not_published"),
            quote(None, availability="not_offered"),
            "lifecycle",
        ),
        (
            quote("0.001", unit_price=Decimal(1), pricing_unit="1K tokens"),
            quote(1),
            "unit_restated",
        ),
        (quote(1), quote(1, pricing_currency="EUR"), "price_change"),
        (term("min_examples", "10"), term("min_examples", "3"), "term_change"),
        (term("shutdown_on", "2027-01-14"), term("shutdown_on", "2027-02-14"), "lifecycle"),
    ],
)
def test_each_change_has_its_cause(
    tmp_path: Path, before: dict[str, Any] | None, after: dict[str, Any] | None, cause: str
) -> None:
    other = quote(9, model="other")
    world = World(Store(tmp_path))
    world.says(0, other, *([before] if before else []))
    world.says(3, other, *([after] if after else []))
    ((found, _, when),) = causes(world)
    assert (found, when) == (cause, "3 days")


def test_a_return_is_relisted_and_a_gap_in_the_looks_is_nothing(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1), quote(9, model="other"))
    world.says(1, quote(9, model="other"))
    world.fails(2)
    world.says(400, quote(1), quote(9, model="other"))
    assert [cause for cause, *_ in causes(world)] == ["withdrawn", "relisted"]


def test_a_change_says_when_the_old_was_last_seen_and_by_how_much_it_moved(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(4))
    world.says(1, quote(4), term("hosting", "managed"))
    world.says(5, quote(5), term("hosting", "managed"))
    found = rows(
        world.publish(),
        "select old_unit_price, new_unit_price, change_pct, last_seen_before_at, valid_from "
        "from price_changes where cause = 'price_change'",
    )
    assert found == [(4, 5, 25.0, day(1), day(5))]


def test_a_price_dated_in_the_future_is_announced_and_not_yet_current(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1, valid_from=day(0)))
    world.says(1, quote(1, valid_from=day(0)), quote(2, valid_from=day(5000)))
    store = world.publish(at=2000)
    assert rows(store, "select cause from price_changes") == [("announced",)]
    assert rows(store, "select unit_price, valid_to from current_prices") == [(1, day(5000))]
    preferred = "select unit_price, is_preferred from price_history order by valid_from"
    assert rows(store, preferred) == [(1, True), (2, False)]


def test_an_announcement_that_is_taken_back_was_believed_and_is_no_more(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1, valid_from=day(0)), quote(2, valid_from=day(50)))
    ask = "select unit_price::int from prices_as_of($valid, $known)"
    told = "select valid_from, unit_price::int from price_history order by all"
    world.publish(1)
    assert rows(world.store, told) == [(day(0), 1), (day(50), 2)]
    world.says(5, quote(1, valid_from=day(0)))
    world.publish(10)
    assert rows(world.store, told) == [(day(0), 1)]
    assert rows(world.store, "select cause from price_changes") == []
    # each look is known a day later than the one before it
    for known, price in ((day(1001), 2), (day(1002), 1)):
        asked = {"valid": day(60), "known": known}
        assert world.store.query(ask, asked).rows() == [(price,)]


def test_the_best_ranked_source_wins_until_it_is_too_long_unconfirmed(tmp_path: Path) -> None:
    world = World(Store(tmp_path), seller=1, blog=3)
    world.says(0, quote(1), source="seller")
    world.says(100, quote(2), source="blog")
    preferred = "select source from current_prices where is_preferred"
    assert rows(world.publish(at=110), preferred) == [("seller",)]
    assert rows(world.publish(at=130), preferred) == [("blog",)]


def test_another_ranking_believes_another_source(tmp_path: Path) -> None:
    world = World(Store(tmp_path), seller=1, blog=3)
    world.says(0, quote(1), term("min_examples", "10"), source="seller")
    world.says(0, quote(2), term("min_examples", "20"), source="blog")
    ask = "select training_usd::int, min_examples from cost_comparison"
    world.publish(1)
    assert rows(world.store, ask) == [(1, 10)]
    world.rules = Rules(ranking=("third_party", "catalogue", "seller", "transcribed"))
    world.publish(1)
    assert rows(world.store, ask) == [(2, 20)]
    assert rows(world.store, "select source, speaker, rank from sources order by rank") == [
        ("blog", "third_party", 1),
        ("seller", "seller", 3),
    ]
    (first,) = rows(world.store, "select distinct source_a from disagreements")
    assert first == ("blog",)


def test_a_price_is_stale_when_it_was_not_confirmed_for_three_cadences(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    world.fails(4)
    stale = "select is_stale, confirmed_at from current_prices"
    assert rows(world.publish(at=2.5), stale) == [(False, day(0))]
    assert rows(world.publish(at=4), stale) == [(True, day(0))]


def test_other_currencies_keep_their_price_and_are_restated_in_dollars(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(40, pricing_currency="CNY"), quote(3, model="b", pricing_currency="JPY"))
    found = rows(
        world.publish(), "select unit_price, unit_price_usd from current_prices order by model"
    )
    # 40 yuan at 0.14 dollars; no rate for the yen, so no dollars and no place in a ranking
    assert found == [(40, Decimal("5.6")), (3, None)]


def test_a_tuned_model_is_composed_from_its_meters(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(
        0,
        quote(3, model="gpt-4o-mini-2024-07-18", adapter="unknown"),
        quote("0.3", model="GPT-4o Mini", meter="input_tokens", adapter="unknown"),
        quote("1.2", model="GPT-4o Mini", meter="output_tokens", tuning_method="unknown",
              adapter="unknown"),
        quote("0.15", model="gpt-4o-mini", meter="input_tokens", tuning_method="none",
              adapter=None),
        quote("1.7", model="gpt-4o-mini", meter="hosting_hours", pricing_unit="hour",
              adapter="unknown"),
        term("min_examples", "10", model="*"),
        term("min_examples", "12", model="gpt-4o-mini"),
        term("shutdown_on", "2027-01-14", model="*"),
    )  # fmt: skip
    store = world.publish(at=10)
    found = rows(
        store,
        "select base_model, training_usd, input_usd, output_usd, base_input_usd, hosting_hour_usd, "
        "min_examples, shutdown_on::varchar, is_available, sources from cost_comparison",
    )
    assert found == [(
        "gpt-4o-mini", 3, Decimal("0.3"), Decimal("1.2"), Decimal("0.15"), Decimal("1.7"),
        12, "2027-01-14", True, "page",
    )]  # fmt: skip
    after = "select is_available from cost_comparison_as_of(timestamp '2027-01-14')"
    assert rows(store, after) == [(False,)]


def test_a_last_training_day_is_the_last_on_which_the_offer_is_available(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(3), term("last_training_on", "2026-03-01"))
    store = world.publish(at=300)
    available = "select is_available from cost_comparison_as_of(timestamp '2026-03-0{} 12:00')"
    assert rows(store, available.format(1)) == [(True,)]
    assert rows(store, available.format(2)) == [(False,)]


def test_tuned_inference_at_the_base_price_where_the_seller_says_so(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    base = {"tuning_method": "none", "adapter": None}
    world.says(
        0,
        quote(3, model="m"),
        quote(3, model="n", provider="other"),
        quote(1, model="m", meter="input_tokens", **base),
        quote(1, model="n", provider="other", meter="input_tokens", **base),
        term("tuned_inference_rule", "base_price", model="*"),
    )
    found = rows(world.publish(), "select provider, input_usd from cost_comparison order by 1")
    assert found == [("other", None), ("seller", 1)]


def test_a_size_bracket_stands_for_the_open_models_that_fall_into_it(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(
        0,
        quote(1, model="up to 16B"),
        quote(2, model="16.1B-80B"),
        quote(3, model="over 300B"),
        quote("0.5", model="Llama 3.1 8B"),
    )
    found = dict(
        rows(
            world.publish(),
            "select base_model, (training_usd, expanded_from) from cost_comparison "
            "where base_model similar to 'llama-3.(1-8b|2-3b|1-70b|1-405b)'",
        )
    )
    assert {name: tuple(said.values()) for name, said in found.items()} == {
        "llama-3.1-8b": (Decimal("0.5"), None),
        "llama-3.2-3b": (1, "up to 16B"),
        "llama-3.1-70b": (2, "16.1B-80B"),
        "llama-3.1-405b": (3, "over 300B"),
    }


def test_inference_in_another_service_tier_is_a_row_of_its_own(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(
        0,
        quote(3),
        quote(2, meter="input_tokens"),
        quote(1, meter="input_tokens", service_tier="batch"),
    )
    found = rows(
        world.publish(),
        "select service_tier, training_usd, input_usd from cost_comparison order by all",
    )
    assert found == [("batch", 3, 1), ("standard", 3, 2)]


def test_of_several_context_tiers_the_shortest_prompts_count(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(
        0,
        quote(3),
        quote(2, meter="input_tokens", context_tier="32k-128k"),
        quote(1, meter="input_tokens", context_tier="0-32k"),
    )
    assert rows(world.publish(), "select input_usd from cost_comparison") == [(1,)]


def test_the_cheapest_come_with_their_ties_and_the_runner_up(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(
        0,
        quote(2, model="a"),
        quote(2, model="b"),
        quote(3, model="c"),
        quote(1, model="gone"),
        quote(0, model="gift", availability="free"),
        term("shutdown_on", "2026-01-02", model="gone"),
    )
    cheapest = (
        "select rank, model, value_usd, gap_pct from cheapest_options "
        "where question = '{}' and constraint_set = '{}' order by rank, model"
    )
    store = world.publish(at=100)
    assert rows(store, cheapest.format("paid_training", "available")) == [
        (1, "a", 2, 0.0),
        (1, "b", 2, 0.0),
        (2, "c", 3, 50.0),
    ]
    assert rows(store, cheapest.format("training", "available"))[0] == (1, "gift", 0, None)
    assert rows(store, cheapest.format("paid_training", "listed"))[0] == (1, "gone", 1, 0.0)


def test_the_summary_counts_the_market_and_each_source_alone(tmp_path: Path) -> None:
    world = World(Store(tmp_path), seller=1, blog=3)
    world.says(0, quote(2, model="a"), quote(2, model="b"), source="seller")
    world.says(0, quote(1, model="a"), quote(0, model="c", availability="free"), source="blog")
    found = rows(
        world.publish(at=1),
        "select scope, models_compared, cheapest_paid_training_usd, cheapest_paid_training, "
        "free_training_count from market_summary",
    )
    assert found == [
        ("all", 3, 2, "seller a; seller b", 1),
        ("blog", 2, 1, "seller a", 1),
        ("seller", 2, 2, "seller a; seller b", 0),
    ]


def test_a_source_is_as_well_as_its_last_look(tmp_path: Path) -> None:
    world = World(Store(tmp_path), good=1, silent=1, old=1, unknown=1)
    world.says(9, quote(1), source="good")
    world.says(0, quote(1), source="silent")
    world.fails(9, source="silent")
    world.says(0, quote(1), source="old")
    found = rows(world.publish(at=10), "select source, state, last_good_at from source_health")
    assert found == [
        ("good", "ok", day(9)),
        ("old", "stale", day(0)),
        ("silent", "unreachable", day(0)),
        ("unknown", "never", None),
    ]


def test_a_table_that_breaks_its_schema_replaces_nothing(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    store = world.publish()
    world.says(1, quote(2, tuning_method="magic"))
    world.prepare()
    with pytest.raises(InvalidTable, match=r"current_prices.*magic"):
        store.build("current_prices")
    store.publish()
    assert rows(store, "select unit_price from current_prices") == [(1,)]


def test_nothing_is_answered_before_anything_is_published(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ratecard refresh"):
        Store(tmp_path).query("select 1")
    with pytest.raises(StoreError, match="not built yet"):
        Store(tmp_path).publish()


def test_a_reader_keeps_its_file_while_another_is_swapped_in(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    store = world.publish()
    with duckdb.connect(store.published, read_only=True) as reader:
        world.says(1, quote(2))
        world.publish()
        before = reader.execute("select unit_price from current_prices").fetchall()
    assert before == [(1,)]
    assert rows(store, "select unit_price from current_prices") == [(2,)]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_says_what_one_row_is_and_comes_after_what_it_reads(table: str) -> None:
    assert table_comment(table).startswith("one row is ")
    assert all(
        TABLES.index(other) < TABLES.index(table) for other in dependencies(table) & {*TABLES}
    )


@pytest.mark.parametrize(
    ("table", "macro"),
    [
        ("current_prices", "prices_as_of((select built_at from build_info), timestamp 'infinity')"),
        ("current_terms", "terms_as_of((select built_at from build_info), timestamp 'infinity')"),
        *(
            (name, f"{name}_as_of((select built_at from build_info))")
            for name in (
                "comparison_facts",
                "cost_comparison",
                "cheapest_options",
                "market_summary",
            )
        ),
    ],
)
def test_a_table_of_now_is_its_macro_asked_about_now(
    tmp_path: Path, table: str, macro: str
) -> None:
    world = World(Store(tmp_path), seller=1, blog=3)
    world.says(
        0, quote(2, model="up to 16B"), term("min_examples", "3", model="*"), source="seller"
    )
    world.says(5, quote(3), quote(1, meter="input_tokens"), source="blog")
    world.says(6, quote(4), quote(1, meter="input_tokens"), source="blog")
    store = world.publish(at=10)
    both = f"select count(*) from (from {table} except all from {macro})"
    assert rows(store, both) == [(0,)]
    assert rows(store, f"select count(*) > 0 from {macro}") == [(True,)]


def test_a_query_that_cannot_be_shown_says_why(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    store = world.publish()
    with pytest.raises(StoreError, match="two columns are called a"):
        store.query("select 1 as a, 2 as a")
    assert rows(store, "select interval 2 days") == [("2 days",)]


def test_no_digest_of_a_folder_that_knows_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing is known"):
        Store(tmp_path / "new").digest()
    assert not (tmp_path / "new").exists()


def thousandfold(row: dict[str, Any]) -> dict[str, Any]:
    """Misread a price per 1K tokens as one per 1M."""
    if row.get("unit_price") is None:
        return row
    return {**row, "unit_price": row["unit_price"] / 1000}


def test_what_a_better_parser_reads_in_old_captures_is_a_correction_and_no_change(
    tmp_path: Path,
) -> None:
    world = World(Store(tmp_path))
    world.parser = thousandfold
    world.says(0, quote(1000), quote(5000, model="b"))
    world.says(1, quote(2000), quote(5000, model="b"))
    assert causes(world) == [("price_change", "training_tokens", "1 day")]
    world.parser, world.parser_version = dict, 2
    # the next page is a new one, and says what the last one did
    world.says(2, quote(2000), quote(5000, model="b"), quote(7, model="c"))
    assert causes(world) == [
        ("correction", "training_tokens", "00:00:00"),
        ("correction", "training_tokens", "00:00:00"),
        ("correction", "training_tokens", "1 day"),
        ("price_change", "training_tokens", "1 day"),
        ("listed", "training_tokens", "2 days"),
    ]
    assert rows(
        world.store,
        "select model, old_unit_price::int, new_unit_price::int from price_changes "
        "where cause = 'correction' order by valid_from, model",
    ) == [("a", 1, 1000), ("b", 5, 5000), ("a", 2, 2000)]
    believed_then = "select unit_price::int from prices_as_of($valid, $known) where model = 'a'"
    asked = {"valid": day(1), "known": day(1002)}
    assert world.store.query(believed_then, asked).rows() == [(2,)]
    assert world.store.query(believed_then, {**asked, "known": day(2000)}).rows() == [(2000,)]


def test_captures_can_be_read_again_when_asked_and_only_of_times_since_a_day(
    tmp_path: Path,
) -> None:
    world = World(Store(tmp_path))
    world.parser = thousandfold
    world.says(0, quote(1000))
    world.says(1, quote(2000))
    world.parser, world.parser_version = dict, 2
    reread = world.store.reparse(["page", "unknown"], day(1), day(1500), world.read)
    assert reread == {"page": 1}
    before_and_after = "select unit_price::int from price_history order by valid_from"
    assert rows(world.publish(), before_and_after) == [(1,), (2000,)]
    assert world.store.reparse(None, None, day(1501), world.read) == {"page": 1}
    assert rows(world.publish(), before_and_after) == [(1000,), (2000,)]
    digest = world.store.digest()
    world.store.rebuild(world.read)
    assert world.store.digest() == digest


def test_a_model_that_is_called_otherwise_is_one_row(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.limits = Limits()
    others = [quote(price, model=f"other {price}") for price in range(2, 9)]
    world.says(0, quote(1, model="classifier model 3b"), *others)
    world.says(1, quote(1, model="classifier (3b)"), *others)
    assert rows(
        world.publish(), "select cause, model, old_value, new_value, meter from price_changes"
    ) == [("lifecycle", "classifier (3b)", "classifier model 3b", "classifier (3b)", None)]


def test_a_gap_an_outage_and_a_quarantined_page_are_no_changes(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.limits = Limits()
    page = [quote(price, model=f"model {price}") for price in range(1, 9)]
    world.says(0, *page)
    world.fails(1)
    dear = [{**row, "unit_price": row["unit_price"] * 100} for row in page]
    world.says(2, *dear)
    assert causes(world) == []
    assert rows(world.store, "select state, reason like '%factor, 100;%' from source_health") == [
        ("quarantined", True)
    ]
    assert rows(world.store, "select distinct is_stale from current_prices") == [(True,)]
    holding = "select distinct state, rule from review where severity = 'hold' order by rule"
    assert rows(world.store, holding) == [("waiting", "most_moved"), ("waiting", "one_factor")]
    world.says(30, *page)
    assert causes(world) == []


def test_a_price_that_is_doubted_says_so(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.limits = Limits()
    world.says(0, quote(1, meter="input_tokens"), quote(44, meter="cached_input_tokens"))
    assert rows(
        world.publish(2), "select meter, doubt, is_stale from current_prices order by meter"
    ) == [("cached_input_tokens", "cached_dearer", False), ("input_tokens", None, False)]


def disagreements(world: World, at: float = 30) -> list[tuple[Any, ...]]:
    return rows(
        world.publish(at),
        "select coalesce(meter, term), source_a, value_a, source_b, value_b, decision "
        "from disagreements",
    )


def preferred(world: World) -> list[tuple[Any, ...]]:
    select = "select source, unit_price::int from current_prices where is_preferred"
    return rows(world.store, select)


def test_sources_that_differ_are_listed_and_silence_is_none_of_them(tmp_path: Path) -> None:
    world = World(Store(tmp_path), page=1, blog=3, rumour=3)
    silent = quote(None, availability="not_published")
    world.says(0, quote(1), term("min_examples", "10"), quote(5, model="b"), source="page")
    world.says(3, quote(2), term("min_examples", "1"), {**silent, "model": "b"}, source="blog")
    world.says(4, quote(1), quote(5, model="b", pricing_currency="EUR"), source="rumour")
    assert disagreements(world) == [
        ("training_tokens", "page", "priced 1 USD", "blog", "priced 2 USD", None),
        ("min_examples", "page", "10", "blog", "1", None),
    ]
    assert rows(
        world.store, "select difference_pct, since_at = $$2026-01-04$$ from disagreements"
    ) == [(100.0, True), (None, True)]


def test_a_decision_on_a_disagreement_stands_until_one_of_the_inputs_changes(
    tmp_path: Path,
) -> None:
    world = World(Store(tmp_path), page=1, blog=3)
    world.says(0, quote(1), source="page")
    world.says(1, quote(2), source="blog")
    world.publish(5)
    assert preferred(world) == [("page", 1)]
    ((inputs,),) = rows(world.store, "select inputs from disagreements")
    offer = ("seller", "a", "sft", "lora", "standard", None, None, "training_tokens", None, None)
    choice = Choice(*offer, "blog", tuple(inputs), "the page is old", day(1100))
    world.store.decide(choice, world.read)
    assert disagreements(world, 5) == [
        ("training_tokens", "blog", "priced 2 USD", "page", "priced 1 USD", "blog: the page is old")
    ]
    assert preferred(world) == [("blog", 2)]
    world.store.rebuild(world.read)
    world.publish(5)
    assert preferred(world) == [("blog", 2)]
    world.says(6, quote(3), source="page")
    assert disagreements(world, 7) == [
        ("training_tokens", "page", "priced 3 USD", "blog", "priced 2 USD", None)
    ]
    assert preferred(world) == [("page", 3)]


WINNERS = """
    select model, won_from::date::varchar, won_to::date::varchar, first_usd::int, last_usd::int,
        ended_by, cause, old_value, new_value
    from winner_history($since, $until)
    where question = 'paid_training' and constraint_set = 'available'
    order by won_from, model
"""


def winners(world: World, since: float, until: float) -> list[tuple[Any, ...]]:
    return world.store.query(WINNERS, {"since": day(since), "until": day(until)}).rows()


def test_who_was_the_cheapest_when_and_which_change_ended_it(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    dear, cheap = quote(4, model="dear"), quote(3, model="cheap")
    world.says(0, dear, cheap)
    world.says(5, dear, quote(2, model="cheap"))
    world.says(10, quote(1, model="dear"), quote(2, model="cheap"))
    ends = term("shutdown_on", "2026-01-26", model="dear")
    world.says(20, quote(1, model="dear"), quote(2, model="cheap"), ends)
    world.says(30, quote(1, model="dear"), quote(5, model="cheap"), ends, quote(4, model="new"))
    world.publish(40)
    cut = ("seller dear", "price_change", "4 per 1M tokens", "1 per 1M tokens")
    assert winners(world, 0, 40) == [
        # a price that falls ends nothing as long as it is the lowest
        ("cheap", "2026-01-01", "2026-01-11", 3, 2, *cut),
        # the day comes long after it was announced
        ("dear", "2026-01-11", "2026-01-26", 1, 1, "seller dear", "lifecycle", None, "2026-01-26"),
        (
            *("cheap", "2026-01-26", "2026-01-31", 2, 2),
            *("seller cheap", "price_change", "2 per 1M tokens", "5 per 1M tokens"),
        ),
        ("new", "2026-01-31", None, 4, 4, None, None, None, None),
    ]
    assert winners(world, 7, 12) == [
        ("cheap", "2026-01-08", "2026-01-11", 2, 2, *cut),
        ("dear", "2026-01-11", None, 1, 1, None, None, None, None),
    ]


def test_a_tie_ends_nothing_and_a_first_look_is_told_from_a_change(tmp_path: Path) -> None:
    world = World(Store(tmp_path), page=1, other=1)
    world.says(0, quote(2, model="a"), quote(3, model="b"))
    world.says(5, quote(2, model="a"), quote(2, model="b"))
    world.says(9, quote(1, model="c"), source="other")
    world.publish(20)
    seen = ("seller c", "first_seen", None, "1 per 1M tokens")
    assert winners(world, 0, 20) == [
        ("a", "2026-01-01", "2026-01-10", 2, 2, *seen),
        ("b", "2026-01-06", "2026-01-10", 2, 2, *seen),
        ("c", "2026-01-10", None, 1, 1, None, None, None, None),
    ]


def test_who_was_the_cheapest_is_who_was_it_at_every_instant(tmp_path: Path) -> None:
    world = World(Store(tmp_path), seller=1, blog=3)
    world.rules = Rules(trusted_days=7)
    # the blog holds while the seller is too long not confirmed, and no more when it is back
    world.says(0, quote(5), quote(4, model="b"), source="seller")
    world.says(6, quote(1), term("last_training_on", "2026-01-20"), source="blog")
    world.says(25, quote(5), quote("4.5", model="b"), source="seller")
    world.says(30, quote(5), quote(7, model="b"), source="seller")
    world.publish(60)
    told = world.store.query(
        """
        select model, won_from, coalesce(won_to, $until) from winner_history($since, $until)
        where question = 'training' and constraint_set = 'available'
        """,
        {"since": day(0), "until": day(60)},
    ).rows()
    asked = """
        select model from cheapest_options_as_of($at)
        where question = 'training' and constraint_set = 'available' and rank = 1
    """
    seen = set()
    for at in map(day, (0, 5, 6, 7, 7.1, 19.9, 20, 24, 25, 30, 31, 40)):
        models = world.store.query(asked, {"at": at}).to_series().to_list()
        assert [model for model, start, end in told if start <= at < end] == models, at
        seen |= {*models}
    assert seen == {"a", "b"}


@pytest.mark.parametrize("table", ["market_summary", "cost_comparison"])
@pytest.mark.parametrize("at_once", [1, 20_000])
def test_a_key_that_stands_twice_is_refused_however_far_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, at_once: int
) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    store = world.publish()
    twice = f"-- one row\n(from {table}) union all (from {table})"
    monkeypatch.setattr(warehouse.store, "_CHECKED_AT_ONCE", at_once)
    monkeypatch.setattr(warehouse.store, "select_of", lambda _: twice)
    with pytest.raises(InvalidTable, match="stand more than once"):
        store.build(table)
    monkeypatch.undo()
    assert store.build(table) == 1 + (table == "market_summary")

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import Quote, SourceError
from sources._parsing import Unreadable
from sources.genai_prices import SOURCE, bundled, parse

FIXTURE = (Path(__file__).parents[1] / "fixtures/genai_prices/2026-07-25.json").read_text("utf-8")
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "genai_prices"
BEFORE = datetime.fromisoformat("1970-01-01")
SINCE = datetime.fromisoformat("2026-03-13")
LATER = datetime.fromisoformat("2026-10-14")


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the fixture, which must be there."""
    assert old in FIXTURE
    return FIXTURE.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    # the fixture is a few sellers of the catalogue
    small = replace(SOURCE, quote_count=(40, 10_000))
    with pytest.raises(SourceError) as error:
        small.read(capture)
    return error.value.problem


def read(
    prices: object, *, model: str = "m", seller: str = "openai", variants: object = None
) -> list[Quote]:
    """Read a catalogue of one model."""
    sold = {"id": model, "prices": prices, "price_variants": variants}
    return parse(json.dumps([{"id": seller, "models": [sold]}]).encode()).quotes


def dated(day: str, prices: Mapping[str, object]) -> Mapping[str, object]:
    return {"constraint": {"start_date": day}, "prices": prices}


def history(quotes: list[Quote]) -> list[tuple[datetime | None, str | None, Decimal | None]]:
    return [(q.valid_from, q.context_tier, q.unit_price) for q in quotes]


def test_a_file_cut_short_is_refused() -> None:
    assert "JSONDecodeError" in refused(FIXTURE[: len(FIXTURE) // 2].encode())


def test_a_file_without_most_of_its_sellers_is_refused() -> None:
    few = json.loads(FIXTURE)[-6:]

    assert "quotes where 40" in refused(json.dumps(few).encode())


def test_a_string_in_the_place_of_a_price_is_refused() -> None:
    assert "input_mtok is no price: '8'" in refused(
        changed('"input_mtok": 8,', '"input_mtok": "8",')
    )


def test_a_negative_price_is_refused() -> None:
    assert "greater_than_or_equal_to" in refused(changed('"input_mtok": 8,', '"input_mtok": -8,'))


def test_an_unknown_constraint_is_refused() -> None:
    capture = changed('{"start_date": "2026-03-13"}', '{"weekday": "Sunday"}')

    assert "anthropic/claude-opus-4-6/prices[1]: an unknown constraint" in refused(capture)


def test_a_day_that_is_none_is_refused() -> None:
    assert "not a date: 'spring'" in refused(changed('"2026-03-13"', '"spring"'))


@pytest.mark.parametrize(
    ("clause", "is_refused"),
    [
        ({"equals": "accounts/openai/models/gpt-5"}, False),
        ({"or": [{"equals": "Chat"}, {"starts_with": "GPT-5"}]}, False),
        ({"and": [{"contains": "us.gpt"}, {"contains": "-5"}]}, False),
        ({"starts_with": "kimi-k2.6"}, True),
    ],
)
def test_a_model_that_another_ones_words_find_was_cut_and_joined(
    clause: object, *, is_refused: bool
) -> None:
    sold = {"id": "gpt-5", "match": clause, "prices": {"input_mtok": 1}}
    capture = json.dumps([{"id": "openai", "models": [sold]}]).encode()
    if is_refused:
        with pytest.raises(Unreadable, match=r"'gpt-5' is found by other names: 'kimi-k2\.6'"):
            parse(capture)
    else:
        assert len(parse(capture).quotes) == 1


def test_a_model_without_prices_says_nothing() -> None:
    fields = ("input_mtok", "output_mtok", "cache_read_mtok", "input_audio_mtok")

    assert read(dict.fromkeys(fields)) == read({}) == []


def test_a_zero_is_neither_free_nor_a_price() -> None:
    (quote,) = read({"input_mtok": 0.0})

    assert (quote.availability, quote.unit_price) == ("unreadable", None)


def test_a_single_price_holds_as_of_the_capture() -> None:
    assert history(read({"input_mtok": 1})) == history(read([{"prices": {"input_mtok": 1}}]))
    assert history(read({"input_mtok": 1})) == [(None, None, 1)]


def test_a_dated_price_holds_from_its_midnight_and_the_other_before_it() -> None:
    quotes = read([{"prices": {"input_mtok": 10}}, dated("2026-03-13", {"input_mtok": 2})])

    assert history(quotes) == [(BEFORE, None, 10), (SINCE, None, 2)]
    assert [q.locator for q in quotes] == [
        "openai/m/prices[0]/input_mtok",
        "openai/m/prices[1]/input_mtok",
    ]


def test_a_tier_that_is_dropped_costs_what_all_prompts_cost_from_then_on() -> None:
    tiered = {"input_mtok": {"base": 5, "tiers": [{"start": 200000, "price": 10}]}}

    quotes = read([{"prices": tiered}, dated("2026-03-13", {"input_mtok": 5})])

    assert history(quotes) == [
        (BEFORE, None, 5),
        (BEFORE, "200k+", 10),
        (SINCE, None, 5),
        (SINCE, "200k+", 5),
    ]


def test_a_meter_that_is_dropped_is_not_published_from_then_on() -> None:
    before = {"input_mtok": 5, "cache_read_mtok": 1}

    quotes = read([{"prices": before}, dated("2026-03-13", {"input_mtok": 5})])

    assert [(q.valid_from, q.meter, q.availability) for q in quotes] == [
        (BEFORE, "input_tokens", "priced"),
        (BEFORE, "cached_input_tokens", "priced"),
        (SINCE, "input_tokens", "priced"),
        (SINCE, "cached_input_tokens", "not_published"),
    ]


def test_a_meter_that_comes_later_says_nothing_of_the_time_before() -> None:
    after = {"input_mtok": 5, "cache_read_mtok": 1}

    quotes = read([{"prices": {"input_mtok": 5}}, dated("2026-03-13", after)])

    assert [q.valid_from for q in quotes if q.meter == "cached_input_tokens"] == [SINCE]


def test_the_price_of_certain_hours_is_left_out_with_a_remark() -> None:
    daily = {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}}

    (quote,) = read([{"prices": {"input_mtok": 1}}, {**daily, "prices": {"input_mtok": 2}}])

    assert (quote.valid_from, quote.unit_price) == (None, 1)
    assert "from 00:30:00Z to 16:30:00Z" in str(quote.remark)


@pytest.mark.parametrize(
    ("start", "tier"), [(128_000, "128k+"), (199_999, "200k+"), (200_000, "200k+")]
)
def test_a_tier_is_named_by_the_thousands_above_which_it_holds(start: int, tier: str) -> None:
    tiers = [{"start": start, "price": 2}]

    quotes = read({"output_mtok": {"base": 1, "tiers": tiers}})

    assert history(quotes) == [(None, None, 1), (None, tier, 2)]


def test_variants_are_service_tiers_with_dates_of_their_own() -> None:
    variants = [
        {"when": {"service_tier": "default"}, "prices": {}},
        {"when": {"speed": "fast"}, "prices": {"input_mtok": 9}},
        {"when": {"service_tier": "flex"}, "prices": {"input_mtok": 3}},
        {"when": {"processing": "batch"}, **dated("2026-10-14", {"input_mtok": 2})},
        {"when": {"processing": "batch", "speed": "fast"}, "prices": {"input_mtok": 9}},
    ]

    quotes = read({"input_mtok": 4}, variants=variants)

    assert [(q.service_tier, q.valid_from, q.unit_price) for q in quotes] == [
        ("standard", None, 4),
        ("flex", None, 3),
        ("batch", LATER, 2),
    ]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("ft:gpt-3.5-turbo-", "gpt-3.5-turbo"),
        ("ft:gpt-4o-2024-08-06:", "gpt-4o-2024-08-06"),
        ("gpt-4o-mini-2024-07-18.ft-", "gpt-4o-mini-2024-07-18"),
    ],
)
def test_a_tuned_model_is_told_by_its_name(name: str, model: str) -> None:
    (quote,) = read({"input_mtok": 1}, model=name)

    assert (quote.model, quote.tuning_method, quote.adapter) == (model, "unknown", "unknown")


@pytest.mark.parametrize("seller", ["somebody_new", "openrouter", "huggingface_groq", "zai"])
def test_who_is_not_read(seller: str) -> None:
    assert read({"input_mtok": 1}, seller=seller) == []


def test_a_price_converted_by_the_catalogue_says_so() -> None:
    (quote,) = read({"input_mtok": 1}, seller="zhipuai")

    assert "converted from CNY" in str(quote.remark)


def test_what_is_bundled_is_read_and_is_the_same_each_time() -> None:
    capture = bundled()

    assert capture == bundled()
    reading = SOURCE.read(capture)
    assert reading.quotes.height > 2000
    tuned = reading.quotes.filter(
        (pl.col("tuning_method") != "none") & (pl.col("service_tier") == "standard")
    )
    assert tuned.height == 8


def test_what_is_bundled_is_canonical_and_exact() -> None:
    from genai_prices.data import providers  # noqa: PLC0415 slow, and only for this
    from genai_prices.types import ModelPrice  # noqa: PLC0415

    def in_order(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert [name for name, _ in pairs] == sorted(name for name, _ in pairs)
        return dict(pairs)

    dump = json.loads(bundled(), parse_float=Decimal, parse_int=Decimal, object_pairs_hook=in_order)

    compared = 0
    for provider, dumped in zip(providers, dump, strict=True):
        assert dumped["id"] == provider.id
        for model, dumped_model in zip(provider.models, dumped["models"], strict=True):
            assert dumped_model["id"] == model.id
            if isinstance(model.prices, ModelPrice):
                for name, price in dumped_model["prices"].items():
                    if isinstance(price, Decimal):
                        assert price.as_tuple() == getattr(model.prices, name).as_tuple()
                        compared += 1
    assert compared > 4000


def test_the_package_is_imported_only_when_its_data_is_wanted() -> None:
    code = "import sys, sources.genai_prices; sys.exit('genai_prices.data' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
@pytest.mark.parametrize(
    ("day", "quotes", "dated_count", "tuned"),
    [("2025-06-22", 508, 0, 6), ("2026-07-25", 1129, 48, 8)],
)
def test_the_real_file(day: str, quotes: int, dated_count: int, tuned: int) -> None:
    capture = (CAPTURES / f"{day}.json").read_bytes()

    reading = SOURCE.read(capture)

    assert reading.quotes.height == quotes
    assert reading.quotes["valid_from"].count() == dated_count
    assert reading.quotes.filter(pl.col("tuning_method") != "none").height == tuned
    assert set(reading.quotes["availability"]) == {"priced"}
    assert "JSONDecodeError" in refused(capture[: len(capture) // 2])


@pytest.mark.parametrize("start", ["10", "true", '"200000"', "null"])
def test_what_is_no_length_of_a_prompt_is_refused(start: str) -> None:
    assert "no length of a prompt" in refused(changed('"start": 200000', f'"start": {start}'))

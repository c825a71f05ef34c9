import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import Quote, SourceError
from sources.litellm import SOURCE, parse

FIXTURE = (Path(__file__).parents[1] / "fixtures/litellm/2026-01-18.json").read_text("utf-8")
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "litellm"


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the fixture, which must be there."""
    assert old in FIXTURE
    return FIXTURE.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def read(key: str, seller: str, fields: Mapping[str, object] | None = None) -> list[Quote]:
    """Read a catalogue of one entry, whose prices are 1 and 2 unless said."""
    return read_all({key: entry(seller, fields)})


def entry(seller: str, fields: Mapping[str, object] | None = None) -> dict[str, object]:
    prices = {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    return {"litellm_provider": seller, "mode": "chat", **(prices if fields is None else fields)}


def read_all(catalogue: Mapping[str, object]) -> list[Quote]:
    return parse(json.dumps(catalogue).encode()).quotes


def test_a_file_cut_short_is_refused() -> None:
    assert "JSONDecodeError" in refused(FIXTURE[: len(FIXTURE) // 2].encode())


def test_half_of_the_entries_are_refused() -> None:
    catalogue = json.loads(FIXTURE)
    half = dict(list(catalogue.items())[: len(catalogue) // 2])

    assert "quotes where 66" in refused(json.dumps(half).encode())


def test_a_string_in_the_place_of_a_price_is_refused() -> None:
    capture = changed('"input_cost_per_token": 2.75e-06', '"input_cost_per_token": "2.75e-06"')

    assert "input_cost_per_token is no number: '2.75e-06'" in refused(capture)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "true"])
def test_what_is_no_decimal_number_is_refused(word: str) -> None:
    assert "is no number" in refused(changed("2.75e-06", word))


def test_a_negative_price_is_refused() -> None:
    assert "greater_than_or_equal_to" in refused(changed("2.75e-06", "-2.75e-06"))


def test_one_key_with_two_values_is_refused() -> None:
    again = '"input_cost_per_token": 2.75e-06, "input_cost_per_token": '

    assert SOURCE.read(changed('"input_cost_per_token": 2.75e-06', again + "2.75e-06"))
    assert "two values of one key" in refused(
        changed('"input_cost_per_token": 2.75e-06', again + "2.74e-06")
    )


def test_an_entry_that_is_no_object_is_refused() -> None:
    assert "'new' is no entry" in refused(changed("{\n", '{\n    "new": 3,\n'))


def test_a_shutdown_day_that_is_none_is_refused() -> None:
    capture = changed('"deprecation_date": "2025-09-29"', '"deprecation_date": "autumn"')

    assert "not a date: 'autumn'" in refused(capture)


def test_a_price_is_exact_to_the_last_digit_of_a_float() -> None:
    (quote,) = read("gpt", "openai", {"input_cost_per_token": 2.9999900000000002e-06})

    assert quote.unit_price == Decimal("2.9999900000000002")
    assert quote.printed_text == "2.9999900000000002e-06"


def test_a_number_too_fine_to_store_is_unreadable_alone() -> None:
    catalogue = {
        "a": entry("openai", {"input_cost_per_token": 2.0000000000000004e-09}),
        "b": entry("openai", {"input_cost_per_token": 2e-09}),
    }

    fine, plain = read_all(catalogue)

    assert (fine.availability, fine.unit_price) == ("unreadable", None)
    assert "18 decimals" in str(fine.remark)
    assert plain.unit_price == Decimal("0.002")


@pytest.mark.parametrize("zero", [0, 0.0])
def test_a_zero_is_neither_free_nor_a_price(zero: float) -> None:
    (quote,) = read("gpt", "openai", {"input_cost_per_token": zero})

    assert (quote.availability, quote.unit_price) == ("unreadable", None)
    assert "writes 0 for a free model" in str(quote.remark)


def test_null_states_nothing() -> None:
    assert read("gpt", "openai", {"input_cost_per_token": None}) == []


def test_tiers_are_told_apart_also_together() -> None:
    quotes = read(
        "gpt",
        "openai",
        {
            "output_cost_per_token": 1e-06,
            "output_cost_per_token_above_272k_tokens": 2e-06,
            "output_cost_per_token_above_272k_tokens_batches": 3e-06,
            "output_cost_per_token_flex": 4e-06,
        },
    )

    assert [(q.service_tier, q.context_tier, q.unit_price) for q in quotes] == [
        ("standard", None, 1),
        ("standard", "272k+", 2),
        ("batch", "272k+", 3),
        ("flex", None, 4),
    ]


@pytest.mark.parametrize(
    "field",
    [
        "input_cost_per_token_ultrafast",
        "input_cost_per_audio_token",
        "input_cost_per_character",
        "output_cost_per_reasoning_token",
        "cache_creation_input_token_cost",
    ],
)
def test_what_has_no_meter_or_tier_here_is_ignored(field: str) -> None:
    assert read("gpt", "openai", {field: 1e-06}) == []


@pytest.mark.parametrize(
    ("key", "seller"),
    [
        ("somebody/gpt", "somebody_new"),
        ("openrouter/openai/gpt-4o", "openrouter"),
        ("bedrock_mantle/openai.gpt", "bedrock_mantle"),
        ("together-ai-up-to-4b", "together_ai"),
        ("fireworks-ai-moe-up-to-56b", "fireworks_ai"),
        ("fireworks_ai/accounts/fireworks/routers/auto", "fireworks_ai"),
        ("bedrock/*/1-month-commitment/cohere.command-text-v14", "bedrock"),
        ("bedrock/us-east-1/6-month-commitment/anthropic.claude-v1", "bedrock"),
        ("bedrock/claude_platform/claude-opus-5", "bedrock"),
    ],
)
def test_who_or_what_is_not_read(key: str, seller: str) -> None:
    assert read(key, seller) == []


@pytest.mark.parametrize(
    ("key", "seller", "provider", "model", "region"),
    [
        ("azure/us/gpt-4.1", "azure", "azure", "gpt-4.1", "us"),
        ("azure/us-gov/gpt-4.1", "azure", "azure", "gpt-4.1", "us-gov"),
        ("azure_ai/global/grok-3", "azure_ai", "azure", "grok-3", "global"),
        ("global.amazon.nova-2", "bedrock_converse", "aws_bedrock", "amazon.nova-2", "global"),
        ("bedrock/eu-west-3/meta.l3:0", "bedrock", "aws_bedrock", "meta.l3:0", "eu-west-3"),
        ("bedrock/invoke/meta.l3:0", "bedrock", "aws_bedrock", "meta.l3:0", None),
        ("us.meta.l3:0", "bedrock", "aws_bedrock", "meta.l3:0", "us"),
        ("accounts/fireworks/models/l3", "fireworks_ai", "fireworks", "l3", None),
        ("together_ai/openai/gpt-oss", "together_ai", "together", "openai/gpt-oss", None),
        ("groq/openai/gpt-oss", "groq", "groq", "openai/gpt-oss", None),
        ("vertex_ai/meta/l3-maas", "vertex_ai-new_models", "google_vertex", "meta/l3-maas", None),
        ("volcengine/doubao-seed", "volcengine", "volcengine", "doubao-seed", None),
        # so until 2024
        ("azure/gpt-instruct", "text-completion-openai", "azure", "gpt-instruct", None),
    ],
)
def test_the_path_before_a_model_says_who_and_where(
    key: str, seller: str, provider: str, model: str, region: str | None
) -> None:
    assert {(q.provider, q.model, q.region) for q in read(key, seller)} == {
        (provider, model, region)
    }


def test_deepseeks_former_name_of_a_cached_token_is_read() -> None:
    (quote,) = read("deepseek-chat", "deepseek", {"input_cost_per_token_cache_hit": 1.4e-08})

    assert (quote.meter, quote.unit_price) == ("cached_input_tokens", Decimal("0.014"))


@pytest.mark.parametrize(
    ("believed", "other"),
    [
        (("azure/gpt-5.5", "azure"), ("azure_ai/gpt-5.5", "azure_ai")),
        (("moonshotai.kimi", "bedrock_converse"), ("bedrock/moonshotai.kimi", "bedrock")),
        (("vertex_ai/gemini-3", "vertex_ai"), ("gemini-3", "vertex_ai-language-models")),
        (("gemini/gemini-exp", "gemini"), ("gemini-exp", "gemini")),
    ],
)
def test_of_two_keys_of_one_offer_one_is_believed_in_any_order(
    believed: tuple[str, str], other: tuple[str, str]
) -> None:
    right = (believed[0], entry(believed[1], {"input_cost_per_token": 1e-06}))
    wrong = (
        other[0],
        entry(other[1], {"input_cost_per_token": 2e-06, "output_cost_per_token": 2e-06}),
    )

    for catalogue in ([right, wrong], [wrong, right]):
        assert [q.unit_price for q in read_all(dict(catalogue))] == [1]


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
@pytest.mark.parametrize(
    ("day", "quotes", "terms", "unreadable"),
    [
        ("2023-12-15", 130, 0, 0),
        ("2024-12-12", 811, 0, 40),
        ("2026-01-18", 2933, 90, 93),
    ],
)
def test_the_real_file(day: str, quotes: int, terms: int, unreadable: int) -> None:
    reading = SOURCE.read((CAPTURES / f"{day}.json").read_bytes())

    assert (reading.quotes.height, reading.terms.height) == (quotes, terms)
    assert reading.quotes.filter(pl.col("availability") == "unreadable").height == unreadable
    tuned = reading.quotes.filter(
        (pl.col("model") == "gpt-3.5-turbo")
        & (pl.col("tuning_method") == "unknown")
        & (pl.col("service_tier") == "standard")
    )
    expected = {"input_tokens": 3, "output_tokens": 6}
    if day == "2023-12-15":
        expected = {"input_tokens": 12, "output_tokens": 16}
    assert dict(tuned.select("meter", "unit_price").iter_rows()) == expected

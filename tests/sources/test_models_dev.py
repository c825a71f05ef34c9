import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import Parsed, SourceError
from sources.models_dev import SOURCE, parse

FIXTURE = (Path(__file__).parents[1] / "fixtures/models_dev/2026-02-01.json").read_text("utf-8")
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "models_dev" / "2026-02-01.json"


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the fixture, which must be there."""
    assert old in FIXTURE
    return FIXTURE.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    # the fixture is a few models of the catalogue
    with pytest.raises(SourceError) as error:
        replace(SOURCE, quote_count=(1, 10_000)).read(capture)
    return error.value.problem


def read(
    cost: Mapping[str, object] | None = None,
    *,
    model: str = "m",
    seller: str = "openai",
    output: tuple[str, ...] = ("text",),
) -> Parsed:
    """Read a catalogue of one model, whose input costs 1 unless said."""
    sold = {
        "id": model,
        "modalities": {"output": output},
        "cost": {"input": 1} if cost is None else cost,
    }
    return parse(json.dumps({seller: {"models": {model: sold}}}).encode())


def tiers(cost: Mapping[str, object]) -> list[tuple[str | None, str, Decimal | None]]:
    return [(q.context_tier, q.meter, q.unit_price) for q in read(cost).quotes]


@pytest.mark.parametrize(
    ("seller", "name", "provider", "model", "region"),
    [
        ("fireworks-ai", "accounts/fireworks/models/l3", "fireworks", "l3", None),
        ("togetherai", "meta-llama/L3", "together", "meta-llama/L3", None),
        ("groq", "openai/gpt-oss", "groq", "openai/gpt-oss", None),
        ("google-vertex", "zai-org/glm-maas", "google_vertex", "zai-org/glm-maas", None),
        ("google-vertex-anthropic", "claude@1", "google_vertex", "claude@1", None),
        ("amazon-bedrock", "us-gov.meta.l3:0", "aws_bedrock", "meta.l3:0", "us-gov"),
        ("amazon-bedrock", "amazon.nova", "aws_bedrock", "amazon.nova", None),
        ("zai", "glm-5", "zhipu", "glm-5", None),
    ],
)
def test_the_path_before_a_model_says_who_and_where(
    seller: str, name: str, provider: str, model: str, region: str | None
) -> None:
    (quote,) = read(model=name, seller=seller).quotes

    assert (quote.provider, quote.model, quote.region) == (provider, model, region)


@pytest.mark.parametrize(
    ("seller", "name"),
    [
        ("somebody-new", "m"),
        ("openrouter", "openai/gpt-4.1"),
        ("zhipuai", "glm-5"),
        ("azure-cognitive-services", "gpt-4.1"),
        ("fireworks-ai", "accounts/fireworks/routers/auto"),
        ("openai", "text-embedding-3-large"),
        ("azure", "cohere-embed-v-4-0"),
    ],
)
def test_who_or_what_is_not_read(seller: str, name: str) -> None:
    assert read(model=name, seller=seller).quotes == []


@pytest.mark.parametrize("output", [("text", "image"), ("audio",), ()])
def test_what_does_not_answer_in_text_alone_is_ignored(output: tuple[str, ...]) -> None:
    assert read(output=output).quotes == []


def test_an_audio_price_has_no_meter() -> None:
    assert read({"input_audio": 3, "reasoning": 2, "cache_write": 1}).quotes == []


def test_a_zero_is_neither_free_nor_a_price() -> None:
    (quote,) = read({"input": 0}).quotes

    assert (quote.availability, quote.unit_price) == ("unreadable", None)
    assert "writes 0 for a free model" in str(quote.remark)


def test_longer_prompts_are_a_tier_of_their_own() -> None:
    assert tiers({"input": 1, "context_over_200k": {"input": 2, "cache_read": 3}}) == [
        (None, "input_tokens", 1),
        ("200k+", "input_tokens", 2),
        ("200k+", "cached_input_tokens", 3),
    ]


def test_a_tier_of_its_own_length_is_not_read_as_one_of_200k() -> None:
    cost = {
        "input": 1,
        "tiers": [{"input": 2, "tier": {"type": "context", "size": 272000}}],
        "context_over_200k": {"input": 2},
    }

    assert tiers(cost) == [(None, "input_tokens", 1), ("272k+", "input_tokens", 2)]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"input": 0.88', '"input": "0.88"', "input is no price: '0.88'"),
        ('"input": 0.88', '"input": true', "input is no price: 'True'"),
        ('"input": 0.88', '"input": -0.88', "greater_than_or_equal_to"),
        ('"input": 0.88', '"input": NaN', "InvalidOperation|no price"),
        ('"deprecated"', '"retired"', "an unknown status: 'retired'"),
        ('"context_over_200k": {', '"tiers": [{"tier": {"type": "size"}}], "x": {', "unknown tier"),
        ('"id": "gpt-4.1"', '"id": "gpt-4o-mini"', "two values for"),
    ],
)
def test_what_cannot_be_read_is_refused(old: str, new: str, problem: str) -> None:
    assert any(part in refused(changed(old, new)) for part in problem.split("|"))


def test_two_catalogues_are_refused() -> None:
    assert "2 documents" in refused((FIXTURE + FIXTURE).encode())


def test_a_catalogue_of_few_models_is_refused() -> None:
    with pytest.raises(SourceError, match="quotes where 450"):
        SOURCE.read(FIXTURE.encode())


@pytest.mark.skipif(not CAPTURE.exists(), reason="the capture is not here")
def test_the_real_catalogue() -> None:
    capture = CAPTURE.read_bytes()

    reading = SOURCE.read(capture)

    quotes = reading.quotes
    assert (quotes.height, reading.terms.height) == (928, 8)
    assert quotes.filter(pl.col("availability") == "unreadable").height == 9
    assert quotes.filter(pl.col("context_tier") == "200k+").height == 12
    assert set(reading.terms["provider"]) == {"groq"}
    seller = quotes.filter((pl.col("provider") == "together") & pl.col("model").str.contains("70B"))
    assert set(seller["unit_price"]) == {Decimal("0.88")}
    assert "no JSON document" in refused(capture[: len(capture) // 2])

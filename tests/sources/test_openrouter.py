import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import Quote, SourceError
from sources._parsing import Unreadable
from sources.openrouter import SOURCE, parse

FIXTURE = (Path(__file__).parents[1] / "fixtures/openrouter/2026-07-18.json").read_text("utf-8")
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "openrouter" / "2026-07-18.json"
BASE = {"prompt": "0.000001", "completion": "0.000002"}


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the fixture, which must be there."""
    assert old in FIXTURE
    return FIXTURE.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    # the fixture is a few models of the list
    with pytest.raises(SourceError) as error:
        replace(SOURCE, quote_count=(1, 10_000)).read(capture)
    return error.value.problem


def read(
    pricing: Mapping[str, object], *, name: str = "a/m", output: tuple[str, ...] = ("text",)
) -> list[Quote]:
    """Read a list of one model."""
    model = {"id": name, "architecture": {"output_modalities": output}, "pricing": pricing}
    return parse(json.dumps({"data": [model]}).encode()).quotes


def test_a_price_per_token_is_exact_per_million() -> None:
    (quote,) = read({"prompt": "0.000000234375"})

    assert (quote.unit_price, quote.pricing_unit) == (Decimal("0.234375"), "1M tokens")
    assert quote.printed_text == "0.000000234375"


def test_minus_one_is_no_price() -> None:
    quotes = read({"prompt": "-1", "completion": "-1"}, name="openrouter/auto")

    assert {(q.availability, q.unit_price) for q in quotes} == {("not_published", None)}


@pytest.mark.parametrize(
    ("name", "availability"),
    [("a/m:free", "free"), ("a/m", "unreadable"), ("openrouter/free", "unreadable")],
)
def test_a_zero_is_free_only_where_the_name_says_so(name: str, availability: str) -> None:
    (quote,) = read({"prompt": "0"}, name=name)

    assert (quote.model, quote.availability) == (name, availability)
    assert quote.remark


@pytest.mark.parametrize("word", ["-2", "-0.5", "1,5", "free", "", "NaN", "٣", "1_0", " 1"])
def test_what_is_no_price_is_refused(word: str) -> None:
    assert "no price" in refused(changed('"0.00000013"', json.dumps(word)))


def test_a_number_in_the_place_of_a_string_is_refused() -> None:
    assert refused(changed('"0.00000013"', "0.00000013"))


@pytest.mark.parametrize(
    "name", ["a/m:thinking", "a/m:extended", "a/m:new", "a/m:free:batch", "~a/m-latest"]
)
def test_other_variants_and_moving_names_are_ignored(name: str) -> None:
    assert read(BASE, name=name) == []


def test_a_batch_variant_is_a_service_tier() -> None:
    assert {(q.model, q.service_tier) for q in read(BASE, name="a/m:batch")} == {("a/m", "batch")}


@pytest.mark.parametrize("output", [("text", "image"), ("image", "text"), ("audio",), ()])
def test_what_does_not_answer_in_text_alone_is_ignored(output: tuple[str, ...]) -> None:
    assert read(BASE, output=output) == []


def test_longer_prompts_are_tiers_of_their_own() -> None:
    overrides = [
        {"min_prompt_tokens": 32000, "prompt": "0.000003"},
        {"min_prompt_tokens": 128000, "prompt": "0.000004", "audio": "1"},
    ]

    quotes = read({"prompt": "0.000001", "overrides": overrides})

    assert [(q.context_tier, q.unit_price) for q in quotes] == [
        (None, 1),
        ("32k+", 3),
        ("128k+", 4),
    ]


def test_tiers_that_do_not_rise_are_refused() -> None:
    # of those that apply, the later one would win, and the other never hold
    assert "32000 tokens after 272000" in refused(
        changed(
            '"overrides": [{"min_prompt_tokens": 272000',
            '"overrides": [{"min_prompt_tokens": 272000}, {"min_prompt_tokens": 32000',
        )
    )


def test_the_price_of_certain_hours_is_left_out_with_a_remark() -> None:
    hours = {"utc_start": 1630, "utc_end": 30, "prompt": "0.0000005"}

    (quote,) = read({"prompt": "0.000001", "overrides": [hours]})

    assert (quote.context_tier, quote.unit_price) == (None, 1)
    assert "utc_end=30 utc_start=1630" in str(quote.remark)


@pytest.mark.parametrize("condition", [{}, {"region": "eu"}, {"min_tokens": 1}])
def test_a_price_on_unknown_conditions_is_refused(condition: Mapping[str, object]) -> None:
    with pytest.raises(Unreadable, match="unknown conditions"):
        read({**BASE, "overrides": [{**condition, "prompt": "1"}]})


def test_a_discount_leaves_no_price_to_believe() -> None:
    assert {q.availability for q in read({**BASE, "discount": 0})} == {"priced"}
    quotes = read({**BASE, "discount": 0.5})
    assert {q.availability for q in quotes} == {"unreadable"}
    assert "a discount of 0.5" in str(quotes[0].remark)


def test_a_list_with_a_model_less_than_it_counts_is_refused() -> None:
    models = json.loads(FIXTURE)
    del models["data"][-1]

    assert "12 models, not 13" in refused(json.dumps(models).encode())


def test_pages_are_one_list() -> None:
    whole = json.loads(FIXTURE)
    pages = [{**whole, "data": whole["data"][:5]}, {**whole, "data": whole["data"][5:]}]

    assert parse("\n".join(map(json.dumps, pages)).encode()) == parse(FIXTURE.encode())


@pytest.mark.parametrize(
    ("page", "following"),
    [
        ('{"data": []}', None),
        ('{"links": {"next": null}}', None),
        ('{"links": {"next": "/api/v1/models?page=2"}}', f"{SOURCE.url}?page=2"),
    ],
)
def test_the_next_page_is_found(page: str, following: str | None) -> None:
    assert SOURCE.next_page is not None
    assert SOURCE.next_page(page.encode()) == following


@pytest.mark.skipif(not CAPTURE.exists(), reason="the capture is not here")
def test_the_real_list() -> None:
    capture = CAPTURE.read_bytes()

    quotes = SOURCE.read(capture).quotes

    assert (quotes.height, quotes["model"].n_unique()) == (909, 317)
    assert dict(quotes.group_by("availability").len().iter_rows()) == {
        "priced": 861,
        "free": 40,
        "not_published": 6,
        "unreadable": 2,
    }
    llama = quotes.filter(pl.col("model") == "meta-llama/llama-3.3-70b-instruct")
    assert dict(llama.select("meter", "unit_price").iter_rows()) == {
        "input_tokens": Decimal("0.13"),
        "output_tokens": Decimal("0.4"),
    }
    assert "no JSON document" in refused(capture[: len(capture) // 2])

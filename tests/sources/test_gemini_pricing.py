from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import Quote, SourceError
from sources.gemini_pricing import SOURCE, parse

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gemini_pricing"
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "gemini_pricing"
KOREAN, ENGLISH, HTML = "2025-02-27.md", "2026-05-07.md", "2026-05-07.page.html"
FREE = "Token prices are the same for tuned models Tuning service is free of charge."


def changed(page: str, old: str, new: str, *, after: str = "") -> bytes:
    """Replace the first `old` behind `after`, which must be there."""
    text = (FIXTURES / page).read_text("utf-8")
    start = text.index(after)
    assert old in text[start:]
    return (text[:start] + text[start:].replace(old, new, 1)).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def quotes_of(model: str, page: bytes, method: str = "none") -> list[Quote]:
    return [q for q in parse(page).quotes if (q.model, q.tuning_method) == (model, method)]


@pytest.mark.parametrize(
    ("model", "page"),
    [
        ("Gemini 1.5 Flash", (FIXTURES / KOREAN).read_bytes()),
        # in English, as it was on 2025-04-21
        ("Gemma 4", changed(ENGLISH, "| Tuning price | Not available | Not available |",
                            f"| Tuning price | {FREE} | {FREE} |", after="## Gemma 4")),
    ],
)  # fmt: skip
def test_tuning_that_is_free_runs_at_the_base_models_price(model: str, page: bytes) -> None:
    (training,) = quotes_of(model, page, "sft")

    assert (training.availability, training.unit_price, training.pricing_unit) == (
        "free",
        0,
        "1M tokens",
    )
    assert (model, "tuned_inference_rule", "base_price") in [
        (t.model, t.term, t.value) for t in parse(page).terms
    ]


def test_tuning_may_have_a_price() -> None:
    page = changed(HTML, "<td>Not available</td></tr>", "<td>$8.00</td></tr>", after=">Tuning")

    training, batch = quotes_of("Gemini 2.0 Flash", page, "sft")

    assert batch.availability == "not_offered"
    assert (training.list_unit_price, training.pricing_unit) == (Decimal("8.00"), "1M tokens")


def test_the_free_tier_is_no_price_but_a_remark() -> None:
    page = (FIXTURES / ENGLISH).read_bytes()

    gemma = [q for q in parse(page).quotes if q.model == "Gemma 4"]

    assert {q.availability for q in gemma} == {"not_offered"}
    assert gemma[0].remark == "free of charge within the free tier's limits"
    assert gemma[-1].remark is None


def test_columns_are_found_by_header() -> None:
    swapped = "Paid Tier, per 1M tokens in USD | Free Tier |"
    page = changed(
        ENGLISH, "Free Tier | Paid Tier, per 1M tokens in USD |", swapped, after="## Gemma 4"
    )

    # by its header it is the paid tier that is free
    assert "a paid tier that is free" in refused(page)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| Free of charge | $0.10 (text / image / video)", "| $0.10 | Free of charge"),
        ("$0.10 (text / image / video) $0.70 (audio)", ""),
    ],
)
def test_a_price_in_the_free_tier_or_none_in_the_paid_one_is_refused(old: str, new: str) -> None:
    page = changed(ENGLISH, old, new)

    assert "a price in the free tier, or none" in refused(page)


def test_models_without_a_tuning_row_and_embeddings_are_not_read() -> None:
    assert {q.model for q in parse((FIXTURES / KOREAN).read_bytes()).quotes} == {
        f"Gemini {version}"
        for version in ("2.0 Flash", "2.0 Flash-Lite", "1.5 Flash", "1.5 Flash-8B", "1.5 Pro")
    }
    assert not quotes_of("Gemini 2.5 Pro", (FIXTURES / ENGLISH).read_bytes())


def test_a_price_from_a_later_day_on_is_not_read() -> None:
    quotes = quotes_of("Gemini 2.0 Flash", (FIXTURES / KOREAN).read_bytes())

    assert [q.meter for q in quotes] == ["input_tokens", "output_tokens"]


@pytest.mark.parametrize(
    ("cell", "prices"),
    [
        ("$0.30 (text, image) $0.70 (audio)", {None: "0.30"}),
        ("$1, prompts <= 200k tokens $2.50, prompts > 200k tokens", {None: "1", "200k+": "2.50"}),
        ("$1, prompts <= 128k tokens $2, prompts > 128k", {None: "1", "128k+": "2"}),
    ],
)
def test_a_cell_has_a_price_for_each_length_of_prompt(
    cell: str, prices: dict[str | None, str]
) -> None:
    page = changed(ENGLISH, "$0.075 |", f"{cell} |")

    assert {
        q.context_tier: str(q.list_unit_price)
        for q in quotes_of("Gemini 2.0 Flash-Lite", page)
        if q.meter == "input_tokens" and q.service_tier == "standard"
    } == prices


@pytest.mark.parametrize(
    "cell",
    [
        "$0.30 (audio)",
        "$0.30 $0.40",
        "$0.30 (text / smell)",
        "$0.30 / 1K tokens",
        "from $0.30",
        "$0.30 through December 31, 2026.",
        "$1, prompts > 128k",
        "$1, prompts <= 128k tokens $2, prompts > 200k tokens",
        "$1 $2, prompts > 200k tokens",
    ],
)
def test_a_cell_in_another_form_is_refused(cell: str) -> None:
    problem = refused(changed(ENGLISH, "$0.075 |", f"{cell} |"))

    assert "of a price" in problem or "exact price" in problem or "length of prompt" in problem


@pytest.mark.parametrize(
    ("page", "old", "new", "problem"),
    [
        (HTML, "<td>Tuning price", "<td>Fine-tuning price", "an unknown price of tuning"),
        (HTML, "per 1M tokens", "per 1K tokens", "0 columns are called"),
        (HTML, '<h3 id="batch" data-text="Batch">Batch</h3>', "", "2 tables for"),
        (HTML, "Context caching (storage)", "Cache", "an unknown kind of price 'Cache'"),
        (HTML, "<td>Output price", "<td>Input price", "a row stands twice"),
        (ENGLISH, "[Batch]", "[Batch](#batch)[Batch]", "2 tables for"),
        (ENGLISH, "| Context caching (storage) |", "| Cache |", "some of its rows are"),
        (ENGLISH, "and will be shut down June 1, 2026", "and gone", "an unknown warning"),
        (ENGLISH, "** Gemini 2.0 Flash is", "** Gemini 2.5 is", "a warning of another model"),
        (ENGLISH, "## Notes", "## Hints", "the table of contents says"),
        (ENGLISH, "Last updated", "Updated", "cut short"),
        (KOREAN, "---|---|---", "------", "a table is missing"),
        (KOREAN, "제품 개선에 사용됨 | 예 | 아니요  \n", "", "some of its rows are"),
    ],
)
def test_a_page_in_another_form_is_refused(page: str, old: str, new: str, problem: str) -> None:
    heading = 'data-text="Gemini 2.0 Flash"' if page == HTML else "## Gemini 2.0 Flash"

    assert problem in refused(changed(page, old, new, after=heading))


def test_a_particle_of_a_translation_is_no_part_of_a_name() -> None:
    text = (FIXTURES / KOREAN).read_text("utf-8").replace("Gemini 1.5 Pro\n", "Gemini 1.5 Pro도\n")

    assert "no model's name: 'Gemini 1.5 Pro도'" in refused(text.encode())


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
@pytest.mark.parametrize(
    ("page", "quotes", "terms", "free", "not_tunable"),
    [
        (KOREAN, 27, 2, {"Gemini 1.5 Flash", "Gemini 1.5 Flash-8B"},
         {"Gemini 1.5 Pro", "Gemini 2.0 Flash", "Gemini 2.0 Flash-Lite"}),
        (ENGLISH, 20, 4, set(), {"Gemini 2.0 Flash", "Gemini 2.0 Flash-Lite", "Gemma 4"}),
    ],
)  # fmt: skip
def test_the_real_page_says_what_the_fixture_says(
    page: str, quotes: int, terms: int, free: set[str], not_tunable: set[str]
) -> None:
    real, fixture = (SOURCE.read((folder / page).read_bytes()) for folder in (CAPTURES, FIXTURES))

    assert (real.quotes.height, real.terms.height) == (quotes, terms)
    assert real.quotes.equals(fixture.quotes)
    assert real.terms.equals(fixture.terms)
    tuning = real.quotes.filter(pl.col("meter") == "training_tokens")
    by_state = dict(tuning.group_by("availability").agg(pl.col("model").unique()).iter_rows())
    assert set(by_state.get("free", [])) == free
    assert set(by_state["not_offered"]) == not_tunable

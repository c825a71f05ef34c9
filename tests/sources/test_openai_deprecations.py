from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from sources._contract import SourceError
from sources.openai_deprecations import SOURCE

PAGE: Final = (
    Path(__file__).parents[1] / "fixtures" / "openai_deprecations" / "2026-07-06.md"
).read_text("utf-8")
CAPTURES: Final = Path(__file__).parents[3] / "shared" / "captures" / "openai_deprecations"
captured: Final = pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not shipped")
SMALL: Final = replace(SOURCE, term_count=(1, 2_000))

LATER: Final = """## Upcoming deprecations

### 2026-10-14: GPT-4 model deprecations

| Shutdown date | Model family / snapshot                         | Recommended replacement |
| ------------- | ----------------------------------------------- | ----------------------- |
| Jan 14, 2027  | GPT-4o (`gpt-4o-2024-08-06`, `gpt-4o-2024-11-20`) | `gpt-6-luna`            |
| Jan 14, 2027  | GPT-4.1 mini (`gpt-4.1-mini-2025-04-14`)        | `gpt-6-luna`            |
"""


def changed(old: str, new: str, page: str = PAGE) -> str:
    assert page.count(old) >= 1
    return page.replace(old, new, 1)


def terms(page: str) -> pl.DataFrame:
    return SMALL.read(page.encode()).terms


def problem(page: str) -> str:
    with pytest.raises(SourceError) as refused:
        SMALL.read(page.encode())
    return refused.value.problem


def value(of: pl.DataFrame, model: str, *, method: str = "none", term: str = "shutdown_on") -> str:
    said: str = of.filter(model=model, tuning_method=method, term=term)["value"].item()
    return said


def test_a_tuned_model_has_a_day_of_its_own() -> None:
    said = terms(PAGE)

    assert value(said, "babbage-002") == "2026-09-28"
    assert value(said, "babbage-002", method="sft") == "2026-10-23"
    assert value(said, "babbage-002", method="sft", term="last_training_on") == "2024-10-28"
    assert value(said, "o4-mini-2025-04-16", method="rft") == "2026-10-23"
    assert not said["model"].str.starts_with("ft-").any()


def test_tuned_models_that_outlive_their_base_model_have_no_day() -> None:
    said = terms(PAGE).filter(model="gpt-3.5-turbo-0613")

    assert said["tuning_method"].to_list() == ["none"]


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("gpt-4-1106-preview", "2026-10-23"),  # 2026-03-26 before
        ("code-davinci-002", "2024-01-04"),  # 2023-03-23 before
        ("gpt-4-0314", "2026-03-26"),  # "at earliest 2024-06-13" before
    ],
)
def test_the_later_announcement_holds(model: str, day: str) -> None:
    assert value(terms(PAGE), model) == day


def test_the_order_on_the_page_is_not_the_order_of_announcements() -> None:
    heading = "### 2026-04-22: Legacy"
    start, end = PAGE.index(heading), PAGE.index("### 2026-03-24")
    last = PAGE.index("### 2022-06-03")
    page = PAGE[:start] + PAGE[end:last] + PAGE[start:end] + PAGE[last:]

    assert value(terms(page), "gpt-4-1106-preview") == "2026-10-23"


def test_two_days_in_one_announcement_are_refused() -> None:
    row = "| 2026-10-23    | `ft-gpt-4`                   | `gpt-5.5`                          |\n"
    again = row.replace("10-23", "10-24")

    assert "two values for term shutdown_on of 'gpt-4'" in problem(changed(row, row + again))


def test_three_forms_of_a_day_are_read() -> None:
    said = terms(PAGE)

    assert "2026\u201103\u201126" in PAGE
    assert value(said, "gpt-5-2025-08-07") == "2026-12-11"
    assert value(said, "gpt-4-0125-preview") == "2026-03-26"
    assert value(said, "*", method="sft", term="last_training_on") == "2027-01-06"
    july = terms(changed("| 2026-10-23    | `ft-gpt-4` ", "| October 23, 2026 | `ft-gpt-4` "))
    assert value(july, "gpt-4", method="sft") == "2026-10-23"


@pytest.mark.parametrize("day", ["10/23/2026", "Q4 2026", "2026-10", "not before 2026-10-23"])
def test_what_is_no_day_is_refused(day: str) -> None:
    page = changed("| 2026-10-23    | `ft-gpt-4` ", f"| {day} | `ft-gpt-4` ")

    assert f"not a date: '{day}'" in problem(page)


def test_a_blank_cell_is_refused() -> None:
    assert "a blank cell" in problem(changed("| 2026-10-23    | `ft-gpt-4` ", "| | `ft-gpt-4` "))


def test_a_model_that_was_recommended_after_its_end_is_refused() -> None:
    # as where the models that end and those that replace them changed columns
    page = changed("| 2026-10-23    | `ft-gpt-4` ", "| 2020-01-01 | `gpt-5.5` ")
    assert "'gpt-5.5' ended on 2020-01-01, and was recommended later" in problem(page)


def test_the_days_of_the_end_of_fine_tuning_are_in_order() -> None:
    assert "out of order" in problem(changed("Jan 6, 2027", "Jan 6, 2026"))


def test_every_name_of_a_model_has_its_day() -> None:
    said = terms(PAGE)

    for alias in ("gpt-3.5-turbo-0125", "gpt-3.5-turbo", "gpt-3.5-turbo-completions"):
        assert value(said, alias) == "2026-10-23"
    for alias in ("gpt-4-turbo-preview", "gpt-4-turbo-preview-completions"):
        assert value(said, alias) == "2026-03-26"


def test_products_are_no_models() -> None:
    models = terms(PAGE)["model"]

    assert not models.str.contains("API|Beta|/").any()


def test_the_form_of_the_announcement_of_october_2026_is_read() -> None:
    said = terms(changed("## Upcoming deprecations\n", LATER))

    for model in ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "gpt-4.1-mini-2025-04-14"):
        assert value(said, model) == "2027-01-14"


@pytest.mark.parametrize(
    "cell", ["Codex (legacy)", "`sora-2` and others", "all `ft-` models", "`gpt-4` (`a` excepted)"]
)
def test_a_cell_that_names_no_models_is_refused(cell: str) -> None:
    page = changed("| `sora-2`       |", f"| {cell} |")

    assert "no model and no known product" in problem(page)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| Substitute model |", "| Fine-tunes until |", "unknown columns: ['Fine-tunes until']"),
        ("| Model snapshot               |", "| Thing |", "0 columns are called"),
        ("| Shutdown date | Model snapshot               |", "| Day | Model snapshot |", "0 col"),
    ],
)
def test_a_table_of_another_shape_is_refused(old: str, new: str, said: str) -> None:
    assert said in problem(changed(old, new))


def test_a_row_outside_of_a_table_is_refused() -> None:
    row = "| 2026-10-23    | `gpt-4-1106-preview`"

    assert "lines of tables, of which" in problem(changed(row, f"\n{row}"))


@pytest.mark.parametrize(
    "heading", ["### Legacy GPT model snapshots", "### 2026-04: Legacy GPT model snapshots", ""]
)
def test_models_under_no_dated_heading_are_refused(heading: str) -> None:
    page = changed("### 2026-04-22: Legacy GPT model snapshots", heading)

    assert "heading without a day" in problem(page)


def test_an_announcement_in_prose_is_refused() -> None:
    page = changed("### 2026-03-24", "### 2026-03-30: GPT-4o\n\nIt ends in May.\n\n### 2026-03-24")

    assert "an announcement without a table" in problem(page)


def test_the_end_of_fine_tuning_is_that_of_every_model() -> None:
    said = terms(PAGE).filter(model="*")

    assert said.select("term", "value").rows() == [
        ("closed_to_new_customers_on", "2026-05-07"),
        ("last_training_on", "2027-01-06"),
    ]
    assert said["tuning_method"].unique().to_list() == ["sft"]
    assert said["remark"].to_list() == [
        "to who never tuned; on 2026-07-02 also to who ran no tuned model for 60 days",
        "no new jobs from this day on",
    ]


def test_a_page_from_before_the_end_of_fine_tuning_is_read() -> None:
    start, end = PAGE.index("### Update to OpenAI"), PAGE.index("### 2026-04-22")
    said = terms(PAGE[:start] + PAGE[end:])

    assert said.filter(model="*").is_empty()
    assert value(said, "gpt-4", method="sft") == "2026-10-23"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("no longer be able to create new fine-tuning jobs on", "be able to create them until"),
        ("in the past 60 days", "in the past 30 days"),
        ("have not previously run fine-tuning", "have not previously run fine-tuning in 2026"),
        ("Existing evals become read-only.", "Fine-tuning graders become read-only."),
    ],
)
def test_other_words_on_fine_tuning_are_refused(old: str, new: str) -> None:
    assert "other words on fine-tuning" in problem(changed(old, new))


def test_a_page_cut_short_or_doubled_is_refused() -> None:
    assert "does not begin with" in problem(PAGE[20:])
    assert "cut short" in problem(PAGE[: PAGE.index("### 2022-06-03")])
    assert "two sections are called" in problem(PAGE + PAGE)


@captured
@pytest.mark.parametrize(
    ("name", "count", "tuned"),
    [("2026-02-26", 73, 6), ("2026-04-03", 78, 6), ("2026-07-06", 137, 14)],
)
def test_the_real_pages(name: str, count: int, tuned: int) -> None:
    said = SOURCE.read((CAPTURES / f"{name}.md").read_bytes()).terms

    assert said.height == count
    assert said.filter(pl.col("tuning_method") != "none").height == tuned


@captured
def test_the_real_page_of_july_2026_has_the_days_of_the_one_of_our_own() -> None:
    key = ["model", "tuning_method", "adapter", "term", "value"]
    real = SOURCE.read((CAPTURES / "2026-07-06.md").read_bytes()).terms
    own = terms(PAGE)

    assert own.join(real, on=key, how="anti", nulls_equal=True).is_empty()
    only_real = real.join(own, on=key, how="anti", nulls_equal=True)
    assert sorted(only_real.filter(pl.col("tuning_method") != "none")["model"]) == [
        "ada",
        "babbage",
        "curie",
    ]

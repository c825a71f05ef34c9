import json
from pathlib import Path

import polars as pl
import pytest

from sources._contract import SourceError, Term
from sources.model_deprecations import SOURCE, parse

CAPTURE = (
    Path(__file__).parents[3] / "shared" / "captures" / "model_deprecations" / "2026-08-22.json"
)


def row(name: str, day: str = "2026-10-23", **fields: object) -> dict[str, object]:
    """Build a row of the file: one of OpenAI's unless said."""
    return {
        "provider": "OpenAI",
        "model_name": name,
        "model_id": "",
        "deprecated_date": "",
        "shutdown_date": day,
        "replacement": "",
        "status": "deprecated",
        **fields,
    }


def read(*rows: object) -> list[Term]:
    return parse(json.dumps(rows).encode()).terms


def refused(*rows: object) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(json.dumps(rows).encode())
    return error.value.problem


def shutdowns(*rows: object) -> dict[tuple[str, str], str]:
    return {(t.model, t.tuning_method): t.value for t in read(*rows) if t.term == "shutdown_on"}


@pytest.mark.parametrize(
    ("name", "offers"),
    [
        ("gpt-4.1-nano", [("gpt-4.1-nano", "none")]),
        ("ft-gpt-4", [("gpt-4", "unknown")]),
        ("o1-2024-12-17 | o1", [("o1-2024-12-17", "none"), ("o1", "none")]),
        ("gpt-4-0613 | gpt-4, gpt-4-completions",
         [("gpt-4-0613", "none"), ("gpt-4", "none"), ("gpt-4-completions", "none")]),
        ("a-1 (including b-2 and c-3, which point to this snapshot)",
         [("a-1", "none"), ("b-2", "none"), ("c-3", "none")]),
    ],
)  # fmt: skip
def test_a_name_may_be_of_several_models(name: str, offers: list[tuple[str, str]]) -> None:
    assert shutdowns(row(name)) == dict.fromkeys(offers, "2026-10-23")


def test_a_tuned_model_is_tuned_by_any_method() -> None:
    shutdown, deprecated = read(row("ft-gpt-4"))

    assert shutdown[:4] == deprecated[:4] == ("openai", "gpt-4", "unknown", "unknown")
    assert (deprecated.term, deprecated.value) == ("is_deprecated", "yes")


def test_the_end_of_training_is_not_the_end_of_the_model() -> None:
    (term,) = read(row("New fine-tuning training on babbage-002", "2024-10-28"))

    assert (term.model, term.tuning_method) == ("babbage-002", "unknown")
    assert (term.term, term.value) == ("last_training_on", "2024-10-28")


@pytest.mark.parametrize(
    "ignored",
    [
        row("Videos API"),
        row("/v1/fine-tunes"),
        row("OpenAI-Beta: realtime=v1"),
        row("gpt-9", ""),
        # the earliest days that are possible
        row("claude-opus-5", provider="Anthropic", status="active"),
        row("gemini-3.1-flash-lite", provider="Gemini"),
        row("gemini-2.5-pro", "", provider="Gemini", status="active"),
        # days that the tracker put together, or chose
        row("Claude 3 Opus on Google Cloud", provider="Vertex AI", status="retired"),
        row("Claude 3.5 Haiku", provider="Bedrock", status="legacy"),
    ],
)
def test_what_is_no_announced_end_of_a_model_is_not_read(ignored: object) -> None:
    assert read(ignored) == []


def test_google_does_not_say_what_the_tracker_calls_retired() -> None:
    (term,) = read(row("gemini-2.0-flash", "2026-06-01", provider="Gemini", status="retired"))

    assert (term.provider, term.term, term.value) == ("google", "shutdown_on", "2026-06-01")


def test_an_end_that_was_put_off_is_the_first_of_two() -> None:
    later, earlier = row("gpt-4-0314", "2026-03-26"), row("gpt-4-0314", "2024-06-13")

    assert shutdowns(later, earlier, later) == {("gpt-4-0314", "none"): "2026-03-26"}
    assert "two days of shutdown for 'gpt-4-0314'" in refused(earlier, later)


def test_only_openais_order_says_which_is_newer() -> None:
    two = [row("claude-2", day, provider="Anthropic") for day in ("2026-03-26", "2026-03-25")]

    assert "two days of shutdown for 'claude-2'" in refused(*two)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("gpt-4", "row 0 is no retirement"),
        ({"provider": "OpenAI"}, "row 0 is no retirement"),
        (row("gpt-4", "soon"), "not a date: 'soon'"),
        (row("gpt-4", status="sunset"), "an unknown seller or status"),
        (row("gpt-4", provider="Azure Foundry (OpenAI)"), "an unknown seller or status"),
        (row("Fine-tuned versions of gpt-4"), "no model's name"),
        (row("gpt-4 or gpt-5"), "no model's name"),
        (row("gpt-4 (including gpt-5 and gpt-6, which-0125"), "no model's name"),
        (row("gpt-4", deprecated_on="2026-04-22"), "row 0 is no retirement"),
    ],
)
def test_a_row_in_another_form_is_refused(wrong: object, problem: str) -> None:
    assert problem in refused(wrong)


def test_a_short_file_is_refused() -> None:
    assert "2 terms where 200" in refused(row("gpt-4"))


@pytest.mark.parametrize("documents", [b"{}", b"[][]"])
def test_what_is_not_one_list_is_refused(documents: bytes) -> None:
    with pytest.raises(SourceError, match="not one list"):
        SOURCE.read(documents)


@pytest.mark.skipif(not CAPTURE.exists(), reason="the capture is not here")
def test_the_real_file() -> None:
    terms = SOURCE.read(CAPTURE.read_bytes()).terms

    counts = terms.group_by("provider", "term").len().rows()
    assert {(provider, term): count for provider, term, count in counts} == {
        ("openai", "shutdown_on"): 137,
        ("openai", "is_deprecated"): 137,
        ("openai", "last_training_on"): 2,
        ("anthropic", "shutdown_on"): 6,
        ("google", "shutdown_on"): 38,
    }
    tuned = terms.filter((pl.col("tuning_method") != "none") & (pl.col("term") == "shutdown_on"))
    assert dict(tuned.select("model", "value").iter_rows()) == dict.fromkeys(
        ("gpt-3.5-turbo", "gpt-4", "gpt-4.1-nano-2025-04-14", "babbage-002", "davinci-002",
         "o4-mini-2025-04-16"),
        "2026-10-23",
    )  # fmt: skip

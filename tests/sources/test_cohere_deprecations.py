from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from sources._contract import SourceError
from sources.cohere_deprecations import SOURCE

PAGE: Final = (
    Path(__file__).parents[1] / "fixtures" / "cohere_deprecations" / "2026-08-20.mdx"
).read_text("utf-8")
CAPTURE: Final = Path(__file__).parents[3] / "shared/captures/cohere_deprecations/2026-08-20.mdx"


def changed(old: str, new: str) -> str:
    assert PAGE.count(old) == 1
    return PAGE.replace(old, new)


def terms(page: str) -> pl.DataFrame:
    return SOURCE.read(page.encode()).terms


def problem(page: str) -> str:
    with pytest.raises(SourceError) as refused:
        SOURCE.read(page.encode())
    return refused.value.problem


def test_all_fine_tuning_has_ended() -> None:
    said = terms(PAGE).filter(pl.col("tuning_method") != "none")

    assert said.select("model", "term", "value").rows() == [
        ("*", "last_training_on", "2025-09-15"),
        ("*", "shutdown_on", "2025-09-15"),
        ("command-r-03-2024", "shutdown_on", "2025-03-08"),
    ]
    assert said["remark"].to_list() == ["no new jobs from this day on", None, None]


def test_a_deprecated_model_is_not_shut_down() -> None:
    said = terms(PAGE).filter(pl.col("tuning_method") == "none")
    deprecated = said.filter(term="is_deprecated")

    assert deprecated["model"].to_list() == [
        "command-r-03-2024",
        "command-r-plus-04-2024",
        "command-light",
        "command",
        "summarize",
    ]
    assert deprecated["valid_from"].unique().to_list() == [datetime(2025, 9, 15)]  # noqa: DTZ001
    ended = said.filter(term="shutdown_on")
    assert ended.group_by("value", maintain_order=True).len().rows() == [
        ("2026-04-04", 5),
        ("2025-04-30", 2),
    ]


def test_an_alias_is_no_model() -> None:
    assert not terms(PAGE)["model"].is_in(["command-r", "command-r-plus"]).any()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", all of fine-tuning", ", most of fine-tuning", "not all of fine-tuning"),
        ("`classify`, and `rerank` models", "and `classify` models", "words on fine-tuning"),
        ("will no longer be accessible", "will stay accessible", "words on fine-tuning"),
        ("continue to be supported until", "be trained until", "words on fine-tuning"),
        ("models will be retired:", "fine-tuned models will go:", "words on fine-tuning"),
        ("models will be retired:", "models will go:", "an unknown kind"),
        ("- `c4ai-aya-vision-8b`", "- Aya Vision", "no model: '- Aya Vision'"),
        ("- `command`\n", "- `command` (in the EU)\n", "no model: '- `command` (in the EU)'"),
        ("| `rerank-english-v2.0` |", "| Rerank |", "no model: '- Rerank'"),
        ("April 4th, 2026", "spring 2026", "not a date: 'spring 2026'"),
        ("September 15, 2025,", "this autumn,", "not a date: 'this autumn'"),
        ("until March 08, 2025.", "until further notice.", "not a date: 'further notice'"),
        ("| 2025-04-30 | `rerank-english", "| soon | `rerank-english", "not a date: 'soon'"),
        ("| Shutdown Date|", "| Retirement Date|", "an unknown kind"),
        ("| 2025-04-30 | `rerank-mul", "\n| 2025-04-30 | `rerank-mul", "outside of it"),
        ("- `c4ai-aya-expanse-8b`", "\n- `c4ai-aya-expanse-8b`", "an unknown kind"),
        ("### 2025-01-31: Default", "### 2025-01-31: Another", "words on fine-tuning"),
    ],
)
def test_what_is_said_in_other_words_is_refused(old: str, new: str, said: str) -> None:
    page = PAGE.replace(old, new, 1)
    assert page != PAGE

    assert said in problem(page)


def test_an_announcement_of_another_kind_is_refused() -> None:
    history = "most recent announcements at the top.\n"
    page = changed(history, f"{history}\n### 2026-09-01: Command A\n\nIt ends soon.\n")

    assert "'2026-09-01: Command A': an announcement of an unknown kind" in problem(page)


def test_a_page_cut_short_or_doubled_is_refused() -> None:
    said = "the page has not one"
    assert said in problem(PAGE[: PAGE.index("# Best Practices")])
    assert said in problem(PAGE[PAGE.index("### 2026-04-04") :])
    assert said in problem(PAGE * 2)


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_page_says_what_the_one_of_our_own_says() -> None:
    real = SOURCE.read(CAPTURE.read_bytes()).terms.drop("locator", "printed_text")

    assert real.height == 15
    assert real.equals(terms(PAGE).drop("locator", "printed_text"))

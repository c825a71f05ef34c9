from pathlib import Path
from typing import Final

import pytest

from sources._contract import SourceError
from sources.openai_guide import SOURCE

PAGE: Final = (Path(__file__).parents[1] / "fixtures" / "openai_guide" / "2026-07-15.md").read_text(
    "utf-8"
)
CAPTURE: Final = Path(__file__).parents[3] / "shared/captures/openai_guide/2026-07-15.md"


def changed(old: str, new: str) -> str:
    assert PAGE.count(old) == 1
    return PAGE.replace(old, new)


def problem(page: str) -> str:
    with pytest.raises(SourceError) as refused:
        SOURCE.read(page.encode())
    return refused.value.problem


def counts(page: bytes) -> list[tuple[str, str, str, str]]:
    rows = SOURCE.read(page).terms.select("model", "tuning_method", "term", "value").rows()
    return [(model, method, term, value) for model, method, term, value in rows]


def test_the_minimum_and_the_advice_are_told_apart() -> None:
    assert counts(PAGE.encode()) == [
        ("*", "sft", "min_examples", "10"),
        ("*", "sft", "recommended_examples", "50"),
    ]


def test_other_numbers_are_read_as_they_stand() -> None:
    page = changed("for fine-tuning is 10", "for fine-tuning is 20")
    page = page.replace("at least 10 lines", "at least 20 lines").replace(
        "with 50 well", "with 80 well"
    )

    assert [value for *_, value in counts(page.encode())] == ["20", "80"]


def test_two_minimums_are_refused() -> None:
    page = changed("at least 10 lines", "at least 20 lines")

    assert "two values for term min_examples" in problem(page)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for fine-tuning is 10", "for fine-tuning is 10–20"),
        ("for fine-tuning is 10", "for fine-tuning is ten"),
        ("for fine-tuning is 10", "for fine-tuning is 0"),
        ("- The minimum number", "- The recommended number"),
        ("starting with 50 well", "starting with 50–100 well"),
        ("- We recommend starting with", "- Some start with"),
        ("- Your file must have", "- Your file should have"),
    ],
)
def test_a_sentence_in_other_words_is_refused(old: str, new: str) -> None:
    assert "0 lines, not 1, say" in problem(changed(old, new))


def test_a_sentence_that_stands_twice_is_refused() -> None:
    line = "- Your file must have at least 10 lines\n"

    assert "2 lines, not 1, say" in problem(changed(line, line * 2))


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_page_says_what_the_one_of_our_own_says() -> None:
    assert counts(CAPTURE.read_bytes()) == counts(PAGE.encode())

from pathlib import Path

import pytest

from sources._contract import SourceError
from sources.mistral_finetuning_docs import SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mistral_finetuning_docs"
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "mistral_finetuning_docs"
BEFORE = (FIXTURES / "2025-10-20.md").read_text("utf-8")
DEPRECATED = (FIXTURES / "2026-08-21.md").read_text("utf-8")


def changed(page: str, old: str, new: str) -> bytes:
    """Replace the first `old` of a page, which must be there."""
    assert old in page
    return page.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[Deprecated]", "[Beta]"),
        ("[Deprecated]", "[Deprécated]"),
        (":::warning[Deprecated]", "warning[Deprecated]"),
        ("is deprecated and is no longer", "will be deprecated and will no longer be"),
        ("# Fine-tuning\n\n:::warning[Deprecated]\n", ""),
    ],
)
def test_a_notice_in_other_words_is_not_taken_for_none(old: str, new: str) -> None:
    assert "an unknown beginning of the page" in refused(changed(DEPRECATED, old, new))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("minimum fee of $4", "minimum fee of about $4", "an unknown beginning"),
        ("minimum fee of $4", "minimum fee of 4", "no currency"),
        ("monthly storage fee", "yearly storage fee", "an unknown beginning"),
        ("for each model.", "for all models.", "an unknown beginning"),
        ("Try prompts first.", "Training is $3 per 1M tokens.", "prices further down"),
    ],
)
@pytest.mark.parametrize("page", [BEFORE, DEPRECATED], ids=["before", "deprecated"])
def test_fees_in_other_words_are_refused(page: str, old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(page, old, new))


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not shipped")
@pytest.mark.parametrize("day", ["2025-10-20", "2026-08-21"])
def test_the_real_page_says_what_the_fixture_says(day: str) -> None:
    real, fixture = (
        SOURCE.read((folder / f"{day}.md").read_bytes()) for folder in (CAPTURES, FIXTURES)
    )

    assert real.quotes.equals(fixture.quotes)
    assert real.terms.equals(fixture.terms)
    assert real.terms["value"].to_list() == [{"2025-10-20": "no", "2026-08-21": "yes"}[day]]

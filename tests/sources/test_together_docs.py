from decimal import Decimal
from pathlib import Path

import pytest

from sources._contract import SourceError
from sources.together_docs import SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures/together_docs"
OLD, NEW = ((FIXTURES / f"{day}.md").read_text("utf-8") for day in ("2025-11-08", "2026-09-09"))
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "together_docs" / "2025-11-08.md"


def changed(page: str, old: str, new: str) -> bytes:
    """Replace the first `old`, which must be there."""
    assert old in page
    return page.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def test_no_minimum_is_a_minimum_of_nothing_for_every_model_and_method() -> None:
    (minimum,) = SOURCE.read(OLD.encode()).quotes.rows(named=True)

    assert (minimum["model"], minimum["tuning_method"], minimum["adapter"]) == (
        "*",
        "unknown",
        "unknown",
    )
    assert (minimum["availability"], minimum["unit_price"]) == ("free", 0)


def test_a_minimum_with_exceptions_says_so() -> None:
    (minimum,) = SOURCE.read(NEW.encode()).quotes.rows(named=True)

    assert (minimum["unit_price"], minimum["remark"]) == (
        Decimal(4),
        "some models are exempt, says the page",
    )


@pytest.mark.parametrize("said", ["There is no minimum charge for a fine-tuning job.", "$5.00"])
def test_the_minimum_may_be_said_in_the_words_that_are_known(said: str) -> None:
    line = next(line for line in NEW.split("\n") if line.startswith("Fine-tuning jobs have"))
    new = said if said.startswith("There") else line.replace(r"\$4.00", said)

    (minimum,) = SOURCE.read(changed(NEW, line, new)).quotes.rows(named=True)

    assert minimum["unit_price"] == (0 if said.startswith("There") else 5)


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [
        (OLD, "No, there is no minimum price", "Yes, there is a minimum price"),
        (OLD, "no minimum price for fine-tuning jobs", "no minimum price for LoRA jobs"),
        (OLD, "(n\\_evals × ", "("),
        (OLD, "validation\\_dataset)", "validation\\_dataset) + 1000"),
        (NEW, "have a \\$4.00 minimum", "have a minimum"),
        (NEW, "(n_epochs × tokens_per_training_dataset)", "(tokens_per_training_dataset)"),
        (NEW, "`dataset_length` × ", "`dataset_length` + "),
    ],
)
def test_other_words_are_refused(page: str, old: str, new: str) -> None:
    assert "0 lines, not 1, say" in refused(changed(page, old, new))


def test_what_is_billed_without_packing_is_a_remark_where_the_page_says_it() -> None:
    (old,), (new,) = (SOURCE.read(page.encode()).terms.rows(named=True) for page in (OLD, NEW))

    assert old["value"] == new["value"] == "train x epochs + validation x evaluations"
    assert old["remark"] is None
    assert new["remark"] == (
        "If you disable packing, training tokens are computed as "
        "dataset_length × max_seq_length instead."
    )


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_page_says_what_the_fixture_says() -> None:
    real, fixture = SOURCE.read(CAPTURE.read_bytes()), SOURCE.read(OLD.encode())

    assert (real.quotes.height, real.terms.height) == (1, 1)
    assert real.quotes.drop("locator").equals(fixture.quotes.drop("locator"))
    assert real.terms.drop("locator").equals(fixture.terms.drop("locator"))
    assert real.terms["locator"].to_list() == ["line 17"]

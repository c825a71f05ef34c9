from pathlib import Path

import pytest

from sources._contract import DOCUMENT_END, SourceError
from sources.fireworks_docs import SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures/fireworks_docs"
OLD, NEW = ((FIXTURES / f"{day}.md").read_text("utf-8") for day in ("2025-11-07", "2026-09-09"))
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "fireworks_docs"


def changed(page: str, old: str, new: str) -> bytes:
    """Replace the first `old`, which must be there."""
    assert old in page
    return page.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def terms(capture: bytes) -> dict[str, str]:
    return dict(SOURCE.read(capture).terms.select("term", "value").rows())


@pytest.mark.parametrize("page", [OLD, NEW])
def test_the_order_of_the_pages_does_not_matter(page: str) -> None:
    parts = page.split("\n# ")
    turned = "\n# ".join(reversed(parts))

    assert terms(turned.encode()) == terms(page.encode())


def test_the_rank_s_default_is_not_the_epochs_default() -> None:
    page = OLD.replace("Our default value is 1.", "Our default value is 2.")

    assert terms(page.encode())["epoch_default"] == "2"
    assert "0 lines, not 1" in refused(changed(OLD, "Our default value is 1. ", ""))


def test_weights_that_can_be_downloaded_can_be_hosted_anywhere() -> None:
    assert (terms(OLD.encode())["hosting"], terms(NEW.encode())["hosting"]) == ("managed", "both")
    assert "weights_exportable" not in terms(OLD.encode())


@pytest.mark.parametrize(
    ("page", "old", "new", "problem"),
    [
        (OLD, "**Minimum examples:** 3", "**Minimum examples:** three", "0 lines, not 1"),
        (OLD, "* **Minimum examples:** 3\n", "* **Minimum examples:** 3\n" * 2, "2 lines, not 1"),
        (OLD, "on-demand and serverless hosting", "on-demand hosting", "not the two pages"),
        (OLD, "without managing GPUs", "at no cost", "not the two pages"),
        (OLD, '<Card title="Import', '<Card title="Upload', "0 lines, not 1"),
        (NEW, "only supported method", "preferred method", "not the two pages"),
        (NEW, "is not supported for LoRA models", "is in preview", "not the two pages"),
        (NEW, "You can download your trained weights", "Ask us for the weights", "0 lines, not 1"),
    ],
)
def test_other_words_are_refused(page: str, old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(page, old, new))


def test_without_a_download_fireworks_alone_hosts() -> None:
    start, end = NEW.index("## Downloading"), NEW.index("## Next steps")

    assert terms((NEW[:start] + NEW[end:]).encode())["hosting"] == "managed"


def test_a_download_in_other_words_is_refused() -> None:
    assert "0 lines, not 1" in refused(changed(OLD, "## Next steps", "Download your LoRA."))


def test_pages_of_two_ages_are_refused() -> None:
    lines = NEW.split("\n")
    guide = next(line for line in lines if line.startswith("This guide will focus"))
    older = next(line for line in OLD.split("\n") if line.startswith("This guide will focus"))

    assert "or they differ about serving" in refused(changed(NEW, guide, older))


def test_a_page_cut_before_the_download_is_refused() -> None:
    assert "0 lines, not 1" in refused(NEW[: NEW.index("## Downloading")].encode())


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not shipped")
def test_the_real_pages_say_what_the_fixture_says() -> None:
    pages = [page.read_bytes() for page in sorted(CAPTURES.glob("*.2025-11-07.md"))]

    real, fixture = SOURCE.read(DOCUMENT_END.join(pages)), SOURCE.read(OLD.encode())

    assert len(pages) == 3
    assert (real.quotes.height, real.terms.height) == (0, 3)
    place = ["locator", "printed_text"]
    assert real.terms.drop(place).equals(fixture.terms.drop(place))

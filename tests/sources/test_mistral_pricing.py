import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import Reading, SourceError
from sources.mistral_pricing import SOURCE

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mistral_pricing"
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "mistral_pricing"
DATA = (FIXTURES / "2026-05-08.html").read_text("utf-8")
CARDS = (FIXTURES / "2026-08-04.html").read_text("utf-8")
BIG, SMALL = "Classifier API model 8B", "Classifier API model 3B"
CARD_OF_BIG = 'data-name="classifier api model 8b"'


def changed(page: str, old: str, new: str, *, after: str = "") -> bytes:
    """Replace the first `old` behind `after`, which must be there."""
    start = page.index(after)
    assert old in page[start:]
    return (page[:start] + page[start:].replace(old, new, 1)).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def prices(reading: Reading, meter: str) -> dict[tuple[str, str | None], Decimal]:
    rows = reading.quotes.filter(pl.col("meter") == meter)
    return {(model, lst): p for model, lst, p in rows["model", "price_list", "unit_price"].rows()}


def test_dollars_and_euros_are_two_lists_and_no_conversion() -> None:
    assert prices(SOURCE.read(CARDS.encode()), "training_tokens") == {
        (SMALL, None): 1,
        (SMALL, "EUR"): Decimal("0.88"),
        (BIG, None): 1,
        (BIG, "EUR"): 1,
    }


def test_the_minimum_per_job_is_in_dollars_alone() -> None:
    for page in (DATA, CARDS):
        assert prices(SOURCE.read(page.encode()), "job_minimum") == {
            (SMALL, None): 4,
            (BIG, None): 4,
        }


def test_what_changed_places_upstream_is_read_as_printed() -> None:
    before, after = (prices(SOURCE.read(page.encode()), "input_tokens") for page in (DATA, CARDS))

    assert (before[SMALL, None], before[BIG, None]) == (Decimal("0.04"), Decimal("0.10"))
    assert (after[SMALL, None], after[BIG, None]) == (Decimal("0.10"), Decimal("0.04"))


def test_a_model_is_the_same_with_its_size_in_brackets() -> None:
    renamed = re.sub(r"(?i)(classifier api model) (\db)", r"\1 (\2)", CARDS)
    assert "Classifier API model (3B)" in renamed

    assert SOURCE.read(renamed.encode()).quotes.equals(SOURCE.read(CARDS.encode()).quotes)


def test_only_what_the_page_of_2026_05_sold_is_read() -> None:
    """Its data also had tuning prices of text models, which it may never have shown."""
    assert '\\"fine_tuning\\":[{\\"value\\":\\"Training Cost' in DATA
    assert set(SOURCE.read(DATA.encode()).quotes["model"]) == {BIG, SMALL}


@pytest.mark.parametrize("page", [DATA, CARDS], ids=["data", "cards"])
def test_a_page_that_lost_its_tuning_offers_is_refused(page: str) -> None:
    lost = re.sub(r"(?i)training cost", "Data cost", page)

    assert "no model on the page has a training cost" in refused(lost.encode())


@pytest.mark.parametrize("page", [DATA, CARDS], ids=["data", "cards"])
def test_a_page_that_lost_one_of_two_offers_is_refused(page: str) -> None:
    label = "Training Cost" if page is DATA else "Training cost"

    assert "9 quotes where 18" in refused(changed(page, label, "Data", after="lassifier API"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Training cost (/M tokens)", "Training cost (/K tokens)", "an unknown label"),
        ("Storage cost (per month per model)", "Hosting (per hour)", "an unknown label"),
        ("Output (/M tokens)", "Input (/M tokens)", "not each of"),
        ("fine-tuning job of $4.", "fine-tuning job of $4 to $9.", "not one exact price"),
        ("fine-tuning job of $4.", "fine-tuning job of €4.", "in the price list in USD"),
        ("minimum fee per", "fee per", "no minimum per job"),
        ("&quot;priceEur&quot;:1,", "", "not one price in dollars and one in euros"),
        ("&quot;priceEur&quot;:1,", "&quot;priceEur&quot;:null,", "not one exact price: 'None'"),
        ("&quot;prefix&quot;:null", "&quot;prefix&quot;:&quot;from&quot;", "not one price in"),
        ("&quot;suffix&quot;:null", "&quot;suffix&quot;:&quot;/K&quot;", "not one price in"),
        ("null}", "null,&quot;priceGbp&quot;:1}", "not one price in"),
        (">$1<", ">$2<", "the page shows 2 USD and holds"),
        (">$1<", "><", "the page shows None None and holds"),
        (">Classifier API model 8B</p>", ">Classifier</p>", "and does not show it"),
    ],
)
def test_a_card_that_says_something_else_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(CARDS, old, new, after=CARD_OF_BIG))


def test_a_card_shown_in_euros_is_read_alike() -> None:
    capture = changed(CARDS, ">$0.1<", ">€0.088<", after='data-name="classifier api model 3b"')

    assert SOURCE.read(capture).quotes.equals(SOURCE.read(CARDS.encode()).quotes)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (r"1$\u003c/p\u003e", r"1\u0026euro;\u003c/p\u003e", "'1€' in the price list in USD"),
        (r"1$\u003c/p\u003e", r"\u003c/p\u003e", "'' in the price list in USD"),
        (r"1$\u003c/p\u003e", r"from 1$\u003c/p\u003e", "not one exact price"),
        ("$2 / month per model", "$2", "a price without a unit"),
        ("$2 / month per model", "$2 / 1M tokens", "cannot be a price of storage_months"),
        (r"\"price_euro\":", r"\"price_dollar\":", "two values of one key 'price_dollar'"),
        ("fine-tuning job of $4.", "fine-tuning job.", "no minimum per job"),
        ('"])</script>', "", "no JSON document"),
    ],
)
def test_data_that_says_something_else_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(DATA, old, new, after=BIG))


@pytest.mark.parametrize(("part", "problem"), [(2, "0 lists of models"), (3, "no JSON document")])
def test_a_part_of_the_data_that_did_not_come_is_refused(part: int, problem: str) -> None:
    parts = re.findall(r"<script>self.*?</script>", DATA)

    assert problem in refused(DATA.replace(parts[part], "").encode())


def test_of_two_lists_of_models_none_is_believed() -> None:
    twice = DATA.replace("</body>", DATA[DATA.index("<script>self") : DATA.index("</body>")], 1)

    assert "2 lists of models" in refused(twice.encode())


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not shipped")
@pytest.mark.parametrize("day", ["2026-05-08", "2026-08-04"])
def test_the_real_page_says_what_the_fixture_says(day: str) -> None:
    real, fixture = (
        SOURCE.read((folder / f"{day}.html").read_bytes()) for folder in (CAPTURES, FIXTURES)
    )

    assert real.quotes.height == 18
    assert real.quotes.drop("locator").equals(fixture.quotes.drop("locator"))


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not shipped")
def test_the_real_page_without_tuning_offers_is_refused() -> None:
    problem = refused((CAPTURES / "2026-08-03.html").read_bytes())

    assert "no model on the page has a training cost; it has 7 cards" in problem

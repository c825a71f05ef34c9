import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import DOCUMENT_END, Quote, SourceError
from sources._parsing import Unreadable
from sources.llm_prices import SOURCE, parse

FIXTURES = Path(__file__).parents[1] / "fixtures/llm_prices"
VENDORS = (FIXTURES / "2026-08-05.json").read_text("utf-8")
CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "llm_prices"
BEFORE = datetime.fromisoformat("1970-01-01")
MAY = datetime.fromisoformat("2026-05-01")
JUNE = datetime.fromisoformat("2026-06-01")
JULY = datetime.fromisoformat("2026-07-01")


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the vendors' files, which must be there."""
    assert old in VENDORS
    return VENDORS.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    # the fixture is a few models of the site
    with pytest.raises(SourceError) as error:
        replace(SOURCE, quote_count=(1, 10_000)).read(capture)
    return error.value.problem


def price(
    amount: float | None, since: str | None = None, until: str | None = None, **more: object
) -> Mapping[str, object]:
    prices = {"input": amount, "output": None, "input_cached": None}
    return {**prices, "from_date": since, "to_date": until, **more}


def read(
    *history: Mapping[str, object], name: str = "m", label: str = "M", vendor: str = "openai"
) -> list[Quote]:
    """Read a vendor's file of one model."""
    model = {"id": name, "name": label, "price_history": history}
    return parse(json.dumps({"vendor": vendor, "models": [model]}).encode()).quotes


def history(quotes: list[Quote]) -> list[tuple[datetime | None, Decimal | None]]:
    return [(q.valid_from, q.unit_price) for q in quotes]


def test_a_single_price_holds_as_of_the_capture() -> None:
    assert history(read(price(1))) == [(None, 1)]


def test_a_price_that_began_holds_from_its_midnight() -> None:
    assert history(read(price(1, "2026-05-01"))) == [(MAY, 1)]


def test_a_price_holds_until_another_begins_in_any_order() -> None:
    earlier, later = price(1, None, "2026-06-01"), price(2, "2026-06-01")

    expected = [(BEFORE, 1), (JUNE, 2)]
    assert history(read(earlier, later)) == history(read(later, earlier)) == expected


def test_a_price_that_ends_without_another_is_not_published_from_then_on() -> None:
    quotes = read(price(1, None, "2026-05-01"), price(2, "2026-06-01", "2026-07-01"))

    assert history(quotes) == [(BEFORE, 1), (MAY, None), (JUNE, 2), (JULY, None)]
    assert [q.availability for q in quotes][1::2] == ["not_published", "not_published"]


def test_a_meter_that_is_dropped_is_not_published_from_then_on() -> None:
    quotes = read(
        price(1, None, "2026-06-01", input_cached=0.5),
        price(1, "2026-06-01", input_cached=None),
    )

    cached = [q for q in quotes if q.meter == "cached_input_tokens"]
    assert [(q.valid_from, q.availability) for q in cached] == [
        (BEFORE, "priced"),
        (JUNE, "not_published"),
    ]


@pytest.mark.parametrize(
    "later",
    [price(2), price(2, "2026-05-01"), price(2, "2026-05-01", "2026-07-01")],
)
def test_two_prices_at_one_time_are_refused(later: Mapping[str, object]) -> None:
    for end in (None, "2026-06-01"):
        with pytest.raises(Unreadable, match="at the same time"):
            read(price(1, None, end), later)


def test_the_same_price_twice_is_one() -> None:
    assert history(read(price(1), price(1))) == [(None, 1)]


def test_a_price_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Unreadable, match="before it begins"):
        read(price(1, "2026-06-01", "2026-05-01"))


@pytest.mark.parametrize(
    ("name", "label", "model", "tier"),
    [
        ("m", "M ≤200k", "m", None),
        ("m-200k", "M >200k", "m", "200k+"),
        ("m-272k", "M Pro >272k", "m", "272k+"),
        ("glm-4-32b-0414-128k", "GLM-4-32B-0414-128K", "glm-4-32b-0414-128k", None),
    ],
)
def test_longer_prompts_are_a_tier_of_the_model(
    name: str, label: str, model: str, tier: str | None
) -> None:
    (quote,) = read(price(1), name=name, label=label)

    assert (quote.model, quote.context_tier) == (model, tier)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("m", "M >200k"),
        ("m-128k", "M >200k"),
        ("m", "M <200k"),
        ("m", "M >200K"),
        ("m", "M >32k ≤128k"),
    ],
)
def test_a_length_that_is_said_otherwise_is_refused(name: str, label: str) -> None:
    with pytest.raises(Unreadable):
        read(price(1), name=name, label=label)


@pytest.mark.parametrize("vendor", ["qwen", "meta-ai", "somebody-new"])
def test_who_is_not_read(vendor: str) -> None:
    assert read(price(1), vendor=vendor) == []


def test_the_price_of_images_is_not_read() -> None:
    assert read(price(1), label="gpt-image-2 (image gen) text tokens") == []


def test_a_zero_is_neither_free_nor_a_price() -> None:
    (quote,) = read(price(0.0))

    assert (quote.availability, quote.unit_price) == ("unreadable", None)
    assert quote.remark


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"input": 0.15', '"input": "0.15"', "input is no price: '0.15'"),
        ('"input": 0.15', '"input": -0.15', "greater_than_or_equal_to"),
        ('"to_date": "2026-07-30"', '"to_date": "summer"', "not a date: 'summer'"),
        ('"to_date": "2026-07-30"', '"to_date": null', "at the same time"),
        ('"to_date": null, ', "", "to_date"),
        (', "input_cached": 0.075', "", "input_cached"),
        ('"id": "gpt-4o-mini"', '"id": "gpt-4o-miní"', "no name of a vendor or a model"),
        ('"vendor"', '"seller"', "neither a price history nor a vendor's file"),
    ],
)
def test_what_cannot_be_read_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new))


def test_a_piece_of_one_vendors_file_in_anothers_is_refused() -> None:
    def vendors(other: float) -> bytes:
        return b"".join(
            json.dumps({"vendor": vendor, "models": [{"id": "m", "name": "M", **sold}]}).encode()
            for vendor, sold in (
                (
                    "openai",
                    {"price_history": [price(2, until="2026-06-01"), price(1, "2026-06-01")]},
                ),
                ("meta-ai", {"price_history": [price(other, until="2026-06-01")]}),
            )
        )

    # who sells another's model asks a price of its own
    assert len(parse(vendors(3)).quotes) == 2
    with pytest.raises(Unreadable, match="is openai's model, at the same prices"):
        parse(vendors(2))


def test_both_shapes_state_the_same_facts() -> None:
    records = [
        {"id": model["id"], "vendor": file["vendor"], "name": model["name"], **record}
        for file in map(json.loads, VENDORS.replace("\n]}\n", "]}\f").split("\f")[:-1])
        for model in file["models"]
        for record in model["price_history"]
    ]

    flat = parse(json.dumps({"prices": records}).encode()).quotes

    whole = parse(VENDORS.encode()).quotes
    assert len(whole) == 22
    assert [q._replace(locator="") for q in flat] == [q._replace(locator="") for q in whole]


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
def test_the_real_files() -> None:
    files = [(CAPTURES / f"{name}.2026-08-05.json").read_bytes() for name in ("google", "openai")]

    quotes = SOURCE.read(DOCUMENT_END.join(files)).quotes

    assert (quotes.height, quotes["valid_from"].count()) == (185, 24)
    assert set(quotes["availability"]) == {"priced"}
    preview = quotes.filter(pl.col("model") == "gemini-2.5-pro-preview-03-25")
    assert preview.select("context_tier", "meter", "unit_price").rows() == [
        (None, "input_tokens", Decimal("1.25")),
        (None, "output_tokens", 10),
        ("200k+", "input_tokens", Decimal("2.5")),
        ("200k+", "output_tokens", 15),
    ]
    for file in files:
        with pytest.raises(SourceError, match="quotes where 150"):
            SOURCE.read(file)


def test_a_label_that_says_nothing_is_unreadable() -> None:
    assert "prompts of an unknown length" in refused(changed('"GPT-5.6 Luna ≤272k"', '"-"'))

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

import sources
from sources._contract import (
    Evidence,
    Offer,
    Parsed,
    Quote,
    Quotes,
    Rank,
    Source,
    SourceError,
    Term,
    Terms,
    check_facts,
    every_source,
)
from sources._parsing import Price, Unreadable, read_price, read_unit

BASE: Final = Offer("openai", "gpt-4o")
TUNED: Final = Offer("openai", "gpt-4o", "sft", "unknown")


def quote(
    printed: str = "$3.00 / 1M tokens", offer: Offer = TUNED, locator: str = "table[0]/tr[1]"
) -> Quote:
    return offer.quote("input_tokens", read_price(printed), Evidence(locator, printed))


def term(value: str = "10", locator: str = "p[0]") -> Term:
    return TUNED.term("min_examples", value, Evidence(locator, value))


def source(
    *facts: Quote | Term,
    quote_count: tuple[int, int] = (0, 10),
    term_count: tuple[int, int] = (0, 10),
) -> Source:
    quotes = [fact for fact in facts if isinstance(fact, Quote)]
    terms = [fact for fact in facts if isinstance(fact, Term)]
    return Source(
        url="https://example.org/prices",
        description="a source that says what a test wants it to",
        rank=Rank.SELLER,
        cadence=timedelta(days=1),
        quote_count=quote_count,
        term_count=term_count,
        parse=lambda _: Parsed(quotes, terms),
        name="example_prices",
    )


def refusal(of: Source) -> str:
    with pytest.raises(SourceError) as refused:
        of.read(b"page")
    assert refused.value.source == "example_prices"
    message = str(refused.value)
    assert message.startswith("example_prices: ")
    assert "no price was changed; look at the capture" in message
    assert "expected" in message
    return message


def test_a_good_capture_is_read_whole_in_its_order() -> None:
    other = quote("Free", TUNED._replace(model="a model that sorts first"))
    reading = source(quote(), other, term()).read(b"page")
    assert reading.quotes["model"].to_list() == ["gpt-4o", "a model that sorts first"]
    assert reading.quotes["availability"].to_list() == ["priced", "free"]
    assert reading.terms["value"].to_list() == ["10"]
    assert tuple(reading.quotes.columns) == Quote._fields
    assert tuple(reading.terms.columns) == Term._fields


def test_money_is_decimal_in_the_frame_too() -> None:
    (row,) = source(quote("$0.0030 / 1K tokens")).read(b"page").quotes.rows(named=True)
    assert (row["list_unit_price"], row["pricing_unit"]) == (Decimal("0.003"), "1K tokens")
    assert (row["unit_price"], row["pricing_currency"]) == (Decimal(3), "USD")
    assert isinstance(row["unit_price"], Decimal)


def test_the_finest_and_the_dearest_price_survive_the_frame() -> None:
    fine, dear = "$0.000000000000000001 / 1M tokens", "$999999999.999999999999999999 / M"
    reading = source(quote(fine), quote(dear, BASE)).read(b"page")
    assert reading.quotes["unit_price"].to_list() == [
        Decimal("0.000000000000000001"),
        Decimal("999999999.999999999999999999"),
    ]


@pytest.mark.parametrize(
    ("printed", "state"),
    [("Not available", "not_offered"), ("-", "not_published"), ("", "not_published")],
)
def test_what_is_no_price_has_no_amount_no_unit_and_no_currency(printed: str, state: str) -> None:
    (row,) = source(quote(printed)).read(b"page").quotes.rows(named=True)
    assert row["availability"] == state
    assert row["printed_text"] == printed
    amounts = ("list_unit_price", "pricing_unit", "pricing_currency", "unit_price")
    assert [row[name] for name in amounts] == [None] * 4


def test_a_price_without_a_unit_is_unreadable() -> None:
    with pytest.raises(Unreadable, match=r"without a unit: '\$3.00'"):
        quote("$3.00")


def test_a_price_of_another_kind_than_its_meter_is_unreadable() -> None:
    hour = Price("priced", Decimal(100), "USD", read_unit("hour"))
    with pytest.raises(Unreadable, match="per hour cannot be a price of training_tokens"):
        TUNED.quote("training_tokens", hour, Evidence("a", "$100 / hour"))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pricing_currency": None}, id="priced without a currency"),
        pytest.param({"pricing_currency": "CAD"}, id="a currency of nobody here"),
        pytest.param({"pricing_unit": None}, id="priced without a unit"),
        pytest.param({"list_unit_price": None}, id="priced without the printed number"),
        pytest.param({"unit_price": None}, id="priced without an amount"),
        pytest.param({"unit_price": Decimal(0)}, id="priced at zero"),
        pytest.param({"unit_price": Decimal(-1)}, id="priced below zero"),
        pytest.param({"unit_price": Decimal(10**9)}, id="dearer than anything"),
        pytest.param({"unit_price": Decimal(10**30)}, id="more digits than a column holds"),
        pytest.param({"availability": "free"}, id="free at a price"),
        pytest.param({"availability": "not_offered"}, id="a price of what is not offered"),
        pytest.param({"availability": "unreadable"}, id="an amount of what could not be read"),
        pytest.param({"availability": "cheap"}, id="an availability of no meaning"),
        pytest.param({"meter": "images"}, id="a meter we do not have"),
        pytest.param({"provider": "Open AI"}, id="a provider that is no identifier"),
        pytest.param({"provider": ""}, id="no provider"),
        pytest.param({"model": ""}, id="no model"),
        pytest.param({"model": None}, id="a null for a model"),
        pytest.param({"model": "x" * 201}, id="an essay for a model"),
        pytest.param({"tuning_method": "magic"}, id="an unknown method"),
        pytest.param({"tuning_method": "sft", "adapter": None}, id="tuned without an adapter"),
        pytest.param({"tuning_method": "none"}, id="a base model with an adapter"),
        pytest.param(
            {"tuning_method": "none", "adapter": None, "meter": "training_tokens"},
            id="a base model that is trained",
        ),
        pytest.param(
            {"tuning_method": "none", "adapter": None, "meter": "job_minimum"},
            id="a base model with a minimum charge",
        ),
        pytest.param({"adapter": "qlora"}, id="an unknown adapter"),
        pytest.param({"service_tier": "gold"}, id="an unknown tier"),
        pytest.param({"locator": ""}, id="no place in the capture"),
        pytest.param({"printed_text": None}, id="no printed text"),
        pytest.param({"url": "javascript:alert(1)"}, id="an address that is none"),
    ],
)
def test_a_quote_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    good = quote()
    assert source(good).read(b"page").quotes.height == 1
    refusal(source(good._replace(**changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"term": "mood"}, id="an unknown term"),
        pytest.param({"value": ""}, id="no value"),
        pytest.param({"value": "x" * 501}, id="an essay for a value"),
        pytest.param({"adapter": None}, id="tuned without an adapter"),
    ],
)
def test_a_term_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    refusal(source(term()._replace(**changes)))  # type: ignore[arg-type]


def test_a_refusal_names_the_column_and_the_value() -> None:
    message = refusal(source(quote()._replace(service_tier="gold")))
    assert "service_tier" in message
    assert "gold" in message


@pytest.mark.parametrize("bad", ["text", object(), b"3"])
def test_a_value_of_another_type_is_refused(bad: object) -> None:
    refusal(source(quote()._replace(unit_price=bad)))  # type: ignore[arg-type]


def test_a_binary_fraction_is_no_money() -> None:
    price = Price("priced", 0.1, "USD", read_unit("1M tokens"))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        TUNED.quote("training_tokens", price, Evidence("a", "0.1"))


def test_equal_statements_are_kept_once_and_the_first_of_them() -> None:
    again = quote("$3 / M", locator="table[7]/tr[9]")
    reading = source(quote(), again, term(), term(locator="p[9]")).read(b"page")
    assert reading.quotes["locator"].to_list() == ["table[0]/tr[1]"]
    assert reading.terms["locator"].to_list() == ["p[0]"]


@pytest.mark.parametrize(
    "other", ["$4.00 / 1M tokens", "€3.00 / 1M tokens", "Free", "-", "$3.00 / 1K tokens"]
)
def test_contradicting_statements_are_refused_with_both_places(other: str) -> None:
    message = refusal(source(quote(), quote(other, locator="table[7]/tr[9]")))
    for said in ("input_tokens", "gpt-4o", "$3.00", other, "table[0]/tr[1]", "table[7]/tr[9]"):
        assert said in message


def test_contradicting_terms_are_refused_with_both_places() -> None:
    message = refusal(source(term("10"), term("20", locator="p[9]")))
    for said in ("min_examples", "'10' at p[0]", "'20' at p[9]"):
        assert said in message


@pytest.mark.parametrize("field", ["provider", "model", "service_tier", "region", "context_tier"])
def test_statements_of_different_offers_do_not_contradict(field: str) -> None:
    other = quote("$4.00 / 1M tokens", TUNED._replace(**{field: "batch"}))
    assert source(quote(), other).read(b"page").quotes.height == 2


def test_statements_of_different_times_do_not_contradict() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    later = quote("$4.00 / 1M tokens")._replace(valid_from=since)
    assert source(quote(), later).read(b"page").quotes.height == 2


@pytest.mark.parametrize(
    ("facts", "least", "most"),
    [(0, 1, 10), (2, 3, 10), (3, 1, 2)],
)
def test_too_few_and_too_many_are_refused(facts: int, least: int, most: int) -> None:
    quotes = [quote(offer=TUNED._replace(model=f"model-{i}")) for i in range(facts)]
    said = refusal(source(*quotes, quote_count=(least, most)))
    assert f"{facts} quotes where {least} to {most} are expected" in said
    terms = [term()._replace(model=f"model-{i}") for i in range(facts)]
    said = refusal(source(*terms, term_count=(least, most)))
    assert f"{facts} terms where {least} to {most} are expected" in said


def raising(error: Exception) -> Callable[[bytes], Parsed]:
    def parse(_: bytes) -> Parsed:
        raise error

    return parse


@pytest.mark.parametrize(
    "error",
    [
        Unreadable("the price of hay"),
        ValueError("the price of hay"),
        KeyError("the price of hay"),
        AssertionError("the price of hay"),
        RecursionError("the price of hay"),
        MemoryError("the price of hay"),
        OSError("the price of hay"),
    ],
)
def test_whatever_a_parser_raises_is_a_refusal_with_its_cause(error: Exception) -> None:
    good = source(quote())
    said = Source(**{**vars(good), "parse": raising(error)})
    assert "the price of hay" in refusal(said)
    with pytest.raises(SourceError) as refused:
        said.read(b"page")
    assert refused.value.__cause__ is error


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_person_who_stops_the_run_is_obeyed(stop: type[BaseException]) -> None:
    def parse(_: bytes) -> Parsed:
        raise stop

    with pytest.raises(stop):
        Source(**{**vars(source()), "parse": parse}).read(b"page")


@pytest.mark.parametrize("capture", [b"", b" ", b"\n\t\r\n"])
def test_an_empty_capture_is_refused(capture: bytes) -> None:
    with pytest.raises(SourceError, match="example_prices: the capture is empty"):
        source(quote()).read(capture)


def test_every_module_is_a_source_named_after_it_with_a_folder_of_fixtures() -> None:
    room = Path(sources.__file__).parent
    modules = sorted(path.stem for path in room.glob("*.py") if path.stem[0] != "_")
    fixtures = Path(__file__).parents[1] / "fixtures"
    folders = sorted(path.name for path in fixtures.iterdir() if path.is_dir())
    assert modules
    assert list(every_source()) == modules
    assert [source.name for source in every_source().values()] == modules
    assert folders == modules


@pytest.mark.parametrize("name", every_source())
def test_every_source_says_what_it_is(name: str) -> None:
    each = every_source()[name]
    assert each.description
    assert each.bundled or each.url.startswith("https://")
    assert each.cadence >= timedelta(minutes=1)
    least, most = each.quote_count
    assert 0 <= least <= most
    assert least + each.term_count[0] > 0, "an empty page would be believed"
    assert each.term_count[0] <= each.term_count[1]
    assert each.parser_version >= 1


@pytest.mark.parametrize("dash", ["-", "—", "(...)"])
@pytest.mark.parametrize("name", ["model", "region", "context_tier"])
def test_a_dash_is_no_name(name: str, dash: str) -> None:
    offer = Offer("openai", "gpt-5", region="europe", context_tier="200k+")
    assert source(quote(offer=offer)).read(b"page").quotes.height == 1
    assert "str_matches" in refusal(source(quote(offer=offer._replace(**{name: dash}))))


TEXTS: Final = st.sampled_from([
    None, "", "-", "a", "A b", "a" * 201, "none", "sft", "full", "batch", "input_tokens",
    "training_tokens", "min_examples", "priced", "free", "not_offered", "USD", "1M tokens",
    "https://a", "http://a",
])  # fmt: skip
AMOUNTS: Final = st.sampled_from([None, Decimal(-1), Decimal(0), Decimal("0.5"), Decimal(10**9)])
INSTANTS: Final = st.sampled_from([None, datetime(2026, 1, 1)])  # noqa: DTZ001 UTC


def failures(check: Callable[[], object]) -> set[tuple[object, ...]]:
    try:
        check()
    except SchemaErrors as errors:
        cases = errors.failure_cases
        return set(cases.select("column", "check", "failure_case", "index").rows())
    return set()


@pytest.mark.parametrize("model", [Quotes, Terms])
@given(data=st.data())
def test_facts_checked_at_once_fail_where_pandera_says(
    model: type[Quotes | Terms], data: st.DataObject
) -> None:
    reading = source(quote(), quote("Free", BASE), term()).read(b"page")
    facts = reading.quotes if model is Quotes else reading.terms
    rows = [dict(row) for row in pl.concat([facts, facts]).rows(named=True)]
    for _ in range(data.draw(st.integers(0, 4))):
        row = data.draw(st.sampled_from(rows))
        name = data.draw(st.sampled_from(facts.columns))
        kind = facts.schema[name]
        row[name] = data.draw(
            AMOUNTS if kind == pl.Decimal else INSTANTS if kind == pl.Datetime else TEXTS
        )
    changed = pl.DataFrame(rows, schema=facts.schema)
    said = failures(lambda: model.validate(changed, lazy=True))
    assert failures(lambda: check_facts(model, changed)) == said


@pytest.mark.parametrize(
    "changed",
    [
        lambda facts: facts.drop("remark"),
        lambda facts: facts.with_columns(more=1),
        lambda facts: facts.with_columns(pl.col("unit_price").cast(pl.Float64)),
    ],
    ids=["less", "more", "another type"],
)
def test_facts_of_another_shape_fail(changed: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    facts = source(quote()).read(b"page").quotes
    assert failures(lambda: check_facts(Quotes, facts)) == set()
    assert failures(lambda: check_facts(Quotes, changed(facts)))

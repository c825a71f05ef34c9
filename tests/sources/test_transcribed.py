import importlib
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from sources._contract import TERMS, Quote, Source, SourceError, every_source
from sources._parsing import Unreadable
from sources.transcribed import parse

FIXTURE = Path(__file__).parents[1] / "fixtures" / "transcribed" / "2026-11-22.csv"
CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


@pytest.fixture(scope="module")
def source() -> Source:
    return every_source()["transcribed"]


@pytest.fixture(scope="module")
def shipped(source: Source) -> bytes:
    assert source.bundled is not None
    return source.bundled()


def refusal(source: Source, old: str, new: str) -> str:
    page = FIXTURE.read_text(encoding="utf-8")
    assert page.count(old) == 1
    tiny = replace(source, quote_count=(1, 99), term_count=(1, 99))
    with pytest.raises(SourceError) as caught:
        tiny.read(page.replace(old, new).encode())
    return caught.value.problem


def test_the_first_run_has_an_answer_without_a_network(source: Source, shipped: bytes) -> None:
    reading = source.read(shipped)
    gpt_4o = reading.quotes.filter(
        provider="openai", model="gpt-4o-2024-08-06", meter="training_tokens"
    )
    assert set(gpt_4o["unit_price"]) == {Decimal(25)}
    assert reading.quotes["provider"].n_unique() == 11


def test_every_line_is_a_fact_of_its_own_with_a_stated_time_and_a_public_page(
    source: Source, shipped: bytes
) -> None:
    reading = source.read(shipped)
    facts = pl.concat([reading.quotes, reading.terms], how="diagonal")
    assert facts.height == len(shipped.splitlines()) - 2
    assert facts["locator"].is_unique().all()
    assert facts.select("valid_from", "checked_at", "url").null_count().sum_horizontal().sum() == 0
    assert facts["checked_at"].max() <= datetime(2026, 11, 22)  # noqa: DTZ001 as the frames hold it
    assert facts["remark"].str.contains(r"^transcribed, confidence [ABC](; .+)?$").all()


def test_the_shipped_file_is_sorted_by_provider(shipped: bytes) -> None:
    providers = [line.split(",")[0] for line in shipped.decode().splitlines()[1:-1]]
    assert providers == sorted(providers)


def test_a_fact_carries_its_line_its_days_and_its_confidence(source: Source) -> None:
    command = parse(FIXTURE.read_bytes()).quotes[1]
    assert command.locator == "line 3"
    assert command.valid_from == datetime(2026, 5, 26)  # noqa: DTZ001 as the frames hold it
    assert command.checked_at == datetime(2026, 7, 24)  # noqa: DTZ001 as the frames hold it
    assert command.url == "https://aws.amazon.com/bedrock/pricing/"
    assert command.remark == "transcribed, confidence A; printed Command, without its maker"
    assert source.rank.name == "TRANSCRIBED"


def test_a_new_unit_is_not_a_new_price(source: Source, shipped: bytes) -> None:
    command = source.read(shipped).quotes.filter(
        provider="aws_bedrock", model="Cohere Command", meter="training_tokens"
    )
    assert list(command["list_unit_price"]) == [Decimal("0.004"), Decimal(4)]
    assert list(command["unit_price"]) == [Decimal(4), Decimal(4)]


def test_a_file_cut_short_at_any_byte_is_refused(shipped: bytes) -> None:
    whole = FIXTURE.read_bytes()
    assert parse(whole).quotes
    for size in range(len(whole)):
        with pytest.raises(Unreadable, match=r"cut short|not UTF-8"):
            parse(whole[:size])
    assert shipped.count(b"# end") == 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("provider,model,", "model,provider,", "line 1: the columns are"),
        ("together.ai/pricing,\n", "together.ai/pricing,,\n", "line 12: 16 cells under 15 columns"),
        ("together.ai/pricing,\n", "together.ai/pricing\n", "line 12: 14 cells under 15 columns"),
        ("together.ai/pricing,\n", "together.ai/pricing,\n\n", "line 13: 0 cells under 15"),
        ("together.ai/pricing,\n", 'together.ai/pricing,"\n', "line 12: no line of a CSV file"),
        ("together.ai/pricing,\n", "together.ai/pricing,\n# a note\n", "line 13: 1 cells under"),
        ("up to 16B", "up to\u200b 16B", "line 12: signs that a reader does not see"),
        ("up to 16B", "up to 16B ", "line 12: signs that a reader does not see"),
        ("storage_months", "storage_years", "line 4: the subject is no meter and no term"),
        ("2026-07-31,2026-07-31", "2026-07-32,2026-07-32", "line 5: not a date"),
        ("2026-07-31,2026-07-31", "20260731,2026-07-31", "line 5: not a day as YYYY-MM-DD"),
        ("2026-07-31,2026-07-31", ",2026-07-31", "line 5: not a day as YYYY-MM-DD: ''"),
        ("2026-07-31,2026-07-31", "2026-07-31,2026-07-30", "line 5: checked on 2026-07-30, before"),
        ("2026-07-10,C,", "2026-07-10,D,", "line 12: the confidence is none of A, B, C: 'D'"),
        ("job_minimum,$4,per job", "job_minimum,4,per job", "line 12: no currency"),
        ("job_minimum,$4,per job", "job_minimum,$4,", "line 12: a price without a unit"),
        ("job_minimum,$4,per job", "job_minimum,$4,per hour", "line 12: a price per hour cannot"),
        ("/ hour,per hour", "/ hour,per month", "line 9: '$100.00 / hour' is not per month"),
        ("/ hour,per hour", "/ hour,", "line 9: '$100.00 / hour' is not without a unit"),
        ("2027-01-06,,", "2027-01-06,per job,", "line 10: a term with a unit"),
        ("2027-01-06,,", "2027-02-30,,", "line 10: not a date"),
        ("2027-01-06,,", "January 2027,,", "line 10: no value of last_training_on"),
        ("min_examples,10", "min_examples,10-100", "line 11: no value of min_examples"),
        ("min_examples,10", "min_examples,0", "line 11: no value of min_examples"),
        ("hosting,both", "hosting,Managed", "line 14: no value of hosting"),
        ("https://prices.azure.com", "http://prices.azure.com", "url"),
        ("azure,gpt-4o,sft,unknown", "azure,gpt-4o,sft,", "only_a_tuned_offer_has_an_adapter"),
    ],
)
def test_a_slip_of_the_pen_is_refused_and_its_line_named(
    source: Source, old: str, new: str, problem: str
) -> None:
    assert problem in refusal(source, old, new)


@pytest.mark.parametrize("term", TERMS)
def test_every_term_can_be_transcribed(source: Source, term: str) -> None:
    assert f"line 14: no value of {term}" in refusal(source, "hosting,both", f"{term},")


def test_two_values_for_one_fact_are_refused(source: Source) -> None:
    line = "together,*,sft,unknown,standard,,,hosting,both,"
    twice = f"{line.replace('both', 'managed')},2025-11-08,2025-11-08,A,https://a.b/,\n{line}"
    assert "two values for term hosting" in refusal(source, line, twice)


def test_the_shipped_file_must_be_whole(source: Source, shipped: bytes) -> None:
    for cut in (len(shipped) // 3, len(shipped) // 2, len(shipped) - len("# end\n")):
        with pytest.raises(SourceError, match=r"^transcribed: "):
            source.read(shipped[:cut])


class _Key(NamedTuple):
    model: str
    tuning_method: str
    adapter: str | None
    service_tier: str
    context_tier: str | None
    meter: str


def _latest(quotes: list[Quote]) -> dict[_Key, tuple[str, Decimal | None, str | None]]:
    return {
        _Key(*(getattr(q, name) for name in _Key._fields)): (
            q.availability,
            q.unit_price,
            q.pricing_currency,
        )
        for q in sorted(quotes, key=lambda q: q.valid_from or datetime.min)  # noqa: DTZ901 as above
    }


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures are not here")
@pytest.mark.parametrize(
    ("provider", "capture"),
    [
        ("openai", "openai_pricing/2026-08-21.html"),
        ("volcengine", "volcengine_pricing/2026-07-17.html"),
        ("zhipu", "zhipu_pricing/2026-07-17.html"),
    ],
)
def test_what_was_transcribed_is_what_the_page_says(
    provider: str, capture: str, shipped: bytes
) -> None:
    path = CAPTURES / capture
    module = importlib.import_module(f"sources.{path.parent.name}")
    page = _latest(module.parse(path.read_bytes()).quotes)
    transcribed = _latest([q for q in parse(shipped).quotes if q.provider == provider])
    assert transcribed
    assert transcribed.items() <= page.items()

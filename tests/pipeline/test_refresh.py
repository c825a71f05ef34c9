"""A refresh on the whole path: from a site of our own to the published tables, and back."""

import csv
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import duckdb
import polars as pl
import pytest
import stamina

from pipeline.looking import Looker
from pipeline.refresh import refresh
from pipeline.workshop import _lists_of_rates
from sources._contract import every_source
from sources._rates import RATES
from tests.pipeline.conftest import (
    BOT_WALL,
    FETCHED,
    First,
    latest_capture,
    pages,
    ratecard,
    with_all,
)
from tests.pipeline.loopback import Site, page, serving, status
from tests.sources.test_rates import TWO_DAYS
from warehouse.store import TABLES, Store, dependencies

QUESTIONS: Final = Path(__file__).parents[2] / "warehouse" / "sql" / "questions"
# The pages of these say whether there is another.
WITH_NEXT_PAGES: Final = {name for name, source in every_source().items() if source.next_page}
METERS: Final = {
    "training_usd": ("training_tokens",),
    "training_hour_usd": ("training_hours",),
    # a tuned model may run at its base model's price
    "input_usd": ("input_tokens", "base_input"),
    "cached_input_usd": ("cached_input_tokens",),
    "output_usd": ("output_tokens", "base_output"),
    "hosting_hour_usd": ("hosting_hours",),
    "storage_month_usd": ("storage_months",),
    "job_minimum_usd": ("job_minimum",),
    "base_input_usd": ("base_input",),
    "base_output_usd": ("base_output",),
}


def one_column(folder: Path, query: str, **values: object) -> list[Any]:
    return Store(folder).query(query, values).to_series().to_list()


def states(folder: Path) -> dict[str, str]:
    return dict(Store(folder).query("select source, state from source_health").rows())


def outcomes(folder: Path, number_of_last: int) -> dict[str, str]:
    query = "select source, outcome from looks order by position desc limit $n"
    return dict(Store(folder).query(query, {"n": number_of_last}).rows())


def believed(folder: Path) -> list[object]:
    """Give all that a look which finds nothing new leaves as it is."""
    store = Store(folder)
    return [
        store.digest(),
        store.query("select count(*) from facts").rows(),
        # a change of tomorrow was last seen not to have come at the latest look
        store.query(
            "select * exclude (last_seen_before_at) from price_changes order by all"
        ).rows(),
        store.query("select * exclude (oldest_confirmed_at) from cost_comparison").rows(),
        store.query("select * from cheapest_options order by all").rows(),
        store.query("select * from market_summary").rows(),
    ]


def openai_prices(folder: Path) -> list[tuple[object, ...]]:
    query = """
        select * exclude (confirmed_at, is_stale, is_trusted, is_preferred, usd_rate_on)
        from current_prices where source = 'openai_pricing' order by all
    """
    return Store(folder).query(query).rows()


def test_a_refresh_reads_every_source_that_answers(answered: First) -> None:
    assert answered.done.is_published
    assert not answered.done.failed_sources
    found = states(answered.folder)
    # the transcribed list is as old as the last time that somebody read the pages
    assert found.pop("transcribed") in {"ok", "stale"}
    assert found == dict.fromkeys(set(every_source()) - {"transcribed"}, "ok")


def test_a_refresh_takes_in_whole_pages(answered: First) -> None:
    for name in FETCHED:
        with latest_capture(name).with_suffix(".quotes.csv").open(encoding="utf-8") as lines:
            expected = sum(1 for _ in csv.DictReader(lines))
        query = "select quote_count from looks where source = $source and outcome = 'read'"
        assert one_column(answered.folder, query, source=name) == [expected]


def test_a_second_refresh_finds_nothing_new(
    answered: First, site: Site, copied: Callable[[First], Path]
) -> None:
    folder = copied(answered)
    before = believed(folder)
    done = refresh(with_all(folder, site.url), list(every_source()))
    assert not done.failed_sources
    assert not done.failed_tables
    assert believed(folder) == before
    assert outcomes(folder, len(every_source())) == dict.fromkeys(every_source(), "unchanged")


def test_without_a_network_there_is_a_comparison_all_the_same(alone: First) -> None:
    assert alone.done.is_published
    assert sorted(alone.done.failed_sources) == FETCHED
    assert {name for name, state in states(alone.folder).items() if state == "unreachable"} == {
        *FETCHED
    }
    offers = Store(alone.folder).query("""
        select distinct provider, coalesce(expanded_from, model), tuning_method, adapter
        from cost_comparison
        where service_tier is not null and oldest_confirmed_at is not null
            and coalesce(training_usd, training_hour_usd) >= 0
            and training_availability in ('priced', 'free')
    """)
    assert offers.height >= 40
    assert offers["provider"].n_unique() >= 8


def test_without_a_network_the_command_says_so_and_is_fine(
    alone: First, nowhere: str, copied: Callable[[First], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(alone)
    before = Store(folder).digest()
    monkeypatch.setenv("RATECARD_MIRROR", nowhere)
    ran = ratecard("refresh", "--data-dir", folder)
    assert ran.code == 0
    silent = sorted([*FETCHED, RATES.name])
    assert f"{len(silent)} sources could not be reached ({', '.join(silent)})" in ran.out
    assert Store(folder).digest() == before


def explained(published: Path) -> pl.DataFrame:
    """Ask `ratecard explain` about every figure of the comparison, all in one query."""
    question = (QUESTIONS / "explain.sql").read_text(encoding="utf-8").replace("$", "the_")
    meters = ", ".join(str((figure, meter)) for figure, ms in METERS.items() for meter in ms)
    with duckdb.connect(published, read_only=True) as db:
        db.execute(f"""
            create temp macro explained(the_provider, the_model, the_meter) as table {question}
        """)
        answer = db.sql(f"""
            with figures as materialized (
                select distinct provider, model, figure, usd, meters.meter
                from (unpivot cost_comparison on {", ".join(METERS)} into name figure value usd)
                join (values {meters}) as meters (figure, meter) using (figure)
            ),
            questions as (select distinct provider, model, meter from figures),
            answers as materialized (
                select q.provider as asked_provider, q.model as asked_model, q.meter as asked, e.*
                from questions as q, explained(q.provider, q.model, q.meter) as e
                where e.is_in_comparison
            )
            select
                f.provider,
                f.model,
                f.figure,
                f.usd,
                count(a.locator) as fact_count,
                bool_and(a.locator <> '' and a.printed_text <> '') as is_evident,
                list(distinct a.capture_sha256) filter (a.locator is not null) as captures
            from figures as f
            left join answers as a
                on f.provider = a.asked_provider and f.model = a.asked_model
                and f.meter = a.asked and f.usd = a.unit_price_usd
            group by all
        """)
        return pl.DataFrame(answer.to_arrow_table())


@pytest.mark.parametrize("first", ["answered", "alone"])
def test_every_figure_leads_to_its_evidence(first: str, request: pytest.FixtureRequest) -> None:
    store = Store(request.getfixturevalue(first).folder)
    figures = explained(store.published)
    assert figures.height > 300
    assert figures.filter((pl.col("fact_count") == 0) | ~pl.col("is_evident")).is_empty()
    for digest in figures["captures"].explode().unique():
        assert store.archive.load(digest)


def test_what_is_printed_stands_in_the_capture(answered: First) -> None:
    store = Store(answered.folder)
    rows = store.query("""
        select capture_sha256, locator, printed_text
        from current_prices where source = 'transcribed'
    """).rows()
    assert rows
    for digest, locator, printed in rows:
        number = int(locator.removeprefix("line "))
        assert printed in store.archive.load(digest).decode().split("\n")[number - 1]


@pytest.fixture
def _walled(site: Site) -> None:
    site.answers["openai_pricing"] = page(BOT_WALL)


@pytest.mark.usefixtures("_walled")
def test_one_source_that_answers_rubbish_fails_alone_until_it_is_well_again(
    answered: First,
    site: Site,
    copied: Callable[[First], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = copied(answered)
    before = openai_prices(folder)
    published_at = one_column(folder, "select built_at from build_info")
    monkeypatch.setenv("RATECARD_MIRROR", site.url)

    strict = ratecard("refresh", "--strict", "--data-dir", folder)
    assert strict.code == 3
    assert [name for name, state in states(folder).items() if state == "failing"] == [
        "openai_pricing"
    ]
    assert set(states(folder).values()) <= {"ok", "stale", "failing"}
    assert one_column(folder, "select built_at from build_info") > published_at
    assert openai_prices(folder) == before
    (reason,) = one_column(
        folder, "select reason from source_health where source = 'openai_pricing'"
    )
    assert reason.startswith("openai_pricing: ")
    assert "openai_pricing: " in strict.out

    lenient = ratecard("refresh", "openai_pricing", "--json", "--data-dir", folder)
    assert lenient.code == 0
    assert states(folder)["openai_pricing"] == "failing"

    site.answers |= pages()
    assert ratecard("refresh", "openai_pricing", "--strict", "--data-dir", folder).code == 0
    assert states(folder)["openai_pricing"] == "ok"
    assert openai_prices(folder) == before


def test_a_named_source_is_asked_alone(
    alone: First, site: Site, copied: Callable[[First], Path]
) -> None:
    folder = copied(alone)
    before = one_column(folder, "select count(*) from looks")[0]
    done = refresh(with_all(folder, site.url), ["zhipu_pricing"])
    assert not done.failed_sources
    assert [path for path, _ in site.asked] == ["zhipu_pricing"]
    assert one_column(folder, "select count(*) from looks")[0] == before + 1
    assert states(folder)["zhipu_pricing"] == "ok"
    assert states(folder)["openai_pricing"] == "unreachable"


def test_a_source_that_breaks_in_an_unforeseen_way_stops_no_other(
    nowhere: str, tmp_path: Path
) -> None:
    def bundled() -> bytes:
        raise RuntimeError("the package is damaged")

    broken = replace(every_source()["genai_prices"], bundled=bundled)
    setup = with_all(tmp_path, nowhere)
    setup = replace(setup, sources={**setup.sources, "genai_prices": broken})
    done = refresh(setup, ["genai_prices", "transcribed"])
    assert done.is_published
    assert [*done.failed_sources] == ["genai_prices"]
    assert "the package is damaged" in str(done.failed_sources["genai_prices"])
    assert one_column(tmp_path, "select distinct source from current_prices") == ["transcribed"]


def looked(site: Site, names: list[str]) -> Mapping[str, tuple[Any, bytes | None]]:
    looker = Looker(with_all(Path("unused"), site.url), names, {})
    try:
        return {name: looker.look(name) for name in names}
    finally:
        looker.close()


def test_a_page_cut_short_is_never_kept(site: Site) -> None:
    whole = latest_capture("zhipu_pricing").read_bytes()
    site.answers["zhipu_pricing"] = page(whole[:-500], Content_Length=str(len(whole)))
    with stamina.set_testing(True, attempts=1):
        look, content = looked(site, ["zhipu_pricing"])["zhipu_pricing"]
    assert content is None
    assert "zhipu_pricing" in look.error
    assert look.capture_sha256 is None


def test_pages_are_fetched_side_by_side() -> None:
    together = threading.Barrier(len(FETCHED), timeout=10)

    def wait_for_the_others(asked: BaseHTTPRequestHandler) -> None:
        together.wait()
        page(b"x")(asked)

    answers = pages() | dict.fromkeys(FETCHED, wait_for_the_others)
    with serving(answers) as site:
        seen = looked(site, FETCHED)
    assert {name for name, (look, _) in seen.items() if look.error} <= WITH_NEXT_PAGES


def test_every_table_is_built_after_those_that_it_is_made_from() -> None:
    for number, table in enumerate(TABLES):
        assert dependencies(table) & {*TABLES} <= {*TABLES[:number]}, table


def test_rates_that_the_bank_lists_are_taken_and_kept_when_it_is_silent(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    question = "select max(rate_on)::varchar from exchange_rates where currency = 'CNY'"
    monkeypatch.setenv("RATECARD_MIRROR", site.url)
    site.answers[RATES.name] = page(TWO_DAYS.replace(b'rate="8.4000"', b'rate="84.000"', 1))
    assert ratecard("refresh", "ecb_rates", "transcribed", "--data-dir", folder).code == 0
    assert states(folder)["ecb_rates"] == "failing"
    assert one_column(folder, question) != ["2030-01-03"]
    site.answers[RATES.name] = page(TWO_DAYS)
    assert ratecard("refresh", "ecb_rates", "--data-dir", folder).code == 0
    assert one_column(folder, question) == ["2030-01-03"]
    site.answers[RATES.name] = status(503)
    assert ratecard("refresh", "ecb_rates", "--data-dir", folder).code == 0
    assert one_column(folder, question) == ["2030-01-03"]
    assert ratecard("rebuild", "--data-dir", folder).code == 0
    assert one_column(folder, question) == ["2030-01-03"]


def test_of_the_bank_s_lists_as_few_are_read_as_tell_of_every_day() -> None:
    first = datetime(2030, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
    seen = [(first + timedelta(days=day), str(day)) for day in range(200, -1, -1)]
    loaded: list[str] = []
    archive = SimpleNamespace(load=lambda digest: loaded.append(digest) or b"")
    store = SimpleNamespace(believed=lambda _: seen, archive=archive)
    assert len([*_lists_of_rates(store)]) == 5
    assert loaded == ["200", "155", "110", "65", "20"]

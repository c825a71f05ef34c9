"""What Dagster is told: the assets, what is checked of them, and when which job runs."""

import importlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final

import dagster as dg
import duckdb
import pandera.polars as pa
import pytest
from dagster import AssetKey

from pipeline.assets import ALERTS, PUBLICATION, REFERENCE, source_key, table_key
from pipeline.channels import Channel
from pipeline.configuration import Setup
from pipeline.definitions import definitions
from pipeline.delivery import Told
from pipeline.refresh import build
from pipeline.settings import Settings
from pipeline.workshop import Workshop
from sources._contract import every_source
from sources._rates import RATES
from tests.pipeline.conftest import DESCRIBED, EXAMPLE, FETCHED, First, ratecard, with_all
from warehouse.schemas import SCHEMAS, CostComparison
from warehouse.store import TABLES, Store

ROOT: Final = Path(__file__).parents[2]
SETUP: Final = Setup(Settings())
DEFS: Final = definitions(SETUP)
GRAPH: Final = DEFS.resolve_asset_graph()
BUILT: Final = {REFERENCE, PUBLICATION, ALERTS, *map(table_key, TABLES)}


def test_the_definitions_load_as_dagster_loads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ratecard.toml").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "pipeline.definitions")
    loaded = importlib.import_module("pipeline.definitions").defs
    dg.Definitions.validate_loadable(loaded)
    keys = loaded.resolve_asset_graph().get_all_asset_keys()
    added = map(source_key, (*DESCRIBED, RATES.name))
    assert set(keys) == {*GRAPH.get_all_asset_keys(), *added}


def test_there_is_an_asset_for_each_source_that_is_asked_and_each_table() -> None:
    unasked = {name for name, source in every_source().items() if source.unasked}
    assert unasked
    asked = set(every_source()) - unasked
    assert set(GRAPH.get_all_asset_keys()) == {*map(source_key, asked), *BUILT}


def test_a_mirror_is_asked_for_every_source() -> None:
    mirrored = definitions(Setup(Settings(mirror="http://127.0.0.1:9")))
    keys = mirrored.resolve_asset_graph().get_all_asset_keys()
    assert set(keys) == {*map(source_key, every_source()), *BUILT}


@pytest.mark.parametrize("key", sorted(GRAPH.get_all_asset_keys()), ids=str)
def test_every_asset_says_what_it_is(key: AssetKey) -> None:
    node = GRAPH.get(key)
    assert node.description
    assert node.description.endswith(".")
    assert node.group_name in {"sources", "tables", "warehouse", "alerts"}
    assert {"python", "duckdb"} & node.kinds
    assert len(node.kinds) == 1 + (key != PUBLICATION)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_shows_its_columns_and_is_checked(name: str) -> None:
    node = GRAPH.get(table_key(name))
    shown = node.metadata["dagster/column_schema"]
    contract = SCHEMAS[name].to_schema().columns
    assert {column.name for column in shown.columns} == set(contract)
    assert all(column.type for column in shown.columns)
    assert [key.name for key in node.check_keys] == ["fits_its_schema"]


@pytest.mark.parametrize("name", SETUP.asked)
def test_every_source_shows_where_it_is_and_is_checked(name: str) -> None:
    node, source = GRAPH.get(source_key(name)), every_source()[name]
    assert node.metadata["url"].value == source.url
    assert {key.name for key in node.check_keys} == {"is_read_whole", "passes_the_gate"}


def test_the_tables_stand_between_the_sources_and_the_publication() -> None:
    assert GRAPH.get(REFERENCE).parent_keys == set(map(source_key, SETUP.asked))
    assert GRAPH.get(PUBLICATION).parent_keys == set(map(table_key, TABLES))
    assert GRAPH.get(ALERTS).parent_keys == {PUBLICATION}
    for name in TABLES:
        assert REFERENCE in GRAPH.get(table_key(name)).parent_keys
    assert table_key("comparison_facts") in GRAPH.get(table_key("cost_comparison")).parent_keys


@pytest.mark.parametrize("has_channel", [False, True])
def test_digests_go_out_at_their_quarter_of_an_hour_where_somebody_listens(
    *, has_channel: bool
) -> None:
    listening = {"team": Channel(url_env="TEAM_URL")} if has_channel else {}
    schedule = definitions(Setup(channels=listening, settings=SETUP.settings)).resolve_schedule_def(
        "every_quarter_of_an_hour"
    )
    assert (schedule.job_name, schedule.cron_schedule) == ("tell_channels", "*/15 * * * *")
    assert (schedule.default_status is dg.DefaultScheduleStatus.RUNNING) == has_channel


def test_a_channel_that_takes_nothing_shows_in_the_checks(
    alone: First, copied: Callable[[First], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = with_all(copied(alone))
    monkeypatch.setattr(
        Workshop, "deliver", lambda _: [Told("team", 0, 3, "status 500"), Told("hook", 2)]
    )
    told = definitions(setup).resolve_job_def("tell_channels").execute_in_process()
    (check,) = told.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("all_is_delivered", False)
    assert check.description == "team: 3 wait: status 500\n\nSee `ratecard alerts outbox`."
    ((materialization,),) = [told.asset_materializations_for_node("alerts__delivery")]
    assert materialization.metadata["told hook"].value == 2


def test_the_sources_are_looked_at_every_day() -> None:
    schedule = DEFS.resolve_schedule_def("every_day")
    assert schedule.job_name == "look_at_sources"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert re.fullmatch(r"\d+ \d+ \* \* \*", str(schedule.cron_schedule))
    assert schedule.execution_timezone == "UTC"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def asked(instance: dg.DagsterInstance) -> Callable[[], dict[str, list[str]]]:
    """Let the daemon's sensors look; give the jobs that each wants to run since it last looked."""
    cursors: dict[str, str | None] = {}

    def tick() -> dict[str, list[str]]:
        wanted = {}
        for name in ("when_all_answered", "when_some_failed"):
            sensor = DEFS.resolve_sensor_def(name)
            assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
            context = dg.build_sensor_context(instance, cursors.get(name), sensor_name=name)
            answer = sensor.evaluate_tick(context)
            cursors[name] = answer.cursor
            wanted[name] = [
                request.job_name or sensor.job_name for request in answer.run_requests or []
            ]
        return wanted

    tick()
    return tick


def materialized(result: dg.ExecuteInProcessResult) -> set[AssetKey]:
    return {event.asset_key for event in result.get_asset_materialization_events()}  # type: ignore[misc]


def test_the_tables_are_built_after_some_sources_failed(
    instance: dg.DagsterInstance,
    asked: Callable[[], dict[str, list[str]]],
    nowhere: str,
    tmp_path: Path,
) -> None:
    defs = definitions(with_all(tmp_path, nowhere))
    look = defs.resolve_job_def("look_at_sources")
    looked = look.execute_in_process(instance=instance, raise_on_error=False)
    assert not looked.success
    bundled = set(every_source()) - set(FETCHED)
    assert materialized(looked) == set(map(source_key, bundled))
    checks = {
        check.asset_key.path[-1]: check.passed
        for check in looked.get_asset_check_evaluations()
        if check.check_name == "is_read_whole"
    }
    assert checks == {name: name in bundled for name in every_source()}
    assert asked() == {"when_all_answered": [], "when_some_failed": ["build_tables"]}

    tables = defs.resolve_job_def("build_tables")
    built = tables.execute_in_process(instance=instance)
    assert materialized(built) == BUILT
    assert Store(tmp_path).query("select count(*) > 0 from cost_comparison").item()
    assert asked() == {"when_all_answered": [], "when_some_failed": []}


def test_the_tables_are_built_after_every_source_answered(
    instance: dg.DagsterInstance,
    asked: Callable[[], dict[str, list[str]]],
    tmp_path: Path,
) -> None:
    look = definitions(with_all(tmp_path)).resolve_job_def("look_at_sources")
    only = [source_key("transcribed")]
    assert look.execute_in_process(instance=instance, asset_selection=only).success
    assert asked() == {"when_all_answered": ["build_tables"], "when_some_failed": []}


class StricterComparison(CostComparison):
    """A rule that the rows break."""

    provider: str = pa.Field(isin=["openai"])

    class Config:
        """Without the other's keys: one broken rule is enough."""

        unique: ClassVar[list[str]] = []


def test_a_table_with_bad_rows_replaces_nothing_and_nothing_is_published(
    alone: First, copied: Callable[[First], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(alone)
    setup, store = with_all(folder), Store(folder)
    published = store.published.read_bytes()
    height = store.query("select count(*) from cost_comparison").item()
    with duckdb.connect(folder / "warehouse.duckdb") as db:
        db.execute("update cost_comparison set sources = 'the old one'")

    monkeypatch.setitem(SCHEMAS, "cost_comparison", StricterComparison)
    tables = definitions(setup).resolve_job_def("build_tables")
    built = tables.execute_in_process(raise_on_error=False)
    assert {
        check.asset_key.path[-1]
        for check in built.get_asset_check_evaluations()
        if not check.passed
    } == {"cost_comparison"}
    stopped = {
        ALERTS,
        PUBLICATION,
        *map(
            table_key,
            ("cost_comparison", "break_even", "claims", "cheapest_options", "market_summary"),
        ),
    }
    assert materialized(built) == BUILT - stopped
    assert store.published.read_bytes() == published
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as db:
        assert db.sql("select distinct sources from cost_comparison").fetchall() == [
            ("the old one",)
        ]

    ran = ratecard("refresh", "transcribed", "--data-dir", folder)
    assert ran.code == 1
    assert "cost_comparison" in ran.err
    assert "isin(['openai'])" in ran.err
    assert "the last good tables stay published" in ran.err
    assert store.published.read_bytes() == published

    monkeypatch.undo()
    assert build(setup).is_published
    healed = "select count(*) from cost_comparison where sources <> 'the old one'"
    assert store.query(healed).item() == height


def test_dagsters_own_settings_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.get_settings("concurrency")["runs"]["max_concurrent_runs"] == 1
        assert instance.get_runs() == []
    assert (tmp_path / "data" / "dagster").is_dir()

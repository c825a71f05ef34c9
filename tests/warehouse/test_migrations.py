"""Files of every version that was published, brought forward; the first one is written out here."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.worlds import World, day, quote
from warehouse import log
from warehouse.captures import Archive, Choice, Decision, Look
from warehouse.log import MIGRATIONS, migrate
from warehouse.store import Store, StoreError

FIRST = """
create table looks (position bigint not null, source varchar not null,
    looked_at timestamp not null, known_at timestamp not null, outcome varchar not null,
    capture_sha256 varchar, url varchar not null, byte_count bigint, error varchar,
    parser_version integer, quote_count bigint, term_count bigint, etag varchar,
    last_modified varchar, robots varchar);
create table captures (capture_sha256 varchar not null, source varchar not null,
    captured_at timestamp not null, url varchar not null, media_type varchar,
    byte_count bigint not null);
create table facts (position bigint not null, source varchar not null, key ubigint not null,
    provider varchar not null, model varchar not null, tuning_method varchar not null,
    adapter varchar, service_tier varchar not null, region varchar, context_tier varchar,
    meter varchar, price_list varchar, term varchar, valid_from timestamp not null,
    known_at timestamp not null, is_listed boolean not null, availability varchar,
    list_unit_price decimal(38, 18), pricing_unit varchar, pricing_currency varchar,
    unit_price decimal(38, 18), value varchar, checked_at timestamp,
    capture_sha256 varchar not null, locator varchar, printed_text varchar, url varchar,
    remark varchar, parser_version integer not null, check ((meter is null) <> (term is null)));
create table latest (source varchar not null, subject ubigint not null, says ubigint not null,
    key ubigint not null, is_listed boolean not null, valid_from timestamp not null,
    position bigint not null, made_by varchar not null);
create table corrections (position bigint not null, source varchar not null, key ubigint not null,
    valid_from timestamp not null, known_at timestamp not null, old_availability varchar,
    old_list_unit_price decimal(38, 18), old_pricing_unit varchar, old_pricing_currency varchar,
    old_unit_price decimal(38, 18), old_value varchar);
create table doubts (position bigint not null, source varchar not null,
    capture_sha256 varchar not null, rule varchar not null, severity varchar not null,
    key ubigint, provider varchar, model varchar, tuning_method varchar, adapter varchar,
    service_tier varchar, region varchar, context_tier varchar, meter varchar,
    price_list varchar, term varchar, reason varchar not null, fingerprint varchar not null,
    other varchar);
create table decisions (position bigint not null, source varchar not null,
    capture_sha256 varchar not null, verdict varchar not null, reason varchar not null,
    known_at timestamp not null, fingerprint varchar not null);
create table choices (position bigint not null, provider varchar not null,
    canonical_model varchar not null, tuning_method varchar not null, adapter varchar,
    service_tier varchar not null, region varchar, context_tier varchar, meter varchar,
    price_list varchar, term varchar, source varchar not null, inputs varchar[] not null,
    reason varchar not null, known_at timestamp not null);
create macro subject_hash(provider, model, tuning_method, adapter, service_tier, region,
    context_tier, meter, term, price_list) as hash(provider, model, tuning_method, adapter,
    service_tier, region, context_tier, meter, term, price_list);
create macro says_hash(availability, list_unit_price, pricing_unit, pricing_currency, unit_price,
    value, checked_at) as hash(availability, list_unit_price, pricing_unit, pricing_currency,
    unit_price, value, checked_at);
create macro price_in_words(availability, unit_price, pricing_currency) as concat_ws(' ',
    availability, rtrim(rtrim(unit_price::varchar, '0'), '.'), pricing_currency);
create macro fact_key(provider, model, tuning_method, adapter, service_tier, region, context_tier,
    meter, term, price_list) as md5_number_lower(concat_ws(chr(31), provider, model,
    tuning_method, coalesce(adapter, chr(30)), service_tier, coalesce(region, chr(30)),
    coalesce(context_tier, chr(30)), coalesce(meter, chr(30)), coalesce(term, chr(30)),
    price_list));
"""
# A dated price of the page's one model, looked at on the tenth day, and then the price after it.
LOOKED = """
insert into looks by name
select 1 as position, 'page' as source, timestamp '2026-01-11' as looked_at,
    timestamp '2028-09-28' as known_at, 'read' as outcome, $capture as capture_sha256,
    'https://example.org' as url, 10 as byte_count, 1 as parser_version, 1 as quote_count,
    0 as term_count;
insert into captures values ($capture, 'page', '2026-01-11', 'https://example.org', null, 10);
insert into facts by name
select 1 as position, 'page' as source, provider, model, tuning_method, adapter, service_tier,
    meter, valid_from, timestamp '2028-09-28' as known_at, true as is_listed,
    'priced' as availability, price as list_unit_price, '1M tokens' as pricing_unit,
    'USD' as pricing_currency, price as unit_price, $capture as capture_sha256,
    'row' as locator, 'text' as printed_text, 1 as parser_version,
    fact_key(provider, model, tuning_method, adapter, service_tier, null, null, meter, null, null)
        as key
from (values
    ('seller', 'a', 'sft', 'lora', 'standard', 'training_tokens', timestamp '2026-01-01', 1),
    ('seller', 'a', 'sft', 'lora', 'standard', 'training_tokens', timestamp '2026-01-06', 2)
) as t(provider, model, tuning_method, adapter, service_tier, meter, valid_from, price);
"""
JOURNAL = """
{"source": "page", "looked_at": "2026-01-11T00:00:00", "known_at": "2028-09-28T00:00:00", "url": "https://example.org", "capture_sha256": "%s", "media_type": "text/html", "byte_count": 10, "error": null, "etag": null, "last_modified": null, "robots": null}
{"source": "page", "capture_sha256": "%s", "verdict": "accepted", "reason": "so it is", "known_at": "2028-09-29T00:00:00", "fingerprints": []}
{"provider": "seller", "canonical_model": "a", "tuning_method": "sft", "adapter": "lora", "service_tier": "standard", "region": null, "context_tier": null, "meter": "training_tokens", "price_list": null, "term": null, "source": "page", "inputs": ["page: priced 2 USD"], "reason": "theirs", "known_at": "2028-09-30T00:00:00"}
""".lstrip()  # noqa: E501 as the first version wrote it


SHAPE = (
    "select table_name, column_name, data_type, is_nullable from duckdb_columns()",
    "select table_name, constraint_text from duckdb_constraints()",
    "select function_name, parameters, macro_definition from duckdb_functions()",
)


def shape(db: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    """Give every column, constraint and macro that is not the engine's own."""
    of_ours = "where database_name = current_database() and schema_name = 'main'"
    return [db.execute(f"{query} {of_ours} order by all").fetchall() for query in SHAPE]


def first_world(folder: Path) -> World:
    """Give a world that the first version left: its archive, and its warehouse as SQL made it."""
    world = World(Store(folder))
    rows = [quote(1, valid_from=day(0)), quote(2, valid_from=day(5))]
    content = world.content(*rows)
    capture = world.store.archive.keep(content)
    journal = folder / "archive" / "journal.jsonl"
    journal.write_text(JOURNAL.splitlines()[0] % capture + "\n", encoding="utf-8")
    with duckdb.connect(folder / "warehouse.duckdb") as db:
        db.execute(FIRST)
        for statement in LOOKED.strip().split(";\n"):
            db.execute(statement, {"capture": capture} if "$capture" in statement else None)
    return world


def prices(world: World) -> list[tuple[object, ...]]:
    world.prepare()
    with world.store._writing() as db:  # noqa: SLF001 the log is asked without publishing
        return db.execute("""
            select valid_from::date::varchar, valid_to::date::varchar, unit_price::int
            from fact_intervals(timestamp 'infinity') where is_listed order by valid_from
        """).fetchall()


def test_the_first_version_comes_to_the_same_as_a_new_file() -> None:
    with duckdb.connect() as old, duckdb.connect() as new:
        old.execute(FIRST)
        migrate(old)
        migrate(new)
        assert shape(old) == shape(new)


def test_what_the_first_version_knew_is_known_and_goes_on(tmp_path: Path) -> None:
    world = first_world(tmp_path)
    assert prices(world) == [("2026-01-01", "2026-01-06", 1), ("2026-01-06", None, 2)]
    # a late capture: the dates of the later one hold, which the first version did not mark as such
    world.says(3, quote(7))
    assert prices(world) == [("2026-01-01", "2026-01-06", 1), ("2026-01-06", None, 2)]
    world.says(20, quote(3))
    assert prices(world)[1:] == [("2026-01-06", "2026-01-21", 2), ("2026-01-21", None, 3)]
    before = world.store.digest()
    assert world.store.rebuild(world.read) == 3
    assert world.store.digest() == before


def test_a_file_of_the_first_version_can_be_rebuilt(tmp_path: Path) -> None:
    world = first_world(tmp_path)
    assert world.store.rebuild(world.read) == 1
    assert prices(world) == [("2026-01-01", "2026-01-06", 1), ("2026-01-06", None, 2)]


def test_the_journal_of_the_first_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text(JOURNAL % ("0" * 64, "0" * 64), encoding="utf-8")
    (_, look), (_, decision), (_, choice) = Archive(tmp_path).entries()
    assert isinstance(look, Look)
    assert look.looked_at == day(10)
    assert isinstance(decision, Decision)
    assert decision.fingerprints == ()
    assert isinstance(choice, Choice)
    assert choice.inputs == ("page: priced 2 USD",)
    # what is written today is read as it was
    again = Archive(tmp_path / "again")
    for entry in (look, decision, choice):
        again.note(entry)
    assert [entry for _, entry in again.entries()] == [look, decision, choice]
    assert [json.loads(line).keys() for line in JOURNAL.splitlines()] == [
        json.loads(line).keys()
        for line in (tmp_path / "again" / "journal.jsonl").read_text("utf-8").splitlines()
    ]


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a version of ratecard that has one more step, which is still empty."""
    steps = tmp_path / "migrations"
    steps.mkdir()
    for step in MIGRATIONS.iterdir():
        (steps / step.name).write_bytes(step.read_bytes())
    step = steps / f"{len(list(steps.iterdir())) + 1:04}_mood.sql"
    step.write_text("alter table looks add column mood varchar; update looks set mood = 'fine';")
    monkeypatch.setattr(log, "MIGRATIONS", steps)
    return step


def moods(store: Store) -> list[tuple[object, ...]]:
    with store._writing() as db:  # noqa: SLF001 as above
        return db.execute("select position, mood from looks order by position").fetchall()


@pytest.mark.parametrize("version", range(1, len(list(MIGRATIONS.iterdir())) + 1))
def test_a_file_of_any_version_runs_forward(tmp_path: Path, later: Path, version: int) -> None:
    steps = sorted(later.parent.iterdir())
    put_aside = {step: step.read_bytes() for step in steps[version:]}
    for step in put_aside:
        step.unlink()
    world = World(Store(tmp_path))
    with world.store._writing() as db:  # noqa: SLF001 as above
        assert db.execute("select max(version) from migrations").fetchall() == [(version,)]
        db.execute("""
            insert into looks by name
            select 1 as position, 'page' as source, timestamp '2026-01-11' as looked_at,
                timestamp '2028-09-28' as known_at, 'unreachable' as outcome, '' as url
        """)
    for step, text in put_aside.items():
        step.write_bytes(text)
    assert moods(world.store) == [(1, "fine")]
    assert moods(world.store) == [(1, "fine")]


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, later: Path) -> None:
    right = later.read_text(encoding="utf-8")
    later.unlink()
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    later.write_text("alter table looks add column mood varchar; insert into nowhere values (1);")
    with pytest.raises(StoreError, match=r"nowhere.*; it stays as it was"):
        world.says(1, quote(2))
    later.write_text(right, encoding="utf-8")
    assert moods(world.store) == [(1, "fine")]


def test_a_newer_file_is_refused_and_left_alone(
    tmp_path: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    monkeypatch.setattr(log, "MIGRATIONS", MIGRATIONS)
    told = f"made by a newer ratecard: it has version {later.name[3]}"
    with pytest.raises(StoreError, match=told):
        world.says(1, quote(2))
    with pytest.raises(StoreError, match=told):
        world.store.rebuild(world.read)
    monkeypatch.setattr(log, "MIGRATIONS", later.parent)
    assert moods(world.store) == [(1, None)]


def test_versions_are_numbered_without_a_gap() -> None:
    steps = sorted(step.name for step in MIGRATIONS.iterdir())
    assert [int(step[:4]) for step in steps] == list(range(1, len(steps) + 1))

"""Publications: whole at every moment, checked by their manifest, readable by anybody."""

import csv
import errno
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import duckdb
import polars as pl
import pytest

from pipeline.workloads import reference_workloads, workload_frame
from tests.warehouse.worlds import World, day, quote, term
from warehouse.log import sql
from warehouse.publication import KEPT, Format, Manifest, export, verify
from warehouse.schemas import COLUMNS, OTHER_TABLES, SCHEMA_VERSION
from warehouse.store import MACROS, PUBLISHED, TABLE_MACROS, TABLES, Ask, Store, StoreError

OLD_PYTHON = os.environ.get("OLD_DUCKDB_PYTHON")
FORMULA = '=HYPERLINK("http://example.org")'


def market(folder: Path) -> World:
    world = World(Store(folder), seller=1, blog=3)
    world.says(
        0,
        quote(7),
        quote("0.000123456789012345", model="up to 16B", remark="=1+1"),
        quote(2, model=FORMULA),
        quote(0, model="free", availability="free"),
        quote(None, model="unsold", availability="not_offered", printed_text=""),
        term("min_examples", "3", model="*"),
        source="seller",
    )
    base = {"tuning_method": "none", "adapter": None}
    run = [quote(1, meter="input_tokens"), quote(2, meter="output_tokens")]
    world.says(5.25, quote(8), *run, *({**row, **base} for row in run), source="blog")
    world.says(6, quote(4), *run, *({**row, **base} for row in run), source="blog")
    world.workloads = workload_frame({"w": reference_workloads()["classifier"]})
    return world


def faces(ask: Ask) -> dict[str, bytes]:
    """Make two files of what is about to be published."""
    changes = ask("news", base_models=False)
    return {"feeds/changes.txt": str(changes.height).encode(), "readme.txt": b"hello"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Publish a small market once, for tests that only read it."""
    return market(tmp_path_factory.mktemp("market")).publish(at=10, faces=faces)


@pytest.fixture
def copied(published: Store, tmp_path: Path) -> Path:
    """Give a copy of the publication to damage."""
    return shutil.copytree(published.published.parent, tmp_path / "copy")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Publish a price of 1, and build a price of 2 that waits to be published."""
    world = World(Store(tmp_path / "data"))
    world.says(0, quote(1))
    world.publish()
    world.says(1, quote(2))
    with world.store.session():
        world.prepare()
        for table in TABLES:
            world.store.build(table)
    return world


def price(store: Store) -> int:
    return int(store.query("select unit_price from current_prices").item())


def publications(store: Store) -> list[Path]:
    return sorted((store.folder / "publications").iterdir())


def refuse(*_: object) -> None:
    raise OSError(errno.EPERM, "no such thing here")


class Killed(BaseException):
    """What nothing in the code under test may catch and live on."""


STEPS: tuple[tuple[object, str], ...] = (
    (os, "fsync"),
    (shutil, "copyfile"),
    *(
        (Path, name)
        for name in (
            "hardlink_to",
            "mkdir",
            "rename",
            "replace",
            "symlink_to",
            "write_bytes",
            "write_text",
        )
    ),
)


class Disk:
    """What publishing does to the disk: `steps` are those done, `failed` the one that failed.

    The step of that number fails with `error`; who `dies` by it cleans nothing up any more.
    """

    def __init__(self, number: int = 0, error: BaseException | None = None) -> None:
        self.steps: list[str] = []
        self.failed: str | None = None
        self._number = number
        self._error = error

    def __enter__(self) -> Self:
        self._patch = pytest.MonkeyPatch()
        self._real_rmtree = shutil.rmtree
        self._patch.setattr(shutil, "rmtree", self._rmtree)
        for where, name in STEPS:
            self._patch.setattr(where, name, self._step(name, getattr(where, name)))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _step(self, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 any verb
            self.steps.append(name)
            if len(self.steps) == self._number and self._error:
                self.failed = name
                raise self._error
            return verb(*arguments, **named)

        return step

    def _rmtree(self, path: Path, *, ignore_errors: bool = False) -> None:
        if not (ignore_errors and isinstance(self._error, Killed)):
            self._real_rmtree(path, ignore_errors=ignore_errors)


def turning_points(store: Store) -> list[int]:
    """Number the steps of publishing: the first and the last of each kind in a row."""
    folder = store.folder.with_name("rehearsal")
    rehearsal = Store(shutil.copytree(store.folder, folder, symlinks=True))
    with rehearsal.session(), Disk() as disk:
        rehearsal.publish(faces)
    steps = ["", *disk.steps, ""]
    return [
        number
        for number in range(1, len(steps) - 1)
        if not steps[number - 1] == steps[number] == steps[number + 1]
    ]


def test_a_publication_is_a_database_a_file_per_table_and_a_manifest(published: Store) -> None:
    folder = published.published.parent
    manifest = Manifest.of(folder)
    assert {path.name for path in folder.iterdir()} == {
        "ratecard.duckdb",
        "manifest.json",
        "feeds",
        "readme.txt",
        *(f"{table}.parquet" for table in PUBLISHED),
    }
    assert verify(folder) == []
    assert (manifest.schema_version, manifest.code_version) == (SCHEMA_VERSION, "test")
    assert manifest.built_at.replace(tzinfo=None) == day(10)
    assert manifest.tables["looks"] == 3
    assert {source: len(said) for source, said in manifest.captures.items()} == {
        "seller": 1,
        "blog": 2,
    }
    assert manifest.difference is None
    # a program that knows no pydantic reads the same
    plain = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert plain["files"]["ratecard.duckdb"]["sha256"] == manifest.files["ratecard.duckdb"].sha256
    assert plain["built_at"] == "2026-01-11T00:00:00Z"


def test_further_files_tell_of_what_they_are_published_with(world: World) -> None:
    store = world.store
    store.publish(faces)
    folder = store.published.parent
    first = folder.resolve()
    assert (folder / "feeds" / "changes.txt").read_text(encoding="utf-8") == "1"
    assert Manifest.of(folder).files["feeds/changes.txt"].byte_count == 1
    assert verify(folder) == []
    world.says(2, quote(3))
    world.publish(faces=faces)
    assert (folder / "feeds" / "changes.txt").read_text(encoding="utf-8") == "2"
    assert (first / "feeds" / "changes.txt").read_text(encoding="utf-8") == "1"


def test_where_a_further_file_cannot_be_made_the_last_publication_stands(world: World) -> None:
    def broken(_: Ask) -> dict[str, bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.store.publish(broken)
    assert price(world.store) == 1
    assert len(publications(world.store)) == 1


@pytest.mark.parametrize("table", PUBLISHED)
def test_a_parquet_file_has_its_table_s_rows_and_types(published: Store, table: str) -> None:
    rows = pl.read_parquet(published.published.with_name(f"{table}.parquet"))
    assert rows.equals(published.query(f"from {table}"))
    assert rows.schema == published.query(f"from {table}").schema


def test_a_manifest_says_what_is_new_since_the_last(world: World) -> None:
    before = Manifest.of(world.store.published.parent)
    world.store.publish()
    after = Manifest.of(world.store.published.parent)
    assert after.difference is not None
    assert after.difference.since == before.publication
    assert after.difference.new_changes == {"price_change": 1}
    assert after.difference.row_counts["price_history"] == 1
    assert "current_prices" not in after.difference.row_counts
    assert after.tables["price_history"] == before.tables["price_history"] + 1


def test_every_table_column_and_macro_has_a_comment(published: Store) -> None:
    silent = published.query(
        "select table_name || '.' || column_name from duckdb_columns() "
        "where not internal and comment is null "
        "union select table_name from duckdb_tables() where not internal and comment is null "
        "union select function_name from duckdb_functions() "
        "where not internal and function_type = 'table_macro' and comment is null"
    )
    assert silent.rows() == []
    macros = published.query(
        "select distinct function_name, comment from duckdb_functions() where not internal "
        "and function_type = 'table_macro'"
    )
    assert {name for name, _ in macros.rows()} == {*MACROS, *TABLE_MACROS}
    assert all(": one row is " in comment for _, comment in macros.rows())


def test_macros_of_another_version_are_made_anew(world: World) -> None:
    world.says(1, quote(3))
    world.publish(2)
    with duckdb.connect(world.store.folder / "warehouse.duckdb") as db:
        db.execute("create or replace macro monthly_tokens() as table select 1 as nothing")
        db.execute("update build_info set macros_sha256 = 'of an older version'")
    (says,) = world.publish(3).query(
        "select macro_definition from duckdb_functions() where function_name = 'monthly_tokens'"
    )["macro_definition"]
    assert "nothing" not in says


def test_no_comment_is_about_what_is_not_there(published: Store) -> None:
    named = published.query("select table_name, column_name from duckdb_columns()").rows()
    there = {column for _, column in named} | {f"{table}.{column}" for table, column in named}
    assert set(COLUMNS) <= there
    assert set(OTHER_TABLES) <= {table for table, _ in named}


def test_killed_at_any_moment_it_leaves_the_old_or_the_new_whole(world: World) -> None:
    store = world.store
    seen = []
    numbers = turning_points(store)
    with store.session():
        for number in numbers:
            with Disk(number, Killed()) as disk, pytest.raises(Killed):
                store.publish(faces)
            assert verify(store.published.parent) == []
            seen.append((price(store), disk.failed))
    # only what comes after the link is swapped can see the new one
    assert [value for value, _ in seen] == [1] * (len(seen) - 1) + [2]
    assert seen[-2][1] == "replace"
    assert {step for _, step in seen} == {name for _, name in STEPS}
    store.publish()
    assert not list((store.folder / "publications").glob(".*"))
    assert not list((store.folder / "staged").glob("*.partial"))


def test_a_full_disk_loses_nothing_and_says_so(world: World) -> None:
    store = world.store
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "the file")
    words = rf"{store.folder} .*No space left.*'the file'.* make room"
    numbers = turning_points(store)
    with store.session():
        for number in numbers:
            with Disk(number, full), pytest.raises(StoreError, match=words):
                store.publish(faces)
            assert verify(store.published.parent) == []
            assert not list((store.folder / "publications").glob(".*"))
    store.publish()
    assert price(store) == 2


def test_everything_is_on_disk_before_readers_are_pointed_at_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.store
    synced: list[int] = []
    swapped_after: list[int] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def note_replace(path: Path, target: Path) -> Path:
        if target == store.published.parent:
            swapped_after.extend(synced)
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    store.publish(faces)
    folder = store.published.parent.resolve()
    for path in (*folder.rglob("*"), folder, folder.parent):
        assert path.stat().st_ino in swapped_after, path
    assert synced[-1] == store.folder.stat().st_ino


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreError, match=rf"{tmp_path}/data cannot be written to.*let ratecard"):
        Store(tmp_path / "data").publish()


def test_a_table_that_cannot_be_staged_is_named_and_the_last_one_stands(world: World) -> None:
    store = world.store
    shutil.rmtree(store.folder / "staged")
    (store.folder / "staged").touch()
    with pytest.raises(StoreError, match="cannot be written to"):
        store.build("review")
    assert price(store) == 1
    assert verify(store.published.parent) == []


def test_readers_stay_with_one_publication_and_newcomers_get_the_next(world: World) -> None:
    store = world.store
    asked = "select unit_price::integer from current_prices"
    with duckdb.connect(store.published, read_only=True) as early:
        store.publish()
        # in the same process, and while the old one is open
        with duckdb.connect(store.published, read_only=True) as late:
            assert late.execute(asked).fetchall() == [(2,)]
        assert price(store) == 2
        assert early.execute(asked).fetchall() == [(1,)]


def test_each_query_sees_one_whole_publication(world: World) -> None:
    store = world.store
    whole = (
        "select (select max(unit_price) from current_prices) "
        "= (select max(unit_price) from price_history where valid_to is null)"
    )
    answers = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            answers.extend(store.query(whole).rows())

    reader = threading.Thread(target=ask)
    reader.start()
    with store.session():
        for on in range(2, 5):
            world.says(on, quote(on + 1))
            world.prepare()
            for table in ("current_prices", "price_history"):
                store.build(table)
            store.publish()
    is_over.set()
    reader.join()
    assert len(answers) > 3
    assert {*answers} == {(True,)}


def test_the_last_publications_are_kept_and_never_less_than_the_one_in_use(world: World) -> None:
    store = world.store
    first = store.published.resolve()
    with store.session():
        for _ in range(KEPT + 2):
            store.publish()
    kept = publications(store)
    assert len(kept) == KEPT
    assert kept[-1] == store.published.parent.resolve()
    assert first.parent not in kept
    # a clock that was set back, say
    store.published.parent.unlink()
    store.published.parent.symlink_to(kept[0].relative_to(store.folder))
    store.publish()
    assert {*kept} < {*publications(store)}
    store.publish()
    assert not {*kept[:2]} & {*publications(store)}


def test_a_folder_of_the_time_before_there_were_links_is_replaced(world: World) -> None:
    store = world.store
    old = store.published.resolve()
    store.published.parent.unlink()
    store.published.parent.mkdir()
    shutil.copy(old, store.published)
    assert price(store) == 1
    store.publish()
    assert price(store) == 2
    assert verify(store.published.parent) == []
    store.publish()
    assert not list((store.folder / "publications").glob(".*"))


def test_a_parquet_file_follows_its_table_whatever_happened_before(world: World) -> None:
    store = world.store
    # a process that died between building a table and writing its file
    (store.folder / "staged" / "current_prices.parquet").unlink()
    (store.folder / "staged" / "current_prices.partial").touch()
    shutil.copy(store.published.with_name("price_history.parquet"), store.folder / "staged")
    # or that found the disk full just then
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(StoreError, match="no such thing here"):
            store.build("price_history")
    # a look that came after the last file of looks was written
    world.fails(3)
    store.publish()
    folder = store.published.parent
    assert pl.read_parquet(folder / "current_prices.parquet")["unit_price"].to_list() == [2]
    assert pl.read_parquet(folder / "price_history.parquet")["unit_price"].to_list() == [1, 2]
    assert pl.read_parquet(folder / "looks.parquet").height == 3
    # a build that failed
    world.says(4, quote(3, tuning_method="magic"))
    world.prepare()
    with pytest.raises(StoreError):
        store.build("current_prices")
    store.publish()
    assert pl.read_parquet(folder / "current_prices.parquet")["unit_price"].to_list() == [2]
    assert verify(folder) == []


def test_without_hard_links_files_are_copied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    world.store.publish()
    assert verify(world.store.published.parent) == []


def edit(folder: Path, **values: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest = {**manifest, **values}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def append(path: Path, content: bytes) -> None:
    path.write_bytes(path.read_bytes() + content)


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def miscount(folder: Path) -> None:
    edit(folder, tables={**Manifest.of(folder).tables, "review": 7})


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda _: None, None),
        (lambda folder: (folder / "looks.parquet").unlink(), "looks.parquet cannot be read"),
        (lambda folder: flip(folder / "ratecard.duckdb"), "ratecard.duckdb: its SHA-256 is"),
        (lambda folder: append(folder / "review.parquet", b"x"), "review.parquet: .* bytes, the"),
        (lambda folder: (folder / "ratecard.duckdb.wal").touch(), "wal: not in the manifest"),
        (lambda folder: flip(folder / "feeds" / "changes.txt"), "feeds/changes.txt: its SHA-256"),
        (lambda folder: shutil.rmtree(folder / "feeds"), "feeds/changes.txt cannot be read"),
        (lambda folder: (folder / "feeds" / "x").touch(), "feeds/x: not in the manifest"),
        (miscount, "ratecard.duckdb: 0 rows of review, the manifest says 7"),
        (lambda folder: edit(folder, tables={}), "the manifest says None"),
        (lambda folder: edit(folder, schema_version=99), "schema version 99 is unknown"),
        (lambda folder: edit(folder, files={"../x": {}}), r"no manifest: files\.\.\./x"),
        (lambda folder: edit(folder, files={}), "not in the manifest"),
        (lambda folder: edit(folder, built_at="soon"), "no manifest: built_at"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "is no manifest: it: "),
        (shutil.rmtree, "manifest.json cannot be read"),
    ],
)
def test_every_damage_is_found(
    copied: Path, damage: Callable[[Path], object], problem: str | None
) -> None:
    damage(copied)
    found = verify(copied)
    if problem is None:
        assert found == []
    else:
        assert found
        assert any(re.search(problem, one) for one in found), found


def exported(store: Store, folder: Path, form: Format) -> dict[str, Path]:
    return {path.name: path for path in store.export(folder, form)}


def test_parquet_is_exported_as_it_is_published(published: Store, tmp_path: Path) -> None:
    files = exported(published, tmp_path / "new" / "folder", "parquet")
    assert set(files) == {f"{table}.parquet" for table in PUBLISHED}
    for name, path in files.items():
        assert path.read_bytes() == published.published.with_name(name).read_bytes()


def test_csv_is_exact_and_safe_for_spreadsheets(published: Store, tmp_path: Path) -> None:
    files = exported(published, tmp_path, "csv")
    assert set(files) == {f"{table}.csv" for table in PUBLISHED}
    with files["current_prices.csv"].open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file) if row["source"] == "seller"}
    assert rows["up to 16B"]["unit_price"] == "0.000123456789012345"
    assert rows["up to 16B"]["remark"] == "'=1+1"
    assert rows["up to 16B"]["valid_from"] == "2026-01-01T00:00:00Z"
    assert rows["up to 16B"]["is_preferred"] == "true"
    assert rows[f"'{FORMULA}"]["unit_price"] == "2"
    assert rows["unsold"]["unit_price"] == ""
    # an empty text is no null
    line = next(
        line
        for line in files["current_prices.csv"].read_text(encoding="utf-8").splitlines()
        if ",unsold," in line
    )
    assert '""' in line
    changes = files["price_changes.csv"].read_text(encoding="utf-8")
    assert ",-50.0," in changes
    assert "'-50" not in changes


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_begins_like_a_formula(tmp_path: Path, sign: str) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1, model=f"{sign}cmd|' /C calc'!A0", printed_text=f"fine {sign}"))
    files = exported(world.publish(), tmp_path / "out", "csv")
    with files["current_prices.csv"].open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["model"] == f"'{sign}cmd|' /C calc'!A0"
    assert row["printed_text"] == f"fine {sign}"


def test_json_is_exact_and_stands_at_a_versioned_path(published: Store, tmp_path: Path) -> None:
    files = exported(published, tmp_path, "json")
    folder = tmp_path / f"v{SCHEMA_VERSION}"
    assert set(folder.iterdir()) == {*files.values()}
    said = json.loads((folder / "current_prices.json").read_bytes())
    assert said["schema_version"] == SCHEMA_VERSION
    assert said["generated_at"] == "2026-01-11T00:00:00Z"
    assert said["table"] == "current_prices"
    rows = {row["model"]: row for row in said["rows"] if row["source"] == "seller"}
    assert len(said["rows"]) == published.query("from current_prices").height
    assert rows["up to 16B"]["unit_price"] == "0.000123456789012345"
    assert rows["up to 16B"]["remark"] == "=1+1"
    assert rows["up to 16B"]["is_preferred"] is True
    assert rows[FORMULA]["valid_from"] == "2026-01-01T00:00:00Z"
    assert rows["unsold"]["unit_price"] is None
    assert rows["unsold"]["printed_text"] == ""
    assert json.loads((folder / "review.json").read_bytes())["rows"] == []
    (half_past,) = {
        row["looked_at"]
        for row in json.loads((folder / "looks.json").read_bytes())["rows"]
        if row["position"] == 2
    }
    assert half_past == "2026-01-06T06:00:00Z"
    index = json.loads((folder / "index.json").read_bytes())
    assert [table["path"] for table in index["tables"]] == sorted(
        f"{table}.json" for table in PUBLISHED
    )
    prices = next(table for table in index["tables"] if table["table"] == "current_prices")
    assert prices["comment"].startswith("one row is ")
    assert prices["row_count"] == len(said["rows"])
    assert prices["columns"]["provider"] == COLUMNS["provider"]
    assert list(prices["columns"]) == list(said["rows"][0])


def test_what_json_has_no_word_for_is_null(copied: Path, tmp_path: Path) -> None:
    with duckdb.connect(copied / "ratecard.duckdb") as db:
        db.execute("update price_changes set change_pct = 'infinity'")
    export(copied, tmp_path / "out", "json")
    file = tmp_path / "out" / f"v{SCHEMA_VERSION}" / "price_changes.json"
    rows = json.loads(file.read_bytes())["rows"]
    assert rows
    assert all(row["change_pct"] is None for row in rows)


def test_instants_keep_their_fractions(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0.1 + 1e-6, quote(1))
    (look,) = json.loads(
        exported(world.publish(), tmp_path / "out", "json")["looks.json"].read_bytes()
    )["rows"]
    looked_at = datetime.fromisoformat(look["looked_at"])
    assert looked_at.replace(tzinfo=None) == day(0.1 + 1e-6)
    assert looked_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_an_export_that_fails_leaves_the_last_one_whole(
    published: Store, tmp_path: Path, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in published.export(tmp_path, form)}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=rf"{tmp_path}: .*No space left.*make room"):
        published.export(tmp_path, form)
    assert {path: path.read_bytes() for path in before} == before
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {*before}


def test_an_export_needs_a_publication_and_a_folder(published: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ratecard refresh"):
        Store(tmp_path / "none").export(tmp_path / "out", "csv")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="give another folder"):
        published.export(tmp_path / "file", "csv")


def test_an_export_stays_with_one_publication(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    mkdir = Path.mkdir

    def publish_meanwhile(path: Path, **named: Any) -> None:  # noqa: ANN401 any option
        mkdir(path, **named)
        if path == out:
            world.store.publish()

    monkeypatch.setattr(Path, "mkdir", publish_meanwhile)
    files = export(world.store.published.parent, out, "csv")
    (table,) = (path for path in files if path.stem == "current_prices")
    assert pl.read_csv(table)["unit_price"].to_list() == [1]
    assert price(world.store) == 2


QUESTIONS = [
    *(f"from {table}" for table in PUBLISHED),
    "from prices_as_of(timestamp '2026-01-05', timestamp 'infinity')",
    "from terms_as_of(timestamp '2026-01-05', timestamp 'infinity')",
    "from fact_intervals(timestamp 'infinity')",
    "from comparison_facts_as_of(timestamp '2026-01-09')",
    "from cost_comparison_as_of(timestamp '2026-01-09')",
    "from cheapest_options_as_of(timestamp '2026-01-09')",
    "from market_summary_as_of(timestamp '2026-01-09')",
    "from news()",
    "from news(is_replay := true)",
    "from winner_history(timestamp '2025-12-31', timestamp '2026-01-09')",
    "from monthly_tokens()",
    "from bills_as_of(timestamp '2026-01-09')",
    "from bill_lines_as_of(timestamp '2026-01-09')",
    "from prompting_facts_as_of(timestamp '2026-01-09')",
    "from prompting_bills_as_of(timestamp '2026-01-09')",
    "from prompting_lines_as_of(timestamp '2026-01-09')",
    "from break_even_as_of(timestamp '2026-01-09')",
    "from claims_as_of(timestamp '2026-01-09')",
    "select table_name, column_name, comment from duckdb_columns() where not internal",
    "select table_name, comment from duckdb_tables() where not internal",
    "select function_name, comment from duckdb_functions() where not internal",
]
ASK = """
import json, sys
import duckdb
with duckdb.connect(sys.argv[1], read_only=True) as db:
    answers = [db.execute(f"select count(*), max(t::varchar) from ({question}) as t").fetchone()
               for question in json.loads(sys.argv[2])]
print(json.dumps([duckdb.__version__, answers]))
"""


@pytest.mark.skipif(OLD_PYTHON is None, reason="OLD_DUCKDB_PYTHON names no python with DuckDB 1.5")
def test_an_older_duckdb_answers_every_table_and_macro_alike(published: Store) -> None:
    assert OLD_PYTHON is not None
    command = [OLD_PYTHON, "-c", ASK, str(published.published), json.dumps(QUESTIONS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    version, answers = json.loads(done.stdout)
    assert version.startswith("1.5.")
    for question, answer in zip(QUESTIONS, answers, strict=True):
        asked = f"select count(*), max(t::varchar) from ({question}) as t"
        assert list(published.query(asked).row(0)) == answer, question
        assert answer[0] > 0 or question == "from review", question


def test_every_macro_is_asked_of_an_older_duckdb() -> None:
    asked = {word for question in QUESTIONS for word in re.findall(r"\w+", question)}
    assert asked >= {*MACROS, *TABLE_MACROS}


@pytest.mark.parametrize(
    "name", [*(f"macros/{name}" for name in (*MACROS, *TABLE_MACROS)), "migrations/0001_log"]
)
def test_no_macro_says_if(name: str) -> None:
    # DuckDB 1.5 has no such function: it reads the word as a case, but not in a stored macro
    assert not re.search(r"\bif\(", sql(name))

"""Publications: one DuckDB file, Parquet and a manifest beside it, all swapped in at once.

`<data dir>/published` is a link to one folder in `<data dir>/publications`, so that one rename
changes every file in it, and whoever resolves the link first stays with one publication. What a
process that died left unfinished is not linked, and is removed by the next one. The last seven
publications are kept: what was true and known earlier is in each of them, and the as-of macros
ask for it.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import duckdb
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from warehouse.log import run, sql
from warehouse.schemas import COLUMNS, SCHEMA_VERSION

DATABASE: Final = "ratecard.duckdb"
MANIFEST: Final = "manifest.json"
KEPT: Final = 7
# A publication is called by when it was published.
_NAME: Final = "%Y%m%dT%H%M%S.%fZ"
Format = Literal["parquet", "csv", "json"]
# The names end up in paths and in SQL.
Name = Annotated[str, Field(pattern=r"^[a-z]\w*(\.[a-z]+)?$")]
# A file can also lie in a folder of its kind.
FileName = Annotated[str, Field(pattern=r"^([a-z]\w*/)?[a-z]\w*\.[a-z]+$")]
# What a file system says that has no links, or no more of them.
_NO_LINKS: Final = (errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)
_CAPTURES_USED: Final = "select distinct source, capture_sha256 from facts order by all"
# What a spreadsheet would take for a formula, also in the full width of Chinese keyboards.
_FORMULA: Final = r"^[=+\-@\t\r\n＝＋－＠]"


class File(BaseModel):
    """One file of a publication."""

    byte_count: int
    sha256: str


class Difference(BaseModel):
    """What is new since another publication.

    `row_counts` has how many rows each table gained or lost, where it did; `new_changes` how
    many rows of `price_changes` are new, by cause.
    """

    since: str
    row_counts: dict[str, int]
    new_changes: dict[str, int]


class Contents(BaseModel):
    """What is in a publication.

    `tables` are the row counts of all tables in the DuckDB file; a Parquet file has the rows of
    the table that it is named after. `captures` are those that each source's facts were read in;
    the table `captures` has those that said nothing new, too. `difference` is null where there
    was no publication before, or none that can be read.
    """

    schema_version: int
    code_version: str
    built_at: AwareDatetime
    tables: dict[Name, int]
    captures: dict[str, list[str]]
    difference: Difference | None


class Manifest(Contents):
    """What a publication says of itself; one of a later version may say more."""

    publication: str
    published_at: AwareDatetime
    kept: str
    files: dict[FileName, File]

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest; OSError or ValueError where there is none."""
        return cls.model_validate_json((folder / MANIFEST).read_bytes())

    @property
    def shared(self) -> list[str]:
        """Name the tables that have a file of their own."""
        return [Path(name).stem for name in self.files if name.endswith(".parquet")]


def describe(db: duckdb.DuckDBPyConnection, table: str, comment: str) -> None:
    """Write what a row of a table is, and what its columns mean, into the catalogue."""
    comments = {f"table {table}": comment}
    for column in db.table(table).columns:
        if meaning := COLUMNS.get(f"{table}.{column}", COLUMNS.get(column)):
            comments[f"column {table}.{column}"] = meaning
    db.execute(";".join(f"comment on {what} is {quoted(text)}" for what, text in comments.items()))


def stage(db: duckdb.DuckDBPyConnection, table: str, home: Path) -> None:
    """Write a table's Parquet file when the table is built, so that publishing need not."""
    staged = _staged(home, table)
    staged.parent.mkdir(exist_ok=True)
    # what a process that died left of it is written over
    partial = staged.with_suffix(".partial")
    db.table(table).write_parquet(str(partial), compression="zstd")
    partial.replace(staged)


def unstage(table: str, home: Path) -> None:
    """Drop a table's Parquet file, before the table changes."""
    _staged(home, table).unlink(missing_ok=True)


def publish(
    db: duckdb.DuckDBPyConnection,
    database: Path,
    home: Path,
    tables: Sequence[str],
    beside: Mapping[str, bytes],
) -> None:
    """Publish a warehouse that is open and checkpointed, these tables as Parquet, too.

    `beside` are further files, by their path in the publication.
    Raises OSError or `duckdb.Error` where something cannot be written, and then the last
    publication stands. Only one process at a time may publish.
    """
    shelf, pointer = home / "publications", home / "published"
    last = pointer.resolve()
    shelf.mkdir(exist_ok=True)
    for unfinished in shelf.glob(".*"):
        shutil.rmtree(unfinished)
    fresh = shelf / ".next"
    fresh.mkdir()
    now = datetime.now(UTC)
    name = now.strftime(_NAME)
    try:
        with ThreadPoolExecutor() as pool:
            tidied = pool.submit(_make_room, shelf, last)
            copied = pool.submit(_copy_file, database, fresh / DATABASE)
            digest = pool.submit(_sha256, database)
            for table in tables:
                if not _staged(home, table).exists():
                    stage(db, table, home)
                _link(_staged(home, table), fresh / f"{table}.parquet")
            for file, content in beside.items():
                (fresh / file).parent.mkdir(exist_ok=True)
                (fresh / file).write_bytes(content)
            contents = _contents(db, last)
            files = [*(f"{table}.parquet" for table in sorted(tables)), *sorted(beside)]
            sums = {file: _sha256(fresh / file) for file in files}
            for work in (tidied, copied):
                work.result()
            manifest = Manifest(
                **dict(contents),
                publication=name,
                published_at=now,
                kept=f"the last {KEPT} publications",
                files={
                    file: File(byte_count=(fresh / file).stat().st_size, sha256=sha256)
                    for file, sha256 in {DATABASE: digest.result(), **sums}.items()
                },
            )
            text = manifest.model_dump_json(indent=2)
            (fresh / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
            # at once, so that the disk's journal takes them together
            list(pool.map(_sync, [*fresh.rglob("*"), fresh]))
        fresh.rename(shelf / name)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _sync(shelf)
    _point(pointer, shelf / name)


def published_before(folder: Path) -> datetime | None:
    """Give when the publication before this one was published, UTC without an offset.

    None where there was none, or none that could be read.
    """
    try:
        difference = Manifest.of(folder.resolve()).difference
        return datetime.strptime(difference.since, _NAME) if difference else None  # noqa: DTZ007
    except (OSError, ValueError):
        return None


def verify(folder: Path) -> list[str]:
    """Check a publication against its manifest; give what is wrong with it, if anything."""
    folder = folder.resolve()
    try:
        manifest = Manifest.of(folder)
    except OSError as error:
        return [f"{folder / MANIFEST} cannot be read: {error.strerror}"]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return [f"{folder / MANIFEST} is no manifest: {where or 'it'}: {first['msg']}"]
    if manifest.schema_version != SCHEMA_VERSION:
        version, code = manifest.schema_version, manifest.code_version
        return [f"schema version {version} is unknown here; verify it with ratecard {code}"]
    problems = [
        problem for name, file in manifest.files.items() if (problem := _damage(folder, name, file))
    ]
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    strangers = there - {*manifest.files, MANIFEST}
    problems += [f"{name}: not in the manifest" for name in sorted(strangers)]
    return problems or _miscounted(folder, manifest)


def export(folder: Path, target: Path, form: Format) -> list[Path]:
    """Write a publication's tables into a folder, one file each, and give the files.

    Parquet and CSV are `<target>/<table>.<form>`; JSON is `<target>/v<schema version>/<table>.json`
    with an `index.json` that names and explains them. In CSV and JSON a timestamp is ISO 8601
    with its Z, and a decimal is exact: in JSON it is a string. A text in CSV that a spreadsheet
    would take for a formula begins with an apostrophe. Each file is swapped in whole.
    """
    folder = folder.resolve()
    manifest = Manifest.of(folder)
    if form == "json":
        target /= f"v{manifest.schema_version}"
    target.mkdir(parents=True, exist_ok=True)
    written = []
    with duckdb.connect(folder / DATABASE, read_only=True) as db:
        for table in manifest.shared:
            file = target / f"{table}.{form}"
            with _whole(file) as partial:
                if form == "parquet":
                    shutil.copyfile(folder / file.name, partial)
                elif form == "csv":
                    select, name = _texts(db, table, form), quoted(str(partial))
                    db.execute(f"copy ({select}) to {name} (format csv, header)")
                elif form == "json":
                    _write_json(db, manifest, table, partial)
                _sync(partial)
            written.append(file)
        if form == "json":
            written.append(target / "index.json")
            _write_index(db, manifest, written[-1])
    return written


def _staged(home: Path, table: str) -> Path:
    return home / "staged" / f"{table}.parquet"


def _make_room(shelf: Path, last: Path) -> None:
    finished = sorted(path for path in shelf.iterdir() if not path.name.startswith("."))
    for path in {*finished[: 1 - KEPT]} - {last}:
        shutil.rmtree(path)


def _point(pointer: Path, folder: Path) -> None:
    link = pointer.with_name(f".{pointer.name}")
    link.unlink(missing_ok=True)
    link.symlink_to(folder.relative_to(pointer.parent))
    if pointer.is_dir() and not pointer.is_symlink():
        # a folder of the time before there were links cannot be replaced by one
        pointer.rename(folder.with_name(".before"))
    link.replace(pointer)
    _sync(pointer.parent)


def _contents(db: duckdb.DuckDBPyConnection, last: Path) -> Contents:
    names = ("built_at", "schema_version", "code_version")
    built = dict(zip(names, db.table("build_info").select(*names).fetchall()[0], strict=True))
    captures: dict[str, list[str]] = {}
    for source, sha256 in db.execute(_CAPTURES_USED).fetchall():
        captures.setdefault(source, []).append(sha256)
    tables = _row_counts(db)
    return Contents(
        **{**built, "built_at": built["built_at"].replace(tzinfo=UTC)},
        tables=tables,
        captures=captures,
        difference=_difference(db, last, tables),
    )


def _difference(
    db: duckdb.DuckDBPyConnection, last: Path, counts: dict[str, int]
) -> Difference | None:
    try:
        before = Manifest.of(last)
        last_changes = str(last / "price_changes.parquet")
        changes = run(db, sql("publication/new_changes"), last_changes=last_changes).fetchall()
    except (OSError, ValueError, duckdb.Error):
        return None
    gained = {name: count - before.tables.get(name, 0) for name, count in counts.items()}
    return Difference(
        since=before.publication,
        row_counts={name: count for name, count in gained.items() if count},
        new_changes=dict(changes),
    )


def _damage(folder: Path, name: str, said: File) -> str | None:
    try:
        size = (folder / name).stat().st_size
        if size != said.byte_count:
            return f"{name}: {size} bytes, the manifest says {said.byte_count}"
        if (digest := _sha256(folder / name)) != said.sha256:
            return f"{name}: its SHA-256 is {digest}, the manifest says {said.sha256}"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    return None


def _miscounted(folder: Path, manifest: Manifest) -> list[str]:
    try:
        with duckdb.connect(folder / DATABASE, read_only=True) as db:
            there = {(DATABASE, name): count for name, count in _row_counts(db).items()}
            for name in manifest.shared:
                rows = db.read_parquet(str(folder / f"{name}.parquet")).count("*").fetchall()
                there[f"{name}.parquet", name] = rows[0][0]
    except duckdb.Error as error:
        return [f"{folder} cannot be queried: {error}"]
    said = {(DATABASE, name) for name in manifest.tables} | {*there}
    return [
        f"{file}: {there.get((file, name))} rows of {name}, "
        f"the manifest says {manifest.tables.get(name)}"
        for file, name in sorted(said)
        if there.get((file, name)) != manifest.tables.get(name)
    ]


def _row_counts(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    found = "select table_name from duckdb_tables() where not internal and not temporary order by 1"
    names = [name for (name,) in db.execute(found).fetchall()]
    counts = " union all ".join(f"select '{name}', count(*) from {name}" for name in names)  # noqa: S608 own names
    return dict(db.execute(counts).fetchall())


def _texts(db: duckdb.DuckDBPyConnection, table: str, form: Format) -> str:
    """Give the select that spells a table's values as a text file has them."""
    relation = db.table(table)
    kinds = zip(relation.columns, map(str, relation.types), strict=True)
    values = (f"{_spelled(name, kind, form)} as {name}" for name, kind in kinds)
    return f"select {', '.join(values)} from {table}"  # noqa: S608 own names


def _spelled(name: str, kind: str, form: Format) -> str:
    if kind.startswith("DECIMAL") and not kind.endswith(",0)"):
        # no zeros behind the last digit that says something
        return f"rtrim(rtrim({name}::varchar, '0'), '.')"
    if kind == "TIMESTAMP":
        return rf"regexp_replace(strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ'), '\.?0+Z$', 'Z')"
    if kind == "DOUBLE":
        # JSON has no word for a number that is none
        return f"if(isfinite({name}), {name}, null)"
    if kind == "VARCHAR" and form == "csv":
        return f"if(regexp_matches({name}, '{_FORMULA}'), '''' || {name}, {name})"
    return name


def _write_json(db: duckdb.DuckDBPyConnection, manifest: Manifest, table: str, path: Path) -> None:
    head = json.dumps({**_heading(manifest), "table": table, "rows": []})
    rows = db.execute(f"select to_json(r)::varchar from ({_texts(db, table, 'json')}) as r")  # noqa: S608 own names
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(head.removesuffix("]}"))
        parting = "\n"
        while batch := rows.fetchmany(1000):
            for (row,) in batch:
                file.write(f"{parting}{row}")
                parting = ",\n"
        file.write("\n]}\n")


def _write_index(db: duckdb.DuckDBPyConnection, manifest: Manifest, path: Path) -> None:
    told = db.execute(sql("publication/comments")).fetchall()
    tables = [
        {
            "table": table,
            "path": f"{table}.json",
            "row_count": manifest.tables[table],
            "comment": comment,
            "columns": columns,
        }
        for table, comment, columns in told
        if table in manifest.shared
    ]
    with _whole(path) as partial:
        index = json.dumps({**_heading(manifest), "tables": tables}, indent=2)
        partial.write_text(f"{index}\n", encoding="utf-8")
        _sync(partial)


def _heading(manifest: Manifest) -> dict[str, object]:
    told = manifest.model_dump(mode="json", include={"schema_version", "built_at", "publication"})
    return {
        "schema_version": told["schema_version"],
        "generated_at": told["built_at"],
        "publication": told["publication"],
    }


def quoted(text: str) -> str:
    """Write a text as SQL has it, where the engine takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give the path to write to; only what is finished appears under the file's name."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy_file(path: Path, copy: Path) -> None:
    shutil.copyfile(path, copy)
    _sync(copy)


def _link(staged: Path, path: Path) -> None:
    try:
        path.hardlink_to(staged)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(staged, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on disk before this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

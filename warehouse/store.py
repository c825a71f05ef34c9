"""The warehouse: record what was read, build the tables from it, publish them, answer queries."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import filelock
import polars as pl
from pandera.errors import SchemaErrors

from warehouse.captures import Archive, Look
from warehouse.schemas import SCHEMAS

SCHEMA_VERSION: Final = 1
LOG: Final = ("looks", "captures", "facts")
MACROS: Final = (
    "fact_intervals",
    "prices_as_of",
    "terms_as_of",
    "comparison_facts_as_of",
    "cost_comparison_as_of",
    "cheapest_options_as_of",
    "market_summary_as_of",
)
TABLES: Final = (
    "current_prices",
    "current_terms",
    "price_history",
    "terms_history",
    "price_changes",
    "comparison_facts",
    "cost_comparison",
    "cheapest_options",
    "market_summary",
    "source_health",
)
_SQL: Final = Path(__file__).parent / "sql"
_MODELS: Final = Path(__file__).parent / "models.csv"
# DuckDB 2.0 writes files that 1.5 cannot open unless told; readers have either.
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": "v1.5.0"
}


class StoreError(Exception):
    """The warehouse cannot do what was asked; the message says why and what to do next."""


class Refusal(Exception):  # noqa: N818 an answer of the reader, not a fault
    """A reader's word that a capture says nothing that can be believed, and why."""


class InvalidTable(StoreError):  # noqa: N818 names the table's state
    """A table that was built breaks its schema; the one before it still stands."""


class Statement(NamedTuple):
    """What one capture states: validated frames of quotes and of terms, and who read them."""

    quotes: pl.DataFrame
    terms: pl.DataFrame
    parser_version: int


Reader = Callable[[str, bytes], Statement]


@dataclass(frozen=True)
class Outcome:
    """What became of one look: `read`, `unchanged`, `refused` or `unreachable`, and how much.

    `fact_count` is the number of change points that the look added to the log; `is_repeat`
    says that the very same look was in the journal already and nothing was done.
    """

    look: Look
    outcome: str
    quote_count: int | None = None
    term_count: int | None = None
    fact_count: int = 0
    error: str | None = None
    is_repeat: bool = False


class Store:
    """One folder of memory: `archive/`, `warehouse.duckdb` and `published/ratecard.duckdb`.

    Writers take a file lock for each verb and close their connection after it; readers only
    ever open the published copy.
    """

    def __init__(self, folder: Path, *, wait_for: timedelta = timedelta(minutes=2)) -> None:
        self.folder = folder
        self.archive = Archive(folder / "archive")
        self.published = folder / "published" / "ratecard.duckdb"
        self._file = folder / "warehouse.duckdb"
        self._wait_for = wait_for
        self._open: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold the lock and one connection for several verbs, which would each take their own."""
        with self._writing() as db:
            self._open = db
            try:
                yield
            finally:
                self._open = None

    def record(self, looks: Iterable[tuple[Look, bytes | None]], read: Reader) -> Iterator[Outcome]:
        """Archive looks and the bytes they saw, fold them into the log, tell what came of each.

        A look's bytes and its line in the journal are on disk before the log learns of it,
        and each fold is one transaction, so that a process that dies in between loses
        nothing: the next call folds what is missing first. Captures may come in any order.
        """
        with self._writing() as db:
            self._catch_up(db, read)
            known_at = _latest_knowledge(db)
            for look, content in looks:
                # knowledge has one order even where the clock has not
                known_at = max(known_at, look.known_at)
                noted = replace(look, known_at=known_at)
                if content is not None:
                    digest = self.archive.keep(content)
                    noted = replace(noted, capture_sha256=digest, byte_count=len(content))
                    if _is_repeat(db, noted):
                        yield Outcome(noted, "unchanged", is_repeat=True)
                        continue
                self.archive.note(noted)
                yield _fold(db, _last_position(db) + 1, noted, content, read)

    def rebuild(self, read: Reader) -> int:
        """Make the log anew from the archive with today's readers; give the number of looks.

        The tables and the published file stay as they are until they are built again.
        Raises `ArchiveError` where a capture is lost; then nothing was replaced.
        """
        fresh = Store(self.folder, wait_for=self._wait_for)
        fresh._file = self.folder / "rebuilding.duckdb"
        with self._locked():
            fresh._file.unlink(missing_ok=True)
            _drop_unwritten(fresh._file)
            with fresh._connected() as db:
                fresh._catch_up(db, read)
                count = _last_position(db)
            _drop_unwritten(self._file)
            fresh._file.replace(self._file)
        return count

    def digest(self) -> str:
        """Give one hash of all that is believed now about every valid time.

        Two warehouses that hold the same captures give the same one, in whatever order the
        captures came.
        """
        if not self._file.exists():
            raise StoreError(f"nothing is known in {self.folder} yet; run `ratecard refresh`")
        with self._writing() as db:
            return str(_run(db, _sql("log/digest")).fetchall()[0][0])

    def prepare(
        self, at: datetime, sources: pl.DataFrame, rates: pl.DataFrame, trusted_days: int,
        code_version: str,
    ) -> dict[str, int]:  # fmt: skip
        """Load what the tables need beside the log, and say at which instant they are true.

        `sources` has `source, provider, rank, cadence_hours, url, description`; `rates` has
        `currency, rate_on, usd_per_unit`. Gives the row counts of the tables loaded.
        """
        models = pl.read_csv(_MODELS, schema_overrides={"parameters_b": pl.Decimal(10, 3)})
        info = pl.DataFrame({
            "built_at": [at],
            "trusted_days": [trusted_days],
            "schema_version": [SCHEMA_VERSION],
            "code_version": [code_version],
        })  # fmt: skip
        frames = {
            "build_info": info,
            "sources": sources,
            "exchange_rates": rates,
            "models": models.with_columns(open_weights=pl.col("open_weights") == "yes"),
        }
        counts = {}
        with self._writing() as db:
            db.execute("begin")
            for name, frame in frames.items():
                db.register("incoming", frame.to_arrow())
                db.execute(f"create or replace table {name} as from incoming")
                db.unregister("incoming")
                counts[name] = frame.height
            for name in ("model_names", "offer_models"):
                counts[name] = _create(db, name, _sql(f"tables/{name}"))
            for name in MACROS:
                head, body = _macro(name)
                db.execute(f"create or replace macro {head} as table {body}")
            counts["intervals"] = _create(db, "intervals", f"from fact_intervals({_EVER})")
            db.execute("commit")
        return counts

    def build(self, table: str) -> int:
        """Build one table anew, check it against its schema, and only then replace it.

        Gives its row count; raises `InvalidTable` with the first bad rows, and then the
        table that stood before still stands.
        """
        with self._writing() as db:
            db.execute("begin")
            try:
                count = _create(db, table, _select(table))
                frame = pl.DataFrame(db.table(table).to_arrow_table())
                SCHEMAS[table].validate(frame, lazy=True)
            except SchemaErrors as errors:
                db.execute("rollback")
                cases = errors.failure_cases.head(5).rows()
                raise InvalidTable(
                    f"{table}: {len(errors.failure_cases)} bad values: {cases}"
                ) from errors
            db.execute("commit")
        return count

    def publish(self) -> Path:
        """Swap in a copy of the warehouse: a reader sees the old one or the new one, whole."""
        with self._writing() as db:
            missing = {*TABLES} - {name for (name,) in db.execute("show tables").fetchall()}
            if missing:
                raise StoreError(f"not built yet: {sorted(missing)}; run `ratecard refresh`")
            db.execute("checkpoint")
            self.published.parent.mkdir(parents=True, exist_ok=True)
            partial = self.published.with_name(f".{self.published.name}.{os.getpid()}")
            shutil.copyfile(self._file, partial)
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(self.published)
        return self.published

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Answer a query on the published file; `StoreError` where there is none or it is wrong."""
        if not self.published.exists():
            raise StoreError(f"nothing is published in {self.folder} yet; run `ratecard refresh`")
        try:
            with duckdb.connect(self.published, read_only=True) as db:
                answer = db.sql(sql, params=dict(parameters) if parameters else None)
                return pl.DataFrame() if answer is None else _frame(answer)
        except duckdb.Error as error:
            raise StoreError(str(error)) from error

    def ask(self, question: str, /, **values: object) -> pl.DataFrame:
        """Answer one of the questions under `sql/questions`, with those values that it names."""
        select = _sql(f"questions/{question}")
        return self.query(select, _named(select, values))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / ".lock", timeout=self._wait_for.total_seconds())
        try:
            with lock:
                yield
        except filelock.Timeout as error:
            raise StoreError(
                f"another ratecard has been writing to {self.folder} for {self._wait_for}; "
                "wait for it or stop it, then try again"
            ) from error

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            db = duckdb.connect(self._file, config=_CONFIG)
        except duckdb.Error as error:
            raise StoreError(f"{self._file} cannot be opened: {error}") from error
        with db:
            db.execute(_sql("log/schema"))
            yield db

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._open is not None:
            yield self._open
            return
        with self._locked(), self._connected() as db:
            yield db

    def _catch_up(self, db: duckdb.DuckDBPyConnection, read: Reader) -> None:
        """Fold the looks that stand in the journal and not yet in the log."""
        for position, look in self.archive.looks(after=_last_position(db)):
            content = self.archive.load(look.capture_sha256) if look.capture_sha256 else None
            _fold(db, position, look, content, read)


def table_comment(table: str) -> str:
    """Give what one row of a table is: the first line of its SQL file."""
    return _comment(_select(table))


@cache
def dependencies(table: str) -> frozenset[str]:
    """Give the tables that a table is made from, through the macros that it calls."""
    return _named_in(_select(table)) - {table}


def _named_in(select: str) -> frozenset[str]:
    words = set(re.findall(r"\w+", re.sub(r"--.*", "", select)))
    through = [_named_in(_macro(name)[1]) for name in MACROS if name in words]
    return frozenset(words & {*TABLES, *LOG}).union(*through)


_NOW: Final = "(select built_at from build_info)"
_EVER: Final = "timestamp 'infinity'"
_AS_OF_CALL: Final = re.compile(rf"\b(\w+)_as_of\(as_of(?:, {_EVER})?\)")
_CURRENT: Final = {"prices": "current_prices", "terms": "current_terms"}


@cache
def _select(table: str) -> str:
    """Give the select that a table is: its own file, or its as-of macro taken at this moment.

    What either asks of macros for this moment and the latest knowledge is already there as a
    table, and is read from it.
    """
    if (_SQL / "tables" / f"{table}.sql").exists():
        return _inlined(_sql(f"tables/{table}"))
    comment = _comment(_sql(f"macros/{table}_as_of")).partition(":")[2].strip()
    body = _macro(f"{table}_as_of")[1]
    body = _AS_OF_CALL.sub(lambda call: _CURRENT.get(call[1], call[1]), body)
    return f"-- {comment}\n" + re.sub(r"\bas_of\b", _NOW, body)


def _inlined(select: str) -> str:
    for name in ("prices_as_of", "terms_as_of"):
        body = _macro(name)[1]
        body = re.sub(r"(?<![\w.])valid_at(?=::)", _NOW, body)
        body = re.sub(r"(?<![\w.])known_at(?=::)", _EVER, body)
        body = body.replace(f"fact_intervals({_EVER}::timestamp)", "intervals")
        select = select.replace(f"{name}({_NOW}, {_EVER})", f"({body})")
    return select.replace(f"fact_intervals({_EVER})", "intervals")


def _comment(sql: str) -> str:
    return sql.partition("\n")[0].removeprefix("--").strip()


@cache
def _sql(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _macro(name: str) -> tuple[str, str]:
    """Part a macro's file into its signature, which its first line opens with, and its select."""
    text = _sql(f"macros/{name}")
    return _comment(text).partition(":")[0], text.partition("\n")[2]


def _run(db: duckdb.DuckDBPyConnection, sql: str, **values: object) -> duckdb.DuckDBPyConnection:
    """Execute SQL with those of the values that it names; the engine refuses the others."""
    return db.execute(sql, _named(sql, values))


def _named(sql: str, values: Mapping[str, object]) -> dict[str, object]:
    return {name: values[name] for name in set(re.findall(r"\$(\w+)", sql))}


def _frame(answer: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """Hand an answer over to polars, which knows no intervals: they become texts."""
    if twice := sorted({name for name in answer.columns if answer.columns.count(name) > 1}):
        raise StoreError(f"two columns are called {', '.join(twice)}; name them apart with `as`")
    names = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in answer.columns]
    shown = [
        f"{name}::varchar as {name}" if str(kind) == "INTERVAL" else name
        for name, kind in zip(names, answer.types, strict=True)
    ]
    return pl.DataFrame(answer.project(", ".join(shown)).to_arrow_table())


def _create(db: duckdb.DuckDBPyConnection, name: str, select: str) -> int:
    db.execute(f"create or replace table {name} as {select}")
    comment = _comment(select).replace("'", "''")
    db.execute(f"comment on table {name} is '{comment}'")
    return int(db.execute(f"select count(*) from {name}").fetchall()[0][0])  # noqa: S608 own names


def _drop_unwritten(file: Path) -> None:
    """Drop what a process that died had not yet written into a file that is made anew.

    DuckDB keeps it beside the file and would play it into the next one of that name.
    """
    file.with_name(f"{file.name}.wal").unlink(missing_ok=True)


def _last_position(db: duckdb.DuckDBPyConnection) -> int:
    return int(db.execute("select coalesce(max(position), 0) from looks").fetchall()[0][0])


def _latest_knowledge(db: duckdb.DuckDBPyConnection) -> datetime:
    latest = db.execute("select max(known_at) from looks").fetchall()[0][0]
    return latest if isinstance(latest, datetime) else datetime.min  # noqa: DTZ901 UTC by contract


def _is_repeat(db: duckdb.DuckDBPyConnection, look: Look) -> bool:
    return bool(_run(db, _sql("log/same_look"), **vars(look)).fetchall())


def _fold(
    db: duckdb.DuckDBPyConnection, position: int, look: Look, content: bytes | None, read: Reader
) -> Outcome:
    """Add one look, and what its capture states, to the log: all of it or nothing."""
    if content is None:
        outcome = Outcome(look, "unreachable", error=look.error)
        return _note(db, position, outcome, None)
    before = _run(db, _sql("log/capture_before"), **vars(look)).fetchall()
    if before and before[0][0] == look.capture_sha256:
        _, parser_version, quote_count, term_count = before[0]
        outcome = Outcome(look, "unchanged", quote_count, term_count)
        return _note(db, position, outcome, parser_version)
    try:
        statement = read(look.source, content)
    except Refusal as refusal:
        return _note(db, position, Outcome(look, "refused", error=str(refusal)), None)
    outcome = Outcome(look, "read", statement.quotes.height, statement.terms.height)
    return _note(db, position, outcome, statement.parser_version, statement)


def _note(
    db: duckdb.DuckDBPyConnection, position: int, outcome: Outcome, parser_version: int | None,
    statement: Statement | None = None,
) -> Outcome:  # fmt: skip
    values = {**vars(outcome), **vars(outcome.look), "position": position, "error": outcome.error}
    values["parser_version"] = parser_version
    db.execute("begin")
    try:
        if statement is not None:
            db.register("quotes", statement.quotes.to_arrow())
            db.register("terms", statement.terms.to_arrow())
            for name in ("stated", "believed"):
                _run(db, f"create or replace temp table {name} as {_sql(f'log/{name}')}", **values)
            added = _run(db, f"insert into facts by name {_sql('log/change_points')}", **values)
            outcome = replace(outcome, fact_count=int(added.fetchall()[0][0]))
            for name in ("stated", "believed"):
                db.execute(f"drop table {name}")
            db.unregister("quotes")
            db.unregister("terms")
        if outcome.look.capture_sha256:
            _run(db, f"insert into captures by name {_sql('log/new_capture')}", **values)
        _run(db, f"insert into looks by name {_sql('log/new_look')}", **values)
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")
    return outcome

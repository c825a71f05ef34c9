"""The warehouse: record what was read, build the tables from it, publish them, answer queries."""

import hashlib
import os
import re
import socket
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

import duckdb
import filelock
import polars as pl
from pandera.errors import SchemaErrors

from warehouse.captures import Archive, Choice, Decision, Look, make_folder, sync
from warehouse.gate import Doubt
from warehouse.log import (
    INSTANT,
    Log,
    NewerVersion,
    Outcome,
    Reader,
    frame,
    last_position,
    migrate,
    named,
    run,
    sql,
    transaction,
)
from warehouse.publication import (
    DATABASE,
    Format,
    describe,
    export,
    publish,
    published_before,
    quoted,
    stage,
    unstage,
    verify,
)
from warehouse.schemas import ASKED, BROUGHT, OTHER_TABLES, SCHEMA_VERSION, SCHEMAS

LOG: Final = ("looks", "captures", "facts", "doubts", "decisions", "choices", "corrections")
MACROS: Final = (
    "fact_intervals",
    "prices_as_of",
    "terms_as_of",
    "comparison_facts_as_of",
    "cost_comparison_as_of",
    "monthly_tokens",
    "bills_as_of",
    "prompting_facts_as_of",
    "prompting_bills_as_of",
    "break_even_as_of",
    "bill_lines_as_of",
    "prompting_lines_as_of",
    "claims_as_of",
    "cheapest_options_as_of",
    "market_summary_as_of",
)
# These ask the tables themselves, and so are made when the tables are there.
TABLE_MACROS: Final = ("news", "winner_history")
TABLES: Final = (
    "current_prices",
    "current_terms",
    "price_history",
    "terms_history",
    "price_changes",
    "comparison_facts",
    "cost_comparison",
    "break_even",
    "claims",
    "cheapest_options",
    "market_summary",
    "source_health",
    "review",
    "disagreements",
)
_ABOUT_WORKLOADS: Final = frozenset({"break_even", "claims", "cheapest_options"})
# Who can speak, numbered from 1 in what `Store.prepare` is given.
SPEAKERS: Final = ("seller", "catalogue", "third_party", "transcribed")
# What users query, and so has a file of its own beside the database.
PUBLISHED: Final = (*TABLES, "captures", "looks")
_SQL: Final = Path(__file__).parent / "sql"
_TABLE_NAMES: Final = "select table_name from duckdb_tables()"
_MODELS: Final = Path(__file__).parent / "models.csv"
_BILLING_RULES: Final = Path(__file__).parent / "billing_rules.csv"
# What the engine says where the disk fails it, at once or when it commits.
_DISK_ERRORS: Final = (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException)
_CHECKED_AT_ONCE: Final = 20_000
# Enough to build every table of 100,000 prices after a year; beyond it the engine works on disk.
_SPARING: Final = "160MB"
# DuckDB 2.0 writes files that 1.5 cannot open unless told; readers have either. Each table takes
# whole blocks, so that many small ones want them small; in blocks smaller than these, half the
# usual size, large tables are packed less densely.
CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": "v1.5.0",
    "default_block_size": "131072",
}


class StoreError(Exception):
    """The warehouse cannot do what was asked; the message says why and what to do next."""


class InvalidTable(StoreError):  # noqa: N818 names the table's state
    """A table that was built breaks its schema; the one before it still stands."""


class NotOurs(StoreError):  # noqa: N818 names the file's state
    """The warehouse's file is another's: a newer ratecard made it, or a program has it open."""


@dataclass(frozen=True)
class Rules:
    """By which rules sources are believed beside each other.

    A fact that a source has not confirmed for `trusted_days` yields to one that was. Prices
    that differ by no more than `tolerance_pct` are no disagreement. `ranking` has all speakers,
    those that are believed first to those that are believed last.
    """

    trusted_days: int = 120
    tolerance_pct: float = 0
    ranking: tuple[str, ...] = SPEAKERS


class Reference(NamedTuple):
    """What the tables need beside the log of facts.

    `sources` has `source, provider, rank, cadence_hours, url, description, unasked`, where `rank`
    is the number of who speaks in `SPEAKERS`; `exchange_rates` has `currency, rate_on,
    usd_per_unit`. Users ask about `workloads`, under `constraint_sets`; `workload_tokens` says
    how many tokens a workload's own file has by a model's tokenizer, where it was counted.
    """

    sources: pl.DataFrame
    exchange_rates: pl.DataFrame
    workloads: pl.DataFrame
    constraint_sets: pl.DataFrame
    workload_tokens: pl.DataFrame


class About(NamedTuple):
    """What a question is about: now or another instant, the published workloads or others.

    `asked` has tables as `Reference` has them, by name, to take the place of the published ones,
    or the table `alert_rules`, which is never published.
    """

    at: datetime | None = None
    asked: Mapping[str, pl.DataFrame] = MappingProxyType({})


NOW: Final = About()
_Made = TypeVar("_Made")
# Answers one of the questions under `sql/questions`, with those values that it names.
Ask = Callable[..., pl.DataFrame]
# Gives the files that stand beside the tables, by their path in the publication.
Faces = Callable[[Ask], Mapping[str, bytes]]


class Store:
    """One folder of memory: `archive/`, `warehouse.duckdb` and what is `published/` from it.

    Writers take a file lock for each verb and close their connection after it; readers only
    ever open the published copy.
    """

    def __init__(self, folder: Path, *, wait_for: timedelta = timedelta(minutes=2)) -> None:
        self.folder = folder
        self.archive = Archive(folder / "archive")
        self.published = folder / "published" / DATABASE
        self._file = folder / "warehouse.duckdb"
        self._wait_for = wait_for
        self._open: duckdb.DuckDBPyConnection | None = None
        self._engine: duckdb.DuckDBPyConnection | None = None

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

        A look without bytes failed, as its `error` says, or saw the bytes that its
        `capture_sha256` names already. A look's bytes and its line in the journal are on disk
        before the log learns of it, and each fold is one transaction, so that a process that
        dies in between loses nothing: the next call folds what is missing first. Captures may
        come in any order. Looks that learn nothing wait for the next that does, or for the last,
        and are written together; whatever was told of is written.
        """
        with self._writing() as db:
            log = Log(db, self.archive, read)
            position = log.catch_up()
            known_at = _never_known(db)
            idle: list[Outcome] = []
            for look, content in looks:
                # knowledge has one order even where the clock has not
                known_at = max(known_at, look.known_at)
                noted = replace(look, known_at=known_at)
                if content is not None:
                    digest = self.archive.keep(content)
                    noted = replace(noted, capture_sha256=digest, byte_count=len(content))
                if outcome := log.idle(noted):
                    position += 1
                    idle.append(outcome)
                    continue
                yield from self._written(log, position, idle)
                idle = []
                if _is_repeat(db, noted):
                    yield Outcome(noted, "unchanged", is_repeat=True)
                    continue
                self.archive.note(noted)
                position += 1
                yield log.take(position, noted, content)
            yield from self._written(log, position, idle)

    def _written(self, log: Log, position: int, idle: list[Outcome]) -> list[Outcome]:
        if idle:
            self.archive.note(*(outcome.look for outcome in idle))
            log.take_idle(position, idle)
        return idle

    def decide(self, decision: Decision | Choice, read: Reader) -> None:
        """Note a person's decision, and follow it.

        On a doubt it tells the story of its source anew; on a disagreement it says which source
        holds, from the next build on. What cannot be followed is not noted either.
        """
        with self._writing() as db:
            log = Log(db, self.archive, read)
            position = log.catch_up()
            noted = replace(decision, known_at=max(_never_known(db), decision.known_at))
            with transaction(db):
                log.fold(position + 1, noted)
                self.archive.note(noted)

    def reparse(
        self,
        names: Iterable[str] | None,
        since: datetime | None,
        known_at: datetime,
        read: Reader,
    ) -> dict[str, int]:
        """Read sources' captures again with today's parsers; give the corrections of each.

        All sources that have captures where none is named; only what captures say of times
        since `since`, where it is given. What was misread becomes a correction, known since
        `known_at`, and is no change of price.
        """
        with self._writing() as db:
            log = Log(db, self.archive, read)
            log.catch_up()
            known_at = max(known_at, _never_known(db))
            have = [source for (source,) in db.execute(sql("log/captured_sources")).fetchall()]
            chosen = have if names is None else [name for name in have if name in names]
            return {name: log.reread(name, known_at, since) for name in chosen}

    def believed(self, source: str) -> list[tuple[datetime, str]]:
        """Give when each capture of a source that is believed was seen, and its SHA-256.

        The newest comes first.
        """
        if not self._file.exists():
            return []
        with self._writing() as db:
            return run(db, sql("log/good_captures"), source=source).fetchall()

    def last_seen(self) -> dict[str, Look]:
        """Give the last look at each source that saw something, as published."""
        if not self._is_published():
            return {}
        rows = self.ask("last_seen").rows(named=True)
        return {row["source"]: Look(**row) for row in rows}

    def waiting(self, *, decided: bool = False) -> list[tuple[Look, tuple[str, ...]]]:
        """Give each capture that waits for a decision, with its doubts' fingerprints.

        Of a source only the last capture can wait: what it said before is past. With `decided`
        those are given, too, on which there is a decision, which another one replaces.
        """
        with self._writing() as db:
            rows = frame(db, sql("log/waiting"), decided=decided).rows(named=True)
        return [
            (Look(**row), tuple(fingerprints))
            for row in rows
            if (fingerprints := row.pop("fingerprints"))
        ]

    def difference(self, look: Look, read: Reader) -> pl.DataFrame:
        """Give each fact in which a capture differs from what is believed, as printed."""
        with self._writing() as db:
            return Log(db, self.archive, read).difference(look)

    def doubts(self, look: Look, content: bytes, read: Reader) -> list[Doubt]:
        """Give what the gate would doubt of a capture if it were recorded; records nothing."""
        seen = replace(look, capture_sha256=hashlib.sha256(content).hexdigest())
        with self._writing() if self._file.exists() else _nothing_known() as db:
            return Log(db, self.archive, read).doubts_about(seen, content)

    def rebuild(self, read: Reader) -> int:
        """Make the log anew from the archive with today's readers; give the number of entries.

        The tables and the published file stay as they are until they are built again.
        Raises `ArchiveError` where a capture or the end of the journal is lost; then nothing was
        replaced.
        """
        fresh = Store(self.folder, wait_for=self._wait_for)
        fresh._file = self.folder / "rebuilding.duckdb"
        with self._locked():
            self._demand_whole_journal()
            fresh._file.unlink(missing_ok=True)
            _drop_unwritten(fresh._file)
            with fresh._connected() as db:
                count = Log(db, self.archive, read).catch_up(can_lack=False)
            with self._on_disk(OSError):
                _drop_unwritten(self._file)
                fresh._file.replace(self._file)
                sync(self.folder)
        return count

    def _demand_whole_journal(self) -> None:
        """Demand that all is there that was folded once; a file that is damaged cannot tell."""
        if not self._file.exists():
            return
        try:
            with self._connected() as db:
                position = last_position(db)
        except NotOurs:
            raise
        except (StoreError, duckdb.Error):
            return
        for _ in self.archive.entries(after=position):
            break

    def digest(self) -> str:
        """Give one hash of all that is believed now about every valid time.

        Two warehouses that hold the same captures give the same one, in whatever order the
        captures came.
        """
        if not self._file.exists():
            raise StoreError(f"nothing is known in {self.folder} yet; run `ratecard refresh`")
        with self._writing() as db:
            return str(run(db, sql("log/digest")).fetchall()[0][0])

    def prepare(
        self, at: datetime, reference: Reference, rules: Rules, code_version: str
    ) -> dict[str, int]:
        """Load what the tables need beside the log, and say at which instant they are true.

        Gives the row counts of the tables loaded.
        """
        speakers = dict(enumerate(SPEAKERS, start=1))
        places = {number: rules.ranking.index(name) + 1 for number, name in speakers.items()}
        models = pl.read_csv(_MODELS, schema_overrides={"parameters_b": pl.Decimal(10, 3)})
        billing = pl.read_csv(_BILLING_RULES)
        for name, schema in ASKED.items():
            schema.validate(getattr(reference, name))
        info = pl.DataFrame({
            "built_at": [at],
            "trusted_days": [rules.trusted_days],
            "tolerance_pct": [rules.tolerance_pct],
            "ranking": [", ".join(rules.ranking)],
            "schema_version": [SCHEMA_VERSION],
            "code_version": [code_version],
            "macros_sha256": [_macros_sha256()],
        })  # fmt: skip
        frames = {
            "build_info": info,
            "models": models.with_columns(open_weights=pl.col("open_weights") == "yes"),
            "billing_rules": billing.with_columns(is_padded=pl.col("is_padded") == "yes"),
            **reference._asdict(),
            "sources": reference.sources.with_columns(
                speaker=pl.col("rank").replace_strict(speakers, return_dtype=pl.String),
                rank=pl.col("rank").replace_strict(places, return_dtype=pl.Int64),
            ),
        }

        def load() -> dict[str, int]:
            counts = {}
            # to make them takes a tenth of all that is built, and they rarely change
            is_made = _has_macros(db)
            with transaction(db):
                for name, rows in frames.items():
                    db.register("incoming", rows.to_arrow())
                    db.execute(f"create or replace table {name} as from incoming")
                    db.unregister("incoming")
                    counts[name] = rows.height
                for name in ("model_names", "offer_models", "intervals"):
                    counts[name] = _create(db, name, sql(f"tables/{name}"))
                if not is_made:
                    create_macros(db, MACROS)
                _describe_the_rest(db)
            return counts

        with self._writing() as db:
            return _sparingly(db, load)

    def build(self, table: str) -> int:
        """Build one table anew, check it against its schema, and only then replace it.

        Gives its row count; raises `InvalidTable` with the first bad rows, and then the
        table that stood before still stands.
        """
        try:
            with self._writing() as db, self._on_disk(OSError, *_DISK_ERRORS):
                unstage(table, self.folder)
                count = _sparingly(db, lambda: _built(db, table))
                stage(db, table, self.folder)
        except SchemaErrors as errors:
            cases = errors.failure_cases.head(5).rows()
            raise InvalidTable(
                f"{table}: {len(errors.failure_cases)} bad values: {cases}"
            ) from errors
        return count

    def publish(self, faces: Faces = lambda _: {}) -> Path:
        """Swap in a copy of the warehouse: a reader sees the old one or the new one, whole.

        `faces` makes the files that go with it; what it asks is answered from what is about to
        be published.
        """
        with self._writing() as db, self._on_disk(OSError):
            built = {name for (name,) in db.execute(_TABLE_NAMES).fetchall()}
            if missing := {*TABLES} - built:
                raise StoreError(f"not built yet: {sorted(missing)}; run `ratecard refresh`")
            for table in PUBLISHED:
                if table in LOG:
                    unstage(table, self.folder)
            create_macros(db, TABLE_MACROS)
            beside = faces(lambda question, **values: frame(db, _asked_now(question), **values))
            db.execute("checkpoint")
            publish(db, self._file, self.folder, PUBLISHED, beside)
        return self.published

    def built_at(self) -> datetime:
        """Give the instant at which the published tables are true; `StoreError` without any."""
        built_at: datetime = self.query("select built_at from build_info").item()
        return built_at

    def published_before(self) -> datetime | None:
        """Give when the publication before this one was published, if there was one."""
        self._demand_published()
        return published_before(self.published.parent)

    def verify(self) -> list[str]:
        """Give what is wrong with the publication, measured against its manifest."""
        self._demand_published()
        return verify(self.published.parent)

    def export(self, target: Path, form: Format) -> list[Path]:
        """Write what is published into a folder, one file a table, and give the files."""
        self._demand_published()
        try:
            return export(self.published.parent, target, form)
        except (OSError, ValueError, duckdb.Error) as error:
            raise StoreError(
                f"not everything could be exported to {target}: {error}; the files that are there "
                "are whole; make room or give another folder, then try again"
            ) from error

    def query(
        self,
        question: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        asked: Mapping[str, pl.DataFrame] = NOW.asked,
    ) -> pl.DataFrame:
        """Answer a query on the published file; `StoreError` where there is none or it is wrong.

        Macros see the tables in `asked`, as in `About`, instead of the published.
        """
        self._demand_published()
        try:
            with duckdb.connect(self.published, read_only=True) as db:
                # what it draws of a long query would stand in the answer
                db.execute("set enable_progress_bar = false")
                for name, rows in asked.items():
                    db.register("incoming", BROUGHT[name].validate(rows).to_arrow())
                    db.execute(f"create temp table {name} as from incoming")
                    db.unregister("incoming")
                answer = db.sql(question, params=dict(parameters) if parameters else None)
                return pl.DataFrame() if answer is None else _frame(answer)
        except duckdb.Error as error:
            raise StoreError(str(error)) from error

    def ask(self, question: str, about: About = NOW, /, **values: object) -> pl.DataFrame:
        """Answer one of the questions under `sql/questions`, with those values that it names."""
        if about.at is not None:
            select = re.sub(r"\bas_of\b", "$at::timestamp", sql(f"questions/{question}"))
        else:
            select = _asked_now(question, anew=_ABOUT_WORKLOADS if about.asked else ())
        parameters = named(select, {**values, "at": about.at})
        return self.query(select, parameters, asked=about.asked)

    def _is_published(self) -> bool:
        try:
            return self.published.exists()
        except OSError as error:
            raise StoreError(
                f"{self.published} cannot be read ({error.strerror}); let ratecard read it"
            ) from error

    def _demand_published(self) -> None:
        if not self._is_published():
            raise StoreError(f"nothing is published in {self.folder} yet; run `ratecard refresh`")

    @contextmanager
    def _on_disk(self, *errors: type[Exception]) -> Iterator[None]:
        """Say what to do where the disk is full or may not be written to."""
        try:
            yield
        except errors as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> StoreError:
        return _unwritable(self.folder, error)

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.folder, ".lock", self._wait_for)

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._on_disk(*_DISK_ERRORS), self._attached() as db:
            self._migrate(db)
            yield db

    @contextmanager
    def _attached(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file in an engine that is kept, as starting one takes longer than a small look.

        The file is closed after each use; what goes wrong ends the engine, too.
        """
        # what finds no room in memory is put aside beside the file, not where the command runs
        put_aside = {"temp_directory": f"{self._file}.tmp"}
        engine = self._engine = self._engine or duckdb.connect(config=CONFIG | put_aside)
        with engine.cursor() as db:
            try:
                try:
                    db.execute(f"attach {quoted(str(self._file))} as warehouse")
                except duckdb.Error as error:
                    raise _unopened(self._file, error) from error
                db.execute("use warehouse")
                yield db
                db.execute("use memory; detach warehouse")
            except BaseException:
                self._engine = None
                engine.close()
                raise

    def _migrate(self, db: duckdb.DuckDBPyConnection) -> None:
        try:
            migrate(db)
        except NewerVersion as error:
            raise NotOurs(f"{self._file} {error}") from error
        except duckdb.ProgrammingError as error:
            raise StoreError(
                f"{self._file} cannot be brought to this version: {_first_line(error)}; it stays "
                "as it was; `ratecard rebuild` makes it anew from the archive"
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._open is not None:
            with self._on_disk(*_DISK_ERRORS):
                yield self._open
            return
        with self._locked(), self._connected() as db:
            yield db


@contextmanager
def locked(folder: Path, name: str, wait_for: timedelta) -> Iterator[None]:
    """Hold one of a data folder's locks; `StoreError` names who has held it for so long."""
    lock = filelock.FileLock(folder / name, timeout=wait_for.total_seconds())
    # who dies lets go of the lock, and leaves only the name behind
    holder = folder / f"{name}-holder"
    try:
        make_folder(folder)
        lock.acquire()
    except filelock.Timeout as error:
        raise StoreError(
            f"{_holder(holder)} has been writing to {folder} for longer than {wait_for}; wait for "
            "it or stop it, then try again"
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        # where the disk is full, what is to be done will say so
        with suppress(OSError):
            holder.write_text(_own_name(), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _unwritable(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{folder} cannot be written to: {error}; what was published stands; make room or let "
        "ratecard write there, then run it again"
    )


@contextmanager
def _nothing_known() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as db:
        migrate(db)
        yield db


def _own_name() -> str:
    """Name this process for those who wait for it."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return f"{command!r} (process {os.getpid()} on {socket.gethostname()}, since {now})"


def _holder(name: Path) -> str:
    try:
        return name.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return "another ratecard"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _unopened(file: Path, error: duckdb.Error) -> StoreError:
    said = _first_line(error)
    if "lock" in said:
        return NotOurs(f"{file} is open elsewhere: {said}; close it there, then try again")
    return StoreError(
        f"{file} cannot be opened: {said}; let ratecard write there, or make room; if the file is "
        "damaged, `ratecard rebuild` makes it anew from the archive"
    )


def table_comment(table: str) -> str:
    """Give what one row of a table is: the first line of its SQL file."""
    return _comment(select_of(table))


@cache
def dependencies(table: str) -> frozenset[str]:
    """Give the tables that a table is made from, through the macros that it calls."""
    return _named_in(select_of(table)) - {table}


def _named_in(select: str) -> frozenset[str]:
    words = set(re.findall(r"\w+", re.sub(r"--.*", "", select)))
    through = [_named_in(_macro(name)[1]) for name in MACROS if name in words]
    return frozenset(words & {*TABLES, *LOG}).union(*through)


_NOW: Final = "(select built_at from build_info)"
_EVER: Final = "timestamp 'infinity'"
_AS_OF_CALL: Final = re.compile(rf"\b(\w+)_as_of\(as_of(?:, {_EVER})?\)")
_CURRENT: Final = {"prices": "current_prices", "terms": "current_terms"}


@cache
def select_of(table: str) -> str:
    """Give the select that a table is: its own file, or its as-of macro taken at this moment.

    What the macro asks of others for this moment is already there as a table, and is read from it.
    """
    if (_SQL / "tables" / f"{table}.sql").exists():
        return sql(f"tables/{table}")
    comment = _comment(sql(f"macros/{table}_as_of")).partition(":")[2].strip()
    return f"-- {comment}\n" + _taken_now(_macro(f"{table}_as_of")[1])


def _taken_now(select: str, *, anew: Collection[str] = ()) -> str:
    """Take a select at this moment: from the tables that are there, but for those made `anew`."""

    def taken(call: re.Match[str]) -> str:
        table = _CURRENT.get(call[1], call[1])
        if table in TABLES and table not in anew:
            return table
        return f"({_taken_now(_macro(f'{call[1]}_as_of')[1], anew=anew)})"

    return re.sub(r"\bas_of\b", _NOW, _AS_OF_CALL.sub(taken, select))


def _asked_now(question: str, *, anew: Collection[str] = ()) -> str:
    return _taken_now(sql(f"questions/{question}"), anew=anew)


def _comment(sql: str) -> str:
    return sql.partition("\n")[0].removeprefix("--").strip()


def _macro(name: str) -> tuple[str, str]:
    """Part a macro's file into its signature, which its first line opens with, and its select."""
    text = sql(f"macros/{name}")
    return _comment(text).partition(": ")[0], text.partition("\n")[2]


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
    describe(db, name, _comment(select))
    return int(db.execute(f"select count(*) from {name}").fetchall()[0][0])  # noqa: S608 own names


def _sparingly(db: duckdb.DuckDBPyConnection, work: Callable[[], _Made]) -> _Made:
    """Do a transaction's work in as little memory as will do."""
    unbound = "reset memory_limit; reset threads"
    try:
        # each thread needs room of its own, and what is put aside on disk is not read faster by two
        db.execute(f"set memory_limit = '{_SPARING}'; set threads = 1")
        return work()
    except duckdb.OutOfMemoryException:
        # what the engine cannot put aside on disk needs its room
        db.execute(unbound)
        return work()
    finally:
        db.execute(unbound)


def _built(db: duckdb.DuckDBPyConnection, table: str) -> int:
    """Build a table and check it; give its row count."""
    with transaction(db):
        count = _create(db, table, select_of(table))
        _validate(db, table)
        return count


def _validate(db: duckdb.DuckDBPyConnection, table: str) -> None:
    """Check a table against its schema, so many rows at a time, and that its keys stand once."""
    schema = SCHEMAS[table].to_schema()
    alone = [name for name, column in schema.columns.items() if column.unique]
    for key in filter(None, (schema.unique, *([name] for name in alone))):
        columns = ", ".join(key)
        twice = db.execute(f"""
            select {columns}, count(*) from {table} group by all having count(*) > 1 limit 5
        """).fetchall()  # noqa: S608 own names
        if twice:
            raise InvalidTable(f"{table}: {columns} stand more than once: {twice}")
    for rows in db.table(table).to_arrow_reader(_CHECKED_AT_ONCE):
        schema.validate(pl.DataFrame(rows), lazy=True)


@cache
def _macros_sha256() -> str:
    return hashlib.sha256("\0".join(sql(f"macros/{name}") for name in MACROS).encode()).hexdigest()


def _has_macros(db: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether the macros that were made last are those of today."""
    try:
        made = db.execute("select macros_sha256 from build_info").fetchall()
    except duckdb.Error:
        # nothing was built yet, or by a version that did not say
        return False
    return made == [(_macros_sha256(),)]


def create_macros(db: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Create table macros, each described, in a database that has the tables they ask."""
    for name in names:
        head, body = _macro(name)
        db.execute(f"create or replace macro {head} as table {body}")
        comment = quoted(_comment(sql(f"macros/{name}")))
        db.execute(f"comment on macro table {name} is {comment}")


def _describe_the_rest(db: duckdb.DuckDBPyConnection) -> None:
    """Describe those tables that nothing has described yet."""
    for (table,) in run(db, sql("publication/undescribed"), tables=[*OTHER_TABLES]).fetchall():
        describe(db, table, OTHER_TABLES[table])


def _drop_unwritten(file: Path) -> None:
    """Drop what a process that died had not yet written into a file that is made anew.

    DuckDB keeps it beside the file and would play it into the next one of that name.
    """
    file.with_name(f"{file.name}.wal").unlink(missing_ok=True)


def _never_known(db: duckdb.DuckDBPyConnection) -> datetime:
    """Give the first instant after all that is known, as it is where the clock went back."""
    latest = db.execute(sql("log/latest_knowledge")).fetchall()[0][0]
    return latest + INSTANT if isinstance(latest, datetime) else datetime.min  # noqa: DTZ901 UTC


def _is_repeat(db: duckdb.DuckDBPyConnection, look: Look) -> bool:
    return bool(run(db, sql("log/same_look"), **vars(look)).fetchall())

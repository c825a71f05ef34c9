"""The append-only log of facts: what each look adds to it, and what a decision changes in it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import duckdb
import polars as pl
import pyarrow as pa

from warehouse.captures import Archive, ArchiveError, Choice, Decision, Entry, Look
from warehouse.gate import FACT, NO_FACT, Doubt, Limits, doubts, told

_SQL: Final = Path(__file__).parent / "sql"
MIGRATIONS: Final = _SQL / "migrations"
# What a look may come to; a good one is believed.
GOOD: Final = ("read", "unchanged")
_REASONS_SHOWN: Final = 3
# Rows that one thread takes at a time; less than the engine's own row group.
_BATCH: Final = 16_384
INSTANT: Final = timedelta(microseconds=1)


class NewerVersion(Exception):  # noqa: N818 an answer of the file, not a fault
    """The log's tables were made by a later ratecard, and this one does not know them."""


class Refusal(Exception):  # noqa: N818 an answer of the reader, not a fault
    """A reader's word that a capture says nothing that can be believed, and why.

    `parser_version` says who could not read it, so that a better parser tries again.
    """

    def __init__(self, reason: str, parser_version: int | None = None) -> None:
        super().__init__(reason)
        self.parser_version = parser_version


class Statement(NamedTuple):
    """What one capture states: validated frames of quotes and of terms, and who read them.

    `limits` are the gate's for this source; without them the statement is believed unasked.
    """

    quotes: pl.DataFrame
    terms: pl.DataFrame
    parser_version: int
    limits: Limits | None = None


Reader = Callable[[str, bytes], Statement]


@dataclass(frozen=True)
class Outcome:
    """What became of one look, and how much it stated.

    `outcome` is `read`, `unchanged`, `refused`, `quarantined` or `unreachable`. `fact_count` is
    the number of change points that the look added to the log; `doubts` are the gate's;
    `is_dated` says whether it states dates of its own, where it was read; `is_repeat` that the
    very same look was in the journal already and nothing was done.
    """

    look: Look
    outcome: str
    quote_count: int | None = None
    term_count: int | None = None
    fact_count: int = 0
    error: str | None = None
    doubts: tuple[Doubt, ...] = ()
    parser_version: int | None = None
    is_dated: bool | None = None
    is_repeat: bool = False

    @property
    def is_good(self) -> bool:
        """Tell whether what the look saw is believed."""
        return self.outcome in GOOD


class Log:
    """The log in one open connection; `read` reads captures, which lie in the archive."""

    def __init__(self, db: duckdb.DuckDBPyConnection, archive: Archive, read: Reader) -> None:
        self._db = db
        self._archive = archive
        self._read = read
        # asked once, until a look changes it
        self._reaches: dict[str, dict[str, Any]] = {}

    def catch_up(self, *, can_lack: bool = True) -> int:
        """Fold the entries that stand in the journal and not yet in the log.

        Gives the position of the last one. Raises `ArchiveError` where a capture is lost and
        none can be lacking.
        """
        idle: list[Outcome] = []
        last = last_position(self._db)
        for position, entry in self._archive.entries(after=last):
            last = position
            if isinstance(entry, Look) and (outcome := self.idle(entry)):
                idle.append(outcome)
                continue
            self.take_idle(position - 1, idle)
            idle = []
            if can_lack and isinstance(entry, Look):
                self.take(position, entry)
            else:
                with transaction(self._db):
                    self.fold(position, entry)
        self.take_idle(last, idle)
        return last

    def idle(self, look: Look) -> Outcome | None:
        """Give what becomes of a look that learns nothing, as most do; None of any other.

        It saw nothing, or after all other captures of its source the bytes that are believed.
        Such looks may wait for each other and for `take_idle`, but not for the others.
        """
        if look.capture_sha256 is None:
            return Outcome(look, "unreachable", error=look.error)
        reach = self._reach(look.source)
        last = reach["word"]
        if (
            last is None
            or look.capture_sha256 != last["capture_sha256"]
            or look.looked_at <= reach["captured_at"]
        ):
            return None
        reach["captured_at"] = look.looked_at
        return _unchanged(look, last)

    def take_idle(self, position: int, outcomes: list[Outcome]) -> None:
        """Add looks that learnt nothing, the last of them at this position, in one transaction."""
        if outcomes:
            with transaction(self._db):
                self._note_looks(position + 1 - len(outcomes), outcomes)

    def take(self, position: int, look: Look, content: bytes | None = None) -> Outcome:
        """Fold a look, all of it or nothing; where a capture that this takes is lost, refuse it.

        So the other sources need not wait for a backup; a rebuild makes good for it.
        """
        try:
            with transaction(self._db):
                return self.fold_look(position, look, content)
        except ArchiveError as error:
            outcome = Outcome(look, "refused", error=f"{error}; then run `ratecard rebuild`")
            with transaction(self._db):
                self._note(position, outcome)
            return outcome

    def fold(self, position: int, entry: Entry) -> None:
        """Add one entry of the journal, and what follows from it. Belongs into a transaction."""
        if isinstance(entry, Look):
            self.fold_look(position, entry)
        elif isinstance(entry, Decision):
            self._insert("decisions", _decision_rows(position, entry))
            self._retell(entry.source, position, entry.known_at)
        else:
            self._insert("choices", _choice_row(position, entry))

    def fold_look(self, position: int, look: Look, content: bytes | None = None) -> Outcome:
        """Add a look, and what follows from it; give what became of it.

        `content` are the bytes that it saw; they are loaded from the archive where they are
        needed and not given. A capture that arrives late may change what later ones of its
        source come to: then the source's whole story is told anew.
        """
        captured_at = self._reach(look.source)["captured_at"]
        outcome = self._add(position, look, content)
        # most captures are the latest, and then there is no later word to change
        is_late = captured_at is not None and captured_at > look.looked_at
        if is_late and outcome.is_good and self._changes_a_later_word(look):
            # what it added is in the story, too, and nobody has seen it yet
            run(self._db, sql("log/take_back"), position=position)
            self._retell(look.source, position, look.known_at)
        return outcome

    def reread(self, source: str, known_at: datetime, since: datetime | None = None) -> int:
        """Read a source's captures again with today's parser; add what they say otherwise.

        Only what they say of times since `since` counts, where it is given. Gives the number of
        corrections: what was misread is no change in the world.
        """
        with transaction(self._db):
            return self._reread(source, last_position(self._db), known_at, since)

    def _reread(
        self, source: str, position: int, known_at: datetime, since: datetime | None = None
    ) -> int:
        return self._retell(source, position, known_at, since, is_reading=True)

    def _retell(
        self,
        source: str,
        position: int,
        known_at: datetime,
        since: datetime | None = None,
        *,
        is_reading: bool = False,
    ) -> int:
        """Fold a source's captures anew, in the order of their time, and add what differs.

        Reads them with today's parser and judges them by the decisions so far. Gives the number
        of change points added, which are known since `known_at`. Belongs into a transaction.
        """
        with duckdb.connect(":memory:") as scratch:
            migrate(scratch)
            story = Log(scratch, self._archive, self._read)
            story._insert("decisions", self._frame("log/decisions_of", source=source))
            retold = [
                (noted_at, look, story._add(number, replace(look, known_at=known_at), None))
                for number, (noted_at, look) in enumerate(self._captured(source), start=1)
            ]
            facts = story._frame("log/believed", source=source).to_arrow()
        for name in ("doubts", "looks"):
            run(self._db, sql(f"log/forget_{name}"), source=source)
        self._reaches.pop(source, None)
        for noted_at, look, outcome in retold:
            self._note(noted_at, replace(outcome, look=look))
        self._db.register("story", facts)
        values = {
            "source": source,
            "position": position,
            "known_at": known_at,
            "since": since,
        }
        self._temp("stated", "select * from story", **values)
        self._temp("believed", sql("log/believed"), **values)
        self._temp("windows", sql("log/whole_story"), **values)
        self._db.unregister("story")
        sha256 = retold[-1][1].capture_sha256 if retold else ""
        return self._add_change_points(
            is_reading=is_reading, capture_sha256=sha256, parser_version=0, **values
        )

    def difference(self, look: Look) -> pl.DataFrame:
        """Give each fact in which a capture differs from what is believed beside it.

        Columns: those of `FACT`, then `old` and `new`, as printed with currency and unit.
        """
        statement = self._read(look.source, self._archive.load(look.capture_sha256 or ""))
        self._temp("believed", sql("log/believed"), **vars(look))
        before = self._frame("log/told_before", **vars(look))
        now = _told_at(statement, look.looked_at)
        self._db.register("told_before", before.to_arrow())
        self._db.register("told_now", now.to_arrow())
        return self._frame("log/difference")

    def doubts_about(self, look: Look, content: bytes) -> list[Doubt]:
        """Give what would be doubted of a capture that was not recorded, and nobody accepted."""
        before = self._before(look)
        if before and before["capture_sha256"] == look.capture_sha256:
            return []
        return self._doubts(look, self._statement(look, content), before)[1]

    def _captured(self, source: str) -> list[tuple[int, Look]]:
        """Give the looks that captured something, oldest first, each with its position."""
        rows = self._frame("log/captured", source=source).rows(named=True)
        return [(row.pop("position"), Look(**row)) for row in rows]

    def _add(self, position: int, look: Look, content: bytes | None) -> Outcome:
        """Judge one look and add what it says, without regard to later ones."""
        outcome = self._judge(position, look, content)
        self._note(position, outcome)
        return outcome

    def _judge(self, position: int, look: Look, content: bytes | None) -> Outcome:
        before = self._before(look)
        if before and before["capture_sha256"] == look.capture_sha256:
            return _unchanged(look, before)
        try:
            statement = self._statement(look, content)
        except Refusal as refusal:
            version = refusal.parser_version
            return Outcome(look, "refused", error=str(refusal), parser_version=version)
        version = statement.parser_version
        if self._rows("log/read_otherwise", source=look.source, parser_version=version):
            # what the parser now reads otherwise in old captures, the world did not change
            self._reread(look.source, position - 1, look.known_at)
        found, standing = self._doubts(look, statement, before)
        outcome = Outcome(
            look,
            "read",
            statement.quotes.height,
            statement.terms.height,
            doubts=tuple(found),
            parser_version=version,
            is_dated=_is_dated(statement),
        )
        if held := [doubt.reason for doubt in standing if doubt.severity == "hold"]:
            reasons = "; ".join(held[:_REASONS_SHOWN])
            error = f"{look.source}: held back: {reasons}; see `ratecard review`"
            return replace(outcome, outcome="quarantined", error=error)
        aside = [doubt.fact for doubt in standing if doubt.severity == "set_aside"]
        return replace(outcome, fact_count=self._believe(position, look, statement, aside))

    def _before(self, look: Look) -> dict[str, Any] | None:
        """Give the last capture of a source, at or before a look, that was believed."""
        reach = self._reach(look.source)
        if reach["word"] is None or look.looked_at > reach["captured_at"]:
            return cast("dict[str, Any] | None", reach["word"])
        return self._row("log/capture_before", **vars(look))

    def _reach(self, source: str) -> dict[str, Any]:
        """Give how far the log tells of a source, as `log/reach` says."""
        if source not in self._reaches:
            row = self._row("log/reach", source=source)
            self._reaches[source] = cast("dict[str, Any]", row)
        return self._reaches[source]

    def _statement(self, look: Look, content: bytes | None) -> Statement:
        if content is None:
            content = self._archive.load(look.capture_sha256 or "")
        return self._read(look.source, content)

    def _doubts(
        self, look: Look, statement: Statement, before: Mapping[str, Any] | None
    ) -> tuple[list[Doubt], list[Doubt]]:
        """Give what is doubted of a capture, and those of the doubts that nobody accepted."""
        found = []
        if statement.limits is not None:
            now = _told_at(statement, look.looked_at)
            days = (look.looked_at - before["looked_at"]) / timedelta(days=1) if before else 0.0
            found = doubts(
                # held by nobody else, so that the gate can let go of it
                self._told_before(look) if before else now.clear(),
                now,
                days,
                statement.limits,
                _told_ever(statement),
            )
            found = sorted({*found}, key=str)
        sha256 = str(look.capture_sha256)
        verdicts = dict(self._rows("log/verdicts", source=look.source))
        if sha256 in verdicts and verdicts[sha256]["verdict"] == "rejected":
            found.append(Doubt("rejected", "hold", NO_FACT, verdicts[sha256]["reason"], sha256))
        accepted = {name for name, said in verdicts.items() if said["verdict"] == "accepted"}
        return found, [doubt for doubt in found if doubt.fingerprint not in accepted]

    def _told_before(self, look: Look) -> pl.DataFrame:
        """Lay out what was believed of a source just before a look."""
        if self._is_last_word(look):
            return self._frame("log/told_latest", source=look.source)
        self._temp("believed", sql("log/believed"), **vars(look))
        return self._frame("log/told_before", **vars(look))

    def _is_last_word(self, look: Look) -> bool:
        """Tell whether nothing is known of a source that is later than a look.

        Then what it said last is what there is to compare with, and that is at hand.
        """
        reach = self._reach(look.source)
        told_until = (reach["captured_at"], reach["facts_until"])
        if any(at is not None and at > look.looked_at for at in told_until):
            return False
        if not reach["is_latest_made"]:
            self._make_latest(look.source)
        return True

    def _make_latest(self, source: str) -> None:
        run(self._db, sql("log/forget_latest"), source=source)
        run(self._db, f"insert into latest by name {sql('log/make_latest')}", source=source)
        self._reaches.pop(source, None)

    def _believe(
        self,
        position: int,
        look: Look,
        statement: Statement,
        aside: list[tuple[str | None, ...]],
    ) -> int:
        """Add the change points of a capture; give their number.

        The facts set aside stay as they were, as if the capture did not speak of them.
        """
        quotes, terms = statement.quotes, statement.terms
        keys = pl.DataFrame(aside, schema=dict.fromkeys(FACT, pl.String), orient="row")
        if aside:
            quotes = _without(quotes, keys)
            terms = _without(terms, keys)
        values = {
            **vars(look), "position": position, "parser_version": statement.parser_version
        }  # fmt: skip
        for name, rows in (("quotes", quotes), ("terms", terms), ("aside", keys)):
            # the oldest level copies every text, and one thread takes a batch
            table = rows.to_arrow(compat_level=pl.CompatLevel.newest())
            batches = table.to_batches(max_chunksize=_BATCH)
            self._db.register(name, pa.Table.from_batches(batches, table.schema))
        for name in ("said", "set_aside"):
            self._db.execute(f"create or replace temp view {name} as {sql(f'log/{name}')}")
        if not _is_dated(statement) and self._is_last_word(look):
            return self._add_news(**values)
        for name in ("stated", "believed", "windows"):
            self._temp(name, sql(f"log/{name}"), **values)
        return self._add_change_points(**values)

    def _add_news(self, **values: object) -> int:
        """Add what a capture that is the last word of its source says otherwise than the last."""
        self._temp("moved", sql("log/moved"), **values)
        added = run(self._db, f"insert into facts by name {sql('log/news')}", **values).fetchall()
        run(self._db, sql("log/forget_moved"), **values)
        run(self._db, f"insert into latest by name {sql('log/latest_news')}", **values)
        return int(added[0][0])

    def _add_change_points(self, *, is_reading: bool = False, **values: object) -> int:
        self._temp("change_points", sql("log/change_points"), **values)
        added = self._db.execute(sql("log/new_facts")).fetchall()
        if is_reading:
            self._db.execute(f"insert into corrections by name {sql('log/corrections')}")
        for name in ("stated", "believed", "windows", "change_points"):
            self._db.execute(f"drop table {name}")
        self._make_latest(str(values["source"]))
        return int(added[0][0])

    def _changes_a_later_word(self, look: Look) -> bool:
        """Tell whether a capture that arrived late makes others mean something else than before.

        A capture that states its own dates is believed of times before it, too, so that the log
        no longer tells what was believed without it. Of the others the verdict may change; asks
        up to the next one that was believed and still is: it stands where it stood.
        """
        later = self._frame("log/later_captures", **vars(look)).rows(named=True)
        dated = [fields for fields in later if fields.pop("is_dated")]
        if dated:
            return True
        for fields in later:
            was_good = fields.pop("is_good")
            if self._is_believable(Look(**fields)) != was_good:
                return True
            if was_good:
                return False
        return False

    def _is_believable(self, look: Look) -> bool:
        """Judge a capture that is in the log already."""
        just_before = replace(look, looked_at=look.looked_at - INSTANT)
        before = self._before(just_before)
        if before and before["capture_sha256"] == look.capture_sha256:
            return True
        try:
            statement = self._statement(look, None)
        except Refusal:
            return False
        _, standing = self._doubts(just_before, statement, before)
        return all(doubt.severity != "hold" for doubt in standing)

    def _note(self, position: int, outcome: Outcome) -> None:
        self._note_looks(position, [outcome])
        self._reaches.pop(outcome.look.source, None)
        values = {**vars(outcome.look), "position": position}
        if outcome.look.capture_sha256:
            run(self._db, f"insert into captures by name {sql('log/new_capture')}", **values)
        if outcome.doubts:
            rows = [
                (d.rule, d.severity, *d.fact, d.reason, d.fingerprint, d.other)
                for d in outcome.doubts
            ]
            names = ["rule", "severity", *FACT, "reason", "fingerprint", "other"]
            found = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
            self._db.register("found", found.to_arrow())
            run(self._db, f"insert into doubts by name {sql('log/new_doubts')}", **values)
            self._db.unregister("found")

    def _note_looks(self, position: int, outcomes: list[Outcome]) -> None:
        columns = frame(self._db, "from looks limit 0").schema
        said = [
            {**vars(outcome.look), **vars(outcome), "position": number}
            for number, outcome in enumerate(outcomes, start=position)
        ]
        rows = [[values.get(name) for name in columns] for values in said]
        self._insert("looks", pl.DataFrame(rows, schema=columns, orient="row"))

    def _insert(self, table: str, rows: pl.DataFrame) -> None:
        self._db.register("incoming", rows.to_arrow())
        self._db.execute(f"insert into {table} by name from incoming")
        self._db.unregister("incoming")

    def _temp(self, name: str, select: str, **values: object) -> None:
        run(self._db, f"create or replace temp table {name} as {select}", **values)

    def _rows(self, name: str, **values: object) -> list[tuple[Any, ...]]:
        return run(self._db, sql(name), **values).fetchall()

    def _row(self, name: str, **values: object) -> dict[str, Any] | None:
        """Give the one row of an answer, or none; a frame of it takes longer to make."""
        answer = run(self._db, sql(name), **values)
        names = [column[0] for column in answer.description]
        rows = answer.fetchall()
        return dict(zip(names, rows[0], strict=True)) if rows else None

    def _frame(self, name: str, **values: object) -> pl.DataFrame:
        return frame(self._db, sql(name), **values)


@contextmanager
def transaction(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Do all of it or nothing."""
    db.execute("begin")
    try:
        yield
    except BaseException:
        # where the disk failed, the engine has rolled back already, or will when it opens again
        with suppress(duckdb.Error):
            db.execute("rollback")
        raise
    db.execute("commit")


def migrate(db: duckdb.DuckDBPyConnection, folder: Path | None = None) -> None:
    """Bring the log's tables to today's version from any earlier one, each step all or nothing.

    A step is one file in a folder, that of the log if no other is given, and never changes; empty
    databases take all of them, too. Raises `NewerVersion` where the tables are ahead.
    """
    folder = folder or MIGRATIONS
    steps = [path.stem for path in sorted(folder.glob("*.sql"))]
    try:
        ((version,),) = db.execute("select max(version) from migrations").fetchall()
    except duckdb.CatalogException:
        # the first version had a log, and did not count
        ((version,),) = db.execute(sql("log/first_version")).fetchall()
    if version > len(steps):
        raise NewerVersion(
            f"was made by a newer ratecard: it has version {version}, and this one knows "
            f"{len(steps)}; install the newer one, or use another folder"
        )
    for number, name in enumerate(steps, start=1):
        if number > version:
            with transaction(db):
                db.execute((folder / f"{name}.sql").read_text(encoding="utf-8"))
                db.execute("create table if not exists migrations (version integer, name varchar)")
                db.execute("insert into migrations values ($1, $2)", [number, name])


@cache
def sql(name: str) -> str:
    """Give the text of one of the SQL files, by its path without the ending."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def run(
    db: duckdb.DuckDBPyConnection, statement: str, /, **values: object
) -> duckdb.DuckDBPyConnection:
    """Execute SQL with those of the values that it names; the engine refuses the others."""
    return db.execute(statement, named(statement, values))


def frame(db: duckdb.DuckDBPyConnection, question: str, /, **values: object) -> pl.DataFrame:
    """Answer an SQL query, with those of the values that it names, as a frame."""
    answer = db.sql(question, params=named(question, values) or None)
    return pl.DataFrame(answer.to_arrow_table())


def named(statement: str, values: Mapping[str, object]) -> dict[str, object]:
    """Pick the values that an SQL text names as `$name`."""
    return {name: values[name] for name in set(re.findall(r"\$(\w+)", statement))}


def last_position(db: duckdb.DuckDBPyConnection) -> int:
    """Give the position in the journal up to which the log has folded it."""
    return int(db.execute(sql("log/last_position")).fetchall()[0][0])


def _unchanged(look: Look, before: Mapping[str, Any]) -> Outcome:
    """Tell of a look that saw again what was believed before it."""
    names = ("quote_count", "term_count", "parser_version", "is_dated")
    return Outcome(look, "unchanged", **{name: before[name] for name in names})


def _is_dated(statement: Statement) -> bool:
    frames = (statement.quotes, statement.terms)
    return any(rows["valid_from"].null_count() < rows.height for rows in frames)


def _told_at(statement: Statement, at: datetime) -> pl.DataFrame:
    """Lay out what a statement says about one instant; it may say more of other times."""
    since = pl.col("valid_from")
    frames = [
        frame.filter(since.is_null() | (since <= at))
        .sort("valid_from", nulls_last=True, maintain_order=True)
        .unique([name for name in FACT if name in frame.columns], keep="last", maintain_order=True)
        if frame["valid_from"].null_count() < frame.height
        else frame
        for frame in (statement.quotes, statement.terms)
    ]
    return told(*frames)


def _told_ever(statement: Statement) -> pl.DataFrame | None:
    """Lay out the prices of all times, with `valid_from`; None where the source dates none."""
    quotes = statement.quotes
    if quotes["valid_from"].null_count() == quotes.height:
        return None
    return told(quotes, statement.terms.clear()).with_columns(quotes["valid_from"])


def _without(frame: pl.DataFrame, aside: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in FACT if name in frame.columns]
    of_this_kind = aside.filter(pl.col("term" if "term" in names else "meter").is_not_null())
    return frame.join(of_this_kind, on=names, how="anti", nulls_equal=True)


def _choice_row(position: int, choice: Choice) -> pl.DataFrame:
    row = {**vars(choice), "inputs": list(choice.inputs), "position": position}
    names = ("adapter", "region", "context_tier", "meter", "price_list", "term")
    return pl.DataFrame([row], schema_overrides=dict.fromkeys(names, pl.String))


def _decision_rows(position: int, decision: Decision) -> pl.DataFrame:
    fingerprints = decision.fingerprints or (decision.capture_sha256,)
    return pl.DataFrame({
        "position": [position] * len(fingerprints),
        "source": decision.source,
        "capture_sha256": decision.capture_sha256,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "known_at": decision.known_at,
        "fingerprint": list(fingerprints),
    })  # fmt: skip

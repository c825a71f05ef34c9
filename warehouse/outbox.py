"""The outbox: what alerts fired on, to whom each is to be told, and what came of telling.

It is a file of its own beside the warehouse: that can be made again from the archive, while what
was told cannot be told anew. Every step is one transaction, and what is sent is noted before and
after, so that a process that dies leaves at most one notice of which nobody knows whether it
arrived. That one is sent again, under the same id.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple

import duckdb
import polars as pl

from warehouse.log import NewerVersion, frame, migrate, run, sql, transaction
from warehouse.store import CONFIG, StoreError, locked

FILE: Final = "outbox.duckdb"
# What a rule says of one seller within this time is told together.
TOGETHER: Final = timedelta(hours=1)
# For how long a channel that takes nothing is tried.
PATIENCE: Final = timedelta(days=30)
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=6)
_MIGRATIONS: Final = Path(__file__).parent / "sql" / "outbox_migrations"
_LEAST_OF_AN_ID: Final = 6


class OutboxError(StoreError):
    """The outbox cannot do what was asked; the message says why and what to do next."""


class Evaluation(NamedTuple):
    """What the rules came to on one publication, built at `built_at`.

    `channels` are those that there are; `rules` has `kind, rule, definition`; `routes` has
    `kind, rule, channel, due_at, is_held, recovery, again_days`, one row for each channel that a
    rule's notices go to, with when one that is ready now may go out, and whether those that follow
    each other closely go together;
    `seen` has `event_id, kind, rule, provider, is_state, is_pending, is_first_load, fires_at,
    event`, the last as JSON. A rule that was never evaluated before is told of what fires after
    `since`.
    """

    built_at: datetime
    since: datetime
    channels: Collection[str]
    rules: pl.DataFrame
    routes: pl.DataFrame
    seen: pl.DataFrame


class Outbox:
    """The events, notices and mutes in one data folder.

    One process at a time has it, for one verb or for a `session`; its threads take turns.
    """

    def __init__(self, folder: Path, *, wait_for: timedelta = timedelta(minutes=2)) -> None:
        self._folder = folder
        self._file = folder / FILE
        self._wait_for = wait_for
        self._turn = RLock()
        self._open: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def session(self) -> Iterator[None]:
        """Have it for several verbs, as who sends must, lest another sends the same meanwhile."""
        with self._connected() as db:
            self._open = db
            try:
                yield
            finally:
                self._open = None

    def observe(self, evaluation: Evaluation, now: datetime) -> None:
        """Fold what the rules fire on into the events, and queue the notices that follow."""
        values = {"now": now}
        with self._changing() as db:
            _put(db, "incoming_rules", evaluation.rules)
            _put(db, "routes", evaluation.routes)
            _put(db, "seen", evaluation.seen)
            _temp(db, "asked_rules", since=evaluation.since)
            db.execute("delete from rules")
            db.execute(
                "insert into rules select kind, rule, definition, watches_from from asked_rules"
            )
            _temp(db, "standing", **values)
            db.execute("delete from events where event_id in (select event_id from standing)")
            db.execute("insert into events by name from standing")
            self._cancel_overtaken(db, now)
            run(
                db,
                "update deliveries set state = 'cancelled', error = 'the channel is no more' "
                "where state in ('queued', 'sending') "
                "and channel not in (select unnest($channels))",
                channels=[*evaluation.channels],
            )
            run(
                db,
                f"insert into deliveries by name {sql('outbox/new_deliveries')}",
                together=TOGETHER,
                **values,
            )
            # of all the evaluations only the last matters
            db.execute("delete from evaluations")
            run(
                db,
                "insert into evaluations values ($built_at, $now)",
                built_at=evaluation.built_at,
                **values,
            )

    def last_evaluation(self) -> tuple[datetime | None, dict[tuple[str, str], str]]:
        """Give when what was evaluated last had been built, and what each rule asked for then."""
        with self._changing() as db:
            ((built_at,),) = db.execute("select max(built_at) from evaluations").fetchall()
            rules = db.execute("select kind, rule, definition from rules").fetchall()
        return built_at, {(kind, rule): definition for kind, rule, definition in rules}

    def held(self) -> list[dict[str, Any]]:
        """Give the states that held at the last evaluation, and what was pending, as seen then."""
        return self._asked("held").to_dicts()

    def due(self, channel: str, now: datetime, most: int) -> list[dict[str, Any]]:
        """Take the notices that a channel is to be sent now, at most so many, the oldest first.

        Each is noted as being sent, with one attempt more, and would be tried again after a while
        that doubles, if this process died. To be called within a `session`.
        """
        with self._changing() as db:
            rows = frame(db, sql("outbox/due"), channel=channel, now=now, most=most)
            waits = [_wait(attempts) for attempts in rows["attempts"]]
            taken = rows.select("delivery_id").with_columns(
                next_at=pl.Series([now + wait for wait in waits], dtype=pl.Datetime("us"))
            )
            _put(db, "taken", taken)
            run(
                db,
                "update deliveries as d set state = 'sending', attempts = attempts + 1, "
                "tried_at = $now, next_at = t.next_at from taken as t "
                "where d.delivery_id = t.delivery_id",
                now=now,
            )
        return rows.to_dicts()

    def note_delivered(self, ids: Collection[str], receipt: str, now: datetime) -> None:
        """Note that notices were accepted, and with which words."""
        with self._changing() as db:
            run(
                db,
                "update deliveries set state = 'delivered', delivered_at = $now, error = null, "
                "receipt = $receipt where delivery_id in (select unnest($ids))",
                ids=[*ids],
                receipt=receipt,
                now=now,
            )

    def note_failed(
        self, ids: Collection[str], error: str, now: datetime, not_before: datetime | None
    ) -> None:
        """Note why notices were not accepted, and that a channel asked to be left alone until.

        Those that have waited for longer than `PATIENCE` are given up.
        """
        with self._changing() as db:
            run(
                db,
                "update deliveries set error = $error, "
                "state = case when queued_at < $forgotten then 'given_up' else 'queued' end, "
                "next_at = greatest(next_at, coalesce($not_before::timestamp, next_at)) "
                "where delivery_id in (select unnest($ids))",
                ids=[*ids],
                error=error,
                forgotten=now - PATIENCE,
                not_before=not_before and min(not_before, now + _LONGEST_WAIT),
            )

    def undelivered(self) -> dict[str, tuple[int, str | None]]:
        """Give the channels that did not take what they were sent.

        Each with how many notices wait for it, and what went wrong the last time; None where the
        process died that sent them.
        """
        rows = self._asked("undelivered").rows()
        return {channel: (count, error) for channel, count, error in rows}

    def stuck(self, now: datetime) -> list[dict[str, Any]]:
        """Give the channels that accepted nothing for long, since when, and why."""
        return self._asked("stuck", now=now).to_dicts()

    def deliveries(self, *, everything: bool = False) -> pl.DataFrame:
        """Give the notices that were not delivered, or all; the newest first."""
        return self._asked("deliveries", everything=everything)

    def events(self) -> pl.DataFrame:
        """Give every event that a rule ever fired on, and its state; the newest first."""
        return self._asked("events")

    def ack(self, event: str, reason: str | None, now: datetime) -> str:
        """Note that somebody takes care of an event, named by the first signs of its id.

        Nothing more is said of it. Gives its whole id; `OutboxError` where none, or more than one,
        begins so.
        """
        if not re.fullmatch(rf"[0-9a-f]{{{_LEAST_OF_AN_ID},32}}", event):
            raise OutboxError(
                f"{event!r} is no event; take at least {_LEAST_OF_AN_ID} signs of an id that "
                "`ratecard alerts outbox` or a message shows"
            )
        with self._changing() as db:
            found = run(
                db,
                "select event_id from events where starts_with(event_id, $event) limit 2",
                event=event,
            ).fetchall()
            if len(found) != 1:
                many = "more than one event begins" if found else "no event begins"
                raise OutboxError(f"{many} with {event}; `ratecard alerts outbox --all` has them")
            run(
                db,
                "update events set acked_at = $now, ack_reason = $reason where event_id = $id",
                id=found[0][0],
                reason=reason,
                now=now,
            )
            self._cancel_overtaken(db, now)
        return str(found[0][0])

    def mute(
        self, rules: Collection[tuple[str, str]], until: datetime, reason: str | None, now: datetime
    ) -> None:
        """Let rules, each by its kind and name, say nothing until then; `now` ends what is muted.

        What waits to be sent for them is cancelled. A state that still holds afterwards is told of
        then; what changed meanwhile is not.
        """
        with self._changing() as db:
            asked = pl.DataFrame([*rules], schema=["kind", "rule"], orient="row")
            _put(db, "muted", asked)
            db.execute("delete from mutes where (kind, rule) in (select (kind, rule) from muted)")
            run(
                db,
                "insert into mutes select kind, rule, $until, $reason, $now from muted",
                until=until,
                reason=reason,
                now=now,
            )
            self._cancel_overtaken(db, now)

    def mutes(self, now: datetime) -> dict[tuple[str, str], datetime]:
        """Give the rules that say nothing now, and until when."""
        rows = self._asked("mutes", now=now).rows()
        return {(kind, rule): until for kind, rule, until in rows}

    def _cancel_overtaken(self, db: duckdb.DuckDBPyConnection, now: datetime) -> None:
        _temp(db, "overtaken", now=now)
        db.execute(
            "update deliveries set state = 'cancelled' "
            "where delivery_id in (select delivery_id from overtaken)"
        )

    def _asked(self, question: str, **values: object) -> pl.DataFrame:
        with self._changing() if self._open or self._file.exists() else _nothing() as db:
            return frame(db, sql(f"outbox/{question}"), **values)

    @contextmanager
    def _changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._turn:
            if self._open is None:
                with self._connected() as db, transaction(db):
                    yield db
                return
            with self._used(), transaction(self._open):
                yield self._open

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        lock = locked(self._folder, ".outbox", self._wait_for)
        with lock, self._used(), duckdb.connect(self._file, config=CONFIG) as db:
            migrate(db, _MIGRATIONS)
            yield db

    @contextmanager
    def _used(self) -> Iterator[None]:
        try:
            yield
        except NewerVersion as error:
            raise OutboxError(f"{self._file} {error}") from error
        except duckdb.Error as error:
            said = str(error).partition("\n")[0]
            raise OutboxError(
                f"{self._file} cannot be used: {said}; nothing was sent that is not noted there; "
                "close it elsewhere, make room, or restore it from a backup"
            ) from error


@contextmanager
def _nothing() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the outbox of somebody who was never told anything, so that a question makes no file."""
    with duckdb.connect(":memory:") as db:
        migrate(db, _MIGRATIONS)
        yield db


def _wait(attempts: int) -> timedelta:
    """Say how long to wait after so many attempts and one more; it doubles each time."""
    return min(_FIRST_WAIT * (1 << min(attempts, 16)), _LONGEST_WAIT)


def _put(db: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
    db.register("incoming", rows.to_arrow())
    db.execute(f"create or replace temp table {name} as from incoming")
    db.unregister("incoming")


def _temp(db: duckdb.DuckDBPyConnection, name: str, **values: object) -> None:
    run(db, f"create or replace temp table {name} as {sql(f'outbox/{name}')}", **values)

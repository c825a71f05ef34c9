"""Delivery: what the rules fire on is put into the outbox, and sent from there, once."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import polars as pl

from pipeline.alerts import (
    EVENTS,
    KINDS,
    TIMES,
    Alerts,
    Rule,
    StateRule,
    fired,
    meaning,
    rule_frame,
)
from pipeline.channels import Channel, ChannelError, Language
from pipeline.configuration import Setup
from pipeline.harmless import address, one_line
from pipeline.looking import utc_now
from pipeline.messages import line, write
from pipeline.workloads import own
from warehouse.outbox import Evaluation, Outbox
from warehouse.store import Store, StoreError

# Changes that became known so long ago are told no more, if nobody evaluated them in time.
WINDOW: Final = timedelta(days=31)
# What one process looks at while another builds becomes known before that, and is published after.
OVERLAP: Final = timedelta(days=1)
VERSION: Final = 1
# A channel that is stuck is an event of its own, of this kind, for all the others.
STUCK: Final = "channel"
# A message to people has room for so many events; programs get as many at once.
_AT_ONCE: Final = 200
# What a program is sent of an event as it is; a text is cut where it is long.
_SENT: Final = (
    "event_id", "kind", "rule", "provider", "subject", "cause", "old", "new", "change_pct",
    "pricing_currency", "began_at", "fires_at", "source", "url", "capture_sha256", "printed_text",
)  # fmt: skip
_LONGEST: Final = 1000
_SIDE_BY_SIDE: Final = 8
# When the next run goes on with what is left.
_LONGEST_RUN: Final = timedelta(minutes=1)
_BAD: Final = frozenset({"ends", "failing", "review", "unconfirmed", STUCK})
_TEST: Final[Mapping[Language, str]] = {
    "en": "This is a test. The channel {name} works.",
    "zh": "这是一条测试消息。通知渠道 {name} 可以使用。",
}
_STATES: Final = {kind for kind, rule in KINDS.items() if issubclass(rule, StateRule)} | {STUCK}
_ROUTE: Final[Mapping[str, pl.DataType]] = {
    "kind": pl.String(),
    "rule": pl.String(),
    "channel": pl.String(),
    "due_at": pl.Datetime("us"),
    "is_held": pl.Boolean(),
    "recovery": pl.Boolean(),
    "again_days": pl.Int64(),
}
_EVENT: Final[Mapping[str, pl.DataType]] = {
    "event_id": pl.String(),
    "kind": pl.String(),
    "rule": pl.String(),
    "provider": pl.String(),
    "is_state": pl.Boolean(),
    "is_pending": pl.Boolean(),
    "is_first_load": pl.Boolean(),
    "fires_at": pl.Datetime("us"),
    "event": pl.String(),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What one channel was told in a run: how many notices it took.

    `undelivered_count` are those that wait because it did not take some, and `error` is why.
    """

    channel: str
    count: int
    undelivered_count: int = 0
    error: str | None = None


def deliver(setup: Setup, store: Store) -> list[Told]:
    """Evaluate the rules on what is published, and send each channel what is due to it.

    Gives what became of each channel. Safe to be called at any time, by any process, again and
    again; raises `StoreError` where nothing is published, or where another process has been
    sending for long.
    """
    outbox = Outbox(setup.settings.data_dir)
    with outbox.session():
        evaluate(setup, store, outbox, utc_now())
        return send(setup, store, outbox)


def kept_silent(setup: Setup, since: datetime) -> int:
    """Count the states that a first load brought since then, which nobody was told of."""
    events = Outbox(setup.settings.data_dir).events()
    is_silent = (pl.col("silence") == "first load") & (pl.col("seen_at") >= since)
    return events.filter(is_silent).height


def evaluate(setup: Setup, store: Store, outbox: Outbox, now: datetime) -> None:
    """Put into the outbox what the rules fire on, and the channels that are stuck."""
    built_at, asked = store.built_at(), _asked(setup.alerts, setup.channels)
    last_built_at, asked_before = outbox.last_evaluation()
    since = last_built_at or store.published_before() or built_at
    if built_at == last_built_at and asked_before == {(k, n): what for k, n, what in asked.rows()}:
        # nothing new is published, and nothing else is asked
        events = [event_of(row) for row in outbox.held() if row["kind"] != STUCK]
    else:
        window = max(since - OVERLAP, built_at - WINDOW)
        events = fired(store, rule_frame(setup.alerts), window, mode="check").to_dicts()
    events += [_stuck(row) for row in outbox.stuck(now) if row["channel"] in setup.channels]
    outbox.observe(
        Evaluation(
            built_at,
            since,
            [*setup.channels],
            asked,
            _routes(setup.alerts, setup.channels, now),
            _seen(events),
        ),
        now,
    )


def send(setup: Setup, store: Store, outbox: Outbox) -> list[Told]:
    """Send what is due, to all channels side by side; to be called within `Outbox.session`."""
    courier = _Courier(setup, store, outbox, until=utc_now() + _LONGEST_RUN)
    with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as pool:
        counts = list(pool.map(courier.send_to, setup.channels))
    undelivered = outbox.undelivered()
    return [
        Told(name, count, *undelivered.get(name, (0, None)))
        for name, count in zip(setup.channels, counts, strict=True)
    ]


def try_out(setup: Setup, name: str) -> str:
    """Send one channel a test; give what it said, or raise `ChannelError`."""
    channel, home = setup.channels[name], setup.settings.config.parent
    if channel.is_machine:
        delivery_id = uuid4().hex
        said = {"version": VERSION, "type": "alert.test", "delivery_id": delivery_id}
        return channel.post(delivery_id, said, home)
    return channel.tell("ratecard", _TEST[channel.language].format(name=name), home)


# What came of an attempt: the notices that were in it, and what the channel said, or why not.
_Outcome = tuple[list[str], str | ChannelError]


class _Courier:
    """Takes what is due from the outbox to the channels, and notes what came of it."""

    def __init__(self, setup: Setup, store: Store, outbox: Outbox, until: datetime) -> None:
        self._setup = setup
        self._store = store
        self._outbox = outbox
        self._until = until
        self._home = setup.settings.config.parent

    def send_to(self, name: str) -> int:
        """Send a channel what is due to it, up to the first that it does not take; count them."""
        channel = self._setup.channels[name]
        most, send = (_SIDE_BY_SIDE, self._post) if channel.is_machine else (_AT_ONCE, self._tell)
        told, is_taken = 0, True
        while (
            is_taken
            and (now := utc_now()) < self._until
            and (rows := self._outbox.due(name, now, most))
        ):
            for ids, outcome in send(channel, rows):
                if isinstance(outcome, ChannelError):
                    is_taken = False
                    self._outbox.note_failed(ids, str(outcome), utc_now(), outcome.not_before)
                else:
                    self._outbox.note_delivered(ids, outcome, utc_now())
                    told += len(ids)
        return told

    def _tell(self, channel: Channel, rows: list[Row]) -> Iterable[_Outcome]:
        """Tell people of all that is due in one message."""

        def tell() -> str:
            events = [{**event_of(row), "notice": row["notice"]} for row in rows]
            message = write(
                events,
                language=channel.language,
                templates=self._setup.settings.templates,
                meaning=self._meaning(events),
            )
            is_bad = any(row["kind"] in _BAD and row["notice"] != "resolved" for row in rows)
            return channel.tell(message.title, message.body, self._home, is_bad=is_bad)

        yield [row["delivery_id"] for row in rows], _attempt(tell)

    def _post(self, channel: Channel, rows: list[Row]) -> Iterable[_Outcome]:
        """Post each event by itself, side by side."""

        def post(row: Row) -> str | ChannelError:
            return _attempt(lambda: channel.post(row["delivery_id"], payload(row), self._home))

        with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as pool:
            outcomes = list(pool.map(post, rows))
        accepted: dict[str, list[str]] = {}
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, str):
                accepted.setdefault(outcome, []).append(row["delivery_id"])
            else:
                yield [row["delivery_id"]], outcome
        for receipt, ids in accepted.items():
            yield ids, receipt

    def _meaning(self, events: list[Row]) -> pl.DataFrame | None:
        """Say what events mean for the user's workloads; without it a message is good enough."""
        told = [event for event in events if event["notice"] != "resolved"]
        try:
            return meaning(self._store, told, own(self._setup.workloads)) if told else None
        except StoreError:
            return None


def _attempt(send_it: Callable[[], str]) -> str | ChannelError:
    try:
        return send_it()
    except ChannelError as error:
        return error
    except Exception as error:  # noqa: BLE001 no channel waits for what another cannot be told
        return ChannelError(f"it could not be written: {type(error).__name__}")


def event_of(row: Row) -> Row:
    """Give the event of a notice, as it was when it was seen last, with its times."""
    event: Row = json.loads(row["event"])
    return event | {name: datetime.fromisoformat(event[name]) for name in TIMES if event[name]}


def payload(row: Row) -> Row:
    """Give what a program is sent of one notice, as docs/channels.md describes it."""
    event = event_of(row)
    said = {name: event[name] for name in _SENT} | {
        name: f"{event[name].isoformat()}Z" for name in ("began_at", "fires_at")
    }
    return {
        "version": VERSION,
        "type": f"alert.{row['notice']}",
        "delivery_id": row["delivery_id"],
        **{
            name: one_line(it, _LONGEST) if isinstance(it, str) else it for name, it in said.items()
        },
        "url": address(event["url"]),
        "text": line({**event, "notice": row["notice"]}, "en"),
    }


def _stuck(row: Row) -> Row:
    """Give the event that a channel takes nothing."""
    name, began_at = row["channel"], row["began_at"]
    return {
        **dict.fromkeys(EVENTS),
        "event_id": hashlib.md5(f"{STUCK}|{name}|{began_at}".encode()).hexdigest(),  # noqa: S324 it names, and guards nothing
        "kind": STUCK,
        "rule": name,
        "provider": "ratecard",
        "subject": name,
        "cause": "stuck",
        "new": row["error"],
        "began_at": began_at,
        "fires_at": began_at,
        "details": json.dumps({"waiting_count": row["waiting_count"]}),
    }


def _watched(alerts: Alerts, channels: Mapping[str, Channel]) -> Iterator[tuple[str, str, Rule]]:
    """Give every rule with its kind and its name: the user's, and one on each channel.

    That a channel is stuck is told to all the others, if there are any.
    """
    yield from alerts.rules
    for name in channels:
        if others := tuple(other for other in channels if other != name):
            yield STUCK, name, StateRule(channels=others)


def _asked(alerts: Alerts, channels: Mapping[str, Channel]) -> pl.DataFrame:
    """Give each rule with what it asks for."""
    rows = [(kind, name, rule.definition) for kind, name, rule in _watched(alerts, channels)]
    schema = dict.fromkeys(("kind", "rule", "definition"), pl.String())
    return pl.DataFrame(rows, schema=schema, orient="row")


def _routes(alerts: Alerts, channels: Mapping[str, Channel], now: datetime) -> pl.DataFrame:
    """Give each rule with each channel that it tells, and when that may be told."""
    rows = [
        {
            "kind": kind,
            "rule": rule_name,
            "channel": name,
            "due_at": channel.goes_out_at(now, rule.digest),
            "is_held": not channel.is_machine,
            "recovery": isinstance(rule, StateRule) and rule.recovery,
            "again_days": rule.again_days if isinstance(rule, StateRule) else None,
        }
        for kind, rule_name, rule in _watched(alerts, channels)
        for name, channel in channels.items()
        if rule.channels is None or name in rule.channels
    ]
    return pl.DataFrame(rows, schema=_ROUTE)


def _seen(events: list[Row]) -> pl.DataFrame:
    """Give events as the outbox takes them, each whole as JSON beside what it decides by."""
    rows = [
        {
            **{name: event.get(name) for name in ("event_id", "kind", "rule", "provider")},
            "is_state": event["kind"] in _STATES,
            "is_pending": event["is_pending"] or False,
            "is_first_load": event["is_first_load"] or False,
            "fires_at": event["fires_at"],
            "event": json.dumps(event, default=str, ensure_ascii=False),
        }
        for event in events
    ]
    return pl.DataFrame(rows, schema=_EVENT)

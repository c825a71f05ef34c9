"""The commands about alerts: the rules, what they fire on now, and what they would have told."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import polars as pl
import typer

from pipeline.alerts import TELLING, digests, fired, meaning, rule_frame
from pipeline.channels import ChannelError, Language
from pipeline.messages import line, mistakes, write
from pipeline.terminal import (
    AsJson,
    DataDir,
    Exit,
    Limit,
    cell,
    err,
    out,
    print_json,
    settings_of,
    setup_of,
    show,
    stop,
    text,
)
from pipeline.workloads import own
from warehouse.outbox import Outbox
from warehouse.store import Store

if TYPE_CHECKING:
    from pipeline.configuration import Setup
    from pipeline.delivery import Told

app = typer.Typer(
    help="What you asked in ratecard.toml to be told of, and what became of it.",
    no_args_is_help=True,
)
# How many events of one entry people are shown.
_SHOWN: Final = 10
# Of an id, what is enough to tell one event from another.
_SHORT: Final = 12
Speaks = Annotated[Language, typer.Option(help="In which language events are told.")]
AsMessage = Annotated[
    bool, typer.Option("--message", help="Write it as a message, by your templates.")
]
Only = Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; repeat for more.")]


@app.command("list", epilog="Example: ratecard alerts list --json")
def list_rules(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the rules that ratecard.toml has, whom they tell, and which are muted."""
    from pipeline.looking import utc_now  # noqa: PLC0415 a question needs no sources

    setup = setup_of(data_dir)
    muted = Outbox(setup.settings.data_dir).mutes(utc_now())
    rules = rule_frame(setup.alerts)
    until = [muted.get(rule) for rule in rules.select("kind", "rule").iter_rows()]
    rules = rules.with_columns(muted_until=pl.Series(until, dtype=pl.Datetime("us")))
    if as_json:
        show(rules, "", as_json=True)
        return
    said = [
        {
            "kind": row.pop("kind"),
            "rule": row.pop("rule"),
            "tells": _spelled({name: row.pop(name) for name in (*TELLING, "muted_until")})
            or "every channel",
            "asks for": _spelled(row),
        }
        for row in rules.iter_rows(named=True)
    ]
    show(pl.DataFrame(said), "Rules", as_json=False)


def _spelled(keys: dict[str, Any]) -> str:
    """Write keys of a rule as people read them, without those that say nothing."""
    return "; ".join(
        f"{key.replace('_', ' ')}: "
        f"{', '.join(map(str, value)) if isinstance(value, list) else cell(value)}"
        for key, value in keys.items()
        # that a recovery is told of is usual
        if value is not None and (key, value) != ("recovery", True)
    )


@app.command(epilog="Example: ratecard alerts check --days 14")
def check(
    *,
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="Changes that became known in so many days.")
    ] = 7,
    only: Only = None,
    language: Speaks = "en",
    as_message: AsMessage = False,
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what would fire now, and why: changes of the last days, and states that hold now."""
    _tell(
        "check", timedelta(days=days), only, language, limit,
        as_message=as_message, as_json=as_json, data_dir=data_dir,
    )  # fmt: skip


@app.command(epilog="Example: ratecard alerts replay --since 2026-01-01")
def replay(
    *,
    since: Annotated[
        datetime,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="From this day on."),
    ],
    only: Only = None,
    language: Speaks = "en",
    as_message: AsMessage = False,
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what today's rules would have told since a day, each capture on its own day."""
    _tell(
        "replay", since, only, language, limit,
        as_message=as_message, as_json=as_json, data_dir=data_dir,
    )  # fmt: skip


@app.command(epilog="Example: ratecard alerts send")
def send(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Send every channel what is new and due, once; to be run as often as you like.

    The exit code is 3 where a channel did not take what was due; it is tried again.
    """
    setup = setup_of(data_dir)
    told = tell(setup, Store(setup.settings.data_dir), is_quiet=as_json)
    if as_json:
        print_json([vars(one) for one in told])
    elif not told:
        out.print("No channels: write one into ratecard.toml, as docs/channels.md shows")
    if any(one.undelivered_count for one in told):
        raise typer.Exit(Exit.PARTLY)


def tell(setup: "Setup", store: Store, *, is_quiet: bool = False) -> "list[Told]":
    """Send every channel what is due, and say what became of each.

    Only of those that failed with `is_quiet`.
    """
    from pipeline.delivery import deliver, kept_silent  # noqa: PLC0415 as in list_rules
    from pipeline.looking import utc_now  # noqa: PLC0415

    begun = utc_now()
    told = deliver(setup, store)
    for one in told:
        if not is_quiet:
            out.print(text(f"{one.channel}: {one.count or 'nothing'} sent"), soft_wrap=True)
        if one.undelivered_count:
            said = f"{one.channel}: {one.undelivered_count} wait to be tried again: {one.error}"
            err.print(text(said), style="red", soft_wrap=True)
    if told and not is_quiet and (count := kept_silent(setup, begun)):
        out.print(
            f"A first load is silent: {count} states hold already; `ratecard alerts check` "
            "shows them.",
            soft_wrap=True,
        )
    return told


@app.command("test", epilog="Example: ratecard alerts test team")
def try_channel(
    name: Annotated[str, typer.Argument(metavar="CHANNEL")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Send a test message to a channel now, whatever its hours are, and say what came of it."""
    from pipeline.delivery import try_out  # noqa: PLC0415 as in list_rules

    setup = setup_of(data_dir)
    if name not in setup.channels:
        there = ", ".join(setup.channels) or "none"
        stop(f"no channel is called {name}; there are {there}", Exit.MISUSED)
    try:
        receipt = try_out(setup, name)
    except ChannelError as error:
        stop(f"{name}: {error}")
    _say({"channel": name, "receipt": receipt}, f"{name}: {receipt}", as_json=as_json)


@app.command(epilog="Example: ratecard alerts outbox --all --limit 100")
def outbox(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was delivered, or cancelled.")
    ] = False,
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what waits to be sent, to which channel, how often it was tried, and why it waits."""
    told = Outbox(settings_of(data_dir).data_dir).deliveries(everything=everything).head(limit)
    if not as_json:
        told = told.select(
            pl.col("event_id").str.head(_SHORT),
            "channel", "notice", "state", "kind", "rule", "attempts", "next_at", "delivered_at",
            pl.coalesce("error", "receipt").alias("said"),
        )  # fmt: skip
    show(told, "Outbox", as_json=as_json)


@app.command(epilog="Example: ratecard alerts ack 3f2a9c1e --reason 'moving to o4-mini'")
def ack(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The first signs of its id.")],
    *,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look later.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Say that you take care of an event: nothing more is said of it."""
    from pipeline.looking import utc_now  # noqa: PLC0415 as in list_rules

    known = Outbox(settings_of(data_dir).data_dir).ack(event.lower(), reason, utc_now())
    _say({"event_id": known}, f"Nothing more is said of {known}", as_json=as_json)


@app.command(epilog="Example: ratecard alerts mute cuts --days 7")
def mute(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Its name, or KIND.NAME.")],
    *,
    days: Annotated[int, typer.Option(min=0, max=3650, help="For so long; 0 ends it.")] = 7,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look later.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Let a rule say nothing for some days.

    What changes meanwhile is never told. A state that still holds afterwards is told of then.
    """
    from pipeline.looking import utc_now  # noqa: PLC0415 as in list_rules

    setup = setup_of(data_dir)
    rules = [(kind, name) for kind, name, _ in setup.alerts.rules]
    meant = [(kind, name) for kind, name in rules if rule in {name, f"{kind}.{name}"}]
    if not meant:
        there = ", ".join(f"{kind}.{name}" for kind, name in rules) or "none"
        stop(f"no rule is called {rule}; there are {there}", Exit.MISUSED)
    now = utc_now()
    until = now + timedelta(days=days)
    Outbox(setup.settings.data_dir).mute(meant, until, reason, now)
    names = ", ".join(f"{kind}.{name}" for kind, name in meant)
    said = f"{names}: muted until {cell(until)} UTC" if days else f"{names}: not muted"
    muted = [{"kind": kind, "rule": name, "muted_until": until} for kind, name in meant]
    _say(muted, said, as_json=as_json)


def _say(answer: object, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(text(said), soft_wrap=True)


def _tell(
    mode: Literal["check", "replay"], since: datetime | timedelta, only: list[str] | None,
    language: Language, limit: int, *, as_message: bool, as_json: bool, data_dir: Path | None,
) -> None:  # fmt: skip
    setup = setup_of(data_dir)
    rules = rule_frame(setup.alerts)
    for name in only or ():
        if name not in rules["rule"]:
            there = ", ".join(rules["rule"]) or "none"
            stop(f"no rule is called {name}; there are {there}", Exit.MISUSED)
    if only:
        rules = rules.filter(pl.col("rule").is_in(only))
    store = Store(setup.settings.data_dir)
    if isinstance(since, timedelta):
        since = store.built_at() - since
    events = fired(store, rules, since, mode=mode)
    entries = digests(events)
    for mistake in mistakes(setup.settings.templates) if setup.settings.templates else ():
        err.print(text(mistake), style="yellow", soft_wrap=True)
    if as_json:
        print_json([_with_lines(entry, language) for entry in entries.iter_rows(named=True)])
    elif rules.is_empty():
        out.print("No rules: write some into ratecard.toml, as docs/alerts.md shows")
    elif entries.is_empty():
        out.print("Nothing fires")
    elif as_message:
        rows = events.to_dicts()
        costs = meaning(store, rows, own(setup.workloads))
        message = write(rows, language=language, templates=setup.settings.templates, meaning=costs)
        out.print(text(f"{message.title}\n\n{message.body}"), soft_wrap=True)
    else:
        _show(entries, language, limit)


def _with_lines(entry: dict[str, Any], language: Language) -> dict[str, Any]:
    """Give an entry of `digests` with what each of its events says."""
    who = {name: entry[name] for name in ("kind", "rule", "provider")}
    events = [{**event, "says": line({**event, **who}, language)} for event in entry["events"]]
    return {**entry, "says": events[-1]["says"], "events": events}


def _marks(event: dict[str, object]) -> list[str]:
    """Say of an event why it is not, or not yet, news."""
    marks = {"is_first_load": "(first load)", "is_pending": "(not confirmed yet)"}
    return [said for name, said in marks.items() if event[name]]


def _show(entries: pl.DataFrame, language: Language, limit: int) -> None:
    for entry in entries.head(limit).iter_rows(named=True):
        when = cell(entry["fires_at"])
        if entry["until"] != entry["fires_at"]:
            when += f" to {cell(entry['until'])}"
        about = " ".join(filter(None, (entry["kind"], entry["rule"], entry["provider"])))
        out.print(text(f"{when}  {about}"), style="bold", soft_wrap=True)
        shown = _with_lines({**entry, "events": entry["events"][:_SHOWN]}, language)
        for event in shown["events"]:
            said = " ".join([*_marks(event), event["says"]])
            out.print(text(f"  {said}"), soft_wrap=True)
        if (more := entry["count"] - _SHOWN) > 0:
            out.print(f"  ... and {more} more; --json shows them")
    if entries.height > limit:
        out.print(f"... and {entries.height - limit} more; --limit or --json shows them")

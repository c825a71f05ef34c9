"""The commands about alerts: the rules, what they fire on now, and what they would have told."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import polars as pl
import typer

from pipeline.alerts import digests, fired, meaning, rule_frame
from pipeline.messages import Language, line, mistakes, write
from pipeline.terminal import (
    AsJson,
    DataDir,
    Exit,
    Limit,
    cell,
    err,
    out,
    print_json,
    setup_of,
    show,
    stop,
    text,
)
from pipeline.workloads import own
from warehouse.store import Store

app = typer.Typer(
    help="What you asked in ratecard.toml to be told of. Nothing is sent.",
    no_args_is_help=True,
)
# How many events of one entry people are shown.
_SHOWN: Final = 10
Speaks = Annotated[Language, typer.Option(help="In which language events are told.")]
AsMessage = Annotated[
    bool, typer.Option("--message", help="Write it as a message, by your templates.")
]
Only = Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; repeat for more.")]


@app.command("list", epilog="Example: ratecard alerts list --json")
def list_rules(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the rules that ratecard.toml has."""
    rules = rule_frame(setup_of(data_dir).alerts)
    if as_json:
        show(rules, "", as_json=True)
        return
    said = [
        {
            "kind": row.pop("kind"),
            "rule": row.pop("rule"),
            "asks for": "; ".join(
                f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
                for key, value in row.items()
                if value is not None
            ),
        }
        for row in rules.iter_rows(named=True)
    ]
    show(pl.DataFrame(said), "Rules", as_json=False)


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
        since = _built_at(store) - since
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


def _built_at(store: Store) -> datetime:
    built_at: datetime = store.query("select built_at from build_info").item()
    return built_at


def _with_lines(entry: dict[str, Any], language: Language) -> dict[str, Any]:
    """Give an entry of `digests` with what each of its events says."""
    who = {name: entry[name] for name in ("kind", "rule", "provider")}
    events = [{**event, "says": line({**event, **who}, language)} for event in entry["events"]]
    return {**entry, "says": events[-1]["says"], "events": events}


def _show(entries: pl.DataFrame, language: Language, limit: int) -> None:
    for entry in entries.head(limit).iter_rows(named=True):
        when = cell(entry["fires_at"])
        if entry["until"] != entry["fires_at"]:
            when += f" to {cell(entry['until'])}"
        about = " ".join(filter(None, (entry["kind"], entry["rule"], entry["provider"])))
        out.print(text(f"{when}  {about}"), style="bold", soft_wrap=True)
        shown = _with_lines({**entry, "events": entry["events"][:_SHOWN]}, language)
        for event in shown["events"]:
            out.print(text(f"  {event['says']}"), soft_wrap=True)
        if (more := entry["count"] - _SHOWN) > 0:
            out.print(f"  ... and {more} more; --json shows them")
    if entries.height > limit:
        out.print(f"... and {entries.height - limit} more; --limit or --json shows them")

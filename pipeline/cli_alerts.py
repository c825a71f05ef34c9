"""The commands about alerts: the rules, what they fire on now, and what they would have told."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import polars as pl
import typer

from pipeline.alerts import digests, fired, rule_frame
from pipeline.terminal import (
    AsJson,
    DataDir,
    Exit,
    Limit,
    cell,
    out,
    print_json,
    setup_of,
    show,
    stop,
    text,
)
from warehouse.store import Store

app = typer.Typer(
    help="What you asked in ratecard.toml to be told of. Nothing is sent.",
    no_args_is_help=True,
)
# How many events of one entry people are shown.
_SHOWN: Final = 10
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
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what would fire now, and why: changes of the last days, and states that hold now."""
    _tell("check", timedelta(days=days), only, limit, as_json=as_json, data_dir=data_dir)


@app.command(epilog="Example: ratecard alerts replay --since 2026-01-01")
def replay(
    *,
    since: Annotated[
        datetime,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="From this day on."),
    ],
    only: Only = None,
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what today's rules would have told since a day, each capture on its own day."""
    _tell("replay", since, only, limit, as_json=as_json, data_dir=data_dir)


def _tell(
    mode: Literal["check", "replay"], since: datetime | timedelta, only: list[str] | None,
    limit: int, *, as_json: bool, data_dir: Path | None,
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
    entries = digests(fired(store, rules, since, mode=mode))
    if as_json:
        print_json(entries.to_dicts())
    elif rules.is_empty():
        out.print("No rules: write some into ratecard.toml, as docs/alerts.md shows")
    elif entries.is_empty():
        out.print("Nothing fires")
    else:
        _show(entries, limit)


def _built_at(store: Store) -> datetime:
    built_at: datetime = store.query("select built_at from build_info").item()
    return built_at


def _marks(event: dict[str, object]) -> list[str]:
    """Say of an event why it is not, or not yet, news."""
    marks = {"is_first_load": "(first load)", "is_pending": "(not confirmed yet)"}
    return [said for name, said in marks.items() if event[name]]


def _show(entries: pl.DataFrame, limit: int) -> None:
    for entry in entries.head(limit).iter_rows(named=True):
        when = cell(entry["fires_at"])
        if entry["until"] != entry["fires_at"]:
            when += f" to {cell(entry['until'])}"
        about = " ".join(filter(None, (entry["kind"], entry["rule"], entry["provider"])))
        out.print(text(f"{when}  {about}"), style="bold", soft_wrap=True)
        for event in entry["events"][:_SHOWN]:
            # a name from a page stays in its line
            line = " ".join([*_marks(event), *event["says"].split()])
            out.print(text(f"  {line}"), soft_wrap=True)
        if (more := entry["count"] - _SHOWN) > 0:
            out.print(f"  ... and {more} more; --json shows them")
    if entries.height > limit:
        out.print(f"... and {entries.height - limit} more; --limit or --json shows them")

"""How the command speaks: tables for people, JSON for programs, and how it ends."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import polars as pl
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from pipeline.settings import Settings, UnknownSettingError, load_settings
from warehouse.store import NOW, About, Store

if TYPE_CHECKING:
    from pipeline.configuration import Setup

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where everything is kept (or RATECARD_DATA_DIR).",
        show_default="data",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Provider = Annotated[str | None, typer.Option(help="Only this seller, as `openai` or `together`.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many rows.")]
Since = Annotated[
    datetime | None,
    typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Only from this day on."),
]
# What is piped has no width: a pipe's table is as wide as its cells.
out = Console(width=None if sys.stdout.isatty() else 1000)
err = Console(stderr=True)


class Exit(IntEnum):
    """What the command's exit code says to a script."""

    FINE = 0
    FAILED = 1
    MISUSED = 2
    PARTLY = 3


def settings_of(data_dir: Path | None) -> Settings:
    """Read the settings; stops where one is wrong."""
    try:
        return load_settings(data_dir)
    except (UnknownSettingError, ValidationError) as error:
        stop(str(error), Exit.MISUSED)


def setup_of(data_dir: Path | None) -> "Setup":
    """Read the settings and the configuration file; stops where something in them is wrong."""
    from pipeline.configuration import (  # noqa: PLC0415 a question needs no sources
        ConfigurationError,
        load_setup,
    )

    try:
        return load_setup(data_dir)
    except (UnknownSettingError, ValidationError, ConfigurationError) as error:
        stop(str(error), Exit.MISUSED)


def store_of(data_dir: Path | None) -> Store:
    """Give the store in the data folder."""
    return Store(settings_of(data_dir).data_dir)


def ask(data_dir: Path | None, asked: str, about: About = NOW, /, **values: object) -> pl.DataFrame:
    """Answer one of the questions under `warehouse/sql/questions`."""
    return store_of(data_dir).ask(asked, about, **values)


def stop(message: str, code: Exit = Exit.FAILED) -> NoReturn:
    """End the command with a message."""
    err.print(text(message), style="red", soft_wrap=True)
    raise typer.Exit(code)


def show(table: pl.DataFrame, title: str, *, as_json: bool, note: str | None = None) -> None:
    """Print a table for a person, or as JSON: a list of rows, decimals as exact strings."""
    if as_json:
        # JSON has no word for a number that is none
        print_json(table.fill_nan(None).to_dicts())
        return
    if table.is_empty():
        out.print(text(f"{title}: nothing to show" if title else "nothing to show"))
        return
    shown = Table(title=title or None, title_justify="left", header_style="bold")
    for name, kind in table.schema.items():
        is_number = kind.is_numeric()
        shown.add_column(
            name.replace("_", " "), justify="right" if is_number else "left", overflow="fold"
        )
    for row in table.iter_rows():
        shown.add_row(*(text(cell(value)) for value in row))
    out.print(shown)
    if note:
        out.print(note, style="dim")


def print_json(value: object) -> None:
    """Print JSON: decimals as exact strings, times as ISO 8601."""
    sys.stdout.write(json.dumps(value, default=_json, ensure_ascii=False, indent=2) + "\n")


def _json(value: object) -> object:
    """Write what JSON has no type for, however deep it stands in a cell."""
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)


def cell(value: object) -> str:
    """Write a value as people read it; what is absent is empty."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value.normalize():f}"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(" ", "minutes").removesuffix(" 00:00")
        case _:
            return str(value)


def text(said: str) -> Text:
    """Make a text safe for a terminal: names come from pages, and markup or escapes with them."""
    return Text("".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in said))


@contextmanager
def progress(steps: int, what: str, *, is_shown: bool) -> Iterator[Callable[[str], None]]:
    """Show how far a long command is; give what to call after each step, with its name."""
    columns = (
        # a file's name may hold what looks like markup
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not is_shown) as progress:
        task = progress.add_task(what, total=steps)

        def step(name: str) -> None:
            progress.update(task, advance=1, description=text(name).plain)

        yield step


@contextmanager
def reading(size: int, what: str, *, is_shown: bool) -> Iterator[Callable[[int], None]]:
    """Show how far the reading of a file is; give what to call with the bytes read so far."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err, transient=True, disable=not is_shown) as progress:
        task = progress.add_task(text(what).plain, total=size)
        yield lambda done: progress.update(task, completed=done)

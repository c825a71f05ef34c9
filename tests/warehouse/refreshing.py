"""Refreshes of a made-up world in processes of their own, to be watched and killed.

In its n-th round every source says n: each price and term is n, and one model is left out. So a
reader can tell from one figure what all the others must be.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple, Protocol

import duckdb

from tests.warehouse.worlds import URL, World, day, quote, statement, term
from warehouse.captures import Look
from warehouse.log import Statement
from warehouse.store import LOG, TABLES, Store

SOURCES: Final = ("first", "second", "third")
MODELS: Final = 10
# What a reader asks here, and what these are built from.
ASKED: Final = (
    "current_prices", "current_terms", "price_history", "terms_history", "price_changes",
)  # fmt: skip


class Process(Protocol):
    """A process that was started, as `multiprocessing` has it."""

    exitcode: int | None
    pid: int | None

    def join(self, timeout: float | None = None) -> None: ...
    def is_alive(self) -> bool: ...


def read(_: str, content: bytes) -> Statement:
    number, left_out = (int(word) for word in content.split()[1:])
    models = [f"m{model}" for model in range(MODELS) if model != left_out]
    prices = [quote(number, model=model) for model in models]
    return statement([*prices, term("min_examples", str(number))])


def refresh(folder: Path, number: int, tables: Sequence[str] = TABLES) -> None:
    """Do the n-th round: look at every source, build tables and publish them."""
    store = Store(folder)
    looks = [
        (
            Look(source, day(number), day(1000 + number), URL),
            f"{source} {number} {(number + place) % MODELS}".encode(),
        )
        for place, source in enumerate(SOURCES)
    ]
    list(store.record(looks, read))
    with store.session():
        World(store, **dict.fromkeys(SOURCES, 1)).prepare(1000 + number)
        for table in tables:
            store.build(table)
        store.publish()


def remembered(store: Store) -> dict[str, str]:
    """Give the digest, and a hash of every row of the log and of the changes."""
    tables = (*LOG, "latest", "corrections", "price_changes")
    with store._writing() as db:  # noqa: SLF001 compared to the last row
        hashes = {
            table: db.execute(
                f"select md5(string_agg(t::varchar, chr(10) order by t::varchar)) from {table} as t"
            ).fetchall()[0][0]
            for table in tables
        }
    return {"digest": store.digest(), **hashes}


class Answer(NamedTuple):
    """What one look at the published file saw: every figure belongs to one round, or it is torn."""

    number: int
    figures: tuple[object, ...]


WHOLE: Final = """
    select
        epoch(built_at - timestamp '2026-01-01') / 86400 - 1000 as number,
        (select [min(unit_price), max(unit_price), count(*)]::int[] from current_prices),
        (select [min(value), max(value), count(*)::varchar] from current_terms),
        (select [epoch(max(valid_from) - timestamp '2026-01-01') / 86400, count(*)]::int[]
            from price_history),
        (select [count(*), count(distinct change_id)]::int[] from price_changes),
        (select [epoch(max(looked_at) - timestamp '2026-01-01') / 86400, count(*)]::int[]
            from looks)
    from build_info
"""
FILES: Final = """
    select
        (select max(unit_price)::int from read_parquet($prices)) as number,
        (select [min(unit_price), max(unit_price), count(*)]::int[] from read_parquet($prices)),
        (select [min(value), max(value), count(*)::varchar] from read_parquet($terms))
"""


def ask(folder: Path) -> Answer:
    """Ask the published file once, as any reader does."""
    row = Store(folder).query(WHOLE).row(0)
    return Answer(int(row[0]), row[1:])


def ask_files(folder: Path) -> Answer:
    """Ask the Parquet files of one publication."""
    whole = (folder / "published").resolve()
    files = {
        "prices": str(whole / "current_prices.parquet"),
        "terms": str(whole / "current_terms.parquet"),
    }
    with duckdb.connect() as db:
        row = db.execute(FILES, files).fetchall()[0]
    return Answer(int(row[0]), tuple(map(tuple, row[1:])))


def torn(answer: Answer) -> bool:
    """Tell whether an answer mixes two publications."""
    number, (prices, terms, *rest) = answer
    there = len(SOURCES) * (MODELS - 1)
    expected: list[object] = [[number, number, there], [str(number), str(number), "3"]]
    if rest:
        history, changes, looks = rest
        expected += [[number, (number + 1) * there], len(SOURCES) * (number + 1)]
        if [list(looks)[0], list(looks)[1]] != [number, len(SOURCES) * (number + 1)]:
            return True
    return [list(prices), list(terms)] != expected[:2]


def watch(folder: Path, pipe: Connection) -> None:
    """Ask again and again until told to stop; tell how often, and what went wrong."""
    asked, wrong, slowest, last = 0, [], 0.0, -1
    while not pipe.poll():
        for question in (ask, ask_files):
            begun = time.perf_counter()
            try:
                answer = question(folder)
            except Exception as error:  # noqa: BLE001 whatever a reader meets is told
                wrong.append(f"{type(error).__name__}: {error}")
                continue
            slowest = max(slowest, time.perf_counter() - begun)
            asked += 1
            if torn(answer) or answer.number < last:
                wrong.append(f"torn after round {last}: {answer}")
            last = answer.number
    pipe.send((asked, wrong, slowest))

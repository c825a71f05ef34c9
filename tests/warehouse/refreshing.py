"""Refreshes of a made-up world in processes of their own, to be watched and killed.

In its n-th round every source says n: each price and each term is n, and one model is left out.
What readers may see after each round is known from a folder in which nothing was disturbed.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from tests.warehouse.worlds import URL, World, day, quote, statement, term
from warehouse.captures import Look
from warehouse.log import Statement
from warehouse.store import LOG, TABLES, Store

SOURCES: Final = ("first", "second", "third")
MODELS: Final = 10
# What readers ask here.
ASKED: Final = ("current_prices", "current_terms", "price_history", "price_changes")
WHOLE: Final = """
    select
        epoch(built_at - timestamp '2026-01-01') // 86400 - 1000 as number,
        (select [min(unit_price), max(unit_price), count(*)]::int[] from current_prices),
        (select [min(value), max(value), count(*)::varchar] from current_terms),
        (select [max(valid_from)::varchar, count(*)::varchar] from price_history),
        (select [count(*), count(distinct change_id)] from price_changes),
        (select [max(looked_at)::varchar, count(*)::varchar] from looks)
    from build_info
"""
FILES: Final = """
    select
        (select max(unit_price) from read_parquet($prices)) as number,
        (select [min(unit_price), max(unit_price), count(*)]::int[] from read_parquet($prices)),
        (select [min(value), max(value), count(*)::varchar] from read_parquet($terms))
"""
# A run that was killed knows later what it had not yet learnt; nothing else may differ.
ROWS: Final = """
    select md5(list(t::varchar order by t::varchar)::varchar)
    from (select columns(lambda name: name <> 'known_at') from {table}) as t
"""
Answer = tuple[Any, ...]


def read(_: str, content: bytes) -> Statement:
    number, left_out = map(int, content.split()[1:])
    models = [f"m{model}" for model in range(MODELS) if model != left_out]
    prices = [quote(number, model=model) for model in models]
    return statement([*prices, term("min_examples", str(number))])


def refresh(folder: Path, number: int, tables: Sequence[str] = TABLES) -> None:
    """Do the n-th round: look at every source, build tables, publish."""
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


def ask(folder: Path) -> Answer:
    """Ask the published file, as any reader does; the answer begins with the round."""
    return Store(folder).query(WHOLE).row(0)


def ask_files(folder: Path) -> Answer:
    """Ask the Parquet files of one publication."""
    whole = (folder / "published").resolve()
    files = {f"{name}s": str(whole / f"current_{name}s.parquet") for name in ("price", "term")}
    with duckdb.connect() as db:
        return tuple(db.execute(FILES, files).fetchall()[0])


def remembered(folder: Path) -> dict[str, str]:
    """Give the digest, and a hash of every row of the log and of the changes."""
    store = Store(folder)
    digest = store.digest()
    with store._writing() as db:  # noqa: SLF001 compared to the last row
        hashes = {
            table: str(db.execute(ROWS.format(table=table)).fetchall()[0][0])
            for table in (*LOG, "latest", "corrections", "price_changes")
        }
    return {"digest": digest, **hashes}


class Round(NamedTuple):
    """What there is after a round: all that is remembered, and what readers are told."""

    remembered: dict[str, str]
    answer: Answer
    files: Answer


def look_back(folder: Path) -> Round:
    """Give what there is in a folder now."""
    return Round(remembered(folder), ask(folder), ask_files(folder))


class Watched(NamedTuple):
    """What one reader met: its questions, all that it was told, every error, the longest wait."""

    asked: int
    answers: set[str]
    errors: list[str]
    slowest: float


def _watch(folder: Path, pipe: Connection) -> None:
    asked, answers, errors, slowest = 0, set(), [], 0.0
    last = 0
    while not pipe.poll(0.01):
        for question in (ask, ask_files):
            begun = time.perf_counter()
            try:
                answer = question(folder)
            except Exception as error:  # noqa: BLE001 whatever a reader meets is told
                errors.append(f"{type(error).__name__}: {error}")
                continue
            slowest = max(slowest, time.perf_counter() - begun)
            asked += 1
            answers.add(repr(answer))
            if answer[0] < last:
                errors.append(f"after round {last} came {answer}")
            last = answer[0]
    pipe.send(Watched(asked, answers, errors, slowest))


@contextmanager
def watched(folder: Path, readers: int) -> Iterator[list[Watched]]:
    """Have readers ask all the while; give what they met when it is over."""
    met: list[Watched] = []
    pipes = [channel() for _ in range(readers)]
    for _, theirs in pipes:
        _PROCESSES.Process(target=_watch, args=(folder, theirs), daemon=True).start()
        # so that a reader that dies is noticed
        theirs.close()
    try:
        yield met
    finally:
        for ours, _ in pipes:
            ours.send("enough")
            met.append(ours.recv())


def channel() -> tuple[Connection, Connection]:
    """Give both ends of a pipe, one of them for another process."""
    return _PROCESSES.Pipe()


def start(verb: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Run something in a process of its own, which has imported this module already."""
    process = _PROCESSES.Process(target=verb, args=arguments)
    process.start()
    return process


def killed(process: ForkServerProcess, after: float) -> bool:
    """Kill a process some seconds from now; tell whether it still ran then."""
    process.join(after)
    process.kill()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}, "the refresh itself failed"
    return process.exitcode != 0


_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])

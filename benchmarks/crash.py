"""Kills at random instants: `python benchmarks/crash.py [--kills 200] [--commands 5]`.

Each refresh of a made-up world is killed once with SIGKILL and then run again, which must come
to the same as in a folder that nobody disturbed, to the last row, while readers keep asking.
Then the command `ratecard backfill` is killed and run again, too.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.warehouse.refreshing import ask, killed, look_back, refresh, start, watched  # noqa: E402

FIXTURES = ROOT / "tests" / "fixtures"
_SOURCES = ("openai_pricing", "zhipu_pricing", "volcengine_pricing", "mistral_pricing")
_PARTLY = 3


def kill_refreshes(folder: Path, kills: int, readers: int, random: Random) -> None:
    """Kill each round once, and compare what the next run comes to with an undisturbed one."""
    whole, torn = folder / "whole", folder / "torn"
    refresh(whole, 1)
    refresh(torn, 1)
    told = {repr(answer) for answer in look_back(whole)[1:]}
    reached: Counter[str] = Counter()
    too_late = 0
    with watched(torn, readers) as met:
        for number in range(2, kills + 2):
            begun = time.perf_counter()
            refresh(whole, number)
            took = time.perf_counter() - begun
            expected = look_back(whole)
            told |= {repr(answer) for answer in expected[1:]}
            while not killed(start(refresh, torn, number), took * random.uniform(0, 1.2)):
                too_late += 1
            reached[_reached(torn, number)] += 1
            refresh(torn, number)
            found = look_back(torn)
            assert found == expected, f"round {number}: {found}, undisturbed {expected}"
    for reader in met:
        assert not reader.errors, reader.errors
        assert reader.answers <= told, reader.answers - told
    where = ", ".join(f"{count} {name}" for name, count in reached.items())
    asked = sum(reader.asked for reader in met)
    print(
        f"{kills} kills ({where}; {too_late} more came too late): every next run came to the same"
    )
    print(f"{asked} queries of {readers} readers meanwhile: no error, no half-written state")


def _reached(folder: Path, number: int) -> str:
    """Tell how far a killed round had come."""
    if ask(folder)[0] == number:
        return "after the swap"
    lines = (folder / "archive" / "journal.jsonl").read_bytes().count(b"\n")
    return "before the first look" if lines < 3 * number - 2 else "between looks and swap"


def kill_commands(folder: Path, kills: int, random: Random) -> None:
    """Kill `ratecard backfill` at random instants; each time the next one must do it all."""
    captures = folder / "captures"
    for name in _SOURCES:
        shutil.copytree(
            FIXTURES / name, captures / name, ignore=shutil.ignore_patterns("*.csv", "*.txt")
        )
    begun = time.perf_counter()
    expected = _backfilled(captures, folder / "undisturbed")
    took = time.perf_counter() - begun
    for number in range(kills):
        data = folder / f"data{number}"
        command = _ratecard("backfill", captures, "--data-dir", data)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            time.sleep(took * random.random())
            process.kill()
        found = _backfilled(captures, data)
        assert found == expected, f"{found}, undisturbed {expected}"
    print(f"{kills} kills of `ratecard backfill`: every next one came to the same digest")


def _backfilled(captures: Path, data: Path) -> str:
    done = subprocess.run(
        _ratecard("backfill", captures, "--data-dir", data), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    # some fixtures are pages that the gate holds back
    assert done.returncode in {0, _PARTLY}, done.stderr
    asked = _ratecard("digest", "--json", "--data-dir", data)
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def _ratecard(*arguments: object) -> list[str]:
    # in a `python -c` DuckDB believes that somebody watches, and draws its progress into the answer
    return [str(Path(sys.executable).with_name("ratecard")), *map(str, arguments)]


def main() -> None:
    """Kill as often as was asked for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=200, help="of refreshes")
    options.add_argument("--commands", type=int, default=5, help="kills of the command")
    options.add_argument("--readers", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    random = Random(chosen.seed)  # noqa: S311 instants, no secrets
    with TemporaryDirectory() as folder:
        kill_refreshes(Path(folder), chosen.kills, chosen.readers, random)
        kill_commands(Path(folder), chosen.commands, random)


if __name__ == "__main__":
    main()

"""The README keeps its word: its commands run, and its lists are what is there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pipeline.settings import Settings
from sources._contract import Rank, every_source
from warehouse.store import LOG, TABLES

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
ASKED: Final = [
    line.partition(" #")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("ratecard ")
]
SPEAKERS: Final = {
    Rank.SELLER: "the seller",
    Rank.CATALOGUE: "a catalogue",
    Rank.THIRD_PARTY: "a third party",
    Rank.TRANSCRIBED: "people",
}


def rows_of_table(header: str) -> list[list[str]]:
    """Give the body cells of the README's table under a header line."""
    body = README.partition(f"{header}\n")[2].splitlines()[1:]
    rows = []
    for line in body:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refresh once, without a network, in a folder as a newcomer has it."""
    folder = tmp_path_factory.mktemp("home")
    captures = folder / "my-captures" / "lmmarketcap"
    captures.mkdir(parents=True)
    page = ROOT / "tests" / "fixtures" / "lmmarketcap" / "2026-11-22.zh.md"
    shutil.copy(page, captures)
    done = run("ratecard refresh", folder)
    assert done.returncode == 0, done.stderr
    # what the first command prints, before other commands add to it
    (folder / "answer.txt").write_text(run("ratecard compare", folder).stdout, encoding="utf-8")
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    _, *arguments = shlex.split(command)
    script = Path(sys.executable).with_name("ratecard")
    closed = {"RATECARD_MIRROR": "http://127.0.0.1:9"}
    return subprocess.run(
        [script, *arguments],
        cwd=folder,
        env={**os.environ, **closed},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_two_commands_set_up_and_run() -> None:
    answer, tests = (
        README.partition(f"<!-- {name} -->\n```sh\n")[2].partition("\n```")[0]
        for name in ("the answer", "the tests")
    )
    assert "\n" not in answer
    assert "\n" not in tests
    assert answer.endswith(".venv/bin/ratecard refresh && .venv/bin/ratecard compare")
    assert tests.endswith(".venv/bin/pytest -n 2")


@pytest.mark.parametrize("command", ASKED)
def test_every_command_in_the_readme_runs(command: str, home: Path) -> None:
    done = run(command, home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_comparison_is_as_large_as_promised(home: Path) -> None:
    done = run("ratecard compare --json", home)
    offers = json.loads(done.stdout)
    assert len(offers) >= 40
    assert len({offer["provider"] for offer in offers}) == 11


def test_the_answer_shown_is_the_answer_given(home: Path) -> None:
    given = (home / "answer.txt").read_text(encoding="utf-8")
    printed = README.partition("```text\n")[2].partition("```")[0].splitlines()[1:]
    for line in printed:
        provider, model, *rest = re.split(r"\s{2,}", line.strip())
        if " " in provider:
            provider, model = provider.split(" ", 1)
        rows = [row for row in given.splitlines() if provider in row and model in row]
        shown = [cell for cell in rest if re.fullmatch(r"[\d.]+( \(CNY\))?", cell)]
        assert any(all(cell in row for cell in shown) for row in rows), line


def test_the_sources_are_those_that_are_there() -> None:
    listed = {
        row[0].strip("`"): row[1]
        for row in rows_of_table("| source | who speaks | what it states |")
    }
    assert listed == {name: SPEAKERS[source.rank] for name, source in every_source().items()}


def test_the_settings_are_those_that_are_there() -> None:
    listed = {row[0].strip("`") for row in rows_of_table("| setting | default | meaning |")}
    assert listed == {f"RATECARD_{name.upper()}" for name in Settings.model_fields}


def test_the_tables_are_those_that_are_there() -> None:
    listed = {
        name
        for row in rows_of_table("| table | one row is |")
        for name in re.findall(r"\w+", row[0])
    }
    assert listed == {*TABLES, *LOG} - {"facts"}


def test_ci_runs_the_readme_s_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    listed = subprocess.run(
        ["sed", "-n", r"/<!-- the tests -->/,/^```$/{/venv/p}", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(listed) == 1
    assert listed[0].endswith("pytest -n 2")


def test_no_lock_names_a_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in pins
        assert pins.count("==") < pins.count("--hash=sha256:")

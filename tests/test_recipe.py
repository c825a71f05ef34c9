"""The example in docs/adding-a-source.md, taken from the page and run in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from sources._contract import Rank
from tests.test_docs import SPEAKERS

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "adding-a-source.md").read_text(encoding="utf-8")
NAME: Final = "acme_pricing"
COPIED: Final = ("sources", "warehouse", "pipeline", "tests", "README.md", "pyproject.toml")
TABLE: Final = re.compile(r"\| source \|.*\n\|[-|]+\|\n")
COMMAND: Final = "from pipeline.cli import main; main()"
ASSET: Final = f"""
from pipeline.definitions import defs
assert "sources/{NAME}" in {{key.to_user_string() for key in defs.resolve_all_asset_keys()}}
"""


def blocks() -> dict[str, str]:
    """Give what the page puts into each file: the first that the paragraph above names."""
    found = {}
    parts = re.split(r"```(\w+)\n(.*?)```\n", PAGE, flags=re.DOTALL)
    for above, language, block in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if language != "sh":
            paragraph = above.strip().rpartition("\n\n")[2]
            found[paragraph.split("`")[1]] = block
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do what the page says in a copy of the project."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, folder)
    for name, block in blocks().items():
        file = folder / name
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        if file.suffix == ".md":
            (head,) = TABLE.findall(old)
            new = old.replace(head, head + block)
        else:
            new = old + block
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(new, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "RATECARD_DATA_DIR": "data"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_page_names_every_file_that_it_needs() -> None:
    assert set(blocks()) == {
        f"sources/{NAME}.py",
        f"tests/fixtures/{NAME}/2026-11-22.html",
        f"tests/fixtures/{NAME}/2026-11-22.quotes.csv",
        f"tests/fixtures/{NAME}/2026-11-22.terms.csv",
        "warehouse/models.csv",
        "README.md",
    }


def test_the_example_passes_the_tests_of_every_source(copy: Path) -> None:
    tests = ("tests/sources/test_fixtures.py", "tests/sources/test_bad_input.py")
    done = run(copy, "-m", "pytest", "-p", "no:xdist", *tests, "-k", NAME)
    assert done.returncode == 0, done.stdout[-3000:]
    # most of them damage the page
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 20


def test_the_example_is_written_as_the_project_is(copy: Path) -> None:
    for tool in (("check",), ("format", "--check")):
        done = run(copy, "-m", "ruff", *tool, f"sources/{NAME}.py")
        assert done.returncode == 0, done.stdout


def test_the_example_is_an_asset_and_is_loaded_and_compared(copy: Path) -> None:
    saved = copy / "my-captures" / NAME
    saved.mkdir(parents=True)
    shutil.copy(copy / "tests" / "fixtures" / NAME / "2026-11-22.html", saved)
    done = run(copy, "-c", ASSET + COMMAND, "backfill", "my-captures", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    (loaded,) = json.loads(done.stdout)
    assert (loaded["outcome"], loaded["quotes"], loaded["terms"]) == ("read", 6, 1)
    done = run(copy, "-c", COMMAND, "compare", "--provider", "acme", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    asked = ("base_model", "training_usd", "input_usd", "output_usd", "min_examples", "sources")
    assert [[offer[name] for name in asked] for offer in json.loads(done.stdout)] == [
        ["acme-writer-8b", "0.4", "0.1", "0.2", 20, NAME],
        ["llama-3.1-8b", "0.5", "0", None, 20, NAME],
    ]


def test_the_example_stands_in_the_readme_as_the_other_sources_do() -> None:
    row = blocks()["README.md"].strip()
    name, speaker, _ = (cell.strip() for cell in row.strip("|").split("|"))
    assert (name, speaker) == (f"`{NAME}`", SPEAKERS[Rank.SELLER])

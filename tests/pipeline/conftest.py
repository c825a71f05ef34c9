"""Two data folders to copy: every source answered in the one, none in the other."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import pytest

from pipeline import configuration
from pipeline.cli import main
from pipeline.configuration import Setup
from pipeline.refresh import Refreshed, refresh
from pipeline.settings import Settings
from sources._contract import Source, every_source
from sources._rates import RATES
from tests.pipeline.loopback import Answer, Site, page, serving
from tests.sources.test_rates import TWO_DAYS

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
_DOCS: Final = (Path(__file__).parents[2] / "docs" / "your-own-source.md").read_text("utf-8")
# What docs/your-own-source.md shows: sources without code, and the list that one of them reads.
EXAMPLE: Final = _DOCS.partition("```toml\n")[2].partition("```")[0]
TEAM_LIST: Final = _DOCS.partition("```csv\n")[2].partition("```")[0]
DESCRIBED: Final = ("acme_prices", "team_list")
ACME: Final = """<!DOCTYPE html><html><body>
<h2>Inference</h2>
<table><tr><th>Model</th><th>Input / 1M tokens</th></tr>
<tr><td>acme-9b</td><td>0.50</td></tr></table>
<h2>Fine-tuning</h2>
<table><tr><th>Model</th><th>LoRA training / 1M tokens</th><th>Full training / 1M tokens</th>
<th>Hosting</th><th>Runs on</th><th>Since</th></tr>
<tr><td>acme-9b</td><td>40.00</td><td>80.00</td><td>3.5</td><td>Our cloud</td><td>May</td></tr>
<tr><td>acme-70b</td><td>120.00</td><td>Ask us</td><td></td><td>Your cloud</td><td>June</td></tr>
<tr><td>acme-200b</td><td>N/A</td><td>500.00</td><td>28</td><td>Our cloud</td><td>June</td></tr>
<tr><td>Total</td><td></td><td></td><td></td><td></td><td></td></tr></table>
</body></html>"""
CAPTURES: Final = Path(__file__).parents[3] / "shared" / "captures"
BOT_WALL: Final = b"""<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>
<h1>Checking your browser</h1><p>Plans from $5 per 1M tokens.</p></body></html>"""
FETCHED: Final = sorted(name for name, source in every_source().items() if source.bundled is None)


def latest_capture(source: str) -> Path:
    files = (FIXTURES / source).iterdir()
    return max(file for file in files if not file.name.endswith((".quotes.csv", ".terms.csv")))


def pages() -> dict[str, Answer]:
    """Answer for every source; our page holds all its documents, so that further ones are blank."""
    further = {
        f"{name}/{number}": page(b"\n")
        for name in FETCHED
        for number in range(2, 2 + len(every_source()[name].more_urls))
    }
    fetched = {name: page(latest_capture(name).read_bytes()) for name in FETCHED}
    return fetched | further | {RATES.name: page(TWO_DAYS)}


@cache
def small_sources() -> Mapping[str, Source]:
    """Give the sources, letting our small pages pass as whole ones."""

    def small(counts: tuple[int, int]) -> tuple[int, int]:
        return min(1, counts[0]), counts[1]

    return MappingProxyType(
        {
            name: replace(
                source, quote_count=small(source.quote_count), term_count=small(source.term_count)
            )
            for name, source in every_source().items()
        }
    )


def with_all(folder: Path, mirror: str | None = None) -> Setup:
    """Set up the built-in sources and nothing else."""
    return Setup(Settings(data_dir=folder, mirror=mirror), small_sources())


class Ran(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def ratecard(*arguments: object) -> Ran:
    """Run the command in this process, as a shell does in its own."""
    out, err = StringIO(), StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["ratecard", *map(str, arguments)])
        code = _exit_code()
    return Ran(code, out.getvalue(), err.getvalue())


def _exit_code() -> int:
    # pytest.raises would keep the exception, and with it the connection that a query held
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    pytest.fail("the command did not end by itself")


@pytest.fixture(scope="session", autouse=True)
def _plain_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.upper().startswith("RATECARD_") or name == "DAGSTER_HOME":
                patch.delenv(name)
        patch.setenv("NO_PROXY", "*")
        patch.setattr(configuration, "every_source", small_sources)
        yield


@pytest.fixture(scope="session")
def nowhere() -> Iterator[str]:
    """Give an address at which nobody listens for as long as the tests run."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unheard.getsockname()[1]}"


@pytest.fixture
def site() -> Iterator[Site]:
    """Open a site that answers for every source with our own page of it."""
    with serving(pages()) as opened:
        yield opened


class First(NamedTuple):
    """A data folder after its first refresh, and what that refresh said."""

    folder: Path
    done: Refreshed


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory, _plain_environment: None) -> First:
    """Refresh once with every source answering. Copy the folder before you write to it."""
    folder = tmp_path_factory.mktemp("answered") / "data"
    with serving(pages()) as opened:
        done = refresh(with_all(folder, opened.url), list(every_source()))
    return First(folder, done)


@pytest.fixture(scope="session")
def alone(
    tmp_path_factory: pytest.TempPathFactory, nowhere: str, _plain_environment: None
) -> First:
    """Refresh once without a network. Copy the folder before you write to it."""
    folder = tmp_path_factory.mktemp("alone") / "data"
    done = refresh(with_all(folder, nowhere), list(every_source()))
    return First(folder, done)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[First], Path]:
    """Copy a refreshed folder, to go on from there."""

    def copy(first: First) -> Path:
        return Path(shutil.copytree(first.folder, tmp_path / "data"))

    return copy


@pytest.fixture(scope="session")
def described_home(tmp_path_factory: pytest.TempPathFactory, _plain_environment: None) -> Path:
    """Make a working folder as the docs show it, and look once at the two sources described."""
    home = tmp_path_factory.mktemp("described") / "home"
    home.mkdir()
    (home / "ratecard.toml").write_text(EXAMPLE, encoding="utf-8")
    (home / "team-prices.csv").write_text(TEAM_LIST, encoding="utf-8")
    with (
        serving({"acme_prices": page(ACME.encode())}) as site,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(home)
        patch.setenv("RATECARD_MIRROR", site.url)
        assert ratecard("refresh", "--strict", *DESCRIBED).code == 0
    return home


@pytest.fixture
def acme(described_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Go on from there in a copy of that folder; give the site that has the page."""
    monkeypatch.chdir(shutil.copytree(described_home, tmp_path / "home"))
    with serving({"acme_prices": page(ACME.encode())}) as opened:
        monkeypatch.setenv("RATECARD_MIRROR", opened.url)
        yield opened

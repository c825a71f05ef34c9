"""A site that misbehaves changes no price, and heals with its next good answer."""

import gzip
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

import pytest
import stamina
import trustme

from pipeline.configuration import Setup
from pipeline.refresh import refresh
from pipeline.settings import Settings
from sources._contract import every_source
from sources._http import Client, Limits
from tests.pipeline.conftest import BOT_WALL, latest_capture
from tests.pipeline.loopback import Answer, Site, in_turn, page, redirect, serving, status
from warehouse.store import Store

SOURCE: Final = "lmmarketcap"
PATH: Final = "fine-tuning"
PAGE: Final = latest_capture(SOURCE).read_bytes()
LIMITS: Final = Limits(
    read_seconds=0.3, total_seconds=2, byte_count=100_000, attempts=4, delay_seconds=0
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("pipeline.looking.Client", partial(Client, limits=LIMITS))
    with stamina.set_testing(True, attempts=LIMITS.attempts, cap=True):
        yield


def setup(folder: Path, url: str) -> Setup:
    source = replace(every_source()[SOURCE], url=f"{url}/{PATH}")
    return Setup(Settings(data_dir=folder), {SOURCE: source})


def told(folder: Path) -> tuple[Any, ...]:
    """Give how the source is, and all that it is believed to say."""
    store = Store(folder)
    ((state, reason),) = store.query("select state, reason from source_health").rows()
    prices = store.query("select provider, model, meter, unit_price from current_prices").rows()
    changes = store.query("select count(*) from price_changes").rows()
    return state, reason, (sorted(prices), changes, store.digest())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "data"
    with serving({PATH: page(PAGE)}) as site:
        assert not refresh(setup(folder, site.url), [SOURCE]).failed_sources
    return folder


def wrong_length(asked: BaseHTTPRequestHandler) -> None:
    page(PAGE, Content_Length=str(len(PAGE) + 100))(asked)
    asked.close_connection = True


def cut(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + PAGE[:300])
    asked.close_connection = True


def drip(asked: BaseHTTPRequestHandler) -> None:
    page(b"", Content_Length="100000")(asked)
    for sign in PAGE:
        asked.wfile.write(bytes([sign]))
        time.sleep(0.1)


def unasked_304(asked: BaseHTTPRequestHandler) -> None:
    asked.send_response(304)
    asked.end_headers()


BOMB: Final = gzip.compress(b"\0" * 20_000_000, mtime=0)
MISBEHAVIOURS: Final[dict[str, tuple[Answer, str, str]]] = {
    "429 with seconds": (page(b"", 429, Retry_After="3600"), "unreachable", "left alone until"),
    "429 with a date": (
        page(b"", 429, Retry_After="Fri, 31 Dec 2027 23:59:59 GMT"),
        "unreachable",
        "left alone until 2027-12-31",
    ),
    "500 for ever": (status(500), "unreachable", "HTTP 500"),
    "304 that nobody asked for": (unasked_304, "unreachable", "304"),
    "wrong Content-Length": (wrong_length, "unreachable", "could not be reached"),
    "cut in the body": (cut, "unreachable", "could not be reached"),
    "a byte at a time": (drip, "unreachable", "not whole after 2 s"),
    "over the size": (page(PAGE + b" " * 100_001), "unreachable", "more than 100000 bytes"),
    "a gzip bomb": (page(BOMB, Content_Encoding="gzip"), "unreachable", "more than 100000 bytes"),
    "a redirect loop": (redirect(f"/{PATH}"), "unreachable", "redirect"),
    "a redirect into the house": (redirect("http://10.0.0.1/"), "unreachable", "redirect"),
    "another charset": (
        page(PAGE.decode().encode("gb18030"), Content_Type="text/html; charset=gb18030"),
        "failing",
        "not UTF-8",
    ),
    "invalid UTF-8": (
        page(PAGE[:200] + b"\xff\xfe" + PAGE[200:]),
        "failing",
        "not UTF-8 at byte",
    ),
    "a bot wall with status 200": (page(BOT_WALL), "failing", "0 tables with a training price"),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_site_that_misbehaves_changes_nothing_and_heals(
    name: str, good: Path, tmp_path: Path
) -> None:
    answer, state, reason = MISBEHAVIOURS[name]
    folder = copy(good, tmp_path)
    _, _, believed = told(folder)
    with serving({PATH: answer}) as site:
        assert [*refresh(setup(folder, site.url), [SOURCE]).failed_sources] == [SOURCE]
        now = told(folder)
        assert (now[0], reason in now[1], now[2]) == (state, True, believed), now[1]
        heals(folder, site, believed)


def test_500_three_times_and_then_the_page_is_no_failure(good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    with serving({PATH: in_turn(*[status(500)] * 3, page(PAGE))}) as site:
        assert not refresh(setup(folder, site.url), [SOURCE]).failed_sources
        assert site.count(PATH) == 4


def test_a_robots_txt_that_forbids_is_obeyed_and_recorded(good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    _, _, believed = told(folder)
    forbids = page(b"User-agent: *\nDisallow: /", Content_Type="text/plain")
    with serving({PATH: page(PAGE), "robots.txt": forbids}) as site:
        assert refresh(setup(folder, site.url), [SOURCE]).failed_sources
        assert site.count(PATH) == 0
        state, reason, now = told(folder)
        assert (state, "robots.txt" in reason, now) == ("unreachable", True, believed)
        site.answers["robots.txt"] = page(b"User-agent: *\nAllow: /", Content_Type="text/plain")
        heals(folder, site, believed)
    last = "select robots from looks order by position desc limit 1"
    assert Store(folder).query(last).rows() == [("allowed",)]


def test_a_certificate_that_does_not_verify_is_no_answer(good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    _, _, believed = told(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with serving({PATH: page(PAGE)}, tls=context) as site:
        assert refresh(setup(folder, site.url), [SOURCE]).failed_sources
        state, reason, now = told(folder)
        assert (state, "CERTIFICATE_VERIFY_FAILED" in reason, now) == (
            "unreachable",
            True,
            believed,
        )
    with serving({PATH: page(PAGE)}) as site:
        heals(folder, site, believed)


def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "data", symlinks=True))


def heals(folder: Path, site: Site, believed: object) -> None:
    site.answers[PATH] = page(PAGE)
    assert not refresh(setup(folder, site.url), [SOURCE]).failed_sources
    assert told(folder) == ("ok", None, believed)

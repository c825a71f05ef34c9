"""The client against a site of our own that misbehaves in every way that a site can."""

import gzip
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Final

import pytest
import stamina
import zstandard

from sources._contract import Source, SourceError, every_source
from sources._http import Client, Limits, Page
from tests.pipeline.loopback import Answer, Site, in_turn, page, redirect, serving, status

SOURCE: Final = every_source()["openai_pricing"]
NAME: Final = SOURCE.name
LIMITS: Final = Limits(
    connect_seconds=2, read_seconds=2, total_seconds=10, byte_count=100_000, attempts=3
)


@pytest.fixture(autouse=True)
def _no_wait_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=LIMITS.attempts + 2, cap=True):
        yield


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({}) as opened:
        yield opened


@contextmanager
def client(site: Site, **limits: float) -> Iterator[Client]:
    opened = Client("mailto:a@b.example", mirror=site.url, limits=replace(LIMITS, **limits))
    try:
        yield opened
    finally:
        opened.close()


def fetch(site: Site, answer: Answer, **limits: float) -> Page:
    site.answers[NAME] = answer
    with client(site, **limits) as asking:
        return asking.fetch(SOURCE)


def refused(site: Site, answer: Answer, match: str, **limits: float) -> None:
    with pytest.raises(SourceError, match=match) as error:
        fetch(site, answer, **limits)
    assert error.value.source == NAME
    assert str(error.value).startswith(f"{NAME}: {site.url}/{NAME} could not be reached: ")


def test_a_whole_page_comes_with_its_address_and_kind(site: Site) -> None:
    got = fetch(site, page("价格".encode()))
    assert got == Page("价格".encode(), f"{site.url}/{NAME}", "text/html")


def test_the_site_learns_who_asks(site: Site) -> None:
    fetch(site, page(b"x"))
    ((_, headers),) = site.asked
    assert headers["user-agent"] == "ratecard (+mailto:a@b.example)"
    assert headers["accept-encoding"] == "gzip"


def test_without_a_mirror_the_source_is_asked_at_its_own_address(site: Site) -> None:
    site.answers["own/page"] = page(b"x")
    own: Source = replace(SOURCE, url=f"{site.url}/own/page")
    asking = Client("c", limits=LIMITS)
    try:
        assert asking.fetch(own).url == own.url
    finally:
        asking.close()


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451, 501])
def test_a_refusal_that_stays_is_not_asked_again(site: Site, code: int) -> None:
    refused(site, status(code), str(code))
    assert site.count(NAME) == 1


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_asked_again(site: Site, code: int) -> None:
    assert fetch(site, in_turn(status(code), page(b"x"))).content == b"x"
    assert site.count(NAME) == 2


def test_there_is_an_end_to_asking_again(site: Site) -> None:
    refused(site, status(503), "HTTP 503")
    assert site.count(NAME) == LIMITS.attempts


def test_asking_again_says_nothing_in_the_middle_of_the_output(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    fetch(site, in_turn(status(500), page(b"x")))
    assert capfd.readouterr() == ("", "")


def cut(asked: BaseHTTPRequestHandler) -> None:
    page(b"0.48", Content_Length="400")(asked)


def cut_chunk(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n190\r\n0.48")
    asked.close_connection = True


def cut_between_chunks(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0.48\r\n")
    asked.close_connection = True


def cut_gzip(asked: BaseHTTPRequestHandler) -> None:
    packed = gzip.compress(b"0.48" * 1000)[:-6]
    asked.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed)
    asked.close_connection = True


def nothing(asked: BaseHTTPRequestHandler) -> None:
    asked.close_connection = True


@pytest.mark.parametrize("broken", [cut, cut_chunk, cut_between_chunks, cut_gzip, nothing])
def test_half_a_page_is_no_page(site: Site, broken: Answer) -> None:
    refused(site, broken, "RemoteProtocolError|ReadError")
    assert site.count(NAME) == LIMITS.attempts


def test_a_broken_connection_is_tried_again(site: Site) -> None:
    assert fetch(site, in_turn(cut, page(b"0.48"))).content == b"0.48"


def test_a_site_that_is_not_there_is_said_at_once() -> None:
    gone = replace(SOURCE, url="http://127.0.0.1:1/")
    asking = Client("c", limits=LIMITS)
    try:
        with pytest.raises(SourceError, match=r"127\.0\.0\.1:1/ could not be reached: .*refused"):
            asking.fetch(gone)
    finally:
        asking.close()


@pytest.mark.parametrize("target", ["/moved", "moved", "{url}/moved"])
def test_a_redirect_within_the_host_is_followed(site: Site, target: str) -> None:
    site.answers["moved"] = page(b"x")
    got = fetch(site, redirect(target.format(url=site.url)))
    assert (got.content, got.url) == (b"x", f"{site.url}/moved")


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/moved",
        "http://127.0.0.1:1/moved",
        "https://127.0.0.1:{port}/moved",
        "//127.0.0.2:{port}/moved",
        "http://a:b@127.0.0.1:{port}/moved",
        "file:///etc/hosts",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_a_redirect_to_another_place_is_refused_unasked(site: Site, target: str) -> None:
    site.answers["moved"] = page(b"x")
    refused(site, redirect(target.format(port=site.url.rpartition(":")[2])), "redirect to another")
    assert [path for path, _ in site.asked] == [NAME]


@pytest.mark.parametrize("target", ["http://[", "http://127.0.0.1:port/", "http://a\x01b/", "\xff"])
def test_a_redirect_to_nowhere_is_a_refusal_too(site: Site, target: str) -> None:
    refused(site, redirect(target), "could not be reached")


def test_a_redirect_that_goes_round_ends(site: Site) -> None:
    refused(site, redirect(f"/{NAME}"), "more than 5 redirects")
    assert site.count(NAME) == 6


def test_a_page_may_be_as_large_as_the_limit_and_no_larger(site: Site) -> None:
    assert len(fetch(site, page(b"x" * 100_000)).content) == 100_000
    refused(site, page(b"x" * 100_001), "more than 100000 bytes")


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 99_999])
def test_a_compressed_page_is_unpacked_whole(site: Site, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    assert fetch(site, page(gzip.compress(content), Content_Encoding="gzip")).content == content


def test_a_compressed_page_counts_unpacked_and_step_by_step(site: Site) -> None:
    bomb = page(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    tracemalloc.start()
    try:
        refused(site, bomb, "more than 100000 bytes")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("packing", "content"),
    [
        ("zstd", zstandard.compress(b"\0" * 1_000_000)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x"))),
        ("br", b"x"),
    ],
    # gzip writes the second into its bytes, and every worker must collect the same names
    ids=["zstd", "gzip twice", "br"],
)
def test_a_packing_that_nobody_asked_for_is_refused(
    site: Site, packing: str, content: bytes
) -> None:
    refused(site, page(content, Content_Encoding=packing), "nobody asked for")


@pytest.mark.parametrize(
    "content",
    [b"<html>", gzip.compress(b"x") + gzip.compress(b"y")],
    ids=["no gzip", "gzip after gzip"],
)
def test_what_only_says_that_it_is_gzip_is_refused(site: Site, content: bytes) -> None:
    refused(site, page(content, Content_Encoding="gzip"), "incorrect header|goes on after its end")


def test_a_site_that_never_answers_is_left(site: Site) -> None:
    start = time.monotonic()
    refused(site, lambda _: time.sleep(0.5), "ReadTimeout", read_seconds=0.1)
    assert time.monotonic() - start < 5
    assert site.count(NAME) == LIMITS.attempts


def test_a_site_that_drips_is_left_when_the_time_is_up(site: Site) -> None:
    def drip(asked: BaseHTTPRequestHandler) -> None:
        page(b"", Content_Length="1000")(asked)
        for _ in range(100):
            asked.wfile.write(b"x")
            time.sleep(0.05)

    start = time.monotonic()
    refused(site, drip, "not whole after 0.3 s", total_seconds=0.3)
    assert time.monotonic() - start < 3


def test_the_time_is_for_every_attempt_together(site: Site) -> None:
    with stamina.set_testing(False):
        refused(site, status(503), "HTTP 503", total_seconds=0.4)
    assert site.count(NAME) < LIMITS.attempts

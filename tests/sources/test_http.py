"""The client against a site of our own that misbehaves in every way that a site can."""

import gzip
import random
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

import pytest
import stamina
import trustme
import zstandard

from sources._contract import DOCUMENT_END, Parsed, Rank, Source, SourceError
from sources._http import Client, Limits, Page, Validators
from tests.pipeline.loopback import Answer, Site, in_turn, page, redirect, serving, status

SOURCE: Final = Source(
    name="prices",
    url="https://prices.example/page",
    description="a page that exists in these tests only",
    rank=Rank.SELLER,
    cadence=timedelta(days=1),
    quote_count=(1, 1),
    parse=lambda _: Parsed([], []),
)
NAME: Final = SOURCE.name
_BOMB: Final = gzip.compress(b"\n" * 50_000_000, compresslevel=1)
LIMITS: Final = Limits(
    connect_seconds=2,
    read_seconds=2,
    total_seconds=10,
    byte_count=100_000,
    attempts=3,
    delay_seconds=0,
)


@pytest.fixture(autouse=True)
def _no_wait_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=LIMITS.attempts + 2, cap=True):
        yield


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("strangers") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def _few_authorities(strangers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # every client reads them all, and the world's are many
    monkeypatch.setenv("SSL_CERT_FILE", strangers)


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


def bomb() -> Answer:
    return page(_BOMB, Content_Encoding="gzip")


def test_a_compressed_page_counts_unpacked_and_step_by_step(site: Site) -> None:
    tracemalloc.start()
    try:
        refused(site, bomb(), "more than 100000 bytes")
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
    refused(site, lambda _: time.sleep(0.5), "ReadTimeout", read_seconds=0.3)
    assert time.monotonic() - start < 5
    assert site.count(NAME) == LIMITS.attempts


def test_a_site_that_drips_is_left_when_the_time_is_up(site: Site) -> None:
    def drip(asked: BaseHTTPRequestHandler) -> None:
        page(b"", Content_Length="1000")(asked)
        for _ in range(1_000):
            asked.wfile.write(b"x")
            time.sleep(0.05)

    start = time.monotonic()
    refused(site, drip, "not whole after 0.3 s", total_seconds=0.3)
    assert time.monotonic() - start < 3


def test_the_time_is_for_every_attempt_together(site: Site) -> None:
    with stamina.set_testing(False):
        refused(site, status(503), "HTTP 503", total_seconds=0.4)
    assert site.count(NAME) < LIMITS.attempts


# ---------------------------------------------------------------- asking again


def test_three_bad_answers_are_not_the_last_word(site: Site) -> None:
    answer = in_turn(status(500), status(500), status(500), page(b"x"))
    assert fetch(site, answer, attempts=Limits().attempts).content == b"x"
    assert site.count(NAME) == 4


def seconds(number: float) -> str:
    return str(int(number))


def date(number: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=number), usegmt=True)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for nothing, and keep how long it would have been."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.mark.parametrize("form", [seconds, date])
@pytest.mark.parametrize("code", [429, 503])
def test_a_site_is_asked_again_when_it_says(
    site: Site, code: int, form: Callable[[float], str], slept: list[float]
) -> None:
    busy = page(b"", code, Retry_After=form(7))
    with stamina.set_testing(False):
        assert fetch(site, in_turn(busy, page(b"x"))).content == b"x"
    assert [wait for wait in slept if 5 < wait <= 7] == [max(slept)]
    assert site.count(NAME) == 2


@pytest.mark.parametrize("form", [seconds, date])
def test_a_site_that_is_closed_for_long_is_left_at_once(
    site: Site, form: Callable[[float], str]
) -> None:
    with pytest.raises(SourceError, match=r"HTTP 429: .* left alone until (\S+);") as error:
        fetch(site, page(b"", 429, Retry_After=form(3600)))
    until = datetime.fromisoformat(str(error.value).partition("until ")[2].partition(";")[0])
    assert abs(until - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=5)
    assert site.count(NAME) == 1


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "Mon, 99 Foo 2026", "Fri, 31 Dec 1999 23:59:59 GMT"]
)
def test_a_time_that_nobody_can_read_is_no_reason_to_wait(site: Site, text: str) -> None:
    assert fetch(site, in_turn(page(b"", 503, Retry_After=text), page(b"x"))).content == b"x"


@pytest.mark.parametrize("text", ["9" * 99, "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_time_without_end_is_told_too(site: Site, text: str) -> None:
    refused(site, page(b"", 503, Retry_After=text), "left alone until 2")


def test_what_a_site_says_of_coming_back_holds_for_every_source_of_it(site: Site) -> None:
    site.answers |= {"busy": page(b"", 429, Retry_After="3600"), "other": page(b"x")}
    with own() as asking:
        for path in ("busy", "other"):
            with pytest.raises(SourceError, match="left alone until"):
                asking.fetch(at(site, path))
    assert site.count("other") == 0


def test_a_short_while_is_waited_for_by_every_source_of_it(site: Site, slept: list[float]) -> None:
    site.answers |= {"busy": page(b"", 429, Retry_After="7"), "other": page(b"x")}
    with own(attempts=1) as asking:
        with pytest.raises(SourceError, match="HTTP 429"):
            asking.fetch(at(site, "busy"))
        assert asking.fetch(at(site, "other")).content == b"x"
    assert 4 < slept[-1] <= 7


# ---------------------------------------------------------------- what did not change


TOLD: Final = Validators('W/"a-1"', "Wed, 21 Oct 2026 07:28:00 GMT")


def unless_known(asked: BaseHTTPRequestHandler) -> None:
    is_known = asked.headers["If-None-Match"] == TOLD.etag
    told = {"ETag": TOLD.etag or "", "Last_Modified": TOLD.last_modified or ""}
    (status(304) if is_known else page(b"x", 200, **told))(asked)


def test_a_page_that_did_not_change_is_not_sent_again(site: Site) -> None:
    site.answers[NAME] = unless_known
    with client(site) as asking:
        first = asking.fetch(SOURCE)
        again = asking.fetch(SOURCE, first.validators)
    assert (first.content, first.validators) == (b"x", TOLD)
    assert (again.content, again.validators, again.url) == (None, TOLD, first.url)
    assert site.asked[0][1].keys().isdisjoint({"if-none-match", "if-modified-since"})
    assert site.asked[1][1]["if-modified-since"] == TOLD.last_modified


def test_an_unchanged_page_may_tell_new_validators(site: Site) -> None:
    site.answers[NAME] = page(b"", 304, ETag='"b"')
    with client(site) as asking:
        assert asking.fetch(SOURCE, TOLD).validators == Validators('"b"', TOLD.last_modified)


def test_a_changed_page_that_tells_no_validators_has_none(site: Site) -> None:
    site.answers[NAME] = page(b"y")
    with client(site) as asking:
        got = asking.fetch(SOURCE, TOLD)
    assert (got.content, got.validators) == (b"y", Validators())


@pytest.mark.parametrize("known", [None, Validators()])
def test_unchanged_since_nothing_is_no_answer(site: Site, known: Validators | None) -> None:
    site.answers[NAME] = status(304)
    with client(site) as asking, pytest.raises(SourceError, match="HTTP 304"):
        asking.fetch(SOURCE, known)


@pytest.mark.parametrize("text", ['"\xe4"', '"' + "a" * 1_000 + '"', '"\t"', ""])
def test_a_validator_that_is_no_plain_text_is_not_kept(site: Site, text: str) -> None:
    assert fetch(site, page(b"x", ETag=text)).validators == Validators()


def test_validators_that_no_request_can_carry_are_not_sent(site: Site) -> None:
    site.answers[NAME] = page(b"x")
    with client(site) as asking:
        asking.fetch(SOURCE, Validators("\n", "\u4ef7"))
    assert site.asked[0][1].keys().isdisjoint({"if-none-match", "if-modified-since"})


@pytest.mark.parametrize("code", [201, 203, 204, 206, 300])
def test_an_answer_that_is_no_whole_page_is_none(site: Site, code: int) -> None:
    refused(site, page(b"x", code), f"HTTP {code}")
    assert site.count(NAME) == 1


# ---------------------------------------------------------------- what came is what is kept


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/html; charset=utf-16", "价格 $0.48".encode()),
        ("text/html; charset=utf-8", b"\xff\xfe\x00 $0.48 \xc3"),
        ("application/json", b"\xef\xbb\xbf{}"),
        ("text/html", b"<title>Just a moment...</title>Plans from $5"),
    ],
    ids=["wrong charset", "invalid UTF-8", "byte order mark", "bot wall"],
)
def test_bytes_are_kept_as_they_came(site: Site, kind: str, content: bytes) -> None:
    got = fetch(site, page(content, Content_Type=kind))
    assert (got.content, got.media_type) == (content, kind.partition(";")[0])


def test_a_page_that_goes_on_after_its_length_ends_there(site: Site) -> None:
    assert fetch(site, page(b"0.48 and more", Content_Length="4")).content == b"0.48"


def test_a_packed_page_that_goes_on_after_its_length_is_cut(site: Site) -> None:
    packed = gzip.compress(b"0.48" * 1000)
    answer = page(packed, Content_Encoding="gzip", Content_Length=str(len(packed) - 9))
    refused(site, answer, "cut short")


def unsized(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0.48")
    asked.close_connection = True


def test_a_page_without_a_length_ends_with_its_connection(site: Site) -> None:
    assert fetch(site, unsized).content == b"0.48"


def test_each_request_has_a_connection_to_itself_whose_end_can_be_kept(site: Site) -> None:
    fetch(site, page(b"x"))
    assert site.asked[0][1]["connection"] == "close"


def drip_headers(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    drip(asked)


def drip_body(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    drip(asked)


def drip_promises(asked: BaseHTTPRequestHandler) -> None:
    drip(asked, b"HTTP/1.1 100 Continue\r\n\r\n")


def drip(asked: BaseHTTPRequestHandler, drop: bytes = b"x") -> None:
    asked.close_connection = True
    for _ in range(1_000):  # or until the client hangs up
        asked.wfile.write(drop)
        time.sleep(0.02)


@pytest.mark.parametrize("dripping", [drip_headers, drip_body, drip_promises])
def test_whatever_drips_is_left_when_the_time_is_up(site: Site, dripping: Answer) -> None:
    start = time.monotonic()
    refused(site, dripping, r"not whole after 0\.2 s", total_seconds=0.2)
    assert time.monotonic() - start < 10
    assert site.count(NAME) <= 1


# ---------------------------------------------------------------- where it may ask


@contextmanager
def own(**limits: float) -> Iterator[Client]:
    """Open a client that asks the sources' own hosts."""
    opened = Client("c", limits=replace(LIMITS, **limits))
    try:
        yield opened
    finally:
        opened.close()


def at(site: Site, path: str, **changes: object) -> Source:
    return replace(SOURCE, url=f"{site.url}/{path}", **changes)  # type: ignore[arg-type]


@pytest.fixture
def other() -> Iterator[Site]:
    with serving({"moved": page(b"x")}) as opened:
        yield opened


def test_a_redirect_to_a_host_that_the_source_names_is_followed(site: Site, other: Site) -> None:
    site.answers["page"] = redirect(f"{other.url}/moved")
    with own() as asking:
        assert asking.fetch(at(site, "page", hosts=(host_of(other),))).content == b"x"
        with pytest.raises(SourceError, match="redirect to another place"):
            asking.fetch(at(site, "page"))
    assert [path for path, _ in other.asked] == ["robots.txt", "moved"]


def host_of(site: Site) -> str:
    return site.url.partition("://")[2]


@pytest.fixture
def misled(site: Site, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the site a public name, as whoever runs a name server can."""
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port_of(site))))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [here])
    return f"rebound.example:{port_of(site)}"


def port_of(site: Site) -> str:
    return site.url.rpartition(":")[2]


def test_a_name_that_leads_to_a_private_address_is_refused_unasked(site: Site, misled: str) -> None:
    with own() as asking, pytest.raises(SourceError, match=r"private address 127\.0\.0\.1"):
        asking.fetch(replace(SOURCE, url=f"http://{misled}/page"))
    assert not site.asked


def test_a_redirect_to_such_a_name_is_refused_unasked(site: Site, misled: str) -> None:
    site.answers["page"] = redirect(f"http://{misled}/moved")
    with own() as asking, pytest.raises(SourceError, match=r"private address 127\.0\.0\.1"):
        asking.fetch(at(site, "page", hosts=(misled,)))
    assert [path for path, _ in site.asked] == ["robots.txt", "page"]


def test_a_mirror_may_have_a_name_of_the_house(site: Site, misled: str) -> None:
    site.answers[NAME] = page(b"x")
    asking = Client("c", mirror=f"http://{misled}", limits=LIMITS)
    try:
        assert asking.fetch(SOURCE).content == b"x"
    finally:
        asking.close()


def test_a_proxy_finds_the_addresses_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", site.url)
    site.answers["http://prices.example/page"] = page(b"x")
    with own() as asking:
        assert asking.fetch(replace(SOURCE, url="http://prices.example/page")).content == b"x"


@pytest.mark.parametrize(
    "address", ["https://u:secret@prices.example/", "https://prices.example:secret/"]
)
@pytest.mark.parametrize("field", ["url", "more_urls", "hosts"])
def test_an_address_that_cannot_be_asked_is_told(address: str, field: str) -> None:
    values = {"url": address, "more_urls": (address,), "hosts": (address.removeprefix("https://"),)}
    with own() as asking, pytest.raises(SourceError, match="could not be reached: ") as error:
        asking.fetch(replace(SOURCE, **{field: values[field]}))  # type: ignore[arg-type]
    assert "u:secret" not in str(error.value)


def test_a_password_for_the_mirror_goes_into_the_request_only(site: Site) -> None:
    site.answers[NAME] = in_turn(page(b"x"), status(404))
    asking = Client("c", mirror=site.url.replace("//", "//u:secret@") + "/", limits=LIMITS)
    try:
        assert asking.fetch(SOURCE).url == f"{site.url}/{NAME}"
        with pytest.raises(SourceError) as error:
            asking.fetch(SOURCE)
    finally:
        asking.close()
    assert site.asked[0][1]["authorization"] == "Basic dTpzZWNyZXQ="
    assert "secret" not in str(error.value)


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secret_site(authority: trustme.CA) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving({"page": page(b"x"), "cut": cut, "unsized": unsized}, context) as opened:
        yield opened


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(secret_site: Site) -> None:
    secret_site.asked.clear()
    with own() as asking, pytest.raises(SourceError, match="certificate is not to be trusted"):
        asking.fetch(at(secret_site, "page"))
    assert not secret_site.asked


@pytest.mark.usefixtures("trusting")
def test_a_site_with_a_good_certificate_is_read(secret_site: Site) -> None:
    with own() as asking:
        assert asking.fetch(at(secret_site, "page")).content == b"x"


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("path", ["cut", "unsized"])
def test_tls_tells_a_cut_page_from_a_whole_one(secret_site: Site, path: str) -> None:
    # Python's server never says goodbye, as TLS demands: every end of its is a cut
    with own() as asking, pytest.raises(SourceError, match="ReadError"):
        asking.fetch(at(secret_site, path))


# ---------------------------------------------------------------- robots.txt


def rules(text: str) -> Answer:
    return page(text.encode(), Content_Type="text/plain")


def ask(site: Site, robots: Answer, **limits: float) -> Page:
    site.answers |= {"robots.txt": robots, "private/page": page(b"x")}
    with own(**limits) as asking:
        return asking.fetch(at(site, "private/page"))


ALLOWING: Final = {
    "for others": "User-agent: other\nDisallow: /\n",
    "another path": "User-agent: *\nDisallow: /public\n",
    "allowed for us": "User-agent: *\nDisallow: /\n\nUser-agent: RateCard\nAllow: /\n",
    "allowed in it": "User-agent: *\nDisallow: /\nAllow: /private/page$\n",
    "empty": "",
    "web page": "<!DOCTYPE html><title>Not found</title>",
    "noise": "\x00\x01\ufffd: \u2028 :::\nDisallow\nUser-agent\n*$*\nCrawl-delay: nan\n",
}


@pytest.mark.parametrize("text", ALLOWING.values(), ids=ALLOWING)
def test_what_robots_txt_allows_is_asked(site: Site, text: str) -> None:
    got = ask(site, rules(text))
    assert (got.content, got.robots) == (b"x", "allowed")


FORBIDDING: Final = {
    "for all": "User-agent: *\nDisallow: /private\n",
    "for us": "User-agent: *\nAllow: /\n\nuser-agent : RATECARD # us\nDisallow: /\n",
    "for us and others": "User-agent: other\nUser-agent: ratecard\nDisallow: /*page\n",
    "byte order mark": "\ufeffUser-agent: *\nDisallow: /\n",
    "old line ends": "User-agent: *\rDisallow: /\r",
    "half broken": "\x00\x01\nUser-agent: *\n???\nDisallow: /private/\n",
}


@pytest.mark.parametrize("text", FORBIDDING.values(), ids=FORBIDDING)
def test_what_robots_txt_forbids_is_not_asked(site: Site, text: str) -> None:
    with pytest.raises(SourceError, match=r"/robots\.txt forbids ratecard .*/private/page.*owner"):
        ask(site, rules(text))
    assert [path for path, _ in site.asked] == ["robots.txt"]


@pytest.mark.parametrize("code", [204, 400, 401, 403, 404, 410, 451])
def test_a_site_without_robots_txt_has_no_rules(site: Site, code: int) -> None:
    assert ask(site, status(code)).robots == "no robots.txt"


UNREADABLE: Final[dict[str, tuple[Answer, str]]] = {
    "500": (status(500), "HTTP 500"),
    "501": (status(501), "HTTP 501"),
    "429": (status(429), "HTTP 429"),
    "206": (page(b"", 206), "HTTP 206"),
    "cut": (cut, "RemoteProtocolError"),
    "nothing": (nothing, "RemoteProtocolError"),
}


@pytest.mark.parametrize(("answer", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_nothing_is_asked_while_the_rules_are_not_known(
    site: Site, answer: Answer, problem: str
) -> None:
    with pytest.raises(SourceError, match=f"its robots.txt is not to be had: {problem}"):
        ask(site, answer)
    assert [path for path, _ in site.asked] == ["robots.txt"] * LIMITS.attempts


def test_rules_that_are_had_at_the_second_try_are_good_enough(site: Site) -> None:
    got = ask(site, in_turn(status(503), rules("User-agent: *\nAllow: /")))
    assert (got.content, got.robots) == (b"x", "allowed")


@pytest.mark.parametrize("target", ["/robots.txt", "http://127.0.0.1:1/robots.txt"])
def test_rules_are_not_looked_for_elsewhere(site: Site, target: str) -> None:
    with pytest.raises(SourceError, match=r"its robots.txt is not to be had: (a|more than 5) re"):
        ask(site, redirect(target))
    assert site.count("private/page") == 0


def test_rules_that_drip_are_left_when_the_time_is_up(site: Site) -> None:
    with pytest.raises(SourceError, match=r"its robots.txt is not to be had: not whole after"):
        ask(site, drip_body, total_seconds=0.2)


def test_rules_beyond_the_first_500_kib_are_not_read(site: Site) -> None:
    filler = f"# {'x' * 1021}\n" * 499
    last = "User-agent: *\nDisallow: /"
    cut_rule = filler + "#" * (1024 - len(last) - 1) + f"\n{last}"
    assert len(cut_rule) == 500 * 1024
    assert ask(site, rules(cut_rule + "public\nDisallow: /private\n")).robots == "allowed"
    with pytest.raises(SourceError, match="forbids"):
        ask(site, rules(cut_rule + "\n"))


def test_rules_that_pack_badly_are_not_unpacked_for_ever(site: Site) -> None:
    tracemalloc.start()
    try:
        assert ask(site, bomb()).robots == "allowed"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


def test_many_agents_with_many_rules_cost_no_more_than_they_are_long(site: Site) -> None:
    agents = "".join(f"User-agent: a{number}\n" for number in range(14_000))
    forbidden = "".join(f"Disallow: /{number}\n" for number in range(14_000))
    start = time.process_time()
    assert ask(site, rules(agents + forbidden)).robots == "allowed"
    assert time.process_time() - start < 5


def test_a_redirect_is_held_against_the_rules_too(site: Site) -> None:
    site.answers |= {
        "robots.txt": rules("User-agent: *\nDisallow: /private"),
        "page": redirect("/private/page"),
    }
    with own() as asking, pytest.raises(SourceError, match=r"forbids ratecard .*/private/page"):
        asking.fetch(at(site, "page"))
    assert site.count("private/page") == 0


def test_a_host_is_asked_for_its_rules_once(site: Site) -> None:
    site.answers |= {"robots.txt": rules(""), "a": page(b"a"), "b": page(b"b")}
    with own() as asking, ThreadPoolExecutor(4) as pool:
        got = list(pool.map(asking.fetch, [at(site, "a"), at(site, "b")] * 4))
    assert [answer.content for answer in got] == [b"a", b"b"] * 4
    assert site.count("robots.txt") == 1


def test_a_mirror_is_not_asked_for_rules(site: Site) -> None:
    site.answers["robots.txt"] = rules("User-agent: *\nDisallow: /")
    assert fetch(site, page(b"x")).robots == "not asked (mirror)"
    assert site.count("robots.txt") == 0


# ---------------------------------------------------------------- one after the other


@pytest.mark.parametrize("share", [0, 1])
def test_a_host_is_left_in_peace_between_two_requests(
    site: Site, slept: list[float], share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low + share * (high - low))
    site.answers |= {"a": redirect("/b"), "b": page(b"b")}
    with own(delay_seconds=100) as asking:
        asking.fetch(at(site, "a"))
    assert [path for path, _ in site.asked] == ["robots.txt", "a", "b"]
    first, *pauses = slept
    assert first == 0
    assert len(pauses) == 2
    assert all(90 < pause - 50 * share <= 100 for pause in pauses)


@pytest.mark.parametrize(("wanted", "least"), [("200", 190), ("0.5", 90), ("86400", 990)])
def test_a_delay_that_robots_txt_asks_for_is_kept_within_reason(
    site: Site, slept: list[float], wanted: str, least: float
) -> None:
    text = f"User-agent: *\nCrawl-delay: {wanted}\n"
    got = ask(site, rules(text), delay_seconds=100, crawl_delay_seconds=1000)
    assert got.robots == f"allowed, one request in {wanted} s"
    assert least < slept[1] < 1.6 * (least + 10)


def test_the_delay_is_real(site: Site) -> None:
    at_times: list[float] = []

    def note(asked: BaseHTTPRequestHandler) -> None:
        at_times.append(time.monotonic())
        page(b"x")(asked)

    site.answers |= {"robots.txt": note, "page": note}
    with own(delay_seconds=0.1) as asking:
        asking.fetch(at(site, "page"))
    assert at_times[1] - at_times[0] >= 0.1


def test_a_mirror_is_asked_without_delay(site: Site, slept: list[float]) -> None:
    site.answers[NAME] = page(b"x")
    with client(site, delay_seconds=100) as asking:
        asking.fetch(SOURCE)
        asking.fetch(SOURCE)
    assert not slept


def test_one_request_at_a_time_reaches_a_host(site: Site) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def slow(asked: BaseHTTPRequestHandler) -> None:
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.pop()
        page(b"x")(asked)

    site.answers |= {"robots.txt": slow, "a": slow, "b": slow, "c": slow}
    with own() as asking, ThreadPoolExecutor(3) as pool:
        list(pool.map(asking.fetch, [at(site, path) for path in "abc"]))
    assert most == [1, 1, 1, 1]


def test_different_hosts_are_asked_side_by_side(site: Site, other: Site) -> None:
    both = threading.Barrier(2, timeout=5)

    def together(asked: BaseHTTPRequestHandler) -> None:
        both.wait()
        page(b"x")(asked)

    site.answers["page"] = other.answers["page"] = together
    with own() as asking, ThreadPoolExecutor(2) as pool:
        got = list(pool.map(asking.fetch, [at(site, "page"), at(other, "page")]))
    assert [answer.content for answer in got] == [b"x", b"x"]


def test_the_sources_of_a_mirror_are_asked_side_by_side(site: Site) -> None:
    both = threading.Barrier(2, timeout=5)

    def together(asked: BaseHTTPRequestHandler) -> None:
        both.wait()
        page(b"x")(asked)

    site.answers |= {"a": together, "b": together}
    with client(site) as asking, ThreadPoolExecutor(2) as pool:
        list(pool.map(asking.fetch, [replace(SOURCE, name=name) for name in "ab"]))


def test_waiting_for_a_slow_neighbour_is_not_held_against_a_source(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monotonic, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed[0])
    is_asked, is_next = threading.Event(), threading.Event()

    def slow(asked: BaseHTTPRequestHandler) -> None:
        is_asked.set()
        is_next.wait(5)
        time.sleep(0.2)  # until the other one stands in line
        passed[0] = 2 * LIMITS.total_seconds
        page(b"a")(asked)

    def ask_next() -> Page:
        is_next.set()
        return asking.fetch(at(site, "b"))

    site.answers |= {"a": slow, "b": page(b"b")}
    with own() as asking, ThreadPoolExecutor(2) as pool:
        pool.submit(asking.fetch, at(site, "a"))
        assert is_asked.wait(5)
        assert pool.submit(ask_next).result().content == b"b"


# ---------------------------------------------------------------- several documents


def next_in(document: bytes) -> str | None:
    """Find what stands after `next:`."""
    return document.partition(b"next:")[2].decode() or None


def joined(*documents: bytes) -> bytes:
    return DOCUMENT_END.join(documents)


def test_documents_come_in_order_each_with_those_that_continue_it(site: Site) -> None:
    documents = {
        "a": b"A next:/a?page=2",
        "a?page=2": b"A2 next:a?page=3",
        "a?page=3": b"A3",
        "b": b"B next:%s/b2" % site.url.encode(),
        "b2": b"B2",
        "c": b"C",
    }
    site.answers |= {path: page(content, ETag='"e"') for path, content in documents.items()}
    more = (f"{site.url}/b", f"{site.url}/c")
    several = at(site, "a", more_urls=more, next_page=next_in)
    with own() as asking:
        got = asking.fetch(several, Validators('"e"', None))
    assert got.content == joined(*documents.values())
    assert (got.url, got.validators, got.robots) == (several.url, Validators(), "no robots.txt")
    assert [path for path, _ in site.asked] == ["robots.txt", *documents]
    assert not any("if-none-match" in headers for _, headers in site.asked)


def test_a_mirror_has_the_further_documents_by_number(site: Site) -> None:
    documents = {
        NAME: b"A next:https://prices.example/page?2",
        f"{NAME}/2": b"A2",
        f"{NAME}/3": b"B next:https://elsewhere.example/",
        f"{NAME}/4": b"B2",
    }
    site.answers |= {path: page(content) for path, content in documents.items()}
    several = replace(SOURCE, more_urls=("https://prices.example/b",), next_page=next_in)
    with client(site) as asking:
        assert asking.fetch(several).content == joined(*documents.values())
    assert [path for path, _ in site.asked] == list(documents)


def endless(asked: BaseHTTPRequestHandler) -> None:
    number = int(asked.path.partition("?")[2] or 1)
    page(f"next:/page?{number + 1}".encode())(asked)


def ask_pages(site: Site, first: Answer, **limits: float) -> Page:
    site.answers["page"] = first
    with own(**limits) as asking:
        return asking.fetch(at(site, "page", next_page=next_in))


def test_pages_without_end_are_left(site: Site) -> None:
    site.answers |= {f"page?{number}": endless for number in range(2, 9)}
    with pytest.raises(SourceError, match=r"page\?6 could not be reached: more than 5 documents"):
        ask_pages(site, endless, pages=5)
    assert sum(path.startswith("page") for path, _ in site.asked) == 5


def test_pages_that_go_round_are_left(site: Site) -> None:
    site.answers["page?2"] = page(b"next:/page")
    with pytest.raises(SourceError, match="go round"):
        ask_pages(site, page(b"next:/page?2"))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:{port}/",
        "http://u:secret@127.0.0.1:{port}/",
        "//127.0.0.2:{port}/",
        "file:///etc/hosts",
        "http://[::1]:{port}/",
    ],
)
def test_a_next_page_elsewhere_is_refused_unasked(site: Site, target: str) -> None:
    with pytest.raises(SourceError, match="a next page to another place") as error:
        ask_pages(site, page(f"next:{target.format(port=port_of(site))}".encode()))
    assert "secret" not in str(error.value)
    assert [path for path, _ in site.asked] == ["robots.txt", "page"]


@pytest.mark.parametrize("text", [b"next:http://a:port/", b"next:\xff", b"next:\x00"])
def test_a_next_page_that_nobody_can_read_fails_its_source(site: Site, text: bytes) -> None:
    with pytest.raises(SourceError, match="no telling what its next page is"):
        ask_pages(site, page(text))


@pytest.mark.parametrize(
    ("second", "problem"), [(status(404), "HTTP 404"), (cut, "RemoteProtocolError")]
)
def test_a_source_is_whole_or_nothing(site: Site, second: Answer, problem: str) -> None:
    site.answers["page?2"] = second
    with pytest.raises(SourceError, match=rf"page\?2 could not be reached: {problem}"):
        ask_pages(site, page(b"next:/page?2"))


def test_each_document_is_tried_again_by_itself(site: Site) -> None:
    site.answers["page?2"] = in_turn(cut, page(b"x"))
    assert ask_pages(site, page(b"next:/page?2")).content == b"next:/page?2\nx"
    assert site.count("page") == 1


def test_the_documents_count_together(site: Site) -> None:
    site.answers["page?2"] = page(b"x" * 60_000)
    first = b"x" * 40_000
    with pytest.raises(SourceError, match=r"page\?2 .*more than 100000 bytes"):
        ask_pages(site, page(first + b"next:/page?2"))


def test_the_time_is_for_every_document_together(site: Site) -> None:
    def slow(asked: BaseHTTPRequestHandler) -> None:
        time.sleep(0.05)
        endless(asked)

    site.answers |= {f"page?{number}": slow for number in range(2, 99)}
    with pytest.raises(SourceError, match=r"not whole after 0\.4 s"):
        ask_pages(site, slow, total_seconds=0.4)

"""The one client that asks sources for their pages: polite, bounded, suspicious.

What a site may expect of it: it says who asks, keeps to robots.txt, sends one request at a time
and pauses between two, asks again only what may pass, and comes back no sooner than it is told.
"""

import ipaddress
import random
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import inf
from typing import Any, Final

import httpx
import stamina
import stamina.instrumentation
from protego import Protego

from sources._contract import DOCUMENT_END, Source, SourceError
from sources._parsing import shown

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_STEP: Final = 65_536
_AGENT: Final = "ratecard"
# RFC 9309, 2.5: at least 500 kibibytes of a robots.txt are read.
# https://www.rfc-editor.org/rfc/rfc9309#section-2.5 (2022-09)
_ROBOTS_BYTES: Final = 500 * 1024
_ROBOTS_AGENT: Final = re.compile(r"\s*user[- ]?agent(?:\s*:|\s)([^#]*)", re.IGNORECASE)
_NOT_ASKED: Final = "not asked (mirror)"
_KEPT: Final = "its last good prices stay; it is asked again when it is next due"
_LONGEST_VALIDATOR: Final = 1_000
_LONGEST_PROBLEM: Final = 500
_LONGEST_WAIT: Final = 1e9

# A retry that helped is nobody's concern, and stamina would tell of it on the standard output,
# in the middle of the command's JSON.
stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True)
class Limits:
    """What one fetch may take, and how long it leaves a host in peace. Times are in seconds.

    `connect_seconds` is for each address that a host's name has; how long the name itself takes
    is the system's setting. `read_seconds` is between two bytes. `total_seconds` is for the
    whole fetch: robots.txt, every redirect, every attempt, every document, but not the wait for
    the host's turn, so that a source does not fail for its slow neighbours. `byte_count` is for
    all documents together, after decompression. `attempts` and `redirects` are for each
    document, `pages` is how many documents there may be.

    `delay_seconds` lies between two requests to one host, and up to a half of it more, at
    random. A robots.txt that asks for a longer one is obeyed up to `crawl_delay_seconds`.
    """

    connect_seconds: float = 10
    read_seconds: float = 20
    total_seconds: float = 60
    byte_count: int = 32 * 1024 * 1024
    attempts: int = 4
    redirects: int = 5
    pages: int = 100
    delay_seconds: float = 1
    crawl_delay_seconds: float = 10


@dataclass(frozen=True)
class Validators:
    """What an answer said by which the next one can be "not modified" (RFC 9110, 8.8).

    Kept as the site wrote them. Both are null where it gave none.
    """

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Page:
    """A whole answer: its bytes after decompression, where it came from, what it says it is.

    `content` is null where the site says that nothing changed since the answer whose validators
    it was shown. `url` and `media_type` are the first document's. `validators` belong to the
    next fetch of the same source. `robots` is what robots.txt said, in a few words.
    """

    content: bytes | None
    url: str
    media_type: str | None
    validators: Validators = Validators()
    robots: str = _NOT_ASKED


class _PassingError(Exception):
    """A failure that may be gone at the next try, `wait` seconds from now if the site says so."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


class _LastingError(Exception):
    """A failure that the next try would meet again."""


_FAILURES: Final = (_PassingError, _LastingError, httpx.HTTPError, httpx.InvalidURL, zlib.error)


class Client:
    """Fetches sources' pages. Safe to use from several threads; made for one refresh.

    `contact` stands in the User-Agent, so that a site's owner can say what bothers him.

    `mirror` is asked instead of the sources' own hosts where it is given: at `<mirror>/<source>`
    for a source's first document, at `<mirror>/<source>/2` and so on for the further ones. It is
    the user's own machine, so its address may be private, it has no robots.txt to ask for, and
    it is asked by all at once. User and password in its address go into the request only.

    Without a mirror, a host is asked only if the source names it, and only at a public address.
    A source on your own network says so by naming `localhost` or the private address itself,
    as digits. Where the environment sets a proxy, the proxy finds the addresses.
    """

    def __init__(
        self, contact: str, *, mirror: str | None = None, limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._hosts: dict[str, _Host] = {}
        address = httpx.URL(mirror) if mirror else None
        self._mirror = str(address.copy_with(userinfo=b"")).rstrip("/") if address else None
        self._http = httpx.Client(
            auth=(address.username, address.password) if address and address.userinfo else None,
            headers={
                "User-Agent": f"{_AGENT} (+{contact})",
                "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
                "Accept-Encoding": "gzip",
                # a request is seldom followed by another one soon, and each is watched by itself
                "Connection": "close",
            },
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def fetch(self, source: Source, validators: Validators | None = None) -> Page:
        """Ask a source for its page, or for all its documents, joined by `DOCUMENT_END`.

        `validators` are those of the last good page of this source. The answer may then be that
        nothing changed: a page without content. A source of several documents is always asked
        in full.

        Tries again after what can pass: a busy server, a broken connection, a timeout. Not after
        what can't, nor where nobody listens: such a failure is told at once. Each document is
        followed by those that `next_page` finds after it, at addresses relative to it; of a
        mirror it only tells that there is one more.

        Raises `SourceError` where any document did not come whole: refused, too large, too slow,
        cut short, forbidden by robots.txt, elsewhere than where the source may lead. A body that
        ends with its connection, without a length, is whole unless TLS says otherwise (RFC 9112,
        section 8, 2022-06); one that goes on after its stated length ends there.
        """
        return _Fetch(self._http, self._hosts, self._limits, source, self._mirror).page(validators)


class _Clock:
    """How long a fetch still has. It stands still while the fetch waits for its turn."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._ends_at - time.monotonic()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        began_at = time.monotonic()
        try:
            yield
        finally:
            self._ends_at += time.monotonic() - began_at


@dataclass
class _Host:
    """What a client knows of one host.

    `turn` is held for one request and nothing is waited for meanwhile but its answer;
    `learning` is held until robots.txt was read, over several turns.
    """

    turn: threading.Lock = field(default_factory=threading.Lock)
    learning: threading.Lock = field(default_factory=threading.Lock)
    last_asked_at: float = -inf
    closed_until: float = -inf
    robots: "_Robots | None" = None


@dataclass(frozen=True)
class _Robots:
    """What a host's robots.txt said: its rules, the delay it asks for, and both in a few words."""

    rules: Protego
    delay_seconds: float
    told: str


@dataclass(frozen=True)
class _Answer:
    """One answer, whole as far as it was read; only a 200 has content."""

    status: int
    url: httpx.URL
    headers: httpx.Headers
    content: bytes
    leads_to: httpx.URL | None


class _Fetch:
    """One fetch of one source: where it may ask, how long it has, what it heard so far."""

    def __init__(
        self,
        http: httpx.Client,
        hosts: dict[str, _Host],
        limits: Limits,
        source: Source,
        mirror: str | None,
    ) -> None:
        self._http = http
        self._hosts = hosts
        self._limits = limits
        self._source = source
        self._mirror = mirror
        self._places = frozenset[bytes]()
        self._clock = _Clock(limits.total_seconds)
        self._bytes_left = limits.byte_count
        self._last_failure: Exception | None = None
        self._told: dict[str, None] = {}

    def page(self, validators: Validators | None) -> Page:
        is_single = not self._source.more_urls and self._source.next_page is None
        shown_before = validators if validators and is_single else Validators()
        self._places = self._named_places()
        answers = list(self._documents(_conditions(shown_before)))
        first = answers[0]
        is_new = first.status == httpx.codes.OK
        told = _validators(first.headers) if is_single else Validators()
        if not is_new:  # and a 304 need not repeat them
            told = Validators(
                told.etag or shown_before.etag, told.last_modified or shown_before.last_modified
            )
        media_type = first.headers.get("content-type", "").partition(";")[0].strip()
        return Page(
            DOCUMENT_END.join(answer.content for answer in answers) if is_new else None,
            str(first.url),
            media_type or None,
            told,
            "; ".join(self._told) or _NOT_ASKED,
        )

    def _named_places(self) -> frozenset[bytes]:
        """Give the hosts that may be asked, each with its port unless it is the usual one."""
        source = self._source
        try:
            urls = [httpx.URL(address) for address in (source.url, *source.more_urls)]
            urls += [httpx.URL(f"{urls[0].scheme}://{host}") for host in source.hosts]
        except httpx.InvalidURL as error:
            raise self._error("an address of the source", str(error)) from error
        for url in urls:
            if url.userinfo:
                bare = url.copy_with(userinfo=b"")
                raise self._error(bare, "an address with a user or a password is not asked")
        if self._mirror is not None:
            urls = [httpx.URL(self._mirror)]
        return frozenset(url.netloc for url in urls)

    def _documents(self, conditions: Mapping[str, str]) -> Iterator[_Answer]:
        """Ask for each document that the source names, and after each for those that go on."""
        asked = set[httpx.URL]()
        count = 0
        for start in (self._source.url, *self._source.more_urls):
            url: httpx.URL | None = httpx.URL(start)
            while url is not None:
                count += 1
                if self._mirror is not None:
                    name = self._source.name
                    url = httpx.URL(f"{self._mirror}/{name}" + (f"/{count}" if count > 1 else ""))
                if count > self._limits.pages:
                    raise self._error(url, f"more than {self._limits.pages} documents")
                if url in asked:
                    raise self._error(url, "its next pages go round")
                asked.add(url)
                answer = self._document(url, conditions)
                yield answer
                url = self._next_page(answer)

    def _next_page(self, answer: _Answer) -> httpx.URL | None:
        if self._source.next_page is None:
            return None
        try:
            address = self._source.next_page(answer.content)
            url = None if address is None else answer.url.join(address)
        except Exception as error:
            # whatever the page holds, it fails this source and not the run
            raise self._error(answer.url, f"no telling what its next page is: {error!r}") from error
        if url is not None and self._mirror is None and not self._may_lead(answer.url, url):
            raise self._error(answer.url, _elsewhere("next page", url))
        return url

    def _document(self, url: httpx.URL, conditions: Mapping[str, str]) -> _Answer:
        """Ask for one document until it comes whole or there is no use in asking again."""
        self._last_failure = None
        try:
            for attempt in stamina.retry_context(
                on=self._is_worth_another_try,
                attempts=self._limits.attempts,
                timeout=None,  # which would count the waiting for the host's turn
                wait_initial=0.5,
                wait_max=5,
            ):
                with attempt:
                    answer = self._follow(url, conditions, self._bytes_left)
                    return self._whole(answer, conditions)
        except _FAILURES as error:
            raise self._error(url, _problem(error)) from error
        raise AssertionError("a retry context gives an answer or raises")

    def _whole(self, answer: _Answer, conditions: Mapping[str, str]) -> _Answer:
        is_unchanged = answer.status == httpx.codes.NOT_MODIFIED and conditions
        if answer.status != httpx.codes.OK and not is_unchanged:
            raise _LastingError(f"HTTP {answer.status}")
        self._bytes_left -= len(answer.content)
        if self._bytes_left < 0:
            raise _LastingError(f"more than {self._limits.byte_count} bytes")
        return answer

    def _is_worth_another_try(self, error: Exception) -> bool | float:
        """Tell whether to try again, and in how many seconds if the site has said so."""
        self._last_failure = error
        if not isinstance(error, _PassingError) or self._clock.left <= 0:
            return False
        return error.wait or True

    def _follow(
        self, url: httpx.URL, conditions: Mapping[str, str], most: int, *, is_robots: bool = False
    ) -> _Answer:
        """Ask, and ask where the answer points to, as long as it is a place of the source."""
        for _ in range(self._limits.redirects + 1):
            if self._mirror is None and not is_robots:
                self._keep_to_robots(url)
            answer = self._ask(url, conditions, most)
            if answer.leads_to is None:
                return answer
            if not self._may_lead(url, answer.leads_to):
                raise _LastingError(_elsewhere("redirect", answer.leads_to))
            url = answer.leads_to
        raise _LastingError(f"more than {self._limits.redirects} redirects")

    def _may_lead(self, origin: httpx.URL, target: httpx.URL) -> bool:
        is_same_kind = target.scheme == origin.scheme and not target.userinfo
        return is_same_kind and target.netloc in self._places

    def _host(self, url: httpx.URL) -> _Host:
        return self._hosts.setdefault(f"{url.scheme}://{url.netloc.decode('ascii')}", _Host())

    def _keep_to_robots(self, url: httpx.URL) -> None:
        """Let pass what the host's robots.txt allows, which is read once.

        https://www.rfc-editor.org/rfc/rfc9309 (2022-09), 2.3.1: a client error means that there
        are no rules; where the rules can't be had, everything is forbidden.
        """
        host = self._host(url)
        with self._clock.stopped():
            host.learning.acquire()
        try:
            robots = host.robots = host.robots or self._read_robots(url.join("/robots.txt"))
        finally:
            host.learning.release()
        if not robots.rules.can_fetch(str(url), _AGENT):
            raise SourceError(
                self._source.name,
                f"{url.join('/robots.txt')} forbids {_AGENT} to ask for {url.path}, so it is "
                "not asked for",
                "ask the site's owner to allow it, or save the page yourself and load it with "
                "`ratecard backfill`",
            )
        self._told[robots.told] = None

    def _read_robots(self, url: httpx.URL) -> _Robots:
        unread = "its robots.txt is not to be had"
        try:
            answer = self._follow(url, {}, _ROBOTS_BYTES, is_robots=True)
        except _PassingError as error:
            raise _PassingError(f"{unread}: {error}", error.wait) from error
        except _FAILURES as error:
            raise _LastingError(f"{unread}: {_problem(error)}") from error
        status = answer.status
        if httpx.codes.is_client_error(status) or status == httpx.codes.NO_CONTENT:
            return _Robots(Protego.parse(""), 0, "no robots.txt")
        if status != httpx.codes.OK:
            raise _PassingError(f"{unread}: HTTP {status}")
        rules = Protego.parse(_rules_for_us(answer.content))
        delay = rules.crawl_delay(_AGENT) or 0
        told = f"allowed, one request in {delay:g} s" if delay else "allowed"
        return _Robots(rules, min(delay, self._limits.crawl_delay_seconds), told)

    @contextmanager
    def _turn(self, url: httpx.URL) -> Iterator[None]:
        """Wait until the host was left in peace long enough, and keep everybody else waiting."""
        if self._mirror is not None:
            yield
            return
        host = self._host(url)
        with self._clock.stopped():
            host.turn.acquire()
        try:
            asked_for = host.robots.delay_seconds if host.robots else 0
            pause = max(self._limits.delay_seconds, asked_for) * random.uniform(1, 1.5)  # noqa: S311
            now = time.monotonic()
            if host.closed_until - now > self._clock.left:
                raise _LastingError(_closed(host.closed_until - now))
            with self._clock.stopped():
                time.sleep(max(host.last_asked_at + pause, host.closed_until, now) - now)
            try:
                yield
            finally:
                host.last_asked_at = time.monotonic()
        finally:
            host.turn.release()

    def _ask(self, url: httpx.URL, conditions: Mapping[str, str], most: int) -> _Answer:
        """Send one request. The content may be longer than `most`, by a byte: too long."""
        with self._turn(url):
            left = self._clock.left
            if left <= 0:
                raise self._too_slow()
            timeout = httpx.Timeout(
                min(self._limits.read_seconds, left),
                connect=min(self._limits.connect_seconds, left),
            )
            watch = _Watch(url, left, is_trusted=self._mirror is not None)
            try:
                with (
                    watch,
                    self._http.stream(
                        "GET",
                        url,
                        headers=conditions,
                        timeout=timeout,
                        extensions={"trace": watch.trace},
                    ) as response,
                ):
                    answer = _read(response, most)
            except httpx.TransportError as error:
                is_late = watch.is_over or self._clock.left <= 0
                raise (self._too_slow() if is_late else _understood(error)) from error
            if watch.is_over:  # and what came before is perhaps not all
                raise self._too_slow()
            if answer.status in _PASSING:
                raise self._busy(answer)
            return answer

    def _busy(self, answer: _Answer) -> _PassingError | _LastingError:
        wait = _retry_after(answer.headers)
        if wait is not None and self._mirror is None:
            self._host(answer.url).closed_until = time.monotonic() + wait
        if wait is not None and wait > self._clock.left:
            return _LastingError(f"HTTP {answer.status}: {_closed(wait)}")
        return _PassingError(f"HTTP {answer.status}", wait)

    def _too_slow(self) -> _LastingError:
        before = f", and the try before it met {self._last_failure}" if self._last_failure else ""
        return _LastingError(f"not whole after {self._limits.total_seconds} s{before}")

    def _error(self, url: httpx.URL | str, problem: str) -> SourceError:
        problem = problem[:_LONGEST_PROBLEM]  # it may quote what the site sent
        return SourceError(self._source.name, f"{url} could not be reached: {problem}", _KEPT)


class _Watch:
    """Watches the connection of one request: whom it reaches, and that it ends in time.

    A read timeout starts anew with every byte, so that an answer that drips would never end.
    This one shuts the connection when the time is up, whatever it does just then.

    httpx's trace shows a connection before anything is sent through it. A name that leads to a
    private address is refused there, and not by a look-up of our own, whose answer need not be
    the one that is used. A host that stands as an address in the source is what it says.
    """

    def __init__(self, url: httpx.URL, seconds: float, *, is_trusted: bool) -> None:
        self.is_over = False
        self._host = url.raw_host.decode("ascii")
        self._is_trusted = is_trusted or self._host == "localhost" or _is_address(self._host)
        self._reached: str | None = None
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._socket is not None:
            self._socket.close()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow what happens to the connection.

        https://www.python-httpx.org/advanced/extensions/#trace (httpx 0.28)
        """
        if event.endswith("connect_tcp.started"):
            self._reached = info["host"]
        elif event.endswith("connect_tcp.complete"):
            stream = info["return_value"]
            try:
                self._check_peer(stream.get_extra_info("server_addr")[0])
                # A duplicate, since TLS takes the socket itself over.
                self._socket = stream.get_extra_info("socket").dup()
                self._check_time()
            except BaseException:
                stream.close()
                raise
        elif event.endswith("start_tls.complete"):
            secured = info["return_value"].get_extra_info("socket")
            if isinstance(secured, ssl.SSLSocket):
                # Or Python takes a connection that was cut for the end of the body.
                secured.suppress_ragged_eofs = False  # type: ignore[attr-defined]

    def _check_time(self) -> None:
        if self.is_over:  # there was no connection to shut yet
            raise httpx.ConnectTimeout("the time is up")

    def _check_peer(self, peer: str) -> None:
        is_proxy = self._reached != self._host
        if not (self._is_trusted or is_proxy or _is_public(peer)):
            raise _LastingError(
                f"{self._host} leads to the private address {peer}, which is not asked"
            )

    def _end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_global


def _understood(error: httpx.TransportError) -> _PassingError | _LastingError:
    """Tell what may pass from what would be met again."""
    if isinstance(error.__cause__, httpx.InvalidURL):
        return _LastingError(str(error))  # a redirect to nowhere
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _LastingError(f"its TLS certificate is not to be trusted: {error}")
    if isinstance(error, httpx.TimeoutException | httpx.RemoteProtocolError | httpx.ReadError):
        return _PassingError(f"{type(error).__name__}: {error}")
    return _LastingError(_problem(error))


def _problem(error: Exception) -> str:
    return str(error) or type(error).__name__


def _elsewhere(what: str, url: httpx.URL) -> str:
    place = f"{url.scheme}://{url.netloc.decode('ascii')}"
    return f"a {what} to another place, {shown(place)}, is refused: the source does not name it"


def _closed(seconds: float) -> str:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return f"the site asks to be left alone until {until:%Y-%m-%dT%H:%M:%SZ}"


def _retry_after(headers: httpx.Headers) -> float | None:
    """Read how many seconds to wait, from now: given as such, or as a date.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 (2022-06)
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,99}", text):
        return min(float(text), _LONGEST_WAIT)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    left = then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)
    return min(max(0.0, left.total_seconds()), _LONGEST_WAIT)


def _conditions(validators: Validators) -> dict[str, str]:
    named = {
        "If-None-Match": _plain(validators.etag),
        "If-Modified-Since": _plain(validators.last_modified),
    }
    return {name: text for name, text in named.items() if text}


def _validators(headers: httpx.Headers) -> Validators:
    return Validators(_plain(headers.get("etag")), _plain(headers.get("last-modified")))


def _plain(text: str | None) -> str | None:
    """Give a header's text if a request can carry it back."""
    is_plain = text and text.isascii() and text.isprintable() and len(text) <= _LONGEST_VALIDATOR
    return text if is_plain else None


def _rules_for_us(robots: bytes) -> str:
    """Give a robots.txt's text, as far as it is read, with everybody else under one name.

    A file can name ten thousand agents before ten thousand rules, and the parser would keep
    every rule for every agent.
    """
    if len(robots) > _ROBOTS_BYTES:
        robots = robots[: _ROBOTS_BYTES + 1].rpartition(b"\n")[0]  # half a rule is another rule
    lines = robots.decode("utf-8-sig", "replace").splitlines()
    return "\n".join("User-agent: other" if _is_for_others(line) else line for line in lines)


def _is_for_others(line: str) -> bool:
    agent = _ROBOTS_AGENT.match(line)
    return agent is not None and not _AGENT.startswith(agent[1].strip().strip("*").lower())


def _read(response: httpx.Response, most: int) -> _Answer:
    leads_to = None
    if response.has_redirect_location:
        leads_to = response.url.join(response.headers["location"])
    content = bytearray()
    if response.status_code == httpx.codes.OK:
        for chunk in _unpacked(response):
            content += chunk
            if len(content) > most:
                break
    return _Answer(
        response.status_code, response.url, response.headers, bytes(content[: most + 1]), leads_to
    )


def _unpacked(answer: httpx.Response) -> Iterator[bytes]:
    """Give a body as it comes, unpacked step by step.

    httpx would unpack whatever one read gives at once, and a few kilobytes can be gigabytes.
    """
    packing = answer.headers.get("content-encoding", "identity").lower()
    if packing == "identity":
        yield from answer.iter_raw()
    elif packing == "gzip":
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        for packed in answer.iter_raw():
            step = unpacker.decompress(packed, _STEP)
            yield step
            while len(step) == _STEP:
                step = unpacker.decompress(unpacker.unconsumed_tail, _STEP)
                yield step
        if not unpacker.eof:
            raise httpx.RemoteProtocolError("the compressed body is cut short")
        if unpacker.unused_data:
            raise httpx.DecodingError("the compressed body goes on after its end")
    else:
        raise httpx.DecodingError(f"packed as {packing!r}, which nobody asked for")

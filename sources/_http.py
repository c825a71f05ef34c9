"""The one client that asks sources for their pages: bounded, honest about itself, suspicious."""

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
import stamina
import stamina.instrumentation

from sources._contract import Source, SourceError

_REDIRECTS: Final = 5
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_STEP: Final = 65_536

# A retry that helped is nobody's concern, and stamina would tell of it on the standard output,
# in the middle of the command's JSON.
stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True)
class Limits:
    """What one fetch may take: seconds to connect, between two bytes and in all, and bytes.

    All means with every redirect and every attempt; bytes are counted after decompression.
    """

    connect_seconds: float = 10
    read_seconds: float = 20
    total_seconds: float = 60
    byte_count: int = 32 * 1024 * 1024
    attempts: int = 3


@dataclass(frozen=True)
class Page:
    """A whole answer: its bytes after decompression, where it came from, and what it says it is."""

    content: bytes
    url: str
    media_type: str | None


class _PassingError(Exception):
    """A failure that may be gone at the next try."""


class Client:
    """Fetches sources' pages. Safe to use from several threads.

    `contact` stands in the User-Agent, so that a site's owner can say what bothers him.
    `mirror` is asked instead of the sources' own hosts where it is given, at
    `<mirror>/<source>`.
    """

    def __init__(
        self, contact: str, *, mirror: str | None = None, limits: Limits | None = None
    ) -> None:
        self._mirror = mirror
        self._limits = limits or Limits()
        self._http = httpx.Client(
            headers={
                "User-Agent": f"ratecard (+{contact})",
                "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
                "Accept-Encoding": "gzip",
            },
            timeout=httpx.Timeout(self._limits.read_seconds, connect=self._limits.connect_seconds),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def fetch(self, source: Source) -> Page:
        """Ask a source for its page.

        Follows redirects within the source's own host only. Tries again after failures that
        can pass (a busy server, a broken connection), not after those that can't. Raises
        `SourceError` where no whole page came: refused, too large, too slow, cut short.
        """
        url = source.url if self._mirror is None else f"{self._mirror}/{source.name}"
        seconds = self._limits.total_seconds
        ends_at = time.monotonic() + seconds
        try:
            for attempt in stamina.retry_context(
                on=_PassingError,
                attempts=self._limits.attempts,
                timeout=seconds,
                wait_initial=0.5,
                wait_max=5,
            ):
                with attempt:
                    return self._follow(url, ends_at)
        except (_PassingError, httpx.HTTPError, zlib.error) as error:
            raise SourceError(
                source.name,
                f"{url} could not be reached: {error or type(error).__name__}",
                "its last good prices stay; it is asked again when it is next due",
            ) from error
        raise AssertionError("a retry context gives an answer or raises")

    def _follow(self, url: str, ends_at: float) -> Page:
        host = urlsplit(url).netloc
        for _ in range(_REDIRECTS + 1):
            answer = self._get(url, ends_at)
            if isinstance(answer, Page):
                return answer
            if urlsplit(answer).netloc != host or urlsplit(answer).scheme != urlsplit(url).scheme:
                raise httpx.TooManyRedirects(f"a redirect to another place, {answer!r}, is refused")
            url = answer
        raise httpx.TooManyRedirects(f"more than {_REDIRECTS} redirects")

    def _get(self, url: str, ends_at: float) -> Page | str:
        """Give the page, or the address that the answer points to."""
        try:
            with self._http.stream("GET", url) as answer:
                if answer.has_redirect_location:
                    return str(answer.url.join(answer.headers["location"]))
                if answer.status_code in _PASSING:
                    raise _PassingError(f"HTTP {answer.status_code}")
                answer.raise_for_status()
                content = self._content(_unpacked(answer), ends_at)
                media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
                return Page(content, str(answer.url), media_type or None)
        except (httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise _PassingError(f"{type(error).__name__}: {error}") from error

    def _content(self, chunks: Iterator[bytes], ends_at: float) -> bytes:
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > self._limits.byte_count:
                raise httpx.DecodingError(f"more than {self._limits.byte_count} bytes")
            if time.monotonic() > ends_at:
                raise httpx.ReadTimeout(f"not whole after {self._limits.total_seconds} s")
        return bytes(content)


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

"""Looking at sources: what they say now, fetched side by side, and what their files said then."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from pipeline.configuration import Setup
from sources._contract import DOCUMENT_END, Source, SourceError
from sources._http import Client, Validators
from warehouse.captures import Look
from warehouse.log import Outcome
from warehouse.store import Store

_SIDE_BY_SIDE: Final = 32
_DATED: Final = re.compile(
    r"(?<![0-9A-Za-z])(\d{4}-\d{2}-\d{2}(?:T\d{2}[:-]?\d{2}(?:[:-]?\d{2})?Z?)?)(?=[._])"
)
_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".mdx": "text/markdown",
    ".csv": "text/csv",
    ".js": "text/javascript",
}


def utc_now() -> datetime:
    """Give the present instant as UTC without an offset, to the microsecond."""
    return datetime.now(UTC).replace(tzinfo=None)


class Looker:
    """Looks at sources now. The first that is asked for starts all the fetches side by side.

    `last_seen` are the last captures, by source: what a site says has not changed since is that.
    """

    def __init__(self, setup: Setup, names: Iterable[str], last_seen: Mapping[str, Look]) -> None:
        self._sources = {name: setup.sources[name] for name in names}
        self._last_seen = last_seen
        mirror = setup.settings.mirror
        self._client = Client(
            setup.settings.contact, mirror=str(mirror).rstrip("/") if mirror else None
        )
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="fetch")
        self._under_way: dict[str, Future[tuple[Look, bytes | None]]] = {}

    def look(self, name: str) -> tuple[Look, bytes | None]:
        """Give the look at a source and the bytes it saw, or none where it could not be reached."""
        self._begin()
        return self._under_way[name].result()

    def look_at_all(self) -> None:
        """Wait until every source has answered or failed, so that no later look waits."""
        self._begin()
        wait(self._under_way.values())

    def close(self) -> None:
        """Wait for the fetches that are under way and close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def _begin(self) -> None:
        if not self._under_way:
            self._under_way = {
                name: self._pool.submit(self._look, source)
                for name, source in self._sources.items()
            }

    def _look(self, source: Source) -> tuple[Look, bytes | None]:
        last = self._last_seen.get(source.name)
        validators = Validators(last.etag, last.last_modified) if last else None
        try:
            if source.bundled is not None:
                content = source.bundled()
                now = utc_now()
                return Look(source.name, now, now, source.url), content
            page = self._client.fetch(source, validators)
        except SourceError as error:
            now = utc_now()
            return Look(source.name, now, now, source.url, error=str(error)), None
        now = utc_now()
        seen = Look(
            source.name,
            now,
            now,
            page.url,
            media_type=page.media_type,
            etag=page.validators.etag,
            last_modified=page.validators.last_modified,
            robots=page.robots,
        )
        if page.content is None and last is not None:
            return replace(
                seen,
                capture_sha256=last.capture_sha256,
                byte_count=last.byte_count,
                media_type=last.media_type,
            ), None
        return seen, page.content


class Found(NamedTuple):
    """What a folder of captures holds: the files to load, and those to skip with the reason.

    Each capture is a source, its time, and its files: most have one.
    """

    captures: list[tuple[str, datetime, tuple[Path, ...]]]
    skipped: list[tuple[Path, str]]


def find_captures(folder: Path, sources: Mapping[str, Source]) -> Found:
    """Find `<source>/<date or UTC timestamp>[.anything].<ext>` in a folder, by source and time.

    A timestamp is written `2026-08-21T06:30:00Z`, or with hyphens for colons.
    """
    captures: list[tuple[str, datetime, tuple[Path, ...]]] = []
    skipped = []
    for place in sorted(folder.iterdir()):
        if not place.is_dir():
            skipped.append((place, "not in the folder of a source"))
        elif place.name not in sources:
            skipped.append((place, "no source has this name"))
        else:
            dated: dict[datetime, list[Path]] = {}
            for file in sorted(place.iterdir()):
                moment = _moment(file.name)
                if moment is None or not file.is_file():
                    skipped.append((file, "no file whose name holds a date: YYYY-MM-DD.ext"))
                else:
                    dated.setdefault(moment, []).append(file)
            for moment, files in sorted(dated.items()):
                together = sources[place.name].joins_files
                parts = [tuple(files)] if together else [(file,) for file in files]
                captures.extend((place.name, moment, part) for part in parts)
    return Found(captures, skipped)


def _moment(name: str) -> datetime | None:
    dated = _DATED.search(name)
    if dated is None:
        return None
    day, _, time = dated[1].rstrip("Z").partition("T")
    try:
        return datetime.fromisoformat(f"{day}T{time.replace('-', ':') or '00:00'}")
    except ValueError:
        return None


def backfill(
    setup: Setup, found: Found, on_done: Callable[[tuple[Path, ...]], None]
) -> list[tuple[tuple[Path, ...], Outcome]]:
    """Load found captures with their own dates; say each when it is done, and give them all."""
    store = Store(setup.settings.data_dir)
    now = utc_now()

    def looks() -> Iterator[tuple[Look, bytes]]:
        for source, moment, files in found.captures:
            media_type = _MEDIA_TYPES.get(files[0].suffix)
            url = setup.sources[source].url
            content = DOCUMENT_END.join(file.read_bytes() for file in files)
            yield Look(source, moment, now, url, media_type=media_type), content

    outcomes = []
    recorded = store.record(looks(), setup.read)
    for (_, _, files), outcome in zip(found.captures, recorded, strict=True):
        on_done(files)
        outcomes.append((files, outcome))
    return outcomes


def source_list(setup: Setup) -> pl.DataFrame:
    """Give one row per source, with the columns that `Store.prepare` asks for."""
    asked = {*setup.asked}
    rows = [
        (
            source.name,
            source.provider,
            int(source.rank),
            source.cadence / timedelta(hours=1),
            source.url,
            source.description,
            None if source.name in asked else source.unasked,
        )
        for source in setup.sources.values()
    ]
    return pl.DataFrame(
        rows,
        schema={
            "source": pl.String(),
            "provider": pl.String(),
            "rank": pl.Int64(),
            "cadence_hours": pl.Float64(),
            "url": pl.String(),
            "description": pl.String(),
            "unasked": pl.String(),
        },
        orient="row",
    )

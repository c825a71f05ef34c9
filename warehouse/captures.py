"""The archive: the exact bytes that sources gave, and the journal of every look at them.

The archive is the truth; the warehouse is a fold over its journal and can be made again.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import zstandard


class ArchiveError(Exception):
    """The archive does not hold what its journal says; names the file and what to do."""


@dataclass(frozen=True)
class Look:
    """One look at one source, as the journal keeps it for ever.

    `looked_at` is when the source said it (for a backfilled file: the file's own date),
    `known_at` when we learnt it; both UTC without an offset. `capture_sha256` is null and
    `error` says why where nothing was captured. `etag` and `last_modified` are what the server
    said, to ask it next time whether anything changed; `robots` is what its robots.txt said.
    """

    source: str
    looked_at: datetime
    known_at: datetime
    url: str
    capture_sha256: str | None = None
    media_type: str | None = None
    byte_count: int | None = None
    error: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    robots: str | None = None


@dataclass(frozen=True)
class Decision:
    """A person's word on what the gate doubted in one capture, as the journal keeps it for ever.

    `verdict` is `accepted` or `rejected`. It holds for the doubts with these `fingerprints`, in
    this capture and in any other that breaks the same rule with the same values; where there
    is none, for the whole capture. `known_at` is when it was decided, UTC without an offset.
    """

    source: str
    capture_sha256: str
    verdict: str
    reason: str
    known_at: datetime
    fingerprints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A person's word on which of several sources is right, as the journal keeps it for ever.

    The offer is named with its canonical model; `meter` or `term` says what of it. `source` is
    believed before the others as long as all of them say what they said then: `inputs` has it,
    `<source>: <value>` each, sorted.
    """

    provider: str
    canonical_model: str
    tuning_method: str
    adapter: str | None
    service_tier: str
    region: str | None
    context_tier: str | None
    meter: str | None
    price_list: str | None
    term: str | None
    source: str
    inputs: tuple[str, ...]
    reason: str
    known_at: datetime


Entry = Look | Decision | Choice


class Archive:
    """Captures by their SHA-256, compressed, and the journal of looks and decisions.

    Only ever added to.
    """

    def __init__(self, folder: Path) -> None:
        self._captures = folder / "captures"
        self._journal = folder / "journal.jsonl"
        self._partial = folder / ".partial"

    def keep(self, content: bytes) -> str:
        """Store a capture's bytes and give their SHA-256; one process at a time may do so.

        The file appears whole or not at all, also when the process dies. Where it is there
        already and does not hold these bytes, it is written anew.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if not _holds(path, content):
            with _writing(path):
                self._write_whole(path, zstandard.compress(content))
        return digest

    def load(self, digest: str) -> bytes:
        """Give a capture's bytes; `ArchiveError` where the file is missing or damaged."""
        path = self._path(digest)
        try:
            content = zstandard.decompress(path.read_bytes())
        except PermissionError as error:
            raise _unreadable(path, error) from error
        except (OSError, zstandard.ZstdError) as error:
            raise ArchiveError(
                f"capture {digest} cannot be read ({error}); restore {path} from a backup"
            ) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ArchiveError(f"capture {digest} is damaged; restore {path} from a backup")
        return content

    def note(self, *entries: Entry) -> None:
        """Append looks or decisions to the journal, on disk before this returns."""
        lines = [
            json.dumps(vars(entry), default=datetime.isoformat, ensure_ascii=False) + "\n"
            for entry in entries
        ]
        with _writing(self._journal):
            is_new = not self._journal.exists()
            make_folder(self._journal.parent)
            with self._journal.open("ab+") as journal:
                journal.truncate(_whole_lines(journal.tell(), self._journal))
                journal.write("".join(lines).encode())
                journal.flush()
                os.fsync(journal.fileno())
            if is_new:
                sync(self._journal.parent)

    def entries(self, after: int = 0) -> Iterator[tuple[int, Entry]]:
        """Give the journal's entries in the order they became known, each with its position.

        Positions count from 1; those up to `after` are left out, but must be there. A last line
        that a dying process left unfinished was never acknowledged and is not given.
        """
        position = 0
        try:
            with self._journal.open("rb") as journal:
                for line in journal:
                    if not line.endswith(b"\n"):
                        break
                    position += 1
                    if position > after:
                        yield position, _entry(line, position, self._journal)
        except FileNotFoundError:
            # before the first look there is none
            pass
        except OSError as error:
            raise _unreadable(self._journal, error) from error
        if position < after:
            raise ArchiveError(
                f"{self._journal} has {position} entries where there were {after}; restore it "
                "from a backup"
            )

    def _path(self, digest: str) -> Path:
        return self._captures / digest[:2] / f"{digest}.zst"

    def _write_whole(self, path: Path, content: bytes) -> None:
        make_folder(path.parent)
        try:
            with self._partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._partial.replace(path)
        finally:
            self._partial.unlink(missing_ok=True)
        sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those that it lies in, so that they outlast a failure of the power."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on disk before this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return zstandard.decompress(path.read_bytes()) == content
    except (OSError, zstandard.ZstdError):
        return False


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            f"{path} cannot be written ({error.strerror}); nothing that was kept is lost; make "
            "room or let ratecard write there, then run it again"
        ) from error


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"{path} cannot be read ({error.strerror}); let ratecard read it, then run it again"
    )


def _entry(line: bytes, position: int, journal: Path) -> Entry:
    try:
        fields = json.loads(line)
        kind = Decision if "verdict" in fields else Choice if "inputs" in fields else Look
        if unknown := sorted(fields.keys() - kind.__dataclass_fields__.keys()):
            raise ArchiveError(
                f"line {position} of {journal} says {', '.join(unknown)}: a newer ratecard wrote "
                "it; use that one"
            )
        for name in ("looked_at", "known_at"):
            if name in fields:
                fields[name] = datetime.fromisoformat(fields[name])
        for name in ("fingerprints", "inputs"):
            if name in fields:
                fields[name] = tuple(fields[name])
        return kind(**fields)
    except (ValueError, TypeError, AttributeError) as error:
        raise ArchiveError(
            f"line {position} of {journal} is no entry ({error}); restore it from a backup"
        ) from error


def _whole_lines(size: int, path: Path) -> int:
    """Give the length of the file up to its last finished line."""
    if size == 0:
        return 0
    with path.open("rb") as file:
        end = size
        while end:
            start = max(0, end - 65_536)
            file.seek(start)
            if (newline := file.read(end - start).rfind(b"\n")) >= 0:
                return start + newline + 1
            end = start
    return 0

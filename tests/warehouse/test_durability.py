"""What kills, full disks, damaged files and other writers leave behind: nothing is lost."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from tests.warehouse.refreshing import (
    ASKED,
    Round,
    ask,
    channel,
    killed,
    look_back,
    refresh,
    start,
    watched,
)
from tests.warehouse.worlds import URL, World, day, quote
from warehouse.captures import Archive, ArchiveError, Choice, Decision, Look
from warehouse.log import Statement
from warehouse.store import TABLES, Store, StoreError

AT_ONCE = timedelta(seconds=0.1)


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, symlinks=True)
    # pytest's own folders let nobody in
    to.chmod(0o755)
    return to


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Round]]:
    """Give a folder after its first round, and what there is after each of six undisturbed ones."""
    whole, first = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("first")
    met = []
    for number in range(1, 7):
        refresh(whole, number, TABLES if number == 1 else ASKED)
        met.append(look_back(whole))
        if number == 1:
            shutil.copytree(whole, first, symlinks=True, dirs_exist_ok=True)
    return first, met


def test_a_dozen_kills_lose_nothing_and_no_reader_notices(
    rounds: tuple[Path, list[Round]], tmp_path: Path
) -> None:
    first, expected = rounds
    folder = copied(first, tmp_path / "data")
    random = Random(7)  # noqa: S311 instants, no secrets
    begun = time.perf_counter()
    refresh(folder, 2, ASKED)
    took = time.perf_counter() - begun
    with watched(folder, 2) as met:
        for number in range(3, 7):
            kills = 0
            while kills < 3:
                process = start(refresh, folder, number, ASKED)
                kills += killed(process, took * random.random())
            refresh(folder, number, ASKED)
            assert look_back(folder) == expected[number - 1]
    told = {repr(answer) for there in expected for answer in (there.answer, there.files)}
    for reader in met:
        assert not reader.errors
        assert reader.asked
        assert reader.answers <= told


def test_every_query_sees_one_whole_publication_while_it_is_refreshed(
    rounds: tuple[Path, list[Round]], tmp_path: Path
) -> None:
    first, expected = rounds
    folder = copied(first, tmp_path / "data")
    with watched(folder, 2) as met:
        for number in range(2, 5):
            refresh(folder, number, ASKED)
    told = {repr(answer) for there in expected for answer in (there.answer, there.files)}
    for reader in met:
        assert not reader.errors
        assert len(reader.answers) > 2
        assert reader.answers <= told


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Have every write beyond a size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("size", "file"),
    [
        (10, ".zst cannot be written"),
        (700, "journal.jsonl cannot be written"),
        (2_000, "warehouse.duckdb.wal"),
        (20_000, 'warehouse.duckdb"'),
        (1_000_000, "warehouse.duckdb"),
    ],
)
def test_a_full_disk_is_told_and_loses_nothing(
    rounds: tuple[Path, list[Round]], tmp_path: Path, size: int, file: str
) -> None:
    first, expected = rounds
    folder = copied(first, tmp_path / "data")
    with (
        files_no_larger_than(size),
        pytest.raises((StoreError, ArchiveError), match="make room") as told,
    ):
        refresh(folder, 2, ASKED)
    assert f"{folder}/" in str(told.value)
    assert file in str(told.value)
    assert ask(folder) == expected[0].answer
    refresh(folder, 2, ASKED)
    assert look_back(folder) == expected[1]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be somebody whom file permissions hold for, which they do not for root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        if not os.access(__file__, os.R_OK):
            pytest.skip("only root may read these tests")
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("room", ["4MB", "1MB"])
def test_tables_that_find_no_room_are_built_with_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    refresh(tmp_path / "ample", 1)

    # nothing can be put aside where the command runs
    (tmp_path / ".tmp").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("warehouse.store._SPARING", room)
    refresh(tmp_path / "tight", 1)

    assert look_back(tmp_path / "tight") == look_back(tmp_path / "ample")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that nobody can reach, and could write into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_read_only_folder_is_told_and_can_be_asked(
    rounds: tuple[Path, list[Round]], open_folder: Path
) -> None:
    first, expected = rounds
    folder = copied(first, open_folder / "data")
    with as_nobody():
        assert ask(folder) == expected[0].answer
        with pytest.raises(StoreError, match="let ratecard write there") as told:
            refresh(folder, 2)
        assert str(folder) in str(told.value)
        with pytest.raises(StoreError, match="let ratecard write there"):
            refresh(open_folder / "data" / "new", 1)
        assert ask(folder) == expected[0].answer
    folder.chmod(0o700)
    with as_nobody(), pytest.raises(StoreError, match=r"cannot be read.*let ratecard read it"):
        ask(folder)


@pytest.mark.parametrize(
    ("path", "mode", "words"),
    [
        ("archive/journal.jsonl", 0o444, "journal.jsonl cannot be written"),
        ("archive/journal.jsonl", 0o000, "journal.jsonl cannot be read"),
        ("archive/captures", 0o555, "captures/.* cannot be written"),
        ("warehouse.duckdb", 0o444, "warehouse.duckdb cannot be opened"),
        ("warehouse.duckdb", 0o000, "warehouse.duckdb cannot be opened"),
    ],
)
def test_wrong_permissions_are_told_and_lose_nothing(
    open_folder: Path, path: str, mode: int, words: str
) -> None:
    folder = open_folder / "data"
    with as_nobody():
        world = World(Store(folder))
        world.says(0, quote(1))
        right = (folder / path).stat().st_mode
        (folder / path).chmod(mode)
        with pytest.raises((StoreError, ArchiveError), match=words):
            world.says(1, quote(2))
        (folder / path).chmod(right)
        world.says(1, quote(2))
    assert believed(world) == [("2026-01-01", 1), ("2026-01-02", 2)]


def believed(world: World) -> list[tuple[str, int | None]]:
    """Give each price of the log, and since when it holds."""
    with world.store._writing() as db:  # noqa: SLF001 the log is asked without publishing
        return db.execute(
            "select valid_from::date::varchar, unit_price::int from facts order by all"
        ).fetchall()


@pytest.mark.parametrize("damage", ["cut", "emptied", "garbled", "another's", "gone"])
def test_a_damaged_capture_is_named_and_mended_by_the_same_bytes(
    tmp_path: Path, damage: str
) -> None:
    archive = Archive(tmp_path)
    content = b"what a page says" * 100
    digest, other = archive.keep(content), archive.keep(b"another page")
    files = {file.stem: file for file in tmp_path.rglob("*.zst")}
    kept = files[digest].read_bytes()
    if damage == "gone":
        files[digest].unlink()
    else:
        files[digest].write_bytes({
            "cut": kept[:-5],
            "emptied": b"",
            "garbled": kept[:9] + bytes([kept[9] ^ 255]) + kept[10:],
            "another's": files[other].read_bytes(),
        }[damage])  # fmt: skip
    with pytest.raises(ArchiveError, match=f"{digest}.*restore {files[digest]} from a backup"):
        archive.load(digest)
    assert archive.keep(content) == digest
    assert archive.load(digest) == content
    assert archive.load(other) == b"another page"
    assert {file.name for file in tmp_path.iterdir()} == {"captures"}


def read(_: str, content: bytes) -> Statement:
    raise AssertionError(f"nothing here has to be read: {content!r}")


LINE = b'{"source": "page", "looked_at": "2026-01-02T00:00:00", "known_at"'


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 50,
        LINE,
        b"\xff\xfe not text",
        b"[1, 2]",
        b"7",
        b"",
        b'{"verdict": "accepted"}',
        LINE + b': "yesterday", "url": ""}',
    ],
)
def test_a_garbled_line_of_the_journal_is_named_and_nothing_is_replaced(
    tmp_path: Path, garbage: bytes
) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    world.says(1, quote(2))
    before = world.store.digest()
    journal = tmp_path / "archive" / "journal.jsonl"
    whole = journal.read_bytes()
    first, second = whole.splitlines(keepends=True)
    journal.write_bytes(first + garbage + b"\n" + second)
    with pytest.raises(ArchiveError, match=f"line 2 of {journal} is no entry .* from a backup"):
        world.store.rebuild(world.read)
    assert world.store.digest() == before
    journal.write_bytes(whole)
    assert world.store.rebuild(world.read) == 2
    assert world.store.digest() == before


@pytest.mark.parametrize("left", [0, 1, None])
def test_a_journal_that_lost_its_end_is_told_before_anything_is_added_or_replaced(
    tmp_path: Path, left: int | None
) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    world.says(1, quote(2))
    before = world.store.digest()
    journal = tmp_path / "archive" / "journal.jsonl"
    whole = journal.read_bytes()
    if left is None:
        journal.unlink()
    else:
        # a line without its end is none
        journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:left]) + LINE)
    words = f"{journal} has {left or 0} entries where there were 2; restore it"
    with pytest.raises(ArchiveError, match=words):
        world.says(2, quote(3))
    with pytest.raises(ArchiveError, match=words):
        world.store.rebuild(world.read)
    assert world.store.digest() == before
    journal.write_bytes(whole)
    world.says(2, quote(3))
    assert [price for _, price in believed(world)] == [1, 2, 3]


def test_an_entry_of_a_newer_ratecard_is_told(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.note(Look("page", day(0), day(1000), URL, error="no answer"))
    journal = tmp_path / "journal.jsonl"
    fields = json.loads(journal.read_bytes())
    journal.write_text(json.dumps({**fields, "mood": "fine"}) + "\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match="says mood: a newer ratecard wrote it"):
        list(archive.entries())


def test_a_lost_capture_holds_up_its_own_source_only(tmp_path: Path) -> None:
    world = World(Store(tmp_path), page=1, other=1)
    world.says(0, quote(1))
    (kept,) = (tmp_path / "archive" / "captures").rglob("*.zst")
    content = kept.read_bytes()
    kept.unlink()
    # the better parser wants to read the old capture, too
    world.parser_version = 2
    world.says(1, quote(2))
    world.says(1, quote(5), source="other")
    with world.store._writing() as db:  # noqa: SLF001 the log is asked without publishing
        looks = db.execute("select source, outcome, error from looks order by position").fetchall()
    assert [look[:2] for look in looks] == [
        ("page", "read"), ("page", "refused"), ("other", "read"),
    ]  # fmt: skip
    assert f"restore {kept} from a backup; then run `ratecard rebuild`" in looks[1][2]
    with pytest.raises(ArchiveError, match=kept.stem):
        world.store.rebuild(world.read)
    assert {price for _, price in believed(world)} == {1, 5}
    kept.write_bytes(content)
    assert world.store.rebuild(world.read) == 3
    assert {price for _, price in believed(world)} == {1, 2, 5}


def test_a_decision_that_cannot_be_followed_is_not_taken(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    (kept,) = (tmp_path / "archive" / "captures").rglob("*.zst")
    content = kept.read_bytes()
    kept.unlink()
    decision = Decision("page", kept.stem, "rejected", "why", day(1500))
    with pytest.raises(ArchiveError, match=kept.stem):
        world.store.decide(decision, world.read)
    assert len(list(world.store.archive.entries())) == 1
    kept.write_bytes(content)
    world.store.decide(decision, world.read)
    assert len(list(world.store.archive.entries())) == 2
    assert believed(world)[-1] == ("2026-01-01", None)


def test_decisions_and_choices_outlast_a_rebuild(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    world.says(1, quote(2))
    (*_, (_, last)) = world.store.archive.entries()
    assert isinstance(last, Look)
    decision = Decision("page", str(last.capture_sha256), "rejected", "typo", day(1500))
    offer = ("seller", "a", "sft", "lora", "standard", None, None)
    choice = Choice(
        *offer, "training_tokens", None, None, "page", ("page: priced 1 USD",), "best", day(1501)
    )
    world.store.decide(decision, world.read)
    world.store.decide(choice, world.read)

    def decided() -> list[list[tuple[object, ...]]]:
        with world.store._writing() as db:  # noqa: SLF001 as above
            return [db.execute(f"from {name}").fetchall() for name in ("decisions", "choices")]

    before, digest = decided(), world.store.digest()
    assert world.store.rebuild(world.read) == 4
    assert decided() == before
    assert world.store.digest() == digest
    assert [entry for _, entry in world.store.archive.entries(after=2)] == [decision, choice]


def hold(folder: Path, pipe: Connection) -> None:
    """Hold the lock until told to let go."""
    sys.argv = ["/usr/bin/ratecard", "refresh", "openai_pricing"]
    with Store(folder).session():
        pipe.send("held")
        pipe.recv()


def test_a_busy_folder_is_waited_for_or_its_writer_named(tmp_path: Path) -> None:
    World(Store(tmp_path)).says(0, quote(1))
    ours, theirs = channel()
    process = start(hold, tmp_path, theirs)
    assert ours.recv() == "held"
    impatient = World(Store(tmp_path, wait_for=AT_ONCE))
    with pytest.raises(StoreError) as told:
        impatient.says(1, quote(2))
    assert f"'ratecard refresh openai_pricing' (process {process.pid} on " in str(told.value)
    assert f"has been writing to {tmp_path}" in str(told.value)
    ours.send("let go")
    world = World(Store(tmp_path))
    world.says(1, quote(2))
    process.join()
    assert believed(world) == [("2026-01-01", 1), ("2026-01-02", 2)]
    assert not (tmp_path / ".lock-holder").exists()


def test_a_writer_that_died_is_in_nobodys_way(tmp_path: Path) -> None:
    ours, theirs = channel()
    process = start(hold, tmp_path, theirs)
    assert ours.recv() == "held"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert (tmp_path / ".lock-holder").exists()
    world = World(Store(tmp_path, wait_for=AT_ONCE))
    assert world.says(0, quote(1)) == 1


def test_a_damaged_warehouse_is_told_and_made_anew(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    before = world.store.digest()
    file = tmp_path / "warehouse.duckdb"
    whole = file.read_bytes()
    for damaged in (b"no database", whole[:5000], b"\x00" * len(whole)):
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match=f"{file} cannot be opened: .*`ratecard rebuild`"):
            world.says(1, quote(2))
        assert world.store.rebuild(world.read) == 1
        assert world.store.digest() == before


def test_a_warehouse_that_another_program_has_open_is_left_alone(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.says(0, quote(1))
    file = tmp_path / "warehouse.duckdb"
    script = f"import duckdb; db = duckdb.connect({str(file)!r}); print(1, flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        told = f"open elsewhere.*PID {other.pid}.*close it"
        with pytest.raises(StoreError, match=told):
            world.says(1, quote(2))
        with pytest.raises(StoreError, match=told):
            world.store.rebuild(world.read)
        other.communicate(b"\n")
    assert world.says(1, quote(2)) == 1


def test_what_is_known_has_one_order_though_the_clock_goes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    world = World(store)
    world.says(1, quote(1))
    (_, look), *_ = store.archive.entries()
    assert isinstance(look, Look)
    reject = Decision("page", str(look.capture_sha256), "rejected", "why", day(2000))
    store.decide(reject, world.read)
    # a day earlier by the clock, a better parser reads it again, and another page is seen
    store.decide(Decision(**{**vars(reject), "verdict": "accepted"}), world.read)
    world.parser = lambda row: {**row, "unit_price": row["unit_price"] * 2}
    world.parser_version = 2
    store.reparse(None, None, day(1500), world.read)
    world.says(0, quote(3))
    with store._writing() as db:  # noqa: SLF001 the log is asked without publishing
        rows = db.execute("select position, known_at from facts order by rowid").fetchall()
    moments = list(dict.fromkeys(known_at for _, known_at in rows))
    assert moments == sorted(moments)
    assert len(moments) == 5

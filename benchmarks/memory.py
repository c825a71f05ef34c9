"""The memory against other engines and plain files: `python benchmarks/memory.py`.

A made-up market (market.py) of 100,000 prices is remembered day by day: each day 0.5 % of them
move, 0.05 % go and as many come. Whatever is compared is measured in turn in this one call, each
engine in a process of its own that opens and closes its file for each day, and the medians are
printed with their ratio and the one that is aimed at. Archiving the day's bytes is part of what
ratecard does; the others keep none.

`--only reading publishing` measures those parts alone; `--folder DIR` keeps the days, and what
was remembered of them, for the next call. The other engines are looked for in virtual environments
`dlt`, `sqlmesh` and `dbt` in the folder that `--engines` names; one that is missing is left out:

    for name in dlt sqlmesh dbt; do python -m venv engines/$name; done
    engines/dlt/bin/pip install 'dlt[duckdb]' pyarrow pandas
    engines/sqlmesh/bin/pip install sqlmesh pyarrow
    engines/dbt/bin/pip install 'dbt-core<1.11' dbt-duckdb pyarrow

Two parts take long and are measured only where asked for: `--snapshots 1000` compares the last
days of so many with the hundredth, and `--facts 10000000` asks a log of so many facts.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

import duckdb  # noqa: E402
import polars as pl  # noqa: E402
from market import KEY, PROVIDERS, Market, day  # noqa: E402

from warehouse.store import CONFIG, LOG  # noqa: E402

PARTS = (
    "recording", "same", "growing", "disk", "git", "reading", "publishing", "meanwhile",
    "validation", "large", "peak",
)  # fmt: skip
OTHERS = ("dlt", "sqlmesh", "dbt")
# The first days make the tables and load what an engine needs.
_WARM = 2
_TIMES = 11
_SLICE = 20
_FEW_FACTS = 300_000
_PUBLICATIONS = 20
_DEAREST = 1_000_000_000
_QUOTE_WIDTH = 20


class Engine:
    """One engine in a process of its own, with a folder of its own."""

    def __init__(self, name: str, python: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        command = [str(python), str(HERE / "recorders.py"), name, str(folder)]
        self._log = (folder / "stderr").open("w")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self.peak_mb = 0.0

    def does(self, verb: str, number: int, file: Path) -> float:
        """Ask for one thing about one day, and give the seconds that it took."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([verb, number, str(file)]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"an engine died; see {self._log.name}")
        seconds, self.peak_mb = json.loads(answer)
        return float(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._log.close()


@contextmanager
def engines(names: Iterable[str], others: Path | None, folder: Path) -> Iterator[dict[str, Engine]]:
    """Start engines, those of others from their own environments where they are there."""
    started = {}
    for name in names:
        python = Path(sys.executable)
        if name in OTHERS:
            python = (others or Path("none")) / name / "bin" / "python"
        if python.exists():
            started[name] = Engine(name, python, folder / name)
        else:
            print(f"  {name} is left out: there is no {python}; see --engines")
    try:
        yield started
    finally:
        for engine in started.values():
            engine.__exit__()


def told(what: str, ours: float, theirs: float, target: str, unit: str = "ms") -> None:
    """Print two figures and their ratio, beside the one that is aimed at."""
    print(
        f"  {what}: {ours:.1f} {unit} against {theirs:.1f} {unit}, ratio {ours / theirs:.2f} "
        f"({target})",
        flush=True,
    )


def in_turn(verbs: Mapping[str, Callable[[], object]], times: int = _TIMES) -> dict[str, float]:
    """Run verbs in turn, once to warm up and then several times; give the medians in ms."""
    took: dict[str, list[float]] = {name: [] for name in verbs}
    for number in range(times + 1):
        for name, verb in verbs.items():
            begun = time.perf_counter()
            verb()
            if number:
                took[name].append(1000 * (time.perf_counter() - begun))
    return {name: statistics.median(seconds) for name, seconds in took.items()}


class Days:
    """The market's days as Parquet files, written when they are first asked for."""

    def __init__(self, keys: int, folder: Path) -> None:
        self.keys = keys
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._quotes = enumerate(Market(keys).days(1_000_000))

    def __getitem__(self, number: int) -> Path:
        """Give the file of a day."""
        while not self._file(number).exists():
            passed, quotes = next(self._quotes)
            if not self._file(passed).exists():
                partial = self._file(passed).with_suffix(".partial")
                quotes.write_parquet(partial, compression="zstd")
                partial.replace(self._file(passed))
        return self._file(number)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:04}.parquet"


class Remembered:
    """What ratecard remembers of many days, published; done when it is first asked for."""

    def __init__(self, days: Days, count: int, folder: Path) -> None:
        self.days = days
        self.count = count
        self.folder = folder
        self._took = folder / "took.json"

    @property
    def last(self) -> Path:
        """Give the file of the last day."""
        return self.days[self.count - 1]

    @cached_property
    def took(self) -> list[float]:
        """Remember the days; give how long each took, in ms."""
        if not self._took.exists():
            with Engine("ratecard", Path(sys.executable), self.folder) as engine:
                took = [
                    1000 * engine.does("record", number, self.days[number])
                    for number in range(self.count)
                ]
                built = engine.does("build", self.count - 1, self.last)
                engine.does("publish", self.count - 1, self.last)
            print(f"  {self.count} days are remembered; all tables were built in {built:.1f} s")
            self._took.write_text(json.dumps(took))
        return list(json.loads(self._took.read_text()))

    @property
    def published(self) -> Path:
        """Give the published file."""
        assert self.took
        return self.folder / "published" / "ratecard.duckdb"


def recording(days: Days, others: Path | None, folder: Path, rounds: int) -> None:
    """Compare how long each engine takes to remember a day."""
    print(f"recording a day of {days.keys:,} prices, file opened and closed")
    names = ("floor", *OTHERS, "ratecard", "ratecard_with_gate")
    took: dict[str, list[float]] = {}
    with engines(names, others, folder) as started:
        for number in range(rounds + _WARM):
            for name, engine in started.items():
                seconds = engine.does("record", number, days[number])
                if number >= _WARM:
                    took.setdefault(name, []).append(1000 * seconds)
    median = {name: statistics.median(seconds) for name, seconds in took.items()}
    ours = median["ratecard"]
    for name, target in (("dlt", 5), ("sqlmesh", 5), ("dbt", 4)):
        if name in median:
            print(
                f"  {name}: {median[name]:.0f} ms against {ours:.0f} ms of ratecard, "
                f"{median[name] / ours:.1f} times as long (at least {target})"
            )
    told("ratecard against the floor", ours, median["floor"], "at most 2.2 at 100,000 prices")
    told("the same with the gate", median["ratecard_with_gate"], median["floor"], "no target")


def growing(memory: Remembered) -> None:
    """Compare a day late in the memory's life with an early one."""
    count, early = memory.count, min(100, memory.count // 3)
    print(f"remembering {count:,} days")
    told(
        f"the days until {count} against those around {early}",
        statistics.median(memory.took[-_SLICE:]),
        statistics.median(memory.took[max(1, early - _SLICE // 2) : early + _SLICE // 2]),
        "at most 1.2, of 1,000 and 100",
    )


def same_bytes(days: Days, folder: Path) -> None:
    """Compare looks that see the same bytes again with a day that is recorded."""
    print(f"the same bytes again, {days.keys:,} prices")
    with Engine("ratecard", Path(sys.executable), folder) as engine:
        took: dict[str, list[float]] = {"record": [], "look_again": [], "look_again_at_once": []}
        for number in range(_WARM + 5):
            for verb, looks in (("record", 1), ("look_again_at_once", 100), ("look_again", 10)):
                seconds = engine.does(verb, number, days[number])
                if number >= _WARM:
                    took[verb].append(1000 * seconds / looks)
    median = {verb: statistics.median(ms) for verb, ms in took.items()}
    told(
        "each of a run's 100 looks against a recorded day",
        median["look_again_at_once"],
        median["record"],
        "at most 0.1",
    )
    told(
        "the one look of a run, file opened and closed",
        median["look_again"],
        median["record"],
        "no target",
    )


def disk(memory: Remembered) -> None:
    """Compare the log with the daily files."""
    print(f"disk after {memory.count} days")
    assert memory.took
    log = _log_mb(memory.folder)
    files = sum(memory.days[number].stat().st_size for number in range(memory.count)) / 1e6
    told("the log against a Parquet file a day", log, files, "at most 0.1 over 365 days", "MB")


def _log_mb(folder: Path) -> float:
    """Give the size of the tables of the log alone, copied into a file of their own."""
    copy = folder / "log.duckdb"
    copy.unlink(missing_ok=True)
    with duckdb.connect(copy, config=CONFIG) as db:
        db.execute(f"attach '{folder / 'warehouse.duckdb'}' as memory (read_only)")
        for table in (*LOG, "latest"):
            db.execute(f"create table {table} as from memory.{table}")
    return copy.stat().st_size / 1e6


def against_git(days: Days, folder: Path, count: int) -> None:
    """Compare the log with a repacked git repository of the same days as JSON."""
    print(f"disk after {count} days of {days.keys:,} prices")
    with engines(["ratecard"], None, folder) as started:
        engine = started["ratecard"]
        for number in range(count):
            engine.does("record", number, days[number])
        log = _log_mb(engine.folder)
    repository = folder / "git"
    git = ["git", "-C", str(repository)]
    subprocess.run(["git", "init", "-q", "--bare", str(repository)], check=True)
    with subprocess.Popen([*git, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importing:
        assert importing.stdin
        for number in range(count):
            quotes = pl.read_parquet(days[number])
            stated = [name for name in quotes.columns if quotes[name].null_count() < days.keys]
            text = quotes.select(stated).write_ndjson().encode()
            importing.stdin.write(
                b"commit refs/heads/main\ncommitter it <it@example.org> %d +0000\ndata 0\n"
                b"M 644 inline prices.json\ndata %d\n%s\n" % (number, len(text), text)
            )
    # longer chains than by default, by which it packs more than twice as tightly
    subprocess.run([*git, "repack", "-adfq", "--depth=250", "--window=50"], check=True)
    packs = sum(file.stat().st_size for file in repository.rglob("*.pack")) / 1e6
    told("the log against a repacked git repository", log, packs, "at most 1 over 365 days", "MB")


def reading(memory: Remembered) -> None:
    """Compare questions to the published file with reading the days' own files."""
    days, published, count = memory.days, memory.published, memory.count
    print(f"reading what was published after {count} days")
    then, known = count // 2, count * 2 // 3
    with duckdb.connect(published, read_only=True) as db:
        columns = ", ".join(pl.read_parquet_schema(days[then]).keys() - {"checked_at"})
        asked = f"prices_as_of(timestamp '{day(then + 0.5)}', timestamp"
        file = f"'{days[then]}'"
        seller = f"where provider = '{PROVIDERS[7]}'"
        now, week_ago = f"'{days[count - 1]}'", f"'{days[count - 8]}'"
        key = dict(
            zip(KEY, pl.read_parquet(days[then]).select(KEY).row(77_777 % days.keys), strict=True)
        )
        one = " and ".join(f"{name} = '{value}'" for name, value in key.items())
        both = f"{now} as n full join {week_ago} as b using ({', '.join(KEY)})"
        questions = {
            "file": f"select {columns} from {file}",
            "as of": f"select {columns} from {asked} 'infinity')",
            "as of, every column": f"from {asked} 'infinity')",
            "known earlier": f"select {columns} from {asked} '{day(known)}')",
            "file, one seller": f"select {columns} from {file} {seller}",
            "as of, one seller": f"select {columns} from {asked} 'infinity') {seller}",
            "two files": f"from {both} where n.unit_price is distinct from b.unit_price",
            "changes": f"from price_changes where valid_from > timestamp '{day(count - 8)}'",
            "history": f"from price_history where {one}",
        }
        ms = in_turn(
            {
                name: lambda question=question: db.sql(question).to_arrow_table()
                for name, question in questions.items()
            }
        )
        begun = time.perf_counter()
        db.sql(f"from '{days.folder}/*.parquet' where {one}").to_arrow_table()
        scan = 1000 * (time.perf_counter() - begun)
    told(
        "prices_as_of, the file's columns, against that day's file",
        ms["as of"],
        ms["file"],
        "at most 1.5",
    )
    told("every column of it", ms["as of, every column"], ms["file"], "no target")
    told("as known earlier", ms["known earlier"], ms["file"], "at most 4")
    told("one seller", ms["as of, one seller"], ms["file, one seller"], "at most 1.3")
    told(
        "a week's changes against comparing two files",
        ms["changes"],
        ms["two files"],
        "at most 0.33",
    )
    told("one price's history against scanning the files", ms["history"], scan, "at most 0.02")


def large(days: Days, folder: Path, facts: int) -> None:
    """Ask two logs, one of many more facts, put into them directly, as the log keeps them."""
    few, many = (_published_of(days, folder / str(count), count) for count in (_FEW_FACTS, facts))
    print(f"reading what was published of {facts:,} facts, and of {_FEW_FACTS:,}")
    columns = ", ".join(pl.read_parquet_schema(days[0]).keys() - {"checked_at"})
    with duckdb.connect(few, read_only=True) as less, duckdb.connect(many, read_only=True) as more:
        asked = {}
        for name, db, count in (("few", less, _FEW_FACTS), ("many", more, facts)):
            at = f"timestamp '{day(count // days.keys // 2 + 0.5)}', timestamp 'infinity'"
            question = f"select {columns} from prices_as_of({at})"
            asked[name] = lambda db=db, question=question: db.sql(question).to_arrow_table()
        ms = in_turn(asked)
    told("prices_as_of, whole, of many against few", ms["many"], ms["few"], "at most 2")


def _published_of(days: Days, folder: Path, facts: int) -> Path:
    changes = facts // days.keys
    with engines(["ratecard"], None, folder) as started:
        engine = started["ratecard"]
        engine.does("record", 0, days[0])
        with duckdb.connect(engine.folder / "warehouse.duckdb") as db:
            # each price moves once a day, at a time of its own
            for number in range(1, changes):
                db.execute(
                    "insert into looks by name select * replace (position + $day as position, "
                    "looked_at + $day * interval 1 day as looked_at, "
                    "known_at + $day * interval 1 day as known_at) from looks where position = 1",
                    {"day": number},
                )
                db.execute(
                    "insert into facts by name select * replace (position + $day as position, "
                    "valid_from + $day * interval 1 day + to_seconds(key % 86400) as valid_from, "
                    "known_at + ($day + 1) * interval 1 day as known_at, "
                    "unit_price + $day as unit_price, list_unit_price + $day as list_unit_price) "
                    "from facts where position = 1",
                    {"day": number},
                )
        engine.does("build", changes, days[0])
        engine.does("publish", changes, days[0])
    return folder / "ratecard" / "published" / "ratecard.duckdb"


def publishing(memory: Remembered) -> None:
    """Compare a publication with the plain write of its bytes."""
    print(f"publishing what is remembered of {memory.count} days")
    publication = memory.published.parent
    copies = memory.folder / "copies"

    def write_plainly() -> None:
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        for file in publication.iterdir():
            with (copies / file.name).open("wb") as copy:
                copy.write(file.read_bytes())
                copy.flush()
                os.fsync(copy.fileno())

    seconds: dict[str, list[float]] = {"plain": [], "publish": []}
    with Engine("ratecard", Path(sys.executable), memory.folder) as engine:
        for _ in range(_TIMES):
            begun = time.perf_counter()
            write_plainly()
            seconds["plain"].append(1000 * (time.perf_counter() - begun))
            seconds["publish"].append(1000 * engine.does("publish", 0, memory.days[0]))
    median = {name: statistics.median(took) for name, took in seconds.items()}
    told("publishing against writing its bytes", median["publish"], median["plain"], "at most 2")


def meanwhile(days: Days, folder: Path) -> None:
    """Read every 20 ms while a writer records and publishes without a pause."""
    print("a reader every 20 ms beside a writer without pause")
    question = (
        "import sys, time, duckdb\n"
        "while True:\n"
        "    with duckdb.connect(sys.argv[1], read_only=True) as db:\n"
        "        ((rows,),) = db.execute('select count(*) from current_prices').fetchall()\n"
        "    assert rows\n"
        "    print(rows, flush=True)\n"
        "    time.sleep(0.02)\n"
    )
    command = [sys.executable, "-c", question, str(folder / "published" / "ratecard.duckdb")]
    with Engine("ratecard", Path(sys.executable), folder) as engine:
        engine.does("run", 0, days[0])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            for number in range(1, 1 + _PUBLICATIONS):
                engine.does("run", number, days[number])
            has_failed = reader.poll() is not None
            reader.terminate()
            assert reader.stdout
            reads = len(reader.stdout.readlines())
    failed = "a read failed" if has_failed else "none failed"
    print(f"  {reads} reads and {_PUBLICATIONS} publications, {failed} (none may)")


def peak(memory: Remembered, folder: Path) -> None:
    """Tell the most memory that a whole run has, which reads a day, records and publishes it."""
    print(f"memory of a run on top of {memory.count} days")
    assert memory.took
    shutil.copytree(memory.folder, folder, symlinks=True)
    with Engine("ratecard_with_gate", Path(sys.executable), folder) as engine:
        engine.does("run", memory.count, memory.days[memory.count])
        print(f"  peak: {engine.peak_mb:.0f} MB (below 450 at 100,000 prices)")


def validation(days: Days) -> None:
    """Compare the check of a snapshot with the same checks by hand, every bad row reported."""
    from pandera.errors import SchemaErrors

    from sources._contract import Quotes, check_facts

    print(f"validating {days.keys:,} prices, 1 in 1,000 of them bad")
    quotes = pl.read_parquet(days[0]).with_columns(
        unit_price=pl.when(pl.int_range(pl.len()) % 1000 == 0)
        .then(pl.lit(Decimal(-1)))
        .otherwise("unit_price")
        .cast(pl.Decimal(38, 18))
    )
    found: dict[str, int] = {}

    def with_pandera() -> None:
        try:
            check_facts(Quotes, quotes)
        except SchemaErrors as errors:
            failures = errors.failure_cases.filter(column="unit_price")
            found["pandera"] = failures["index"].n_unique()

    def by_hand() -> None:
        found["by hand"] = _bad_rows(quotes)["unit_price"].len()

    ms = in_turn({"pandera": with_pandera, "by hand": by_hand})
    told("pandera against polars by hand", ms["pandera"], ms["by hand"], "at most 2.5")
    print(f"  bad rows reported: {found['pandera']} and {found['by hand']}")


def _bad_rows(quotes: pl.DataFrame) -> dict[str, pl.Series]:
    """Check quotes by hand as `Quotes` does; give the rows that break each check."""
    from typing import get_args

    from sources._contract import ADAPTERS, CURRENCIES, SERVICE_TIERS, TUNING_METHODS
    from sources._parsing import Availability, Meter

    text, state, amount = pl.col, pl.col("availability"), pl.col("unit_price")
    is_priced = (amount > 0).fill_null(value=False)
    said = pl.all_horizontal(
        text(name).is_not_null() for name in ("list_unit_price", "pricing_unit", "pricing_currency")
    )
    training = text("meter").is_in(["training_tokens", "training_hours", "job_minimum"])
    checks = {
        "provider": text("provider").str.contains(r"^[a-z][a-z0-9_]*$"),
        "model": text("model").str.len_chars().is_between(1, 200),
        "model_name": text("model").str.contains(r"^(?:\*$|.*\w)"),
        "tuning_method": text("tuning_method").is_in(TUNING_METHODS),
        "adapter": text("adapter").is_in(ADAPTERS) | text("adapter").is_null(),
        "service_tier": text("service_tier").is_in(SERVICE_TIERS),
        "region": text("region").str.contains(r"^.*\w") | text("region").is_null(),
        "context_tier": text("context_tier").str.contains(r"^.*\w")
        | text("context_tier").is_null(),
        "locator": text("locator").str.len_chars() >= 1,
        "printed_text": text("printed_text").is_not_null(),
        "url": text("url").str.starts_with("https://") | text("url").is_null(),
        "meter": text("meter").is_in(get_args(Meter)),
        "price_list": text("price_list").is_in(CURRENCIES) | text("price_list").is_null(),
        "availability": state.is_in(get_args(Availability)),
        "pricing_currency": text("pricing_currency").is_in(CURRENCIES)
        | text("pricing_currency").is_null(),
        "unit_price": (amount >= 0) | amount.is_null(),
        "unit_price_bound": (amount < _DEAREST) | amount.is_null(),
        "adapter_of_tuned": (text("tuning_method") == "none") == text("adapter").is_null(),
        "amount_where_priced": pl.when(state == "priced")
        .then(is_priced & said)
        .when(state == "free")
        .then((amount == 0).fill_null(value=False))
        .otherwise(amount.is_null() & text("list_unit_price").is_null()),
        "base_not_trained": ~(training & (text("tuning_method") == "none")),
    }
    assert quotes.width == _QUOTE_WIDTH
    broken = quotes.select(
        (~check.fill_null(value=False)).arg_true().implode().alias(name)
        for name, check in checks.items()
    )
    return {name: broken[name][0] for name in checks}


def main() -> None:
    """Print every ratio."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts")
    options.add_argument("--keys", type=int, default=100_000, help="prices a day")
    options.add_argument("--snapshots", type=int, default=365, help="days to remember")
    options.add_argument("--rounds", type=int, default=11, help="days that each engine remembers")
    options.add_argument(
        "--facts", type=int, default=0, help="of a larger log to ask, such as 10000000"
    )
    options.add_argument("--engines", type=Path, help="a folder of virtual environments")
    options.add_argument("--folder", type=Path, help="where to work, kept for the next call")
    chosen = options.parse_args()
    with nullcontext(chosen.folder) if chosen.folder else TemporaryDirectory() as name:
        measure(chosen, Path(name).absolute())


def measure(chosen: argparse.Namespace, home: Path) -> None:
    """Measure the chosen parts; only the days and what is remembered of them outlast it."""
    few = Days(chosen.keys // 10, home / f"{chosen.keys // 10} keys")
    many = Days(chosen.keys, home / f"{chosen.keys} keys")
    memory = Remembered(many, chosen.snapshots, home / f"{chosen.snapshots} days of {chosen.keys}")
    with TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "recording": lambda: [
                recording(days, chosen.engines, folder / f"engines {days.keys}", chosen.rounds)
                for days in (few, many)
            ],
            "same": lambda: [
                same_bytes(days, folder / f"same {days.keys}") for days in (few, many)
            ],
            "growing": lambda: growing(memory),
            "disk": lambda: disk(memory),
            "git": lambda: against_git(few, folder / "git", chosen.snapshots),
            "reading": lambda: reading(memory),
            "publishing": lambda: publishing(memory),
            "meanwhile": lambda: meanwhile(few, folder / "meanwhile"),
            "validation": lambda: validation(many),
            "large": lambda: chosen.facts and large(many, folder / "large", chosen.facts),
            "peak": lambda: peak(memory, folder / "peak"),
        }
        for part in PARTS:
            if part in chosen.only:
                parts[part]()


if __name__ == "__main__":
    main()

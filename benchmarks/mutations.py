"""Mutations of real pages, judged: `python benchmarks/mutations.py [--pages DIR]`.

Each source's captures are changed in many ways, each by a seed of its own: a column dropped, two
swapped, a unit changed, the file cut. It is printed how often the page was still read exactly,
how often single facts were set aside or the whole page held back by the gate, how often the
reader refused it, and how often a wrong number would have been believed; that must be never.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pipeline.looking import find_captures  # noqa: E402
from sources._contract import DOCUMENT_END, Rank, Source, SourceError, every_source  # noqa: E402
from tests.sources.judging import Judge, Verdict  # noqa: E402
from tests.sources.mutations import mutated  # noqa: E402
from tests.sources.pages import MEDIA, Page, thinned  # noqa: E402
from tests.sources.test_fixtures import captures_of  # noqa: E402

FIXTURES = ROOT / "tests" / "fixtures"
# What a person would not read to the end is cut down, so that a thousand readings end soon.
_LARGEST = 600_000
_SHOWN = 5


class Capture(NamedTuple):
    """A capture of a source that it can read, with its name and time."""

    source: Source
    name: str
    at: datetime
    content: bytes
    suffix: str


def captures(pages: Path, only: str | None) -> Iterator[Capture]:
    """Find the captures to mutate; a source that has none there gives its own fixtures."""
    found = [*_found(pages)]
    missing = every_source().keys() - {capture.source.name for capture in found}
    found += [capture for capture in _found(FIXTURES) if capture.source.name in missing]
    for capture in found:
        if only in {None, capture.source.name}:
            yield capture


def _files(pages: Path) -> Iterator[tuple[str, datetime, tuple[Path, ...]]]:
    if pages != FIXTURES:
        yield from find_captures(pages, every_source()).captures
        return
    for name in every_source():
        for file in captures_of(name):
            yield name, datetime.fromisoformat(file.name[:10]), (file,)


def _found(pages: Path) -> Iterator[Capture]:
    for name, at, files in _files(pages):
        # what people transcribed is no page, and believed unasked
        if every_source()[name].rank is Rank.TRANSCRIBED:
            continue
        content = DOCUMENT_END.join(file.read_bytes() for file in files)
        source, whole = every_source()[name], " ".join(file.name for file in files)
        if files[0].suffix == ".json":
            content = thinned(content, _LARGEST)
        try:
            source = _fitted(source, content)
        except SourceError as error:
            print(f"{name} {whole} is left out: {error.problem[:90]}")
            continue
        yield Capture(source, whole, at, content, files[0].suffix)


def _fitted(source: Source, content: bytes) -> Source:
    """Let a small page, or one cut down, pass as a whole one."""
    anything = replace(source, quote_count=(0, 100_000), term_count=(0, 100_000))
    reading = anything.read(content)
    counts = [
        (bounds, frame.height)
        for bounds, frame in (
            (source.quote_count, reading.quotes),
            (source.term_count, reading.terms),
        )
    ]
    # as far below what is there as the real bounds are, at the most
    (quotes, terms) = ((min(low, count), max(high, count)) for (low, high), count in counts)
    if not reading.quotes.height + reading.terms.height:
        raise source.refusal("it states nothing")
    return replace(source, quote_count=quotes, term_count=terms)


def main() -> None:
    """Print the rates of each source."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--pages", type=Path, default=FIXTURES, help="a folder of captures")
    options.add_argument("--count", type=int, default=1000, help="mutations a source")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--first", type=int, default=0, help="the number to begin with")
    options.add_argument("--source", help="only this one")
    options.add_argument("--kinds", action="store_true", help="the rates of each kind, too")
    chosen = options.parse_args()
    by_source: dict[str, list[Capture]] = {}
    for capture in captures(chosen.pages, chosen.source):
        by_source.setdefault(capture.source.name, []).append(capture)
    wrong: dict[str, list[str]] = {name: [] for name in by_source}
    kinds: dict[str, Counter[Verdict]] = {}
    print(f"{'':26}" + "".join(f"{verdict:>16}" for verdict in Verdict) + f"{'s':>8}")
    for name, pages in sorted(by_source.items()):
        begun = time.perf_counter()
        counted: Counter[Verdict] = Counter()
        prepared = [_prepared(capture) for capture in pages]
        for number in range(chosen.first, chosen.first + chosen.count):
            at = number % len(prepared)
            judge, page = prepared[at]
            mutation = mutated(page, Random(f"{chosen.seed}/{name}/{number}"))  # noqa: S311
            verdict, reason = judge.verdict(mutation)
            counted[verdict] += 1
            kinds.setdefault(mutation.kind, Counter())[verdict] += 1
            if verdict is Verdict.WRONG:
                wrong[name].append(
                    f"--source {name} --seed {chosen.seed} --first {number} --count 1: "
                    f"{pages[at].name}: {mutation.kind}: {mutation.what}: {reason}"
                )
        _print(name, counted, time.perf_counter() - begun)
        print(*wrong[name][:_SHOWN], sep="\n", end="\n" if wrong[name] else "", flush=True)
    if chosen.kinds:
        for kind, counted in sorted(kinds.items()):
            _print(kind[:25], counted, 0)
    count = sum(map(len, wrong.values()))
    print(f"{count} wrong")
    raise SystemExit(1 if count else 0)


def _prepared(capture: Capture) -> tuple[Judge, Page]:
    judge = Judge(capture.source, capture.content, capture.at)
    return judge, Page(capture.content, MEDIA[capture.suffix], judge.matters)


def _print(name: str, counted: Counter[Verdict], seconds: float) -> None:
    total = counted.total()
    cells = [f"{counted[v]:>6} {100 * counted[v] / total:5.1f} %" for v in Verdict]
    print(f"{name:26}" + "".join(f"{cell:>16}" for cell in cells) + f"{seconds:>8.1f}", flush=True)


if __name__ == "__main__":
    main()

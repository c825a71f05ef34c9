"""Hostile captures, each read by a process of its own that tells how long it took and how much.

`python -m tests.sources.hostile bombs` reads large captures made to explode, with every source;
`... baits` reads the fixtures with a long text of few signs somewhere in them, which is what
makes a careless regular expression slow. Each prints one line of JSON a reading.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

from sources._contract import Source, SourceError, every_source
from tests.sources.pages import MEDIA, Page
from tests.sources.test_fixtures import EVERY_CAPTURE, fitted

_SIZE: Final = 4_000_000


def _many(text: str, size: int = _SIZE) -> str:
    return text * (size // len(text))


def _page(body: str) -> str:
    return f"<!DOCTYPE html><html><head></head><body>{body}</body></html>"


def _table(rows: str) -> str:
    return _page(f"<table><tr><th>Model</th><th>Training</th></tr>{rows}</table>")


def _in_one_another(tags: int, inside: str = "x") -> str:
    return _page("<div>" * tags + inside + "</div>" * tags)


# What explodes: in the parser of HTML, in a table's spans, in JSON, in lines, in lists.
BOMBS: Final[Mapping[str, Callable[[], str]]] = {
    "one large cell": lambda: _table(f"<tr><td>{_many('9')}<td>$1</table>"),
    "a header as large": lambda: _page(f"<table><tr><th>{_many('a ')}</th></tr></table>"),
    "many cells": lambda: _table(_many("<tr><td>a<td>$1")),
    "many tables": lambda: _page(_many("<table><tr><th>A<tr><td>1</table>")),
    "tables in tables": lambda: _page("<table><tr><td>" * 3000 + _many("a")),
    "wide and long spans": lambda: _table(_many("<tr><td rowspan=65534 colspan=99>$1", 500_000)),
    "the widest spans": lambda: _table(_many("<tr><td rowspan=65534 colspan=1000>$1", 500_000)),
    "long headers of spans": lambda: _page(
        "<table>" + _many("<tr><th colspan=190 rowspan=65534>Training</th></tr>", 500_000)
    ),
    "elements in elements": lambda: _in_one_another(200_000),
    "elements in elements, less deep": lambda: _in_one_another(4_900, _many("a")),
    "elements that never end": lambda: _page("<div>" * 400_000),
    "elements in disorder": lambda: _page(
        "".join(f"<b a={n}>" for n in range(3_000)) + "<div>" * 3_000 + "</b>" * 3_000
    ),
    "cards in cards": lambda: _page("<div class=model-item>" * 1_000 + "<p>a</p>" * 1_000),
    "lines in lines": lambda: _page("<div class=ace-line>" * 4_000 + _many("a")),
    "many attributes": lambda: _page(f"<p {' '.join(f'a{n}=1' for n in range(400_000))}>"),
    "many headings": lambda: _page(_many("<h2>a</h2><table><tr><td>1</table>")),
    "blanks far from a table": lambda: _page(
        "<p></p>" * 60_000 + "<table><tr><th>A<tr><td>1</table>" * 900
    ),
    "a long attribute": lambda: _page(f'<p data-prices="{_many("{&quot;")}">'),
    "references": lambda: _table(f"<tr><td>{_many('&#9999999999;')}<td>{_many('&lt;')}"),
    "lists in lists": lambda: _many("["),
    "objects in objects": lambda: _many('{"a":'),
    "many objects": lambda: "[" + _many('{"a":1},') + "{}]",
    "many numbers": lambda: "[" + _many("1,") + "1]",
    "many keys": lambda: "{" + ",".join(f'"{n}":{n}' for n in range(300_000)) + "}",
    "many documents": lambda: _many("{} "),
    "a long number": lambda: f'{{"a": {_many("9")}}}',
    "a long exponent": lambda: f'[{{"a": 1e{"9" * 100_000}}}, {{"a": 1e999999999}}]',
    "one long string": lambda: f'["{_many("a")}"]',
    "a rare letter in it": lambda: f'["{_many("a")}\U0001f4b0"]',
    "many rows of Markdown": lambda: "| Model | Training |\n|--|--|\n" + _many("| a | $1 |\n"),
    "many tables of Markdown": lambda: _many("| Model | Training |\n|--|--|\n| a | $1 |\n\n"),
    "one wide row of Markdown": lambda: f"{_many('| a ')}\n{_many('|--')}\n{_many('| 1 ')}\n",
    "one long row in lines": lambda: "a | b\n---|---\n" + _many("ab\n"),
    "many lines": lambda: _many("\n"),
    "many short lines": lambda: _many("ab\n"),
    "headings of nothing": lambda: _many("## a\n"),
    "one long line": lambda: _many("a "),
    "letters of three bytes": lambda: _many("价格", _SIZE // 6),
    "quotes": lambda: _many('"'),
}

_LONG: Final = 30_000
_BAITS: Final = (
    "9", "1,", "$1", " ", "-", "a-", "(", "/ per ", "|", ".", "&#", "\u200b", "a ", "``", "[a](",
    "- ", "\\", "<", "{", "元", "1M tokens ", "x, ", "k", "*", "\n", "gpt-", "ft:", "|--",
)  # fmt: skip


def baited(text: str, media: str, random: Random) -> str:
    """Put a long text of few signs in, in the place of a word or beside it."""
    bait = random.choice(_BAITS)
    bait *= _LONG // len(bait)
    if media == "json":
        bait = json.dumps(bait)[1:-1]
    words = list(re.finditer(r'(?<=")[^"\n]+(?=")' if media == "json" else r"[^\s<>|,]+", text))
    word = random.choice(words)
    new = random.choice([bait, word[0] + bait, bait + word[0], word[0] + bait + "x"])
    return text[: word.start()] + new + text[word.end() :]


def _memory() -> float:
    """Give the most memory that this process had so far, in MB.

    Not by getrusage, which begins with what the process had that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def _read(source: Source, what: str, content: bytes, start: float) -> dict[str, object]:
    begun = time.process_time()
    try:
        source.read(content)
        outcome = "read"
    except SourceError:
        outcome = "refused"
    except BaseException as error:  # noqa: BLE001 that is what is looked for
        outcome = repr(error)[:200]
    return {
        "source": source.name,
        "what": what,
        "seconds": round(time.process_time() - begun, 2),
        "megabytes": round(_memory() - start),
        "outcome": outcome,
    }


def bombs() -> Iterator[dict[str, object]]:
    """Read every bomb with every source."""
    start = _memory()
    for what, make in BOMBS.items():
        content = make().encode()
        for source in every_source().values():
            yield _read(source, what, content, start)


def baits(count: int = 25) -> Iterator[dict[str, object]]:
    """Read every fixture so many times, baited."""
    start = _memory()
    for param in EVERY_CAPTURE:
        name, capture = param.values
        assert isinstance(capture, Path)
        media, text = MEDIA[capture.suffix], capture.read_text("utf-8")
        source = fitted(every_source()[str(name)], capture)
        # texts in the JSON that a page of HTML holds are baited in there
        parts = Page(text.encode(), media).parts if media == "html" else []
        for seed in range(count):
            random = Random(f"{capture.name}/{seed}")  # noqa: S311 no secret
            if parts and random.random() < 0.3:
                part = random.choice(parts)
                page = Page(text.encode(), media)
                content = page.with_(part.put(baited(part.text, "json", random)))
            else:
                content = baited(text, media, random).encode()
            yield _read(source, f"{capture.name} {seed}", content, start)


if __name__ == "__main__":
    for reading in {"bombs": bombs, "baits": baits}[sys.argv[1]]():
        sys.stdout.write(f"{json.dumps(reading)}\n")

"""Pages taken apart: where the tables, the rows and the JSON of a capture stand in its text.

What is found is only ever spliced, so that a changed page is the same but for what was changed.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal, NamedTuple, TypeVar

Media = Literal["html", "markdown", "json", "csv"]
# From where to where in a text, and what stands there now.
Splice = tuple[int, int, str]
MEDIA: Final[Mapping[str, Media]] = {
    ".html": "html",
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".mdx": "markdown",
    ".js": "markdown",
}


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Put each splice in its place; one that reaches into the one before it is left out."""
    parts, at = [], 0
    for start, end, new in sorted(splices):
        if start >= at:
            parts += [text[at:start], new]
            at = end
    return "".join([*parts, text[at:]])


# ---------------------------------------------------------------- tables


class Cell(NamedTuple):
    """A cell with all that belongs to it, and the columns that it stands in."""

    start: int
    end: int
    column: int
    width: int = 1


class Line(NamedTuple):
    """A row of a table: of its header, where `is_head`, or of its body."""

    start: int
    end: int
    cells: list[Cell]
    is_head: bool
    is_under: bool = False  # a cell of a row above reaches into it


@dataclass(frozen=True)
class Grid:
    """A table in a text; `between` is what parts the cells of a row."""

    text: str
    between: str
    lines: list[Line]

    @property
    def start(self) -> int:
        return self.lines[0].start

    @property
    def end(self) -> int:
        return self.lines[-1].end

    @cached_property
    def width(self) -> int:
        return max(cell.column + cell.width for line in self.lines for cell in line.cells)

    @property
    def body(self) -> list[Line]:
        return [line for line in self.lines if not line.is_head]

    @property
    def groups(self) -> list[list[Line]]:
        """Give the body's rows, those together that a cell spans.

        One that is lost alone leaves a table that says of another row what the cell does.
        """
        groups: list[list[Line]] = []
        for line in self.body:
            if line.is_under and groups:
                groups[-1].append(line)
            else:
                groups.append([line])
        return groups

    def said(self, cell: Cell) -> str:
        return " ".join(re.sub(r"<[^>]*>", " ", self.text[cell.start : cell.end]).split())

    def row(self, line: Line, cells: Sequence[str]) -> Splice:
        """Put other cells in the place of a row's."""
        return line.cells[0].start, line.cells[-1].end, self.between.join(cells)

    def cells(self, line: Line) -> list[str]:
        return [self.text[cell.start : cell.end] for cell in line.cells]


_TAG: Final = re.compile(
    r"<!--.*?-->|<(?P<skip>script|style)\b.*?</(?P=skip)\s*>"
    r"|<(?P<close>/?)(?P<tag>table|thead|tr|td|th)\b(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>",
    re.DOTALL | re.IGNORECASE,
)


def _attribute(attributes: str, name: str) -> str | None:
    found = re.search(rf"{name}\s*=\s*[\"']?([\w-]*)", attributes)
    return found[1] if found else None


@dataclass
class _Open:
    """A table of HTML whose end has not been met."""

    lines: list[Line] = field(default_factory=list)
    cells: list[tuple[int, int, str]] = field(default_factory=list)
    hanging: dict[int, int] = field(default_factory=dict)
    row: int | None = None
    cell: tuple[int, str] | None = None
    in_head: bool = False
    row_is_head: bool = False

    def meet(self, tag: str, match: re.Match[str], text: str) -> None:
        """Go on with a tag of this table."""
        is_end = bool(match["close"])
        at = match.end() if is_end else match.start()
        if tag == "thead":
            self.close_row(match.start(), text)
            self.in_head = not is_end
        elif tag == "tr":
            self.close_row(at, text)
            if not is_end:
                self.row = match.start()
                self.row_is_head = self.in_head or (
                    _attribute(match["attributes"], "thead") == "true"
                )
        else:
            self.close_cell(at)
            if not is_end:
                self.cell = (match.start(), match["attributes"])

    def close_cell(self, at: int) -> None:
        if self.cell:
            self.cells.append((self.cell[0], at, self.cell[1]))
            self.cell = None

    def close_row(self, at: int, text: str) -> None:
        self.close_cell(at)
        if self.row is not None and self.cells:
            is_head = self.row_is_head or all(
                text[start : start + 3].lower() == "<th" for start, *_ in self.cells
            )
            is_under = bool(self.hanging)
            self.lines.append(Line(self.row, at, list(self._placed(text)), is_head, is_under))
        self.row, self.cells = None, []

    def _placed(self, text: str) -> Iterator[Cell]:
        hung = sorted(self.hanging)
        self.hanging = {at: left - 1 for at, left in self.hanging.items() if left > 1}
        taken, at = set(hung), 0
        for start, end, attributes in self.cells:
            down = _attribute(attributes, "rowspan")
            if down == "0" and hung and not re.sub(r"<[^>]*>|\s|\u200b", "", text[start:end]):
                # a phantom, which stands below the cell that spans its row
                yield Cell(start, end, hung.pop(0))
                continue
            while at in taken:
                at += 1
            width = int(_attribute(attributes, "colspan") or 1)
            if down and int(down) > 1:
                self.hanging |= dict.fromkeys(range(at, at + width), int(down) - 1)
            yield Cell(start, end, at, width)
            at += width


def _html_grids(text: str) -> Iterator[Grid]:
    tables: list[_Open] = []
    found: list[list[Line]] = []
    for match in _TAG.finditer(text):
        tag, is_end = (match["tag"] or "").lower(), bool(match["close"])
        if tag == "table" and not is_end:
            tables.append(_Open())
        elif tag == "table" and tables:
            table = tables.pop()
            table.close_row(match.start(), text)
            found.append(table.lines)
        elif tag and tables:
            tables[-1].meet(tag, match, text)
    ordered = sorted(filter(None, found), key=lambda lines: lines[0].start)
    yield from _with_their_heads(text, ordered)


def _with_their_heads(text: str, tables: list[list[Line]]) -> Iterator[Grid]:
    """Join a table that is a header alone with the one of its rows behind it."""
    head: list[Line] = []
    for lines in tables:
        if all(line.is_head for line in lines):
            head = lines
            continue
        if any(line.is_head for line in lines):
            yield Grid(text, "", lines)
        elif head:
            yield Grid(text, "", [*head, *lines])
        else:
            yield Grid(text, "", [lines[0]._replace(is_head=True), *lines[1:]])
        head = []


_RULE: Final = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_PIPED: Final = re.compile(r"(?<!\\)\|")


def _markdown_grids(text: str) -> Iterator[Grid]:
    lines: list[tuple[int, str]] = []
    at = 0
    for line in text.split("\n"):
        lines.append((at, line))
        at += len(line) + 1
    for number in range(1, len(lines)):
        rule = lines[number][1]
        if "|" not in rule or not _RULE.fullmatch(rule):
            continue
        rows = [
            _piped(*lines[number - 1], is_head=True),
            _piped(*lines[number], is_head=True),
        ]
        for start, line in lines[number + 1 :]:
            if not line.strip():
                break
            rows.append(_piped(start, line, is_head=False))
        yield Grid(text, "|", rows)


def _piped(start: int, line: str, *, is_head: bool) -> Line:
    pipes = [match.start() for match in _PIPED.finditer(line)]
    stripped = line.strip()
    first = pipes.pop(0) + 1 if pipes and stripped.startswith("|") else 0
    last = pipes.pop() if pipes and stripped.endswith("|") else len(line)
    edges = [first - 1, *pipes, last]
    cells = [Cell(start + a + 1, start + b, n) for n, (a, b) in enumerate(pairwise(edges))]
    return Line(start, start + len(line), cells, is_head)


def _lines_of(text: str) -> list[Line]:
    found = re.finditer(r"^.*\S.*$", text, re.MULTILINE)
    return [Line(*match.span(), [], is_head=False) for match in found]


_CSV_CELL: Final = re.compile(r'(?:^|(?<=,))(?:"(?:[^"]|"")*"|[^,"\n]*)(?=,|$)')


def _csv_grids(text: str) -> Iterator[Grid]:
    rows: list[Line] = []
    at = 0
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            spans = [match.span() for match in _CSV_CELL.finditer(line)]
            cells = [Cell(at + start, at + end, n) for n, (start, end) in enumerate(spans)]
            rows.append(Line(at, at + len(line), cells, not rows))
        at += len(line) + 1
    if rows:
        yield Grid(text, ",", rows)


# ---------------------------------------------------------------- JSON


class Item(NamedTuple):
    """One entry of an object, with its key, or of a list, without."""

    start: int
    end: int
    key: str | None
    value: int  # where the value starts


@dataclass(frozen=True)
class Container:
    """An object or a list of a JSON document."""

    start: int
    end: int
    items: list[Item]

    def without(self, number: int) -> Splice:
        if number:
            return self.items[number - 1].end, self.items[number].end, ""
        until = self.items[1].start if len(self.items) > 1 else self.items[0].end
        return self.items[0].start, until, ""


_JSON_SIGN: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s{}\[\],:"]+', re.DOTALL
)


def containers(text: str) -> list[Container]:
    """Find every object and list of JSON documents, with where their entries stand."""
    found: list[Container] = []
    # of each that is open: where it begins, its entries, and the key that it is the value of
    above: list[tuple[int, list[Item], re.Match[str] | None]] = []
    key: re.Match[str] | None = None
    for match in _JSON_SIGN.finditer(text):
        if match["key"]:
            key = match
            continue
        if match[0] in "{[":
            above.append((match.start(), [], key))
            key = None
            continue
        start = match.start()
        if match[0] in "}]":
            if not above:
                continue
            start, items, key = above.pop()
            found.append(Container(start, match.end(), items))
        if above:
            begin, name = (key.start(), key["key"][1:-1]) if key else (start, None)
            above[-1][1].append(Item(begin, match.end(), name, start))
        key = None
    return sorted(found, key=lambda container: container.start)


# ---------------------------------------------------------------- a page


@dataclass(frozen=True)
class Part:
    """JSON in a page: its text, and how to put another in its place."""

    text: str
    put: Callable[[str], list[Splice]]

    @cached_property
    def containers(self) -> list[Container]:
        return [c for c in containers(self.text) if c.items]

    @cached_property
    def by_key(self) -> dict[str, list[tuple[Container, int]]]:
        named: dict[str, list[tuple[Container, int]]] = {}
        for container in self.containers:
            for number, item in enumerate(container.items):
                if item.key is not None:
                    named.setdefault(item.key, []).append((container, number))
        return named

    @cached_property
    def fields(self) -> list[str]:
        """Give the keys that name a field, not one of many things, as a model's name does."""
        return [
            key
            for key, places in sorted(self.by_key.items(), key=lambda item: -len(item[1]))
            if len(places) >= _OFTEN or len(places[0][0].items) <= _FIELDS
        ][:_KEYS]

    def renamed(self, key: str, new: str) -> str:
        """Call a key otherwise wherever it stands."""
        starts = [container.items[number].start for container, number in self.by_key[key]]
        return spliced(self.text, [(at, at + len(key) + 2, f'"{new}"') for at in starts])

    def value(self, item: Item) -> str:
        return self.text[item.value : item.end]


_Thing = TypeVar("_Thing", Grid, Part, Line)
_OFTEN: Final = 5
_FIELDS: Final = 12
_KEYS: Final = 50
_ATTRIBUTE: Final = re.compile(r"""=(?:"(\s*(?:\{|\[)[^"]{20,})"|'(\s*(?:\{|\[)[^']{20,})')""")
_PUSH: Final = re.compile(r'self\.__next_f\.push\(\[1,("(?:[^"\\]|\\.)*")\]\)', re.DOTALL)
_FLIGHT_LINE: Final = re.compile(r"^[0-9a-f]+:([\[{].*[\]}])$", re.MULTILINE)


def _parts_of_html(text: str) -> Iterator[Part]:
    for match in _ATTRIBUTE.finditer(text):
        group = 1 if match[1] else 2
        start, end = match.span(group)
        inner = html.unescape(match[group])
        try:
            json.loads(inner)
        except ValueError:
            continue

        def put(new: str, start: int = start, end: int = end) -> list[Splice]:
            return [(start, end, html.escape(new))]

        yield Part(inner, put)
    pushes = [match.span(1) for match in _PUSH.finditer(text)]
    if not pushes:
        return
    # what the strings hold together may be cut between any two of them
    flight = "".join(json.loads(text[start:end]) for start, end in pushes)
    for match in _FLIGHT_LINE.finditer(flight):
        start, end = match.span(1)

        def put_flight(new: str, start: int = start, end: int = end) -> list[Splice]:
            whole = json.dumps(flight[:start] + new + flight[end:])
            return [(*span, '""' if n else whole) for n, span in enumerate(pushes)]

        yield Part(match[1], put_flight)


class Page:
    """A capture to be mutated, taken apart once.

    `matters` tells whether a changed capture says something else, so that most mutations hit
    what is read and not the rest of a page; without it all of the page is what matters.
    """

    def __init__(
        self, capture: bytes, media: Media, matters: Callable[[bytes], bool] | None = None
    ) -> None:
        self.capture = capture
        self.text = text = capture.decode("utf-8-sig")
        self.grids: list[Grid] = []
        self.parts: list[Part] = []
        match media:
            case "html":
                self.grids = list(_html_grids(text))
                self.parts = list(_parts_of_html(text))
            case "markdown":
                self.grids = list(_markdown_grids(text))
            case "csv":
                self.grids = list(_csv_grids(text))
            case "json":
                self.parts = [Part(text, lambda new: [(0, len(text), new)])]
        self.grids = [grid for grid in self.grids if grid.body and grid.width > 1]
        matters = matters or (lambda _: True)
        if media != "json":
            self.grids = self._first(self.grids, lambda g: [(g.start, g.end, "")], matters)
            self.parts = self._first(self.parts, lambda p: p.put("null"), matters)
        self.zones = [(max(0, g.start - 3000), g.end + 1000) for g in self.grids]
        self.lines = _lines_of(text) if media == "markdown" and not self.grids else []
        self.lines = self._first(self.lines, lambda line: [(line.start, line.end, "")], matters)
        self.zones += [(line.start, line.end) for line in self.lines]
        if media in {"csv", "json"} or not self.zones:
            self.zones = [(0, len(text))]
        self.keys = [
            (part, key)
            for part in self.parts
            for key in part.fields
            if matters(self.with_(part.put(part.renamed(key, f"{key}_x"))))
        ]

    def _first(
        self,
        things: list[_Thing],
        lost: Callable[[_Thing], list[Splice]],
        matters: Callable[[bytes], bool],
    ) -> list[_Thing]:
        """Keep the things without which the page says something else."""
        return [thing for thing in things if matters(self.with_(lost(thing)))]

    def with_(self, splices: Iterable[Splice]) -> bytes:
        """Give the capture with something else in some places."""
        return spliced(self.text, splices).encode()


def thinned(capture: bytes, largest: int) -> bytes:
    """Leave out entries of a large JSON document's longest list or object, evenly."""
    if len(capture) <= largest:
        return capture
    text = capture.decode()
    longest = max(containers(text), key=lambda container: len(container.items))
    every = -(-len(capture) // largest)
    kept = [text[item.start : item.end] for item in longest.items[::every]]
    opening, closing = text[longest.start], text[longest.end - 1]
    whole = opening + ",\n".join(kept) + closing
    return (text[: longest.start] + whole + text[longest.end :]).encode()

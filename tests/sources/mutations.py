"""Pages changed on purpose: seeded mutations of a capture, each with what was done to it.

A mutation is of a family. After one that is `misleading` nobody may believe another number than
before it: the page lost or mixed up something, or its words no longer mean what its numbers do.
After one of `numbers` the page truly prints other numbers, and says which: where no other copy
contradicts them and the change is small, nobody can tell. After a `splice` it prints one row that
is made of two.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Final, Literal, NamedTuple

from tests.sources.pages import Container, Grid, Line, Page, Part, Splice, spliced

Family = Literal["misleading", "numbers", "splice"]
# Numbers that the page prints now, in place of others.
Pairs = tuple[tuple[Decimal, Decimal], ...]
_OFTEN: Final = 5


class Change(NamedTuple):
    """What a kind of mutation does to a text: in words, and as splices."""

    what: str
    splices: list[Splice]
    numbers: Pairs = ()


class Mutation(NamedTuple):
    """A changed capture; `numbers` are those that a mutation of numbers printed."""

    kind: str
    family: Family
    what: str
    capture: bytes
    numbers: Pairs = ()


def mutated(page: Page, random: Random) -> Mutation:
    """Do one thing to a page, which changes at least a byte of it."""
    while True:
        kind = random.choice(list(KINDS))
        family, verb = KINDS[kind]
        change = verb(page, random)
        if change is None:
            continue
        numbers = change.numbers if family == "numbers" else ()
        capture = page.with_(change.splices)
        if capture != page.capture:
            return Mutation(kind, family, change.what, capture, numbers)


_PRICE_KEY: Final = re.compile(
    r"cost|mtok|price|usd|^(?:[io]|input|output|prompt|completion|input_cached|cache_read)$"
    r"|^input_cache_read$",
    re.IGNORECASE,
)
_JSON_NUMBER: Final = re.compile(r'"?[$]?(?P<number>\d+(?:\.\d+)?(?:[eE]-?\d+)?)"?')


# ---------------------------------------------------------------- kinds: tables


def _grid(page: Page, random: Random) -> Grid | None:
    return random.choice(page.grids) if page.grids else None


def _column_of(grid: Grid, random: Random) -> int:
    return random.randrange(grid.width)


def _lines(grid: Grid, where: str) -> list[Line]:
    return [line for line in grid.lines if where == "" or line.is_head == (where == "header")]


def drop_column(where: str) -> Callable[[Page, Random], Change | None]:
    def drop(page: Page, random: Random) -> Change | None:
        grid = _grid(page, random)
        if grid is None:
            return None
        at = _column_of(grid, random)
        splices = []
        for line in _lines(grid, where):
            kept = []
            for cell in line.cells:
                content = grid.text[cell.start : cell.end]
                if not cell.column <= at < cell.column + cell.width:
                    kept.append(content)
                elif cell.width > 1:
                    less = f"colspan={cell.width - 1}"
                    kept.append(re.sub(r"colspan\s*=\s*[\"']?\d+[\"']?", less, content, count=1))
            splices.append(grid.row(line, kept))
        return Change(f"column {at} of the table at {grid.start}", splices)

    return drop


def swap_columns(where: str) -> Callable[[Page, Random], Change | None]:
    def swap(page: Page, random: Random) -> Change | None:
        grid = _grid(page, random)
        if grid is None:
            return None
        one, two = random.sample(range(grid.width), 2)
        places = {one: two, two: one}
        splices = []
        for line in _lines(grid, where):
            for cell in line.cells:
                covered = {one, two} & set(range(cell.column, cell.column + cell.width))
                if cell.width > 1 and len(covered) == 1:
                    return None
            cells = sorted(line.cells, key=lambda cell: places.get(cell.column, cell.column))
            splices.append(grid.row(line, [grid.text[cell.start : cell.end] for cell in cells]))
        return Change(f"columns {one} and {two} of the table at {grid.start}", splices)

    return swap


def drop_rows(how_many: str) -> Callable[[Page, Random], Change | None]:
    def drop(page: Page, random: Random) -> Change | None:
        grid = _grid(page, random)
        if grid is None:
            return None
        groups = grid.groups
        count = {"one": 1, "few": max(1, len(groups) // 4), "most": max(1, len(groups) * 3 // 4)}
        lost = [line for group in random.sample(groups, count[how_many]) for line in group]
        what = f"{len(lost)} of {len(grid.body)} rows of the table at {grid.start}"
        return Change(what, [(line.start, line.end + (grid.between != ""), "") for line in lost])

    return drop


def duplicate_row(page: Page, random: Random) -> Change | None:
    grid = _grid(page, random)
    if grid is None:
        return None
    group, other = random.choice(grid.groups), random.choice(grid.groups)
    start, end, at = group[0].start, group[-1].end, other[-1].end
    if len(group[0].cells) < len(grid.lines[0].cells):
        # a line of a row that goes over several, which belongs where it is
        at = end
    joint = "\n" if grid.between else ""
    return Change(f"the row at {start} behind {at}", [(at, at, joint + grid.text[start:end])])


def duplicate_table(page: Page, random: Random) -> Change | None:
    return _duplicated(page, random, lambda text: text)


def duplicate_table_with_other_numbers(page: Page, random: Random) -> Change | None:
    return _duplicated(page, random, lambda text: _OTHER.sub(_other_number, text))


# a price, or the last digit of a day; no digit of a name
_OTHER: Final = re.compile(
    r"(?<=[$€> ])[1-8](?=\d*\.\d+\s?[</|$€元 ])|(?<=\| \d{4}-\d\d-\d)\d|(?<=\| \d{4}‑\d\d‑\d)\d"
)


def _other_number(digit: re.Match[str]) -> str:
    return "9" if digit[0] not in "09" else "8"


def _duplicated(page: Page, random: Random, other: Callable[[str], str]) -> Change | None:
    grid = _grid(page, random)
    if grid is None:
        return None
    if grid.between:
        start, end = grid.start, grid.end
        copy = f"\n\n{other(grid.text[start:end])}"
    else:
        start = grid.text.lower().rfind("<table", 0, grid.start)
        end = grid.text.lower().find("</table>", grid.end - 1) + len("</table>")
        copy = other(grid.text[start:end])
    if random.random() < 0.5:
        return Change(f"the table at {grid.start} behind itself", [(end, end, copy)])
    # where another day stands under a later heading, it was put off
    place = random.choice(page.grids) if copy == grid.text[start:end] else grid
    if place.between:
        at = place.start
        copy = f"{copy.strip()}\n\n"
    else:
        at = place.text.lower().rfind("<table", 0, place.start)
    return Change(f"the table at {grid.start} before {at}", [(at, at, copy)])


def drop_table(page: Page, random: Random) -> Change | None:
    grid = _grid(page, random)
    if grid is None:
        return None
    return Change(f"the table at {grid.start}", [(grid.start, grid.end, "")])


def drop_cell(page: Page, random: Random) -> Change | None:
    grid = _grid(page, random)
    if grid is None:
        return None
    line = random.choice(grid.body)
    at = random.randrange(len(line.cells))
    cells = grid.cells(line)
    lost = cells.pop(at)
    if random.random() < 0.5:
        # what is behind it slides to the left
        cells.append("<td></td>" if not grid.between else "")
    return Change(f"the cell {lost[:60]!r} at {line.start}", [grid.row(line, cells)])


def blank_cell(page: Page, random: Random) -> Change | None:
    grid = _grid(page, random)
    if grid is None:
        return None
    line = random.choice(grid.lines)
    cell = random.choice(line.cells)
    said = random.choice(["", "-"])
    new = said if grid.between else f"<td>{said}</td>"
    what = f"{grid.said(cell)!r} at {cell.start} is {said!r}"
    return Change(what, [(cell.start, cell.end, new)])


def slide_column(page: Page, random: Random) -> Change | None:
    """Let every cell of a column stand one row lower; the last one stands first."""
    grid = _grid(page, random)
    if grid is None:
        return None
    at = _column_of(grid, random)
    # a row that already slid has none of its cells in its column
    lines = [line for line in grid.body if all(map(grid.said, line.cells))]
    cells = [cell for line in lines for cell in line.cells if cell.column == at and cell.width == 1]
    if any("rowspan" in grid.text[cell.start : cell.end] for cell in cells):
        # a span would take its rows along
        spans = re.compile(r"rowspan=\W?[02-9]")
        cells = [cell for cell in cells if not spans.search(grid.text, cell.start, cell.end)]
    said = [grid.text[cell.start : cell.end] for cell in cells]
    if len(set(said)) < 3:
        # two models whose prices changed places: sellers do print that
        return None
    splices = [
        (cell.start, cell.end, above)
        for cell, above in zip(cells, said[-1:] + said[:-1], strict=True)
    ]
    return Change(f"column {at} of the table at {grid.start}", splices)


def rename_header(page: Page, random: Random) -> Change | None:
    grid = _grid(page, random)
    if grid is None:
        return None
    heads = [cell for line in grid.lines if line.is_head for cell in line.cells]
    named = [cell for cell in heads if re.search(r"\w", grid.said(cell))]
    if not named:
        return None
    cell = random.choice(named)
    said = grid.said(cell)
    word = max(re.findall(r"[^\s<>|,]+", said), key=len)
    others = [grid.said(other) for other in named if grid.said(other) != said]
    new = random.choice(["Price", "价格", word[:-1], f"{word} new", word.upper(), *others])
    content = grid.text[cell.start : cell.end]
    at = content.find(word, content.find(">") + 1)
    if at < 0:
        return None
    renamed = content[:at] + new + content[at + len(word) :]
    return Change(f"{word!r} of {said!r} is {new!r}", [(cell.start, cell.end, renamed)])


# ---------------------------------------------------------------- kinds: lines


def _line(page: Page, random: Random) -> Line | None:
    return random.choice(page.lines) if page.lines else None


def drop_line(page: Page, random: Random) -> Change | None:
    line = _line(page, random)
    if line is None:
        return None
    return Change(f"the line at {line.start}", [(line.start, line.end, "")])


def duplicate_line(page: Page, random: Random) -> Change | None:
    line = _line(page, random)
    if line is None:
        return None
    said = page.text[line.start : line.end]
    other = random.choice([said, re.sub(r"\d+", "7", said)])
    return Change(f"the line at {line.start}", [(line.end, line.end, f"\n{other}")])


# ---------------------------------------------------------------- kinds: words


_OTHER_UNIT: Final = {
    "1m": "1K", "1k": "1M", "m": "K", "k": "M", "million": "thousand", "thousand": "million",
    "1,000,000": "1,000", "1,000": "1,000,000", "百万": "千", "千": "百万", "100만": "1,000",
    "hour": "minute", "minute": "hour", "小时": "分钟", "分钟": "小时", "天": "小时",
    "month": "year", "year": "month", "月": "年", "월": "년", "시간": "분",
    "tokens": "characters", "token": "character", "字符": "token",
}  # fmt: skip
_UNIT_WORD: Final = re.compile(
    r"(?<![\w.,])1[mk](?=\s?tok|\s?char|\")|(?<=/)[mk](?!\w)|million|thousand|(?<![\d,.])1,000(?:,000)?(?![\d,])"
    r"|百万|(?<!百)千|(?<!\d)100만|hour|minute|小时|分钟|(?<=/)天|month|year|(?<=[/每])月|월별"
    r"|시간|tokens?|字符",
    re.IGNORECASE,
)


def _in_zones(page: Page, pattern: re.Pattern[str], random: Random) -> list[re.Match[str]]:
    """Find a pattern where it is most likely read, and at times anywhere."""
    found = [match for zone in page.zones for match in pattern.finditer(page.text, *zone)]
    if not found or random.random() < 0.1:
        return list(pattern.finditer(page.text))
    return sorted({match.start(): match for match in found}.values(), key=lambda m: m.start())


def _other_unit(word: str) -> str:
    new = _OTHER_UNIT.get(word.lower(), "")
    return new.capitalize() if word[0].isupper() and word.isalpha() and len(word) > 1 else new


def change_unit(where: str) -> Callable[[Page, Random], Change | None]:
    def change(page: Page, random: Random) -> Change | None:
        found = [m for m in _in_zones(page, _UNIT_WORD, random) if _other_unit(m[0])]
        if not found:
            return None
        words = sorted({match[0].lower() for match in found})
        word = random.choice(words)
        same = [match for match in found if match[0].lower() == word]
        if where == "everywhere":
            same = [m for m in _UNIT_WORD.finditer(page.text) if m[0].lower() == word]
        if where == "once":
            same = [random.choice(same)]
        if where == "nearby":
            first = random.choice(same).start()
            same = [match for match in same if 0 <= match.start() - first <= 2000]
        what = f"{word!r} is {_other_unit(word)!r} in {len(same)} places, from {same[0].start()}"
        return Change(what, [(*match.span(), _other_unit(match[0])) for match in same])

    return change


_SIGN: Final = re.compile(
    r"\$(?=\s?\d)|(?<=\d)\s?\$|€(?=\s?\d)|(?<=\d)\s?€|(?<=[\d ])元(?!素)|(?<=[/ ])元(?=/)"
    r"|(?<![A-Za-z])(?:USD|EUR)(?![A-Za-z])|(?<=\d)\s?달러"
)


def change_currency(where: str, others: Sequence[str]) -> Callable[[Page, Random], Change | None]:
    def change(page: Page, random: Random) -> Change | None:
        found = _in_zones(page, _SIGN, random)
        if not found:
            return None
        if where == "once":
            found = [random.choice(found)]
        new = random.choice(others)
        what = f"{found[0][0]!r} is {new!r} in {len(found)} places, from {found[0].start()}"
        splices = [(*match.span(), new) for match in found if match[0].strip() != new]
        return Change(what, splices)

    return change


# ---------------------------------------------------------------- kinds: numbers

_MONEY: Final = re.compile(
    r"(?:US\$|\$|€)\s?(?P<a>\d[\d,]*(?:\.\d+)?)|(?<![\w.,])(?P<b>\d[\d,]*(?:\.\d+)?)\s?(?:[$€元]|USD|EUR|달러)"
    r"|>\s?(?P<c>\d+\.\d+)\s?<"
)


# in a sentence
_COUNT: Final = re.compile(r"(?<![\w.,-])(?:[$€]\s?)?(?P<a>[1-9]\d*(?:\.\d+)?)(?![\w.,-]*\w)")


class _Number(NamedTuple):
    """A number that is a price: where it stands, in the page or in a part of it."""

    part: Part | None
    start: int
    end: int
    text: str

    @property
    def amount(self) -> Decimal:
        return Decimal(self.text.replace(",", ""))

    def put(self, new: str) -> list[Splice]:
        if self.part is None:
            return [(self.start, self.end, new)]
        return self.part.put(spliced(self.part.text, [(self.start, self.end, new)]))


def _numbers(page: Page, random: Random) -> list[_Number]:
    """Find the prices of a page, or of one part of it."""
    if page.parts and (not page.grids or random.random() < 0.5):
        part = random.choice(page.parts)
        found = []
        for container in part.containers:
            for item in container.items:
                match = _JSON_NUMBER.fullmatch(part.value(item))
                if match and (item.key is None or _PRICE_KEY.search(item.key)):
                    start, end = (item.value + at for at in match.span("number"))
                    found.append(_Number(part, start, end, match["number"]))
    else:
        found = []
        for match in _in_zones(page, _COUNT if page.lines else _MONEY, random):
            group = match.lastgroup or ""
            found.append(_Number(None, *match.span(group), match[group]))
    return [number for number in found if number.amount]


def change_number(how: Callable[[str, Random], str]) -> Callable[[Page, Random], Change | None]:
    def change(page: Page, random: Random) -> Change | None:
        numbers = _numbers(page, random)
        if not numbers:
            return None
        number = random.choice(numbers)
        new = how(number.text, random)
        if not new:
            return None
        now = Decimal(new.replace(",", ""))
        what = f"{number.text} is {new} at {number.start}"
        return Change(what, number.put(new), ((number.amount, now),))

    return change


def _scaled(text: str, by: Decimal) -> str:
    return f"{(Decimal(text.replace(',', '')) * by).normalize():f}"


def times_1000(text: str, random: Random) -> str:
    return _scaled(text, random.choice([Decimal(1000), 1 / Decimal(1000)]))


def without_point(text: str, _: Random) -> str:
    return text.replace(".", "").lstrip("0") if re.fullmatch(r"\d+\.\d+", text) else ""


def other_digit(text: str, random: Random) -> str:
    at = random.choice([n for n, sign in enumerate(text) if sign.isdecimal()])
    new = text[:at] + random.choice("123456789") + text[at + 1 :]
    return new if re.fullmatch(r"\d[\d.]*", new) else ""


def scale_all(page: Page, random: Random) -> Change | None:
    """Print every price in another unit, and say nothing of it."""
    numbers = _numbers(page, random)
    by = random.choice([Decimal(1000), 1 / Decimal(1000), Decimal(1_000_000)])
    if not numbers:
        return None
    splices = [(n.start, n.end, _scaled(n.text, by)) for n in numbers]
    part = numbers[0].part
    if part is not None:
        splices = part.put(spliced(part.text, splices))
    return Change(f"{len(numbers)} numbers times {by}", splices)


def swap_numbers(page: Page, random: Random) -> Change | None:
    numbers = _numbers(page, random)
    if not numbers:
        return None
    one = random.choice(numbers)
    near = [n for n in numbers if abs(n.start - one.start) < 2000 and n.text != one.text]
    if not near:
        return None
    two = random.choice(near)
    splices: list[Splice] = [(one.start, one.end, two.text), (two.start, two.end, one.text)]
    if one.part is not None:
        splices = one.part.put(spliced(one.part.text, splices))
    pairs = ((one.amount, two.amount), (two.amount, one.amount))
    return Change(f"{one.text} at {one.start} and {two.text} at {two.start}", splices, pairs)


# ---------------------------------------------------------------- kinds: JSON


def _part(page: Page, random: Random) -> Part | None:
    return random.choice(page.parts) if page.parts else None


def _key(page: Page, random: Random) -> tuple[Part, str] | None:
    if page.keys and random.random() < 0.9:
        return random.choice(page.keys)
    part = _part(page, random)
    return (part, random.choice(part.fields)) if part and part.fields else None


def _chosen(part: Part, key: str, where: str, random: Random) -> list[tuple[Container, int]]:
    found = part.by_key[key]
    return [random.choice(found)] if where == "once" else found


def drop_key(where: str) -> Callable[[Page, Random], Change | None]:
    def drop(page: Page, random: Random) -> Change | None:
        chosen = _key(page, random)
        if chosen is None:
            return None
        part, key = chosen
        lost = [
            container.without(number) for container, number in _chosen(part, key, where, random)
        ]
        return Change(f"{key!r} in {len(lost)} places", part.put(spliced(part.text, lost)))

    return drop


def rename_key(page: Page, random: Random) -> Change | None:
    chosen = _key(page, random)
    if chosen is None:
        return None
    part, key = chosen
    new = random.choice([f"{key}_new", key[:-1] or "x", key.upper(), random.choice(part.fields)])
    return Change(f"{key!r} is {new!r}", part.put(part.renamed(key, new)))


def swap_keys(where: str) -> Callable[[Page, Random], Change | None]:
    def swap(page: Page, random: Random) -> Change | None:
        chosen = _key(page, random)
        if chosen is None:
            return None
        part, key = chosen
        together = {item.key or "" for container, _ in part.by_key[key] for item in container.items}
        beside = together & set(part.fields) - {key}
        prices = [other for other in beside if _PRICE_KEY.search(other)]
        if not beside:
            return None
        other = random.choice(sorted(prices if prices and _PRICE_KEY.search(key) else beside))
        splices: list[Splice] = []
        numbers: list[tuple[Decimal, Decimal]] = []
        for container, number in _chosen(part, key, where, random):
            one = container.items[number]
            twos = [item for item in container.items if item.key == other]
            if not twos:
                continue
            said = [part.value(one), part.value(twos[0])]
            splices += [(one.value, one.end, said[1]), (twos[0].value, twos[0].end, said[0])]
            found = [match for text in said if (match := _JSON_NUMBER.fullmatch(text))]
            if len(found) == len(said):
                a, b = (Decimal(match["number"]) for match in found)
                numbers += [(a, b), (b, a)]
        days = [re.fullmatch(r'"\d{4}-\d\d-\d\d.*"|null', new) for _, _, new in splices]
        if not splices or all(days) or (where and not numbers):
            # when a price held and when it ends may change places, and nobody can tell
            return None
        most = max(len(part.by_key[key]), len(part.by_key[other]))
        # fewer than a gate could know for a pattern are so many changed prices
        are_columns = len(splices) * 2 >= most and len(splices) >= 2 * _OFTEN
        if where != "once" and are_columns != (where == ""):
            return None
        what = f"{key!r} and {other!r} in {len(splices) // 2} places"
        return Change(what, part.put(spliced(part.text, splices)), tuple(numbers))

    return swap


def empty_value(where: str) -> Callable[[Page, Random], Change | None]:
    def empty(page: Page, random: Random) -> Change | None:
        chosen = _key(page, random)
        if chosen is None:
            return None
        part, key = chosen
        new = random.choice(['""', "null", "-1", "[]", "{}", '"-"', "true"])
        items = [c.items[n] for c, n in _chosen(part, key, where, random)]
        splices = [(item.value, item.end, new) for item in items]
        what = f"{key!r} is {new} in {len(items)} places"
        return Change(what, part.put(spliced(part.text, splices)))

    return empty


def zero_key(page: Page, random: Random) -> Change | None:
    """Print nothing as the price of everything."""
    keys = [(part, key) for part, key in page.keys if _PRICE_KEY.search(key)]
    if not keys:
        return None
    part, key = random.choice(keys)
    items = [container.items[number] for container, number in part.by_key[key]]
    new = [(i.value, i.end, "0") for i in items if _JSON_NUMBER.fullmatch(part.value(i))]
    if len(new) < _OFTEN:
        return None
    return Change(f"{key!r} in {len(new)} places", part.put(spliced(part.text, new)))


def retype_value(page: Page, random: Random) -> Change | None:
    """Write the numbers under a key as text, or the text as numbers."""
    chosen = _key(page, random)
    if chosen is None:
        return None
    part, key = chosen
    splices: list[Splice] = []
    for container, number in part.by_key[key]:
        item = container.items[number]
        said = part.value(item)
        if re.fullmatch(r"[\d.eE-]+", said):
            splices.append((item.value, item.end, f'"{said}"'))
        elif re.fullmatch(r'"\d+(?:\.\d+)?"', said):
            splices.append((item.value, item.end, said.strip('"')))
    what = f"{key!r} in {len(splices)} places"
    return Change(what, part.put(spliced(part.text, splices))) if splices else None


def drop_items(how_many: str) -> Callable[[Page, Random], Change | None]:
    def drop(page: Page, random: Random) -> Change | None:
        container = _container(page, random)
        if container is None:
            return None
        part, whole = container
        size = len(whole.items)
        count = {"one": 1, "few": max(1, size // 4), "most": max(1, size * 3 // 4)}[how_many]
        lost = set(random.sample(range(size), count))
        kept = [part.text[i.start : i.end] for n, i in enumerate(whole.items) if n not in lost]
        splice = (whole.items[0].start, whole.items[-1].end, ",".join(kept))
        what = f"{count} of {size} entries at {whole.start}"
        return Change(what, part.put(spliced(part.text, [splice])))

    return drop


def _container(page: Page, random: Random) -> tuple[Part, Container] | None:
    part = _part(page, random)
    if part is None:
        return None
    # of things, and not of the words that one thing is described by
    lists = [c for c in part.containers if part.text[c.items[0].value] in "{["]
    if not lists:
        return None
    if random.random() < 0.5:
        return part, random.choice(lists)
    largest = sorted(lists, key=lambda container: len(container.items))[-5:]
    return part, random.choice(largest)


def duplicate_item(page: Page, random: Random) -> Change | None:
    container = _container(page, random)
    if container is None:
        return None
    part, whole = container
    item, behind = random.choice(whole.items), random.choice(whole.items)
    copy = f",{part.text[item.start : item.end]}"
    splice = (behind.end, behind.end, copy)
    what = f"the entry at {item.start} behind {behind.end}"
    return Change(what, part.put(spliced(part.text, [splice])))


def shuffle_keys(page: Page, random: Random) -> Change | None:
    """Write the entries of an object in another order, which says the same."""
    part = _part(page, random)
    objects = [c for c in part.containers if c.items[0].key and len(c.items) > 1] if part else []
    if part is None or not objects:
        return None
    splices = []
    for whole in random.sample(objects, min(20, len(objects))):
        entries = [part.text[item.start : item.end] for item in whole.items]
        random.shuffle(entries)
        splices.append((whole.items[0].start, whole.items[-1].end, ",".join(entries)))
    return Change(f"{len(splices)} objects", part.put(spliced(part.text, splices)))


# ---------------------------------------------------------------- kinds: bytes


def cut(page: Page, random: Random) -> Change | None:
    if random.random() < 0.3:
        at = max(0, len(page.text) - random.randrange(1, 3000))
    elif random.random() < 0.5:
        at = random.randrange(*random.choice(page.zones))
    else:
        at = random.randrange(len(page.text))
    return Change(f"at {at}", [(min(at, len(page.text)), len(page.text), "")])


def drop_range(page: Page, random: Random) -> Change | None:
    start, end = _range(page, random)
    return Change(f"{start} to {end}", [(start, end, "")])


def duplicate_range(page: Page, random: Random) -> Change | None:
    start, end = _range(page, random)
    return Change(f"{start} to {end}", [(end, end, page.text[start:end])])


def _range(page: Page, random: Random) -> tuple[int, int]:
    zone = random.choice(page.zones) if random.random() < 0.8 else (0, len(page.text))
    start = random.randrange(zone[0], min(zone[1], len(page.text)))
    size = random.choice([random.randrange(40, 400), random.randrange(40, 20_000)])
    return start, min(len(page.text), start + size)


KINDS: Final[Mapping[str, tuple[Family, Callable[[Page, Random], Change | None]]]] = {
    "drop a column": ("misleading", drop_column("")),
    "drop a column's header": ("misleading", drop_column("header")),
    "drop a column's body": ("misleading", drop_column("body")),
    "swap two columns": ("misleading", swap_columns("")),
    "swap two headers": ("misleading", swap_columns("header")),
    "swap two columns' bodies": ("misleading", swap_columns("body")),
    "slide a column": ("misleading", slide_column),
    "drop a row": ("misleading", drop_rows("one")),
    "drop few rows": ("misleading", drop_rows("few")),
    "drop most rows": ("misleading", drop_rows("most")),
    "duplicate a row": ("misleading", duplicate_row),
    "duplicate a table": ("misleading", duplicate_table),
    "duplicate a table with other numbers": ("misleading", duplicate_table_with_other_numbers),
    "drop a table": ("misleading", drop_table),
    "drop a cell": ("misleading", drop_cell),
    "blank a cell": ("misleading", blank_cell),
    "rename a header": ("misleading", rename_header),
    "drop a line": ("misleading", drop_line),
    "duplicate a line": ("misleading", duplicate_line),
    "change a unit once": ("misleading", change_unit("once")),
    "change a unit nearby": ("misleading", change_unit("nearby")),
    "change a unit everywhere": ("misleading", change_unit("everywhere")),
    "change a currency once": ("misleading", change_currency("once", ["€", "$", "元"])),
    "change a currency everywhere": ("misleading", change_currency("", ["€", "$", "元"])),
    "drop a currency once": ("misleading", change_currency("once", [""])),
    "drop a currency everywhere": ("misleading", change_currency("", [""])),
    "scale all numbers": ("misleading", scale_all),
    "one number times 1000": ("misleading", change_number(times_1000)),
    "another digit": ("numbers", change_number(other_digit)),
    "drop a decimal point": ("numbers", change_number(without_point)),
    "swap two numbers": ("numbers", swap_numbers),
    "drop a key": ("misleading", drop_key("")),
    "drop a key once": ("misleading", drop_key("once")),
    "rename a key": ("misleading", rename_key),
    "swap two keys": ("misleading", swap_keys("")),
    # a few entries have both: no two columns of the list, but so many changed prices
    "swap two rare keys": ("numbers", swap_keys("rare")),
    "swap two keys once": ("numbers", swap_keys("once")),
    "empty a value": ("misleading", empty_value("")),
    "empty a value once": ("misleading", empty_value("once")),
    "zero a key": ("misleading", zero_key),
    "zero a number": ("numbers", change_number(lambda _, __: "0")),
    "write numbers as text": ("misleading", retype_value),
    "drop an entry": ("misleading", drop_items("one")),
    "drop few entries": ("misleading", drop_items("few")),
    "drop most entries": ("misleading", drop_items("most")),
    "duplicate an entry": ("misleading", duplicate_item),
    "shuffle keys": ("misleading", shuffle_keys),
    "cut": ("misleading", cut),
    "drop a range": ("splice", drop_range),
    "duplicate a range": ("splice", duplicate_range),
}

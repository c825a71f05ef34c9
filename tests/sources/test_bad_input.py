"""Whatever arrives instead of a page: a refusal that names the source, and never a wrong number."""

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from sources._contract import Reading, Source, SourceError, every_source
from sources._parsing import json_documents
from tests.sources.test_fixtures import EVERY_CAPTURE, fitted

KEY: Final = [
    "provider",
    "model",
    "tuning_method",
    "adapter",
    "service_tier",
    "region",
    "context_tier",
    "valid_from",
]
VALUE: Final = ["availability", "list_unit_price", "pricing_unit", "pricing_currency", "unit_price"]
BOT_WALL: Final = b"""<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>
<meta name="robots" content="noindex,nofollow"></head><body><div class="main-wrapper">
<h1>Checking your browser</h1><p>Status 200. Enable JavaScript and cookies to continue.</p>
<p>Plans from $5 per 1M tokens.</p></div><script>window._cf_chl_opt={}</script></body></html>"""
ERROR_PAGE: Final = b"""<html><head><title>503 Service Unavailable</title></head><body>
<table><tr><th>Error</th><th>Code</th></tr><tr><td>upstream</td><td>503</td></tr></table>
<pre>| Error | Code |
|---|---|
| upstream | 503 |
</pre></body></html>"""
# Some sources state terms alone.
EVERY_PRICED_CAPTURE: Final = [
    capture for capture in EVERY_CAPTURE if every_source()[capture.values[0]].quote_count[1]
]
every_capture: Final = pytest.mark.parametrize(("name", "capture"), EVERY_CAPTURE)


@cache
def reader(name: str, capture: Path) -> Source:
    return fitted(every_source()[name], capture)


def facts(reading: Reading) -> dict[tuple[object, ...], tuple[object, ...]]:
    quotes, terms = reading.quotes, reading.terms
    priced = [*KEY, "meter", "price_list"]
    return {
        **dict(zip(quotes.select(priced).rows(), quotes.select(VALUE).rows(), strict=True)),
        **dict(zip(terms.select(*KEY, "term").rows(), terms.select("value").rows(), strict=True)),
    }


@cache
def believed(name: str, capture: Path) -> dict[tuple[object, ...], tuple[object, ...]]:
    return facts(reader(name, capture).read(capture.read_bytes()))


def check_refusal(name: str, refused: SourceError) -> None:
    assert refused.source == name
    assert str(refused).startswith(f"{name}: ")
    assert re.search(r"expected \d+ to \d+ (?:quotes|terms) ", str(refused))


def refused(name: str, capture: Path, arrived: bytes) -> None:
    with pytest.raises(SourceError) as error:
        reader(name, capture).read(arrived)
    check_refusal(name, error.value)


def refused_or_right(name: str, capture: Path, arrived: bytes) -> None:
    """Read a page that was damaged: a refusal, or for each key that is left the same value."""
    try:
        read = facts(reader(name, capture).read(arrived))
    except SourceError as error:
        check_refusal(name, error)
        return
    whole = believed(name, capture)
    assert {key: value for key, value in read.items() if whole.get(key, value) != value} == {}


@every_capture
@pytest.mark.parametrize(
    "arrived",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \n\t\r\n", id="blanks"),
        pytest.param(b"\xef\xbb\xbf", id="a byte order mark"),
        pytest.param(BOT_WALL, id="a bot wall"),
        pytest.param(ERROR_PAGE, id="an error page"),
        pytest.param(b"Too many requests", id="a sentence"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"[]", id="an empty list"),
        pytest.param(b'{"error": {"code": 429, "cost": 1}}', id="an error object"),
        pytest.param(b"[" * 100_000, id="a deep list"),
        pytest.param(b"9" * 100_000, id="a long number"),
        pytest.param(b"\0" * 1000, id="zeros"),
        pytest.param(b"\xff\xfe<\0h\0t\0m\0l\0", id="UTF-16"),
        pytest.param(b"<table>" * 500 + b"</html>", id="deep tables"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", id="a PDF"),
    ],
)
def test_what_is_no_page_of_the_source_is_refused(name: str, capture: Path, arrived: bytes) -> None:
    refused(name, capture, arrived)


@every_capture
def test_a_page_still_compressed_is_refused(name: str, capture: Path) -> None:
    refused(name, capture, gzip.compress(capture.read_bytes()))


@every_capture
def test_a_page_in_another_encoding_is_refused_or_right(name: str, capture: Path) -> None:
    text = capture.read_text("utf-8")
    refused(name, capture, text.encode("utf-16"))
    for encoding in ("utf-8-sig", "gb18030", "latin-1"):
        refused_or_right(name, capture, text.encode(encoding, "replace"))


@every_capture
def test_a_page_cut_short_anywhere_is_refused_or_right(name: str, capture: Path) -> None:
    whole = capture.read_bytes()
    for end in {*range(1, len(whole), len(whole) // 37), *range(len(whole) - 12, len(whole))}:
        refused_or_right(name, capture, whole[:end])


@every_capture
def test_a_page_without_its_beginning_is_refused_or_right(name: str, capture: Path) -> None:
    whole = capture.read_bytes()
    for start in range(1, len(whole), len(whole) // 17):
        refused_or_right(name, capture, whole[start:])


@every_capture
def test_a_page_that_arrives_twice_is_refused_or_right(name: str, capture: Path) -> None:
    refused_or_right(name, capture, capture.read_bytes() * 2)


@every_capture
def test_a_page_followed_by_one_with_other_prices_is_refused_or_right(
    name: str, capture: Path
) -> None:
    whole = capture.read_bytes()
    other = re.sub(rb"(?<![\d.])[1-8](?=\d*\.\d)", b"9", whole)
    refused_or_right(name, capture, whole + other)


@every_capture
@settings(max_examples=20)
@given(noise=st.binary(max_size=400))
def test_random_bytes_are_refused(name: str, capture: Path, noise: bytes) -> None:
    refused(name, capture, noise)


# What could be printed could state another price, and no reader could tell.
GARBLED: Final = st.binary(max_size=8).map(lambda noise: re.sub(rb"[ -~]", b"", noise))
PRINTED: Final = st.text("<>/&|\"'{}[],: td0\n", max_size=9).map(str.encode)


@every_capture
@settings(max_examples=20)
@given(data=st.data(), garbled=GARBLED)
def test_bytes_that_no_page_prints_change_no_number(
    name: str, capture: Path, data: st.DataObject, garbled: bytes
) -> None:
    whole = capture.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    refused_or_right(name, capture, whole[:at] + garbled + whole[at:])


@every_capture
@settings(max_examples=20)
@given(data=st.data(), noise=st.one_of(st.binary(max_size=40), PRINTED))
def test_any_bytes_in_or_behind_a_page_are_read_or_refused_and_nothing_else(
    name: str, capture: Path, data: st.DataObject, noise: bytes
) -> None:
    whole = capture.read_bytes()
    at = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    try:
        reader(name, capture).read(whole[:at] + noise + whole[at:])
    except SourceError as error:
        check_refusal(name, error)


# What a price's column is called here, in a table, and its key, in a catalogue.
PRICE_HEADER: Final = re.compile(
    r"training|训练|LoRA|Supervised|单价|定价|요금|유료 등급|Paid Tier|^가격$|^printed$|^price"
    r"|^input",
    re.IGNORECASE,
)
PRICE_KEY: Final = re.compile(r"cost|mtok|price|pricing|^[io]$", re.IGNORECASE)
# Prices in no table: a sum in a sentence; an element's data, or a page's own in a script.
PRICE_IN_TEXT: Final = re.compile(r"[$€]\d[\d.]*|no minimum price")
PRICE_IN_DATA: Final = re.compile(r'\sdata-prices="[^"]*"|\\"price_\w+\\":\\".*?\\",')


def without_prices(capture: Path) -> bytes:
    text = capture.read_text("utf-8")
    match capture.suffix:
        case ".html":
            return PRICE_IN_DATA.sub("", without_columns_of_html(text)).encode()
        case ".md":
            bare = "\n".join(without_columns(text.split("\n"), "|"))
            return (PRICE_IN_TEXT.sub("", text) if bare == text else bare).encode()
        case ".csv":
            return "\n".join(without_columns(text.split("\n"), ",")).encode()
        case ".json":
            documents = map(without_keys, json_documents(capture.read_bytes()))
            return "\n".join(json.dumps(each, default=float) for each in documents).encode()
        case _:
            pytest.fail(f"no way to take the prices out of {capture}")


def without_keys(value: object) -> object:
    if isinstance(value, dict):
        return {k: without_keys(v) for k, v in value.items() if not PRICE_KEY.search(k)}
    if isinstance(value, list):
        return [without_keys(item) for item in value]
    return value


def without_columns(lines: list[str], separator: str) -> Iterator[str]:
    drop: set[int] = set()
    for line in lines:
        cells = line.split(separator)
        found = {at for at, cell in enumerate(cells) if PRICE_HEADER.search(cell.strip())}
        drop = found if found and not drop else drop
        drop = drop if len(cells) > 1 else set()
        yield separator.join(cell for at, cell in enumerate(cells) if at not in drop)


def without_columns_of_html(text: str) -> str:
    """Take the first price column out of each table, header and body, spans minded."""
    parsed = LexborHTMLParser(text)
    drop: int | None = None
    for table in parsed.css("table"):
        placed = [list(row) for row in places(table)]
        heads = [at for at, cell in placed[0] if PRICE_HEADER.search(cell.text().strip())]
        alone = len(placed) == 1
        at = heads[0] if heads else drop
        drop = at if alone else None
        for row in placed:
            for place, cell in row:
                if place == at:
                    cell.decompose()
    return str(parsed.html)


def places(table: LexborNode) -> Iterator[Iterator[tuple[int, LexborNode]]]:
    held: dict[int, int] = {}
    for row in table.css("tr"):
        at, placed = 0, []
        for cell in row.css("td, th"):
            if cell.attributes.get("rowspan") == "0":
                continue
            while held.get(at, 0):
                held[at] -= 1
                at += 1
            placed.append((at, cell))
            for _ in range(int(cell.attributes.get("colspan") or 1)):
                held[at] = int(cell.attributes.get("rowspan") or 1) - 1
                at += 1
        while held.get(at, 0):
            held[at] -= 1
            at += 1
        yield iter(placed)


@pytest.mark.parametrize(("name", "capture"), EVERY_PRICED_CAPTURE)
def test_a_page_without_its_prices_is_refused(name: str, capture: Path) -> None:
    bare = without_prices(capture)
    assert bare != capture.read_bytes(), "no price column was found to take away"
    refused(name, capture, bare)


@every_capture
def test_a_page_without_any_row_is_refused(name: str, capture: Path) -> None:
    text = capture.read_text("utf-8")
    emptied = {
        ".html": re.sub(r"<td\b.*?</td>", "", text, flags=re.DOTALL),
        ".md": re.sub(r"(?m)^(.*\|.*\n[ |:-]+-[ |:-]+\n)(?:.*\|.*\n)*", r"\1", text),
        ".csv": text.split("\n")[0] + "\n",
        ".json": "{}" if text.lstrip().startswith("{") else "[]",
    }.get(capture.suffix, text)
    if emptied == text:
        # no table at all: what stands in prose or in data is its source's own test
        emptied = text[: len(text) // 3]
    refused(name, capture, emptied.encode())

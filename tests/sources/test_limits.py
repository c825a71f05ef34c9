"""However hostile a capture is: a reading ends soon, within little memory, with nothing worse
than a refusal."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources._contract import SourceError, every_source
from sources._parsing import Unreadable, html_tables, markdown_tables, parsed_html
from tests.sources.hostile import BOMBS
from tests.sources.pages import Page
from tests.sources.test_fixtures import EVERY_CAPTURE, fitted

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 3
MEGABYTES: Final = 200
WASTEFUL: Final = """
import json, time
from dataclasses import replace
from sources._contract import every_source
from tests.sources.hostile import _memory, _read

def waste(capture):
    kept = [bytes(1_000_000) + capture for _ in range(300)]
    until = time.process_time() + 4
    while time.process_time() < until:
        # what is not touched may be taken back by the system, and would not count
        for piece in kept:
            hash(piece[::4096])
    raise SystemExit(len(kept))

print(json.dumps(_read(replace(every_source()["litellm"], parse=waste), "a", b"{}", _memory())))
"""


def readings(*command: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def beyond(found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Pick the readings that took too long or too much, or ended in no refusal."""
    return [
        reading
        for reading in found
        if reading["seconds"] > SECONDS  # type: ignore[operator]
        or reading["megabytes"] > MEGABYTES  # type: ignore[operator]
        or reading["outcome"] not in {"read", "refused"}
    ]


def test_no_bomb_takes_long_or_much_memory() -> None:
    found = readings("-m", "tests.sources.hostile", "bombs")
    assert len(found) == len(BOMBS) * len(every_source())
    assert beyond(found) == []
    assert {reading["outcome"] for reading in found} == {"refused"}


def test_no_text_in_a_page_takes_long_to_read() -> None:
    found = readings("-m", "tests.sources.hostile", "baits")
    assert len(found) > 1000
    assert beyond(found) == []
    # most of them reach a reader's rules
    assert sum(reading["outcome"] == "read" for reading in found) > 100


def test_a_wasteful_reader_is_caught() -> None:
    found = readings("-c", WASTEFUL)
    assert beyond(found) == found
    (reading,) = found
    assert reading["outcome"] == "SystemExit(300)"
    assert reading["seconds"] > SECONDS  # type: ignore[operator]
    assert reading["megabytes"] > MEGABYTES  # type: ignore[operator]


VALUES: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(["", "-1", "0", "1e999", "2026-02-30", "ft:", "-", "$1", "a/b", "1K"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
JSON_PAGES: Final = [page for page in EVERY_CAPTURE if page.values[1].suffix == ".json"]
HTML_PAGES: Final = [page for page in EVERY_CAPTURE if page.values[1].suffix == ".html"]


@pytest.mark.parametrize(("name", "capture"), JSON_PAGES)
@settings(max_examples=40)
@given(data=st.data(), value=VALUES)
def test_any_value_anywhere_in_json_is_read_or_refused(
    name: str, capture: Path, data: st.DataObject, value: object
) -> None:
    page = Page(capture.read_bytes(), "json")
    (part,) = page.parts
    items = data.draw(st.sampled_from(part.containers)).items
    item = data.draw(st.sampled_from(items))
    damaged = page.with_([(item.value, item.end, json.dumps(value))])
    read_or_refused(name, capture, damaged)


TAGS: Final = st.lists(
    st.sampled_from([
        "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th>", "<thead>", "<tbody>",
        "<td rowspan=3>", "<td colspan=2>", "<td rowspan=0>", "<th colspan=0>", "<p>", "</div>",
        "<div>", "<script>", "</script>", "<!--", "-->", "<template>", "<select>", "<svg>",
        "Training", "Model", "$1", "-", "",
    ]),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(("name", "capture"), HTML_PAGES)
@settings(max_examples=40)
@given(data=st.data(), tags=TAGS)
def test_any_tags_anywhere_in_a_page_are_read_or_refused(
    name: str, capture: Path, data: st.DataObject, tags: str
) -> None:
    text = capture.read_text("utf-8")
    ends = [at for at, sign in enumerate(text, start=1) if sign == ">"]
    at = data.draw(st.sampled_from(ends))
    read_or_refused(name, capture, (text[:at] + tags + text[at:]).encode())


def read_or_refused(name: str, capture: Path, damaged: bytes) -> None:
    with suppress(SourceError):
        fitted(every_source()[name], capture).read(damaged)


@given(tags=st.lists(TAGS, max_size=8).map("".join))
def test_any_tags_are_tables_of_whole_rows_or_unreadable(tags: str) -> None:
    with suppress(Unreadable):
        for table in html_tables(parsed_html(f"<table>{tags}</table>")):
            assert len(table.context) <= 300
            assert all(len(row.cells) == len(table.headers) for row in table.rows)


@given(text=st.text("|-: \\\na1$", max_size=80))
def test_any_lines_are_tables_of_whole_rows_or_unreadable(text: str) -> None:
    with suppress(Unreadable):
        for table in markdown_tables(f"| a | b |\n|--|--|\n{text}"):
            assert len(table.context) <= 300
            assert all(len(row.cells) == len(table.headers) for row in table.rows)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("<p>" * 300_001, "300001 tags"),
        ("<p>" + " " * 16_000_000, "1 tags in"),
        ("<div>" * 5_001, "elements in one another"),
        ("<p " + "a " * 2_100 + ">", "a tag of"),
    ],
)
def test_html_that_is_no_page_is_unreadable(page: str, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        parsed_html(page)


def test_html_within_the_limits_is_a_page() -> None:
    quoted = f'<p title="{"a " * 4_000}">'
    page = parsed_html("<div>" * 2_400 + "</div>" * 2_400 + quoted + "<i>x</i>" * 100_000)
    assert len(page.css("i")) == 100_000

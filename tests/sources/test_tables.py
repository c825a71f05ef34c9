import html
import tracemalloc
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from sources._parsing import (
    Table,
    Unreadable,
    decode,
    html_tables,
    markdown_tables,
    read_price,
    tables_in,
    visible_text,
    whole_page,
)


def tables(markup: str) -> list[Table]:
    return list(html_tables(LexborHTMLParser(markup)))


def cells(table: Table) -> list[tuple[str, ...]]:
    return [row.cells for row in table.rows]


def markdown(text: str) -> list[Table]:
    return list(markdown_tables(text))


def test_rows_stand_under_their_headers_with_their_place() -> None:
    (table,) = tables(
        """
        <table><thead><tr><th>Model<th>Training</thead>
        <tbody><tr><td>gpt-4o<td>$25.00<tr><td>gpt-4o-\u200bmini<td>$3.00</tbody></table>
        """
    )
    assert table.headers == ("Model", "Training")
    assert cells(table) == [("gpt-4o", "$25.00"), ("gpt-4o-mini", "$3.00")]
    assert [row.locator for row in table.rows] == ["table[0]/tr[1]", "table[0]/tr[2]"]


def test_a_cell_that_spans_rows_or_columns_stands_in_each_of_them() -> None:
    (table,) = tables(
        """
        <table><tr><th>Model<th>Version<th>LoRA<th>Full
        <tr><td rowspan=3>GLM<td>32k<td colspan=2>0.1
        <tr><td>16k<td rowspan=2>0.2<td>0.3
        <tr><td>8k<td>0.4
        <tr><td>Air<td>4k<td>0.5<td>0.6
        </table>
        """
    )
    assert cells(table) == [
        ("GLM", "32k", "0.1", "0.1"),
        ("GLM", "16k", "0.2", "0.3"),
        ("GLM", "8k", "0.2", "0.4"),
        ("Air", "4k", "0.5", "0.6"),
    ]


def test_two_header_rows_are_joined_column_by_column() -> None:
    (table,) = tables(
        """
        <table><thead><tr><th rowspan=2>Model<th colspan=2>Standard<th colspan=2>Batch
        <tr><th>Input<th>Output<th>Input<th>Output</thead>
        <tr><td>gpt-4o<td>1<td>2<td>3<td>4</table>
        """
    )
    assert table.headers == (
        "Model",
        "Standard Input",
        "Standard Output",
        "Batch Input",
        "Batch Output",
    )
    assert table.column("Batch Input").at == 3
    assert cells(table) == [("gpt-4o", "1", "2", "3", "4")]


def test_a_header_in_one_table_and_its_body_in_the_next() -> None:
    head = "<table><thead><tr><th>模型<th>LoRA</thead></table>"
    body = "<table><colgroup><col><col></colgroup><tr><td>GLM<td>0.1元/千tokens</table>"
    own = "<table><tr><th>Other<tr><td>x</table>"
    split, other = tables(f"<div>{head}</div><div>{body}</div>{own}")
    assert (split.locator, split.headers) == ("table[1]", ("模型", "LoRA"))
    assert cells(split) == [("GLM", "0.1元/千tokens")]
    assert other.headers == ("Other",)


def test_a_header_without_its_body_is_not_given_to_a_table_that_has_its_own() -> None:
    (table,) = tables("<table><thead><tr><th>A</thead></table><table><tr><th>B<tr><td>1</table>")
    assert table.headers == ("B",)


def test_a_header_row_marked_by_an_attribute_and_one_not_marked_at_all() -> None:
    marked, plain = tables(
        """
        <table><tr thead="true"><td>模型<td>价格<tr><td>a<td>1</table>
        <table><tr><td>Model<td>Price<tr><td>b<td>2</table>
        """
    )
    assert (marked.headers, cells(marked)) == (("模型", "价格"), [("a", "1")])
    assert (plain.headers, cells(plain)) == (("Model", "Price"), [("b", "2")])


def test_phantom_cells_under_a_span_take_no_place() -> None:
    (table,) = tables(
        """
        <table><tr><th>Model<th>Condition<th>Price
        <tr><td rowspan=3>lite<td>[0, 32]<td>1
        <tr><td rowspan=0></td><td>(32, 128]<td>2
        <tr><td rowspan=0>\u200b</td><td>(128, 256]<td>3
        <tr><td>mini<td>-<td>4</table>
        """
    )
    assert cells(table) == [
        ("lite", "[0, 32]", "1"),
        ("lite", "(32, 128]", "2"),
        ("lite", "(128, 256]", "3"),
        ("mini", "-", "4"),
    ]


def test_a_rowspan_of_zero_that_says_something_reaches_to_the_end() -> None:
    (table,) = tables(
        "<table><tr><th>Model<th>Price<tr><td rowspan=0>all<td>1<tr><td>2<tr><td>3</table>"
    )
    assert cells(table) == [("all", "1"), ("all", "2"), ("all", "3")]


def test_an_empty_cell_that_spans_to_the_end_is_no_phantom_where_nothing_hangs() -> None:
    (table,) = tables("<table><tr><th>Model<th>Price<tr><td rowspan=0></td><td>1<tr><td>2</table>")
    assert cells(table) == [("", "1"), ("", "2")]


def test_a_table_in_a_cell_is_a_table_of_its_own() -> None:
    outer, inner = tables(
        """
        <table><tr><th>Model<th>Price
        <tr><td>a<td><table><tr><th>Tier<th>Rate<tr><td>low<td>1</table>
        <tr><td>b<td>2</table>
        """
    )
    assert cells(outer) == [("a", "Tier Rate low 1"), ("b", "2")]
    assert cells(inner) == [("low", "1")]
    with pytest.raises(Unreadable):
        read_price("Tier Rate low $1")


@pytest.mark.parametrize(
    "span",
    [
        "colspan=1000000",
        "colspan=99999999 rowspan=99999999",
        f"colspan={'9' * 5000}",
        f"colspan=1{'0' * 100_000}",
    ],
)
def test_a_row_too_wide_is_refused_within_little_memory(span: str) -> None:
    tracemalloc.start()
    try:
        (table,) = tables(f"<table><tr><th>Model<tr><td {span}>x</table>")
        with pytest.raises(Unreadable, match="more than 200 columns"):
            cells(table)
        with pytest.raises(Unreadable, match="more than 200 columns"):
            tables(f"<table><tr><th {span}>x<tr><td>y</table>")
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("span", ["99999999", "9" * 5000, "65534"])
def test_a_span_of_very_many_rows_ends_with_its_table(span: str) -> None:
    tracemalloc.start()
    try:
        (table,) = tables(
            f"<table><tr><th>Model<th>Price<tr><td rowspan={span}>a<td>1<tr><td>2</table>"
        )
        assert cells(table) == [("a", "1"), ("a", "2")]
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("span", ["", "-1", "x", "1.5", "½", "²"])
def test_a_span_that_is_no_number_is_one_cell(span: str) -> None:
    (table,) = tables(
        f'<table><tr><th>A<th>B<tr><td rowspan="{span}" colspan="{span}">a<td>1</table>'
    )
    assert cells(table) == [("a", "1")]


@pytest.mark.parametrize("row", ["<td>a", "<td>a<td>1<td>2", "<td colspan=3>a", ""])
def test_a_row_with_a_cell_too_many_or_too_few_is_unreadable_and_says_where(row: str) -> None:
    (table,) = tables(f"<table><tr><th>A<th>B<tr><td>ok<td>1<tr>{row}</table>")
    with pytest.raises(Unreadable, match=r"table\[0\] row 2 has \d cells under 2 headers"):
        cells(table)


def test_a_broken_table_stops_nobody_who_does_not_read_it() -> None:
    broken, good = tables("<table><tr><th>A<th>B<tr><td>1</table><table><tr><th>C<tr><td>2</table>")
    assert cells(good) == [("2",)]
    with pytest.raises(Unreadable):
        cells(broken)


def test_the_text_above_a_table_is_its_context() -> None:
    first, second, bare = tables(
        """
        <body><h2>Fine-tuning</h2><p>Prices per 1M\u200b tokens</p>
        <div><style>p {}</style><!-- no --><table><tr><th>A<tr><td>1</table></div>
        <h3>Hosting</h3><div><div><table><tr><th>B<tr><td>1</table></div></div>
        """
    ) + tables("<table><tr><th>C<tr><td>1</table>")
    assert first.context == "Prices per 1M tokens"
    assert second.context == "Hosting"
    assert bare.context == ""


@st.composite
def spanned(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    """Draw a grid in which some blocks hold one text, and its markup with spans."""
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    grid: list[list[str | None]] = [[None] * width for _ in range(height)]
    rows = []
    for y in range(height):
        row = []
        for x in range(width):
            if grid[y][x] is not None:
                continue
            free = next((i for i in range(x, width) if grid[y][i] is not None), width) - x
            across, down = draw(st.integers(1, free)), draw(st.integers(1, height - y))
            text = draw(st.text("ab1$.<&é中 ", max_size=4)).strip()
            text = f"{y}.{x} {text}".strip().replace("  ", " ")
            for below in range(y, y + down):
                grid[below][x : x + across] = [text] * across
            # 0 says to the end, and most pages leave a span of one out
            reach = draw(st.sampled_from([0, down])) if y + down == height else down
            tag = "td" if reach == across == 1 else f"td rowspan={reach} colspan={across}"
            row.append(f"<{tag}>{html.escape(text)}</td>")
        rows.append(f"<tr>{''.join(row)}</tr>")
    head = "".join(f"<th>column {x}</th>" for x in range(width))
    markup = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return [[str(cell) for cell in row] for row in grid], markup


@given(spanned())
def test_any_grid_with_spans_reads_back_as_the_whole_grid(
    case: tuple[list[list[str]], str],
) -> None:
    grid, markup = case
    (table,) = tables(markup)
    assert [list(row) for row in cells(table)] == grid


def test_markdown_with_and_without_pipes_at_its_edges_reads_the_same() -> None:
    edged = "| Model | Training |\n|---|:---:|\n| gpt-4o | $25.00 |\n| gpt-4o-mini | $3.00 |\n"
    bare = "Model| Training  \n---|---  \ngpt-4o| $25.00  \ngpt-4o-mini| $3.00  \n  \nmore\n"
    (with_pipes,), (without,) = markdown(edged), markdown(bare)
    assert with_pipes.headers == without.headers == ("Model", "Training")
    assert cells(with_pipes) == cells(without) == [("gpt-4o", "$25.00"), ("gpt-4o-mini", "$3.00")]
    assert [row.locator for row in with_pipes.rows] == [
        "markdown-table[0]/tr[3]",
        "markdown-table[0]/tr[4]",
    ]


def test_windows_line_ends_change_nothing() -> None:
    (table,) = markdown("| A | B |\r\n|---|---|\r\n| 1 | 2 |\r\n")
    assert (table.headers, cells(table)) == (("A", "B"), [("1", "2")])


def test_adjacent_markdown_tables_are_two() -> None:
    first, second = markdown("A|B\n---|---\n1|2\nC|D\n---|---\n3|4\n5|6\n")
    assert (first.headers, cells(first)) == (("A", "B"), [("1", "2")])
    assert (second.headers, cells(second)) == (("C", "D"), [("3", "4"), ("5", "6")])


def test_a_pipe_that_is_escaped_is_text() -> None:
    (table,) = markdown("| Model | Note |\n|---|---|\n| a \\| b | c\\|\n| d | e \\| |\n")
    assert cells(table) == [("a | b", "c|"), ("d", "e |")]


def test_empty_cells_of_markdown_keep_their_place() -> None:
    (table,) = markdown("| A | B | C |\n|---|---|---|\n| 1 | | 3 |\n|  | 2 | |\n")
    assert cells(table) == [("1", "", "3"), ("", "2", "")]


@pytest.mark.parametrize("row", ["| 1 |", "| 1 | 2 | 3 |", "1|2|3", "|"])
def test_a_ragged_markdown_row_is_unreadable(row: str) -> None:
    (table,) = markdown(f"| A | B |\n|---|---|\n| 1 | 2 |\n{row}\n")
    with pytest.raises(Unreadable, match="row 4 has"):
        cells(table)


def test_a_markdown_row_that_may_go_on_is_unreadable() -> None:
    (cut,) = markdown("Model|Training\n---|---\ngpt-4o|$2")  # of $25.00
    with pytest.raises(Unreadable, match="cut short"):
        cells(cut)
    (broken,) = markdown("Model|Training\n---|---\ngpt-4o|$1.25, small prompts\n$2.50, big ones\n")
    with pytest.raises(Unreadable, match="second line"):
        cells(broken)
    (closed,) = markdown("|Model|Training|\n|---|---|\n|gpt-4o|$25.00|\nA sentence below.")
    assert cells(closed) == [("gpt-4o", "$25.00")]


def test_no_table_without_a_rule_under_its_header() -> None:
    assert markdown("a | b\nc | d\n") == []
    assert markdown("# heading\n---\ntext | more\n") == []
    assert markdown("") == []


def test_the_lines_above_a_markdown_table_are_its_context() -> None:
    first, second = markdown(
        "intro\n## Fine-tuning\nPrice per /1M tokens\n\nA|B\n---|---\n1|2\n\n"
        "Hosting per hour\n\nC|D\n---|---\n3|4\n"
    )
    assert first.context == "## Fine-tuning Price per /1M tokens"
    assert second.context == "Hosting per hour"


GRIDS: Final = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(
            st.text("ab1$.|é中 -", min_size=1, max_size=6).map(str.strip).filter(bool),
            min_size=width,
            max_size=width,
        ),
        min_size=1,
        max_size=6,
    )
)


@given(grid=GRIDS, edged=st.booleans())
def test_any_grid_reads_back_from_markdown(grid: list[list[str]], *, edged: bool) -> None:
    edged = edged or len(grid[0]) == 1

    def line(row: list[str]) -> str:
        inner = " | ".join(cell.replace("|", "\\|") for cell in row)
        return f"| {inner} |" if edged else inner

    headers = [f"column {x}" for x in range(len(grid[0]))]
    lines = [line(headers), line(["---"] * len(headers)), *(line(["x", *row[1:]]) for row in grid)]
    (table,) = markdown("\n".join(lines) + "\n")
    spaced = [tuple(" ".join(cell.split()) for cell in ["x", *row[1:]]) for row in grid]
    assert cells(table) == spaced


@pytest.mark.parametrize(
    ("header", "name", "currency", "unit"),
    [
        ("Training", "Training", None, None),
        ("训练 $/百万", "训练", "USD", "1M tokens"),
        ("LoRA精调 元/百万token", "LoRA精调", "CNY", "1M tokens"),
        ("LoRA精调(元/百万token)", "LoRA精调", "CNY", "1M tokens"),
        ("Training $/M", "Training", "USD", "1M tokens"),
        ("Training (per 1M tokens)", "Training", None, "1M tokens"),
        ("Training, USD / 1K tokens", "Training", "USD", "1K tokens"),
        ("Price per training hour", "Price per training hour", None, None),
        ("Hosting €/hour", "Hosting", "EUR", "hour"),
        ("定价(元/小时)", "定价", "CNY", "hour"),
    ],
)
def test_a_header_s_unit_is_read_off_its_end(
    header: str, name: str, currency: str | None, unit: str | None
) -> None:
    (table,) = markdown(f"| Model | {header} |\n|---|---|\n| a | 1 |\n")
    column = table.column(name)
    assert table.has(name.upper())
    assert table.column(header) == column
    assert column.at == 1
    assert (column.currency, column.unit and column.unit.name) == (currency, unit)


def test_ten_thousands_of_yuan_in_a_header_are_not_yuan() -> None:
    (table,) = markdown("| Model | 年费 万元/年 |\n|---|---|\n| a | 110 |\n")
    with pytest.raises(Unreadable, match="0 columns"):
        table.column("年费")


def test_a_column_is_found_under_any_of_its_names_but_only_one() -> None:
    (table,) = markdown(
        "| Model | Input $/M | Input $/K | Output |\n|---|---|---|---|\n| a|1|2|3|\n"
    )
    assert table.column("模型", "model").at == 0
    assert table.column("Output", "Output").at == 3
    with pytest.raises(Unreadable, match="2 columns are called 'Input'"):
        table.column("Input")
    with pytest.raises(Unreadable, match=r"0 columns are called 'Training' or '训练'.*Model"):
        table.column("Training", "训练")
    assert not table.has("Training", "训练")
    assert table.column("Input $/K").unit is not None


@pytest.mark.parametrize("header", ["(" * 100_000, "/" * 100_000, " per" * 50_000, "a /" * 50_000])
def test_a_hostile_header_is_a_name_like_any_other(header: str) -> None:
    (table,) = markdown(f"| Model | {header} |\n|---|---|\n| a | 1 |\n")
    assert table.column("Model").at == 0


def test_a_page_s_tables_are_found_in_html_and_in_markdown() -> None:
    (from_html,) = tables_in(b"<html><table><tr><th>A<tr><td>1</table></html>")
    (from_markdown,) = tables_in(b"| A |\n|---|\n| 1 |\n")
    assert cells(from_html) == cells(from_markdown) == [("1",)]
    assert tables_in(b"nothing") == []


def test_the_text_of_a_page_is_what_a_reader_sees() -> None:
    page = b"""<html><style>b{}</style><p>per&nbsp;<b>1M</b>\n tokens</p>
    <script>"per 1K tokens"</script><template>no</template><table><td>$1</table></html>"""

    assert visible_text(page) == "per 1M tokens $1"
    assert visible_text(b"# Prices\n\nper  1M tokens") == "# Prices per 1M tokens"
    with pytest.raises(Unreadable, match="cut short"):
        visible_text(b"<html><table>")


@pytest.mark.parametrize("page", [b"<html><table><tr><th>A", b"", b"<table></table>", b"{}"])
def test_a_page_cut_short_is_unreadable(page: bytes) -> None:
    with pytest.raises(Unreadable, match="cut short"):
        whole_page(page)


@pytest.mark.parametrize("page", [b"\xff\xfe<\0", b"caf\xe9", b"a\0b", "中".encode()[:2]])
def test_bytes_that_are_no_text_are_unreadable(page: bytes) -> None:
    with pytest.raises(Unreadable, match=r"not UTF-8|NUL"):
        decode(page)


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode(b"\xef\xbb\xbfA") == "A"


def test_the_price_under_a_header_has_the_header_s_currency_and_unit() -> None:
    (table,) = tables_in("| 模型 | LoRA精调 元/百万token |\n|---|---|\n| lite | 40 |\n".encode())
    column = table.column("LoRA精调")
    price = read_price(table.rows[0].cells[column.at], currency=column.currency, unit=column.unit)
    assert (price.amount, price.currency) == (Decimal(40), "CNY")
    assert price.unit is not None
    assert price.unit.name == "1M tokens"


def test_a_table_that_prints_something_in_every_cell() -> None:
    whole, blank = (
        next(markdown_tables(f"| A | B |\n|--|--|\n| a | {cell} |\n")) for cell in ("-", " ")
    )
    assert [row.cells for row in whole.full_rows] == [("a", "-")]
    assert [row.cells for row in blank.rows] == [("a", "")]
    with pytest.raises(Unreadable, match=r"tr\[3\]: a blank cell"):
        assert blank.full_rows

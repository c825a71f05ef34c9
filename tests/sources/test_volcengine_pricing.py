from decimal import Decimal
from pathlib import Path

import pytest

from sources._contract import SourceError
from sources.volcengine_pricing import SOURCE

PAGE = (Path(__file__).parents[1] / "fixtures/volcengine_pricing/2026-07-17.html").read_text(
    "utf-8"
)
CAPTURE = (
    Path(__file__).parents[3] / "shared" / "captures" / "volcengine_pricing" / "2026-07-17.html"
)
ONLINE, BATCH = "推理-在线推理</span>", "推理-批量推理</span>"


def changed(old: str, new: str, *, after: str = "") -> bytes:
    """Replace the first `old` behind `after`, which must be there."""
    start = PAGE.index(after)
    assert old in PAGE[start:]
    return (PAGE[:start] + PAGE[start:].replace(old, new, 1)).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


@pytest.mark.parametrize(
    "heading", ["精调-按 token 后付费", "精调-按算力付费", "推理-在线推理", "推理-批量推理"]
)
def test_a_lost_table_is_refused(heading: str) -> None:
    capture = changed(f"<span>{heading}</span>", "<span>新版</span>")

    assert f"0 tables under the heading {heading}" in refused(capture)


def test_a_table_without_its_rows_is_refused() -> None:
    start = PAGE.index("<tr", PAGE.index("</tr>", PAGE.index(BATCH)))
    end = PAGE.index("</tbody>", start)

    problem = refused((PAGE[:start] + PAGE[end:]).encode())

    assert "0 tables under the heading 推理-批量推理" in problem


def test_losing_most_rows_of_a_table_is_refused() -> None:
    start = PAGE.index("<tr", PAGE.index("</tr>", PAGE.index(BATCH)))
    last = PAGE.rindex("<tr", start, PAGE.index("</tbody>", start))

    assert "58 quotes where" in refused((PAGE[:start] + PAGE[last:]).encode())


def test_two_tables_under_one_heading_are_refused() -> None:
    capture = changed("<span>模型单元</span>", "<span>精调-按算力付费</span>")

    assert "2 tables under the heading 精调-按算力付费" in refused(capture)


def test_a_new_kind_of_input_is_refused() -> None:
    capture = changed("</tr>", "<td>输入（视频）元/百万token</td></tr>", after=ONLINE)

    assert "推理-在线推理: a column more" in refused(capture)


def test_a_price_without_a_unit_is_refused() -> None:
    assert "columns are called 'LoRA精调'" in refused(
        changed("元/百万token", "元", after="LoRA精调")
    )


def test_columns_are_found_by_header() -> None:
    swapped = changed("LoRA精调", "?").decode().replace("全量精调", "LoRA精调", 1)
    capture = swapped.replace("<span>?</span>", "<span>全量精调</span>", 1).encode()

    prices = SOURCE.read(capture).quotes.rows(named=True)[:2]

    assert {row["adapter"]: row["unit_price"] for row in prices} == {
        "lora": Decimal(80),
        "full": Decimal(40),
    }


def test_sound_is_not_read() -> None:
    capture = changed("<span>18.00</span>", "<span>from 18 to 20</span>", after=ONLINE)

    expected = SOURCE.read(PAGE.encode()).quotes

    assert SOURCE.read(capture).quotes.equals(expected)


def test_a_second_condition_is_refused() -> None:
    capture = changed("输入长度 [0, 32]", "输入长度 [0, 32] 且输出长度 [0, 0.2]", after=ONLINE)

    assert "an unknown condition of a price" in refused(capture)


def test_another_way_of_paying_is_refused() -> None:
    assert "an unknown way of paying '包月预付费'" in refused(changed("按量后付费", "包月预付费"))


def test_rows_that_slid_because_a_span_is_lost_are_refused() -> None:
    assert "cells under 7 headers" in refused(changed(' rowspan="3"', "", after=ONLINE))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("混入token数+", "", "训练费用"),
        ("验证集token数）x 迭代轮次", "验证集token数）", "训练费用"),
        ("小于 1000，", "小于 100，", "若 token"),
    ],
)
def test_the_rule_for_billed_tokens_stands_on_the_page(old: str, new: str, sentence: str) -> None:
    """The page's embedded data still says the old rule, and must not be asked."""
    problem = refused(changed(old, new))

    assert "0 lines, not 1, say" in problem
    assert sentence in problem


def test_a_page_cut_short_is_refused() -> None:
    assert "cut short" in refused(PAGE[: PAGE.index(BATCH)].encode())


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_page_says_what_the_fixture_says() -> None:
    real, fixture = SOURCE.read(CAPTURE.read_bytes()), SOURCE.read(PAGE.encode())

    assert (real.quotes.height, real.terms.height) == (100, 1)
    assert real.quotes.drop("locator").equals(fixture.quotes.drop("locator"))
    assert real.terms.drop("locator").equals(fixture.terms.drop("locator"))
    assert real.quotes["locator"][0] == "table[12]/tr[1]/LoRA精调"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (">40<", "><", "a blank cell"),
        ("输入长度 [0, 32]", "-", "a length of input is missing"),
        ("输入长度 (32, 128]", "输入长度 (64, 128]", "a length of input is missing"),
    ],
)
def test_a_row_that_lost_something_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new, after="精调-按 token 后付费"))


def test_a_table_that_stands_a_third_time_is_refused() -> None:
    start = PAGE.index("<table", PAGE.index(BATCH))
    table = PAGE[start : PAGE.index("</table>", start) + len("</table>")]
    # above another heading, so that only one stands below each of the two that are read
    assert "3 tables like" in refused(changed("<table", f"{table}<p>x</p><table"))

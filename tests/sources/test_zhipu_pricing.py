from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources._contract import SourceError
from sources.zhipu_pricing import SOURCE

PAGE = (Path(__file__).parents[1] / "fixtures/zhipu_pricing/2026-07-17.html").read_text("utf-8")
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "zhipu_pricing" / "2026-07-17.html"
TUNING = '<h3 class="model-title">模型微调</h3>'


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the fine-tuning section or behind it, which must be there."""
    start = PAGE.index(TUNING)
    assert old in PAGE[start:]
    return (PAGE[:start] + PAGE[start:].replace(old, new, 1)).encode()


def the_table(start: int) -> str:
    """Cut out the first table behind this place."""
    begin = PAGE.index("<table", start)
    return PAGE[begin : PAGE.index("</table>", begin) + len("</table>")]


TRAINING_HEADER = the_table(PAGE.index(TUNING))
TRAINING_BODY = the_table(PAGE.index(TRAINING_HEADER) + 1)
INFERENCE_HEADER = the_table(PAGE.index(TRAINING_BODY) + 1)
INFERENCE_BODY = the_table(PAGE.index(INFERENCE_HEADER) + 1)


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def test_a_header_without_its_body_is_refused() -> None:
    assert "模型微调: 1 tables" in refused(changed(TRAINING_BODY, ""))


def test_a_body_without_its_header_is_refused() -> None:
    assert "模型微调/模型训练: the headers are" in refused(changed(TRAINING_HEADER, ""))


def test_a_stranger_between_header_and_body_is_refused() -> None:
    stranger = "<table><tbody><tr><td>a</td><td>b</td><td>c</td><td>d</td></tr></tbody></table>"

    capture = changed(TRAINING_HEADER, TRAINING_HEADER + stranger)

    assert "模型微调: 3 tables" in refused(capture)


def test_headers_that_come_before_all_bodies_are_refused() -> None:
    """A header must not be given to the body of the other, though both have four columns."""
    without = PAGE.replace(INFERENCE_HEADER, "", 1)

    capture = without.replace(TRAINING_HEADER, TRAINING_HEADER + INFERENCE_HEADER, 1).encode()

    assert "模型微调/模型训练: the headers are ('模型', '部署版本'" in refused(capture)


def test_bodies_that_changed_places_are_refused() -> None:
    swapped = PAGE.replace(TRAINING_BODY, "?", 1).replace(INFERENCE_BODY, TRAINING_BODY, 1)

    problem = refused(swapped.replace("?", INFERENCE_BODY, 1).encode())

    assert "a price per day cannot be a price of training_tokens" in problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<li class=", '<li class="tab-nav-item"> 批量推理 </li><li class='),
        (" 模型推理 </li>", " 模型评测 </li>"),
        (" 视觉模型 </li>", " 多模态 </li>"),
    ],
)
def test_other_tabs_are_refused(old: str, new: str) -> None:
    assert "tables under the tabs" in refused(changed(old, new))


@pytest.mark.parametrize("heading", ["模型微调", "模型私有实例"])
def test_a_lost_section_is_refused(heading: str) -> None:
    assert f"0 sections are headed {heading}" in refused(changed(f">{heading}</h3>", ">新版</h3>"))


def test_columns_are_found_by_header() -> None:
    header = TRAINING_HEADER.replace("LoRA", "?").replace("全参", "LoRA").replace("?", "全参")

    quotes = SOURCE.read(changed(TRAINING_HEADER, header)).quotes

    offer = pl.col("context_tier") == "16k"
    assert quotes.filter(offer).select("adapter", "availability", "unit_price").rows() == [
        ("lora", "priced", Decimal(125)),
        ("full", "not_offered", None),
    ]


def test_the_unit_is_read_from_each_cell() -> None:
    assert "a price without a unit: '0.1 元'" in refused(changed("0.1 元 / 千tokens", "0.1 元"))

    quotes = SOURCE.read(changed("0.1 元 / 千tokens", "0.1 元 / 百万tokens")).quotes

    assert quotes["unit_price"][0] == Decimal("0.1")


def test_a_day_is_a_day_of_one_compute_unit() -> None:
    quotes = SOURCE.read(PAGE.encode()).quotes.filter(pl.col("meter") == "hosting_hours")

    priced = pl.col("availability") == "priced"
    assert quotes.select(
        (priced == pl.col("remark").str.contains("per compute unit").fill_null(value=False)).all()
    ).item()
    assert "not a price per compute unit: '100 元 / 天'" in refused(
        changed("100 元 / 算力单元 / 天", "100 元 / 天")
    )


def test_a_model_without_its_version_is_refused() -> None:
    assert "a blank cell" in refused(changed(">32k<", "><"))


def test_what_buyers_of_packages_pay_for_more_is_not_read() -> None:
    """It contradicts the list of training prices."""
    expected = SOURCE.read(PAGE.encode()).quotes

    assert SOURCE.read(changed("0.021 元", "9 元")).quotes.equals(expected)


def test_losing_most_rows_of_a_table_is_refused() -> None:
    body = TRAINING_BODY
    rest = body[: body.index("<tr")] + body[body.rindex("<tr") :]

    assert "39 quotes where" in refused(changed(body, rest))


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_page_says_what_the_fixture_says() -> None:
    real, fixture = SOURCE.read(CAPTURE.read_bytes()), SOURCE.read(PAGE.encode())

    assert (real.quotes.height, real.terms.height) == (57, 0)
    assert real.quotes.equals(fixture.quotes)

from pathlib import Path

import pytest

from sources._contract import SourceError
from sources.vertex_pricing import SOURCE

PAGE = (Path(__file__).parents[1] / "fixtures/vertex_pricing/2025-02-27.md").read_text("utf-8")
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "vertex_pricing" / "2025-02-27.md"


def changed(old: str, new: str) -> bytes:
    """Replace the first `old` of the page, which must be there."""
    assert old in PAGE
    return PAGE.replace(old, new, 1).encode()


def refused(capture: bytes) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(capture)
    return error.value.problem


def test_a_particle_of_the_translation_is_cut_off_and_told() -> None:
    flash, pro = SOURCE.read(PAGE.encode()).quotes.rows(named=True)

    assert (flash["model"], flash["remark"]) == ("Gemini 1.5 Flash", None)
    assert (pro["model"], pro["remark"]) == (
        "Gemini 1.5 Pro",
        "the model is printed Gemini 1.5 Pro도",
    )


def test_prices_per_character_image_and_second_are_not_read() -> None:
    capture = changed("$0.000075 / 1,000자", "$0.000076 / 1,000자")

    assert SOURCE.read(capture).quotes.equals(SOURCE.read(PAGE.encode()).quotes)


def test_a_table_elsewhere_is_not_read() -> None:
    capture = f"{PAGE}\n모델 | 가격 책정  \n---|---  \n조정* | 토큰 100만 개당 $5.00  \n".encode()

    assert SOURCE.read(capture).quotes.height == 2


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        # the price would be another model's
        ("Gemini 1.5 Pro도 | 멀티모달", "제미니 1.5 프로 | 멀티모달", "no known price: '제미니"),
        ("Gemini 1.5 Pro도 | 멀티모달 | 이미지 입력  \n", "", "no known price: '조정* |"),
        ("Gemini 1.5 Pro도", "Gemini 1.5 Pro*", "no known price: 'Gemini 1.5 Pro*"),
        # or another number
        ("당 $80", "당 $8\n0", "no known price: '0'"),
        ("당 $80", "당 $80부터", "no known price: '조정*"),
        ("토큰 100만 개당 $80", "토큰 1,000개당 $80", "no known price: '조정*"),
        ("토큰 100만 개당 $80", "1,000자당 $80", "no known price: '조정*"),
        ("당 $80", "당 80원", "no known price: '조정*"),
        ("조정* | 학습 토큰 | 토큰 100만 개당 $80  \n", "", "1 quotes where"),
        ("모델 | 기능 | 유형 | 가격  ", "모델 | 유형 | 가격  ", "0 tables of Gemini prices"),
        ("기본 모델과 동일합니다", "기본 모델의 1.5배입니다", "and 0 notes on tuned models"),
    ],
)
def test_a_page_in_another_form_is_refused(old: str, new: str, problem: str) -> None:
    assert problem in refused(changed(old, new))


def test_the_page_of_today_is_refused() -> None:
    page = b"""<html><body><h2>Model tuning</h2><table><tr><th>Model</th><th>Type</th>
<th>Price (/1M training tokens)</th></tr><tr><td>Gemini 2.5 Pro</td><td>Supervised tuning</td>
<td>$25</td></tr></table></body></html>"""

    assert "0 tables of Gemini prices as of 2025" in refused(page)


@pytest.mark.skipif(not CAPTURE.exists(), reason="the capture is not here")
def test_the_real_page_says_what_the_fixture_says() -> None:
    real, fixture = SOURCE.read(CAPTURE.read_bytes()), SOURCE.read(PAGE.encode())

    assert dict(real.quotes.select("model", "unit_price").iter_rows()) == {
        "Gemini 1.5 Flash": 8,
        "Gemini 1.5 Pro": 80,
    }
    assert real.quotes.equals(fixture.quotes)
    assert real.terms.equals(fixture.terms)

"""Vertex AI's price page as it was in early 2025: what tuning a Gemini model costs.

Read is a rendering of the page in Korean, which lost the spans of its table: a model's name stands
in the first of its rows alone. Prices of inference are per 1,000 characters, image or second,
which is no number of tokens; those of partners' models are not of tuned ones. The page was
rewritten since, in a wording that no capture here shows, and so is refused.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import Unreadable, lines_in, read_price, read_unit, shown

_MILLION: Final = read_unit("1M tokens")
_HEADER: Final = "모델 | 기능 | 유형 | 가격"
# Between the header (model, feature, kind, price up to 128K, price above) and the notes.
_TABLE: Final = re.compile(
    rf"^{re.escape(_HEADER)}\n\( =< 128K 입력 토큰\) \| 가격\n"
    r"\(128,000개 이상의 입력 토큰\)\n---\|---\|---\|---\|---\n(.+?)\n(?=\* )",
    re.MULTILINE | re.DOTALL,
)
_NOTE: Final = "* 조정된 모델 엔드포인트의 예측 가격은 기본 모델과 동일합니다."
# The translation glues a particle to a name: `Gemini 1.5 Pro도` means "Gemini 1.5 Pro, too".
_MODEL: Final = re.compile(
    r"(?P<model>Gemini [0-9.]+ [A-Za-z0-9-]+)(?P<particle>[가-힣]*) \| 멀티모달 \| 이미지 입력"
)
_TUNING: Final = re.compile(
    r"조정\* \| 학습 토큰 \| (?P<cell>토큰 100만 개당 (?P<price>\$[0-9.,]+))"
)
_NO_TOKENS: Final = re.compile(
    r"|(?:동영상|텍스트|오디오) 입력|(?:\| )?\$[0-9.]+ ?/ ?(?:이미지|초|1,000자)"
    r"|\| 텍스트 출력 \| \$[0-9.]+ ?/ ?1,?000자(?: \| 1,000자당 \$[0-9.]+)?"
    r"|Google 검색으로 그라운딩 \| .+|일일 요청 수가 .+"
)


def parse(capture: bytes) -> Parsed:
    """Read the prices per 1M training tokens, and the note on running a tuned model."""
    lines = [line.rstrip() for line in lines_in(capture)]
    # one search for its end is quick, thousands are not
    has_one = lines.count(_HEADER) == 1
    tables = _TABLE.findall("\n".join(lines)) if has_one else []
    if len(tables) != 1 or lines.count(_NOTE) != 1:
        raise Unreadable(
            f"{len(tables)} tables of Gemini prices as of 2025, and {lines.count(_NOTE)} notes on "
            "tuned models, not 1 of each"
        )
    return Parsed(list(_quotes(tables[0].split("\n"))), [_tuned_inference()])


def _quotes(rows: Sequence[str]) -> Iterator[Quote]:
    named = None
    for row in rows:
        if model := _MODEL.fullmatch(row):
            named = model
        elif (tuning := _TUNING.fullmatch(row)) and named:
            offer = Offer("google_vertex", named["model"], "sft", "unknown")
            evidence = Evidence(
                f"{named['model']}/조정*",
                tuning["cell"],
                remark=f"the model is printed {named[1]}{named[2]}" if named["particle"] else None,
            )
            price = read_price(tuning["price"], unit=_MILLION)
            yield offer.quote("training_tokens", price, evidence)
            named = None
        elif not _NO_TOKENS.fullmatch(row):
            raise Unreadable(f"a row that is no model's and no known price: {shown(row)}")


def _tuned_inference() -> Term:
    offer = Offer("google_vertex", EVERY_MODEL, "sft", "unknown")
    return offer.term("tuned_inference_rule", "base_price", Evidence(_NOTE, _NOTE))


SOURCE: Final = Source(
    url="https://cloud.google.com/vertex-ai/generative-ai/pricing",
    description="Vertex AI's price page of early 2025: tuning Gemini models",
    rank=Rank.SELLER,
    provider="google_vertex",
    cadence=timedelta(days=30),
    unasked="its page was rewritten since, with other tables: only captures of early 2025 are read",
    # 2 on 2025-02-27
    quote_count=(2, 20),
    term_count=(1, 1),
    parse=parse,
)

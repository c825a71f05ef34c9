"""OpenAI's guide to supervised fine-tuning: how many examples a job needs, and how many it should.

The guide states no number of epochs, no hosting and no export of weights.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Rank, Source, Term
from sources._parsing import Unreadable, clean, lines_in, shown

_COUNT: Final = r"([1-9]\d*)"
# Two sentences state the minimum, and must agree. The range of "improvements ... on 50–100
# examples" is an observation; the advice is the number to start with.
_SENTENCES: Final = (
    (
        "min_examples",
        rf"- The minimum number of examples you can provide for fine-tuning is {_COUNT}",
        None,
    ),
    (
        "recommended_examples",
        rf"- We recommend starting with {_COUNT} well-crafted demonstrations and .+",
        "the number to start with; the right one depends on the use case",
    ),
    ("min_examples", rf"- Your file must have at least {_COUNT} lines", None),
)


def parse(capture: bytes) -> Parsed:
    """Read the sentences that state a number of examples, each of which must stand once."""
    lines = [clean(line) for line in lines_in(capture)]
    return Parsed([], list(_terms(lines)))


def _terms(lines: list[str]) -> Iterator[Term]:
    for name, sentence, remark in _SENTENCES:
        found = [
            (number, said)
            for number, line in enumerate(lines, start=1)
            if (said := re.fullmatch(sentence, line, re.ASCII))
        ]
        if len(found) != 1:
            raise Unreadable(f"{len(found)} lines, not 1, say {shown(sentence)}")
        number, said = found[0]
        evidence = Evidence(f"line {number}", said[0], remark=remark)
        yield Offer("openai", EVERY_MODEL, "sft", "unknown").term(name, said[1], evidence)


SOURCE: Final = Source(
    url="https://developers.openai.com/api/docs/guides/supervised-fine-tuning.md",
    description="OpenAI's guide to supervised fine-tuning: the number of examples",
    rank=Rank.SELLER,
    provider="openai",
    cadence=timedelta(days=7),
    quote_count=(0, 0),
    term_count=(2, 2),
    parse=parse,
)

"""Mistral's guide to fine-tuning: what every job and every tuned model costs, and its deprecation.

It states no epochs, no number of examples and nothing on hosting or export.
"""

import re
from datetime import timedelta
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Rank, Source
from sources._parsing import Unreadable, decode, read_price, read_unit, shown

# Word for word down to the first section: a notice that is missed would read as none.
_BEGINNING: Final = re.compile(
    r"(?:---\nid: finetuning_overview\ntitle: (?P<title>Fine-tuning Overview)\n"
    r"slug: finetuning_overview\n---|# Fine-tuning)\n\n"
    r"(?::::warning\[Deprecated\]\n"
    r"(?P<deprecated>This feature is deprecated and is no longer actively supported\.)\n:::\n\n)?"
    r":::warning\[ \]\n"
    r"(?P<fees>Every fine-tuning job comes with a minimum fee of (?P<minimum>\S+), "
    r"and there's a monthly storage fee of (?P<storage>\S+) for each model\.) "
    r"For more detailed pricing information, please visit our \[pricing page\]\(\S+\)\. ?\n"
    r":::\n\n"
    r"(?:## Fine-tuning Basics|<SectionTab )"
)
_NO_NOTICE: Final = "the page has no notice of deprecation"


def parse(capture: bytes) -> Parsed:
    """Read the two fees, which are of every model, and whether fine-tuning is deprecated."""
    text = decode(capture)
    page = _BEGINNING.match(text)
    if page is None:
        raise Unreadable(f"an unknown beginning of the page: {shown(text, 200)}")
    if "$" in text[page.end() :]:
        raise Unreadable("prices further down the page, besides the two fees")
    every_model = Offer("mistral", EVERY_MODEL, "sft", "unknown")
    fees = page["fees"]
    minimum = read_price(page["minimum"], unit=read_unit("job"))
    storage = read_price(page["storage"], unit=read_unit("month"))
    if page["deprecated"]:
        value, evidence = "yes", Evidence("warning[Deprecated]", page["deprecated"])
    else:
        value, evidence = "no", Evidence("title", page["title"], remark=_NO_NOTICE)
    return Parsed(
        [
            every_model.quote("job_minimum", minimum, Evidence("warning/minimum", fees)),
            every_model.quote("storage_months", storage, Evidence("warning/storage", fees)),
        ],
        [every_model.term("is_deprecated", value, evidence)],
    )


SOURCE: Final = Source(
    url="https://docs.mistral.ai/resources/deprecated/finetuning.md",
    description="Mistral's guide to fine-tuning: fees by the job and the month, and deprecation",
    rank=Rank.SELLER,
    provider="mistral",
    cadence=timedelta(days=7),
    # 2 and 1 on 2025-10-20 and 2026-08-21
    quote_count=(2, 2),
    term_count=(1, 1),
    parse=parse,
)

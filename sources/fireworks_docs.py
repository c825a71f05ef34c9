"""Fireworks' documentation of tuning: examples, epochs, and where the tuned model can run.

Billed tokens and the price of running a tuned model stand on the price page. Left out: that
serving a LoRA on shared machines costs nothing to hold (2025, of some base models only), that
models under 16B are tuned for free (some of 2026, beside a price page with prices for them), and
the overview page, which states no term: its 1,000 examples tell which method suits, not how many
examples a job should have.
"""

import re
from datetime import timedelta
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Rank, Source, Term
from sources._parsing import Unreadable, clean, lines_in, shown

_every_model: Final = Offer("fireworks", EVERY_MODEL, "sft", "unknown")

_EXAMPLES: Final = re.compile(r"\* \*\*Minimum examples:\*\* ([1-9]\d*)", re.ASCII)
_EPOCHS: Final = re.compile(
    r"Epochs are the number of passes over the training data\. "
    r"Our default value is ([1-9]\d*)\. .+",
    re.ASCII,
)
# Each of two pages says how Fireworks serves a tuned model: until 2026 the first way, then the
# second.
_SERVED: Final = {
    "an on-demand deployment or shared machines": re.compile(
        r"This guide will focus on using supervised fine-tuning to fine-tune and deploy a model "
        r"with on-demand and serverless hosting\."
        r"|For quick experimentation and prototyping, you can deploy your fine-tuned model to "
        r"shared serverless infrastructure without managing GPUs\."
    ),
    "an on-demand deployment alone": re.compile(
        r"This guide will focus on using supervised fine-tuning to (?:fine-tune|train) a model "
        r"and deploy it to an on-demand \(dedicated\) deployment, which is the only supported "
        r"method for serving (?:fine-tuned|trained) models\."
        r"|(?:Fine-tuned|Trained) LoRA models, whether created on the Fireworks platform or "
        r"imported, can \*\*only\*\* be deployed to \*\*on-demand \(dedicated\) deployments\*\*\. "
        r"Serverless deployment is not supported for LoRA models\."
    ),
}
# since 2026
_DOWNLOAD: Final = re.compile(
    r"You can download your (?:fine-tuned|trained) weights from Fireworks .+"
)
# The last of the page on deployment, behind all that it says of it.
_LAST_CARD: Final = re.compile(r'<Card title="Import (?:Fine-Tuned|Trained) Models" .+')


def parse(capture: bytes) -> Parsed:
    """Read the terms of two pages in any order; every sentence must stand once, word for word."""
    lines = [clean(line) for line in lines_in(capture)]
    _only(_LAST_CARD, lines)
    examples, epochs = _only(_EXAMPLES, lines), _only(_EPOCHS, lines)
    return Parsed(
        [],
        [
            _every_model.term("min_examples", examples[1][1], _evidence(examples)),
            _every_model.term("epoch_default", epochs[1][1], _evidence(epochs)),
            *_hosting(lines),
        ],
    )


_Said = tuple[int, re.Match[str]]


def _lines_that_say(sentence: re.Pattern[str], lines: list[str]) -> list[_Said]:
    return [
        (number, said)
        for number, line in enumerate(lines, start=1)
        if (said := sentence.fullmatch(line))
    ]


def _only(sentence: re.Pattern[str], lines: list[str]) -> _Said:
    found = _lines_that_say(sentence, lines)
    if len(found) != 1:
        raise Unreadable(f"{len(found)} lines, not 1, say {shown(sentence.pattern)}")
    return found[0]


def _evidence(said: _Said, remark: str | None = None) -> Evidence:
    return Evidence(f"line {said[0]}", said[1][0], remark=remark)


def _hosting(lines: list[str]) -> list[Term]:
    """State who can serve a tuned model: Fireworks, and since 2026 whoever downloads it as well."""
    ways = [
        (way, said)
        for way, sentence in _SERVED.items()
        for said in _lines_that_say(sentence, lines)
    ]
    if len(ways) != 2 or ways[0][0] != ways[1][0]:  # noqa: PLR2004 two pages
        raise Unreadable(f"not the two pages, or they differ about serving: {shown(str(ways))}")
    way, said = ways[0]
    if not any("download" in line.lower() for line in lines):
        evidence = _evidence(said, f"on {way}; the pages describe no download")
        return [_every_model.term("hosting", "managed", evidence)]
    evidence = _evidence(_only(_DOWNLOAD, lines), f"Fireworks itself serves it on {way}")
    return [
        _every_model.term("hosting", "both", evidence),
        _every_model.term("weights_exportable", "yes", evidence),
    ]


SOURCE: Final = Source(
    url="https://docs.fireworks.ai/fine-tuning/fine-tuning-models.md",
    more_urls=("https://docs.fireworks.ai/fine-tuning/deploying-loras.md",),
    description="Fireworks' documentation: examples, epochs and the hosting of tuned models",
    rank=Rank.SELLER,
    provider="fireworks",
    cadence=timedelta(days=7),
    quote_count=(0, 0),
    # 3 on 2025-11-07; 4 since a download is described
    term_count=(3, 4),
    parse=parse,
)

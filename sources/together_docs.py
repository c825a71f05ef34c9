"""Together AI's documentation of prices: which tokens are billed, and the least a job costs.

The prices by the token stand on the price page. That one may download a tuned model, and host it
elsewhere, is said on other pages of the documentation; this one speaks of Together's own endpoints
alone, so no hosting is read from it.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import Price, Unreadable, clean, lines_in, read_price, read_unit, shown

_LINK: Final = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
_FORMULA: Final = re.compile(
    r"(?:\* \*\*Total tokens processed\*\*|total_tokens) = \(n_epochs × "
    r"(?:n_)?tokens_per_training_dataset\) \+ \(n_evals × (?:n_)?tokens_per_validation_dataset\)"
)
# since 2026
_UNPACKED: Final = re.compile(
    r"If packing is disabled, tokens per training dataset will be calculated as "
    r"\(dataset_length × max_seq_length\).*"
    r"|If you disable packing, training tokens are computed as "
    r"dataset_length × max_seq_length instead\."
)
# The page said until 2026 that there is none, and has said since that it is $4.00.
_MINIMUM: Final = re.compile(
    r"(?:No, t|T)here is no minimum (?:price|charge) for (?:a )?fine-tuning jobs?\.(?: .*)?"
    r"|Fine-tuning jobs have a (?P<price>\$\d[\d,]*(?:\.\d+)?) minimum charge\."
    r"(?P<exempt> Some models are exempt\.)?(?: .*)?",
    re.ASCII,
)


def parse(capture: bytes) -> Parsed:
    """Read the rule for billed tokens and the minimum, which are of every model and method."""
    lines = [clean(line) for line in lines_in(capture)]
    return Parsed([_job_minimum(lines)], [_billed_tokens(lines)])


def _plain(line: str) -> str:
    """Take out Markdown's escapes, links and code marks, which come and go."""
    return _LINK.sub(r"\1", line.replace("\\", "").replace("`", ""))


def _only(sentence: re.Pattern[str], lines: list[str]) -> tuple[Evidence, re.Match[str]]:
    found = [
        (Evidence(f"line {number}", line), said)
        for number, line in enumerate(lines, start=1)
        if (said := sentence.fullmatch(_plain(line)))
    ]
    if len(found) != 1:
        raise Unreadable(f"{len(found)} lines, not 1, say {shown(sentence.pattern)}")
    return found[0]


def _job_minimum(lines: list[str]) -> Quote:
    """State the minimum, or that there is none, which is a price of nothing."""
    evidence, said = _only(_MINIMUM, lines)
    if said["exempt"]:
        evidence = evidence._replace(remark="some models are exempt, says the page")
    job = read_unit("job")
    none = Price("free", Decimal(0), unit=job)
    price = read_price(said["price"], unit=job) if said["price"] else none
    return Offer("together", EVERY_MODEL, "unknown", "unknown").quote(
        "job_minimum", price, evidence
    )


def _billed_tokens(lines: list[str]) -> Term:
    evidence, _ = _only(_FORMULA, lines)
    if any("packing" in line.lower() for line in lines):
        evidence = evidence._replace(remark=_only(_UNPACKED, lines)[1][0])
    return Offer("together", EVERY_MODEL, "sft", "unknown").term(
        "billed_tokens_rule", "train x epochs + validation x evaluations", evidence
    )


SOURCE: Final = Source(
    # until 2026 at /docs/fine-tuning-pricing, which leads here
    url="https://docs.together.ai/docs/fine-tuning/pricing.md",
    description="Together AI's documentation: the tokens that are billed, and a job's minimum",
    rank=Rank.SELLER,
    provider="together",
    cadence=timedelta(days=7),
    # 1 and 1 on 2025-11-08
    quote_count=(1, 1),
    term_count=(1, 1),
    parse=parse,
)

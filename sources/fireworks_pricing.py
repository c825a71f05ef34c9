"""Fireworks' price page: what tuning a model costs, by its size, its method and its adapter.

No raw page is held. The shape read here is that of stored copies from 2026-08 to 2026-10; the
pages before it had no column for full-parameter tuning, and are refused.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Quote, Rank, Source, Term
from sources._parsing import (
    Table,
    Unit,
    Unreadable,
    read_price,
    read_size_bracket,
    read_unit,
    shown,
    tables_in,
    visible_text,
)

_MODEL: Final = "Base Model"
# The header of a price, to its method and its adapter.
_MANAGED: Final = {
    "LoRA SFT": ("sft", "lora"),
    "LoRA DPO": ("dpo", "lora"),
    "Full Param SFT": ("sft", "full"),
    "Full Param DPO": ("dpo", "full"),
}
_TRAIN: Final = "Train"
# Of a training loop that its customer writes: what it reads and samples from the model on the way.
# They are no prices of running the tuned model, and the context is a limit, not a price's tier.
_IGNORED: Final = ("Context", "Prefill", "Cached Prefill", "Sample")

_UNIT: Final = re.compile(r"(?:priced|in \$) per (\w+) training tokens", re.IGNORECASE | re.ASCII)
_POOL: Final = re.compile(r"trainer pool for (\w+) training", re.ASCII)
_SENTENCES: Final = (
    (
        "tuned_inference_rule",
        "base_price",
        re.compile(r"Serve fine-tuned models for the same price as base models\."),
        "its documentation demands a dedicated deployment, billed by the time, since 2026",
    ),
    (
        "billed_tokens_rule",
        "train x epochs",
        re.compile(
            r"Training tokens can be estimated (?:as|with number of) tokens in (?:the )?"
            r"training dataset [×x*] number of epochs\."
        ),
        "an estimate, says the page: traces of reasoning count more than once",
    ),
)


def parse(capture: bytes) -> Parsed:
    """Read the prices by size, those of the models of the training API, and two rules."""
    tables = tables_in(capture)
    said = visible_text(capture)
    return Parsed([*_by_size(tables, said), *_by_model(tables, said)], list(_terms(said)))


def _table(tables: Sequence[Table], *columns: str) -> Table:
    """Find the one table that has the last of these columns; it must have them all and no other."""
    found = [table for table in tables if table.has(columns[-1])]
    if len(found) != 1:
        raise Unreadable(f"{len(found)} tables, not 1, have a column {columns[-1]}")
    places = {found[0].column(name).at for name in columns}
    if len(places) != len(found[0].headers):
        raise Unreadable(f"a column more than {columns}: {shown(str(found[0].headers), 200)}")
    return found[0]


def _by_size(tables: Sequence[Table], said: str) -> Iterator[Quote]:
    table = _table(tables, _MODEL, *_MANAGED)
    unit = _unit(said)
    brackets = [_bracket(row.cells[table.column(_MODEL).at]) for row in table.full_rows]
    _check_that_none_is_lost(brackets)
    for row, bracket in zip(table.full_rows, brackets, strict=True):
        for header, (method, adapter) in _MANAGED.items():
            column = table.column(header)
            printed = row.cells[column.at]
            yield Offer("fireworks", bracket, method, adapter).quote(
                "training_tokens",
                read_price(printed, currency=column.currency, unit=column.unit or unit),
                Evidence(f"{row.locator}/{header}", printed),
            )


def _unit(said: str) -> Unit:
    """Read the unit of the prices by size, which is stated once or twice in the text around."""
    counts = set(_UNIT.findall(said))
    if len(counts) != 1:
        raise Unreadable(f"{len(counts)} units, not 1, of the prices by size: {sorted(counts)}")
    return read_unit(f"{min(counts)} tokens")


def _bracket(printed: str) -> str:
    """Spell `Models 80B - 300B (e.g. Qwen3-235B, gpt-oss-120B)` as `80B-300B`."""
    return read_size_bracket(re.sub(r" \(e\.g\. [^()]+\)$", "", printed).removeprefix("Models "))


def _check_that_none_is_lost(brackets: Sequence[str]) -> None:
    """Demand that each bracket begins where the one above it ends, from the least to any size."""
    edges = [[int(edge) for edge in re.findall(r"(\d+)(?:\.\d+)?B", said)] for said in brackets]
    is_whole = brackets and brackets[0].startswith("up to") and brackets[-1].startswith("over")
    if not is_whole or any(low[-1] != high[0] for low, high in pairwise(edges)):
        raise Unreadable(f"a size is missing from {shown(str(brackets), 200)}")


def _by_model(tables: Sequence[Table], said: str) -> Iterator[Quote]:
    """Read what a trained token costs on the shared trainers, which the customer's loop drives.

    The loop may be of any method. The page says that the trainers tune by LoRA; the adapter is
    unknown where it does not.
    """
    table = _table(tables, _MODEL, *_IGNORED, _TRAIN)
    column = table.column(_TRAIN)
    pools = set(_POOL.findall(said))
    if not pools <= {"LoRA"}:
        raise Unreadable(f"an unknown kind of training: {sorted(pools)}")
    adapter = "lora" if pools else "unknown"
    for row in table.full_rows:
        printed = row.cells[column.at]
        yield Offer("fireworks", row.cells[table.column(_MODEL).at], "unknown", adapter).quote(
            "training_tokens",
            read_price(printed, currency=column.currency, unit=column.unit),
            Evidence(
                f"{row.locator}/{_TRAIN}",
                printed,
                remark="tokens that a job reads and samples on the way are billed besides",
            ),
        )


def _terms(said: str) -> Iterator[Term]:
    for name, value, sentence, remark in _SENTENCES:
        found = sentence.search(said)
        if found is None:
            raise Unreadable(f"the page does not say {shown(sentence.pattern)}")
        evidence = Evidence(f"text/{name}", found[0], remark=remark)
        yield Offer("fireworks", EVERY_MODEL, "sft", "unknown").term(name, value, evidence)


SOURCE: Final = Source(
    url="https://fireworks.ai/pricing",
    description="Fireworks' price page: tuning by size, method and adapter, and by model",
    rank=Rank.SELLER,
    provider="fireworks",
    cadence=timedelta(days=1),
    # 16 by size and 6 by model on 2026-10-08; neither table alone is enough
    quote_count=(18, 100),
    term_count=(2, 2),
    parse=parse,
)

"""The price list that ships with the project: facts that people read on pages and wrote down.

It answers before anything was fetched, and for pages that nobody can fetch any more. What it
leaves out, because the key or the amount would not be one exact thing:

- Together's 0.34 and 0.38 per 1M tokens of 2026-10-08 (up to 16B, supervised): which is LoRA
  and which is full is not on the page; and the $5 to $40 of its large models, a range;
- Mistral's euro prices: a second list price of the same offer, no conversion;
- Azure's meters that differ by region, among them Llama 3.3 70B, GPT-3.5 Turbo, GPT-4 and the
  developer inference of GPT-4o and GPT-4o mini;
- Fireworks' prices of 2024 and 2025, which do not tell LoRA and full apart as those of 2026 do;
- Volcengine's and Zhipu's prices per machine and hour or day, which are of no model alone.
"""

import csv
import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final, NamedTuple, get_args

from sources._contract import TERMS, Evidence, Offer, Parsed, Rank, Source
from sources._parsing import (
    Meter,
    Price,
    Unreadable,
    clean,
    decode,
    read_date,
    read_price,
    read_unit,
    shown,
)


class _Fact(NamedTuple):
    """One line of the file; the fields are its columns, in order."""

    provider: str
    model: str
    tuning_method: str
    adapter: str
    service_tier: str
    region: str
    context_tier: str
    subject: str
    printed: str
    unit: str
    valid_from: str
    checked_on: str
    confidence: str
    url: str
    remark: str


_HEADER: Final = ",".join(_Fact._fields)
_END: Final = "\n# end\n"

_METERS: Final[Mapping[str, Meter]] = {meter: meter for meter in get_args(Meter)}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse(capture: bytes) -> Parsed:
    """Read the file, one fact a line: prices per the unit they were printed with, and terms.

    `valid_from` is the day from which a fact is known to hold, `checked_on` the last on which
    somebody read it; both become midnight UTC. The confidence is A for an official page held as
    a capture, B for one quoted by others, C for a third party's claim alone. The last line is
    `# end`, so that a file cut short anywhere raises `Unreadable`.
    """
    text = decode(capture)
    if not text.endswith(_END):
        raise Unreadable("the file is cut short: its last line is not '# end'")
    header, *lines = text.removesuffix(_END).split("\n")
    if header != _HEADER:
        raise Unreadable(f"line 1: the columns are {shown(header, 300)}, not {_HEADER}")
    parsed = Parsed([], [])
    for number, line in enumerate(lines, start=2):
        try:
            _state(_fact(line), f"line {number}", parsed)
        except Unreadable as error:
            raise Unreadable(f"line {number}: {error}") from error
    return parsed


def _fact(line: str) -> _Fact:
    try:
        cells = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise Unreadable(f"no line of a CSV file: {error}: {shown(line)}") from error
    if len(cells) != len(_Fact._fields):
        raise Unreadable(f"{len(cells)} cells under {len(_Fact._fields)} columns: {shown(line)}")
    for cell in cells:
        # a blank that nobody sees makes another model of one
        if cell != clean(cell):
            raise Unreadable(f"signs that a reader does not see in {shown(cell)}")
    return _Fact(*cells)


def _state(fact: _Fact, locator: str, parsed: Parsed) -> None:
    offer = Offer(
        fact.provider,
        fact.model,
        fact.tuning_method,
        fact.adapter or None,
        fact.service_tier,
        fact.region or None,
        fact.context_tier or None,
    )
    evidence = _evidence(fact, locator)
    if meter := _METERS.get(fact.subject):
        parsed.quotes.append(offer.quote(meter, _price(fact), evidence))
    elif fact.subject in TERMS:
        parsed.terms.append(offer.term(fact.subject, _value(fact), evidence))
    else:
        raise Unreadable(f"the subject is no meter and no term: {shown(fact.subject)}")


def _evidence(fact: _Fact, locator: str) -> Evidence:
    if fact.confidence not in {"A", "B", "C"}:
        raise Unreadable(f"the confidence is none of A, B, C: {shown(fact.confidence)}")
    valid_from, checked_at = _midnight(fact.valid_from), _midnight(fact.checked_on)
    if checked_at < valid_from:
        raise Unreadable(f"checked on {fact.checked_on}, before it held on {fact.valid_from}")
    remark = f"transcribed, confidence {fact.confidence}"
    return Evidence(
        locator,
        fact.printed,
        valid_from,
        checked_at,
        fact.url,
        f"{remark}; {fact.remark}" if fact.remark else remark,
    )


def _price(fact: _Fact) -> Price:
    unit = read_unit(fact.unit) if fact.unit else None
    price = read_price(fact.printed, unit=unit)
    if price.unit and price.unit != unit:
        raise Unreadable(f"{shown(fact.printed)} is not {fact.unit or 'without a unit'}")
    return price


def _value(fact: _Fact) -> str:
    if fact.unit:
        raise Unreadable(f"a term with a unit: {shown(fact.unit)}")
    return fact.printed


def _midnight(text: str) -> datetime:
    if not _DAY.fullmatch(text):
        raise Unreadable(f"not a day as YYYY-MM-DD: {shown(text)}")
    return datetime.combine(read_date(text), time())


SOURCE: Final = Source(
    # `.invalid` is reserved for names that lead nowhere (RFC 2606): each fact has its own URL
    url="https://ratecard.invalid/transcribed",
    description="The price list that ships with the project, transcribed by hand",
    rank=Rank.TRANSCRIBED,
    cadence=timedelta(days=30),
    # a list cut short is refused by its missing last line, so that older lists stay readable
    quote_count=(1, 5_000),
    term_count=(1, 5_000),
    parse=parse,
    bundled=Path(__file__).with_suffix(".csv").read_bytes,
)

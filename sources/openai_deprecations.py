"""OpenAI's deprecations page: when models are shut down, and when fine-tuning ends.

`last_training_on` is the day as the page prints it, from which on no new job can be created.
A base model's day is its tuned models' too, says the page; stated here for a tuned model is only
what a row says of it. So nothing is stated of the tuned `gpt-3.5-turbo-0613`, which outlives its
base model for an unknown time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Rank, Source, Term
from sources._parsing import Row, Table, Unreadable, decode, markdown_tables, read_date, shown

_TITLE: Final = "# Deprecations\n"
# The oldest announcement stands last: a page without it is cut short.
_OLDEST: Final = "2022-06-03: Legacy endpoints"
_ANNOUNCEMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2}): .+", re.ASCII)

_DAY: Final = "Shutdown date"
_NAMES: Final = (
    "Model / system",
    "Model snapshot",
    "Model family / snapshot",
    "Deprecated model",
    "Legacy model",
    "System",
)
# A table with the price of training is one of tuned models.
_TUNED: Final = "Training price"
_REPLACEMENTS: Final = (
    "Recommended replacement",
    "Recommended replacement base model",
    "Substitute model",
)
_IGNORED: Final = frozenset({
    *_REPLACEMENTS,
    # no longer charged, and one of them per 1K tokens by mistake
    "Deprecated model price",
    "Legacy model price",
    "Usage price",
})  # fmt: skip

_MODEL: Final = r"`[a-z0-9][a-z0-9.-]*`"
_LIST: Final = rf"{_MODEL}(?:(?: \||,) {_MODEL})*"
_MODELS: Final = re.compile(
    rf"{_LIST}"
    rf"|{_MODEL} \(including {_MODEL} and {_MODEL}, which point to this snapshot\)"
    # so the announcement of 2026-10-14, as others quote it
    rf"|GPT-[\w. ]+ \({_LIST}\)"
    # without quotes: gpt-4o-realtime-preview, until the summer of 2026
    r"|gpt-[a-z0-9.-]+",
    re.ASCII,
)
_TRAINING: Final = re.compile(rf"New fine-tuning training on {_MODEL}")
_NO_MODEL: Final = re.compile(r"\w+ API|OpenAI-Beta: [\w=]+|`/v1/[\w-]+`", re.ASCII)
# The page names no method. A reasoning model is tuned by reinforcement, and for the others
# supervised tuning is what the price is of: https://developers.openai.com/api/docs/pricing
# (2026-08-21).
_REASONING: Final = re.compile(r"o\d")

_UPDATES: Final = (
    (
        "Creating fine-tuning jobs or training is not available to organizations that have not "
        "previously run fine-tuning."
    ),
    (
        "Creating fine-tuning jobs is no longer available to organizations that have not run "
        "inference on a fine-tuned model in the past 60 days."
    ),
    (
        "Active existing customers will no longer be able to create new fine-tuning jobs on this "
        "date. Inference on fine-tuned models will be disabled only when the underlying base "
        "model is deprecated."
    ),
)

_NO_JOBS: Final = "no new jobs from this day on"


def parse(capture: bytes) -> Parsed:
    """Read a day for each model that the page names, and the end of fine-tuning for all.

    Of two days for one model the one announced later holds: in April 2026
    `gpt-4-1106-preview` was put off to October, whose end had been announced for March.
    """
    text = decode(capture)
    if not text.startswith(_TITLE):
        raise Unreadable(f"the page does not begin with {shown(_TITLE)}: {shown(text)}")
    sections = _sections(text)
    if _OLDEST not in sections:
        raise Unreadable(f"the page is cut short: no section {shown(_OLDEST)}")
    announced: list[tuple[date, Term]] = []
    terms: list[Term] = []
    for heading, content in sections.items():
        for table in _tables(heading, content):
            if table.headers == ("Date", "Update"):
                terms += _wind_down(heading, table)
            else:
                day = _announced_on(heading)
                announced += [(day, term) for term in _endings(heading, table)]
    _check_that_replacements_live(sections, announced)
    newest: dict[tuple[str, ...], date] = {}
    for day, term in announced:
        newest[_subject(term)] = max(day, newest.get(_subject(term), day))
    terms += [term for day, term in announced if day == newest[_subject(term)]]
    return Parsed([], terms)


def _check_that_replacements_live(
    sections: Mapping[str, str], announced: Sequence[tuple[date, Term]]
) -> None:
    """Demand that no model ended before the day on which it was recommended for another.

    So it is seen where the models that end and those that replace them changed columns.
    """
    recommended: dict[str, date] = {}
    for heading, content in sections.items():
        for table in _tables(heading, content):
            if table.has(*_REPLACEMENTS):
                day, at = _announced_on(heading), table.column(*_REPLACEMENTS).at
                for name in re.findall(r"`([^`]+)`", " ".join(row.cells[at] for row in table.rows)):
                    recommended[name] = max(day, recommended.get(name, day))
    for _, term in announced:
        if term.value < recommended.get(term.model, date.min).isoformat():
            raise Unreadable(
                f"{shown(term.model)} ended on {term.value}, and was recommended later, "
                f"on {recommended[term.model]}"
            )


def _subject(term: Term) -> tuple[str, ...]:
    return term.model, term.tuning_method, term.term


def _sections(text: str) -> dict[str, str]:
    sections: dict[str, str] = {}
    for section in re.split(r"(?m)^### ", text):
        heading, _, content = section.partition("\n")
        if heading in sections:
            raise Unreadable(f"two sections are called {shown(heading)}")
        sections[heading] = content
    return sections


def _tables(heading: str, content: str) -> list[Table]:
    tables = list(markdown_tables(content))
    lines = sum(line.startswith("|") for line in content.split("\n"))
    read = sum(2 + len(table.rows) for table in tables)
    if lines != read:
        raise Unreadable(f"{shown(heading)}: {lines} lines of tables, of which {read} are whole")
    if not tables and _ANNOUNCEMENT.fullmatch(heading):
        raise Unreadable(f"{shown(heading)}: an announcement without a table")
    return tables


def _announced_on(heading: str) -> date:
    announcement = _ANNOUNCEMENT.fullmatch(heading)
    if announcement is None:
        raise Unreadable(f"a table under a heading without a day: {shown(heading)}")
    return read_date(announcement[1])


def _endings(heading: str, table: Table) -> Iterator[Term]:
    day, names = table.column(_DAY).at, table.column(*_NAMES).at
    unknown = set(table.headers) - {table.headers[day], table.headers[names], _TUNED, *_IGNORED}
    if unknown:
        raise Unreadable(f"{shown(heading)}: unknown columns: {sorted(unknown)}")
    for row in table.full_rows:
        cell = row.cells[names]
        # "at earliest" is no day yet
        if row.cells[day].startswith("at earliest ") or _NO_MODEL.fullmatch(cell):
            continue
        ends_on, evidence = _iso(row.cells[day]), _evidence(heading, row)
        if _TRAINING.fullmatch(cell):
            no_jobs = evidence._replace(remark=_NO_JOBS)
            yield _tuned(cell.split("`")[1]).term("last_training_on", ends_on, no_jobs)
        elif _MODELS.fullmatch(cell):
            for name in re.findall(r"`([^`]+)`", cell) or [cell]:
                is_tuned = table.has(_TUNED) or name.startswith("ft-")
                offer = _tuned(name.removeprefix("ft-")) if is_tuned else Offer("openai", name)
                yield offer.term("shutdown_on", ends_on, evidence)
        else:
            raise Unreadable(f"{shown(heading)}: no model and no known product: {shown(cell)}")


def _wind_down(heading: str, table: Table) -> list[Term]:
    """Read the days on which fine-tuning closes; a table of another product has none."""
    rows = [row for row in table.rows if "fine-tun" in row.cells[1].casefold()]
    if not rows:
        return []
    if tuple(row.cells[1] for row in rows) != _UPDATES:
        said = [row.cells[1] for row in rows]
        raise Unreadable(f"{shown(heading)}: other words on fine-tuning: {said}")
    first, then, last = ((_iso(row.cells[0]), _evidence(heading, row)) for row in rows)
    if not first[0] < then[0] < last[0]:
        raise Unreadable(f"{shown(heading)}: the days are out of order: {first[0]}, {last[0]}")
    every = Offer("openai", EVERY_MODEL, "sft", "unknown")
    remark = f"to who never tuned; on {then[0]} also to who ran no tuned model for 60 days"
    return [
        every.term("closed_to_new_customers_on", first[0], first[1]._replace(remark=remark)),
        every.term("last_training_on", last[0], last[1]._replace(remark=_NO_JOBS)),
    ]


def _tuned(model: str) -> Offer:
    return Offer("openai", model, "rft" if _REASONING.match(model) else "sft", "unknown")


def _iso(day: str) -> str:
    return read_date(day).isoformat()


def _evidence(heading: str, row: Row) -> Evidence:
    return Evidence(f"{heading}/{row.locator}", " | ".join(row.cells))


SOURCE: Final = Source(
    url="https://developers.openai.com/api/docs/deprecations.md",
    description="OpenAI's deprecations page: shutdown days, and the end of fine-tuning",
    rank=Rank.SELLER,
    provider="openai",
    cadence=timedelta(days=1),
    quote_count=(0, 0),
    # 73 on 2026-02-26, 137 on 2026-07-06: old announcements stay
    term_count=(60, 2_000),
    parse=parse,
)

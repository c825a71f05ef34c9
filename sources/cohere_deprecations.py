"""Cohere's deprecations page: when models are shut down, and when all fine-tuning ended.

In the page's own words a deprecated model still serves whoever used it, and only a retired one,
or one with a shutdown date, is gone: so of the models of 2025-09-15 it is stated that they are
deprecated, and no shutdown. Their aliases are left out: `command-r` soon named another model.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from sources._contract import EVERY_MODEL, Evidence, Offer, Parsed, Rank, Source, Term
from sources._parsing import Unreadable, decode, markdown_tables, read_date, shown

_BEGINNING: Final = "\n## Deprecation History\n"
_END: Final = "\n# Best Practices"
# about the default of an endpoint, and no model's end
_IGNORED: Final = frozenset({"2025-01-31: Default Classify endpoint"})

# Each kind of announcement as far as it is read, word for word.
_RETIREMENT: Final = re.compile(
    r"\n(?P<said>Effective (?P<day>.+), the following models will be retired:)\n"
    r"\n(?P<models>(?:- .+\n)+)\n(?=[A-Z])"
)
_DEPRECATION: Final = re.compile(
    r"\n(?P<said>Effective (?P<day>.+), the following deprecations will roll out\.)\n"
    r"\nDeprecated Models:\n"
    r"\n(?P<models>(?:- .+\n)+)"
    r"\nFor command model replacements, .+\n"
    r"\nRetired Fine-Tuning Capabilities:\n"
    r"(?P<tuning>Fine-tuning for the `command-light`, `command`, `command-r`, `classify`, and "
    r"`rerank` models is being retired\. This covers both the Cohere dashboard and API\. "
    r"Previously fine-tuned models will no longer be accessible\.)\n"
)
_END_OF_TUNED: Final = re.compile(
    r"\n(?P<said>Models fine-tuned with (?P<model>[\w-]+) will continue to be supported until "
    r"(?P<day>.+)\. After this date, all requests to these models will return an error\.)\n",
    re.ASCII,
)
_ITEM: Final = re.compile(
    r"- `(?P<model>[a-z0-9][a-z0-9.-]*)` *"
    r"(?:\(and the alias `[a-z-]+`\)|\(Refer to .+ for alternatives\)\.)?",
    re.ASCII,
)
_COLUMNS: Final = (
    "Shutdown Date",
    "Deprecated Model",
    "Deprecated Model Price",
    "Recommended Replacement",
)
_UNAFFECTED: Final = (
    "Fine-tuned models created from these base models are not affected by this deprecation."
)


def parse(capture: bytes) -> Parsed:
    """Read every announcement of the history, which must be of a known kind."""
    text = decode(capture)
    if (text.count(_BEGINNING), text.count(_END)) != (1, 1):
        raise Unreadable(f"the page has not one {_BEGINNING.strip()!r} and one {_END.strip()!r}")
    history = text[text.index(_BEGINNING) : text.find(_END)]
    sections = [s.partition("\n") for s in re.split(r"(?m)^### ", history)[1:]]
    return Parsed(
        [],
        [term for heading, _, said in sections for term in _terms(heading, said)],
    )


def _terms(heading: str, content: str) -> Iterator[Term]:
    if said := _DEPRECATION.match(content):
        day = _day(said["day"])
        since = datetime.combine(day, time())
        for item, model in _models(said["models"]):
            evidence = Evidence(heading, f"{said['said']} {item}", since)
            yield Offer("cohere", model).term("is_deprecated", "yes", evidence)
        if not heading.endswith(", all of fine-tuning"):
            raise Unreadable(f"{shown(heading)}: not all of fine-tuning is retired")
        evidence = Evidence(heading, f"{said['said']} {said['tuning']}")
        no_jobs = evidence._replace(remark="no new jobs from this day on")
        yield _tuned(EVERY_MODEL).term("last_training_on", day.isoformat(), no_jobs)
        yield _tuned(EVERY_MODEL).term("shutdown_on", day.isoformat(), evidence)
    elif said := _END_OF_TUNED.search(content):
        # the page writes Command-R-03-2024 here, and command-r-03-2024 as the API does elsewhere
        model = said["model"].lower()
        evidence = Evidence(heading, said["said"])
        yield _tuned(model).term("shutdown_on", _day(said["day"]).isoformat(), evidence)
    elif heading not in _IGNORED:
        if "fine-tun" in content.replace(_UNAFFECTED, "").casefold():
            raise Unreadable(f"{shown(heading)}: unknown words on fine-tuning")
        yield from _shutdowns(heading, content)


def _shutdowns(heading: str, content: str) -> Iterator[Term]:
    """Read the days of base models from a list, or from the rows of a table."""
    if said := _RETIREMENT.match(content):
        for item, model in _models(said["models"]):
            evidence = Evidence(heading, f"{said['said']} {item}")
            yield Offer("cohere", model).term(
                "shutdown_on", _day(said["day"]).isoformat(), evidence
            )
        return
    tables = list(markdown_tables(content))
    if len(tables) != 1 or tables[0].headers != _COLUMNS:
        raise Unreadable(f"{shown(heading)}: an announcement of an unknown kind")
    lines = sum(line.startswith("|") for line in content.split("\n"))
    if lines != 2 + len(tables[0].rows):
        raise Unreadable(f"{shown(heading)}: lines of a table outside of it")
    for row in tables[0].rows:
        day, model, *_ = row.cells
        evidence = Evidence(f"{heading}/{row.locator}", " | ".join(row.cells))
        for _, name in _models(f"- {model}"):
            yield Offer("cohere", name).term("shutdown_on", read_date(day).isoformat(), evidence)


def _models(items: str) -> Iterator[tuple[str, str]]:
    for line in items.rstrip("\n").split("\n"):
        item = _ITEM.fullmatch(line.rstrip())
        if item is None:
            raise Unreadable(f"no model: {shown(line)}")
        yield item[0], item["model"]


def _tuned(model: str) -> Offer:
    return Offer("cohere", model, "sft", "unknown")


def _day(text: str) -> date:
    """Read a day with or without its ordinal: `April 4th, 2026`, `March 08, 2025`."""
    return read_date(re.sub(r"(?<=\d)(?:st|nd|rd|th)(?=,)", "", text))


SOURCE: Final = Source(
    url="https://docs.cohere.com/docs/deprecations.md",
    description="Cohere's deprecations page: shutdown days, and the end of all fine-tuning",
    rank=Rank.SELLER,
    provider="cohere",
    cadence=timedelta(days=7),
    quote_count=(0, 0),
    # 15 on 2026-08-20: old announcements stay
    term_count=(15, 500),
    parse=parse,
)

"""A tracker of model retirements: the days on which base models and tuned ones are shut down.

It copies the sellers' deprecation pages (https://github.com/quora/model-deprecation-tracker, code
of 2026-08). Read are days that a seller announced, not the earliest that are possible, and none
that the tracker put together itself; nor the days since when models are deprecated.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from sources._contract import Evidence, Offer, Parsed, Rank, Source
from sources._parsing import Unreadable, json_documents, read_date, shown

_FIELDS: Final = frozenset({
    "provider", "model_name", "model_id", "deprecated_date", "shutdown_date", "replacement",
    "status",
})  # fmt: skip
# Whose days are announced ends, by the status that the tracker gives.
_ANNOUNCED: Final[Mapping[tuple[str, str], str]] = {
    ("OpenAI", "deprecated"): "openai",
    ("Anthropic", "deprecated"): "anthropic",
    ("Anthropic", "retired"): "anthropic",
    ("Gemini", "retired"): "google",
}
_NOT_ANNOUNCED: Final = frozenset({
    # "Not sooner than", says https://platform.claude.com/docs/en/about-claude/model-deprecations
    # (2026-08) of models that are not deprecated, and the tracker drops the words.
    ("Anthropic", "active"),
    ("Anthropic", "legacy"),
    # "The earliest possible dates on which a model might be retired", says
    # https://ai.google.dev/gemini-api/docs/deprecations (2026-09), and the tracker calls a model
    # deprecated until then: Gemini 2.5 Pro had 2026-10-16 in July and no day in August.
    ("Gemini", "deprecated"),
    ("Gemini", "active"),
})  # fmt: skip
_IGNORED_SELLERS: Final = frozenset({
    # The tracker loses the year and puts its own there (scraper/vertex_scraper.py): Claude 3 Opus
    # has 2026-08-01 in the file of 2026-08-22 and 2025-08-01 in later ones.
    "Vertex AI",
    # The days differ by region, and it keeps the first of them (scraper/bedrock_scraper.py).
    "Bedrock",
})  # fmt: skip

_ID: Final = re.compile(r"[a-z0-9][a-z0-9.]*(?:-[a-z0-9.]+)*")
_SNAPSHOT: Final = re.compile(r"^([^()]+) \(including ([^()]+), which point to this snapshot\)$")
_TRAINING: Final = re.compile(rf"New fine-tuning training on ({_ID.pattern})")
_NO_MODEL: Final = re.compile(r"/v1/[a-z-]+|[A-Z][a-z]+ API|OpenAI-Beta: [a-z]+=v[0-9]")


def parse(capture: bytes) -> Parsed:
    """Read the days of shutdown; an `ft-` before a name marks the models tuned from it.

    OpenAI has put off some ends. Its page begins with the newest announcement and the file keeps
    the order, so the first of two rows is believed; a first row with the earlier day is refused.
    """
    documents = json_documents(capture)
    if len(documents) != 1 or not isinstance(documents[0], list):
        raise Unreadable(f"{len(documents)} documents, not one list")
    parsed = Parsed([], [])
    believed: dict[Offer, str] = {}
    for number, row in enumerate(documents[0]):
        if not isinstance(row, dict) or row.keys() != _FIELDS:
            raise Unreadable(f"row {number} is no retirement: {shown(str(row))}")
        provider, name, printed = _provider(row), row["model_name"], row["shutdown_date"]
        if provider is None or not printed or _NO_MODEL.fullmatch(name):
            continue
        day = read_date(printed).isoformat()
        evidence = Evidence(f"[{number}]/shutdown_date", printed)
        if training := _TRAINING.fullmatch(name):
            tuned = Offer(provider, training[1], "unknown", "unknown")
            evidence = evidence._replace(remark="no new jobs from this day on")
            parsed.terms.append(tuned.term("last_training_on", day, evidence))
            continue
        for offer in _offers(provider, name):
            first = believed.setdefault(offer, day)
            if first < day or (first > day and provider != "openai"):
                raise Unreadable(f"two days of shutdown for {shown(offer.model)}: {first}, {day}")
            if first == day:
                parsed.terms.append(offer.term("shutdown_on", day, evidence))
                if row["status"] == "deprecated":
                    status = Evidence(f"[{number}]/status", row["status"])
                    parsed.terms.append(offer.term("is_deprecated", "yes", status))
    return parsed


def _provider(row: Mapping[str, str]) -> str | None:
    """Tell whose model a row is of; None where its day is not read."""
    said = (row["provider"], row["status"])
    if said in _NOT_ANNOUNCED or row["provider"] in _IGNORED_SELLERS:
        return None
    if said not in _ANNOUNCED:
        raise Unreadable(f"an unknown seller or status: {shown(str(said))}")
    return _ANNOUNCED[said]


def _offers(provider: str, name: str) -> Iterator[Offer]:
    """Part `gpt-4-0613 | gpt-4, gpt-4-completions` and `a (including b and c, ...)` into models."""
    names = _SNAPSHOT.sub(r"\1, \2", name)
    for model in re.split(r" \| |, | and ", names):
        if not _ID.fullmatch(model):
            raise Unreadable(f"no model's name: {shown(name)}")
        if model.startswith("ft-"):
            yield Offer(provider, model.removeprefix("ft-"), "unknown", "unknown")
        else:
            yield Offer(provider, model)


SOURCE: Final = Source(
    url="https://raw.githubusercontent.com/quora/model-deprecation-tracker/main/data/deprecations.json",
    description="A tracker of retirements: when base models, and tuned ones, are shut down",
    rank=Rank.THIRD_PARTY,
    cadence=timedelta(days=1),
    quote_count=(0, 0),
    # 320 on 2026-08-22; OpenAI's page keeps what it shut down since 2022
    term_count=(200, 5_000),
    parse=parse,
)

"""What people read of alerts: a message about many events, or a line about one.

The words are in `templates/LANGUAGE`: `message.j2` writes a message, `line.j2` a line, both of
what `parts.j2` has, and `words.toml` says how each name is called. A folder of the user's own can
have other messages and parts. Whatever a template prints is made harmless on its way out.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final, NamedTuple, get_args

import polars as pl
from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from pipeline.channels import Language
from pipeline.harmless import address, plain
from sources._contract import EVERY_MODEL
from sources._parsing import CANONICAL

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
# A rule fired, its state still holds, or it holds no more.
NOTICES: Final = ("fired", "again", "resolved")
BUILT_IN: Final = Path(__file__).with_name("templates")
# What a user can have otherwise.
FILES: Final = ("message.j2", "parts.j2")
MOST: Final = 40
# Of an event's id, what is enough to tell it from others.
_SHORT: Final = 8
# How many of those that are not written out are named, so that they leave room for the others.
_NAMED: Final = 500
LONGEST_BODY: Final = 15_000
LONGEST_TITLE: Final = 120
# What a reader should see first: what costs or stops a workload, then what fails to be watched.
_WEIGHTS: Final = (
    *("channel", "ends", "break_even", "cheapest", "changes"),
    *("failing", "review", "disagreements", "unconfirmed"),
)
# What tells an offer from others of its model, by the words that there are for it, if any.
_PARTS: Final[Mapping[str, str | None]] = {
    "tuning_method": "tuning_method",
    "adapter": "adapter",
    "service_tier": "service_tier",
    "region": None,
    "context_tier": None,
    "price_list": None,
}
_USUAL: Final = {None, "none", "standard", "unknown"}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

Row = Mapping[str, Any]


class Message(NamedTuple):
    """A text to send; `problem` says what is wrong with the user's templates, if anything is."""

    title: str
    body: str
    problem: str | None = None


def write(
    events: Iterable[Row],
    *,
    language: Language,
    templates: Path | None = None,
    meaning: pl.DataFrame | None = None,
) -> Message:
    """Write one message about events, at least one, as rows of `alerts.fired`.

    A row can have a `notice`, one of `NOTICES`, and its times as ISO 8601. `meaning` is what
    `alerts.meaning` gives for the events. At most `MOST` are written out, the weightiest first,
    and fewer where they are long; the rest is counted. Where a template of the user's is broken,
    the built-in ones write, and the message says so.
    """
    costs: dict[str, list[Row]] = {}
    for row in meaning.iter_rows(named=True) if meaning is not None else ():
        costs.setdefault(row["event_id"], []).append(row)
    told, folded = _folded(events)
    ordered = weighed(told)
    views = [
        {
            **_view(event, costs.get(event["event_id"], ())),
            "repeats": len(folded.get(event["event_id"], ())),
        }
        for event in ordered[:MOST]
    ]
    # whoever wants to know whether he has had an event finds its id
    rest = [
        name[:_SHORT]
        for names in ([event["event_id"] for event in ordered[MOST:]], *folded.values())
        for name in names
    ]
    count, problem = len(ordered), None
    try:
        written = _fitted(_template(language, templates, "message.j2"), views, rest, count)
    except Exception as error:  # noqa: BLE001 a template can do anything wrong, and no alert be lost
        problem = _explained(error)
        written = _fitted(_template(language, None, "message.j2"), views, rest, count)
        written += f"\n\n{plain(problem, 400)}"
    title, _, body = written.partition("\n")
    return Message(_cut(title), body.strip("\n"), problem)


def _folded(events: Iterable[Row]) -> tuple[list[Row], dict[str, list[str]]]:
    """Fold changes of one fact that a rule tells together into the last of them.

    Gives what is left, and the ids of what was folded by that of the event that stands for it.
    """
    facts: dict[tuple[str, ...], list[Row]] = {}
    for event in sorted(events, key=lambda event: str(event["fires_at"])):
        is_change = event["kind"] == "changes"
        fact = ("rule", "subject") if is_change else ("event_id",)
        key = (*(event[name] for name in fact), event.get("notice") or "fired")
        facts.setdefault(key, []).append(event)
    told = [same[-1] for same in facts.values()]
    return told, {
        same[-1]["event_id"]: [event["event_id"] for event in same[:-1]] for same in facts.values()
    }


def line(event: Row, language: Language) -> str:
    """Say one event in one line, in the built-in words."""
    said = _template(language, None, "line.j2").render(event=_view(event))
    return " ".join(said.split())


def headline(change: Row) -> str:
    """Say in English what a row of `price_changes` changed, from what to what."""
    parts: Any = _template("en", None, "parts.j2").module
    return str(parts.change(_harmless(_change(change))))


def mistakes(templates: Path) -> list[str]:
    """Find what is wrong with a folder of templates before it is needed."""
    if not templates.is_dir():
        return [f"{templates} is no folder; put the templates there, or mend RATECARD_TEMPLATES"]
    known = {f"{language}/{file}": language for language in LANGUAGES for file in FILES}
    found = []
    for file in sorted(templates.rglob("*.j2")):
        name = file.relative_to(templates).as_posix()
        if name not in known:
            found.append(f"{file}: no template is called so; there are {', '.join(known)}")
            continue
        try:
            _template(known[name], templates, file.name)
        except (TemplateSyntaxError, UnicodeDecodeError, OSError) as error:
            found.append(_explained(error, file))
    return found


def weighed(events: Iterable[Row]) -> list[Row]:
    """Put events in the order in which a reader should see them."""

    def weight(event: Row) -> tuple[int, int, float, str, str]:
        return (
            NOTICES.index(event.get("notice") or "fired"),
            _WEIGHTS.index(event["kind"]),
            -abs(event["change_pct"] or 0),
            event["new"] if event["kind"] == "ends" else str(event["fires_at"]),
            event["event_id"],
        )

    return sorted(events, key=weight)


@cache
def words(language: Language) -> dict[str, dict[str, str]]:
    """Give how names are called in a language, by what they name."""
    return tomllib.loads((BUILT_IN / language / "words.toml").read_text("utf-8"))


def _template(language: Language, templates: Path | None, file: str) -> Template:
    return _environment(language, templates).get_template(file)


@cache
def _environment(language: Language, templates: Path | None) -> SandboxedEnvironment:
    built_in = FileSystemLoader(BUILT_IN / language)
    theirs = [FileSystemLoader(templates / language)] if templates else []
    env = SandboxedEnvironment(
        loader=ChoiceLoader([*theirs, built_in, PrefixLoader({"built_in": built_in})]),
        # with it a macro gives what is written already, and `_shown` knows it
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
    )
    # what would let a template call a page's text harmless that is not
    for name in ("safe", "escape", "e", "forceescape", "tojson", "urlize", "xmlattr"):
        del env.filters[name]
    called = words(language)

    def word(group: str | None, name: str) -> str:
        """Say what a name is called, or the name itself where it has no other."""
        return called.get(group or "", {}).get(name, name)

    env.globals["word"] = word
    # what is cut can end otherwise, and is made harmless anew
    env.filters["cut"] = lambda said, longest: plain(str(said), longest)
    env.filters["number"] = _number
    env.filters["pct"] = _pct
    env.filters["capitalize_first"] = _capitalized
    return env


def _shown(value: object) -> Markup:
    """Let out what a template prints: what it wrote itself as it is, all else harmless."""
    # it is no HTML; the class only marks what is written already
    return value if isinstance(value, Markup) else Markup(plain(str(value)))  # noqa: S704


def _number(value: float) -> str:
    return f"{value:,.15g}"


def _pct(value: float) -> str:
    return f"{value:+,.15g}%"


def _capitalized(said: str) -> str:
    return said[:1].upper() + said[1:]


def _fitted(template: Template, views: Sequence[Row], rest: Sequence[str], count: int) -> str:
    """Write as many of so many events as fit, and name others; the template counts the rest."""
    shown = len(views)
    while True:
        written = template.render(
            first=views[0],
            count=count,
            shown=shown,
            groups=_groups(views[:shown]),
            others=[*(view["id"] for view in views[shown:]), *rest][:_NAMED],
        )
        written = re.sub(r"\n{3,}", "\n\n", written.strip())
        if not written:
            raise ValueError("message.j2 writes nothing")
        if len(written) <= LONGEST_BODY:
            return written
        if shown == 1:
            return written[:LONGEST_BODY].rpartition("\n")[0] or written[:LONGEST_BODY]
        shown = max(1, min(shown - 1, shown * LONGEST_BODY // len(written)))


def _groups(views: Sequence[Row]) -> list[dict[str, Any]]:
    by_seller: dict[str | None, list[Row]] = {}
    for view in views:
        by_seller.setdefault(view["provider"], []).append(view)
    return [{"name": name, "events": events} for name, events in by_seller.items()]


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"


def _explained(error: Exception, file: Path | None = None) -> str:
    """Say where in a template of the user's it went wrong, and how."""
    place = str(file or "a template")
    if isinstance(error, TemplateSyntaxError):
        place = f"{error.filename or error.name}, line {error.lineno}"
    else:
        for frame in extract_tb(error.__traceback__):
            if frame.filename.endswith(".j2"):
                place = f"{frame.filename}, line {frame.lineno}"
    # its message is but the name
    why = f"there is no template {error}" if isinstance(error, TemplateNotFound) else error
    return f"{place}: {why}; mend it there. The built-in templates are used instead."


def _view(event: Row, costs: Iterable[Row] = ()) -> dict[str, Any]:
    """Give what templates see of an event: harmless texts, and the times, numbers and parts."""
    details = event["details"]
    row = {**(json.loads(details) if isinstance(details, str) else details), **event}
    del row["details"]
    row |= {
        name: datetime.fromisoformat(row[name])
        for name in ("began_at", "fires_at", "last_seen_before_at", "last_look_at")
        if isinstance(row.get(name), str)
    }
    view = {
        **row,
        **_offer(row),
        "notice": row.get("notice") or "fired",
        "id": row["event_id"][:_SHORT],
        "capture": (row["capture_sha256"] or "")[:12],
        "printed": row["printed_text"],
        "is_ahead": row.get("is_ahead", False),
        "repeats": 0,
        "meaning": [_cost(cost) for cost in costs],
    }
    match row["kind"]:
        case "changes":
            said = {"old_value": row["old"], "new_value": row["new"]}
            view["change"] = _change({**row, **said, "valid_from": row["began_at"]})
        case "cheapest" | "break_even":
            said = {"provider": row.get("changed_provider"), "model": row["changed_model"]}
            absent = dict.fromkeys((*_PARTS, "cause", "remark", "valid_from"))
            view["change"] = _change({**row, **absent, **said, "change_pct": row["changed_pct"]})
        case "ends":
            view["ends_on"] = date.fromisoformat(row["new"])
        case "disagreements":
            view["old"], view["new"] = (_stated(row, row[age]) for age in ("old", "new"))
        case "unconfirmed" if row["first_model"] == EVERY_MODEL:
            view["first_model"] = None
        case "failing" | "review" | "channel":
            view["reason"] = (row["new"] or "").removeprefix(f"{row['source']}: ")
    if row["kind"] == "break_even":
        view["needed"], view["needed_before"] = (
            None if row[age] is None else int(row[age]) for age in ("new", "old")
        )
    page = address(row["url"])
    shown = _harmless(view)
    return {**shown, "page": Markup(page) if page else None}  # noqa: S704 as in _shown


def _harmless(value: Any) -> Any:  # noqa: ANN401 whatever an event has
    """Make every text in a value harmless, so that no template can join two into markup."""
    match value:
        case str():
            return plain(value)
        case dict():
            return {name: _harmless(part) for name, part in value.items()}
        case list():
            return [_harmless(part) for part in value]
        case _:
            return value


def _offer(row: Row) -> dict[str, Any]:
    """Give an offer's name in parts, and what of it is spoken of."""
    # a term or a price of what is tuned somehow is still one of a tuned model
    is_tuned = row.get("tuning_method") == "unknown" and (row.get("meter") or row.get("term"))
    parts = [
        {"group": group, "name": row[name]}
        for name, group in _PARTS.items()
        if row.get(name) not in _USUAL or (name == "tuning_method" and is_tuned)
    ]
    return {
        "provider": row["provider"],
        "model": row["model"],
        "is_every_model": row["model"] == EVERY_MODEL,
        "parts": parts,
        "group": "meter" if row.get("meter") else "term" if row.get("term") else "cause",
        "what": row.get("meter") or row.get("term"),
    }


def _cost(row: Row) -> dict[str, Any]:
    """Give what templates see of what an event means for a workload."""
    money = ("tuned_monthly", "prompting_monthly", "upfront")
    usd = {name: row[f"{name}_usd"] for name in money} | {
        f"{name}_before": row[f"{name}_before_usd"] for name in money
    }
    months = {"months": row["months_to_break_even"], "months_before": row["months_before"]}
    return {
        **_offer(row),
        **{name: None if said is None else f"{said:,.2f}" for name, said in usd.items()},
        **{name: None if said is None else f"{said:,.1f}" for name, said in months.items()},
        **{name: row[name] for name in ("workload", "verdict", "verdict_before")},
    }


def _change(row: Row) -> dict[str, Any]:
    """Give what templates see of a change, of a row with the columns of `price_changes`."""
    offer = _offer(row)
    old, new = (_value(row, age) for age in ("old", "new"))
    return {
        **offer,
        "what": offer["what"] or row["remark"] or row["cause"],
        "cause": row["cause"],
        "is_revoked": row["remark"] == "revoked",
        "old": old,
        "new": new,
        # "3 → 4 USD per 1M tokens" says it
        "is_alike": old["kind"] == new["kind"] == "price"
        and all(old[name] == new[name] for name in ("unit", "currency")),
        "change_pct": row["change_pct"],
        "began_at": row["valid_from"],
    }


def _value(row: Row, age: str) -> dict[str, Any]:
    """Give what was stated, as it was printed, or why there is no price."""
    availability, said = row[f"{age}_availability"], row[f"{age}_value"]
    if availability not in {None, "priced"}:
        return {"kind": "availability", "text": availability}
    if said is None:
        return {"kind": "nothing"}
    if row["meter"] is None:
        return _term(said)
    amount, _, unit = said.partition(" per ")
    currency = row["old_pricing_currency" if age == "old" else "pricing_currency"]
    return {"kind": "price", "amount": amount, "unit": unit, "currency": currency}


def _stated(row: Row, said: str) -> dict[str, Any]:
    """Give one side of a disagreement, which stands in words: `priced 3 USD`, `free`."""
    if row["meter"] is None:
        return _term(said)
    availability, _, price = said.partition(" ")
    if availability != "priced":
        return {"kind": "availability", "text": availability}
    amount, _, currency = price.partition(" ")
    return {
        "kind": "price",
        "amount": amount,
        "unit": CANONICAL[row["meter"]].name,
        "currency": currency,
    }


def _term(said: str) -> dict[str, Any]:
    if _DAY.fullmatch(said):
        return {"kind": "day", "day": date.fromisoformat(said)}
    return {"kind": "value", "text": said}

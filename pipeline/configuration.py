"""What this ratecard works with: its settings, its sources, and how wary its gate is.

The sources are those built in and those that the user described in `ratecard.toml`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from pipeline.alerts import KINDS, RESOLD, Alerts, misnamed
from pipeline.channels import Channel
from pipeline.settings import Settings, load_settings
from pipeline.workloads import (
    USUAL_CONSTRAINTS,
    Constraints,
    Counted,
    Workload,
    beside,
    counted,
    reference_workloads,
)
from sources._configured import (
    DescribedColumn,
    Description,
    Identifier,
    TableChoice,
    described_source,
    gaps,
)
from sources._contract import Rank, Source, SourceError, every_source
from sources._parsing import Meter
from sources._rates import RATES
from warehouse.gate import Limits
from warehouse.log import Refusal, Statement
from warehouse.store import SPEAKERS, Rules

_USUAL: Final = Limits()


class ConfigurationError(ValueError):
    """The configuration file holds mistakes; the message has all of them."""


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"{list(bounds)} is no range; write the least and the most, as [0.1, 900]")
    return bounds


Bounds = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_in_order)]


class GateLimits(BaseModel):
    """The table `[gate]`: how much may change before a person has to look."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lost_share: PositiveFloat = Field(
        default=_USUAL.lost_share,
        description="of the prices, or terms, that may be gone after 30 days",
    )
    lost_training_share: PositiveFloat = Field(
        default=_USUAL.lost_training_share,
        description="of the training prices that may be gone, however long nobody looked",
    )
    gained_share: PositiveFloat = Field(
        default=_USUAL.gained_share, description="of the training prices that may come in 30 days"
    )
    moved_share: PositiveFloat = Field(
        default=_USUAL.moved_share,
        description="of one column's prices that may move within 90 days",
    )
    jump: float = Field(
        default=_USUAL.jump, gt=1, description="the factor from which a single price is set aside"
    )
    few: int = Field(default=_USUAL.few, ge=2, description="how many prices are a pattern")
    many: int = Field(
        default=_USUAL.many,
        ge=1,
        description="of one seller's column that may move within 30 days, however many there are",
    )
    bounds: dict[Meter, Bounds] = Field(
        default_factory=dict,
        description="the least and the most that a meter's canonical unit can cost, in dollars",
    )

    def limits(self) -> Limits:
        """Give the gate's limits; a meter without bounds here keeps the usual ones."""
        shares = self.model_dump(exclude={"bounds"})
        return Limits(**shares, bounds={**_USUAL.bounds, **dict(self.bounds.items())})


def _all_once(order: tuple[str, ...]) -> tuple[str, ...]:
    if sorted(order) != sorted(SPEAKERS):
        raise ValueError(f"each of {', '.join(SPEAKERS)} belongs there once")
    return order


class Ranking(BaseModel):
    """The table `[ranking]`: who is believed where sources differ."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: Annotated[tuple[str, ...], AfterValidator(_all_once)] = Field(
        default=SPEAKERS, description="who is believed first to who is believed last"
    )


class Configuration(BaseModel):
    """The configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[Identifier, Description] = Field(
        default_factory=dict, description="sources without code, by name"
    )
    gate: Annotated[GateLimits, Field(description="how wary the gate is")] = GateLimits()
    ranking: Annotated[Ranking, Field(description="who is believed first")] = Ranking()
    workloads: dict[Identifier, Workload] = Field(
        default_factory=dict, description="jobs to compare offers by, by name"
    )
    constraints: dict[Identifier, Constraints] = Field(
        default_factory=dict, description="under which conditions offers compete, by name"
    )
    alerts: Annotated[Alerts, Field(description="what you want to be told of")] = Alerts()
    channels: dict[Identifier, Channel] = Field(
        default_factory=dict, description="where you want to be told of it, by name"
    )


@dataclass(frozen=True)
class Setup:
    """What the program works with, put together once.

    Settings, sources, the gate's limits, and what users ask about: workloads and constraints.
    """

    settings: Settings
    sources: Mapping[str, Source] = field(default_factory=every_source)
    limits: Limits = _USUAL
    workloads: Mapping[str, Workload] = field(default_factory=reference_workloads)
    constraints: Mapping[str, Constraints] = field(default_factory=lambda: USUAL_CONSTRAINTS)
    ranking: tuple[str, ...] = SPEAKERS
    alerts: Alerts = field(default_factory=Alerts)
    channels: Mapping[str, Channel] = field(default_factory=dict)

    @cached_property
    def counted(self) -> Counted:
        """Count the files that workloads name; `WorkloadError` where one cannot be read whole."""
        return counted(self.workloads)

    @property
    def rules(self) -> Rules:
        """Give the rules by which sources are believed beside each other."""
        return Rules(self.settings.trusted_days, self.settings.tolerance_pct, self.ranking)

    @property
    def asked(self) -> list[str]:
        """Name the sources that are looked at.

        A source that is read from saved captures alone is asked where a mirror can hold them.
        """
        has_mirror = self.settings.mirror is not None
        return [name for name, source in self.sources.items() if has_mirror or not source.unasked]

    def read(self, source: str, capture: bytes) -> Statement:
        """Read a capture with its source's parser; `Refusal` where it says nothing believable."""
        known = self.sources.get(source)
        if known is None:
            raise Refusal(f"{source}: no such source any more; its captures are kept unread")
        try:
            reading = known.read(capture)
        except SourceError as error:
            raise Refusal(str(error), known.parser_version) from error
        # what people transcribed, people have looked at
        limits = None if known.rank is Rank.TRANSCRIBED else self.limits
        return Statement(reading.quotes, reading.terms, known.parser_version, limits)


def built_in() -> dict[str, Source]:
    """Give the sources that come with ratecard, by name: of prices, and of exchange rates."""
    return {**every_source(), RATES.name: RATES}


def load_setup(data_dir: Path | None = None) -> Setup:
    """Read the settings and the configuration file, and put the sources together.

    Raises what `load_settings` raises, and `ConfigurationError`.
    """
    settings = load_settings(data_dir)
    file = settings.config
    # who names a file means that it is there
    is_there = file.exists() or "config" in settings.model_fields_set
    written = read_configuration(file) if is_there else Configuration()
    described = {
        name: described_source(name, said, file.parent) for name, said in written.sources.items()
    }
    everything = {**built_in(), **described}
    return Setup(
        settings,
        dict(sorted(everything.items())),
        written.gate.limits(),
        {**reference_workloads(), **beside(written.workloads, file.parent)},
        {**USUAL_CONSTRAINTS, **written.constraints},
        written.ranking.order,
        written.alerts,
        written.channels,
    )


def read_configuration(file: Path) -> Configuration:
    """Read the configuration file; `ConfigurationError` tells all its mistakes at once."""
    try:
        text = file.read_text(encoding="utf-8")
        written = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}; put it there, or mend RATECARD_CONFIG"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}; mend it there") from error
    mistakes = [*_misplaced(written)]
    try:
        configuration = Configuration.model_validate(written)
    except ValidationError as error:
        mistakes = [*_explained(error, written), *mistakes]
    if mistakes:
        count = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "a mistake"
        lines = "".join(f"\n  {mistake}{_line(mistake, text)}" for mistake in mistakes)
        raise ConfigurationError(f"{file} has {count}, and nothing was done:{lines}")
    return configuration


def _misplaced(written: Mapping[str, Any]) -> Iterator[str]:
    """Find what a value alone does not show: names that are taken, keys that need another."""
    sources = written.get("sources")
    for name, said in sources.items() if isinstance(sources, dict) else ():
        if name in built_in():
            yield f"sources.{name}: a built-in source has this name; take another"
        for key, problem in gaps(said) if isinstance(said, dict) else ():
            yield f"sources.{name}.{key}: {problem}"
    yield from misnamed(written.get("alerts"), _named(written))


def _named(written: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """Give the names that rules may use, by the key that uses them."""

    def tables(key: str) -> dict[str, Any]:
        return said if isinstance(said := written.get(key), dict) else {}

    described = [said for said in tables("sources").values() if isinstance(said, dict)]
    workloads = [*reference_workloads(), *tables("workloads")]
    names = {
        "sources": [*every_source(), *tables("sources")],
        "workload": workloads,
        "question": [
            "training",
            "paid_training",
            "tuned_inference",
            *(f"workload:{name}" for name in workloads),
        ],
        "constraints": [*USUAL_CONSTRAINTS, *tables("constraints")],
        "channels": [*tables("channels")],
    }
    # a source whose table names the sellers may speak of anybody
    if all("provider" in said for said in described):
        speakers = [source.provider for source in every_source().values()]
        names["providers"] = sorted(
            {name for name in speakers if name}
            | {*RESOLD}
            | {said["provider"] for said in described}
        )
    return names


def _line(mistake: str, text: str) -> str:
    """Name the line that a mistake is in: its key's, or that of its table's header."""
    steps = mistake.partition(": ")[0].split(".")
    for depth in range(len(steps), 0, -1):
        path = r"\s*\.\s*".join(f'"?{re.escape(step)}"?' for step in steps[:depth])
        header = re.compile(rf"\[+\s*{path}\s*[.\]]")
        key = re.compile(rf"\s*{re.escape(steps[depth])}\s*=") if depth < len(steps) else None
        found = None
        for number, line in enumerate(text.splitlines(), 1):
            if header.match(line.strip()):
                found = number
            elif found and line.lstrip().startswith("["):
                break
            elif found and key and key.match(line):
                found = number
                break
        if found:
            return f" (line {found})"
    return ""


def _explained(error: ValidationError, written: Mapping[str, Any]) -> Iterator[str]:
    """Say where each mistake is, what it is, and what to do about it."""
    for found in error.errors(include_url=False, include_context=False):
        loc, place = found["loc"], _place(found["loc"], written)
        keys, key = _keys_at(loc)
        match found["type"]:
            case "extra_forbidden":
                near = get_close_matches(key, keys, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(keys)}"
                yield f"{place}: no such key; {hint}"
            case "missing":
                yield f"{place}: is missing; add {keys[key]}"
            case "value_error":
                # a table says of each of its keys what is wrong with it
                is_table = loc[-2:-1] in {("columns",), ("sources",), ("workloads",), ("channels",)}
                joint = "." if is_table or (loc[0] == "alerts" and len(loc) == _RULE) else ": "
                for line in found["msg"].removeprefix("Value error, ").split("\n"):
                    yield f"{place}{joint}{line}"
            case _:
                yield f"{place}: {found['msg']}; write {keys.get(key, 'it otherwise')}"


_Loc = tuple[int | str, ...]
# Tables that have tables of the user's own names in them, all with the same keys.
_NAMED: Final[Mapping[str, type[BaseModel]]] = {
    "workloads": Workload,
    "constraints": Constraints,
    "channels": Channel,
}
# `alerts`, the kind, the name
_RULE: Final = 3


def _keys_at(loc: _Loc) -> tuple[Mapping[str, str], str]:
    """Give the keys that there are where a mistake is, each with what it says, and the one met."""
    model: type[BaseModel]
    match loc:
        case ("sources", _, "columns", int(), *rest):
            model = DescribedColumn
        case ("sources", _, "table", *rest) if rest:
            model = TableChoice
        case ("sources", _, *rest):
            model = Description
        case ("gate", *rest):
            model = GateLimits
        case (str() as kind, _, *rest) if kind in _NAMED:
            model = _NAMED[kind]
        case ("ranking", *rest):
            model = Ranking
        case ("alerts", kind, _, *rest) if kind in KINDS:
            model = KINDS[str(kind)]
        case ("alerts", *rest):
            model = Alerts
        case _:
            model, rest = Configuration, [*loc]
    keys = {name: described.description or "" for name, described in model.model_fields.items()}
    return keys, str(rest[0]) if rest else ""


def _place(loc: _Loc, written: Mapping[str, Any]) -> str:
    """Write the key as in the file; a column is named by its header where it has one."""
    names = []
    place: Any = written
    for step in loc:
        if step == "[key]":  # pydantic's word for the name of a table, not its content
            continue
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            place = None
        headers = place.get("headers") if isinstance(place, dict) else None
        if isinstance(step, int) and headers:
            names.append(f'"{headers[0] if isinstance(headers, list) else headers}"')
        else:
            names.append(str(step + 1 if isinstance(step, int) else step))
    return ".".join(names)

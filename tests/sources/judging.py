"""What becomes of a mutated page: do reader and gate let a wrong number be believed?"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

import polars as pl

from sources._contract import Reading, Source, SourceError
from tests.sources.mutations import Mutation
from warehouse.gate import FACT, Doubt, Limits, doubts
from warehouse.log import Statement, _told_at, _told_ever

# What is stated of a fact: its state, its price and currency, or a term's value.
Said = tuple[str | None, Decimal | None, str | None, str | None]
Facts = dict[tuple[object, ...], Said]
Gate = Callable[[pl.DataFrame, pl.DataFrame, float, Limits, pl.DataFrame | None], list[Doubt]]
# A page that no longer says a price, or none that can be read, says no wrong one.
_UNSAID: Final = {"not_published", "unreadable"}
_REGION: Final = FACT.index("region")


class Verdict(StrEnum):
    """What became of a mutated page."""

    EXACT = "read exactly"
    PRINTED = "as printed"
    ASIDE = "set aside"
    HELD = "held"
    REFUSED = "refused"
    WRONG = "WRONG"


class Judgement(NamedTuple):
    """A verdict, and where it is wrong, what was believed; where refused or held, why."""

    verdict: Verdict
    reason: str = ""


class Judge:
    """Judges mutations of one capture by what was believed of it unmutated, a day before.

    What the gate says of the capture itself, a person has accepted.
    """

    def __init__(self, source: Source, capture: bytes, at: datetime, gate: Gate = doubts) -> None:
        self.source = source
        self._at = at
        self._gate = gate
        self._limits = Limits()
        reading = source.read(capture)
        self._facts = stated(reading)
        self._before = self._told(reading)
        self._times: dict[tuple[object, ...], list[tuple[datetime, Said]]] = {}
        for fact, said in sorted(self._facts.items(), key=_since):
            self._times.setdefault(fact[:-1], []).append((_since((fact, said)), said))
        own = self._doubts(reading)
        self._accepted = {doubt.fingerprint for doubt in own}

    def matters(self, capture: bytes) -> bool:
        """Tell whether a changed capture says something else, or nothing."""
        try:
            return stated(self.source.read(capture)) != self._facts
        except SourceError:
            return True

    def verdict(self, mutation: Mutation) -> Judgement:
        """Read a mutated capture and tell what would be believed of it."""
        try:
            reading = self.source.read(mutation.capture)
        except SourceError as error:
            return Judgement(Verdict.REFUSED, error.problem)
        facts = stated(reading)
        if facts == self._facts:
            return Judgement(Verdict.EXACT)
        found = self._doubts(reading)
        standing = [doubt for doubt in found if doubt.fingerprint not in self._accepted]
        if held := [doubt for doubt in standing if doubt.severity == "hold"]:
            return Judgement(Verdict.HELD, held[0].reason)
        aside = {doubt.fact for doubt in standing if doubt.severity == "set_aside"}
        # what is said of each time, and of now, whatever a source said of it before
        facts |= {(*f[:-1], None): s for f, s in sorted(facts.items(), key=_since) if f[-1]}
        changed = {fact: said for fact, said in facts.items() if self._is_changed(fact, said)}
        believed = {f: said for f, said in changed.items() if f[: len(FACT)] not in aside}
        models = {fact[:2] for fact in believed}
        for fact, said in believed.items():
            is_spliced = mutation.family == "splice" and len(models) == 1
            if not is_spliced and not self._is_printed(fact, said, mutation):
                was = self._in_force(fact)
                return Judgement(Verdict.WRONG, f"{_words(fact)}: {_words(said)}, not {was}")
        if believed:
            return Judgement(Verdict.PRINTED)
        return Judgement(Verdict.ASIDE if changed else Verdict.EXACT)

    def _told(self, reading: Reading) -> pl.DataFrame:
        return _told_at(Statement(reading.quotes, reading.terms, 0), self._at)

    def _doubts(self, reading: Reading) -> list[Doubt]:
        ever = _told_ever(Statement(reading.quotes, reading.terms, 0))
        return self._gate(self._before, self._told(reading), 1, self._limits, ever)

    def _is_changed(self, fact: tuple[object, ...], said: Said) -> bool:
        if said[0] in _UNSAID or said == self._in_force(fact):
            return False
        region, _, place = str(fact[_REGION]).partition(" (")
        # a place at the price of most places is none of its own: `global (swedencentral)`
        usual = (*fact[:_REGION], region, *fact[_REGION + 1 :])
        return not (place and self._in_force(fact) is None and said == self._in_force(usual))

    def _in_force(self, fact: tuple[object, ...]) -> Said | None:
        """Give what was stated of a fact, as it was at the time since when it is said to hold."""
        times = self._times.get(fact[:-1], [])
        since = fact[-1] if isinstance(fact[-1], datetime) else datetime.max  # noqa: DTZ901 now
        return next((said for from_, said in reversed(times) if from_ <= since), None)

    def _is_printed(self, fact: tuple[object, ...], said: Said, mutation: Mutation) -> bool:
        """Tell whether a number is one that the mutation printed in the place of another."""
        price, value = said[1], said[3]
        before = self._in_force(fact)
        if price is None:
            old_and_new = (str(before and before[3]), str(value))
            return old_and_new in {(str(old), str(new)) for old, new in mutation.numbers}
        # one place's price is that of all where as many pay it, and a lower one than the rest
        were = [
            was[1]
            for was in (before, *self._of_places(fact))
            if was and was[1] is not None and was[2] == said[2]
        ]
        for old, new in mutation.numbers:
            if before is None or before[1] is None:
                # where one region differs now, the others become offers of their own
                if _same_digits(price, new) or _same_digits(price, old):
                    return True
            elif any(_digits(price * old) == _digits(was * new) for was in were):
                return True
        return False

    def _of_places(self, fact: tuple[object, ...]) -> list[Said | None]:
        """Give what was stated of a fact in each place that had a price of its own."""
        whole = f"{fact[_REGION]} ("
        return [
            self._in_force(own)
            for key in self._times
            if str(key[_REGION]).startswith(whole)
            and (own := (*key, fact[-1]))[:_REGION] == fact[:_REGION]
            and own[_REGION + 1 :] == fact[_REGION + 1 :]
        ]


def stated(reading: Reading) -> Facts:
    """Lay out what a reading states, by fact and by the time since when it holds."""
    facts: Facts = {}
    for frame in (reading.quotes, reading.terms):
        columns = {
            name: pl.col(name) if name in frame.columns else pl.lit(None).alias(name)
            for name in (*FACT, "availability", "unit_price", "pricing_currency", "value")
        }
        rows = frame.select(*(columns[name] for name in FACT), "valid_from").rows()
        said = frame.select(*(columns[name] for name in list(columns)[len(FACT) :])).rows()
        facts |= dict(zip(rows, said, strict=True))
    return facts


def _since(item: tuple[tuple[object, ...], Said]) -> datetime:
    since = item[0][-1]
    return since if isinstance(since, datetime) else datetime.min  # noqa: DTZ901 before any


def _digits(number: Decimal) -> Decimal:
    """Round a number to twelve digits, so that a float's noise makes no difference."""
    return Decimal(f"{number:.11e}").normalize()


def _same_digits(one: Decimal, other: Decimal) -> bool:
    return _digits(one).as_tuple().digits == _digits(other).as_tuple().digits


def _words(values: tuple[object, ...]) -> str:
    return " ".join(str(value) for value in values if value is not None)

"""The gate: what makes a capture doubtful, before anybody believes it.

A capture is compared with what was believed just before it. A doubt holds the whole capture,
sets a single row aside, or only flags a value that is stored as printed. The rules and their
limits are described for users in docs/gate.md.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

import polars as pl

Severity = Literal["hold", "set_aside", "flag"]

OFFER: Final = (
    "provider",
    "model",
    "tuning_method",
    "adapter",
    "service_tier",
    "region",
    "context_tier",
)
FACT: Final = (*OFFER, "meter", "price_list", "term")
SAYS: Final = (
    "availability",
    "list_unit_price",
    "pricing_unit",
    "pricing_currency",
    "unit_price",
    "value",
)
_TYPES: Final[dict[str, pl.DataType]] = {
    "list_unit_price": pl.Decimal(38, 18),
    "unit_price": pl.Decimal(38, 18),
}
# Roughly what one dollar is in a currency: a bound is an order of magnitude, no rate.
_PER_DOLLAR: Final = {"USD": 1, "EUR": 1, "GBP": 1, "CNY": 8, "JPY": 160}
_LONGEST_REASON: Final = 500


@dataclass(frozen=True)
class Limits:
    """How much may change between two captures before a person has to look.

    Shares are of what was there before. `lost_share` and `gained_share` are per 30 days between
    the captures, `moved_share` per 90, and whole for any shorter time: what is normal grows with
    the time that nobody looked; but never beyond `lost_training_share` of the training prices. A
    price that moves by the factor `jump` is set aside. Fewer than `few` are no pattern, and of one
    seller's column no more than `many` move in 30 days, however many there are. `bounds`
    are the least and the most that a meter's canonical unit can cost, in dollars: the cheapest
    and the dearest that anybody sold by 2026-11, with a wide margin.
    """

    lost_share: float = 0.2
    lost_training_share: float = 0.4
    gained_share: float = 1.0
    moved_share: float = 0.5
    jump: float = 100
    few: int = 3
    many: int = 10
    bounds: dict[str, tuple[float, float]] = field(
        default_factory=lambda: {
            "training_tokens": (0.001, 2_000),
            "input_tokens": (0.0001, 2_000),
            "cached_input_tokens": (0.0001, 2_000),
            "output_tokens": (0.0001, 2_000),
            "training_hours": (0.05, 2_000),
            "hosting_hours": (0.005, 2_000),
            "storage_months": (0.01, 10_000),
            "job_minimum": (0.05, 10_000),
        }
    )


class Doubt(NamedTuple):
    """One reason to doubt a capture.

    `severity` is what it does: `hold` keeps the whole capture from being believed, `set_aside`
    one fact, `flag` nothing. `fact` names the fact it is about, by the columns of `FACT`, all
    null where it is about the capture, and `other` another model that it is about, too: the
    former name of a renamed one. `fingerprint` stays the same as long as the rule is
    broken by the same values: a person's decision holds for it, and for nothing else.
    """

    rule: str
    severity: Severity
    fact: tuple[str | None, ...]
    reason: str
    fingerprint: str
    other: str | None = None


NO_FACT: Final[tuple[str | None, ...]] = (None,) * len(FACT)


def told(quotes: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """Lay quotes and terms out as one frame of facts: the columns of `FACT` and of `SAYS`."""
    columns = [*FACT, *SAYS]
    frames = [
        frame.select(
            pl.col(name)
            if name in frame.columns
            else pl.lit(None, _TYPES.get(name, pl.String())).alias(name)
            for name in columns
        )
        for frame in (quotes, terms)
    ]
    return pl.concat(frames)


def doubts(
    before: pl.DataFrame,
    now: pl.DataFrame,
    days: float,
    limits: Limits | None = None,
    ever: pl.DataFrame | None = None,
) -> list[Doubt]:
    """Give every reason to doubt that what is said now is so.

    `before` is what was believed, as `told` lays it out, empty where nothing was; `days` lie
    between the two. `ever` is all that a source says which dates its prices, of any time, with
    `valid_from`.
    """
    limits = limits or Limits()
    found = [*_impossible(now, limits), *_odd(now, limits)]
    if ever is not None:
        found += _far_steps(ever, limits)
    if before.height:
        pairs = _paired(before, now)
        # a large source's takes as much room again
        del before
        renamed = _renamed(pairs)
        found += [
            *_renames(renamed),
            *_rows_lost_or_gained(pairs, renamed, days, limits),
            *_column_gone(pairs, limits),
            *_moved(pairs, days, limits),
            *_cached_risen(pairs),
            *_changed_places(pairs, limits),
            *_far_from_its_like(pairs, limits),
            *_terms_moved(pairs, days, limits),
        ]
    # a page's columns and a seller's may be the same
    once: dict[str, Doubt] = {}
    for doubt in found:
        once.setdefault(doubt.fingerprint, doubt)
    return [*once.values()]


def _doubt(
    rule: str,
    severity: Severity,
    reason: str,
    about: object,
    fact: tuple[str | None, ...] = NO_FACT,
) -> Doubt:
    fingerprint = hashlib.md5(  # noqa: S324 names a doubt, guards nothing
        repr((rule, fact, about)).encode()
    ).hexdigest()
    return Doubt(rule, severity, fact, reason[:_LONGEST_REASON], fingerprint)


def _offer_words() -> pl.Expr:
    """Name a fact in words, for a reason."""
    return pl.concat_str(
        [pl.col(name) for name in (*OFFER, "price_list", "meter", "term")],
        separator=" ",
        ignore_nulls=True,
    ).alias("words")


def _values(*columns: str) -> pl.Expr:
    """Name facts with their values, in one order, for a fingerprint."""
    said = pl.col("words", *columns).cast(pl.String).fill_null("-")
    return pl.concat_str(said, separator=" ").sort()


def _listed(rows: pl.DataFrame, *columns: str) -> list[str]:
    return rows.select(_values(*columns)).to_series().to_list()


_PRICED: Final = pl.col("availability") == "priced"


def _impossible(now: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Doubt prices that nobody can ask; many of them are a misread page."""
    meters, least, most = zip(*((m, *b) for m, b in limits.bounds.items()), strict=True)
    money = pl.col("unit_price").cast(pl.Float64)
    rate = pl.col("pricing_currency").replace_strict(
        list(_PER_DOLLAR), list(_PER_DOLLAR.values()), default=1, return_dtype=pl.Float64
    )
    price = money / rate
    priced = now.filter(_PRICED)
    beyond = priced.filter(
        (price < pl.col("meter").replace_strict(meters, least, return_dtype=pl.Float64))
        | (price > pl.col("meter").replace_strict(meters, most, return_dtype=pl.Float64))
    ).with_columns(_offer_words())
    for row in beyond.iter_rows(named=True):
        amount = f"{row['unit_price'].normalize():f} {row['pricing_currency']}"
        reason = f"{row['words']}: {amount} is no price of this meter"
        yield _doubt("out_of_bounds", "set_aside", reason, amount, _fact(row))
    if beyond.height >= limits.few and beyond.height * 10 > priced.height:
        reason = f"{beyond.height} of {priced.height} prices are beyond what anybody asks"
        about = _listed(beyond, "unit_price", "pricing_currency")
        yield _doubt("out_of_bounds", "hold", reason, about)


def _odd(now: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Flag prices that are odd beside each other: sellers do print such, so they are kept."""
    price = now.filter(_PRICED & pl.col("pricing_currency").is_not_null())
    rest = [name for name in FACT if name != "meter"]
    both = price.filter(pl.col("meter") == "cached_input_tokens").join(
        price.filter(pl.col("meter") == "input_tokens").select(*rest, "unit_price"),
        on=rest,
        nulls_equal=True,
        suffix="_whole",
    )
    dearer = both.filter(pl.col("unit_price") > pl.col("unit_price_whole"))
    yield from _flags("cached_dearer", dearer, "unit_price_whole", "cached, against uncached")
    if dearer.height >= limits.few and dearer.height * 2 > both.height:
        reason = f"{dearer.height} of {both.height} cached prices are above the uncached ones"
        about = _listed(dearer.with_columns(_offer_words()), "unit_price", "unit_price_whole")
        yield _doubt("cached_dearer", "hold", reason, about)
    rest = [name for name in FACT if name != "service_tier"]
    halves = price.filter(
        (pl.col("service_tier") == "batch")
        & pl.col("meter").is_in(["input_tokens", "cached_input_tokens", "output_tokens"])
    ).join(
        price.filter(pl.col("service_tier") == "standard").select(*rest, "unit_price"),
        on=rest,
        nulls_equal=True,
        suffix="_whole",
    )
    uneven = halves.filter(pl.col("unit_price") * 2 != pl.col("unit_price_whole"))
    yield from _flags("batch_not_half", uneven, "unit_price_whole", "by batch, against standard")


def _cached_risen(pairs: pl.DataFrame) -> Iterator[Doubt]:
    """Doubt a cached price that rose above the uncached one, which it was not above before."""
    rest = [name for name in FACT if name != "meter"]
    both = pairs.filter(
        _PRICED
        & (pl.col("old_availability") == "priced")
        & (pl.col("pricing_currency") == pl.col("old_pricing_currency"))
    ).with_columns(_offer_words())
    risen = (
        both.filter(pl.col("meter") == "cached_input_tokens")
        .join(
            both.filter(pl.col("meter") == "input_tokens"),
            on=[*rest, "pricing_currency"],
            nulls_equal=True,
            suffix="_whole",
        )
        .filter(
            (pl.col("unit_price") > pl.col("unit_price_whole"))
            & (pl.col("unit_price") > pl.col("old_unit_price"))
            & (pl.col("old_unit_price") <= pl.col("old_unit_price_whole"))
        )
        .sort("words")
    )
    for row in risen.iter_rows(named=True):
        old, new, whole = (
            f"{row[name].normalize():f}"
            for name in ("old_unit_price", "unit_price", "unit_price_whole")
        )
        reason = f"{row['words']}: from {old} to {new}, above {whole} uncached"
        yield _doubt("cached_dearer", "set_aside", reason, (old, new, whole), _fact(row))


def _flags(rule: str, rows: pl.DataFrame, other: str, words: str) -> Iterator[Doubt]:
    for row in rows.with_columns(_offer_words()).iter_rows(named=True):
        amounts = f"{row['unit_price'].normalize():f} {words} {row[other].normalize():f}"
        yield _doubt(rule, "flag", f"{row['words']}: {amounts}", amounts, _fact(row))


def _fact(row: dict[str, str | None]) -> tuple[str | None, ...]:
    return tuple(row[name] for name in FACT)


def _paired(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Lay what was and what is side by side; `was_there` and `is_there` tell lost and gained."""
    return (
        before.rename({name: f"old_{name}" for name in SAYS})
        .with_columns(was_there=True)
        .join(
            now.with_columns(is_there=True),
            on=list(FACT),
            how="full",
            coalesce=True,
            nulls_equal=True,
        )
        .with_columns(pl.col("was_there", "is_there").fill_null(value=False))
    )


_LIKE: Final = 0.6


def _renamed(pairs: pl.DataFrame) -> pl.DataFrame:
    """Find models that went while another of the same seller came with all the same prices.

    The names must be alike, too, and have the same digits: a successor often costs what its
    predecessor did. Gives `provider, old, new`.
    """
    rest = [name for name in FACT if name not in {"provider", "model"}]

    def whole_models(there: str, not_there: str, prefix: str) -> pl.DataFrame:
        said = ("availability", "unit_price", "pricing_currency", "value")
        prices = [f"{prefix}{name}" for name in said]
        return (
            pairs.filter((pl.col(there) & ~pl.col(not_there)).all().over("provider", "model"))
            .sort("provider", "model", *rest, nulls_last=True)
            .group_by("provider", "model", maintain_order=True)
            .agg(
                all_that=pl.concat_str(
                    pl.col([*rest, *prices]).cast(pl.String).fill_null("-"), separator="|"
                ).str.join("\n"),
                is_sold=(pl.col(prices[0]) == "priced").any(),
            )
            .filter(pl.col("is_sold"))
        )

    went = whole_models("was_there", "is_there", "old_")
    came = whole_models("is_there", "was_there", "")
    likely = went.join(came, on=["provider", "all_that"], suffix="_now")
    alike = [
        (provider, old, new)
        for provider, old, new in likely.select("provider", "model", "model_now").iter_rows()
        if re.sub(r"\D", "", old) == re.sub(r"\D", "", new)
        and SequenceMatcher(None, old.lower(), new.lower()).ratio() >= _LIKE
    ]
    names = dict.fromkeys(("provider", "old", "new"), pl.String)
    found = pl.DataFrame(alike, schema=names, orient="row")
    return found.filter(
        ~pl.struct("provider", "old").is_duplicated(), ~pl.struct("provider", "new").is_duplicated()
    ).sort("provider", "old")


def _renames(renamed: pl.DataFrame) -> Iterator[Doubt]:
    for provider, old, new in renamed.iter_rows():
        reason = f"{provider} {old} is called {new} now, at the same prices"
        fact = (provider, new, *(None,) * (len(FACT) - 2))
        yield _doubt("renamed", "flag", reason, old, fact)._replace(other=old)


def _rows_lost_or_gained(
    pairs: pl.DataFrame, renamed: pl.DataFrame, days: float, limits: Limits
) -> Iterator[Doubt]:
    """Doubt a capture that states much less than the one before it, or much more training.

    Only what is sold counts, and terms: a page may drop a dash. More inference prices are how
    catalogues grow; a table of training prices that doubles was read from more of the page.
    """
    months = max(1.0, days / 30)
    is_training = pl.col("meter").is_in(["training_tokens", "training_hours"])
    sold = ["priced", "free"]
    counted = pairs.with_columns(
        _offer_words(),
        what=pl.when(pl.col("term").is_not_null())
        .then(pl.lit("terms"))
        .when(is_training)
        .then(pl.lit("training prices"))
        .otherwise(pl.lit("prices")),
        was=pl.col("term").is_not_null() | pl.col("old_availability").is_in(sold),
    )
    for (what,), rows in counted.filter("was_there", "was").group_by("what"):
        lost = rows.filter(~pl.col("is_there")).join(
            renamed, left_on=["provider", "model"], right_on=["provider", "old"], how="anti"
        )
        share = limits.lost_share * months
        if what == "training prices":
            share = min(share, limits.lost_training_share)
        if lost.height >= limits.few - 1 and lost.height > share * rows.height:
            reason = f"{lost.height} of {rows.height} {what} are no longer there: {_some(lost)}"
            yield _doubt("rows_lost", "hold", reason, sorted(lost["words"].to_list()))
    training = counted.filter(pl.col("what") == "training prices")
    had = training.filter("was_there").height
    gained = training.filter(~pl.col("was_there") & pl.col("availability").is_in(sold)).join(
        renamed, left_on=["provider", "model"], right_on=["provider", "new"], how="anti"
    )
    if had and gained.height >= limits.few and gained.height > limits.gained_share * had:
        severity: Severity = (
            "hold" if gained.height > limits.gained_share * months * had else "flag"
        )
        reason = f"{gained.height} training prices beside {had} that were there: {_some(gained)}"
        yield _doubt("rows_gained", severity, reason, _listed(gained, "unit_price"))


def _some(rows: pl.DataFrame) -> str:
    words = sorted(rows["words"].to_list())
    return ", ".join(words[:3]) + (", ..." if len(words) > 3 else "")  # noqa: PLR2004 as many as help


def _column_gone(pairs: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Doubt a capture in which a meter lost its prices for all models that are still there.

    And one in which it costs nothing any more for most of them. The prices of longer prompts
    are a column of all sellers: one of them may well give its own up.
    """
    by = ["tuning_method", "adapter", "service_tier", "price_list", "meter"]
    sold = (
        pairs.with_columns(_offer_words())
        .filter(
            pl.col("meter").is_not_null()
            & pl.col("old_availability").is_in(["priced", "free"])
            # the model itself is still there
            & pl.col("is_there").any().over("provider", "model")
        )
        .with_columns(
            still=pl.col("is_there")
            & pl.col("availability").is_in(["priced", "free", "not_offered"]),
            freed=(pl.col("old_availability") == "priced") & (pl.col("availability") == "free"),
        )
    )
    longer = sold.filter(pl.col("context_tier").is_not_null())
    for names, rows in ((["provider", *by], sold), ([*by, "context_tier"], longer)):
        columns = (
            rows.group_by(names)
            .agg(
                had=pl.len(),
                has=pl.col("still").sum(),
                all=_values(),
                freed=pl.col("words").filter("freed").sort(),
            )
            .sort(names)
        )
        for row in columns.iter_rows(named=True):
            had, freed = row["had"], row["freed"]
            what = f"of {_column(row, names)} are"
            if not row["has"] and had >= limits.few - 1:
                reason = f"all {had} prices {what} gone, their models are not"
                yield _doubt("column_gone", "hold", reason, row["all"])
            if len(freed) >= limits.few and len(freed) * 2 > had:
                reason = f"{len(freed)} of {had} prices {what} free at once"
                yield _doubt("column_free", "hold", reason, freed)


_FACTOR: Final = (
    pl.col("unit_price").cast(pl.Float64) / pl.col("old_unit_price").cast(pl.Float64)
).round_sig_figs(4)


def _column(row: dict[str, object], by: list[str]) -> str:
    return " ".join(str(row[name]) for name in by if row[name] is not None)


def _moved(pairs: pl.DataFrame, days: float, limits: Limits) -> Iterator[Doubt]:
    """Doubt prices that moved all at once, by one factor, far, or with their unit."""
    comparable = pairs.filter(
        (pl.col("old_availability") == "priced") & _PRICED & pl.col("is_there")
    ).with_columns(
        _offer_words(),
        other_currency=pl.col("pricing_currency") != pl.col("old_pricing_currency"),
    )
    changed = comparable.filter("other_currency")
    if changed.height * 2 > comparable.height:
        reason = f"{changed.height} of {comparable.height} prices are in another currency"
        about = _listed(changed, "old_pricing_currency", "pricing_currency")
        yield _doubt("currency_changed", "hold", reason, about)
    else:
        for row in changed.iter_rows(named=True):
            reason = (
                f"{row['words']}: in {row['pricing_currency']}, "
                f"before in {row['old_pricing_currency']}"
            )
            yield _doubt("currency_changed", "set_aside", reason, reason, _fact(row))
    same = comparable.filter(~pl.col("other_currency"))
    yield from _other_units(same)
    moved = same.filter(pl.col("unit_price") != pl.col("old_unit_price")).with_columns(
        factor=_FACTOR
    )
    if moved.is_empty():
        return
    yield from _by_one_factor(same, moved, limits)
    yield from _whole_columns(same, moved, days, limits)
    yield from _exchanged_by_models(moved)
    yield from _jumps(moved, limits)


def _far_steps(ever: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Doubt a price that jumped at one of the days that its source itself states."""
    steps = (
        ever.filter(_PRICED)
        .sort("valid_from", nulls_last=False)
        .with_columns(
            _offer_words(),
            pl.col("unit_price", "pricing_currency").shift().over(FACT).name.prefix("old_"),
        )
        .filter(pl.col("pricing_currency") == pl.col("old_pricing_currency"))
        .with_columns(factor=_FACTOR)
    )
    yield from _jumps(steps, limits)


def _jumps(moved: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    far = moved.filter((pl.col("factor") >= limits.jump) | (pl.col("factor") <= 1 / limits.jump))
    for row in far.iter_rows(named=True):
        old, new = row["old_unit_price"].normalize(), row["unit_price"].normalize()
        reason = f"{row['words']}: from {old:f} to {new:f}, times {row['factor']:g}"
        yield _doubt("jump", "set_aside", reason, (str(old), str(new)), _fact(row))


def _by_one_factor(same: pl.DataFrame, moved: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    factor, count = moved.group_by("factor").len().sort("len", "factor", descending=True).row(0)
    # a page of few prices moves whole when one moves; by ten or more it is still a unit
    is_unit = factor >= 10 or factor <= 0.1  # noqa: PLR2004 stated above
    least = 1 if is_unit else limits.few
    if count >= least and count * 2 > same.height:
        reason = f"{count} of {same.height} prices moved by one factor, {factor:g}"
        about = _listed(moved, "old_unit_price", "unit_price")
        yield _doubt("one_factor", "hold", reason, about)


def _whole_columns(
    same: pl.DataFrame, moved: pl.DataFrame, days: float, limits: Limits
) -> Iterator[Doubt]:
    """Doubt columns in which most moved, or many of one seller.

    The prices of longer prompts may be a column, too.
    """
    by = ["tuning_method", "adapter", "service_tier", "price_list", "meter"]
    share = limits.moved_share * max(1.0, days / 90)
    longer = pl.col("context_tier").is_not_null()
    for names, rows, those in (
        (by, same, moved),
        (["provider", *by], same, moved),
        ([*by, "context_tier"], same.filter(longer), moved.filter(longer)),
        (["provider", *by, "context_tier"], same.filter(longer), moved.filter(longer)),
    ):
        many = limits.many * max(1.0, days / 30) if "provider" in names else float("inf")
        values = _values("old_unit_price", "unit_price")
        columns = (
            rows.group_by(names)
            .len("all")
            .join(
                those.group_by(names).agg(moved=pl.len(), values=values),
                on=names,
                nulls_equal=True,
            )
            .filter(
                (pl.col("moved") >= limits.few)
                & ((pl.col("moved") > share * pl.col("all")) | (pl.col("moved") > many))
            )
            .sort(names)
        )
        for row in columns.iter_rows(named=True):
            what = _column(row, names)
            reason = f"{row['moved']} of {row['all']} prices of {what} moved at once"
            yield _doubt("most_moved", "hold", reason, row["values"])


def _other_units(same: pl.DataFrame) -> Iterator[Doubt]:
    """Doubt prices that are per something else now, and do not come to the same."""
    changed = same.filter(
        (pl.col("pricing_unit") != pl.col("old_pricing_unit"))
        & (pl.col("unit_price") != pl.col("old_unit_price"))
    )
    if changed.height * 2 > same.height:
        reason = f"{changed.height} of {same.height} prices are per another unit: {_some(changed)}"
        about = _listed(changed, "old_pricing_unit", "pricing_unit", "unit_price")
        yield _doubt("unit_changed", "hold", reason, about)
        return
    for row in changed.iter_rows(named=True):
        old, new = (f"{row[name].normalize():f}" for name in ("old_unit_price", "unit_price"))
        units = f"per {row['pricing_unit']}, before per {row['old_pricing_unit']}"
        reason = f"{row['words']}: {units}, so that {old} became {new}"
        yield _doubt("unit_changed", "set_aside", reason, (units, old, new), _fact(row))


def _exchanged_by_models(moved: pl.DataFrame) -> Iterator[Doubt]:
    """Flag values that two models exchanged: sellers do print that."""
    rest = [name for name in (*OFFER, "meter", "price_list") if name not in {"provider", "model"}]
    one = moved.select("provider", "model", *rest, "unit_price", "old_unit_price", "words")
    between = one.join(one, on=["provider", *rest], nulls_equal=True, suffix="_other").filter(
        (pl.col("model") != pl.col("model_other"))
        & (pl.col("unit_price") == pl.col("old_unit_price_other"))
        & (pl.col("old_unit_price") == pl.col("unit_price_other"))
    )
    for row in between.iter_rows(named=True):
        reason = f"{row['words']} and {row['model_other']} changed places"
        fact = tuple(row.get(name) for name in FACT)
        exchanged = (row["model_other"], str(row["old_unit_price"]), str(row["unit_price"]))
        yield _doubt("values_exchanged", "flag", reason, exchanged, fact)


def _said(prefix: str) -> pl.Expr:
    """Give a price as one text, with its currency; null where there is none."""
    amount = pl.col(f"{prefix}unit_price").cast(pl.String)
    currency = pl.col(f"{prefix}pricing_currency").fill_null("")
    is_price = pl.col(f"{prefix}availability").is_in(["priced", "free"])
    return pl.when(is_price).then(pl.concat_str(amount, currency, separator=" "))


def _changed_places(pairs: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Doubt prices that changed places: within a model, or down a column.

    That there is none changes places like a price: `0.1 | -` becomes `- | 0.1`.
    """
    still_there = pl.col("was_there").any() & pl.col("is_there").any()
    prices = (
        pairs.filter(pl.col("meter").is_not_null())
        .filter(still_there.over("provider", "model"))
        .with_columns(_offer_words(), old=_said("old_"), new=_said(""))
    )
    changed = prices.filter(pl.col("old").ne_missing(pl.col("new")))
    yield from _within_models(prices, changed)
    yield from _down_columns(changed, limits)


def _within_models(prices: pl.DataFrame, changed: pl.DataFrame) -> Iterator[Doubt]:
    one = changed.select(*FACT, "words", "old", "new")
    # a price that went from one region, or length of prompt, to another did not change columns
    columns = ("tuning_method", "adapter", "service_tier", "meter", "price_list")
    one_row = pl.col("region").eq_missing(pl.col("region_other")) & pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(f"{name}_other")) for name in columns
    )
    two_prices = pl.col("old").is_not_null() & pl.col("new").is_not_null()
    both = one.join(one, on=["provider", "model"], suffix="_other").filter(
        (pl.col("words") != pl.col("words_other"))
        & pl.col("old").eq_missing(pl.col("new_other"))
        & pl.col("new").eq_missing(pl.col("old_other"))
        & (two_prices | one_row)
    )
    exchanged = both.unique(list(FACT), keep="any").sort("words")
    models, all_models = (
        frame.select("provider", "model").unique().height for frame in (exchanged, prices)
    )
    if exchanged.height and models * 2 >= all_models:
        reason = f"{exchanged.height} prices changed places within a model: {_some(exchanged)}"
        yield _doubt("columns_exchanged", "hold", reason, _listed(exchanged, "old", "new"))
        return
    for row in exchanged.iter_rows(named=True):
        reason = f"{row['words']}: {row['new'] or 'no price'}, which another of its prices was"
        yield _doubt("columns_exchanged", "set_aside", reason, (row["old"], row["new"]), _fact(row))


def _down_columns(changed: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Doubt a column in which the same prices stand in other rows."""
    by = ["provider", "tuning_method", "adapter", "service_tier", "price_list", "meter"]
    columns = (
        changed.group_by(by)
        .agg(
            count=pl.len(),
            values=_values("old", "new"),
            old=pl.col("old").drop_nulls().sort().str.join("|"),
            new=pl.col("new").drop_nulls().sort().str.join("|"),
        )
        .filter((pl.col("count") >= limits.few) & (pl.col("old") == pl.col("new")))
        .sort(by)
    )
    for row in columns.iter_rows(named=True):
        reason = f"{row['count']} prices of {_column(row, by)} stand in each other's rows"
        yield _doubt("rows_exchanged", "hold", reason, row["values"])


def _far_from_its_like(pairs: pl.DataFrame, limits: Limits) -> Iterator[Doubt]:
    """Doubt a new price that is far from all that the same model's same meter cost elsewhere."""
    like = ["provider", "model", "tuning_method", "adapter", "meter"]
    known = pairs.filter(pl.col("old_availability") == "priced").select(
        *like, pricing_currency="old_pricing_currency", like="old_unit_price"
    )
    new = pairs.filter(_PRICED & ~pl.col("was_there")).with_columns(_offer_words())
    factor = pl.col("unit_price").cast(pl.Float64) / pl.col("like").cast(pl.Float64)
    far = (
        new.join(known, on=[*like, "pricing_currency"], nulls_equal=True)
        .with_columns(far=pl.max_horizontal(factor, 1 / factor))
        .group_by(*FACT, "words", "unit_price")
        .agg(pl.col("far").min(), pl.col("like").min())
        .filter(pl.col("far") >= limits.jump)
        .sort("words")
    )
    for row in far.iter_rows(named=True):
        price, like_it = (f"{row[name].normalize():f}" for name in ("unit_price", "like"))
        reason = f"{row['words']}: {price}, where the same costs {like_it} elsewhere"
        yield _doubt("jump", "set_aside", reason, price, _fact(row))


_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"


def _terms_moved(pairs: pl.DataFrame, days: float, limits: Limits) -> Iterator[Doubt]:
    """Doubt terms of which most moved, a count that jumps, and a day that became an earlier one.

    And a day that changed models.
    """
    terms = pairs.filter(pl.col("term").is_not_null()).with_columns(_offer_words())
    stayed = terms.filter("was_there", "is_there")
    share = limits.moved_share * max(1.0, days / 90)
    columns = (
        stayed.with_columns(moved=pl.col("value") != pl.col("old_value"))
        .group_by("term")
        .agg(
            pl.len().alias("all"),
            pl.col("moved").sum(),
            values=pl.concat_str("words", "old_value", "value", separator=" ")
            .filter(pl.col("moved"))
            .sort(),
        )
        .filter((pl.col("moved") >= limits.few) & (pl.col("moved") > share * pl.col("all")))
        .sort("term")
    )
    for row in columns.iter_rows(named=True):
        reason = f"{row['moved']} of {row['all']} values of {row['term']} moved at once"
        yield _doubt("most_moved", "hold", reason, row["values"])
    counts = stayed.filter(
        pl.all_horizontal(pl.col(name).str.contains(r"^\d+$") for name in ("old_value", "value"))
    ).with_columns(factor=pl.col("value").cast(pl.Float64) / pl.col("old_value").cast(pl.Float64))
    far = counts.filter((pl.col("factor") >= limits.jump) | (pl.col("factor") <= 1 / limits.jump))
    earlier = stayed.filter(
        pl.all_horizontal(pl.col(name).str.contains(_DAY) for name in ("old_value", "value"))
        & (pl.col("value") < pl.col("old_value"))
    )
    for rule, rows in (("jump", far), ("day_earlier", earlier)):
        for row in rows.sort("words").iter_rows(named=True):
            reason = f"{row['words']}: from {row['old_value']} to {row['value']}"
            yield _doubt(rule, "set_aside", reason, (row["old_value"], row["value"]), _fact(row))
    went = terms.filter(~pl.col("is_there")).select("provider", "model", value="old_value")
    came = terms.filter(~pl.col("was_there"), pl.col("value").str.contains(_DAY))
    moved = (
        came.join(went, on=["provider", "value"], suffix="_before")
        .sort("words", "model_before")
        .unique(list(FACT), keep="first", maintain_order=True)
    )
    for row in moved.iter_rows(named=True):
        reason = f"{row['words']}: {row['value']}, which was the day of {row['model_before']}"
        about = (row["value"], row["model_before"])
        yield _doubt("day_of_another", "set_aside", reason, about, _fact(row))

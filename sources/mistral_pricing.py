"""Mistral's price page: what tuning a classifier and running it costs, in dollars and in euros.

Left out, because the page would not say one exact thing:

- the minimum per job in euros: its one sentence says "$4", beside both lists;
- base models: the page names them by an endpoint that moves (`mistral-small-latest`, which two of
  them had on 2026-05-08), and catalogues have them by version;
- what the data of 2026-05-08 holds as `fine_tuning` of Codestral, Mistral Small 3.2, Pixtral 12B
  and Mistral NeMo: nothing says that the page showed it, the tuned Codestral in it is cheaper than
  the base model, and the page of 2026-08-04 has no trace of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from sources._contract import Evidence, Offer, Parsed, Quote, Rank, Source
from sources._parsing import (
    Meter,
    Price,
    Unit,
    Unreadable,
    clean,
    json_documents,
    parsed_html,
    read_price,
    read_unit,
    shown,
    whole_page,
)

# The page names no method. Supervised tuning is the only one that Mistral's documentation knows
# (https://docs.mistral.ai/resources/deprecated/finetuning.md, 2026-08-21).
_tuned: Final = partial(Offer, "mistral", tuning_method="sft", adapter="unknown")

_MILLION_TOKENS: Final = read_unit("1M tokens")
_MONTH: Final = read_unit("month")
_JOB: Final = read_unit("job")
# What stands before a price, and what that is then a price of, per which unit.
_TRAINING: Final = "training cost"
_LABELS: Final[Mapping[str, tuple[Meter, Unit | None]]] = {
    "training cost (/m tokens)": ("training_tokens", _MILLION_TOKENS),
    "storage cost (per month per model)": ("storage_months", _MONTH),
    # until 2026-05 with the unit behind the price: "$2 / month per model"
    "storage cost": ("storage_months", None),
    "input (/m tokens)": ("input_tokens", _MILLION_TOKENS),
    "output (/m tokens)": ("output_tokens", _MILLION_TOKENS),
}
_EVERY_METER: Final = {meter for meter, _ in _LABELS.values()}
_MINIMUM: Final = re.compile(r"minimum fee per fine-tuning job of ([^;,]+?)\.?$")
# "Classifier API model (3B)" since 2026-08-17, "Classifier API model 3B" before
_BRACKETED_SIZE: Final = re.compile(r"\((\d+B)\)")


class _Line(NamedTuple):
    """One price of a model, as printed in both lists; `detail` is the tooltip behind its label."""

    label: str
    prices: Mapping[str, str]
    detail: str
    locator: str


class _Model(NamedTuple):
    name: str
    lines: Sequence[_Line]


def parse(capture: bytes) -> Parsed:
    """Read the models that have a training cost, from cards or, until 2026-05, the page's data.

    That data is JSON in strings of JSON, in scripts; the page's own HTML had no prices then.
    """
    page = whole_page(capture)
    cards = page.css("div.model-item")
    tunable = list(_in_cards(cards) if cards else _in_data(page))
    if not tunable:
        raise Unreadable(f"no model on the page has a training cost; it has {len(cards)} cards")
    return Parsed([quote for model in tunable for quote in _quotes(model)], [])


def _quotes(model: _Model) -> Iterator[Quote]:
    offer = _tuned(_BRACKETED_SIZE.sub(r"\1", model.name))
    meters = [_meter(line)[0] for line in model.lines]
    if sorted(meters) != sorted(_EVERY_METER):
        raise Unreadable(f"{shown(model.name)} has prices of {meters}, not each of {_EVERY_METER}")
    for line in model.lines:
        meter, unit = _meter(line)
        for currency, printed in line.prices.items():
            yield offer.quote(
                meter,
                _price(printed, currency, unit),
                Evidence(f"{line.locator}/{currency}", printed),
                price_list=None if currency == "USD" else currency,
            )
        if meter == "training_tokens":
            minimum = _MINIMUM.search(line.detail)
            if minimum is None:
                raise Unreadable(f"no minimum per job in {shown(line.detail, 200)}")
            yield offer.quote(
                "job_minimum",
                _price(minimum[1], "USD", _JOB),
                Evidence(f"{line.locator}/detail", minimum[0]),
            )


def _meter(line: _Line) -> tuple[Meter, Unit | None]:
    label = line.label.lower()
    if label not in _LABELS:
        raise Unreadable(f"{line.locator}: an unknown label of a price")
    return _LABELS[label]


def _price(printed: str, currency: str, unit: Unit | None) -> Price:
    price = read_price(printed, currency=currency, unit=unit)
    if not printed or price.currency not in {currency, None}:
        raise Unreadable(f"{shown(printed)} in the price list in {currency}")
    return price


def _is_tunable(labels: Sequence[str]) -> bool:
    return any(label.lower().startswith(_TRAINING) for label in labels)


# 32 on 2026-08-04
_MOST_CARDS: Final = 500


def _in_cards(cards: Sequence[LexborNode]) -> Iterator[_Model]:
    if len(cards) > _MOST_CARDS:
        raise Unreadable(f"{len(cards)} cards are no page")
    for number, card in enumerate(cards):
        rows = card.css("div:has(> mistral-atom-text-price)")
        labels = [clean(row.css("p")[0].text()) for row in rows]
        if not _is_tunable(labels):
            continue
        where = f"div.model-item[{number}]"
        name = card.attributes.get("data-name")
        shown_names = {clean(p.text()) for p in card.css("p")}
        spelled = [title for title in shown_names if title.lower() == name]
        if len(spelled) != 1:
            raise Unreadable(f"{where} is called {shown(str(name))} and does not show it")
        lines = [
            _Line(label, _listed(row), _tooltip(row), f"{where}/{label}")
            for label, row in zip(labels, rows, strict=True)
        ]
        yield _Model(spelled[0], lines)


def _listed(row: LexborNode) -> dict[str, str]:
    """Read the prices that a row's element holds; the one that it shows must be one of them."""
    element = row.css("mistral-atom-text-price")[0]
    data = json_documents((element.attributes.get("data-prices") or "").encode())
    match data:
        case [
            {
                "priceUsd": dollars,
                "priceEur": euros,
                "prefix": None | "",
                "suffix": None | "",
                **more,
            }
        ] if not more:
            prices = {"USD": str(dollars), "EUR": str(euros)}
        case _:
            raise Unreadable(f"not one price in dollars and one in euros: {shown(str(data), 200)}")
    visible = read_price("".join(p.text() for p in element.css("p.js-price-value")))
    held = {read_price(printed, currency=currency) for currency, printed in prices.items()}
    if visible not in held:
        raise Unreadable(f"the page shows {visible.amount} {visible.currency} and holds {prices}")
    return prices


def _tooltip(row: LexborNode) -> str:
    return " ".join(clean(text.text()) for text in row.css("[id^='tooltip-'] .prose"))


_PUSH: Final = re.compile(r"self\.__next_f\.push\((\[1,.*\])\)", re.DOTALL)
# A line of what React streams into the page: an element with its properties.
_GRID: Final = re.compile(
    r'^[0-9a-f]+:(\["\$","\$L[0-9a-f]+","[^"]*",\{"apis":.*\}\])$', re.MULTILINE
)
_PRICE_LISTS: Final = {"USD": "price_dollar", "EUR": "price_euro"}


def _in_data(page: LexborHTMLParser) -> Iterator[_Model]:
    pushes = [_PUSH.fullmatch(script.text()) for script in page.css("script")]
    flight = "".join(json_documents(push[1].encode())[0][1] for push in pushes if push)
    grids = _GRID.findall(flight)
    if len(grids) != 1:
        raise Unreadable(f"{len(grids)} lists of models in the page's data, not 1")
    for number, model in enumerate(json_documents(grids[0].encode())[0][3]["apis"]):
        rows = model["price"]
        if _is_tunable([row["value"] for row in rows]):
            yield _Model(clean(model["name"]), [_row(row, f"apis[{number}]") for row in rows])


def _row(row: Mapping[str, Any], where: str) -> _Line:
    label = clean(row["value"])
    prices = {currency: _text(row[key]) for currency, key in _PRICE_LISTS.items()}
    return _Line(label, prices, _text(row.get("detail", "")), f"{where}/{label}")


def _text(fragment: str) -> str:
    return clean(parsed_html(fragment).text(separator=" "))


SOURCE: Final = Source(
    url="https://mistral.ai/pricing/api",
    description="Mistral's price page: tuning a classifier and running it, in dollars and euros",
    rank=Rank.SELLER,
    provider="mistral",
    cadence=timedelta(days=1),
    # 18 on 2026-05-08 and 2026-08-04: two models of 9 prices each, of which none may be lost
    quote_count=(18, 90),
    parse=parse,
)

"""A source that is described, not written: what it reads, and what it refuses."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from sources._configured import Description, described_source, gaps
from sources._contract import Quote, Rank, Reading, Source, SourceError, Term
from sources._unread import unread

MODEL: Final = {"headers": "Model", "means": "model"}
TRAINING: Final = {"headers": "Training", "means": "training_tokens"}
BASIC: Final[Mapping[str, Any]] = {
    "url": "https://acme.example/pricing",
    "description": "Acme's price page",
    "rank": "seller",
    "provider": "acme",
    "tuning_method": "sft",
    "adapter": "lora",
    "unit": "1M tokens",
    "currency": "USD",
    "quotes": [1, 60],
    "columns": [MODEL, TRAINING],
}


def described(*columns: Mapping[str, Any], without: Sequence[str] = (), **keys: Any) -> Source:  # noqa: ANN401 any key there is
    """Describe a source: the basic one, with these columns and keys, without those."""
    written = {**BASIC, **keys}
    if columns:
        written["columns"] = [MODEL, *columns]
    for name in without:
        del written[name]
    assert not [*gaps(written)]
    return described_source("acme_prices", Description.model_validate(written), Path("/folder"))


def page(*rows: Sequence[str], above: str = "Prices") -> bytes:
    """Print tables of one header row each, on one page; an empty row begins the next table."""
    tables: list[list[Sequence[str]]] = [[]]
    for row in rows:
        if row:
            tables[-1].append(row)
        else:
            tables.append([])
    body = "".join(
        f"<h2>{above} {number}</h2><table>"
        + "".join(
            "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in row) + "</tr>"
            for row, tag in zip(table, ["th", *["td"] * len(table)], strict=False)
        )
        + "</table>"
        for number, table in enumerate(tables)
    )
    return f"<!DOCTYPE html><html><body>{body}</body></html>".encode()


def quotes(reading: Reading) -> list[Quote]:
    return [Quote(*row) for row in reading.quotes.rows()]


def terms(reading: Reading) -> list[Term]:
    return [Term(*row) for row in reading.terms.rows()]


def prices(source: Source, capture: bytes) -> dict[str, Decimal | str | None]:
    """Read a page; give each model's price per canonical unit, or what stands for one."""
    return {q.model: q.unit_price or q.availability for q in quotes(source.read(capture))}


def refusal(source: Source, capture: bytes) -> str:
    with pytest.raises(SourceError) as refused:
        source.read(capture)
    return str(refused.value)


def test_a_description_is_a_source() -> None:
    source = described(hosts=["www.acme.example"], cadence_hours=6)
    assert (source.name, source.url) == ("acme_prices", "https://acme.example/pricing")
    assert (source.rank, source.cadence) == (Rank.SELLER, timedelta(hours=6))
    assert (source.quote_count, source.term_count) == ((1, 60), (0, 0))
    assert (source.provider, source.hosts) == ("acme", ("www.acme.example",))
    assert source.bundled is None


def test_a_price_has_its_evidence() -> None:
    (quote,) = quotes(described().read(page(["Model", "Training"], ["acme-9b", "$ 3.00"])))
    assert quote[:7] == ("acme", "acme-9b", "sft", "lora", "standard", None, None)
    assert (quote.meter, quote.availability) == ("training_tokens", "priced")
    assert (quote.list_unit_price, quote.pricing_unit, quote.pricing_currency) == (
        Decimal(3),
        "1M tokens",
        "USD",
    )
    assert (quote.printed_text, quote.locator) == ("$ 3.00", "table[0]/tr[1]/Training")


@pytest.mark.parametrize(
    ("header", "cell", "keys", "price"),
    [
        ("Training", "3", {"unit": "1K tokens"}, "3000"),
        ("Training ($ / 1K tokens)", "3", {}, "3000"),
        ("Training", "$3 per 1K tokens", {}, "3000"),
        ("Training (per 1K tokens)", "$3 per 1M tokens", {}, "3"),
        ("Training", "3", {"above": "All prices per 1K tokens"}, "3000"),
        ("Training (per 1M tokens)", "3", {"above": "All prices per 1K tokens"}, "3"),
        ("Training", "3", {"unit": "1M tokens", "above": "per 1K tokens, or 1M tokens"}, "3"),
    ],
)
def test_a_unit_is_the_cells_or_the_headers_or_the_one_described_or_the_captions(
    header: str, cell: str, keys: dict[str, str], price: str
) -> None:
    above = keys.pop("above", "Prices")
    without = [] if "unit" in keys else ["unit"]
    source = described(without=without, **keys)
    capture = page(["Model", header], ["acme-9b", cell], above=above)
    assert prices(source, capture) == {"acme-9b": Decimal(price)}


@pytest.mark.parametrize(
    ("header", "cell", "keys", "reason"),
    [
        ("Training", "3", {"unit": None}, "a price without a unit"),
        ("Training", "3", {"unit": None, "above": "per 1K and 1M tokens"}, "two units in"),
        ("Training (per 1K tokens)", "3", {}, "has the unit 1K tokens, where 1M tokens is desc"),
        ("Training", "3 per 1K tokens", {}, "has the unit 1K tokens, where 1M tokens is described"),
        ("Training (per hour)", "3", {}, "cannot be a price of training_tokens|the unit hour"),
        ("Training", "3 per hour", {"unit": None}, "cannot be a price of training_tokens"),
        ("Training", "3", {"currency": None}, "no currency"),
        ("Training (€ / 1M tokens)", "3", {}, "has the currency EUR, where USD is described"),
        ("Training", "€3", {}, "has the currency EUR, where USD is described"),
        ("Training", "¥3", {}, "not one exact price"),
        ("Training", "from $3", {}, "not one exact price: 'from \\$3'"),
        ("Training", "3-5", {}, "not one exact price"),
        ("Training", "ask us", {}, "not one exact price"),
        ("training cost", "3", {}, "0 tables fit the description, not 1; there are table\\[0\\]"),
    ],
)
def test_what_is_not_said_exactly_is_refused(
    header: str, cell: str, keys: dict[str, Any], reason: str
) -> None:
    above = keys.pop("above", "Prices")
    without = [name for name, value in keys.items() if value is None]
    capture = page(["Model", header], ["acme-9b", cell], above=above)
    with pytest.raises(SourceError, match=reason):
        described(without=without).read(capture)


@pytest.mark.parametrize("sign", ["¥", "￥", "¥ ", ""])
def test_the_sign_of_yuan_and_yen_is_what_is_described(sign: str) -> None:
    for currency in ("CNY", "JPY"):
        source = described(currency=currency)
        (quote,) = quotes(source.read(page(["Model", "Training"], ["a", f"{sign}40"])))
        assert (quote.pricing_currency, quote.unit_price) == (currency, 40)


def test_headers_are_found_by_any_spelling_in_any_language() -> None:
    source = described(
        {"headers": ["Training", "训练（元/百万 tokens）", "训练价格"], "means": "training_tokens"},
        currency="CNY",
        without=["unit"],
    )
    source_of_both = Description.model_validate(
        {
            **BASIC,
            "currency": "CNY",
            "columns": [
                {"headers": ["Model", "模型（名称）"], "means": "model"},
                {"headers": ["Training", "训练价格"], "means": "training_tokens"},
            ],
        }
    )
    assert prices(source, page(["Model", "训练(元/百万 tokens)"], ["a", "40"])) == {"a": 40}
    chinese = described_source("acme_prices", source_of_both, Path())
    for headers in (["模型（名称）", "训练价格（元/百万tokens）"], ["model", "TRAINING"]):
        assert prices(chinese, page(headers, ["a", "40"])) == {"a": 40}


def test_one_row_can_hold_several_offers() -> None:
    source = described(
        {"headers": "LoRA", "means": "training_tokens", "adapter": "lora"},
        {"headers": "Full", "means": "training_tokens", "adapter": "full"},
        {"headers": "DPO", "means": "training_tokens", "tuning_method": "dpo"},
        {"headers": "Base input", "means": "input_tokens", "tuning_method": "none"},
        {"headers": "Batch", "means": "input_tokens", "service_tier": "batch", "region": "eu"},
        {"headers": "Input 128k", "means": "input_tokens", "context_tier": "128k"},
        {"headers": "Euros", "means": "training_tokens", "currency": "EUR", "price_list": "EUR"},
    )
    row = ["Model", "LoRA", "Full", "DPO", "Base input", "Batch", "Input 128k", "Euros"]
    found = quotes(source.read(page(row, ["a", "1", "2", "3", "4", "5", "6", "7"])))
    assert [(*q[2:9], q.unit_price, q.pricing_currency) for q in found] == [
        ("sft", "lora", "standard", None, None, "training_tokens", None, 1, "USD"),
        ("sft", "full", "standard", None, None, "training_tokens", None, 2, "USD"),
        ("dpo", "lora", "standard", None, None, "training_tokens", None, 3, "USD"),
        ("none", None, "standard", None, None, "input_tokens", None, 4, "USD"),
        ("sft", "lora", "batch", "eu", None, "input_tokens", None, 5, "USD"),
        ("sft", "lora", "standard", None, "128k", "input_tokens", None, 6, "USD"),
        ("sft", "lora", "standard", None, None, "training_tokens", "EUR", 7, "EUR"),
    ]


def test_one_unit_for_all_prices_leaves_other_meters_theirs() -> None:
    hosting = {"headers": "Hosting", "means": "hosting_hours"}
    rows = ["Model", "Training", "Hosting (per hour)"], ["a", "1", "2"]
    found = quotes(described(TRAINING, hosting).read(page(*rows)))
    assert [q.pricing_unit for q in found] == ["1M tokens", "hour"]
    unsaid = page(["Model", "Training", "Hosting"], ["a", "1", "2"])
    assert "a price without a unit" in refusal(described(TRAINING, hosting), unsaid)
    by_column = described(TRAINING, hosting | {"unit": "minute"})
    assert [q.unit_price for q in quotes(by_column.read(unsaid))] == [1, 120]


def test_each_row_can_say_its_own_offer_unit_and_currency() -> None:
    parts = [
        {"headers": "Seller", "means": "provider", "words": {"Acme Cloud": "acme"}},
        {"headers": "Way", "means": "tuning_method"},
        {
            "headers": "方式",
            "means": "adapter",
            "words": {"LoRA 微调": "lora", "全参微调": "full"},
        },
        {"headers": "Tier", "means": "service_tier"},
        {"headers": "Where", "means": "region", "words": {"anywhere": ""}},
        {"headers": "Context", "means": "context_tier"},
        {"headers": "Per", "means": "unit"},
        {"headers": "In", "means": "currency", "words": {"yuan": "CNY"}},
        TRAINING,
    ]
    source = described(*parts, without=["provider", "tuning_method", "adapter", "unit", "currency"])
    headers = ["Model", *(str(part["headers"]) for part in parts)]
    first = ["a", "ACME CLOUD", "SFT", "lora 微调", "Standard", "Anywhere", "32k", "1M tokens"]
    second = ["b", "other_one", "dpo", "全参微调", "batch", "eu", "", "per 1K tokens"]
    found = quotes(source.read(page(headers, [*first, "yuan", "1"], [*second, "usd", "2"])))
    assert [(*q[:7], q.unit_price, q.pricing_currency) for q in found] == [
        ("acme", "a", "sft", "lora", "standard", None, "32k", 1, "CNY"),
        ("other_one", "b", "dpo", "full", "batch", "eu", None, 2000, "USD"),
    ]
    for at, cell, part in (
        (1, "Another Cloud", "provider"),
        (1, "", "provider"),
        (2, "LoRA", "tuning_method"),
        (3, "qlora", "adapter"),
        (4, "", "service_tier"),
        (8, "¥", "currency"),
    ):
        row = [*first, "yuan", "1"]
        row[at] = cell
        assert f"no {part} in {cell!r}; say in the column's words what it means" in refusal(
            source, page(headers, row)
        )


def test_a_base_models_row_has_no_adapter() -> None:
    way = {"headers": "Way", "means": "tuning_method", "words": {"-": "none"}}
    use = {"headers": "Input", "means": "input_tokens"}
    source = described(way, use, without=["tuning_method"])
    found = quotes(source.read(page(["Model", "Way", "Input"], ["a", "-", "1"], ["a", "sft", "2"])))
    assert [(q.tuning_method, q.adapter) for q in found] == [("none", None), ("sft", "lora")]


def test_words_say_what_stands_where_a_price_could() -> None:
    words = {
        "included": "free",
        "Ask us¹": "not_published",
        "not here": "not_offered",
        "a picture": "unreadable",
    }
    source = described(TRAINING | {"words": words})
    cells = ["Included", "ask us¹", "Not here", "A picture", "N/A", "-", "0", "not_offered"]
    rows = [[str(number), cell] for number, cell in enumerate(cells)]
    found = quotes(source.read(page(["Model", "Training"], *rows)))
    assert [q.availability for q in found] == [
        "free",
        "not_published",
        "not_offered",
        "unreadable",
        "not_offered",
        "not_published",
        "free",
        "not_offered",
    ]
    assert [q.printed_text for q in found] == cells


def test_terms_are_spelled_as_terms_are() -> None:
    source = described(
        {"headers": "Examples", "means": "min_examples", "words": {"none": ""}, "optional": True},
        {"headers": "Until", "means": "last_training_on"},
        {"headers": "部署", "means": "hosting", "words": {"云端": "managed"}},
        {"headers": "Export", "means": "weights_exportable"},
        without=["quotes"],
        terms=[1, 20],
    )
    headers = ["Model", "Examples", "Until", "部署", "Export"]
    capture = page(
        headers,
        ["a", "1,000", "May 7, 2027", "云端", "Yes"],
        ["b", "None", "2027-05-07", "Both", "unknown"],
    )
    found = terms(source.read(capture))
    assert [(t.model, t.term, t.value) for t in found] == [
        ("a", "min_examples", "1000"),
        ("a", "last_training_on", "2027-05-07"),
        ("a", "hosting", "managed"),
        ("a", "weights_exportable", "yes"),
        ("b", "last_training_on", "2027-05-07"),
        ("b", "hosting", "both"),
        ("b", "weights_exportable", "unknown"),
    ]
    for at, cell in ((1, "few"), (2, "soon"), (3, "ours"), (4, "perhaps")):
        row = ["a", "10", "2027-05-07", "managed", "no"]
        row[at] = cell
        assert f"{cell!r}" in refusal(source, page(headers, row))


def test_rows_are_ignored_by_name() -> None:
    rows = ["Model", "Training"], ["acme-9b", "3"], ["TOTAL", ""], ["Old ones: 2", "x"], ["", "4"]
    source = described(ignore_rows=["Total", "old*: *"])
    assert prices(source, page(*rows[:-1])) == {"acme-9b": 3}
    assert "table[0]/tr[4]: the row names no model" in refusal(source, page(*rows))
    assert "'x'" in refusal(described(ignore_rows=["old", "total"]), page(*rows[:-1]))


def test_a_row_that_is_ignored_need_not_say_anything_else() -> None:
    seller = {"headers": "Seller", "means": "provider"}
    source = described(seller, TRAINING, without=["provider"], ignore_rows="Total")
    headers = ["Model", "Seller", "Training"]
    assert prices(source, page(headers, ["a", "acme", "3"], ["Total", "", "3"])) == {"a": 3}


def test_what_is_optional_may_be_missing() -> None:
    output = {"headers": "Output", "means": "output_tokens", "optional": True}
    region = {"headers": "Region", "means": "region", "optional": True}
    source = described(TRAINING, output, region)
    assert len(quotes(source.read(page(["Model", "Training"], ["a", "3"])))) == 1
    both = page(["Model", "Training", "Output"], ["a", "3", ""], ["b", "", "4"])
    assert [(q.model, q.meter, q.availability) for q in quotes(source.read(both))] == [
        ("a", "training_tokens", "priced"),
        ("b", "training_tokens", "not_published"),
        ("b", "output_tokens", "priced"),
    ]


TWO: Final = (
    ["Model", "Training", "Context"], ["a", "3", "8k"],
    [],
    ["Model", "Training"], ["b", "4"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("table", "models"),
    [
        ({"has": "Context"}, ["a"]),
        ({"has": ["Kontext", "context"]}, ["a"]),
        ({"above": "prices 0"}, ["a"]),
        ({"above": ["Preise 1", "Prices 1"]}, ["b"]),
        ({"has": "Training", "above": "1"}, ["b"]),
        ({"has": "Training"}, None),
        ({"above": "Prices"}, None),
        ({"has": "Context", "above": "1"}, None),
        ({}, None),
    ],
)
def test_exactly_one_table_must_fit(table: dict[str, Any], models: list[str] | None) -> None:
    source = described(table=table)
    if models:
        assert [*prices(source, page(*TWO))] == models
    else:
        assert "tables fit the description, not 1; there are table[0]: " in refusal(
            source, page(*TWO)
        )


def test_a_table_that_is_meant_must_have_every_column() -> None:
    source = described(
        TRAINING, {"headers": "Output", "means": "output_tokens"}, table={"has": "Training"}
    )
    capture = page(["Model", "Training"], ["a", "3"])
    assert "table[0]: 0 columns are called 'Output'" in refusal(source, capture)
    twice = page(["Model", "Training", "Output", "Output"], ["a", "3", "4", "5"])
    assert "table[0]: 2 columns are called 'Output'" in refusal(source, twice)


def test_a_page_of_another_size_is_refused() -> None:
    source = described(quotes=[2, 3])
    rows = [[f"model-{number}", "3"] for number in range(4)]
    for count in (1, 4):
        said = refusal(source, page(["Model", "Training"], *rows[:count]))
        assert f"{count} quotes where 2 to 3 are expected" in said
    assert len(prices(source, page(["Model", "Training"], *rows[:3]))) == 3


def test_two_prices_of_one_offer_are_refused() -> None:
    rows = ["Model", "Training"], ["a", "3"], ["a", "4"]
    assert "two values for meter training_tokens of 'a'" in refusal(described(), page(*rows))


def test_a_page_cut_anywhere_is_refused() -> None:
    whole = page(["Model", "Training"], ["a", "3.50"], ["b", "4.25"])
    source = described()
    for length in range(len(whole) - len("</html>") + 1):
        refusal(source, whole[:length])


def test_markdown_is_a_page_too() -> None:
    text = "## Fine-tuning\n\n| Model | Training ($/1M tokens) |\n|---|---|\n| a | 3 |\n"
    assert prices(described(table={"above": "tuning"}), text.encode()) == {"a": 3}


LINES: Final = 'Model,Training,Note\n"acme, large",3.50,\nacme-9b,"1,250.00",x\n'


@pytest.mark.parametrize(
    "keys", [{"path": "list.csv"}, {"url": "https://a.example/l.csv?v=1"}, {"format": "csv"}]
)
def test_a_csv_file_is_a_table(keys: dict[str, str]) -> None:
    source = described(without=["url"] if "path" in keys else [], **keys)
    found = quotes(source.read(LINES.encode()))
    assert [(q.model, q.unit_price, q.locator) for q in found] == [
        ("acme, large", Decimal("3.5"), "csv/tr[2]/Training"),
        ("acme-9b", Decimal(1250), "csv/tr[3]/Training"),
    ]


def test_a_csv_file_may_part_its_cells_otherwise() -> None:
    source = described(format="csv", delimiter=";")
    assert prices(source, b"\xef\xbb\xbfModel;Training\r\na;3\r\n\r\n") == {"a": 3}


@pytest.mark.parametrize(
    "capture",
    [
        LINES[:-1],
        LINES[:-6],
        LINES.replace(",x", ""),
        LINES.replace("9b,", "9b,,"),
        LINES.replace('"acme', '"acme"'),
        LINES.replace("Training", "training cost"),
        "\n",
        "Model,Training,Note\n",
    ],
)
def test_a_csv_file_that_is_not_whole_is_refused(capture: str) -> None:
    refusal(described(format="csv"), capture.encode())


ROWS: Final = [
    {"name": "a", "price": {"training": 0.0000025, "batch": None}, "tags": ["x"], "old": False},
    {"name": "b", "price": {"training": "3e-6"}, "old": True},
]
JSON_COLUMNS: Final = (
    {"headers": "name", "means": "model"},
    {
        "headers": "price.training",
        "means": "training_tokens",
        "words": {"3e-6": "not_published"},
    },
    {"headers": "old", "means": "is_deprecated"},
)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (json.dumps(ROWS), "$"),
        (json.dumps({"count": 2, "data": ROWS, "others": [{"name": "c"}]}), "$.data"),
        ("\n".join(map(json.dumps, ROWS)), "$"),
        (json.dumps([[], {"data": {"rows": ROWS}}]), "$[1].data.rows"),
    ],
)
def test_a_list_of_objects_is_a_table(document: str, place: str) -> None:
    source = described_source(
        "acme_prices",
        Description.model_validate(
            {**BASIC, "columns": JSON_COLUMNS, "unit": "token", "format": "json", "terms": [1, 9]}
        ),
        Path(),
    )
    reading = source.read(document.encode())
    assert [(q.model, q.unit_price, q.printed_text) for q in quotes(reading)] == [
        ("a", Decimal("2.5"), "0.0000025"),
        ("b", None, "3e-6"),
    ]
    assert quotes(reading)[0].locator == f"{place}/tr[0]/price.training"
    assert [(t.model, t.value) for t in terms(reading)] == [("a", "no"), ("b", "yes")]


def test_an_object_of_objects_is_a_table() -> None:
    source = described_source(
        "acme_prices",
        Description.model_validate(
            {
                **BASIC,
                "path": "list.json",
                "url": None,
                "columns": [{"headers": "key", "means": "model"}, TRAINING],
            }
        ),
        Path(),
    )
    capture = {"models": {"a": {"Training": 3}, "b": {"Training": 4, "x": 1}}, "at": "2026"}
    assert prices(source, json.dumps(capture).encode()) == {"a": 3, "b": 4}


@pytest.mark.parametrize("capture", ['[{"Model": "a", "Training": 3}', "[1, 2]", "{}", "<html>"])
def test_a_json_document_without_the_table_is_refused(capture: str) -> None:
    refusal(described(format="json"), capture.encode())


def test_a_file_is_read_from_its_folder(tmp_path: Path) -> None:
    written = {**BASIC, "path": "lists/acme.csv"}
    del written["url"]
    source = described_source("acme_prices", Description.model_validate(written), tmp_path)
    file = tmp_path / "lists" / "acme.csv"
    assert source.url == file.as_uri()
    assert source.bundled is not None
    with pytest.raises(
        SourceError, match=r"acme_prices: .*lists/acme\.csv cannot be read: No such"
    ):
        source.bundled()
    file.parent.mkdir()
    file.write_text(LINES, encoding="utf-8")
    assert source.bundled() == LINES.encode()


def test_another_description_is_another_reading() -> None:
    assert described().parser_version == described().parser_version > 0
    others = [
        described(unit="1K tokens"),
        described(ignore_rows="x"),
        described(TRAINING | {"words": {"x": "free"}}),
        described(TRAINING | {"optional": True}),
    ]
    assert len({each.parser_version for each in [described(), *others]}) == 5


def left_out(source: Source, capture: bytes) -> list[tuple[str, str, str]]:
    return [tuple(part) for part in unread(source, capture, None)]


def test_what_is_left_out_is_told_with_its_reason() -> None:
    source = described(table={"has": "Context"}, ignore_rows=["sum*"])
    rows = ["Model", "Training", "Context"], ["a", "3", "8k"], ["Sum of all", "", ""]
    assert left_out(source, page(*rows, [], ["Tool", "Price"], ["Search", "1"])) == [
        ("table[1] under 'Prices 1'", "Tool | Price", "no column is called 'Context'"),
        ("table[0]", "Context", "no column of the description is called so"),
        ("table[0]/tr[2]", "Sum of all", "ignore_rows has 'sum*'"),
    ]


def test_of_two_tables_that_fit_both_are_told() -> None:
    told = left_out(described(), page(*TWO))
    assert [reason for *_, reason in told] == ["fits the description, as 1 others do"] * 2


def test_what_cannot_be_told_says_so() -> None:
    ((where, _, reason),) = left_out(described(), b"<table>")
    assert where == "the capture"
    assert "no </html>" in reason


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"url": "http://acme.example/"}, ("url",)),
        ({"url": "https://user:word@acme.example/"}, ("url",)),
        ({"rank": "friend"}, ("rank",)),
        ({"provider": "Acme Cloud"}, ("provider",)),
        ({"adapter": "qlora"}, ("adapter",)),
        ({"unit": "1M bananas"}, ("unit",)),
        ({"unit": 3}, ("unit",)),
        ({"currency": "CHF"}, ("currency",)),
        ({"quotes": [3, 2]}, ("quotes",)),
        ({"quotes": [-1, 2]}, ("quotes",)),
        ({"quotes": [0, 2]}, ()),
        ({"cadence_hours": 0}, ("cadence_hours",)),
        ({"table": {"header": "x"}}, ("table", "header")),
        ({"colums": []}, ("colums",)),
        ({"columns": []}, ("columns",)),
        ({"columns": [{"means": "model"}]}, ("columns", 0, "headers")),
        ({"columns": [MODEL | {"means": "price"}]}, ("columns", 0, "means")),
        ({"columns": [MODEL | {"headers": " "}]}, ("columns", 0, "headers", 0)),
        ({"columns": [MODEL | {"unit": "hour"}]}, ("columns", 0)),
        ({"columns": [MODEL | {"optional": True}]}, ("columns", 0)),
        ({"columns": [TRAINING | {"unit": "hour"}]}, ("columns", 0)),
        ({"columns": [TRAINING | {"words": {"x": "cheap"}}]}, ("columns", 0)),
        ({"columns": [TRAINING | {"words": {"x": ""}}]}, ("columns", 0)),
        ({"columns": [TRAINING | {"tuning_method": "none", "adapter": "full"}]}, ("columns", 0)),
        (
            {"columns": [{"headers": "x", "means": "hosting", "words": {"x": "ours"}}]},
            ("columns", 0),
        ),
        ({"columns": [{"headers": "x", "means": "unit", "words": {"x": "kg"}}]}, ("columns", 0)),
        (
            {"columns": [{"headers": "x", "means": "provider", "words": {"x": "X Y"}}]},
            ("columns", 0),
        ),
        ({"columns": [{"headers": "x", "means": "min_examples", "unit": "hour"}]}, ("columns", 0)),
    ],
)
def test_what_cannot_be_meant_is_a_mistake(keys: dict[str, Any], where: tuple[object, ...]) -> None:
    with pytest.raises(ValidationError) as mistaken:
        Description.model_validate({**BASIC, **keys})
    (error,) = mistaken.value.errors()
    assert error["loc"] == where
    if error["type"] == "value_error":
        assert ";" in error["msg"], "the next step is named"


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"path": "x.csv"}, "url"),
        ({"url": None}, "url"),
        ({"provider": None}, "provider"),
        ({"tuning_method": None}, "tuning_method"),
        ({"adapter": None}, "adapter"),
        ({"quotes": None}, "quotes"),
        ({"columns": [TRAINING]}, "columns"),
        ({"columns": [MODEL]}, "columns"),
        ({"columns": [MODEL, MODEL, TRAINING]}, "columns"),
        ({"columns": [MODEL, TRAINING, {"headers": "x", "means": "min_examples"}]}, "terms"),
        ({"columns": [MODEL, TRAINING, {"headers": "x", "means": "provider"}]}, "provider"),
        ({"columns": [MODEL, TRAINING, {"headers": "x", "means": "unit"}]}, "unit"),
        ({"columns": [MODEL, TRAINING, *[{"headers": "x", "means": "region"}] * 2]}, "region"),
    ],
)
def test_what_is_missing_or_said_twice_is_a_mistake(keys: dict[str, Any], key: str) -> None:
    written = {name: value for name, value in {**BASIC, **keys}.items() if value is not None}
    assert [found for found, _ in gaps(written)] == [key]


@pytest.mark.parametrize(
    "written", [{}, {"columns": 3}, {"columns": [3, {"means": []}]}, {"columns": {"x": 1}}]
)
def test_gaps_are_found_whatever_else_is_wrong(written: dict[str, Any]) -> None:
    assert {"url", "provider"} <= {key for key, _ in gaps(written)}

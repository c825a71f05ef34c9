import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sources._contract import DOCUMENT_END, Quote, SourceError
from sources.aws_price_list import SOURCE, parse

FIXTURES = Path(__file__).parents[1] / "fixtures/aws_price_list"
CAPTURE = Path(__file__).parents[3] / "shared" / "captures" / "aws_price_list" / "2026-08-21.json"
FILE: dict[str, Any] = json.loads((FIXTURES / "2026-11-20.json").read_text("utf-8"))
CONDENSED: dict[str, Any] = json.loads((FIXTURES / "2026-08-21.json").read_text("utf-8"))


def refused(document: object) -> str:
    with pytest.raises(SourceError) as error:
        SOURCE.read(json.dumps(document).encode())
    return error.value.problem


def of_region(region: str) -> bytes:
    """Give the file that AWS has for one region."""
    products = {
        sku: product
        for sku, product in FILE["products"].items()
        if product["attributes"]["regionCode"] == region
    }
    return json.dumps({**FILE, "products": products}).encode()


def sku_of(usage: str) -> str:
    (sku,) = (s for s, p in FILE["products"].items() if p["attributes"]["usagetype"] == usage)
    return sku


def with_product(unit: str = "1K tokens", usd: str = "0.001", **attributes: str) -> dict[str, Any]:
    """Give the file with one more product, of Nova Lite in us-east-1 unless said."""
    file = deepcopy(FILE)
    base = {"regionCode": "us-east-1", "model": "Nova Lite"}
    file["products"]["NEW"] = {"attributes": {**base, **attributes}}
    price = {"unit": unit, "pricePerUnit": {"USD": usd}}
    file["terms"]["OnDemand"]["NEW"] = {"NEW.T": {"priceDimensions": {"NEW.T.D": price}}}
    return file


def added(file: dict[str, Any]) -> list[Quote]:
    return [q for q in parse(json.dumps(file).encode()).quotes if q.locator[:13] == "products/NEW/"]


def test_the_files_of_both_regions_are_read_as_one_capture() -> None:
    east, west = of_region("us-east-1"), of_region("us-west-2")

    together = parse(east + DOCUMENT_END + west).quotes

    assert together == parse(json.dumps(FILE).encode()).quotes
    assert {(q.region, q.url) for q in together} == {
        ("us-east-1", SOURCE.url),
        ("us-west-2", SOURCE.more_urls[0]),
    }


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_the_file_of_one_region_alone_is_refused(region: str) -> None:
    assert f"prices in ['{region}'], not in" in refused(json.loads(of_region(region)))


def test_a_price_has_the_same_key_in_aws_own_file_and_in_the_condensed_one() -> None:
    def base_price(document: object) -> Quote:
        quotes = parse(json.dumps(document).encode()).quotes
        (found,) = (
            q
            for q in quotes
            if q[:6] == ("aws_bedrock", "Llama 3.1 70B", "none", None, "standard", "us-west-2")
            and q.meter == "input_tokens"
        )
        return found

    own, condensed = base_price(FILE), base_price(CONDENSED)

    assert (own.list_unit_price, own.pricing_unit) == (Decimal("0.00072"), "1K tokens")
    assert (condensed.list_unit_price, condensed.pricing_unit) == (Decimal("0.72"), "1M tokens")
    assert own.unit_price == condensed.unit_price


@pytest.mark.parametrize(
    ("usage", "unit", "method", "meter"),
    [
        ("USE1-NovaLite-Customization-Training", "1K tokens", "sft", "training_tokens"),
        ("USE1-Nova2.0Lite-RFT-Training-Hours", "hours", "rft", "training_hours"),
        ("USE1-NovaLite-Customization-Storage", "Model / month", "unknown", "storage_months"),
        ("USE1-NovaLite-output-tokens-custom-model", "1K tokens", "unknown", "output_tokens"),
        (
            "USE1-NovaLite-cache-read-input-token-count-custom-model",
            "1K tokens",
            "unknown",
            "cached_input_tokens",
        ),
        (
            "USE1-TitanText-Premier-ProvisionedThroughput-Custom-NoCommit-ModelUnits",
            "hour",
            "unknown",
            "hosting_hours",
        ),
    ],
)
def test_the_usage_type_says_what_of_a_tuned_model_is_counted(
    usage: str, unit: str, method: str, meter: str
) -> None:
    (quote,) = added(with_product(unit, usagetype=usage))

    assert (quote.model, quote.tuning_method, quote.adapter) == ("Nova Lite", method, "unknown")
    assert quote.meter == meter


def test_base_prices_are_read_of_models_that_are_tuned_alone() -> None:
    batch = {"usagetype": "USE1-NovaLite-input-tokens-batch", "feature": "Batch Inference"}

    assert added(with_product(**batch)) == []
    (quote,) = added(with_product(**batch, titanModel="", model="Nova 2.0 Lite"))
    assert (quote.tuning_method, quote.service_tier) == ("none", "batch")


@pytest.mark.parametrize(
    "usage",
    [
        # another way to buy what is read under its own name
        "USE1-qwen.qwen3-32b-mantle-input-tokens",
        "USE1-Qwen3-32B-input-tokens-priority",
        "USE1-Qwen3-32B-input-tokens-cross-region-global",
        "USE1-Qwen3-32B-ProvisionedThroughput-NoCommit-ModelUnits",
        "USE1-TitanText-Premier-ProvisionedThroughput-Custom-1month-ModelUnits",
        "USE1-Qwen3-32B-cache-write-input-token-count-custom-model",
        "USE1-Llama-CustomModelImport-Storage-v1:0",
        "USE1-TitanImageGeneratorG1-Customization-Training",
        "USE1-DataAutomation-Custom-DocumentPagesProcessed",
    ],
)
def test_what_is_ignored_is_ignored_by_its_usage_type(usage: str) -> None:
    assert added(with_product("whatever", "?", usagetype=usage, model="Qwen3 32B")) == []


@pytest.mark.parametrize(
    ("usage", "feature"),
    [
        ("USE1-NovaLite-Customization-Distillation", "Model Customization"),
        ("USE1-NovaLite-input-tokens-custom-model-flex", "Model Customization"),
        ("USE1-NovaLite-DPO-Training-Hours", ""),
        ("USE1-nova-lite-mantle-input-tokens-custom-model", ""),
        ("USE1-NovaLite-something", "Model Customization"),
    ],
)
def test_an_unknown_usage_type_of_tuning_is_refused(usage: str, feature: str) -> None:
    problem = refused(with_product(usagetype=usage, feature=feature))

    assert f"an unknown usage type of tuning: '{usage}'" in problem


@pytest.mark.parametrize(
    ("usage", "feature"),
    [
        ("USE1-Qwen3-32B-input-tokens", "Batch Inference"),
        ("USE1-Qwen3-32B-input-tokens", "BatchInference"),
        ("USE1-Qwen3-32B-input-tokens-batch", "On-demand Inference"),
        ("USE1-Qwen3-32B-input-tokens", "Model Customization"),
    ],
)
def test_a_usage_type_that_its_feature_contradicts_is_refused(usage: str, feature: str) -> None:
    problem = refused(with_product(usagetype=usage, feature=feature, model="Qwen3 32B"))

    assert f"'{usage}' is said to be of '{feature}'" in problem


@pytest.mark.parametrize(
    ("unit", "usd", "problem"),
    [
        ("1B tokens", "0.001", "no known unit"),
        ("image", "0.001", "no known unit"),
        ("hour", "0.001", "cannot be a price of training_tokens"),
        ("1K tokens", "", "no amount where a price stands"),
        ("1K tokens", "N/A", "no amount where a price stands"),
        ("1K tokens", "1e-3", "not one exact price"),
        ("1K tokens", "-0.001", "not one exact price"),
    ],
)
def test_a_price_that_is_not_exact_is_refused(unit: str, usd: str, problem: str) -> None:
    usage = "USE1-NovaLite-Customization-Training"

    assert problem in refused(with_product(unit, usd, usagetype=usage))


@pytest.mark.parametrize(
    "price",
    [
        {"unit": "1K tokens", "pricePerUnit": {"CNY": "0.001"}},
        {"unit": "1K tokens", "pricePerUnit": {"USD": "0.001", "CNY": "0.007"}},
    ],
)
def test_a_price_in_another_currency_is_refused(price: dict[str, Any]) -> None:
    file = with_product(usagetype="USE1-NovaLite-Customization-Training")
    file["terms"]["OnDemand"]["NEW"]["NEW.T"]["priceDimensions"]["NEW.T.D"] = price

    assert "NEW: 1 prices, not 1 in dollars" in refused(file)


def test_a_price_that_depends_on_the_amount_is_refused() -> None:
    file = with_product(usagetype="USE1-NovaLite-Customization-Training")
    dimensions = file["terms"]["OnDemand"]["NEW"]["NEW.T"]["priceDimensions"]
    dimensions["NEW.T.E"] = dimensions["NEW.T.D"]

    assert "NEW: 2 prices, not 1" in refused(file)


def test_two_prices_of_one_thing_are_refused() -> None:
    problem = refused(
        with_product(usagetype="USE1-Nova2.0Lite-input-tokens", model="Nova 2.0 Lite")
    )

    assert "two values for meter input_tokens of 'Nova 2.0 Lite'" in problem


def test_a_tuned_model_without_a_name_is_refused() -> None:
    problem = refused(with_product(usagetype="USE1-X-Customization-Training", model=""))

    assert "names no model" in problem


@pytest.mark.parametrize("part", ["products", "terms"])
def test_a_file_without_a_part_is_refused(part: str) -> None:
    assert f"KeyError('{part}')" in refused({k: v for k, v in FILE.items() if k != part})


def test_a_product_without_its_price_is_refused() -> None:
    file = deepcopy(FILE)
    sku = sku_of("USW2-Llama3-1-70B-Customization-Training")
    del file["terms"]["OnDemand"][sku]

    assert sku in refused(file)


@pytest.mark.parametrize(
    "document",
    [
        {**FILE, "offerCode": "AmazonBedrockFoundationModels"},
        {**CONDENSED, "more": 1},
        {"rows": CONDENSED["rows"]},
    ],
)
def test_another_list_is_refused(document: dict[str, Any]) -> None:
    assert "not the price list of AmazonBedrock" in refused(document)


def test_a_binary_float_is_read_to_its_fifteen_digits_and_says_so() -> None:
    quotes = parse(json.dumps(CONDENSED).encode()).quotes
    floats = {q.printed_text: (q.list_unit_price, q.remark is None) for q in quotes}

    assert floats["0.06999999999999999"] == (Decimal("0.07"), False)
    assert floats["0.7200000000000001"] == (Decimal("0.72"), False)
    assert floats["0.15"] == (Decimal("0.15"), True)


def test_a_row_without_its_number_is_refused() -> None:
    rows = [{**row, "o": None} if row["m"] == "Qwen3 32B" else row for row in CONDENSED["rows"]]

    assert "/o is no number" in refused({**CONDENSED, "rows": rows})


def test_the_condensed_file_says_nothing_of_nova_nor_of_prices_across_regions() -> None:
    read = parse(json.dumps(CONDENSED).encode()).quotes

    assert {q.model for q in read} == {
        "Llama 3.1 70B",
        "Llama 3.3 70B",
        "gpt-oss-20b",
        "Qwen3 32B",
    }
    assert len(read) == 16


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not here")
def test_the_real_condensed_file() -> None:
    read = SOURCE.read(CAPTURE.read_bytes()).quotes

    assert read.height == 66
    assert read["model"].n_unique() == 9
    tuned = read.filter(pl.col("tuning_method") != "none")
    assert tuned.select("model", "tuning_method", "region", "meter", "unit_price").rows() == [
        ("Llama 3.3 70B", "unknown", "us-west-2", "input_tokens", Decimal("0.72")),
        ("Llama 3.3 70B", "unknown", "us-west-2", "output_tokens", Decimal("0.72")),
    ]
    gpt = read.filter((pl.col("model") == "gpt-oss-20b") & (pl.col("region") == "us-east-1"))
    assert gpt.select("service_tier", "meter", "unit_price").rows() == [
        ("standard", "input_tokens", Decimal("0.07")),
        ("standard", "output_tokens", Decimal("0.3")),
        ("batch", "input_tokens", Decimal("0.035")),
        ("batch", "output_tokens", Decimal("0.15")),
    ]

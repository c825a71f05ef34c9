import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sources._contract import Offer, SourceError
from sources._parsing import Unreadable
from sources.azure_retail_prices import SOURCE, parse
from sources.transcribed import SOURCE as TRANSCRIBED

FIXTURES = Path(__file__).parents[1] / "fixtures" / "azure_retail_prices"
CAPTURE = (
    Path(__file__).parents[3] / "shared" / "captures" / "azure_retail_prices" / "2026-07-31.json"
)


def row(meter: str = "gpt-4.1 FT Training global Tokens", **changed: object) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": 0.025,
        "armRegionName": "eastus2",
        "effectiveStartDate": "2025-04-01T00:00:00Z",
        "meterName": meter,
        "unitOfMeasure": "1 Hour" if meter.endswith("Unit") else "1K",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
    } | changed


def page(*rows: dict[str, Any], **changed: object) -> dict[str, Any]:
    whole = {"BillingCurrency": "USD", "Items": rows, "NextPageLink": None, "Count": len(rows)}
    return whole | changed


def read(*pages: dict[str, Any]) -> list[dict[str, Any]]:
    capture = "\n".join(json.dumps(each) for each in pages)
    return [quote._asdict() for quote in parse(capture.encode()).quotes]


def read_rows(*rows: dict[str, Any]) -> dict[tuple[str | None, str], Decimal]:
    return {
        (quote["region"], f"{quote['valid_from']:%Y-%m}"): quote["unit_price"]
        for quote in read(page(*rows))
    }


def link(skip: int) -> str:
    return f"https://prices.azure.com:443/api/retail/prices?currencyCode=USD&$skip={skip}"


# One of each spelling of 2026-07-31, and what it means; the last has not been seen yet.
@pytest.mark.parametrize(
    ("meter", "sold"),
    [
        ("gpt-4o-0806-FT-Trng-glbl tkn Tokens", "gpt-4o standard global training_tokens"),
        ("gpt-4o-0806-FT-Hstng-regnl Unit", "gpt-4o standard eastus2 hosting_hours"),
        (
            "gpt-4o-mini-0718-cached-FT-inp-datazone Tokens",
            "gpt-4o-mini standard data zone cached_input_tokens",
        ),
        ("gpt-4o-mini-0718-FT-Outp-glbl Tokens", "gpt-4o-mini standard global output_tokens"),
        ("4o mini 0718 ft opt Dz Tokens", "gpt-4o-mini standard data zone output_tokens"),
        (
            "gpt-4.1-mini FT Training regional Tokens",
            "gpt-4.1-mini standard eastus2 training_tokens",
        ),
        (
            "gpt-4.1-nano-ft cached input regnl Tokens",
            "gpt-4.1-nano standard eastus2 cached_input_tokens",
        ),
        ("gpt-4.1-ft hosting global Unit", "gpt-4.1 standard global hosting_hours"),
        ("4.1 mini ft cd inp Dz Tokens", "gpt-4.1-mini standard data zone cached_input_tokens"),
        (
            "gpt-4.1-nano-dev-ft cchd inpt glbl Tokens",
            "gpt-4.1-nano developer global cached_input_tokens",
        ),
        ("gpt 4o mini dev ft training glbl Tokens", "gpt-4o-mini developer global training_tokens"),
        ("o4-mini RFT Training regional Unit", "o4-mini standard eastus2 training_hours"),
        ("o4-mini-ft output global Tokens", "o4-mini standard global output_tokens"),
        ("o4 mini dev RFT cd inp glb Tokens", "o4-mini developer global cached_input_tokens"),
        ("o4 mini rft training Dz Unit", "o4-mini standard data zone training_hours"),
        ("OSS-20b FT Tokens", "gpt-oss-20b standard global training_tokens"),
        ("20b FT regnl Deployment Hosting Unit", "gpt-oss-20b standard eastus2 hosting_hours"),
        ("GPT-OSS-20b-Out-FT Tokens", "gpt-oss-20b standard global output_tokens"),
        ("OSS 20b Inp FT DZ Tokens", "gpt-oss-20b standard data zone input_tokens"),
        (
            "gpt-35-turbo16K-FT-Trng-regnl Unit",
            "gpt-3.5-turbo (16K) standard eastus2 training_hours",
        ),
        ("gpt-4-8K-FT-Trng-regnl tkn Tokens", "gpt-4 (8K) standard eastus2 training_tokens"),
        ("davinci-002-FT-Inp-glbl Tokens", "davinci-002 standard global input_tokens"),
        ("Az-Davinci-002-Fine Tuned-Output Tokens", "davinci-002 standard eastus2 output_tokens"),
        ("gpt-5-mini FT Training global Tokens", "gpt-5-mini standard global training_tokens"),
    ],
)
def test_a_meter_is_named_in_many_ways(meter: str, sold: str) -> None:
    [quote] = read(page(row(meter)))

    assert " ".join(quote[key] for key in ("model", "service_tier", "region", "meter")) == sold
    assert quote["tuning_method"] == ("rft" if sold.startswith("o4") else "sft")
    assert quote["adapter"] == "unknown"


@pytest.mark.parametrize(
    ("meter", "problem"),
    [
        ("Ministral 3b FT Training global Tokens", "an unknown model 'ministral-3b'"),
        ("Ministral 3bFTregnl Tokens", "an unknown model 'ministral-3bftregnl'"),
        ("gpt-4o-1120-FT-Trng-glbl Tokens", "an unknown model 'gpt-4o-1120'"),
        ("gpt-4.1-Batch-ft input global Tokens", "an unknown model 'gpt-4.1-batch'"),
        ("gpt-4.1 DPO Training global Tokens", "an unknown model 'gpt-4.1-dpo'"),
        ("gpt-4.1 Training global Tokens", "an unknown way of tuning"),
        ("gpt-4.1 RFT Training global Unit", "an unknown way of tuning"),
        ("gpt-4.1 FT Training Tokens", "fits no convention"),
        ("gpt-4.1-ft global Tokens", "fits no convention"),
        ("gpt-4.1-ft cached output global Tokens", "fits no convention"),
        ("gpt-4.1-ft hosting global Tokens", "fits no convention"),
        ("gpt-4.1-ft input output global Tokens", "is both input and output"),
        ("gpt-4.1-ft input global regional Tokens", "is both global and regional"),
    ],
)
def test_a_meter_of_tuning_that_fits_no_convention_is_refused(meter: str, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem) as error:
        read(page(row(meter)))
    assert meter in str(error.value)


@pytest.mark.parametrize(
    "meter",
    [
        "gpt-4.1-ft mdl grdr cchd inpt Tokens",
        "o1 model ft grader input Tokens",
        "text-embedding-3-large-grader Tokens",
        "4.1 mini pp opt Dz Tokens",
        "gpt-4o-0806-Inp-glbl Tokens",
        "Provisioned Managed Global Unit",
    ],
)
def test_graders_and_meters_of_no_tuning_are_ignored(meter: str) -> None:
    assert read(page(row(meter, unitOfMeasure="100", retailPrice=None))) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"unitOfMeasure": "1 Hour"}, "per hour fits no convention"),
        ({"unitOfMeasure": "100"}, "no known unit in '100'"),
        ({"retailPrice": "0.025"}, "is no number"),
        ({"retailPrice": -0.025}, "not one exact price"),
        ({"armRegionName": ""}, "sold in no region"),
        ({"currencyCode": "EUR"}, "no one price in USD"),
        ({"tierMinimumUnits": 1000}, "no one price in USD"),
        ({"type": "SavingsPlan"}, "no one price in USD"),
        ({"meterName": "gpt-4.1 F\x7fT Training"}, "name that cannot be told"),
    ],
)
def test_a_row_that_is_no_plain_price_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        read(page(row(), row(**changed)))


def test_prices_under_a_commitment_are_ignored() -> None:
    assert read(page(row(type="Reservation"), row(type="DevTestConsumption"))) == []


def test_a_price_holds_from_the_instant_that_the_api_gives() -> None:
    """Where regions followed one by one, the first of them counts."""
    quotes = read(
        page(
            row(armRegionName="northeurope", effectiveStartDate="2026-06-01T00:00:00Z"),
            row(),
            row("gpt-4.1 FT Training regional Tokens", effectiveStartDate="2024-09-01T00:00:00Z"),
        )
    )

    assert [(quote["region"], quote["valid_from"]) for quote in quotes] == [
        ("global", datetime(2025, 4, 1)),  # noqa: DTZ001 UTC by contract
        ("eastus2", datetime(2024, 9, 1)),  # noqa: DTZ001 UTC by contract
    ]


def test_a_region_that_differs_from_most_is_an_offer_of_its_own() -> None:
    usual = [row(armRegionName=name) for name in ("eastus2", "westus")]
    dearer = row(armRegionName="swedencentral", retailPrice=0.03)

    quotes = read(page(dearer, *usual))

    assert [(quote["region"], quote["unit_price"], quote["remark"]) for quote in quotes] == [
        ("global", 25, "the price in 2 of 3 regions"),
        ("global (swedencentral)", 30, None),
    ]


def test_a_price_in_another_unit_is_the_same_price() -> None:
    per_million = row(armRegionName="westus", retailPrice=25, unitOfMeasure="1M")

    assert read_rows(row(), per_million) == {("global", "2025-04"): 25}


def test_of_two_prices_in_as_many_regions_the_lower_is_the_usual_one() -> None:
    prices = read_rows(row(retailPrice=0.03), row(armRegionName="westus", retailPrice=0.02))

    assert prices == {
        ("global", "2025-04"): 20,
        ("global (eastus2)", "2025-04"): 30,
    }


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        pytest.param(
            ["eastus2", "westus", "swedencentral"],
            {("global", "2025-04"): 25, ("global", "2027-01"): 20},
            id="all regions",
        ),
        pytest.param(
            ["swedencentral"],
            {
                ("global", "2025-04"): 25,
                ("global (swedencentral)", "2025-04"): 25,
                ("global (swedencentral)", "2027-01"): 20,
            },
            id="one region",
        ),
        pytest.param(
            ["eastus2", "westus"],
            {
                ("global", "2025-04"): 25,
                ("global", "2027-01"): 20,
                ("global (swedencentral)", "2025-04"): 25,
            },
            id="most regions",
        ),
    ],
)
def test_a_price_that_changes_on_a_day_is_told_for_before_and_after(
    moved: list[str], expected: dict[tuple[str, str], int]
) -> None:
    now = [row(armRegionName=name) for name in ("eastus2", "westus", "swedencentral")]
    then = [
        row(armRegionName=name, retailPrice=0.02, effectiveStartDate="2027-01-01T00:00:00Z")
        for name in moved
    ]

    assert read_rows(*then, *now) == expected


def test_a_price_that_becomes_the_usual_one_is_so_from_that_day_on() -> None:
    lower = row(armRegionName="swedencentral", retailPrice=0.02)
    follows = row(
        armRegionName="westus", retailPrice=0.02, effectiveStartDate="2027-01-01T00:00:00Z"
    )

    assert read_rows(row(), row(armRegionName="westus"), lower, follows) == {
        ("global", "2025-04"): 25,
        ("global", "2027-01"): 20,
        ("global (eastus2)", "2025-04"): 25,
        ("global (swedencentral)", "2025-04"): 20,
    }


def test_a_regional_price_that_changes_on_a_day_is_told_for_before_and_after() -> None:
    meter = "gpt-4.1 FT Training regional Tokens"
    then = row(meter, retailPrice=0.02, effectiveStartDate="2027-01-01T00:00:00Z")

    assert read_rows(row(meter), then) == {("eastus2", "2025-04"): 25, ("eastus2", "2027-01"): 20}


@pytest.mark.parametrize("where", ["global", "regional"])
def test_two_prices_of_one_meter_at_once_are_refused(where: str) -> None:
    meter = f"gpt-4.1 FT Training {where} Tokens"
    rows = [row(meter), row(meter, armRegionName="westus"), row(meter, retailPrice=0.03)]

    with pytest.raises(SourceError, match=r"two values for meter training_tokens of 'gpt-4\.1'"):
        SOURCE.read(json.dumps(page(*rows)).encode())


def test_two_meters_of_one_offer_must_agree() -> None:
    first, second = "gpt-4.1 FT Training global Tokens", "gpt 4.1 ft training glbl Tokens"

    assert len(read(page(row(first), row(second)))) == 1
    with pytest.raises(Unreadable, match=f"'{first}' and '{second}' differ in eastus2"):
        read(page(row(first), row(second, retailPrice=0.03)))


def two_pages(**changed: object) -> Iterator[dict[str, Any]]:
    yield page(row(), row(armRegionName="westus"), **({"NextPageLink": link(2)} | changed))
    yield page(row("gpt-4.1-ft input global Tokens"))


def test_pages_are_one_list() -> None:
    assert [quote["meter"] for quote in read(*two_pages())] == ["training_tokens", "input_tokens"]


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        pytest.param([*two_pages()][:1], "page 1 of 1 says that the next one is", id="cut"),
        pytest.param([*two_pages()] * 2, "page 2 of 4 says that the next one is None", id="twice"),
        pytest.param([*two_pages(NextPageLink=link(3))], "2 rows up to page 1", id="a lost page"),
        pytest.param([*two_pages(Count=3)], "page 1 has 2 rows in USD: 3", id="lost rows"),
        pytest.param([*two_pages(BillingCurrency="EUR")], "2 rows in EUR", id="another currency"),
    ],
)
def test_pages_that_are_not_the_whole_list_are_refused(
    pages: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(Unreadable, match=problem):
        read(*pages)


def test_rows_grouped_by_somebody_else_are_refused() -> None:
    grouped = json.loads((FIXTURES / "2026-07-31.json").read_text("utf-8"))

    with pytest.raises(Unreadable, match="neither pages of the API nor"):
        read(grouped | {"source": "https://example.com/prices"})
    with pytest.raises(Unreadable, match="neither pages of the API nor"):
        read(grouped, grouped)


def test_the_next_page_is_on_the_same_host() -> None:
    assert SOURCE.next_page is not None

    def next_page(address: str | None) -> str | None:
        assert SOURCE.next_page is not None
        return SOURCE.next_page(json.dumps(page(NextPageLink=address)).encode())

    assert next_page(None) is None
    assert next_page(link(1000)) == link(1000).replace(":443", "")
    for elsewhere in (
        link(1).replace("https", "http"),
        link(1).replace("prices.azure.com", "prices.azure.com.example.net"),
        link(1).replace("//", "//prices.azure.com@example.net/"),
        link(1).replace(":443", ":8443"),
        "/api/retail/prices?$skip=1",
    ):
        with pytest.raises(Unreadable, match="the next page is on another host"):
            next_page(elsewhere)


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_list_says_what_is_known_of_it() -> None:
    reading = SOURCE.read(CAPTURE.read_bytes())
    prices = {
        tuple(key): price
        for *key, price in reading.quotes.select(
            "model", "service_tier", "region", "meter", "unit_price"
        ).rows()
    }
    training = {
        (model, region): price
        for (model, tier, region, meter), price in prices.items()
        if tier == "standard" and meter == "training_tokens"
    }

    assert (reading.quotes.height, reading.terms.height) == (420, 0)
    assert {price for (model, _), price in training.items() if model == "gpt-4.1"} == {
        Decimal(25), Decimal("27.5"), Decimal("30.25"), Decimal(33),
    }  # fmt: skip
    assert {
        model: training[model, "global"] for model, region in training if region == "global"
    } == {
        "gpt-4o": 25, "gpt-4o-mini": 3, "gpt-4.1": 25, "gpt-4.1-mini": 5,
        "gpt-4.1-nano": Decimal("1.5"), "gpt-oss-20b": Decimal("3.6"),
        "babbage-002": Decimal("0.4"), "davinci-002": 6,
    }  # fmt: skip
    assert training["gpt-4 (8K)", "northcentralus"] == 80
    for key, price in {
        ("gpt-4o", "developer", "global", "training_tokens"): "12.5",
        # as Azure has it: 32 times the price of what is not cached
        ("gpt-4o", "developer", "global", "cached_input_tokens"): "44",
        ("gpt-4o", "developer", "global", "input_tokens"): "1.375",
        ("gpt-4o-mini", "developer", "global", "input_tokens"): "5.5",
        ("gpt-4o", "developer", "global (swedencentral)", "input_tokens"): "1.513",
        ("o4-mini", "standard", "global", "training_hours"): "100",
        ("o4-mini", "standard", "data zone", "training_hours"): "110",
        ("o4-mini", "standard", "swedencentral", "training_hours"): "121",
        ("o4-mini", "developer", "global", "training_hours"): "50",
        ("gpt-3.5-turbo (4K)", "standard", "swedencentral", "training_tokens"): "9.68",
        ("gpt-3.5-turbo (4K)", "standard", "eastus2", "training_hours"): "49.5",
        ("gpt-4 (8K)", "standard", "swedencentral", "training_hours"): "102",
        ("gpt-4o", "standard", "southeastasia", "hosting_hours"): "2.04",
        ("gpt-oss-20b", "standard", "data zone", "hosting_hours"): "0.33",
        ("o3-mini", "standard", "global", "hosting_hours"): "1.02",
        ("babbage-002", "standard", None, "output_tokens"): "0.4",
    }.items():
        assert prices[key] == Decimal(price), key
    hosting = reading.quotes.filter(meter="hosting_hours", region="global")["unit_price"]
    assert hosting.value_counts().sort("count", descending=True)["unit_price"][0] == Decimal("1.7")
    assert reading.quotes["valid_from"].null_count() == 0
    assert reading.quotes["valid_from"].max() == datetime(2026, 6, 1)  # noqa: DTZ001 UTC by contract


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_real_list_reads_the_same_in_the_pages_of_the_api() -> None:
    grouped = CAPTURE.read_bytes()
    rows = [
        row(item["meterName"], armRegionName=region)
        | {key: item[key] for key in ("retailPrice", "effectiveStartDate", "unitOfMeasure")}
        for item in json.loads(grouped)["items"]
        for region in item["regions"]
    ]
    starts = range(0, len(rows), 1000)
    pages = [
        page(*rows[at : at + 1000], NextPageLink=None if at == starts[-1] else link(at + 1000))
        for at in starts
    ]
    capture = "\n".join(map(json.dumps, pages)).encode()

    assert len(pages) == 21
    assert (
        SOURCE.read(capture)
        .quotes.drop("locator")
        .equals(SOURCE.read(grouped).quotes.drop("locator"))
    )


@pytest.mark.skipif(not CAPTURE.exists(), reason="the captures are not shipped")
def test_the_list_that_ships_agrees_with_the_real_one() -> None:
    columns = [*Offer._fields, "meter", "unit_price"]
    assert TRANSCRIBED.bundled is not None
    shipped = TRANSCRIBED.read(TRANSCRIBED.bundled()).quotes.filter(
        provider="azure", url="https://prices.azure.com/api/retail/prices"
    )
    real = SOURCE.read(CAPTURE.read_bytes()).quotes

    assert set(shipped.select(columns).rows()) <= set(real.select(columns).rows())
    assert shipped.height >= 50


def test_one_meter_in_two_units_that_differ_is_refused() -> None:
    with pytest.raises(Unreadable, match="per 1K tokens and per 1M tokens"):
        read_rows(row(), row(armRegionName="westus", unitOfMeasure="1M"))

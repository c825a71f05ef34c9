"""A source without code is a source everywhere: the example of the docs, on the whole path."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import ACME, DESCRIBED, EXAMPLE, TEAM_LIST, ratecard
from tests.pipeline.loopback import Site, page
from warehouse.store import Store


def rows(*arguments: object, code: int = 0) -> list[dict[str, Any]]:
    ran = ratecard(*arguments, "--json")
    assert (ran.code, ran.err) == (code, "")
    answer: list[dict[str, Any]] = json.loads(ran.out)
    return answer


PRICES = """
    select model, tuning_method, adapter, meter, availability, unit_price::double, pricing_currency
    from current_prices where source = '{source}' order by all
"""


@pytest.mark.usefixtures("acme")
def test_what_is_described_is_looked_at_believed_and_shown() -> None:
    health = {row["source"]: row for row in rows("status")}
    assert [health[name]["state"] for name in DESCRIBED] == ["ok", "ok"]
    store = Store(Path("data"))
    assert store.query(PRICES.format(source="acme_prices")).rows() == [
        ("acme-200b", "sft", "full", "training_tokens", "priced", 500, "CNY"),
        ("acme-200b", "sft", "lora", "hosting_hours", "priced", 28, "CNY"),
        ("acme-200b", "sft", "lora", "training_tokens", "not_offered", None, None),
        ("acme-70b", "sft", "full", "training_tokens", "not_published", None, None),
        ("acme-70b", "sft", "lora", "training_tokens", "priced", 120, "CNY"),
        ("acme-9b", "sft", "full", "training_tokens", "priced", 80, "CNY"),
        ("acme-9b", "sft", "lora", "hosting_hours", "priced", 3.5, "CNY"),
        ("acme-9b", "sft", "lora", "training_tokens", "priced", 40, "CNY"),
    ]
    assert store.query(PRICES.format(source="team_list")).rows() == [
        ("acme-70b", "sft", "full", "training_tokens", "not_offered", None, None),
        ("acme-9b", "dpo", "lora", "training_tokens", "priced", 20, "USD"),
        ("acme-9b", "sft", "lora", "training_tokens", "priced", 12, "USD"),
    ]
    terms = "select model, term, value from current_terms order by all"
    assert store.query(terms).rows() == [
        ("acme-200b", "hosting", "managed"),
        ("acme-70b", "hosting", "self_hosted"),
        ("acme-9b", "hosting", "managed"),
        ("acme-9b", "min_examples", "100"),
    ]

    first = next(
        row
        for row in rows("explain", "acme", "acme-9b", "training_tokens")
        if row["adapter"] == "lora"
    )
    assert (first["source"], first["printed_text"]) == ("acme_prices", "40.00")
    assert first["url"] == "https://acme.example/pricing"
    assert store.archive.load(first["capture_sha256"]).decode() == ACME
    compared = {(row["model"], row["tuning_method"], row["adapter"]) for row in rows("compare")}
    assert ("acme-9b", "sft", "lora") in compared
    listed = {row["source"]: row["kind"] for row in rows("sources", "list")}
    assert {name for name, kind in listed.items() if kind == "described"} == {*DESCRIBED}


def test_a_price_that_changes_is_history_and_a_rebuild_finds_it_again(acme: Site) -> None:
    acme.answers["acme_prices"] = page(ACME.replace("40.00", "44.00").encode())
    rows("refresh", *DESCRIBED)
    assert [path for path, _ in acme.asked] == ["acme_prices"]
    (changed,) = rows("changes")
    assert (changed["cause"], changed["model"], changed["change_pct"]) == (
        "price_change",
        "acme-9b",
        10,
    )
    before = rows("digest")
    rows("rebuild")
    assert rows("digest") == before


@pytest.mark.usefixtures("acme")
def test_saved_captures_go_into_a_folder_called_like_the_source() -> None:
    folder = Path("saved") / "acme_prices"
    folder.mkdir(parents=True)
    (folder / "2026-01-01.html").write_text(ACME.replace("40.00", "36.00"), encoding="utf-8")
    (folder / "2026-02-01.html").write_text(ACME, encoding="utf-8")
    assert [row["outcome"] for row in rows("backfill", "saved")] == ["read", "read"]
    query = "select valid_from::date::varchar from price_history where unit_price in (36, 40)"
    assert Store(Path("data")).query(query).rows() == [("2026-01-01",), ("2026-02-01",)]


@pytest.mark.usefixtures("acme")
def test_a_file_that_is_missing_or_mistaken_is_told() -> None:
    before = Store(Path("data")).query(PRICES.format(source="team_list")).rows()
    listed = Path("team-prices.csv").absolute()
    listed.unlink()
    (health,) = (r for r in rows("refresh", "team_list") if r["source"] == "team_list")
    assert health["state"] == "unreachable"
    assert health["reason"] == f"team_list: {listed} cannot be read: No such file or directory"

    listed.write_text(TEAM_LIST.replace("12,1M tokens", "12,1M words"), encoding="utf-8")
    (health,) = (r for r in rows("refresh", "team_list") if r["source"] == "team_list")
    assert health["state"] == "failing"
    assert "csv/tr[2]: no known unit in '1M words'" in health["reason"]
    assert Store(Path("data")).query(PRICES.format(source="team_list")).rows() == before

    listed.write_text(TEAM_LIST, encoding="utf-8")
    (health,) = (r for r in rows("refresh", "team_list") if r["source"] == "team_list")
    assert health["state"] == "ok"


@pytest.mark.usefixtures("acme")
def test_what_is_no_longer_described_is_kept_unread() -> None:
    Path("ratecard.toml").unlink()
    ran = ratecard("refresh", "acme_prices")
    assert (ran.code, ran.err.partition(";")[0]) == (2, "no such source: acme_prices")
    assert rows("rebuild") == [{"looks": 2}]
    query = "select distinct error from looks where source = 'acme_prices'"
    ((error,),) = Store(Path("data")).query(query).rows()
    assert error == "acme_prices: no such source any more; its captures are kept unread"
    Path("ratecard.toml").write_text(EXAMPLE, encoding="utf-8")
    rows("rebuild")
    assert len(Store(Path("data")).query(PRICES.format(source="acme_prices")).rows()) == 8


def test_another_description_of_the_same_page_is_a_correction(acme: Site) -> None:
    written = EXAMPLE.replace('currency = "CNY"', 'currency = "USD"')
    Path("ratecard.toml").write_text(written, encoding="utf-8")
    acme.answers["acme_prices"] = page(ACME.replace("June", "July").encode())
    rows("refresh", "acme_prices")
    query = "select distinct pricing_currency from current_prices where availability = 'priced'"
    assert Store(Path("data")).query(query).rows() == [("USD",)]
    assert {row["cause"] for row in rows("changes")} == {"correction"}

    Path("ratecard.toml").write_text(EXAMPLE, encoding="utf-8")
    assert rows("reparse", "acme_prices") == [{"source": "acme_prices", "corrections": 6}]
    assert Store(Path("data")).query(query + " order by all").rows() == [("CNY",), ("USD",)]

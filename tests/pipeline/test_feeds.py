"""The feeds: valid, news alone, the same while nothing changes, and harmless whatever it says."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import pytest

from pipeline.feeds import ENTRIES, RECORDS, feeds
from tests.pipeline.conftest import First, ratecard, with_all
from tests.test_docs import DOCS, rows_of_table
from tests.warehouse.worlds import World, day, quote, term
from warehouse.gate import Limits
from warehouse.publication import Manifest, verify
from warehouse.store import Store

ATOM = "{http://www.w3.org/2005/Atom}"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
BASE = {"tuning_method": "none", "adapter": None}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(Store(tmp_path))
    world.is_live = True
    return world


def made(world: World, *, site: str | None = None, base_models: bool = False) -> dict[str, bytes]:
    """Publish a world with its feeds, and give them by their names."""
    world.publish(faces=lambda ask: feeds(ask, site=site, base_models=base_models))
    folder = world.store.published.parent
    assert verify(folder) == []
    names = (name for name in Manifest.of(folder).files if name.startswith("feeds/"))
    found = {Path(name).name: (folder / name).read_bytes() for name in names}
    for name, content in found.items():
        if name.endswith(".atom"):
            demand_valid(content)
    return found


def parsed(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314 we wrote it


def demand_valid(content: bytes) -> None:
    """Demand what RFC 4287 demands, of what an XML parser and a feed reader make of it."""
    read = feedparser.parse(content)
    assert not read.bozo
    assert read.version == "atom10"
    feed = parsed(content)
    assert feed.tag == f"{ATOM}feed"
    assert [author.findtext(f"{ATOM}name") for author in feed.findall(f"{ATOM}author")]
    entries = feed.findall(f"{ATOM}entry")
    assert [link.get("href") for link in feed.findall(f"{ATOM}link[@rel='self']")]
    for element in (feed, *entries):
        tags = [child.tag.removeprefix(ATOM) for child in element]
        assert {*tags} <= {
            *("id", "title", "updated", "author", "generator", "link", "entry"),
            *("category", "content"),
        }
        for tag in ("id", "title", "updated"):
            assert tags.count(tag) == 1
            assert element.findtext(f"{ATOM}{tag}")
        assert INSTANT.fullmatch(str(element.findtext(f"{ATOM}updated")))
        assert re.match(r"(tag|https?):", str(element.findtext(f"{ATOM}id")))
        links = [(link.get("rel"), link.get("type")) for link in element.findall(f"{ATOM}link")]
        assert len(links) == len({*links})
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(ids) == len({*ids})
    updated = [str(entry.findtext(f"{ATOM}updated")) for entry in entries]
    if updated:
        assert feed.findtext(f"{ATOM}updated") == max(updated)
    for entry in entries:
        assert entry.findtext(f"{ATOM}content")
        assert [category.get("term") for category in entry.findall(f"{ATOM}category")] != [None]


def entries(content: bytes) -> list[Any]:
    return list(feedparser.parse(content).entries)


def titles(content: bytes) -> list[str]:
    return [entry.title for entry in entries(content)]


def changes(content: bytes) -> list[dict[str, Any]]:
    """Read `changes.json` as a program does that takes no rounded number."""
    said = json.loads(content, parse_float=Decimal)
    assert said["version"] == 1
    return list(said["changes"])


def test_a_title_says_what_changed_from_what_to_what(world: World) -> None:
    world.says(
        0,
        quote(3, region="eu"),
        quote(3, model="dear"),
        quote(3, model="gone"),
        quote(3, model="gift"),
        quote(0, model="trial", availability="free"),
        quote(3, model="back"),
        quote("3", model="far"),
        quote(3, model="later"),
        term("min_examples", "10", model="*"),
    )
    without = [quote(3, model="gone"), quote(3, model="back")]
    said = [
        quote("4.5", region="eu"),
        quote(3, model="dear", pricing_unit="1M tokens", list_unit_price=Decimal(6)),
        quote(0, model="gift", availability="free"),
        quote(2, model="trial"),
        quote(20, model="far", pricing_currency="CNY"),
        quote(3, model="later"),
        quote(5, model="later", valid_from=day(5000)),
        quote(7, model="new", tuning_method="unknown", adapter="unknown", service_tier="batch"),
        term("min_examples", "20", model="*"),
        term("shutdown_on", "2027-01-06"),
    ]
    world.says(1, *said)
    world.says(2, *said, without[1])
    world.says(3, *said, without[1])
    found = [(entry.title, entry.tags[0].term) for entry in entries(made(world)["changes.atom"])]
    assert sorted(found) == sorted(
        [
            ("seller a sft lora eu, training tokens: 3 → 4.5 USD per 1M tokens (+50%)",
             "price_change"),
            ("seller gift sft lora, training tokens: free now, was 3 USD per 1M tokens",
             "became_free"),
            ("seller trial sft lora, training tokens: no longer free, 2 USD per 1M tokens",
             "no_longer_free"),
            ("seller gone sft lora, training tokens: withdrawn, was 3 USD per 1M tokens",
             "withdrawn"),
            ("seller back sft lora, training tokens: withdrawn, was 3 USD per 1M tokens",
             "withdrawn"),
            ("seller back sft lora, training tokens: listed again, 3 USD per 1M tokens",
             "relisted"),
            ("seller far sft lora, training tokens: 3 USD per 1M tokens → 20 CNY per 1M tokens",
             "price_change"),
            ("seller later sft lora, training tokens: 3 → 5 USD per 1M tokens from 2039-09-10 on",
             "announced"),
            ("seller new tuned batch, training tokens: listed, 7 USD per 1M tokens", "listed"),
            ("seller every model sft lora, min examples: 10 → 20", "term_change"),
            ("seller a sft lora, shutdown on: not stated → 2027-01-06", "lifecycle"),
        ]
    )  # fmt: skip


def test_an_entry_says_since_when_and_why_we_believe_it(world: World) -> None:
    world.says(0, quote(3))
    world.says(2.5, quote(4, printed_text="$4.00", url="https://example.org/a page?q=定价"))
    found = made(world)
    (entry,) = entries(found["changes.atom"])
    (change,) = changes(found["changes.json"])
    assert entry.id == f"tag:ratecard.invalid,2026:change/{change['change_id']}"
    assert entry.updated == change["known_at"] == "2026-01-03T12:00:00Z"
    assert entry.link == "https://example.org/a%20page?q=%E5%AE%9A%E4%BB%B7"
    assert entry.content[0].type == "text/plain"
    assert entry.content[0].value == (
        "Since 2026-01-03 12:00 UTC; the look before was at 2026-01-01 00:00 UTC. "
        f"Stated by page, {entry.link}. Printed: “$4.00”. "
        f"Capture: SHA-256 {change['capture_sha256']}. Change: {change['change_id']}."
    )


def test_only_what_was_seen_to_happen_is_news(world: World) -> None:
    dated = [quote(price, model="dated", valid_from=day(on)) for price, on in ((5, -9), (6, -5))]
    announced = quote(7, model="dated", valid_from=day(9))
    first = [quote(1), quote(5, model="b"), *dated, announced]
    world.says(0, *first)
    # a new unit for the same price, and a real change
    world.says(
        1,
        quote(1, pricing_unit="1K tokens", list_unit_price=Decimal("0.001")),
        quote(6, model="b"),
        *dated,
        announced,
    )
    # back to the very bytes of the first capture
    world.says(2, *first)
    found = made(world)
    assert titles(found["changes.atom"]) == [
        "seller b sft lora, training tokens: 6 → 5 USD per 1M tokens (-16.67%)",
        "seller b sft lora, training tokens: 5 → 6 USD per 1M tokens (+20%)",
    ]
    silent = [change["cause"] for change in changes(found["changes.json"]) if not change["is_news"]]
    assert sorted(silent) == [
        *("announced", "price_change"), "unit_restated", "unit_restated"
    ]  # fmt: skip


def test_what_a_page_tells_later_of_the_time_before_all_looks_is_no_news(world: World) -> None:
    world.says(0, quote(1))
    past = [quote(price, model="b", valid_from=day(on)) for price, on in ((5, -9), (6, -5))]
    world.says(1, quote(1), *past)
    found = made(world)
    assert [change["cause"] for change in changes(found["changes.json"])] == ["price_change"]
    assert titles(found["changes.atom"]) == []


def test_what_was_announced_and_is_taken_back_is_news(world: World) -> None:
    now, ahead = quote(1, valid_from=day(-5)), quote(2, valid_from=day(50))
    world.says(0, now)
    world.says(1, now, ahead)
    world.says(2, now)
    (title,) = titles(made(world)["changes.atom"])
    assert title == (
        "seller a sft lora, training tokens: 1 USD per 1M tokens from 2026-02-20 on, and not "
        "2 USD per 1M tokens as announced (-50%)"
    )


def test_what_is_read_better_later_keeps_its_place(world: World) -> None:
    world.parser = lambda row: {**row, "unit_price": row["unit_price"] / 2}
    world.says(0, quote(2), quote(2, model="b"))
    world.says(1, quote(4), quote(2, model="b"))
    before = entries(made(world)["changes.atom"])
    world.parser, world.parser_version = dict, 2
    world.says(2, quote(4), quote(6, model="b"))
    after = entries(made(world)["changes.atom"])
    assert [entry.id for entry in before] == [entry.id for entry in after[1:]]
    assert before[0].updated == after[1].updated == "2026-01-02T00:00:00Z"


def test_what_was_misread_is_no_news(world: World) -> None:
    def misread(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "unit_price": min(row["unit_price"], Decimal(2))}

    world.parser = misread
    world.says(0, quote(1))
    world.says(1, quote(2))
    world.says(2, quote(9))
    assert len(titles(made(world)["changes.atom"])) == 1
    world.parser, world.parser_version = dict, 2
    # what else is seen at the very look that finds it out is news
    world.says(3, quote(12), quote(3, model="new"))
    found = made(world)
    assert titles(found["changes.atom"]) == [
        "seller a sft lora, training tokens: 9 → 12 USD per 1M tokens (+33.33%)",
        "seller new sft lora, training tokens: listed, 3 USD per 1M tokens",
        "seller a sft lora, training tokens: 1 → 2 USD per 1M tokens (+100%)",
    ]
    assert sorted(
        (change["cause"], change["new_unit_price"])
        for change in changes(found["changes.json"])
        if not change["is_news"]
    ) == [("correction", "9"), ("price_change", "9")]


def test_base_models_are_left_out_unless_asked_for(world: World) -> None:
    world.limits = Limits()
    run = {"meter": "input_tokens", **BASE}
    others = [quote(price, model=f"other {price}", **run) for price in range(2, 9)]
    world.says(0, quote(1, model="classifier model 3b", **run), *others, quote(1))
    world.says(1, quote(1, model="classifier (3b)", **run), *others, quote(1))
    world.says(2, quote("1.1", model="classifier (3b)", **run), *others, quote(1))
    found = made(world)
    assert titles(found["changes.atom"]) == []
    assert changes(found["changes.json"]) == []
    more = made(world, base_models=True)
    assert titles(more["changes.atom"]) == [
        "seller classifier (3b), input tokens: 1 → 1.1 USD per 1M tokens (+10%)",
        "seller classifier (3b), renamed: classifier model 3b → classifier (3b)",
    ]
    assert len(changes(more["changes.json"])) == 2


def test_a_tuned_model_that_is_called_otherwise_is_news(world: World) -> None:
    world.limits = Limits()
    others = [quote(price, model=f"other {price}") for price in range(2, 9)]
    world.says(0, quote(1, model="classifier model 3b"), *others)
    world.says(1, quote(1, model="classifier (3b)"), *others)
    (title,) = titles(made(world)["changes.atom"])
    assert title == ("seller classifier (3b), renamed: classifier model 3b → classifier (3b)")


def test_each_seller_has_a_feed_of_its_own_before_anything_changes(world: World) -> None:
    both = [quote(1), quote(1, provider="other"), quote(1, provider="base_only", **BASE)]
    world.says(0, *both)
    found = made(world)
    assert {*found} == {"changes.atom", "changes.json", "seller.atom", "other.atom"}
    assert feedparser.parse(found["other.atom"]).feed.updated == "1970-01-01T00:00:00Z"
    world.says(1, quote(2), *both[1:])
    world.says(2, quote(2), quote(3, provider="other"), both[2])
    found = made(world)
    (ours,), (others,) = (entries(found[f"{name}.atom"]) for name in ("seller", "other"))
    assert [ours.id, others.id] == [entry.id for entry in entries(found["changes.atom"])][::-1]
    assert ours.title.startswith("seller ")
    assert "at other" in feedparser.parse(found["other.atom"]).feed.title
    ids = {feedparser.parse(found[n]).feed.id for n in found if n.endswith(".atom")}
    assert len(ids) == 3


def test_while_nothing_changes_the_feeds_stay_the_same(world: World) -> None:
    world.says(0, quote(1))
    world.says(1, quote(2), quote(3, model="b"))
    first = made(world)
    world.says(2, quote(2), quote(3, model="b"))
    world.fails(3)
    assert made(world) == first
    world.store.rebuild(world.read)
    assert made(world) == first
    # looks go on before an announced day, and after it
    later = [quote(2), quote(3, model="b"), quote(4, model="b", valid_from=day(4000))]
    world.says(4, *later)
    announced = {name: said for name, said in made(world).items() if name.endswith(".atom")}
    (entry, *_) = entries(announced["changes.atom"])
    assert entry.content[0].value.startswith("From 2036-12-14 00:00 UTC on. Stated by page, ")
    world.says(5, *later)
    assert announced.items() <= made(world).items()
    world.says(4001, *later)
    assert announced.items() <= made(world).items()


def test_the_newest_are_kept_and_come_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.says(0, *(quote(1, model=f"m{number}") for number in range(ENTRIES + 30)))
    world.says(1, *(quote(2, model=f"m{number}") for number in range(ENTRIES + 30)))
    world.says(2, *(quote(2, model=f"m{number}") for number in range(1, ENTRIES + 30)))
    found = made(world)
    for name in ("changes.atom", "seller.atom"):
        told = entries(found[name])
        assert len(told) == ENTRIES
        assert [entry.tags[0].term for entry in told[:2]] == ["withdrawn", "price_change"]
        assert [entry.updated for entry in told] == sorted((e.updated for e in told), reverse=True)
    told = changes(found["changes.json"])
    assert len(told) == ENTRIES + 31
    assert "the newest 10,000" in DOCS["feeds.md"]
    assert RECORDS == 10_000
    monkeypatch.setattr("pipeline.feeds.RECORDS", 5)
    assert changes(made(world)["changes.json"]) == told[:5]


HOSTILE = [
    "<script>alert(1)</script>",
    "a & b <b>\"quoted\"</b> 'x'",
    "]]><entry/>",
    "<![CDATA[x]]>",
    "&lt;img src=x onerror=alert(1)&gt; &#0; &undefined;",
    "[link](javascript:alert(1)) @everyone",
    "\x1b[31mred\x1b]8;;http://x\x07 \x00 \x9b",
    "\u202eesrever\u2066 \u200b\ufeff\u2028",
    "a\r\nb\tc\x0bd",
    "\ufffe\uffff\U0001fffe \ue000",
    "豆包 微调 🤖",
    "x" * 10_000,
    "\x1b" * 10_000,
    " " * 5_000 + "x",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_come_out_harmless(world: World, name: str) -> None:
    texts = {"model": f"m{name}", "region": name, "printed_text": name, "url": f"https://x/{name}"}
    world.says(0, quote(1, **texts), term("hosting", name))
    world.says(1, quote(2, **texts), term("hosting", f"{name} too"))
    found = made(world)
    told = entries(found["changes.atom"])
    assert len(told) in {1, 2}
    feed = parsed(found["changes.atom"])
    # markup is text: there is not one element more
    assert {element.tag.removeprefix(ATOM) for element in feed.iter()} == {
        *("feed", "title", "id", "updated", "author", "name", "generator", "link", "entry"),
        *("category", "content"),
    }
    for element in feed.iter():
        for text in (element.text or "", *element.attrib.values()):
            assert all(sign.isprintable() for sign in text.strip("\n "))
            assert len(text) <= 2500
    links = [link.href for entry in told for link in entry.get("links", ())]
    assert all(re.match(r"https://[!-~]*$", link) for link in links)
    # a terminal that prints the file shows what is in it
    assert all(sign.isprintable() or sign == "\n" for sign in found["changes.atom"].decode())
    assert found["changes.json"].isascii()
    assert all(32 <= sign < 127 for sign in found["changes.json"])
    models = {change["model"] for change in changes(found["changes.json"])}
    assert f"m{name}" in models


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "https://[", "https:", "//x", "file:///etc"]
)
def test_an_address_that_nobody_should_follow_is_no_link(world: World, url: str) -> None:
    world.says(0, quote(1, url=url))
    world.says(1, quote(2, url=url))
    content = made(world)["changes.atom"]
    (entry,) = entries(content)
    assert not entry.get("links")
    assert url.encode() + b"<" not in content
    assert "Stated by page. " in entry.content[0].value


def test_a_name_that_is_no_file_name_has_no_feed_of_its_own(world: World) -> None:
    world.says(0, quote(1, provider="x" * 300), quote(1, provider="changes"))
    world.says(1, quote(2, provider="x" * 300), quote(2, provider="changes"))
    found = made(world)
    assert {*found} == {"changes.atom", "changes.json"}
    assert len(entries(found["changes.atom"])) == 2


def test_where_it_is_served_the_feeds_know_their_address(world: World) -> None:
    world.says(0, quote(1))
    world.says(1, quote(2))
    here, there = made(world), made(world, site="https://prices.example.org/rates/")
    links = {link.rel: link.href for link in feedparser.parse(there["seller.atom"]).feed.links}
    place = "https://prices.example.org/rates/feeds"
    assert links == {"self": f"{place}/seller.atom", "related": f"{place}/changes.json"}
    assert feedparser.parse(there["changes.atom"]).feed.id == f"{place}/changes.atom"
    root = parsed(here["seller.atom"])
    assert [link.get("href") for link in root.findall(f"{ATOM}link")] == [
        *("seller.atom", "changes.json")
    ]
    assert root.findtext(f"{ATOM}id") == "tag:ratecard.invalid,2026:seller"
    # whoever moves sends nobody the same news again
    assert [e.id for e in entries(here["seller.atom"])] == [
        e.id for e in entries(there["seller.atom"])
    ]
    assert here["changes.json"] == there["changes.json"]


def test_numbers_in_json_are_exact_and_times_are_utc(world: World) -> None:
    world.says(0, quote("0.000123456789012345"), quote(100, model="b"))
    world.says(1, quote("123456789012.123456789012345678"), quote(2000, model="b"))
    told = {change["model"]: change for change in changes(made(world)["changes.json"])}
    assert told["a"]["old_unit_price"] == "0.000123456789012345"
    assert told["a"]["new_unit_price"] == "123456789012.123456789012345678"
    assert (told["b"]["old_unit_price"], told["b"]["new_unit_price"]) == ("100", "2000")
    assert told["b"]["change_pct"] == 1900
    for change in told.values():
        for name in ("valid_from", "last_seen_before_at", "known_at"):
            assert INSTANT.fullmatch(change[name])


def test_the_fields_in_the_docs_are_those_that_are_written(world: World) -> None:
    world.says(0, quote(1))
    world.says(1, quote(2))
    (change,) = changes(made(world)["changes.json"])
    listed = rows_of_table("| field | what it says |", DOCS["feeds.md"])
    assert [row[0].strip("`") for row in listed] == [*change]
    assert {"change_id", "cause", "change_pct", "known_at", "capture_sha256"} <= {*change}
    comments = dict(
        world.store.query(
            "select column_name, comment from duckdb_columns() where table_name = 'price_changes'"
        ).rows()
    )
    assert {name.strip("`"): says for name, says in listed[:-2]} == comments


def test_the_elements_in_the_docs_are_those_of_an_entry(world: World) -> None:
    world.says(0, quote(1))
    world.says(1, quote(2))
    entry = parsed(made(world)["changes.atom"]).find(f"{ATOM}entry")
    assert entry is not None
    listed = rows_of_table("| element | what it says |", DOCS["feeds.md"])
    assert [row[0].strip("`") for row in listed] == [e.tag.removeprefix(ATOM) for e in entry]
    assert f"the newest {ENTRIES} changes" in DOCS["feeds.md"]


def test_a_refresh_publishes_the_feeds(
    answered: First, copied: Callable[[First], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(answered)
    published = folder / "published"
    manifest = Manifest.of(published)
    sellers = {row["provider"] for row in Store(folder).query("from cost_comparison").to_dicts()}
    assert {f"feeds/{name}.atom" for name in {*sellers, "changes"}} <= {*manifest.files}
    for path in (published / "feeds").glob("*.atom"):
        demand_valid(path.read_bytes())
    before = (published / "feeds" / "changes.atom").read_bytes()
    monkeypatch.setenv("RATECARD_SITE", "https://prices.example.org")
    monkeypatch.setenv("RATECARD_FEED_BASE_MODELS", "true")
    assert ratecard("rebuild", "--data-dir", folder).code == 0
    after = (published / "feeds" / "changes.atom").read_bytes()
    assert b"https://prices.example.org/feeds/changes.atom" in after
    assert b"https://prices.example.org" not in before
    assert with_all(folder).settings.feed_base_models
    assert verify(published) == []

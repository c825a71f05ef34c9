"""Messages: what they say, in which words, and that nothing in them does harm."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, get_args
from unittest import mock

import polars as pl
import pytest
from apprise import Apprise, NotifyFormat
from apprise.conversion.format import convert_between
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.alerts import CAUSES, KINDS, MOMENTS, Alerts, fired, meaning, rule_frame
from pipeline.harmless import LONGEST, address, plain
from pipeline.messages import (
    FILES,
    LANGUAGES,
    LONGEST_BODY,
    LONGEST_TITLE,
    MOST,
    NOTICES,
    Language,
    Message,
    line,
    mistakes,
    weighed,
    words,
    write,
)
from pipeline.workloads import Workload, own, reference_workloads, workload_frame
from sources._contract import (
    ADAPTERS,
    BILLED_TOKENS_RULES,
    CURRENCIES,
    SERVICE_TIERS,
    TERMS,
    TUNING_METHODS,
)
from sources._parsing import _COUNT_NAMES, _TIME, Meter
from tests.pipeline.conftest import ratecard
from tests.warehouse.worlds import World, day, quote, term
from warehouse.schemas import _AVAILABILITY, _VERDICTS
from warehouse.store import Store

DOCS: Final = Path("docs/alerts.md").read_text("utf-8")
EVER: Final = datetime(2020, 1, 1)  # noqa: DTZ001 the warehouse's times are UTC without an offset
every_language: Final = pytest.mark.parametrize("language", LANGUAGES)

_OFFER: Final = {
    "tuning_method": "sft",
    "adapter": "lora",
    "service_tier": "batch",
    "region": "eu",
    "context_tier": None,
    "price_list": None,
}
_CHANGED: Final = {
    "old_value": "3 per 1M tokens",
    "new_value": "4 per 1M tokens",
    "old_availability": "priced",
    "new_availability": "priced",
    "old_pricing_currency": "USD",
}
_DETAILS: Final[dict[str, dict[str, Any]]] = {
    "changes": {
        **_OFFER,
        **_CHANGED,
        "remark": None,
        "is_ahead": False,
        "reference": 2.5,
        "since_alert_pct": 60.0,
    },
    "cheapest": {
        **_CHANGED,
        "question": "workload:mine",
        "constraint_set": "available",
        "was": [{"offer": "seller a", "usd": "3"}],
        "is_now": [{"offer": "seller b", "usd": "2"}, {"offer": "other c", "usd": "2"}],
        "changed_model": "seller a",
        "changed_pct": 25.0,
    },
    "break_even": {
        **_OFFER,
        **_CHANGED,
        "workload": "mine",
        "asked": 20_000,
        "verdict": "pays_back",
        "months": 3.0,
        "changed_provider": "seller",
        "changed_model": "a",
        "changed_pct": 25.0,
    },
    "ends": {"tuning_method": "sft", "days_left": 30},
    "unconfirmed": {"price_count": 12, "first_model": "a", "days_silent": 31},
    "failing": {"look_count": 5, "last_look_at": "2026-08-03 00:00:00"},
    "review": {"is_whole": True, "doubt_count": 3},
    "disagreements": {**_OFFER, "source_b": "blog"},
    "channel": {"waiting_count": 12},
}
_SIDES: Final = {
    "changes": ("3 per 1M tokens", "4 per 1M tokens"),
    "break_even": ("40000", "15000"),
    "ends": (None, "2026-10-23"),
    "failing": (None, "no answer"),
    "review": (None, "half of the rows are gone"),
    "channel": (None, "no answer"),
    "disagreements": ("priced 3 USD", "priced 4 USD"),
}
_CAUSE: Final = {"changes": "price_change", "break_even": "pays_back", "ends": "shutdown_on"}


def event(kind: str, /, details: dict[str, Any] | None = None, **columns: Any) -> dict[str, Any]:  # noqa: ANN401 any column
    """Give an event as `fired` does, with these columns in place of the usual."""
    old, new = _SIDES.get(kind, (None, None))
    return {
        "event_id": f"{[*_DETAILS].index(kind):02}abcdef" * 4,
        "kind": kind,
        "rule": "mine",
        "provider": "seller",
        # what is another event here is of another fact
        "subject": columns.get("event_id", "seller a"),
        "cause": _CAUSE.get(kind, kind),
        "old": old,
        "new": new,
        "change_pct": 33.33 if kind in {"changes", "disagreements"} else None,
        "began_at": day(10),
        "fires_at": day(11),
        "source": "page",
        "url": "https://example.org/pricing",
        "capture_sha256": "0123456789abcdef" * 4,
        "model": "a",
        "canonical_model": "a",
        "meter": None if kind == "ends" else "training_tokens",
        "term": "shutdown_on" if kind == "ends" else None,
        "pricing_currency": "USD",
        "printed_text": "$4.00",
        "last_seen_before_at": day(9),
        "details": json.dumps({**_DETAILS[kind], **(details or {})}),
        **columns,
    }


EVERY: Final = [event(kind) for kind in _DETAILS]


# The words.


@every_language
def test_every_name_has_a_word(language: Language) -> None:
    said = words(language)
    units = {f"{count}{noun}" for count in _COUNT_NAMES.values() for noun in ("token", "character")}
    expected = {
        "kind": {*KINDS},
        "cause": {*CAUSES, "renamed"},
        "meter": {*get_args(Meter)},
        "term": {*TERMS},
        "verdict": {*_VERDICTS},
        "availability": {*_AVAILABILITY},
        "tuning_method": {*TUNING_METHODS} - {"none"},
        "adapter": {*ADAPTERS} - {"unknown"},
        "service_tier": {*SERVICE_TIERS} - {"standard"},
        "currency": {*CURRENCIES},
        "unit": {f"{unit}s" if " " in unit else unit for unit in units} | {*_TIME, "job"},
        "question": {"training", "paid_training", "tuned_inference", "workload"},
        "value": {"managed", "self_hosted", "both", "yes", "no", "unknown", "base_price"},
    }
    if language != "en":
        # in English they are their own words
        expected["value"] |= {*BILLED_TOKENS_RULES}
    assert {group: {*names} for group, names in said.items()} == expected
    assert all(word for names in said.values() for word in names.values())


def test_chinese_is_chinese() -> None:
    kept = {"currency", "adapter"}
    for group, names in words("zh").items():
        for name, word in names.items():
            assert group in kept or re.search("[\u4e00-\u9fff]", word), (group, name)
    for one in EVERY:
        said = line({**one, "rule": "x", "source": "x", "url": None, "capture_sha256": None}, "zh")
        english = {*re.findall("[A-Za-z]{2,}", said)}
        names = {"seller", "other", "blog", "SFT", "LoRA", "eu", "token", "mine", "available"}
        names |= {"ratecard", "alerts", "outbox"}
        assert english <= names | {"no", "answer", "half", "of", "the", "rows", "are", "gone"}, said


@every_language
@pytest.mark.parametrize("kind", KINDS)
def test_each_notice_of_each_kind_is_worded(kind: str, language: Language) -> None:
    told = [write([{**event(kind), "notice": notice}], language=language) for notice in NOTICES]
    assert len({message.title for message in told}) == len(NOTICES)
    for message in told:
        assert message.problem is None
        assert "None" not in message.body
        for part in ("page", "0123456789ab", "https://example.org/pricing", "mine", kind):
            assert part in message.body, part
        assert f" {event(kind)['event_id'][:8]}\n" in f"{message.body}\n"


@pytest.mark.parametrize(
    ("columns", "details", "english", "chinese"),
    [
        (
            {},
            {},
            "seller a sft lora batch eu, training tokens: 3 → 4 USD per 1M tokens (+33.33%)",
            "seller a（SFT 微调，LoRA，批处理，eu）训练价格：每百万 token 3 → 4 美元（+33.33%）",
        ),
        (
            {"cause": "became_free", "new": "free", "change_pct": None},
            {"new_availability": "free", "region": None},
            "seller a sft lora batch, training tokens: free now, was 3 USD per 1M tokens",
            "seller a（SFT 微调，LoRA，批处理）训练价格：转为免费，原为每百万 token 3 美元",
        ),
        (
            {"cause": "lifecycle", "old": "free", "new": "not_offered", "change_pct": None},
            {"tuning_method": "none", "adapter": None, "service_tier": "standard", "region": None}
            | {"old_availability": "free", "new_availability": "not_offered"},
            "seller a, training tokens: free → not offered",
            "seller a 训练价格：免费 → 不提供",
        ),
        (
            {"cause": "term_change", "meter": None, "term": "hosting", "model": "*"}
            | {"old": None, "new": "managed", "change_pct": None},
            {"old_availability": None, "new_availability": None, "region": None, "adapter": None},
            "seller every model sft batch, hosting: not stated → managed",
            "seller 全部模型（SFT 微调，批处理）部署方式：未说明 → 平台托管",
        ),
        (
            {"cause": "lifecycle", "meter": None, "term": None, "old": "old b", "new": "a"}
            | {"change_pct": None},
            {"remark": "renamed", "old_availability": None, "new_availability": None}
            | {"tuning_method": "unknown", "adapter": "unknown", "service_tier": "standard"}
            | {"region": None},
            "seller a, renamed: old b → a",
            "seller a 更名：old b → a",
        ),
        (
            {"cause": "announced", "change_pct": None},
            {"is_ahead": True, "region": None},
            (
                "seller a sft lora batch, training tokens: 3 → 4 USD per 1M tokens from "
                "2026-01-11 on"
            ),
            (
                "seller a（SFT 微调，LoRA，批处理）训练价格：自2026年1月11日起，每百万 token "
                "3 → 4 美元"
            ),
        ),
    ],
)
def test_a_change_says_from_what_to_what(
    columns: dict[str, Any], details: dict[str, Any], english: str, chinese: str
) -> None:
    one = event("changes", details=details, **columns)
    assert line(one, "en").partition("; ")[0] == english
    assert line(one, "zh").partition("；")[0] == chinese


# How much.


def test_the_weightiest_comes_first_and_sellers_stand_together() -> None:
    some = [
        event("unconfirmed", event_id="1" * 32, provider="one"),
        event("changes", event_id="2" * 32, provider="two", change_pct=-5),
        event("changes", event_id="3" * 32, provider="one", change_pct=50),
        event("ends", event_id="4" * 32, provider="two", notice="resolved"),
        event("ends", event_id="5" * 32, provider="three", new="2027-01-01"),
        event("ends", event_id="6" * 32, provider="two"),
    ]
    assert [one["event_id"][0] for one in weighed(some)] == ["6", "5", "3", "2", "1", "4"]
    message = write(some, language="en")
    assert message.title.endswith("is shut down on 2026-10-23, in 30 days (and 5 more)")
    assert re.findall("^■ (.*)", message.body, re.MULTILINE) == ["two", "three", "one"]


@every_language
def test_at_most_so_many_events_are_written_out_and_the_rest_is_counted(language: Language) -> None:
    many = [event("changes", event_id=f"{number:032}") for number in range(100)]
    message = write(many, language=language)
    assert message.body.count("•") == MOST
    assert re.search(rf"^\D+ {100 - MOST} ", message.body, re.MULTILINE)
    assert "100" in message.title or "99" in message.title


@every_language
def test_a_flood_leaves_room_for_what_is_written_out(language: Language) -> None:
    many = [event("changes", event_id=f"{n:032}", subject=str(n)) for n in range(10_000)]
    message = write(many, language=language)
    assert len(message.body) <= LONGEST_BODY
    assert message.body.count("•") > MOST / 2


@every_language
def test_a_message_stays_short_whatever_it_is_about(language: Language) -> None:
    long = dict.fromkeys(("model", "printed_text", "source", "provider"), "long name " * 99)
    long["url"] = f"https://example.org/{'x' * 1900}"
    message = write([event(kind, **long) for kind in KINDS] * 9, language=language)
    assert len(message.body) <= LONGEST_BODY
    assert len(message.title) <= LONGEST_TITLE
    assert 1 <= message.body.count("•") < MOST


# The user's own templates.


def test_own_templates_take_the_place_of_the_built_in(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "message.j2").write_text(
        '{% from "parts.j2" import headline %}Prices: {{ count }}\n'
        "{% for group in groups %}{% for e in group.events %}*{{ headline(e) }}* {{ e.model }}\n"
        "{% endfor %}{% endfor %}",
        encoding="utf-8",
    )
    (tmp_path / "en" / "parts.j2").write_text(
        '{% import "built_in/parts.j2" as built_in %}'
        "{% macro headline(e) %}News of {{ built_in.offer(e) }}{% endmacro %}",
        encoding="utf-8",
    )
    assert mistakes(tmp_path) == []
    one = event("changes", model="*a*", details=dict.fromkeys(_OFFER))
    assert write([one], language="en", templates=tmp_path) == Message(
        "Prices: 1", "*News of seller ∗a∗* ∗a∗"
    )
    assert write([one], language="zh", templates=tmp_path) == write([one], language="zh")


BROKEN: Final = {
    "{{ count }}\n{% for %}": "line 2: ",
    "{{ count }}\n\n{{ nothing }}": "line 3: 'nothing' is undefined",
    "{{ first.nothing.at.all }}": "line 1: 'dict object' has no attribute 'nothing'",
    "{{ ().__class__.__mro__ }}": "line 1: access to attribute '__class__'",
    "{{ 1 / 0 }}": "line 1: division by zero",
    "{{ first.model | safe }}": "line 1: No filter named 'safe'",
    '{% include "/etc/passwd" %}': "line 1: there is no template /etc/passwd",
    "{# nothing #}": None,
    "{% for _ in range(10**9) %}{% endfor %}": "line 1: Range too big",
}


@pytest.mark.parametrize(("template", "said"), BROKEN.items())
def test_a_broken_template_loses_no_alert(template: str, said: str | None, tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    file = tmp_path / "en" / "message.j2"
    file.write_text(template, encoding="utf-8")
    broken, whole = (write(EVERY, language="en", templates=place) for place in (tmp_path, None))
    assert broken.problem is not None
    assert (f"{file}, {said}" if said else "message.j2 writes nothing") in broken.problem
    assert broken.title == whole.title
    assert broken.body.startswith(whole.body)
    assert "The built-in templates are used instead" in broken.body.splitlines()[-1]


@pytest.mark.parametrize(
    "template",
    [
        "{{ first.model }}",
        "{{ first.model ~ first.page ~ first.model }}",
        "{{ first.page + first.model }}",
        "{{ [first.model, first.page] | join }}",
        "{{ '%s%s' | format(first.model, first.page) }}",
        "{{ first.model | upper | title }}",
        "{{ first }}",
        "{% autoescape false %}{{ first.model }}{% endautoescape %}",
        "{% set said %}{{ first.model }}{% endset %}{{ said }}",
        (
            "{% macro said() %}{{ first.model }}{{ caller() }}{% endmacro %}"
            "{% call said() %}{{ first.model }}{% endcall %}"
        ),
        "{% filter upper %}{{ first.model }}{% endfilter %}",
    ],
)
def test_no_template_lets_through_what_a_page_says(template: str, tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "message.j2").write_text(template, encoding="utf-8")
    name = "x<b>@everyone *a* [b](http://c.de) `d` \x1b\u202e"
    one = event("changes", model=name)
    message = write([one], language="en", templates=tmp_path)
    assert message.problem is None
    said = message.title.replace("https://example.org/pricing", "")
    assert not {*"@<>*[]`\x1b\u202e"} & {*said}
    assert "://" not in said.lower()


def test_what_is_wrong_with_templates_is_told_before_they_are_needed(tmp_path: Path) -> None:
    (missing,) = mistakes(tmp_path / "nowhere")
    assert "is no folder" in missing
    for name, template in {
        "en/message.j2": "{{ count }}\n{{ count",
        "zh/parts.j2": "{{ event.model | safe }}",
        "zh/line.j2": "",
        "de/message.j2": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(template, encoding="utf-8")
    found = "\n".join(mistakes(tmp_path))
    assert f"{tmp_path}/en/message.j2, line 2: " in found
    assert f"{tmp_path}/zh/parts.j2, line 1: No filter named 'safe'" in found
    for name in ("zh/line.j2", "de/message.j2"):
        assert f"{tmp_path}/{name}: no template is called so; there are en/message.j2" in found


def test_the_wheel_has_the_templates(tmp_path: Path) -> None:
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = {*zipfile.ZipFile(wheel).namelist()}
    for language in LANGUAGES:
        for file in (*FILES, "line.j2", "words.toml"):
            assert f"pipeline/templates/{language}/{file}" in names


# Harmless.

PLAIN: Final = (
    "gpt-4.1-mini-2025-04-14",
    "ft:gpt-4o",
    "Llama_3.1 8B",
    "≤16B",
    "up to 16B",
    "amazon.nova-2-lite-v1:0",
    "$3.00 / 1M tokens",
    "-12.5%",
    "豆包 1.5 微调（LoRA），每百万 token 5 元",
    "AT&T, a & b",
    "(train + validation) x epochs",
    "input_tokens",
)
HOSTILE: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &#60;",
    "a&lt",
    "a&alpha",
    "[free](https://evil.example/a)",
    "![x](http://evil.example/x.png)",
    "<https://evil.example|prices>",
    "https://evil.example/a?b=c#d",
    "HTTP://EVIL.EXAMPLE",
    "www.evil.example",
    "evil.com",
    "@everyone @here",
    "@\u200beveryone",
    "<!channel> <@U012AB3CD> <#C012> <@&99> <t:1:R>",
    "a@evil.example",
    "**bold** *it* _it_ __u__ ~~gone~~ ||hidden|| `code` ```x```",
    "\\*not\\*",
    "# heading",
    "- item\n1. one\n> quote\n---\n===",
    ":smile: :warning:",
    "\x1b[31mred\x1b]8;;http://x\x07 \x00\x9b\x7f",
    "\u202eesrever\u2066 \u200f",
    "a\r\nb\tc\u2028d\u2029e",
    "\u200b\u200d\ufeff\u2060\u00ad\u034f\u3164\ufe0f",
    "\ud800",
    "x" * 10_000,
    "*" * 10_000,
    "{{ 7 * 7 }}{% raw %}",
)
_TEXTS: Final = ("model", "provider", "source", "printed_text", "rule", "url", "old", "new")


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert plain(name) == name
    assert name in line(event("changes", model=name), "en")


hostile_texts: Final = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE), st.text(max_size=8), st.sampled_from("@<>*_`~[]()|#&:;/\\.")
    ),
    min_size=1,
    max_size=6,
).map(lambda parts: "x" + "".join(parts))


@given(hostile_texts)
def test_what_is_plain_stays_so(said: str) -> None:
    once = plain(said)
    assert plain(once) == once
    assert len(once) <= LONGEST


def hostile(text: str) -> Iterator[dict[str, Any]]:
    """Give an event of each kind that says a text wherever a page can."""
    for number, kind in enumerate(_DETAILS):
        texts = {
            name: text
            for name in _TEXTS
            if name not in {"old", "new"} or kind in {"changes", "failing", "review", "channel"}
        }
        details = _DETAILS[kind]
        told = {
            **{name: text for name in ("region", "context_tier", "price_list") if name in details},
            **{
                name: text
                for name in ("first_model", "source_b", "changed_model")
                if name in details
            },
            **({"was": [{"offer": text, "usd": "3"}]} if "was" in details else {}),
            **({"old_value": text, "new_value": text} if kind == "break_even" else {}),
        }
        yield event(kind, details=told, event_id=f"{number:032}", **texts)


def demand_harmless(message: Message, pages: set[str]) -> None:
    shown = f"{message.title}\n{message.body}"
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert "\n" not in message.title
    assert not re.search("[\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f]", shown)
    for page in pages:
        shown = shown.replace(page, "")
    assert not {*"@<>`*[]|\\~#"} & {*shown}
    assert not re.search(r"(?i)://|www\.|&#?\w+;|:[a-z_][\w+-]*:", shown)
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", shown)
    assert not re.search(r"\w\.[^\W\d_]{2,}(?![\w-])", shown)


@every_language
@settings(max_examples=60, deadline=None)
@given(text=hostile_texts)
def test_whatever_a_page_says_a_message_is_harmless(language: Language, text: str) -> None:
    some = [*hostile(text)]
    message = write(some, language=language)
    assert message.problem is None
    pages = {page for page in (address(one["url"]) for one in some) if page}
    demand_harmless(message, pages)
    # a text from a page stays in its line
    assert message.body.count("\n") == write([*hostile("xx")], language=language).body.count("\n")
    for one in some:
        said = line(one, language)
        demand_harmless(Message("", said), pages)
        assert "\n" not in said


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@every_language
def test_whatever_a_channel_makes_of_a_message_it_stays_a_text(
    language: Language, text: str
) -> None:
    some = [*hostile(f"x{text}")]
    for one in some:
        one["url"] = f"https://example.org/a_b/{text}?c=d&e={text}"
    body = write(some, language=language).body
    text_, markdown, html = NotifyFormat.TEXT, NotifyFormat.MARKDOWN, NotifyFormat.HTML
    escaped = convert_between(text_, markdown, body)
    for shown in (
        convert_between(text_, html, body),
        # as it is escaped, and as a channel takes it that renders Markdown unasked
        convert_between(markdown, html, escaped),
        convert_between(markdown, html, body),
        MarkdownIt("commonmark").render(escaped),
        MarkdownIt("commonmark", {"breaks": True}).render(body),
    ):
        seen = Seen(shown)
        assert seen.tags <= {"p", "br"}
        assert "".join(seen.text.split()) == "".join(body.split())


class Seen(HTMLParser):
    """What a browser has of a page: its tags, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


CHANNELS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/": lambda sent: unescape(
        f"{sent['attachments'][0]['title']}{sent['attachments'][0]['text']}"
    ),
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV/": lambda sent: sent["content"],
    "tgram://123456789:abcdefg_hijklmnop/12315544/": lambda sent: unescape(
        sent["text"].removeprefix("<b>").replace("</b>", "", 1)
    ),
    "tgram://123456789:abcdefg_hijklmnop/12315544/?format=markdown": lambda sent: re.sub(
        r"\\(.)|\*", r"\1", sent["text"]
    ),
}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
# a channel's library has it
@pytest.mark.filterwarnings("ignore:'imghdr'")
def test_a_channel_is_sent_the_very_text(channel: str, text: str) -> None:
    message = write([*hostile(f"x{text}")][:2], language="en")
    sent = []

    def post(*_: object, **said: Any) -> mock.Mock:  # noqa: ANN401 as requests has it
        sent.append(json.loads(said["data"]))
        return mock.Mock(status_code=200, content=b"ok", text="ok")

    opened = Apprise()
    assert opened.add(channel)
    with mock.patch("requests.Session.request", post):
        assert opened.notify(message.body, message.title, body_format=NotifyFormat.TEXT)
    (told,) = map(CHANNELS[channel], sent)
    assert "".join(told.split()) == "".join(f"{message.title}{message.body}".split())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a?b=c&d=1#e", "https://example.org/a?b=c&d=1#e"),
        ("https://example.org/fine_tuning.md", "https://example.org/fine_tuning.md"),
        (
            "https://example.org/_x_/~me/*(a)[b]|`'\"<>",
            "https://example.org/%5Fx%5F/%7Eme/%2A%28a%29",
        ),
        ("https://example.org/a b\n定价", "https://example.org/a%20b"),
        ("https://example.org/&lt;x", "https://example.org/&%6Ct%3Bx"),
        ("https://example.org/?a&currencyCode=USD", "https://example.org/?a&%63urrencyCode=USD"),
        ("https://example.org:8080/:smile:", "https://example.org:8080/%3Asmile%3A"),
        ("https://bank.example@evil.example/", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("//example.org", None),
        (None, None),
        (f"https://example.org/{'x' * 3000}", None),
    ],
)
def test_an_address_is_one_to_follow_or_none(url: str | None, shown: str | None) -> None:
    found = address(url)
    assert (found or "").startswith(shown or "")
    assert (found is None) == (shown is None)
    assert not found or re.fullmatch(r"[A-Za-z0-9:/?#=&%+,$._-]+", found)


# What it means.

JOB: Final = Workload(
    training_tokens=5_000_000,
    examples=1000,
    epochs=1,
    requests=50_000,
    prompt_before=2000,
    prompt_after=500,
    completion_tokens=100,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a world in which training becomes dearer, running cheaper, and an end comes near."""
    world = World(Store(tmp_path / "data"), openai_pricing=1)
    world.workloads = workload_frame({"support": JOB, "other": JOB})
    offer = {"provider": "openai", "model": "gpt-4.1", "adapter": "unknown"}
    offer["url"] = "https://example.org/pricing"
    base = {**offer, "tuning_method": "none", "adapter": None}
    end = str(day(1365).date())
    for number, (training, running) in enumerate([(25, 8), (25, 8), (20, 6)]):
        world._known = number  # noqa: SLF001 each look becomes known on its own day
        world.says(
            1000 + number,
            quote(training, **offer, printed_text=f"${training}.00"),
            *(quote(2, **base, meter=meter) for meter in ("input_tokens", "output_tokens")),
            quote(running, **offer, meter="input_tokens", printed_text=f"${running}.00"),
            quote(6, **offer, meter="output_tokens"),
            term("shutdown_on", end, **offer, printed_text=f"Shut down on {end}"),
            source="openai_pricing",
        )
    return world.publish(1010)


def rules() -> pl.DataFrame:
    said = {"changes": {"mine": {}}, "ends": {"mine": {"days": 400}}}
    return rule_frame(Alerts.model_validate(said))


def test_a_message_says_what_it_means_for_a_workload(store: Store) -> None:
    events = fired(store, rules(), EVER, mode="replay")
    means = meaning(store, events.to_dicts(), ["support"])
    assert {*means["workload"]} == {"support"}
    assert means.height == events.height
    body = write(events.to_dicts(), language="en", meaning=means).body
    said = (
        "support on openai gpt-4.1 sft: 230.00 → 180.00 USD a month, training 125.00 → 100.00 USD, "
        "pays back after 3.3 months (before: never pays back)"
    )
    assert body.count(said) == 2
    assert "sft: 180.00 USD a month, training 100.00 USD, pays back after 3.3 months\n" in body
    assert meaning(store, events.to_dicts(), []).is_empty()
    assert meaning(store, [], ["support"]).is_empty()


def test_only_so_many_moments_are_asked_about(tmp_path: Path) -> None:
    world = World(Store(tmp_path / "data"), page=1)
    world.workloads = workload_frame({"support": JOB})
    base = {"tuning_method": "none", "adapter": None}
    for number in range(MOMENTS + 4):
        world._known = number  # noqa: SLF001 as above
        running = [
            quote(price, meter=meter, **kind)
            for meter in ("input_tokens", "output_tokens")
            for price, kind in ((3, base), (1, {}))
        ]
        world.says(1000 + number, quote(10 + number), *running)
    events = fired(world.publish(), rules(), EVER, mode="replay")
    assert events.height == MOMENTS + 3
    rows = events.to_dicts()
    means = meaning(world.store, rows, ["support"])
    assert {*means["event_id"]} == {row["event_id"] for row in weighed(rows)[:MOMENTS]}
    # as an outbox keeps them
    kept = json.loads(json.dumps(rows, default=str))
    assert meaning(world.store, kept, ["support"]).equals(means)
    said = {write(each, language="zh", meaning=means) for each in (rows, kept)}
    assert len(said) == 1


def test_the_user_s_own_workloads_are_meant_and_others_only_without() -> None:
    reference = reference_workloads()
    assert own({**reference, "mine": JOB}) == ["mine"]
    assert own({**reference, "classifier": JOB}) == ["classifier"]
    assert own(reference) == [*reference][:3]


# The command, and the docs.


@every_language
def test_the_command_speaks_both_languages(
    store: Store, language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ratecard.toml").write_text("[alerts.changes.mine]\n", encoding="utf-8")
    asked = ("alerts", "replay", "--since", "2020-01-01", "--language", language)
    asked = (*asked, "--data-dir", str(store.folder))
    ran = ratecard(*asked)
    assert (ran.code, ran.err) == (0, "")
    (entry,) = json.loads(ratecard(*asked, "--json").out)
    said = [one["says"] for one in entry["events"]]
    assert [each.strip() for each in ran.out.splitlines()[1:]] == said
    assert entry["says"] == said[-1]
    assert ("训练价格" in ran.out) == (language == "zh")


def test_the_command_shows_a_message_and_what_is_wrong_with_templates(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "[alerts.changes.mine]\n[workloads.support]\n" + "\n".join(
        f"{name} = {value}" for name, value in JOB.model_dump(exclude_unset=True).items()
    )
    Path("ratecard.toml").write_text(text, encoding="utf-8")
    (tmp_path / "own" / "en").mkdir(parents=True)
    file = tmp_path / "own" / "en" / "message.j2"
    file.write_text("Mine\n{{ count }} {{ first.meaning | length }}", encoding="utf-8")
    monkeypatch.setenv("RATECARD_TEMPLATES", "own")
    asked = ("alerts", "replay", "--since", "2020-01-01", "--message")
    asked = (*asked, "--data-dir", str(store.folder))
    ran = ratecard(*asked)
    assert (ran.code, ran.out, ran.err) == (0, "Mine\n\n2 1\n", "")
    file.write_text("{{", encoding="utf-8")
    ran = ratecard(*asked)
    assert ran.code == 0
    assert "own/en/message.j2, line 1: " in " ".join(ran.err.split())
    assert ran.out.startswith("ratecard: openai gpt-4.1 sft, ")


def sample(store: Store, language: Language) -> str:
    events = fired(store, rules(), EVER, mode="replay")
    means = meaning(store, events.to_dicts(), ["support"])
    message = write(events.to_dicts(), language=language, meaning=means)
    return f"{message.title}\n\n{message.body}\n"


@every_language
def test_the_docs_show_a_message_as_it_is_written(store: Store, language: Language) -> None:
    assert f"```text\n{sample(store, language)}```" in DOCS


def test_the_templates_of_the_docs_write(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    example = DOCS.partition("```jinja\n")[2].partition("```")[0]
    (tmp_path / "en" / "message.j2").write_text(example, encoding="utf-8")
    assert mistakes(tmp_path) == []
    message = write(EVERY, language="en", templates=tmp_path)
    assert message.problem is None
    assert message.title == f"Prices: {len(EVERY)} news"
    assert message.body.count("https://example.org/pricing") == len(EVERY)

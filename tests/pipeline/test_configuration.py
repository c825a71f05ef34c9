"""The configuration file: what it adds to the program, and that no mistake in it passes."""

import re
from pathlib import Path
from typing import Final

import pytest

from pipeline.configuration import (
    Configuration,
    ConfigurationError,
    GateLimits,
    Setup,
    built_in,
    load_setup,
    read_configuration,
)
from pipeline.settings import Settings
from sources._contract import Rank, every_source
from tests.pipeline.conftest import DESCRIBED, EXAMPLE, ratecard
from warehouse.gate import Limits
from warehouse.store import SPEAKERS, Rules


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of a configuration file in the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ratecard.toml"


@pytest.mark.usefixtures("file")
def test_without_a_file_there_are_the_built_in_sources_and_the_usual_limits() -> None:
    setup = load_setup()
    assert [*setup.sources] == sorted(built_in())
    assert setup.limits == Limits()


def test_a_file_that_is_named_must_be_there(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RATECARD_CONFIG", str(tmp_path / "mine.toml"))
    with pytest.raises(ConfigurationError, match=r"mine\.toml cannot be read: .*RATECARD_CONFIG"):
        load_setup()
    file.write_text(EXAMPLE, encoding="utf-8")
    file.rename(tmp_path / "mine.toml")
    assert {*DESCRIBED} < {*load_setup().sources}


def test_what_is_described_stands_beside_what_is_built_in(file: Path) -> None:
    file.write_text(EXAMPLE, encoding="utf-8")
    setup = load_setup()
    assert [*setup.sources] == sorted([*built_in(), *DESCRIBED])
    assert all(source.name == name for name, source in setup.sources.items())
    assert {*DESCRIBED} <= {*setup.asked}


def test_the_gate_is_as_wary_as_the_file_says(file: Path) -> None:
    file.write_text(EXAMPLE, encoding="utf-8")
    limits = load_setup().limits
    assert limits.lost_share == 0.3
    assert limits.jump == Limits().jump
    assert limits.bounds == {**Limits().bounds, "training_tokens": (0.001, 5000)}


def test_who_is_believed_first_is_as_the_file_says(file: Path) -> None:
    assert load_setup().rules == Rules()
    order = ("transcribed", "seller", "catalogue", "third_party")
    file.write_text(f"[ranking]\norder = {[*order]}\n", encoding="utf-8")
    assert load_setup().rules == Rules(ranking=order)


def test_everybody_who_speaks_has_a_place() -> None:
    assert [rank.name.lower() for rank in Rank] == [*SPEAKERS]
    assert [rank.value for rank in Rank] == [*range(1, len(SPEAKERS) + 1)]


def test_the_gates_limits_are_those_that_there_are() -> None:
    assert set(GateLimits.model_fields) == set(vars(Limits()))
    assert GateLimits().limits() == Limits()


def test_sources_read_from_saved_captures_alone_are_asked_of_a_mirror_only() -> None:
    unasked = {name for name, source in every_source().items() if source.unasked}
    assert {*every_source()} - {*Setup(Settings()).asked} == unasked
    assert Setup(Settings(mirror="http://127.0.0.1:9")).asked == [*every_source()]


GATE: Final = "[gate]\n"
ACME: Final = "[sources.acme_prices]\n"
WHOLE: Final = EXAMPLE.partition("[sources.team_list]")[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[source.acme]\n", "source: no such key; did you mean `sources`?"),
        ("wary = 1\n", "wary: no such key; there are sources, gate, ranking"),
        (GATE + "lost_shares = 0.1\n", "gate.lost_shares: no such key; did you mean `lost_share`?"),
        (GATE + "jump = 1\n", "gate.jump: Input should be greater than 1; write the factor"),
        (GATE + "few = 1.5\n", "gate.few: Input should be a valid integer"),
        (GATE + "few = 1\n", "gate.few: Input should be greater than or equal to 2; write how"),
        (GATE + "lost_share = -1\n", "gate.lost_share: Input should be greater than 0; write of"),
        (
            "[gate.bounds]\ntokens = [1, 2]\n",
            "gate.bounds.tokens: Input should be 'training_tokens', ",
        ),
        (
            '[ranking]\norder = ["catalogue", "seller"]\n',
            "ranking.order: each of seller, catalogue, third_party, transcribed belongs there once",
        ),
        (
            '[ranking]\norder = ["seller", "seller", "catalogue", "third_party", "transcribed"]\n',
            "ranking.order: each of seller, catalogue, third_party, transcribed belongs there once",
        ),
        (
            '[ranking]\norder = "seller"\n',
            "ranking.order: Input should be a valid tuple; write who is believed first to who is",
        ),
        (
            '[ranking]\norder = ["seller", 2, "catalogue", "transcribed"]\n',
            "ranking.order.2: Input should be a valid string",
        ),
        ("[ranking]\norders = []\n", "ranking.orders: no such key; did you mean `order`?"),
        ("[gate.bounds]\ninput_tokens = [0, 2]\n", "gate.bounds.input_tokens.1: Input should be"),
        ("[gate.bounds]\ninput_tokens = 3\n", "gate.bounds.input_tokens: Input should be a valid"),
        (
            "[gate.bounds]\ninput_tokens = [3, 2]\n",
            "gate.bounds.input_tokens: [3.0, 2.0] is no range; write the least and the most",
        ),
        (
            WHOLE.replace("acme_prices", "litellm"),
            "sources.litellm: a built-in source has this name; take another",
        ),
        (
            WHOLE.replace("acme_prices", '"Acme Prices"'),
            "sources.Acme Prices: 'Acme Prices' is no name; use a-z, 0-9 and _",
        ),
        (
            WHOLE.replace("ignore_rows", "ignore_row"),
            "sources.acme_prices.ignore_row: no such key; did you mean `ignore_rows`?",
        ),
        (
            WHOLE.replace('rank = "seller"', 'rank = "sellers"'),
            "sources.acme_prices.rank: 'sellers' is none of seller, catalogue, third_party, trans",
        ),
        (
            re.sub("description = .*", "", WHOLE),
            "sources.acme_prices.description: is missing; add what it is, in a few words",
        ),
        (
            re.sub("quotes = .*", "quotes = 5", WHOLE),
            "sources.acme_prices.quotes: Input should be a valid tuple; write the least and",
        ),
        (
            re.sub(r"quotes = .*\nterms = .*", "quotes = [0, 5]\nterms = [0, 5]", WHOLE),
            "sources.acme_prices.quotes: an empty page would be believed; let the least be 1",
        ),
        (
            WHOLE.replace('above = ["Fine', 'below = ["Fine'),
            "sources.acme_prices.table.below: no such key; there are has, above",
        ),
        (
            WHOLE.replace('unit = "hour"', 'unit = "1M tokens"'),
            'sources.acme_prices.columns."Hosting".unit: a price of hosting_hours is not per',
        ),
        (
            WHOLE.replace('means = "hosting"', 'means = "hostings"'),
            "sources.acme_prices.columns.\"Runs on\".means: 'hostings' is none of ",
        ),
        (
            WHOLE.replace('headers = ["Hosting", "部署"]', ""),
            "sources.acme_prices.columns.4.headers: is missing; add the header, or its several",
        ),
        (
            WHOLE.replace('provider = "acme"', ""),
            "sources.acme_prices.provider: is missing; add it, or a column with means =",
        ),
        ("sources = 3\n", "sources: Input should be a valid dictionary; write sources without"),
        ("[sources]\nacme = 3\n", "sources.acme: Input should be a valid dictionary"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_next_step(
    file: Path, text: str, said: str
) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as mistaken:
        read_configuration(file)
    first, *lines = str(mistaken.value).splitlines()
    assert first == f"{file} has a mistake, and nothing was done:"
    assert len(lines) == 1
    assert lines[0].startswith(f"  {said}"), lines[0]


MISTAKEN: Final = """
wary = true
[gate]
jump = 0.5
[sources.litellm]
path = "list.csv"
description = "a list"
rank = "seller"
tuning_method = "sft"
quotes = [1, 2]
color = "red"
columns = [{ headers = "Model", means = "model" }, { headers = "Price", means = "price" }]
[sources.Acme]
url = "http://acme.example/"
path = "acme.csv"
[[sources.Acme.columns]]
headers = "Training"
means = "training_tokens"
unit = "hour"
"""


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    file.write_text(MISTAKEN, encoding="utf-8")
    ran = ratecard("refresh", "--data-dir", file.parent / "data")
    assert (ran.code, ran.out) == (2, "")
    assert "ratecard.toml has 18 mistakes, and nothing was done:" in ran.err
    told = sorted(re.findall(r"^  ([\w.\"]+): ", ran.err, re.MULTILINE))
    assert told == sorted(
        [
            "wary",
            "gate.jump",
            "sources.litellm",
            "sources.litellm.provider",
            "sources.litellm.columns",
            'sources.litellm.columns."Price".means',
            "sources.litellm.color",
            "sources.Acme",
            "sources.Acme.url",
            "sources.Acme.url",
            'sources.Acme.columns."Training".unit',
            "sources.Acme.columns",
            "sources.Acme.provider",
            "sources.Acme.quotes",
            "sources.Acme.tuning_method",
            "sources.Acme.adapter",
            "sources.Acme.description",
            "sources.Acme.rank",
        ]
    )
    assert not (file.parent / "data").exists()


@pytest.mark.parametrize("text", ["[sources", "a = 1\na = 2\n", "\ufeff\0"])
def test_what_is_no_toml_is_told(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"is no TOML: .*; mend it there"):
        read_configuration(file)


def test_an_empty_file_says_nothing(file: Path) -> None:
    file.write_text("", encoding="utf-8")
    assert read_configuration(file) == Configuration()


def test_a_question_needs_no_configuration(file: Path) -> None:
    file.write_text("wary = true\n", encoding="utf-8")
    ran = ratecard("compare", "--data-dir", file.parent / "data")
    assert (ran.code, ran.out) == (1, "")
    assert "nothing is published" in ran.err

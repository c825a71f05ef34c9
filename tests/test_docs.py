"""The README keeps its word: its commands run, and its lists are what is there."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Final

import pytest
import typer
from typer.core import TyperGroup

from pipeline.alerts import KINDS, Rule, StateRule
from pipeline.channels import Channel
from pipeline.cli import app
from pipeline.configuration import read_configuration
from pipeline.delivery import payload
from pipeline.settings import Settings
from pipeline.workloads import Constraints, Workload
from sources._configured import MEANINGS, DescribedColumn, Description
from sources._contract import BILLED_TOKENS_RULES, Rank, every_source
from tests.pipeline.delivering import event
from warehouse.gate import Limits, doubts, told
from warehouse.store import LOG, TABLES

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
ASKED: Final = [
    line.partition(" #")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("ratecard ")
]
SPEAKERS: Final = {
    Rank.SELLER: "the seller",
    Rank.CATALOGUE: "a catalogue",
    Rank.THIRD_PARTY: "a third party",
    Rank.TRANSCRIBED: "people",
}


def rows_of_table(header: str, page: str = README) -> list[list[str]]:
    """Give the body cells of a page's table under a header line."""
    body = page.partition(f"{header}\n")[2].splitlines()[1:]
    rows = []
    for line in body:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refresh once, without a network, in a folder as a newcomer has it."""
    folder = tmp_path_factory.mktemp("home")
    captures = folder / "my-captures" / "lmmarketcap"
    captures.mkdir(parents=True)
    page = ROOT / "tests" / "fixtures" / "lmmarketcap" / "2026-11-22.zh.md"
    shutil.copy(page, captures)
    done = run("ratecard refresh", folder)
    assert done.returncode == 0, done.stderr
    # what the first command prints, before other commands add to it
    (folder / "answer.txt").write_text(run("ratecard compare", folder).stdout, encoding="utf-8")
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    _, *arguments = shlex.split(command)
    script = Path(sys.executable).with_name("ratecard")
    closed = {"RATECARD_MIRROR": "http://127.0.0.1:9"}
    return subprocess.run(
        [script, *arguments],
        cwd=folder,
        env={**os.environ, **closed},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_two_commands_set_up_and_run() -> None:
    answer, tests = (
        README.partition(f"<!-- {name} -->\n```sh\n")[2].partition("\n```")[0]
        for name in ("the answer", "the tests")
    )
    assert "\n" not in answer
    assert "\n" not in tests
    assert answer.endswith(".venv/bin/ratecard refresh && .venv/bin/ratecard compare")
    assert tests.endswith(".venv/bin/pytest -n 2")


@pytest.mark.parametrize("command", ASKED)
def test_every_command_in_the_readme_runs(command: str, home: Path) -> None:
    done = run(command, home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_comparison_is_as_large_as_promised(home: Path) -> None:
    done = run("ratecard compare --json", home)
    offers = json.loads(done.stdout)
    assert len(offers) >= 40
    assert len({offer["provider"] for offer in offers}) == 11


def test_the_answer_shown_is_the_answer_given(home: Path) -> None:
    given = (home / "answer.txt").read_text(encoding="utf-8")
    printed = README.partition("```text\n")[2].partition("```")[0].splitlines()[1:]
    for line in printed:
        provider, model, *rest = re.split(r"\s{2,}", line.strip())
        if " " in provider:
            provider, model = provider.split(" ", 1)
        rows = [row for row in given.splitlines() if provider in row and model in row]
        shown = [cell for cell in rest if re.fullmatch(r"[\d.]+( \(CNY\))?", cell)]
        assert any(all(cell in row for cell in shown) for row in rows), line


def test_the_sources_are_those_that_are_there() -> None:
    listed = {
        row[0].strip("`"): row[1]
        for row in rows_of_table("| source | who speaks | what it states |")
    }
    assert listed == {name: SPEAKERS[source.rank] for name, source in every_source().items()}


def test_the_settings_are_those_that_are_there() -> None:
    listed = {row[0].strip("`") for row in rows_of_table("| setting | default | meaning |")}
    assert listed == {f"RATECARD_{name.upper()}" for name in Settings.model_fields}


def test_the_tables_are_those_that_are_there() -> None:
    listed = {
        name
        for row in rows_of_table("| table | one row is |")
        for name in re.findall(r"\w+", row[0])
    }
    assert listed == {*TABLES, *LOG} - {"facts"}


def test_ci_runs_the_readme_s_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    listed = subprocess.run(
        ["sed", "-n", r"/<!-- the tests -->/,/^```$/{/venv/p}", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(listed) == 1
    assert listed[0].endswith("pytest -n 2")


def test_no_lock_names_a_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in pins
        assert pins.count("==") < pins.count("--hash=sha256:")


DOCS: Final = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
CAPTURES: Final = ROOT.parent / "shared" / "captures"
needs_captures: Final = pytest.mark.skipif(
    not CAPTURES.exists(), reason="the captures are not in the project"
)


def test_every_page_of_the_docs_is_linked_and_every_link_leads_somewhere() -> None:
    pages = [(ROOT, README), *((ROOT / "docs", page) for page in DOCS.values())]
    linked = {(folder / link).resolve() for folder, page in pages for link in links(page)}
    assert [str(file) for file in linked if not file.exists()] == []
    assert linked >= {ROOT / "docs" / name for name in DOCS}


def links(page: str) -> list[str]:
    """Give the files that a page links to."""
    return [link for link in re.findall(r"\]\(([^)#]+)", page) if "://" not in link]


@pytest.mark.parametrize(
    "command",
    sorted({
        line.partition(" #")[0].strip()
        for page in DOCS.values()
        for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("ratecard ")
    }),
)  # fmt: skip
def test_every_command_in_the_docs_can_be_called_so(command: str) -> None:
    _, *words = shlex.split(command)
    called = typer.main.get_command(app)
    while isinstance(called, TyperGroup) and words and words[0] in called.commands:
        called = called.commands[words.pop(0)]
    options = {name for param in called.params for name in param.opts}
    assert called.name != "ratecard"
    assert {word for word in words if word.startswith("--")} <= options
    arguments = [param for param in called.params if param.param_type_name == "argument"]
    assert arguments or not words or words[0].startswith("--"), f"{words[0]} is no command"


def test_the_limits_in_the_docs_are_the_gate_s() -> None:
    limits, page = asdict(Limits()), DOCS["gate.md"]
    bounds = limits.pop("bounds")
    rows = rows_of_table("| limit | default | what it is |", page)
    assert {row[0].strip("`"): float(row[1]) for row in rows} == limits
    rows = rows_of_table("| meter | least | most |", page)
    assert {row[0].strip("`"): (float(row[1]), float(row[2])) for row in rows} == bounds


def test_the_rules_in_the_docs_are_the_gate_s() -> None:
    listed = rows_of_table("| rule | what is doubted | what it does |", DOCS["gate.md"])
    assert rules_of_the_gate() == {
        row[0].strip("`"): {
            word.replace(" ", "_") for word in re.findall("hold|set aside|flag", row[2])
        }
        for row in listed
    }


def rules_of_the_gate() -> dict[str, set[str]]:
    """Read from the gate's code which rules it has, and what each may do."""
    rules: dict[str, set[str]] = {}

    def add(node: ast.AST, looped: list[str]) -> None:
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
            looped = re.findall(r"\('(\w+)',", ast.unparse(node.iter))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"_doubt", "_flags"}:
            rule, severity, *_ = map(ast.unparse, node.args)
            does = "'flag'" if ast.unparse(node.func) == "_flags" else severity
            # the one that is decided while the gate runs
            both = {"hold", "flag"} if does == "severity" else {does.strip("'")}
            for name in looped if rule == "rule" else [rule.strip("'")]:
                rules.setdefault(name, set()).update(both)
        for child in ast.iter_child_nodes(node):
            add(child, looped)

    add(ast.parse((ROOT / "warehouse" / "gate.py").read_text("utf-8")), [])
    return rules


@needs_captures
def test_bedrock_s_captures_come_to_what_the_docs_say() -> None:
    facts = {}
    for file in (CAPTURES / "aws_bedrock_page").iterdir():
        reading = every_source()["aws_bedrock_page"].read(file.read_bytes())
        facts[date.fromisoformat(file.stem)] = told(reading.quotes, reading.terms)
    old, few, many = sorted(facts)

    def verdict(before: date, now: date) -> list[tuple[str, str]]:
        found = doubts(facts[before], facts[now], (now - before).days)
        return [(doubt.severity, doubt.rule) for doubt in found]

    assert verdict(few, many) == [("hold", "rows_gained")]
    assert verdict(old, few) == [("hold", "rows_lost")]
    assert verdict(old, many) == [("flag", "rows_gained")]


def test_the_docs_speak_of_every_source() -> None:
    sections = re.findall(r"^### `(\w+)`\n\n(.+)$", DOCS["sources.md"], re.MULTILINE)
    assert {name: "It is not asked" in text for name, text in sections} == {
        name: source.unasked is not None for name, source in every_source().items()
    }


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Load the captures that we hold, and our own list; give the folder, and what was said."""
    folder = tmp_path_factory.mktemp("backfilled")
    done = run(f"ratecard backfill {CAPTURES} --json", folder)
    assert done.returncode == 3, done.stderr
    assert run("ratecard refresh transcribed", folder).returncode == 0
    return folder, done.stdout


@needs_captures
def test_the_captures_that_we_hold_come_to_what_the_docs_say(backfilled: tuple[Path, str]) -> None:
    loaded = {row["file"]: row for row in json.loads(backfilled[1])}
    held = {str(file.relative_to(CAPTURES)) for file in CAPTURES.glob("*/*")}
    listed = set()
    header = "| capture | outcome | quotes | terms | why it is not believed |"
    for captures, outcome, quotes, terms, why in rows_of_table(header, DOCS["sources.md"]):
        for file in re.findall(r"`([^`]+)`", captures):
            listed.add(file)
            # a folder that is no source's is skipped whole
            row = loaded.get(file) or loaded[str(Path(file).parent)]
            counts = [str(row.get(name) or 0) for name in ("quotes", "terms")]
            was_read = row["outcome"] in {"read", "quarantined"}
            assert [outcome, quotes, terms] == [row["outcome"], *(counts if was_read else ["", ""])]
            reasons = re.findall(r"`([^`]+)`", why)
            assert bool(reasons) == (row["outcome"] != "read"), file
            assert all(reason in row["reason"] for reason in reasons), (file, row["reason"])
    assert listed == held


def test_the_keys_in_the_docs_are_those_that_can_be_written() -> None:
    of_a_source, of_a_column = DOCS["your-own-source.md"].split("## A column's keys")
    for page, model in ((of_a_source, Description), (of_a_column, DescribedColumn)):
        listed = [row[0].strip("`") for row in rows_of_table("| key | what it says |", page)]
        assert sorted(listed) == sorted(model.model_fields)
    meanings = re.findall(r"^- .*?(?:[;.]|$)", of_a_column, re.MULTILINE)
    assert {word for line in meanings for word in re.findall(r"`(\w+)`", line)} >= {*MEANINGS}


@needs_captures
def test_the_verdicts_in_the_docs_are_those_of_real_offers(backfilled: tuple[Path, str]) -> None:
    folder, _ = backfilled
    page = DOCS["break-even.md"]
    listed = rows_of_table("| verdict | workload | offer | reason |", page)
    assert {verdict.strip("`") for verdict, *_ in listed} == VERDICTS
    (day,) = re.findall(r"With the captures that we hold and our own list, on (\S+):", page)
    asked = {workload.strip("`") for _, workload, *_ in listed}
    found = {
        (workload, f"{row['provider']} {row['model']} {row['method']}"): row
        for workload in asked
        for row in json.loads(
            run(f"ratecard break-even {workload} --as-of {day} --json", folder).stdout
        )
    }
    for verdict, workload, offer, reason in listed:
        row = found[workload.strip("`"), offer]
        assert (row["verdict"], row["reason"]) == (verdict.strip("`"), reason)


VERDICTS: Final = {"pays_back", "too_late", "never", "not_available", "unknown"}


def test_the_keys_of_workloads_and_constraints_are_those_that_can_be_written() -> None:
    of_workloads, of_constraints = DOCS["break-even.md"].split("## Constraints")
    for page, model in ((of_workloads, Workload), (of_constraints, Constraints)):
        listed = {k.strip("`"): says for k, says in rows_of_table("| key | what it says |", page)}
        fields = model.model_fields.items()
        assert listed == {name: described.description for name, described in fields}


def test_the_examples_of_workloads_and_constraints_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "ratecard.toml"
    shown = re.findall(r"```toml\n(.*?)```", DOCS["break-even.md"], re.DOTALL)
    file.write_text("\n".join(shown), encoding="utf-8")
    written = read_configuration(file)
    assert {*written.workloads} == {"invoices"}
    assert {*written.constraints} == {"ours_to_keep"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_keys_of_alert_rules_are_those_that_can_be_written(kind: str) -> None:
    section = DOCS["alerts.md"].partition(f"## `{kind}`")[2].partition("\n## ")[0]
    listed = {key.strip("`"): says for key, says in rows_of_table(KEYS, section)}
    fields = KINDS[kind].model_fields.items()
    assert listed == {
        name: described.description
        for name, described in fields
        if name not in StateRule.model_fields
    }


KEYS: Final = "| key | what it says |"


@pytest.mark.parametrize(
    ("header", "rule", "others"),
    [(KEYS, Rule, {}), ("| key of a state | what it says |", StateRule, Rule.model_fields)],
)
def test_the_keys_of_every_alert_rule_are_those_that_can_be_written(
    header: str, rule: type[Rule], others: Collection[str]
) -> None:
    listed = {key.strip("`"): says for key, says in rows_of_table(header, DOCS["alerts.md"])}
    fields = rule.model_fields.items()
    assert listed == {
        name: described.description for name, described in fields if name not in others
    }


def test_the_keys_of_channels_are_those_that_can_be_written(tmp_path: Path) -> None:
    listed = {key.strip("`"): says for key, says in rows_of_table(KEYS, DOCS["channels.md"])}
    fields = Channel.model_fields.items()
    assert listed == {name: described.description for name, described in fields}
    file = tmp_path / "ratecard.toml"
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCS["channels.md"], re.DOTALL)
    file.write_text(shown, encoding="utf-8")
    assert {channel.kind for channel in read_configuration(file).channels.values()} == {
        "apprise", "webhook",
    }  # fmt: skip


def test_the_fields_that_programs_are_sent_are_those_of_the_docs() -> None:
    listed = rows_of_table("| field | what it says |", DOCS["channels.md"])
    row = {"delivery_id": "d", "notice": "fired", "event": json.dumps(event(1), default=str)}
    assert [field.strip("`") for field, _ in listed] == [*payload(row)]


def test_the_examples_of_alert_rules_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "ratecard.toml"
    shown = re.findall(r"```toml\n(.*?)```", DOCS["alerts.md"], re.DOTALL)
    file.write_text("\n".join(shown), encoding="utf-8")
    rules = [*read_configuration(file).alerts.rules]
    assert {kind for kind, _, _ in rules} == {*KINDS}


def test_the_rules_of_billing_in_the_docs_are_those_there_are() -> None:
    listed = rows_of_table("| rule | what is billed |", DOCS["break-even.md"])
    assert [row[0].strip("`") for row in listed] == [*BILLED_TOKENS_RULES]

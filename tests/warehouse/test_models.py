import csv
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.training_file import TOKENIZERS
from sources._contract import EVERY_MODEL
from sources._parsing import Unreadable, read_size_bracket

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "warehouse" / "models.csv"
COLUMNS = [
    "model",
    "maker",
    "parameters_b",
    "open_weights",
    "base_model",
    "aliases",
    "tokenizer",
    "answers",
]

COMPARED = (
    "Gemini 2.0 Flash",
    "Gemini 1.5 Flash",
    "Llama 3.1 8B",
    "Mistral Small",
    "Command R",
    "GPT-4o Mini",
    "Llama 3.1 70B",
    "Command R+",
    "Mistral Medium",
    "GPT-3.5 Turbo",
    "Llama 3.1 405B",
    "GPT-4o",
)


def read() -> list[dict[str, str]]:
    with MODELS.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = list(reader)
    assert reader.fieldnames == COLUMNS
    return rows


ROWS = read()


def normal(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.lower())


def aliases(row: dict[str, str]) -> list[str]:
    return row["aliases"].split("|") if row["aliases"] else []


CANONICAL = {spelling: row["model"] for row in ROWS for spelling in (row["model"], *aliases(row))}


def is_bracket(name: str) -> bool:
    try:
        read_size_bracket(name)
    except Unreadable:
        return False
    return True


def transcribed() -> set[str]:
    lines = (ROOT / "sources" / "transcribed.csv").read_text(encoding="utf-8").splitlines()
    return {row["model"] for row in csv.DictReader(lines[:-1])}


def test_every_row_has_every_column() -> None:
    assert all(None not in row and None not in row.values() for row in ROWS)


def test_no_name_is_of_two_models() -> None:
    spellings = Counter(s for row in ROWS for s in (row["model"], *aliases(row)))
    assert [s for s, times in spellings.items() if times > 1] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"])
def test_a_row_is_spelled_as_it_is_compared(row: dict[str, str]) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.]*(-[a-z0-9.]+)*", row["model"])
    assert re.fullmatch(r"[a-z]+", row["maker"])
    assert row["open_weights"] in {"yes", "no"}
    for alias in aliases(row):
        assert alias
        assert alias == normal(alias)


def test_every_model_is_a_model_of_the_list_and_a_base_is_its_own_base() -> None:
    base = {row["model"]: row["base_model"] for row in ROWS}
    assert [m for m in base.values() if base.get(m) != m] == []


def test_what_answers_with_labels_alone_is_said() -> None:
    labelling = {row["model"] for row in ROWS if row["answers"] == "labels"}
    assert labelling == {row["model"] for row in ROWS if "classifier" in row["model"]}
    assert {row["answers"] for row in ROWS} == {"", "labels"}


def test_a_tokenizer_is_one_that_can_count() -> None:
    assert {row["tokenizer"] for row in ROWS} == {"", *TOKENIZERS}


def test_sizes_are_stated_for_open_weights_alone() -> None:
    for row in ROWS:
        if row["parameters_b"]:
            assert row["open_weights"] == "yes", row["model"]
            assert Decimal(row["parameters_b"]) > 0


@pytest.mark.parametrize("name", sorted(transcribed()))
def test_every_transcribed_model_is_known(name: str) -> None:
    assert name == EVERY_MODEL or is_bracket(name) or normal(name) in CANONICAL


@pytest.mark.parametrize("name", COMPARED)
def test_every_model_of_the_comparison_page_is_known(name: str) -> None:
    assert normal(name) in CANONICAL


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("GPT-4o Mini", "gpt-4o-mini"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "llama-3.1-8b"),
        ("Llama 3.1 Instruct (8B)", "llama-3.1-8b"),
        ("llama-v3p1-8b-instruct", "llama-3.1-8b"),
        ("Command R+", "command-r-plus"),
        ("Cohere Command", "command"),
        ("doubao-1-5-pro-32k-250115", "doubao-1.5-pro-32k"),
        ("GLM-4.5", "glm-4.5"),
    ],
)
def test_what_sellers_call_a_model_is_that_model(name: str, model: str) -> None:
    assert CANONICAL[normal(name)] == model


def test_a_variant_is_told_apart_and_leads_to_its_base() -> None:
    base = {row["model"]: row["base_model"] for row in ROWS}
    variant = CANONICAL[normal("o4-mini-2025-04-16 with data sharing")]
    assert variant != CANONICAL["o4-mini-2025-04-16"]
    assert base[variant] == "o4-mini"


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("llama-3.1-8b", "8"),
        ("llama-3.3-70b", "70"),
        ("llama-3.1-405b", "405"),
        ("mixtral-8x7b", "46.7"),
        ("deepseek-r1", "671"),
    ],
)
def test_a_size_decides_the_bracket(model: str, size: str) -> None:
    assert {row["model"]: row["parameters_b"] for row in ROWS}[model] == size

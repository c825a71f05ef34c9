"""The walls between the rooms: who may import what, read from the code itself."""

import ast
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = ("sources", "warehouse", "pipeline")
# Which rooms, of ours and of others, may be entered from where.
ONLY_IN: Final = {
    "dagster": "pipeline",
    "duckdb": "warehouse",
    "httpx": "sources",
    "protego": "sources",
    "selectolax": "sources",
}
CLOSED: Final = {
    "sources": {"warehouse", "pipeline"},
    "warehouse": {"sources", "pipeline"},
    "pipeline": set[str](),
}
MODULES: Final = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
every_module: Final = pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES]
)


def imports(path: Path) -> set[str]:
    """Give the full names of the modules and members that a module imports, wherever it does."""
    found = set()
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_the_rooms_are_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} >= {"sources"}


@every_module
def test_a_library_is_used_in_its_room_only(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    strangers = {name for name in tops(path) if ONLY_IN.get(name.split("_")[0], room) != room}
    assert not strangers


@every_module
def test_a_room_imports_only_rooms_that_are_open_to_it(path: Path) -> None:
    assert not tops(path) & CLOSED[path.relative_to(ROOT).parts[0]]


@every_module
def test_a_source_imports_no_other_source(path: Path) -> None:
    if path.parent != ROOT / "sources":
        return
    leaves = {other.stem for other in path.parent.glob("*.py") if other.stem[0] != "_"}
    imported = {name.split(".")[1] for name in imports(path) if name.startswith("sources.")}
    assert not imported & leaves


@every_module
def test_the_house_has_no_lumber_room(path: Path) -> None:
    names = {part.strip("_").lower() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & {"utils", "util", "helpers", "helper", "common", "base", "misc", "tools"}


@every_module
def test_the_pipeline_s_annotations_are_real(path: Path) -> None:
    # dagster reads them while it runs, and would see strings
    if path.relative_to(ROOT).parts[0] == "pipeline":
        assert "__future__.annotations" not in imports(path)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import duckdb", {"duckdb"}),
        ("import dagster._core as d", {"dagster._core"}),
        ("def f():\n    from sources import litellm", {"sources", "sources.litellm"}),
        ("from . import litellm", {"sources", "sources.litellm"}),
        ("from .litellm import SOURCE", {"sources.litellm", "sources.litellm.SOURCE"}),
        ("from ..warehouse import store", {"warehouse", "warehouse.store"}),
        ("importlib.import_module('duckdb')", {"duckdb"}),
        ("'import duckdb'", set()),
    ],
)
def test_every_way_to_import_is_seen(
    code: str, names: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.test_walls.ROOT", tmp_path)
    (tmp_path / "sources").mkdir()
    (module := tmp_path / "sources" / "new.py").write_text(code)
    assert imports(module) == names

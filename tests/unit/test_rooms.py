"""The package's rooms: a module imports from its own room and from those above it, never back."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
PACKAGE = SCRIPTS / "hybridbatch"
ROOMS = (
    "runtime", "experiment", "render", "data", "translation", "encoders", "benchmarks", "training",
    "retrieval", "evaluation", "tables", "figures", "cost", "provenance",
)  # fmt: skip
# What they compute is fingerprinted; `experiment` is not, and reaches them as parameters.
RESULTS = ROOMS[ROOMS.index("render") : ROOMS.index("figures") + 1]
# Rooms that compute know nothing of pages.
COMPUTING = ("data", "translation", "encoders", "benchmarks", "training", "retrieval", "evaluation")
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names of all imports of a file, those inside functions among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import hides the room"
            # `from hybridbatch import tables` names a room in its second part.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path: Path) -> set[str]:
    names = (name.split(".") for name in imports_of(path))
    return {parts[1] for parts in names if parts[0] == PACKAGE.name and len(parts) > 1}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


INSIDE = [path for path in MODULES if path.parent != PACKAGE]


def test_every_module_is_in_a_room():
    assert [path.name for path in MODULES if path.parent == PACKAGE] == ["__init__.py"]
    assert {room(path) for path in INSIDE} == set(ROOMS)


@pytest.mark.parametrize("path", INSIDE, ids=name)
def test_no_import_runs_back_up(path):
    above = ROOMS[: ROOMS.index(room(path)) + 1]
    assert rooms_of(path) <= set(above)


@pytest.mark.parametrize("path", [p for p in INSIDE if room(p) in RESULTS], ids=name)
def test_no_result_depends_on_the_configuration_s_code(path):
    assert "experiment" not in rooms_of(path)


@pytest.mark.parametrize("path", [p for p in INSIDE if room(p) in COMPUTING], ids=name)
def test_what_computes_does_not_know_pages(path):
    assert not rooms_of(path) & {"render", "tables", "figures"}


@pytest.mark.parametrize("path", [p for p in INSIDE if room(p) == "render"], ids=name)
def test_pages_know_nothing_of_retrieval(path):
    assert rooms_of(path) <= {"runtime", "render"}


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS.glob("*.py")], ids=lambda path: path.stem)
def test_nothing_imports_snakemake(path):
    assert not [name for name in imports_of(path) if name.split(".")[0] == "snakemake"]


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_take_the_configuration_as_parameters(path):
    assert "experiment" not in rooms_of(path)

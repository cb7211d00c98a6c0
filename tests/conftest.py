"""Where the package is, and which worker runs which tests."""

import ast
import os
import sys
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
WORKFLOW = "tests/workflow/"
SHARED = ("finished", "reported")  # the run that many files share
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

# Before torch is imported. Several workers share the cores: more threads of each would wait for one
# another, and OpenMP's wait by counting, which takes the cores from those that compute. Snakemake
# sets the number of threads of its jobs itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@cache
def _file(file: str) -> tuple[dict[str, set[str]], set[str]]:
    """By name of a function in a file, its arguments; and the fixtures that several tests share."""
    arguments, shared = {}, set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            arguments[node.name] = {argument.arg for argument in node.args.args}
            if any("scope=" in ast.unparse(decorator) for decorator in node.decorator_list):
                shared.add(node.name)
    return arguments, shared


@cache
def scope(test: str) -> str:
    """Tests of one scope go to one worker: those that share what takes long to make.

    Tests of the finished run go to the worker that makes it, and those of a file to one worker. A
    test in tests/workflow that shares nothing is a scope by itself.

    xdist 3.8 has groups for this (`xdist_group`), which pytest 9.2 does not hand to it any more.
    """
    file, name = test.split("::", 1)
    arguments, shared = _file(file)
    needed, todo = set(), {name.split("[")[0]}
    while todo:
        new = set().union(*(arguments.get(one, set()) for one in todo)) - needed
        needed, todo = needed | new, new
    if needed.intersection(SHARED):
        return SHARED[0]
    return file if needed & shared or not file.startswith(WORKFLOW) else test


class ByScope(LoadScopeScheduling):
    """Work is given out by `scope`, in the order of `pytest_collection_modifyitems`."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first, so that no worker is left with it at the end."""
    items.sort(key=lambda item: (scope(item.nodeid) != SHARED[0], WORKFLOW not in item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> ByScope:
    return ByScope(config, log)

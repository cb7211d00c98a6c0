"""Where the package is, and which worker runs which tests."""

import re
import sys
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))


@cache
def scope(file: str) -> str:
    """The tests of one file go to one worker; those of a finished run to the worker that made it.

    xdist 3.8 has groups for this (`xdist_group`), which pytest 9.2 does not hand to it any more.
    """
    text = (ROOT / file).read_text(encoding="utf-8")
    return "finished" if re.search(r"\b(finished|reported): ", text) else file


class ByFile(LoadScopeScheduling):
    """Work is given out by `scope`, the largest first."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> ByFile:
    return ByFile(config, log)

"""The rule for commit subjects, as the commit-msg hook applies it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from commit_subject import problem


@pytest.mark.parametrize(
    "message",
    [
        "metrics: rank distance leaves out single answers",
        "readers, docs: files may begin with a byte-order mark\n\nThe reason is here.",
        "Merge branch 'main' into evaluation",
    ],
)
def test_a_subject_with_a_scope_is_taken(message):
    assert problem(message) is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Rank distance leaves out single answers", "scope"),
        ("metrics: rank distance leaves out single answers.", "full stop"),
        ("metrics:", "scope"),
        ("metrics: " + 70 * "x", "79 characters, 72 at most"),
    ],
)
def test_another_subject_is_refused_with_the_reason(message, words):
    assert words in problem(message)

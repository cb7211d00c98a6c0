"""Every table and figure has a place in the report and a caption."""

import re
from pathlib import Path

import pytest

from hybridbatch.experiment import outputs as constants
from hybridbatch.experiment.outputs import (
    DATA,
    OF_ABLATIONS,
    SCORES,
    SECTIONS,
    figure_entry,
    label,
    numbered,
    table_entry,
)
from hybridbatch.runtime.errors import HybridBatchError

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
TITLES = {"quiz": "Quiz", "small_quiz": "Small quiz"}
TABLES = [
    *constants.SCORE_TABLES,
    *constants.COUNT_TABLES,
    *constants.STATISTICS_TABLES,
    *constants.BIAS_TABLES,
    *constants.IMAGE_TABLES,
    *constants.ABLATIONS,
    "quiz",
]
FIGURES = {
    "reproduction": "Published against reproduced",
    "layer_scaling": "Scores against the budget of the layers",
    "image_text": "R@10 by language family",
    "static_cnn/quiz/first_images": ("Captions and the images that stand first, static_cnn, Quiz"),
    "pictures/rendered": "Rendered sentences in every script, pictures",
    "static/training": "Losses in training, static",
    "static/translation_quality": "Translation quality against scores, static",
    "my_static/quiz/heatmap": "Query against candidate language, my_static, Quiz",
    "static/quiz/rank_distance": "Rank distances, distribution, static, Quiz",
    "static/quiz/language_share": "Share of the own language in the top, static, Quiz",
}


def allowed(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9 .,@_+()-]+", text) is not None


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_place_and_a_caption(name: str):
    entry = table_entry(name, TITLES)
    assert entry.section in SECTIONS
    assert allowed(entry.label)
    assert len((REPORT / f"{entry.caption}.rst").read_text().split()) > 20


@pytest.mark.parametrize("name", [*FIGURES, *constants.CURVES])
def test_every_figure_has_a_place_and_a_caption(name: str):
    entry = figure_entry(name, TITLES)
    assert entry.section in SECTIONS
    assert allowed(entry.label)
    assert len((REPORT / f"{entry.caption}.rst").read_text().split()) > 20
    assert name in constants.CURVES or entry.label == FIGURES[name]


def test_captions_are_read_alike_by_both_renderers():
    """Paragraphs with ``code`` at most: reST in Snakemake's report, Markdown on the page."""
    captions = [p for folder in ("tables", "figures") for p in (REPORT / folder).glob("*.rst")]
    assert len(captions) > 25
    for path in captions:
        text = re.sub(r"``[^`]+``", "", path.read_text())
        assert not re.search(r"[`*|<>\[\]{}]|\w_(?!\w)|^[ \t#-]|::", text, re.MULTILINE), path


def test_every_caption_is_used():
    used = {table_entry(name, TITLES).caption for name in TABLES}
    used |= {figure_entry(name, TITLES).caption for name in [*FIGURES, *constants.CURVES]}
    stems = {f"{p.parent.name}/{p.stem}" for p in REPORT.glob("*/*.rst")}
    assert stems == used


def test_sections_are_safe_too_and_sort_into_their_order():
    names = list(numbered(SECTIONS).values())
    assert all(allowed(name) for name in names)
    assert names == sorted(names)


def test_sections_that_are_there_are_numbered_without_a_gap():
    assert numbered([DATA, SCORES, SCORES]) == {
        SCORES: "1 Retrieval scores",
        DATA: "2 Data, translation, training",
    }
    assert numbered([]) == {}


def test_sections_keep_their_numbers_when_ablations_come_in():
    without = numbered(set(SECTIONS) - {OF_ABLATIONS})
    assert without.items() < numbered(SECTIONS).items()


@pytest.mark.parametrize("find", [table_entry, figure_entry])
def test_what_has_no_place_is_refused_with_what_to_do(find):
    with pytest.raises(HybridBatchError, match=r"'novel' has no place.*outputs\.py.*caption"):
        find("novel", TITLES)


def test_hostile_title_cannot_leave_a_label():
    title = "</script><script>alert('1')</script>\"]]>\n\\u003c"
    for entry in (
        table_entry("bad", {"bad": title}),
        figure_entry("s/bad/heatmap", {"bad": title}),
    ):
        assert allowed(entry.label)
        assert "alert(" in entry.label
    assert label(title) == "script script alert( 1 ) script u003c"

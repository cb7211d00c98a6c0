"""The table of captions and images: published figures, families, page, figure and script."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from image_scores import (
    ENGLISH,
    FAMILIES,
    KNOWN,
    PUBLISHED,
    ROOT,
    TOWERS,
    made_frames,
    rows_of,
    table_of,
    value_of,
)
from image_scores import frames as frames
from image_scores import scores as scores
from image_scores import table as table

import image_text_table as image_text_table_script
from hybridbatch.data import cldr
from hybridbatch.evaluation.claims import CLAIM_COLUMNS, image_claims
from hybridbatch.evaluation.image_names import TEXT_TO_IMAGE
from hybridbatch.evaluation.image_text import IMAGE_TEXT_COLUMNS, image_text_table
from hybridbatch.evaluation.settings import MEAN_SEEN
from hybridbatch.experiment.load import load
from hybridbatch.figures.image_text import family_figure, family_words
from hybridbatch.render.latex import render as latex
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_table
from hybridbatch.tables.claims import claims_page
from hybridbatch.tables.image_text import image_text_page, read_published_recall

pytestmark = pytest.mark.filterwarnings("error")
# Languages of Crossmodal-3600.
XM3600 = {
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "mi", "nl", "no", "pl", "pt", "quz", "ro", "ru",
    "sv", "sw", "te", "th", "tr", "uk", "vi", "zh",
}  # fmt: skip


# --- published figures, families ---


def test_published_figures_stand_beside_ours_as_shares():
    place = {"versus": None, "setting": TEXT_TO_IMAGE, "metric": "recall_10"}
    small = {"languages": ("en", "es"), "splits": 1, "captions": ENGLISH}
    table = table_of(made_frames(benchmark="xtd10", **small))
    found = rows_of(table, captions="published", language="es", **place)
    assert len(found) == 4
    assert found["value"].between(0.89, 0.94).all()
    assert set(found["source"]) == {"Multilingual-CLIP README"}
    emoji = table_of(made_frames(**small))
    assert not (emoji["captions"] == "published").any()


def test_an_unknown_published_metric_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("source,model,metric,language,value\na,b,recall_10,en,3\n")
    with pytest.raises(DataError, match=r"other\.csv: unknown metric 'recall_10'"):
        read_published_recall(path, "xtd10")


def test_every_language_of_the_benchmarks_has_a_family():
    entries = load([ROOT / "config/paper.yaml"]).catalogue.benchmarks
    languages = {code for name in ("emoji", "xtd10") for code in entries[name].languages}
    assert languages | XM3600 <= FAMILIES.keys()


def test_families_are_those_of_cldr():
    path = Path(cldr.COMMON, "supplemental", "languageGroup.xml")
    if not path.is_file() or cldr.version() != "41":
        pytest.skip("the families are those of CLDR 41")
    parents = {}
    for group in ET.parse(path).iter("languageGroup"):
        parents |= {code: group.get("parent") for code in group.text.split() if code not in parents}
    lines = (ROOT / "resources/languages/families.csv").read_text().splitlines()[1:]
    for language, group, _ in (line.split(",") for line in lines):
        above, code = [], language
        while code in parents:
            above.append(code := parents[code])
        assert not group or group in above, language


# --- encoders that are not run, and claims ---


def test_an_encoder_that_is_not_run_has_a_row_without_a_value(scores, table):
    found = image_text_table(
        scores, PUBLISHED, KNOWN, 0.02, 0.95, FAMILIES, not_run=["clip", "siglip"]
    )
    rows = found[found["captions"] == "not run"]
    assert set(zip(rows["tower"], rows["setting"], strict=True)) == {
        (name, of.direction) for name in ("clip", "siglip") for of in scores
    }
    assert set(rows["verdict"]) == {"not run"}
    assert rows[["value", "p", "statement"]].isna().all(axis=None)
    # All else is as without them.
    others = found[found["captions"] != "not run"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, table)
    page = render(image_text_page(found, 0.02, 0.95))
    assert re.search(r"\| clip, not run [ |]+ not run", page)
    assert family_words(found, 0.95) == family_words(table, 0.95)


def test_statements_are_claims_with_the_same_numbers(table):
    stated = table[table["statement"].notna()]
    found = image_claims(table, "static_cnn", "laptop")
    assert list(found.columns) == CLAIM_COLUMNS
    assert len(found) == len(stated) > 0
    assert set(found["encoder"]) == {"static_cnn"}
    assert set(found["claim"]) == {"hybrid_transfers"}
    for ours, theirs in (("difference", "value"), ("pool", "language"), ("captions", "captions"),
                         ("verdict", "verdict"), ("detectable", "detectable")):  # fmt: skip
        assert found[ours].tolist() == stated[theirs].tolist()
    page = render(claims_page(found, 0.95, "laptop"))
    assert "it is its question, asked of captions and images" in page
    assert "en-en captions" in page
    assert "unseen languages that the text tower knows" in page
    # Only the paper's own statements are counted in the totals.
    (line,) = [line for line in page.splitlines() if line.startswith("| statements")]
    assert set(re.findall(r"\d+", line)) == {"0"}


# --- page, figure and script ---


def test_the_script_reads_files_and_writes_the_table(frames, table, tmp_path):
    queries = [tmp_path / f"{number}.parquet" for number in range(len(frames))]
    for path, frame in zip(queries, frames, strict=True):
        write_table(path, pa.Table.from_pandas(frame, preserve_index=False), {"number": path.stem})
    output = {name: tmp_path / f"image_text.{name}" for name in ("csv", "markdown", "latex")}
    image_text_table_script.main(
        SimpleNamespace(
            input=SimpleNamespace(
                queries=queries,
                published=ROOT / "resources/published/xtd10.csv",
                families=ROOT / "resources/languages/families.csv",
            ),
            output=SimpleNamespace(**output),
            params=SimpleNamespace(
                published="xtd10", known=KNOWN, margin=0.02, confidence=0.95, not_run=[]
            ),
        )
    )
    found = pd.read_csv(output["csv"], keep_default_na=False, na_values="")
    assert list(found.columns) == IMAGE_TEXT_COLUMNS
    np.testing.assert_allclose(found["value"], table["value"].astype(float), atol=1e-6)
    assert output["markdown"].read_text().startswith("# Retrieval between captions and images")


def test_the_page_has_everything_and_both_formats(table):
    page = image_text_page(table, 0.02, 0.95)
    markdown, tex = render(page), latex(page)
    for said in (
        "The margin is 0.02",
        "48 queries, 24 groups of images, 2 splits, 3 seeds.",
        "cannot say with 3 seeds",
        "hybrid, shuffled",
        "share of a language among the first candidates",
        "x-x-mono − hybrid, unseen languages that the text tower knows",
        "| zu ",
    ):
        assert said in markdown
    assert "x-x-mono" in tex
    assert "family" not in markdown


def test_the_figure_has_a_place_a_family_and_a_line_a_tower(table):
    figure = family_figure(table)
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == [
        f"{direction}, {captions} captions"
        for captions in ("en-en", "hybrid")
        for direction in ("text to image", "image to text")
    ]
    places = [label.get_text() for label in panels[0].get_xticklabels()]
    assert places[0] == "trained on (1)"
    assert set(places[1:]) == {"Romance (1)", "Indic (1)", "Niger-Kordofanian (1)"}
    drawn = {line.get_label(): line for line in panels[2].get_lines()}
    assert {*TOWERS, "shuffled"} <= drawn.keys()
    place = {"tower": "hybrid", "captions": "hybrid", "setting": TEXT_TO_IMAGE}
    expected = value_of(table, metric="recall_10", language=MEAN_SEEN, **place)
    assert drawn["hybrid"].get_ydata()[0] == pytest.approx(expected)
    words = family_words(table, 0.95)
    assert "n = 48 queries" in words.caption
    assert "2 splits" in words.caption

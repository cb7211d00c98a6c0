"""Ablation tables: points beside scores, paired differences to hybrid, LAReQA's figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridbatch.evaluation.ablations import ABLATION_COLUMNS, ablation_table
from hybridbatch.evaluation.settings import SCORE_COLUMNS
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.ablations import ablation_page
from hybridbatch.tables.published import LAREQA, read_published

PUBLISHED_FILE = Path(__file__).parents[2] / "resources" / "published" / "lareqa.csv"
PUBLISHED = pd.DataFrame(
    [["xquad_r", "mbert", "x-y", "multilingual", "map", "mean", 0.66]],
    columns=["benchmark", "encoder", "sampling", "setting", "metric", "language", "published"],
)


def cells(sampling: str, value: float, language: str = "mean", **others) -> pd.DataFrame:
    row = {
        "setting": "multilingual",
        "pool": "all",
        "metric": "map",
        "language": language,
        "value": value,
        "ci_low": value - 0.1,
        "ci_high": value + 0.1,
        "n_queries": 20,
        "n_seeds": 2,
        "benchmark": "xquad_r",
        "encoder": "static",
        "sampling": sampling,
    }
    return pd.DataFrame([row | others])


def compared(a: str, b: str, difference: float, low: float, high: float) -> pd.DataFrame:
    """A row as of significance.compare: a minus b."""
    row = {name: cells(a, 0.0)[name].iloc[0] for name in SCORE_COLUMNS if name != "value"}
    row |= {"sampling_a": a, "sampling_b": b, "difference": difference, "detectable": 0.04}
    return pd.DataFrame([row | {"ci_low": low, "ci_high": high}])


def test_rows_carry_their_point_and_columns_are_those_promised():
    parts = [("0.1", cells("x-y", 0.3)), ("1", cells("x-y", 0.5))]
    frame = ablation_table("data_size", parts, [], PUBLISHED)
    assert list(frame.columns) == ABLATION_COLUMNS
    assert frame[["table", "point", "value"]].values.tolist() == [
        ["data_size", "0.1", 0.3],
        ["data_size", "1", 0.5],
    ]
    assert frame["published"].isna().all()


def test_alpha_is_hybrid_at_every_point():
    parts = [("0", cells("x-y", 0.3)), ("0.5", cells("hybrid", 0.4)), ("1", cells("x-x-mono", 0.5))]
    frame = ablation_table("alpha", parts, [], PUBLISHED)
    assert frame["sampling"].tolist() == ["hybrid"] * 3


@pytest.mark.parametrize("hybrid_first", [True, False])
def test_differences_are_hybrid_minus_the_other(hybrid_first):
    if hybrid_first:
        rows = compared("hybrid", "x-y", 0.05, 0.01, 0.08)
    else:
        rows = compared("x-y", "hybrid", -0.05, -0.08, -0.01)
    rows = pd.concat([rows, compared("x-x-mono", "x-y", 9.0, 9.0, 9.0)], ignore_index=True)
    rows = pd.concat([rows, compared("hybrid", "en-en", 9.0, 9.0, 9.0)])  # not of the ablation
    parts = [("1", cells(s, 0.5)) for s in ("hybrid", "x-y")]
    frame = ablation_table("data_size", parts, [("1", "xquad_r", "static", rows)], PUBLISHED)
    found = frame[frame["versus"].notna()]
    assert found[["point", "benchmark", "encoder", "sampling", "versus"]].values.tolist() == [
        ["1", "xquad_r", "static", "hybrid", "x-y"]
    ]
    assert found[["value", "ci_low", "ci_high"]].values.tolist() == [[0.05, 0.01, 0.08]]
    assert found["n_queries"].tolist() == [20]
    assert found["detectable"].tolist() == [0.04]
    assert frame.loc[frame["versus"].isna(), "detectable"].isna().all()
    # Beside the difference, in a band of its own.
    page = render(ablation_page("data_size", frame, 0.95, False, ""))
    band = page.partition("minimum detectable difference")[2]
    assert "0.040" in band
    assert "+0.05" not in band


def test_lareqa_s_figures_stand_beside_their_sampling_only():
    parts = [("x-x", cells("x-x", 0.2)), ("x-y", cells("x-y", 0.6))]
    parts.append(("x-y", cells("x-y", 0.7, pool="seen")))
    frame = ablation_table("lareqa", parts, [], PUBLISHED)
    assert np.isnan(frame["published"][0])
    assert frame["published"][1] == 0.66
    assert np.isclose(frame["delta"][1], -0.06)
    assert np.isnan(frame["published"][2])  # another pool
    page = render(ablation_page("lareqa", frame, 0.95, True, "none"))
    assert "0.600 (0.66) [0.500, 0.700]" in page
    # A row a sampling, no grid that is empty but for its diagonal.
    row = next(line for line in page.splitlines() if line.startswith("| x-x "))
    assert all(cell.strip() for cell in row.strip("|").split("|"))


def test_markdown_has_points_down_and_samplings_and_differences_across():
    parts = [(p, cells(s, 0.5)) for p in ("0.1", "1") for s in ("x-y", "hybrid")]
    rows = compared("hybrid", "x-y", 0.05, 0.01, 0.08)
    compared_at = [("1", "xquad_r", "static", rows)]
    frame = ablation_table("data_size", parts, compared_at, PUBLISHED)
    text = render(ablation_page("data_size", frame, 0.95, False, "none"))
    header = next(line for line in text.splitlines() if line.startswith("| share of pairs"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "share of pairs", "x-y", "hybrid", "hybrid − x-y",
    ]  # fmt: skip
    assert "+0.050 [+0.010, +0.080]" in text
    assert "20 queries; 2 seeds." in text


def test_a_left_out_language_is_shown_by_its_own_queries():
    parts = [
        (point, cells("x-y", value, language))
        for point, value in (("none", 0.5), ("es", 0.3), ("pt", 0.4))
        for language in ("es", "pt", "mean")
    ]
    frame = ablation_table("unseen_languages", parts, [], PUBLISHED)
    text = render(ablation_page("unseen_languages", frame, 0.95, False, "none"))
    lines = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert lines[1:] == ["es, trained on", "es, left out", "pt, trained on", "pt, left out"]
    assert "0.300" in text.splitlines()[-3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dataset,model,value\n", "line 1: columns are dataset, model, value; expected dataset"),
        (",".join([*LAREQA, "note"]) + "\n", "value, note; expected"),
        (
            ",".join(LAREQA) + "\n" + "xquad_r,mbert,x-y,multilingual,map,mean,0.66\n" * 2,
            "line 3 repeats the cell of line 2",
        ),
    ],
)
def test_a_file_of_figures_with_another_column_or_a_cell_twice_is_refused(tmp_path, text, words):
    path = tmp_path / "lareqa.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_published(path, LAREQA)


def test_the_shipped_figures_of_lareqa_are_read():
    frame = read_published(PUBLISHED_FILE, LAREQA)
    assert len(frame) == 8
    assert frame.query("benchmark == 'xquad_r' and sampling == 'x-y'")["published"].item() == 0.66

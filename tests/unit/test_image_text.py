"""Captions and images: means and differences over seeds and splits, verdicts, chance, pages."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from itertools import combinations, permutations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from image_scores import LANGUAGES, TOWERS, made_frames

import image_text_table as image_text_table_script
from hybridbatch.data import cldr
from hybridbatch.evaluation.estimates import Estimate, estimate, sample
from hybridbatch.evaluation.image_names import IMAGE_TO_TEXT, TEXT_TO_IMAGE
from hybridbatch.evaluation.image_scores import (
    MEAN_TRANSFER,
    SHARE_OF,
    Cell,
    Scores,
    System,
    chance_of,
    read_scores,
)
from hybridbatch.evaluation.image_text import (
    CHANCE,
    IMAGE_TEXT_COLUMNS,
    NEAR_CHANCE,
    image_text_table,
    splits_differ,
)
from hybridbatch.evaluation.metrics import average_precision, rank_distance, recall_at
from hybridbatch.evaluation.settings import ALL, MEAN, MEAN_SEEN, MEAN_UNSEEN
from hybridbatch.experiment.load import load
from hybridbatch.figures.image_text import family_figure, family_words
from hybridbatch.render.latex import render as latex
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_table
from hybridbatch.tables.image_text import (
    image_text_page,
    read_families,
    read_published_recall,
)

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).parents[2]
PUBLISHED = read_published_recall(ROOT / "resources/published/xtd10.csv", "xtd10")
FAMILIES = read_families(ROOT / "resources/languages/families.csv")
KNOWN = ("en", "es", "hi")
# Languages of Crossmodal-3600.
XM3600 = {
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "mi", "nl", "no", "pl", "pt", "quz", "ro", "ru",
    "sv", "sw", "te", "th", "tr", "uk", "vi", "zh",
}  # fmt: skip
ENGLISH = {"en-en": ("en",)}


def table_of(found: Iterable[pd.DataFrame | Scores], margin=0.02, known=KNOWN) -> pd.DataFrame:
    """found: frames of queries, or what was read of them."""
    found = list(found)
    scores = found if isinstance(found[0], Scores) else read_scores(found)
    return image_text_table(scores, PUBLISHED, known, margin, 0.95, FAMILIES)


@pytest.fixture(scope="module")
def frames() -> list[pd.DataFrame]:
    return list(made_frames({"hybrid": 2.0}))


@pytest.fixture(scope="module")
def scores(frames) -> list[Scores]:
    return read_scores(frames)


@pytest.fixture(scope="module")
def table(scores) -> pd.DataFrame:
    return table_of(scores)


def rows_of(table: pd.DataFrame, **keys) -> pd.DataFrame:
    found = table
    for name, value in keys.items():
        found = found[found[name].isna() if value is None else found[name] == value]
    return found


def value_of(table: pd.DataFrame, **keys) -> float:
    (value,) = rows_of(table, versus=None, **keys)["value"]
    return value


# --- scores ---


@pytest.mark.parametrize("direction", [TEXT_TO_IMAGE, IMAGE_TO_TEXT])
def test_a_language_s_value_is_the_mean_of_its_queries_in_all_splits_and_seeds(
    frames, table, direction
):
    place = {"tower": "hybrid", "captions": "en-en", "language": "hi"}
    whole = rows_of(pd.concat(frames), direction=direction, **place)
    for metric in ("recall_1", "recall_5", "recall_10"):
        found = value_of(table, setting=direction, metric=metric, **place)
        assert found == pytest.approx(whole[metric].mean())
    (row,) = rows_of(table, versus=None, setting=direction, metric="recall_1", **place).to_dict(
        "records"
    )
    assert (row["n_queries"], row["n_clusters"], row["n_splits"], row["n_seeds"]) == (48, 24, 2, 3)
    assert row["ci_low"] < row["value"] < row["ci_high"]


def test_means_are_over_trained_unseen_and_known_unseen_languages(table):
    place = {"tower": "x-y", "captions": "en-en", "setting": TEXT_TO_IMAGE, "metric": "recall_5"}
    of = {code: value_of(table, language=code, **place) for code in LANGUAGES}
    for name, members in {
        MEAN: LANGUAGES,
        MEAN_SEEN: ("en",),
        MEAN_UNSEEN: ("es", "hi", "zu"),
        MEAN_TRANSFER: ("es", "hi"),
    }.items():
        expected = np.mean([of[code] for code in members])
        assert value_of(table, language=name, **place) == pytest.approx(expected)
        (row,) = rows_of(table, versus=None, language=name, **place).to_dict("records")
        assert row["n_languages"] == len(members)


def test_a_mean_that_would_be_another_one_is_left_out(scores):
    table = table_of(scores, known=LANGUAGES)  # chance among its rows
    assert not (table["language"] == MEAN_TRANSFER).any()
    assert (table["language"] == MEAN_UNSEEN).any()


def test_all_languages_together_have_map_rank_distance_and_shares(frames, table):
    place = {"tower": "hybrid", "captions": "hybrid"}
    whole = rows_of(pd.concat(frames), direction=IMAGE_TO_TEXT, language=ALL, **place)
    place |= {"setting": IMAGE_TO_TEXT}
    for metric in ("map", "rank_distance"):
        found = value_of(table, metric=metric, language=ALL, **place)
        assert found == pytest.approx(whole[metric].mean())
    shares = rows_of(table, versus=None, metric=SHARE_OF, **place).set_index("language")["value"]
    assert set(shares.index) == set(LANGUAGES)
    assert shares.sum() == pytest.approx(1)
    assert shares["zu"] == pytest.approx(whole["share_zu"].mean())


def test_the_table_has_its_columns_and_the_control_and_no_row_twice(table):
    assert list(table.columns) == IMAGE_TEXT_COLUMNS
    assert (table["captions"] == "shuffled").any()
    keys = ["benchmark", "tower", "captions", "versus", "compared", "setting", "metric", "language"]
    assert not table[table["statement"].isna()].duplicated(keys).any()


# --- chance ---


@pytest.mark.parametrize(("n", "r"), [(5, 1), (5, 2), (6, 3)])
def test_chance_is_the_mean_over_all_orders(n, r):
    found = {"recall_1": [], "recall_5": [], "map": [], "rank_distance": []}
    for order in permutations(range(1, n + 1)):
        ranks, query, relevant = np.array(order[:r]), np.zeros(r, dtype=int), np.array([r])
        found["recall_1"] += [recall_at(ranks, query, relevant, 1)]
        found["recall_5"] += [recall_at(ranks, query, relevant, 5)]
        found["map"] += [average_precision(ranks, query, relevant)]
        found["rank_distance"] += [rank_distance(ranks, query, relevant)]
    for metric, values in found.items():
        expected = np.mean(values)
        np.testing.assert_allclose(chance_of(metric, np.array([n]), np.array([r])), [expected])


def test_chance_is_a_row_where_the_numbers_of_candidates_are_known(frames, table):
    place = {"tower": CHANCE, "setting": TEXT_TO_IMAGE, "metric": "recall_10"}
    assert value_of(table, language="zu", **place) == pytest.approx(10 / 24)
    for name in (MEAN, MEAN_SEEN, MEAN_UNSEEN, MEAN_TRANSFER):
        assert value_of(table, language=name, **place) == pytest.approx(10 / 24)
    place = {"tower": CHANCE, "setting": IMAGE_TO_TEXT}
    assert value_of(table, metric="rank_distance", language=ALL, **place) == pytest.approx(
        3 * 97 / 5
    )
    assert value_of(table, metric=SHARE_OF, language="hi", **place) == 0.25
    bare = [frame.drop(columns=["candidates", "relevant"]) for frame in frames]
    assert not (table_of(bare)["tower"] == CHANCE).any()


# --- differences ---


def simulated(sizes: tuple, paired: bool = False, trials: int = 400, splits: int = 3) -> Scores:
    """Systems that do not differ, three seeds; every language is a trial of its own.

    sizes: standard deviations of the parts of the model of `image_text`: seed, split x seed, group,
    seed x group, rest. Without `paired` the systems are text towers, whose seeds are their own;
    with it they are captions with the same three text towers. An image is as hard for all.
    """
    rng = np.random.default_rng(7)
    of_seed, of_model, of_group, of_both, rest = sizes
    groups, seeds = 20, 3
    split = np.repeat(np.arange(splits), 2 * groups)
    cluster = np.repeat(np.arange(groups * splits), 2)
    hard = rng.normal(size=(trials, 1, groups * splits))[:, :, cluster]
    of_towers = {tower: of_seed * rng.normal(size=(trials, seeds, 1)) for tower in TOWERS}
    tensors = {}
    for tower, captions in product(TOWERS, ("en-en", "hybrid") if paired else ("en-en",)):
        values = hard + of_group * rng.normal(size=(trials, 1, groups * splits))[:, :, cluster]
        values = values + of_towers[tower]
        values = values + of_model * rng.normal(size=(trials, seeds, splits))[:, :, split]
        values = values + of_both * rng.normal(size=(trials, seeds, groups * splits))[:, :, cluster]
        values = values + rest * rng.normal(size=(trials, seeds, len(split)))
        tensors[System(tower, captions)] = values
    languages = [f"l{number}" for number in range(trials)]
    empty = np.full((trials, len(split)), np.nan)
    return Scores(
        *(
            "emoji",
            TEXT_TO_IMAGE,
            languages,
            list(range(seeds)),
            split,
            cluster,
            cluster,
            empty,
            empty,
        ),
        tensors={"recall_10": tensors},
        seen={system: set() for system in tensors},
    )


def covering(found: Estimate) -> float:
    """The share of 95% intervals that have 0, which is true."""
    low, high = found.interval(0.95)
    return ((low < 0) & (high > 0)).mean()


SIZES = [
    (0, 0, 0.3, 0.3, 0.5),
    (0.1, 0, 0.3, 0.3, 0.5),
    (0, 0.15, 0.3, 0.3, 0.5),
    (0.1, 0.15, 0.3, 0.3, 0.5),
]


def trials(scores: Scores) -> list[Cell]:
    return [Cell(language, (language,)) for language in scores.languages]


@pytest.mark.parametrize("sizes", SIZES)
def test_intervals_of_differences_between_towers_cover(sizes):
    scores = simulated(sizes)
    tensors = scores.tensors["recall_10"].values()
    samples = [scores.sample(tensor, trials(scores)) for tensor in tensors]
    found = [covering(estimate(a, b, samples)) for a, b in combinations(samples, 2)]
    assert 0.925 < np.mean(found) < 0.985


@pytest.mark.parametrize("sizes", SIZES)
def test_intervals_of_differences_between_captions_cover(sizes):
    scores = simulated(sizes, paired=True)
    tensors = scores.tensors["recall_10"]
    samples = [
        scores.sample(tensors[System(t, "en-en")] - tensors[System(t, "hybrid")], trials(scores))
        for t in TOWERS
    ]
    found = [covering(estimate(one, pooled=samples)) for one in samples]
    assert 0.935 < np.mean(found) < 0.99


def test_models_of_one_text_tower_are_not_as_many_draws():
    """The simulation would notice if every split and seed counted as a draw of its own."""
    scores = simulated((0.1, 0, 0.3, 0.3, 0.5))
    samples = [
        sample(
            np.concatenate([tensor[:, :, scores.splits == split] for split in range(3)], axis=1),
            np.eye(len(tensor)),
            np.repeat(np.arange(20), 2),
        )
        for tensor in scores.tensors["recall_10"].values()
    ]
    found = [covering(estimate(a, b, samples)) for a, b in combinations(samples, 2)]
    assert np.mean(found) < 0.9


def test_splits_that_differ_are_noticed():
    scores = simulated((0, 0.15, 0.3, 0.3, 0.5), trials=200)
    first, second, _ = scores.tensors["recall_10"].values()
    shifted = first + np.array([0.0, 0.0, 0.8])[scores.splits]

    def p(tensor: np.ndarray) -> np.ndarray:
        in_splits = []
        for split in range(3):
            sides = [scores.sample(one, trials(scores), split) for one in (tensor, second)]
            in_splits.append(estimate(*sides))
        return splits_differ(in_splits)

    assert (p(first) < 0.05).mean() < 0.08
    assert (p(shifted) < 0.05).mean() > 0.6


def test_a_table_has_the_differences_of_the_estimator(scores, table):
    of = scores[0]
    assert of.direction == TEXT_TO_IMAGE
    cells = [Cell(MEAN_UNSEEN, ("es", "hi", "zu"))]
    tensors = of.tensors["recall_10"]
    place = {"setting": TEXT_TO_IMAGE, "metric": "recall_10", "language": MEAN_UNSEEN}
    place |= {"captions": "en-en", "versus": "hybrid"}
    samples = [of.sample(tensors[System(tower, "en-en")], cells) for tower in TOWERS]
    expected = estimate(samples[0], samples[2], samples)
    found = rows_of(table, tower="x-x-mono", compared="towers", **place)
    (row,) = found.to_dict("records")
    assert row["value"] == pytest.approx(expected.value[0])
    assert row["standard_error"] == pytest.approx(expected.standard_error[0])
    assert row["p"] == pytest.approx(expected.p()[0])
    assert row["p_holm"] >= row["p"]
    assert row["detectable"] == pytest.approx(expected.detectable()[0])
    assert row["split_min"] <= row["value"] <= row["split_max"]
    # Between captions: over the languages that neither had, and paired by seed.
    cells = [Cell(MEAN_UNSEEN, ("hi", "zu"))]
    pairs = [tensors[System(t, "en-en")] - tensors[System(t, "hybrid")] for t in TOWERS]
    samples = [of.sample(tensor, cells) for tensor in pairs]
    expected = estimate(samples[1], pooled=samples)
    found = rows_of(table, tower="x-y", compared="captions", **place)
    (row,) = found.to_dict("records")
    assert row["n_languages"] == 2
    assert row["value"] == pytest.approx(expected.value[0])
    assert row["standard_error"] == pytest.approx(expected.standard_error[0])


def test_the_control_is_compared_with_in_a_family_of_its_own(table):
    control = rows_of(table, versus="shuffled")
    assert set(control["captions"]) == {"en-en", "hybrid"}
    assert set(control["tower"]) == {"hybrid"}
    of_both = control[control["language"] == MEAN]
    assert (of_both[of_both["setting"] == TEXT_TO_IMAGE]["value"] > 0.1).all()
    tested = table[table["p"].notna()]
    for family in (tested["versus"] == "shuffled", tested["versus"] != "shuffled"):
        part = tested[family]
        smallest = part["p"].idxmin()
        assert part.loc[smallest, "p_holm"] == pytest.approx(min(1, len(part) * part["p"].min()))


def test_with_one_seed_nothing_is_tested():
    table = table_of(made_frames(seeds=(5,), captions=ENGLISH))
    compared = table[table["versus"].notna()]
    assert compared["value"].notna().all()
    assert compared[["p", "ci_low", "detectable", "split_p"]].isna().all(axis=None)
    assert set(compared["verdict"].dropna()) == {"cannot say with 1 seed"}


def test_models_of_all_splits_on_the_same_images_have_one_cluster_a_group():
    tested = [f"{i}{side}" for i in range(12) for side in "ab"]
    frames = list(made_frames(benchmark="xtd10", captions=ENGLISH, tested=tested))
    table = table_of(frames)
    (row,) = rows_of(
        table, tower="hybrid", versus=None, metric="recall_10", language="hi", setting=TEXT_TO_IMAGE
    ).to_dict("records")
    assert (row["n_queries"], row["n_clusters"], row["n_splits"]) == (24, 12, 2)


# --- verdicts ---


@pytest.mark.parametrize(
    ("margin", "expected"),
    # A loss of .9 cannot be seen where scores are less than .9 above chance.
    [(0.9, "cannot say: near chance"), (0.0001, "cannot say with 3 seeds")],
)
def test_the_verdict_rests_on_margin_and_detectable_difference(scores, margin, expected):
    verdicts = table_of(scores, margin=margin).dropna(subset=["statement"])
    # Two captions and two directions; over all unseen languages, and those the tower knows.
    assert len(verdicts) == 8
    assert set(verdicts["language"]) == {MEAN_UNSEEN, MEAN_TRANSFER}
    assert set(verdicts["verdict"]) == {expected}
    assert set(verdicts["tower"]) == {"hybrid"}
    assert set(verdicts["margin"]) == {margin}
    assert verdicts["detectable"].gt(0).all()


def test_a_text_tower_holds_against_others_that_are_above_chance():
    learned = dict.fromkeys(TOWERS, 6.0)
    for quality, expected in ((learned, "holds"), (dict.fromkeys(TOWERS, 0.0), NEAR_CHANCE)):
        frames = made_frames(quality, captions=ENGLISH, images=60)
        verdicts = table_of(frames, margin=0.3).dropna(subset=["statement"])
        verdicts = verdicts[verdicts["language"] == MEAN_TRANSFER]
        assert set(verdicts["verdict"]) == {expected}


def test_a_text_tower_that_is_worse_does_not_transfer():
    table = table_of(
        made_frames({"hybrid": 0.0, "x-y": 6.0}, captions=ENGLISH, images=60), margin=0.3
    )
    verdicts = table.dropna(subset=["statement"])
    verdicts = verdicts[verdicts["language"] == MEAN_TRANSFER]
    assert set(verdicts["verdict"]) == {"does not"}
    assert (verdicts["versus"] == "x-x-mono, x-y").all()
    assert (verdicts["value"] < -0.3).all()


def test_statements_need_the_text_towers_that_they_are_about():
    small = {"captions": ENGLISH, "splits": 1}
    assert table_of(made_frames(towers=("x-x-mono", "x-y"), **small))["statement"].isna().all()
    table = table_of(made_frames(towers=("x-y", "hybrid"), **small))
    verdicts = table.dropna(subset=["statement"])
    assert verdicts["statement"].str.endswith("is not below x-y's").all()


# --- bad input ---


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda frames: frames[1:],
            "x-x-mono with en-en captions has no recall_1 of en",
        ),
        (lambda frames: [frames[0][24:], *frames[1:]], "split 0 with seed 0, where others do"),
        (lambda frames: [f[(f["seed"] < 2) | (f["split"] < 1)] for f in frames], "with seed 2"),
        (lambda frames: [*frames, frames[0]], "were scored twice"),
        (lambda frames: [frames[0].assign(group="other"), *frames[1:]], "query 0-0a is of group"),
    ],
)
def test_incomplete_or_contradicting_results_are_named(frames, change, said):
    with pytest.raises(DataError, match=said):
        read_scores(change(frames))


def test_files_of_one_language_are_the_same_as_one_of_several(frames, table):
    keys = ["direction", "language"]
    apart = [part for frame in frames for _, part in frame.groupby(keys, sort=False)]
    pd.testing.assert_frame_equal(table_of(apart), table)


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
            params=SimpleNamespace(published="xtd10", known=KNOWN, margin=0.02, confidence=0.95),
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

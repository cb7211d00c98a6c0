"""Captions and images: means and differences over seeds and splits, verdicts, chance, pages."""

from itertools import combinations, permutations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_scores import CAPTIONS, LANGUAGES, TOWERS, made_frames

from hybridbatch.evaluation.estimates import Estimate, estimate, sample
from hybridbatch.evaluation.image_scores import (
    IMAGE_TO_TEXT,
    MEAN_TRANSFER,
    SHARE_OF,
    TEXT_TO_IMAGE,
    Scores,
    System,
    chance_of,
    read_scores,
)
from hybridbatch.evaluation.image_text import (
    CHANCE,
    IMAGE_TEXT_COLUMNS,
    image_text_table,
    splits_differ,
)
from hybridbatch.evaluation.metrics import average_precision, rank_distance, recall_at
from hybridbatch.evaluation.settings import ALL, MEAN, MEAN_SEEN, MEAN_UNSEEN
from hybridbatch.render.latex import render as latex
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.image_text import image_text_page, read_published_recall

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).parents[2]
PUBLISHED = read_published_recall(ROOT / "resources/published/xtd10.csv", "xtd10")
KNOWN = ("en", "es", "hi")


def table_of(frames, margin=0.02, known=KNOWN) -> pd.DataFrame:
    return image_text_table(read_scores(frames), PUBLISHED, known, margin, 0.95)


@pytest.fixture(scope="module")
def frames() -> list[pd.DataFrame]:
    return list(made_frames({"hybrid": 2.0}))


@pytest.fixture(scope="module")
def table(frames) -> pd.DataFrame:
    return table_of(frames)


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
    place = {"tower": "hybrid", "captions": "english", "language": "hi"}
    whole = rows_of(pd.concat(frames), direction=direction, **place)
    for metric in ("recall_1", "recall_5", "recall_10"):
        found = value_of(table, setting=direction, metric=metric, **place)
        assert found == pytest.approx(whole[metric].mean())
    (row,) = rows_of(table, versus=None, setting=direction, metric="recall_1", **place).to_dict(
        "records"
    )
    assert (row["n_queries"], row["n_clusters"], row["n_splits"], row["n_seeds"]) == (72, 36, 3, 3)
    assert row["ci_low"] < row["value"] < row["ci_high"]


def test_means_are_over_trained_unseen_and_known_unseen_languages(table):
    place = {"tower": "x-y", "captions": "english", "setting": TEXT_TO_IMAGE, "metric": "recall_5"}
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


def test_a_mean_that_would_be_another_one_is_left_out(frames):
    table = table_of(frames, known=LANGUAGES)
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
    assert value_of(table, language=MEAN, **place) == pytest.approx(10 / 24)
    place = {"tower": CHANCE, "setting": IMAGE_TO_TEXT}
    assert value_of(table, metric="rank_distance", language=ALL, **place) == 3 * 97 / 5
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
    for tower, captions in product(TOWERS, ("english", "hybrid") if paired else ("english",)):
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


SIZES = [(0, 0, 0.3, 0.3, 0.5), (0.1, 0, 0.3, 0.3, 0.5), (0, 0.15, 0.3, 0.3, 0.5), (0.1, 0.15, 0.3, 0.3, 0.5)]  # fmt: skip


@pytest.mark.parametrize("sizes", SIZES)
def test_differences_between_towers_cover(sizes):
    scores = simulated(sizes)
    cells = scores.cells("recall_10", (), (), ())[:-2]
    samples = [scores.sample(t, cells) for t in scores.tensors["recall_10"].values()]
    found = [covering(estimate(a, b, samples)) for a, b in combinations(samples, 2)]
    print(sizes, found)


@pytest.mark.parametrize("sizes", SIZES)
def test_differences_between_captions_cover(sizes):
    scores = simulated(sizes, paired=True)
    cells = scores.cells("recall_10", (), (), ())[:-2]
    tensors = scores.tensors["recall_10"]
    samples = [
        scores.sample(tensors[System(t, "english")] - tensors[System(t, "hybrid")], cells)
        for t in TOWERS
    ]
    found = [covering(estimate(one, pooled=samples)) for one in samples]
    print(sizes, found)


def test_models_of_one_text_tower_are_not_so_many_draws():
    """What the simulation says of a reading in which each split and seed is a draw of its own."""
    scores = simulated((0.1, 0, 0.3, 0.3, 0.5))
    in_splits = [
        sample(
            np.concatenate([tensor[:, :, scores.splits == p] for p in range(3)], axis=1),
            np.eye(len(tensor)),
            np.repeat(np.arange(20), 2),
        )
        for tensor in scores.tensors["recall_10"].values()
    ]
    found = [covering(estimate(a, b, in_splits)) for a, b in combinations(in_splits, 2)]
    print("naive", found)


def test_splits_that_differ_are_noticed():
    cells = None
    for sizes in SIZES:
        scores = simulated(sizes)
        cells = scores.cells("recall_10", (), (), ())[:-2]
        tensors = list(scores.tensors["recall_10"].values())

        def p_of(tensors, scores=scores, cells=cells):
            by_split = []
            for split in range(3):
                samples = [scores.sample(t, cells, split) for t in tensors]
                by_split.append(estimate(samples[0], samples[1], samples))
            return splits_differ(by_split)

        false = (p_of(tensors) < 0.05).mean()
        shifted = tensors[0] + np.array([0.0, 0.0, 0.8])[scores.splits]
        print("splits", sizes, false, (p_of([shifted, *tensors[1:]]) < 0.05).mean())

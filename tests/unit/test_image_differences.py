"""Differences between text towers and between captions: intervals, tests and verdicts."""

from itertools import combinations, product

import numpy as np
import pytest
from image_scores import ENGLISH, TOWERS, made_frames, rows_of, table_of
from image_scores import frames as frames
from image_scores import scores as scores
from image_scores import table as table

from hybridbatch.evaluation.estimates import Estimate, estimate, sample
from hybridbatch.evaluation.image_names import TEXT_TO_IMAGE
from hybridbatch.evaluation.image_scores import MEAN_TRANSFER, Cell, Scores, System
from hybridbatch.evaluation.image_text import NEAR_CHANCE, splits_differ
from hybridbatch.evaluation.settings import MEAN, MEAN_UNSEEN

pytestmark = pytest.mark.filterwarnings("error")


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

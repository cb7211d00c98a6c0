"""The estimator: right by hand, by other software's formulas, and by simulation."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridbatch.evaluation.clusters import clusters_of
from hybridbatch.evaluation.estimates import Estimate, estimate, sample, unequal_spread

pytestmark = pytest.mark.filterwarnings("error")

ONE = np.ones((1, 1))


def _sample(scores: np.ndarray, clusters=None, fixed: bool = False):
    """Of one cell; scores [seeds, queries]."""
    labels = np.arange(scores.shape[1]) if clusters is None else np.asarray(clusters)
    return sample(scores[None], ONE, labels, fixed)


def _calibration():
    """benchmarks/calibration.py, which is a program and in no package."""
    path = Path(__file__).parents[2] / "benchmarks" / "calibration.py"
    spec = importlib.util.spec_from_file_location("calibration", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module
    spec.loader.exec_module(module)
    return module


# By hand, and by scipy.


def test_one_seed_and_single_questions_give_the_t_interval():
    scores = np.random.default_rng(0).random((1, 30))
    found = estimate(_sample(scores))
    theirs = stats.ttest_1samp(scores[0], 0.5)
    assert found.value[0] == pytest.approx(scores.mean())
    assert found.df[0] == pytest.approx(29)
    assert found.p(0.5)[0] == pytest.approx(theirs.pvalue)
    interval = theirs.confidence_interval(0.9)
    low, high = found.interval(0.9)
    assert (low[0], high[0]) == pytest.approx((interval.low, interval.high))


def test_clusters_of_one_size_give_the_t_interval_of_their_means():
    scores = np.random.default_rng(1).random((1, 40))
    found = estimate(_sample(scores, np.repeat(np.arange(8), 5)))
    theirs = stats.ttest_1samp(scores.reshape(8, 5).mean(1), 0.4)
    assert found.df[0] == pytest.approx(7)
    assert found.p(0.4)[0] == pytest.approx(theirs.pvalue)


def test_clusters_of_several_sizes_give_the_jackknife():
    rng = np.random.default_rng(2)
    sizes = np.array([1, 4, 2, 7, 3])
    clusters = np.repeat(np.arange(5), sizes)
    scores = rng.random((1, 17)) + rng.random(5)[clusters]
    found = estimate(_sample(scores, clusters))
    without = [scores[0, clusters != c].mean() for c in range(5)]
    expected = np.sqrt(4 / 5 * np.sum((np.array(without) - scores.mean()) ** 2))
    assert found.standard_error[0] == pytest.approx(expected)
    assert found.df[0] == pytest.approx(17**2 / (sizes**2).sum() - 1)


def test_two_way_variance_by_hand():
    """Cameron, Gelbach and Miller's sum, its seed part pooled over three samplings."""
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(3, 4, 25)) + 2 * rng.normal(size=(3, 4, 1))  # seeds matter
    samples = [_sample(one) for one in scores]
    found = estimate(samples[0], samples[1], samples)
    difference = (scores[0] - scores[1]).mean(0)
    of_questions = difference.var(ddof=1) / 25
    between = 2 * scores.mean(2).var(1, ddof=1).mean() / 4
    within = scores - scores.mean(2, keepdims=True)
    around = within - within.mean(1, keepdims=True)
    interaction = 2 * (around**2).sum((1, 2)).mean() / 3 / (25 * 24) / 4
    assert between > interaction
    variance = of_questions + between - interaction
    assert found.value[0] == pytest.approx(difference.mean())
    assert found.standard_error[0] == pytest.approx(np.sqrt(variance))
    assert found.seed_df == 9
    terms = of_questions**2 / 24 + between**2 / 9 + interaction**2 / (9 * 24)
    assert found.df[0] == pytest.approx(max(variance**2 / terms, 9))


def test_seed_part_is_never_negative():
    """Seeds that agree by chance better than their interaction with questions lets expect."""
    noise = np.random.default_rng(4).normal(size=(3, 3, 50))
    scores = noise - noise.mean(2, keepdims=True)  # every seed has the same mean
    samples = [_sample(one) for one in scores]
    found = estimate(samples[0], samples[1], samples)
    of_questions = (scores[0] - scores[1]).mean(0).var(ddof=1) / 50
    assert found.standard_error[0] == pytest.approx(np.sqrt(of_questions))


def test_a_reference_that_was_not_trained_has_no_seed_variance():
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(2, 3, 30)) + rng.normal(size=(2, 3, 1))
    reference = rng.normal(size=(1, 30))
    trained = [_sample(one) for one in scores]
    found = estimate(trained[0], _sample(reference, fixed=True), trained)
    assert found.seed_df == 4
    assert found.value[0] == pytest.approx(scores[0].mean() - reference.mean())
    # The same as a score's own variance of seeds, with the questions' variance of the difference.
    pooled = np.mean([one.seed_variance[0] - one.interaction[0] for one in trained]) / 3
    of_questions = (scores[0].mean(0) - reference[0]).var(ddof=1) / 30
    assert found.standard_error[0] == pytest.approx(np.sqrt(of_questions + pooled))


def test_cells_are_weighted_means_of_groups_over_the_same_clusters():
    rng = np.random.default_rng(6)
    tensor = rng.random((2, 3, 20))
    tensor[1, :, :8] = np.nan  # a language that lacks some questions
    clusters = np.repeat(np.arange(10), 2)
    both = sample(tensor, np.array([[0.5, 0.5]]), clusters)
    expected = (tensor[0].mean(1) + np.nanmean(tensor[1], axis=1)) / 2
    np.testing.assert_allclose(both.means[0], expected)
    kept = np.ones(20, bool)
    kept[10:12] = False  # the sixth cluster
    left = (tensor[0][:, kept].mean(1) + np.nanmean(tensor[1][:, kept], axis=1)) / 2
    np.testing.assert_allclose(expected - left, both.deviations[0, :, 5])
    assert both.shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("null", [0.0, 0.1, -0.3])
def test_p_is_below_5_percent_exactly_where_the_interval_leaves_the_null_out(null):
    rng = np.random.default_rng(7)
    n = 2000
    df, error = rng.uniform(1, 60, n), rng.uniform(0.01, 2, n)
    value = null + error * stats.t.ppf(0.975, df) * rng.choice([-1, 1], n) * rng.uniform(
        0.9, 1.1, n
    )
    found = Estimate(value, error, df)
    low, high = found.interval(0.95)
    significant = found.p(null) < 0.05
    assert 0.3 < significant.mean() < 0.7
    np.testing.assert_array_equal(significant, (low > null) | (high < null))


def test_detectable_difference_is_found_in_80_percent():
    """By its definition: the power of the test there, from the noncentral t distribution."""
    found = Estimate(np.zeros(3), np.array([0.1, 1.0, 5.0]), np.array([8.0, 30.0, 1000.0]))
    ratio = found.detectable() / found.standard_error
    power = stats.nct.sf(stats.t.ppf(0.975, found.df), found.df, ratio)
    np.testing.assert_allclose(power, 0.8, atol=0.015)
    assert ratio[2] == pytest.approx(1.96 + 0.842, abs=0.01)


@pytest.mark.parametrize("scores", [np.full((3, 20), 0.3), np.ones((1, 20)), np.ones((2, 1))])
def test_without_spread_or_with_one_cluster_nothing_is_inferred(scores):
    found = estimate(_sample(scores))
    assert found.value[0] == pytest.approx(scores.mean())
    assert np.isnan([found.standard_error[0], found.df[0], found.p()[0]]).all()
    assert np.isnan([*found.interval(0.95), found.detectable()]).all()


def test_samplings_whose_seeds_differ_more_are_noticed():
    rng = np.random.default_rng(8)
    same = rng.normal(size=(2000, 3, 5))
    unlike = same * np.array([1, 1, 8])[None, :, None]

    def p(means):
        columns = [np.repeat(means[:, k, :, None], 2, 2) for k in range(3)]
        return unequal_spread([sample(c, np.eye(2000), np.arange(2)) for c in columns])

    assert (p(same) < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    assert (p(unlike) < 0.05).mean() > 0.9
    np.testing.assert_allclose(p(same)[0], stats.bartlett(*same[0]).pvalue)


def test_one_seed_or_one_sampling_cannot_show_unequal_spread():
    one, three = np.random.default_rng(9).random((1, 9)), np.random.default_rng(9).random((3, 9))
    assert np.isnan(unequal_spread([_sample(one), _sample(one + 1)])).all()
    assert np.isnan(unequal_spread([_sample(three), _sample(one, fixed=True)])).all()


# By simulation: what docs/statistics.md promises of the whole grid, in six of its cells.


@pytest.mark.parametrize(
    ("scores", "seeds", "design_effect", "interaction", "seed_sd"),
    [
        ("normal", 3, 1.9, 0, 1.0),
        ("normal", 2, 1.4, 1, 4.0),
        ("binary", 3, 3.3, 0, 0.0),
        ("binary", 5, 1.4, 1, 2.0),
        ("heavy-tailed", 3, 1.0, 1, 2.0),
        ("heavy-tailed", 10, 3.3, 0, 0.5),
    ],
)
def test_calibration(scores, seeds, design_effect, interaction, seed_sd):
    bench = _calibration()
    world = bench.World(scores, design_effect, interaction)
    (found,) = bench.simulate(world, [seeds], [seed_sd], draws=2000)
    # The bounds of 10,000 draws and two standard errors of 2,000.
    most, least = (0.06, 0.94) if seeds > 2 else (0.08, 0.92)
    assert found.false_positives <= most + 2 * np.sqrt(most * (1 - most) / 2000)
    assert found.coverage >= least - 2 * np.sqrt(least * (1 - least) / 2000)
    assert found.false_positives == pytest.approx(1 - found.coverage)
    if seeds >= 5:
        assert found.width <= 1.25


def test_ignoring_seeds_or_clusters_is_noticed_by_the_same_simulation():
    """The bench can fail: a paired t test over questions errs in far more than 5%."""
    bench = _calibration()
    rng = np.random.default_rng(0)
    world = bench.World("normal", 1.9, 0)
    latent, effects = bench.draw(world, 3, 1000, rng)
    unit = bench._unit_spread(world, rng)
    first, second, _ = (z + unit * e for z, e in zip(latent, effects, strict=True))
    p = stats.ttest_1samp((first - second).mean(1), 0, axis=1).pvalue
    assert (p < 0.05).mean() > 0.15


# Clusters.


def _asked(ids, **columns) -> pd.DataFrame:
    return pd.DataFrame({"query_id": list(ids), **columns})


def test_questions_of_an_article_are_one_cluster_and_others_their_own():
    frame = _asked("abcd", article=["x", None, "x", None], paragraph=["1", "2", "3", "2"])
    assert clusters_of(list("abcd"), [("en", frame)]).tolist() == [0, 1, 0, 1]
    assert clusters_of(list("abcd"), [("en", _asked("abcd"))]).tolist() == [0, 1, 2, 3]


def test_articles_have_other_names_in_other_languages():
    """MLQA's titles are in the file's language, and not all questions are in all languages."""
    english = _asked("abc", article=["Cell", "Cell", "Kyrgyzstan"])
    spanish = _asked("bd", article=["Célula", "Célula"])
    german = _asked("e", article=["Cell"])  # the same title in another language may be another
    found = clusters_of(list("abcde"), [("en", english), ("es", spanish), ("de", german)])
    assert found.tolist() == [0, 0, 1, 0, 2]


def test_clusters_do_not_depend_on_the_order_of_files():
    english = _asked("abcd", article=["x", "y", "y", "z"])
    spanish = _asked("dab", article=["u", "u", "w"])
    one = clusters_of(list("abcd"), [("en", english), ("es", spanish)])
    other = clusters_of(list("abcd"), [("es", spanish.iloc[::-1]), ("en", english.iloc[::-1])])
    assert one.tolist() == other.tolist() == [0, 1, 1, 0]

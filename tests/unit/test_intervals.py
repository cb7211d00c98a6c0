"""Intervals of scores are what they say: those of the estimator, and they cover."""

import numpy as np
import pytest
from metric_frames import CONFIG, LANGUAGES, SEEN, Frames, cell_of, one_language, ragged, width
from scipy import stats

from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.estimates import estimate, sample

pytestmark = pytest.mark.filterwarnings("error")


def test_intervals_contain_the_point():
    cells = score_system(ragged(0), LANGUAGES, SEEN, CONFIG)
    cells = cells[cells["metric"].isin(["map", "rank_distance"])]  # within the metrics' ranges
    assert (cells["ci_low"] < cells["value"]).all()
    assert (cells["value"] < cells["ci_high"]).all()


def test_intervals_end_where_the_metric_s_range_does():
    values = np.array([[1.0] * 29 + [0.0]])
    cell = cell_of(score_system(one_language(values), ["en"], [], CONFIG))
    assert cell["ci_low"] < cell["value"] < cell["ci_high"] == 1


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_interval_of_one_seed_is_that_of_scipy(confidence):
    values = np.random.default_rng(0).random((1, 50))
    config = StatisticsConfig(confidence, resamples=300, seed=5)
    cell = cell_of(score_system(one_language(values), ["en"], [], config))
    theirs = stats.ttest_1samp(values[0], 0).confidence_interval(confidence)
    assert cell["n_seeds"] == 1
    assert (cell["ci_low"], cell["ci_high"]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_interval_of_several_seeds_is_the_estimator_s_over_articles_and_seeds():
    values = np.random.default_rng(0).random((3, 50))
    articles = np.arange(50) // 5
    frames = {
        key: frame.assign(article=[f"a{i}" for i in articles])
        for key, frame in one_language(values).items()
    }
    cell = cell_of(score_system(frames, ["en"], [], CONFIG))
    found = estimate(sample(values[None], np.ones((1, 1)), articles))
    low, high = found.interval(0.95)
    assert (cell["ci_low"], cell["ci_high"]) == pytest.approx((low[0], high[0]), abs=1e-12)


def test_questions_of_one_article_that_agree_count_as_one():
    of_article = np.random.default_rng(0).random(20)
    together = {
        key: frame.assign(article=[f"a{i // 5}" for i in range(100)])
        for key, frame in one_language(np.repeat(of_article, 5)[None]).items()
    }
    cell = cell_of(score_system(together, ["en"], [], CONFIG))
    alone = cell_of(score_system(one_language(of_article[None]), ["en"], [], CONFIG))
    assert width(cell) == pytest.approx(width(alone))


def test_intervals_shrink_with_the_root_of_the_number_of_queries():
    values = np.random.default_rng(0).random((1, 1600))
    wide = width(cell_of(score_system(one_language(values[:, :100]), ["en"], [], CONFIG)))
    narrow = width(cell_of(score_system(one_language(values), ["en"], [], CONFIG)))
    assert 3 < wide / narrow < 5.3


def test_difference_between_seeds_widens_the_interval():
    values = np.random.default_rng(0).random((1, 200))
    alike = cell_of(score_system(one_language(np.repeat(values, 3, 0)), ["en"], [], CONFIG))
    apart = np.concatenate([values - 0.2, values, values + 0.2])
    differ = cell_of(score_system(one_language(apart), ["en"], [], CONFIG))
    assert alike["value"] == pytest.approx(differ["value"], abs=1e-12)
    assert width(differ) > 2 * width(alike)


def test_question_is_one_unit_in_all_its_languages():
    values = np.random.default_rng(0).random((1, 100))
    codes = ["ar", "de", "en", "es"]
    frames = {k: v for code in codes for k, v in one_language(values, code).items()}
    cells = score_system(frames, codes, [], CONFIG)
    one, mean = cell_of(cells, "en"), cell_of(cells, "mean")
    for column in ("value", "ci_low", "ci_high", "n_queries"):
        assert mean[column] == pytest.approx(one[column], abs=1e-12)


def test_interval_covers_the_truth_at_about_the_nominal_rate():
    rng = np.random.default_rng(0)
    codes = [f"c{i:03d}" for i in range(400)]  # each an experiment of its own
    drawn = {code: rng.beta(2, 1, size=(1, 60)) for code in codes}
    frames = {k: v for code in codes for k, v in one_language(drawn[code], code).items()}
    cells = score_system(frames, codes, [], StatisticsConfig(0.95, resamples=500, seed=1))
    chosen = cells[(cells["metric"] == "map") & cells["language"].isin(codes)]
    covered = (chosen["ci_low"] <= 2 / 3) & (chosen["ci_high"] >= 2 / 3)
    assert len(covered) == 400
    assert 0.915 <= covered.mean() <= 0.98  # three standard errors about 0.95, and a little


def test_interval_of_a_macro_average_covers_the_truth_at_about_the_nominal_rate():
    rng = np.random.default_rng(0)
    config = StatisticsConfig(0.95, resamples=150, seed=1)
    covered = []
    for _ in range(200):
        difficulty = rng.random((1, 50))  # of a question, shared by its languages
        frames: Frames = {}
        for language in ("en", "zh"):
            values = 0.7 * difficulty + 0.3 * rng.random((1, 50))
            frames |= one_language(values, language)
        cell = cell_of(score_system(frames, ["en", "zh"], [], config), "mean")
        covered.append(cell["ci_low"] <= 0.5 <= cell["ci_high"])
    assert 0.9 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_query_has_a_value_and_no_interval(seeds):
    values = np.arange(seeds, dtype=float)[:, None]
    cells = score_system(one_language(values), ["en"], ["en"], CONFIG)
    assert cell_of(cells)["value"] == pytest.approx(values.mean())
    assert cells[["ci_low", "ci_high"]].isna().all(axis=None)


def test_language_with_one_query_among_larger_ones_has_no_interval():
    values = np.random.default_rng(0).random((2, 30))
    frames = {**one_language(values), **one_language(values[:, :1], "zh")}
    cells = score_system(frames, ["en", "zh"], [], CONFIG)
    alone = cell_of(cells, "zh")
    assert alone["n_queries"] == 1
    assert np.isnan(alone["ci_low"])
    assert np.isnan(alone["ci_high"])
    assert width(cell_of(cells, "en")) > 0
    assert width(cell_of(cells, "mean")) > 0


@pytest.mark.parametrize("seeds", [1, 2])
def test_equal_values_have_no_interval(seeds):
    """Without any spread nothing is known of it, and an interval of no width would be wrong."""
    cell = cell_of(score_system(one_language(np.full((seeds, 20), 0.3)), ["en"], [], CONFIG))
    assert cell["value"] == pytest.approx(0.3, abs=1e-12)
    assert np.isnan(cell["ci_low"])

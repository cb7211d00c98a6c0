"""Comparisons: p-values at the nominal rate, power, Holm, and what they say of one query."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.bootstrap import StatisticsConfig, bootstrap
from hybridbatch.evaluation.metrics import RANKING, SETTINGS, of_source
from hybridbatch.evaluation.significance import (
    COMPARISON_COLUMNS,
    compare,
    effect_size,
    holm,
    permutation_p,
)
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.families import SIGNIFICANCE_COLUMNS, family_of, significance_table
from hybridbatch.tables.scores import SPECS
from hybridbatch.tables.significance import significance_page

pytestmark = pytest.mark.filterwarnings("error")

METRICS = of_source(RANKING)
CONFIG = StatisticsConfig(confidence=0.95, resamples=200, seed=0)
KEYS = ["setting", "metric", "pool", "language"]
Frames = dict[tuple[str, int], pd.DataFrame]


def _frames(values: np.ndarray, languages: list[str]) -> Frames:
    """Monolingual scores of every language; values: [seeds, queries], the same in each language."""
    queries = [f"q{i}" for i in range(values.shape[1])]
    return {
        (language, seed): pd.DataFrame(
            {"query_id": queries, "candidates": language, **dict.fromkeys(METRICS, of_seed)}
        )
        for language in languages
        for seed, of_seed in enumerate(values)
    }


def _ragged(seed: int, answered: dict[str, list[str]], languages: list[str]) -> Frames:
    """Random scores of the same queries whatever the seed, not all of them in all languages."""
    rng = np.random.default_rng(seed)
    frames: Frames = {}
    for language in languages:
        for model_seed in (3, 7):
            parts = []
            for pool in [*languages, "all"]:
                own = [
                    query
                    for query, codes in answered.items()
                    if language in codes and (pool in codes or pool == "all")
                ]
                scores = {metric: rng.random(len(own)) for metric in METRICS}
                parts.append(pd.DataFrame({"query_id": own, "candidates": pool, **scores}))
            frames[language, model_seed] = pd.concat(parts, ignore_index=True)
    return frames


def _map_row(frame: pd.DataFrame, language: str = "en") -> pd.Series:
    rows = frame[(frame["language"] == language) & (frame["metric"] == "map")]
    rows = rows[(rows["setting"] == "monolingual") & (rows["pool"] == "all")]
    assert len(rows) == 1
    return rows.iloc[0]


def _compared(a: np.ndarray, b: np.ndarray, permutations: int = 999, **config) -> pd.Series:
    """The monolingual mAP row of two samplings' scores [seeds, queries]."""
    settings = StatisticsConfig(**{"confidence": 0.95, "resamples": 100, "seed": 0, **config})
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b, ["en"])}
    return _map_row(compare(frames, ["en"], [], settings, permutations))


# The test.


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0, 2.0, 3.0], 2 / 8),  # all signs one way: the extreme of 8
        ([-1.0, -2.0, -3.0], 2 / 8),
        ([1.0, 1.0, 1.0, 1.0], 2 / 16),
        ([3.0, 1.0, -1.0], 6 / 8),  # sums 5 3 3 1 -1 -3 -3 -5, of which 3 are at least 3
        ([0.0, 0.0, 0.0], 1.0),
    ],
)
def test_p_of_few_queries_is_counted_by_hand(differences, p):
    assert permutation_p(np.array([differences]), 99, seed=0) == pytest.approx([p])


def test_p_is_that_of_scipy_on_the_scores_themselves():
    a, b = np.random.default_rng(0).random((2, 9))
    expected = stats.permutation_test(
        (a, b), lambda x, y: x.mean() - y.mean(), permutation_type="samples", n_resamples=1000
    ).pvalue
    assert permutation_p(np.array([a - b]), 1000, seed=0) == pytest.approx([expected])


def test_equal_sums_count_as_equal_whatever_the_order_of_their_terms():
    whole = np.random.default_rng(0).integers(-1, 2, (20, 40)).astype(float)
    np.testing.assert_array_equal(
        permutation_p(whole / 3 * 0.7, 999, seed=0), permutation_p(whole, 999, seed=0)
    )


def test_p_does_not_depend_on_what_else_is_tested():
    units = np.random.default_rng(0).normal(0.1, 1, (450, 30))
    alone = permutation_p(units[[3, 449]], 499, seed=1)
    np.testing.assert_array_equal(permutation_p(units, 499, seed=1)[[3, 449]], alone)


def test_false_positives_come_at_the_nominal_rate():
    rng = np.random.default_rng(0)
    skewed = rng.exponential(size=(2, 2000, 50))  # two samplings with one skewed distribution
    p = permutation_p(skewed[0] - skewed[1], 999, seed=0)
    for level in (0.01, 0.05, 0.2):
        error = 4 * np.sqrt(level * (1 - level) / 2000)
        assert abs((p <= level).mean() - level) < error


def test_seeds_are_not_independent_queries():
    """A question that is harder for one sampling is so under every seed."""
    rng = np.random.default_rng(1)
    of_question = rng.normal(size=(1000, 1, 40))
    scores = of_question + 0.5 * rng.normal(size=(1000, 3, 40))  # no difference on average
    averaged = permutation_p(scores.mean(1), 999, seed=0)
    pooled = permutation_p(scores.reshape(1000, -1), 999, seed=0)
    assert 0.03 < (averaged <= 0.05).mean() < 0.07
    assert (pooled <= 0.05).mean() > 0.15


def test_false_positives_of_whole_comparisons_with_three_seeds():
    rng = np.random.default_rng(2)
    p = []
    for _ in range(120):
        a, b = rng.random((2, 1, 30)) + 0.3 * rng.random((2, 3, 30))
        p.append(_compared(a, b, permutations=199)["p"])
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.11


def test_power():
    rng = np.random.default_rng(3)
    p = permutation_p(rng.normal(0.5, 1, (500, 60)), 999, seed=0)
    assert stats.norm.sf(1.96 - 0.5 * np.sqrt(60)) == pytest.approx(0.97, abs=0.01)
    assert (p <= 0.05).mean() == pytest.approx(0.97, abs=0.03)


# Holm's correction.


def test_holm_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    # .005 x 4, .01 x 3, .03 x 2, and .04 x 1, which must not be less than the one before
    np.testing.assert_allclose(holm(p), [0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_was_not_tested_and_stays_below_one():
    np.testing.assert_allclose(
        holm(np.array([np.nan, 0.6, 0.02, np.nan])), [np.nan, 0.6, 0.04, np.nan]
    )
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert len(holm(np.array([]))) == 0


def test_holm_keeps_the_rate_of_any_false_positive():
    p = np.random.default_rng(0).random((2000, 20))
    rejected = [(holm(family) <= 0.05).any() for family in p]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.02)


# Effect sizes and intervals.


def test_effect_size_by_hand():
    assert effect_size(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)  # mean 2, deviation 1
    assert np.isnan(effect_size(np.array([0.3])))
    assert np.isnan(effect_size(np.array([0.3, 0.3, 0.3])))


def test_exchanging_the_samplings_changes_signs_and_nothing_else():
    a, b = np.random.default_rng(4).random((2, 3, 40))
    b += 0.1
    one, other = _compared(a, b), _compared(b, a)
    assert one["difference"] == pytest.approx((a - b).mean()) == pytest.approx(-other["difference"])
    assert one["p"] == other["p"]
    assert one["effect_size"] == pytest.approx(-other["effect_size"])
    assert (one["ci_low"], one["ci_high"]) == pytest.approx((-other["ci_high"], -other["ci_low"]))
    assert (one["seed_min"], one["seed_max"]) == pytest.approx(
        (-other["seed_max"], -other["seed_min"])
    )
    assert one["seeds_same_sign"] == other["seeds_same_sign"]


def test_seeds_show_their_own_differences():
    b = np.random.default_rng(5).random((3, 20))
    row = _compared(b + np.array([[0.3], [0.2], [-0.1]]), b)
    assert row["difference"] == pytest.approx(0.4 / 3)
    assert (row["seed_min"], row["seed_max"]) == pytest.approx((-0.1, 0.3))
    assert row["seeds_same_sign"] == pytest.approx(2 / 3)
    assert row["n_seeds"] == 3


def test_intervals_cover_the_difference_over_questions_and_seeds():
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(300):
        of_question, of_seed = rng.normal(size=(1, 40)), 0.3 * rng.normal(size=(12, 1))
        noise = 0.3 * rng.normal(size=(12, 40))
        difference = 0.2 + of_question + of_seed + noise
        _, low, high = bootstrap(difference[None], np.ones((1, 1)), CONFIG)
        covered.append(low[0] <= 0.2 <= high[0])
    assert 0.9 <= np.mean(covered) <= 0.99


# Cells.


def test_differences_are_those_between_the_cells_of_ragged_data():
    languages = ["en", "th", "zh"]
    rng = np.random.default_rng(7)
    answered = {f"q{i}": [c for c in languages if rng.random() < 0.7] or ["en"] for i in range(30)}
    frames = {
        s: _ragged(i, answered, languages) for i, s in enumerate(("x-x-mono", "x-y", "hybrid"))
    }
    compared = compare(frames, languages, ["en", "zh"], CONFIG, 199)
    assert list(compared.columns) == COMPARISON_COLUMNS
    cells = {
        s: score_system(f, languages, ["en", "zh"], CONFIG).set_index(KEYS)
        for s, f in frames.items()
    }
    pairs = [("x-x-mono", "x-y"), ("x-x-mono", "hybrid"), ("x-y", "hybrid")]
    assert [
        tuple(p) for p in compared[["sampling_a", "sampling_b"]].drop_duplicates().values
    ] == pairs
    for (a, b), part in compared.groupby(["sampling_a", "sampling_b"]):
        part = part.set_index(KEYS)
        assert set(part.index) == set(cells[a].index)
        ours, theirs = cells[a].loc[part.index], cells[b].loc[part.index]
        np.testing.assert_allclose(part["value_a"], ours["value"])
        np.testing.assert_allclose(part["value_b"], theirs["value"])
        np.testing.assert_allclose(part["difference"], ours["value"] - theirs["value"])
        assert (part["n_queries"] == ours["n_queries"]).all()
        assert part["p"].between(0, 1).all()
        assert (part["ci_low"] <= part["difference"]).all()
        assert (part["difference"] <= part["ci_high"]).all()


def test_effect_size_and_p_are_those_of_the_mean_over_seeds():
    a, b = np.random.default_rng(8).random((2, 3, 25))
    row, units = _compared(a, b), (a - b).mean(0)
    assert row["effect_size"] == pytest.approx(units.mean() / units.std(ddof=1))
    assert row["p"] == permutation_p(units[None], 999, seed=0)[0]


def test_a_question_is_one_unit_in_all_its_languages():
    a, b = np.random.default_rng(9).random((2, 2, 25))
    languages = ["ar", "de", "en", "th", "zh"]
    frames = {"x-y": _frames(a, languages), "hybrid": _frames(b, languages)}
    frame = compare(frames, languages, [], CONFIG, 999)
    mean, alone = _map_row(frame, "mean"), _map_row(frame, "en")
    assert mean["p"] == alone["p"]
    for column in ("difference", "ci_low", "ci_high", "effect_size", "n_queries"):
        assert mean[column] == pytest.approx(alone[column])


def test_equal_samplings_have_p_one_and_no_effect_size():
    a = np.random.default_rng(10).random((2, 30))
    row = _compared(a, a)
    assert row["p"] == 1
    assert row["difference"] == row["ci_low"] == row["ci_high"] == 0
    assert np.isnan(row["effect_size"])


def test_results_are_the_same_again():
    a, b = np.random.default_rng(11).random((2, 3, 40))
    pd.testing.assert_series_equal(_compared(a, b), _compared(a, b))
    assert _compared(a, b, seed=1)["p"] != _compared(a, b)["p"]


# Bad and little input.


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_query_has_a_difference_and_no_test(seeds):
    a, b = np.random.default_rng(12).random((2, seeds, 1))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b, ["en"])}
    frame = compare(frames, ["en"], [], CONFIG, 999)
    row = _map_row(frame)
    assert row["difference"] == pytest.approx((a - b).mean())
    assert row[["p", "ci_low", "ci_high", "effect_size"]].isna().all()
    table = significance_table([frame.assign(benchmark="small", encoder="static")])
    assert table["p_holm"].isna().all()
    text = render(significance_page(table, 0.95, 999))
    assert "one query: no interval, no test" in text
    assert "nan" not in text


def test_a_language_of_one_query_among_others_is_not_tested():
    a, b = np.random.default_rng(13).random((2, 2, 20))
    frames = {"x-y": _frames(a, ["en", "zh"]), "hybrid": _frames(b, ["en", "zh"])}
    for of_sampling in frames.values():
        for seed in range(2):
            of_sampling["zh", seed] = of_sampling["zh", seed].head(1)
    frame = compare(frames, ["en", "zh"], [], CONFIG, 999)
    assert np.isnan(_map_row(frame, "zh")["p"])
    assert not np.isnan(_map_row(frame, "en")["p"])


def test_seeds_that_differ_in_queries_are_refused():
    a, b = np.random.default_rng(14).random((2, 2, 5))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b, ["en"])}
    frames["hybrid"]["en", 1] = frames["hybrid"]["en", 1].head(4)
    with pytest.raises(DataError, match=r"seeds .* were not scored on the same queries"):
        compare(frames, ["en"], [], CONFIG, 99)


@pytest.mark.parametrize("cut", [np.s_[:, :4], np.s_[:1, :]])
def test_samplings_that_differ_in_queries_or_seeds_are_refused(cut):
    a, b = np.random.default_rng(15).random((2, 2, 5))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b[cut], ["en"])}
    with pytest.raises(DataError, match="x-y and hybrid were not scored on the same"):
        compare(frames, ["en"], [], CONFIG, 99)


def test_one_sampling_has_nothing_to_compare():
    frame = compare({"x-y": _frames(np.ones((1, 3)), ["en"])}, ["en"], [], CONFIG, 99)
    assert frame.empty
    assert list(frame.columns) == COMPARISON_COLUMNS
    table = significance_table([frame.assign(benchmark="small", encoder="static")])
    assert table.empty
    assert "nothing to compare" in render(significance_page(table, 0.95, 99))


# The table.


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(16)
    answered = {f"q{i}": ["en", "th", "zh"] for i in range(20)}
    parts = []
    for benchmark in ("b", "c"):
        frames = {
            s: _ragged(rng.integers(99), answered, ["en", "th", "zh"]) for s in ("x-y", "hybrid")
        }
        compared = compare(frames, ["en", "th", "zh"], ["en", "zh"], CONFIG, 199)
        parts.append(compared.assign(benchmark=benchmark, encoder="static"))
    return significance_table(parts)


def test_table_has_its_columns_and_every_cell(table):
    assert list(table.columns) == SIGNIFICANCE_COLUMNS
    metrics = {metric for of_setting in SETTINGS.values() for metric in of_setting} & set(METRICS)
    assert set(table["metric"]) == metrics
    assert not table.duplicated(["benchmark", "encoder", *KEYS, "sampling_a", "sampling_b"]).any()


def test_holm_is_over_each_family(table):
    assert set(table["family"]) == {*SPECS, "b", "c"}
    for _, part in table.groupby("family"):
        np.testing.assert_allclose(part["p_holm"], holm(part["p"].to_numpy()))
    assert (table["p_holm"] >= table["p"]).all()


def test_families_are_the_tables_that_figures_stand_in():
    assert family_of("xquad_r", "map", "mean_seen") == "main"
    assert family_of("xquad_r", "map", "en") == "xquad_r"
    assert family_of("xquad_r", "recall_1", "mean") == "xquad_r"
    assert family_of("xquad_r", "rank_distance", "mean") == "language_bias"
    assert family_of("xquad_r", "rank_distance", "en") == "rank_distance"


def test_markdown_has_every_mean_once(table):
    text = render(significance_page(table, 0.95, 199))
    rows = [line for line in text.splitlines() if "x-y − hybrid" in line]
    assert len(rows) == table["language"].str.startswith("mean").sum()
    for section in ("## static, b, pool `all`", "## static, c, pool `all`", "`main` (22)"):
        assert section in text

"""Comparisons: one estimate behind interval, p and mark, and Holm over distinct tests."""

import numpy as np
import pandas as pd
import pytest

from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.estimates import estimate, sample
from hybridbatch.evaluation.metrics import RANKING, SETTINGS, of_source
from hybridbatch.evaluation.significance import (
    COMPARISON_COLUMNS,
    compare,
    effect_size,
    holm,
)
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.families import (
    SIGNIFICANCE_COLUMNS,
    distinct,
    family_of,
    significance_table,
)
from hybridbatch.tables.markers import marked
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


def _compared(a: np.ndarray, b: np.ndarray, confidence: float = 0.95) -> pd.Series:
    """The monolingual mAP row of two samplings' scores [seeds, queries]."""
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b, ["en"])}
    return _map_row(compare(frames, ["en"], [], confidence))


# The test.


def test_everything_comes_from_one_estimate():
    rng = np.random.default_rng(0)
    scores = rng.random((3, 4, 30)) + rng.normal(0, 0.1, (3, 4, 1))
    names = ("x-x-mono", "x-y", "hybrid")
    frames = {name: _frames(one, ["en"]) for name, one in zip(names, scores, strict=True)}
    for of_sampling in frames.values():
        for key, frame in of_sampling.items():
            of_sampling[key] = frame.assign(paragraph=[f"p{i // 3}" for i in range(30)])
    row = _map_row(_pair_of(compare(frames, ["en"], [], 0.9), "x-x-mono", "hybrid"))
    clusters = np.arange(30) // 3
    samples = [sample(one[None], np.ones((1, 1)), clusters) for one in scores]
    found = estimate(samples[0], samples[2], samples)
    low, high = found.interval(0.9)
    for column, expected in {
        "difference": found.value[0],
        "standard_error": found.standard_error[0],
        "df": found.df[0],
        "ci_low": low[0],
        "ci_high": high[0],
        "p": found.p()[0],
        "detectable": found.detectable()[0],
        "seed_sd_a": scores[0].mean(1).std(ddof=1),
        "seed_sd_b": scores[2].mean(1).std(ddof=1),
    }.items():
        assert row[column] == pytest.approx(expected), column
    assert (row["n_clusters"], row["seed_df"], row["n_seeds"]) == (10, 9, 4)


def _pair_of(frame: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    return frame[(frame["sampling_a"] == a) & (frame["sampling_b"] == b)]


def test_trained_twice_from_other_seeds_is_no_difference():
    """The null that a test for these seeds alone gets wrong in a third of all cases."""
    rng = np.random.default_rng(1)
    codes = [f"c{i:03d}" for i in range(100)]  # each an experiment of its own
    of_seed = rng.normal(0, 0.3, (100, 3, 3, 1))
    scores = rng.normal(size=(100, 1, 1, 60)) + of_seed + rng.normal(0, 0.3, (100, 3, 3, 60))
    frames: dict[str, Frames] = {"a": {}, "b": {}, "c": {}}
    for code, of_code in zip(codes, scores, strict=True):
        for of_sampling, one in zip(frames.values(), of_code, strict=True):
            for seed, values in enumerate(one):
                columns = {"query_id": [f"q{i}" for i in range(60)], "candidates": code}
                of_sampling[code, seed] = pd.DataFrame({**columns, "map": values})
    rows = _pair_of(compare(frames, codes, [], 0.95), "a", "b")
    p = rows.loc[rows["language"].isin(codes), "p"]
    assert len(p) == 100
    assert (p < 0.05).mean() <= 0.11


def test_one_seed_is_not_tested_and_said_so():
    a, b = np.random.default_rng(2).random((2, 1, 40))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b + 0.5, ["en"])}
    frame = compare(frames, ["en"], [], 0.95)
    row = _map_row(frame)
    assert row["difference"] == pytest.approx((a - b).mean() - 0.5)
    nothing = ["p", "ci_low", "ci_high", "standard_error", "df", "detectable", "seed_sd_a"]
    assert row[nothing].isna().all()
    table = significance_table([frame.assign(benchmark="b", encoder="static")])
    text = render(significance_page(table, 0.95))
    assert "this seed only: no test" in text
    assert "nan" not in text


def test_a_reference_without_training_is_a_family_of_its_own():
    rng = np.random.default_rng(3)
    frames = {
        "zero-shot": _frames(rng.random((1, 40)), ["en"]),
        "x-y": _frames(rng.random((3, 40)), ["en"]),
        "hybrid": _frames(rng.random((3, 40)), ["en"]),
    }
    compared = compare(frames, ["en"], [], 0.95)
    reference, between = (
        compared[compared["sampling_a"].eq("zero-shot") == fixed] for fixed in (True, False)
    )
    assert (reference["n_seeds"] == 3).all()
    assert reference["seed_sd_a"].isna().all()
    assert reference["p"].notna().all()
    without = compare({k: v for k, v in frames.items() if k != "zero-shot"}, ["en"], [], 0.95)
    pd.testing.assert_frame_equal(between.reset_index(drop=True), without)
    table = significance_table([compared.assign(benchmark="b", encoder="static")])
    others = significance_table([without.assign(benchmark="b", encoder="static")])
    assert set(table["family"]) == set(others["family"]) | {"zero-shot"}
    own = table[table["family"] != "zero-shot"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, others)
    assert "not trained" in render(significance_page(table, 0.95))


def test_a_warning_says_where_samplings_vary_unequally_between_seeds():
    rng = np.random.default_rng(4)
    spread = {"x-x-mono": 0.001, "x-y": 0.001, "hybrid": 0.5}
    frames = {
        name: _frames(rng.random((5, 40)) * 0.001 + rng.normal(0, sd, (5, 1)), ["en"])
        for name, sd in spread.items()
    }
    table = significance_table(
        [compare(frames, ["en"], [], 0.95).assign(benchmark="b", encoder="static")]
    )
    assert (table["seed_sd_p"] < 0.05).all()
    text = render(significance_page(table, 0.95))
    assert "**Warning:**" in text
    assert "; differ" in text
    assert "12 degrees of freedom" in text
    same = {name: _frames(rng.random((5, 40)), ["en"]) for name in spread}
    quiet = compare(same, ["en"], [], 0.95).assign(benchmark="b", encoder="static")
    assert "**Warning:**" not in render(significance_page(significance_table([quiet]), 0.95))


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


# Effect sizes and seeds.


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


# Cells.


def test_differences_are_those_between_the_cells_of_ragged_data():
    languages = ["en", "th", "zh"]
    rng = np.random.default_rng(7)
    answered = {f"q{i}": [c for c in languages if rng.random() < 0.7] or ["en"] for i in range(30)}
    frames = {
        s: _ragged(i, answered, languages) for i, s in enumerate(("x-x-mono", "x-y", "hybrid"))
    }
    compared = compare(frames, languages, ["en", "zh"], 0.95)
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


def test_effect_size_is_that_of_the_mean_over_seeds():
    a, b = np.random.default_rng(8).random((2, 3, 25))
    row, units = _compared(a, b), (a - b).mean(0)
    assert row["effect_size"] == pytest.approx(units.mean() / units.std(ddof=1))


def test_a_question_is_one_unit_in_all_its_languages():
    a, b = np.random.default_rng(9).random((2, 2, 25))
    languages = ["ar", "de", "en", "th", "zh"]
    frames = {"x-y": _frames(a, languages), "hybrid": _frames(b, languages)}
    frame = compare(frames, languages, [], 0.95)
    mean, alone = _map_row(frame, "mean"), _map_row(frame, "en")
    for column in ("difference", "ci_low", "ci_high", "p", "effect_size", "n_queries"):
        assert mean[column] == pytest.approx(alone[column])


def test_equal_samplings_have_no_test():
    a = np.random.default_rng(10).random((1, 30)) * np.ones((2, 1))
    row = _compared(a, a)
    assert row["difference"] == 0
    assert row[["p", "ci_low", "ci_high", "effect_size"]].isna().all()


# Bad and little input.


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_query_has_a_difference_and_no_test(seeds):
    a, b = np.random.default_rng(12).random((2, seeds, 1))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b, ["en"])}
    frame = compare(frames, ["en"], [], 0.95)
    row = _map_row(frame)
    assert row["difference"] == pytest.approx((a - b).mean())
    assert row[["p", "ci_low", "ci_high", "effect_size"]].isna().all()
    table = significance_table([frame.assign(benchmark="small", encoder="static")])
    assert table["p_holm"].isna().all()
    text = render(significance_page(table, 0.95))
    assert ("this seed only" if seeds == 1 else "one cluster of questions: no test") in text
    assert "nan" not in text


def test_a_language_of_one_query_among_others_is_not_tested():
    a, b = np.random.default_rng(13).random((2, 2, 20))
    frames = {"x-y": _frames(a, ["en", "zh"]), "hybrid": _frames(b, ["en", "zh"])}
    for of_sampling in frames.values():
        for seed in range(2):
            of_sampling["zh", seed] = of_sampling["zh", seed].head(1)
    frame = compare(frames, ["en", "zh"], [], 0.95)
    assert np.isnan(_map_row(frame, "zh")["p"])
    assert not np.isnan(_map_row(frame, "en")["p"])


def test_seeds_that_differ_in_queries_are_refused():
    a, b = np.random.default_rng(14).random((2, 2, 5))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b, ["en"])}
    frames["hybrid"]["en", 1] = frames["hybrid"]["en", 1].head(4)
    with pytest.raises(DataError, match=r"seeds .* were not scored on the same queries"):
        compare(frames, ["en"], [], 0.95)


@pytest.mark.parametrize("cut", [np.s_[:, :4], np.s_[:1, :]])
def test_samplings_that_differ_in_queries_or_seeds_are_refused(cut):
    a, b = np.random.default_rng(15).random((2, 2, 5))
    frames = {"x-y": _frames(a, ["en"]), "hybrid": _frames(b[cut], ["en"])}
    with pytest.raises(DataError, match="x-y and hybrid were not scored on the same"):
        compare(frames, ["en"], [], 0.95)


def test_one_sampling_has_nothing_to_compare():
    frame = compare({"x-y": _frames(np.ones((1, 3)), ["en"])}, ["en"], [], 0.95)
    assert frame.empty
    assert list(frame.columns) == COMPARISON_COLUMNS
    table = significance_table([frame.assign(benchmark="small", encoder="static")])
    assert table.empty
    assert "nothing to compare" in render(significance_page(table, 0.95))


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
        compared = compare(frames, ["en", "th", "zh"], ["en", "zh"], 0.95)
        parts.append(compared.assign(benchmark=benchmark, encoder="static"))
    return significance_table(parts)


def test_table_has_its_columns_and_every_cell(table):
    assert list(table.columns) == SIGNIFICANCE_COLUMNS
    metrics = {metric for of_setting in SETTINGS.values() for metric in of_setting} & set(METRICS)
    assert set(table["metric"]) == metrics
    assert not table.duplicated(["benchmark", "encoder", *KEYS, "sampling_a", "sampling_b"]).any()


def test_holm_is_over_the_distinct_tests_of_each_family(table):
    assert set(table["family"]) == {*SPECS, "b", "c"}
    first = distinct(table)
    for _, part in first.groupby("family"):
        np.testing.assert_allclose(part["p_holm"], holm(part["p"].to_numpy()))
    assert (table["p_holm"] >= table["p"]).all()
    # Monolingual rows stand in both pools, as one test.
    twice = table[(table["setting"] == "monolingual") & (table["pool"] == "seen")]
    assert len(twice)
    assert not twice.index.isin(first.index).any()
    for row in twice.itertuples():
        pool, language = row.repeats.split("/")
        of = table[(table["benchmark"] == row.benchmark) & (table["setting"] == "monolingual")]
        of = of[(of["metric"] == row.metric) & (of["pool"] == pool)]
        (other,) = of[of["language"] == language].itertuples()
        assert (other.p, other.p_holm) == (row.p, row.p_holm)
    # Of the others only a mean over one language repeats one: no other test is left out.
    left = table.drop(first.index)
    assert (left["pool"].eq("seen") | left["language"].eq("mean_unseen")).all()
    assert (left.loc[left["setting"] == "multilingual", "language"] == "mean_unseen").all()


def test_pools_of_the_same_languages_are_one_test_in_every_setting():
    rng = np.random.default_rng(17)
    frames = {
        name: {
            key: pd.concat([frame, frame.assign(candidates="all"), frame.assign(candidates="seen")])
            for key, frame in _frames(rng.random((2, 20)), ["en", "zh"]).items()
        }
        for name in ("x-y", "hybrid")
    }
    compared = compare(frames, ["en", "zh"], ["en", "zh"], 0.95)
    assert (compared.loc[compared["pool"] == "seen", "repeats"] != "").all()
    assert (compared.loc[compared["language"] == "mean_seen", "repeats"] == "all/mean").all()
    assert (compared.loc[compared["repeats"] == "", "pool"] == "all").all()


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_p_interval_mark_and_holm_agree_in_every_row(confidence):
    answered = {f"q{i}": ["en", "th", "zh"] for i in range(20)}
    frames = {
        name: _ragged(seed, answered, ["en", "th", "zh"])
        for seed, name in enumerate(("x-x-mono", "x-y", "hybrid"))
    }
    compared = compare(frames, ["en", "th", "zh"], ["en", "zh"], confidence)
    table = significance_table([compared.assign(benchmark="b", encoder="static")])
    excluded = (table["ci_low"] > 0) | (table["ci_high"] < 0)
    assert 0 < excluded.sum() < len(table)
    np.testing.assert_array_equal(table["p"] < 1 - confidence, excluded)
    assert (table["p_holm"] >= table["p"]).all()
    scores = pd.concat(
        score_system(f, ["en", "th", "zh"], ["en", "zh"], CONFIG).assign(sampling=name)
        for name, f in frames.items()
    ).assign(benchmark="b", encoder="static")
    shown = marked(scores.reset_index(drop=True), table, confidence)
    behind = shown[shown["behind"]]
    np.testing.assert_array_equal(behind["mark"] == "†", behind["p_best"] > 1 - confidence)
    assert set(behind["p_best"]) <= set(table["p_holm"])


def test_families_are_the_tables_that_figures_stand_in():
    assert family_of("xquad_r", "map", "mean_seen") == "main"
    assert family_of("xquad_r", "map", "en") == "xquad_r"
    assert family_of("xquad_r", "recall_1", "mean") == "xquad_r"
    assert family_of("xquad_r", "rank_distance", "mean") == "language_bias"
    assert family_of("xquad_r", "rank_distance", "en") == "rank_distance"


def test_markdown_has_every_mean_once(table):
    text = render(significance_page(table, 0.95))
    rows = [line for line in text.splitlines() if "x-y − hybrid" in line]
    assert len(rows) == table["language"].str.startswith("mean").sum()
    for section in ("## static, b, pool `all`", "## static, c, pool `all`", "`main` (20)"):
        assert section in text

"""Cells: plain group means on ragged data, and intervals that are what they say."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridbatch.evaluation.aggregate import (
    Rows,
    score_system,
    with_pool_sizes,
)
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.estimates import estimate, sample
from hybridbatch.evaluation.metrics import RANKING, SETTINGS, of_source
from hybridbatch.evaluation.settings import ALL, JUDGED, PASSAGE_COLUMNS, SCORE_COLUMNS, SEED_SD
from hybridbatch.runtime.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")

METRICS = of_source(RANKING)
CONFIG = StatisticsConfig(confidence=0.95, resamples=200, seed=0)
LANGUAGES = ["zh", "ar", "en", "th", "de"]
SEEN = ["en", "zh", "xx"]  # `xx` was trained on and is not in the benchmark
Frames = dict[tuple[str, int], pd.DataFrame]
Key = tuple[str, str, str, str]


def _part(queries: Iterable[str], pool: str, values: np.ndarray) -> pd.DataFrame:
    """Per-query metrics against one pool, every metric another figure."""
    columns = {metric: values * (i + 1) + i for i, metric in enumerate(METRICS)}
    return pd.DataFrame({"query_id": list(queries), "candidates": pool, "relevant": 1, **columns})


def _ragged(seed: int) -> Frames:
    """Not all queries in all languages, as in MLQA-R; `th` and `de` have none in common."""
    rng = np.random.default_rng(seed)
    answered = {
        f"q{i}": [c for c in LANGUAGES if rng.random() < 0.6 and c != ("th", "de")[i % 2]] or ["en"]
        for i in range(40)
    }
    frames: Frames = {}
    for language in LANGUAGES:
        own = [query for query, codes in answered.items() if language in codes]
        for model_seed in (7, 3):
            parts = []
            for pool in [*LANGUAGES, "all", "seen"]:
                inside = {"all": LANGUAGES, "seen": SEEN}.get(pool, [pool])
                queries = [q for q in own if set(answered[q]) & set(inside)]
                if queries:
                    parts.append(_part(queries, pool, rng.random(len(queries))))
            shuffled = pd.concat(parts).sample(frac=1, random_state=seed)
            frames[language, model_seed] = shuffled.reset_index(drop=True)
    return frames


def _expected(frames: Frames, languages: list[str]) -> dict[Key, tuple[float, int]]:
    """Value and number of queries of every cell, by plain pandas means."""
    long = pd.concat(frame.assign(language=key[0]) for key, frame in frames.items())
    groups = dict(iter(long.groupby(["language", "candidates"])))
    seen = [code for code in languages if code in SEEN]
    result: dict[Key, tuple[float, int]] = {}
    for setting, metrics in SETTINGS.items():
        for pool, members in (("all", languages), ("seen", seen)):
            for metric in set(metrics) & set(METRICS):
                values: dict[str, float] = {}
                queries: dict[str, set[str]] = {}
                for language in members:
                    pools = {
                        "monolingual": [language],
                        "cross-lingual": [code for code in members if code != language],
                        "multilingual": [pool],
                    }[setting]
                    parts = [groups[language, p] for p in pools if (language, p) in groups]
                    if parts:
                        means = [part[metric].mean() for part in parts]
                        values[language] = sum(means) / len(means)
                        queries[language] = set().union(*(part["query_id"] for part in parts))
                rows = {code: [code] for code in values} | {"mean": list(values)}
                if pool == "all":
                    rows["mean_seen"] = [code for code in values if code in seen]
                    rows["mean_unseen"] = [code for code in values if code not in seen]
                for name, codes in rows.items():
                    if codes:
                        value = sum(values[code] for code in codes) / len(codes)
                        asked = set().union(*(queries[code] for code in codes))
                        result[setting, pool, metric, name] = (value, len(asked))
    return result


def _keys(cells: pd.DataFrame) -> list[Key]:
    return list(cells[["setting", "pool", "metric", "language"]].itertuples(index=False, name=None))


def _one_language(values: np.ndarray, language: str = "en") -> Frames:
    """Queries of one language against its own pool; values [seeds, queries]."""
    queries = [f"q{i:04d}" for i in range(values.shape[1])]
    return {(language, s): _part(queries, language, row) for s, row in enumerate(values)}


def _cell(cells: pd.DataFrame, language: str = "en", metric: str = "map") -> pd.Series:
    chosen = (cells["language"] == language) & (cells["metric"] == metric)
    chosen &= (cells["setting"] == "monolingual") & (cells["pool"] == "all")
    (row,) = (row for _, row in cells[chosen].iterrows())
    return row


def _width(cell: pd.Series) -> float:
    return cell["ci_high"] - cell["ci_low"]


def _interval_of_scipy(data, statistic):
    """SciPy's percentile interval, from the same draws as ours."""
    return stats.bootstrap(
        data,
        statistic,
        n_resamples=CONFIG.resamples,
        batch=100,
        vectorized=False,
        confidence_level=CONFIG.confidence,
        method="percentile",
        rng=np.random.default_rng(CONFIG.seed),
    ).confidence_interval


@pytest.mark.parametrize("seed", range(4))
def test_cells_are_plain_means_over_queries_languages_and_seeds(seed):
    frames = _ragged(seed)
    cells = score_system(frames, LANGUAGES, SEEN, CONFIG)
    assert list(cells.columns) == [*SCORE_COLUMNS, SEED_SD]
    expected = _expected(frames, LANGUAGES)
    assert len(cells) == len(expected)
    assert set(_keys(cells)) == set(expected)
    for key, value, n in zip(_keys(cells), cells["value"], cells["n_queries"], strict=True):
        assert value == pytest.approx(expected[key][0], abs=1e-12), key
        assert n == expected[key][1], key
    assert (cells["n_seeds"] == 2).all()


def test_standard_deviation_between_seeds_is_that_of_the_seeds_own_cells():
    frames = _ragged(1)
    cells = score_system(frames, LANGUAGES, SEEN, CONFIG)
    keys = ["setting", "pool", "metric", "language"]
    of_seeds = [
        score_system({k: f for k, f in frames.items() if k[1] == seed}, LANGUAGES, SEEN, CONFIG)
        for seed in (3, 7)
    ]
    assert of_seeds[0][SEED_SD].isna().all()
    values = np.array([part.set_index(keys).loc[_keys(cells), "value"] for part in of_seeds])
    np.testing.assert_allclose(cells[SEED_SD], values.std(0, ddof=1), rtol=1e-9)


def test_queries_without_a_value_count_in_no_mean_and_no_n():
    """As rank distance, which a query with one relevant candidate has not."""
    rng = np.random.default_rng(4)
    values = {code: rng.random((2, 30)) for code in ("en", "de", "th")}
    values["en"][:, ::3] = np.nan
    values["th"][:] = np.nan  # no query of th has two answers
    frames = {}
    for code, of_seeds in values.items():
        for seed, row in enumerate(of_seeds):
            parts = [_part([f"q{i}" for i in range(30)], pool, row) for pool in ("all", code)]
            frames[code, seed] = pd.concat(parts).assign(map=0.5, rank_distance=lambda f: f["map"])
            frames[code, seed]["rank_distance"] = np.tile(100 * row, 2)
            frames[code, seed].loc[frames[code, seed]["candidates"] == code, "rank_distance"] = None
    cells = score_system(frames, list(values), ["en", "th"], CONFIG)
    of_metric = cells[cells["metric"] == "rank_distance"].set_index(["pool", "language"])
    means = {code: np.nanmean(values[code]) * 100 for code in ("en", "de")}
    expected = {
        ("all", "en"): (means["en"], 20),
        ("all", "de"): (means["de"], 30),
        ("all", "mean"): ((means["en"] + means["de"]) / 2, 30),
        ("all", "mean_seen"): (means["en"], 20),
        ("all", "mean_unseen"): (means["de"], 30),
    }
    assert set(of_metric.index) == set(expected)
    for key, (value, n) in expected.items():
        assert of_metric.loc[key, "value"] == pytest.approx(value)
        assert of_metric.loc[key, "n_queries"] == n
        assert of_metric.loc[key, "ci_low"] < value < of_metric.loc[key, "ci_high"]
    of_map = cells[(cells["metric"] == "map") & (cells["setting"] == "multilingual")]
    assert (of_map["n_queries"] == 30).all()
    assert {"th", "mean_unseen"} <= set(of_map["language"])


def test_cross_lingual_averages_languages_and_not_queries():
    # In fr all four questions have an answer, in es one.
    frames = {
        ("en", 0): pd.concat([_part("abcd", "fr", np.zeros(4)), _part("a", "es", np.ones(1))])
    }
    cells = score_system(frames, ["en", "es", "fr"], [], CONFIG)
    cell = cells[(cells["metric"] == "map") & (cells["language"] == "en")].iloc[0]
    assert (cell["setting"], cell["value"], cell["n_queries"]) == ("cross-lingual", 0.5, 4)


def test_languages_without_a_common_question_do_not_enter_the_cross_lingual_cell():
    frames = _ragged(0)
    assert "de" not in set(frames["th", 3]["candidates"])
    cells = score_system(frames, ["th", "de"], [], CONFIG)
    assert "cross-lingual" not in set(cells["setting"])


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], {("all", "mean"), ("all", "mean_unseen")}),
        (LANGUAGES, {("all", "mean"), ("all", "mean_seen"), ("seen", "mean")}),
        (["en"], {("all", "mean"), ("all", "mean_seen"), ("all", "mean_unseen"), ("seen", "mean")}),
    ],
)
def test_means_over_no_language_are_absent(seen, expected):
    cells = score_system(_ragged(0), LANGUAGES, seen, CONFIG)
    means = cells[cells["language"].str.startswith("mean")]
    assert set(zip(means["pool"], means["language"], strict=True)) == expected


def test_one_trained_language_has_no_cross_lingual_cell_in_the_seen_pool():
    cells = score_system(_ragged(0), LANGUAGES, ["en"], CONFIG)
    settings = set(cells[cells["pool"] == "seen"]["setting"])
    assert settings == {"monolingual", "multilingual"}


def test_intervals_contain_the_point():
    cells = score_system(_ragged(0), LANGUAGES, SEEN, CONFIG)
    cells = cells[cells["metric"].isin(["map", "rank_distance"])]  # within the metrics' ranges
    assert (cells["ci_low"] < cells["value"]).all()
    assert (cells["value"] < cells["ci_high"]).all()


def test_intervals_end_where_the_metric_s_range_does():
    values = np.array([[1.0] * 29 + [0.0]])
    cell = _cell(score_system(_one_language(values), ["en"], [], CONFIG))
    assert cell["ci_low"] < cell["value"] < cell["ci_high"] == 1


def test_results_do_not_depend_on_the_order_of_the_input():
    frames = _ragged(0)
    first = score_system(frames, LANGUAGES, SEEN, CONFIG)
    again = score_system(dict(reversed(frames.items())), LANGUAGES, SEEN, CONFIG)
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_only_medians_depend_on_the_seed_of_the_bootstrap():
    first, other = (
        score_system(
            _runs(), RUN_CODES, [], StatisticsConfig(0.95, 200, seed), Rows([ALL], medians=True)
        )
        for seed in (0, 1)
    )
    assert (first["value"] == other["value"]).all()
    differing = first["ci_low"] != other["ci_low"]
    assert (differing == (first["language"] == "median")).all()


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_interval_of_one_seed_is_that_of_scipy(confidence):
    values = np.random.default_rng(0).random((1, 50))
    config = StatisticsConfig(confidence, resamples=300, seed=5)
    cell = _cell(score_system(_one_language(values), ["en"], [], config))
    theirs = stats.ttest_1samp(values[0], 0).confidence_interval(confidence)
    assert cell["n_seeds"] == 1
    assert (cell["ci_low"], cell["ci_high"]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_interval_of_several_seeds_is_the_estimator_s_over_articles_and_seeds():
    values = np.random.default_rng(0).random((3, 50))
    articles = np.arange(50) // 5
    frames = {
        key: frame.assign(article=[f"a{i}" for i in articles])
        for key, frame in _one_language(values).items()
    }
    cell = _cell(score_system(frames, ["en"], [], CONFIG))
    found = estimate(sample(values[None], np.ones((1, 1)), articles))
    low, high = found.interval(0.95)
    assert (cell["ci_low"], cell["ci_high"]) == pytest.approx((low[0], high[0]), abs=1e-12)


def test_questions_of_one_article_that_agree_count_as_one():
    of_article = np.random.default_rng(0).random(20)
    together = {
        key: frame.assign(article=[f"a{i // 5}" for i in range(100)])
        for key, frame in _one_language(np.repeat(of_article, 5)[None]).items()
    }
    cell = _cell(score_system(together, ["en"], [], CONFIG))
    alone = _cell(score_system(_one_language(of_article[None]), ["en"], [], CONFIG))
    assert _width(cell) == pytest.approx(_width(alone))


def test_intervals_shrink_with_the_root_of_the_number_of_queries():
    values = np.random.default_rng(0).random((1, 1600))
    wide = _width(_cell(score_system(_one_language(values[:, :100]), ["en"], [], CONFIG)))
    narrow = _width(_cell(score_system(_one_language(values), ["en"], [], CONFIG)))
    assert 3 < wide / narrow < 5.3


def test_difference_between_seeds_widens_the_interval():
    values = np.random.default_rng(0).random((1, 200))
    alike = _cell(score_system(_one_language(np.repeat(values, 3, 0)), ["en"], [], CONFIG))
    apart = np.concatenate([values - 0.2, values, values + 0.2])
    differ = _cell(score_system(_one_language(apart), ["en"], [], CONFIG))
    assert alike["value"] == pytest.approx(differ["value"], abs=1e-12)
    assert _width(differ) > 2 * _width(alike)


def test_question_is_one_unit_in_all_its_languages():
    values = np.random.default_rng(0).random((1, 100))
    codes = ["ar", "de", "en", "es"]
    frames = {k: v for code in codes for k, v in _one_language(values, code).items()}
    cells = score_system(frames, codes, [], CONFIG)
    one, mean = _cell(cells, "en"), _cell(cells, "mean")
    for column in ("value", "ci_low", "ci_high", "n_queries"):
        assert mean[column] == pytest.approx(one[column], abs=1e-12)


def test_interval_covers_the_truth_at_about_the_nominal_rate():
    rng = np.random.default_rng(0)
    codes = [f"c{i:03d}" for i in range(400)]  # each an experiment of its own
    drawn = {code: rng.beta(2, 1, size=(1, 60)) for code in codes}
    frames = {k: v for code in codes for k, v in _one_language(drawn[code], code).items()}
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
            frames |= _one_language(values, language)
        cell = _cell(score_system(frames, ["en", "zh"], [], config), "mean")
        covered.append(cell["ci_low"] <= 0.5 <= cell["ci_high"])
    assert 0.9 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_query_has_a_value_and_no_interval(seeds):
    values = np.arange(seeds, dtype=float)[:, None]
    cells = score_system(_one_language(values), ["en"], ["en"], CONFIG)
    assert _cell(cells)["value"] == pytest.approx(values.mean())
    assert cells[["ci_low", "ci_high"]].isna().all(axis=None)


def test_language_with_one_query_among_larger_ones_has_no_interval():
    values = np.random.default_rng(0).random((2, 30))
    frames = {**_one_language(values), **_one_language(values[:, :1], "zh")}
    cells = score_system(frames, ["en", "zh"], [], CONFIG)
    alone = _cell(cells, "zh")
    assert alone["n_queries"] == 1
    assert np.isnan(alone["ci_low"])
    assert np.isnan(alone["ci_high"])
    assert _width(_cell(cells, "en")) > 0
    assert _width(_cell(cells, "mean")) > 0


@pytest.mark.parametrize("seeds", [1, 2])
def test_equal_values_have_no_interval(seeds):
    """Without any spread nothing is known of it, and an interval of no width would be wrong."""
    cell = _cell(score_system(_one_language(np.full((seeds, 20), 0.3)), ["en"], [], CONFIG))
    assert cell["value"] == pytest.approx(0.3, abs=1e-12)
    assert np.isnan(cell["ci_low"])


def test_queries_with_one_seed_only_are_refused():
    frames = _ragged(0)
    frame = frames["en", 3]
    frames["en", 3] = frame.drop(frame.index[frame["candidates"] == "zh"][0])
    with pytest.raises(DataError, match=r"queries of en against zh: seeds \[3, 7\]"):
        score_system(frames, LANGUAGES, SEEN, CONFIG)


def test_language_without_one_of_the_seeds_is_refused():
    frames = _ragged(0)
    del frames["ar", 7]
    with pytest.raises(DataError, match="queries of ar against all"):
        score_system(frames, LANGUAGES, SEEN, CONFIG)


# Rows of a benchmark with passages.

RUN_CODES = ["sw", "fi", "en", "th"]


def _runs(seeds: int = 2) -> Frames:
    """Per-query metrics of runs, each language with queries of its own."""
    rng = np.random.default_rng(0)
    sizes = dict(zip(RUN_CODES, (30, 50, 40, 20), strict=True))
    return {
        (code, seed): pd.DataFrame(
            {
                "query_id": [f"{code}:{i}" for i in range(n)],
                "candidates": code,
                "relevant": 1,
                "ndcg_10": rng.random(n) ** (1 + i),
                "recall_100": rng.random(n),
            }
        )
        for i, (code, n) in enumerate(sizes.items())
        for seed in range(seeds)
    }


def _run_cells(frames: Frames, **rows) -> pd.DataFrame:
    of = Rows(**{"pools": [ALL], "averaged": ["sw", "fi", "th"], "medians": True, **rows})
    return score_system(frames, RUN_CODES, ["en", "sw"], CONFIG, of)


def test_runs_have_their_own_metrics_in_the_monolingual_setting():
    cells = _run_cells(_runs())
    assert set(cells["metric"]) == {"ndcg_10", "recall_100"}
    assert set(cells["setting"]) == {"monolingual"}
    assert set(cells["pool"]) == {"all"}


@pytest.mark.parametrize("metric", ["ndcg_10", "recall_100"])
def test_mean_and_median_are_over_the_averaged_languages(metric):
    frames = _runs()
    cells = _run_cells(frames)
    means = {
        code: np.mean([frames[code, seed][metric].mean() for seed in (0, 1)]) for code in RUN_CODES
    }
    found = cells[cells["metric"] == metric].set_index("language")
    for code, value in means.items():
        assert found.loc[code, "value"] == pytest.approx(value, abs=1e-12)
    averaged = [means[code] for code in ("sw", "fi", "th")]
    assert found.loc["mean", "value"] == pytest.approx(np.mean(averaged), abs=1e-12)
    assert found.loc["median", "value"] == pytest.approx(np.median(averaged), abs=1e-12)
    assert found.loc["mean_seen", "value"] == pytest.approx(means["sw"], abs=1e-12)
    assert found.loc["mean", "n_queries"] == found.loc["median", "n_queries"] == 100


def test_interval_of_a_median_is_that_of_scipy_over_queries_and_seeds():
    frames = _runs()
    cells = _run_cells(frames)
    median = cells[(cells["metric"] == "ndcg_10") & (cells["language"] == "median")].iloc[0]
    queries = sorted(q for frame in frames.values() for q in frame["query_id"].unique())
    queries = list(dict.fromkeys(queries))
    scores = np.full((3, 2, len(queries)), np.nan)
    for i, code in enumerate(("sw", "fi", "th")):
        for seed in (0, 1):
            frame = frames[code, seed]
            scores[i, seed, [queries.index(q) for q in frame["query_id"]]] = frame["ndcg_10"]
    theirs = _interval_of_scipy(
        (np.arange(len(queries)), np.arange(2)),
        lambda q, s: np.median(np.nanmean(scores[:, s][:, :, q].mean(1), axis=1)),
    )
    assert (median["ci_low"], median["ci_high"]) == pytest.approx(
        (theirs.low, theirs.high), abs=1e-12
    )
    assert median["ci_low"] < median["value"] < median["ci_high"]


def test_interval_of_a_median_resamples_articles():
    frames = {
        key: frame.assign(article=[f"a{i // 4}" for i in range(len(frame))])
        for key, frame in _runs().items()
    }
    rows = Rows([ALL], ["sw", "fi", "th"], medians=True)
    together = score_system(frames, RUN_CODES, [], CONFIG, rows)
    alone = _run_cells(_runs())
    wanted = [
        cells[(cells["metric"] == "ndcg_10") & (cells["language"] == "median")].iloc[0]
        for cells in (together, alone)
    ]
    assert wanted[0]["value"] == pytest.approx(wanted[1]["value"])  # summed in another order
    assert wanted[0]["ci_low"] != wanted[1]["ci_low"]


def test_cells_of_a_parallel_benchmark_have_no_median():
    assert "median" not in set(score_system(_ragged(0), LANGUAGES, SEEN, CONFIG)["language"])


def test_pool_of_judged_passages_is_named_in_every_cell():
    cells = _run_cells(_runs(), pools=[JUDGED])
    assert set(cells["pool"]) == {"judged"}
    expected = _run_cells(_runs())["value"]
    assert cells["value"].tolist() == expected.tolist()


def test_pool_sizes_stand_in_rows_of_one_language():
    cells = _run_cells(_runs())
    counts = {
        code: {"passages": 100 + i, "judged": 10 + i, "absent_relevant": i}
        for i, code in enumerate(RUN_CODES)
    }
    sized = with_pool_sizes(cells, counts)
    assert list(sized.columns) == [*SCORE_COLUMNS, SEED_SD, *PASSAGE_COLUMNS]
    for row in sized.itertuples():
        if row.language in counts:
            assert row.pool_size == counts[row.language]["passages"]
            assert row.absent_relevant == counts[row.language]["absent_relevant"]
        else:
            assert pd.isna(row.pool_size)
            assert pd.isna(row.absent_relevant)
    judged = with_pool_sizes(_run_cells(_runs(), pools=[JUDGED]), counts)
    assert judged[judged["language"] == "fi"]["pool_size"].unique().tolist() == [11]

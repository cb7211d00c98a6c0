"""Scores of a benchmark with passages: means, medians and sizes of pools."""

import numpy as np
import pandas as pd
import pytest
from metric_frames import CONFIG, LANGUAGES, SEEN, Frames, ragged
from scipy import stats

from hybridbatch.evaluation.aggregate import Rows, score_system, with_pool_sizes
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.settings import ALL, JUDGED, PASSAGE_COLUMNS, SCORE_COLUMNS, SEED_SD

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


pytestmark = pytest.mark.filterwarnings("error")


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
    assert "median" not in set(score_system(ragged(0), LANGUAGES, SEEN, CONFIG)["language"])


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

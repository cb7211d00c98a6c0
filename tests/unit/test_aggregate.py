"""Scores are plain means of ragged data over queries, languages and seeds."""

import numpy as np
import pandas as pd
import pytest
from metric_frames import CONFIG, LANGUAGES, METRICS, SEEN, Frames, of_pool, ragged

from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.metrics import SETTINGS
from hybridbatch.evaluation.settings import SCORE_COLUMNS, SEED_SD
from hybridbatch.runtime.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")
Key = tuple[str, str, str, str]


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


@pytest.mark.parametrize("seed", range(4))
def test_cells_are_plain_means_over_queries_languages_and_seeds(seed):
    frames = ragged(seed)
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
    frames = ragged(1)
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
            parts = [of_pool([f"q{i}" for i in range(30)], pool, row) for pool in ("all", code)]
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
        ("en", 0): pd.concat([of_pool("abcd", "fr", np.zeros(4)), of_pool("a", "es", np.ones(1))])
    }
    cells = score_system(frames, ["en", "es", "fr"], [], CONFIG)
    cell = cells[(cells["metric"] == "map") & (cells["language"] == "en")].iloc[0]
    assert (cell["setting"], cell["value"], cell["n_queries"]) == ("cross-lingual", 0.5, 4)


def test_languages_without_a_common_question_do_not_enter_the_cross_lingual_cell():
    frames = ragged(0)
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
    cells = score_system(ragged(0), LANGUAGES, seen, CONFIG)
    means = cells[cells["language"].str.startswith("mean")]
    assert set(zip(means["pool"], means["language"], strict=True)) == expected


def test_one_trained_language_has_no_cross_lingual_cell_in_the_seen_pool():
    cells = score_system(ragged(0), LANGUAGES, ["en"], CONFIG)
    settings = set(cells[cells["pool"] == "seen"]["setting"])
    assert settings == {"monolingual", "multilingual"}


def test_results_do_not_depend_on_the_order_of_the_input():
    frames = ragged(0)
    first = score_system(frames, LANGUAGES, SEEN, CONFIG)
    again = score_system(dict(reversed(frames.items())), LANGUAGES, SEEN, CONFIG)
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_queries_with_one_seed_only_are_refused():
    frames = ragged(0)
    frame = frames["en", 3]
    frames["en", 3] = frame.drop(frame.index[frame["candidates"] == "zh"][0])
    with pytest.raises(DataError, match=r"queries of en against zh: seeds \[3, 7\]"):
        score_system(frames, LANGUAGES, SEEN, CONFIG)


def test_language_without_one_of_the_seeds_is_refused():
    frames = ragged(0)
    del frames["ar", 7]
    with pytest.raises(DataError, match="queries of ar against all"):
        score_system(frames, LANGUAGES, SEEN, CONFIG)

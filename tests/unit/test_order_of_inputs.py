"""Inputs are known by their keys: in whatever order a job gets them, it writes the same bytes."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from orders import (
    BENCHMARK,
    COMPARED,
    ENCODERS,
    LANGUAGES,
    PUBLISHED,
    SAMPLINGS,
    SCORED,
    SEEDS,
    keys,
    named,
    outputs,
    run,
    same,
)

from hybridbatch.evaluation.inputs import common, pick
from hybridbatch.evaluation.language_bias import BIAS_SCHEMA
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_json, write_table

STATISTICS = {"confidence": 0.95, "resamples": 50, "seed": 0}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Per-query metrics of every encoder, sampling, seed and language."""
    folder, rng, paths = tmp_path_factory.mktemp("metrics"), np.random.default_rng(0), []
    for n, (encoder, sampling, seed, language) in enumerate(
        product(ENCODERS, SAMPLINGS, SEEDS, LANGUAGES)
    ):
        parts = [
            pd.DataFrame(
                {
                    "query_id": [f"q{i}" for i in range(8)],
                    "candidates": pool,
                    "relevant": 1,
                    "map": rng.random(8),
                    "recall_1": rng.random(8),
                    "recall_10": rng.random(8),
                    "rank_distance": rng.integers(0, 50, 8).astype(float),
                }
            )
            for pool in ("en", "es", "all", "seen")
        ]
        table = pa.Table.from_pandas(pd.concat(parts), preserve_index=False)
        paths.append(str(folder / f"{n}.parquet"))
        write_table(paths[-1], table, keys(encoder, sampling, seed=seed, language=language))
    return paths


SCORE = {"languages": LANGUAGES, "seen": ["es"], "rows": {}, "statistics": STATISTICS}
COMPARE = {"languages": LANGUAGES, "seen": ["es"], "rows": {}, "confidence": 0.95}
COMPARE |= {"of": {}}


def compared(encoder: str) -> dict[str, Any]:
    """What `compare_samplings` gets to compare the samplings of an encoder."""
    sides = {f"{encoder}_{sampling}": sampling for sampling in SAMPLINGS}
    return COMPARE | {"compared": sides, "shared": ["benchmark", "encoder", "variant"]}


def models(folder: Path) -> list[str]:
    """Model folders of two seeds that were trained for different numbers of steps."""
    found = [folder / f"seed{seed}" for seed in range(2)]
    for number, model in enumerate(found):
        model.mkdir()
        parameters = {"trained": 24, "all": 1000}
        write_json(model / "run.json", {"best_step": 100 + number, "parameters": parameters})
    return list(map(str, found))


@pytest.fixture(scope="module")
def scores(metrics: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Scores of every system, in the order of SCORED; each has four files of metrics."""
    found = []
    for number in range(len(SCORED)):
        folder = tmp_path_factory.mktemp("scores")
        inputs = named(metrics=metrics[4 * number :][:4], models=models(folder), counts=[])(0)
        run("score_system", inputs, SCORE, folder)
        found.append(str(folder / "out.parquet"))
    return found


@pytest.fixture(scope="module")
def comparisons(metrics: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Comparisons of every encoder, in the order of COMPARED; each has eight files of metrics."""
    found = []
    for number in range(len(ENCODERS)):
        folder = tmp_path_factory.mktemp("comparisons")
        inputs = named(metrics=metrics[8 * number :][:8])(0)
        run("compare_samplings", inputs, compared(ENCODERS[number]), folder)
        found.append(str(folder / "out.parquet"))
    return found


def test_scores_of_a_system(metrics, tmp_path):
    inputs = named(metrics=metrics[:4], models=models(tmp_path), counts=[])
    same(outputs("score_system", inputs, SCORE, tmp_path), 1)


def test_scores_of_passages(metrics, tmp_path):
    counts = []
    for language in LANGUAGES:
        counts.append(str(tmp_path / f"{language}.json"))
        sizes = {"passages": 10 * len(counts), "judged": 5, "absent_relevant": 0}
        write_json(counts[-1], {"benchmark": BENCHMARK, "language": language} | sizes)
    inputs = named(metrics=metrics[:4], models=models(tmp_path), counts=counts)
    same(outputs("score_system", inputs, SCORE, tmp_path), 1)


def test_comparisons_of_samplings(metrics, tmp_path):
    inputs = named(metrics=metrics[:8])
    same(outputs("compare_samplings", inputs, compared(ENCODERS[0]), tmp_path), 1)


@pytest.mark.parametrize("name", ["main", BENCHMARK])
def test_score_table(scores, comparisons, tmp_path, name):
    inputs = named(
        scores=scores,
        comparisons=comparisons,
        glyphs=[],
        published=str(PUBLISHED / "hybrid_batch.csv"),
    )
    params = {
        "name": name, "title": "Quiz", "averaged": [], "scored": SCORED, "compared": COMPARED,
        "confidence": 0.95,
    }  # fmt: skip
    found = same(outputs("score_table", inputs, params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "score_table-0/csv")
    systems = frame[["encoder", "sampling"]].drop_duplicates()
    assert systems.to_numpy().tolist() == [list(pair) for pair in product(ENCODERS, SAMPLINGS)]
    assert b"hybrid" in found["latex"]


def test_significance_and_claims(comparisons, tmp_path):
    inputs = named(comparisons=comparisons)
    params = {"compared": COMPARED, "confidence": 0.95}
    same(outputs("significance_table", inputs, params, tmp_path), 3)
    published = str(PUBLISHED / "hybrid_batch.csv")
    inputs = named(comparisons=comparisons, images=[], published=published)
    params |= {"scale": "demo", "of_texts": {}}
    same(outputs("claims_table", inputs, params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "claims_table-0/csv")
    assert list(frame["encoder"].unique()) == ENCODERS


def test_reproduction_table(scores, tmp_path):
    inputs = named(scores=scores, published=str(PUBLISHED / "hybrid_batch.csv"))
    same(outputs("reproduction_table", inputs, {"scale": "paper", "confidence": 0.95}, tmp_path), 3)


def test_ablation_table(scores, comparisons, tmp_path):
    points = [
        {
            "point": encoder,
            "system": f"{encoder}_{sampling}",
            "variant": encoder,
            "trained": True,
        }
        for encoder, sampling in product(ENCODERS, SAMPLINGS)
    ]
    inputs = named(scores=scores, comparisons=comparisons, published=str(PUBLISHED / "lareqa.csv"))
    params = {
        "ablation": "encoders", "points": points, "benchmarks": [BENCHMARK], "together": False,
        "whole": "none", "confidence": 0.95,
    }  # fmt: skip
    same(outputs("ablation_table", inputs, params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "ablation_table-0/csv")
    assert list(frame["point"].unique()) == ENCODERS
    assert (frame["point"] == frame["encoder"]).all()


def test_layer_scaling_table(metrics, scores, tmp_path):
    """The samplings of the fixture as schedules: of each encoder, x-y is uniform."""
    schedules = dict(zip(SAMPLINGS, ("uniform", "rising"), strict=True))
    comparisons = []
    for number, encoder in enumerate(ENCODERS):
        folder = tmp_path / encoder
        folder.mkdir()
        sides = {f"{encoder}_{sampling}": schedules[sampling] for sampling in SAMPLINGS[::-1]}
        params = {"compared": sides, "shared": ["benchmark", "encoder"]}
        params |= {"of": {"schedules": f"{encoder}@lora-24_hybrid"}}
        run(
            "compare_samplings",
            named(metrics=metrics[8 * number :][:8])(0),
            COMPARE | params,
            folder,
        )
        comparisons.append(str(folder / "out.parquet"))
    points = [
        {
            "adapter": "lora",
            "budget": 24,
            "schedule": schedules[sampling],
            "system": f"{encoder}_{sampling}",
            "encoder": encoder,
            "sampling": "hybrid",
            "group": f"{encoder}@lora-24_hybrid",
        }
        for encoder, sampling in product(ENCODERS, SAMPLINGS)
    ]
    inputs = named(
        scores=scores, comparisons=comparisons, published=str(PUBLISHED / "hybrid_batch.csv")
    )
    params = {
        "points": points, "systems": [of["system"] for of in SCORED], "benchmarks": [BENCHMARK],
        "margins": {"lora": 0.01}, "confidence": 0.95,
    }  # fmt: skip
    same(outputs("layer_scaling_table", inputs, params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "layer_scaling_table-0/csv")
    assert list(frame["encoder"].unique()) == ENCODERS
    assert set(frame["trained_parameters"]) == {24}
    differences = frame[frame["versus"].notna()]
    assert set(zip(differences["schedule"], differences["versus"], strict=True)) == {
        ("rising", "uniform")
    }
    keys = ["encoder", "setting", "pool", "metric", "language"]
    wide = frame[frame["versus"].isna()].pivot(index=keys, columns="schedule", values="value")
    gains = differences.set_index(keys)["value"]
    expected = (wide["rising"] - wide["uniform"])[gains.index]
    np.testing.assert_allclose(gains, expected, atol=2e-6)


def test_bias_detail_table(tmp_path):
    rng, paths = np.random.default_rng(0), []
    for sampling, seed in product(SAMPLINGS, SEEDS):
        rows = [
            ("all", "share_at_k", asked, candidate, k, f"q{i}", rng.random(), 0.5)
            for k, asked, candidate, i in product((10, 100), LANGUAGES, LANGUAGES, range(6))
        ]
        table = pa.table([list(c) for c in zip(*rows, strict=True)], schema=BIAS_SCHEMA)
        paths.append(str(tmp_path / f"{sampling}-{seed}.parquet"))
        write_table(paths[-1], table, keys("a", sampling, seed=seed))
    params = {
        "scored": [{"benchmark": BENCHMARK, "system": f"a_{s}"} for s in SAMPLINGS],
        "languages": {BENCHMARK: LANGUAGES}, "confidence": 0.95,
    }  # fmt: skip
    asked = []
    for language in LANGUAGES:
        titles = [f"{language} {i // 2}" for i in range(6)]
        queries = pa.table({"query_id": [f"q{i}" for i in range(6)], "article": titles})
        asked.append(str(tmp_path / f"{language}.parquet"))
        write_table(asked[-1], queries, {"benchmark": BENCHMARK, "language": language})
    inputs = named(measures=paths, queries=asked)
    same(outputs("bias_detail_table", inputs, params, tmp_path), 3)


DRAWN = {
    "samplings": SAMPLINGS, "seeds": SEEDS, "languages": LANGUAGES, "seen": ["es"],
    "runs": list(product(SAMPLINGS, SEEDS)), "encoder": "b", "benchmark": BENCHMARK, "id": "drawn",
}  # fmt: skip


@pytest.mark.parametrize("figure", ["heatmap_figure", "rank_distance_figure"])
def test_figures_of_metrics(metrics, tmp_path, figure):
    same(outputs(figure, named(metrics=metrics[:8]), DRAWN, tmp_path), 2)


def test_training_figure(tmp_path):
    models = []
    for n, (sampling, seed) in enumerate(product(SAMPLINGS, SEEDS), 1):
        folder = tmp_path / f"model-{n}"
        folder.mkdir()
        write_json(folder / "run.json", {"training": {"sampling": sampling}, "seed": seed})
        for file in ("training.jsonl", "validation.jsonl"):
            pd.DataFrame({"step": [1, 2, 3], "loss": [3.0 * n, 2.0, 1.0 / n]}).to_json(
                folder / file, orient="records", lines=True
            )
        models.append(str(folder))
    same(outputs("training_figure", named(models=models), DRAWN, tmp_path), 2)


def test_parts_are_in_the_order_that_is_asked_for():
    parts = [({"seed": n, "language": code}, (n, code)) for n in (0, 1) for code in ("en", "es")]
    wanted = [{"language": code, "seed": n} for code in ("es", "en") for n in (1, 0)]
    assert pick(parts, wanted) == [(1, "es"), (0, "es"), (1, "en"), (0, "en")]
    assert pick([], []) == []


@pytest.mark.parametrize(
    ("seeds", "wanted", "words"),
    [
        ([0], [0, 1], "seed 1: there 0 times"),
        ([0, 0], [0], "seed 0: there 2 times"),
        ([0, 1], [0], "seed 1: not asked for"),
        ([0], [], "not asked for"),
    ],
)
def test_an_input_too_few_or_too_many_is_refused(seeds, wanted, words):
    with pytest.raises(DataError, match=words):
        pick([({"seed": n}, n) for n in seeds], [{"seed": n} for n in wanted])


def test_what_inputs_have_in_common():
    parts = [({"seed": n, "encoder": "a"}, None) for n in (0, 1)]
    assert common(parts, ["encoder"]) == {"encoder": "a"}
    with pytest.raises(DataError, match="differ in their seed: 0, 1"):
        common(parts, ["encoder", "seed"])

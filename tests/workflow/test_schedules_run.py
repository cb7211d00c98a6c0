"""LoRA's budget divided among the layers of a tiny pretrained encoder, from texts to the table."""

import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from checkout import Checkout, new_checkout, small_configuration
from pretrained import tiny_bert
from safetensors import safe_open
from sentence_transformers import SentenceTransformer

from hybridbatch.evaluation.layer_scaling import COMPARED
from hybridbatch.evaluation.settings import MEANS
from hybridbatch.evaluation.significance import compare, holm

pytestmark = pytest.mark.slow
ROOT = "results/small"
TABLE = f"{ROOT}/tables/layer_scaling.csv"
BUDGET, SCHEDULES, SEEDS = 6, ["uniform", "rising"], [0, 1]
LANGUAGES = ["en", "es"]
GROUP, MARGIN = f"tiny@lora-{BUDGET}_hybrid", 0.02
SYSTEM = f"tiny@lora-{BUDGET}-{{}}_hybrid"
RANKS = {"uniform": [3, 3], "rising": [1, 5]}
# Of each rank: four modules of 32 x 32 and two of 32 x 64.
TRAINED = BUDGET * (4 * 64 + 2 * 96)
LIBRARIES = ("transformers.models.bert", "sentence_transformers", "peft")
CONFIGURED = ("--configfile=layers.yaml",)
MERGED = f"{ROOT}/merged/{SYSTEM.format('rising')}/seed1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which every schedule is trained, and the table, figure and timings are made."""
    if shutil.which("apertium") is None:
        pytest.skip("apertium is not installed: apt-get install apertium, or `make setup`")
    checkout = new_checkout(tmp_path_factory.mktemp("layers") / "project")
    lines = (checkout.path / "small.jsonl").read_text().splitlines()
    texts = [json.loads(line)[side] for line in lines for side in ("question", "passage")]
    tiny_bert(checkout.path / "tiny", texts, 400)
    config = small_configuration()
    config |= {"encoders": ["tiny"], "samplings": ["hybrid"], "seeds": SEEDS}
    config["target_languages"] = ["es"]
    config["training"] |= {"learning_rate": 0.02, "max_steps": 12, "evaluate_every": 6}
    none = {name: [] for name, of in config["ablations"].items() if isinstance(of, list)}
    scaling = {"adapter": "lora", "scale": 2.0, "budgets": [BUDGET], "schedules": SCHEDULES}
    config["ablations"] = {
        **none, "benchmarks": ["small"], "samplings": ["hybrid"], "seeds": len(SEEDS),
        "layer_scaling": [{**scaling, "margin": MARGIN}],
    }  # fmt: skip
    text = {"query_prefix": "query: ", "passage_prefix": "passage: ", "pooling": "mean"}
    entry = {"kind": "transformer", "model": "tiny", "max_tokens": 24, **text}
    config["catalogue"]["encoders"]["tiny"] = entry
    config["catalogue"]["benchmarks"]["small"]["languages"] = LANGUAGES
    (checkout.path / "layers.yaml").write_text(yaml.safe_dump(config))
    targets = (TABLE, f"{ROOT}/figures/layer_scaling.svg", f"{ROOT}/timings/layer_scaling.csv")
    # Threads that wait for each other would take long on a busy machine.
    one = ("--set-threads", "finetune=1", "encode=1")
    checkout.snakemake(*CONFIGURED, *one, "--", *targets, MERGED, libraries=LIBRARIES)
    return checkout


@pytest.fixture(scope="module")
def table(made: Checkout) -> pd.DataFrame:
    return pd.read_csv(made.path / TABLE, keep_default_na=False, na_values="")


@pytest.fixture(scope="module")
def tested(made: Checkout) -> pd.DataFrame:
    """What the statistics say of the schedules' per-query metrics."""
    frames = {
        schedule: {
            (language, seed): pd.read_parquet(
                made.path
                / f"{ROOT}/metrics/{SYSTEM.format(schedule)}/seed{seed}/small/{language}.parquet"
            )
            for seed, language in product(SEEDS, LANGUAGES)
        }
        for schedule in ("rising", "uniform")
    }
    return compare(frames, LANGUAGES, LANGUAGES, 0.95)


def test_schedules_of_a_budget_have_their_ranks_and_train_equally_many(
    made: Checkout, table: pd.DataFrame
):
    for (schedule, ranks), seed in product(RANKS.items(), SEEDS):
        folder = made.path / f"{ROOT}/models/{SYSTEM.format(schedule)}/seed{seed}"
        run = json.loads((folder / "run.json").read_text())
        assert run["parameters"]["trained"] == TRAINED
        with safe_open(folder / "adapter_model.safetensors", framework="np") as weights:
            shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
        assert sum(np.prod(shape) for shape in shapes.values()) == TRAINED
        for layer, rank in enumerate(ranks):
            inner = [shape[0] for name, shape in shapes.items()
                     if f".layer.{layer}." in name and "lora_A" in name]  # fmt: skip
            assert inner == [rank] * 6
    scores = table[table["versus"].isna()]
    assert set(scores["schedule"]) == set(SCHEDULES)
    assert set(scores["trained_parameters"]) == {TRAINED}
    assert set(scores["n_seeds"]) == {2}


def test_differences_are_what_the_statistics_say_of_the_scores(
    table: pd.DataFrame, tested: pd.DataFrame
):
    found = table[table["versus"].notna()]
    assert set(zip(found["schedule"], found["versus"], strict=True)) == {("rising", "uniform")}
    keys = ["setting", "metric", "pool", "language"]
    mine = found.set_index(keys)
    theirs = tested[tested["language"].isin(MEANS)].set_index(keys).loc[mine.index]
    assert set(zip(found["setting"], found["metric"], strict=True)) == set(COMPARED)
    assert mine["value"].abs().max() > 1e-4  # the schedules are different models
    for column in ("value", "ci_low", "ci_high", "standard_error", "df", "p", "detectable"):
        expected = theirs["difference" if column == "value" else column]
        assert expected.notna().any()
        np.testing.assert_allclose(mine[column], expected, rtol=1e-4, atol=1e-6)
    # And they are the differences of the scores that the table prints.
    scores = table[table["versus"].isna()].set_index(["schedule", *keys])["value"]
    printed = scores.loc["rising"][mine.index] - scores.loc["uniform"][mine.index]
    np.testing.assert_allclose(mine["value"], printed, atol=2e-6)
    once = found.drop_duplicates(["schedule", "versus", "setting", "metric", "value", "p"])
    corrected = dict(zip(once["p"], holm(once["p"].to_numpy(float)), strict=True))
    np.testing.assert_allclose(found["p_holm"], found["p"].map(corrected), atol=2e-5)  # as printed


def test_statements_are_judged_by_interval_margin_and_least_difference(table: pd.DataFrame):
    judged = table[(table["pool"] == "all") & table["statement"].notna()]
    assert sorted(judged["setting"]) == ["cross-lingual", "monolingual", "multilingual"]
    for _, row in judged.iterrows():
        expected = "undecided"
        if row["detectable"] > MARGIN:
            expected = "cannot say with 2 seeds"
        elif row["ci_low"] > -MARGIN:
            expected = "holds"
        elif row["ci_high"] < -MARGIN:
            expected = "does not"
        assert (row["verdict"], row["margin"]) == (expected, MARGIN)
        assert row["statement"] == f"rising's {row['setting']} mAP is not below uniform's"
    columns = list(table.columns)
    assert columns.index("detectable") < columns.index("verdict")


def test_the_figure_has_every_schedule(made: Checkout):
    text = (made.path / f"{ROOT}/figures/layer_scaling.svg").read_text()
    assert "<svg" in text
    caption = (made.path / f"{ROOT}/figures/layer_scaling.txt").read_text()
    assert f"{TRAINED:,} trained parameters" in caption
    assert "2 seeds" in caption


def test_memory_and_speed_stand_beside_the_scores(made: Checkout, table: pd.DataFrame):
    frame = pd.read_csv(made.path / f"{ROOT}/timings/layer_scaling.csv").set_index("schedule")
    assert list(frame.index) == SCHEDULES
    assert (frame["pairs_per_second"] > 0).all()
    assert frame["peak_memory_mib"].between(100, 5_000).all()
    assert (frame[["models", "models_measured"]] == 2).all(axis=None)
    scores = table.query("pool == 'all' and language == 'mean' and metric == 'map'")
    scores = scores[scores["versus"].isna()].set_index(["setting", "schedule"])["value"]
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        np.testing.assert_allclose(frame[f"{setting} mAP"], scores[setting][frame.index])


def test_a_merged_adapter_gives_the_adapters_vectors(made: Checkout, monkeypatch):
    monkeypatch.chdir(made.path)  # an adapter names its base from there
    model = SYSTEM.format("rising")
    texts = ["What is a volcano?", "Una palabra"]
    vectors = [
        SentenceTransformer(folder, device="cpu", local_files_only=True).encode(texts)
        for folder in (f"{ROOT}/models/{model}/seed1", MERGED, f"{ROOT}/encoders/tiny")
    ]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-3
    assert not list(Path(MERGED).glob("adapter*"))


def test_nothing_is_made_twice_and_another_budget_trains_its_own_alone(made: Checkout):
    assert made.plan(*CONFIGURED, "--", TABLE) == []
    config = yaml.safe_load((made.path / "layers.yaml").read_text())
    config["ablations"]["layer_scaling"][0]["budgets"] = [BUDGET, 12]
    (made.path / "more.yaml").write_text(yaml.safe_dump(config))
    jobs = made.plan("--configfile=more.yaml", "--", TABLE)
    trained = {of["system"] for rule, of in jobs if rule == "finetune"}
    assert trained == {f"tiny@lora-12-{schedule}_hybrid" for schedule in SCHEDULES}

"""docs/extending.md as printed: its files written, its commands run, what it promises there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checkout import ROOT, Checkout, new_checkout, python_of_jobs
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


# What `snakemake` is where jobs start quickly.
SNAKEMAKE = f"""#!/bin/sh
exec {shlex.quote(sys.executable)} -c '
import runpy, sys
sys.executable = sys.argv.pop(1)
runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
' %s "$@"
"""


class Extended:
    """A checkout with the page's files in it."""

    def __init__(self, path: Path) -> None:
        self.path = new_checkout(path).path
        self.results = self.path / "results/mine"
        self.bin = path / "bin"
        self.bin.mkdir()
        (self.bin / "snakemake").write_text(
            SNAKEMAKE % shlex.quote(python_of_jobs("sentence_transformers"))
        )
        (self.bin / "snakemake").chmod(0o755)
        for name, text in FILES.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def run(self, configuration: str, jobs: str = "preloaded") -> None:
        """Run the commands printed for a configuration, exactly.

        jobs: `preloaded` (jobs.py) or `fresh`, with all that a user starts.
        """
        (command,) = (c for c in COMMANDS if f" {configuration} -- " in c)
        places = [str(Path(sys.executable).parent), os.environ["PATH"]]
        if jobs == "preloaded":
            places.insert(0, str(self.bin))
        environment = os.environ | {"PATH": ":".join(places), "HF_HUB_OFFLINE": "1"}
        run = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if run.returncode:
            pytest.fail(f"{command}\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}")

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.results / "tables" / f"{name}.csv")

    def trained_on(self, corpus: str) -> dict[str, float]:
        """The pairs of a corpus by language."""
        rows = self.table("training_data").query("benchmark == @corpus and metric == 'trained_on'")
        return dict(zip(rows["language"], rows["value"], strict=True))


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Extended:
    if shutil.which("apertium") is None:
        pytest.skip("apertium is not installed: apt-get install apertium, or `make setup`")
    return Extended(tmp_path_factory.mktemp("extended"))


def test_every_configuration_of_the_page_has_a_command():
    configurations = {name for name in FILES if name.endswith(".yaml")}
    assert len(configurations) == len(COMMANDS) == 10
    for name in configurations:
        assert sum(f" {name} -- " in command for command in COMMANDS) == 1
        assert f"`{name}`" in PAGE


@pytest.mark.slow
def test_language(extended: Extended):
    extended.run("language.yaml")
    rows = extended.table("translation").query("language == 'an'")
    assert rows["texts"].iloc[0] > 0
    assert 0 < rows["unknown_share"].iloc[0] < 0.5
    assert extended.trained_on("bundled")["an"] > 0


@pytest.mark.slow
def test_corpus(extended: Extended):
    extended.run("corpus.yaml")
    pairs = extended.trained_on("mine")
    assert pairs["en"] == 3
    assert 0 < pairs["es"] <= 3


def test_reader(extended: Extended):
    extended.run("reader.yaml")
    assert extended.trained_on("faq")["en"] == 1
    counts = extended.table("training_data").query("benchmark == 'faq'").set_index("metric")
    assert counts["value"]["unanswered"] == 1


@pytest.mark.slow
def test_data_set(extended: Extended):
    extended.run("dataset.yaml")
    assert extended.trained_on("owls")["en"] == 2
    counts = extended.table("training_data").query("benchmark == 'owls'").set_index("metric")
    assert counts["value"]["unanswerable"] == 1
    folder = extended.results / "datasets/owls"
    assert "CC0 1.0" in (folder / "README.md").read_text()
    assert pd.read_parquet(folder / "en.parquet")["passage"].to_list() == [
        "Most owls sleep in trees during the day.",
        "Owls eat mice.",
    ]
    assert set(pd.read_parquet(folder / "es.parquet")["language"]) == {"es"}


@pytest.mark.slow
def test_benchmark_and_an_ablation_s_value(extended: Extended):
    extended.run("benchmark.yaml")
    counts = extended.table("evaluation_data").query("benchmark == 'quiz'")
    for metric in ("queries", "candidates"):
        of_languages = counts[counts["metric"] == metric].set_index("language")["value"]
        assert of_languages.to_dict() == {"en": 2, "es": 2}
    scores = extended.table("quiz")
    assert set(scores["setting"]) == {"monolingual", "cross-lingual", "multilingual"}
    assert set(scores["language"]) == {"en", "es", "mean", "mean_seen"}
    assert (scores["n_queries"] == 2).all()
    assert scores["value"].between(0, 1).all()

    model = extended.results / "models/static_hybrid/seed0/model.safetensors"
    made = model.stat().st_mtime_ns
    extended.run("ablation.yaml")
    assert model.stat().st_mtime_ns == made, "the configuration's own value is not trained again"
    assert set(extended.table("temperature")["point"]) == {0.05, 0.2}
    models = {folder.name for folder in (extended.results / "models").glob("static*")}
    assert models == {"static_hybrid", "static@temperature-0.2_hybrid"}


@pytest.mark.slow
def test_model(extended: Extended):
    extended.run("model.yaml")
    for system, dimension in (("tiny_bert_hybrid", 32), ("narrow_hybrid", 64)):
        folder = extended.results / "models" / system / "seed0"
        model = SentenceTransformer(str(folder), device="cpu")
        assert model.encode(["a question"]).shape == (1, dimension)
        assert len((folder / "training.jsonl").read_text().splitlines()) == 10


def test_kind_of_encoder(extended: Extended):
    extended.run("two_tables.yaml")
    scores = extended.table("quiz")
    assert set(scores["encoder"]) == {"pair_of_tables"}
    assert set(scores["setting"]) == {"monolingual", "cross-lingual", "multilingual"}
    # Its two towers load in SentenceTransformer, and give the vectors that were ranked.
    folder = extended.results / "models/pair_of_tables_hybrid/seed0"
    model = SentenceTransformer(str(folder), device="cpu")
    collection = extended.results / "collections/quiz/es"
    vectors = load_file(
        extended.results / "embeddings/pair_of_tables_hybrid/seed0/quiz/es.safetensors"
    )
    for side, encode in (
        ("queries", model.encode_query),
        ("candidates", model.encode_document),
    ):
        texts = pd.read_parquet(collection / f"{side}.parquet")["text"].to_list()
        np.testing.assert_allclose(vectors[side], encode(texts), atol=1e-5)
    assert np.abs(model.encode_query(texts) - model.encode_document(texts)).max() > 0.01


def test_kind_of_benchmark(extended: Extended):
    extended.run("pictures.yaml")
    scores = extended.table("pictures")
    assert set(scores["setting"]) == {"monolingual", "cross-lingual", "multilingual"}
    assert (scores["n_queries"] == 3).all()
    assert scores["value"].notna().all()
    candidates = pd.read_parquet(extended.results / "collections/pictures/es/candidates.parquet")
    assert all(image.startswith(b"\x89PNG") for image in candidates["image"])


def test_an_encoder_of_texts_is_refused_for_images(extended: Extended):
    files = ["config/demo.yaml", "two_tables.yaml", "pictures.yaml"]
    refused = ["--config", 'encoders=["static"]', "--", "results/mine/tables/pictures.csv"]
    run = Checkout(extended.path).snakemake("-n", "--configfile", *files, *refused, check=False)
    assert run.returncode == 1
    message = "the candidates of 'pictures' are of modality image, and the encoder 'static' embeds"
    assert message in run.stderr + run.stdout


def test_translator(extended: Extended):
    extended.run("translator.yaml", jobs="fresh")
    table = extended.table("translation")
    assert set(table["language"]) == {"es"}
    assert (table["texts"] == 6).all()
    assert table["unknown_share"].between(0.3, 0.95).all()
    failures = table[table["reason"].notna()]
    assert failures[["failed", "reason"]].values.tolist() == [[1, "no word is known"]]

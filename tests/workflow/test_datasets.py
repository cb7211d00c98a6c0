"""A data set as a corpus, and the train sets that come of it as a data set again."""

import json
import shutil
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import yaml
from checkout import Checkout
from huggingface_hub import DatasetCard

ALL = ("--configfile", "small.yaml", "set.yaml", "--")
CONFIGURATION = {
    "corpora": ["animals"],
    "validation": ["small"],
    "target_languages": ["es"],
    "ablations": {"unseen_languages": []},
    "catalogue": {
        "corpora": {
            "animals": {
                "kind": "datasets",
                "path": "animals",
                "split": "train",
                "columns": {"question": "asked.text", "passage": "text", "id": "key"},
                "language": "en",
                "holdout": 0.0,
                "shards": 1,
            }
        }
    },
}


@pytest.fixture
def project(checkout: Checkout) -> Checkout:
    """A checkout with a data set of 40 rows and the configuration to train on it."""
    if shutil.which("apertium") is None:
        pytest.skip("apertium is not installed: apt-get install apertium, or `make setup`")
    lines = (checkout.path / "small.jsonl").read_text().splitlines()[:40]
    rows = [
        {"key": 100 + number, "asked": {"text": pair["question"]}, "text": pair["passage"]}
        for number, pair in enumerate(map(json.loads, lines))
    ]
    (checkout.path / "animals").mkdir()
    for name, part in (("train-0.jsonl", rows[:25]), ("train-1.jsonl", rows[25:])):
        text = "".join(json.dumps(row) + "\n" for row in part)
        (checkout.path / "animals" / name).write_text(text)
    configure(checkout, {})
    return checkout


def configure(project: Checkout, exports: dict, **corpus) -> None:
    values = json.loads(json.dumps({**CONFIGURATION, "exports": exports}))
    values["catalogue"]["corpora"]["animals"] |= corpus
    (project.path / "set.yaml").write_text(yaml.safe_dump(values))


@pytest.mark.slow
def test_train_sets_of_a_data_set_are_a_data_set(project: Checkout, tmp_path: Path):
    refused = project.snakemake(*ALL, "datasets", check=False)
    assert refused.returncode == 1
    said = refused.stdout + refused.stderr
    assert "no licence is stated of animals, so that" in said
    assert "exports: {unstated_licences: [animals]}" in said
    assert not (project.path / "results").exists()

    configure(project, {"unstated_licences": ["animals"]})
    table = "results/small/tables/training_data"
    project.snakemake(*ALL, "datasets", f"{table}.csv", f"{table}.provenance.json")
    results = project.path / "results/small"
    folder = results / "datasets/animals"
    for language in ("en", "es"):
        found = datasets.load_dataset(str(folder), language, cache_dir=str(tmp_path / "cache"))
        assert list(found) == ["train"]
        rows = found["train"].to_list()
        train = pq.read_table(results / f"train/animals/{language}.parquet").to_pylist()
        assert rows == [{**row, "language": language} for row in train]
        assert len(rows) > 10
        assert {int(row["id"]) for row in rows} <= set(range(100, 140))
    first = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert set(first["language"]) == {"en"}

    card = DatasetCard((folder / "README.md").read_text())
    assert card.data.language == ["en", "es"]
    kept = json.loads((results / "train/animals/es.json").read_text())
    row = next(line for line in card.text.splitlines() if line.startswith("| es"))
    assert [cell.strip() for cell in row.split("|")[2:4]] == [
        str(kept["pairs"]),
        str(kept["kept"]),
    ]
    assert "Translator: apertium; licence: GNU GPL" in card.text

    record = json.loads((project.path / f"{table}.provenance.json").read_text())
    sources = {"downloads/datasets/animals/manifest.json", "animals/train-0.jsonl"}
    assert sources <= set(record["inputs"]["files"])

    # Nothing is streamed twice.
    assert project.plan(*ALL, "datasets") == []
    # A changed file is read again, and `tables` makes no data sets.
    file = project.path / "animals/train-1.jsonl"
    file.write_text(file.read_text().upper())
    rules = {rule for rule, _ in project.plan(*ALL, "tables")}
    assert "fetch_dataset" in rules
    assert not rules & {"export_train_set", "data_card"}


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(checkout: Checkout):
    configure(checkout, {"unstated_licences": ["animals"]}, path="some/where")
    run = checkout.snakemake("--dry-run", *ALL, "datasets", check=False)
    assert run.returncode == 1
    said = run.stdout + run.stderr
    assert "catalogue.corpora.animals.path: there is no folder or file some/where. For a" in said

"""Every table of a finished run has its record, which verifies, and which nothing rewrites."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from checkout import Checkout, as_option, small_configuration

from hybridbatch.runtime.files import recorded_digest, write_table, write_text

SMALL = ("--configfile=small.yaml",)
TABLES = "results/small/tables"


def verify(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "workflow/verify.py", *arguments]
    return subprocess.run(command, cwd=checkout.path, capture_output=True, text=True, check=False)


def record(checkout: Checkout, table: str) -> dict:
    return json.loads((checkout.path / TABLES / f"{table}.provenance.json").read_text())


def recorded_again(checkout: Checkout, *arguments: str) -> set[str]:
    jobs = checkout.plan("tables", *arguments)
    return {wildcards["table"] for rule, wildcards in jobs if rule == "record_provenance"}


def test_every_table_has_a_record(finished: Checkout):
    folder = finished.path / TABLES
    tables = {path.stem for path in folder.glob("*.csv")}
    assert tables == {
        path.name.removesuffix(".provenance.json") for path in folder.glob("*.provenance.json")
    }


def test_record_names_the_inputs_behind_the_table_and_no_others(finished: Checkout):
    benchmark = {f"resources/bundled/benchmark/{code}.json" for code in ("en", "es", "it")}
    inputs = record(finished, "small")["inputs"]["files"]
    assert set(inputs) == {*benchmark, "small.jsonl", "resources/published/hybrid_batch.csv"}
    inputs = record(finished, "evaluation_data")["inputs"]["files"]
    assert set(inputs) == {*benchmark, "resources/published/evaluation_data.csv"}
    inputs = record(finished, "translation")["inputs"]["files"]
    assert set(inputs) == {"small.jsonl"}


def test_no_table_holds_or_is_made_from_a_time(finished: Checkout):
    """Two runs give the same tables; what a stage took stands in the record."""
    for path in (finished.path / TABLES).glob("*.csv"):
        header = path.read_text().split("\n", 1)[0]
        times = r"second|minute|hour|elapsed|wall|(?<!candi)date|_time|time_"
        assert not re.search(times, header), path
    for path in (finished.path / TABLES).glob("*.provenance.json"):
        found = record(finished, path.name.removesuffix(".provenance.json"))
        behind = [*found["made"], *found["inputs"]["files"]]
        assert not [name for name in behind if "/timings/" in name or "/logs/" in name], path
        assert found["stages"]
        assert found["total"]["wall_seconds"] > 0


def test_record_counts_the_jobs_behind_the_table_and_their_cost(finished: Checkout):
    found = record(finished, "small")
    stages = found["stages"]
    jobs = {rule: stages[rule]["jobs"] for rule in ("read_corpus", "translate", "finetune")}
    assert jobs == {"read_corpus": 1, "translate": 4, "finetune": 2}
    assert found["total"]["jobs"] == sum(stage["jobs"] for stage in stages.values())
    assert found["total"]["jobs_without_measure"] == 0
    assert stages["finetune"]["cpu_seconds"] > stages["read_corpus"]["cpu_seconds"] > 0
    assert stages["finetune"]["peak_memory_mib"] > 200
    assert all(stage["code"] for stage in stages.values())
    assert "finetune" not in record(finished, "translation")["stages"]
    assert set(record(finished, "evaluation_data")["stages"]) == {
        "read_benchmark", "evaluation_data_table"
    }  # fmt: skip


def test_copy_without_git_says_so(finished: Checkout):
    code = record(finished, "main")["code"]
    assert code["commit"] is None
    assert "not a git checkout" in code["reason"]


def test_no_path_of_this_machine_is_in_a_record(finished: Checkout):
    for path in (finished.path / TABLES).glob("*.provenance.json"):
        assert str(finished.path) not in path.read_text()
        assert str(Path.home()) + "/" not in path.read_text()


def test_finished_run_verifies(finished: Checkout):
    run = verify(finished, "results/small", "--config", "small.yaml")
    assert run.returncode == 0, run.stdout
    assert "mismatches: 0" in run.stdout


@pytest.mark.parametrize("name", ["main.csv", "small.md"])
def test_changed_digit_is_found(finished: Checkout, name: str):
    file = finished.path / TABLES / name
    text = file.read_text()
    digit = max(text.rfind(d) for d in "0123456789")
    other = str((int(text[digit]) + 1) % 10)
    try:
        file.write_text(text[:digit] + other + text[digit + 1 :])
        run = verify(finished, "results/small")
    finally:
        file.write_text(text)
    assert run.returncode == 1
    assert f"{TABLES}/{name}: is not the file" in run.stdout
    assert "mismatches: 1" in run.stdout


def test_every_published_file_has_a_digest_and_no_checkpoint_is_left(finished: Checkout):
    results = finished.path / "results/small"
    assert not (results / "checkpoints").exists()
    for path in results.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(results).parts)
        # Snakemake writes the timings, and a log is not complete before its job's end.
        if path.is_file() and not hidden and not {"logs", "timings"} & set(path.parts):
            assert recorded_digest(path), path


# One file of each kind that stands between sources and tables.
BEHIND = [
    "corpora/small/train.parquet",
    "texts/small/000.parquet",
    "translations/*/small/es/000.parquet",
    "train/small/es.parquet",
    "train/small/es.json",
    "encoders/static/tokenizer.json",
    "tokens/static/small/es.safetensors",
    "models/static_hybrid/seed0/model.safetensors",
    "collections/small/es/queries.parquet",
    "embeddings/static_hybrid/seed0/small/es.safetensors",
    "metrics/static_hybrid/seed0/small/es.parquet",
    "scores/static_hybrid/small.parquet",
]


def test_a_flipped_bit_anywhere_behind_a_table_is_found(finished: Checkout):
    rng, contents = np.random.default_rng(0), {}
    for pattern in BEHIND:
        (file,) = (finished.path / "results/small").glob(pattern)
        contents[file] = file.read_bytes()
        flipped, bit = bytearray(contents[file]), rng.integers(8 * len(contents[file]))
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
    try:
        run = verify(finished, "results/small")
    finally:
        for file, content in contents.items():
            file.write_bytes(content)
    assert run.returncode == 1
    for file in contents:
        name = file.relative_to(finished.path)
        assert f"MISMATCH  {name}: is not what its job wrote" in run.stdout
    assert f"mismatches: {len(BEHIND)}" in run.stdout


@pytest.mark.slow
def test_changed_table_is_not_recorded_as_right(finished: Checkout):
    """Neither the table that its job wrote, nor the one that stands beside the record."""
    draft = finished.path / "results/small/drafts/main.csv"
    table = finished.path / TABLES / "main.csv"
    text = draft.read_text()
    assert table.read_text() == text
    draft.write_text(text.replace("0.", "1.", 1))
    run = finished.snakemake(*SMALL, "tables", check=False)
    said = run.stdout + run.stderr
    assert run.returncode == 1, said
    assert "results/small/drafts/main.csv: is not what its job wrote" in said
    command = re.search(r"`snakemake (--force \S+main\.csv)`", said)
    finished.snakemake(*SMALL, *command[1].split())
    finished.snakemake(*SMALL, "tables")  # Snakemake removed the outputs of the job that failed
    table.write_text(text.replace("0.", "1.", 1))
    command = re.search(
        r"`snakemake (--force \S+main\.csv)`", verify(finished, "results/small").stdout
    )
    finished.snakemake(*SMALL, *command[1].split())
    finished.snakemake(*SMALL, "tables")
    assert table.read_text() == text
    assert verify(finished, "results/small").returncode == 0


def test_a_table_made_alone_by_its_name_has_its_record(checkout: Checkout):
    checkout.snakemake(*SMALL, f"{TABLES}/evaluation_data.csv")
    assert record(checkout, "evaluation_data")["stages"]
    run = verify(checkout, "results/small", "--config", "small.yaml", "--strict")
    assert run.returncode == 0, run.stdout
    assert "mismatches: 0" in run.stdout


def test_another_configuration_is_found(finished: Checkout):
    other = small_configuration()
    other["catalogue"]["samplings"] = {"hybrid": {"alpha": 0.25}}
    (finished.path / "other.yaml").write_text(yaml.safe_dump(other))
    run = verify(finished, "results/small", "--config", "other.yaml")
    assert run.returncode == 1
    assert "was made with another configuration: catalogue.samplings.hybrid.alpha" in run.stdout


def test_another_run_is_compared_stage_by_stage(finished: Checkout, tmp_path: Path):
    def compared() -> subprocess.CompletedProcess:
        command = [sys.executable, "workflow/compare.py", "results/small", str(other)]
        return subprocess.run(
            command, cwd=finished.path, capture_output=True, text=True, check=False
        )

    other = tmp_path / "small"
    shutil.copytree(finished.path / "results/small", other)
    run = compared()
    assert run.returncode == 0, run.stdout
    assert "differ" not in run.stdout

    (shard,) = other.glob("translations/*/small/es/000.parquet")
    table = pq.read_table(shard)
    texts = table["text"].to_pylist()
    texts[0] = "otro texto"
    position = table.schema.get_field_index("text")
    write_table(shard, table.set_column(position, "text", [texts]))
    main = other / "tables/main.csv"
    lines = main.read_text().splitlines()
    values = pd.read_csv(main)["value"]
    lines[1] = lines[1].replace(f"{values[0]:.6f}", f"{values[0] + 0.25:.6f}")
    write_text(main, "\n".join(lines) + "\n")
    run = compared()
    assert run.returncode == 1
    said = run.stdout.splitlines()
    first = next(line for line in said if "<- the first that differs" in line)
    assert first.startswith("translations: ")
    assert f"    {shard.relative_to(other)}: text: 1 of {len(table)} rows differ" in said
    assert any("main.csv: value" in line and line.endswith("by at most 0.25") for line in said)


def test_results_that_are_not_there_are_an_error_without_a_traceback(finished: Checkout):
    run = verify(finished, "results/none")
    assert run.returncode == 1
    assert "no table and no record" in run.stderr
    assert "Traceback" not in run.stderr


def test_only_what_a_table_depends_on_records_it_again(finished: Checkout):
    """Nothing records it again if nothing changes: tests/workflow/test_reruns.py."""
    seeds = recorded_again(finished, *SMALL, *as_option(seeds=[0, 1]))
    assert {"main", "small", "significance"} <= seeds
    assert not seeds & {"evaluation_data", "training_data", "translation", "contamination"}

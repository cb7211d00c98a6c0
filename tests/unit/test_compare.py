"""Where two folders of results begin to differ is found, and by how much their tables do."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.provenance.compare import LEFT_OUT, STAGES, compare, difference
from hybridbatch.provenance.record import SCHEMA_VERSION
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import (
    whole,
    write_json,
    write_table,
    write_tensors,
    write_text,
)

RULES = Path(__file__).parents[2] / "workflow" / "rules"
TEXTS = ["uno", "dos", None, "cuatro"]
SCORES = "metric,language,value,n\nmap,en,0.5,10\nmap,es,0.25,10\nrank_distance,es,12.0,\n"


def results(
    folder: Path,
    texts: list[str | None] = TEXTS,
    scores: str = SCORES,
    weight: float = 1.0,
    source: str = "a" * 64,
    seeds: tuple[int, ...] = (0, 1),
) -> Path:
    """A small folder of results with a record, as the workflow writes it."""
    write_table(folder / "translations/es/000.parquet", pa.table({"text": texts, "n": [1] * 4}))
    with whole(folder / "models/static/seed0") as model:
        model.mkdir()
        write_tensors(model / "model.safetensors", {"w": np.array([weight, 2.0], np.float32)})
        write_text(model / "config.json", "{}")
    write_text(folder / "logs/finetune.log", str(folder))
    write_text(folder / "drafts/main.csv", scores)
    for ending in ("csv", "md"):
        write_text(folder / f"tables/main.{ending}", scores)
    record = {
        "schema_version": SCHEMA_VERSION,
        "configuration": {"seeds": list(seeds), "pathvars": {"results": str(folder)}},
        "stages": {"finetune": {"code": ["finetune:" + "0" * 16]}},
        "versions": {"python": "3.11"},
        "machines": [{"cpu": "C"}],
        "inputs": {"files": {"corpus.jsonl": {"sha256": source}}},
        "made": {f"{folder}/texts/gone.parquet": "1" * 32},
    }
    write_json(folder / "tables/main.provenance.json", record)
    return folder


def report(a: Path, b: Path) -> tuple[str, bool]:
    lines, same = compare(a, b)
    return "\n".join(lines), same


def test_equal_folders_are_the_same(tmp_path: Path):
    said, same = report(results(tmp_path / "a"), results(tmp_path / "b"))
    assert same, said
    for line in (
        "configuration: the same",
        "code: the same",
        "versions and machines: the same",
        "sources: 1 the same",
        "texts: 1 the same",
        "translations: 1 the same",
        "models: 1 the same",
        "tables: 2 the same",
    ):
        assert line in said.splitlines()
    assert "logs" not in said


def test_first_stage_that_differs_is_shown_with_its_rows_and_the_tables_with_their_values(
    tmp_path: Path,
):
    scores = SCORES.replace("0.25", "0.255").replace("12.0", "15.5")
    b = results(tmp_path / "b", ["uno", "DOS", None, None], scores, weight=1.5)
    said, same = report(results(tmp_path / "a"), b)
    assert not same
    lines = said.splitlines()
    assert "translations: 0 the same, 1 differ <- the first that differs" in lines
    assert "    translations/es/000.parquet: text: 2 of 4 rows differ" in lines
    assert "models: 0 the same, 1 differ" in lines  # counted, since it follows from the first
    assert "tables: 0 the same, 2 differ" in lines
    assert "    tables/main.csv: value of map: 1 of 2 differ, by at most 0.005" in lines
    assert "    tables/main.csv: value of rank_distance: 1 of 1 differ, by at most 3.5" in lines
    assert "main.md" not in said


def test_sources_and_configuration_come_first(tmp_path: Path):
    b = results(tmp_path / "b", source="b" * 64, seeds=(0,))
    said, same = report(results(tmp_path / "a"), b)
    assert not same
    assert "configuration: seeds: [0, 1] | [0]" in said
    assert "sources: 0 the same, 1 differ <- the first that differs" in said
    assert "pathvars" not in said


def test_artefacts_of_one_folder_and_folders_without_records_are_named(tmp_path: Path):
    a, b = results(tmp_path / "a"), results(tmp_path / "b")
    (b / "tables/main.provenance.json").unlink()
    (b / "translations/es/000.parquet").unlink()
    said, same = report(a, b)
    assert not same
    assert "B has no record, so that only files are compared" in said
    assert "translations: 0 the same, 1 only in A" in said
    with pytest.raises(DataError, match="holds no results"):
        compare(a, tmp_path / "none")


def test_tensors_and_files_of_folders(tmp_path: Path):
    a, b = results(tmp_path / "a"), results(tmp_path / "b", weight=1.5)
    assert difference(a / "models/static/seed0", b / "models/static/seed0") == [
        "model.safetensors: w: 1 of 2 values differ, by at most 0.5"
    ]


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("translations/es/000.parquet", 40),
        ("translations/es/000.parquet", 0),
        ("models/static/seed0/model.safetensors", 20),
        ("tables/main.csv", 0),
    ],
)
def test_what_cannot_be_read_differs_and_the_rest_is_compared(tmp_path: Path, name: str, cut: int):
    a, b = results(tmp_path / "a"), results(tmp_path / "b")
    (b / name).write_bytes((b / name).read_bytes()[:cut])
    said, same = report(a, b)
    assert not same
    assert "one of them cannot be read" in said
    assert "tables: " in said


def test_a_damaged_record_is_said_and_the_rest_is_compared(tmp_path: Path):
    a, b = results(tmp_path / "a"), results(tmp_path / "b")
    record = b / "tables/main.provenance.json"
    record.write_bytes(record.read_bytes()[:-9])
    said, _ = report(a, b)
    assert "translations: 1 the same" in said
    assert f"a record is not compared: {record}: is not what its job wrote" in said
    assert "B has no record, so that only files are compared" in said


def test_an_unfinished_folder_is_no_artefact(tmp_path: Path):
    a, b = results(tmp_path / "a"), results(tmp_path / "b")
    half = b / "models/static/.seed1.0123abcd-1-89abcdef.tmp"
    half.mkdir()
    (half / "config.json").write_text("{}")
    assert report(a, b)[1]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (SCORES.replace("10\n", "\n", 1), ["n of map: 1 of 2 differ, 1 absent in one"]),
        (SCORES + "map,it,0.1,10\n", ["1 rows are only in B"]),
        ("\n".join([SCORES.split("\n")[0], *SCORES.split("\n")[:0:-1]]), None),
        (SCORES.replace("value", "score"), ["columns differ: score, value"]),
        (SCORES.replace("0.25", "0.250"), ["the same values, written otherwise"]),
    ],
)
def test_values_of_tables(tmp_path: Path, other: str, expected: list[str] | None):
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    a.write_text(SCORES)
    b.write_text(other)
    # The order of rows is no difference.
    assert difference(a, b) == (expected or ["the same values, written otherwise"])


def test_missing_values_and_nested_ones_are_like_each_other(tmp_path: Path):
    values = {"x": [1.0, float("nan"), None], "y": [[1], [2, 3], None], "z": ["a", "b", "c"]}
    a, b = tmp_path / "a.parquet", tmp_path / "b.parquet"
    write_table(a, pa.table(values))
    write_table(b, pa.table(values | {"y": [[1], [2, 4], None], "z": ["a", None, "c"]}))
    assert difference(a, b) == ["y: 1 of 3 rows differ", "z: 1 of 3 rows differ"]


def test_every_folder_of_the_rules_is_a_stage_or_left_out():
    text = "".join(path.read_text() for path in RULES.glob("*.smk"))
    found = {part.split("/")[0] for part in text.split("<results>/")[1:]}
    found = {name for name in found if name.isidentifier()}
    assert found - {"checkpoints"} <= {*STAGES, *LEFT_OUT}
    assert len(found) > 20

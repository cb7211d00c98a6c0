"""A table, an input or a configuration that is not the recorded one is found, and named."""

import hashlib
import json
from pathlib import Path

import pytest

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.outputs import part_for, part_hash
from hybridbatch.provenance.verify import verify
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import recorded_digest, write_text

ROOT = Path(__file__).parents[2]
TABLES = Path("results/tables")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def config() -> Experiment:
    return conf.load([ROOT / "config/demo.yaml"])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Experiment) -> None:
    """Two tables with their records, and an input."""
    monkeypatch.chdir(tmp_path)
    TABLES.mkdir(parents=True)
    Path("mine.jsonl").write_text("mine")
    write_text("results/cells", "cells")
    for name in ("main", "bundled"):
        files = {f"{name}.{suffix}": f"{name},0.4512\n" for suffix in ("csv", "md", "tex")}
        for file, text in files.items():
            (TABLES / file).write_text(text)
        part = part_for(config, name)
        _write(
            name,
            {
                "schema_version": 2,
                "table": name,
                "files": {file: _sha256(text) for file, text in files.items()},
                "configuration": part,
                "configuration_sha256": part_hash(part),
                "inputs": {"files": {"mine.jsonl": {"sha256": _sha256("mine")}}},
                "made": {"results/cells": recorded_digest("results/cells")},
            },
        )


def _path(name: str) -> Path:
    return TABLES / f"{name}.provenance.json"


def _write(name: str, record: dict) -> None:
    _path(name).write_text(json.dumps(record))


def _changed(name: str, **values) -> None:
    _write(name, json.loads(_path(name).read_text()) | values)


def _other(config: Experiment, **values) -> Experiment:
    return Experiment.model_validate(config.plain() | values)


def _problem(config: Experiment | None = None) -> str:
    (problem,) = verify(TABLES, config).problems
    return problem


def test_what_is_as_recorded_has_no_problem(config):
    verdict = verify(TABLES, config)
    assert verdict.problems == verdict.absent == []
    assert (verdict.records, verdict.files, verdict.inputs, verdict.made) == (2, 6, 1, 1)


@pytest.mark.parametrize("suffix", ["csv", "md", "tex"])
def test_one_changed_digit_is_found(suffix):
    (TABLES / f"main.{suffix}").write_text("main,0.4513\n")
    assert _problem().startswith(f"results/tables/main.{suffix}: is not the file")


def test_a_table_whose_digest_rots_is_found():
    file = TABLES / "main.csv"
    write_text(file, file.read_text())
    assert verify(TABLES).problems == []
    digest = TABLES / ".main.csv.xxh128"
    digest.write_text(digest.read_text().replace("main.csv", "mein.csv"))
    assert _problem().startswith("results/tables/main.csv: is not what .main.csv.xxh128 is about")


def test_missing_table_is_found():
    (TABLES / "main.md").unlink()
    assert _problem().startswith("results/tables/main.md: is missing")


def test_missing_record_is_a_failure_for_every_file_of_the_table():
    _path("main").unlink()
    problems = verify(TABLES).problems
    assert [p.split(":")[0] for p in problems] == [
        f"results/tables/main.{suffix}" for suffix in ("csv", "md", "tex")
    ]
    assert all("snakemake results/tables/main.provenance.json" in p for p in problems)


def test_file_that_the_record_does_not_name_is_found():
    record = json.loads(_path("main").read_text())
    del record["files"]["main.tex"]
    _write("main", record)
    assert _problem() == "results/tables/main.tex: its record does not name it"


def test_changed_input_is_found_and_an_absent_one_is_said():
    Path("mine.jsonl").write_text("yours")
    problems = verify(TABLES).problems
    assert [p.split(":")[0] for p in problems] == ["mine.jsonl"] * 2
    Path("mine.jsonl").unlink()
    verdict = verify(TABLES)
    assert verdict.problems == []
    assert verdict.absent == ["mine.jsonl"]


def test_file_behind_a_table_that_rots_is_found_once_with_the_command():
    Path("results/cells").write_text("cellz")
    problem = _problem()
    assert problem.startswith("results/cells: is not what its job wrote")
    assert "`snakemake --force results/cells`" in problem


def test_a_copy_of_the_results_is_held_to_its_own_files():
    """The record is of `results/demo`, and what is verified is `results`."""
    _changed("main", made={"results/demo/cells": recorded_digest("results/cells")})
    assert verify(TABLES).problems == []
    assert verify(TABLES).absent == []
    Path("results/cells").write_text("cellz")
    assert _problem().startswith("results/cells: is not what its job wrote")


def test_file_behind_a_table_that_was_made_anew_with_another_content_is_found():
    write_text("results/cells", "others")
    problems = verify(TABLES).problems
    assert [p.split(";")[0] for p in problems] == [
        f"results/cells: is not the file that {name}.provenance.json describes"
        for name in ("bundled", "main")
    ]
    assert "`snakemake --force results/tables/main.provenance.json`" in problems[1]


def test_file_behind_a_table_that_is_gone_or_has_no_digest_is_said():
    Path("results/cells").unlink()
    verdict = verify(TABLES)
    assert (verdict.problems, verdict.absent, verdict.made) == ([], ["results/cells"], 0)
    _changed("main", made={"mine.jsonl": None})
    assert verify(TABLES).undigested == ["mine.jsonl"]


def test_input_that_was_gone_when_recorded_is_no_problem():
    _changed("main", inputs={"files": {"mine.jsonl": {"sha256": None}}})
    assert verify(TABLES).problems == []


def test_configuration_that_was_edited_in_the_record_is_found():
    record = json.loads(_path("main").read_text())
    record["configuration"]["catalogue"]["samplings"]["hybrid"]["alpha"] = 0.25
    _write("main", record)
    assert "does not hash" in _problem()


def test_another_configuration_is_found_with_its_keys(config):
    other = _other(config, seeds=[7], training=config.training.plain() | {"max_steps": 1})
    problems = verify(TABLES, other).problems
    assert len(problems) == 2
    assert problems[1].startswith("results/tables/main.provenance.json: was made with another")
    assert problems[1].endswith(": seeds, training.max_steps")


def test_of_many_keys_a_few_are_shown_the_shortest_first(config):
    catalogue = config.catalogue.plain()
    catalogue["benchmarks"]["more"] = catalogue["benchmarks"]["bundled"] | {"languages": ["en"]}
    other = _other(config, benchmarks=["bundled", "more"], catalogue=catalogue)
    problem = _problem(other)  # the table of the one benchmark is as it was
    assert problem.startswith("results/tables/main.provenance.json")
    assert (
        ": benchmarks, catalogue.benchmarks.more.depth, catalogue.benchmarks.more.kind, " in problem
    )
    many = _other(other, seeds=[7], samplings=["x-y"], scale="laptop")
    assert verify(TABLES, many).problems[1].endswith(" more")


def test_configuration_that_no_table_depends_on_is_no_other(config):
    other = _other(config, quality=[], mirror="/elsewhere")
    assert verify(TABLES, other).problems == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "schema version 2"),
        ('{"schema_version": 1}', "schema version 2"),
        ('{"schema_version": 2, "table": "main", "files": []}', "lacks files, configuration"),
        (
            '{"schema_version": 2, "table": "main", "files": {}, "configuration": {}, '
            '"configuration_sha256": "", "inputs": {}, "made": {}}',
            "lacks inputs.files",
        ),
        (
            '{"schema_version": 2, "table": "main", "files": {}, "configuration": {}, '
            '"configuration_sha256": "", "inputs": {"files": {"a": null}}, "made": {}}',
            "lacks inputs.files",
        ),
        (
            '{"schema_version": 2, "table": "main", "files": {"../main.csv": ""}, "made": {}, '
            '"configuration": {}, "configuration_sha256": "", "inputs": {"files": {}}}',
            "lacks files beside it",
        ),
    ],
)
def test_broken_record_is_named(text, words):
    _path("main").write_text(text)
    problem = verify(TABLES).problems[0]
    assert problem.startswith("results/tables/main.provenance.json: ")
    assert words in problem


def test_record_under_another_tables_name_is_found():
    _path("main").write_text(_path("bundled").read_text())
    assert any("is the record of bundled" in problem for problem in verify(TABLES).problems)


def test_folder_without_tables_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no table and no record"):
        verify(tmp_path / "nothing")

"""Snakemake's record of a file is followed to the files that no job made."""

import base64
import json
from pathlib import Path

import pytest

from hybridbatch.provenance.lineage import Job, lineage
from hybridbatch.runtime.errors import DataError

MARK, OTHER = "evaluate:0123456789abcdef", "encoders/static:fedcba9876543210"


def write_record(folder: Path, path: str, rule: str | None, inputs: list[str], params=(), **more):
    """A record as Snakemake's persistence/file.py writes it."""
    name = base64.urlsafe_b64encode(path.encode()).decode()
    parts = [name[i : i + 254] for i in range(0, len(name), 254)]
    place = folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    place.parent.mkdir(parents=True, exist_ok=True)
    record = {"rule": rule, "input": inputs, "params": list(params), "log": [f"{path}.log"]}
    place.write_text(json.dumps(record | more))


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """table <- cells <- pairs and counts, of one job <- downloads/raw, fetched."""
    write_record(tmp_path, "table.csv", "table", ["cells", "published.csv"], [f"['{MARK}']", "'x'"])
    write_record(tmp_path, "cells", "score", ["pairs", "counts"])
    code = f"['{MARK}', '{OTHER}']"
    for path in ("pairs", "counts"):
        write_record(tmp_path, path, "read", ["downloads/raw"], [code, "0.1"], log=["read.log"])
    write_record(tmp_path, "downloads/raw", "fetch", [])
    write_record(tmp_path, "elsewhere", "other", ["unrelated"])
    return tmp_path


def test_jobs_and_sources_are_those_behind_the_file(metadata):
    found = lineage("table.csv", metadata)
    assert found.sources == {"published.csv", "downloads/raw"}
    assert found.made == {"table.csv", "cells", "pairs", "counts"}
    assert found.jobs == {
        Job("table", (MARK,), "table.csv.log"),
        Job("score", (), "cells.log"),
        Job("read", (MARK, OTHER), "read.log"),
        Job("fetch", (), "downloads/raw.log"),
    }


def test_file_without_a_record_is_an_error_with_a_remedy(metadata):
    with pytest.raises(DataError, match=r"other\.csv: Snakemake has no record.*--force other\.csv"):
        lineage("other.csv", metadata)
    with pytest.raises(DataError, match="no record"):
        lineage("table.csv", metadata / "none")


def test_file_that_was_begun_only_has_no_record(metadata):
    write_record(metadata, "begun", None, None)
    with pytest.raises(DataError, match="no record"):
        lineage("begun", metadata)


def test_record_of_an_unknown_version_is_an_error_that_says_so(metadata):
    name = base64.urlsafe_b64encode(b"cells").decode()
    (metadata / name).write_text('{"rule": "score", "inputs": []}')
    with pytest.raises(DataError, match=r"record of cells has no input, log, params"):
        lineage("table.csv", metadata)


def test_long_names_are_found_where_snakemake_puts_them(metadata):
    long = "results/" + "a" * 300 + "/x.parquet"
    write_record(metadata, long, "long", ["small.jsonl"])
    write_record(metadata, "table.csv", "table", [long])
    assert lineage("table.csv", metadata).sources == {"small.jsonl"}


def test_files_that_name_each_other_come_to_an_end(metadata):
    write_record(metadata, "one", "one", ["two"])
    write_record(metadata, "two", "two", ["one"])
    assert {job.rule for job in lineage("one", metadata).jobs} == {"one", "two"}

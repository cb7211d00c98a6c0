"""Damaged files in the folder of a data set: the file, the configuration's key and what to do."""

import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fetch_dataset
import read_benchmark
import read_corpus
import read_image_corpus
import read_references
from hybridbatch.data.hub import DataSet, rows
from hybridbatch.runtime.errors import HybridBatchError

ROWS = pa.table({"asked": ["Who?", "You?"], "text": ["Me.", "No."]})
COLUMNS = {"question": "asked", "passage": "text"}
GARBAGE = b"<html>\xff\x00 Not found</html>" * 9


def parquet(path: Path) -> bytes:
    pq.write_table(ROWS, path)
    return path.read_bytes()


def arrow(path: Path) -> bytes:
    """Two batches in the format in which the library writes."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, ROWS.schema) as writer:
        for _ in range(2):
            writer.write_table(ROWS)
    return path.read_bytes()


def arrow_file(path: Path) -> bytes:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, ROWS.schema) as writer:
        writer.write_table(ROWS)
    return path.read_bytes()


def csv(path: Path) -> bytes:
    path.write_text("asked,text\nWho?,Me.\nYou?,No.\n")
    return path.read_bytes()


def json_lines(path: Path) -> bytes:
    path.write_text('{"asked": "Who?", "text": "Me."}\n{"asked": "You?", "text": "No."}\n')
    return path.read_bytes()


FORMATS = {
    "a.parquet": parquet,
    "a.arrow": arrow,
    "b.arrow": arrow_file,
    "a.csv": csv,
    "a.jsonl": json_lines,
}


class Inputs(dict):
    """As Snakemake has them, by item and by attribute."""

    __getattr__ = dict.__getitem__


def fetch(folder: Path, path: Path) -> list:
    """The job that fetches the data set at `path` as corpus `mine`."""
    data_set = {"path": str(path), "name": None, "revision": None, "split": "train"}
    job = SimpleNamespace(
        params=SimpleNamespace(
            data_set={**data_set, "columns": COLUMNS},
            recorded=folder / "lock.json",
            max_bytes=10**6,
        ),
        output=[folder / "downloads/mine/manifest.json"],
        wildcards=SimpleNamespace(corpus="mine"),
    )
    fetch_dataset.main(job)
    return job.output


def problem(folder: Path, path: Path) -> str:
    with pytest.raises(HybridBatchError) as caught:
        fetch(folder, path)
    assert not (folder / "downloads/mine").exists()
    message = str(caught.value)
    assert message.startswith("catalogue.corpora.mine: ")
    assert message.endswith("`path`.")
    return message


@pytest.mark.parametrize("harm", ["garbage", "cut", "empty"])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("alone", [True, False])
def test_a_damaged_file_is_named(tmp_path, name, harm, alone):
    (tmp_path / "set").mkdir()
    whole, damaged = (tmp_path / f"set/train-{n}{Path(name).suffix}" for n in range(2))
    content = FORMATS[name](damaged)
    damaged.write_bytes({"garbage": GARBAGE, "cut": content[:-5], "empty": b""}[harm])
    if not alone:
        FORMATS[name](whole)
    assert str(damaged) in problem(tmp_path, damaged if alone else damaged.parent)
    assert str(whole) not in problem(tmp_path, damaged.parent)


def test_arrow_that_ends_between_two_batches_is_refused(tmp_path):
    path = tmp_path / "a.arrow"
    content = arrow(path)
    whole = DataSet(str(path), None, None, "train", COLUMNS)
    assert len(list(rows(whole, None, tmp_path / "cache"))) == 4
    path.write_bytes(content[: content.rindex(b"\xff\xff\xff\xff")])
    assert "a.arrow is no whole Arrow file" in problem(tmp_path, path)


def test_a_damaged_batch_is_named_with_its_row(tmp_path):
    content = arrow(tmp_path / "a.arrow")
    second = content.rindex(b"Who?You?")
    (tmp_path / "a.arrow").write_bytes(content[:second] + b"\xff" * 8 + content[second + 8 :])
    found = problem(tmp_path, tmp_path / "a.arrow")
    assert "from row 2 on" in found
    assert str(tmp_path / "a.arrow") in found


@pytest.mark.parametrize("name", ["a.xml", "a.tar", "a.h5", "a.txt"])
def test_garbage_in_other_formats_of_the_library_is_no_bare_error(tmp_path, name):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_bytes(GARBAGE)
    assert str(tmp_path / "set") in problem(tmp_path, tmp_path / "set")


def test_damaged_metadata_of_a_folder_of_images_are_named(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.png").write_bytes(b"no image, which nobody looks at")
    (tmp_path / "set/metadata.jsonl").write_bytes(GARBAGE)
    assert f"{tmp_path / 'set/metadata.jsonl'}: " in problem(tmp_path, tmp_path / "set")


def test_a_damaged_zip_file_and_a_damaged_card_are_no_bare_errors(tmp_path):
    (tmp_path / "set").mkdir()
    with zipfile.ZipFile(tmp_path / "set/train.zip", "w") as packed:
        packed.writestr("train.parquet", parquet(tmp_path / "a.parquet"))
    content = (tmp_path / "set/train.zip").read_bytes()
    (tmp_path / "set/train.zip").write_bytes(content[:-30])
    problem(tmp_path, tmp_path / "set")
    (tmp_path / "set/train.zip").unlink()
    parquet(tmp_path / "set/train.parquet")
    (tmp_path / "set/README.md").write_text("---\nconfigs: [\n---\n")
    assert str(tmp_path / "set") in problem(tmp_path, tmp_path / "set")


def test_files_that_do_not_fit_together_are_told_from_damaged_ones(tmp_path):
    (tmp_path / "set").mkdir()
    parquet(tmp_path / "set/train-0.parquet")
    pq.write_table(pa.table({"other": [1]}), tmp_path / "set/train-1.parquet")
    found = problem(tmp_path, tmp_path / "set")
    assert "Each of its 2 files can be read by itself: see that all have the same columns" in found


def test_a_corpus_of_captions_is_named_by_its_key(tmp_path):
    (tmp_path / "train.parquet").write_bytes(GARBAGE)
    of = {"path": str(tmp_path), "name": None, "revision": None, "split": "train"}
    parts = {"train": {**of, "columns": {"image": "image", "caption": "text"}}}
    names = ("images.parquet", "captions.parquet", "counts.json")
    job = SimpleNamespace(
        params=SimpleNamespace(
            parts=parts, kind="datasets", languages=["en"], folders=[], without=None, recorded=None
        ),
        output=SimpleNamespace(**{name.split(".")[0]: tmp_path / "out" / name for name in names}),
        wildcards=SimpleNamespace(benchmark="mine"),
    )
    with pytest.raises(HybridBatchError) as caught:
        read_image_corpus.main(job)
    message = str(caught.value)
    assert message.startswith("catalogue.benchmarks.mine: ")
    assert str(tmp_path / "train.parquet") in message
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("script", "section", "params", "inputs"),
    [
        (
            *(read_corpus, "corpora"),
            *({"reader": "jsonl", "language": "en", "holdout": 0.0}, {"files": ["{}"]}),
        ),
        (read_benchmark, "benchmarks", {"kind": "lareqa", "reading": {}, "of": {}}, {"file": "{}"}),
        (read_references, "references", {"reader": "questions"}, {"file": "{}"}),
    ],
)
def test_files_of_other_entries_are_named_with_the_key_of_the_entry(
    tmp_path, script, section, params, inputs
):
    path = tmp_path / "mine.json"
    path.write_bytes(GARBAGE)
    of = section.removesuffix("s") if section == "benchmarks" else section
    given = {key: [str(path)] if isinstance(v, list) else str(path) for key, v in inputs.items()}
    names = ("train", "validation", "counts", "queries", "candidates", "qrels")
    job = SimpleNamespace(
        params=SimpleNamespace(**params),
        input=Inputs(given),
        output=SimpleNamespace(**{name: tmp_path / "out" / name for name in names}),
        wildcards=SimpleNamespace(**{of: "mine", "corpus": "mine", "language": "en"}),
    )
    with pytest.raises(HybridBatchError) as caught:
        script.main(job)
    assert str(caught.value).startswith(f"catalogue.{section}.mine: {path}: line 1: is not UTF-8")
    assert not list((tmp_path / "out").glob("*"))

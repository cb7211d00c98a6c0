"""Damaged files in the folder of a data set: the file, the configuration's key and what to do."""

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fetch_dataset
import read_benchmark
import read_corpus
import read_image_corpus
import read_references
from hybridbatch.data import hub
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
    assert "a.arrow was cut off" in problem(tmp_path, path)


def old_arrow(path: Path, last: str) -> bytes:
    """A stream in the format before Arrow 0.15, whose end mark is four zero bytes."""
    options = pa.ipc.IpcWriteOptions(use_legacy_format=True)
    rows = pa.table({"asked": ["Who?", "You?"], "text": ["Me.", last]})
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_stream(file, rows.schema, options=options) as writer,
    ):
        writer.write_table(rows)
    return path.read_bytes()


@pytest.mark.parametrize("last", ["No.", "Yes, me!!"])  # padded with two zeros, and four
def test_a_whole_arrow_stream_of_the_older_format_is_read(tmp_path, last):
    path = tmp_path / "a.arrow"
    content = old_arrow(path, last)
    assert content.endswith(bytes(4))
    assert not content.endswith(b"\xff\xff\xff\xff\0\0\0\0")
    found = list(rows(DataSet(str(path), None, None, "train", COLUMNS), None, tmp_path / "cache"))
    assert [row.passage for row in found] == ["Me.", last]
    path.write_bytes(content[:-4])
    assert content[:-4].endswith(bytes(4)) == (last != "No.")
    assert "a.arrow was cut off" in problem(tmp_path, path)


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
    (tmp_path / "set/test-0.parquet").write_bytes(GARBAGE)  # of a split that nobody asks for
    found = problem(tmp_path, tmp_path / "set")
    assert "cannot be read from row 2 on: " in found
    assert "set/train-1.parquet does not have the columns that the first file declares: " in found
    assert "CastError" in found
    assert "See that all files have the same columns" in found
    assert "test-0" not in found


def test_a_damaged_file_of_another_split_is_not_read(tmp_path):
    (tmp_path / "set").mkdir()
    parquet(tmp_path / "set/train.parquet")
    (tmp_path / "set/test.parquet").write_bytes(GARBAGE)
    assert json.loads(fetch(tmp_path, tmp_path / "set")[0].read_text())["rows"] == 2


def test_the_error_is_that_of_the_file_that_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    parquet(tmp_path / "set/train-0.parquet")
    (tmp_path / "set/train-1.parquet").write_bytes(GARBAGE)
    pq.write_table(pa.table({"other": [1]}), tmp_path / "set/train-2.parquet")
    found = problem(tmp_path, tmp_path / "set")
    assert "from row 2 on: " + str(tmp_path / "set/train-1.parquet: ArrowInvalid: ") in found
    assert "magic bytes" in found


CARD = """---
dataset_info:
  features:
  - name: asked
    dtype: int64
  - name: {}
    dtype: string
---
"""


@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("column", ["text", "other"])  # values or columns do not fit
def test_a_card_that_declares_other_features_is_named_and_no_damage(tmp_path, files, column):
    (tmp_path / "set").mkdir()
    for number in range(files):
        parquet(tmp_path / f"set/train-{number}.parquet")
    (tmp_path / "set/README.md").write_text(CARD.format(column))
    found = problem(tmp_path, tmp_path / "set")
    first = tmp_path / "set/train-0.parquet"
    assert f"its card (README.md) declares other features than {first} has: " in found
    assert "Mend the card, or correct `path`." in found


def test_a_damaged_file_beside_a_card_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train.parquet").write_bytes(GARBAGE)
    (tmp_path / "set/README.md").write_text(CARD.format("text"))
    found = problem(tmp_path, tmp_path / "set")
    assert f"from row 0 on: {tmp_path / 'set/train.parquet'}: ArrowInvalid: " in found
    assert "README" not in found


def test_a_text_that_is_not_utf8_is_named_with_its_row(tmp_path):
    (tmp_path / "set").mkdir()
    parquet(tmp_path / "set/train-0.parquet")
    ends, data = np.array([0, 2, 3], "int32"), pa.py_buffer(b"\xff\xfex")
    texts = pa.StringArray.from_buffers(2, pa.py_buffer(ends), data)
    table = pa.table({"asked": ["Who?", "You?"], "text": texts})
    pq.write_table(table, tmp_path / "set/train-1.parquet")
    expected = "cannot be read from row 2 on: one of its files: UnicodeDecodeError: "
    assert expected in problem(tmp_path, tmp_path / "set")
    (tmp_path / "set/train-0.parquet").unlink()
    expected = f"from row 0 on: {tmp_path / 'set/train-1.parquet'}: UnicodeDecodeError: "
    assert expected in problem(tmp_path, tmp_path / "set")


PINNED = {"path": "you/me", "name": None, "revision": "0" * 40, "split": "train"}


def pinned(folder: Path, **files: bytes) -> tuple[Path, str]:
    """The folder in a mirror of a data set of the hub with these files, and its problem."""
    own = folder / "mirror/huggingface.co/datasets/you/me/tree" / PINNED["revision"]
    own.mkdir(parents=True)
    for name, content in files.items():
        (own / name.replace("__", ".")).write_bytes(content)
    data_set = DataSet(**PINNED, columns=COLUMNS)
    with pytest.raises(HybridBatchError) as caught:
        list(rows(data_set, str(folder / "mirror"), folder / "cache"))
    return own, str(caught.value)


@pytest.mark.parametrize("name", ["train__parquet", "train__arrow", "train__csv", "train__jsonl"])
def test_nobody_is_told_to_mend_a_file_of_a_pinned_commit(tmp_path, name):
    own, found = pinned(tmp_path, **{name: GARBAGE})
    assert str(own / name.replace("__", ".")) in found
    assert found.endswith("Take another commit, or fetch the mirror again.")
    assert "`path`" not in found


def test_a_mirror_with_a_damaged_card_is_named_with_its_folder(tmp_path, caplog):
    card = b"---\nconfigs: [\n---\n"
    own, found = pinned(tmp_path, README__md=card, train__parquet=parquet(tmp_path / "a.parquet"))
    assert f"{own} cannot be opened: ParserError: " in found
    assert found.endswith("or fetch the mirror again, with its card (README.md).")
    assert "Without a network" not in found
    assert "Traceback" in caplog.text


def test_the_library_s_own_error_stands_in_the_log_with_its_traceback(tmp_path, caplog):
    (tmp_path / "a.parquet").write_bytes(GARBAGE)
    problem(tmp_path, tmp_path / "a.parquet")
    assert "the library's own error\nTraceback" in caplog.text
    assert "pyarrow.lib.ArrowInvalid: Parquet magic bytes not found" in caplog.text


@pytest.mark.parametrize(
    ("call", "name"),
    [
        *(("_row", name) for name in FORMATS),
        *(("_wanted", name) for name in FORMATS),
        ("csv_rows", "a.csv"),
        ("json_objects", "a.jsonl"),
    ],
)
def test_an_error_of_our_own_code_is_no_damage(tmp_path, monkeypatch, call, name):
    def broken(*_):
        raise AttributeError("of our own")

    monkeypatch.setattr(hub, call, broken)
    FORMATS[name](tmp_path / name)
    data_set = DataSet(str(tmp_path / name), None, None, "train", COLUMNS)
    with pytest.raises(AttributeError, match="of our own"):
        list(rows(data_set, None, tmp_path / "cache"))


@pytest.mark.parametrize("call", ["load_dataset_builder", "as_streaming_dataset", "__iter__"])
def test_too_little_memory_is_no_damage(tmp_path, monkeypatch, call):
    def full(*_, **__):
        raise pa.ArrowMemoryError("3 GiB")

    of = {"as_streaming_dataset": datasets.DatasetBuilder, "__iter__": datasets.IterableDataset}
    monkeypatch.setattr(of.get(call, datasets), call, full)
    parquet(tmp_path / "a.parquet")
    data_set = DataSet(str(tmp_path / "a.parquet"), None, None, "train", COLUMNS)
    with pytest.raises(MemoryError, match="3 GiB"):
        list(rows(data_set, None, tmp_path / "cache"))


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

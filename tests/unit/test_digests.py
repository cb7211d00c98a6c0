"""Every bit of a published file counts: a reader names the file, and how to make it again."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from test_files import _names
from test_lineage import write_record
from trainings import STATIC, corpus

from hybridbatch.encoders import static
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.encoders.tokens import load_tokenizer
from hybridbatch.encoders.towers import load_model
from hybridbatch.runtime import files
from hybridbatch.runtime.errors import DamagedError
from hybridbatch.runtime.files import (
    checked,
    digest_of,
    read_batches,
    read_json,
    read_table,
    read_tensors,
    read_text,
    recorded_digest,
    table_writer,
    whole,
    write_json,
    write_table,
    write_tensors,
    write_text,
)

FLIPS = 25
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
RNG = np.random.default_rng(0)
TABLE = pa.table(
    {
        "id": [f"q{i}" for i in range(3000)],
        "score": RNG.standard_normal(3000),
        "text": [f"texto número {i % 50}" for i in range(3000)],
    }
)
WORDS = [f"palabra{i} otra{i % 7} 字{i % 5}" for i in range(200)]


def _write_train_set(path: Path) -> None:
    with table_writer(path, TABLE.schema) as write:
        for batch in TABLE.to_batches(max_chunksize=1000):
            write(batch)


def _read_train_set(path: Path) -> None:
    for batch in read_batches(path, ["id", "text"]):
        batch.to_pylist()


def _write_embeddings(path: Path) -> None:
    write_tensors(path, {"queries": RNG.standard_normal((40, 16), dtype=np.float32)})


def _write_encoder(path: Path) -> None:
    with whole(path) as folder:
        folder.mkdir()
        static.prepare(STATIC, {"es": WORDS}, folder)


def _write_model(path: Path) -> None:
    _write_encoder(path.with_name("encoder"))
    with whole(path) as folder:
        model = static.start(STATIC, path.with_name("encoder"), 0).model
        model.save(str(folder), create_model_card=False)
        write_json(folder / "run.json", {"seed": 0})


def _load(path: Path) -> None:
    static.load(STATIC, path)


# By kind: how it is written, the file that a bit is changed of, how it is read.
KINDS: dict[str, tuple[Callable, str, Callable]] = {
    "table (corpora, translations, ranks, metrics, cells, runs)": (
        lambda path: write_table(path, TABLE, {"language": "es"}), "", read_table,
    ),
    "one column of a table": (
        lambda path: write_table(path, TABLE), "", lambda path: read_table(path, ["id"]),
    ),
    "train set": (_write_train_set, "", _read_train_set),
    "tokens": (
        lambda path: corpus("faq", ("en",), 40, 0)._pairs[0].save(path), "", PairInputs.load,
    ),
    "embeddings": (_write_embeddings, "", read_tensors),
    "counts": (lambda path: write_json(path, {"kept": 3, "reasons": {"ñ": 1}}), "", read_json),
    "caption": (lambda path: write_text(path, "Título\n\npie\n"), "", read_text),
    "tokenizer": (
        _write_encoder, "tokenizer.json", lambda path: load_tokenizer(path / "tokenizer.json", 32),
    ),
    "weights": (_write_model, "model.safetensors", _load),
    "weights, by sentence-transformers": (_write_model, "model.safetensors", load_model),
    "tokenizer of a model": (_write_model, "tokenizer.json", _load),
    "modules of a model": (_write_model, "modules.json", load_model),
    "record of a model": (
        _write_model, "run.json", lambda path: read_json(path / "run.json"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_is_noticed_with_the_file_and_the_command(tmp_path, kind):
    write, name, read = KINDS[kind]
    path = tmp_path / "published"
    write(path)
    read(path)
    for file in (path / name, files._recorded(path)[0]):
        content, rng = file.read_bytes(), np.random.default_rng(7)
        for bit in rng.integers(8 * len(content), size=FLIPS):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            file.write_bytes(flipped)
            # A changed digest of another file of the folder is not this reader's business.
            if file == path / name or not name:
                with pytest.raises(DamagedError) as raised:
                    read(path)
                assert str(path / name) in str(raised.value)
                assert f"`snakemake --force {path}`" in str(raised.value)
            else:
                with pytest.raises(DamagedError):
                    checked(path)
        file.write_bytes(content)
    read(path)


@pytest.mark.parametrize("columns", [None, ["id"]])
def test_large_file_is_checked_as_it_passes_by(tmp_path, monkeypatch, columns):
    path = tmp_path / "train.parquet"
    _write_train_set(path)
    monkeypatch.setattr(files, "_CACHED", 0)
    monkeypatch.setattr(files, "BATCH_ROWS", 500)
    whole_table = pa.Table.from_batches(read_batches(path, columns))
    assert whole_table.equals(TABLE if columns is None else TABLE.select(columns))
    content, rng = path.read_bytes(), np.random.default_rng(7)
    for bit in rng.integers(8 * len(content), size=FLIPS):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedError, match=r"train\.parquet: is not what its job wrote"):
            for _ in read_batches(path, columns):
                pass


@pytest.mark.parametrize("length", [0, 1, 500, -1])
def test_truncated_file_is_noticed(tmp_path, length):
    path = tmp_path / "table.parquet"
    write_table(path, TABLE)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedError, match=r"table\.parquet"):
        read_table(path)
    with pytest.raises(DamagedError, match=r"table\.parquet"):
        list(read_batches(path))


def test_what_people_bring_is_read_as_it_is(tmp_path):
    (tmp_path / "mine.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "mine.json") == {"a": 1}
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    assert checked(tmp_path / "model") == tmp_path / "model"
    assert recorded_digest(tmp_path / "model") is recorded_digest(tmp_path / "mine.json") is None


def test_file_put_in_the_place_of_a_published_one_is_named_with_both_ways_out(tmp_path):
    path = tmp_path / "counts.json"
    write_json(path, 1)
    path.unlink()  # as Snakemake does; the digest stays
    path.write_text("2")
    with pytest.raises(DamagedError, match=r"If you changed it on purpose, delete .*\.xxh128\."):
        read_json(path)
    files._beside(path).unlink()
    assert read_json(path) == 2
    write_json(path, 3)
    assert read_json(path) == 3


def test_folder_with_a_file_more_or_less_is_noticed_and_snakemakes_time_stamp_is_not(tmp_path):
    path = tmp_path / "model"
    with whole(path) as folder:
        (folder / "part").mkdir(parents=True)
        (folder / "part/a").write_text("a")
        (folder / "b").write_text("b")
    (path / ".snakemake_timestamp").touch()
    assert checked(path) == path
    for part in (path, path / "part/a", path / "b"):
        assert digest_of(part) == recorded_digest(part)
    (path / "part/more").write_text("x")
    with pytest.raises(DamagedError, match=r"part/more: is there, though its job did not write it"):
        checked(path)
    with pytest.raises(DamagedError, match="part/more: is not among the files"):
        checked(path / "part/more")
    (path / "part/more").unlink()
    (path / "part/a").unlink()
    with pytest.raises(DamagedError, match="part/a: is missing"):
        checked(path)
    assert checked(path / "b")


def test_command_names_the_file_in_a_folder_if_that_is_what_snakemake_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with whole("shards") as folder:
        write_json(folder / "manifest.json", 1)
    Path("shards/manifest.json").write_text("2")
    with pytest.raises(DamagedError, match="`snakemake --force shards`"):
        checked("shards/manifest.json")
    write_record(Path(".snakemake/metadata"), "shards/manifest.json", "fetch_dataset", [])
    with pytest.raises(DamagedError, match=r"`snakemake --force shards/manifest\.json`"):
        checked("shards/manifest.json")


@pytest.mark.parametrize("large", [False, True])
def test_an_output_without_its_digest_is_read_only_if_snakemake_has_no_record(
    tmp_path, monkeypatch, large
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "_CACHED", 0 if large else 1 << 28)
    write_table("table.parquet", TABLE)
    write_table("downloads.parquet", TABLE)
    with whole("model") as folder:
        write_json(folder / "run.json", 1)
    for path in (".table.parquet.xxh128", ".downloads.parquet.xxh128", "model/.xxh128"):
        Path(path).unlink()
    readers = {
        "table.parquet": lambda: list(read_batches("table.parquet")),
        "model": lambda: read_json("model/run.json"),
    }
    for read in readers.values():
        read()
    metadata = Path(".snakemake/metadata")
    for name, read in readers.items():
        write_record(metadata, name, "a_rule", [])
        with pytest.raises(DamagedError, match=f"--force {name}`.*--cleanup-metadata {name}`"):
            read()
    write_record(metadata, "downloads.parquet", "fetch", [])  # pinned by its sha256 instead
    assert len(read_table("downloads.parquet")) == len(TABLE)


def test_copy_and_touch_keep_what_is_known(tmp_path):
    write_table(tmp_path / "results/table.parquet", TABLE)
    with whole(tmp_path / "results/model") as folder:
        write_json(folder / "run.json", 1)
    subprocess.run(["cp", "-r", tmp_path / "results", tmp_path / "copy"], check=True)
    (tmp_path / "copy/table.parquet").touch()
    for name in ("table.parquet", "model"):
        assert checked(tmp_path / "copy" / name)
        assert recorded_digest(tmp_path / "copy" / name) == digest_of(tmp_path / "results" / name)


def test_parts_of_a_published_folder_have_no_digests_of_their_own(tmp_path):
    with whole(tmp_path / "model") as folder:
        write_json(folder / "run.json", 1)
    assert _names(tmp_path / "model") == [".xxh128", "run.json"]


def test_process_that_ends_between_the_two_renames_leaves_nothing_that_passes_unchecked(
    tmp_path, monkeypatch
):
    path = tmp_path / "counts.json"
    write_json(path, 1)
    replace, calls = files.os.replace, []

    def killed(*paths: Path) -> None:
        calls.append(paths)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(*paths)

    monkeypatch.setattr(files.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, 2)
    with pytest.raises(DamagedError, match=r"counts\.json"):
        read_json(path)


def test_folder_takes_the_place_of_a_file_and_the_reverse(tmp_path):
    path = tmp_path / "output"
    write_json(path, 1)
    path.unlink()
    with whole(path) as folder:
        write_json(folder / "run.json", 1)
    assert checked(path)
    write_json(path, 2)
    assert read_json(path) == 2


@pytest.mark.skipif(shutil.which("xxh128sum") is None, reason="xxh128sum is not installed")
def test_digests_are_those_of_xxh128sum(tmp_path):
    write_json(tmp_path / "counts.json", 1)
    command = ["xxh128sum", "--check", ".counts.json.xxh128"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_digest_lines_have_the_known_form(tmp_path):
    """xxh3-128 of no bytes, from the algorithm's own test vectors."""
    write_text(tmp_path / "nothing", "")
    line = (tmp_path / ".nothing.xxh128").read_text()
    assert line == "99aa06d3014798d86001c324468d497f  nothing\n"


def test_other_columns_of_a_parquet_file_have_checksums_of_their_own(tmp_path):
    """So that parquet's other readers notice, too, in the pages at least."""
    path = tmp_path / "table.parquet"
    write_table(path, TABLE)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC checksum"):
        pa.parquet.read_table(path, page_checksum_verification=True)


# Calls that read a file, and the lines where what they read was published by no job.
READS = re.compile(
    r"load_file\(|safe_open\(|from_file\(|read_index\(|ParquetFile\(|pq\.read|pd\.read_\w+\("
    r"|\.read_text\(|\.read_bytes\(|json\.load\(|\bopen\("
)
BROUGHT = (
    "runtime/",  # files and checkpoints check; the rest reads /proc, logs and lock files
    "experiment/",
    "data/readers/",
    "data/records.py",  # the same, and JSON Lines
    "data/squad_format.py",
    "data/download.py",  # held to sha256
    "data/archives.py",  # downloads, held to sha256, and files of others
    "data/image_files.py",  # the same
    "data/images.py",  # images of users, and bytes that were read
    "data/hub.py",  # files of others; the rows are held to a recorded hash
    "data/unreadable.py",  # the same files, if they cannot be read
    "translation/references.py",
    "tables/published.py",
    "cost/",  # estimates
    "data/shards.py",  # held to the manifest's sha256
    "provenance/",  # verify and record check; the rest reads code
    "translation/engines/",
    "training/loop.py",  # checkpoints, which `Work.latest` checks
    "training/mix.py",  # the log of the run itself, before it is published
    "render/html.py",  # what table_page.py has checked
)


def test_no_published_file_is_read_unchecked():
    unchecked = []
    for path in sorted(SCRIPTS.rglob("*.py")):
        name = path.relative_to(SCRIPTS).as_posix().removeprefix("hybridbatch/")
        if not name.startswith(BROUGHT):
            for line in path.read_text().splitlines():
                reads = READS.search(line) and "import" not in line
                if reads and not re.search(r"checked\(|whole\(|input\.style", line):
                    unchecked.append(f"{name}: {line.strip()}")
    assert unchecked == []

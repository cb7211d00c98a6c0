"""Data sets by the library `datasets`: streamed once into hashed shards, and read as pairs."""

import gzip
import json
import logging
import zipfile
from collections import Counter
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.spec import AbstractBufferedFile

from hybridbatch.data import hub
from hybridbatch.data.hub import DataSet, fetch_data_set
from hybridbatch.data.pairs import Pair, pair_batches
from hybridbatch.data.readers import read
from hybridbatch.data.records import json_objects
from hybridbatch.data.shards import MANIFEST, read_manifest
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.logs import log

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAIRS = [
    {"key": 7, "asked": " Where do\nowls sleep? ", "text": "In trees.", "page": "owls"},
    {"key": 9, "asked": "Who hoots?", "text": "Owls hoot.", "page": "owls"},
    {"key": 8, "asked": "What do bees drink?", "text": "Bees drink water.", "page": "bees"},
]
FLAT = {"question": "asked", "passage": "text"}
CONTEXT = "Owls sleep in trees. Bees drink water from ponds. Ants do neither."
SQUAD = [
    {
        "id": f"s{number}",
        "title": "Animals",
        "context": CONTEXT,
        "question": question,
        "answers": {"text": texts, "answer_start": starts},
    }
    for number, (question, texts, starts) in enumerate(
        [
            ("What do bees drink?", ["water", "water from ponds"], [32, 32]),
            ("Where do owls sleep?", ["trees"], [14]),
            ("Why?", [], []),
            ("What moved?", ["ponds"], [3]),
        ]
    )
]
NESTED = {
    "question": "question",
    "passage": "context",
    "id": "id",
    "answers": {"text": "answers.text", "start": "answers.answer_start"},
}


def write(file: Path, rows: list[dict]) -> Path:
    """Rows as parquet, JSON Lines or CSV, by the file's name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        pd.DataFrame(rows).to_csv(file, index=False, sep="\t" if file.suffix == ".tsv" else ",")
    return file


class Fetched:
    """A data set fetched into a folder, and its pairs."""

    def __init__(self, folder: Path, path: Path | str, columns: dict = FLAT, **other) -> None:
        self.counts: Counter = Counter()
        self.lock, self.manifest = folder / "lock.json", folder / "downloads/mine" / MANIFEST
        mirror = other.pop("mirror", None)
        values = {"name": None, "revision": None, "split": "train", **other}
        self.data_set = DataSet(str(path), columns=columns, **values)
        fetch_data_set(self.data_set, self.manifest.parent, mirror and str(mirror), self.lock)

    def pairs(self) -> list[Pair]:
        return list(read("datasets", [str(self.manifest)], "en", self.counts))


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.csv", "a.tsv"])
def test_a_file_of_every_format_gives_the_same_pairs(tmp_path, name):
    columns = {**FLAT, "id": "key", "paragraph": "page"}
    pairs = Fetched(tmp_path, write(tmp_path / name, PAIRS), columns).pairs()
    assert pairs == [
        Pair("7", "Where do owls sleep?", "In trees.", "owls"),
        Pair("9", "Who hoots?", "Owls hoot.", "owls"),
        Pair("8", "What do bees drink?", "Bees drink water.", "bees"),
    ]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("name", ["train.csv", "train.tsv"])
def test_nothing_in_a_table_is_taken_for_a_number_or_for_nothing(tmp_path, name, folder):
    """As pandas takes `NA` and `null` for absent, and `007` for 7."""
    rows = [
        {"key": "007", "asked": "NA", "text": "null", "page": "1e3"},
        {"key": "7", "asked": "None", "text": "1999", "page": "TRUE"},
    ]
    file = write(tmp_path / "set" / name, rows)
    columns = {**FLAT, "id": "key", "paragraph": "page"}
    assert Fetched(tmp_path, file.parent if folder else file, columns).pairs() == [
        Pair("007", "NA", "null", "1e3"),
        Pair("7", "None", "1999", "TRUE"),
    ]


def test_offsets_in_a_table_are_numbers(tmp_path):
    columns = {**FLAT, "answers": {"start": "at"}}
    file = tmp_path / "a.csv"
    file.write_text(f'asked,text,at\nWho?,"{CONTEXT}",21\nNone?,"{CONTEXT}",\n')
    fetched = Fetched(tmp_path, file, columns)
    assert [pair.passage for pair in fetched.pairs()] == ["Bees drink water from ponds."]
    assert fetched.counts == {"unanswerable": 1}
    file.write_text(f'asked,text,at\nWho?,"{CONTEXT}",21.0\n')
    with pytest.raises(DataError, match=r"a.csv: line 2: column 'at' is not a whole number"):
        Fetched(tmp_path, file, columns)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("asked,text\nWho?\n", "line 2: has 1 fields, and the header 2"),
        ("asked,text\nWho?,Me,you\n", "line 2: has 3 fields, and the header 2"),
        ("asked,text,asked\nWho?,Me,You\n", "line 1: the column 'asked' stands twice"),
        ('asked,text\nWho?,"Me\nor\n', "line 2: is not CSV"),
        ('asked,text\nWho?,"Me\nor you"\nWho,\nNo', "line 5: has 1 fields"),
    ],
)
def test_a_row_of_a_table_that_lacks_fields_is_refused_with_its_line(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=f"a.csv: {words}"):
        Fetched(tmp_path, tmp_path / "a.csv")


def test_a_key_may_be_absent_in_some_objects(tmp_path):
    rows = [{"asked": "Who?", "text": "Me."}, {"asked": "You?", "text": "No.", "key": 9}]
    pairs = Fetched(tmp_path, write(tmp_path / "a.jsonl", rows), {**FLAT, "id": "key"}).pairs()
    assert [pair.id for pair in pairs] == ["0", "9"]


def test_packed_files_are_refused_by_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "train.zip", "w") as packed:
        packed.writestr("train.jsonl", json.dumps(PAIRS[0]) + "\n")
    with pytest.raises(SourceError, match=r"train\.zip is packed; unpack it"):
        Fetched(tmp_path, tmp_path)


def test_the_row_of_a_text_that_is_none_is_named(tmp_path):
    for text, words in ((b"a\xff", "from row 3 on"), (b"a\0", "row 3: column 'asked' has .* NUL")):
        texts = pa.array([b"a", b"b", b"c", text, b"d"], pa.binary()).view(pa.string())
        pq.write_table(pa.table({"asked": texts, "text": ["x"] * 5}), tmp_path / "a.parquet")
        with pytest.raises((DataError, SourceError), match=rf"a\.parquet, split train: .*{words}"):
            Fetched(tmp_path, tmp_path / "a.parquet")


def test_text_files_may_be_at_a_url(tmp_path):
    """As those of the hub are, by the same file system library."""
    fsspec.filesystem("memory").pipe("/set/a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n')
    assert list(json_objects("memory://set/a.jsonl", hub.opened)) == [(1, {"a": 1})]


def test_lines_are_read_from_files_as_the_hub_has_them():
    """Unlike other files, these have no `readline` with a size."""

    class OfTheHub(AbstractBufferedFile):
        def __init__(self, data: bytes) -> None:
            super().__init__(None, "a.jsonl", size=len(data))
            self.data = data

        def _fetch_range(self, start: int, end: int) -> bytes:
            return self.data[start:end]

    lines = b'{"a": 1}\n{"a": 2}\n'
    for data in (lines, gzip.compress(lines)):
        found = json_objects("a.jsonl", lambda path, data=data: OfTheHub(data))
        assert [values for _, values in found] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_a_folder_has_splits_and_other_files_of_rows(tmp_path, suffix):
    write(tmp_path / f"set/train-0.{suffix}", PAIRS[:2])
    write(tmp_path / f"set/train-1.{suffix}", PAIRS[2:])
    write(tmp_path / f"set/test.{suffix}", PAIRS[:1])
    assert len(Fetched(tmp_path, tmp_path / "set").pairs()) == 3
    assert len(Fetched(tmp_path, tmp_path / "set", split="test").pairs()) == 1


def test_without_id_and_paragraph_the_row_s_number_and_the_passage_stand_in(tmp_path):
    pairs = Fetched(tmp_path, write(tmp_path / "a.jsonl", PAIRS)).pairs()
    assert [pair.id for pair in pairs] == ["0", "1", "2"]
    assert all(pair.paragraph == pair.passage for pair in pairs)


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_the_sentence_of_the_first_answer_is_the_passage(tmp_path, name):
    fetched = Fetched(tmp_path, write(tmp_path / name, SQUAD), NESTED)
    assert fetched.pairs() == [
        Pair("s0", "What do bees drink?", "Bees drink water from ponds.", CONTEXT),
        Pair("s1", "Where do owls sleep?", "Owls sleep in trees.", CONTEXT),
    ]
    assert fetched.counts == {"unanswerable": 1, "answer_not_at_start": 1}


def test_answers_may_be_a_list_of_structs_or_plain_columns(tmp_path):
    listed = [
        {
            **row,
            "answers": [
                {"text": t, "start": s} for t, s in zip(*row["answers"].values(), strict=True)
            ],
        }
        for row in SQUAD
    ]
    columns = {**NESTED, "answers": {"text": "answers.text", "start": "answers.start"}}
    first = Fetched(tmp_path, write(tmp_path / "a.jsonl", listed), columns).pairs()
    plain = [{"q": "Who?", "c": CONTEXT, "at": 21}, {"q": "None?", "c": CONTEXT, "at": None}]
    columns = {"question": "q", "passage": "c", "answers": {"start": "at"}}
    second = Fetched(tmp_path, write(tmp_path / "b.parquet", plain), columns).pairs()
    assert [pair.id for pair in first] == ["s0", "s1"]
    assert [pair.passage for pair in second] == ["Bees drink water from ponds."]


def test_the_pairs_are_those_of_the_same_data_in_squads_own_format(tmp_path):
    qas = [
        {
            "id": row["id"],
            "question": row["question"],
            "answers": [
                {"text": t, "answer_start": s}
                for t, s in zip(*row["answers"].values(), strict=True)
            ],
        }
        for row in SQUAD[:3]
    ]
    article = {"title": "Animals", "paragraphs": [{"context": CONTEXT, "qas": qas}]}
    (tmp_path / "squad.json").write_text(json.dumps({"data": [article]}))
    counts: Counter = Counter()
    theirs = list(read("squad", [str(tmp_path / "squad.json")], "en", counts))
    ours = Fetched(tmp_path, write(tmp_path / "a.parquet", SQUAD[:3]), NESTED)
    assert ours.pairs() == theirs
    assert ours.counts == counts


def test_a_column_with_a_dot_in_its_name_is_found_first(tmp_path):
    rows = [{"q.en": "Who?", "passage": "Me."}]
    columns = {"question": "q.en", "passage": "passage"}
    pairs = Fetched(tmp_path, write(tmp_path / "a.parquet", rows), columns).pairs()
    assert pairs[0].question == "Who?"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({**NESTED, "passage": "contxt"}, "no column 'contxt'; did you mean context? It has"),
        (
            {**NESTED, "answers": {"start": "answers.answer_strat"}},
            "no column 'answers.answer_strat'; did you mean answers.answer_start?",
        ),
    ],
)
@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_a_missing_column_is_named_with_those_there_are(tmp_path, name, columns, words):
    file = write(tmp_path / name, SQUAD)
    with pytest.raises(DataError) as error:
        Fetched(tmp_path, file, columns)
    message = str(error.value)
    assert f"data set {file}, split train: has {words}" in message
    assert "id, title, context, question, answers, answers.text, answers.answer_start" in message
    assert not (tmp_path / "downloads/mine").exists()


def test_a_wrong_split_is_named_with_those_there_are(tmp_path):
    write(tmp_path / "set/train.jsonl", PAIRS)
    write(tmp_path / "set/test.jsonl", PAIRS)
    with pytest.raises(SourceError, match=r"no split 'trian'; did you mean train\? It has tra"):
        Fetched(tmp_path, tmp_path / "set", split="trian")


def test_a_wrong_configuration_is_named_with_those_there_are(tmp_path):
    write(tmp_path / "set/train.jsonl", PAIRS)
    with pytest.raises(SourceError, match=r"name zz, split train: cannot be opened: .*'default'"):
        Fetched(tmp_path, tmp_path / "set", name="zz")


def test_two_rows_with_one_id_are_refused(tmp_path):
    rows = [*PAIRS, {**PAIRS[0], "asked": "Another?"}]
    fetched = Fetched(tmp_path, write(tmp_path / "a.jsonl", rows), {**FLAT, "id": "key"})
    with pytest.raises(DataError, match="row 3: the id '7' stands twice in corpus mine"):
        list(pair_batches(fetched.pairs(), Counter(), "corpus mine"))


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_data_set_without_rows_is_refused(tmp_path, name):
    file = tmp_path / name
    if name == "a.csv":
        file.write_text("asked,text\n")
    else:
        pq.write_table(pa.table({"asked": pa.array([], pa.string()), "text": []}), file)
    with pytest.raises((DataError, SourceError), match=rf"{name}.*has no row"):
        Fetched(tmp_path, file)


def test_an_empty_folder_and_one_that_is_not_there_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"cannot be opened: .*empty"):
        Fetched(tmp_path, tmp_path / "empty")
    with pytest.raises(SourceError, match=r"no such folder or file.*`revision`, a full commit"):
        Fetched(tmp_path, "some/where")


def test_a_value_of_a_wrong_type_is_named_by_row_and_column(tmp_path):
    rows = [*PAIRS, {**PAIRS[0], "text": "x"}]
    rows = [{**row, "text": number} for number, row in enumerate(rows)]
    with pytest.raises(DataError, match=r"a.jsonl: line 1: column 'text' is not text but 0"):
        Fetched(tmp_path, write(tmp_path / "a.jsonl", rows))
    rows = [{**row, "answers": {"text": ["a"], "answer_start": ["4"]}} for row in SQUAD]
    with pytest.raises(
        DataError, match=r"b.jsonl: line 1: column 'answers.answer_start' is not a whole"
    ):
        Fetched(tmp_path, write(tmp_path / "b.jsonl", rows), NESTED)


def test_a_null_question_is_an_empty_pair_that_is_counted(tmp_path):
    rows = [*PAIRS, {**PAIRS[0], "asked": None}]
    counts: Counter = Counter()
    fetched = Fetched(tmp_path, write(tmp_path / "a.parquet", rows))
    list(pair_batches(fetched.pairs(), counts, "corpus mine"))
    assert counts["empty"] == 1


def test_a_loading_script_is_never_run(tmp_path):
    script = tmp_path / "set/set.py"
    script.parent.mkdir()
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(SourceError, match=r"has only a loading script.*never run"):
        Fetched(tmp_path, tmp_path / "set")
    assert not (tmp_path / "ran").exists()


def hub_data_set(mirror: Path, rows: list[dict], commit: str | None = COMMIT) -> None:
    folder = mirror / "huggingface.co/datasets/some/animals"
    write((folder / "tree" / commit if commit else folder) / "train.parquet", rows)


@pytest.mark.parametrize("commit", [COMMIT, None])
def test_a_mirror_is_asked_before_the_network(tmp_path, commit):
    hub_data_set(tmp_path / "mirror", PAIRS, commit)
    fetched = Fetched(tmp_path, "some/animals", revision=COMMIT, mirror=tmp_path / "mirror")
    assert [pair.passage for pair in fetched.pairs()] == [row["text"] for row in PAIRS]


def test_pinned_files_in_a_mirror_are_no_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # tries no network
    write(tmp_path / "m/huggingface.co/datasets/some/animals/resolve/x/a.parquet", PAIRS)
    with pytest.raises(SourceError) as error:
        Fetched(tmp_path, "some/animals", revision=COMMIT, mirror=tmp_path / "m")
    for words in (
        f"https://huggingface.co/datasets/some/animals/tree/{COMMIT} cannot be had",
        f"{tmp_path}/m/huggingface.co/datasets/some/animals/tree/{COMMIT}",
        "HYBRIDBATCH_MIRROR=",
    ):
        assert words in str(error.value)


def test_the_first_fetch_of_the_hub_is_recorded_and_later_ones_are_held_to_it(tmp_path):
    mirror = tmp_path / "mirror"
    hub_data_set(mirror, PAIRS)
    first = Fetched(tmp_path, "some/animals", revision=COMMIT, mirror=mirror)
    recorded = json.loads(first.lock.read_text())
    assert list(recorded.values()) == [read_manifest(first.manifest)["content_sha256"]]
    Fetched(tmp_path, "some/animals", revision=COMMIT, mirror=mirror)

    before = first.manifest.read_bytes()
    hub_data_set(mirror, [*PAIRS[:2], {**PAIRS[2], "text": "Bees drink wine."}])
    with pytest.raises(SourceError, match="are not the rows that came first"):
        Fetched(tmp_path, "some/animals", revision=COMMIT, mirror=mirror)
    assert first.manifest.read_bytes() == before
    assert json.loads(first.lock.read_text()) == recorded
    # Other columns are other rows, and files of yours may change.
    other = {"question": "text", "passage": "asked"}
    Fetched(tmp_path, "some/animals", other, revision=COMMIT, mirror=mirror)
    file = write(tmp_path / "a.jsonl", PAIRS)
    Fetched(tmp_path, file)
    write(file, PAIRS[:1])
    assert len(Fetched(tmp_path, file).pairs()) == 1
    assert len(json.loads(first.lock.read_text())) == 2


def test_a_recorded_hash_is_of_a_format_and_a_manifest_too(tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    hub_data_set(mirror, PAIRS)
    first = Fetched(tmp_path, "some/animals", revision=COMMIT, mirror=mirror)
    monkeypatch.setattr(hub, "ROWS", hub.ROWS + 1)
    assert first.data_set.key != next(iter(json.loads(first.lock.read_text())))
    monkeypatch.setattr("hybridbatch.data.shards.SHARDS", 2)
    with pytest.raises(DataError, match="manifest of another version"):
        first.pairs()


def test_more_than_a_data_set_may_have_is_not_kept(tmp_path):
    fetched = Fetched(tmp_path, write(tmp_path / "a.jsonl", PAIRS))
    folder = tmp_path / "downloads/other"
    with pytest.raises(SourceError, match="has more than 20 bytes"):
        fetch_data_set(fetched.data_set, folder, None, fetched.lock, 20)
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_what_a_killed_process_left_of_a_data_set_is_removed(tmp_path):
    left = tmp_path / "downloads/.mine.89abcdef-7-0123abcd.tmp"
    (left / "json").mkdir(parents=True)
    fetched = Fetched(tmp_path, write(tmp_path / "a.jsonl", PAIRS))
    assert [path.name for path in fetched.manifest.parents[1].iterdir()] == ["mine"]


def test_the_hash_of_the_rows_is_that_of_their_values_whatever_the_format(tmp_path):
    hashes = {
        read_manifest(Fetched(tmp_path, write(tmp_path / name, PAIRS)).manifest)["content_sha256"]
        for name in ("a.parquet", "a.jsonl", "a.csv")
    }
    assert len(hashes) == 1


def test_a_folder_of_the_data_set_s_name_is_not_taken_for_the_hub_s(tmp_path, monkeypatch):
    write(tmp_path / "some/animals/train.jsonl", PAIRS)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="is a folder or file here and a `revision` is given"):
        Fetched(tmp_path, "some/animals", revision=COMMIT)


@pytest.mark.parametrize("harm", ["flip", "remove", "manifest"])
def test_a_changed_shard_is_noticed(tmp_path, monkeypatch, harm):
    monkeypatch.setattr("hybridbatch.data.shards.BATCH_ROWS", 2)
    fetched = Fetched(tmp_path, write(tmp_path / "a.jsonl", PAIRS))
    shard = fetched.manifest.with_name("00001.parquet")
    assert len(fetched.pairs()) == 3
    if harm == "flip":
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    elif harm == "remove":
        shard.unlink()
    else:
        fetched.manifest.write_text("{}")
    with pytest.raises(DataError, match=r"snakemake --force .*manifest\.json"):
        fetched.pairs()


def test_the_same_rows_give_the_same_bytes(tmp_path):
    file = write(tmp_path / "a.jsonl", PAIRS)
    first = Fetched(tmp_path / "1", file).manifest.read_bytes()
    assert Fetched(tmp_path / "2", file).manifest.read_bytes() == first


def test_progress_has_a_rate_where_the_number_of_rows_is_unknown(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(hub, "_LOGGED", 1)
    monkeypatch.setattr(
        "hybridbatch.runtime.logs.time.monotonic", iter(range(0, 10**6, 11)).__next__
    )
    with caplog.at_level(logging.INFO, logger=log.name):
        Fetched(tmp_path, write(tmp_path / "a.csv", PAIRS))
    assert "2 rows of" in caplog.text
    assert "a second" in caplog.text

"""Bad input of every kind of file of others: what is read, what is refused, and by which name.

The kinds are found in the package, so that a new one has to show, with a sample in `samples.py`,
that it reads strictly.
"""

import gzip
import io
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import BYTE_ORDER_MARK, MARK, MARK_BYTES, SAMPLES, Binary, Files, Sample

from hybridbatch import benchmarks
from hybridbatch.data import readers, records
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.translation.references import READERS as REFERENCES

FILES = [(name, file) for name, sample in SAMPLES.items() for file in sample.files]
TEXTS = [(name, file) for name, file in FILES if type(SAMPLES[name].files[file]) is bytes]
PARQUET = [(name, file) for name, file in FILES if isinstance(SAMPLES[name].files[file], list)]
JSON = [(n, f) for n, f in TEXTS if SAMPLES[n].files[f].lstrip()[:1] in (b"{", b"[")]
MARKED = [(n, f) for n, f in TEXTS if MARK_BYTES in SAMPLES[n].files[f]]
WHERE = r": (line|row|entry|article) \d+"


def _kinds() -> set[str]:
    """The kinds of the package that read files of others."""
    found = {f"readers {m.name}" for m in pkgutil.iter_modules(readers.__path__)}
    found |= {f"benchmarks {m.name}" for m in pkgutil.iter_modules(benchmarks.__path__)}
    found |= {f"references {name}" for name in REFERENCES}
    return {name for name in found if name != "benchmarks base" and " _" not in name}


def test_every_kind_has_a_sample():
    named = {name.split(",")[0] for name in SAMPLES}
    assert _kinds() <= named, "a new kind of reader, benchmark or reference needs a Sample"


def _write(folder: Path, sample: Sample, **changed: Any) -> Files:
    """The files of a sample in `folder`, some with other content."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, content in (sample.files | changed).items():
        paths[name] = folder / name
        if isinstance(content, list):
            table = pa.Table.from_pylist(content, schema=pa.schema(sample.schema))
            content = _parquet(table)
        paths[name].write_bytes(content)
    return paths


def _parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _read(folder: Path, name: str, **changed: Any) -> list[tuple]:
    return SAMPLES[name].read(_write(folder, SAMPLES[name], **changed))


def _refused(folder: Path, name: str, file: str, content: Any) -> str:
    """The message, which has to name the file."""
    with pytest.raises((DataError, SourceError)) as caught:
        _read(folder, name, **{file: content})
    message = str(caught.value)
    assert str(folder / file) in message
    return message


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_and_has_its_mark(tmp_path, name):
    found = _read(tmp_path, name)
    assert found
    assert any(MARK in str(value) for row in found for value in row)


@pytest.mark.parametrize(("name", "file"), TEXTS)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: BYTE_ORDER_MARK + data, id="byte-order mark"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda data: data.rstrip(b"\n"), id="no last line feed"),
        pytest.param(lambda data: gzip.compress(data), id="gzip"),
    ],
)
def test_what_changes_no_text_is_read(tmp_path, name, file, change):
    right = _read(tmp_path / "right", name)
    assert _read(tmp_path, name, **{file: change(SAMPLES[name].files[file])}) == right


@pytest.mark.parametrize(("name", "file"), TEXTS)
def test_a_file_that_unzips_to_too_much_is_refused(tmp_path, name, file, monkeypatch):
    data = SAMPLES[name].files[file]
    monkeypatch.setattr(records, "MAX_BYTES", len(data) + 1_000_000)
    packed = gzip.compress(data.rstrip(b"\n") + b" " * 3_000_000)
    assert len(packed) < 100_000
    with pytest.raises(DataError, match=f"{file}.*more than [0-9,]+ bytes"):
        _read(tmp_path, name, **{file: packed})


@pytest.mark.parametrize(("name", "file"), MARKED)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"Ma\xffrk", "is not UTF-8"),
        (b"Ma\xed\xa0\x80rk", "is not UTF-8"),  # half of a surrogate pair, as CESU-8 has it
        (b"Ma\0rk", "NUL"),
    ],
    ids=["not UTF-8", "surrogate", "NUL"],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path, name, file, bad, words):
    data = SAMPLES[name].files[file]
    line = data[: data.index(MARK_BYTES)].count(b"\n") + 1
    message = _refused(tmp_path, name, file, data.replace(MARK_BYTES, bad, 1))
    assert words in message
    assert f": line {line}" in message


@pytest.mark.parametrize(("name", "file"), JSON)
@pytest.mark.parametrize("escape", [r"\ud83d", r"\uDE00", r"\u0000", r"\ude00\ud83d"])
def test_an_escape_that_is_no_character_is_refused_with_its_line(tmp_path, name, file, escape):
    data = SAMPLES[name].files[file]
    line = data[: data.index(MARK_BYTES)].count(b"\n") + 1
    message = _refused(tmp_path, name, file, data.replace(MARK_BYTES, escape.encode(), 1))
    assert f"{tmp_path / file}: line {line}" in message


@pytest.mark.parametrize("name", [n for n, _ in JSON if "jsonl" in n or "JSON Lines" in n])
def test_escapes_of_characters_are_read(tmp_path, name):
    (file,) = SAMPLES[name].files
    data = SAMPLES[name].files[file].replace(b"Mark", rb"M\ud83d\ude00rk \\ud83d", 1)
    texts = [str(value) for row in _read(tmp_path, name, **{file: data}) for value in row]
    assert any("M😀rk \\ud83d" in text for text in texts)


@pytest.mark.parametrize(("name", "file"), JSON)
def test_a_key_that_stands_twice_in_an_object_is_refused(tmp_path, name, file):
    text = SAMPLES[name].files[file].decode()
    data = re.sub(r'("\w+"): ("[^"]*Mark[^"]*")', r'\1: \2, \1: "Other"', text, count=1).encode()
    message = _refused(tmp_path, name, file, data)
    assert "stands twice in one object" in message
    assert re.search(WHERE, message)


@pytest.mark.parametrize(("name", "file"), TEXTS)
@pytest.mark.parametrize(
    "data", [b"", b"\n \r\n", BYTE_ORDER_MARK, gzip.compress(b"")], ids=range(4)
)
def test_an_empty_text_file_is_refused(tmp_path, name, file, data):
    _refused(tmp_path, name, file, data)


@pytest.mark.parametrize(("name", "file"), JSON)
@pytest.mark.parametrize(
    "data", [b"[]", b"{}\n", b"null", b"[" * 99_999, b'{"a": NaN}'], ids=range(5)
)
def test_json_of_another_shape_is_refused(tmp_path, name, file, data):
    _refused(tmp_path, name, file, data)


@pytest.mark.parametrize(("name", "file"), PARQUET)
def test_a_parquet_file_without_rows_is_refused(tmp_path, name, file):
    _refused(tmp_path, name, file, [])


def _marked(sample: Sample, file: str, mark: str) -> list[dict]:
    """The rows of a sample's parquet file with another mark, in the last row."""
    first, last = sample.files[file][:-1], sample.files[file][-1]
    if MARK not in str(last):
        first, last = [], sample.files[file][0]
    changed = {k: v.replace(MARK, mark) if isinstance(v, str) else v for k, v in last.items()}
    return [*first, changed]


@pytest.mark.parametrize(("name", "file"), PARQUET)
def test_nul_in_a_parquet_file_is_refused_with_its_row(tmp_path, name, file):
    rows = _marked(SAMPLES[name], file, "Ma\0rk")
    message = _refused(tmp_path, name, file, rows)
    assert f"row {len(rows) - 1}" in message
    assert "NUL" in message


@pytest.mark.parametrize(("name", "file"), PARQUET)
def test_bytes_in_a_parquet_file_that_are_no_text_are_refused_with_their_row(tmp_path, name, file):
    sample, rows = SAMPLES[name], _marked(SAMPLES[name], file, "Ma?rk")
    column = next(k for k, v in rows[-1].items() if isinstance(v, str) and "Ma?rk" in v)
    table = pa.Table.from_pylist(rows, schema=pa.schema(sample.schema))
    binary = [row[column].encode().replace(b"Ma?rk", b"Ma\xffrk") for row in rows]
    place = table.column_names.index(column)
    text = pa.array(binary, pa.binary()).view(pa.string())
    message = _refused(tmp_path, name, file, _parquet(table.set_column(place, column, text)))
    assert f"row {len(rows) - 1}" in message


# Neither are the fields of published figures texts, nor does the workflow write odd passages.
NORMALISED = [name for name in SAMPLES if name not in ("published figures", "passages, parquet")]


@pytest.mark.parametrize("name", NORMALISED)
def test_blanks_are_normalised_alike(tmp_path, name):
    """Also Unicode's others; where offsets are given, they are those of the text in the file."""
    sample, odd = SAMPLES[name], "Ma  \u00a0\u3000rk"
    changed = {
        file: _marked(sample, file, odd)
        if isinstance(content, list)
        else type(content)(content.replace(MARK_BYTES, odd.encode()))
        for file, content in sample.files.items()
    }
    if name in SPANS:
        changed = {file: _longer(content) for file, content in changed.items()}
    found = _read(tmp_path, name, **changed)
    texts = [value for row in found for value in row[1:] if value]
    assert any("Ma rk" in text for text in texts)
    assert all(text == " ".join(text.split()) for text in texts)


SPANS = ["readers squad", "readers duorc", "readers newsqa", "benchmarks lareqa"]
SPANS += ["benchmarks rendered"]
SPANS += ["references questions", "references parallel"]


def _longer(content: Any) -> Any:
    """Sentence breaks and answers of `_squad` and of the parquet samples after a longer mark."""
    if isinstance(content, Binary):
        return content
    if isinstance(content, bytes):
        found = json.loads(content)
        (paragraph,) = found["data"][0]["paragraphs"]
        paragraph["sentence_breaks"] = [[0, 11], [12, 26], [27, 38]]
        return json.dumps(found, ensure_ascii=False).encode()
    return [{**row, "answers": ["Ma  \u00a0\u3000rk"]} for row in content]


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.several])
def test_ids_of_several_files_restart_or_are_refused_with_their_place(tmp_path, name):
    """A file's numbers restart in the next file; ids that files give may not."""
    sample = SAMPLES[name]
    (file,) = sample.files
    paths = {}
    for folder in ("data/one", "data/two"):
        # Names that are the same in both folders; `train-0` and `train-1` make one data set.
        (path,) = _write(tmp_path / folder, sample).values()
        paths[folder] = path
    if sample.named:
        with pytest.raises(DataError, match="stands twice") as caught:
            sample.read(paths)
        assert re.search(WHERE, str(caught.value))
        return
    changed = _other_texts(sample.files[file])
    second = _write(tmp_path / "data/two", sample, **{file: changed})
    paths["data/two"] = second[file]
    found = sample.read(paths)
    assert len(found) == 2 * len(_read(tmp_path / "alone", name))
    assert len({row[0] for row in found}) == len(found)


def _other_texts(content: Any) -> Any:
    if isinstance(content, bytes):
        return content.replace(b"?", b" then?")
    return [{**row, "question": "Other?", "query": "Other?"} for row in content]

"""Corpora in several languages: mMARCO from its files to train sets, and what may be configured."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import filter_pairs
import read_corpus
import read_parallel
import shard_texts
from hybridbatch.data import readers
from hybridbatch.data import records as _files
from hybridbatch.data.pairs import Pair, pair_batches
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime import files
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.runtime.files import read_json, read_table

ROOT = Path(__file__).parents[2]


def _read(*paths: Path) -> tuple[list[Pair], Counter]:
    counts: Counter[str] = Counter()
    return list(readers.read("mmarco", list(map(str, paths)), "en", counts)), counts


def _paper() -> dict:
    return conf.read([ROOT / "config/paper.yaml"])


# mMARCO: ids of queries and passages overlap, as they do in MS MARCO.
QUERIES = {"en": {1: "who came?", 2: "who left?", 3: "unused?"}}
PASSAGES = {"en": {1: "Ada came.", 2: "Bob left.", 3: "Eve stayed.", 4: "Unused."}}
QUERIES["xx"] = {key: text.upper() for key, text in QUERIES["en"].items()}
PASSAGES["xx"] = {key: text.upper() for key, text in PASSAGES["en"].items()}
TRIPLES = [(1, 1, 2), (1, 1, 3), (2, 2, 3), (1, 1, 2)]


def _tsv(path: Path, rows: Iterator[tuple]) -> Path:
    lines = ["\t".join(map(str, row)) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def _mmarco(folder: Path, language: str = "en") -> list[Path]:
    """Queries and collection of a language, not in the order of their ids."""
    return [
        _tsv(folder / f"{name}.{language}.tsv", reversed(texts[language].items()))
        for name, texts in (("queries", QUERIES), ("collection", PASSAGES))
    ]


def test_mmarco_joins_triples_with_texts(tmp_path):
    triples = _tsv(tmp_path / "triples.tsv", TRIPLES)
    pairs, counts = _read(triples, *_mmarco(tmp_path))
    ada = ("who came?", "Ada came.", "1", "1")
    assert pairs == [
        Pair("1", *ada, negative="Bob left.", passage_id="1", negative_id="2"),
        Pair("2", *ada, negative="Eve stayed.", passage_id="1", negative_id="3"),
        Pair("3", "who left?", "Bob left.", "2", "2", "Eve stayed.", "2", "3"),
        Pair("4", *ada, negative="Bob left.", passage_id="1", negative_id="2"),
    ]
    assert counts == {}
    rows = [
        row for batch in pair_batches(iter(pairs), counts, "mmarco") for row in batch.to_pylist()
    ]
    # The same pair with another negative is another pair; the ids are the collection's own.
    assert counts == {"read": 4, "kept": 3, "repeated": 1}
    ids = [(row["question_id"], row["passage_id"], row["negative_id"]) for row in rows]
    assert ids == [("1", "1", "2"), ("1", "1", "3"), ("2", "2", "3")]


@pytest.mark.parametrize(
    ("triple", "file", "id_"),
    [((9, 1, 2), "queries", 9), ((1, 8, 2), "collection", 8), ((1, 1, 7), "collection", 7)],
)
def test_mmarco_names_an_id_without_text(tmp_path, triple, file, id_):
    triples = _tsv(tmp_path / "triples.tsv", [*TRIPLES, triple])
    with pytest.raises(DataError) as caught:
        _read(triples, *_mmarco(tmp_path))
    message = f"{triples}: line 5: the id {id_} is not in {tmp_path / file}.en.tsv"
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("triples", b"1\t2\n", "3 fields"),
        ("triples", b"1 2 3\n", "3 fields"),
        ("queries.en", b"no tab\n", "2 fields"),
        ("collection.en", b"\tno id\n", "2 fields"),
        ("collection.en", b"5\t\xff\n", "is not UTF-8"),
        ("collection.en", b"2\tAgain.\n", "the id 2 stands twice"),
    ],
)
def test_wrong_line_of_mmarco_is_named(tmp_path, file, line, message):
    paths = [_tsv(tmp_path / "triples.tsv", TRIPLES), *_mmarco(tmp_path)]
    path = tmp_path / f"{file}.tsv"
    number = path.read_bytes().count(b"\n") + 2
    path.write_bytes(path.read_bytes() + b"\n" + line)  # empty lines are skipped, but counted
    with pytest.raises(DataError, match=message) as caught:
        _read(*paths)
    assert str(caught.value).startswith(f"{path}: line {number}: ")


def test_text_may_hold_tabs_and_other_line_ends(tmp_path):
    triples = _tsv(tmp_path / "triples.tsv", TRIPLES[:1])
    queries, collection = _mmarco(tmp_path)
    collection.write_bytes("1\ta\tb\u2028c\x0bd\r\n2\te\r\n".encode())
    pairs, _ = _read(triples, queries, collection)
    assert pairs[0].passage == "a b c d"
    assert pairs[0].negative == "e"


@pytest.mark.parametrize("paths", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_mmarco_wants_three_files(paths):
    with pytest.raises(ConfigError, match=f"gives {len(paths)}"):
        _read(*map(Path, paths))
    if len(paths) != 2:
        with pytest.raises(ConfigError, match=f"gives {len(paths)}"):
            readers.read_parallel("mmarco", paths, [])


def test_parallel_texts_line_up_by_id(tmp_path):
    paths = list(map(str, _mmarco(tmp_path, "xx")))
    texts = readers.read_parallel("mmarco", paths, ["q:2", "p:3", "q:1", "p:1"])
    assert texts == ["WHO LEFT?", "EVE STAYED.", "WHO CAME?", "ADA CAME."]


@pytest.mark.parametrize(("text_id", "file"), [("q:4", "queries"), ("p:9", "collection")])
def test_parallel_text_that_is_not_there_is_named(tmp_path, text_id, file):
    paths = list(map(str, _mmarco(tmp_path, "xx")))
    with pytest.raises(DataError) as caught:
        readers.read_parallel("mmarco", paths, ["q:1", text_id, "p:1"])
    message = f"{tmp_path / file}.xx.tsv: the id {text_id[2:]} is not there"
    assert str(caught.value).startswith(message)


def test_parallel_text_that_stands_twice_is_named(tmp_path):
    queries, collection = _mmarco(tmp_path, "xx")
    queries.write_text(queries.read_text() + "1\tagain\n")
    with pytest.raises(DataError, match="line 4: the id 1 stands twice"):
        readers.read_parallel("mmarco", [str(queries), str(collection)], ["q:1"])


def test_reader_without_parallel_languages_is_named():
    with pytest.raises(ConfigError, match="'wikiqa' knows no `parallel`"):
        readers.read_parallel("wikiqa", [], [])


def _job(input: dict, output: dict | list, params: dict) -> SimpleNamespace:
    return SimpleNamespace(
        input=SimpleNamespace(**input),
        output=SimpleNamespace(**output) if isinstance(output, dict) else output,
        params=SimpleNamespace(**params),
        wildcards=SimpleNamespace(corpus="mmarco", language="xx"),
    )


def _run_stages(folder: Path) -> dict[str, list[dict]]:
    """The train set of each language, of a corpus in two languages and two shards."""
    pairs = folder / "train.parquet"
    output = {"train": pairs, "validation": folder / "v.parquet", "counts": folder / "c.json"}
    triples = _tsv(folder / "triples.tsv", TRIPLES)
    params = {"reader": "mmarco", "language": "en", "holdout": 0.0}
    read_corpus.main(_job({"files": [triples, *_mmarco(folder)]}, output, params))
    shards = {code: [folder / f"{code}.{n}.parquet" for n in range(2)] for code in ("en", "xx")}
    files_ = _mmarco(folder, "xx")
    for number, (own, other) in enumerate(zip(*shards.values(), strict=True)):
        shard_texts.main(_job({"pairs": pairs}, [own], {"number": number, "of": 2}))
        input = {"texts": own, "files": files_}
        read_parallel.main(_job(input, [other], {"reader": "mmarco"}))
    train = {}
    for code in shards:
        input = {"pairs": pairs, "source": shards["en"], "translated": shards[code]}
        output = {"train": folder / f"train.{code}.parquet", "counts": folder / f"{code}.json"}
        limits = {"max_unknown_share": 0.5, "min_length_ratio": 0.5, "max_length_ratio": 2.0}
        of = {"corpus": "mmarco", "language": code}
        params = {"filtering": limits, "same_language": code == "en", "of": of}
        filter_pairs.main(_job(input, output, params))
        table = read_table(output["train"])
        assert files.keys_of(table, output["train"]) == of
        train[code] = table.to_pylist()
    return train


@pytest.mark.parametrize("batch_rows", [1, 2, 50_000])
def test_corpus_in_two_languages_goes_through(tmp_path, monkeypatch, batch_rows):
    for module in (files, _files, sys.modules["hybridbatch.data.pairs"]):
        monkeypatch.setattr(module, "BATCH_ROWS", batch_rows)
    train = _run_stages(tmp_path)
    assert train["en"] == [
        {"id": "1", "question": "who came?", "passage": "Ada came.", "negative": "Bob left."},
        {"id": "2", "question": "who came?", "passage": "Ada came.", "negative": "Eve stayed."},
        {"id": "3", "question": "who left?", "passage": "Bob left.", "negative": "Eve stayed."},
    ]
    upper = [{k: v.upper() for k, v in row.items()} for row in train["en"]]
    assert train["xx"] == upper
    assert read_json(tmp_path / "c.json") == {
        "corpus": "mmarco",
        "language": "en",
        "read": 4,
        "kept": 3,
        "repeated": 1,
        "train": 3,
        "validation": 0,
    }


def test_corpus_in_several_languages_is_trained_on_in_those_and_not_translated():
    config = _paper()
    languages = lookups.corpus_languages(conf.validate(config), "mmarco")
    assert languages == ["en", "ar", "zh", "de", "es", "ru", "hi"]
    config["target_languages"] = ["th", "hi"]
    config["catalogue"]["translators"][config["translator"]]["routes"]["hi"]["source"] = "th"
    config = Experiment.model_validate(config)
    assert lookups.corpus_languages(config, "mmarco") == ["en", "hi"]
    assert lookups.translated_languages(config, "mmarco") == ["hi"]
    assert lookups.translated_languages(config, "wikiqa") == ["th", "hi"]
    files_ = lookups.parallel_files(config, "mmarco", "hi")
    assert [Path(file).name for file in files_] == [
        "hindi_queries.train.tsv",
        "hindi_collection.tsv",
    ]
    assert set(files_) <= {f"downloads/{place}" for place in lookups.sources(config)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"parallel": {"hi": ["hindi.tsv"]}}, "parallel.hi: 'hindi.tsv' is not among the source"),
        (
            {"parallel": {"en": ["triples.train.ids.small.tsv"]}},
            "parallel: 'en' is the corpus' own",
        ),
        ({"languages": ["th"]}, "languages: 'th' is not among the languages of `parallel`"),
        ({"parallel": {}}, "parallel: {} must not be empty"),
        ({"parallel": {"hi": []}}, r"parallel.hi: [] must not be empty"),
    ],
)
def test_wrong_parallel_languages_are_named(values, message):
    config = _paper()
    config["catalogue"]["corpora"]["mmarco"] |= values
    with pytest.raises(ConfigError) as caught:
        conf.validate(config)
    assert f"catalogue.corpora.mmarco.{message}" in str(caught.value)


def test_parallel_files_need_a_source():
    config = _paper()
    config["catalogue"]["corpora"]["bundled"]["parallel"] = {"es": ["es.jsonl"]}
    with pytest.raises(ConfigError, match=r"bundled\.parallel: names files of a `source`"):
        conf.validate(config)

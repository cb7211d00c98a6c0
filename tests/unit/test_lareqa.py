"""Reading XQuAD-R's format: slices, relevance, named faults, and the published counts."""

import copy
import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from hybridbatch.benchmarks.base import (
    CANDIDATE_SCHEMA,
    QRELS_SCHEMA,
    QUERY_SCHEMA,
    Collection,
)
from hybridbatch.benchmarks.lareqa import read
from hybridbatch.data.download import MIRROR_VARIABLE, Source, fetch, mirror_from_environment
from hybridbatch.data.offsets import stands_at
from hybridbatch.data.squad_format import paragraphs
from hybridbatch.evaluation.clusters import clusters_of
from hybridbatch.evaluation.per_query import query_metrics, relevant_ranks
from hybridbatch.experiment.lookups import places
from hybridbatch.experiment.sources import Source as Pinned
from hybridbatch.runtime.errors import DataError
from hybridbatch.translation.references import read_parallel

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).parents[2]
CATALOGUE = yaml.safe_load((ROOT / "config" / "catalogue.yaml").read_text(encoding="utf-8"))
BENCHMARKS = CATALOGUE["catalogue"]["benchmarks"]
SETS = [(name, code) for name in ("xquad_r", "mlqa_r") for code in BENCHMARKS[name]["languages"]]


def _qa(id_: str, question: str, start: int, text: str) -> dict:
    return {"id": id_, "question": question, "answers": [{"text": text, "answer_start": start}]}


# Sentences at [0, 10), [11, 22), [24, 30); the stored list is wrong on purpose.
FIRST = {
    "context": "Rain fell. Snow came.\n  Later.",
    "sentence_breaks": [[0, 10], [11, 22], [24, 30]],
    "sentences": ["Not", "these", "ones", "at all"],
    "qas": [
        _qa("q1", "What fell?", 0, "Rain"),
        _qa("q2", " What\xa0 came?", 11, "Snow came.\n  Later"),
        _qa("q3", "When?", 29, "."),
    ],
}
SECOND = {
    "context": "雨が降った。雪が来た。",
    "sentence_breaks": [[0, 6], [6, 11]],
    "sentences": ["雨", "雪"],
    "qas": [_qa("q4", "何?", 6, "雪")],
}
BENCHMARK = {"data": [{"paragraphs": [FIRST]}, {"paragraphs": [SECOND]}]}


def _write(folder: Path, change: Callable[[list[dict]], object] | None = None) -> Path:
    """The small benchmark as a file, after `change` of its articles."""
    benchmark = copy.deepcopy(BENCHMARK)
    if change:
        change(benchmark["data"])
    path = folder / "small.json"
    path.write_text(json.dumps(benchmark), encoding="utf-8")
    return path


def _read(path: Path, language: str = "en") -> Collection:
    return read({"file": path}, language)


def _message(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        _read(path)
    return str(caught.value)


def test_candidates_are_slices_by_sentence_breaks_not_the_stored_sentences(tmp_path):
    candidates = _read(_write(tmp_path)).candidates
    assert candidates.schema == CANDIDATE_SCHEMA
    assert candidates.to_pylist() == [
        {"candidate_id": "en:000.000:000", "text": "Rain fell."},
        {"candidate_id": "en:000.000:001", "text": "Snow came."},
        {"candidate_id": "en:000.000:002", "text": "Later."},
        {"candidate_id": "en:001.000:000", "text": "雨が降った。"},
        {"candidate_id": "en:001.000:001", "text": "雪が来た。"},
    ]


def test_queries_are_the_questions_in_the_order_of_the_file(tmp_path):
    queries = _read(_write(tmp_path)).queries
    assert queries.schema == QUERY_SCHEMA
    assert [tuple(row.values()) for row in queries.to_pylist()] == [
        ("q1", "What fell?", None, "en:000.000"),
        ("q2", "What came?", None, "en:000.000"),
        ("q3", "When?", None, "en:000.000"),
        ("q4", "何?", None, "en:001.000"),
    ]


def test_the_article_of_a_query_is_its_title(tmp_path):
    def entitle(articles: list[dict]) -> None:
        articles[0]["title"] = "Rain"
        articles[1]["title"] = ""  # as good as none

    queries = _read(_write(tmp_path, entitle)).queries
    assert queries["article"].to_pylist() == ["Rain", "Rain", "Rain", None]


def test_relevant_is_the_sentence_where_the_answer_starts(tmp_path):
    qrels = _read(_write(tmp_path)).qrels
    assert qrels.schema == QRELS_SCHEMA
    assert [tuple(row.values()) for row in qrels.to_pylist()] == [
        ("q1", "en:000.000:000"),
        ("q2", "en:000.000:001"),
        ("q3", "en:000.000:002"),
        ("q4", "en:001.000:001"),
    ]


def test_repeated_sentences_stay_different_candidates(tmp_path):
    def repeat(articles: list[dict]) -> None:
        articles[1]["paragraphs"].append({**copy.deepcopy(SECOND), "qas": []})

    candidates = _read(_write(tmp_path, repeat), "zh").candidates.to_pylist()
    same = [row["candidate_id"] for row in candidates if row["text"] == "雪が来た。"]
    assert same == ["zh:001.000:001", "zh:001.001:001"]


@pytest.mark.parametrize("field", ["context", "sentence_breaks", "qas"])
def test_missing_field_of_a_paragraph_is_named(tmp_path, field):
    path = _write(tmp_path, lambda articles: articles[1]["paragraphs"][0].pop(field))
    assert _message(path) == f"{path}: article 1, paragraph 0: field {field!r} is missing."


@pytest.mark.parametrize("field", ["question", "answers"])
def test_missing_field_of_a_question_is_named_with_its_id(tmp_path, field):
    path = _write(tmp_path, lambda articles: articles[0]["paragraphs"][0]["qas"][1].pop(field))
    where = f"{path}: article 0, paragraph 0, question q2"
    assert _message(path) == f"{where}: field {field!r} is missing."


def test_missing_id_is_named_with_its_paragraph(tmp_path):
    path = _write(tmp_path, lambda articles: articles[1]["paragraphs"][0]["qas"][0].pop("id"))
    assert _message(path) == f"{path}: article 1, paragraph 0: field 'id' is missing."


def test_missing_paragraphs_are_named_with_their_article(tmp_path):
    path = _write(tmp_path, lambda articles: articles[1].pop("paragraphs"))
    assert _message(path) == f"{path}: article 1: field 'paragraphs' is missing."


def test_missing_answer_start_is_named_with_its_id(tmp_path):
    path = _write(
        tmp_path,
        lambda articles: articles[1]["paragraphs"][0]["qas"][0]["answers"][0].pop("answer_start"),
    )
    where = f"{path}: article 1, paragraph 0, question q4"
    assert _message(path) == f"{where}: field 'answer_start' is missing."


def test_question_id_that_stands_twice_is_named(tmp_path):
    path = _write(tmp_path, lambda articles: articles[1]["paragraphs"][0]["qas"][0].update(id="q2"))
    where = f"{path}: article 1, paragraph 0, question q2"
    assert _message(path) == f"{where}: the id stands twice; ids must be unique."


@pytest.mark.parametrize(("start", "text"), [(10, " Snow"), (22, "  Later"), (23, " Later")])
def test_answer_outside_every_sentence_is_named(tmp_path, start, text):
    path = _write(
        tmp_path,
        lambda articles: articles[0]["paragraphs"][0]["qas"][2].update(
            answers=[{"answer_start": start, "text": text}]
        ),
    )
    where = f"{path}: article 0, paragraph 0, question q3"
    fault = f"the answer starts at character {start}, outside every sentence."
    assert _message(path) == f"{where}: {fault}"


GERMAN = "Übergrößen führen müßige Bären öfter über Böden. Nein danke. Dort."


def _german(breaks: list, text: str, start: int) -> dict:
    qas = [_qa("q1", "Wo?", start, text)]
    return {"paragraphs": [{"context": GERMAN, "sentence_breaks": breaks, "qas": qas}]}


def test_offsets_that_count_bytes_or_another_context_are_refused(tmp_path):
    right, breaks = GERMAN.index("Böden"), [[0, 48], [49, 60], [61, 66]]
    for start, fault in (
        (right, None),
        (len(GERMAN[:right].encode()), True),
        (right - 1, True),
        (-len(GERMAN) + right, True),  # would count from the end
        (10**6, True),
    ):
        path = tmp_path / "de.json"
        path.write_text(json.dumps({"data": [_german(breaks, "Böden", start)]}))
        if fault is None:
            assert _read(path, "de").qrels["candidate_id"].to_pylist() == ["de:000.000:000"]
            continue
        where = f"{path}: article 0, paragraph 0, question q1"
        assert _message(path).startswith(
            f"{where}: the answer 'Böden' does not stand at character {start}"
        )


@pytest.mark.parametrize("text", ["", "  "])
def test_an_answer_without_text_is_none(tmp_path, text):
    change = lambda articles: articles[0]["paragraphs"][0]["qas"][0]["answers"][0].update(text=text)  # noqa: E731
    assert _message(_write(tmp_path, change)).endswith("question q1: has no answer.")


@pytest.mark.parametrize(
    "breaks",
    [
        [[0, 10], [11, 300]],
        [[0, 10], [-20, -1]],
        [[0, 14], [10, 30]],
        [[10, 0], [11, 22]],
        [[0, 10], [10, 10], [11, 22]],
        [[11, 22], [0, 10]],
        [[0, 10], [22, 24]],  # blanks
    ],
    ids=["out of range", "negative", "overlapping", "reversed", "empty", "order", "blank"],
)
@pytest.mark.parametrize("kind", ["benchmark", "references"])
def test_sentence_breaks_that_are_no_sentences_are_refused(tmp_path, breaks, kind):
    path = _write(
        tmp_path, lambda articles: articles[0]["paragraphs"][0].update(sentence_breaks=breaks)
    )
    with pytest.raises(DataError) as caught:
        _read(path) if kind == "benchmark" else read_parallel(path, "en")
    assert str(caught.value).startswith(f"{path}: article 0, paragraph 0: sentence_breaks has ")


@pytest.mark.skipif(
    not os.environ.get(MIRROR_VARIABLE), reason=f"{MIRROR_VARIABLE} names no mirror with real files"
)
def test_answers_and_sentence_breaks_of_all_real_files_are_right():
    """XQuAD-R, MLQA-R, XQuAD and SQuADShifts."""
    hosted = Path(os.environ[MIRROR_VARIABLE]) / "raw.githubusercontent.com"
    places = ("google-research-datasets/lareqa", "google-deepmind/xquad", "modestyachts")
    files = [path for place in places for path in (hosted / place).rglob("*.json*")]
    assert len(files) == 32
    for path in files:
        for paragraph in paragraphs(path):
            if "sentence_breaks" in paragraph.record:
                paragraph.sentences()
            for question in paragraph.questions():
                assert stands_at(paragraph.context, question.start, question.answer), question.where


def test_question_without_an_answer_is_named(tmp_path):
    path = _write(
        tmp_path, lambda articles: articles[0]["paragraphs"][0]["qas"][0].update(answers=[])
    )
    assert _message(path) == f"{path}: article 0, paragraph 0, question q1: has no answer."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("not JSON", "line 1: is not JSON"),
        ("[]", "is not an object"),
        ("{}", "field 'data' is missing"),
        ('{\n"data": ', "line 2: is not JSON"),
    ],
)
def test_file_in_another_format_is_named(tmp_path, text, words):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    assert _message(path).startswith(f"{path}: {words}")


def test_file_without_questions_is_named(tmp_path):
    path = tmp_path / "empty.json"
    path.write_text('{"data": []}', encoding="utf-8")
    assert _message(path) == f"{path}: has no paragraphs."
    path = _write(tmp_path, lambda articles: [a["paragraphs"][0].update(qas=[]) for a in articles])
    assert _message(path) == f"{path}: has no questions."


def _published_counts() -> dict[tuple[str, str], tuple[int, int]]:
    path = ROOT / "resources" / "published" / "evaluation_data.csv"
    with path.open(encoding="utf-8") as file:
        return {
            (row["dataset"], row["language"]): (int(row["queries"]), int(row["candidates"]))
            for row in csv.DictReader(file)
        }


def _from_mirror(benchmark: str, language: str, folder: Path) -> Path:
    entry = BENCHMARKS[benchmark]
    file = entry["file"].format(language=language)
    url = CATALOGUE["catalogue"]["sources"][entry["source"]]["base"] + file
    sources = map(Pinned.model_validate, CATALOGUE["catalogue"]["sources"].values())
    (values,) = (values for values in places(sources).values() if values["url"] == url)
    fetch(
        Source(values["url"], values["sha256"]), folder / file, mirror_from_environment(), tries=1
    )
    return folder / file


@pytest.mark.skipif(
    not os.environ.get(MIRROR_VARIABLE),
    reason=f"{MIRROR_VARIABLE} names no mirror with XQuAD-R and MLQA-R",
)
@pytest.mark.parametrize(("benchmark", "language"), SETS)
def test_counts_are_the_published_ones(tmp_path, benchmark, language):
    collection = _read(_from_mirror(benchmark, language, tmp_path), language)
    counts = (len(collection.queries), len(collection.candidates))
    assert counts == _published_counts()[benchmark, language]
    assert collection.qrels["query_id"].to_pylist() == collection.queries["query_id"].to_pylist()
    for table in (collection.queries, collection.candidates):
        assert all(text == " ".join(text.split()) != "" for text in table["text"].to_pylist())
    candidates = set(collection.candidates["candidate_id"].to_pylist())
    assert candidates >= set(collection.qrels["candidate_id"].to_pylist())


@pytest.mark.skipif(
    not os.environ.get(MIRROR_VARIABLE),
    reason=f"{MIRROR_VARIABLE} names no mirror with XQuAD-R and MLQA-R",
)
@pytest.mark.parametrize(("benchmark", "articles"), [("xquad_r", 48), ("mlqa_r", 520)])
def test_clusters_are_the_articles_in_whatever_language(tmp_path, benchmark, articles):
    """MLQA-R's titles are translated; English has every article."""
    frames = []
    for language in ("es", "en"):
        queries = _read(_from_mirror(benchmark, language, tmp_path), language).queries
        frames.append((language, queries.to_pandas()))
    asked = sorted(set().union(*(frame["query_id"] for _, frame in frames)))
    found = clusters_of(asked, frames)
    assert articles - 3 <= found.max() + 1 <= articles


@pytest.mark.skipif(
    not os.environ.get(MIRROR_VARIABLE),
    reason=f"{MIRROR_VARIABLE} names no mirror with XQuAD-R and MLQA-R",
)
def test_rank_distance_of_mlqa_r_is_of_the_queries_with_two_answers(tmp_path):
    """English queries against English and Spanish, ranked by random vectors."""
    rng = np.random.default_rng(0)
    sets = {c: _read(_from_mirror("mlqa_r", c, tmp_path), c) for c in ("en", "es")}
    query_ids = sets["en"].queries["query_id"].to_pylist()
    ids = {code: of.candidates["candidate_id"].to_pylist() for code, of in sets.items()}
    pool = [id_ for of_language in ids.values() for id_ in of_language]
    queries, candidates = (
        rng.standard_normal((len(names), 4)).astype(np.float32) for names in (query_ids, pool)
    )
    answers: dict[str, list[int]] = {query: [] for query in query_ids}
    qrels = {}
    for code, of in sets.items():
        pairs = of.qrels.select(["query_id", "candidate_id"]).to_pylist()
        qrels[code] = [(row["query_id"], row["candidate_id"]) for row in pairs]
        for query, candidate in qrels[code]:
            if query in answers:
                answers[query].append(pool.index(candidate))
    ranks = relevant_ranks(query_ids, queries, ids, candidates, qrels, ["en", "es"])
    table = query_metrics(ranks, ["en", "es"]).to_pandas()
    found = table[table["candidates"] == "seen"].set_index("query_id")["rank_distance"]
    assert len(found) == 1148
    assert found.isna().sum() == 648
    scores = (queries.astype(float) @ candidates.T.astype(float)).astype(np.float32)
    by_id = np.argsort(np.argsort(pool))
    place = np.argsort([np.lexsort((by_id, row))[::-1] for row in scores], axis=1)
    for row, query in enumerate(query_ids):
        if len(answers[query]) > 1:
            assert found[query] == np.ptp(place[row, answers[query]])
        else:
            assert np.isnan(found[query])


def test_all_18_language_sets_have_published_counts():
    assert len(SETS) == 18
    assert set(SETS) <= set(_published_counts())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.update(context=None), "field 'context' is not text"),
        (lambda p: p.update(sentence_breaks=[[0, "9"]]), "sentence_breaks has [0, '9']"),
        (lambda p: p.update(qas={"a": 1}), "field 'qas' is not a list"),
        (lambda p: p["qas"][0].update(id=7), "field 'id' is not text but 7"),
        (lambda p: p["qas"][0].update(question=None), "field 'question' is not text"),
        (lambda p: p["qas"][0].update(answers="x"), "field 'answers' is not a list"),
        (
            lambda p: p["qas"][0]["answers"][0].update(answer_start="3"),
            "field 'answer_start' is not a whole number but '3'",
        ),
    ],
)
def test_a_field_of_a_wrong_type_is_named_with_its_place(tmp_path, change, words):
    paragraph = {
        "context": "Salt is mined.",
        "sentence_breaks": [[0, 14]],
        "qas": [{"id": "a", "question": "What?", "answers": [{"answer_start": 3, "text": "t i"}]}],
    }
    change(paragraph)
    path = tmp_path / "en.json"
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    with pytest.raises(DataError) as caught:
        _read(path)
    assert words in str(caught.value)
    assert f"{path}: article 0 't', paragraph 0" in str(caught.value)

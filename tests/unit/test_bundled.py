"""The bundled corpus is sound, its verification finds faults, and the workflow can read it."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hybridbatch.benchmarks.lareqa import read

BUNDLED = Path(__file__).parents[2] / "resources" / "bundled"
LANGUAGES = ("ca", "en", "eo", "es", "fr", "gl", "it", "pt")


def _load_verify() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundled_verify", BUNDLED / "verify.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


verify = _load_verify()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the corpus that a test may break."""
    (tmp_path / "corpus").mkdir()
    shutil.copytree(BUNDLED / "benchmark", tmp_path / "corpus" / "benchmark")
    shutil.copy(BUNDLED / "train.en.jsonl", tmp_path / "corpus")
    return tmp_path / "corpus"


def _read(copy: Path, language: str) -> dict:
    return json.loads((copy / "benchmark" / f"{language}.json").read_text(encoding="utf-8"))


def _write(copy: Path, language: str, benchmark: dict) -> None:
    text = json.dumps(benchmark, ensure_ascii=False, indent=1) + "\n"
    (copy / "benchmark" / f"{language}.json").write_text(text, encoding="utf-8")


def _append(copy: Path, row: dict) -> None:
    with (copy / "train.en.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _only_fault(copy: Path) -> str:
    faults = verify.verify(copy).faults
    assert len(faults) == 1, faults
    return faults[0]


def test_corpus_has_no_faults():
    report = verify.verify(BUNDLED)
    assert report.faults == []
    each = "22 articles, 66 paragraphs, 272 sentences, 167 questions"
    assert report.counts == [
        *(f"{language}.json: {each}" for language in LANGUAGES),
        "train.en.jsonl: 484 pairs, 178 paragraphs",
        "8 languages, 0 faults",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_workflow_reads_benchmark(language):
    collection = read({"file": BUNDLED / "benchmark" / f"{language}.json"}, language)
    assert collection.queries.num_rows == 167
    assert collection.candidates.num_rows == 272
    paragraphs, faults = verify.read_benchmark(BUNDLED / "benchmark" / f"{language}.json")
    assert faults == []
    candidates = collection.candidates.to_pylist()
    texts = {row["candidate_id"]: row["text"] for row in candidates}
    relevant = [texts[id_] for id_ in collection.qrels["candidate_id"].to_pylist()]
    assert relevant == [
        paragraph.sentences[question.sentence]
        for paragraph in paragraphs
        for question in paragraph.questions
    ]


def test_shifted_answer_is_named(copy):
    benchmark = _read(copy, "gl")
    qa = benchmark["data"][0]["paragraphs"][1]["qas"][2]
    qa["answers"][0]["answer_start"] -= 1
    _write(copy, "gl", benchmark)
    message = _only_fault(copy)
    assert str(copy / "benchmark" / "gl.json") in message
    assert "article 0, paragraph 1, question volcanoes-2-c" in message
    assert "1943" in message


def test_answer_across_two_sentences_is_named(copy):
    benchmark = _read(copy, "it")
    paragraph = benchmark["data"][0]["paragraphs"][0]
    start = paragraph["sentence_breaks"][0][1] - 1
    paragraph["qas"][0]["answers"] = [
        {"text": paragraph["context"][start : start + 4], "answer_start": start}
    ]
    _write(copy, "it", benchmark)
    message = _only_fault(copy)
    assert "it.json: article 0, paragraph 0, question volcanoes-1-a" in message
    assert "lies in 0 sentences" in message


def test_answer_that_stands_twice_in_its_sentence_is_named(copy):
    benchmark = _read(copy, "it")
    paragraph = benchmark["data"][0]["paragraphs"][0]
    start = paragraph["qas"][0]["answers"][0]["answer_start"]
    paragraph["qas"][0]["answers"][0]["text"] = paragraph["context"][start]
    _write(copy, "it", benchmark)
    message = _only_fault(copy)
    assert "it.json: article 0, paragraph 0, question volcanoes-1-a" in message
    assert "times in its sentence" in message


def test_answer_in_another_sentence_is_named(copy):
    benchmark = _read(copy, "fr")
    paragraph = benchmark["data"][0]["paragraphs"][0]
    text = paragraph["sentences"][0].split()[-1]
    start = paragraph["context"].index(text)
    paragraph["qas"][0]["answers"] = [{"text": text, "answer_start": start}]
    _write(copy, "fr", benchmark)
    message = _only_fault(copy)
    assert "fr.json: article 0, paragraph 0, question volcanoes-1-a" in message
    assert "in sentence 0; en has it in sentence 1" in message


def test_missing_question_is_named(copy):
    benchmark = _read(copy, "eo")
    del benchmark["data"][0]["paragraphs"][0]["qas"][1]
    _write(copy, "eo", benchmark)
    message = _only_fault(copy)
    assert str(copy / "benchmark" / "eo.json") in message
    assert "article 0, paragraph 0, question volcanoes-1-b: is missing" in message


def test_missing_field_is_named(copy):
    benchmark = _read(copy, "ca")
    del benchmark["data"][2]["paragraphs"][0]["qas"][1]["answers"]
    _write(copy, "ca", benchmark)
    faults = verify.verify(copy).faults
    assert any(
        "ca.json: article 2, paragraph 0, question glass-1-b: is not in the" in fault
        for fault in faults
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Parícutin", "Pari\u0301cutin", "not in NFC"),
        ("Parícutin ", "Parícutin\u00a0", "stray whitespace"),
    ],
)
def test_uneven_text_is_named(copy, old, new, expected):
    path = copy / "benchmark" / "en.json"
    text = path.read_text(encoding="utf-8")
    question = f"volcano {old}"
    assert text.count(question) == 1
    path.write_text(text.replace(question, f"volcano {new}"), encoding="utf-8")
    message = _only_fault(copy)
    assert "en.json: article 0, paragraph 1, question volcanoes-2-c" in message
    assert expected in message


def test_sentence_breaks_must_cut_the_sentences(copy):
    benchmark = _read(copy, "es")
    benchmark["data"][0]["paragraphs"][2]["sentence_breaks"][0][1] += 1
    _write(copy, "es", benchmark)
    message = _only_fault(copy)
    assert "es.json: article 0, paragraph 2: the slices" in message


@pytest.mark.parametrize("change", [str, str.upper])
def test_training_passage_from_the_benchmark_is_named(copy, change):
    sentence = _read(copy, "en")["data"][0]["paragraphs"][0]["sentences"][0]
    row = {
        "id": "volcanoes-999",
        "paragraph": "volcanoes-p99",
        "question": "What does this pair repeat?",
        "passage": change(sentence),
    }
    _append(copy, row)
    message = _only_fault(copy)
    assert message.startswith(f"{copy / 'train.en.jsonl'}: paragraph volcanoes-p99")
    assert "id volcanoes-999: the passage equals a benchmark sentence" in message
    assert f"{copy / 'benchmark' / 'en.json'}: article 0, paragraph 0" in message


def test_training_question_from_the_benchmark_is_named(copy):
    qa = _read(copy, "en")["data"][0]["paragraphs"][0]["qas"][0]
    row = {
        "id": "volcanoes-999",
        "paragraph": "volcanoes-p99",
        "question": qa["question"].upper(),
        "passage": "This passage stands nowhere else.",
    }
    _append(copy, row)
    message = _only_fault(copy)
    assert "train.en.jsonl: paragraph volcanoes-p99, id volcanoes-999: the question" in message
    assert "question volcanoes-1-a" in message


def test_repeated_training_pair_is_named(copy):
    first = (copy / "train.en.jsonl").read_text(encoding="utf-8").splitlines()[0]
    _append(copy, json.loads(first) | {"id": "volcanoes-999"})
    faults = verify.verify(copy).faults
    assert len(faults) == 2
    assert all("id volcanoes-999: the " in fault for fault in faults)
    assert all("stands already in" in fault for fault in faults)


def test_command_fails_only_on_a_fault(copy):
    command = [sys.executable, str(BUNDLED / "verify.py")]
    sound = subprocess.run(command, capture_output=True, text=True, check=False)
    assert sound.returncode == 0
    assert sound.stderr == ""
    benchmark = _read(copy, "pt")
    benchmark["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] += 1
    _write(copy, "pt", benchmark)
    broken = subprocess.run([*command, str(copy)], capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "pt.json: article 0, paragraph 0, question volcanoes-1-a" in broken.stderr

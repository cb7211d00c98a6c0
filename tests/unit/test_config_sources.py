"""Sources and corpora: the files that they lead to, their languages and what is held out."""

import pytest
from configurations import built, only_problem, set_key
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups


def test_validation_corpus_that_holds_nothing_out_is_named(config):
    config["validation"] = ["films"]
    assert only_problem(config).startswith("validation: corpus 'films' has holdout 0")


def test_training_corpus_that_is_all_held_out_is_named(config):
    config["catalogue"]["corpora"]["notes"]["holdout"] = 1
    assert only_problem(config).startswith("corpora: corpus 'notes' has holdout 1")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "corpora/films/files",
            ["film.json"],
            "corpora.films.files: 'film.json' is not among the source's files; did you mean fi",
        ),
        (
            "corpora/films/source",
            "archiv",
            "corpora.films.source: 'archiv' is not in catalogue.sources; did you mean archive?",
        ),
        ("corpora/films/path", "own.json", "corpora.films: give either `path`, or `source`"),
        ("corpora/notes/files", ["films.json"], "corpora.notes: give either `path`, or `source`"),
        ("benchmarks/quiz/languages", ["en", "tr"], "benchmarks.quiz.file: 'quiz.tr.json' is not"),
        ("references/quiz/languages", ["en", "tr"], "references.quiz.file: 'quiz.tr.json' is not"),
        (
            "references/quiz/path",
            "own.{language}.json",
            "references.quiz: give either `path`, or `source`",
        ),
        ("references/quiz/languages", ["pt"], "references.quiz.languages: 'en' is translated from"),
        (
            "benchmarks/quiz/path",
            "own.{language}.json",
            "benchmarks.quiz: give either `path`, or `source`",
        ),
    ],
)
def test_entry_that_does_not_lead_to_a_file_is_named(config, key, value, problem):
    set_key(config["catalogue"], key, value)
    assert only_problem(config).startswith(f"catalogue.{problem}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base", "http://example.org/"),
        ("base", "https://example.org/no/slash"),
        ("files", {"films.json": "abc"}),
        ("files", {"films.json": 12}),
        ("files", {}),
        ("licence", ""),
    ],
)
def test_source_that_is_not_pinned_is_refused(config, key, value):
    config["catalogue"]["sources"]["archive"][key] = value
    assert only_problem(config).startswith(f"catalogue.sources.archive.{key}")


def test_corpus_may_narrow_its_languages_but_not_widen_them(config):
    config["catalogue"]["corpora"]["films"]["languages"] = ["pt", "gl"]
    config["catalogue"]["corpora"]["notes"]["languages"] = []
    conf.validate(config)
    assert lookups.corpus_languages(built(config), "films") == ["en", "pt"]
    assert lookups.translated_languages(built(config), "films") == ["pt", "es"]
    assert lookups.corpus_languages(built(config), "notes") == ["en"]
    assert lookups.train_languages(built(config)) == ["en", "pt"]


def test_inputs_are_downloads_of_pinned_files_or_own_files(config):
    downloads = [
        *lookups.corpus_files(built(config), "films"),
        *lookups.benchmark_files(built(config), "quiz", "pt").values(),
    ]
    assert downloads == [
        f"downloads/example.org/commit/data/{file}"
        for file in ("films.json", "more.json", "quiz.pt.json")
    ]
    assert {file.removeprefix("downloads/") for file in downloads} <= set(
        lookups.sources(built(config))
    )
    assert lookups.corpus_files(built(config), "notes") == ["notes.jsonl"]
    assert lookups.benchmark_files(built(config), "own", "gl") == {"file": "own/gl.json"}
    assert lookups.reference_file(built(config), "sayings", "pt") == "sayings/pt.json"
    assert lookups.reference_file(built(config), "quiz", "pt") == downloads[-1]

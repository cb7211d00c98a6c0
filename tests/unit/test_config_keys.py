"""A wrong key, value or name is refused before anything runs, with its place and a remedy."""

import pytest
from configurations import ROOT, only_problem, problems_of, set_key
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import outputs as constants
from hybridbatch.tables.scores import SPECS

ALPHA = "catalogue/samplings/hybrid/alpha"


@pytest.mark.parametrize(
    ("key", "did_you_mean"),
    [
        ("encoder", "encoders"),
        ("training/batchsize", "batch_size"),
        ("filtering/max_unknown", "max_unknown_share"),
        ("catalogue/corpus", "corpora"),
        ("catalogue/corpora/notes/holdot", "holdout"),
        ("catalogue/benchmarks/quiz/language", "languages"),
        ("catalogue/encoders/tiny/dimensions", "dimension"),
        ("catalogue/encoders/little/layer", "layers"),
        ("catalogue/encoders/large/training/batch", "batch_size"),
        ("catalogue/translators/neural/routes/pt/sources", "source"),
        ("catalogue/sources/archive/license", "licence"),
        ("catalogue/translators/apertium/routes/es/modes", "mode"),
        ("catalogue/translators/apertium/back/es/targets", "target"),
        ("pathvars/result", "results"),
    ],
)
def test_unknown_key_is_named_with_the_one_that_was_meant(config, key, did_you_mean):
    set_key(config, key, 1)
    problem = only_problem(config)
    assert problem == f"{key.replace('/', '.')}: no such key; did you mean {did_you_mean}?"


def test_unknown_key_without_a_likeness_has_the_known_ones(config):
    config["statistics"]["zzz"] = 1
    assert only_problem(config) == (
        "statistics.zzz: no such key; known: confidence, resamples, seed"
    )


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        ("scale", "whose figures these can be"),
        ("training/patience", "validations without a better loss"),
        ("catalogue/samplings/hybrid/alpha", "share of monolingual batches"),
        ("catalogue/encoders/tiny/kind", ""),
    ],
)
def test_missing_key_is_named_with_what_it_means(config, key, missing):
    *parents, last = key.split("/")
    section = config
    for parent in parents:
        section = section[parent]
    del section[last]
    problem = only_problem(config)
    assert problem.startswith(f"{key.replace('/', '.')}: is missing")
    assert missing in problem


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (ALPHA, 1.5, "1.5 must be at most 1"),
        (ALPHA, -0.1, "-0.1 must be at least 0"),
        (ALPHA, "0.5", "'0.5' must be a number"),
        (ALPHA, True, "True must be a number"),
        (ALPHA, None, "None must be a number"),
        (ALPHA, float("nan"), "nan must be a finite number"),
        ("training/learning_rate", float("inf"), "inf must be a finite number"),
        ("training/learning_rate", "3e-5", "'3e-5' must be a number"),
        ("training/learning_rate", 0, "0 must be more than 0"),
        ("training/batch_size", 1, "1 must be at least 2"),
        ("training/batch_size", 64.5, "64.5 must be an integer"),
        ("training/batch_size", 64.0, "64.0 must be an integer"),
        ("training/batch_size", "64", "'64' must be an integer"),
        ("training/batch_size", True, "True must be an integer"),
        ("training", [], "[] must be a mapping"),
        ("statistics/confidence", 1, "1 must be less than 1"),
        ("filtering/max_unknown_share", 50, "50 must be at most 1"),
        ("catalogue/encoders/little/dropout", 1, "1 must be less than 1"),
        ("catalogue/encoders/tiny/query_prefix", 1, "1 must be text"),
        ("catalogue/corpora/notes/holdout", 1.1, "1.1 must be at most 1"),
        ("catalogue/corpora/notes/shards", 0, "0 must be at least 1"),
        ("samplings", [], "[] must not be empty"),
        ("encoders", "tiny", "'tiny' must be a list"),
    ],
)
def test_wrong_value_is_named_with_what_the_key_means(config, key, value, reason):
    set_key(config, key, value)
    problem = only_problem(config)
    assert problem.startswith(f"{key.replace('/', '.')}: {reason}")
    assert problem.endswith(")"), "the key's description is missing"


@pytest.mark.parametrize(
    ("key", "name", "left", "known"),
    [
        ("benchmarks/own/path", "{lang}/{language}.json", "{lang}", "{language}"),
        ("benchmarks/quiz/file", "{language}{language.json", "{language.json", "{language}"),
        ("references/sayings/path", "{language}/{number}.json", "{number}", "{language}"),
        ("corpora/notes/path", "notes.{language}.jsonl", "{language}", "none"),
    ],
)
def test_placeholder_that_nothing_fills_in_is_named(config, key, name, left, known):
    set_key(config, f"catalogue/{key}", name)
    problem = only_problem(config)
    assert problem.startswith(f"catalogue.{key.replace('/', '.')}: {name!r} has braces")
    assert f"nothing is filled in for {left}; known: {known}" in problem


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("samplings", ["hybrid", 1], "samplings.1: 1 must be text"),
        ("samplings", ["hybrid", "hybrid"], "samplings: 'hybrid' stands twice"),
        ("seeds", [-1], "seeds.0: -1 must be at least 0"),
        ("catalogue/corpora/notes/kind", "csv", "catalogue.corpora.notes.kind: 'csv' is not one"),
        ("catalogue/corpora/notes/kind", "_files", "catalogue.corpora.notes.kind: '_files' is"),
        (
            "catalogue/encoders/tiny/kind",
            "statik",
            "catalogue.encoders.tiny.kind: 'statik' is not one of layerwise, rendered, scratch, "
            "static, text_image, transformer; did you mean static?",
        ),
        ("scale", "papr", "scale: 'papr' is not one of paper, laptop, demo; did you mean paper?"),
    ],
)
def test_wrong_item_is_named_by_its_place(config, key, value, where):
    set_key(config, key, value)
    assert only_problem(config).startswith(where)


def test_every_problem_is_told_at_once(config):
    config["scale"], config["training"]["patience"], config["zzz"] = 2, 0, 1
    assert [p.split(":")[0] for p in problems_of(config)] == ["scale", "training.patience", "zzz"]


def test_alpha_at_the_top_is_sent_to_its_sampling(config):
    config["alpha"] = 0.5
    assert only_problem(config).endswith("it is a sampling's: catalogue.samplings.hybrid.alpha")


def test_an_integer_is_a_number_too(config):
    config["training"]["learning_rate"] = 1
    assert conf.validate(config).training.learning_rate == 1.0


@pytest.mark.parametrize(
    "key", ["target_languages", "catalogue/benchmarks/quiz/languages"], ids=["targets", "tests"]
)
def test_norwegian_that_yaml_reads_as_false_is_explained(config, key):
    set_key(config, key, ["es", False])
    problem = only_problem(config)
    assert problem.startswith(f"{key.replace('/', '.')}.1: False must be text")
    assert 'Norwegian is "no", in quotes' in problem


@pytest.mark.parametrize("code", ["English", "ES", "e", "es-ES"])
def test_language_that_is_no_code_is_named(config, code):
    config["target_languages"] = [code]
    assert only_problem(config).startswith(f"target_languages.0: '{code}' must match")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "quality",
            ["quizz"],
            "quality: 'quizz' is not in catalogue.references; did you mean quiz?",
        ),
        ("corpora", ["film"], "corpora: 'film' is not in catalogue.corpora; did you mean films?"),
        (
            "validation",
            ["note"],
            "validation: 'note' is not in catalogue.corpora; did you mean notes?",
        ),
        (
            "encoders",
            ["tiiny"],
            "encoders: 'tiiny' is not in catalogue.encoders; did you mean tiny?",
        ),
        (
            "samplings",
            ["hybird"],
            "samplings: 'hybird' is not in catalogue.samplings; did you mean hybrid?",
        ),
        (
            "benchmarks",
            ["qiuz"],
            "benchmarks: 'qiuz' is not in catalogue.benchmarks; did you mean quiz?",
        ),
        (
            "translator",
            "neurl",
            "translator: 'neurl' is not in catalogue.translators; did you mean neural?",
        ),
        (
            "encoders",
            ["xyz"],
            "encoders: 'xyz' is not in catalogue.encoders; known: large, little, tiny",
        ),
    ],
)
def test_name_that_is_not_in_the_catalogue_is_named(config, key, value, problem):
    config[key] = value
    assert only_problem(config) == problem


@pytest.mark.parametrize(
    "name", [*constants.SCORE_TABLES, *constants.COUNT_TABLES, *constants.BIAS_TABLES]
)
def test_benchmark_with_the_name_of_a_table_is_named(config, name):
    benchmarks = config["catalogue"]["benchmarks"]
    benchmarks[name] = benchmarks.pop("own")  # not even one of those to run
    problem = f"catalogue.benchmarks.{name}: a table has that name; choose another"
    assert only_problem(config) == problem
    config["benchmarks"] = [name]
    assert only_problem(config) == problem


def test_reserved_names_are_those_of_the_tables():
    assert set(constants.SCORE_TABLES) == set(SPECS)
    assert not set(constants.SCORE_TABLES) & set(constants.COUNT_TABLES)
    scripts = ROOT / "workflow" / "scripts"
    assert [n for n in constants.COUNT_TABLES if not (scripts / f"{n}_table.py").is_file()] == []


@pytest.mark.parametrize("depth", [0, 1.0, "all"])
def test_depth_of_exports_is_a_number_of_candidates(config, depth):
    config["exports"]["depth"] = depth
    assert only_problem(config).startswith(f"exports.depth: {depth!r}")

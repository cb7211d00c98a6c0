"""Configurations: which are refused, and what `lookups` and `variants` say of those that are not.

A wrong one is refused before anything runs, and the message names the key and a remedy.
"""

import json
import re
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from hybridbatch.data.contamination import ContaminationConfig
from hybridbatch.data.download import MAX_BYTES, Source
from hybridbatch.data.filtering import FilterConfig
from hybridbatch.encoders.layerwise import LayerwiseConfig
from hybridbatch.encoders.scratch import ScratchConfig
from hybridbatch.encoders.static import StaticConfig
from hybridbatch.encoders.text_image import TextImageConfig
from hybridbatch.encoders.transformer import TransformerConfig
from hybridbatch.evaluation.aggregate import StatisticsConfig
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.experiment import outputs as constants
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import BENCHMARKS, ENCODERS, ENGINES, READERS, Experiment
from hybridbatch.experiment.encoders import Encoder
from hybridbatch.experiment.sources import Source as Pinned
from hybridbatch.experiment.statistics import Contamination, Filtering, Statistics
from hybridbatch.experiment.training import Training, TrainingOverrides
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.tables.scores import SPECS
from hybridbatch.training.config import TrainConfig
from hybridbatch.translation.engines._batches import NeuralConfig

ROOT = Path(__file__).parents[2]
SHIPPED = ("config.yaml", "demo.yaml", "layers.yaml", "paper.yaml", "pretrained.yaml")
SMALL = """
pathvars: {results: results/small, downloads: downloads}
corpora: [films, notes]
validation: [notes]
target_languages: [es, pt, eo]
translator: apertium
encoders: [tiny]
samplings: [x-y, hybrid]
seeds: [0]
benchmarks: [quiz]
quality: [sayings]
filtering: {max_unknown_share: 0.5, min_length_ratio: 0.4, max_length_ratio: 2.5}
contamination: {ngram: 5, threshold: 0.8}
training:
  batch_size: 8
  max_steps: 10
  corpus_weighting: {temperature: 1.0}
  warmup_steps: 1
  decay_share: 0.1
  learning_rate: 0.01
  weight_decay: 0.0
  temperature: 0.05
  max_grad_norm: 1.0
  evaluate_every: 5
  patience: 2
statistics: {confidence: 0.95, resamples: 100, seed: 0}
exports: {depth: 100}
ablations:
  benchmarks: [quiz]
  samplings: [x-y, hybrid]
  alpha: []
  data_size: []
  languages: []
  unseen_languages: []
  seeds: 1
  temperature: []
  batch_size: []
  steps: []
  corpus_weighting: []
  encoders: []
  lareqa: []
scale: laptop
catalogue:
  sources:
    archive:
      base: https://example.org/commit/data/
      licence: CC0
      files:
        films.json: abcdef0000000000000000000000000000000000000000000000000000000000
        more.json: null
        quiz.en.json: null
        quiz.pt.json: null
  corpora:
    films: {kind: squad, language: en, source: archive, files: [films.json, more.json],
            holdout: 0.0, shards: 2}
    notes: {kind: jsonl, language: en, path: notes.jsonl, holdout: 0.1, shards: 1}
  benchmarks:
    quiz: {title: Quiz, kind: lareqa, source: archive, file: "quiz.{language}.json",
           languages: [en, pt]}
    own: {title: Own, kind: lareqa, path: "own/{language}.json", languages: [gl]}
  references:
    sayings: {kind: questions, path: "sayings/{language}.json", languages: [en, pt]}
    quiz: {kind: questions, source: archive, file: "quiz.{language}.json", languages: [en, pt]}
  translators:
    apertium:
      kind: apertium
      routes:
        eo: {source: en, mode: en-eo, package: apertium-eo-en}
        es: {source: en, mode: eng-spa, package: apertium-eng-spa}
        pt: {source: es, mode: es-pt, package: apertium-es-pt}
      back:
        es: {target: en, mode: spa-eng, package: apertium-eng-spa}
        pt: {target: es, mode: pt-es, package: apertium-es-pt}
    neural:
      kind: transformers_mt
      model: facebook/nllb
      revision: 0123456789abcdef0123456789abcdef01234567
      codes: {en: eng_Latn, gl: glg_Latn, pt: por_Latn}
      beams: 4
      max_new_tokens: 256
      batch_tokens: 1000
      routes:
        gl: {source: pt}
        pt: {source: en}
    fast:
      kind: ctranslate2_mt
      model: models/own
      quantization: int8
      codes: {en: en, pt: pt}
      beams: 1
      max_new_tokens: 256
      batch_tokens: 1000
      routes:
        pt: {source: en}
  samplings:
    en-en: {kind: en-en}
    x-x: {kind: x-x}
    x-x-mono: {kind: x-x-mono}
    x-y: {kind: x-y}
    hybrid: {kind: hybrid, alpha: 0.25}
  encoders:
    tiny: {kind: static, dimension: 8, vocabulary: 100, tokenizer_characters: 1000, max_tokens: 16,
           query_prefix: "", passage_prefix: ""}
    little: {kind: scratch, layers: 1, heads: 2, dimension: 8, feed_forward: 8, dropout: 0.1,
             vocabulary: 100, tokenizer_characters: 1000, max_tokens: 16, query_prefix: "",
             passage_prefix: ""}
    large: {kind: transformer, model: some/encoder, pooling: mean, max_tokens: 16,
            query_prefix: "", passage_prefix: "", training: {batch_size: 4}}
"""
KINDS = {
    "layerwise": LayerwiseConfig,
    "static": StaticConfig,
    "scratch": ScratchConfig,
    "text_image": TextImageConfig,
    "transformer": TransformerConfig,
}
ALPHA = "catalogue/samplings/hybrid/alpha"
ADDED_BY_WORKFLOW = {"sampling", "alpha", "pairs"}  # fields of TrainConfig that are no training key


def _load(name: str) -> dict:
    """The values of a shipped configuration on top of the catalogue."""
    return conf.read([ROOT / "config" / name])


def built(config: dict) -> Experiment:
    """The configuration of these values, whose names are not checked."""
    return Experiment.model_validate(config)


@pytest.fixture
def config() -> dict:
    """A small valid configuration, which a test may change."""
    return yaml.safe_load(SMALL)


@pytest.fixture
def ablated(config: dict) -> dict:
    """The same with every ablation."""
    config["ablations"] |= {
        "alpha": [0.0, 0.25, 0.75, 1.0],
        "data_size": [0.5, 1.0],
        "languages": [2, 4],
        "unseen_languages": ["pt"],
        "temperature": [0.05, 0.1],
        "batch_size": [8, 16],
        "steps": [4, 10],
        "corpus_weighting": [1.0, 5.0],
        "encoders": ["tiny", "large"],
        "lareqa": ["x-x", "x-y"],
    }
    return config


def _set(config: dict, key: str, value: object) -> None:
    *parents, last = key.split("/")
    for parent in parents:
        config = config[parent]
    config[last] = value


def _problems(config: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        conf.validate(config)
    first, *problems = str(caught.value).splitlines()
    assert first == "the configuration is wrong:"
    return [problem.strip() for problem in problems]


def _only_problem(config: dict) -> str:
    problems = _problems(config)
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configuration_is_valid(name):
    conf.validate(_load(name))


@pytest.mark.parametrize(
    ("encoder", "trainable", "problem"),
    [
        ("table", {"kind": "lora"}, "kind: 'lora', and table, of kind static, can only do all"),
        ("table", {"kind": "all", "token_embeddings": False}, "token_embeddings: false, and table"),
        ("own", {"kind": "top", "layers": 1}, "kind: 'top', and own, of kind scratch, can only"),
        ("own", {"kind": "bottleneck"}, "kind: 'bottleneck', and own, of kind scratch, can only"),
        ("pretrained", {"kind": "lora", "schedule": [3, 4]}, "schedule: adds up to 7, and budget"),
        ("pretrained", {"kind": "lora", "budget": 0}, "budget: 0 "),
    ],
)
def test_parameters_that_cannot_be_trained_are_named(config, encoder, trainable, problem):
    common = {"max_tokens": 8, "query_prefix": "", "passage_prefix": ""}
    texts = common | {"vocabulary": 100, "tokenizer_characters": 1000}
    own = {"layers": 1, "heads": 1, "feed_forward": 8, "dropout": 0.0, "dimension": 4}
    config["catalogue"]["encoders"] |= {
        "table": {"kind": "static", **texts, "dimension": 4},
        "own": {"kind": "scratch", **own, **texts},
        "pretrained": {"kind": "transformer", "model": "x", "pooling": "mean", **common},
    }
    config["encoders"] = [encoder]
    config["ablations"]["encoders"] = []
    if trainable["kind"] in ("lora", "bottleneck"):
        trainable = {"budget": 8, "schedule": "uniform"} | trainable
    if trainable["kind"] == "lora":
        trainable = {"scale": 2.0} | trainable
    config["training"]["trainable"] = trainable
    assert problem in _only_problem(config)


LAYERWISE = {
    "kind": "layerwise", "layers": 3, "dimension": 8, "head_dimension": 2, "heads": 2,
    "head_schedule": "rising", "feed_forward": 8, "feed_forward_schedule": "uniform",
    "dropout": 0.0, "vocabulary": 100, "tokenizer_characters": 1000, "max_tokens": 8,
    "query_prefix": "", "passage_prefix": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"head_schedule": [1, 2]}, "head_schedule: has 2 numbers, and layers is 3"),
        (
            {"feed_forward_schedule": [8, 8, 9]},
            "feed_forward_schedule: adds up to 25, and 3 layers of 8 on average to 24",
        ),
        ({"head_dimension": 3}, "dimension: 8 is no multiple of head_dimension, 3"),
    ],
)
def test_widths_that_are_no_division_are_refused_with_their_numbers(config, changes, problem):
    config["catalogue"]["encoders"]["wide"] = LAYERWISE | changes
    assert _only_problem(config) == f"catalogue.encoders.wide.{problem}"


def test_layers_that_there_are_not_cannot_be_computed_again(config):
    config["training"]["gradient_checkpointing"] = True
    config["encoders"] = ["tiny", "large"]
    assert _only_problem(config) == (
        "training.gradient_checkpointing: true, and tiny, of kind static, has no layers; set it to "
        "false for this encoder"
    )
    config["catalogue"]["encoders"]["tiny"]["training"] = {"gradient_checkpointing": False}
    conf.validate(config)


def test_trainable_of_another_kind_keeps_no_key_of_the_one_it_is_laid_over():
    files = [ROOT / "config" / "pretrained.yaml"]
    lora = {"kind": "lora", "budget": 96, "schedule": "rising", "scale": 2.0}
    given = [f"training={json.dumps({'trainable': lora})}"]
    assert conf.load(files, given).training.plain()["trainable"] == lora


def test_an_entry_of_another_kind_keeps_the_keys_that_both_have(tmp_path):
    given = ["catalogue={translators: {nllb: {kind: ctranslate2_mt, quantization: float16}}}"]
    paper = ROOT / "config" / "paper.yaml"
    nllb = conf.load([paper], given).catalogue.translators["nllb"]
    assert (nllb.kind, nllb.beams) == ("ctranslate2_mt", 4)
    fast = tmp_path / "fast.yaml"
    values = {"kind": "ctranslate2_mt", "quantization": "float16"}
    fast.write_text(yaml.safe_dump({"catalogue": {"translators": {"nllb": values}}}))
    given = ["catalogue={translators: {nllb: {kind: transformers_mt}}}"]
    nllb = conf.load([paper, fast], given).catalogue.translators["nllb"]
    assert (nllb.kind, nllb.beams) == ("transformers_mt", 4)
    given = ["catalogue={translators: {nllb: {kind: marian}}}"]
    with pytest.raises(ConfigError, match=r"translators\.nllb\.kind: 'marian' is not one of"):
        conf.load([paper, fast], given)


def test_small_configuration_is_valid(config):
    conf.validate(config)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_values_make_the_dataclasses(name):
    config = conf.validate(_load(name))
    FilterConfig(**config.filtering.plain())
    ContaminationConfig(**config.contamination.plain())
    StatisticsConfig(**config.statistics.plain())
    for system in variants.systems(config).values():
        TrainConfig(**variants.training_values(config, system))
    for name in config.catalogue.encoders:
        values = variants.encoder_entry(config, name)
        KINDS[values["kind"]](**values)
    for place, values in lookups.sources(config).items():
        assert Source(values["url"], values["sha256"]).path == place


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
    _set(config, key, 1)
    problem = _only_problem(config)
    assert problem == f"{key.replace('/', '.')}: no such key; did you mean {did_you_mean}?"


def test_unknown_key_without_a_likeness_has_the_known_ones(config):
    config["statistics"]["zzz"] = 1
    assert _only_problem(config) == (
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
    problem = _only_problem(config)
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
    _set(config, key, value)
    problem = _only_problem(config)
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
    _set(config, f"catalogue/{key}", name)
    problem = _only_problem(config)
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
            "catalogue.encoders.tiny.kind: 'statik' is not one of layerwise, scratch, static, "
            "text_image, transformer; did you mean static?",
        ),
        ("scale", "papr", "scale: 'papr' is not one of paper, laptop, demo; did you mean paper?"),
    ],
)
def test_wrong_item_is_named_by_its_place(config, key, value, where):
    _set(config, key, value)
    assert _only_problem(config).startswith(where)


def test_every_problem_is_told_at_once(config):
    config["scale"], config["training"]["patience"], config["zzz"] = 2, 0, 1
    assert [p.split(":")[0] for p in _problems(config)] == ["scale", "training.patience", "zzz"]


def test_alpha_at_the_top_is_sent_to_its_sampling(config):
    config["alpha"] = 0.5
    assert _only_problem(config).endswith("it is a sampling's: catalogue.samplings.hybrid.alpha")


def test_an_integer_is_a_number_too(config):
    config["training"]["learning_rate"] = 1
    assert conf.validate(config).training.learning_rate == 1.0


@pytest.mark.parametrize(
    "key", ["target_languages", "catalogue/benchmarks/quiz/languages"], ids=["targets", "tests"]
)
def test_norwegian_that_yaml_reads_as_false_is_explained(config, key):
    _set(config, key, ["es", False])
    problem = _only_problem(config)
    assert problem.startswith(f"{key.replace('/', '.')}.1: False must be text")
    assert 'Norwegian is "no", in quotes' in problem


@pytest.mark.parametrize("code", ["English", "ES", "e", "es-ES"])
def test_language_that_is_no_code_is_named(config, code):
    config["target_languages"] = [code]
    assert _only_problem(config).startswith(f"target_languages.0: '{code}' must match")


def test_language_without_route_is_named(config):
    config["target_languages"] = ["es", "no"]
    problem = _only_problem(config)
    assert problem.startswith("target_languages: apertium has no route to 'no'")


def test_pivot_without_route_is_named(config):
    config["target_languages"] = ["pt"]
    del config["catalogue"]["translators"]["apertium"]["routes"]["es"]
    assert "apertium has no route to 'es'" in _only_problem(config)


def test_circle_of_pivots_is_named(config):
    config["target_languages"] = ["pt"]
    config["catalogue"]["translators"]["apertium"]["routes"]["es"]["source"] = "pt"
    problem = _only_problem(config)
    assert problem == "catalogue.translators.apertium.routes: the route to 'pt' is a circle"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("quality", ["quizz"], "quality: 'quizz' is not in the catalogue; did you mean quiz?"),
        ("corpora", ["film"], "corpora: 'film' is not in the catalogue; did you mean films?"),
        ("validation", ["note"], "validation: 'note' is not in the catalogue; did you mean notes?"),
        ("encoders", ["tiiny"], "encoders: 'tiiny' is not in the catalogue; did you mean tiny?"),
        (
            "samplings",
            ["hybird"],
            "samplings: 'hybird' is not in the catalogue; did you mean hybrid?",
        ),
        ("benchmarks", ["qiuz"], "benchmarks: 'qiuz' is not in the catalogue; did you mean quiz?"),
        (
            "translator",
            "neurl",
            "translator: 'neurl' is not in the catalogue; did you mean neural?",
        ),
        (
            "encoders",
            ["xyz"],
            "encoders: 'xyz' is not in the catalogue; known: large, little, tiny",
        ),
    ],
)
def test_name_that_is_not_in_the_catalogue_is_named(config, key, value, problem):
    config[key] = value
    assert _only_problem(config) == problem


@pytest.mark.parametrize(
    "name", [*constants.SCORE_TABLES, *constants.COUNT_TABLES, *constants.BIAS_TABLES]
)
def test_benchmark_with_the_name_of_a_table_is_named(config, name):
    benchmarks = config["catalogue"]["benchmarks"]
    benchmarks[name] = benchmarks.pop("own")  # not even one of those to run
    problem = f"catalogue.benchmarks.{name}: a table has that name; choose another"
    assert _only_problem(config) == problem
    config["benchmarks"] = [name]
    assert _only_problem(config) == problem


def test_reserved_names_are_those_of_the_tables():
    assert set(constants.SCORE_TABLES) == set(SPECS)
    assert not set(constants.SCORE_TABLES) & set(constants.COUNT_TABLES)
    scripts = ROOT / "workflow" / "scripts"
    assert [n for n in constants.COUNT_TABLES if not (scripts / f"{n}_table.py").is_file()] == []


def test_only_benchmarks_with_parallel_questions_are_searched_in_all_languages(config):
    assert lookups.multilingual_benchmarks(built(config)) == config["benchmarks"]
    config["catalogue"]["benchmarks"][config["benchmarks"][0]] = yaml.safe_load(MIRACL)
    assert lookups.multilingual_benchmarks(built(config)) == config["benchmarks"][1:]


@pytest.mark.parametrize(
    ("setting", "languages"),
    [("monolingual", ["pt"]), ("cross-lingual/en", ["en"]), ("multilingual", ["en", "pt"])],
)
def test_languages_of_the_candidates_by_setting(config, setting, languages):
    assert lookups.pool_languages(built(config), "quiz", setting, "pt") == languages


@pytest.mark.parametrize(
    ("setting", "language", "problem"),
    [
        ("monolingual", "gl", "quiz: has no language 'gl'; it has en, pt"),
        ("cross-lingual/gl", "pt", "quiz: has no language 'gl'; it has en, pt"),
        ("cross-lingual/pt", "pt", "cross-lingual/pt: candidates in the queries' language"),
    ],
)
def test_pool_that_is_none_is_named(config, setting, language, problem):
    with pytest.raises(ConfigError, match=problem):
        lookups.pool_languages(built(config), "quiz", setting, language)


@pytest.mark.parametrize("depth", [0, 1.0, "all"])
def test_depth_of_exports_is_a_number_of_candidates(config, depth):
    config["exports"]["depth"] = depth
    assert _only_problem(config).startswith(f"exports.depth: {depth!r}")


def test_a_card_says_where_data_base_and_translator_come_from(config):
    translator = config["catalogue"]["translators"]["apertium"]
    translator["licence"] = "GPL"
    system = variants.System("tiny", "hybrid")
    films, notes = variants.card_corpora(built(config), system)
    assert films["origin"] == "https://example.org/commit/data/"
    assert (films["licence"], notes["licence"]) == ("CC0", "not stated in the configuration")
    assert notes["origin"] == "notes.jsonl"
    assert films["languages"] == ["en", *films["translated"]]
    facts = variants.card_facts(built(config), system)
    assert facts["translator"] == "apertium; licence: GPL"
    assert facts["ways"] == ["en-eo", "en-es", "en-es-pt"]
    assert facts["validation"] == [["notes", "not stated in the configuration"]]
    assert facts["hub_name"] is None
    assert facts["base"].startswith("None: a static encoder")


def test_a_card_names_the_revision_of_a_model_of_the_hub(config):
    paper = conf.load([ROOT / "config/paper.yaml"])
    facts = variants.card_facts(paper, variants.System("labse", "x-y"))
    assert facts["hub_name"] == "sentence-transformers/LaBSE"
    assert facts["base"].startswith("sentence-transformers/LaBSE at revision 8361")
    assert facts["base"].endswith("; licence: Apache-2.0.")
    assert facts["translator"].startswith("facebook/nllb-200-1.3B at revision ")
    corpora = {
        of["name"]: of for of in variants.card_corpora(paper, variants.System("labse", "x-y"))
    }
    assert corpora["mmarco"]["translated"] == []
    assert "ar" in corpora["mmarco"]["languages"]
    assert corpora["wikiqa"]["translated"] == corpora["wikiqa"]["languages"][1:]


def test_a_licence_changes_no_route_and_no_encoder(config):
    before = lookups.route(built(config), "pt")
    config["catalogue"]["translators"]["apertium"]["licence"] = "GPL"
    assert lookups.route(built(config), "pt") == before
    paper = conf.load([ROOT / "config/paper.yaml"])
    assert "licence" not in variants.encoder_entry(paper, "labse")


def test_validation_corpus_that_holds_nothing_out_is_named(config):
    config["validation"] = ["films"]
    assert _only_problem(config).startswith("validation: corpus 'films' has holdout 0")


def test_training_corpus_that_is_all_held_out_is_named(config):
    config["catalogue"]["corpora"]["notes"]["holdout"] = 1
    assert _only_problem(config).startswith("corpora: corpus 'notes' has holdout 1")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("corpora/films/files", ["film.json"], "corpora.films.files: 'film.json' is not among"),
        (
            "corpora/films/source",
            "archiv",
            "corpora.films.source: no such source; did you mean arc",
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
    _set(config["catalogue"], key, value)
    assert _only_problem(config).startswith(f"catalogue.{problem}")


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
    assert _only_problem(config).startswith(f"catalogue.sources.archive.{key}")


def test_systems_are_every_encoder_with_every_sampling(config):
    config["encoders"], config["samplings"] = ["a", "b"], ["x-y", "hybrid"]
    assert list(variants.systems(built(config))) == ["a_x-y", "a_hybrid", "b_x-y", "b_hybrid"]


def test_training_is_overridden_by_the_encoder_and_alpha_is_for_hybrid(config):
    hybrid = variants.training_values(built(config), variants.System("large", "hybrid"))
    assert (hybrid["batch_size"], hybrid["max_steps"], hybrid["alpha"]) == (4, 10, 0.25)
    assert (
        variants.training_values(built(config), variants.System("tiny", "hybrid"))["batch_size"]
        == 8
    )
    # What does not use alpha must not be trained again when alpha changes.
    assert variants.training_values(built(config), variants.System("tiny", "x-y"))["alpha"] is None
    assert "training" not in variants.encoder_entry(built(config), "large")


def test_pivots_are_translated_but_not_trained_on(config):
    config["target_languages"] = ["pt", "eo"]
    assert lookups.translated_languages(built(config), "films") == ["pt", "es", "eo"]
    assert lookups.corpus_languages(built(config), "films") == ["en", "pt", "eo"]
    assert lookups.train_languages(built(config)) == ["en", "pt", "eo"]


def test_steps_are_the_pivots_on_the_way(config):
    assert lookups.steps(built(config), "pt") == ["en", "es", "pt"]
    assert lookups.steps(built(config), "eo") == ["en", "eo"]


def test_references_are_translated_where_they_can_be_scored_or_nothing_can(config):
    assert lookups.scored_languages(built(config), "sayings") == ["es", "pt", "eo"]  # two in no set
    config["quality"] = ["sayings", "quiz"]
    config["catalogue"]["references"]["quiz"]["languages"] = ["en", "es"]
    assert lookups.scored_languages(built(config), "sayings") == ["pt", "eo"]
    assert lookups.scored_languages(built(config), "quiz") == ["es", "eo"]


def test_corpus_may_narrow_its_languages_but_not_widen_them(config):
    config["catalogue"]["corpora"]["films"]["languages"] = ["pt", "gl"]
    config["catalogue"]["corpora"]["notes"]["languages"] = []
    conf.validate(config)
    assert lookups.corpus_languages(built(config), "films") == ["en", "pt"]
    assert lookups.translated_languages(built(config), "films") == ["pt", "es"]
    assert lookups.corpus_languages(built(config), "notes") == ["en"]
    assert lookups.train_languages(built(config)) == ["en", "pt"]


def test_route_has_the_engine_and_its_values(config):
    assert lookups.route(built(config), "pt") == {
        "kind": "apertium",
        "source": "es",
        "mode": "es-pt",
        "package": "apertium-es-pt",
    }
    config["translator"] = "neural"
    neural = {
        "kind": "transformers_mt",
        "model": "facebook/nllb",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "beams": 4,
        "max_new_tokens": 256,
        "batch_tokens": 1000,
    }
    pt = {"source": "en", "source_code": "eng_Latn", "target_code": "por_Latn"}
    gl = {"source": "pt", "source_code": "por_Latn", "target_code": "glg_Latn"}
    assert lookups.route(built(config), "pt") == neural | pt
    assert lookups.route(built(config), "gl") == neural | gl
    config["translator"] = "fast"
    assert lookups.route(built(config), "pt")["quantization"] == "int8"


def test_way_back_is_the_configuration_s_and_a_neural_engine_s_is_straight(config):
    assert lookups.back_steps(built(config), "pt") == ["pt", "es", "en"]
    assert lookups.back_steps(built(config), "es") == ["es", "en"]
    assert lookups.back_steps(built(config), "eo") == []
    del config["catalogue"]["translators"]["apertium"]["back"]
    assert lookups.back_steps(built(config), "pt") == []
    config["translator"] = "neural"
    assert lookups.back_steps(built(config), "gl") == ["gl", "en"]  # though it came through pt


def test_step_back_has_the_engine_and_its_values(config):
    engine = {"kind": "apertium"}
    pt = {"source": "pt", "mode": "pt-es", "package": "apertium-es-pt"}
    es = {"source": "es", "mode": "spa-eng", "package": "apertium-eng-spa"}
    assert lookups.back_route(built(config), "pt", "es") == engine | pt
    assert (
        lookups.back_route(built(config), "pt", "en")
        == lookups.back_route(built(config), "es", "en")
        == engine | es
    )
    config["translator"] = "neural"
    step = lookups.back_route(built(config), "gl", "en")
    back = {"source": "gl", "source_code": "glg_Latn", "target_code": "eng_Latn"}
    assert step == lookups.route(built(config), "pt") | back
    NeuralConfig.of(step)


@pytest.mark.parametrize(("language", "target"), [("pt", "eo"), ("pt", "pt"), ("eo", "en")])
def test_step_that_is_not_on_the_way_back_is_named(config, language, target):
    problem = f"translator apertium: no way back from '{language}' passes '{target}'"
    with pytest.raises(ConfigError, match=problem):
        lookups.back_route(built(config), language, target)


def test_ways_back_change_no_route(config):
    before = lookups.route(built(config), "pt")
    del config["catalogue"]["translators"]["apertium"]["back"]
    assert lookups.route(built(config), "pt") == before


@pytest.mark.parametrize(
    ("language", "target", "problems"),
    [
        ("es", "pt", ["es: the way back is a circle, es-pt-es", "pt: the way back is a circle"]),
        ("pt", "pt", ["pt: the way back is a circle, pt-pt"]),
        ("pt", "gl", ["pt: the way back ends at 'gl', not at 'en'; add catalogue.transl"]),
        ("en", "es", ["en: 'en' is where a way back ends; leave it out"]),
        ("pt", "English", ["pt.target: 'English' must match"]),
    ],
)
def test_way_back_that_does_not_come_to_english_is_named(config, language, target, problems):
    back = config["catalogue"]["translators"]["apertium"]["back"]
    back[language] = {"target": target, "mode": "x-y", "package": "apertium-x-y"}
    config["translator"] = "neural"  # the catalogue's entries are checked, chosen or not
    config["target_languages"] = ["pt"]
    found = _problems(config)
    assert len(found) == len(problems)
    for problem, start in zip(found, problems, strict=True):
        assert problem.startswith(f"catalogue.translators.apertium.back.{start}")


def test_neural_engine_takes_no_ways_back(config):
    config["catalogue"]["translators"]["neural"]["back"] = {}
    problem = _only_problem(config)
    assert problem.startswith("catalogue.translators.neural.back: no such key")


def test_every_package_of_the_catalogue_is_set_up():
    """The Makefile finds the packages of routes and ways back by the text of the catalogue."""
    translator = _load("demo.yaml")["catalogue"]["translators"]["apertium"]
    steps = [*translator["routes"].values(), *translator["back"].values()]
    command = ["make", "--dry-run", "--no-print-directory", "apertium"]
    recipe = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.search(r"for package in ([^;]*);", recipe).group(1).split()
    assert set(named) == {"apertium", *(step["package"] for step in steps)}


@pytest.mark.parametrize("missing", ["en", "gl"], ids=["source", "target"])
def test_language_without_the_model_s_code_is_named(config, missing):
    del config["catalogue"]["translators"]["neural"]["codes"][missing]
    assert _only_problem(config) == (
        f"catalogue.translators.neural.codes: a route needs the model's own code of '{missing}'"
    )


@pytest.mark.parametrize("translator", ["neural", "fast"])
def test_route_to_an_engine_fits_its_dataclass(config, translator):
    config["translator"] = translator
    NeuralConfig.of(lookups.route(built(config), "pt"))


def test_neural_engine_needs_its_keys(config):
    translators = config["catalogue"]["translators"]
    translators["neural"]["quantization"] = "int8"
    translators["fast"]["revision"] = "main"
    del translators["fast"]["beams"]
    first, second, third = _problems(config)
    assert first.startswith("catalogue.translators.fast.beams: is missing (of beam search")
    assert second.startswith("catalogue.translators.fast.revision: 'main' must match")
    assert third.startswith("catalogue.translators.neural.quantization: no such key")


def test_engine_that_is_none_is_named(config):
    config["catalogue"]["translators"]["apertium"]["kind"] = "apertum"
    assert _only_problem(config) == (
        "catalogue.translators.apertium.kind: 'apertum' is not one of apertium, ctranslate2_mt, "
        "transformers_mt; did you mean apertium?"
    )


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


@pytest.mark.parametrize(
    ("dataclass", "model", "elsewhere"),
    [
        (FilterConfig, Filtering, set()),
        (ContaminationConfig, Contamination, set()),
        (StatisticsConfig, Statistics, set()),
        (TrainConfig, Training, ADDED_BY_WORKFLOW),
        (StaticConfig, ENCODERS["static"], set()),
        (ScratchConfig, ENCODERS["scratch"], set()),
        (LayerwiseConfig, ENCODERS["layerwise"], set()),
        (TransformerConfig, ENCODERS["transformer"], set()),
        (TextImageConfig, ENCODERS["text_image"], set()),
    ],
)
def test_model_and_dataclass_agree(dataclass, model, elsewhere):
    keys = set(model.model_fields) - {"training", "seeds", "licence"}  # not of the encoder
    assert keys == {field.name for field in fields(dataclass)} - elsewhere
    assert elsewhere <= {field.name for field in fields(dataclass)}
    without_default = {
        field.name
        for field in fields(dataclass)
        if field.default is MISSING and field.default_factory is MISSING
    }
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == without_default - elsewhere


PICTURES = """
kind: text_image
dimension: 64
text: {kind: transformer, model: static/seed0, pooling: published, max_tokens: 64,
       trained: false, head: true}
image: {kind: cnn, size: 32, widths: [32, 64]}
training:
  loss: {directions: both, temperature: learned, contrastive: 1.0, distillation: 0.5,
         student: candidate}
"""


def test_a_text_image_encoder_embeds_texts_and_images(config):
    config["catalogue"]["encoders"]["pictures"] = yaml.safe_load(PICTURES)
    conf.validate(config)
    entry = variants.encoder_entry(built(config), "pictures")
    assert TextImageConfig(**entry).text["max_tokens"] == 64
    assert built(config).catalogue.encoders["pictures"].modalities["candidate"] == ("image",)
    config["encoders"].append("pictures")
    expected = "encoders: 'pictures' embeds image as candidates, and the passages of corpora are"
    assert any(problem.startswith(expected) for problem in _problems(config))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cnn, size: 32", "cnn, size: 8", "pictures.image.size: 8 must be at least 16"),
        ("kind: cnn", "kind: crayon", "pictures.image"),
        ("trained: false, ", "", "pictures.text.trained: is missing"),
        ("model: static/seed0", "model: a/b/c, revision: " + 40 * "0", "revision"),
        ("contrastive: 1.0, distillation: 0.5", "contrastive: 0.0, distillation: 0.0",
         "both weights are 0"),
        (",\n         student: candidate", "", "go together"),
        ("learned", "hot", "temperature"),
    ],
)  # fmt: skip
def test_wrong_text_image_encoders_are_named(config, old, new, message):
    assert old in PICTURES
    config["catalogue"]["encoders"]["pictures"] = yaml.safe_load(PICTURES.replace(old, new))
    assert any(message in problem for problem in _problems(config)), _problems(config)


def test_encoder_may_override_every_training_key_and_no_other(config):
    assert list(TrainingOverrides.model_fields) == list(Training.model_fields)
    for model in ENCODERS.values():
        assert issubclass(model, Encoder)
    training = config["catalogue"]["encoders"]["large"]["training"]
    training |= {"batch_size": 1, "warmup_steps": -2, "patience": 0.5}
    assert [p.split(": ")[1].rsplit(" (")[0] for p in _problems(config)] == [
        "1 must be at least 2", "0.5 must be an integer", "-2 must be at least 0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ablation", "points"),
    [
        # A value that is the configuration's own is the system that the tables have.
        (
            "alpha",
            [
                ("0", "tiny_x-y"),
                ("0.25", "tiny_hybrid"),
                ("0.75", "tiny@alpha-0.75_hybrid"),
                ("1", "tiny_x-x-mono"),
            ],
        ),
        (
            "data_size",
            [
                ("0.5", "tiny@pairs-0.5_x-y"),
                ("0.5", "tiny@pairs-0.5_hybrid"),
                ("1", "tiny_x-y"),
                ("1", "tiny_hybrid"),
            ],
        ),
        (
            "languages",
            [
                ("2", "tiny@languages-2_x-y"),
                ("2", "tiny@languages-2_hybrid"),
                ("4", "tiny_x-y"),
                ("4", "tiny_hybrid"),
            ],
        ),
        (
            "unseen_languages",
            [
                ("none", "tiny_x-y"),
                ("none", "tiny_hybrid"),
                ("pt", "tiny@without-pt_x-y"),
                ("pt", "tiny@without-pt_hybrid"),
            ],
        ),
        (
            "temperature",
            [
                ("0.05", "tiny_x-y"),
                ("0.05", "tiny_hybrid"),
                ("0.1", "tiny@temperature-0.1_x-y"),
                ("0.1", "tiny@temperature-0.1_hybrid"),
            ],
        ),
        (
            "batch_size",
            [
                ("8", "tiny_x-y"),
                ("8", "tiny_hybrid"),
                ("16", "tiny@batch_size-16_x-y"),
                ("16", "tiny@batch_size-16_hybrid"),
            ],
        ),
        (
            "steps",
            [
                ("4", "tiny@steps-4_x-y"),
                ("4", "tiny@steps-4_hybrid"),
                # Trained again though it is max_steps, since validation may stop sooner.
                ("10", "tiny@steps-10_x-y"),
                ("10", "tiny@steps-10_hybrid"),
            ],
        ),
        (
            "corpus_weighting",
            [
                ("1", "tiny_x-y"),
                ("1", "tiny_hybrid"),
                ("5", "tiny@corpus_weighting-5.0_x-y"),
                ("5", "tiny@corpus_weighting-5.0_hybrid"),
            ],
        ),
        (
            "encoders",
            [
                ("tiny", "tiny_x-y"),
                ("tiny", "tiny_hybrid"),
                ("large", "large_x-y"),
                ("large", "large_hybrid"),
            ],
        ),
        ("lareqa", [("x-x", "tiny_x-x"), ("x-y", "tiny_x-y")]),
    ],
)
def test_points_of_an_ablation_and_their_systems(ablated, ablation, points):
    found = variants.ablation_points(built(ablated), ablation)
    assert [(point.value, point.system.name) for point in found] == points


def test_an_ablation_changes_one_training_value(ablated):
    systems = variants.ablation_systems(built(ablated))
    base = variants.training_values(built(ablated), systems["tiny_hybrid"])
    for name, key, value in (
        ("tiny@alpha-0.75_hybrid", "alpha", 0.75),
        ("tiny@temperature-0.1_hybrid", "temperature", 0.1),
        ("tiny@pairs-0.5_hybrid", "pairs", 0.5),
        ("tiny@batch_size-16_hybrid", "batch_size", 16),
        ("tiny@corpus_weighting-5.0_hybrid", "corpus_weighting", {"temperature": 5.0}),
    ):
        assert variants.training_values(built(ablated), systems[name]) == base | {key: value}
    assert variants.training_values(built(ablated), systems["tiny@languages-2_hybrid"]) == base
    # As many steps as said: patience has more validations than there can be.
    fixed = variants.training_values(built(ablated), systems["tiny@steps-4_hybrid"])
    assert fixed == base | {"max_steps": 4, "patience": 4}
    assert isinstance(systems["tiny@batch_size-16_hybrid"].value, int)


def test_an_encoder_s_own_temperature_is_the_one_that_is_not_trained_again(ablated):
    ablated["catalogue"]["encoders"]["tiny"]["training"] = {"temperature": 0.1}
    names = [p.system.name for p in variants.ablation_points(built(ablated), "temperature")]
    assert names[0] == "tiny@temperature-0.05_x-y"
    assert names[2] == "tiny_x-y"


def test_training_languages_of_an_ablation(ablated):
    systems = variants.ablation_systems(built(ablated))
    for name, languages in (
        ("tiny_hybrid", ["en", "es", "pt", "eo"]),
        ("tiny@languages-2_hybrid", ["en", "es"]),
        ("tiny@without-pt_hybrid", ["en", "es", "eo"]),
        ("tiny@pairs-0.5_hybrid", ["en", "es", "pt", "eo"]),
    ):
        assert variants.system_languages(built(ablated), "films", systems[name]) == languages


def test_points_beyond_narrowed_target_languages_are_left_out_and_named(ablated):
    ablated["target_languages"] = ["es"]
    conf.validate(ablated)
    assert variants.unreachable_points(built(ablated)) == {
        "languages": [4],
        "unseen_languages": ["pt"],
    }
    names = [p.system.name for p in variants.ablation_points(built(ablated), "languages")]
    assert names == ["tiny_x-y", "tiny_hybrid"]  # two languages are all there are
    assert variants.ablation_points(built(ablated), "unseen_languages") == []


def test_a_language_is_left_out_only_if_two_others_stay(ablated):
    ablated["target_languages"] = ["pt"]
    assert variants.unreachable_points(built(ablated))["unseen_languages"] == ["pt"]
    ablated["target_languages"] = ["pt", "eo"]
    assert variants.unreachable_points(built(ablated))["unseen_languages"] == []
    # A language that no corpus is trained on is no point, either.
    for corpus in ablated["catalogue"]["corpora"].values():
        corpus["languages"] = ["eo", "es"]
    assert variants.unreachable_points(built(ablated))["unseen_languages"] == ["pt"]


def test_an_empty_list_is_no_ablation(ablated):
    for name in constants.ABLATIONS:
        ablated["ablations"][name] = []
    conf.validate(ablated)
    assert variants.ablation_systems(built(ablated)) == {}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("alpha", [1.5], "ablations.alpha.0: 1.5 must be at most 1"),
        ("alpha", [-0.1], "ablations.alpha.0: -0.1 must be at least 0"),
        ("data_size", [0], "ablations.data_size.0: 0 must be more than 0"),
        ("data_size", [1.1], "ablations.data_size.0: 1.1 must be at most 1"),
        ("languages", [1], "ablations.languages.0: 1 must be at least 2"),
        ("temperature", [0.0], "ablations.temperature.0: 0.0 must be more than 0"),
        ("batch_size", [1], "ablations.batch_size.0: 1 must be at least 2"),
        ("steps", [0], "ablations.steps.0: 0 must be at least 1"),
        ("corpus_weighting", [0], "ablations.corpus_weighting.0: 0 must be more than 0"),
        ("corpus_weighting", [1, 1.00000001], "ablations.corpus_weighting: two values print as 1"),
        ("unseen_languages", ["gl"], "ablations.unseen_languages: 'gl': apertium has no route to"),
        ("unseen_languages", ["en"], "ablations.unseen_languages: 'en': apertium has no route to"),
        ("unseen_languages", ["es"], "ablations.unseen_languages: 'es' is in none of ablations.b"),
        ("alpha", [0.5, 0.50000001], "ablations.alpha: two values print as 0.5"),
        ("encoders", ["tinny"], "ablations.encoders: 'tinny' is not in the catalogue; did you me"),
        ("benchmarks", ["quizz"], "ablations.benchmarks: 'quizz' is not in the catalogue; did yo"),
        ("lareqa", ["x-z"], "ablations.lareqa: 'x-z' is not in the catalogue; did you mean x-y?"),
    ],
)
def test_ablation_value_out_of_range_is_named(config, key, value, words):
    config["ablations"][key] = value
    if key == "benchmarks":
        config["ablations"]["unseen_languages"] = []
    assert _only_problem(config).startswith(words)


def test_an_encoder_may_take_fewer_seeds(config):
    config["encoders"] = ["tiny", "large"]
    config["catalogue"]["encoders"]["large"]["seeds"] = 2
    for seeds in ([4, 0, 2], [7]):  # whatever the command line says
        config["seeds"] = seeds
        conf.validate(config)
        assert variants.seeds_of(built(config), variants.System("large", "x-y")) == seeds[:2]
        assert variants.seeds_of(built(config), variants.System("tiny", "x-y")) == seeds


def test_a_changed_setting_takes_the_first_seeds(config):
    config["seeds"], config["ablations"]["seeds"] = [4, 0, 2], 2
    experiment = built(config)
    assert variants.seeds_of(experiment, variants.System("tiny", "x-y", "temperature", 0.1)) == [
        4,
        0,
    ]
    # Compared with the tables' systems, and so with their seeds.
    assert variants.seeds_of(experiment, variants.System("tiny", "x-x")) == [4, 0, 2]
    config["catalogue"]["encoders"]["large"]["seeds"] = 0
    assert _only_problem(config).startswith("catalogue.encoders.large.seeds: 0 must be at least 1")


def test_dimension_that_the_heads_cannot_share_is_named(config):
    config["catalogue"]["encoders"]["little"]["heads"] = 3
    assert _only_problem(config) == (
        "catalogue.encoders.little.dimension: 8 is no multiple of heads, 3"
    )


def test_source_values_are_the_fields_of_source_and_the_licence(config):
    names = {field.name for field in fields(Source)}
    assert names == {"url", "sha256", "max_bytes"}
    for values in lookups.sources(built(config)).values():
        assert set(values) == names | {"licence"}
        assert values["licence"] == "CC0"
        assert values["max_bytes"] == MAX_BYTES
    assert set(Pinned.model_fields) == {"base", "files", "series", "licence", "max_bytes"}


def _models(annotation, seen: set | None = None) -> set[type[BaseModel]]:
    """Every model that an annotation leads to, however deep."""
    seen = set() if seen is None else seen
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            for field in annotation.model_fields.values():
                _models(field.annotation, seen)
        return seen
    for argument in get_args(annotation):
        _models(argument, seen)
    return seen


def test_every_key_is_described():
    models = _models(Experiment)
    kinds = {*ENCODERS.values(), *BENCHMARKS.values(), *READERS.values(), *ENGINES.values()}
    assert kinds < models
    keys = [(model, name, f) for model in models for name, f in model.model_fields.items()]
    assert [(model, name) for model, name, field in keys if not field.description] == []


def test_every_model_is_strict():
    for model in _models(Experiment):
        for key, value in (("extra", "forbid"), ("strict", True), ("frozen", True)):
            assert model.model_config[key] == value, model


def test_a_configuration_does_not_change(config):
    with pytest.raises(ValidationError, match="frozen"):
        conf.validate(config).scale = "paper"


# Benchmarks with passages.

MIRACL = """
title: MIRACL
kind: miracl
source: topics
topics: topics.{language}.tsv
qrels: qrels.{language}.tsv
corpus: shards
passages: "{language}/docs-{number}.jsonl.gz"
shards: {sw: 5, fi: 2}
shards_a_job: 2
languages: [sw, fi]
averaged: [fi]
index: Flat
depth: 100
"""


@pytest.fixture
def with_passages(config) -> dict:
    catalogue = config["catalogue"]
    names = [f"{kind}.{code}.tsv" for kind in ("topics", "qrels") for code in ("sw", "fi")]
    common = {"licence": "CC0"}
    catalogue["sources"] |= {
        "topics": {**common, "base": "https://example.org/t/", "files": dict.fromkeys(names)},
        "shards": {
            **common,
            "base": "https://example.org/c/",
            "series": {"sw/docs-{number}.jsonl.gz": 5, "fi/docs-{number}.jsonl.gz": 2},
        },
    }
    catalogue["benchmarks"]["miracl"] = yaml.safe_load(MIRACL)
    config["benchmarks"] = ["quiz", "miracl"]
    return config


def test_a_series_is_files_numbered_from_0_without_hashes(with_passages):
    conf.validate(with_passages)
    found = {
        k: v for k, v in lookups.sources(built(with_passages)).items() if "example.org/c/" in k
    }
    assert list(found) == [
        *(f"example.org/c/sw/docs-{i}.jsonl.gz" for i in range(5)),
        *(f"example.org/c/fi/docs-{i}.jsonl.gz" for i in range(2)),
    ]
    assert {values["sha256"] for values in found.values()} == {None}


def test_a_benchmark_with_passages_is_split_into_jobs_that_hold_each_shard_once(with_passages):
    assert lookups.multilingual_benchmarks(built(with_passages)) == ["quiz"]
    parts = lookups.passage_parts(built(with_passages), "miracl", "sw")
    assert parts == ["000", "001", "002"]
    files = [
        f
        for part in parts
        for f in lookups.files_of_part(built(with_passages), "miracl", "sw", part)
    ]
    assert files == lookups.passage_files(built(with_passages), "miracl", "sw")
    assert files[4].endswith("/example.org/c/sw/docs-4.jsonl.gz")
    read = lookups.benchmark_files(built(with_passages), "miracl", "fi")
    assert list(read) == ["topics", "qrels"]
    assert read["qrels"].endswith("/t/qrels.fi.tsv")
    assert lookups.mean_rows(built(with_passages), "miracl") == {
        "pools": ["all"], "averaged": ["fi"], "medians": True,
    }  # fmt: skip
    assert lookups.mean_rows(built(with_passages), "quiz") == {}


def test_judged_passages_only_is_one_job_another_pool_and_another_title(with_passages):
    with_passages["catalogue"]["benchmarks"]["miracl"]["judged_only"] = True
    conf.validate(with_passages)
    assert lookups.passage_parts(built(with_passages), "miracl", "sw") == ["000"]
    assert lookups.mean_rows(built(with_passages), "miracl")["pools"] == ["judged"]
    assert lookups.benchmark_title(built(with_passages), "miracl") == "MIRACL, judged passages only"


def test_files_of_yours_need_no_source(with_passages):
    entry = with_passages["catalogue"]["benchmarks"]["miracl"]
    del entry["source"], entry["corpus"]
    conf.validate(with_passages)
    assert lookups.passage_files(built(with_passages), "miracl", "fi") == [
        "fi/docs-0.jsonl.gz", "fi/docs-1.jsonl.gz",
    ]  # fmt: skip
    read = lookups.benchmark_files(built(with_passages), "miracl", "fi")
    assert read["topics"] == "topics.fi.tsv"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("averaged", ["xx"], "averaged: 'xx' is not among the benchmark's languages"),
        ("shards", {"sw": 5, "fi": 2, "th": 1}, "shards: 'th' is not among the benchmark's langu"),
        ("shards", {"sw": 5}, "shards: says nothing of 'fi'"),
        ("shards", {"sw": 7, "fi": 2}, "corpus: 'sw/docs-5.jsonl.gz' is not among the source's "),
        ("source", "topcs", "source: no such source; did you mean topics?"),
        ("qrels", "q.{language}", "source: 'q.sw' is not among the source's files nor are 1 more"),
        ("qrels", "qrels.tsv", "qrels: 'qrels.tsv' must match"),
        ("passages", "{language}.jsonl", "passages: '{language}.jsonl' must match"),
        ("depth", 10, "depth: 10 must be at least 100"),
        ("judged", True, "judged: no such key; did you mean judged_only?"),
        ("shards_a_job", 0, "shards_a_job: 0 must be at least 1"),
    ],
)
def test_passages_that_do_not_fit_together_are_named(with_passages, key, value, problem):
    with_passages["catalogue"]["benchmarks"]["miracl"][key] = value
    assert _only_problem(with_passages).startswith(f"catalogue.benchmarks.miracl.{problem}")


def test_a_language_without_topics_is_named(with_passages):
    entry = with_passages["catalogue"]["benchmarks"]["miracl"]
    entry["languages"], entry["shards"] = ["sw", "fi", "xx"], {"sw": 5, "fi": 2, "xx": 1}
    with pytest.raises(ConfigError) as caught:
        conf.validate(with_passages)
    for file in ("topics.xx.tsv", "xx/docs-0.jsonl.gz"):
        assert f"{file}' is not among the source's files" in str(caught.value)


def test_a_source_has_files_or_a_series(with_passages):
    del with_passages["catalogue"]["sources"]["shards"]["series"]
    with pytest.raises(ConfigError, match=r"catalogue\.sources\.shards"):
        conf.validate(with_passages)

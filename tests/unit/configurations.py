"""A small configuration with every kind of entry, and what is said of a wrong one."""

from pathlib import Path

import pytest
import yaml

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
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


def shipped(name: str) -> dict:
    """The values of a shipped configuration on top of the catalogue."""
    return conf.read([ROOT / "config" / name])


def built(config: dict) -> Experiment:
    """The configuration of these values, whose names are not checked."""
    return Experiment.model_validate(config)


@pytest.fixture
def config() -> dict:
    """A small valid configuration, which a test may change."""
    return yaml.safe_load(SMALL)


def set_key(config: dict, key: str, value: object) -> None:
    *parents, last = key.split("/")
    for parent in parents:
        config = config[parent]
    config[last] = value


def problems_of(config: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        conf.validate(config)
    first, *problems = str(caught.value).splitlines()
    assert first == "the configuration is wrong:"
    return [problem.strip() for problem in problems]


def only_problem(config: dict) -> str:
    problems = problems_of(config)
    assert len(problems) == 1, problems
    return problems[0]

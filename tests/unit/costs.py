"""Rates and a configuration whose costs a pocket calculator gives."""

from collections.abc import Mapping

import pytest
import yaml
from configurations import ROOT as ROOT
from configurations import SMALL

from hybridbatch.cost.model import Cost, Rates, Shape
from hybridbatch.cost.stages import cost_of
from hybridbatch.cost.work import Work
from hybridbatch.experiment.load import validate

# Two layers, width 4, feed-forward 8: 2 x (4 x 16 + 2 x 32) = 256 weights in the encoder and
# 2 x (8 x 16 + 2 x 32) = 384 in the decoder, 40 in the embeddings. The encoder also has 16 + 8 + 4
# biases and 2 x 8 parameters of normalisations in each layer, and 8 outside.
TINY = Shape(2, 2, 4, 8, 10, "made up")
ENCODER = Shape(2, 0, 4, 8, 10, "made up")
MORE = 2 * (16 + 8 + 4 + 16) + 8
# Seconds are counts: a core does 1 of everything a second, a GPU 50 FLOP/s.
RATES = """
gpus:
  small: {name: Small, bf16_flops: 100, fp32_flops: 10, memory: 20000, cores: 2, source: made up}
rates:
  train_share: {low: 0.5, high: 0.5, source: made up}
  encode_share: {low: 0.5, high: 0.5, source: made up}
  encode_float32_share: {low: 1, high: 1, source: made up}
  generate_share: {low: 0.5, high: 0.5, source: made up}
  ctranslate2_gain: {low: 2, high: 4, source: made up}
  fetch_bytes: {low: 1, high: 1, source: made up}
  read_bytes: {low: 1, high: 1, source: made up}
  read_pairs: {low: 1, high: 1, source: made up}
  shard_pairs: {low: 1, high: 1, source: made up}
  parallel_texts: {low: 1, high: 1, source: made up}
  filter_pairs: {low: 1, high: 1, source: made up}
  duplicate_texts: {low: 1, high: 1, source: made up}
  tokenizer_characters: {low: 1, high: 1, source: made up}
  tokenize_words: {low: 1, high: 1, source: made up}
  apertium_lines: {low: 1, high: 2, source: made up}
  static_pairs: {low: 1, high: 1, source: made up}
  cpu_flops: {low: 2, high: 2, source: made up}
  search_flops: {low: 1, high: 1, source: made up}
  rank_compares: {low: 1, high: 1, source: made up}
seconds:
  table: {low: 0, high: 0, source: made up}
  start: {low: 0, high: 0, source: made up}
memory:
  snakemake: {process: 1, source: made up}
  light: {process: 10, source: made up}
  torch: {process: 100, source: made up}
  datasets: {process: 9, source: made up}
  texts: {text: 2, source: made up}
  table: {process: 7, source: made up}
  read_corpus: {pair: 1, text: 3, source: made up}
  shard_texts: {pair: 1, text: 3, source: made up}
  read_parallel: {text: 3, source: made up}
  filter_pairs: {pair: 1, text: 3, source: made up}
  tokenize_pairs: {pair: 1, text: 3, source: made up}
  find_duplicates: {text: 3, source: made up}
  tokenizer_characters: {text: 3, source: made up}
  translation_engine: {process: 5, source: made up}
text:
  tokens_a_word: {value: 2}
  special_tokens: {value: 1}
  prefix_tokens: {value: 1}
  bytes_a_word: {value: 5}
  padding: {value: 3}
  parquet_share: {value: 0.5}
  gzip_share: {value: 0.25}
bytes_of_language: {source: made up, values: {en: 1, th: 3, other: 2}}
models:
  some/encoder: {encoder_layers: 2, decoder_layers: 0, width: 4, feed_forward: 8, vocabulary: 10,
                 source: made up}
  some/translator: {encoder_layers: 2, decoder_layers: 2, width: 4, feed_forward: 8, vocabulary: 10,
                    source: made up}
corpora:
  films: {pairs: 30, question_words: 1, passage_words: 4, negative_share: 1, source: made up}
  notes: {pairs: 10, question_words: 2, passage_words: 3, passages: 5, source: made up}
  check: {pairs: 6, question_words: 1, passage_words: 1, source: made up}
benchmarks:
  quiz: {query_words: 1, candidate_words: 2, queries: 4, candidates: 10, judged_a_query: 2,
         source: made up}
  other: {query_words: 1, candidate_words: 2, queries: 5, candidates: 11, source: made up}
references:
  people: {texts: 6, words: 3, source: made up}
"""
# Laid over the small configuration; sections of the catalogue stand in place of its own.
OWN = """
validation: [check]
target_languages: [th]
encoders: [large]
samplings: [hybrid]
quality: [people]
training: {batch_size: 2, evaluate_every: 2}
exports: {depth: 10}
ablations: {samplings: [hybrid]}
catalogue:
  sources: {}
  corpora:
    films: {kind: jsonl, language: en, path: films.jsonl, holdout: 0.0, shards: 2}
    notes: {kind: jsonl, language: en, path: notes.jsonl, languages: [], holdout: 0.0, shards: 1}
    check: {kind: jsonl, language: en, path: check.jsonl, holdout: 1.0, shards: 1}
  benchmarks:
    quiz: {title: Quiz, kind: lareqa, path: "{language}.json", languages: [en, th, xx]}
    other: {title: Other, kind: lareqa, path: "{language}.json", languages: [en]}
  references:
    people: {kind: questions, path: "{language}.json", languages: [en, th]}
  translators:
    apertium:
      kind: apertium
      routes: {th: {source: en, mode: eng-tha, package: apertium-eng-tha}}
    neural:
      kind: transformers_mt
      model: some/translator
      codes: {en: en, th: th}
      beams: 3
      max_new_tokens: 16
      batch_tokens: 16
      routes: {th: {source: en}}
  encoders:
    large: {kind: transformer, model: some/encoder, pooling: mean, max_tokens: 8,
            query_prefix: "", passage_prefix: ""}
    little: {kind: scratch, layers: 2, heads: 2, dimension: 4, feed_forward: 8, dropout: 0.0,
             vocabulary: 100, tokenizer_characters: 1000, max_tokens: 8, query_prefix: "",
             passage_prefix: ""}
    static: {kind: static, dimension: 4, vocabulary: 100, tokenizer_characters: 1000,
             max_tokens: 8, query_prefix: "", passage_prefix: ""}
"""


HYBRID = {"system": "large_hybrid", "seed": "0"}


@pytest.fixture
def config() -> dict:
    """A small valid configuration, which a test may change."""
    config, own = yaml.safe_load(SMALL), yaml.safe_load(OWN)
    for section in ("training", "ablations", "catalogue"):
        own[section] = {**config[section], **own[section]}
    return {**config, **own}


@pytest.fixture
def values() -> dict:
    """The parsed rates, which a test may change."""
    return yaml.safe_load(RATES)


def work_of(
    config: dict,
    values: dict | None = None,
    published: Mapping = {},
    evaluation: Mapping = {},
    **counts: dict,
) -> Work:
    rates = Rates.of(values or yaml.safe_load(RATES))
    gpu = rates.gpus["small"]
    return Work(validate(config), rates, gpu, published, evaluation, counts.get)


def job_cost(config: dict, rule: str, values: dict | None = None, **wildcards: str) -> Cost:
    return cost_of(work_of(config, values), rule, wildcards)

"""A model's card says what it is, of what data and how good; the hub can read it."""

import copy

import numpy as np
import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard

from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.model_card import Corpus, Facts, model_card
from hybridbatch.training.samplers import SAMPLINGS

TRAINING = {
    "sampling": "hybrid", "alpha": 0.25, "pairs": 1.0, "batch_size": 8, "max_steps": 20,
    "corpus_weighting": {"temperature": 1.0}, "warmup_steps": 2, "decay_share": 0.1,
    "learning_rate": 0.01, "weight_decay": 0.0, "temperature": 0.05,
    "max_grad_norm": 1.0, "evaluate_every": 5, "patience": 2,
}  # fmt: skip
RUN = {
    "training": TRAINING,
    "encoder": {"query_prefix": "Query: ", "passage_prefix": "Passage: ", "max_tokens": 64},
    "parameters": {"trained": 1_000, "all": 1_000, "stored": 1_234_567},
    "best_step": 15,
    "best_validation_loss": 0.1234,
}
MIX = {
    "steps": 20,
    "kind": {"x-x-mono": 0.3, "x-y": 0.7},
    "corpus": {"films": 0.9, "notes": 0.1},
    "query_languages": {"en": 0.55, "es": 0.45},
    "passage_languages": {"en": 0.52, "es": 0.48},
}
COLUMNS = ["setting", "pool", "metric", "language", "value", "ci_low", "ci_high", "n_queries"]
CELLS = pd.DataFrame(
    [
        ["multilingual", "all", "map", "mean", 0.4321, 0.4, 0.46, 1190],
        ["multilingual", "all", "map", "mean_unseen", 0.1357, 0.1, 0.2, 1190],
        ["multilingual", "all", "rank_distance", "mean", 321.4, 300.0, 340.0, 1190],
        ["multilingual", "all", "map", "es", 0.9999, 0.9, 1.0, 1190],
        ["monolingual", "seen", "map", "mean", 0.5, np.nan, np.nan, 1],
    ],
    columns=COLUMNS,
).assign(benchmark="xquad_r")
PASSAGES = pd.DataFrame(
    [["monolingual", "judged", "ndcg_10", "median", 0.2468, 0.2, 0.3, 7]], columns=COLUMNS
).assign(benchmark="miracl")
HUB = "https://huggingface.co/datasets/some/films/resolve/0123456789abcdef/"
FACTS = {
    "system": "large_hybrid",
    "sampling": "hybrid",
    "base": "some/encoder at revision abc; licence: MIT.",
    "hub_name": "some/encoder",
    "translator": "some/translator at revision def; licence: CC BY-NC 4.0",
    "ways": ["en-es"],
    "validation": [["drafts", "CC BY 3.0"]],
    "seen": ["en", "es"],
    "scale": "laptop",
}


def card(runs: dict | None = None, licence: str = "CC BY 4.0", **changed) -> str:
    corpora = [
        Corpus("films", HUB, licence, ["en", "es"], ["es"], {"en": 1200, "es": 1100}),
        Corpus("notes", "notes.jsonl", "CC0 1.0", ["en"], [], {"en": 30}),
    ]
    facts = Facts(**{**FACTS, "corpora": corpora, **changed})
    return model_card(facts, runs or {0: RUN, 3: RUN}, {0: MIX, 3: MIX}, [CELLS, PASSAGES], 0.95)


def test_the_hub_reads_the_card():
    data = ModelCard(card()).data.to_dict()
    assert data["base_model"] == "some/encoder"
    assert data["language"] == ["en", "es"]
    assert data["library_name"] == "sentence-transformers"
    assert data["license"] == "other"
    assert data["datasets"] == ["some/films"]
    assert "hybrid-batch" in data["tags"]


def test_what_is_not_on_the_hub_is_not_named_as_if_it_were():
    own = [Corpus("notes", "notes.jsonl", "CC0 1.0", ["en"], [], {"en": 30})]
    front = yaml.safe_load(card(hub_name=None, corpora=own).split("---")[1])
    assert not {"base_model", "datasets"} & set(front)


def test_a_code_that_yaml_reads_otherwise_stays_a_code():
    own = [Corpus("notes", "notes.jsonl", "CC0 1.0", ["no"], [], {"no": 30})]
    assert ModelCard(card(corpora=own)).data.language == ["no"]


@pytest.mark.parametrize(
    "words",
    [
        "`seed0`, `seed3`",
        'SentenceTransformer("seed0")',
        "some/encoder at revision abc; licence: MIT.",
        "en 1,200, es 1,100",
        "https://huggingface.co/datasets/some/films",
        "CC BY 4.0",
        "Translated by machine: films (es). Translator: some/translator at revision def; licence: "
        "CC BY-NC 4.0. Ways: en-es.",
        "held-out English pairs of: drafts (CC BY 3.0)",
        "| alpha ",
        "0.25",
        "0.1234",
        "x-x-mono 0.300, x-y 0.700",
        "films 0.900, notes 0.100",
        "en 0.520, es 0.480",
        "0.432 [0.400, 0.460]",
        "321 [300, 340]",
        "| mean of languages without ",
        "0.247 [0.200, 0.300]",
        "pool `judged`: judged passages only",
        "1,190",
        "Over 2 seeds, with 95% intervals",
        '`"Query: "` before queries',
        "Scale laptop: data, base or both are smaller",
    ],
)
def test_the_card_says(words):
    assert words in card()


def test_the_card_does_not_say_what_is_not_so():
    own = [Corpus("notes", "notes.jsonl", "CC0 1.0", ["en"], [], {"en": 30})]
    pure = copy.deepcopy(RUN) | {"training": TRAINING | {"sampling": "x-y", "alpha": None}}
    text = card({0: pure, 3: pure}, corpora=own, sampling="x-y", scale="paper")
    for words in ("| alpha ", "ranslat", "smaller than the paper's", "share of the pairs"):
        assert words not in text.replace("data and the translator", "")
    half = copy.deepcopy(RUN) | {"training": TRAINING | {"pairs": 0.5}}
    assert "share of the pairs" in card({0: half, 3: half})


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_sampling_is_explained(sampling):
    assert f"Sampling {sampling}: " in card(sampling=sampling)


def test_a_model_of_images_says_its_loss_and_how_it_is_loaded():
    """Its entry has no prefixes; the text tower's are in the model."""
    loss = {"directions": "queries", "temperature": "fixed", "contrastive": 0.0}
    run = {**RUN, "encoder": {"max_tokens": 32}}
    facts = Facts(**{**FACTS, "corpora": [Corpus("notes", "n", "l", ["en"], [], {"en": 3})]})
    for weights, words in (
        ({"distillation": 2.0}, "The squared distance to a teacher's vectors, with weight 2."),
        (
            {"contrastive": 1.0, "distillation": 0.5},
            "InfoNCE with in-batch negatives over cosine similarity, and the squared distance to a "
            "teacher's vectors, with weight 0.5.",
        ),
        (
            {"contrastive": 1.0, "clustering": 0.25},
            "InfoNCE with in-batch negatives over cosine similarity, and a push of the batch's "
            "texts from each other, with weight 0.25.",
        ),
    ):
        of = {0: {**run, "training": {**TRAINING, "loss": {**loss, **weights}}}}
        text = model_card(facts, of, {0: MIX}, [CELLS], 0.95, "model = load()\n")
        assert words in text
        assert "```python\nmodel = load()\n```" in text
        assert "A query is cut at 32 tokens" in text


def test_scores_are_averages_and_an_absent_interval_is_absent():
    text = card()
    assert "0.9999" not in text
    assert "1.000" not in text
    line = next(line for line in text.splitlines() if " 0.500 " in line)
    assert "[" not in line


@pytest.mark.parametrize(
    ("part", "key", "value"), [("training", "temperature", 0.1), ("encoder", "max_tokens", 32)]
)
def test_seeds_that_were_trained_differently_are_refused(part, key, value):
    other = copy.deepcopy(RUN)
    other[part][key] = value
    with pytest.raises(DataError, match=rf"large_hybrid: seeds 0 and 3 .* {part} .*\({key}\)"):
        card({0: RUN, 3: other})


def test_texts_of_the_configuration_are_no_markup():
    text = card(licence="<script>alert(1)</script> | x")
    assert "\\<script\\>alert(1)\\</script\\> \\| x" in text
    assert "<script>" not in text
    assert "\\[a\\](b)" in card(base="[a](b)")
    odd = copy.deepcopy(RUN)
    odd["encoder"]["query_prefix"] = "a``b\n<i>"
    assert '```"a``b\\n<i>"```' in card({0: odd, 3: odd})

"""A model's card says what it is, of what data and how good; the hub can read it."""

import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard

from hybridbatch.cards import Corpus, Facts, model_card

TRAINING = {
    "sampling": "hybrid", "alpha": 0.25, "pairs": 1.0, "batch_size": 8, "max_steps": 20,
    "warmup_share": 0.1, "learning_rate": 0.01, "weight_decay": 0.0, "temperature": 0.05,
    "max_grad_norm": 1.0, "evaluate_every": 5, "patience": 2,
}  # fmt: skip
RUN = {
    "training": TRAINING,
    "encoder": {"query_prefix": "Query: ", "passage_prefix": "Passage: ", "max_tokens": 64},
    "best_step": 15,
    "best_validation_loss": 0.1234,
}
MIX = {"steps": 20, "kind": {"x-x-mono": 0.3, "x-y": 0.7}}
CELLS = pd.DataFrame(
    [
        ["multilingual", "all", "map", "mean", 0.4321, 0.4, 0.46, "xquad_r"],
        ["multilingual", "all", "rank_distance", "mean", 321.4, 300.0, 340.0, "xquad_r"],
        ["multilingual", "all", "map", "es", 0.9999, 0.9, 1.0, "xquad_r"],
        ["monolingual", "seen", "map", "mean", 0.5, float("nan"), float("nan"), "xquad_r"],
    ],
    columns=["setting", "pool", "metric", "language", "value", "ci_low", "ci_high", "benchmark"],
)


def card(licence: str = "CC BY 4.0", hub_name: str | None = "some/encoder") -> str:
    corpora = [
        Corpus("films", licence, ["en", "es"], {"en": 1200, "es": 1100}),
        Corpus("notes", "CC0 1.0", ["en"], {"en": 30}),
    ]
    facts = Facts(
        system="large_hybrid",
        sampling="hybrid",
        base="some/encoder at revision abc",
        hub_name=hub_name,
        translator="as translated by apertium",
        corpora=corpora,
        scale="laptop",
    )
    return model_card(facts, {0: RUN, 3: RUN}, {0: MIX, 3: MIX}, [CELLS], 0.95)


def test_the_hub_reads_the_card():
    data = ModelCard(card()).data.to_dict()
    assert data["base_model"] == "some/encoder"
    assert data["language"] == ["en", "es"]
    assert data["library_name"] == "sentence-transformers"
    assert data["license"] == "other"


def test_a_model_from_scratch_has_no_base_model():
    front = card(hub_name=None).split("---")[1]
    assert "base_model" not in yaml.safe_load(front)


@pytest.mark.parametrize(
    "words",
    [
        "`seed0`, `seed3`",
        "some/encoder at revision abc",
        "en 1,200, es 1,100",
        "CC BY 4.0",
        "| alpha ",
        "0.25",
        "15 (validation loss 0.1234)",
        "x-x-mono 0.300, x-y 0.700",
        "0.432 [0.400, 0.460]",
        "321 [300, 340]",
        "over 2 seeds",
        "`Query: ` before queries",
    ],
)
def test_the_card_says(words):
    assert words in card()


def test_scores_are_means_and_an_absent_interval_is_absent():
    text = card()
    assert "0.9999" not in text
    line = next(line for line in text.splitlines() if "0.500" in line)
    assert "[" not in line


def test_texts_of_the_configuration_are_no_markup():
    assert "<script>" not in card(licence="<script>alert(1)</script> | x").replace("\\<", "")
    assert "\\<script\\>" in card(licence="<script>")

"""The card of models of texts and images says what they are, of what data, and how to load them."""

import json

from huggingface_hub import ModelCard

from hybridbatch.tables.image_card import ImageFacts, image_card

RUN = {
    "seed": 0,
    "encoder": {
        "text": {"kind": "transformer", "trained": False, "head": True},
        "image": {"kind": "cnn", "size": 32, "widths": [8, 16]},
    },
    "training": {
        "sampling": "hybrid",
        "alpha": 0.5,
        "loss": {"directions": "both", "clustering": 0.5},
    },
    "corpora": {"emoji": 1000},
    "validation": {"emoji": 20},
    "parameters": {"all": 80_000, "trained": 70_000},
    "best_step": 400,
    "best_validation_loss": 1.23456,
}
FACTS = {
    "system": "hybrid_en-en",
    "text_tower": "static_hybrid",
    "licence": "CC0 1.0",
    "captions": "hybrid",
    "shuffled": False,
    "languages": ["en", "no"],
    "corpus": "Emoji <of a font>",
}


def card(**changed) -> str:
    runs = {"split0/seed0": RUN, "split0/seed1": {**RUN, "seed": 1, "best_step": 900}}
    return image_card(ImageFacts(**{**FACTS, **changed}), runs, "print('```')\n")


def test_the_hub_reads_the_card():
    data = ModelCard(card()).data.to_dict()
    assert (data["library_name"], data["language"]) == ("sentence-transformers", ["en", "no"])


def test_the_card_says_what_the_models_are():
    text = card()
    for said in (
        "# hybrid_en-en\n",
        "- Text tower: static_hybrid, frozen with a linear head.",
        "a residual network from random weights, 32 pixels, 8, 16 channels, trained with a",
        "- Captions: Emoji \\<of a font\\> in en, no, a batch is in one language with probability",
        "- Training images: 1,000; for validation, in English, 20.",
        "- Loss: InfoNCE with in-batch negatives over cosine similarity, and a push of the batch's",
        "- Steps: 400 to 900 of the weights that are kept",
        "- Parameters: 80,000, of them trained 70,000.",
        "| split0/seed1 | 1 | 900 | 1.2346 |",
    ):
        assert said in text
    assert json.loads(text.split("```json\n")[1].split("```")[0]) == RUN["training"]


def test_code_with_backticks_stays_code():
    assert "````python\nprint('```')\n````" in card()


def test_a_control_is_called_one():
    assert "**A control: " in card(shuffled=True)
    assert "**A control: " not in card()

"""The card of models with a text tower and an image tower, in the Hugging Face hub's format.

Mitchell et al. (2019), "Model cards for model reporting".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybridbatch.render.cards import front_matter
from hybridbatch.render.markdown import escape, fenced, heading
from hybridbatch.tables.losses import loss_in_words

_CAPTIONS = {
    "en-en": "English ones only",
    "x-x": "of all languages mixed in a batch",
    "x-x-mono": "every batch in one language",
    "x-y": "of all languages mixed in a batch",
    "hybrid": "a batch is in one language with probability alpha, else of all languages mixed",
}
Runs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ImageFacts:
    """The configuration's facts about a system of images and texts."""

    system: str
    text_tower: str  # in words
    licence: str  # of both towers
    captions: str  # kind of the sampling of the captions
    shuffled: bool  # whether captions stand beside wrong images
    languages: Sequence[str]  # of the captions
    corpus: str  # title of the benchmark whose training images are trained on


def image_card(facts: ImageFacts, runs: Runs, how_to_load: str) -> str:
    """The card of the models in one folder.

    runs: what `training.loop` writes as run.json, by the model's folder below that of the card.
    how_to_load: Python that loads the first model and embeds a text and an image.
    """
    first = next(iter(runs.values()))
    metadata = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "language": list(facts.languages),
        "tags": ["sentence-transformers", "image-text-retrieval"],
    }
    blocks = [
        front_matter(metadata),
        heading(1, facts.system),
        "Texts and images in one space: queries are texts, candidates are images.",
        "\n".join(_facts(facts, runs, first)),
    ]
    if facts.shuffled:
        blocks.append(
            "**A control: the captions stood beside wrong images. These models know nothing of "
            "images; do not use them.**"
        )
    blocks += [
        "## Use",
        fenced(how_to_load.strip(), "python"),
        "## Training",
        fenced(json.dumps(first["training"], indent=2, sort_keys=True), "json"),
        "## Models",
        "\n".join(_models(runs)),
    ]
    return "\n\n".join(blocks) + "\n"


def _facts(facts: ImageFacts, runs: Runs, first: Mapping[str, Any]) -> list[str]:
    return [
        f"- Text tower: {escape(facts.text_tower)}, {_trained(first, 'text')}.",
        f"- Image tower: {escape(_image(first))}, {_trained(first, 'image')}.",
        f"- Licence of the towers: {escape(facts.licence)}.",
        f"- Captions: {escape(facts.corpus)} in {', '.join(facts.languages)}, "
        f"{_CAPTIONS.get(facts.captions, facts.captions)}.",
        f"- Training images: {_numbers(sum(run['corpora'].values()) for run in runs.values())}; "
        f"for validation, in English, "
        f"{_numbers(sum(run['validation'].values()) for run in runs.values())}.",
        f"- Loss: {loss_in_words(first['training'].get('loss') or {})}",
        f"- Steps: {_numbers(run['best_step'] for run in runs.values())} of the weights that are "
        "kept, the best ones by validation.",
        f"- Parameters: {first['parameters']['all']:,}, of them trained "
        f"{first['parameters']['trained']:,}.",
    ]


def _models(runs: Runs) -> list[str]:
    return [
        "| folder | seed | steps | validation loss |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {name} | {run['seed']} | {run['best_step']} | {run['best_validation_loss']:.4f} |"
            for name, run in runs.items()
        ),
    ]


def _image(run: Mapping[str, Any]) -> str:
    tower = run["encoder"]["image"]
    if tower["kind"] == "cnn":
        size, widths = tower["size"], ", ".join(map(str, tower["widths"]))
        return f"a residual network from random weights, {size} pixels, {widths} channels"
    if tower["kind"] == "visual_words":
        return "a table of n-grams of visual words"
    return (
        f"{tower['model']} at revision {tower['revision']}"
        if "revision" in tower
        else (tower["model"])
    )


def _trained(run: Mapping[str, Any], side: str) -> str:
    tower = run["encoder"][side]
    head = " with a linear head" if tower.get("head", tower.get("kind") == "cnn") else ""
    return ("trained" if tower.get("trained", True) else "frozen") + head


def _numbers(values) -> str:
    """One number, or the least and the most of several."""
    found = sorted(set(values))
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"

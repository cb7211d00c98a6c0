"""Encoders and their training: which values do not fit together, and what is said of them."""

import pytest
import yaml
from configurations import built, only_problem, problems_of
from configurations import config as config

from hybridbatch.encoders.text_image import TextImageConfig
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import ENCODERS
from hybridbatch.experiment.encoders import Encoder
from hybridbatch.experiment.trainable import Lora
from hybridbatch.experiment.training import Training, TrainingOverrides


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
    assert problem in only_problem(config)


def test_the_order_of_an_adapter_s_modules_means_nothing():
    values = {"kind": "lora", "budget": 8, "schedule": "uniform", "scale": 2.0}
    for modules in (["value", "query"], ["query", "value"]):
        assert Lora(**values, modules=modules).modules == ["query", "value"]


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
    assert only_problem(config) == f"catalogue.encoders.wide.{problem}"


def test_layers_that_there_are_not_cannot_be_computed_again(config):
    config["training"]["gradient_checkpointing"] = True
    config["encoders"] = ["tiny", "large"]
    assert only_problem(config) == (
        "training.gradient_checkpointing: true, and tiny, of kind static, has no layers; set it to "
        "false for this encoder"
    )
    config["catalogue"]["encoders"]["tiny"]["training"] = {"gradient_checkpointing": False}
    conf.validate(config)


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
    assert any(problem.startswith(expected) for problem in problems_of(config))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cnn, size: 32", "cnn, size: 8", "pictures.image.size: 8 must be at least 16"),
        ("kind: cnn", "kind: crayon", "pictures.image"),
        ("trained: false, ", "", "pictures.text.trained: is missing"),
        ("model: static/seed0", "model: a/b/c, revision: " + 40 * "0", "revision"),
        ("contrastive: 1.0, distillation: 0.5", "contrastive: 0.0, distillation: 0.0",
         "are both 0: nothing would bring"),
        ("contrastive: 1.0", "contrastive: 0.0", "no temperature enters the loss"),
        (",\n         student: candidate", "", "go together"),
        ("learned", "hot", "temperature"),
    ],
)  # fmt: skip
def test_wrong_text_image_encoders_are_named(config, old, new, message):
    assert old in PICTURES
    config["catalogue"]["encoders"]["pictures"] = yaml.safe_load(PICTURES.replace(old, new))
    assert any(message in problem for problem in problems_of(config)), problems_of(config)


def test_encoder_may_override_every_training_key_and_no_other(config):
    assert list(TrainingOverrides.model_fields) == list(Training.model_fields)
    for model in ENCODERS.values():
        assert issubclass(model, Encoder)
    training = config["catalogue"]["encoders"]["large"]["training"]
    training |= {"batch_size": 1, "warmup_steps": -2, "patience": 0.5}
    assert [p.split(": ")[1].rsplit(" (")[0] for p in problems_of(config)] == [
        "1 must be at least 2", "0.5 must be an integer", "-2 must be at least 0",
    ]  # fmt: skip


def test_dimension_that_the_heads_cannot_share_is_named(config):
    config["catalogue"]["encoders"]["little"]["heads"] = 3
    assert only_problem(config) == (
        "catalogue.encoders.little.dimension: 8 is no multiple of heads, 3"
    )

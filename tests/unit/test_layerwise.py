"""Layers of different widths: equal budgets are equal, and what is saved is a standard model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pretrained import Values
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from trainings import (
    COMMON,
    SHORT,
    VOCABULARY,
    Interrupted,
    content,
    made_encoder,
    stop_at,
    train,
)
from trainings import cpu as cpu
from trainings import encoder as encoder
from transformers import BertModel

from hybridbatch.encoders import inference, layerwise
from hybridbatch.encoders.layerwise import LayerwiseConfig, widths
from hybridbatch.experiment.configuration import ENCODERS
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
SIZE = {"layers": 4, "dimension": 24, "head_dimension": 4, "heads": 3, "feed_forward": 10}
SCHEDULES = {"head_schedule": "rising", "feed_forward_schedule": "rising"}
VALUES = {"kind": "layerwise", **COMMON, **SIZE, **SCHEDULES, "dropout": 0.1}
NAMED = ["uniform", "rising", "falling", "middle", "ends", {"linear": {"from": 0.5, "to": 1.0}}]
TEXTS = ["w5 w6 w7 w8", "w9", "w10 w11 w12 w13 w14 w15 w16"]


def values(schedule: object, **changes) -> Values:
    return VALUES | {"head_schedule": schedule, "feed_forward_schedule": schedule} | changes


def number_of_parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


# --- widths ---


def test_widths_by_layer():
    config = LayerwiseConfig(**VALUES)
    assert widths(config) == ([1, 2, 4, 5], [3, 8, 12, 17])
    falling = replace(config, head_schedule="falling", feed_forward_schedule="uniform")
    assert widths(falling) == ([5, 4, 2, 1], [10, 10, 10, 10])
    own = replace(config, head_schedule=[6, 1, 1, 4])
    assert widths(own)[0] == [6, 1, 1, 4]


@pytest.mark.parametrize("schedule", NAMED)
def test_every_schedule_has_the_same_number_of_parameters(encoder, schedule):
    found = number_of_parameters(layerwise.start(values(schedule), encoder, 0).model)
    # By hand: of each head 4 x 24 x 4 weights and 3 x 4 biases, of each unit 2 x 24 and 1; of each
    # layer two biases and two normalisations, and tables and one normalisation outside.
    heads, units = 4 * 3 * (4 * 24 * 4 + 12), 4 * 10 * (2 * 24 + 1)
    outside = 24 * (VOCABULARY + COMMON["max_tokens"]) + 2 * 24
    assert found == heads + units + 4 * (2 * 24 + 4 * 24) + outside
    entry = ENCODERS["layerwise"](**values(schedule))
    plan = replace(entry.shape("query", None), vocabulary=VOCABULARY)
    assert plan.parameters == found


@given(
    st.integers(1, 12), st.integers(1, 6), st.integers(4, 64),
    st.sampled_from(NAMED), st.sampled_from(NAMED),
)  # fmt: skip
def test_equal_sizes_are_exact_or_refused(layers, heads, units, of_heads, of_units):
    config = LayerwiseConfig(
        **VALUES
        | {"layers": layers, "heads": heads, "dimension": 64, "feed_forward": units}
        | {"head_schedule": of_heads, "feed_forward_schedule": of_units}
    )
    try:
        found = widths(config)
    except ConfigError:
        return
    assert [len(part) for part in found] == [layers, layers]
    assert [sum(part) for part in found] == [layers * heads, layers * units]
    assert min(*found[0], *found[1]) >= 1
    assert max(found[0]) <= 16


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"heads": 4},
            r"head_schedule: divides 16 heads among the layers as \[1, 3, 5, 7\], and 24 "
            "dimensions have room for 6 heads of 4: lower `heads`",
        ),
        (
            {"heads": 1},
            r"head_schedule: divides 4 among the layers as \[0, 1, 1, 2\], and every layer needs",
        ),
        (
            {"feed_forward": 1},
            r"feed_forward_schedule: divides 4 among the layers as \[0, 1, 1, 2\].*raise `feed_",
        ),
        ({"head_schedule": [3, 3, 6]}, "head_schedule: has 3 numbers, and the encoder has 4"),
        ({"head_schedule": [3, 3, 3, 2]}, "head_schedule: adds up to 11, and the budget is 12"),
        (
            {"feed_forward_schedule": {"linear": {"from": 0.0, "to": 0.0}}},
            "feed_forward_schedule: both ends of `linear` are 0",
        ),
    ],
)
def test_what_cannot_be_equal_is_refused_with_numbers(tmp_path, changes, says):
    with pytest.raises(ConfigError, match=says):
        layerwise.prepare(VALUES | changes, {"en": ["w"]}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_catalogue_has_one_size_in_three_schedules(tmp_path):
    entries = yaml.safe_load((ROOT / "config/catalogue.yaml").read_text("utf-8"))["catalogue"][
        "encoders"
    ]
    assert list(entries) == [f"layerwise_{name}" for name in ("uniform", "rising", "falling")]
    found = {}
    for name, entry in entries.items():
        config = ENCODERS["layerwise"](**entry)
        found[name] = widths(LayerwiseConfig(**config.values()))
        schedule = name.removeprefix("layerwise_")
        assert (config.head_schedule, config.feed_forward_schedule) == (schedule, schedule)
    rising = [1, 2, 3, 3, 4, 5]
    assert found["layerwise_uniform"][0] == [3] * 6
    assert found["layerwise_rising"][0] == rising
    assert sorted(found["layerwise_falling"][0]) == rising
    assert {(sum(heads), sum(units)) for heads, units in found.values()} == {(18, 1152)}
    without = ("head_schedule", "feed_forward_schedule")
    sizes = [{k: v for k, v in entry.items() if k not in without} for entry in entries.values()]
    assert sizes[0] == sizes[1] == sizes[2]


# --- training, saving, loading ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    config = replace(SHORT, learning_rate=0.01, weight_decay=0.1, max_steps=6, evaluate_every=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        return train(folder, made_encoder(folder), config=config, values=VALUES)


def test_a_trained_model_is_a_standard_one_and_gives_its_vectors(trained):
    whole = SentenceTransformer(str(trained), device="cpu", local_files_only=True)
    assert type(whole[0].auto_model) is BertModel
    assert json.loads((trained / "config.json").read_text())["architectures"] == ["BertModel"]
    modules = json.loads((trained / "modules.json").read_text())
    assert all(module["type"].startswith("sentence_transformers.") for module in modules)
    assert not list(trained.rglob("*.py"))
    vectors = whole.encode(TEXTS, prompt_name="query")
    found = inference.load(VALUES, trained)("query", "text", TEXTS)
    np.testing.assert_allclose(found, vectors, atol=1e-5)


def test_the_narrow_model_that_was_trained_gives_the_saved_ones_vectors(encoder, tmp_path):
    narrow = layerwise.start(values("rising", dropout=0.0), encoder, 3).model
    with torch.no_grad():  # large weights, so that a part that is lost shows
        for parameter in narrow[0].model.transformer.parameters():
            parameter.normal_(std=0.5)
    narrow.save(str(tmp_path / "model"), create_model_card=False)
    whole = SentenceTransformer(str(tmp_path / "model"), device="cpu", local_files_only=True)
    expected = narrow.encode(TEXTS)
    np.testing.assert_allclose(whole.encode(TEXTS), expected, atol=1e-5)
    assert abs(expected[0] - expected[1]).max() > 0.01
    assert number_of_parameters(whole) > number_of_parameters(narrow)


def test_padding_is_zero_after_training_and_nothing_else_is(trained):
    heads, units = widths(LayerwiseConfig(**VALUES))
    weights = load_file(trained / "model.safetensors")
    for layer, (number, hidden) in enumerate(zip(heads, units, strict=True)):
        inner, name = 4 * number, f"encoder.layer.{layer}"
        rows = {
            "attention.self.query": inner, "attention.self.key": inner,
            "attention.self.value": inner, "intermediate.dense": hidden,
        }  # fmt: skip
        for module, width in rows.items():
            weight = weights[f"{name}.{module}.weight"]
            assert weight.shape[0] == (max(units) if "intermediate" in module else 24)
            assert not weight[width:].any()
            assert not weights[f"{name}.{module}.bias"][width:].any()
            assert weight[:width].abs().min(dim=1).values.all()
        for module, width in {"attention.output.dense": inner, "output.dense": hidden}.items():
            weight = weights[f"{name}.{module}.weight"]
            assert not weight[:, width:].any()
            assert weight[:, :width].all()


def test_padding_stays_zero_when_the_saved_model_is_trained_elsewhere(trained):
    """No gradient reaches it: what enters and what leaves it is zero, and GELU(0) is 0."""
    model = BertModel.from_pretrained(trained, use_safetensors=True).train()
    padding = {name: p == 0 for name, p in model.encoder.named_parameters() if p.ndim > 1}
    padded = {name: cells for name, cells in padding.items() if cells.any()}
    assert len(padded) >= 12  # in most layers, four modules of attention and two of the network
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        hidden = model(torch.arange(5, 15).reshape(2, 5)).last_hidden_state
        (hidden * torch.arange(1.0, hidden.shape[-1] + 1)).pow(2).mean().backward()
        optimizer.step()
    after = dict(model.named_parameters())
    for name, cells in padded.items():
        assert not after[f"encoder.{name}"][cells].any()
        assert (after[f"encoder.{name}"] != before[f"encoder.{name}"])[~cells].all()


def test_run_json_has_the_true_and_the_stored_number_of_parameters(trained):
    found = json.loads((trained / "run.json").read_text())["parameters"]
    true = number_of_parameters(layerwise.start(VALUES, trained.parent / "encoder", 0).model)
    stored = sum(tensor.numel() for tensor in load_file(trained / "model.safetensors").values())
    assert found == {"trained": true, "all": true, "stored": stored}
    assert stored > true


def test_an_interrupted_run_ends_as_if_it_had_not_been(encoder, tmp_path, monkeypatch):
    config = replace(SHORT, learning_rate=0.01, max_steps=12, evaluate_every=5)
    expected = content(train(tmp_path, encoder, "whole", config=config, values=VALUES))
    with monkeypatch.context() as patch:
        stop_at(patch, 8)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder, config=config, values=VALUES)
    (file,) = (tmp_path / "checkpoints").rglob("step-000000005/checkpoint.safetensors")
    heads, _ = widths(LayerwiseConfig(**VALUES))
    name = "trained.model.0.model.transformer.layer.0.attention.q_lin.weight"
    assert load_file(file)[name].shape == (4 * heads[0], 24)
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder, config=config, values=VALUES)) == expected
    assert asked == list(range(5, 12))


def test_bytes_depend_on_the_seed_alone(encoder, tmp_path):
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        torch.manual_seed(len(name))
        before = torch.random.get_rng_state()
        model = layerwise.start(VALUES, encoder, seed).model
        model.save(str(tmp_path / name), create_model_card=False)
        assert torch.equal(torch.random.get_rng_state(), before)
    first, again, other = (content(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert {name for name in first if first[name] != other[name]} == {"model.safetensors"}


def test_it_trains_with_fewer_learning_rates_below(encoder, tmp_path):
    trainable = {"kind": "decay", "factor": 0.5, "token_embeddings": True}
    config = replace(SHORT, learning_rate=0.01, max_steps=4, trainable=trainable)
    run = json.loads(
        (train(tmp_path, encoder, config=config, values=VALUES) / "run.json").read_text()
    )
    assert run["parameters"]["trained"] == run["parameters"]["all"]

"""What is to be trained is trained, nothing else is; budgets are exact; saved models are whole."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pretrained import Values, prepared, tiny_transformer, transformer_values
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)
from trainings import SHORT, Interrupted, content, stop_at, train
from trainings import cpu as cpu

from hybridbatch.cost.memory import trained_parameters
from hybridbatch.encoders import adapters, inference, towers
from hybridbatch.encoders import transformer as pretrained
from hybridbatch.encoders.budgets import divided, largest_remainder
from hybridbatch.encoders.layers import checkpoint_layers, layers_of, transformer_of
from hybridbatch.encoders.widening import add_units
from hybridbatch.experiment.shapes import Shape
from hybridbatch.runtime.errors import ConfigError, DataError, TrainingError
from hybridbatch.training import loop, trainable
from hybridbatch.training.trainable import (
    counts,
    halve_frozen,
    restrict,
    save,
    trained_state,
)

LORA = {"kind": "lora", "budget": 8, "schedule": "rising", "scale": 2.0}
KINDS = {
    "frozen": {"kind": "all", "token_embeddings": False},
    "top": {"kind": "top", "layers": 1},
    "decay": {"kind": "decay", "factor": 0.5, "token_embeddings": False},
    "lora": LORA,
    "bottleneck": {"kind": "bottleneck", "budget": 10, "schedule": "falling"},
}
TEXTS = ["a cat sat on the mat", "hello", "the"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Values, Path]:
    """A tiny random transformer of two layers: its values and the folder training starts from."""
    folder = tmp_path_factory.mktemp("base")
    values = transformer_values(tiny_transformer(folder / "source"))
    return values, prepared(pretrained, values, folder / "encoder")


@pytest.fixture(scope="module")
def headed(base, tmp_path_factory: pytest.TempPathFactory) -> tuple[Values, Path]:
    """The same transformer with a linear module after it, as LaBSE has it."""
    folder = tmp_path_factory.mktemp("headed")
    torch.manual_seed(1)
    modules = [Transformer(base[0]["model"], max_seq_length=40), Pooling(32, "cls"), Dense(32, 24)]
    model = SentenceTransformer(modules=[*modules, Normalize()], device="cpu")
    model.save(str(folder / "source"), create_model_card=False)
    values = transformer_values(folder / "source", "published")
    return values, prepared(pretrained, values, folder / "encoder")


def model_of(base: tuple[Values, Path], trainable: Values | None) -> SentenceTransformer:
    model = pretrained.start(*base, 0).model
    restrict(model, trainable, 0)
    return model


def trained_names(model: SentenceTransformer) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad}


# --- budgets ---


def test_schedules_of_twelve_layers():
    assert divided(96, "uniform", 12) == [8] * 12
    rising = [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]
    assert divided(96, "rising", 12) == rising
    assert divided(96, "falling", 12) == rising[::-1]
    middle, ends = divided(96, "middle", 12), divided(96, "ends", 12)
    assert max(middle) == middle[5] == middle[6]
    assert min(ends) == ends[5] == ends[6]
    assert middle[0] == min(middle)
    assert ends[0] == max(ends)
    assert divided(30, {"linear": {"from": 1, "to": 3}}, 3) == [5, 10, 15]
    assert divided(6, [1, 0, 5], 3) == [1, 0, 5]


@given(
    st.integers(1, 60), st.integers(0, 500), st.sampled_from(["uniform", "rising", "falling"]) |
    st.sampled_from(["middle", "ends"]) | st.just({"linear": {"from": 0.5, "to": 2.0}}),
)  # fmt: skip
def test_equal_budgets_are_exact(layers, more, schedule):
    found = divided(layers + more, schedule, layers)
    assert sum(found) == layers + more
    assert len(found) == layers
    assert min(found) >= 0


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40), st.integers(0, 1000))
def test_largest_remainder_is_within_one_of_the_quota(weights, total):
    quotas = np.array(weights) / sum(weights) * total
    found = largest_remainder(np.array(weights), total)
    assert sum(found) == total
    assert (np.abs(found - quotas) < 1 + 1e-6).all()


@pytest.mark.parametrize(
    ("budget", "schedule", "says"),
    [
        (11, "uniform", "11 is less than one for each of 12 layers"),
        (12, [1] * 11, "has 11 numbers, and the encoder has 12 layers"),
        (13, [1] * 12, "adds up to 12, and the budget is 13"),
        (12, {"linear": {"from": 0.0, "to": 0.0}}, "both ends of `linear` are 0"),
    ],
)
def test_impossible_budget_is_refused(budget, schedule, says):
    with pytest.raises(ConfigError, match=says):
        divided(budget, schedule, 12)


# --- which parameters ---


def test_what_is_trained(base):
    every = {name for name, _ in model_of(base, None).named_parameters()}
    table = {name for name in every if "word_embeddings" in name}
    assert len(table) == 1
    assert trained_names(model_of(base, None)) == every
    assert trained_names(model_of(base, KINDS["frozen"])) == every - table
    assert trained_names(model_of(base, KINDS["decay"])) == every - table
    assert trained_names(model_of(base, KINDS["top"])) == {n for n in every if ".layer.1." in n}


def test_lora_has_the_same_budget_and_scale_under_every_schedule(base):
    found = set()
    for schedule in (
        "uniform",
        "rising",
        "falling",
        "ends",
        [0, 8],
        {"linear": {"from": 1, "to": 4}},
    ):
        model = model_of(base, LORA | {"schedule": schedule})
        found.add(counts(model)["trained"])
        for layer in layers_of(transformer_of(model)).modules:
            for part in layer.modules():
                if hasattr(part, "lora_A"):
                    rank = part.lora_A["default"].out_features
                    assert part.scaling["default"] == pytest.approx(2.0)
                    assert part.r["default"] == rank
    # Four modules of 32 x 32 and two of 32 x 64, for each of 8 ranks.
    assert found == {8 * (4 * 64 + 2 * 96)}
    only = model_of(base, LORA | {"schedule": [0, 8]})
    assert all(".layer.1." in name for name in trained_names(only))


def test_layer_one_is_not_layer_ten():
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=12, num_attention_heads=2)
    config.intermediate_size = 16
    transformer = BertModel(config)
    ranks = list(range(1, 13))
    restrict(transformer, LORA | {"budget": sum(ranks), "schedule": ranks}, 0)
    found = [layer.attention.self.query.r["default"] for layer in transformer.encoder.layer]
    assert found == ranks


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        (["q_proj"], "'q_proj' fits no linear module of a layer.*attention.self.query"),
        (["dense"], "'dense' fits attention.output.dense and intermediate.dense and output.dense"),
        (["query", "attention.self.query"], "attention.self.query is named twice"),
    ],
)
def test_pattern_that_does_not_fit_is_refused_with_the_layers_names(base, modules, says):
    with pytest.raises(ConfigError, match=says):
        model_of(base, LORA | {"modules": modules})


def test_name_of_a_whole_module_wins_over_an_end(base):
    names = trained_names(model_of(base, LORA | {"modules": ["output.dense"]}))
    assert names
    assert not any("attention" in name for name in names)


def test_more_layers_than_there_are_is_refused(base):
    with pytest.raises(ConfigError, match="3, and the encoder has 2"):
        model_of(base, {"kind": "top", "layers": 3})


def test_encoder_without_a_transformer_is_refused():
    with pytest.raises(ConfigError, match="lora needs an encoder that is one transformer"):
        restrict(torch.nn.Sequential(torch.nn.Linear(2, 2)), LORA, 0)


@pytest.mark.parametrize("kind", ["top", "lora", "bottleneck"])
def test_modules_after_the_transformer_are_outside_of_the_budget(base, headed, kind):
    names = trained_names(model_of(headed, KINDS[kind]))
    assert names == trained_names(model_of(base, KINDS[kind]))


@pytest.mark.parametrize("kind", ["frozen", "decay"])
def test_modules_after_the_transformer_are_trained_with_all_of_it(headed, kind):
    assert {"2.linear.weight", "2.linear.bias"} < trained_names(model_of(headed, KINDS[kind]))


def test_what_peft_makes_of_a_budget_is_checked(base, monkeypatch):
    config = peft.LoraConfig
    for lost, says in (("rank_pattern", "has rank 7, and not 1"), ("alpha_pattern", "with alpha")):
        with monkeypatch.context() as patch:
            patch.setattr(
                peft, "LoraConfig", lambda lost=lost, **given: config(**{**given, lost: {}})
            )
            with pytest.raises(TrainingError, match=f"{says}.*peft has read the budget otherwise"):
                model_of(base, LORA)


def test_budget_of_new_units_is_checked(base, monkeypatch):
    monkeypatch.setattr(trainable, "add_units", lambda model, units: add_units(model, [3, 3]))
    with pytest.raises(TrainingError, match="390 parameters are trained, and the budget has 650"):
        model_of(base, KINDS["bottleneck"])


def test_frozen_parameters_are_halved_and_no_others(base):
    model = model_of(base, KINDS["top"])
    halve_frozen(model)
    for parameter in model.parameters():
        assert parameter.dtype == (torch.float32 if parameter.requires_grad else torch.bfloat16)


def test_learning_rate_falls_from_layer_to_layer(base, tmp_path, monkeypatch):
    seen: dict[float, set[float]] = {}
    step = torch.optim.AdamW.step

    def spying(self, *args):
        for group in self.param_groups:
            seen.setdefault(group["rate"], set()).add(group["lr"])
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", spying)
    config = replace(SHORT, max_steps=2, evaluate_every=2, trainable=KINDS["decay"])
    train(tmp_path, base[1], config=config, values=base[0])
    assert sorted(seen) == [0.25, 0.5, 1.0]  # embeddings, the first layer, the last
    for rate, lrs in seen.items():
        assert sorted(lrs) == pytest.approx(sorted(rate * lr for lr in seen[1.0]))


# --- training, saving, loading ---


@pytest.mark.parametrize("kind", ["top", "lora", "bottleneck"])
def test_a_gpu_s_bfloat16_is_the_transformer_s_alone(headed, kind, monkeypatch):
    """An adapter is saved with the modules after the transformer, which nobody rounded."""
    monkeypatch.setattr(trainable, "_on_gpu", lambda model: True)
    model = model_of(headed, KINDS[kind])
    assert model[2].linear.weight.dtype == torch.float32
    frozen = [p.dtype for p in transformer_of(model).parameters() if not p.requires_grad]
    assert set(frozen) == {torch.bfloat16}


@pytest.mark.parametrize("kind", KINDS)
def test_model_with_a_linear_module_is_saved_as_it_was_trained(headed, tmp_path, kind, monkeypatch):
    trained = {}

    def spied(model, start, base, folder):
        with torch.no_grad():
            trained["vectors"] = model.eval().encode(TEXTS, prompt_name="query")
        save(model, start, base, folder)

    monkeypatch.setattr(loop, "save", spied)
    config = replace(SHORT, learning_rate=0.01, max_steps=4, trainable=KINDS[kind])
    model = train(tmp_path, headed[1], config=config, values=headed[0])
    whole = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    assert whole.encode(TEXTS, prompt_name="query") == pytest.approx(trained["vectors"], abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_stays_and_the_saved_model_is_that_of_sentence_transformers(base, tmp_path, kind):
    values, encoder = base
    config = replace(SHORT, learning_rate=0.01, max_steps=10, trainable=KINDS[kind])
    model = train(tmp_path, encoder, config=config, values=values)
    whole = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    vectors = whole.encode(TEXTS, prompt_name="query")
    assert inference.load(values, model)("query", "text", TEXTS) == pytest.approx(vectors, abs=1e-5)
    started = pretrained.start(values, encoder, 0).model
    assert abs(vectors - started.encode(TEXTS, prompt_name="query")).max() > 1e-3
    table = "0.model.embeddings.word_embeddings.weight"
    assert torch.equal(whole.state_dict()[table], started.state_dict()[table])
    run = json.loads((model / "run.json").read_text())
    assert 0 < run["parameters"]["trained"] < run["parameters"]["all"]
    first = whole[0].auto_model.encoder.layer[0].attention.self.query
    if kind in ("top", "bottleneck"):
        own = started[0].auto_model.encoder.layer[0].attention.self.query
        assert torch.equal(first.weight, own.weight)


@pytest.mark.parametrize("kind", ["top", "lora", "bottleneck"])
def test_checkpoints_have_the_trained_part_alone_and_resume_to_the_bit(
    base, tmp_path, monkeypatch, kind
):
    values, encoder = base
    config = replace(SHORT, learning_rate=0.01, trainable=KINDS[kind])
    expected = content(train(tmp_path, encoder, "whole", config=config, values=values))
    with monkeypatch.context() as patch:
        stop_at(patch, 17)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder, config=config, values=values)
    (file,) = (tmp_path / "checkpoints").rglob("step-000000010/checkpoint.safetensors")
    names = load_file(file).keys()
    trained = set(trained_state(model_of(base, KINDS[kind])))
    for part in ("trained.model.", "best.model."):
        assert {n.removeprefix(part) for n in names if n.startswith(part)} == trained
    moments = [n for n in names if n.endswith("exp_avg")]
    assert len(moments) <= len(trained)
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder, config=config, values=values)) == expected
    assert asked == list(range(10, 30))


@pytest.mark.parametrize("kind", [None, "frozen", "top", "lora", "bottleneck"])
def test_gradient_checkpointing_leaves_every_number_as_it_is(base, tmp_path, kind):
    values, encoder = base
    config = replace(SHORT, learning_rate=0.01, max_steps=6, evaluate_every=3)
    config = replace(config, trainable=kind and KINDS[kind])
    plain, again = (
        content(train(tmp_path, encoder, name, replace(config, gradient_checkpointing=on), values))
        for name, on in (("plain", False), ("again", True))
    )
    runs = [json.loads(files.pop("run.json")) for files in (plain, again)]
    assert all(files.pop(".xxh128") for files in (plain, again))  # has the digest of run.json
    assert [run["training"].pop("gradient_checkpointing") for run in runs] == [False, True]
    assert runs[0] == runs[1]
    assert plain == again  # weights, the loss and the gradients' norm of each step


def test_gradients_are_the_same_when_layers_are_computed_again(base):
    found = []
    for again in (False, True):
        model = pretrained.start(*base, 0).model.train()
        seen = counted_layers(model)
        if again:
            checkpoint_layers(model)
        torch.manual_seed(7)
        vectors = model(model.preprocess(TEXTS))["sentence_embedding"]
        loss = (vectors * torch.arange(32.0)).sum()
        loss.backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        found.append((loss.item(), gradients, len(seen)))
    assert found[0][0] == found[1][0]
    assert found[0][1].keys() == found[1][1].keys()
    assert all(torch.equal(found[0][1][name], found[1][1][name]) for name in found[0][1])
    assert [number for *_, number in found] == [2, 4]  # two layers, once and twice


def counted_layers(model: SentenceTransformer) -> list[str]:
    """A list that gets an entry whenever a layer's feed-forward network computes."""
    seen: list[str] = []
    for layer in layers_of(transformer_of(model)).modules:
        layer.intermediate.register_forward_hook(lambda *_: seen.append("computed"))
    return seen


def test_encoder_without_layers_cannot_compute_them_again():
    with pytest.raises(ConfigError, match="gradient_checkpointing: this encoder cannot compute"):
        checkpoint_layers(torch.nn.Sequential(torch.nn.Linear(2, 2)))


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained adapter."""
    folder = tmp_path_factory.mktemp("adapter")
    config = replace(SHORT, learning_rate=0.01, max_steps=4, evaluate_every=4, trainable=LORA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        return train(folder, base[1], config=config, values=base[0])


@pytest.fixture
def copied(base, adapter, tmp_path) -> Iterator[Path]:
    """A copy of the adapter on a copy of its base, both of which a test may damage."""
    shutil.copytree(base[1], tmp_path / "encoder")
    shutil.copytree(adapter, tmp_path / "model")
    (tmp_path / "model" / ".xxh128").unlink()
    file = tmp_path / "model" / "adapter_config.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | {"base_model_name_or_path": str(tmp_path / "encoder")}))
    return tmp_path / "model"


def test_merged_adapter_gives_the_same_vectors(base, adapter, tmp_path):
    adapters.merged(adapter).save(str(tmp_path / "merged"), create_model_card=False)
    names = {path.name for path in (tmp_path / "merged").iterdir()}
    assert "model.safetensors" in names
    assert not {n for n in names if n.startswith("adapter")}
    merged = SentenceTransformer(str(tmp_path / "merged"), device="cpu", local_files_only=True)
    expected = inference.load(base[0], adapter)("query", "text", TEXTS)
    assert merged.encode(TEXTS, prompt_name="query") == pytest.approx(expected, abs=1e-5)


def test_adapter_and_base_are_not_copied_into_one_another(adapter):
    assert not (adapter / "model.safetensors").exists()
    assert (adapter / "adapter_model.safetensors").stat().st_size < 40_000
    towers.load_model(adapter)


def test_base_that_was_changed_after_training_is_refused(copied):
    weights = copied.parent / "encoder" / "model.safetensors"
    tensors = load_file(weights)
    save_file({k: t * 1.5 for k, t in tensors.items()}, weights, {"format": "pt"})
    (weights.parent / ".xxh128").unlink(missing_ok=True)
    with pytest.raises(DataError, match="are not those that the adapter was trained on"):
        towers.load_model(copied)


def test_a_linear_module_that_was_changed_after_training_is_refused(headed, tmp_path):
    shutil.copytree(headed[1], tmp_path / "encoder")
    config = replace(SHORT, max_steps=2, evaluate_every=2, trainable=LORA)
    model = train(tmp_path, tmp_path / "encoder", config=config, values=headed[0])
    towers.load_model(model)
    weights = tmp_path / "encoder" / "2_Dense" / "model.safetensors"
    save_file({k: t * 1.5 for k, t in load_file(weights).items()}, weights, {"format": "pt"})
    (tmp_path / "encoder" / ".xxh128").unlink(missing_ok=True)
    with pytest.raises(DataError, match="are not those that the adapter was trained on"):
        towers.load_model(model)


def test_adapter_of_an_earlier_version_is_loaded(headed, tmp_path):
    """It recorded no module after the transformer."""
    shutil.copytree(headed[1], tmp_path / "encoder")
    config = replace(SHORT, max_steps=2, trainable=LORA)
    model = train(tmp_path, tmp_path / "encoder", config=config, values=headed[0])
    recorded = json.loads((model / "base.json").read_text())
    assert recorded.pop("whole")
    assert recorded["xxh128"].pop("2_Dense/model.safetensors")
    (model / "base.json").write_text(json.dumps(recorded))
    (model / ".xxh128").unlink(missing_ok=True)
    towers.load_model(model)


def test_adapter_of_a_base_that_has_more_weights_now_is_refused(copied):
    more = copied.parent / "encoder" / "2_Dense"
    more.mkdir()
    save_file({"linear.weight": torch.ones(2, 2)}, more / "model.safetensors")
    with pytest.raises(DataError, match="are not those that the adapter was trained on"):
        towers.load_model(copied)


def test_adapter_with_an_empty_record_of_its_base_is_refused(copied):
    (copied / "base.json").write_text(json.dumps({"base": "encoder", "xxh128": {}}))
    (copied / ".xxh128").unlink(missing_ok=True)
    with pytest.raises(DataError, match="are not those that the adapter was trained on"):
        towers.load_model(copied)


def test_adapter_of_another_base_is_refused(base, copied):
    other = transformer_values(tiny_transformer(copied.parent / "source", initializer_range=0.4))
    folder = prepared(pretrained, other, copied.parent / "other")
    file = copied / "adapter_config.json"
    values = json.loads(file.read_text()) | {"base_model_name_or_path": str(folder)}
    file.write_text(json.dumps(values))
    with pytest.raises(DataError, match="other are not those that the adapter was trained on"):
        towers.load_model(copied)
    with pytest.raises(DataError, match="other are not those that the adapter was trained on"):
        adapters.merged(copied)


def test_base_that_is_gone_is_named(copied):
    shutil.rmtree(copied.parent / "encoder")
    with pytest.raises(DataError, match="encoder is not there"):
        towers.load_model(copied)


def test_adapter_without_a_record_of_its_base_is_refused(copied):
    (copied / "base.json").unlink()
    with pytest.raises(DataError, match=r"has no base\.json"):
        towers.load_model(copied)


def test_pickled_adapter_is_refused(copied):
    weights = load_file(copied / "adapter_model.safetensors")
    torch.save(weights, copied / "adapter_model.bin")
    (copied / "adapter_model.safetensors").unlink()
    with pytest.raises(DataError, match="Pickled adapters are refused"):
        towers.load_model(copied)


@pytest.mark.parametrize("quantised", [torch.int8, torch.float8_e4m3fn])
def test_quantised_adapter_is_refused(copied, quantised):
    file = copied / "adapter_model.safetensors"
    save_file({k: (t * 100).to(quantised) for k, t in load_file(file).items()}, file)
    with pytest.raises(DataError, match="Quantised adapters are refused"):
        towers.load_model(copied)


def test_adapter_is_no_encoder_to_start_from(copied, tmp_path):
    values = transformer_values(copied)
    (tmp_path / "new").mkdir()
    with pytest.raises(ConfigError, match="is an adapter, pickled or not, and no whole model"):
        pretrained.prepare(values, {}, tmp_path / "new")


def test_quantised_base_is_refused(base, tmp_path):
    shutil.copytree(base[0]["model"], tmp_path / "source")
    file = tmp_path / "source" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"quantization_config": {"bits": 4}}))
    (tmp_path / "new").mkdir()
    with pytest.raises(ConfigError, match="its weights are quantised"):
        pretrained.prepare(transformer_values(tmp_path / "source"), {}, tmp_path / "new")


@pytest.mark.parametrize("kind", ["lora", "bottleneck"])
def test_plan_knows_the_parameters_of_adapters(base, kind):
    shape = Shape(2, 0, 32, 64, 100, source="test_inference", positions=64, token_types=2)
    found = counts(model_of(base, KINDS[kind]))["trained"]
    assert trained_parameters(shape, shape.parameters, KINDS[kind]) == found
    if kind == "lora":
        some = KINDS[kind] | {"modules": ["query", "attention.output.dense", "output.dense"]}
        found = counts(model_of(base, some))["trained"]
        assert trained_parameters(shape, shape.parameters, some) == found

"""What the plan says of a training step's memory is what torch holds."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest
import torch
from trainings import cpu as cpu
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaXLConfig,
)

from hybridbatch.cost.memory import Texts, trained_parameters, training_memory
from hybridbatch.cost.rules.training import step_memory
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.encoders.narrow import NarrowDistilBert
from hybridbatch.experiment.encoders.transformer import Config
from hybridbatch.experiment.load import load
from hybridbatch.experiment.shapes import Shape
from hybridbatch.training.trainable import counts, halve_frozen

ROOT = Path(__file__).parents[2]
LAYERS, WIDTH, HIDDEN, HEADS = 3, 32, 96, 2
BATCH = [Texts(6, 12), Texts(6, 20)]
TRAINABLE = {
    "all": None,
    "frozen tokens": {"kind": "all", "token_embeddings": False},
    "top": {"kind": "top", "layers": 2},
    "lora": {"kind": "lora", "budget": 12, "schedule": "rising", "scale": 2.0},
    "lora of two": {
        "kind": "lora", "budget": 12, "schedule": "uniform", "scale": 2.0,
        "modules": ["query", "attention.self.value"],
    },
    "bottleneck": {"kind": "bottleneck", "budget": 12, "schedule": "uniform"},
}  # fmt: skip
ARCHITECTURES = {"bert": BertConfig, "xlm-roberta": XLMRobertaConfig, "xl": XLMRobertaXLConfig}


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """benchmarks/training_memory.py, which measures."""
    spec = importlib.util.spec_from_file_location(
        "training_memory", ROOT / "benchmarks" / "training_memory.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tiny(architecture: str, folder: Path, **changes) -> tuple[PreTrainedModel, Shape]:
    """A tiny model of an architecture, and the shape that the plan reads in its folder."""
    values = {
        "vocab_size": 200,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": HIDDEN,
        "max_position_embeddings": 40,
    }
    model = AutoModel.from_config(ARCHITECTURES[architecture](**values | changes))
    model.save_pretrained(folder)
    entry = Config(
        kind="transformer", model=str(folder), pooling="mean", max_tokens=20, query_prefix="",
        passage_prefix="",
    )  # fmt: skip
    return model, entry.shape("query", lambda name: pytest.fail(f"{name} was not read"))


def assert_as_planned(benchmark, model, shape, trainable, checkpointing=False) -> None:
    trained = trained_parameters(shape, shape.parameters, trainable)
    assert counts(model)["all"] == shape.parameters
    planned = training_memory(
        [(shape, texts) for texts in BATCH], shape.parameters, trained, trainable, checkpointing
    )
    found = benchmark.held(model, BATCH, trainable, checkpointing)
    assert counts(model)["trained"] == trained
    assert planned.frozen == found["frozen"]
    assert planned.trained == pytest.approx(found["trained"], rel=0.1)
    assert planned.kept == pytest.approx(found["kept"], rel=0.1)
    assert bool(planned.again) == checkpointing
    total = planned.total - planned.again - planned.passing
    assert total == pytest.approx(sum(found.values()), rel=0.1)


@pytest.mark.parametrize(
    ("architecture", "trainable"),
    [
        ("bert", "all"),
        *product(["xlm-roberta"], ["all", "top", "lora", "bottleneck"]),
        *product(["xl"], TRAINABLE),
    ],
)
def test_a_training_step_holds_what_the_plan_says(benchmark, tmp_path, architecture, trainable):
    model, shape = tiny(architecture, tmp_path)
    assert_as_planned(benchmark, model, shape, TRAINABLE[trainable])


@pytest.mark.parametrize("architecture", ["xlm-roberta", "xl"])
def test_without_dropout_no_scores_are_held(benchmark, tmp_path, architecture):
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model, shape = tiny(architecture, tmp_path, **none)
    assert not shape.dropout
    assert_as_planned(benchmark, model, shape, None)


@pytest.mark.parametrize(
    ("architecture", "trainable"),
    [
        ("xlm-roberta", "frozen tokens"),
        ("xlm-roberta", "bottleneck"),
        ("xl", "all"),
        ("xl", "lora"),
    ],
)
def test_checkpointing_keeps_what_enters_the_layers(benchmark, tmp_path, architecture, trainable):
    model, shape = tiny(architecture, tmp_path)
    assert_as_planned(benchmark, model, shape, TRAINABLE[trainable], checkpointing=True)


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[PreTrainedModel], None]:
    """Autocast on a CPU with a GPU's rules: normalisations in float32, frozen weights in bfloat16.

    What differs are dropout, which is off here, and the kernels.
    """
    norm = torch.nn.functional.layer_norm

    def in_float32(x, shape, weight, bias, eps):
        with torch.autocast("cpu", enabled=False):
            return norm(x.float(), shape, weight.float(), bias.float(), eps)

    monkeypatch.setattr(torch.nn.functional, "layer_norm", in_float32)

    return halve_frozen


@pytest.mark.parametrize(
    ("architecture", "trainable", "checkpointing"),
    [
        ("xlm-roberta", "all", True),
        ("xlm-roberta", "lora", False),
        ("xl", "all", False),
        ("xl", "lora", False),
        ("xl", "lora", True),
        ("xl", "bottleneck", False),
    ],
)
def test_activations_in_bfloat16_are_as_planned_for_a_gpu(
    benchmark, tmp_path, as_on_a_gpu, architecture, trainable, checkpointing
):
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model, shape = tiny(architecture, tmp_path, **none)
    values = TRAINABLE[trainable]
    benchmark.made_ready(model, values, checkpointing)
    if values is not None:
        as_on_a_gpu(model)
    with torch.autocast("cpu", torch.bfloat16):
        saved = benchmark.saved_by(model, lambda: benchmark.loss_of(model, BATCH))
    # Copies of weights, which are counted with these.
    weights = {p.shape for p in model.parameters() if p.ndim > 1}
    weights |= {shape[::-1] for shape in weights}
    kept = sum(
        tensor.untyped_storage().nbytes()
        for tensor in saved
        if tensor.dtype != torch.bfloat16 or tensor.shape not in weights
    )
    planned = training_memory(
        [(shape, texts) for texts in BATCH], shape.parameters, 0, values, checkpointing, gpu=True
    )
    assert planned.kept == pytest.approx(kept, rel=0.1)


@pytest.mark.parametrize(
    ("encoder", "gigabytes"),
    [("xlm-r", 4.1), ("xlm-r-large", 8.4), ("xlm-r-xl", 22.2), ("xlm-r-xxl", 50.9)],
)
def test_large_encoders_need_what_torch_held_on_an_h100(encoder, gigabytes):
    """By benchmarks/training_memory.py --large, torch 2.11.0."""
    work = read_work(load([ROOT / "config" / "layers.yaml"]), read_rates(), "h100")
    system = next(of for of in work.systems.values() if of.encoder == encoder)
    assert step_memory(work, system).total == pytest.approx(gigabytes * 1e9, rel=0.03)


def test_gradients_of_activations_count_where_those_of_weights_are_fewer(tmp_path):
    _, shape = tiny("xl", tmp_path)
    batch = [(shape, texts) for texts in BATCH]
    none = training_memory(batch, shape.parameters, 0, TRAINABLE["top"], gpu=True)
    some = training_memory(batch, shape.parameters, 100, TRAINABLE["top"], gpu=True)
    assert none.passing - some.passing == 400
    assert none.passing == 3 * BATCH[1].tokens * (2 * HIDDEN + 4 * WIDTH)
    assert training_memory(batch, shape.parameters, 10**9, None, gpu=True).passing == 0


def test_a_trained_layer_that_is_computed_again_has_its_own_copy_in_bfloat16(tmp_path):
    _, shape = tiny("xl", tmp_path)
    batch = [(shape, texts) for texts in BATCH]
    trained = TRAINABLE["top"]["layers"] * shape.layer_parameters
    of_top, none = (
        training_memory(batch, shape.parameters, number, TRAINABLE["top"], True, gpu=True).again
        for number in (trained, 0)
    )
    assert of_top - none == 2 * shape.layer_parameters


def test_the_layer_that_is_computed_again_is_one_of_those_that_were_kept(tmp_path):
    _, shape = tiny("xl", tmp_path)
    batch = [(shape, texts) for texts in BATCH]
    number = shape.parameters
    whole = training_memory(batch, number, number)
    # One layer more, for the longer side alone.
    more = [(replace(shape, encoder_layers=LAYERS + 1), texts) for texts in BATCH[1:]]
    one = (
        training_memory(more, number, number).kept - training_memory(batch[1:], number, number).kept
    )
    assert training_memory(batch, number, number, checkpointing=True).again == pytest.approx(one)
    assert whole.again == 0


@pytest.mark.parametrize("heads", [[2, 2, 2], [1, 2, 3]])
def test_layers_of_different_widths_hold_what_their_mean_does(benchmark, heads):
    config = DistilBertConfig(
        vocab_size=200, dim=WIDTH, n_layers=LAYERS, n_heads=4, dropout=0.0,
        attention_dropout=0.0, max_position_embeddings=20,
    )  # fmt: skip
    units = [HIDDEN * number // 2 for number in heads]
    config.hidden_dim = max(units)
    model = NarrowDistilBert(DistilBertModel(config), heads, units)
    shape = Shape(
        LAYERS, 0, WIDTH, HIDDEN, 200, "", positions=20, heads=2, attention=16, dropout=False
    )
    assert_as_planned(benchmark, model, shape, None)


def test_the_largest_encoder_fits_one_gpu_of_80_gb():
    """The numbers of a first try: 25 GiB at 72 tokens a pair, 48 at 256 + 256, without 413 more."""
    shape = Shape(
        48, 0, 4096, 16384, 250880, "", positions=514, token_types=1, pooler=True, heads=32,
        norm_first=True,
    )  # fmt: skip
    lora = {"kind": "lora", "budget": 768, "schedule": "uniform", "scale": 2.0}
    trained = trained_parameters(shape, shape.parameters, lora)
    assert trained == 56_623_104

    def gib(length: float, checkpointing: bool) -> float:
        batch = [(shape, Texts(100, length))] * 2
        return (
            training_memory(batch, shape.parameters, trained, lora, checkpointing, gpu=True).total
            / 2**30
        )

    assert gib(256, True) == pytest.approx(48, rel=0.1)
    assert gib(36, True) == pytest.approx(25, rel=0.1)
    assert gib(256, True) * 2**30 < 80e9
    assert gib(256, False) > 400

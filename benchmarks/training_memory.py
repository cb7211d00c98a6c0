"""Memory of a training step: what `make plan` reckons, and what torch holds.

    .venv/bin/python benchmarks/training_memory.py [--large]

Random encoders of the large ones' architectures, but small. On a CPU: the bytes of parameters,
gradients, AdamW's moments and best weights, and of the tensors that autograd saves, each storage
once. On a GPU: torch's peak, of wider encoders; where there is none, the rows say so. With --large,
only the encoders of config/layers.yaml, as large as they are, with random weights, on a GPU.
"""

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import Pooling
from tabulate import tabulate
from torch.autograd.graph import saved_tensors_hooks
from transformers import AutoModel, PreTrainedModel, XLMRobertaConfig, XLMRobertaXLConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.cost.memory import Texts, trained_parameters, training_memory
from hybridbatch.cost.rules.training import step_memory
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.encoders.layers import checkpoint_layers
from hybridbatch.experiment.load import load
from hybridbatch.experiment.shapes import Shape
from hybridbatch.experiment.systems import training_values
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.losses import info_nce
from hybridbatch.training.optimisation import optimizers_of
from hybridbatch.training.trainable import restrict, trained_state

ROOT = Path(__file__).parents[1]
CONFIG = TrainConfig(
    sampling="hybrid", alpha=0.5, pairs=1.0, batch_size=8, corpus_weighting={"temperature": 1.0},
    max_steps=1, warmup_steps=0, decay_share=0.0, learning_rate=0.001, weight_decay=0.01,
    temperature=0.05, max_grad_norm=1.0, evaluate_every=1, patience=1,
)  # fmt: skip
TRAINABLE = {
    "all": None,
    "lora": {"kind": "lora", "budget": 64, "schedule": "uniform", "scale": 2.0},
}


def embed(transformer: PreTrainedModel, texts: Texts) -> torch.Tensor:
    """Vectors of random texts, of which every other one has some padding."""
    shape = (int(texts.number), int(texts.length))
    ids = torch.randint(5, transformer.config.vocab_size, shape, device=transformer.device)
    mask = torch.ones_like(ids)
    mask[::2, -2:] = 0
    found = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
    features = {"token_embeddings": found, "attention_mask": mask}
    pooled = Pooling(found.shape[-1], pooling_mode="mean")(features)
    return torch.nn.functional.normalize(pooled["sentence_embedding"], dim=-1)


def loss_of(transformer: PreTrainedModel, batch: Sequence[Texts]) -> torch.Tensor:
    on_gpu = transformer.device.type == "cuda"
    with torch.autocast("cuda", torch.bfloat16, enabled=on_gpu):
        return info_nce(*(embed(transformer, texts) for texts in batch), 0.05)


def made_ready(
    transformer: PreTrainedModel, trainable: Mapping[str, Any] | None, checkpointing: bool
) -> list[torch.optim.Optimizer]:
    """Prepare a transformer for training, as training does; returns the optimizers."""
    if checkpointing:
        checkpoint_layers(transformer)
    restrict(transformer, trainable, 0)
    transformer.train()
    return optimizers_of(transformer, CONFIG)


def saved_by(transformer: PreTrainedModel, forward: Callable[[], Any]) -> list[torch.Tensor]:
    """The tensors that autograd saves in a forward pass, one for each storage, without weights."""
    own = (*transformer.parameters(), *transformer.buffers())
    addresses = {tensor.untyped_storage().data_ptr() for tensor in own}
    saved: dict[int, torch.Tensor] = {}  # holds them, so that no address is used twice

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if (address := tensor.untyped_storage().data_ptr()) not in addresses:
            saved.setdefault(address, tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return list(saved.values())


def held(
    transformer: PreTrainedModel,
    batch: Sequence[Texts],
    trainable: Mapping[str, Any] | None = None,
    checkpointing: bool = False,
) -> dict[str, int]:
    """Bytes that a training step holds on a CPU: `frozen`, `trained` and `kept`, as in Memory."""
    optimizers = made_ready(transformer, trainable, checkpointing)
    best = [tensor.clone() for tensor in trained_state(transformer).values()]
    losses = []
    saved = saved_by(transformer, lambda: losses.append(loss_of(transformer, batch)))
    kept = sum(tensor.untyped_storage().nbytes() for tensor in saved)
    losses[0].backward()
    for optimizer in optimizers:
        optimizer.step()
    trained = [p for p in transformer.parameters() if p.requires_grad]
    states = [s.values() for o in optimizers for s in o.state.values()]
    tensors = [*trained, *(p.grad for p in trained if p.grad is not None), *best]
    tensors += [t for values in states for t in values]
    return {
        "frozen": sum(p.nbytes for p in transformer.parameters() if not p.requires_grad),
        "trained": sum(tensor.nbytes for tensor in tensors),
        "kept": kept,
    }


def peak(
    transformer: PreTrainedModel,
    batch: Sequence[Texts],
    trainable: Mapping[str, Any] | None,
    checkpointing: bool,
) -> int:
    """Bytes that torch held at most in the second of two steps on a GPU."""
    optimizers = made_ready(transformer.to("cuda"), trainable, checkpointing)
    best = [tensor.clone() for tensor in trained_state(transformer).values()]
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats()
        loss_of(transformer, batch).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    assert best
    return torch.cuda.max_memory_allocated()


def shape_of_size(kind: type, width: int, layers: int) -> Shape:
    config = kind()
    return Shape(
        layers, 0, width, 4 * width, 1000, "made up", positions=config.max_position_embeddings,
        token_types=config.type_vocab_size, pooler=True, heads=width // 32,
        norm_first=kind is XLMRobertaXLConfig,
    )  # fmt: skip


def transformer_of(shape: Shape) -> PreTrainedModel:
    """A transformer with random weights."""
    kind = XLMRobertaXLConfig if shape.norm_first else XLMRobertaConfig
    config = kind(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        num_hidden_layers=shape.encoder_layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.token_types,
    )
    torch.manual_seed(0)
    return AutoModel.from_config(config)


def row(kind: type, name: str, checkpointing: bool, on_gpu: bool) -> list[str]:
    width, layers, batch = 64, 4, [Texts(8, 24), Texts(8, 48)]
    if on_gpu:
        width, layers, batch = 1024, 8, [Texts(100, 128), Texts(100, 256)]
    what = [kind.model_type, name, "yes" if checkpointing else "no", "GPU" if on_gpu else "CPU"]
    shape = shape_of_size(kind, width, layers)
    transformer, values = transformer_of(shape), TRAINABLE[name]
    planned = training_memory(
        [(shape, texts) for texts in batch],
        shape.parameters,
        trained_parameters(shape, shape.parameters, values),
        values,
        checkpointing,
        on_gpu,
    )
    if not on_gpu:
        found = sum(held(transformer, batch, values, checkpointing).values())
        # Without what is there only in the backward pass.
        reckoned = planned.total - planned.again - planned.passing
    elif torch.cuda.is_available():
        found, reckoned = peak(transformer, batch, values, checkpointing), planned.total
    else:
        return [*what, f"{planned.total / 1e6:,.2f}", "not measured", ""]
    return [*what, f"{reckoned / 1e6:,.2f}", f"{found / 1e6:,.2f}", f"{reckoned / found:.2f}"]


def large_rows() -> list[list[str]]:
    """Of the encoders of config/layers.yaml, each with its largest batch."""
    rows = []
    work = read_work(load([ROOT / "config" / "layers.yaml"]), read_rates(), "h100")
    for name in work.experiment.encoders:
        shape = work.shape(name, "query")
        system = next(of for of in work.systems.values() if of.encoder == name)
        values = training_values(work.experiment, system)
        planned = step_memory(work, system)
        found = "not measured"
        if torch.cuda.is_available():
            with torch.device("cuda"):
                transformer = transformer_of(shape)
            of_step = (values["trainable"], values["gradient_checkpointing"])
            held = peak(transformer, planned.batch, *of_step)
            found = f"{held / 1e9:.1f} ({planned.total / held:.2f})"
            # Before the next one is made, which may need all of the GPU's memory.
            del transformer
            gc.collect()
            torch.cuda.empty_cache()
        sizes = [f"{shape.parameters / 1e9:.2f}", f"{planned.total / 1e9:.1f}"]
        rows.append([name, *sizes, found])
    return rows


def main() -> None:
    torch.set_num_threads(1)
    if "--large" in sys.argv[1:]:
        headers = ["encoder", "parameters, 10^9", "reckoned, GB", "torch, GB (ratio)"]
        print(tabulate(large_rows(), headers, tablefmt="github", disable_numparse=True))
        return
    rows = [
        row(kind, name, checkpointing, on_gpu)
        for on_gpu in (False, True)
        for kind in (XLMRobertaConfig, XLMRobertaXLConfig)
        for name in TRAINABLE
        for checkpointing in (False, True)
    ]
    headers = [
        "architecture",
        "trained",
        "checkpointing",
        "on",
        "reckoned, MB",
        "torch, MB",
        "ratio",
    ]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()

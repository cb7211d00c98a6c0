"""Torch models: assembling, loading, and running them on sequences of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from hybridbatch.encoders import adapters
from hybridbatch.encoders.devices import best_device
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.runtime.files import checked

if TYPE_CHECKING:
    from sentence_transformers.sentence_transformer.modules import Transformer

# Number of padding tokens that cost as much as one more pass through the model. The CPU's number is
# measured (benchmarks/transformer_training.py). The GPU's is an estimate; it is larger because
# each pass launches all kernels again.
_TOKENS_A_PASS = {"cpu": 256, "gpu": 4096}


def assembled(
    modules: Sequence[torch.nn.Module], prompts: dict[str, str], device: str
) -> SentenceTransformer:
    """A SentenceTransformer of these modules on a device.

    prompts: each side's prefix, by prompt name (`base.PROMPTS`).
    """
    return SentenceTransformer(modules=list(modules), prompts=prompts, device=device)


def transformer_module(path: str | Path, max_tokens: int) -> Transformer:
    """The module of a saved transformer and its tokenizer: safetensors only, no remote code."""
    # Imported here: a static model has no such module.
    from sentence_transformers.sentence_transformer.modules import Transformer

    safe = {"trust_remote_code": False}
    return Transformer(
        str(path),
        max_seq_length=max_tokens,
        model_kwargs={"use_safetensors": True, **safe},
        config_kwargs=safe,
        processor_kwargs=safe,
    )


def load_model(path: Path, device: str | None = None) -> SentenceTransformer:
    """Load a saved model: safetensors only, no remote code, no network.

    device: the `best_device` if None. An adapter is laid over its base; raises DataError if that
    is not the one it was trained on.
    """
    if adapters.is_adapter(path):
        checked(adapters.check_base(path))
    return SentenceTransformer(
        str(checked(path)),
        device=device or best_device(),
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )


class TextTower:
    """One transformer for both sides; the prefix alone tells them apart."""

    def __init__(self, model: SentenceTransformer) -> None:
        self.model = model

    def embed(self, side: str, modality: str, inputs: Ragged) -> torch.Tensor:
        """Embeddings, float [n, d] on the model's device, with gradients if they are on."""
        return embed_padded(self.model, inputs)


def embed_padded(model: SentenceTransformer, tokens: Ragged) -> torch.Tensor:
    """Embeddings, float [n, d] on the model's device, in input order.

    Sequences pass through the model in chunks of similar length, to save padding.
    """
    device = model.device
    parts = length_chunks(tokens.lengths(), padding_allowed(device))
    vectors = torch.cat([_one_pass(model, tokens.take(rows), device) for rows in parts])
    order = torch.from_numpy(np.argsort(np.concatenate(parts))).to(device)
    return vectors.index_select(0, order)


def padding_allowed(device: torch.device) -> int:
    """How many padding tokens a pass through a model may have, for `length_chunks`."""
    return _TOKENS_A_PASS["cpu" if device.type == "cpu" else "gpu"]


def length_chunks(lengths: np.ndarray, allowed: int) -> list[np.ndarray]:
    """Row numbers in chunks of similar length, the longest first.

    lengths: int [n]. Each chunk, padded to its longest row, has at most `allowed` padding tokens.
    The more the lengths differ, the more chunks there are.
    """
    order = np.argsort(-lengths, kind="stable")
    cuts, padding = [], 0
    longest = int(lengths[order[0]])
    for place, length in enumerate(lengths[order].tolist()):
        padding += longest - length
        if padding > allowed:
            cuts.append(place)
            longest, padding = length, 0
    return np.split(order, cuts)


def _one_pass(model: SentenceTransformer, tokens: Ragged, device: torch.device) -> torch.Tensor:
    features = padded(tokens, model.tokenizer.pad_token_id or 0)
    return model({name: part.to(device) for name, part in features.items()})["sentence_embedding"]


def padded(tokens: Ragged, padding: int, width: int | None = None) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, int64 [n, width], of sequences padded at their end.

    padding: the padding token's id. width: that of the longest sequence if None.
    """
    lengths = torch.from_numpy(tokens.lengths())
    mask = torch.arange(width or int(lengths.max())) < lengths[:, None]
    ids = torch.full(mask.shape, padding, dtype=torch.long)
    ids[mask] = torch.from_numpy(tokens.ids).long()
    return {"input_ids": ids, "attention_mask": mask.long()}

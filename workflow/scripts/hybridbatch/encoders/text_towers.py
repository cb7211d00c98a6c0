"""Text towers of text-image encoders: a trained system, or a Hugging Face encoder."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules import Module
from sentence_transformers.sentence_transformer.modules import (
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)

from hybridbatch.encoders import adapters, pretrained
from hybridbatch.encoders.base import PROMPTS, QUERY, TEXT
from hybridbatch.encoders.halves import SAFE, WEIGHTS, half, has_halves
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.soundness import check
from hybridbatch.encoders.towers import (
    assembled,
    length_chunks,
    load_model,
    padded,
    padding_allowed,
)
from hybridbatch.runtime.errors import ConfigError


def text_tower(values: Mapping[str, Any]) -> tuple[list[Module], str]:
    """The modules of a text tower on the CPU, and the prefix of its texts.

    values: of the catalogue entry's `text`. `pooling: published` takes the modules stored with the
    model, as a trained system has them, or the tower of CLIP, SigLIP or BLIP. Without a `prefix`,
    it is the one that the model has for queries.
    """
    path = pretrained.located(values["model"], values.get("revision"), adapters=True)
    limit = values["max_tokens"]
    prefix = ""
    if values["pooling"] != "published":
        transformer = Transformer(
            str(path),
            max_seq_length=limit,
            model_kwargs=WEIGHTS,
            processor_kwargs=dict(SAFE),
            config_kwargs=dict(SAFE),
        )
        pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=values["pooling"])
        modules = [transformer, pooling, Normalize()]
    elif has_halves(path):
        modules = half(path, TEXT, limit)
    else:
        merged = adapters.is_adapter(path)
        model = adapters.merged(path) if merged else load_model(path, "cpu")
        modules, prefix = list(model), model.prompts.get(PROMPTS[QUERY]) or ""
        if isinstance(modules[0], StaticEmbedding):
            modules[0].tokenizer.enable_truncation(limit)
        else:
            modules[0].max_seq_length = limit
    if isinstance(modules[0], Transformer) and not has_halves(path):
        whole = assembled(modules, {}, "cpu")
        try:
            check(whole, modules[0].tokenizer.backend_tokenizer, limit)
        except ConfigError as error:
            raise ConfigError(f"encoder {values['model']}: {error}") from error
    return modules, values.get("prefix", prefix)


def special_tokens(first: Module) -> bool:
    """Whether texts get the tokenizer's special tokens. first: the tower's first module."""
    return not isinstance(first, StaticEmbedding)


def embed_tokens(route: torch.nn.Module, tokens: Ragged, device: torch.device) -> torch.Tensor:
    """Embeddings, float [n, d], of token ids. route: the tower's modules in their order."""
    first = route[0]
    if isinstance(first, StaticEmbedding):
        features = {
            "input_ids": torch.from_numpy(tokens.ids).to(device),
            "offsets": torch.from_numpy(tokens.bounds[:-1].astype(np.int32)).to(device),
        }
        return route(features)["sentence_embedding"]
    width = None
    if first.processing_kwargs.get("text", {}).get("padding") == "max_length":
        width = first.tokenizer.model_max_length
    chunks = length_chunks(tokens.lengths(), padding_allowed(device))
    vectors = []
    for rows in chunks:
        features = padded(tokens.take(rows), first.tokenizer.pad_token_id or 0, width)
        if "attention_mask" not in first.tokenizer.model_input_names:
            del features["attention_mask"]
        features = {name: part.to(device) for name, part in features.items()}
        vectors.append(route(features)["sentence_embedding"])
    order = torch.from_numpy(np.argsort(np.concatenate(chunks))).to(device)
    return torch.cat(vectors).index_select(0, order)

"""A transformer with random weights; its Unigram tokenizer is trained by the workflow."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridbatch.encoders import inference, tokens
from hybridbatch.encoders.base import Encode, Encoder, MakeInputs


@dataclass(frozen=True)
class ScratchConfig:
    """The values of the catalogue entry."""

    kind: str
    layers: int
    heads: int
    dimension: int  # of hidden states and embeddings; a multiple of `heads`
    feed_forward: int  # hidden dimension of a layer's feed-forward network
    dropout: float
    vocabulary: int
    tokenizer_characters: int  # characters of each language for training the tokenizer
    max_tokens: int  # maximum length of inputs, and number of positions
    query_prefix: str
    passage_prefix: str


def prepare(values: Mapping[str, Any], texts: tokens.Texts, folder: Path) -> None:
    """Train the tokenizer into `folder`."""
    config = ScratchConfig(**values)
    tokens.save_unigram(texts, config.vocabulary, config.tokenizer_characters, folder)


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """Token ids. The tokenizer has no special tokens to add."""
    config = ScratchConfig(**values)
    tokenizer = tokens.load_tokenizer(folder / tokens.TOKENIZER_FILE, config.max_tokens)
    return tokens.text_inputs(tokenizer, tokens.prompts(config), special_tokens=True)


def start(values: Mapping[str, Any], folder: Path, seed: int) -> Encoder:
    """A transformer with random weights from `seed`, and mean pooling over tokens.

    The architecture is DistilBERT's: that of BERT and XLM-R without segment embeddings and pooler,
    which mean pooling does not need. Texts get no special tokens.
    """
    import torch
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

    from hybridbatch.encoders.devices import best_device
    from hybridbatch.encoders.towers import TextTower, assembled

    config = ScratchConfig(**values)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens.load_tokenizer(folder / tokens.TOKENIZER_FILE, config.max_tokens),
        pad_token=tokens.PADDING,
        unk_token=tokens.UNKNOWN,
        model_max_length=config.max_tokens,
    )
    architecture = DistilBertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=config.max_tokens,
        n_layers=config.layers,
        n_heads=config.heads,
        dim=config.dimension,
        hidden_dim=config.feed_forward,
        dropout=config.dropout,
        attention_dropout=config.dropout,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as saved:
        torch.manual_seed(seed)
        DistilBertModel(architecture).save_pretrained(saved)
        tokenizer.save_pretrained(saved)
        safe = {"trust_remote_code": False}
        transformer = Transformer(
            saved,
            max_seq_length=config.max_tokens,
            model_kwargs=safe,
            config_kwargs=safe,
            processor_kwargs=safe,
        )
    # A batch has few of the vocabulary's tokens, so gradients of the embeddings are sparse.
    transformer.model.get_input_embeddings().sparse = True
    pooling = Pooling(config.dimension, pooling_mode="mean")
    modules = [transformer, pooling, Normalize()]
    return TextTower(assembled(modules, tokens.prompts(config), best_device()))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode with the saved model."""
    return inference.by_torch(model, inputs(values, model))

"""Transformers with random weights, for the kinds that the workflow trains from scratch."""

import tempfile
from pathlib import Path

import torch
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

from hybridbatch.encoders import tokens
from hybridbatch.encoders.devices import best_device
from hybridbatch.encoders.towers import TextTower, assembled, transformer_module


def distilbert(
    folder: Path,
    max_tokens: int,
    seed: int,
    *,
    layers: int,
    heads: int,
    dimension: int,
    feed_forward: int,
    dropout: float,
) -> Transformer:
    """A transformer with random weights from `seed`, and the tokenizer in `folder`.

    The architecture is DistilBERT's: that of BERT and XLM-R without segment embeddings and pooler,
    which mean pooling does not need. Texts get no special tokens.
    """
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens.load_tokenizer(folder / tokens.TOKENIZER_FILE, max_tokens),
        pad_token=tokens.PADDING,
        unk_token=tokens.UNKNOWN,
        model_max_length=max_tokens,
    )
    architecture = DistilBertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=max_tokens,
        n_layers=layers,
        n_heads=heads,
        dim=dimension,
        hidden_dim=feed_forward,
        dropout=dropout,
        attention_dropout=dropout,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as saved:
        torch.manual_seed(seed)
        DistilBertModel(architecture).save_pretrained(saved)
        tokenizer.save_pretrained(saved)
        return transformer_module(saved, max_tokens)


def text_tower(transformer: Transformer, prompts: dict[str, str]) -> TextTower:
    """A transformer, mean pooling over tokens, and vectors of length one.

    prompts: each side's prefix, by prompt name.
    """
    # A batch has few of the vocabulary's tokens, so gradients of the embeddings are sparse.
    transformer.model.get_input_embeddings().sparse = True
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    return TextTower(assembled([transformer, pooling, Normalize()], prompts, best_device()))

"""A tiny pretrained encoder with random weights, in the files that a hub would have."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybridbatch.encoders.tokens import train_unigram

POSITIONS = 64


def tiny_bert(folder: Path, texts: Sequence[str], vocabulary: int = 200) -> Path:
    """Save a BERT of 32 dimensions with safetensors weights and a fast tokenizer for `texts`."""
    folder.mkdir(exist_ok=True)
    train_unigram({"xx": list(texts)}, vocabulary, 10**6).save(str(folder / "tokenizer.json"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<pad>",
        model_max_length=POSITIONS,
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
    )
    BertModel(config).save_pretrained(folder)
    return folder

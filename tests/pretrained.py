"""Tiny pretrained encoders with random weights, in the files that a hub would have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

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


MAX_TOKENS = 40
TEXTS = [
    "volcanoes",
    "A volcano is a vent in the crust of a planet.",
    "Вулкан — это отверстие в земной коре.",
    "火山是地壳的裂口，岩浆从那里喷出来。",
    "ज्वालामुखी पृथ्वी की सतह में एक छेद है।",
    "البركان فتحة في قشرة الأرض",
    "?",
    "Why do volcanoes erupt, and where does all of the ash go afterwards? " * 8,
]
Values = dict[str, Any]
COMMON = {"max_tokens": MAX_TOKENS, "query_prefix": "Query: ", "passage_prefix": "Passage: "}


def transformer_values(model: Path | str, pooling: str = "mean") -> Values:
    """The catalogue entry of a local encoder."""
    return {"kind": "transformer", "model": str(model), "pooling": pooling, **COMMON}


def prepared(kind, values: Values, folder: Path) -> Path:
    """What training starts from, with a tokenizer for TEXTS where one is trained here."""
    folder.mkdir()
    kind.prepare(values, {"mixed": TEXTS}, folder)
    return folder


def _wordpiece() -> tuple[Tokenizer, dict[str, str]]:
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    special |= {"sep_token": "[SEP]", "mask_token": "[MASK]"}
    characters = sorted({c for text in [*TEXTS, "Query: Passage:"] for c in text.lower()})
    pieces = [*special.values(), *characters, *(f"##{c}" for c in characters), "volcano", "##es"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer, special


def _unigram() -> tuple[Tokenizer, dict[str, str]]:
    special = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    characters = sorted({c for text in [*TEXTS, "Query: Passage:"] for c in text} - {" "})
    pieces = [(token, 0.0) for token in special.values()]
    pieces += [("▁", -2.0), ("volcano", -3.0), *((c, -5.0) for c in characters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer, special


def tiny_transformer(
    folder: Path, architecture: str = "bert", initializer_range: float = 0.3
) -> Path:
    """A random encoder of 2 layers, saved as encoders are on the hub.

    Its weights are large, so that other tokens or another mask give other vectors.
    """
    tokenizer, special = {"bert": _wordpiece, "xlm-roberta": _unigram}[architecture]()
    # A tokenizer.json may say how to cut and pad; what counts is the encoder's max_tokens.
    tokenizer.enable_truncation(5)
    config_class, model_class = {
        "bert": (BertConfig, BertModel),
        "xlm-roberta": (XLMRobertaConfig, XLMRobertaModel),
    }[architecture]
    config = config_class(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=initializer_range,
        pad_token_id=tokenizer.token_to_id(special["pad_token"]),
        hidden_dropout_prob=0.1,
    )
    torch.manual_seed(0)
    model_class(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder

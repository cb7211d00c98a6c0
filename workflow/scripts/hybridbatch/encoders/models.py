"""Encoders: built from the configuration, saved so that SentenceTransformer loads them.

An encoder has a query side and a candidate side. Here both are one shared text tower that tells
the sides apart by a prefix; nothing outside this module and `encoding` depends on that.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

from hybridbatch.encoders.tokens import PADDING, TOKENIZER_FILE, UNKNOWN, Ragged, load_tokenizer
from hybridbatch.runtime.errors import ConfigError, SourceError

_WEIGHTS = ("*.safetensors", "*.json", "*.txt", "*.model")
# Tokens of padding for which one more pass through the model is worth its while. The CPU's figure
# is measured (benchmarks/transformer_training.py); the GPU's, where launching all kernels again
# costs more, is an estimate.
_TOKENS_A_PASS = {"cpu": 256, "gpu": 4096}


@dataclass(frozen=True)
class StaticConfig:
    """The mean of token embeddings; its Unigram tokenizer is trained by the workflow."""

    kind: str
    dimension: int
    vocabulary: int
    tokenizer_characters: int  # of each language, for training the tokenizer
    max_tokens: int
    query_prefix: str
    passage_prefix: str


@dataclass(frozen=True)
class ScratchConfig:
    """A transformer with random weights; its Unigram tokenizer is trained by the workflow."""

    kind: str
    layers: int
    heads: int
    dimension: int  # of tokens and embeddings; a multiple of `heads`
    feed_forward: int  # dimension between the two halves of a layer's feed-forward network
    dropout: float
    vocabulary: int
    tokenizer_characters: int  # of each language, for training the tokenizer
    max_tokens: int  # and that many positions
    query_prefix: str
    passage_prefix: str


@dataclass(frozen=True)
class TransformerConfig:
    """A Hugging Face encoder: a hub name with its revision, or a local folder without."""

    kind: str
    model: str
    pooling: str  # mean, cls, or published: the modules that are stored with the model
    max_tokens: int
    query_prefix: str
    passage_prefix: str
    revision: str | None = None


EncoderConfig = StaticConfig | ScratchConfig | TransformerConfig
_KINDS = {"static": StaticConfig, "scratch": ScratchConfig, "transformer": TransformerConfig}


def encoder_config(values: dict) -> EncoderConfig:
    """The dataclass for a catalogue entry, by its `kind`."""
    return _KINDS[values["kind"]](**values)


def fetch_transformer(config: TransformerConfig, destination: Path) -> None:
    """Bring a pretrained encoder to `destination` as a SentenceTransformer folder.

    Weights are read from safetensors only, at the pinned revision, and no remote code runs.
    """
    local = Path(config.model).is_dir()
    if not local and not config.revision:
        raise ConfigError(f"encoder {config.model}: a hub model needs a `revision`.")
    path = config.model
    if not local:
        from huggingface_hub import snapshot_download

        try:
            path = snapshot_download(
                config.model, revision=config.revision, allow_patterns=_WEIGHTS
            )
        except (OSError, ValueError) as error:
            raise SourceError(
                f"encoder {config.model} at revision {config.revision} cannot be had: {error}. "
                "Without a network, copy its files into a folder and name that as `model`."
            ) from error
    safe = {file.parent for file in Path(path).rglob("*.safetensors")}
    pickled = {file.parent for file in Path(path).rglob("pytorch_model*.bin")}
    if not safe or pickled - safe:
        raise ConfigError(
            f"encoder {config.model}: has no safetensors weights, or not for every module; "
            "pickled weights are refused. Convert them, or name a revision that has "
            "model.safetensors."
        )
    _assemble(path, config).save(str(destination), create_model_card=False)
    if not (destination / TOKENIZER_FILE).is_file():
        raise ConfigError(f"encoder {config.model}: has no fast tokenizer ({TOKENIZER_FILE}).")


def new_static(config: StaticConfig, encoder: Path, seed: int) -> SentenceTransformer:
    """A static encoder with a random table (standard normal / sqrt(dimension)) from `seed`.

    encoder: the folder that holds the tokenizer.
    """
    tokenizer = load_tokenizer(encoder / TOKENIZER_FILE, config.max_tokens)
    generator = torch.Generator().manual_seed(seed)
    shape = (tokenizer.get_vocab_size(), config.dimension)
    table = torch.randn(shape, generator=generator) / config.dimension**0.5
    static = StaticEmbedding(tokenizer, embedding_weights=table)
    static.embedding.sparse = True
    return _with_prompts([static, Normalize()], config)


def new_transformer(config: ScratchConfig, encoder: Path, seed: int) -> SentenceTransformer:
    """A transformer with random weights from `seed`, its embeddings the mean over tokens.

    DistilBERT's architecture is BERT's (and so XLM-R's) without what a mean over tokens has no
    use for: segments and a pooler. Texts get no special tokens. encoder: the folder that holds
    the tokenizer.
    """
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=load_tokenizer(encoder / TOKENIZER_FILE, config.max_tokens),
        pad_token=PADDING,
        unk_token=UNKNOWN,
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
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        DistilBertModel(architecture).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=config.max_tokens)
    # A batch has few of the vocabulary's tokens; the other rows need no gradient.
    transformer.model.get_input_embeddings().sparse = True
    pooling = Pooling(config.dimension, pooling_mode="mean")
    return _with_prompts([transformer, pooling, Normalize()], config)


def starting_model(config: EncoderConfig, encoder: Path, seed: int) -> SentenceTransformer:
    """The model that fine-tuning starts from."""
    if isinstance(config, StaticConfig):
        return new_static(config, encoder, seed)
    if isinstance(config, ScratchConfig):
        return new_transformer(config, encoder, seed)
    return load_model(encoder)


def load_model(path: Path) -> SentenceTransformer:
    """A saved model on the best device; safetensors only, no remote code, no network."""
    return SentenceTransformer(
        str(path), local_files_only=True, model_kwargs={"use_safetensors": True}
    )


def embed(model: SentenceTransformer, tokens: Ragged, device: torch.device) -> torch.Tensor:
    """Embeddings, float [n, d] on `device`, with gradients if they are on."""
    if isinstance(model[0], StaticEmbedding):
        offsets = torch.from_numpy(tokens.bounds[:-1]).to(device)
        ids = torch.from_numpy(tokens.ids).to(device)
        return model({"input_ids": ids, "offsets": offsets})["sentence_embedding"]
    allowed = _TOKENS_A_PASS["cpu" if device.type == "cpu" else "gpu"]
    parts = length_chunks(tokens.lengths(), allowed)
    vectors = torch.cat([_embed_padded(model, tokens.take(rows), device) for rows in parts])
    order = torch.from_numpy(np.argsort(np.concatenate(parts))).to(device)
    return vectors.index_select(0, order)


def length_chunks(lengths: np.ndarray, allowed: int) -> list[np.ndarray]:
    """Row numbers in chunks of about one length, the longest first.

    lengths: int [n]. Padded to its longest row, each chunk has at most `allowed` tokens of
    padding, so that there are as many chunks as the lengths differ.
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


def _embed_padded(model: SentenceTransformer, tokens: Ragged, device: torch.device) -> torch.Tensor:
    lengths = torch.from_numpy(tokens.lengths())
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    padded = torch.full(mask.shape, model.tokenizer.pad_token_id or 0, dtype=torch.long)
    padded[mask] = torch.from_numpy(tokens.ids).long()
    features = {"input_ids": padded.to(device), "attention_mask": mask.long().to(device)}
    return model(features)["sentence_embedding"]


def _assemble(path: str, config: TransformerConfig) -> SentenceTransformer:
    if config.pooling == "published":
        model = SentenceTransformer(path, model_kwargs={"use_safetensors": True})
        model.max_seq_length = config.max_tokens
        model.prompts = _prompts(config)
        return model
    transformer = Transformer(
        path, max_seq_length=config.max_tokens, model_kwargs={"use_safetensors": True}
    )
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=config.pooling)
    return _with_prompts([transformer, pooling, Normalize()], config)


def _with_prompts(modules: list, config: EncoderConfig) -> SentenceTransformer:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return SentenceTransformer(modules=modules, prompts=_prompts(config), device=device)


def _prompts(config: EncoderConfig) -> dict[str, str]:
    return {"query": config.query_prefix, "document": config.passage_prefix}

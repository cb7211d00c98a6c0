"""Encoders: built from the configuration, saved so that SentenceTransformer loads them.

An encoder has a query side and a candidate side. Here both are one shared text tower that tells
the sides apart by a prefix; nothing outside this module and `encoding` depends on that.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)

from hybridbatch.errors import ConfigError, SourceError
from hybridbatch.tokens import TOKENIZER_FILE, Ragged, load_tokenizer

_WEIGHTS = ("*.safetensors", "*.json", "*.txt", "*.model")


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
class TransformerConfig:
    """A Hugging Face encoder: a hub name with its revision, or a local folder without."""

    kind: str
    model: str
    pooling: str  # mean, cls, or published: the modules that are stored with the model
    max_tokens: int
    query_prefix: str
    passage_prefix: str
    revision: str | None = None


EncoderConfig = StaticConfig | TransformerConfig
_KINDS = {"static": StaticConfig, "transformer": TransformerConfig}


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


def starting_model(config: EncoderConfig, encoder: Path, seed: int) -> SentenceTransformer:
    """The model that fine-tuning starts from."""
    if isinstance(config, StaticConfig):
        return new_static(config, encoder, seed)
    return load_model(encoder)


def load_model(path: Path) -> SentenceTransformer:
    """A saved model on the best device; safetensors only, no remote code, no network."""
    return SentenceTransformer(
        str(path), local_files_only=True, model_kwargs={"use_safetensors": True}
    )


def embed(model: SentenceTransformer, tokens: Ragged, device: torch.device) -> torch.Tensor:
    """Embeddings, float [n, d] on `device`, with gradients if they are on."""
    ids = torch.from_numpy(tokens.ids).to(device)
    if isinstance(model[0], StaticEmbedding):
        features = {"input_ids": ids, "offsets": torch.from_numpy(tokens.bounds[:-1]).to(device)}
    else:
        lengths = torch.from_numpy(tokens.lengths()).to(device)
        mask = torch.arange(int(lengths.max()), device=device) < lengths[:, None]
        padding = model.tokenizer.pad_token_id or 0
        padded = torch.full(mask.shape, padding, dtype=torch.long, device=device)
        padded[mask] = ids.long()
        features = {"input_ids": padded, "attention_mask": mask.long()}
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

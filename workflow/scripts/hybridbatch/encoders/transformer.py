"""A pretrained Hugging Face encoder: a hub name with a revision, or a local folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from hybridbatch.encoders import inference, pretrained, tokens
from hybridbatch.encoders.base import Encode, Encoder, MakeInputs
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.files import checked


@dataclass(frozen=True)
class TransformerConfig:
    """The values of the catalogue entry."""

    kind: str
    model: str
    pooling: str  # `mean`, `cls`, or `published`: the modules stored with the model
    max_tokens: int
    query_prefix: str
    passage_prefix: str
    revision: str | None = None
    precision: str = inference.FLOAT32  # of encoding on a GPU; no other job is given it


def prepare(values: Mapping[str, Any], texts: tokens.Texts, folder: Path) -> None:
    """Save a pretrained encoder to `folder` in the format of SentenceTransformer.

    Weights are read from safetensors only, at the pinned revision; no remote code is run. Raises
    ConfigError if the files cannot be read so, or do not fit together (see `soundness`).
    """
    config = TransformerConfig(**values)
    path = pretrained.located(config.model, config.revision)
    try:
        model = _assemble(path, config)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise ConfigError(
            f"encoder {config.model}: cannot be loaded from its files, without code of their own: "
            f"{error}"
        ) from error
    model.save(str(folder), create_model_card=False)
    if not (folder / tokens.TOKENIZER_FILE).is_file():
        raise ConfigError(
            f"encoder {config.model}: has no fast tokenizer ({tokens.TOKENIZER_FILE})."
        )
    from hybridbatch.encoders.soundness import check

    try:
        check(
            model,
            Tokenizer.from_file(str(checked(folder / tokens.TOKENIZER_FILE))),
            config.max_tokens,
        )
    except ConfigError as error:
        raise ConfigError(f"encoder {config.model}: {error}") from error


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """Token ids with the model's special tokens."""
    return tokens.saved_inputs(TransformerConfig(**values), folder, special_tokens=True)


def start(values: Mapping[str, Any], folder: Path, seed: int) -> Encoder:
    """The pretrained model; it does not depend on the seed."""
    from hybridbatch.encoders.towers import TextTower, load_model

    return TextTower(load_model(folder))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode with the saved model."""
    precision = TransformerConfig(**values).precision
    return inference.by_torch(model, inputs(values, model), precision)


def _assemble(path: Path, config: TransformerConfig):
    """The SentenceTransformer that training starts from. It is on the CPU, only to be saved."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    from hybridbatch.encoders.towers import assembled, transformer_module

    if config.pooling == "published":
        model = SentenceTransformer(
            str(path),
            device="cpu",
            model_kwargs={"use_safetensors": True},
            trust_remote_code=False,
        )
        model.max_seq_length = config.max_tokens
        model.prompts = tokens.prompts(config)
        return model
    transformer = transformer_module(path, config.max_tokens)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=config.pooling)
    return assembled([transformer, pooling, Normalize()], tokens.prompts(config), "cpu")

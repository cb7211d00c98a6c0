"""A pretrained Hugging Face encoder: a hub name with a revision, or a local folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from hybridbatch.encoders import inference, tokens
from hybridbatch.encoders.adapters import is_adapter
from hybridbatch.encoders.base import Encode, Encoder, MakeInputs
from hybridbatch.runtime.errors import ConfigError, SourceError
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import waiting

_WEIGHTS = ("*.safetensors", "*.json", "*.txt", "*.model")


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
    local = Path(config.model).is_dir()
    if local and config.revision:
        raise ConfigError(
            f"encoder {config.model}: is a folder here and has a `revision`. Leave the revision "
            "out to use the folder, or rename the folder to use the hub's model."
        )
    if not local and not config.revision:
        raise ConfigError(f"encoder {config.model}: a hub model needs a `revision`.")
    path = config.model
    if not local:
        from huggingface_hub import snapshot_download

        try:
            with waiting(f"fetching {config.model}"):
                path = snapshot_download(
                    config.model, revision=config.revision, allow_patterns=_WEIGHTS
                )
        except (OSError, ValueError) as error:
            raise SourceError(
                f"encoder {config.model} at revision {config.revision} cannot be had: {error}. "
                "Without a network, copy its files into a folder and name that as `model`."
            ) from error
    _refuse_unsuited(Path(path), config.model)
    safe = {file.parent for file in Path(path).rglob("*.safetensors")}
    pickled = {file.parent for file in Path(path).rglob("pytorch_model*.bin")}
    if not safe or pickled - safe:
        raise ConfigError(
            f"encoder {config.model}: has no safetensors weights, or not for every module; "
            "pickled weights are refused. Convert them, or name a revision that has "
            "model.safetensors."
        )
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


def _refuse_unsuited(path: Path, name: str) -> None:
    """Refuse adapters, which are no whole model, and quantised weights, which cannot be trained."""
    if is_adapter(path):
        raise ConfigError(
            f"encoder {name}: is an adapter, pickled or not, and no whole model: merge it into its "
            "base, and name the merged model."
        )
    file = path / "config.json"
    if file.is_file() and "quantization_config" in json.loads(checked(file).read_text("utf-8")):
        raise ConfigError(f"encoder {name}: its weights are quantised; name the model without it.")


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """Token ids with the model's special tokens."""
    config = TransformerConfig(**values)
    tokenizer = tokens.load_tokenizer(folder / tokens.TOKENIZER_FILE, config.max_tokens)
    return tokens.text_inputs(tokenizer, tokens.prompts(config), special_tokens=True)


def start(values: Mapping[str, Any], folder: Path, seed: int) -> Encoder:
    """The pretrained model; it does not depend on the seed."""
    from hybridbatch.encoders.towers import TextTower, load_model

    return TextTower(load_model(folder))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode with the saved model."""
    precision = TransformerConfig(**values).precision
    return inference.by_torch(model, inputs(values, model), precision)


def _assemble(path: str, config: TransformerConfig):
    """The SentenceTransformer that training starts from. It is on the CPU, only to be saved."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    from hybridbatch.encoders.towers import assembled, transformer_module

    if config.pooling == "published":
        model = SentenceTransformer(
            path,
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

"""The files of a pretrained encoder: a local folder, or a hub's model at a pinned revision."""

import json
from pathlib import Path

from hybridbatch.encoders.adapters import is_adapter
from hybridbatch.runtime.errors import ConfigError, SourceError
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import waiting

_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")


def located(model: str, revision: str | None, adapters: bool = False) -> Path:
    """The folder with a model's files, fetched from the hub unless `model` is a folder.

    adapters: whether an adapter, which is no whole model, will do. Raises ConfigError for a folder
    with a revision or a hub's name without one, for quantised weights, and unless all weights are
    safetensors; SourceError if the hub's files cannot be had.
    """
    local = Path(model).is_dir()
    if local and revision:
        raise ConfigError(
            f"encoder {model}: is a folder here and has a `revision`. Leave the revision "
            "out to use the folder, or rename the folder to use the hub's model."
        )
    if not local and not revision:
        raise ConfigError(f"encoder {model}: a hub model needs a `revision`.")
    path = Path(model) if local else _fetched(model, revision)
    _refuse_unsuited(path, model, adapters)
    return path


def _fetched(model: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        with waiting(f"fetching {model}"):
            return Path(snapshot_download(model, revision=revision, allow_patterns=_FILES))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"encoder {model} at revision {revision} cannot be had: {error}. "
            "Without a network, copy its files into a folder and name that as `model`."
        ) from error


def _refuse_unsuited(path: Path, name: str, adapters: bool) -> None:
    """Refuse pickled weights, quantised ones, which cannot be trained, and adapters."""
    if is_adapter(path) and not adapters:
        raise ConfigError(
            f"encoder {name}: is an adapter, pickled or not, and no whole model: merge it into its "
            "base, and name the merged model."
        )
    file = path / "config.json"
    if file.is_file() and "quantization_config" in json.loads(checked(file).read_text("utf-8")):
        raise ConfigError(f"encoder {name}: its weights are quantised; name the model without it.")
    safe = {file.parent for file in path.rglob("*.safetensors")}
    pickled = {file.parent for file in path.rglob("pytorch_model*.bin")}
    if not safe or pickled - safe:
        raise ConfigError(
            f"encoder {name}: has no safetensors weights, or not for every module; "
            "pickled weights are refused. Convert them, or name a revision that has "
            "model.safetensors."
        )

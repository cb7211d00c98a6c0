"""Saved models that consist of an adapter and a base, as peft and sentence-transformers have them.

The model's folder has the adapter (`adapter_config.json`, which names the base's folder, and
`adapter_model.safetensors`) and `base.json`, the digests of the base's weights: an adapter says
nothing of use on top of other weights.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import checked, digest_of, read_json, write_json

CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "base.json"


def is_adapter(folder: Path) -> bool:
    """Whether a folder has an adapter, and its base is elsewhere."""
    return (folder / CONFIG).is_file()


def record_base(folder: Path, base: Path) -> None:
    """Write `base.json` into the folder of an adapter."""
    write_json(folder / BASE, {"base": str(base), "whole": True, "xxh128": _weights(base)})


def check_base(folder: Path) -> Path:
    """The folder of an adapter's base; raises DataError unless it is the one it was trained on.

    Refuses an adapter that is pickled or quantised.
    """
    if not (folder / WEIGHTS).is_file():
        raise DataError(
            f"{folder}: has an adapter without {WEIGHTS}. Pickled adapters are refused: save it "
            "again with safetensors."
        )
    with safe_open(checked(folder / WEIGHTS), framework="pt") as file:
        for name in file.keys():  # noqa: SIM118, which is no dict
            dtype = file.get_tensor(name).dtype
            if not dtype.is_floating_point or dtype.itemsize < 2:
                raise DataError(
                    f"{folder / WEIGHTS}: {name} is quantised. Quantised adapters are refused: "
                    "save it in float32."
                )
    base = Path(json.loads(checked(folder / CONFIG).read_text("utf-8"))["base_model_name_or_path"])
    if not (folder / BASE).is_file():
        raise DataError(f"{folder}: has no {BASE}, so nobody knows which base it was trained on.")
    if not base.is_dir():
        raise DataError(
            f"{folder}: its base {base} is not there. Make it again, or name the folder where it "
            f"is now in {CONFIG}, as base_model_name_or_path."
        )
    record, there = read_json(folder / BASE), _weights(base)
    recorded = record["xxh128"]
    if not record.get("whole"):
        # An earlier version recorded the transformer's weights, not those of modules after it.
        there = {name: digest for name, digest in there.items() if name in recorded}
    if not recorded or recorded != there:
        raise DataError(
            f"{folder}: the weights in {base} are not those that the adapter was trained on. "
            "Bring them back, or train again."
        )
    return base


def merged(folder: Path) -> Any:
    """A saved adapter folded into its base: a model of the base's form, on the CPU.

    Its vectors equal those of the adapter on the base up to rounding.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    from hybridbatch.encoders.towers import load_model

    base = load_model(check_base(folder), "cpu")
    model = load_model(folder, "cpu")
    for part in model.modules():
        if isinstance(part, BaseTunerLayer):
            part.merge(safe_merge=True)
    state = {
        name.replace(".base_layer.", "."): tensor
        for name, tensor in model.state_dict().items()
        if ".lora_" not in name
    }
    base.load_state_dict(state)
    return base


def _weights(folder: Path) -> dict[str, str]:
    """Digests of a folder's weights by path: those of the transformer, and of modules after it."""
    found = sorted(folder.rglob("*.safetensors"))
    return {path.relative_to(folder).as_posix(): digest_of(path) for path in found}

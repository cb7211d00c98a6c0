"""A frozen text tower of the tables, and an image tower that learns to read rendered texts.

Models are those of `text_image`: queries are texts, candidates images, and the common space is the
text tower's own. What differs is how they come about. `prepare` makes the image tower alone; all
samplings and seeds start from it, and so share its inputs. `assemble` puts it beside a trained
system. The teacher of a distillation is that system: its vectors of the passages whose images the
other tower sees.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hybridbatch.encoders import inference, text_image, tokens
from hybridbatch.encoders.base import CANDIDATE, PROMPTS, QUERY, Encode, MakeInputs
from hybridbatch.encoders.inputs import Dense, Inputs, Ragged
from hybridbatch.encoders.rendered_passages import Teach
from hybridbatch.encoders.text_image import TextImage, TextImageConfig, saved_model
from hybridbatch.runtime.errors import DataError


def _towers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue entry as one of `text_image`, whose text tower is frozen and has no head."""
    text = {"kind": "system", "trained": False, "head": False, "max_tokens": values["max_tokens"]}
    own = {name: values[name] for name in ("dimension", "image")}
    return {"kind": "text_image", "text": text, **own}


def prepare(
    values: Mapping[str, Any], texts: tokens.Texts, folder: Path, images: Iterable[bytes] = ()
) -> None:
    """Save the image tower to `folder`.

    texts: not needed. images: rendered texts, for a codebook of visual words.
    """
    import torch
    from sentence_transformers.sentence_transformer.modules import Normalize, Router

    from hybridbatch.encoders.image_towers import image_tower
    from hybridbatch.encoders.towers import assembled

    with torch.random.fork_rng():
        torch.manual_seed(0)
        router = Router({PROMPTS[CANDIDATE]: image_tower(values["image"], images)})
    model = assembled([router, Normalize()], {PROMPTS[CANDIDATE]: ""}, "cpu")
    model.save(str(folder), create_model_card=False)


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """The image tower's inputs of encoded images: of a frozen one, its vectors.

    folder: what `prepare` made. A frozen tower takes a GPU if the job has one. The function raises
    DataError for texts.
    """
    import torch

    from hybridbatch.encoders.devices import best_device
    from hybridbatch.encoders.image_towers import streamed, training_inputs
    from hybridbatch.runtime.gpus import lease_gpu

    config = TextImageConfig(**_towers(values))
    if not config.trained(CANDIDATE):
        lease_gpu()
        torch.set_float32_matmul_precision("highest")
    model = saved_model(folder, "cpu" if config.trained(CANDIDATE) else best_device()).eval()
    route = model[0].sub_modules[PROMPTS[CANDIDATE]]

    def make(side: str, modality: str, items: Iterable[bytes]) -> Inputs:
        if side != CANDIDATE:
            raise DataError(f"the inputs of a {side} are those of the text tower's encoder.")
        text_image.check_modality(side, modality)
        if not config.trained(side):
            return Dense(streamed(route, items, model.device))
        return training_inputs(config.image, route, items)

    return make


def assemble(values: Mapping[str, Any], system: Path, prepared: Path, folder: Path) -> None:
    """Save a trained system and a prepared image tower, side by side, to `folder`.

    Raises ConfigError if the system's vectors are not of the space's dimension.
    """
    from hybridbatch.encoders.text_towers import text_tower

    config = TextImageConfig(**_towers(values))
    of_system = {**config.text, "model": str(system), "pooling": "published"}
    text, prefix = text_tower(of_system)
    image = list(saved_model(prepared, "cpu")[0].sub_modules[PROMPTS[CANDIDATE]])
    text_image.save_towers(config, text, prefix, image, folder)


def teacher(folder: Path) -> Teach:
    """The vectors, float32 [n, d] of length 1, that a folder's text tower gives for token ids.

    It is loaded when the first are asked for, onto the GPU that the job has by then.
    """
    import torch

    from hybridbatch.encoders.devices import best_device
    from hybridbatch.encoders.text_towers import embed_tokens

    @cache
    def tower() -> Any:
        torch.set_float32_matmul_precision("highest")
        return saved_model(folder, best_device()).eval()

    def vectors_of(rows: Ragged):
        route = tower()[0].sub_modules[PROMPTS[QUERY]]
        with torch.inference_mode():
            vectors = embed_tokens(route, rows, tower().device).float()
            return torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()

    return lambda found: inference.in_length_order(found, vectors_of, "texts")


def start(values: Mapping[str, Any], folder: Path, seed: int) -> TextImage:
    """The towers that `assemble` made; a table of visual words has random weights from `seed`."""
    return text_image.start(_towers(values), folder, seed)


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode texts and images with a saved model; unit vectors."""
    return text_image.load(_towers(values), model)


def load_towers(
    values: Mapping[str, Any], model: Path
) -> tuple[Encode, Callable[[Inputs], np.ndarray]]:
    """Both towers of a saved model: `load`, and a function of the inputs that `inputs` makes.

    Unit vectors. Both functions raise `DataError` if a vector is not finite.
    """
    return text_image.load_towers(_towers(values), model)


def how_to_load(values: Mapping[str, Any], path: str) -> str:
    """Python that loads a saved model, for its card."""
    return text_image.how_to_load(_towers(values), path)

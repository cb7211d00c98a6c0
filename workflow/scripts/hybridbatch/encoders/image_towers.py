"""Image towers of text-image encoders: pretrained ones, and those trained from random weights."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from sentence_transformers.base.modules import Module
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

from hybridbatch.data.images import decoded
from hybridbatch.encoders import pretrained
from hybridbatch.encoders.base import IMAGE
from hybridbatch.encoders.halves import SAFE, WEIGHTS, half, has_halves, outputs, saved_and_loaded
from hybridbatch.encoders.inputs import Dense, Inputs, Ragged
from hybridbatch.encoders.visual_words import VisualWords, codebook
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.logs import Progress

# What a batch holds at most: decoded images of so many pixels together, and so many images.
_PIXELS, _IMAGES = 2**24, 64
_LEVELS = 255  # of a byte


def image_tower(values: Mapping[str, Any], images: Iterable[bytes]) -> list[Module]:
    """The modules of an image tower on the CPU.

    values: of the catalogue entry's `image`. images: encoded images from which a codebook of visual
    words is made; other kinds need none.
    """
    return _TOWERS[values["kind"]](values, images)


def renew(modules: Iterable[Module], seed: int) -> None:
    """Give the tables and networks that are trained from random weights those of a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for module in modules:
            if isinstance(module, VisualWords):
                module.reset()
            elif isinstance(getattr(module, "model", None), ResNetModel):
                module.model.load_state_dict(ResNetModel(module.model.config).state_dict())


def training_inputs(values: Mapping[str, Any], route: torch.nn.Module, images: Iterable) -> Inputs:
    """The inputs of a tower that is trained; `embed_images` takes them.

    Numbers of visual words; for the small network pixels, uint8 [n, 3, size, size]. A pretrained
    tower's are the encoded images themselves, which take a hundredth of its pixels' memory.
    """
    if values["kind"] == "transformer":
        kept = list(images)
        bounds = np.concatenate([[0], np.cumsum([len(image) for image in kept], dtype=np.int64)])
        return Ragged(np.frombuffer(b"".join(kept), dtype=np.uint8), bounds)
    first, parts = route[0], []
    if values["kind"] == "visual_words":
        for batch in batches(images):
            parts += [first.words(image) for image in batch]
        return Ragged.of(parts)
    for batch in batches(images):
        pixels = first.preprocess(batch)["pixel_values"].numpy()
        parts.append(np.rint(pixels * _LEVELS).astype(np.uint8))
    return Dense(np.concatenate(parts))


def embed_images(
    values: Mapping[str, Any], route: torch.nn.Module, inputs: Inputs, device: torch.device
) -> torch.Tensor:
    """Embeddings, float [n, d], of what `training_inputs` made; route: the tower's modules."""
    if values["kind"] == "transformer":
        parts = np.split(inputs.ids, inputs.bounds[1:-1])
        images = [decoded(part.tobytes(), "an image") for part in parts]
        return _forward(route, images, device)
    if values["kind"] == "visual_words":
        features = {"input_ids": torch.from_numpy(inputs.ids), "offsets": inputs.bounds[:-1]}
        features["offsets"] = torch.from_numpy(features["offsets"].astype(np.int32))
        features = {name: part.to(device) for name, part in features.items()}
    else:
        pixels = torch.from_numpy(inputs.values).to(device).float() / _LEVELS
        features = {"pixel_values": pixels, "modality": IMAGE}
    return route(features)["sentence_embedding"]


def streamed(
    route: torch.nn.Module, images: Iterable[bytes], device: torch.device, total: int | None = None
) -> np.ndarray:
    """Vectors, float32 [n, d], of encoded images, however many there are.

    Only one batch of them is decoded at a time. total: their number, for the log.
    """
    parts, progress = [], Progress(total, "images")
    with torch.inference_mode():
        for batch in batches(images):
            parts.append(_forward(route, batch, device).float().cpu().numpy())
            progress.add(len(batch))
    return np.concatenate(parts)


def batches(images: Iterable[bytes]) -> Iterator[list[Image.Image]]:
    """Decode encoded images into batches of bounded size; the order is kept."""
    batch: list[Image.Image] = []
    pixels = 0
    for number, image in enumerate(images):
        batch.append(decoded(image, f"image {number}"))
        pixels += batch[-1].width * batch[-1].height
        if pixels >= _PIXELS or len(batch) == _IMAGES:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _forward(
    route: torch.nn.Module, images: list[Image.Image], device: torch.device
) -> torch.Tensor:
    features = route[0].preprocess(images)
    moved = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in features.items()}
    return route(moved)["sentence_embedding"]


def _transformer(values: Mapping[str, Any], images: Iterable[bytes]) -> list[Module]:
    """A vision model of the library, or the tower of CLIP, SigLIP or BLIP."""
    name, pooling = values["model"], values["pooling"]
    path = pretrained.located(name, values.get("revision"))
    published = pooling == "published"
    if published and has_halves(path):
        return half(path, IMAGE)
    try:
        module = Transformer(
            str(path),
            model_kwargs=WEIGHTS,
            processor_kwargs=dict(SAFE),
            config_kwargs=dict(SAFE),
            **outputs(IMAGE, "pooler_output" if published else "last_hidden_state"),
        )
        width = _width(module)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"encoder {name}: cannot embed an image with pooling {pooling!r}, from its own files "
            f"and without code of their own: {error}"
        ) from error
    return [module] if published else [module, Pooling(width, pooling_mode=pooling)]


def _width(module: Transformer) -> int:
    """The dimension of what a module gives for an image, tried on a grey one."""
    with torch.inference_mode():
        features = module.eval()(module.preprocess([Image.new("RGB", (64, 64), "grey")]))
    found = features[module.module_output_name]
    if module.module_output_name == "sentence_embedding" and found.ndim != 2:
        raise ValueError("it has no pooled vector of its own; set `pooling: mean`")
    return found.shape[-1]


def _cnn(values: Mapping[str, Any], images: Iterable[bytes]) -> list[Module]:
    """A residual network (He et al. 2016) of the library's modules, for small square images."""
    widths, size = values["widths"], values["size"]
    config = ResNetConfig(
        embedding_size=widths[0],
        hidden_sizes=widths,
        depths=[1] * len(widths),
        layer_type="basic",
    )
    processor = ViTImageProcessorPil(
        size={"height": size, "width": size}, do_normalize=False, resample=Image.Resampling.BICUBIC
    )
    module = saved_and_loaded(ResNetModel(config), processor, IMAGE, "last_hidden_state")
    return [module, Pooling(widths[-1], pooling_mode="mean")]


def _visual_words(values: Mapping[str, Any], images: Iterable[bytes]) -> list[Module]:
    """A table of n-grams of visual words, which are the nearest of a codebook to blobs of ink."""
    drawn = itertools.chain.from_iterable(batches(images))
    words = codebook(drawn, values["codebook"])
    return [VisualWords(words, values["dimension"], values["rows"], values["ngrams"])]


_TOWERS = {"transformer": _transformer, "cnn": _cnn, "visual_words": _visual_words}

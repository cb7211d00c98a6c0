"""Two towers: queries are texts, candidates are images.

A text tower and an image tower (see `text_towers` and `image_towers`), each frozen or trained, each
with a linear head into the common space or without. `prepare` writes both towers without heads.
What a frozen tower says of a text or an image never changes: its vectors are the inputs, computed
once, and training runs its head alone.

Models are saved as a SentenceTransformer whose Router sends texts and images to their towers:
`encode_query` takes texts, `encode_document` PIL images.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridbatch.encoders import inference, tokens
from hybridbatch.encoders.base import CANDIDATE, IMAGE, PROMPTS, QUERY, TEXT, Encode, MakeInputs
from hybridbatch.encoders.inputs import Dense, Inputs
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.runtime.files import checked

_MODALITIES = {QUERY: TEXT, CANDIDATE: IMAGE}
_OWN = "hybridbatch.encoders.visual_words.VisualWords"
_IMAGES = 64  # of a batch that is encoded
_ROUTER, _SETTINGS = "router_config.json", "config_sentence_transformers.json"
_TOKENIZERS = f"{PROMPTS[QUERY]}_0_*/{tokens.TOKENIZER_FILE}"


@dataclass(frozen=True)
class TextImageConfig:
    """The values of the catalogue entry."""

    kind: str
    dimension: int  # of the common space
    text: Mapping[str, Any]  # model, revision, pooling, max_tokens, prefix, trained, head
    image: Mapping[str, Any]  # its own kind, and what that needs

    def trained(self, side: str) -> bool:
        """Whether a side's tower is trained, beside its head."""
        tower = self.text if side == QUERY else self.image
        return tower.get("trained", True)

    def head(self, side: str) -> bool:
        """Whether a side has a head; a network from random weights needs one, a table none."""
        tower = self.text if side == QUERY else self.image
        return tower.get("head", tower.get("kind") == "cnn")


def prepare(
    values: Mapping[str, Any], texts: tokens.Texts, folder: Path, images: Iterable[bytes] = ()
) -> None:
    """Save both towers to `folder` in the format of SentenceTransformer, without heads.

    texts: not needed, since text towers bring their tokenizers. images: encoded ones, for a
    codebook of visual words. Raises ConfigError for files that cannot be used, and for a tower
    without a head whose dimension is not that of the common space.
    """
    import torch

    from hybridbatch.encoders.image_towers import image_tower
    from hybridbatch.encoders.text_towers import text_tower

    config = TextImageConfig(**values)
    # Weights that a model's files lack are random, even where nothing uses them.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        text, prefix = text_tower(config.text)
        image = image_tower(config.image, images)
    save_towers(config, text, prefix, image, folder)
    if not list(folder.glob(_TOKENIZERS)):
        raise ConfigError(
            f"encoder {config.text['model']}: has no fast tokenizer ({tokens.TOKENIZER_FILE})."
        )


def save_towers(
    config: TextImageConfig, text: list[Any], prefix: str, image: list[Any], folder: Path
) -> None:
    """Save the modules of two towers to `folder`; prefix: of the texts.

    Raises ConfigError for a tower without a head whose dimension is not that of the common space.
    """
    from sentence_transformers.sentence_transformer.modules import Normalize, Router

    from hybridbatch.encoders.towers import assembled

    for side, modules in ((QUERY, text), (CANDIDATE, image)):
        if not config.head(side) and (width := _width(modules)) != config.dimension:
            raise ConfigError(
                f"{_MODALITIES[side]}: the tower's vectors have {width} dimensions, and "
                f"`dimension` is {config.dimension}: give the tower a head, or set the dimension."
            )
    prompts = {PROMPTS[QUERY]: prefix, PROMPTS[CANDIDATE]: ""}
    router = Router.for_query_document(text, image)
    assembled([router, Normalize()], prompts, "cpu").save(str(folder), create_model_card=False)


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """The vectors of a frozen tower; of a trained one token ids, pixels or encoded images."""
    config = TextImageConfig(**values)
    towers = _Towers(config, folder)

    def make(side: str, modality: str, items: Sequence[str] | Iterable[bytes]) -> Inputs:
        check_modality(side, modality)
        if not config.trained(side):
            return Dense(towers.vectors(side, items))
        if side == QUERY:
            return towers.tokens(items)
        return towers.pixels(items)

    return make


def start(values: Mapping[str, Any], folder: Path, seed: int) -> "TextImage":
    """The towers, with heads, and what is not pretrained, with random weights from `seed`."""
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense as Linear
    from torch import nn

    from hybridbatch.encoders.devices import best_device
    from hybridbatch.encoders.image_towers import renew

    config = TextImageConfig(**values)
    model = saved_model(folder, "cpu")
    routes = model[0].sub_modules
    if config.image["kind"] != "transformer":
        renew(routes[PROMPTS[CANDIDATE]], seed)
    for side in (QUERY, CANDIDATE):
        route = routes[PROMPTS[side]]
        if not config.trained(side):
            route.requires_grad_(False)
        for module in route.modules():
            # A batch has few of the rows of a table, so its gradients are sparse.
            if isinstance(module, nn.EmbeddingBag):
                module.sparse = True
        if config.head(side):
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                route.append(
                    Linear(
                        _width(route),
                        config.dimension,
                        bias=False,
                        activation_function=nn.Identity(),
                    )
                )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError(
            "text_image: both towers are frozen and neither has a head, so that there is nothing "
            "to train: set `trained` or `head` of one."
        )
    return TextImage(config, model.to(best_device()))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode texts and images with a saved model; unit vectors."""
    return _Towers(TextImageConfig(**values), model).encode


def load_towers(
    values: Mapping[str, Any], model: Path
) -> tuple[Encode, Callable[[Inputs], np.ndarray]]:
    """`load`, and a function of images' inputs, as `inputs` makes them; the model is loaded once.

    The second gives the vectors, float32 [n, d] of length 1, that the first gives for the images
    themselves. What a frozen tower says of an image is computed once, with the inputs, for all
    models. Both raise `DataError` if a vector is not finite.
    """
    towers = _Towers(TextImageConfig(**values), model)
    return (
        lambda side, modality, items: inference.finite(towers.encode(side, modality, items), model),
        lambda found: inference.finite(towers.image_vectors(found), model),
    )


def how_to_load(values: Mapping[str, Any], path: str) -> str:
    """Python that loads a saved model, for its card.

    A table of visual words is this package's own module, which Python has to find.
    """
    own = values["image"]["kind"] == "visual_words"
    lines = [
        "from PIL import Image",
        "from hybridbatch.encoders.text_image import saved_model"
        if own
        else "from sentence_transformers import SentenceTransformer",
        "",
        f'model = saved_model(Path({path!r}), "cpu")'
        if own
        else f"model = SentenceTransformer({path!r})",
        'queries = model.encode_query(["a text"])',
        'images = model.encode_document([Image.new("RGB", (64, 64), "white")])',
        "scores = model.similarity(queries, images)",
    ]
    if own:
        lines.insert(
            0,
            "# The module VisualWords is in this workflow's package: put workflow/scripts on the\n"
            "# PYTHONPATH.\nfrom pathlib import Path\n",
        )
    return "\n".join(lines) + "\n"


class TextImage:
    """The encoder during training."""

    def __init__(self, config: TextImageConfig, model: Any) -> None:
        self.model, self._config = model, config

    def embed(self, side: str, modality: str, inputs: Inputs) -> Any:
        """Unit embeddings, float [n, d], with gradients if they are on."""
        import torch

        from hybridbatch.encoders.image_towers import embed_images
        from hybridbatch.encoders.text_towers import embed_tokens

        check_modality(side, modality)
        route, device = self.model[0].sub_modules[PROMPTS[side]], self.model.device
        if not self._config.trained(side):
            vectors = torch.from_numpy(inputs.values).to(device)
            if self._config.head(side):
                vectors = route[-1]({"sentence_embedding": vectors})["sentence_embedding"]
        elif side == QUERY:
            vectors = embed_tokens(route, inputs, device)
        else:
            vectors = embed_images(self._config.image, route, inputs, device)
        return torch.nn.functional.normalize(vectors, dim=-1)


class _Towers:
    """The towers of a folder, with heads if they have some, for encoding."""

    def __init__(self, config: TextImageConfig, folder: Path) -> None:
        import torch

        from hybridbatch.encoders.devices import best_device
        from hybridbatch.encoders.text_towers import special_tokens
        from hybridbatch.runtime.gpus import lease_gpu

        lease_gpu()
        torch.set_float32_matmul_precision("highest")
        self._config = config
        self._model = saved_model(folder, best_device()).eval()
        self._routes = self._model[0].sub_modules
        (file,) = folder.glob(_TOKENIZERS)
        tokenizer = tokens.load_tokenizer(file, config.text["max_tokens"])
        prompts = {name: prompt or "" for name, prompt in self._model.prompts.items()}
        first = self._routes[PROMPTS[QUERY]][0]
        self._make = tokens.text_inputs(tokenizer, prompts, special_tokens(first))

    def encode(
        self, side: str, modality: str, items: Sequence[str] | Iterable[bytes]
    ) -> np.ndarray:
        """Unit vectors, float32 [n, d], of texts or of encoded images."""
        check_modality(side, modality)
        vectors = self.vectors(side, items)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)

    def image_vectors(self, found: Inputs) -> np.ndarray:
        """The same of images' inputs, as `inputs` makes them."""
        import torch

        encoder, parts = TextImage(self._config, self._model), []
        for start in range(0, len(found), _IMAGES):
            rows = found.take(np.arange(start, min(start + _IMAGES, len(found))))
            with torch.inference_mode():
                parts.append(encoder.embed(CANDIDATE, IMAGE, rows).float().cpu().numpy())
        return np.concatenate(parts)

    def tokens(self, texts: Sequence[str]) -> Inputs:
        """Token ids of texts."""
        return self._make(QUERY, TEXT, texts)

    def pixels(self, images: Iterable[bytes]) -> Inputs:
        """Inputs of an image tower that is trained."""
        from hybridbatch.encoders.image_towers import training_inputs

        return training_inputs(self._config.image, self._routes[PROMPTS[CANDIDATE]], images)

    def vectors(self, side: str, items: Sequence[str] | Iterable[bytes]) -> np.ndarray:
        """Vectors, float32 [n, d], which are not normalised."""
        import torch

        from hybridbatch.encoders.image_towers import streamed
        from hybridbatch.encoders.text_towers import embed_tokens

        route, device = self._routes[PROMPTS[side]], self._model.device
        if side == CANDIDATE:
            return streamed(route, items, device, len(items) if hasattr(items, "__len__") else None)

        def vectors_of(rows: Inputs) -> np.ndarray:
            with torch.inference_mode():
                return embed_tokens(route, rows, device).float().cpu().numpy()

        return inference.in_length_order(self.tokens(items), vectors_of, "texts")


def saved_model(path: Path, device: str) -> Any:
    """The SentenceTransformer in a folder that this module has saved.

    Modules are sentence-transformers' own, or this package's VisualWords, which is handed over as a
    class: nothing that a file names is imported. Raises DataError for any other module.
    """
    from sentence_transformers.sentence_transformer.modules import Normalize, Router

    from hybridbatch.encoders.towers import assembled, load_model

    types = json.loads(checked(path / _ROUTER).read_text("utf-8"))["types"].values()
    others = {name for name in types if not name.startswith("sentence_transformers.")}
    if others - {_OWN}:
        raise DataError(f"{path / _ROUTER}: names modules of other packages: {sorted(others)}.")
    if not others:
        return load_model(path, device)
    from hybridbatch.encoders.visual_words import VisualWords

    router = Router.load(
        str(checked(path)),
        module_classes={_OWN: VisualWords},
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    settings = json.loads(checked(path / _SETTINGS).read_text("utf-8"))
    return assembled([router, Normalize()], settings["prompts"], device)


def _width(modules: Iterable[Any]) -> int:
    """The dimension of a tower's vectors: that of the last module which states one."""
    found = [m.get_embedding_dimension() for m in modules if hasattr(m, "get_embedding_dimension")]
    return found[-1]


def check_modality(side: str, modality: str) -> None:
    """Raise DataError if the items of a side are not what its tower embeds."""
    if modality != _MODALITIES[side]:
        raise DataError(
            f"the encoder embeds a {side} that is {_MODALITIES[side]}, and this one is of modality "
            f"{modality!r}: choose an encoder that embeds it, or another benchmark."
        )

"""CLIP, SigLIP and BLIP (its towers for contrastive retrieval) taken apart into their two towers.

A tower alone is half of the files, and goes together with another model's tower. Its modules are
the library's own, and its vectors those of `get_text_features` and `get_image_features`, in BLIP of
`text_proj` and `vision_proj` on the first token (Li et al. 2022, "BLIP", section 3.2).
"""

import json
import tempfile
from pathlib import Path

from sentence_transformers.base.modules import Module
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from torch import nn
from transformers import (
    MODEL_MAPPING,
    AutoImageProcessor,
    AutoTokenizer,
    BlipForImageTextRetrieval,
    CLIPModel,
    PreTrainedModel,
    SiglipModel,
)

from hybridbatch.encoders.base import IMAGE, TEXT
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.files import checked

SAFE = {"trust_remote_code": False}
WEIGHTS = {"use_safetensors": True, **SAFE}
_POOLED, _TOKENS = "pooler_output", "last_hidden_state"
# By `model_type`: the class, and by modality the tower, its output, and its projection.
_WHOLE = {
    "clip": (
        CLIPModel,
        {
            TEXT: ("text_model", _POOLED, "text_projection"),
            IMAGE: ("vision_model", _POOLED, "visual_projection"),
        },
    ),
    "siglip": (
        SiglipModel,
        {TEXT: ("text_model", _POOLED, None), IMAGE: ("vision_model", _POOLED, None)},
    ),
    # `BlipModel` has projections that no published weights were trained for.
    "blip": (
        BlipForImageTextRetrieval,
        {
            TEXT: ("text_encoder", _TOKENS, "text_proj"),
            IMAGE: ("vision_model", _TOKENS, "vision_proj"),
        },
    ),
}


def has_halves(path: Path) -> bool:
    """Whether a folder has one of the models that this module takes apart."""
    file = path / "config.json"
    return file.is_file() and json.loads(checked(file).read_text("utf-8"))["model_type"] in _WHOLE


def half(path: Path, modality: str, max_tokens: int | None = None) -> list[Module]:
    """The modules of one tower, which give its projected vectors without normalising them.

    max_tokens: of a text tower; longer texts are cut. Raises ConfigError if the model's weights are
    not all there, as in a BLIP that was trained for captions only.
    """
    kind = json.loads(checked(path / "config.json").read_text("utf-8"))["model_type"]
    cls, parts = _WHOLE[kind]
    whole, info = cls.from_pretrained(str(path), output_loading_info=True, **WEIGHTS)
    name, output, projection = parts[modality]
    if missing := sorted(k for k in info["missing_keys"] if k.startswith((name, str(projection)))):
        raise ConfigError(
            f"encoder {path}: has no weights of {missing[0]}, which its {modality} tower needs; "
            f"name a model that was saved as {cls.__name__}."
        )
    tower = getattr(whole, name)
    if modality == TEXT:
        if max_tokens > (places := tower.config.max_position_embeddings):
            raise ConfigError(
                f"encoder {path}: max_tokens is {max_tokens}, and the text tower has {places} "
                "positions."
            )
        processor = AutoTokenizer.from_pretrained(str(path), **SAFE)
        processor.model_max_length = max_tokens
    else:
        processor = AutoImageProcessor.from_pretrained(str(path), **SAFE)
    # SigLIP's texts are always as long as in its training, whatever is padding.
    padding = {"text": {"padding": "max_length"}} if (kind, modality) == ("siglip", TEXT) else None
    modules = [saved_and_loaded(tower, processor, modality, output, padding)]
    if output == _TOKENS:
        modules.append(Pooling(tower.config.hidden_size, pooling_mode="cls"))
    if projection is not None:
        modules.append(_dense(getattr(whole, projection)))
    return modules


def saved_and_loaded(
    tower: PreTrainedModel, processor, modality: str, output: str, processing: dict | None = None
) -> Transformer:
    """A `Transformer` of a model and what makes its inputs: tokenizer or image processor.

    output: of the model's outputs, `pooler_output`, or `last_hidden_state`, which is to be pooled.
    """
    # Not all towers are known to AutoModel; this task finds any class by the name in config.json.
    known = type(tower.config) in MODEL_MAPPING
    with tempfile.TemporaryDirectory() as folder:
        tower.save_pretrained(folder)
        processor.save_pretrained(folder)
        _forget_processor(Path(folder))
        return Transformer(
            folder,
            transformer_task="feature-extraction" if known else "retrieval",
            model_kwargs=WEIGHTS,
            processor_kwargs=dict(SAFE),
            config_kwargs=dict(SAFE),
            processing_kwargs=processing,
            **outputs(modality, output),
        )


def outputs(modality: str, output: str) -> dict:
    """The arguments of `Transformer` that say which of a model's outputs is which feature."""
    return {
        "modality_config": {modality: {"method": "forward", "method_output_name": output}},
        "module_output_name": "sentence_embedding" if output == _POOLED else "token_embeddings",
    }


def _forget_processor(folder: Path) -> None:
    """Take out the name of the whole model's processor, of which a tower has a half."""
    for name in ("preprocessor_config.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            values = json.loads(checked(folder / name).read_text("utf-8"))
            values.pop("processor_class", None)
            (folder / name).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _dense(linear: nn.Linear) -> Dense:
    bias = linear.bias is not None
    return Dense(
        linear.in_features,
        linear.out_features,
        bias=bias,
        activation_function=nn.Identity(),
        init_weight=linear.weight.detach().clone(),
        init_bias=linear.bias.detach().clone() if bias else None,
    )

"""Tiny random two-tower models of the real architectures, and small drawn images with captions."""

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BlipConfig,
    BlipForImageTextRetrieval,
    BlipImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

SIZE, POSITIONS = 32, 16
COLOURS = {"red": "rojo", "green": "verde", "blue": "azul", "black": "negro", "orange": "naranja",
           "purple": "violeta"}  # fmt: skip
SHAPES = {"square": "cuadrado", "circle": "círculo", "bar": "barra", "cross": "cruz"}
_BOXES = {"bar": [(0.1, 0.4, 0.9, 0.6)], "square": [(0.2, 0.2, 0.8, 0.8)],
          "cross": [(0.1, 0.4, 0.9, 0.6), (0.4, 0.1, 0.6, 0.9)]}  # fmt: skip
WORDS = [*COLOURS, *COLOURS.values(), *SHAPES, *SHAPES.values(), "a", "un"]
_PADDING, _UNKNOWN, _BEGIN, _END = range(4)


def png(image: Image.Image) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def drawing(colour: str, shape: str, size: int = SIZE) -> bytes:
    """A shape in a colour on white, as a PNG file."""
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    for box in _BOXES.get(shape, []):
        draw.rectangle([size * place for place in box], fill=colour)
    if shape == "circle":
        draw.ellipse([size * place for place in (0.2, 0.2, 0.8, 0.8)], fill=colour)
    return png(image)


def drawings() -> dict[str, bytes]:
    """Every shape in every colour, by its English name."""
    return {f"{c} {s}": drawing(c, s) for c in COLOURS for s in SHAPES}


def in_spanish(name: str) -> str:
    """The Spanish caption of an English one."""
    colour, shape = name.split()
    return f"un {SHAPES[shape]} {COLOURS[colour]}"


def tokenizer(folder: Path, names: Sequence[str] = ("input_ids", "attention_mask")) -> None:
    """Save a fast tokenizer of WORDS that encloses texts in a begin and an end."""
    special = ["<pad>", "<unk>", "<s>", "</s>"]
    words = {word: i for i, word in enumerate([*special, *WORDS])}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", _BEGIN), ("</s>", _END)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=POSITIONS,
        model_input_names=list(names),
    ).save_pretrained(folder)


def whole(folder: Path, kind: str) -> PreTrainedModel:
    """Save a tiny random CLIP, SigLIP or BLIP with tokenizer and image processor; returns it."""
    layer = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    layer["num_attention_heads"] = 2
    # Some of the library's defaults give weights of almost 0.
    layer["initializer_range"] = 0.1
    vision = {**layer, "image_size": SIZE, "patch_size": 8}
    text = {**layer, "vocab_size": len(WORDS) + 4, "max_position_embeddings": POSITIONS}
    text |= {"pad_token_id": _PADDING, "bos_token_id": _BEGIN, "eos_token_id": _END}
    square = {"height": SIZE, "width": SIZE}
    torch.manual_seed(0)
    if kind == "clip":
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12))
        processor = CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size=square)
    elif kind == "siglip":
        model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
        processor = SiglipImageProcessorPil(size=square)
    else:
        text["encoder_hidden_size"] = 16
        config = BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=12)
        config.initializer_range = 0.1
        model = BlipForImageTextRetrieval(config)
        processor = BlipImageProcessorPil(size=square)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    # SigLIP's own tokenizer gives no mask.
    tokenizer(folder, ["input_ids"] if kind == "siglip" else ["input_ids", "attention_mask"])
    return model

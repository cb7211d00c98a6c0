"""Images: making and fetching them, and two towers on their captions."""

from collections.abc import Mapping

from hybridbatch.cost.model import Cost, Span
from hybridbatch.cost.work import Work
from hybridbatch.experiment import image_systems, lookups
from hybridbatch.experiment.encoders.rendered import Config as Rendered
from hybridbatch.experiment.encoders.text_image import (
    PATCHES,
    SmallNetwork,
    TextModel,
    VisionModel,
)
from hybridbatch.experiment.encoders.text_image import Config as TextImage

_IMAGE_BYTES = {"emoji": 5e3, "xtd10": 160e3, "xm3600": 500e3}  # of an image file, about
_OTHER_BYTES = 160e3
_VECTOR = 4  # bytes of a number
_METRICS_A_QUERY = 300  # bytes of a row of metrics


def device(work: Work) -> dict:
    """`threads` and `on_gpu` of jobs that compute with the towers."""
    return work.encoders_device(work.experiment.image_text.encoder)


def make_emoji(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Names are read in every language, once."""
    languages = {
        language
        for entry in work.experiment.catalogue.benchmarks.values()
        if entry.kind == "emoji"
        for language in entry.languages
    }
    seconds = work.rates.seconds_of("emoji_language")
    number = len(languages)
    return work.light(
        Span(seconds.low * number, seconds.high * number),
        disk=_images(work, "emoji") * _IMAGE_BYTES["emoji"],
        memory=work.rates.memory_of("texts", 0, _images(work, "emoji") * number),
    )


def fetch_images(work: Work, wildcards: Mapping[str, str]) -> Cost:
    size = _images(work, "xtd10") * _IMAGE_BYTES["xtd10"]
    return work.light(work.rates.rate("fetch_bytes").seconds(size), disk=2 * size)


def pack_images(work: Work, wildcards: Mapping[str, str]) -> Cost:
    size = _images(work, "xm3600") * _IMAGE_BYTES["xm3600"]
    return work.light(work.rates.rate("fetch_bytes").seconds(size), disk=size)


def read_image_corpus(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Images are decoded one after another, and kept as they are."""
    images, size = (of(work, wildcards["benchmark"]) for of in (_images, _file_bytes))
    captions = caption_number(work, wildcards["benchmark"])
    return work.light(
        work.rates.rate("decode_images").seconds(images),
        disk=images * size,
        memory=work.rates.memory_of("datasets") + work.rates.memory_of("texts", 0, captions),
    )


def shard_captions(work: Work, wildcards: Mapping[str, str]) -> Cost:
    captions = caption_number(work, wildcards["benchmark"])
    return work.light(
        work.rates.rate("read_pairs").seconds(captions),
        memory=work.rates.memory_of("texts", 0, captions),
    )


def split_captions(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Captions are filtered in every language, and all held."""
    languages = 1 + len(lookups.caption_targets(work.experiment))
    captions = languages * caption_number(work, wildcards["benchmark"])
    return work.light(
        work.rates.rate("filter_pairs").seconds(captions),
        memory=work.rates.memory_of("texts", 0, 2 * captions),
    )


def merge_fonts(work: Work, wildcards: Mapping[str, str]) -> Cost:
    return work.light(work.rates.seconds_of("table"), memory=work.rates.memory_of("table"))


def read_captions(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The files of images are read once for each language, and one language's are held at a time.

    As they come from the file, as a table, and once more where that is checked: with images of 1 MB
    each further byte of them took 2.6.
    """
    name = wildcards["benchmark"]
    sizes = work.collections(name)
    captions = sum(of.queries for of in sizes.values())
    held = max(of.candidates for of in sizes.values()) * _file_bytes(work, name)
    return work.light(
        work.rates.rate("read_pairs").seconds(captions)
        + work.rates.rate("read_bytes").seconds(len(sizes) * held),
        memory=3 * held + work.rates.memory_of("texts", 0, captions),
    )


def prepare_towers(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The towers are loaded and saved; a frozen text tower embeds all captions."""
    entry = image_systems.encoder(work.experiment)
    captions = _captions(work)
    size = _VECTOR * (_text_parameters(work, entry) + _image_parameters(work, entry))
    return work.heavy(
        work.rates.rate("tokenize_words").seconds(captions * _words(work)),
        disk=size + captions * _VECTOR * _text_width(work, entry),
        memory=3 * size + work.rates.memory_of("texts", 0, captions),
        **device(work),
    )


def embed_images(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Images are decoded; a frozen tower embeds them."""
    entry = image_systems.encoder(work.experiment)
    images = _images(work, wildcards["benchmark"])
    flops = 0.0 if _trains_images(entry) else images * _image_flops(work, entry)
    held = images * _input_bytes(work, entry, wildcards["benchmark"])
    return work.heavy(
        work.rates.rate("decode_images").seconds(images) + _seconds(work, flops, "encode_share"),
        flops=flops,
        disk=held,
        memory=2 * held + 2 * _VECTOR * _image_parameters(work, entry),
        **device(work),
    )


def finetune_images(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Forward and backward through what is trained; the rest was computed once."""
    config = work.experiment
    entry, system = image_systems.encoder(config), _system(work, wildcards)
    values = image_systems.training_values(config, system.captions)
    fewest = (values["patience"] + 1) * values["evaluate_every"] / (1 - values["decay_share"])
    most = values["max_steps"]
    a_pair = 0.0
    if _trains_images(entry):
        a_pair += _image_flops(work, entry)
    if entry.text.trained:
        a_pair += 2 * _text_parameters(work, entry)
    flops = 3 * values["batch_size"] * a_pair
    seconds = _seconds(work, flops, "train_share")
    trained = _image_parameters(work, entry) * _trains_images(entry)
    trained += _text_parameters(work, entry) * entry.text.trained
    whole = _text_parameters(work, entry) + _image_parameters(work, entry)
    held = _images(work, config.image_text.corpus) * _input_bytes(
        work, entry, config.image_text.corpus
    )
    held += _captions(work) * _VECTOR * _text_width(work, entry)
    weights = _VECTOR * (whole + 4 * trained)
    on_gpu = device(work)["on_gpu"]
    return work.heavy(
        Span(min(fewest, most) * seconds.low, most * seconds.high),
        flops=most * flops,
        disk=_VECTOR * whole,
        memory=2 * held + 2 * weights + values["batch_size"] * activations(entry),
        gpu_memory=weights + values["batch_size"] * activations(entry) if on_gpu else 0.0,
        **device(work),
    )


def evaluate_images(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Captions and images are embedded with the model of each seed, and ranked both ways."""
    config, name = work.experiment, wildcards["benchmark"]
    entry, sizes = image_systems.encoder(config), work.collections(wildcards["benchmark"])
    seeds = len(image_systems.seeds(config))
    captions = sum(of.queries for of in sizes.values())
    images = max(of.candidates for of in sizes.values())
    width = entry.dimension
    flops = seeds * (images * _image_flops(work, entry) + 4 * captions * images * width)
    seconds = work.rates.rate("tokenize_words").seconds(seeds * captions * _words(work))
    seconds += _seconds(work, flops, "encode_share")
    compares = seeds * captions * (images + captions)
    held = _images(work, name) * _input_bytes(work, entry, name)
    weights = _VECTOR * (_text_parameters(work, entry) + _image_parameters(work, entry))
    return work.heavy(
        seconds + work.rates.rate("rank_compares").seconds(compares),
        flops=flops,
        disk=seeds * (captions + images) * (_VECTOR * width + _METRICS_A_QUERY),
        memory=2 * held
        + 3 * weights
        + 3 * _VECTOR * captions * width
        + 4 * _METRICS_A_QUERY * seeds * (captions + images)
        + work.rates.memory_of("texts", 0, 2 * captions),
        gpu_memory=weights if device(work)["on_gpu"] else 0.0,
        **device(work),
    )


def _system(work: Work, wildcards: Mapping[str, str]) -> image_systems.ImageSystem:
    return image_systems.systems(work.experiment)[wildcards["image_system"]]


def _images(work: Work, benchmark: str) -> float:
    """All images of a benchmark, to train on and to test."""
    known = work.rates.corpora.get(benchmark)
    if known is not None and known.pairs is not None:
        return known.pairs
    return max(of.candidates for of in work.collections(benchmark).values())


def caption_number(work: Work, benchmark: str) -> float:
    """The captions of a corpus in one language, to train on and to test."""
    known = work.rates.corpora.get(benchmark)
    if known is not None and known.questions is not None:
        return known.questions
    return _images(work, benchmark)


def _captions(work: Work) -> float:
    """The captions that are trained on, in all languages."""
    section = work.experiment.image_text
    return caption_number(work, section.corpus) * len(section.languages)


def _words(work: Work) -> float:
    """The words of a caption."""
    return max(
        of.query_words for of in work.collections(work.experiment.image_text.corpus).values()
    )


def _file_bytes(work: Work, benchmark: str) -> float:
    return _IMAGE_BYTES.get(work.benchmark(benchmark).kind, _OTHER_BYTES)


def _trains_images(entry: TextImage | Rendered) -> bool:
    return getattr(entry.image, "trained", True)


def _input_bytes(work: Work, entry: TextImage, benchmark: str) -> float:
    """Bytes of the inputs of one image: pixels, an image file, or a frozen tower's vector."""
    if isinstance(entry.image, SmallNetwork):
        return 3 * entry.image.size**2
    if _trains_images(entry):
        return _file_bytes(work, benchmark)
    return _VECTOR * work.model_shape(entry.image.model).width


def _image_flops(work: Work, entry: TextImage) -> float:
    """FLOPs of a forward pass with one image."""
    if isinstance(entry.image, VisionModel):
        shape = work.model_shape(entry.image.model)
        patches = shape.positions or PATCHES
        return shape.forward(patches, patches)
    if isinstance(entry.image, SmallNetwork):
        return entry.image.flops
    return 2 * entry.image.dimension * PATCHES


def _image_parameters(work: Work, entry: TextImage) -> float:
    if isinstance(entry.image, VisionModel):
        return work.model_shape(entry.image.model).parameters
    if isinstance(entry.image, SmallNetwork):
        return entry.image.parameters
    return entry.image.rows * entry.image.dimension


def _text_parameters(work: Work, entry: TextImage) -> float:
    if isinstance(entry.text, TextModel):
        return work.model_shape(entry.text.model).parameters
    return work.parameters(entry.text.encoder)


def _text_width(work: Work, entry: TextImage) -> float:
    if isinstance(entry.text, TextModel):
        return work.model_shape(entry.text.model).width
    return work.width(entry.text.encoder)


def activations(entry: TextImage | Rendered) -> float:
    """Bytes of the activations of one image in training, about; also for towers of `rendered`."""
    if isinstance(entry.image, SmallNetwork):
        return 40 * _VECTOR * entry.image.size**2 * max(entry.image.widths)
    return 2e8 if _trains_images(entry) else 1e5


def _seconds(work: Work, flops: float, share: str) -> Span:
    """Seconds on a GPU, or of small convolutions on one core."""
    if device(work)["on_gpu"]:
        return work.gpu_seconds(flops, share)
    return work.rates.rate("convolution_flops").seconds(flops)

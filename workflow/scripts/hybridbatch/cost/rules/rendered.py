"""Passages of training pairs as images, and the image towers that are trained on them."""

from collections.abc import Mapping

from hybridbatch.cost.model import Corpus, Cost, Span
from hybridbatch.cost.rules.images import activations
from hybridbatch.cost.rules.sources import IMAGE_OF_A_WORD
from hybridbatch.cost.rules.training import drawn, steps
from hybridbatch.cost.work import Work
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.encoders.text_image import VisionModel

_CODEBOOK_TEXTS = 1_000  # of all languages together, about, until the codebook has enough blobs
_NUMBER = 4  # bytes of a visual word's number, or of one of a vector


def prepare_rendered(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Some questions are rendered, and a codebook is made of their blobs."""
    words = _CODEBOOK_TEXTS * max(corpus.question_words for corpus in work.corpora)
    size = _NUMBER * work.image_parameters(wildcards["encoder"])
    texts = sum(c.questions for c in work.corpora) * len(lookups.train_languages(work.experiment))
    return work.heavy(
        work.rates.rate("render_words").seconds(words)
        + work.rates.rate("see_words").seconds(words),
        disk=size,
        memory=3 * size + work.rates.memory_of("texts", 0, texts),
    )


def render_pairs(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """All passages of a corpus in one language."""
    corpus = work.corpus(wildcards["corpus"])
    return _rendered(work, wildcards["encoder"], corpus, corpus.passages + corpus.negatives)


def render_validation(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The passages to validate with."""
    corpus = work.corpus(wildcards["corpus"])
    return _rendered(work, wildcards["encoder"], corpus, corpus.validation)


def _rendered(work: Work, encoder: str, corpus: Corpus, passages: float) -> Cost:
    """One image is held at a time; of all that is kept are the inputs."""
    return _looked_at(
        work,
        encoder,
        passages,
        corpus.passage_words,
        work.rates.rate("render_words").seconds(passages * corpus.passage_words),
        work.rates.memory_of("texts", corpus.pairs, passages),
    )


def prepare_candidates(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The images of a benchmark in one language are all held."""
    sizes = work.collections(wildcards["benchmark"])[wildcards["language"]]
    images, words = sizes.candidates, sizes.candidate_words
    held = images * words * IMAGE_OF_A_WORD
    return _looked_at(work, wildcards["encoder"], images, words, Span(0.0, 0.0), held)


def _looked_at(
    work: Work, encoder: str, images: float, words: float, seconds: Span, memory: float
) -> Cost:
    """What a tower needs of images, each of so many words, is made once for all systems.

    Of visual words, blobs of ink are matched. A frozen tower embeds. For one that is trained the
    images are kept as they are. seconds, memory: what the job takes beside.
    """
    entry, flops = work.encoder(encoder), 0.0
    if not isinstance(entry.image, VisionModel):
        seconds += work.rates.rate("see_words").seconds(images * words)
    if entry.embeds_once:
        patches = work.image_numbers(encoder, words)
        flops = work.shape(encoder, "candidate").forward(images * patches, patches)
        seconds += work.encoding_seconds(encoder, flops)
    device = work.looking_device(encoder)
    size = images * _input_bytes(work, encoder, words)
    weights = _NUMBER * work.image_parameters(encoder)
    return work.heavy(
        seconds,
        flops=flops,
        disk=size,
        memory=2 * weights + 3 * size + memory,
        gpu_memory=weights if device.get("on_gpu") else 0.0,
        **device,
    )


def finetune_rendered(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Vectors of the text tower once, then all steps of the image tower, or of its head alone."""
    system = work.systems[wildcards["system"]]
    name, entry = system.encoder, work.encoder(system.encoder)
    values = variants.training_values(work.experiment, system)
    passages = sum(
        share * values["batch_size"] * (1.0 + corpus.negative_share)
        for corpus, share in drawn(work, system)
    )
    words = max((corpus.passage_words for corpus in work.corpora), default=0.0)
    length = work.image_numbers(name, words)
    checked = sum(corpus.validation for corpus in work.validation) / values["evaluate_every"]
    # A forward pass is a third of a step. A frozen tower has embedded all images before.
    flops = 0.0
    if not entry.embeds_once:
        flops = work.shape(name, "candidate").forward((3 * passages + checked) * length, length)
    seconds = work.table_seconds(name, (passages + checked / 3) * length, flops)
    fewest, most = steps(work, system)
    held, texts, pairs = 0.0, 0.0, 0.0
    for corpus in work.corpora:
        languages = len(variants.system_languages(work.experiment, corpus.name, system))
        images = corpus.passages + corpus.negatives
        held += languages * images * _input_bytes(work, name, corpus.passage_words)
        texts += languages * corpus.texts
        pairs += languages * corpus.pairs
    vectors = texts * _NUMBER * work.width(name)
    weights = work.parameters(name)
    state = 4 * (weights + 4 * work.image_parameters(name) * (not entry.embeds_once))
    tokens = sum(work.token_file(corpus, entry.base)[0] for corpus in work.corpora)
    on_gpu = work.on_gpu(name)
    return work.heavy(
        work.rates.rate("tokenize_words").seconds(tokens)
        + Span(fewest * seconds.low, most * seconds.high),
        **work.encoders_device(name),
        flops=most * flops,
        disk=4 * weights,
        memory=2 * held + 2 * vectors + state + work.rates.memory_of("texts", pairs, 0),
        gpu_memory=state + values["batch_size"] * activations(entry) if on_gpu else 0.0,
    )


def _input_bytes(work: Work, encoder: str, words: float) -> float:
    entry = work.encoder(encoder)
    if not isinstance(entry.image, VisionModel):
        return _NUMBER * work.image_numbers(encoder, words)
    if entry.image.trained:
        return words * IMAGE_OF_A_WORD
    return _NUMBER * work.shape(encoder, "candidate").width

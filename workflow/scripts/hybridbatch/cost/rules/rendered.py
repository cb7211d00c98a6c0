"""Passages of training pairs as images, and the image towers that are trained on them."""

from collections.abc import Mapping

from hybridbatch.cost.model import Corpus, Cost, Span
from hybridbatch.cost.rules.sources import IMAGE_OF_A_WORD
from hybridbatch.cost.rules.training import drawn, steps
from hybridbatch.cost.work import Work
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.encoders.text_image import VisionModel

_CODEBOOK_TEXTS = 1_000  # of all languages together, about, until the codebook has enough blobs
_NUMBER = 4  # bytes of a visual word's number, or of one of a vector
_LETTERS = 6  # of a word; each begins an n-gram of every length


def prepare_rendered(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Some questions are rendered, and a codebook is made of their blobs."""
    words = _CODEBOOK_TEXTS * max(corpus.question_words for corpus in work.corpora)
    size = _NUMBER * work.image_parameters(wildcards["encoder"])
    texts = sum(c.questions for c in work.corpora) * len(lookups.train_languages(work.experiment))
    return work.heavy(
        work.seeing_seconds(words),
        disk=size,
        memory=3 * size + work.rates.memory_of("texts", 0, texts),
    )


def render_pairs(work: Work, wildcards: Mapping[str, str]) -> Cost:
    corpus = work.corpus(wildcards["corpus"])
    return _rendered(work, wildcards["encoder"], corpus, corpus.passages + corpus.negatives)


def render_validation(work: Work, wildcards: Mapping[str, str]) -> Cost:
    corpus = work.corpus(wildcards["corpus"])
    return _rendered(work, wildcards["encoder"], corpus, corpus.validation)


def _rendered(work: Work, encoder: str, corpus: Corpus, passages: float) -> Cost:
    """One image is held at a time; of all that is kept are the inputs."""
    words = passages * corpus.passage_words
    size = passages * _input_bytes(work, encoder, corpus.passage_words)
    return work.heavy(
        work.seeing_seconds(words),
        disk=size,
        memory=3 * size + work.rates.memory_of("texts", corpus.pairs, passages),
    )


def prepare_candidates(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Blobs of ink are matched, or a frozen tower embeds; one that trains keeps the images."""
    name, entry = wildcards["encoder"], work.encoder(wildcards["encoder"])
    sizes = work.collections(wildcards["benchmark"])[wildcards["language"]]
    words = sizes.candidates * sizes.candidate_words
    size = sizes.candidates * _input_bytes(work, name, sizes.candidate_words)
    seconds, tokens, flops, device = Span(0.0, 0.0), 0.0, 0.0, {}
    if not isinstance(entry.image, VisionModel):
        seconds += work.rates.rate("see_words").seconds(words)
    if entry.embeds_once:
        length = entry.limit("candidate")
        tokens = sizes.candidates * length
        flops = work.shape(name, "candidate").forward(tokens, length)
        seconds += work.encoding_seconds(name, flops)
        device = work.encoders_device(name)
    weights = _NUMBER * work.image_parameters(name)
    return work.heavy(
        seconds,
        tokens=tokens,
        flops=flops,
        disk=size,
        memory=2 * weights + 3 * size + words * IMAGE_OF_A_WORD,
        gpu_memory=weights if device.get("on_gpu") else 0.0,
        **device,
    )


def finetune_rendered(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Vectors of the text tower once, then all steps of the image tower."""
    system = work.systems[wildcards["system"]]
    name, entry = system.encoder, work.encoder(system.encoder)
    values = variants.training_values(work.experiment, system)
    passages = sum(
        share * values["batch_size"] * (1.0 + corpus.negative_share)
        for corpus, share in drawn(work, system)
    )
    words = max((corpus.passage_words for corpus in work.corpora), default=0.0)
    length = _input_numbers(work, name, words)
    checked = sum(corpus.validation for corpus in work.validation) / values["evaluate_every"]
    # A forward pass is a third of a step.
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
    state = 4 * (weights + 4 * work.image_parameters(name))
    tokens = sum(work.token_file(corpus, entry.base)[0] for corpus in work.corpora)
    on_gpu = work.on_gpu(name)
    return work.heavy(
        work.rates.rate("tokenize_words").seconds(tokens)
        + Span(fewest * seconds.low, most * seconds.high),
        **work.encoders_device(name),
        flops=most * flops,
        disk=4 * weights,
        memory=2 * held + 2 * vectors + state + work.rates.memory_of("texts", pairs, 0),
        gpu_memory=state + values["batch_size"] * 2e8 if on_gpu else 0.0,
    )


def _input_numbers(work: Work, encoder: str, words: float) -> float:
    """The numbers that an image of so many words is for its tower: n-grams, or patches."""
    entry = work.encoder(encoder)
    if isinstance(entry.image, VisionModel):
        return entry.limit("candidate")
    return words * _LETTERS * entry.image.ngrams


def _input_bytes(work: Work, encoder: str, words: float) -> float:
    entry = work.encoder(encoder)
    if not isinstance(entry.image, VisionModel):
        return _NUMBER * _input_numbers(work, encoder, words)
    return words * IMAGE_OF_A_WORD if entry.image.trained else _NUMBER * work.width(encoder)

"""Tokenizing and fine-tuning."""

from collections.abc import Mapping
from typing import Any

from hybridbatch.cost.model import Corpus, Cost, Span
from hybridbatch.cost.work import PAIR_BYTES, Work
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.shapes import Shape
from hybridbatch.training.weighting import corpus_shares

# Bytes for each parameter in float32 training: weight, gradient, AdamW's two moments, and the best
# weight so far.
_TRAINING_BYTES = 20
# Bytes for each frozen parameter: float32 on a CPU, bfloat16 on a GPU.
_FROZEN_BYTES = {"cpu": 4, "gpu": 2}
# Bytes of activations for each token, layer and unit of width, in 16 bits and without attention
# scores: Korthikanti et al. 2022, "Reducing activation recomputation", section 4.1.
_ACTIVATION_BYTES = 34


def prepare_encoder(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Weights of a pretrained encoder are fetched; the others' tokenizers are trained."""
    encoder = work.encoder(wildcards["encoder"])
    size = 4 * work.parameters(wildcards["encoder"])
    if encoder.pretrained:
        # Read, and written again.
        return work.heavy(work.rates.rate("fetch_bytes").seconds(size), disk=size, memory=2 * size)
    languages = lookups.train_languages(work.experiment)
    characters = encoder.tokenizer_characters * len(languages)
    return work.light(
        work.rates.rate("tokenizer_characters").seconds(characters),
        disk=size,
        memory=work.rates.memory_of("tokenizer_characters", 0, characters),
    )


def tokenize_pairs(work: Work, wildcards: Mapping[str, str]) -> Cost:
    corpus = work.corpus(wildcards["corpus"])
    tokens, size = work.token_file(corpus, wildcards["encoder"])
    return work.heavy(
        work.rates.rate("tokenize_words").seconds(corpus.words),
        tokens=tokens,
        disk=size,
        memory=work.rates.memory_of("tokenize_pairs", corpus.pairs, corpus.texts),
    )


def tokenize_validation(work: Work, wildcards: Mapping[str, str]) -> Cost:
    corpus = work.corpus(wildcards["corpus"])
    encoder = work.encoder(wildcards["encoder"])
    tokens = work.rates.tokens_of(corpus.question_words, encoder.limit("query"))
    tokens += work.rates.tokens_of(corpus.passage_words, encoder.limit("candidate"))
    words = corpus.validation * (corpus.question_words + corpus.passage_words)
    pairs = corpus.validation
    return work.heavy(
        work.rates.rate("tokenize_words").seconds(words),
        tokens=pairs * tokens,
        disk=pairs * (4 * tokens + PAIR_BYTES),
        memory=work.rates.memory_of("tokenize_pairs", pairs, 2 * pairs),
    )


def count_tokens(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The texts of a benchmark in all languages; of a search in passages, the queries alone."""
    benchmark = work.benchmark(wildcards["benchmark"])
    words = texts = 0.0
    for of in work.collections(wildcards["benchmark"]).values():
        words += of.queries * of.query_words
        texts += of.queries
        if benchmark.ranks_all and benchmark.modality == "text":
            words += of.candidates * of.candidate_words
            texts += of.candidates
    return work.light(
        work.rates.rate("tokenize_words").seconds(words),
        memory=work.rates.memory_of("texts", 0, texts),
    )


def finetune(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Tokens and FLOPs are for all steps; the time ranges from the earliest possible stop."""
    rates, system = work.rates, work.systems[wildcards["system"]]
    encoder, name = work.encoder(system.encoder), system.encoder
    values = variants.training_values(work.experiment, system)
    shapes = {side: work.shape(name, side) for side in ("query", "candidate")}
    length_of = rates.padded_tokens_of if encoder.padded else rates.tokens_of
    step_tokens = step_flops = 0.0
    for corpus, share in drawn(work, system):
        for side, words, texts in (
            ("query", corpus.question_words, 1.0),
            ("candidate", corpus.passage_words, 1.0 + corpus.negative_share),
        ):
            length = length_of(words, encoder.limit(side))
            number = share * texts * values["batch_size"] * length
            step_tokens += number
            step_flops += 3 * shapes[side].forward(number, length)
    check_tokens = check_flops = checked = 0.0
    for corpus in work.validation:
        checked += corpus.validation
        for side, words in (
            ("query", corpus.question_words),
            ("candidate", corpus.passage_words),
        ):
            length = length_of(words, encoder.limit(side))
            check_tokens += corpus.validation * length
            check_flops += shapes[side].forward(corpus.validation * length, length)
    per_step = 1 / values["evaluate_every"]
    flops = step_flops + check_flops * per_step
    # A forward pass is a third of a step.
    seconds = work.training_seconds(name, flops, values["batch_size"] + checked * per_step / 3)
    fewest, most = steps(work, system)
    parameters = work.parameters(name)
    # A question, its passage and where there are any a hard negative.
    texts = {"query": 1, "candidate": 1 + any(c.negative_share for c in work.corpora)}
    activations = sum(
        _ACTIVATION_BYTES
        * values["batch_size"]
        * number
        * encoder.limit(side)
        * shapes[side].encoder_layers
        * shapes[side].width
        for side, number in texts.items()
        if shapes[side].encoder_layers
    )
    trained = trained_parameters(shapes["query"], parameters, values.get("trainable"))
    frozen = _FROZEN_BYTES["gpu" if work.on_gpu(name) else "cpu"] * (parameters - trained)
    training = _TRAINING_BYTES * trained + frozen
    return work.heavy(
        Span(fewest * seconds.low, most * seconds.high),
        **work.encoders_device(name),
        tokens=most * (step_tokens + check_tokens * per_step),
        flops=most * flops,
        disk=4 * parameters,
        # A GPU's state passes through main memory, too, when a checkpoint is written.
        memory=held_tokens(work, system) + training + (0 if work.on_gpu(name) else activations),
        gpu_memory=training + activations if work.on_gpu(name) else 0.0,
    )


def merge_adapter(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """An adapter is loaded with its base, folded into it, and saved."""
    size = 4 * work.parameters(work.systems[wildcards["system"]].encoder)
    seconds = work.rates.rate("fetch_bytes").seconds(size)
    return work.heavy(seconds, disk=size, memory=3 * size)


def trained_parameters(shape: Shape, total: float, trainable: Mapping[str, Any] | None) -> float:
    """How many of `total` parameters are trained, without biases and normalisations.

    trainable: the values of `training.trainable`. Exact for adapters of all linear modules.
    """
    if trainable is None:
        return total
    kind, layer = trainable["kind"], shape.encoder_parameters / max(1, shape.encoder_layers)
    if kind == "top":
        return trainable["layers"] * layer
    if kind == "lora":
        attention, dense = 2 * shape.width, shape.width + shape.feed_forward
        modules = trainable.get("modules")
        if modules is None:
            return trainable["budget"] * (4 * attention + 2 * dense)
        wide = sum("intermediate" in name or name == "output.dense" for name in modules)
        return trainable["budget"] * (wide * dense + (len(modules) - wide) * attention)
    if kind == "bottleneck":
        return trainable["budget"] * (2 * shape.width + 1)
    return total - (0 if trainable["token_embeddings"] else shape.width * shape.vocabulary)


def steps(work: Work, system: variants.System) -> tuple[int, int]:
    """(fewest, most) steps: decay begins after `patience` validations without a better loss.

    The first one is always better.
    """
    values = variants.training_values(work.experiment, system)
    fewest = (values["patience"] + 1) * values["evaluate_every"] / (1 - values["decay_share"])
    return min(round(fewest), values["max_steps"]), values["max_steps"]


def held_tokens(work: Work, system: variants.System) -> float:
    """Bytes of the token ids of all corpora in all languages, which one process holds."""
    return sum(
        work.token_file(corpus, system.encoder)[1]
        * len(variants.system_languages(work.experiment, corpus.name, system))
        for corpus in work.corpora
    )


def drawn(work: Work, system: variants.System) -> list[tuple[Corpus, float]]:
    """The corpora, each with the fraction of steps for which it is drawn.

    Empty if no corpus can give the sampling's batches.
    """
    values = variants.training_values(work.experiment, system)
    shares = corpus_shares(
        {c.name: c.pairs for c in work.corpora},
        {c.name: variants.system_languages(work.experiment, c.name, system) for c in work.corpora},
        values["sampling"],
        values["alpha"],
        values["corpus_weighting"]["temperature"],
    )
    return [(corpus, shares[corpus.name]) for corpus in work.corpora if shares]

"""Tokenizing and fine-tuning."""

from collections.abc import Mapping

from hybridbatch.cost.memory import Memory, Texts, trained_parameters, training_memory
from hybridbatch.cost.model import Corpus, Cost, Span
from hybridbatch.cost.work import PAIR_BYTES, Work, step_passes
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.training.weighting import corpus_shares


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
    system = work.systems[wildcards["system"]]
    name = system.encoder
    values = variants.training_values(work.experiment, system)
    trainable = values.get("trainable")
    step_texts, check_texts = [], []
    for corpus, share in drawn(work, system):
        pairs = share * values["batch_size"]
        passages = pairs * (1.0 + corpus.negative_share)
        step_texts.append(("query", corpus.question_words, pairs))
        step_texts.append(("candidate", corpus.passage_words, passages))
    for corpus in work.validation:
        check_texts.append(("query", corpus.question_words, corpus.validation))
        check_texts.append(("candidate", corpus.passage_words, corpus.validation))
    step_tokens, step_flops = work.in_batches(name, step_texts)
    check_tokens, check_flops = work.in_batches(name, check_texts)
    checked = sum(corpus.validation for corpus in work.validation)
    per_step = 1 / values["evaluate_every"]
    flops = step_passes(values) * step_flops + check_flops * per_step
    # A forward pass is a third of a step.
    seconds = work.training_seconds(name, flops, values["batch_size"] + checked * per_step / 3)
    fewest, most = steps(work, system)
    memory = step_memory(work, system)
    saved = work.parameters(name)
    if trainable is not None and trainable["kind"] == "lora":
        # Its base is elsewhere.
        saved = trained_parameters(work.shape(name, "query"), saved, trainable)
    # A GPU's state passes through main memory, too: as the encoder is loaded, and as a checkpoint
    # is written.
    passing = max(memory.frozen + memory.trained, memory.loading)
    return work.heavy(
        Span(fewest * seconds.low, most * seconds.high),
        **work.encoders_device(name),
        tokens=most * (step_tokens + check_tokens * per_step),
        flops=most * flops,
        disk=4 * saved,
        memory=held_tokens(work, system) + (passing if work.on_gpu(name) else memory.peak),
        gpu_memory=memory.peak if work.on_gpu(name) else 0.0,
        training=memory if work.on_gpu(name) else None,
    )


def step_memory(work: Work, system: variants.System) -> Memory:
    """The memory of a training step, at a batch's longest."""
    encoder, name = work.encoder(system.encoder), system.encoder
    values = variants.training_values(work.experiment, system)
    # A question, its passage and where there are any a hard negative.
    sides = ["query", "candidate"]
    if any(corpus.negative_share for corpus in work.corpora):
        sides.append("candidate")
    shapes = {side: work.shape(name, side) for side in sides}
    parameters, trainable = work.parameters(name), values.get("trainable")
    return training_memory(
        [
            (shapes[side], Texts(values["batch_size"], encoder.limit(side)))
            for side in sides
            if shapes[side].encoder_layers
        ],
        parameters,
        trained_parameters(shapes["query"], parameters, trainable),
        trainable,
        values["gradient_checkpointing"],
        gpu=work.on_gpu(name),
    )


def merge_adapter(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """An adapter is loaded with its base, folded into it, and saved."""
    size = 4 * work.parameters(work.systems[wildcards["system"]].encoder)
    seconds = work.rates.rate("fetch_bytes").seconds(size)
    return work.heavy(seconds, disk=size, memory=3 * size)


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

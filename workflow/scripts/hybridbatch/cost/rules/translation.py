"""Translating train sets and reference sets, and filtering what came of it."""

from collections.abc import Mapping, Sequence

from hybridbatch.cost.model import Cost, Span, generation, reference_sizes
from hybridbatch.cost.rules.images import caption_number
from hybridbatch.cost.work import Work


def translate(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """One shard of the distinct texts; a translation is taken to be as long as the English text."""
    corpus = work.corpus(wildcards["corpus"])
    shards = work.corpus_entry(corpus.name).shards
    texts = (
        (corpus.questions / shards, corpus.question_words),
        ((corpus.passages + corpus.negatives) / shards, corpus.passage_words),
    )
    return _translated(work, texts, wildcards["language"])


def translate_references(work: Work, wildcards: Mapping[str, str]) -> Cost:
    sizes = reference_sizes(work.rates, wildcards["references"])
    return _translated(work, [(sizes.texts, sizes.words)], wildcards["language"])


def translate_captions(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """One shard of the English captions of a corpus."""
    number = caption_number(work, wildcards["benchmark"])
    shards = work.benchmark(wildcards["benchmark"]).shards
    words = max(of.query_words for of in work.collections(wildcards["benchmark"]).values())
    return _translated(work, [(number / shards, words)], wildcards["language"])


def translate_back(work: Work, wildcards: Mapping[str, str]) -> Cost:
    sizes = reference_sizes(work.rates, wildcards["references"])
    return _translated(work, [(sizes.texts, sizes.words)], wildcards["target"])


def filter_pairs(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The estimate assumes that all pairs pass."""
    corpus = work.corpus(wildcards["corpus"])
    return work.light(
        work.rates.rate("filter_pairs").seconds(corpus.pairs),
        disk=work.parquet(corpus.pairs * corpus.pair_words, wildcards["language"]),
        memory=work.rates.memory_of("filter_pairs", corpus.pairs, corpus.texts),
    )


def export_train_set(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Pairs are read and written again in batches."""
    corpus = work.corpus(wildcards["corpus"])
    return work.light(
        work.rates.rate("read_pairs").seconds(corpus.pairs),
        disk=work.parquet(corpus.pairs * corpus.pair_words, wildcards["language"]),
    )


def _translated(work: Work, texts: Sequence[tuple[float, float]], language: str) -> Cost:
    """texts: (number of texts, words of each)."""
    number = sum(count for count, _ in texts)
    disk = work.parquet(sum(count * words for count, words in texts), language)
    held = work.rates.memory_of("texts", 0, number)
    if work.translator.neural:
        return _generated(work, texts, disk, held)
    seconds = work.rates.rate(work.translator.lines_rate).seconds(number)
    return work.light(seconds, disk=disk, memory=held + work.rates.memory_of("translation_engine"))


def _generated(work: Work, texts: Sequence[tuple[float, float]], disk: float, held: float) -> Cost:
    """By a neural model: text with the language's code and the end; what is longer is split."""
    rates, translator = work.rates, work.translator
    shape, beams = work.model_shape(translator.model), translator.beams
    tokens = flops = 0.0
    lengths = []
    for number, words in texts:
        whole = words * rates.text.tokens_a_word + rates.text.special_tokens
        length = min(whole, translator.max_new_tokens)
        pieces = number * whole / length
        flops += pieces * generation(shape, length, length, beams)
        tokens += pieces * 2 * length
        lengths.append(whole)
    gain = rates.rate(translator.gain) if translator.gain else None
    # Keys and values of source and translation, and a second copy when beams are reordered; also
    # three copies of the float32 scores of all tokens, for as many short texts as fill a batch.
    cache = 2 * 2 * translator.batch_tokens * beams * shape.decoder_layers * 2 * shape.width * 2
    scores = translator.batch_tokens / min(lengths) * beams * shape.vocabulary * 4 * 3
    return work.heavy(
        work.gpu_seconds(flops, "generate_share", Span(gain.low, gain.high) if gain else None),
        **work.translators_device(),
        tokens=tokens,
        flops=flops,
        disk=disk,
        memory=held + 4 * shape.parameters,  # read in float32
        gpu_memory=2 * shape.parameters + cache + scores,
    )

"""Encoding benchmarks, and searching those with too many passages to rank them all."""

from collections.abc import Mapping

from hybridbatch.cost.model import Collection, Cost, Span
from hybridbatch.cost.work import Work

# Bytes on disk of one passage in a run: compressed id, score and rank.
RUN_BYTES = 24
# Bytes in memory of one passage while runs are merged: id as text, score and rank.
_HELD_RUN_BYTES = 150


def encode(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Queries and candidates are encoded. Images that a frozen tower has embedded are not."""
    name = work.systems[wildcards["system"]].encoder
    sizes = work.collections(wildcards["benchmark"])[wildcards["language"]]
    texts = sizes.queries + sizes.candidates
    size = 4 * texts * work.width(name)
    embedded = 0 if work.encoder(name).embeds_once else sizes.candidates
    seconds, tokens, flops = _vectors(work, name, sizes, embedded)
    return _encoded(
        work,
        name,
        seconds,
        tokens=tokens,
        flops=flops,
        disk=size,
        memory=2 * size + work.rates.memory_of("texts", 0, texts),
    )


def search_passages(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Some files of passages: encoded and searched one by one, their vectors dropped."""
    name, language = work.systems[wildcards["system"]].encoder, wildcards["language"]
    benchmark = work.benchmark(wildcards["benchmark"])
    sizes = work.collections(wildcards["benchmark"])[language]
    searched = benchmark.searched(sizes.queries, sizes.candidates, sizes.judged_a_query)
    files, of = benchmark.size_of_part(language, int(wildcards["part"]))
    passages = searched * files / of
    seconds, tokens, flops = _vectors(work, name, sizes, passages)
    width = work.width(name)
    products = 2 * sizes.queries * passages * width
    cores = work.gpu.cores if work.on_gpu(name) else 1
    file = searched / of
    return _encoded(
        work,
        name,
        seconds + work.rates.rate("search_flops").seconds(products, cores),
        tokens=tokens,
        flops=flops + products,
        disk=sizes.queries * benchmark.depth * RUN_BYTES,
        # A file at a time, as vectors and as an index.
        memory=2 * 4 * file * width
        + work.rates.memory_of("texts", 0, file + sizes.queries)
        + sizes.queries * benchmark.depth * _HELD_RUN_BYTES,
    )


def evaluate_run(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Runs of all parts are merged."""
    language = wildcards["language"]
    benchmark = work.benchmark(wildcards["benchmark"])
    queries = work.collections(wildcards["benchmark"])[language].queries
    parts = benchmark.parts(language)
    return work.light(
        disk=queries * benchmark.depth * RUN_BYTES,
        memory=parts * queries * benchmark.depth * _HELD_RUN_BYTES,
    )


def _encoded(work: Work, encoder: str, seconds: Span, *, memory: float, **values) -> Cost:
    """A job that loads a model and encodes."""
    weights = 4 * work.parameters(encoder)
    return work.heavy(
        seconds,
        memory=2 * weights + memory,
        gpu_memory=weights if work.encoding_device(encoder)["on_gpu"] else 0.0,
        **work.encoding_device(encoder),
        **values,
    )


def _vectors(
    work: Work, encoder: str, sizes: Collection, candidates: float
) -> tuple[Span, float, float]:
    """(seconds, tokens, FLOPs) of encoding all queries and a number of candidates."""
    entry, words = work.encoder(encoder), 0.0
    tokens = flops = 0.0
    for side, number, length in (
        ("query", sizes.queries, sizes.query_words),
        ("candidate", candidates, sizes.candidate_words),
    ):
        if side == "candidate" and entry.renders:
            each = work.image_numbers(encoder, length)
        else:
            # Sorted by tokens: hardly any padding.
            each = work.rates.tokens_of(length, entry.limit(side))
            words += number * length
        tokens += number * each
        flops += work.shape(encoder, side).forward(number * each, each)
    # All cores beside a GPU tokenize for it; the rate is that of two.
    cores = work.gpu.cores / 2 if work.encoding_device(encoder)["on_gpu"] else 1
    seconds = work.rates.rate("tokenize_words").seconds(words, cores)
    if not entry.training_rate or (encoder, "encode") in work.measured:
        seconds += work.encoding_seconds(encoder, flops)
    return seconds, tokens, flops

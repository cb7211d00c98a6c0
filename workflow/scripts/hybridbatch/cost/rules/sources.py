"""Fetching and reading: corpora, benchmarks and reference sets."""

from collections.abc import Mapping

from hybridbatch.cost.model import Cost, Span, reference_sizes
from hybridbatch.cost.work import Work

# Bytes that a known id needs: its 64-bit key in a sorted array, while this is merged and sorted.
_KNOWN_ID = 24
# Bytes of the image of a rendered word, in a line of 32 pixels.
IMAGE_OF_A_WORD = 300


def fetch(work: Work, wildcards: Mapping[str, str]) -> Cost:
    size = work.download(wildcards["source_file"])
    return work.light(work.rates.rate("fetch_bytes").seconds(size), disk=size)


def fetch_dataset(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Rows are streamed, and held one at a time."""
    corpus = work.corpus(wildcards["corpus"])
    pairs = corpus.pairs + corpus.validation
    language = work.corpus_entry(corpus.name).language
    size = work.rates.bytes_of(pairs * corpus.pair_words, language)
    return work.light(
        work.rates.rate("fetch_bytes").seconds(size),
        disk=size * work.rates.text.parquet_share,
        memory=work.rates.memory_of("datasets"),
    )


def read_corpus(work: Work, wildcards: Mapping[str, str]) -> Cost:
    corpus = work.corpus(wildcards["corpus"])
    pairs = corpus.pairs + corpus.validation
    return work.light(
        work.rates.rate("read_pairs").seconds(pairs),
        disk=work.parquet(pairs * corpus.pair_words, work.corpus_entry(corpus.name).language),
        memory=work.rates.memory_of("read_corpus", pairs, corpus.texts),
    )


def shard_texts(work: Work, wildcards: Mapping[str, str]) -> Cost:
    corpus = work.corpus(wildcards["corpus"])
    entry = work.corpus_entry(corpus.name)
    return work.light(
        work.rates.rate("shard_pairs").seconds(corpus.pairs),
        disk=work.parquet(corpus.words / entry.shards, entry.language),
        memory=work.rates.memory_of("shard_texts", corpus.pairs, corpus.texts),
    )


def read_parallel(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Every shard reads all of the language's files."""
    corpus = work.corpus(wildcards["corpus"])
    shards = work.corpus_entry(corpus.name).shards
    return work.light(
        work.rates.rate("parallel_texts").seconds(corpus.texts),
        disk=work.parquet(corpus.words / shards, wildcards["language"]),
        memory=work.rates.memory_of("read_parallel", 0, corpus.texts),
    )


def read_benchmark(work: Work, wildcards: Mapping[str, str]) -> Cost:
    language = wildcards["language"]
    sizes = work.collections(wildcards["benchmark"])[language]
    texts = sizes.queries + sizes.candidates
    seconds = work.rates.rate("read_pairs").seconds(texts)
    images = 0.0
    if work.benchmark(wildcards["benchmark"]).kind == "rendered":
        words = sizes.candidates * sizes.candidate_words
        seconds += work.rates.rate("render_words").seconds(words)
        images = words * IMAGE_OF_A_WORD
    return work.light(
        seconds,
        disk=images + work.parquet(sizes.words, language),
        memory=2 * images + work.rates.memory_of("texts", 0, texts),
    )


def count_glyphs(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The sentences of all languages, one language after another."""
    sizes = work.collections(wildcards["benchmark"]).values()
    sentences = sum(of.candidates for of in sizes)
    return work.light(
        work.rates.rate("read_pairs").seconds(sentences),
        memory=work.rates.memory_of("texts", 0, sentences),
    )


def read_topics(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Queries and judgements; passages stay in their files."""
    language = wildcards["language"]
    sizes = work.collections(wildcards["benchmark"])[language]
    return work.light(
        work.rates.rate("read_pairs").seconds(sizes.queries),
        disk=work.parquet(sizes.queries * sizes.query_words, language),
        memory=work.rates.memory_of("texts", 0, sizes.queries * (1 + sizes.judged_a_query)),
    )


def survey_passages(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The judged passages are taken out of all files."""
    language = wildcards["language"]
    sizes = work.collections(wildcards["benchmark"])[language]
    judged = sizes.queries * sizes.judged_a_query
    return work.light(
        work.rates.rate("read_pairs").seconds(sizes.candidates),
        disk=work.parquet(judged * sizes.candidate_words, language),
        memory=work.rates.memory_of("texts", 0, judged) + _KNOWN_ID * sizes.candidates,
    )


def read_references(work: Work, wildcards: Mapping[str, str]) -> Cost:
    sizes = reference_sizes(work.rates, wildcards["references"])
    return work.light(
        Span(0, 0),
        disk=work.parquet(sizes.texts * sizes.words, wildcards["language"]),
        memory=work.rates.memory_of("texts", 0, sizes.texts),
    )

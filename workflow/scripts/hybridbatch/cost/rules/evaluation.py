"""Ranks and metrics, their means and tests, language bias, near duplicates, exports."""

from collections.abc import Iterable, Mapping

from hybridbatch.cost.model import Cost, Span
from hybridbatch.cost.work import Work
from hybridbatch.experiment import systems as variants

# Bytes in memory of one metric of one query in one pool and setting.
_METRIC_BYTES = 50
_METRICS = 10
# Bytes of the scores of a block of queries, and of their comparison: see retrieval/ranking.py.
_BLOCK_BYTES = 4_000_000 * (4 + 8 + 8)


def evaluate(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """The queries of one language against all candidates, in float64."""
    name = wildcards["benchmark"]
    sizes = work.collections(name)
    queries = sizes[wildcards["language"]].queries
    pool = sum(of.candidates for of in sizes.values())
    width = work.width(work.systems[wildcards["system"]].encoder)
    flops = 2 * queries * pool * width
    seconds = work.rates.rate("search_flops").seconds(flops)
    # The rank of a relevant candidate of every language.
    compares = queries * len(sizes) * pool
    return work.light(
        seconds + work.rates.rate("rank_compares").seconds(compares),
        flops=flops,
        memory=(4 + 8) * pool * width + _BLOCK_BYTES + _metrics(work, name, 1),
    )


def score_system(work: Work, wildcards: Mapping[str, str]) -> Cost:
    return _tested(work, wildcards["benchmark"], [wildcards["system"]])


def compare_samplings(work: Work, wildcards: Mapping[str, str]) -> Cost:
    of_variant = [n for n, s in work.systems.items() if s.variant == wildcards["variant"]]
    return _tested(work, wildcards["benchmark"], of_variant)


def compare_schedules(work: Work, wildcards: Mapping[str, str]) -> Cost:
    group = variants.layer_groups(work.experiment)[wildcards["schedules"]]
    return _tested(work, wildcards["benchmark"], [system.name for system in group.values()])


def measure_bias(work: Work, wildcards: Mapping[str, str]) -> Cost:
    name = wildcards["benchmark"]
    pool = sum(of.candidates for of in work.collections(name).values())
    width = work.width(work.systems[wildcards["system"]].encoder)
    return work.light(
        work.rates.seconds_of("table"),
        memory=(4 + 8) * pool * width + 4 * _BLOCK_BYTES + _metrics(work, name, 1),
    )


def find_duplicates(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """Every different question and passage."""
    corpus = work.corpus(wildcards["corpus"])
    texts = corpus.questions + corpus.passages
    return work.light(
        work.rates.rate("duplicate_texts").seconds(texts),
        memory=work.rates.memory_of("find_duplicates", 0, texts),
    )


def export_ranking(work: Work, wildcards: Mapping[str, str]) -> Cost:
    sizes = work.collections(wildcards["benchmark"])
    queries = sizes[wildcards["language"]].queries
    pool = sum(of.candidates for of in sizes.values())
    width = work.width(work.systems[wildcards["system"]].encoder)
    return work.light(
        work.rates.rate("search_flops").seconds(2 * queries * pool * width),
        flops=2 * queries * pool * width,
        disk=queries * min(pool, work.experiment.exports.depth) * _LINE_BYTES,
        memory=(4 + 8) * pool * width + _BLOCK_BYTES,
    )


def export_run(work: Work, wildcards: Mapping[str, str]) -> Cost:
    queries = work.collections(wildcards["benchmark"])[wildcards["language"]].queries
    lines = queries * work.benchmark(wildcards["benchmark"]).depth
    return work.light(disk=lines * _LINE_BYTES, memory=lines * 2 * _LINE_BYTES)


# Bytes of a line in a TREC run: query, document, rank, score and the run's name.
_LINE_BYTES = 100


def _tested(work: Work, benchmark: str, systems: Iterable[str]) -> Cost:
    """Means with intervals and tests over the queries of some systems."""
    runs = sum(len(variants.runs_of(work.experiment, work.systems[name])) for name in systems)
    languages = len(work.collections(benchmark))
    return work.light(
        work.rates.seconds_of("table"), memory=languages * _metrics(work, benchmark, runs)
    )


def _metrics(work: Work, benchmark: str, runs: int) -> float:
    """Bytes of the metrics of one language's queries by some runs."""
    sizes = work.collections(benchmark)
    queries = max(of.queries for of in sizes.values())
    settings = 2 + len(sizes) if work.benchmark(benchmark).parallel else 1
    return runs * queries * settings * _METRICS * _METRIC_BYTES


def table(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """A page or figure of results."""
    return work.light(work.rates.seconds_of("table"), memory=work.rates.memory_of("table"))


def page(work: Work, wildcards: Mapping[str, str]) -> Cost:
    """A page that only formats existing results."""
    return work.light(Span(0, 0))

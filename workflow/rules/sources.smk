# downloads/<host>/<path>                        pinned files, shared by all configurations
# downloads/datasets/{corpus}/manifest.json      rows of a data set in hashed shards beside it
# results/corpora/{corpus}/train.parquet         English pairs to translate and train on
#                         /validation.parquet    held-out paragraphs
#                         /counts.json
# results/collections/{benchmark}/{language}/    queries, candidates, relevance judgements

from hybridbatch.data import formats
from hybridbatch.runtime.persistence import time_fetched


def corpus_files(wildcards):
    return lookups.corpus_files(experiment, wildcards.corpus)


def benchmark_files(wildcards):
    """The files of one language of a benchmark, by the names that its kind expects."""
    return lookups.benchmark_files(experiment, wildcards.benchmark, wildcards.language)


rule fetch:
    output:
        "<downloads>/{source_file}",
    log:
        "<logs>/fetch/{source_file}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("fetch")
    resources:
        **resources_of("fetch"),
    params:
        # No `code`: the file's hash determines the output.
        url=lambda wildcards: SOURCES[wildcards.source_file]["url"],
        sha256=lambda wildcards: SOURCES[wildcards.source_file]["sha256"],
        max_bytes=lambda wildcards: SOURCES[wildcards.source_file]["max_bytes"],
        recorded=SOURCES_LOCK,
        time=lambda wildcards: time_fetched(
            f"{experiment.pathvars.downloads}/{wildcards.source_file}"
        ),
    script:
        "../scripts/fetch.py"


def data_set(wildcards):
    """The values of a data.hub.DataSet."""
    return corpus_entry(wildcards).rows()


def files_of_yours(wildcards):
    """The files of a local data set, so that it is read again after a change."""
    entry = corpus_entry(wildcards)
    if entry.url is not None:
        return []
    files = inputs.files_in(entry.path)
    for file in files:
        if problem := path_problem(file):
            raise ConfigError(f"{file}: {problem}")
    return files


def time_streamed(wildcards):
    (manifest,) = corpus_files(wildcards)
    return time_fetched(manifest, inputs.shards(manifest))


rule fetch_dataset:
    input:
        files=files_of_yours,
    output:
        "<downloads>/datasets/{corpus}/manifest.json",
    log:
        "<logs>/fetch_dataset/{corpus}.log",
    wildcard_constraints:
        corpus=one_of(name for name, of in CATALOGUE.corpora.items() if of.streamed),
    conda:
        ENVIRONMENT
    threads: threads_of("fetch_dataset")
    resources:
        **resources_of("fetch_dataset"),
    params:
        # No `code`: rows are streamed once, and again where the number of a format is another.
        data_set=data_set,
        formats=[formats.ROWS, formats.SHARDS],
        max_bytes=lambda wildcards: corpus_entry(wildcards).max_bytes,
        recorded=SOURCES_LOCK,
        content=content(files_of_yours),
        time=time_streamed,
    script:
        "../scripts/fetch_dataset.py"


rule read_corpus:
    input:
        files=corpus_files,
    output:
        train="<results>/corpora/{corpus}/train.parquet",
        validation="<results>/corpora/{corpus}/validation.parquet",
        counts="<results>/corpora/{corpus}/counts.json",
    log:
        "<logs>/read_corpus/{corpus}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("read_corpus")
    resources:
        **resources_of("read_corpus"),
    params:
        reader=lambda wildcards: corpus_entry(wildcards).kind,
        language=lambda wildcards: corpus_entry(wildcards).language,
        holdout=lambda wildcards: corpus_entry(wildcards).holdout,
        content=content(corpus_files),
        code=lambda wildcards: code("read_corpus", f"data/readers/{corpus_entry(wildcards).kind}"),
    script:
        "../scripts/read_corpus.py"


rule read_benchmark:
    input:
        unpack(benchmark_files),
    output:
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        candidates="<results>/collections/{benchmark}/{language}/candidates.parquet",
        qrels="<results>/collections/{benchmark}/{language}/qrels.parquet",
    log:
        "<logs>/read_benchmark/{benchmark}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(RANKED_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("read_benchmark")
    resources:
        **resources_of("read_benchmark"),
    params:
        kind=lambda wildcards: benchmark_entry(wildcards).kind,
        reading=lambda wildcards: benchmark_entry(wildcards).reading,
        of=keys,
        content=content(benchmark_files),
        code=lambda wildcards: code("read_benchmark", benchmark_module(wildcards)),
    script:
        "../scripts/read_benchmark.py"

# Benchmarks with too many passages to rank them all, such as MIRACL:
# results/collections/{benchmark}/{language}/queries, qrels      that are judged
#                                           /judged.parquet      passages that judgements name
#                                           /counts.json         passages, and judged ones that lack
# results/runs/{system}/seed{seed}/{benchmark}/{language}/{part}.parquet   of some shards
#                                             /{language}.parquet          of all
# results/metrics/{system}/seed{seed}/{benchmark}/{language}.parquet       per query
# results/exports/{system}/seed{seed}/{benchmark}/monolingual/{language}.run, .qrels   on request


def passage_files(wildcards):
    return lookups.passage_files(experiment, wildcards.benchmark, wildcards.language)


def files_to_search(wildcards):
    """The shards of a part, or the file of judged passages if only those are searched."""
    if benchmark_entry(wildcards).judged_only:
        return ["<results>/collections/{benchmark}/{language}/judged.parquet"]
    return lookups.files_of_part(
        experiment, wildcards.benchmark, wildcards.language, wildcards.part
    )


def parts_of_run(wildcards):
    return expand(
        "<results>/runs/{{system}}/seed{{seed}}/{{benchmark}}/{{language}}/{part}.parquet",
        part=lookups.passage_parts(experiment, wildcards.benchmark, wildcards.language),
    )


def own_passages(wildcards):
    """The shards of a part; the file of judged passages is a job's."""
    return [] if benchmark_entry(wildcards).judged_only else files_to_search(wildcards)


use rule read_benchmark as read_topics with:
    output:
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        qrels="<results>/collections/{benchmark}/{language}/qrels.parquet",
    log:
        "<logs>/read_topics/{benchmark}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(PASSAGE_BENCHMARKS),
    threads: threads_of("read_topics")
    resources:
        **resources_of("read_topics"),


rule survey_passages:
    input:
        passages=passage_files,
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        qrels="<results>/collections/{benchmark}/{language}/qrels.parquet",
    output:
        judged="<results>/collections/{benchmark}/{language}/judged.parquet",
        counts="<results>/collections/{benchmark}/{language}/counts.json",
    log:
        "<logs>/survey_passages/{benchmark}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(PASSAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("survey_passages")
    resources:
        **resources_of("survey_passages"),
    params:
        kind=lambda wildcards: benchmark_entry(wildcards).kind,
        of=keys,
        content=content(passage_files),
        code=lambda wildcards: code("survey_passages", benchmark_module(wildcards)),
    script:
        "../scripts/survey_passages.py"


rule search_passages:
    input:
        model=model_of,
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        passages=files_to_search,
    output:
        "<results>/runs/{system}/seed{seed}/{benchmark}/{language}/{part}.parquet",
    log:
        "<logs>/search_passages/{system}/seed{seed}/{benchmark}/{language}/{part}.log",
    benchmark:
        "<results>/timings/search_passages/{system}/seed{seed}/{benchmark}/{language}/{part}.jsonl"
    wildcard_constraints:
        benchmark=one_of(PASSAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("search_passages")
    resources:
        **resources_of("search_passages"),
    params:
        search=search_values,
        encoder=encoding_values,
        checkpoints=checkpoints,
        kind=lambda wildcards: benchmark_entry(wildcards).kind,
        of=keys,
        content=content(own_passages),
        code=lambda wildcards: code(
            "search_passages", encoder_module(wildcards), benchmark_module(wildcards)
        ),
    script:
        "../scripts/search_passages.py"


rule evaluate_run:
    input:
        parts=parts_of_run,
        qrels="<results>/collections/{benchmark}/{language}/qrels.parquet",
    output:
        run="<results>/runs/{system}/seed{seed}/{benchmark}/{language}.parquet",
        metrics="<results>/metrics/{system}/seed{seed}/{benchmark}/{language}.parquet",
    log:
        "<logs>/evaluate_run/{system}/seed{seed}/{benchmark}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(PASSAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("evaluate_run")
    resources:
        **resources_of("evaluate_run"),
    params:
        search=search_values,
        of=keys,
        code=code("evaluate_run"),
    script:
        "../scripts/evaluate_run.py"


rule export_run:
    input:
        run="<results>/runs/{system}/seed{seed}/{benchmark}/{language}.parquet",
        qrels="<results>/collections/{benchmark}/{language}/qrels.parquet",
    output:
        run="<results>/exports/{system}/seed{seed}/{benchmark}/monolingual/{language}.run",
        qrels="<results>/exports/{system}/seed{seed}/{benchmark}/monolingual/{language}.qrels",
    log:
        "<logs>/export_run/{system}/seed{seed}/{benchmark}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(PASSAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("export_run")
    resources:
        **resources_of("export_run"),
    params:
        tag=lambda wildcards: f"{wildcards.system}-seed{wildcards.seed}"
        + ("-judged" if benchmark_entry(wildcards).judged_only else ""),
        code=code("export_run"),
    script:
        "../scripts/export_run.py"

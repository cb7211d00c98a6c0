# results/ranks/{system}/seed{seed}/{benchmark}/{language}.parquet     of every relevant candidate
# results/metrics/{system}/seed{seed}/{benchmark}/{language}.parquet   per query and pool
# results/scores/{system}/{benchmark}.parquet                           means with intervals


def counts_of_passages(wildcards):
    """The files with each language's number of passages; none if all candidates are ranked."""
    if wildcards.benchmark not in PASSAGE_BENCHMARKS:
        return []
    return by_language("<results>/collections/{benchmark}/{language}/counts.json")(wildcards)


def metrics_of_system(wildcards):
    """Per-query metrics of every seed and query language, seeds first."""
    return [
        f"<results>/metrics/{wildcards.system}/seed{seed}/{wildcards.benchmark}/{language}.parquet"
        for seed in seeds(wildcards)
        for language in benchmark_languages(wildcards)
    ]


def models_of_system(wildcards):
    """The models whose steps are printed; none of a system that is not trained."""
    if not SYSTEMS[wildcards.system].trained:
        return []
    return [f"<results>/models/{wildcards.system}/seed{seed}" for seed in seeds(wildcards)]


rule evaluate:
    input:
        embeddings=by_language(
            "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors"
        ),
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        candidates=by_language("<results>/collections/{benchmark}/{language}/candidates.parquet"),
        qrels=by_language("<results>/collections/{benchmark}/{language}/qrels.parquet"),
    output:
        ranks="<results>/ranks/{system}/seed{seed}/{benchmark}/{language}.parquet",
        metrics="<results>/metrics/{system}/seed{seed}/{benchmark}/{language}.parquet",
    log:
        "<logs>/evaluate/{system}/seed{seed}/{benchmark}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(RANKED_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        languages=benchmark_languages,
        seen=seen_languages,
        search=search_values,  # of an approximate index; nothing where all candidates are ranked
        of=keys,
        code=code("evaluate"),
    script:
        "../scripts/evaluate.py"


rule score_system:
    input:
        metrics=metrics_of_system,
        models=models_of_system,
        counts=counts_of_passages,
    output:
        "<results>/scores/{system}/{benchmark}.parquet",
    log:
        "<logs>/score_system/{system}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("score_system")
    resources:
        **resources_of("score_system"),
    params:
        languages=benchmark_languages,
        seen=seen_languages,
        rows=lambda wildcards: lookups.mean_rows(experiment, wildcards.benchmark),
        statistics=experiment.statistics.plain(),
        code=code("score_system"),
    script:
        "../scripts/score_system.py"

# results/comparisons/{variant}/{benchmark}.parquet   differences between samplings, tested
# results/drafts/significance.csv, .md, .tex          the same, with Holm's correction
#                reproduction.csv, .md, .tex           each of the paper's cells beside ours
#                claims.csv, .md, .tex                the paper's statements, judged on our scores


def systems_of_variant(wildcards):
    """The systems of a variant that are compared on a benchmark."""
    return variants.compared_systems(experiment, SYSTEMS, wildcards.variant, wildcards.benchmark)


def metrics_of_variant(wildcards):
    """Per-query metrics of every sampling, seed and query language, in this order."""
    return [
        f"<results>/metrics/{system.name}/seed{seed}/{wildcards.benchmark}/{language}.parquet"
        for system in systems_of_variant(wildcards)
        for seed in variants.runs_of(experiment, system)
        for language in benchmark_languages(wildcards)
    ]


def scores_to_grade(wildcards):
    """All systems' scores at the paper's scale; none at other scales, which are not graded."""
    if experiment.scale != "paper":
        return []
    return expand(
        "<results>/scores/{system}/{benchmark}.parquet",
        system=TABLE_SYSTEMS,
        benchmark=experiment.benchmarks,
    )


rule compare_samplings:
    input:
        metrics=metrics_of_variant,
    output:
        "<results>/comparisons/{variant}/{benchmark}.parquet",
    log:
        "<logs>/compare_samplings/{variant}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("compare_samplings")
    resources:
        **resources_of("compare_samplings"),
    params:
        compared=lambda wildcards: {s.name: s.sampling for s in systems_of_variant(wildcards)},
        shared=["benchmark", "encoder", "variant"],
        of=keys,
        languages=benchmark_languages,
        seen=seen_languages,
        rows=lambda wildcards: lookups.mean_rows(experiment, wildcards.benchmark),
        confidence=experiment.statistics.confidence,
        code=code("compare_samplings"),
    script:
        "../scripts/compare_samplings.py"


rule significance_table:
    input:
        comparisons=files("<results>/comparisons/{encoder}/{benchmark}.parquet", compared()),
    output:
        csv="<results>/drafts/significance.csv",
        markdown="<results>/drafts/significance.md",
        latex="<results>/drafts/significance.tex",
    log:
        "<logs>/significance_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("significance_table")
    resources:
        **resources_of("significance_table"),
    params:
        compared=compared(),
        confidence=experiment.statistics.confidence,
        code=code("significance_table"),
    script:
        "../scripts/significance_table.py"


rule reproduction_table:
    input:
        scores=scores_to_grade,
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/drafts/reproduction.csv",
        markdown="<results>/drafts/reproduction.md",
        latex="<results>/drafts/reproduction.tex",
    log:
        "<logs>/reproduction_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("reproduction_table")
    resources:
        **resources_of("reproduction_table"),
    params:
        scale=experiment.scale,
        confidence=experiment.statistics.confidence,
        code=code("reproduction_table"),
    script:
        "../scripts/reproduction_table.py"


rule claims_table:
    input:
        comparisons=files("<results>/comparisons/{encoder}/{benchmark}.parquet", compared(RANKED)),
        published=f"{PUBLISHED}/hybrid_batch.csv",
        images=["<results>/drafts/image_text.csv"] if IMAGE_SYSTEMS else [],
    output:
        csv="<results>/drafts/claims.csv",
        markdown="<results>/drafts/claims.md",
        latex="<results>/drafts/claims.tex",
    log:
        "<logs>/claims_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("claims_table")
    resources:
        **resources_of("claims_table"),
    params:
        compared=compared(RANKED),
        scale=experiment.scale,
        confidence=experiment.statistics.confidence,
        of_texts=OF_TEXTS,
        image_encoder=experiment.image_text.encoder if IMAGE_SYSTEMS else None,
        code=code("claims_table"),
    script:
        "../scripts/claims_table.py"

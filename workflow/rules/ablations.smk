# results/drafts/<ablation>.csv   the same scores at every value of what is varied
#                         .md, .tex
# Each point is a system like any other (results/models, scores, comparisons), named
# {encoder}@{what is changed}-{value}_{sampling} where it is not one that the tables have.


def points(wildcards):
    """The values of the ablation with their systems, in the table's order.

    trained: whether samplings are compared there.
    """
    return [
        {
            "point": point.value,
            "system": point.system.name,
            "variant": point.system.variant,
            "trained": point.system.trained,
        }
        for point in variants.ablation_points(experiment, wildcards.ablation)
    ]


def comparisons_of_points(wildcards):
    """The comparisons with hybrid at each point; none for ablations with one sampling."""
    if wildcards.ablation in constants.ONE_SAMPLING:
        return []
    found = [
        f"<results>/comparisons/{point['variant']}/{benchmark}.parquet"
        for benchmark in variants.ablation_benchmarks(experiment, wildcards.ablation)
        for point in points(wildcards)
        if point["trained"]
    ]
    return list(dict.fromkeys(found))


rule ablation_table:
    input:
        scores=lambda wildcards: [
            f"<results>/scores/{point['system']}/{benchmark}.parquet"
            for benchmark in variants.ablation_benchmarks(experiment, wildcards.ablation)
            for point in points(wildcards)
        ],
        comparisons=comparisons_of_points,
        published=f"{PUBLISHED}/lareqa.csv",
    output:
        csv="<results>/drafts/{ablation}.csv",
        markdown="<results>/drafts/{ablation}.md",
        latex="<results>/drafts/{ablation}.tex",
    log:
        "<logs>/ablation_table/{ablation}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("ablation_table")
    resources:
        **resources_of("ablation_table"),
    params:
        ablation=lambda wildcards: wildcards.ablation,
        points=points,
        benchmarks=lambda wildcards: variants.ablation_benchmarks(experiment, wildcards.ablation),
        together=lambda wildcards: wildcards.ablation in constants.ONE_SAMPLING,
        whole=constants.NO_LANGUAGE,
        confidence=experiment.statistics.confidence,
        code=code("ablation_table"),
    script:
        "../scripts/ablation_table.py"

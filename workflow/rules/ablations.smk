# results/tables/<ablation>.csv   the same scores at every value of what is varied
#                         .md, .tex
# Each point is a system like any other (results/models, cells, comparisons), named
# {encoder}@{what is changed}-{value}_{sampling} where it is not one that the tables have.


rule ablation_table:
    input:
        cells=cells_of_ablation,
        comparisons=lambda wildcards: [
            f"<results>/comparisons/{variant}/{benchmark}.parquet"
            for _, benchmark, variant in points_compared(wildcards)
        ],
        published=f"{PUBLISHED}/lareqa.csv",
    output:
        csv="<results>/tables/{ablation}.csv",
        markdown="<results>/tables/{ablation}.md",
        latex="<results>/tables/{ablation}.tex",
    log:
        "<logs>/ablation_table/{ablation}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("ablation_table")
    resources:
        **resources_of("ablation_table"),
    params:
        ablation=lambda wildcards: wildcards.ablation,
        points=lambda wildcards: [
            point.value
            for _ in variants.ablation_benchmarks(experiment, wildcards.ablation)
            for point in variants.ablation_points(experiment, wildcards.ablation)
        ],
        compared=lambda wildcards: [
            [point, benchmark, variant.split("@")[0]]
            for point, benchmark, variant in points_compared(wildcards)
        ],
        together=lambda wildcards: wildcards.ablation in constants.ONE_SAMPLING,
        whole=constants.NO_LANGUAGE,
        confidence=experiment.statistics.confidence,
        code=code("ablation_table"),
    script:
        "../scripts/ablation_table.py"

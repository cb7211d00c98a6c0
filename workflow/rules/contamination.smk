# results/contamination/{corpus}/{language}.parquet    pairs of texts that are alike, most first
#                                          .json       counts
# results/tables/contamination.csv .md .tex


rule find_duplicates:
    input:
        train="<results>/train/{corpus}/{language}.parquet",
        queries=lambda wildcards: collections_in(wildcards.language, "queries"),
        candidates=lambda wildcards: collections_in(wildcards.language, "candidates"),
    output:
        pairs="<results>/contamination/{corpus}/{language}.parquet",
        counts="<results>/contamination/{corpus}/{language}.json",
    log:
        "<logs>/find_duplicates/{corpus}_{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("find_duplicates")
    resources:
        **resources_of("find_duplicates"),
    params:
        benchmarks=lambda wildcards: benchmarks_in(wildcards.language),
        contamination=experiment.contamination.plain(),
        code=code("find_duplicates"),
    script:
        "../scripts/find_duplicates.py"


rule contamination_table:
    input:
        pairs=tested_train_sets("<results>/contamination/{corpus}/{language}.parquet"),
        counts=tested_train_sets("<results>/contamination/{corpus}/{language}.json"),
    output:
        csv="<results>/tables/contamination.csv",
        markdown="<results>/tables/contamination.md",
        latex="<results>/tables/contamination.tex",
    log:
        "<logs>/contamination_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("contamination_table")
    resources:
        **resources_of("contamination_table"),
    params:
        parts=[part.split(" ") for part in tested_train_sets("{corpus} {language}")],
        contamination=experiment.contamination.plain(),
        worst=20,
        code=code("contamination_table"),
    script:
        "../scripts/contamination_table.py"

# results/contamination/{corpus}/{language}.parquet    pairs of texts that are alike, most first
#                                          .json       counts
# results/drafts/contamination.csv .md .tex


def benchmarks_in(language):
    """The text benchmarks that have a language, sorted. Training data contains no images."""
    entries = {name: CATALOGUE.benchmarks[name] for name in sorted(experiment.benchmarks)}
    return [n for n, of in entries.items() if language in of.languages and of.modality == "text"]


def collections_in(language, side):
    """One side of all benchmarks that have a language; only judged passages, if in shards."""
    return [
        f"<results>/collections/{benchmark}/{language}/"
        f"{'judged' if side == 'candidates' and benchmark in PASSAGE_BENCHMARKS else side}.parquet"
        for benchmark in benchmarks_in(language)
    ]


# Train sets in a language that a benchmark has, too.
TESTED_SETS = [of for of in TRAIN_SETS if benchmarks_in(of["language"])]


rule find_duplicates:
    input:
        train="<results>/train/{corpus}/{language}.parquet",
        queries=lambda wildcards: collections_in(wildcards.language, "queries"),
        candidates=lambda wildcards: collections_in(wildcards.language, "candidates"),
    output:
        pairs="<results>/contamination/{corpus}/{language}.parquet",
        counts="<results>/contamination/{corpus}/{language}.json",
    log:
        "<logs>/find_duplicates/{corpus}/{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("find_duplicates")
    resources:
        **resources_of("find_duplicates"),
    params:
        benchmarks=lambda wildcards: benchmarks_in(wildcards.language),
        contamination=experiment.contamination.plain(),
        of=keys,
        code=code("find_duplicates"),
    script:
        "../scripts/find_duplicates.py"


rule contamination_table:
    input:
        pairs=files("<results>/contamination/{corpus}/{language}.parquet", TESTED_SETS),
        counts=files("<results>/contamination/{corpus}/{language}.json", TESTED_SETS),
    output:
        csv="<results>/drafts/contamination.csv",
        markdown="<results>/drafts/contamination.md",
        latex="<results>/drafts/contamination.tex",
    log:
        "<logs>/contamination_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("contamination_table")
    resources:
        **resources_of("contamination_table"),
    params:
        train=TESTED_SETS,
        benchmarks=experiment.benchmarks,
        contamination=experiment.contamination.plain(),
        worst=20,
        code=code("contamination_table"),
    script:
        "../scripts/contamination_table.py"

# results/tables/<name>.csv   tidy, each cell beside the published one
#                      .md    as the paper lays it out, to read; best and second marked
#                      .tex   the same, to print


rule score_table:
    input:
        cells=cells_of_table,
        comparisons=lambda wildcards: comparisons(
            "<results>/comparisons/{encoder}/{benchmark}.parquet", benchmarks_of_table(wildcards)
        ),
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/tables/{score_table}.csv",
        markdown="<results>/tables/{score_table}.md",
        latex="<results>/tables/{score_table}.tex",
    log:
        "<logs>/score_table/{score_table}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("score_table")
    resources:
        **resources_of("score_table"),
    params:
        name=lambda wildcards: wildcards.score_table,
        title=title_of_table,
        averaged=averaged_in_table,
        parts=lambda wildcards: [
            part.split(" ")
            for part in comparisons("{benchmark} {encoder}", benchmarks_of_table(wildcards))
        ],
        confidence=experiment.statistics.confidence,
        code=code("score_table"),
    script:
        "../scripts/score_table.py"


rule evaluation_data_table:
    input:
        collections=[
            f"<results>/collections/{benchmark}/{language}/{side}.parquet"
            for benchmark in RANKED
            for language in CATALOGUE.benchmarks[benchmark].languages
            for side in ("queries", "candidates")
        ],
        counts=[f"<results>/collections/{b}/{c}/counts.json" for b, c in passage_languages()],
        published=f"{PUBLISHED}/evaluation_data.csv",
    output:
        csv="<results>/tables/evaluation_data.csv",
        markdown="<results>/tables/evaluation_data.md",
        latex="<results>/tables/evaluation_data.tex",
    log:
        "<logs>/evaluation_data_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("evaluation_data_table")
    resources:
        **resources_of("evaluation_data_table"),
    params:
        parts=[
            [benchmark, language, side]
            for benchmark in RANKED
            for language in CATALOGUE.benchmarks[benchmark].languages
            for side in ("queries", "candidates")
        ],
        counted=[[b, c, CATALOGUE.benchmarks[b].judged_only] for b, c in passage_languages()],
        code=code("evaluation_data_table"),
    script:
        "../scripts/evaluation_data_table.py"


rule training_data_table:
    input:
        corpora=expand("<results>/corpora/{corpus}/counts.json", corpus=experiment.corpora),
        train=train_sets("<results>/train/{corpus}/{language}.json"),
        published=f"{PUBLISHED}/training_data.csv",
    output:
        csv="<results>/tables/training_data.csv",
        markdown="<results>/tables/training_data.md",
        latex="<results>/tables/training_data.tex",
    log:
        "<logs>/training_data_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("training_data_table")
    resources:
        **resources_of("training_data_table"),
    params:
        corpora=experiment.corpora,
        parts=[template.split(" ") for template in train_sets("{corpus} {language}")],
        names={c: CATALOGUE.corpora[c].published for c in experiment.corpora},
        code=code("training_data_table"),
    script:
        "../scripts/training_data_table.py"


rule translation_table:
    input:
        shards=translated_shards(),
    output:
        csv="<results>/tables/translation.csv",
        markdown="<results>/tables/translation.md",
        latex="<results>/tables/translation.tex",
    log:
        "<logs>/translation_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("translation_table")
    resources:
        **resources_of("translation_table"),
    params:
        parts=[
            [corpus, language, len(shards(corpus))]
            for corpus in experiment.corpora
            for language in lookups.translated_languages(experiment, corpus)
        ],
        code=code("translation_table"),
    script:
        "../scripts/translation_table.py"


rule filtering_table:
    input:
        counts=train_sets("<results>/train/{corpus}/{language}.json"),
    output:
        csv="<results>/tables/filtering.csv",
        markdown="<results>/tables/filtering.md",
        latex="<results>/tables/filtering.tex",
    log:
        "<logs>/filtering_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("filtering_table")
    resources:
        **resources_of("filtering_table"),
    params:
        parts=[template.split(" ") for template in train_sets("{corpus} {language}")],
        code=code("filtering_table"),
    script:
        "../scripts/filtering_table.py"

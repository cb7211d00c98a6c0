# results/tables/<name>.csv   tidy, each cell beside the published one
#                      .md    as the paper lays it out


rule benchmark_table:
    input:
        cells=lambda wildcards: cell_files([wildcards.benchmark]),
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/tables/{benchmark}.csv",
        markdown="<results>/tables/{benchmark}.md",
    log:
        "<logs>/benchmark_table/{benchmark}.log",
    conda:
        ENVIRONMENT
    params:
        name=lambda wildcards: wildcards.benchmark,
        title=lambda wildcards: benchmark_entry(wildcards)["title"],
        parts=lambda wildcards: cell_keys([wildcards.benchmark]),
        confidence=config["statistics"]["confidence"],
        code=code("score_table"),
    script:
        "../scripts/score_table.py"


use rule benchmark_table as overview_table with:
    input:
        cells=cell_files(config["benchmarks"]),
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/tables/{overview}.csv",
        markdown="<results>/tables/{overview}.md",
    log:
        "<logs>/overview_table/{overview}.log",
    params:
        name=lambda wildcards: wildcards.overview,
        title=None,
        parts=cell_keys(config["benchmarks"]),
        confidence=config["statistics"]["confidence"],
        code=code("score_table"),


use rule benchmark_table as rank_distance_table with:
    input:
        cells=cell_files(config["benchmarks"]),
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/tables/rank_distance.csv",
        markdown="<results>/tables/rank_distance.md",
    log:
        "<logs>/rank_distance_table.log",
    params:
        name="rank_distance",
        title=None,
        parts=cell_keys(config["benchmarks"]),
        confidence=config["statistics"]["confidence"],
        code=code("score_table"),


rule evaluation_data_table:
    input:
        collections=[
            f"<results>/collections/{benchmark}/{language}/{side}.parquet"
            for benchmark in config["benchmarks"]
            for language in CATALOGUE["benchmarks"][benchmark]["languages"]
            for side in ("queries", "candidates")
        ],
        published=f"{PUBLISHED}/evaluation_data.csv",
    output:
        csv="<results>/tables/evaluation_data.csv",
        markdown="<results>/tables/evaluation_data.md",
    log:
        "<logs>/evaluation_data_table.log",
    conda:
        ENVIRONMENT
    params:
        parts=[
            [benchmark, language, side]
            for benchmark in config["benchmarks"]
            for language in CATALOGUE["benchmarks"][benchmark]["languages"]
            for side in ("queries", "candidates")
        ],
        code=code("evaluation_data_table"),
    script:
        "../scripts/evaluation_data_table.py"


rule training_data_table:
    input:
        corpora=expand("<results>/corpora/{corpus}/counts.json", corpus=config["corpora"]),
        train=train_sets("<results>/train/{corpus}/{language}.json"),
        published=f"{PUBLISHED}/training_data.csv",
    output:
        csv="<results>/tables/training_data.csv",
        markdown="<results>/tables/training_data.md",
    log:
        "<logs>/training_data_table.log",
    conda:
        ENVIRONMENT
    params:
        corpora=config["corpora"],
        parts=[template.split(" ") for template in train_sets("{corpus} {language}")],
        names={c: CATALOGUE["corpora"][c].get("published") for c in config["corpora"]},
        code=code("training_data_table"),
    script:
        "../scripts/training_data_table.py"


rule translation_table:
    input:
        shards=translated_shards(),
    output:
        csv="<results>/tables/translation.csv",
        markdown="<results>/tables/translation.md",
    log:
        "<logs>/translation_table.log",
    conda:
        ENVIRONMENT
    params:
        parts=[
            [corpus, language, len(shards(corpus))]
            for corpus in config["corpora"]
            for language in conf.translated_languages(config, corpus)
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
    log:
        "<logs>/filtering_table.log",
    conda:
        ENVIRONMENT
    params:
        parts=[template.split(" ") for template in train_sets("{corpus} {language}")],
        code=code("filtering_table"),
    script:
        "../scripts/filtering_table.py"

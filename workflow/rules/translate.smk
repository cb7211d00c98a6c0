# results/translations/{corpus}/{language}/{shard}.parquet   texts; `en` are the sources themselves
# results/train/{corpus}/{language}.parquet                  pairs that pass the filters
#                                  .json                     how many did not, and why


rule shard_texts:
    input:
        pairs="<results>/corpora/{corpus}/train.parquet",
    output:
        "<results>/translations/{corpus}/en/{shard}.parquet",
    log:
        "<logs>/shard_texts/{corpus}_{shard}.log",
    conda:
        ENVIRONMENT
    params:
        number=lambda wildcards: int(wildcards.shard),
        of=lambda wildcards: corpus_entry(wildcards)["shards"],
        code=code("shard_texts"),
    script:
        "../scripts/shard_texts.py"


rule translate:
    input:
        texts=shard_to_translate,
    output:
        "<results>/translations/{corpus}/{language}/{shard}.parquet",
    log:
        "<logs>/translate/{corpus}_{language}_{shard}.log",
    benchmark:
        "<results>/timings/translate/{corpus}_{language}_{shard}.jsonl"
    wildcard_constraints:
        language=one_of(TRANSLATED),
    conda:
        ENVIRONMENT
    params:
        route=route,
        code=code("translate"),
    script:
        "../scripts/translate.py"


rule filter_pairs:
    input:
        pairs="<results>/corpora/{corpus}/train.parquet",
        source=lambda wildcards: shards_of(wildcards.corpus, "en"),
        translated=lambda wildcards: shards_of(wildcards.corpus, wildcards.language),
    output:
        train="<results>/train/{corpus}/{language}.parquet",
        counts="<results>/train/{corpus}/{language}.json",
    log:
        "<logs>/filter_pairs/{corpus}_{language}.log",
    conda:
        ENVIRONMENT
    params:
        filtering=config["filtering"],
        same_language=lambda wildcards: wildcards.language == corpus_entry(wildcards)["language"],
        code=code("filter_pairs"),
    script:
        "../scripts/filter_pairs.py"

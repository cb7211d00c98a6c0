# results/bias/{system}/seed{seed}/{benchmark}.parquet   language bias of every query, in each pool
# results/drafts/bias_detail.csv, .md                    its means with intervals


rule measure_bias:
    input:
        embeddings=by_language(
            "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors"
        ),
        queries=by_language("<results>/collections/{benchmark}/{language}/queries.parquet"),
        candidates=by_language("<results>/collections/{benchmark}/{language}/candidates.parquet"),
        ranks=by_language("<results>/ranks/{system}/seed{seed}/{benchmark}/{language}.parquet"),
    output:
        "<results>/bias/{system}/seed{seed}/{benchmark}.parquet",
    log:
        "<logs>/measure_bias/{system}/seed{seed}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("measure_bias")
    resources:
        **resources_of("measure_bias"),
    params:
        languages=benchmark_languages,
        seen=seen_languages,
        of=keys,
        code=code("measure_bias"),
    script:
        "../scripts/measure_bias.py"


rule bias_detail_table:
    input:
        measures=[
            f"<results>/bias/{of['system']}/seed{seed}/{of['benchmark']}.parquet"
            for of in scored(RANKED)
            for seed in variants.runs_of(experiment, TABLE_SYSTEMS[of["system"]])
        ],
        queries=[
            f"<results>/collections/{benchmark}/{language}/queries.parquet"
            for benchmark in RANKED
            for language in CATALOGUE.benchmarks[benchmark].languages
        ],
    output:
        csv="<results>/drafts/bias_detail.csv",
        markdown="<results>/drafts/bias_detail.md",
        latex="<results>/drafts/bias_detail.tex",
    log:
        "<logs>/bias_detail_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("bias_detail_table")
    resources:
        **resources_of("bias_detail_table"),
    params:
        scored=scored(RANKED),
        languages={benchmark: CATALOGUE.benchmarks[benchmark].languages for benchmark in RANKED},
        confidence=experiment.statistics.confidence,
        code=code("bias_detail_table"),
    script:
        "../scripts/bias_detail_table.py"

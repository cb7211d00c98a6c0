# results/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors   queries, candidates


rule encode:
    input:
        model=model_of,
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        candidates="<results>/collections/{benchmark}/{language}/candidates.parquet",
    output:
        "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors",
    log:
        "<logs>/encode/{system}/seed{seed}/{benchmark}/{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("encode")
    resources:
        **resources_of("encode"),
    params:
        encoder=encoding_values,
        of=keys,
        code=lambda wildcards: code("encode", encoder_module(wildcards)),
    script:
        "../scripts/encode.py"

# results/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors   queries, candidates
# results/indexes/{system}/seed{seed}/{benchmark}/                            FAISS: <language>.faiss
#                                                                             multilingual.faiss


rule encode:
    input:
        model="<results>/models/{system}/seed{seed}",
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        candidates="<results>/collections/{benchmark}/{language}/candidates.parquet",
    output:
        "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors",
    log:
        "<logs>/encode/{system}_seed{seed}_{benchmark}_{language}.log",
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        max_tokens=max_tokens,
        code=code("encode"),
    script:
        "../scripts/encode.py"


rule build_index:
    input:
        embeddings=by_language(
            "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors"
        ),
    output:
        directory("<results>/indexes/{system}/seed{seed}/{benchmark}"),
    log:
        "<logs>/build_index/{system}_seed{seed}_{benchmark}.log",
    conda:
        ENVIRONMENT
    params:
        languages=benchmark_languages,
        code=code("build_index"),
    script:
        "../scripts/build_index.py"

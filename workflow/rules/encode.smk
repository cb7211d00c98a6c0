# results/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors   queries, candidates
# results/token_counts/{encoder}/{benchmark}.json     what the tokenizer loses of their texts


def texts_of_candidates(wildcards):
    """The candidates of every language; none where they are no texts, or too many."""
    entry = benchmark_entry(wildcards)
    if not entry.ranks_all or entry.modality != "text":
        return []
    return by_language("<results>/collections/{benchmark}/{language}/candidates.parquet")(wildcards)


rule encode:
    input:
        model=model_of,
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        candidates="<results>/collections/{benchmark}/{language}/candidates.parquet",
    output:
        "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors",
    log:
        "<logs>/encode/{system}/seed{seed}/{benchmark}/{language}.log",
    wildcard_constraints:
        system=one_of(name for name, of in SYSTEMS.items() if of.encoder not in RENDERING),
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


rule count_tokens:
    input:
        encoder="<results>/encoders/{encoder}",
        queries=by_language("<results>/collections/{benchmark}/{language}/queries.parquet"),
        candidates=texts_of_candidates,
    output:
        "<results>/token_counts/{encoder}/{benchmark}.json",
    log:
        "<logs>/count_tokens/{encoder}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("count_tokens")
    resources:
        **resources_of("count_tokens"),
    params:
        encoder=encoder_values,
        languages=benchmark_languages,
        of=keys,
        code=lambda wildcards: code("count_tokens", encoder_module(wildcards)),
    script:
        "../scripts/count_tokens.py"

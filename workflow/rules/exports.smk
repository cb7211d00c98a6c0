# Only on request, for benchmarks whose candidates are all ranked; {setting} is monolingual,
# multilingual or cross-lingual/{language of the candidates}:
# results/merged/{system}/seed{seed}/                                        adapter and base in one
# results/exports/{system}/seed{seed}/{benchmark}/{setting}/{language}.run   TREC run
# results/exports/qrels/{benchmark}/{setting}/{language}.qrels               its judgements
# results/models/{system}/README.md                                          card of a system's models

# Benchmarks whose rankings can be exported.
EXPORTED = [name for name, of in CATALOGUE.benchmarks.items() if of.parallel and not of.approximate]


def in_pool(template):
    """An input function: `template` for every language of the candidates of a {setting}."""
    return by_language(template, pool_languages)


def pool_languages(wildcards):
    return lookups.pool_languages(
        experiment, wildcards.benchmark, wildcards.setting, wildcards.language
    )


def benchmarks_of_card(wildcards):
    """The configuration's benchmarks, or those of ablations if only they have the system."""
    of_tables = wildcards.system in TABLE_SYSTEMS
    return experiment.benchmarks if of_tables else experiment.ablations.benchmarks


def exported_files():
    """Runs of the tables' systems and their judgements; cross-lingual ones are too many to list."""
    parts = [
        f"{benchmark}/{setting}/{language}"
        for benchmark in experiment.benchmarks
        if benchmark in EXPORTED
        for setting in ("monolingual", "multilingual")
        for language in CATALOGUE.benchmarks[benchmark].languages
    ]
    runs = [
        f"<results>/exports/{name}/seed{seed}/{part}.run"
        for name, system in TABLE_SYSTEMS.items()
        for seed in variants.runs_of(experiment, system)
        for part in parts
    ]
    return runs + [f"<results>/exports/qrels/{part}.qrels" for part in parts]


rule merge_adapter:
    input:
        model="<results>/models/{system}/seed{seed}",
        encoder=encoder_of,
    output:
        directory("<results>/merged/{system}/seed{seed}"),
    log:
        "<logs>/merge_adapter/{system}/seed{seed}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("merge_adapter")
    resources:
        **resources_of("merge_adapter"),
    params:
        code=code("merge_adapter"),
    script:
        "../scripts/merge_adapter.py"


rule export_ranking:
    input:
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        query_embeddings="<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors",
        candidates=in_pool("<results>/collections/{benchmark}/{language}/candidates.parquet"),
        candidate_embeddings=in_pool(
            "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors"
        ),
        qrels=in_pool("<results>/collections/{benchmark}/{language}/qrels.parquet"),
    output:
        "<results>/exports/{system}/seed{seed}/{benchmark}/{setting}/{language}.run",
    log:
        "<logs>/export_ranking/{system}/seed{seed}/{benchmark}/{setting}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(EXPORTED),
    conda:
        ENVIRONMENT
    threads: threads_of("export_ranking")
    resources:
        **resources_of("export_ranking"),
    params:
        languages=lambda wildcards: lookups.pool_languages(
            experiment, wildcards.benchmark, wildcards.setting, wildcards.language
        ),
        depth=experiment.exports.depth,
        tag=lambda wildcards: f"{wildcards.system}-seed{wildcards.seed}",
        code=code("export_ranking"),
    script:
        "../scripts/export_ranking.py"


rule export_judgements:
    input:
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        qrels=in_pool("<results>/collections/{benchmark}/{language}/qrels.parquet"),
    output:
        "<results>/exports/qrels/{benchmark}/{setting}/{language}.qrels",
    log:
        "<logs>/export_judgements/{benchmark}/{setting}/{language}.log",
    wildcard_constraints:
        benchmark=one_of(EXPORTED),
    conda:
        ENVIRONMENT
    threads: threads_of("export_judgements")
    resources:
        **resources_of("export_judgements"),
    params:
        code=code("export_judgements"),
    script:
        "../scripts/export_judgements.py"


rule model_card:
    input:
        models=lambda wildcards: [
            f"<results>/models/{wildcards.system}/seed{seed}" for seed in seeds(wildcards)
        ],
        train=lambda wildcards: [
            f"<results>/train/{corpus}/{language}.json"
            for corpus in experiment.corpora
            for language in variants.system_languages(
                experiment, corpus, SYSTEMS[wildcards.system]
            )
        ],
        scores=lambda wildcards: [
            f"<results>/scores/{wildcards.system}/{benchmark}.parquet"
            for benchmark in benchmarks_of_card(wildcards)
        ],
    output:
        "<results>/models/{system}/README.md",
    log:
        "<logs>/model_card/{system}.log",
    wildcard_constraints:
        system=one_of(TRAINED),
    conda:
        ENVIRONMENT
    threads: threads_of("model_card")
    resources:
        **resources_of("model_card"),
    params:
        seeds=seeds,
        corpora=lambda wildcards: variants.card_corpora(experiment, SYSTEMS[wildcards.system]),
        benchmarks=benchmarks_of_card,
        facts=lambda wildcards: variants.card_facts(experiment, SYSTEMS[wildcards.system]),
        confidence=experiment.statistics.confidence,
        of_images=lambda wildcards: encoder_entry(wildcards).renders,
        code=lambda wildcards: code(
            "model_card", *([encoder_module(wildcards)] * encoder_entry(wildcards).renders)
        ),
    script:
        "../scripts/model_card.py"

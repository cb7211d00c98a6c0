# results/figures/{encoder}/{benchmark}/heatmap.svg, .txt          query against candidate language
#                                      rank_distance.svg, .txt    its distribution
#                                      language_share.svg, .txt   of the own language in the first k
#                          /training.svg, .txt                    losses
#                          /translation_quality.svg, .txt         chrF++ against mAP
#                {curve}.svg, .txt                                score against what is varied
#                reproduction.svg, .txt                           the paper's cells against ours
# Each .txt is its figure's title and caption. `id` begins the ids of the SVG's elements.


def drawn_samplings(wildcards):
    """The samplings that are trained; only the heat map has the zero-shot encoder, too."""
    return [s.sampling for s in TRAINED_TABLE_SYSTEMS.values() if s.encoder == wildcards.encoder]


def drawn_seeds(wildcards):
    systems = [s for s in TABLE_SYSTEMS.values() if s.encoder == wildcards.encoder]
    return variants.seeds_of(experiment, systems[0])


def drawn_models(wildcards):
    return [
        f"<results>/models/{variants.System(wildcards.encoder, sampling).name}/seed{seed}"
        for sampling in drawn_samplings(wildcards)
        for seed in drawn_seeds(wildcards)
    ]


def drawn_runs(wildcards):
    """[sampling, seed] of every model that is drawn."""
    return [[s, seed] for s in drawn_samplings(wildcards) for seed in drawn_seeds(wildcards)]


def all_runs(wildcards):
    """[sampling, seed] of every model of the encoder, the zero-shot one first."""
    systems = [system for system in TABLE_SYSTEMS.values() if system.encoder == wildcards.encoder]
    return [[s.sampling, seed] for s in systems for seed in variants.runs_of(experiment, s)]


def metrics_of(runs):
    """An input function: the metrics of the models that `runs` gives."""
    return lambda wildcards: [
        f"<results>/metrics/{variants.System(wildcards.encoder, sampling).name}/seed{seed}/"
        f"{wildcards.benchmark}/{language}.parquet"
        for sampling, seed in runs(wildcards)
        for language in benchmark_languages(wildcards)
    ]


def figure_files():
    """All figures, each with its caption."""
    return expand("<results>/figures/{name}.{format}", name=figure_names(), format=["svg", "txt"])


rule heatmap_figure:
    input:
        metrics=metrics_of(all_runs),
    output:
        svg="<results>/figures/{encoder}/{benchmark}/heatmap.svg",
        caption="<results>/figures/{encoder}/{benchmark}/heatmap.txt",
    log:
        "<logs>/heatmap_figure/{encoder}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("heatmap_figure")
    resources:
        **resources_of("heatmap_figure"),
    params:
        runs=all_runs,
        encoder=lambda wildcards: wildcards.encoder,
        benchmark=lambda wildcards: wildcards.benchmark,
        languages=benchmark_languages,
        seen=seen_languages,
        id=lambda wildcards: "heatmap:{encoder}:{benchmark}".format(**wildcards),
        code=code("heatmap_figure"),
    script:
        "../scripts/heatmap_figure.py"


rule rank_distance_figure:
    input:
        metrics=metrics_of(drawn_runs),
    output:
        svg="<results>/figures/{encoder}/{benchmark}/rank_distance.svg",
        caption="<results>/figures/{encoder}/{benchmark}/rank_distance.txt",
    log:
        "<logs>/rank_distance_figure/{encoder}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("rank_distance_figure")
    resources:
        **resources_of("rank_distance_figure"),
    params:
        runs=drawn_runs,
        encoder=lambda wildcards: wildcards.encoder,
        benchmark=lambda wildcards: wildcards.benchmark,
        languages=benchmark_languages,
        seen=seen_languages,
        id=lambda wildcards: "rank_distance:{encoder}:{benchmark}".format(**wildcards),
        code=code("rank_distance_figure"),
    script:
        "../scripts/rank_distance_figure.py"


rule language_share_figure:
    input:
        bias="<results>/tables/bias_detail.csv",
    output:
        svg="<results>/figures/{encoder}/{benchmark}/language_share.svg",
        caption="<results>/figures/{encoder}/{benchmark}/language_share.txt",
    log:
        "<logs>/language_share_figure/{encoder}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("language_share_figure")
    resources:
        **resources_of("language_share_figure"),
    params:
        encoder=lambda wildcards: wildcards.encoder,
        benchmark=lambda wildcards: wildcards.benchmark,
        languages=benchmark_languages,
        seen=seen_languages,
        confidence=experiment.statistics.confidence,
        id=lambda wildcards: "language_share:{encoder}:{benchmark}".format(**wildcards),
        code=code("language_share_figure"),
    script:
        "../scripts/language_share_figure.py"


rule curve_figure:
    input:
        table="<results>/tables/{curve}.csv",
    output:
        svg="<results>/figures/{curve}.svg",
        caption="<results>/figures/{curve}.txt",
    log:
        "<logs>/curve_figure/{curve}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("curve_figure")
    resources:
        **resources_of("curve_figure"),
    params:
        name=lambda wildcards: wildcards.curve,
        confidence=experiment.statistics.confidence,
        id=lambda wildcards: wildcards.curve,
        code=code("curve_figure"),
    script:
        "../scripts/curve_figure.py"


rule training_figure:
    input:
        models=drawn_models,
    output:
        svg="<results>/figures/{encoder}/training.svg",
        caption="<results>/figures/{encoder}/training.txt",
    log:
        "<logs>/training_figure/{encoder}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("training_figure")
    resources:
        **resources_of("training_figure"),
    params:
        samplings=drawn_samplings,
        seeds=drawn_seeds,
        encoder=lambda wildcards: wildcards.encoder,
        id=lambda wildcards: f"training:{wildcards.encoder}",
        code=code("training_figure"),
    script:
        "../scripts/training_figure.py"


rule translation_quality_figure:
    input:
        quality="<results>/tables/translation_quality.csv",
        scores=expand("<results>/tables/{benchmark}.csv", benchmark=RANKED),
    output:
        svg="<results>/figures/{encoder}/translation_quality.svg",
        caption="<results>/figures/{encoder}/translation_quality.txt",
    log:
        "<logs>/translation_quality_figure/{encoder}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("translation_quality_figure")
    resources:
        **resources_of("translation_quality_figure"),
    params:
        encoder=lambda wildcards: wildcards.encoder,
        confidence=experiment.statistics.confidence,
        id=lambda wildcards: f"translation_quality:{wildcards.encoder}",
        code=code("translation_quality_figure"),
    script:
        "../scripts/translation_quality_figure.py"


rule reproduction_figure:
    input:
        table="<results>/tables/reproduction.csv",
    output:
        svg="<results>/figures/reproduction.svg",
        caption="<results>/figures/reproduction.txt",
    log:
        "<logs>/reproduction_figure.log",
    conda:
        ENVIRONMENT
    threads: threads_of("reproduction_figure")
    resources:
        **resources_of("reproduction_figure"),
    params:
        scale=experiment.scale,
        confidence=experiment.statistics.confidence,
        id="reproduction",
        code=code("reproduction_figure"),
    script:
        "../scripts/reproduction_figure.py"

# results/comparisons/{schedules}/{benchmark}.parquet   differences between schedules, tested
# results/drafts/layer_scaling.csv    scores, differences to uniform and verdicts, at equal budgets
#                             .md, .tex
# results/figures/layer_scaling.svg, .txt
# results/timings/layer_scaling.csv, .md    memory and speed of training, as measured
# {schedules} is {encoder}@{adapter}-{budget}_{sampling}, whose systems differ in the schedule alone.


def systems_of_schedules(wildcards):
    """The compared systems by schedule, in the order of the differences."""
    return SCHEDULES[wildcards.schedules]


def metrics_of_schedules(wildcards):
    """Per-query metrics of every schedule, seed and query language."""
    return [
        f"<results>/metrics/{system.name}/seed{seed}/{wildcards.benchmark}/{language}.parquet"
        for system in systems_of_schedules(wildcards).values()
        for seed in variants.runs_of(experiment, system)
        for language in benchmark_languages(wildcards)
    ]


def layer_points():
    """Every point with its system and the group that it is compared in, in the table's order."""
    return [
        {
            "adapter": point.adapter,
            "budget": point.budget,
            "schedule": point.schedule,
            "system": point.system.name,
            "encoder": point.system.encoder,
            "sampling": point.system.sampling,
            "group": point.group,
        }
        for point in variants.layer_points(experiment)
    ]


def layer_systems():
    """The names of the table's systems, those that are not trained first."""
    points = variants.ablation_points(experiment, constants.LAYER_SCALING)
    return list(dict.fromkeys(point.system.name for point in points))


def layer_models():
    """Every model of the table: its point, and its seed."""
    return [
        {**point, "seed": seed}
        for point in layer_points()
        for seed in variants.seeds_of(experiment, SYSTEMS[point["system"]])
    ]


def layer_usage():
    """What training used, as measured; none without the ablation."""
    if constants.LAYER_SCALING not in ABLATIONS:
        return []
    return expand("<results>/timings/layer_scaling.{format}", format=["csv", "md"])


use rule compare_samplings as compare_schedules with:
    input:
        metrics=metrics_of_schedules,
    output:
        "<results>/comparisons/{schedules}/{benchmark}.parquet",
    log:
        "<logs>/compare_schedules/{schedules}/{benchmark}.log",
    threads: threads_of("compare_schedules")
    resources:
        **resources_of("compare_schedules"),
    params:
        compared=lambda wildcards: {
            system.name: schedule for schedule, system in systems_of_schedules(wildcards).items()
        },
        shared=["benchmark", "encoder", "sampling"],
        of=keys,
        languages=benchmark_languages,
        seen=seen_languages,
        rows=lambda wildcards: lookups.mean_rows(experiment, wildcards.benchmark),
        confidence=experiment.statistics.confidence,
        code=code("compare_samplings"),


rule layer_scaling_table:
    input:
        scores=expand(
            "<results>/scores/{system}/{benchmark}.parquet",
            system=layer_systems(),
            benchmark=experiment.ablations.benchmarks,
        ),
        comparisons=expand(
            "<results>/comparisons/{schedules}/{benchmark}.parquet",
            schedules=SCHEDULES,
            benchmark=experiment.ablations.benchmarks,
        ),
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/drafts/layer_scaling.csv",
        markdown="<results>/drafts/layer_scaling.md",
        latex="<results>/drafts/layer_scaling.tex",
    log:
        "<logs>/layer_scaling_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("layer_scaling_table")
    resources:
        **resources_of("layer_scaling_table"),
    params:
        points=layer_points(),
        systems=layer_systems(),
        benchmarks=experiment.ablations.benchmarks,
        margins={of.adapter: of.margin for of in experiment.ablations.layer_scaling},
        confidence=experiment.statistics.confidence,
        code=code("layer_scaling_table"),
    script:
        "../scripts/layer_scaling_table.py"


rule layer_scaling_figure:
    input:
        table="<results>/tables/layer_scaling.csv",
    output:
        svg="<results>/figures/layer_scaling.svg",
        caption="<results>/figures/layer_scaling.txt",
    log:
        "<logs>/layer_scaling_figure.log",
    conda:
        ENVIRONMENT
    threads: threads_of("layer_scaling_figure")
    resources:
        **resources_of("layer_scaling_figure"),
    params:
        confidence=experiment.statistics.confidence,
        id="layer_scaling",
        code=code("layer_scaling_figure"),
    script:
        "../scripts/layer_scaling_figure.py"


# Times are no part of a table. The jobs' logs have them; they are not declared as inputs, since a
# log that is gone means "not measured", and no model has to be trained again for it.
rule layer_scaling_usage:
    input:
        table="<results>/tables/layer_scaling.csv",
        models=[f"<results>/models/{of['system']}/seed{of['seed']}" for of in layer_models()],
    output:
        csv="<results>/timings/layer_scaling.csv",
        markdown="<results>/timings/layer_scaling.md",
    log:
        "<logs>/layer_scaling_usage.log",
    conda:
        ENVIRONMENT
    threads: threads_of("layer_scaling_usage")
    resources:
        **resources_of("layer_scaling_usage"),
    params:
        models=[
            {
                **of,
                "log": f"{lookups.results(experiment)}/logs/finetune/{of['system']}/seed{of['seed']}.log",
                "pairs": variants.training_values(experiment, SYSTEMS[of["system"]])["batch_size"],
            }
            for of in layer_models()
        ],
        code=code("layer_scaling_usage"),
    script:
        "../scripts/layer_scaling_usage.py"

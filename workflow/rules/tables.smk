# results/drafts/<name>.csv   tidy, each cell beside the published one
#                      .md    as the paper lays it out, to read; best and second marked
#                      .tex   the same, to print

# (benchmark, language) whose candidates are all ranked, and whose passages are in shards.
RANKED_SETS, SEARCHED_SETS = (
    [
        {"benchmark": benchmark, "language": language}
        for benchmark in benchmarks
        for language in CATALOGUE.benchmarks[benchmark].languages
    ]
    for benchmarks in (RANKED, [b for b in experiment.benchmarks if b in PASSAGE_BENCHMARKS])
)
TRANSLATED_SETS = [
    {"corpus": corpus, "language": language}
    for corpus in experiment.corpora
    for language in lookups.translated_languages(experiment, corpus)
]

# The encoders that the tables' systems train, with each train set, and all with each benchmark.
TOKENIZED_SETS = [
    {"encoder": encoder} | of
    for encoder in dict.fromkeys(
        with_tokenizer(system.encoder) for system in TRAINED_TABLE_SYSTEMS.values()
    )
    for of in TRAIN_SETS
]
COUNTED_BENCHMARKS = [
    {"encoder": encoder, "benchmark": benchmark}
    for encoder in dict.fromkeys(map(with_tokenizer, TABLE_ENCODERS))
    for benchmark in experiment.benchmarks
]


def scores_of_table(wildcards):
    """The keys of the scores in a table: of its own benchmark, or of all ranked ones.

    Behind them are those of the benchmarks beside it. Where one has texts as candidates, these are
    the scores of the systems' text towers.
    """
    table = wildcards.score_table
    if table not in experiment.benchmarks:
        return scored(RANKED)
    own, *beside = lookups.benchmarks_of_table(experiment, table)
    return scored([own]) + [of for name in beside for of in scored([name], systems_beside(name))]


def systems_beside(benchmark):
    """The systems that are scored on a benchmark which stands beside another one in its table."""
    if CATALOGUE.benchmarks[benchmark].modality == "image":
        return TABLE_SYSTEMS
    towers = (variants.tower_of(experiment, system) for system in TABLE_SYSTEMS.values())
    return list(dict.fromkeys(tower.name for tower in towers if tower is not None))


def comparisons_of_table(wildcards):
    """The keys of the comparisons in a table: of its benchmarks, with the encoders scored there."""
    table = wildcards.score_table
    if table not in experiment.benchmarks:
        return compared(RANKED)
    _, *beside = lookups.benchmarks_of_table(experiment, table)
    return compared([table]) + [
        {"encoder": encoder, "benchmark": name}
        for name in beside
        for encoder in dict.fromkeys(SYSTEMS[system].encoder for system in systems_beside(name))
    ]


def glyphs_of_table(wildcards):
    """What the fonts lack of the rendered benchmarks in a table."""
    names = dict.fromkeys(of["benchmark"] for of in scores_of_table(wildcards))
    rendered = [name for name in names if name in RENDERED]
    return [f"<results>/glyphs/{name}.json" for name in rendered]


def title_of_table(wildcards):
    """The benchmark's title, or None for an overview, which has its own title."""
    name = wildcards.score_table
    return lookups.benchmark_title(experiment, name) if name in experiment.benchmarks else None


def averaged_in_table(wildcards):
    """The languages that a benchmark's mean rows average; empty if they average all."""
    return getattr(CATALOGUE.benchmarks.get(wildcards.score_table), "averaged", None) or []


def drawing(system):
    """What decides how often a system's training draws each corpus and language."""
    values = variants.training_values(experiment, system)
    return {
        "encoder": system.encoder,
        "sampling": system.sampling,
        "kind": values["sampling"],
        "alpha": values["alpha"],
        "temperature": values["corpus_weighting"]["temperature"],
    }


def translated_sets(wildcards):
    """All shards of each translated corpus, by `corpus/language`."""
    return {"{corpus}/{language}".format(**of): texts_of(**of) for of in TRANSLATED_SETS}


def table_files():
    return files_of_tables(table_names())


rule score_table:
    input:
        scores=lambda wildcards: files(
            "<results>/scores/{system}/{benchmark}.parquet", scores_of_table(wildcards)
        ),
        comparisons=lambda wildcards: files(
            "<results>/comparisons/{encoder}/{benchmark}.parquet", comparisons_of_table(wildcards)
        ),
        glyphs=glyphs_of_table,
        published=f"{PUBLISHED}/hybrid_batch.csv",
    output:
        csv="<results>/drafts/{score_table}.csv",
        markdown="<results>/drafts/{score_table}.md",
        latex="<results>/drafts/{score_table}.tex",
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
        scored=scores_of_table,
        compared=comparisons_of_table,
        confidence=experiment.statistics.confidence,
        code=code("score_table"),
    script:
        "../scripts/score_table.py"


rule evaluation_data_table:
    input:
        queries=files("<results>/collections/{benchmark}/{language}/queries.parquet", RANKED_SETS),
        candidates=files(
            "<results>/collections/{benchmark}/{language}/candidates.parquet", RANKED_SETS
        ),
        counts=files("<results>/collections/{benchmark}/{language}/counts.json", SEARCHED_SETS),
        published=f"{PUBLISHED}/evaluation_data.csv",
    output:
        csv="<results>/drafts/evaluation_data.csv",
        markdown="<results>/drafts/evaluation_data.md",
        latex="<results>/drafts/evaluation_data.tex",
    log:
        "<logs>/evaluation_data_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("evaluation_data_table")
    resources:
        **resources_of("evaluation_data_table"),
    params:
        ranked=RANKED_SETS,
        searched=SEARCHED_SETS,
        judged_only=[
            b
            for b in experiment.benchmarks
            if getattr(CATALOGUE.benchmarks[b], "judged_only", False)
        ],
        code=code("evaluation_data_table"),
    script:
        "../scripts/evaluation_data_table.py"


rule training_data_table:
    input:
        corpora=expand("<results>/corpora/{corpus}/counts.json", corpus=experiment.corpora),
        train=files("<results>/train/{corpus}/{language}.json", TRAIN_SETS),
        published=f"{PUBLISHED}/training_data.csv",
    output:
        csv="<results>/drafts/training_data.csv",
        markdown="<results>/drafts/training_data.md",
        latex="<results>/drafts/training_data.tex",
    log:
        "<logs>/training_data_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("training_data_table")
    resources:
        **resources_of("training_data_table"),
    params:
        corpora=[{"corpus": corpus} for corpus in experiment.corpora],
        train=TRAIN_SETS,
        names={c: CATALOGUE.corpora[c].published for c in experiment.corpora},
        systems=list(map(drawing, TRAINED_TABLE_SYSTEMS.values())),
        code=code("training_data_table"),
    script:
        "../scripts/training_data_table.py"


rule translation_table:
    input:
        unpack(translated_sets),
    output:
        csv="<results>/drafts/translation.csv",
        markdown="<results>/drafts/translation.md",
        latex="<results>/drafts/translation.tex",
    log:
        "<logs>/translation_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("translation_table")
    resources:
        **resources_of("translation_table"),
    params:
        sets=TRANSLATED_SETS,
        code=code("translation_table"),
    script:
        "../scripts/translation_table.py"


rule filtering_table:
    input:
        counts=files("<results>/train/{corpus}/{language}.json", TRAIN_SETS),
    output:
        csv="<results>/drafts/filtering.csv",
        markdown="<results>/drafts/filtering.md",
        latex="<results>/drafts/filtering.tex",
    log:
        "<logs>/filtering_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("filtering_table")
    resources:
        **resources_of("filtering_table"),
    params:
        train=TRAIN_SETS,
        code=code("filtering_table"),
    script:
        "../scripts/filtering_table.py"


rule tokens_table:
    input:
        train=files("<results>/tokens/{encoder}/{corpus}/{language}.json", TOKENIZED_SETS),
        benchmarks=files("<results>/token_counts/{encoder}/{benchmark}.json", COUNTED_BENCHMARKS),
    output:
        csv="<results>/drafts/tokens.csv",
        markdown="<results>/drafts/tokens.md",
        latex="<results>/drafts/tokens.tex",
    log:
        "<logs>/tokens_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("tokens_table")
    resources:
        **resources_of("tokens_table"),
    params:
        train=TOKENIZED_SETS,
        benchmarks=COUNTED_BENCHMARKS,
        code=code("tokens_table"),
    script:
        "../scripts/tokens_table.py"

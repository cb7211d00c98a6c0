# results/texts/{corpus}/{shard}.parquet                                   questions and passages
# results/translations/{translator}/{corpus}/{language}/{shard}.parquet    the same, translated,
#                                                         or as the corpus' publisher gives it
# results/train/{corpus}/{language}.parquet                  pairs that pass the filters
#                                  .json                     how many did not, and why

TRANSLATED = {
    language for c in experiment.corpora for language in lookups.translated_languages(experiment, c)
}
# Corpora that come in several languages; the others are translated.
PARALLEL = [name for name, of in CATALOGUE.corpora.items() if of.parallel_languages is not None]


def parallel_files(wildcards):
    return lookups.parallel_files(experiment, wildcards.corpus, wildcards.language)


def own_shard(wildcards):
    """The same shard in the corpus' own language."""
    own = corpus_entry(wildcards).language
    return texts_of(wildcards.corpus, own)[int(wildcards.shard)]


def shard_to_translate(wildcards):
    """The same shard in the language it is translated from."""
    return texts_of(wildcards.corpus, route(wildcards)["source"])[int(wildcards.shard)]


def translated_shards():
    """All translated shards of all corpora."""
    return [
        file
        for corpus in experiment.corpora
        for language in lookups.translated_languages(experiment, corpus)
        for file in texts_of(corpus, language)
    ]


rule shard_texts:
    input:
        pairs="<results>/corpora/{corpus}/train.parquet",
    output:
        "<results>/texts/{corpus}/{shard}.parquet",
    log:
        "<logs>/shard_texts/{corpus}/{shard}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("shard_texts")
    resources:
        **resources_of("shard_texts"),
    params:
        number=lambda wildcards: int(wildcards.shard),
        of=lambda wildcards: corpus_entry(wildcards).shards,
        code=code("shard_texts"),
    script:
        "../scripts/shard_texts.py"


rule translate:
    input:
        texts=shard_to_translate,
    output:
        "<results>/translations/{translator}/{corpus}/{language}/{shard}.parquet",
    log:
        "<logs>/translate/{translator}/{corpus}/{language}/{shard}.log",
    benchmark:
        "<results>/timings/translate/{translator}/{corpus}/{language}/{shard}.jsonl"
    wildcard_constraints:
        translator=re.escape(experiment.translator),
        language=one_of(TRANSLATED),
        corpus=one_of(c for c in CATALOGUE.corpora if c not in PARALLEL),
    conda:
        ENVIRONMENT
    threads: threads_of("translate")
    resources:
        **resources_of("translate"),
    params:
        route=route,
        checkpoints=checkpoints,
        content=content(lambda wildcards: own_model(route(wildcards))),
        code=lambda wildcards: code("translate", f"translation/engines/{route(wildcards)['kind']}"),
    script:
        "../scripts/translate.py"


rule read_parallel:
    input:
        texts=own_shard,
        files=parallel_files,
    output:
        # Stored under the active translator's directory, beside the translations of other corpora.
        "<results>/translations/{translator}/{corpus}/{language}/{shard}.parquet",
    log:
        "<logs>/read_parallel/{translator}/{corpus}/{language}/{shard}.log",
    wildcard_constraints:
        translator=re.escape(experiment.translator),
        language=one_of(TRANSLATED),
        corpus=one_of(PARALLEL),
    conda:
        ENVIRONMENT
    threads: threads_of("read_parallel")
    resources:
        **resources_of("read_parallel"),
    params:
        reader=lambda wildcards: corpus_entry(wildcards).kind,
        content=content(parallel_files),
        code=lambda wildcards: code("read_parallel", f"data/readers/{corpus_entry(wildcards).kind}"),
    script:
        "../scripts/read_parallel.py"


rule filter_pairs:
    input:
        pairs="<results>/corpora/{corpus}/train.parquet",
        source=lambda wildcards: texts_of(wildcards.corpus, corpus_entry(wildcards).language),
        translated=lambda wildcards: texts_of(wildcards.corpus, wildcards.language),
    output:
        train="<results>/train/{corpus}/{language}.parquet",
        counts="<results>/train/{corpus}/{language}.json",
    log:
        "<logs>/filter_pairs/{corpus}/{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("filter_pairs")
    resources:
        **resources_of("filter_pairs"),
    params:
        filtering=experiment.filtering.plain(),
        same_language=lambda wildcards: wildcards.language == corpus_entry(wildcards).language,
        of=keys,
        code=code("filter_pairs"),
    script:
        "../scripts/filter_pairs.py"

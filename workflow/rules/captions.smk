# results/captions/{benchmark}/images.parquet, captions.parquet, counts.json     as published
#                            /texts/{shard}.parquet                           English captions
#                            /translations/{translator}/{language}/{shard}.parquet
#                            /split{split}/captions.parquet, counts.json      in all languages

CAPTIONED = [name for name, of in CATALOGUE.benchmarks.items() if of.kind == "captions"]


def path_of(file):
    return lookups.paths(experiment, [file])[0]


def caption_files(wildcards):
    """The files that captions are read from; of a data set of yours all that is in its folder."""
    entry = benchmark_entry(wildcards)
    paths = lookups.paths(experiment, entry.other_files)
    if entry.captions.kind == "datasets":
        paths = [file for path in paths for file in files_of_folder(path)]
    return [path for path in paths if path not in (entry.images or ())]


def files_of_folder(path):
    if not Path(path).is_dir():
        return [path]
    files = inputs.files_in(path)
    for file in files:
        if problem := path_problem(file):
            raise ConfigError(f"{file}: {problem}")
    return files


def image_folders(wildcards):
    return sorted(benchmark_entry(wildcards).images or [])


def listed_images(wildcards):
    """A hash of the names, sizes and times of image files, too many to be read for it."""
    folders = map(Path, image_folders(wildcards))
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir())]
    stats = {str(file): file.stat() for file in files}
    return outputs.part_hash({f: [of.st_size, of.st_mtime_ns] for f, of in stats.items()})


def translated_captions(wildcards):
    """The languages that a corpus' captions are translated into, without pivots."""
    of_corpus = IMAGE_SYSTEMS and wildcards.benchmark == experiment.image_text.corpus
    return lookups.caption_targets(experiment) if of_corpus else []


def caption_shards(benchmark, language):
    """All shards of a corpus' captions in one language: English, or a translation."""
    own = language == constants.SOURCE_LANGUAGE
    place = "texts" if own else "translations/{translator}/{language}"
    return expand(
        f"<results>/captions/{{benchmark}}/{place}/{{shard}}.parquet",
        translator=experiment.translator,
        benchmark=benchmark,
        language=language,
        shard=[f"{number:03d}" for number in range(CATALOGUE.benchmarks[benchmark].shards)],
    )


def captions_to_translate(wildcards):
    """The same shard in the language it is translated from."""
    source = route(wildcards)["source"]
    return caption_shards(wildcards.benchmark, source)[int(wildcards.shard)]


def texts_of_captions(wildcards):
    languages = translated_captions(wildcards)
    found = {f"translated_{of}": caption_shards(wildcards.benchmark, of) for of in languages}
    if languages:
        found["source"] = caption_shards(wildcards.benchmark, constants.SOURCE_LANGUAGE)
    return found


rule read_image_corpus:
    input:
        files=caption_files,
        folders=image_folders,
    output:
        images="<results>/captions/{benchmark}/images.parquet",
        captions="<results>/captions/{benchmark}/captions.parquet",
        counts="<results>/captions/{benchmark}/counts.json",
    log:
        "<logs>/read_image_corpus/{benchmark}.log",
    wildcard_constraints:
        benchmark=one_of(CAPTIONED),
    conda:
        ENVIRONMENT
    threads: threads_of("read_image_corpus")
    resources:
        **resources_of("read_image_corpus"),
    params:
        parts=lambda wildcards: benchmark_entry(wildcards).published(path_of),
        kind=lambda wildcards: benchmark_entry(wildcards).captions.kind,
        languages=lambda wildcards: sorted(benchmark_languages(wildcards)),
        folders=image_folders,
        without=lambda wildcards: (
            path_of(of) if (of := benchmark_entry(wildcards).left_out) else None
        ),
        recorded=SOURCES_LOCK,
        content=content(caption_files),
        listed=listed_images,
        code=code("read_image_corpus"),
    script:
        "../scripts/read_image_corpus.py"


rule shard_captions:
    input:
        captions="<results>/captions/{benchmark}/captions.parquet",
    output:
        "<results>/captions/{benchmark}/texts/{shard}.parquet",
    log:
        "<logs>/shard_captions/{benchmark}/{shard}.log",
    wildcard_constraints:
        benchmark=one_of(CAPTIONED),
    conda:
        ENVIRONMENT
    threads: threads_of("shard_captions")
    resources:
        **resources_of("shard_captions"),
    params:
        number=lambda wildcards: int(wildcards.shard),
        of=lambda wildcards: benchmark_entry(wildcards).shards,
        code=code("shard_captions"),
    script:
        "../scripts/shard_captions.py"


use rule translate as translate_captions with:
    input:
        texts=captions_to_translate,
    output:
        "<results>/captions/{benchmark}/translations/{translator}/{language}/{shard}.parquet",
    log:
        "<logs>/translate_captions/{translator}/{benchmark}/{language}/{shard}.log",
    benchmark:
        "<results>/timings/translate_captions/{translator}/{benchmark}/{language}/{shard}.jsonl"
    wildcard_constraints:
        translator=re.escape(experiment.translator),
        language=one_of(lookups.translated_captions(experiment)),
        benchmark=one_of(CAPTIONED),
    threads: threads_of("translate_captions")
    resources:
        **resources_of("translate_captions"),
    params:
        route=route,
        checkpoints=checkpoints,
        content=content(lambda wildcards: own_model(route(wildcards))),
        code=lambda wildcards: code("translate", f"translation/engines/{route(wildcards)['kind']}"),


rule split_captions:
    input:
        unpack(texts_of_captions),
        captions="<results>/captions/{benchmark}/captions.parquet",
    output:
        captions="<results>/captions/{benchmark}/split{split}/captions.parquet",
        counts="<results>/captions/{benchmark}/split{split}/counts.json",
    log:
        "<logs>/split_captions/{benchmark}/split{split}.log",
    wildcard_constraints:
        benchmark=one_of(CAPTIONED),
    conda:
        ENVIRONMENT
    threads: threads_of("split_captions")
    resources:
        **resources_of("split_captions"),
    params:
        drawing=lambda wildcards: benchmark_entry(wildcards).drawing,
        filtering=experiment.filtering.plain(),
        translated=translated_captions,
        benchmark=lambda wildcards: wildcards.benchmark,
        split=lambda wildcards: int(wildcards.split),
        code=code("split_captions"),
    script:
        "../scripts/split_captions.py"

# results/images/{benchmark}/images.parquet                      images by id
# results/images/emoji/split{split}/captions.parquet             names of emoji, by language and part
# results/fonts/{font}.ttf                                       merged, for rendered texts
# results/image_text/collections/{benchmark}/split{split}/       captions and images of the test
# results/image_text/encoders/{tower}/seed{seed}/                both towers before training
# results/image_text/texts/{tower}/seed{seed}.safetensors        the text tower's inputs of captions
# results/image_text/inputs/{benchmark}.safetensors              the image tower's inputs of images
# results/image_text/models/{image_system}/split{split}/seed{seed}/   SentenceTransformer folder
# results/image_text/embeddings/{benchmark}/{image_system}/split{split}.safetensors   of the test
# results/image_text/metrics/{benchmark}/{image_system}/split{split}.parquet   per query, all seeds
#                                                /README.md     card of a system's models
# results/drafts/image_text.csv .md .tex
# {tower} is the sampling of the system that is the text tower, {image_system} {tower}_{sampling of
# the captions}, or {tower}_shuffled.

import itertools

from hybridbatch.data import cldr

EMOJI = [entry for entry in CATALOGUE.benchmarks.values() if entry.kind == "emoji"]
IMAGE_BENCHMARKS = [name for name, of in CATALOGUE.benchmarks.items() if of.modality == "image"]
MERGED_FONTS = {Path(path).stem: fonts for path, fonts in lookups.merged_fonts(experiment).items()}
IMAGE_ENCODER = image_systems.encoder(experiment) if IMAGE_SYSTEMS else None


def kind_of_images(kind):
    """The catalogue's one benchmark of a kind whose images the workflow makes, or None."""
    return next((of for of in CATALOGUE.benchmarks.values() if of.kind == kind), None)


def file_of_kind(kind, key):
    """An input function: a file of the kind's benchmark, in its first language."""

    def found(wildcards):
        entry = kind_of_images(kind)
        return lookups.paths(experiment, [entry.files(entry.languages[0])[key]])

    return found


def archive_of_images(wildcards):
    return lookups.paths(experiment, kind_of_images("xm3600").other_files)


def fonts_to_merge(wildcards):
    return MERGED_FONTS[wildcards.font]


def emoji_languages():
    return sorted({language for entry in EMOJI for language in entry.languages})


def emoji_packages(wildcards):
    """The files of the installed packages that emoji are made of."""
    entry = EMOJI[0]
    names = [cldr.annotation_files(language, entry.common) for language in emoji_languages()]
    return [*itertools.chain.from_iterable(names), entry.font]


def files_of_split(wildcards):
    return image_systems.split_files(experiment, wildcards.benchmark, int(wildcards.split))


def different_files_of_split(wildcards):
    files = files_of_split(wildcards).values()
    return list(dict.fromkeys(path for of in files for path in of.values()))


def split_captions(split):
    """The captions of a split that is trained on."""
    files = image_systems.split_files(experiment, experiment.image_text.corpus, split)
    return next(iter(files.values()))["captions"]


def images_of(benchmark):
    return next(iter(image_systems.split_files(experiment, benchmark, 0).values()))["images"]


def text_model(wildcards):
    """The folder of the system that is the text tower; none where the encoder has one of its own."""
    system = TOWERS[wildcards.tower]
    if system is None:
        return {}
    seed = image_systems.text_seed(experiment, wildcards.tower, int(wildcards.seed))
    return {"model": model_folder(system, seed)}


def image_system(wildcards):
    return IMAGE_SYSTEMS[wildcards.image_system]


def image_keys(wildcards):
    """The keys of a job's output; of a system its tower and captions."""
    found = {
        name: int(value) if name in ("seed", "split") else value
        for name, value in wildcards.items()
        if name != "image_system"
    }
    if "image_system" in wildcards.keys():
        system = image_system(wildcards)
        found |= {"tower": system.tower, "captions": system.captions}
    return found


def image_encoder_values(wildcards):
    return IMAGE_ENCODER.values()


def own_models_of_towers(wildcards):
    """The folders here of pretrained towers."""
    values = image_encoder_values(wildcards)
    return [*own_model(values["text"]), *own_model(values["image"])]


def image_encoder_module(wildcards):
    return f"encoders/{IMAGE_ENCODER.kind}"


def captions_languages(wildcards):
    """The languages of the captions that a system is trained on."""
    return image_systems.trained_languages(experiment, image_system(wildcards).captions)


def wrong_captions(wildcards):
    """The seed of the control's wrong pairs; None for other systems."""
    control = image_system(wildcards).captions == image_systems.SHUFFLED
    return int(wildcards.seed) if control else None


def first_towers():
    """The towers whose image tower, which all have alike, makes the inputs of images."""
    if not IMAGE_SYSTEMS:
        return []
    seed = image_systems.seeds(experiment)[0]
    return f"<results>/image_text/encoders/{next(iter(TOWERS))}/seed{seed}"


def test_of_split(file):
    """An input function: a file of the test that models of a split have."""

    def found(wildcards):
        of = image_systems.test_split(experiment, wildcards.benchmark, int(wildcards.split))
        return f"<results>/image_text/collections/{wildcards.benchmark}/split{of}/{file}"

    return found


def image_metrics():
    """Per-query metrics of all systems and splits on every benchmark."""
    if not IMAGE_SYSTEMS:
        return []
    return expand(
        "<results>/image_text/metrics/{benchmark}/{name}/split{split}.parquet",
        benchmark=experiment.image_text.benchmarks,
        name=IMAGE_SYSTEMS,
        split=image_systems.splits(experiment),
    )


rule make_emoji:
    output:
        images="<results>/images/emoji/images.parquet",
        captions=[
            f"<results>/images/emoji/split{split}/captions.parquet"
            for split in range(EMOJI[0].splits if EMOJI else 1)
        ],
        counts="<results>/images/emoji/counts.json",
    log:
        "<logs>/make_emoji.log",
    conda:
        ENVIRONMENT
    threads: threads_of("make_emoji")
    resources:
        **resources_of("make_emoji"),
    params:
        emoji=EMOJI[0].making if EMOJI else {},
        languages=emoji_languages(),
        # Of installed packages, which are no inputs: a dry run elsewhere does not need them.
        content=content(emoji_packages),
        code=code("make_emoji"),
    script:
        "../scripts/make_emoji.py"


rule fetch_images:
    input:
        names=file_of_kind("xtd10", "names"),
    output:
        "<results>/images/xtd10/images.parquet",
    log:
        "<logs>/fetch_images.log",
    conda:
        ENVIRONMENT
    threads: threads_of("fetch_images")
    resources:
        **resources_of("fetch_images"),
    params:
        folder=experiment.pathvars.downloads,
        recorded=SOURCES_LOCK,
        code=code("fetch_images"),
    script:
        "../scripts/fetch_images.py"


rule pack_images:
    input:
        captions=file_of_kind("xm3600", "captions"),
        archive=archive_of_images,
    output:
        "<results>/images/xm3600/images.parquet",
    log:
        "<logs>/pack_images.log",
    conda:
        ENVIRONMENT
    threads: threads_of("pack_images")
    resources:
        **resources_of("pack_images"),
    params:
        content=content(
            lambda wildcards: [
                *file_of_kind("xm3600", "captions")(wildcards),
                *archive_of_images(wildcards),
            ]
        ),
        code=code("pack_images"),
    script:
        "../scripts/pack_images.py"


rule merge_fonts:
    output:
        "<results>/fonts/{font}.ttf",
    log:
        "<logs>/merge_fonts/{font}.log",
    wildcard_constraints:
        font=one_of(MERGED_FONTS),
    conda:
        ENVIRONMENT
    threads: threads_of("merge_fonts")
    resources:
        **resources_of("merge_fonts"),
    params:
        fonts=fonts_to_merge,
        content=content(fonts_to_merge),
        code=code("merge_fonts"),
    script:
        "../scripts/merge_fonts.py"


rule read_captions:
    input:
        files=different_files_of_split,
    output:
        captions="<results>/image_text/collections/{benchmark}/split{split}/captions.parquet",
        images="<results>/image_text/collections/{benchmark}/split{split}/images.parquet",
    log:
        "<logs>/read_captions/{benchmark}/split{split}.log",
    wildcard_constraints:
        benchmark=one_of(IMAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("read_captions")
    resources:
        **resources_of("read_captions"),
    params:
        kind=lambda wildcards: benchmark_entry(wildcards).kind,
        reading=lambda wildcards: benchmark_entry(wildcards).reading,
        files=files_of_split,
        of=image_keys,
        code=lambda wildcards: code("read_captions", benchmark_module(wildcards)),
    script:
        "../scripts/read_captions.py"


rule prepare_towers:
    input:
        unpack(text_model),
        images=lambda wildcards: images_of(experiment.image_text.corpus),
        captions=lambda wildcards: [
            split_captions(split) for split in image_systems.splits(experiment)
        ],
    output:
        encoder=directory("<results>/image_text/encoders/{tower}/seed{seed}"),
        texts="<results>/image_text/texts/{tower}/seed{seed}.safetensors",
    log:
        "<logs>/prepare_towers/{tower}/seed{seed}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("prepare_towers")
    resources:
        **resources_of("prepare_towers"),
    params:
        encoder=image_encoder_values,
        name=lambda wildcards: experiment.image_text.encoder,
        languages=lambda wildcards: sorted(experiment.image_text.languages),
        of=image_keys,
        content=content(own_models_of_towers),
        code=lambda wildcards: code("prepare_towers", image_encoder_module(wildcards)),
    script:
        "../scripts/prepare_towers.py"


rule embed_images:
    input:
        encoder=first_towers(),
        images=lambda wildcards: images_of(wildcards.benchmark),
    output:
        "<results>/image_text/inputs/{benchmark}.safetensors",
    log:
        "<logs>/embed_images/{benchmark}.log",
    wildcard_constraints:
        benchmark=one_of(IMAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("embed_images")
    resources:
        **resources_of("embed_images"),
    params:
        encoder=image_encoder_values,
        of=image_keys,
        code=lambda wildcards: code("embed_images", image_encoder_module(wildcards)),
    script:
        "../scripts/embed_images.py"


rule finetune_images:
    input:
        encoder=lambda wildcards: f"<results>/image_text/encoders/{image_system(wildcards).tower}/seed{wildcards.seed}",
        texts=lambda wildcards: f"<results>/image_text/texts/{image_system(wildcards).tower}/seed{wildcards.seed}.safetensors",
        images=lambda wildcards: f"<results>/image_text/inputs/{experiment.image_text.corpus}.safetensors",
        captions=lambda wildcards: split_captions(int(wildcards.split)),
    output:
        directory("<results>/image_text/models/{image_system}/split{split}/seed{seed}"),
    log:
        "<logs>/finetune_images/{image_system}/split{split}/seed{seed}.log",
    benchmark:
        "<results>/timings/finetune_images/{image_system}/split{split}/seed{seed}.jsonl"
    conda:
        ENVIRONMENT
    threads: threads_of("finetune_images")
    resources:
        **resources_of("finetune_images"),
    params:
        training=lambda wildcards: image_systems.training_values(
            experiment, image_system(wildcards).captions
        ),
        encoder=image_encoder_values,
        corpus=lambda wildcards: experiment.image_text.corpus,
        languages=captions_languages,
        shuffled=wrong_captions,
        seed=lambda wildcards: int(wildcards.seed),
        checkpoints=checkpoints,
        code=lambda wildcards: code("finetune_images", image_encoder_module(wildcards)),
    script:
        "../scripts/finetune_images.py"


rule evaluate_images:
    input:
        models=lambda wildcards: [
            f"<results>/image_text/models/{wildcards.image_system}/split{wildcards.split}/seed{seed}"
            for seed in image_systems.seeds(experiment)
        ],
        images="<results>/image_text/inputs/{benchmark}.safetensors",
        captions=test_of_split("captions.parquet"),
        tested=test_of_split("images.parquet"),
    output:
        metrics="<results>/image_text/metrics/{benchmark}/{image_system}/split{split}.parquet",
        vectors="<results>/image_text/embeddings/{benchmark}/{image_system}/split{split}.safetensors",
    log:
        "<logs>/evaluate_images/{benchmark}/{image_system}/split{split}.log",
    wildcard_constraints:
        benchmark=one_of(IMAGE_BENCHMARKS),
    conda:
        ENVIRONMENT
    threads: threads_of("evaluate_images")
    resources:
        **resources_of("evaluate_images"),
    params:
        encoder=lambda wildcards: IMAGE_ENCODER.encoding_values(),
        seen=captions_languages,
        of=image_keys,
        code=lambda wildcards: code("evaluate_images", image_encoder_module(wildcards)),
    script:
        "../scripts/evaluate_images.py"


rule image_card:
    input:
        models=lambda wildcards: [
            f"<results>/image_text/models/{wildcards.image_system}/split{split}/seed{seed}"
            for split in image_systems.splits(experiment)
            for seed in image_systems.seeds(experiment)
        ],
    output:
        "<results>/image_text/models/{image_system}/README.md",
    log:
        "<logs>/image_card/{image_system}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("image_card")
    resources:
        **resources_of("image_card"),
    params:
        encoder=image_encoder_values,
        facts=lambda wildcards: image_systems.card_facts(experiment, wildcards.image_system),
        code=lambda wildcards: code("image_card", image_encoder_module(wildcards)),
    script:
        "../scripts/image_card.py"


rule image_text_table:
    input:
        queries=image_metrics(),
        published=f"{PUBLISHED}/xtd10.csv",
        families=str(WORKFLOW.parent / "resources" / "languages" / "families.csv"),
    output:
        csv="<results>/drafts/image_text.csv",
        markdown="<results>/drafts/image_text.md",
        latex="<results>/drafts/image_text.tex",
    log:
        "<logs>/image_text_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("image_text_table")
    resources:
        **resources_of("image_text_table"),
    params:
        published="xtd10",
        known=image_systems.known_languages(experiment) if IMAGE_SYSTEMS else [],
        margin=experiment.image_text.margin if IMAGE_SYSTEMS else None,
        not_run=experiment.image_text.not_run if IMAGE_SYSTEMS else [],
        confidence=experiment.statistics.confidence,
        code=code("image_text_table"),
    script:
        "../scripts/image_text_table.py"

# Encoders of kind `rendered`, whose image towers learn to read the passages of the train sets:
# results/encoders/{encoder}/                                     the image tower before training
# results/rendered/{encoder}/{corpus}/{language}.safetensors      its inputs of rendered passages
#                                    /{language}.json             and what their fonts lacked
#                                    /validation.safetensors .json
# results/candidates/{encoder}/{benchmark}/{language}.safetensors  its inputs of a benchmark's images
# results/glyphs/{benchmark}.json                                 sentences that its fonts lack letters of
# results/models/{system}/seed{seed}/                             SentenceTransformer folder
# A system's text tower is the system of the encoder's `text` with the same sampling and seed, whose
# token ids are its own, too. The inputs of an image tower, or the vectors of a frozen one, are
# made once for all encoders with the same tower. Everything behind the vectors is as for texts.


def drawing_of(wildcards):
    return encoder_entry(wildcards).drawing


def font_of(language_of):
    """An input function: the font of a language, by a function of wildcards."""

    def found(wildcards):
        (font,) = lookups.paths(experiment, [encoder_entry(wildcards).font(language_of(wildcards))])
        return font

    return found


def fonts_of_encoder(wildcards):
    """The fonts of the training languages, each once."""
    return list(dict.fromkeys(fonts_by_language(wildcards).values()))


def fonts_by_language(wildcards):
    entry = encoder_entry(wildcards)
    languages = sorted(TRAIN_LANGUAGES)
    paths = lookups.paths(experiment, map(entry.font, languages))
    return dict(zip(languages, paths, strict=True))


def own_files_of_rendered(wildcards):
    """The files of fonts, and of an image tower that is a folder here."""
    entry = encoder_entry(wildcards)
    fonts = [path for path, _ in entry.installed.values() if Path(path).is_file()]
    return [*fonts, *own_model(entry.values()["image"])]


def tower_of(wildcards):
    """The model of the system that is the text tower."""
    return model_folder(variants.tower_of(experiment, SYSTEMS[wildcards.system]), wildcards.seed)


def inputs_of_pairs(folder, encoder_of_inputs, validation=False):
    """An input function: the inputs of all pairs that a system is trained on or validated with.

    encoder_of_inputs: a function of wildcards.
    """

    def found(wildcards):
        system = SYSTEMS[wildcards.system]
        root = f"<results>/{folder}/{encoder_of_inputs(wildcards)}"
        if validation:
            return [f"{root}/{corpus}/validation.safetensors" for corpus in experiment.validation]
        return [
            f"{root}/{corpus}/{language}.safetensors"
            for corpus in experiment.corpora
            for language in variants.system_languages(experiment, corpus, system)
        ]

    return found


def encoder_of_tower(wildcards):
    """The encoder whose systems are the text towers."""
    return encoder_entry(wildcards).base


def encoder_with_images(wildcards):
    """The first encoder that has the same image tower before training, and the same renderings."""
    return variants.images_of(experiment, SYSTEMS[wildcards.system].encoder)


def image_tower_of(wildcards):
    return f"<results>/encoders/{encoder_with_images(wildcards)}"


def files_of_benchmark(wildcards):
    """The files of a benchmark's languages, by the names that its kind expects."""
    return {
        language: lookups.benchmark_files(experiment, wildcards.benchmark, language)
        for language in benchmark_languages(wildcards)
    }


def different_files_of_benchmark(wildcards):
    files = files_of_benchmark(wildcards).values()
    return list(dict.fromkeys(path for of in files for path in of.values()))


rule count_glyphs:
    input:
        files=different_files_of_benchmark,
    output:
        "<results>/glyphs/{benchmark}.json",
    log:
        "<logs>/count_glyphs/{benchmark}.log",
    wildcard_constraints:
        benchmark=one_of(RENDERED),
    conda:
        ENVIRONMENT
    threads: threads_of("count_glyphs")
    resources:
        **resources_of("count_glyphs"),
    params:
        files=files_of_benchmark,
        of=keys,
        content=content(different_files_of_benchmark),
        code=code("count_glyphs"),
    script:
        "../scripts/count_glyphs.py"


rule prepare_rendered:
    input:
        texts=files("<results>/train/{corpus}/{language}.parquet", TRAIN_SETS),
        fonts=fonts_of_encoder,
    output:
        directory("<results>/encoders/{encoder}"),
    log:
        "<logs>/prepare_rendered/{encoder}.log",
    wildcard_constraints:
        encoder=one_of(RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("prepare_rendered")
    resources:
        **resources_of("prepare_rendered"),
    params:
        encoder=encoder_values,
        fonts=fonts_by_language,
        drawing=drawing_of,
        content=content(own_files_of_rendered),
        code=lambda wildcards: code("prepare_rendered", encoder_module(wildcards)),
    script:
        "../scripts/prepare_rendered.py"


rule render_pairs:
    input:
        encoder="<results>/encoders/{encoder}",
        train="<results>/train/{corpus}/{language}.parquet",
        font=font_of(lambda wildcards: wildcards.language),
    output:
        images="<results>/rendered/{encoder}/{corpus}/{language}.safetensors",
        counts="<results>/rendered/{encoder}/{corpus}/{language}.json",
    log:
        "<logs>/render_pairs/{encoder}/{corpus}/{language}.log",
    wildcard_constraints:
        encoder=one_of(RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("render_pairs")
    resources:
        **resources_of("render_pairs"),
    params:
        encoder=encoder_values,
        drawing=drawing_of,
        of=keys,
        code=lambda wildcards: code("render_pairs", encoder_module(wildcards)),
    script:
        "../scripts/render_pairs.py"


use rule render_pairs as render_validation with:
    input:
        encoder="<results>/encoders/{encoder}",
        train="<results>/corpora/{corpus}/validation.parquet",
        font=font_of(lambda wildcards: corpus_entry(wildcards).language),
    output:
        images="<results>/rendered/{encoder}/{corpus}/validation.safetensors",
        counts="<results>/rendered/{encoder}/{corpus}/validation.json",
    log:
        "<logs>/render_validation/{encoder}/{corpus}.log",
    threads: threads_of("render_validation")
    resources:
        **resources_of("render_validation"),
    params:
        encoder=encoder_values,
        drawing=drawing_of,
        of=lambda wildcards: keys(wildcards) | {"language": corpus_entry(wildcards).language},
        code=lambda wildcards: code("render_pairs", encoder_module(wildcards)),


rule finetune_rendered:
    input:
        encoder=image_tower_of,
        tower=tower_of,
        train=inputs_of_pairs("tokens", encoder_of_tower),
        images=inputs_of_pairs("rendered", encoder_with_images),
        validation=inputs_of_pairs("tokens", encoder_of_tower, validation=True),
        validation_images=inputs_of_pairs("rendered", encoder_with_images, validation=True),
    output:
        directory("<results>/models/{system}/seed{seed}"),
    log:
        "<logs>/finetune_rendered/{system}/seed{seed}.log",
    benchmark:
        "<results>/timings/finetune/{system}/seed{seed}.jsonl"
    wildcard_constraints:
        system=one_of(name for name, of in TRAINED.items() if of.encoder in RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("finetune_rendered")
    resources:
        **resources_of("finetune_rendered"),
    params:
        training=training_values,
        encoder=encoder_values,
        seed=lambda wildcards: int(wildcards.seed),
        checkpoints=checkpoints,
        code=lambda wildcards: code("finetune_rendered", encoder_module(wildcards)),
    script:
        "../scripts/finetune_rendered.py"


rule prepare_candidates:
    input:
        encoder="<results>/encoders/{encoder}",
        candidates="<results>/collections/{benchmark}/{language}/candidates.parquet",
    output:
        "<results>/candidates/{encoder}/{benchmark}/{language}.safetensors",
    log:
        "<logs>/prepare_candidates/{encoder}/{benchmark}/{language}.log",
    wildcard_constraints:
        encoder=one_of(RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("prepare_candidates")
    resources:
        **resources_of("prepare_candidates"),
    params:
        encoder=encoder_values,
        of=keys,
        code=lambda wildcards: code("prepare_candidates", encoder_module(wildcards)),
    script:
        "../scripts/prepare_candidates.py"


rule encode_rendered:
    input:
        model=model_of,
        queries="<results>/collections/{benchmark}/{language}/queries.parquet",
        candidates=lambda wildcards: f"<results>/candidates/{encoder_with_images(wildcards)}/{wildcards.benchmark}/{wildcards.language}.safetensors",
    output:
        "<results>/embeddings/{system}/seed{seed}/{benchmark}/{language}.safetensors",
    log:
        "<logs>/encode_rendered/{system}/seed{seed}/{benchmark}/{language}.log",
    wildcard_constraints:
        system=one_of(name for name, of in SYSTEMS.items() if of.encoder in RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("encode_rendered")
    resources:
        **resources_of("encode_rendered"),
    params:
        encoder=encoding_values,
        of=keys,
        code=lambda wildcards: code("encode_rendered", encoder_module(wildcards)),
    script:
        "../scripts/encode_rendered.py"

# results/encoders/{encoder}/                                     tokenizer, pretrained weights
# results/tokens/{encoder}/{corpus}/{language}.safetensors        token ids of the train sets
#                                  /{language}.json               and what the tokenizer lost
#                                  /validation.safetensors .json
# results/models/{system}/seed{seed}/                             SentenceTransformer folder with
#                                  training.jsonl validation.jsonl mix.json run.json
# A zero-shot system has none: its model is the encoder's folder.
# results/checkpoints/{an output}/                                what a killed job goes on from


def texts_for_tokenizer(wildcards):
    """The train sets for training a tokenizer; none if the encoder has its own."""
    if CATALOGUE.encoders[wildcards.encoder].has_own_tokenizer:
        return []
    return files("<results>/train/{corpus}/{language}.parquet", TRAIN_SETS)


def train_tokens(wildcards):
    system = SYSTEMS[wildcards.system]
    return [
        f"<results>/tokens/{system.encoder}/{corpus}/{language}.safetensors"
        for corpus in experiment.corpora
        for language in variants.system_languages(experiment, corpus, system)
    ]


def validation_tokens(wildcards):
    encoder = SYSTEMS[wildcards.system].encoder
    return [
        f"<results>/tokens/{encoder}/{corpus}/validation.safetensors"
        for corpus in experiment.validation
    ]


def encoder_values(wildcards):
    return encoder_entry(wildcards).values()


def training_values(wildcards):
    return variants.training_values(experiment, SYSTEMS[wildcards.system])


def model_folders():
    """The model folders of the systems in the main tables."""
    return [
        model_folder(system, seed)
        for system in TABLE_SYSTEMS.values()
        for seed in variants.runs_of(experiment, system)
    ]


rule prepare_encoder:
    input:
        texts=texts_for_tokenizer,
    output:
        directory("<results>/encoders/{encoder}"),
    log:
        "<logs>/prepare_encoder/{encoder}.log",
    wildcard_constraints:
        encoder=one_of(name for name in CATALOGUE.encoders if name not in RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("prepare_encoder")
    resources:
        **resources_of("prepare_encoder"),
    params:
        encoder=encoder_values,
        content=content(lambda wildcards: own_model(encoder_values(wildcards))),
        code=lambda wildcards: code("prepare_encoder", encoder_module(wildcards)),
    script:
        "../scripts/prepare_encoder.py"


rule tokenize_pairs:
    input:
        encoder="<results>/encoders/{encoder}",
        pairs="<results>/corpora/{corpus}/train.parquet",
        train="<results>/train/{corpus}/{language}.parquet",
    output:
        tokens="<results>/tokens/{encoder}/{corpus}/{language}.safetensors",
        counts="<results>/tokens/{encoder}/{corpus}/{language}.json",
    log:
        "<logs>/tokenize_pairs/{encoder}/{corpus}/{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("tokenize_pairs")
    resources:
        **resources_of("tokenize_pairs"),
    params:
        encoder=encoder_values,
        of=keys,
        code=lambda wildcards: code("tokenize_pairs", encoder_module(wildcards)),
    script:
        "../scripts/tokenize_pairs.py"


use rule tokenize_pairs as tokenize_validation with:
    input:
        encoder="<results>/encoders/{encoder}",
        pairs="<results>/corpora/{corpus}/validation.parquet",
        train="<results>/corpora/{corpus}/validation.parquet",
    output:
        tokens="<results>/tokens/{encoder}/{corpus}/validation.safetensors",
        counts="<results>/tokens/{encoder}/{corpus}/validation.json",
    log:
        "<logs>/tokenize_validation/{encoder}/{corpus}.log",
    threads: threads_of("tokenize_validation")
    resources:
        **resources_of("tokenize_validation"),
    params:
        encoder=encoder_values,
        of=lambda wildcards: keys(wildcards) | {"language": corpus_entry(wildcards).language},
        code=lambda wildcards: code("tokenize_pairs", encoder_module(wildcards)),


rule finetune:
    input:
        encoder=encoder_of,
        train=train_tokens,
        validation=validation_tokens,
    output:
        directory("<results>/models/{system}/seed{seed}"),
    log:
        "<logs>/finetune/{system}/seed{seed}.log",
    benchmark:
        "<results>/timings/finetune/{system}/seed{seed}.jsonl"
    wildcard_constraints:
        system=one_of(name for name, of in TRAINED.items() if of.encoder not in RENDERING),
    conda:
        ENVIRONMENT
    threads: threads_of("finetune")
    resources:
        **resources_of("finetune"),
    params:
        training=training_values,
        encoder=encoder_values,
        seed=lambda wildcards: int(wildcards.seed),
        checkpoints=checkpoints,
        code=lambda wildcards: code("finetune", encoder_module(wildcards)),
    script:
        "../scripts/finetune.py"

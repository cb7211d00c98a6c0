# Only on request: train sets as folders that `datasets.load_dataset` opens.
# results/datasets/{corpus}/README.md            card; names each language's file as a configuration
#                          /{language}.parquet   pairs that passed the filters, and their language


def refuse_unstated(corpora):
    """Raise an error if a corpus or translator has no stated licence, before texts are exported."""
    names = dict.fromkeys(n for c in corpora for n in lookups.unstated_licences(experiment, c))
    if names:
        listed = ", ".join(names)
        raise ConfigError(
            f"no licence is stated of {listed}, so that their texts are not written as a data set. "
            "State it in the catalogue (`licence`), or confirm that you may pass them on: "
            f"exports: {{unstated_licences: [{listed}]}}"
        )


def files_of_data_sets(wildcards):
    """The folders of all corpora that are trained on."""
    refuse_unstated(experiment.corpora)
    return [
        *files("<results>/datasets/{corpus}/{language}.parquet", TRAIN_SETS),
        *expand("<results>/datasets/{corpus}/README.md", corpus=experiment.corpora),
    ]


def train_set(wildcards):
    refuse_unstated([wildcards.corpus])
    return "<results>/train/{corpus}/{language}.parquet"


def counts_of_train_sets(wildcards):
    """What the filters counted, in the order of the corpus' languages."""
    refuse_unstated([wildcards.corpus])
    return [
        f"<results>/train/{wildcards.corpus}/{language}.json"
        for language in lookups.corpus_languages(experiment, wildcards.corpus)
    ]


def configuration_of_train_sets(wildcards):
    """What a corpus' train sets depend on."""
    alone = experiment.model_copy(update={"corpora": [wildcards.corpus]})
    part = outputs.part_for(alone, "filtering")
    part.pop("pathvars")  # the location does not affect the contents
    return part


rule export_train_set:
    input:
        train=train_set,
    output:
        "<results>/datasets/{corpus}/{language}.parquet",
    log:
        "<logs>/export_train_set/{corpus}/{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("export_train_set")
    resources:
        **resources_of("export_train_set"),
    params:
        of=keys,
        code=code("export_train_set"),
    script:
        "../scripts/export_train_set.py"


rule data_card:
    input:
        counts=counts_of_train_sets,
    output:
        "<results>/datasets/{corpus}/README.md",
    log:
        "<logs>/data_card/{corpus}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("data_card")
    resources:
        **resources_of("data_card"),
    params:
        facts=lambda wildcards: variants.data_card_facts(experiment, wildcards.corpus),
        configuration=configuration_of_train_sets,
        configuration_sha256=lambda wildcards: outputs.part_hash(
            configuration_of_train_sets(wildcards)
        ),
        code=code("data_card"),
    script:
        "../scripts/data_card.py"

# results/references/{references}/{language}.parquet              texts that people translated
# results/reference_translations/{translator}/{references}/{language}.parquet
#                                                                 the English ones, translated
# results/back_translations/{translator}/{references}/{language}/{target}.parquet
#                                       these, on their way back to English at {target}
# results/drafts/translation_quality.csv .md .tex                 the translated against people's, those that
#                                       came back against the English ones

# (reference set, language) whose translations are scored.
QUALITY = [
    (r, code) for r in experiment.quality for code in lookups.scored_languages(experiment, r)
]
# The route from each language back to English; languages without a route are left out.
WAYS_BACK = {code: way for _, code in QUALITY if (way := lookups.back_steps(experiment, code))}


def references_in(references, language):
    """A reference set's texts: the English ones as they are, or translated."""
    if language == constants.SOURCE_LANGUAGE:
        return f"<results>/references/{references}/{language}.parquet"
    root = f"<results>/reference_translations/{experiment.translator}"
    return f"{root}/{references}/{language}.parquet"


def references_to_translate(wildcards):
    """A reference set in the language it is translated from."""
    return references_in(wildcards.references, route(wildcards)["source"])


def back_in(references, language, target):
    """A reference set translated into `language` and from there back into `target`."""
    root = f"<results>/back_translations/{experiment.translator}"
    return f"{root}/{references}/{language}/{target}.parquet"


def back_route(wildcards):
    return lookups.back_route(experiment, wildcards.language, wildcards.target)


def references_to_translate_back(wildcards):
    """The translated reference set, or the previous step of its back-translation."""
    source = back_route(wildcards)["source"]
    if source == wildcards.language:
        return references_in(wildcards.references, source)
    return back_in(wildcards.references, wildcards.language, source)


def scored_texts(wildcards):
    """By `what/references/language`: the source and the output.

    And the reference, where people translated the set into the language, and what was returned,
    where there is a way back.
    """
    source = constants.SOURCE_LANGUAGE
    found = {}
    for name, language in QUALITY:
        of = f"{name}/{language}"
        found[f"source/{of}"] = references_in(name, source)
        found[f"output/{of}"] = references_in(name, language)
        if language in CATALOGUE.references[name].languages:
            found[f"reference/{of}"] = f"<results>/references/{name}/{language}.parquet"
        if language in WAYS_BACK:
            found[f"returned/{of}"] = back_in(name, language, source)
    return found


def reference_file(wildcards):
    return lookups.reference_file(experiment, wildcards.references, wildcards.language)


rule read_references:
    input:
        file=reference_file,
    output:
        "<results>/references/{references}/{language}.parquet",
    log:
        "<logs>/read_references/{references}/{language}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("read_references")
    resources:
        **resources_of("read_references"),
    params:
        reader=lambda wildcards: CATALOGUE.references[wildcards.references].kind,
        content=content(lambda wildcards: [reference_file(wildcards)]),
        code=code("read_references"),
    script:
        "../scripts/read_references.py"


use rule translate as translate_references with:
    input:
        texts=references_to_translate,
    output:
        "<results>/reference_translations/{translator}/{references}/{language}.parquet",
    log:
        "<logs>/translate_references/{translator}/{references}/{language}.log",
    benchmark:
        "<results>/timings/translate_references/{translator}/{references}/{language}.jsonl"
    wildcard_constraints:
        translator=re.escape(experiment.translator),
        language=one_of(CATALOGUE.translators[experiment.translator].routes),
    threads: threads_of("translate_references")
    resources:
        **resources_of("translate_references"),
    params:
        route=route,
        checkpoints=checkpoints,
        content=content(lambda wildcards: own_model(route(wildcards))),
        code=lambda wildcards: code("translate", f"translation/engines/{route(wildcards)['kind']}"),


use rule translate as translate_back with:
    input:
        texts=references_to_translate_back,
    output:
        "<results>/back_translations/{translator}/{references}/{language}/{target}.parquet",
    log:
        "<logs>/translate_back/{translator}/{references}/{language}/{target}.log",
    benchmark:
        "<results>/timings/translate_back/{translator}/{references}/{language}/{target}.jsonl"
    wildcard_constraints:
        translator=re.escape(experiment.translator),
        language=one_of(WAYS_BACK),
        target=one_of({code for way in WAYS_BACK.values() for code in way[1:]}),
    threads: threads_of("translate_back")
    resources:
        **resources_of("translate_back"),
    params:
        route=back_route,
        checkpoints=checkpoints,
        content=content(lambda wildcards: own_model(back_route(wildcards))),
        code=lambda wildcards: code(
            "translate", f"translation/engines/{back_route(wildcards)['kind']}"
        ),


rule translation_quality_table:
    input:
        unpack(scored_texts),
    output:
        csv="<results>/drafts/translation_quality.csv",
        markdown="<results>/drafts/translation_quality.md",
        latex="<results>/drafts/translation_quality.tex",
    log:
        "<logs>/translation_quality_table.log",
    conda:
        ENVIRONMENT
    threads: threads_of("translation_quality_table")
    resources:
        **resources_of("translation_quality_table"),
    params:
        translator=experiment.translator,
        sets=[
            {
                "references": name,
                "language": language,
                "route": lookups.steps(experiment, language),
            }
            | {"way_back": WAYS_BACK.get(language, [])}
            for name, language in QUALITY
        ],
        samples=20,
        code=code("translation_quality_table"),
    script:
        "../scripts/translation_quality_table.py"

# results/figures/image_text.svg, .txt                                R@10 by language family
# results/report/pages/{encoder}/{benchmark}/first_images.html        captions, the images first found
# results/report/pages/{benchmark}/rendered.html                      sentences in every script

# Of a page of captions and images.
SHOWN_IMAGES, SHOWN_LANGUAGES, SHOWN_SENTENCES = 6, 8, 3


def image_pages():
    """The pages of images that this configuration has in its report."""
    found = [
        f"<results>/report/pages/{benchmark}/rendered.html" for benchmark in shown_renderings()
    ]
    if IMAGE_SYSTEMS:
        found += [
            f"<results>/report/pages/{experiment.image_text.encoder}/{benchmark}/first_images.html"
            for benchmark in experiment.image_text.benchmarks
        ]
    return found


def shown_renderings():
    """Rendered benchmarks whose sentences are shown.

    Those of the tables. Where they have none, but the report has images, the first one of which
    the tables have the sentences as texts.
    """
    found = [name for name in experiment.benchmarks if name in RENDERED]
    if found or not IMAGE_SYSTEMS:
        return found
    return [name for name, text in OF_TEXTS.items() if text in experiment.benchmarks][:1]


def image_page_entry(kind):
    """A function of wildcards: the entry of their page in the report."""

    def found(wildcards):
        of = [wildcards[name] for name in ("encoder", "benchmark") if name in wildcards.keys()]
        return outputs.figure_entry("/".join([*of, kind]), benchmark_titles())

    return found


def image_page_section(kind):
    return lambda wildcards: numbered_section(image_page_entry(kind)(wildcards))


def image_page_labels(kind):
    return lambda wildcards: {"Figure": image_page_entry(kind)(wildcards).label}


def image_page_caption(kind):
    return Path(REPORT, f"figures/{kind}.rst").read_text("utf-8")


def shown_system():
    """The system whose images are shown: the text tower of hybrid batches, or else the last."""
    trained = [of for of in IMAGE_SYSTEMS.values() if of.captions != image_systems.SHUFFLED]
    return next((of for of in reversed(trained) if of.tower == constants.HYBRID), trained[-1])


def shown_languages(wildcards):
    """Languages whose captions were trained on first, then others of the benchmark."""
    there, trained = benchmark_languages(wildcards), experiment.image_text.languages
    unseen = [language for language in there if language not in trained]
    seen = [language for language in trained if language in there]
    return (seen[: SHOWN_LANGUAGES // 2] + unseen)[:SHOWN_LANGUAGES]


rule image_text_figure:
    input:
        table="<results>/tables/image_text.csv",
    output:
        svg="<results>/figures/image_text.svg",
        caption="<results>/figures/image_text.txt",
    log:
        "<logs>/image_text_figure.log",
    conda:
        ENVIRONMENT
    threads: threads_of("image_text_figure")
    resources:
        **resources_of("image_text_figure"),
    params:
        confidence=experiment.statistics.confidence,
        id="image_text",
        code=code("image_text_figure"),
    script:
        "../scripts/image_text_figure.py"


rule first_images_page:
    input:
        vectors=lambda wildcards: (
            f"<results>/image_text/embeddings/{wildcards.benchmark}/{shown_system().name}/"
            "split0.safetensors"
        ),
        captions="<results>/image_text/collections/{benchmark}/split0/captions.parquet",
        tested="<results>/image_text/collections/{benchmark}/split0/images.parquet",
        images=lambda wildcards: images_of(wildcards.benchmark),
        style=f"{REPORT}/page.css",
    output:
        report(
            "<results>/report/pages/{encoder}/{benchmark}/first_images.html",
            caption="../report/caption.rst",
            category=image_page_section("first_images"),
            subcategory="Figures",
            labels=image_page_labels("first_images"),
        ),
    log:
        "<logs>/first_images_page/{encoder}/{benchmark}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("first_images_page")
    resources:
        **resources_of("first_images_page"),
    params:
        seed=lambda wildcards: image_systems.seeds(experiment)[0],
        languages=shown_languages,
        images=SHOWN_IMAGES,
        title=lambda wildcards: (
            f"Captions and the images that stand first: {benchmark_titles()[wildcards.benchmark]}, "
            f"text tower {shown_system().tower}, {shown_system().captions} captions"
        ),
        caption=image_page_caption("first_images"),
        code=code("first_images_page"),
    script:
        "../scripts/first_images_page.py"


rule rendered_page:
    input:
        files=different_files_of_benchmark,
        style=f"{REPORT}/page.css",
    output:
        report(
            "<results>/report/pages/{benchmark}/rendered.html",
            caption="../report/caption.rst",
            category=image_page_section("rendered"),
            subcategory="Figures",
            labels=image_page_labels("rendered"),
        ),
    log:
        "<logs>/rendered_page/{benchmark}.log",
    wildcard_constraints:
        benchmark=one_of(RENDERED),
    conda:
        ENVIRONMENT
    threads: threads_of("rendered_page")
    resources:
        **resources_of("rendered_page"),
    params:
        reading=lambda wildcards: benchmark_entry(wildcards).reading,
        files=files_of_benchmark,
        sentences=SHOWN_SENTENCES,
        title=lambda wildcards: f"Rendered sentences: {benchmark_titles()[wildcards.benchmark]}",
        caption=image_page_caption("rendered"),
        code=code("rendered_page"),
    script:
        "../scripts/rendered_page.py"

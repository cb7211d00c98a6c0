# results/report/front.html               what came out, on the report's first page
#               /tables/{table}.html      a table as a page
#               /figures/{figure}.html    a figure as a page, with its caption
# results/report.html                     Snakemake's report of all (`make report`)

REPORT = str(WORKFLOW / "report")


def benchmark_titles():
    return {name: entry.title for name, entry in CATALOGUE.benchmarks.items()}


def report_entry(wildcards):
    """The report's entry for a table or a figure."""
    if "table" in wildcards.keys():
        return outputs.table_entry(wildcards.table, benchmark_titles())
    return outputs.figure_entry(wildcards.figure, benchmark_titles())


def numbered_section(entry):
    """The section's name with its number among the sections of this configuration."""
    titles = benchmark_titles()
    there = [outputs.table_entry(name, titles).section for name in table_names() + ABLATIONS]
    return outputs.numbered(there + [outputs.IMAGES] * bool(image_pages()))[entry.section]


def report_section(wildcards):
    return numbered_section(report_entry(wildcards))


def report_caption(wildcards):
    return Path(REPORT, f"{report_entry(wildcards).caption}.rst").read_text("utf-8")


def report_files(ablations):
    """What the report shows, with or without ablations: tables, figures, and a page of each."""
    tables = table_names() + ABLATIONS * ablations
    figures = [name for name in figure_names() if ablations or name not in DRAWN_ABLATIONS]
    return [
        *files_of_tables(tables),
        "<results>/report/front.html",
        *expand("<results>/report/tables/{name}.html", name=tables),
        *expand("<results>/report/figures/{name}.html", name=figures),
        *image_pages(),
    ]


def front_table():
    """The main table; the first benchmark's table if no benchmark ranks all candidates."""
    return "main" if RANKED else experiment.benchmarks[0]


def front_figure():
    """The figure of the first page: the main table taken apart by language.

    Its diagonal is the monolingual column, the rest of its rows the cross-lingual one. It is of the
    systems that table and verdicts are about, unlike the curve of alpha, and there without
    ablations, too, so that both reports begin alike.
    """
    if not RANKED:
        return "<results>/figures/reproduction"
    return f"<results>/figures/{TABLE_ENCODERS[0]}/{RANKED[0]}/heatmap"


rule front_page:
    input:
        table=f"<results>/tables/{front_table()}.md",
        claims="<results>/tables/claims.csv",
        svg=f"{front_figure()}.svg",
        caption=f"{front_figure()}.txt",
        style=f"{REPORT}/front.css",
    output:
        "<results>/report/front.html",
    log:
        "<logs>/front_page.log",
    conda:
        ENVIRONMENT
    threads: threads_of("front_page")
    resources:
        **resources_of("front_page"),
    params:
        code=code("front_page"),
    script:
        "../scripts/front_page.py"


rule table_page:
    input:
        csv="<results>/tables/{table}.csv",
        markdown="<results>/tables/{table}.md",
        style=f"{REPORT}/page.css",
    output:
        report(
            "<results>/report/tables/{table}.html",
            caption="../report/caption.rst",
            category=report_section,
            subcategory="Tables",
            labels=lambda wildcards: {"Table": report_entry(wildcards).label},
        ),
    log:
        "<logs>/table_page/{table}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("table_page")
    resources:
        **resources_of("table_page"),
    params:
        caption=report_caption,
        code=code("table_page"),
    script:
        "../scripts/table_page.py"


rule figure_page:
    input:
        svg="<results>/figures/{figure}.svg",
        caption="<results>/figures/{figure}.txt",
        style=f"{REPORT}/page.css",
    output:
        report(
            "<results>/report/figures/{figure}.html",
            caption="../report/caption.rst",
            category=report_section,
            subcategory="Figures",
            labels=lambda wildcards: {"Figure": report_entry(wildcards).label},
        ),
    log:
        "<logs>/figure_page/{figure}.log",
    conda:
        ENVIRONMENT
    threads: threads_of("figure_page")
    resources:
        **resources_of("figure_page"),
    params:
        caption=report_caption,
        code=code("figure_page"),
    script:
        "../scripts/figure_page.py"

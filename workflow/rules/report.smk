# results/report/tables/{table}.html      a table as a page
#               /figures/{figure}.html    a figure as a page, with its caption
# results/report.html                     Snakemake's report of both (`make report`)


rule table_page:
    input:
        csv="<results>/tables/{table}.csv",
        markdown="<results>/tables/{table}.md",
        style=f"{REPORT}/page.css",
    output:
        report(
            "<results>/report/tables/{table}.html",
            caption="../report/caption.rst",
            category=lambda wildcards: report_entry(wildcards).section,
            subcategory="Tables",
            labels=lambda wildcards: {"Table": report_entry(wildcards).label},
        ),
    log:
        "<logs>/table_page/{table}.log",
    conda:
        ENVIRONMENT
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
            category=lambda wildcards: report_entry(wildcards).section,
            subcategory="Figures",
            labels=lambda wildcards: {"Figure": report_entry(wildcards).label},
        ),
    log:
        "<logs>/figure_page/{figure}.log",
    conda:
        ENVIRONMENT
    params:
        caption=report_caption,
        code=code("figure_page"),
    script:
        "../scripts/figure_page.py"

# results/drafts/{table}.csv .md .tex      a table, as its rule writes it
# results/tables/{table}.csv .md .tex      the same, beside its record, so that none is without one
#               /{table}.provenance.json   what the table was made from, by what, at what cost


rule record_provenance:
    input:
        drafts=expand("<results>/drafts/{{table}}.{format}", format=FORMATS),
    output:
        tables=expand("<results>/tables/{{table}}.{format}", format=FORMATS),
        record="<results>/tables/{table}.provenance.json",
    log:
        "<logs>/record_provenance/{table}.log",
    wildcard_constraints:
        table=one_of(table_names() + ABLATIONS),
    conda:
        ENVIRONMENT
    threads: threads_of("record_provenance")
    resources:
        **resources_of("record_provenance"),
    params:
        table=lambda wildcards: wildcards.table,
        # Only the part that the table depends on, so that other keys do not rerun this rule.
        configuration=lambda wildcards: outputs.part_for(experiment, wildcards.table),
        recorded=SOURCES_LOCK,
        code=code("record_provenance"),
    script:
        "../scripts/record_provenance.py"

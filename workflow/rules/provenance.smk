# results/tables/{table}.provenance.json   what the table was made from, by what, at what cost


rule record_provenance:
    input:
        table=files_of_table,
    output:
        "<results>/tables/{table}.provenance.json",
    log:
        "<logs>/record_provenance/{table}.log",
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

"""Hybrid-batch multilingual dense retrieval: the steps of the workflow, independent of Snakemake.

Data flows one way: sources, corpora, translations, train sets, models, embeddings, ranks,
metrics, tables. Every module works on plain values and arrays and can be used on its own.
"""

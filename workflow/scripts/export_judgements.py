"""The relevance judgements of one ranking in TREC's format."""

from hybridbatch.retrieval.runs import judgements
from hybridbatch.retrieval.trec import write_qrels
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    pairs = []
    for path in snakemake.input.qrels:
        pairs += [tuple(row.values()) for row in read_table(path).to_pylist()]
    query_ids = read_table(snakemake.input.queries, ["query_id"])["query_id"].to_pylist()
    write_qrels(snakemake.output[0], judgements(query_ids, pairs))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

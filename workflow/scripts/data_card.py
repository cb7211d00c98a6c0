"""The card of a corpus' train sets, with which `datasets.load_dataset` opens their folder."""

from pathlib import Path

from hybridbatch.provenance.record import checkout
from hybridbatch.runtime.files import read_json, write_text
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.data_card import Facts, Making, data_card

PROJECT = Path(__file__).parents[2]


def main(snakemake) -> None:
    params = snakemake.params
    facts = Facts(**params.facts)
    counts = dict(zip(facts.languages, map(read_json, snakemake.input.counts), strict=True))
    making = Making(checkout(PROJECT), params.configuration, params.configuration_sha256)
    write_text(snakemake.output[0], data_card(facts, counts, making))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

"""What each encoder's tokenizer makes of the texts of corpora and benchmarks."""

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.tokens import tokens_page, tokens_table


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    of_train = [(counts, counts) for counts in map(read_json, files.train)]
    of_benchmarks = [(of, of["counts"]) for of in map(read_json, files.benchmarks)]
    rows = [
        (of["encoder"], "corpus", of["corpus"], of["language"], counts)
        for of, counts in zip(params.train, pick(of_train, params.train), strict=True)
    ]
    for of, found in zip(params.benchmarks, pick(of_benchmarks, params.benchmarks), strict=True):
        names = (of["encoder"], "benchmark", of["benchmark"])
        rows += [(*names, language, counts) for language, counts in found.items()]
    frame = tokens_table(rows)
    write(snakemake.output, frame, tokens_page(frame))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

"""The table of one ablation: all scores at every value of the varied setting."""

from hybridbatch.evaluation.ablations import ablation_table
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.ablations import ablation_page
from hybridbatch.tables.published import LAREQA, read_published


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    scores = {(k["benchmark"], k["system"]): table for k, table in read_keyed(files.scores)}
    tests = {(k["benchmark"], k["variant"]): (k, t) for k, t in read_keyed(files.comparisons)}
    places = [(benchmark, point) for benchmark in params.benchmarks for point in params.points]
    parts = [
        (point["point"], scores[benchmark, point["system"]].to_pandas())
        for benchmark, point in places
    ]
    comparisons = []
    if not params.together:
        compared = ((p["point"], b, p["variant"]) for b, p in places if p["trained"])
        for value, *of in dict.fromkeys(compared):
            keys, table = tests[tuple(of)]
            comparisons.append((value, keys["benchmark"], keys["encoder"], table.to_pandas()))
    published = read_published(files.published, LAREQA)
    frame = ablation_table(params.ablation, parts, comparisons, published)
    shown = (params.confidence, params.together, params.whole)
    page = ablation_page(params.ablation, frame, *shown)
    write(snakemake.output, frame, page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

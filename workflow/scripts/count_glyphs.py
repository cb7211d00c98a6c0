"""The sentences of a rendered benchmark with characters that its fonts lack, by language."""

from hybridbatch.benchmarks import lareqa
from hybridbatch.data.fonts import face_for, missing_glyphs
from hybridbatch.runtime.files import write_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params, found = snakemake.params, {}
    for language, paths in params.files.items():
        candidates = lareqa.read({"file": paths["file"]}, language).candidates
        texts = dict(zip(*(column.to_pylist() for column in candidates.columns), strict=True))
        missing = missing_glyphs(face_for(paths["font"], language), texts)
        found[language] = {"sentences": len(texts), "missing": missing}
    write_json(snakemake.output[0], params.of | {"languages": found})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

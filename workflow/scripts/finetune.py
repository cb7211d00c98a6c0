"""Fine-tune one system with one seed."""

from collections.abc import Iterable
from pathlib import Path

from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime.logs import logged
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.job import training_job
from hybridbatch.training.loop import finetune


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    job = training_job(params, snakemake.output[0], snakemake.threads, snakemake.resources.gpu)
    train, validation = _corpora(files.train, job.config.pairs), _corpora(files.validation)
    finetune(job, Path(files.encoder), train, validation)


def _corpora(paths: Iterable[str], share: float = 1.0) -> list[TrainingCorpus]:
    """Load corpora, sorted so that batches do not depend on the configuration's order of lists."""
    found: dict[tuple[str, str], PairInputs] = {}
    for path in paths:
        pairs, keys = PairInputs.load(path)
        found[keys["corpus"], keys["language"]] = pairs
    by_corpus: dict[str, dict[str, PairInputs]] = {}
    for corpus, language in sorted(found):
        by_corpus.setdefault(corpus, {})[language] = found[corpus, language]
    return [TrainingCorpus(name, languages, share) for name, languages in by_corpus.items()]


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

"""Fine-tune one system with one seed."""

from collections.abc import Iterable
from pathlib import Path

import torch

from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime.gpus import hide_gpus, lease_gpu
from hybridbatch.runtime.logs import logged
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.loop import finetune


def main(snakemake) -> None:
    params = snakemake.params
    if not snakemake.resources.gpu:
        hide_gpus()
    torch.set_num_threads(snakemake.threads)
    config = TrainConfig(**params.training)
    finetune(
        config,
        params.encoder,
        Path(snakemake.input.encoder),
        params.seed,
        _corpora(snakemake.input.train, config.pairs),
        _corpora(snakemake.input.validation),
        Path(snakemake.output[0]),
        Path(params.checkpoints),
        # More threads change the order of sums, and so the last bits of what a run resumes.
        " ".join([*params.code, f"threads:{snakemake.threads}"]),
        prepare=lease_gpu if snakemake.resources.gpu else None,
    )


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

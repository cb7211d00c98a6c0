"""Fine-tune one system with one seed."""

from pathlib import Path

import torch

from hybridbatch.encoders.models import encoder_config
from hybridbatch.encoders.tokens import TokenizedPairs
from hybridbatch.runtime.gpus import hide_gpus, lease_gpu
from hybridbatch.runtime.logs import logged
from hybridbatch.training.loop import TokenizedCorpus, TrainConfig, finetune


def main(snakemake) -> None:
    (lease_gpu if snakemake.resources.gpu else hide_gpus)()
    torch.set_num_threads(snakemake.threads)
    train: dict[str, dict[str, TokenizedPairs]] = {}
    # Sorted, so that the order of lists in the configuration does not choose the batches.
    for path in sorted(map(Path, snakemake.input.train)):
        train.setdefault(path.parent.name, {})[path.stem] = TokenizedPairs.load(path)
    validation = {
        path.parent.name: {"en": TokenizedPairs.load(path)}
        for path in sorted(map(Path, snakemake.input.validation))
    }
    config = TrainConfig(**snakemake.params.training)
    finetune(
        config,
        encoder_config(snakemake.params.encoder),
        Path(snakemake.input.encoder),
        snakemake.params.seed,
        [TokenizedCorpus(name, languages, config.pairs) for name, languages in train.items()],
        [TokenizedCorpus(name, languages) for name, languages in validation.items()],
        Path(snakemake.output[0]),
        Path(snakemake.params.checkpoints),
        " ".join(snakemake.params.code),
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

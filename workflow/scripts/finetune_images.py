"""Train a text tower and an image tower on one split of the captions, with one seed."""

from pathlib import Path

import torch

from hybridbatch.data.captions import TRAIN, VALIDATION, read_captions
from hybridbatch.encoders.captions import ImageInputs, TextInputs, caption_corpus
from hybridbatch.runtime.gpus import hide_gpus, lease_gpu
from hybridbatch.runtime.logs import logged
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.loop import finetune
from hybridbatch.training.weighting import SOURCE_LANGUAGE


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    if not snakemake.resources.gpu:
        hide_gpus()
    torch.set_num_threads(snakemake.threads)
    captions = read_captions(files.captions)
    images, _ = ImageInputs.load(files.images)
    texts, _ = TextInputs.load(files.texts)

    def corpus(split: str, languages: list[str]) -> TrainingCorpus:
        pairs = caption_corpus(captions, split, languages, texts, images, params.shuffled)
        return TrainingCorpus(params.corpus, pairs, modality="image")

    finetune(
        TrainConfig(**params.training),
        params.encoder,
        Path(files.encoder),
        params.seed,
        [corpus(TRAIN, params.languages)],
        [corpus(VALIDATION, [SOURCE_LANGUAGE])],
        Path(snakemake.output[0]),
        Path(params.checkpoints),
        # More threads change the order of sums, and so the last bits of what a run resumes.
        " ".join([*params.code, f"threads:{snakemake.threads}"]),
        prepare=lease_gpu if snakemake.resources.gpu else None,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

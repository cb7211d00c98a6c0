"""Train a text tower and an image tower on one split of the captions, with one seed."""

from pathlib import Path

from hybridbatch.data.captions import TRAIN, VALIDATION, read_captions
from hybridbatch.encoders.captions import (
    ImageInputs,
    TextInputs,
    caption_corpus,
    check_splits,
    check_teacher,
)
from hybridbatch.runtime.logs import logged
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.job import training_job
from hybridbatch.training.loop import finetune
from hybridbatch.training.weighting import SOURCE_LANGUAGE


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    job = training_job(params, snakemake.output[0], snakemake.threads, snakemake.resources.gpu)
    captions = read_captions(files.captions)
    images, _ = ImageInputs.load(files.images)
    check_splits(captions, images)
    texts, _ = TextInputs.load(files.texts)
    teacher = SOURCE_LANGUAGE if (job.config.loss or {}).get("distillation") else None
    if teacher:
        check_teacher(texts, job.encoder["dimension"])

    def corpus(split: str, languages: list[str]) -> TrainingCorpus:
        pairs = caption_corpus(captions, split, languages, texts, images, params.shuffled, teacher)
        return TrainingCorpus(params.corpus, pairs, modality="image")

    train, validation = corpus(TRAIN, params.languages), corpus(VALIDATION, [SOURCE_LANGUAGE])
    finetune(job, Path(files.encoder), [train], [validation])


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

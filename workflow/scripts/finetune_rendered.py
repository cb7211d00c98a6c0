"""Train the image tower of one system, beside its text tower, on rendered passages."""

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.encoders.rendered import assemble, teacher
from hybridbatch.encoders.rendered_passages import PassageImages, as_pairs
from hybridbatch.runtime.logs import logged
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.job import training_job
from hybridbatch.training.loop import finetune

Pairs = Callable[[PairInputs, PassageImages], PairInputs]


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    job = training_job(params, snakemake.output[0], snakemake.threads, snakemake.resources.gpu)
    taught = bool((job.config.loss or {}).get("distillation"))
    with TemporaryDirectory() as place:
        towers = Path(place, "towers")
        assemble(job.encoder, Path(files.tower), Path(files.encoder), towers)
        teach = teacher(towers)

        def pairs(texts: PairInputs, images: PassageImages) -> PairInputs:
            return as_pairs(texts, images, teach, taught)

        train = _corpora(files.train, files.images, pairs, job.config.pairs)
        finetune(job, towers, train, _corpora(files.validation, files.validation_images, pairs))


def _corpora(
    texts: Iterable[str], images: Iterable[str], pairs: Pairs, share: float = 1.0
) -> list[TrainingCorpus]:
    """Load corpora, sorted so that batches do not depend on the configuration's order of lists."""
    drawn = {_of(keys): found for found, keys in map(PassageImages.load, images)}
    read = {_of(keys): found for found, keys in map(PairInputs.load, texts)}
    by_corpus: dict[str, dict[str, PairInputs]] = {}
    for corpus, language in sorted(read):
        of_corpus = by_corpus.setdefault(corpus, {})
        of_corpus[language] = pairs(read.pop((corpus, language)), drawn.pop((corpus, language)))
    return [
        # Images of texts have the language of the text.
        TrainingCorpus(name, languages, share, modality="image", in_language=True)
        for name, languages in by_corpus.items()
    ]


def _of(keys: dict) -> tuple[str, str]:
    return keys["corpus"], keys["language"]


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821

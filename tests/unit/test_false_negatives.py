"""No batch of a real corpus has a text twice, which would be a false negative."""

import gzip
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.data.download import MIRROR_VARIABLE
from hybridbatch.data.pairs import pair_batches
from hybridbatch.data.readers import squad
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.pairs import pair_inputs
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.samplers import CorpusPairs, Sampler

BATCH, STEPS = 256, 60


@pytest.fixture(scope="module")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The pairs of SQuADShifts' Amazon reviews."""
    if MIRROR_VARIABLE not in os.environ:
        pytest.skip(f"{MIRROR_VARIABLE} names no mirror")
    (found,) = Path(os.environ[MIRROR_VARIABLE]).rglob("amazon_reviews_v1.0.json*")
    path = tmp_path_factory.mktemp("amazon") / "amazon.json"
    content = found.read_bytes()
    path.write_bytes(gzip.decompress(content) if found.suffix == ".gz" else content)
    read = squad.read([path], "en", Counter())
    return pa.Table.from_batches(pair_batches(read, Counter(), "amazon"))


def repeated(sampler: Sampler, texts: list[str]) -> float:
    """The share of batches in which a text stands twice."""
    rows = (sampler.batch(step).rows for step in range(STEPS))
    return np.mean([len({texts[row] for row in of_batch}) < BATCH for of_batch in rows])


def test_no_batch_of_a_real_corpus_has_equal_questions_or_passages(amazon):
    table = amazon.select(["id", "question", "passage", "negative"])

    def make(side: str, modality: str, texts: list[str]) -> Ragged:
        return Ragged.of([[1]] * len(texts))

    corpus = TrainingCorpus("amazon", {"en": pair_inputs(make, amazon.select(["id"]), table)})
    questions, passages = (
        [" ".join(text.lower().split()) for text in amazon[side].to_pylist()]
        for side in ("question", "passage")
    )
    sampler = Sampler([corpus.pairs], "x-x-mono", BATCH, seed=0)
    assert repeated(sampler, questions) == repeated(sampler, passages) == 0
    # By the pairs' ids most batches had one.
    ids, n = np.arange(len(amazon)), len(amazon)
    by_id = CorpusPairs("amazon", ("en",), np.ones((n, 1), dtype=bool), ids, ids)
    assert repeated(Sampler([by_id], "x-x-mono", BATCH, seed=0), questions) > 0.4

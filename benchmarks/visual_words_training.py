"""Training a table of n-grams of visual words: this project against a plain EmbeddingBag.

    .venv/bin/python benchmarks/visual_words_training.py

Both get the gradient of the same batches of rendered passages of the bundled corpus, 64 at a time,
with one thread, and add up what the rows of the sparse gradient have in common, which the optimizer
needs. They take turns, so that other work on the machine slows both alike, and CPU seconds are
counted. The ratio is the result; the rate depends on the machine.
"""

import io
import json
import sys
import time
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import render
from hybridbatch.encoders.visual_words import VisualWords, codebook
from hybridbatch.experiment.benchmarks.rendered import Config

PASSAGES = Path(__file__).parents[1] / "resources/bundled/train.en.jsonl"
BATCH, ROUNDS = 64, 5
# As in config/rendered.yaml, but that the passages have fewer than 128 different blobs.
ENTRIES, DIMENSION, ROWS, NGRAMS = 64, 256, 131_072, 4


def images() -> list[Image.Image]:
    """A batch of rendered passages. They are sentences, as those of SQuADShifts are."""
    lines = PASSAGES.read_text(encoding="utf-8").splitlines()[:BATCH]
    texts = {str(i): json.loads(line)["passage"] for i, line in enumerate(lines)}
    face = face_for(Config.model_fields["fonts"].default[0], "en")
    return [Image.open(io.BytesIO(strip)) for _, strip in render(texts, face, "en")]


def main() -> None:
    torch.set_num_threads(1)
    strips = images()
    ours = VisualWords(codebook(strips, ENTRIES), DIMENSION, ROWS, NGRAMS)
    ours.table.sparse = True
    plain = torch.nn.EmbeddingBag(ROWS, DIMENSION, mode="mean", sparse=True)
    features = ours.preprocess(strips)
    upstream = torch.randn(BATCH, DIMENSION)
    runs = {
        "ours": lambda: (ours(features)["sentence_embedding"], ours.table.weight),
        "EmbeddingBag": lambda: (
            plain(features["input_ids"], features["offsets"]),
            plain.weight,
        ),
    }
    seconds = dict.fromkeys(runs, 0.0)
    for block in range(ROUNDS + 1):  # the first warms up
        for name, run in runs.items():
            start = time.process_time()
            vectors, weight = run()
            vectors.backward(upstream)
            weight.grad.coalesce()
            weight.grad = None
            seconds[name] += (time.process_time() - start) * (block > 0)
    print(f"{len(features['input_ids']):,} n-grams in {BATCH} passages")
    for name, taken in seconds.items():
        print(
            f"{name}: {BATCH * ROUNDS / taken:.0f} passages a CPU second; "
            f"{taken / seconds['EmbeddingBag']:.2f} times EmbeddingBag's time"
        )


if __name__ == "__main__":
    main()

"""Training a static encoder: this project against sentence-transformers and torch's SparseAdam.

    .venv/bin/python benchmarks/static_training.py

The peer: StaticEmbedding with sparse gradients, and SparseAdam. Both train the same table on the
same 20,000 pairs of made-up words, whose frequencies follow Zipf's law as those of real ones do, in
the same batches of 256, by the same loss and clipping, in one thread. Blocks of steps of both take
turns, so that other work on the machine slows both alike, and CPU seconds are counted. The ratio is
the result; seconds depend on the machine. The losses are compared, too.

Then the CPU seconds of starting a job, of which the import of sentence-transformers was a part.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.encoders import static
from hybridbatch.encoders.base import QUERY, TEXT
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.pairs import pair_inputs
from hybridbatch.encoders.tokens import TOKENIZER_FILE, load_tokenizer
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.losses import info_nce
from hybridbatch.training.optimisation import RowAdam, clip
from hybridbatch.training.samplers import Sampler

PAIRS, BATCH, DIMENSION, VOCABULARY = 20_000, 256, 256, 32_000
BLOCKS, STEPS = 6, 20  # blocks of each, steps of a block
RATE = 0.01
ENCODER = {"kind": "static", "dimension": DIMENSION, "vocabulary": VOCABULARY, "max_tokens": 256}
ENCODER |= {"tokenizer_characters": 2_000_000, "query_prefix": "", "passage_prefix": ""}
IMPORTS = {
    "ours": "import finetune, hybridbatch.encoders.mean_embedding",
    "peer": "import finetune, sentence_transformers",
}


def texts(rng: np.random.Generator, words: np.ndarray, length: int) -> list[str]:
    ranks = rng.zipf(1.2, size=(PAIRS, length)) % len(words)
    return [" ".join(words[row]) for row in ranks]


def step(
    corpus: TrainingCorpus,
    sampler: Sampler,
    embed: Callable[[Ragged], torch.Tensor],
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    number: int,
) -> float:
    """One step of training, as training/trainer.py does it; returns the loss."""
    batch = sampler.batch(number)
    optimizer.zero_grad(set_to_none=True)
    queries = embed(corpus.queries(batch.rows, batch.query_languages))
    passages = embed(corpus.passages(batch.rows, batch.passage_languages))
    loss = info_nce(queries, passages, 0.05)
    loss.backward()
    clip(model, 10.0)
    optimizer.step()
    return loss.item()


def start_seconds(imports: str) -> float:
    """CPU seconds of a new process that only imports."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = f"import sys; sys.path.insert(0, {sys.path[0]!r}); {imports}"
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(20_000)])
    questions, passages = texts(rng, words, 8), texts(rng, words, 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        static.prepare(ENCODER, {"xx": passages}, folder)
        tokenizer = load_tokenizer(folder / TOKENIZER_FILE, ENCODER["max_tokens"])
        encoder = static.start(ENCODER, folder, seed=0)
        make = static.inputs(ENCODER, folder)
    ids = [str(i) for i in range(PAIRS)]
    columns = {"id": ids, "question": questions, "passage": passages}
    train = pa.table(columns | {"negative": pa.nulls(PAIRS, pa.string())})
    corpus = TrainingCorpus("xx", {"en": pair_inputs(make, pa.table({"id": ids}), train)})
    sampler = Sampler([corpus.pairs], "en-en", BATCH, seed=0)

    theirs = StaticEmbedding(
        tokenizer, embedding_weights=encoder.model.embedding.weight.detach().clone()
    )
    theirs.embedding.sparse = True

    def embed_theirs(inputs: Ragged) -> torch.Tensor:
        features = {"input_ids": torch.from_numpy(inputs.ids)}
        features["offsets"] = torch.from_numpy(inputs.bounds[:-1])
        return torch.nn.functional.normalize(theirs(features)["sentence_embedding"], dim=-1)

    runs = {
        "ours": (
            lambda inputs: encoder.embed(QUERY, TEXT, inputs),
            encoder.model,
            RowAdam(encoder.model.parameters(), lr=RATE),
        ),
        "peer": (embed_theirs, theirs, torch.optim.SparseAdam(theirs.parameters(), lr=RATE)),
    }
    seconds, losses = {"ours": 0.0, "peer": 0.0}, {"ours": [], "peer": []}
    for block in range(BLOCKS + 1):  # the first warms up
        for which, run in runs.items():
            start = time.process_time()
            numbers = range(block * STEPS, (block + 1) * STEPS)
            losses[which] += [step(corpus, sampler, *run, number) for number in numbers]
            seconds[which] += (time.process_time() - start) * (block > 0)
    difference = max(abs(a - b) for a, b in zip(*losses.values(), strict=True))
    print(f"a step: the peer takes {seconds['peer'] / seconds['ours']:.2f} times as long as ours")
    print(f"losses over {len(losses['ours'])} steps differ by at most {difference:.1e}")
    starts = {which: min(start_seconds(i) for _ in range(3)) for which, i in IMPORTS.items()}
    print(f"a job's start: {starts['peer'] / starts['ours']:.2f} times as long")


if __name__ == "__main__":
    main()

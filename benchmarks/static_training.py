"""Training a static encoder: this project's loop against sentence-transformers' trainer.

    .venv/bin/python benchmarks/static_training.py

The same table, the same 20,000 pairs of made-up words, batch 256, one thread, one epoch, loss
InfoNCE at temperature .05. The peer: SentenceTransformerTrainer with MultipleNegativesRankingLoss;
it tokenizes in the loop and its table has dense gradients, both as it comes. Our tokenization and
the writing of the model are timed with our training.
"""

import sys
import tempfile
import time
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.encoders import static
from hybridbatch.encoders.pairs import pair_inputs
from hybridbatch.encoders.tokens import TOKENIZER_FILE, load_tokenizer
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.loop import finetune

PAIRS, BATCH, DIMENSION, VOCABULARY = 20_000, 256, 256, 32_000
ENCODER = {"kind": "static", "dimension": DIMENSION, "vocabulary": VOCABULARY, "max_tokens": 256}
ENCODER |= {"tokenizer_characters": 2_000_000, "query_prefix": "", "passage_prefix": ""}


def texts(rng: np.random.Generator, words: np.ndarray, length: int) -> list[str]:
    return [" ".join(rng.choice(words, length)) for _ in range(PAIRS)]


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(20_000)])
    questions, passages = texts(rng, words, 8), texts(rng, words, 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        static.prepare(ENCODER, {"xx": passages}, folder)
        tokenizer = load_tokenizer(folder / TOKENIZER_FILE, ENCODER["max_tokens"])
        make = static.inputs(ENCODER, folder)

        start = time.perf_counter()
        ids = [str(i) for i in range(PAIRS)]
        pairs = pa.table({"id": ids, "question_id": ids, "passage_id": ids})
        negatives = pa.nulls(PAIRS, pa.string())
        train = pa.table(
            {"id": ids, "question": questions, "passage": passages, "negative": negatives}
        )
        corpus = TrainingCorpus("xx", {"en": pair_inputs(make, pairs, train)})
        steps = PAIRS // BATCH
        config = TrainConfig("en-en", 0.5, 1.0, BATCH, steps, 0.1, 0.01, 0, 0.05, 10.0, steps, 1)
        few = pair_inputs(make, pairs, train.slice(0, BATCH))
        held_out = TrainingCorpus("held-out", {"en": few})
        finetune(config, ENCODER, folder, 0, [corpus], [held_out], folder / "m", folder / "c")
        ours = PAIRS / (time.perf_counter() - start)

        model = SentenceTransformer(
            modules=[StaticEmbedding(tokenizer, embedding_dim=DIMENSION)], device="cpu"
        )
        arguments = Arguments(
            output_dir=str(folder / "peer"),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            learning_rate=0.01,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        data = datasets.Dataset.from_dict({"anchor": questions, "positive": passages})
        trainer = SentenceTransformerTrainer(
            model, arguments, data, loss=MultipleNegativesRankingLoss(model, scale=20)
        )
        start = time.perf_counter()
        trainer.train()
        peer = PAIRS / (time.perf_counter() - start)
    print(f"ours {ours:,.0f} pairs/s, sentence-transformers {peer:,.0f}, ratio {ours / peer:.1f}")


if __name__ == "__main__":
    main()

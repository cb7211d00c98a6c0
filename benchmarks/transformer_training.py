"""Training steps of a small transformer: batches in chunks of one length against padded whole.

    .venv/bin/python benchmarks/transformer_training.py

The laptop configuration's `small_transformer`, one thread, batches of 256 pairs of the bundled
corpus, InfoNCE at temperature .05; forward, backward and clearing of gradients. The peer:
sentence-transformers' own forward on its own padded batch of the same texts, tokenized beforehand.
Both give the same gradients (tests/unit/test_encoders.py). Medians of alternating steps, in
seconds of this process, which other load on the machine disturbs less than the clock's.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.encoders.models import embed, encoder_config, length_chunks, starting_model

from hybridbatch.encoders import models as encoders
from hybridbatch.encoders.tokens import (
    TOKENIZER_FILE,
    Ragged,
    load_tokenizer,
    tokenize,
    train_unigram,
)
from hybridbatch.training.losses import info_nce

ROOT = Path(__file__).parents[1]
BATCH, BATCHES = 256, 6


def efficiency(tokens: list[Ragged], allowed: float) -> float:
    """Tokens over tokens with padding."""
    real = sum(int(side.lengths().sum()) for side in tokens)
    padded = 0
    for lengths in (side.lengths() for side in tokens):
        padded += sum(len(c) * int(lengths[c].max()) for c in length_chunks(lengths, allowed))
    return real / padded


def seconds(model: torch.nn.Module, vectors: Callable[[], list[torch.Tensor]]) -> float:
    """CPU time of one step without the optimizer."""
    start = time.process_time()
    info_nce(*vectors(), 0.05).backward()
    model.zero_grad()
    return time.process_time() - start


def main() -> None:
    torch.set_num_threads(1)
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    values = config["catalogue"]["encoders"]["small_transformer"]
    encoder = encoder_config({k: v for k, v in values.items() if k not in ("training", "seeds")})
    lines = (ROOT / "resources/bundled/train.en.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    sides = [
        [encoder.query_prefix + pair["question"] for pair in pairs],
        [encoder.passage_prefix + pair["passage"] for pair in pairs],
    ]
    with tempfile.TemporaryDirectory() as name:
        trained = train_unigram({"en": sides[0] + sides[1]}, encoder.vocabulary, 10**7)
        trained.save(str(Path(name) / TOKENIZER_FILE))
        tokenizer = load_tokenizer(Path(name) / TOKENIZER_FILE, encoder.max_tokens)
        model = starting_model(encoder, Path(name), 0).to("cpu").train()

    rng = np.random.default_rng(0)
    times: list[tuple[float, float]] = []
    tokens: list[Ragged] = []
    for _ in range(BATCHES):
        rows = rng.choice(len(pairs), BATCH, replace=False)
        texts = [[side[row] for row in rows] for side in sides]
        ours = [tokenize(tokenizer, side, special_tokens=True) for side in texts]
        theirs = [model.preprocess(side) for side in texts]
        tokens += ours

        def chunked(sides: list[Ragged] = ours) -> list[torch.Tensor]:
            return [embed(model, side, model.device) for side in sides]

        def whole(sides: list[dict] = theirs) -> list[torch.Tensor]:
            return [model(dict(side))["sentence_embedding"] for side in sides]

        times.append((seconds(model, chunked), seconds(model, whole)))
    mine, peer = (BATCH / statistics.median(column) for column in zip(*times[1:], strict=True))
    allowed = encoders._TOKENS_A_PASS["cpu"]
    print(
        f"chunks {mine:,.0f} pairs/s (token efficiency {efficiency(tokens, allowed):.2f}), "
        f"sentence-transformers {peer:,.0f} ({efficiency(tokens, np.inf):.2f}), "
        f"ratio {mine / peer:.2f}"
    )


if __name__ == "__main__":
    main()

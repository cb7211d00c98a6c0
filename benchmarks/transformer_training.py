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

from hybridbatch.encoders import scratch, towers
from hybridbatch.encoders.base import CANDIDATE, PROMPTS, QUERY, TEXT
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.towers import embed_padded, length_chunks
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
    encoder = {k: v for k, v in values.items() if k not in ("training", "seeds")}
    lines = (ROOT / "resources/bundled/train.en.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    sides = {
        QUERY: [pair["question"] for pair in pairs],
        CANDIDATE: [pair["passage"] for pair in pairs],
    }
    with tempfile.TemporaryDirectory() as name:
        scratch.prepare(encoder, {"en": sides[QUERY] + sides[CANDIDATE]}, Path(name))
        make = scratch.inputs(encoder, Path(name))
        model = scratch.start(encoder, Path(name), 0).model.to("cpu").train()

    rng = np.random.default_rng(0)
    times: list[tuple[float, float]] = []
    tokens: list[Ragged] = []
    for _ in range(BATCHES):
        rows = rng.choice(len(pairs), BATCH, replace=False)
        texts = {side: [all_[row] for row in rows] for side, all_ in sides.items()}
        ours = [make(side, TEXT, chosen) for side, chosen in texts.items()]
        theirs = [
            model.preprocess([model.prompts[PROMPTS[side]] + text for text in chosen])
            for side, chosen in texts.items()
        ]
        tokens += ours

        def chunked(sides: list[Ragged] = ours) -> list[torch.Tensor]:
            return [embed_padded(model, side) for side in sides]

        def whole(sides: list[dict] = theirs) -> list[torch.Tensor]:
            return [model(dict(side))["sentence_embedding"] for side in sides]

        times.append((seconds(model, chunked), seconds(model, whole)))
    mine, peer = (BATCH / statistics.median(column) for column in zip(*times[1:], strict=True))
    allowed = towers._TOKENS_A_PASS["cpu"]
    print(
        f"chunks {mine:,.0f} pairs/s (token efficiency {efficiency(tokens, allowed):.2f}), "
        f"sentence-transformers {peer:,.0f} ({efficiency(tokens, np.inf):.2f}), "
        f"ratio {mine / peer:.2f}"
    )


if __name__ == "__main__":
    main()

"""Made per-query results between captions and images, as the evaluation writes them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from hybridbatch.evaluation.image_scores import IMAGE_TO_TEXT, RECALLS, TEXT_TO_IMAGE
from hybridbatch.evaluation.metrics import average_precision, rank_distance
from hybridbatch.evaluation.settings import ALL

TOWERS = ("x-x-mono", "x-y", "hybrid")
CAPTIONS = {"en-en": ("en",), "hybrid": ("en", "es"), "shuffled": ("en", "es")}
LANGUAGES = ("en", "es", "hi", "zu")


def made_frames(
    quality: Mapping[str, float] = {},
    benchmark: str = "emoji",
    towers: Sequence[str] = TOWERS,
    captions: Mapping[str, Sequence[str]] = CAPTIONS,
    languages: Sequence[str] = LANGUAGES,
    splits: int = 2,
    seeds: Sequence[int] = (0, 1, 2),
    images: int = 24,
    counts: bool = True,
    tested: Sequence[str] | None = None,
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """A frame for each system, split, seed, direction and language; ranks at random.

    quality: by tower, by how much its ranks are smaller than those by chance, 1 if it is not there;
    those of the shuffled captions and of `zu` are by chance. The shuffled captions have the last
    tower only. Two images are of one group. tested: the ids of the images, if all splits have the
    same ones.
    """
    rng = np.random.default_rng(seed)
    for tower, (kind, seen), split, number in product(
        towers, captions.items(), range(splits), seeds
    ):
        if kind == "shuffled" and tower != towers[-1]:
            continue
        ids = tested or [f"{split}-{i // 2}{'ab'[i % 2]}" for i in range(images)]
        keys = {"benchmark": benchmark, "tower": tower, "captions": kind}
        keys |= {"split": split, "seed": number}
        shared = {"query_id": ids, "group": [f"g{id_[:-1]}" for id_ in ids]}
        for direction, language in product((TEXT_TO_IMAGE, IMAGE_TO_TEXT), languages):
            better = 1 if kind != "shuffled" and language != "zu" else 0
            power = 1 + better * quality.get(tower, 1.0) * (1.5 if language in seen else 1)
            ranks = np.ceil(images * rng.random(images) ** power)
            yield pd.DataFrame(
                {
                    **shared,
                    **keys,
                    "direction": direction,
                    "language": language,
                    "seen": language in seen,
                    **{name: (ranks <= int(name[7:])).astype(float) for name in RECALLS},
                    **({"candidates": images, "relevant": 1} if counts else {}),
                }
            )
        n, r = images * len(languages), len(languages)
        ranks = np.array([1 + rng.permutation(n)[:r] for _ in ids])
        query = np.repeat(np.arange(images), r)
        relevant = np.full(images, r)
        top = np.array([rng.multinomial(10, [1 / r] * r) / 10 for _ in ids])
        yield pd.DataFrame(
            {
                **shared,
                **keys,
                "direction": IMAGE_TO_TEXT,
                "language": ALL,
                "seen": False,
                "recall_10": (ranks <= 10).mean(1),
                "map": average_precision(ranks.ravel(), query, relevant),
                "rank_distance": rank_distance(ranks.ravel(), query, relevant),
                **{f"share_{code}": top[:, i] for i, code in enumerate(languages)},
                **({"candidates": n, "relevant": r} if counts else {}),
            }
        )

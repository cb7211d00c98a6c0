"""Made results of queries between captions and images, as files have them, and their table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridbatch.evaluation.image_names import IMAGE_TO_TEXT, RECALLS, TEXT_TO_IMAGE
from hybridbatch.evaluation.image_scores import Scores, read_scores
from hybridbatch.evaluation.image_text import image_text_table
from hybridbatch.evaluation.metrics import average_precision, rank_distance
from hybridbatch.evaluation.settings import ALL
from hybridbatch.tables.image_text import read_families, read_published_recall

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
    tested: Sequence[str] | None = None,
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """A frame for each system, split and seed, as a file of all languages; ranks at random.

    quality: by tower, by how much its ranks are smaller than those by chance, 1 if it is not there;
    those of the shuffled captions and of `zu` are by chance. The shuffled captions have the last
    tower only. Two images are of one group. tested: the ids of the images, if all splits have the
    same ones.
    """
    rng = np.random.default_rng(seed)
    r, n = len(languages), images * len(languages)
    for tower, (kind, seen), split, number in product(
        towers, captions.items(), range(splits), seeds
    ):
        if kind == "shuffled" and tower != towers[-1]:
            continue
        ids = tested or [f"{split}-{i // 2}{'ab'[i % 2]}" for i in range(images)]
        places = [*product((TEXT_TO_IMAGE, IMAGE_TO_TEXT), languages), (IMAGE_TO_TEXT, ALL)]
        columns = {name: np.full((len(places), images), np.nan) for name in _metrics(languages)}
        for row, (_, language) in enumerate(places[:-1]):
            better = 1 if kind != "shuffled" and language != "zu" else 0
            power = 1 + better * quality.get(tower, 1.0) * (1.5 if language in seen else 1)
            ranks = np.ceil(images * rng.random(images) ** power)
            for name in RECALLS:
                columns[name][row] = ranks <= int(name[7:])
        ranks = np.array([1 + rng.permutation(n)[:r] for _ in ids])
        query, relevant = np.repeat(np.arange(images), r), np.full(images, r)
        columns["recall_10"][-1] = (ranks <= 10).mean(1)
        columns["map"][-1] = average_precision(ranks.ravel(), query, relevant)
        columns["rank_distance"][-1] = rank_distance(ranks.ravel(), query, relevant)
        shares = rng.multinomial(10, [1 / r] * r, images) / 10
        for code, share in zip(languages, shares.T, strict=True):
            columns[f"share_{code}"][-1] = share
        yield pd.DataFrame(
            {
                **{"benchmark": benchmark, "tower": tower, "captions": kind},
                **{"split": split, "seed": number},
                "direction": np.repeat([direction for direction, _ in places], images),
                "language": np.repeat([language for _, language in places], images),
                "query_id": ids * len(places),
                "group": [f"g{id_[:-1]}" for id_ in ids] * len(places),
                "seen": np.repeat([language in seen for _, language in places], images),
                "candidates": np.repeat([images] * (len(places) - 1) + [n], images),
                "relevant": np.repeat([1] * (len(places) - 1) + [r], images),
                **{name: values.ravel() for name, values in columns.items()},
            }
        )


def _metrics(languages: Sequence[str]) -> list[str]:
    return [*RECALLS, "map", "rank_distance", *(f"share_{code}" for code in languages)]


ROOT = Path(__file__).parents[2]
PUBLISHED = read_published_recall(ROOT / "resources/published/xtd10.csv", "xtd10")
FAMILIES = read_families(ROOT / "resources/languages/families.csv")
KNOWN = ("en", "es", "hi")
ENGLISH = {"en-en": ("en",)}


def table_of(found: Iterable[pd.DataFrame | Scores], margin=0.02, known=KNOWN) -> pd.DataFrame:
    """found: frames of queries, or what was read of them."""
    found = list(found)
    scores = found if isinstance(found[0], Scores) else read_scores(found)
    return image_text_table(scores, PUBLISHED, known, margin, 0.95, FAMILIES)


@pytest.fixture(scope="module")
def frames() -> list[pd.DataFrame]:
    return list(made_frames({"hybrid": 2.0}))


@pytest.fixture(scope="module")
def scores(frames) -> list[Scores]:
    return read_scores(frames)


@pytest.fixture(scope="module")
def table(scores) -> pd.DataFrame:
    return table_of(scores)


def rows_of(table: pd.DataFrame, **keys) -> pd.DataFrame:
    found = table
    for name, value in keys.items():
        found = found[found[name].isna() if value is None else found[name] == value]
    return found


def value_of(table: pd.DataFrame, **keys) -> float:
    (value,) = rows_of(table, versus=None, **keys)["value"]
    return value

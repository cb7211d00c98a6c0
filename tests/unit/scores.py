"""Scores of every cell, of figures that are easy to tell, and Markdown tables taken apart."""

import re
from itertools import product
from pathlib import Path

import pandas as pd

from hybridbatch.evaluation.metrics import SETTINGS
from hybridbatch.evaluation.settings import SCORE_COLUMNS
from hybridbatch.tables.published import read_published

PUBLISHED_FILE = Path(__file__).parents[2] / "resources" / "published" / "hybrid_batch.csv"
PUBLISHED = read_published(PUBLISHED_FILE)
XQUAD_R = ["ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"]
MLQA_R = ["ar", "de", "en", "es", "hi", "vi", "zh"]
SAMPLINGS = ["x-x-mono", "x-y", "hybrid"]
ENCODERS = ["xlm-r", "labse"]
MIRACL = ["sw", "bn", "hi", "ko", "th", "te", "fi", "ja", "es", "fr", "ru", "zh", "fa", "ar", "id"]
MEANS = ["mean", "mean_seen", "mean_unseen"]


def cells_of(languages: list[str], seen: list[str], seeds: int = 3) -> pd.DataFrame:
    """Every cell of a system on a benchmark, in the order of `aggregate.score_system`."""
    rows = []
    for metric in ("map", "recall_1", "recall_10", "rank_distance"):
        for setting in [name for name, metrics in SETTINGS.items() if metric in metrics]:
            for pool, names in (("all", [*languages, *MEANS]), ("seen", [*seen, "mean"])):
                for i, language in enumerate(names):
                    v = 100.0 + i if metric == "rank_distance" else 0.5 + i / 100
                    interval = (v * 0.75, v * 1.25)
                    rows.append((setting, pool, metric, language, v, *interval, 500, seeds))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def of_system(benchmark: str, encoder: str, sampling: str, cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that say, as score_system.py writes them, which benchmark and system they are of."""
    return cells.assign(benchmark=benchmark, encoder=encoder, sampling=sampling)


def all_parts(
    benchmark: str = "xquad_r",
    languages: list[str] = XQUAD_R,
    encoders: list[str] = ENCODERS,
    samplings: list[str] = SAMPLINGS,
    seeds: int = 3,
) -> list[pd.DataFrame]:
    return [
        of_system(benchmark, encoder, sampling, cells_of(languages, ["en", "es"], seeds))
        for encoder, sampling in product(encoders, samplings)
    ]


def miracl_parts(pool: str = "all") -> list[pd.DataFrame]:
    """Cells of every system in 15 languages and English, with mean and median rows."""
    names = [*MIRACL, "en", "mean", "median", "mean_seen"]
    rows = [
        ("monolingual", pool, metric, code, 0.5 + i / 100, 0.4, 0.9, 200, 1)
        for metric in ("ndcg_10", "recall_100")
        for i, code in enumerate(names)
    ]
    cells = pd.DataFrame(rows, columns=SCORE_COLUMNS)
    there = cells["language"].isin(["en", *MIRACL])
    cells["pool_size"] = pd.array(there.map({True: 131924, False: None}), dtype="Int64")
    absent = (cells["language"] == "sw").map({True: 3, False: 0}).where(there, None)
    cells["absent_relevant"] = pd.array(absent, dtype="Int64")
    return [of_system("miracl", e, s, cells) for e, s in product(ENCODERS, SAMPLINGS)]


def markdown_tables(text: str) -> dict[str, list[list[str]]]:
    """Rows of cells of each table, by its headings and first corner, and how they line up."""
    tables: dict[str, list[list[str]]] = {}
    headings: dict[int, str] = {}
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            assert len(set(map(len, block))) == 1, "columns are not lined up"
            rows = [[c.strip() for c in re.split(r"(?<!\\)\|", row)[1:-1]] for row in block]
            assert len(set(map(len, rows))) == 1
            assert all(set(cell) == {"-"} for cell in rows.pop(1))
            name = " / ".join([*(headings[level] for level in sorted(headings)), rows[0][0]])
            assert name not in tables
            tables[name] = rows
            block = []
        if match := re.match(r"(#+) (.*)", line):
            level = len(match[1])
            headings = {k: v for k, v in headings.items() if k < level} | {level: match[2]}
    return tables

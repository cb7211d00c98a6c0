"""Scores of queries between captions and images as arrays, the means that they have, and chance.

A system is a text tower's sampling with the sampling of the captions that it was trained on beside
images. Its model is trained anew for each split of the images and each seed.

Bestgen (2015), "Exact expected average precision of the random baseline", on the chance of mAP.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import digamma

from hybridbatch.evaluation.estimates import Sample, sample
from hybridbatch.evaluation.image_names import DIRECTIONS, SHARE_COLUMN
from hybridbatch.evaluation.metrics import METRICS, Metric, recall_at
from hybridbatch.evaluation.settings import ALL, MEAN, MEAN_SEEN, MEAN_UNSEEN
from hybridbatch.runtime.errors import DataError

# Over the languages that had no captions in training, but that the text tower was trained on.
MEAN_TRANSFER = "mean_transfer"
MEANS = (MEAN, MEAN_SEEN, MEAN_UNSEEN, MEAN_TRANSFER)
# The share of a language among the first candidates, of image to text over all languages.
SHARE_OF = "language_share"
# In the order of the tables.
IMAGE_METRICS = {
    "recall_1": METRICS["recall_1"],
    "recall_5": Metric(partial(recall_at, k=5), "R@5", ()),
    "recall_10": METRICS["recall_10"],
    "map": METRICS["map"],
    "rank_distance": METRICS["rank_distance"],
}
# Before the name of a family of languages, over those of it that had no captions in training.
FAMILY = "family "
KEYS = ["benchmark", "tower", "captions", "split", "seed", "direction", "language"]
_Part = tuple["System", int, int, str]  # system, split, seed, language
_Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class System:
    """The samplings of a text tower and of the captions."""

    tower: str
    captions: str


@dataclass(frozen=True)
class Cell:
    """A score: a mean with equal weights over languages."""

    language: str  # a code, ALL or one of MEANS
    languages: tuple[str, ...]


@dataclass
class Scores:
    """The scores of all systems in one direction on one benchmark.

    A query stands once for each split whose models were tested on it. splits, ids: int and str
    [queries]. clusters: int [queries], from 0, the groups of images. tensors: by metric and system,
    float64 [languages, seeds, queries] in the order of `languages`, NaN where a query has no score.
    seen: by system, the languages of the captions that it was trained on. candidates, relevant:
    their numbers, float64 [languages, queries], NaN where they are not known.
    """

    benchmark: str
    direction: str
    languages: list[str]
    seeds: list[int]
    splits: np.ndarray
    ids: np.ndarray
    clusters: np.ndarray
    candidates: np.ndarray
    relevant: np.ndarray
    tensors: dict[str, dict[System, np.ndarray]] = field(default_factory=dict)
    seen: dict[System, set[str]] = field(default_factory=dict)

    @property
    def systems(self) -> list[System]:
        """In order of first appearance."""
        return list(self.seen)

    @property
    def metrics(self) -> list[str]:
        """In the order of the tables."""
        return [metric for metric in (*IMAGE_METRICS, SHARE_OF) if metric in self.tensors]

    def present(self, metric: str) -> np.ndarray:
        """Whether a query has the metric in a language; bool [languages, queries]."""
        return ~np.isnan(next(iter(self.tensors[metric].values()))[:, 0])

    def cells(
        self, metric: str, seen: Iterable[str], unseen: Iterable[str], known: Iterable[str]
    ) -> list[Cell]:
        """Every language that has the metric, and the means over languages.

        seen, unseen: the languages that these means average. known: those that the text tower was
        trained on; their mean is left out where it is that of `unseen`, and every mean of nothing.
        """
        there = np.array(self.languages)[self.present(metric).any(1)].tolist()
        cells = [Cell(language, (language,)) for language in there]
        if metric == SHARE_OF:
            return cells
        single = [language for language in there if language != ALL]
        unseen = set(unseen)
        subsets = {
            MEAN: single,
            MEAN_SEEN: [language for language in single if language in set(seen)],
            MEAN_UNSEEN: [language for language in single if language in unseen],
            MEAN_TRANSFER: [language for language in single if language in unseen & set(known)],
        }
        if subsets[MEAN_TRANSFER] == subsets[MEAN_UNSEEN]:
            del subsets[MEAN_TRANSFER]
        return cells + [Cell(name, tuple(of)) for name, of in subsets.items() if of]

    def family_cells(
        self, metric: str, unseen: Iterable[str], families: Mapping[str, str]
    ) -> list[Cell]:
        """Means over the unseen languages of each family, in the families' order; see FAMILY."""
        there = set(np.array(self.languages)[self.present(metric).any(1)].tolist()) & set(unseen)
        members: dict[str, list[str]] = {}
        for language in sorted(there - {ALL}):
            members.setdefault(families.get(language, "other"), []).append(language)
        return [Cell(f"{FAMILY}{name}", tuple(members[name])) for name in sorted(members)]

    def weights(self, cells: Sequence[Cell]) -> np.ndarray:
        """float64 [cells, languages]; rows sum to 1."""
        found = np.zeros((len(cells), len(self.languages)))
        for row, cell in zip(found, cells, strict=True):
            row[[self.languages.index(language) for language in cell.languages]] = 1
        return found / found.sum(1, keepdims=True)

    def sample(self, tensor: np.ndarray, cells: Sequence[Cell], split: int | None = None) -> Sample:
        """What the estimator needs of a tensor, in one split or, with None, in all."""
        chosen = np.full(len(self.splits), True) if split is None else self.splits == split
        clusters = np.unique(self.clusters[chosen], return_inverse=True)[1]
        return sample(tensor[:, :, chosen], self.weights(cells), clusters)

    def counts(self, metric: str, cells: Sequence[Cell]) -> dict[str, list[int]]:
        """The numbers of queries, clusters, seeds, splits and languages behind each cell."""
        present = self.present(metric)
        asked = [present[row > 0].any(0) for row in self.weights(cells)]
        single = len(set(self.languages) - {ALL})
        return {
            "n_queries": [len(set(self.ids[of])) for of in asked],
            "n_clusters": [len(np.unique(self.clusters[of])) for of in asked],
            "n_seeds": [len(self.seeds)] * len(cells),
            "n_splits": [len(np.unique(self.splits[of])) for of in asked],
            "n_languages": [
                single if cell.language == ALL else len(cell.languages) for cell in cells
            ],
        }


def read_scores(frames: Iterable[pd.DataFrame]) -> list[Scores]:
    """The scores of each benchmark and direction.

    frames: queries with the columns KEYS, query_id, group (of the image), seen (whether captions of
    the language were trained on), a column for each metric, and, where they are known, `candidates`
    and `relevant`, the numbers of candidates and of the right ones among them. A frame may hold one
    language, or several.

    Raises DataError if a query stands twice, if an image is in two groups, or unless all systems,
    seeds and splits were scored on the same queries.
    """
    parts: dict[tuple[str, str], dict[_Part, _Columns]] = {}
    for frame in frames:
        for keys, part in _by_keys(frame):
            benchmark, tower, captions, split, seed, direction, language = keys
            place = (System(tower, captions), int(split), int(seed), language)
            of = parts.setdefault((benchmark, direction), {})
            if place in of or len(set(part["query_id"])) < len(part["query_id"]):
                raise DataError(
                    f"{benchmark}, {direction}: {tower} with {captions} captions, split {split}, "
                    f"seed {seed}, {language}: queries were scored twice. Make them again."
                )
            of[place] = part
    return [
        _collect(benchmark, direction, parts[benchmark, direction])
        for benchmark in dict.fromkeys(benchmark for benchmark, _ in parts)
        for direction in DIRECTIONS
        if (benchmark, direction) in parts
    ]


def _by_keys(frame: pd.DataFrame) -> Iterator[tuple[tuple, _Columns]]:
    """The parts of a frame by KEYS; only those of ALL have shares of languages."""
    columns = {str(name): frame[name].to_numpy() for name in frame}
    plain = [name for name in columns if not name.startswith(SHARE_COLUMN)]
    for keys, rows in frame.groupby(KEYS, sort=False).indices.items():
        names = columns if keys[-1] == ALL else plain
        yield keys, {name: columns[name][rows] for name in names}


def _collect(benchmark: str, direction: str, parts: Mapping[_Part, _Columns]) -> Scores:
    languages = {language for _, _, _, language in parts}
    languages = [*sorted(languages - {ALL}), *sorted(languages & {ALL})]
    seeds = sorted({seed for _, _, seed, _ in parts})
    systems = list(dict.fromkeys(system for system, _, _, _ in parts))
    groups = _groups(f"{benchmark}, {direction}", parts)
    queries = sorted(
        {(split, id_) for (_, split, _, _), of in parts.items() for id_ in of["query_id"]}
    )
    number = {query: i for i, query in enumerate(queries)}
    counted = np.full((2, len(languages), len(queries)), np.nan)
    found = Scores(
        *(benchmark, direction, languages, seeds),
        splits=np.array([split for split, _ in queries]),
        ids=np.array([id_ for _, id_ in queries], dtype=object),
        clusters=pd.factorize(np.array([groups[id_] for _, id_ in queries], dtype=object))[0],
        candidates=counted[0],
        relevant=counted[1],
        seen={system: set() for system in systems},
    )
    shape = (len(languages), len(seeds), len(queries))
    for (system, split, seed, language), part in parts.items():
        row, column = languages.index(language), seeds.index(seed)
        place = [number[split, query] for query in part["query_id"]]
        if part["seen"].any():
            found.seen[system].add(language)
        for name in part:
            code = name.removeprefix(SHARE_COLUMN)
            share = code != name and code in languages
            if name not in IMAGE_METRICS and not share:
                continue
            metric, line = (SHARE_OF, languages.index(code)) if share else (name, row)
            of_metric = found.tensors.setdefault(metric, {})
            tensor = of_metric.setdefault(system, np.full(shape, np.nan))
            tensor[line, column, place] = part[name]
        for name, values in zip(("candidates", "relevant"), counted, strict=True):
            if name in part:
                values[row, place] = part[name]
    # A file of several languages has columns that are empty in some, or in all.
    for metric, of_metric in list(found.tensors.items()):
        if all(np.isnan(tensor).all() for tensor in of_metric.values()):
            del found.tensors[metric]
    _check_same(found)
    return found


def _groups(where: str, parts: Mapping[_Part, _Columns]) -> dict[str, str]:
    """The group of every query by its id."""
    groups: dict[str, str] = {}
    for part in parts.values():
        for query, group in zip(part["query_id"], part["group"], strict=True):
            if groups.setdefault(query, group) != group:
                raise DataError(
                    f"{where}: query {query} is of group {group} in one place and of "
                    f"{groups[query]} in another."
                )
    return groups


def _check_same(found: Scores) -> None:
    """Raise DataError that names the first queries that some system or seed does not have."""
    for metric, of_systems in found.tensors.items():
        expected = np.any([~np.isnan(tensor) for tensor in of_systems.values()], axis=(0, 2))
        for system in found.systems:
            there = np.zeros(
                (len(found.languages), len(found.seeds), len(found.splits)), dtype=bool
            )
            if system in of_systems:
                there = ~np.isnan(of_systems[system])
            missing = np.argwhere(there != expected[:, None])
            if len(missing):
                language, seed, query = missing[0]
                raise DataError(
                    f"{found.benchmark}, {found.direction}: {system.tower} with {system.captions} "
                    f"captions has no {metric} of {found.languages[language]} in split "
                    f"{found.splits[query]} with seed {found.seeds[seed]}, where others do; all "
                    "systems need the same queries, splits and seeds."
                )


def chance_of(metric: str, candidates: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """The expected value of a metric of IMAGE_METRICS if candidates are in random order; float64.

    candidates, relevant: their numbers for each query, of any one shape. NaN where the metric is
    not defined.
    """
    n, r = np.asarray(candidates, dtype=float), np.asarray(relevant, dtype=float)
    if metric == "map":
        harmonic = digamma(n + 1) - digamma(1.0)
        return (harmonic + (r - 1) / np.maximum(n - 1, 1) * (n - harmonic)) / n
    if metric == "rank_distance":
        return np.where(r < 2, np.nan, (r - 1) * (n + 1) / (r + 1))
    return np.minimum(int(metric.removeprefix("recall_")), n) / n


def chance(scores: Scores, metric: str) -> np.ndarray | None:
    """The expected value of every query at random; float64 [languages, queries].

    None unless the numbers of candidates are known, so that it is exact.
    """
    if metric == SHARE_OF:
        values = _fair_shares(scores)
    else:
        values = chance_of(metric, scores.candidates, scores.relevant)
    there = scores.present(metric)
    return None if np.isnan(values[there]).any() else np.where(there, values, np.nan)


def _fair_shares(scores: Scores) -> np.ndarray:
    """The share of each language among all candidates of a split; float64 [languages, queries].

    NaN unless the candidates of the languages are all that there are.
    """
    sizes = np.full(scores.candidates.shape, np.nan)
    for split in np.unique(scores.splits):
        of_split = scores.candidates[:, scores.splits == split]
        known = ~np.isnan(of_split).all(1)
        sizes[np.ix_(known, scores.splits == split)] = np.nanmax(of_split[known], axis=1)[:, None]
    if ALL not in scores.languages:
        return np.full(sizes.shape, np.nan)
    whole = sizes[scores.languages.index(ALL)]
    single = sizes[[language != ALL for language in scores.languages]].sum(0)
    return np.where(np.isclose(single, whole), sizes / whole, np.nan)

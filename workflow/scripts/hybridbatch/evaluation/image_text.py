"""Retrieval between captions and images: scores, differences between systems, verdicts.

The score of query q, of image group g in split p, under seed s is modelled as

    mean + seed_s + (split x seed)_ps + group_pg + (seed x group)_spg + rest_spq

and estimated as for texts (`estimates`), with seeds and groups of images as crossed random factors:

- Groups are exchangeable: a hash deals them to the splits. The emoji of a group are tested in one
  split alone, so the groups of all splits are one sample of clusters. A benchmark that is not split
  tests the models of all splits on the same images, and there a group is one cluster all the same.
- Seeds are exchangeable. The text tower of a seed is the same in all splits, and each split has an
  image tower of its own. The mean of a seed over P splits thus varies by seed_s + (split x seed) /
  P, and the variance between these means has both. P models of one text tower are not P draws.
- What a split's training images do to all of its test groups alike, whatever the seed, is in no
  factor: a few splits cannot tell it, and one says nothing of it. Splits share most of their
  training images, so it should be small. `split_p` tests it for every difference.

Differences between text towers are paired by query. Their seeds are separate trainings, and the
variance between seeds is pooled over the towers with the same captions. Differences between
captions have the same text tower on both sides, so they are paired by seed, too: there the
difference under a seed is the unit, and its variance is pooled over the towers.

"Not below" says something only if there was something to lose: the better other tower has to be
above chance by more than the margin, or the verdict is NEAR_CHANCE, where it would be `holds`.

Cochran (1954), "The combination of estimates from different experiments", on `split_p`; ICH E10
(2000), section 1.5, "Assay sensitivity", on what a comparison without a loss needs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from hybridbatch.evaluation.claims import (
    CANNOT_SAY,
    HOLDS,
    HYBRID_TRANSFERS,
    NOT_RUN,
    Claim,
    judge,
)
from hybridbatch.evaluation.estimates import Estimate, estimate
from hybridbatch.evaluation.image_scores import (
    IMAGE_METRICS,
    MEAN_TRANSFER,
    MEANS,
    SHARE_OF,
    Cell,
    Scores,
    System,
    chance,
)
from hybridbatch.evaluation.metrics import SHARE
from hybridbatch.evaluation.settings import ALL, MEAN, MEAN_UNSEEN, SEED_SD
from hybridbatch.evaluation.significance import holm

# Captions of the wrong images, and what stands in their place in rows that no system of ours has.
SHUFFLED, CHANCE, PUBLISHED = "shuffled", "chance", "published"
TOWERS, CAPTIONS = "towers", "captions"  # what a difference compares
NEAR_CHANCE = f"{CANNOT_SAY}: near chance"
# (metric, the scores whose differences are tested)
COMPARED = (
    ("recall_10", MEANS),
    ("map", (ALL,)),
    ("rank_distance", (ALL,)),
)
BY_FAMILY = "recall_10"
_HYBRID, _OTHERS = "hybrid", ("x-x-mono", "x-y")
_PLACE = ["benchmark", "tower", "captions", "versus", "compared", "setting", "metric", "language"]
_TESTS = ["standard_error", "df", "p", "p_holm", "detectable"]
_COUNTS = ["n_queries", "n_clusters", "n_seeds", "n_splits", "n_languages"]
IMAGE_TEXT_COLUMNS = [
    "table",
    *_PLACE,
    "value",
    "ci_low",
    "ci_high",
    *_TESTS,
    "margin",
    "statement",
    "verdict",
    *_COUNTS,
    SEED_SD,
    "split_min",
    "split_max",
    "split_p",
    "source",
]
Row = dict[str, object]


def image_text_table(
    scores: Sequence[Scores],
    published: pd.DataFrame,
    known: Sequence[str],
    margin: float,
    confidence: float,
    families: Mapping[str, str] = {},
    not_run: Sequence[str] = (),
) -> pd.DataFrame:
    """Scores, reference rows, differences and verdicts; columns IMAGE_TEXT_COLUMNS.

    published: figures of others, with the columns benchmark, model, setting, metric, language,
    value and source; those of benchmarks that `scores` do not have are left out. known: the
    languages that the text towers were trained on. margin: the loss of R@10 that "not below"
    allows. families: by language; R@10 also has means over the unseen languages of each. not_run:
    names of encoders that have no scores; each has a row without a value, with the verdict NOT_RUN.

    `setting` is the direction. Rows with `versus` are differences to that text tower or, where
    `compared` is CAPTIONS, to those captions; the mean MEAN_UNSEEN of these is over languages that
    neither side had captions of. p_holm is corrected over all differences of the table, but for
    those to the shuffled captions, which are a family of their own. A row with a `statement` is a
    difference to the better of several text towers.
    """
    rows = [row for of in scores for row in _score_rows(of, known, families, confidence)]
    place = ("benchmark", "setting", "metric", "language")
    there = {tuple(row[name] for name in place) for row in rows}
    chances = [row for of in scores for row in _chance_rows(of)]
    rows += [row for row in chances if tuple(row[name] for name in place) in there]
    beside = published[published["benchmark"].isin({of.benchmark for of in scores})]
    rows += beside.rename(columns={"model": "tower"}).assign(captions=PUBLISHED).to_dict("records")
    rows += [row for of in scores for name in not_run for row in _not_run_rows(of, name)]
    differences = [row for of in scores for row in _difference_rows(of, known, confidence)]
    if differences:
        compared = pd.DataFrame(differences)
        control = compared["versus"] == SHUFFLED
        for family in (control, ~control):
            compared.loc[family, "p_holm"] = _holm(compared[family])
        rows += compared.to_dict("records")
        rows += _verdict_rows(compared, margin, confidence)
    table = pd.DataFrame(rows).assign(table="image_text").reindex(columns=IMAGE_TEXT_COLUMNS)
    return table.astype(dict.fromkeys(_COUNTS, "Int64"))


def _holm(differences: pd.DataFrame) -> pd.Series:
    """Holm's adjusted p, in which means over the same languages are one test."""
    keys = ["benchmark", "setting", "metric", "tower", "captions", "compared", "versus", "members"]
    tests = differences.groupby(keys, sort=False).ngroup()
    first = tests.drop_duplicates()
    corrected = holm(differences.loc[first.index, "p"].to_numpy())
    return tests.map(dict(zip(first, corrected, strict=True)))


def _rows(
    of: Scores, system: System, metric: str, columns: Mapping[str, Sequence]
) -> Iterator[Row]:
    """A row for each cell of a metric; columns: a value for each cell."""
    place = {
        "benchmark": of.benchmark,
        "tower": system.tower,
        "captions": system.captions,
        "setting": of.direction,
        "metric": metric,
    }
    for values in zip(*columns.values(), strict=True):
        yield {**place, **dict(zip(columns, values, strict=True))}


def _names(cells: Sequence[Cell]) -> list[str]:
    return [cell.language for cell in cells]


# --- scores ---


def _score_rows(
    of: Scores, known: Sequence[str], families: Mapping[str, str], confidence: float
) -> Iterator[Row]:
    for metric in of.metrics:
        is_share = metric == SHARE_OF or IMAGE_METRICS[metric].unit == SHARE
        for system in of.systems:
            seen = of.seen[system]
            unseen = set(of.languages) - seen
            cells = of.cells(metric, seen, unseen, known)
            if metric == BY_FAMILY and families:
                cells += of.family_cells(metric, unseen, families)
            measured = of.sample(of.tensors[metric][system], cells)
            found = estimate(measured)
            low, high = (
                np.clip(end, 0, 1 if is_share else np.inf) for end in found.interval(confidence)
            )
            columns = {
                "language": _names(cells),
                "value": found.value,
                "ci_low": low,
                "ci_high": high,
                SEED_SD: measured.seed_sd,
                **of.counts(metric, cells),
            }
            yield from _rows(of, system, metric, columns)


def _not_run_rows(of: Scores, encoder: str) -> list[Row]:
    """The row of an encoder that was not run, in the place of its mean."""
    place = {"benchmark": of.benchmark, "tower": encoder, "captions": NOT_RUN}
    return [{**place, "setting": of.direction, "metric": BY_FAMILY, "language": MEAN,
             "verdict": NOT_RUN}]  # fmt: skip


def _chance_rows(of: Scores) -> Iterator[Row]:
    """Of each language and of the mean over all, where chance is known exactly.

    Where all languages have the same chance, as in text to image, so have all means.
    """
    for metric in of.metrics:
        values = chance(of, metric)
        if values is None:
            continue
        cells = of.cells(metric, (), (), ())
        means = of.sample(values[:, None], cells).means[:, 0]
        every = [cell for cell in cells if cell.language == MEAN]
        if every and np.ptp(means) < 1e-12:
            cells += [Cell(name, every[0].languages) for name in MEANS if name != MEAN]
            means = np.append(means, [means[0]] * (len(MEANS) - 1))
        columns = {"language": _names(cells), "value": means}
        yield from _rows(of, System(CHANCE, CHANCE), metric, columns)


# --- differences ---


def _difference_rows(of: Scores, known: Sequence[str], confidence: float) -> Iterator[Row]:
    for metric, names in COMPARED:
        if metric in of.tensors:
            yield from _between_towers(of, metric, names, known, confidence)
            yield from _between_captions(of, metric, names, known, confidence)


def _between_towers(
    of: Scores, metric: str, names: Sequence[str], known: Sequence[str], confidence: float
) -> Iterator[Row]:
    """Every two text towers with the same captions, but the shuffled ones."""
    for captions in dict.fromkeys(system.captions for system in of.systems):
        systems = [system for system in of.systems if system.captions == captions]
        if captions == SHUFFLED or len(systems) < 2:
            continue
        seen = of.seen[systems[0]]
        cells = of.cells(metric, seen, set(of.languages) - seen, known)
        cells = [cell for cell in cells if cell.language in names]
        tensors = of.tensors[metric]

        def estimates(split: int | None) -> list[Estimate]:
            samples = [of.sample(tensors[system], cells, split) for system in systems]  # noqa: B023
            return [estimate(a, b, samples) for a, b in combinations(samples, 2)]

        pairs = list(combinations(systems, 2))
        yield from _tested(of, metric, TOWERS, pairs, cells, estimates, confidence)


def _between_captions(
    of: Scores, metric: str, names: Sequence[str], known: Sequence[str], confidence: float
) -> Iterator[Row]:
    """Every two captions with the same text tower; the shuffled ones are compared with."""
    kinds = list(dict.fromkeys(system.captions for system in of.systems))
    kinds.sort(key=lambda captions: captions == SHUFFLED)
    for first, second in combinations(kinds, 2):
        pairs = [
            (a, b)
            for a, b in ((System(tower, first), System(tower, second)) for tower in _towers(of))
            if a in of.seen and b in of.seen
        ]
        if not pairs:
            continue
        unseen = set(of.languages).difference(*(of.seen[side] for pair in pairs for side in pair))
        cells = of.cells(metric, (), unseen, ())
        cells = [cell for cell in cells if cell.language in names]
        tensors = of.tensors[metric]

        def estimates(split: int | None) -> list[Estimate]:
            samples = [of.sample(tensors[a] - tensors[b], cells, split) for a, b in pairs]  # noqa: B023
            return [estimate(one, pooled=samples) for one in samples]

        yield from _tested(of, metric, CAPTIONS, pairs, cells, estimates, confidence)


def _towers(of: Scores) -> list[str]:
    return list(dict.fromkeys(system.tower for system in of.systems))


def _tested(
    of: Scores,
    metric: str,
    compared: str,
    pairs: Sequence[tuple[System, System]],
    cells: Sequence[Cell],
    estimates: Callable[[int | None], list[Estimate]],
    confidence: float,
) -> Iterator[Row]:
    """The rows of differences; with one seed nothing is tested.

    estimates: gives those of `pairs` in one split, or with None in all.
    """
    by_split = [estimates(split) for split in np.unique(of.splits)]
    for number, ((a, b), found) in enumerate(zip(pairs, estimates(None), strict=True)):
        in_splits = [one[number] for one in by_split]
        nothing = np.full(len(cells), np.nan)
        of_splits = np.array([one.value for one in in_splits])
        columns = {
            "versus": [b.tower if compared == TOWERS else b.captions] * len(cells),
            "compared": [compared] * len(cells),
            "language": _names(cells),
            "members": [cell.languages for cell in cells],
            "value": found.value,
            "value_a": of.sample(of.tensors[metric][a], cells).means.mean(1),
            "value_b": of.sample(of.tensors[metric][b], cells).means.mean(1),
            "chance": _chance_of_cells(of, metric, cells),
            "split_min": of_splits.min(0),
            "split_max": of_splits.max(0),
            **found.tested(confidence),
            "split_p": splits_differ(in_splits) if found.seed_df else nothing,
            **of.counts(metric, cells),
        }
        yield from _rows(of, a, metric, columns)


def _chance_of_cells(of: Scores, metric: str, cells: Sequence[Cell]) -> np.ndarray:
    """The expected value of each cell at random; NaN where it is not known."""
    values = chance(of, metric)
    if values is None:
        return np.full(len(cells), np.nan)
    return of.sample(values[:, None], cells).means[:, 0]


def splits_differ(found: Sequence[Estimate]) -> np.ndarray:
    """p of the hypothesis that all splits have the same difference; float64 [cells].

    Cochran's Q over its degrees of freedom, referred to F with those of the standard errors. These
    also hold what a seed does to all splits alike, so p is rather too large. NaN with one split.
    """
    values = np.array([one.value for one in found])
    if len(found) < 2:
        return np.full(values.shape[1], np.nan)
    weights = 1 / np.square([one.standard_error for one in found])
    centre = (weights * values).sum(0) / weights.sum(0)
    q = (weights * np.square(values - centre)).sum(0)
    df = np.mean([one.df for one in found], axis=0)
    return fdtrc(len(found) - 1, df, q / (len(found) - 1))


# --- verdicts ---


def image_text_claims(towers: Sequence[str], direction: str) -> list[Claim]:
    """The statement on the text tower of hybrid batches, beside those that were run."""
    others = tuple(name for name in _OTHERS if name in towers)
    if _HYBRID not in towers or not others:
        return []
    better = " and ".join(f"{name}'s" for name in others)
    better = f"the better of {better}" if len(others) > 1 else better
    statement = f"{direction}: the R@10 of {_HYBRID}'s text tower is not below {better}"
    return [
        Claim(
            HYBRID_TRANSFERS,
            statement,
            *(direction, "recall_10", _HYBRID, others, False),
        )
    ]


def _verdict_rows(differences: pd.DataFrame, margin: float, confidence: float) -> list[Row]:
    """A verdict for each benchmark, captions and direction, in each mean over unseen languages."""
    unseen = differences["language"].isin((MEAN_UNSEEN, MEAN_TRANSFER))
    of_towers = differences[(differences["compared"] == TOWERS) & unseen]
    named = of_towers.rename(
        columns={"tower": "sampling_a", "versus": "sampling_b", "value": "difference"}
    )
    found = []
    keys = ["benchmark", "captions", "setting", "language"]
    for (benchmark, captions, direction, language), rows in named.groupby(keys, sort=False):
        towers = [*rows["sampling_a"], *rows["sampling_b"]]
        for claim in image_text_claims(towers, direction):
            same = rows[rows["metric"] == claim.metric].iloc[0]
            judged = judge(claim, rows, margin, confidence)
            # Where chance is not known, the comparison is false and the verdict stands.
            if judged["verdict"] == HOLDS and _better_other(claim, rows) - same["chance"] <= margin:
                judged["verdict"] = NEAR_CHANCE
            found.append(
                {
                    **{name: value for name, value in judged.items() if name in IMAGE_TEXT_COLUMNS},
                    **{name: same[name] for name in ("n_clusters", "n_splits", "n_languages")},
                    "benchmark": benchmark,
                    "tower": claim.sampling,
                    "captions": captions,
                    "versus": ", ".join(claim.others),
                    "compared": TOWERS,
                    "language": language,
                    "value": judged["difference"],
                }
            )
    return found


def _better_other(claim: Claim, rows: pd.DataFrame) -> float:
    """The better score of the text towers that a claim's own is compared with."""
    found = []
    for row in rows[rows["metric"] == claim.metric].itertuples():
        if claim.sampling in (row.sampling_a, row.sampling_b):
            found.append(row.value_b if row.sampling_a == claim.sampling else row.value_a)
    return max(found)

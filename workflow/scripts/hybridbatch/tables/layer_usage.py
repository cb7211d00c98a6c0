"""Memory and speed of training in the ablation of layers, as measured, beside the scores.

It is no table of results: times and memory differ from run to run, so it stands among the timings
and has no record.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from hybridbatch.evaluation.layer_scaling import COMPARED, POINT
from hybridbatch.evaluation.metrics import metric_title
from hybridbatch.evaluation.settings import ALL, MEAN, PARAMETERS_COLUMNS
from hybridbatch.render.grid import Band, Cell, Grid, Page

_POINT = POINT[1:]  # one model is evaluated on every benchmark
SCORES = [f"{setting} {metric_title(metric)}" for setting, metric in COMPARED]
MEASURED = ["pairs_per_second", "peak_memory_mib", "gpu_peak_mib"]
USAGE_COLUMNS = [
    *POINT,
    *PARAMETERS_COLUMNS,
    *SCORES,
    *MEASURED,
    "models",
    "models_measured",
    "machine",
]
NOT_MEASURED = "not measured"
_LOOP = "steps"  # what the training loop counts


def layer_usage_table(
    table: pd.DataFrame, measured: Iterable[tuple[Mapping[str, Any], Mapping | None]]
) -> pd.DataFrame:
    """A row for each benchmark and point; columns USAGE_COLUMNS.

    table: of `evaluation.layer_scaling`; the scores are its means over all query languages in the
    whole pool. measured: for each model its encoder, sampling, adapter, budget and schedule, and
    the pairs in its batch as `pairs`, with the `usage.usage` of the job that trained it, or None.
    `pairs_per_second`: of the training loop with
    its validations and checkpoints, since its last start; a mean over the seeds.
    `peak_memory_mib`: most main memory of any seed's process; `gpu_peak_mib`: most that torch held
    on a GPU. They are empty where nothing was measured.
    """
    rows = [
        {**{name: of[name] for name in _POINT}, **_of_model(of["pairs"], used)}
        for of, used in measured
    ]
    of_points = [
        {
            **dict(zip(_POINT, point, strict=True)),
            "pairs_per_second": part["pairs_per_second"].mean(),
            "peak_memory_mib": part["peak_memory_mib"].max(),
            "gpu_peak_mib": part["gpu_peak_mib"].max(),
            "models": len(part),
            "models_measured": part["pairs_per_second"].notna().sum(),
            "machine": "; ".join(dict.fromkeys(part["machine"].dropna())) or NOT_MEASURED,
        }
        for point, part in pd.DataFrame(rows).groupby(_POINT, sort=False)
    ]
    scores = table[
        table["versus"].isna()
        & table["adapter"].notna()
        & (table["language"] == MEAN)
        & (table["pool"] == ALL)
    ].astype(dict.fromkeys(["budget", *PARAMETERS_COLUMNS], "int64"))
    wide = scores.assign(column=scores["setting"] + " " + scores["metric"].map(metric_title))
    wide = wide.pivot(index=[*POINT, *PARAMETERS_COLUMNS], columns="column", values="value")
    frame = wide.reset_index().merge(pd.DataFrame(of_points), on=_POINT, validate="many_to_one")
    order = {tuple(of[name] for name in _POINT): n for n, of in enumerate(of_points)}
    place = [order[tuple(row)] for row in frame[_POINT].itertuples(index=False, name=None)]
    return frame.iloc[pd.Series(place).argsort(kind="stable")].reindex(columns=USAGE_COLUMNS)


def _of_model(pairs: int, used: Mapping | None) -> dict[str, Any]:
    loop = (used or {}).get("loops", {}).get(_LOOP)
    if not loop or not loop["seconds"]:
        return dict.fromkeys([*MEASURED, "machine"])
    machine = used["machine"]
    return {
        "pairs_per_second": pairs * loop["done"] / loop["seconds"],
        "peak_memory_mib": used["peak_memory_mib"],
        "gpu_peak_mib": used["gpu_peak_mib"],
        "machine": ", ".join(machine["gpus"] or [machine["cpu"]]),
    }


def layer_usage_page(frame: pd.DataFrame) -> Page:
    """A grid for each benchmark and encoder, with points as rows."""
    title = "Budgets divided among the layers: what training used"
    blocks: list[str | Grid] = [
        "As the jobs measured it, on the machines named below. Other runs differ; the tables of "
        "results hold none of it. Pairs a second: of the training loop with its validations and "
        "checkpoints, a mean over seeds. Memory: the most of any seed; of the process in main "
        "memory, and of torch on its GPU. Scores: means over all query languages, whole pool."
    ]
    columns = ["trained parameters", *SCORES, "pairs/s", "main memory", "GPU memory"]
    for (benchmark, encoder), part in frame.groupby(["benchmark", "encoder"], sort=False):
        machines = "; ".join(dict.fromkeys(part["machine"]))
        bands = [
            Band([_row(row) for _, row in of_sampling.iterrows()], f"{sampling}, {adapter}")
            for (sampling, adapter), of_sampling in part.groupby(
                ["sampling", "adapter"], sort=False
            )
        ]
        blocks += [
            f"## {encoder}, {benchmark}",
            f"Machine: {machines}.",
            Grid(f"{title}: {encoder}, {benchmark}.", "budget, schedule", columns, bands),
        ]
    return Page("layer_scaling", title, blocks)


def _row(row: pd.Series) -> tuple[str, list[Cell]]:
    def number(value: float, form: str, unit: str = "") -> Cell:
        return Cell(NOT_MEASURED if pd.isna(value) else f"{value:{form}}{unit}")

    scores = [
        Cell("" if pd.isna(row[name]) else f"{row[name]:.{1 if metric == 'rank_distance' else 4}f}")
        for name, (_, metric) in zip(SCORES, COMPARED, strict=True)
    ]
    return f"{row['budget']}, {row['schedule']}", [
        Cell(f"{row['trained_parameters']:,}"),
        *scores,
        number(row["pairs_per_second"], ",.1f"),
        number(row["peak_memory_mib"], ",.0f", " MiB"),
        number(row["gpu_peak_mib"], ",.0f", " MiB"),
    ]

"""The ablation of budgets that are divided among the layers: its configuration and its points."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Model, Name, Positive, Unique
from hybridbatch.experiment.trainable import Linear, NamedSchedule

# The schedule that all others are compared with.
UNIFORM = "uniform"


class LayerScaling(Model):
    """Adapters of one kind, at several budgets, each divided among the layers by schedules."""

    adapter: Literal["lora", "bottleneck"] = Field(
        description="kind of adapter; budgets of lora are in ranks, those of bottleneck in units"
    )
    scale: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="of lora: alpha over rank, the same in every layer"
    )
    modules: Annotated[list[Name], Field(min_length=1), *Unique] | None = Field(
        default=None,
        description="of lora: names of linear modules within a layer; all of them if absent",
    )
    budgets: Annotated[list[Positive], Field(min_length=1), *Unique] = Field(
        description="sums over the layers; all schedules of a budget train as many parameters"
    )
    schedules: Annotated[list[NamedSchedule], Field(min_length=1), *Unique] = Field(
        description="how a budget is divided among the layers; uniform has to be among them"
    )
    margin: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description=(
            "loss of mAP against uniform that is allowed; if absent, that of the paper's statements"
        ),
    )


def schedule_name(schedule: str | Linear) -> str:
    """The name of a schedule in tables and paths, such as `rising` or `linear-0.5-2`."""
    if isinstance(schedule, str):
        return schedule
    return f"linear-{schedule.linear['from']:g}-{schedule.linear['to']:g}"


def trainable_of(scaling: LayerScaling) -> Iterator[tuple[int, str, dict]]:
    """Budget, name of the schedule and values of `training.trainable` of every point."""
    plain = scaling.plain()
    shared = {key: plain[key] for key in ("scale", "modules") if key in plain}
    for budget in scaling.budgets:
        for schedule, value in zip(scaling.schedules, plain["schedules"], strict=True):
            yield (
                budget,
                schedule_name(schedule),
                {"kind": scaling.adapter, "budget": budget, "schedule": value, **shared},
            )

"""Which parameters are trained: the models of `training.trainable`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from hybridbatch.experiment.base import Model, Name, Positive, Unique

NAMED = ("uniform", "rising", "falling", "middle", "ends")
SCHEDULES = f"{', '.join(NAMED)}, {{linear: {{from: a, to: b}}}}, or a list with a number a layer"


class Linear(Model):
    """Weights that change linearly from the first layer to the last (OpenELM, 2404.14619)."""

    linear: Annotated[
        dict[Literal["from", "to"], Annotated[float, Field(ge=0)]], Field(min_length=2)
    ] = Field(description="weight of the first layer and of the last; only their ratio counts")


def _weights(value: Any) -> Any:
    """One message for what is no named schedule; a union would have one for each of its parts."""
    if isinstance(value, Linear) or (isinstance(value, str) and value in NAMED):
        return value
    try:
        linear = Linear.model_validate(value)
    except ValidationError:
        linear = None
    if linear is None or not sum(linear.linear.values()):
        linear_too = "{linear: {from: a, to: b}} with numbers from 0 on, not both 0"
        problem = f"must be one of {', '.join(NAMED)} or {linear_too}"
        raise PydanticCustomError("place", "{problem}", {"problem": problem})
    return linear


# A schedule that any budget can be divided by.
NamedSchedule = Annotated[Literal[NAMED] | Linear, BeforeValidator(_weights)]
# How a budget is divided among the layers, the first one at the input.
Schedule = (
    Literal[NAMED] | Linear | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
)


class All(Model):
    """Every parameter."""

    kind: Literal["all"] = Field(description="every parameter")
    token_embeddings: bool = Field(description="whether the token embeddings are trained, too")


class Top(Model):
    """The last layers; what lies below them and the token embeddings are frozen."""

    kind: Literal["top"] = Field(description="the last layers only")
    layers: Positive = Field(description="how many of them")


class Decay(Model):
    """Every parameter, at a learning rate that falls from the last layer to the first."""

    kind: Literal["decay"] = Field(description="a smaller learning rate in lower layers")
    factor: Annotated[float, Field(gt=0, le=1)] = Field(
        description="learning rate of a layer as a share of the next one's; the last has all of it"
    )
    token_embeddings: bool = Field(description="whether the token embeddings are trained, too")


class _Adapter(Model):
    budget: Positive = Field(description="sum over the layers, divided by the schedule")
    schedule: Schedule = Field(
        description=f"how the budget is divided among the layers: {SCHEDULES}"
    )


class Lora(_Adapter):
    """Low-rank adapters of linear modules; everything else is frozen."""

    kind: Literal["lora"] = Field(description="low-rank adapters (LoRA); budget in ranks")
    scale: Annotated[float, Field(gt=0)] = Field(
        description="alpha over rank, the same in every layer"
    )
    # Sorted, since their order means nothing and is a parameter of the job.
    modules: Annotated[list[Name], Field(min_length=1), *Unique, AfterValidator(sorted)] | None = (
        Field(
            default=None,
            description="names of linear modules within a layer; all of them if absent",
        )
    )


class Bottleneck(_Adapter):
    """Units beside each layer's feed-forward network; everything else is frozen."""

    kind: Literal["bottleneck"] = Field(
        description="units beside the feed-forward network (parallel adapters); budget in units"
    )


Trainable = Annotated[All | Top | Decay | Lora | Bottleneck, Field(discriminator="kind")]

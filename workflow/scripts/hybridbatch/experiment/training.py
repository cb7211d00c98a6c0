"""How models are fine-tuned."""

from typing import Annotated, Literal

from pydantic import Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from hybridbatch.experiment.base import Model, Positive
from hybridbatch.experiment.trainable import Trainable


class CorpusWeighting(Model):
    """How often each corpus is drawn."""

    temperature: Annotated[float, Field(gt=0)] = Field(
        description="draws are proportional to pairs ** (1 / it): 1 by size, higher more equal"
    )


class Loss(Model):
    """The terms of the loss; without it, InfoNCE from queries to passages."""

    directions: Literal["queries", "both"] = Field(
        description="of InfoNCE: from queries to passages, or from passages to queries, too"
    )
    temperature: Literal["fixed", "learned"] = Field(
        description="learned starts at training.temperature, is a parameter and stays above 0.01"
    )
    contrastive: Annotated[float, Field(ge=0)] = Field(
        description="weight of InfoNCE; 0 for distillation without it"
    )
    distillation: Annotated[float, Field(ge=0)] = Field(
        description="weight of the squared distance between a student's and a teacher's vectors"
    )
    student: Literal["query", "candidate"] | None = Field(
        default=None, description="the side that learns from the teacher, if there is one"
    )
    clustering: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="weight of pushing the batch's texts (queries) from each other; none if absent",
    )

    @model_validator(mode="after")
    def _has_terms(self) -> "Loss":
        if not self.contrastive and not self.distillation:
            raise PydanticCustomError(
                "no_loss",
                "`contrastive` and `distillation` are both 0: nothing would bring a text to its "
                "passage or image",
            )
        if bool(self.distillation) != (self.student is not None):
            raise PydanticCustomError(
                "no_student", "a weight of `distillation` and a `student` go together"
            )
        if not self.contrastive and self.temperature == "learned":
            raise PydanticCustomError(
                "no_temperature",
                "with a `contrastive` of 0 no temperature enters the loss: set `temperature` to "
                "fixed",
            )
        return self


class Training(Model):
    """How models are fine-tuned; an encoder may override each key."""

    batch_size: Annotated[int, Field(ge=2)] = Field(description="pairs in a batch")
    corpus_weighting: CorpusWeighting = Field(description="how often each corpus is drawn")
    max_steps: Positive = Field(description="limit of steps, decay included")
    warmup_steps: Annotated[int, Field(ge=0)] = Field(
        description="in which the learning rate rises to its highest, where it then stays"
    )
    decay_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="of all steps, the last ones, in which the learning rate falls"
    )
    learning_rate: Annotated[float, Field(gt=0)] = Field(description="at its highest")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        description="AdamW's, of matrices; biases, normalisations and a static table have none"
    )
    temperature: Annotated[float, Field(gt=0)] = Field(description="divides the cosine similarity")
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        description="gradients are scaled down to it"
    )
    evaluate_every: Positive = Field(description="steps between validations")
    patience: Positive = Field(
        description="validations without a better loss before the rate falls and training ends"
    )
    trainable: Trainable | None = Field(
        default=None, description="which parameters are trained; all of them if absent"
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="whether activations within a layer are computed again in the backward pass, "
        "which takes less memory and more time; the numbers are the same",
    )
    loss: Loss | None = Field(
        default=None, description="its terms; InfoNCE from queries to passages if absent"
    )


# The same keys, all optional.
TrainingOverrides = create_model(
    "TrainingOverrides",
    __base__=Model,
    __doc__="Overrides of the training section.",
    **{
        name: (
            (Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation)
            | None,
            Field(default=None, description=field.description),
        )
        for name, field in Training.model_fields.items()
    },
)

"""How models are fine-tuned."""

from typing import Annotated

from pydantic import Field, create_model

from hybridbatch.experiment.base import Model, Positive, Share


class Training(Model):
    """How models are fine-tuned; an encoder may override each key."""

    batch_size: Annotated[int, Field(ge=2)] = Field(description="pairs in a batch")
    max_steps: Positive = Field(description="steps unless training stops early")
    warmup_share: Share = Field(description="of max_steps in which the learning rate rises")
    learning_rate: Annotated[float, Field(gt=0)] = Field(description="at its highest")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        description="AdamW's; a static table has none"
    )
    temperature: Annotated[float, Field(gt=0)] = Field(description="divides the cosine similarity")
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        description="gradients are scaled down to it"
    )
    evaluate_every: Positive = Field(description="steps between validations")
    patience: Positive = Field(
        description="validations without a better loss before training stops"
    )


# The same keys, all optional.
TrainingOverrides = create_model(
    "TrainingOverrides",
    __base__=Model,
    __doc__="Overrides of the training section.",
    **{
        name: (
            Annotated[field.annotation, *field.metadata] | None,
            Field(default=None, description=field.description),
        )
        for name, field in Training.model_fields.items()
    },
)

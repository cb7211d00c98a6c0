"""Apertium, a rule-based engine."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Language
from hybridbatch.experiment.engines import Step, StepBack, StepwiseTranslator

# The names of a file and of a package.
_Mode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._-]*$")]
_Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")]


class ApertiumStep(Step):
    """One step to a language."""

    mode: _Mode = Field(description="Apertium's name of the direction")
    package: _Package = Field(description="Debian package that holds the mode")


class ApertiumStepBack(StepBack):
    """One step from a language on the way back to English."""

    mode: _Mode = Field(description="Apertium's name of the direction")
    package: _Package = Field(description="Debian package that holds the mode")


class Config(StepwiseTranslator):
    """Apertium's modes."""

    kind: Literal["apertium"] = Field(description="the rule-based engine Apertium")
    routes: dict[Language, ApertiumStep] = Field(description="one step, by target language")
    back: dict[Language, ApertiumStepBack] | None = Field(
        default=None,
        description="by language, the step that translations into it take back towards English",
    )

"""NLLB and M2M-100 in transformers."""

from typing import Literal

from pydantic import Field

from hybridbatch.experiment.engines._neural import NeuralTranslator


class Config(NeuralTranslator):
    """NLLB and M2M-100 in transformers."""

    kind: Literal["transformers_mt"] = Field(description="a neural model in transformers")

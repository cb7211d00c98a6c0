"""NLLB and M2M-100 in CTranslate2."""

from typing import Literal

from pydantic import Field

from hybridbatch.experiment.engines._neural import NeuralTranslator


class Config(NeuralTranslator):
    """NLLB and M2M-100 in CTranslate2, which converts the weights once."""

    kind: Literal["ctranslate2_mt"] = Field(description="a neural model in CTranslate2")
    quantization: Literal[
        "float32", "float16", "bfloat16", "int8", "int8_float32", "int8_float16", "int8_bfloat16"
    ] = Field(description="of the converted weights; what the device cannot compute in is widened")

    @property
    def gain(self) -> str:
        return "ctranslate2_gain"

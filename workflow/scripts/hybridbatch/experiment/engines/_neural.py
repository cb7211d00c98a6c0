"""The configuration that all neural translators share."""

from typing import Annotated

from pydantic import Field, model_validator

from hybridbatch.experiment.base import Commit, Language, Name, Positive
from hybridbatch.experiment.engines import Translator
from hybridbatch.experiment.names import SOURCE_LANGUAGE
from hybridbatch.experiment.places import hub_or_local


class NeuralTranslator(Translator):
    """An NLLB or M2M-100 model; it goes straight back to English, so that `back` is no key."""

    model: Name = Field(description="hub name or local folder of an NLLB or M2M-100 model")
    revision: Commit | None = Field(
        default=None,
        description="commit of the hub model, 40 hexadecimal digits; not for a local folder",
    )
    codes: dict[Language, Name] = Field(
        description="by language the model's own code, such as eng_Latn; sources included"
    )
    beams: Positive = Field(description="of beam search; 1 is greedy")
    max_new_tokens: Annotated[int, Field(ge=16)] = Field(
        description="a translation is cut there; a longer text is first split at its sentences"
    )
    batch_tokens: Positive = Field(
        description="source tokens in a batch, padding included; less takes less memory"
    )

    @model_validator(mode="after")
    def _names_one(self) -> "NeuralTranslator":
        object.__setattr__(self, "model", hub_or_local(self.model, self.revision))
        return self

    @property
    def neural(self) -> bool:
        return True

    @property
    def gain(self) -> str | None:
        """The name in resources/rates.yaml of its speed-up over transformers; None: no speed-up."""
        return None

    def way_back(self, language: str) -> list[str]:
        return [language, SOURCE_LANGUAGE]

    def _values(self, target: str, own: dict) -> dict:
        values = super()._values(target, own)
        # Only these two codes, so that adding a language to the catalogue reruns no translation.
        values["source_code"] = self.codes[values["source"]]
        values["target_code"] = self.codes[target]
        return values

"""Models of the entries in `catalogue.translators`, one module an engine (see `kinds`).

An engine in translation/engines without a module here has the keys of `StepwiseTranslator`.
"""

from pydantic import Field

from hybridbatch.experiment.base import Language, Model, Name
from hybridbatch.experiment.names import SOURCE_LANGUAGE


class Step(Model):
    """One step to a language."""

    source: Language = Field(description="the language it is translated from")


class StepBack(Model):
    """One step from a language on the way back to English."""

    target: Language = Field(description="the language it is translated into")


class Translator(Model):
    """A translation engine and the way it goes to each language."""

    kind: str = Field(description="its engine, a module of hybridbatch/translation/engines")
    licence: Name | None = Field(
        default=None, description="as its owner states it, for the cards of models"
    )
    routes: dict[Language, Step] = Field(description="one step, by target language")

    @property
    def neural(self) -> bool:
        """Whether it is a neural model, whose jobs use a GPU if one is available."""
        return False

    @property
    def lines_rate(self) -> str:
        """The name in resources/rates.yaml of the rate of one core, for an engine without GPU."""
        return "apertium_lines"

    def way_back(self, language: str) -> list[str]:
        """The languages on the route from `language` to English, both included; empty if none."""
        return []

    def step(self, target: str) -> dict:
        """The values of the translation step into `target`: the jobs' parameter `route`."""
        return self._values(target, self.routes[target].plain())

    def step_back(self, source: str, target: str) -> dict:
        """The values of the step from `source` to `target` on the route back to English."""
        return self._values(target, {"source": source})

    def _values(self, target: str, own: dict) -> dict:
        """The values of the engine, merged with those of the step."""
        return {**self.plain(without=("routes", "back", "codes", "licence")), **own}


class StepwiseTranslator(Translator):
    """An engine that needs a step of its own for each direction, the way back included."""

    back: dict[Language, StepBack] | None = Field(
        default=None,
        description="by language, the step that translations into it take back towards English",
    )

    def way_back(self, language: str) -> list[str]:
        back, found = self.back or {}, [language]
        while found[-1] != SOURCE_LANGUAGE:
            if found[-1] not in back:
                return []
            found.append(back[found[-1]].target)
        return found

    def step_back(self, source: str, target: str) -> dict:
        own = self.back[source].plain(without=("target",))
        return self._values(target, {"source": source, **own})

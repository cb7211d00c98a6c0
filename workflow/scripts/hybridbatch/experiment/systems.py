"""Systems, the points of ablations, the training values of each, and the facts of model cards.

Used by the rules and `make plan` on a validated configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hybridbatch.experiment.base import Model
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.layer_scaling import UNIFORM, trainable_of
from hybridbatch.experiment.lookups import (
    UNSTATED,
    all_languages,
    corpus_languages,
    licence,
    multilingual_benchmarks,
    origin,
    steps,
    train_languages,
)
from hybridbatch.experiment.names import (
    ALL_MONOLINGUAL,
    HYBRID,
    LAYER_SCALING,
    NO_LANGUAGE,
    NO_MONOLINGUAL,
    SOURCE_LANGUAGE,
    ZERO_SHOT,
)
from hybridbatch.experiment.outputs import ABLATIONS


@dataclass(frozen=True)
class System:
    """An encoder and a sampling; in an ablation, with one setting changed.

    changed: `alpha`, `temperature`, `batch_size`, `corpus_weighting` (its temperature), `steps` (of
    the whole training, whatever validation says), `pairs` (fraction of the training pairs),
    `languages` (number of languages, in the configuration's order), `without` (the language left
    out), or a kind of adapter (its budget and schedule, such as `96-rising`). value: the value of
    that setting.
    """

    encoder: str
    sampling: str
    changed: str = ""
    value: float | int | str | None = None

    @property
    def trained(self) -> bool:
        """Whether it is fine-tuned; a zero-shot system is the prepared encoder itself."""
        return self.sampling != ZERO_SHOT

    @property
    def variant(self) -> str:
        """The encoder and the changed setting. Samplings are compared within a variant."""
        return f"{self.encoder}@{self.changed}-{self.value}" if self.changed else self.encoder

    @property
    def name(self) -> str:
        """The variant and the sampling, as in the paths of models and metrics."""
        return f"{self.variant}_{self.sampling}"


@dataclass(frozen=True)
class Point:
    """One value of an ablation, as shown in its table, and its system.

    For a reference, which the setting does not change, the value is the name of the sampling.
    """

    value: str
    system: System


@dataclass(frozen=True)
class LayerPoint:
    """A schedule at a budget in the ablation of layers, and its system."""

    adapter: str
    budget: int
    schedule: str
    system: System

    @property
    def group(self) -> str:
        """The name of the points that it is compared with: all but the schedule is the same."""
        system = self.system
        return f"{system.encoder}@{self.adapter}-{self.budget}_{system.sampling}"


def systems(config: Experiment) -> dict[str, System]:
    """The systems to run, by name: every encoder with every sampling, zero-shot ones first.

    Only pretrained encoders have a zero-shot system.
    """
    found = {}
    for encoder in config.encoders:
        samplings = [s for s in config.samplings if s != ZERO_SHOT]
        pairs = [*_references(config, encoder), *(System(encoder, s) for s in samplings)]
        found |= {system.name: system for system in pairs}
    return found


def tower_of(config: Experiment, system: System) -> System | None:
    """The system that is a system's frozen text tower, with the same seed; None without one."""
    entry = config.catalogue.encoders[system.encoder]
    return replace(system, encoder=entry.base) if entry.renders else None


def tower_systems(config: Experiment) -> dict[str, System]:
    """The text towers of all systems of tables and ablations, by name."""
    found = (systems(config) | ablation_systems(config)).values()
    towers = (tower_of(config, system) for system in found)
    return {system.name: system for system in towers if system is not None}


def images_of(config: Experiment, encoder: str) -> str:
    """The encoder whose image tower, and inputs of rendered passages, an encoder has.

    That is the first one with the same tower and the same renderings, so that encoders which differ
    in training alone share them.
    """

    def seen(name: str) -> dict:
        """What an image tower sees: all but how it is trained."""
        return {**config.catalogue.encoders[name].values(), "text": None}

    known = [*config.encoders, *config.ablations.encoders]
    alike = (n for n in known if config.catalogue.encoders[n].renders and seen(n) == seen(encoder))
    return next(alike, encoder)


def without_zero_shot(config: Experiment) -> list[str]:
    """The encoders that have no zero-shot system although the configuration asks for it."""
    asked = ZERO_SHOT in config.samplings
    return [e for e in config.encoders if asked and not config.catalogue.encoders[e].pretrained]


def _references(config: Experiment, encoder: str) -> list[System]:
    """The zero-shot system of an encoder, if the configuration asks for it and it has one."""
    wanted = ZERO_SHOT in config.samplings and config.catalogue.encoders[encoder].pretrained
    return [System(encoder, ZERO_SHOT)] * wanted


def ablation_points(config: Experiment, ablation: str) -> list[Point]:
    """The points of one of ABLATIONS, in the configuration's order.

    A point whose value equals the configuration's own is the system in the main tables, so that
    nothing is trained twice; alpha 1 is x-x-mono and alpha 0 is x-y. Values that need more
    languages than `target_languages` gives are left out: see `unreachable_points`. Zero-shot
    systems come first.
    """
    unreachable = unreachable_points(config).get(ablation, [])
    values = [v for v in getattr(config.ablations, ablation) if v not in unreachable]
    if not values:
        return []
    encoders = config.encoders
    varied = values if ablation == "encoders" else encoders
    references = [system for encoder in varied for system in _references(config, encoder)]
    if ablation == "encoders":
        first = [Point(system.encoder, system) for system in references]
    else:
        first = [Point(ZERO_SHOT, system) for system in references]
    return first + _trained_points(config, ablation, values)


def _trained_points(config: Experiment, ablation: str, values: list) -> list[Point]:
    """The points of an ablation at some of its values."""
    encoders = config.encoders
    if ablation == "alpha":
        return [Point(f"{v:g}", _mixed(config, e, v)) for v in values for e in encoders]
    samplings = config.ablations.samplings
    if ablation == "encoders":
        return [Point(v, System(v, s)) for v in values for s in samplings]
    if ablation == "lareqa":
        return [Point(v, System(e, v)) for v in values for e in encoders]
    if ablation == LAYER_SCALING:
        return [Point(f"{p.budget} {p.schedule}", p.system) for p in layer_points(config)]
    if ablation == "unseen_languages":
        values = [NO_LANGUAGE, *values]
    changed, own = {
        "data_size": ("pairs", lambda _: 1),
        "languages": ("languages", lambda _: len(all_languages(config))),
        "unseen_languages": ("without", lambda _: NO_LANGUAGE),
        "temperature": ("temperature", lambda e: _training(config, e)["temperature"]),
        "batch_size": ("batch_size", lambda e: _training(config, e)["batch_size"]),
        # No own value: without a fixed number of steps, validation decides.
        "steps": ("steps", lambda _: None),
        "corpus_weighting": (
            "corpus_weighting",
            lambda e: _training(config, e)["corpus_weighting"]["temperature"],
        ),
    }[ablation]
    return [
        Point(
            f"{value:g}" if isinstance(value, float) else str(value),
            System(e, s) if value == own(e) else System(e, s, changed, value),
        )
        for value in values
        for e in encoders
        for s in samplings
    ]


def layer_points(config: Experiment) -> list[LayerPoint]:
    """The points of the ablation of layers: encoder, sampling, adapter, budget, schedule.

    A point that the configuration itself trains, with the same seeds, is the system in the main
    tables.
    """
    found = []
    for encoder in config.encoders:
        own = _training(config, encoder).get("trainable")
        for sampling in config.ablations.samplings:
            for scaling in config.ablations.layer_scaling:
                for budget, schedule, trainable in trainable_of(scaling):
                    table = System(encoder, sampling)
                    system = System(encoder, sampling, scaling.adapter, f"{budget}-{schedule}")
                    if trainable == own and seeds_of(config, table) == seeds_of(config, system):
                        system = table
                    found.append(LayerPoint(scaling.adapter, budget, schedule, system))
    return found


def layer_groups(config: Experiment) -> dict[str, dict[str, System]]:
    """The systems that the ablation of layers compares, by group and schedule.

    A difference is an earlier one minus a later one: uniform is the last, and falling is after
    rising.
    """
    groups: dict[str, dict[str, System]] = {}
    order = {"falling": 1, UNIFORM: 2}
    for point in sorted(layer_points(config), key=lambda point: order.get(point.schedule, 0)):
        groups.setdefault(point.group, {})[point.schedule] = point.system
    return groups


def unreachable_points(config: Experiment) -> dict[str, list]:
    """The values that need more languages than are trained on, by ablation.

    They are skipped and not an error, since the command line may shorten `target_languages`.
    Leaving out a language needs two others, since otherwise no batch can be cross-lingual.
    """
    ablations, trained = config.ablations, train_languages(config)
    number = len(all_languages(config))
    without = [] if len(trained) < 3 else [c for c in trained if c != SOURCE_LANGUAGE]
    return {
        "languages": [n for n in ablations.languages if n > number],
        "unseen_languages": [c for c in ablations.unseen_languages if c not in without],
    }


def ablation_systems(config: Experiment) -> dict[str, System]:
    """The systems of all ablations by name, including those that are also in `systems`."""
    points = (point for name in ABLATIONS for point in ablation_points(config, name))
    return {point.system.name: point.system for point in points}


def ablation_benchmarks(config: Experiment, ablation: str) -> list[str]:
    """The benchmarks of an ablation; `lareqa` uses all parallel ones, for published figures."""
    parallel = multilingual_benchmarks(config)
    return parallel if ablation == "lareqa" else config.ablations.benchmarks


def compared_systems(
    config: Experiment, known: Mapping[str, System], variant: str, benchmark: str
) -> list[System]:
    """The systems of a variant that are compared on a benchmark; all have the same seeds.

    known: all systems by name, those of the tables first. On the benchmarks of the main tables, the
    tables' systems are compared, without those that only an ablation has. A sampling that only
    `alpha` or `lareqa` have is in no comparison.
    """
    of_variant = [
        system
        for system in known.values()
        if system.variant == variant and _is_compared(config, system)
    ]
    tables = systems(config)
    first = [system for system in of_variant if system.name in tables]
    return first if first and benchmark in config.benchmarks else of_variant


def _is_compared(config: Experiment, system: System) -> bool:
    return system.sampling in {*config.samplings, *config.ablations.samplings}


def seeds_of(config: Experiment, system: System) -> list[int]:
    """The seeds that a system is trained with: the configuration's, or the first of them.

    All samplings of a variant that are compared have the same. A sampling that only the ablations
    `alpha` or `lareqa` have is compared with none, and takes as few as a changed setting.
    """
    seeds = config.seeds[: config.catalogue.encoders[system.encoder].seeds]
    few = system.changed or not _is_compared(config, system)
    return seeds[: config.ablations.seeds] if few else seeds


def runs_of(config: Experiment, system: System) -> list[int]:
    """The seeds that a system is evaluated with; a zero-shot system has one, 0."""
    return seeds_of(config, system) if system.trained else [0]


def encoder_entry(config: Experiment, encoder: str) -> dict:
    """The encoder's catalogue entry without its `training`, `seeds` and `licence`."""
    return config.catalogue.encoders[encoder].values()


def training_values(config: Experiment, system: System) -> dict:
    """The values of a training.config.TrainConfig; alpha is None except for hybrid sampling."""
    sampling = config.catalogue.samplings[system.sampling]
    values = {
        **_training(config, system.encoder),
        "sampling": sampling.kind,
        "alpha": sampling.alpha,
        "pairs": 1.0,
    }
    if system.changed == "steps":
        # There are fewer validations than steps, so patience never ends training.
        return values | {"max_steps": system.value, "patience": system.value}
    if system.changed == "corpus_weighting":
        return values | {"corpus_weighting": {"temperature": float(system.value)}}
    for scaling in config.ablations.layer_scaling:
        if scaling.adapter == system.changed:
            named = {f"{budget}-{name}": of for budget, name, of in trainable_of(scaling)}
            return values | {"trainable": named[system.value]}
    if system.changed in values:
        values[system.changed] = type(values[system.changed] or 0.0)(system.value)
    return values


def system_languages(config: Experiment, corpus: str, system: System) -> list[str]:
    """The languages of a corpus that a system is trained on, always including the corpus' own."""
    languages = corpus_languages(config, corpus)
    if system.changed == "languages":
        kept = all_languages(config)[: system.value]
        return [languages[0], *(code for code in languages[1:] if code in kept)]
    if system.changed == "without":
        return [languages[0], *(code for code in languages[1:] if code != system.value)]
    return languages


def card_corpora(config: Experiment, system: System) -> list[dict]:
    """The corpora of a system: the values of tables.model_card.Corpus except `pairs`."""
    found = []
    for name in config.corpora:
        languages = system_languages(config, name, system)
        parallel = config.catalogue.corpora[name].parallel_languages is not None
        found.append(
            {
                "name": name,
                "origin": origin(config, name),
                "licence": licence(config, name),
                "languages": languages,
                "translated": [] if parallel else languages[1:],
            }
        )
    return found


def card_facts(config: Experiment, system: System) -> dict:
    """The values of tables.model_card.Facts for a system, except `corpora`."""
    entry = config.catalogue.encoders[system.encoder]
    base = f"None: a {entry.kind} encoder, trained from random weights."
    if entry.renders:
        tower = tower_of(config, system).name
        base = f"Text tower, frozen: the system {tower}. Image tower: {entry.image.kind}."
    elif entry.pretrained:
        base = f"{_pinned(entry)}; licence: {entry.licence or UNSTATED}."
    translated = {c for of in card_corpora(config, system) for c in of["translated"]}
    return {
        "system": system.name,
        "sampling": system.sampling,
        "base": base,
        "hub_name": entry.model if getattr(entry, "revision", None) else None,
        "translator": _translator(config),
        "ways": ["-".join(steps(config, code)) for code in sorted(translated)],
        "validation": [[name, licence(config, name)] for name in config.validation],
        "seen": train_languages(config),
        "scale": config.scale,
    }


def data_card_facts(config: Experiment, corpus: str) -> dict:
    """The values of tables.data_card.Facts for the train sets of a corpus."""
    languages = corpus_languages(config, corpus)
    parallel = config.catalogue.corpora[corpus].parallel_languages is not None
    translated = [] if parallel else languages[1:]
    return {
        "name": corpus,
        "origin": origin(config, corpus),
        "licence": licence(config, corpus),
        "languages": languages,
        "translated": translated,
        "translator": _translator(config),
        "ways": ["-".join(steps(config, code)) for code in translated],
        "filtering": config.filtering.plain(),
    }


def _translator(config: Experiment) -> str:
    """The configuration's translator with its licence, as cards name it."""
    translator = config.catalogue.translators[config.translator]
    named = _pinned(translator) if hasattr(translator, "model") else config.translator
    return f"{named}; licence: {translator.licence or UNSTATED}"


def _mixed(config: Experiment, encoder: str, alpha: float) -> System:
    """Hybrid sampling with this alpha; at 0 and 1, the sampling that it equals."""
    if alpha in (0, 1):
        return System(encoder, ALL_MONOLINGUAL if alpha else NO_MONOLINGUAL)
    if alpha == config.catalogue.samplings[HYBRID].alpha:
        return System(encoder, HYBRID)
    return System(encoder, HYBRID, "alpha", alpha)


def _training(config: Experiment, encoder: str) -> dict:
    own = config.catalogue.encoders[encoder].training
    return {**config.training.plain(), **(own.plain() if own else {})}


def _pinned(entry: Model) -> str:
    """A model's name, with its revision if it comes from the hub."""
    return entry.model + (f" at revision {entry.revision}" if entry.revision else "")

"""Checks of encoders that learn from rendered passages, and of the benchmarks beside others."""

from collections.abc import Iterator

from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.encoders.text_image import VisionModel, VisualWords
from hybridbatch.experiment.names import ZERO_SHOT
from hybridbatch.experiment.problems import not_in_catalogue


def wrong_rendered(config: Experiment) -> Iterator[str]:
    """The messages of all checks of this module: the key, what is wrong with it, what to do."""
    yield from _wrong_towers(config)
    yield from _wrong_losses(config)
    yield from _wrong_beside(config)


def _wrong_towers(config: Experiment) -> Iterator[str]:
    """Text towers that there are none of, or in another space than their image towers."""
    known = config.catalogue.encoders
    for name in _rendering(config):
        entry, where = known[name], f"catalogue.encoders.{name}"
        if entry.base not in known:
            yield from not_in_catalogue("encoders", known, f"{where}.text", [entry.base])
            continue
        base = known[entry.base]
        if base.renders or "text" not in base.modalities["candidate"]:
            yield f"{where}.text: {entry.base!r} is no encoder of texts"
            continue
        # The tower embeds queries, and as the teacher the texts of passages.
        limits = {base.limit(side) for side in ("query", "candidate")}
        limit = limits.pop() if len(limits) == 1 else None
        if limit is None:
            yield (
                f"{where}.text: {entry.base!r} cuts queries and passages at different lengths, and "
                f"{name} needs a tower with one limit; choose another"
            )
        for key, theirs in (("dimension", base.width), ("max_tokens", limit)):
            own = getattr(entry, key)
            if theirs is not None and own != theirs:
                yield (
                    f"{where}.{key}: {own}, and that of {entry.base!r} is {theirs:g}; give both "
                    "the same"
                )
        if isinstance(entry.image, VisualWords) and entry.image.dimension != entry.dimension:
            yield (
                f"{where}.image.dimension: {entry.image.dimension}, and that of the common space "
                f"is {entry.dimension}; give both the same"
            )
        if isinstance(entry.image, VisionModel) and not (entry.image.trained or entry.image.head):
            yield (
                f"{where}.image: is frozen and has no head, so that nothing would be trained; set "
                "`trained` or `head`"
            )
        towers = config.seeds[: base.seeds]
        if not set(config.seeds[: entry.seeds]) <= set(towers):
            yield (
                f"{where}.seeds: more than the {len(towers)} of its text towers, {entry.base!r}; "
                f"set it to {len(towers)}"
            )
    if _rendering(config) and config.samplings == [ZERO_SHOT]:
        yield f"samplings: {ZERO_SHOT!r} alone trains no text tower; add another"


def _wrong_losses(config: Experiment) -> Iterator[str]:
    """Teachers that there are none of, and students that are frozen."""
    known, rendering = config.catalogue.encoders, _rendering(config)
    used = [*config.encoders, *config.ablations.encoders, *(known[n].base for n in rendering)]
    for name in dict.fromkeys(used):
        if name not in known:
            continue
        entry = known[name]
        own = entry.training.loss if entry.training else None
        loss = own or config.training.loss
        where = f"catalogue.encoders.{name}.training.loss" if own else "training.loss"
        if loss is not None and loss.clustering and entry.renders:
            yield (
                f"{where}.clustering: the text tower of {name} is frozen, so that its texts cannot "
                f"move; give {name} a loss of its own without it"
            )
        if loss is None or not loss.distillation:
            continue
        if not entry.renders:
            yield (
                f"{where}.distillation: must be 0, as no teacher's vectors are made for the texts "
                f"of {name}"
            )
        elif loss.student != "candidate":
            yield (
                f"{where}.student: {loss.student!r}, and {name} trains the tower of images; set it "
                "to candidate"
            )


def _wrong_beside(config: Experiment) -> Iterator[str]:
    """Benchmarks in the table of one that they are not parallel to."""
    known = config.catalogue.benchmarks
    for name, entry in known.items():
        where = f"catalogue.benchmarks.{name}.beside"
        for other in getattr(entry, "beside", ()):
            if other not in known:
                yield from not_in_catalogue("benchmarks", known, where, [other])
            elif other == name:
                yield f"{where}: {name!r} is its own table; take it out"
            elif not known[other].parallel or known[other].approximate:
                yield f"{where}: {other!r} is no parallel benchmark that is ranked exactly"
            elif _files(known[other]) != _files(entry):
                yield f"{where}: {other!r} has other files, and so other questions and sentences"
            elif known[other].languages != entry.languages:
                yield (
                    f"{where}: {other!r} has other languages "
                    f"({', '.join(known[other].languages)}), so that means over them cannot be "
                    "compared; give both the same"
                )


def _files(entry: Benchmark) -> list:
    """The keys that name the files of its texts."""
    return [getattr(entry, key, None) for key in ("source", "file", "path")]


def _rendering(config: Experiment) -> list[str]:
    """The encoders in use that learn from rendered passages."""
    names = dict.fromkeys([*config.encoders, *config.ablations.encoders])
    known = config.catalogue.encoders
    return [name for name in names if name in known and known[name].renders]

"""Queries on the section `image_text`: towers, systems, languages, training values, wrong keys.

A *tower* is a text tower: the sampling of one of the tables' systems, or the encoder's own model. A
system is a tower and the sampling of the captions that it was trained on beside images.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.encoders.text_image import Config as TextImage
from hybridbatch.experiment.encoders.text_image import ImageTower, TextTower
from hybridbatch.experiment.names import SOURCE_LANGUAGE, ZERO_SHOT
from hybridbatch.experiment.problems import did_you_mean, not_in_catalogue
from hybridbatch.experiment.training import Loss

# The captions of the system that is trained on those of the wrong images.
SHUFFLED = "shuffled"
_ENGLISH = "en-en"  # the kind of samplings of English captions alone
# By kind: keys that name images which are fetched once, and what entries may differ in.
_PHOTOGRAPHS = {
    "xtd10": (("source", "names"), "title, languages, captions and `subset`"),
    "xm3600": (("source", "captions", "archive_source", "archive"), "title and languages"),
}


@dataclass(frozen=True)
class ImageSystem:
    """A text tower and the sampling of the captions; SHUFFLED for those of the wrong images."""

    tower: str
    captions: str

    @property
    def name(self) -> str:
        """As in the paths of models and metrics."""
        return f"{self.tower}_{self.captions}"


def encoder(config: Experiment) -> TextImage:
    """The entry of the encoder of images and texts."""
    return config.catalogue.encoders[config.image_text.encoder]


def towers(config: Experiment) -> dict[str, variants.System | None]:
    """The text towers by name, with the tables' system that each one is; None for another model.

    Empty without the section, or where the tables have no system with the tower's encoder. Only
    samplings that the tables have count, since the command line may shorten their list.
    """
    if config.image_text is None:
        return {}
    base = encoder(config).base
    if base is None:
        return {config.image_text.encoder: None}
    of_tables = variants.systems(config)
    found = {name: variants.System(base, name) for name in config.image_text.text_towers}
    return {name: system for name, system in found.items() if system.name in of_tables}


def left_out(config: Experiment) -> list[str]:
    """The text towers that the tables have no system for."""
    if config.image_text is None or encoder(config).base is None:
        return []
    there = towers(config)
    return [name for name in config.image_text.text_towers if name not in there]


def systems(config: Experiment) -> dict[str, ImageSystem]:
    """All systems by name, the control last: one, with the last tower and the last captions."""
    found = [
        ImageSystem(tower, captions)
        for tower in towers(config)
        for captions in config.image_text.captions
    ]
    if found and config.image_text.control:
        found.append(ImageSystem(found[-1].tower, SHUFFLED))
    return {system.name: system for system in found}


def is_made(config: Experiment) -> bool:
    """Whether the configuration has anything of images and texts to train."""
    return bool(towers(config))


def seeds(config: Experiment) -> list[int]:
    """The seeds of both towers."""
    found = config.seeds[: config.image_text.seeds]
    base = encoder(config).base
    limit = None if base is None else config.catalogue.encoders[base].seeds
    return found[:limit]


def text_seed(config: Experiment, tower: str, seed: int) -> int:
    """The seed of the text tower's system; one that is not trained has one, 0."""
    system = towers(config)[tower]
    return seed if system is None or system.trained else 0


def splits(config: Experiment) -> list[int]:
    """The numbers of the splits of the corpus."""
    return list(range(config.image_text.splits))


def test_split(config: Experiment, benchmark: str, split: int) -> int:
    """The split of a benchmark that a model of a split is tested on: 0 where there is only one."""
    return split if config.catalogue.benchmarks[benchmark].training_splits else 0


def tested_splits(config: Experiment, benchmark: str) -> list[int]:
    """The splits of a benchmark that models are tested on."""
    return list(dict.fromkeys(test_split(config, benchmark, of) for of in splits(config)))


def trained_languages(config: Experiment, captions: str) -> list[str]:
    """The languages of the captions that a system is trained on: English, then the others sorted.

    Batches depend on their order, and so it must not be that of a list in the configuration.
    """
    if _sampling(config, captions).kind == _ENGLISH:
        return [SOURCE_LANGUAGE]
    return [SOURCE_LANGUAGE, *sorted(set(config.image_text.languages) - {SOURCE_LANGUAGE})]


def training_values(config: Experiment, captions: str) -> dict:
    """The values of a training.config.TrainConfig."""
    sampling = _sampling(config, captions)
    own = encoder(config).training
    return {
        **config.image_text.training.plain(),
        **(own.plain() if own else {}),
        "sampling": sampling.kind,
        "alpha": sampling.alpha,
        "pairs": 1.0,
    }


def _sampling(config: Experiment, captions: str):
    name = config.image_text.captions[-1] if captions == SHUFFLED else captions
    return config.catalogue.samplings[name]


def split_files(config: Experiment, benchmark: str, split: int) -> dict[str, dict[str, str]]:
    """The files of a split of a benchmark, by language and by the names that its kind expects."""
    entry = config.catalogue.benchmarks[benchmark]
    return {
        language: lookups.named_files(config, benchmark, entry.files_of_split(language, split))
        for language in entry.languages
    }


def card_facts(config: Experiment, name: str) -> dict:
    """The values of tables.image_card.ImageFacts for a system."""
    system, entry = systems(config)[name], encoder(config)
    base = towers(config)[system.tower]
    tower = entry.text.model if base is None else f"the system {base.name}"
    if base is None and entry.text.revision:
        tower += f" at revision {entry.text.revision}"
    return {
        "system": name,
        "text_tower": tower,
        "licence": entry.licence or lookups.UNSTATED,
        "captions": _sampling(config, system.captions).kind,
        "shuffled": system.captions == SHUFFLED,
        "languages": trained_languages(config, system.captions),
        "corpus": config.catalogue.benchmarks[config.image_text.corpus].title,
    }


def known_languages(config: Experiment) -> list[str]:
    """The languages that the text towers were trained on, as far as the tables' systems tell."""
    return [] if encoder(config).base is None else sorted(lookups.train_languages(config))


def wrong_image_text(config: Experiment) -> Iterator[str]:
    """The messages of all checks of the section."""
    section, catalogue = config.image_text, config.catalogue
    yield from _wrong_emoji(config)
    yield from _wrong_photographs(config)
    if section is None:
        return
    for of, key, names in (
        ("encoders", "encoder", [section.encoder]),
        ("samplings", "text_towers", section.text_towers),
        ("samplings", "captions", section.captions),
        ("benchmarks", "corpus", [section.corpus]),
        ("benchmarks", "benchmarks", section.benchmarks),
        ("encoders", "not_run", section.not_run),
    ):
        yield from not_in_catalogue(of, getattr(catalogue, of), f"image_text.{key}", names)
    yield from _wrong_encoder(config)
    for name in section.not_run:
        if name == section.encoder:
            yield f"image_text.not_run: {name!r} is the section's encoder, which is run"
        elif name in catalogue.encoders and not isinstance(catalogue.encoders[name], TextImage):
            yield f"image_text.not_run: {name!r} is of kind {catalogue.encoders[name].kind}"
    for name in section.captions:
        if name == SHUFFLED:
            yield f"image_text.captions: {name!r} is the control's name; choose another"
        elif name in catalogue.samplings and catalogue.samplings[name].kind == ZERO_SHOT:
            yield f"image_text.captions: {name!r} trains nothing; take it out"
        elif (
            name in catalogue.samplings
            and catalogue.samplings[name].kind in ("x-y", "hybrid")
            and len(section.languages) < 2
        ):
            yield f"image_text.languages: has one language, and {name} mixes several; add another"
    if SOURCE_LANGUAGE not in section.languages:
        yield (f"image_text.languages: {SOURCE_LANGUAGE!r} is missing; validation is in English")
    pairs = [f"{tower}_{of}" for tower in section.text_towers for of in section.captions]
    for twice in {name for name in pairs if pairs.count(name) > 1}:
        yield f"image_text: two systems would have one name, {twice}; rename a sampling"
    yield from _wrong_benchmarks(config)


def _wrong_encoder(config: Experiment) -> Iterator[str]:
    section, known = config.image_text, config.catalogue.encoders
    entry = known.get(section.encoder)
    if entry is None:
        return
    if not isinstance(entry, TextImage):
        yield (
            f"image_text.encoder: {section.encoder!r} is of kind {entry.kind}, and one of kind "
            "text_image embeds texts and images"
        )
    elif entry.base is None and section.text_towers:
        yield (
            f"image_text.text_towers: {section.encoder!r} names a text tower of its own; leave the "
            "list empty, or give the tower kind: system"
        )
    elif entry.base is not None:
        where = f"catalogue.encoders.{section.encoder}.text.encoder"
        if not section.text_towers:
            yield "image_text.text_towers: [] must not be empty"
        if entry.base not in known:
            yield from not_in_catalogue("encoders", known, where, [entry.base])
        elif "text" not in known[entry.base].modalities["candidate"]:
            yield f"{where}: {entry.base!r} is no encoder of texts"
    if isinstance(entry, TextImage):
        if not _learns(entry.text) and not _learns(entry.image):
            yield (
                f"catalogue.encoders.{section.encoder}: both towers are frozen and have no head, "
                "so that nothing would be trained; set `trained` or `head` of one"
            )
        yield from _wrong_loss(config, entry)


def _learns(tower: TextTower | ImageTower) -> bool:
    # A network or a table from random weights has neither key, and is always trained.
    return getattr(tower, "trained", True) or getattr(tower, "head", True)


def _wrong_loss(config: Experiment, entry: TextImage) -> Iterator[str]:
    """Terms of the loss that need a teacher at rest, or texts or images that move."""
    section = config.image_text
    own = entry.training.loss if entry.training else None
    loss = own or section.training.loss
    where = f"catalogue.encoders.{section.encoder}" if own else "image_text"
    if loss is not None and loss.distillation:
        yield from _wrong_teacher(config, entry, loss, f"{where}.training.loss")
    if loss is not None and loss.clustering and not (entry.text.trained or entry.text.head):
        yield (
            f"{where}.training.loss.clustering: the text tower of {section.encoder} is frozen and "
            "has no head, so that its texts cannot move; leave it out, or give the tower a head"
        )


def _wrong_teacher(config: Experiment, entry: TextImage, loss: Loss, where: str) -> Iterator[str]:
    """A teacher, which is the frozen text tower, in another space; students that cannot learn.

    where: the key of the loss.
    """
    name, known = config.image_text.encoder, config.catalogue.encoders
    tower = f"catalogue.encoders.{name}"
    if entry.text.trained:
        yield (
            f"{where}.distillation: the teacher is the text tower of {name}, which is trained and "
            f"would move; set {tower}.text.trained to false, or the weight to 0"
        )
        return
    base = known.get(entry.base)
    # That of another model is not known before its job (`encoders.captions.check_teacher`).
    width = base.width if base and "text" in base.modalities["candidate"] else None
    if width not in (None, entry.dimension):
        yield (
            f"{tower}.dimension: {entry.dimension}, and the vectors of the teacher, a system of "
            f"{entry.base!r}, have {width}; set it to {width}"
        )
    image, of_texts = _learns(entry.image), loss.student == "query"
    if not (entry.text.head if of_texts else image):
        yield (
            f"{where}.student: {loss.student!r}, and the {'text' if of_texts else 'image'} tower "
            f"of {name} is frozen and has no head, so that it cannot learn; give it a head, or set "
            f"the student to {'candidate' if of_texts else 'query'}"
        )
    if loss.contrastive:
        return
    if not of_texts and entry.text.head:
        yield (
            f"{tower}.text.head: with a `contrastive` of 0 and the student candidate, nothing "
            "would train the texts' head, which would stay random; set it to false"
        )
    samplings = config.catalogue.samplings
    others = [
        name
        for name in config.image_text.captions
        if name in samplings and samplings[name].kind != _ENGLISH
    ]
    if not of_texts and others:
        yield (
            f"image_text.captions: {', '.join(others)}, and with a `contrastive` of 0 and the "
            "student candidate only the English captions that the teacher reads enter the loss; "
            "name a sampling of English captions alone, such as en-en"
        )
    if of_texts and image:
        yield (
            f"{tower}.image: with a `contrastive` of 0 and the student query, nothing would train "
            "the images' tower or head; choose a pretrained tower with `trained` and `head` false, "
            f"or set {where}.contrastive above 0"
        )
    if of_texts and config.image_text.control:
        yield (
            "image_text.control: with a `contrastive` of 0 and the student query, no image enters "
            "the loss, so that wrong ones would change nothing; set it to false"
        )


def _wrong_benchmarks(config: Experiment) -> Iterator[str]:
    section, known = config.image_text, config.catalogue.benchmarks
    corpus = known.get(section.corpus)
    if corpus is not None and corpus.training_splits < section.splits:
        yield (
            f"image_text.splits: {section.splits}, and {section.corpus!r} has "
            f"{corpus.training_splits} splits into images to train on and to test"
        )
    if corpus is not None:
        yield from _wrong_languages(config, corpus)
    for name in section.benchmarks:
        if name not in known:
            continue
        if known[name].modality != "image" or known[name].parallel:
            yield f"image_text.benchmarks: {name!r} is no benchmark of captions and images"


def _wrong_photographs(config: Experiment) -> Iterator[str]:
    """Entries of one kind with other images: these are fetched once, to one place."""
    for kind, (keys, may) in _PHOTOGRAPHS.items():
        entries = {n: e for n, e in config.catalogue.benchmarks.items() if e.kind == kind}
        first = next(iter(entries), None)
        for name, entry in entries.items():
            for key in keys:
                if getattr(entry, key) != getattr(entries[first], key):
                    yield (
                        f"catalogue.benchmarks.{name}.{key}: images are fetched once, and "
                        f"{first!r} names others; only {may} may differ"
                    )


def _wrong_languages(config: Experiment, corpus: Benchmark) -> Iterator[str]:
    """Languages that the corpus has no captions in, and that none are translated into."""
    section, translator = config.image_text, config.catalogue.translators.get(config.translator)
    for code in section.languages:
        if code in corpus.languages:
            continue
        where = f"image_text.languages: {section.corpus!r} has no captions in {code!r}"
        if not corpus.translated:
            yield f"{where}{did_you_mean(code, corpus.languages)}"
        elif SOURCE_LANGUAGE not in corpus.languages:
            yield f"{where}, and none in {SOURCE_LANGUAGE!r} that could be translated"
        elif translator is not None and code not in translator.routes:
            hint = did_you_mean(code, translator.routes)
            yield f"{where}, and {config.translator} has no route to it{hint}"


def _wrong_emoji(config: Experiment) -> Iterator[str]:
    """Entries of emoji that differ in what they are made of: they are made once, in one place."""
    entries = {n: e for n, e in config.catalogue.benchmarks.items() if e.kind == "emoji"}
    made = {name: (entry.making, entry.splits) for name, entry in entries.items()}
    first = next(iter(made), None)
    for name, values in made.items():
        if values != made[first]:
            yield (
                f"catalogue.benchmarks.{name}: emoji are made once, and {first!r} makes them "
                "otherwise; only title, languages and `split` may differ"
            )

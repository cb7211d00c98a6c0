"""Emoji as images with names in a hundred languages: concepts, their groups, and splits.

The names are CLDR's (`cldr`), the pictures a font's (`emoji_font`). A *concept* is an emoji that
has an English name and a picture. This is retrieval of labels, not of captions, and it is free,
massively multilingual, and needs packages only.

Variants of skin tone are left out: their pictures differ by a hue, and their names by a phrase that
is the same for all. Variants of gender, hair and direction are concepts of one *group*, which is
never split between training and test. So are emoji that have one picture. Clock faces and flags are
trained on and never tested: they are hundreds, all alike, and their names are times and countries.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from scipy.cluster.hierarchy import DisjointSet

from hybridbatch.data import cldr
from hybridbatch.data.captions import (
    TEST,
    TRAIN,
    VALIDATION,
    caption_table,
    without_shared,
    write_images,
)
from hybridbatch.data.emoji_font import FONT, EmojiFont
from hybridbatch.data.images import decoded
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_json, write_table
from hybridbatch.runtime.logs import log

ENGLISH = "en"
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_JOINER = "\u200d"
# After a joiner: the signs of gender, and the four kinds of hair.
_GENDER_OR_HAIR = re.compile(f"{_JOINER}[\u2640\u2642\U0001f9b0-\U0001f9b3]")
_CLOCKS = re.compile("[\U0001f550-\U0001f567]")
# Regional indicators, the black flag of England, Scotland and Wales, and flags with a sign on them.
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]|[\U0001f3f3\U0001f3f4]")
_WORD = re.compile(r"[a-z0-9]+")
# Words of English names that tell variants of one concept apart, or say nothing.
_VARIANT_WORDS = frozenset(
    _WORD.findall(
        "man men woman women person people boy girl child boys girls children male female mr mrs "
        "mx santa left right up down upwards downwards leftwards rightwards facing pointing tilted "
        "turn upper lower forward reverse and with of the in a s"
    )
)
# Words that differ by gender alone.
_ONE_OF_BOTH = {
    "princess": "prince",
    "mermaid": "merperson",
    "merman": "merperson",
    "grandmother": "grandparent",
    "grandfather": "grandparent",
    "older": "old",
}


@dataclass(frozen=True)
class Concept:
    """An emoji with an English name and a picture.

    id: its code points in hexadecimal, such as `1f469-200d-1f692`. group: the one of its variants,
    and of the emoji that have the same picture, unless none of them may be tested.
    testable: whether it may be in a test set.
    """

    id: str
    sequence: str
    group: str
    testable: bool


@dataclass(frozen=True)
class Emoji:
    """All concepts, sorted by id, and what was left out.

    images: PNG files by id. counts: `named`, the English names; `without_image`, those without a
    picture; `skin_tones`, variants that are left out; `hidden`, pictures of which nothing shows on
    white; `concepts`. versions: of CLDR and of the font.
    """

    concepts: tuple[Concept, ...]
    images: dict[str, bytes]
    counts: dict[str, int]
    versions: dict[str, str]


def id_of(sequence: str) -> str:
    """The id of a sequence: its code points, without the one that asks for a picture."""
    return "-".join(f"{ord(c):x}" for c in sequence if c != cldr.VARIATION)


def read_emoji(common: str | Path = cldr.COMMON, font: str | Path = FONT) -> Emoji:
    """The concepts that CLDR names in English and the font has a picture of.

    Raises `DataError` that names the Debian package where one is missing, and where nothing has
    both.
    """
    names = cldr.read_annotations(ENGLISH, common).names
    pictures = EmojiFont(font)
    images: dict[str, bytes] = {}
    concepts: list[Concept] = []
    counts = dict.fromkeys(("named", "without_image", "skin_tones", "hidden", "concepts"), 0)
    counts["named"] = len(names)
    for sequence in sorted(names, key=id_of):
        if _SKIN.search(sequence) and not _SKIN.fullmatch(sequence):
            counts["skin_tones"] += 1
            continue
        image = None if len(sequence) == 1 and sequence.isascii() else pictures.image(sequence)
        if image is None:
            counts["without_image"] += 1
            continue
        id_ = id_of(sequence)
        try:
            decoded(image, f"{font}: {sequence} ({id_})")
        except DataError as error:
            log.warning("%s", error)
            counts["hidden"] += 1
            continue
        images[id_] = image
        concepts.append(
            Concept(id_, sequence, group_of(sequence, names), may_be_tested(sequence, names))
        )
    if not concepts:
        raise DataError(f"{font}: has a picture of none of the {len(names)} names in {common}.")
    counts["concepts"] = len(concepts)
    versions = {"cldr": cldr.version(common), "font": pictures.version}
    return Emoji(tuple(with_pictures_joined(concepts, images)), images, counts, versions)


def with_pictures_joined(concepts: Sequence[Concept], images: Mapping[str, bytes]) -> list[Concept]:
    """The concepts, with one group for those of equal pictures and all of their groups.

    images: PNG files by id. A picture that was trained on would else be tested under another id.
    Where none of the groups may be tested, such as those of flags, all are trained on anyway, and
    they keep their names. A group of several has the name that is first in the alphabet.
    """
    groups = DisjointSet(concept.group for concept in concepts)
    first: dict[bytes, str] = {}
    for concept in concepts:
        groups.merge(concept.group, first.setdefault(images[concept.id], concept.group))
    tested = {concept.group for concept in concepts if concept.testable}
    names: dict[str, str] = {}
    for joined in groups.subsets():
        if len(joined) > 1 and joined & tested:
            log.info("groups of emoji with equal pictures are one: %s", ", ".join(sorted(joined)))
            names |= dict.fromkeys(joined, min(joined))
    return [replace(of, group=names.get(of.group, of.group)) for of in concepts]


def group_of(sequence: str, english: Mapping[str, str]) -> str:
    """The name of the group of an emoji: variants of skin, gender, hair and direction share one.

    english: names by sequence. It is made of the words of the English name of the emoji without
    skin tones, signs of gender and hair, less the words that tell variants apart. A name of nothing
    else, such as `woman`, is of the group `person`; `right arrow` and `up arrow` are of `arrow`.
    """
    if _SKIN.fullmatch(sequence):
        return "skin tone"
    plain = _GENDER_OR_HAIR.sub("", _SKIN.sub("", sequence))
    name = english.get(plain) or english.get(sequence) or id_of(plain)
    # What follows a colon are the persons of a family or kiss; of a keycap or flag it is the thing.
    before, _, after = name.lower().partition(":")
    words = _variant_free(before)
    if not words:
        return "person"
    if before in ("flag", "keycap") or _FLAG.match(sequence):
        words += _WORD.findall(after) or [id_of(sequence)]
    return " ".join(words)


def may_be_tested(sequence: str, english: Mapping[str, str]) -> bool:
    """Whether an emoji may be tested: it is no clock face and no flag."""
    named = "flag" in _WORD.findall(english.get(sequence, "").lower())
    return not (_CLOCKS.fullmatch(sequence) or _FLAG.match(sequence) or named)


def splits(
    concepts: Sequence[Concept], number: int, test: int, validation: int, seed: int
) -> list[dict[str, str]]:
    """By concept id TRAIN, VALIDATION or TEST, for each of `number` splits.

    A group is in one part only. test, validation: how many concepts each has at least; it has more
    only by the rest of its last group. The test sets do not overlap, so that different splits test
    different concepts. What may not be tested is trained on. The order of groups is that of a hash
    of seed and name, so another concept more or less moves few others. Raises `DataError`, with the
    counts, if there are too few concepts.
    """
    members: dict[str, list[str]] = {}
    for concept in concepts:
        members.setdefault(concept.group, []).append(concept.id)
    closed = {concept.group for concept in concepts if not concept.testable}
    free = [group for group in members if group not in closed]
    there = sum(len(members[group]) for group in free)
    if there < number * test + validation:
        raise DataError(
            f"{number} test sets of {test} emoji and {validation} for validation are asked for, "
            f"and {there} of {len(concepts)} may be tested."
        )
    order = iter(sorted(free, key=lambda group: _hash(seed, "test", group)))
    tests = [_filled(order, members, test) for _ in range(number)]
    found = []
    for which, tested in enumerate(tests):
        left = sorted(set(free) - set(tested), key=lambda g: _hash(seed, f"validation{which}", g))
        held = _filled(iter(left), members, validation)
        parts = dict.fromkeys(tested, TEST) | dict.fromkeys(held, VALIDATION)
        found.append({c.id: parts.get(c.group, TRAIN) for c in concepts})
        if not {TRAIN} <= set(found[-1].values()):
            raise DataError(f"split {which}: no emoji are left to train on; ask for smaller sets.")
    return found


def names_by_language(
    emoji: Emoji, common: str | Path = cldr.COMMON, languages: Iterable[str] | None = None
) -> dict[str, cldr.Annotations]:
    """CLDR's names and keywords of the concepts, by concept id, in each language.

    languages: all that CLDR has if None.
    """
    found, sequences = {}, {concept.sequence for concept in emoji.concepts}
    for language in cldr.languages(common) if languages is None else languages:
        of = cldr.read_annotations(language, common, sequences)
        found[language] = cldr.Annotations(
            {c.id: of.names[c.sequence] for c in emoji.concepts if c.sequence in of.names},
            {c.id: of.keywords[c.sequence] for c in emoji.concepts if c.sequence in of.keywords},
        )
    return found


def with_enough(
    names: Mapping[str, cldr.Annotations], asked: int, languages: Sequence[str] | None = None
) -> tuple[list[str], dict[str, int]]:
    """The languages that name at least `asked` concepts, and the others with their numbers.

    languages: those that were asked for by name; one of them with fewer names raises `DataError`
    that gives both numbers. Without it, languages with fewer are left out and logged.
    """
    numbers = {language: len(of.names) for language, of in names.items()}
    few = {language: n for language, n in sorted(numbers.items()) if n < asked}
    for language in languages or ():
        if language not in numbers or language in few:
            raise DataError(
                f"{language}: CLDR names {numbers.get(language, 0):,} of the emoji in it, and "
                f"{asked:,} are asked for. Leave it out, or ask for fewer."
            )
    if few and languages is None:
        told = ", ".join(f"{language} {n}" for language, n in few.items())
        log.info("%d languages name fewer than %d emoji: %s", len(few), asked, told)
    chosen = sorted(numbers) if languages is None else languages
    return [language for language in chosen if language not in few], few


def emoji_captions(
    emoji: Emoji,
    names: Mapping[str, cldr.Annotations],
    split: Mapping[str, str],
    keywords: bool = False,
) -> tuple[pa.Table, dict[str, int]]:
    """Captions of CAPTION_SCHEMA, and by language how many names were left out as ambiguous.

    split: one of `splits`. A name that several concepts have in a language is the caption of none
    of them. keywords: whether training concepts also have each of their keywords as a caption, as
    far as these are of one concept alone.
    """

    def rows(captions: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[tuple]:
        groups = {concept.id: concept.group for concept in emoji.concepts}
        for language, found in captions.items():
            for id_, text in found:
                yield id_, language, text, split[id_], groups[id_]

    of_names = {language: list(of.names.items()) for language, of in names.items()}
    table, dropped = without_shared(caption_table(rows(of_names)))
    if keywords:
        of_keywords = {
            language: [
                (id_, keyword)
                for id_, words in of.keywords.items()
                if split[id_] == TRAIN
                for keyword in words
            ]
            for language, of in names.items()
        }
        more = caption_table(rows(of_keywords))
        kept, _ = without_shared(
            more, among=pa.concat_tables([caption_table(rows(of_names)), more])
        )
        table = pa.concat_tables([table, kept])
    return table, dropped


def write_emoji(
    images: str | Path,
    captions: Sequence[str | Path],
    counts: str | Path,
    *,
    languages: Sequence[str],
    names: int,
    test: int,
    validation: int,
    seed: int,
    keywords: bool = False,
    common: str | Path = cldr.COMMON,
    font: str | Path = FONT,
) -> None:
    """Write the benchmark and its training data, from the installed packages.

    images: a table of IMAGE_SCHEMA. captions: for each split, the path of a table of
    CAPTION_SCHEMA, which stores the keys `split` and `seed`. counts: JSON of `Emoji.counts`, of its
    `versions`, by language the number of names (`named_by_language`) and of those that are left out
    as `ambiguous`, and for each of `splits` the number of concepts in each part. names: how many
    CLDR has to have in each of `languages`. Others as for `splits` and `emoji_captions`. Raises
    `DataError` as these and `with_enough` do.
    """
    emoji = read_emoji(common, font)
    of = names_by_language(emoji, common, languages)
    with_enough(of, names, languages)
    found = splits(emoji.concepts, len(captions), test, validation, seed)
    dropped: dict[str, int] = {}
    for number, (path, split) in enumerate(zip(captions, found, strict=True)):
        table, dropped = emoji_captions(emoji, of, split, keywords)
        write_table(path, table, {"split": number, "seed": seed})
    write_images(images, emoji.images.items(), len(emoji.images))
    told = {
        **emoji.counts,
        "versions": emoji.versions,
        "named_by_language": {
            language: len(annotations.names) for language, annotations in of.items()
        },
        "ambiguous": dropped,
        "splits": [dict(Counter(split.values())) for split in found],
    }
    write_json(counts, told)


def _variant_free(name: str) -> list[str]:
    words = [_ONE_OF_BOTH.get(word, word) for word in _WORD.findall(name)]
    return [word for word in words if word not in _VARIANT_WORDS]


def _filled(order: Iterator[str], members: Mapping[str, Sequence[str]], size: int) -> list[str]:
    """The next groups that together have at least `size` concepts, or all that are left."""
    found, number = [], 0
    while number < size and (group := next(order, None)) is not None:
        found.append(group)
        number += len(members[group])
    return found


def _hash(seed: int, use: str, group: str) -> str:
    return hashlib.sha256(f"{seed}\0{use}\0{group}".encode()).hexdigest()

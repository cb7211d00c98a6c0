"""Splits of a corpus of captions, and its translated captions: filtered, and laid beside."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from hybridbatch.data.captions import SPLITS, TEST, TRAIN, VALIDATION, caption_table
from hybridbatch.data.dedup import normalize
from hybridbatch.data.filtering import GOOD, REASONS, FilterConfig, verdicts
from hybridbatch.runtime.errors import DataError


def draw(
    parts: Mapping[str, Sequence[str]],
    splits: int,
    test: int | None,
    validation: int | None,
    seed: int,
) -> list[dict[str, str]]:
    """By image id TRAIN, VALIDATION or TEST, for each of the splits.

    parts: the ids of each published part; those of VALIDATION and TEST may be absent. test,
    validation: how many images each has; None takes all of the published part. They are drawn from
    the part of their name, or else from TRAIN, in the order of a hash of seed and id. Test sets do
    not overlap. Images of a published part that is not TRAIN are in no split unless drawn. Raises
    `DataError`, with the counts, if there are too few images.
    """
    tests = parts.get(TEST, parts[TRAIN])
    wanted = len(tests) if test is None else splits * test
    if wanted > len(tests):
        raise DataError(f"{splits} test sets of {test} images are asked for, of {len(tests)}.")
    order = sorted(tests, key=lambda id_: _hash(seed, "test", id_))
    size = wanted // splits
    found = []
    for which in range(splits):
        tested = set(order[which * size : (which + 1) * size])
        free = [id_ for id_ in parts.get(VALIDATION, parts[TRAIN]) if id_ not in tested]
        number = len(free) if validation is None else validation
        if number > len(free):
            raise DataError(f"{number} images to validate on are asked for, of {len(free)}.")
        held = set(sorted(free, key=lambda id_: _hash(seed, f"validation{which}", id_))[:number])
        split = {id_: TRAIN for id_ in parts[TRAIN] if id_ not in tested | held}
        if not split:
            raise DataError(f"split {which}: no images are left to train on; ask for fewer.")
        split |= dict.fromkeys(sorted(held), VALIDATION) | dict.fromkeys(sorted(tested), TEST)
        found.append(split)
    return found


@dataclass
class Filtered:
    """The captions of one language that pass the filters, and counts by reason.

    rows: numbers of rows of the published captions, and the translations of these.
    """

    rows: list[tuple[int, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def filtered(
    own: pa.Table, source: pa.Table, translated: pa.Table, config: FilterConfig, language: str
) -> Filtered:
    """The translations of English captions that pass the filters of pairs (`filtering`).

    own: the published captions. source, translated: tables of texts with the same ids, the numbers
    of rows of `own`. A duplicate is a caption that its image has already. Raises `DataError` if
    none passes.
    """
    if not source["text_id"].equals(translated["text_id"]):
        raise DataError(f"{language}: captions and translations differ; translate them again.")
    found = Filtered(counts={"captions": len(source), "kept": 0, **dict.fromkeys(REASONS, 0)})
    images = own["image_id"].to_pylist()
    seen: set[tuple[str, str]] = set()
    judged = verdicts(source, translated, config, same_language=False)
    texts = zip(translated["text_id"].to_pylist(), translated["text"].to_pylist(), strict=True)
    for (id_, text), verdict in zip(texts, judged.tolist(), strict=True):
        if verdict != GOOD:
            found.counts[REASONS[verdict]] += 1
            continue
        key = (images[int(id_)], normalize(text))
        if key in seen:
            found.counts["duplicate"] += 1
            continue
        seen.add(key)
        found.counts["kept"] += 1
        found.rows.append((int(id_), text))
    if not found.rows:
        raise DataError(
            f"{language}: no caption is left of {len(source)} after filtering ({found.counts}). "
            "Look at the translations, loosen `filtering`, or take the language out of "
            "image_text.languages."
        )
    return found


def with_translations(
    own: pa.Table, split: Mapping[str, str], translations: Mapping[str, Filtered]
) -> pa.Table:
    """The captions of one split as CAPTION_SCHEMA: published ones, and translations of TRAIN.

    split: of `draw`; captions of other images are left out. translations: by language.
    """
    images = own["image_id"].to_pylist()
    parts = pa.array([split.get(id_) for id_ in images], pa.string())
    kept = own.set_column(own.schema.get_field_index("split"), "split", parts)
    rows = (
        (images[row], language, text, TRAIN, images[row])
        for language, found in translations.items()
        for row, text in found.rows
        if split.get(images[row]) == TRAIN
    )
    return pa.concat_tables([kept.filter(parts.is_valid()), caption_table(rows)])


def ids_by_part(own: pa.Table) -> dict[str, list[str]]:
    """The ids of the images of each published part, in their order."""
    found: dict[str, dict[str, None]] = {}
    for id_, part in zip(own["image_id"].to_pylist(), own["split"].to_pylist(), strict=True):
        found.setdefault(part, {})[id_] = None
    return {part: list(found[part]) for part in SPLITS if part in found}


def _hash(seed: int, use: str, id_: str) -> str:
    return hashlib.sha256(f"{seed}\0{use}\0{id_}".encode()).hexdigest()

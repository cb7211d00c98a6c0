"""Captions that others publish, with their images, as a corpus to train on and to test.

Published files and data sets become two tables: the captions of all parts, and the images. What is
made of them stands in `caption_splits`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from hybridbatch.data.caption_files import image_ids, read_coco, read_lines
from hybridbatch.data.caption_sets import ENGLISH, Captioned, captioned_images
from hybridbatch.data.captions import SPLITS, TRAIN, caption_table, named, write_images
from hybridbatch.data.image_files import images_below
from hybridbatch.data.images import decoded, image_file
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_json, write_table
from hybridbatch.runtime.logs import log

Part = Mapping[str, Any]


@dataclass
class _Files:
    """Digests of image files: of the captioned ones by id, and of those that are left out."""

    captioned: dict[str, bytes] = field(default_factory=dict)
    left_out: set[bytes] = field(default_factory=set)


def write_corpus(
    parts: Mapping[str, Part],
    kind: str,
    languages: Sequence[str],
    images: str | Path,
    captions: str | Path,
    counts: str | Path,
    *,
    folders: Sequence[str | Path] = (),
    without: str | Path | None = None,
    mirror: str | None = None,
    recorded: str | Path | None = None,
) -> None:
    """Write the images and captions of the published parts, and JSON of counts.

    parts: by SPLITS, what is read: for the kind `lines` `names` and `captions` (files by language),
    for `coco` `file` and `member`, for `datasets` the values of a `hub.DataSet`. languages: of the
    captions that are kept. folders: of image files, by the images' ids; the kind `datasets` has
    none. without: a file of names of images that are left out. mirror, recorded: as for
    `hub.fetch_data_set`.

    The column `split` of the captions is the published part. Raises `DataError` that counts and
    names captions without image, for an id that two parts have, for a part without captions, and
    if `without` names no image of the parts. Images without caption are counted in the log and left
    out.

    Equal files under several ids could lie in several splits. Those of one part are one image,
    under the first id, with the captions of all (`joined`). What is in several parts stays in the
    one that is tested, or else the one to validate with, and what equals an image of `without` is
    left out like it (`left_out_as_equal`). The counts have both if there is any. No caption names
    the other ids any more; their images are still in the table of images. So it is with a data set
    without ids, whose equal files have one id in all parts.
    """
    left_out = set() if without is None else set(image_ids(without))
    told: Counter[str] = Counter()
    if kind == "datasets":
        table = _write_data_set(parts, languages, images, left_out, without, told, mirror, recorded)
    else:
        found = [_read_part(kind, part, of, told) for part, of in parts.items()]
        table = _without(pa.concat_tables(found), left_out, told)
        _check_parts(table, parts)
        _check_left_out(table["image_id"][0].as_py(), without, told)
        table = _write_files(table, parts, folders, images, left_out, told)
    told["captions"] = len(table)
    told.update(f"captions_{language}" for language in table["language"].to_pylist())
    write_table(captions, table)
    write_json(counts, dict(told))


def english(own: pa.Table) -> dict[str, str]:
    """The English captions of TRAIN by the number of their row, which are translated."""
    names = ("language", "split", "caption")
    columns = zip(*(own[name].to_pylist() for name in names), strict=True)
    return {
        str(row): caption
        for row, (language, part, caption) in enumerate(columns)
        if language == ENGLISH and part == TRAIN
    }


def _read_part(kind: str, part: str, of: Part, told: Counter[str]) -> pa.Table:
    if kind == "lines":
        return read_lines(of["names"], of["captions"], part)
    table, counts = read_coco(of["file"], part, member=of["member"])
    told.update({name: counts[name] for name in ("blank", "repeated", "without_caption")})
    return table


def _without(table: pa.Table, left_out: set[str], told: Counter[str]) -> pa.Table:
    """The captions of images that are not left out; raises `DataError` if there are none."""
    ids = table["image_id"].to_pylist()
    told["left_out"] = len(left_out & set(ids))
    kept = table.filter(pa.array([id_ not in left_out for id_ in ids], pa.bool_()))
    if not len(kept):
        raise DataError(f"all of {len(set(ids))} images are left out by `without`.")
    return kept


def _check_parts(table: pa.Table, parts: Iterable[str]) -> None:
    part_of: dict[str, str] = {}
    for id_, part in zip(table["image_id"].to_pylist(), table["split"].to_pylist(), strict=True):
        if part_of.setdefault(id_, part) != part:
            raise DataError(f"the image {id_} is in {part_of[id_]} and in {part}; leave one out.")
    there = set(part_of.values())
    for part in parts:
        if part not in there:
            raise _without_captions(part)


def _check_left_out(example: str, without: str | Path | None, told: Counter[str]) -> None:
    """Raise DataError if nothing was left out that should be; example: an image's id."""
    if without is not None and not told["left_out"]:
        raise DataError(
            f"{without}: names no image of the corpus, whose ids look like {example}. Images that "
            "were to be left out may be in it under other names. Give the names that they have "
            "here, or take `without` out."
        )


def _without_captions(part: str) -> DataError:
    # Without it, the images of another part would be drawn in its place.
    return DataError(
        f"no image of the part {part} has a caption that is kept: there are none, `without` leaves "
        "its images out, or its files equal those of another part. Mend its files, or take it out "
        "of `parts` or its images out of `without`."
    )


def _each_file_once(table: pa.Table, files: _Files, told: Counter[str]) -> pa.Table:
    """The captions of images whose files differ, and of none that is left out."""
    columns = zip(table["image_id"].to_pylist(), table["split"].to_pylist(), strict=True)
    came = dict.fromkeys(columns)  # (id, part); without ids of its own, an image may be in several
    first: dict[bytes, tuple[str, str]] = {}
    kept: dict[tuple[str, str], str] = {}  # the id that an image has in the end, by what came
    for part in reversed(SPLITS):
        for id_, of in came:
            digest = files.captioned[id_]
            if of != part or digest in files.left_out:
                continue
            there, other = first.setdefault(digest, (part, id_))
            if there == part:
                kept[id_, part] = other
    lost = [id_ for id_, part in came if (id_, part) not in kept]
    joined = [id_ for (id_, _), other in kept.items() if id_ != other]
    if not lost and not joined:
        return table
    if lost:
        log.warning(
            "%d images are left out, whose files are those of images of another part or left out: "
            "%s", len(lost), named(lost),
        )  # fmt: skip
    if joined:
        log.warning(
            "%d images have the files and so the names of others: %s", len(joined), named(joined)
        )
    told.update(left_out_as_equal=len(lost), joined=len(joined))
    rows = (
        (kept[row["image_id"], row["split"]], row["language"], row["caption"], row["split"])
        for row in table.to_pylist()
        if (row["image_id"], row["split"]) in kept
    )
    return caption_table((*row, row[0]) for row in dict.fromkeys(rows))


def _write_files(
    table: pa.Table,
    parts: Mapping[str, Part],
    folders: Sequence[str | Path],
    images: str | Path,
    left_out: set[str],
    told: Counter[str],
) -> pa.Table:
    """Write the image files of the captions, from folders; returns the captions of each once."""
    files: dict[str, Path] = {}
    for folder in folders:
        for id_, path in images_below(folder).items():
            if (other := files.setdefault(id_, path)) != path:
                raise DataError(f"{other} and {path} are of one id, {id_}.")
    unread = (files[id_] for id_ in left_out & files.keys())
    # What is left out need not be an image; an empty file equals none.
    digests = _Files(left_out={_digest(image_file(of)) for of in unread if of.stat().st_size})
    ids = list(dict.fromkeys(table["image_id"].to_pylist()))
    where = ", ".join(map(str, folders))
    if missing := [id_ for id_ in ids if id_ not in files]:
        raise DataError(
            f"{where}: {len(missing)} captioned images of {len(ids)} have no file: "
            f"{named(missing)}. There are {len(files)} files."
        )
    if more := len(files) - len(ids):
        log.info("%s: %d image files have no caption, and are left out", where, more)

    def read() -> Iterator[tuple[str, bytes]]:
        nonlocal table
        for id_ in ids:
            image = image_file(files[id_])
            decoded(image, str(files[id_]))
            digests.captioned[id_] = _digest(image)
            yield id_, image
        table = _each_file_once(table, digests, told)
        _check_parts(table, parts)

    write_images(images, read(), len(ids))
    return table


def _write_data_set(
    parts: Mapping[str, Part],
    languages: Sequence[str],
    images: str | Path,
    left_out: set[str],
    without: str | Path | None,
    told: Counter[str],
    mirror: str | None,
    recorded: str | Path | None,
) -> pa.Table:
    """Write the images of a data set while its rows are streamed; returns the captions of each."""
    rows: list[tuple[str, str, str, str, str]] = []
    files, table = _Files(), caption_table(())

    def read() -> Iterator[tuple[str, bytes]]:
        nonlocal table
        for part, of in parts.items():
            found = captioned_images(of, languages, Path(images), told, mirror, recorded)
            before = len(rows)
            # Without ids of its own, an image of two parts is found by its file, at the end.
            others = {id_ for id_, *_ in rows} if "id" in of["columns"] else set()
            yield from _captions_noted(found, part, left_out, others, rows, told, files)
            if len(rows) == before:
                raise _without_captions(part)
        _check_left_out(rows[0][0], without, told)
        table = _each_file_once(caption_table(rows), files, told)
        _check_parts(table, parts)

    write_images(images, read())
    return table


def _captions_noted(
    found: Iterable[Captioned],
    part: str,
    left_out: set[str],
    others: set[str],
    rows: list[tuple[str, str, str, str, str]],
    told: Counter[str],
    files: _Files,
) -> Iterator[tuple[str, bytes]]:
    """(id, bytes) of each new image once; its captions are added to `rows`.

    others: ids of other parts, which no image of this one may have.
    """
    # Rows of one image may stand apart. A hash tells whether their images are one.
    known: dict[str, bytes] = {}
    captions: set[tuple[str, str, str]] = set()
    for one in found:
        digest = _digest(one.image)
        if one.id in left_out or Path(one.id).stem in left_out:
            told["left_out"] += one.id not in known
            known.setdefault(one.id, b"")
            files.left_out.add(digest)
            continue
        if one.id in others:
            raise DataError(f"{one.where}: the image {one.id} is in another part, too.")
        if known.get(one.id, digest) != digest:
            raise DataError(f"{one.where}: another image has the id {one.id}, too.")
        if not one.captions:
            told["without_caption"] += one.id not in known
            continue
        if one.id not in known:
            known[one.id] = digest
            if one.id not in files.captioned:
                decoded(one.image, one.where)
                files.captioned[one.id] = digest
                yield one.id, one.image
        for language, text in one.captions:
            if (one.id, language, text) in captions:
                told["repeated"] += 1
                continue
            captions.add((one.id, language, text))
            rows.append((one.id, language, text, part, one.id))


def _digest(image: bytes) -> bytes:
    return hashlib.blake2b(image, digest_size=16).digest()

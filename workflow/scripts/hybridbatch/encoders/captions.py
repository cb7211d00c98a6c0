"""The inputs of image-text pairs: images once for all languages, captions by language."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.data import dedup
from hybridbatch.data.captions import named, wrong_images
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT, MakeInputs
from hybridbatch.encoders.inputs import Dense, Inputs, Ragged, Repeating, from_arrays
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.runtime.files import read_tensors, write_tensors


@dataclass(frozen=True)
class ImageInputs:
    """The inputs of n images: for a frozen tower, its vectors.

    ids: names of the images. keys: int64 [n], equal for images of equal content.
    """

    ids: tuple[str, ...]
    keys: np.ndarray
    inputs: Inputs

    def save(self, path: str | Path, keys: dict[str, str | int] | None = None) -> None:
        """Write a safetensors file atomically; keys: as for `files.write_table`."""
        own = {"ids": _packed(self.ids), "keys": self.keys}
        write_tensors(path, own | _prefixed(self.inputs), keys)

    @classmethod
    def load(cls, path: str | Path) -> tuple[Self, dict[str, str | int]]:
        """Load what `save` wrote, with its keys."""
        found, keys = read_tensors(path)
        return cls(_unpacked(found["ids"]), found["keys"], _inputs(found)), keys

    def of(self, ids: Sequence[str]) -> Inputs:
        """The inputs of some of the images; raises DataError for one that is not there."""
        place = {name: i for i, name in enumerate(self.ids)}
        if absent := [name for name in ids if name not in place]:
            raise DataError(
                f"{len(absent)} of {len(ids)} images have no inputs, such as {absent[0]!r}: make "
                "both again."
            )
        return self.inputs.take(np.array([place[name] for name in ids], dtype=np.int64))


@dataclass(frozen=True)
class CaptionInputs:
    """The inputs of the captions of n pairs in one language.

    rows: int64 [n], the numbers of the pairs in the corpus, ascending; a pair has the same number
    in all languages. images: names of their images. numbers: int64 [n], equal for equal captions,
    as `dedup.normalize` leaves them; keys: int64, by number, equal in all languages.
    """

    rows: np.ndarray
    images: tuple[str, ...]
    numbers: np.ndarray
    keys: np.ndarray
    inputs: Inputs

    def save(self, path: str | Path, keys: dict[str, str | int] | None = None) -> None:
        """Write a safetensors file atomically; keys: as for `files.write_table`."""
        own = {"rows": self.rows, "numbers": self.numbers, "keys": self.keys}
        write_tensors(path, own | {"images": _packed(self.images)} | _prefixed(self.inputs), keys)

    @classmethod
    def load(cls, path: str | Path) -> tuple[Self, dict[str, str | int]]:
        """Load what `save` wrote, with its keys."""
        found, keys = read_tensors(path)
        own = (found["rows"], _unpacked(found["images"]), found["numbers"], found["keys"])
        return cls(*own, _inputs(found)), keys


@dataclass(frozen=True)
class TextInputs:
    """The inputs of n different texts, made once for all trainings and tests of a text tower."""

    texts: tuple[str, ...]
    inputs: Inputs

    def save(self, path: str | Path, keys: dict[str, str | int] | None = None) -> None:
        """Write a safetensors file atomically; keys: as for `files.write_table`."""
        write_tensors(path, {"texts": _packed(self.texts)} | _prefixed(self.inputs), keys)

    @classmethod
    def load(cls, path: str | Path) -> tuple[Self, dict[str, str | int]]:
        """Load what `save` wrote, with its keys."""
        found, keys = read_tensors(path)
        return cls(_unpacked(found["texts"]), _inputs(found)), keys

    def make(self) -> MakeInputs:
        """A function for inputs, as encoders have it, that looks up those of these texts.

        It raises DataError for another text.
        """
        place = {text: i for i, text in enumerate(self.texts)}

        def looked_up(side: str, modality: str, items: Sequence[str]) -> Inputs:
            if absent := [text for text in items if text not in place]:
                raise DataError(
                    f"{len(absent)} of {len(items)} texts have no inputs, such as {absent[0]!r}: "
                    "their files are of different versions. Make both again."
                )
            return self.inputs.take(np.array([place[text] for text in items], dtype=np.int64))

        return looked_up


def text_inputs(make: MakeInputs, texts: Iterable[str]) -> TextInputs:
    """The inputs of queries, each different text once, in the order of the texts themselves.

    make: the encoder's function for inputs. Raises DataError if there is no text.
    """
    distinct = sorted(set(texts))
    if not distinct:
        raise DataError("there is no caption to make inputs of.")
    return TextInputs(tuple(distinct), make(QUERY, TEXT, distinct))


def image_inputs(make: MakeInputs, images: Iterable[tuple[str, bytes]]) -> ImageInputs:
    """The inputs of encoded images with their names, such as `data.captions.read_images` gives.

    make: the encoder's function for inputs. Images are read one after another. Raises DataError for
    a name that stands twice.
    """
    hashes: dict[str, bytes] = {}

    def passing() -> Iterator[bytes]:
        for name, image in images:
            if name in hashes:
                raise DataError(f"the image {name!r} stands twice; give each a name of its own.")
            hashes[name] = hashlib.blake2b(image, digest_size=8).digest()
            yield image

    found = make(CANDIDATE, IMAGE, passing())
    return ImageInputs(tuple(hashes), np.frombuffer(b"".join(hashes.values()), dtype="<i8"), found)


def numbered(
    captions: pa.Table, split: str, language: str
) -> tuple[np.ndarray, list[str], list[str]]:
    """The pairs of one split in one language: numbers, ascending, image ids, and captions.

    captions: a table of `data.captions.CAPTION_SCHEMA`, in all languages that are numbered alike.
    The n-th captions of an image have the same number in every language. They need not be
    translations of each other, since filters may have left out some before them; they are captions
    of one image, which is all that a batch relies on. Images are counted as they stand in the
    table. For `caption_inputs`.
    """
    place: dict[str, int] = {}
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for row in captions.to_pylist():
        if row["split"] != split:
            continue
        key = (row["image_id"], row["language"])
        image = place.setdefault(row["image_id"], len(place))
        if row["language"] == language:
            found.append((image, counts[key], row["image_id"], row["caption"]))
        counts[key] += 1
    most = max(counts.values(), default=1)
    found.sort(key=lambda one: one[:2])
    numbers = np.array([image * most + nth for image, nth, *_ in found], dtype=np.int64)
    return numbers, [one[2] for one in found], [one[3] for one in found]


def caption_inputs(
    make: MakeInputs, rows: np.ndarray, images: Sequence[str], captions: Sequence[str]
) -> CaptionInputs:
    """The inputs of the captions of pairs in one language, each different caption once.

    rows, images: as in `CaptionInputs`. Raises DataError if the lengths differ.
    """
    if not len(rows) == len(images) == len(captions):
        raise DataError(
            f"{len(rows)} pairs have {len(captions)} captions of {len(images)} images: every pair "
            "has one of each."
        )
    distinct = list(dict.fromkeys(captions))
    place = {caption: i for i, caption in enumerate(distinct)}
    which = np.array([place[caption] for caption in captions], dtype=np.int32)
    hashes = dedup.keys(map(dedup.normalize, distinct)).view(np.int64)
    keys, numbers = np.unique(hashes, return_inverse=True)
    inputs = Repeating(make(QUERY, TEXT, distinct), which)
    return CaptionInputs(np.asarray(rows), tuple(images), numbers[which], keys, inputs)


def image_text_pairs(
    captions: CaptionInputs, images: ImageInputs, targets: Inputs | None = None
) -> PairInputs:
    """Pairs of captions, on the side of queries, and images, for `TrainingCorpus`.

    Languages that get the same `images` share their inputs. targets: a teacher's vectors of the n
    pairs, if there is one. Raises DataError for a caption whose image is not there, and for targets
    of another number of pairs.
    """
    place = {name: i for i, name in enumerate(images.ids)}
    if absent := [name for name in captions.images if name not in place]:
        raise DataError(
            f"{len(absent)} of {len(captions.images)} captions are of images that are not there, "
            f"such as {absent[0]!r}; there are {len(images.ids)} images."
        )
    which = np.array([place[name] for name in captions.images], dtype=np.int64)
    keys, numbers = np.unique(images.keys, return_inverse=True)
    if targets is not None and len(targets) != len(which):
        raise DataError(
            f"the teacher has vectors of {len(targets)} pairs, and there are {len(which)}: every "
            "pair has one."
        )
    return PairInputs(
        rows=captions.rows,
        question_numbers=captions.numbers,
        passage_numbers=numbers[which],
        question_keys=captions.keys,
        passage_keys=keys,
        queries=captions.inputs,
        passages=Repeating(_distinct(images.inputs), which),
        negatives=Ragged(np.empty(0, dtype=np.int32), np.zeros(len(which) + 1, dtype=np.int64)),
        targets=targets,
    )


@dataclass(frozen=True)
class Teacher:
    """A text tower's vectors of the captions of n images in one language.

    ids: names of the images. vectors: float32 [n, d] of length 1.
    """

    ids: tuple[str, ...]
    vectors: Dense
    language: str

    def of(self, ids: Sequence[str]) -> Repeating:
        """The vectors of images, one for each name; languages of a corpus share the array.

        Raises DataError, with a name, for images that have none.
        """
        place = {name: i for i, name in enumerate(self.ids)}
        if absent := sorted({name for name in ids if name not in place}):
            raise DataError(
                f"{len(absent)} images have captions, and none in {self.language!r} that the "
                f"teacher could read: {named(absent)}. Give each a caption in {self.language!r}, "
                "leave them out, or set training.loss.distillation to 0."
            )
        return Repeating(self.vectors, np.array([place[name] for name in ids], dtype=np.int32))


def check_teacher(texts: TextInputs, dimension: int) -> None:
    """Raise ConfigError if a text tower can be no teacher.

    texts: the tower's inputs. dimension: of the common space, in which the teacher's vectors have
    to be. A tower that is trained would move away from its own vectors.
    """
    if not isinstance(texts.inputs, Dense):
        raise ConfigError(
            "training.loss.distillation: the teacher is the text tower, which is trained and would "
            "move: set its `trained` to false, or the weight to 0."
        )
    width = texts.inputs.values.shape[1]
    if width != dimension:
        raise ConfigError(
            f"training.loss.distillation: the teacher's vectors, which are the text tower's, have "
            f"{width} dimensions, and `dimension` of the encoder is {dimension}: set it to {width}."
        )


def caption_teacher(captions: pa.Table, split: str, language: str, texts: TextInputs) -> Teacher:
    """A frozen text tower's vectors of the images' captions in one language, for a distillation.

    captions: of `data.captions.CAPTION_SCHEMA`. texts: the tower's inputs, which are its vectors
    (`check_teacher`). An image with several captions has the direction of the mean of their unit
    vectors. That is the target of least mean squared distance to them, and does not depend on the
    captions' order but for rounding.

    After Multilingual-CLIP (Carlsson et al. 2022, LREC, "Cross-lingual and Multilingual CLIP"),
    whose student reads translations of the English captions that its teacher reads.
    """
    of_language = captions.filter(pc.equal(captions["language"], language))
    _, ids, written = numbered(of_language, split, language)
    vectors = _unit(texts.make()(QUERY, TEXT, written).values)
    # The captions of an image stand together.
    starts = np.flatnonzero([i == 0 or ids[i - 1] != name for i, name in enumerate(ids)])
    if len(starts):
        vectors = _unit(np.add.reduceat(vectors, starts, axis=0))
    return Teacher(tuple(ids[start] for start in starts), Dense(vectors), language)


def caption_corpus(
    captions: pa.Table,
    split: str,
    languages: Sequence[str],
    texts: TextInputs,
    images: ImageInputs,
    shuffled: int | None = None,
    teacher: str | None = None,
) -> dict[str, PairInputs]:
    """The pairs of one split by language, for `TrainingCorpus`.

    captions: of `data.captions.CAPTION_SCHEMA`. texts, images: their inputs. shuffled: a seed, if
    captions are to stand beside wrong images (`data.captions.wrong_images`). teacher: the language
    of the captions whose vectors are the targets (`caption_teacher`); None for no targets. The
    target of a caption beside a wrong image is that of its own image, so that it is wrong for the
    other one, too. Raises DataError for a language without captions, for an image without one in
    the teacher's language, and as `image_text_pairs` does.
    """
    other = {} if shuffled is None else wrong_images(captions, shuffled)
    chosen = captions.filter(pc.is_in(captions["language"], pa.array(list(languages))))
    taught = None if teacher is None else caption_teacher(captions, split, teacher, texts)
    found = {}
    for language in languages:
        rows, ids, written = numbered(chosen, split, language)
        if not len(rows):
            raise DataError(f"no image of the part {split} has a caption in {language!r}.")
        beside = [other.get(name, name) for name in ids]
        of = caption_inputs(texts.make(), rows, beside, written)
        found[language] = image_text_pairs(of, images, taught and taught.of(ids))
    return found


def check_splits(captions: pa.Table, images: ImageInputs) -> None:
    """Raise DataError, with both names, for an image that is in two splits under two ids.

    captions: of `data.captions.CAPTION_SCHEMA`, in which an id has one split. images: equal if
    their keys are.
    """
    key_of = dict(zip(images.ids, images.keys.tolist(), strict=True))
    first: dict[int | str, tuple[str, str]] = {}
    for row in captions.select(["image_id", "split"]).to_pylist():
        id_, split = row["image_id"], row["split"]
        other, known = first.setdefault(key_of.get(id_, id_), (id_, split))
        if split != known:
            raise DataError(
                f"the image {id_} is in {split}, and in {known} as {other}: what is trained on "
                "would be tested. Equal images have to be in one split; leave one out."
            )


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors, float32 [n, d], scaled to length 1; one of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    return (vectors / lengths).astype(np.float32)


def _distinct(inputs: Inputs) -> Ragged | Dense:
    if isinstance(inputs, Repeating):
        raise TypeError("inputs of images are made once for each image")
    return inputs


def _packed(names: Sequence[str]) -> np.ndarray:
    """Names as bytes, uint8, each ended by a zero."""
    return np.frombuffer("".join(f"{name}\0" for name in names).encode("utf-8"), dtype=np.uint8)


def _unpacked(packed: np.ndarray) -> tuple[str, ...]:
    return tuple(packed.tobytes().decode("utf-8").split("\0")[:-1])


def _prefixed(inputs: Inputs) -> dict[str, np.ndarray]:
    return {f"inputs_{name}": array for name, array in inputs.arrays().items()}


def _inputs(found: dict[str, np.ndarray]) -> Inputs:
    prefix = "inputs_"
    return from_arrays(
        {n.removeprefix(prefix): a for n, a in found.items() if n.startswith(prefix)}
    )

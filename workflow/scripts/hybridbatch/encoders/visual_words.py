"""Images of one line of text as bags of visual words, without reading the text.

A visual word is the codebook's entry nearest to a blob of ink (Sivic and Zisserman 2003, "Video
Google"). Blobs are cut out and scaled to one size, so that words do not depend on where the text
stands in the image, and little on its size. The vector is the mean of a learned table's rows for
the n-grams of words. Trained models need this package, since no library has such a module.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from sentence_transformers.base.modules import InputModule
from torch.nn import functional

from hybridbatch.runtime.errors import DataError

CELL = 8  # pixels of a scaled blob's side
_FAINT = 32  # contrast, of 255, up to which an image counts as empty
_SIZES = 2.0  # weight of a blob's size and place beside its CELL * CELL pixels
_LARGE = 4.0  # sizes and places are cut there, in median heights of the image's blobs
_GAP = 0.35  # of the median height, from which the space between two blobs separates words
_BLOBS = 50_000  # from which a codebook is made
_BLANK, _SPACE = 0, 0  # the table's row of an empty image; the word between words
_CONNECTED = np.ones((3, 3), dtype=int)  # pixels that touch at a corner are connected
# Of the hash of n-grams: the multiplier of Knuth's MMIX generator, and SplitMix64's last step.
_BASE, _MIX = np.uint64(6364136223846793005), np.uint64(0x94D049BB133111EB)


def blobs(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Connected blobs of ink of an image, from left to right.

    Returns float32 [n, CELL * CELL + 3], each blob's pixels, height, width and place, and bool [n],
    whether it stands at the begin of a word. Ink is what differs from the background, the median
    grey, by more than half of the highest contrast, whichever of the two is darker.
    """
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    contrast = np.abs(grey - np.median(grey))
    most = contrast.max()
    if most <= _FAINT:
        return np.empty((0, CELL * CELL + 3), dtype=np.float32), np.empty(0, dtype=bool)
    labels, _ = ndimage.label(contrast > most / 2, structure=_CONNECTED)
    boxes = ndimage.find_objects(labels)
    # By left edge, then by upper edge.
    order = sorted(range(len(boxes)), key=lambda i: (boxes[i][1].start, boxes[i][0].start))
    edges = np.array([[b.start, b.stop] for i in order for b in boxes[i]], dtype=np.float32)
    top, bottom, left, right = edges.reshape(-1, 4).T
    unit = np.median(bottom - top)
    middle = (top + bottom) / 2
    sizes = np.stack([bottom - top, right - left, middle - np.median(middle)], axis=1) / unit
    cells = np.empty((len(order), CELL, CELL), dtype=np.float32)
    contrast = contrast.astype(np.float64) / most
    for row, i in enumerate(order):
        # Of what lies in the box, another blob's ink is left out.
        ink = contrast[boxes[i]] * (labels[boxes[i]] == i + 1)
        rows, columns = (_means(size) for size in ink.shape)
        cells[row] = rows @ ink @ columns.T
    before = np.maximum.accumulate(np.concatenate([[-np.inf], right[:-1]]))
    cells = cells.reshape(len(order), -1)
    found = np.concatenate([cells, _SIZES * sizes.clip(-_LARGE, _LARGE)], axis=1)
    return found.astype(np.float32), left - before > _GAP * unit


@lru_cache(maxsize=1024)
def _means(size: int) -> np.ndarray:
    """float64 [CELL, size]: the weights by which `size` pixels in a row become CELL.

    Each is the mean of its share of the pixels, or where they are fewer, the one at its middle.
    This is Pillow's box filter, whose call takes ten times as long as scaling a blob does.
    """
    weights = np.zeros((CELL, size))
    for cell in range(CELL):
        middle, half = (cell + 0.5) * size / CELL, max(size / CELL, 1) / 2
        begin, end = (int(middle + side * half + 0.5) for side in (-1, 1))
        weights[cell, begin:end] = 1 / (end - begin)
    return weights


def codebook(images: Iterable[Image.Image], size: int) -> np.ndarray:
    """float32 [size, CELL * CELL + 3]: cluster centres of blobs (k-means++ with a fixed seed).

    The blobs are the first ones of the images, so that the same images give the same codebook.
    Raises DataError if they have fewer different blobs than the codebook entries.
    """
    parts, number = [], 0
    for image in images:
        parts.append(blobs(image)[0])
        number += len(parts[-1])
        if number >= _BLOBS:
            break
    found = np.concatenate(parts) if parts else np.empty((0, CELL * CELL + 3), dtype=np.float32)
    different = len(np.unique(found, axis=0))
    if different < size:
        raise DataError(
            f"the images have {different} different blobs of ink, fewer than the {size} entries of "
            "the codebook: lower `codebook`, or take more images."
        )
    centres, _ = kmeans2(found.astype(np.float64), size, iter=10, minit="++", rng=0)
    return centres.astype(np.float32)


class VisualWords(InputModule):
    """A module of sentence-transformers from images of lines of text to vectors."""

    config_keys = ("entries", "dimension", "rows", "ngrams")
    modalities = ("image",)

    def __init__(
        self, codebook: np.ndarray | torch.Tensor, dimension: int, rows: int, ngrams: int
    ) -> None:
        """codebook: float [k, CELL * CELL + 3]. rows: of the table. ngrams: the longest."""
        super().__init__()
        self.entries, self.dimension, self.rows, self.ngrams = (
            *(len(codebook), dimension, rows, ngrams),
        )
        self.register_buffer("codebook", torch.as_tensor(codebook))
        self.table = torch.nn.EmbeddingBag(rows, dimension, mode="mean")
        self.reset()

    def reset(self) -> None:
        """Give the table random rows (standard normal / sqrt(dimension))."""
        torch.nn.init.normal_(self.table.weight, std=self.dimension**-0.5)

    def words(self, image: Image.Image) -> list[int]:
        """Numbers of the table's rows for the n-grams of an image; never none."""
        found, begins = blobs(image)
        if not len(found):
            return [_BLANK]
        entries = self.codebook.cpu().numpy()
        # The nearest entry has the smallest |entry|^2 - 2 <blob, entry>.
        nearest = ((entries**2).sum(axis=1) - 2 * found @ entries.T).argmin(axis=1) + 1
        sequence = np.insert(nearest, np.flatnonzero(begins), _SPACE).astype(np.uint64)
        numbers = []
        for length in range(1, min(self.ngrams, len(sequence)) + 1):
            windows = np.lib.stride_tricks.sliding_window_view(sequence, length)
            hashes = np.full(len(windows), length, dtype=np.uint64)
            for column in windows.T:
                hashes = (hashes ^ column) * _BASE
                hashes ^= hashes >> np.uint64(31)
            hashes *= _MIX
            hashes ^= hashes >> np.uint64(31)
            numbers.append(1 + hashes % np.uint64(self.rows - 1))
        return np.concatenate(numbers).astype(np.int64).tolist()

    def preprocess(
        self, inputs: Sequence[Image.Image], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor]:
        """Row numbers of images end to end, and where each image's begin."""
        words = [self.words(image) for image in inputs]
        offsets = np.cumsum([0, *(len(of_one) for of_one in words[:-1])])
        numbers = torch.tensor([number for of_one in words for number in of_one])
        return {"input_ids": numbers, "offsets": torch.from_numpy(offsets)}

    def forward(self, features: dict[str, torch.Tensor], **kwargs: Any) -> dict[str, torch.Tensor]:
        """Add `sentence_embedding`, float [n, dimension]."""
        ids, table = features["input_ids"], self.table
        weight, offsets = table.weight, features["offsets"].to(ids.dtype)
        if table.sparse and weight.requires_grad and torch.is_grad_enabled():
            # A passage has hundreds of n-grams. The table's own gradient would have a row for each
            # of them, to be sorted and added up later. Here equal ones are added up at once: the
            # same vectors to the bit, in a third of the time (benchmarks/visual_words_training.py).
            different, ids = torch.unique(ids, return_inverse=True)
            weight = functional.embedding(different, weight, sparse=True)
        vectors = functional.embedding_bag(ids, weight, offsets, mode=table.mode)
        features["sentence_embedding"] = vectors
        return features

    def get_embedding_dimension(self) -> int:
        """The dimension of the vectors."""
        return self.dimension

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs) -> None:
        """Write the table and the codebook as safetensors, and what they were made with."""
        self.save_config(output_path)
        self.save_torch_weights(output_path)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> Self:
        """Load what `save` wrote."""
        names = ("token", "cache_folder", "revision", "local_files_only")
        where = {"subfolder": subfolder} | {n: kwargs[n] for n in names if n in kwargs}
        config = cls.load_config(model_name_or_path, **where)
        empty = torch.zeros(config.pop("entries"), CELL * CELL + 3)
        return cls.load_torch_weights(model_name_or_path, model=cls(empty, **config), **where)

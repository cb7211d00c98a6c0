"""Images through an image tower: streamed in batches of bounded size, beside one at a time.

    .venv/bin/python benchmarks/image_streaming.py [IMAGES]

Made images of many sizes, 100,000 if no number is given, through the small network of random
weights (32 pixels, widths 32 64 128) on one thread. They are made while they are read, so that
memory holds one batch of them whatever their number: the peak is printed at a tenth of them and at
the end. The peer is the plain loop, one image at a time, on a hundredth of them. Rates are images a
second of this process, which other load on the machine disturbs less than the clock's, without the
making of the images.
"""

import io
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.encoders.image_towers import image_tower, streamed

CNN = {"kind": "cnn", "size": 32, "widths": [32, 64, 128]}
SIZES = (32, 48, 64, 96, 136)


def made(number: int) -> bytes:
    """A PNG of one of SIZES with a gradient and two rectangles, another one for each number."""
    rng = np.random.default_rng(number)
    size = SIZES[number % len(SIZES)]
    pixels = np.zeros((size, size, 3), dtype=np.uint8)
    pixels[..., rng.integers(3)] = np.linspace(0, 255, size, dtype=np.uint8)
    for _ in range(2):
        left, top = rng.integers(size // 2, size=2)
        pixels[top : top + size // 2, left : left + size // 3] = rng.integers(256, size=3)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


class Made:
    """Made images, one after another, with the time that making them took."""

    def __init__(self, number: int, says: bool) -> None:
        """says: whether it prints the peak of memory after a tenth of them."""
        self.number, self.says, self.seconds = number, says, 0.0

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self.number):
            if self.says and number == self.number // 10:
                print(f"peak at {number:,} images: {peak():,.0f} MiB")
            start = time.process_time()
            image = made(number)
            self.seconds += time.process_time() - start
            yield image


def peak() -> float:
    """The most memory that the process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rate(route: torch.nn.Module, number: int, single: bool) -> tuple[float, np.ndarray]:
    """Images a CPU second, and their vectors."""
    images = Made(number, says=not single)
    device = torch.device("cpu")
    start = time.process_time()
    if single:
        parts = [streamed(route, [image], device) for image in images]
        vectors = np.concatenate(parts)
    else:
        vectors = streamed(route, images, device, number)
    return number / (time.process_time() - start - images.seconds), vectors


def main(number: int = 100_000) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    route = torch.nn.Sequential(*image_tower(CNN, ())).eval()
    streamed(route, [made(0)], torch.device("cpu"))  # starts the libraries
    few = max(20, number // 100)
    plain, expected = rate(route, few, single=True)
    fast, vectors = rate(route, number, single=False)
    print(f"peak at {number:,} images: {peak():,.0f} MiB")
    print(f"{fast:,.0f} images a CPU second in batches, {plain:,.0f} one at a time")
    np.testing.assert_allclose(vectors[:few], expected, atol=1e-5)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""The smallest images."""

from PIL import Image

from hybridbatch.data.images import png


def dot(colour: str | tuple[int, int, int] = "red") -> bytes:
    """A square of 4 x 4 pixels in one colour, as a PNG file."""
    return png(Image.new("RGB", (4, 4), colour))

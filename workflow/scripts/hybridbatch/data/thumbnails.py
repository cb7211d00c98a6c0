"""Small images for pages."""

from PIL import Image

from hybridbatch.data.images import decoded, png


def thumbnail(image: bytes, where: str, side: int = 64) -> bytes:
    """A PNG of an image's file, at most `side` pixels wide and high; smaller ones stay as they are.

    where: names the image in errors. Raises DataError as `images.decoded` does.
    """
    small = decoded(image, where)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return png(small.quantize(64, dither=Image.Dither.NONE))

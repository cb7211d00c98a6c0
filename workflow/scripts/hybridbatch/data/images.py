"""Images of others, decoded strictly: what cannot be shown as it is meant is refused, and named.

What is done with each kind of image stands in `decoded`. Nothing is guessed: an image that is cut
off is not filled with grey, and none is scaled down to fit.
"""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageOps

from hybridbatch.runtime.errors import DataError

MAX_PIXELS = 50_000_000  # of one image; 150 MB in RGB
# Formats of photographs and drawings. Pillow knows others that start programs (EPS) or whose depth
# and colours are harder to tell (TIFF).
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_PLAIN = ("1", "L", "P", "RGB", "LA", "PA", "RGBA")  # modes that have an RGB of their own
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError,
           OverflowError, RuntimeError, struct.error, zlib.error)  # fmt: skip
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def decoded(image: bytes | None, where: str) -> Image.Image:
    """The image of a file's bytes in RGB, upright.

    where: names the image in errors, such as its file or its id. Raises `DataError` for an image
    that is missing (None or no bytes), broken or of another format than FORMATS, truncated, larger
    than MAX_PIXELS (by its header: nothing is decoded), animated or otherwise of several frames, in
    CMYK (its colours depend on a profile of inks), or of more than 8 bits a channel (scaling to 8
    would lose some).

    Grey, palette and black-and-white images become RGB without loss. Transparent ones are laid on
    white, as web pages show them; one that then shows nothing but white is refused. EXIF's
    orientation is applied.
    """
    if not image:
        raise DataError(f"{where}: has no image.")
    opened = _opened(image, where)
    try:
        opened.load()
        upright = ImageOps.exif_transpose(opened)
        return _on_white(upright, where)
    except DataError:
        raise
    except _BROKEN as error:
        raise DataError(
            f"{where}: the image cannot be decoded ({_reason(error)}): it is cut off or broken."
        ) from error


def image_file(path: str | Path) -> bytes:
    """The bytes of an image's file; `DataError` that names it if it is missing or empty."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such image.")
    with path.open("rb") as file:
        found = file.read()
    if not found:
        raise DataError(f"{path}: is empty, and no image.")
    return found


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file of an image, the same for the same pixels."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


def _opened(image: bytes, where: str) -> Image.Image:
    """The image with its header read and checked, and its pixels not yet decoded."""
    try:
        opened = Image.open(io.BytesIO(image), formats=FORMATS)
    except _BOMBS as error:
        raise DataError(f"{where}: {_reason(error)}; at most {MAX_PIXELS:,} are read.") from error
    except _BROKEN as error:
        raise DataError(
            f"{where}: is no image that can be read: {', '.join(FORMATS)} are known "
            f"({_reason(error)})."
        ) from error
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{where}: has {width} x {height} pixels; at most {MAX_PIXELS:,} are read. Scale it "
            "down."
        )
    try:
        frames = getattr(opened, "n_frames", 1)
    except _BROKEN as error:
        raise DataError(
            f"{where}: the image's frames cannot be read ({_reason(error)})."
        ) from error
    if frames > 1:
        raise DataError(
            f"{where}: is animated, or holds several images: {frames} frames. Save the one meant."
        )
    if opened.mode == "CMYK":
        raise DataError(f"{where}: is in CMYK, the colours of a printer; save it in RGB.")
    if opened.mode not in _PLAIN or ";16" in str(opened.tile):
        raise DataError(
            f"{where}: has more than 8 bits a channel (mode {opened.mode}); save it with 8."
        )
    return opened


def _on_white(image: Image.Image, where: str) -> Image.Image:
    """The image in RGB, where it is transparent on white."""
    if image.mode not in ("LA", "PA", "RGBA") and "transparency" not in image.info:
        return image.convert("RGB")
    drawn = image.convert("RGBA")
    alpha = drawn.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return drawn.convert("RGB")
    white = Image.new("RGBA", drawn.size, "white")
    found = Image.alpha_composite(white, drawn).convert("RGB")
    if all(low == 255 for low, _ in found.getextrema()):
        raise DataError(
            f"{where}: is transparent, and on white nothing of it is left to see; give it a "
            "background."
        )
    return found


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__

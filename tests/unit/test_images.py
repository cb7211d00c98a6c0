"""Images of others: what is decoded, what is refused, and that the image is named."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hybridbatch.data import images
from hybridbatch.data.images import MAX_PIXELS, decoded, image_file, png
from hybridbatch.runtime.errors import DataError

WHERE = "photos/owl.png"


def drawing(mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """A picture with edges and slopes."""
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    values = np.stack([x * 9 % 256, y * 15 % 256, (x // 4 + y // 4) % 2 * 255], axis=-1)
    return Image.fromarray(values.astype(np.uint8), "RGB").convert(mode)


def saved(image: Image.Image, format_: str = "PNG", **values) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **values)
    return file.getvalue()


def refused(image: bytes | None) -> str:
    with pytest.raises(DataError) as caught:
        decoded(image, WHERE)
    message = str(caught.value)
    assert message.startswith(f"{WHERE}: ")
    return message


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header_of(width: int, height: int, depth: int = 8) -> bytes:
    """A PNG file of one byte a row, whatever its header says."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(b"\0"))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("format_", ["PNG", "GIF", "BMP"])
def test_what_has_an_rgb_of_its_own_keeps_its_pixels(mode, format_):
    image = drawing(mode) if mode != "RGB" or format_ != "GIF" else drawing("P")
    found = decoded(saved(image, format_), WHERE)
    assert found.mode == "RGB"
    assert (np.asarray(found) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize(("format_", "values"), [("JPEG", {"quality": 95}), ("WEBP", {})])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_lossy_formats_are_read(format_, values, mode):
    image = Image.new(mode, (24, 16), 180 if mode == "L" else (180, 90, 20))
    found = np.asarray(decoded(saved(image, format_, **values), WHERE)).astype(int)
    assert abs(found - np.asarray(image.convert("RGB"))).max() <= 6


def test_a_missing_image_is_named():
    assert "has no image" in refused(None)
    assert "has no image" in refused(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a",
        b"<html>not found</html>",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"P3 1 1 255 0 0 0",
    ],
    ids=range(5),
)
def test_what_is_no_image_is_refused(data):
    assert "is no image that can be read" in refused(data)


def test_a_format_that_would_start_a_program_is_refused():
    assert "is no image" in refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_image_is_refused_and_not_filled(format_, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), format_)
    assert decoded(data, WHERE).size == (64, 64)
    message = refused(data[: int(len(data) * share)])
    assert "cut off or broken" in message or "is no image" in message


def test_a_broken_image_is_refused():
    data = bytearray(saved(drawing()))
    place = data.index(b"IDAT") + 12
    data[place : place + 20] = b"\xff" * 20
    assert "cannot be decoded" in refused(bytes(data))


@pytest.mark.parametrize(
    "size", [(10_000, 6_000), (12_000, 12_000), (20_000, 20_000), (2**31 - 1, 1_000)]
)
def test_a_decompression_bomb_is_refused_by_its_header(size, monkeypatch):
    def no_decoding(*_args):
        raise AssertionError("was decoded")

    monkeypatch.setattr(images.Image.Image, "load", no_decoding)
    message = refused(header_of(*size))
    assert "pixels" in message
    assert f"{MAX_PIXELS:,}" in message


def test_a_text_that_unfolds_to_gigabytes_is_refused():
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(3_000_000)))
    data = saved(drawing())
    place = data.index(b"IDAT") - 4
    refused(data[:place] + text + data[place:])


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_an_animated_image_is_refused(format_):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    data = saved(frames[0], format_, save_all=True, append_images=frames[1:])
    assert "is animated" in refused(data)
    assert "3 frames" in refused(data)
    assert decoded(saved(frames[0], format_), WHERE).getpixel((0, 0))[0] > 240


def test_cmyk_is_refused():
    assert "is in CMYK" in refused(saved(drawing("CMYK"), "JPEG"))


def test_16_bits_are_refused():
    grey = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999)
    assert "more than 8 bits" in refused(saved(grey))
    # Pillow reads this one as RGB of 8 bits, without a word.
    assert "more than 8 bits" in refused(header_of(1, 1, depth=16))


def test_a_transparent_image_is_laid_on_white():
    drawn = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    drawn.putpixel((1, 0), (200, 0, 0, 255))
    drawn.putpixel((2, 0), (0, 0, 0, 128))
    found = decoded(saved(drawn), WHERE)
    assert [found.getpixel((x, 0)) for x in range(3)] == [(255,) * 3, (200, 0, 0), (127,) * 3]


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_is_laid_on_white(mode):
    image = Image.new("RGB", (2, 1), "black")
    image.putpixel((1, 0), (10, 200, 30))
    image = image.convert(mode)
    key = image.getpixel((0, 0))
    found = decoded(saved(image, transparency=key), WHERE)
    assert found.getpixel((0, 0)) == (255, 255, 255)
    assert found.getpixel((1, 0)) == image.convert("RGB").getpixel((1, 0))


def test_an_opaque_alpha_changes_nothing():
    image = drawing("RGBA")
    found = decoded(saved(image), WHERE)
    assert (np.asarray(found) == np.asarray(drawing())).all()


@pytest.mark.parametrize("colour", [(255, 255, 255, 255), (0, 0, 0, 0)])
def test_a_transparent_image_that_white_hides_is_refused(colour):
    drawn = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    drawn.paste(colour, (2, 2, 6, 6))
    assert "nothing of it is left to see" in refused(saved(drawn))


def test_the_orientation_of_a_camera_is_applied():
    image = drawing()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    found = decoded(saved(image, exif=exif), WHERE)
    assert (np.asarray(found) == np.asarray(image.transpose(Image.Transpose.ROTATE_270))).all()


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_any_bytes_are_an_image_or_an_error_with_its_name(format_):
    right, rng = saved(drawing(), format_), random.Random(0)
    modes, messages = set(), []
    for _ in range(200):
        data = bytearray(right)
        for _ in range(rng.choice([1, 1, 4])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            modes.add(decoded(bytes(data), WHERE).mode)
        except DataError as error:
            messages.append(str(error))
    assert modes <= {"RGB"}
    assert messages
    assert all(message.startswith(f"{WHERE}: ") for message in messages)


def test_a_file_that_is_not_there_or_empty_is_named(tmp_path):
    path = tmp_path / "owl.png"
    with pytest.raises(DataError, match=r"owl\.png: there is no such image"):
        image_file(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"owl\.png: is empty"):
        image_file(path)
    path.write_bytes(b"x")
    assert image_file(path) == b"x"


def test_the_same_pixels_are_the_same_file():
    first, second = (png(drawing()) for _ in range(2))
    assert first == second
    assert (np.asarray(decoded(first, WHERE)) == np.asarray(drawing())).all()

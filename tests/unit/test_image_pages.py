"""Pages with images: which captions are shown, right images framed, all text escaped."""

import base64
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import first_images_page
from hybridbatch.data.captions import write_images
from hybridbatch.data.images import decoded, png
from hybridbatch.data.thumbnails import thumbnail
from hybridbatch.evaluation.first_images import first_images
from hybridbatch.render.gallery import Line, Picture, gallery_page
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_table, write_tensors

HOSTILE = "</td><script>alert('1')</script><img src=x onerror=\"alert(2)\"> & ]]>"
DOT = png(Image.new("RGB", (3, 2), "red"))


def pictured(*lines: Line, title: str = "Title") -> str:
    return gallery_page(title, "Said of `it`.", ["query", "language", "images"], lines, "td {}\n")


def test_the_right_image_is_framed_and_every_image_is_in_the_page():
    pictures = (Picture(DOT, "cat"), Picture(DOT, "dog", right=True))
    page = pictured(Line("dog", "ar", ("كلب", "ar"), pictures, Picture(DOT, "dog")))
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == 3
    assert ['class="right"' in image for image in images] == [False, False, True]
    assert "dog (the right one)" in images[2]
    for data in re.findall(r'src="data:image/png;base64,([^"]*)"', page):
        assert base64.b64decode(data) == DOT
    assert '<td lang="ar" dir="auto">كلب</td>' in page
    assert re.search(r"<h2><img [^>]*> dog</h2>", page)
    assert "<code>it</code>" in page


@pytest.mark.parametrize("place", ["title", "band", "text", "label", "language"])
def test_hostile_text_is_shown_as_it_is_and_loads_nothing(place):
    of = dict.fromkeys(("title", "band", "text", "label", "language"), "plain") | {place: HOSTILE}
    line = Line(of["band"], of["language"], (of["text"], "en"), (Picture(DOT, of["label"]),))
    page = pictured(line, title=of["title"])
    assert "<script" not in page
    assert len(re.findall(r"<img", page)) == 1
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    assert "alert(&#x27;1&#x27;)" in page
    assert "default-src 'none'" in page


def test_lines_of_a_band_are_one_table():
    lines = [Line(band, "en", (text,), (Picture(DOT, "a"),)) for band, text in ("xa", "xb", "yc")]
    page = pictured(*lines)
    assert page.count("<table>") == 2
    assert page.index("<h2>x</h2>") < page.index(">b</td>") < page.index("<h2>y</h2>")


def test_thumbnails_are_small_and_broken_images_are_named():
    found = decoded(thumbnail(png(Image.new("RGB", (200, 100), "blue")), "a"), "a")
    assert found.size == (64, 32)
    assert found.getpixel((3, 3)) == (0, 0, 255)
    assert decoded(thumbnail(DOT, "b"), "b").size == (3, 2)
    with pytest.raises(DataError, match=r"images\.parquet: image 7"):
        thumbnail(b"none", "images.parquet: image 7")


def test_thumbnails_are_the_same_again():
    noise = np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    assert thumbnail(file.getvalue(), "a") == thumbnail(file.getvalue(), "a")


def asked(*rows: tuple[str, str]) -> pa.Table:
    """Captions in (language, image)."""
    names = ("query_id", "language", "image_id", "text")
    columns = [[image, code, image, f"{image} in {code}"] for code, image in rows]
    return pa.table([list(column) for column in zip(*columns, strict=True)], names=names)


def test_first_images_are_ranked_exactly_and_ties_are_as_in_trec_eval():
    captions = asked(("en", "a"), ("en", "b"), ("es", "b"))
    images = np.array([[1, 0], [0, 1], [0, 1], [0.6, 0.8]], dtype=np.float32)
    queries = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    found = first_images(captions, queries, ["a", "b", "c", "d"], images, ["en", "es"], 2, first=3)
    # The image with captions in both languages comes first, in the languages' order.
    assert [(of.language, of.right) for of in found] == [("en", "b"), ("es", "b"), ("en", "a")]
    assert [of.rank for of in found] == [2, 4, 1]
    assert [of.first for of in found] == [("c", "b", "d"), ("a", "d", "c"), ("a", "d", "c")]
    assert found[0].caption == "b in en"


def test_which_images_are_shown_does_not_depend_on_their_order():
    ids = [f"i{i}" for i in range(20)]
    vectors = np.eye(20, dtype=np.float32)
    rows = [("en", id_) for id_ in ids]
    found = first_images(asked(*rows), vectors, ids, vectors, ["en"], 4)
    assert len({of.right for of in found}) == 4
    assert all(of.rank == 1 for of in found)
    back = first_images(asked(*rows[::-1]), vectors[::-1], ids[::-1], vectors[::-1], ["en"], 4)
    assert [of.right for of in back] == [of.right for of in found]


def page_of(
    folder: Path,
    captions: pa.Table,
    caption_vectors: np.ndarray,
    images: dict[str, bytes],
    image_vectors: np.ndarray,
) -> str:
    """The page that the script makes of two images."""
    ids = [*images]
    paths = {name: folder / name for name in ("vectors", "captions", "tested", "images", "style")}
    write_tensors(paths["vectors"], {"captions5": caption_vectors, "images5": image_vectors})
    write_table(paths["captions"], captions)
    write_table(paths["tested"], pa.table({"image_id": ids, "group": ids}))
    # There are images of other splits, too.
    write_images(paths["images"], [("zz", DOT), *[*images.items()][::-1]])
    paths["style"].write_text("td {}\n")
    params = {"seed": 5, "languages": ["ar", "en"], "images": 2}
    output = folder / "page.html"
    first_images_page.main(
        SimpleNamespace(
            input=SimpleNamespace(**paths),
            output=[output],
            params=SimpleNamespace(**params, title="Title", caption="Said."),
        )
    )
    return output.read_text()


def test_the_script_makes_a_page_of_images_and_captions(tmp_path):
    ids, vectors = ["a", "b", "c"], np.eye(3, dtype=np.float32)
    captions = asked(*[("en", id_) for id_ in ids], ("ar", "b"))
    of_captions = np.concatenate([vectors, vectors[:1]])
    page = page_of(tmp_path, captions, of_captions, dict.fromkeys(ids, DOT), vectors)
    assert page.count("<tr><td") == 3
    assert page.count('class="right"') == 3
    assert "There are 3 images to find it among." in page
    assert re.search(r'<td lang="ar" dir="auto">b in ar</td><td>ar</td><td>[23]</td>', page)


def test_the_page_has_five_images_of_a_query_and_frames_the_right_one_among_them(tmp_path):
    """Of eight images; one query's own is the third, and the other's the sixth."""
    ids = list("abcdefgh")
    images = {id_: png(Image.new("RGB", (4, 4), (20 * i, 0, 0))) for i, id_ in enumerate(ids)}
    angles = np.linspace(0, 1, len(ids))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    # From `a` on, the nearest images are in the order of the alphabet.
    page = page_of(tmp_path, asked(("en", "c"), ("en", "f")), vectors[[0, 0]], images, vectors)
    rows = re.findall(r"<tr><td lang.*?</tr>", page, re.DOTALL)
    assert len(rows) == 2
    assert "<th>first five images</th>" in page
    framed = {}
    for row in rows:
        caption, rank = re.fullmatch(
            r'<tr><td lang="en" dir="auto">(.*?)</td><td>en</td><td>(\d)</td><td class="images">.*',
            row, re.DOTALL,
        ).groups()  # fmt: skip
        found = re.findall(r'<img( class="right")? alt="(\w).*?" src="data:.*?base64,(.*?)">', row)
        assert [label for _, label, _ in found] == ids[:5]
        assert row.count("<img") == 5
        shown = [decoded(base64.b64decode(data), "here").getpixel((1, 1)) for *_, data in found]
        assert shown == [(20 * number, 0, 0) for number in range(5)]
        framed[caption, rank] = [label for right, label, _ in found if right]
    assert framed == {("c in en", "3"): ["c"], ("f in en", "6"): []}

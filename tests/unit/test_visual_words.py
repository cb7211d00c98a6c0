"""Visual words: the same for the same line of text, wherever and how large it stands."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from hybridbatch.encoders.visual_words import CELL, VisualWords, _means, blobs, codebook
from hybridbatch.runtime.errors import DataError

LINES = ["the quick brown fox jumps", "over a lazy dog", "Где живут совы?", "fox over dog",
         "Λόγος και μύθος", "pack my box with five dozen jugs"]  # fmt: skip


def line(text: str, size: float = 20, shift: tuple[int, int] = (0, 0)) -> Image.Image:
    """A text in black on white."""
    font = ImageFont.load_default(size)
    image = Image.new("RGB", (int(size * (len(text) + 2)), int(2 * size) + 8), "white")
    ImageDraw.Draw(image).text((4 + shift[0], 4 + shift[1]), text, fill="black", font=font)
    return image


@pytest.fixture(scope="module")
def module() -> VisualWords:
    return VisualWords(codebook((line(t) for t in LINES), 30), 16, 2**16, 3)


def overlap(a: list[int], b: list[int]) -> float:
    return len(set(a) & set(b)) / max(1, len(set(a) | set(b)))


def test_a_blob_is_a_letter_from_left_to_right_and_words_begin_behind_gaps():
    found, begins = blobs(line("oll ol"))
    assert found.shape == (5, CELL * CELL + 3)
    assert begins.tolist() == [True, False, False, True, False]
    # Of `o` and `l`: the letter l is higher than wide.
    assert found[1, CELL * CELL] > found[1, CELL * CELL + 1]
    np.testing.assert_allclose(found[1], found[4], atol=1e-6)


def test_words_do_not_depend_on_place_and_colours(module):
    words = module.words(line(LINES[0]))
    assert words == module.words(line(LINES[0], shift=(3, 5)))
    inverted = Image.eval(line(LINES[0]), lambda value: 255 - value)
    assert words == module.words(inverted)
    assert min(words) >= 1
    assert max(words) < 2**16


def test_words_of_another_size_are_nearer_than_those_of_another_text(module):
    for text in LINES:
        found = module.words(line(text, size=26))
        overlaps = {other: overlap(found, module.words(line(other))) for other in LINES}
        assert max(overlaps, key=overlaps.get) == text
        assert overlaps[text] > 0.3


def test_longer_ngrams_tell_the_order(module):
    bag = VisualWords(module.codebook, 16, 2**16, 1)
    assert sorted(bag.words(line("ab"))) == sorted(bag.words(line("ba")))
    assert set(module.words(line("ab"))) != set(module.words(line("ba")))


@pytest.mark.parametrize("colour", ["white", "black", "grey"])
def test_an_empty_image_has_the_empty_word(module, colour):
    assert module.words(Image.new("RGB", (40, 20), colour)) == [0]


def test_vectors_are_means_of_rows(module):
    images = [line(LINES[0]), Image.new("RGB", (9, 9), "white"), line(LINES[3])]
    found = module(module.preprocess(images))["sentence_embedding"].detach().numpy()
    table = module.table.weight.detach().numpy()
    for vector, image in zip(found, images, strict=True):
        np.testing.assert_allclose(vector, table[module.words(image)].mean(axis=0), atol=1e-6)


def test_training_has_the_vectors_and_the_gradient_of_a_plain_table(module):
    features = module.preprocess([line(text * 3) for text in LINES])
    assert len(features["input_ids"].unique()) < len(features["input_ids"]) / 2
    plain = torch.nn.EmbeddingBag.from_pretrained(
        module.table.weight.detach().clone(), freeze=False, mode="mean", sparse=True
    )
    expected = plain(features["input_ids"], features["offsets"])
    upstream = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
    expected.backward(upstream)
    module.table.sparse = True
    try:
        found = module(features)["sentence_embedding"]
        found.backward(upstream)
        gradient = module.table.weight.grad
    finally:
        module.table.sparse, module.table.weight.grad = False, None
    assert torch.equal(found, expected)
    # A row for each n-gram that is there, however often it is.
    assert gradient._nnz() == len(features["input_ids"].unique())
    torch.testing.assert_close(gradient.to_dense(), plain.weight.grad.to_dense())


def test_a_codebook_is_the_same_for_the_same_images():
    first, second = (codebook((line(t) for t in LINES), 12) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.shape == (12, CELL * CELL + 3)


def test_too_few_blobs_for_a_codebook_are_refused():
    with pytest.raises(DataError, match="have 2 different blobs of ink, fewer than the 5"):
        codebook([line("ol"), line("lo")], 5)
    with pytest.raises(DataError, match="have 0 different blobs"):
        codebook([], 5)


@pytest.mark.parametrize("height", [1, 3, 7, 8, 9, 20, 33])
@pytest.mark.parametrize("width", [1, 5, 8, 11, 24])
def test_a_blob_is_scaled_as_pillows_box_filter_scales(height, width):
    ink = np.random.default_rng(0).random((height, width)).astype(np.float32)
    size = (CELL, CELL)
    expected = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
    found = _means(height) @ ink @ _means(width).T
    np.testing.assert_allclose(found, expected, atol=1e-6)

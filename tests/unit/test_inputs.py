"""Inputs of each sort: counted, taken, joined, and taken apart into arrays and back."""

import numpy as np
import pytest

from hybridbatch.encoders.inputs import (
    Dense,
    Inputs,
    Ragged,
    Repeating,
    concatenate,
    from_arrays,
    with_absent,
)
from hybridbatch.runtime.files import read_tensors, write_tensors

LISTS = [[1, 2, 3], [], [4], [5, 6]]
IMAGES = np.arange(4 * 2 * 3, dtype=np.float32).reshape(4, 2, 3)
WHICH = np.array([2, 0, 0, 3, 1], dtype=np.int32)
SORTS = {
    "ragged": Ragged.of(LISTS),
    "dense": Dense(IMAGES),
    "repeating ragged": Repeating(Ragged.of(LISTS), WHICH),
    "repeating dense": Repeating(Dense(IMAGES), WHICH),
}
# What each of them is of, one by one.
ITEMS = {
    "ragged": LISTS,
    "dense": IMAGES.tolist(),
    "repeating ragged": [LISTS[i] for i in WHICH],
    "repeating dense": [IMAGES[i].tolist() for i in WHICH],
}


def items(inputs: Inputs) -> list:
    """One by one, as lists."""
    if isinstance(inputs, Repeating):
        inputs = inputs.take(np.arange(len(inputs)))
    if isinstance(inputs, Dense):
        return inputs.values.tolist()
    starts = zip(inputs.bounds, inputs.bounds[1:], strict=False)
    return [inputs.ids[a:b].tolist() for a, b in starts]


@pytest.mark.parametrize("sort", SORTS)
def test_inputs_are_counted_and_taken_like_lists(sort):
    inputs, expected = SORTS[sort], ITEMS[sort]
    assert len(inputs) == len(expected)
    assert items(inputs) == expected
    for rows in ([3, 1, 0, 3], [2], []):
        taken = inputs.take(np.array(rows, dtype=np.int64))
        assert len(taken) == len(rows)
        assert items(taken) == [expected[row] for row in rows]


@pytest.mark.parametrize("sort", ["ragged", "dense"])
def test_an_absent_input_has_no_length_and_stays_absent(sort):
    inputs, full = SORTS[sort], SORTS[sort].lengths().tolist()
    more = with_absent(inputs)
    assert more.lengths().tolist() == [*full, 0]
    assert items(more)[:4] == ITEMS[sort]
    many = Repeating(more, np.array([4, 0, 4, 3]))
    assert many.lengths().tolist() == [0, full[0], 0, full[3]]
    taken = many.take(np.array([2, 1]))
    joined = concatenate([taken, inputs.take(np.array([2]))])
    for found in (joined, from_arrays(joined.arrays())):
        assert found.lengths().tolist() == [0, full[0], full[2]]
        assert items(found)[1:] == [ITEMS[sort][0], ITEMS[sort][2]]
    assert concatenate([inputs, inputs]).arrays().keys() == inputs.arrays().keys()


@pytest.mark.parametrize("sort", SORTS)
def test_lengths_are_tokens_or_whole_inputs(sort):
    lengths = SORTS[sort].lengths()
    assert lengths.dtype == np.int64
    expected = [1] * len(ITEMS[sort]) if "dense" in sort else list(map(len, ITEMS[sort]))
    assert lengths.tolist() == expected


@pytest.mark.parametrize("sort", ["ragged", "dense"])
def test_parts_are_joined_in_their_order(sort):
    inputs, expected = SORTS[sort], ITEMS[sort]
    parts = [inputs.take(np.array(rows, dtype=np.int64)) for rows in ([2, 3], [], [0, 1, 0])]
    joined = concatenate(parts)
    assert type(joined) is type(inputs)
    assert items(joined) == [expected[row] for row in (2, 3, 0, 1, 0)]
    assert items(concatenate(parts[:1])) == expected[2:]


@pytest.mark.parametrize("sort", SORTS)
def test_arrays_give_the_inputs_back_through_a_file(tmp_path, sort):
    inputs = SORTS[sort]
    keys = {"encoder": "tiny", "language": "en", "seed": 3}
    write_tensors(tmp_path / "inputs.safetensors", inputs.arrays(), keys)
    arrays, found = read_tensors(tmp_path / "inputs.safetensors")
    assert found == keys
    again = from_arrays(arrays)
    assert type(again) is type(inputs)
    assert items(again) == ITEMS[sort]
    for name, array in inputs.arrays().items():
        assert again.arrays()[name].dtype == array.dtype


def test_arrays_that_are_not_contiguous_are_written_as_they_are(tmp_path):
    write_tensors(tmp_path / "x", Dense(IMAGES[::2, :, ::-1]).arrays())
    arrays, keys = read_tensors(tmp_path / "x")
    assert keys == {}
    assert arrays["values"].tolist() == IMAGES[::2, :, ::-1].tolist()

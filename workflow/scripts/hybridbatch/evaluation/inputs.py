"""Selecting a job's inputs by their keys instead of their order.

The keys of a file say what it holds: encoder, sampling, seed, benchmark, language and so on. They
are stored in the file itself (`files.write_table`). A part is the keys of a file with the value
read from it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from hybridbatch.runtime.errors import DataError

Value = TypeVar("Value")
Keys = Mapping[str, Any]


def pick(parts: Sequence[tuple[Keys, Value]], wanted: Sequence[Keys]) -> list[Value]:
    """The values of the parts in the order of `wanted`. Each entry selects one part by some keys.

    All entries must have the same key names. Raises DataError if an entry matches no part or two
    parts, and if a part is left over.
    """
    names = sorted(wanted[0]) if wanted else []
    values = {_place(keys, names): value for keys, value in parts}
    order = [_place(keys, names) for keys in wanted]
    counts = Counter(_place(keys, names) for keys, _ in parts)
    wrong = {place: counts[place] for place in {*order, *counts} if counts[place] != 1}
    wrong |= {place: 0 for place in counts if place not in set(order)}
    if wrong:
        place = min(wrong, key=str)
        of = ", ".join(f"{name} {value}" for name, value in zip(names, place, strict=True))
        found = "not asked for" if place not in set(order) else f"there {counts[place]} times"
        raise DataError(f"inputs of {of or 'no key'}: {found}; expected once. Make them again.")
    return [values[place] for place in order]


def common(parts: Sequence[tuple[Keys, Any]], names: Sequence[str]) -> dict[str, Any]:
    """The values of the keys `names`, equal in all parts; DataError if two parts differ."""
    found = {name: list(dict.fromkeys(keys.get(name) for keys, _ in parts)) for name in names}
    for name, values in found.items():
        if len(values) != 1:
            raise DataError(f"inputs differ in their {name}: {', '.join(map(str, values))}.")
    return {name: values[0] for name, values in found.items()}


def _place(keys: Keys, names: Sequence[str]) -> tuple:
    return tuple(keys.get(name) for name in names)

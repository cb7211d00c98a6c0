"""A job's inputs by what they are of, whatever order they came in.

Keys say what a file is of: encoder, sampling, seed, benchmark, language and the like. They stand in
the file itself (`files.write_table`). A part is a file's keys with what was read from it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from hybridbatch.runtime.errors import DataError

Value = TypeVar("Value")
Keys = Mapping[str, Any]


def pick(parts: Sequence[tuple[Keys, Value]], wanted: Sequence[Keys]) -> list[Value]:
    """What was read, in the order of `wanted`, each entry of which names a part by some keys.

    All entries have the same keys. Raises DataError where an entry fits no part, where two parts
    fit one entry, and where a part is left over.
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
    """The keys `names`, which all parts have in common; DataError where two differ."""
    found = {name: list(dict.fromkeys(keys.get(name) for keys, _ in parts)) for name in names}
    for name, values in found.items():
        if len(values) != 1:
            raise DataError(f"inputs differ in their {name}: {', '.join(map(str, values))}.")
    return {name: values[0] for name, values in found.items()}


def _place(keys: Keys, names: Sequence[str]) -> tuple:
    return tuple(keys.get(name) for name in names)

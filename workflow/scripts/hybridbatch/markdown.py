"""Markdown tables of texts that others wrote: every cell is shown as it is, none as markup."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from tabulate import tabulate

_MARKUP = re.compile(r"([\\`*_\[\]<>|~$&])")


def escape(text: str) -> str:
    """`text` on one line, so that GitHub's Markdown shows it as it is inside a table's cell."""
    visible = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return _MARKUP.sub(r"\\\1", " ".join(visible.split()))


def grid(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are escaped, None is an empty cell."""
    lines = [["" if cell is None else escape(str(cell)) for cell in row] for row in rows]
    return tabulate(lines, headers=headers, disable_numparse=True, tablefmt="github")

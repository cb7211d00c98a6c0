"""Write the files of a table: its values as CSV, its page as Markdown and LaTeX."""

from pathlib import Path

import pandas as pd

from hybridbatch.render import latex, markdown
from hybridbatch.render.grid import Page
from hybridbatch.runtime.files import write_text


def write(output, frame: pd.DataFrame, page: Page) -> None:
    """Write a table in three formats, each atomically; output: paths `csv`, `markdown`, `latex`."""
    write_tidy(output.csv, frame)
    write_text(output.markdown, markdown.render(page))
    write_text(output.latex, latex.render(page))


def write_tidy(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a CSV atomically; floats have six decimals, a missing value is an empty field."""
    write_text(path, frame.to_csv(index=False, float_format="%.6f", lineterminator="\n"))

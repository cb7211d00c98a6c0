"""The files of a table: figures as CSV, the page as Markdown to read and LaTeX to print."""

from pathlib import Path

import pandas as pd

from hybridbatch.render import latex, markdown
from hybridbatch.render.grid import Page
from hybridbatch.runtime.files import write_text


def write(output, frame: pd.DataFrame, page: Page) -> None:
    """Write a table in its three forms, each whole; output: their paths csv, markdown and latex."""
    write_tidy(output.csv, frame)
    write_text(output.markdown, markdown.render(page))
    write_text(output.latex, latex.render(page))


def write_tidy(path: str | Path, frame: pd.DataFrame) -> None:
    """Write the CSV, whole; figures with six decimals, an absent one as an empty field."""
    write_text(path, frame.to_csv(index=False, float_format="%.6f", lineterminator="\n"))

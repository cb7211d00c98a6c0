"""The files of a table: figures as CSV, the page as Markdown to read and LaTeX to print."""

import pandas as pd

from hybridbatch.render import latex, markdown
from hybridbatch.render.grid import Page
from hybridbatch.runtime.files import write_text
from hybridbatch.tables.scores import write_tidy


def write(output, frame: pd.DataFrame, page: Page) -> None:
    """Write a table in its three forms, each whole; output: their paths csv, markdown and latex."""
    write_tidy(output.csv, frame)
    write_text(output.markdown, markdown.render(page))
    write_text(output.latex, latex.render(page))

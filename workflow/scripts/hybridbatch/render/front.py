"""The results on the report's first page: the main table, the verdicts and one figure.

Snakemake's report includes this HTML in its description of the workflow. It therefore brings its
own style, loads nothing, and escapes all text from other sources.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape

from hybridbatch.render.html import caption_html, image, renderer
from hybridbatch.render.markdown import grid
from hybridbatch.runtime.errors import DataError

_STATEMENTS = """### What the paper states

How often each statement holds here. Each is tested for every encoder, benchmark and pool of
languages, {places} in all. `holds`: the whole interval of the difference is on the statement's
side; `does not`: all of it is on the other; `undecided`: it reaches both; `cannot say`: too few
seeds or questions to see a loss as large as the margin; `no margin`: the paper prints none to take;
`not run`: no such cell.
{images}
{table}
"""

_OF_IMAGES = """
The statements on text towers are not the paper's: they ask its question of captions and images.
Each is tested for every benchmark, sampling of captions and mean over unseen languages, {number} in
all.
"""


def front_page(
    table: str,
    places: int,
    verdicts: Sequence[str],
    counts: Mapping[str, Mapping[str, int]],
    images: int,
    figure: str,
    svg: bytes,
    style: str,
) -> str:
    """HTML without a head or body.

    table: the main table's Markdown, of which title, introduction and first section are shown;
    places, verdicts, counts, images: as in `tables.summary.Verdicts`; figure: a figure's caption,
    its title first; style: CSS. Raises DataError for a table without a title.
    """
    rows = [[name, *(of[verdict] for verdict in verdicts)] for name, of in counts.items()]
    statements = _STATEMENTS.format(
        places=places,
        images=_OF_IMAGES.format(number=images) if images else "",
        table=grid(["statement", *verdicts], rows),
    )
    title, _, caption = figure.strip().partition("\n\n")
    blocks = [
        renderer().render(first_section(table)),
        renderer().render(statements),
        f"<h3>{escape(title)}</h3>\n",
        image(title, svg),
        f"<p>{caption_html(caption)}</p>\n",
    ]
    return f'<style>\n{style}</style>\n<div class="front">\n{"".join(blocks)}</div>\n'


def first_section(markdown: str) -> str:
    """A table's Markdown up to its second section, with headings below those of the page.

    Raises DataError if it does not begin with a title.
    """
    if not markdown.startswith("# "):
        raise DataError(f"A table's Markdown begins with its title, '# ...': {markdown[:60]!r}")
    head, *sections = markdown.split("\n## ")
    shown = [head, *sections[:1]]
    return re.sub(r"^(#+) ", r"##\1 ", "\n## ".join(shown).rstrip() + "\n", flags=re.MULTILINE)

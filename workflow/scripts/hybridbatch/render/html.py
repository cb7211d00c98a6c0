"""Tables and figures as HTML pages that load nothing and escape all text from other sources."""

import base64
import csv
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hybridbatch.runtime.errors import HybridBatchError

_EMPHASIS = ("<ins>", "</ins>")  # the only HTML in our Markdown
_NUMBER = re.compile(r"[-+−*]*[\d,.]+%?\**")
_SHORT = 32  # characters
_COUNTED = {"n_queries": ("query", "queries"), "n_seeds": ("seed", "seeds")}


def table_page(markdown: str, caption: str, counted: str, style: str) -> str:
    """A table's page.

    markdown: the table's file, whose first line is its title; caption: paragraphs, with ``code`` at
    most; counted: of `counts_phrase`; style: CSS. Raises HybridBatchError without a title.
    """
    first, _, body = markdown.partition("\n")
    if not first.startswith("# "):
        raise HybridBatchError(
            f"A table's Markdown begins with its title, '# ...'; found: {first!r}"
        )
    markdown_it = renderer()
    return page(
        markdown_it.renderInline(first[2:]), caption, counted, markdown_it.render(body), style
    )


def figure_page(text: str, svg: bytes, style: str) -> str:
    """A figure's page; text: its title, an empty line and its caption, which may have `code`."""
    title, _, caption = text.strip().partition("\n\n")
    said = caption_html(caption)
    return page(escape(title), said, "", image(title, svg), style, plain=True)


def image(title: str, svg: bytes) -> str:
    """An SVG as an image: no script in it runs, and it loads nothing."""
    data = base64.b64encode(svg).decode("ascii")
    return f'<img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}">\n'


def caption_html(text: str) -> str:
    """A figure's caption as HTML: `code` becomes an element, all else is text."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def counts_phrase(table: str | Path) -> str:
    """The numbers of queries and seeds behind a tidy table's scores; empty for a count table."""
    # Not with pandas, which takes most of the second that a page takes.
    with Path(table).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = {name: {int(float(row[name])) for row in rows if row.get(name)} for name in _COUNTED}
    return ", ".join(_range(found, _COUNTED[name]) for name, found in counts.items() if found)


def _range(counts: set[int], names: tuple[str, str]) -> str:
    low, high = min(counts), max(counts)
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{span} {names[high != 1]}"


def page(title: str, caption: str, counted: str, body: str, style: str, plain: bool = False) -> str:
    """A page of HTML. title and body are HTML already; with `plain`, so is the caption."""
    said = f"<p>{caption}</p>\n" if plain else renderer().render(caption)
    facts = f"<p>n in each cell: {escape(counted)}.</p>\n" if counted else ""
    name = re.sub(r"<[^>]*>", "", title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # Second line of defence: anything that gets past the escaping is neither run nor fetched.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f'<div class="caption">\n{said}{facts}</div>\n{body}</body>\n</html>\n'
    )


def renderer() -> MarkdownIt:
    """CommonMark with tables, without links and images, and without HTML but our emphasis."""
    markdown_it = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown_it.disable(["html_block", "link", "image", "autolink", "reference", "code"])
    markdown_it.add_render_rule("html_inline", _html_inline)
    markdown_it.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    markdown_it.add_render_rule("table_close", lambda *_: "</table></div>\n")
    markdown_it.add_render_rule("td_open", _cell)
    markdown_it.add_render_rule("th_open", _cell)
    return markdown_it


# markdown-it passes the renderer as the first argument of a rule.
def _html_inline(_: Any, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    text = tokens[index].content
    return text if text in _EMPHASIS else escape(text)


def _cell(renderer: Any, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    """Align numbers to the right, and keep short texts on one line."""
    text = tokens[index + 1].content
    if _NUMBER.fullmatch(text):
        tokens[index].attrJoin("class", "number")
    elif len(text) <= _SHORT:
        tokens[index].attrJoin("class", "short")
    return renderer.renderToken(tokens, index, *rest)

"""Texts of the configuration are shown as they are, in Markdown, HTML and LaTeX."""

import pytest
from markdown_it import MarkdownIt
from test_html_pages import HOSTILE, Reader

from hybridbatch.experiment.outputs import table_entry
from hybridbatch.render import latex
from hybridbatch.render.front import first_section
from hybridbatch.render.grid import Band, Cell, Grid, Page
from hybridbatch.render.html import renderer, table_page
from hybridbatch.render.markdown import fenced, heading, render

TITLES = [*HOSTILE, "C # ##", "# x", "a  b", "x\\", "A_b _c_ *", "<ins>x</ins>", "{{ 7*7 }}"]


def page(title: str) -> Page:
    """A page whose title and names are this text."""
    grid = Grid("caption", title, [title], [Band([(title, [Cell(title)])], title)], [(title, 1)])
    return Page("name", title, [grid])


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_text_in_markdown(title):
    """As CommonMark reads it, which GitHub's pages are made of."""
    shown = " ".join(title.split())
    reader = MarkdownIt("commonmark").enable("table")
    tokens = reader.parse(render(page(title)))
    inline = [token for token in tokens if token.type == "inline"]
    assert [t.type for token in inline for t in token.children if t.type != "text_special"] == [
        "text"
    ] * sum(t.type == "text" for token in inline for t in token.children)
    texts = ["".join(t.content for t in token.children) for token in inline]
    assert texts == [shown, " ".join(f"{title}, {title}".split()), shown, shown, shown, shown]


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_text_in_a_page_and_on_the_first(title):
    shown = " ".join(title.split())
    markdown = render(page(title))
    for html in (
        table_page(markdown, "caption", "", ""),
        renderer().render(first_section(markdown)),
    ):
        found = Reader(html)
        assert not {"script", "img", "a", "em", "strong", "code", "ins"} & set(found.tags)
        assert [cell.strip() for cell in found.cells if cell.strip()] == [shown, shown]


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_text_in_latex_and_in_the_report_s_script(title):
    text = latex.render(page(title))
    assert text.splitlines()[0].startswith("% ")
    assert text.count("\\begin{table") == 1
    assert not set("<>") & set(text.splitlines()[0])
    label = table_entry("quiz", {"quiz": title}).label
    assert not set(label) & set("<>&'\"`\\{}#$")


@pytest.mark.parametrize("text", ["a", "a\n```\nb", "````", "x ``` y"])
def test_a_block_of_code_ends_where_it_ends(text):
    (token,) = MarkdownIt("commonmark").parse(fenced(text, "yaml"))
    assert (token.type, token.info, token.content) == ("fence", "yaml", f"{text}\n")


def test_a_plain_heading_is_plain():
    assert heading(2, "Scores of x_y, v1.0") == "## Scores of x_y, v1.0"

"""Pages load nothing and show texts that others wrote as they are."""

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from hybridbatch.render.html import counts_phrase, figure_page, table_page
from hybridbatch.render.markdown import grid
from hybridbatch.runtime.errors import HybridBatchError

HOSTILE = [
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    "\"><a href='javascript:alert(1)'>",
    "]]></style></title><!-- ",
    "![x](http://example.org/x.png) [y](javascript:alert(1)) <http://example.org>",
    "&lt;script&gt; &amp; <ins>not ours</ins>",
    "**bold** _it_ `code` | pipe | $x$ ~~s~~",
]


class Reader(HTMLParser):
    """The tags, attributes and table cells of a page, as a browser takes them."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.attributes, self.cells = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        if tag == "table":
            self.cells.append("")


def page(body: str, title: str = "Title", caption: str = "Said.", counted: str = "") -> str:
    return table_page(f"# {title}\n\n{body}\n", caption, counted, "td {}\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_cell_is_shown_as_it_is(text: str):
    found = Reader(page(grid(["text", "n"], [[text, 1]])))
    assert found.cells[0].strip() == text.strip()
    assert not {"script", "img", "a", "ins", "strong", "em", "code"} & set(found.tags)
    assert not [a for a in found.attributes if a[1] in ("src", "href") or a[1].startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["title", "caption", "body", "counted"])
def test_hostile_text_elsewhere_runs_and_loads_nothing(text: str, place: str):
    arguments = {"body": "Text.", place: text}
    found = Reader(page(**arguments))
    assert found.tags.count("style") == found.tags.count("body") == 1
    assert not {"script", "img", "a"} & set(found.tags)
    assert not [a for a in found.attributes if a[1] in ("src", "href") or a[1].startswith("on")]


def test_our_own_emphasis_stays():
    text = page("| a | b |\n|---|---|\n| **0.52** | <ins>0.51</ins> |")
    assert "<strong>0.52</strong>" in text
    assert "<ins>0.51</ins>" in text


def test_numbers_stand_right_and_short_texts_in_one_line():
    long = "a text that is longer than any cell of figures"
    cells = ["0.52", "-1,234", "**0.5**", "12%", "0.52 [0.50, 0.55]", long]
    text = page(
        "| " + " | ".join("abcdef") + " |\n" + "|---" * 6 + "|\n| " + " | ".join(cells) + " |"
    )
    for cell in ("0.52", "-1,234", "<strong>0.5</strong>", "12%"):
        assert f'<td class="number">{cell}</td>' in text
    assert '<td class="short">0.52 [0.50, 0.55]</td>' in text
    assert f"<td>{long}</td>" in text


def test_table_without_title_is_refused():
    with pytest.raises(HybridBatchError, match="begins with its title"):
        table_page("| a |\n|---|\n", "Said.", "", "")


def test_counts_are_those_of_the_table(tmp_path: Path):
    table = tmp_path / "t.csv"
    pd.DataFrame({"n_queries": [1190, None, 12], "n_seeds": [1, 1, 1]}).to_csv(table, index=False)
    assert counts_phrase(table) == "12 to 1,190 queries, 1 seed"
    pd.DataFrame({"n_queries": [None], "n_seeds": [None]}).to_csv(table, index=False)
    assert counts_phrase(table) == ""
    pd.DataFrame({"pairs": [3]}).to_csv(table, index=False)
    assert counts_phrase(table) == ""


def test_figure_is_an_image_with_title_and_caption():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    found = figure_page(
        'A "title" <b>\n\nA caption of `x-y` <script>alert(1)</script> ]]>\n', svg, ""
    )
    tags = Reader(found)
    assert tags.tags.count("img") == 1
    assert "script" not in tags.tags
    assert "b" not in tags.tags
    assert ("img", "alt", 'A "title" <b>') in tags.attributes
    source = next(value for _, name, value in tags.attributes if name == "src")
    assert source.startswith("data:image/svg+xml;base64,")
    assert "A caption of <code>x-y</code> &lt;script&gt;" in found

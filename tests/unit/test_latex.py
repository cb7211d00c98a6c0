"""LaTeX of data with every special character, of every shape of grid; pdflatex takes it all."""

import string
from pathlib import Path

import pytest
from tex import compiled

from hybridbatch.render.grid import BOLD, DAGGER, UNDERLINED, Band, Cell, Grid, Page
from hybridbatch.render.latex import escape, render

SPECIAL = "\\ { } $ & # % _ ~ ^ ` < > | \" ' -- -1 * [x] !"
SCRIPTS = "naïve Ünal żółć Łódź œuvre ©  † − – — … × 谁写了 ใครเขียน किसने"


def _grid(*rows: tuple[str, list[Cell]], **options: object) -> Grid:
    columns = options.pop("columns", [f"c{i}" for i in range(len(rows[0][1]))])
    options.setdefault("caption", "A caption")
    return Grid(corner="row", columns=columns, bands=[Band(rows)], **options)


def _tex(*grids: Grid) -> str:
    return render(Page("name", "Title", ["Markdown text", *grids]))


# Characters.


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("x_y & 5%", r"x\_y \& 5\%"),
        ("a\\b", r"a\textbackslash{}b"),
        ("{$^~#}", r"\{\$\textasciicircum{}\textasciitilde{}\#\}"),
        ("x-x-mono", "x-x-mono"),
        ("-0.5 to -.5", r"$-$0.5 to $-$.5"),
        ("a−b†", r"a$-$b$^{\dagger}$"),
        ("é ñ ü ç Å ő", r"\'{e} \~{n} \"{u} \c{c} \r{A} \H{o}"),
        ("谁", "[U+8C01]"),
        ("a\n\tb\x00c", "a b c"),
    ],
)
def test_escape(text, tex):
    assert escape(text) == tex


def test_every_character_becomes_ascii():
    for text in (string.printable, SPECIAL, SCRIPTS, "".join(map(chr, range(0x20, 0x3000)))):
        assert escape(text).isascii()


# Layout.


def test_every_cell_stands_in_its_row_in_order():
    tex = _tex(_grid(("a", [Cell("12"), Cell("3")]), ("b", [Cell("4"), Cell()])))
    assert "\\begin{tabular}{@{}lrr@{}}\n\\toprule\n" in tex
    assert "\\midrule\na & 12 & 3 \\\\\nb & 4 &  \\\\\n\\bottomrule\n" in tex
    assert r"row & \multicolumn{1}{c}{c0} & \multicolumn{1}{c}{c1} \\" in tex
    assert "Markdown text" not in tex


def test_marks_and_what_stands_beside():
    cells = [Cell("0.5", "[0.4, 0.6]", BOLD), Cell("0.4", "", UNDERLINED, DAGGER)]
    tex = _tex(_grid(("a", cells)))
    stack = r"\begin{tabular}[t]{@{}c@{}}\textbf{.5}\\[-.3ex]{\scriptsize [.4, .6]}\end{tabular}"
    assert rf"a & {stack} & \underline{{.4}}\rlap{{$^{{\dagger}}$}} \\[.4ex]" in tex
    assert r"a & \textbf{.5} & \underline" in _tex(_grid(("a", cells), brief=True))


def test_leading_zeros_go_only_where_all_figures_are_shares():
    assert r"a & .5 & .25 \\" in _tex(_grid(("a", [Cell("0.5"), Cell("0.25")])))
    assert r"a & 0.5 & 12 \\" in _tex(_grid(("a", [Cell("0.5"), Cell("12")])))
    assert r"a & .75 / .70 \\" in _tex(_grid(("a", [Cell("0.75 / 0.70")])))


def test_figures_over_intervals_are_padded_to_line_up():
    tex = _tex(_grid(("a", [Cell("7.5", "[1, 9]")]), ("b", [Cell("1,207.5", "[1, 2]")])))
    assert r"{@{}c@{}}\phantom{000}7.5\\" in tex
    assert r"{@{}c@{}}1,207.5\\" in tex


def test_groups_span_their_columns():
    cells = [Cell("1")] * 5
    tex = _tex(_grid(("a", cells), groups=[("x_y", 3), ("z", 2)]))
    assert " & \\multicolumn{3}{c}{x\\_y} & \\multicolumn{2}{c}{z} \\\\\n" in tex
    assert "\\cmidrule(lr){2-4} \\cmidrule(lr){5-6}\n" in tex


def test_bands_have_their_titles():
    bands = [Band([("a", [Cell("1")])], "mono"), Band([("b", [Cell("2")])], "cross")]
    tex = _tex(Grid("caption", "row", ["c"], bands))
    assert r"\multicolumn{2}{@{}l@{}}{\emph{mono}} \\" in tex
    assert tex.count(r"\midrule") == 2


def test_long_headings_are_broken_into_lines():
    tex = _tex(_grid(("a", [Cell("1")]), columns=["share@10 of the query's language"]))
    heading = r"\begin{tabular}[b]{@{}r@{}}share@10 of \\ the query's \\ language\end{tabular}"
    assert rf"row & \multicolumn{{1}}{{c}}{{{heading}}} \\" in tex


def test_long_grid_goes_on_in_another_with_every_row_once():
    rows = [(f"row{i:03}", [Cell(str(i))]) for i in range(100)]
    half = Band(rows[:50], "first"), Band(rows[50:], "second")
    tex = _tex(Grid("A caption", "row", ["c"], half))
    tables = tex.split(r"\begin{tabular}")[1:]
    assert [table.count("\nrow0") for table in tables] == [34, 34, 32]
    assert all(tex.count(f"\n{name} &") == 1 for name, _ in rows)
    assert tex.count("A caption}") == 1
    assert tex.count("A caption (continued)}") == 2
    assert [r"\label{tab:name%s}" % end in tex for end in ("", "-2", "-3")] == [True] * 3  # noqa: UP031
    assert r"\emph{first}" in tables[1]
    assert r"\emph{second}" in tables[1]


def test_wide_grid_goes_on_in_another_with_every_column_once():
    columns = [f"l{i:02} (1,234,567)" for i in range(40)]
    cells = [Cell(f"0.{i:02}") for i in range(40)]
    tex = _tex(Grid("A caption", "row", columns, [Band([("a", cells)]), Band([("b", cells)])]))
    tables = tex.split(r"\begin{tabular}{@{}l")[1:]
    assert len(tables) > 1
    assert tex.count("A caption (continued)}") == len(tables) - 1
    assert all(tex.count(f"l{i:02} ") == 1 for i in range(40))
    assert all(tex.count(f" .{i:02} ") == 2 for i in range(40))
    assert all("\na & " in table and "\nb & " in table for table in tables)


def test_page_without_grids_has_no_table():
    tex = render(Page("name", "100% of_it", ["Nothing to compare."]))
    assert tex.startswith("% 100\\% of\\_it\n")
    assert all(line.startswith("%") for line in tex.splitlines() if line)


def test_every_character_compiles_wherever_it_stands(tmp_path: Path):
    grids = [
        _grid((SPECIAL, [Cell(SPECIAL), Cell(SCRIPTS)]), caption=f"{SPECIAL} {SCRIPTS}"),
        _grid((SCRIPTS, [Cell(string.printable)]), columns=[SPECIAL], groups=[(SPECIAL, 1)]),
        _grid((SPECIAL, [Cell(SPECIAL, SPECIAL, BOLD, DAGGER)])),
        _grid(("nothing", [Cell()])),
        _grid(
            *((name, [Cell("[x]", "*")] * 2) for name in ("[1ex]", "*", "谁", "", "&")),
            columns=["*", "[a]"],
        ),
        _grid(("a", [Cell("1")]), columns=["a long heading [of] five lines & * [more] * [of] it"]),
    ]
    (tmp_path / "page.tex").write_text(_tex(*grids), encoding="ascii")
    compiled([tmp_path / "page.tex"], tmp_path)


@pytest.mark.parametrize("decimals", [1, 4])
def test_grids_of_every_width_fit_the_page(tmp_path: Path, decimals: int):
    number = f"{0.1234567:.{decimals}f}"
    grids = [
        _grid(("x-x-mono", [Cell(number, "", BOLD, DAGGER)] * n), brief=True) for n in range(1, 16)
    ]
    aside = f"[{number}, {number}]"
    grids += [_grid(("xlm-r x-x-mono", [Cell(number, aside)] * n)) for n in range(1, 9)]
    grids.append(_grid(("a word " * 12, [Cell("another " * 9, "and an aside"), Cell("-1,234.5")])))
    miracl = [f"l{i} (32,893,221)" for i in range(21)]
    grids.append(_grid(("x-x-mono", [Cell(number)] * 21), columns=miracl, brief=True))
    grids.append(_grid(*((f"r{i}", [Cell(f"{i}")]) for i in range(120))))
    (tmp_path / "page.tex").write_text(_tex(*grids), encoding="ascii")
    log = compiled([tmp_path / "page.tex"], tmp_path)
    assert "Overfull" not in log
    assert "too large" not in log

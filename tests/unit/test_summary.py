"""What came out, on a terminal and on the report's first page."""

import csv
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

import summary as script  # noqa: E402

from hybridbatch.evaluation import claims  # noqa: E402
from hybridbatch.render.front import first_section, front_page  # noqa: E402
from hybridbatch.runtime.errors import DataError  # noqa: E402
from hybridbatch.tables.summary import VERDICTS, main_scores, verdicts  # noqa: E402

SETTINGS = ["monolingual", "cross-lingual", "multilingual"]


def write(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def score(benchmark: str, encoder: str, sampling: str, setting: str, value: str, **other) -> dict:
    keys = {"table": "main", "pool": "all", "metric": "map", "language": "mean"}
    row = {"benchmark": benchmark, "encoder": encoder, "sampling": sampling, "setting": setting}
    return keys | row | {"value": value} | other


def claim(encoder: str, pool: str, statement: str, verdict: str) -> dict:
    row = {"encoder": encoder, "benchmark": "quiz", "pool": pool}
    return row | {"statement": statement, "verdict": verdict}


def results(folder: Path, benchmarks: int = 1, encoders: int = 1, statements: int = 2) -> Path:
    """Results with a main table and claims."""
    scores = [
        score(f"quiz{b}", f"static{e}", sampling, setting, f"{value + i / 10}")
        for b in range(benchmarks)
        for e in range(encoders)
        for sampling, value in (("x-y", 0.4), ("hybrid", 0.5))
        for i, setting in enumerate(SETTINGS)
    ]
    write(folder / "tables/main.csv", scores)
    judged = [
        claim(f"static{e}", pool, f"statement {s}" + " long" * 15 * (s == 2), "holds")
        for e in range(encoders)
        for pool in ("all", "seen")
        for s in range(statements)
    ]
    write(folder / "tables/claims.csv", judged)
    (folder / "report.html").touch()
    return folder


def test_main_scores_are_the_means_over_the_pool_all(tmp_path):
    rows = [
        score("quiz", "static", "hybrid", "monolingual", "0.5"),
        score("quiz", "static", "hybrid", "monolingual", "0.9", pool="seen"),
        score("quiz", "static", "hybrid", "monolingual", "0.8", language="mean_seen"),
        score("quiz", "static", "hybrid", "multilingual", "20", metric="rank_distance"),
        score("quiz", "static", "hybrid", "cross-lingual", ""),
        score("quiz", "static", "x-y", "cross-lingual", "0.25"),
    ]
    found = main_scores(write(tmp_path / "main.csv", rows))
    assert [(s.sampling, s.by_setting) for s in found] == [
        ("hybrid", {"monolingual": 0.5}),
        ("x-y", {"cross-lingual": 0.25}),
    ]


def test_verdicts_are_counted_by_statement(tmp_path):
    rows = [
        claim("a", "all", "first", "holds"),
        claim("a", "seen", "first", "undecided"),
        claim("b", "all", "first", "holds"),
        claim("b", "seen", "first", "cannot say with 3 seeds"),
        claim("a", "all", "second", "not run"),
    ]
    found = verdicts(write(tmp_path / "claims.csv", rows))
    assert found.places == 4
    assert found.verdicts == ("holds", "undecided", "does not", "cannot say", "not run")
    assert list(found.counts) == ["first", "second"]
    assert list(found.counts["first"].values()) == [2, 1, 0, 1, 0]
    assert list(found.counts["second"].values()) == [0, 0, 0, 0, 1]


def test_verdicts_on_images_are_counted_by_their_own_places(tmp_path):
    rows = [
        claim("static", "all", "first", "holds") | {"captions": ""},
        claim("cnn", "mean_unseen", "of images", "cannot say: near chance") | {"captions": "en-en"},
        claim("cnn", "mean_unseen", "of images", "holds") | {"captions": "hybrid"},
    ]
    found = verdicts(write(tmp_path / "claims.csv", rows))
    assert (found.places, found.images) == (1, 2)
    assert found.counts["of images"] == {
        "holds": 1, "undecided": 0, "does not": 0, "cannot say": 1,
    }  # fmt: skip


def test_verdicts_are_worded_as_they_are_given():
    assert set(VERDICTS) == set(claims.VERDICTS)


@pytest.mark.parametrize(
    ("read", "rows", "message"),
    [
        (main_scores, [score("q", "s", "hybrid", "monolingual", "1", pool="seen")], "no means"),
        (main_scores, [{"value": 1}], "lacks the columns table, pool"),
        (verdicts, [claim("a", "all", "first", "maybe")], "'maybe' is none of holds"),
        (main_scores, None, "no such table"),
        (verdicts, None, "no such table"),
    ],
)
def test_bad_table_is_named(tmp_path, read, rows, message):
    path = tmp_path / "table.csv"
    if rows:
        write(path, rows)
    with pytest.raises(DataError, match=rf"table\.csv.*{message}"):
        read(path)


@pytest.mark.parametrize("sizes", [(1, 1, 2), (1, 1, 8), (5, 3, 8), (1, 1, 30), (9, 9, 30)])
def test_page_fits_a_terminal(tmp_path, capsys, monkeypatch, sizes):
    monkeypatch.chdir(tmp_path)
    folder = results(Path("results"), *sizes)
    assert script.main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 80
    assert lines[-2:] == [f"Report: {folder}/report.html", f"Tables: {folder}/tables/"]
    assert "\x1b" not in "".join(lines)
    left_out = sum(sizes[:2]) > 2 or sizes[2] > 8
    assert any("more" in line for line in lines) == left_out


def test_page_shows_scores_the_best_and_verdicts(tmp_path, capsys):
    script.main([str(results(tmp_path))])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:5]] == [
        SETTINGS,
        ["quiz0"],
        ["static0", "x-y", "0.400", "0.500", "0.600"],
        ["static0", "hybrid", "0.500*", "0.600*", "0.700*"],
    ]
    assert lines[6].split()[:4] == ["holds", "undecided", "does", "not"]
    assert lines[7].split()[:5] == ["2", "0", "0", "statement", "0"]


def test_folder_without_tables_is_an_error_with_what_to_do(tmp_path, capsys):
    assert script.main([str(tmp_path)]) == 1
    assert "main.csv: there is no such table; `make demo`" in capsys.readouterr().err


TABLE = """\
# Scores

Mean over 2 seeds.

## All languages

### quiz

| system | multilingual |
|--------|--------------|
| a      | **0.5**      |

## Some languages

| system | multilingual |
|--------|--------------|
| a      | 0.7          |
"""
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """The tags and attributes of HTML, as a browser takes them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attributes]


def front(
    table: str = TABLE,
    statement: str = "first",
    figure: str = "Map\n\nOf `a` < b.",
    images: int = 0,
) -> str:
    counts = {statement: {"holds": 2, "undecided": 0}}
    return front_page(
        table, 2, ["holds", "undecided"], counts, images, figure, b"<svg/>", "td {}\n"
    )


def test_front_page_has_the_first_section_verdicts_and_the_figure():
    text = front()
    for part in ("<strong>0.5</strong>", "Mean over 2 seeds.", "first", "2 in all", "<h3>Map</h3>"):
        assert part in text
    assert "Of <code>a</code> &lt; b." in text
    assert "0.7" not in text
    assert "Some languages" not in text
    found = Tags(text)
    assert found.tags.count("table") == 2
    assert not {"html", "body", "h1", "h2", "script", "link"} & set(found.tags)
    (source,) = [value for tag, name, value in found.attributes if name == "src"]
    assert source.startswith("data:image/svg+xml;base64,")


def test_statements_on_images_are_told_from_the_paper_s():
    assert "not the paper" not in front()
    assert "8 in all" in " ".join(front(images=8).split())
    assert "The statements on text towers are not the paper" in front(images=8)


@pytest.mark.parametrize("place", ["table", "statement", "figure"])
def test_hostile_text_on_the_front_page_is_shown_as_it_is(place):
    given = {
        "table": TABLE.replace("quiz", HOSTILE).replace("| a ", f"| {HOSTILE} "),
        "statement": HOSTILE,
        "figure": f"{HOSTILE}\n\n{HOSTILE}",
    }
    text = front(**{place: given[place]})
    assert "<script" not in text
    assert "</script" not in text
    found = Tags(text)
    assert found.tags.count("img") == 1
    assert not [a for a in found.attributes if a[1].startswith("on")]


def test_table_of_one_section_is_shown_whole():
    assert first_section("# Scores\n\n| a |\n|---|\n| 1 |\n").splitlines()[0] == "### Scores"
    with pytest.raises(DataError, match="begins with its title"):
        first_section("| a |")

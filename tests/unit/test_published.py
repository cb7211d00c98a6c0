"""Published figures: every file in the project is read, and a wrong one is refused by its line."""

from pathlib import Path

import pytest

from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.published import (
    EVALUATION_DATA,
    HYBRID_BATCH,
    LAREQA,
    TRAINING_DATA,
    read_figures,
    read_published,
)

FOLDER = Path(__file__).parents[2] / "resources" / "published"
FILES = {
    "hybrid_batch": HYBRID_BATCH,
    "lareqa": LAREQA,
    "evaluation_data": EVALUATION_DATA,
    "training_data": TRAINING_DATA,
}
FIGURES = {"table": "1", "value": ".8", "queries": "9", "candidates": "9", "size_per_language": "9"}
every_file = pytest.mark.parametrize("columns", FILES.values(), ids=FILES)


def _line(columns: tuple[str, ...], **fields: str) -> str:
    return ",".join({**{c: FIGURES.get(c, "a") for c in columns}, **fields}.values()) + "\n"


def _refused(tmp_path: Path, columns: tuple[str, ...], text: str) -> str:
    path = tmp_path / "published.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_figures(path, columns)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def _header(columns: tuple[str, ...]) -> str:
    return ",".join(columns) + "\n"


@pytest.mark.parametrize("name", FILES)
def test_the_project_s_files_are_read_whole(name):
    path = FOLDER / f"{name}.csv"
    frame = read_figures(path, FILES[name])
    assert list(frame.columns) == list(FILES[name])
    assert len(frame) == len(path.read_text(encoding="utf-8").splitlines()) - 1


@pytest.mark.parametrize(("name", "column"), [("hybrid_batch", "table"), ("lareqa", None)])
def test_scores_get_our_columns_names(name, column):
    frame = read_published(FOLDER / f"{name}.csv", FILES[name])
    columns = [column] if column else []
    assert list(frame.columns) == [
        *columns, "benchmark", "encoder", "sampling", "setting", "metric", "language", "published",
    ]  # fmt: skip
    assert frame["published"].dtype == "float64"


@every_file
@pytest.mark.parametrize("change", ["renamed", "added", "missing", "swapped"])
def test_other_columns_are_named(tmp_path, columns, change):
    wrong = {
        "renamed": ["batches", *columns[1:]],
        "added": [*columns, "page"],
        "missing": columns[1:],
        "swapped": [columns[1], columns[0], *columns[2:]],
    }[change]
    message = _refused(tmp_path, columns, _header(wrong) + _line(columns))
    expected = f"line 1: columns are {', '.join(wrong)}; expected {', '.join(columns)}."
    assert message == expected


@every_file
def test_cell_that_stands_twice_is_named(tmp_path, columns):
    figure = next(c for c in reversed(columns) if c in FIGURES)
    key = next(c for c in columns if c not in FIGURES)
    lines = _line(columns), _line(columns, **{key: "b"}), _line(columns, **{figure: "7"})
    message = _refused(tmp_path, columns, _header(columns) + "".join(lines))
    assert message == "line 4 repeats the cell of line 2."


def test_the_same_cell_of_two_tables_stands_once(tmp_path):
    path = tmp_path / "published.csv"
    lines = _line(HYBRID_BATCH), _line(HYBRID_BATCH, table="2")
    path.write_text(_header(HYBRID_BATCH) + "".join(lines))
    assert list(read_figures(path, HYBRID_BATCH)["table"]) == [1, 2]


@every_file
@pytest.mark.parametrize("figure", ["", "n/a", "nan", "inf", "0,7"])
def test_figure_that_is_none_is_named(tmp_path, columns, figure):
    name = next(c for c in reversed(columns) if c in FIGURES)
    line = _line(columns, **{name: f'"{figure}"'})
    message = _refused(tmp_path, columns, _header(columns) + line)
    assert message.startswith(f"line 2: the {name} {figure!r} is not a ")


def test_counts_are_whole(tmp_path):
    text = _header(EVALUATION_DATA) + _line(EVALUATION_DATA, queries="9.5")
    message = _refused(tmp_path, EVALUATION_DATA, text)
    assert message == "line 2: the queries '9.5' is not a whole number."


@every_file
def test_empty_key_is_named(tmp_path, columns):
    message = _refused(tmp_path, columns, _header(columns) + _line(columns, **{columns[-2]: ""}))
    assert message.startswith(f"line 2: the {columns[-2]} ")


@every_file
def test_row_of_another_length_is_named(tmp_path, columns):
    n = len(columns)
    for line in (_line(columns).rstrip() + ",a\n", "a\n", "\n"):
        message = _refused(tmp_path, columns, _header(columns) + _line(columns) + line)
        assert message.startswith("line 3: ")
        assert message.endswith(f" fields; expected {n}.")


def test_empty_file_is_refused(tmp_path):
    assert _refused(tmp_path, LAREQA, "") == "is empty; give a file with content, or leave it out."


def test_language_codes_that_look_like_something_else_stay_text(tmp_path):
    path = tmp_path / "published.csv"
    lines = [_line(LAREQA, language=code) for code in ("nan", "no")]
    path.write_text(_header(LAREQA) + "".join(lines), encoding="utf-8")
    assert list(read_published(path, LAREQA)["language"]) == ["nan", "no"]

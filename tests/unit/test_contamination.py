"""Planted duplicates are found and counted, nothing else is, and the index is the true Jaccard."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridbatch.data import contamination
from hybridbatch.data.contamination import (
    COLUMNS,
    PAIR_SCHEMA,
    SIDES,
    ContaminationConfig,
    Index,
    contamination_table,
    duplicates,
    ngrams,
    normalize,
)
from hybridbatch.data.filtering import TRAIN_SCHEMA
from hybridbatch.render.markdown import render
from hybridbatch.tables.contamination import contamination_page

CONFIG = ContaminationConfig(ngram=5, threshold=0.8)
TRAIN = [
    ("Who wrote the first novel about the sea?", "The novel was written by Ada in 1871."),
    ("When was the bridge over the river opened?", "The bridge was opened in the spring of 1932."),
    ("What do the birds on the island eat in winter?", "In winter the birds eat seeds and snails."),
]
TESTS = {
    "queries": ["Where does the river begin?", "How tall is the tower of the old town hall?"],
    "candidates": ["The river begins at a spring in the hills.", "The tower is 61 metres tall."],
}


def _train(*pairs: tuple[str, str]) -> pa.Table:
    rows = [
        {"id": str(i), "question": question, "passage": passage, "negative": None}
        for i, (question, passage) in enumerate(pairs)
    ]
    return pa.Table.from_pylist(rows, schema=TRAIN_SCHEMA)


def _benchmark(queries: list[str], candidates: list[str]) -> dict[str, pa.Table]:
    sides = {"queries": ("query_id", queries), "candidates": ("candidate_id", candidates)}
    return {
        side: pa.table({name: [f"{side[0]}{i}" for i in range(len(texts))], "text": texts})
        for side, (name, texts) in sides.items()
    }


def _counts(rows: list[dict], benchmark: str, side: str) -> tuple[int, ...]:
    (row,) = [r for r in rows if (r["benchmark"], r["side"]) == (benchmark, side)]
    return tuple(row[n] for n in ("exact", "near", "train_exact", "train_near"))


def _jaccard(a: str, b: str, n: int) -> float:
    first, second = ({t[i : i + n] for i in range(max(len(t) - n, 0) + 1)} for t in (a, b))
    return len(first & second) / len(first | second)


def test_nothing_is_found_where_nothing_is():
    pairs, counts = duplicates(_train(*TRAIN), {"quiz": _benchmark(**TESTS)}, CONFIG)
    assert pairs.schema == PAIR_SCHEMA
    assert len(pairs) == 0
    assert [(row["benchmark"], row["side"]) for row in counts] == [("quiz", s) for s in SIDES]
    for side in SIDES:
        assert _counts(counts, "quiz", side) == (0, 0, 0, 0)
    assert [(row["benchmark_texts"], row["train_texts"]) for row in counts] == [(2, 3), (2, 3)]


def test_planted_duplicates_are_found_and_counted():
    near = TRAIN[1][0].removesuffix("?")
    queries = [*TESTS["queries"], TRAIN[0][0].upper(), near, near + "??"]
    candidates = [
        *TESTS["candidates"],
        f"  {TRAIN[2][1]}  ",
        TRAIN[2][1].replace("snails", "snail"),
    ]
    train = _train(*TRAIN, TRAIN[0], (TRAIN[0][0], "Something else altogether."))
    pairs, counts = duplicates(train, {"quiz": _benchmark(queries, candidates)}, CONFIG)
    assert _counts(counts, "quiz", "queries") == (1, 2, 1, 1)
    # The same sentence is an exact duplicate of one candidate and a near one of the other.
    assert _counts(counts, "quiz", "candidates") == (1, 1, 1, 0)
    found = pairs.to_pylist()
    assert [(p["side"], p["benchmark_id"], p["exact"]) for p in found][:2] == [
        ("candidates", "c2", True),
        ("queries", "q2", True),
    ]
    assert {p["benchmark_id"] for p in found if not p["exact"]} == {"q3", "q4", "c3"}
    similarities = [p["similarity"] for p in found]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[:2] == [1, 1]
    for pair in found:
        texts = (normalize(pair[name]) for name in ("train_text", "benchmark_text"))
        assert pair["similarity"] == pytest.approx(_jaccard(*texts, 5))
    assert [row["train_texts"] for row in counts] == [3, 4]  # distinct ones


def test_benchmarks_and_sides_are_told_apart():
    crossed = _benchmark([TRAIN[0][1]], [TRAIN[0][0]])  # a passage asked, a question told
    other = _benchmark([TRAIN[0][0]], ["Nothing."])
    _, counts = duplicates(_train(*TRAIN), {"crossed": crossed, "other": other}, CONFIG)
    assert _counts(counts, "crossed", "queries") == (0, 0, 0, 0)
    assert _counts(counts, "crossed", "candidates") == (0, 0, 0, 0)
    assert _counts(counts, "other", "queries") == (1, 0, 1, 0)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    words = ["the", "old", "new", "river", "bridge", "tower", "who", "when", "opened", "was"]
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(words, 6)) for _ in range(60)]
    train = _train(*zip(texts[:40], texts[20:], strict=True))
    tests = {"quiz": _benchmark(texts[30:50], texts[:30])}
    config = ContaminationConfig(3, 0.5)
    whole = duplicates(train, tests, config)
    assert 50 < len(whole[0]) < 800
    monkeypatch.setattr(contamination, "_BLOCK", 7)
    monkeypatch.setattr(contamination, "_CANDIDATES", 5)
    assert duplicates(train, tests, config) == whole


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.75, 0.8, 1.0])
@pytest.mark.parametrize("n", [1, 3, 5])
def test_index_finds_what_brute_force_finds(n, threshold):
    random = np.random.default_rng(n)
    alphabet = list("abc ")
    texts = ["".join(random.choice(alphabet, random.integers(1, 14))) for _ in range(120)]
    first, second = texts[:80], texts[40:]
    found = {
        (i, j): s for i, j, s in Index(second, ContaminationConfig(n, threshold)).similar(first)
    }
    expected = {
        (i, j): _jaccard(a, b, n) for i, a in enumerate(first) for j, b in enumerate(second)
    }
    expected = {key: value for key, value in expected.items() if value >= threshold}
    assert found == pytest.approx(expected)
    assert len(found) >= 40


@given(
    st.text("ab", min_size=1, max_size=12),
    st.text("ab", min_size=1, max_size=12),
    st.integers(1, 5),
    st.integers(1, 10),
)
def test_threshold_is_reached_or_not_without_rounding(a, b, n, tenths):
    found = Index([b], ContaminationConfig(n, tenths / 10)).similar([a])
    first, second = ngrams(a, n), ngrams(b, n)
    assert bool(found) == (10 * len(first & second) >= tenths * len(first | second))


def test_short_texts_are_their_own_ngram_and_empty_ones_have_none():
    assert ngrams("abc", 5) == {"abc"}
    assert ngrams("abcdef", 5) == {"abcde", "bcdef"}
    assert ngrams("", 5) == set()
    pairs, _ = duplicates(
        _train(("", "no"), ("who", "no")), {"quiz": _benchmark(["", "Who", "whom"], ["No"])}, CONFIG
    )
    assert [(p["side"], p["benchmark_id"]) for p in pairs.to_pylist()] == [
        ("candidates", "c0"),
        ("queries", "q1"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße  des\n17.", "strasse des 17."), ("ﬁle ①", "FILE 1"), ("cafe\u0301", "CAFÉ")],
)
def test_spelling_of_unicode_case_and_spaces_do_not_count(one, other):
    assert normalize(one) == normalize(other)


def test_marks_that_carry_meaning_count():
    assert normalize("कि") != normalize("की")
    assert normalize("ano") != normalize("año")


def test_every_side_of_a_collection_is_compared():
    from hybridbatch.benchmarks.base import Collection

    assert set(SIDES) < set(Collection.__dataclass_fields__)
    assert set(SIDES.values()) < set(TRAIN_SCHEMA.names)


# The table.


def _table(pairs: pa.Table, counts: list[dict]) -> tuple[pd.DataFrame, str]:
    frame = contamination_table([{"corpus": "films", "language": "en", **row} for row in counts])
    return frame, render(contamination_page(frame, [("films", "en", pairs)], CONFIG, 2))


def test_table_has_every_count_and_the_share():
    queries = [*TESTS["queries"], TRAIN[0][0], TRAIN[1][0] + "?"]
    tests = {"quiz": _benchmark(queries, TESTS["candidates"])}
    frame, text = _table(*duplicates(_train(*TRAIN), tests, CONFIG))
    assert list(frame.columns) == COLUMNS
    assert frame["share"].tolist() == [0.5, 0.0]
    assert "at least 0.8" in text
    assert "## films, en: 2 pairs" in text


def test_only_the_worst_pairs_are_shown_and_as_they_are():
    text = "Which | of the <b>birds</b> *sing* at `night` in [this](wood)?"
    tests = {"quiz": _benchmark([text, text + " ", text + "?"], ["x"])}
    _, shown = _table(*duplicates(_train((text, "y")), tests, CONFIG))
    assert "## films, en: 3 pairs" in shown
    assert shown.count(r"Which \| of the \<b\>birds\</b\> \*sing\* at \`night\` in \[this\]") == 4
    assert "1.000" in shown


def test_without_train_sets_the_table_is_empty():
    frame = contamination_table([])
    assert list(frame.columns) == COLUMNS
    assert frame.empty
    assert render(contamination_page(frame, [], CONFIG, 2)).startswith("# Contamination\n")

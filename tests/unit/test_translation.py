"""A translated shard keeps its ids in their order, and each failure its reason."""

import sys
from collections.abc import Sequence

import pyarrow as pa
import pytest

from hybridbatch.data.pairs import PAIR_SCHEMA
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.translation import engines
from hybridbatch.translation.engines import translator
from hybridbatch.translation.translate import (
    COUNTS,
    TEXT_SCHEMA,
    Translation,
    key_of_translation,
    shard,
    source_texts,
    summary,
    translate_table,
)

NONE = dict.fromkeys(COUNTS, 0)


class Shouting:
    """Translates to upper case, fails at lines that hold `fail`, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        self.given += lines
        return [
            Translation(None, error="refused")
            if "fail" in line
            else Translation(line.upper(), unknown=1)
            for line in lines
        ]


class Counting:
    """Returns `extra` results more than it was given lines."""

    def __init__(self, extra: int) -> None:
        self.extra = extra

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        return [Translation("x")] * (len(lines) + self.extra)


def _pairs(*rows: tuple[str, ...]) -> pa.Table:
    """Pairs from (question_id, question, passage_id, passage) and maybe (negative_id, negative)."""
    names = ("question_id", "question", "passage_id", "passage", "negative_id", "negative")
    filled = [(*row, *(None,) * (len(names) - len(row))) for row in rows]
    return pa.Table.from_pylist(
        [
            {**dict(zip(names, row, strict=True)), "id": f"pair {i}", "paragraph_id": "paragraph"}
            for i, row in enumerate(filled)
        ],
        schema=PAIR_SCHEMA,
    )


def _texts(*lines: str) -> pa.Table:
    """A shard of questions named 0, 1, ..."""
    rows = [(str(i), line, "p", "the passage") for i, line in enumerate(lines)]
    return source_texts(_pairs(*rows)).filter(pa.compute.field("text_id") != "p:p")


def test_source_texts_hold_every_text_once():
    pairs = _pairs(("a", "Who?", "1", "Ada came."), ("b", "When?", "1", "Ada came."))
    assert source_texts(pairs).to_pylist() == [
        {"text_id": "q:a", "text": "Who?", "words": 1, "unknown": 0, "error": None, **NONE},
        {"text_id": "p:1", "text": "Ada came.", "words": 2, "unknown": 0, "error": None, **NONE},
        {"text_id": "q:b", "text": "When?", "words": 1, "unknown": 0, "error": None, **NONE},
    ]


def test_question_and_passage_of_one_id_are_two_texts():
    texts = source_texts(_pairs(("1", "Who?", "1", "Ada came.")))
    assert texts["text_id"].to_pylist() == ["q:1", "p:1"]


def test_question_of_several_pairs_is_one_text():
    pairs = _pairs(("a", "Who?", "1", "Ada came."), ("a", "Who?", "2", "She came."))
    assert source_texts(pairs)["text_id"].to_pylist() == ["q:a", "p:1", "p:2"]


def test_negative_is_a_passage_and_stands_once():
    pairs = _pairs(
        ("a", "Who?", "1", "Ada came.", "2", "Bob left."),
        ("b", "Who left?", "2", "Bob left.", "3", "Eve stayed."),
        ("c", "When?", "4", "At noon.", "3", "Eve stayed."),
        ("d", "Where?", "5", "Here."),
    )
    texts = source_texts(pairs)
    found = dict(zip(texts["text_id"].to_pylist(), texts["text"].to_pylist(), strict=True))
    assert len(texts) == len(found)
    assert found == {
        "q:a": "Who?",
        "p:1": "Ada came.",
        "p:2": "Bob left.",
        "q:b": "Who left?",
        "p:3": "Eve stayed.",
        "q:c": "When?",
        "p:4": "At noon.",
        "q:d": "Where?",
        "p:5": "Here.",
    }


def test_table_keeps_order_and_ids():
    texts = _texts("c d", "a", "will fail", "b")
    result = translate_table(texts, Shouting())
    assert result.schema == TEXT_SCHEMA
    assert result["text_id"].to_pylist() == texts["text_id"].to_pylist()
    assert result["text"].to_pylist() == ["C D", "A", None, "B"]
    assert result["words"].to_pylist() == [2, 1, 0, 1]
    assert result["unknown"].to_pylist() == [1, 1, 0, 1]
    assert result["error"].to_pylist() == [None, None, "refused", None]


def test_failure_on_the_way_to_the_pivot_keeps_its_reason():
    pivot = translate_table(_texts("fail here", "a", "fail there"), Shouting())
    engine = Shouting()
    result = translate_table(pivot, engine)
    assert engine.given == ["A"]
    assert result["text"].to_pylist() == [None, "A", None]
    assert result["error"].to_pylist() == ["pivot: refused", None, "pivot: refused"]


def test_empty_text_is_translated_not_failed():
    result = translate_table(_texts("", "a"), Shouting())
    assert result["text"].to_pylist() == ["", "A"]
    assert result["error"].to_pylist() == [None, None]


@pytest.mark.parametrize("extra", [-1, 1])
def test_wrong_number_of_results_is_an_error(extra):
    with pytest.raises(DataError, match=f"returned {2 + extra} results for 2 lines"):
        translate_table(_texts("a", "b"), Counting(extra))


def test_empty_shard_stays_empty():
    result = translate_table(_texts(), Shouting())
    assert result.schema == TEXT_SCHEMA
    assert len(result) == 0


@pytest.mark.parametrize("of", [1, 2, 3, 7, 20, 25])
@pytest.mark.parametrize("size", [0, 1, 6, 7, 20])
def test_shards_partition_exactly(size, of):
    texts = _texts(*(f"text {i}" for i in range(size)))
    parts = [shard(texts, number, of) for number in range(of)]
    assert pa.concat_tables(parts).equals(texts)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_summary_counts_words_and_each_reason():
    rows = [
        ("1", "a b c d e", 5, 2, None, 3, 0, 1, 0),
        ("2", None, 0, 0, "z crash", 0, 1, 0, 0),
        ("3", None, 0, 0, "a crash", 0, 1, 0, 0),
        ("4", None, 0, 0, "z crash", 0, 2, 0, 0),
        ("5", "f", 1, 0, None, 1, 0, 0, 2),
    ]
    texts = pa.Table.from_pylist(
        [dict(zip(TEXT_SCHEMA.names, row, strict=True)) for row in rows], schema=TEXT_SCHEMA
    )
    total = {"texts": 5, "words": 6, "unknown_share": 0.3333}
    total |= {"lost": 4, "retries": 4, "cut": 1, "looping": 2}
    assert summary(texts) == [
        {**total, "failed": 3, "reason": ""},
        {**total, "failed": 1, "reason": "a crash"},
        {**total, "failed": 2, "reason": "z crash"},
    ]


def test_counts_are_summed_over_the_steps_of_a_route():
    counts = Translation("x", lost=1, retries=2, cut=3, looping=4)

    class Losing:
        def translate(self, lines):
            return [counts for _ in lines]

    pivot = translate_table(_texts("a", "b"), Losing())
    result = translate_table(pivot, Losing())
    assert [result[name].to_pylist() for name in COUNTS] == [[2, 2], [4, 4], [6, 6], [8, 8]]
    failed = translate_table(translate_table(_texts("fail"), Shouting()), Shouting())
    assert failed["retries"].to_pylist() == [0]


def test_counts_of_an_earlier_step_are_in_the_key():
    texts = _texts("a", "b")
    place = texts.schema.get_field_index("retries")
    other = texts.set_column(place, texts.field(place), pa.array([1, 0], pa.int32()))
    assert key_of_translation({}, texts) != key_of_translation({}, other)


def test_summary_of_failures_alone_has_no_share():
    result = summary(translate_table(_texts("fail"), Shouting()))
    assert result[0] == {
        "texts": 1, "words": 0, "unknown_share": None, **NONE, "failed": 1, "reason": "",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["telepathy", "apertium.more", "json"])
def test_engine_that_is_not_there_is_named(name):
    with pytest.raises(
        ConfigError, match=f"'{name}' is no module of hybridbatch.translation.engines"
    ):
        translator({"kind": name, "source": "en"})


def test_engine_is_a_module_that_gets_its_route(tmp_path, monkeypatch):
    (tmp_path / "echo.py").write_text("def translator(route): return route", encoding="utf-8")
    monkeypatch.setattr(engines, "__path__", [str(tmp_path)])
    route = {"kind": "echo", "source": "en", "code": "por_Latn"}
    try:
        assert translator(route) == route
    finally:
        sys.modules.pop("hybridbatch.translation.engines.echo", None)
        del engines.echo


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("import telepathy", "telepathy"),
        (
            "from hybridbatch.translation.translate import telepathy",
            "cannot import name 'telepathy'",
        ),
    ],
)
def test_import_that_fails_in_an_engine_is_not_masked(tmp_path, monkeypatch, statement, missing):
    (tmp_path / "broken.py").write_text(statement, encoding="utf-8")
    monkeypatch.setattr(engines, "__path__", [str(tmp_path)])
    with pytest.raises(ImportError, match=missing):
        translator({"kind": "broken", "source": "en"})

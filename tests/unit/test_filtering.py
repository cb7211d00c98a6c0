"""Pairs that are not good enough are dropped for the first reason that holds, and counted."""

from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

import filter_pairs as script
from hybridbatch.data.filtering import REASONS, TRAIN_SCHEMA, FilterConfig, filter_pairs
from hybridbatch.data.pairs import PAIR_SCHEMA
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import keys_of, read_json, read_table, write_table
from hybridbatch.translation.translate import TEXT_SCHEMA

CONFIG = FilterConfig(max_unknown_share=0.5, min_length_ratio=0.5, max_length_ratio=2.0)
# As long as its source, so that where most texts are good the language's median ratio is 1.
GOOD = ("an older house", {"text": "una casa vieja"})

# A source text, its translation, and why it is dropped.
BAD = [
    ("an old house", {"text": None, "error": "crash"}, "failed"),
    ("an old house", {"text": ""}, "empty"),
    ("an old house", {"text": "an viejo hause", "unknown": 2}, "unknown_words"),
    ("an old house", {"text": "an old house"}, "unchanged"),
    ("an old house", {"text": "casa"}, "length_ratio"),
    ("an old house", {"text": "una casa que es muy vieja"}, "length_ratio"),
]


def _text(text_id: str, text: str | None, unknown: int = 0, error: str | None = None) -> dict:
    words = len(text.split()) if text else 0
    return {"text_id": text_id, "text": text, "words": words, "unknown": unknown, "error": error}


def _pairs(*ids: tuple[str, ...]) -> pa.Table:
    """Pairs from (id, passage_id) and maybe (negative_id, question_id), which else is the id.

    What their texts are stands in the tables of texts.
    """
    rows = [
        dict.fromkeys(PAIR_SCHEMA.names, "-")
        | {
            "id": id_,
            "passage_id": passage_id,
            "negative_id": optional[0] if optional else None,
            "question_id": optional[1] if optional[1:] else id_,
        }
        for id_, passage_id, *optional in ids
    ]
    return pa.Table.from_pylist(rows, schema=PAIR_SCHEMA)


def _tables(**texts: tuple[str, dict]) -> tuple[pa.Table, pa.Table]:
    """Source and translated table from {q_1: (source, translation)}, meant as `q:1`."""
    ids = {key: key.replace("_", ":") for key in texts}
    source = [_text(ids[key], original) for key, (original, _) in texts.items()]
    translated = [_text(ids[key], **values) for key, (_, values) in texts.items()]
    return tuple(pa.Table.from_pylist(rows, schema=TEXT_SCHEMA) for rows in (source, translated))


def _filter(
    pairs: pa.Table,
    same_language: bool = False,
    config: FilterConfig = CONFIG,
    **texts: tuple[str, dict],
) -> tuple[pa.Table, dict[str, int]]:
    source, translated = _tables(**texts)
    return filter_pairs(pairs, source, translated, config, same_language, "corpus c, language es")


def _dropped(counts: dict[str, int]) -> dict[str, int]:
    return {reason: counts[reason] for reason in REASONS if counts[reason]}


def test_good_pair_passes_with_its_translations():
    passage = ("it is old", {"text": "es vieja"})
    table, counts = _filter(_pairs(("1", "2")), q_1=GOOD, p_2=passage)
    assert table.schema == TRAIN_SCHEMA
    assert table.to_pylist() == [
        {"id": "1", "question": "una casa vieja", "passage": "es vieja", "negative": None}
    ]
    assert table.schema.names == ["id", "question", "passage", "negative"]
    assert counts == {"pairs": 1, "kept": 1, **dict.fromkeys(REASONS, 0)}


@pytest.mark.parametrize(("original", "translation", "reason"), BAD)
@pytest.mark.parametrize("side", ["q", "p"])
def test_each_reason_drops_a_pair_on_either_side(side, original, translation, reason):
    texts = {"q_bad": GOOD, "p_bad": GOOD, "q_good": GOOD, "p_good": GOOD}
    texts[f"{side}_bad"] = (original, translation)
    table, counts = _filter(_pairs(("bad", "bad"), ("good", "good")), **texts)
    assert table["id"].to_pylist() == ["good"]
    assert _dropped(counts) == {reason: 1}


@pytest.mark.parametrize("sides", ["qp", "pq"])
@pytest.mark.parametrize("later", range(1, 5))
def test_pair_is_counted_under_the_first_reason_of_its_two_texts(sides, later):
    # BAD stands in the order of REASONS.
    (*first, reason), (*second, _) = BAD[later - 1], BAD[later]
    texts = dict(zip((f"{side}_bad" for side in sides), (first, second), strict=True))
    _, counts = _filter(_pairs(("bad", "bad"), ("good", "good")), q_good=GOOD, p_good=GOOD, **texts)
    assert _dropped(counts) == {reason: 1}


@pytest.mark.parametrize(
    ("original", "translation", "reason"),
    [
        ("house", {"text": "house", "unknown": 1}, "unknown_words"),  # unchanged as well
        ("house", {"text": "a hause at sea", "unknown": 4}, "unknown_words"),  # too long as well
        ("house", {"text": "", "unknown": 1}, "empty"),
    ],
)
def test_text_has_the_first_reason_that_holds(original, translation, reason):
    _, counts = _filter(
        _pairs(("bad", "good"), ("good", "good")),
        q_bad=(original, translation),
        q_good=GOOD,
        p_good=GOOD,
    )
    assert _dropped(counts) == {reason: 1}


def test_unchanged_comes_before_length_ratio():
    config = FilterConfig(max_unknown_share=1, min_length_ratio=0.9, max_length_ratio=2)
    longer = ("an old house", {"text": "una casa vieja"})  # the median: a sixth longer
    _, counts = _filter(
        _pairs(("bad", "1"), ("short", "1"), ("good", "1")),
        config=config,
        q_bad=("same", {"text": "same"}),
        q_short=("same", {"text": "otro"}),  # as long as what is unchanged, which is too short
        q_good=longer,
        p_1=longer,
        p_2=longer,
    )
    assert _dropped(counts) == {"unchanged": 1, "length_ratio": 1}


@pytest.mark.parametrize(
    "translation",
    [
        {"text": "an viejo hause mio", "unknown": 2},  # half of the words
        {"text": "una ca"},  # half of the length
        {"text": "una casa que es muy viej"},  # twice the length
    ],
)
def test_limits_themselves_are_kept(translation):
    table, _ = _filter(_pairs(("1", "1")), q_1=("an old house", translation), p_1=GOOD, p_2=GOOD)
    assert len(table) == 1


LONG = "a sentence that is thirty-six long.."  # 36 characters


def _of_length(length: int) -> tuple[str, dict]:
    """LONG, translated into `length` characters."""
    return (LONG, {"text": "字" * length})


@pytest.mark.parametrize("usual", [12, 18, 36, 90])
def test_lengths_are_judged_by_what_is_usual_in_the_language(usual):
    lengths = {
        "short": usual // 2 - 1,
        "half": usual // 2,
        "usual": usual,
        "twice": 2 * usual,
        "long": 2 * usual + 1,
    }
    table, counts = _filter(
        _pairs(*((name, "0") for name in lengths)),
        **{f"q_{name}": _of_length(length) for name, length in lengths.items()},
        **{f"p_{i}": _of_length(usual) for i in range(5)},
    )
    assert table["id"].to_pylist() == ["half", "usual", "twice"]
    assert _dropped(counts) == {"length_ratio": 2}


def test_texts_a_third_as_long_throughout_pass_and_an_outlier_does_not():
    texts = {f"q_{i}": (LONG, {"text": f"字{i:011}"}) for i in range(20)}  # 12 of 36 characters
    texts |= {f"p_{i}": (LONG, {"text": f"文{i:011}"}) for i in range(20)}
    assert len(texts["q_0"][1]["text"]) * 3 == len(LONG)
    pairs = _pairs(*((str(i), str(i)) for i in range(20)))
    table, counts = _filter(pairs, **texts)
    assert len(table) == 20
    assert _dropped(counts) == {}
    texts["p_7"] = _of_length(len(LONG))  # usual elsewhere, three times too long here
    table, counts = _filter(pairs, **texts)
    assert table["id"].to_pylist() == [str(i) for i in range(20) if i != 7]
    assert _dropped(counts) == {"length_ratio": 1}


def test_texts_that_failed_or_are_empty_do_not_count_for_the_usual_length():
    missing = {f"q_{i}": (LONG, {"text": None if i % 2 else ""}) for i in range(10)}
    pairs = _pairs(("good", "good"), *((str(i), "good") for i in range(10)))
    table, counts = _filter(pairs, q_good=_of_length(12), p_good=_of_length(12), **missing)
    assert table["id"].to_pylist() == ["good"]
    assert _dropped(counts) == {"failed": 5, "empty": 5}


def test_language_that_failed_as_a_whole_is_named():
    with pytest.raises(DataError, match="no pair is left of 1"):
        _filter(_pairs(("1", "1")), q_1=BAD[0][:2], p_1=BAD[1][:2])


def test_negative_that_passes_stays_with_its_pair():
    negative = ("it is not old", {"text": "no es vieja"})
    table, counts = _filter(_pairs(("1", "1", "2")), q_1=GOOD, p_1=GOOD, p_2=negative)
    assert table["negative"].to_pylist() == ["no es vieja"]
    assert counts == {"pairs": 1, "kept": 1, **dict.fromkeys(REASONS, 0)}


@pytest.mark.parametrize(("original", "translation", "reason"), BAD)
def test_negative_that_fails_leaves_its_pair_without_one(original, translation, reason):
    table, counts = _filter(
        _pairs(("1", "1", "bad"), ("2", "2", "1")),
        q_1=GOOD,
        q_2=("a new house", {"text": "casa nueva"}),
        p_1=GOOD,
        p_2=GOOD,
        p_bad=(original, translation),
    )
    assert table["id"].to_pylist() == ["1", "2"]
    assert table["negative"].to_pylist() == [None, "una casa vieja"]
    assert counts == {"pairs": 2, "kept": 2, **dict.fromkeys(REASONS, 0)}


def test_question_is_looked_up_by_its_own_id():
    passage = ("it is old", {"text": "es vieja"})
    table, _ = _filter(
        _pairs(("a", "1", None, "q"), ("b", "2", None, "q")), q_q=GOOD, p_1=GOOD, p_2=passage
    )
    assert table["id"].to_pylist() == ["a", "b"]
    assert table["question"].to_pylist() == ["una casa vieja"] * 2


def test_pairs_that_became_the_same_are_dropped_after_the_first():
    other = ("an ancient house", {"text": "una casa vieja"})
    table, counts = _filter(
        _pairs(("1", "1"), ("2", "1"), ("3", "2")),
        q_1=GOOD,
        q_2=other,
        q_3=GOOD,
        p_1=GOOD,
        p_2=GOOD,
    )
    assert table["id"].to_pylist() == ["1"]
    assert _dropped(counts) == {"duplicate": 2}


def test_same_question_to_another_passage_is_no_duplicate():
    passage = ("it is old", {"text": "es vieja"})
    table, counts = _filter(
        _pairs(("1", "1"), ("2", "2")), q_1=GOOD, q_2=GOOD, p_1=GOOD, p_2=passage
    )
    assert table["id"].to_pylist() == ["1", "2"]
    assert _dropped(counts) == {}


def test_counts_add_up():
    texts = {f"q_{i}": (original, values) for i, (original, values, _) in enumerate(BAD)}
    names = [str(i) for i in range(len(BAD))]
    pairs = _pairs(*((name, "good") for name in [*names, "good", "again"]))
    table, counts = _filter(pairs, q_good=GOOD, q_again=GOOD, p_good=GOOD, **texts)
    assert counts["pairs"] == len(BAD) + 2
    assert counts["kept"] == len(table) == 1
    assert counts["kept"] + sum(counts[reason] for reason in REASONS) == counts["pairs"]
    assert all(counts[reason] for reason in REASONS)


def test_own_language_loses_repeats_only():
    same = ("an old house", {"text": "an old house", "unknown": 3})
    table, counts = _filter(
        _pairs(("1", "1"), ("2", "1"), ("3", "2")),
        same_language=True,
        q_1=same,
        q_2=same,
        q_3=("why", {"text": "why"}),
        p_1=same,
        p_2=same,
    )
    assert table["id"].to_pylist() == ["1", "3"]
    assert _dropped(counts) == {"duplicate": 1}


def test_nothing_left_names_corpus_and_language():
    with pytest.raises(DataError, match="corpus c, language es: no pair is left of 2") as caught:
        _filter(_pairs(("1", "1"), ("2", "1")), q_1=BAD[0][:2], q_2=BAD[1][:2], p_1=GOOD)
    assert "'failed': 1, 'empty': 1" in str(caught.value)
    assert "filtering" in str(caught.value)
    assert "target_languages" in str(caught.value)


def test_text_in_no_shard_is_named():
    with pytest.raises(DataError, match="corpus c, language es: the text p:2"):
        _filter(_pairs(("1", "1"), ("2", "2")), q_1=GOOD, p_1=GOOD, q_2=GOOD)


def test_negative_in_no_shard_is_named():
    with pytest.raises(DataError, match="corpus c, language es: the text p:2"):
        _filter(_pairs(("1", "1", "2")), q_1=GOOD, p_1=GOOD)


def _job(tmp_path: Path, translation: dict) -> SimpleNamespace:
    """What the rule hands its script: two shards, the second with the passage."""
    pairs = tmp_path / "pairs.parquet"
    write_table(pairs, _pairs(("1", "1")))
    shards = {"source": [], "translated": []}
    for number, texts in enumerate([{"q_1": (GOOD[0], translation)}, {"p_1": GOOD}]):
        for kind, table in zip(shards, _tables(**texts), strict=True):
            shards[kind].append(tmp_path / f"{kind}{number}.parquet")
            write_table(shards[kind][-1], table)
    return SimpleNamespace(
        wildcards=SimpleNamespace(corpus="squad", language="eo"),
        input=SimpleNamespace(pairs=pairs, **shards),
        output=SimpleNamespace(train=tmp_path / "train.parquet", counts=tmp_path / "train.json"),
        params=SimpleNamespace(
            filtering={"max_unknown_share": 0.5, "min_length_ratio": 0.5, "max_length_ratio": 2.0},
            same_language=False,
            of={"corpus": "squad", "language": "eo"},
        ),
    )


def test_script_reads_all_shards_and_writes_pairs_and_counts(tmp_path):
    job = _job(tmp_path, GOOD[1])
    script.main(job)
    train = read_table(job.output.train)
    assert train["question"].to_pylist() == ["una casa vieja"]
    assert keys_of(train, "train.parquet") == {"corpus": "squad", "language": "eo"}
    assert read_json(job.output.counts)["kept"] == 1


def test_script_names_corpus_and_language(tmp_path):
    job = _job(tmp_path, {"text": ""})
    with pytest.raises(DataError, match="corpus squad, language eo"):
        script.main(job)
    assert not job.output.train.exists()
    assert not job.output.counts.exists()

"""Tables of counts: whatever the order of their inputs, the same bytes."""

from importlib import import_module
from itertools import product
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
from orders import (
    BENCHMARK,
    COMPARED,
    CORPORA,
    ENCODERS,
    LANGUAGES,
    PUBLISHED,
    SETS,
    named,
    outputs,
    same,
)

from hybridbatch.data.contamination import PAIR_SCHEMA
from hybridbatch.data.filtering import REASONS
from hybridbatch.encoders.tokens import COUNTS
from hybridbatch.runtime.files import write_json, write_table


def test_contamination_table(tmp_path):
    counts, pairs = [], []
    for n, wanted in enumerate(SETS):
        row = {"benchmark_texts": 9, "train_texts": 9}
        row |= dict.fromkeys(("exact", "near", "train_exact", "train_near"), n)
        counts.append(str(tmp_path / f"{n}.json"))
        of = [{"benchmark": b, "side": s} for s, b in product(("queries", "candidates"), "ab")]
        write_json(counts[-1], wanted | {"counts": [keys | row for keys in of]})
        values = (BENCHMARK, "queries", "1", f"text {n}", f"text {n}", 1.0, True)
        table = pa.table([[value] for value in values], schema=PAIR_SCHEMA)
        pairs.append(str(tmp_path / f"{n}.parquet"))
        write_table(pairs[-1], table, wanted)
    params = {"train": SETS, "contamination": {"ngram": 3, "threshold": 0.8}, "worst": 5}
    params["benchmarks"] = ["b", "a"]
    same(outputs("contamination_table", named(counts=counts, pairs=pairs), params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "contamination_table-0/csv")
    assert frame[["corpus", "language"]][::4].to_dict("records") == SETS
    assert list(frame["exact"][::4]) == [0, 1, 2, 3]
    # Benchmarks are in the order that the table is asked for, whatever that of the counts.
    assert list(frame["benchmark"]) == ["b", "a"] * 2 * len(SETS)
    assert list(frame["side"][:4]) == ["queries"] * 2 + ["candidates"] * 2


def test_find_duplicates(tmp_path):
    texts: dict[str, list[str]] = {"queries": [], "candidates": []}
    for side, names in texts.items():
        for benchmark in ("first", "second"):
            names.append(str(tmp_path / f"{benchmark}-{side}.parquet"))
            table = pa.table({"id": ["1", "2"], "text": [f"a {benchmark} text", "another"]})
            write_table(names[-1], table, {"benchmark": benchmark, "language": "en"})
    train = pa.table({"question": ["a first text"], "passage": ["a second text"]})
    write_table(tmp_path / "train.parquet", train)
    for number in range(4):
        output = SimpleNamespace(
            pairs=str(tmp_path / f"{number}.parquet"), counts=str(tmp_path / f"{number}.json")
        )
        params = SimpleNamespace(
            benchmarks=["first", "second"],
            contamination={"ngram": 3, "threshold": 0.8},
            of={"corpus": "news", "language": "en"},
        )
        inputs = named(**texts, train=str(tmp_path / "train.parquet"))(number)
        job = SimpleNamespace(input=inputs, output=output, params=params)
        import_module("find_duplicates").main(job)
    assert len({(tmp_path / f"{n}.json").read_bytes() for n in range(4)}) == 1
    assert len({(tmp_path / f"{n}.parquet").read_bytes() for n in range(4)}) == 1


def test_tables_of_train_sets(tmp_path):
    counts, corpora = [], []
    for n, wanted in enumerate(SETS):
        counts.append(str(tmp_path / f"{n}.json"))
        write_json(counts[-1], wanted | {"pairs": 9, "kept": n} | dict.fromkeys(REASONS, 0))
    same(outputs("filtering_table", named(counts=counts), {"train": SETS}, tmp_path), 3)
    assert list(pd.read_csv(tmp_path / "filtering_table-0/csv")["kept"]) == [0, 1, 2, 3]
    for n, corpus in enumerate(CORPORA):
        corpora.append(str(tmp_path / f"{corpus}.json"))
        write_json(corpora[-1], {"corpus": corpus, "language": "en", "train": n, "validation": n})
    inputs = named(corpora=corpora, train=counts, published=str(PUBLISHED / "training_data.csv"))
    params = {
        "corpora": [{"corpus": corpus} for corpus in CORPORA],
        "train": SETS,
        "names": dict.fromkeys(CORPORA),
        "systems": [
            {"encoder": "e", "sampling": "s", "kind": "x-x", "alpha": None, "temperature": 1.0}
        ],
    }
    same(outputs("training_data_table", inputs, params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "training_data_table-0/csv")
    counts = frame[frame["share"].isna()]
    assert list(counts["value"]) == [0, 0, 1, 1, 0, 1, 2, 3]
    assert list(counts["benchmark"]) == ["news"] * 2 + ["films"] * 2 + ["news"] * 2 + ["films"] * 2
    batches = frame[(frame["metric"] == "batches") & frame["language"].isna()]
    assert dict(zip(batches["benchmark"], batches["share"], strict=True)) == {
        "news": 0.25, "films": 0.75,
    }  # fmt: skip


def test_tokens_table(tmp_path):
    train, benchmarks = [], []
    wanted = [{"encoder": encoder} | of for encoder, of in product(ENCODERS, SETS)]
    for n, of in enumerate(wanted):
        train.append(str(tmp_path / f"train-{n}.json"))
        write_json(train[-1], of | dict.fromkeys(COUNTS, n + 1))
    for n, of in enumerate(COMPARED, len(wanted)):
        benchmarks.append(str(tmp_path / f"benchmark-{n}.json"))
        counts = {"es": dict.fromkeys(COUNTS, n + 1), "en": dict.fromkeys(COUNTS, 0)}
        write_json(benchmarks[-1], of | {"counts": counts})
    inputs = named(train=train, benchmarks=benchmarks)
    same(outputs("tokens_table", inputs, {"train": wanted, "benchmarks": COMPARED}, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "tokens_table-0/csv")
    assert list(frame["tokens"]) == list(range(1, len(wanted) + len(COMPARED) + 1))
    assert list(frame["of"]) == ["corpus"] * len(wanted) + ["benchmark"] * len(COMPARED)
    assert list(frame["name"].iloc[-2:]) == [BENCHMARK] * 2


def test_evaluation_data_table(tmp_path):
    ranked = [{"benchmark": BENCHMARK, "language": code} for code in LANGUAGES]
    queries, candidates, counts = [], [], []
    for n, wanted in enumerate(ranked, 1):
        for paths, column, times in ((queries, "query_id", 1), (candidates, "candidate_id", 10)):
            paths.append(str(tmp_path / f"{column}-{n}.parquet"))
            write_table(paths[-1], pa.table({column: ["1"] * n * times}), wanted)
        counts.append(str(tmp_path / f"{n}.json"))
        sizes = {"queries": n, "judged": 20 * n, "passages": 30 * n}
        write_json(counts[-1], wanted | {"benchmark": "search"} | sizes)
    inputs = named(
        queries=queries, candidates=candidates, counts=counts,
        published=str(PUBLISHED / "evaluation_data.csv"),
    )  # fmt: skip
    params = {
        "ranked": ranked,
        "searched": [of | {"benchmark": "search"} for of in ranked],
        "judged_only": [],
    }
    same(outputs("evaluation_data_table", inputs, params, tmp_path), 3)
    frame = pd.read_csv(tmp_path / "evaluation_data_table-0/csv")
    assert list(frame["value"]) == [1, 10, 2, 20, 1, 20, 30, 2, 40, 60]

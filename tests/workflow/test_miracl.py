"""A benchmark with passages in shards, end to end: made here, of MIRACL's formats."""

import gzip
import json
import os
import shutil
from pathlib import Path

import ir_measures
import numpy as np
import pandas as pd
import pytest
import yaml
from checkout import ROOT, Checkout, new_checkout, small_configuration

MIRROR = os.environ.get("HYBRIDBATCH_MIRROR")
pytestmark = pytest.mark.slow  # the run that they share; tests/unit/test_passages.py has the parts
LANGUAGES = ["en", "es"]
SAMPLINGS = ["en-en", "x-x-mono"]
MEASURES = {"ndcg_10": ir_measures.nDCG @ 10, "recall_100": ir_measures.R @ 100}


def sentences(language: str) -> list[str]:
    """Sentences of the bundled benchmark."""
    data = json.loads((ROOT / f"resources/bundled/benchmark/{language}.json").read_text())["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    return [p["context"][a:b] for p in paragraphs for a, b in p["sentence_breaks"]]


def questions(language: str) -> list[str]:
    """Questions of the bundled benchmark."""
    data = json.loads((ROOT / f"resources/bundled/benchmark/{language}.json").read_text())["data"]
    return [qa["question"] for a in data for p in a["paragraphs"] for qa in p["qas"]]


def write_shards(folder: Path, language: str, passages: list[tuple[str, str]], shards: int) -> None:
    """Passages in gzipped shards of unequal sizes, named as MIRACL's are."""
    folder = folder / f"miracl-corpus-v1.0-{language}"
    folder.mkdir(parents=True)
    ends = [0, *(len(passages) * (i + 1) // (shards + i % 2) for i in range(shards - 1))]
    for number, (a, b) in enumerate(zip(ends, [*ends[1:], len(passages)], strict=True)):
        lines = [
            json.dumps({"docid": id_, "title": f"Title {id_[:2]}", "text": text})
            for id_, text in passages[a:b]
        ]
        data = "".join(line + "\n" for line in lines).encode()
        (folder / f"docs-{number}.jsonl.gz").write_bytes(gzip.compress(data))


def configuration(**entry) -> dict:
    """Trained on English alone, which needs no translation; three ways to search one corpus."""
    config = small_configuration()
    config["target_languages"], config["samplings"] = [], SAMPLINGS
    config["benchmarks"], config["quality"] = ["miracl", "ivf", "judged"], []
    nothing = {key: [] for key, value in config["ablations"].items() if isinstance(value, list)}
    config["ablations"] |= {**nothing, "benchmarks": ["small"], "samplings": SAMPLINGS}
    miracl = {
        "title": "MIRACL dev",
        "kind": "miracl",
        "topics": "made/topics.miracl-v1.0-{language}-dev.tsv",
        "qrels": "made/qrels.miracl-v1.0-{language}-dev.tsv",
        "passages": "made/miracl-corpus-v1.0-{language}/docs-{number}.jsonl.gz",
        "shards": {"en": 3, "es": 2},
        "shards_a_job": 2,
        "languages": LANGUAGES,
        "averaged": ["es"],
        "index": "Flat",
        "depth": 100,
        **entry,
    }
    english = {**miracl, "languages": ["en"], "averaged": ["en"], "shards": {"en": 3}}
    config["catalogue"]["benchmarks"] |= {
        "miracl": miracl,
        "ivf": {**english, "index": "IVF4,Flat", "index_parameters": "nprobe=4"},
        "judged": {**english, "judged_only": True},
    }
    return config


def made_checkout(path: Path, config: dict) -> Checkout:
    checkout = new_checkout(path)
    (path / "miracl.yaml").write_text(yaml.safe_dump(config))
    return checkout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Made-up topics and judgements; both languages have queries 0, 1, 2 ..."""
    checkout = made_checkout(tmp_path_factory.mktemp("made"), configuration())
    folder = checkout.path / "made"
    rng = np.random.default_rng(0)
    for language in LANGUAGES:
        texts = sentences(language)
        # A few texts stand several times: ties.
        passages = [(f"{i}#{i % 3}", texts[i % 150]) for i in range(200)]
        write_shards(folder, language, passages, 3 if language == "en" else 2)
        asked = questions(language)[:20]
        rows = []
        for query in range(len(asked)):
            judged = [passages[i][0] for i in rng.choice(200, 8, replace=False)]
            rows += [f"{query}\tQ0\t{id_}\t{int(i < 3)}" for i, id_ in enumerate(judged)]
        rows.append("0\tQ0\tnowhere#0\t1")
        topics = "".join(f"{query}\t{text}\n" for query, text in enumerate(asked))
        (folder / f"topics.miracl-v1.0-{language}-dev.tsv").write_text(topics)
        (folder / f"qrels.miracl-v1.0-{language}-dev.tsv").write_text("\n".join(rows) + "\n")
    names = ("miracl", "ivf", "judged", "significance", "claims", "reproduction", "evaluation_data")
    checkout.snakemake(
        "--configfile=miracl.yaml",
        *(f"results/small/tables/{name}.csv" for name in names),
        *exports("static_x-x-mono"),
        *exports("static_en-en"),
    )
    return checkout


def exports(system: str) -> list[str]:
    return [
        f"results/small/exports/{system}/seed0/miracl/monolingual/{code}.run" for code in LANGUAGES
    ]


def check_against_ir_measures(checkout: Checkout, system: str, language: str) -> pd.DataFrame:
    """Per-query metrics and the table's cell equal ir_measures' on the exported files."""
    root = checkout.path / "results/small"
    path = root / f"exports/{system}/seed0/miracl/monolingual/{language}"
    qrels = list(ir_measures.read_trec_qrels(str(path.with_suffix(".qrels"))))
    run = list(ir_measures.read_trec_run(str(path.with_suffix(".run"))))
    metrics = pd.read_parquet(root / f"metrics/{system}/seed0/miracl/{language}.parquet")
    table = pd.read_csv(root / "tables/miracl.csv")
    table = table[(table["encoder"] + "_" + table["sampling"] == system)]
    for name, measure in MEASURES.items():
        theirs = {m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels, run)}
        ours = dict(zip(metrics["query_id"], metrics[name], strict=True))
        assert set(ours) == {f"{language}:{query}" for query in theirs}
        for query, value in theirs.items():
            assert ours[f"{language}:{query}"] == pytest.approx(value, abs=1e-9)
        overall = ir_measures.calc_aggregate([measure], qrels, run)[measure]
        row = table[(table["language"] == language) & (table["metric"] == name)]
        assert row["value"].item() == pytest.approx(overall, abs=1e-6)  # as printed
        assert metrics[name].mean() == pytest.approx(overall, abs=1e-9)
    return metrics


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_scores_are_those_of_ir_measures(made: Checkout, sampling: str, language: str):
    metrics = check_against_ir_measures(made, f"static_{sampling}", language)
    assert 0 < metrics["ndcg_10"].mean() < 1


def test_queries_of_two_languages_are_different_ones(made: Checkout):
    table = pd.read_csv(made.path / "results/small/tables/significance.csv")
    part = table[(table["benchmark"] == "miracl") & (table["metric"] == "ndcg_10")]
    counts = dict(zip(part["language"], part["n_queries"], strict=True))
    assert counts == {"en": 20, "es": 20, "mean": 20, "mean_unseen": 20}


def test_the_table_has_pool_sizes_absent_passages_and_both_averages(made: Checkout):
    table = pd.read_csv(made.path / "results/small/tables/miracl.csv")
    assert set(table["language"]) == {"en", "es", "mean", "median", "mean_unseen"}
    assert set(table["pool"]) == {"all"}
    languages = table[table["language"].isin(LANGUAGES)]
    assert (languages["pool_size"] == 200).all()
    assert (languages["absent_relevant"] == 1).all()
    assert table[~table["language"].isin(LANGUAGES)]["pool_size"].isna().all()
    text = (made.path / "results/small/tables/miracl.md").read_text()
    assert "# MIRACL dev\n" in text
    assert "| en (200)" in text
    assert "the collection lacks, and that count as not found: en 1, es 1." in text
    assert "- query languages in these: es" in text


def test_mean_and_median_are_over_the_languages_of_averaged(made: Checkout):
    table = pd.read_csv(made.path / "results/small/tables/miracl.csv")
    for _, part in table.groupby(["sampling", "metric"]):
        values = part.set_index("language")["value"]
        assert values["mean"] == values["median"] == values["es"] != values["en"]


def test_an_inverted_index_that_looks_everywhere_gives_the_same(made: Checkout):
    folder = made.path / "results/small/tables"
    # Intervals are of other draws: the two benchmarks have other numbers of queries.
    names = ["table", "benchmark", "ci_low", "ci_high"]
    flat, inverted = (
        table[table["language"] == "en"].drop(columns=names).reset_index(drop=True)
        for table in (pd.read_csv(folder / f"{name}.csv") for name in ("miracl", "ivf"))
    )
    assert set(inverted.pop("index")) == {"IVF4,Flat"}
    # What the index found of what an exact search finds is said of it alone.
    of_index = inverted["metric"].str.startswith("index_recall")
    assert set(inverted.loc[of_index, "value"]) == {1}
    pd.testing.assert_frame_equal(flat, inverted[~of_index].reset_index(drop=True))


def test_judged_passages_only_is_labelled_everywhere(made: Checkout):
    folder = made.path / "results/small/tables"
    table = pd.read_csv(folder / "judged.csv")
    assert set(table["pool"]) == {"judged"}
    assert table["published"].isna().all()
    judged = table[table["language"] == "en"]["pool_size"].astype(int).unique().item()
    assert 0 < judged < 200
    text = (folder / "judged.md").read_text()
    assert text.startswith("# MIRACL dev, judged passages only\n")
    assert f"| en ({judged})" in text
    assert "pool `judged`: judged passages only" in text
    significance = pd.read_csv(folder / "significance.csv")
    assert set(significance[significance["benchmark"] == "judged"]["pool"]) == {"judged"}
    data = pd.read_csv(folder / "evaluation_data.csv")
    counted = data[data["benchmark"] == "judged"]
    assert set(counted["metric"]) == {"queries", "judged candidates"}
    assert counted["published"].isna().all()


def test_the_evaluation_data_stands_beside_table_11(made: Checkout):
    data = pd.read_csv(made.path / "results/small/tables/evaluation_data.csv")
    part = data[(data["benchmark"] == "miracl") & (data["language"] == "es")]
    values = part.set_index("metric")
    assert values.loc["candidates", ["value", "published"]].tolist() == [200, 10373953]
    assert values.loc["queries", ["value", "published"]].tolist() == [20, 799]


def test_nothing_is_left_of_the_journals(made: Checkout):
    assert not (made.path / "results/small/checkpoints").exists()
    assert made.plan("--configfile=miracl.yaml", "results/small/tables/miracl.csv") == []


def test_a_cut_off_shard_is_named_and_the_search_goes_on_after_the_shards_before_it(
    made: Checkout, tmp_path: Path
):
    shutil.copytree(made.path, tmp_path / "copy")
    checkout = Checkout(tmp_path / "copy")
    shard = checkout.path / "made/miracl-corpus-v1.0-en/docs-1.jsonl.gz"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-200])
    target = "results/small/runs/static_x-x-mono/seed0/miracl/en/000.parquet"
    before = pd.read_parquet(checkout.path / target)
    again = ("--configfile=miracl.yaml", "--force", target)
    run = checkout.snakemake(*again, check=False)
    assert run.returncode == 1
    assert "docs-1.jsonl.gz: after line" in run.stderr + run.stdout
    assert not (checkout.path / target).exists()
    shard.write_bytes(whole)
    checkout.snakemake(*again)
    logs = checkout.path / "results/small/logs/search_passages"
    log = logs.glob("*mono/seed0/miracl/en/000.log")
    assert "docs-0.jsonl.gz: searched before" in next(log).read_text()
    pd.testing.assert_frame_equal(pd.read_parquet(checkout.path / target), before)


@pytest.mark.skipif(MIRROR is None, reason="HYBRIDBATCH_MIRROR is not set: needs MIRACL's qrels")
def test_real_topics_and_judgements_on_a_small_corpus(made: Checkout, tmp_path: Path):
    config = configuration(
        source="miracl",
        topics="topics/topics.miracl-v1.0-{language}-dev.tsv",
        qrels="qrels/qrels.miracl-v1.0-{language}-dev.tsv",
    )
    config["samplings"], config["benchmarks"] = ["x-x-mono"], ["miracl"]
    # The model is made already, and depends on no benchmark.
    checkout = Checkout(tmp_path / "copy")
    shutil.copytree(made.path, checkout.path)
    shutil.rmtree(checkout.path / "made")
    (checkout.path / "miracl.yaml").write_text(yaml.safe_dump(config))
    base = yaml.safe_load((ROOT / "config/catalogue.yaml").read_text())["catalogue"]["sources"]
    place = Path(MIRROR) / base["miracl"]["base"].removeprefix("https://")
    for language in LANGUAGES:
        name = f"qrels/qrels.miracl-v1.0-{language}-dev.tsv.gz"
        qrels = gzip.decompress((place / name).read_bytes()).decode()
        ids = [line.split()[2] for line in qrels.splitlines()]
        texts = sentences(language)
        passages = [(id_, texts[i % len(texts)]) for i, id_ in enumerate(dict.fromkeys(ids[:900]))]
        write_shards(checkout.path / "made", language, passages, 3 if language == "en" else 2)
    checkout.snakemake(
        "--configfile=miracl.yaml",
        "results/small/tables/miracl.csv",
        "results/small/tables/evaluation_data.csv",
        *exports("static_x-x-mono"),
    )
    for language, queries in (("en", 799), ("es", 648)):
        metrics = check_against_ir_measures(checkout, "static_x-x-mono", language)
        assert len(metrics) == queries
    table = pd.read_csv(checkout.path / "results/small/tables/miracl.csv")
    assert (table[table["language"].isin(LANGUAGES)]["absent_relevant"] > 1000).all()

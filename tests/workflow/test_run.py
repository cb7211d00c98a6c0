"""What a finished run leaves: tables, models, records; and that it is the same again."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sacrebleu
import yaml
from checkout import ROOT, Checkout, small_configuration
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from tex import compiled

from hybridbatch.evaluation.bias_summary import DETAIL_COLUMNS
from hybridbatch.render.grid import BOLD, DAGGER
from hybridbatch.tables.columns import TIDY_COLUMNS
from hybridbatch.tables.markers import marked

SMALL = ("--configfile=small.yaml",)
SYSTEMS = ("static_x-x-mono", "static_hybrid")


@pytest.fixture(scope="module")
def table(finished: Checkout) -> pd.DataFrame:
    return pd.read_csv(finished.path / "results/small/tables/small.csv")


def test_the_table_has_its_columns_and_every_cell(table: pd.DataFrame):
    assert list(table.columns) == [*TIDY_COLUMNS, "steps"]
    part = table[(table["pool"] == "all") & (table["setting"] == "monolingual")]
    languages = {"en", "es", "it", "mean", "mean_seen", "mean_unseen"}
    for sampling in ("x-x-mono", "hybrid"):
        for metric in ("map", "recall_1"):
            cells = part[(part["sampling"] == sampling) & (part["metric"] == metric)]
            assert set(cells["language"]) == languages
    seen = table[table["pool"] == "seen"]
    assert set(seen["language"]) == {"en", "es", "mean"}


def test_values_lie_within_their_intervals_and_bounds(table: pd.DataFrame):
    assert table["value"].between(0, 1).all()
    # Scores that are the same for every question have no spread, and so no interval.
    without = table["ci_low"].isna()
    assert table.loc[without, "value"].isin([0, 1]).all()
    assert without.sum() < 3
    assert (table["ci_low"] <= table["value"])[~without].all()
    assert (table["value"] <= table["ci_high"])[~without].all()
    assert (table["n_queries"] == 167).all()
    assert (table["n_seeds"] == 1).all()
    assert table["published"].isna().all()


def test_training_beats_chance(table: pd.DataFrame):
    row = table.query("pool == 'all' and setting == 'monolingual' and metric == 'map'")
    chance = sum(1 / rank for rank in range(1, 273)) / 272
    assert (row.query("language == 'en'")["value"] > 3 * chance).all()


def test_every_table_is_there_in_three_forms(finished: Checkout):
    folder = finished.path / "results/small/tables"
    names = {path.stem for path in folder.glob("*.csv")}
    assert names == {path.stem for path in folder.glob("*.md")}
    assert names == {path.stem for path in folder.glob("*.tex")}
    assert names == {
        "small", "main", "language_bias", "rank_distance",
        "significance", "reproduction", "claims",
        "evaluation_data", "training_data", "translation", "filtering", "tokens",
        "translation_quality", "contamination", "bias_detail",
        "alpha", "data_size", "languages", "unseen_languages", "temperature", "encoders",
        "steps", "corpus_weighting",
    }  # fmt: skip


def test_tokens_are_counted_of_train_sets_and_benchmarks(finished: Checkout):
    frame = pd.read_csv(finished.path / "results/small/tables/tokens.csv")
    counted = frame.set_index(["encoder", "of", "name", "language"]).sort_index()
    assert set(counted.index) == {
        *(("static", "corpus", "small", code) for code in ("en", "es", "ast")),
        *(("static", "benchmark", "small", code) for code in ("en", "es", "it")),
    }
    assert (counted.loc[("static", "benchmark", "small"), "texts"] == 167 + 272).all()
    assert (counted["unknown_tokens"] < 0.1 * counted["tokens"]).all()
    # Of a train set only the `:` of the prefixes, which no training text has.
    of_train = counted.loc[("static", "corpus")]
    assert of_train["unknown_tokens"].equals(of_train["texts"])
    # Italian was not among the texts that the tokenizer was trained on.
    of_benchmark = counted.loc[("static", "benchmark", "small")]
    assert of_benchmark["tokens"].idxmax() == "it"


def test_language_bias_in_detail_has_every_cell(finished: Checkout):
    detail = pd.read_csv(finished.path / "results/small/tables/bias_detail.csv")
    assert list(detail.columns) == DETAIL_COLUMNS
    assert set(detail["sampling"]) == {"x-x-mono", "hybrid"}
    shares = detail.query("measure == 'share_at_k' and candidate_language != 'same'")
    for _, part in shares.groupby(["sampling", "pool", "query_language", "k"]):
        assert set(part["candidate_language"]) <= {"en", "es", "it"}
        assert np.isclose(part[["value", "fair"]].sum(), 1, atol=1e-5).all()
    # Languages (3 x 4 + 1 rows of shares at each k, 4 x 2 mean ranks, 3 x 3 + 1 correlations).
    assert (detail.query("pool == 'all'").groupby("sampling").size() == 2 * 13 + 8 + 10).all()
    # Shares that are the same for every question have no spread, and so no interval.
    assert detail.loc[detail["ci_low"].isna(), "value"].isin([0, 1]).all()
    # Mean ranks are of the ranks that the rank distance is of.
    ranks = pd.read_parquet(
        finished.path / "results/small/ranks/static_hybrid/seed0/small/es.parquet"
    )
    own = ranks.query("candidate_language == 'es'").groupby("query_id")["rank_all"].mean().mean()
    cell = detail.query(
        "sampling == 'hybrid' and pool == 'all' and measure == 'mean_rank' "
        "and query_language == 'es' and candidate_language == 'same'"
    )
    assert cell["value"].item() == pytest.approx(own, abs=1e-6)


def test_an_ablation_has_every_point_and_what_hybrid_gains(finished: Checkout):
    frame = pd.read_csv(finished.path / "results/small/tables/data_size.csv")
    scores = frame[frame["versus"].isna()]
    for point in (0.5, 1.0):
        assert set(scores[scores["point"] == point]["sampling"]) == {"x-x-mono", "hybrid"}
    keys = ["point", "setting", "pool", "metric", "language"]
    wide = scores.pivot(index=keys, columns="sampling", values="value")
    gains = frame[frame["versus"] == "x-x-mono"].set_index(keys)["value"]
    assert len(gains) == len(wide)
    np.testing.assert_allclose(gains, (wide["hybrid"] - wide["x-x-mono"])[gains.index], atol=2e-6)


def test_an_ablated_model_is_trained_on_what_its_name_says(finished: Checkout):
    def record(system: str, file: str) -> dict:
        path = finished.path / "results/small/models" / system / "seed0" / file
        return json.loads(path.read_text())

    whole = record("static_hybrid", "run.json")
    half = record("static@pairs-0.5_hybrid", "run.json")
    assert half["training"] == whole["training"] | {"pairs": 0.5}
    assert half["corpora"]["small"] == -(-whole["corpora"]["small"] // 2)
    assert record("static@alpha-0.3_hybrid", "run.json")["training"]["alpha"] == 0.3
    mix = record("static@without-es_hybrid", "mix.json")
    assert set(mix["query_languages"]) == {"en", "ast"}
    # tests/unit/test_config_ablations.py has the languages of the other points.


def test_figures_are_drawn_and_are_the_same_again(finished: Checkout):
    folder = finished.path / "results/small/figures"

    def content() -> dict[str, bytes]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    finished.snakemake(*SMALL, "figures")
    before = content()
    assert set(before) >= {
        f"{name}.{suffix}"
        for name in (
            "static/small/heatmap", "static/small/rank_distance", "static/small/language_share",
            "static/training", "static/translation_quality", "reproduction", "data_size", "alpha",
        )
        for suffix in ("svg", "txt")
    }  # fmt: skip
    for name, text in before.items():
        if name.endswith(".svg"):
            assert ElementTree.fromstring(text).tag.endswith("svg")
            # Axes that nothing was drawn in would be all there is.
            assert len(text) > 10_000
    again = [f"results/small/figures/static/{name}.svg" for name in ("small/heatmap", "training")]
    finished.snakemake(*SMALL, "--force", *again)
    assert content() == before


def test_every_table_compiles_and_fits_the_page(finished: Checkout, tmp_path: Path):
    files = sorted((finished.path / "results/small/tables").glob("*.tex"))
    log = compiled(files, tmp_path)
    assert "Overfull" not in log
    assert "too large" not in log
    assert "multiply defined" not in log
    assert (tmp_path / "all.pdf").stat().st_size > 10_000


def test_marks_of_the_table_are_those_of_its_tests(finished: Checkout, table: pd.DataFrame):
    folder = finished.path / "results/small/tables"
    tests = pd.read_csv(folder / "significance.csv")
    # One seed: a difference is of this seed only, and nothing is tested or marked.
    assert tests["p"].isna().all()
    assert "this seed only: no test" in (folder / "significance.md").read_text()
    marks = marked(table, tests, 0.95)
    assert marks["behind"].any()
    markdown = (folder / "small.md").read_text()
    assert DAGGER not in markdown
    assert "their differences were not tested" in markdown
    assert markdown.count("**") == 2 * (marks["emphasis"] == BOLD).sum()
    assert (folder / "small.tex").read_text().count(r"\underline") == markdown.count("<ins>")


def test_the_model_folder_records_its_run(finished: Checkout):
    folder = finished.path / "results/small/models/static_hybrid/seed0"
    rows = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(len(rows)))
    assert {row["kind"] for row in rows} == {"x-x-mono", "x-y"}
    assert all(np.isclose(sum(row["query_languages"].values()), 1) for row in rows)
    run = json.loads((folder / "run.json").read_text())
    assert run["training"]["alpha"] == 0.5  # the catalogue's
    pure = json.loads((folder.parents[1] / "static_x-x-mono/seed0/run.json").read_text())
    assert pure["training"]["alpha"] is None
    assert json.loads((folder / "mix.json").read_text())["steps"] == len(rows)


def test_sentence_transformers_gives_the_vectors_that_were_ranked(finished: Checkout):
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer

    root = finished.path / "results/small"
    model = SentenceTransformer(str(root / "models/static_hybrid/seed0"))
    vectors = load_file(root / "embeddings/static_hybrid/seed0/small/it.safetensors")
    for side, prompt in (("queries", "query"), ("candidates", "document")):
        texts = pq.read_table(root / f"collections/small/it/{side}.parquet")["text"].to_pylist()
        expected = model.encode(texts, prompt_name=prompt)
        np.testing.assert_allclose(vectors[side], expected, atol=1e-5)


def test_the_same_seed_gives_the_same_bytes(finished: Checkout):
    root = finished.path / "results/small"
    model = root / "models/static_hybrid/seed0"

    scores = "results/small/scores/static_hybrid/small.parquet"

    def digests() -> dict[str, str]:
        files = [p for p in model.rglob("*") if p.is_file()] + [finished.path / scores]
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    before = digests()
    finished.snakemake(*SMALL, "--forcerun", "finetune", "--", scores)
    assert digests() == before


def test_jobs_that_need_no_torch_do_not_import_it():
    """Every script but those that fine-tune, with all it imports at its start."""
    scripts = ROOT / "workflow/scripts"
    light = [str(path) for path in scripts.glob("*.py") if not path.stem.startswith("finetune")]
    assert len(light) > 10
    program = (
        "import runpy, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for script in sys.argv[2:]:\n"
        "    runpy.run_path(script)\n"
        "    assert not {'torch', 'transformers'} & set(sys.modules), script\n"
    )
    subprocess.run([sys.executable, "-c", program, str(scripts), *light], check=True)


TEXTS = {"questions": 167, "sentences": 272}
QUALITY = "results/small/tables/translation_quality"


def test_translation_quality_has_scores_shares_and_samples(finished: Checkout):
    frame = pd.read_csv(finished.path / f"{QUALITY}.csv", index_col=["language", "texts"])
    assert set(frame.index) == {(code, kind) for code in ("es", "ast") for kind in TEXTS}
    assert frame[["failed_share", "unknown_share"]].stack().between(0, 0.2).all()
    assert (frame["unknown_share"] > 0).all()
    scores, signatures = ["bleu", "chrf++", "round_trip_chrf"], r"^nrefs:1\|.*version:"
    assert (frame.loc["es", scores] > 10).all(axis=None)
    for name in scores:
        assert frame.loc["es", f"{name}_signature"].str.match(signatures).all()
    assert (
        frame.loc["ast", [*scores, *(f"{name}_signature" for name in scores)]].isna().all(axis=None)
    )
    text = (finished.path / f"{QUALITY}.md").read_text()
    assert "No round trip from ast: apertium has no way back to English" in text
    for block in text.split("\n## ")[1:]:
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len(rows) == 2 + 20, block[:40]


@pytest.mark.slow
def test_languages_without_references_make_the_round_trip(checkout: Checkout):
    config = small_configuration() | {"target_languages": ["es", "oc"]}
    (checkout.path / "more.yaml").write_text(yaml.safe_dump(config))
    checkout.snakemake("--configfile=more.yaml", f"{QUALITY}.csv")
    frame = pd.read_csv(checkout.path / f"{QUALITY}.csv").set_index(["language", "texts"])
    assert frame.loc[["oc"], ["bleu", "chrf++"]].isna().all(axis=None)
    root = checkout.path / "results/small"
    english = pq.read_table(root / "references/bundled/en.parquet").to_pydict()
    for language in ("es", "oc"):
        folder = root / "back_translations/apertium/bundled" / language
        steps = {"en"} if language == "es" else {"es", "en"}
        assert {path.stem for path in folder.glob("*.parquet")} == steps
        back = pq.read_table(folder / "en.parquet").to_pydict()
        assert back["text_id"] == english["text_id"]
        for kind, number in TEXTS.items():
            chosen = [i for i, id_ in enumerate(back["text_id"]) if id_[0] == kind[0]]
            assert len(chosen) == number
            returned, sources = ([t["text"][i] or "" for i in chosen] for t in (back, english))
            expected = sacrebleu.corpus_chrf(returned, [sources]).score
            found = frame.loc[(language, kind), "round_trip_chrf"]
            assert found == pytest.approx(expected, abs=1e-6)
            assert 50 < found < 95
    text = (checkout.path / f"{QUALITY}.md").read_text()
    assert "Ways back: es-en, oc-es-en." in text
    assert "No round trip" not in text


def test_step_that_is_not_on_a_way_back_is_refused(checkout: Checkout):
    config = small_configuration() | {"target_languages": ["es", "oc", "an"]}
    (checkout.path / "more.yaml").write_text(yaml.safe_dump(config))
    file = "results/small/back_translations/apertium/bundled/es/es.parquet"
    run = checkout.snakemake("--configfile=more.yaml", "--dry-run", file, check=False)
    assert run.returncode == 1
    assert "no way back from 'es' passes 'es'" in run.stderr + run.stdout


def test_a_language_without_pairs_after_filtering_stops_with_its_name(checkout: Checkout):
    lines = [
        json.dumps({"question": f"zxqv{i} wxyzk{i}?", "passage": f"qwzx{i} vbnmz{i} plkjh{i}."})
        for i in range(40)
    ]
    (checkout.path / "small.jsonl").write_text("\n".join(lines))
    run = checkout.snakemake(*SMALL, "results/small/train/small/es.parquet", check=False)
    assert run.returncode == 1
    name = "corpus small, language es (results/small/corpora/small/train.parquet)"
    assert f"{name}: no pair is left" in run.stderr + run.stdout
    assert not list((checkout.path / "results/small/train").rglob("es*"))


@pytest.mark.slow
def test_a_transformer_from_scratch_goes_through_the_workflow(finished: Checkout):
    checkout = finished
    config = small_configuration() | {"target_languages": [], "encoders": ["little"]}
    config["samplings"] = ["en-en"]
    config["catalogue"]["encoders"]["little"] = {
        "kind": "scratch",
        "layers": 1,
        "heads": 2,
        "dimension": 16,
        "feed_forward": 32,
        "dropout": 0.1,
        "vocabulary": 1000,
        "tokenizer_characters": 100000,
        "max_tokens": 32,
        "query_prefix": "Query: ",
        "passage_prefix": "Passage: ",
    }
    (checkout.path / "little.yaml").write_text(yaml.safe_dump(config))
    embeddings = "results/small/embeddings/little_en-en/seed0/small/en.safetensors"
    run = checkout.snakemake("--configfile=little.yaml", embeddings)
    assert "gpu=0" in run.stderr
    assert "gpu=1" not in run.stderr
    model = SentenceTransformer(
        str(checkout.path / "results/small/models/little_en-en/seed0"), device="cpu"
    )
    vectors = load_file(checkout.path / embeddings)
    for side, prompt in (("queries", "query"), ("candidates", "document")):
        table = pd.read_parquet(
            checkout.path / f"results/small/collections/small/en/{side}.parquet"
        )
        expected = model.encode(table["text"].tolist(), prompt_name=prompt)
        np.testing.assert_allclose(vectors[side], expected, atol=1e-5)

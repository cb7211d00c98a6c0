"""Files for use elsewhere, made from a finished run: TREC runs and their judgements."""

import pandas as pd
import pytest
import pytrec_eval
from checkout import Checkout, as_option
from huggingface_hub import ModelCard

SMALL = ("--configfile=small.yaml",)
EXPORTS = "results/small/exports"


def names(setting: str) -> tuple[str, str]:
    """Run and judgements of Spanish queries."""
    run = f"{EXPORTS}/static_hybrid/seed0/small/{setting}/es.run"
    return run, f"{EXPORTS}/qrels/small/{setting}/es.qrels"


def test_trec_evals_figures_of_the_exports_are_those_of_the_tables(finished: Checkout):
    pools = {"monolingual": "es", "multilingual": "all", "cross-lingual/it": "it"}
    wanted = [name for setting in pools for name in names(setting)]
    finished.snakemake(*SMALL, *wanted)
    metrics = pd.read_parquet(
        finished.path / "results/small/metrics/static_hybrid/seed0/small/es.parquet"
    )
    for setting, pool in pools.items():
        run, qrels = (finished.path / name for name in names(setting))
        with run.open() as file, qrels.open() as judged:
            evaluator = pytrec_eval.RelevanceEvaluator(
                pytrec_eval.parse_qrel(judged), {"map", "recall.1,10"}
            )
            scores = evaluator.evaluate(pytrec_eval.parse_run(file))
        ours = metrics[metrics["candidates"] == pool].set_index("query_id")
        assert set(scores) == set(ours.index)
        assert len(scores) == 167
        for query, row in ours.iterrows():
            for name in ("map", "recall_1", "recall_10"):
                assert scores[query][name] == pytest.approx(row[name], abs=1e-9)
        lines = [line.split(" ") for line in run.read_text().splitlines()]
        assert all(len(line) == 6 for line in lines)
        assert {line[5] for line in lines} == {"static_hybrid-seed0"}


def test_exports_are_made_on_request_only_and_of_what_the_lists_choose(finished: Checkout):
    assert not {"export_ranking", "export_judgements"} & {
        rule for rule, _ in finished.plan(*SMALL, "--forceall", "tables")
    }
    one = as_option(samplings=["hybrid"])
    jobs = finished.plan(*SMALL, *one, "--forcerun", "export_ranking", "--", "exports")
    runs = [wildcards for rule, wildcards in jobs if rule == "export_ranking"]
    assert {(w["setting"], w["language"], w["system"]) for w in runs} == {
        (setting, language, "static_hybrid")
        for setting in ("monolingual", "multilingual")
        for language in ("en", "es", "it")
    }
    assert not {"finetune", "encode", "evaluate"} & {rule for rule, _ in jobs}


def test_a_pool_that_is_none_is_refused(checkout: Checkout):
    file = f"{EXPORTS}/qrels/small/cross-lingual/fr/es.qrels"
    run = checkout.snakemake(*SMALL, "--dry-run", file, check=False)
    assert run.returncode == 1
    assert "small: has no language 'fr'; it has en, es, it" in run.stderr + run.stdout


ABLATED = "results/small/models/static@without-es_hybrid/README.md"


def test_a_card_stands_beside_every_model(finished: Checkout):
    finished.snakemake(*SMALL, "cards", ABLATED)
    for sampling in ("x-x-mono", "hybrid"):
        folder = finished.path / f"results/small/models/static_{sampling}"
        text = (folder / "README.md").read_text()
        assert (folder / "seed0").is_dir()
        data = ModelCard(text).data.to_dict()
        assert data["language"] == ["en", "es", "ast"]
        assert "Ways: en-es-ast, en-es." in text
        table = pd.read_csv(finished.path / "results/small/tables/small.csv")
        row = table.query(
            f"sampling == '{sampling}' and pool == 'all' and setting == 'multilingual' "
            "and metric == 'map' and language == 'mean'"
        )
        assert f"{row['value'].item():.3f} [" in text
    # That of an ablated model says what this was trained on.
    data = ModelCard((finished.path / ABLATED).read_text()).data.to_dict()
    assert data["language"] == ["en", "ast"]

"""Zero-shot systems: the encoder as it is published, a reference beside what is trained."""

import json
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import pytrec_eval
import yaml
from pretrained import tiny_bert
from sentence_transformers import SentenceTransformer

from hybridbatch.evaluation.ablations import ablation_table
from hybridbatch.evaluation.settings import ZERO_SHOT
from hybridbatch.evaluation.significance import compare, holm
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import outputs
from hybridbatch.experiment import systems as variants
from hybridbatch.figures.curves import curve_points
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.tables.ablations import ablation_page
from hybridbatch.tables.families import significance_table
from hybridbatch.tables.markers import GROUP, legend, marked
from hybridbatch.tables.words import seeds_phrase

ROOT = Path(__file__).parents[2]
LANGUAGES = ["en", "es"]


class Inputs(SimpleNamespace):
    """As Snakemake has them, by attribute and by item."""

    def __getitem__(self, name: str) -> str:
        return getattr(self, name)


def _texts(language: str) -> tuple[dict[str, str], dict[str, str], list[tuple[str, str]]]:
    """Questions, paragraphs and the paragraph of each question, of the bundled benchmark."""
    path = ROOT / "resources" / "bundled" / "benchmark" / f"{language}.json"
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [p for article in articles for p in article["paragraphs"]]
    questions, candidates, qrels = {}, {}, []
    for number, paragraph in enumerate(paragraphs):
        candidate = f"{language}:{number:03d}"
        candidates[candidate] = paragraph["context"]
        for qa in paragraph["qas"]:
            questions[qa["id"]] = qa["question"]
            qrels.append((qa["id"], candidate))
    return questions, candidates, qrels


def test_scores_are_those_of_sentence_transformer_and_trec_eval(tmp_path):
    """The published files through every script, and through SentenceTransformer and pytrec_eval."""
    sides = {language: _texts(language) for language in LANGUAGES}
    texts = [text for of in sides.values() for side in of[:2] for text in side.values()]
    base = tiny_bert(tmp_path / "base", texts, 600)
    values = {
        "kind": "transformer", "model": str(base), "pooling": "mean", "max_tokens": 48,
        "query_prefix": "Query: ", "passage_prefix": "Passage: ",
    }  # fmt: skip

    def job(script: str, inputs: dict, output, **params) -> None:
        import_module(script).main(
            SimpleNamespace(
                input=Inputs(**inputs), output=output, params=SimpleNamespace(**params),
                resources=SimpleNamespace(gpu=0),
                wildcards=SimpleNamespace(language="en", encoder="tiny"),
            )
        )  # fmt: skip

    encoder = tmp_path / "encoder"
    job("prepare_encoder", {"texts": []}, [str(encoder)], encoder=values)
    files: dict[str, list[str]] = {"candidates": [], "embeddings": [], "qrels": []}
    for language, (questions, candidates, qrels) in sides.items():
        of = {"language": language, "benchmark": "quiz"}
        tables = {
            "queries": {
                "query_id": list(questions),
                "text": list(questions.values()),
                "article": [None] * len(questions),
                "paragraph": [None] * len(questions),
            },
            "candidates": {"candidate_id": list(candidates), "text": list(candidates.values())},
            "qrels": dict(zip(("query_id", "candidate_id"), zip(*qrels, strict=True), strict=True)),
        }
        names_of = {side: str(tmp_path / f"{side}_{language}.parquet") for side in tables}
        for side, columns in tables.items():
            write_table(names_of[side], pa.table(columns), of)
        vectors = str(tmp_path / f"vectors_{language}.safetensors")
        inputs = {"model": str(encoder), **names_of}
        job("encode", inputs, [vectors], encoder=values, of=of)
        files["candidates"].append(names_of["candidates"])
        files["qrels"].append(names_of["qrels"])
        files["embeddings"].append(vectors)
    output = SimpleNamespace(ranks=str(tmp_path / "ranks"), metrics=str(tmp_path / "metrics"))
    inputs = {**files, "queries": str(tmp_path / "queries_en.parquet")}
    job("evaluate", inputs, output, languages=LANGUAGES, seen=[], search=None, of={})
    ours = read_table(output.metrics).to_pandas().set_index(["candidates", "query_id"])

    theirs = SentenceTransformer(str(base), device="cpu")  # mean pooling, as a plain BERT gets
    theirs.max_seq_length = 48

    def encode(prefix: str, of: dict[str, str]) -> np.ndarray:
        return theirs.encode([prefix + text for text in of.values()], normalize_embeddings=True)

    questions = sides["en"][0]
    asked = encode("Query: ", questions)
    for pool, members in {"en": ["en"], "es": ["es"], "all": LANGUAGES}.items():
        candidates = {id_: text for code in members for id_, text in sides[code][1].items()}
        scores = (asked @ encode("Passage: ", candidates).T).tolist()
        rows = [dict(zip(candidates, row, strict=True)) for row in scores]
        run = dict(zip(questions, rows, strict=True))
        qrels: dict[str, dict[str, int]] = {}
        for code in members:
            for query, candidate in sides[code][2]:
                qrels.setdefault(query, {})[candidate] = 1
        expected = pytrec_eval.RelevanceEvaluator(qrels, {"map", "recall.1,10"}).evaluate(run)
        assert len(expected) > 20
        for query, of_query in expected.items():
            for metric, value in of_query.items():
                assert ours.loc[(pool, query), metric] == pytest.approx(value, abs=1e-9)
            places = sorted(run[query], key=run[query].get, reverse=True)
            found = [places.index(candidate) for candidate in qrels[query]]
            distance = ours.loc[(pool, query), "rank_distance"]
            assert np.isnan(distance) if len(found) < 2 else distance == max(found) - min(found)


# The configuration.


def _config(**values) -> dict:
    config = conf.read([ROOT / "config" / "paper.yaml"])
    config["catalogue"]["encoders"]["static"] = {
        "kind": "static", "dimension": 8, "vocabulary": 100, "tokenizer_characters": 1000,
        "max_tokens": 16, "query_prefix": "", "passage_prefix": "",
    }  # fmt: skip
    return config | values


def test_the_paper_s_configuration_has_it():
    assert "zero-shot" in conf.read([ROOT / "config" / "paper.yaml"])["samplings"]


def test_pretrained_encoders_have_a_zero_shot_system_first():
    config = conf.validate(
        _config(encoders=["static", "labse"], samplings=["x-y", "zero-shot"], seeds=[7, 8])
    )
    systems = variants.systems(config)
    assert list(systems) == ["static_x-y", "labse_zero-shot", "labse_x-y"]
    assert [variants.runs_of(config, system) for system in systems.values()] == [
        [7, 8],
        [0],
        [7, 8],
    ]
    assert [system.trained for system in systems.values()] == [True, False, True]
    assert variants.without_zero_shot(config) == ["static"]


def _problems(config: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        conf.validate(config)
    return str(caught.value).splitlines()[1:]


def test_what_cannot_be_evaluated_without_training_is_named():
    alone = _config(samplings=["zero-shot"], encoders=["static"])
    assert "none of the encoders is pretrained" in _problems(alone)[0]
    empty = _config(corpora=[], validation=[])
    empty["ablations"] = empty["ablations"] | {"lareqa": ["zero-shot"]}
    for words in (
        "corpora: [] must not be empty",
        "validation: [] must",
        "ablations.lareqa: 'zero",
    ):
        assert any(words in line for line in _problems(empty)), words
    other = _config()
    other["catalogue"]["samplings"]["none"] = {"kind": "zero-shot"}
    assert "catalogue.samplings.none: the name" in _problems(other)[0]


def test_zero_shot_alone_needs_no_corpus():
    config = _config(samplings=["zero-shot"], corpora=[], validation=[])
    config["ablations"] |= {name: [] for name in outputs.ABLATIONS}
    assert list(variants.systems(conf.validate(config))) == ["xlm-r_zero-shot", "labse_zero-shot"]


@pytest.mark.parametrize(
    ("ablation", "points"),
    [
        ("temperature", [("zero-shot", "labse_zero-shot"), ("0.02", "labse@temperature-0.02_x-y")]),
        ("encoders", [("xlm-r", "xlm-r_zero-shot"), ("xlm-r", "xlm-r_x-y")]),
        ("lareqa", [("zero-shot", "labse_zero-shot"), ("x-y", "labse_x-y")]),
        ("alpha", []),
    ],
)
def test_ablations_begin_with_the_reference(ablation, points):
    config = _config(encoders=["labse"])
    lists = {"temperature": [0.02], "encoders": ["xlm-r"], "lareqa": ["x-y"], "alpha": []}
    config["ablations"] |= lists | {"samplings": ["x-y"]}
    found = variants.ablation_points(conf.validate(config), ablation)
    assert [(point.value, point.system.name) for point in found] == points


# What is compared with it.


def _frames(seeds: list[int], shift: float) -> dict:
    rng = np.random.default_rng(0)
    queries = [f"q{i}" for i in range(40)]
    return {
        ("en", seed): pd.DataFrame(
            {"query_id": queries, "candidates": "en", "map": rng.random(40) * 0.5 + shift}
        )
        for seed in seeds
    }


def test_differences_are_to_the_same_scores_for_every_seed_and_a_family_of_their_own():
    frames = {
        ZERO_SHOT: _frames([0], 0.0),
        "x-y": _frames([3, 4], 0.2),
        "hybrid": _frames([3, 4], 0.3),
    }
    rows = compare(frames, ["en"], ["en"], 0.95)
    pair = (rows["sampling_a"] == ZERO_SHOT) & (rows["sampling_b"] == "hybrid")
    row = rows[pair & (rows["language"] == "en") & (rows["pool"] == "all")].iloc[0]
    zero = frames[ZERO_SHOT]["en", 0]["map"].mean()
    means = [frames["hybrid"]["en", seed]["map"].mean() for seed in (3, 4)]
    assert row["value_a"] == pytest.approx(zero)
    assert row["difference"] == pytest.approx(zero - np.mean(means))
    assert row["n_seeds"] == 2
    tests = significance_table([rows.assign(benchmark="quiz", encoder="labse")])
    of_zero = (tests["sampling_a"] == ZERO_SHOT) | (tests["sampling_b"] == ZERO_SHOT)
    assert set(tests.loc[of_zero, "family"]) == {ZERO_SHOT}
    assert set(tests.loc[~of_zero, "family"]) == {"quiz", "main"}
    alone = compare(
        {name: of for name, of in frames.items() if name != ZERO_SHOT},
        *(["en"], ["en"], 0.95),
    )
    without = significance_table([alone.assign(benchmark="quiz", encoder="labse")])
    kept = tests[~of_zero].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, without, check_exact=False)
    assert holm(np.array([0.01, 0.02])).tolist() == [0.02, 0.02]


def _scores(**values: float) -> pd.DataFrame:
    key = dict(zip(GROUP, ("b", "labse", "monolingual", "map", "all", "mean"), strict=True))
    rows = [{**key, "sampling": s.replace("_", "-"), "value": v} for s, v in values.items()]
    return pd.DataFrame(rows).assign(n_seeds=[1, *[3] * (len(values) - 1)])


def test_a_reference_is_neither_best_nor_marked_and_is_explained():
    scores = _scores(zero_shot=0.9, hybrid=0.4, x_y=0.5)
    frame = marked(scores, None, 0.95)
    pd.testing.assert_frame_equal(
        frame.iloc[1:].reset_index(drop=True),
        marked(scores.iloc[1:].reset_index(drop=True), None, 0.95),
    )
    assert frame.loc[0, ["emphasis", "mark", "behind"]].tolist() == ["", "", False]
    assert np.isnan(frame.loc[0, "p_best"])
    assert legend(frame, 0.95).startswith("zero-shot: the pretrained encoder without training")
    assert "the best is bold" in legend(frame, 0.95)
    assert legend(frame.iloc[:1], 0.95).endswith("which is not marked.")
    assert seeds_phrase(frame) == "3 seeds"
    assert seeds_phrase(frame.iloc[:1]) == "1 seed"


def test_an_ablation_has_it_as_its_first_row_and_no_point_of_the_curve():
    cells = pd.DataFrame(
        {
            "setting": "monolingual", "pool": "all", "metric": "map", "language": "mean",
            "value": [0.2], "ci_low": 0.1, "ci_high": 0.3, "n_queries": 9, "n_seeds": 1,
            "benchmark": "quiz", "encoder": "labse",
        }
    )  # fmt: skip
    published = pd.DataFrame(columns=["benchmark", "published"])
    parts = [(ZERO_SHOT, cells.assign(sampling=ZERO_SHOT))]
    parts += [(f"{a:g}", cells.assign(sampling="hybrid", value=a)) for a in (0.5, 1.0)]
    frame = ablation_table("alpha", parts, [], published)
    assert frame["sampling"].tolist() == [ZERO_SHOT, "hybrid", "hybrid"]
    assert curve_points("alpha", frame)["point"].tolist() == [0.5, 1.0]
    lines = render(ablation_page("alpha", frame, 0.95, True, "none")).splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert rows == ["alpha", ZERO_SHOT, "0.5", "1"]


def test_the_paper_s_configuration_names_it_first():
    listed = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text("utf-8"))["samplings"]
    assert listed[0] == ZERO_SHOT

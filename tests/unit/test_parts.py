"""A table depends on a part of the configuration, and other changes do not touch it."""

import json
from pathlib import Path

import pytest
import yaml

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.outputs import part_for, part_hash
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config() -> Experiment:
    return conf.load([ROOT / "config/config.yaml"])


def _with(config: Experiment, *path: str, value) -> Experiment:
    """Another configuration, of which only the types are checked."""
    changed = config.plain()
    where = changed
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    return Experiment.model_validate(changed)


ABLATIONS = {"alpha", "encoders"}
SCORES = {*ABLATIONS, "main", "xquad_r", "significance"}
TRAIN_SETS = {"training_data", "filtering", "contamination", "tokens"}
TRANSLATIONS = {"translation", "translation_quality"}
TABLES = {*SCORES, *TRAIN_SETS, *TRANSLATIONS, "evaluation_data"}
BENCHMARKS = {*ABLATIONS, "main", "significance", "evaluation_data", "contamination", "tokens"}
MORE = {"kind": "jsonl", "language": "en", "path": "x", "holdout": 0.0, "shards": 1}
APERTIUM = ("catalogue", "translators", "apertium")
CHANGES = {
    "seeds": (("seeds",), [7], SCORES),
    "a sampling's alpha": (
        ("catalogue", "samplings", "hybrid", "alpha"),
        0.3,
        {*SCORES, "training_data", "tokens"},
    ),
    "a sampling that is not chosen": (
        ("catalogue", "samplings", "hybrid_30"),
        {"kind": "hybrid", "alpha": 0.3},
        set(),
    ),
    "training": (("training", "max_steps"), 1, {*SCORES, "training_data"}),
    "filtering": (("filtering", "max_unknown_share"), 0.1, SCORES | TRAIN_SETS),
    "target languages": (("target_languages",), ["es"], SCORES | TRAIN_SETS | TRANSLATIONS),
    "benchmarks": (("benchmarks",), ["xquad_r"], BENCHMARKS),
    "a benchmark's title": (("catalogue", "benchmarks", "mlqa_r", "title"), "M", BENCHMARKS),
    "quality": (("quality",), ["xquad"], {"translation_quality"}),
    "contamination": (("contamination", "ngram"), 9, {"contamination"}),
    "one ablation's values": (("ablations", "alpha"), [0.5], {"alpha"}),
    "the ablations' benchmarks": (("ablations", "benchmarks"), ["mlqa_r"], ABLATIONS),
    "a way back": ((*APERTIUM, "back", "es", "mode"), "x", {"translation_quality"}),
    "a route that is not chosen": ((*APERTIUM, "routes", "oc", "mode"), "x", set()),
    "a corpus that is not chosen": (("catalogue", "corpora", "more"), MORE, set()),
    "exports": (("exports", "depth"), 10, set()),
    "a file that is not chosen": (
        ("catalogue", "sources", "squadshifts", "files", "nyt_v1.0.json"),
        None,
        set(),
    ),
    "the mirror": (("mirror",), "/somewhere", set()),
}


@pytest.mark.parametrize(("path", "value", "tables"), CHANGES.values(), ids=CHANGES)
def test_change_touches_the_tables_that_depend_on_it(config, path, value, tables):
    changed = _with(config, *path, value=value)
    touched = {t for t in TABLES if part_for(config, t) != part_for(changed, t)}
    assert touched == tables
    hashes = {
        t for t in TABLES if part_hash(part_for(config, t)) != part_hash(part_for(changed, t))
    }
    assert hashes == tables


def test_the_part_names_the_files_and_routes_that_are_used(config):
    part = part_for(config, "xquad_r")
    assert part["benchmarks"] == ["xquad_r"]
    catalogue = part["catalogue"]
    assert set(catalogue["benchmarks"]) == {"xquad_r"}
    assert len(catalogue["sources"]["xquad_r"]["files"]) == 11
    assert "mlqa_r" not in catalogue["sources"]
    assert set(catalogue["sources"]["squadshifts"]["files"]) == {
        "amazon_reviews_v1.0.json", "reddit_v1.0.json", "new_wiki_v1.0.json"
    }  # fmt: skip
    assert set(catalogue["translators"]["apertium"]["routes"]) == set(config.target_languages)


def test_neural_routes_and_parallel_files_are_narrowed_too():
    config = conf.load([ROOT / "config/paper.yaml"])
    catalogue = part_for(config, "main")["catalogue"]
    (translator,) = catalogue["translators"].values()
    assert set(translator["codes"]) == {"en", *config.target_languages}
    parallel = catalogue["corpora"]["mmarco"]["parallel"]
    files = {file for names in parallel.values() for file in names}
    source = catalogue["corpora"]["mmarco"]["source"]
    assert files <= set(catalogue["sources"][source]["files"])


@pytest.mark.parametrize("name", ["config", "demo", "paper"])
def test_the_part_laid_over_its_configuration_is_the_same_again(tmp_path, name):
    file = ROOT / f"config/{name}.yaml"
    part = part_for(conf.load([file]), "main")
    again = tmp_path / "part.yaml"
    again.write_text(yaml.safe_dump(part))
    assert part_for(conf.load([file, again]), "main") == part


def test_the_order_of_keys_is_no_difference(config):
    def reverse(value):
        if isinstance(value, dict):
            return {key: reverse(value[key]) for key in reversed(value)}
        return value

    part = part_for(config, "main")
    other = conf.validate(reverse(config.plain()))
    assert json.dumps(part) == json.dumps(part_for(other, "main"))
    assert part_hash(reverse(part)) == part_hash(part)


def test_a_configuration_is_loaded_as_snakemake_merges_it(tmp_path):
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    more = tmp_path / "more.yaml"
    more.write_text("seeds: [5]\ntraining: {max_steps: 9}\n")
    files = [ROOT / "config/demo.yaml", more]
    expected: dict = {}
    for file in [ROOT / "config/catalogue.yaml", *files]:
        update_config(expected, load_configfile(file))
    loaded = conf.read(files)
    assert json.dumps(loaded, sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert (loaded["seeds"], loaded["training"]["max_steps"]) == ([5], 9)


@pytest.mark.parametrize(
    ("text", "words"), [("- a\n", "not a mapping"), ("a: [", "cannot be read"), (None, "no such")]
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, text, words):
    file = tmp_path / "wrong.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=rf"wrong\.yaml: .*{words}"):
        conf.load([file])


def test_a_table_of_passages_keeps_its_series_of_files():
    paper = conf.load([ROOT / "config/paper.yaml"])
    part = part_for(paper, "miracl")
    assert part["benchmarks"] == ["miracl"]
    languages = paper.catalogue.benchmarks["miracl"].languages
    series = part["catalogue"]["sources"]["miracl_corpus"]["series"]
    assert series == paper.catalogue.sources["miracl_corpus"].series
    assert len(part["catalogue"]["sources"]["miracl"]["files"]) == 2 * len(languages)
    assert "miracl_corpus" not in part_for(paper, "xquad_r")["catalogue"]["sources"]
    one = _with(paper, "catalogue", "benchmarks", "miracl", "languages", value=["sw"])
    kept = part_for(one, "miracl")["catalogue"]["sources"]["miracl_corpus"]["series"]
    assert list(kept) == ["miracl-corpus-v1.0-sw/docs-{number}.jsonl.gz"]

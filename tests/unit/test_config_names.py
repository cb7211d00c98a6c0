"""Names in the configuration that name nothing: key, name, where it should be, the nearest."""

from copy import deepcopy

import pytest
import yaml
from configurations import ROOT, problems_of, set_key

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime.errors import ConfigError

CONFIG, RENDERED = ["config.yaml"], ["config.yaml", "rendered.yaml"]
SHARDS = """
title: Passages
kind: miracl
source: miracl_topcs
topics: "{language}.tsv"
qrels: "{language}.qrels"
corpus: miracl_corpu
passages: "{language}/{number}.jsonl"
shards: {sw: 1}
shards_a_job: 1
languages: [sw]
index: Flat
depth: 100
"""
PHOTOS = """
title: Photographs
kind: xm3600
source: xtd11
captions: captions.zip
archive_source: xtd12
archive: images.tgz
languages: [en]
"""
LINES = """
title: Lines
kind: captions
languages: [en]
captions: {kind: lines, source: xtd13, names: "{part}.txt", captions: "{part}.{language}"}
parts: {train: train}
images: [a]
validation: 1
test: 1
"""


@pytest.fixture(scope="module")
def read() -> dict:
    """The merged values of shipped configurations, by their files."""
    return {
        tuple(names): conf.read([ROOT / "config" / name for name in names])
        for names in (CONFIG, RENDERED)
    }


@pytest.mark.parametrize(
    ("files", "key", "value", "name", "section", "nearest"),
    [
        (CONFIG, "corpora", ["squadshift_reddit"], None, "corpora", "squadshifts_reddit"),
        (CONFIG, "validation", ["squadshift_reddit"], None, "corpora", "squadshifts_reddit"),
        (CONFIG, "translator", "apertum", None, "translators", "apertium"),
        (CONFIG, "encoders", ["statc"], None, "encoders", "static"),
        (CONFIG, "samplings", ["hybird"], None, "samplings", "hybrid"),
        (CONFIG, "benchmarks", ["xquadr"], None, "benchmarks", "xquad_r"),
        (CONFIG, "quality", ["xqad"], None, "references", "xquad"),
        (CONFIG, "ablations/benchmarks", ["xquadr"], None, "benchmarks", "xquad_r"),
        (CONFIG, "ablations/samplings", ["hybird"], None, "samplings", "hybrid"),
        (CONFIG, "ablations/encoders", ["statc"], None, "encoders", "static"),
        (CONFIG, "ablations/lareqa", ["x-x-mon"], None, "samplings", "x-x-mono"),
        (CONFIG, "image_text/encoder", "statc_cnn", None, "encoders", "static_cnn"),
        (CONFIG, "image_text/text_towers", ["hybird"], None, "samplings", "hybrid"),
        (CONFIG, "image_text/captions", ["hybird"], None, "samplings", "hybrid"),
        (CONFIG, "image_text/corpus", "emojy", None, "benchmarks", "emoji"),
        (CONFIG, "image_text/benchmarks", ["emojy"], None, "benchmarks", "emoji"),
        (CONFIG, "image_text/not_run", ["statc_clip"], None, "encoders", "static_clip"),
        (
            *(CONFIG, "catalogue/encoders/static_cnn/text/encoder", "statc"),
            *(None, "encoders", "static"),
        ),
        (RENDERED, "catalogue/encoders/visual/text", "statc", None, "encoders", "static"),
        (
            *(RENDERED, "catalogue/benchmarks/xquad_r_images/beside", ["xquadr"]),
            *(None, "benchmarks", "xquad_r"),
        ),
        (
            CONFIG,
            "catalogue/corpora/squadshifts_nyt/source",
            "squadshift",
            None,
            "sources",
            "squadsh",
        ),
        (CONFIG, "catalogue/references/xquad/source", "xqad", None, "sources", "xquad"),
        (CONFIG, "catalogue/benchmarks/xquad_r/source", "xquadr", None, "sources", "xquad_r"),
        (CONFIG, "catalogue/benchmarks/xquad_r_images/source", "xquadr", None, "sources", "xqu"),
        (CONFIG, "catalogue/benchmarks/xtd10/source", "xtd", None, "sources", "xtd10"),
        (CONFIG, "catalogue/benchmarks/own", SHARDS, "source: 'miracl_topcs'", "sources", "mi"),
        (CONFIG, "catalogue/benchmarks/own", SHARDS, "corpus: 'miracl_corpu'", "sources", "mi"),
        (CONFIG, "catalogue/benchmarks/own", PHOTOS, "source: 'xtd11'", "sources", "xtd10"),
        (CONFIG, "catalogue/benchmarks/own", PHOTOS, "archive_source: 'xtd12'", "sources", "xtd1"),
        (CONFIG, "catalogue/benchmarks/own", LINES, "captions.source: 'xtd13'", "sources", "xtd1"),
    ],
)
def test_a_name_that_the_catalogue_lacks(read, files, key, value, name, section, nearest):
    config, where = deepcopy(read[tuple(files)]), key.replace("/", ".")
    text = isinstance(value, str) and "\n" in value
    set_key(config, key, yaml.safe_load(value) if text else value)
    given = value if isinstance(value, str) else value[0]
    message = f"{where}.{name}" if name else f"{where}: {given!r}"
    message += f" is not in catalogue.{section}; did you mean {nearest}"
    found = [problem for problem in problems_of(config) if problem.startswith(message)]
    assert len(found) == 1, problems_of(config)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            *("exports/unstated_licences", ["apertum"]),
            "exports.unstated_licences: 'apertum' is not in catalogue.corpora or "
            "catalogue.translators; did you mean apertium?",
        ),
        ("target_languages", ["ess"], "target_languages: apertium has no route to 'ess'; did you"),
        (
            *("catalogue/translators/apertium/routes/ca/source", "ess"),
            "catalogue.translators.apertium.routes.ca.source: apertium has no route to 'ess'; did",
        ),
        (
            *("ablations/unseen_languages", ["ess"]),
            "ablations.unseen_languages: 'ess': apertium has no route to it; did you mean es?",
        ),
        (
            *("image_text/languages", ["en", "ess"]),
            "image_text.languages: 'emoji' has no captions in 'ess'; did you mean es?",
        ),
        (
            *("catalogue/benchmarks/xtd10/names", "XTD10/test_image_name.txt"),
            "catalogue.benchmarks.xtd10.names: 'XTD10/test_image_name.txt' is not among the files "
            "of 'xtd10'; did you mean XTD10/test_image_names.txt?",
        ),
        (
            *("catalogue/encoders/statc", {"dimension": 64}),
            "catalogue.encoders.statc.kind: is missing; known: ",
        ),
    ],
)
def test_other_names_that_name_nothing(read, key, value, message):
    config = deepcopy(read[tuple(CONFIG)])
    set_key(config, key, value)
    (found,) = [problem for problem in problems_of(config) if problem.startswith(message)]
    if key.endswith("statc"):
        assert found.endswith("; did you mean the entry static?")


def test_a_name_is_shown_as_it_is_whatever_words_are_in_it(read):
    config = deepcopy(read[tuple(CONFIG)])
    encoders = config["catalogue"]["encoders"]
    encoders |= {"mean_pooled": encoders["static"], "mean_poold": {"dimension": 8}}
    (found,) = [one for one in problems_of(config) if "mean_poold" in one]
    assert found.endswith("; did you mean the entry mean_pooled?")


@pytest.mark.parametrize("names", [["rendered.yaml"], ["layer_schedules.yaml", "rendered.yaml"]])
def test_files_that_are_to_be_laid_over_others_say_what_to_type(monkeypatch, tmp_path, names):
    monkeypatch.chdir(ROOT)
    files = [f"config/{name}" for name in names]
    for given in (files, [ROOT / file for file in files]):  # as Snakemake gives them
        with pytest.raises(ConfigError) as caught:
            conf.load(given)
        first, hint = str(caught.value).splitlines()
        assert first == "the configuration is wrong:"
        typed = " ".join(["config/config.yaml", *files])
        assert f'CONFIG="{typed}"' in hint
        assert f"--configfile {typed}" in hint
        assert f"{' '.join(files)} seems to be laid over" in hint
    mine = tmp_path / "my own.yaml"
    mine.write_text("corpora: [mine]\ncatalogue: {corpora: {mine: {kind: jsnl}}}\n")
    with pytest.raises(ConfigError) as caught:
        conf.load([mine])
    assert f"config/config.yaml '{mine}'" in str(caught.value)
    assert "catalogue.corpora.mine.kind: 'jsnl' is not one of" in str(caught.value)


def test_a_whole_configuration_that_lacks_some_keys_gets_no_such_hint(tmp_path):
    required = [name for name, of in Experiment.model_fields.items() if of.is_required()]
    config = conf.read([ROOT / "config/demo.yaml"])
    for name in required[: len(required) // 2]:
        del config[name]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError) as caught:
        conf.load([tmp_path / "mine.yaml"])
    assert "laid over" not in str(caught.value)
    assert f"{required[0]}: is missing" in str(caught.value)

"""Routes and ways back: what `lookups` says of them, and which are refused."""

import re
import subprocess

import pytest
from configurations import ROOT, built, only_problem, problems_of, shipped
from configurations import config as config

from hybridbatch.experiment import lookups
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.translation.engines._batches import NeuralConfig


def test_language_without_route_is_named(config):
    config["target_languages"] = ["es", "no"]
    problem = only_problem(config)
    assert problem.startswith("target_languages: apertium has no route to 'no'")


def test_pivot_without_route_is_named(config):
    config["target_languages"] = ["pt"]
    del config["catalogue"]["translators"]["apertium"]["routes"]["es"]
    assert "apertium has no route to 'es'" in only_problem(config)


def test_circle_of_pivots_is_named(config):
    config["target_languages"] = ["pt"]
    config["catalogue"]["translators"]["apertium"]["routes"]["es"]["source"] = "pt"
    problem = only_problem(config)
    assert problem == "catalogue.translators.apertium.routes: the route to 'pt' is a circle"


def test_pivots_are_translated_but_not_trained_on(config):
    config["target_languages"] = ["pt", "eo"]
    assert lookups.translated_languages(built(config), "films") == ["pt", "es", "eo"]
    assert lookups.corpus_languages(built(config), "films") == ["en", "pt", "eo"]
    assert lookups.train_languages(built(config)) == ["en", "pt", "eo"]


def test_steps_are_the_pivots_on_the_way(config):
    assert lookups.steps(built(config), "pt") == ["en", "es", "pt"]
    assert lookups.steps(built(config), "eo") == ["en", "eo"]


def test_references_are_translated_where_they_can_be_scored_or_nothing_can(config):
    assert lookups.scored_languages(built(config), "sayings") == ["es", "pt", "eo"]  # two in no set
    config["quality"] = ["sayings", "quiz"]
    config["catalogue"]["references"]["quiz"]["languages"] = ["en", "es"]
    assert lookups.scored_languages(built(config), "sayings") == ["pt", "eo"]
    assert lookups.scored_languages(built(config), "quiz") == ["es", "eo"]


def test_route_has_the_engine_and_its_values(config):
    assert lookups.route(built(config), "pt") == {
        "kind": "apertium",
        "source": "es",
        "mode": "es-pt",
        "package": "apertium-es-pt",
    }
    config["translator"] = "neural"
    neural = {
        "kind": "transformers_mt",
        "model": "facebook/nllb",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "beams": 4,
        "max_new_tokens": 256,
        "batch_tokens": 1000,
    }
    pt = {"source": "en", "source_code": "eng_Latn", "target_code": "por_Latn"}
    gl = {"source": "pt", "source_code": "por_Latn", "target_code": "glg_Latn"}
    assert lookups.route(built(config), "pt") == neural | pt
    assert lookups.route(built(config), "gl") == neural | gl
    config["translator"] = "fast"
    assert lookups.route(built(config), "pt")["quantization"] == "int8"


def test_way_back_is_the_configuration_s_and_a_neural_engine_s_is_straight(config):
    assert lookups.back_steps(built(config), "pt") == ["pt", "es", "en"]
    assert lookups.back_steps(built(config), "es") == ["es", "en"]
    assert lookups.back_steps(built(config), "eo") == []
    del config["catalogue"]["translators"]["apertium"]["back"]
    assert lookups.back_steps(built(config), "pt") == []
    config["translator"] = "neural"
    assert lookups.back_steps(built(config), "gl") == ["gl", "en"]  # though it came through pt


def test_step_back_has_the_engine_and_its_values(config):
    engine = {"kind": "apertium"}
    pt = {"source": "pt", "mode": "pt-es", "package": "apertium-es-pt"}
    es = {"source": "es", "mode": "spa-eng", "package": "apertium-eng-spa"}
    assert lookups.back_route(built(config), "pt", "es") == engine | pt
    assert (
        lookups.back_route(built(config), "pt", "en")
        == lookups.back_route(built(config), "es", "en")
        == engine | es
    )
    config["translator"] = "neural"
    step = lookups.back_route(built(config), "gl", "en")
    back = {"source": "gl", "source_code": "glg_Latn", "target_code": "eng_Latn"}
    assert step == lookups.route(built(config), "pt") | back
    NeuralConfig.of(step)


@pytest.mark.parametrize(("language", "target"), [("pt", "eo"), ("pt", "pt"), ("eo", "en")])
def test_step_that_is_not_on_the_way_back_is_named(config, language, target):
    problem = f"translator apertium: no way back from '{language}' passes '{target}'"
    with pytest.raises(ConfigError, match=problem):
        lookups.back_route(built(config), language, target)


def test_ways_back_change_no_route(config):
    before = lookups.route(built(config), "pt")
    del config["catalogue"]["translators"]["apertium"]["back"]
    assert lookups.route(built(config), "pt") == before


@pytest.mark.parametrize(
    ("language", "target", "problems"),
    [
        ("es", "pt", ["es: the way back is a circle, es-pt-es", "pt: the way back is a circle"]),
        ("pt", "pt", ["pt: the way back is a circle, pt-pt"]),
        ("pt", "gl", ["pt: the way back ends at 'gl', not at 'en'; add catalogue.transl"]),
        ("en", "es", ["en: 'en' is where a way back ends; leave it out"]),
        ("pt", "English", ["pt.target: 'English' must match"]),
    ],
)
def test_way_back_that_does_not_come_to_english_is_named(config, language, target, problems):
    back = config["catalogue"]["translators"]["apertium"]["back"]
    back[language] = {"target": target, "mode": "x-y", "package": "apertium-x-y"}
    config["translator"] = "neural"  # the catalogue's entries are checked, chosen or not
    config["target_languages"] = ["pt"]
    found = problems_of(config)
    assert len(found) == len(problems)
    for problem, start in zip(found, problems, strict=True):
        assert problem.startswith(f"catalogue.translators.apertium.back.{start}")


def test_neural_engine_takes_no_ways_back(config):
    config["catalogue"]["translators"]["neural"]["back"] = {}
    problem = only_problem(config)
    assert problem.startswith("catalogue.translators.neural.back: no such key")


def test_every_package_of_the_catalogue_is_set_up():
    """The Makefile finds the packages of routes and ways back by the text of the catalogue."""
    translator = shipped("demo.yaml")["catalogue"]["translators"]["apertium"]
    steps = [*translator["routes"].values(), *translator["back"].values()]
    command = ["make", "--dry-run", "--no-print-directory", "apertium"]
    recipe = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.search(r"for package in ([^;]*);", recipe).group(1).split()
    assert set(named) == {"apertium", *(step["package"] for step in steps)}


@pytest.mark.parametrize("missing", ["en", "gl"], ids=["source", "target"])
def test_language_without_the_model_s_code_is_named(config, missing):
    del config["catalogue"]["translators"]["neural"]["codes"][missing]
    assert only_problem(config) == (
        f"catalogue.translators.neural.codes: a route needs the model's own code of '{missing}'"
    )


@pytest.mark.parametrize("translator", ["neural", "fast"])
def test_route_to_an_engine_fits_its_dataclass(config, translator):
    config["translator"] = translator
    NeuralConfig.of(lookups.route(built(config), "pt"))


def test_neural_engine_needs_its_keys(config):
    translators = config["catalogue"]["translators"]
    translators["neural"]["quantization"] = "int8"
    translators["fast"]["revision"] = "main"
    del translators["fast"]["beams"]
    first, second, third = problems_of(config)
    assert first.startswith("catalogue.translators.fast.beams: is missing (of beam search")
    assert second.startswith("catalogue.translators.fast.revision: 'main' must match")
    assert third.startswith("catalogue.translators.neural.quantization: no such key")


def test_engine_that_is_none_is_named(config):
    config["catalogue"]["translators"]["apertium"]["kind"] = "apertum"
    assert only_problem(config) == (
        "catalogue.translators.apertium.kind: 'apertum' is not one of apertium, ctranslate2_mt, "
        "transformers_mt; did you mean apertium?"
    )

"""Ablations: their points, the systems of these, and which values are refused."""

import pytest
from configurations import built, only_problem
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import outputs as constants
from hybridbatch.experiment import systems as variants


@pytest.fixture
def ablated(config: dict) -> dict:
    """The same with every ablation."""
    config["ablations"] |= {
        "alpha": [0.0, 0.25, 0.75, 1.0],
        "data_size": [0.5, 1.0],
        "languages": [2, 4],
        "unseen_languages": ["pt"],
        "temperature": [0.05, 0.1],
        "batch_size": [8, 16],
        "steps": [4, 10],
        "corpus_weighting": [1.0, 5.0],
        "encoders": ["tiny", "large"],
        "lareqa": ["x-x", "x-y"],
    }
    return config


@pytest.mark.parametrize(
    ("ablation", "points"),
    [
        # A value that is the configuration's own is the system that the tables have.
        (
            "alpha",
            [
                ("0", "tiny_x-y"),
                ("0.25", "tiny_hybrid"),
                ("0.75", "tiny@alpha-0.75_hybrid"),
                ("1", "tiny_x-x-mono"),
            ],
        ),
        (
            "data_size",
            [
                ("0.5", "tiny@pairs-0.5_x-y"),
                ("0.5", "tiny@pairs-0.5_hybrid"),
                ("1", "tiny_x-y"),
                ("1", "tiny_hybrid"),
            ],
        ),
        (
            "languages",
            [
                ("2", "tiny@languages-2_x-y"),
                ("2", "tiny@languages-2_hybrid"),
                ("4", "tiny_x-y"),
                ("4", "tiny_hybrid"),
            ],
        ),
        (
            "unseen_languages",
            [
                ("none", "tiny_x-y"),
                ("none", "tiny_hybrid"),
                ("pt", "tiny@without-pt_x-y"),
                ("pt", "tiny@without-pt_hybrid"),
            ],
        ),
        (
            "temperature",
            [
                ("0.05", "tiny_x-y"),
                ("0.05", "tiny_hybrid"),
                ("0.1", "tiny@temperature-0.1_x-y"),
                ("0.1", "tiny@temperature-0.1_hybrid"),
            ],
        ),
        (
            "batch_size",
            [
                ("8", "tiny_x-y"),
                ("8", "tiny_hybrid"),
                ("16", "tiny@batch_size-16_x-y"),
                ("16", "tiny@batch_size-16_hybrid"),
            ],
        ),
        (
            "steps",
            [
                ("4", "tiny@steps-4_x-y"),
                ("4", "tiny@steps-4_hybrid"),
                # Trained again though it is max_steps, since validation may stop sooner.
                ("10", "tiny@steps-10_x-y"),
                ("10", "tiny@steps-10_hybrid"),
            ],
        ),
        (
            "corpus_weighting",
            [
                ("1", "tiny_x-y"),
                ("1", "tiny_hybrid"),
                ("5", "tiny@corpus_weighting-5.0_x-y"),
                ("5", "tiny@corpus_weighting-5.0_hybrid"),
            ],
        ),
        (
            "encoders",
            [
                ("tiny", "tiny_x-y"),
                ("tiny", "tiny_hybrid"),
                ("large", "large_x-y"),
                ("large", "large_hybrid"),
            ],
        ),
        ("lareqa", [("x-x", "tiny_x-x"), ("x-y", "tiny_x-y")]),
    ],
)
def test_points_of_an_ablation_and_their_systems(ablated, ablation, points):
    found = variants.ablation_points(built(ablated), ablation)
    assert [(point.value, point.system.name) for point in found] == points


def test_an_ablation_changes_one_training_value(ablated):
    systems = variants.ablation_systems(built(ablated))
    base = variants.training_values(built(ablated), systems["tiny_hybrid"])
    for name, key, value in (
        ("tiny@alpha-0.75_hybrid", "alpha", 0.75),
        ("tiny@temperature-0.1_hybrid", "temperature", 0.1),
        ("tiny@pairs-0.5_hybrid", "pairs", 0.5),
        ("tiny@batch_size-16_hybrid", "batch_size", 16),
        ("tiny@corpus_weighting-5.0_hybrid", "corpus_weighting", {"temperature": 5.0}),
    ):
        assert variants.training_values(built(ablated), systems[name]) == base | {key: value}
    assert variants.training_values(built(ablated), systems["tiny@languages-2_hybrid"]) == base
    # As many steps as said: patience has more validations than there can be.
    fixed = variants.training_values(built(ablated), systems["tiny@steps-4_hybrid"])
    assert fixed == base | {"max_steps": 4, "patience": 4}
    assert isinstance(systems["tiny@batch_size-16_hybrid"].value, int)


def test_an_encoder_s_own_temperature_is_the_one_that_is_not_trained_again(ablated):
    ablated["catalogue"]["encoders"]["tiny"]["training"] = {"temperature": 0.1}
    names = [p.system.name for p in variants.ablation_points(built(ablated), "temperature")]
    assert names[0] == "tiny@temperature-0.05_x-y"
    assert names[2] == "tiny_x-y"


def test_training_languages_of_an_ablation(ablated):
    systems = variants.ablation_systems(built(ablated))
    for name, languages in (
        ("tiny_hybrid", ["en", "es", "pt", "eo"]),
        ("tiny@languages-2_hybrid", ["en", "es"]),
        ("tiny@without-pt_hybrid", ["en", "es", "eo"]),
        ("tiny@pairs-0.5_hybrid", ["en", "es", "pt", "eo"]),
    ):
        assert variants.system_languages(built(ablated), "films", systems[name]) == languages


def test_points_beyond_narrowed_target_languages_are_left_out_and_named(ablated):
    ablated["target_languages"] = ["es"]
    conf.validate(ablated)
    assert variants.unreachable_points(built(ablated)) == {
        "languages": [4],
        "unseen_languages": ["pt"],
    }
    names = [p.system.name for p in variants.ablation_points(built(ablated), "languages")]
    assert names == ["tiny_x-y", "tiny_hybrid"]  # two languages are all there are
    assert variants.ablation_points(built(ablated), "unseen_languages") == []


def test_a_language_is_left_out_only_if_two_others_stay(ablated):
    ablated["target_languages"] = ["pt"]
    assert variants.unreachable_points(built(ablated))["unseen_languages"] == ["pt"]
    ablated["target_languages"] = ["pt", "eo"]
    assert variants.unreachable_points(built(ablated))["unseen_languages"] == []
    # A language that no corpus is trained on is no point, either.
    for corpus in ablated["catalogue"]["corpora"].values():
        corpus["languages"] = ["eo", "es"]
    assert variants.unreachable_points(built(ablated))["unseen_languages"] == ["pt"]


def test_an_empty_list_is_no_ablation(ablated):
    for name in constants.ABLATIONS:
        ablated["ablations"][name] = []
    conf.validate(ablated)
    assert variants.ablation_systems(built(ablated)) == {}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("alpha", [1.5], "ablations.alpha.0: 1.5 must be at most 1"),
        ("alpha", [-0.1], "ablations.alpha.0: -0.1 must be at least 0"),
        ("data_size", [0], "ablations.data_size.0: 0 must be more than 0"),
        ("data_size", [1.1], "ablations.data_size.0: 1.1 must be at most 1"),
        ("languages", [1], "ablations.languages.0: 1 must be at least 2"),
        ("temperature", [0.0], "ablations.temperature.0: 0.0 must be more than 0"),
        ("batch_size", [1], "ablations.batch_size.0: 1 must be at least 2"),
        ("steps", [0], "ablations.steps.0: 0 must be at least 1"),
        ("corpus_weighting", [0], "ablations.corpus_weighting.0: 0 must be more than 0"),
        ("corpus_weighting", [1, 1.00000001], "ablations.corpus_weighting: two values print as 1"),
        ("unseen_languages", ["gl"], "ablations.unseen_languages: 'gl': apertium has no route to"),
        ("unseen_languages", ["en"], "ablations.unseen_languages: 'en': apertium has no route to"),
        ("unseen_languages", ["es"], "ablations.unseen_languages: 'es' is in none of ablations.b"),
        ("alpha", [0.5, 0.50000001], "ablations.alpha: two values print as 0.5"),
        (
            "encoders",
            ["tinny"],
            "ablations.encoders: 'tinny' is not in catalogue.encoders; did you m",
        ),
        (
            "benchmarks",
            ["quizz"],
            "ablations.benchmarks: 'quizz' is not in catalogue.benchmarks; did",
        ),
        (
            "lareqa",
            ["x-z"],
            "ablations.lareqa: 'x-z' is not in catalogue.samplings; did you mean x-y?",
        ),
    ],
)
def test_ablation_value_out_of_range_is_named(config, key, value, words):
    config["ablations"][key] = value
    if key == "benchmarks":
        config["ablations"]["unseen_languages"] = []
    assert only_problem(config).startswith(words)

"""Systems: an encoder with a sampling, its training values and its seeds."""

from pathlib import Path

import pytest
from configurations import built, only_problem
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.names import LAYER_SCALING, ONE_SAMPLING
from hybridbatch.experiment.outputs import ABLATIONS

ROOT = Path(__file__).parents[2]


def test_systems_are_every_encoder_with_every_sampling(config):
    config["encoders"], config["samplings"] = ["a", "b"], ["x-y", "hybrid"]
    assert list(variants.systems(built(config))) == ["a_x-y", "a_hybrid", "b_x-y", "b_hybrid"]


def test_training_is_overridden_by_the_encoder_and_alpha_is_for_hybrid(config):
    hybrid = variants.training_values(built(config), variants.System("large", "hybrid"))
    assert (hybrid["batch_size"], hybrid["max_steps"], hybrid["alpha"]) == (4, 10, 0.25)
    assert (
        variants.training_values(built(config), variants.System("tiny", "hybrid"))["batch_size"]
        == 8
    )
    # What does not use alpha must not be trained again when alpha changes.
    assert variants.training_values(built(config), variants.System("tiny", "x-y"))["alpha"] is None
    assert "training" not in variants.encoder_entry(built(config), "large")


def test_an_encoder_may_take_fewer_seeds(config):
    config["encoders"] = ["tiny", "large"]
    config["catalogue"]["encoders"]["large"]["seeds"] = 2
    for seeds in ([4, 0, 2], [7]):  # whatever the command line says
        config["seeds"] = seeds
        conf.validate(config)
        assert variants.seeds_of(built(config), variants.System("large", "x-y")) == seeds[:2]
        assert variants.seeds_of(built(config), variants.System("tiny", "x-y")) == seeds


def test_a_sampling_of_lareqa_alone_takes_the_first_seeds(config):
    config["seeds"], config["ablations"]["seeds"] = [4, 0, 2], 2
    config["samplings"], config["ablations"]["samplings"] = ["x-y"], ["x-x-mono"]
    config["ablations"]["lareqa"] = ["en-en", "x-x-mono", "x-y"]
    experiment = built(config)
    found = {
        sampling: variants.seeds_of(experiment, variants.System("tiny", sampling))
        for sampling in config["ablations"]["lareqa"]
    }
    # The tables compare x-y, and the other ablations x-x-mono.
    assert found == {"en-en": [4, 0], "x-x-mono": [4, 0, 2], "x-y": [4, 0, 2]}
    # The ends of alpha, where nothing else has their samplings.
    config["samplings"] = config["ablations"]["samplings"] = ["hybrid"]
    config["ablations"]["alpha"], config["ablations"]["lareqa"] = [0, 1], []
    experiment = built(config)
    ends = [point.system for point in variants.ablation_points(experiment, "alpha")]
    assert [variants.seeds_of(experiment, system) for system in ends] == [[4, 0]] * 2


@pytest.mark.parametrize("name", ["config", "demo", "paper", "pretrained", "layers"])
def test_systems_that_are_compared_have_the_same_seeds(name):
    experiment = conf.load([ROOT / f"config/{name}.yaml"], catalogue=ROOT / "config/catalogue.yaml")
    tables = variants.systems(experiment)
    known = tables | variants.ablation_systems(experiment)
    asked = {(encoder, of) for encoder in experiment.encoders for of in experiment.benchmarks}
    for ablation in set(ABLATIONS) - {*ONE_SAMPLING, LAYER_SCALING}:
        asked |= {
            (point.system.variant, benchmark)
            for point in variants.ablation_points(experiment, ablation)
            for benchmark in variants.ablation_benchmarks(experiment, ablation)
        }
    for variant, benchmark in asked:
        found = variants.compared_systems(experiment, known, variant, benchmark)
        trained = [system for system in found if system.trained]
        assert len(trained) > 1
        seeds = [variants.seeds_of(experiment, system) for system in trained]
        assert seeds == [seeds[0]] * len(seeds), (variant, benchmark)
        # Those that only alpha or lareqa have stand in no comparison.
        samplings = {*experiment.samplings, *experiment.ablations.samplings}
        assert {system.sampling for system in found} <= samplings
        if variant in experiment.encoders and benchmark in experiment.benchmarks:
            assert found == [system for system in tables.values() if system.encoder == variant]


def test_a_changed_setting_takes_the_first_seeds(config):
    config["seeds"], config["ablations"]["seeds"] = [4, 0, 2], 2
    experiment = built(config)
    assert variants.seeds_of(experiment, variants.System("tiny", "x-y", "temperature", 0.1)) == [
        4,
        0,
    ]
    # The tables compare this one, and so with all seeds.
    assert variants.seeds_of(experiment, variants.System("tiny", "x-y")) == [4, 0, 2]
    config["catalogue"]["encoders"]["large"]["seeds"] = 0
    assert only_problem(config).startswith("catalogue.encoders.large.seeds: 0 must be at least 1")

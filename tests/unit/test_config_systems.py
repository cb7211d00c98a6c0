"""Systems: an encoder with a sampling, its training values and its seeds."""

from configurations import built, only_problem
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import systems as variants


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

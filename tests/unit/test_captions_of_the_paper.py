"""config/captions.yaml: the paper's text towers on photographs, as far as files and costs go."""

from pathlib import Path

import pytest
import yaml

from hybridbatch.cost.rules import images
from hybridbatch.cost.stages import cost_of
from hybridbatch.cost.work import Work, read_rates, read_work
from hybridbatch.experiment import image_systems, lookups
from hybridbatch.experiment.load import load

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "config/paper.yaml", ROOT / "config/captions.yaml"]
PLACE = {"tower": "hybrid", "seed": "0", "split": "0", "image_system": "hybrid_en-en"}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return read_work(load(FILES), read_rates(), "h100", tmp_path_factory.mktemp("results"))


def test_it_changes_nothing_of_the_paper_s_tables():
    values = yaml.safe_load(FILES[1].read_text(encoding="utf-8"))
    assert set(values) == {"image_text", "catalogue"}
    assert set(values["catalogue"]) == {"encoders"}
    assert not set(values["catalogue"]["encoders"]) & set(load(FILES[:1]).encoders)


def test_the_text_towers_are_systems_of_the_paper_and_its_translator_translates(work):
    config = work.experiment
    assert config.image_text.text_towers == ["x-x-mono", "x-y", "hybrid"]
    assert image_systems.encoder(config).base in load(FILES[:1]).encoders
    assert set(lookups.caption_targets(config)) == set(config.target_languages)
    assert len(image_systems.systems(config)) == 3 * 2 + 1  # with the control


@pytest.mark.parametrize("rule", ["embed_images", "evaluate_images", "read_captions"])
def test_every_benchmark_has_a_cost(work, rule):
    for benchmark in work.experiment.image_text.benchmarks:
        assert cost_of(work, rule, PLACE | {"benchmark": benchmark}).seconds.high > 0


def test_an_image_has_the_patches_of_its_model(work):
    """ViT-B/32 takes 49 patches and a token: 4.4 billion multiplications of weights and inputs."""
    vision = image_systems.encoder(work.experiment)
    assert images._image_flops(work, vision) == pytest.approx(8.6e9, rel=0.02)


def test_the_files_of_images_are_read_once_for_each_language(work):
    sizes = work.collections("xm3600")
    cost = cost_of(work, "read_captions", PLACE | {"benchmark": "xm3600"})
    held = 500e3 * max(of.candidates for of in sizes.values())
    assert cost.seconds.low > len(sizes) * held / work.rates.rate("read_bytes").high


def test_a_head_on_frozen_towers_takes_hours_at_most(work):
    for rule in ("prepare_towers", "finetune_images"):
        cost = cost_of(work, rule, PLACE)
        assert 0 < cost.seconds.high < 12 * 3600

"""What jobs with images cost, and the requests that follow."""

from pathlib import Path

import pytest
from transformers import ResNetModel

from hybridbatch.cost.requests import of_job
from hybridbatch.cost.stages import STAGES, cost_of
from hybridbatch.cost.work import NO_GPU, Work, read_rates, read_work
from hybridbatch.encoders.image_towers import image_tower
from hybridbatch.experiment.load import load

ROOT = Path(__file__).parents[2]
SYSTEM = {"image_system": "hybrid_hybrid", "split": "0", "seed": "0", "benchmark": "emoji"}
JOBS = {
    "prepare_towers": {"tower": "hybrid", "seed": "0"},
    "embed_images": {"benchmark": "emoji"},
    "finetune_images": SYSTEM,
    "evaluate_images": SYSTEM,
}


def work(tmp_path: Path, changes: str = "", gpu: str = NO_GPU) -> Work:
    files = [ROOT / "config/config.yaml"]
    if changes:
        files.append(tmp_path / "mine.yaml")
        files[-1].write_text(changes, encoding="utf-8")
    return read_work(load(files), read_rates(), gpu, tmp_path)


@pytest.mark.parametrize("widths", [[8], [16, 32, 64], [32, 32]])
def test_the_small_network_has_the_models_parameters(widths, tmp_path):
    changes = f"catalogue: {{encoders: {{static_cnn: {{image: {{widths: {widths}}}}}}}}}"
    entry = work(tmp_path, changes).encoder("static_cnn").image
    network = image_tower(entry.plain(), [])[0].model
    assert isinstance(network, ResNetModel)
    assert entry.parameters == sum(p.numel() for p in network.parameters())


def test_the_plan_reckons_with_coco_s_published_sizes():
    # Of captions_train2014.json; captions_val2014.json has 40,504 and 202,654, both 616,767.
    sizes = read_rates().corpora["coco_captions"]
    assert (sizes.pairs, sizes.questions) == (82_783, 414_113)
    assert 616_767 - sizes.questions == 202_654


def test_a_pass_is_two_flops_a_product():
    """One stage of 8 channels: 16 x 16 outputs of 7 x 7 x 3, then 8 x 8 of two of 3 x 3 x 8."""
    entry = load([ROOT / "config/config.yaml"]).catalogue.encoders["static_cnn"].image
    small = entry.model_copy(update={"size": 32, "widths": [8]})
    assert small.flops == 2 * (256 * 147 * 8 + 64 * 8 * (72 + 72))


def test_every_job_of_towers_has_a_cost_on_one_core(tmp_path):
    assert {*JOBS} == {*STAGES["towers"]}
    for rule, wildcards in JOBS.items():
        asked = of_job(work(tmp_path), rule, wildcards)
        assert asked.unknown == ""
        assert (asked.threads, asked.gpu()) == (1, 0)
        assert 500 < asked.mem_mb() < 4000


def test_a_training_with_a_teacher_has_a_cost(tmp_path):
    """The teacher's vectors are the inputs of texts, which cost what they did."""
    changes = """
image_text: {training: {loss: {contrastive: 0.5, distillation: 1.0, student: candidate}}}
catalogue: {encoders: {static_cnn: {dimension: 256, text: {head: false}}}}
"""
    taught = work(tmp_path, changes)
    for rule, wildcards in JOBS.items():
        assert of_job(taught, rule, wildcards).unknown == ""
        assert cost_of(taught, rule, wildcards).seconds.high > 0


def test_the_images_of_one_language_are_held_however_many_there_are(tmp_path):
    """3,600 photographs of 500 kB; 36 languages add their captions alone."""
    one, all_ = (
        cost_of(
            work(tmp_path, f"catalogue: {{benchmarks: {{xm3600: {{{languages}}}}}}}"),
            "read_captions",
            {"benchmark": "xm3600", "split": "0"},
        ).memory
        for languages in ("languages: [en]", "")
    )
    assert 3 * 3600 * 500_000 < one < all_ < 1.1 * one


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ("image_text: {training: {max_steps: 400, patience: 50}}", "finetune_images"),
        ("image_text: {training: {batch_size: 512}}", "finetune_images"),
        ("image_text: {seeds: 5}", "evaluate_images"),
        ("catalogue: {encoders: {static_cnn: {image: {size: 128}}}}", "finetune_images"),
        ("catalogue: {encoders: {static_cnn: {text: {trained: true}}}}", "finetune_images"),
    ],
)
def test_more_work_takes_longer(tmp_path, changes, rule):
    less, more = (cost_of(work(tmp_path, c), rule, JOBS[rule]) for c in ("", changes))
    assert more.seconds.high > less.seconds.high
    assert more.memory >= less.memory


def test_pretrained_towers_take_a_gpu_and_a_frozen_one_is_not_passed_in_training(tmp_path):
    tower = "{kind: transformer, model: FacebookAI/xlm-roberta-base, revision: " + 40 * "a"
    tower += ", pooling: published, trained: TRAINED, head: true}"
    changes = f"catalogue: {{encoders: {{static_cnn: {{image: {tower}}}}}}}"
    trained, frozen = (
        work(tmp_path, changes.replace("TRAINED", value), "h100") for value in ("true", "false")
    )
    costs = [cost_of(of, "finetune_images", SYSTEM) for of in (trained, frozen)]
    assert all(cost.on_gpu for cost in costs)
    assert costs[0].flops > 0 == costs[1].flops
    costs = [cost_of(of, "embed_images", {"benchmark": "emoji"}) for of in (trained, frozen)]
    assert costs[1].flops > 0 == costs[0].flops
    assert of_job(frozen, "embed_images", {"benchmark": "emoji"}).gpu() == 1

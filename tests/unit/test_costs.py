"""Parameters, operations and hours: the parts of every cost."""

from dataclasses import replace

import pytest
from costs import ENCODER, MORE, TINY

from hybridbatch.cost.model import Cost, Rate, Shape, Span, generation, hours
from hybridbatch.cost.work import read_rates


def test_parameters():
    assert (TINY.encoder_parameters, TINY.decoder_parameters) == (256, 384)
    assert TINY.parameters == 256 + 384 + 40 + MORE
    assert ENCODER.parameters == 256 + 40 + MORE
    assert Shape(0, 0, 4, 0, 10, "made up").parameters == 40  # the mean of token embeddings
    # Three heads of one dimension: 4 x 4 x 3 weights and 3 x 3 + 4 biases of attention.
    narrow = replace(ENCODER, attention=3, positions=7, token_types=2, pooler=True)
    layer = 4 * 4 * 3 + 3 * 3 + 4 + 2 * 32 + 8 + 4 + 16
    assert narrow.layer_parameters == layer
    assert narrow.parameters == 4 * (10 + 7 + 2) + 2 * layer + 8 + 20


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("FacebookAI/xlm-roberta-base", 278_043_648),
        ("FacebookAI/xlm-roberta-large", 559_890_432),
        ("sentence-transformers/LaBSE", 470_926_848),
        ("intfloat/multilingual-e5-small", 117_653_760),
    ],
)
def test_shipped_encoders_have_the_models_parameters(model, published):
    assert read_rates().models[model].parameters == published


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("facebook/xlm-roberta-xl", 3.48e9),
        ("facebook/xlm-roberta-xxl", 10.7e9),
        ("facebook/nllb-200-1.3B", 1_370_638_336),
        ("facebook/m2m100_418M", 483_905_536),
    ],
)
def test_shipped_shapes_have_about_the_models_parameters(model, published):
    # A decoder's biases and norms are left out; two of the published numbers are round.
    assert read_rates().models[model].parameters == pytest.approx(published, rel=0.005)


def test_forward_pass_is_two_flops_a_parameter_and_token_and_attention():
    # Attention: scores and weighted sum, 2 x 2 x width FLOPs a layer and token attended to.
    assert TINY.forward(10, 5) == 10 * (2 * 256 + 2 * 4 * 4 * 5)


def test_mean_of_embeddings_is_an_addition_a_number():
    assert Shape(0, 0, 4, 0, 10, "made up").forward(10, 5) == 40


def test_generation_counts_every_beam_and_projects_the_source_once():
    source, target, beams = 3, 6, 2
    encoder = 3 * (2 * 256 + 2 * 4 * 4 * 3)
    keys_and_values = 3 * 2 * (2 * 2 * 16)
    # Without those 64 parameters, with the output's 40; attends to 3 and on average 3 more.
    decoder = 6 * (2 * (384 - 64 + 40) + 2 * 4 * 4 * (3 + 3))
    assert generation(TINY, source, target, beams) == encoder + 2 * (keys_and_values + decoder)


def test_slow_rates_make_the_high_end():
    assert Rate(2, 4, "made up").seconds(8) == Span(2, 4)
    assert Rate(0.25, 0.5, "made up").seconds(8, unit=2) == Span(8, 16)


@pytest.mark.parametrize(
    ("seconds", "devices", "longest"),
    [
        ([1, 1, 1, 1, 1, 1], 8, 1),  # six jobs leave two of eight devices idle
        ([1] * 10, 8, 2),
        ([3, 3, 2, 2, 2], 2, 7),  # 3 2 2 | 3 2: the longest first is not always the best
        ([5, 1, 1, 1], 2, 5),
        ([], 4, 0),
    ],
)
def test_jobs_wait_for_devices(seconds, devices, longest):
    jobs = [Cost(Span(s, 2 * s), on_gpu=True) for s in seconds]
    assert hours(jobs, devices, 1) == Span(longest / 3600, 2 * longest / 3600)


def test_gpus_and_cores_work_side_by_side():
    jobs = [Cost(Span(3600, 3600), on_gpu=True), *[Cost(Span(3600, 3600))] * 3]
    assert hours(jobs, 1, 1) == Span(3, 3)
    assert hours(jobs, 1, 3) == Span(1, 1)

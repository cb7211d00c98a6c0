"""A plan's rates measured on this machine, and a plan for a machine without a GPU."""

import pytest
from pretrained import tiny_transformer

from hybridbatch.cost import measure as module
from hybridbatch.cost.measure import Measured, measure_all
from hybridbatch.cost.page import plan_text
from hybridbatch.cost.plan import Job, plan
from hybridbatch.cost.work import NO_GPU, read_rates, read_work
from hybridbatch.experiment.load import load
from hybridbatch.experiment.systems import layer_points

TINY = (
    "catalogue={encoders: {tiny: {kind: scratch, layers: 1, heads: 2, dimension: 16,"
    " feed_forward: 32, dropout: 0.0, vocabulary: 400, tokenizer_characters: 20000,"
    " max_tokens: 32, query_prefix: 'Query: ', passage_prefix: 'Passage: '}}}"
)
SYSTEM = {"system": "tiny_hybrid"}
JOBS = [
    Job("finetune", SYSTEM | {"seed": "0"}),
    Job("encode", SYSTEM | {"seed": "0", "benchmark": "bundled", "language": "en"}),
]


@pytest.fixture(scope="module")
def work():
    options = [TINY, "encoders=[tiny]", "training={batch_size: 16}"]
    return read_work(load(["config/demo.yaml"], options), read_rates(), NO_GPU)


def test_measured_rates_give_the_plan_the_measured_time(work, monkeypatch):
    """Of the texts that were measured, the plan has the seconds that were measured."""
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    (found,) = measure_all(work, JOBS)
    assert found.encoder == "tiny"
    # The validation of few pairs aside, steps of the bundled corpus take what they were timed at.
    training = {"batch_size": 16, "gradient_checkpointing": False}
    flops = module._step_flops(work, "tiny", training)
    span = work.training_seconds("tiny", flops, 16)
    assert span.low <= 16 / found.pairs <= span.high
    words = work.rates.corpora["bundled"].passage_words
    length = work.rates.tokens_of(words, 32)
    span = work.encoding_seconds("tiny", work.shape("tiny", "candidate").forward(length, length))
    assert span.low <= 1 / found.texts <= span.high
    page = plan_text(plan(work, JOBS), work.rates, ["mine.yaml"], [found])
    assert f"tiny trains {found.pairs:.3g} pairs and encodes {found.texts:.3g}" in page
    assert "only the encoders' first steps were run" in page
    assert "No stage takes a GPU." in page


def test_a_pretrained_encoder_with_adapters_is_measured_before_its_schedules_are_planned(
    tmp_path, monkeypatch
):
    """As the shipped schedules on multilingual-e5-small, from a local folder of a tiny model."""
    monkeypatch.setattr(module, "_SECONDS", 0.1)
    tiny_transformer(tmp_path / "tiny")
    options = [
        f"catalogue={{encoders: {{e5-small: {{model: {tmp_path / 'tiny'}, revision: null, "
        "max_tokens: 32}}}",
        "training={batch_size: 4, trainable: {kind: lora, budget: 4, schedule: rising, scale: 2}}",
    ]
    files = ["config/pretrained.yaml", "config/layer_schedules.yaml"]
    experiment = load(files, options)
    work = read_work(experiment, read_rates(), NO_GPU)
    table = [Job("finetune", {"system": "e5-small_hybrid", "seed": "0"})]
    points = [Job("finetune", {"system": point.system.name, "seed": "0"})
              for point in layer_points(experiment)]  # fmt: skip
    assumed = plan(work, table, points)
    (found,) = measure_all(work, [*table, *points])
    assert found.encoder == "e5-small"
    assert min(found.pairs, found.texts) > 0
    shown = plan(work, table, points)
    assert shown.ablations[0].hours_1 != assumed.ablations[0].hours_1
    assert shown.rows[0].hours_1 != assumed.rows[0].hours_1
    page = plan_text(shown, work.rates, files, [found])
    assert f"e5-small trains {found.pairs:.3g} pairs and encodes {found.texts:.3g}" in page
    assert "`snakemake ablations` adds 6 models:" in page


def test_the_page_says_that_towers_of_images_are_not_measured():
    work = read_work(load(["config/demo.yaml"]), read_rates(), NO_GPU)
    trained = Job("finetune", {"system": "static_hybrid", "seed": "0"})
    towers = Job("finetune_images", {"image_system": "hybrid_en-en", "split": "0", "seed": "0"})
    found = [Measured("static", "2 threads of this machine", 1.0, 1.0)]
    for tables, ablations, said in (
        ([trained], [], False),
        ([trained, towers], [], True),
        ([trained], [towers], True),
    ):
        page = plan_text(plan(work, tables, ablations), work.rates, ["mine.yaml"], found)
        assert ("Not measured: the towers of `image_text`" in page) == said
    assert "Not measured: the towers" not in plan_text(plan(work, [towers]), work.rates, ["mine"])


def test_without_a_gpu_everything_runs_on_cores():
    """Also pretrained encoders, which use a GPU where there is one."""
    experiment = load(["config/pretrained.yaml"], [])
    job = Job("finetune", {"system": "e5-small_hybrid", "seed": "0"})
    shown = plan(read_work(experiment, read_rates(), NO_GPU), [job])
    assert [row.on_gpu for row in shown.rows] == [False]
    assert shown.largest[0].gpu_memory == 0
    with_gpu = plan(read_work(experiment, read_rates(), "h100"), [job])
    assert [row.on_gpu for row in with_gpu.rows] == [True]
    assert shown.rows[0].flops == with_gpu.rows[0].flops
    # On one core: the FLOPs over the rate of cores, beside what the start of a job takes.
    rate, start = read_rates().rate("cpu_flops"), read_rates().seconds_of("start")
    assert shown.rows[0].hours_1.high == pytest.approx(
        (shown.rows[0].flops / rate.low + start.high) / 3600
    )

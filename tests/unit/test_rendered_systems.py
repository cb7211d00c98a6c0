"""Encoders of rendered passages in a configuration: text towers, shared images, what is refused."""

from pathlib import Path

import pytest

from hybridbatch.cost.requests import of_job
from hybridbatch.cost.stages import cost_of
from hybridbatch.cost.work import NO_GPU, Work, read_rates, read_work
from hybridbatch.experiment import inputs, lookups, outputs
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "config/config.yaml", ROOT / "config/rendered.yaml"]


def loaded(tmp_path: Path, changes: str = "") -> Experiment:
    """The shipped configuration with changes laid over it."""
    (tmp_path / "mine.yaml").write_text(changes or "{}", encoding="utf-8")
    return load([*FILES, tmp_path / "mine.yaml"], catalogue=ROOT / "config/catalogue.yaml")


def of_visual(changes: str) -> str:
    return f"catalogue: {{encoders: {{visual: {{{changes}}}}}}}"


def of_table(changes: str) -> str:
    return f"catalogue: {{benchmarks: {{xquad_r_images: {{{changes}}}}}}}"


def test_the_text_tower_is_the_system_of_the_same_sampling(tmp_path):
    config = loaded(tmp_path, "ablations: {alpha: [0.3], seeds: 1, benchmarks: [xquad_r_images]}")
    assert {
        name: variants.tower_of(config, system).name
        for name, system in variants.systems(config).items()
    } == {
        f"{encoder}_{sampling}": f"static_{sampling}"
        for encoder in ("visual", "visual_distilled")
        for sampling in ("x-x-mono", "x-y", "hybrid")
    }
    assert "static@alpha-0.3_hybrid" in variants.tower_systems(config)
    texts = load([FILES[0]], catalogue=ROOT / "config/catalogue.yaml")
    assert variants.tower_systems(texts) == {}
    of_text = variants.systems(texts)["static_x-y"]
    assert variants.tower_of(texts, of_text) is None
    # The text towers are those of the configuration below: nothing is trained again.
    assert variants.training_values(config, of_text) == variants.training_values(texts, of_text)


def test_the_sentences_of_rendered_benchmarks_are_those_of_the_tables_as_texts(tmp_path):
    """Not those of `xquad_r_seen`, which has the same files in two languages."""
    found = lookups.benchmarks_of_texts(loaded(tmp_path))
    assert "xquad_r_seen" in loaded(tmp_path).catalogue.benchmarks
    for name in ("images", "shifted", "resized", "noisy", "serif"):
        assert found.pop(f"xquad_r_{name}") == "xquad_r"
        assert found.pop(f"mlqa_r_{name}") == "mlqa_r"
    assert found == {}


def test_an_image_has_the_patches_of_its_vision_model(tmp_path):
    clip = VISION.replace("FacebookAI/xlm-roberta-base", "openai/clip-vit-base-patch32")
    changes = of_visual(f"image: {clip.replace('TRAINED', 'false')}")
    work = read_work(loaded(tmp_path, changes), read_rates(), NO_GPU, tmp_path)
    assert work.image_numbers("visual", words=3.0) == work.image_numbers("visual", words=30.0) == 50
    # One of the other encoder: six letters a word, each with n-grams of four lengths.
    assert work.image_numbers("visual_distilled", words=3.0) == 72


def test_encoders_that_differ_in_training_alone_share_their_images(tmp_path):
    assert variants.images_of(loaded(tmp_path), "visual_distilled") == "visual"
    for other in ("height: 40", "image: {ngrams: 2}", "perturbation: {shift: 1}"):
        assert variants.images_of(loaded(tmp_path, of_visual(other)), "visual_distilled") == (
            "visual_distilled"
        )


def test_a_table_has_the_benchmarks_beside_its_own(tmp_path):
    config = loaded(tmp_path)
    names = lookups.benchmarks_of_table(config, "xquad_r_images")
    assert names[:2] == ["xquad_r_images", "xquad_r"]
    assert lookups.benchmarks_of_table(config, "xquad_r") == ["xquad_r"]
    part = outputs.part_for(config, "xquad_r_images")
    assert {*part["catalogue"]["benchmarks"]} == {*names}
    assert {*part["catalogue"]["encoders"]} == {"visual", "visual_distilled", "static"}
    assert {"xquad_r", "squadshifts"} == {*part["catalogue"]["sources"]}
    read = {named.file.name for named in inputs.selected(config)}
    assert "/usr/share/fonts/truetype/noto/NotoSerif-Regular.ttf" in read


def test_a_font_that_is_not_there_is_named_with_its_package(tmp_path):
    font = tmp_path / "NotoSansNowhere-Regular.ttf"
    config = loaded(tmp_path, of_visual(f"fonts: ['{font}']"))
    named = [n for n in inputs.selected(config) if n.file.name == str(font)]
    (found,) = named
    assert found.key == "catalogue.encoders.visual.fonts.NotoSansNowhere-Regular.ttf"
    assert found.otherwise == " Type: apt-get install fonts-noto-core"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            of_visual("text: statc"),
            r"visual\.text: 'statc' is not in catalogue\.encoders; did you mean static",
        ),
        (of_visual("text: visual_distilled"), r"visual\.text: .* is no encoder of texts"),
        (of_visual("dimension: 128"), r"visual\.dimension: 128, and that of 'static' is 256"),
        (
            of_visual("image: {dimension: 64}"),
            r"image\.dimension: 64, and that of the common space",
        ),
        (of_visual("image: {codebook: 50001}"), r"image\.codebook: 50001 must be at most 50000"),
        (
            of_visual("max_tokens: 64"),
            r"visual\.max_tokens: 64, and that of 'static' is 256; give both the same",
        ),
        (
            of_visual(
                "image: {kind: transformer, model: eye, pooling: mean, trained: false, head: false}"
            ),
            r"visual\.image: is frozen and has no head",
        ),
        (
            "catalogue: {encoders: {static: {seeds: 2}}}",
            r"visual\.seeds: more than the 2 of its text towers, 'static'; set it to 2",
        ),
        (
            of_visual("training: {loss: {student: query}}"),
            r"visual\.training\.loss\.student: 'query', and visual trains the tower of images",
        ),
        (
            of_visual("training: {loss: {clustering: 1.0}}"),
            r"visual\.training\.loss\.clustering: the text tower of visual is frozen",
        ),
        (
            "catalogue: {encoders: {static: {training: {loss: {directions: queries, temperature: "
            "fixed, contrastive: 1.0, distillation: 1.0, student: candidate}}}}}",
            r"static\.training\.loss\.distillation: must be 0, as no teacher's vectors are made",
        ),
        (
            of_table("beside: [xquad_r_serf]"),
            r"beside: 'xquad_r_serf' is not in catalogue.benchmarks",
        ),
        (of_table("beside: [xquad_r_images]"), r"beside: 'xquad_r_images' is its own table"),
        (of_table("beside: [emoji]"), r"beside: 'emoji' is no parallel benchmark"),
        (of_table("beside: [bundled]"), r"beside: 'bundled' has other (files|languages)"),
        (of_table("languages: [en, es]"), r"beside: 'xquad_r' has other languages \(ar, de"),
        ("encoders: [static, visual]", r"'xquad_r_images' are of modality image.*'static'"),
        ("benchmarks: [xquad_r]", r"'xquad_r' are of modality text, and the encoder 'visual'"),
    ],
)
def test_what_cannot_be_is_named_with_its_key(changes, problem, tmp_path):
    with pytest.raises(ConfigError, match=problem):
        loaded(tmp_path, changes)


def test_one_wrong_key_of_a_text_tower_is_named_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, of_visual("max_tokens: 64"))
    assert str(caught.value).count("visual.max_tokens") == 1


def test_texts_of_other_files_are_not_beside(tmp_path):
    other = (
        "catalogue: {benchmarks: {other: {title: O, kind: lareqa, source: mlqa_r, "
        'file: "{language}.json", languages: [en, es]}, '
        "xquad_r_images: {languages: [en, es], beside: [other]}}}"
    )
    with pytest.raises(ConfigError, match=r"beside: 'other' has other files"):
        loaded(tmp_path, other)


def test_every_job_has_a_cost_on_one_core(tmp_path):
    work = read_work(loaded(tmp_path), read_rates(), NO_GPU, tmp_path)
    pairs = {"encoder": "visual", "corpus": "squadshifts_new_wiki", "language": "es"}
    system = {"system": "visual_hybrid", "seed": "0"}
    tested = system | {"benchmark": "xquad_r_images", "language": "es"}
    asked = {}
    for rule, wildcards in {
        "prepare_rendered": pairs, "render_pairs": pairs, "render_validation": pairs,
        "finetune_rendered": system, "encode_rendered": tested, "read_benchmark": tested,
        "prepare_candidates": tested | {"encoder": "visual"},
    }.items():  # fmt: skip
        asked[rule] = of_job(work, rule, wildcards)
        assert asked[rule].unknown == "", rule
        assert (asked[rule].threads, asked[rule].gpu()) == (1, 0)
        assert 400 < asked[rule].mem_mb() < 8000, rule
    texts = {"system": "static_hybrid", "seed": "0"} | {"benchmark": "xquad_r", "language": "es"}
    assert asked["encode_rendered"].mem_mb() > of_job(work, "encode", texts).mem_mb()


VISION = "{kind: transformer, model: FacebookAI/xlm-roberta-base, revision: " + 40 * "a"
VISION += ", pooling: published, trained: TRAINED, head: true}"
LOOKING = {
    "prepare_candidates": {"encoder": "visual", "benchmark": "xquad_r_images", "language": "es"},
    "render_pairs": {"encoder": "visual", "corpus": "squadshifts_new_wiki", "language": "es"},
    "render_validation": {"encoder": "visual", "corpus": "squadshifts_new_wiki"},
}
ENCODING = {"system": "visual_hybrid", "seed": "0", "benchmark": "xquad_r_images", "language": "es"}


def with_tower(tmp_path: Path, trained: str, changes: str = "") -> Work:
    tower = of_visual(f"image: {VISION.replace('TRAINED', trained)}")
    return read_work(loaded(tmp_path, tower + changes), read_rates(), "h100", tmp_path)


def test_a_frozen_image_tower_takes_a_gpu_once_and_a_trained_one_for_every_system(tmp_path):
    frozen, trained = (with_tower(tmp_path, value) for value in ("false", "true"))
    for rule, wildcards in LOOKING.items():
        once, kept = (cost_of(work, rule, wildcards) for work in (frozen, trained))
        assert (once.on_gpu, kept.on_gpu) == (True, False), rule
        assert min(once.flops, once.gpu_memory) > 0, rule
        assert kept.flops == kept.gpu_memory == 0, rule
        assert once.disk < kept.disk, "vectors take less room than images"
    once, each = (cost_of(work, "encode_rendered", ENCODING) for work in (frozen, trained))
    assert (once.on_gpu, each.on_gpu) == (False, True)  # the text tower is a table
    assert each.flops > 100 * once.flops
    # All patches of an image pass, however few words it has.
    candidates = trained.collections("xquad_r_images")["es"].candidates
    shape = trained.shape("visual", "candidate")
    assert each.flops >= shape.forward(257 * candidates, 257)
    texts = cost_of(trained, "encode", ENCODING | {"system": "static_hybrid"})
    assert not texts.on_gpu
    of_system = {"system": "visual_hybrid", "seed": "0"}
    once, each = (cost_of(work, "finetune_rendered", of_system) for work in (frozen, trained))
    assert once.flops == 0 < each.flops
    assert once.gpu_memory < each.gpu_memory
    assert {cost.threads for cost in (once, each)} == {8}  # the tower is pretrained


@pytest.mark.parametrize("trained", ["false", "true"])
def test_jobs_of_unknown_size_ask_for_the_device_that_they_use(tmp_path, trained):
    work = with_tower(tmp_path, trained)
    del work.rates.models["FacebookAI/xlm-roberta-base"]
    for rule, wildcards in LOOKING.items():
        asked = of_job(work, rule, wildcards)
        assert "FacebookAI/xlm-roberta-base" in asked.unknown, rule
        assert asked.gpu() == (trained == "false"), rule
    assert of_job(work, "encode_rendered", ENCODING).gpu() == (trained == "true")


def test_the_card_names_the_text_tower(tmp_path):
    config = loaded(tmp_path)
    facts = variants.card_facts(config, variants.systems(config)["visual_x-y"])
    assert facts["base"] == (
        "Text tower, frozen: the system static_x-y. Image tower: visual_words."
    )

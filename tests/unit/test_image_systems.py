"""The section `image_text`: towers, systems, languages, training values, and what is refused."""

from pathlib import Path

import pytest
import yaml

from hybridbatch.experiment import image_systems, inputs, outputs
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.training.config import TrainConfig

ROOT = Path(__file__).parents[2]
OWN_LOSS = {"directions": "both", "temperature": "fixed", "contrastive": 1.0, "distillation": 0.0}


def loaded(tmp_path: Path, changes: str = "", name: str = "config") -> Experiment:
    """A shipped configuration with changes laid over it."""
    files = [ROOT / f"config/{name}.yaml"]
    if changes:
        files.append(tmp_path / "mine.yaml")
        files[-1].write_text(changes, encoding="utf-8")
    return load(files, catalogue=ROOT / "config/catalogue.yaml")


def test_the_laptop_trains_54_models_and_the_control(tmp_path):
    config = loaded(tmp_path)
    systems = image_systems.systems(config)
    assert list(systems) == [
        "x-x-mono_en-en", "x-x-mono_hybrid", "x-y_en-en", "x-y_hybrid", "hybrid_en-en",
        "hybrid_hybrid", "hybrid_shuffled",
    ]  # fmt: skip
    models = 6 * len(image_systems.seeds(config)) * len(image_systems.splits(config))
    assert models == 54
    assert [name for name, system in image_systems.towers(config).items() if system.trained] == [
        "x-x-mono", "x-y", "hybrid",
    ]  # fmt: skip
    assert {system.name for system in image_systems.towers(config).values()} == {
        "static_x-x-mono", "static_x-y", "static_hybrid",
    }  # fmt: skip


def test_the_table_names_the_pretrained_towers_that_are_not_run(tmp_path):
    config = loaded(tmp_path)
    for name in config.image_text.not_run:
        entry = config.catalogue.encoders[name]
        assert (entry.image.kind, entry.image.pooling) == ("transformer", "published")
    changes = "image_text: {encoder: static_clip, not_run: []}"
    clip = loaded(tmp_path, changes)
    keys = [of.key for of in inputs.selected(clip) if of.file.name == "weights/clip"]
    assert keys == ["catalogue.encoders.static_clip.image.model"]


def test_captions_say_which_languages_are_trained_on_and_how(tmp_path):
    config = loaded(tmp_path)
    assert image_systems.trained_languages(config, "en-en") == ["en"]
    languages = ["en", "ca", "es", "gl", "pt"]
    for captions in ("hybrid", "shuffled"):
        assert image_systems.trained_languages(config, captions) == languages
        values = image_systems.training_values(config, captions)
        assert (values["sampling"], values["alpha"]) == ("hybrid", 0.5)
        assert TrainConfig(**values).batch_size == 128
    assert image_systems.training_values(config, "en-en")["alpha"] is None
    own = "catalogue: {encoders: {static_cnn: {training: {max_steps: 7}}}}"
    assert image_systems.training_values(loaded(tmp_path, own), "en-en")["max_steps"] == 7


def test_towers_are_those_that_the_tables_have(tmp_path):
    fewer = loaded(tmp_path, "samplings: [hybrid]")
    assert list(image_systems.towers(fewer)) == ["hybrid"]
    assert image_systems.left_out(fewer) == ["x-x-mono", "x-y"]
    other = loaded(tmp_path, "encoders: [small_transformer]")
    assert not image_systems.is_made(other)
    assert image_systems.left_out(other) == ["x-x-mono", "x-y", "hybrid"]
    none = loaded(tmp_path, "image_text: null")
    assert image_systems.systems(none) == image_systems.towers(none) == {}
    assert image_systems.left_out(none) == []
    assert not image_systems.is_made(loaded(tmp_path, name="paper"))


def test_a_text_tower_may_be_a_model_of_its_own(tmp_path):
    (tmp_path / "e5").mkdir()
    config = loaded(
        tmp_path,
        f"""
image_text: {{encoder: mine, text_towers: [], control: false}}
catalogue:
  encoders:
    mine:
      kind: text_image
      dimension: 8
      text: {{kind: transformer, model: {tmp_path}/e5, pooling: mean, max_tokens: 32,
             trained: false, head: true}}
      image: {{kind: cnn, size: 32, widths: [8]}}
""",
    )
    assert image_systems.towers(config) == {"mine": None}
    assert list(image_systems.systems(config)) == ["mine_en-en", "mine_hybrid"]
    assert image_systems.text_seed(config, "mine", 2) == 2
    assert image_systems.known_languages(config) == []
    named = [of for of in inputs.selected(config) if of.key.startswith("catalogue.encoders.mine")]
    assert [(of.key, of.file.name) for of in named] == [
        ("catalogue.encoders.mine.text.model", f"{tmp_path}/e5")
    ]


def test_a_split_has_its_own_test_and_a_benchmark_without_splits_one(tmp_path):
    config = loaded(tmp_path, "image_text: {benchmarks: [emoji, xtd10]}")
    assert image_systems.tested_splits(config, "emoji") == [0, 1, 2]
    assert image_systems.tested_splits(config, "xtd10") == [0]
    files = image_systems.split_files(config, "emoji", 2)
    assert files["it"] == {
        "captions": "results/images/emoji/split2/captions.parquet",
        "images": "results/images/emoji/images.parquet",
    }
    xtd10 = image_systems.split_files(config, "xtd10", 0)
    assert xtd10["ja"]["images"] == "results/images/xtd10/images.parquet"
    keys = {of.key for of in inputs.selected(config)}
    assert {"catalogue.benchmarks.emoji.font", "catalogue.benchmarks.xtd10.names"} <= keys


def test_the_table_depends_on_the_section_and_the_others_do_not(tmp_path):
    config = loaded(tmp_path)
    part = outputs.part_for(config, "image_text")
    assert part["image_text"]["splits"] == 3
    assert {"emoji"} <= set(part["catalogue"]["benchmarks"])
    assert set(part["catalogue"]["encoders"]) == {"static", "static_cnn"}
    assert set(part["catalogue"]["samplings"]) == {"x-x-mono", "x-y", "hybrid", "en-en"}
    other = loaded(tmp_path, "image_text: {splits: 1}")
    assert outputs.part_for(other, "main") == outputs.part_for(config, "main")
    assert outputs.part_for(other, "claims") != outputs.part_for(config, "claims")
    assert outputs.part_for(other, "image_text") != part


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("{encoder: static}", "image_text.encoder: 'static' is of kind static, and one of kind"),
        (
            "{encoder: static_cmn}",
            "'static_cmn' is not in catalogue.encoders; did you mean static_cnn?",
        ),
        ("{text_towers: []}", "image_text.text_towers: [] must not be empty"),
        ("{text_towers: [hybird]}", "'hybird' is not in catalogue.samplings; did you mean hybrid?"),
        ("{not_run: [static_cnn]}", "not_run: 'static_cnn' is the section's encoder"),
        ("{not_run: [static]}", "image_text.not_run: 'static' is of kind static"),
        ("{not_run: [clip]}", "image_text.not_run: 'clip' is not in catalogue.encoders"),
        ("{captions: [zero-shot]}", "image_text.captions: 'zero-shot' trains nothing"),
        ("{languages: [es]}", "image_text.languages: 'en' is missing; validation is in English"),
        ("{languages: [en]}", "has one language, and hybrid mixes several"),
        ("{languages: [en, ast]}", "'emoji' has no captions in 'ast'"),
        ("{splits: 4}", "image_text.splits: 4, and 'emoji' has 3 splits"),
        ("{corpus: xtd10}", "image_text.splits: 3, and 'xtd10' has 0 splits"),
        ("{benchmarks: [xquad_r]}", "'xquad_r' is no benchmark of captions and images"),
        ("{benchmarks: [xquad_r_images]}", "is no benchmark of captions and images"),
        ("{training: {loss: {directions: up}}}", "directions: 'up' is not one of queries, both"),
        ("{training: {loss: {clustering: 0}}}", "loss.clustering: 0 must be more than 0"),
        ("{seeds: 0}", "image_text.seeds: 0 must be at least 1"),
    ],
)
def test_what_cannot_be_is_named(tmp_path, changes, message):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, yaml.safe_dump({"image_text": yaml.safe_load(changes)}))
    assert message in str(caught.value)


def test_texts_that_cannot_move_are_not_pushed_from_each_other(tmp_path):
    pushed = "{training: {loss: {clustering: 0.5}}}"
    loss = loaded(tmp_path, f"image_text: {pushed}").image_text.training.loss
    assert (loss.clustering, loss.contrastive) == (0.5, 1.0)
    frozen = {"dimension": 256, "text": {"head": False}}
    changes = {
        "image_text": yaml.safe_load(pushed),
        "catalogue": {"encoders": {"static_cnn": frozen}},
    }
    with pytest.raises(
        ConfigError,
        match=r"image_text\.training\.loss\.clustering: the text tower of static_cnn is frozen",
    ):
        loaded(tmp_path, yaml.safe_dump(changes))
    del changes["image_text"]
    frozen["training"] = {"loss": {**OWN_LOSS, "clustering": 1.0}}
    with pytest.raises(ConfigError, match=r"static_cnn\.training\.loss\.clustering: the text"):
        loaded(tmp_path, yaml.safe_dump(changes))


def distilled(loss: dict, text: dict, **image_text) -> str:
    """The laptop's configuration with a teacher; text: changes of the text tower."""
    tower = {"head": False} | text
    if not loss["contrastive"]:
        image_text = {"captions": ["en-en"]} | image_text
        loss = {"temperature": "fixed"} | loss
    changes = {
        "image_text": {"training": {"loss": {"distillation": 1.0, **loss}}, **image_text},
        "catalogue": {"encoders": {"static_cnn": {"dimension": 256, "text": tower}}},
    }
    return yaml.safe_dump(changes)


IMAGES_LEARN = {"contrastive": 0.0, "student": "candidate"}
TEXTS_LEARN = {"contrastive": 0.0, "student": "query"}


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (IMAGES_LEARN, {}),
        (IMAGES_LEARN | {"contrastive": 0.5}, {}),
        (IMAGES_LEARN | {"contrastive": 0.5}, {"head": True}),
        (TEXTS_LEARN | {"contrastive": 0.5}, {"head": True}),
    ],
)
def test_a_frozen_text_tower_is_the_teacher(tmp_path, loss, text):
    config = loaded(tmp_path, distilled(loss, text))
    values = TrainConfig(**image_systems.training_values(config, "en-en")).loss
    assert (values["distillation"], values["student"]) == (1.0, loss["student"])


@pytest.mark.parametrize(
    ("loss", "text", "message"),
    [
        (IMAGES_LEARN, {"trained": True}, "image_text.training.loss.distillation: the teacher is "
         "the text tower of static_cnn, which is trained and would move"),
        (IMAGES_LEARN, {"head": True}, "static_cnn.text.head: with a `contrastive` of 0 and the "
         "student candidate, nothing would train the texts' head"),
        (TEXTS_LEARN | {"contrastive": 1.0}, {}, "image_text.training.loss.student: 'query', and "
         "the text tower of static_cnn is frozen and has no head, so that it cannot learn"),
        (TEXTS_LEARN, {"head": True}, "static_cnn.image: with a `contrastive` of 0 and the student "
         "query, nothing would train the images' tower or head"),
        (TEXTS_LEARN, {"head": True}, "image_text.control: with a `contrastive` of 0 and the "
         "student query, no image enters the loss"),
    ],
)  # fmt: skip
def test_teachers_and_students_that_cannot_be_are_named(tmp_path, loss, text, message):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, distilled(loss, text))
    assert message in str(caught.value)


@pytest.mark.parametrize("captions", [["en-en", "hybrid"], ["hybrid"]])
def test_images_distilled_alone_know_no_captions_but_english_ones(tmp_path, captions):
    with pytest.raises(ConfigError, match=r"image_text\.captions: hybrid, and .* such as en-en"):
        loaded(tmp_path, distilled(IMAGES_LEARN, {}, captions=captions))
    english = yaml.safe_load(distilled(IMAGES_LEARN, {}, captions=["english"]))
    english["catalogue"]["samplings"] = {"english": {"kind": "en-en"}}
    assert loaded(tmp_path, yaml.safe_dump(english)).image_text.captions == ["english"]
    beside = IMAGES_LEARN | {"contrastive": 0.5}
    assert (
        loaded(tmp_path, distilled(beside, {}, captions=captions)).image_text.captions == captions
    )


def test_a_teacher_of_another_width_is_refused_where_the_width_is_known(tmp_path):
    changes = yaml.safe_load(distilled(IMAGES_LEARN | {"contrastive": 1.0}, {"head": True}))
    entry = changes["catalogue"]["encoders"]["static_cnn"]
    entry["dimension"] = 128
    with pytest.raises(
        ConfigError,
        match=r"static_cnn\.dimension: 128, and the vectors of the teacher, a system of 'static', "
        r"have 256; set it to 256",
    ):
        loaded(tmp_path, yaml.safe_dump(changes))
    # A loss of the encoder's own is named by its key.
    del changes["image_text"]
    entry["training"] = {"loss": {**OWN_LOSS, "distillation": 1.0, "student": "candidate"}}
    entry["text"]["trained"] = True
    with pytest.raises(ConfigError, match=r"static_cnn\.training\.loss\.distillation: the teacher"):
        loaded(tmp_path, yaml.safe_dump(changes))


@pytest.mark.parametrize("student", ["query", "candidate"])
def test_a_teacher_that_is_a_model_of_its_own(tmp_path, student):
    """Its width is not known from the configuration; pretrained images may stay as they are."""
    (tmp_path / "clip").mkdir()
    tower = {"kind": "transformer", "model": f"{tmp_path}/clip", "pooling": "published"}
    text = {"max_tokens": 77, "trained": False, "head": student == "query"}
    image = {"trained": False, "head": False}
    entry = {"kind": "text_image", "dimension": 512, "text": tower | text, "image": tower | image}
    loss = {"contrastive": 0.0, "distillation": 1.0, "student": student}
    changes = {
        "image_text": {"encoder": "mine", "text_towers": [], "control": False},
        "catalogue": {"encoders": {"mine": entry}},
    }
    changes["image_text"]["training"] = {"loss": loss}
    if student == "query":
        loaded(tmp_path, yaml.safe_dump(changes))
        return
    with pytest.raises(
        ConfigError, match="student: 'candidate', and the image tower of mine is frozen and has no"
    ):
        loaded(tmp_path, yaml.safe_dump(changes))
    image["head"] = True
    entry["image"] = tower | image
    changes["image_text"]["captions"] = ["en-en"]
    assert loaded(tmp_path, yaml.safe_dump(changes)).image_text.encoder == "mine"


def test_towers_of_which_nothing_is_trained_are_refused(tmp_path):
    image = {"trained": False, "head": False}
    clip = {"dimension": 256, "text": {"head": False}, "image": image}
    changes = {
        "image_text": {"encoder": "static_clip", "not_run": []},
        "catalogue": {"encoders": {"static_clip": clip}},
    }
    with pytest.raises(ConfigError, match=r"static_clip: both towers are frozen and have no head"):
        loaded(tmp_path, yaml.safe_dump(changes))
    image["head"] = True
    assert loaded(tmp_path, yaml.safe_dump(changes)).image_text.encoder == "static_clip"


@pytest.mark.parametrize(
    ("encoder", "message"),
    [("visual", "is of kind rendered"), ("nosuch", "'nosuch' is not in catalogue.encoders")],
)
def test_a_loss_beside_an_encoder_that_cannot_be_has_no_message(tmp_path, encoder, message):
    rendered = yaml.safe_load((ROOT / "config/rendered.yaml").read_text("utf-8"))
    visual = rendered["catalogue"]["encoders"]["visual"]
    changes = {
        "image_text": {"encoder": encoder, "training": {"loss": {"clustering": 0.5}}},
        "catalogue": {"encoders": {"visual": visual}},
    }
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, yaml.safe_dump(changes))
    assert message in str(caught.value)
    assert "clustering" not in str(caught.value)


def test_towers_and_emoji_that_cannot_be_are_named(tmp_path):
    with pytest.raises(
        ConfigError, match=r"text\.encoder: 'statics' is not in catalogue\.encoders"
    ):
        loaded(tmp_path, "catalogue: {encoders: {static_cnn: {text: {encoder: statics}}}}")
    second = "{title: Few, kind: emoji, languages: [en], test: 50}"
    with pytest.raises(ConfigError, match=r"benchmarks\.few: emoji are made once, and 'emoji'"):
        loaded(tmp_path, f"catalogue: {{benchmarks: {{few: {second}}}}}")
    same = "{title: Third split, kind: emoji, languages: [en, yo], split: 2}"
    loaded(tmp_path, f"catalogue: {{benchmarks: {{third: {same}}}}}")

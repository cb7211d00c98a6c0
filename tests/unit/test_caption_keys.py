"""The keys of a corpus of captions: what is translated, which entries are refused."""

from pathlib import Path

import pytest

from hybridbatch.experiment import image_systems, inputs, lookups, outputs
from hybridbatch.experiment.base import File
from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.hashes import Hashes

ROOT = Path(__file__).parents[2]


IN_SECTION = "image_text={corpus: %s, splits: 1, languages: [en, es, ast], control: false}"


def configuration(*options: str):
    return load([ROOT / "config/demo.yaml"], options, catalogue=ROOT / "config/catalogue.yaml")


def test_captions_are_translated_into_languages_that_the_corpus_has_none_in():
    config = configuration(IN_SECTION % "multi30k")
    assert lookups.caption_targets(config) == ["ast", "es"]
    assert sorted(lookups.translated_captions(config)) == ["ast", "es"]
    config = configuration(IN_SECTION % "multi30k", "target_languages=[pt]",
                           "ablations={unseen_languages: []}")  # fmt: skip
    part = outputs.part_for(config, "image_text")["catalogue"]
    assert {"es", "ast", "pt"} <= set(part["translators"]["apertium"]["routes"])
    assert len(part["sources"]["multi30k"]["files"]) == 15
    assert lookups.caption_targets(configuration()) == []
    files = image_systems.split_files(config, "multi30k", 0)
    assert files["de"] == {
        "captions": "results/demo/captions/multi30k/split0/captions.parquet",
        "images": "results/demo/captions/multi30k/images.parquet",
    }
    config = configuration(IN_SECTION % "coco_captions")
    found = {
        file.name: file.source for file in config.catalogue.benchmarks["coco_captions"].other_files
    }
    assert found == {
        "annotations/annotations_trainval2014.zip": "coco", "train2014": None,
        "XTD10/test_image_names.txt": "xtd10",
    }  # fmt: skip


def test_folders_of_images_that_are_not_there_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = configuration(IN_SECTION % "multi30k")
    found = inputs.check(config, Hashes(), tmp_path / "lock.json")
    assert "catalogue.benchmarks.multi30k: there is no folder or file flickr30k-images." in found


MINE = """catalogue={benchmarks: {mine: {title: Mine, kind: captions, languages: [en],
    validation: 9, test: 9, parts: {train: train}, captions: {%s}%s}}}"""
DATASETS = "kind: datasets, path: mine, columns: {image: i, %s}"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (IN_SECTION % "emoji" + "", None),
        ("image_text={corpus: multi30k, languages: [en, xx]}", "and apertium has no route to it"),
        ("image_text={corpus: emoji, languages: [en, ast]}", "'emoji' has no captions in 'ast'"),
        ("image_text={corpus: multi30k, splits: 2}", "'multi30k' has 1 splits"),
        (MINE % (DATASETS % "caption: t", ", images: [a]"), "only a data set has its own images"),
        (MINE % ("kind: coco, file: a.zip", ""), "name the folders of the image files"),
        (MINE % (DATASETS % "id: k", ""), "give either `captions`, by language, or `caption`"),
        (MINE % (DATASETS % "captions: {en: a}, language: l", ""), "`captions` need none"),
        (MINE % (DATASETS % "captions: {de: a}", ""), "languages: the captions are in de"),
        (MINE % ("kind: lines, names: n, captions: c", ", images: [a]"), "must match"),
        (MINE % ("kind: lines, names: '{x}', captions: '{language}'", ", images: [a]"), "{x}"),
        ("catalogue={benchmarks: {multi30k: {captions: {names: n}}}}", "names: has no {part}"),
        ("catalogue={benchmarks: {coco_captions: {parts: {test: t}, captions: {file: a.json}}}}",
         "captions.file: has no {part}"),
        ("catalogue={benchmarks: {multi30k: {parts: {test: train}}}}", "'train' stands twice"),
        ("catalogue={benchmarks: {multi30k: {parts: {test: '{x}'}}}}", "parts.test: '{x}' has"),
        ("catalogue={benchmarks: {multi30k: {splits: 2}}}", "2 splits need a number of images"),
        ("catalogue={benchmarks: {coco_captions: {test: null}}}", "say how many images are drawn"),
        ("catalogue={benchmarks: {coco_captions: {without: {source: xtd}}}}",
         "coco_captions.without.source: 'xtd' is not in catalogue.sources; did you mean xtd10?"),
        ("catalogue={benchmarks: {xtd10_val2014: {names: MIC/test_1kcaptions_de.txt}}}",
         "xtd10_val2014.names: images are fetched once, and 'xtd10' names others"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_with_its_key(option, words):
    if words is None:
        option = option.replace(", ast]", "]")
        assert configuration(option).image_text.corpus == "emoji"
        return
    with pytest.raises(ConfigError) as caught:
        configuration(option)
    assert words in str(caught.value)


def test_a_data_set_of_a_column_a_language_or_of_any_language():
    for columns, languages in (("captions: {en: a, fr: b}", "[en, fr]"), ("caption: t", "[en]"),
                               ("caption: t, language: l", "[de, en]")):  # fmt: skip
        option = (MINE % (DATASETS % columns, "")).replace("[en]", languages)
        entry = configuration(option).catalogue.benchmarks["mine"]
        assert entry.published(lambda file: file.name)["train"]["split"] == "train"
        assert entry.other_files == [File(None, "mine")]


def test_the_order_of_languages_in_the_configuration_decides_nothing():
    for order in ("[en, es, ast]", "[ast, en, es]", "[es, ast, en]"):
        option = IN_SECTION.replace("[en, es, ast]", f"{order}, captions: [hybrid]")
        config = configuration(option % "multi30k")
        assert lookups.caption_targets(config) == ["ast", "es"]
        assert image_systems.trained_languages(config, "hybrid") == ["en", "ast", "es"]
    assert image_systems.known_languages(config) == sorted(lookups.train_languages(config))
    for order in ("[cs, de, en, fr]", "[fr, en, de, cs]"):
        config = configuration(f"catalogue={{benchmarks: {{multi30k: {{languages: {order}}}}}}}")
        entry = config.catalogue.benchmarks["multi30k"]
        (train, *_) = entry.published(lambda file: file.name).values()
        assert list(train["captions"]) == ["cs", "de", "en", "fr"]
    for columns in ("{en: a, fr: b}", "{fr: b, en: a}"):
        option = (MINE % (DATASETS % f"captions: {columns}", "")).replace("[en]", "[en, fr]")
        entry = configuration(option).catalogue.benchmarks["mine"]
        found = entry.published(lambda file: file.name)["train"]["columns"]
        assert list(found["captions"].items()) == [("en", "a"), ("fr", "b")]


def test_xtd10_and_its_images_outside_train2014_are_two_benchmarks_of_one_run():
    config = configuration("image_text={benchmarks: [xtd10, xtd10_val2014]}")
    whole, rest = (config.catalogue.benchmarks[n] for n in config.image_text.benchmarks)
    assert (whole.reading, rest.reading) == ({"subset": "all"}, {"subset": "val2014"})
    assert whole.files("ja") == rest.files("ja")

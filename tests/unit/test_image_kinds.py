"""Benchmarks with images in the configuration: their files, what they need, and what is refused."""

import csv
import inspect
import re
from pathlib import Path

import pytest

from hybridbatch.benchmarks import emoji, rendered, xm3600, xtd10
from hybridbatch.data import cldr, emoji_font
from hybridbatch.data.emoji import names_by_language, read_emoji, with_enough, write_emoji
from hybridbatch.data.rendering import Perturbation
from hybridbatch.experiment import inputs, lookups
from hybridbatch.experiment.base import MADE, File
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.hashes import Hashes

ROOT = Path(__file__).parents[2]
XM3600 = """
    xm3600: {source: null, archive_source: null, languages: [en, quz]}
"""


def loaded(tmp_path: Path, entries: str = "") -> Experiment:
    """The demo's configuration with these entries of benchmarks laid over the catalogue's."""
    files = [ROOT / "config/demo.yaml"]
    if entries:
        files.append(tmp_path / "mine.yaml")
        files[-1].write_text(f"catalogue:\n  benchmarks:\n{entries}", encoding="utf-8")
    return load(files, catalogue=ROOT / "config/catalogue.yaml")


def wrong(tmp_path: Path, entries: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, entries)
    return str(caught.value)


def selected(config: Experiment, name: str) -> Experiment:
    """The configuration with one benchmark, whatever encoders it has."""
    ablations = config.ablations.model_copy(update={"benchmarks": []})
    update = {"benchmarks": [name], "ablations": ablations, "image_text": None}
    return config.model_copy(update=update)


def test_files_are_fetched_made_or_installed(tmp_path):
    config = loaded(tmp_path, XM3600)
    results, downloads = config.pathvars.results, config.pathvars.downloads
    assert lookups.benchmark_files(config, "emoji", "yo") == {
        "captions": f"{results}/images/emoji/split0/captions.parquet",
        "images": f"{results}/images/emoji/images.parquet",
    }
    found = lookups.benchmark_files(config, "xtd10", "ja")
    assert found["captions"].startswith(f"{downloads}/raw.githubusercontent.com/adobe-research/")
    assert found["captions"].endswith("/STAIR/test_1kcaptions_jp.txt")
    assert found["names"].endswith("/XTD10/test_image_names.txt")
    assert found["images"] == f"{results}/images/xtd10/images.parquet"
    assert lookups.benchmark_files(config, "xm3600", "quz") == {
        "captions": "captions.zip",
        "images": f"{results}/images/xm3600/images.parquet",
    }
    texts = lookups.benchmark_files(config, "xquad_r", "th")["file"]
    thai, chinese = (lookups.benchmark_files(config, "xquad_r_images", c) for c in ("th", "zh"))
    assert thai["file"] == texts
    assert chinese["font"] == "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
    fonts = lookups.merged_fonts(config)
    assert list(fonts) == [thai["font"]]  # the same for MLQA-R
    assert thai["font"].startswith(f"{results}/fonts/")
    assert [Path(path).name.split("-")[0] for path in fonts[thai["font"]]] == [
        "NotoSans", "NotoSansArabic", "NotoSansDevanagari", "NotoSansThai",
    ]  # fmt: skip


def test_crossmodal_3600_is_configured_by_its_name(tmp_path):
    """Both files are fetched, their hashes are recorded then, and all languages are known."""
    file = tmp_path / "mine.yaml"
    file.write_text("image_text: {benchmarks: [emoji, xm3600]}", encoding="utf-8")
    config = load([ROOT / "config/demo.yaml", file], catalogue=ROOT / "config/catalogue.yaml")
    entry = config.catalogue.benchmarks["xm3600"]
    assert len(entry.languages) == 36
    with (ROOT / "resources/languages/families.csv").open(encoding="utf-8") as table:
        assert set(entry.languages) <= {row["language"] for row in csv.DictReader(table)}
    assert not any(inputs.check(config, Hashes(), tmp_path / "lock.json"))
    paths = [path for path in inputs.downloads(config) if "crossmodal-3600" in path]
    assert sorted(path.removeprefix(f"{config.pathvars.downloads}/") for path in paths) == [
        "google.github.io/crossmodal-3600/web-data/captions.zip",
        "open-images-dataset.s3.amazonaws.com/crossmodal-3600/images.tgz",
    ]
    source = config.catalogue.sources["xm3600_images"]
    assert source.max_bytes > 3 * 1_800_000_000  # larger than what the images have, about


def test_other_fonts_are_merged_into_another_file(tmp_path):
    entry = """
    serif:
      title: In serifs
      kind: rendered
      source: xquad_r
      file: "{language}.json"
      languages: [en]
      fonts: [/usr/share/fonts/truetype/noto/NotoSerif-Regular.ttf]
"""
    config = loaded(tmp_path, entry)
    assert len(lookups.merged_fonts(config)) == 2
    serif = lookups.benchmark_files(config, "serif", "en")["font"]
    assert serif != lookups.benchmark_files(config, "xquad_r_images", "en")["font"]


def test_what_is_not_installed_is_named_with_its_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entries = """
    emoji: {common: no/common, font: no/NotoColorEmoji.ttf}
    xquad_r_images: {fonts: [no/NotoSans.ttf, no/mine.ttf], own_fonts: {zh: no/NotoSansCJK.ttc}}
"""
    config = loaded(tmp_path, entries + XM3600)
    found = {
        name: inputs.check(selected(config, name), Hashes(), tmp_path / "lock.json")
        for name in ("emoji", "xquad_r_images", "xm3600")
    }
    base = "catalogue.benchmarks.emoji"
    assert [line for line in found["emoji"] if line.startswith(base)] == [
        f"{base}.common: there is no folder or file no/common. Type: apt-get install "
        "unicode-cldr-core",
        f"{base}.font: there is no folder or file no/NotoColorEmoji.ttf. Type: apt-get install "
        "fonts-noto-color-emoji",
    ]
    text = "\n".join(found["xquad_r_images"])
    assert "no/NotoSans.ttf. Type: apt-get install fonts-noto-core" in text
    assert "no/NotoSansCJK.ttc. Type: apt-get install fonts-noto-cjk" in text
    assert "there is no folder or file no/mine.ttf.\n" in text
    assert "no/fonts" not in text  # what the workflow makes need not be there
    assert "there is no folder or file images.tgz." in "\n".join(found["xm3600"])
    assert "there is no folder or file captions.zip." in "\n".join(found["xm3600"])


def test_only_pinned_files_are_downloads(tmp_path):
    config = loaded(tmp_path)
    paths = inputs.downloads(selected(config, "xtd10"))
    assert len([path for path in paths if "adobe-research" in path]) == 12
    assert not [path for path in inputs.downloads(selected(config, "emoji")) if "images" in path]
    assert File(MADE, "a").fetched is File(None, "a").fetched is False
    assert File("xtd10", "a").fetched


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("    xtd10: {languages: [en, eo]}", "captions: says nothing of 'eo'"),
        (
            "    xtd10: {source: xtd}",
            "xtd10.source: 'xtd' is not in catalogue.sources; did you mean xtd10?",
        ),
        (
            "    xtd10: {names: names.txt}",
            "xtd10.names: 'names.txt' is not among the files of 'xtd10'",
        ),
        ("    xtd10: {subset: train2014}", "xtd10.subset: "),
        ("    emoji: {split: 3}", "split: must be below `splits`, 3"),
        ("    emoji: {test: 0}", "emoji.test: 0 must be at least 1"),
        ("    xquad_r_images: {height: 4}", "xquad_r_images.height: 4 must be at least 8"),
        ("    xquad_r_images: {perturbation: {size: 1.0}}", "perturbation.size: 1.0 must be"),
        ("    xquad_r_images: {fonts: []}", "xquad_r_images.fonts: "),
        ("    mlqa_r_images: {source: xquad}", "'ar.json' is not among the source's files"),
        (
            "    xm3600: {archive_source: xm}",
            "catalogue.benchmarks.xm3600.archive_source: 'xm' is not in catalogue.sources",
        ),
        (
            "    photos: {title: Mine, kind: xm3600, captions: captions.zip, archive: mine.tgz, "
            "languages: [en]}",
            "photos.archive: images are fetched once, and 'xm3600' names others; only title and",
        ),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, entries, words):
    assert words in wrong(tmp_path, entries)


def test_configured_values_are_those_of_the_code(tmp_path):
    config = loaded(tmp_path, XM3600).catalogue.benchmarks
    for name, kind in (
        ("emoji", emoji), ("xtd10", xtd10), ("xm3600", xm3600), ("xquad_r_images", rendered),
    ):  # fmt: skip
        entry = config[name]
        inspect.signature(kind.read).bind(entry.files("en"), "en", **entry.reading)
        assert entry.modality == "image"
    assert set(xtd10.SUBSETS) == {"all", "val2014"}
    taken = set(inspect.signature(write_emoji).parameters)
    assert {"names", "test", "validation", "seed", "keywords", "common", "font"} <= taken
    fields = type(config["emoji"]).model_fields
    assert taken - {"images", "captions", "counts"} <= set(fields)
    assert fields["common"].default == cldr.COMMON
    assert fields["font"].default == emoji_font.FONT
    perturbation = type(config["xquad_r_images"]).model_fields["perturbation"].annotation
    configured = next(of for of in perturbation.__args__ if hasattr(of, "model_fields"))
    assert {n: f.default for n, f in configured.model_fields.items()} == vars(Perturbation())


def test_make_installs_what_they_need(tmp_path):
    entries = loaded(tmp_path).catalogue.benchmarks.values()
    needed = {package for entry in entries for _, package in entry.installed.values()}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^IMAGES := (.*)$", makefile, re.MULTILINE)
    assert needed == set(line.split())
    assert cldr.PACKAGE in needed
    assert emoji_font.PACKAGE in needed


def test_no_shipped_configuration_has_other_tables_for_it(tmp_path):
    """An entry of the catalogue that nothing selects changes nothing."""
    names = {"emoji", "xtd10", "xm3600", "xquad_r_images", "mlqa_r_images"}
    for name in ("config", "demo", "paper", "pretrained"):
        config = load([ROOT / f"config/{name}.yaml"], catalogue=ROOT / "config/catalogue.yaml")
        assert names <= set(config.catalogue.benchmarks)
        assert not names & {*config.benchmarks, *config.ablations.benchmarks}


@pytest.mark.slow
@pytest.mark.skipif(
    not (Path(cldr.COMMON).is_dir() and Path(emoji_font.FONT).is_file()),
    reason=f"{cldr.PACKAGE} and {emoji_font.PACKAGE} are not installed",
)
def test_the_catalogue_has_every_language_that_names_enough_emoji(tmp_path):
    if cldr.version() != "41":
        pytest.skip(f"the catalogue's languages are those of CLDR 41, not {cldr.version()}")
    entry = load([ROOT / "config/paper.yaml"]).catalogue.benchmarks["emoji"]
    found, _ = with_enough(names_by_language(read_emoji()), entry.names)
    assert entry.languages == found

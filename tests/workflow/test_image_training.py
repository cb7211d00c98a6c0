"""Emoji from the installed packages to the table, with a text tower that is already there."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from checkout import ROOT, Checkout

from hybridbatch.data import cldr, emoji_font
from hybridbatch.encoders import static
from hybridbatch.runtime.files import read_table, read_tensors

INSTALLED = Path(cldr.COMMON).is_dir() and Path(emoji_font.FONT).is_file()
RESULTS = "results/small/image_text"
SMALL = {
    "image_text": {
        **yaml.safe_load((ROOT / "config/demo.yaml").read_text())["image_text"],
        "text_towers": ["hybrid"],
        "captions": ["en-en", "hybrid"],
        "languages": ["en", "es"],
        "seeds": 1,
    },
    "samplings": ["hybrid"],
    "catalogue": {
        "encoders": {"static_cnn": {"dimension": 16, "image": {"size": 16, "widths": [8]}}},
        "benchmarks": {"emoji": {"languages": ["en", "es", "it"]}},
    },
}
SMALL["image_text"]["training"] |= {"max_steps": 8, "warmup_steps": 1, "evaluate_every": 4}


@pytest.fixture
def with_tower(checkout: Checkout) -> Checkout:
    """A checkout with the folder of the system that is the text tower."""
    entry = yaml.safe_load((checkout.path / "small.yaml").read_text())["catalogue"]["encoders"]
    texts = ["the red cat", "a dog", "grinning face", "cara sonriente", "un perro rojo"] * 40
    values = entry["static"] | {"vocabulary": 100}
    prepared = checkout.path / "prepared"
    prepared.mkdir()
    static.prepare(values, {"xx": texts}, prepared)
    folder = checkout.path / "results/small/models/static_hybrid/seed0"
    static.start(values, prepared, seed=0).model.save(str(folder), create_model_card=False)
    (checkout.path / "images.yaml").write_text(yaml.safe_dump(SMALL))
    return checkout


def test_without_the_section_nothing_of_images_is_planned(checkout: Checkout):
    rules = {rule for rule, _ in checkout.plan("--configfile=small.yaml", "tables")}
    assert not rules & {"make_emoji", "finetune_images", "image_text_table"}


@pytest.mark.slow
@pytest.mark.skipif(
    not INSTALLED, reason=f"{cldr.PACKAGE} and {emoji_font.PACKAGE} are not installed"
)
def test_a_run_from_packages_to_the_table(with_tower: Checkout):
    table, card = "results/small/tables/image_text.csv", f"{RESULTS}/models/hybrid_en-en/README.md"
    options = ("--configfile", "small.yaml", "images.yaml", "--", table, card)
    with_tower.snakemake(*options, libraries=["sentence_transformers"])
    path = with_tower.path
    frames = {
        system: pq.read_table(path / f"{RESULTS}/metrics/emoji/{system}/split0.parquet").to_pandas()
        for system in ("hybrid_en-en", "hybrid_hybrid", "hybrid_shuffled")
    }
    ids = read_table(path / f"{RESULTS}/collections/emoji/split0/images.parquet")
    captions = read_table(path / f"{RESULTS}/collections/emoji/split0/captions.parquet")
    for system, frame in frames.items():
        assert set(frame["tower"]) == {"hybrid"}
        assert set(frame["captions"]) == {system.partition("_")[2]}
        assert set(frame["split"]) == set(frame["seed"]) == {0}
        seen = set(frame.loc[frame["seen"], "language"])
        assert seen == ({"en"} if system == "hybrid_en-en" else {"en", "es"})
        assert set(frame["language"]) == {"en", "es", "it", "all"}
        text = frame[frame["direction"] == "text-to-image"]
        assert len(text) == len(captions)
        assert set(text["candidates"]) == {len(ids)}
        assert frame[["recall_1", "recall_5", "recall_10"]].notna().all(axis=None)
        vectors, _ = read_tensors(path / f"{RESULTS}/embeddings/emoji/{system}/split0.safetensors")
        assert {name: of.shape for name, of in vectors.items()} == {
            "captions0": (len(captions), 16), "images0": (len(ids), 16),
        }  # fmt: skip
    found = pd.read_csv(path / table)
    assert {"en-en", "hybrid", "shuffled"} <= set(found["captions"])
    text = (path / card).read_text(encoding="utf-8")
    assert "the system static\\_hybrid" in text or "the system static_hybrid" in text
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "split0/seed0" in program
    assert with_tower.plan(*options) == []
    other = ("--config", "image_text={seeds: 1, splits: 1, control: false}")
    jobs = with_tower.plan(*options[:3], *other, "--", table)
    assert {rule for rule, _ in jobs} == {"image_text_table", "record_provenance"}
    # The order of the languages is that of the table's rows alone.
    other = ("--config", "image_text={languages: [es, en]}")
    jobs = with_tower.plan(*options[:3], *other, "--", table)
    assert {rule for rule, _ in jobs} <= {"image_text_table", "record_provenance"}


def planned(checkout: Checkout, *targets: str) -> Callable:
    return checkout.plan("--configfile", "config/config.yaml", "--", *targets)


def test_images_of_other_benchmarks_can_be_asked_for(checkout: Checkout):
    jobs = planned(checkout, "results/images/xtd10/images.parquet")
    assert [rule for rule, _ in jobs] == ["fetch", "fetch_images"]
    (merged,) = {
        wildcards["font"] for rule, wildcards in planned(
            checkout, "results/collections/xquad_r_images/en/candidates.parquet"
        ) if rule == "merge_fonts"
    }  # fmt: skip
    assert merged


def test_crossmodal_3600_is_planned_by_its_name(checkout: Checkout):
    jobs = checkout.plan(
        *("--configfile", "config/demo.yaml"),
        *("--config", "image_text={benchmarks: [emoji, xm3600], text_towers: [hybrid], seeds: 1}"),
        *("--", "results/demo/tables/image_text.csv"),
    )
    assert [rule for rule, _ in jobs if rule == "pack_images"] == ["pack_images"]
    for rule in ("read_captions", "embed_images", "evaluate_images"):
        assert {w["benchmark"] for found, w in jobs if found == rule} == {"emoji", "xm3600"}, rule
    fetched = [path for rule, w in jobs if rule == "fetch" for path in w.values()]
    assert sorted(path for path in fetched if "crossmodal-3600" in path) == [
        "google.github.io/crossmodal-3600/web-data/captions.zip",
        "open-images-dataset.s3.amazonaws.com/crossmodal-3600/images.tgz",
    ]

"""A corpus of captions, translated by Apertium, from its data set or files to the table."""

import io
import json
import shutil
from itertools import product

import datasets
import pandas as pd
import pytest
import yaml
from checkout import Checkout
from PIL import Image, ImageDraw
from test_image_training import SMALL, with_tower  # noqa: F401

from hybridbatch.runtime.files import read_json, read_table

COLOURS = ("red", "green", "blue", "black", "white", "yellow", "brown")
THINGS = {"house": (4, 12, 28, 28), "door": (11, 6, 21, 30), "table": (2, 20, 30, 25),
          "window": (9, 9, 23, 23)}  # fmt: skip
RESULTS = "results/small"
# The same images as a data set, and as files of COCO's form.
CAPTIONS = {
    "things": {
        "captions": {
            "kind": "datasets",
            "path": "things",
            "columns": {"image": "picture", "caption": "text", "id": "key"},
        },
        "parts": {"train": "train", "test": "test"},
        "validation": 4,
    },
    "photos": {
        "captions": {"kind": "coco", "file": "photos.json"},
        "parts": {"train": "train"},
        "without": {"names": "others.txt"},
        "images": ["photos"],
        "splits": 2,
        "validation": 3,
        "test": 5,
    },
}


def drawn(colour: str, box: tuple[int, ...]) -> bytes:
    image, file = Image.new("RGB", (32, 32), "grey"), io.BytesIO()
    ImageDraw.Draw(image).rectangle(box, fill=colour)
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def with_corpora(with_tower: Checkout) -> Checkout:  # noqa: F811
    """A checkout with both corpora and a text tower."""
    if shutil.which("apertium") is None:
        pytest.skip("apertium is not installed: apt-get install apertium, or `make setup`")
    path = with_tower.path
    rows = [
        {
            "key": f"{colour}-{thing}",
            "picture": {"bytes": drawn(colour, box), "path": None},
            "text": [f"The {thing} is {colour}.", f"There is a {colour} {thing} in the picture."],
        }
        for colour, (thing, box) in product(COLOURS, THINGS.items())
    ]
    (path / "things").mkdir()
    for part, of in (("train", rows[:20]), ("test", rows[20:])):
        found = datasets.Dataset.from_list(of).cast_column("picture", datasets.Image())
        found.to_parquet(str(path / f"things/{part}.parquet"))
    (path / "photos").mkdir()
    for row in rows:
        (path / f"photos/{row['key']}.png").write_bytes(row["picture"]["bytes"])
    images = [
        {"id": n, "file_name": f"{row['key']}.png", "coco_url": ""} for n, row in enumerate(rows)
    ]
    annotations = [
        {"image_id": n, "caption": text} for n, row in enumerate(rows) for text in row["text"]
    ]
    told = {"images": images, "annotations": annotations}
    (path / "photos.json").write_text(json.dumps(told))
    (path / "others.txt").write_text(f"{rows[0]['key']}.jpg\n")
    common = {"kind": "captions", "languages": ["en"], "shards": 2}
    entries = {name: {"title": name, **common, **of} for name, of in CAPTIONS.items()}
    section = {**SMALL["image_text"], "corpus": "things", "benchmarks": ["things"]}
    section["training"] = section["training"] | {"batch_size": 4}
    values = {
        "image_text": section,
        "filtering": {"max_unknown_share": 0.5, "min_length_ratio": 0.4, "max_length_ratio": 2.5},
        "catalogue": {"benchmarks": entries},
    }
    (path / "corpora.yaml").write_text(yaml.safe_dump(values))
    return with_tower


@pytest.mark.slow
def test_a_run_from_a_data_set_of_captions_to_the_table(with_corpora: Checkout):
    table, split = f"{RESULTS}/tables/image_text.csv", f"{RESULTS}/captions/photos/split1"
    files = ("--configfile", "small.yaml", "images.yaml", "corpora.yaml", "--")
    with_corpora.snakemake(
        *files, table, f"{split}/captions.parquet", libraries=["sentence_transformers"]
    )
    path = with_corpora.path
    own = read_table(path / f"{RESULTS}/captions/things/captions.parquet").to_pandas()
    assert (len(own), set(own["language"])) == (56, {"en"})
    found = read_table(path / f"{RESULTS}/captions/things/split0/captions.parquet").to_pandas()
    counts = read_json(path / f"{RESULTS}/captions/things/split0/counts.json")
    assert set(counts) == {"es"}
    assert counts["es"]["captions"] == 40
    kept = found[found["language"] == "es"]
    # Some are of the images that are drawn to validate on, where only English is.
    assert 20 < len(kept) <= counts["es"]["kept"] <= 40
    assert set(kept["split"]) == {"train"}
    assert "La casa es roja." in set(kept["caption"])
    assert found.groupby("split")["image_id"].nunique().to_dict() == {
        "train": 16, "validation": 4, "test": 8,
    }  # fmt: skip
    scores = pd.read_csv(path / table)
    ours = scores[scores["captions"].isin(["en-en", "hybrid"]) & scores["versus"].isna()]
    assert set(ours["benchmark"]) == {"things"}
    text = ours[(ours["setting"] == "text-to-image") & (ours["language"] == "en")]
    assert set(text["n_queries"]) == {16}
    assert set(text["captions"]) == {"en-en", "hybrid"}
    assert with_corpora.plan(*files, table) == []

    # The corpus in COCO's form is not the one that is trained on, and nothing of it is translated.
    photos = read_table(path / f"{split}/captions.parquet").to_pandas()
    assert photos.groupby("split")["image_id"].nunique().to_dict() == {
        "train": 19, "validation": 3, "test": 5,
    }  # fmt: skip
    assert set(photos["language"]) == {"en"}
    assert "red-house" not in set(photos["image_id"])
    # It can be, and a changed image file is read again.
    other = ("--config", 'image_text={"corpus": "photos", "benchmarks": ["photos"]}', "--", table)
    (path / "photos/red-door.png").write_bytes(drawn("red", (1, 1, 3, 3)))
    jobs = with_corpora.plan(*files[:-1], *other)
    rules = {rule for rule, _ in jobs}
    assert {"read_image_corpus", "shard_captions", "translate_captions", "split_captions"} <= rules
    assert {w["language"] for rule, w in jobs if rule == "translate_captions"} == {"es"}

"""The keys of a data set in the configuration: which are refused, and what they say."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hybridbatch.data.hub import DataSet
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.experiment.readers.datasets import Config
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FLAT = {"question": "asked", "passage": "text"}
VALID = {
    "kind": "datasets",
    "path": "some/animals",
    "revision": COMMIT,
    "split": "train",
    "columns": FLAT,
    "language": "en",
    "holdout": 0.0,
    "shards": 1,
}


def test_the_keys_are_a_model_with_a_description_of_each():
    assert Config(**VALID).columns.answers is None
    for model in Config.model_json_schema()["$defs"].values():
        assert all("description" in field for field in model["properties"].values())
    assert all(
        "description" in field for field in Config.model_json_schema()["properties"].values()
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("revision", "main"),
        ("revision", COMMIT[:10]),
        ("revision", COMMIT.upper()),
        ("split", "train[:10%]"),
        ("shards", "2"),
        ("trust_remote_code", True),
        ("columns", {"question": "q"}),
        ("columns", {**FLAT, "answers": {"text": "answers.text"}}),
        ("columns", {**FLAT, "pasage": "p"}),
    ],
)
def test_a_wrong_key_is_refused_and_named(key, value):
    with pytest.raises(ValidationError) as error:
        Config(**{**VALID, key: value})
    assert error.value.errors()[0]["loc"][0] == key


def configuration(kind: str = "datasets", **keys) -> dict:
    """The demo's, with a data set as one more corpus."""
    demo = conf.read([ROOT / "config/demo.yaml"])
    demo["catalogue"]["corpora"]["animals"] = {**VALID, "kind": kind, **keys}
    demo["corpora"] = ["animals"]
    return demo


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"revision": "main"}, "catalogue.corpora.animals.revision: 'main' must match"),
        ({"revision": "main"}, "full commit on the hub, 40 hexadecimal digits"),
        ({"columns": {"question": "q"}}, "catalogue.corpora.animals.columns.passage: is missing"),
        (
            {"columns": {**FLAT, "pasage": "p"}},
            "catalogue.corpora.animals.columns.pasage: no such key; did you mean passage?",
        ),
        ({"kind": "jsonl"}, "catalogue.corpora.animals.split: no such key"),
    ],
)
def test_a_configuration_s_wrong_key_is_named_with_its_whole_path(keys, words):
    with pytest.raises(ConfigError) as error:
        conf.validate(configuration(**keys))
    assert words in str(error.value)


def test_a_data_set_is_read_from_its_manifest_and_comes_from_its_commit():
    config = conf.validate(configuration())
    assert lookups.corpus_files(config, "animals") == ["downloads/datasets/animals/manifest.json"]
    url = f"https://huggingface.co/datasets/some/animals/tree/{COMMIT}"
    assert lookups.origin(config, "animals") == url
    entry = config.catalogue.corpora["animals"]
    assert DataSet(**entry.rows()) == DataSet("some/animals", None, COMMIT, "train", FLAT)
    yours = Config(**{**VALID, "revision": None})
    assert yours.url is None


def unstated(config: dict) -> list[str]:
    return lookups.unstated_licences(conf.validate(config), "animals")


def test_a_licence_that_is_not_stated_is_told_unless_it_is_confirmed():
    config = configuration()
    assert unstated(config) == ["animals"]
    config["exports"]["unstated_licences"] = ["animals"]
    assert unstated(config) == []
    of_another = "none stated on the card; Natural Questions is CC BY-SA 3.0"
    assert unstated(configuration(licence=of_another)) == ["animals"]
    config = configuration(licence="CC0 1.0")
    assert unstated(config) == []
    del config["catalogue"]["translators"]["apertium"]["licence"]
    assert unstated(config) == ["apertium"]
    config["catalogue"]["corpora"]["animals"]["languages"] = []
    assert unstated(config) == [], "nothing is translated"


def test_a_confirmation_of_what_is_not_there_is_refused():
    config = configuration()
    config["exports"]["unstated_licences"] = ["anmals"]
    with pytest.raises(ConfigError, match=r"unstated_licences: 'anmals' .*did you mean animals\?"):
        conf.validate(config)

"""The card of train sets says what they are of and how many; the hub and `datasets` can read it."""

from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard

from hybridbatch.data.filtering import REASONS
from hybridbatch.tables.data_card import COLUMNS, Facts, Making, data_card

FACTS = {
    "name": "films_*",
    "origin": "https://huggingface.co/datasets/some/films/tree/0123",
    "licence": "CC BY | 4.0",
    "languages": ["en", "no", "es"],
    "translated": ["no", "es"],
    "translator": "some/translator at revision def; licence: CC BY-NC 4.0",
    "ways": ["en-no", "en-es"],
    "filtering": {"max_unknown_share": 0.5, "min_length_ratio": 0.4, "max_length_ratio": 2.5},
}
COUNTS = {
    code: {"pairs": 1200, "kept": 1200 - 100 * n, **dict.fromkeys(REASONS, 7)}
    for n, code in enumerate(FACTS["languages"])
}
CODE = {"commit": "abc123", "dirty": True, "changed": ["workflow/a.py"], "reason": None}
CONFIGURATION = {"corpora": ["films"], "target_languages": ["no", "es"], "translator": "some"}


def card(code: dict = CODE, **changed) -> str:
    facts = Facts(**{**FACTS, **changed})
    return data_card(facts, COUNTS, Making(code, CONFIGURATION, "cafe" * 16))


def test_the_hub_reads_the_card():
    data = DatasetCard(card()).data
    assert data.language == ["en", "no", "es"], "no is a language, not a false"
    assert data.license == "other"
    assert data.pretty_name == "films_*"


def test_the_folder_opens_with_a_configuration_a_language(tmp_path: Path):
    (tmp_path / "set").mkdir()
    for code in FACTS["languages"]:
        table = pa.table({name: [code] for name in COLUMNS})
        pq.write_table(table, tmp_path / f"set/{code}.parquet")
    # A language that was left out later is in no configuration.
    pq.write_table(pa.table({"id": ["0"]}), tmp_path / "set/pt.parquet")
    (tmp_path / "set/README.md").write_text(card(), encoding="utf-8")
    folder = str(tmp_path / "set")
    assert datasets.get_dataset_config_names(folder) == FACTS["languages"]
    for name, code in [("no", "no"), (None, "en")]:
        found = datasets.load_dataset(folder, name, split="train", cache_dir=str(tmp_path / "c"))
        assert found.to_dict() == {column: [code] for column in COLUMNS}


def test_counts_of_every_language_are_told():
    rows = [line.split("|")[1:-1] for line in card().splitlines() if line.startswith("| no")]
    assert [cell.strip() for cell in rows[0]] == ["no", "1,200", "1,100", *["7"] * len(REASONS)]


@pytest.mark.parametrize(
    "words",
    [
        r"# films\_\*",
        r"CC BY \| 4.0",
        "Translator: some/translator at revision def; licence: CC BY-NC 4.0. Routes: en-no, en-es.",
        "more than 0.5 of the words",
        "below 0.4 or above 2.5",
        "commit `abc123`, changed in 1 file.",
        f"sha256 `{'cafe' * 16}`",
        "Not as reference translations",
        "## What it may not be used for",
    ],
)
def test_the_card_says(words):
    assert words in card()


def test_the_configuration_can_be_laid_over_another():
    block = card().split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(block) == CONFIGURATION


def test_untranslated_texts_are_not_called_translations():
    own = card(languages=["en"], translated=[], ways=[])
    assert "None: the texts are in their own language, en." in own
    published = card(translated=[], ways=[])
    assert "the publisher gives the texts in no, es" in published
    for text in (own, published):
        assert "reference translations" not in text
        assert "some/translator" not in text


def test_a_commit_that_is_not_known_is_said_with_the_reason():
    unknown = {"commit": None, "dirty": None, "changed": None, "reason": "git is not installed"}
    assert "Code: commit unknown, git is not installed." in card(unknown)

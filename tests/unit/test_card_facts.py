"""What the configuration tells a model card: origins, licences and revisions."""

from configurations import ROOT, built
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants


def test_a_card_says_where_data_base_and_translator_come_from(config):
    translator = config["catalogue"]["translators"]["apertium"]
    translator["licence"] = "GPL"
    system = variants.System("tiny", "hybrid")
    films, notes = variants.card_corpora(built(config), system)
    assert films["origin"] == "https://example.org/commit/data/"
    assert (films["licence"], notes["licence"]) == ("CC0", "not stated in the configuration")
    assert notes["origin"] == "notes.jsonl"
    assert films["languages"] == ["en", *films["translated"]]
    facts = variants.card_facts(built(config), system)
    assert facts["translator"] == "apertium; licence: GPL"
    assert facts["ways"] == ["en-eo", "en-es", "en-es-pt"]
    assert facts["validation"] == [["notes", "not stated in the configuration"]]
    assert facts["hub_name"] is None
    assert facts["base"].startswith("None: a static encoder")


def test_a_card_names_the_revision_of_a_model_of_the_hub(config):
    paper = conf.load([ROOT / "config/paper.yaml"])
    facts = variants.card_facts(paper, variants.System("labse", "x-y"))
    assert facts["hub_name"] == "sentence-transformers/LaBSE"
    assert facts["base"].startswith("sentence-transformers/LaBSE at revision 8361")
    assert facts["base"].endswith("; licence: Apache-2.0.")
    assert facts["translator"].startswith("facebook/nllb-200-1.3B at revision ")
    corpora = {
        of["name"]: of for of in variants.card_corpora(paper, variants.System("labse", "x-y"))
    }
    assert corpora["mmarco"]["translated"] == []
    assert "ar" in corpora["mmarco"]["languages"]
    assert corpora["wikiqa"]["translated"] == corpora["wikiqa"]["languages"][1:]


def test_a_licence_changes_no_route_and_no_encoder(config):
    before = lookups.route(built(config), "pt")
    config["catalogue"]["translators"]["apertium"]["licence"] = "GPL"
    assert lookups.route(built(config), "pt") == before
    paper = conf.load([ROOT / "config/paper.yaml"])
    assert "licence" not in variants.encoder_entry(paper, "labse")

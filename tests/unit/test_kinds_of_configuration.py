"""A new kind is new files alone; the schema is the models'; loading the configuration is light."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from hybridbatch.experiment import schema
from hybridbatch.experiment.configuration import BENCHMARKS, ENCODERS, ENGINES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow/scripts/hybridbatch"
TOWERS = '''
from typing import Literal
from pydantic import Field
from hybridbatch.experiment.base import Positive
from hybridbatch.experiment.encoders import Encoder

class Config(Encoder):
    """Two towers."""
    kind: Literal["towers"] = Field(description="two towers")
    size: Positive = Field(description="of both")

    @property
    def modalities(self):
        return {"query": ("text",), "candidate": ("image",)}
'''
GLOSSARY = '''
from typing import Literal
from pydantic import Field
from hybridbatch.experiment.base import Language
from hybridbatch.experiment.engines import Step, Translator

class GlossaryStep(Step):
    """One step."""
    file: str = Field(description="of words")

class Config(Translator):
    """A glossary."""
    kind: Literal["glossary"] = Field(description="a glossary")
    edition: int = Field(description="of it")
    routes: dict[Language, GlossaryStep] = Field(description="one step, by target language")
'''
CHECK = """
import json, sys
from hybridbatch.experiment import load, lookups, systems
from hybridbatch.runtime.errors import ConfigError
try:
    config = load.load(["config/demo.yaml", "mine.yaml"])
except ConfigError as error:
    sys.exit(str(error))
print(json.dumps([
    lookups.route(config, "es"),
    config.catalogue.encoders["two"].modalities,
    systems.encoder_entry(config, "two"),
    config.catalogue.corpora["faq"].plain(),
]))
"""
MINE = """
translator: words
target_languages: [es]
ablations: {unseen_languages: []}
catalogue:
  encoders: {two: {kind: towers, size: 4}}
  corpora: {faq: {kind: tsv, language: en, path: faq.tsv, holdout: 0.0, shards: 1}}
  translators:
    words: {kind: glossary, edition: 2, routes: {es: {source: en, file: words.tsv}}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package with an encoder, an engine and a reader more."""
    package = tmp_path / "workflow/scripts/hybridbatch"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (package / "experiment/encoders/towers.py").write_text(TOWERS)
    (package / "experiment/engines/glossary.py").write_text(GLOSSARY)
    (package / "data/readers/tsv.py").touch()  # has no keys of its own, and so no model
    return tmp_path


def _run(checkout: Path, mine: str) -> subprocess.CompletedProcess:
    (checkout / "mine.yaml").write_text(mine)
    return subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=checkout,
        env={"PYTHONPATH": str(checkout / "workflow/scripts")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_new_kinds_are_found_and_checked(checkout):
    run = _run(checkout, MINE)
    assert run.returncode == 0, run.stderr
    route, modalities, encoder, corpus = json.loads(run.stdout)
    assert route == {"kind": "glossary", "edition": 2, "source": "en", "file": "words.tsv"}
    assert modalities == {"query": ["text"], "candidate": ["image"]}
    assert encoder == {"kind": "towers", "size": 4}
    assert corpus["kind"] == "tsv"
    wrong = MINE.replace("file: words", "fil: words").replace("size: 4", "size: 0")
    lines = _run(checkout, wrong).stderr.splitlines()[1:]
    assert [line.strip() for line in lines] == [
        "catalogue.encoders.two.size: 0 must be at least 1 (of both)",
        "catalogue.translators.words.routes.es.fil: no such key; did you mean file?",
        "catalogue.translators.words.routes.es.file: is missing (of words)",
    ]


def test_a_model_that_is_not_named_after_its_module_is_refused(checkout):
    folder = checkout / "workflow/scripts/hybridbatch/experiment/encoders"
    (folder / "towers.py").rename(folder / "tower.py")
    assert "experiment/encoders/tower.py: Config.kind must be Literal['tower']" in (
        _run(checkout, MINE).stderr
    )


def test_what_rules_ask_of_the_shipped_kinds():
    assert {name: set(model.model_fields) >= {"kind"} for name, model in ENCODERS.items()} == {
        "layerwise": True, "rendered": True, "scratch": True, "static": True, "text_image": True,
        "transformer": True,
    }  # fmt: skip
    assert set(BENCHMARKS) == {
        "captions", "emoji", "lareqa", "miracl", "rendered", "xm3600", "xtd10",
    }  # fmt: skip
    assert set(ENGINES) == {"apertium", "ctranslate2_mt", "transformers_mt"}


def test_the_committed_schema_is_the_models():
    committed = schema.FILE.read_text(encoding="utf-8")
    assert committed == schema.text(), (
        "type: cd workflow/scripts; python -m hybridbatch.experiment.schema"
    )


@pytest.mark.parametrize(
    "name",
    ["catalogue", "config", "demo", "layer_schedules", "layers", "paper", "pretrained", "rendered"],
)
def test_the_schema_accepts_each_shipped_file_and_names_itself_to_editors(name):
    text = (ROOT / f"config/{name}.yaml").read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (ROOT / "config" / first.split("=")[1]).resolve() == schema.FILE
    validator = jsonschema.Draft202012Validator(schema.schema())
    validator.check_schema(schema.schema())
    assert list(validator.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "values",
    [
        {"alpha": 0.5},
        {"training": {"batchsize": 8}},
        {"training": {"batch_size": 1}},
        {"catalogue": {"encoders": {"static": {"kind": "static", "layers": 2}}}},
        {"catalogue": {"corpora": {"mine": {"kind": "csv"}}}},
    ],
)
def test_the_schema_refuses_what_is_wrong(values):
    assert not jsonschema.Draft202012Validator(schema.schema()).is_valid(values)


def test_loading_the_configuration_imports_no_more_than_it_needs():
    code = (
        "import sys; from hybridbatch.experiment import load, lookups, systems, outputs; "
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "workflow/scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    others = set(run.stdout.split()) - set(sys.stdlib_module_names)
    allowed = {
        "hybridbatch", "pydantic", "pydantic_core", "annotated_types", "typing_extensions",
        "typing_inspection", "yaml", "_yaml", "cython_runtime",
    }  # fmt: skip
    assert {name for name in others if not name.startswith(("_", "sitecustomize"))} <= allowed

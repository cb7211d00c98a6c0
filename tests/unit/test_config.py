"""Shipped configurations are valid, and models, dataclasses and descriptions agree."""

import json
from dataclasses import MISSING, fields
from typing import get_args

import pytest
import yaml
from configurations import ROOT, built, shipped
from configurations import config as config
from pydantic import BaseModel, ValidationError

from hybridbatch.data.contamination import ContaminationConfig
from hybridbatch.data.download import MAX_BYTES, Source
from hybridbatch.data.filtering import FilterConfig
from hybridbatch.encoders.layerwise import LayerwiseConfig
from hybridbatch.encoders.scratch import ScratchConfig
from hybridbatch.encoders.static import StaticConfig
from hybridbatch.encoders.text_image import TextImageConfig
from hybridbatch.encoders.transformer import TransformerConfig
from hybridbatch.evaluation.aggregate import StatisticsConfig
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import BENCHMARKS, ENCODERS, ENGINES, READERS, Experiment
from hybridbatch.experiment.sources import Source as Pinned
from hybridbatch.experiment.statistics import Contamination, Filtering, Statistics
from hybridbatch.experiment.training import Training
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.training.config import TrainConfig

SHIPPED = ("config.yaml", "demo.yaml", "layers.yaml", "paper.yaml", "pretrained.yaml")
KINDS = {
    "layerwise": LayerwiseConfig,
    "static": StaticConfig,
    "scratch": ScratchConfig,
    "text_image": TextImageConfig,
    "transformer": TransformerConfig,
}
ADDED_BY_WORKFLOW = {"sampling", "alpha", "pairs"}  # fields of TrainConfig that are no training key


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configuration_is_valid(name):
    conf.validate(shipped(name))


def test_trainable_of_another_kind_keeps_no_key_of_the_one_it_is_laid_over():
    files = [ROOT / "config" / "pretrained.yaml"]
    lora = {"kind": "lora", "budget": 96, "schedule": "rising", "scale": 2.0}
    given = [f"training={json.dumps({'trainable': lora})}"]
    assert conf.load(files, given).training.plain()["trainable"] == lora


def test_an_entry_of_another_kind_keeps_the_keys_that_both_have(tmp_path):
    given = ["catalogue={translators: {nllb: {kind: ctranslate2_mt, quantization: float16}}}"]
    paper = ROOT / "config" / "paper.yaml"
    nllb = conf.load([paper], given).catalogue.translators["nllb"]
    assert (nllb.kind, nllb.beams) == ("ctranslate2_mt", 4)
    fast = tmp_path / "fast.yaml"
    values = {"kind": "ctranslate2_mt", "quantization": "float16"}
    fast.write_text(yaml.safe_dump({"catalogue": {"translators": {"nllb": values}}}))
    given = ["catalogue={translators: {nllb: {kind: transformers_mt}}}"]
    nllb = conf.load([paper, fast], given).catalogue.translators["nllb"]
    assert (nllb.kind, nllb.beams) == ("transformers_mt", 4)
    given = ["catalogue={translators: {nllb: {kind: marian}}}"]
    with pytest.raises(ConfigError, match=r"translators\.nllb\.kind: 'marian' is not one of"):
        conf.load([paper, fast], given)


def test_small_configuration_is_valid(config):
    conf.validate(config)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_values_make_the_dataclasses(name):
    config = conf.validate(shipped(name))
    FilterConfig(**config.filtering.plain())
    ContaminationConfig(**config.contamination.plain())
    StatisticsConfig(**config.statistics.plain())
    for system in variants.systems(config).values():
        TrainConfig(**variants.training_values(config, system))
    for name in config.catalogue.encoders:
        values = variants.encoder_entry(config, name)
        KINDS[values["kind"]](**values)
    for place, values in lookups.sources(config).items():
        assert Source(values["url"], values["sha256"]).path == place


@pytest.mark.parametrize(
    ("dataclass", "model", "elsewhere"),
    [
        (FilterConfig, Filtering, set()),
        (ContaminationConfig, Contamination, set()),
        (StatisticsConfig, Statistics, set()),
        (TrainConfig, Training, ADDED_BY_WORKFLOW),
        (StaticConfig, ENCODERS["static"], set()),
        (ScratchConfig, ENCODERS["scratch"], set()),
        (LayerwiseConfig, ENCODERS["layerwise"], set()),
        (TransformerConfig, ENCODERS["transformer"], set()),
        (TextImageConfig, ENCODERS["text_image"], set()),
    ],
)
def test_model_and_dataclass_agree(dataclass, model, elsewhere):
    keys = set(model.model_fields) - {"training", "seeds", "licence"}  # not of the encoder
    assert keys == {field.name for field in fields(dataclass)} - elsewhere
    assert elsewhere <= {field.name for field in fields(dataclass)}
    without_default = {
        field.name
        for field in fields(dataclass)
        if field.default is MISSING and field.default_factory is MISSING
    }
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == without_default - elsewhere


def test_source_values_are_the_fields_of_source_and_the_licence(config):
    names = {field.name for field in fields(Source)}
    assert names == {"url", "sha256", "max_bytes"}
    for values in lookups.sources(built(config)).values():
        assert set(values) == names | {"licence"}
        assert values["licence"] == "CC0"
        assert values["max_bytes"] == MAX_BYTES
    assert set(Pinned.model_fields) == {"base", "files", "series", "licence", "max_bytes"}


def _models(annotation, seen: set | None = None) -> set[type[BaseModel]]:
    """Every model that an annotation leads to, however deep."""
    seen = set() if seen is None else seen
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            for field in annotation.model_fields.values():
                _models(field.annotation, seen)
        return seen
    for argument in get_args(annotation):
        _models(argument, seen)
    return seen


def test_every_key_is_described():
    models = _models(Experiment)
    kinds = {*ENCODERS.values(), *BENCHMARKS.values(), *READERS.values(), *ENGINES.values()}
    assert kinds < models
    keys = [(model, name, f) for model in models for name, f in model.model_fields.items()]
    assert [(model, name) for model, name, field in keys if not field.description] == []


def test_every_model_is_strict():
    for model in _models(Experiment):
        for key, value in (("extra", "forbid"), ("strict", True), ("frozen", True)):
            assert model.model_config[key] == value, model


def test_a_configuration_does_not_change(config):
    with pytest.raises(ValidationError, match="frozen"):
        conf.validate(config).scale = "paper"

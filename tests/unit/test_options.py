"""Keys on the command line are typed by their key, laid over files, and given once."""

import math
from pathlib import Path

import pytest

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.options import read_options, refuse_repeated, typed
from hybridbatch.runtime.errors import ConfigError

DEMO = Path(__file__).parents[2] / "config/demo.yaml"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("100", 100), ("-1", -1), ("0.3", 0.3), ("1e-5", 1e-5), ("1.0e5", 1e5), ("true", True),
        ("False", False), ("null", None), ("~", None), ("no", "no"), ("yes", "yes"),
        ("x-y", "x-y"), ("1.5x", "1.5x"), ("0x1f", 31), ("1_000", "1_000"), ("2024-05-01",) * 2,
        ("'5'", "5"), ('"true"', "true"), ("[1, '1']", [1, "1"]),
        ('{"a": [null, 1]}', {"a": [None, 1]}),
    ],
)  # fmt: skip
def test_a_value_is_yaml_1_2_or_json_at_any_depth(given, value):
    for entry, expected in (
        (given, value),
        (f"[{given}]", [value]),
        (f"{{a: {given}}}", {"a": value}),
    ):
        found = typed(read_options([f"zzz={entry}"]), None)["zzz"]
        assert repr(found) == repr(expected)  # 1 is no True


def test_what_is_no_finite_number_is_read_as_such():
    assert math.isnan(typed(read_options(["zzz=.nan"]), None)["zzz"])


def test_options_are_laid_over_files_at_any_depth():
    options = [
        "exports={depth: 100}",
        "training={max_steps: 7}",
        "ablations={alpha: [0.3]}",
        "filtering={max_unknown_share: 0.05}",
        "seeds=[0, 1]",
        "catalogue={samplings: {hybrid_30: {kind: hybrid, alpha: 0.3}}}",
        "mirror=/mirror",
    ]
    found, before = conf.load([DEMO], options), conf.load([DEMO])
    assert (found.exports.depth, found.training.max_steps) == (100, 7)
    assert (found.ablations.alpha, found.seeds) == ([0.3], [0, 1])
    assert found.filtering.max_unknown_share == 0.05
    assert found.catalogue.samplings["hybrid_30"].alpha == 0.3
    assert found.catalogue.samplings["hybrid"] == before.catalogue.samplings["hybrid"]
    assert found.training.patience == before.training.patience
    assert found.mirror == "/mirror"


def test_text_that_looks_like_a_number_stays_text_where_the_key_takes_text():
    options = [
        "mirror=007 #1: [x]",
        "pathvars={results: 2024, downloads: 1e5}",
        "catalogue={corpora: {bundled: {licence: 1.10, shards: 2}},"
        " encoders: {static: {query_prefix: true, dimension: 64}},"
        " sources: {s: {base: https://a.org/, licence: 3, files: {0.10: null}}}}",
    ]
    found = conf.load([DEMO], options)
    assert found.mirror == "007 #1: [x]"
    assert (found.pathvars.results, found.pathvars.downloads) == ("2024", "1e5")
    bundled, static = found.catalogue.corpora["bundled"], found.catalogue.encoders["static"]
    assert (bundled.licence, bundled.shards) == ("1.10", 2)
    assert (static.query_prefix, static.dimension) == ("true", 64)  # of the kind in the file
    assert found.catalogue.sources["s"].files == {"0.10": None}


def test_null_takes_a_key_of_a_file_away():
    options = ["mirror=null", "catalogue={corpora: {bundled: {licence: ~}}}"]
    found = conf.load([DEMO], options)
    assert found.mirror is None
    assert found.catalogue.corpora["bundled"].licence is None


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("training={max_steps: 7.0}", "training.max_steps: 7.0 must be an integer"),
        ("seeds=[one]", "seeds.0: 'one' must be an integer"),
        ("seeds=['0']", "seeds.0: '0' must be an integer"),
        ("training={learning_rate: .inf}", "training.learning_rate: inf must be a finite"),
        ("scale=5", "scale: '5' is not one of paper, laptop, demo"),
        ("seeds=[0", "--config seeds: '[0' is no YAML: expected"),
        ("seeds", "--config seeds: is not of the form KEY=VALUE"),
        ("training=[1]", "--config: training: is a list, and a mapping in what it is laid over"),
        ("training={max_steps: 1, max_steps: 2}", "is no YAML: 'max_steps' stands twice"),
        ("catalogue={corpora: {a: {}, a: {}}}", "is no YAML: 'a' stands twice"),
        ("training={[1]: 2}", "is no YAML: a key is no text"),
    ],
)
def test_options_are_strict_too(option, words):
    with pytest.raises(ConfigError) as caught:
        conf.load([DEMO], [option])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("sample=0.3", ["sample", "did you mean scale?"]),
        ("alpha=0.3", ["alpha", "catalogue.samplings.hybrid.alpha"]),
        (
            "catalogue={samplings: {hybrid: {alpha: 1.5}}}",
            ["catalogue.samplings.hybrid.alpha", "1.5"],
        ),
        ("training={max_steps: half}", ["training.max_steps", "half"]),
        ('target_languages=["xx"]', ["target_languages", "xx", "no route"]),
        ('seeds=["a"]', ["seeds.0"]),
        ('samplings=["y-x"]', ["samplings", "y-x"]),
    ],
)
def test_a_wrong_option_is_named(option, words):
    with pytest.raises(ConfigError) as caught:
        conf.load([DEMO], [option])
    for word in words:
        assert word in str(caught.value)


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(ConfigError, match="--config seeds: stands twice"):
        conf.load([DEMO], ["seeds=[0]", "scale=demo", "seeds=[1]"])


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (
            ["-n", "--configfile", "a.yaml", "b.yaml", "--config", "a=1", "b=2", "--", "tables"],
            None,
        ),
        (["--configfile=a.yaml", "--", "--configfile", "--config", "--config"], None),
        (["--configfile", "a.yaml", "--configfile", "b.yaml"], "--configfile"),
        (["--configfile=a.yaml", "-n", "--configfiles=b.yaml"], "--configfile"),
        (["--config", "a=1", "-c1", "--config", "b=2"], "--config"),
        (["-C", "a=1", "--config=b=2"], "--config"),
    ],
)
def test_an_option_of_which_snakemake_drops_all_but_the_last_is_given_once(arguments, option):
    if option is None:
        refuse_repeated(arguments)
    else:
        with pytest.raises(ConfigError, match=f"^{option} is given twice.*Give it once: {option} "):
            refuse_repeated(arguments)

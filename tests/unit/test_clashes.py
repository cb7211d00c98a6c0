"""Two different things never have one path, and no name of the configuration leaves its root."""

import re
from pathlib import Path

import pytest
import yaml

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.lookups import sources
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "config/demo.yaml"
STATIC = (
    "{kind: static, dimension: 8, vocabulary: 100, tokenizer_characters: 1000, max_tokens: 16, "
    "query_prefix: '', passage_prefix: ''}"
)
LAREQA = "{title: T, kind: lareqa, path: 'x/{language}.json', languages: [en]}"
CORPUS = "{kind: jsonl, language: en, path: x.jsonl, holdout: 0.1, shards: 1}"
REFERENCES = "{kind: questions, path: 'x/{language}.json', languages: [en]}"
SOURCE = "{base: https://example.org/, licence: CC0, files: {a: null}}"
TRANSLATOR = "{kind: apertium, routes: {}}"
SAMPLING = "{kind: x-y}"
ENTRY = {
    "sources": SOURCE,
    "corpora": CORPUS,
    "benchmarks": LAREQA,
    "references": REFERENCES,
    "translators": TRANSLATOR,
    "encoders": STATIC,
    "samplings": SAMPLING,
}


def _load(tmp_path: Path, text: str):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return conf.load([DEMO, file])


def _problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_every_section_of_the_catalogue_is_tried_here():
    assert set(ENTRY) == set(
        yaml.safe_load((ROOT / "config/catalogue.yaml").read_text())["catalogue"]
    ) | {"encoders"}


@pytest.mark.parametrize(
    ("section", "name", "words"),
    [
        ("encoders", "x.svg", "ends like the name of a file"),
        ("encoders", "v1.TXT", "ends like the name of a file"),
        ("encoders", "x.json", "ends like the name of a file"),
        ("encoders", "x.", "must match"),
        ("encoders", "x_", "must match"),
        ("encoders", "a._b", "must match"),
        ("encoders", "a--b", "must match"),
        ("encoders", "aux", "Windows has no folder of that name"),
        ("encoders", "Con.b", "Windows has no folder of that name"),
        ("encoders", "..", "must match"),
        ("encoders", ".x", "must match"),
        ("encoders", "a/b", "must match"),
        ("encoders", "a@b", "must match"),
        ("encoders", "é", "must match"),
        ("encoders", "'a b'", "must match"),
        ("encoders", '"x\\n"', "must match"),
        *((section, "x.svg", "ends like the name of a file") for section in ENTRY),
        *((section, "a/b", "must match") for section in ENTRY),
    ],
)
def test_a_name_that_is_no_folder_is_refused(tmp_path, section, name, words):
    (problem,) = _problems(tmp_path, f"catalogue: {{{section}: {{{name}: {ENTRY[section]}}}}}")
    assert problem.startswith(f"catalogue.{section}.")
    assert words in problem


@pytest.mark.parametrize("section", ENTRY)
def test_names_that_differ_only_in_case_are_refused(tmp_path, section):
    text = f"catalogue: {{{section}: {{aB: {ENTRY[section]}, Ab: {ENTRY[section]}}}}}"
    problems = _problems(tmp_path, text)
    words = f"catalogue.{section}: 'aB' and 'Ab' differ only in case"
    assert any(problem.startswith(words) for problem in problems), problems


@pytest.mark.parametrize("name", ["v1.0", "xlm-r", "a_b", "A.b-c_d", "con_1", "x.jsonx"])
def test_usual_names_are_not_refused(tmp_path, name):
    for section, entry in ENTRY.items():
        _load(tmp_path, f"catalogue: {{{section}: {{{name}: {entry}}}}}")


@pytest.mark.parametrize("name", ["main", "Main", "CLAIMS", "alpha", "translation_quality"])
def test_a_benchmark_is_not_named_as_a_table(tmp_path, name):
    (problem,) = _problems(tmp_path, f"catalogue: {{benchmarks: {{{name}: {LAREQA}}}}}")
    assert problem == f"catalogue.benchmarks.{name}: a table has that name; choose another"


@pytest.mark.parametrize("other", ["x_hybrid", "X_hybrid"])
def test_pairs_of_encoder_and_sampling_that_are_one_system_are_refused(tmp_path, other):
    text = f"""
encoders: [static, static_x]
samplings: [hybrid, {other}]
catalogue:
  samplings: {{{other}: {{kind: hybrid, alpha: 0.3}}}}
  encoders: {{static_x: {STATIC}}}
"""
    (problem,) = _problems(tmp_path, text)
    assert f"'static' with '{other}' and 'static_x' with 'hybrid' are both named" in problem


def test_no_two_jobs_share_a_path_by_their_names():
    """Wildcards are parts of paths of their own: `a_b` with `c` is not `a` with `b_c`."""
    seen = 0
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = file.read_text(encoding="utf-8")
        paths = re.findall(r'"<(?:results|logs|downloads)>/[^"]*"', text)
        seen += len(paths)
        for path in paths:
            for part in path.strip('"').replace("{{", "{").replace("}}", "}").split("/"):
                assert part.count("{") <= 1 or part in ("{table}.{format}", "{name}.{format}"), path
    assert seen > 100


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "files: {../../../x: null}",
            "s.files.../../../x: a key here has an empty part, `.` or `..`",
        ),
        ("files: {a/../../x: null}", "s.files.a/../../x: a key here has an empty part"),
        ("files: {/etc/x: null}", "s.files./etc/x: a key here has an empty part"),
        ("files: {a//x: null}", "s.files.a//x: a key here has an empty part"),
        ("files: {a/: null}", "s.files.a/: a key here has an empty part"),
        ("files: {'x?y=1': null}", "s.files.x?y=1: a key here has '?'"),
        ("files: {'a\\x': null}", "s.files.a\\x: a key here has '\\\\'"),
        ("files: {'a%2e%2e': null}", "s.files.a%2e%2e: a key here has '%2e'"),
        ("files: {'a{b}': null}", "s.files.a{b}: a key here has braces"),
        ('files: {"a\\nb": null}', "s.files.a\\nb: a key here has a line break"),
        ("series: {'../{number}': 2}", "s.series.../{number}: a key here has an empty part"),
        ("series: {'{number}/{x}': 2}", "s.series.{number}/{x}: a key here has braces"),
        ("base: https://example.org/../../", "s.base: 'https://example.org/../../' has an empty"),
        ("base: https://example.org//", "s.base: 'https://example.org//' must match"),
        ("base: https://../", "s.base: 'https://../' must match"),
        ("base: https://datasets/", "s.base: 'https://datasets/' must match"),
        ("base: https://me:secret@example.org/", "s.base: 'https://me:secret@example.org/' must"),
        ("base: 'https://example.org/?a=/'", "s.base: 'https://example.org/?a=/' has '?'"),
        ("base: http://example.org/", "s.base: 'http://example.org/' must match"),
        ("base: file:///etc/", "s.base: 'file:///etc/' must match"),
    ],
)
def test_what_is_fetched_stays_below_its_root(tmp_path, source, problem):
    entry = {"base": "https://example.org/", "licence": "CC0", "files": {"a": None}}
    entry |= yaml.safe_load(f"{{{source}}}")
    found = _problems(tmp_path, yaml.safe_dump({"catalogue": {"sources": {"s": entry}}}))
    assert len(found) == 1
    assert found[0].startswith(f"catalogue.sources.{problem}")


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("{a/b: null}", "{a/B: null}", "differ only in case"),
        ("{a: null}", "{a/b: null}", "example.org/a is a file and a folder"),
        ("{a: " + "a" * 64 + "}", "{a: " + "b" * 64 + "}", "is pinned to two different hashes"),
    ],
)
def test_files_of_sources_do_not_take_each_others_place(tmp_path, first, second, problem):
    text = f"""
catalogue:
  sources:
    s: {{base: https://example.org/, licence: CC0, files: {first}}}
    t: {{base: https://example.org/, licence: CC0, files: {second}}}
"""
    (found,) = _problems(tmp_path, text)
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "translators: {apertium: {routes: {ca: {mode: ../../}}}}",
            "translators.apertium.routes.ca.mode",
        ),
        (
            "translators: {apertium: {routes: {ca: {mode: -d}}}}",
            "translators.apertium.routes.ca.mode",
        ),
        (
            "translators: {apertium: {routes: {ca: {package: a; b}}}}",
            "translators.apertium.routes.ca.p",
        ),
        (
            "corpora: {squad: {path: ../../x}}",
            "corpora.squad: '../../x' has a `revision`, but is no n",
        ),
        (
            "corpora: {squad: {path: a/b/c}}",
            "corpora.squad: 'a/b/c' has a `revision`, but is no name",
        ),
        ("corpora: {bundled: {path: 'a{b}'}}", "corpora.bundled.path: 'a{b}' has braces"),
        (
            "corpora: {bundled: {path: 'a<results>'}}",
            "corpora.bundled.path: 'a<results>' has <name>",
        ),
        (
            "benchmarks: {bundled: {path: '{language}/{lang}.json'}}",
            "benchmarks.bundled.path: '{language}/{lang}.json' has braces",
        ),
        ('benchmarks: {bundled: {title: "a\\nb"}}', "benchmarks.bundled.title: 'a\\nb' must match"),
    ],
)
def test_a_text_that_becomes_a_path_is_checked(tmp_path, text, problem):
    found = _problems(tmp_path, f"catalogue: {{{text}}}")
    assert len(found) == 1
    assert found[0].startswith(f"catalogue.{problem}")


@pytest.mark.parametrize(
    "kind", ["transformer, pooling: mean, max_tokens: 8, query_prefix: '', passage_prefix: ''"]
)
@pytest.mark.parametrize("model", ["../x", "a/b/c", "/etc", "a b", "~/x", ".."])
def test_a_model_with_a_revision_is_one_of_the_hub(tmp_path, kind, model):
    text = (
        f"catalogue: {{encoders: {{m: {{kind: {kind}, model: '{model}', revision: {'a' * 40}}}}}}}"
    )
    (problem,) = _problems(tmp_path, text)
    assert problem == (
        f"catalogue.encoders.m: {model!r} has a `revision`, but is no name on the hub such as "
        "org/name"
    )
    local = _load(tmp_path, text.replace(f", revision: {'a' * 40}", ""))
    assert local.catalogue.encoders["m"].model == model.replace("~", str(Path.home()))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("a b/é\"'/$x;&", "a b/é\"'/$x;&"),
        ("./a//b/", "a/b"),
        ("/a//", "/a"),
        ("././a/../b", "a/../b"),
        ("a~", "a~"),
        ("x/~/y", "x/~/y"),
    ],
)
def test_a_folder_may_have_almost_any_name(tmp_path, given, read):
    text = yaml.safe_dump({"pathvars": {"results": given}}, allow_unicode=True)
    assert _load(tmp_path, text).pathvars.results == read


def test_the_home_folder_is_meant_by_its_sign(tmp_path):
    found = _load(tmp_path, "pathvars: {results: ~/r/, downloads: '~/d'}").pathvars
    assert (found.results, found.downloads) == (f"{Path.home()}/r", f"{Path.home()}/d")


@pytest.mark.parametrize(
    ("roots", "problem"),
    [
        ("{results: 'a{b}c'}", "pathvars.results: 'a{b}c' has braces"),
        ("{results: 'a<b>c'}", "pathvars.results: 'a<b>c' has <name>"),
        ('{downloads: "a\\nb"}', "pathvars.downloads: 'a\\nb' has a line break"),
        ("{results: ./}", "pathvars.results: '.' is no folder of its own"),
        ("{results: x/..}", "pathvars.results: 'x/..' is no folder of its own"),
        ("{results: /}", "pathvars.results: '/' is no folder of its own"),
        ("{results: ../}", "pathvars.results: '..' is no folder of its own"),
        ("{results: workflow}", "pathvars.results: 'workflow' is a folder of the project itself"),
        ("{results: x/../Config/y}", "pathvars.results: 'Config' is a folder of the project"),
        ("{downloads: .git/x}", "pathvars.downloads: '.git' is a folder of the project itself"),
        ("{results: downloads/../x, downloads: x}", "pathvars: results and downloads are both"),
        ("{results: X, downloads: x/}", "pathvars: results and downloads are both 'X'"),
        ("{results: ''}", "pathvars.results: '' must not be empty"),
    ],
)
def test_roots_that_snakemake_cannot_use_are_refused(tmp_path, roots, problem):
    (found,) = _problems(tmp_path, f"pathvars: {roots}")
    assert found.startswith(problem)


def test_shipped_files_are_below_downloads():
    for name in ("config.yaml", "paper.yaml"):
        for place in sources(conf.load([ROOT / "config" / name])):
            assert not Path(place).is_absolute()
            assert ".." not in Path(place).parts

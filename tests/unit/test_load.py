"""Files of a configuration are read strictly and laid over each other."""

from pathlib import Path

import pytest

from hybridbatch.experiment import load as conf
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "config/demo.yaml"


def _file(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("seeds: [0]\nscale: demo\nseeds: [1]\n", 3, "'seeds' stands twice, first on line 1"),
        ("training:\n  patience: 1\n  patience: 2\n", 3, "'patience' stands twice"),
        ("target_languages: [es, no]\n", 1, 'write false, or "no" in quotes for the language'),
        ("catalogue:\n  x: {No: 1}\n", 2, 'write false, or "No" in quotes for the language'),
        ("a: yes\n", 1, 'write true, or "yes" in quotes'),
        ("a: OFF\n", 1, 'write false, or "OFF" in quotes'),
        ("a: on\n", 1, 'write true, or "on" in quotes'),
        ("a:\n  b: 1e-5\n", 2, "YAML reads 1e-5 as text: write 1.0e-5"),
        ("a: [3E5]\n", 1, "write 3.0e+5"),
        ("a: 1.5e3\n", 1, "write 1.5e+3"),
        ("a: -2e-3\n", 1, "write -2.0e-3"),
        ("a: .nan\n", 1, ".nan is no finite decimal number"),
        ("a: -.inf\n", 1, "-.inf is no finite decimal number"),
        ("a: 010\n", 1, "YAML reads 010 as the number 8"),
        ("a: 1:30\n", 1, "YAML reads 1:30 as the number 90"),
    ],
)
def test_what_yaml_reads_otherwise_than_it_looks_is_refused(tmp_path, text, line, words):
    file = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        conf.read_file(file)
    assert str(caught.value).startswith(f"{file}: line {line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("key", ["1", "1.5", "true", "False", "~"])
def test_a_key_that_is_no_text_is_refused_with_its_line(tmp_path, key):
    file = _file(tmp_path, f"seeds: [1]\ncatalogue: {{encoders: {{{key}: {{kind: static}}}}}}\n")
    with pytest.raises(ConfigError) as caught:
        conf.read([file])
    words = f'line 2: the key {key} is no text: write "{key}" in quotes'
    assert str(caught.value) == f"{file}: {words}"


def test_a_number_of_more_digits_than_python_reads_is_refused(tmp_path):
    text = f"seeds: [{'9' * 5000}]"
    with pytest.raises(ConfigError, match="cannot be read: Exceeds the limit"):
        conf.load([DEMO, _file(tmp_path, text)])
    with pytest.raises(ConfigError, match=r"seeds\.0: inf must be an integer"):
        conf.load([DEMO], [text.replace(": ", "=")])


def test_what_is_meant_as_it_looks_is_read(tmp_path):
    commit = "1234567890123456789012345678901234567e12"
    text = f"""
a: ["no", 'yes', "1e-5", true, False, null, 1.0e-5, 3, -0.5, 2024-05-01, {commit}, es]
base: &base {{x: 1, y: 2}}
laid: {{<<: *base, y: 3}}
"""
    values = conf.read_file(_file(tmp_path, text))
    assert values["a"] == [
        "no", "yes", "1e-5", True, False, None, 1.0e-5, 3, -0.5, "2024-05-01", commit, "es",
    ]  # fmt: skip
    assert values["laid"] == {"x": 1, "y": 3}


def test_what_is_laid_over_an_alias_leaves_its_anchor(tmp_path):
    base = _file(tmp_path, "training: &a {patience: 1, seed: 2}\nother: *a\n", "base.yaml")
    over = _file(tmp_path, "other: {patience: 3}\n")
    values = conf.read([base, over])
    assert (values["training"]["patience"], values["other"]["patience"]) == (1, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training: [1]\n", "training: is a list, and a mapping in what it is laid over"),
        ("seeds: {a: 1}\n", "seeds: is a mapping, and a list in what it is laid over"),
        ("catalogue: {encoders: {static: 5}}\n", "catalogue.encoders.static: is a single value"),
    ],
)
def test_conflict_of_a_list_and_a_mapping_is_named(tmp_path, text, words):
    file = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        conf.load([DEMO, file])
    assert str(caught.value).startswith(f"{file}: {words}")


def test_null_takes_a_key_away_again(tmp_path):
    text = "catalogue: {corpora: {bundled: {licence: null}}}\n"
    found = conf.load([DEMO, _file(tmp_path, text)])
    assert found.catalogue.corpora["bundled"].licence is None
    assert "licence" not in found.catalogue.corpora["bundled"].plain()


def test_a_name_of_a_kind_of_sampling_is_that_kind(tmp_path):
    text = "catalogue: {samplings: {x-y: {kind: x-x}}}\n"
    with pytest.raises(ConfigError, match=r"catalogue\.samplings\.x-y\.kind: 'x-x', and the name"):
        conf.load([DEMO, _file(tmp_path, text)])

"""Kinds are loaded by name; one that is missing is told apart from one that fails to import."""

import pytest

from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import ConfigError


@pytest.mark.parametrize("name", ["emoji", "lareqa", "miracl", "rendered", "xm3600", "xtd10"])
def test_a_kind_of_benchmark_is_the_module_of_its_name(name):
    module = kinds.load("benchmarks", name)
    assert module.__name__ == f"hybridbatch.benchmarks.{name}"
    assert callable(module.read)


@pytest.mark.parametrize("name", ["static", "scratch", "transformer", "text_image", "rendered"])
def test_a_kind_of_encoder_has_the_four_functions(name):
    module = kinds.load("encoders", name)
    assert all(callable(getattr(module, f)) for f in ("prepare", "inputs", "start", "load"))


def test_a_kind_that_has_no_module_is_refused_and_its_file_named():
    message = "'laresqa' is no module of hybridbatch.benchmarks: add hybridbatch/benchmarks/lares"
    with pytest.raises(ConfigError, match=message):
        kinds.load("benchmarks", "laresqa")


def test_an_import_that_fails_inside_a_kind_is_told_as_it_is(tmp_path, monkeypatch):
    """A library that is not installed is no missing kind."""
    import hybridbatch.benchmarks

    (tmp_path / "needy.py").write_text("import no_such_library\n")
    monkeypatch.setattr(hybridbatch.benchmarks, "__path__", [str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        kinds.load("benchmarks", "needy")

"""The fingerprint changes with what a script computes and with nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridbatch import code

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the scripts and the package, which a test may edit."""
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "_PACKAGE", copy / "hybridbatch")
    return copy


def _fingerprint(copy: Path, script: str = "finetune.py") -> str:
    code._parse.cache_clear()
    return code.fingerprint(copy / script)


def _edit(path: Path, edit: Callable[[str], str]) -> None:
    old = path.read_text(encoding="utf-8")
    new = edit(old)
    assert new != old
    path.write_text(new, encoding="utf-8")


def _replace(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


HARMLESS = {
    "comment": lambda text: text + "\n# A remark.\n",
    "trailing comment": _replace("import torch\n", "import torch  # a remark\n"),
    "module docstring": _replace('"""The contrastive', '"""A contrastive'),
    "function docstring": _replace('"""InfoNCE over', '"""Loss over'),
    "no module docstring": lambda text: text[text.index("import torch") :],
    "blank lines": _replace("import torch\n", "\n\n\nimport torch\n\n"),
    "line breaks": _replace(
        "scores / temperature, targets", "scores / temperature,\n        targets"
    ),
}


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_layout_and_words_do_not_count(copy, edit):
    before = _fingerprint(copy)
    _edit(copy / "hybridbatch" / "losses.py", edit)
    assert _fingerprint(copy) == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("losses.py", "scores / temperature", "scores * temperature"),
        ("losses.py", "dim=-1", "dim=0"),
        ("files.py", '"zstd"', '"gzip"'),  # imported by an imported module
    ],
)
def test_formula_of_an_imported_module_counts(copy, module, old, new):
    before = _fingerprint(copy)
    _edit(copy / "hybridbatch" / module, _replace(old, new))
    assert _fingerprint(copy) != before


def test_the_script_itself_counts(copy):
    before = _fingerprint(copy)
    _edit(copy / "finetune.py", _replace("snakemake.threads", "1 + snakemake.threads"))
    assert _fingerprint(copy) != before


@pytest.mark.parametrize("module", ["logs.py", "errors.py"])
def test_what_is_said_does_not_count(copy, module):
    before = _fingerprint(copy)
    _edit(copy / "hybridbatch" / module, lambda text: text + "\nLOUD = True\n")
    assert _fingerprint(copy) == before


def test_module_counts_only_for_scripts_that_import_it(copy):
    scripts = ("finetune.py", "read_corpus.py")
    before = [_fingerprint(copy, script) for script in scripts]
    _edit(copy / "hybridbatch" / "corpora.py", lambda text: text + "\nMORE = True\n")
    assert _fingerprint(copy, "finetune.py") == before[0]
    assert _fingerprint(copy, "read_corpus.py") != before[1]


@pytest.mark.parametrize(
    "statement",
    [
        "import hybridbatch.added",
        "import hybridbatch.added as other",
        "from hybridbatch import added",
        "from hybridbatch.added import VALUE",
        "def later():\n    from hybridbatch.added import VALUE\n",
    ],
)
def test_every_form_of_import_is_followed(copy, statement):
    (copy / "script.py").write_text(statement, encoding="utf-8")
    added = copy / "hybridbatch" / "added.py"
    added.write_text("VALUE = 1\n", encoding="utf-8")
    before = _fingerprint(copy, "script.py")
    added.write_text("VALUE = 2\n", encoding="utf-8")
    assert _fingerprint(copy, "script.py") != before


def test_modules_that_import_each_other_come_to_an_end(copy):
    (copy / "script.py").write_text("import hybridbatch.one", encoding="utf-8")
    (copy / "hybridbatch" / "one.py").write_text("import hybridbatch.two", encoding="utf-8")
    (copy / "hybridbatch" / "two.py").write_text("import hybridbatch.one", encoding="utf-8")
    before = _fingerprint(copy, "script.py")
    _edit(copy / "hybridbatch" / "two.py", lambda text: text + "\nVALUE = 1\n")
    assert _fingerprint(copy, "script.py") != before


def test_place_of_the_checkout_does_not_count(copy, monkeypatch):
    there = _fingerprint(copy)
    monkeypatch.setattr(code, "_PACKAGE", SCRIPTS / "hybridbatch")
    assert _fingerprint(SCRIPTS) == there


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_every_script_has_a_fingerprint(script):
    assert len(code.fingerprint(script)) == 16

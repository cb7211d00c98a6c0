"""The fingerprint changes with what a script computes and with nothing else."""

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridbatch.provenance import fingerprint as code

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
    "module docstring": _replace('"""The losses', '"""Some losses'),
    "function docstring": _replace('"""InfoNCE over', '"""Loss over'),
    "no module docstring": lambda text: text[text.index("import math") :],
    "blank lines": _replace("import torch\n", "\n\n\nimport torch\n\n"),
    "line breaks": _replace(
        "scores / temperature, targets", "scores / temperature,\n        targets"
    ),
}


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_layout_and_words_do_not_count(copy, edit):
    before = _fingerprint(copy)
    _edit(copy / "hybridbatch/training/losses.py", edit)
    assert _fingerprint(copy) == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("training/losses.py", "scores / temperature", "scores * temperature"),
        ("training/losses.py", "dim=-1", "dim=0"),
        ("training/samplers.py", "draw < self.alpha", "draw > self.alpha"),
    ],
)
def test_formula_of_an_imported_module_counts(copy, module, old, new):
    before = _fingerprint(copy)
    _edit(copy / "hybridbatch" / module, _replace(old, new))
    assert _fingerprint(copy) != before


def test_module_counts_however_far_away_it_is_imported(copy):
    # By way of tables, cells and evaluation.
    before = _fingerprint(copy, "score_table.py")
    _edit(copy / "hybridbatch/evaluation/metrics.py", lambda text: text + "\nMORE = True\n")
    assert _fingerprint(copy, "score_table.py") != before


def test_the_script_itself_counts(copy):
    before = _fingerprint(copy)
    _edit(copy / "finetune.py", _replace("job.config.pairs", "1 - job.config.pairs"))
    assert _fingerprint(copy) != before


@pytest.mark.parametrize("module", ["runtime/logs.py", "runtime/files.py", "experiment/lookups.py"])
def test_what_is_said_and_how_it_is_stored_does_not_count(copy, module):
    before = _fingerprint(copy)
    _edit(copy / "hybridbatch" / module, lambda text: text + "\nLOUD = True\n")
    assert _fingerprint(copy) == before


def test_module_counts_only_for_scripts_that_import_it(copy):
    scripts = ("finetune.py", "read_corpus.py")
    before = [_fingerprint(copy, script) for script in scripts]
    _edit(copy / "hybridbatch/data/pairs.py", lambda text: text + "\nMORE = True\n")
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


@pytest.mark.parametrize("script", ["read_corpus.py", "translate.py"])
def test_module_that_is_loaded_by_name_does_not_count_for_its_loader(copy, script):
    before = _fingerprint(copy, script)
    for module in ("data/readers/squad.py", "translation/engines/apertium.py"):
        _edit(copy / "hybridbatch" / module, lambda text: text + "\nMORE = True\n")
    (copy / "hybridbatch/data/readers/added.py").write_text("MORE = True\n", encoding="utf-8")
    assert _fingerprint(copy, script) == before


@pytest.mark.parametrize(
    ("script", "package"),
    [("read_corpus.py", "data/readers"), ("translate.py", "translation/engines")],
)
def test_loader_itself_counts(copy, script, package):
    before = _fingerprint(copy, script)
    loader = copy / "hybridbatch" / package / "__init__.py"
    _edit(loader, lambda text: text + "\nMORE = True\n")
    assert _fingerprint(copy, script) != before


def test_module_that_is_loaded_by_name_counts_with_what_it_imports(copy):
    reader = "hybridbatch/data/readers/newsqa.py"
    before = _fingerprint(copy, reader)
    _edit(copy / "hybridbatch/data/sentences.py", lambda text: text + "\nMORE = True\n")
    changed = _fingerprint(copy, reader)
    assert changed != before
    _edit(copy / reader, _replace("start >= 0", "start > 0"))
    assert _fingerprint(copy, reader) not in (before, changed)


def _text(value: str | ast.AST) -> str:
    parts: list[str] = []
    code._walk(ast.parse(value) if isinstance(value, str) else value, parts, [])
    return "".join(parts)


@pytest.mark.parametrize("empty", [[], None])
@pytest.mark.parametrize(
    "source", ["class A(B):\n    x = 1\n", "def f(x):\n    return x\n", "async def f(): pass\n"]
)
def test_field_that_another_python_adds_does_not_count_while_empty(source, empty):
    without, added = ast.parse(source), ast.parse(source)
    node = without.body[0]
    node._fields = tuple(name for name in node._fields if name != "type_params")
    node = added.body[0]
    node._fields = (*(n for n in node._fields if n != "type_params"), "type_params")
    node.type_params = empty
    assert "type_params" not in without.body[0]._fields
    assert _text(without) == _text(added) == _text(source)
    node.type_params = [ast.Name("T", ast.Load())]
    assert _text(added) != _text(without)


# Should this text change with the version of Python, so would every fingerprint.
WALKED = (
    "Module(body=FunctionDef(name='f'args=arguments(args=arg(arg='x'),kwonlyargs=arg(arg='y'),"
    "kw_defaults=NoneType:None,)body=Return(value=BinOp(left=Name(id='x'ctx=Load())op=Add()"
    "right=JoinedStr(values=Constant,FormattedValue(value=Name(id='y'ctx=Load())conversion=-1),)"
    ")),),)"
).replace("Constant", "str:'a'")


def test_text_is_the_same_in_every_python():
    assert _text("def f(x, *, y=None):\n    return x + f'a{y}'\n") == WALKED


def test_different_constants_have_different_texts():
    constants = ["1", "1.0", "1j", "True", "None", "...", "'1'", "b'1'", "'True'", "'None'", "''"]
    # As a value, as a default and as a key: where None is a node, and where it means absence.
    forms = ["x = {}", "def f(*, x={}): pass", "y = {{{}: 1}}", "match x:\n    case {}: pass"]
    for form in forms[:3]:
        texts = [_text(form.format(constant)) for constant in constants]
        assert len(set(texts)) == len(constants)
    patterns = [_text(forms[3].format(c)) for c in ("1", "True", "False", "None", "'1'", "'None'")]
    assert len(set(patterns)) == 6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(): return", "def f(): return None"),
        ("def f(*, x): pass", "def f(*, x=None): pass"),
        ("y = {**x}", "y = {None: x}"),
        ("f(x)", "f(*x)"),
        ("f(x)", "f(y)"),
        ("x = [1, [2]]", "x = [[1, 2]]"),
        ("x = ['a', 'b']", "x = ['a,b']"),
        ("x = -1", "x = +1"),
        ("x[1:]", "x[:1]"),
        ("x[::2]", "x[:2:]"),
        ("def f(x, /): pass", "def f(*, x): pass"),
        ("if x:\n    a\nb", "if x:\n    a\n    b"),
        ("if x:\n    a\n    b", "if x:\n    a\nelse:\n    b"),
        ("from . import x", "from .. import x"),
        ("import x", "import x as y"),
        ("async def f(): pass", "def f(): pass"),
        ("@a\ndef f(): pass", "def f(): pass"),
        ("f'{x}'", "f'{x!r}'"),
        ("f'{x}'", "f'{x:>2}'"),
    ],
)
def test_different_code_has_different_texts(one, other):
    assert _text(one) != _text(other)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that imports a module of a small package, of which nothing is known."""
    package = tmp_path / "scripts/hybridbatch"
    (package / "data").mkdir(parents=True)
    for name, text in (("__init__", ""), ("data/__init__", ""), ("data/one", "X = 1\n")):
        (package / f"{name}.py").write_text(text)
    script = package.parent / "script.py"
    script.write_text("from hybridbatch.data import one\n\nprint(one.X)\n")
    monkeypatch.setattr(code, "_PACKAGE", package)
    forget(monkeypatch)
    return script


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another process begins."""
    monkeypatch.setattr(code, "_known", {})
    code._parse.cache_clear()


def test_what_modules_say_is_parsed_once(script, tmp_path, monkeypatch):
    store = tmp_path / "known.json"
    code.remember(store)
    expected, written = code.fingerprint(script), store.stat().st_mtime_ns
    forget(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(code.ast, "parse", None)
        code.remember(store)
        assert code.fingerprint(script) == expected
    assert store.stat().st_mtime_ns == written
    code.remember(tmp_path / "another.json")  # though all is known already
    assert (tmp_path / "another.json").read_text() == store.read_text()


@pytest.mark.parametrize("harm", ["", "[]", '{"of": "another version", "modules": 5}', "\x00"])
def test_a_store_that_says_nothing_is_made_anew(script, tmp_path, monkeypatch, harm):
    store = tmp_path / "known.json"
    code.remember(store)
    good = store.read_text()
    store.write_text(harm)
    forget(monkeypatch)
    code.remember(store)
    assert store.read_text() == good


def test_an_edited_module_is_parsed_again(script, tmp_path, monkeypatch):
    store = tmp_path / "known.json"
    code.remember(store)
    before = code.fingerprint(script)
    (code._PACKAGE / "data/one.py").write_text("X = 2\n")
    forget(monkeypatch)
    code.remember(store)
    assert code.fingerprint(script) != before


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_every_script_has_a_fingerprint(script):
    assert len(code.fingerprint(script)) == 16

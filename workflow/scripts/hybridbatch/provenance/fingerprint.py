"""Fingerprints of the code that a result depends on; comments and docstrings do not count.

Snakemake notices a changed script but not its imported modules, and would rerun days of training
for a comment. Every rule therefore has this fingerprint as a parameter, and the profiles turn off
Snakemake's own code trigger.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

from hybridbatch.runtime.files import write_json

# Beside Snakemake's own records. It may be deleted.
STORE = ".snakemake/fingerprints.json"
_PACKAGE = Path(__file__).parents[1]
# Packages that cannot change a result. `runtime` logs, locks and stores files; the modules whose
# state a checkpoint holds are in fingerprints. `experiment` only yields parameters, and Snakemake
# compares those itself.
_SILENT = {"runtime", "experiment"}
# By the hash of a module's content: the hash of its code, and the names that it imports.
_known: dict[str, tuple[str, list[str]]] = {}


def remember(store: str | Path = STORE) -> None:
    """Parse all scripts and modules, unless an earlier run has stored what they say.

    Parsing takes more than a second, and every run of Snakemake, dry ones too, needs all of it.
    """
    own = _hash(Path(__file__).read_bytes())
    stored = _stored(store, own)
    _known.update(stored)
    paths = [*_PACKAGE.parent.glob("*.py"), *_PACKAGE.rglob("*.py")]
    modules = {key: _known[key] for key in map(_understood, paths)}
    if not modules.keys() <= stored.keys():
        write_json(store, {"of": own, "modules": modules}, digest=False)


def _stored(store: str | Path, own: str) -> dict[str, tuple[str, list[str]]]:
    """What a store of this version, `own`, holds; nothing where it cannot be read."""
    try:
        found = json.loads(Path(store).read_text(encoding="utf-8"))
        entries = found["modules"].items() if found["of"] == own else ()
        return {key: (code, names) for key, (code, names) in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def fingerprint(script: str | Path) -> str:
    """Hash of a script and of every module of this package it imports, directly or not.

    Comments, docstrings and layout do not count; any other change does.
    """
    seen: dict[Path, str] = {}
    todo = [Path(script)]
    if todo[0].is_relative_to(_PACKAGE):  # a kind: importing it also runs its packages' `__init__`
        todo += _module_paths(".".join(todo[0].relative_to(_PACKAGE.parent).with_suffix("").parts))
    while todo:
        path = todo.pop()
        if path not in seen:
            seen[path], imported = _parse(path)
            todo += imported
    digest = hashlib.sha256()
    # Named by the path in the package, since two packages may have modules of the same name.
    named = {_name(path): text for path, text in seen.items()}
    for name in sorted(named):
        digest.update(f"{name}\0{named[name]}\0".encode())
    return digest.hexdigest()[:16]


def _name(path: Path) -> str:
    inside = path.is_relative_to(_PACKAGE)
    return path.relative_to(_PACKAGE).as_posix() if inside else path.name


@cache
def _parse(path: Path) -> tuple[str, list[Path]]:
    """The hash of a module's normalised code, and the modules of this package that it imports."""
    code, names = _known[_understood(path)]
    return code, [module for name in names for module in _module_paths(name)]


def _understood(path: Path) -> str:
    """The key of a module in `_known`, where it is afterwards."""
    content = path.read_bytes()
    key = _hash(content)
    if key not in _known:
        parts: list[str] = []
        names: list[str] = []
        _walk(ast.parse(content, filename=str(path)), parts, names)
        _known[key] = _hash("".join(parts).encode()), names
    return key


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _walk(node: ast.AST, parts: list[str], imported: list[str]) -> None:
    """The text of a node, without its docstring, and the dotted names that it imports.

    Like ast.dump, but equal in all Python versions: absent or empty fields are left out. One walk
    does all, since every run of Snakemake parses every module.
    """
    if isinstance(node, ast.Constant):
        parts.append(f"{type(node.value).__name__}:{node.value!r}")
        return
    if isinstance(node, ast.Import):
        imported += [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        imported.append(node.module)
        imported += [f"{node.module}.{alias.name}" for alias in node.names]
    elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]
    parts.append(type(node).__name__ + "(")
    for name in node._fields:
        field = getattr(node, name, None)
        if field is None or field == []:
            continue
        parts.append(name + "=")
        if isinstance(field, list):
            for item in field:
                _value(item, parts, imported)
                parts.append(",")
        else:
            _value(field, parts, imported)
    parts.append(")")


def _value(value: object, parts: list[str], imported: list[str]) -> None:
    if isinstance(value, ast.AST):
        _walk(value, parts, imported)
    else:
        parts.append(repr(value))


def _module_paths(name: str) -> list[Path]:
    """The module of this package that a dotted name refers to, and its parent packages.

    The name may be a module or an object in one.
    """
    parts = name.split(".")
    if parts[0] != _PACKAGE.name or (parts[1:2] and parts[1] in _SILENT):
        return []
    # An import also runs the `__init__` of every parent package.
    packages = [_PACKAGE.joinpath(*parts[1:i], "__init__.py") for i in range(1, len(parts) + 1)]
    module = _PACKAGE.joinpath(*parts[1:]).with_suffix(".py")
    return [path for path in (*packages, module) if path.is_file()]

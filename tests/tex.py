"""LaTeX for tests: compiles files of tables in one document."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_DOCUMENT = r"""\documentclass{{article}}
\usepackage[a4paper, margin=2.5cm]{{geometry}}
\usepackage{{booktabs}}
\extrafloats{{500}}
\begin{{document}}
{inputs}
\end{{document}}
"""


def compiled(files: Sequence[Path], folder: Path) -> str:
    """The log of pdflatex, which made folder/all.pdf. Without TeX a test skips; in CI it fails."""
    engine = shutil.which("pdflatex")
    if engine is None:
        hint = (
            "pdflatex is not installed: apt-get install texlive-latex-recommended, or `make test`"
        )
        (pytest.fail if os.environ.get("CI") else pytest.skip)(hint)
    inputs = "\n".join(rf"\input{{{file}}}\clearpage" for file in files)
    (folder / "all.tex").write_text(_DOCUMENT.format(inputs=inputs), encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = (folder / "all.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-4000:]
    return log

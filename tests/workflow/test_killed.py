"""After Snakemake was killed, `unlock.py` lets the same command go on."""

import subprocess
import sys
from pathlib import Path

from checkout import ROOT
from test_orphans import start, until

SNAKEFILE = f"""
import sys
sys.path.insert(0, "{ROOT / "workflow/scripts"}")
from hybridbatch.runtime import recovery

onstart:
    recovery.begin(["out"])

onsuccess:
    recovery.end()

onerror:
    recovery.end()

rule all:
    output: "out/made"
    shell: "touch begun; until [ -e end ]; do sleep .1; done; touch {{output}}"
"""


def unlock(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "workflow/unlock.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_killed_run_goes_on_once_it_is_unlocked(tmp_path: Path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    head = start(tmp_path)
    until((tmp_path / "begun").exists)
    refused = unlock(tmp_path)
    assert refused.returncode == 1
    assert f"Snakemake runs here, process {head.pid} on" in refused.stderr
    head.kill()
    (tmp_path / "end").touch()
    head.communicate()
    output, _ = start(tmp_path, "--rerun-incomplete").communicate(timeout=90)
    assert "Directory cannot be locked" in output
    done = unlock(tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"process {head.pid} on" in done.stdout
    head = start(tmp_path, "--rerun-incomplete")
    output, _ = head.communicate(timeout=90)
    assert head.returncode == 0, output
    assert (tmp_path / "out/made").exists()
    assert not list((tmp_path / ".snakemake/owners").iterdir())


def test_make_unlocks_before_it_runs_snakemake():
    for target in ("demo", "report"):
        run = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
        lines = run.stdout.splitlines()
        places = [i for i, line in enumerate(lines) if "workflow/unlock.py --quiet" in line]
        runs = [i for i, line in enumerate(lines) if "snakemake --cores" in line]
        assert len(places) == len(runs) == 1
        assert places[0] < runs[0]

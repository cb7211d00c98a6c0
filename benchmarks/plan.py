"""Time to plan the paper's XQuAD-R table against Snakemake planning a workflow of five jobs.

    .venv/bin/python benchmarks/plan.py

The peer is Snakemake itself on a Snakefile with nothing but five shell rules, so the ratio is what
this workflow's configuration, functions and jobs add. Medians of alternating runs.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
FIVE = "\n".join(
    ["rule all:\n    input: 'c4'"]
    + [
        f"rule r{i}:\n    output: 'c{i}'\n    shell: 'touch {{output}}'"
        if i == 0
        else f"rule r{i}:\n    input: 'c{i - 1}'\n    output: 'c{i}'\n    shell: 'touch {{output}}'"
        for i in range(5)
    ]
)


def seconds(arguments: list[str], folder: Path) -> float:
    """Wall-clock seconds of one dry run."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--quiet", "all"]
    start = time.perf_counter()
    subprocess.run([*command, *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    paper = ["--configfile=config/paper.yaml", "--", "results/paper/tables/xquad_r.csv"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Snakefile").write_text(FIVE)
        times = [(seconds(paper, ROOT), seconds([], Path(folder))) for _ in range(RUNS)]
    ours, peer = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"paper's XQuAD-R table {ours:.2f} s, five jobs {peer:.2f} s, ratio {ours / peer:.2f}")


if __name__ == "__main__":
    main()

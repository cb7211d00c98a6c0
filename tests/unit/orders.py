"""A job's script run with its inputs in several orders."""

import random
from collections.abc import Callable
from importlib import import_module
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PUBLISHED = Path(__file__).parents[2] / "resources" / "published"
ENCODERS, SAMPLINGS, SEEDS, LANGUAGES = ["b", "a"], ["x-y", "hybrid"], [1, 0], ["es", "en"]
BENCHMARK = "quiz"
CORPORA = ["news", "films"]
SETS = [{"corpus": c, "language": code} for c, code in product(CORPORA, LANGUAGES)]
SCORED = [{"benchmark": BENCHMARK, "system": f"{e}_{s}"} for e, s in product(ENCODERS, SAMPLINGS)]
COMPARED = [{"encoder": encoder, "benchmark": BENCHMARK} for encoder in ENCODERS]


def keys(encoder: str, sampling: str, **others: Any) -> dict[str, Any]:
    names = {"encoder": encoder, "variant": encoder, "sampling": sampling}
    return names | {"system": f"{encoder}_{sampling}", "benchmark": BENCHMARK} | others


def run(script: str, inputs: Any, params: dict[str, Any], folder: Path) -> None:
    """The script's `main`, with all its outputs in a folder."""
    names = ("csv", "markdown", "latex", "svg", "caption")
    output = Output(str(folder / "out.parquet"))
    for name in names:
        setattr(output, name, str(folder / name))
    job = SimpleNamespace(input=inputs, output=output, params=SimpleNamespace(**params))
    import_module(script).main(job)


class Inputs(SimpleNamespace):
    """As Snakemake has them, by attribute and by item."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class Output(list):
    """A list of one, with names."""

    def __init__(self, first: str) -> None:
        super().__init__([first])


def named(**lists: list[str]) -> Callable[[int], Inputs]:
    """A function that gives the inputs in another order for each number."""

    def shuffled(number: int) -> Inputs:
        return Inputs(
            **{
                name: random.Random(number).sample(paths, len(paths))
                if isinstance(paths, list)
                else paths
                for name, paths in lists.items()
            }
        )

    return shuffled


def outputs(script: str, inputs: Callable, params: dict[str, Any], tmp_path: Path) -> list[dict]:
    """What the script writes for three orders of its inputs."""
    found = []
    for number in range(3):
        folder = tmp_path / f"{script}-{number}"
        folder.mkdir()
        run(script, inputs(number), params, folder)
        files = [path for path in folder.iterdir() if not path.name.startswith(".")]  # digests
        found.append({path.name: path.read_bytes() for path in files})
    return found


def same(found: list[dict], number_of_files: int) -> dict[str, bytes]:
    assert len(found[0]) == number_of_files
    assert all(one == found[0] for one in found)
    return found[0]

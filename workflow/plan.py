"""Print what a configuration costs, on paper: `make plan CONFIG=config/paper.yaml`.

    python workflow/plan.py [--gpu a100] [--cores 2] [config/config.yaml mine.yaml ...]

Configurations are laid over config/catalogue.yaml as Snakemake does it.
"""

import argparse
import csv
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hybridbatch.cost.model import RATES_FILE, Rates  # noqa: E402
from hybridbatch.cost.page import plan_text  # noqa: E402
from hybridbatch.cost.plans import Plan, plan  # noqa: E402
from hybridbatch.experiment import lookups  # noqa: E402
from hybridbatch.experiment.configuration import Experiment  # noqa: E402
from hybridbatch.experiment.load import load  # noqa: E402
from hybridbatch.runtime.errors import ConfigError  # noqa: E402
from hybridbatch.runtime.files import read_json  # noqa: E402


def read_rates() -> Rates:
    """The rates of this checkout."""
    return Rates.of(yaml.safe_load((ROOT / RATES_FILE).read_text(encoding="utf-8")))


def plan_of(config: Experiment, rates: Rates, gpu: str, folder: Path) -> Plan:
    """The plan of a configuration.

    folder: where its results may lie; sizes of corpora that were read are theirs.
    """
    published = {
        row["dataset"]: int(row["size_per_language"]) for row in _published("training_data.csv")
    }
    evaluation: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in _published("evaluation_data.csv"):
        sizes = int(row["queries"]), int(row["candidates"])
        evaluation[row["dataset"]][row["language"]] = sizes
    counts = {
        name: read_json(path)
        for name in config.catalogue.corpora
        if (path := folder / lookups.results(config) / "corpora" / name / "counts.json").is_file()
    }
    return plan(config, rates, gpu, published, evaluation, counts)


def text_of(files: list[str], gpu: str, cores: int | None, folder: Path) -> str:
    """The plan of configuration files as a page, on a GPU of the rates with `cores` beside it."""
    rates = read_rates()
    if cores:
        gpus = {name: replace(entry, cores=cores) for name, entry in rates.gpus.items()}
        rates = replace(rates, gpus=gpus)
    return plan_text(plan_of(load(files), rates, gpu, folder), rates, files)


def _published(name: str) -> list[dict[str, str]]:
    path = ROOT / "resources" / "published" / name
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", default=["config/config.yaml"], metavar="CONFIG")
    parser.add_argument("--gpu", default="h100", help=f"one of gpus in {RATES_FILE}")
    parser.add_argument("--cores", type=int, help="CPU cores beside a GPU, instead of the file's")
    arguments = parser.parse_args()
    if arguments.cores is not None and arguments.cores < 1:
        parser.error("--cores: at least 1")
    try:
        print(text_of(arguments.files, arguments.gpu, arguments.cores, Path()), end="")
    except ConfigError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""Print what a configuration costs, on paper: `make plan CONFIG=config/paper.yaml`.

    python workflow/plan.py [--gpu a100] [--cores 2] [--missing] [--measure] [CONFIG ...]

The jobs are those that Snakemake plans, as if nothing had been made; with `--missing`, what is not
there yet. `--gpu none` is a machine without one. With `--measure`, each encoder first takes some
steps here, a minute or less, and their rate replaces the assumed one. Configurations are laid over
config/catalogue.yaml as Snakemake does it. The last of several wins. `--config KEY=VALUE ...` is
laid over all of them, as Snakemake's is.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.dag import DAG
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hybridbatch.cost.measure import measure_all  # noqa: E402
from hybridbatch.cost.model import RATES_FILE  # noqa: E402
from hybridbatch.cost.page import plan_text  # noqa: E402
from hybridbatch.cost.plan import Job, plan  # noqa: E402
from hybridbatch.cost.work import read_rates, read_work  # noqa: E402
from hybridbatch.experiment.load import load  # noqa: E402
from hybridbatch.runtime.errors import HybridBatchError  # noqa: E402

_CORES = 1024  # more than the threads of any job, which Snakemake would otherwise reduce
# Targets of the Snakefile that the plan lists separately.
TABLES, ABLATIONS = "tables", "ablations"


def planned_jobs(
    files: Sequence[str | Path],
    folder: Path = ROOT,
    missing: bool = False,
    targets: Sequence[str] = (TABLES, ABLATIONS),
    options: Sequence[str] = (),
) -> tuple[list[Job], list[Job]]:
    """The jobs of all tables, and the jobs that other targets add, as Snakemake plans them.

    files: the configuration, without the catalogue. folder: the checkout, with any existing
    results. missing: plan only outputs that do not exist yet. targets: TABLES and others. options:
    entries `KEY=VALUE` of Snakemake's `--config`. Rules without outputs, which only name targets,
    are left out. Raises RuntimeError with Snakemake's message if it cannot plan.
    """
    found: tuple[list[Job], list[Job]] = ([], [])
    with snakemakes_dag(files, folder, missing, targets, options) as dag:
        needed = set(dag.needrun_jobs(exclude_finished=False))
        (tables,) = (job for job in dag.targetjobs if job.rule.name == TABLES)
        of_tables = set(dag.bfs(dag.dependencies, tables))
        for job in dag.jobs:
            if job in needed and job.output:
                asked = job.resources
                found[job not in of_tables].append(
                    Job(
                        job.rule.name,
                        dict(job.wildcards_dict),
                        job.threads,
                        asked.mem_mb,
                        asked.runtime,
                    )
                )
    return found


@contextlib.contextmanager
def snakemakes_dag(
    files: Sequence[str | Path],
    folder: Path,
    missing: bool,
    targets: Sequence[str],
    options: Sequence[str] = (),
) -> Iterator[DAG]:
    """Snakemake's own DAG, for `planned_jobs`, without locking or writing anything.

    Snakemake's API can print a DAG but not return it, hence the access to private names.
    """
    configfiles = [Path(file).absolute() for file in files]
    said = io.StringIO()
    output = OutputSettings(dryrun=True, quiet={Quietness.ALL}, enable_file_logging=False)
    with contextlib.redirect_stderr(said), SnakemakeApi(output) as api:
        workflow_api = api.workflow(
            ResourceSettings(cores=_CORES),
            ConfigSettings(configfiles=configfiles, config_args=options),
            snakefile=folder / "workflow" / "Snakefile",
            workdir=folder,
        )
        try:
            workflow_api.dag(DAGSettings(targets=set(targets), forceall=not missing))
            workflow = workflow_api._workflow
            workflow._prepare_dag(
                forceall=not missing, ignore_incomplete=True, lock_warn_only=True, nolock=True
            )
            workflow._build_dag()
        except Exception as error:
            api.print_exception(error)
            raise RuntimeError(said.getvalue().strip() or str(error)) from error
        yield workflow.dag


def text_of(
    files: Sequence[str],
    gpu: str,
    cores: int | None,
    folder: Path = ROOT,
    missing: bool = False,
    measured: bool = False,
    options: Sequence[str] = (),
) -> str:
    """The plan of configuration files as a page, on a GPU of the rates with `cores` beside it.

    measured: measure the rates of all encoders here first. options: as for `planned_jobs`.
    """
    rates = read_rates()
    work = read_work(load(files, options), rates, gpu, folder)
    if cores:
        work.gpu = replace(work.gpu, cores=cores)
    jobs = planned_jobs(files, folder, missing, options=options)
    found = measure_all(work, [job for of in jobs for job in of]) if measured else []
    return plan_text(plan(work, *jobs), rates, [*files, *options], found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", metavar="CONFIG")
    parser.add_argument("--gpu", default="h100", help=f"one of gpus in {RATES_FILE}, or none")
    parser.add_argument("--cores", type=int, help="CPU cores, beside a GPU or without one")
    parser.add_argument("--measure", action="store_true", help="the encoders' rates here, first")
    parser.add_argument("--missing", action="store_true", help="only what is not there yet")
    parser.add_argument(
        "--config",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="values that are laid over the files, as Snakemake's",
    )
    arguments = parser.parse_args()
    if arguments.cores is not None and arguments.cores < 1:
        parser.error("--cores: at least 1")
    # Also what follows the values, as when make puts its files there.
    files = [*arguments.files, *(entry for entry in arguments.config if "=" not in entry)]
    try:
        shown = text_of(
            files or ["config/config.yaml"],
            arguments.gpu,
            arguments.cores,
            missing=arguments.missing,
            measured=arguments.measure,
            options=[entry for entry in arguments.config if "=" in entry],
        )
    except (HybridBatchError, LookupError, RuntimeError) as error:
        sys.exit(str(error))
    print(shown, end="")


if __name__ == "__main__":
    main()

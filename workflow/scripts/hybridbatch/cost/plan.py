"""The plan of a configuration: the total cost of the jobs in Snakemake's DAG."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hybridbatch.cost.memory import Memory
from hybridbatch.cost.model import Corpus, Cost, Gpu, Span, hours
from hybridbatch.cost.rules.training import steps
from hybridbatch.cost.stages import STAGES, cost_of, stage_of
from hybridbatch.cost.work import Work

_TRAINS = ("finetune", "finetune_rendered")


@dataclass(frozen=True)
class Job:
    """A job of Snakemake's DAG, with the resources that it requests."""

    rule: str
    wildcards: Mapping[str, str]
    threads: int = 1
    mem_mb: int = 0
    runtime: int = 0  # minutes


@dataclass(frozen=True)
class Row:
    """The total cost of a stage."""

    stage: str
    jobs: int
    on_gpu: bool
    tokens: float
    flops: float
    disk: float
    hours_1: Span
    hours_8: Span


@dataclass(frozen=True)
class Largest:
    """The largest request of any job of a rule."""

    rule: str
    jobs: int
    threads: int
    mem_mb: int
    runtime: int  # minutes
    gpu_memory: float  # bytes; only reported, no job requests it


@dataclass(frozen=True)
class Plan:
    """The cost of a configuration."""

    gpu: Gpu
    rows: tuple[Row, ...]
    corpora: tuple[Corpus, ...]
    read: tuple[str, ...]  # corpora with sizes from the workflow's own counts
    models: int
    steps: tuple[int, int] | None  # fewest and most training steps of a system
    ablations: tuple[Row, ...]  # cost added by ablations; empty if none is selected
    ablation_models: int
    gpu_hours: Span
    largest: tuple[Largest, ...]
    memory: Mapping[str, Memory]  # of the largest fine-tuning job on a GPU, by encoder


def plan(work: Work, tables: Iterable[Job], ablations: Iterable[Job] = ()) -> Plan:
    """The plan for the jobs of all tables, and for those that only ablations need.

    Raises ConfigError if a size is unknown, LookupError if a rule has no cost.
    """
    of_tables, of_ablations = _costs(work, tables), _costs(work, ablations)
    models = [work.systems[j.wildcards["system"]] for j, _ in of_tables if j.rule in _TRAINS]
    spans = [steps(work, system) for system in models]
    total = sum((cost.seconds for _, cost in of_tables if cost.on_gpu), Span(0, 0))
    names = dict.fromkeys([*work.experiment.corpora, *work.experiment.validation])
    return Plan(
        gpu=work.gpu,
        rows=_rows(work, of_tables),
        corpora=tuple(work.corpora),
        read=tuple(name for name in names if work.is_counted(name)),
        models=len(models),
        steps=(max(a for a, _ in spans), max(b for _, b in spans)) if spans else None,
        ablations=_rows(work, of_ablations),
        ablation_models=sum(job.rule in _TRAINS for job, _ in of_ablations),
        gpu_hours=Span(total.low / 3600, total.high / 3600),
        largest=_largest([*of_tables, *of_ablations]),
        memory=_memory(work, [*of_tables, *of_ablations]),
    )


def _costs(work: Work, jobs: Iterable[Job]) -> list[tuple[Job, Cost]]:
    return [(job, cost_of(work, job.rule, job.wildcards)) for job in jobs]


def _rows(work: Work, jobs: Sequence[tuple[Job, Cost]]) -> tuple[Row, ...]:
    """Each stage that has a job."""
    by_stage: dict[str, list[Cost]] = {stage: [] for stage in STAGES}
    for job, cost in jobs:
        by_stage[stage_of(job.rule)].append(cost)
    return tuple(_row(work, stage, costs) for stage, costs in by_stage.items() if costs)


def _row(work: Work, stage: str, costs: Sequence[Cost]) -> Row:
    cores = work.gpu.cores
    return Row(
        stage,
        len(costs),
        any(cost.on_gpu for cost in costs),
        sum(cost.tokens for cost in costs),
        sum(cost.flops for cost in costs),
        sum(cost.disk for cost in costs),
        # Downloads share one network, however many machines there are.
        hours(costs, 1, 1 if stage == "fetch" else cores),
        hours(costs, 8, 1 if stage == "fetch" else 8 * cores),
    )


def _memory(work: Work, jobs: Sequence[tuple[Job, Cost]]) -> dict[str, Memory]:
    found: dict[str, Memory] = {}
    for job, cost in jobs:
        if cost.training is not None:
            name = work.systems[job.wildcards["system"]].encoder
            found[name] = max(found.get(name, cost.training), cost.training, key=lambda of: of.peak)
    return found


def _largest(jobs: Sequence[tuple[Job, Cost]]) -> tuple[Largest, ...]:
    """By rule, in the order of the stages."""
    found: dict[str, Largest] = {}
    for job, cost in jobs:
        old = found.get(job.rule, Largest(job.rule, 0, 0, 0, 0, 0.0))
        found[job.rule] = replace(
            old,
            jobs=old.jobs + 1,
            threads=max(old.threads, job.threads),
            mem_mb=max(old.mem_mb, job.mem_mb),
            runtime=max(old.runtime, job.runtime),
            gpu_memory=max(old.gpu_memory, cost.gpu_memory),
        )
    return tuple(found[rule] for rules in STAGES.values() for rule in rules if rule in found)

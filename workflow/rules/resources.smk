"""What each rule asks of the machine: functions of what its jobs cost, see hybridbatch/cost."""

from hybridbatch.cost import requests
from hybridbatch.cost.stages import WITH_DEVICE, stage_of
from hybridbatch.cost.work import read_rates, read_work, slowest_gpu


@cache
def work():
    rates = read_rates()
    return read_work(experiment, rates, slowest_gpu(rates))


@cache
def request(rule, wildcards):
    """What one job asks for; wildcards: (name, value) of each, in any order."""
    found = requests.of_job(work(), rule, dict(wildcards))
    if found.unknown and workflow.is_main_process:
        unknown_size(found.unknown)
    return found


@cache
def unknown_size(message):
    """Say it once."""
    logger.info(f"{message} Until then, jobs that depend on it ask for a default.")


def asked(rule, name):
    """A function of a job's wildcards and attempt: one of the values of its request."""
    return lambda wildcards, attempt: getattr(request(rule, (*wildcards.items(),)), name)(attempt)


# Snakemake calls each function for every job, which takes it longer than the function takes: what is
# the same for all jobs of a rule is no function.
def threads_of(rule):
    if rule not in WITH_DEVICE:
        return 1
    return lambda wildcards: request(rule, (*wildcards.items(),)).threads


def resources_of(rule):
    """Memory, minutes, space for outputs and GPUs; on another attempt more of all but GPUs."""
    stage_of(rule)  # every rule has one
    gpu = asked(rule, "gpu") if rule in WITH_DEVICE else 0
    return {name: asked(rule, name) for name in ("mem_mb", "runtime", "disk_mb")} | {"gpu": gpu}

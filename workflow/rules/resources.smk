"""The resource requests of all rules, as functions of the jobs' cost: see hybridbatch/cost."""

from inspect import signature

from snakemake.common import overwrite_function_params
from hybridbatch.cost import requests
from hybridbatch.cost.stages import WITH_DEVICE, stage_of
from hybridbatch.cost.work import read_rates, read_work, slowest_gpu


@cache
def work():
    rates = read_rates()
    return read_work(experiment, rates, slowest_gpu(rates))


@cache
def request(rule, wildcards):
    """The request of one job; wildcards: pairs (name, value), in any order."""
    found = requests.of_job(work(), rule, dict(wildcards))
    if found.unknown and workflow.is_main_process:
        unknown_size(found.unknown)
    return found


@cache
def unknown_size(message):
    """Log a message, but only once."""
    logger.info(f"{message} Until then, jobs that depend on it ask for a default.")


def asked(rule, name):
    """A function of wildcards and attempt that returns one value of a job's request."""
    return known_signature(
        lambda wildcards, attempt: getattr(request(rule, (*wildcards.items(),)), name)(attempt)
    )


def known_signature(function):
    """Store the function's parameters, which Snakemake otherwise inspects again for every job."""
    overwrite_function_params(function, signature(function).parameters)
    return function


# Values that are the same for all jobs of a rule are constants: Snakemake calls each function for
# every job, and the call costs more than the function itself.
def threads_of(rule):
    if rule not in WITH_DEVICE:
        return 1
    return known_signature(lambda wildcards: request(rule, (*wildcards.items(),)).threads)


def resources_of(rule):
    """Memory, runtime, disk and GPUs of a rule's jobs; retries request more, except for GPUs."""
    stage_of(rule)  # every rule has one
    gpu = asked(rule, "gpu") if rule in WITH_DEVICE else 0
    return {name: asked(rule, name) for name in ("mem_mb", "runtime", "disk_mb")} | {"gpu": gpu}

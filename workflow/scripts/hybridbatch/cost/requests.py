"""Resource requests of jobs, with a margin over their cost; each retry doubles them.

The margin is generous, since estimates are rough and a killed job costs more than unused memory.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hybridbatch.cost.model import Cost, Span
from hybridbatch.cost.stages import cost_of, device_of
from hybridbatch.cost.work import Work
from hybridbatch.runtime.errors import ConfigError

_MB = 1_000_000
_MEMORY_FACTOR = 1.2
_RUNTIME_FACTOR = 1.5
_DISK_FACTOR = 1.2
_LEAST_MINUTES = 10
_LEAST_DISK_MB = 100
# A scheduler refuses a job that asks for more than its limit. A longer job resumes where it was.
_MOST_MINUTES = 2880
# Used where the size of a user's own corpus or benchmark is unknown. It stays unknown for a whole
# run, so too much is asked for rather than too little.
_DEFAULT = {"seconds": Span(0, 8 * 3600), "memory": 8e9, "disk": 8e9}


@dataclass(frozen=True)
class Request:
    """The resource request of one job. unknown: why it is a default, if it is one."""

    cost: Cost
    unknown: str = ""

    @property
    def threads(self) -> int:
        return self.cost.threads

    def mem_mb(self, attempt: int = 1) -> int:
        """Main memory in MB, whole hundreds."""
        return _grown(100 * math.ceil(_MEMORY_FACTOR * self.cost.memory / (100 * _MB)), attempt)

    def runtime(self, attempt: int = 1) -> int:
        """Minutes, from the slow end of every rate; two days at the most."""
        minutes = math.ceil(_RUNTIME_FACTOR * self.cost.seconds.high / 60)
        return min(_grown(max(minutes, _LEAST_MINUTES), attempt), _MOST_MINUTES)

    def disk_mb(self, attempt: int = 1) -> int:
        """Space for the job's outputs in MB."""
        return _grown(max(math.ceil(_DISK_FACTOR * self.cost.disk / _MB), _LEAST_DISK_MB), attempt)

    def gpu(self, attempt: int = 1) -> int:
        """The number of GPUs; the same in every attempt."""
        return int(self.cost.on_gpu)


def of_job(work: Work, rule: str, wildcards: Mapping[str, str]) -> Request:
    """The request of a job; a default if a size is unknown, so that the job can still run.

    Threads and GPUs do not depend on sizes. Raises LookupError if the rule has no cost.
    """
    try:
        return Request(cost_of(work, rule, wildcards))
    except ConfigError as error:
        return Request(Cost(**_DEFAULT, **device_of(work, rule, wildcards)), str(error))


def _grown(amount: int, attempt: int) -> int:
    return amount * 2 ** (attempt - 1)

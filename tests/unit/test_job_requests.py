"""What a job requests of the machine: room to spare, and never less than it knows."""

import pytest
from costs import ROOT, TINY, work_of
from costs import config as config
from costs import values as values

from hybridbatch.cost.model import Cost, Span
from hybridbatch.cost.requests import Request, of_job
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.experiment.encoders import Encoder
from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import ConfigError


def test_a_request_has_room_to_spare_and_doubles_on_another_attempt():
    request = Request(Cost(Span(60, 3600), on_gpu=True, threads=8, disk=1e9, memory=36e9))
    assert (request.threads, request.mem_mb(), request.runtime()) == (8, 43200, 90)
    assert (request.disk_mb(), request.gpu()) == (1200, 1)
    assert (request.mem_mb(2), request.runtime(2), request.disk_mb(2)) == (86400, 180, 2400)
    assert (request.mem_mb(3), request.gpu(2)) == (172800, 1)


def test_a_job_without_work_asks_for_minutes_and_what_its_processes_take():
    work = read_work(load([ROOT / "config" / "demo.yaml"]), read_rates(), "h100", ROOT)
    request = of_job(work, "record_provenance", {"table": "bundled"})
    assert (request.mem_mb(), request.runtime(), request.disk_mb()) == (600, 10, 100)
    assert (request.gpu(), request.threads) == (0, 1)


@pytest.mark.parametrize("encoder", ["large", "static"])
def test_an_unknown_size_is_no_reason_not_to_run(config, values, encoder):
    config["encoders"] = [encoder]
    job = {"system": f"{encoder}_hybrid", "seed": "0"}
    known = of_job(work_of(config), "finetune", job)
    del values["corpora"]["films"]
    request = of_job(work_of(config, values), "finetune", job)
    assert "corpora has no 'films'" in request.unknown
    assert not known.unknown
    # More threads would change the last bits of a static encoder's weights.
    assert (request.threads, request.gpu()) == (known.threads, known.gpu())
    assert request.mem_mb() > 4000


def test_a_rule_without_a_cost_is_named(config):
    with pytest.raises(LookupError, match="rule bake has no stage and no cost: add both to STAGES"):
        of_job(work_of(config), "bake", {})


def test_a_kind_of_encoder_without_a_cost_is_named():
    with pytest.raises(ConfigError, match=r"experiment/encoders/towers\.py: Config has no `shape`"):
        Encoder(kind="towers").shape("query", lambda name: TINY)

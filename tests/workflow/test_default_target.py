"""Without a target, Snakemake makes the tables."""

from checkout import Checkout


def test_tables_are_made_without_a_target(checkout: Checkout):
    jobs = [rule for rule, _ in checkout.plan("--configfile=small.yaml")]
    assert jobs.count("tables") == 1
    assert {"score_table", "training_data_table", "record_provenance"} <= set(jobs)

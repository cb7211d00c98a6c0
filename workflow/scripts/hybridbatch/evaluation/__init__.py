"""Metrics from ranks, means, intervals, significance tests and verdicts."""

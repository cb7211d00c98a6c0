"""From ranks to metrics, means, intervals, tests and verdicts."""

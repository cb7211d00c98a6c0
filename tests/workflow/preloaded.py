"""Runs `python -m snakemake` again and again in processes that have imported Snakemake already.

Importing it takes longer than planning a small workflow. Each line of the input is JSON: `folder`,
`arguments` and `environment` of a run, `python`, the command that starts the scripts of its jobs,
`said`, the files for its output and its errors, and `seconds`, after which it is killed. A line of
the output is the run's return code. Nothing of the project is imported before the fork, since every
run has a copy of its own.
"""

import json
import os
import runpy
import signal
import sys

import pydantic  # noqa: F401
import snakemake.cli
import snakemake.report.html_reporter
import snakemake.storage
import snakemake.workflow  # noqa: F401

for line in sys.stdin:
    run = json.loads(line)
    if process := os.fork():
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    signal.alarm(run["seconds"])
    os.chdir(run["folder"])
    os.environ.clear()
    os.environ.update(run["environment"])
    for number, name in enumerate((os.devnull, *run["said"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.executable = run["python"]
    sys.path[0] = run["folder"]
    sys.argv[1:] = run["arguments"]
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    sys.exit()

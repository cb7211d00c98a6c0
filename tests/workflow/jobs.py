"""Runs scripts of jobs in forks of a process that has imported the libraries they share.

A short job imports for longer than it works, and the tests run a thousand of them.

    python jobs.py serve SOCKET [LIBRARY ...]   serves, until its input is closed
    python -IS jobs.py SOCKET SCRIPT            does what `python SCRIPT` does, by the former

Nothing of the project is imported before the fork, since every checkout has a copy of its own. The
tests of orphans, kills and paths and one of docs/extending.md start every job as a user's runs do.
"""

import json
import os
import socket
import sys

# What `script:` loads, and what most of the scripts do.
SHARED = (
    "matplotlib", "pandas", "psutil", "pyarrow.parquet", "safetensors.numpy", "scipy.stats",
    "snakemake.iocontainers", "snakemake.script", "tokenizers", "torch",
)  # fmt: skip


def request(place: str, arguments: list[str]) -> int:
    """Have a script run with this process's folder, environment and files; its exit status."""
    if not arguments[0].endswith(".py"):  # such as `-m snakemake`
        os.execv(sys.executable, [sys.executable, *arguments])
    asked = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        socket.send_fds(connection, [b"."], [0, 1, 2])
        connection.sendall(json.dumps(asked).encode())
        connection.shutdown(socket.SHUT_WR)
        return int(connection.recv(10) or 1)  # nothing if the server has died


def serve(place: str, *libraries: str) -> None:
    """Answer requests, several at a time, until the input is closed.

    libraries: what is imported beside what most scripts share.
    """
    import importlib
    import select
    import signal

    for library in (*SHARED, *libraries):
        importlib.import_module(library)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            connection, _ = server.accept()
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody need wait for them
            if os.fork():
                connection.close()
                continue
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            answer(connection)


def answer(connection: socket.socket) -> None:
    """In a fork: run what is asked for in another, send its exit status, and end."""
    _, files, *_ = socket.recv_fds(connection, 1, 3)
    asked = json.loads(connection.makefile("rb").read())
    if process := os.fork():
        _, status = os.waitpid(process, 0)
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    connection.close()
    run(asked, files)


def run(asked: dict, files: list[int]) -> None:
    """In a fork of its own: what `python SCRIPT` does."""
    import atexit
    import runpy
    import threading
    import traceback

    import torch

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    # Read by OpenMP when it was loaded.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    sys.argv[:] = asked["arguments"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # to take down all that was imported would take a second


if __name__ == "__main__":
    place, *arguments = sys.argv[1:]
    if place == "serve":
        serve(*arguments)
    else:
        sys.exit(request(place, arguments))

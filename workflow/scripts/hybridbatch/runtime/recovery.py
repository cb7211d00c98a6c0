"""What a killed run leaves behind: Snakemake's lock of the folder, and temporary files.

Snakemake's locks do not say whose they are. Each run therefore records its process, so that the
lock of a dead one can be told from that of a living one.
"""

import os
import shutil
import socket
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from hybridbatch.runtime.checkpoints import Owner, read_owner
from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.files import abandoned, remove, temporaries, write_json
from hybridbatch.runtime.logs import log

# The layout of Snakemake 9's default persistence (persistence/file.py).
LOCKS = ".snakemake/locks"
OWNERS = ".snakemake/owners"  # ours
NOT_LOCKED = "The folder is not locked."


def begin(roots: list[str]) -> None:
    """Record this process as an owner of the working directory, which Snakemake has just locked.

    Temporary files of dead processes below `roots` are removed.
    """
    owner = Owner.this_process("", "the workflow")
    write_json(_record(), asdict(owner), digest=False)
    for root in roots:
        remove_abandoned(Path(root))


def end() -> None:
    """Remove the record of this process."""
    _record().unlink(missing_ok=True)


def remove_abandoned(root: Path) -> list[Path]:
    """Remove temporary files and folders below `root` whose processes, on this machine, died."""
    found = []
    for place, folders, files in os.walk(root):
        found += filter(abandoned, (Path(place, name) for name in (*folders, *files)))
        folders[:] = [name for name in folders if not name.endswith(".tmp")]
    return _remove(found)


def remove_unfinished(path: Path) -> list[Path]:
    """Remove temporary files of `path`, whose lock the caller holds, so that their writers died.

    This also holds for writers on other machines.
    """
    return _remove(temporaries(path))


def _remove(paths: Iterable[Path]) -> list[Path]:
    removed = list(paths)
    for path in removed:
        log.info("%s: removed; the process that wrote it has died", path)
        remove(path)
    return removed


def unlock() -> str:
    """Remove Snakemake's lock of the working directory if its owner is dead; say what was done.

    Jobs that outlive it are no owners: what they write is whole, and who makes the same waits.
    Raises `HybridBatchError` if a process lives that may hold the lock, or if none is known.
    """
    owners = {path: read_owner(path) for path in sorted(Path(OWNERS).glob("*.json"))}
    here = Path.cwd()
    if any(Path(LOCKS).glob("*.lock")):
        for owner in owners.values():
            if owner and owner.here() and not owner.is_gone():
                raise HybridBatchError(
                    f"{here}: Snakemake runs here, {owner}. Wait for it, or end it: "
                    f"kill {owner.pid}"
                )
        elsewhere = [str(owner) for owner in owners.values() if owner and not owner.here()]
        if elsewhere or not owners:
            whose = elsewhere[0] if elsewhere else "an unknown process"
            raise HybridBatchError(
                f"{here}: is locked by {whose}, which cannot be seen from here. If it is dead, "
                f"type: snakemake --unlock && rm -rf {OWNERS}"
            )
        shutil.rmtree(LOCKS)
        said = f"{here}: unlocked; {' and '.join(map(str, owners.values()))} has died."
    else:
        said = NOT_LOCKED
    for path, owner in owners.items():
        if owner and owner.is_gone():
            path.unlink(missing_ok=True)
    return said


def _record() -> Path:
    return Path(OWNERS, f"{socket.gethostname()}.{os.getpid()}.json")

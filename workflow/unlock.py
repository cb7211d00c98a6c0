"""Go on after a process was killed: remove the lock that it left.

    python workflow/unlock.py
    python workflow/unlock.py results/checkpoints/models/static_hybrid/seed0

Without a folder: Snakemake's lock of this folder, if the Snakemake that set it is known to be dead.
With a folder of checkpoints: its owner is declared dead, so that the process that waits goes on.
This is needed only for an owner on another machine, which cannot be seen from here. Be sure that it
is dead: two writers would undo each other's work.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from hybridbatch.runtime.checkpoints import release
from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.recovery import NOT_LOCKED, unlock


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, nargs="?", help="of checkpoints, as the waiting process names it"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing if nothing was locked")
    options = parser.parse_args(arguments)
    try:
        said = release(options.folder) if options.folder else unlock()
    except HybridBatchError as error:
        print(error, file=sys.stderr)
        return 1
    if not (options.quiet and said == NOT_LOCKED):
        print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

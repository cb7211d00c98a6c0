"""Say that the owner of a folder of checkpoints is dead, so that the process that waits goes on.

    python workflow/unlock.py results/checkpoints/models/static_hybrid/seed0

Needed only for an owner on another machine, which cannot be seen from here. Be sure that it is
dead: two writers would undo each other's work.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from hybridbatch.runtime.checkpoints import release
from hybridbatch.runtime.errors import HybridBatchError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="as the waiting process names it")
    options = parser.parse_args(arguments)
    try:
        print(release(options.folder))
    except HybridBatchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

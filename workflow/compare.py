"""Where two folders of results begin to differ, stage by stage, and by how much their tables do.

    python workflow/compare.py results other/results

Exit status 1 if they differ.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from hybridbatch.provenance.compare import compare
from hybridbatch.runtime.errors import HybridBatchError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("a", type=Path, help="root of results")
    parser.add_argument("b", type=Path, help="root of other results")
    options = parser.parse_args(arguments)
    try:
        lines, same = compare(options.a, options.b)
    except HybridBatchError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines))
    return int(not same)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

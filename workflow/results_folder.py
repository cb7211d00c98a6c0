"""Print the folder of a configuration's results: `python workflow/results_folder.py FILE ...`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import HybridBatchError


def main(files: list[str]) -> int:
    try:
        print(load(files).pathvars.results)
    except HybridBatchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

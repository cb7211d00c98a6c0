"""Check that tables on disk, and all they were made from, are what their provenance describes.

    python workflow/verify.py [RESULTS] [--config config/config.yaml mine.yaml ...]

One line for each mismatch, with the file's name, and exit status 1 if there is any. With --config,
laid over each other as Snakemake does it, each table's configuration is compared, too. Run it in
the folder that the workflow was run in.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from hybridbatch.experiment.load import load
from hybridbatch.provenance.verify import verify
from hybridbatch.runtime.errors import HybridBatchError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", default="results", help="root of the results")
    parser.add_argument("--config", nargs="+", metavar="FILE", help="configuration to compare with")
    parser.add_argument(
        "--strict", action="store_true", help="fail where a file is not here or has no digest, too"
    )
    options = parser.parse_args(arguments)
    try:
        config = load(options.config) if options.config else None
        verdict = verify(Path(options.results) / "tables", config)
    except HybridBatchError as error:
        print(error, file=sys.stderr)
        return 1
    for problem in verdict.problems:
        print(f"MISMATCH  {problem}")
    for name in verdict.absent:
        print(f"not here  {name}")
    for name in verdict.undigested:
        print(f"no digest {name}")
    print(
        f"{verdict.files} files of {verdict.records} records, {verdict.made} files that they were "
        f"made from, {verdict.inputs} inputs"
        f"{', the configuration' if config else ''}: mismatches: {len(verdict.problems)}, "
        f"not here: {len(verdict.absent)}, without digest: {len(verdict.undigested)}"
    )
    unknown = [*verdict.absent, *verdict.undigested] if options.strict else []
    return int(bool(verdict.problems or unknown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

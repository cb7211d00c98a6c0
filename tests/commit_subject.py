"""Check the first line of a commit message: `scope: what it does`, at most 72 characters.

Run by pre-commit with the message's file, see CONTRIBUTING.md.
"""

import re
import sys
from pathlib import Path

LONGEST = 72
_SUBJECT = re.compile(r"[a-z][a-z0-9_, -]*: \S.*[^.]")
# Git writes these itself.
_OWN = ("Merge ", "Revert ", "fixup! ", "squash! ")


def problem(message: str) -> str | None:
    """What is wrong with a commit message; None where nothing is."""
    subject = message.partition("\n")[0]
    if subject.startswith(_OWN):
        return None
    if len(subject) > LONGEST:
        return f"the subject has {len(subject)} characters, {LONGEST} at most: move the reason down"
    if not _SUBJECT.fullmatch(subject):
        return "the subject is not `scope: what it does`, without a full stop"
    return None


def main(path: str) -> int:
    found = problem(Path(path).read_text(encoding="utf-8"))
    if found:
        print(found, file=sys.stderr)
    return int(found is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

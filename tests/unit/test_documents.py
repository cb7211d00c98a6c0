"""What README and docs name is there: files, headings, targets of make, configurations."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
FOLDERS = ("benchmarks", "config", "docs", "profiles", "resources", "tests", "workflow")
# One that a run makes, and one that a kind of the reader's own may have.
NOT_HERE = {"config/sources.lock.json", "workflow/scripts/hybridbatch/experiment/readers/tsv.py"}
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@cache
def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    found = set()
    for title in re.findall(r"^#+ (.*)$", text, re.M):
        kept = re.sub(r"[^\w\- ]", "", title.lower())
        found.add(kept.replace(" ", "-"))
    return found


@documents
def test_links_lead_to_files_and_headings(path):
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@documents
def test_files_of_the_project_that_are_named_are_there(path):
    text = path.read_text(encoding="utf-8")
    written = set(re.findall(r"^```\w+ file=(\S+)", text, re.M))
    places = "|".join(FOLDERS)
    named = re.findall(
        rf"(?<![\w/.-])((?:{places})/[\w./-]+\.(?:py|yaml|md|csv|smk|jsonl?)\b)", text
    )
    missing = {name for name in named if "NAME" not in name and not (ROOT / name).exists()}
    assert missing - written - NOT_HERE == set()


@documents
def test_commands_have_targets_of_make_and_configurations_that_are_there(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    written = set(re.findall(r"(?:^```\w+ file=|`)(\w+\.yaml)", text, re.M))
    problems = []
    for _, block in BLOCK.findall(text):
        for line in block.splitlines():
            target = re.match(r"make ([a-z][a-z-]*)", line)
            if target and not re.search(rf"^{target[1]}:", makefile, re.M):
                problems.append(line)
            if found := re.search(r"--configfile((?: [\w/]+\.yaml)+)", line):
                problems += [
                    f"{name}: {line}"
                    for name in found[1].split()
                    if name not in written and not (ROOT / name).is_file()
                ]
    assert problems == []

"""Which rules run again after an edit to a module, for every module of the package.

What is expected comes from other sources than the fingerprints: the modules that Python's own
`modulefinder` reaches from a script, the kinds that its rule names, and, for the telling cases, a
table written by hand.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from hybridbatch.provenance import fingerprint as code
from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import HybridBatchError

WORKFLOW = Path(__file__).parents[2] / "workflow"
SCRIPTS = WORKFLOW / "scripts"
PACKAGE = SCRIPTS / "hybridbatch"
SILENT = ("runtime", "experiment")
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
ADDED = "\n\ndef added():\n    return 1\n"
# Of a rule: its script, and the rooms that its jobs load a kind from.
Rule = tuple[str, tuple[str, ...]]


def _rules() -> dict[str, Rule]:
    """Every rule that has a fingerprint, as its rule file names it."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(WORKFLOW.rglob("*.smk")))
    helpers = dict(re.findall(r'def (\w+)\(wildcards\):\n    return f"([\w/]+)/\{[^"]*"\n', text))
    found: dict[str, Rule] = {}
    inherited: dict[str, str] = {}
    for block in re.split(r"\n(?=use rule |rule )", text)[1:]:
        head = re.match(r"(?:use rule (\w+) as|rule) (\w+)", block)
        call = re.search(r"\bcode=(?:lambda wildcards: )?code\(\s*(.*?)\)(?:,\n)", block, re.DOTALL)
        if call is None:
            if head[1]:
                inherited[head[2]] = head[1]
            continue
        script = re.match(r'"(\w+)"', call[1])[1]
        rooms = re.findall(r'f"([\w/]+)/\{', call[1])
        rooms += [room for name, room in helpers.items() if f"{name}(" in call[1]]
        found[head[2]] = (script, tuple(sorted(rooms)))
    return found | {name: found[of] for name, of in inherited.items() if of in found}


RULES = _rules()


# Where the kinds of a catalogue's section lie.
ROOMS = {
    "corpora": "data/readers",
    "encoders": "encoders",
    "benchmarks": "benchmarks",
    "translators": "translation/engines",
}


def _kinds() -> dict[str, list[str]]:
    """By room, every kind that a catalogue names."""
    found: dict[str, set[str]] = {}
    for path in (WORKFLOW.parent / "config").glob("*.yaml"):
        catalogue = yaml.safe_load(path.read_text(encoding="utf-8")).get("catalogue", {})
        for section, room in ROOMS.items():
            entries = (catalogue.get(section) or {}).values()
            found.setdefault(room, set()).update(e["kind"] for e in entries if "kind" in e)
    return {room: sorted(names) for room, names in found.items()}


KINDS = _kinds()


@cache
def _closure(root: str) -> frozenset[str]:
    """The package's files that running a script, or loading a kind, may run."""
    finder = ModuleFinder([str(SCRIPTS)])
    if "/" in root:
        finder.import_hook(f"hybridbatch.{root.replace('/', '.')}")
    else:
        finder.run_script(str(SCRIPTS / f"{root}.py"))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    inside = {path.relative_to(PACKAGE) for path in files if path.is_relative_to(PACKAGE)}
    return frozenset(path.as_posix() for path in inside)


def _jobs() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every rule with each of the kinds that its jobs may load: the roots of what they run."""
    for rule, (script, rooms) in RULES.items():
        yield from ((rule, (script, *(f"{r}/{k}" for r in rooms))) for k in [None] if not rooms)
        yield from ((rule, (script, f"{room}/{k}")) for room in rooms for k in KINDS[room])


JOBS = list(_jobs())


def _fingerprints(package: Path) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """What the `code` parameter of each job holds."""
    of_root = cache(
        lambda root: code.fingerprint(
            package / f"{root}.py" if "/" in root else package.parent / f"{root}.py"
        )
    )
    return {job: [of_root(root) for root in job[1]] for job in JOBS}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the scripts and the package."""
    copy = tmp_path_factory.mktemp("copy") / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def before(copy: Path) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """The fingerprints of the copy as it is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(code, "_PACKAGE", copy / "hybridbatch")
        return _fingerprints(copy / "hybridbatch")


@pytest.fixture
def rerun(copy: Path, before: dict, monkeypatch: pytest.MonkeyPatch):
    """A function: the jobs whose fingerprints an unused function in a module changes."""
    package, parse = copy / "hybridbatch", code._parse
    monkeypatch.setattr(code, "_PACKAGE", package)

    def mutate(module: str) -> set[tuple[str, tuple[str, ...]]]:
        path = package / module
        old = path.read_text(encoding="utf-8") if path.exists() else None
        path.write_text((old or "") + ADDED, encoding="utf-8")
        # Of the other modules what was parsed before still holds.
        fresh = parse.__wrapped__(path)
        monkeypatch.setattr(code, "_parse", lambda p: fresh if p == path else parse(p))
        try:
            after = _fingerprints(package)
        finally:
            monkeypatch.setattr(code, "_parse", parse)
            if old is None:
                path.unlink()
            else:
                path.write_text(old, encoding="utf-8")
        return {job for job in JOBS if before[job] != after[job]}

    return mutate


def _names(jobs: set[tuple[str, tuple[str, ...]]]) -> set[str]:
    return {rule for rule, _ in jobs}


def test_the_rule_files_are_understood():
    assert RULES["finetune"] == ("finetune", ("encoders",))
    assert RULES["read_corpus"] == ("read_corpus", ("data/readers",))
    assert RULES["score_table"] == ("score_table", ())
    assert RULES["translate_back"] == ("translate", ("translation/engines",))
    # What is fetched is told by its hash alone, or is streamed once.
    fetching = {"fetch", "fetch_dataset"}
    scripts = {path.stem for path in SCRIPTS.glob("*.py")} - fetching
    assert {script for script, _ in RULES.values()} == scripts
    for room, names in KINDS.items():
        assert names
        assert all((PACKAGE / room / f"{name}.py").is_file() for name in names), room


@pytest.mark.parametrize("module", MODULES)
def test_what_runs_a_module_runs_again_and_nothing_else(rerun, module):
    expected = {job for job in JOBS if any(module in _closure(root) for root in job[1])}
    if module.split("/")[0] in SILENT:
        expected = set()
    assert rerun(module) == expected


NOTHING: set[str] = set()
TELLING = {
    # No result depends on it.
    "runtime/gpus.py": NOTHING,
    "runtime/logs.py": NOTHING,
    "runtime/files.py": NOTHING,
    "runtime/kinds.py": NOTHING,
    "experiment/names.py": NOTHING,
    # A new kind is a new file.
    "encoders/added.py": NOTHING,
    "benchmarks/added.py": NOTHING,
    "data/readers/added.py": NOTHING,
    "translation/engines/added.py": NOTHING,
    # A wording reruns its own page.
    "tables/ablations.py": {"ablation_table"},
    "tables/bias_detail.py": {"bias_detail_table"},
    "tables/claims.py": {"claims_table"},
    "tables/contamination.py": {"contamination_table"},
    "tables/counts.py": {"evaluation_data_table", "training_data_table"},
    "tables/draws.py": {"training_data_table"},
    "tables/filtering.py": {"filtering_table"},
    "tables/tokens.py": {"tokens_table"},
    "tables/translation.py": {"translation_table"},
    "tables/layouts.py": {"score_table"},
    "tables/model_card.py": {"model_card"},
    "tables/reproduction.py": {"reproduction_table"},
    "tables/significance.py": {"significance_table"},
    "tables/translation_quality.py": {"translation_quality_table"},
    "figures/heatmaps.py": {"heatmap_figure"},
    # Kinds, though they are loaded by name.
    "data/readers/jsonl.py": {"read_corpus", "read_parallel"},
    "data/answers.py": {"read_corpus", "read_parallel"},
    "benchmarks/lareqa.py": {
        "read_benchmark",
        "read_captions",
        "rendered_page",
        "count_glyphs",
    },
    "translation/engines/apertium.py": {
        "translate",
        "translate_references",
        "translate_back",
        "translate_captions",
    },
    # Computing.
    "data/filtering.py": {"filter_pairs", "filtering_table", "split_captions"},
    "data/caption_splits.py": {"split_captions"},
    "training/samplers.py": {"finetune", "finetune_images", "finetune_rendered"},
    "training/weighting.py": {
        "finetune",
        "finetune_images",
        "finetune_rendered",
        "training_data_table",
    },
}


@pytest.mark.parametrize("module", TELLING)
def test_telling_cases(rerun, module):
    # Benchmarks that stay in their own files are read by rules of their own.
    own = {"read_topics", "survey_passages", "search_passages"}
    assert _names(rerun(module)) - own == TELLING[module]


def test_an_encoder_s_kind_counts_in_each_job_that_loads_it(rerun):
    jobs = rerun("encoders/static.py")
    assert {root for _, roots in jobs for root in roots[1:]} == {"encoders/static"}
    assert _names(jobs) == {
        "prepare_encoder", "tokenize_pairs", "tokenize_validation", "count_tokens", "finetune",
        "encode", "search_passages",
        # A text tower has the modules of its own folder; which encoder is named is up to the entry.
        "prepare_towers", "embed_images", "finetune_images", "evaluate_images",
        "image_card", "model_card",
        "prepare_rendered", "render_pairs", "render_validation", "finetune_rendered",
        "prepare_candidates", "encode_rendered",
    }  # fmt: skip


def test_a_new_metric_reruns_what_scores(rerun):
    again = _names(rerun("evaluation/metrics.py"))
    assert again >= {"evaluate", "evaluate_run", "compare_samplings", "score_table"}
    assert not again & {
        "read_corpus", "read_benchmark", "translate", "filter_pairs", "filtering_table",
        "find_duplicates", "contamination_table", "training_data_table", "evaluation_data_table",
        "translation_table", "translation_quality_table", "prepare_encoder", "tokenize_pairs",
        "finetune", "encode", "search_passages", "measure_bias", "bias_detail_table",
        "training_figure", "heatmap_figure", "rank_distance_figure", "language_share_figure",
    }  # fmt: skip


def test_a_script_loads_no_more_than_was_found():
    """In a fresh interpreter, script after script, each with the package imported anew."""
    program = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
found = {}
for script in sys.argv[2:]:
    for name in [name for name in sys.modules if name.split(".")[0] == "hybridbatch"]:
        del sys.modules[name]
    importlib.import_module(script)
    found[script] = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "hybridbatch"]
print(json.dumps(found))
"""
    # Some of every sort; torch would take most of the test's time.
    scripts = ["read_corpus", "translate", "tokenize_pairs", "score_table", "heatmap_figure"]
    run = subprocess.run(
        [sys.executable, "-c", program, str(SCRIPTS), *scripts],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    for script, files in yaml.safe_load(run.stdout.splitlines()[-1]).items():
        loaded = {Path(file).relative_to(PACKAGE).as_posix() for file in files}
        assert loaded <= _closure(script), script
        assert len(loaded) > 1


# Where a kind is loaded, in the text of a module.
_LOADS = re.compile(r"\bkinds\.load\(\s*\"([\w.]+)\"")


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_a_kind_of_every_room_that_its_script_loads_from(rule):
    script, rooms = RULES[rule]
    texts = [(SCRIPTS / f"{script}.py").read_text(encoding="utf-8")]
    texts += [(PACKAGE / module).read_text(encoding="utf-8") for module in _closure(script)]
    loaded = {room.replace(".", "/") for text in texts for room in _LOADS.findall(text)}
    assert loaded == set(rooms)


@pytest.mark.parametrize(
    "listed", [[], ["read_corpus:0"], ["read_corpus:0", "data/readers/duorc:0"]]
)
def test_a_job_is_refused_a_kind_that_its_rule_does_not_list(monkeypatch, listed):
    job = SimpleNamespace(rule="read_corpus", params=SimpleNamespace(code=listed))
    monkeypatch.setattr(sys.modules["__main__"], "snakemake", job, raising=False)
    with pytest.raises(HybridBatchError, match=r"rule read_corpus: .*data/readers/jsonl\.py"):
        kinds.load("data.readers", "jsonl")


def test_a_job_may_load_a_kind_that_its_rule_lists(monkeypatch):
    listed = ["read_corpus:0", "data/readers/jsonl:0"]
    job = SimpleNamespace(rule="read_corpus", params=SimpleNamespace(code=listed))
    monkeypatch.setattr(sys.modules["__main__"], "snakemake", job, raising=False)
    assert kinds.load("data.readers", "jsonl").read

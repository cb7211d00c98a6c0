"""A record says what a table is made of; nothing else is in it, and it is the same again."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from test_lineage import MARK, write_record

from hybridbatch.experiment.outputs import part_hash
from hybridbatch.provenance import record as provenance
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import digest_of, whole, write_text

URL = "https://example.org/data/raw.json"
DOWNLOAD = "downloads/example.org/data/raw.json"
USED = {
    "wall_seconds": 2.0,
    "cpu_seconds": 1.5,
    "gpu_seconds": 0.5,
    "peak_memory_mib": 100.0,
    "machine": {"cpu": "A", "cores": 2, "memory_gib": 4.0, "gpus": []},
}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _log(name: str, **values) -> None:
    line = f"2026-01-01 00:00:00,000 INFO used {json.dumps(USED | values)}\n"
    Path(name).write_text(f"2026-01-01 INFO at work\n{line}")


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The configuration of a run in the working directory: fetch, read, two trainings, a table."""
    monkeypatch.chdir(tmp_path)
    Path(DOWNLOAD).parent.mkdir(parents=True)
    Path(DOWNLOAD).write_text("raw")
    Path("mine.jsonl").write_text("mine")
    Path("results/tables").mkdir(parents=True)
    for suffix in ("csv", "md"):
        write_text(f"results/tables/main.{suffix}", suffix)
    metadata = Path(".snakemake/metadata")
    write_record(metadata, "results/tables/main.csv", "score", ["m0", "m1"], log=["score.log"])
    for seed in (0, 1):
        code = [f"['{MARK}']"]
        write_record(metadata, f"m{seed}", "train", ["pairs"], code, log=[f"train{seed}.log"])
    write_record(metadata, "pairs", "read", [DOWNLOAD, "mine.jsonl"], log=["none.log"])
    write_record(metadata, DOWNLOAD, "fetch", [], log=["fetch.log"])
    _log("score.log")
    _log("fetch.log", peak_memory_mib=50.0)
    _log("train0.log", cpu_seconds=10.0, peak_memory_mib=700.0)
    _log("train1.log", cpu_seconds=20.0, machine=USED["machine"] | {"cpu": "B"})
    return {
        "pathvars": {"results": "results", "downloads": "downloads"},
        "seeds": [0, 1],
        "statistics": {"seed": 3},
        "catalogue": {
            "sources": {
                "s": {
                    "base": "https://example.org/data/",
                    "licence": "CC0",
                    "files": {"raw.json": _sha256("raw")},
                }
            },
            "encoders": {
                "hub": {"kind": "transformer", "model": "org/name", "revision": "1" * 40},
                "static": {"kind": "static"},
            },
            "translators": {
                "apertium": {"kind": "apertium", "routes": {"es": {"package": "apertium-none"}}}
            },
        },
    }


def _record(part: dict) -> dict:
    files = ["results/tables/main.csv", "results/tables/main.md"]
    return provenance.record("main", files, part, "sources.lock.json")


def test_files_inputs_and_configuration_have_their_hashes(part):
    record = _record(part)
    assert record["files"] == {"main.csv": _sha256("csv"), "main.md": _sha256("md")}
    assert record["inputs"]["files"] == {
        "mine.jsonl": {"sha256": _sha256("mine")},
        DOWNLOAD: {
            "sha256": _sha256("raw"),
            "pinned": _sha256("raw"),
            "pinned_by": "catalogue",
            "url": URL,
            "licence": "CC0",
        },
    }
    assert record["configuration"] == part
    assert record["configuration_sha256"] == part_hash(part)
    assert record["seeds"] == {"training": [0, 1], "statistics": 3}


def test_files_between_sources_and_table_have_the_digest_they_were_published_with(part):
    write_text("pairs", "pairs")
    with whole("m0") as folder:
        folder.mkdir()
        (folder / "weights").write_text("w")
    Path("m1").write_text("of no known content")
    made = _record(part)["made"]
    assert set(made) == {"pairs", "m0", "m1"}
    assert made["pairs"] == digest_of("pairs")
    assert made["m0"] == digest_of("m0")
    assert made["m1"] is None


def test_table_that_is_not_what_its_job_wrote_is_not_recorded(part):
    write_text("results/tables/main.md", "md")
    _record(part)
    Path("results/tables/main.md").write_text("mb")
    with pytest.raises(DataError, match=r"main\.md: .*--force results/tables/main\.md`"):
        _record(part)


def test_cost_is_summed_by_stage_and_what_was_not_measured_is_counted(part):
    record = _record(part)
    assert record["stages"]["train"] == {
        "code": [MARK],
        "jobs": 2,
        "jobs_without_measure": 0,
        "wall_seconds": 4.0,
        "cpu_seconds": 30.0,
        "gpu_seconds": 1.0,
        "peak_memory_mib": 700.0,
    }
    read = record["stages"]["read"]
    assert (read["jobs"], read["jobs_without_measure"]) == (1, 1)
    assert read["wall_seconds"] is read["peak_memory_mib"] is None
    assert record["total"]["jobs"] == 5
    assert record["total"]["cpu_seconds"] == 33.0
    assert [(m["cpu"], m["jobs"]) for m in record["machines"]] == [("A", 3), ("B", 1)]


def test_models_have_their_revision_or_the_hash_of_their_folder(part):
    Path("local").mkdir()
    Path("local/weights").write_text("w")
    part["catalogue"]["encoders"]["own"] = {"kind": "transformer", "model": "local"}
    models = _record(part)["inputs"]["models"]
    assert models["hub"] == {"model": "org/name", "revision": "1" * 40, "sha256": None}
    assert models["own"]["sha256"] == _sha256(f"{_sha256('w')}  weights\n")
    assert set(models) == {"hub", "own"}
    Path("local/weights").write_text("v")
    assert _record(part)["inputs"]["models"]["own"] != models["own"]


def test_lock_file_pins_what_the_catalogue_does_not(part):
    part["catalogue"]["sources"]["s"]["files"]["raw.json"] = None
    assert _record(part)["inputs"]["files"][DOWNLOAD]["pinned"] is None
    Path("sources.lock.json").write_text(json.dumps({URL: _sha256("raw")}))
    entry = _record(part)["inputs"]["files"][DOWNLOAD]
    assert (entry["pinned"], entry["pinned_by"]) == (_sha256("raw"), "lock file")


def test_download_that_was_changed_is_an_error_that_names_it(part):
    Path(DOWNLOAD).write_text("else")
    with pytest.raises(DataError, match=rf"{DOWNLOAD}: .* is pinned"):
        _record(part)


def test_input_that_is_gone_has_no_hash(part):
    Path("mine.jsonl").unlink()
    assert _record(part)["inputs"]["files"]["mine.jsonl"] == {"sha256": None}


def test_versions_are_those_of_the_environment_file(part):
    versions = _record(part)["versions"]
    assert versions["packages"]["pydantic"]
    assert "pytest" not in versions["packages"]
    assert versions["debian"] == {"apertium": versions["debian"]["apertium"], "apertium-none": None}
    del part["catalogue"]["translators"]
    assert _record(part)["versions"]["debian"] == {}


def test_record_is_the_same_again_but_for_its_time(part):
    one, other = _record(part), _record(part)
    assert one | {"recorded": ""} == other | {"recorded": ""}


def test_nothing_of_the_environment_and_no_foreign_path_is_in_it(part, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HYBRIDBATCH_MIRROR", "/a/mirror")
    text = json.dumps(_record(part))
    for word in ("hf_secret", "/a/mirror", str(Path.cwd()), str(Path.home())):
        assert word not in text


def test_paths_of_the_project_are_relative_to_it():
    project = Path(provenance.__file__).parents[4]
    inside = project / "resources/published/hybrid_batch.csv"
    assert provenance._relative(str(inside)) == "resources/published/hybrid_batch.csv"
    assert provenance.place("resources/published/hybrid_batch.csv").is_file()
    assert provenance._relative("downloads/x") == "downloads/x"


# The checkout.


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with one commit."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text("rule all:\n")
    (tmp_path / "README.md").write_text("words")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def test_clean_checkout_has_its_commit(checkout):
    found = provenance.checkout(checkout)
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    assert found["changed"] == []
    assert found["reason"] is None


@pytest.mark.parametrize("name", ["workflow/Snakefile", "workflow/new file é.py", "config/a.yaml"])
def test_changed_and_added_code_is_dirty_and_named(checkout, name):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("changed")
    found = provenance.checkout(checkout)
    assert found["dirty"] is True
    assert found["changed"] == [name if name.startswith("workflow") else "config/"]


def test_words_and_data_outside_the_code_are_not_dirt(checkout):
    (checkout / "README.md").write_text("other words")
    (checkout / "mine.yaml").write_text("seeds: [0]")
    assert provenance.checkout(checkout)["dirty"] is False


def test_folder_without_git_has_no_commit_and_the_reason(tmp_path):
    found = provenance.checkout(tmp_path)
    assert (found["commit"], found["dirty"]) == (None, None)
    assert "not a git checkout" in found["reason"]


def test_folder_inside_another_checkout_does_not_take_its_commit(checkout):
    found = provenance.checkout(checkout / "workflow")
    assert found["commit"] is None
    assert "not a git checkout" in found["reason"]


def test_checkout_without_a_commit_says_so(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert provenance.checkout(tmp_path)["reason"] == "the checkout has no commit"


def test_machine_without_git_says_so(checkout, monkeypatch):
    monkeypatch.setattr(provenance.shutil, "which", lambda _: None)
    assert provenance.checkout(checkout)["reason"] == "git is not installed"

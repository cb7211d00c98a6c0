"""An input that is gone or was changed is noticed while planning, in a finished folder, too."""

import hashlib
import os
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, Checkout

SMALL = ("--configfile=small.yaml",)
BENCHMARK = "resources/bundled/benchmark"


def said(run) -> str:
    return " ".join((run.stdout + run.stderr).split())


def test_a_finished_folder_without_its_inputs_is_refused(finished: Checkout):
    keys = {
        "small.jsonl": "catalogue.corpora.small.path",
        f"{BENCHMARK}/it.json": "catalogue.benchmarks.small.path",
    }
    paths = [finished.path / file for file in keys]
    aside = [path.rename(path.with_suffix(".aside")) for path in paths]
    try:
        run = finished.snakemake(*SMALL, "--dry-run", "tables", check=False)
    finally:
        for moved, path in zip(aside, paths, strict=True):
            moved.rename(path)
    assert run.returncode == 1
    for file, key in keys.items():
        assert f"{key}: there is no folder or file {file}." in said(run)


def test_a_path_with_a_placeholder_that_nothing_fills_in_is_refused(finished: Checkout):
    more = {"catalogue": {"benchmarks": {"small": {"path": f"{BENCHMARK}/{{lang}}{{language}}"}}}}
    (finished.path / "placeholder.yaml").write_text(yaml.safe_dump(more))
    run = finished.snakemake(
        "--configfile", "small.yaml", "placeholder.yaml", "--dry-run", "--", "tables", check=False
    )
    assert run.returncode == 1
    assert "catalogue.benchmarks.small.path:" in said(run)
    assert "nothing is filled in for {lang}; known: {language}" in said(run)


def test_a_changed_input_is_read_again_whatever_its_time(finished: Checkout):
    file = finished.path / f"{BENCHMARK}/es.json"
    text, stat = file.read_bytes(), file.stat()
    target = "results/small/tables/evaluation_data.csv"
    try:
        # As a copy that keeps times (`cp -p`, `rsync -a`) leaves it.
        file.write_bytes(text.replace(b"0", b"1", 1) + b"\n")
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**12))
        jobs = finished.plan(*SMALL, target)
    finally:
        file.write_bytes(text)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert ("read_benchmark", {"benchmark": "small", "language": "es"}) in jobs
    assert ("read_benchmark", {"benchmark": "small", "language": "en"}) not in jobs
    assert finished.plan(*SMALL, target) == []


HOST = "example.org/files"


@pytest.fixture
def pinned(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> tuple[Checkout, Path]:
    """A checkout whose benchmark is a pinned download from a mirror, and the English file's path.

    The benchmark has been read.
    """
    names = [f"{code}.json" for code in ("en", "es")]
    mirror = checkout.path / "mirror" / HOST
    mirror.mkdir(parents=True)
    hashes = {}
    for name in names:
        content = (ROOT / BENCHMARK / name).read_bytes()
        (mirror / name).write_bytes(content)
        hashes[name] = hashlib.sha256(content).hexdigest()
    benchmark = {
        "title": "Pinned",
        "kind": "lareqa",
        "source": "pinned",
        "file": "{language}.json",
        "languages": ["en", "es"],
    }
    source = {"base": f"https://{HOST}/", "licence": "none", "files": hashes}
    catalogue = {"sources": {"pinned": source}, "benchmarks": {"pinned": benchmark}}
    more = {"benchmarks": ["pinned"], "catalogue": catalogue}
    (checkout.path / "pinned.yaml").write_text(yaml.safe_dump(more))
    monkeypatch.setenv("HYBRIDBATCH_MIRROR", str(checkout.path / "mirror"))
    checkout.snakemake(*PINNED, QUERIES)
    return checkout, checkout.path / f"downloads/{HOST}/en.json"


PINNED = ("--configfile", "small.yaml", "pinned.yaml", "--")
QUERIES = "results/small/collections/pinned/en/queries.parquet"


@pytest.mark.slow
def test_a_pinned_download_is_the_pinned_one_or_is_fetched_again(pinned):
    checkout, file = pinned
    name = str(file.relative_to(checkout.path))
    content, stat = file.read_bytes(), file.stat()
    changed = content + b"\n"
    file.write_bytes(changed)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    run = checkout.snakemake("--dry-run", *PINNED, QUERIES, check=False)
    assert run.returncode == 1
    assert f"{name}: sha256 is {hashlib.sha256(changed).hexdigest()}, and" in said(run)
    assert "Remove it and run again" in said(run)

    file.unlink()  # as the message says
    run = checkout.snakemake("--dry-run", *PINNED, QUERIES)
    assert f"{name}: fetched before, and gone." in said(run)
    assert f"first fetch it alone: snakemake -c1 {name}" in said(run)
    assert f"wildcards: source_file={HOST}/en.json" in said(run)
    assert "rule read_benchmark:" in said(run)

    # Fetched alone, it is the same file again, and what was made from it is kept.
    checkout.snakemake(*PINNED, name)
    assert file.read_bytes() == content
    assert checkout.plan(*PINNED, QUERIES) == []

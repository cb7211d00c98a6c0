"""The report of a finished run: everything is in it, nothing is fetched, a browser opens it all."""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT, Checkout

pytestmark = pytest.mark.slow  # the report that they share
SHOWN = "results/small/report"
LOADED = r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import"""


def embedded(report: Path, name: str) -> dict:
    """A variable of the report's inline scripts."""
    text = report.read_text(encoding="utf-8")
    block = re.search(rf'<script id="{name}">\s*var {name} = (.*?);\s*</script>', text, re.DOTALL)
    return json.loads(block.group(1))


def browse(report: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "workflow/check_report.py"), str(report)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_every_table_and_figure_is_in_it_with_a_caption(finished: Checkout, reported: Path):
    folder = finished.path / "results/small"
    expected = {f"{SHOWN}/tables/{path.stem}.html" for path in folder.glob("tables/*.csv")}
    figures = [
        path.relative_to(folder).with_suffix("") for path in folder.rglob("figures/**/*.svg")
    ]
    expected |= {f"{SHOWN}/{figure}.html" for figure in figures}
    assert len(expected) > 25
    results = embedded(reported, "results")
    assert set(results) == expected
    for path, result in results.items():
        assert len(result["caption"].split()) > 20, path
        kind = "Table" if "/tables/" in path else "Figure"
        assert re.fullmatch(r"[A-Za-z0-9 .,@_+()-]+", result["labels"][kind]), path


def test_it_loads_nothing(reported: Path):
    for result in embedded(reported, "results").values():
        page = base64.b64decode(result["data_uri"].split("base64,", 1)[1]).decode()
        assert not re.search(LOADED, page)
        assert "<script" not in page
        assert "<h1>" in page
    # What is not ours is libraries' code, whose comments name addresses.
    text = re.sub(r"<script.*?</script>", "", reported.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(LOADED, text)


def test_a_page_is_made_again_when_its_table_changes_and_not_before(
    finished: Checkout, reported: Path
):
    assert finished.plan("--configfile=small.yaml", "report_pages") == []
    jobs = finished.plan("--configfile=small.yaml", "--forcerun", "claims_table", "--",
                         f"{SHOWN}/tables/claims.html")  # fmt: skip
    assert [rule for rule, _ in jobs] == ["claims_table", "record_provenance", "table_page"]


needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="no chromium: apt-get install chromium"
)


@needs_chromium
def test_a_browser_without_network_opens_everything(reported: Path):
    run = browse(reported)
    assert run.returncode == 0, run.stdout + run.stderr
    number = len(embedded(reported, "results"))
    assert f"{number} tables and figures opened, 0 problems" in run.stdout
    pictures = list((reported.parent / "report/screenshots").glob("*.png"))
    assert len(pictures) == number + 1


@needs_chromium
def test_the_browser_check_finds_what_is_wrong(reported: Path, tmp_path: Path):
    bad = tmp_path / "report.html"
    wrong = (
        '<img src="http://192.0.2.1/x.png"><script>console.error("complaint")</script>'
        '<script>throw Error("thrown")</script><script>results["lost.html"] = {}</script></body>'
    )
    text = reported.read_text("utf-8")
    # Two sections of one page each are enough to look through. Of a single one there is no list.
    kept_sections, kept_results = {}, {}
    for section, parts in list(embedded(reported, "categories").items())[:2]:
        part, (path, *_) = next(iter(parts.items()))
        kept_sections[section] = {part: [path]}
        kept_results[path] = embedded(reported, "results")[path]
    for name, kept in (("categories", kept_sections), ("results", kept_results)):
        shown = f'<script id="{name}">var {name} = {json.dumps(kept)};</script>'
        block = rf'<script id="{name}">\s*var {name} = .*?;\s*</script>'
        text = re.sub(block, lambda _, shown=shown: shown, text, count=1, flags=re.DOTALL)
    bad.write_text(text[: text.rindex("</body>")] + wrong, encoding="utf-8")
    run = browse(bad)
    assert run.returncode == 1
    for word in ("request: http://192.0.2.1/x.png", "complaint", "thrown", "lost.html: is in"):
        assert word in run.stdout


def test_a_report_that_is_not_there_is_named(tmp_path: Path):
    run = browse(tmp_path / "report.html")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert str(tmp_path) in run.stderr or "apt-get install chromium" in run.stderr

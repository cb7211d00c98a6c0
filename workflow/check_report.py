"""Open a report in headless Chromium, everything in it, and take screenshots.

    python workflow/check_report.py [results/report.html]

Nothing may be fetched but the file and nothing may fail on its console. The first page must show
the main table, the verdicts and a figure; sections are numbered without a gap; every table and
figure must be listed, open, and have a title and a caption. One line for each problem, and exit
status 1 if there is any. Screenshots: report/screenshots/ beside the report.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, TimeoutError, sync_playwright

LOCAL = ("data:", "blob:")
PATIENCE = 10_000  # ms to wait for the effect of a click
SIZE = {"width": 1440, "height": 1000}
MISSING = "Chromium is needed to check the report. Type: sudo apt-get install chromium"


def check(report: Path, screenshots: Path) -> tuple[list[str], list[str]]:
    """Problems, and the paths of what was opened; one PNG for each goes to `screenshots`."""
    shutil.rmtree(screenshots, ignore_errors=True)
    screenshots.mkdir(parents=True)
    problems: list[str] = []
    with _browser_page() as page:
        address = report.resolve().as_uri()
        page.on("request", lambda request: problems.extend(_foreign(request.url, address)))
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on(
            "console",
            lambda message: (
                problems.append(f"console: {message.text}") if message.type == "error" else None
            ),
        )
        page.goto(address)
        page.get_by_text("Statistics", exact=True).wait_for()
        page.wait_for_timeout(500)  # colours fade in
        page.screenshot(path=screenshots / "start.png")
        problems += _front(page)
        problems += _unlinked(page)
        opened = list(_open_all(page, screenshots, problems))
        listed = page.evaluate("Object.keys(results)")
    problems += [f"{path}: is in the report, but no section lists it" for path in listed
                 if path not in opened]  # fmt: skip
    if not listed:
        problems.append("the report is empty")
    return problems, opened


@contextmanager
def _browser_page() -> Iterator[Page]:
    """A page without network in the system's Chromium, so that playwright downloads none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            chromium_sandbox=os.geteuid() != 0,  # Chromium refuses it to root
        )
        yield browser.new_context(offline=True, viewport=SIZE).new_page()
        browser.close()


def _foreign(url: str, address: str) -> list[str]:
    own = url.split("#")[0] == address or url.startswith(LOCAL)
    return [] if own else [f"request: {url[:200]}"]


def _front(page: Page) -> list[str]:
    """Problems of the first page: missing results, and elements that cannot be seen."""
    problems = []
    if page.locator(".front table").count() < 2:
        problems.append("first page: the main table or the verdicts are missing")
    images = page.locator(".front img")
    if images.evaluate_all("all => all.filter(i => i.naturalWidth).length") != 1:
        problems.append("first page: its figure is missing or does not show")
    if page.locator(".prose h1").first.evaluate("e => e.getBoundingClientRect().top") < 0:
        problems.append("first page: begins above its window")
    if page.locator(".prose").first.evaluate("e => e.scrollWidth > e.clientWidth"):
        problems.append("first page: is wider than its column")
    sections = page.evaluate("Object.keys(categories)")
    numbers = sorted(int(name.split()[0]) if name[0].isdigit() else 0 for name in sections)
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"sections: are numbered {numbers}")
    return problems


def _unlinked(page: Page) -> list[str]:
    """Sections that no link of the first page leads to."""
    problems = []
    for section in page.evaluate("Object.keys(categories)"):
        page.locator(".prose a", has_text=section).first.click()
        try:
            page.wait_for_function(
                "name => app.state.category === name", arg=section, timeout=PATIENCE
            )
        except TimeoutError:
            problems.append(f"{section}: its link on the first page leads nowhere")
    return problems


def _open_all(page: Page, screenshots: Path, problems: list[str]) -> Iterator[str]:
    """Click through sections, their parts and rows as a reader does; yields the results' paths."""
    sections = page.evaluate("categories")
    for section, parts in sections.items():
        for part, paths in parts.items():
            page.evaluate("app.setView({navbarMode: 'menu'})")
            page.locator("nav").get_by_text(section, exact=True).last.click()
            if len(parts) > 1:
                page.locator("nav li").get_by_text(part, exact=True).click()
            page.locator("nav tbody tr").first.wait_for()
            rows = page.locator("nav tbody tr")
            if rows.count() != len(paths):
                problems.append(f"{section}, {part}: {rows.count()} rows for {len(paths)} results")
            for number in range(rows.count()):
                path = _open_row(page, rows.nth(number), screenshots, problems)
                yield path


def _open_row(page: Page, row: Locator, screenshots: Path, problems: list[str]) -> str:
    name = row.locator("td").first.inner_text()
    before = page.evaluate("app.state.renderTrigger")
    row.locator("a").first.click()
    page.wait_for_function("last => app.state.renderTrigger !== last", arg=before)
    frame = page.frame_locator("iframe")
    frame.locator("h1").wait_for()
    path = page.evaluate("app.state.resultPath")
    if not frame.locator("h1").inner_text().strip() or not _words(frame.locator(".caption")):
        problems.append(f"{name}: no title or no caption")
    if not frame.locator("table, img").count():
        problems.append(f"{name}: neither a table nor a figure")
    if frame.locator("img").evaluate_all("all => all.some(i => !i.naturalWidth)"):
        problems.append(f"{name}: the image does not show")
    if frame.locator("html").evaluate("e => e.scrollWidth > e.clientWidth"):
        problems.append(f"{name}: is wider than its window")
    page.screenshot(path=screenshots / f"{'_'.join(Path(path).with_suffix('').parts[-2:])}.png")
    return path


def _words(element: Locator) -> int:
    return len(element.inner_text().split())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", nargs="?", default="results/report.html", type=Path)
    report = parser.parse_args(arguments).report
    if shutil.which("chromium") is None:
        print(MISSING, file=sys.stderr)
        return 1
    if not report.is_file():
        print(f"{report}: there is no such report; `make report` makes it.", file=sys.stderr)
        return 1
    screenshots = report.parent / "report" / "screenshots"
    try:
        problems, opened = check(report, screenshots)
    except Error as error:
        problems, opened = [f"the browser stopped: {error}"], []
    for problem in problems:
        print(f"PROBLEM  {problem}")
    print(f"{report}: {len(opened)} tables and figures opened, {len(problems)} problems")
    print(f"Screenshots: {screenshots}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

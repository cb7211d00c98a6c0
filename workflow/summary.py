"""What came out of a run, on a page of a terminal's size: scores, verdicts, where the rest is.

    python workflow/summary.py [results/demo]

`make demo` ends with it. What does not fit is counted.
"""

import argparse
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.tables.summary import Scores, Verdicts, main_scores, verdicts

LINES, WIDTH = 22, 80  # of a terminal's 24 lines, two are for what `make` says and the prompt
_LESS = "    ... and {} more"


def page(scores: list[Scores], found: Verdicts, results: Path) -> str:
    """At most LINES lines of at most WIDTH characters; what does not fit is counted."""
    rest = _rest(results)
    claims = _claims(found)
    # Half of the page for each part; lines that one does not need go to the other.
    room = LINES - len(rest) - 2  # empty lines
    table = _scores(scores)
    shown = max(room // 2, room - len(claims))
    table = _fit(table, shown)
    claims = _fit(claims, room - len(table))
    return "\n".join([*table, "", *claims, "", *rest]) + "\n"


def _scores(scores: list[Scores]) -> list[str]:
    settings = list(dict.fromkeys(name for system in scores for name in system.by_setting))
    best: dict[tuple[str, str, str], float] = {}
    for system in scores:
        for setting, value in system.by_setting.items():
            key = (system.benchmark, system.encoder, setting)
            best[key] = max(value, best.get(key, value))
    name_width = WIDTH - 15 * len(settings)
    lines = [
        "mAP, mean over all query languages, pool of all; *: best of its encoder",
        " " * name_width + "".join(f"{name:>15}" for name in settings),
    ]
    benchmark = None
    for system in scores:
        if system.benchmark != benchmark:
            benchmark = system.benchmark
            lines.append(_cut(benchmark, WIDTH))
        cells = [
            _cell(system.by_setting.get(name), best.get((benchmark, system.encoder, name)))
            for name in settings
        ]
        name = _cut(f"  {system.encoder} {system.sampling}", name_width)
        lines.append(f"{name:<{name_width}}" + "".join(f"{cell:>15}" for cell in cells).rstrip())
    return lines


def _cell(value: float | None, best: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" + ("*" if value == best else " ")


def _claims(found: Verdicts) -> list[str]:
    widths = [len(name) + 2 for name in found.verdicts]
    head = "".join(f"{name:>{w}}" for name, w in zip(found.verdicts, widths, strict=True))
    lines = [f"{head}  of {found.places} tests of what the paper states"]
    for statement, counts in found.counts.items():
        numbers = "".join(
            f"{counts[name]:>{w}}" for name, w in zip(found.verdicts, widths, strict=True)
        )
        room = WIDTH - len(numbers) - 2
        first, *more = textwrap.wrap(statement, room, break_on_hyphens=False) or [""]
        lines.append(f"{numbers}  {first}")
        lines += [f"{'':>{len(numbers) + 4}}{_cut(text, room - 2)}" for text in more]
    return lines


def _rest(results: Path) -> list[str]:
    places = {"Report": results / "report.html", "Tables": results / "tables"}
    return [
        f"{name}: {path}{'/' if path.is_dir() else ''}"
        for name, path in places.items()
        if path.exists()
    ]


def _fit(lines: list[str], room: int) -> list[str]:
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], _LESS.format(f"{len(lines) - room + 1} lines")]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", default="results", type=Path)
    results = parser.parse_args(arguments).results
    try:
        scores = main_scores(results / "tables/main.csv")
        found = verdicts(results / "tables/claims.csv")
    except HybridBatchError as error:
        print(error, file=sys.stderr)
        return 1
    print(page(scores, found, results), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

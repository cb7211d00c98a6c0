"""A plan as a page of text: the table of stages, memory, and what was assumed."""

from collections.abc import Sequence

from tabulate import tabulate

from hybridbatch.cost.model import RATES_FILE, Rates, Span
from hybridbatch.cost.plans import Plan, Row

ASSUMED = {
    "fetch": "models in float32; corpora as the text that is read, where no size is known",
    "read": "pairs in full, their different texts, and those that come in other languages",
    "translate": "every different text once a language, as long as in English; nothing is split",
    "filter": "keeps every pair",
    "contamination": "every different question and passage of a benchmark's languages",
    "tokenize": "every different text once an encoder and language, 4 bytes a token",
    "fine-tune": "all steps in tokens and FLOPs; in hours from the earliest stop to all steps",
    "encode": "every text of every benchmark by every model; MIRACL is searched here, file by file",
    "index": "exact, vectors of 4 bytes, by language and all together",
    "evaluate": "every query against every candidate, on CPUs; means, intervals, tests",
}
_UNITS = ("", "k", "M", "G", "T", "P", "E", "Z")


def scaled(number: float, unit: str) -> str:
    """Two digits and a prefix: 1.5e9 bytes are `1.5 GB`."""
    if not number:
        return "-"
    value, prefix = float(f"{number:.2g}"), 0
    while value >= 1000 and prefix < len(_UNITS) - 1:
        value, prefix = value / 1000, prefix + 1
    return f"{value:.3g} {_UNITS[prefix]}{unit}".rstrip()


def duration(hours: Span) -> str:
    """A range of hours, each end in two digits of hours or whole minutes."""
    low, high = (_time(end) for end in (hours.low, hours.high))
    if low == high:
        return low
    number, unit = low.rsplit(" ", 1)
    return f"{number} - {high}" if high.endswith(f" {unit}") else f"{low} - {high}"


def plan_text(plan: Plan, rates: Rates, files: Sequence[str]) -> str:
    """The page for a configuration in `files`."""
    cores, on_gpu = plan.gpu.cores, any(row.on_gpu for row in plan.rows)
    machines = ["1 GPU", "8 GPUs"] if on_gpu else [f"{cores} cores", f"{8 * cores} cores"]
    headers = ["stage", "jobs", "on", "tokens", "work", "disk", *machines]
    align = ("left", "right", "left", *["right"] * 5)
    machine = (
        f"{plan.gpu.name}, {plan.gpu.bf16_flops / 1e12:.0f} TFLOP/s in bfloat16 at most, {cores} "
        "CPU cores beside each."
    )
    added = []
    if plan.ablations:
        models = _number(plan.ablation_models, "model")
        added = [
            f"`snakemake ablations` adds {models}:",
            "",
            _grid(_rows(plan.ablations), headers, align),
            "",
        ]
    memory = [[what, scaled(size, "B")] for what, size in plan.memory]
    parts = [
        f"Cost of {' '.join(files)}, on paper: nothing was run.",
        _experiment(plan),
        machine if on_gpu else "No stage takes a GPU.",
        "",
        _grid(_rows(plan.rows), headers, align),
        "",
        "Stages follow each other; within one, a job takes one GPU or one core."
        + (f" GPUs are busy for {duration(plan.gpu_hours)} together." if on_gpu else ""),
        "",
        *added,
        _grid(memory, ["memory of one job, at least", "size"], ("left", "right")),
        "",
        "Assumed:",
        *(f"- {row.stage}: {ASSUMED[row.stage]}" for row in plan.rows),
        f"- of a GPU's peak, training reaches {_shares(rates, 'train_share')}, encoding "
        f"{_shares(rates, 'encode_share')}, generation {_shares(rates, 'generate_share')}",
        f"- {rates.text.tokens_a_word:g} tokens a word in every language; a training batch has "
        f"{rates.text.padding:g} times its tokens with padding, max_tokens at most",
        "- not counted: translations of the reference sets and back, language bias in detail, "
        "figures, records, logs, what is kept for resuming",
        f"Rates, sizes and where each is from: {RATES_FILE}.",
    ]
    return "\n".join(parts) + "\n"


def _experiment(plan: Plan) -> str:
    steps = " to ".join(dict.fromkeys((f"{plan.least_steps:,}", f"{plan.max_steps:,}")))
    corpora = "1 corpus" if len(plan.corpora) == 1 else f"{len(plan.corpora)} corpora"
    pairs = sum(corpus.pairs for corpus in plan.corpora)
    counted = f" Read already, and counted: {', '.join(plan.read)}." if plan.read else ""
    models = _number(plan.models, "model")
    return f"{models} of {steps} steps; {corpora} of {pairs:,.0f} pairs.{counted}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _time(hours: float) -> str:
    if hours >= 0.995:
        return f"{float(f'{hours:.2g}'):g} h"
    minutes = round(60 * hours)
    return f"{minutes} min" if minutes else "<1 min"


def _grid(rows: list, headers: list[str], align: Sequence[str]) -> str:
    return tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True)


def _rows(rows: Sequence[Row]) -> list[list]:
    """Each stage, and all together."""
    hours = [sum((getattr(row, key) for row in rows), Span(0, 0)) for key in ("hours_1", "hours_8")]
    jobs, tokens, flops, disk = (
        sum(getattr(row, key) for row in rows) for key in ("jobs", "tokens", "flops", "disk")
    )
    total = ["all", jobs, "", *_amounts(tokens, flops, disk), *map(duration, hours)]
    return [*map(_row, rows), total]


def _row(row: Row) -> list:
    amounts = _amounts(row.tokens, row.flops, row.disk)
    if not row.jobs:
        return [row.stage, 0, "-", *amounts, "-", "-"]
    device = "GPU" if row.on_gpu else "CPU"
    return [row.stage, row.jobs, device, *amounts, duration(row.hours_1), duration(row.hours_8)]


def _amounts(tokens: float, flops: float, disk: float) -> list[str]:
    return [scaled(tokens, ""), scaled(flops, "FLOP"), scaled(disk, "B")]


def _shares(rates: Rates, name: str) -> str:
    rate = rates.rate(name)
    return f"{100 * rate.low:g} to {100 * rate.high:g} %"

"""A plan as a page of text: the table of stages, resource requests, and assumptions."""

from collections.abc import Sequence

from tabulate import tabulate

from hybridbatch.cost.measure import Measured
from hybridbatch.cost.model import RATES_FILE, Rates, Span
from hybridbatch.cost.plan import Largest, Plan, Row

_TOWERS = "towers"  # the stage
ASSUMED = {
    "fetch": "corpora as the text that is read, where no size is known",
    "read": "pairs in full, their different texts, and those that come in other languages",
    "translate": "every different text once a language, as long as in English; nothing is split",
    "filter": "keeps every pair",
    "contamination": "every different question and passage of a benchmark's languages",
    "tokenize": "every different text once an encoder and language, 4 bytes a token; pretrained "
    "weights are fetched here, in float32",
    "fine-tune": "all steps in tokens and FLOPs; in hours from the earliest stop to all steps",
    "merge": "an adapter and its base are read, and one model is written",
    "encode": "every text of every benchmark by every model; MIRACL is searched here, file by file",
    "evaluate": "every query against every candidate, on CPUs; means, intervals, tests",
    "images": "all that the catalogue's benchmarks of images have; downloads at the network's rate",
    _TOWERS: "frozen towers embed everything once; all steps of every split, seed and system",
    "tables": "tables and their records",
}
_MUCH_MB = 2000  # a rule that requests this much memory gets its own row
_UNMEASURED = (
    f"Not measured: the towers of `image_text`, whose hours are by the rates of {RATES_FILE}."
)
_UNITS = ("", "k", "M", "G", "T", "P", "E", "Z")


def scaled(number: float, unit: str) -> str:
    """A number with two digits and an SI prefix: 1.5e9 bytes give `1.5 GB`."""
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


def plan_text(
    plan: Plan, rates: Rates, files: Sequence[str], measured: Sequence[Measured] = ()
) -> str:
    """The page for a configuration in `files`; measured: rates of encoders on this machine."""
    ran = "only the encoders' first steps were run" if measured else "nothing was run"
    title = [f"Cost of {' '.join(files)}, on paper: {ran}.", _experiment(plan)]
    if not (plan.rows or plan.ablations):
        return "\n".join([*title, "Nothing is missing.", ""])
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
    parts = [
        *title,
        machine if on_gpu else "No stage takes a GPU.",
        "",
        *(
            f"Measured on {of.device}: {of.encoder} trains {of.pairs:.3g} pairs and encodes "
            f"{of.texts:.3g} texts a second."
            for of in measured
        ),
        *[_UNMEASURED] * (bool(measured) and _has_towers(plan)),
        *[""] * bool(measured),
        _grid(_rows(plan.rows), headers, align),
        "",
        "Stages follow each other; within one, a job takes one GPU or one core."
        + (f" GPUs are busy for {duration(plan.gpu_hours)} together." if on_gpu else ""),
        "",
        *added,
        _grid(
            _requests(plan.largest),
            ["largest job of", "jobs", "threads", "main memory", "GPU memory", "run time"],
            ("left", *["right"] * 5),
        ),
        "",
        "Threads, main memory and run time are what the job asks of Snakemake, with room to spare, "
        "on any GPU of the rates; GPU memory is the least that it needs.",
        "",
        *(_memory(plan) if plan.memory else ()),
        "Assumed:",
        *(f"- {row.stage}: {ASSUMED[row.stage]}" for row in plan.rows),
        "- a core computes "
        f"{scaled(rates.rate('cpu_flops').low, 'FLOP')} to "
        f"{scaled(rates.rate('cpu_flops').high, 'FLOP')} a second"
        if not plan.gpu.present
        else f"- of a GPU's peak, training reaches {_shares(rates, 'train_share')}, encoding "
        f"{_shares(rates, 'encode_share')} (in float32 {_shares(rates, 'encode_float32_share')} of "
        f"that without tensor cores), generation {_shares(rates, 'generate_share')}",
        f"- {rates.text.tokens_a_word:g} tokens a word in every language; a training batch has "
        f"{rates.text.padding:g} times its tokens with padding, max_tokens at most",
        "- not counted: fetching the translator's model, figures and the report, logs, "
        "what is kept for resuming",
        f"Rates, sizes and where each is from: {RATES_FILE}.",
    ]
    return "\n".join(parts) + "\n"


def _experiment(plan: Plan) -> str:
    corpora = _number(len(plan.corpora), "corpus", "corpora")
    pairs = sum(corpus.pairs for corpus in plan.corpora)
    counted = f" Read already, and counted: {', '.join(plan.read)}." if plan.read else ""
    models = _number(plan.models, "model")
    if plan.steps:
        models += f" of {' to '.join(dict.fromkeys(f'{end:,}' for end in plan.steps))} steps"
    return f"{models}; {corpora} of {pairs:,.0f} pairs.{counted}"


def _has_towers(plan: Plan) -> bool:
    return any(row.stage == _TOWERS for row in (*plan.rows, *plan.ablations))


def _number(count: int, what: str, several: str = "") -> str:
    return f"{count} {what}" if count == 1 else f"{count} {several or what + 's'}"


def _time(hours: float) -> str:
    if hours >= 0.995:
        return f"{float(f'{hours:.2g}'):g} h"
    minutes = round(60 * hours)
    return f"{minutes} min" if minutes else "<1 min"


def _grid(rows: list, headers: list[str], align: Sequence[str]) -> str:
    return tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True)


def _rows(rows: Sequence[Row]) -> list[list]:
    """A row for each stage, and one for the total."""
    hours = [sum((getattr(row, key) for row in rows), Span(0, 0)) for key in ("hours_1", "hours_8")]
    jobs, tokens, flops, disk = (
        sum(getattr(row, key) for row in rows) for key in ("jobs", "tokens", "flops", "disk")
    )
    total = ["all", jobs, "", *_amounts(tokens, flops, disk), *map(duration, hours)]
    return [*map(_row, rows), total]


def _row(row: Row) -> list:
    amounts = _amounts(row.tokens, row.flops, row.disk)
    device = "GPU" if row.on_gpu else "CPU"
    return [row.stage, row.jobs, device, *amounts, duration(row.hours_1), duration(row.hours_8)]


def _requests(largest: Sequence[Largest]) -> list[list]:
    """A row for each rule with large requests, and one for the maximum of all others."""
    small = [of for of in largest if of.mem_mb < _MUCH_MB and not of.gpu_memory]
    rows = [_request(of.rule, [of]) for of in largest if of not in small]
    return rows + ([_request(f"the other {len(small)} rules", small)] if small else [])


def _request(what: str, rules: Sequence[Largest]) -> list:
    runtime = max(of.runtime for of in rules) / 60
    return [
        what,
        sum(of.jobs for of in rules),
        max(of.threads for of in rules),
        scaled(1e6 * max(of.mem_mb for of in rules), "B"),
        scaled(max(of.gpu_memory for of in rules), "B"),
        duration(Span(runtime, runtime)),
    ]


def _memory(plan: Plan) -> list[str]:
    """GPU memory of fine-tuning by what it holds, the largest job of each encoder."""
    room = plan.gpu.memory
    rows = [
        [
            name,
            " + ".join(f"{texts.number:g} x {texts.length:g}" for texts in of.batch),
            *(scaled(part, "B") for part in (of.frozen, of.trained, of.kept, of.again, of.passing)),
            scaled(of.total, "B"),
            "enough" if of.peak <= room else f"{scaled(of.peak - room, 'B')} too little",
        ]
        for name, of in plan.memory.items()
    ]
    parts = ["frozen", "trained", "activations", "a layer again", "gradients", "together"]
    parts.append(scaled(room, "B"))
    headers = ["GPU memory of", "texts x tokens", *parts]
    return [
        _grid(rows, headers, ("left", *["right"] * 8)),
        "",
        "Fine-tuning at a batch's longest, the largest job of an encoder: its texts, of so many "
        "tokens each. Frozen weights are in bfloat16. With trained ones stand gradients, AdamW's "
        "moments and the best weights so far. gradient_checkpointing keeps what enters each layer, "
        "and computes one again at a time. The gradients are those of activations, as far as "
        "they exceed those of weights. "
        "While it is loaded, all of an encoder is there in float32. By formula; what torch held on "
        "an H100: docs/trainable.md, Large encoders.",
        "",
    ]


def _amounts(tokens: float, flops: float, disk: float) -> list[str]:
    return [scaled(tokens, ""), scaled(flops, "FLOP"), scaled(disk, "B")]


def _shares(rates: Rates, name: str) -> str:
    rate = rates.rate(name)
    return f"{100 * rate.low:g} to {100 * rate.high:g} %"

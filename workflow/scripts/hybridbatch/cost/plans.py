"""The plan of a configuration: every job of every stage with its work, and what they add up to.

Nothing is run and nothing is read but the configuration, the rates and the sizes that are known
beforehand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hybridbatch.cost.model import (
    RATES_FILE,
    BenchmarkRates,
    Corpus,
    Gpu,
    Job,
    Rates,
    Shape,
    Span,
    corpus_sizes,
    forward,
    generation,
    hours,
    model_shape,
)
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.outputs import ABLATIONS
from hybridbatch.runtime.errors import ConfigError

STAGES = (
    "fetch",
    "read",
    "translate",
    "filter",
    "contamination",
    "tokenize",
    "fine-tune",
    "encode",
    "index",
    "evaluate",
)
# Bytes a parameter while it is trained in float32: itself, its gradient, AdamW's two moments and
# the best weights so far.
_TRAINING_BYTES = 20
# Bytes a token, layer and unit of width that the backward pass needs in 16 bits, attention scores
# left out: Korthikanti et al. 2022, "Reducing activation recomputation", section 4.1.
_ACTIVATION_BYTES = 34
# Of one passage of a run: its id, compressed, score and rank.
_RUN_BYTES = 24
# Of one pair in a file of token ids: three int64 numbers and three int32 places.
_PAIR_BYTES = 3 * 8 + 3 * 4


@dataclass(frozen=True)
class Run:
    """A model and what it is tested on."""

    system: variants.System
    seed: int
    benchmarks: tuple[str, ...]
    trained: bool = True  # here; else the model is there already


@dataclass(frozen=True)
class Row:
    """A stage in all."""

    stage: str
    jobs: int
    on_gpu: bool
    tokens: float
    flops: float
    disk: float
    hours_1: Span
    hours_8: Span


@dataclass(frozen=True)
class Plan:
    """What a configuration costs."""

    gpu: Gpu
    rows: tuple[Row, ...]
    corpora: tuple[Corpus, ...]
    read: tuple[str, ...]  # corpora whose sizes are the workflow's own counts
    models: int
    ablations: tuple[Row, ...]  # what they add to the stages, empty where none is chosen
    ablation_models: int
    max_steps: int
    least_steps: int
    gpu_hours: Span
    memory: tuple[tuple[str, float], ...]  # what, and bytes at the same time


def plan(
    config: Experiment,
    rates: Rates,
    gpu: str,
    published: Mapping[str, int],
    evaluation: Mapping[str, Mapping[str, tuple[int, int]]],
    counts: Mapping[str, Mapping[str, int]],
) -> Plan:
    """What all tables of a valid configuration cost.

    published: pairs of a corpus by its name in the paper's Table 9; evaluation: (queries,
    candidates) by benchmark and language; counts: counts.json of the corpora that were read.
    """
    if gpu not in rates.gpus:
        raise ConfigError(f"{RATES_FILE}: gpus has no {gpu!r}; it has {', '.join(rates.gpus)}.")
    found = _Reckoning(config, rates, rates.gpus[gpu], published, evaluation, counts)
    found.runs = table_runs(config)
    tables, trained = found.of_tables(), len(found.runs)
    steps = [found.steps(run.system) for run in found.runs]
    total = sum((job.seconds for job in tables if job.on_gpu), Span(0, 0))
    memory = tuple(found.memory())
    found.runs = ablation_runs(config)
    ablations = found.of_ablations()
    return Plan(
        gpu=found.gpu,
        rows=tuple(found.row(s, [j for j in tables if j.stage == s]) for s in STAGES),
        corpora=tuple(found.corpora),
        read=found.read,
        models=trained,
        ablations=tuple(
            found.row(s, of_stage)
            for s in STAGES
            if (of_stage := [j for j in ablations if j.stage == s])
        ),
        ablation_models=sum(run.trained for run in found.runs),
        max_steps=max(most for _, most in steps),
        least_steps=max(least for least, _ in steps),
        gpu_hours=Span(total.low / 3600, total.high / 3600),
        memory=memory,
    )


def table_runs(config: Experiment) -> list[Run]:
    """The models that the tables have, each tested on every benchmark."""
    return [
        Run(system, seed, tuple(config.benchmarks))
        for system in variants.systems(config).values()
        for seed in variants.seeds_of(config, system.encoder)
    ]


def ablation_runs(config: Experiment) -> list[Run]:
    """What all ablations add to `table_runs`: models, and tests of models that are there."""
    of_tables, systems = variants.systems(config), variants.ablation_systems(config)
    tests: dict[str, dict[str, None]] = {name: {} for name in systems}
    for ablation in ABLATIONS:
        benchmarks = variants.ablation_benchmarks(config, ablation)
        for point in variants.ablation_points(config, ablation):
            there = config.benchmarks if point.system.name in of_tables else ()
            tests[point.system.name] |= dict.fromkeys(b for b in benchmarks if b not in there)
    return [
        Run(system, seed, tuple(tests[name]), trained=name not in of_tables)
        for name, system in systems.items()
        for seed in variants.seeds_of(config, system.encoder)
    ]


class _Reckoning:
    """The jobs of one configuration."""

    def __init__(self, config, rates, gpu, published, evaluation, counts) -> None:
        self.config, self.rates, self.gpu, self.evaluation = config, rates, gpu, evaluation
        self.catalogue = config.catalogue
        names = dict.fromkeys([*config.corpora, *config.validation])
        self.sizes = {n: corpus_sizes(config, n, rates, published, counts) for n in names}
        self.corpora = [self.sizes[name] for name in config.corpora]
        self.read = tuple(name for name in names if name in counts)
        self.translator = self.catalogue.translators[config.translator]
        self.runs: list[Run] = []  # that are reckoned with at present

    def of_tables(self) -> list[Job]:
        """The jobs of all tables but the ablations'."""
        return [
            *self.fetch(),
            *self.read_corpora(),
            *self.translate(),
            *self.filter(),
            *self.contamination(),
            *self.tokenize(self.config.encoders),
            *self.of_models(),
        ]

    def of_ablations(self) -> list[Job]:
        """What the ablations add: they train on the same texts."""
        encoders = dict.fromkeys(run.system.encoder for run in self.runs)
        more = [name for name in encoders if name not in self.config.encoders]
        return [*self.tokenize(more), *self.of_models()]

    def of_models(self) -> list[Job]:
        """Fine-tuning and what comes after it."""
        return [*self.finetune(), *self.encode(), *self.index(), *self.evaluate()]

    def row(self, stage: str, jobs: Sequence[Job]) -> Row:
        return Row(
            stage,
            len(jobs),
            any(job.on_gpu for job in jobs),
            sum(job.tokens for job in jobs),
            sum(job.flops for job in jobs),
            sum(job.disk for job in jobs),
            # Downloads share one network, however many machines there are.
            hours(jobs, 1, 1 if stage == "fetch" else self.gpu.cores),
            hours(jobs, 8, 1 if stage == "fetch" else 8 * self.gpu.cores),
        )

    def job(self, stage: str, seconds: Span, **values) -> Job:
        """With the time it takes to start."""
        return Job(stage, seconds + self.rates.seconds_of("start"), **values)

    def gpu_seconds(self, flops: float, share: str, gain: Span | None = None) -> Span:
        seconds = self.rates.rate(share).seconds(flops, self.gpu.bf16_flops)
        return Span(seconds.low / gain.high, seconds.high / gain.low) if gain else seconds

    def own_language(self, corpus: Corpus) -> str:
        return self.catalogue.corpora[corpus.name].language

    def text_bytes(self, words: float, languages: Iterable[str]) -> float:
        return sum(self.rates.bytes_of(words, language) for language in languages)

    def parquet(self, words: float, language: str) -> float:
        return self.rates.bytes_of(words, language) * self.rates.text.parquet_share

    # --- stages ---

    def fetch(self) -> Iterable[Job]:
        sizes = []
        for name, corpus in self.sizes.items():
            entry = self.catalogue.corpora[name]
            if getattr(entry, "source", None) is None:
                continue
            languages = [entry.language]
            if entry.parallel_languages is not None:
                languages += lookups.corpus_languages(self.config, name)[1:]
            known = self.rates.corpora[name].download
            held = corpus.validation * (corpus.question_words + corpus.passage_words)
            sizes.append(known or self.text_bytes(corpus.words + held, languages))
        for name in self.benchmarks():
            entry = self.catalogue.benchmarks[name]
            words = self.benchmark_words(name)
            bytes_of = {language: self.rates.bytes_of(n, language) for language, n in words.items()}
            if lookups.has_passages(self.config, name):
                if entry.source is not None:
                    sizes += [0.0] * 2 * len(words)  # topics and judgements are small
                for language, size in bytes_of.items() if entry.corpus is not None else ():
                    files = entry.shards[language]
                    sizes += [size * self.rates.text.gzip_share / files] * files
            elif getattr(entry, "source", None) is not None:
                sizes += bytes_of.values()
        models = [self.catalogue.encoders[name] for name in self.config.encoders]
        models += [self.translator] if self.neural_texts() else []
        for entry in models:
            if getattr(entry, "revision", None) is not None:
                sizes.append(4 * model_shape(self.rates, entry.model).parameters)
        for size in sizes:
            seconds = self.rates.rate("fetch_bytes").seconds(size)
            yield self.job("fetch", seconds, disk=size)

    def read_corpora(self) -> Iterable[Job]:
        for name, corpus in self.sizes.items():
            entry, own = self.catalogue.corpora[name], self.own_language(corpus)
            pairs = corpus.pairs + corpus.validation
            yield self.job(
                "read",
                self.rates.rate("read_pairs").seconds(pairs),
                disk=self.parquet(pairs * corpus.pair_words, own),
            )
            if name not in self.config.corpora:
                continue
            for _ in range(entry.shards):
                yield self.job(
                    "read",
                    self.rates.rate("shard_pairs").seconds(corpus.pairs),
                    disk=self.parquet(corpus.words / entry.shards, own),
                )
            if entry.parallel_languages is not None:
                # Every shard reads the language's files.
                for language in lookups.translated_languages(self.config, name):
                    for _ in range(entry.shards):
                        yield self.job(
                            "read",
                            self.rates.rate("parallel_texts").seconds(corpus.texts),
                            disk=self.parquet(corpus.words / entry.shards, language),
                        )
        for name in self.benchmarks():
            known = self.benchmark_rates(name)
            for language, words in self.benchmark_words(name).items():
                queries, candidates = self.benchmark_sizes(name)[language]
                if lookups.has_passages(self.config, name):
                    # Topics are a job; passages stay in their files, the judged ones are taken out.
                    yield self.job("read", Span(0, 0))
                    words = queries * known.query_words
                    words += queries * known.judged_a_query * known.candidate_words
                seconds = self.rates.rate("read_pairs").seconds(queries + candidates)
                yield self.job("read", seconds, disk=self.parquet(words, language))

    def translated(self) -> Iterable[tuple[Corpus, str]]:
        """(corpus, language) of everything that an engine translates."""
        for corpus in self.corpora:
            if self.catalogue.corpora[corpus.name].parallel_languages is None:
                for language in lookups.translated_languages(self.config, corpus.name):
                    yield corpus, language

    def neural_texts(self) -> bool:
        return self.translator.neural and any(self.translated())

    def translate(self) -> Iterable[Job]:
        rates, neural = self.rates, self.translator.neural
        for corpus, language in self.translated():
            shards = self.catalogue.corpora[corpus.name].shards
            tokens = flops = 0.0
            seconds = rates.rate("apertium_lines").seconds(corpus.texts / shards)
            if neural:
                shape = model_shape(rates, self.translator.model)
                limit, beams = self.translator.max_new_tokens, self.translator.beams
                sides = (
                    (corpus.questions, corpus.question_words),
                    (corpus.passages + corpus.negatives, corpus.passage_words),
                )
                for number, words in sides:
                    # With the language's code and the end; what is longer is split.
                    length = min(self.translation_tokens(words), limit)
                    pieces = self.translation_tokens(words) / length
                    flops += number * pieces * generation(shape, length, length, beams)
                    tokens += number * pieces * 2 * length
                gain = None
                if self.translator.kind == "ctranslate2_mt":
                    gain = rates.rate("ctranslate2_gain")
                seconds = self.gpu_seconds(flops / shards, "generate_share", gain)
            disk = self.parquet(corpus.words, language)
            for _ in range(shards):
                yield self.job(
                    "translate",
                    seconds,
                    on_gpu=neural,
                    tokens=tokens / shards,
                    flops=flops / shards,
                    disk=disk / shards,
                )

    def translation_tokens(self, words: float) -> float:
        return words * self.rates.text.tokens_a_word + self.rates.text.special_tokens

    def trained(self) -> Iterable[tuple[Corpus, str]]:
        """(corpus, language) of every train set."""
        for corpus in self.corpora:
            for language in lookups.corpus_languages(self.config, corpus.name):
                yield corpus, language

    def filter(self) -> Iterable[Job]:
        for corpus, language in self.trained():
            yield self.job(
                "filter",
                self.rates.rate("filter_pairs").seconds(corpus.pairs),
                disk=self.parquet(corpus.pairs * corpus.pair_words, language),
            )

    def contamination(self) -> Iterable[Job]:
        tested = {code for b in self.benchmarks() for code in self.benchmark_sizes(b)}
        for corpus, language in self.trained():
            if language in tested:
                texts = corpus.questions + corpus.passages
                yield self.job("contamination", self.rates.rate("duplicate_texts").seconds(texts))

    def encoder(self, name: str) -> tuple[dict, Shape | None]:
        """The catalogue's entry, and the shape if it is a transformer."""
        entry = self.catalogue.encoders[name]
        if entry.kind == "static":
            return entry, None
        if entry.kind == "scratch":
            sizes = (getattr(entry, key) for key in ("dimension", "feed_forward", "vocabulary"))
            return entry, Shape(entry.layers, 0, *sizes, source="the catalogue")
        return entry, model_shape(self.rates, entry.model)

    def on_gpu(self, encoder: str) -> bool:
        """Whether the encoder's jobs want a GPU."""
        return self.catalogue.encoders[encoder].wants_gpu

    def transformer_seconds(self, encoder: str, flops: float, share: str) -> Span:
        """On a GPU, or on a core where it is trained from scratch."""
        if self.on_gpu(encoder):
            return self.gpu_seconds(flops, share)
        return self.rates.rate("cpu_flops").seconds(flops)

    def parameters(self, name: str) -> float:
        entry, shape = self.encoder(name)
        return shape.parameters if shape else entry.dimension * entry.vocabulary

    def token_file(self, corpus: Corpus, limit: int) -> tuple[float, float]:
        """(tokens, bytes) of one language's token ids."""
        rates = self.rates
        tokens = corpus.questions * rates.tokens_of(corpus.question_words, limit)
        passages = corpus.passages + corpus.negatives
        tokens += passages * rates.tokens_of(corpus.passage_words, limit)
        return tokens, 4 * tokens + corpus.pairs * _PAIR_BYTES

    def tokenize(self, encoders: Iterable[str]) -> Iterable[Job]:
        for name in encoders:
            entry, _ = self.encoder(name)
            yield self.job("tokenize", Span(0, 0), disk=4 * self.parameters(name))
            for corpus, _ in self.trained():
                tokens, size = self.token_file(corpus, entry.max_tokens)
                seconds = self.rates.rate("tokenize_words").seconds(corpus.words)
                yield self.job("tokenize", seconds, tokens=tokens, disk=size)
            for corpus in (self.sizes[n] for n in self.config.validation):
                lengths = self.rates.tokens_of(corpus.question_words, entry.max_tokens)
                lengths += self.rates.tokens_of(corpus.passage_words, entry.max_tokens)
                words = corpus.question_words + corpus.passage_words
                yield self.job(
                    "tokenize",
                    self.rates.rate("tokenize_words").seconds(corpus.validation * words),
                    tokens=corpus.validation * lengths,
                    disk=corpus.validation * (4 * lengths + _PAIR_BYTES),
                )

    def steps(self, system: variants.System) -> tuple[int, int]:
        """(fewest, most) steps: training stops after `patience` validations without a better loss.

        The first one is always better.
        """
        values = variants.training_values(self.config, system)
        fewest = (values["patience"] + 1) * values["evaluate_every"]
        return min(fewest, values["max_steps"]), values["max_steps"]

    def drawn(
        self, system: variants.System, sampling: str, alpha: float | None
    ) -> list[tuple[Corpus, float]]:
        """The corpora with the share of the steps that each is drawn for.

        In proportion to its pairs; a corpus of one language gives no cross-lingual batch.
        """
        monolingual = {"x-y": 0.0, "hybrid": alpha}.get(sampling, 1.0)
        cross = 1.0 - monolingual
        several = [
            len(variants.system_languages(self.config, corpus.name, system)) > 1
            for corpus in self.corpora
        ]
        pairs = sum(c.pairs for c in self.corpora)
        crossing = sum(c.pairs for c, more in zip(self.corpora, several, strict=True) if more)
        return [
            (c, (1 - cross) * c.pairs / pairs + (cross * c.pairs / crossing if more else 0.0))
            for c, more in zip(self.corpora, several, strict=True)
        ]

    def finetune(self) -> Iterable[Job]:
        rates = self.rates
        for system in (run.system for run in self.runs if run.trained):
            values = variants.training_values(self.config, system)
            entry, shape = self.encoder(system.encoder)
            limit, (fewest, most) = entry.max_tokens, self.steps(system)
            step_tokens = step_flops = 0.0
            for corpus, share in self.drawn(system, values["sampling"], values["alpha"]):
                sides = ((corpus.question_words, 1.0), (corpus.passage_words, 1.0))
                for words, texts in (*sides, (corpus.passage_words, corpus.negative_share)):
                    number = share * texts * values["batch_size"]
                    length = rates.padded_tokens_of(words, limit)
                    if shape:
                        step_tokens += number * length
                        step_flops += 3 * forward(shape, number * length, length)
                    else:
                        tokens = number * rates.tokens_of(words, limit)
                        step_tokens += tokens
                        step_flops += 3 * entry.dimension * tokens
            check_tokens = check_flops = checked = 0.0
            for corpus in (self.sizes[n] for n in self.config.validation):
                checked += corpus.validation
                for words in (corpus.question_words, corpus.passage_words):
                    length = rates.padded_tokens_of(words, limit)
                    check_tokens += corpus.validation * length
                    if shape:
                        check_flops += forward(shape, corpus.validation * length, length)
            per_step = 1 / values["evaluate_every"]
            tokens = step_tokens + check_tokens * per_step
            flops = step_flops + check_flops * per_step
            if shape:
                seconds = self.transformer_seconds(system.encoder, flops, "train_share")
            else:
                # A forward pass is a third of a step.
                pairs = values["batch_size"] + checked * per_step / 3
                seconds = rates.rate("static_pairs").seconds(pairs)
            yield self.job(
                "fine-tune",
                Span(seconds.low * fewest, seconds.high * most),
                on_gpu=self.on_gpu(system.encoder),
                tokens=tokens * most,
                flops=flops * most,
                disk=4 * self.parameters(system.encoder),
            )

    def benchmark_rates(self, name: str) -> BenchmarkRates:
        if name not in self.rates.benchmarks:
            raise ConfigError(
                f"{RATES_FILE}: benchmarks has no {name!r}: add `{name}: {{query_words: ..., "
                "candidate_words: ..., queries: ..., candidates: ..., source: ...}` there."
            )
        return self.rates.benchmarks[name]

    def benchmark_sizes(self, name: str) -> dict[str, tuple[float, float]]:
        """(queries, candidates) by language."""
        known, published = self.benchmark_rates(name), self.evaluation.get(name, {})
        sizes = {}
        for language in self.catalogue.benchmarks[name].languages:
            sizes[language] = published.get(language, (known.queries, known.candidates))
            if None in sizes[language]:
                raise ConfigError(
                    f"{RATES_FILE}: benchmarks.{name} has no `queries` and `candidates`, and "
                    f"those in {language!r} are not published: add them there."
                )
        return sizes

    def benchmark_words(self, name: str) -> dict[str, float]:
        known = self.benchmark_rates(name)
        return {
            language: queries * known.query_words + candidates * known.candidate_words
            for language, (queries, candidates) in self.benchmark_sizes(name).items()
        }

    def width(self, encoder: str) -> int:
        entry, shape = self.encoder(encoder)
        return shape.width if shape else entry.dimension

    def benchmarks(self) -> list[str]:
        return list(dict.fromkeys(name for run in self.runs for name in run.benchmarks))

    def vectors(self, system: variants.System, name: str, queries: float, candidates: float) -> Job:
        """Encoding texts of a benchmark, with their tokens."""
        entry, shape = self.encoder(system.encoder)
        known, tokens, flops, words = self.benchmark_rates(name), 0.0, 0.0, 0.0
        for number, length in ((queries, known.query_words), (candidates, known.candidate_words)):
            # Sorted by tokens: hardly any padding.
            each = self.rates.tokens_of(length, entry.max_tokens)
            words += number * length
            tokens += number * each
            flops += (
                forward(shape, number * each, each) if shape else entry.dimension * number * each
            )
        # All cores beside a GPU tokenize for it; the rate is that of two.
        on_gpu = self.on_gpu(system.encoder)
        cores = self.gpu.cores / 2 if on_gpu else 1
        seconds = self.rates.rate("tokenize_words").seconds(words, cores)
        if shape:
            seconds += self.transformer_seconds(system.encoder, flops, "encode_share")
        return self.job("encode", seconds, on_gpu=on_gpu, tokens=tokens, flops=flops)

    def encode(self) -> Iterable[Job]:
        for run in self.runs:
            for name in run.benchmarks:
                for language, (queries, candidates) in self.benchmark_sizes(name).items():
                    if lookups.has_passages(self.config, name):
                        yield from self.search(run.system, name, language)
                    else:
                        disk = 4 * (queries + candidates) * self.width(run.system.encoder)
                        job = self.vectors(run.system, name, queries, candidates)
                        yield replace(job, disk=disk)

    def search(self, system: variants.System, name: str, language: str) -> Iterable[Job]:
        """Passages are encoded and searched file by file, and their vectors dropped."""
        entry = self.catalogue.benchmarks[name]
        queries, passages = self.searched(name)[language]
        parts = lookups.passage_parts(self.config, name, language)
        files = 1 if entry.judged_only else entry.shards[language]
        for number in range(len(parts)):
            share = min(entry.shards_a_job, files - number * entry.shards_a_job) / files
            job = self.vectors(system, name, queries, passages * share)
            flops = 2 * queries * passages * share * self.width(system.encoder)
            cores = self.gpu.cores if job.on_gpu else 1
            yield replace(
                job,
                seconds=job.seconds + self.rates.rate("search_flops").seconds(flops, cores),
                flops=job.flops + flops,
                disk=queries * entry.depth * _RUN_BYTES,
            )

    def searched(self, name: str) -> dict[str, tuple[float, float]]:
        """(queries, passages) by language, of a benchmark with passages."""
        sizes = self.benchmark_sizes(name)
        if not self.catalogue.benchmarks[name].judged_only:
            return sizes
        judged = self.benchmark_rates(name).judged_a_query
        return {language: (q, min(q * judged, n)) for language, (q, n) in sizes.items()}

    def ranked(self) -> Iterable[tuple[variants.System, str]]:
        """(system, benchmark) of every model, where all candidates are ranked."""
        for run in self.runs:
            for name in run.benchmarks:
                if not lookups.has_passages(self.config, name):
                    yield run.system, name

    def index(self) -> Iterable[Job]:
        for system, name in self.ranked():
            candidates = sum(n for _, n in self.benchmark_sizes(name).values())
            # Each language's, and all in one.
            disk = 2 * 4 * candidates * self.width(system.encoder)
            yield self.job("index", Span(0, 0), disk=disk)

    def evaluate(self) -> Iterable[Job]:
        rate = self.rates.rate
        for system, name in self.ranked():
            sizes = self.benchmark_sizes(name)
            pool = sum(n for _, n in sizes.values())
            for queries, _ in sizes.values():
                flops = 2 * queries * pool * self.width(system.encoder)
                # The rank of a relevant candidate of every language.
                compares = queries * len(sizes) * pool
                seconds = rate("search_flops").seconds(flops)
                seconds += rate("rank_compares").seconds(compares)
                yield self.job("evaluate", seconds, flops=flops)
        for run in self.runs:
            for name in run.benchmarks:
                if lookups.has_passages(self.config, name):
                    for queries, _ in self.benchmark_sizes(name).values():
                        depth = self.catalogue.benchmarks[name].depth
                        yield self.job("evaluate", Span(0, 0), disk=queries * depth * _RUN_BYTES)
        # Means with intervals of a system, and its part of the tests and tables.
        tested = {(run.system.name, name) for run in self.runs for name in run.benchmarks}
        for _ in range(2 * len(tested)):
            yield self.job("evaluate", self.rates.seconds_of("table"))

    # --- memory ---

    def memory(self) -> Iterable[tuple[str, float]]:
        if self.neural_texts():
            shape = model_shape(self.rates, self.translator.model)
            beams, batch = self.translator.beams, self.translator.batch_tokens
            words = min(
                length
                for c, _ in self.translated()
                for length in (c.question_words, c.passage_words)
            )
            # Keys and values of the source and of the translation, and a second copy when beams
            # change places; scores of all words in float32, three times.
            cache = 2 * 2 * batch * beams * shape.decoder_layers * 2 * shape.width * 2
            scores = batch / self.translation_tokens(words) * beams * shape.vocabulary * 4 * 3
            yield "GPU, translation", 2 * shape.parameters + cache + scores
        for name in self.config.encoders:
            entry, shape = self.encoder(name)
            system = next(run.system for run in self.runs if run.system.encoder == name)
            values = variants.training_values(self.config, system)
            sides = 3 if any(c.negative_share for c in self.corpora) else 2
            if self.on_gpu(name):
                tokens = sides * values["batch_size"] * entry.max_tokens
                activations = tokens * shape.encoder_layers * shape.width * _ACTIVATION_BYTES
                yield (
                    f"GPU, fine-tuning {name}",
                    _TRAINING_BYTES * shape.parameters + activations,
                )
            limit = entry.max_tokens
            held = sum(self.token_file(corpus, limit)[1] for corpus, _ in self.trained())
            yield f"main memory, fine-tuning {name}", held
        width = max(self.width(name) for name in self.config.encoders)
        for name in self.benchmarks():
            sizes = self.benchmark_sizes(name)
            held = sum(n for _, n in sizes.values())
            if lookups.has_passages(self.config, name):
                # A file at a time, as vectors and as an index.
                files = self.catalogue.benchmarks[name].shards
                held = 2 * max(n / files[code] for code, (_, n) in self.searched(name).items())
            yield f"main memory, searching {name}", 4 * held * width

"""What a configuration costs, on paper: tokens, FLOPs, bytes and hours of every stage.

Nothing is run and nothing is read but the configuration, the rates (resources/rates.yaml) and the
sizes that are known beforehand. A forward pass takes 2 FLOPs for each parameter and token, training
6 (Kaplan et al. 2020, "Scaling laws for neural language models", section 2.1), attention its own on
top; looking up an embedding takes none.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

from hybridbatch import config as conf
from hybridbatch.errors import ConfigError

RATES_FILE = "resources/rates.yaml"
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
# Of one pair in a file of token ids: three int64 numbers and three int32 places.
_PAIR_BYTES = 3 * 8 + 3 * 4

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Span:
    """From `low` to `high`."""

    low: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Gpu:
    """A GPU and the CPU cores beside it."""

    name: str
    bf16_flops: float  # a second, at most
    cores: int
    source: str


@dataclass(frozen=True)
class Rate:
    """Work a second, or a share of a GPU's peak, from slow to fast."""

    low: float
    high: float
    source: str

    def seconds(self, work: float, unit: float = 1.0) -> Span:
        """Seconds that `work` takes at `unit` times the rate."""
        return Span(work / (self.high * unit), work / (self.low * unit))


@dataclass(frozen=True)
class Shape:
    """A transformer: an encoder, or with `decoder_layers` an encoder and a decoder."""

    encoder_layers: int
    decoder_layers: int
    width: int
    feed_forward: int
    vocabulary: int
    source: str

    @property
    def encoder_parameters(self) -> int:
        """Of the encoder's matrices: four of attention and two of the feed-forward in a layer."""
        return self.encoder_layers * (4 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def decoder_parameters(self) -> int:
        """Of the decoder's matrices, which attend twice."""
        return self.decoder_layers * (8 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def parameters(self) -> int:
        """All, with one table of embeddings; biases, norms and positions are left out."""
        return self.encoder_parameters + self.decoder_parameters + self.width * self.vocabulary


@dataclass(frozen=True)
class CorpusRates:
    """What is known of a corpus before it is read; see the comment in resources/rates.yaml."""

    question_words: float
    passage_words: float
    source: str
    pairs: int | None = None
    questions: int | None = None
    passages: int | None = None
    negatives: int | None = None
    negative_share: float = 0.0
    download: float | None = None


@dataclass(frozen=True)
class BenchmarkRates:
    """What is known of a benchmark before it is read."""

    query_words: float
    candidate_words: float
    source: str
    queries: int | None = None
    candidates: int | None = None


@dataclass(frozen=True)
class Text:
    """How text is counted in tokens and bytes."""

    tokens_a_word: float
    special_tokens: float
    prefix_tokens: float
    bytes_a_word: float
    padding: float  # tokens of an unsorted batch, padding included, over those without
    parquet_share: float  # bytes of a parquet file over those of its texts


@dataclass(frozen=True)
class Rates:
    """The file of rates."""

    gpus: dict[str, Gpu]
    rates: dict[str, Rate]
    seconds: dict[str, Rate]  # a job, not work a second
    text: Text
    models: dict[str, Shape]
    corpora: dict[str, CorpusRates]
    benchmarks: dict[str, BenchmarkRates]
    bytes_of_language: dict[str, float]  # over English; `other` for the rest

    @staticmethod
    def of(values: Mapping[str, Any]) -> "Rates":
        """From the parsed file; raise ConfigError that names the wrong or missing key."""

        def section(name: str, kind: type[Entry]) -> dict[str, Entry]:
            return {
                key: _entry(kind, entry, f"{name}.{key}")
                for key, entry in _key(values, name).items()
            }

        text = {name: entry["value"] for name, entry in _key(values, "text").items()}
        found = Rates(
            gpus=section("gpus", Gpu),
            rates=section("rates", Rate),
            seconds=section("seconds", Rate),
            text=_entry(Text, text, "text"),
            models=section("models", Shape),
            corpora=section("corpora", CorpusRates),
            benchmarks=section("benchmarks", BenchmarkRates),
            bytes_of_language=dict(_key(values, "bytes_of_language")["values"]),
        )
        for name, rate in found.rates.items():
            if not 0 < rate.low <= rate.high:
                raise ConfigError(f"{RATES_FILE}: rates.{name}: 0 < low <= high does not hold.")
        for name, rate in found.seconds.items():
            if not 0 <= rate.low <= rate.high:
                raise ConfigError(f"{RATES_FILE}: seconds.{name}: 0 <= low <= high does not hold.")
        return found

    def rate(self, name: str) -> Rate:
        """The rate `name`; raise ConfigError if the file has none."""
        return _key(self.rates, name, "rates ")

    def seconds_of(self, name: str) -> Span:
        """Seconds `name` of a job; raise ConfigError if the file has none."""
        found = _key(self.seconds, name, "seconds ")
        return Span(found.low, found.high)

    def bytes_of(self, words: float, language: str) -> float:
        """UTF-8 bytes of a text of `words` English words in `language`."""
        factors = self.bytes_of_language
        return words * self.text.bytes_a_word * factors.get(language, factors["other"])

    def tokens_of(self, words: float, limit: float) -> float:
        """Tokens of an encoder's input, with prefix and ends, of at most `limit`."""
        text = self.text
        tokens = words * text.tokens_a_word + text.special_tokens + text.prefix_tokens
        return min(tokens, limit)

    def padded_tokens_of(self, words: float, limit: float) -> float:
        """The same in an unsorted batch, padding included."""
        return min(self.tokens_of(words, limit) * self.text.padding, limit)


@dataclass(frozen=True)
class Corpus:
    """Sizes of a corpus; questions, passages and negatives are different texts."""

    name: str
    pairs: float  # to train on
    validation: float  # pairs held out
    questions: float
    passages: float
    negatives: float
    negative_share: float
    question_words: float
    passage_words: float

    @property
    def texts(self) -> float:
        return self.questions + self.passages + self.negatives

    @property
    def words(self) -> float:
        """Of the different texts."""
        passages = self.passages + self.negatives
        return self.questions * self.question_words + passages * self.passage_words

    @property
    def pair_words(self) -> float:
        """Of a pair that is written out in full, as the train sets are."""
        return self.question_words + (1 + self.negative_share) * self.passage_words


@dataclass(frozen=True)
class Job:
    """A job of the workflow, as it is started: on one GPU or one core."""

    stage: str
    seconds: Span
    on_gpu: bool = False
    tokens: float = 0.0
    flops: float = 0.0
    disk: float = 0.0  # bytes


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
    max_steps: int
    least_steps: int
    gpu_hours: Span
    memory: tuple[tuple[str, float], ...]  # what, and bytes at the same time


def forward(shape: Shape, tokens: float, length: float) -> float:
    """FLOPs of an encoder over `tokens` in sequences of `length`, attention included."""
    attention = 4 * shape.encoder_layers * shape.width * length
    return tokens * (2 * shape.encoder_parameters + attention)


def generation(shape: Shape, source: float, target: float, beams: int) -> float:
    """FLOPs of translating one text of `source` tokens into `target` ones by beam search.

    Each beam projects the source's keys and values once a layer, and each of its tokens goes
    through the decoder's other matrices and the output's, attends to the source and to half of
    the target on average.
    """
    layers, width = shape.decoder_layers, shape.width
    source_projections = 2 * layers * width**2
    token = shape.decoder_parameters - source_projections + width * shape.vocabulary
    attention = 4 * layers * width * (source + target / 2)
    decoder = source * 2 * source_projections + target * (2 * token + attention)
    return forward(shape, source, source) + beams * decoder


def hours(jobs: Iterable[Job], gpus: int, cores: int) -> Span:
    """Hours of jobs that wait for nothing but a device, the longest first to the first free one.

    gpus and cores: how many there are of each. Both kinds run side by side.
    """
    jobs = list(jobs)
    ends = []
    for end in ("low", "high"):
        busiest = 0.0
        for on_gpu, devices in ((True, gpus), (False, cores)):
            seconds = sorted(getattr(j.seconds, end) for j in jobs if j.on_gpu == on_gpu)
            free = [0.0] * min(devices, max(len(seconds), 1))
            for job in reversed(seconds):
                heapq.heappush(free, heapq.heappop(free) + job)
            busiest = max(busiest, *free)
        ends.append(busiest / 3600)
    return Span(*ends)


def corpus_sizes(
    config: dict,
    name: str,
    rates: Rates,
    published: Mapping[str, int],
    counts: Mapping[str, Mapping[str, int]],
) -> Corpus:
    """Sizes of a corpus: the workflow's own counts, else the published, else those of the rates.

    published: pairs by the data set's name; counts: a corpus' counts.json, where it has been read.
    Raises ConfigError that says which key to add.
    """
    entry, known = config["catalogue"]["corpora"][name], rates.corpora.get(name)
    if known is None:
        raise ConfigError(
            f"{RATES_FILE}: corpora has no {name!r}: add `{name}: {{pairs: ..., question_words: "
            "..., passage_words: ..., source: ...}` there."
        )
    if name in counts:
        train, validation = counts[name]["train"], counts[name]["validation"]
        pairs = train + validation
    else:
        pairs = published.get(entry.get("published"), known.pairs)
        if pairs is None:
            raise ConfigError(
                f"{RATES_FILE}: corpora.{name} has no `pairs`, nor is the corpus' size published: "
                "add it there, or let the workflow read the corpus first."
            )
        train, validation = pairs * (1 - entry["holdout"]), pairs * entry["holdout"]
    left = train / pairs if pairs else 0

    def different(number: int | None, most: float) -> float:
        return min(number, most) * left if number is not None else most * left

    return Corpus(
        name,
        train,
        validation,
        different(known.questions, pairs),
        different(known.passages, pairs),
        different(known.negatives, pairs * known.negative_share),
        known.negative_share,
        known.question_words,
        known.passage_words,
    )


def model_shape(rates: Rates, model: str) -> Shape:
    """The shape of a model; raise ConfigError that says which key to add."""
    if model not in rates.models:
        keys = ", ".join(f"{f.name}: ..." for f in fields(Shape))
        raise ConfigError(
            f"{RATES_FILE}: models has no {model!r}: add `{model}: {{{keys}}}` there, with the "
            "numbers of its config.json."
        )
    return rates.models[model]


def plan(
    config: dict,
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
    reckoning = _Reckoning(config, rates, rates.gpus[gpu], published, evaluation, counts)
    return reckoning.plan()


class _Reckoning:
    """The jobs of one configuration."""

    def __init__(self, config, rates, gpu, published, evaluation, counts) -> None:
        self.config, self.rates, self.gpu, self.evaluation = config, rates, gpu, evaluation
        self.catalogue = config["catalogue"]
        names = dict.fromkeys([*config["corpora"], *config["validation"]])
        self.sizes = {n: corpus_sizes(config, n, rates, published, counts) for n in names}
        self.corpora = [self.sizes[name] for name in config["corpora"]]
        self.read = tuple(name for name in names if name in counts)
        self.translator = self.catalogue["translators"][config["translator"]]
        self.models = [
            (system, seed) for system in conf.systems(config).values() for seed in config["seeds"]
        ]

    def plan(self) -> Plan:
        jobs = [
            *self.fetch(),
            *self.read_corpora(),
            *self.translate(),
            *self.filter(),
            *self.contamination(),
            *self.tokenize(),
            *self.finetune(),
            *self.encode(),
            *self.index(),
            *self.evaluate(),
        ]
        steps = [self.steps(system) for system, _ in self.models]
        on_gpu = [job.seconds for job in jobs if job.on_gpu]
        total = sum(on_gpu, Span(0, 0))
        return Plan(
            gpu=self.gpu,
            rows=tuple(self.row(s, [j for j in jobs if j.stage == s]) for s in STAGES),
            corpora=tuple(self.corpora),
            read=self.read,
            models=len(self.models),
            max_steps=max(most for _, most in steps),
            least_steps=max(least for least, _ in steps),
            gpu_hours=Span(total.low / 3600, total.high / 3600),
            memory=tuple(self.memory()),
        )

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
        return self.catalogue["corpora"][corpus.name]["language"]

    def text_bytes(self, words: float, languages: Iterable[str]) -> float:
        return sum(self.rates.bytes_of(words, language) for language in languages)

    def parquet(self, words: float, language: str) -> float:
        return self.rates.bytes_of(words, language) * self.rates.text.parquet_share

    # --- stages ---

    def fetch(self) -> Iterable[Job]:
        sizes = []
        for name, corpus in self.sizes.items():
            entry = self.catalogue["corpora"][name]
            if "source" not in entry:
                continue
            languages = [entry["language"]]
            if "parallel" in entry:
                languages += conf.corpus_languages(self.config, name)[1:]
            known = self.rates.corpora[name].download
            held = corpus.validation * (corpus.question_words + corpus.passage_words)
            sizes.append(known or self.text_bytes(corpus.words + held, languages))
        for name in self.config["benchmarks"]:
            entry, words = self.catalogue["benchmarks"][name], self.benchmark_words(name)
            if "corpus" in entry:
                # Gzipped, which takes about what parquet takes; topics and judgements are small.
                for language, n in words.items():
                    shards = entry["shards"][language]
                    sizes += [self.parquet(n / shards, language)] * shards
                    sizes += [0.0, 0.0]
            elif "source" in entry:
                sizes += [self.rates.bytes_of(n, language) for language, n in words.items()]
        models = [self.catalogue["encoders"][name] for name in self.config["encoders"]]
        models.append(self.translator if self.neural_texts() else {})
        for entry in models:
            if "revision" in entry:
                sizes.append(4 * model_shape(self.rates, entry["model"]).parameters)
        for size in sizes:
            seconds = self.rates.rate("fetch_bytes").seconds(size)
            yield self.job("fetch", seconds, disk=size)

    def read_corpora(self) -> Iterable[Job]:
        for name, corpus in self.sizes.items():
            entry, own = self.catalogue["corpora"][name], self.own_language(corpus)
            pairs = corpus.pairs + corpus.validation
            yield self.job(
                "read",
                self.rates.rate("read_pairs").seconds(pairs),
                disk=self.parquet(pairs * corpus.pair_words, own),
            )
            if name not in self.config["corpora"]:
                continue
            for _ in range(entry["shards"]):
                yield self.job(
                    "read",
                    self.rates.rate("shard_pairs").seconds(corpus.pairs),
                    disk=self.parquet(corpus.words / entry["shards"], own),
                )
            if "parallel" in entry:
                # Every shard reads the language's files.
                for language in conf.translated_languages(self.config, name):
                    for _ in range(entry["shards"]):
                        yield self.job(
                            "read",
                            self.rates.rate("parallel_texts").seconds(corpus.texts),
                            disk=self.parquet(corpus.words / entry["shards"], language),
                        )
        for name in self.config["benchmarks"]:
            for language, words in self.benchmark_words(name).items():
                number = sum(self.benchmark_sizes(name)[language])
                seconds = self.rates.rate("read_pairs").seconds(number)
                if self.has_passages(name):
                    # Once to count them; of texts only the judged ones are kept.
                    yield self.job("read", Span(0, 0))
                    yield self.job("read", seconds)
                else:
                    yield self.job("read", seconds, disk=self.parquet(words, language))

    def translated(self) -> Iterable[tuple[Corpus, str]]:
        """(corpus, language) of everything that an engine translates."""
        for corpus in self.corpora:
            if "parallel" not in self.catalogue["corpora"][corpus.name]:
                for language in conf.translated_languages(self.config, corpus.name):
                    yield corpus, language

    def neural_texts(self) -> bool:
        return self.translator["engine"] in conf.NEURAL_ENGINES and any(self.translated())

    def translate(self) -> Iterable[Job]:
        rates, neural = self.rates, self.translator["engine"] in conf.NEURAL_ENGINES
        for corpus, language in self.translated():
            shards = self.catalogue["corpora"][corpus.name]["shards"]
            tokens = flops = 0.0
            seconds = rates.rate("apertium_lines").seconds(corpus.texts / shards)
            if neural:
                shape = model_shape(rates, self.translator["model"])
                limit, beams = self.translator["max_new_tokens"], self.translator["beams"]
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
                if self.translator["engine"] == "ctranslate2_mt":
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
            for language in conf.corpus_languages(self.config, corpus.name):
                yield corpus, language

    def filter(self) -> Iterable[Job]:
        for corpus, language in self.trained():
            yield self.job(
                "filter",
                self.rates.rate("filter_pairs").seconds(corpus.pairs),
                disk=self.parquet(corpus.pairs * corpus.pair_words, language),
            )

    def contamination(self) -> Iterable[Job]:
        tested = {code for b in self.config["benchmarks"] for code in self.benchmark_sizes(b)}
        for corpus, language in self.trained():
            if language in tested:
                texts = corpus.questions + corpus.passages
                yield self.job("contamination", self.rates.rate("duplicate_texts").seconds(texts))

    def encoder(self, name: str) -> tuple[dict, Shape | None]:
        """The catalogue's entry, and the shape if it is a transformer."""
        entry = self.catalogue["encoders"][name]
        static = entry["kind"] == "static"
        return entry, None if static else model_shape(self.rates, entry["model"])

    def parameters(self, name: str) -> float:
        entry, shape = self.encoder(name)
        return shape.parameters if shape else entry["dimension"] * entry["vocabulary"]

    def token_file(self, corpus: Corpus, limit: int) -> tuple[float, float]:
        """(tokens, bytes) of one language's token ids."""
        rates = self.rates
        tokens = corpus.questions * rates.tokens_of(corpus.question_words, limit)
        passages = corpus.passages + corpus.negatives
        tokens += passages * rates.tokens_of(corpus.passage_words, limit)
        return tokens, 4 * tokens + corpus.pairs * _PAIR_BYTES

    def tokenize(self) -> Iterable[Job]:
        for name in self.config["encoders"]:
            entry, _ = self.encoder(name)
            yield self.job("tokenize", Span(0, 0), disk=4 * self.parameters(name))
            for corpus, _ in self.trained():
                tokens, size = self.token_file(corpus, entry["max_tokens"])
                seconds = self.rates.rate("tokenize_words").seconds(corpus.words)
                yield self.job("tokenize", seconds, tokens=tokens, disk=size)
            for corpus in (self.sizes[n] for n in self.config["validation"]):
                lengths = self.rates.tokens_of(corpus.question_words, entry["max_tokens"])
                lengths += self.rates.tokens_of(corpus.passage_words, entry["max_tokens"])
                words = corpus.question_words + corpus.passage_words
                yield self.job(
                    "tokenize",
                    self.rates.rate("tokenize_words").seconds(corpus.validation * words),
                    tokens=corpus.validation * lengths,
                    disk=corpus.validation * (4 * lengths + _PAIR_BYTES),
                )

    def steps(self, system: conf.System) -> tuple[int, int]:
        """(fewest, most) steps: training stops after `patience` validations without a better loss.

        The first one is always better.
        """
        values = conf.training_values(self.config, system)
        fewest = (values["patience"] + 1) * values["evaluate_every"]
        return min(fewest, values["max_steps"]), values["max_steps"]

    def drawn(self, sampling: str, alpha: float) -> list[tuple[Corpus, float]]:
        """The corpora with the share of the steps that each is drawn for.

        In proportion to its pairs; a corpus of one language gives no cross-lingual batch.
        """
        cross = {"x-y": 1.0, "hybrid": 1.0 - alpha}.get(sampling, 0.0)
        several = [len(conf.corpus_languages(self.config, c.name)) > 1 for c in self.corpora]
        pairs = sum(c.pairs for c in self.corpora)
        crossing = sum(c.pairs for c, more in zip(self.corpora, several, strict=True) if more)
        return [
            (c, (1 - cross) * c.pairs / pairs + (cross * c.pairs / crossing if more else 0.0))
            for c, more in zip(self.corpora, several, strict=True)
        ]

    def finetune(self) -> Iterable[Job]:
        rates = self.rates
        for system, _ in self.models:
            values = conf.training_values(self.config, system)
            entry, shape = self.encoder(system.encoder)
            limit, (fewest, most) = entry["max_tokens"], self.steps(system)
            step_tokens = step_flops = 0.0
            for corpus, share in self.drawn(system.sampling, values["alpha"]):
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
                        step_flops += 3 * entry["dimension"] * tokens
            check_tokens = check_flops = checked = 0.0
            for corpus in (self.sizes[n] for n in self.config["validation"]):
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
                seconds = self.gpu_seconds(flops, "train_share")
            else:
                # A forward pass is a third of a step.
                pairs = values["batch_size"] + checked * per_step / 3
                seconds = rates.rate("static_pairs").seconds(pairs)
            yield self.job(
                "fine-tune",
                Span(seconds.low * fewest, seconds.high * most),
                on_gpu=shape is not None,
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
        for language in self.catalogue["benchmarks"][name]["languages"]:
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
        return shape.width if shape else entry["dimension"]

    def tests(self) -> Iterable[tuple[conf.System, str, str, float, float]]:
        """(system, benchmark, language, queries, candidates) of every model."""
        for system, _ in self.models:
            for name in self.config["benchmarks"]:
                for language, (queries, candidates) in self.benchmark_sizes(name).items():
                    yield system, name, language, queries, candidates

    def encode(self) -> Iterable[Job]:
        rates = self.rates
        for system, name, language, queries, all_candidates in self.tests():
            entry, shape = self.encoder(system.encoder)
            passages = self.has_passages(name)
            jobs = len(conf.passage_parts(self.config, name, language)) if passages else 1
            candidates = all_candidates / jobs
            known, tokens, flops, words = self.benchmark_rates(name), 0.0, 0.0, 0.0
            for number, length in (
                (queries, known.query_words),
                (candidates, known.candidate_words),
            ):
                # Sorted by tokens: hardly any padding.
                each = rates.tokens_of(length, entry["max_tokens"])
                words += number * length
                tokens += number * each
                flops += (
                    forward(shape, number * each, each)
                    if shape
                    else entry["dimension"] * number * each
                )
            job = self.job(
                "encode",
                self.gpu_seconds(flops, "encode_share")
                if shape
                else rates.rate("tokenize_words").seconds(words),
                on_gpu=shape is not None,
                tokens=tokens,
                flops=flops,
                # Vectors of passages are searched and dropped.
                disk=0 if passages else 4 * (queries + candidates) * self.width(system.encoder),
            )
            yield from [job] * jobs

    def index(self) -> Iterable[Job]:
        for system, _ in self.models:
            for name in conf.multilingual_benchmarks(self.config):
                candidates = sum(n for _, n in self.benchmark_sizes(name).values())
                # One index of each language, and one of all together.
                disk = 2 * 4 * candidates * self.width(system.encoder)
                yield self.job("index", Span(0, 0), disk=disk)

    def has_passages(self, benchmark: str) -> bool:
        """Whether only the first passages of a query's own language are found, as of MIRACL."""
        return conf.has_passages(self.config, benchmark)

    def evaluate(self) -> Iterable[Job]:
        rate = self.rates.rate
        for system, name, _, queries, own in self.tests():
            sizes = self.benchmark_sizes(name)
            alone = self.has_passages(name)
            pool = own if alone else sum(n for _, n in sizes.values())
            flops = 2 * queries * pool * self.width(system.encoder)
            seconds = rate("search_flops").seconds(flops)
            if not alone:
                # The rank of a relevant candidate of every language.
                seconds += rate("rank_compares").seconds(queries * len(sizes) * pool)
            yield self.job("evaluate", seconds, flops=flops)
        table = self.rates.seconds_of("table")
        variants = {system.name for system, _ in self.models}
        for _ in range(2 * len(variants) * len(self.config["benchmarks"])):
            yield self.job("evaluate", table)

    # --- memory ---

    def memory(self) -> Iterable[tuple[str, float]]:
        if self.neural_texts():
            shape = model_shape(self.rates, self.translator["model"])
            beams, batch = self.translator["beams"], self.translator["batch_tokens"]
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
        for name in self.config["encoders"]:
            entry, shape = self.encoder(name)
            system = next(s for s, _ in self.models if s.encoder == name)
            values = conf.training_values(self.config, system)
            sides = 3 if any(c.negative_share for c in self.corpora) else 2
            if shape:
                tokens = sides * values["batch_size"] * entry["max_tokens"]
                activations = tokens * shape.encoder_layers * shape.width * _ACTIVATION_BYTES
                yield (
                    f"GPU, fine-tuning {name}",
                    _TRAINING_BYTES * shape.parameters + activations,
                )
            limit = entry["max_tokens"]
            held = sum(self.token_file(corpus, limit)[1] for corpus, _ in self.trained())
            yield f"main memory, fine-tuning {name}", held
        width = max(self.width(name) for name in self.config["encoders"])
        for name in self.config["benchmarks"]:
            pools = {code: n for code, (_, n) in self.benchmark_sizes(name).items()}
            held = sum(pools.values())
            if self.has_passages(name):
                # A shard's vectors and their index.
                shards = self.catalogue["benchmarks"][name]["shards"]
                held = 2 * max(n / shards[code] for code, n in pools.items())
            yield f"main memory, searching {name}", 4 * held * width


def _key(values: Mapping[str, Any], name: str, where: str = "") -> Any:
    if name not in values:
        raise ConfigError(f"{RATES_FILE}: {where}has no {name!r}.")
    return values[name]


def _entry(kind: type[Entry], values: Mapping[str, Any], where: str) -> Entry:
    known = {field.name: field for field in fields(kind)}
    for name in values:
        if name not in known:
            raise ConfigError(f"{RATES_FILE}: {where}.{name}: no such key.")
    for name, field in known.items():
        if field.default is MISSING and name not in values:
            raise ConfigError(f"{RATES_FILE}: {where}: has no {name!r}.")
    return kind(**values)

"""The cost model: model shapes, corpus sizes, rates, and the formulas over them.

All numbers come from resources/rates.yaml, which gives the source of each.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

from hybridbatch.cost.memory import Memory
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.shapes import Shape
from hybridbatch.runtime.errors import ConfigError

RATES_FILE = "resources/rates.yaml"

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Span:
    """A range of estimates from `low` to `high`."""

    low: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Gpu:
    """A GPU and the CPU cores beside it."""

    name: str
    bf16_flops: float  # peak FLOPs a second
    fp32_flops: float  # the same without tensor cores
    cores: int
    source: str
    memory: float = 0.0  # bytes

    @property
    def present(self) -> bool:
        """Whether there is a GPU at all; if not, this is a machine of cores."""
        return self.bf16_flops > 0


@dataclass(frozen=True)
class Rate:
    """A range of rates, slow to fast: work a second, or a fraction of a GPU's peak."""

    low: float
    high: float
    source: str

    def seconds(self, work: float, unit: float = 1.0) -> Span:
        """Seconds for `work` at `unit` times the rate."""
        return Span(work / (self.high * unit), work / (self.low * unit))


@dataclass(frozen=True)
class CorpusRates:
    """Sizes of a corpus that are known before it is read; see resources/rates.yaml."""

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
    """Sizes of a benchmark that are known before it is read."""

    query_words: float
    candidate_words: float
    source: str
    queries: int | None = None
    candidates: int | None = None
    judged_a_query: float = 0.0  # judged passages, where a search can be restricted to them


@dataclass(frozen=True)
class ReferenceRates:
    """Sizes of a reference set known before it is read: texts in each language, and words."""

    texts: int
    words: float
    source: str


@dataclass(frozen=True)
class MemoryRates:
    """Bytes of main memory: for a started process, for each pair, for each distinct text."""

    source: str
    process: float = 0.0
    pair: float = 0.0
    text: float = 0.0


@dataclass(frozen=True)
class Text:
    """Conversions from words to tokens and bytes."""

    tokens_a_word: float
    special_tokens: float
    prefix_tokens: float
    bytes_a_word: float
    padding: float  # ratio of padded to unpadded tokens in an unsorted batch
    parquet_share: float  # bytes of a parquet file over bytes of its texts
    gzip_share: float  # the same for gzipped JSON Lines


@dataclass(frozen=True)
class Rates:
    """The contents of resources/rates.yaml."""

    gpus: dict[str, Gpu]
    rates: dict[str, Rate]
    seconds: dict[str, Rate]  # fixed durations of jobs
    text: Text
    models: dict[str, Shape]
    corpora: dict[str, CorpusRates]
    benchmarks: dict[str, BenchmarkRates]
    references: dict[str, ReferenceRates]
    memory: dict[str, MemoryRates]
    bytes_of_language: dict[str, float]  # ratio to English; `other` for the rest

    @staticmethod
    def of(values: Mapping[str, Any]) -> "Rates":
        """Build from the parsed file; raises ConfigError naming the wrong or missing key."""

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
            references=section("references", ReferenceRates),
            memory=section("memory", MemoryRates),
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
        """The rate `name`; raises ConfigError if the file does not have it."""
        return _key(self.rates, name, "rates ")

    def seconds_of(self, name: str) -> Span:
        """The duration `name` in seconds; raises ConfigError if the file does not have it."""
        found = _key(self.seconds, name, "seconds ")
        return Span(found.low, found.high)

    def memory_of(self, name: str, pairs: float = 0.0, texts: float = 0.0) -> float:
        """Bytes of main memory of `name`; raises ConfigError if the file does not have it."""
        found = _key(self.memory, name, "memory ")
        return found.process + pairs * found.pair + texts * found.text

    def bytes_of(self, words: float, language: str) -> float:
        """UTF-8 bytes in `language` of a text that has `words` words in English."""
        factors = self.bytes_of_language
        return words * self.text.bytes_a_word * factors.get(language, factors["other"])

    def tokens_of(self, words: float, limit: float) -> float:
        """Tokens of an encoder's input with prefix and special tokens, at most `limit`."""
        text = self.text
        tokens = words * text.tokens_a_word + text.special_tokens + text.prefix_tokens
        return min(tokens, limit)

    def padded_tokens_of(self, words: float, limit: float) -> float:
        """Like `tokens_of`, in an unsorted batch with padding."""
        return min(self.tokens_of(words, limit) * self.text.padding, limit)


@dataclass(frozen=True)
class Corpus:
    """Sizes of a corpus; questions, passages and negatives are numbers of distinct texts."""

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
        """English words of all distinct texts."""
        passages = self.passages + self.negatives
        return self.questions * self.question_words + passages * self.passage_words

    @property
    def pair_words(self) -> float:
        """English words of a pair written out in full, as in train sets."""
        return self.question_words + (1 + self.negative_share) * self.passage_words


@dataclass(frozen=True)
class Cost:
    """The cost of one job on one GPU or one core."""

    seconds: Span
    on_gpu: bool = False
    threads: int = 1
    tokens: float = 0.0
    flops: float = 0.0
    disk: float = 0.0  # bytes of its outputs
    memory: float = 0.0  # peak bytes of main memory, processes included
    gpu_memory: float = 0.0  # bytes
    training: Memory | None = None  # the parts of a fine-tuning job's memory


def generation(shape: Shape, source: float, target: float, beams: int) -> float:
    """FLOPs of translating one text of `source` tokens into `target` ones by beam search.

    Each beam projects the source's keys and values once in every layer. Each target token passes
    through the other matrices of the decoder and the output matrix. It attends to the source and,
    on average, to half of the target.
    """
    layers, width = shape.decoder_layers, shape.width
    source_projections = 2 * layers * width**2
    token = shape.decoder_parameters - source_projections + width * shape.vocabulary
    attention = 4 * layers * width * (source + target / 2)
    decoder = source * 2 * source_projections + target * (2 * token + attention)
    return shape.forward(source, source) + beams * decoder


def hours(jobs: Iterable[Cost], gpus: int, cores: int) -> Span:
    """Hours for independent jobs, scheduled longest first onto the first free device.

    gpus, cores: numbers of devices. Jobs on GPUs and on cores run in parallel.
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
    config: Experiment,
    name: str,
    rates: Rates,
    published: Mapping[str, int],
    counts: Mapping[str, int] | None,
) -> Corpus:
    """Sizes of a corpus: the workflow's own counts, else published ones, else those in the rates.

    published: numbers of pairs by the data set's name. counts: the corpus' counts.json, or None if
    it has not been read. Raises ConfigError naming the key to add.
    """
    entry, known = config.catalogue.corpora[name], rates.corpora.get(name)
    if known is None:
        raise ConfigError(
            f"{RATES_FILE}: corpora has no {name!r}: add `{name}: {{pairs: ..., question_words: "
            "..., passage_words: ..., source: ...}` there."
        )
    if counts:
        train, validation = counts["train"], counts["validation"]
        pairs = train + validation
    else:
        pairs = published.get(entry.published, known.pairs)
        if pairs is None:
            raise ConfigError(
                f"{RATES_FILE}: corpora.{name} has no `pairs`, nor is the corpus' size published: "
                "add it there, or let the workflow read the corpus first."
            )
        train, validation = pairs * (1 - entry.holdout), pairs * entry.holdout
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


@dataclass(frozen=True)
class Collection:
    """Sizes of one language of a benchmark."""

    queries: float
    candidates: float
    query_words: float  # words of one query
    candidate_words: float
    judged_a_query: float

    @property
    def words(self) -> float:
        return self.queries * self.query_words + self.candidates * self.candidate_words


def collection_sizes(
    config: Experiment,
    name: str,
    rates: Rates,
    published: Mapping[str, tuple[int, int]],
) -> dict[str, Collection]:
    """Sizes of a benchmark by language: the published ones, else those in the rates.

    published: (queries, candidates) by language. Raises ConfigError naming the key to add.
    """
    known = rates.benchmarks.get(name)
    if known is None:
        raise ConfigError(
            f"{RATES_FILE}: benchmarks has no {name!r}: add `{name}: {{query_words: ..., "
            "candidate_words: ..., queries: ..., candidates: ..., source: ...}` there."
        )
    sizes = {}
    for language in config.catalogue.benchmarks[name].languages:
        queries, candidates = published.get(language, (known.queries, known.candidates))
        if queries is None or candidates is None:
            raise ConfigError(
                f"{RATES_FILE}: benchmarks.{name} has no `queries` and `candidates`, and those in "
                f"{language!r} are not published: add them there."
            )
        sizes[language] = Collection(
            queries, candidates, known.query_words, known.candidate_words, known.judged_a_query
        )
    return sizes


def reference_sizes(rates: Rates, name: str) -> ReferenceRates:
    """Sizes of a reference set; raises ConfigError naming the key to add."""
    if name not in rates.references:
        raise ConfigError(
            f"{RATES_FILE}: references has no {name!r}: add `{name}: {{texts: ..., words: ..., "
            "source: ...}` there."
        )
    return rates.references[name]


def model_shape(rates: Rates, model: str) -> Shape:
    """The shape of a model; raises ConfigError naming the key to add."""
    if model not in rates.models:
        keys = ", ".join(f"{f.name}: ..." for f in fields(Shape))
        raise ConfigError(
            f"{RATES_FILE}: models has no {model!r}: add `{model}: {{{keys}}}` there, with the "
            "numbers of its config.json."
        )
    return rates.models[model]


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

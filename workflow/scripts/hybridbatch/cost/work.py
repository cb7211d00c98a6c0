"""The sizes of a configuration's corpora, collections, encoders and files.

Nothing is run. Only files of the repository are read, and the counts of corpora that the workflow
has already read.
"""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import yaml

from hybridbatch.cost.model import (
    RATES_FILE,
    Collection,
    Corpus,
    Cost,
    Gpu,
    Rate,
    Rates,
    Span,
    collection_sizes,
    corpus_sizes,
    model_shape,
    reference_sizes,
)
from hybridbatch.experiment import lookups
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.base import File
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.encoders import Encoder
from hybridbatch.experiment.engines import Translator
from hybridbatch.experiment.readers import Corpus as CorpusEntry
from hybridbatch.experiment.shapes import Shape
from hybridbatch.runtime.errors import ConfigError

NO_GPU = "none"
NO_TIME = Span(0, 0)  # no time beyond the start of the process
# Of pretrained models: on a CPU all that compute, beside a GPU those that prepare its batches.
_THREADS = 8
_ROOT = Path(__file__).parents[4]


class Work:
    """The sizes of a valid configuration, each looked up once.

    published: pairs of a corpus by its name in the paper's Table 9; evaluation: (queries,
    candidates) by benchmark and language; counts: of a corpus that was read, else None.
    """

    def __init__(
        self,
        experiment: Experiment,
        rates: Rates,
        gpu: Gpu,
        published: Mapping[str, int],
        evaluation: Mapping[str, Mapping[str, tuple[int, int]]],
        counts: Callable[[str], Mapping[str, int] | None],
    ) -> None:
        self.experiment, self.rates, self.gpu = experiment, rates, gpu
        # FLOPs a second that were measured here (`measure`), by encoder and `train` or `encode`; on
        # a GPU, or on one core. They replace the rates of the file.
        self.measured: dict[tuple[str, str], Rate] = {}
        catalogue = experiment.catalogue
        self.translator: Translator = catalogue.translators[experiment.translator]
        self.corpus: Callable[[str], Corpus] = cache(
            lambda name: corpus_sizes(experiment, name, rates, published, counts(name))
        )
        self.collections: Callable[[str], dict[str, Collection]] = cache(
            lambda name: collection_sizes(experiment, name, rates, evaluation.get(name, {}))
        )
        self.is_counted = lambda name: counts(name) is not None

    # --- entries of the catalogue ---

    def corpus_entry(self, name: str) -> CorpusEntry:
        return self.experiment.catalogue.corpora[name]

    def benchmark(self, name: str) -> Benchmark:
        return self.experiment.catalogue.benchmarks[name]

    def encoder(self, name: str) -> Encoder:
        return self.experiment.catalogue.encoders[name]

    def shape(self, encoder: str, side: str) -> Shape:
        """The tower of an encoder that embeds a side, `query` or `candidate`."""
        entry = self.encoder(encoder)
        if entry.renders and side == "query":
            return self.shape(entry.base, side)
        return entry.shape(side, self.model_shape)

    def parameters(self, encoder: str) -> float:
        """The number of parameters of all its towers."""
        entry = self.encoder(encoder)
        if entry.renders:
            return self.parameters(entry.base) + self.image_parameters(encoder)
        return entry.parameters(self.model_shape)

    def image_numbers(self, encoder: str, words: float) -> float:
        """What an image of so many words is for the tower of an encoder that renders texts."""
        return self.encoder(encoder).numbers(words, self.shape(encoder, "candidate"))

    def image_parameters(self, encoder: str) -> float:
        """The number of parameters of the image tower of an encoder that renders texts."""
        return self.shape(encoder, "candidate").parameters

    def width(self, encoder: str) -> int:
        """The dimension of its vectors."""
        return self.encoder(encoder).width or self.shape(encoder, "query").width

    def model_shape(self, model: str) -> Shape:
        """The shape of a published model; raise ConfigError that says which key to add."""
        return model_shape(self.rates, model)

    @cached_property
    def systems(self) -> dict[str, variants.System]:
        """All systems of tables and ablations, by name."""
        of = self.experiment
        towers = variants.tower_systems(of)
        return towers | variants.systems(of) | variants.ablation_systems(of)

    @property
    def corpora(self) -> list[Corpus]:
        """The corpora that are trained on."""
        return [self.corpus(name) for name in self.experiment.corpora]

    @property
    def validation(self) -> list[Corpus]:
        return [self.corpus(name) for name in self.experiment.validation]

    # --- a job ---

    def encoders_device(self, name: str) -> dict:
        """`threads` and `on_gpu` of jobs that compute with an encoder.

        Encoders trained from scratch use one thread: more threads would change the order of sums,
        and thereby the last bits of the weights.
        """
        entry = self.encoder(name)
        return {"threads": _THREADS if entry.threaded else 1, "on_gpu": self.on_gpu(name)}

    def encoding_device(self, name: str) -> dict:
        """The same of jobs that encode a benchmark: of the towers that these jobs run."""
        entry = self.encoder(name)
        towers = [name] if not entry.embeds_once else []
        if entry.renders:
            towers.append(entry.base)
        found = [self.encoders_device(tower) for tower in towers]
        return {
            "threads": max(of["threads"] for of in found),
            "on_gpu": any(of["on_gpu"] for of in found),
        }

    def looking_device(self, name: str) -> dict:
        """The same of jobs that look at images once for all systems: a frozen tower computes."""
        return self.encoders_device(name) if self.encoder(name).embeds_once else {}

    def on_gpu(self, encoder: str) -> bool:
        """Whether jobs that compute with an encoder run on a GPU: it uses one, and there is one."""
        return self.encoder(encoder).wants_gpu and self.gpu.present

    def translators_device(self) -> dict:
        """`threads` and `on_gpu` of jobs that translate."""
        neural = self.translator.neural
        return {"threads": _THREADS if neural else 1, "on_gpu": neural and self.gpu.present}

    def light(self, seconds: Span = NO_TIME, *, memory: float = 0.0, **values) -> Cost:
        """A job on one core that loads no model; memory: bytes of its data."""
        return self._cost("light", seconds, memory, values)

    def heavy(self, seconds: Span, *, memory: float = 0.0, **values) -> Cost:
        """A job that loads torch; memory: bytes of its data and models."""
        return self._cost("torch", seconds, memory, values)

    def _cost(self, process: str, seconds: Span, memory: float, values: dict) -> Cost:
        held = self.rates.memory_of("snakemake") + self.rates.memory_of(process) + memory
        return Cost(seconds + self.rates.seconds_of("start"), memory=held, **values)

    def gpu_seconds(
        self, flops: float, share: str, gain: Span | None = None, peak: float | None = None
    ) -> Span:
        """Seconds on a GPU; share: the rate's name; gain: speed-up factor.

        peak: FLOPs a second that the share is of; bfloat16's if None. Without a GPU, on one core.
        """
        if not self.gpu.present:
            return self.rates.rate("cpu_flops").seconds(flops)
        seconds = self.rates.rate(share).seconds(flops, peak or self.gpu.bf16_flops)
        return Span(seconds.low / gain.high, seconds.high / gain.low) if gain else seconds

    def encoding_seconds(self, encoder: str, flops: float) -> Span:
        """Seconds of encoding in the encoder's precision."""
        if measured := self.measured.get((encoder, "encode")):
            return measured.seconds(flops)
        if self.on_gpu(encoder) and self.encoder(encoder).full_precision:
            return self.gpu_seconds(flops, "encode_float32_share", peak=self.gpu.fp32_flops)
        return self._model_seconds(encoder, flops, "encode_share")

    def in_batches(
        self, encoder: str, texts: Iterable[tuple[str, float, float]]
    ) -> tuple[float, float]:
        """(tokens, FLOPs of a forward pass) of texts in training batches, padding included.

        texts: of each sort its side, the words of one, and their number.
        """
        entry = self.encoder(encoder)
        length_of = self.rates.padded_tokens_of if entry.padded else self.rates.tokens_of
        tokens = flops = 0.0
        for side, words, number in texts:
            length = length_of(words, entry.limit(side))
            tokens += number * length
            flops += self.shape(encoder, side).forward(number * length, length)
        return tokens, flops

    def training_seconds(self, encoder: str, flops: float, pairs: float) -> Span:
        """Seconds of training steps; pairs: how many they have together."""
        if measured := self.measured.get((encoder, "train")):
            return measured.seconds(flops)
        if rate := self.encoder(encoder).training_rate:
            return self.rates.rate(rate).seconds(pairs)
        return self._model_seconds(encoder, flops, "train_share")

    def table_seconds(self, encoder: str, rows: float, flops: float) -> Span:
        """Seconds of steps that look up so many rows of a table of visual words, or compute."""
        if self.shape(encoder, "candidate").encoder_layers:
            return self._model_seconds(encoder, flops, "train_share")
        return self.rates.rate("table_rows").seconds(rows)

    def _model_seconds(self, encoder: str, flops: float, share: str) -> Span:
        """Seconds on a GPU, or on one core if the encoder does not use a GPU."""
        if self.on_gpu(encoder):
            return self.gpu_seconds(flops, share)
        return self.rates.rate("cpu_flops").seconds(flops)

    def parquet(self, words: float, language: str) -> float:
        """Bytes of a parquet file of so many words."""
        return self.rates.bytes_of(words, language) * self.rates.text.parquet_share

    def token_file(self, corpus: Corpus, encoder: str) -> tuple[float, float]:
        """(tokens, bytes) of one language's token ids, each different text once."""
        query, candidate = (self.encoder(encoder).limit(side) for side in ("query", "candidate"))
        tokens = corpus.questions * self.rates.tokens_of(corpus.question_words, query)
        passages = corpus.passages + corpus.negatives
        tokens += passages * self.rates.tokens_of(corpus.passage_words, candidate)
        return tokens, 4 * tokens + corpus.pairs * PAIR_BYTES

    # --- downloads ---

    def download(self, place: str) -> float:
        """Bytes of a pinned file `<host>/<path>`; 0 of one that nothing here is read from."""
        size = self._downloads.get(place)
        return size() if size else 0.0

    @cached_property
    def _downloads(self) -> dict[str, Callable[[], float]]:
        """Functions that return the size of each file. They are lazy, since some are unknown."""
        found: dict[str, Callable[[], float]] = {}
        config = self.experiment
        for name in dict.fromkeys([*config.corpora, *config.validation]):
            self._add(found, self._corpus_downloads(name))
        for name in dict.fromkeys([*config.benchmarks, *config.ablations.benchmarks]):
            for language in self.benchmark(name).languages:
                self._add(found, self._benchmark_downloads(name, language))
        for name in config.quality:
            for language in config.catalogue.references[name].languages:
                file = config.catalogue.references[name].file_in(language)
                self._add(found, [([file], partial(self._reference_bytes, name, language))])
        return found

    def _add(
        self,
        found: dict[str, Callable[[], float]],
        groups: Iterable[tuple[list[File], Callable[[], float]]],
    ) -> None:
        """Add the files of groups, given each group's total size; gzipped if their names say so."""

        def share(size: Callable[[], float], number: int, packed: bool) -> float:
            return size() / number * (self.rates.text.gzip_share if packed else 1.0)

        for files, size in groups:
            for file in files:
                if file.fetched:
                    packed = file.name.endswith(".gz")
                    place = lookups.place(self.experiment, file)
                    found[place] = partial(share, size, len(files), packed)

    def _corpus_downloads(self, name: str) -> list[tuple[list[File], Callable[[], float]]]:
        entry = self.corpus_entry(name)

        def in_language(language: str) -> float:
            corpus = self.corpus(name)
            held_out = corpus.validation * (corpus.question_words + corpus.passage_words)
            return self.rates.bytes_of(corpus.words + held_out, language)

        known = self.rates.corpora.get(name)
        own = entry.own_files()
        if known and known.download:
            return [(own, lambda: known.download)]
        groups = [(own, partial(in_language, entry.language))]
        for language in entry.parallel_languages or ():
            groups.append((entry.parallel_files(language), partial(in_language, language)))
        return groups

    def _benchmark_downloads(
        self, name: str, language: str
    ) -> list[tuple[list[File], Callable[[], float]]]:
        def size(share: float) -> float:
            return share * self.rates.bytes_of(self.collections(name)[language].words, language)

        return [
            (files, partial(size, share))
            for files, share in self.benchmark(name).downloads(language)
        ]

    def _reference_bytes(self, name: str, language: str) -> float:
        sizes = reference_sizes(self.rates, name)
        return self.rates.bytes_of(sizes.texts * sizes.words, language)


def step_passes(training: Mapping[str, Any]) -> int:
    """A training step's work in forward passes; training: the values of a TrainConfig.

    Forward, and the gradients of activations and of weights. Layers may be computed again, and the
    gradients of an adapter's few weights do not count.
    """
    trainable = training.get("trainable") or {"kind": "all"}
    return 3 + training["gradient_checkpointing"] - (trainable["kind"] in ("lora", "bottleneck"))


# Bytes of one pair in a file of token ids: three int64 numbers and three int32 positions.
PAIR_BYTES = 3 * 8 + 3 * 4


def read_rates() -> Rates:
    """The rates of this checkout."""
    text = (_ROOT / RATES_FILE).read_text(encoding="utf-8")
    return Rates.of(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def slowest_gpu(rates: Rates) -> str:
    """The slowest GPU of the rates; time limits assume it, whichever GPU a job gets."""
    return min(rates.gpus, key=lambda name: rates.gpus[name].bf16_flops)


def read_work(experiment: Experiment, rates: Rates, gpu: str, folder: Path = Path()) -> Work:
    """The work of a configuration on a GPU of the rates, or on as many cores as here for NO_GPU.

    folder: where results may be; sizes of corpora that have been read are taken from there. Raises
    ConfigError for an unknown GPU.
    """
    gpus = rates.gpus | {NO_GPU: Gpu(NO_GPU, 0.0, 0.0, os.cpu_count() or 1, "this machine")}
    if gpu not in gpus:
        raise ConfigError(f"{RATES_FILE}: gpus has no {gpu!r}; known are {', '.join(gpus)}.")
    published = {
        row["dataset"]: int(row["size_per_language"]) for row in _published("training_data.csv")
    }
    evaluation: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in _published("evaluation_data.csv"):
        sizes = int(row["queries"]), int(row["candidates"])
        evaluation[row["dataset"]][row["language"]] = sizes
    corpora = folder / lookups.results(experiment) / "corpora"

    @cache
    def counts(name: str) -> Mapping[str, int] | None:
        path = corpora / name / "counts.json"
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        except ValueError:
            return None  # damaged: its readers say so; no reason not to plan

    return Work(experiment, rates, gpus[gpu], published, evaluation, counts)


def _published(name: str) -> list[dict[str, str]]:
    path = _ROOT / "resources" / "published" / name
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

"""What the neural engines share: the model's folder, language codes, splitting, batches in order.

Only tokenizing is done here, so that an engine is what turns token ids into token ids.
"""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase

from hybridbatch.data.sentences import sentence_spans
from hybridbatch.runtime.errors import ConfigError, TranslationError
from hybridbatch.runtime.logs import Progress, log, waiting
from hybridbatch.translation.translate import Translation

_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")


@dataclass(frozen=True)
class NeuralConfig:
    """A route through a neural model: what decides the translation, whatever the engine.

    model: a hub name with its `revision`, or a local folder. source: the source language as the
    configuration names it; source_code, target_code: as the model does.
    """

    model: str
    source: str
    source_code: str
    target_code: str
    beams: int  # 1 is greedy
    max_new_tokens: int  # of a translation; what is longer in the source language is split
    batch_tokens: int  # source tokens of a batch, padding included
    revision: str | None = None

    @staticmethod
    def of(route: dict) -> "NeuralConfig":
        """The part of a route that is not the engine's own."""
        return NeuralConfig(**{k: v for k, v in route.items() if k not in _ENGINES_OWN})


_ENGINES_OWN = ("kind", "quantization")


@dataclass(frozen=True)
class Output:
    """Token ids of a translation without its end; `ended` is False if it was cut."""

    ids: list[int]
    ended: bool


def model_folder(model: str, revision: str | None) -> Path:
    """The folder of a model, fetched from the hub if need be: safetensors and text files only.

    Raises ConfigError without a revision or without safetensors, TranslationError if the hub does
    not give it.
    """
    folder = Path(model)
    if not folder.is_dir():
        if not revision:
            raise ConfigError(
                f"translation model {model}: is no folder here, and a hub model needs a `revision`."
            )
        try:
            with waiting(f"fetching {model}"):
                folder = Path(snapshot_download(model, revision=revision, allow_patterns=_FILES))
        except (OSError, ValueError) as error:
            raise TranslationError(
                f"translation model {model} at revision {revision} cannot be had: {error}"
            ) from error
    if not any(folder.glob("*.safetensors")):
        raise ConfigError(
            f"translation model {model}: has no safetensors weights; pickled weights are refused. "
            "Convert them, or name a revision that has model.safetensors."
        )
    return folder


def language_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Token ids of the language codes that a model knows: NLLB's or M2M-100's."""
    if hasattr(tokenizer, "lang_code_to_id"):
        return dict(tokenizer.lang_code_to_id)
    plain = set(tokenizer.special_tokens_map.values())
    codes = [token for token in tokenizer.all_special_tokens if token not in plain]
    return dict(zip(codes, tokenizer.convert_tokens_to_ids(codes), strict=True))


class NeuralTranslator(ABC):
    """Lines to token ids and back, in batches of like length; an engine adds `generate`."""

    # A killed run loses at most one block. Large, since batches are made within a block.
    block_lines = 2048

    def __init__(self, config: NeuralConfig, folder: Path) -> None:
        """Raise TranslationError if the model does not know a language.

        folder: the model's. Raises ConfigError if `max_new_tokens` is more than it can give.
        """
        self.config = config
        self.model_config: PreTrainedConfig = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        self.tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        known = language_ids(self.tokenizer)
        for code in (config.source_code, config.target_code):
            if code not in known:
                raise _unknown_language(config.model, code, known)
        self.target = known[config.target_code]
        self.tokenizer.src_lang = config.source_code
        self._before, self._after = self.tokenizer.prefix_tokens, self.tokenizer.suffix_tokens
        # Ids that must not come out as text. In transformers 5, M2M-100's language codes are not
        # among its special tokens, and rows of embeddings without a token read `<unk>`.
        special = {*self.tokenizer.all_special_tokens, None}
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(self.model_config.vocab_size)))
        self._silent = {i for i, token in enumerate(tokens) if token in special}
        self._silent.update(known.values())
        positions = self.model_config.max_position_embeddings
        if config.max_new_tokens > positions:
            raise ConfigError(
                f"translation model {config.model}: max_new_tokens is {config.max_new_tokens}, but "
                f"the model has {positions} positions."
            )
        # A translation is about as long as its source: a longer source would come out cut.
        whole = min(positions, self.tokenizer.model_max_length, config.max_new_tokens)
        self.limit = whole - len(self._before) - len(self._after)
        if self.limit < 1:
            raise ConfigError(
                f"translation model {config.model}: max_new_tokens is too small to hold a word."
            )

    @abstractmethod
    def generate(self, batch: list[list[int]]) -> list[Output]:
        """Translate token ids, with the source language's and end tokens, in order.

        The outputs hold neither start nor end; the target language's code may stand in them.
        """

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """Translate `lines`; a line longer than the model takes is split at its sentences."""
        split = self._split(lines)
        pieces = [ids for parts in split for ids in parts]
        outputs = dict(self._outputs(pieces))
        cut = sum(not output.ended for output in outputs.values())
        if cut:
            log.warning(
                "%d of %d pieces came out longer than max_new_tokens (%d) and are cut",
                cut,
                len(pieces),
                self.config.max_new_tokens,
            )
        following = (outputs[i].ids for i in range(len(pieces)))
        return [self._join([next(following) for _ in parts]) for parts in split]

    def _split(self, lines: Sequence[str]) -> list[list[list[int]]]:
        """Of each line the token ids of its pieces, mostly one, none for an empty line."""
        split: list[list[list[int]]] = []
        too_long = chopped = 0
        for line, ids in zip(lines, self._tokenize(lines), strict=True):
            pieces = [ids] if line.strip() else []
            if len(ids) > self.limit:
                spans = sentence_spans(line, self.config.source)
                sentences = self._tokenize([line[start:end] for start, end in spans])
                too_long += 1
                chopped += sum(len(sentence) > self.limit for sentence in sentences)
                pieces = [
                    sentence[start : start + self.limit]
                    for sentence in sentences
                    for start in range(0, len(sentence), self.limit)
                ]
            split.append(pieces)
        if too_long:
            log.info(
                "%d of %d lines have more than %d tokens and are split at sentences; %d sentences "
                "are longer still and are cut into pieces",
                too_long,
                len(lines),
                self.limit,
                chopped,
            )
        return split

    def _tokenize(self, lines: Sequence[str]) -> list[list[int]]:
        if not lines:
            return []
        # A text that speaks of `</s>` must not end there.
        options = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
        return self.tokenizer(list(lines), **options)["input_ids"]

    def _outputs(self, pieces: list[list[int]]) -> Iterator[tuple[int, Output]]:
        """(number of the piece, its output), in the batches' order."""
        ids = [[*self._before, *piece, *self._after] for piece in pieces]
        progress = Progress(len(ids), "sentences of this block", last=False)
        for batch in batches([len(piece) for piece in ids], self.config.batch_tokens):
            yield from zip(batch, self.generate([ids[i] for i in batch]), strict=True)
            progress.add(len(batch))

    def _join(self, parts: list[list[int]]) -> Translation:
        unknown = sum(ids.count(self.tokenizer.unk_token_id) for ids in parts)
        texts = (self.tokenizer.decode([i for i in ids if i not in self._silent]) for ids in parts)
        return Translation(" ".join(" ".join(texts).split()), unknown=unknown)


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Numbers of sequences, longest first, in batches of at most `tokens`, padding included.

    A sequence that is longer than that makes a batch by itself.
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def out_of_memory(config: NeuralConfig) -> TranslationError:
    """The error for a batch that the GPU does not hold."""
    return TranslationError(
        f"the GPU's memory does not hold a batch: lower batch_tokens ({config.batch_tokens}) or "
        f"beams ({config.beams}) of {config.model}."
    )


def _unknown_language(model: str, code: str, known: dict[str, int]) -> TranslationError:
    close = difflib.get_close_matches(code, known, n=5, cutoff=0.5)
    if not known:
        hint = "it has no language codes at all: only models of NLLB's and M2M-100's kind are used"
    elif close:
        hint = f"close to it are {', '.join(close)}"
    else:
        hint = f"it knows {len(known)}, such as {', '.join(sorted(known)[:5])}"
    return TranslationError(f"translation model {model}: does not know the language {code}; {hint}")

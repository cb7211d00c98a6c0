"""The shared part of neural engines: loading, language codes, splitting and batching.

Tokenization is done here. An engine only maps token ids to token ids.
"""

import difflib
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
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
# Characters. A longer one is no text, and would be cut into thousands of pieces. Where blanks do
# not separate words, as in Chinese and Thai, it may be a whole text.
_LONGEST_WORD = 10_000


@dataclass(frozen=True)
class NeuralConfig:
    """The settings of a translation step with a neural model that all engines share.

    model: a hub name with its `revision`, or a local folder. source: the configuration's code of
    the source language. source_code, target_code: the model's language codes.
    """

    model: str
    source: str
    source_code: str
    target_code: str
    beams: int  # 1 is greedy
    max_new_tokens: int  # limit of a translation; longer source texts are split
    batch_tokens: int  # limit of source tokens in a batch, padding included
    revision: str | None = None

    @staticmethod
    def of(route: dict) -> "NeuralConfig":
        """The shared settings in a route, without those of the engine."""
        return NeuralConfig(**{k: v for k, v in route.items() if k not in _ENGINES_OWN})


_ENGINES_OWN = ("kind", "quantization")


@dataclass(frozen=True)
class Output:
    """Token ids of a translation without the end token; `ended` is False if it was truncated."""

    ids: list[int]
    ended: bool


def model_folder(model: str, revision: str | None) -> Path:
    """The folder of a model; from the hub, only safetensors and text files are downloaded.

    Raises ConfigError without a revision, with one where `model` is a folder here, or without
    safetensors; TranslationError if the download fails.
    """
    folder = Path(model)
    if folder.is_dir() and revision:
        raise ConfigError(
            f"translation model {model}: is a folder here and has a `revision`. Leave the revision "
            "out to use the folder, or rename the folder to use the hub's model."
        )
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
    """Token ids of the language codes of an NLLB or M2M-100 model, by code."""
    if hasattr(tokenizer, "lang_code_to_id"):
        return dict(tokenizer.lang_code_to_id)
    plain = set(tokenizer.special_tokens_map.values())
    codes = [token for token in tokenizer.all_special_tokens if token not in plain]
    return dict(zip(codes, tokenizer.convert_tokens_to_ids(codes), strict=True))


class NeuralTranslator(ABC):
    """Translates lines in batches of similar length; a subclass implements `generate`."""

    # A killed job loses at most one block. It is large because batches are made within a block.
    block_lines = 2048

    def __init__(self, config: NeuralConfig, folder: Path) -> None:
        """Load the tokenizer from `folder`, the model's folder.

        Raises TranslationError if the model does not know a language, ConfigError if
        `max_new_tokens` exceeds what the model can generate.
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
        # Ids that must not be decoded to text. In transformers 5, M2M-100's language codes are not
        # special tokens, and embedding rows without a token are decoded to `<unk>`.
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
        # A translation is about as long as its source, so a longer source would be truncated.
        whole = min(positions, self.tokenizer.model_max_length, config.max_new_tokens)
        self.limit = whole - len(self._before) - len(self._after)
        if self.limit < 1:
            raise ConfigError(
                f"translation model {config.model}: max_new_tokens is too small to hold a word."
            )

    @abstractmethod
    def generate(self, batch: list[list[int]]) -> list[Output]:
        """Translate a batch of token ids; outputs are in the order of the batch.

        Inputs include the tokens of the source language and of the end. Outputs have neither start
        nor end token, but may contain the target language's code.
        """

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """Translate `lines`; a line that is too long for the model is split into sentences.

        A line fails if it has a word of more than 10,000 characters.
        """
        failed = Translation(None, error=f"a word of more than {_LONGEST_WORD} characters")
        are_texts = [max(map(len, line.split()), default=0) <= _LONGEST_WORD for line in lines]
        texts = [line for line, is_text in zip(lines, are_texts, strict=True) if is_text]
        results = iter(self._translate(texts))
        return [next(results) if is_text else failed for is_text in are_texts]

    def _translate(self, lines: Sequence[str]) -> list[Translation]:
        split = self._split(lines)
        pieces = [ids for parts in split for ids in parts]
        outputs = dict(self._outputs(pieces))
        following = (outputs[i] for i in range(len(pieces)))
        results = [
            self._join(line, parts, [next(following) for _ in parts])
            for line, parts in zip(lines, split, strict=True)
        ]
        cut, looping = (sum(getattr(r, name) for r in results) for name in ("cut", "looping"))
        if cut or looping:
            log.warning(
                "of %d pieces, %d came out longer than max_new_tokens (%d) and are cut, and %d "
                "repeat themselves",
                len(pieces),
                cut,
                self.config.max_new_tokens,
                looping,
            )
        return results

    def _split(self, lines: Sequence[str]) -> list[list[list[int]]]:
        """The token ids of each line's pieces: usually one piece, none for an empty line."""
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
        # A text that contains the characters `</s>` must not end there.
        options = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
        return self.tokenizer(list(lines), **options)["input_ids"]

    def _outputs(self, pieces: list[list[int]]) -> Iterator[tuple[int, Output]]:
        """(number of the piece, its output), in the batches' order."""
        ids = [[*self._before, *piece, *self._after] for piece in pieces]
        progress = Progress(len(ids), "sentences of this block", last=False)
        for batch in batches([len(piece) for piece in ids], self.config.batch_tokens):
            yield from zip(batch, self.generate([ids[i] for i in batch]), strict=True)
            progress.add(len(batch))

    def _join(
        self, line: str, sources: Sequence[list[int]], outputs: Sequence[Output]
    ) -> Translation:
        """The translation of a line whose pieces are `sources`, by id, one output each."""
        unk = self.tokenizer.unk_token_id
        text = " ".join(" ".join(self._decode(output.ids) for output in outputs).split())
        return Translation(
            text,
            # A model mostly copies an unknown token, or leaves it out: count it once.
            unknown=max(
                sum(ids.count(unk) for ids in sources),
                sum(output.ids.count(unk) for output in outputs),
            ),
            lost=self._lost(line, sources),
            cut=sum(not output.ended for output in outputs),
            looping=sum(
                repeats_itself(output.ids) and not repeats_itself(ids)
                for ids, output in zip(sources, outputs, strict=True)
            ),
        )

    def _decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode([i for i in ids if i not in self._silent])

    def _lost(self, line: str, sources: Sequence[list[int]]) -> int:
        """The number of characters of a line that its tokens do not have, such as `▁`.

        Tokenizers normalise to NFKC, and drop white space and control characters.
        """
        passed = self._decode([i for ids in sources for i in ids])
        return (_visible(line) - _visible(passed)).total()


def repeats_itself(ids: Sequence[int]) -> bool:
    """Whether up to 8 tokens stand there five times in a row or more, and in all 10 tokens."""
    for period in range(1, 9):
        wanted, run = max(5 * period, 10) - period, 0
        for token, earlier in zip(ids[period:], ids, strict=False):
            run = run + 1 if token == earlier else 0
            if run == wanted:
                return True
    return False


def _visible(text: str) -> Counter[str]:
    normal = unicodedata.normalize("NFKC", text)
    return Counter(c for c in normal if unicodedata.category(c)[0] not in "CZ")


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Batches of sequence numbers, longest first, each of at most `tokens`, padding included.

    A sequence longer than `tokens` is a batch by itself.
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
    """The error for a batch that does not fit in GPU memory."""
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

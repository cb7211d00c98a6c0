"""Token ids, made once per encoder and language and shared by all samplings and seeds.

Needs neither torch nor transformers: every fast tokenizer is a `tokenizer.json`.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import sentencepiece
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import Rows, batches, whole

TOKENIZER_FILE = "tokenizer.json"
UNKNOWN, PADDING = "<unk>", "<pad>"
_SLICE = 20_000  # texts tokenized at a time


@dataclass(frozen=True)
class Ragged:
    """Sequences of token ids end to end: ids int32 [total], bounds int64 [n + 1]."""

    ids: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def arrays(self) -> dict[str, np.ndarray]:
        """All it consists of, by name."""
        return {"ids": self.ids, "bounds": self.bounds}

    def lengths(self) -> np.ndarray:
        """int64 [n]: tokens of each sequence."""
        return np.diff(self.bounds)

    def take(self, rows: np.ndarray) -> "Ragged":
        """The sequences `rows`, in that order."""
        lengths = self.bounds[rows + 1] - self.bounds[rows]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        return Ragged(self.ids[np.repeat(self.bounds[rows], lengths) + within], bounds)

    @staticmethod
    def of(sequences: Sequence[Sequence[int]]) -> "Ragged":
        """From lists of ids."""
        bounds = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(s) for s in sequences], out=bounds[1:])
        ids = np.fromiter((i for s in sequences for i in s), dtype=np.int32, count=int(bounds[-1]))
        return Ragged(ids, bounds)


@dataclass(frozen=True)
class Repeating:
    """Sequences of which many are the same: `which`, int [n], numbers them in `distinct`.

    A passage of mMARCO stands in dozens of its pairs.
    """

    distinct: Ragged
    which: np.ndarray

    def __len__(self) -> int:
        return len(self.which)

    def arrays(self) -> dict[str, np.ndarray]:
        """All it consists of, by name."""
        return {**self.distinct.arrays(), "which": self.which}

    def lengths(self) -> np.ndarray:
        """int64 [n]: tokens of each sequence."""
        return self.distinct.lengths()[self.which]

    def take(self, rows: np.ndarray) -> Ragged:
        """The sequences `rows`, in that order."""
        return self.distinct.take(self.which[rows])


@dataclass(frozen=True)
class TokenizedPairs:
    """The tokenized pairs of one corpus in one language.

    rows: int64 [n], the pairs' numbers in the corpus, ascending; question_numbers and
    passage_numbers: int64 [n], equal where question or passage is the same, comparable between the
    languages of the corpus; negatives: the hard negatives, an empty sequence where there is none.
    """

    rows: np.ndarray
    question_numbers: np.ndarray
    passage_numbers: np.ndarray
    queries: Ragged | Repeating
    passages: Ragged | Repeating
    negatives: Ragged | Repeating

    def save(self, path: str | Path) -> None:
        """Write a safetensors file, whole."""
        tensors = {name: getattr(self, name) for name in _NUMBERS}
        for side in _SIDES:
            for name, array in getattr(self, side).arrays().items():
                tensors[f"{side}_{name}"] = array
        with whole(path) as temporary:
            save_file(tensors, temporary)

    @staticmethod
    def load(path: str | Path) -> "TokenizedPairs":
        """Read what `save` wrote."""
        with safe_open(path, framework="numpy") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        values = {name: found[name] for name in _NUMBERS}
        for side in _SIDES:
            values[side] = Ragged(found[f"{side}_ids"], found[f"{side}_bounds"])
            if f"{side}_which" in found:
                values[side] = Repeating(values[side], found[f"{side}_which"])
        return TokenizedPairs(**values)


_NUMBERS = ("rows", "question_numbers", "passage_numbers")
_SIDES = ("queries", "passages", "negatives")


def train_unigram(
    texts_by_language: dict[str, Sequence[str]], vocabulary: int, characters_per_language: int
) -> Tokenizer:
    """A Unigram tokenizer trained on equally many characters of every language.

    Without the balance, English and the languages that translate into most words would take the
    vocabulary. Languages that have less give all they have; a text too small for `vocabulary`
    pieces gives fewer. Trained by sentencepiece in one thread, which is deterministic; the
    trainer of `tokenizers` is not.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    texts = (
        tokenizer.normalizer.normalize_str(text)
        for language in sorted(texts_by_language)
        for text in _take(texts_by_language[language], characters_per_language)
    )
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=texts,
        model_writer=trained,
        model_type="unigram",
        vocab_size=vocabulary,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        max_sentence_length=1_000_000,  # bytes; longer texts would be left out
        num_threads=1,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    vocab = [(PADDING, 0.0), (UNKNOWN, 0.0)] + [
        (pieces.id_to_piece(i), pieces.get_score(i))
        for i in range(pieces.get_piece_size())
        if not pieces.is_control(i) and not pieces.is_unknown(i)
    ]
    tokenizer.model = models.Unigram(vocab, unk_id=1)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([PADDING, UNKNOWN])
    return tokenizer


def load_tokenizer(path: str | Path, max_tokens: int) -> Tokenizer:
    """The `tokenizer.json` at `path`, cutting at `max_tokens`, without padding."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], special_tokens: bool) -> Ragged:
    """Token ids of `texts`; raise `DataError` if one has none."""
    ids: list[np.ndarray] = []
    lengths: list[int] = []
    # In slices, since an Encoding takes a hundred times the memory of its ids.
    for start in range(0, len(texts), _SLICE):
        part = list(texts[start : start + _SLICE])
        for encoding in tokenizer.encode_batch_fast(part, add_special_tokens=special_tokens):
            ids.append(np.array(encoding.ids, dtype=np.int32))
            lengths.append(len(ids[-1]))
    if lengths and min(lengths) == 0:
        number = lengths.index(0)
        raise DataError(f"text {number} has no tokens: {texts[number]!r}")
    bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    return Ragged(np.concatenate(ids) if ids else np.empty(0, dtype=np.int32), bounds)


def tokenize_table(
    tokenizer: Tokenizer,
    pairs: pa.Table,
    train: Rows,
    query_prefix: str,
    passage_prefix: str,
    special_tokens: bool,
) -> TokenizedPairs:
    """Tokenize the pairs of one language, each distinct text once.

    pairs: all pairs of the corpus (id, question_id, passage_id), which give the numbers; train:
    those of the language (id, question, passage, negative), in the same order.
    """
    queries = _Distinct(tokenizer, query_prefix, special_tokens)
    passages, negatives = (_Distinct(tokenizer, passage_prefix, special_tokens) for _ in range(2))
    numbered = enumerate(id_ for batch in batches(pairs) for id_ in batch["id"].to_pylist())
    found = [np.empty(0, dtype=np.int64)]
    for batch in batches(train):
        found.append(_find(batch["id"].to_pylist(), numbered))
        queries.add(batch["question"].to_pylist())
        passages.add(batch["passage"].to_pylist())
        negatives.add(batch["negative"].to_pylist())
    rows = np.concatenate(found)
    return TokenizedPairs(
        rows,
        _numbers(pairs["question_id"])[rows],
        _numbers(pairs["passage_id"])[rows],
        queries.sequences(),
        passages.sequences(),
        negatives.sequences(),
    )


class _Distinct:
    """Tokenizes texts as they come, each once."""

    def __init__(self, tokenizer: Tokenizer, prefix: str, special_tokens: bool) -> None:
        self._tokenizer, self._prefix, self._special_tokens = tokenizer, prefix, special_tokens
        # Numbers by a hash of the text; 0 is no text, and has no tokens.
        self._numbers: dict[bytes, int] = {b"": 0}
        self._ids = bytearray()  # grows without a second copy of all
        self._lengths = [np.zeros(1, dtype=np.int64)]
        self._which = [np.zeros(0, dtype=np.int32)]

    def add(self, texts: Sequence[str | None]) -> None:
        """Append texts; None is the empty sequence."""
        new: list[str] = []
        which = np.zeros(len(texts), dtype=np.int32)
        for row, text in enumerate(texts):
            if text is not None:
                key = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
                if key not in self._numbers:
                    self._numbers[key] = len(self._numbers)
                    new.append(self._prefix + text)
                which[row] = self._numbers[key]
        tokens = tokenize(self._tokenizer, new, self._special_tokens)
        self._ids += tokens.ids.tobytes()
        self._lengths.append(tokens.lengths())
        self._which.append(which)

    def sequences(self) -> Repeating:
        """All that was added."""
        bounds = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))])
        ids = np.frombuffer(self._ids, dtype=np.int32)
        return Repeating(Ragged(ids, bounds), np.concatenate(self._which))


def _find(ids: Sequence[str], numbered: Iterator[tuple[int, str]]) -> np.ndarray:
    """int64 [n]: the numbers of `ids`, which stand in `numbered` in their order."""
    rows = np.empty(len(ids), dtype=np.int64)
    for i, id_ in enumerate(ids):
        row = next((row for row, other in numbered if other == id_), None)
        if row is None:
            raise DataError(f"the pair {id_!r} is not among the corpus' pairs, or out of order.")
        rows[i] = row
    return rows


def _numbers(ids: pa.ChunkedArray) -> np.ndarray:
    """int64 [n]: equal where the ids are, numbered by first appearance."""
    return ids.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)


def _take(texts: Iterable[str], characters: int) -> Iterable[str]:
    for text in texts:
        if characters <= 0:
            return
        yield text
        characters -= len(text)

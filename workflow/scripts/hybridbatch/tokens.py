"""Token ids, made once per encoder and language and shared by all samplings and seeds.

Needs neither torch nor transformers: every fast tokenizer is a `tokenizer.json`.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import sentencepiece
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from hybridbatch.errors import DataError
from hybridbatch.files import whole

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
class TokenizedPairs:
    """The tokenized pairs of one corpus in one language.

    rows: int64 [n], the pairs' numbers in the corpus, ascending; question_numbers and
    passage_numbers: int64 [n], equal where question or passage is the same, comparable between the
    languages of the corpus; negatives: the hard negatives, an empty sequence where there is none.
    """

    rows: np.ndarray
    question_numbers: np.ndarray
    passage_numbers: np.ndarray
    queries: Ragged
    passages: Ragged
    negatives: Ragged

    def save(self, path: str | Path) -> None:
        """Write a safetensors file, whole."""
        with whole(path) as temporary:
            save_file(
                {
                    "rows": self.rows,
                    "question_numbers": self.question_numbers,
                    "passage_numbers": self.passage_numbers,
                    "negative_ids": self.negatives.ids,
                    "negative_bounds": self.negatives.bounds,
                    "query_ids": self.queries.ids,
                    "query_bounds": self.queries.bounds,
                    "passage_ids": self.passages.ids,
                    "passage_bounds": self.passages.bounds,
                },
                temporary,
            )

    @staticmethod
    def load(path: str | Path) -> "TokenizedPairs":
        """Read what `save` wrote."""
        with safe_open(path, framework="numpy") as file:
            get = file.get_tensor
            return TokenizedPairs(
                get("rows"),
                get("question_numbers"),
                get("passage_numbers"),
                Ragged(get("query_ids"), get("query_bounds")),
                Ragged(get("passage_ids"), get("passage_bounds")),
                Ragged(get("negative_ids"), get("negative_bounds")),
            )


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
    train: pa.Table,
    query_prefix: str,
    passage_prefix: str,
    special_tokens: bool,
) -> TokenizedPairs:
    """Tokenize the pairs of one language.

    pairs: all pairs of the corpus (id, question_id, passage_id), which give the numbers; train:
    those of the language (id, question, passage, negative).
    """
    number = {id_: i for i, id_ in enumerate(pairs["id"].to_pylist())}
    rows = np.array([number[id_] for id_ in train["id"].to_pylist()], dtype=np.int64)
    negatives = train["negative"].to_pylist()
    present = [i for i, text in enumerate(negatives) if text is not None]
    lengths = np.zeros(len(negatives), dtype=np.int64)
    tokens = _with_prefix(
        tokenizer, [negatives[i] for i in present], passage_prefix, special_tokens
    )
    lengths[present] = tokens.lengths()
    return TokenizedPairs(
        rows,
        _numbers(pairs["question_id"])[rows],
        _numbers(pairs["passage_id"])[rows],
        _with_prefix(tokenizer, train["question"].to_pylist(), query_prefix, special_tokens),
        _with_prefix(tokenizer, train["passage"].to_pylist(), passage_prefix, special_tokens),
        Ragged(tokens.ids, np.concatenate([[0], np.cumsum(lengths)])),
    )


def _with_prefix(
    tokenizer: Tokenizer, texts: list[str], prefix: str, special_tokens: bool
) -> Ragged:
    return tokenize(tokenizer, [prefix + text for text in texts], special_tokens)


def _numbers(ids: pa.ChunkedArray) -> np.ndarray:
    """int64 [n]: equal where the ids are, numbered by first appearance."""
    return ids.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)


def _take(texts: Iterable[str], characters: int) -> Iterable[str]:
    for text in texts:
        if characters <= 0:
            return
        yield text
        characters -= len(text)

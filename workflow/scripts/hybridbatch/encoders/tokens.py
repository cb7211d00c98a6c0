"""Tokenizers: trained here, loaded, and applied to texts.

Needs neither torch nor transformers: every fast tokenizer is a `tokenizer.json`.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from hybridbatch.encoders.base import CANDIDATE, PROMPTS, QUERY, TEXT, MakeInputs
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import waiting

TOKENIZER_FILE = "tokenizer.json"
UNKNOWN, PADDING = "<unk>", "<pad>"
_UNKNOWN_TOKENS = (UNKNOWN, "[UNK]")
_BLANK = "▁"  # how sentencepiece writes a blank
_SLICE = 20_000  # texts tokenized at a time
Texts = Mapping[str, Sequence[str]]  # by language
# What is counted of texts and their tokens: texts that were cut at the tokenizer's limit, that have
# the character ▁ (read as a blank), and special tokens as text (broken by a blank).
COUNTS = ("texts", "tokens", "unknown_tokens", "cut_texts", "blank_sign_texts", "special_texts")
_open: list[Counter[str]] = []  # of the blocks of `counted` that are running


def train_unigram(
    texts_by_language: Texts, vocabulary: int, characters_per_language: int
) -> Tokenizer:
    """Train a Unigram tokenizer on equally many characters of every language.

    Without this balance, English and the languages with the longest translations would dominate the
    vocabulary. Languages with fewer characters contribute all they have. Too little text gives
    fewer than `vocabulary` pieces. The trainer is sentencepiece in one thread, which is
    deterministic; that of `tokenizers` is not.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    texts = (
        tokenizer.normalizer.normalize_str(text)
        for language in sorted(texts_by_language)
        for text in _take(texts_by_language[language], characters_per_language)
    )
    trained = io.BytesIO()
    with waiting(f"training a tokenizer of {vocabulary:,} pieces"):
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
        if not pieces.is_control(i)
        and not pieces.is_unknown(i)
        # Texts may hold these characters.
        and pieces.id_to_piece(i) not in (PADDING, UNKNOWN)
    ]
    tokenizer.model = models.Unigram(vocab, unk_id=1)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([PADDING, UNKNOWN])
    return tokenizer


def save_unigram(texts: Texts, vocabulary: int, characters: int, folder: Path) -> None:
    """Train a Unigram tokenizer, as `train_unigram` does, and save it into `folder`."""
    train_unigram(texts, vocabulary, characters).save(str(folder / TOKENIZER_FILE))


def prompts(config: Any) -> dict[str, str]:
    """The prefixes in an encoder's configuration, by sentence-transformers' prompt names."""
    return {PROMPTS[QUERY]: config.query_prefix, PROMPTS[CANDIDATE]: config.passage_prefix}


def load_tokenizer(path: str | Path, max_tokens: int) -> Tokenizer:
    """Load the `tokenizer.json` at `path`, with truncation to `max_tokens` and no padding."""
    tokenizer = Tokenizer.from_file(str(checked(path)))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], special_tokens: bool) -> Ragged:
    """Token ids of `texts`; raises `DataError` if a text has no tokens."""
    ids: list[np.ndarray] = []
    lengths: list[int] = []
    limit, cut = (tokenizer.truncation or {}).get("max_length"), 0
    # In slices, since an Encoding object takes a hundred times the memory of its ids.
    for start in range(0, len(texts), _SLICE):
        part = list(texts[start : start + _SLICE])
        for encoding in tokenizer.encode_batch_fast(part, add_special_tokens=special_tokens):
            ids.append(np.array(encoding.ids, dtype=np.int32))
            lengths.append(len(ids[-1]))
            cut += lengths[-1] == limit and bool(encoding.overflowing)
    if lengths and min(lengths) == 0:
        number = lengths.index(0)
        raise DataError(f"text {number} has no tokens: {texts[number]!r}")
    bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    flat = np.concatenate(ids) if ids else np.empty(0, dtype=np.int32)
    known = (tokenizer.token_to_id(token) for token in _UNKNOWN_TOKENS)
    signs = 0
    if tokenizer.token_to_id(_BLANK) is not None:
        signs = sum(_BLANK in text for text in texts)
    _count(
        texts=len(texts),
        tokens=len(flat),
        unknown_tokens=int(np.isin(flat, [i for i in known if i is not None]).sum()),
        cut_texts=cut,
        blank_sign_texts=signs,
    )
    return Ragged(flat, bounds)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count by COUNTS what `tokenize` and `text_inputs` are given while the block runs."""
    counts = Counter(dict.fromkeys(COUNTS, 0))
    _open.append(counts)
    try:
        yield counts
    finally:
        _open.pop()


def _count(**numbers: int) -> None:
    for counts in _open:
        counts.update(numbers)


def without_special_tokens(tokenizer: Tokenizer) -> Callable[[str], str]:
    """A function that breaks the tokenizer's special tokens in a text by a blank: `< /s>`.

    The text then keeps its characters. Otherwise `</s>` in a text would end it, and `<pad>` would
    be taken for padding. Letter case is ignored, since tokenizers may lower it first.
    """
    added = tokenizer.get_added_tokens_decoder().values()
    special = sorted((re.escape(t.content) for t in added if t.special), key=len, reverse=True)
    if not special:
        return lambda text: text
    pattern = re.compile("|".join(special), re.IGNORECASE)
    return lambda text: pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def saved_inputs(config: Any, folder: Path, special_tokens: bool) -> MakeInputs:
    """`text_inputs` with the tokenizer in `folder` and the prefixes of an encoder's configuration.

    config: has max_tokens, query_prefix and passage_prefix.
    """
    tokenizer = load_tokenizer(folder / TOKENIZER_FILE, config.max_tokens)
    return text_inputs(tokenizer, prompts(config), special_tokens)


def text_inputs(
    tokenizer: Tokenizer, prefixes: Mapping[str, str], special_tokens: bool
) -> MakeInputs:
    """The function that makes inputs: it adds the side's prefix to texts and tokenizes them.

    prefixes: by prompt name (`base.PROMPTS`); they may hold special tokens, texts may not: see
    `without_special_tokens`.
    """
    plain = without_special_tokens(tokenizer)

    def make(side: str, modality: str, texts: Sequence[str]) -> Ragged:
        if modality != TEXT:
            raise DataError(
                f"the encoder embeds text only, and the {side} is of modality {modality!r}: choose "
                "an encoder that embeds it, or another benchmark."
            )
        found = list(map(plain, texts))
        _count(special_texts=sum(a != b for a, b in zip(texts, found, strict=True)))
        prefix = prefixes[PROMPTS[side]]
        return tokenize(tokenizer, [prefix + text for text in found], special_tokens)

    return make


def _take(texts: Iterable[str], characters: int) -> Iterable[str]:
    for text in texts:
        if characters <= 0:
            return
        yield text
        characters -= len(text)

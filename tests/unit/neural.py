"""Tiny random models of both neural kinds, what a plain call of them gives, and a killed engine."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
import sentencepiece
import torch
from threads import one_thread
from transformers import (
    AutoTokenizer,
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    NllbTokenizer,
)

from hybridbatch.translation.engines import ctranslate2_mt, transformers_mt
from hybridbatch.translation.engines._batches import NeuralConfig, NeuralTranslator, language_ids
from hybridbatch.translation.translate import COUNTS, TEXT_SCHEMA, Translation

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
NLLB_CODES = ["eng_Latn", "deu_Latn", "zho_Hans", "zho_Hant"]
SEEDS = {"m2m": 9, "nllb": 8}  # with which translations differ and most of them end
CODES = {"m2m": ("en", "de"), "nllb": ("eng_Latn", "deu_Latn")}
POSITIONS = 64
SENTENCES = [
    "The cat sat on the mat.",
    "Dogs and birds fly over the river.",
    "Who wrote the book about rivers and cats?",
    "A fox jumps.",
    "It was late.",
    "The river is long and the book is short, said the fox to the birds.",
    "No!",
    "Cats fly late.",
]


@pytest.fixture(scope="module", autouse=True)
def quick():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Folders of a random M2M-100 and a random NLLB, with vocabularies of their kinds."""
    root = tmp_path_factory.mktemp("models")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_prefix=str(root / "pieces"),
        vocab_size=80,
        model_type="bpe",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(str(root / "pieces.model"))
    words = [pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size())]
    vocabulary = {token: i for i, token in enumerate(SPECIAL + words)}
    (root / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    m2m = M2M100Tokenizer(str(root / "vocab.json"), str(root / "pieces.model"))
    # As in the real ones: 8 rows without a token behind M2M-100's 100 languages, and 2 of NLLB's.
    _save(root / "m2m", m2m, len(vocabulary) + 100 + 8)
    with_codes = {t: i for i, t in enumerate([*vocabulary, *NLLB_CODES, "<mask>"])}
    merges = [tuple(merge) for merge in _merges(words)]
    nllb = NllbTokenizer(vocab=with_codes, merges=merges, additional_special_tokens=NLLB_CODES)
    _save(root / "nllb", nllb, len(with_codes) + 2)
    return {"m2m": root / "m2m", "nllb": root / "nllb"}


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Merges that build the words of a vocabulary, shortest first."""
    known, merges = set(words), []
    for word in sorted(words, key=len):
        pairs = [(word[:i], word[i:]) for i in range(1, len(word))]
        merges += [pair for pair in pairs if known.issuperset(pair)][:1]
    return merges


def _save(folder: Path, tokenizer, size: int) -> None:
    torch.manual_seed(SEEDS[folder.name])
    config = M2M100Config(
        vocab_size=size,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_position_embeddings=POSITIONS,
        scale_embedding=False,  # so that positions count, and few texts repeat one word
        init_std=0.6,  # scores far apart, so that the last bits decide nothing
    )
    model = M2M100ForConditionalGeneration(config)
    with torch.no_grad():  # languages come out seldom, and ends often, as of a real model
        rows = model.get_input_embeddings().weight
        rows[min(language_ids(tokenizer).values()) :] *= 0.2
        rows[tokenizer.eos_token_id] *= 2.5
    # What the stored generation settings say must not matter.
    model.generation_config.num_beams = 3
    model.generation_config.repetition_penalty = 2.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def config_of(models: dict[str, Path], kind: str = "m2m", **changes: object) -> NeuralConfig:
    source, target = CODES[kind]
    values = {
        "model": str(models[kind]),
        "source": "en",
        "source_code": source,
        "target_code": target,
        "beams": 1,
        "max_new_tokens": POSITIONS,
        "batch_tokens": 60,
    }
    return NeuralConfig(**(values | changes))


@cache
def plain_call(folder: Path, kind: str, line: str, beams: int = 1, tokens: int = POSITIONS) -> str:
    """One line by a plain call of `generate`."""
    source, target = CODES[kind]
    tokenizer, model = _loaded(folder, source)
    codes = language_ids(tokenizer)
    output = model.generate(
        **tokenizer(line, return_tensors="pt"),
        forced_bos_token_id=codes[target],
        num_beams=beams,
        max_new_tokens=tokens,
        early_stopping=beams > 1,
        repetition_penalty=1.0,
    )
    # transformers 5 writes M2M-100's codes into the text.
    ids = [i for i in output[0].tolist() if i not in codes.values()]
    return " ".join(tokenizer.decode(ids, skip_special_tokens=True).split())


@cache
def _loaded(folder: Path, source: str) -> tuple:
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=source)
    return tokenizer, M2M100ForConditionalGeneration.from_pretrained(folder).eval()


Engine = Callable[[NeuralConfig], NeuralTranslator]


@pytest.fixture(scope="session", params=["transformers", "ctranslate2"])
def engine(request, tmp_path_factory) -> Engine:
    """Makes either engine on the CPU."""
    if request.param == "transformers":
        return lambda config: transformers_mt.Transformers(config, "cpu")
    cache = tmp_path_factory.mktemp("converted")
    return lambda config: ctranslate2_mt.CTranslate2(config, "float32", "cpu", cache)


@pytest.fixture
def said(caplog) -> Callable[[], str]:
    """What was logged."""
    caplog.set_level(logging.INFO, logger="hybridbatch")
    return lambda: "\n".join(record.getMessage() for record in caplog.records)


class Killed(BaseException):
    """Not an Exception, as a signal is none."""


class Slow:
    """Shouts three lines at a time; line `fail` fails, and after `blocks` blocks it is killed."""

    block_lines = 3

    def __init__(self, blocks: int = 100) -> None:
        self.blocks = blocks
        self.given: list[list[str]] = []

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        if len(self.given) == self.blocks:
            raise Killed
        self.given.append(list(lines))
        return [
            Translation(None, error="refused") if line == "fail" else Translation(line.upper(), 1)
            for line in lines
        ]


def texts_of(*lines: str | None) -> pa.Table:
    rows = [
        {
            "text_id": f"q:{i}",
            "text": line,
            "words": 1,
            "unknown": 0,
            "error": None if line is not None else "earlier",
            **dict.fromkeys(COUNTS, 0),
        }
        for i, line in enumerate(lines)
    ]
    return pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)

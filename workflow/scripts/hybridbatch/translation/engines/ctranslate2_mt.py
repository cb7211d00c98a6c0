"""NLLB-200 and M2M-100 with CTranslate2: the fast engine, on GPUs and on CPUs (int8).

The model is converted once, into a cache. The converter of CTranslate2 4.8 builds the vocabulary
from `tokenizer.get_vocab()` and `additional_special_tokens`. For an M2M-100 saved by transformers
5, neither contains the language codes, and the conversion fails. The converter is therefore given
the complete vocabulary, one token for every embedding row. The same list maps ids to CTranslate2's
tokens and back.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ctranslate2
import torch
from ctranslate2.converters import TransformersConverter
from filelock import FileLock
from huggingface_hub.constants import HF_HOME
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hybridbatch.runtime.errors import DamagedError, TranslationError
from hybridbatch.runtime.files import checked, whole
from hybridbatch.runtime.gpus import lease_gpu
from hybridbatch.runtime.logs import log, waiting
from hybridbatch.translation.engines._batches import (
    NeuralConfig,
    NeuralTranslator,
    Output,
    model_folder,
    out_of_memory,
)

# Beside the hub's cache, so that a converted model lies near the original.
CACHE = Path(HF_HOME) / "hybridbatch" / "ctranslate2"


class CTranslate2(NeuralTranslator):
    """One translation direction of a multilingual model."""

    def __init__(self, config: NeuralConfig, quantization: str, device: str, cache: Path) -> None:
        """Convert the model into `cache` if that is not done yet, and load it onto `device`.

        quantization: of the weights, as CTranslate2 names it. If the device does not support it,
        CTranslate2 takes the nearest supported type (float16 on a CPU becomes float32).
        """
        folder = model_folder(config.model, config.revision)
        super().__init__(config, folder)
        self.tokens = vocabulary(self.tokenizer, self.model_config.vocab_size)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        path = converted(folder, config, quantization, cache)
        with _advice(config):
            self.model = ctranslate2.Translator(
                str(path), device=device, intra_threads=torch.get_num_threads()
            )

    def generate(self, batch: list[list[int]]) -> list[Output]:
        with _advice(self.config):
            results = self.model.translate_batch(
                [[self.tokens[i] for i in row] for row in batch],
                target_prefix=[[self.tokens[self.target]]] * len(batch),
                beam_size=self.config.beams,
                max_decoding_length=self.config.max_new_tokens,
                min_decoding_length=0,
                max_input_length=0,  # no limit: already split, never truncate silently
                return_end_token=True,
            )
        return [self._output(result.hypotheses[0]) for result in results]

    def _output(self, tokens: list[str]) -> Output:
        ended = tokens[-1:] == [self.tokenizer.eos_token]
        return Output([self.ids[token] for token in (tokens[:-1] if ended else tokens)], ended)


def translator(route: dict) -> CTranslate2:
    """The engine of a route, on a GPU if there is one."""
    lease_gpu()
    device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    return CTranslate2(NeuralConfig.of(route), route["quantization"], device, CACHE)


def converted(folder: Path, config: NeuralConfig, quantization: str, cache: Path) -> Path:
    """The folder of the converted model, converted if need be from the original in `folder`."""
    version = config.revision if not Path(config.model).is_dir() else _content_hash(folder)
    name = "--".join(Path(config.model).parts[-2:])
    path = cache / ctranslate2.__version__ / f"{name}-{version[:12]}-{quantization}"
    cache.mkdir(parents=True, exist_ok=True)
    # Several shards may start at once: the first converts the model, the others wait.
    with FileLock(cache / f"{path.name}.lock"):
        if not _is_whole(path):
            log.info("converting %s to %s in %s", config.model, quantization, path)
            with whole(path) as temporary, waiting(f"converting {config.model}"):
                _Converter(str(folder)).convert(str(temporary), quantization=quantization)
    return path


def _is_whole(path: Path) -> bool:
    try:
        return checked(path).is_dir()
    except DamagedError as error:
        log.warning("%s: is damaged and will be converted again (%s)", path, error)
        return False


def vocabulary(tokenizer: PreTrainedTokenizerBase, size: int) -> list[str]:
    """A distinct token for every id below `size`; unused ids get a made-up name.

    NLLB and M2M-100 have more embedding rows than tokens.
    """
    tokens: dict[str, None] = {}
    for i, token in enumerate(tokenizer.convert_ids_to_tokens(list(range(size)))):
        tokens[f"<unused {i}>" if token is None or token in tokens else token] = None
    return list(tokens)


class _Converter(TransformersConverter):
    """The converter, restricted to safetensors and local files, with a complete vocabulary."""

    def load_model(self, model_class: type, model_name_or_path: str, **kwargs) -> PreTrainedModel:
        kwargs |= {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}
        model = model_class.from_pretrained(model_name_or_path, **kwargs)
        self._size = model.config.vocab_size
        return model

    def load_tokenizer(self, tokenizer_class: type, model_name_or_path: str, **kwargs) -> "_Words":
        tokenizer = tokenizer_class.from_pretrained(
            model_name_or_path, local_files_only=True, trust_remote_code=False
        )
        return _Words(tokenizer, self._size)


class _Words:
    """The parts of a tokenizer that the converter uses."""

    num_madeup_words = 0  # the vocabulary includes them already
    special_tokens_map: dict[str, list[str]] = {}  # noqa: RUF012 (never changed)

    def __init__(self, tokenizer: PreTrainedTokenizerBase, size: int) -> None:
        self.bos_token, self.eos_token = tokenizer.bos_token, tokenizer.eos_token
        self.unk_token, self.unk_token_id = tokenizer.unk_token, tokenizer.unk_token_id
        self._tokens = vocabulary(tokenizer, size)

    def get_vocab(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self._tokens)}

    def convert_ids_to_tokens(self, i: int) -> str:
        return self._tokens[i]


@contextmanager
def _advice(config: NeuralConfig) -> Iterator[None]:
    """Turn CTranslate2's GPU errors into a TranslationError that says what to do."""
    try:
        yield
    except RuntimeError as error:
        if "out of memory" in str(error).lower():
            raise out_of_memory(config) from error
        if "is not found or cannot be loaded" in str(error):
            raise TranslationError(
                f"CTranslate2: {error}. Its builds want CUDA 12's libraries, which a torch for "
                "another CUDA does not bring: see docs/translators.md, or choose "
                "`kind: transformers_mt`."
            ) from error
        raise


def _content_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()

"""The torch module of a static encoder, in the format of sentence-transformers without its import.

The import takes as long as some hundred steps of training.
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional

# The modules as sentence-transformers saves them: StaticEmbedding, then Normalize.
_MODULES = [
    {
        "idx": 0,
        "name": "0",
        "path": "",
        "type": "sentence_transformers.sentence_transformer.modules.static_embedding"
        ".StaticEmbedding",
    },
    {
        "idx": 1,
        "name": "1",
        "path": "1_Normalize",
        "type": "sentence_transformers.base.modules.normalize.Normalize",
    },
]
_NORMALIZE = {
    "module_input_name": "sentence_embedding",
    "module_output_name": "sentence_embedding",
}
_PACKAGES = {"pytorch": "torch"} | {n: n for n in ("sentence_transformers", "transformers")}


class MeanEmbedding(torch.nn.Module):
    """The normalized mean of token embeddings.

    table: float [vocabulary, d]. prompts: each side's prefix, by prompt name (`base.PROMPTS`).
    """

    def __init__(self, table: torch.Tensor, tokenizer: Tokenizer, prompts: dict[str, str]) -> None:
        super().__init__()
        # A batch has few of the vocabulary's tokens, so its gradient is sparse.
        self.embedding = torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=True)
        self._tokenizer, self._prompts = tokenizer, prompts

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Unit vectors, float [n, d]. ids: tokens end to end; offsets: where each text begins."""
        # Each row is looked up once, so that the gradient has a row for each different token, not
        # one for each token: benchmarks/static_training.py.
        different, places = torch.unique(ids, return_inverse=True)
        rows = self.embedding(different)
        means = functional.embedding_bag(places, rows, offsets, mode="mean")
        return functional.normalize(means, dim=-1)

    def save(self, folder: str, create_model_card: bool = False) -> None:
        """Write what SentenceTransformer would write, with the same arguments; never a card."""
        root = Path(folder)
        (root / "1_Normalize").mkdir(parents=True, exist_ok=True)
        save_file(self.state_dict(), root / "model.safetensors")
        self._tokenizer.save(str(root / "tokenizer.json"))
        _write(root / "1_Normalize" / "config.json", _NORMALIZE, indent=4)
        _write(root / "modules.json", _MODULES, indent=2)
        values = {
            "__version__": {name: version(package) for name, package in _PACKAGES.items()},
            "default_prompt_name": None,
            "model_type": "SentenceTransformer",
            "prompts": self._prompts,
            "similarity_fn_name": "cosine",
        }
        _write(root / "config_sentence_transformers.json", values, indent=2, sort_keys=True)


def _write(path: Path, values: object, **layout) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, **layout), encoding="utf-8")

"""Where a model computes."""

import torch


def best_device() -> str:
    """`cuda` if the job has a GPU (see `runtime.gpus`), else `cpu`.

    By default, SentenceTransformer would also use accelerators that no job requested.
    """
    return "cuda" if torch.cuda.is_available() else "cpu"

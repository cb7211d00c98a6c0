"""The interface of all kinds of encoders.

An encoder embeds a *side*, queries or candidates, of a *modality*, text or image. Both sides may
share one tower that tells them apart by a prefix, or each may have its own tower. Each kind is a
module of this package, loaded by the `kind` of its catalogue entry. It has four functions:

- `prepare(values, texts, folder)` writes what training starts from: a tokenizer or pretrained
  weights. A kind that embeds images may also take some, as a last argument.
- `inputs(values, folder)` returns the function that turns texts or images into inputs. It does not
  need torch, and one job makes the inputs for all samplings and seeds.
- `start(values, folder, seed)` returns the `Encoder` to be trained.
- `load(values, model)` returns a function that encodes with a saved model. Its vectors equal those
  of SentenceTransformer, unless `values` have a lower `precision`.

`values` is the catalogue's entry; `folder` is what `prepare` made.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from hybridbatch.encoders.inputs import Inputs

QUERY, CANDIDATE = SIDES = ("query", "candidate")
TEXT, IMAGE = MODALITIES = ("text", "image")
# The name of each side's prompt in a saved model, as in sentence-transformers.
PROMPTS = {QUERY: "query", CANDIDATE: "document"}

# (side, modality, texts or encoded images) -> inputs
MakeInputs = Callable[[str, str, Sequence[str] | Sequence[bytes]], Inputs]
# (side, modality, texts or encoded images) -> unit vectors, float32 [n, d]
Encode = Callable[[str, str, Sequence[str] | Sequence[bytes]], np.ndarray]


class Encoder(Protocol):
    """An encoder during training.

    model: the SentenceTransformer that is trained and saved. An embedding module of which a batch
    uses few rows may set `sparse`; its weights then get a sparse optimizer.
    """

    model: Any

    def embed(self, side: str, modality: str, inputs: Inputs) -> Any:
        """Embeddings, float tensor [n, d] on the model's device, with gradients if they are on."""
        ...

"""What the rest of the workflow asks of an encoder, whatever its kind.

An encoder embeds a *side*, queries or candidates, of a *modality*, text or image. Its two sides may
be one shared tower that tells them apart by a prefix, or two towers. Each kind is a module of this
room that is loaded by the `kind` of its catalogue entry and has four functions:

- `prepare(values, texts, folder)` makes what training starts from: a tokenizer, pretrained weights.
- `inputs(values, folder)` gives the function that turns texts or images into inputs. It needs no
  torch, since one job does it for all samplings and seeds.
- `start(values, folder, seed)` gives the `Encoder` that is trained.
- `load(values, model)` gives vectors by a saved model, the same that SentenceTransformer gives.

`values` is the catalogue's entry; `folder` is what `prepare` made.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from hybridbatch.encoders.inputs import Inputs

QUERY, CANDIDATE = SIDES = ("query", "candidate")
TEXT, IMAGE = MODALITIES = ("text", "image")
# The sides by the names of their prompts in a saved model, which are sentence-transformers'.
PROMPTS = {QUERY: "query", CANDIDATE: "document"}

# (side, modality, texts or encoded images) -> inputs
MakeInputs = Callable[[str, str, Sequence[str] | Sequence[bytes]], Inputs]
# (side, modality, texts or encoded images) -> unit vectors, float32 [n, d]
Encode = Callable[[str, str, Sequence[str] | Sequence[bytes]], np.ndarray]


class Encoder(Protocol):
    """An encoder while it is trained.

    model: the SentenceTransformer whose parameters are trained and that is saved. Tables of which a
    batch uses few rows may set `sparse` on their module: they get a sparse optimizer.
    """

    model: Any

    def embed(self, side: str, modality: str, inputs: Inputs) -> Any:
        """Embeddings, float tensor [n, d] on the model's device, with gradients if they are on."""
        ...

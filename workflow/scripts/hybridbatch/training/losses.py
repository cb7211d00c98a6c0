"""The losses: the paper's contrastive one (section 3.1) in one or both directions, a teacher's.

Learnable temperatures are those of CLIP (Radford et al. 2021, section 2.5).
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hybridbatch.encoders.base import QUERY
from hybridbatch.runtime.errors import ConfigError, DataError

_MOST = 100.0  # what CLIP multiplies cosine similarities by at most, however it is learned
_UNIFORMITY = 2.0  # t of Wang and Isola


def info_nce(
    queries: torch.Tensor,
    passages: torch.Tensor,
    temperature: float | torch.Tensor,
    negatives: torch.Tensor | None = None,
    both: bool = False,
) -> torch.Tensor:
    """InfoNCE over cosine similarity with in-batch negatives.

    queries: float [B, d]. passages: float [B, d]; the i-th answers the i-th query. negatives:
    float [B, d] or None: each query's hard negative, which is a candidate for that query only; a
    row of zeros where a query has none.

    Returns the mean over queries of -log softmax(cosine / temperature) at the query's own passage.
    With `both`, the mean of that and of the same from passages to the batch's queries, as in CLIP.
    Always computed in float32, even under autocast, since a low temperature magnifies rounding.
    """
    with torch.autocast(queries.device.type, enabled=False):
        queries = functional.normalize(queries.float(), dim=-1)
        passages = functional.normalize(passages.float(), dim=-1)
        within = scores = queries @ passages.T
        if negatives is not None:
            negatives = negatives.float()
            hard = (queries * functional.normalize(negatives, dim=-1)).sum(-1, keepdim=True)
            absent = (negatives == 0).all(-1, keepdim=True)
            scores = torch.cat([scores, hard.masked_fill(absent, -torch.inf)], dim=1)
        targets = torch.arange(len(queries), device=queries.device)
        forward = functional.cross_entropy(scores / temperature, targets)
        if not both:
            return forward
        return (forward + functional.cross_entropy(within.T / temperature, targets)) / 2


def distillation(students: torch.Tensor, teachers: torch.Tensor) -> torch.Tensor:
    """The mean over pairs of the squared distance between a student's and a teacher's unit vector.

    students, teachers: float [B, d]. Multilingual-CLIP (Carlsson et al. 2022, section 3) has the
    mean over components, too: this is d times as much, so that a weight means the same in every
    dimension. It equals 2 - 2 cosine.
    """
    with torch.autocast(students.device.type, enabled=False):
        students = functional.normalize(students.float(), dim=-1)
        teachers = functional.normalize(teachers.float(), dim=-1)
        return (students - teachers).square().sum(-1).mean()


def clustering(texts: torch.Tensor) -> torch.Tensor:
    """How near to each other a batch's texts lie: low where each stands alone.

    texts: float [B, d]; no two of them are of one pair, so that all are dissimilar. Aggarwal and
    Kale (2020, "Towards Zero-shot Cross-lingual Image Retrieval") push dissimilar texts from each
    other. Their formula was not at hand, only what it is for. This is a published loss that does
    so, uniformity (Wang and Isola 2020, equation 2, with their t of 2): the logarithm of the mean
    over all pairs of texts of exp(-2 times the squared distance of the unit vectors).
    """
    with torch.autocast(texts.device.type, enabled=False):
        texts = functional.normalize(texts.float(), dim=-1)
        cosines = texts @ texts.T
        first, second = torch.triu_indices(*cosines.shape, offset=1, device=texts.device)
        # |a - b|^2 is 2 - 2 <a, b>.
        distances = 2 - 2 * cosines[first, second]
        return torch.logsumexp(-_UNIFORMITY * distances, dim=0) - math.log(len(first))


class Loss(nn.Module):
    """The loss of a training run; its temperature may be a parameter of the training.

    temperature: fixed, or where learning starts. values: of `training.loss`, or None for InfoNCE
    from queries to passages:

    - directions: `queries`, or `both`.
    - temperature: `fixed`, or `learned`: the logarithm of its inverse is a parameter. After each
      step it is cut so that similarities are multiplied by 100 at most.
    - contrastive, distillation: weights of InfoNCE and of the distance to the teacher's vectors.
    - student: the side whose vectors are compared with the teacher's.
    - clustering: weight of the push of the queries, which are texts, from each other; or None.
    """

    def __init__(self, temperature: float, values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        values = values or {}
        self._both = values.get("directions") == "both"
        self._contrastive = values.get("contrastive", 1.0)
        self._distillation = values.get("distillation", 0.0)
        self._clustering = values.get("clustering") or 0.0
        self.student = values.get("student")
        self._fixed, self.log_scale = temperature, None
        if values.get("temperature") == "learned":
            if temperature < 1 / _MOST:
                raise ConfigError(
                    f"training.temperature: {temperature:g}, and a learned one is never below "
                    f"{1 / _MOST:g}: start there or above."
                )
            self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))

    @property
    def temperature(self) -> float | torch.Tensor:
        """The temperature now; a tensor with a gradient if it is learned."""
        return self._fixed if self.log_scale is None else torch.exp(-self.log_scale)

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep a learned temperature within its bounds, after a step."""
        if self.log_scale is not None:
            self.log_scale.clamp_(max=math.log(_MOST))

    def forward(
        self,
        queries: torch.Tensor,
        passages: torch.Tensor,
        negatives: torch.Tensor | None = None,
        targets: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The loss of a batch; vectors as for `info_nce`. targets: the teacher's, float [B, d].

        Raises DataError without the teacher's vectors, or if theirs is another dimension.
        """
        terms = []
        if self._contrastive:
            found = info_nce(queries, passages, self.temperature, negatives, self._both)
            # As it is with weight 1, without a product, whose rounding could differ.
            terms.append(found if self._contrastive == 1 else self._contrastive * found)
        if self._distillation:
            students = queries if self.student == QUERY else passages
            if targets is None:
                raise DataError(
                    "training.loss.distillation: a corpus has no teacher's vectors; make them, or "
                    "set the weight to 0."
                )
            if targets.shape != students.shape:
                raise DataError(
                    f"training.loss.distillation: the teacher's vectors have {targets.shape[1]} "
                    f"dimensions, the model's {students.shape[1]}."
                )
            terms.append(self._distillation * distillation(students, targets))
        if self._clustering:
            terms.append(self._clustering * clustering(queries))
        return sum(terms[1:], terms[0])

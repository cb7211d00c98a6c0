"""The contrastive loss of the paper (section 3.1)."""

import torch
from torch.nn import functional


def info_nce(
    queries: torch.Tensor,
    passages: torch.Tensor,
    temperature: float,
    negatives: torch.Tensor | None = None,
) -> torch.Tensor:
    """InfoNCE over cosine similarity with in-batch negatives.

    queries: float [B, d]. passages: float [B, d]; the i-th answers the i-th query. negatives:
    float [B, d] or None: each query's hard negative, which is a candidate for that query only; a
    row of zeros where a query has none.

    Returns the mean over queries of -log softmax(cosine / temperature) at the query's own passage.
    Always computed in float32, even under autocast, since a low temperature magnifies rounding.
    """
    with torch.autocast(queries.device.type, enabled=False):
        queries = functional.normalize(queries.float(), dim=-1)
        passages = functional.normalize(passages.float(), dim=-1)
        scores = queries @ passages.T
        if negatives is not None:
            negatives = negatives.float()
            hard = (queries * functional.normalize(negatives, dim=-1)).sum(-1, keepdim=True)
            absent = (negatives == 0).all(-1, keepdim=True)
            scores = torch.cat([scores, hard.masked_fill(absent, -torch.inf)], dim=1)
        targets = torch.arange(len(queries), device=queries.device)
        return functional.cross_entropy(scores / temperature, targets)

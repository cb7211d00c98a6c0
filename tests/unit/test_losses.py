"""InfoNCE equals sentence-transformers' loss, in value and in gradient."""

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Normalize

from hybridbatch.training.losses import info_nce


def vectors(seed: int, n: int = 6, d: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, requires_grad=True)


@pytest.mark.parametrize("temperature", [0.02, 0.05, 1.0])
def test_value_and_gradient_equal_multiple_negatives_ranking_loss(temperature):
    queries, passages = vectors(0), vectors(1)
    ours = info_nce(queries, passages, temperature)
    gradients = torch.autograd.grad(ours, (queries, passages))
    model = SentenceTransformer(modules=[Normalize()], device="cpu")  # it only holds the loss
    peer = MultipleNegativesRankingLoss(model, scale=1 / temperature)
    theirs = peer.compute_loss_from_embeddings([queries, passages], labels=None)
    expected = torch.autograd.grad(theirs, (queries, passages))
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
    for ours_, theirs_ in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours_, theirs_, atol=1e-6, rtol=1e-5)


def reference(queries, passages, negatives, present, temperature: float) -> torch.Tensor:
    """The definition, a query at a time: its own hard negative is a candidate for it alone.

    MultipleNegativesRankingLoss offers every query all hard negatives of the batch.
    """
    losses = []
    for i, query in enumerate(queries):
        candidates = list(passages) + ([negatives[i]] if present[i] else [])
        scores = torch.stack([torch.cosine_similarity(query, c, dim=0) for c in candidates])
        losses.append(-torch.log_softmax(scores / temperature, dim=0)[i])
    return torch.stack(losses).mean()


@pytest.mark.parametrize("present", [[True] * 6, [True, False, True, False, False, True]])
def test_a_hard_negative_counts_for_its_own_query_only(present):
    queries, passages, negatives = vectors(0), vectors(1), vectors(2)
    mask = torch.tensor(present, dtype=torch.float32)[:, None]
    ours = info_nce(queries, passages, 0.05, negatives * mask)
    expected = reference(queries, passages, negatives, present, 0.05)
    assert ours.item() == pytest.approx(expected.item(), abs=1e-5)
    for tensor in (queries, passages, negatives):
        a, b = (
            torch.autograd.grad(loss, tensor, retain_graph=True)[0] for loss in (ours, expected)
        )
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_half_precision_vectors_are_scored_in_float32():
    queries, passages = vectors(0).detach().bfloat16(), vectors(1).detach().bfloat16()
    assert info_nce(queries, passages, 0.05).dtype == torch.float32


def test_autocast_changes_nothing():
    queries, passages, negatives = vectors(0, 16, 32), vectors(1, 16, 32), vectors(2, 16, 32)
    expected = info_nce(queries, passages, 0.05, negatives)
    with torch.autocast("cpu", torch.bfloat16):
        assert info_nce(queries, passages, 0.05, negatives).item() == expected.item()

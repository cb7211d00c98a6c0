"""InfoNCE equals the libraries' losses, in value and in gradient; so do the terms of `Loss`."""

import math

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Normalize
from transformers.models.clip.modeling_clip import image_text_contrastive_loss

from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.training.losses import Loss, clustering, distillation, info_nce


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


def cosines(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.cosine_similarity(a[:, None], b[None], dim=-1)


@pytest.mark.parametrize("temperature", [0.02, 0.07, 1.0])
def test_both_directions_are_clip_s_loss(temperature):
    queries, passages = vectors(0), vectors(1)
    ours = info_nce(queries, passages, temperature, both=True)
    theirs = image_text_contrastive_loss(cosines(queries, passages) / temperature)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    for tensor in (queries, passages):
        a, b = (torch.autograd.grad(loss, tensor, retain_graph=True)[0] for loss in (ours, theirs))
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    swapped = info_nce(passages, queries, temperature, both=True)
    assert swapped.item() == pytest.approx(ours.item(), abs=1e-6)
    one, other = (info_nce(a, b, temperature) for a, b in
                  ((queries, passages), (passages, queries)))  # fmt: skip
    assert ours.item() == pytest.approx((one + other).item() / 2, abs=1e-6)


def test_a_hard_negative_is_in_no_passage_s_direction():
    queries, passages, negatives = vectors(0), vectors(1), vectors(2)
    found = info_nce(queries, passages, 0.1, negatives, both=True)
    expected = (info_nce(queries, passages, 0.1, negatives) + info_nce(passages, queries, 0.1)) / 2
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)


def test_the_distance_to_a_teacher_is_that_of_unit_vectors():
    students, teachers = vectors(0), vectors(1).detach()
    found = distillation(students, teachers)
    cosine = torch.cosine_similarity(students, teachers)
    assert found.item() == pytest.approx((2 - 2 * cosine).mean().item(), abs=1e-6)
    # Multilingual-CLIP's nn.MSELoss of the same vectors, times the dimension.
    unit = [torch.nn.functional.normalize(v, dim=-1) for v in (students, teachers)]
    assert found.item() == pytest.approx(5 * torch.nn.MSELoss()(*unit).item(), abs=1e-6)
    assert distillation(3 * teachers, teachers).item() == pytest.approx(0, abs=1e-6)


def test_texts_are_pushed_from_each_other_as_wang_and_isola_do():
    texts = vectors(0)
    unit = torch.nn.functional.normalize(texts, dim=-1)
    expected = torch.pdist(unit).pow(2).mul(-2).exp().mean().log()  # their published lines
    found = clustering(3 * texts)
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)
    (gradient,) = torch.autograd.grad(found, texts)
    with torch.no_grad():
        further = torch.nn.functional.normalize(texts - 0.1 * gradient, dim=-1)
    assert torch.pdist(further).mean() > torch.pdist(unit).mean()
    # Two texts that are opposite cannot be further apart: exp(-2 * 4).
    assert clustering(torch.tensor([[1.0, 0.0], [-2.0, 0.0]])).item() == pytest.approx(-8.0)


LEARNED = {"directions": "both", "temperature": "learned", "contrastive": 0.7}
LEARNED |= {"distillation": 0.4, "student": "candidate", "clustering": 0.3}


def test_gradients_are_finite_differences():
    """Of every input and of the temperature, with all terms; in steps of 1e-2 in float32."""
    loss = Loss(0.3, LEARNED)
    parts = [vectors(0), vectors(1), vectors(2), vectors(3).detach()]
    leaves = [*parts[:3], loss.log_scale]
    gradients = torch.autograd.grad(loss(*parts), leaves)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        for place in list(torch.ones_like(leaf).nonzero())[:7]:
            values = []
            for step in (1e-2, -1e-2):
                with torch.no_grad():
                    leaf[tuple(place)] += step
                    values.append(loss(*parts).item())
                    leaf[tuple(place)] -= step
            slope = (values[0] - values[1]) / 2e-2
            assert gradient[tuple(place)].item() == pytest.approx(slope, abs=2e-3)


def test_the_terms_are_weighted():
    parts = [vectors(0), vectors(1), None, vectors(3).detach()]
    contrast = info_nce(*parts[:2], 0.3, both=True)
    taught = distillation(parts[1], parts[3])
    assert Loss(0.3, LEARNED)(*parts).item() == pytest.approx(
        (0.7 * contrast + 0.4 * taught + 0.3 * clustering(parts[0])).item(), abs=1e-5
    )
    alone = Loss(0.3, LEARNED | {"contrastive": 0.0, "student": "query", "clustering": None})
    assert alone(*parts).item() == pytest.approx(0.4 * distillation(parts[0], parts[3]).item())
    assert Loss(0.3)(*parts).item() == info_nce(*parts[:2], 0.3).item()
    pushed = Loss(0.3, {"clustering": 0.5})
    expected = info_nce(*parts[:2], 0.3) + 0.5 * clustering(parts[0])
    assert pushed(*parts).item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_learned_temperature_starts_where_it_is_told_and_stays_in_clip_s_bounds():
    loss = Loss(0.07, LEARNED)
    assert float(loss.temperature.detach()) == pytest.approx(0.07)
    with torch.no_grad():
        loss.log_scale.fill_(9.0)
    loss.clamp()
    assert float(loss.temperature.detach()) == pytest.approx(0.01)
    assert [p.ndim for p in loss.parameters()] == [0]  # so that weight decay leaves it alone
    assert loss.log_scale.item() == pytest.approx(math.log(100))
    assert not list(Loss(0.07).parameters())
    with pytest.raises(ConfigError, match=r"training.temperature: 0.005.*never below 0.01"):
        Loss(0.005, LEARNED)


def test_a_teacher_that_is_missing_or_of_another_dimension_is_named():
    loss = Loss(0.3, LEARNED)
    with pytest.raises(DataError, match="distillation: a corpus has no teacher's vectors"):
        loss(vectors(0), vectors(1))
    with pytest.raises(DataError, match="have 3 dimensions, the model's 5"):
        loss(vectors(0), vectors(1), None, vectors(2, d=3))

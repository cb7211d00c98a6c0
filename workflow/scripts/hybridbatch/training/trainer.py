"""One step of training: vectors, loss, gradients, update of the trained parameters."""

import numpy as np
import torch

from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT, Encoder
from hybridbatch.encoders.inputs import Dense, Inputs
from hybridbatch.encoders.layers import checkpoint_layers
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.losses import Loss
from hybridbatch.training.optimisation import clip, optimizers_of
from hybridbatch.training.trainable import by_rate, restrict


class Trainer:
    """An encoder, its loss, and the optimizers of the parameters that are trained in both.

    encoder: as its kind starts it; the parameters that `config` does not train are frozen here.
    modality: of the passages. seed: of an adapter's random weights.
    """

    def __init__(self, encoder: Encoder, config: TrainConfig, modality: str, seed: int) -> None:
        self.model, self.device = encoder.model, encoder.model.device
        self._encoder, self._config, self._modality = encoder, config, modality
        if config.gradient_checkpointing:
            checkpoint_layers(self.model)
        restrict(self.model, config.trainable, seed)
        self.loss = Loss(config.temperature, config.loss).to(self.device)
        # Both are trained; only the model is saved.
        self.trained = torch.nn.ModuleDict({"model": self.model, "loss": self.loss})
        self.optimizers = optimizers_of(self.trained, config)
        by_rate(self.optimizers)

    def loss_of(
        self,
        queries: Inputs,
        passages: Inputs,
        negatives: Inputs | None = None,
        targets: Dense | None = None,
    ) -> torch.Tensor:
        """The loss of a batch of pairs, which stand in one order in all arguments.

        negatives: hard negatives; of length 0 where a pair has none. targets: a teacher's vectors.
        """
        # Only on GPUs, since bf16 is far slower than fp32 on CPUs.
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            query_vectors = self._encoder.embed(QUERY, TEXT, queries)
            passage_vectors = self._encoder.embed(CANDIDATE, self._modality, passages)
            negative_vectors = None
            present = [] if negatives is None else np.flatnonzero(negatives.lengths())
            if len(present):
                vectors = self._encoder.embed(CANDIDATE, self._modality, negatives.take(present))
                negative_vectors = torch.zeros_like(passage_vectors).index_copy(
                    0, torch.from_numpy(present).to(self.device), vectors
                )
        taught = None if targets is None else torch.from_numpy(targets.values).to(self.device)
        return self.loss(query_vectors, passage_vectors, negative_vectors, taught)

    def backward(self, loss: torch.Tensor) -> float:
        """Compute the gradients of a loss and clip them; returns their norm before that."""
        loss.backward()
        return clip(self.trained, self._config.max_grad_norm)

    def update(self, rate: float) -> None:
        """Update the trained parameters at this learning rate, and drop their gradients."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["rate"]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.loss.clamp()

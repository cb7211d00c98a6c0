"""Sizes of transformers: parameters, and the arithmetic of a forward pass.

A forward pass takes 2 FLOPs for each parameter and token, training 6 (Kaplan et al. 2020, "Scaling
laws for neural language models", section 2.1), attention its own on top; looking up an embedding
takes none.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A transformer: an encoder, or with `decoder_layers` an encoder and a decoder.

    Without any layer it is the mean of token embeddings.
    """

    encoder_layers: int
    decoder_layers: int
    width: int
    feed_forward: int
    vocabulary: int
    source: str

    @property
    def encoder_parameters(self) -> int:
        """Of the encoder's matrices: four of attention and two of the feed-forward in a layer."""
        return self.encoder_layers * (4 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def decoder_parameters(self) -> int:
        """Of the decoder's matrices, which attend twice."""
        return self.decoder_layers * (8 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def parameters(self) -> int:
        """All, with one table of embeddings; biases, norms and positions are left out."""
        return self.encoder_parameters + self.decoder_parameters + self.width * self.vocabulary

    def forward(self, tokens: float, length: float) -> float:
        """FLOPs of the encoder over `tokens` in sequences of `length`, attention included."""
        if not self.encoder_layers:
            return tokens * self.width  # an addition for each number of an embedding
        attention = 4 * self.encoder_layers * self.width * length
        return tokens * (2 * self.encoder_parameters + attention)

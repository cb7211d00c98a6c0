"""Sizes of transformers: parameters, and the arithmetic of a forward pass.

A forward pass takes 2 FLOPs for each parameter and token, training takes 6 (Kaplan et al. 2020,
"Scaling laws for neural language models", section 2.1). The attention scores come on top. Looking
up an embedding takes none.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A transformer: an encoder, and a decoder if there are `decoder_layers`.

    Without any layer it stands for the mean of token embeddings.
    """

    encoder_layers: int
    decoder_layers: int
    width: int
    feed_forward: int
    vocabulary: int
    source: str

    @property
    def encoder_parameters(self) -> int:
        """Parameters of the encoder: a layer has four attention and two feed-forward matrices."""
        return self.encoder_layers * (4 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def decoder_parameters(self) -> int:
        """Parameters of the decoder, whose layers have self-attention and cross-attention."""
        return self.decoder_layers * (8 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def parameters(self) -> int:
        """All parameters with one embedding table, without biases, norms and positions."""
        return self.encoder_parameters + self.decoder_parameters + self.width * self.vocabulary

    def forward(self, tokens: float, length: float) -> float:
        """FLOPs of the encoder over `tokens` in sequences of `length`, attention included."""
        if not self.encoder_layers:
            return tokens * self.width  # one addition for each component of an embedding
        attention = 4 * self.encoder_layers * self.width * length
        return tokens * (2 * self.encoder_parameters + attention)

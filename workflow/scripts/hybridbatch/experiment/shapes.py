"""Sizes of transformers: parameters, and the arithmetic of a forward pass.

A forward pass takes 2 FLOPs for each weight of a matrix and token, training takes 6 (Kaplan et al.
2020, "Scaling laws for neural language models", section 2.1). The attention scores come on top.
Looking up an embedding takes none.
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
    positions: int = 0  # rows of the table of learned positions
    token_types: int = 0  # rows of the table of segments
    pooler: bool = False  # BERT's, which is loaded, and which pooling over tokens does not use
    heads: int = 1  # of attention in a layer of the encoder
    attention: int | None = None  # dimensions of all heads of a layer together; None: the width
    norm_first: bool = False  # whether a layer normalises what enters it, not what leaves it
    dropout: bool = True  # whether there is any in training

    @property
    def inner(self) -> int:
        """Dimensions of all heads of a layer together."""
        return self.width if self.attention is None else self.attention

    @property
    def encoder_parameters(self) -> int:
        """Weights of the encoder's matrices: four of attention and two of feed-forward a layer."""
        layer = 4 * self.width * self.inner + 2 * self.width * self.feed_forward
        return self.encoder_layers * layer

    @property
    def decoder_parameters(self) -> int:
        """The same of the decoder, whose layers have self-attention and cross-attention."""
        return self.decoder_layers * (8 * self.width**2 + 2 * self.width * self.feed_forward)

    @property
    def layer_parameters(self) -> int:
        """All parameters of one layer of the encoder: matrices, biases, two normalisations."""
        matrices = self.encoder_parameters // max(1, self.encoder_layers)
        biases = 3 * self.inner + self.width + self.feed_forward + self.width
        return matrices + biases + 4 * self.width

    @property
    def parameters(self) -> int:
        """All parameters, but for the biases and normalisations of a decoder.

        An encoder with layers has one normalisation more, of the embeddings or behind the last
        layer.
        """
        tables = self.width * (self.vocabulary + self.positions + self.token_types)
        if not self.encoder_layers:
            return tables
        more = 2 * self.width + (self.width**2 + self.width) * self.pooler
        return tables + self.encoder_layers * self.layer_parameters + self.decoder_parameters + more

    def forward(self, tokens: float, length: float) -> float:
        """FLOPs of the encoder over `tokens` in sequences of `length`, attention included."""
        if not self.encoder_layers:
            return tokens * self.width  # one addition for each component of an embedding
        attention = 4 * self.encoder_layers * self.inner * length
        return tokens * (2 * self.encoder_parameters + attention)

"""How often each corpus is drawn, from its size, its languages and the sampling.

The sampler, the table of the training data and the cost model all use these functions.
"""

from collections.abc import Mapping, Sequence

SAMPLINGS = ("en-en", "x-x", "x-x-mono", "x-y", "hybrid")
SOURCE_LANGUAGE = "en"


def batch_kinds(sampling: str, alpha: float | None) -> dict[str, float]:
    """The kinds of batches of a sampling with their probabilities; only hybrid has two."""
    if sampling != "hybrid":
        return {sampling: 1.0}
    return {kind: p for kind, p in (("x-x-mono", alpha), ("x-y", 1 - alpha)) if p > 0}


def gives(kind: str, languages: Sequence[str], source_language: str = SOURCE_LANGUAGE) -> bool:
    """Whether a corpus in these languages can give a batch of the kind, if it is large enough."""
    if kind == "x-y":
        return len(languages) > 1
    return kind != "en-en" or source_language in languages


def weights(sizes: Sequence[float], temperature: float) -> list[float]:
    """Probabilities proportional to size ** (1 / temperature).

    1 is proportional to size; the higher, the more equal (Arivazhagan et al. 2019, "Massively
    multilingual neural machine translation in the wild", section 4.2).
    """
    # Relative to the largest, so that no power of a low temperature overflows.
    powers = [(size / max(sizes)) ** (1 / temperature) for size in sizes]
    return [power / sum(powers) for power in powers]


def corpus_shares(
    sizes: Mapping[str, float],
    languages: Mapping[str, Sequence[str]],
    sampling: str,
    alpha: float | None,
    temperature: float,
) -> dict[str, float]:
    """The expected share of batches of each corpus; sizes: pairs of each. Sums to 1.

    Empty if no corpus can give one of the sampling's kinds of batches. Within a batch, all
    languages of its corpus are equally likely on either side, except that en-en has one.
    """
    shares = dict.fromkeys(sizes, 0.0)
    for kind, probability in batch_kinds(sampling, alpha).items():
        able = [name for name in sizes if gives(kind, languages[name])]
        if not able:
            return {}
        for name, weight in zip(able, weights([sizes[n] for n in able], temperature), strict=True):
            shares[name] += probability * weight
    return shares

"""What training will draw: expected shares of batches and texts by corpus and language."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from hybridbatch.training.weighting import SOURCE_LANGUAGE, corpus_shares

ALL = "all"  # corpora together
BATCHES, TEXTS = "batches", "texts"
_COLUMNS = ["benchmark", "language", "metric", "encoder", "sampling", "share"]


def expected_draws(
    pairs: Mapping[str, int],
    languages: Mapping[str, Sequence[str]],
    systems: Iterable[Mapping[str, object]],
) -> pd.DataFrame:
    """Expected shares; the sampler's own are `weighting.corpus_shares`.

    pairs, languages: of each corpus. systems: `encoder`, `sampling` (its name), `kind`, `alpha` and
    `temperature` of the corpora's weights. `batches` is the share of batches that are of a corpus
    or, for `all` corpora, of one that has the language. `texts` is the share of questions that are
    in the language, and so of passages.
    """
    rows: list[tuple] = []
    for system in systems:
        names = (system["encoder"], system["sampling"])
        rule = (system["kind"], system["alpha"], system["temperature"])
        shares = corpus_shares(pairs, languages, *rule)
        of_languages: dict[str, list[float]] = {}  # by language: batches, texts
        for corpus, share in shares.items():
            rows.append((corpus, None, BATCHES, *names, share))
            own = [SOURCE_LANGUAGE] if system["kind"] == "en-en" else languages[corpus]
            for language in own if share else ():
                rows.append((corpus, language, TEXTS, *names, share / len(own)))
                sums = of_languages.setdefault(language, [0.0, 0.0])
                sums[0] += share
                sums[1] += share / len(own)
        for language, sums in of_languages.items():
            for metric, share in zip((BATCHES, TEXTS), sums, strict=True):
                rows.append((ALL, language, metric, *names, share))
    return pd.DataFrame(rows, columns=_COLUMNS)

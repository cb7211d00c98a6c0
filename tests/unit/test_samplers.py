"""What batches guarantee, for every sampling."""

import logging
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.draws import draws_grids
from hybridbatch.training.draws import expected_draws
from hybridbatch.training.samplers import SAMPLINGS, Batch, CorpusPairs, Sampler

STEPS = 2000
UNLIKELY = 1e-6  # a fixed seed either passes for good or fails for good


def corpus(
    n: int = 200, languages: str = "en es pt", name: str = "c", share: int = 1, question: int = 1
) -> CorpusPairs:
    """`n` pairs; `share` pairs have one passage, `question` pairs one question."""
    codes = tuple(languages.split())
    numbers = np.arange(n)
    available = np.ones((n, len(codes)), dtype=bool)
    return CorpusPairs(name, codes, available, numbers // question, numbers // share)


@st.composite
def ragged(draw: st.DrawFn) -> CorpusPairs:
    """A corpus with shared passages and questions, and pairs absent from some languages."""
    n, width = draw(st.integers(60, 120)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    available = rng.random((n, width)) < 0.8
    available[:, 0] = True
    codes = ("en", "es", "pt", "ca")[:width]
    return CorpusPairs("ragged", codes, available, np.arange(n) // 2, rng.permutation(n) // 2)


def batches(sampler: Sampler, steps: int = STEPS) -> list[Batch]:
    return [sampler.batch(step) for step in range(steps)]


def same(a: Batch, b: Batch) -> bool:
    return (a.corpus, a.kind) == (b.corpus, b.kind) and all(
        np.array_equal(getattr(a, side), getattr(b, side))
        for side in ("rows", "query_languages", "passage_languages")
    )


@settings(max_examples=60, deadline=None)
@given(
    pairs=ragged(),
    sampling=st.sampled_from(SAMPLINGS),
    seed=st.integers(0, 2**32 - 1),
    step=st.integers(0, 10**6),
)
def test_a_batch_keeps_what_its_sampling_promises(pairs, sampling, seed, step):
    batch = Sampler([pairs], sampling, 8, seed, alpha=0.5).batch(step)
    queries, passages = batch.query_languages, batch.passage_languages
    assert len(set(pairs.passages[batch.rows])) == len(batch.rows) == 8
    assert len(set(pairs.questions[batch.rows])) == 8
    assert pairs.available[batch.rows, queries].all()
    assert pairs.available[batch.rows, passages].all()
    if batch.kind == "x-y":
        assert (queries != passages).all()
    else:
        assert (queries == passages).all()
    if batch.kind == "x-x-mono":
        assert len(set(queries)) == 1
    if batch.kind == "en-en":
        assert set(queries) == {pairs.languages.index("en")}


def test_x_x_mixes_languages_within_a_batch():
    sampler = Sampler([corpus()], "x-x", 16, seed=0)
    assert all(len(set(batch.query_languages)) > 1 for batch in batches(sampler, 50))


@pytest.mark.parametrize(("alpha", "sampling"), [(1.0, "x-x-mono"), (0.0, "x-y")])
def test_the_ends_of_alpha_are_bit_identical_to_the_pure_samplings(alpha, sampling):
    corpora = [corpus(300), corpus(100, "en de", name="d")]
    hybrid = Sampler(corpora, "hybrid", 16, seed=7, alpha=alpha)
    pure = Sampler(corpora, sampling, 16, seed=7)
    assert all(map(same, batches(hybrid, 300), batches(pure, 300)))


def test_alpha_one_does_not_need_a_second_language():
    sampler = Sampler([corpus(50, "en")], "hybrid", 4, seed=0, alpha=1.0)
    assert {batch.kind for batch in batches(sampler, 20)} == {"x-x-mono"}


def test_a_batch_depends_on_seed_and_step_alone():
    first, second = (Sampler([corpus()], "hybrid", 16, seed=3, alpha=0.5) for _ in range(2))
    forward = batches(first, 30)
    backward = [second.batch(step) for step in reversed(range(30))][::-1]
    assert all(map(same, forward, backward))
    other = batches(Sampler([corpus()], "hybrid", 16, seed=4, alpha=0.5), 30)
    assert not any(map(same, forward, other))
    assert not any(same(a, b) for a, b in pairwise(forward))


@pytest.mark.parametrize("alpha", [0.5, 0.3])
def test_hybrid_has_its_share_of_monolingual_batches(alpha):
    kinds = [batch.kind for batch in batches(Sampler([corpus()], "hybrid", 2, 0, alpha))]
    assert binomtest(kinds.count("x-x-mono"), STEPS, alpha).pvalue > UNLIKELY


def test_monolingual_batches_draw_languages_uniformly():
    drawn = [batch.query_languages[0] for batch in batches(Sampler([corpus()], "x-x-mono", 2, 0))]
    for language in range(3):
        assert binomtest(drawn.count(language), STEPS, 1 / 3).pvalue > UNLIKELY


def test_cross_lingual_batches_draw_ordered_pairs_uniformly():
    drawn = [
        pair
        for batch in batches(Sampler([corpus()], "x-y", 4, 0))
        for pair in zip(batch.query_languages, batch.passage_languages, strict=True)
    ]
    assert len(set(drawn)) == 6
    for pair in set(drawn):
        assert binomtest(drawn.count(pair), len(drawn), 1 / 6).pvalue > UNLIKELY


def test_corpora_are_drawn_by_size_and_batches_have_one():
    corpora = [corpus(300, name="large"), corpus(100, name="small")]
    drawn = [batch.corpus for batch in batches(Sampler(corpora, "x-x", 4, 0))]
    assert binomtest(drawn.count(0), STEPS, 0.75).pvalue > UNLIKELY


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0, 1000.0])
def test_corpora_are_drawn_by_a_power_of_their_size(temperature):
    corpora = [corpus(900, name="large"), corpus(100, name="small")]
    sampler = Sampler(corpora, "x-x", 4, 0, temperature=temperature)
    drawn = [batch.corpus for batch in batches(sampler)]
    expected = 9 ** (1 / temperature) / (9 ** (1 / temperature) + 1)
    assert binomtest(drawn.count(0), STEPS, expected).pvalue > UNLIKELY


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_what_is_drawn_is_what_the_table_of_the_training_data_expects(sampling, temperature):
    corpora = [
        corpus(800, "en", name="english"),
        corpus(300, "en es pt", name="three"),
        corpus(60, "en th", name="rare"),
    ]
    alpha = 0.3 if sampling == "hybrid" else None
    sampler = Sampler(corpora, sampling, 4, 0, alpha, temperature=temperature)
    table = expected_draws(
        {c.name: len(c) for c in corpora},
        {c.name: c.languages for c in corpora},
        [
            {"encoder": "e", "sampling": "s", "kind": sampling, "alpha": alpha}
            | {"temperature": temperature}
        ],
    ).fillna({"language": ""})
    expected = table.set_index(["benchmark", "language", "metric"])["share"]
    drawn = batches(sampler)
    for number, pairs in enumerate(corpora):
        times = sum(batch.corpus == number for batch in drawn)
        assert binomtest(times, STEPS, expected[pairs.name, "", "batches"]).pvalue > UNLIKELY
    codes = ("en", "es", "pt", "th")
    can_hold = dict.fromkeys(codes, 0)
    texts = {side: dict.fromkeys(codes, 0) for side in ("query_languages", "passage_languages")}
    for batch in drawn:
        languages = corpora[batch.corpus].languages
        for code in languages if sampling != "en-en" else ("en",):
            can_hold[code] += 1
        for side, counts in texts.items():
            counts[languages[getattr(batch, side)[0]]] += 1  # one slot, since slots may go together
    for code in codes:
        share = expected.get(("all", code, "batches"), 0.0)
        assert binomtest(can_hold[code], STEPS, min(share, 1.0)).pvalue > UNLIKELY
        for counts in texts.values():
            share = expected.get(("all", code, "texts"), 0.0)
            assert binomtest(counts[code], STEPS, share).pvalue > UNLIKELY


def test_a_sampling_that_no_corpus_allows_has_no_expected_shares():
    system = {"encoder": "e", "sampling": "s", "kind": "x-y", "alpha": None, "temperature": 1.0}
    assert expected_draws({"c": 9}, {"c": ["en"]}, [system]).empty
    assert draws_grids(expected_draws({"c": 9}, {"c": ["en"]}, [system])) == []


def test_sizes_of_a_large_corpus_are_checked_without_looking_at_all_of_it():
    """What is read first is enough, so that the rest may lie anywhere."""

    class Watched(np.ndarray):
        read = 0

        def __getitem__(self, key):
            found = np.asarray(super().__getitem__(key))
            Watched.read += found.size
            return found

    pairs = corpus(1_000_000, "en es pt", share=3)
    passages = pairs.passages.view(Watched)
    Sampler([replace(pairs, passages=passages)], "x-y", 256, seed=0)
    assert 0 < Watched.read < 100_000


@pytest.mark.parametrize("place", [0, 5_000, 19_000])
def test_the_size_of_a_rare_language_is_exact_wherever_its_pairs_stand(place):
    pairs = corpus(20_000, "en es", name="thin")
    pairs.available[:, 1] = False
    pairs.available[place : place + 7, 1] = True
    Sampler([pairs], "x-y", 7, seed=0)
    with pytest.raises(DataError, match="corpus thin has 7 different passages in en and es"):
        Sampler([pairs], "x-y", 8, seed=0)


def test_pairs_are_drawn_uniformly():
    drawn = np.concatenate([b.rows for b in batches(Sampler([corpus(50)], "x-x-mono", 2, 0))])
    for row in range(50):
        assert binomtest(int((drawn == row).sum()), len(drawn), 1 / 50).pvalue > UNLIKELY


def test_a_one_language_corpus_is_never_drawn_for_x_y_and_the_log_says_so(caplog):
    corpora = [corpus(1000, "en", name="english"), corpus(100, name="many")]
    with caplog.at_level(logging.INFO, "hybridbatch"):
        sampler = Sampler(corpora, "hybrid", 4, seed=0, alpha=0.5)
    assert "corpus english has only en: it gives no x-y batch" in caplog.text
    for batch in batches(sampler, 300):
        assert batch.corpus == 1 or batch.kind == "x-x-mono"


def test_only_one_language_corpora_cannot_give_x_y():
    with pytest.raises(DataError, match=r"x-y: english"):
        Sampler([corpus(50, "en", name="english")], "x-y", 4, seed=0)


def test_en_en_needs_english():
    with pytest.raises(DataError, match="en-en"):
        Sampler([corpus(50, "es pt")], "en-en", 4, seed=0)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_corpus_too_small_for_the_batch_is_named(sampling):
    with pytest.raises(DataError, match=r"corpus tiny has 4 different passages.*batch_size"):
        Sampler([corpus(8, name="tiny", share=2)], sampling, 5, seed=0, alpha=0.5)


def test_a_language_with_too_few_pairs_is_named():
    pairs = corpus(50, "en es", name="thin")
    pairs.available[3:, 1] = False
    with pytest.raises(DataError, match=r"corpus thin has 3 different passages in es"):
        Sampler([pairs], "x-x-mono", 8, seed=0)


def test_languages_that_share_no_pair_are_named():
    pairs = corpus(40, "en es", name="torn")
    pairs.available[:20, 0], pairs.available[20:, 1] = False, False
    with pytest.raises(DataError, match=r"corpus torn has no pair in both en and es"):
        Sampler([pairs], "x-y", 4, seed=0)


def test_too_few_questions_for_a_batch_end_in_an_error():
    pairs = corpus(40, question=20, name="two-questions")
    with pytest.raises(DataError, match="two-questions"):
        Sampler([pairs], "x-x-mono", 8, seed=0).batch(0)


def test_two_languages_with_less_than_a_batch_in_common_are_named_before_the_first_step():
    pairs = corpus(40, "en es", name="torn")
    pairs.available[:17, 0], pairs.available[20:, 1] = False, False  # 3 pairs in both
    Sampler([pairs], "x-x-mono", 8, seed=0)
    with pytest.raises(DataError, match=r"corpus torn has 3 .* in en and es, .* \(8\)"):
        Sampler([pairs], "x-y", 8, seed=0)


def test_the_few_pairs_of_a_rare_language_are_found_in_a_large_corpus():
    pairs = corpus(200_000, "en es")
    pairs.available[8:, 1] = False
    batch = Sampler([pairs], "x-y", 8, seed=0).batch(0)
    assert sorted(batch.rows.tolist()) == list(range(8))


def test_a_corpus_too_small_for_a_batch_is_an_error_or_left_out_as_asked(caplog):
    corpora = [corpus(200, name="large"), corpus(20, name="small")]
    with pytest.raises(DataError, match="corpus small has 20 different passages"):
        Sampler(corpora, "x-x-mono", 32, 0)
    with caplog.at_level(logging.WARNING):
        sampler = Sampler(corpora, "x-x-mono", 32, 0, leave_out_small=True)
    assert "left out of x-x-mono batches: corpus small has 20" in caplog.text
    assert {batch.corpus for batch in batches(sampler, 50)} == {0}
    with pytest.raises(DataError, match="no corpus can give a batch"):
        Sampler(corpora[1:], "x-x-mono", 32, 0, leave_out_small=True)


IMAGES = replace(corpus(80, "en es pt", share=2), in_language=False)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_images_have_the_language_of_their_caption(sampling):
    """A caption in one language is enough for a pair, in every kind of batch."""
    available = np.zeros((80, 3), dtype=bool)
    available[np.arange(80), np.arange(80) % 3] = True
    pairs = replace(IMAGES, available=available, passages=np.arange(80))
    for batch in batches(Sampler([pairs], sampling, 16, 0, alpha=0.5), 200):
        assert np.array_equal(batch.query_languages, batch.passage_languages)
        assert available[batch.rows, batch.query_languages].all()
        one = len(set(batch.query_languages.tolist())) == 1
        assert one == (batch.kind in ("x-x-mono", "en-en"))
        assert len(set(batch.rows.tolist())) == 16


def test_an_image_is_once_in_a_batch_whatever_its_captions():
    for batch in batches(Sampler([IMAGES], "hybrid", 30, 0, alpha=0.5), 200):
        assert len(set(IMAGES.passages[batch.rows].tolist())) == 30


def test_a_hybrid_batch_of_images_is_in_one_language_with_probability_alpha():
    found = [len(set(b.query_languages.tolist())) == 1
             for b in batches(Sampler([IMAGES], "hybrid", 30, 0, alpha=0.3))]  # fmt: skip
    assert binomtest(sum(found), len(found), 0.3).pvalue > UNLIKELY

"""A wrong index is known while the configuration is read."""

from pathlib import Path

import pytest

from hybridbatch.experiment import load as conf
from hybridbatch.experiment.lookups import indexes
from hybridbatch.retrieval.factory import index_problem

DEMO = Path(__file__).parents[2] / "config/demo.yaml"


@pytest.mark.parametrize(
    ("index", "parameters", "dimension", "words"),
    [
        ("Flat", "", None, None),
        ("IVF64,Flat", "nprobe=8", None, None),
        ("HNSW32", "efSearch=64", 100, None),
        ("PQ16x4fs", "", None, None),
        ("IVF64,Flatt", "", None, "could not parse code description Flatt in IVF64,Flatt"),
        ("PQ7", "", 256, "The dimension of the vector (d) should be a multiple of"),
        ("PQ7", "", 21, None),
        ("IVF64,Flat", "nprob=8", 64, "could not set parameter nprob"),
        ("Flat", "nprobe=8", 64, "could not set parameter nprobe"),
        ("", "", None, "could not parse"),
    ],
)
def test_faiss_is_asked(index, parameters, dimension, words):
    problem = index_problem(index, parameters, dimension)
    if words is None:
        assert problem is None
    else:
        assert words in problem
        assert ".cpp" not in problem


def test_only_indexes_that_are_searched_and_not_exact_are_asked_about():
    entry = "title: T, kind: lareqa, path: 'x/{language}.json', languages: [en]"
    exact = f"catalogue={{benchmarks: {{b: {{{entry}, index: Flat}}, c: {{{entry}, index: PQ7}}}}}}"
    demo = [DEMO]
    assert indexes(conf.load(demo, [exact, "benchmarks=[b]"])) == []
    found = conf.load(demo, [exact, "benchmarks=[b, c]"])
    values = {"index": "PQ7", "depth": 1000}
    assert indexes(found) == [("catalogue.benchmarks.c.index", values, 256)]

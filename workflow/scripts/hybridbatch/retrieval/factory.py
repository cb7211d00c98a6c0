"""Whether FAISS knows an index by its factory string, before there is any vector."""

import re

import faiss

# Where in FAISS's own code an error arose, with which its message begins.
_PLACE = re.compile(r"^Error in .*?\.(cpp|h):\d+: (Error: '.*?' failed: )?")
_USUAL = (384, 512, 768, 1024)  # dimensions that are tried where the encoder's is not known


def index_problem(index: str, parameters: str, dimension: int | None) -> str | None:
    """What FAISS has against an index; None if it can make an empty one.

    index: factory string, such as IVF64,Flat. parameters: such as nprobe=64, or empty. dimension:
    of the vectors; None if it is not known.
    """
    problem = None
    for tried in _USUAL if dimension is None else (dimension,):
        try:
            made = faiss.index_factory(tried, index, faiss.METRIC_INNER_PRODUCT)
            if parameters:
                faiss.ParameterSpace().set_index_parameters(made, parameters)
            return None
        except RuntimeError as error:
            problem = _PLACE.sub("", str(error).strip().splitlines()[-1])
    return problem

"""Names that rooms have which do not know each other: they are the same."""

from hybridbatch.evaluation import ablations, image_text, settings
from hybridbatch.experiment import image_systems, names, samplings
from hybridbatch.figures import _style, curves
from hybridbatch.training import weighting


def test_what_the_configuration_names_is_what_is_computed():
    assert names.ZERO_SHOT == settings.ZERO_SHOT
    assert image_systems.SHUFFLED == image_text.SHUFFLED
    assert names.SOURCE_LANGUAGE == weighting.SOURCE_LANGUAGE
    assert samplings.KINDS == weighting.SAMPLINGS
    assert set(_style.LOOKS) == set(samplings.KINDS)
    assert names.HYBRID == ablations._HYBRID == curves.HYBRID
    assert {names.NO_MONOLINGUAL: 0.0, names.ALL_MONOLINGUAL: 1.0} == curves.PURE

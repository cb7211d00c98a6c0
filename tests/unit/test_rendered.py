"""XQuAD-R as images: what `lareqa` reads, with every sentence rendered."""

import inspect
import json
from pathlib import Path

import pytest
from fonts import ARABIC, LATIN, letters

from hybridbatch.benchmarks import lareqa, rendered
from hybridbatch.benchmarks.base import CANDIDATE_SCHEMAS
from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import Rendered, render
from hybridbatch.experiment.benchmarks.rendered import Config
from hybridbatch.runtime.errors import DataError


def benchmark(folder: Path, context: str = "Owls sleep.\nDucks swim.") -> dict[str, Path]:
    breaks = [[0, 11], [12, len(context)]]
    qa = {"id": "q1", "question": "Who swims?", "answers": [{"text": "Ducks", "answer_start": 12}]}
    paragraph = {"context": context, "sentence_breaks": breaks, "qas": [qa]}
    text = json.dumps({"data": [{"title": "Birds", "paragraphs": [paragraph]}]})
    (folder / "en.json").write_text(text)
    return {"file": folder / "en.json", "font": letters(folder / "font.ttf", LATIN)}


def test_only_the_candidates_are_other_than_those_of_the_texts(tmp_path):
    files = benchmark(tmp_path)
    texts, images = lareqa.read(files, "en"), rendered.read(files, "en")
    assert images.queries.equals(texts.queries)
    assert images.qrels.equals(texts.qrels)
    assert images.candidates.schema == CANDIDATE_SCHEMAS["image"]
    assert images.candidates["candidate_id"].equals(texts.candidates["candidate_id"])
    columns = (texts.candidates[name].to_pylist() for name in ("candidate_id", "text"))
    strips = render(dict(zip(*columns, strict=True)), face_for(files["font"], "en"), "en")
    assert images.candidates["image"].to_pylist() == [image for _, image in strips]


def test_a_glyph_that_the_font_lacks_is_told_with_its_candidate(tmp_path):
    found = Rendered()
    rendered.read(benchmark(tmp_path, "Owls sleep. Ducks 游泳."), "en", found=found)
    assert found.missing == {"en:000.000:001": "游泳"}


def test_a_language_whose_script_the_font_lacks_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"font\.ttf: has no letters .* cannot show 'ar'"):
        rendered.read(benchmark(tmp_path), "ar")


def test_configured_values_are_those_that_read_takes(tmp_path):
    entry = {"kind": "rendered", "title": "T", "path": "{language}.json", "languages": ["en"]}
    perturbed = {"shift": 2, "size": 0.2, "noise": 0.1, "seed": 4}
    config = Config.model_validate(entry | {"height": 40, "perturbation": perturbed})
    assert config.reading == {"height": 40, "perturbation": perturbed}
    inspect.signature(rendered.read).bind({}, "en", **config.reading)
    files = benchmark(tmp_path)
    found = [rendered.read(files, "en", **config.reading).candidates for _ in range(2)]
    assert found[0].equals(found[1])
    assert not found[0].equals(rendered.read(files, "en", height=40).candidates)
    plain = Config.model_validate(entry)
    assert plain.reading == {"height": 32}
    assert rendered.read(files, "en", **plain.reading).candidates.equals(
        rendered.read(files, "en").candidates
    )


def test_letters_of_two_scripts_are_in_one_strip(tmp_path):
    files = benchmark(tmp_path, "Owls sleep. Ducks ابت.")
    files["font"] = letters(tmp_path / "both.ttf", LATIN + ARABIC)
    found = Rendered()
    rendered.read(files, "en", found=found)
    assert found.missing == {}

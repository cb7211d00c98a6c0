"""Sentences whose images have boxes are counted and named above the table."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from fonts import LATIN, letters
from test_image_scripts import script
from test_rendered import benchmark

from hybridbatch.tables.glyphs import glyph_notes


def counted(missing: dict[str, str], sentences: int = 1234) -> dict:
    return {"benchmark": "birds", "languages": {"en": {"sentences": 9, "missing": {}},
            "ar": {"sentences": sentences, "missing": missing}}}  # fmt: skip


def test_the_note_has_number_names_and_characters():
    assert glyph_notes([counted({"ar:000": "†", "ar:001": "‡日"})]) == [
        "Sentences of birds with characters that the fonts lack, which their images show as boxes: "
        "ar 2 of 1,234 (ar:000 lacks U+2020; ar:001 lacks U+2021 U+65E5)."
    ]
    many = {f"ar:{number}": "†" for number in range(5)}
    (note,) = glyph_notes([counted(many)])
    assert note.endswith("ar:2 lacks U+2020; and 2 more).")
    assert glyph_notes([counted({})]) == []


def test_renderings_that_lack_the_same_have_one_note():
    moved, serif = (
        {**counted({"ar:000": c}), "benchmark": n} for n, c in (("moved", "†"), ("s", "‡"))
    )
    first, second = glyph_notes([counted({"ar:000": "†"}), serif, moved])
    assert first.startswith("Sentences of birds, moved with characters")
    assert second.startswith("Sentences of s with characters")


@pytest.mark.parametrize(("last", "missing"), [("游", {"en:000.000:001": "游"}), ("y", {})])
def test_the_sentences_of_a_benchmark_are_looked_through(last, missing, tmp_path: Path):
    files = benchmark(tmp_path, f"Owls sleep. Ducks {last}.")
    letters(tmp_path / "font.ttf", LATIN)
    snakemake = SimpleNamespace(
        params=SimpleNamespace(
            files={"en": {name: str(path) for name, path in files.items()}},
            of={"benchmark": "birds"},
        ),
        output=[str(tmp_path / "glyphs.json")],
    )
    script("count_glyphs").main(snakemake)
    found = json.loads((tmp_path / "glyphs.json").read_text())
    assert found == {
        "benchmark": "birds",
        "languages": {"en": {"sentences": 2, "missing": missing}},
    }

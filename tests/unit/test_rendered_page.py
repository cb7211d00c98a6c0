"""The page of rendered sentences: scripts in order, each text beside its own image."""

import base64
import io
import json
import logging
import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from fonts import ARABIC, LATIN, letters
from PIL import Image

import rendered_page
from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import Perturbation, render

HEIGHT = 24
JOINED = """languagesystem DFLT dflt; languagesystem arab dflt;
feature liga { sub u0627 u0628 by u062A; } liga;"""
SENTENCES = {
    "es": ["¿Nadan?", "El mar.", "No se ve."],
    "ar": ["ابت ينم", "هي نهم"],
    "en": ["Long " * 18 + "one.", 'Owls <b>sleep</b> & "snore".', "Ducks swim."],
}
ROW = re.compile(r'<tr><td lang="(.*?)" dir="auto">(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>')


def benchmark(folder: Path, sentences: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """Files of a benchmark, and a font of each language's script, by language."""
    fonts = {"ar": letters(folder / "arabic.ttf", ARABIC, JOINED)}
    latin, files = letters(folder / "latin.ttf", LATIN), {}
    for language, of in sentences.items():
        context, ends = " ".join(of), [0]
        for sentence in of:
            ends.append(ends[-1] + len(sentence) + 1)
        breaks = [[a, b - 1] for a, b in pairwise(ends)]
        answers = [{"text": context[:2], "answer_start": 0}]
        qas = [{"id": "q", "question": "What?", "answers": answers}]
        paragraph = {"context": context, "sentence_breaks": breaks, "qas": qas}
        file = folder / f"{language}.json"
        file.write_text(json.dumps({"data": [{"title": "Birds", "paragraphs": [paragraph]}]}))
        files[language] = {"file": str(file), "font": str(fonts.get(language, latin))}
    return files


def page_of(folder: Path, files: dict[str, dict[str, str]], **reading) -> str:
    (folder / "style.css").write_text("td {}\n")
    params = {"reading": {"height": HEIGHT} | reading, "files": files, "sentences": 2}
    output = folder / "page.html"
    rendered_page.main(
        SimpleNamespace(
            input=SimpleNamespace(style=folder / "style.css"),
            output=[output],
            params=SimpleNamespace(**params, title="Title", caption="Look at `it`."),
        )
    )
    return output.read_text(encoding="utf-8")


def images_of(page: str) -> list[bytes]:
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', page)
    return [base64.b64decode(data, validate=True) for data in found]


def drawn(files: dict, language: str, number: int, perturbation: Perturbation | None) -> bytes:
    """The image of a sentence, rendered by itself."""
    id_, font = f"{language}:000.000:{number:03d}", face_for(files[language]["font"], language)
    text = {id_: SENTENCES[language][number]}
    ((_, image),) = render(text, font, language, HEIGHT, perturbation)
    return image


@pytest.mark.parametrize("perturbation", [None, {"shift": 3, "noise": 0.1, "seed": 2}])
def test_the_first_short_sentences_of_each_script_stand_beside_their_images(tmp_path, perturbation):
    files = benchmark(tmp_path, SENTENCES)
    page = page_of(tmp_path, files, **({"perturbation": perturbation} if perturbation else {}))
    # Scripts by their codes; within one, languages as they are configured.
    assert re.findall("<h2>(.*?)</h2>", page) == ["Arab", "Latn"]
    assert page.index("<h2>Latn</h2>") > page.rindex('lang="ar"')
    heads = ["sentence", "language", "as an image"]
    assert re.findall("<th>(.*?)</th>", page) == heads * 2
    rows = ROW.findall(page)
    assert [(language, text) for language, text, *_ in rows] == [
        ("ar", "ابت ينم"), ("ar", "هي نهم"), ("es", "¿Nadan?"), ("es", "El mar."),
        ("en", "Owls &lt;b&gt;sleep&lt;/b&gt; &amp; &quot;snore&quot;."), ("en", "Ducks swim."),
    ]  # fmt: skip
    assert [row[2] for row in rows] == [row[0] for row in rows]
    shown = [("ar", 0), ("ar", 1), ("es", 0), ("es", 1), ("en", 1), ("en", 2)]
    assert re.findall('alt="(.*?)"', page) == [f"{c}, {c}:000.000:{n:03d}" for c, n in shown]
    values = Perturbation(**perturbation) if perturbation else None
    images = images_of(page)
    assert images == [drawn(files, code, number, values) for code, number in shown]
    assert len(set(images)) == len(images)
    for data in images:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.format == "PNG"
            assert image.height == HEIGHT
            assert image.getextrema()[0] < 128 < image.getextrema()[1]
    assert "<b>" not in page
    assert "Look at <code>it</code>." in page


def test_sentences_with_boxes_are_counted_and_named_in_the_log(tmp_path, caplog):
    files = benchmark(tmp_path, {"en": ["Ducks swim.", "Owls 睡.", "Not shown 睡."]})
    with caplog.at_level(logging.WARNING):
        page = page_of(tmp_path, files)
    assert "Owls 睡." in page
    assert len(images_of(page)) == 2
    assert "1 of 2 texts have characters that the font lacks" in caplog.text
    assert "en:000.000:001 lacks 睡 (U+7761)" in caplog.text

"""Rendering sentences as images: this project against a plain loop over Pillow.

    .venv/bin/python benchmarks/rendering.py [FILE]

The plain loop draws each text with the same font at the same size into a strip of the same height,
and saves it as PNG with the same compression. It does not look for characters that the font lacks
or for ink beyond the strip, does not name a text that fails, and measures the text once. Both
render the sentences of FILE, in the format of XQuAD-R, else of the bundled benchmark in English,
block by block in turn, so that other work on the machine slows both alike, and CPU seconds are
counted. The ratio is the result; the rate depends on the machine.
"""

import io
import sys
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.benchmarks import lareqa
from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import HEIGHT, Perturbation, render
from hybridbatch.experiment.benchmarks.rendered import Config

BUNDLED = Path(__file__).parents[1] / "resources/bundled/benchmark/en.json"
BLOCKS, TEXTS = 5, 150  # blocks of each, texts of a block


def plain(texts: dict[str, str], font: ImageFont.FreeTypeFont) -> list[bytes]:
    """The strips of a loop that checks nothing."""
    found = []
    ascent, descent = font.getmetrics()
    for text in texts.values():
        image = Image.new("L", (round(font.getlength(text)) + 8, HEIGHT), 255)
        place = (4, (HEIGHT + ascent - descent) // 2)
        ImageDraw.Draw(image).text(place, text, fill=0, font=font, anchor="ls")
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=6)
        found.append(file.getvalue())
    return found


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else BUNDLED
    face = face_for(Config.model_fields["fonts"].default[0], "en")
    all_texts = lareqa.read({"file": path}, "en").candidates["text"].to_pylist()
    texts = {str(i): all_texts[i % len(all_texts)] for i in range(TEXTS)}
    pen = ImageFont.truetype(face.path, round(0.6 * HEIGHT), layout_engine=ImageFont.Layout.RAQM)
    perturbed = Perturbation(shift=2, size=0.1, noise=0.05)
    runs = {
        "ours": lambda: [image for _, image in render(texts, face, "en")],
        "ours, perturbed": lambda: [i for _, i in render(texts, face, "en", HEIGHT, perturbed)],
        "plain": lambda: plain(texts, pen),
    }
    seconds, sizes = dict.fromkeys(runs, 0.0), {}
    for block in range(BLOCKS + 1):  # the first warms up
        for name, run in runs.items():
            start = time.process_time()
            sizes[name] = sum(map(len, run())) / TEXTS
            seconds[name] += (time.process_time() - start) * (block > 0)
    for name, taken in seconds.items():
        print(
            f"{name}: {BLOCKS * TEXTS / taken:.0f} texts a CPU second, {sizes[name]:.0f} bytes "
            f"each; {taken / seconds['plain']:.2f} times the plain loop's time"
        )


if __name__ == "__main__":
    main()

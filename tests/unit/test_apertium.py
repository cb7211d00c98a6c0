"""Every line comes out of Apertium as one line or as a recorded failure, whatever is in it.

The first half runs the real engine, where it is installed; the second half runs a stand-in that
breaks at lines that hold CRASH, in the ways in which a real one can break.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml

from hybridbatch.data.download import Source, fetch, mirror_from_environment
from hybridbatch.data.texts import clean
from hybridbatch.experiment.lookups import places
from hybridbatch.experiment.sources import Source as Pinned
from hybridbatch.runtime.errors import TranslationError
from hybridbatch.translation.engines import apertium, translator
from hybridbatch.translation.engines._chain import Limits
from hybridbatch.translation.engines.apertium import Apertium
from hybridbatch.translation.translate import Translation

ROOT = Path(__file__).parents[2]
ENGLISH = (
    "The house is big.",
    "Where did the old teacher live?",
    "Water boils at a lower temperature in the mountains",
)
SPANISH = (
    "La casa es grande.",
    "¿Dónde vivía el viejo maestro?",
    "El agua hierve a menor temperatura en las montañas",
)
# A mode, sentences in its source language, and the first of them translated.
MODES = [
    ("eng-spa", ENGLISH, "La casa es grande."),
    ("eng-cat", ENGLISH, "La casa és gran."),
    ("en-gl", ENGLISH, "A casa é grande."),
    ("en-eo", ENGLISH, "La domo estas granda."),
    ("spa-ast", SPANISH, "La casa ye grande ."),
    ("es-pt", SPANISH, "A casa é grande."),
    ("spa-eng", SPANISH, "The house is big."),
]
SYMBOLS = [*"[]{}^$/\\@<>*#", "[[", "]]", "[]", "^$", "{}", "😀", "𝔘", "\\[", "^a<n>$"]
IN_WORDS = [
    "a [b] c",
    "a {b} c",
    "it costs $5",
    "and/or",
    "me@here.org",
    "a < b > c",
    "back\\slash",
]
IN_WORDS += [
    "#tag",
    "*star",
    "x*y",
    "[\\n3\\n]",
    "[7]",
    ".[]",
    "a.[] b",
    "a^b$c@d",
    "<b>",
    "&#34;a",
]


def _real(mode: str) -> Apertium:
    try:
        return Apertium(mode, "")
    except TranslationError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_lines_come_out_one_for_one(mode, sentences, first):
    engine = _real(mode)
    results = engine.translate(sentences * 5)
    assert len(results) == 15
    assert results[0] == Translation(first)
    assert results == results[:3] * 5
    assert len({result.text for result in results}) == 3
    assert all(result.text and result.error is None for result in results)


def test_many_lines_come_out_in_order():
    engine = _real("eng-spa")
    results = engine.translate([f"{number} houses." for number in range(2, 303)])
    assert [result.text for result in results] == [f"{n} casas." for n in range(2, 303)]


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_special_characters_leave_neighbours_alone(mode, sentences, first):
    engine = _real(mode)
    lines = [part for line in SYMBOLS + IN_WORDS for part in (line, sentences[0])]
    results = engine.translate(lines)
    assert [result.text for result in results[1::2]] == [first] * (len(lines) // 2)
    assert all(result.text for result in results)


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_special_characters_come_through(mode, sentences, first):
    engine = _real(mode)
    symbols = [symbol for symbol in SYMBOLS if not any(c.isascii() and c.isalpha() for c in symbol)]
    assert [result.text for result in engine.translate(symbols)] == symbols


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_unknown_words_are_counted_and_unmarked(mode, sentences, first):
    engine = _real(mode)
    known, one, two = engine.translate(
        [sentences[0], f"Zbrxt {sentences[0]}", f"{sentences[0]} Zbrxt qzwpfk."]
    )
    assert (known.unknown, one.unknown, two.unknown) == (0, 1, 2)
    assert "zbrxt" in one.text.lower()
    assert not set("*#@") & set(one.text + two.text)


@pytest.mark.parametrize(
    ("mode", "line", "word"),
    [
        ("eng-spa", "The 24oz cup is big.", "24oz"),
        ("eng-cat", "The 24oz cup is big.", "24oz"),
        ("spa-ast", "La copa 24oz es grande.", "24oz"),
        ("spa-ast", "zbrxt\\qzwpfk", "zbrxt\\qzwpfk"),
        ("es-pt", "zbrxt\\qzwpfk", "zbrxt\\qzwpfk"),
    ],
)
def test_mark_within_a_word_is_counted_and_taken_out(mode, line, word):
    (result,) = _real(mode).translate([line])
    assert word in result.text
    assert "*" not in result.text
    assert result.unknown >= 1


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_characters_of_the_engine_survive_and_hide_no_unknown_word(mode, sentences, first):
    characters = "*#@~^$/\\[]{}<>"
    lines = [
        line
        for c in characters
        for line in (
            f"zbrxt {c} qzwpfk.",
            f"zbrxt {c}a{c} qzwpfk.",
            f"{sentences[0]} {c}{c} zbrxt qzwpfk",
        )
    ]
    results = _real(mode).translate(lines)
    for line, character, result in zip(
        lines, (c for c in characters for _ in range(3)), results, strict=True
    ):
        assert result.text.count(character) == line.count(character), line
        assert not (set("*#@") - {character}) & set(result.text), line
        assert result.unknown >= 2, line
        assert result.lost == 0, line


def test_marks_of_unknown_words_beside_an_asterisk_of_the_source():
    product, stars = _real("eng-spa").translate(
        [
            "The value of a*b is the blorptic product of zyxwoo.",
            "2 * 3 = 6 and *star* and frobnicators",
        ]
    )
    assert product.unknown >= 2
    assert product.text.count("*") == 1
    assert "blorptic" in product.text
    assert "zyxwoo" in product.text
    assert (stars.unknown, stars.text.count("*")) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("*a \\@b #c", Translation("a b c", 3)),
        ("24*oz \\\\*d", Translation("24oz \\d", 2)),
        ("does #move# away", Translation("does move away", 1)),
        ("a\\/b \\[c\\]", Translation("a/b [c]")),
    ],
)
def test_marks_are_taken_out(answer, expected):
    assert apertium._read("", answer) == expected


def test_lost_characters_are_counted():
    source = "a ~ b [c] ~"
    found = apertium._read(source, "a b \\[c \\].[]")
    assert found == Translation("a b [c ]", lost=2)


def test_characters_of_private_use_survive():
    line = "The house \ue02a\ue100 is * big\uf8ff."
    (result,) = _real("eng-spa").translate([line])
    assert all(c in result.text for c in "\ue02a\ue100*\uf8ff")


def test_empty_lines_stay_empty():
    lines = ["", ENGLISH[0], "   ", "\t", ENGLISH[0], "\r\n"]
    empty, house = Translation(""), Translation("La casa es grande.")
    results = _real("eng-spa").translate(lines)
    assert results == [empty, house, empty, empty, house, empty]


def test_no_lines_are_no_results():
    assert _real("eng-spa").translate([]) == []


@pytest.mark.parametrize("control", ["\n", "\r\n", "\t", "\0", "\x1b", "\n[\n0\n]\n"])
def test_control_characters_do_not_cut_a_line(control):
    results = _real("eng-spa").translate([f"The house{control}is big.", ENGLISH[0]])
    assert len(results) == 2
    assert results[1] == Translation("La casa es grande.")
    assert results[0].text.startswith("La casa")
    assert results[0].text.isprintable()


def test_missing_mode_says_what_to_install():
    with pytest.raises(TranslationError) as caught:
        Apertium("eng-zzz", "apertium-eng-zzz")
    assert "eng-zzz" in str(caught.value)
    assert "apt-get install apertium apertium-eng-zzz" in str(caught.value)


def test_missing_engine_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "eng-spa.mode").touch()
    monkeypatch.setattr(apertium, "_MODES", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TranslationError, match="apt-get install apertium apertium-eng-spa"):
        Apertium("eng-spa", "apertium-eng-spa")


# A line's translation depends on nothing but the line.


def _catalogue() -> dict:
    return yaml.safe_load((ROOT / "config" / "catalogue.yaml").read_text(encoding="utf-8"))


def _steps() -> dict[str, str]:
    """For each mode of the catalogue, its source language."""
    entry = _catalogue()["catalogue"]["translators"]["apertium"]
    steps = {step["mode"]: step["source"] for step in entry["routes"].values()}
    return steps | {step["mode"]: source for source, step in entry["back"].items()}


def _way(language: str) -> list[str]:
    """The modes from English to a language."""
    routes = _catalogue()["catalogue"]["translators"]["apertium"]["routes"]
    if language == "en":
        return []
    return [*_way(routes[language]["source"]), routes[language]["mode"]]


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Real questions and passages in a random order, from a mirror or else the bundled ones."""
    lines = _bundled()
    if mirror_from_environment() is not None:
        for file in ("amazon_reviews_v1.0.json", "new_wiki_v1.0.json"):
            lines += _shifts(file, tmp_path_factory.mktemp("downloads"))
    lines = list(dict.fromkeys(lines))
    random.Random(0).shuffle(lines)
    return lines


def _bundled() -> list[str]:
    path = ROOT / "resources" / "bundled" / "train.en.jsonl"
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [row[name] for row in rows for name in ("question", "passage")]


def _check_that_lines_are_alone(mode: str, english: list[str], alone: int) -> None:
    lines = english
    for step in _way(_steps()[mode]):
        lines = [result.text or "" for result in _real(step).translate(lines)]
    engine = _real(mode)
    expected = engine.translate(lines)
    order = list(range(len(lines)))
    random.Random(1).shuffle(order)
    for start in range(0, len(order), len(order) // 3):
        batch = order[start : start + len(order) // 3]
        assert engine.translate([lines[i] for i in batch]) == [expected[i] for i in batch]
    for i in order[:alone]:
        assert engine.translate([lines[i]]) == [expected[i]]
    assert sum(result.retries for result in expected) <= len(lines) / 1000


# The taggers of these modes leak soonest.
@pytest.mark.parametrize("mode", ["en-gl", "eng-spa", "spa-ast"])
def test_line_is_translated_alike_alone_shuffled_and_batched(mode, english):
    _check_that_lines_are_alone(mode, english[:60], alone=2)


LINES = int(os.environ.get("HYBRIDBATCH_TEST_LINES", "100"))


@pytest.mark.slow
@pytest.mark.parametrize("mode", _steps())
def test_line_is_translated_alike_in_every_mode(mode, english):
    """With HYBRIDBATCH_TEST_LINES=5000 and a mirror, this takes 50 minutes of CPU time."""
    _check_that_lines_are_alone(mode, english[:LINES], alone=5)


JOB = """
import json, sys
from pathlib import Path
from hybridbatch.translation.engines import apertium
from hybridbatch.translation.engines._chain import Limits
modes, mode, cpu, idle, lines = json.loads(sys.argv[1])
apertium._MODES = Path(modes)
engine = apertium.Apertium(mode, "", Limits(cpu, idle, tick=0.05))
print("ready", flush=True)
print(json.dumps([[r.text, r.error, r.retries] for r in engine.translate(lines)]))
"""


def _job(
    mode: str, limits: Limits, lines: list[str], modes: Path = apertium._MODES
) -> subprocess.Popen:
    """A process that translates; it has said that it is ready."""
    values = json.dumps([str(modes), mode, limits.cpu_seconds, limits.idle_seconds, lines])
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, values],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert job.stdout.readline() == "ready\n"
    return job


def _programs(job: subprocess.Popen, least: int) -> list[psutil.Process]:
    for _ in range(600):
        found = psutil.Process(job.pid).children(recursive=True)
        if len(found) >= least:
            return found
        time.sleep(0.05)
    pytest.fail("the engine's programs did not start")


@pytest.mark.parametrize("suspended", ["engine", "one program", "job", "engine and job"])
def test_suspended_translation_gives_the_same(suspended, english):
    lines = english[:40]
    expected = [[r.text, r.error, r.retries] for r in _real("eng-spa").translate(lines)]
    limits = Limits(cpu_seconds=20, idle_seconds=0.5)
    job = _job("eng-spa", limits, lines)
    programs = _programs(job, 10)
    chosen = {"engine": programs, "one program": programs[5:6], "job": []}.get(suspended, programs)
    chosen = chosen + [psutil.Process(job.pid)] * ("job" in suspended)
    for process in chosen:
        process.suspend()
    time.sleep(4 * limits.idle_seconds)
    assert job.poll() is None
    for process in reversed(chosen):
        process.resume()
    out, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    assert json.loads(out) == expected


def _shifts(file: str, folder: Path) -> list[str]:
    """Paragraphs and questions of a SQuADShifts file, white space normalised, from a mirror."""
    sources = map(Pinned.model_validate, _catalogue()["catalogue"]["sources"].values())
    pinned = next(v for place, v in places(sources).items() if place.endswith(file))
    source = Source(pinned["url"], pinned["sha256"])
    mirror = mirror_from_environment()
    if mirror is None or not list(Path(mirror, source.path).parent.glob(f"{file}*")):
        return []
    fetch(source, folder / file, mirror)
    articles = json.loads((folder / file).read_text(encoding="utf-8"))["data"]
    paragraphs = [p for article in articles for p in article["paragraphs"]]
    contexts = [clean(p["context"]) for p in paragraphs]
    return contexts + [clean(q["question"]) for p in paragraphs for q in p["qas"]]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """SQuADShifts' paragraphs about Amazon's products."""
    found = _shifts("amazon_reviews_v1.0.json", tmp_path_factory.mktemp("downloads"))
    if not found:
        pytest.skip("HYBRIDBATCH_MIRROR does not name a mirror with SQuADShifts")
    return found


def test_real_line_that_kills_the_engine_costs_that_line_only(contexts):
    engine = _real("eng-cat")
    killing = 1260
    bare = subprocess.run(
        ["apertium", engine.mode],
        input=contexts[killing].encode(),
        capture_output=True,
        check=False,
    )
    if bare.stdout.strip():
        pytest.skip("this version of eng-cat lives through the line that killed 1.0.1")
    first, last = killing - 3, killing + 4
    results = engine.translate(contexts[first:last])
    failed = results.pop(killing - first)
    assert failed.text is None
    assert failed.error
    assert failed.retries == 1
    assert all(result.text and result.error is None for result in results)
    assert results == engine.translate(contexts[first:killing] + contexts[killing + 1 : last])


# A stand-in for the engine: capitals for a translation, `CRASH` for what it breaks at. It keeps a
# dot a start in the file `starts`.
STAND_IN = r"""#!{python} -IS
import os, re, signal, sys, time
with open({starts!r}, "a") as starts:
    starts.write(".")
_, flag, way = sys.argv
assert flag == "-z"
text = b""
while block := os.read(0, 1 << 16):
    text += block
    while b"\0" in text:
        document, _, text = text.partition(b"\0")
        answer = document.decode("utf-8").upper().encode("utf-8") + b"\0"
        if b"CRASH" in document:
            if way == "dies":
                sys.exit("Error in /usr/share/x/eng-spa.t4x: line 4086: index > limit")
            if way == "ends":
                sys.exit(0)
            if way == "is killed" or way == "is killed once" and len(open({starts!r}).read()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            while way == "loops":
                pass
            if way == "sleeps":
                time.sleep(600)
            if way == "loses the line":
                answer = b"\0"
            if way == "takes another number":
                answer = re.sub(rb"\[\d+\]", b"[77]", answer)
            if way == "answers twice":
                answer += answer
            if way == "breaks UTF-8":
                answer = b"\xff" + answer
        os.write(1, answer)
"""
WAYS = {
    "dies": "Error in eng-spa.t4x: line 4086: index > limit",
    "ends": "no output (status 0)",
    "loops": "more than 0.3 s of CPU time",
    "loses the line": "output without the line's number",
    "takes another number": "output without the line's number",
    "answers twice": "more than one answer",
    "breaks UTF-8": "output that is not UTF-8",
}


@dataclass(frozen=True)
class StandIn:
    """An engine that breaks in one way, and how often it has been started."""

    engine: Apertium
    file: Path

    @property
    def starts(self) -> int:
        return len(self.file.read_text()) if self.file.exists() else 0


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], StandIn]:
    """Makes the stand-in that breaks in the named way."""

    def make(way: str) -> StandIn:
        starts, program = tmp_path / "starts", tmp_path / "stand_in"
        text = STAND_IN.format(python=sys.executable, starts=str(starts))
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        (tmp_path / "eng-spa.mode").write_text(f"'{program}' '{way}'\n", encoding="utf-8")
        monkeypatch.setattr(apertium, "_MODES", tmp_path)
        limits = Limits(cpu_seconds=0.3, idle_seconds=0.5, tick=0.05)
        try:
            return StandIn(Apertium("eng-spa", "apertium-eng-spa", limits), starts)
        except TranslationError as error:
            pytest.skip(str(error))

    return make


def test_sound_engine_is_started_once(stand_in):
    fake = stand_in("never")
    results = fake.engine.translate(["a [b] ^c$.", "CRASH", "", "d"])
    assert results == [Translation(text) for text in ("A [B] ^C$.", "CRASH", "", "D")]
    assert fake.starts == 1


def test_route_leads_to_the_engine_of_its_mode(stand_in):
    stand_in("never")
    route = {"kind": "apertium", "source": "en", "mode": "eng-spa", "package": "apertium-eng-spa"}
    engine = translator(route)
    assert isinstance(engine, Apertium)
    assert engine.mode == "eng-spa"
    assert engine.translate(["a"]) == [Translation("A")]


def test_route_whose_mode_is_missing_says_what_to_install(stand_in):
    stand_in("never")
    route = {"kind": "apertium", "source": "en", "mode": "en-eo", "package": "apertium-eo-en"}
    with pytest.raises(TranslationError, match="apt-get install apertium apertium-eo-en"):
        translator(route)


def test_empty_lines_need_no_engine(stand_in):
    fake = stand_in("never")
    assert fake.engine.translate(["", " ", "\n"]) == [Translation("")] * 3
    assert fake.starts == 0


@pytest.mark.parametrize("crashing", [(0,), (7,), (2, 3, 4)])
@pytest.mark.parametrize(("way", "reason"), WAYS.items())
def test_each_crash_costs_its_line_alone(stand_in, way, reason, crashing):
    fake = stand_in(way)
    results = fake.engine.translate(
        [f"line {i}" + (" CRASH" if i in crashing else "") for i in range(8)]
    )
    assert results == [
        Translation(None, error=reason, retries=1) if i in crashing else Translation(f"LINE {i}")
        for i in range(8)
    ]
    # All together first, then one by one: a line that ends the engine does it twice more.
    assert fake.starts <= 2 + 2 * len(crashing)


def test_engine_that_is_killed_from_outside_gives_the_same(stand_in):
    results = stand_in("is killed once").engine.translate(["a", "CRASH", "b"])
    assert results == [Translation("A"), Translation("CRASH", retries=1), Translation("B")]


def test_engine_that_is_killed_again_and_again_fails_the_job(stand_in):
    with pytest.raises(TranslationError, match="ended by another process 3 times at line 1"):
        stand_in("is killed").engine.translate(["a", "CRASH", "b"])


def test_engine_is_ended_where_signals_are_ignored(stand_in):
    """As under `nohup`; programs inherit it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        results = stand_in("dies").engine.translate(["CRASH", "b"])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [result.text for result in results] == [None, "B"]


def test_engine_that_does_nothing_fails_the_job(stand_in):
    with pytest.raises(TranslationError, match="nor used any CPU time"):
        stand_in("sleeps").engine.translate(["a", "CRASH", "b"])


def test_retries_are_logged(stand_in, caplog):
    stand_in("dies").engine.translate(["a", "CRASH", "b"])
    said = [record.getMessage() for record in caplog.records]
    assert "eng-spa: line 1: Error in eng-spa.t4x: line 4086: index > limit (try 2)" in said
    assert "eng-spa: 1 retries of lines after the engine had failed" in said


def test_word_without_end_costs_nothing(stand_in):
    fake = stand_in("never")
    results = fake.engine.translate(["x" * 2**20, "a " + "é" * 1000, "a " + "é" * 1001])
    failed = Translation(None, error="a word of more than 1000 characters")
    assert results == [failed, Translation("A " + "É" * 1000), failed]


def _alive(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    for process in processes:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            yield process


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_engine_in_a_loop_ends_with_its_job(stand_in, tmp_path, end):
    """Programs that read nothing do not see that their input has ended."""
    stand_in("loops")
    job = _job("eng-spa", Limits(60, 60), ["CRASH"], modes=tmp_path)
    (found,) = _programs(job, 1)
    while found.cpu_times().user < 0.1:
        time.sleep(0.05)
    job.send_signal(end)
    job.wait()
    for _ in range(200):
        if not list(_alive([found])):
            break
        time.sleep(0.05)
    else:
        found.kill()
        pytest.fail("the engine is still running")


def test_program_that_is_missing_is_named(tmp_path, monkeypatch):
    if not apertium._MODES.is_dir():
        pytest.skip("needs Apertium")
    (tmp_path / "eng-spa.mode").write_text("lt-proc 'a' | not-there 'b'\n", encoding="utf-8")
    monkeypatch.setattr(apertium, "_MODES", tmp_path)
    with pytest.raises(TranslationError, match="program not-there is missing"):
        Apertium("eng-spa", "apertium-eng-spa")


def test_programs_of_a_finished_translation_have_ended():
    before = set(psutil.Process().children(recursive=True))
    _real("eng-spa").translate(list(ENGLISH))
    assert not list(_alive([p for p in psutil.Process().children(True) if p not in before]))

"""Apertium. Every line gives one output line or a recorded failure.

A line is translated as a document of its own, in null-flush mode (`-z`), so that its translation
does not depend on any other line. Two programs leak in spite of that mode.

`apertium-tagger` 3.8 and 3.9 with a hidden Markov model: at the first word with an unseen
combination of tags, it overwrites the set of tags that it gives to unknown words
(`find_similar_ambiguity_class` assigns to a reference to the model's open class). All later lines
are then tagged differently. It gets its lines one by one, therefore, and is started anew after each
in which it reports such a word.

`cg-proc` 1.3.9, which applies a constraint grammar: a rule that has matched in one line can match
in later lines where it would not have matched by itself. In `ita-spa`, "del piatto" loses a reading
only after a line with "un mezzo". The program does not report it. It is started anew for every
line, therefore; that takes about 10 ms.

The other programs get the lines of a block together, since waiting for each other's answers takes
several times as long as computing them. If the block is not answered as a whole, the same is done
line by line, with the same text as the result.

Each line ends with a superblank that contains its number (`[12]`), which the engine passes on
unchanged and which shows that an answer belongs to its line. Without a superblank before the null,
`eng-cat` loses the null, and several modes lose a full stop.
"""

import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hybridbatch.runtime.errors import TranslationError
from hybridbatch.runtime.logs import Progress, log
from hybridbatch.translation.engines._chain import Broken, Chain, Limits
from hybridbatch.translation.translate import Translation

_MODES = Path("/usr/share/apertium/modes")
_PARSER = "apertium-wblank-mode"  # reads a mode as the command `apertium` does
_SPECIAL = "*#@~^$/\\[]{}<>"  # characters with a meaning to the engine
_RESERVED = re.compile(r"([\\\[\]{}^$/<>])")
# These would be taken for the engine's own marks, or be lost. They are sent as characters of
# private use, which it passes on.
_MARKS = "*#@~"
_NUMBER = re.compile(r"\[(\d+)\]\s*\Z")
_ADDED_STOP = re.compile(r"\s*\.\[\]")
_ESCAPED_OR_MARK = re.compile(r"\\?(?P<mark>[*#@])(?P<word>(?=\S))?|\\(?P<escaped>.)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OUTSIDE_TRIES = 3
_BLOCK = 64  # lines
# A word that is longer takes some programs time that grows with the square of its length.
_LONGEST_WORD = 1000


class Apertium:
    """Apertium with one installed mode, such as `eng-spa`."""

    def __init__(self, mode: str, package: str, limits: Limits | None = None) -> None:
        """Raise `TranslationError`, saying what to install, if engine or mode is missing."""
        self.mode, self.limits = mode, limits or Limits()
        file = _MODES / f"{mode}.mode"
        if shutil.which(_PARSER) is None or not file.is_file():
            raise TranslationError(
                f"Apertium's mode {mode} is not installed. Type: apt-get install apertium {package}"
            )
        commands = _commands(file)
        for program, *_ in commands:
            if shutil.which(program) is None:
                raise TranslationError(
                    f"Apertium's mode {mode}: the program {program} is missing. Type: "
                    f"apt-get install apertium {package}"
                )
        self._parts: list[_Part] = _parts(commands)
        self._running: list[Chain | None] = [None] * len(self._parts)

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """Translate `lines`; the marks of unknown words are counted and removed.

        Raises `TranslationError` if the engine hangs, or if other processes end it repeatedly.
        """
        results: list[Translation] = []
        progress = Progress(len(lines), f"lines of {self.mode}")
        with self._ended():
            for start in range(0, len(lines), _BLOCK):
                block = [_CONTROL.sub(" ", line) for line in lines[start : start + _BLOCK]]
                results += self._translate_block(start, block)
                progress.add(len(block))
        retries = sum(result.retries for result in results)
        if retries:
            log.warning("%s: %d retries of lines after the engine had failed", self.mode, retries)
        return results

    def _translate_block(self, start: int, lines: Sequence[str]) -> list[Translation]:
        """Translate consecutive lines, of which the first has the number `start`."""
        results = [_refused(line) for line in lines]
        asked = [i for i, result in enumerate(results) if result is None]
        if not asked:
            return results
        numbers = [start + i for i in asked]
        try:
            answers = self._ask(numbers, [_document(start + i, lines[i]) for i in asked])
        except Broken as broken:
            self._end()
            log.info(
                "%s: lines %d to %d: %s; they are translated one by one",
                self.mode,
                start,
                start + len(lines) - 1,
                broken.reason,
            )
            for place, i in enumerate(asked):
                # What ended the programs from outside is counted once, at the line that they were
                # at. A line that ends them by itself does it again, alone, and is counted there.
                retries = int(broken.from_outside and place == broken.answered)
                results[i] = self._translate(start + i, lines[i], retries)
        else:
            for i, answer in zip(asked, answers, strict=True):
                results[i] = _read(lines[i], answer)
        return results

    def _translate(self, number: int, line: str, retries: int = 0) -> Translation:
        """Translate a line alone; retries: those that it has had."""
        document = _document(number, line)
        outside = retries
        while True:
            try:
                (answer,) = self._ask([number], [document])
                return _read(line, answer, retries)
            except Broken as broken:
                self._end()
                log.warning(
                    "%s: line %d: %s (try %d)", self.mode, number, broken.reason, retries + 1
                )
                outside += broken.from_outside
                if outside >= _OUTSIDE_TRIES:
                    raise TranslationError(
                        f"Apertium's mode {self.mode} was ended by another process {outside} times "
                        f"at line {number}. Nothing is written. Is there too little memory?"
                    ) from broken
                if not broken.from_outside and retries > outside:
                    # Alone, in programs that have read nothing else: it is the line.
                    return Translation(None, error=broken.reason, retries=retries)
                retries += 1

    def _ask(self, numbers: Sequence[int], documents: Sequence[bytes]) -> list[str]:
        """The engine's answers without numbers and nulls; raises Broken if one is missing."""
        answers = list(documents)
        for place, part in enumerate(self._parts):
            if part.anew is None:
                answers = self._chain(place).ask(answers)
                continue
            for i, document in enumerate(answers):
                try:
                    answers[i] = self._ask_alone(place, part.anew, document)
                except Broken as broken:
                    broken.answered = i
                    raise
        return [_numbered(n, answer) for n, answer in zip(numbers, answers, strict=True)]

    def _ask_alone(self, place: int, anew: Callable[[Chain], bool], document: bytes) -> bytes:
        """The answer to one document. `anew`: whether a chain is of no more use after it."""
        chain = self._chain(place)
        (answer,) = chain.ask([document])
        if anew(chain):
            chain.close()
            self._running[place] = None
        return answer

    def _chain(self, place: int) -> Chain:
        chain = self._running[place]
        if chain is None:
            chain = self._running[place] = Chain(self._parts[place].commands, self.limits)
        return chain

    def _end(self) -> None:
        for place, chain in enumerate(self._running):
            self._running[place] = None
            if chain:
                chain.close()

    @contextmanager
    def _ended(self) -> Iterator[None]:
        """End all programs when the block ends."""
        try:
            yield
        finally:
            self._end()


def translator(route: dict) -> Apertium:
    """The engine of a route."""
    return Apertium(route["mode"], route["package"])


def _commands(mode: Path) -> list[list[str]]:
    """The programs of a mode with their arguments, in null-flush mode."""
    run = subprocess.run(
        [_PARSER, "-z", str(mode)], capture_output=True, text=True, encoding="utf-8", check=False
    )
    # As in the shell, `|` separates programs. A mode has two parameters: $1 is `-g` (mark unknown
    # words), $2 is empty.
    words = shlex.shlex(run.stdout.replace("$1", "-g").replace("$2", ""), "", True, "|")
    words.whitespace_split, words.commenters = True, ""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    if run.returncode or not all(commands):
        raise TranslationError(f"{mode}: is no mode that {_PARSER} can read: {run.stderr.strip()}")
    return commands


@dataclass(frozen=True)
class _Part:
    """Programs of a mode that are connected by pipes.

    anew: None if documents are asked together. Else they are asked one by one, and it says after
    each whether the programs must be started anew.
    """

    commands: list[list[str]]
    anew: Callable[[Chain], bool] | None = None


def _parts(commands: Sequence[list[str]]) -> list[_Part]:
    """The parts of a mode, in order. A program that leaks is a part of its own."""
    parts: list[_Part] = []
    for command in commands:
        if command[0] == "apertium-tagger" and "-g" in command:
            # Without `--debug` it does not report unseen combinations.
            parts.append(_Part([[command[0], "--debug", *command[1:]]], _has_seen_a_new_class))
        elif command[0] == "cg-proc":
            parts.append(_Part([command], _always))
        elif parts and parts[-1].anew is None:
            parts[-1].commands.append(command)
        else:
            parts.append(_Part([command]))
    return parts


def _has_seen_a_new_class(tagger: Chain) -> bool:
    return tagger.said(b"A new ambiguity class was found")


def _always(_: Chain) -> bool:
    return True


def _private(line: str) -> int | None:
    """The first of 128 code points of private use of which `line` has none."""
    used = {ord(c) // 128 for c in line}
    free = (block for block in range(0xE000 // 128, 0xF800 // 128) if block not in used)
    return 128 * block if (block := next(free, None)) is not None else None


def _refused(line: str) -> Translation | None:
    """The result of a line that the engine is not asked for; None for all others."""
    if not line.strip():
        return Translation("")
    if max(map(len, line.split())) > _LONGEST_WORD:
        return Translation(None, error=f"a word of more than {_LONGEST_WORD} characters")
    if _private(line) is None:
        return Translation(None, error="too many different characters of private use")
    return None


def _document(number: int, line: str) -> bytes:
    return f"{_write(line)}[{number}]\0".encode()


def _numbered(number: int, answer: bytes) -> str:
    """The text of an answer; raises Broken if it does not end with its line's number."""
    try:
        text = answer[:-1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken("output that is not UTF-8") from error
    found = _NUMBER.search(text)
    if found is None or int(found[1]) != number:
        raise Broken("output without the line's number")
    return text[: found.start()]


def _write(line: str) -> str:
    private = _private(line)
    # A marked full stop ends the sentence, as the engine's own format filters do.
    stop = "" if line.rstrip().endswith((".", "?", "!")) else ".[]"
    hidden = line.translate({ord(mark): private + ord(mark) for mark in _MARKS})
    return _RESERVED.sub(r"\\\1", hidden) + stop


def _read(source: str, answer: str, retries: int = 0) -> Translation:
    private = _private(source)
    text = _ADDED_STOP.sub("", answer).replace("[]", "")
    unknown = 0

    def plain(found: re.Match[str]) -> str:
        # All marks are the engine's: `*word` is in no dictionary, `@word` not in the bilingual
        # one, `#word` cannot be inflected. Some generators escape them, as in `\@word`. A mark may
        # stand inside a word (24*oz). `move# away` is one unknown expression, marked before.
        nonlocal unknown
        unknown += found["word"] is not None
        return found["escaped"] or ""

    text = _ESCAPED_OR_MARK.sub(plain, text)
    text = text.translate({private + ord(mark): mark for mark in _MARKS})
    lost = _special(source) - _special(text)
    return Translation(" ".join(text.split()), unknown, lost=lost.total(), retries=retries)


def _special(text: str) -> Counter[str]:
    return Counter(c for c in text if c in _SPECIAL)

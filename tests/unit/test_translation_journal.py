"""A translation that is killed goes on after its last block and gives the same."""

from collections.abc import Sequence

import pytest
from neural import Killed, Slow, texts_of
from neural import said as said

from hybridbatch.runtime.errors import DataError
from hybridbatch.translation.translate import Translation, key_of_translation, translate_table


def test_killed_run_goes_on_and_gives_the_same(tmp_path, said):
    texts = texts_of("a", "b", "fail", None, "ç\n字", "", "g", "h", "i", "j")
    journal = tmp_path / key_of_translation(["values"], texts)
    with pytest.raises(Killed):
        translate_table(texts, Slow(blocks=2), journal)
    assert "going on" not in said()
    again = Slow()
    resumed = translate_table(texts, again, journal)
    assert again.given == [["h", "i", "j"]]
    assert f"going on after the blocks in {journal}" in said()
    assert resumed.equals(translate_table(texts, Slow()))
    assert resumed["error"].to_pylist()[2:4] == ["refused", "pivot: earlier"]


def test_other_values_or_texts_do_not_resume(tmp_path):
    texts = texts_of("a", "b")
    key = key_of_translation({"beams": 1}, texts)
    assert key_of_translation({"beams": 1}, texts_of("a", "b")) == key
    assert key_of_translation({"beams": 2}, texts) != key
    assert key_of_translation({"beams": 1}, texts_of("a", "c")) != key


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b.replace(b"D", b"X", 1)])
def test_damaged_block_is_set_aside_and_translated_again(tmp_path, said, damage):
    texts, journal = texts_of(*"abcdefg"), tmp_path / "journal"
    whole = translate_table(texts, Slow(), journal)
    block = journal / "000001.json"
    assert damage(block.read_bytes()) != block.read_bytes()
    block.write_bytes(damage(block.read_bytes()))
    again = Slow()
    assert translate_table(texts, again, journal).equals(whole)
    assert again.given == [["d", "e", "f"]]
    assert f"{block}: is damaged; set aside as" in said()
    assert len(list(journal.glob("000001.json.*.damaged"))) == 1


def test_engine_without_blocks_leaves_no_journal(tmp_path):
    class Quick(Slow):
        block_lines = None

    quick = Quick()
    translate_table(texts_of(*"abcde"), quick, tmp_path / "journal")
    assert quick.given == [list("abcde")]
    assert list(tmp_path.iterdir()) == []


def test_wrong_number_of_results_in_a_block_is_an_error(tmp_path):
    class Short(Slow):
        def translate(self, lines: Sequence[str]) -> list[Translation]:
            return super().translate(lines)[1:]

    with pytest.raises(DataError, match="returned 2 results for 3 lines"):
        translate_table(texts_of(*"abcde"), Short(), tmp_path / "journal")
    assert list(tmp_path.iterdir()) == []

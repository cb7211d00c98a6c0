"""Names of characters: CLDR's files as they are, and what is refused in them."""

import gzip
from pathlib import Path

import pytest
from fonts import common

from hybridbatch.data.cldr import (
    COMMON,
    PACKAGE,
    annotation_files,
    languages,
    read_annotations,
    version,
)
from hybridbatch.runtime.errors import DataError

ENGLISH = """\t\t<annotation cp="🐱">cat | face | pet</annotation>
\t\t<annotation cp="🐱" type="tts">cat face</annotation>
\t\t<annotation cp="☎">phone | cat face</annotation>
\t\t<annotation cp="☎️" type="tts">telephone</annotation>
\t\t<annotation cp="🐶">↑↑↑</annotation>
\t\t<annotation cp="🐶" type="tts">↑↑↑</annotation>
"""
DERIVED = '\t\t<annotation cp="👩‍🚒" type="tts">woman  firefighter</annotation>\n'


def test_names_and_keywords_are_read_from_both_files(tmp_path):
    found = read_annotations("en", common(tmp_path, en=ENGLISH, en_derived=DERIVED))
    assert found.names == {"🐱": "cat face", "☎": "telephone", "👩‍🚒": "woman firefighter"}
    assert found.keywords == {"🐱": ("cat", "face", "pet"), "☎": ("phone", "cat face")}


def test_only_some_sequences_may_be_taken(tmp_path):
    found = read_annotations("en", common(tmp_path, en=ENGLISH, en_derived=DERIVED), {"☎"})
    assert (found.names, set(found.keywords)) == ({"☎": "telephone"}, {"☎"})


def test_a_value_that_is_inherited_from_root_is_absent(tmp_path):
    found = read_annotations("en", common(tmp_path, en=ENGLISH))
    assert "🐶" not in found.names | found.keywords


def test_languages_are_the_locales_without_script_and_region(tmp_path):
    folder = common(tmp_path, en="", es="", yue="", es_419="", zh_Hant="", root="", sr_Cyrl_BA="")
    assert languages(folder) == ["en", "es", "yue"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        gzip.compress,
    ],
    ids=["byte-order mark", "CRLF", "gzip"],
)
def test_what_changes_no_text_is_read(tmp_path, change):
    right = read_annotations("en", common(tmp_path / "right", en=ENGLISH))
    path = common(tmp_path, en=ENGLISH) / "annotations/en.xml"
    path.write_bytes(change(path.read_bytes()))
    assert read_annotations("en", tmp_path) == right


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('\t\t<annotation cp="🐱">cat\n', "line 9: is not XML"),
        ('\t\t<annotation cp="🐱">ca\0t</annotation>\n', "line 8: has the character NUL"),
        ('\t\t<annotation cp="🐱" type="tts"> </annotation>\n', "of '🐱' has no character or text"),
        ('\t\t<annotation type="tts">cat</annotation>\n', "of '' has no character or text"),
        (ENGLISH + '<annotation cp="🐱" type="tts">tom</annotation>', "🐱 is 'tom' here"),
        ("&bomb;", "line 8: is not XML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, words):
    with pytest.raises(DataError) as caught:
        read_annotations("en", common(tmp_path, en=text))
    assert str(caught.value).startswith(f"{tmp_path}/annotations/en.xml: ")
    assert words in str(caught.value)


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(tmp_path):
    path = common(tmp_path, en=ENGLISH) / "annotations/en.xml"
    path.write_bytes(path.read_bytes().replace(b"pet", b"p\xe9t"))
    with pytest.raises(DataError, match=r"en\.xml: line 8: is not UTF-8"):
        read_annotations("en", tmp_path)


def test_an_empty_file_is_refused(tmp_path):
    path = common(tmp_path, en="") / "annotations/en.xml"
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"en\.xml: is empty"):
        read_annotations("en", tmp_path)


def test_a_language_that_cldr_lacks_is_named_with_those_it_has(tmp_path):
    folder = common(tmp_path, en="", es="")
    with pytest.raises(DataError, match="no annotations in 'eo'; it has them in en, es"):
        read_annotations("eo", folder)


def test_a_package_that_is_not_installed_is_named(tmp_path):
    message = "Type: apt-get install unicode-cldr-core"
    for ask in (languages, version):
        with pytest.raises(DataError, match=message):
            ask(tmp_path)
    with pytest.raises(DataError, match=message):
        read_annotations("en", tmp_path)


def test_the_version_is_the_dtd_s(tmp_path):
    path = tmp_path / "dtd/ldml.dtd"
    path.parent.mkdir()
    path.write_text(
        '<!ELEMENT version EMPTY >\n<!ATTLIST version cldrVersion CDATA #FIXED "41" >\n'
    )
    assert version(tmp_path) == "41"
    path.write_text("<!ELEMENT version EMPTY >\n")
    with pytest.raises(DataError, match=r"ldml\.dtd: states no cldrVersion"):
        version(tmp_path)


@pytest.mark.skipif(not Path(COMMON).is_dir(), reason=f"{PACKAGE} is not installed")
def test_the_installed_files_are_read():
    assert version().split(".")[0].isdigit()
    assert {"en", "es", "zh", "yo", "ast"} <= set(languages())
    english, greek = read_annotations("en"), read_annotations("el")
    assert english.names["🦉"] == "owl"
    assert greek.names["🦉"] == "κουκουβάγια"
    assert english.names["👩\u200d🚒"] == "woman firefighter"
    assert "bird" in english.keywords["🦉"]
    assert len(annotation_files("en")) == 2

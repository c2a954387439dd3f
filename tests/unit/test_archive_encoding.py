"""Encodings: found by marks, zeros, UTF-8 itself or the letters that languages use; refused where none of them says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cxsentiment.archive import open_source
from cxsentiment.archive.encoding import check_encoding
from cxsentiment.archive.guessing import guess_encoding
from cxsentiment.errors import InputError, OptionError

SENTENCES = {
    "el": (
        "Η παραγγελία ήρθε νωρίτερα από ό,τι περίμενα",
        "Άψογη εξυπηρέτηση, θα ξανάρθω σίγουρα",
        "Το δωμάτιο μύριζε υγρασία και το πρωινό ήταν φτωχό",
        "Όλοι ευγενικοί εκτός από τον διευθυντή",
        "Δεν αξίζει τα λεφτά του",
    ),
    "pl": (
        "Kurier spóźnił się dwie godziny i nawet nie przeprosił",
        "Świetna obsługa, na pewno jeszcze tu wrócę",
        "Pokój był brudny, a łazienka zalana wodą",
        "Ładne wnętrze, lecz jedzenie zupełnie bez smaku",
        "Zażądałem zwrotu pieniędzy i czekam już miesiąc",
    ),
    "ro": (
        "Coletul a ajuns după trei săptămâni şi era desfăcut",
        "Mâncarea a fost delicioasă, iar chelnerul foarte atent",
        "Nimeni nu răspunde la telefon şi nici la mesaje",
        "Îmi place aplicaţia, dar se închide singură",
        "Preţuri mari pentru o cafea aşa de slabă",
    ),
    "en": (
        "The waiter’s attitude was awful – we left",
        "“Best café in town”, they said… it’s not",
        "I paid £30 for a cold crème brûlée",
    ),
}
ENCODINGS = {
    "el": ("cp1253", "iso8859-7", "cp737"),
    "pl": ("cp1250", "iso8859-2", "cp852"),
    "ro": ("cp1250", "iso8859-2", "cp852"),
    "en": ("cp1252",),
}


def cases() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for language, sentences in SENTENCES.items():
        for encoding in ENCODINGS[language]:
            for number in range(len(sentences)):
                yield language, encoding, sentences[number : number + 1]
            yield language, encoding, sentences


@pytest.mark.parametrize(("language", "encoding", "sentences"), list(cases()))
def test_a_few_lines_show_their_encoding(language: str, encoding: str, sentences: tuple[str, ...]) -> None:
    lines = [sentence.encode(encoding) for sentence in sentences]
    found = guess_encoding(lines)
    assert found is not None
    assert [line.decode(found) for line in lines] == list(sentences)


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("Άριστα", "cp1253", "cp1253"),
        ("Άριστα", "iso8859-7", "iso8859-7"),
        ("ś i ą są wszędzie: świąteczna książka", "cp1250", "cp1250"),
        ("ś i ą są wszędzie: świąteczna książka", "iso8859-2", "iso8859-2"),
        ("ΠΟΛΥ ΚΑΛΟ", "cp1253", "cp1253"),
        ("ŁÓDŹ, DWORZEC GŁÓWNY", "cp1250", "cp1250"),
        ("iPhone & AirPods: τέλεια ποιότητα", "cp1253", "cp1253"),
        ("¿Por qué tardó tanto? El niño lloró toda la mañana", "cp1252", "cp1252"),
        ("Größe und Qualität überzeugen, schöner Laden", "cp1252", "cp1252"),
        ("Очень вежливый персонал", "cp1251", "cp1251"),
        ("Очень вежливый персонал", "koi8-r", "koi8-r"),
        ("it’s 12 €", "cp1252", "cp1252"),
    ],
)
def test_letters_that_tell_encodings_apart(text: str, encoding: str, found: str) -> None:
    assert guess_encoding([text.encode(encoding)]) == found


@pytest.mark.parametrize(
    "line",
    [
        b"plain",
        b"a\x80b",
        b"a\xc0\xafb",
        b"4,\xe9",
        b'{"text": "\xff"}',
        "서비스가 좋아요".encode("cp949"),
        "とても良い店".encode("shift_jis"),
        "good service".encode("cp037"),
        bytes(range(256)),
    ],
)
def test_what_is_no_clear_writing_is_not_guessed(line: bytes) -> None:
    assert guess_encoding([line]) is None


def test_lines_with_the_telling_letters_may_come_late() -> None:
    sentences = ["Δεν αξίζει τα λεφτά του"] * 300 + ["Άψογα, Άριστα"]
    assert guess_encoding([sentence.encode("iso8859-7") for sentence in sentences]) == "iso8859-7"


def write(folder: Path, content: bytes, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1253", "cp1253"),
    ],
)
def test_files_in_any_encoding_are_read_alike(tmp_path: Path, name: str, encoding: str, found: str) -> None:
    texts = list(SENTENCES["el"])
    lines = [f'{{"text": "{text}"}}' if name == "in.jsonl" else f'"{text}"' for text in texts]
    content = "\n".join(lines if name == "in.jsonl" else ["text", *lines])
    source = open_source(write(tmp_path, content.encode(encoding), name))
    assert source.encoding == source.identity["encoding"] == found  # type: ignore[attr-defined]
    assert next(source.chunks()).texts == texts


@pytest.mark.parametrize("text", ["good service, bad food", "obsługa 😀 “miła”", "Όλα καλά"])
def test_utf_16_without_a_mark(tmp_path: Path, text: str) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        source = open_source(write(tmp_path, f'text\n"{text}"\n'.encode(encoding)))
        assert next(source.chunks()).texts == [text]
        assert open_source(tmp_path / "in.csv", encoding="utf-16").rows == 1


def test_zeros_in_a_text_are_no_utf_16(tmp_path: Path) -> None:
    assert next(open_source(write(tmp_path, b"id,text\n1,go\0od\n2,\0\n")).chunks()).texts == ["go\0od", "\0"]


def test_more_lines_in_utf_8_than_not(tmp_path: Path) -> None:
    right, wrong = "καλό\n".encode(), "κακό\n".encode("cp1253")
    source = open_source(write(tmp_path, b"text\n" + right * 3 + wrong * 3))
    assert source.encoding == "utf-8"  # type: ignore[attr-defined]
    texts = next(source.chunks()).texts
    assert [isinstance(text, str) for text in texts] == [True] * 3 + [False] * 3
    source = open_source(write(tmp_path, b"text\n" + right * 3 + wrong * 4))
    assert source.encoding == "cp1253"  # type: ignore[attr-defined]


def test_a_letter_cut_off_at_the_end_of_a_line_leaves_it_utf_8(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, b"text\n" + "Το δωμάτιο μύριζε υγρασί".encode()[:-1]))
    assert source.encoding == "utf-8"  # type: ignore[attr-defined]
    assert not isinstance(next(source.chunks()).texts[0], str)


def test_an_encoding_that_is_given_is_not_doubted(tmp_path: Path) -> None:
    path = write(tmp_path, "text\nΔεν αξίζει τα λεφτά του\n".encode("cp1253"))
    assert next(open_source(path, encoding="cp1250").chunks()).texts == ["Δεν αξίζει τα λεφτά του".encode("cp1253").decode("cp1250")]
    with pytest.raises(InputError, match="is not utf-8; give the file's own encoding with --encoding: cp1253"):
        open_source(path, encoding="utf-8")


def test_what_is_marked_as_utf_8_is_not_taken_for_something_else(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbftext\n" + "Δεν αξίζει τα λεφτά του\n".encode("cp1253") * 3)
    with pytest.raises(InputError, match=r"byte 0xc4 at offset 8 \(line 2\) is not utf-8"):
        open_source(path)


def test_unknown_encodings_are_refused() -> None:
    for name in ("nonsense", "base64", "utf-7", "unicode_escape", "\0"):
        with pytest.raises(OptionError, match="unknown encoding"):
            check_encoding(name)
    assert check_encoding("UTF8") == "utf-8-sig"


def test_a_line_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxsentiment.archive.encoding.LONGEST_LINE", 1 << 20)
    path = write(tmp_path, b"text\n" + b"x" * (3 << 20))
    with pytest.raises(InputError, match="line of more than 1,048,576 bytes"):
        open_source(path)

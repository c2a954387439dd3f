"""Text files in other encodings than UTF-8, in several at once, or in none."""

from __future__ import annotations

from typing import Final

from tests.faults.malformed_input import Malformed, building, fine, holding, holding_text, kept, refused

_ENGLISH: Final = "id,text\n1,good service\n2,bad service\n"
_GREEK: Final = "id,text\n1,κακή εξυπηρέτηση\n2,καλό προσωπικό\n"
_POLISH: Final = "id,text\n1,obsługa była świetna\n2,paczka przyszła zniszczona\n"
_JSON_GREEK: Final = '{"text": "κακή εξυπηρέτηση"}\n'
_ESCAPED: Final = "surrogateescape"
_MARK: Final = b"\xef\xbb\xbf"


def _wrong_byte_far_into_the_file() -> bytes:
    row = "3,η παράδοση άργησε δέκα μέρες\n".encode()
    return _GREEK.encode() + row * (3_000_000 // len(row)) + b"4,\xe9\n"


ENCODINGS: Final[tuple[Malformed, ...]] = (
    # UTF-16 and UTF-32
    fine("utf_16_with_mark", ".csv", holding_text(_GREEK, "utf-16")),
    fine("utf_16_little_endian_without_mark", ".csv", holding_text(_GREEK, "utf-16-le")),
    fine("utf_16_big_endian_without_mark", ".csv", holding_text(_GREEK, "utf-16-be")),
    fine("utf_16_english_without_mark", ".csv", holding_text(_ENGLISH, "utf-16-le")),
    fine("utf_16_english_tsv_without_mark", ".tsv", holding_text(_ENGLISH.replace(",", "\t"), "utf-16-be")),
    fine("utf_16_json_with_mark", ".jsonl", holding_text(_JSON_GREEK, "utf-16")),
    fine("utf_16_json_english_without_mark", ".jsonl", holding_text('{"text": "good"}\n', "utf-16-le")),
    fine("utf_32_with_mark", ".csv", holding_text(_ENGLISH, "utf-32")),
    refused("utf_16_that_ends_within_a_letter", ".csv", holding(_GREEK.encode("utf-16") + b"x"), "not utf-16"),
    refused("utf_16_half_of_a_surrogate_pair", ".csv", holding("id,text\n1,\ud83d\n".encode("utf-16", "surrogatepass")), "not utf-16"),
    # one byte a letter
    fine("cp1253_greek", ".csv", holding_text(_GREEK, "cp1253")),
    fine("cp1253_greek_json", ".jsonl", holding_text(_JSON_GREEK, "cp1253")),
    fine("cp737_greek", ".csv", holding_text(_GREEK, "cp737")),
    fine("iso_8859_7_greek", ".csv", holding_text(_GREEK, "iso8859-7")),
    fine("iso_8859_2_polish", ".csv", holding_text(_POLISH, "iso8859-2")),
    fine("cp1250_polish", ".csv", holding_text(_POLISH, "cp1250")),
    fine("cp1252_curly_quotes", ".csv", holding(b"id,text\n1,\x93great\x94 they said but it\x92s not\n")),
    fine("cp1252_in_a_column_name", ".csv", holding(b"id,text,\xe9t\xe9\n1,good,2\n")),
    refused("cp949_korean", ".csv", holding_text("id,text\n1,서비스가 좋아요\n", "cp949"), "not utf-8"),
    refused("ebcdic", ".csv", holding_text(_ENGLISH, "cp037"), "not utf-8"),
    # broken UTF-8
    kept("utf_8_truncated_at_the_end", ".csv", holding("id,text\n1,κακό".encode()[:-1]), "broken encoding"),
    refused("utf_8_overlong_slash", ".csv", holding(b"id,text\n1,a\xc0\xafb\n"), "not utf-8"),
    refused("utf_8_lone_continuation_byte", ".csv", holding(b"id,text\n1,a\x80b\n"), "not utf-8"),
    refused("utf_8_raw_surrogate_halves", ".csv", holding(b"id,text\n1,\xed\xa0\xbd\xed\xb8\x80\n"), "not utf-8"),
    refused("utf_8_beyond_unicode", ".csv", holding(b"id,text\n1,\xf4\x90\x80\x80\n"), "not utf-8"),
    refused("utf_8_wrong_byte_in_a_column_name", ".csv", holding("id,text,\udce9t\n1,κακό,2\n".encode(errors=_ESCAPED)), "line 1"),
    kept("utf_8_wrong_byte_far_into_the_file", ".csv", building(_wrong_byte_far_into_the_file), "broken encoding"),
    fine("utf_8_wrong_byte_in_another_cell", ".csv", holding("id,text\n1,κακό\n\udce9,καλό\n".encode(errors=_ESCAPED))),
    refused("utf_8_json_with_a_wrong_byte", ".jsonl", holding(b'{"text": "good"}\n{"text": "\xff"}\n'), "line 2"),
    kept("utf_8_json_with_a_wrong_byte_in_a_text", ".jsonl", holding(_JSON_GREEK.encode() + b'{"text": "\xff"}\n'), "broken encoding"),
    kept("utf_8_json_with_a_wrong_byte_in_a_key", ".jsonl", holding(_JSON_GREEK.encode() + b'{"te\xffxt": ""}\n'), "broken encoding"),
    kept("mixed_utf_8_and_cp1253", ".csv", holding(_GREEK.encode() + "3,αργεί πολύ\n".encode("cp1253")), "broken encoding"),
    refused("zero_bytes_in_a_column_name", ".csv", holding(b"i\0d,text\n1,good\n"), "zero bytes"),
    refused("only_zero_bytes", ".csv", building(lambda: bytes(1_000_000)), "zero bytes"),
    # odd but readable
    fine("zero_bytes_in_a_cell", ".csv", holding(b"id,text\n1,go\0od\n2,\0\n")),
    fine("mark_before_utf_8", ".csv", holding(_MARK + _GREEK.encode())),
    fine("mark_before_a_quoted_name", ".csv", holding(_MARK + b'"text",id\ngood,1\n')),
    fine("two_marks_before_utf_8", ".csv", holding(_MARK + _MARK + b"text,id\ngood,1\n")),
    fine("mark_in_the_middle_of_joined_files", ".csv", holding(_MARK + _ENGLISH.encode() + _MARK + _ENGLISH.encode())),
    fine("mark_before_json", ".jsonl", holding(_MARK + _JSON_GREEK.encode())),
    kept("mark_in_the_middle_of_joined_json", ".jsonl", holding((_MARK + _JSON_GREEK.encode()) * 2), "not JSON"),
    fine("utf_8_encoded_twice", ".csv", holding_text("id,text\n1," + "κακό".encode().decode("latin-1") + "\n")),
    fine("replacement_characters", ".csv", holding_text("id,text\n1,\ufffd\ufffd\ufffd bad\n")),
)

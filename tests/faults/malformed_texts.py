"""Texts that are odd, in files that are not: each must be scored like any other."""

from __future__ import annotations

import csv
import io
from typing import Final

from tests.faults.malformed_input import Malformed, building, fine

_LONG: Final = 100_000


def _csv(texts: tuple[str, ...]) -> bytes:
    content = io.StringIO(newline="")
    csv.writer(content).writerows([["id", "text"], *enumerate(texts)])
    return content.getvalue().encode()


def _texts(name: str, *texts: str) -> Malformed:
    return fine(f"text_{name}", ".csv", building(lambda: _csv(texts)))


def _long(name: str, piece: str, times: int = _LONG) -> Malformed:
    return fine(f"text_{name}", ".csv", building(lambda: _csv((piece * times,))))


TEXTS: Final[tuple[Malformed, ...]] = (
    _texts("empty", "", "good"),
    _texts("of_white_space_only", " ", "\t", "\n", "\r\n", "\u00a0", "\u3000"),
    _texts("of_zero_width_only", "\u200b", "\u200d\u200c", "\ufeff", "\u2060\u00ad"),
    _texts("with_right_to_left_marks", "\u202eecivres doog\u202c", "\u200fgood\u200e", "\u2067שירות טוב\u2069 good"),
    _texts("with_combining_marks", "g\u0300\u0489\u0334ood " + "".join(f"{letter}{chr(0x300) * 50}" for letter in "zalgo")),
    _texts("of_combining_marks_only", "\u0301\u0308", "\u20e3"),
    _texts("of_emoji_only", "😀", "😡😡😡", "👩\u200d👩\u200d👧\u200d👦", "🇬🇷🇵🇱🇷", "👍🏽", "❤\ufe0f", "\ufe0f"),
    _texts("of_digits_only", "12345", "٣٤٥", "10/10", "-5", "1e400"),
    _texts("of_punctuation_only", "...", "?!?!", '"', "'", "\\", "%", "-"),
    _texts("with_control_characters", "go\0od", "\x01\x02\x1b[31mbad\x1b[0m", "\x7f", "\x1a", "a\x08\x08b"),
    _texts("with_line_breaks_of_all_kinds", "a\nb\rc\r\nd", "a\x0b\x0cb", "a\x85b\u2028c\u2029d"),
    _texts("with_html", "<p>good <b>service</b></p><script>alert(1)</script>", "&lt;bad&gt; &amp;amp; &#0; &#xD800; &#1114112;", "<"),
    _texts("with_curly_quotes", "“good”, it’s … fine – really"),
    _texts("with_curly_quotes_read_as_latin_1", "\x93good\x94, it\x92s \x85 fine \x96 really"),
    _texts("equal_to_a_column_name", "text", "id", "text,id", "cx_error", "id\ttext"),
    _texts("equal_to_words_of_programs", "null", "NULL", "nan", "None", "true", "undefined", "N/A", "inf"),
    _texts("with_private_and_unassigned_characters", "\ue000", "\U0010ffff", "\uffff\ufffe", "\u0378", "\U000e0067"),
    _texts("in_letters_that_look_like_others", "𝗴𝗼𝗼𝗱 𝓼𝓮𝓻𝓿𝓲𝓬𝓮", "ｇｏｏｄ", "ɢᴏᴏᴅ", "ցօօժ", "ⓖⓞⓞⓓ"),
    _texts("in_other_scripts", "很好的服务", "とても良い", "좋아요", "خدمة جيدة", "अच्छी सेवा", "ดีมาก", "ကောင်းတယ်"),
    _texts("with_injections", "'; DROP TABLE feedback; --", "${jndi:ldap://localhost/a}", "{{7*7}}", "../passwd", "[bold]good[/bold]"),
    _texts("with_placeholders_of_ours", "<url> <email> <user>", "[UNK] [CLS] [SEP] [PAD] [MASK]", "\u2581good"),
    _texts("that_is_the_ligature_that_grows_most", "\ufdfa" * 1_000),
    _long("of_1_000_000_letters_without_a_space", "a", 1_000_000),
    _long("of_1_000_000_different_letters_without_a_space", "kaλόświnț", 1_000_000 // 9),
    _long("of_100_000_words", "good "),
    _long("of_100_000_marks_on_a_letter", "\u0301"),
    _long("of_100_000_emoji", "😀"),
    _long("of_100_000_joined_emoji", "👩\u200d"),
    _long("of_100_000_line_breaks", "\n"),
    _long("of_100_000_at_signs", "@"),
    _long("of_100_000_beginnings_of_addresses", "a@a."),
    _long("of_100_000_opened_tags", "<a "),
    _long("of_100_000_entities", "&amp;"),
    _long("of_a_very_long_link", "https://example.org/", 1_000),
    _long("of_100_000_exclamation_marks", "!"),
    _long("of_100_000_spaces", " "),
)

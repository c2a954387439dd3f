"""Examples for `cxsentiment.text` in the four languages."""

import pickle

import pytest

from cxsentiment.text import clean, clean_string, fold


def original_of(text: str, piece: str) -> str:
    """What the map gives in `text` for the first `piece` of the cleaned text."""
    cleaned = clean(text)
    start = cleaned.text.index(piece)
    first, last = cleaned.span(start, start + len(piece))
    return text[first:last]


@pytest.mark.parametrize(
    "text",
    [
        "Το προσωπικό ήταν ευγενικό, αλλά το app κολλάει.",
        "Aplikacja działa świetnie, polecam każdemu!",
        "Livrarea a întârziat, însă coletul era în stare bună…"[:-1],
        "The staff were kind; the app - not so much (2 stars).",
        "strona www nie działa",
        "1000000 zł",
        "I <3 it",
        "see you @ 5, or @5pm",
        "",
    ],
)
def test_nothing_to_clean(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.text == text
    assert cleaned.span(0, len(text)) == (0, len(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("τελειοοοοο", "τελειοο"),
        ("Super!!!!!!!", "Super!!!"),
        ("Nu știu......", "Nu știu..."),
        ("μπράβο 👍👍👍👍👍👍", "μπράβο 👍👍👍"),
        ("ok 👍🏽👍🏽👍🏽👍🏽👍🏽", "ok 👍🏽👍🏽👍🏽"),
        ("hai 🇷🇴🇷🇴🇷🇴🇷🇴🇷🇴", "hai 🇷🇴🇷🇴🇷🇴"),
        ("❤️❤️❤️❤️", "❤❤❤"),
        ("tel. 2111111111", "tel. 2111111111"),
        ("wwwwow", "wwow"),
    ],
)
def test_elongation(text: str, expected: str) -> None:
    assert clean_string(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Şi ţara aşteaptă Ţepe", "Și țara așteaptă Țepe"),
        ("s\u0327i", "și"),
        ("και\u0301 ε\u0301να", "καί ένα"),
        ("don´t, γι΄ αυτό", "don't, γι' αυτό"),
        ("ﬁne ½ ＡＢＣ…", "fine 1⁄2 ABC..."),
        ("za\xadpła\u200bcić\ufeff", "zapłacić"),
        ("\u202eabc\u202c \x00def", "abc def"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("a" + "\u0316" * 50, "a" + "\u0316" * 8),
    ],
)
def test_characters(text: str, expected: str) -> None:
    assert clean_string(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("don&#39;t &#x27;ok&#x27;", "don't 'ok'"),
        ("a&nbsp;&nbsp;b", "a b"),
        ("x &amp;amp; y &amp;lt;3", "x & y <3"),
        ("&amp;amp;amp;", "&amp;"),
        ("caf&eacute; &nosuch; AT&T;", "café &nosuch; AT&T;"),
        ("a&#0;b&#xD800;c&#1;d", "a b cd"),
        ("dobre<br/>ale drogie</p><p>serio", "dobre ale drogie serio"),
        ('δες <a href="http://x.gr">εδώ</a>', "δες εδώ"),
        ("jeden&lt;br&gt;dwa", "jeden dwa"),
    ],
)
def test_markup(text: str, expected: str) -> None:
    assert clean_string(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("δες https://www.bank.gr/a?b=1&c=2, ναι", "δες <url>, ναι"),
        ("(vezi www.magazin.ro).", "(vezi <url>)."),
        ("patrz t.co/aB12 i HTTP://X.PL", "patrz <url> i <url>"),
        ("scrie la info@firma.ro.", "scrie la <email>."),
        ("στείλε στοinfo@shop.gr", "στείλε στο<email>"),
        ("@eurobank_gr γιατί; @κάποιος", "<user> γιατί; <user>"),
        ("bravo .@eMAG!", "bravo .<user>!"),
        ("a@b is no address, nor is @ or @@x", "a@b is no address, nor is @ or @@x"),
        ("att.co/x is no short link", "att.co/x is no short link"),
        ("<url> <user> <email>", "<url> <user> <email>"),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    assert clean_string(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  raz\r\n\r\ndwa\t trzy\xa0\u2003cztery \n", "raz dwa trzy cztery"),
        (" \n\t", ""),
        ("a\ud800b", "a b"),
        ("\ud83d\ude00 ok", "😀 ok"),
        ("Ã\ufffdla", "Ã la"),
    ],
)
def test_space_and_broken_encodings(text: str, expected: str) -> None:
    assert clean_string(text) == expected
    assert clean(text).text == expected


@pytest.mark.parametrize(
    "before",
    [
        "😀😀😀😀😀 ",
        "👨‍👩‍👧 ",
        "Tom &amp; Jerry: ",
        "δες http://x.gr/a?b=1, το ",
        "\r\n\r\n  ",
        "<br><br>",
        "@bank info@bank.pl ",
        "ſ½\u200b…",
        "\ud800",
    ],
)
@pytest.mark.parametrize("after", ["", "!!!!!!", " κολλάει", "<br/>", "&nbsp;", "\u200b", ", http://x"])
def test_app_is_found_after_anything(before: str, after: str) -> None:
    text = f"{before}app{after}"
    cleaned = clean(text)
    start = cleaned.text.index("app")
    assert cleaned.span(start, start + 3) == (len(before), len(before) + 3)


@pytest.mark.parametrize(
    ("text", "piece", "expected"),
    [
        ("δες http://x.gr/a?b=1, ναι", "<url>", "http://x.gr/a?b=1"),
        ("δες http://x.gr/a?b=1, ναι", "rl", "http://x.gr/a?b=1"),
        ("Tom &amp;amp; Jerry", "&", "&amp;amp;"),
        ("πολύ ωραίοοοο app", "ωραίοο", "ωραίοοοο"),
        ("ce faci, s\u0327ti\u0327i", "ș", "s\u0327"),
        ("cafe\u200b\u0301 bun", "café", "cafe\u200b\u0301"),
        ("xx\u0301yyyy", "x", "x"),
        ("ax\u0301yyyy", "ax", "ax\u0301"),
        ("I ❤️  it", "❤", "❤️"),
        ("za\xadpłata!!!!", "zapłata", "za\xadpłata"),
        ("x ½   y", "1", "½"),
        ("raz \n dwa", "raz dwa", "raz \n dwa"),
    ],
)
def test_spans_cover_what_was_replaced(text: str, piece: str, expected: str) -> None:
    assert original_of(text, piece) == expected


def test_an_empty_span_is_a_place() -> None:
    cleaned = clean("  a&amp;b  ")
    assert cleaned.text == "a&b"
    assert [cleaned.span(place, place) for place in range(4)] == [(2, 2), (3, 3), (8, 8), (9, 9)]
    assert clean("\u200b").span(0, 0) == (1, 1)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (1, 0), (0, 4)])
def test_a_span_outside_the_text_is_refused(start: int, end: int) -> None:
    with pytest.raises(IndexError, match="length 3"):
        clean("app").span(start, end)


def test_a_clean_text_survives_pickling() -> None:
    cleaned = clean("το app κολλάει!!!!!")
    copy = pickle.loads(pickle.dumps(cleaned))
    assert copy == cleaned
    assert copy.span(3, 6) == cleaned.span(3, 6)
    assert hash(copy) == hash(cleaned)


@pytest.mark.parametrize(
    "text",
    ["@" * 200_000, "a." * 100_000, "&" * 200_000, "<b " * 70_000, "a" * 200_000, "a" + "\u0301\u0316" * 100_000, "a@" * 100_000],
    ids=["at", "dots", "ampersands", "tags", "letters", "marks", "addresses"],
)
def test_long_hostile_texts_are_done_in_a_blink(text: str) -> None:
    """Quadratic work on these would run for hours, not fail an assertion about the clock."""
    assert len(clean_string(text)) <= len(text)
    fold(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ταχύτητα", "ταχυτητα"),
        ("ΟΔΌΣ", "οδοσ"),
        ("οδός", "οδοσ"),
        ("Łódź ŻÓŁW", "lodz zolw"),
        ("Știință ÎNAPOI", "stiinta inapoi"),
        ("şţ", "st"),
        ("APP", "app"),
        ("Straße", "strasse"),
        ("ᾴ ΐ", "α ι"),
    ],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected

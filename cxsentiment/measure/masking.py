"""Takes out of a comment what names or reaches one person, so that it can be shown: see `mask`. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from cxsentiment.measure.personal_numbers import find_numbers

ADDRESS: Final = "[e-mail]"
USER: Final = "[user]"
PATH: Final = "/[…]"
"""What stands for the part of a link behind the name of the site."""

_MASKED: Final = "\0"
"""Stands for each character already masked while the rest is looked at: part of no word and of no number."""

_PLACEHOLDER = re.compile(r"\[(?:account|card|e-mail|id|phone|user)\]")

_SITE = r"[^\s<>\"/?#@\0\\]"
_LINK = re.compile(
    rf"(?:\b[A-Za-z][A-Za-z0-9+.-]{{1,15}}://(?P<user>[^\s<>\"/?#\0\\]{{0,256}}@)?{_SITE}*"
    rf"|(?<![\w.@-])(?:[wW]{{3}}\.{_SITE}+|(?:[\w-]{{1,63}}\.){{1,5}}[A-Za-z]{{2,24}}(?::[0-9]+)?(?=/|\?\w+=)))"
    r"(?P<rest>[/?#\\][^\s<>\"\0]*[^\s<>\".,;:!?')}»’”…\0])?"
)
_AT = re.compile(r"@|\s@\s?|\s(?:at|malpa|małpa|παπάκι)\s|\s?[(\[{]\s?(?P<sign>at|@|malpa|małpa|παπακι|παπάκι)\s?[)\]}]\s?", re.IGNORECASE)
_NAME = re.compile(r"(?:\w[\w.!#$%&'*+/=?^`{|}~-]*|[!#$%&'*+/=?^`{|}~.-]+)\Z")
_LONGEST_NAME: Final = 64
_DOMAIN = re.compile(
    r"(?P<provider>(?:g(?:oogle)?mail|yahoo|hotmail|outlook|icloud|onet|interia|wp|o2|otenet|windowslive)"
    r"\s?(?:[., ]|dot|kropka|τελεία)\s?[a-z]{2,3}\b)"
    r"|(?P<plain>[^\W_][\w-]{0,62}(?:\.[\w-]{1,63})*\.[^\W\d_][\w-]{1,62})"
    r"|(?P<spelled>[^\W_][\w-]{0,62}(?:\s?(?:\.|[(\[{]\s?(?:dot|kropka|τελεια|τελεία|punct)\s?[)\]}])\s?[\w-]{2,63})+)",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@])@[A-Za-z_][A-Za-z0-9_.]{1,62}[A-Za-z0-9_]")


def mask(text: str) -> str:
    """The text with placeholders for what belongs to one person; the rest is as it was, character for character.

    - e-mail addresses, also written with (at) and (dot): `[e-mail]`; names of users, `@maria_p`: `[user]`
    - links: all behind the name of the site, where identifiers and tokens stand: `https://shop.gr/[…]`
    - bank accounts (IBAN of any country, Polish ones without PL) and payment cards, both with a right checksum: `[account]`, `[card]`
    - PESEL, CNP, AMKA with a right checksum and birthday, and a Greek tax number that is called one: `[id]`
    - telephone numbers: international ones; Greek, Polish, Romanian, British and (parted by signs) American ones; after a word
      such as "tel." any of seven digits or more: `[phone]`

    Names of people, postal addresses and numbers of orders stay: a number of a telephone's form written in one straight after a word
    such as "order" is taken for an order's. Characters that are not seen do not hide a number, and digits of any script count.
    `mask(mask(x)) == mask(x)`.

    Raises:
        MissingExtraError: if the text has a number that may be a telephone's, and `phonenumbers` is not installed.
    """
    while (masked := _masked_once(text)) != text:  # what is left may be a number once its neighbour is gone
        text = masked
    return text


def _masked_once(text: str) -> str:
    looked_at, places = _plain_form(text)
    pieces: list[str] = []
    done = 0
    for start, end, placeholder in sorted(_findings(looked_at)):
        pieces += (text[done : places[start]], placeholder)
        done = places[end - 1] + 1
    return "".join((*pieces, text[done:]))


def _findings(text: str) -> Iterator[tuple[int, int, str]]:
    """What is to be masked in a text of plain form, none overlapping, and its placeholders."""
    text = _PLACEHOLDER.sub(lambda found: _MASKED * len(found[0]), text)
    for find in (_links, _addresses, _users, _numbers):
        changes = list(find(text))
        yield from changes
        text = _blanked(text, changes)


def _blanked(text: str, changes: list[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, _ in changes:
        pieces += (text[done:start], _MASKED * (end - start))
        done = end
    return "".join((*pieces, text[done:]))


def _links(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _LINK.finditer(text):
        if found["user"]:
            yield (*found.span("user"), "")
        if found["rest"] and found["rest"] != "/":
            yield (*found.span("rest"), PATH)


def _addresses(text: str) -> Iterator[tuple[int, int, str]]:
    done = 0
    for sign in _AT.finditer(text):
        domain = _DOMAIN.match(text, sign.end())
        if not domain or not (domain["provider"] or sign["sign"] or (sign[0] == "@" and domain["plain"])):  # "see you @ shop.Then"
            continue
        name = _NAME.search(text, max(done, sign.start() - _LONGEST_NAME), sign.start())
        if name:
            yield name.start(), domain.end(), ADDRESS
            done = domain.end()


def _users(text: str) -> Iterator[tuple[int, int, str]]:
    return ((*found.span(), USER) for found in _HANDLE.finditer(text))


def _numbers(text: str) -> Iterator[tuple[int, int, str]]:
    return ((number.start, number.end, f"[{number.kind}]") for number in find_numbers(text))


# ---- how a text is looked at ----------------------------------------------------------------------------------------------------

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)


class _PlainCharacters(dict[int, str | None]):
    """Code point -> its character in the plain form, None if it is not seen; filled on use."""

    def __missing__(self, code: int) -> str | None:
        self[code] = plain = None if _UNSEEN.match(chr(code)) else _plain_character(chr(code))
        return plain


_PLAIN: Final = _PlainCharacters()


def _plain_form(text: str) -> tuple[str, Sequence[int]]:
    """The text without characters that are not seen, its digits as 0 to 9, spaces and dashes as ASCII; and where each character stood."""
    plain = text.translate(_PLAIN)
    if len(plain) == len(text):
        return plain, range(len(text))
    return plain, [place for place, character in enumerate(text) if _PLAIN[ord(character)] is not None]


def _plain_character(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind == "Zs":
        return " "
    if kind == "Pd":
        return "-"
    form = unicodedata.normalize("NFKC", character)
    return form if len(form) == 1 else character

"""Numbers in a text that belong to one person: bank accounts, cards, identity and tax numbers, telephones. Pure.

Each is told from other numbers by its checksum (ISO 13616, ISO/IEC 7812, the states' own) or by the numbering plans that the package
`phonenumbers` keeps, so that prices, dates, times, ratings and order numbers stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from types import ModuleType
from typing import Final

from cxsentiment.errors import MissingExtraError
from cxsentiment.text import fold

ACCOUNT: Final = "account"
CARD: Final = "card"
IDENTITY: Final = "id"
PHONE: Final = "phone"

_MOST_GROUPS: Final = 8
_FEWEST_DIGITS: Final = 7
_MOST_DIGITS: Final = 26
_CONTEXT: Final = 32
"""Characters before a number in which the word stands that says what it is."""


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """`text[start:end]` is a number of this kind: `account`, `card`, `id` or `phone`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class _Digits:
    """Neighbouring groups of digits, `text[start:end]` with what parts them."""

    text: str
    start: int
    end: int
    groups: tuple[str, ...]

    @property
    def joined(self) -> str:
        return "".join(self.groups)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.groups))

    @property
    def before(self) -> str:
        return self.text[max(0, self.start - _CONTEXT) : self.start]


def find_numbers(text: str) -> list[PersonalNumber]:
    """The personal numbers of a text in order, none overlapping. Digits are expected as 0 to 9 and separators as ASCII.

    Raises:
        MissingExtraError: if `phonenumbers` is needed and not installed.
    """
    found = list(_ibans(text))
    for run in _RUN.finditer(text):
        found += _in_run(text, [group.span() for group in _GROUP.finditer(text, run.start(), run.end())])
    disjoint: list[PersonalNumber] = []
    for number in sorted(found, key=lambda number: (number.start, -number.end)):
        if not disjoint or number.start >= disjoint[-1].end:
            disjoint.append(number)
    return disjoint


_RUN = re.compile(r"[0-9]+(?:[ ./()-]{1,3}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")


def _in_run(text: str, groups: Sequence[tuple[int, int]]) -> Iterator[PersonalNumber]:
    """The personal numbers among neighbouring groups of digits; of two that overlap the one that begins first, then the longer."""
    first = 0
    while first < len(groups):
        for last in range(min(len(groups), first + _MOST_GROUPS), first, -1):
            window = groups[first:last]
            count = sum(end - start for start, end in window)
            if not max(_FEWEST_DIGITS, 2 * len(window)) <= count <= _MOST_DIGITS:
                continue
            start, end = window[0][0], window[-1][1]
            digits = _Digits(text, start, end, tuple(text[left:right] for left, right in window))
            if kind := _kind(digits):
                yield PersonalNumber(_opening(text, start, end), end, kind)
                first = last
                break
        else:
            first += 1


def _opening(text: str, start: int, end: int) -> int:
    """Where a number begins with its plus sign and a bracket that closes within it."""
    start -= text[start - 1 : start] == "+"
    return start - (text[start - 1 : start] == "(" and text.count(")", start, end) > text.count("(", start, end))


def _kind(digits: _Digits) -> str | None:
    if _is_polish_account(digits.joined):
        return ACCOUNT
    if _is_card(digits):
        return CARD
    if not _stands_alone(digits):
        return None
    if _is_identity(digits):
        return IDENTITY
    return PHONE if _is_phone(digits) else None


_PART_BEFORE = re.compile(r"(?:[A-Za-z_]|(?<![0-9])[0-9]{1,4}[,:./-])\Z")
_PART_AFTER = re.compile(r"[A-Za-z_]|[,:./-][0-9]{1,4}(?![0-9])")


def _stands_alone(digits: _Digits) -> bool:
    """Whether the digits are not part of a code with letters, a decimal number or a time of day."""
    before = digits.text[max(0, digits.start - 6) : digits.start]
    if before[-1:] == "+":
        return True
    if _PART_AFTER.match(digits.text, digits.end):
        return False
    return not _PART_BEFORE.search(before) or (before[-1].isalpha() and _is_called_phone(digits.before))


# ---- accounts and cards ---------------------------------------------------------------------------------------------------------

_COUNTRIES_OF_LENGTH: Final[Mapping[int, str]] = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
"""Length of an International Bank Account Number -> countries (the IBAN registry, ISO 13616)."""

_IBAN_LENGTHS: Final = {country: length for length, countries in _COUNTRIES_OF_LENGTH.items() for country in countries.split()}
_IBAN_START = re.compile(r"(?<![^\W_])(?=[A-Za-z]{2}[ -]?[0-9]{2})")
_IBAN_REST = re.compile(r"[A-Za-z0-9](?:[ .-]{0,2}[A-Za-z0-9]){14,33}")


def _ibans(text: str) -> Iterator[PersonalNumber]:
    for start in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(text[start.start() : start.start() + 2].upper())
        candidate = _IBAN_REST.match(text, start.start())
        if not length or not candidate:
            continue
        places = [place for place in range(*candidate.span()) if text[place].isalnum()][:length]
        end = places[-1] + 1
        iban = "".join(text[place] for place in places)
        if len(iban) == length and not text[end : end + 1].isalnum() and _is_iban(iban, end - start.start() == length):
            yield PersonalNumber(start.start(), end, ACCOUNT)


def _is_iban(iban: str, in_one: bool) -> bool:
    """One that is parted must have digits for the most part: of sentences such as "de 19 ani ...", one in 97 has the checksum."""
    return (in_one or 2 * sum(map(str.isdigit, iban)) >= len(iban)) and _has_iban_checksum(iban)


def _has_iban_checksum(iban: str) -> bool:
    """ISO 7064, modulo 97-10."""
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def _is_polish_account(digits: str) -> bool:
    """An account as Poles write it, without the country."""
    return len(digits) == 26 and _has_iban_checksum(f"PL{digits}")


_CARD = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[0-9]{15}|2[2-7][0-9]{14}|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|35[0-9]{14}|6[0-9]{15}(?:[0-9]{3})?"
)
_CARD_SHAPES: Final = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (8, 8)}


def _is_card(digits: _Digits) -> bool:
    shape = digits.shape
    return (len(shape) == 1 or shape in _CARD_SHAPES) and bool(_CARD.fullmatch(digits.joined)) and _has_luhn_checksum(digits.joined)


def _has_luhn_checksum(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


# ---- identity and tax numbers ---------------------------------------------------------------------------------------------------

_TAX_WORD = re.compile(r"(?:αφμ|α\.φ\.μ|\bafm|\ba\.f\.m|\bvat|\btin)\b\W*(?:(?:μου|mou|no|nr|number|ειναι|is|el)\b\W*)*\Z")
_MOST_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_identity(digits: _Digits) -> bool:
    """PESEL, CNP or AMKA, written in one; a Greek tax number (AFM) only if it is called one: too many other numbers of nine digits pass."""
    number = digits.joined
    if len(digits.groups) > 1:
        return False
    if len(number) == 9:
        return _is_greek_tax_number(number) and bool(_TAX_WORD.search(fold(digits.before)))
    return _is_pesel(number) or _is_cnp(number) or _is_amka(number)


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_day(day: str, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= int(day) <= _MOST_DAYS[month - 1]


def _is_pesel(number: str) -> bool:
    """Poland: birthday with the century in the month, serial, check digit."""
    if len(number) != 11 or not _is_day(number[4:6], int(number[2:4]) % 20):
        return False
    return (_weighted(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) + int(number[10])) % 10 == 0


def _is_cnp(number: str) -> bool:
    """Romania: sex and century, birthday, county, serial, check digit."""
    if len(number) != 13 or number[0] == "0" or not _is_day(number[5:7], int(number[3:5])):
        return False
    check = _weighted(number, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return int(number[12]) == (1 if check == 10 else check)


def _is_amka(number: str) -> bool:
    """Greece, social security: birthday, serial, check digit."""
    return len(number) == 11 and _is_day(number[:2], int(number[2:4])) and _has_luhn_checksum(number)


def _is_greek_tax_number(number: str) -> bool:
    return number != "000000000" and _weighted(number, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(number[8])


# ---- telephones -----------------------------------------------------------------------------------------------------------------

_FILLERS = (
    r"(?:\W+(?:number|numer|numar\w*|no|nr|num|id|αρ|αριθμο\w*|on|at|me|my|is|was|to|μου|mou|με|στο|sto|ειναι|einai|pod|na|moj|meu|la|cu|z"
    r"|este)\b)*"
)
_PHONE_WORD = re.compile(
    r"\b(?:τηλ(?:εφων\w*)?|thl(?:efono)?|κιν(?:ητο\w*)?|kinito|καλεστε|καλεσ\w+|παρτε|viber|whats ?app|(?:tele)?phone|mob(?:ile?)?|cell"
    rf"|tel(?:ef\w+)?|call|sms|fax|(?:za|od)?dzwon\w*|kom(?:orka\w*|orkowy)?|sunati|suna(?:ti-ma)?|apelati|mobil\w*){_FILLERS}\W*\Z"
)
_ORDER_WORD = re.compile(
    r"(?:[#№]|\b(?:order|invoice|ticket|tracking|ref(?:erence)?|booking|reservation|code|case|serial|sector|imei|awb|sku|voucher|id|isbn|ean"
    r"|παραγγελι\w*|paraggelia\w*|κωδικ\w*|τιμολογι\w*|αποστολ\w*|δεματ\w*|αποδειξ\w*|αιτημα\w*"
    r"|zamowieni\w*|faktur\w*|paragon\w*|paczk\w*|przesylk\w*|zgloszeni\w*|kod\w*|nip|regon|ofert\w*|sektor"
    rf"|comand\w*|comenzi\w*|factur\w*|colet\w*|bilet\w*|cod\w*|cui|bon\w*){_FILLERS})\W*\Z"
)
_UNIT = r"(?:€|\$|£|%|(?:eur|euro|ευρω|zl|zlotych|pln|lei|ron|usd|gbp|kg|km|ml|gb|mb|kwh)\b)"
_UNIT_BEFORE = re.compile(rf"{_UNIT}\s?\Z")
_UNIT_AFTER = re.compile(rf"\s?{_UNIT}")
_DATE = re.compile(
    r"(?<![0-9])(?:[0-3]?[0-9]([./-])[01]?[0-9]\1(?:[0-9]{2}){1,2}|(?:19|20)[0-9]{2}([./-])[01]?[0-9]\2[0-3]?[0-9])(?![0-9])"
)

_POLISH_SHAPES: Final = {(9,), (3, 3, 3), (2, 3, 2, 2), (2, 7), (3, 2, 2, 2)}
_AMERICAN_SHAPES: Final = {(3, 3, 4), (1, 3, 3, 4), (3, 7)}


@lru_cache(maxsize=1024)
def _is_called_phone(before: str) -> bool:
    return bool(_PHONE_WORD.search(fold(before)))


def _is_phone(digits: _Digits) -> bool:
    number, written = digits.joined, digits.text[digits.start : digits.end]
    if len(number) > 15 or written.count("(") > written.count(")"):
        return False
    if digits.text[digits.start - 1 : digits.start] == "+":
        return _is_in_plan(f"+{number}", None, strictly=len(digits.groups) > 1)
    if _is_called_phone(digits.before):
        return not _is_date_or_amount(digits)
    plans = [(f"+{number[2:]}", None)] if number.startswith("00") else [(number, region) for region in _regions(digits)]
    if not any(_is_in_plan(*plan, strictly=True) for plan in plans) or _is_date_or_amount(digits):
        return False
    return len(digits.groups) > 1 or number.startswith("00") or not _ORDER_WORD.search(fold(digits.before))


def _is_date_or_amount(digits: _Digits) -> bool:
    after = digits.text[digits.end : digits.end + 12]
    written = digits.text[digits.start : digits.end]
    return bool(_DATE.search(written) or _UNIT_BEFORE.search(fold(digits.before)) or _UNIT_AFTER.match(fold(after)))


def _regions(digits: _Digits) -> Iterator[str]:
    """Countries within which a number may be dialled so; a number of the United States only if it is parted as theirs are."""
    number, shape = digits.joined, digits.shape
    if min(shape) >= 2 and len(shape) <= 5:
        if len(number) == 10 and number[0] in "26":
            yield "GR"
        if number[0] == "0" and len(number) == 10:
            yield "RO"
        if number[0] == "0" and len(number) in (10, 11):
            yield "GB"
    if len(number) == 9 and shape in _POLISH_SHAPES and "." not in digits.text[digits.start : digits.end]:  # 155.500.000 is an amount
        yield "PL"
    if shape in _AMERICAN_SHAPES:
        yield "US"


def _is_in_plan(number: str, region: str | None, *, strictly: bool) -> bool:
    """Whether a numbering plan has such numbers, or (not strictly) numbers of that length."""
    library = _phonenumbers()
    try:
        parsed = library.parse(number, region)
    except library.NumberParseException:
        return False
    return bool(library.is_valid_number(parsed) if strictly else library.is_possible_number(parsed))


@cache
def _phonenumbers() -> ModuleType:
    try:
        import phonenumbers
    except ImportError:
        raise MissingExtraError("masking telephone numbers needs phonenumbers: pip install 'cxsentiment[report]'") from None
    return phonenumbers

"""Cleans a comment before it is tokenised and keeps the way back to the text the caller passed in.

The stages run in this order, each on what the one before it left:

1. invisible and control characters out, NFKC, Romanian comma below, elongation shortened;
2. HTML entities decoded (`&amp;lt;` counts as one entity escaped twice), then stage 1 again on what came out of them;
3. HTML tags to a space; links, e-mail addresses and handles to placeholders; white space to single spaces.

Every stage is linear in the length of the text. `clean_string(clean_string(x)) == clean_string(x)` holds except for markup within
markup: entities escaped three times or more or put together from other entities (`&am&shy;p;`), and tags within tags (`<b<br>r>`);
each further call peels off one more layer of those.

Case, accents and the Greek tonos are kept; `fold` removes them for matching.
"""

import html
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html.entities import html5
from typing import Final

import numpy as np
from numpy.typing import NDArray

URL: Final = "<url>"
EMAIL: Final = "<email>"
USER: Final = "<user>"

Replacement = Callable[[re.Match[str]], str]


# ---- what is looked for ---------------------------------------------------------------------------------------------------------


def _character_class(code_points: list[int]) -> str:
    return "[" + "".join(re.escape(chr(code)) for code in code_points) + "]"


# Characters that Unicode reorders in normal forms (canonical combining class above 0), the halfwidth voicing marks, which become such
# characters by NFKC, included. A class that reaches beyond U+FFFF is searched item by item, so those stand apart and behind a look-ahead.
_BASIC_MARK = re.compile(_character_class([*(code for code in range(0x300, 0x10000) if unicodedata.combining(chr(code))), 0xFF9E, 0xFF9F]))
_ASTRAL = re.compile("[\U00010000-\U0001efff]")
_ASTRAL_MARK = re.compile(_character_class([code for code in range(0x10000, 0x1F000) if unicodedata.combining(chr(code))]))
_MARK_CLASS = f"(?:{_BASIC_MARK.pattern}|(?={_ASTRAL.pattern}){_ASTRAL_MARK.pattern})"
_MARK = re.compile(_MARK_CLASS)
# Normalisation sorts runs of marks by insertion, which is quadratic; Unicode's stream-safe format allows 30 in a row (UAX 15).
_STREAM_UNSAFE_MARKS = re.compile(f"({_MARK_CLASS}{{30}}){_MARK_CLASS}+")
_SURPLUS_MARKS = re.compile(f"({_MARK_CLASS}{{8}}){_MARK_CLASS}+")

# Anything outside the letters, punctuation and emoji that can never change alone sends a text down the slow path.
_UNSAFE = re.compile(
    "[^ -%'-.0-;=?A-~\u00a1-\u00ac\u00ae-\u015d\u0160\u0161\u0164-\u024f\u0370-\u0482\u048a-\u052f\u1f00-\u1ffe"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u2bff\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
)
_ASCII_UNSAFE = re.compile("[^ -%'-.0-;=?A-~]")
_TRIPLE = re.compile(r"(.)\1\1")

_INVISIBLE = re.compile(
    "[\ud800-\udbff][\udc00-\udfff]"
    "|[\ud800-\udfff\ufffd\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
# Turkish keyboards and old code pages give Romanian the cedilla. Spacing accents are typed for an apostrophe
# ("don\u00b4t"), where NFKC would tear the word apart with a space.
_LOOKALIKE = re.compile("[şţŞŢ\u00b4\u0384\u1fbd\u1fbf\u1ffd\u1ffe]")
_LOOKALIKES = str.maketrans("şţŞŢ\u00b4\u0384\u1fbd\u1fbf\u1ffd\u1ffe", "șțȘȚ''''''")

_TONE = "\U0001f3fb-\U0001f3ff"
_FLAG_LETTER = "\U0001f1e6-\U0001f1ff"
_PAIRED = re.compile(f"[{_FLAG_LETTER}{_TONE}]")
_ELONGATION = re.compile(
    rf"(?=(?P<any>.)(?P=any)(?P=any)|[{_FLAG_LETTER}]|.[{_TONE}])"  # turns most characters away before the four cases below
    r"(?:(?P<kept>(?<![wW])[wW]{3}(?![wW]))"
    r"|(?P<letter>[^\W\d_])(?P=letter){2,}"
    rf"|(?P<pair>[{_FLAG_LETTER}]{{2}}|[\u2190-\u2bff\U0001f300-\U0001f3fa\U0001f400-\U0001faff][{_TONE}])(?P=pair){{3,}}"
    rf"|(?P<sign>[^\w\s<>{_FLAG_LETTER}]|_)(?P=sign){{3,}}(?![{_TONE}]))"
)
_ENTITY = re.compile(r"&(?P<escaped>amp;)?(?P<name>#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_TAG = re.compile(
    r"</?(?:a|abbr|article|b|big|blockquote|body|br|center|code|div|em|font|h[1-6r]|html|i|img|ins|li|ol|p|pre|q|s|section|small|span"
    r"|strike|strong|su[bp]|table|tbody|td|th|thead|tr|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
# An address swallows what is glued to it: left over, it would look like a new address to the next call.
_LINK = re.compile(
    r"""(?P<url>(?:[hH][tT][tT][pP][sS]?://|(?<![\w.])[wW]{3}\.|(?<![\w.@/-])t\.co/)[^\s<>"]*[^\s<>".,;:!?')\]}\u00bb\u2019\u201d\u2026])"""
    r"|(?P<email>(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:[A-Za-z0-9._%+@-]*[A-Za-z0-9])?)"
    r"|(?<![\w@])(?<!<url>)(?<!<user>)(?<!<email>)@(?!\d+(?:am|pm|h)?\b)\w+(?:@\w+)*(?:[.%+-][A-Za-z0-9._%+-]*@[A-Za-z0-9._%+@-]*[A-Za-z0-9])?"
)
_LINK_HINT = re.compile(r"@|://|[wW]{3}\.|t\.co/")
_SPACES = re.compile(r"\s{2,}|[^\S ]")


# ---- what it becomes ------------------------------------------------------------------------------------------------------------


def _without_invisible(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) == 2:  # an emoji that some JSON reader left as its two UTF-16 halves
        return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    return " " if "\ud800" <= found <= "\udfff" or found == "\ufffd" else ""


def _first_group(match: re.Match[str]) -> str:
    return match.group(1)


def _shortened(match: re.Match[str]) -> str:
    if match["kept"]:
        return match["kept"]
    if match["letter"]:
        return match["letter"] * 2
    if match["pair"]:
        return match["pair"] * 3
    # Marks belong to the letter before them and have a limit of their own.
    return match.group() if _MARK.match(match["sign"]) else match["sign"] * 3


def _decoded(match: re.Match[str]) -> str:
    name = match["name"]
    character = html.unescape(f"&{name};") if name.startswith("#") else html5.get(f"{name};")
    if character is None:
        return f"&{name};"  # `&amp;unknown;` still loses its own escape
    return character


def _placeholder(match: re.Match[str]) -> str:
    if match["url"]:
        return URL
    return EMAIL if match["email"] else USER


def _one_space(_: re.Match[str]) -> str:
    return " "


def _has_marks(text: str) -> bool:
    return bool(_BASIC_MARK.search(text) or (_ASTRAL.search(text) and _ASTRAL_MARK.search(text)))


def _normal_form(text: str) -> str:
    """NFKC with Romanian comma below; a fixed point of both."""
    while not text.isascii():
        if _LOOKALIKE.search(text):
            text = text.translate(_LOOKALIKES)
        elif unicodedata.is_normalized("NFKC", text):
            break
        else:
            text = unicodedata.normalize("NFKC", text)
    return text


@lru_cache(maxsize=1 << 16)
def _character_form(character: str) -> tuple[str, bool]:
    """The normal form of one character, and whether it may join the character before it (a mark or a Hangul vowel or final)."""
    form = _normal_form(character)
    return form, unicodedata.category(form[0])[0] == "M" or "\u1160" <= form[0] <= "\u11ff"


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """Cuts at each place across which normalisation never acts, and gives the pieces that are not plain single characters."""
    start = 0
    joined = False
    for position, character in enumerate(text):
        form, joins = (character, False) if character < "\x80" else _character_form(character)
        if joins:
            joined = True
            continue
        if joined:
            yield start, position
        start, joined = position, form != character
    if joined:
        yield start, len(text)


# ---- working texts: with and without the way back ----------------------------------------------------------------------------------


class _Plain:
    """A text on its way through the stages."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def substitute(self, pattern: re.Pattern[str], replacement: Replacement) -> None:
        self.text = pattern.sub(replacement, self.text)

    def normalise(self) -> None:
        self.text = _normal_form(self.text)

    def squeeze(self) -> None:
        self.text = " ".join(self.text.split())


class _Mapped(_Plain):
    """The same, and for each character the stretch [start, end) of the original that it came from."""

    __slots__ = ("ends", "starts")

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.starts: Sequence[int] = range(len(text))
        self.ends: Sequence[int] = range(1, len(text) + 1)

    def substitute(self, pattern: re.Pattern[str], replacement: Replacement) -> None:
        edits = [(match.start(), match.end(), replacement(match)) for match in pattern.finditer(self.text)]
        if edits:
            self._edit(edits)

    def normalise(self) -> None:
        if _normal_form(self.text) != self.text:
            self._edit([(start, end, _normal_form(self.text[start:end])) for start, end in _segments(self.text)])

    def squeeze(self) -> None:
        self.substitute(_SPACES, _one_space)
        if self.text[:1] == " ":
            self._edit([(0, 1, "")])
        if self.text[-1:] == " ":
            self._edit([(len(self.text) - 1, len(self.text), "")])

    def _edit(self, edits: list[tuple[int, int, str]]) -> None:
        """Replaces ascending, disjoint stretches; each new character stands for the whole stretch it replaces."""
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        done = 0
        for start, end, piece in edits:
            if self.text[start:end] == piece:
                continue
            pieces += (self.text[done:start], piece)
            starts += self.starts[done:start]
            ends += self.ends[done:start]
            starts += (self.starts[start],) * len(piece)
            ends += (self.ends[end - 1],) * len(piece)
            done = end
        if not done:
            return
        pieces.append(self.text[done:])
        self.text = "".join(pieces)
        starts += self.starts[done:]
        ends += self.ends[done:]
        self.starts, self.ends = starts, ends


def _normalise(work: _Plain) -> None:
    if not (work.text.isascii() and work.text.isprintable()):
        work.substitute(_INVISIBLE, _without_invisible)
        has_marks = _has_marks(work.text)
        if has_marks:
            work.substitute(_STREAM_UNSAFE_MARKS, _first_group)
        work.normalise()
        if has_marks:
            work.substitute(_SURPLUS_MARKS, _first_group)
    if _TRIPLE.search(work.text) or _PAIRED.search(work.text):
        work.substitute(_ELONGATION, _shortened)


def _run_stages(work: _Plain) -> None:
    _normalise(work)
    if "&" in work.text and ";" in work.text:
        escaped = work.text
        work.substitute(_ENTITY, _decoded)
        if work.text != escaped:
            _normalise(work)
    if "<" in work.text:
        work.substitute(_TAG, _one_space)
    if _LINK_HINT.search(work.text):
        work.substitute(_LINK, _placeholder)
    work.squeeze()


def _is_clean(text: str) -> bool:
    """Whether nothing can be there to change; cheap, and may be wrong only on the safe side."""
    if "  " in text or text[:1] == " " or text[-1:] == " " or _TRIPLE.search(text) or "Www." in text:
        return False
    if text.isascii():
        return not _ASCII_UNSAFE.search(text)
    return not _UNSAFE.search(text) and unicodedata.is_normalized("NFKC", text)


# ---- what callers use -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CleanText:
    """A cleaned text and its map to the original. Positions are Python string indices."""

    original: str
    text: str
    # None where nothing changed, which most texts are: the map is then the identity.
    _starts: "array[int] | None" = field(default=None, repr=False, compare=False)
    _ends: "array[int] | None" = field(default=None, repr=False, compare=False)

    @property
    def starts(self) -> NDArray[np.int32]:
        """Shape (len(text),): where in `original` the characters that gave each cleaned one begin; never decreasing."""
        if self._starts is None:
            return np.arange(len(self.text), dtype=np.int32)
        return np.array(self._starts, dtype=np.int32)

    @property
    def ends(self) -> NDArray[np.int32]:
        """Shape (len(text),): where in `original` they end (exclusive); never decreasing."""
        if self._ends is None:
            return np.arange(1, len(self.text) + 1, dtype=np.int32)
        return np.array(self._ends, dtype=np.int32)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of `original` behind `text[start:end]`.

        It takes in every character that produced these cleaned ones (a whole link for any part of `<url>`) and never parts a letter
        from its combining marks. An empty stretch gives an empty one.

        Raises:
            IndexError: unless 0 <= start <= end <= len(text).
        """
        if not 0 <= start <= end <= len(self.text):
            raise IndexError(f"[{start}, {end}) is not within the cleaned text of length {len(self.text)}")
        if start == end:
            position = self._position(start)
            return position, position
        first = start if self._starts is None else self._starts[start]
        last = end if self._ends is None else self._ends[end - 1]
        while first > 0 and unicodedata.category(self.original[first])[0] == "M":
            first -= 1
        while last < len(self.original) and unicodedata.category(self.original[last])[0] == "M":
            last += 1
        return first, last

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where the stretch `original[start:end]` stands in `text`."""
        first, last = np.searchsorted(self.starts, (start, end))
        return int(first), int(last)

    def rewritten(self, changes: Sequence[tuple[int, int, str]]) -> "CleanText":
        """The same text with stretches of `text` replaced: (start, end, replacement) in order, none overlapping.

        A replacement's characters share its stretch out evenly between them.
        """
        if not changes:
            return self
        parts: list[str] = []
        starts, ends = array("i"), array("i")
        position = 0
        for start, end, replacement in (*changes, (len(self.text), len(self.text), "")):
            parts += [self.text[position:start], replacement]
            kept, size = range(position, start), len(replacement)
            firsts = [*kept, *(start + (end - start) * place // size for place in range(size))]
            lasts = [*(index + 1 for index in kept), *(start - (start - end) * (place + 1) // size for place in range(size))]
            starts.extend(firsts if self._starts is None else [self._starts[index] for index in firsts])
            ends.extend(lasts if self._ends is None else [self._ends[index - 1] for index in lasts])
            position = end
        return CleanText(self.original, "".join(parts), starts, ends)

    def _position(self, index: int) -> int:
        if self._starts is None or self._ends is None:
            return index
        if index < len(self._starts):
            return self._starts[index]
        return self._ends[-1] if self._ends else len(self.original)


def clean(text: str) -> CleanText:
    """Cleans `text` and keeps the map back to it. Takes any string, lone surrogates included, and raises nothing."""
    if _is_clean(text):
        return CleanText(text, text)
    work = _Mapped(text)
    _run_stages(work)
    if work.text == text:
        return CleanText(text, text)
    return CleanText(text, work.text, array("i", work.starts), array("i", work.ends))


def clean_string(text: str) -> str:
    """The same as `clean(text).text`, without the map."""
    if _is_clean(text):
        return text
    work = _Plain(text)
    _run_stages(work)
    return work.text


def fold(text: str) -> str:
    """One form for all ways of typing a word: case, accents and marks gone, ł as l, final sigma as sigma. The length may change.

    `fold("Ταχύτης") == fold("ταχυτησ")`, `fold("Łódź") == "lodz"`, `fold("Știință") == "stiinta"`.
    """
    if text.isascii():
        return text.lower()
    # Marks that stand alone go before normalisation, which would have to sort them.
    decomposed = unicodedata.normalize("NFKD", _MARK.sub("", text))
    return unicodedata.normalize("NFKD", _MARK.sub("", decomposed).casefold()).replace("ł", "l")

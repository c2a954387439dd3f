"""Names from outside, to stand in a table, a picture or a sentence."""


def plain(name: str) -> str:
    """A name on one line, without what cannot be printed."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in " ".join(name.split()))

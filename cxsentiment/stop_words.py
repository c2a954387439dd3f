"""Words that name nothing: spaCy's stop words, and those that Greeks type in Latin letters."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Final

from cxsentiment.text import fold

_GREEKLISH: Final = """
    kai ke tha ths tis ton tin thn toy tou tous mou moy sou soy mas sas gia apo oti pou poy pws pos alla einai ein eine htan itan exei exw
    eixa eixe edw edo ekei pio poly poli para mono oxi nai ola olo olous afou giati mia enas ena stin sthn sto sta ston stis stous opws
    exo opos otan tote akoma akomi kati tipota opoios pali meta prin tora twra eimai eisai mporei prepei kathe
"""
"""Greek stop words in Latin letters."""


@cache
def stop_words(language: str, *, greeklish: bool = False) -> frozenset[str]:
    """spaCy's, folded, or none for a language that it has no list of; for texts whose Greeklish is not rewritten, Greek has those too."""
    try:
        listed = importlib.import_module(f"spacy.lang.{language}.stop_words").STOP_WORDS if re.fullmatch("[a-z]{2,3}", language) else ()
    except ModuleNotFoundError:
        listed = ()
    return frozenset(fold(word) for word in listed) | (frozenset(_GREEKLISH.split()) if greeklish and language == "el" else frozenset())

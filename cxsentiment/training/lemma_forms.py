"""Make the list of all inflected forms of the words in the packaged taxonomy's phrases, from simplemma's dictionaries.

    python -m cxsentiment.training.lemma_forms

The dictionaries are slow to ask (a fifth of a millisecond a new word) or large (1.5 GB); of their four million forms phrases need 32,000.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from simplemma.strategies.dictionaries import DefaultDictionaryFactory

from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import fold
from cxsentiment.touchpoints import phrase_words
from cxsentiment.word_forms import LANGUAGES, PHRASE_FORMS


def forms_of(language: str, vocabulary: frozenset[str]) -> dict[str, list[str]]:
    """Lower-case forms of each word of the vocabulary, as `DictionaryLookupStrategy.get_lemma` maps them; empty lists included."""
    folded = lru_cache(None)(fold)
    dictionary = {form: folded(lemma) for form, lemma in DefaultDictionaryFactory().get_dictionary(language).items()}
    found: dict[str, list[str]] = {word: [] for word in sorted(vocabulary)}
    for form, lemma in dictionary.items():
        lower = form.lower()
        if lemma in found and (form == lower or (form == lower.capitalize() and lower not in dictionary)):
            found[lemma].append(lower)
    return found


def main() -> None:
    """Writes the list into the package."""
    lines = []
    for language in LANGUAGES:
        forms = forms_of(language, phrase_words(Taxonomy.default(), language))
        lines += [" ".join([language, word, *sorted(found)]) for word, found in forms.items()]
        print(f"{language}: {len(forms)} words, {sum(map(len, forms.values()))} forms")
    PHRASE_FORMS.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
    print(f"{PHRASE_FORMS}: {PHRASE_FORMS.stat().st_size} bytes")


if __name__ == "__main__":
    main()

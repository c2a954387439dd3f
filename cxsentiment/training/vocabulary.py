"""The subword vocabulary: byte-pair encoding over the four languages, blind to case and accents."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from cxsentiment.language.greeklish import transliterate
from cxsentiment.training.corpus import DataFolder

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<url>", "<user>", "<email>")
CHARACTERS_PER_LANGUAGE = 8_000_000
ALPHABET = 700
GREEKLISH_SHARE = 0.06


def train_tokenizer(data: DataFolder, size: int, seed: int) -> Tokenizer:
    """Trains the tokenizer on raw, parallel and labelled `train` text, the same number of characters a language."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=True))
    tokenizer.normalizer = folding_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS),
        limit_alphabet=ALPHABET,
        min_frequency=3,
        max_token_length=16,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_balanced_texts(data, random.Random(seed)), trainer)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    return tokenizer


def folding_normalizer() -> normalizers.Normalizer:
    """NFKC, lower case, accents stripped, ł→l, ς→σ and the like: typing without diacritics costs nothing."""
    plain = {"ł": "l", "ς": "σ", "đ": "d", "ø": "o", "ß": "ss", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.NFD(),
            normalizers.StripAccents(),
            *(normalizers.Replace(old, new) for old, new in plain.items()),
            normalizers.Replace(Regex(r"[\x{FE0E}\x{FE0F}\x{200B}-\x{200F}\x{1F3FB}-\x{1F3FF}]"), ""),
        ]
    )


def _balanced_texts(data: DataFolder, rng: random.Random) -> Iterator[str]:
    by_language: dict[str, list[str]] = defaultdict(list)
    for document in data.documents("train"):
        by_language[document.lang].append(document.text)
    for _, document in data.written():
        by_language[document.lang] += [document.text] * 3
    for english, translation, lang in data.sentence_pairs:
        by_language["en"].append(english)
        by_language[lang].append(translation)
    for lang, text, _ in data.raw_texts():
        by_language[lang].append(text)
    for texts in by_language.values():
        rng.shuffle(texts)
        total = 0
        for text in texts:
            total += len(text)
            if total > CHARACTERS_PER_LANGUAGE:
                break
            yield text
    for greek in rng.sample(by_language["el"], int(len(by_language["el"]) * GREEKLISH_SHARE)):
        yield transliterate(greek, rng)

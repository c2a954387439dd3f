"""Step 1: the student learns to give a translation the sentence vector that the teacher gives to the English original."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from cxsentiment.encoder.model import Encoder, EncoderConfig, TextEncoder, pool
from cxsentiment.encoder.tokenise import special_ids
from cxsentiment.language.greeklish import transliterate
from cxsentiment.training.augment import with_typos
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.initialise import fill_by_prefix, translation_embeddings
from cxsentiment.training.loop import (
    IndexBatch,
    Stage,
    StageSettings,
    encoder_groups,
    mixed_precision,
    pad,
    restore_finished,
    shuffled_batches,
    training_device,
)
from cxsentiment.training.teacher import Teacher

STAGE = "align"
MAX_LENGTH = 96
ENGLISH_SHARE = 0.15
GREEKLISH_SHARE = 0.25
TYPO_SHARE = 0.08
CONTRASTIVE_WEIGHT = 0.1
CONTRASTIVE_SCALE = 20.0
TEACHER_BATCH = 256
HELD_OUT_PAIRS = 500
TRANSLATED = ("el", "pl", "ro")


@dataclass(frozen=True)
class AlignmentData:
    """Student ids of each text and the row of `vectors` that it should come to."""

    student: list[list[int]]
    target: list[int]
    vectors: torch.Tensor

    def loss(self, encoder: TextEncoder, batch: IndexBatch, device: torch.device) -> torch.Tensor:
        """Alignment loss of some of the texts."""
        ids, lengths = pad([self.student[index] for index in batch], device)
        with mixed_precision(device):
            states = encoder(ids, lengths)
        wanted = self.vectors[[self.target[index] for index in batch]].to(device)
        return alignment_loss(functional.normalize(pool(states, lengths)[0], dim=1), wanted)


def align(data: DataFolder, tokenizer: Tokenizer, config: EncoderConfig, time_budget: float, seed: int, folder: Path) -> Encoder:
    """Trains (or resumes) the alignment and gives the aligned encoder."""
    encoder = Encoder(replace(config, dropout=0.0))
    if restore_finished(STAGE, encoder, folder):
        return encoder
    teacher = Teacher.load()
    torch.manual_seed(seed)
    body = {name: value for name, value in teacher.encoder.state_dict().items() if name != "words.weight"}
    encoder.load_state_dict(body, strict=False)
    with torch.no_grad():
        encoder.words.weight.copy_(first_embeddings(data, tokenizer, teacher, seed, folder))
    pairs = training_pairs(data, seed)
    device = training_device()
    examples = alignment_examples(pairs, tokenizer, teacher, folder, device)
    encoder.to(device)
    groups = encoder_groups(encoder, embeddings=1e-3, body=2e-4)
    stage = Stage(StageSettings(STAGE, steps=20_000, time_budget=time_budget), encoder, groups, folder)
    batches = shuffled_batches([len(ids) for ids in examples.student], budget=4096, seed=seed)
    stage.run(batches, lambda batch: examples.loss(encoder, batch, device))
    encoder.cpu().eval()
    for lang in TRANSLATED:
        print(f"translation retrieval among {HELD_OUT_PAIRS}, {lang}: {translation_retrieval(encoder, tokenizer, teacher, data, lang):.3f}")
    return encoder


def alignment_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """2 * (1 - cosine) plus a little in-batch contrast; both [batch, width], unit length."""
    similarity = student @ teacher.T * CONTRASTIVE_SCALE
    same = (teacher @ teacher.T > 0.999) & ~torch.eye(len(teacher), dtype=torch.bool, device=teacher.device)
    contrast = functional.cross_entropy(similarity.masked_fill(same, -torch.inf), torch.arange(len(student), device=student.device))
    return 2.0 * (1.0 - (student * teacher).sum(1)).mean() + CONTRASTIVE_WEIGHT * contrast


def held_out_pairs(data: DataFolder, lang: str) -> list[tuple[str, str]]:
    """(English, translation) pairs of a language that alignment never sees, to measure retrieval."""
    return [(english, text) for english, text, other in data.sentence_pairs if other == lang][-HELD_OUT_PAIRS:]


@torch.inference_mode()
def translation_retrieval(encoder: Encoder, tokenizer: Tokenizer, teacher: Teacher, data: DataFolder, lang: str) -> float:
    """Share of held-out sentences whose vector is nearest to the teacher's vector of their own English original."""
    pairs = held_out_pairs(data, lang)
    english = [encoding.ids for encoding in teacher.tokenizer.encode_batch([english for english, _ in pairs])]
    teacher.encoder.cpu()
    wanted = teacher.vectors(*pad(english))
    ids, lengths = pad(_windows(tokenizer, [text for _, text in pairs]))
    found = functional.normalize(pool(encoder(ids, lengths), lengths)[0], dim=1)
    similarity = found @ wanted.T
    return float((similarity.argmax(1) == torch.arange(len(pairs))).float().mean())


def training_pairs(data: DataFolder, seed: int) -> list[tuple[str, str]]:
    """(English, text) pairs: translations, some English itself, Greeklish copies of the Greek, a few with typos."""
    rng = random.Random(seed)
    by_language: dict[str, list[tuple[str, str]]] = {}
    for english, text, lang in data.sentence_pairs:
        by_language.setdefault(lang, []).append((english, text))
    held_out = {english for lang in by_language for english, _ in held_out_pairs(data, lang)}
    found = [(english, text) for pairs in by_language.values() for english, text in pairs if english not in held_out]
    greek = [(english, text) for english, text in by_language["el"] if english not in held_out]
    found += [(english, transliterate(text, rng)) for english, text in rng.sample(greek, int(len(greek) * GREEKLISH_SHARE))]
    found += [(english, english) for english, _ in rng.sample(found, int(len(found) * ENGLISH_SHARE))]
    return found + [(english, with_typos(text, rng)) for english, text in rng.sample(found, int(len(found) * TYPO_SHARE))]


def first_embeddings(data: DataFolder, tokenizer: Tokenizer, teacher: Teacher, seed: int, folder: Path) -> torch.Tensor:
    """Embeddings of the new vocabulary before any training (see `initialise`); kept in the folder."""
    path = folder / "first_embeddings.npy"
    if path.exists():
        return torch.from_numpy(np.load(path))
    rng = random.Random(seed)
    known = teacher.encoder.words.weight.numpy()
    pieces = tokenizer.get_vocab_size()
    pairs = [(english, text) for english, text, _ in data.sentence_pairs]
    pairs += [(english, english) for english, _ in pairs]
    ids = list(zip(_ids(tokenizer, [text for _, text in pairs]), _ids(teacher.tokenizer, [english for english, _ in pairs]), strict=True))
    embeddings, found = translation_embeddings(ids, pieces, known)
    greek = [text for _, text, lang in data.sentence_pairs if lang == "el"]
    greeklish = data.greeklish_pairs + [(transliterate(text, rng), text) for text in greek for _ in range(2)]
    ids = list(zip(_ids(tokenizer, [latin for latin, _ in greeklish]), _ids(tokenizer, [text for _, text in greeklish]), strict=True))
    ids = [(new, [piece for piece in old if found[piece]]) for new, old in ids]
    latin_embeddings, latin_found = translation_embeddings(ids, pieces, embeddings)
    added = latin_found & ~found
    embeddings[added], found[added] = latin_embeddings[added], True
    tokens = [tokenizer.id_to_token(index) or "" for index in range(pieces)]
    filled = fill_by_prefix(tokens, embeddings, found, seed)
    for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"):
        filled[tokenizer.token_to_id(token)] = known[teacher.tokenizer.token_to_id(token)]
    np.save(path, filled)
    return torch.from_numpy(filled)


def alignment_examples(
    pairs: Sequence[tuple[str, str]], tokenizer: Tokenizer, teacher: Teacher, folder: Path, device: torch.device
) -> AlignmentData:
    """The pairs as the student sees them, and the teacher's vectors of their English sides (kept in the folder)."""
    originals = sorted({english for english, _ in pairs})
    rows = {english: row for row, english in enumerate(originals)}
    student = _windows(tokenizer, [text for _, text in pairs])
    return AlignmentData(student, [rows[english] for english, _ in pairs], _teacher_vectors(originals, teacher, folder, device))


def _teacher_vectors(texts: Sequence[str], teacher: Teacher, folder: Path, device: torch.device) -> torch.Tensor:
    path = folder / "teacher_vectors.npy"
    if path.exists():
        return torch.from_numpy(np.load(path))
    teacher.encoder.to(device)
    encodings = [encoding.ids for encoding in teacher.tokenizer.encode_batch(list(texts))]
    vectors = torch.empty(len(texts), teacher.encoder.words.weight.shape[1])
    order = sorted(range(len(texts)), key=lambda index: len(encodings[index]))
    for start in range(0, len(order), TEACHER_BATCH):
        chosen = order[start : start + TEACHER_BATCH]
        vectors[chosen] = teacher.vectors(*pad([encodings[index] for index in chosen], device)).cpu()
    np.save(path, vectors.numpy())
    return vectors


def _ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def _windows(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    first_id, last_id = special_ids(tokenizer)
    return [[first_id, *ids[: MAX_LENGTH - 2], last_id] for ids in _ids(tokenizer, texts)]

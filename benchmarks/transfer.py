"""How well sets and authors that were left out of fine-tuning are judged, beside a model that learnt them, after as many steps.

`python -m benchmarks.transfer [--work runs/default] [--out runs/transfer] [--steps 1500]`

Two models start from the aligned encoder in a training folder. One learns everything; the other neither the five sets nor one
author's comments in each language, all left out at once, which is harder than one by one. Takes about an hour and a half on two
cores; killed and started again, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from benchmarks.results import save
from cxsentiment.encoder.model import CxModel, EncoderConfig
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.runtime import Runtime
from cxsentiment.encoder.tokenise import TextTokeniser, pieces_of
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.corpus import WRITTEN, DataFolder, Document
from cxsentiment.training.examples import training_documents
from cxsentiment.training.finetune import Lesson, finetune
from cxsentiment.training.measure import EVALUATION_TOKENS, Measured, SetScore, dev_documents, judge, raw_scores, score_sets
from cxsentiment.training.wide import train_wide

MOST_SECONDS = 1e9
LEFT_OUT_SETS = ("el_skroutz_shop_reviews", "pl_allegro_seller_feedback", "app_reviews_maalej", "ro_sent", "us_airline")
LEFT_OUT_AUTHORS = "_train2"
"""How the stems of their files end."""


@dataclass(frozen=True, slots=True)
class Row:
    """Macro-F1 of one set when it was learnt (null for annotated comments: nobody may be tested on what he learnt) and when not."""

    task: str
    lang: str
    dataset: str
    size: int
    learnt: float | None
    left_out: float

    def __str__(self) -> str:
        learnt = "" if self.learnt is None else f"{self.learnt:.4f}"
        lost = "" if self.learnt is None else f"{100 * (self.learnt - self.left_out):+.2f}"
        return f"| {self.task} | {self.lang} | {self.dataset} | {self.size} | {learnt} | {self.left_out:.4f} | {lost} |"


def main() -> None:
    """Prints the table and writes it to benchmarks/results/transfer.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/default"))
    parser.add_argument("--out", type=Path, default=Path("runs/transfer"))
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    data = DataFolder.find()
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    authors = {document.text: author for author, document in data.written()}
    documents = training_documents(data)
    kept = [document for document in documents if not is_left_out(document, authors)]
    full, partial = aligned(options.work, tokenizer), aligned(options.work, tokenizer)
    for model, learnt, name in ((full, documents, "everything"), (partial, kept, "left_out")):
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        finetune(model, tokenizer, learnt, Lesson("finetune", MOST_SECONDS, (1,), steps=options.steps), folder)
        train_wide(model, tokenizer, learnt, 1, folder)
    rows = list(compare(full, partial, tokenizer, data))
    print("| task | lang | set | n | macro-F1, learnt | macro-F1, left out | points lost |\n" + "|---" * 7 + "|")
    print(*rows, sep="\n")
    save("transfer", {"steps": options.steps, "rows": [asdict(row) for row in rows]})


def aligned(work: Path, tokenizer: Tokenizer) -> CxModel:
    """A model with the aligned encoder of a training folder and untrained heads."""
    torch.manual_seed(1)
    model = CxModel(EncoderConfig(tokenizer.get_vocab_size(), dropout=0.0), Spelling.of(pieces_of(tokenizer)))
    state = torch.load(work / "align.pt", weights_only=True, map_location="cpu")["module"]
    model.encoder.load_state_dict(state)
    return model


def is_left_out(document: Document, authors: dict[str, str]) -> bool:
    """Whether the second model must not learn the document."""
    return document.dataset in LEFT_OUT_SETS or (document.dataset == WRITTEN and authors[document.text].endswith(LEFT_OUT_AUTHORS))


def compare(full: CxModel, partial: CxModel, tokenizer: Tokenizer, data: DataFolder) -> Iterator[Row]:
    """Scores on what was left out, of both models; both calibrated on the dev rows of the other sets and the other authors' comments."""
    dev = dev_documents(data)
    authors = {document.text: author for author, document in data.written()}
    fitting = [document for document in dev if not is_left_out(document, authors)]
    tested = [document for document in dev if document.dataset in LEFT_OUT_SETS]
    comments = [document for author, document in data.written() if author.endswith(LEFT_OUT_AUTHORS)]
    learnt = scores(full, tokenizer, fitting, tested)
    for score in scores(partial, tokenizer, fitting, [*tested, *comments]):
        other = next((one for one in learnt if (one.task, one.dataset, one.lang) == (score.task, score.dataset, score.lang)), None)
        yield Row(score.task, score.lang, score.dataset, score.size, other.macro_f1 if other else None, score.macro_f1)


def scores(model: CxModel, tokenizer: Tokenizer, fitting: Sequence[Document], tested: Sequence[Document]) -> list[SetScore]:
    """Scores of a network on some documents, calibrated on others."""
    calibration = calibrate(measured(model, tokenizer, fitting))
    return score_sets(judge(measured(model, tokenizer, tested), calibration))


def measured(model: CxModel, tokenizer: Tokenizer, documents: Sequence[Document]) -> Measured:
    """Raw scores of a network in full precision."""
    tokeniser = TextTokeniser(tokenizer)
    return raw_scores(Runtime(model, (tokeniser.cls_id, tokeniser.sep_id), "auto", "auto", EVALUATION_TOKENS), tokeniser, documents)


if __name__ == "__main__":
    main()

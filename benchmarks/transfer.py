"""How well sets and authors that were left out of fine-tuning are judged, beside a model that learnt them, after as many steps.

`python -m benchmarks.transfer [--work runs/default] [--out runs/transfer]`

Starts from the aligned encoder in a training folder and compares with that folder's first fine-tuning (the stage `finetune`), which saw
everything. Two models leave out half of the sets and one author a language each. Takes about an hour a model on two cores; killed and
started again, it goes on where it stopped.
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
from cxsentiment.training.corpus import DataFolder, Document
from cxsentiment.training.examples import training_documents
from cxsentiment.training.finetune import Lesson, finetune
from cxsentiment.training.measure import EVALUATION_TOKENS, Measured, SetScore, dev_documents, judge, raw_scores, score_sets
from cxsentiment.training.wide import train_wide

MOST_SECONDS = 1e9


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What one model does not learn: data sets, and the annotated comments in files whose stems end so."""

    name: str
    sets: tuple[str, ...]
    author: str


GROUPS = (
    LeftOut("first", ("el_skroutz_shop_reviews", "pl_allegro_seller_feedback", "app_reviews_maalej"), "_train"),
    LeftOut("second", ("ro_sent", "us_airline"), "_train2"),
)


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
    options = parser.parse_args()
    data = DataFolder.find()
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    documents = training_documents(data)
    authors = {document.text: author for author, document in data.written()}
    full = aligned(options.work, tokenizer)
    finetune(full, tokenizer, [], Lesson("finetune", MOST_SECONDS, (1,)), options.work)
    train_wide(full, tokenizer, documents, 1, options.work)
    steps = int(torch.load(options.work / "finetune.pt", weights_only=True, map_location="cpu")["step"])
    rows: list[Row] = []
    for group in GROUPS:
        model = aligned(options.work, tokenizer)
        learnt = [document for document in documents if not is_left_out(document, group, authors)]
        folder = options.out / group.name
        folder.mkdir(parents=True, exist_ok=True)
        finetune(model, tokenizer, learnt, Lesson("finetune", MOST_SECONDS, (1,), steps=steps), folder)
        train_wide(model, tokenizer, learnt, 1, folder)
        rows += list(compare(full, model, tokenizer, data, group))
    print("| task | lang | set | n | macro-F1, learnt | macro-F1, left out | points lost |\n" + "|---" * 7 + "|")
    print(*rows, sep="\n")
    save("transfer", {"steps": steps, "rows": [asdict(row) for row in rows]})


def aligned(work: Path, tokenizer: Tokenizer) -> CxModel:
    """A model with the aligned encoder of a training folder and untrained heads."""
    torch.manual_seed(1)
    model = CxModel(EncoderConfig(tokenizer.get_vocab_size(), dropout=0.0), Spelling.of(pieces_of(tokenizer)))
    state = torch.load(work / "align.pt", weights_only=True, map_location="cpu")["module"]
    model.encoder.load_state_dict(state)
    return model


def is_left_out(document: Document, group: LeftOut, authors: dict[str, str]) -> bool:
    """Whether a model of the group must not learn the document."""
    return document.dataset in group.sets or (document.dataset == "written" and authors[document.text].endswith(group.author))


def compare(full: CxModel, model: CxModel, tokenizer: Tokenizer, data: DataFolder, group: LeftOut) -> Iterator[Row]:
    """Scores on what was left out, of both models; both calibrated on the dev rows of the other sets and the other author's comments."""
    dev = dev_documents(data)
    authors = {document.text: author for author, document in data.written()}
    fitting = [document for document in dev if not is_left_out(document, group, authors)]
    tested = [document for document in dev if document.dataset in group.sets]
    comments = [document for author, document in data.written() if author.endswith(group.author)]
    learnt = scores(full, tokenizer, fitting, tested)
    for score in scores(model, tokenizer, fitting, [*tested, *comments]):
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

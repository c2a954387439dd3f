"""How well comments of unseen authors are read: a model trained without one author of each language, and one without the other.

`python -m benchmarks.authors [--work runs/default] [--out runs/authors] [--steps 1200]`

Both models start from the aligned encoder in a training folder, which has seen no labels, and learn for a few steps what the default
model learns for hours; the wide branch, which knows nothing of touchpoints, stays empty. Takes an hour on two cores; killed and
started again, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.results import save
from benchmarks.touchpoint_tables import Readings, all_readings, print_all
from benchmarks.transfer import MOST_SECONDS, aligned, measured
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.examples import training_documents
from cxsentiment.training.finetune import Lesson, finetune
from cxsentiment.training.measure import dev_documents

AUTHORS = ("_train", "_train2")
"""How the stems of their files end."""
OTHERS = 0.5
"""Share of the documents without marked touchpoints that take part."""


def main() -> None:
    """Prints the tables, over both ways together and for each, and writes them to benchmarks/results/authors.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/default"))
    parser.add_argument("--out", type=Path, default=Path("runs/authors"))
    parser.add_argument("--steps", type=int, default=1200)
    options = parser.parse_args()
    data = DataFolder.find()
    ways = {author: readings_without(author, data, options.work, options.out, options.steps) for author in AUTHORS}
    tables = {}
    for author, readings in ways.items():
        print(f"\nTested on *{author}:\n")
        tables[author] = print_all(readings)
    print("\nBoth ways together:\n")
    both = {name: [*readings, *ways[AUTHORS[1]][name]] for name, readings in ways[AUTHORS[0]].items()}
    save("authors", {"steps": options.steps, "both": print_all(both), "ways": tables})


def readings_without(author: str, data: DataFolder, work: Path, out: Path, steps: int) -> Readings:
    """Trains a model that never sees one author of each language; what it and the phrases find in their comments.

    Calibrated on dev rows of public sets and held-out comments of the other authors.
    """
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    authors = {document.text: name for name, document in data.written()}

    def is_known(text: str) -> bool:
        return not authors.get(text, "").endswith(author)

    documents = [document for document in training_documents(data) if is_known(document.text)]
    model = aligned(work, tokenizer)
    folder = out / author.strip("_")
    folder.mkdir(parents=True, exist_ok=True)
    finetune(model, tokenizer, documents, Lesson("finetune", MOST_SECONDS, (1,), others=OTHERS, steps=steps), folder)
    score = partial(measured, model, tokenizer)
    calibration = calibrate(score([document for document in dev_documents(data) if is_known(document.text)]))
    return all_readings(score, [(score([one for name, one in data.written() if name.endswith(author)]), calibration)])


if __name__ == "__main__":
    main()

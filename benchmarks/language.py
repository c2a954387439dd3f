"""Language identification beside the libraries people use: accuracy by kind of text, robustness, calibration, speed, memory.

`python -m benchmarks.language [--contender NAME ...] [--per-set N]`

Dev rows of `language_id.parquet`: lingua's own test words, pairs and sentences, FLORES sentences, real Greeklish. Each contender runs in
a process of its own, among all the languages of these rows and restricted to el, pl, ro, en; a contender that cannot be restricted is
judged by its likeliest language. "Foreign" are texts in none of the four.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.results import FOLDER, save
from cxsentiment.benchmark.contenders.detectors import Answer, Detect, cld2, fasttext, langdetect, lingua, ours, py3langid
from cxsentiment.training.corpus import DataFolder

OURS = ("el", "pl", "ro", "en")
KINDS: Mapping[str, str] = {
    "lingua_single_words": "words",
    "lingua_word_pairs": "pairs",
    "lingua_sentences": "sentences",
    "flores_devtest": "FLORES",
    "greeklish_real": "Greeklish",
}
SHORT = ("words", "pairs")
SHORTEST_GREEKLISH = 3
LONGEST_COMMENT, COMMENTS_AT_ONCE, MOST_SECONDS = 160, 1000, 10.0

CONTENDERS: Mapping[str, Callable[[Sequence[str]], Detect]] = {
    "cxsentiment": ours,
    "cxsentiment, default": lambda _: ours(),
    "lingua": lingua,
    "langdetect": langdetect,
    "py3langid": py3langid,
    "fastText lid.176 (lite)": fasttext,
    "CLD2": cld2,
}


def main() -> None:
    """Prints the table, and writes it with a picture to benchmarks/results/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", action="append", choices=CONTENDERS)
    parser.add_argument("--per-set", type=int, default=0, help="texts of each language and kind at most, 0 for all")
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(figures(options.one, options.per_set)))
        return
    found = {}
    for name in options.contender or CONTENDERS:
        command = [sys.executable, "-m", "benchmarks.language", "--one", name, "--per-set", str(options.per_set)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            print(f"{name} did not run: {ran.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        found[name] = json.loads(ran.stdout.splitlines()[-1])
        print(f"{name} done", file=sys.stderr)
    print(table(found))
    given = words_given()
    print(f"short comments per CPU second, cut into words already and words seen before: {given:,.0f}")
    save("language", {"per_set": options.per_set, "contenders": found, "words_given_per_second": given})
    picture(found)


def rows_by_kind(per_set: int) -> dict[str, list[tuple[str, str]]]:
    """(language, text) of each kind, at most `per_set` of each language (0: all)."""
    data = pq.read_table(DataFolder.find().path / "language_id.parquet", filters=[("split", "=", "dev")])
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for lang, text, source in zip(*(data[name].to_pylist() for name in ("lang", "text", "source")), strict=True):
        counts[lang, source] += 1
        if not per_set or counts[lang, source] <= per_set:
            found[KINDS[source]].append(({"nb": "no"}.get(lang, lang), text))
    found["Greeklish"] = [("el", text) for _, text in found["Greeklish"] if len(text.split()) >= SHORTEST_GREEKLISH]
    return dict(found)


def figures(name: str, per_set: int) -> dict[str, Any]:
    """Everything that is measured of one contender."""
    kinds = rows_by_kind(per_set)
    candidates = sorted({lang for rows in kinds.values() for lang, _ in rows})
    before = _memory()
    detect = CONTENDERS[name](candidates)
    among_four = CONTENDERS[name](OURS)
    detect(["warm up"])
    result: dict[str, Any] = {"languages": len(candidates), "all": {}, "four": {}, "foreign": {}}
    certain: list[float] = []
    right: list[bool] = []
    for kind, rows in kinds.items():
        answers = detect([text for _, text in rows])
        result["all"][kind] = accuracies(rows, answers)
        ours = [row for row in rows if row[0] in OURS]
        result["four"][kind] = accuracies(ours, among_four([text for _, text in ours]))
        foreign = [answer[0] in OURS for row, answer in zip(rows, answers, strict=True) if row[0] not in OURS]
        if foreign:
            result["foreign"][kind] = float(np.mean(foreign))
        if kind in SHORT:
            certain += [answer[1] for answer in answers]
            right += [answer[0] == row[0] for row, answer in zip(rows, answers, strict=True)]
    result["memory_mb"] = _memory() - before
    from cxsentiment.training.measure import calibration_error  # brings torch, whose memory is none of a detector's

    result["calibration_error"] = calibration_error(np.array(certain), np.array(right))
    result["robustness"] = robustness(kinds["sentences"] + kinds["pairs"], among_four)
    result["texts_per_second"] = speed(detect)
    return result


def speed(detect: Detect) -> float:
    """Short comments per second of CPU time, over some seconds; words seen before are as frequent as they are in comments."""
    texts = short_comments()
    done, start = 0, time.process_time()
    while done < len(texts) and time.process_time() - start < MOST_SECONDS:
        detect(texts[done : done + COMMENTS_AT_ONCE])
        done += COMMENTS_AT_ONCE
    return min(done, len(texts)) / (time.process_time() - start)


def short_comments() -> list[str]:
    """Customers' texts of up to `LONGEST_COMMENT` characters."""
    return [document.text for document in DataFolder.find().documents("dev") if len(document.text) <= LONGEST_COMMENT]


def words_given() -> float:
    """Short comments per second of CPU time that our scorer takes when they are cut into words already."""
    from cxsentiment.language.scorer import Scorer
    from cxsentiment.language.words import words_of

    words = words_of(short_comments())
    Scorer.shared().logits(words)
    start = time.process_time()
    for first in range(0, len(words), COMMENTS_AT_ONCE):
        Scorer.shared().logits(words[first : first + COMMENTS_AT_ONCE])
    return len(words) / (time.process_time() - start)


def accuracies(rows: Sequence[tuple[str, str]], answers: Sequence[Answer]) -> dict[str, float]:
    """Share of right answers for each of the four languages, their mean, and over all languages."""
    right: dict[str, list[bool]] = defaultdict(list)
    for (lang, _), (answer, _) in zip(rows, answers, strict=True):
        right[lang].append(answer == lang)
    found = {lang: float(np.mean(right[lang])) for lang in OURS if lang in right}
    return found | {"every language": float(np.mean([np.mean(of_lang) for of_lang in right.values()]))}


def robustness(rows: Sequence[tuple[str, str]], detect: Detect) -> dict[str, dict[str, float]]:
    """Accuracy on pairs and sentences of pl, ro, en as they are, without diacritics and in capitals; among the four."""
    from cxsentiment.benchmark.changes import without_diacritics

    changes: dict[str, Callable[[str], str]] = {"as it is": str, "no diacritics": without_diacritics, "capitals": str.upper}
    chosen = [row for row in rows if row[0] in ("pl", "ro", "en")]
    return {name: accuracies(chosen, detect([change(text) for _, text in chosen])) for name, change in changes.items()}


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: a row a contender and scope, columns by kind and language."""
    kinds = ["words", "pairs", "sentences"]
    columns = [f"{kind} {lang}" for kind in kinds for lang in OURS]
    lines = [
        "| contender | among | "
        + " | ".join(columns)
        + " | Greeklish | foreign sentences as ours | ECE, words and pairs | comments/s | MB |"
    ]
    lines.append("|---" * (len(columns) + 7) + "|")
    for name, result in found.items():
        for scope in ("all", "four"):
            scores = [f"{result[scope][kind][lang]:.4f}" for kind in kinds for lang in OURS]
            tail = ["", "", "", ""]
            if scope == "all":
                tail = [f"{result['foreign']['sentences']:.4f}", f"{result['calibration_error']:.3f}"]
                tail += [f"{result['texts_per_second']:,.0f}", f"{result['memory_mb']:.0f}"]
            greeklish = f"{result[scope]['Greeklish']['el']:.4f}"
            among = str(result["languages"]) if scope == "all" else "4"
            lines.append("| " + " | ".join([name, among, *scores, greeklish, *tail]) + " |")
    return "\n".join(lines)


def picture(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Accuracy on words and pairs among all languages, as benchmarks/results/language.svg."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "cxsentiment", "svg.fonttype": "none"}):
        drawn = Figure(figsize=(10, 3.4), layout="constrained")
        for place, kind in enumerate(SHORT, 1):
            axes = drawn.add_subplot(1, len(SHORT), place)
            width = 0.8 / len(found)
            for number, (name, result) in enumerate(found.items()):
                axes.bar([x + number * width for x in range(len(OURS))], [result["all"][kind][lang] for lang in OURS], width, label=name)
            axes.set(title=f"{kind}, among all languages", xticks=[x + 0.4 for x in range(len(OURS))], xticklabels=OURS, ylim=(0, 1))
        axes.legend(fontsize=7, loc="lower right")
        drawn.savefig(FOLDER / "language.svg", format="svg", metadata={"Date": None})


def _memory() -> float:
    """Highest resident memory so far in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

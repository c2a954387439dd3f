"""The README's headline table, made of the committed results: `python -m benchmarks.headline` writes it, a test compares it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import FOLDER
from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.tables import headline_table

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- headline: python -m benchmarks.headline -->\n", "<!-- /headline -->\n"


def main() -> None:
    """Puts the table into the README."""
    README.write_text(with_table(README.read_text(encoding="utf-8"), table()), encoding="utf-8")


def table() -> str:
    """Of the committed runs, as Markdown."""
    return headline_table([Run.read(path) for path in sorted((FOLDER / "models").glob("*.json"))])


def with_table(readme: str, made: str) -> str:
    """The README with the table between its marks."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{made.strip()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    main()

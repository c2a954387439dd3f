"""The registry of data sets: what each is, where it lies, what its labels mean in ours; and its rows.

A registry is a TOML file; the packaged one describes the sets that the project measures on, a user's own adds others:

    [files."mine.csv"]                         # optional: the file's checksum, so that results can be compared
    sha256 = "9f2c..."

    [sets.mine]
    title = "Reviews of our app"
    file = "mine.csv"                          # under CXSENTIMENT_DATA, or beside the TOML file
    text = "comment"                           # its columns (text is the usual name)
    language = "pl"                            # or { column = "lang", values = { polish = "pl" } }
    rows = { split = "test" }                  # optional: the rows to measure on, and those to learn from
    train = { split = "train" }
    source = "our shop"
    licence = "ours"

    [sets.mine.sentiment]
    column = "label"
    values = { "0" = "negative", "1" = "positive" }             # cell -> label of the set; others as they are
    labels = { negative = "negative", positive = "positive" }   # our label -> label of the set; what is not named is ruled out

    [sets.mine.emotions]
    column = "feelings"                        # a list, or labels between commas
    labels = { happy = "joy", other = "" }     # label of the set -> ours; "" for one that says nothing

    [sets.mine.stars]
    column = "stars"                           # 1 to 5

The tasks of a set follow from its tables: `sentiment`, `emotions`, `stars`; `touchpoints` for files in the format of annotated comments
(`format = "marked"`); `languages = true` for sets that language identification is measured on.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxsentiment.benchmark.contender import Example, Mention
from cxsentiment.errors import InputError
from cxsentiment.results import EMOTIONS, SENTIMENTS
from cxsentiment.training.corpus import DEFAULT_DATA, is_held_out, parse_comment

TASKS = ("sentiment", "stars", "emotions", "touchpoints", "language")
FORMATS = ("table", "marked")
_SENTIMENTS: Mapping[str, str] = {label: label for label in SENTIMENTS}
_KEYS = {"title", "file", "format", "text", "id", "language", "rows", "train", "source", "licence", "genre", "languages"}
_TABLES = {"sentiment": {"column", "values", "labels"}, "emotions": {"column", "labels"}, "stars": {"column"}}


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text; a label that is None was not annotated. `sentiment` is the set's label, `emotions` are ours."""

    id: str
    text: str
    language: str
    sentiment: str | None = None
    stars: float | None = None
    emotions: tuple[str, ...] | None = None
    mentions: tuple[Mention, ...] | None = None


@dataclass(frozen=True)
class DataSet:
    """One entry of a registry; the module's docstring says what the fields mean."""

    name: str
    title: str
    file: str
    folder: Path | None
    format: str = "table"
    text: str = "text"
    id: str | None = None
    language: str | Mapping[str, Any] = ""
    rows: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] | None = None
    source: str = ""
    licence: str = ""
    genre: str = ""
    languages: bool = False
    sentiment: Mapping[str, Any] | None = None
    emotions: Mapping[str, Any] | None = None
    stars: Mapping[str, Any] | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """What can be measured on it."""
        marked = self.format == "marked"
        has = {
            "sentiment": marked or self.sentiment is not None,
            "stars": self.stars is not None,
            "emotions": marked or self.emotions is not None,
            "touchpoints": marked,
            "language": self.languages,
        }
        return tuple(task for task in TASKS if has[task])

    @property
    def sentiment_labels(self) -> Mapping[str, str]:
        """Our sentiment -> the set's, of those that it has."""
        labels: Mapping[str, str] = (self.sentiment or {}).get("labels", _SENTIMENTS)
        return labels

    @property
    def emotion_labels(self) -> Mapping[str, str]:
        """The set's emotion -> ours ("": none)."""
        labels: Mapping[str, str] = (self.emotions or {}).get("labels", {label: label for label in EMOTIONS})
        return labels

    @property
    def emotion_scheme(self) -> tuple[str, ...]:
        """Those of our emotions that it annotates."""
        told = set(self.emotion_labels.values())
        return tuple(label for label in EMOTIONS if label in told)

    def is_there(self, data: Path | None = None) -> bool:
        """Whether `path` finds its file."""
        return any(place.exists() for place in self._places(data))

    def path(self, data: Path | None = None) -> Path:
        """Where its file lies: under the data folder, or beside the registry that describes it. Raises InputError when at neither."""
        places = self._places(data)
        for place in places:
            if place.exists():
                return place
        raise InputError(f"the file of data set {self.name} is not there: {' or '.join(map(str, places))}; name the folder with --data")

    def _places(self, data: Path | None) -> list[Path]:
        return [folder / self.file for folder in (data_folder(data), self.folder) if folder is not None]


@dataclass(frozen=True)
class Registry:
    """Data sets by name, and the checksums that their files should have."""

    sets: Mapping[str, DataSet]
    checksums: Mapping[str, str]

    def choose(self, names: Sequence[str] = (), tasks: Sequence[str] = ()) -> list[DataSet]:
        """The sets named (all when none is), of these those with one of the tasks. Raises InputError for an unknown name."""
        for name in names:
            if name not in self.sets:
                raise InputError(f"no data set is called {name!r}; there are: {', '.join(self.sets)}")
        chosen = [self.sets[name] for name in names] if names else list(self.sets.values())
        return [one for one in chosen if not tasks or set(tasks) & set(one.tasks)]


def data_folder(data: Path | None = None) -> Path:
    """The folder given, else `CXSENTIMENT_DATA`, else `../shared/data`."""
    return data or Path(os.environ.get("CXSENTIMENT_DATA", DEFAULT_DATA))


def packaged_registry() -> Path:
    """Where the project's own registry lies: in the installed package, or in `benchmarks/` of a clone."""
    installed = Path(__file__).parent / "datasets.toml"
    return installed if installed.exists() else Path(__file__).parents[2] / "benchmarks" / "datasets.toml"


def read_registry(paths: Sequence[Path] = (), *, packaged: bool = True) -> Registry:
    """The packaged registry and those at `paths`; a later entry takes the place of an earlier one of its name. Raises InputError."""
    sets: dict[str, DataSet] = {}
    checksums: dict[str, str] = {}
    for path in [packaged_registry(), *paths] if packaged else paths:
        plain = read_toml(path)
        for name, entry in _table(plain, "sets", path).items():
            sets[name] = _data_set(name, entry, path)
        checksums |= {name: _checksum(name, entry, path) for name, entry in _table(plain, "files", path).items()}
    return Registry(sets, checksums)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises InputError when it is not there or none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from None


def read_rows(data_set: DataSet, data: Path | None = None, *, train: bool = False) -> list[Row]:
    """Its rows to measure on, or (`train`) to learn from: none where the registry names none. Raises InputError."""
    path = data_set.path(data)
    if data_set.format == "marked":
        return list(_marked_rows(data_set, path, train))
    wanted = data_set.train if train else data_set.rows
    if wanted is None:
        return []
    cells = _read_table(data_set, path, wanted)
    return [row for number, cell in enumerate(cells) if (row := _row(data_set, cell, number)) is not None]


def examples_of(data_set: DataSet, rows: Sequence[Row]) -> list[Example]:
    """Rows as contenders learn from them, in our labels; a label of the set that several of ours share is the first of these."""
    ours: dict[str, str] = {}
    for our, theirs in data_set.sentiment_labels.items():
        ours.setdefault(theirs, our)
    sentiments = tuple(dict.fromkeys(ours.values())) if "sentiment" in data_set.tasks else ()
    scheme = data_set.emotion_scheme if "emotions" in data_set.tasks else ()
    return [Example(row.text, row.language, data_set.name, ours.get(row.sentiment or ""), sentiments, row.emotions, scheme) for row in rows]


def sample(rows: Sequence[Row], most: int, seed: int) -> list[Row]:
    """At most so many rows (0: all), by checksum of seed, id and text, in their order: the same rows for every contender."""
    if not most or len(rows) <= most:
        return list(rows)
    drawn = [zlib.crc32(f"{seed} {row.id} {row.text}".encode("utf-8", "replace")) for row in rows]
    chosen = sorted(sorted(range(len(rows)), key=lambda place: drawn[place])[:most])
    return [rows[place] for place in chosen]


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names, in hex."""
    digest = hashlib.sha256()
    for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if one.is_file():
            if path.is_dir():
                digest.update(one.relative_to(path).as_posix().encode())
            with one.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()


# ---- reading --------------------------------------------------------------------------------------------------------------------


def _data_set(name: str, entry: Any, path: Path) -> DataSet:
    where = f"{path}, set {name}"
    if not isinstance(entry, Mapping):
        raise InputError(f"{where}: a table is needed")
    unknown = set(entry) - _KEYS - set(_TABLES)
    if unknown:
        raise InputError(f"{where}: unknown key {sorted(unknown)[0]!r}; known are {', '.join(sorted(_KEYS | set(_TABLES)))}")
    for table, keys in _TABLES.items():
        given = entry.get(table, {"column": ""})
        if not isinstance(given, Mapping) or set(given) - keys or not isinstance(given.get("column"), str):
            raise InputError(f"{where}: [{table}] needs a column, and may have {', '.join(sorted(keys))}")
        _check_tables(given, keys - {"column"}, f"{where}: [{table}]")
    for key in ("file", "language"):
        if not entry.get(key):
            raise InputError(f"{where}: {key} is missing")
    _check_tables(entry, {"rows", "train"}, where)
    language = entry["language"]
    if not isinstance(language, str) and not (isinstance(language, Mapping) and isinstance(language.get("column"), str)):
        raise InputError(f'{where}: language must be a code such as "pl", or {{ column = "lang", values = {{ polish = "pl" }} }}')
    if entry.get("format", "table") not in FORMATS:
        raise InputError(f"{where}: format {entry['format']!r} is unknown; there are {', '.join(FORMATS)}")
    _check_labels(entry.get("sentiment", {}).get("labels", {}), SENTIMENTS, f"{where}: [sentiment] labels")
    _check_labels({ours: None for ours in entry.get("emotions", {}).get("labels", {}).values() if ours}, EMOTIONS, f"{where}: [emotions]")
    return DataSet(**{"title": name, **entry, "name": name, "folder": path.parent})


def _check_tables(entry: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    for key in keys:
        if not isinstance(entry.get(key, {}), Mapping):
            raise InputError(f"{where}: {key} must be a table, such as {{ NAME = VALUE }}")


def _checksum(name: str, entry: Any, path: Path) -> str:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("sha256"), str):
        raise InputError(f'{path}: [files."{name}"] needs a sha256')
    return str(entry["sha256"])


def _check_labels(labels: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for label in labels:
        if label not in known:
            raise InputError(f"{where}: {label!r} is none of ours: {', '.join(known)}")


def _table(plain: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    table = plain.get(name, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{path}: {name} must be a table")
    return table


def _read_table(data_set: DataSet, path: Path, wanted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The cells of the rows whose columns have the wanted values (one, or one of a list), as a mapping by column."""
    columns = _columns_of(data_set)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        filters = [(name, "in", value) if isinstance(value, list) else (name, "=", value) for name, value in wanted.items()]
        try:
            _check_columns(data_set, [*columns, *wanted], pq.read_schema(path).names)
            yield from pq.read_table(path, columns=columns, filters=filters or None).to_pylist()
        except pa.ArrowException as error:
            raise InputError(f"{path} of data set {data_set.name} cannot be read with its rows {dict(wanted)}: {error}") from None
        return
    from cxsentiment.archive.reading import open_source

    source = open_source(path, text_column=data_set.text)
    _check_columns(data_set, [*columns, *wanted], source.schema.names)
    for chunk in source.chunks():
        for cells in chunk.table.to_pylist():
            if all(
                str(cells[name]) in ([str(one) for one in value] if isinstance(value, list) else [str(value)])
                for name, value in wanted.items()
            ):
                yield cells


def _columns_of(data_set: DataSet) -> list[str]:
    tables = (data_set.sentiment, data_set.emotions, data_set.stars, data_set.language)
    named = [table["column"] for table in tables if isinstance(table, Mapping)]
    return list(dict.fromkeys([data_set.text, *([data_set.id] if data_set.id else []), *named]))


def _check_columns(data_set: DataSet, wanted: Sequence[str], there: Sequence[str]) -> None:
    for name in wanted:
        if name not in there:
            raise InputError(f"{data_set.file} of data set {data_set.name} has no column {name!r}; its columns are: {', '.join(there)}")


def _row(data_set: DataSet, cells: Mapping[str, Any], number: int) -> Row | None:
    """A row; None when it has no text."""
    text = cells[data_set.text]
    if not isinstance(text, str) or not text.strip():
        return None
    return Row(
        id=str(cells[data_set.id]) if data_set.id else str(number),
        text=text,
        language=_language(data_set.language, cells),
        sentiment=_sentiment(data_set, cells),
        stars=_stars(data_set, cells),
        emotions=_emotions(data_set, cells),
    )


def _language(said: str | Mapping[str, Any], cells: Mapping[str, Any]) -> str:
    if isinstance(said, str):
        return said
    value = str(cells[said["column"]] or "und")
    return str(said.get("values", {}).get(value, value))


def _sentiment(data_set: DataSet, cells: Mapping[str, Any]) -> str | None:
    if data_set.sentiment is None or (cell := cells[data_set.sentiment["column"]]) is None or str(cell) == "":
        return None
    label = str(data_set.sentiment.get("values", {}).get(str(cell), cell))
    if label not in data_set.sentiment_labels.values():
        known = ", ".join(dict.fromkeys(data_set.sentiment_labels.values()))
        raise InputError(f"data set {data_set.name} has the sentiment {label!r}, and its labels are {known}: map it in [sentiment] values")
    return label


def _stars(data_set: DataSet, cells: Mapping[str, Any]) -> float | None:
    if data_set.stars is None or (cell := cells[data_set.stars["column"]]) in (None, ""):
        return None
    try:
        stars = float(cell)
    except ValueError:
        stars = -1.0
    if stars not in range(1, 6):
        raise InputError(f"data set {data_set.name} has {cell!r} stars; they are whole numbers from 1 to 5")
    return stars


def _emotions(data_set: DataSet, cells: Mapping[str, Any]) -> tuple[str, ...] | None:
    if data_set.emotions is None or (cell := cells[data_set.emotions["column"]]) is None:
        return None
    named = cell if isinstance(cell, list) else [one.strip() for one in str(cell).split(",") if one.strip()]
    labels = data_set.emotion_labels
    for name in named:
        if name not in labels:
            raise InputError(f"data set {data_set.name} has the emotion {name!r}, which [emotions] labels does not name")
    found = {labels[name] for name in named}
    return tuple(label for label in EMOTIONS if label in found)


def _marked_rows(data_set: DataSet, path: Path, train: bool) -> Iterator[Row]:
    """Of annotated comments about one in ten is measured on, the others are learnt from."""
    for file in sorted(path.glob(f"{data_set.language}_*.tsv")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
            if line:
                document = parse_comment(line, str(data_set.language))
                if is_held_out(document.text) != train:
                    mentions = tuple(Mention(one.start, one.end, str(one.type), str(one.polarity)) for one in document.spans)
                    emotions = document.emotions or ()
                    yield Row(f"{file.stem} {number}", document.text, document.lang, document.sentiment, None, emotions, mentions)

"""Scored archives of every form that `cxsentiment score` writes, their days, texts, channels and segments, and what is no archive."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("duckdb")

from cxsentiment.archive.formats import FORMATS
from cxsentiment.archive.output import open_output
from cxsentiment.errors import InputError, MissingExtraError, OptionError
from cxsentiment.measure import open_scored, summary
from cxsentiment.results import EMOTIONS, SENTIMENTS, error_row, to_arrow

VIEWS = ("comments", "mentions", "emotions", "qualities", "intents")
OWN = {
    "when": ["03/04/2024 10:00", "13/04/2024", None, "14/04/2024 9:30"],
    "channel": ["web", "store", "web", None],
    "Comment": ["πολύ\nκαλό", 'ładne "buty"', "x", "=1+1, ναι"],
    "region": ["north", "south/east", "north", "north"],
}


def answer(sentiment: str, polarity: float, language: str, mentions: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    return error_row("") | {
        "cx_language": language,
        "cx_sentiment": sentiment,
        "cx_polarity": polarity,
        "cx_sentiment_probs": dict.fromkeys(SENTIMENTS, 0.25),
        "cx_emotions": ["joy", "trust"] if sentiment == "positive" else [],
        "cx_emotion_probs": dict.fromkeys(EMOTIONS, 0.5),
        "cx_touchpoints": [
            {"start": 1, "end": 4, "text": "app", "type": kind, "group": "channels", "polarity": sign, "score": 0.5}
            for kind, sign in mentions
        ],
        "cx_qualities": [{"quality": "value", "polarity": "±", "score": 0.5}],
        "cx_relation": "new",
        "cx_intents": ["churn"] if sentiment == "negative" else [],
        "cx_windows": 1,
        "cx_error": None,
    }


def archive_of(own: dict[str, Any], rows: Sequence[dict[str, Any]]) -> pa.Table:
    scored, columns = to_arrow(rows), pa.table(own)
    return pa.Table.from_arrays([*columns.columns, *scored.columns], schema=pa.schema([*columns.schema, *scored.schema]))


ARCHIVE = archive_of(
    OWN,
    [
        answer("positive", 0.5, "el", [("mobile_app", "+"), ("website", "-")]),
        answer("negative", -0.5, "pl"),
        error_row("no text (null)"),
        answer("neutral", 0.0, "el", [("mobile_app", "±")]),
    ],
)


def written(table: pa.Table, folder: Path, form: str) -> Path:
    """The archive as scoring would have written it, and its report."""
    if form.startswith("dataset"):
        output = open_output(folder / "scored", "", tuple(form.split()[1:]))
        output.state.mkdir(parents=True)
        half = table.num_rows // 2
        output.write(0, table.slice(0, half))
        output.write(1, table.slice(half))
        path, report = folder / "scored", output.report
    else:
        path, shard = folder / f"scored{form}", folder / f"shard{form}"
        with shard.open("wb") as file:
            FORMATS[form].write(table, file)
        with path.open("wb") as file:
            FORMATS[form].join([shard], table.schema, file)
        report = folder / f"scored{form}.run.json"
    report.write_text(json.dumps({"fingerprint": {"text columns": json.dumps(["Comment"])}}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "form",
    [".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", "dataset", "dataset cx_language", "dataset region cx_sentiment", "dataset channel"],
)
def test_every_form_gives_the_same(tmp_path: Path, form: str) -> None:
    with open_scored(written(ARCHIVE, tmp_path, form), segments=["region"]) as scored:
        assert (scored.rows, scored.errors, scored.count()) == (4, 1, 3)
        assert (scored.date, scored.text_columns, scored.channel) == ("when", ("Comment",), "channel")
        found = {view: scored.query(f"SELECT * FROM {view}").to_pylist() for view in VIEWS}
    ids = {row["text"].lstrip("'"): row.pop("row_id") for row in found["comments"]}
    assert len(set(ids.values())) == 3
    by_text = {row["text"].lstrip("'"): row for row in found["comments"]}
    assert by_text["πολύ\nκαλό"] == {
        "day": date(2024, 4, 3),
        "language": "el",
        "sentiment": "positive",
        "polarity": 0.5,
        "stage": None,
        "relation": "new",
        "windows": 1,
        "channel": "web",
        "text": "πολύ\nκαλό",
        "region": "north",
    }
    assert [by_text[text]["day"] for text in ids if text != "πολύ\nκαλό"].count(date(2024, 4, 13)) == 1
    first, last = ids["πολύ\nκαλό"], ids["=1+1, ναι"]
    mention = {
        "row_id": first,
        "type": "mobile_app",
        "touchpoint_group": "channels",
        "mention_polarity": "+",
        "start": 1,
        "end": 4,
        "span": "app",
    }
    assert mention in found["mentions"]
    assert [(row["row_id"], row["mention_polarity"]) for row in found["mentions"] if row["row_id"] == last] == [(last, "±")]
    assert len(found["mentions"]) == 3
    assert [(row["row_id"], row["emotion"]) for row in found["emotions"]] == [(first, "joy"), (first, "trust")]
    assert sorted(row["row_id"] for row in found["qualities"]) == sorted(ids.values())
    assert found["intents"] == [{"row_id": ids['ładne "buty"'], "intent": "churn"}]


@pytest.mark.parametrize("form", ["dataset", "dataset cx_language", ".csv"])
def test_where(tmp_path: Path, form: str) -> None:
    with open_scored(written(ARCHIVE, tmp_path, form), segments={"area": "region"}) as scored:
        everything = {row["row_id"]: row for row in scored.query("SELECT * FROM comments").to_pylist()}
        greek = scored.where(language="el")
        assert greek.count() == 2
        assert all(everything[row["row_id"]] == row for row in greek.query("SELECT * FROM comments").to_pylist())
        assert greek.query("SELECT count(*) AS n FROM mentions")["n"].to_pylist() == [3]
        assert greek.where(since="2024-04-14").count() == greek.where(since=date(2024, 4, 14), until=datetime(2024, 4, 14, 23)).count() == 1
        assert scored.where(language=["el", "pl"], channel="store").count() == 1
        assert scored.where(segments={"area": ["north"]}).count() == 2
        assert scored.where(segments={"area": "it's"}).count() == scored.where(language=[]).count() == 0
        assert scored.count() == 3
        with pytest.raises(OptionError, match="'yesterday' is no day"):
            scored.where(since="yesterday")
        with pytest.raises(OptionError, match="comes after the last"):
            scored.where(since="2024-05-01", until="2024-04-01")
        with pytest.raises(OptionError, match="no segment 'region'; opened are: area"):
            scored.where(segments={"region": "north"})
        greek.close()
        assert scored.count() == 3


def one_column(tmp_path: Path, **columns: Any) -> Path:
    rows = len(next(iter(columns.values())))
    path = tmp_path / "scored.parquet"
    pq.write_table(archive_of(columns, [answer("positive", 1.0, "en")] * rows), path)
    return path


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["2024-02-29", "2024-03-01T12:00:00+02:00", "2024-03-02 23:59"], ["2024-02-29", "2024-03-01", "2024-03-02"]),
        (["1.2.2024", "31.12.2024 10:00", ""], ["2024-02-01", "2024-12-31", None]),
        (["01/02/2024", "3/4/2024", None], ["2024-02-01", "2024-04-03", None]),
        (["01/02/2024", "3/24/2024", "12/31/2024"], ["2024-01-02", "2024-03-24", "2024-12-31"]),
        (["01-02-24", "28-02-24", "3-3-25"], ["2024-02-01", "2024-02-28", "2025-03-03"]),
        (["20240229", "20241231", "20240101"], ["2024-02-29", "2024-12-31", "2024-01-01"]),
        ([date(2024, 1, 5), None, date(1999, 1, 1)], ["2024-01-05", None, "1999-01-01"]),
        ([datetime(2024, 1, 5, 23, 59), None, None], ["2024-01-05", None, None]),
        ([datetime(2024, 1, 5, 23, 59, tzinfo=UTC), None, None], ["2024-01-05", None, None]),
        ([20240229, 20241231, None], ["2024-02-29", "2024-12-31", None]),
    ],
)
def test_days(tmp_path: Path, cells: list[Any], days: list[str | None]) -> None:
    with open_scored(one_column(tmp_path, Ημερομηνία=cells, id=[1, 2, 3])) as scored:
        assert scored.date == "Ημερομηνία"
        found = scored.query("SELECT day FROM comments ORDER BY row_id")["day"].to_pylist()
    assert [None if day is None else day.isoformat() for day in found] == days


def test_which_column_has_the_days(tmp_path: Path) -> None:
    days, words = ["2024-01-05", "2024-01-06"], ["soon", "2024-01-06"]
    with open_scored(one_column(tmp_path, bought=days, note=words)) as scored:
        assert scored.date == "bought"
    with open_scored(one_column(tmp_path, bought=days, date=days)) as scored:
        assert scored.date == "date"
    with open_scored(one_column(tmp_path, bought=days, date=["x", "y"])) as scored:
        assert scored.date == "bought"
    with open_scored(one_column(tmp_path, bought=days, sold=days)) as scored:
        assert (scored.date, scored.date_columns) == (None, ("bought", "sold"))
        with pytest.raises(InputError, match=r"several could be it \(bought, sold\); choose with date="):
            summary(scored, ["week"])
        with pytest.raises(InputError, match="choose with date="):
            scored.where(since="2024-01-01")
    with open_scored(one_column(tmp_path, bought=days, sold=days), date="sold") as scored:
        assert scored.date == "sold"
    with pytest.raises(InputError, match=r"column 'note' has cells such as 'never', 'soon', which are no dates"):
        open_scored(one_column(tmp_path, note=["never", "soon"]), date="note")


def test_texts(tmp_path: Path) -> None:
    columns = {"good": ["a", "b"], "bad": ["c", None], "Review": ["d", "e"]}
    with open_scored(one_column(tmp_path, **columns)) as scored:
        assert scored.text_columns == ("Review",)
    with open_scored(one_column(tmp_path, **columns), text=["good", "bad"]) as scored:
        assert scored.query("SELECT text FROM comments ORDER BY row_id")["text"].to_pylist() == ["a\nc", "b"]
    with open_scored(one_column(tmp_path, review=["a"], comment=["b"])) as scored:
        assert scored.query("SELECT text FROM comments")["text"].to_pylist() == [None]
        with pytest.raises(InputError, match="choose with text="):
            scored.need_text()


def test_options_are_checked(tmp_path: Path) -> None:
    path = one_column(tmp_path, language=["xx"], note=["a"])
    for options in ({"date": "no"}, {"text": "no"}, {"channel": "no"}, {"segments": ["no"]}):
        with pytest.raises(InputError, match="has no column 'no'; its columns are: language, note, cx_language"):
            open_scored(path, **options)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="a segment cannot be named 'language'"):
        open_scored(path, segments=["language"])
    with open_scored(path, segments={"shop_language": "language"}) as scored:
        assert summary(scored, ["shop_language"])["shop_language"].to_pylist() == ["xx"]
        with pytest.raises(InputError, match="no column named channel; choose one with channel="):
            scored.where(channel="web")
    with pytest.raises(OptionError, match="threads must be at least 1"):
        open_scored(path, threads=0)
    with pytest.raises(OptionError, match="memory must be a size such as '4GB'"):
        open_scored(path, memory="lots")
    with open_scored(path, memory="500MB", threads=1) as scored:
        assert scored.count() == 1


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "none.csv").write_text("")
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "list.jsonl").write_text("[1]\n")
    (tmp_path / "plain.csv").write_text("text,stars\ngood,5\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    for name, message in (
        ("gone", "does not exist"),
        ("empty", "is a folder without Parquet files"),
        ("notes.txt", "unknown format"),
        ("none.csv", "is empty"),
        ("none.jsonl", "is empty"),
        ("list.jsonl", "no JSON object"),
        ("plain.csv", "no scored archive: it has no column cx_sentiment"),
        ("broken.parquet", "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            open_scored(tmp_path / name)


def test_long_texts_and_semicolons(tmp_path: Path) -> None:
    table = archive_of({"text": ["λ" * 900_000, "b"]}, [answer("positive", 1.0, "el")] * 2)
    with open_scored(written(table, tmp_path, ".csv")) as scored:
        assert scored.query("SELECT length(text) AS n FROM comments ORDER BY row_id")["n"].to_pylist() == [900_000, 1]
    (tmp_path / "excel.csv").write_text("\ufefftext;cx_sentiment;cx_polarity\nκαλό;positive;0.5\n;;\n", encoding="utf-8")
    with open_scored(tmp_path / "excel.csv") as scored:
        assert (scored.rows, scored.errors) == (2, 1)
        assert summary(scored)["mean_polarity"].to_pylist() == [0.5]


def test_missing_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"cxsentiment\[report\]"):
        open_scored(tmp_path)

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxsentiment.errors import MissingColumnError
from cxsentiment.report import Findings, write_report
from cxsentiment.report.findings import Gap
from cxsentiment.report.page import SECTIONS, page
from cxsentiment.report.wording import REPORT_LANGUAGES, Wording
from tests.browser import FITS, measured, picture_of
from tests.made_up_findings import DAY, made, nulled

pytest.importorskip("matplotlib")
pytest.importorskip("babel")

HOSTILE = '"><script>document.title="run"</script><img src=x onerror=\'document.title="run"\'>{{ 7*7 }}\u202ereversed</blockquote>&amp;'
VOID = {"meta", "input", "br", "img", "link", "hr", "path", "use"}


class Parsed(HTMLParser):
    """Tags with their attributes, the text outside of styles and scripts, and what does not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.outside: list[tuple[str, list[str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if "svg" not in self.open:
            self.outside.append((tag, [name for name, _ in attributes]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def whole(text: str = "north") -> Findings:
    """Findings with every section."""
    findings = made(text)
    day = {"comments": 9, "net_sentiment": 0.5, "smooth": 0.25, "low": 0.0, "high": 0.5}
    course = [{"period": DAY + timedelta(weeks=week)} | day for week in range(9)]
    stages = [row | {"stage": "after"} for row in findings.tables["touchpoints"].to_pylist()]
    more = {
        "trend": pa.Table.from_pylist(course),
        "language_trends": pa.Table.from_pylist([row | {"language": "el"} for row in course]),
        "touchpoint_stages": pa.Table.from_pylist(stages),
    }
    return replace(findings, tables={**findings.tables, **more})


def shown(findings: Findings, language: str = "en") -> Parsed:
    return Parsed(page(findings, Wording.of(language)))


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_the_page_is_whole_in_each_language(language: str) -> None:
    wording = Wording.of(language)
    seen = shown(whole(), language)
    assert not seen.wrong
    assert not seen.open
    assert seen.named("html") == [{"lang": language}]
    assert seen.named("meta")[1]["content"] == "width=device-width, initial-scale=1"
    for section in SECTIONS:
        assert wording(f"{section}.title") in seen.words, section
    ids = [attributes["id"] for _, attributes in seen.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in seen.named("a"):
        assert link["href"] is not None
        assert link["href"][1:] in ids
    for label in seen.named("svg"):
        assert label["role"] == "img"
        assert label["aria-label"]


def test_what_comes_from_customers_is_text_and_nothing_else() -> None:
    seen, harmless = shown(whole(HOSTILE)), shown(whole("harmless"))
    assert seen.outside == harmless.outside
    assert {tag for tag, _ in seen.tags} == {tag for tag, _ in harmless.tags}
    assert {name for _, attributes in seen.tags for name in attributes} == {name for _, attributes in harmless.tags for name in attributes}
    assert "<script>document.title" in seen.words
    assert "49" not in re.findall(r"\d+", seen.words.replace("7*7", ""))
    assert not seen.named("img")
    assert not seen.wrong


def test_nothing_is_loaded_and_no_other_script_may_run() -> None:
    text = page(made(HOSTILE), Wording.of("en"))
    seen = Parsed(text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (policy,) = (meta["content"] for meta in seen.named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    for tag, attributes in seen.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in text.replace("url(#", "")


def test_what_is_not_there_is_left_out_and_said() -> None:
    findings = made()
    bare = Findings(
        "a/b.parquet", 5, 1, 4, None, None, "week", (), True, {"overall": findings.tables["overall"]}, {"trend": Gap("no <dates>")}
    )
    seen = shown(bare)
    assert not seen.wrong
    assert [link["href"] for link in seen.named("a")[1:]] == ["#headline", "#where", "#how", "#about"]
    assert "no <dates>" in seen.words
    assert not seen.named("form")
    assert "1 of 5 rows" in seen.words


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_gaps_are_said_in_the_language_of_the_page(language: str) -> None:
    lacking = MissingColumnError("scored.parquet has no column cx_intents", "answer", "cx_intents")
    gaps = {"intents": Gap(str(lacking), lacking.lacks, lacking.column), "modules": Gap("the taxonomy has no modules")}
    wording = Wording.of(language)
    text = page(made(gaps=gaps), wording)

    assert f'<li lang="{language}"><bdi>{wording("gaps.answer", column="cx_intents")}</bdi></li>' in text
    assert '<li lang="en"><bdi>the taxonomy has no modules</bdi></li>' in text


def test_equal_findings_give_an_equal_page(tmp_path: Path) -> None:
    write_report(made(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(made(), Wording.of("en"))


def test_colours_of_texts_have_contrast() -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3) on each ground that the style sheet has."""
    style = page(made(), Wording.of("en"))
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style))
    grounds = ["#ffffff", colours["soft"], colours["alert"], "#eff7fc"]
    for name in ("ink", "faint", "link", "bad", "good"):
        for ground in grounds:
            assert contrast(colours[name], ground) >= 4.5, (name, ground)


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# ---- in a browser -----------------------------------------------------------------------------------------------------------------


@pytest.mark.full
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_the_page_fits_its_window_without_network(tmp_path: Path, width: int, language: str) -> None:
    target = tmp_path / "report.html"
    write_report(whole(HOSTILE), target, wording=Wording.of(language))
    seen = measured(target, width, FITS.replace("return {", "return { title: document.title,"))
    assert seen["inner"] == width
    assert seen["content"] <= width
    assert (seen["broken"], seen["requests"]) == (0, 0)
    assert seen["title"] != "run"
    assert picture_of(target, width).stat().st_size > 0


CHOOSE = """
const form = document.getElementById("voice-filter");
const shown = () => [...document.querySelectorAll("#voice-list .quote")].filter(one => one.checkVisibility()).length;
const choose = (name, value) => {
  form.elements[name].value = value;
  form.elements[name].dispatchEvent(new Event("input", { bubbles: true }));
  const told = document.getElementById("voice-shown").textContent;
  const found = [shown(), told, document.getElementById("voice-none").checkVisibility()];
  form.reset();
  return found;
};
return {
  all: shown(),
  positive: choose("sentiment", "positive"),
  store: choose("touchpoint", "store"),
  greek: choose("language", "el"),
  words: choose("words", "ΑΡΓΗΣΕ kourier"),
  nothing: choose("words", "zzz"),
};"""


@pytest.mark.full
def test_quotes_can_be_chosen(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"touchpoint": "delivery", "polarity": "-", "language": "el", "quote": "άργησε ο kourier"},
        {"touchpoint": "delivery", "polarity": "+", "language": "pl", "quote": "szybko"},
        {"touchpoint": "store", "polarity": "+", "language": "pl", "quote": "miło"},
    ]
    target = tmp_path / "report.html"
    table = pa.Table.from_pylist([row | {"day": DAY} for row in rows])
    findings = made()
    write_report(replace(findings, tables={**findings.tables, "quotes": table}), target)
    seen = measured(target, 390, CHOOSE)
    assert seen == {
        "all": 3,
        "positive": [2, "Quotes shown: 2", False],
        "store": [1, "Quotes shown: 1", False],
        "greek": [1, "Quotes shown: 1", False],
        "words": [1, "Quotes shown: 1", False],
        "nothing": [0, "Quotes shown: 0", True],
    }


def test_a_comment_without_touchpoints_is_shown_with_what_is_known() -> None:
    table = made().tables["at_risk"]
    bare = nulled(table, "touchpoints")
    wording = Wording.of("en")
    intents = ", ".join(wording.name("intent", intent) for intent in table["intents"][0].as_py())

    assert f"{intents} · Romanian · {wording.day(DAY)}" in page(made(tables=made().tables | {"at_risk": bare}), wording)

"""The report as Markdown: it tells everything in four languages, and nothing that customers write becomes markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

pytest.importorskip("babel")

from cxsentiment.report.findings import Gap
from cxsentiment.report.markdown import as_markdown, escaped
from cxsentiment.report.sentences import alert_sentence
from cxsentiment.report.wording import REPORT_LANGUAGES, Wording
from tests.made_up_findings import HOSTILE, made, nulled

ENGLISH = Wording.of("en")
JOINER = "\u2060"
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def structure(markdown: str) -> list[str]:
    """Blocks, with what is marked up in them."""
    return [
        token.type + "".join(f" {child.type}" for child in token.children or () if child.type != "text")
        for token in RENDERER.parse(markdown)
    ]


def texts(markdown: str) -> list[str]:
    """What a reader sees of headings, paragraphs and cells."""
    tokens = [token for token in RENDERER.parse(markdown) if token.type == "inline"]
    return ["".join(child.content for child in token.children or ()).replace(JOINER, "") for token in tokens]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_changes_the_structure(text: str) -> None:
    markdown = as_markdown(made(text), ENGLISH)

    assert structure(markdown) == structure(as_markdown(made(), ENGLISH))
    assert not re.search(r"://|www\.|@\w|[\u202a-\u202e\u2066-\u2069\x00]", markdown, re.IGNORECASE)


@given(st.text(st.sampled_from("`*_{}[]()<>#|~$!&;\\-+=.:/@\"'^%? \n\tawW1λ😡"), max_size=40))
def test_escaped_text_looks_as_it_is(text: str) -> None:
    cell = escaped(text)

    assert texts(f"| a | b |\n| --- | --- |\n| {cell} | x |") == ["a", "b", " ".join(text.split()), "x"]
    assert not re.search(r"://|www\.|@\w", cell, re.IGNORECASE)


@given(st.text(max_size=60))
def test_any_text_is_one_line_without_markup(text: str) -> None:
    cell = escaped(text)

    assert len(cell.splitlines()) <= 1
    cell.encode()
    assert structure(f"x {cell}") == ["paragraph_open", "inline", "paragraph_close"]


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_markdown_tells_everything_in_its_language(language: str) -> None:
    wording = Wording.of(language)
    findings = made("Το κατάστημα")
    shown = texts(as_markdown(findings, wording))

    assert shown[0] == wording("page.title")
    assert shown[1].startswith("Το κατάστημα · ")
    for key in ("headline.title", "alerts.title", "where.languages", "where.channels", "how.emotions", "how.qualities", "how.modules"):
        assert wording(key) in shown
    for key in ("how.intents", "loyalty.ladder", "where.consistency", "kpi.title", "why.phrases", "loyalty.at_risk", "voices.title"):
        assert wording(key) in shown
    for kind, value in (("touchpoint", "staff"), ("language", "el"), ("emotion", "joy"), ("relation", "new"), ("quality", "value")):
        assert wording.name(kind, value) in shown
    assert f"{wording.points(-0.5)} … {wording.points(0.75)}" in shown
    assert wording("where.segment", name="region") in shown
    assert wording("page.unknown") in shown
    assert f"{wording('alerts.words')}: Το κατάστημα ({wording.number(3)})" in shown
    assert alert_sentence(findings.tables["alerts"].to_pylist()[0], wording) in shown
    assert wording("priority.explained", share=wording.percent(0.5)) in shown
    assert shown[-2:] == [wording("page.not_here"), "trend: Το κατάστημα: no column holds dates"]


def test_the_first_quote_of_each_feeling_and_the_clearest_lag_are_told() -> None:
    shown = texts(as_markdown(made(), ENGLISH))

    assert "good" in shown
    assert "the second" not in shown
    assert shown.count("north and Net sentiment") == 1
    assert "E-mail addresses, telephone, account and card numbers are hidden." in shown
    assert "E-mail addresses, telephone, account and card numbers are hidden." not in texts(as_markdown(made(masked=False), ENGLISH))


def test_what_is_empty_or_missing_is_left_out_of_markdown() -> None:
    nothing = made(tables={name: table.slice(0, 0) for name, table in made().tables.items()}, gaps={}, first_day=None, errors=0)
    shown = texts(as_markdown(nothing, ENGLISH))

    assert shown[:3] == ["Customer experience report", "north · Comments: 40", "At a glance"]
    assert "No change of net sentiment stands out from what the history leads one to expect." in shown
    assert "th_open" not in structure(as_markdown(nothing, ENGLISH))
    assert "Not in this report" not in shown
    assert "What needs attention" not in texts(as_markdown(made(tables={}), ENGLISH))


def test_a_comment_without_touchpoints_has_an_empty_cell() -> None:
    bare = nulled(made().tables["at_risk"], "touchpoints")
    row = next(line for line in as_markdown(made(tables={"at_risk": bare}), ENGLISH).splitlines() if "Romanian" in line)

    assert [cell.strip() for cell in row.split("|")[2:4]] == ["", "Romanian"]


def test_names_with_broken_letters_can_be_written() -> None:
    as_markdown(made(archive="caf\udce9", gaps={"a\ud800": Gap("b\udfff")}), ENGLISH).encode()

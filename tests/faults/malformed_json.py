"""JSON Lines files that are not quite JSON Lines."""

from __future__ import annotations

import json
from typing import Final

from tests.faults.malformed_input import Make, Malformed, building, fine, holding, holding_text, kept, refused

_GOOD: Final = '{"text": "good service"}'
_DEEP: Final = 100_000
_ESCAPED: Final = r'"\u03c0"'


def _lines(*lines: str) -> Make:
    return holding_text("".join(f"{line}\n" for line in lines))


def _after_good_line(*parts: str) -> bytes:
    return "".join([_GOOD, "\n", *parts, "\n"]).encode()


def _nested(depth: int, inside: str = "") -> str:
    return "[" * depth + inside + "]" * depth


def _many_keys() -> bytes:
    return (json.dumps({"text": "good", **{f"k{number}": number for number in range(99_999)}}) + "\n").encode()


def _other_keys_in_every_line(lines: int) -> bytes:
    return "".join(json.dumps({"text": "good", f"k{number}": number}) + "\n" for number in range(lines)).encode()


WHOLE_FILES: Final[tuple[Malformed, ...]] = (
    refused("json_empty_file", ".jsonl", holding(b""), "empty"),
    refused("json_only_blank_lines", ".ndjson", holding(b"\n\r\n   \n"), "empty"),
    refused("json_no_objects_at_all", ".jsonl", _lines('"good"', "5", "null"), "JSON object"),
    refused("json_only_empty_objects", ".jsonl", _lines("{}", "{}"), "JSON object"),
    refused("json_array_on_one_line", ".jsonl", holding_text(f"[{_GOOD}, {_GOOD}]"), "JSON object"),
    refused("json_one_object_over_many_lines", ".jsonl", _lines("{", '  "text":', '  "good"', "}"), "JSON object"),
    refused("json_carriage_returns_only", ".jsonl", holding_text(f"{_GOOD}\r{_GOOD}\r"), "JSON object"),
    refused("json_csv_despite_its_suffix", ".jsonl", holding(b"id,text\n1,good\n"), "JSON object"),
    refused("json_no_text_key", ".jsonl", _lines('{"words": "good"}'), "text-column"),
    refused("json_two_usual_text_keys", ".jsonl", _lines(_GOOD, '{"comment": "bad"}'), "several columns"),
    refused("json_scored_in_a_late_line", ".jsonl", _lines(*[_GOOD] * 2_000, '{"text": "bad", "cx_error": null}'), "scored already"),
    kept("json_array_over_many_lines", ".jsonl", _lines("[", f"{_GOOD},", _GOOD, "]"), "not JSON"),
    fine("json_blank_lines", ".jsonl", _lines("", _GOOD, "", "  ", _GOOD, "")),
    fine("json_windows_line_ends", ".jsonl", holding_text(f"{_GOOD}\r\n{_GOOD}\r\n")),
    fine("json_last_line_without_its_end", ".jsonl", holding_text(f"{_GOOD}\n{_GOOD}")),
    fine("json_text_sequence_with_record_separators", ".jsonl", _lines(f"\x1e{_GOOD}", f"\x1e{_GOOD}")),
)

LINES: Final[tuple[Malformed, ...]] = (
    kept("json_lines_that_are_no_objects", ".jsonl", _lines(_GOOD, '"good"', "5", "[1]", "null", "true"), "not a JSON object"),
    kept("json_empty_object", ".jsonl", _lines(_GOOD, "{}"), "no text"),
    kept("json_trailing_comma", ".jsonl", _lines(_GOOD, '{"text": "bad",}'), "not JSON"),
    kept("json_single_quotes", ".jsonl", _lines(_GOOD, "{'text': 'bad'}"), "not JSON"),
    kept("json_comment", ".jsonl", _lines("// good ones", _GOOD, '{"text": "bad" /* really */}'), "not JSON"),
    kept("json_two_objects_in_a_line", ".jsonl", _lines(_GOOD, f"{_GOOD} {_GOOD}"), "not JSON"),
    kept("json_truncated_last_line", ".jsonl", holding_text(f"{_GOOD}\n{_GOOD[:-5]}"), "not JSON"),
    kept("json_control_character_in_a_string", ".jsonl", _lines(_GOOD, '{"text": "ba\x01d"}'), "not JSON"),
    kept("json_bad_escape", ".jsonl", _lines(_GOOD, r'{"text": "C:\data"}'), "not JSON"),
    kept("json_nested_100_000_deep", ".jsonl", building(lambda: _after_good_line(_nested(_DEEP))), "not JSON"),
    kept("json_keys_nested_100_000_deep", ".jsonl", building(lambda: _after_good_line('{"text": ' * _DEEP, "1", "}" * _DEEP)), "not JSON"),
    kept("json_text_nested_100_000_deep", ".jsonl", building(lambda: _after_good_line('{"text": ', _nested(_DEEP), "}")), "not JSON"),
    kept("json_broken_line_of_50_megabytes", ".jsonl", building(lambda: _after_good_line('{"text": "', "bad " * 12_500_000)), "not JSON"),
    kept(
        "json_line_of_50_megabytes", ".jsonl", building(lambda: _after_good_line('{"text": "', "bad " * 12_500_000, '"}')), "text too long"
    ),
)

VALUES: Final[tuple[Malformed, ...]] = (
    kept("json_text_is_a_number", ".jsonl", _lines(_GOOD, '{"text": 5}', '{"text": 0.5}'), "not text"),
    kept("json_text_is_a_list", ".jsonl", _lines(_GOOD, '{"text": ["bad"]}'), "not text"),
    kept("json_text_is_an_object", ".jsonl", _lines(_GOOD, '{"text": {"en": "bad"}}'), "not text"),
    kept("json_text_is_null", ".jsonl", _lines(_GOOD, '{"text": null}'), "no text"),
    kept("json_text_is_a_boolean", ".jsonl", _lines(_GOOD, '{"text": true}'), "not text"),
    kept("json_text_is_not_a_number", ".jsonl", _lines(_GOOD, '{"text": NaN}', '{"text": -Infinity}'), "not text"),
    kept("json_text_is_10_to_the_400", ".jsonl", _lines(_GOOD, f'{{"text": 1{"0" * 400}}}'), "not text"),
    kept("json_text_is_never_a_string", ".jsonl", _lines('{"text": 1}', '{"text": [2]}'), "not text"),
    kept("json_text_nested_300_deep", ".jsonl", _lines(_GOOD, f'{{"text": {_nested(300)}}}'), "not text"),
    kept("json_key_missing_in_some_rows", ".jsonl", _lines(_GOOD, '{"id": 2}', '{"text": "bad", "id": 3}'), "no text"),
    kept("json_number_of_5_000_digits", ".jsonl", _lines(_GOOD, f'{{"text": "bad", "n": 1{"0" * 5_000}}}'), "not JSON"),
    fine("json_numbers_of_400_digits", ".jsonl", _lines(f'{{"text": "good", "n": 1{"0" * 400}}}', '{"text": "bad", "n": -1e400}')),
    fine("json_numbers_around_64_bits", ".jsonl", _lines(*(f'{{"text": "good", "n": {2**63 + step}}}' for step in (-1, 0, 1)))),
    fine("json_not_a_number_in_another_key", ".jsonl", _lines('{"text": "good", "rate": NaN}', '{"text": "bad", "rate": Infinity}')),
    fine("json_not_a_number_in_a_list", ".jsonl", _lines('{"text": "good", "rates": [NaN, 1]}')),
    fine("json_mixed_kinds", ".jsonl", _lines(*(f'{{"text": "good", "x": {x}}}' for x in ("1", '"1"', "[]", "{}", "null", "1.5")))),
    fine("json_duplicate_keys", ".jsonl", _lines('{"text": "bad", "text": "good"}')),
    fine("json_empty_key", ".jsonl", _lines('{"": 1, "text": "good"}')),
    fine("json_keys_with_line_breaks_and_formulas", ".jsonl", _lines(r'{"a\nb": 1, "=1+1": 2, "text": "good"}')),
    fine("json_other_column_nested_300_deep", ".jsonl", _lines(f'{{"text": "good", "tags": {_nested(300)}}}')),
    fine("json_nested_600_deep_with_an_escape", ".jsonl", _lines(f'{{"text": "good", "tags": {_nested(600, _ESCAPED)}}}')),
    fine("json_half_of_a_surrogate_pair", ".jsonl", _lines(r'{"text": "great \ud83d"}', r'{"text": "\ude00 bad"}')),
    fine("json_half_of_a_surrogate_pair_in_a_key", ".jsonl", _lines(r'{"no\ud83dte": 1, "text": "good"}')),
    fine("json_escaped_zero_byte", ".jsonl", _lines(r'{"text": "go\u0000od"}')),
    fine("json_line_separators_of_unicode", ".jsonl", _lines('{"text": "good\u2028but\u2029slow\x85"}')),
    fine("json_100_000_keys", ".jsonl", building(_many_keys)),
    fine("json_other_keys_in_every_line", ".jsonl", building(lambda: _other_keys_in_every_line(2_000))),
    refused("json_other_keys_in_20_000_lines", ".jsonl", building(lambda: _other_keys_in_every_line(20_000)), "columns"),
)

JSON_FILES: Final[tuple[Malformed, ...]] = (*WHOLE_FILES, *LINES, *VALUES)

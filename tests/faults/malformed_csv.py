"""CSV and TSV files with an odd structure."""

from __future__ import annotations

from typing import Final

from tests.faults.malformed_input import Malformed, building, fine, holding, holding_text, kept, refused

_MANY: Final = 100_000


def _many_columns() -> bytes:
    header = ",".join(["text", *(f"c{number}" for number in range(_MANY - 1))])
    return f"{header}\ngood{',' * (_MANY - 1)}\n".encode()


def _long_name(first: str) -> bytes:
    return f"{first},{'n' * 1_000_000}\ngood,1\n".encode()


_BACKSLASH: Final = r"""id,text
1,"they said \"no\" to me"
"""
_BACKSLASH_AND_COMMA: Final = r"""id,text
1,"they said \"no, thanks\""
"""
_FORMULAS: Final = r"""id,text
1,=cmd|' /C calc'!A0
2,+1-1
3,@SUM(A1:A9)
4,-2+3+cmd|' /C calc'!A0
5,"=HYPERLINK(""https://example.org/"",""open"")"
"""

EMPTY: Final[tuple[Malformed, ...]] = (
    refused("csv_empty_file", ".csv", holding(b""), "empty"),
    refused("csv_only_a_mark", ".csv", holding(b"\xef\xbb\xbf"), "empty"),
    refused("csv_only_blank_lines", ".csv", holding(b"\n\r\n  \n\t\n\n"), "empty"),
    refused("csv_only_delimiters", ".csv", holding(b",,,\n,,,\n"), "empty"),
    refused("tsv_empty_file", ".tsv", holding(b""), "empty"),
    fine("csv_header_only", ".csv", holding(b"id,text\n")),
    fine("csv_header_only_without_line_end", ".csv", holding(b"id,text")),
)

ROWS: Final[tuple[Malformed, ...]] = (
    kept("csv_rows_too_long", ".csv", holding(b"id,text\n1,good\n2,bad,worse,,\n"), "too many cells"),
    kept("csv_rows_too_short", ".csv", holding(b"id,when,text\n1,now,good\n2\n3,now\n"), "no text"),
    kept("csv_unquoted_commas_in_the_only_column", ".csv", holding(b"text\ngood, really\nbad\n"), "too many cells"),
    kept("csv_space_before_a_quote", ".csv", holding(b'id,text\n1, "good, really"\n2,bad\n'), "too many cells"),
    kept("csv_backslash_before_quotes_and_a_comma", ".csv", holding_text(_BACKSLASH_AND_COMMA), "too many cells"),
    kept("csv_other_delimiter_in_the_rows", ".csv", holding(b"id,text\n1;good\n2,bad\n"), "no text"),
    fine("csv_rows_short_of_other_columns", ".csv", holding(b"id,text,when\n1,good\n2,bad,now\n")),
    fine("csv_blank_lines_between_rows", ".csv", holding(b"id,text\n\n1,good\n\n\n2,bad\n\n")),
    fine("csv_blank_lines_before_the_header", ".csv", holding(b"\n\n  \nid,text\n1,good\n")),
    fine("csv_header_repeated_in_the_middle", ".csv", holding(b"id,text\n1,good\nid,text\n2,bad\n")),
    fine("csv_end_of_file_mark_of_old_systems", ".csv", holding(b"id,text\n1,good\n2,\x1a")),
)

QUOTES: Final[tuple[Malformed, ...]] = (
    refused("csv_unclosed_quote", ".csv", holding(b'id,text\n1,good\n2,"bad\n3,worse\n'), "never closed"),
    refused("csv_unclosed_quote_in_the_header", ".csv", holding(b'"id,text\n1,good\n'), "never closed"),
    refused("csv_unclosed_quote_in_the_last_cell", ".csv", holding(b'id,text\n1,"'), "never closed"),
    fine("csv_quote_in_an_unquoted_cell", ".csv", holding(b'id,text\n1,5" pizza was bad\n2,they said "good"\n')),
    fine("csv_text_after_a_closing_quote", ".csv", holding(b'id,text\n1,"good" service\n')),
    fine("csv_backslash_before_quotes", ".csv", holding_text(_BACKSLASH)),
    fine("csv_quoted_line_breaks", ".csv", holding(b'id,text\r\n1,"good\nbut\rslow\r\n"\r\n2,"\n"\r\n')),
    fine("csv_100_000_line_breaks_in_a_cell", ".csv", building(lambda: b'id,text\n1,"good' + b"\n" * _MANY + b'"\n')),
    fine("csv_everything_quoted", ".csv", holding(b'"id","text"\n"1","good, ""really"""\n"2",""""\n')),
    fine("csv_curly_quotes_around_commas_in_quotes", ".csv", holding_text('id,text\n1,"“good, really”"\n')),
    fine("tsv_quotes_that_do_not_pair_up", ".tsv", holding(b'id\ttext\n1\t"good\n2\t5" pizza\n')),
)

LINES_AND_DELIMITERS: Final[tuple[Malformed, ...]] = (
    fine("csv_carriage_returns_only", ".csv", holding(b"id,text\r1,good\r2,bad\r")),
    fine("csv_mixed_line_ends", ".csv", holding(b"id,text\r\n1,good\n2,bad\r3,worse")),
    fine("csv_semicolons", ".csv", holding_text("id;κείμενο;τιμή\n1;καλό, αλλά αργό;3,5\n")),
    fine("csv_tabs", ".csv", holding(b"id\ttext\n1\tgood, but slow\n")),
    fine("csv_pipes", ".csv", holding(b"id|text\n1|good, but slow\n")),
    fine("tsv_with_commas_in_cells", ".tsv", holding(b"id\ttext\n1\tgood, but slow\n")),
    fine("csv_separator_line_of_a_spreadsheet", ".csv", holding(b"sep=;\r\nid;text\r\n1;good, but slow\r\n")),
    refused("tsv_with_commas_only", ".tsv", holding(b"id,text\n1,good\n"), "text-column"),
)

COLUMNS: Final[tuple[Malformed, ...]] = (
    refused("csv_same_column_name_twice", ".csv", holding(b"text,id,text\ngood,1,bad\n"), "more than one column"),
    refused("csv_two_empty_column_names", ".csv", holding(b"text,,\ngood,1,2\n"), "more than one column"),
    refused("csv_many_columns_and_many_short_rows", ".csv", building(lambda: _many_columns() + b"good\n" * 10_000), "columns"),
    refused("csv_no_text_column", ".csv", holding(b"id,words\n1,good\n"), "text-column"),
    refused("csv_no_header", ".csv", holding(b"1,good service\n2,bad service\n"), "text-column"),
    refused("csv_title_above_the_header", ".csv", holding(b"Survey of May\nid,text\n1,good\n"), "text-column"),
    refused("csv_two_usual_text_columns", ".csv", holding(b"text,comment\ngood,bad\n"), "several columns"),
    refused("csv_text_columns_that_differ_in_case", ".csv", holding(b"text,Text\ngood,bad\n"), "several columns"),
    refused("csv_scored_already", ".csv", holding(b"text,cx_sentiment,cx_error\ngood,positive,\n"), "scored already"),
    refused("csv_terminal_codes_in_a_column_name", ".csv", holding(b"id,\x1b[31mred\x1b]0;title\x07\n1,2\n"), "text-column"),
    refused("csv_million_letters_in_a_column_name_without_text", ".csv", building(lambda: _long_name("id")), "text-column"),
    fine("csv_million_letters_in_a_column_name", ".csv", building(lambda: _long_name("text"))),
    fine("csv_other_columns_that_begin_with_cx", ".csv", holding(b"cx_id,text,cx_\n1,good,2\n")),
    fine("csv_empty_column_name", ".csv", holding(b"id,,text\n1,2,good\n")),
    fine("csv_delimiter_at_the_end_of_each_line", ".csv", holding(b"id,text,\n1,good,\n")),
    fine("csv_line_break_in_a_column_name", ".csv", holding(b'"date\nof visit",text\n1,good\n')),
    fine("csv_formula_as_a_column_name", ".csv", holding(b"=cmd|' /C calc'!A0,@x,text\n1,2,good\n")),
    fine("csv_100_000_columns", ".csv", building(_many_columns)),
)

CELLS: Final[tuple[Malformed, ...]] = (
    fine("csv_formulas", ".csv", holding_text(_FORMULAS)),
    fine("csv_formulas_after_a_tab_or_carriage_return", ".csv", holding(b'id,text\n1,\t=1+1\n2,"\r=1+1"\n3,"\n=1+1"\n')),
    kept("csv_cell_of_50_megabytes", ".csv", building(lambda: b"id,text\n1," + b"bad " * 12_500_000 + b"\n"), "text too long"),
    fine("csv_other_cell_of_50_megabytes", ".csv", building(lambda: b"text,note\ngood," + b"x" * 50_000_000 + b"\n")),
    fine("csv_words_that_mean_nothing_elsewhere", ".csv", holding(b"id,text\n1,NULL\n2,nan\n3,N/A\n4,None\n5,#N/A\n6,\\N\n")),
)

CSV_FILES: Final[tuple[Malformed, ...]] = (*EMPTY, *ROWS, *QUOTES, *LINES_AND_DELIMITERS, *COLUMNS, *CELLS)

"""Parquet and Arrow (Feather) files that are damaged, or whose columns are unusual."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.malformed_input import Make, Malformed, building, fine, holding, kept, refused

_NOISE: Final = bytes(range(256)) * 4
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
# The texts that the offsets of `_arrow_with_offsets` stand for.
_LONG, _SHORT = "x" * 1_001, "bad"
_FAR: Final = 2**30
_BEYOND_THE_CALENDAR: Final = 2**60
"""Microseconds: some 36,000 years."""


def _good() -> pa.Table:
    return pa.table({"id": [1, 2], "text": ["good service", "bad service"]})


def _texts(column: pa.Array) -> pa.Table:
    return pa.table({"id": pa.array(range(len(column)), pa.int64()), "text": column})


def _broken_strings() -> pa.Array:
    return pa.array([b"good", b"ba\xe1", None]).view(pa.string())


def _beside_text(**columns: pa.Array) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({"text": ["good"] * rows, **columns})


def _same_name_twice() -> pa.Table:
    return pa.Table.from_arrays([pa.array(["good"]), pa.array(["bad"])], names=["text", "text"])


# ---- Parquet


def _parquet_bytes(table: pa.Table, **options: object) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, **options)
    return content.getvalue()


def _parquet(build: Callable[[], pa.Table], **options: object) -> Make:
    return building(lambda: _parquet_bytes(build(), **options))


def _damaged_parquet(damage: Callable[[bytes], bytes], **options: object) -> Make:
    return building(lambda: damage(_parquet_bytes(_good(), **options)))


def _with_footer_length(content: bytes, length: int) -> bytes:
    return content[:-8] + struct.pack("<I", length) + content[-4:]


def _with_noise_for_a_footer(content: bytes) -> bytes:
    length = int.from_bytes(content[-8:-4], "little")
    return content[: -8 - length] + (_NOISE * (length // len(_NOISE) + 1))[:length] + content[-8:]


def _nested_columns() -> pa.Table:
    return _beside_text(
        struct=pa.array([{"a": [{"b": 1}], "c": "x"}, None]),
        lists=pa.array([[[1], []], None]),
        map=pa.array([[("k", float("nan"))], []], pa.map_(pa.string(), pa.float64())),
        binary=pa.array([b"\xff\0", None]),
    )


def _dates_beyond_the_calendar() -> pa.Table:
    return _beside_text(moment=pa.array([_BEYOND_THE_CALENDAR, -_BEYOND_THE_CALENDAR], pa.timestamp("us")))


def _lists_of_dates_beyond_the_calendar() -> pa.Table:
    return _beside_text(moments=pa.array([[_BEYOND_THE_CALENDAR], []], pa.list_(pa.timestamp("us"))))


PARQUET_FILES: Final[tuple[Malformed, ...]] = (
    refused("parquet_empty_file", ".parquet", holding(b""), "empty"),
    refused("parquet_csv_despite_its_suffix", ".parquet", holding(b"id,text\n1,good\n"), "cannot be read"),
    refused("parquet_only_its_magic", ".parquet", holding(b"PAR1"), "cannot be read"),
    refused("parquet_magic_twice_and_nothing_else", ".parquet", holding(b"PAR1PAR1"), "cannot be read"),
    refused("parquet_without_its_last_bytes", ".parquet", _damaged_parquet(lambda content: content[:-20]), "cannot be read"),
    refused("parquet_cut_in_half", ".parquet", _damaged_parquet(lambda content: content[: len(content) // 2]), "cannot be read"),
    refused("parquet_only_its_last_bytes", ".parquet", _damaged_parquet(lambda content: content[-12:]), "cannot be read"),
    refused("parquet_wrong_magic", ".parquet", _damaged_parquet(lambda content: b"PAX9" + content[4:-4] + b"PAX9"), "cannot be read"),
    refused("parquet_footer_of_a_gigabyte", ".parquet", _damaged_parquet(lambda it: _with_footer_length(it, _FAR)), "cannot be read"),
    refused("parquet_footer_of_4_gigabytes", ".parquet", _damaged_parquet(lambda it: _with_footer_length(it, 2**32 - 1)), "cannot be read"),
    refused("parquet_footer_of_no_length", ".parquet", _damaged_parquet(lambda it: _with_footer_length(it, 0)), "cannot be read"),
    refused("parquet_footer_of_noise", ".parquet", _damaged_parquet(_with_noise_for_a_footer), "cannot be read"),
    refused("parquet_footer_seems_encrypted", ".parquet", holding(b"PARE" + _NOISE + struct.pack("<I", 512) + b"PARE"), "cannot be read"),
    refused(
        "parquet_pages_that_do_not_decompress",
        ".parquet",
        _damaged_parquet(lambda content: content.replace(_ZSTD_MAGIC, bytes(4)), compression="zstd"),
        "damaged",
    ),
    refused("parquet_no_columns", ".parquet", _parquet(lambda: pa.table({})), "column"),
    refused("parquet_no_text_column", ".parquet", _parquet(lambda: pa.table({"words": ["good"]})), "text-column"),
    refused("parquet_same_column_name_twice", ".parquet", _parquet(_same_name_twice), "more than one column"),
    refused("parquet_names_that_differ_in_case", ".parquet", _parquet(lambda: pa.table({"text": ["a"], "Text": ["b"]})), "several columns"),
    refused("parquet_scored_already", ".parquet", _parquet(lambda: pa.table({"text": ["a"], "cx_error": ["b"]})), "scored already"),
    kept("parquet_text_is_whole_numbers", ".parquet", _parquet(lambda: _texts(pa.array([5, None]))), "not text"),
    kept("parquet_text_is_numbers", ".parquet", _parquet(lambda: _texts(pa.array([0.5, float("nan")]))), "not text"),
    kept("parquet_text_is_booleans", ".parquet", _parquet(lambda: _texts(pa.array([True, False]))), "not text"),
    kept("parquet_text_is_dates", ".parquet", _parquet(lambda: _texts(pa.array([0, 1], pa.timestamp("us")))), "not text"),
    kept("parquet_text_is_binary_and_broken", ".parquet", _parquet(lambda: _texts(pa.array([b"good", b"ba\xe1"]))), "not text"),
    kept("parquet_text_is_lists", ".parquet", _parquet(lambda: _texts(pa.array([["good"], []]))), "not text"),
    kept("parquet_text_is_structs", ".parquet", _parquet(lambda: _texts(pa.array([{"en": "good"}, None]))), "not text"),
    kept("parquet_text_is_a_dictionary_of_numbers", ".parquet", _parquet(lambda: _texts(pa.array([5, 5]).dictionary_encode())), "not text"),
    kept("parquet_text_is_only_nulls", ".parquet", _parquet(lambda: _texts(pa.nulls(3, pa.string()))), "no text"),
    kept("parquet_text_is_of_null_type", ".parquet", _parquet(lambda: _texts(pa.nulls(3))), "no text"),
    kept("parquet_strings_that_are_not_utf_8", ".parquet", _parquet(lambda: _texts(_broken_strings())), "broken encoding"),
    kept(
        "parquet_dictionary_of_strings_that_are_not_utf_8",
        ".parquet",
        _parquet(lambda: _texts(_broken_strings().dictionary_encode())),
        "broken encoding",
    ),
    fine("parquet_other_strings_that_are_not_utf_8", ".parquet", _parquet(lambda: _beside_text(note=_broken_strings()))),
    fine("parquet_no_rows", ".parquet", _parquet(lambda: _good().slice(0, 0))),
    fine("parquet_text_is_a_dictionary", ".parquet", _parquet(lambda: _texts(pa.array(["good", "bad", "good"]).dictionary_encode()))),
    fine("parquet_text_is_large_strings", ".parquet", _parquet(lambda: _texts(pa.array(["good"], pa.large_string())))),
    fine("parquet_nested_columns", ".parquet", _parquet(_nested_columns)),
    fine("parquet_dates_beyond_the_calendar", ".parquet", _parquet(_dates_beyond_the_calendar)),
    fine("parquet_lists_of_dates_beyond_the_calendar", ".parquet", _parquet(_lists_of_dates_beyond_the_calendar)),
    fine("parquet_row_groups_of_one_row", ".parquet", _parquet(lambda: pa.table({"text": ["good"] * 1_000}), row_group_size=1)),
    fine("parquet_empty_column_name", ".parquet", _parquet(lambda: pa.table({"": [1], "text": ["good"]}))),
)


# ---- Arrow and Feather


def _arrow_bytes(table: pa.Table, compression: str | None = None, *, stream: bool = False) -> bytes:
    content = io.BytesIO()
    start = pa.ipc.new_stream if stream else pa.ipc.new_file
    with start(content, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return content.getvalue()


def _arrow(build: Callable[[], pa.Table], compression: str | None = None, *, stream: bool = False) -> Make:
    return building(lambda: _arrow_bytes(build(), compression, stream=stream))


def _damaged_arrow(damage: Callable[[bytes], bytes]) -> Make:
    return building(lambda: damage(_arrow_bytes(_good())))


def _replaced(content: bytes, format_: str, before: tuple[int, ...], after: tuple[int, ...]) -> bytes:
    old, new = struct.pack(format_, *before), struct.pack(format_, *after)
    if content.count(old) != 1:
        raise ValueError("the numbers to replace should stand in the file exactly once")
    return content.replace(old, new)


def _offsets_out_of_bounds() -> bytes:
    ends = (0, len(_LONG), len(_LONG) + len(_SHORT))
    return _replaced(_arrow_bytes(_texts(pa.array([_LONG, _SHORT]))), "<3i", ends, (*ends[:2], _FAR))


def _dictionary_index_out_of_bounds() -> bytes:
    table = pa.table({"text": pa.array(["good", "bad"] * 4).dictionary_encode()})
    return _replaced(_arrow_bytes(table), "<8i", (0, 1) * 4, (*(0, 1) * 3, 0, _FAR))


ARROW_FILES: Final[tuple[Malformed, ...]] = (
    refused("arrow_empty_file", ".arrow", holding(b""), "empty"),
    refused("feather_empty_file", ".feather", holding(b""), "empty"),
    refused("feather_csv_despite_its_suffix", ".feather", holding(b"id,text\n1,good\n"), "cannot be read"),
    refused("feather_only_its_magic", ".feather", holding(b"ARROW1\0\0ARROW1"), "cannot be read"),
    refused("feather_of_the_first_version", ".feather", holding(b"FEA1" + _NOISE + struct.pack("<I", 512) + b"FEA1"), "cannot be read"),
    refused("feather_without_its_last_bytes", ".feather", _damaged_arrow(lambda content: content[:-20]), "cannot be read"),
    refused("arrow_cut_in_half", ".arrow", _damaged_arrow(lambda content: content[: len(content) // 2]), "cannot be read"),
    refused(
        "arrow_footer_longer_than_the_file",
        ".arrow",
        _damaged_arrow(lambda content: content[:-10] + struct.pack("<i", _FAR) + content[-6:]),
        "cannot be read",
    ),
    refused("arrow_offsets_out_of_bounds", ".arrow", building(_offsets_out_of_bounds), "damaged"),
    refused("arrow_dictionary_index_out_of_bounds", ".arrow", building(_dictionary_index_out_of_bounds), "damaged"),
    refused("feather_no_text_column", ".feather", _arrow(lambda: pa.table({"words": ["good"]})), "text-column"),
    refused("feather_same_column_name_twice", ".feather", _arrow(_same_name_twice), "more than one column"),
    kept("feather_text_is_whole_numbers", ".feather", _arrow(lambda: _texts(pa.array([5, None]))), "not text"),
    kept("feather_strings_that_are_not_utf_8", ".feather", _arrow(lambda: _texts(_broken_strings())), "broken encoding"),
    kept("feather_text_is_only_nulls", ".feather", _arrow(lambda: _texts(pa.nulls(3))), "no text"),
    fine("feather_no_rows", ".feather", _arrow(lambda: _good().slice(0, 0))),
    fine("feather_lz4", ".feather", _arrow(_good, "lz4")),
    fine("feather_zstd", ".feather", _arrow(_good, "zstd")),
    fine("arrow_text_is_a_dictionary", ".arrow", _arrow(lambda: _texts(pa.array(["good", "bad"]).dictionary_encode()))),
    fine("arrow_text_is_string_views", ".arrow", _arrow(lambda: _texts(pa.array(["good", _LONG], pa.string_view())))),
    fine("arrow_nested_columns", ".arrow", _arrow(_nested_columns)),
    fine("arrow_stream", ".arrow", _arrow(_good, stream=True)),
)

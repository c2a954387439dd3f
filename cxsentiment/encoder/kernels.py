"""Binding of `kernels.c`: our own encoder and its head on tokens in int8.

Built with the package where there is a C compiler (see `hatch_build.py`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LIBRARY = Path(__file__).with_name("_kernels.so")
VERSION = 2
PANEL, HEAD = 32, 32

Floats = npt.NDArray[np.float32]
Int8s = npt.NDArray[np.int8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IntegerMatrix:
    """A linear layer on integers: `integers [rows, columns]` in int8, and what makes outputs of the sums: `sum * scale + bias`, [rows]."""

    integers: Int8s
    scale: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class IntegerLayer:
    """A transformer layer on integers. Factors and shifts [hidden] make unsigned 8-bit integers of the layer's input and of its middle."""

    qkv: IntegerMatrix
    out: IntegerMatrix
    up: IntegerMatrix
    down: IntegerMatrix
    qkv_factor: Floats
    qkv_shift: Floats
    up_factor: Floats
    up_shift: Floats
    middle_weight: Floats
    middle_bias: Floats
    final_weight: Floats
    final_bias: Floats


@dataclass(frozen=True, slots=True)
class IntegerHead:
    """Two layers with GELU between that give each token its logits; factor and shift [hidden] make integers of its state."""

    inner: IntegerMatrix
    outer: IntegerMatrix
    factor: Floats
    shift: Floats


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """All that the kernels need of an encoder and its head on tokens.

    Tables [vocabulary, hidden] and [positions, hidden], norm [hidden].
    """

    heads: int
    words: Floats
    positions: Floats
    norm_weight: Floats
    norm_bias: Floats
    layers: tuple[IntegerLayer, ...]
    tokens: IntegerHead


class _Matrix(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("weight", "scale", "bias"))


class _Layer(ctypes.Structure):
    _fields_ = tuple((field.name, _Matrix if field.type == "IntegerMatrix" else ctypes.c_void_p) for field in fields(IntegerLayer))


class _Head(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("units", "labels")),
        *((name, _Matrix) for name in ("inner", "outer")),
        *((name, ctypes.c_void_p) for name in ("factor", "shift")),
    )


class _Network(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("hidden", "heads", "intermediate", "layers")),
        *((name, ctypes.c_void_p) for name in ("words", "positions", "norm_weight", "norm_bias")),
        ("layer", ctypes.POINTER(_Layer)),
        ("tokens", _Head),
    )


def supported() -> bool:
    """Whether the kernels were built and this processor has what they need (x86-64 with AVX-512 VNNI)."""
    return _library() is not None


def fits(hidden: int, heads: int, *layers: int) -> bool:
    """Whether the kernels can do an encoder of these sizes, with other layers (intermediate ones, heads) of these."""
    return hidden == HEAD * heads and all(units % PANEL == 0 for units in (hidden, *layers))


class Kernels:
    """An encoder ready to run. Thread-safe; the interpreter lock is released while it runs. Raises ValueError for sizes it cannot do."""

    def __init__(self, network: IntegerNetwork) -> None:
        library = _library()
        if library is None:
            raise ValueError("the int8 kernels are not available here")
        self._library = library
        self._held: list[npt.NDArray[Any]] = []  # what the structures point to
        self._vocabulary, self._hidden = network.words.shape
        self._positions = len(network.positions)
        self._labels = len(network.tokens.outer.bias)
        units = network.layers[0].up.integers.shape[0]
        if not fits(self._hidden, network.heads, units, len(network.tokens.inner.bias)):
            raise ValueError(f"the int8 kernels need heads of {HEAD} units and layers of a multiple of {PANEL}")
        layers = (_Layer * len(network.layers))(*(_Layer(**self._fields_of(layer)) for layer in network.layers))
        tables = {name: self._pointer(getattr(network, name), np.float32) for name in ("words", "positions", "norm_weight", "norm_bias")}
        sizes = {"hidden": self._hidden, "heads": network.heads, "intermediate": units, "layers": len(layers)}
        self._network = _Network(**sizes, **tables, layer=layers, tokens=self._head(network.tokens))

    def encode(self, ids: Int32s, starts: Int64s, cuts: Int64s | None = None, threads: int = 1) -> tuple[Floats, Floats, Floats]:
        """Logits of tokens [tokens, labels], and sum and maximum of each sequence's states [sequences, hidden].

        Sequences lie one after the other: number n holds ids [starts[n], starts[n + 1]). Batch number n of those that `threads` share holds
        sequences [cuts[n], cuts[n + 1]); None is a single batch. Raises ValueError when ids, lengths or cuts are out of range.
        """
        return self._encode(ids, starts, cuts, threads, None)

    def states(self, ids: Int32s, starts: Int64s) -> Floats:
        """The last layer's states [tokens, hidden] of sequences as for `encode`."""
        states = np.empty((len(ids), self._hidden), np.float32)
        self._encode(ids, starts, None, 1, states)
        return states

    def _encode(
        self, ids: Int32s, starts: Int64s, cuts: Int64s | None, threads: int, states: Floats | None
    ) -> tuple[Floats, Floats, Floats]:
        lengths = np.diff(starts)
        cuts = np.array([0, len(lengths)]) if cuts is None else cuts
        if not len(lengths) or starts[0] or starts[-1] != len(ids) or lengths.min() < 1 or lengths.max() > self._positions:
            raise ValueError(f"sequences must have 1 to {self._positions} tokens and fill the ids")
        if ids.min() < 0 or ids.max() >= self._vocabulary:
            raise ValueError(f"ids must be below {self._vocabulary}")
        if len(cuts) < 2 or cuts[0] or cuts[-1] != len(lengths) or np.diff(cuts).min() < 1:
            raise ValueError("batches must have at least one sequence and hold all of them, in order")
        ids, starts, cuts = (
            np.ascontiguousarray(ids, np.int32),
            np.ascontiguousarray(starts, np.int64),
            np.ascontiguousarray(cuts, np.int64),
        )
        logits = np.empty((len(ids), self._labels + -self._labels % PANEL), np.float32)
        total, largest = (np.empty((len(lengths), self._hidden), np.float32) for _ in range(2))
        given = (ids.ctypes.data, starts.ctypes.data, cuts.ctypes.data, len(cuts) - 1, threads)
        room = (None if states is None else states.ctypes.data, *(array.ctypes.data for array in (logits, total, largest)))
        if self._library.cx_encode(ctypes.byref(self._network), *given, *room):
            raise MemoryError(f"no memory for batches of {len(ids)} tokens: use a smaller token_budget")
        return logits[:, : self._labels], total, largest

    def _head(self, head: IntegerHead) -> _Head:
        """The outer matrix has rows of zeros behind its own, up to a whole number of panels."""
        missing = -self._labels % PANEL
        outer = head.outer
        padded = IntegerMatrix(
            np.pad(outer.integers, ((0, missing), (0, 0))), np.pad(outer.scale, (0, missing)), np.pad(outer.bias, (0, missing))
        )
        factors = {name: self._pointer(getattr(head, name), np.float32) for name in ("factor", "shift")}
        sizes = {"units": len(head.inner.bias), "labels": self._labels + missing}
        return _Head(**sizes, inner=self._matrix(head.inner), outer=self._matrix(padded), **factors)

    def _fields_of(self, layer: IntegerLayer) -> Mapping[str, Any]:
        plain = {field.name: getattr(layer, field.name) for field in fields(layer)}
        return {
            name: self._matrix(one) if isinstance(one, IntegerMatrix) else self._pointer(one, np.float32) for name, one in plain.items()
        }

    def _matrix(self, matrix: IntegerMatrix) -> _Matrix:
        rows, columns = matrix.integers.shape
        integers = np.ascontiguousarray(matrix.integers, np.int8)
        packed = np.empty(integers.size, np.int8)
        self._library.cx_pack(integers.ctypes.data, rows, columns, packed.ctypes.data)
        return _Matrix(self._pointer(packed, np.int8), self._pointer(matrix.scale, np.float32), self._pointer(matrix.bias, np.float32))

    def _pointer(self, array: npt.NDArray[Any], kind: type[np.generic]) -> int:
        self._held.append(np.ascontiguousarray(array, kind))
        return int(self._held[-1].ctypes.data)


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(LIBRARY))
        if library.cx_version() != VERSION or not library.cx_supported():
            return None
    except (OSError, AttributeError):  # not built, or for another machine
        return None
    library.cx_pack.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    library.cx_encode.argtypes = (*(ctypes.c_void_p,) * 4, ctypes.c_int64, ctypes.c_int32, *(ctypes.c_void_p,) * 4)
    return library

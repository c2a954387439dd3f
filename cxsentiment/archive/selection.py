"""Some rows of an archive: the first ones, or a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cxsentiment.archive.chunking import in_chunks
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, Source
from cxsentiment.errors import OptionError

READ_ROWS = 4096


@dataclass(frozen=True)
class Selection:
    """Rows of another source: its first `limit`, of which a `sample` is drawn (a number of rows, or a share below 1) with a `seed`.

    The same rows every time; they keep their order.
    """

    source: Source
    limit: int | None = None
    sample: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise OptionError(f"a limit is at least one row, not {self.limit}")
        if self.sample is not None and (self.sample <= 0 or (self.sample > 1 and self.sample != int(self.sample))):
            raise OptionError(f"a sample is a number of rows, or a share of them between 0 and 1, not {self.sample}")

    @property
    def name(self) -> str:
        """That of the source."""
        return self.source.name

    @property
    def schema(self) -> pa.Schema:
        """That of the source."""
        return self.source.schema

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Those of the source."""
        return self.source.text_columns

    @property
    def rows(self) -> int:
        """How many there are of them."""
        return len(self._chosen)

    @property
    def identity(self) -> Mapping[str, str]:
        """The source's, and what is chosen of it."""
        return {**self.source.identity, "limit": str(self.limit), "sample": str(self.sample), "seed": str(self.seed)}

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """The chosen rows, lazily, in chunks of `size`."""
        return in_chunks(self._parts(), size)

    def _parts(self) -> Iterator[Chunk]:
        chosen, first = self._chosen, 0
        for chunk in self.source.chunks(READ_ROWS):
            last = first + chunk.table.num_rows
            here = chosen[np.searchsorted(chosen, first) : np.searchsorted(chosen, last)] - first
            yield Chunk(chunk.table.take(here), [chunk.texts[index] for index in here.tolist()])
            first = last
            if not len(chosen) or chosen[-1] < first:
                return

    @cached_property
    def _chosen(self) -> npt.NDArray[np.int64]:
        rows = self.source.rows if self.limit is None else min(self.limit, self.source.rows)
        if self.sample is None:
            return np.arange(rows)
        size = round(self.sample * rows) if self.sample < 1 else min(int(self.sample), rows)
        return np.sort(np.random.default_rng(self.seed).choice(rows, size, replace=False))

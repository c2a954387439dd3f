"""All malformed and odd inputs, as data: what somebody may hand to `cxsentiment score`, and what must come of it.

The corpus says what is wanted, which is not always what is there yet. For whoever runs it:

- `Malformed.write(folder)` makes the file. Messages name the path, so the folder should hold no word of a message either.
- Work on each in a process of its own, with limits on time and memory: a bomb that is not refused fills the machine, and an Arrow file
  whose offsets are believed ends the process.
- Leave `place_may_not_be_read` out for root, who may read anything, and `place_*` and `name_*` on systems other than Linux.
- Score to all formats of output; some columns can be read and yet not be written.
- No line on stderr and no summary should hold terminal codes (escape sequences) that came from the file or its name.
"""

from __future__ import annotations

from typing import Final

from tests.faults.malformed_csv import CSV_FILES
from tests.faults.malformed_encoding import ENCODINGS
from tests.faults.malformed_excel import EXCEL_FILES
from tests.faults.malformed_input import Malformed
from tests.faults.malformed_json import JSON_FILES
from tests.faults.malformed_other import OTHER_FILES
from tests.faults.malformed_parquet import ARROW_FILES, PARQUET_FILES
from tests.faults.malformed_texts import TEXTS

__all__ = ["MALFORMED", "Malformed"]

MALFORMED: Final[tuple[Malformed, ...]] = (
    *ENCODINGS,
    *CSV_FILES,
    *JSON_FILES,
    *PARQUET_FILES,
    *ARROW_FILES,
    *EXCEL_FILES,
    *OTHER_FILES,
    *TEXTS,
)

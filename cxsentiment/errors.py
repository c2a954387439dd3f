"""Every error this library raises on purpose. Each message says what was wrong, where, and what to do.

CxError
├── InputError         a file, column, cell or argument that cannot be read as feedback
│   └── MissingColumnError  a scored archive has no such column (days, channels, texts, answers of the model)
├── OutputError        a place that cannot be written
├── OptionError        an option with a value that does not exist here (device, dtype, language code, ...)
├── ModelError         a model that is missing, incomplete, changed, or neither one of ours nor a Hugging Face classifier
├── TaxonomyError      a taxonomy file that cannot be used
└── MissingExtraError  an optional package that is not installed; names the extra to install
"""


class CxError(Exception):
    """Base of all errors of cxsentiment; catch it to catch them all."""


class InputError(CxError):
    """A file, column, cell or argument cannot be read as feedback."""


class MissingColumnError(InputError):
    """A scored archive has no such column: no days, channels, texts, or not that answer of the model.

    `lacks` says which (date, undated, channel, text, answer, compare), `column` its name where it has one.
    """

    def __init__(self, message: str, lacks: str = "", column: str = "") -> None:
        super().__init__(message)
        self.lacks, self.column = lacks, column


class OutputError(CxError):
    """The result cannot be written where it was asked for."""


class OptionError(CxError):
    """An option has a value that does not exist; the message lists the ones that do."""


class ModelError(CxError):
    """A model folder is missing, incomplete, changed since it was made, or neither one of ours nor a Hugging Face classifier."""


class TaxonomyError(CxError):
    """A taxonomy file cannot be used; the message names the key."""


class MissingExtraError(CxError):
    """An optional package is needed; the message names the extra that installs it."""

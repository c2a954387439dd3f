"""Connects to databases by address, and never shows a password.

The password stands best in the environment (`CXSENTIMENT_DB_PASSWORD`), or where the driver itself looks for it (`PGPASSWORD`,
`~/.pgpass`). One in the address works too, but is left out of names, and crossed out wherever a driver repeats it in an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from cxsentiment.errors import CxError, MissingExtraError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

PASSWORD_VARIABLE: Final = "CXSENTIMENT_DB_PASSWORD"

_EXAMPLES: Final = "postgresql://user@host:5432/database or sqlite:///folder/file.db"
_CROSSED_OUT: Final = "***"
_SECRET_OPTIONS: Final = ("password", "passwd", "pwd", "passphrase", "token", "secret", "odbc_connect")
_SHOWN: Final = 300
_PATIENCE: Final = 60
"""Seconds that SQLite waits while another program writes."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database that can be connected to. `name` is its address without password, `trouble` the error that is raised when it fails."""

    name: str
    kind: str
    trouble: type[CxError]
    _url: URL = field(repr=False, compare=False)
    _secrets: tuple[str, ...] = field(repr=False, compare=False)

    @property
    def place(self) -> str:
        """The address without password, and if it is a file its whole path."""
        file = _file(self._url)
        return self.name if file is None else f"sqlite:///{file.resolve()}"

    @property
    def is_in_memory(self) -> bool:
        """Whether it is an SQLite database that is gone when it is closed."""
        return self.kind == "sqlite" and (self._url.database or ":memory:") == ":memory:"

    @property
    def is_missing(self) -> bool:
        """Whether it is the file of an SQLite database that is not there; to connect to it would make it."""
        file = _file(self._url)
        return file is not None and not file.exists()

    def engine(self, *, must_exist: bool = False) -> Engine:
        """Makes connections, each of its own.

        Args:
            must_exist: Whether to refuse an SQLite file that is not there, which would be made otherwise.

        Raises:
            CxError: `trouble`, if the kind of database is unknown or the file is not there.
            MissingExtraError: if its driver is not installed.
        """
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        file = _file(self._url)
        if must_exist and file is not None and not file.is_file():
            raise self.trouble(f"{self.name}: there is no such file")
        try:
            return create_engine(self._url, poolclass=NullPool, hide_parameters=True, connect_args=_connect_options(self.kind))
        except ImportError as error:
            raise MissingExtraError(_missing_driver(self.kind, error)) from None
        except (SQLAlchemyError, ValueError, TypeError) as error:
            raise self.trouble(f"{self.name} cannot be used: {self.explain(error)}") from None

    @contextmanager
    def connected(self, engine: Engine, what: str, **options: Any) -> Iterator[Connection]:
        """A connection with execution options of SQLAlchemy's; errors say that `what` failed."""
        with self.explained(engine, what), engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def explained(self, engine: Engine, what: str) -> Iterator[None]:
        """Turns errors of the database into `trouble`, in one line without any password."""
        from sqlalchemy.exc import SQLAlchemyError

        driver: Any = engine.dialect.dbapi
        try:
            yield
        except (SQLAlchemyError, driver.Error, OSError, UnicodeError) as error:
            raise self.trouble(f"{self.name} {what}: {self.explain(error)}") from None

    def explain(self, error: Exception) -> str:
        """What a driver says, without its advice and hints, and without any password."""
        lines = [line.strip() for line in str(getattr(error, "orig", None) or error).splitlines() if line.strip()]
        said = " ".join(lines if lines and lines[0].endswith(":") else lines[:1]) or type(error).__name__
        for secret in self._secrets:
            said = said.replace(secret, _CROSSED_OUT)
        return said if len(said) <= _SHOWN else said[:_SHOWN] + "…"


def open_database(address: str, trouble: type[CxError]) -> Database:
    """The database at an address (a URL of SQLAlchemy's, `kind://user@host/name`); nothing is connected yet.

    Raises:
        CxError: `trouble`, if this is no such address. It is not repeated, since it may hold a password.
        MissingExtraError: if SQLAlchemy is not installed.
    """
    try:
        from sqlalchemy import make_url
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise MissingExtraError("databases need SQLAlchemy and a driver: pip install 'cxsentiment[sql]'") from None
    try:
        url = make_url(address)
    except (SQLAlchemyError, ValueError):
        raise trouble(f"the address of the database cannot be read; it should look like {_EXAMPLES}") from None
    kind = url.get_backend_name()
    if kind in ("postgres", "postgresql"):
        kind, url = "postgresql", url.set(drivername="postgresql+psycopg")
    password = os.environ.get(PASSWORD_VARIABLE)
    if url.password is None and password and kind != "sqlite":
        url = url.set(password=password)
    return Database(_name(url, kind), kind, trouble, url, _secrets(url))


def _name(url: URL, kind: str) -> str:
    from sqlalchemy import URL

    query = {option: value for option, value in url.query.items() if not _is_secret(option)}
    shown = URL.create(kind, url.username, None, url.host, url.port, url.database, query)
    return shown.render_as_string(hide_password=True)


def _secrets(url: URL) -> tuple[str, ...]:
    """All passwords there are, in all ways in which they could be written."""
    found = {url.password, os.environ.get(PASSWORD_VARIABLE), os.environ.get("PGPASSWORD")}
    for option, value in url.query.items():
        if _is_secret(option):
            found |= {value} if isinstance(value, str) else set(value)
    plain = {secret for secret in found if secret}
    written = plain | {write(secret) for secret in plain for write in (quote, quote_plus, lambda text: quote(text, safe=""), _escaped)}
    return tuple(sorted(written, key=len, reverse=True))


def _escaped(text: str) -> str:
    return repr(text)[1:-1]


def _is_secret(option: str) -> bool:
    return any(word in option.lower() for word in _SECRET_OPTIONS)


def _file(url: URL) -> Path | None:
    """The file of an SQLite database that is a plain file."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        return None
    return Path(url.database)


def _connect_options(kind: str) -> Mapping[str, Any]:
    match kind:
        case "postgresql":
            return {"client_encoding": "utf8"}
        case "sqlite":
            return {"timeout": _PATIENCE}
        case _:
            return {}


def _missing_driver(kind: str, error: ImportError) -> str:
    if kind == "postgresql" and (error.name or "").partition(".")[0] in ("psycopg", "psycopg_binary", "psycopg_c", ""):
        return "PostgreSQL needs its driver: pip install 'cxsentiment[sql]'"
    return f"the driver for {kind} is not installed ({error}); install its Python package, or name another one: {kind}+driver://..."

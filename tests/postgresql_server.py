"""A PostgreSQL server of its own for tests: in a temporary folder, reached through a socket in it, with a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

PASSWORD = "ή mot/de@passe"
ROLE = "analyst"


def _programs() -> Path | None:
    """The folder of the server's programs, which is often not in the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    config = shutil.which("pg_config")
    told = [Path(subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())] if config else []
    usual = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in (*told, *usual) if (folder / "initdb").exists()), None)


def _user() -> str | None:
    """Whom to run the server as: root may not."""
    if os.getuid():
        return None
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@dataclass(frozen=True)
class Server:
    programs: Path
    folder: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {}
        if self.user is not None:
            import pwd  # not at the top: this module is imported on Windows too

            as_user = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            subprocess.run(command, check=True, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=120, **as_user)

    def start(self) -> None:
        options = f"-F -k '{self.folder}' -c listen_addresses='' -c max_connections=20"
        self.run("pg_ctl", "start", "-w", "-l", str(self.folder / "server.log"), "-o", options)

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", "immediate")

    def address(self, password: str | None = PASSWORD, database: str = "postgres") -> str:
        secret = "" if password is None else f":{quote(password, safe='')}"
        return f"postgresql://{ROLE}{secret}@/{database}?host={self.folder}"

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(host=str(self.folder), user=ROLE, password=PASSWORD, dbname="postgres", autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def started() -> Iterator[Server]:
    """A running server. Raises FileNotFoundError, with the reason, where there can be none."""
    programs, user = _programs(), _user()
    if programs is None:
        raise FileNotFoundError("no PostgreSQL server is installed here (initdb, pg_ctl)")
    if not os.getuid() and user is None:
        raise FileNotFoundError("the server cannot run as root, and there is neither a user postgres nor nobody")
    folder = Path(tempfile.mkdtemp(prefix="cx-pg-"))  # a short path: that of a socket has at most 107 bytes
    server = Server(programs, folder, user)
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if user is not None:
            shutil.chown(folder, user)
            shutil.chown(folder / "password", user)
        server.run("initdb", "-N", "-E", "UTF8", "--locale=C", "-U", ROLE, "-A", "scram-sha-256", f"--pwfile={folder / 'password'}")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

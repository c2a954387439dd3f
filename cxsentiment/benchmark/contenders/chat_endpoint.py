"""Asking an OpenAI-compatible chat endpoint, with patience: time-outs, retries with back-off, and no word of the key anywhere."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from cxsentiment.errors import OptionError

TIMEOUT, ATTEMPTS = 60.0, 6
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
LONGEST_ERROR = 100_000
WORTH_RETRYING = (408, 409, 425, 429)
BAD_REQUEST, REFUSED = 400, (401, 403, 404)


class EndpointError(Exception):
    """An answer that did not come. `status` is that of HTTP, None where there was none."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint sent as JSON, and the seconds that the successful attempt took."""

    body: Mapping[str, Any]
    seconds: float


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would take the key to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Endpoint:
    """A chat endpoint; thread-safe. The key appears in the Authorization header, and is taken out of every message."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises OptionError for an address that is not HTTP, or a key that cannot be sent."""
        self.address = _address(base_url)
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise OptionError("the key in OPENAI_API_KEY has characters that cannot be sent (a line break, perhaps): set it again")
        self._key = key
        self._timeout = timeout
        self._attempts = attempts
        self._pause = pause
        self._opener: OpenerDirector = build_opener(_NoRedirects)

    def ask(self, body: Mapping[str, Any]) -> Reply:
        """The reply to a request. Raises EndpointError when it is refused, or has failed as often as is allowed."""
        for attempt in range(1, self._attempts + 1):
            try:
                return self._asked(body)
            except HTTPError as error:
                failure = EndpointError(self._said(error), error.code)
                if error.code not in WORTH_RETRYING and error.code < 500:
                    raise failure from None
                wished = _retry_after(error.headers.get("Retry-After"))
            except (OSError, http.client.HTTPException) as error:  # time-outs and broken connections
                failure, wished = EndpointError(self._without_key(f"no answer: {type(error).__name__}: {error}")), None
            except ValueError:
                failure, wished = EndpointError("the answer is not JSON"), None
            if attempt < self._attempts:
                self._pause(min(_back_off(attempt) if wished is None else wished, LONGEST_PAUSE))
        raise failure

    def _asked(self, body: Mapping[str, Any]) -> Reply:
        headers = {"Content-Type": "application/json", "User-Agent": "cxsentiment"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = Request(f"{self.address}/chat/completions", json.dumps(body).encode(), headers, method="POST")
        start = time.perf_counter()
        with self._opener.open(request, timeout=self._timeout) as response:
            found = json.loads(response.read())
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return Reply(found, time.perf_counter() - start)

    def _said(self, error: HTTPError) -> str:
        try:
            text = error.read(LONGEST_ERROR).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            text = ""
        with suppress(ValueError, KeyError, TypeError):
            text = str(json.loads(text)["error"]["message"])
        return f"HTTP {error.code} {self._without_key(error.reason)}: {' '.join(self._without_key(text).split())[:300]}".rstrip(": ")

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _address(base_url: str) -> str:
    """Without user, password and query, which may be secret."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError("OPENAI_BASE_URL must be an http or https address, such as https://api.openai.com/v1")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _back_off(attempt: int) -> float:
    """Twice as long each time, and up to a quarter more so that threads do not come back together."""
    return FIRST_PAUSE * 2.0 ** (attempt - 1) * random.uniform(1.0, 1.25)


def _retry_after(given: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    if given is None:
        return None
    try:
        return max(float(given), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(given).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return None

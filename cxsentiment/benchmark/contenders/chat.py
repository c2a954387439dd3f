"""A large language model as a contender, behind an OpenAI-compatible chat endpoint. Texts leave this machine for that endpoint."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.contenders.chat_answers import INSTRUCTIONS, JSON_OBJECT, JSON_SCHEMA, MalformedError, content_of, prediction_of
from cxsentiment.benchmark.contenders.chat_endpoint import ATTEMPTS, BAD_REQUEST, REFUSED, TIMEOUT, Endpoint, EndpointError, Reply
from cxsentiment.errors import OptionError

BASE_URL, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
AT_ONCE = 8
PER_MILLION = 1_000_000


class Chat:
    """Sentiment, emotions, touchpoints and language of a text, asked of a chat model: one text a request, some requests at once.

    The address and the key are taken from `OPENAI_BASE_URL` and `OPENAI_API_KEY`; the key is kept out of all messages and details. Answers
    are bound to a JSON schema, or only to JSON where the server does not take the schema. A text whose answer is refused, malformed or
    does not come gets `Prediction(error=...)`. Once the server has refused the key or the model, nothing more is asked.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        input_price: float | None = None,
        output_price: float | None = None,
        seed: int = 0,
        at_once: int = AT_ONCE,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prices are for a million tokens, in any currency; the cost is in `details` if both are given.

        Raises OptionError for an address that is none, or numbers out of range.
        """
        if at_once < 1 or attempts < 1 or timeout <= 0:
            raise OptionError("at_once and attempts must be at least 1, and timeout more than 0")
        self.name = name or model
        self._model = model
        self._seed = seed
        self._prices = (input_price, output_price)
        self._at_once = at_once
        address = os.environ.get(BASE_URL) or DEFAULT_BASE_URL
        self._endpoint = Endpoint(address, (os.environ.get(KEY) or "").strip() or None, timeout=timeout, attempts=attempts, pause=pause)
        self._lock = threading.Lock()
        self._form = JSON_SCHEMA
        self._given_up: str | None = None
        self._seconds: list[float] = []
        self._tokens = {"input": 0, "output": 0}
        self._errors = self._lost_quotes = 0

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction for each text, in order."""
        with ThreadPoolExecutor(self._at_once) as threads:
            return list(threads.map(self._prediction, texts))

    def details(self) -> Mapping[str, Any]:
        """Model, address, form of the answers, a fingerprint of the instructions, tokens, cost, errors and latency so far."""
        with self._lock:
            seconds, tokens = list(self._seconds), dict(self._tokens)
        median, slow = np.percentile(seconds, (50, 95)).tolist() if seconds else (None, None)
        price_in, price_out = self._prices
        is_priced = price_in is not None and price_out is not None
        return {
            "model": self._model,
            "endpoint": self._endpoint.address,
            "temperature": 0,
            "seed": self._seed,
            "response_format": self._form["type"],
            "instructions_sha256": hashlib.sha256(INSTRUCTIONS.encode()).hexdigest(),
            "requests": len(seconds),
            "errors": self._errors,
            "quotes_not_in_text": self._lost_quotes,
            "input_tokens": tokens["input"],
            "output_tokens": tokens["output"],
            "prices_per_million": {"input": price_in, "output": price_out} if is_priced else None,
            "cost": (tokens["input"] * (price_in or 0.0) + tokens["output"] * (price_out or 0.0)) / PER_MILLION if is_priced else None,
            "latency_median_seconds": median,
            "latency_95th_percentile_seconds": slow,
        }

    def _prediction(self, text: str) -> Prediction:
        try:
            reply = self._reply(text)
            found, lost = prediction_of(content_of(reply.body), text)
        except (EndpointError, MalformedError) as error:
            with self._lock:
                self._errors += 1
            return Prediction(error=str(error))
        with self._lock:
            self._lost_quotes += lost
        return found

    def _reply(self, text: str) -> Reply:
        if self._given_up is not None:
            raise EndpointError(self._given_up)
        form = self._form
        try:
            try:
                reply = self._endpoint.ask(self._request(text, form))
            except EndpointError as error:
                if error.status != BAD_REQUEST or form is JSON_OBJECT:
                    raise
                reply = self._endpoint.ask(self._request(text, JSON_OBJECT))
                self._form = JSON_OBJECT
        except EndpointError as error:
            if error.status in REFUSED:
                self._given_up = str(error)
            raise
        self._count(reply)
        return reply

    def _request(self, text: str, form: Mapping[str, Any]) -> dict[str, Any]:
        readable = text.encode("utf-8", "replace").decode()  # halves of surrogate pairs cannot be sent
        messages = [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": readable}]
        return {"model": self._model, "messages": messages, "temperature": 0, "seed": self._seed, "response_format": form}

    def _count(self, reply: Reply) -> None:
        usage = reply.body.get("usage")
        told = usage if isinstance(usage, dict) else {}
        with self._lock:
            self._seconds.append(reply.seconds)
            for ours, theirs in (("input", "prompt_tokens"), ("output", "completion_tokens")):
                count = told.get(theirs)
                self._tokens[ours] += count if isinstance(count, int) else 0

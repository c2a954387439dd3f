"""A chat endpoint as a contender, against a server in this process."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cxsentiment import OptionError
from cxsentiment.benchmark.contender import Contender, Mention, details_of
from cxsentiment.benchmark.contenders.chat import Chat
from cxsentiment.benchmark.contenders.chat_answers import SCHEMA, MalformedError, content_of, prediction_of
from cxsentiment.benchmark.contenders.chat_endpoint import Endpoint, EndpointError

KEY = "sk-very-secret-0123456789"
GOOD = {
    "sentiment": "mixed",
    "emotions": ["joy", "anger"],
    "touchpoints": [{"text": "app", "type": "mobile_app", "polarity": "-"}, {"text": "staff", "type": "staff", "polarity": "+"}],
    "language": "en",
}


@dataclass
class Said:
    """What the server says: status, body, headers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def answer(content: Any, **choice: Any) -> Said:
    message = {"role": "assistant", "content": content if isinstance(content, str) else json.dumps(content)}
    body = {"choices": [{"message": message, "finish_reason": "stop"} | choice], "usage": {"prompt_tokens": 100, "completion_tokens": 20}}
    return Said(200, body)


@dataclass
class Server:
    """Answers requests with `reply`, and keeps them with their headers."""

    url: str = ""
    reply: Callable[[dict[str, Any]], Said] = lambda _: answer(GOOD)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/chat/completions"
            made.requests.append(request)
            made.headers.append(dict(self.headers))
            said = made.reply(request)
            body = said.body.encode() if isinstance(said.body, str) else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in ({"Content-Length": str(len(body))} | said.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{listening.server_port}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", made.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    listening.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hung up
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    listening.shutdown()
    thread.join()
    listening.server_close()


def in_turn(*said: Said) -> Callable[[dict[str, Any]], Said]:
    """One answer after the other, the last one for ever."""
    waiting = list(said)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def text_of(request: dict[str, Any]) -> str:
    return str(request["messages"][-1]["content"])


def test_answers_become_predictions(server: Server) -> None:
    chat = Chat("some-model", input_price=2.0, output_price=10.0)
    assert isinstance(chat, Contender)
    (prediction,) = chat.predict(["the app froze, the staff helped"])
    assert prediction.sentiment == "mixed"
    assert prediction.sentiment_probabilities is None
    assert prediction.emotions == ["joy", "anger"]
    assert prediction.touchpoints == [Mention(4, 7, "mobile_app", "-"), Mention(19, 24, "staff", "+")]
    assert prediction.language == "en"
    request = server.requests[0]
    assert (request["model"], request["temperature"], request["seed"]) == ("some-model", 0, 0)
    assert request["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    details = details_of(chat)
    assert (details["input_tokens"], details["output_tokens"]) == (100, 20)
    assert details["cost"] == pytest.approx((100 * 2 + 20 * 10) / 1e6)
    assert 0 < details["latency_median_seconds"] <= details["latency_95th_percentile_seconds"]
    assert details["endpoint"] == server.url


def test_many_at_once_keep_their_order(server: Server) -> None:
    sentiments = ["negative", "positive", "neutral"]
    server.reply = lambda request: answer(GOOD | {"sentiment": sentiments[int(text_of(request)) % 3]})
    predictions = Chat("m", at_once=4).predict([str(number) for number in range(20)])
    assert [one.sentiment for one in predictions] == [sentiments[number % 3] for number in range(20)]


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (answer("I would rather not"), "not JSON"),
        (answer("[1]"), "not a JSON object"),
        (answer(GOOD | {"sentiment": "furious"}), "unknown sentiment 'furious'"),
        (answer(GOOD | {"emotions": ["glee"]}), "unknown emotions"),
        (answer(GOOD | {"emotions": [["joy"]]}), "unknown emotions"),
        (answer(GOOD | {"touchpoints": [{"text": "app"}]}), "not a touchpoint"),
        (answer(GOOD | {"touchpoints": None}), "touchpoints are no list"),
        (answer(GOOD | {"touchpoints": [{"text": 1, "type": "staff", "polarity": "+"}]}), "not a touchpoint"),
        (answer(GOOD | {"touchpoints": [{"text": "a", "type": ["staff"], "polarity": "+"}]}), "not a touchpoint"),
        (answer(GOOD | {"language": None}), "no language"),
        (answer(""), "empty"),
        (answer(GOOD, finish_reason="length"), "cut off"),
        (answer(GOOD, finish_reason="content_filter"), "refused"),
        (answer(GOOD, message={"refusal": "I cannot help with that"}), "refused: I cannot"),
        (Said(200, {"choices": []}), "no message"),
        (Said(422, {"error": {"message": "too long"}}), "HTTP 422 .*too long"),
        (Said(302, "", {"Location": "http://elsewhere.invalid/"}), "HTTP 302"),
    ],
)
def test_what_is_no_answer_becomes_an_error_of_its_text(server: Server, said: Said, match: str) -> None:
    server.reply = lambda request: said if text_of(request) == "odd" else answer(GOOD)
    chat = Chat("m")
    fine, odd, fine_too = chat.predict(["fine", "odd", "fine too"])
    assert fine.sentiment == fine_too.sentiment == "mixed"
    assert odd.sentiment is None
    with pytest.raises(AssertionError, match=match):
        raise AssertionError(odd.error)
    assert details_of(chat)["errors"] == 1


def test_patience(server: Server) -> None:
    pauses: list[float] = []
    busy = Said(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"})
    server.reply = in_turn(busy, Said(503, "upstream"), Said(200, "<html>"), answer(GOOD))
    chat = Chat("m", pause=pauses.append)
    assert chat.predict(["x"])[0].sentiment == "mixed"
    assert pauses[0] == 7
    assert 2 <= pauses[1] <= 2.5
    assert 4 <= pauses[2] <= 5
    assert len(server.requests) == 4
    server.reply = lambda _: Said(500, "down")
    assert Chat("m", attempts=3, pause=pauses.append).predict(["x"])[0].error == "HTTP 500 Internal Server Error: down"
    assert len(server.requests) == 7


def test_a_date_to_retry_after_and_no_longer_than_a_minute(server: Server) -> None:
    pauses: list[float] = []
    server.reply = in_turn(
        Said(429, "", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Said(429, "", {"Retry-After": "3600"}),
        Said(429, "", {"Retry-After": "soon"}),
        answer(GOOD),
    )
    assert Chat("m", pause=pauses.append).predict(["x"])[0].error is None
    assert pauses[:2] == [0, 60]
    assert 4 <= pauses[2] <= 5


def test_time_outs_are_tried_again(server: Server) -> None:
    wait = threading.Event()

    def slow_once(_: dict[str, Any]) -> Said:
        if len(server.requests) == 1:
            wait.wait(5)
        return answer(GOOD)

    server.reply = slow_once
    assert Chat("m", timeout=0.2, pause=lambda _: None).predict(["x"])[0].error is None
    wait.set()
    assert len(server.requests) == 2


def test_a_server_without_schemas_gets_plain_json(server: Server) -> None:
    def old(request: dict[str, Any]) -> Said:
        if request["response_format"]["type"] == "json_schema":
            return Said(400, {"error": {"message": "unknown response_format"}})
        return answer(f"```json\n{json.dumps(GOOD)}\n```")

    server.reply = old
    chat = Chat("m", at_once=1)
    assert [one.sentiment for one in chat.predict(["x", "y"])] == ["mixed", "mixed"]
    assert [one["response_format"]["type"] for one in server.requests] == ["json_schema", "json_object", "json_object"]
    assert details_of(chat)["response_format"] == "json_object"


def test_a_text_that_is_refused_with_400_does_not_give_up_the_schema(server: Server) -> None:
    server.reply = lambda request: Said(400, "filtered") if text_of(request) == "odd" else answer(GOOD)
    chat = Chat("m", at_once=1)
    assert [one.error is None for one in chat.predict(["odd", "fine"])] == [False, True]
    assert details_of(chat)["response_format"] == "json_schema"


def test_a_refused_key_ends_the_asking_and_is_never_shown(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    server.reply = lambda _: Said(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    chat = Chat("m", at_once=1)
    predictions = chat.predict(["x", "y", "z"])
    assert len(server.requests) == 1
    assert predictions[2].error == "HTTP 401 Unauthorized: Incorrect API key provided: ***"
    told = f"{predictions}{details_of(chat)}{vars(chat)}{capfd.readouterr()}"
    assert KEY not in told


def test_no_server_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (found,) = Chat("m", attempts=2, pause=lambda _: None).predict(["x"])
    assert str(found.error).startswith("no answer: ")


def test_the_key_is_not_sent_without_one_and_secrets_in_addresses_are_dropped(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    Chat("m").predict(["x"])
    assert "Authorization" not in server.headers[0]
    assert Endpoint("https://user:pass@host:8443/v1/?key=1", None).address == "https://host:8443/v1"
    assert Endpoint("http://[::1]:80/v1", None).address == "http://[::1]:80/v1"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/v1", "host/v1", "http://host:port/"])
def test_addresses_that_are_none_are_refused(address: str) -> None:
    with pytest.raises(OptionError, match="OPENAI_BASE_URL"):
        Endpoint(address, None)


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError, match="at least 1"):
        Chat("m", at_once=0)
    with pytest.raises(OptionError, match="OPENAI_API_KEY") as caught:
        Endpoint("http://host/v1", f"{KEY}\nx")
    assert KEY not in str(caught.value)


def test_an_endpoint_raises_only_its_own_error(server: Server) -> None:
    server.reply = lambda _: Said(200, "[]")
    with pytest.raises(EndpointError, match="not JSON"):
        Endpoint(server.url, KEY, attempts=1).ask({"messages": []})


def test_quotes_are_found_in_order_and_those_that_are_not_there_are_counted() -> None:
    quotes = [{"text": text, "type": "store", "polarity": "0"} for text in ("shop", "shop", "market", "", "The")]
    found, lost = prediction_of(json.dumps(GOOD | {"touchpoints": quotes}), "The shop and the other shop")
    assert [(one.start, one.end) for one in found.touchpoints or ()] == [(4, 8), (23, 27), (0, 3)]
    assert lost == 2


def test_languages_are_codes() -> None:
    assert prediction_of(json.dumps(GOOD | {"language": "EN-us"}), "")[0].language == "en"
    with pytest.raises(MalformedError):
        content_of({"choices": "none"})

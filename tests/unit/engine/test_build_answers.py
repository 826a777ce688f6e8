"""Builds by an engine that answers wrongly, or goes away: a loopback server of our own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import docker
import pytest

from drift.builds import FailureKind
from drift.engine.build import BuildCancelled, build
from drift.engine.model import BuildRequest, BuildResult
from support.contexts import tar_context

IMAGE = f"sha256:{'a' * 64}"
BUILT = b'{"aux":{"ID":"%s"}}\r\n' % IMAGE.encode()
Answer = Callable[[BaseHTTPRequestHandler], None]


def answering(status: int, body: bytes, *, declared: int | None = None) -> Answer:
    """Answers with a body, whose declared length may be a lie."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(declared or len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def engine(answer: Answer) -> Iterator[tuple[docker.APIClient, list[dict[str, list[str]]]]]:
    """A client of an engine that answers every build so, and the queries that it was asked."""
    asked: list[dict[str, list[str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if not urlsplit(self.path).path.endswith("/build"):
                return answering(200, b"")(self)
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            asked.append(parse_qs(urlsplit(self.path).query))
            return answer(self)

        def log_message(self, *arguments: object) -> None:
            pass

    with ExitStack() as stack:
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        stack.callback(server.shutdown)
        port = server.server_address[1]
        api = docker.APIClient(base_url=f"tcp://127.0.0.1:{port}", version="1.41")
        stack.callback(api.close)
        yield api, asked


def request(builder: str = "classic", timeout: float = 20) -> BuildRequest:
    return BuildRequest(
        tar_context({"Dockerfile": "FROM x\n"}), "Dockerfile", "x:1", builder, timeout=timeout
    )


def run(
    answer: Answer, wanted: BuildRequest | None = None, cancelled: threading.Event | None = None
) -> BuildResult:
    with engine(answer) as (api, _):
        return build(
            api,
            wanted or request(),
            on_progress=lambda _: None,
            cancelled=cancelled or threading.Event(),
        )


def test_an_image_is_the_last_one_named() -> None:
    assert run(answering(200, b'{"aux":{"ID":"sha256:first"}}\n\n' + BUILT)).image_id == IMAGE


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (answering(200, b""), FailureKind.ENGINE, "neither an image nor an error"),
        (answering(200, b"<html>"), FailureKind.ENGINE, "went away"),
        (answering(200, b"[1]\n"), FailureKind.ENGINE, "not a JSON object"),
        (answering(200, b'{"stream":1,"aux":[],"id":3}\n'), FailureKind.ENGINE, "neither"),
        (answering(200, b'{"stream":"x"', declared=999), FailureKind.ENGINE, "went away"),
        (answering(200, b'{"error":null,"errorDetail":null}\n'), FailureKind.STEP, "no reason"),
        (answering(400, b'{"message":"dockerfile parse error"}'), FailureKind.STEP, "parse error"),
        (answering(500, b'{"message":"it broke"}'), FailureKind.ENGINE, "it broke"),
        (answering(500, b"\xff\xfe not json"), FailureKind.ENGINE, "not json"),
        (answering(503, b""), FailureKind.ENGINE, "no reason"),
        (lambda handler: handler.connection.close(), FailureKind.ENGINE, "went away"),
    ],
)
def test_wrong_answers_are_failures(answer: Answer, kind: FailureKind, said: str) -> None:
    result = run(answer)

    assert result.failure is not None
    assert result.failure.kind is kind
    assert said in result.failure.message
    assert result.image_id is None
    assert said in result.log or result.failure.tail == ()


def test_a_damaged_trace_is_the_engines_fault() -> None:
    body = b'{"id":"moby.buildkit.trace","aux":"CgV4"}\n'

    result = run(answering(200, body), request("buildkit"))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.ENGINE
    assert "truncated" in result.failure.message


def test_an_error_that_was_given_counts_though_the_engine_goes_away() -> None:
    result = run(answering(200, b'{"error":"manifest unknown"}\n{"str', declared=999))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.SOURCE


def test_an_engine_that_is_not_there() -> None:
    with engine(answering(200, b"")) as (api, _):
        pass
    result = build(api, request(), on_progress=lambda _: None, cancelled=threading.Event())

    assert result.failure is not None
    assert result.failure.kind is FailureKind.ENGINE


def silent(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read()  # until the client ends it


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_a_silent_engine_is_given_up(builder: str) -> None:
    began = time.monotonic()

    result = run(silent, request(builder, timeout=0.3))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 10


def test_waiting_for_a_silent_engine_can_be_cancelled() -> None:
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()

    with pytest.raises(BuildCancelled):
        run(silent, cancelled=cancelled)


@pytest.mark.parametrize(("builder", "version"), [("classic", "1"), ("buildkit", "2")])
def test_a_build_is_asked_for_without_cache_labels_or_pulling(builder: str, version: str) -> None:
    with engine(answering(200, BUILT)) as (api, asked):
        build(api, request(builder), on_progress=lambda _: None, cancelled=threading.Event())

    query = asked[0]
    assert query["version"] == [version]
    assert query["nocache"] == query["rm"] == query["forcerm"] == ["1"]
    assert query["t"] == ["x:1"]
    assert not {"labels", "pull", "squash", "session", "outputs"} & query.keys()

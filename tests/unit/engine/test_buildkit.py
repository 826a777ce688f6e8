from __future__ import annotations

import base64

import pytest

from drift.engine.buildkit import BuildKitTranscript
from drift.engine.model import Progress
from drift.engine.transcript import Message
from drift.engine.wire import bytes_field

IMAGE = f"sha256:{'c' * 64}"
BASE = f"sha256:{'b' * 64}"


def time(seconds: int) -> bytes:
    return bytes((0x08, seconds))


def vertex(
    digest: str, name: str, began: int = 0, ended: int = 0, *, cached: bool = False, error: str = ""
) -> bytes:
    message = bytes_field(1, digest.encode()) + bytes_field(3, name.encode())
    message += b"\x20\x01" if cached else b""
    message += bytes_field(5, time(began)) if began else b""
    message += bytes_field(6, time(ended)) if ended else b""
    return bytes_field(1, message + bytes_field(7, error.encode()))


def output(digest: str, content: bytes, at: int) -> bytes:
    return bytes_field(
        3, bytes_field(1, digest.encode()) + bytes_field(2, time(at)) + bytes_field(4, content)
    )


def trace(*parts: bytes) -> Message:
    return {"id": "moby.buildkit.trace", "aux": base64.b64encode(b"".join(parts)).decode()}


def read(*messages: Message) -> tuple[BuildKitTranscript, list[Progress]]:
    transcript = BuildKitTranscript()
    begun = [progress for message in messages for progress in transcript.feed(message)]
    return transcript, begun


def test_a_build_is_written_down_step_by_step() -> None:
    transcript, begun = read(
        trace(
            vertex("r", "[run 2/2] RUN make"),
            vertex("f", f"[run 1/2] FROM docker.io/library/debian:12@{BASE}", 1, 1, cached=True),
        ),
        trace(vertex("r", "[run 2/2] RUN make", 2), output("r", b"one\ntw", 3)),
        trace(output("r", b"o \xc3", 4), output("r", b"\xb6", 5)),
        trace(vertex("r", "[run 2/2] RUN make", 2, 6)),
        {"id": "moby.image.id", "aux": {"ID": IMAGE}},
        {"stream": "Successfully tagged x:1\n"},
    )

    assert transcript.log == (
        f"#1 [run 1/2] FROM docker.io/library/debian:12@{BASE}\n"
        "#1 CACHED\n"
        "#2 [run 2/2] RUN make\n"
        "#2 1.000 one\n"
        "#2 4.000 two ö\n"
        "#2 DONE 4.0s\n"
    )
    assert transcript.image_id == IMAGE
    assert transcript.bases_used == {"docker.io/library/debian:12": BASE}
    assert [(one.step, one.steps) for one in begun] == [(1, 2), (2, 2)]
    assert transcript.steps[0].cached
    assert transcript.steps[1].completed_at is not None


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        (f"[1/2] FROM docker.io/library/x:1@{BASE}", "docker.io/library/x:1"),
        (f"[linux/amd64 run 1/2] FROM 127.0.0.1:5000/x:1@{BASE}", "127.0.0.1:5000/x:1"),
        (f"FROM docker.io/library/x:1@{BASE}", "docker.io/library/x:1"),
        (f"docker-image://docker.io/docker/dockerfile:1@{BASE}", "docker.io/docker/dockerfile:1"),
    ],
)
def test_bases_are_those_named_with_a_digest(name: str, reference: str) -> None:
    assert read(trace(vertex("f", name)))[0].bases_used == {reference: BASE}


@pytest.mark.parametrize(
    "name",
    [
        "[1/2] FROM docker.io/library/x:1",
        f"[2/2] RUN echo FROM x:1@{BASE}",
        "[internal] load metadata",
    ],
)
def test_other_steps_name_no_base(name: str) -> None:
    assert read(trace(vertex("f", name)))[0].bases_used == {}


def test_the_step_that_failed_is_not_the_one_that_was_cancelled() -> None:
    transcript, _ = read(
        trace(
            vertex("a", "[a 2/2] RUN sleep", 1, 2, error="context canceled"),
            vertex("b", "[b 2/2] RUN make", 1, 2, error="exit code: 2"),
            output("b", b"make: no", 2),
        ),
        {"error": "exit code: 2", "errorDetail": {"message": "exit code: 2"}},
    )

    assert transcript.failed_step == "[b 2/2] RUN make"
    assert transcript.failed_log == ("make: no",)
    assert transcript.image_id is None
    assert transcript.log.endswith("ERROR: exit code: 2\n")


def test_a_copy_that_no_step_is_blamed_for_is_found_by_its_path() -> None:
    transcript, _ = read(
        trace(vertex("a", "[2/3] COPY here /"), vertex("b", "[3/3] COPY nope /")),
        {"error": 'failed to compute cache key: "/nope" not found: not found'},
    )

    assert transcript.failed_step == "[3/3] COPY nope /"


@pytest.mark.parametrize("aux", ["not base64!", base64.b64encode(b"\x0a\x05x").decode()])
def test_a_damaged_trace_is_a_value_error(aux: str) -> None:
    with pytest.raises(ValueError, match=r"base64|truncated"):
        read({"id": "moby.buildkit.trace", "aux": aux})

"""Builds by both builders of a real engine."""

from __future__ import annotations

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker
import pytest
from docker.errors import ImageNotFound

from drift.builds import FailureKind, Reason
from drift.engine.build import BuildCancelled, build
from drift.engine.model import BuildRequest, BuildResult, Progress
from drift.oci import Digest
from support.contexts import tar_context

Builds = Callable[..., BuildResult]

STAGES = """\
FROM {base} AS made
RUN echo made > /made; printf 'not ended'
FROM {base}
ARG GREETING
COPY --from=made /made /copied
RUN cat /copied; echo "$GREETING" >&2; grep peer.example /etc/hosts; df -k /dev/shm
"""


@pytest.fixture
def request_of(
    base_image: str, builder: str, api: docker.APIClient
) -> Iterator[Callable[[str], BuildRequest]]:
    """Makes a request of a Dockerfile's text; its image is removed afterwards."""
    tag = f"drift-test/builds:{uuid.uuid4().hex}"

    def request(dockerfile: str) -> BuildRequest:
        context = tar_context({"Dockerfile": dockerfile.format(base=base_image)})
        return BuildRequest(context, "Dockerfile", tag, builder, network="host", timeout=120)

    yield request
    try:
        api.remove_image(tag)
    except ImageNotFound:
        return


def run(
    api: docker.APIClient, request: BuildRequest, cancelled: threading.Event | None = None
) -> tuple[BuildResult, list[Progress]]:
    begun: list[Progress] = []
    result = build(api, request, on_progress=begun.append, cancelled=cancelled or threading.Event())
    for image in result.left_images:
        with suppress(ImageNotFound):  # it went with what stood on it
            api.remove_image(image)
    return result, begun


def test_a_build_in_stages(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest], builder: str, base_image: str
) -> None:
    request = replace(
        request_of(STAGES),
        args={"GREETING": "grüß dich"},
        extra_hosts=("peer.example:192.0.2.7",),
        shm_size=48 * 1024 * 1024,
    )

    result, begun = run(api, request)

    assert result.failure is None, result.log
    image = api.inspect_image(request.tag)
    assert result.image_id == image["Id"]
    assert not image["Config"].get("Labels")
    for printed in ("not ended\n", "made\n", "grüß dich\n", "192.0.2.7\tpeer.example"):
        assert printed in result.log
    assert [progress.step for progress in begun] == list(range(1, len(begun) + 1))
    assert any("COPY --from=made" in progress.name for progress in begun)
    assert any("RUN cat" in step.name for step in result.steps)
    if builder == "classic":
        assert result.bases_used == {base_image: Digest(api.inspect_image(base_image)["Id"])}
        assert len(result.left_images) == 1
        assert " 49152 " in result.log  # BuildKit of 20.10 does not heed shmsize
    else:
        assert all(step.started_at for step in result.steps if not step.cached)


def test_nothing_is_taken_from_the_cache(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest]
) -> None:
    request = request_of("FROM {base}\nRUN cat /proc/sys/kernel/random/uuid\n")

    first, second = run(api, request)[0], run(api, request)[0]

    assert first.image_id != second.image_id
    assert not any(step.cached for step in second.steps if "RUN" in step.name)
    assert first.image_id is not None
    api.remove_image(first.image_id)


@pytest.mark.parametrize(
    ("dockerfile", "kind", "step", "said"),
    [
        ("FROM {base}\nRUN echo why; exit 3\n", FailureKind.STEP, "RUN echo why; exit 3", "3"),
        ("FROM {base}\nCOPY missing /\n", FailureKind.STEP, "COPY missing /", "missing"),
        ("FROM {base}\nRUNX true\n", FailureKind.STEP, None, "unknown instruction: RUNX"),
        ("FROM 127.0.0.1:9/nothing:1\n", FailureKind.NETWORK, "127.0.0.1:9/nothing:1", "refused"),
        (
            "FROM {base}\nRUN echo 'E: x: No space left on device'; exit 1\n",
            FailureKind.RESOURCES,
            "No space left",
            "1",
        ),
        (
            "FROM {base}\nRUN perl -MIO::Socket::INET -e "
            '\'IO::Socket::INET->new("127.0.0.1:9") or die "$!\\n"\'\n',
            FailureKind.NETWORK,
            "RUN perl",
            "perl",
        ),
    ],
)
def test_a_build_that_fails_says_why(
    api: docker.APIClient,
    request_of: Callable[[str], BuildRequest],
    dockerfile: str,
    kind: FailureKind,
    step: str | None,
    said: str,
) -> None:
    result, _ = run(api, request_of(dockerfile))

    assert result.failure is not None
    assert result.failure.kind is kind
    assert said in result.failure.message
    assert result.image_id is None
    assert result.log
    assert (step is None) == (result.failed_step is None)
    assert step is None or step in str(result.failed_step)


def test_a_failing_step_shows_its_last_lines(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest]
) -> None:
    result, _ = run(api, request_of("FROM {base}\nRUN seq 100; false\n"))

    assert result.failure is not None
    assert result.failure.tail == tuple(str(number) for number in range(81, 101))


@pytest.mark.parametrize(
    ("instruction", "reason", "subject"),
    [
        ("RUN apt-get install -y nosuch", Reason.VERSION_GONE, "pkg:deb/debian/nosuch"),
        (
            "RUN apt-get install -y bash=0.1",
            Reason.VERSION_GONE,
            "pkg:deb/debian/bash",
        ),
        (
            f"RUN echo '{'0' * 64}  /etc/hosts' | sha256sum -c -",
            Reason.CHECKSUM,
            None,
        ),
        ("RUN echo nobody knows; false", None, None),
    ],
)
def test_a_failing_steps_reason_is_read_from_what_it_printed(
    api: docker.APIClient,
    request_of: Callable[[str], BuildRequest],
    instruction: str,
    reason: Reason | None,
    subject: str | None,
) -> None:
    result, _ = run(api, request_of(f"FROM {{base}}\n{instruction}\n"))

    assert result.failure is not None
    assert (result.failure.reason, result.failure.subject) == (reason, subject)
    assert (result.failure.line is None) == (reason is None)


def test_an_address_that_is_not_there_is_gone(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest]
) -> None:
    class Gone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - the handler's own name for it

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gone) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/rules"
        result, _ = run(api, request_of(f"FROM {{base}}\nADD {url} /rules\n"))
        server.shutdown()

    assert result.failure is not None
    assert result.failure.kind is FailureKind.STEP
    assert result.failure.reason is Reason.URL_GONE


@pytest.mark.parametrize("changed", [{"target": "nope"}, {"dockerfile": "Nope"}])
def test_what_is_not_there_is_the_repository_s_fault(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest], changed: dict[str, str]
) -> None:
    result, _ = run(api, replace(request_of("FROM {base}\n"), **changed))  # type: ignore[arg-type]

    assert result.failure is not None
    assert result.failure.kind is FailureKind.STEP


def sleepers(seconds: int) -> bool:
    """Whether a build's process still runs on this machine."""
    listed = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True)
    return f"sleep {seconds}" in listed.stdout


def gone(api: docker.APIClient, seconds: int) -> bool:
    """Whether, within seconds, nothing of a build that sleeps runs any more."""
    for _ in range(50):
        ours = [one for one in api.containers(all=True) if f"sleep {seconds}" in one["Command"]]
        if not ours and not sleepers(seconds):
            return True
        time.sleep(0.1)
    return False


def test_a_cancelled_build_leaves_nothing_running(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest]
) -> None:
    seconds = 100_000 + uuid.uuid4().int % 100_000
    cancelled = threading.Event()
    threading.Timer(1.5, cancelled.set).start()
    began = time.monotonic()

    with pytest.raises(BuildCancelled):
        run(api, request_of("FROM {base}\n" + f"RUN sleep {seconds}\n"), cancelled)

    assert time.monotonic() - began < 30
    assert gone(api, seconds)


def test_a_build_that_takes_too_long_is_stopped(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest]
) -> None:
    seconds = 100_000 + uuid.uuid4().int % 100_000
    request = replace(request_of("FROM {base}\n" + f"RUN echo begun; sleep {seconds}\n"), timeout=2)

    result, _ = run(api, request)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.TIMEOUT
    assert "begun" in result.log
    assert result.seconds < 30
    assert gone(api, seconds)


def test_a_build_that_was_cancelled_before_it_began(
    api: docker.APIClient, request_of: Callable[[str], BuildRequest]
) -> None:
    cancelled = threading.Event()
    cancelled.set()

    with pytest.raises(BuildCancelled):
        run(api, request_of("FROM {base}\nRUN sleep 60\n"), cancelled)

"""One build through the engine's ``POST /build``, with either builder.

A build is without cache unless it is asked for with it, never pulls, and is never labelled. It
ends in one of three ways: an image, a :class:`~drift.builds.Failure`, or
:class:`BuildCancelled`. After each of them nothing of it runs in dockerd any more, which ends a
build whose connection is closed. Podman lets the step that runs then come to its end, and
offers no way to stop it.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import docker
import docker.errors

from drift.builds import Failure, FailureKind
from drift.engine.buildkit import BuildKitTranscript
from drift.engine.classic import ClassicTranscript
from drift.engine.endpoint import RefusalError, messages, query_of
from drift.engine.failure import failure, one_line
from drift.engine.images import image_id_of
from drift.engine.model import BuildRequest, BuildResult, Progress, Step
from drift.engine.session import Served, Session
from drift.engine.transcript import TAIL, Transcript
from drift.engine.transport import Connection, url_of
from drift.engine.watch import Watch
from drift.errors import EngineError
from drift.masking import Mask
from drift.oci import Digest

_NO_TAR_BODY = "http://build-context-"


class BuildCancelled(EngineError):  # noqa: N818 - it is no error of anyone
    """The build was stopped because the caller wanted it."""


def build(
    api: docker.APIClient,
    request: BuildRequest,
    *,
    on_progress: Callable[[Progress], None],
    cancelled: threading.Event,
) -> BuildResult:
    """Build an image and give what came of it; a failed build is a result as well.

    ``on_progress`` is called, from this thread, as steps begin. Where ``cancelled`` is set, by
    any thread, the build is stopped within a second. Times are this machine's for the build,
    the engine's for its steps.

    Raises:
        BuildCancelled: ``cancelled`` was set before the build was done.
    """
    transcript: Transcript = (
        BuildKitTranscript() if request.builder == "buildkit" else ClassicTranscript()
    )
    served = Served(request.secrets, request.ssh)
    started_at, begun = datetime.now(UTC), time.monotonic()
    failed = _carry_out(api, request, transcript, served, on_progress, cancelled)
    seconds = time.monotonic() - begun
    result = _result(api, transcript, failed, started_at, seconds)
    return _masked(result, Mask(served.given))


def _carry_out(
    api: docker.APIClient,
    request: BuildRequest,
    transcript: Transcript,
    served: Served,
    on_progress: Callable[[Progress], None],
    cancelled: threading.Event,
) -> Failure | None:
    """Build, and give the failure if there is one."""
    build_id = uuid.uuid4().hex
    connection = Connection(api)
    with Watch(connection.sever, request.timeout, cancelled) as watch:
        failed = _exchange(api, request, transcript, served, connection, build_id, on_progress)
    if watch.stopped and request.builder == "buildkit":
        _cancel(api, build_id)
    if watch.was_cancelled:
        raise BuildCancelled("the build was stopped")
    if watch.expired and failed is not None:
        return _expired(request, transcript)
    if failed is not None and served.problem is not None:
        return replace(failed, kind=FailureKind.INPUT, message=served.problem)
    return failed


def _exchange(
    api: docker.APIClient,
    request: BuildRequest,
    transcript: Transcript,
    served: Served,
    connection: Connection,
    build_id: str,
    on_progress: Callable[[Progress], None],
) -> Failure | None:
    try:
        with contextlib.ExitStack() as stack:
            query = query_of(api, request, build_id)
            if request.builder == "buildkit" and _needs_session(request):
                query["session"] = stack.enter_context(Session(api, served)).id
            stack.enter_context(connection)
            body = stack.enter_context(request.context())
            response = connection.post("/build", query, body, {"Content-Type": "application/x-tar"})
            for message in messages(response):
                for progress in transcript.feed(message):
                    on_progress(progress)
    except RefusalError as refused:
        return _refusal(refused)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _engine_gone(transcript, str(error) or type(error).__name__)
    return _outcome(transcript)


def _needs_session(request: BuildRequest) -> bool:
    return bool(request.session or request.secrets or request.ssh)


def _refusal(refused: RefusalError) -> Failure:
    """A refusal of the request: the Dockerfile's fault where the engine says so."""
    failed = failure(refused.message)
    theirs = refused.status == 400 or "dockerfile" in refused.message.lower()
    if failed.kind is FailureKind.STEP and not theirs:
        return replace(failed, kind=FailureKind.ENGINE)
    return failed


def _engine_gone(transcript: Transcript, reason: str) -> Failure:
    if transcript.error is not None:  # it had said why before it went
        return _outcome(transcript) or failure(transcript.error)
    message = one_line(f"the engine went away during the build: {reason}")
    return Failure(FailureKind.ENGINE, message, tail=_tail(transcript))


def _outcome(transcript: Transcript) -> Failure | None:
    """The failure that the stream tells of, None where it ends in an image."""
    if transcript.error is None and transcript.image_id is None:
        message = "the engine ended the build with neither an image nor an error"
        return Failure(FailureKind.ENGINE, message, tail=_tail(transcript))
    if transcript.error is None:
        return None
    if _NO_TAR_BODY in transcript.error:
        message = (
            "this engine cannot give BuildKit a context (moby issue 47717, engine 26.1 with the"
            " containerd image store): update the engine, or choose the classic builder"
        )
        return Failure(FailureKind.ENGINE, message, tail=_tail(transcript))
    printed = transcript.failed_log
    return failure(transcript.error, printed, tail=printed or _tail(transcript))


def _expired(request: BuildRequest, transcript: Transcript) -> Failure:
    message = f"the build was stopped after {request.timeout:g} s, its time limit"
    return Failure(FailureKind.TIMEOUT, message, tail=_tail(transcript))


def _tail(transcript: Transcript) -> tuple[str, ...]:
    return tuple(transcript.log.splitlines()[-TAIL:])


def _cancel(api: docker.APIClient, build_id: str) -> None:
    """Ask BuildKit to end a build; closing its connection does so too, but may take longer."""
    with contextlib.suppress(OSError, docker.errors.DockerException):
        api.post(url_of(api, "/build/cancel"), params={"id": build_id}, timeout=5)


def _result(
    api: docker.APIClient,
    transcript: Transcript,
    failed: Failure | None,
    started_at: datetime,
    seconds: float,
) -> BuildResult:
    image_id = None
    if failed is None and transcript.image_id is not None:
        image_id = _digest(api, transcript.image_id)
        if image_id is None:
            message = f"the image {transcript.image_id} that was built is not in the engine"
            failed = Failure(FailureKind.ENGINE, message, tail=_tail(transcript))
    bases = {name: _digest(api, used) for name, used in transcript.bases_used.items()}
    return BuildResult(
        image_id=image_id,
        log=transcript.log or (f"ERROR: {failed.message}\n" if failed else ""),
        steps=transcript.steps,
        started_at=started_at,
        seconds=seconds,
        bases_used={name: digest for name, digest in bases.items() if digest is not None},
        failure=failed,
        failed_step=transcript.failed_step,
        left_images=transcript.left_images,
    )


def _digest(api: docker.APIClient, text: str) -> Digest | None:
    """A digest as it is; the short ID of an image as the engine knows it, None where it doesn't."""
    with contextlib.suppress(ValueError):
        return Digest(text)
    with contextlib.suppress(OSError, docker.errors.DockerException, ValueError, KeyError):
        return image_id_of(api.inspect_image(text))
    return None


def _masked(result: BuildResult, mask: Mask) -> BuildResult:
    """The result without the values of secrets that a step printed."""

    def masked_step(step: Step) -> Step:
        return replace(step, error=mask.text(step.error)) if step.error else step

    return replace(
        result,
        log=mask.text(result.log),
        steps=tuple(masked_step(step) for step in result.steps),
        failure=result.failure and result.failure.masked(mask.text),
    )

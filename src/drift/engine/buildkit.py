"""BuildKit's stream: trace messages, the image's ID, an error.

The log is written as ``docker build --progress=plain`` writes it, but step by step in the
order in which the steps began, so that two logs of one build can be compared::

    #5 [2/3] RUN make
    #5 0.123 text
    #5 DONE 1.2s
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drift.engine.model import Progress, Step
from drift.engine.trace import Output, Vertex, parse_trace
from drift.engine.transcript import BuildLog, LineCutter, Message, error_of

_DIGEST = r"sha256:[0-9a-f]{64}"
_USED = re.compile(
    rf"(?:\[[^\]]*\] )?(?:FROM |docker-image://)(?P<base>[^\s@]+)@(?P<digest>{_DIGEST})"
)
_NUMBERED = re.compile(r"\[(?P<stage>[^\]]*?)\s*(?P<step>\d+)/(?P<steps>\d+)\] ")
_MISSING = re.compile(r'"(?P<path>/[^"]*)"(?:: | )not found')
_NEVER = datetime.max.replace(tzinfo=UTC)
_LARGEST_LOG = 8 * 1024 * 1024


@dataclass(slots=True)
class _Step:
    """A vertex, and what it printed. Reports of one vertex are merged."""

    name: str = ""
    started: datetime | None = None
    completed: datetime | None = None
    cached: bool = False
    error: str = ""
    printed: BuildLog = field(default_factory=lambda: BuildLog(limit=_LARGEST_LOG))
    cutters: dict[int, LineCutter] = field(default_factory=dict)

    def report(self, vertex: Vertex) -> None:
        """Merge a report: begun when first begun, ended when last ended."""
        self.name = vertex.name or self.name
        self.cached = self.cached or vertex.cached
        self.error = vertex.error or self.error
        begun = [time for time in (self.started, vertex.started) if time]
        ended = [time for time in (self.completed, vertex.completed) if time]
        self.started = min(begun, default=None)
        self.completed = max(ended, default=None)

    def take(self, output: Output) -> None:
        """Take in what it printed."""
        cutter = self.cutters.setdefault(output.stream, LineCutter())
        lines = cutter.feed(output.content)
        self.printed.extend(self._timed(line, output.at) for line in lines)

    def finish(self) -> None:
        """No more comes: lines that were not ended are lines."""
        for _, cutter in sorted(self.cutters.items()):
            self.printed.extend(self._timed(line, self.completed) for line in cutter.rest())

    def lines(self) -> Iterator[str]:
        """The step as the log shows it, without its number."""
        yield self.name
        yield from self.printed.lines()
        if self.error:
            yield f"ERROR: {self.error}"
        elif self.cached:
            yield "CACHED"
        elif self.started and self.completed:
            yield f"DONE {(self.completed - self.started).total_seconds():.1f}s"

    def _timed(self, line: str, at: datetime | None) -> str:
        seconds = (at - self.started).total_seconds() if at and self.started else 0.0
        return f"{seconds:.3f} {line}"


class BuildKitTranscript:
    """A :class:`~drift.engine.transcript.Transcript` of BuildKit."""

    def __init__(self) -> None:
        self._vertices: dict[str, _Step] = {}
        self._announced: set[str] = set()
        self._image_id: str | None = None
        self._error: str | None = None

    @property
    def image_id(self) -> str | None:
        return self._image_id if self._error is None else None

    @property
    def error(self) -> str | None:
        return self._error

    @property
    def log(self) -> str:
        log = BuildLog()
        for number, step in enumerate(self._in_order(), start=1):
            log.extend(f"#{number} {line}" for line in step.lines())
        if self._error:
            log.append(f"ERROR: {self._error}")
        return "".join(f"{line}\n" for line in log.lines())

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(
            Step(step.name, step.started, step.completed, step.cached, step.error or None)
            for step in self._in_order()
        )

    @property
    def bases_used(self) -> Mapping[str, str]:
        """Only what the builder names with a digest: a local-only image has none."""
        found = (_USED.match(step.name) for step in self._vertices.values())
        return {match["base"]: match["digest"] for match in found if match}

    @property
    def left_images(self) -> tuple[str, ...]:
        return ()

    @property
    def failed_step(self) -> str | None:
        step = self._failed()
        return step.name if step else None

    @property
    def failed_log(self) -> tuple[str, ...]:
        step = self._failed()
        if step is None:
            return ()
        return tuple(line.partition(" ")[2] for line in step.printed.lines())

    def feed(self, message: Message) -> Iterator[Progress]:
        kind, aux = message.get("id"), message.get("aux")
        if kind == "moby.buildkit.trace" and isinstance(aux, str):
            yield from self._trace(aux)
        elif isinstance(aux, Mapping) and isinstance(aux.get("ID"), str):
            self._image_id = aux["ID"]
        error = error_of(message)
        if error is not None:
            self._error = error
            for step in self._vertices.values():
                step.finish()

    def _trace(self, aux: str) -> Iterator[Progress]:
        try:
            trace = parse_trace(base64.b64decode(aux, validate=True))
        except binascii.Error as error:
            raise ValueError(f"a trace message is not base64: {error}") from error
        for vertex in trace.vertices:
            self._vertices.setdefault(vertex.digest, _Step()).report(vertex)
        for output in trace.outputs:
            self._vertices.setdefault(output.vertex, _Step()).take(output)
        for vertex in trace.vertices:
            if vertex.completed:
                self._vertices[vertex.digest].finish()
        yield from self._begun(trace.vertices)

    def _begun(self, vertices: tuple[Vertex, ...]) -> Iterator[Progress]:
        """Steps of the Dockerfile that begin, counted over all stages known so far."""
        for vertex in vertices:
            name = self._vertices[vertex.digest].name
            if vertex.started and vertex.digest not in self._announced and _NUMBERED.match(name):
                self._announced.add(vertex.digest)
                yield Progress(len(self._announced), self._known_steps(), name)

    def _in_order(self) -> list[_Step]:
        """Steps as they began; those that never did come last, as they were named."""
        return sorted(self._vertices.values(), key=lambda step: step.started or _NEVER)

    def _known_steps(self) -> int:
        return sum(1 for step in self._vertices.values() if _NUMBERED.match(step.name))

    def _failed(self) -> _Step | None:
        if self._error is None:
            return None
        failed = [step for step in self._vertices.values() if step.error]
        # Steps that ran beside the one that failed are cancelled, which is an error as well.
        own = [step for step in failed if "context canceled" not in step.error]
        return next(iter(own or failed), None) or self._named_by_error(self._error)

    def _named_by_error(self, error: str) -> _Step | None:
        """20.10 blames no step for a COPY of what is not in the context."""
        missing = _MISSING.search(error)
        if missing is None:
            return None
        path = missing["path"].strip("/")
        copies = (
            step
            for step in self._vertices.values()
            if re.search(r"\] (COPY|ADD) ", step.name) and path in step.name
        )
        return next(copies, None)

"""The classic builder's stream: text meant for people, read back.

dockerd prints ``Step 2/7 : RUN …``, then `` ---> 09d98318e53d``, the image that the step made
(for FROM: the image it starts from). Podman answers the same request with buildah's
``STEP 2/7: RUN …`` and ``--> 09d98318e53d``; stages are announced as ``[1/2] STEP 2/3: …``, and its
error says no more than "exit status 1": the cause is the last line before it.

What a step prints can look like any of this. So the image's ID comes from an ``aux`` message,
and bases are verified by who asked for the build. An ID that is only read from text names at
most a candidate for removal, which whoever removes it checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drift.engine.model import Progress, Step
from drift.engine.transcript import BuildLog, LineCutter, Message, error_of

_STEP = re.compile(
    r"(?:\[(?P<stage>\d+)/(?P<stages>\d+)\] )?"
    r"(?:Step|STEP) (?P<step>\d+)/(?P<steps>\d+) ?: (?P<instruction>.*)"
)
_IMAGE = re.compile(r" ---> (?P<id>[0-9a-f]{12,64})")
_PODMAN_IMAGE = re.compile(r"--> (?P<id>[0-9a-f]{12,64})")
_TRIGGERS = re.compile(r"# Executing \d+ build triggers?")
_CACHED = re.compile(r" ?--?-> Using cache\b.*")
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*", re.IGNORECASE)
_OWN = re.compile(r"(Step \d+/\d+ : | ---> |Removing intermediate container )")
_REMARK = re.compile(
    r"( ---> Running in| ---> Removed intermediate container|Removing intermediate container)"
    r" [0-9a-f]+|"
)
_STDERR = re.compile(r"\x1b\[91m.*\x1b\[0m", re.DOTALL)  # as dockerd marks it
_BUILT = re.compile(r"Successfully built ([0-9a-f]{12,64})")
_SAYS_NOTHING = re.compile(r".*exit status \d+", re.DOTALL)


@dataclass(slots=True)
class _Step:
    name: str
    instruction: str
    cached: bool = False
    error: str | None = None
    printed: BuildLog = field(default_factory=lambda: BuildLog(limit=1024 * 1024))


@dataclass(slots=True, eq=False)
class _Stage:
    """One stage: what it is made from, and the images that its steps made, in order."""

    base: str
    name: str | None
    base_id: str | None = None
    triggered: bool = False
    images: list[str] = field(default_factory=list)


class ClassicTranscript:
    """A :class:`~drift.engine.transcript.Transcript` of the classic builder, or of podman."""

    def __init__(self) -> None:
        self._log = BuildLog()
        self._text = LineCutter()
        self._stderr = LineCutter()
        self._steps: list[_Step] = []
        self._stages: list[_Stage] = []
        self._built: str | None = None
        self._image_id: str | None = None
        self._error: str | None = None

    @property
    def image_id(self) -> str | None:
        return (self._image_id or self._built) if self._error is None else None

    @property
    def error(self) -> str | None:
        if self._error is None or not _SAYS_NOTHING.fullmatch(self._error):
            return self._error
        return ": ".join((self._error, *self.failed_log[-1:]))

    @property
    def log(self) -> str:
        lines = [*self._log.lines(), *([f"ERROR: {self._error}"] if self._error else [])]
        return "".join(f"{line}\n" for line in lines)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(Step(step.name, cached=step.cached, error=step.error) for step in self._steps)

    @property
    def bases_used(self) -> Mapping[str, str]:
        earlier: set[str] = set()
        bases = {}
        for index, stage in enumerate(self._stages):
            if stage.base_id and stage.base.lower() not in earlier:
                bases[stage.base] = stage.base_id
            earlier |= {str(index), *([stage.name.lower()] if stage.name else [])}
        return bases

    @property
    def left_images(self) -> tuple[str, ...]:
        """The last first: what was made from another comes before it.

        The steps of the stages that the image stands on are its parents, and go when it goes.
        """
        kept = self._chain() if self.image_id is not None else []
        left = [image for stage in self._stages if stage not in kept for image in stage.images]
        return tuple(dict.fromkeys(reversed(left)))

    def _chain(self) -> list[_Stage]:
        """The last stage, the earlier one that it starts from, and so on."""
        chain: list[_Stage] = []
        for stage in reversed(self._stages):
            if not chain or (stage.name and stage.name.lower() == chain[-1].base.lower()):
                chain.append(stage)
        return chain

    @property
    def failed_step(self) -> str | None:
        return self._steps[-1].name if self._steps and self._error is not None else None

    @property
    def failed_log(self) -> tuple[str, ...]:
        return self._steps[-1].printed.lines() if self._steps and self._error is not None else ()

    def feed(self, message: Message) -> Iterator[Progress]:
        text = message.get("stream")
        if isinstance(text, str):
            # The builder's own lines are messages of their own, whatever was printed before.
            ended = self._rest() if _OWN.match(text) else []
            # What stderr says in the middle of a line of stdout is a line of its own.
            cutter = self._stderr if _STDERR.fullmatch(text) else self._text
            for line in (*ended, *cutter.feed(text)):
                yield from self._read(line)
        aux = message.get("aux")
        if isinstance(aux, Mapping) and isinstance(aux.get("ID"), str):
            self._made(aux["ID"])
        error = error_of(message)
        if error is not None:
            for line in self._rest():
                yield from self._read(line)
            self._fail(error)

    def _rest(self) -> list[str]:
        return [*self._text.rest(), *self._stderr.rest()]

    def _read(self, line: str) -> Iterator[Progress]:
        self._log.append(line)
        if match := _STEP.fullmatch(line):
            yield self._begin(match)
        elif match := _IMAGE.fullmatch(line) or _PODMAN_IMAGE.fullmatch(line):
            self._step_gave(match["id"])
        elif _TRIGGERS.fullmatch(line) and self._stages:
            self._stages[-1].triggered = True
        elif _CACHED.fullmatch(line) and self._steps:
            self._steps[-1].cached = True
        elif match := _BUILT.fullmatch(line):
            self._built = match[1]
        elif self._steps and not _REMARK.fullmatch(line):
            self._steps[-1].printed.append(line)

    def _begin(self, match: re.Match[str]) -> Progress:
        instruction = match["instruction"].strip()
        self._steps.append(_Step(match[0].strip(), instruction))
        if start := _FROM.fullmatch(instruction):
            self._stages.append(_Stage(start["base"], start["name"]))
        return Progress(int(match["step"]), int(match["steps"]), match[0].strip())

    def _step_gave(self, image_id: str) -> None:
        """The first image named after a FROM is what the stage starts from.

        Not so where its triggers ran: their image is named, the base's own never.
        """
        stage = self._stages[-1] if self._stages else None
        if stage is None:
            return
        if stage.triggered or not _FROM.fullmatch(self._steps[-1].instruction):
            stage.images.append(image_id)
        elif stage.base_id is None:
            stage.base_id = image_id

    def _made(self, image_id: str) -> None:
        """The image that a stage ends in; its last step's line has named it, shortened."""
        self._image_id = image_id
        if self._stages and not any(image_id[7:].startswith(s) for s in self._stages[-1].images):
            self._stages[-1].images.append(image_id)

    def _fail(self, error: str) -> None:
        self._error = error
        if self._steps:
            self._steps[-1].error = error

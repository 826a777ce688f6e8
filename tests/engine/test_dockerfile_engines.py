"""Our reading of Dockerfiles against what both of a real engine's builders do with them.

Whatever a builder accepts we must parse, with the bases that it used; whatever is no
Dockerfile both must refuse; and each layer must be tied to its line on both builders.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import docker
import pytest

from drift.oci import ImageConfig, Platform, Reference
from drift.source.dockerfile import DockerfileError, bases, needs_buildkit, parse, tie_layers

pytestmark = pytest.mark.engine

REPOSITORY = "drift-test/dockerfile"
FILES = {"a": b"a\n", "b": b"b\n", "dir/c": b"c\n"}


@dataclass(frozen=True)
class Case:
    """A Dockerfile (``BASE`` stands for the base image) and what is to be seen of it.

    ``lines`` are those of the layers above the base's with BuildKit; ``classic`` where the
    classic builder's differ (it drops empty layers), or None where it cannot build it.
    """

    name: str
    text: str
    lines: tuple[int, ...]
    classic: tuple[int, ...] | None = ()
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None

    def expected(self, builder: str) -> tuple[int, ...] | None:
        return self.lines if builder == "buildkit" or self.classic == () else self.classic


BUILDKIT_ONLY: Final = None
CASES = [
    Case("run", "FROM BASE\nRUN echo 1 > /x\n", (2,)),
    Case("lower-case", "from BASE as X\nrun echo 1 > /x\ncopy a /\n", (2, 3)),
    Case("continued", "FROM BASE\nRUN echo 1 \\\n # c\n\n  > /x \\\n && true\nADD a /y\n", (2, 7)),
    Case("crlf", "FROM BASE\r\nRUN echo 1 \\\r\n  > /x\r\nCOPY a b /d/\r\n", (2, 4)),
    Case("bom", "\ufeffFROM BASE\nRUN echo 1 > /x\n", (2,)),
    Case("backtick", "# escape=`\nFROM BASE\nRUN echo 1 `\n > /x\nCOPY a /y\\\n", (3, 5)),
    Case("no-newline-at-the-end", "FROM BASE\nRUN echo 1 > /x", (2,)),
    Case(
        "exec-form", 'FROM BASE\nRUN ["/bin/sh", "-c", "echo 1 > /x"]\nCOPY ["a", "/b c"]\n', (2, 3)
    ),
    Case("broken-json-is-shell", "FROM BASE\nRUN [ -d / ] && echo 1 > /x\n", (2,)),
    Case(
        "args", "FROM BASE\nARG A=1 B\nARG C\nRUN echo $A$C > /x\n", (4,), args={"C": "2", "A": "3"}
    ),
    Case(
        "arg-before-from",
        "ARG I=none\nARG J=${I}\nFROM $J\nRUN echo 1 > /x\n",
        (4,),
        args={"I": "BASE"},
    ),
    Case("default-in-from", "ARG E=\nFROM ${E:-BASE}\nRUN echo 1 > /x\n", (3,)),
    Case("alternative-in-from", "ARG E=x\nFROM ${E:+BASE}\nRUN echo 1 > /x\n", (3,)),
    Case("quoted-in-from", 'ARG I="BASE"\nFROM "$I"\nRUN echo 1 > /x\n', (3,)),
    Case("quotes-in-arg", "ARG I='BASE'\nFROM ${I}\nRUN echo 1 > /x\n", (3,)),
    Case("escaped-dollar", "FROM BASE\nENV A=\\$B\nCOPY a /$A\n", (3,)),
    Case(
        "workdir",
        "FROM BASE\nWORKDIR /w\nWORKDIR v\nWORKDIR /etc\nRUN pwd > x\n",
        (2, 3, 4, 5),
        (2, 3, 5),
    ),
    Case("workdir-root", "FROM BASE\nWORKDIR /\nRUN echo 1 > /x\n", (3,)),
    Case("empty-run", "FROM BASE\nRUN true\nRUN echo 1 > /x\n", (2, 3), (3,)),
    Case("twice-the-same", "FROM BASE\nRUN date >> /x\nENV A=1\nRUN date >> /x\n", (2, 4)),
    Case(
        "shell",
        'FROM BASE\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN echo 1 > /x\nCOPY a /\n',
        (3, 4),
    ),
    Case(
        "all-metadata",
        "FROM BASE\nMAINTAINER me\nLABEL a=b c='d e'\nENV A 1 2\nENV B=1 C=2\nEXPOSE 80 81/udp\n"
        "VOLUME /v\nUSER 0\nSTOPSIGNAL 9\nHEALTHCHECK --interval=5s CMD true\nHEALTHCHECK NONE\n"
        'RUN echo 1 > /x\nENTRYPOINT ["x"]\nCMD echo hi\nONBUILD RUN y\n',
        (12,),
    ),
    Case(
        "stage-from-stage", "FROM BASE AS one\nRUN echo 1 > /x\nFROM one\nRUN echo 2 > /y\n", (2, 4)
    ),
    Case(
        "copy-from-name",
        "FROM BASE AS One\nRUN echo 1 > /x\nFROM BASE\nCOPY --from=ONE /x /y\n",
        (4,),
    ),
    Case("copy-from-number", "FROM BASE\nRUN echo 1 > /x\nFROM BASE\nCOPY --from=0 /x /y\n", (4,)),
    Case("copy-from-image", "FROM scratch\nCOPY --from=BASE /etc/passwd /y\nADD a /\n", (2, 3)),
    Case("scratch", "FROM scratch\nCOPY a /\nCOPY dir /d/\n", (2, 3)),
    Case("target", "FROM BASE AS x\nRUN echo 1 > /x\nFROM BASE\nRUN false\n", (2,), target="X"),
    Case(
        "unreached",
        "FROM BASE AS x\nRUN echo 1 > /y\nFROM scratch AS z\nCOPY a /\nFROM x\nCOPY b /\n",
        (2, 6),
    ),
    Case(
        "own-triggers",
        "FROM BASE AS x\nONBUILD RUN echo 1 > /x\nCOPY a /\nFROM x\nCOPY b /\n",
        (3, 2, 5),
    ),
    Case(
        "triggers-of-triggers",
        "FROM BASE AS x\nONBUILD COPY a /\nFROM x AS y\nFROM y\nADD b /\n",
        (2, 5),
    ),
    Case("chown", "FROM BASE\nENV D=/e\nCOPY --chown=1:2 a $D/\nADD --chown=3 a ${D}/f\n", (3, 4)),
    Case("hash-in-run", "FROM BASE\nRUN echo '# buildkit' > /x # buildkit\nCOPY a /\n", (2, 3)),
    Case("mark-in-run", "FROM BASE\nRUN echo '#(nop) COPY a in /y ' > /x\nCOPY a /y\n", (2, 3)),
    Case("tabs", "FROM\tBASE\n\tRUN\techo\t1 > /x\n  COPY\ta\t/\n", (2, 3)),
    Case("shift-is-no-heredoc", "FROM BASE\nRUN echo $((1<<3)) > /x\nCOPY a /\n", (2, 3)),
    Case(
        "cache-mount",
        "FROM BASE\nRUN --mount=type=cache,target=/c echo 1 > /x\n",
        (2,),
        BUILDKIT_ONLY,
    ),
    Case(
        "mount-from-stage",
        "FROM BASE AS s\nRUN echo 1 > /m\nFROM BASE\nRUN --mount=from=s,target=/s cp /s/m /x\n",
        (4,),
        BUILDKIT_ONLY,
    ),
    Case(
        "mount-from-image",
        "FROM BASE\nRUN --mount=from=BASE,source=/etc,target=/s ls /s > /x\n",
        (2,),
        BUILDKIT_ONLY,
    ),
    Case(
        "tmpfs-mount",
        "FROM BASE\nRUN --mount=type=tmpfs,target=/t echo 1 > /x\n",
        (2,),
        BUILDKIT_ONLY,
    ),
    Case(
        "platform",
        "FROM --platform=$BUILDPLATFORM BASE AS b\nRUN echo > /x\nFROM BASE\nCOPY --from=b /x /\n",
        (4,),
        BUILDKIT_ONLY,
    ),
    Case(
        "automatic-arg",
        "FROM BASE AS b-amd64\nRUN echo 1 > /x\nFROM b-$TARGETARCH\nCOPY a /\n",
        (2, 4),
        BUILDKIT_ONLY,
    ),
]
NO_DOCKERFILES = {
    "empty": "",
    "comment-only": "# x\n",
    # Not "ARG A=1" alone: without a FROM, BuildKit in dockerd 20.10 takes the daemon down.
    "unknown-instruction": "FROM BASE\nFOO x\n",
    "run-before-from": "RUN x\nFROM BASE\n",
    "from-two-words": "FROM BASE x\n",
    "bad-stage-name": "FROM BASE AS 1x\n",
    "blank-base": "ARG A\nFROM $A\n",
    "env-without-value": "FROM BASE\nENV A\n",
    "copy-without-destination": "FROM BASE\nCOPY a\n",
    "numbers-in-json": 'FROM BASE\nRUN ["a", 1]\n',
    "bad-escape": "# escape=x\nFROM BASE\n",
    "two-escapes": "# escape=`\n# escape=`\nFROM BASE\n",
    "chained-onbuild": "FROM BASE\nONBUILD ONBUILD RUN x\n",
    "no-such-stage-number": "FROM BASE\nCOPY --from=7 /a /a\n",
    "unset-and-required": "FROM ${A:?gone}\n",
    "bad-substitution": "FROM ${}\n",
    "bad-reference": "FROM Not/A/Reference:x:y\n",
    "stage-as-its-own-source": "FROM BASE\nCOPY --from=0 /a /a\n",
}


@dataclass(frozen=True)
class Built:
    """What came of a build: the engine's error, or the image; and the images it named."""

    error: str | None
    config: ImageConfig | None
    images: frozenset[str]


@pytest.fixture(scope="module")
def client(engine_host: str) -> Iterator[docker.APIClient]:
    client = docker.APIClient(base_url=engine_host, version="auto", timeout=300)
    yield client
    for image in client.images(name=REPOSITORY):
        for tag in image["RepoTags"] or ():
            client.remove_image(tag, force=True)
    client.close()


def context(dockerfile: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in {"Dockerfile": dockerfile.encode(), **FILES}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 946684800
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def build(client: docker.APIClient, text: str, builder: str, tag: str, case: Case | None) -> Built:
    params = {
        "t": f"{REPOSITORY}:{tag}",
        "nocache": "1",
        "rm": "1",
        "forcerm": "1",
        "networkmode": "host",
        "version": "2" if builder == "buildkit" else "1",
        "buildargs": json.dumps(case.args if case else {}),
        "target": (case.target if case else None) or "",
    }
    answer = client.post(
        f"{client.base_url}/v{client.api_version}/build",
        params=params,
        data=context(text),
        headers={"Content-Type": "application/x-tar"},
    )
    if answer.status_code != 200:
        return Built(answer.text, None, frozenset())
    messages: list[dict[str, Any]] = [json.loads(line) for line in answer.text.splitlines()]
    error = next((str(m["error"]) for m in messages if "error" in m), None)
    return Built(error, None if error else config(client, tag), frozenset(named(messages)))


def named(messages: list[dict[str, Any]]) -> Iterator[str]:
    """The images that BuildKit's trace says were a FROM, normalised."""
    for message in messages:
        if message.get("id") == "moby.buildkit.trace":
            trace = base64.b64decode(message["aux"])
            for name in re.findall(rb"(?:\] )?FROM ([\w./:@-]+)", trace):
                with contextlib.suppress(ValueError):  # as a refused build names it
                    yield str(Reference.parse(name.decode().partition("@")[0]))


def config(client: docker.APIClient, tag: str) -> ImageConfig:
    """The image's configuration, from the engine's export."""
    answer = client.get(
        f"{client.base_url}/v{client.api_version}/images/{REPOSITORY}:{tag}/get", stream=True
    )
    documents: dict[str, bytes] = {}
    with tarfile.open(fileobj=answer.raw, mode="r|") as tar:
        for member in tar:
            if member.isfile() and member.size < 1 << 20:
                file = tar.extractfile(member)
                documents[member.name] = file.read() if file else b""
    manifest = json.loads(documents["manifest.json"])
    return ImageConfig.parse(documents[manifest[0]["Config"]])


@pytest.fixture(scope="module")
def shell_image(client: docker.APIClient, base_image: str) -> str:
    """One small layer with a shell: its export is quick, and there is one for every case."""
    text = (
        f"FROM {base_image}\nRUN mkdir /out && for program in sh bash cp ls date; do"
        " cp -L --parents $(ldd /bin/$program | grep -o '/[^ ]*') /bin/$program"
        " /etc/passwd /etc/group /out;"
        " done\nFROM scratch\nCOPY --from=0 /out /\n"
    )
    built = build(client, text, "classic", "shell", None)
    assert built.error is None
    return f"{REPOSITORY}:shell"


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_accepted_dockerfile(
    client: docker.APIClient, shell_image: str, case: Case, builder: str
) -> None:
    text = case.text.replace("BASE", shell_image)
    args = {name: value.replace("BASE", shell_image) for name, value in case.args.items()}
    case = Case(case.name, text, case.lines, case.classic, args, case.target)
    dockerfile = parse(text.encode())
    built = build(client, text, builder, f"{case.name}-{builder}", case)
    expected = case.expected(builder)
    if expected is None:
        assert built.error is not None
        assert needs_buildkit(dockerfile) is not None
        return
    assert built.error is None
    assert built.config is not None
    assert builder == "buildkit" or needs_buildkit(dockerfile) is None

    found = bases(dockerfile, args, case.target, Platform("linux", "amd64"), builder=builder)
    stages = {base.reference for base in found if any(r.startswith("stage:") for r in base.roles)}
    assert {base.reference for base in found} <= {shell_image}
    if builder == "buildkit":
        assert {base.reference for base in found} == built.images
    else:
        assert stages == ({shell_image} if "FROM scratch" not in text.split("\n")[0] else set())

    above = 0 if text.startswith("FROM scratch") else 1
    tied = tie_layers(
        built.config.history,
        above,
        above,
        dockerfile,
        args,
        case.target,
        builder=builder,
        layers=len(built.config.diff_ids),
    )
    lines = tuple(instruction.line if instruction else None for instruction in tied)
    assert lines == (None,) * above + expected


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
@pytest.mark.parametrize("name", NO_DOCKERFILES)
def test_a_refused_dockerfile(
    client: docker.APIClient, shell_image: str, name: str, builder: str
) -> None:
    text = NO_DOCKERFILES[name].replace("BASE", shell_image)
    assert build(client, text, builder, f"{name}-{builder}", None).error is not None
    with pytest.raises(DockerfileError, match=r"^Dockerfile line \d+: "):
        bases(parse(text.encode()), {}, None, Platform("linux", "amd64"), builder=builder)


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_triggers_of_a_base_are_tied_to_its_from(
    client: docker.APIClient, shell_image: str, builder: str
) -> None:
    made = build(
        client, f"FROM {shell_image}\nONBUILD RUN echo 1 > /x\n", builder, f"parent-{builder}", None
    )
    assert made.config is not None
    text = f"# c\nFROM {REPOSITORY}:parent-{builder}\nCOPY a /\n"
    child = build(client, text, builder, f"child-{builder}", None)
    assert child.config is not None
    onbuild = {f"{REPOSITORY}:parent-{builder}": ["RUN echo 1 > /x"]}
    tied = tie_layers(
        child.config.history,
        len(made.config.history),
        1,
        parse(text.encode()),
        {},
        None,
        onbuild=onbuild,
        layers=3,
    )
    assert [instruction and (instruction.line, instruction.text) for instruction in tied] == [
        None,
        (2, "ONBUILD RUN echo 1 > /x"),
        (3, "COPY a /"),
    ]


def test_heredocs_where_the_engine_has_them(client: docker.APIClient, shell_image: str) -> None:
    text = (
        f"FROM {shell_image}\nRUN <<E\necho 1 > /x\nE\nRUN <<-'E' sh\n\techo 2 > /y\n\tE\n"
        "COPY <<one <<-two /d/\n$A\none\n\ttwo\nRUN << E\n#!/bin/sh\necho 2 > /z\nE\n"
    )
    dockerfile = parse(text.encode())
    reason = needs_buildkit(dockerfile)
    assert reason is not None
    assert "here-document" in reason
    built = build(client, text, "buildkit", "heredocs", None)
    if tuple(map(int, client.api_version.split("."))) < (1, 43):  # older than Docker 24
        assert built.error is not None
        return
    assert built.config is not None
    tied = tie_layers(built.config.history, 1, 1, dockerfile, {}, None)
    assert [instruction and instruction.line for instruction in tied] == [None, 2, 5, 8, 12]

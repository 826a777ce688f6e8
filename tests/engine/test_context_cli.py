"""What the docker CLI sends, recorded at a socket of our own, is what drift sends."""

from __future__ import annotations

import io
import os
import random
import socket
import socketserver
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from drift.errors import SourceError
from drift.source.context import Client, read_context

CASES = 500
NAMES = ("a", "b", "ab", "c.txt", "d.py", "node_modules", "é", "x y", ".hidden", "[b]")
WORDS = (
    *("a", "b", "ab", "*", "**", "?", "c.txt", "*.py", "d.py", "node_modules", ".hidden"),
    *("[a-c]", "[^a]", "\\a", "*.txt", "é", "x y", "..", ".", "a*", "**b", "a**", "\\[b]", "{a}"),
)


class _Request(BaseHTTPRequestHandler):
    """Answers the two requests of `docker build` and keeps the body of the second."""

    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"OK")

    def do_POST(self) -> None:
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        query = parse_qs(urlsplit(self.path).query)
        self.server.received[query["t"][0].partition(":")[0]] = query["dockerfile"][0], bytes(body)
        self._answer(b'{"stream":"done\\n"}\n')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (
            ("API-Version", "1.41"),
            ("Builder-Version", "1"),
            ("OSType", "linux"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "cli"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Recorder(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An engine that builds nothing; `received` is by tag: the Dockerfile's name, the tar."""

    daemon_threads = True
    request_queue_size = socket.SOMAXCONN

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Request)
        self.path = path
        self.received: dict[str, tuple[str, bytes]] = {}

    def build(self, tag: str, root: Path, dockerfile: str = "Dockerfile") -> str:
        """Run `docker build`; what it says where it sends nothing, else the empty string."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path.parent),
            "DOCKER_HOST": f"unix://{self.path}",
            "DOCKER_BUILDKIT": "0",
        }
        done = subprocess.run(
            ["docker", "build", "-t", tag, "-f", str(root / dockerfile), str(root)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return "" if tag in self.received else done.stderr or "no request"

    def archive(self, tag: str) -> tarfile.TarFile:
        # The CLI leaves out a tar's end where it adds a Dockerfile from outside.
        return tarfile.open(fileobj=io.BytesIO(self.received[tag][1] + bytes(1536)))

    def members(self, tag: str) -> dict[str, tarfile.TarInfo]:
        with self.archive(tag) as archive:
            return {member.name: member for member in archive}


@pytest.fixture
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    server = Recorder(tmp_path_factory.mktemp("s") / "s")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def make_tree(root: Path, dice: random.Random) -> None:
    """A tree of some twenty entries with an ignore file; the Dockerfile may be ignored."""
    root.mkdir()
    directories = [root]
    for _ in range(dice.randint(4, 24)):
        path = dice.choice(directories) / dice.choice(NAMES)
        if os.path.lexists(path):
            continue
        kind = dice.random()
        if kind < 0.4:
            path.mkdir()
            directories.append(path)
        elif kind < 0.5:
            path.symlink_to(dice.choice(("a", "../b", "/nowhere")))
        else:
            path.write_text("content")
    (root / "Dockerfile").write_text("FROM scratch\n")
    lines = [_pattern(dice) for _ in range(dice.randint(0, 6))]
    if lines:
        (root / ".dockerignore").write_text("\n".join(lines))


def _pattern(dice: random.Random) -> str:
    if dice.random() < 0.06:
        return dice.choice(
            ("# a", "", "  a/b  ", "Dockerfile", ".dockerignore", "*", "**", "[", "!")
        )
    parts = "/".join(dice.choices(WORDS, k=dice.choice((1, 1, 2, 2, 3))))
    return (
        ("!" if dice.random() < 0.35 else "")
        + ("/" if dice.random() < 0.15 else "")
        + parts
        + ("/" if dice.random() < 0.15 else "")
    )


def test_generated_trees_send_the_same_names(recorder: Recorder, tmp_path: Path) -> None:
    def compare(case: int) -> tuple[str, bool]:
        root, tag = tmp_path / str(case), f"case{case}"
        make_tree(root, random.Random(case))
        refusal = recorder.build(tag, root)
        try:
            names = read_context(root, "Dockerfile", client=Client.CLASSIC).names
        except SourceError as error:
            return ("" if refusal else f"case {case}: only drift refuses: {error}"), False
        if refusal:
            return f"case {case}: only docker refuses: {refusal}", False
        sent = sorted(recorder.members(tag), key=os.fsencode)
        return ("" if names == sent else f"case {case}: docker {sent}, drift {names}"), True

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(compare, range(CASES)))
    assert [text for text, _ in results if text] == []
    assert sum(sent for _, sent in results) > CASES * 0.8, "most trees are sent, not refused"


def test_modes_links_and_empty_directories_are_as_docker_sends_them(
    recorder: Recorder, tmp_path: Path
) -> None:
    root = tmp_path / "tree"
    (root / "empty").mkdir(parents=True)
    (root / "private").mkdir(mode=0o700)
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o4751)
    (root / "link").symlink_to("../outside")
    (root / os.fsdecode(b"\xff\xfe")).write_text("not UTF-8")
    (root / ("long" * 40)).write_text("long")
    os.mkfifo(root / "pipe", 0o640)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(root / "socket"))
    listener.close()
    assert recorder.build("modes", root) == ""
    context = read_context(root, "Dockerfile", client=Client.CLASSIC)
    with tarfile.open(fileobj=context.open(), mode="r|") as archive:
        ours = {m.name: (m.type, m.mode & 0o7777, m.linkname, m.size) for m in archive}
    theirs = {
        name: (m.type, m.mode & 0o7777, m.linkname, m.size)
        for name, m in recorder.members("modes").items()
    }
    assert ours == theirs
    assert context.notes == ("'socket' is a socket and cannot be sent",)


@pytest.mark.parametrize("ignored", ["Dockerfile", "*", "build", "build/*\n!**/other", "**"])
def test_an_ignored_dockerfile_is_sent(recorder: Recorder, tmp_path: Path, ignored: str) -> None:
    root = tmp_path / "tree"
    (root / "build").mkdir(parents=True)
    (root / "build" / "Dockerfile").write_text("FROM scratch\n")
    (root / "build" / "other").write_text("")
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / ".dockerignore").write_text(ignored)
    for number, name in enumerate(("Dockerfile", "build/Dockerfile")):
        assert recorder.build(f"ignored{number}", root, name) == ""
        context = read_context(root, name, client=Client.CLASSIC)
        assert context.names == sorted(recorder.members(f"ignored{number}"), key=os.fsencode)
        assert context.dockerfile == recorder.received[f"ignored{number}"][0] == name


@pytest.mark.parametrize("ignore", [None, "x\n"])
def test_a_dockerfile_outside_goes_along_under_another_name(
    recorder: Recorder, tmp_path: Path, ignore: str | None
) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (root / "x").write_text("")
    if ignore is not None:
        (root / ".dockerignore").write_text(ignore)
    assert recorder.build("outside", root, "../Dockerfile") == ""
    context = read_context(root, "../Dockerfile", client=Client.CLASSIC)
    theirs = recorder.received["outside"][0]
    renamed = [context.dockerfile if n == theirs else n for n in recorder.members("outside")]
    assert context.names == sorted(renamed)
    made = next(m for m in context.members if m.name == ".dockerignore").content or b""
    with recorder.archive("outside") as archive:
        sent = archive.extractfile(".dockerignore")
        assert sent is not None
        assert made == sent.read().replace(theirs.encode(), context.dockerfile.encode())

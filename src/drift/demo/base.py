"""The base image of the demo's world, and how it moves."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from drift.demo.failure import DemoError
from drift.engine.engine import Engine
from drift.errors import EngineError

_UPSTREAM = "debian:bookworm-slim"
_LOCAL = "drift.local/demo-base"
_PATIENCE = 8  # seconds for a registry's answer
_RELEASE = "etc/demo-base"  # the file that a new base brings


@contextmanager
def base_image(engine: Engine, tar: Path, say: Callable[[str], None]) -> Iterator[str]:
    """A small Debian in the engine, gone again at the end; gives its reference.

    Pulled where the registry answers quickly, else imported from ``tar``, a root file
    system that mmdebstrap makes where it is not there yet.

    Raises:
        DemoError: there is neither a registry, nor the tar, nor mmdebstrap.
        EngineError: the engine fails.
    """
    reference = f"{_LOCAL}:bookworm"
    known = engine.local_image(_UPSTREAM) is not None
    if not tar.exists() and (known or registry_answers(engine)):
        say(f"base image: {_UPSTREAM}, pulled")
        engine.tag(engine.pull(_UPSTREAM, None, "missing").image_id, reference)
    else:
        _make_root_file_system(tar, say)
        say(f"base image: imported from {tar}")
        _import(engine, tar, reference)
        known = True
    try:
        yield reference
    finally:
        engine.remove(reference)
        if not known:
            _remove(engine, _UPSTREAM)


def push(engine: Engine, image: str, reference: str, release: str) -> None:
    """Push ``image`` with a release file on top, as ``reference`` of a loopback registry.

    No tag of it stays in the engine.

    Raises:
        EngineError: the engine cannot make or push it.
    """
    client = engine.connection.client
    repository, _, tag = reference.rpartition(":")
    with engine.connection.failures(f"making {reference}"):
        built = list(
            client.build(
                fileobj=_context(image, release),
                custom_context=True,
                tag=reference,
                rm=True,
                forcerm=True,
                decode=True,
            )
        )
        _raise_error(built, reference)
    try:
        with engine.connection.failures(f"pushing {reference}"):
            nobody = {"username": "", "password": ""}  # the push wants a header, even so
            _raise_error(
                list(client.push(repository, tag, stream=True, decode=True, auth_config=nobody)),
                reference,
            )
    finally:
        _remove(engine, reference)


def remove_all(engine: Engine, prefix: str) -> None:
    """Take away every reference that starts with ``prefix``, digests included."""
    with engine.connection.failures("listing images"):
        images = engine.connection.client.images()
    for image in images:
        for name in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):
            if name.startswith(prefix):
                _remove(engine, name)


def registry_answers(engine: Engine) -> bool:
    """True where the upstream image can be had from its registry, and that soon."""
    connection = engine.connection
    try:
        with connection.failures(f"asking for {_UPSTREAM}"):
            url = connection.url(f"/distribution/{_UPSTREAM}/json")
            return connection.client.get(url, timeout=_PATIENCE).status_code == 200
    except EngineError:
        return False


def _make_root_file_system(tar: Path, say: Callable[[str], None]) -> None:
    if tar.exists():
        return
    program = shutil.which("mmdebstrap")
    if program is None:
        raise DemoError(
            f"no registry gives {_UPSTREAM}, and there is no mmdebstrap to make a base image",
            hint="install mmdebstrap (Debian, Ubuntu), or pull the image where there is network",
        )
    say("base image: made by mmdebstrap, which takes a while the first time")
    tar.parent.mkdir(parents=True, exist_ok=True)
    partial = tar.with_suffix(".partial.tar")
    made = subprocess.run(
        [program, "--quiet", "--variant=minbase", "bookworm", partial], check=False
    )
    if made.returncode:
        raise DemoError("mmdebstrap cannot make a base image", hint="what it said stands above")
    partial.rename(tar)


def _import(engine: Engine, tar: Path, reference: str) -> None:
    repository, _, tag = reference.rpartition(":")
    connection = engine.connection
    with connection.failures(f"importing {tar}"), tar.open("rb") as content:
        answer = connection.client.post(
            connection.url("/images/create"),
            params={"fromSrc": "-", "repo": repository, "tag": tag},
            data=content,
            timeout=600,
        )
        connection.check(answer)
        answer.close()


def _context(image: str, release: str) -> io.BytesIO:
    files = {
        "Dockerfile": f"FROM {image}\nCOPY release /{_RELEASE}\n",
        "release": f"{release}\n",
    }
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    target.seek(0)
    return target


def _raise_error(lines: list[dict[str, str]], reference: str) -> None:
    for line in lines:
        if "error" in line:
            raise EngineError(f"{reference}: {line['error']}")


def _remove(engine: Engine, name: str) -> None:
    """Remove a reference; one that is gone or in use stays as it is."""
    connection = engine.connection
    with connection.failures(f"removing {name}"):
        connection.client.delete(connection.url(f"/images/{name}")).close()

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drift.oci import Digest
from drift.probe import Limits, probe
from drift.probe.members import members_of
from drift.source.model import Probe, Remote, RemoteKind
from support.web import Web, running_web

LIMITS = Limits(timeout=5)
CUT = "its content was cut short"
FILES = {
    "a-1.2/bin/a": b"one",
    "a-1.2/empty": b"",
    "a-1.2/big": random.Random(1).randbytes(300_000),
}
DIGESTS = {name: Digest.of(content) for name, content in FILES.items()}


@pytest.fixture
def web() -> Iterator[Web]:
    with running_web() as web:
        yield web


def remote(url: str, stage: str = "0", line: int = 2) -> Remote:
    return Remote(RemoteKind.FETCH, url, stage, line)


def ask(url: str, limits: Limits = LIMITS) -> Probe:
    (answer,) = probe([remote(url)], limits)
    return answer


def tar_of(files: dict[str, bytes] = FILES) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        directory = tarfile.TarInfo("a-1.2/dir")
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


class Pipe(io.RawIOBase):
    """Where nothing can be sought: zip writers then put sizes behind the content."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        self.content += bytes(content)  # type: ignore[call-overload]
        return len(bytes(content))  # type: ignore[call-overload]


def zip_of(compression: int = zipfile.ZIP_DEFLATED, *, piped: bool = False) -> bytes:
    target: Pipe | io.BytesIO = Pipe() if piped else io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return bytes(target.content) if isinstance(target, Pipe) else target.getvalue()


def test_content_is_told_by_its_digest_and_asked_for_without_conditions(web: Web) -> None:
    web.pages["/a"] = (200, {"ETag": '"same"'}, b"content")
    answer = ask(f"{web.url}/a")
    assert (answer.identity, answer.size) == (Digest.of(b"content"), 7)
    assert (answer.problem, answer.gone, answer.members) == (None, False, {})
    ((method, _, headers),) = web.requests
    assert method == "GET"
    assert headers["User-Agent"].startswith("drift/")
    assert headers["Cache-Control"] == "no-cache"
    assert not {"If-None-Match", "If-Modified-Since", "Authorization", "Cookie"} & set(headers)


def test_each_source_is_asked_once_for_all_who_name_it(web: Web) -> None:
    web.pages["/a"] = b"x"
    wanted = [remote(f"{web.url}/a", "0", 2), remote(f"{web.url}/a", "b", 7)]
    answers = probe(wanted, LIMITS)
    assert [answer.remote for answer in answers] == wanted
    assert {answer.identity for answer in answers} == {Digest.of(b"x")}
    assert web.asked("/a") == 1

    again = probe([remote(f"{web.url}/a", "c", 1)], LIMITS, seen=answers)
    assert again[0].identity == Digest.of(b"x")
    assert again[0].remote.stage == "c"
    assert web.asked("/a") == 1


def test_one_host_is_asked_at_most_two_things_at_once(web: Web) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

    web.pages.update({f"/{number}": slow for number in range(8)})
    answers = probe([remote(f"{web.url}/{number}") for number in range(8)], LIMITS)
    assert len({answer.remote for answer in answers if answer.identity}) == 8
    assert web.most_at_once == 2


def test_redirects_are_followed_without_the_users_netrc(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    web.pages["/a"] = (302, {"Location": "/b", "Set-Cookie": "a=b"}, b"")
    web.pages["/b"] = b"there"
    assert ask(f"{web.url}/a").identity == Digest.of(b"there")
    assert all({"Authorization", "Cookie"}.isdisjoint(headers) for _, _, headers in web.requests)


@pytest.mark.parametrize(
    ("page", "problem", "gone"),
    [
        ((404, {}, b"nothing"), "the server answered 404 Not Found", True),
        ((410, {}, b""), "the server answered 410 Gone", True),
        ((500, {}, b""), "the server answered 500 Internal Server Error", False),
        ((401, {}, b""), "the server answered 401 Unauthorized", False),
        ((302, {"Location": "/page"}, b""), "it redirects more than 10 times", False),
        ((302, {"Location": "ftp://h/"}, b""), "it redirects to what is no web address", False),
        ((200, {"Content-Length": "9", "Connection": "close"}, b"short"), CUT, False),
    ],
)
def test_what_is_not_served_is_told_in_words(
    web: Web, page: tuple[int, dict[str, str], bytes], problem: str, gone: bool
) -> None:
    web.pages["/page"] = page
    answer = ask(f"{web.url}/page", Limits(timeout=1, patience=2))
    assert (answer.problem, answer.gone, answer.identity) == (problem, gone, None)


def test_who_does_not_answer_is_not_waited_for(web: Web) -> None:
    web.pages["/silent"] = lambda handler: time.sleep(2)
    assert ask(f"{web.url}/silent", Limits(timeout=0.2)).problem == "it did not answer in time"
    assert ask("http://127.0.0.1:1/").problem == "no connection could be made to it"
    assert ask("http://no-such-host.invalid/").problem == "its name could not be resolved"


def drip(handler: BaseHTTPRequestHandler) -> None:
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def drip_content(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    drip(handler)


@pytest.mark.parametrize("page", [drip, drip_content])
def test_who_answers_a_byte_at_a_time_is_left(web: Web, page: object) -> None:
    web.pages["/slow"] = page  # type: ignore[assignment]
    started = time.monotonic()
    answer = ask(f"{web.url}/slow", Limits(timeout=0.3, patience=2))
    assert answer.problem == "its content did not arrive in time"
    assert time.monotonic() - started < 20


def test_what_is_endless_is_left_at_its_limit(web: Web) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(bytes(1 << 16))

    web.pages["/endless"] = endless
    answer = ask(f"{web.url}/endless", Limits(size=1 << 22))
    assert answer.problem == f"its content is larger than {1 << 22} bytes"


def test_what_is_not_reached_before_the_end_is_not_asked(web: Web) -> None:
    cancelled = threading.Event()
    cancelled.set()
    for limits, event in ((Limits(total=-1), None), (LIMITS, cancelled)):
        (answer,) = probe([remote(f"{web.url}/a")], limits, cancelled=event)
        assert answer.problem == "it was not asked: there was no time left"
    assert web.requests == []


def test_who_is_stopped_does_not_wait_for_answers(web: Web) -> None:
    web.pages["/silent"] = lambda handler: time.sleep(10)
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    started = time.monotonic()
    (answer,) = probe([remote(f"{web.url}/silent")], Limits(timeout=20), cancelled=cancelled)
    assert time.monotonic() - started < 8
    assert answer.problem == "it was not asked: there was no time left"


def test_a_fault_of_ours_loses_one_answer(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(url: str, _limits: Limits, _kind: RemoteKind) -> None:
        raise KeyError(url)

    monkeypatch.setattr("drift.probe.web.ask", faulty)
    assert ask(f"{web.url}/a").problem == "drift failed at it: KeyError"


def test_other_addresses_are_left_out() -> None:
    remotes = [remote("ftp://h/a"), Remote(RemoteKind.GIT, "ssh://h/r", "0", 1)]
    assert probe(remotes, LIMITS) == ()


ARCHIVES = {
    "a.tar": tar_of(),
    "a.tar.gz": gzip.compress(tar_of()),
    "a.tgz": gzip.compress(tar_of()[:700]) + gzip.compress(tar_of()[700:]),
    "a.tar.xz": lzma.compress(tar_of()),
    "a.txz": lzma.compress(tar_of()[:700]) + lzma.compress(tar_of()[700:]),
    "a.tar.bz2": bz2.compress(tar_of()),
    "a.tar.zst": zstandard.compress(tar_of()),
    "a.zip": zip_of(),
    "a.jar": zip_of(zipfile.ZIP_STORED),
    "a.whl": zip_of(piped=True),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_files_in_an_archive_are_told(web: Web, name: str) -> None:
    web.pages[f"/{name}"] = ARCHIVES[name]
    answer = ask(f"{web.url}/{name}")
    assert dict(answer.members) == DIGESTS
    assert answer.identity == Digest.of(ARCHIVES[name])


@pytest.mark.parametrize(
    ("name", "compress"),
    [("f.gz", gzip.compress), ("f.xz", lzma.compress), ("f.bz2", bz2.compress),
     ("f.zst", zstandard.compress)],
)  # fmt: skip
def test_a_file_that_is_only_compressed_is_told_by_its_name(
    web: Web, name: str, compress: object
) -> None:
    web.pages[f"/d/{name}"] = compress(b"text")  # type: ignore[operator]
    assert ask(f"{web.url}/d/{name}").members == {"f": Digest.of(b"text")}


def test_a_bomb_ends_the_list_and_not_the_probe(web: Web) -> None:
    many = {f"f{number}": b"x" for number in range(50)}
    bomb = gzip.compress(tar_of({"first": b"1", "bomb": bytes(1 << 26), "last": b"2"}))
    web.pages.update({"/bomb": bomb, "/many": tar_of(many)})
    answer = ask(f"{web.url}/bomb", Limits(unpacked=1 << 24))
    assert (answer.identity, set(answer.members)) == (Digest.of(bomb), {"first"})
    answer = ask(f"{web.url}/many", Limits(members=7))
    assert (answer.identity, len(answer.members)) == (Digest.of(tar_of(many)), 7)


@settings(max_examples=150)
@example("a.tgz", 161, b"\0\0")
@given(st.sampled_from(sorted(ARCHIVES)), st.integers(0, 400_000), st.binary(max_size=4))
def test_damaged_archives_tell_no_false_digest(name: str, at: int, damage: bytes) -> None:
    content = ARCHIVES[name]
    at %= len(content)
    hostile = content[:at] + damage
    found = members_of(iter([hostile]), name, LIMITS, time.monotonic() + 5)
    whole = {member: digest for member, digest in found.items() if member in DIGESTS}
    assert all(digest == DIGESTS[member] for member, digest in whole.items())

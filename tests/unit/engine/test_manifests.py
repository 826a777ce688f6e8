"""A registry asked for one platform's manifest: what it may answer, and what it may not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from drift.engine.manifests import Manifests, SilentError
from drift.errors import EngineError
from drift.oci import Digest, Platform, Reference
from drift.upkeep.moved import is_still
from support.serving import free_port, serving

AMD, ARM = Platform("linux", "amd64"), Platform("linux", "arm64")
USER = "Basic " + base64.b64encode(b"me:secret").decode()


class Registry(BaseHTTPRequestHandler):
    """Serves ``content`` by digest, to whoever has the token where it wants one."""

    content: ClassVar[dict[str, bytes]] = {}
    challenge = ""
    realm_wants: ClassVar[list[str]] = []
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        sent = self.headers.get("Authorization", "")
        self.seen.append(f"{url.path} {sent}".strip())
        if url.path == "/token":
            wrong = self.realm_wants and sent not in self.realm_wants
            scope = parse_qs(url.query)["scope"][0]
            return self._reply(403 if wrong else 200, json.dumps({"token": scope}).encode())
        if self.challenge and sent not in ("Bearer repository:app:pull", USER):
            challenge = self.challenge.replace("HERE", f"http://{self.headers['Host']}")
            return self._reply(401, b"", {"WWW-Authenticate": challenge})
        found = self.content.get(url.path.rpartition("/")[2])
        return self._reply(404 if found is None else 200, found or b"")

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


BEARER = 'Bearer realm="HERE/token",service="test",scope="repository:app:pull,push"'


class Content:
    """Manifests by their digests."""

    def __init__(self) -> None:
        self.by_digest: dict[str, bytes] = {}

    def put(self, document: Any) -> Digest:
        content = json.dumps(document).encode()
        digest = Digest.of(content)
        self.by_digest[digest] = content
        return digest

    def image(self, text: str) -> tuple[Digest, Digest]:
        config = Digest.of(text.encode())
        return self.put({"config": {"digest": config}}), config

    def index(self, *images: tuple[Any, Digest]) -> Digest:
        return self.put({"manifests": [{"platform": p, "digest": d} for p, d in images]})


def of(platform: Platform) -> dict[str, str]:
    variant = {"variant": platform.variant} if platform.variant else {}
    return {"os": platform.os, "architecture": platform.architecture, **variant}


@pytest.fixture
def content() -> Content:
    return Content()


@contextmanager
def asked(
    content: Content, login: str = "", **registry: Any
) -> Iterator[tuple[Manifests, list[str]]]:
    """A registry's manifests, and what it was sent; ``login`` is docker's."""
    header = {"X-Registry-Auth": base64.urlsafe_b64encode(login.encode()).decode()} if login else {}
    seen: list[str] = []
    with serving(Registry, content=content.by_digest, seen=seen, **registry) as port:
        yield Manifests(Reference.parse(f"127.0.0.1:{port}/app:1"), lambda: header), seen


def test_an_index_that_moved_for_another_platform_only(content: Content) -> None:
    (amd, config), (arm, _), (arm2, _) = map(content.image, ("amd", "arm", "arm 2"))
    before = content.index((of(AMD), amd), (of(ARM), arm))
    after = content.index((of(AMD), amd), (of(ARM), arm2))
    with asked(content) as (manifests, _):
        assert is_still(manifests, AMD, config, [], after), "the image's id is a configuration's"
        assert is_still(manifests, AMD, "", [amd], after), "it was pushed from here"
        assert is_still(manifests, AMD, before, [before], after), "the id is the index's"
        assert not is_still(manifests, ARM, before, [before], after)
        assert not is_still(manifests, Platform("linux", "s390x"), before, [before], after)


@pytest.mark.parametrize(
    ("variants", "wanted", "told"),
    [
        (("v6", "v7"), "v7", 1),
        (("v6", "v7"), None, None),  # which of them an engine takes is its own affair
        ((None,), "v7", 0),
        (("v7", None), None, 1),
    ],
)
def test_where_several_could_be_meant_none_is(
    content: Content, variants: tuple[str | None, ...], wanted: str | None, told: int | None
) -> None:
    images = [content.image(str(one)) for one in variants]
    platforms = [of(Platform("linux", "arm", one)) for one in variants]
    unknown = ({"os": "unknown", "architecture": "unknown"}, images[0][0])
    index = content.index(unknown, *zip(platforms, [one[0] for one in images], strict=True))
    with asked(content) as (manifests, _):
        found = manifests.image(index, Platform("linux", "arm", wanted))
    assert found == (None if told is None else images[told])


@pytest.mark.parametrize(
    ("login", "wants"),
    [("", [""]), ('{"username": "me", "password": "secret"}', [USER])],
    ids=["anybody", "a login"],
)
def test_a_token_is_asked_for(content: Content, login: str, wants: list[str]) -> None:
    digest, config = content.image("x")
    with asked(content, login, challenge=BEARER, realm_wants=wants) as (manifests, seen):
        assert manifests.image(digest, AMD) == (digest, config)
    last = f"/v2/app/manifests/{digest} Bearer repository:app:pull"
    assert (len(seen), seen[-1]) == (3, last)


def test_a_login_is_shown_where_it_is_asked_for(content: Content) -> None:
    digest, config = content.image("x")
    login = '{"username": "me", "password": "secret"}'
    with asked(content, login, challenge='Basic realm="x"') as (manifests, _):
        assert manifests.image(digest, AMD) == (digest, config)
    with (
        asked(content, challenge='Basic realm="x"') as (manifests, _),
        pytest.raises(EngineError, match="no credentials"),
    ):
        manifests.image(digest, AMD)


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="http://registry.invalid/token"',
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm="HERE/nowhere"',
        "Bearer",
        "Negotiate",
        "",
    ],
)
def test_no_login_goes_where_it_can_be_read(content: Content, challenge: str) -> None:
    digest, _ = content.image("x")
    login = '{"username": "me", "password": "secret"}'
    with (
        asked(content, login, challenge=challenge or "Digest x") as (manifests, _),
        pytest.raises(EngineError),
    ):
        manifests.image(digest, AMD)


@pytest.mark.parametrize(
    "served",
    [b"{}", b"[]", b"null", b"[" * 100_000, b"\xff", b"", b'{"config": {}}', b'{"config": 1}'],
)
def test_what_is_no_image_is_an_error(content: Content, served: bytes) -> None:
    digest = Digest.of(served)
    content.by_digest[digest] = served
    with asked(content) as (manifests, _), pytest.raises(EngineError, match="serves"):
        manifests.image(digest, AMD)


@pytest.mark.parametrize("entries", [1, None, [], [1], [{}], [{"platform": of(AMD)}]])
def test_an_index_without_the_platform_has_none(content: Content, entries: object) -> None:
    index = content.put({"manifests": entries})
    with asked(content) as (manifests, _):
        assert manifests.image(index, AMD) is None


def test_other_content_under_a_digest_is_not_believed(content: Content) -> None:
    digest, _ = content.image("x")
    content.by_digest[digest] += b" "
    with asked(content) as (manifests, _), pytest.raises(EngineError, match="something else"):
        manifests.image(digest, AMD)


def test_a_manifest_beyond_all_measure_is_not_read(content: Content) -> None:
    large = json.dumps({"config": {"digest": Digest.of(b"")}, "x": "x" * (5 << 20)}).encode()
    content.by_digest[Digest.of(large)] = large
    with asked(content) as (manifests, _), pytest.raises(EngineError, match="something else"):
        manifests.image(Digest.of(large), AMD)


def test_a_registry_that_is_not_there_is_told_from_one_that_does_not_tell(
    content: Content,
) -> None:
    manifests = Manifests(Reference.parse(f"127.0.0.1:{free_port()}/app:1"), dict)
    with pytest.raises(SilentError, match="could not be asked"):
        manifests.image(Digest.of(b""), AMD)
    with asked(content) as (manifests, _), pytest.raises(EngineError, match="404") as caught:
        manifests.image(Digest.of(b""), AMD)
    assert not isinstance(caught.value, SilentError)

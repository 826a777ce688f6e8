"""The manifests that a registry has, asked of itself: an engine tells only the digest of what
stands for all platforms.

It is asked as the engine would ask: with docker's own credentials, a bearer token where it wants
one, TLS but on loopback. What comes back is what its digest says, whoever sent it.

Specification: OCI distribution (``GET /v2/NAME/manifests/DIGEST``), image index and manifest;
the token authentication of the CNCF distribution project.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from drift.engine.connection import is_loopback
from drift.errors import EngineError
from drift.oci import Digest, Platform, Reference

INDEX = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFEST = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_TIMEOUT = 5.0  # seconds of silence
_PATIENCE = 20.0  # seconds for one answer
_LARGEST = 4 << 20  # bytes of a manifest: what registries take themselves
_HUB, _HUB_SERVER = "docker.io", "registry-1.docker.io"
_CHALLENGE = re.compile(r"\s*(Bearer|Basic)\s+(.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')


class SilentError(EngineError):
    """The registry does not answer us, whatever it is asked."""


class Manifests:
    """The manifests of one reference's repository, by their digests. ``credentials`` gives the
    header that an engine would be sent, once the registry asks who we are."""

    def __init__(self, reference: Reference, credentials: Callable[[], Mapping[str, str]]) -> None:
        self._reference, self._credentials = reference, credentials
        server = _HUB_SERVER if reference.domain == _HUB else reference.domain
        scheme = "http" if is_loopback(f"//{server}") else "https"
        self._url = f"{scheme}://{server}/v2/{reference.path}/manifests"
        self._authorization: str | None = None
        self._found: dict[Digest, dict[str, Any]] = {}

    def image(self, digest: Digest, platform: Platform) -> tuple[Digest, Digest] | None:
        """The digests of a platform's manifest and of its configuration, in an index or where
        ``digest`` is a manifest itself; None where there is none for this platform.

        Raises:
            SilentError: the registry could not be reached.
            EngineError: it does not tell us, or what it serves is no such thing.
        """
        found = self._get(digest)
        if "manifests" in found:
            own = _of_platform(found["manifests"], platform)
            if own is None:
                return None
            digest, found = own, self._get(own)
        try:
            return digest, Digest(found["config"]["digest"])
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(f"{self._reference.domain} serves no image as {digest}") from error

    def _get(self, digest: Digest) -> dict[str, Any]:
        if digest not in self._found:
            self._found[digest] = self._asked(digest)
        return self._found[digest]

    def _asked(self, digest: Digest) -> dict[str, Any]:
        try:
            with _Session(self._url) as session:
                content = self._content(session, digest)
            found = json.loads(content) if Digest.of(content) == digest else None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            said = f"{self._reference.domain} could not be asked: {type(error).__name__}"
            raise SilentError(said) from error
        except (ValueError, KeyError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise EngineError(f"{self._reference.domain} serves something else as {digest}")
        return found

    def _content(self, session: requests.Session, digest: Digest) -> bytes:
        url = f"{self._url}/{digest}"
        headers = {"Accept": ", ".join((*INDEX, *_MANIFEST))}
        for first in (True, False):
            if self._authorization:
                headers["Authorization"] = self._authorization
            with closing(_ask(session, url, headers)) as response:
                if response.status_code == 200:
                    return _body(response)
                challenge = _CHALLENGE.match(response.headers.get("WWW-Authenticate", ""))
                if response.status_code != 401 or challenge is None or not first:
                    break
                self._authorization = self._answer(session, challenge)
        raise EngineError(f"{self._reference.domain} answered {response.status_code}")

    def _answer(self, session: requests.Session, challenge: re.Match[str]) -> str:
        """What a registry wants to see, by its challenge."""
        basic = _basic(self._credentials())
        if challenge[1].lower() == "basic":
            if basic is None:
                raise EngineError(f"no credentials for {self._reference.domain}")
            return basic
        asked = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(challenge[2])}
        realm = urlsplit(asked.get("realm") or "")
        local = realm.scheme == "http" and is_loopback(realm.geturl())
        if not local and realm.scheme != "https":
            raise EngineError(f"{self._reference.domain} names no place to ask for a token")
        query = {"scope": f"repository:{self._reference.path}:pull"}
        query |= {"service": asked["service"]} if asked.get("service") else {}
        headers = {"Authorization": basic} if basic else {}
        with closing(_ask(session, realm.geturl(), headers, query)) as response:
            if response.status_code != 200:
                raise EngineError(f"{realm.netloc} gives no token: {response.status_code}")
            found = json.loads(_body(response))
        answer = found if isinstance(found, dict) else {}
        return f"Bearer {answer.get('token') or answer['access_token']}"


class _Session(requests.Session):
    """Proxies and certificates as the environment says, but no ``.netrc``; none for loopback."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = not url.startswith("http:")
        self.auth = lambda request: request


def _ask(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
) -> requests.Response:
    # Not redirected: whoever is named there was not asked for.
    return session.get(
        url,
        params=query,
        headers=dict(headers),
        stream=True,
        timeout=_TIMEOUT,
        allow_redirects=False,
    )


def _body(response: requests.Response) -> bytes:
    """Raises ValueError where it is too large, or too slow."""
    content, until = bytearray(), time.monotonic() + _PATIENCE
    for chunk in response.iter_content(1 << 16):
        content += chunk
        if len(content) > _LARGEST or time.monotonic() > until:
            raise ValueError("too large or too slow")
    return bytes(content)


def _of_platform(manifests: Any, platform: Platform) -> Digest | None:
    """The one of this platform; None where there is none, or where several could be."""
    fitting: list[tuple[Platform, Digest]] = []
    for one in manifests if isinstance(manifests, list) else ():
        try:
            has = one["platform"]
            found = Platform(has["os"], has["architecture"], has.get("variant") or None)
            digest = Digest(one["digest"])
        except (KeyError, TypeError, AttributeError, ValueError):
            continue
        if found.fits(platform):
            fitting.append((found, digest))
    exact = [digest for found, digest in fitting if found == platform]
    candidates = exact or [digest for _, digest in fitting]
    return candidates[0] if len(candidates) == 1 else None


def _basic(header: Mapping[str, str]) -> str | None:
    """Docker's own credentials as a registry takes them; None for tokens of an identity, which
    only an engine knows to change."""
    try:
        found = json.loads(base64.urlsafe_b64decode(header.get("X-Registry-Auth") or "e30="))
        name, password = found["username"], found["password"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    if not name:
        return None
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

"""Bases brought from their registries, and why one could not be.

The engine pulls; the credentials come from docker's own config and credential helpers.
The kinds of failure are told apart because the verdicts differ: what a registry says is
gone is the world's change, what could not be asked is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import docker.auth
import docker.errors
import requests

from drift.engine import images
from drift.engine.connection import Connection
from drift.engine.model import PulledImage
from drift.errors import EngineError
from drift.oci import Digest, Platform, Reference

SILENCE_TIMEOUT = 600.0  # between two lines of progress, in seconds
_LONGEST_LINE = 1 << 20


class PullFailure(StrEnum):
    """Why a reference could not be had."""

    NOT_FOUND = "not-found"  # the registry answered: it has no such image
    DENIED = "denied"  # it does not exist or is private; the registry does not say which
    AUTHENTICATION = "authentication"
    RATE_LIMIT = "rate-limit"
    NETWORK = "network"  # name resolution, TLS, time-outs, 5xx
    PLATFORM = "platform"  # there is one, for other platforms
    ABSENT = "absent"  # the policy is never, and the engine does not have it
    RESOURCES = "resources"  # the engine's disk is full
    ENGINE = "engine"  # anything else that the engine says


class PullError(EngineError):
    """A reference could not be had; ``kind`` says why."""

    def __init__(self, kind: PullFailure, message: str) -> None:
        super().__init__(message, hint=_HINTS[kind])
        self.kind = kind


_HINTS = {
    PullFailure.NOT_FOUND: "check the reference in the Dockerfile; its tag may have been removed",
    PullFailure.DENIED: "check its spelling, and log in with `docker login` where it is private",
    PullFailure.AUTHENTICATION: "log in with `docker login`, or mend the credential helper that "
    "docker's config.json names",
    PullFailure.RATE_LIMIT: "log in, pull less often, or use a mirror",
    PullFailure.NETWORK: "check that the engine reaches the registry, then run again",
    PullFailure.PLATFORM: "name a platform that the image has, in drift.toml or after FROM",
    PullFailure.ABSENT: 'pull it, or set pull = "missing" or "always" for this image',
    PullFailure.RESOURCES: "free space on the engine's disk; `drift doctor` shows how much",
    PullFailure.ENGINE: "see the engine's own log",
}

# The first pattern that is found decides. The words are those of dockerd, containerd,
# podman and the distribution specification's error codes.
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (PullFailure.RESOURCES, r"no space left on device|disk quota exceeded"),
        (PullFailure.RATE_LIMIT, r"toomanyrequests|too many requests|rate limit|\b429\b"),
        (
            PullFailure.NETWORK,
            r"dial (?:tcp|udp|unix)|no such host|server misbehaving|x509:|tls: |"
            r"time-?out|timed out|deadline exceeded|connection (?:refused|reset)|"
            r"network is unreachable|no route to host|broken pipe|request canceled|\bEOF\b|"
            r"proxyconnect|server gave HTTP response|name resolution|"
            r"(?:status|HTTP)[^0-9]{0,24}5\d\d|internal server error|bad gateway|"
            r"service unavailable|gateway time",
        ),
        (
            PullFailure.PLATFORM,
            r"no matching manifest for|no match for platform|does not match the specified "
            r"platform|no image found in (?:manifest list|image index)|"
            r"does not provide the specified platform",
        ),
        (
            PullFailure.AUTHENTICATION,
            r"unauthori[sz]ed|authentication required|no basic auth credentials|"
            r"incorrect username or password|invalid username/password|"
            r"(?:status|HTTP)[^0-9]{0,24}40[13]",
        ),
        (PullFailure.DENIED, r"access denied|is denied|\bdenied\b|insufficient_scope"),
        (
            PullFailure.NOT_FOUND,
            r"manifest unknown|name unknown|manifest for .* not found|not found|does not exist",
        ),
    )
)


def classify(message: str, status: int | None = None) -> PullFailure:
    """What an engine's own words about a failed pull mean; ``status`` is its HTTP status."""
    for kind, pattern in _PATTERNS:
        if pattern.search(message):
            return kind
    return PullFailure.NOT_FOUND if status == 404 else PullFailure.ENGINE


def pull(
    connection: Connection, reference: str, platform: Platform | None, policy: str
) -> PulledImage:
    """Have an image in the engine: by ``always`` pulling, where ``missing``, or ``never``.

    Nothing is retagged but what the pull itself moves.

    Raises:
        PullError: it could not be had; its ``kind`` says why.
        EngineError: the engine failed.
        ValueError: the reference or the policy is malformed.
    """
    if policy not in ("always", "missing", "never"):
        raise ValueError(f"not a pull policy: {policy!r}")
    if policy != "always":
        found = local_image(connection, reference, platform)
        if found is not None:
            return found
        if policy == "never":
            raise PullError(PullFailure.ABSENT, f"the engine does not have {reference}")
    return _pulled(connection, Reference.parse(reference), reference, platform)


def local_image(
    connection: Connection, reference: str, platform: Platform | None = None
) -> PulledImage | None:
    """The image that the engine has under a reference, None where it has none.

    ``digest`` is the one that the engine remembers for the reference's repository, from a
    pull or a push; podman remembers one of its own making for what it built as well. In a
    containerd store a digest that equals the image ID says nothing, and is None.

    Raises:
        PullError: the image is there, for another platform.
    """
    document = images.document(connection, reference)
    if document is None:
        return None
    parsed = Reference.parse(reference)
    _check_platform(document, reference, platform)
    return _described(connection, document, parsed, reference, None)


def _pulled(
    connection: Connection, parsed: Reference, reference: str, platform: Platform | None
) -> PulledImage:
    digest = parsed.digest
    for line in _progress(connection, parsed, platform):
        if "error" in line:
            said = str(line["error"])
            raise PullError(classify(said), f"{reference} cannot be pulled: {said}")
        status = str(line.get("status") or "")
        if status.startswith("Digest: "):
            digest = Digest(status.removeprefix("Digest: ").strip())
    name = _engine_name(parsed)
    document = images.document(connection, name) or images.document(connection, reference)
    if document is None:
        raise EngineError(f"the engine pulled {reference}, and does not have it now")
    _check_platform(document, reference, platform)
    return _described(connection, document, parsed, reference, digest)


def _progress(
    connection: Connection, parsed: Reference, platform: Platform | None
) -> Iterator[dict[str, Any]]:
    parameters = {
        "fromImage": f"{parsed.domain}/{parsed.path}",
        "tag": str(parsed.digest or parsed.tag),
    }
    if platform is not None:
        parameters["platform"] = str(platform)
    headers = credentials(connection, parsed)
    with connection.failures(f"pulling {parsed}"):
        response = connection.client.post(
            connection.url("/images/create"),
            params=parameters,
            headers=headers,
            stream=True,
            timeout=(30, SILENCE_TIMEOUT),
        )
        with response:
            if response.status_code != 200:
                raise _refused(parsed, response)
            for line in response.iter_lines(chunk_size=4096):
                if line and len(line) < _LONGEST_LINE:
                    message = json.loads(line)
                    if isinstance(message, dict):
                        yield message


def _refused(parsed: Reference, response: requests.Response) -> PullError:
    try:
        said = str(response.json().get("message"))
    except (ValueError, AttributeError):
        said = response.reason or str(response.status_code)
    kind = classify(said, response.status_code)
    return PullError(kind, f"{parsed} cannot be pulled: {said}")


def credentials(connection: Connection, parsed: Reference) -> dict[str, str]:
    """The header that carries the registry's credentials, from docker's own configuration.

    Raises:
        PullError: a credential helper fails.
    """
    try:
        header = docker.auth.get_config_header(connection.client, parsed.domain)
    except (docker.errors.DockerException, ValueError, KeyError, TypeError) as error:
        raise PullError(
            PullFailure.AUTHENTICATION,
            f"no credentials for {parsed.domain}: {error}",
        ) from error
    if not header:
        return {}
    return {"X-Registry-Auth": header.decode() if isinstance(header, bytes) else str(header)}


def _engine_name(parsed: Reference) -> str:
    end = f"@{parsed.digest}" if parsed.digest else f":{parsed.tag}"
    return f"{parsed.domain}/{parsed.path}{end}"


def _check_platform(document: dict[str, Any], reference: str, wanted: Platform | None) -> None:
    if wanted is None:
        return
    has = images.platform_of(document)
    if not has.fits(wanted):
        raise PullError(PullFailure.PLATFORM, f"{reference} is for {has}, and {wanted} is wanted")


def _described(
    connection: Connection,
    document: dict[str, Any],
    parsed: Reference,
    reference: str,
    digest: Digest | None,
) -> PulledImage:
    image_id = images.image_id_of(document)
    # Containerd stores name their own builds by digest too.
    known = (one for one in remembered_digests(document, parsed) if one != image_id)
    remembered = next(known, None)
    with connection.failures(f"reading the history of {reference}"):
        history = connection.client.history(str(image_id))
    settings = document.get("Config") or {}
    variables = (str(one).partition("=") for one in settings.get("Env") or ())
    return PulledImage(
        reference=reference,
        image_id=image_id,
        digest=digest or parsed.digest or remembered,
        diff_ids=images.diff_ids_of(document),
        history_length=len(history),
        onbuild=tuple(settings.get("OnBuild") or ()),
        environment={name: value for name, _, value in variables},
        directory=str(settings.get("WorkingDir") or "/"),
    )


def remembered_digests(document: Mapping[str, Any], parsed: Reference) -> tuple[Digest, ...]:
    """The digests that an inspected image is known by in the reference's repository, sorted.

    There may be several: an image that was pushed and then pulled by an index has that of its
    manifest and that of the index.
    """
    found = []
    for name in document.get("RepoDigests") or ():
        try:
            known = Reference.parse(name)
        except ValueError:
            continue  # ``<none>@<none>`` of an image that lost its name
        if known.digest and (known.domain, known.path) == (parsed.domain, parsed.path):
            found.append(known.digest)
    return tuple(sorted(found))

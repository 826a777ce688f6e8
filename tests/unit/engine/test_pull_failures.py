from __future__ import annotations

import pytest

from drift.engine.pull import PullFailure, classify, remembered_digest
from drift.oci import Reference

CASES = [
    ("manifest for debian:nope not found: manifest unknown: manifest unknown", "not-found"),
    ("docker.io/library/debian:nope: not found", "not-found"),
    ("repository example.org/x not found: name unknown", "not-found"),
    (
        "pull access denied for x/y, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied",
        "denied",
    ),
    (
        "pull access denied, repository does not exist or may require authorization: "
        "server message: insufficient_scope: authorization failed",
        "denied",
    ),
    ("Head https://example.org/v2/x/manifests/1: no basic auth credentials", "authentication"),
    ("unauthorized: incorrect username or password", "authentication"),
    ("toomanyrequests: You have reached your pull rate limit.", "rate-limit"),
    (
        'Get "https://example.org/v2/": dial tcp: lookup example.org: no such host',
        "network",
    ),
    ("Get https://example.org/v2/: x509: certificate signed by unknown authority", "network"),
    ("received unexpected HTTP status: 502 Bad Gateway", "network"),
    ("net/http: request canceled while waiting for connection", "network"),
    (
        "no matching manifest for linux/s390x in the manifest list entries",
        "platform",
    ),
    ("write /var/lib/docker/tmp/x: no space left on device", "resources"),
    ("something that nobody has seen before", "engine"),
]


@pytest.mark.parametrize(("message", "kind"), CASES)
def test_the_engines_words_are_told_apart(message: str, kind: str) -> None:
    assert classify(message) == PullFailure(kind)


def test_a_bare_404_is_not_found() -> None:
    assert classify("gone", 404) is PullFailure.NOT_FOUND


def test_the_digest_of_the_references_own_repository() -> None:
    other, own = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    document = {"RepoDigests": ["<none>@<none>", f"a/debian@{other}", f"debian@{own}"]}
    assert remembered_digest(document, Reference.parse("debian:12")) == own
    assert remembered_digest(document, Reference.parse("alpine")) is None
    assert remembered_digest({"RepoDigests": None}, Reference.parse("debian")) is None

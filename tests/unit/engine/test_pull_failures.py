from __future__ import annotations

import pytest

from drift.engine.pull import PullFailure, classify, remembered_digests
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


def test_the_digests_of_the_references_own_repository() -> None:
    other, own, index = (f"sha256:{digit * 64}" for digit in "123")
    names = [f"debian@{index}", "<none>@<none>", f"a/debian@{other}", f"debian@{own}", "debian:12"]
    document = {"RepoDigests": names}
    assert remembered_digests(document, Reference.parse("debian:12")) == (own, index)
    assert remembered_digests(document, Reference.parse("alpine")) == ()
    assert remembered_digests({"RepoDigests": None}, Reference.parse("debian")) == ()

from __future__ import annotations

import pytest

from drift.builds import FailureKind
from drift.engine.failure import classify, failure, one_line

RUN_FAILED = 'process "/bin/sh -c it" did not complete successfully: exit code: 100'

STEP, SOURCE, NETWORK = FailureKind.STEP, FailureKind.SOURCE, FailureKind.NETWORK
RESOURCES, ENGINE, INPUT = FailureKind.RESOURCES, FailureKind.ENGINE, FailureKind.INPUT


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        # apt
        (
            "W: Failed to fetch http://example.org/x  Temporary failure resolving 'example.org'",
            NETWORK,
        ),
        ("Err:1 http://example.org stable InRelease", STEP),
        (
            "W: Failed to fetch http://example.org/InRelease  Could not resolve 'example.org'",
            NETWORK,
        ),
        (
            "  Something wicked happened resolving 'example.org:http' (-11 - System error)",
            NETWORK,
        ),
        (
            "Could not connect to example.org:80 (192.0.2.1). - connect (111: Connection refused)",
            NETWORK,
        ),
        (
            "E: Failed to fetch http://example.org/a  503  Service Unavailable [IP: 192.0.2.1 80]",
            NETWORK,
        ),
        (
            "E: Failed to fetch http://example.org/a  502  Bad Gateway [IP: 192.0.2.1 80]",
            NETWORK,
        ),
        (
            "E: Failed to fetch http://example.org/a.deb  Connection timed out [IP: 192.0.2.1 80]",
            NETWORK,
        ),
        ("E: Failed to fetch http://example.org/a.deb  404  Not Found [IP: 192.0.2.1 80]", STEP),
        ("E: Unable to locate package libfoo1", STEP),
        ("E: Version '1.2-3' for 'curl' was not found", STEP),
        ("E: Failed to fetch store:/var/lib/apt/lists/x  Hash Sum mismatch", STEP),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", RESOURCES),
        ("E: Write error - write (28: No space left on device)", RESOURCES),
        ("dpkg: error processing archive x.deb: cannot copy: No space left on device", RESOURCES),
        ("Certificate verification failed: The certificate is NOT trusted.", NETWORK),
        # apk
        ("WARNING: fetching https://example.org/main: temporary error (try again later)", NETWORK),
        ("WARNING: fetching https://example.org/main: DNS lookup error", NETWORK),
        ("ERROR: unable to select packages:", STEP),
        # pip
        (
            "WARNING: Retrying (Retry(total=4)) after broken by 'NewConnectionError(...: "
            "Failed to establish: [Errno -3] Temporary failure in name resolution')",
            NETWORK,
        ),
        (
            "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool: Read timed out.",
            NETWORK,
        ),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] unable to get", NETWORK),
        ("ERROR: HTTP error 503 while getting https://example.org/x.whl", NETWORK),
        ("requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: x", NETWORK),
        ("ERROR: No matching distribution found for flask==99", STEP),
        ("ERROR: Could not find a version that satisfies the requirement flask==99", STEP),
        (
            "ERROR: Could not install packages: [Errno 28] No space left on device",
            RESOURCES,
        ),
        # npm
        ("npm ERR! code EAI_AGAIN", NETWORK),
        ("npm error code ETIMEDOUT", NETWORK),
        ("npm ERR! code E429", NETWORK),
        ("npm ERR! 503 Service Unavailable - GET https://example.org/left-pad", NETWORK),
        ("npm ERR! code UNABLE_TO_GET_ISSUER_CERT_LOCALLY", NETWORK),
        ("npm ERR! code E404", STEP),
        ("npm ERR! code ERESOLVE", STEP),
        ("npm ERR! code ENOSPC", RESOURCES),
        # curl
        ("curl: (6) Could not resolve host: example.org", NETWORK),
        (
            "curl: (7) Failed to connect to example.org port 443 after 1 ms",
            NETWORK,
        ),
        ("curl: (28) Operation timed out after 30000 milliseconds with 0 bytes received", NETWORK),
        ("curl: (60) SSL certificate problem: unable to get local issuer certificate", NETWORK),
        ("curl: (22) The requested URL returned error: 500", NETWORK),
        ("curl: (22) The requested URL returned error: 404", STEP),
        ("curl: (56) Recv failure: Connection reset by peer", NETWORK),
        ("curl: (23) Failed writing body (0 != 1369)", STEP),
        # wget
        ("wget: unable to resolve host address 'example.org'", NETWORK),
        ("wget: bad address 'example.org'", NETWORK),
        ("2026-11-23 20:00:00 ERROR 503: Service Unavailable.", NETWORK),
        ("2026-11-23 20:00:00 ERROR 404: Not Found.", STEP),
        ("wget: server returned error: HTTP/1.1 502 Bad Gateway", NETWORK),
        # git
        (
            "fatal: unable to access 'https://example.org/x/': Could not resolve host: example.org",
            NETWORK,
        ),
        (
            "fatal: unable to access 'https://example.org/x/': gnutls_handshake() failed: Error",
            NETWORK,
        ),
        ("git@example.org: Permission denied (publickey).", NETWORK),
        ("fatal: early EOF", NETWORK),
        ("fatal: repository 'https://example.org/x/' not found", STEP),
        ("fatal: Remote branch v9 not found in upstream origin", STEP),
        # go
        (
            "go: example.org/x@v1: dial tcp: lookup example.org: no such host",
            NETWORK,
        ),
        (
            'go: example.org/x@v1: Get "https://example.org/x": net/http: TLS handshake timeout',
            NETWORK,
        ),
        (
            "go: example.org/x@v1: tls: failed to verify certificate: x509: certificate signed by",
            NETWORK,
        ),
        ("go: example.org/x@v9: invalid version: unknown revision v9", STEP),
        # others
        ("Caused by: java.net.UnknownHostException: repo.example.org", NETWORK),
        ("error: failed to lookup address information: Name does not resolve", NETWORK),
        # memory
        ("c++: fatal error: Killed signal terminated program cc1plus", RESOURCES),
        (
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            RESOURCES,
        ),
        ("virtual memory exhausted: Cannot allocate memory", RESOURCES),
        # nothing of the kind
        ("make: *** [Makefile:503: all] Error 2", STEP),
        ("error during build: Could not resolve './parts' from src/main.js", STEP),
        ("FAILED tests/test_http.py::test_500 - assert 500 == 200", STEP),
        ("Downloaded 429 files in 502 seconds", STEP),
    ],
)
def test_what_a_failing_step_printed(line: str, kind: FailureKind) -> None:
    assert classify(RUN_FAILED, ["before", line, "after"]) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (RUN_FAILED, STEP),
        ("dockerfile parse error line 2: unknown instruction: RUNX", STEP),
        (
            "failed to solve with frontend dockerfile.v0: failed to read dockerfile: open x",
            STEP,
        ),
        ("Cannot locate specified Dockerfile: Nope", STEP),
        ("failed to reach build target nope in Dockerfile", STEP),
        ('target stage "nope" could not be found', STEP),
        ("COPY failed: file not found in build context: stat nope: file does not exist", STEP),
        ('failed to compute cache key: "/nope" not found: not found', STEP),
        ("manifest for example.org/x:1 not found: manifest unknown: manifest unknown", SOURCE),
        ("failed to solve: example.org/x:1: failed to resolve: example.org/x:1: not found", SOURCE),
        ("docker.io/library/x:1: not found", SOURCE),
        ("no matching manifest for linux/arm64 in the manifest list entries", SOURCE),
        (
            "pull access denied for x, repository does not exist or may require 'docker login'",
            NETWORK,
        ),
        ("unauthorized: authentication required", NETWORK),
        ("toomanyrequests: You have reached your pull rate limit.", NETWORK),
        (
            'Get "https://example.org/v2/": net/http: request canceled (Client.Timeout exceeded)',
            NETWORK,
        ),
        (
            'Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
            NETWORK,
        ),
        ("received unexpected HTTP status: 503 Service Unavailable", NETWORK),
        ("failed to load cache key: invalid response status 503", NETWORK),
        ("failed to load cache key: invalid response status 404", STEP),
        ("failed to register layer: Error processing tar file: no space left on device", RESOURCES),
        ('process "/bin/sh -c make" did not complete successfully: exit code: 137', RESOURCES),
        ("The command '/bin/sh -c make' returned a non-zero code: 137", RESOURCES),
        ("secret npmrc: not found", INPUT),
        ("secret npmrc not found: not found", INPUT),
        ("rpc error: code = NotFound desc = unset ssh forward key default", INPUT),
        ('no SSH key "default" forwarded from the client', INPUT),
        ("no active sessions", INPUT),
        ("the --mount option requires BuildKit.", INPUT),
        ("network bridge not found", ENGINE),
        (
            'Get "http://build-context-abc/": dial tcp: lookup build-context-abc: no such host',
            ENGINE,
        ),
        ("rpc error: code = Unavailable desc = transport is closing", ENGINE),
    ],
)
def test_what_the_builder_said(message: str, kind: FailureKind) -> None:
    assert classify(message) is kind


@pytest.mark.parametrize(
    "message",
    [
        "The command '/bin/sh -c curl x || echo connection refused' returned a non-zero code: 1",
        "executor failed running [/bin/sh -c echo no space left on device; false]: exit code: 1",
        'building at STEP "RUN echo connection refused": while running runtime: exit status 1',
        'process "/bin/sh -c echo Could not resolve host; exit 1" did not complete successfully: '
        "exit code: 1",
    ],
)
def test_the_command_itself_is_not_what_went_wrong(message: str) -> None:
    assert classify(message) is STEP


def test_a_failure_shows_the_last_twenty_lines() -> None:
    failed = failure("no\n such  thing", [f"line {number}" for number in range(50)])

    assert failed.message == "no such thing"
    assert failed.tail == tuple(f"line {number}" for number in range(30, 50))


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert len(one_line("x" * 10_000)) == 500
    assert one_line(" \n ") == "the builder gave no reason"

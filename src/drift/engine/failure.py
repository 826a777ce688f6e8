"""Why a build failed, from what was said: the builder's error and the failing step's output.

The kinds decide between ``broken`` (the image's own build is at fault) and ``unknown`` (the
network, the engine or the machine was); so each pattern is a phrase that a tool prints for
one cause alone, and what no pattern knows is the step's own failure. HTTP 404 is nobody's
outage: what was there is gone, and the build is broken. Outages come first: a package "not
found" after an index that could not be fetched is the network's fault.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from drift.builds import Failure, FailureKind
from drift.engine.transcript import TAIL

_LONGEST_MESSAGE = 500


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_RESOURCES = _any(
    r"no space left on device",
    r"\bENOSPC\b",
    r"disk quota exceeded",
    r"cannot allocate memory",
    r"\bENOMEM\b",
    r"out of memory",
    r"killed process \d+|killed signal terminated program",
    r"\boom[- ]?kill",
    r"virtual memory exhausted",
    r"(?:exit|non-zero) code:? 137\b",
    r"exit status 137\b",
    r"too many open files",
    r"fork: .*resource temporarily unavailable",
    r"you don't have enough free space in",
)
_NETWORK = _any(
    # names
    r"temporary failure (?:in name resolution|resolving)",
    r"(?:could not|couldn't) resolve (?:host|proxy)",
    r"unable to resolve host address|wget: bad address",
    r"temporary error \(try again later\)",  # apk
    r"name or service not known",
    r"nodename nor servname",
    r"no address associated with hostname",
    r"failed to resolve '[^']*'",
    r"\b(?:ENOTFOUND|EAI_AGAIN)\b",
    r"lookup \S+(?: on \S+)?: (?:no such host|server misbehaving|i/o timeout)",
    r"server misbehaving",
    # TLS
    r"ssl certificate problem",
    r"certificate verif(?:y|ication) failed",
    r"CERTIFICATE_VERIFY_FAILED",
    r"x509: ",
    r"tls: (?:failed to|handshake|bad|first record|unrecognized name)",
    r"tls handshake timeout",
    r"(?:ssl|gnutls)_(?:handshake|connect|error|read)\w*\b.*(?:error|fail)",
    r"gnutls_handshake\(\) failed",
    r"(?:SSLError|SSLEOFError|ssl\.SSL\w+Error)\b",
    r"unable to establish ssl connection",
    r"\b(?:UNABLE_TO_(?:GET|VERIFY)\w+|SELF_SIGNED_CERT\w*|CERT_HAS_EXPIRED)\b",
    r"server certificate verification failed",
    # connections and time
    r"connection (?:refused|reset by peer|timed out)",
    r"\b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ESOCKETTIMEDOUT|EHOSTUNREACH|ENETUNREACH)\b",
    r"network is unreachable|no route to host",
    r"(?:could not|couldn't|failed to|unable to) connect to\b",
    r"cannot initiate the connection to",
    r"dial (?:tcp|udp)\b",
    r"(?:read|connect|operation|connection|request|fetch)[ _]?timed? ?out\b",
    r"ReadTimeoutError|ConnectTimeoutError|NewConnectionError|RemoteDisconnected",
    r"i/o timeout",
    r"client\.timeout exceeded|context deadline exceeded",
    r"net/http: request canceled",
    r"unexpected disconnect while reading sideband packet",
    r"the remote end hung up unexpectedly",
    r"early EOF",
    r"connection failed \[IP:",
    # the other side is busy, broken, or wants to know who asks
    r"too many requests|toomanyrequests|rate limit exceeded|pull rate limit",
    r"\bE(?:401|429|5\d\d)\b",
    r"(?:http error|status|status code|returned error|response code|http/[\d.]+)"
    r"[:=]? ?(?:429|5[0-3]\d)\b",
    r"\berror (?:429|5[0-3]\d): ",
    r"\b(?:500 +internal server error|502 +(?:bad gateway|proxy error)"
    r"|503 +(?:service |backend |first byte )?\w+|504 +gateway)",
    r"(?:bad gateway|service unavailable|gateway time-?out)",
    r"unauthorized: |authentication required|no basic auth credentials|failed to authorize",
    r"permission denied \(publickey|host key verification failed|authentication failed for",
    r"pull access denied|insufficient_scope|denied: requested access",
)
_ENGINE = _any(
    r"broken pipe.*containerd|containerd.*(?:not running|connection refused)",
    r"grpc: the (?:client )?connection is closing",
    r"transport is closing",
    r"error while dialing",
    r"http://build-context-",
    r"network bridge not found",
    r"(?:oci|shim) .*create failed|failed to create (?:shim|task)",
    r"failed to (?:mount|register layer|get layer)",
    r"input/output error|read-only file system.*(?:docker|buildkit|containerd)",
    r"session (?:has been )?(?:healthcheck failed|closed)",
    r"panic: runtime error",
    r"server (?:is )?shutting down",
)
_SOURCE = _any(
    r"manifest (?:for \S+ )?(?:unknown|not found)",
    r"manifest unknown",
    r"(?:docker\.io|[\w.-]+(?::\d+)?)/\S+: not found",
    r"repository (?:name )?\S* ?(?:not known to registry|does not exist)",
    r"name unknown",
    r"no match for platform in manifest|no matching manifest for",
    r"no such image",
    r"image with reference \S+ was found but (?:does not match|its platform)",
)
_INPUT = _any(
    r"secret \S+: not found|secret \S+ not found|\S+: secret not found",
    r"no active sessions?\b",
    r"unset ssh (?:forward )?key",
    r"no ssh key \S+ forwarded",
    r"could not find ssh (?:agent|key)",
    r"the --mount option requires BuildKit",
)
_DOCKERFILE = _any(
    r"dockerfile parse error",
    r"unknown instruction",
    r"failed to (?:read|parse) dockerfile",
    r"cannot locate specified dockerfile",
    r"target stage \S+ could not be found|failed to reach build target",
)
# The command is the Dockerfile's: that it speaks of an error does not make it one.
_COMMAND = re.compile(
    r"(?<=The command ').*(?=' returned)"
    r"|(?<=executor failed running \[).*(?=\]: )"
    r'|(?<=building at STEP ").*(?=": )'
    r"|(?<=process \").*(?=\" did not complete)",
    re.DOTALL,
)


def failure(
    message: str, printed: Sequence[str] = (), tail: Sequence[str] | None = None
) -> Failure:
    """The failure that a builder's error and the failing step's output amount to.

    ``printed`` is what the failing step printed; ``tail`` what is shown of the log, where
    that is not the same.
    """
    shown = printed if tail is None else tail
    return Failure(classify(message, printed), one_line(message), tail=tuple(shown[-TAIL:]))


def classify(message: str, printed: Sequence[str] = ()) -> FailureKind:
    """The kind of a failure. Without output it is the builder's own: of a base, a mount, itself."""
    message = _COMMAND.sub("", message)
    if _DOCKERFILE.search(message):
        return FailureKind.STEP
    if _INPUT.search(message):
        return FailureKind.INPUT
    # One line at a time: what a pattern may span is bounded, and so is its time.
    for line in (message, *printed):
        if _RESOURCES.search(line[-4096:]):
            return FailureKind.RESOURCES
    if _ENGINE.search(message):
        return FailureKind.ENGINE
    for line in (message, *printed):
        if _NETWORK.search(line[-4096:]):
            return FailureKind.NETWORK
    return FailureKind.SOURCE if _SOURCE.search(message) else FailureKind.STEP


def one_line(message: str) -> str:
    """A message without line breaks, of a length that fits a table."""
    line = " ".join(message.split()) or "the builder gave no reason"
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"

"""What tools print when the network, the other side or the machine was at fault.

Each pattern is a phrase that is printed for one cause alone, whatever the tool.
"""

from __future__ import annotations

import re

from drift.builds import Reason

Table = tuple[tuple[Reason, re.Pattern[str]], ...]

_LONGEST = 4096  # characters of a line
_ANSWER = r"(?:http error|status|status code|returned error|response code|http/[\d.]+)[:=]? ?"


def any_of(*patterns: str) -> re.Pattern[str]:
    """One pattern that finds any of some phrases, in any case."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def reason_in(table: Table, line: str) -> Reason | None:
    """What a line says went wrong; None where it says nothing of the table's.

    Its end alone is looked at: what a pattern may span is bounded, and so is its time.
    """
    end = line[-_LONGEST:]
    return next((reason for reason, pattern in table if pattern.search(end)), None)


RESOURCES: Table = (
    (
        Reason.DISK,
        any_of(
            r"no space left on device",
            r"\bENOSPC\b",
            r"disk quota exceeded",
            r"you don't have enough free space in",
        ),
    ),
    (
        Reason.MEMORY,
        any_of(
            r"cannot allocate memory",
            r"\bENOMEM\b",
            r"out of memory",
            r"killed process \d+|killed signal terminated program",
            r"\boom[- ]?kill",
            r"virtual memory exhausted",
            r"(?:exit|non-zero) code:? 137\b",
            r"exit status 137\b",
        ),
    ),
    (
        Reason.LIMITS,
        any_of(r"too many open files", r"fork: .*resource temporarily unavailable"),
    ),
)
NETWORK: Table = (
    (
        Reason.NAMES,
        any_of(
            r"temporary failure (?:in name resolution|resolving)",
            r"(?:could not|couldn't) resolve (?:host|proxy)",
            r"failed to fetch \S+\s+could not resolve '",  # apt
            r"(?:something wicked happened|system error) resolving '",  # apt
            r"unable to resolve host address|wget: bad address",
            r"temporary error \(try again later\)|dns lookup error|dns: transient error",  # apk
            r"unknownhostexception|failed to lookup address information|getaddrinfo failed",
            r"name or service not known",
            r"nodename nor servname",
            r"no address associated with hostname",
            r"failed to resolve '[^']*'",
            r"\b(?:ENOTFOUND|EAI_AGAIN)\b",
            r"lookup \S+(?: on \S+)?: (?:no such host|server misbehaving|i/o timeout)",
            r"server misbehaving",
        ),
    ),
    (
        Reason.TLS,
        any_of(
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
        ),
    ),
    (
        Reason.CONNECTION,
        any_of(
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
        ),
    ),
    (
        Reason.RATE_LIMIT,
        any_of(
            r"too many requests|toomanyrequests|rate limit exceeded|pull rate limit",
            r"\bE429\b",
            rf"{_ANSWER}429\b",
            r"\berror 429: ",
        ),
    ),
    (
        Reason.SERVER,
        any_of(
            r"\bE5\d\d\b",
            rf"{_ANSWER}5[0-3]\d\b",
            r"\berror 5[0-3]\d: ",
            r"\b(?:500 +internal server error|502 +(?:bad gateway|proxy error)"
            r"|503 +(?:service |backend |first byte )?\w+|504 +gateway)",
            r"(?:bad gateway|service unavailable|gateway time-?out)",
        ),
    ),
    (
        Reason.AUTHENTICATION,
        any_of(
            r"\bE401\b",
            r"unauthorized: |authentication required|no basic auth credentials|failed to authorize",
            r"permission denied \(publickey|host key verification failed|authentication failed for",
            r"pull access denied|insufficient_scope|denied: requested access",
        ),
    ),
)

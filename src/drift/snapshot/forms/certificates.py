"""Certificates that the build made and signed itself (X.509, RFC 5280), in PEM."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from drift.snapshot.forms import der
from drift.snapshot.forms.dates import Span, span_of
from drift.snapshot.forms.keys import pem_blocks
from drift.snapshot.forms.model import Window

START = b"-----BEGIN CERTIFICATE-----"
LARGEST = 64 << 10
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_KEY_IDENTIFIERS = (bytes.fromhex("551d0e"), bytes.fromhex("551d23"))
_HOST = re.compile(rb"[0-9a-f]{12}")
_TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}


class SelfSignedCertificate:
    """What a certificate says, without its key, serial number, signature and days.

    Its validity begins within the build's window, and the issuer is the subject; names,
    extensions, algorithms, the key's length and how long it is valid stay, and so do other
    certificates. Not exact: the key is another one.
    """

    name = "self-signed-certificate"
    kind = "random"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The certificates in normal form; None where the build made none of them."""
        del path
        span = span_of(window) if window is not None else None
        if span is None or len(content) > LARGEST:
            return None
        try:
            blocks = pem_blocks(content)
            normal = [_normal(body, span) if label == b"CERTIFICATE" else None
                      for label, body in blocks]  # fmt: skip
        except ValueError:
            return None
        if not any(normal):
            return None
        return b"\n".join(new or body for new, (_, body) in zip(normal, blocks, strict=True))


def _normal(body: bytes, span: Span) -> bytes | None:
    """One certificate; None where it is not the build's own. Raises ValueError."""
    signed, *_ = der.children(der.only(body))
    fields = der.children(signed)
    version = fields.pop(0).whole if fields[:1] and fields[0].tag == _VERSION else b""
    _serial, algorithm, issuer, validity, subject, key, *rest = fields
    start, end = (_time(at) for at in der.children(validity))
    if issuer.whole != subject.whole or not span.has(start):
        return None
    key_algorithm, bits = der.children(key)
    parts = [
        version,
        algorithm.whole,
        _HOST.sub(b"\0", subject.whole),
        b"%d" % (end - start).total_seconds(),
        key_algorithm.whole,
        b"%d" % len(bits.value),
        *(_extensions(part) for part in rest),
    ]
    return b" ".join(part.hex().encode() for part in parts)


def _extensions(part: der.Element) -> bytes:
    if part.tag != _EXTENSIONS:
        return part.whole
    [listed] = der.elements(part.value)
    kept = []
    for extension in der.children(listed):
        oid, *_ = der.children(extension)
        if oid.value in _KEY_IDENTIFIERS:  # digests of the key
            kept.append(oid.whole)
        else:
            kept.append(_HOST.sub(b"\0", extension.whole))
    return b"".join(kept)


def _time(element: der.Element) -> datetime:
    """UTCTime or GeneralizedTime, naive in UTC. Raises ValueError."""
    if element.tag not in _TIMES:
        raise ValueError("no time")
    moment = datetime.strptime(element.value.decode("ascii"), _TIMES[element.tag])
    return moment.replace(tzinfo=UTC).replace(tzinfo=None)

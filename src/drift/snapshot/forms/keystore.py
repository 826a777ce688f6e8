"""Java keystores: JKS (``sun.security.provider.JavaKeyStore``) and PKCS #12 (RFC 7292)."""

from __future__ import annotations

import hashlib
import struct

from drift.snapshot.forms import der
from drift.snapshot.forms.model import Window

JKS_MAGIC = b"\xfe\xed\xfe\xed"
PKCS12_PATHS = ("/etc/ssl/certs/java/cacerts", "/etc/pki/java/cacerts")
_PASSWORDS = ("changeit", "changeme", "")
_WHITENER = b"Mighty Aphrodite"
_KEY, _CERTIFICATE = 1, 2
_ENTRIES = 100_000
_DEPTH = 16
_LARGEST_PKCS12 = 2 << 20  # bytes; each level of the tree is a copy


class JavaKeystore:
    """A JKS store without the days of its entries, and the digest over them.

    Exact: the digest is checked with the passwords that everybody has; a store with another
    password is not of this form.
    """

    name = "java-keystore"
    kind = "timestamp"
    exact = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The entries with a time of zero; None for a damaged or protected store."""
        del path, window
        body, digest = content[:-20], content[-20:]
        password = next((word for word in _PASSWORDS if _digest(word, body) == digest), None)
        if password is None or not content.startswith(JKS_MAGIC):
            return None
        try:
            return password.encode() + b"\0" + _timeless(body)
        except (struct.error, ValueError):
            return None


class Pkcs12Keystore:
    """The shape of an encrypted store: the tree of its elements, and how long each is.

    Not exact: salts and keys are random, and what is encrypted can't be read. A certificate
    more or less shows in a length.
    """

    name = "pkcs12-keystore"
    kind = "random"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The shape; None for what is not DER, or too large for a keystore."""
        del path, window
        if len(content) > _LARGEST_PKCS12:
            return None
        try:
            return b" ".join(_shape(der.only(content), _DEPTH))
        except ValueError:
            return None


def _digest(password: str, body: bytes) -> bytes:
    salted = hashlib.sha1(password.encode("utf-16-be") + _WHITENER, usedforsecurity=False)
    salted.update(body)
    return salted.digest()


def _timeless(body: bytes) -> bytes:
    version, count = struct.unpack_from(">II", body, 4)
    if version not in (1, 2) or count > _ENTRIES:
        raise ValueError("an unknown version")
    pieces = [body[:12]]
    at = 12
    for _ in range(count):
        tag, alias = struct.unpack_from(">IH", body, at)
        time = at + 6 + alias
        end = _after_key(body, time + 8, version) if tag == _KEY else (
            _after_certificate(body, time + 8, version)
        )  # fmt: skip
        if tag not in (_KEY, _CERTIFICATE) or end > len(body):
            raise ValueError("an unknown entry")
        pieces += (body[at:time], bytes(8), body[time + 8 : end])
        at = end
    if at != len(body):
        raise ValueError("more than its entries")
    return b"".join(pieces)


def _after_key(body: bytes, at: int, version: int) -> int:
    (length,) = struct.unpack_from(">I", body, at)
    at += 4 + length
    (chain,) = struct.unpack_from(">I", body, at)
    at += 4
    for _ in range(min(chain, _ENTRIES)):
        at = _after_certificate(body, at, version)
    return at


def _after_certificate(body: bytes, at: int, version: int) -> int:
    if version == 2:
        (name,) = struct.unpack_from(">H", body, at)
        at += 2 + name
    (length,) = struct.unpack_from(">I", body, at)
    return at + 4 + int(length)


def _shape(element: der.Element, depth: int) -> list[bytes]:
    """Tags and lengths, in order; object identifiers as they are."""
    if element.tag == der.OID:
        return [element.whole.hex().encode()]
    label = b"%02x:%d" % (element.tag, len(element.value))
    if element.tag & 0x20 and depth:
        inner = (_shape(child, depth - 1) for child in der.elements(element.value))
        return [b"%02x" % element.tag, *(part for parts in inner for part in parts)]
    if element.tag == der.OCTETS and depth and element.value[:1] == b"\x30":
        try:
            return [label, *_shape(der.only(element.value), depth - 1)]
        except ValueError:
            return [label]
    return [label]

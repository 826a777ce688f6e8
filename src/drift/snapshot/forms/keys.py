"""Private keys that an installation makes at random: what sort they are, and not which.

PEM (RFC 7468) of PKCS #8 (RFC 5208), PKCS #1 and SEC 1 keys; OpenSSH's own format
(``PROTOCOL.key``); public keys as sshd has them (RFC 4253, 6.6). Only at the paths where
packages make them: a key that the repository brought must not be taken for noise.
"""

from __future__ import annotations

import binascii
import re
import struct

from drift.snapshot.forms import der
from drift.snapshot.forms.model import Window

SSH_PATH = re.compile(r"^/etc/ssh/ssh_host_[a-z0-9]{2,16}_key(\.pub)?$")
TLS_PATHS = (
    "/etc/ssl/private/ssl-cert-snakeoil.key",
    "/etc/pki/tls/private/localhost.key",
)
LARGEST = 64 << 10
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{3,40})-----\s([^-]{16,65536})-----END \1-----\s{0,8}")
_OPENSSH = b"openssh-key-v1\0"


class SshHostKey:
    """A host key's type and size, of either half; the comment is the building host's name.

    Not exact: that it is random, and made by this build, is known from its place.
    """

    name = "ssh-host-key"
    kind = "random"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The type and the size; None for what is no unencrypted key."""
        del window
        try:
            return _public(content) if path.endswith(".pub") else _private(content)
        except (ValueError, struct.error):
            return None


class TlsKey:
    """A private key's algorithm and size. Not exact, as an SSH host key is not."""

    name = "tls-key"
    kind = "random"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The algorithm and the size; None for what is no unencrypted key in PEM."""
        del path, window
        try:
            return _private(content)
        except (ValueError, struct.error):
            return None


def pem_blocks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The labels and the decoded bodies, if the content is nothing else. Raises ValueError."""
    blocks: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(content):
        match = _PEM.match(content, at)
        if match is None:
            raise ValueError("not PEM")
        try:
            blocks.append((match[1], binascii.a2b_base64(match[2])))
        except binascii.Error as error:
            raise ValueError("not base64") from error
        at = match.end()
    return blocks


def _public(content: bytes) -> bytes:
    words = content.split(None, 2)
    if len(words) < 2 or content.count(b"\n") > 1 or len(content) > LARGEST:
        raise ValueError("not one public key")
    blob = binascii.a2b_base64(words[1])
    fields = _strings(blob)
    if fields[0] != words[0]:
        raise ValueError("the key is of another type")
    return b"public " + _described(fields)


def _private(content: bytes) -> bytes:
    if len(content) > LARGEST:
        raise ValueError("no key is so large")
    [(label, body)] = pem_blocks(content)
    if label == b"OPENSSH PRIVATE KEY":
        return b"private " + _openssh(body)
    if label == b"PRIVATE KEY":
        _, algorithm, key, *_ = der.children(der.only(body))
        inner = der.only(key.value) if key.tag == der.OCTETS and key.value[:1] == b"0" else key
        return b"private %b " % algorithm.whole.hex().encode() + _size(inner)
    if label in (b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY"):
        return label + b" " + _size(der.only(body))
    raise ValueError("no private key")


def _openssh(body: bytes) -> bytes:
    if not body.startswith(_OPENSSH):
        raise ValueError("not OpenSSH's format")
    cipher, kdf, options, *_ = _strings(body[len(_OPENSSH) :], most=3)
    at = len(_OPENSSH) + 12 + len(cipher) + len(kdf) + len(options)
    if (cipher, kdf) != (b"none", b"none") or body[at : at + 4] != b"\0\0\0\1":
        raise ValueError("encrypted, or several keys")
    [public] = _strings(body[at + 4 :], most=1)
    return _described(_strings(public))


def _strings(blob: bytes, most: int = 8) -> list[bytes]:
    """RFC 4251 strings, each after its length. Raises ValueError, struct.error."""
    found: list[bytes] = []
    at = 0
    while at < len(blob) and len(found) < most:
        (length,) = struct.unpack_from(">I", blob, at)
        if at + 4 + length > len(blob):
            raise ValueError("a string that is longer than the key")
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    if not found:
        raise ValueError("no key")
    return found


def _described(fields: list[bytes]) -> bytes:
    """The type, a named curve, and the size of the last number in bytes."""
    curve = fields[1] if fields[0].startswith(b"ecdsa") and len(fields) > 1 else b""
    return b"%b %b %d" % (fields[0], curve, len(fields[-1]))


def _size(key: der.Element) -> bytes:
    """Bits of the largest number in the key: RSA's modulus; else the length of its octets."""
    if key.tag != der.SEQUENCE:
        return b"%d" % len(key.value)
    parts = der.children(key)
    numbers = [int.from_bytes(part.value, "big") for part in parts if part.tag == der.INTEGER]
    octets = [len(part.value) for part in parts if part.tag == der.OCTETS]
    return b"%d" % (octets[0] if octets else max(numbers, default=0).bit_length())

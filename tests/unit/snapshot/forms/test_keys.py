"""Keys, certificates and keystores, encoded here: no secret stands in the repository."""

from __future__ import annotations

import base64
import hashlib
import random
import struct
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.forms import by_name
from support.form_samples import FIRST, MONDAY, SECOND, TUESDAY, form_of, normal, same

RSA = bytes.fromhex("06092a864886f70d0101010500")
COMMON_NAME = bytes.fromhex("0603550403")


def tlv(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    length = len(value).to_bytes(2, "big")
    return bytes([tag]) + (length[1:] if len(value) < 128 else b"\x82" + length) + value


def number(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def pem(label: str, body: bytes) -> bytes:
    text = base64.encodebytes(body).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


def modulus(seed: int, bits: int = 2048) -> int:
    return random.Random(seed).getrandbits(bits) | 1 << (bits - 1) | 1


def rsa_key(seed: int, bits: int = 2048) -> bytes:
    n = modulus(seed, bits)
    return tlv(0x30, number(0), number(n), number(65537), number(n - seed), *[number(seed + 9)] * 5)


def private_key(seed: int, bits: int = 2048) -> bytes:
    return pem("PRIVATE KEY", tlv(0x30, number(0), tlv(0x30, RSA), tlv(4, rsa_key(seed, bits))))


def certificate(seed: int, start: datetime, name: str = "web", days: int = 30) -> bytes:
    """Self-signed, with the digest of its key as extensions."""
    subject = tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME, tlv(0x0C, name.encode()))))
    moments = (start, start + timedelta(days=days))
    validity = tlv(0x30, *(tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode()) for at in moments))
    public = tlv(0x30, number(modulus(seed)), number(65537))
    identifier = tlv(4, tlv(4, hashlib.sha1(public).digest()))
    extensions = tlv(0x30, tlv(0x30, bytes.fromhex("0603551d0e"), identifier))
    signed = tlv(
        0x30,
        tlv(0xA0, number(2)),
        number(modulus(seed, 64)),
        tlv(0x30, RSA),
        subject,
        validity,
        subject,
        tlv(0x30, tlv(0x30, RSA), tlv(3, b"\0" + public)),
        tlv(0xA3, extensions),
    )
    signature = tlv(3, b"\0" + modulus(seed, 2048).to_bytes(256, "big"))
    return pem("CERTIFICATE", tlv(0x30, signed, tlv(0x30, RSA), signature))


def ssh_string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def ssh_public(seed: int, kind: str = "ssh-ed25519") -> bytes:
    return ssh_string(kind.encode()) + ssh_string(random.Random(seed).randbytes(32))


def ssh_pair(seed: int, host: str = "buildkitsandbox", kind: str = "ssh-ed25519") -> list[bytes]:
    """The private and the public half."""
    public = ssh_public(seed, kind)
    secret = ssh_string(random.Random(seed).randbytes(200))
    none = ssh_string(b"none") * 2 + ssh_string(b"")
    body = b"openssh-key-v1\0" + none + struct.pack(">I", 1) + ssh_string(public) + secret
    line = f"{kind} {base64.b64encode(public).decode()} root@{host}\n".encode()
    return [pem("OPENSSH PRIVATE KEY", body), line]


@pytest.mark.parametrize("half", [0, 1])
def test_host_keys_made_at_install(half: int) -> None:
    path = "/etc/ssh/ssh_host_ed25519_key" + (".pub" if half else "")
    first, second = ssh_pair(1)[half], ssh_pair(2, "0123456789ab")[half]
    assert same(path, first, second)
    assert not same(path, first, ssh_pair(2, kind="ssh-ed448")[half])
    assert form_of(path, first[: len(first) // 2]) is None
    assert not by_name("ssh-host-key").exact


def test_keys_elsewhere_may_be_the_repositorys() -> None:
    for path in ("/home/a/.ssh/id_ed25519", "/srv/tls.key", "/etc/nginx/tls.key"):
        assert not same(path, ssh_pair(1)[0], ssh_pair(2)[0])
        assert not same(path, private_key(1), private_key(2))


@pytest.mark.parametrize("label", ["PRIVATE KEY", "RSA PRIVATE KEY"])
def test_the_snakeoil_key(label: str) -> None:
    path = "/etc/ssl/private/ssl-cert-snakeoil.key"
    make = private_key if label == "PRIVATE KEY" else lambda *a: pem(label, rsa_key(*a))
    assert same(path, make(1), make(2))
    assert not same(path, make(1), make(2, 4096))
    assert form_of(path, make(1)[:-80]) is None


def test_a_certificate_that_the_build_signed() -> None:
    first = certificate(1, MONDAY + timedelta(seconds=8))
    second = certificate(2, TUESDAY + timedelta(seconds=80))
    for path in ("/etc/ssl/certs/ssl-cert-snakeoil.pem", "/srv/tls.crt"):
        assert same(path, first, second)
    assert not same("/srv/tls.crt", first, certificate(2, TUESDAY, "mail"))
    assert not same("/srv/tls.crt", first, certificate(2, TUESDAY, days=31))


def test_the_host_that_signed_is_a_containers_name() -> None:
    first, second = certificate(1, MONDAY, "0123456789ab"), certificate(2, TUESDAY, "ba9876543210")
    assert same("/etc/ssl/certs/ssl-cert-snakeoil.pem", first, second)


def test_a_certificate_of_another_day_is_somebody_elses() -> None:
    yesterday = MONDAY - timedelta(days=1)
    assert form_of("/srv/ca.pem", certificate(1, yesterday)) is None
    bundle = certificate(1, yesterday) + certificate(2, MONDAY)
    swapped = certificate(3, yesterday) + certificate(2, TUESDAY)
    assert not same("/srv/ca.pem", bundle, swapped)


def keystore(seconds: int, certificates: list[bytes], password: str = "changeit") -> bytes:
    body = struct.pack(">3I", 0xFEEDFEED, 2, len(certificates))
    for number_, encoded in enumerate(certificates):
        alias = f"debian:{number_}".encode()
        body += struct.pack(">IH", 2, len(alias)) + alias + struct.pack(">Q", seconds * 1000)
        body += struct.pack(">H", 5) + b"X.509" + struct.pack(">I", len(encoded)) + encoded
    secret = password.encode("utf-16-be") + b"Mighty Aphrodite"
    return body + hashlib.sha1(secret + body).digest()


def test_days_of_the_entries_of_a_java_keystore() -> None:
    path, roots = "/etc/ssl/certs/java/cacerts", [b"root one", b"root two"]
    first, second = keystore(1795402965, roots), keystore(1795489757, roots)
    assert same(path, first, second)
    assert by_name("java-keystore").exact
    assert not same(path, first, keystore(1795489757, [b"root one", b"root bad"]))
    assert not same(path, first, keystore(1795489757, [*roots, b"root more"]))
    assert form_of(path, first[:-1] + bytes([first[-1] ^ 1])) is None
    assert form_of(path, keystore(1, roots, "secret")) is None


def pkcs12(seed: int, length: int = 800) -> bytes:
    generator = random.Random(seed)
    salt, secret = generator.randbytes(20), generator.randbytes(length)
    encrypted = tlv(0x30, tlv(0x30, RSA, tlv(0x30, tlv(4, salt), number(10000))), tlv(4, secret))
    return tlv(0x30, number(3), encrypted, tlv(4, generator.randbytes(32)))


def test_an_encrypted_keystore_is_known_by_its_shape() -> None:
    path = "/etc/ssl/certs/java/cacerts"
    assert same(path, pkcs12(1), pkcs12(2))
    assert not same(path, pkcs12(1), pkcs12(2, 816))
    assert not by_name("pkcs12-keystore").exact


@given(data=st.data())
def test_damage_raises_nothing(data: st.DataObject) -> None:
    samples = {
        "/etc/ssh/ssh_host_ed25519_key": ssh_pair(1)[0],
        "/etc/ssh/ssh_host_ed25519_key.pub": ssh_pair(1)[1],
        "/etc/ssl/private/ssl-cert-snakeoil.key": private_key(1),
        "/srv/tls.crt": certificate(1, MONDAY),
        "/etc/ssl/certs/java/cacerts": pkcs12(1),
    }
    path = data.draw(st.sampled_from(sorted(samples)))
    content = bytearray(samples[path])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for at in (FIRST, SECOND):
        normal(path, bytes(content), at)
    by_name("java-keystore").normal(path, keystore(1, [bytes(content)]), None)

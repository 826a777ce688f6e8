"""Which small texts may be kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.texts import LARGEST, holds_key, is_text, may_be_kept


@pytest.mark.parametrize("start", [b"", b"a\tb\r\n", "größer".encode(), "größer".encode("latin-1")])
def test_texts_in_usual_encodings(start: bytes) -> None:
    assert is_text(start)


@pytest.mark.parametrize("start", [b"a\0b", b"\x7fELF", b"\x1f\x8b\x08", "a".encode("utf-16")])
def test_other_content(start: bytes) -> None:
    assert not is_text(start)


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_without_control_characters_is_text(content: str) -> None:
    assert is_text(content.encode())


def test_what_not_everybody_may_read_is_not_kept() -> None:
    assert may_be_kept("/etc/motd", 0o644, LARGEST)
    assert not may_be_kept("/etc/shadow", 0o640, 10)
    assert not may_be_kept("/etc/motd", 0o644, LARGEST + 1)


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", ".npmrc", ".netrc", ".pgpass"),
        *("credentials", "credentials.json", "a.key", "a.pem", "A.KEY"),
    ],
)
def test_credentials_are_not_kept(name: str) -> None:
    assert not may_be_kept(f"/srv/{name}", 0o644, 10)
    assert may_be_kept(f"/srv/{name}/readme", 0o644, 10)


@pytest.mark.parametrize("sort", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_private_keys_are_known_by_their_armour(sort: str) -> None:
    assert holds_key(f"x\n-----BEGIN {sort}PRIVATE KEY-----\n".encode())
    assert not holds_key(b"-----BEGIN PUBLIC KEY-----\n")

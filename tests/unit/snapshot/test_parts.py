"""What two versions of a file share: lines of texts, content-defined chunks of others."""

from __future__ import annotations

import random
import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.parts import chunks, lines

BLOB = random.Random(7).randbytes(300_000)


def test_lines_are_a_sorted_set_without_their_ends() -> None:
    found = lines(b"b\na\nb\r\nlast")
    assert list(found) == sorted(set(found))
    assert set(found) == set(lines(b"last\na\nb\n"))
    assert len(found) == 3
    assert lines(b"") == ()


def test_a_line_is_known_by_the_first_64_bits_of_its_sha256() -> None:
    assert lines(b"hello\n") == (0x2CF24DBA5FB0A30E,)


def test_the_members_of_compact_json_are_parts() -> None:
    noise = b'{"id":"%d","all":["alpha-1","beta-two"],"deps":{"left":"%s","n":7}}'
    before, one, other = (set(lines(noise % of)) for of in ((1, b"1.0"), (2, b"2.0"), (3, b"2.0")))
    assert (one & other) - before == set(lines(b'"left":"2.0"'))
    shuffled = set(lines(b'{"deps":{"n":7,"left":"1.0"},"all":["beta-two","alpha-1"],"id":"4"}\n'))
    assert not (shuffled & one) - before
    assert len(lines(b"a, b {c long enough}")) == 1


def test_bytes_put_in_change_only_the_chunks_around_them() -> None:
    before, after = set(chunks(BLOB)), set(chunks(BLOB[:150_000] + b"new" + BLOB[150_000:]))
    assert len(before) > 30
    assert len(before - after) <= 3
    assert 1 <= len(after - before) <= 3


def test_what_an_archive_holds_is_known_beside_its_chunks() -> None:
    """In a small archive one chunk holds everything, and noise in one member hid the others."""
    nights = [
        (b"token", b"keep\nversion 1\n", b"\0one"),
        (b"other", b"keep\nversion 2\n", b"\0two"),
    ]
    before, one = (set(chunks(b"|".join(members), members)) for members in nights)
    other = set(chunks(b"noise", (b"third", *nights[1][1:])))
    assert (one & other) - before == set(lines(b"version 2\n\0two"))
    assert not chunks(b"", (b"",))


def test_the_texts_in_a_database_are_known_beside_its_pages() -> None:
    def made(token: str, version: str) -> set[int]:
        database = sqlite3.connect(":memory:")
        database.execute("create table t (k, v)")
        rows = [("token", token), ("installed-version", version), ("of", "no matter")]
        database.executemany("insert into t values (?, ?)", rows)
        database.commit()
        return set(chunks(database.serialize()))

    before, one, other = made("a1b2", "1.0"), made("c3d4", "1.1"), made("e5f6", "1.1")
    assert (one & other) - before
    assert not (made("a7b8", "1.0") & made("c9d0", "1.0")) - before


def test_chunks_are_the_same_in_every_version_of_drift() -> None:
    # Stored digests of earlier nights are compared with tonight's.
    assert len(chunks(BLOB)) == 55
    assert chunks(BLOB)[0] == 246425068536255752


@given(st.binary(max_size=5000))
def test_any_bytes_have_lines_and_chunks(content: bytes) -> None:
    for found in (lines(content), chunks(content)):
        assert list(found) == sorted(set(found))
        assert all(0 <= digest < 1 << 64 for digest in found)
        assert bool(found) == bool(content)

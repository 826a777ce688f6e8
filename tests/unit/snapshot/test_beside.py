"""Threads beside the reading: what they raise is raised where it is used, and none is left."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.snapshot.beside import BackgroundHash, beside, read_ahead
from drift.snapshot.layer import nothing_captured, read_layer
from drift.snapshot.stream import TruncatedError
from support.images import file, tar

LARGE = b"x" * (3 << 20)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=5000)), max_size=40))
def test_states_take_in_what_they_were_given_in_its_order(given: list[tuple[int, bytes]]) -> None:
    states = [hashlib.sha256() for _ in range(3)]
    with BackgroundHash() as hashing:
        for which, content in given:
            hashing.update(states[which], content)
    for which, state in enumerate(states):
        whole = b"".join(content for to, content in given if to == which)
        assert state.digest() == hashlib.sha256(whole).digest()


def test_chunks_that_are_watched_pass_as_they_are() -> None:
    state = hashlib.sha256()
    with BackgroundHash() as hashing:
        assert list(hashing.watch(state, [b"a", b"", b"bc"])) == [b"a", b"", b"bc"]
    assert state.digest() == hashlib.sha256(b"abc").digest()


def hash_what_is_no_bytes(then: Callable[[], None] = lambda: None) -> None:
    with BackgroundHash() as hashing:
        for content in ("no bytes", *[b"bytes"] * 100):
            hashing.update(hashlib.sha256(), cast(bytes, content))
        then()


def test_what_hashing_raises_reaches_the_caller_however_much_follows() -> None:
    with pytest.raises(TypeError, match="encoded"):
        hash_what_is_no_bytes()


def test_the_callers_own_error_is_the_one_that_is_raised() -> None:
    def fail() -> None:
        raise SnapshotError("mine")

    with pytest.raises(SnapshotError, match="mine"):
        hash_what_is_no_bytes(fail)


def test_what_reading_ahead_raises_comes_after_what_was_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise OSError("gone")

    found = read_ahead(chunks())
    assert next(found) == b"first"
    with pytest.raises(OSError, match="gone"):
        next(found)


def test_reading_ahead_that_is_stopped_early_ends_its_thread() -> None:
    found = read_ahead(iter([b"chunk"] * 1000))
    assert next(found) == b"chunk"
    found.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda content: content[: len(content) // 2], TruncatedError),
        (lambda content: content[: 512 + len(LARGE)] + b"rubbish" * 1000, SnapshotError),
    ],
    ids=["truncated in a large file", "damaged after one"],
)
def test_a_layer_that_cannot_be_read_to_its_end_leaves_no_thread(
    damage: Callable[[bytes], bytes], error: type[SnapshotError]
) -> None:
    content = damage(tar([file("a", LARGE), file("b", "x")]))
    pieces = (content[at : at + 100_000] for at in range(0, len(content), 100_000))
    with pytest.raises(error):
        read_layer(pieces, "the layer", nothing_captured())


@given(st.lists(st.integers(), max_size=20))
def test_calls_are_made_in_their_order(numbers: list[int]) -> None:
    made: list[int] = []
    with beside(made.append) as call:
        for number in numbers:
            call(number)
    assert made == numbers


def test_the_caller_goes_on_until_the_next_call() -> None:
    may_end = threading.Event()
    went_on: list[bool] = []

    def wait(seconds: float) -> None:
        went_on.append(may_end.wait(seconds))

    with beside(wait) as call:
        call(10)
        may_end.set()
    assert went_on == [True]


def refuse(_number: int) -> None:
    raise KeyError


def call_what_refuses(times: int, then: Callable[[], None] = lambda: None) -> None:
    with beside(refuse) as call:
        for number in range(times):
            call(number)
        then()


@pytest.mark.parametrize("times", [1, 2])
def test_what_a_call_raises_reaches_the_caller(times: int) -> None:
    with pytest.raises(KeyError):
        call_what_refuses(times)


def test_the_callers_own_error_comes_first() -> None:
    def fail() -> None:
        raise SnapshotError("own")

    with pytest.raises(SnapshotError, match="own"):
        call_what_refuses(1, fail)

"""Bytecode by this Python's compiler, and headers as other versions write them."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.forms import by_name
from support.form_samples import FIRST, form_of, same

Mode = py_compile.PycInvalidationMode
PATH = "/usr/lib/python3/__pycache__/module.pyc"


def compiled(directory: Path, source: str, seconds: int, mode: Mode = Mode.TIMESTAMP) -> bytes:
    path, target = directory / "module.py", directory / "module.pyc"
    path.write_text(source)
    os.utime(path, (seconds, seconds))
    py_compile.compile(str(path), str(target), "module.py", True, invalidation_mode=mode)
    return target.read_bytes()


def test_only_the_sources_time_differs(tmp_path: Path) -> None:
    files = [compiled(tmp_path, "x = 1\n", at) for at in (1795402965, 1795489757)]
    assert files[0] != files[1]
    assert same(PATH, *files)
    assert by_name(form_of(PATH, files[0]) or "").exact


def test_other_code_is_a_difference(tmp_path: Path) -> None:
    assert not same(PATH, compiled(tmp_path, "x = 1\n", 1), compiled(tmp_path, "x = 2\n", 2))


@pytest.mark.parametrize("mode", [Mode.CHECKED_HASH, Mode.UNCHECKED_HASH])
def test_hash_based_bytecode_has_no_time(tmp_path: Path, mode: Mode) -> None:
    first, second = (compiled(tmp_path, "x = 1\n", at, mode) for at in (1, 2))
    assert first == second
    assert by_name("python-bytecode").normal(PATH, first, None) is None


@pytest.mark.parametrize(
    ("magic", "header"),
    [
        (3495, b"\0\0\0\0%b\x06\0\0\0"),  # 3.11
        (3394, b"\0\0\0\0%b\x06\0\0\0"),  # 3.7
        (3379, b"%b\x06\0\0\0"),  # 3.6
        (3180, b"%b"),  # 3.2
        (62211, b"%b"),  # 2.7
    ],
)
def test_headers_of_every_age(magic: int, header: bytes) -> None:
    start = magic.to_bytes(2, "little") + b"\r\n"
    code = b"\xe3" + bytes(40)
    files = [start + header % at + code for at in (b"\1\2\3\4", b"\5\6\7\x08")]
    assert same(PATH, *files)
    assert not same(PATH, files[0], files[1][:-1] + b"x")


def test_what_only_begins_like_bytecode_is_not() -> None:
    assert by_name("python-bytecode").normal(PATH, b"\xa7\r\r\n" + bytes(30), None) is None
    assert by_name("python-bytecode").normal(PATH, b"\xa7\r\r\n", None) is None


@given(content=st.binary(max_size=64))
def test_any_bytes_raise_nothing(content: bytes) -> None:
    by_name("python-bytecode").normal(PATH, b"\xa7\r\r\n" + content, FIRST)

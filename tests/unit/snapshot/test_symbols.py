"""What ELF shared libraries export, read from hand-made and from hostile files."""

from __future__ import annotations

import struct
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drift.snapshot.symbols import SYMBOLS_LIMIT, exported
from support.elf import GLOBAL, SYMBOLS, library


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_defined_global_and_weak_symbols_are_exported(wide: bool, order: str) -> None:
    content = library(SYMBOLS, wide=wide, order=order)
    assert exported("libx.so.1", content) == ("guarded", "maybe", "open_it")
    assert exported("libx.so", content) == ("guarded", "maybe", "open_it")


def test_a_library_is_known_by_its_name_or_its_soname() -> None:
    assert exported("server", library(SYMBOLS)) is None  # a position-independent program
    assert exported("libx", library(SYMBOLS, soname=True)) == ("guarded", "maybe", "open_it")
    assert exported("libx.so", library(SYMBOLS, kind=2)) is None


def test_absurdly_many_symbols_are_not_read() -> None:
    row = struct.pack("<IBBHQQ", 0, 16, 0, 1, 0, 0)
    content = bytearray(library([("one", GLOBAL, 0, 5)]))
    at = len(content) - 3 * 64
    struct.pack_into("<QQ", content, at + 24, len(content), (SYMBOLS_LIMIT + 1) * len(row))
    assert exported("a.so", bytes(content) + row * (SYMBOLS_LIMIT + 1)) is None


def test_a_real_extension_exports_what_python_needs() -> None:
    module = Path(import_module("zstandard.backend_c").__file__ or "")
    names = exported(module.name, module.read_bytes())
    assert names is not None
    assert "PyInit_backend_c" in names


WHOLE = library(SYMBOLS, soname=True)


@example(b"\0\0\0\0\0\x80", 42, 42)  # a table that begins beyond what memory can hold
@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_damaged_files_are_no_error(noise: bytes, start: int, end: int) -> None:
    for content in (noise, b"\x7fELF\x02\x01" + noise, WHOLE[:start] + noise + WHOLE[end:]):
        names = exported("a.so", content)
        assert names is None or all(isinstance(name, str) for name in names)

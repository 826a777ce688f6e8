"""The names that an ELF shared library exports (System V gABI, chapters 4 and 5).

What is read are the section headers and the dynamic symbol table, with everything bounded by
the file itself: a file is hostile, and one that makes no sense exports nothing known.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAGIC = b"\x7fELF"
SYMBOLS_LIMIT = 200_000  # of one library; the largest known have 100,000
_NAME_LIMIT = 4096  # bytes of a name; those of C++ templates take hundreds

_DYNAMIC_OBJECT = 3  # ET_DYN
_SECTION_DYNSYM, _SECTION_DYNAMIC, _SECTION_NOBITS = 11, 6, 8
_TAG_SONAME = 14
_GLOBAL, _WEAK, _UNIQUE = 1, 2, 10
_DEFAULT, _PROTECTED = 0, 3  # visibilities that others see


class _Class(NamedTuple):
    """The layouts of one ELF class, without the byte order."""

    header: str  # from e_shoff to the end, at ``header_at``
    header_at: int
    section: str
    symbol: str
    dynamic: str


_CLASSES = {
    1: _Class("IIHHHHHH", 32, "IIIIIIIIII", "IIIBBH", "iI"),
    2: _Class("QIHHHHHH", 40, "IIQQQQIIQQ", "IBBHQQ", "qQ"),
}


class _Section(NamedTuple):
    kind: int
    content: memoryview
    link: int


def exported(name: str, content: bytes | memoryview) -> tuple[str, ...] | None:
    """The defined global and weak symbols of a shared library, sorted, without versions.

    None where the content is no ELF shared library: ``name``, the file's own, has no ``.so``
    in it and nothing in the file gives it one; or where its tables make no sense.
    """
    try:
        return _exported(name, memoryview(content))
    except (struct.error, IndexError, OverflowError, ValueError):
        return None


def _exported(name: str, content: memoryview) -> tuple[str, ...] | None:
    layout, order = _CLASSES.get(content[4]), {1: "<", 2: ">"}.get(content[5])
    if content[:4] != MAGIC or layout is None or order is None:
        return None
    (kind,) = struct.unpack_from(f"{order}H", content, 16)
    if kind != _DYNAMIC_OBJECT:
        return None
    sections = _sections(content, layout, order)
    if not (name.endswith(".so") or ".so." in name or _has_soname(sections, layout, order)):
        return None
    table = next((one for one in sections if one.kind == _SECTION_DYNSYM), None)
    if table is None:
        return None  # stripped of its section headers
    names = bytes(sections[table.link].content)
    return _names(table.content, names, layout, order)


def _sections(content: memoryview, layout: _Class, order: str) -> list[_Section]:
    header = struct.unpack_from(order + layout.header, content, layout.header_at)
    start, size, count = header[0], header[5], header[6]
    row = struct.Struct(order + layout.section)
    if size != row.size:
        raise ValueError("not the section headers of this class")
    return [_section(content, row.unpack_from(content, start + n * size)) for n in range(count)]


def _section(content: memoryview, fields: tuple[int, ...]) -> _Section:
    kind, offset, size, link = fields[1], fields[4], fields[5], fields[6]
    end = offset if kind == _SECTION_NOBITS else offset + size
    return _Section(kind, content[offset:end], link)


def _has_soname(sections: list[_Section], layout: _Class, order: str) -> bool:
    row = struct.Struct(order + layout.dynamic)
    for section in sections:
        if section.kind == _SECTION_DYNAMIC:
            whole = section.content[: len(section.content) // row.size * row.size]
            return any(tag == _TAG_SONAME for tag, _value in row.iter_unpack(whole))
    return False


def _names(table: memoryview, names: bytes, layout: _Class, order: str) -> tuple[str, ...] | None:
    row = struct.Struct(order + layout.symbol)
    if len(table) // row.size > SYMBOLS_LIMIT:
        return None
    wide = layout is _CLASSES[2]
    found = set()
    for fields in row.iter_unpack(table[: len(table) // row.size * row.size]):
        bound, visible, section = fields[1:4] if wide else fields[3:6]
        if section == 0 or bound >> 4 not in (_GLOBAL, _WEAK, _UNIQUE):
            continue
        if visible & 3 in (_DEFAULT, _PROTECTED):
            start = fields[0]
            end = names.index(b"\0", start, start + _NAME_LIMIT)
            found.add(names[start:end])
    return tuple(sorted(name.decode("utf-8", "surrogateescape") for name in found if name))

"""ELF shared libraries made by hand."""

from __future__ import annotations

import struct

GLOBAL, WEAK, LOCAL = 1, 2, 0


def library(
    symbols: list[tuple[str, int, int, int]],
    *,
    soname: bool = False,
    wide: bool = True,
    order: str = "<",
    kind: int = 3,
) -> bytes:
    """An ELF file of symbols: name, binding, visibility, section (0: undefined)."""
    names, rows = b"\0", b""
    for name, binding, visibility, section in symbols:
        at = len(names)
        names += name.encode() + b"\0"
        rows += (
            struct.pack(order + "IBBHQQ", at, binding << 4, visibility, section, 0, 0)
            if wide
            else struct.pack(order + "IIIBBH", at, 0, 0, binding << 4, visibility, section)
        )
    tags = ((14, 1), (0, 0)) if soname else ((0, 0),)
    dynamic = b"".join(struct.pack(order + ("qQ" if wide else "iI"), *tag) for tag in tags)
    size = 64 if wide else 52
    contents = [(11, rows, 1), (3, names, 0), (6, dynamic, 1)]
    body, table = b"", b""
    for number, content, link in contents:
        fields = (0, number, 0, 0, size + len(body), len(content), link, 0, 0, 0)
        table += struct.pack(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"), *fields)
        body += content
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    start = struct.pack(order + "HHI", kind, 62, 1) + bytes(16 if wide else 8)
    rest = (size + len(body), 0, size, 56, 0, 64 if wide else 40, len(contents), 0)
    header = struct.pack(order + ("QIHHHHHH" if wide else "IIHHHHHH"), *rest)
    return ident + start + header + body + table


SYMBOLS = [
    ("", LOCAL, 0, 0),
    ("open_it", GLOBAL, 0, 5),
    ("maybe", WEAK, 0, 5),
    ("guarded", GLOBAL, 3, 5),
    ("hidden", GLOBAL, 2, 5),
    ("mine", LOCAL, 0, 5),
    ("malloc", GLOBAL, 0, 0),
]

"""ASN.1 in DER (X.690), as far as keys and certificates need it: definite lengths only."""

from __future__ import annotations

from dataclasses import dataclass

SEQUENCE, INTEGER, BITS, OCTETS, OID = 0x30, 0x02, 0x03, 0x04, 0x06
_MOST = 4096  # elements of one value


@dataclass(frozen=True, slots=True)
class Element:
    """A tag and a value; ``whole`` has both and the length, as written."""

    tag: int
    value: bytes
    whole: bytes


def elements(content: bytes) -> list[Element]:
    """The elements that stand one after another. Raises ValueError where they are not DER."""
    found: list[Element] = []
    at = 0
    while at < len(content):
        element = _element(content, at)
        found.append(element)
        at += len(element.whole)
        if len(found) > _MOST:
            raise ValueError("more elements than a certificate has")
    return found


def children(element: Element, tag: int = SEQUENCE) -> list[Element]:
    """What is in an element of that tag. Raises ValueError."""
    if element.tag != tag:
        raise ValueError(f"tag {element.tag} where {tag} belongs")
    return elements(element.value)


def only(content: bytes, tag: int = SEQUENCE) -> Element:
    """The one element that the content is. Raises ValueError."""
    element = _element(content, 0)
    if element.tag != tag or len(element.whole) != len(content):
        raise ValueError("not one element of that tag")
    return element


def _element(content: bytes, at: int) -> Element:
    if at + 2 > len(content) or content[at] & 0x1F == 0x1F:
        raise ValueError("no element")
    length, begin = content[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("a length that is not definite, or absurd")
        length = int.from_bytes(content[begin : begin + count], "big")
        begin += count
    end = begin + length
    if end > len(content):
        raise ValueError("longer than what is there")
    return Element(content[at], content[begin:end], content[at:end])

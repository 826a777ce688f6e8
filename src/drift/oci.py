"""The words of the OCI specifications as types.

Parsed on the way in and trusted from then on: a :class:`Digest` is a digest, never just
any string. They are strings still, so they print, hash and serialise as what they are.

Specifications: OCI image-spec v1.1 (``descriptor.md``, ``config.md``), and the
distribution project's reference grammar.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

_DIGEST = re.compile(r"(?P<algorithm>[a-z0-9]+(?:[.+_-][a-z0-9]+)*):(?P<encoded>[A-Za-z0-9=_-]+)")
_ENCODED_LENGTH = {"sha256": 64, "sha512": 128}
_NESTED = 64  # lists and objects within each other


class _Hash(Protocol):
    @property
    def name(self) -> str: ...
    def hexdigest(self) -> str: ...


class Digest(str):
    """A content digest, ``algorithm:encoded``.

    Raises:
        ValueError: the text is not a digest, or has the wrong length for its algorithm.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        match = _DIGEST.fullmatch(text)
        if match is None:
            raise ValueError(f"not a digest: {text!r}")
        length = _ENCODED_LENGTH.get(match["algorithm"])
        if length is not None and re.fullmatch(rf"[0-9a-f]{{{length}}}", match["encoded"]) is None:
            raise ValueError(f"not a {match['algorithm']} digest: {text!r}")
        return super().__new__(cls, text)

    @classmethod
    def of(cls, content: bytes | memoryview) -> Self:
        """The sha256 digest of some bytes."""
        return cls.from_hash(hashlib.sha256(content))

    @classmethod
    def from_hash(cls, state: _Hash) -> Self:
        """The digest that a :mod:`hashlib` object has arrived at; not checked again."""
        return str.__new__(cls, f"{state.name}:{state.hexdigest()}")

    @property
    def algorithm(self) -> str:
        return self.partition(":")[0]

    @property
    def encoded(self) -> str:
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The first twelve characters of the encoded part, for people."""
        return self.encoded[:12]


class DiffId(Digest):
    """The digest of a layer's uncompressed tar stream."""

    __slots__ = ()


class ChainId(Digest):
    """The digest that names a stack of layers."""

    __slots__ = ()

    @classmethod
    def of_layers(cls, diff_ids: Sequence[DiffId]) -> Self:
        """The chain ID of a non-empty stack, bottom first (image-spec, "Layer ChainID")."""
        chain = str(diff_ids[0])
        for diff_id in diff_ids[1:]:
            chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
        return cls(chain)


_DOMAIN = (
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*"
    r"|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
)
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_PATH})"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    rf"(?:@(?P<digest>{_DIGEST.pattern}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image reference, normalised as the docker CLI does.

    ``debian`` is ``docker.io/library/debian:latest``; :meth:`__str__` gives the familiar
    form back (``debian:latest``).
    """

    domain: str
    path: str
    tag: str | None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a reference; without tag and digest the tag is ``latest``.

        Raises:
            ValueError: the text is not a reference.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ValueError(f"not an image reference: {text!r}")
        first, slash, rest = match["name"].partition("/")
        if slash and (
            "." in first or ":" in first or first == "localhost" or first != first.lower()
        ):
            domain, path = first, rest
        else:
            domain, path = "docker.io", match["name"]
        if domain == "index.docker.io":
            domain = "docker.io"
        if domain == "docker.io" and "/" not in path:
            path = f"library/{path}"
        if path != path.lower() or len(f"{domain}/{path}") > 255:
            raise ValueError(f"not an image reference: {text!r}")
        digest = Digest(match["digest"]) if match["digest"] else None
        tag = match["tag"] or (None if digest else "latest")
        return cls(domain, path, tag, digest)

    @property
    def familiar_name(self) -> str:
        """The repository as people write it: ``debian``, ``ghcr.io/org/app``."""
        if self.domain != "docker.io":
            return f"{self.domain}/{self.path}"
        return self.path.removeprefix("library/")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.familiar_name}{tag}{digest}"


@dataclass(frozen=True, slots=True)
class Platform:
    """``os/architecture[/variant]``."""

    os: str
    architecture: str
    variant: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``linux/arm64/v8``.

        Raises:
            ValueError: the text has not two or three non-empty parts.
        """
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(re.fullmatch(r"[A-Za-z0-9_.-]+", p) for p in parts):
            raise ValueError(
                f"not a platform: {text!r} (expected os/architecture, e.g. linux/amd64)"
            )
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def fits(self, wanted: Self) -> bool:
        """Whether it is the wanted one; a variant that one of them does not name fits any."""
        return (self.os, self.architecture) == (wanted.os, wanted.architecture) and (
            not self.variant or not wanted.variant or self.variant == wanted.variant
        )


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of an image's history; ``empty_layer`` where it made no layer."""

    created_by: str
    empty_layer: bool
    comment: str = ""


def _json(document: bytes) -> Any:
    """JSON as Go reads it: no NaN, and half a surrogate pair is U+FFFD."""
    try:
        parsed = json.loads(document, parse_constant=_no_constant)
        if b"\\u" in document:
            text = json.dumps(parsed, ensure_ascii=False).encode("utf-8", "surrogatepass")
            parsed = json.loads(text.decode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError("not JSON that can be read: nested too deeply") from error
    _bound(parsed)
    return parsed


def _bound(document: Any) -> None:
    """Refuse what those that walk through it would fall over: no configuration nests so."""
    level = [document]
    for _ in range(_NESTED):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if level:
        raise ValueError("not JSON that can be read: nested too deeply")


def _no_constant(name: str) -> None:
    raise ValueError(f"not JSON: {name}")


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """An image configuration (image-spec ``config.md``).

    ``raw`` is the whole document as parsed; the rest is what drift reads of it.
    """

    raw: Mapping[str, Any]
    diff_ids: tuple[DiffId, ...]
    history: tuple[HistoryEntry, ...]
    platform: Platform

    @classmethod
    def parse(cls, document: bytes) -> Self:
        """Parse a configuration blob.

        Raises:
            ValueError: it is not JSON, or not an image configuration.
        """
        raw = _json(document)
        try:
            diff_ids = tuple(DiffId(text) for text in raw["rootfs"]["diff_ids"] or ())
            history = tuple(
                HistoryEntry(
                    created_by=str(line.get("created_by") or ""),
                    empty_layer=bool(line.get("empty_layer", False)),
                    comment=str(line.get("comment") or ""),
                )
                for line in raw.get("history") or ()
            )
            platform = Platform(
                str(raw.get("os") or "linux"),
                str(raw.get("architecture") or "unknown"),
                str(raw["variant"]) if raw.get("variant") else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an image configuration: {error!r}") from error
        return cls(raw=raw, diff_ids=diff_ids, history=history, platform=platform)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What a container made from the image runs with: ``Env``, ``Cmd``, ``User`` and so on."""
        settings = self.raw.get("config")
        return settings if isinstance(settings, Mapping) else {}

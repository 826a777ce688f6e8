"""What indexes say of the packages that moved: evidence beside that of the image.

An index is asked once a night, by drift itself. What it says is no proof of a path: a mirror
may have answered the build otherwise. It is told with the causes of kind ``package``,
``package-republished`` and ``package-index``. One thing it does prove: where it names other
digests of all that it has of a version than on the baseline's night, that version was
published again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

from drift.attribute.model import Attribution, Cause, Grade, Kind
from drift.attribute.purls import ecosystem
from drift.attribute.served import address_of
from drift.attribute.sides import Sides
from drift.source.dockerfile.indexes import normalized_name
from drift.source.model import Probe, RemoteKind

MOST = 5  # indexes that one cause's evidence names

_SCHEME = re.compile(r"[a-z0-9]+[:-]")
_SDIST = re.compile(r"\.(tar\.\w+|tgz|zip)$")


def with_indexes(attribution: Attribution, sides: Sides) -> Attribution:
    """The same causes, with what the indexes said on the baseline's night and tonight."""
    if sides.baseline is None or sides.candidate is None or not sides.candidate.indexes:
        return attribution
    night = str(sides.baseline.night)
    consulted = _Consulted(sides.baseline.indexes, sides.candidate.indexes, night)
    return replace(attribution, causes=tuple(map(consulted.told_of, attribution.causes)))


class _Consulted:
    """The indexes of two nights."""

    def __init__(self, then: Iterable[Probe], now: Iterable[Probe], night: str) -> None:
        self._then = {address_of(probe): probe for probe in then if probe.identity is not None}
        self._now = tuple({address_of(probe): probe for probe in now}.values())
        self._placed = {(address_of(p), p.remote.stage, p.remote.line) for p in now}
        self._night = night

    def told_of(self, cause: Cause) -> Cause:
        """A cause with what the indexes say of it."""
        probes = [p for p in self._now if not _is_flat(p) and self._concerns(p, cause)][:MOST]
        said = [self._sentence(probe, _version(cause.after)) for probe in probes]
        if cause.kind is Kind.PACKAGE_REPUBLISHED and any(
            self._published_again(probe, _version(cause.after)) for probe in probes
        ):
            said.append(f"it named other digests of {_version(cause.after)} on {self._night}")
            cause = replace(cause, grade=Grade.PROVEN)
        elif cause.kind is Kind.PACKAGE_REPUBLISHED and any(
            self._as_published(probe, _version(cause.after)) for probe in probes
        ):
            said.append(
                f"it has the same files of {_version(cause.after)}: if they were built here, "
                "what builds them moved"
            )
        return replace(cause, evidence=(*cause.evidence, *said)) if said else cause

    def _concerns(self, probe: Probe, cause: Cause) -> bool:
        remote = probe.remote
        if cause.kind is Kind.PACKAGE_INDEX:
            place = remote.url.partition("://")[2].removesuffix("/InRelease")
            return remote.kind is RemoteKind.DEB and place == cause.subject.partition("://")[2]
        if cause.kind not in (Kind.PACKAGE, Kind.PACKAGE_REPUBLISHED):
            return False
        if remote.kind.value != ecosystem(cause.subject):
            return False
        if remote.kind is not RemoteKind.DEB:
            return remote.ref is not None and _plain(cause.subject) == _plain(remote.ref)
        made = cause.instruction
        return made is None or (address_of(probe), made.stage, made.line) in self._placed

    def _sentence(self, probe: Probe, version: str) -> str:
        then = self._then.get(address_of(probe))
        is_deb = probe.remote.kind is RemoteKind.DEB
        name = f"{probe.remote.ref}: InRelease" if is_deb else f"the index {probe.remote.url}"
        if probe.identity is None:
            return f"{name} could not be read tonight: {probe.problem}"
        if is_deb:
            now = f"{name} of {_date(probe)}"
            if then is None:
                return f"{now}; that of {self._night} is not known"
            same = then.identity == probe.identity
            return f"{now}, " + (
                f"as on {self._night}" if same else f"on {self._night} of {_date(then)}"
            )
        if then is None:
            return f"{name} was asked tonight, and not on {self._night}"
        if _state(then) == _state(probe):
            return f"{name} is as it was on {self._night}"
        new = set(_files(probe, version)) and then.listed and not _files(then, version)
        more = f": it lists {version}, which it did not" if new else ""
        return f"{name} is another than on {self._night}{more}"

    def _as_published(self, probe: Probe, version: str) -> bool:
        """Whether the index names the very digests of a version that it named then."""
        then = self._then.get(address_of(probe))
        before = _files(then, version) if then else {}
        return bool(before) and before == _files(probe, version)

    def _published_again(self, probe: Probe, version: str) -> bool:
        """Whether the index names other digests of all that it has of a version."""
        then = self._then.get(address_of(probe))
        before = _files(then, version) if then else {}
        after = _files(probe, version)
        pairs = [(before[name], after[name]) for name in after if name in before]
        return bool(pairs) and all(_other(*pair) for pair in pairs)


def _is_flat(probe: Probe) -> bool:
    """Whether an archive has no InRelease: apt takes others that few have by now."""
    return probe.remote.kind is RemoteKind.DEB and probe.gone


def _files(probe: Probe, version: str) -> Mapping[str, str]:
    """The digests of what an index lists of one version."""
    if probe.remote.kind is RemoteKind.NPM:
        names: Iterator[str] = iter((version,) if version in probe.listed else ())
    else:
        names = (name for name in probe.listed if version and _is_of(name, version))
    return {name: probe.listed[name] for name in names}


def _is_of(name: str, version: str) -> bool:
    """Whether a distribution's file name (PEP 427, PEP 625) has a version."""
    if name.endswith(".whl"):
        return name.split("-")[1:2] == [version]
    return _SDIST.sub("", name).rpartition("-")[2] == version


def _other(one: str, other: str) -> bool:
    """Whether two digests, of one algorithm, are of different things."""
    schemes = [found[0] for digest in (one, other) if (found := _SCHEME.match(digest))]
    return one != other and len(schemes) == 2 and schemes[0] == schemes[1]


def _state(probe: Probe) -> object:
    """What tells two answers apart: what is listed, as pages hold counters and times too."""
    return probe.listed or probe.identity


def _version(said: str | None) -> str:
    """The version in what a cause has before or after: a digest may follow it."""
    return (said or "").partition(" (")[0]


def _plain(name: str) -> str:
    """A package's name, or its purl, as both are compared."""
    bare = unquote(name.partition("/")[2] if name.startswith("pkg:") else name)
    return normalized_name(bare)


def _date(probe: Probe) -> str:
    return probe.listed.get("Date", "an unknown date")

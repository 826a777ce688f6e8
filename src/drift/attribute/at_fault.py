"""What a failed build names as its source: from the log's reason, and from what was probed.

The log is read where it is whole (:mod:`drift.engine.reading`); here its subject becomes the
one that the rest of the report uses: the baseline's own purl, the Dockerfile's reference, the
URL that the instruction fetched. What names nothing is the instruction itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from drift.attribute.installs import ANYTHING, fetched_by
from drift.attribute.model import Kind
from drift.builds import Build, Failure, Reason
from drift.oci import Reference
from drift.snapshot.model import Package, Snapshot
from drift.source.model import Probe, RemoteKind

_URL = re.compile(r"(?:https?|ftp|git)://[^\s'\"<>;|&(){}$`\\]+(?![^\s'\";|&]*\$)")
_INTEGRITY = re.compile(r"sha\d+-")  # Subresource Integrity, as lock files have it
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
# What curl and wget exit with where the other side could not be asked, silent or not.
_FETCHES = re.compile(r"\b(?:curl|wget)\b")
_NO_ANSWER = re.compile(r"(?:exit code|non-zero code|exit status):? (?:4|5|6|7|28|35|56|60)\b")


@dataclass(frozen=True, slots=True)
class AtFault:
    """What a failure names: the kind of source, its subject, and what it was in the baseline.

    ``gone`` says that it is not there any more; kind ``file`` that nothing is named, and
    ``subject`` the instruction.
    """

    kind: Kind
    subject: str
    before: str | None = None
    evidence: tuple[str, ...] = ()

    @property
    def gone(self) -> bool:
        """Whether a source is not there any more."""
        return self.kind is Kind.SOURCE_UNAVAILABLE


def at_fault(failed: Build, baseline: Build | None) -> AtFault:
    """What a failed build names. Raises ValueError for a build that did not fail."""
    failure = failure_of(failed)
    said = (f"the log says: {failure.line}",) if failure.line else ()
    if failure.reason is not None and failure.reason.gone:
        return _named(Kind.SOURCE_UNAVAILABLE, failed, baseline, said)
    if failure.reason is Reason.CHECKSUM:
        return _other_bytes(failed, baseline, said)
    if failure.reason is None and (probe := _gone_probe(failed)):
        told = f"{probe.remote.url} is not there any more: {probe.problem or 'gone'}"
        before = _probed(baseline, probe.remote.url)
        return AtFault(Kind.SOURCE_UNAVAILABLE, probe.remote.url, before, (told,))
    return AtFault(Kind.FILE, instruction_text(failed), None, said or (failure.message,))


def failure_of(build: Build) -> Failure:
    """A failed build's failure. Raises ValueError for a build that did not fail."""
    if build.failure is None:
        raise ValueError(f"{build.id} did not fail")
    return build.failure


def instruction_text(failed: Build) -> str:
    """The instruction that failed, as the Dockerfile has it; where unsure, the image's name."""
    instruction = failure_of(failed).instruction
    return instruction.text if instruction and instruction.text else failed.image


def unanswered(failed: Build) -> bool:
    """Whether the failing instruction fetched what gave us no answer either: nobody's change.

    Silent downloads tell no more than their exit code; where a probe of the same address has
    failed too, that is enough.
    """
    failure = failure_of(failed)
    if failure.reason is not None or failure.instruction is None:
        return False
    silent = _NO_ANSWER.search(failure.message) and _FETCHES.search(failure.instruction.text)
    return bool(silent) and any(
        probe.identity is None and not probe.gone for probe in _probes(failed)
    )


def _other_bytes(failed: Build, baseline: Build | None, said: tuple[str, ...]) -> AtFault:
    named = failure_of(failed).subject
    if named and _INTEGRITY.match(named):
        known = next((p for p in _packages(baseline) if p.integrity == named), None)
        if known is None:
            return AtFault(Kind.FILE, instruction_text(failed), None, said)
        return AtFault(Kind.PACKAGE_REPUBLISHED, known.purl, known.version, said)
    subject = named or _content(failed)
    if subject is None:
        return AtFault(Kind.FILE, instruction_text(failed), None, said)
    package = subject.startswith("pkg:")
    kind = Kind.PACKAGE_REPUBLISHED if package else Kind.REMOTE_CONTENT
    return _named(kind, failed, baseline, said)


def _content(failed: Build) -> str | None:
    """The address whose content is another; package tools name those of their indexes alone."""
    instruction = failure_of(failed).instruction
    if instruction and instruction.is_run and ANYTHING not in fetched_by(instruction.text):
        return None
    return _address(failed)


def _named(kind: Kind, failed: Build, baseline: Build | None, said: tuple[str, ...]) -> AtFault:
    failure = failure_of(failed)
    subject = failure.subject or _address(failed)
    if subject is None:
        return AtFault(kind, instruction_text(failed), None, said)
    if failure.reason is Reason.BASE_GONE:
        return _base(subject, baseline, said)
    if subject.startswith("pkg:"):
        return _package(kind, subject, baseline, said)
    return AtFault(kind, subject, _probed(baseline, subject), said)


def _base(reference: str, baseline: Build | None, said: tuple[str, ...]) -> AtFault:
    """A base by the reference of the Dockerfile; builders and registries spell it out."""
    bases = baseline.inputs.bases if baseline and baseline.inputs else ()
    known = next((b for b in bases if _normal(b.reference) == _normal(reference)), None)
    before = known.identity if known else None
    subject = known.reference if known else reference
    return AtFault(Kind.SOURCE_UNAVAILABLE, subject, before, said)


def _normal(reference: str) -> str:
    with suppress(ValueError):
        return str(Reference.parse(reference))
    return reference


def _package(kind: Kind, subject: str, baseline: Build | None, said: tuple[str, ...]) -> AtFault:
    """A package as the baseline has it: its distribution, and the version that it had."""
    ecosystem, name = subject.partition("/")[0], subject.rpartition("/")[2]
    packages = [p for p in _packages(baseline) if p.purl.startswith(f"{ecosystem}/")]
    known = [p for p in packages if _is_named(p.purl, subject, name)]
    if known:
        versions = dict.fromkeys(package.version for package in known)
        return AtFault(kind, known[0].purl, ", ".join(versions), said)
    if ecosystem in ("pkg:deb", "pkg:apk") and packages:
        return AtFault(kind, f"{packages[0].purl.rpartition('/')[0]}/{name}", None, said)
    return AtFault(kind, subject, None, said)


def _is_named(purl: str, subject: str, name: str) -> bool:
    system = subject.startswith(("pkg:deb/", "pkg:apk/"))
    return purl.rpartition("/")[2] == name if system else purl == subject


def _packages(build: Build | None) -> Iterator[Package]:
    """The packages of an image, then of the stages that it copies from."""
    if build is None:
        return
    stages = (stage.snapshot for stage in build.stages)
    for snapshot in (build.snapshot, *stages):
        if isinstance(snapshot, Snapshot):
            yield from snapshot.packages


def _address(failed: Build) -> str | None:
    """The address that the failing instruction fetched, where it can be no other."""
    gone = _gone_probe(failed)
    if gone is not None and failure_of(failed).reason is not Reason.CHECKSUM:
        return gone.remote.url
    probed = {probe.remote.url for probe in _probes(failed)}
    found = probed or {_CREDENTIALS.sub("", url) for url in _literal(failed)}
    return found.pop() if len(found) == 1 else None


def _literal(failed: Build) -> list[str]:
    return _URL.findall(instruction_text(failed))


def _gone_probe(failed: Build) -> Probe | None:
    """An address of the failing instruction that is gone.

    BuildKit names no instruction where an ADD of its own finds nothing: then any ADD's.
    """
    unnamed = failure_of(failed).instruction is None
    added = (probe for probe in failed.probes if probe.remote.kind is RemoteKind.ADD)
    return next((probe for probe in (added if unnamed else _probes(failed)) if probe.gone), None)


def _probes(failed: Build) -> Iterator[Probe]:
    """What the failing instruction's literal remotes served."""
    instruction = failure_of(failed).instruction
    for probe in failed.probes:
        place = (probe.remote.stage, probe.remote.line)
        if instruction and place == (instruction.stage, instruction.line):
            yield probe


def _probed(baseline: Build | None, url: str) -> str | None:
    """What an address served when the baseline was built."""
    probes = baseline.probes if baseline else ()
    return next((probe.identity for probe in probes if probe.remote.url == url), None)

"""What to do about a cause: ready lines to copy, and the page of the docs that goes on.

Pure: from a cause and its image's document to lines. Every value may be a stranger's: what
could act in a shell, a Dockerfile or TOML is quoted for it, and a value that cannot be (a line
break, a control character) gives no line. The format that shows a line makes it inert.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from drift.attribute.model import Origin, Status
from drift.report import causes
from drift.report.escape import visible

Part = dict[str, Any]

#: Where the documentation is served; a page for each kind lies in ``causes/``.
DOCS = "https://imagedrift.readthedocs.io/en/latest"
ACCEPTED_FOR = timedelta(days=30)

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:_-]*")
_FROM = re.compile(r"(?i)FROM\s+((?:--\S+\s+)*)(\S+)((?:\s+AS\s+\S+)?)\s*")
_COPY = re.compile(r"(?i)(COPY\s.*?--from=)(\S+)(\s.*)", re.DOTALL)
_ADD = re.compile(r"(?i)ADD\s+(.*)", re.DOTALL)
_ADD_CHECKSUM = re.compile(r"--checksum=\S+\s+")
#: How a package manager is told a version, by the purl's type.
_PINNED = {
    "apk": "{name}={version}",
    "cargo": "{name}@{version}",
    "composer": "{name}:{version}",
    "deb": "{name}={version}",
    "gem": "{name}:{version}",
    "golang": "{name}@{version}",
    "npm": "{name}@{version}",
    "pypi": "{name}=={version}",
    "rpm": "{name}-{version}",
}
_MANAGERS = {"deb": "apt-get install", "apk": "apk add", "rpm": "dnf install", "pypi": "pip"}


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that can be done: why, in a sentence's beginning, and the line that does it.

    ``language`` is ``dockerfile``, ``shell``, ``toml`` or ``package`` (a word of an install
    command).
    """

    title: str
    line: str
    language: str


def docs_page(kind: str) -> str:
    """The page of the documentation about causes of a kind."""
    return f"{DOCS}/causes/{kind}/"


def remedies(cause: Part, image: Part, night: date) -> tuple[Remedy, ...]:
    """What can be done about a cause, the best first; none where it is nobody's trouble."""
    if cause["origin"] == Origin.REPO:
        return ()
    found = (*_of_kind(cause), *_to_accept(cause, image, night))
    return tuple(remedy for remedy in found if _fits_on_lines(remedy))


def first_step(image: Part, night: date) -> Remedy | None:
    """The one thing to do first about an image, for a line in a list.

    Where there is no image, that is not to accept it.
    """
    retry = again(image)
    for cause in causes.by_urgency(image["causes"]):
        if cause["origin"] in (Origin.EXTERNAL, Origin.UNEXPLAINED, Origin.TOOLCHAIN):
            for remedy in remedies(cause, image, night):
                if retry is None or remedy.language != "toml":
                    return remedy
    return retry


def again(image: Part) -> Remedy | None:
    """Another try at an image that did not come out; None where it did."""
    if image["status"] not in (Status.BROKEN, Status.UNKNOWN):
        return None
    return Remedy("Build it again alone", f"drift check {image['name']}", "shell")


def explain(image: str, subject: str | None = None) -> str:
    """The command that tells the rest about an image, or about one path or package of it."""
    words = ["drift", "explain", image, *([] if subject is None else [subject])]
    return visible(shlex.join(words))


def _of_kind(cause: Part) -> Iterator[Remedy]:
    makers = {
        "base-image": _base,
        "package": _package,
        "package-republished": _package,
        "remote-content": _remote,
        "git-remote": _git,
        "file": _file,
    }
    if maker := makers.get(cause["kind"]):
        yield from maker(cause)
    elif cause["origin"] == Origin.NONDETERMINISM:
        yield from _file(cause)


def _base(cause: Part) -> Iterator[Remedy]:
    instruction = cause["instruction"]
    text = instruction["text"] if instruction else f"FROM {cause['subject']}"
    for title, digest in (
        ("Take the new base, and only this one", cause["after"]),
        ("Stay on the base that worked", cause["before"]),
    ):
        if digest and _DIGEST.fullmatch(digest) and (line := _pinned(text, cause, digest)):
            yield Remedy(title, line, "dockerfile")


def _pinned(text: str, cause: Part, digest: str) -> str | None:
    reference = f"{cause['subject'].partition('@')[0]}@{digest}"
    if found := _FROM.fullmatch(text):
        return f"FROM {found[1]}{reference}{found[3]}"
    if found := _COPY.fullmatch(text):
        return f"{found[1]}{reference}{found[3]}"
    return f"FROM {reference}"


def _package(cause: Part) -> Iterator[Remedy]:
    if not cause["subject"].startswith("pkg:"):
        return
    ecosystem, _, path = cause["subject"].removeprefix("pkg:").partition("/")
    name = path if ecosystem in ("npm", "golang", "composer") else path.rpartition("/")[2]
    form = _PINNED.get(ecosystem)
    if form is None or not re.fullmatch(r"[A-Za-z0-9@][A-Za-z0-9@/.+_-]*", name):
        return
    where = _MANAGERS.get(ecosystem, ecosystem)
    for title, version in (
        (f"Pin the new version where {where} names it", cause["after"]),
        ("Stay on the version that was there, while it is still served", cause["before"]),
    ):
        if version and _VERSION.fullmatch(version):
            yield Remedy(title, form.format(name=name, version=version), "package")


def _remote(cause: Part) -> Iterator[Remedy]:
    digest, instruction = cause["after"], cause["instruction"]
    if not digest or not _DIGEST.fullmatch(digest):
        return
    text = instruction["text"] if instruction else ""
    if found := _ADD.fullmatch(text):
        rest = _ADD_CHECKSUM.sub("", found[1])
        line = f"ADD --checksum={digest} {rest}"
        yield Remedy("Accept these bytes and no others", line, "dockerfile")
    else:
        name = re.sub(r"[?#].*", "", cause["subject"]).rstrip("/").rpartition("/")[2] or "FILE"
        check = f"echo {digest.removeprefix('sha256:')}  {name}"
        line = f"{shlex.join(['echo', check.removeprefix('echo ')])} | sha256sum -c -"
        yield Remedy("Check what was fetched, after the download", line, "shell")


def _git(cause: Part) -> Iterator[Remedy]:
    for title, commit in (
        ("Build this commit and no other", cause["after"]),
        ("Stay on the commit that worked", cause["before"]),
    ):
        if commit and _COMMIT.fullmatch(commit):
            yield Remedy(title, f"git checkout --detach {commit}", "shell")


def _file(cause: Part) -> Iterator[Remedy]:
    if cause["subject"].startswith("/"):
        block = f"[[ignore]]\npath = {_toml(cause['subject'])}\nreason = {_toml('WHY')}"
        yield Remedy("Leave it out, where it never matters", block, "toml")


def _to_accept(cause: Part, image: Part, night: date) -> Iterator[Remedy]:
    """An acceptance in drift.toml until a day, and the whole build as the baseline."""
    if cause["origin"] == Origin.NONDETERMINISM or cause.get("accepted"):
        return
    lines = ["[[accept]]", f"subject = {_toml(_literal(cause['subject']))}"]
    if cause["after"]:
        lines.append(f"after = {_toml(cause['after'])}")
    lines += [f"until = {night + ACCEPTED_FOR}", f"reason = {_toml('WHY')}"]
    yield Remedy("Known and fine, for a month", "\n".join(lines), "toml")
    if image["status"] not in (Status.BROKEN, Status.UNKNOWN):
        command = shlex.join(["drift", "accept", image["name"], "--reason", "WHY"])
        yield Remedy("Take the whole build as what is wanted", command, "shell")


def _literal(subject: str) -> str:
    """A subject as a glob that matches nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", subject)


def _toml(value: str) -> str:
    """A basic string of TOML, which escapes as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _fits_on_lines(remedy: Remedy) -> bool:
    """Whether a reader sees all that a copy would take: nothing hidden, nothing absurd."""
    lines = remedy.line.split("\n")
    whole = remedy.language == "toml" or len(lines) == 1 or "\\\n" in remedy.line
    return whole and len(remedy.line) <= 2000 and all(line == visible(line) for line in lines)

"""npm packages as they are installed: ``…/node_modules/NAME/package.json``.

Only what npm itself would load: every ``node_modules`` on the way holds a package that
holds the next, so manifests of tests and fixtures inside a package do not count. pnpm's
``node_modules/.pnpm/NAME@VERSION/node_modules/NAME`` does. A project's lock files say what
was asked for and are not read; npm's hidden one, ``node_modules/.package-lock.json``, says
what it installed, with the registry's digest of each package (``integrity``; npm 6 wrote it
into the manifest, as ``_integrity``). Debian's ``/usr/share/nodejs/NAME`` is no
``node_modules``: those are Debian packages and stand there as such; npm does not list them
either.

``location`` is the package's directory; its files are all that lies in it, without the
packages nested in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from drift.snapshot.model import EntryType, Package
from drift.snapshot.packages.port import Reading, Unreadable

TYPE = "npm"

_MANIFEST = "/package.json"
_MODULES = "/node_modules/"
_HIDDEN = "/node_modules/.package-lock.json"


def wanted(path: str) -> bool:
    """Whether a path is the manifest of an installed package, or npm's hidden lock file."""
    return path.endswith(_HIDDEN) or _is_manifest(path)


def _is_manifest(path: str) -> bool:
    if not path.endswith(_MANIFEST) or _MODULES not in path:
        return False
    _, *packages = path.removesuffix(_MANIFEST).split(_MODULES)
    return _is_name(packages[-1]) and all(_is_holder(part) for part in packages[:-1])


def _is_name(part: str) -> bool:
    """``NAME`` or ``@SCOPE/NAME``; names do not start with a dot."""
    scope, slash, name = part.rpartition("/")
    if slash and not (scope.startswith("@") and len(scope) > 1 and "/" not in scope):
        return False
    return name != "" and not name.startswith((".", "@"))


def _is_holder(part: str) -> bool:
    return _is_name(part) or (part.startswith(".pnpm/") and part.count("/") == 1)


def read(reading: Reading) -> Iterator[Package]:
    """Every installed package."""
    manifests = sorted(path for path in reading.files.paths() if _is_manifest(path))
    directories = {path.removesuffix(_MANIFEST) for path in manifests}
    files = _by_directory(reading.files.paths(), directories) if directories else {}
    locked = _locked(reading) if directories else {}
    for path in manifests:
        package = _package(reading, path, files, locked)
        if package is not None:
            yield package


def _by_directory(paths: Iterable[str], directories: set[str]) -> dict[str, list[str]]:
    """Each path that lies in one of the directories, by the innermost."""
    files: dict[str, list[str]] = {directory: [] for directory in directories}
    for path in paths:
        end = path.rfind(_MODULES)
        while end >= 0:
            words = path[end + len(_MODULES) :].split("/", 2)
            size = 2 if words[0].startswith("@") else 1
            directory = path[: end + len(_MODULES)] + "/".join(words[:size])
            if directory in files:
                files[directory].append(path)
                break
            end = path.rfind(_MODULES, 0, end)
    return files


def _locked(reading: Reading) -> dict[str, tuple[str, str]]:
    """What hidden lock files say of the packages: (version, integrity) by directory.

    They add to what the manifests say: one that cannot be read hides no package.
    """
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(path for path in reading.files.paths() if path.endswith(_HIDDEN)):
        if reading.files.kind(path) is not EntryType.FILE:
            continue
        try:
            listed = _manifest(reading.files.read(path)).get("packages")
        except Unreadable:
            continue
        root = path.removesuffix(_HIDDEN)
        for place, package in listed.items() if isinstance(listed, dict) else ():
            words = package if isinstance(package, dict) else {}
            version, integrity = words.get("version"), words.get("integrity")
            if isinstance(version, str) and isinstance(integrity, str):
                found[f"{root}/{place}"] = version, integrity
    return found


def _integrity(manifest: dict[str, Any], locked: tuple[str, str] | None) -> str | None:
    if locked is not None and locked[0] == manifest["version"]:
        return locked[1]
    own = manifest.get("_integrity")
    return own if isinstance(own, str) and own else None


def _package(
    reading: Reading,
    path: str,
    files: dict[str, list[str]],
    locked: dict[str, tuple[str, str]],
) -> Package | None:
    content = reading.content(path)
    if content is None:
        return None
    manifest = _manifest(content)
    name, version = manifest.get("name"), manifest.get("version")
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        reading.problem(f"{path}: is not a package's JSON, or has no name or version")
        return None
    directory = path.removesuffix(_MANIFEST)
    scope, _, bare = name.rpartition("/")
    return reading.package(
        bare,
        version,
        namespace=scope,
        location=directory,
        files=files[directory],
        integrity=_integrity(manifest, locked.get(directory)),
    )


def _manifest(content: bytes) -> dict[str, Any]:
    """The JSON object; empty where it is none. Numbers of any length cost nothing."""
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

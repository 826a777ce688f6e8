"""npm packages as they are installed: ``…/node_modules/NAME/package.json``.

Only what npm itself would load: every ``node_modules`` on the way holds a package that
holds the next, so manifests of tests and fixtures inside a package do not count. pnpm's
``node_modules/.pnpm/NAME@VERSION/node_modules/NAME`` does. Lock files say what was asked
for and are not read. Debian's ``/usr/share/nodejs/NAME`` is no ``node_modules``: those are
Debian packages and stand there as such; npm does not list them either.

``location`` is the package's directory; its files are all that lies in it, without the
packages nested in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from drift.snapshot.model import Package
from drift.snapshot.packages.port import Reading

TYPE = "npm"

_MANIFEST = "/package.json"
_MODULES = "/node_modules/"


def wanted(path: str) -> bool:
    """Whether a path is the manifest of an installed package."""
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
    manifests = sorted(path for path in reading.files.paths() if wanted(path))
    directories = {path.removesuffix(_MANIFEST) for path in manifests}
    files = _by_directory(reading.files.paths(), directories) if directories else {}
    for path in manifests:
        package = _package(reading, path, files)
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


def _package(reading: Reading, path: str, files: dict[str, list[str]]) -> Package | None:
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
        bare, version, namespace=scope, location=directory, files=files[directory]
    )


def _manifest(content: bytes) -> dict[str, Any]:
    """The JSON object; empty where it is none. Numbers of any length cost nothing."""
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

"""How much room the engine has left for images."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from drift.engine.contexts import Endpoint
from drift.engine.model import DiskSpace

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKMGTP]?)(i?)B", re.ASCII)


def disk_space(
    endpoint: Endpoint, info: Mapping[str, Any], layer_directories: Iterable[str]
) -> DiskSpace | None:
    """The room that the engine's images have, None where it cannot be known.

    A storage driver that reports its own pool is believed: the file system around a pool
    says nothing of it. Else it is the file system of the data root, which is looked at only
    where it is proved to be on this machine: an engine in a virtual machine or behind a
    forwarded socket names a path of its own. ``layer_directories`` are those that the engine
    gives for some of its layers.
    """
    told = from_driver_status(info)
    if told is not None:
        return told
    root = Path(str(info.get("DockerRootDir") or ""))
    local_transport = endpoint.scheme in ("unix", "npipe", "tcp")
    if root.is_absolute() and local_transport and _is_here(root, info, layer_directories):
        try:
            usage = shutil.disk_usage(root)
        except OSError:
            return None
        return DiskSpace(free=usage.free, total=usage.total)
    return None


def _is_here(root: Path, info: Mapping[str, Any], layer_directories: Iterable[str]) -> bool:
    """True where something only this engine has lies under ``root`` on this machine."""
    try:
        identity = (root / "engine-id").read_text().strip()
        if identity and identity == info.get("ID"):
            return True
    except (OSError, ValueError):
        pass  # older than 23.0, podman, or not ours to read
    for directory in layer_directories:
        try:
            if Path(directory).is_relative_to(root) and Path(directory).stat():
                return True
        except PermissionError:
            return _is_this_kernel(info)
        except OSError:
            continue
    return False


def _is_this_kernel(info: Mapping[str, Any]) -> bool:
    """The next best proof, for those who may not look inside: same host name, same kernel."""
    here = os.uname()
    return (info.get("Name"), info.get("KernelVersion")) == (here.nodename, here.release)


def from_driver_status(info: Mapping[str, Any]) -> DiskSpace | None:
    """What the storage driver itself tells (devicemapper, zfs), None where it tells nothing."""
    status = {
        str(line[0]): str(line[1])
        for line in info.get("DriverStatus") or ()
        if isinstance(line, list | tuple) and len(line) == 2
    }
    free = _size(status.get("Data Space Available") or status.get("Space Available"))
    total = _size(status.get("Data Space Total"))
    used = _size(status.get("Space Used By Parent"))
    if total is None and free is not None and used is not None:
        total = free + used
    return DiskSpace(free, total) if free is not None and total is not None else None


def _size(text: str | None) -> int | None:
    """Bytes of a size as engines write it: ``10.7GB``, ``3.2 GiB``, or a bare number."""
    if not text:
        return None
    if text.isdecimal() and text.isascii():
        return int(text)
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    unit = _UNITS["k" if found[2] == "K" else found[2]]
    if found[3]:
        unit = 1024 ** (list(_UNITS).index("k" if found[2] == "K" else found[2]))
    return int(float(found[1]) * unit)

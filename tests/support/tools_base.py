"""A base of a few megabytes with a shell, usual commands, and small clients for what is outside.

``curl`` and ``wget`` are scripts that know the options which Dockerfiles use; ``fetch`` is a
client that nobody has heard of, so that no rule can read what it asks for. Where they are asked
for, ``git``, and ``node`` with ``npm``, are this machine's, with their own libraries.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from support.images import Member, directory, file

_COMMANDS = (
    "bash", "chmod", "cksum", "env", "grep", "gzip", "ln", "ls", "mktemp", "mv", "nproc", "sed",
    "sha256sum", "sort", "tar", "tr", "uname", "wc",
)  # fmt: skip
_LIBRARIES = ("libtinfo", "libcrypto")

_FETCH = r"""#!/bin/bash
# fetch HOST PORT PATH: what is there, on stdout; 22 where the answer is not 200
exec 3<>"/dev/tcp/$1/$2" || exit 7
printf 'GET %s HTTP/1.0\r\nHost: %s:%s\r\nUser-Agent: a-build\r\n\r\n' "$3" "$1" "$2" >&3
read -r _ code _ <&3
while IFS= read -r line <&3; do [ "$line" = $'\r' ] && break; done
[ "$code" = 200 ] || { echo "$code" >&2; exit 22; }
exec cat <&3
"""

_CURL = r"""#!/bin/bash
# curl [-fsSLOo FILE] URL
out= named=
exec 5>&1
while [ $# -gt 0 ]; do
  case $1 in
    -o|--output) out=$2; shift ;;
    -*o) out=$2; shift ;;
    -O|-*O|--remote-name) named=1 ;;
    -*) ;;
    *) url=$1 ;;
  esac
  shift
done
rest=${url#http://}
host=${rest%%/*}
[ -z "$named" ] || out=${rest##*/}
[ -z "$out" ] || exec 5>"$out"
code=$(/usr/bin/fetch "${host%:*}" "${host#*:}" "/${rest#*/}" 2>&1 >&5) && exit 0
status=$?
case $code in
  [0-9][0-9][0-9]) echo "curl: (22) The requested URL returned error: $code" >&2; exit 22 ;;
  *) echo "curl: (7) Failed to connect to ${host%:*} port ${host#*:}" >&2; exit $status ;;
esac
"""

_WGET = r"""#!/bin/bash
# wget [-q] [-O FILE] URL
out=
while [ $# -gt 0 ]; do
  case $1 in
    -O) out=$2; shift ;;
    -*O) out=$2; shift ;;
    -*) ;;
    *) url=$1 ;;
  esac
  shift
done
rest=${url#http://}
host=${rest%%/*}
[ -n "$out" ] || out=${rest##*/}
[ "$out" = - ] || exec >"$out"
/usr/bin/fetch "${host%:*}" "${host#*:}" "/${rest#*/}" 2>/tmp/.wget
status=$?
[ $status = 0 ] || echo "$(date '+%F %T') ERROR $(cat /tmp/.wget): Not Found." >&2
rm -f /tmp/.wget
[ $status = 0 ] || exit 8
"""

_OWN = """#!/bin/sh
exec /opt/{name}/ld.so --library-path /opt/{name} /opt/{name}/{name} "$@"
"""

_NPM = """#!/bin/sh
exec /usr/bin/node /opt/npm/bin/npm-cli.js "$@"
"""
_NPM_LEFT_OUT = ("docs", "man")


def with_tools(small: bytes, base_tar: Path, *, git: bool = False, npm: bool = False) -> bytes:
    """The small root file system with commands of the base's and the clients."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(small)) as source,
        tarfile.open(fileobj=target, mode="w") as result,
    ):
        there = set()
        for member in source:
            there.add(member.name)
            result.addfile(member, source.extractfile(member) if member.isreg() else None)
        with tarfile.open(base_tar) as base:
            for member in base:
                member.name = member.name.removeprefix("./").rstrip("/")
                if member.name not in there and _wanted(member):
                    result.addfile(member, base.extractfile(member) if member.isreg() else None)
        made = _clients()
        made += [directory("opt")] if git or npm else []
        made += _program("git") if git else []
        made += [*_program("node"), *_npm()] if npm else []
        for one in made:
            _add(result, one)
    return target.getvalue()


def _wanted(member: tarfile.TarInfo) -> bool:
    folder, _, name = member.name.rpartition("/")
    if folder == "usr/bin":
        return name in _COMMANDS
    return "/lib" in folder and any(part in name for part in _LIBRARIES) and not member.isdir()


def _clients() -> list[Member]:
    scripts = {"fetch": _FETCH, "curl": _CURL, "wget": _WGET}
    return [
        *(file(f"usr/bin/{name}", text, mode=0o755) for name, text in scripts.items()),
        directory("srv"),
    ]


def _program(name: str) -> list[Member]:
    """This machine's program with all that the loader needs for it."""
    program = shutil.which(name)
    if program is None:
        raise RuntimeError(f"no {name}")
    told = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    libraries = re.findall(r"(?:=> )?(/\S+) \(0x", told)
    members = [
        directory(f"opt/{name}"),
        file(f"usr/bin/{name}", _OWN.format(name=name), mode=0o755),
        file(f"opt/{name}/{name}", Path(program).read_bytes(), mode=0o755),
    ]
    for library in libraries:
        known = "ld.so" if "/ld-" in library else Path(library).name
        members.append(file(f"opt/{name}/{known}", Path(library).read_bytes(), mode=0o755))
    return members


def npm_root() -> Path:
    """npm as it publishes itself, with its dependencies: DRIFT_TEST_NPM's, or this machine's."""
    given = os.environ.get("DRIFT_TEST_NPM")
    client = shutil.which("npm")
    if not (given or client):
        raise RuntimeError("no npm")
    return Path(given) if given else Path(client or "").resolve().parents[1]


def _npm() -> list[Member]:
    root = npm_root()
    members = [file("usr/bin/npm", _NPM, mode=0o755), directory("opt/npm")]
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        if place.parts[0] in _NPM_LEFT_OUT or path.is_symlink():
            continue
        name = f"opt/npm/{place.as_posix()}"
        members.append(directory(name) if path.is_dir() else file(name, path.read_bytes()))
    return members


def _add(archive: tarfile.TarFile, member: Member) -> None:
    info = tarfile.TarInfo(member.name)
    info.type, info.mode, info.linkname = member.kind, member.mode, member.link
    info.size, info.mtime = len(member.content), int(member.mtime)
    archive.addfile(info, io.BytesIO(member.content))

"""A base of a few megabytes with a shell, usual commands, and small clients for what is outside.

``curl`` and ``wget`` are scripts that know the options which Dockerfiles use; ``fetch`` is a
client that nobody has heard of, so that no rule can read what it asks for. Where it is asked
for, ``git`` is this machine's, with its own libraries.
"""

from __future__ import annotations

import io
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

_GIT = """#!/bin/sh
exec /opt/git/ld.so --library-path /opt/git /opt/git/git "$@"
"""


def with_tools(small: bytes, base_tar: Path, *, git: bool = False) -> bytes:
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
        for made in (*_clients(), *(_git() if git else ())):
            _add(result, made)
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


def _git() -> list[Member]:
    """This machine's git with all that the loader needs for it."""
    program = shutil.which("git")
    if program is None:
        raise RuntimeError("no git")
    told = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    libraries = re.findall(r"(?:=> )?(/\S+) \(0x", told)
    members = [
        directory("opt"),
        directory("opt/git"),
        file("usr/bin/git", _GIT, mode=0o755),
        file("opt/git/git", Path(program).read_bytes(), mode=0o755),
    ]
    for library in libraries:
        name = "ld.so" if "/ld-" in library else Path(library).name
        members.append(file(f"opt/git/{name}", Path(library).read_bytes(), mode=0o755))
    return members


def _add(archive: tarfile.TarFile, member: Member) -> None:
    info = tarfile.TarInfo(member.name)
    info.type, info.mode, info.linkname = member.kind, member.mode, member.link
    info.size, info.mtime = len(member.content), int(member.mtime)
    archive.addfile(info, io.BytesIO(member.content))

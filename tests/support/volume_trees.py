"""Trees with everything that a volume can hold, made and read on the engine's own disk.

Run as a program, with root's privileges: ``make DIRECTORY`` fills one, ``spoil DIRECTORY`` does
to it what a newer version of a program may do, ``list DIRECTORY`` prints what is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.own_engine import as_root

_CAPABILITY = bytes.fromhex("0100000202000000000000000000000000000000")  # cap_dac_override
_THEN = 1_500_000_000


def on_disk(action: str, directory: Path) -> Any:
    """Do one of the actions; what ``list`` prints is given as it was."""
    path = f"PYTHONPATH={Path(__file__).parents[1]}"
    program: list[str | Path] = [sys.executable, "-m", "support.volume_trees", action, directory]
    command = as_root("env", path, *program)
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(ran.stdout) if ran.stdout else None


def make(root: Path) -> None:
    """Files, links and nodes of every kind, odd names, owners, modes and times."""
    (root / "plain").write_bytes(b"rows\n")
    (root / "empty").write_bytes(b"")
    (root / ".hidden").write_bytes(b"x" * 4096)
    (root / "deep/er").mkdir(parents=True)
    (root / "deep/er/file").write_bytes(os.urandom(70_000))
    (root / "empty-directory").mkdir(mode=0o711)
    (root / "link").symlink_to("deep/er/file")
    (root / "dangling").symlink_to("/nowhere/at/all")
    (root / "away").symlink_to("..")
    os.link(root / "plain", root / "zz-hard")
    os.link(root / "plain", root / "deep/hard")
    os.mkfifo(root / "fifo", 0o640)
    os.mknod(root / "device", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    with (root / "sparse").open("wb") as file:
        file.seek(20 << 20)
        file.write(b"end")
    for name in (b"caf\xe9", b"new\nline", b"back\\slash", b"\xff\xfe", "\u00fc".encode()):
        (root / os.fsdecode(name)).write_bytes(name)
    (root / ("n" * 250)).write_bytes(b"a long name")
    long = root
    for _ in range(6):
        long = long / ("d" * 120)
        long.mkdir()
    (long / "bottom").write_bytes(b"deep")
    (root / ".wh.whiteout").write_bytes(b"no marker, a file")
    (root / "setuid").write_bytes(b"#!/bin/sh\n")
    os.chown(root / "setuid", 1000, 2000)
    (root / "setuid").chmod(0o6755)
    (root / "capable").write_bytes(b"program")
    os.chown(root / "capable", 70_000, 2_000_000)
    os.setxattr(root / "capable", "security.capability", _CAPABILITY)
    (root / "sticky").mkdir()
    (root / "sticky").chmod(0o1777)
    os.chown(root / "link", 33, 33, follow_symlinks=False)
    for path in (root / "plain", root / "deep", root / "link"):
        os.utime(path, (_THEN, _THEN), follow_symlinks=False)
    os.utime(root / "empty", (0, 0))
    os.chown(root, 999, 998)
    root.chmod(0o2750)
    os.utime(root, (_THEN, _THEN))


def spoil(root: Path) -> None:
    """Add, change and remove, at the top and below, of every kind."""
    (root / "plain").write_bytes(b"rows of another format\n")
    (root / "added").write_bytes(b"new")
    (root / "deep/added").mkdir()
    (root / "deep/added/file").write_bytes(b"new")
    (root / "sticky/added").write_bytes(b"new")
    os.mkfifo(root / "fifo-added")
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(root)  # a socket's path may be 107 bytes long
    server.bind("socket")
    os.chdir(here)
    (root / "dangling").unlink()
    (root / "dangling").mkdir()
    (root / "dangling/file").write_bytes(b"a directory where a link was")
    shutil.rmtree(root / "deep/er")
    (root / "deep/er").write_bytes(b"a file where a directory was")
    (root / "empty-directory").rmdir()
    (root / "away").unlink()
    (root / "away").symlink_to("deep")
    (root / "setuid").chmod(0o600)
    (root / ".wh.added").write_bytes(b"")
    os.removexattr(root / "capable", "security.capability")
    with (root / os.fsdecode(b"\xff\xff-added")).open("wb") as file:
        file.write(b"x")
    os.chown(root, 0, 0)
    root.chmod(0o755)


def listing(root: Path) -> dict[str, list[Any]]:
    """What is there, by path relative to the root, sockets left out."""
    found: dict[str, list[Any]] = {}
    numbers: dict[int, str] = {}
    paths = [root]
    for folder, directories, files in os.walk(root):
        paths += [Path(folder, name) for name in (*directories, *files)]
    for path in sorted(paths):
        status = path.lstat()
        if stat.S_ISSOCK(status.st_mode):
            continue
        name = str(path.relative_to(root))
        content: Any = None
        if stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            content = str(path.readlink())
        capability = None
        if not stat.S_ISLNK(status.st_mode) and "security.capability" in os.listxattr(path):
            capability = os.getxattr(path, "security.capability").hex()
        one = numbers.setdefault(status.st_ino, name)
        found[name] = [
            *(status.st_mode, status.st_uid, status.st_gid, int(status.st_mtime)),
            *(status.st_rdev, content, capability, one),
        ]
    return found


if __name__ == "__main__":
    action, directory = sys.argv[1], Path(sys.argv[2])
    if action == "list":
        print(json.dumps(listing(directory)))
    else:
        {"make": make, "spoil": spoil}[action](directory)

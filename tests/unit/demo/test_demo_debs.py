"""Packages that dpkg would take: the archive format of deb(5), read by another reader."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path

from drift.demo.debs import Deb, write_archive

GREETER = Deb("greeter", "1.4.2-1", {"/usr/bin/greeter": b"odd"}, "#!/bin/sh\n")


def members_of(deb: bytes) -> dict[str, bytes]:
    """An ``ar`` archive's members; each header is 60 bytes, each body padded to even."""
    assert deb.startswith(b"!<arch>\n")
    found, at = {}, 8
    while at < len(deb):
        header = deb[at : at + 60]
        assert header[58:] == b"`\n"
        size = int(header[48:58])
        found[header[:16].decode().rstrip()] = deb[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    assert at == len(deb)
    return found


def tar_of(content: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(content))


def test_a_package_has_the_three_members_in_the_order_that_dpkg_demands() -> None:
    members = members_of(GREETER.content())
    assert list(members) == ["debian-binary", "control.tar.gz", "data.tar.gz"]
    assert members["debian-binary"] == b"2.0\n"


def test_the_scripts_can_be_executed_and_the_control_file_is_whole() -> None:
    with tar_of(members_of(GREETER.content())["control.tar.gz"]) as control:
        assert control.getmember("./postinst").mode == 0o755
        text = control.extractfile("./control")
        assert text is not None
        assert text.read().decode().splitlines()[:2] == ["Package: greeter", "Version: 1.4.2-1"]


def test_every_directory_is_named_before_what_is_in_it() -> None:
    with tar_of(members_of(GREETER.content())["data.tar.gz"]) as data:
        assert data.getnames() == [".", "./usr", "./usr/bin", "./usr/bin/greeter"]


def test_an_archive_holds_exactly_its_packages_and_an_index_that_is_right(tmp_path: Path) -> None:
    write_archive(tmp_path, [Deb("greeter", "1.0"), Deb("other", "2.0")])
    write_archive(tmp_path, [GREETER])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "Packages",
        "greeter_1.4.2-1_all.deb",
    ]
    index = dict(re.findall(r"^(\w+): (.*)$", (tmp_path / "Packages").read_text(), re.MULTILINE))
    content = (tmp_path / index["Filename"]).read_bytes()
    assert index["SHA256"] == hashlib.sha256(content).hexdigest()
    assert int(index["Size"]) == len(content)


def test_a_package_is_the_same_bytes_each_time() -> None:
    assert GREETER.content() == GREETER.content()

from __future__ import annotations

from pathlib import Path

from drift.engine.contexts import Endpoint
from drift.engine.disk import disk_space, from_driver_status
from drift.engine.model import DiskSpace

SOCKET = Endpoint("unix:///var/run/docker.sock", "the default")


def test_a_data_root_that_is_proved_to_be_here(tmp_path: Path) -> None:
    info = {"DockerRootDir": str(tmp_path), "ID": "one"}
    assert disk_space(SOCKET, info, []) is None
    layer = tmp_path / "overlay2" / "layer" / "diff"
    assert disk_space(SOCKET, info, [str(layer)]) is None
    layer.mkdir(parents=True)
    found = disk_space(SOCKET, info, [str(layer)])
    assert found is not None
    assert 0 < found.free <= found.total


def test_the_engines_own_id_proves_it_too(tmp_path: Path) -> None:
    (tmp_path / "engine-id").write_text("one\n")
    info = {"DockerRootDir": str(tmp_path), "ID": "one"}
    assert disk_space(SOCKET, info, []) is not None
    assert disk_space(SOCKET, {**info, "ID": "two"}, []) is None
    assert disk_space(Endpoint("ssh://host", "drift.toml"), info, []) is None


def test_a_driver_that_tells() -> None:
    status = [["Data Space Available", "10.5 GB"], ["Data Space Total", "20 GiB"]]
    assert from_driver_status({"DriverStatus": status}) == DiskSpace(10_500_000_000, 20 * 1024**3)
    assert from_driver_status({"DriverStatus": [["Backing Filesystem", "extfs"]]}) is None
    assert from_driver_status({"DriverStatus": None}) is None


def test_a_driver_that_tells_is_believed_before_the_file_system_around_it(tmp_path: Path) -> None:
    (tmp_path / "engine-id").write_text("one\n")
    status = [["Data Space Available", "1 GB"], ["Data Space Total", "2 GB"]]
    info = {"DockerRootDir": str(tmp_path), "ID": "one", "DriverStatus": status}
    assert disk_space(SOCKET, info, []) == DiskSpace(10**9, 2 * 10**9)

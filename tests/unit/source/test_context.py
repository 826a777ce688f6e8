"""A context is canonical, complete and proven; what changes meanwhile is an error."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from drift.errors import SourceError
from drift.source.context import Client, digest_of_tar, open_archive, read_context


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "empty").mkdir(parents=True)
    (root / "src").mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "src" / "a.txt").write_bytes(b"a" * 700_000)
    (root / "src-b").write_text("b")
    (root / "link").symlink_to("src/a.txt")
    return root


def test_the_tar_is_sorted_and_owned_by_nobody_in_particular(root: Path) -> None:
    os.link(root / "src-b", root / "twin")
    context = read_context(root, "Dockerfile")
    with tarfile.open(fileobj=context.open(), mode="r|") as archive:
        members = list(archive)
    assert [m.name for m in members] == context.names == sorted(context.names)
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {
        (0, 0, "", "", 946_684_800)
    }
    assert {m.name: m.type for m in members} == {
        "Dockerfile": b"0", "empty": b"5", "link": b"2", "src": b"5",
        "src-b": b"0", "src/a.txt": b"0", "twin": b"0",
    }  # fmt: skip
    assert context.size == 13 + 700_000 + 2


def test_a_copy_made_on_another_day_has_the_same_bytes(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "copy", symlinks=True)
    os.utime(tmp_path / "copy" / "src-b", (1, 1))
    first, second = read_context(root, "Dockerfile"), read_context(tmp_path / "copy", "Dockerfile")
    assert first.digest == second.digest
    assert first.open().read() == first.open().read() == second.open().read()


@pytest.mark.parametrize("change", ["content", "mode", "link", "name", "directory", "type"])
def test_the_digest_covers_each_property(root: Path, change: str) -> None:
    before = read_context(root, "Dockerfile").digest
    if change == "content":
        (root / "src-b").write_text("c")
    elif change == "mode":
        (root / "src-b").chmod(0o600)
    elif change == "link":
        (root / "link").unlink()
        (root / "link").symlink_to("src")
    elif change == "name":
        (root / "src-b").rename(root / "src-c")
    elif change == "directory":
        (root / "empty").rmdir()
    else:
        (root / "empty").rmdir()
        (root / "empty").write_text("")
    assert read_context(root, "Dockerfile").digest != before


def test_a_kept_context_proves_itself_and_damage_does_not(root: Path) -> None:
    (root / os.fsdecode(b"\xff" * 120)).write_text("x")
    context = read_context(root, "Dockerfile")
    kept = b"".join(context.archive())
    assert open_archive(io.BytesIO(kept)).read() == context.open().read()
    assert digest_of_tar(open_archive(io.BytesIO(kept))) == context.digest
    with pytest.raises(SourceError):
        digest_of_tar(open_archive(io.BytesIO(kept[: len(kept) // 2])))
    with pytest.raises(SourceError):
        digest_of_tar(open_archive(io.BytesIO(b"rubbish" * 100)))


@pytest.mark.parametrize("change", ["shorter", "longer", "same size", "mode", "gone", "link"])
def test_a_file_that_changes_after_it_was_read_is_an_error(root: Path, change: str) -> None:
    context, path = read_context(root, "Dockerfile"), root / "src" / "a.txt"
    if change == "mode":
        path.chmod(0o600)
    elif change in ("gone", "link"):
        path.unlink()
        if change == "link":
            path.symlink_to("/etc/passwd")
    else:
        path.write_bytes({"shorter": b"a", "longer": b"a" * 700_001}.get(change, b"b" * 700_000))
    with pytest.raises(SourceError, match=r"a\.txt' changed while the context was read") as raised:
        context.open().read()
    assert ".dockerignore" in str(raised.value.hint)
    assert "drift check 2> " in str(raised.value.hint)


def test_what_is_drifts_own_is_left_out(root: Path) -> None:
    before = read_context(root, "Dockerfile")
    (root / ".drift").mkdir()
    (root / ".drift" / "drift.db").write_text("")
    after = read_context(root, "Dockerfile", leave_out=[root / ".drift", root.parent])
    assert after.names == before.names
    assert after.digest == before.digest


def test_dockerfile_dockerignore_is_buildkits_alone(root: Path) -> None:
    (root / ".dockerignore").write_text("src")
    (root / "Dockerfile.dockerignore").write_text("src-b\nDockerfile\n.dockerignore")
    names = read_context(root, "Dockerfile").names
    assert names == ["Dockerfile", "Dockerfile.dockerignore", "empty", "link", "src", "src/a.txt"]
    classic = read_context(root, "Dockerfile", client=Client.CLASSIC).names
    assert "src-b" in classic
    assert "src" not in classic


def test_buildkit_sends_the_directories_above_an_exception(root: Path) -> None:
    (root / ".dockerignore").write_text("*\n!**/a.txt")
    assert read_context(root, "Dockerfile").names == ["Dockerfile", "src", "src/a.txt"]
    classic = read_context(root, "Dockerfile", client=Client.CLASSIC)
    assert classic.names == [".dockerignore", "Dockerfile"]


def test_an_ignored_edit_keeps_the_digest(root: Path) -> None:
    (root / ".dockerignore").write_text("src")
    before = read_context(root, "Dockerfile").digest
    (root / "src" / "new").write_text("x")
    assert read_context(root, "Dockerfile").digest == before


def test_a_dockerfile_from_outside_keeps_its_made_name(root: Path) -> None:
    (root.parent / "Dockerfile").write_text("FROM other\n")
    first, second = (read_context(root, "../Dockerfile") for _ in range(2))
    assert first.dockerfile == second.dockerfile
    assert first.dockerfile in first.names
    assert first.dockerfile_content == b"FROM other\n"
    assert first.digest == second.digest == digest_of_tar(first.open())
    with pytest.raises(SourceError, match="outside"):
        read_context(root, "../Dockerfile", within=root)


@pytest.mark.parametrize("name", ["missing", "empty", "../../none"])
def test_a_dockerfile_that_is_not_there_is_named(root: Path, name: str) -> None:
    with pytest.raises(SourceError, match="Dockerfile"):
        read_context(root, name)


def test_a_missing_context_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        read_context(tmp_path / "nowhere", "Dockerfile")


def test_an_unreadable_file_is_named_unless_it_is_ignored(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: str | Path, flags: int) -> int:
        if Path(path).name == "src-b":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags)

    # Root may read everything, so the refusal is played.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match=r"src-b' cannot be read: Permission denied"):
        read_context(root, "Dockerfile")
    (root / ".dockerignore").write_text("src-b")
    assert "src-b" not in read_context(root, "Dockerfile").names

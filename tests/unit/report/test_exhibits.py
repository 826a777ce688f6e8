"""What a document shows beside differences: diffs of readable texts, a Dockerfile, a link."""

from __future__ import annotations

import dataclasses

import pytest

from drift.compare.model import Change, FileChange
from drift.masking import Mask
from drift.oci import Digest
from drift.report.diffs import LINES, text_diffs
from drift.report.document import image_document
from drift.report.exhibits import dockerfile_object
from drift.report.links import compare_link
from drift.report.results import Exhibits
from drift.snapshot.model import Entry, EntryType
from support import report_samples as samples
from support import showcase

A, B = "1a" * 20, "2b" * 20
KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"


def change(path: str, before: bytes, after: bytes, mode: int = 0o644) -> FileChange:
    old, new = (
        Entry(path, EntryType.FILE, mode, 0, 0, 0, len(content), Digest.of(content))
        for content in (before, after)
    )
    return FileChange(path, Change.MODIFIED, ("content",), old, new, 1, 1)


def diff(
    path: str, before: bytes, after: bytes, mode: int = 0o644, mask: Mask | None = None
) -> str | None:
    kept = {Digest.of(content): content for content in (before, after)}
    return text_diffs([change(path, before, after, mode)], kept.get, mask or Mask()).get(path)


def test_a_small_text_has_a_diff() -> None:
    shown = diff("/etc/motd", b"one\ntwo\nthree\n", b"one\n2\nthree\n")
    assert shown == "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"


@pytest.mark.parametrize(
    "path",
    ["/srv/.env", "/srv/.env.local", "/root/.npmrc", "/root/.netrc", "/x/.pgpass",
     "/root/.aws/credentials", "/x/credentials.json", "/etc/ssl/private/a.key", "/etc/a.PEM"],
)  # fmt: skip
def test_what_holds_credentials_by_its_name_has_none(path: str) -> None:
    assert diff(path, b"one\n", b"two\n") is None


def test_what_others_may_not_read_has_none_though_the_same_bytes_lie_elsewhere() -> None:
    assert diff("/etc/shadowed", b"one\n", b"two\n", mode=0o640) is None
    assert diff("/etc/ssh/host", KEY, KEY + b"x") is None
    assert diff("/etc/ssh/host", b"no key\n", KEY) is None


def test_values_of_variables_and_secret_settings_are_hidden() -> None:
    shown = diff("/etc/app.conf", b"password: abc\n", b"password: abcdef\nx = tops3cret\n",
                 mask=Mask(["tops3cret"]))  # fmt: skip
    assert shown is not None
    assert "abc" not in shown
    assert "tops3cret" not in shown
    assert "+password: ***" in shown


def test_a_long_diff_is_cut_with_a_word_and_a_costly_one_left_out() -> None:
    old = "".join(f"line {n}\n" for n in range(400)).encode()
    new = "".join(f"other {n}\n" for n in range(400)).encode()
    shown = diff("/etc/long", old, new)
    assert shown is not None
    assert len(shown.split("\n")) == LINES + 1
    assert shown.endswith("more lines")
    assert diff("/etc/costly", b"a\n" * 30_000, b"b\n" * 30_000) is None


def test_without_texts_there_are_no_diffs() -> None:
    assert any("diff" in entry for entry in showcase.web()["files"]["entries"])
    result = samples.drifted()
    entries = image_document(result)["files"]["entries"]
    assert not any("diff" in entry for entry in entries)
    with_texts = dataclasses.replace(result, exhibits=Exhibits(texts=lambda _: None))
    assert image_document(with_texts)["files"]["entries"] == entries


def test_a_dockerfile_is_masked_and_cut() -> None:
    text = (
        b"\xef\xbb\xbfFROM x\nRUN curl https://u:tops3cret@h \xff\nENV TOKEN=abc\n" + b"#" * 70_000
    )
    shown = dockerfile_object(Exhibits("Dockerfile", text, mask=Mask(["tops3cret"])))
    assert shown is not None
    assert shown["text"].startswith("FROM x\nRUN curl https://u:***@h \\xff\nENV TOKEN=***\n#")
    assert shown["cut"] is True
    assert dockerfile_object(Exhibits()) is None


@pytest.mark.parametrize(
    ("remote", "link"),
    [
        ("https://github.com/a/b.git", f"https://github.com/a/b/compare/{A}...{B}"),
        ("https://***@github.com/a/b", f"https://github.com/a/b/compare/{A}...{B}"),
        ("https://user:secret@github.com/a/b/", f"https://github.com/a/b/compare/{A}...{B}"),
        ("git@github.com:a/b.git", f"https://github.com/a/b/compare/{A}...{B}"),
        ("ssh://git@gitlab.com:22/g/s/p.git", f"https://gitlab.com/g/s/p/-/compare/{A}...{B}"),
        ("https://gitlab.example:8443/g/p", f"https://gitlab.example:8443/g/p/-/compare/{A}...{B}"),
        ("https://git.example/a/b", None),
        ("https://github.com.evil.example/a/b", None),
        ("https://github.com/a/../b", None),
        ("/srv/git/a.git", None),
        ("javascript://github.com/a/b", None),
        ("https://github.com/only", None),
        ("https://[bad/a/b", None),
        (None, None),
    ],
)
def test_the_link_between_revisions(remote: str | None, link: str | None) -> None:
    assert compare_link(remote, A, B) == link
    assert compare_link(remote, A, A) is None
    assert compare_link(remote, None, B) is None
    assert compare_link(remote, "main", B) is None

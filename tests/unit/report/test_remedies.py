"""What to do: lines that can be pasted as they are, and none that would do something else."""

from __future__ import annotations

import shlex
import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.attribute.accepted import accept_known
from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin
from drift.config.model import Accept
from drift.report import remedies
from drift.report.escape import visible
from drift.report.remedies import Remedy

NIGHT = date(2026, 11, 23)
IMAGE = {"name": "web", "status": "drifted"}
BEFORE, AFTER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def cause(kind: str, subject: str, text: str | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": "c1", "origin": "external", "kind": kind, "subject": subject, "before": BEFORE,
        "after": AFTER, "risk": [], "accepted": None, "files": {"changed": 1, "bytes": 1},
        "instruction": text and {"stage": "0", "line": 1, "text": text},
    }  # fmt: skip
    return {**made, **more}


def lines(found: dict[str, Any]) -> list[str]:
    return [remedy.line for remedy in remedies.remedies(found, IMAGE, NIGHT)]


def test_a_moved_base_is_pinned_where_it_stands() -> None:
    found = lines(cause("base-image", "debian:12", "FROM --platform=linux/amd64 ${BASE} AS run"))
    assert found[0] == f"FROM --platform=linux/amd64 debian:12@{AFTER} AS run"
    assert found[1] == f"FROM --platform=linux/amd64 debian:12@{BEFORE} AS run"
    copied = lines(cause("base-image", "tool:1", "COPY --chown=1 --from=tool:1 /a /b"))
    assert copied[0] == f"COPY --chown=1 --from=tool:1@{AFTER} /a /b"


def test_packages_are_pinned_as_their_managers_want() -> None:
    def first(subject: str) -> str:
        return lines(cause("package", subject, before="1.0", after="1:3.0.17-1~deb12u3+b1"))[0]

    assert first("pkg:deb/debian/openssl") == "openssl=1:3.0.17-1~deb12u3+b1"
    assert first("pkg:pypi/requests").startswith("requests==")
    assert first("pkg:npm/@scope/name").startswith("@scope/name@")
    assert first("pkg:apk/alpine/musl").startswith("musl=")


def test_a_download_gets_its_checksum() -> None:
    add = lines(
        cause("remote-content", "https://x.example/t", "ADD --chmod=755 https://x.example/t /t")
    )
    assert add[0] == f"ADD --checksum={AFTER} --chmod=755 https://x.example/t /t"
    again = "ADD --checksum=sha256:ab https://x.example/t /t"
    assert lines(cause("remote-content", "https://x.example/t", again))[0] == (
        f"ADD --checksum={AFTER} https://x.example/t /t"
    )
    curl = lines(
        cause("remote-content", "https://x.example/t?v=1", "RUN curl -O https://x.example/t")
    )
    assert curl[0] == f"echo '{'2' * 64}  t' | sha256sum -c -"


def test_what_the_repository_did_needs_no_remedy() -> None:
    assert lines(cause("dockerfile", "Dockerfile", origin="repo")) == []


def test_an_unexplained_path_can_be_ignored_and_a_noisy_one_is_not_accepted() -> None:
    noisy = lines(cause("random", "/etc/machine-id", origin="nondeterminism"))
    assert [tomllib.loads(line) for line in noisy] == [
        {"ignore": [{"path": "/etc/machine-id", "reason": "WHY"}]}
    ]


@given(st.text(min_size=1, max_size=60), st.none() | st.text(min_size=1, max_size=60))
def test_an_accept_block_silences_exactly_the_cause(subject: str, after: str | None) -> None:
    found = cause("package", subject, before=None, after=after)
    blocks = [line for line in lines(found) if line.startswith("[[accept]]")]
    hidden = subject != visible(subject) or (after is not None and after != visible(after))
    assert blocks or hidden
    for block in blocks:
        (rule,) = tomllib.loads(block)["accept"]
        known = Accept(rule["subject"], rule.get("after"), rule["until"], rule["reason"])
        told = Cause("c1", Origin.EXTERNAL, Kind.PACKAGE, subject, Grade.OWNED, None, after)
        other = Cause("c2", Origin.EXTERNAL, Kind.PACKAGE, f"{subject}x", Grade.OWNED, None, after)
        marked = accept_known(Attribution((told, other)), [known], NIGHT).causes
        assert marked[0].accepted is not None
        assert marked[1].accepted is None


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_no_line_holds_what_a_reader_cannot_see(subject: str, text: str) -> None:
    for kind in ("base-image", "package", "remote-content", "git-remote", "file"):
        found: tuple[Remedy, ...] = remedies.remedies(
            cause(kind, subject, text), {"name": "web", "status": "drifted"}, NIGHT
        )
        for remedy in found:
            assert all(line == visible(line) for line in remedy.line.split("\n"))
            if remedy.language == "shell":
                assert "\n" not in remedy.line
                shlex.split(remedy.line)


def test_explaining_quotes_its_subject() -> None:
    assert remedies.explain("web") == "drift explain web"
    assert shlex.split(remedies.explain("web", "/a b;$(x)")) == [
        "drift",
        "explain",
        "web",
        "/a b;$(x)",
    ]


def test_the_first_step_is_that_of_the_most_urgent_cause() -> None:
    risky = cause("package", "pkg:deb/debian/a", after="2", before="1", risk=["setuid"])
    image = {**IMAGE, "causes": [cause("base-image", "debian:12"), risky]}
    step = remedies.first_step(image, NIGHT)
    assert step is not None
    assert step.line == "a=2"


@pytest.mark.parametrize("status", ["broken", "unknown"])
def test_the_first_step_to_what_has_no_image_is_not_to_accept_it(status: str) -> None:
    gone = cause("source-unavailable", "debian:12", after=None)
    retry = Remedy("Build it again alone", "drift check web", "shell")
    for causes in ([], [gone]):
        failed = {"name": "web", "status": status, "causes": causes}
        assert remedies.first_step(failed, NIGHT) == retry == remedies.again(failed)

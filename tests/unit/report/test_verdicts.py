"""The one sentence that a reader takes away."""

from __future__ import annotations

from typing import Any

import pytest

from drift.report import sentences, verdicts
from drift.report.document import assembled, image_document
from support import report_samples as samples


def image(name: str, status: str, flagged: bool = False, **more: Any) -> dict[str, Any]:
    document = {**image_document(samples.first(name)), "status": status, "flagged": flagged}
    return {**document, **more}


def cause(kind: str, subject: str, origin: str = "external") -> dict[str, Any]:
    made = image_document(samples.known())["causes"][0]
    return {**made, "origin": origin, "kind": kind, "subject": subject, "accepted": None}


def fleet(*images: dict[str, Any]) -> dict[str, Any]:
    return assembled({"id": "r"}, images)


def test_a_night_on_which_the_world_moved() -> None:
    openssl = cause("package", "pkg:deb/debian/openssl")
    tool = cause("remote-content", "https://cdn.example/dl/tool?v=1")
    quiet = [image(f"i{n}", "identical") for n in range(12)]
    document = fleet(
        image("web", "drifted", True, causes=[openssl, tool]),
        image("api", "drifted", True, causes=[openssl]),
        *quiet,
    )
    assert sentences.verdict(document) == (
        "2 of 14 images drifted: Debian's openssl moved, and cdn.example's tool changed under "
        "its URL."
    )


def test_a_quiet_night_is_one_proud_line() -> None:
    control = {"role": "control", "ok": True}
    files = {"metadata_only": 1105, "added": 0, "removed": 0, "modified": 0}
    quiet = [image(f"i{n}", "identical", files={**files, "metadata_only": 0}) for n in range(12)]
    noisy = [image(f"n{n}", "equivalent", files=files, builds=[control]) for n in range(2)]
    document = fleet(*quiet, *noisy)
    assert sentences.verdict(document, 12) == (
        "14 of 14 the same, 12th quiet night; 2,210 timestamps ignored, proven by control."
    )
    unproven = fleet(*quiet, noisy[0], {**noisy[1], "builds": []})
    assert "proven" not in sentences.verdict(unproven, 12)


def test_what_is_not_flagged_is_not_called_the_same() -> None:
    document = fleet(image("a", "identical"), image("b", "drifted"), image("c", "first"))
    assert sentences.verdict(document, 1) == (
        "1 of 3 the same, 1 drifted and is not flagged, 1 built for the first time."
    )
    assert sentences.verdict(fleet(image("a", "first"))) == "1 image built for the first time."


def test_breaks_and_unknowns_are_named_though_nothing_is_flagged() -> None:
    document = fleet(image("a", "broken"), image("b", "unknown"), image("c", "identical"))
    assert sentences.verdict(document, 0) == (
        "1 of 3 does not build: a; 1 could not be checked: b."
    )


def test_more_than_two_changes_are_counted() -> None:
    causes = [cause("package", f"pkg:npm/{name}") for name in ("@a/b", "c", "d", "e")]
    said = sentences.verdict(fleet(image("web", "drifted", True, causes=causes)))
    assert said == "1 of 1 image drifted: npm's @a/b moved, npm's c moved, and 2 more changes."


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        ("base-image", "debian:12", "debian:12 was pushed anew"),
        ("package-republished", "pkg:apk/alpine/musl", "Alpine's musl has other bytes"),
        ("git-remote", "https://git.example/a/tool.git", "git.example's tool moved"),
        ("source-unavailable", "https://x.example/a/b.tgz", "x.example's b.tgz is gone"),
        ("file", "/etc/x", "/etc/x changed and no source is known"),
        ("file", "RUN make", "RUN make fails and no source is known"),
        ("engine", "docker", "the container engine changed"),
        ("remote-content", "https://[bad", "https://[bad changed under its URL"),
    ],
)
def test_events_in_words(kind: str, subject: str, said: str) -> None:
    assert verdicts.event_in_words(cause(kind, subject)).startswith(said)

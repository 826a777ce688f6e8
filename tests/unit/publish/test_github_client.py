"""GitHub's client: limits are waited for, failures tried again, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drift.errors import PublishError
from drift.publish.github.answers import ForbiddenError, MissingError, UnsureError
from drift.publish.github.environment import from_environment
from support.github import SECONDARY, Fault, Github, Slept, client_of, running_github


@pytest.fixture
def github() -> Iterator[Github]:
    with running_github() as github:
        yield github


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault(403, {"Retry-After": "7"}, SECONDARY), [7.0]),
        (Fault(429, {"Retry-After": "3"}), [3.0]),
        (Fault(403, message=SECONDARY), [60.0]),
        (Fault(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000042"}), [42.0]),
        (Fault(502), [1.0]),
        (Fault(200, lost=True), [1.0]),
    ],
)
def test_a_limit_and_a_failure_are_waited_for(
    github: Github, fault: Fault, waited: list[float]
) -> None:
    github.faults, slept = [fault], Slept()
    assert list(client_of(github, slept).pages("issues", 1, state="open")) == []
    assert slept.seconds == waited


def test_a_limit_holds_back_a_post_too_for_nothing_was_done(github: Github) -> None:
    github.faults, slept = [Fault(403, {"Retry-After": "5"}, SECONDARY)], Slept()
    client_of(github, slept).post("issues", {"title": "t", "body": "b"})
    assert len(github.issues) == 1
    assert slept.seconds == [5.0]


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(403, {"Retry-After": "3600"}, SECONDARY)],
        [Fault(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1009000"})],
        [Fault(403, message=SECONDARY) for _ in range(9)],
        [Fault(503) for _ in range(9)],
    ],
)
def test_patience_has_an_end(github: Github, faults: list[Fault]) -> None:
    github.faults, slept = faults, Slept()
    with pytest.raises(PublishError) as failed:
        client_of(github, slept).get("labels/drift")
    assert failed.value.hint is not None
    assert sum(slept.seconds) <= 300
    assert len(github.requests) <= 4


def test_a_post_whose_answer_is_lost_is_not_sent_again(github: Github) -> None:
    for fault in (Fault(502, done=True), Fault(0, lost=True, done=True)):
        github.faults = [fault]
        with pytest.raises(UnsureError):
            client_of(github).post("issues", {"title": "t", "body": "b"})
    assert len(github.writes()) == 2


def test_what_is_refused_says_what_to_do(github: Github) -> None:
    client = client_of(github)
    with pytest.raises(MissingError):
        client.get("labels/drift")
    with pytest.raises(ForbiddenError) as forbidden:
        client.get("/user")
    assert "permissions" in str(forbidden.value.hint)
    github.faults = [Fault(301, {"Location": f"{github.storage}/1"}, "Moved")]
    with pytest.raises(PublishError) as moved:
        client.get("labels/drift")
    assert moved.value.hint == "the repository has another name now"
    github.faults = [Fault(401, message="Bad \x1b[31m credentials")]
    with pytest.raises(PublishError) as bad:
        client.get("labels/drift")
    assert "\x1b" not in bad.value.message


def test_lists_are_read_to_their_end_but_not_forever(github: Github) -> None:
    for number in range(250):
        github.add_issue(f"issue {number}", None)
    client = client_of(github)
    assert len(list(client.pages("issues", 9, state="open", labels="drift"))) == 250
    assert len(list(client.pages("issues", 2, state="open", labels="drift"))) == 200


def test_a_netrc_does_not_change_the_token(
    github: Github, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    github.labels.add("drift")
    assert client_of(github).get("labels/drift") == {"name": "drift"}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_TOKEN": "t"}, "not a repository's name"),
        ({"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "acme"}, "not a repository's name"),
        ({"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "acme/a?b"}, "not a repository's name"),
    ],
)
def test_what_the_environment_lacks_is_said(environ: dict[str, str], said: str) -> None:
    with pytest.raises(PublishError, match=said):
        from_environment(environ)


def test_the_environment_of_a_workflow_is_enough() -> None:
    environ = {"GITHUB_TOKEN": "secret", "GITHUB_REPOSITORY": "acme/fleet"}
    client = from_environment({**environ, "GITHUB_API_URL": "https://ghe.example/api/v3/"})
    assert (client.api, client.repository) == ("https://ghe.example/api/v3", "acme/fleet")
    assert from_environment(environ).api == "https://api.github.com"
    assert "secret" not in repr(client)

"""Secrets and the ssh agent inside real builds."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from drift.builds import FailureKind
from drift.engine.build import build
from drift.engine.model import BuildRequest, BuildResult, SecretMount
from support.contexts import tar_context

# Asks the agent for its identities (SSH_AGENTC_REQUEST_IDENTITIES) and prints the first's comment.
ASK_AGENT = r"""RUN --mount=type=ssh perl -MIO::Socket::UNIX -e ' \
  $agent = IO::Socket::UNIX->new(Peer => $ENV{SSH_AUTH_SOCK}) or die "no agent: $!"; \
  print $agent pack("NC", 1, 11); $agent->flush; \
  read($agent, $length, 4); read($agent, $answer, unpack("N", $length)); \
  ($type, $keys, $size) = unpack("CNN", $answer); \
  print "type $type, $keys key, ", substr($answer, 9 + $size + 4), "\n";'
"""

Build = Callable[..., BuildResult]


@pytest.fixture
def tag(api: docker.APIClient) -> Iterator[str]:
    name = f"drift-test/session:{uuid.uuid4().hex}"
    yield name
    try:
        api.remove_image(name)
    except ImageNotFound:
        return


@pytest.fixture
def build_with(api: docker.APIClient, base_image: str, tag: str) -> Build:
    """Builds instructions on the base with BuildKit, with some mounts."""

    def run(
        instructions: str,
        *,
        secrets: tuple[SecretMount, ...] = (),
        ssh: tuple[str, ...] = (),
        session: bool = False,
    ) -> BuildResult:
        request = BuildRequest(
            tar_context({"Dockerfile": f"FROM {base_image}\n{instructions}"}),
            "Dockerfile",
            tag,
            "buildkit",
            secrets=secrets,
            ssh=ssh,
            session=session,
            network="host",
            timeout=120,
        )
        return build(api, request, on_progress=lambda _: None, cancelled=threading.Event())

    return run


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real ssh agent with one key, whose comment is given."""
    comment, key = f"drift-{uuid.uuid4().hex}", tmp_path / "key"
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(key)]
    subprocess.run(keygen, check=True)
    subprocess.run(["ssh-add", "-q", key], check=True)
    yield comment
    process.terminate()
    process.wait()


def test_a_secret_is_seen_by_the_step_and_found_nowhere_else(
    api: docker.APIClient,
    build_with: Build,
    tag: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value, large = f"s3cr3t-{uuid.uuid4().hex}", uuid.uuid4().hex * 15_000
    monkeypatch.setenv("DRIFT_TEST_TOKEN", value)
    (tmp_path / "large").write_text(large)
    sums = [hashlib.sha256(one.encode()).hexdigest() for one in (value, large)]

    result = build_with(
        "RUN --mount=type=secret,id=token --mount=type=secret,id=large "
        "sha256sum /run/secrets/token /run/secrets/large; cat /run/secrets/token\n",
        secrets=(
            SecretMount("token", env="DRIFT_TEST_TOKEN"),
            SecretMount("large", file=tmp_path / "large"),
        ),
    )

    assert result.failure is None, result.log
    assert all(digest in result.log for digest in sums)
    image = api.inspect_image(tag)
    for shown in (repr(result), json.dumps(image), json.dumps(api.history(tag))):
        assert value not in shown
        assert large not in shown
    assert value.encode() not in b"".join(api.get_image(tag))


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        ("RUN --mount=type=secret,id=other,required cat /run/secrets/other\n", "other"),
        ("RUN --mount=type=ssh,required true\n", "default"),
        ("RUN --mount=type=secret,id=unset cat /run/secrets/unset\n", "NOT_SET"),
    ],
)
def test_a_mount_that_cannot_be_given_is_an_input_that_is_missing(
    build_with: Build, instruction: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)

    result = build_with(instruction, secrets=(SecretMount("unset", env="NOT_SET"),))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.INPUT
    assert said in result.failure.message
    assert instruction.strip() in str(result.failed_step)


def test_optional_mounts_do_without(build_with: Build) -> None:
    result = build_with(
        "RUN --mount=type=secret,id=other --mount=type=ssh "
        'test ! -e /run/secrets/other && test ! -S "$SSH_AUTH_SOCK"\n',
        session=True,
    )

    assert result.failure is None, result.log


def test_the_ssh_agent_answers_inside_the_build(build_with: Build, agent: str) -> None:
    result = build_with(ASK_AGENT * 2, ssh=("default",))

    assert result.failure is None, result.log
    assert result.log.count(f"type 12, 1 key, {agent}\n") == 2


def test_an_agent_that_is_away_is_said(
    build_with: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))

    result = build_with("RUN --mount=type=ssh,required true\n", ssh=("default",))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.INPUT
    assert "ssh agent" in result.failure.message


def test_no_thread_of_a_session_outlives_its_build(build_with: Build, agent: str) -> None:
    build_with(ASK_AGENT, ssh=("default",))

    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"drift-session", "drift-watch"}

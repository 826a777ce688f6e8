from __future__ import annotations

from pathlib import Path

import pytest

from drift.engine.grpc import FAILED_PRECONDITION, NOT_FOUND, CallError
from drift.engine.model import SecretMount
from drift.engine.session import LARGEST_SECRET, Served
from drift.engine.wire import bytes_field, first_bytes

VALUE = "correct horse battery staple"


def ask(served: Served, name: str) -> bytes:
    return first_bytes(served.secret(bytes_field(1, name.encode())), 1)


def test_secrets_are_read_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "npmrc"
    served = Served((SecretMount("npmrc", file=file), SecretMount("token", env="TOKEN")), ())
    file.write_bytes(b"\x00binary\xff")
    monkeypatch.setenv("TOKEN", VALUE)

    assert ask(served, "npmrc") == b"\x00binary\xff"
    assert ask(served, "token") == VALUE.encode()
    assert VALUE in served.given
    assert served.problem is None


def test_a_secret_that_is_not_configured_is_not_found() -> None:
    served = Served((), ())

    with pytest.raises(CallError) as raised:
        ask(served, "other")

    assert raised.value.code == NOT_FOUND
    assert served.problem is None, "an optional mount may do without"


def test_a_secret_that_cannot_be_read_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    large = tmp_path / "large"
    large.write_bytes(bytes(LARGEST_SECRET + 1))
    mounts = (
        SecretMount("gone", file=tmp_path / "gone"),
        SecretMount("token", env="TOKEN"),
        SecretMount("large", file=large),
    )

    for mount, reason in zip(mounts, ("cannot be read", "is not set", "larger than"), strict=True):
        served = Served(mounts, ())
        with pytest.raises(CallError, match=reason) as raised:
            ask(served, mount.id)
        assert raised.value.code == FAILED_PRECONDITION
        assert served.problem is not None
        assert mount.id in served.problem


def test_a_secret_of_the_largest_size_is_given(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(LARGEST_SECRET))

    served = Served((SecretMount("large", file=tmp_path / "large"),), ())
    assert len(ask(served, "large")) == LARGEST_SECRET


def test_only_the_agent_that_is_configured_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    with pytest.raises(CallError, match="unset ssh forward key other"):
        Served((), ("default",)).check(bytes_field(1, b"other"))
    with pytest.raises(CallError, match="SSH_AUTH_SOCK is not set"):
        Served((), ("default",)).check(b"")

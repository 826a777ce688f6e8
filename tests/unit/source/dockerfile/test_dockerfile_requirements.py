"""Why only BuildKit can build a file."""

from __future__ import annotations

import pytest

from drift.source.dockerfile import needs_buildkit, parse


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("RUN <<E\nx\nE", "a here-document in RUN (line 2)"),
        ("RUN --mount=type=cache,target=/c x", "RUN --mount (line 2)"),
        ("RUN --network=none x", "RUN --network (line 2)"),
        ("COPY --link a b", "COPY --link (line 2)"),
        ("COPY --chmod=755 a b", "COPY --chmod (line 2)"),
        ("ADD --checksum=sha256:1 http://example.org/x /x", "ADD --checksum (line 2)"),
        ("ADD https://example.org/r.git#v1 /x", "ADD of a git repository (line 2)"),
        ("ONBUILD RUN --mount=type=ssh x", "RUN --mount (line 2)"),
        ("ARG TARGETARCH", "ARG TARGETARCH (line 2)"),
        ("FROM --platform=$BUILDPLATFORM b", "BUILDPLATFORM in FROM (line 2)"),
    ],
)
def test_names_the_reason_and_the_line(line: str, reason: str) -> None:
    assert needs_buildkit(parse(f"FROM a\n{line}\n".encode())) == reason


@pytest.mark.parametrize(
    "text",
    [
        "# syntax=docker/dockerfile:1\nFROM a\n",
        "FROM a\nCOPY --chown=1:1 --from=b a b\nRUN x\n",
        "FROM a\nADD https://example.org/x.tar.gz /x\n",
        "ARG TARGETARCH=amd64\nFROM a-$TARGETARCH\nARG TARGETARCH=x\n",
    ],
)
def test_what_either_builder_can(text: str) -> None:
    assert needs_buildkit(parse(text.encode())) is None

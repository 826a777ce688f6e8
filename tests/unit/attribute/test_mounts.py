"""What a RUN mounts, and whether it may have fetched from elsewhere."""

from __future__ import annotations

import pytest

from drift.attribute.mounts import may_fetch, mounted


@pytest.mark.parametrize(
    ("text", "sources", "fetches"),
    [
        ("RUN make", (), False),
        ("RUN --mount=type=bind,from=build,source=/out,target=/in cp /in/* /", ("build",), False),
        ("run --MOUNT=from=golang:1.22,target=/go make", ("golang:1.22",), False),
        ('RUN --mount="type=bind","from=build",target=/in make', ("build",), False),
        ("RUN --mount=from=a,target=/a --mount=from=b,target=/b make", ("a", "b"), False),
        ("RUN --mount=type=cache,target=/cache --network=none make", (), False),
        ("RUN --mount=type=bind,target=/in make", (), False),
        ("RUN --mount=type=secret,id=token make", (), True),
        ("RUN --mount=type=ssh make", (), True),
        ("RUN --mount=from=curl,target=/bin/x true", ("curl",), False),
        ("RUN --mount=from=build,target=/in curl -O https://example.org", ("build",), True),
        ("RUN apt-get install -y make", (), True),
        ("RUN exec 3<>/dev/tcp/example.org/80", (), True),
        ("ONBUILD RUN --mount=from=build,target=/in make", ("build",), False),
        ("COPY --from=build /a /b", (), True),
        ("", (), True),
    ],
)
def test_a_run(text: str, sources: tuple[str, ...], fetches: bool) -> None:
    assert (mounted(text), may_fetch(text)) == (sources, fetches)

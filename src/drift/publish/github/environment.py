"""The variables that GitHub's runner sets for a job."""

from __future__ import annotations

import os
from collections.abc import Mapping

from drift.errors import PublishError
from drift.publish.github.client import PACE, Client
from drift.report.escape import visible


def from_environment(
    environ: Mapping[str, str] = os.environ, repository: str | None = None
) -> Client:
    """The client of a workflow's job, by the variables that GitHub's runner sets.

    Raises:
        PublishError: a variable is missing or is not what it should be.
    """
    token = environ.get("GITHUB_TOKEN", "")
    name = repository or environ.get("GITHUB_REPOSITORY", "")
    if not token:
        raise PublishError(
            "GITHUB_TOKEN is not set", hint="in a workflow: env: GITHUB_TOKEN: ${{ github.token }}"
        )
    owner, slash, repo = name.partition("/")
    if not (owner and slash and repo) or not all(c.isalnum() or c in "/._-" for c in name):
        raise PublishError(
            f"not a repository's name: {visible(name)!r}",
            hint="name it OWNER/NAME with --repository, or in GITHUB_REPOSITORY",
        )
    api = environ.get("GITHUB_API_URL") or "https://api.github.com"
    return Client(api.rstrip("/"), name, token, pace=PACE)

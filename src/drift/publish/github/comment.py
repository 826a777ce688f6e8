"""One comment on a pull request, kept up to date: what it changes in the images.

The workflow that made the report ran a stranger's code without any right; this runs with the
right to comment, in a `workflow_run` job, and runs nothing of theirs. Which pull request it is,
GitHub says: the artifact is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift.errors import PublishError
from drift.publish.github.answers import UnsureError
from drift.publish.github.client import Client
from drift.publish.github.marker import Marker, read
from drift.publish.github.model import BODY, login_of_comment
from drift.report import markdown

MARKER = Marker("pull-request")
_LIMIT = 60_000
_PAGES = 30  # of comments: 3,000
_EVENT = 25 << 20  # bytes; GitHub's own limit of a payload


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished workflow run, as GitHub's event tells it."""

    run: int
    sha: str
    owner: str
    branch: str
    repository: int
    url: str


def finished(path: Path) -> Finished:
    """The run that a ``workflow_run`` event is about; ``path`` is GITHUB_EVENT_PATH.

    Raises:
        PublishError: it is no such event, or not of a pull request.
    """
    try:
        if path.stat().st_size > _EVENT:
            raise PublishError("the event is larger than GitHub makes them")
        run = json.loads(path.read_bytes())["workflow_run"]
        if run["event"] != "pull_request":
            raise PublishError(
                f"the run was not for a pull request, but for {str(run['event'])[:40]!a}",
                hint="in the workflow: if: github.event.workflow_run.event == 'pull_request'",
            )
        head = run["head_repository"]
        return Finished(
            run=int(run["id"]),
            sha=str(run["head_sha"]),
            owner=str(head["owner"]["login"]),
            branch=str(run["head_branch"]),
            repository=int(head["id"]),
            url=str(run["html_url"]),
        )
    except OSError as error:
        raise PublishError(f"cannot read the event {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise PublishError("the event is none of a finished workflow run") from error


def pull_request(client: Client, run: Finished) -> int | None:
    """The open pull request whose head the run was for; None where it has moved on.

    Raises:
        PublishError: GitHub could not be asked.
    """
    query = {"state": "open", "head": f"{run.owner}:{run.branch}"}
    try:
        for pull in client.pages("pulls", 3, **query):
            head = pull["head"]
            repository = head["repo"]
            if head["sha"] == run.sha and repository and repository["id"] == run.repository:
                return int(pull["number"])
    except (KeyError, TypeError, ValueError) as error:
        raise PublishError("GitHub's list of pull requests is not what it documents") from error
    return None


def text(reports: Mapping[str, Mapping[str, Any]], run: Finished) -> str:
    """The comment: the fleets' reports as Markdown, which shows all untrusted text as code."""
    lines = [str(MARKER), "## What this pull request changes in the images"]
    for key, document in reports.items():
        _, _, shown = markdown.render(dict(document), limit=_LIMIT // len(reports)).partition("\n")
        lines += [f"### Fleet {markdown.code(key)}"] if len(reports) > 1 else []
        lines += [shown.rstrip(), ""]
    return "\n".join([*lines, _about(run)])[:BODY]


def without_report(run: Finished) -> str:
    """What is left to say where a newer commit touches no image, or could not be checked."""
    return (
        f"{MARKER}\nThe newest check left no report: it touches no image, or failed. {_about(run)}"
    )


def _about(run: Finished) -> str:
    return f"Commit {_commit(run.sha)}, [its run]({run.url})."


def _commit(sha: str) -> str:
    return markdown.code(sha[:12])


def keep(client: Client, number: int, body: str, login: str, *, new: bool = True) -> str:
    """Write the comment, or change the one that is there; says which.

    Where it is not to be a ``new`` one, only one that is there is changed.

    Raises:
        PublishError: it could not be written.
    """
    known = _ours(client, number, login)
    if known is None and not new:
        return "not needed"
    if known is None:
        try:
            client.post(f"issues/{number}/comments", {"body": body})
        except UnsureError:
            known = _ours(client, number, login)
            if known is None:
                raise
        return "written"
    if str(known["body"]).replace("\r\n", "\n") == body:
        return "unchanged"
    client.patch(f"issues/comments/{int(known['id'])}", {"body": body})
    return "changed"


def _ours(client: Client, number: int, login: str) -> dict[str, Any] | None:
    """Drift's own comment: by its author and its marker, never by its text."""
    for found in client.pages(f"issues/{number}/comments", _PAGES):
        mark = read(found.get("body")) if isinstance(found, dict) else None
        marked = mark is not None and mark.subject == MARKER.subject
        if marked and login_of_comment(found) == login:
            return dict(found)
    return None

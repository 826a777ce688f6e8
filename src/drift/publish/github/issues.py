"""Keep GitHub's issues as what stands asks for: :mod:`drift.publish.github.plan`, carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from drift.errors import PublishError
from drift.publish.github.answers import InvalidError, MissingError, UnsureError
from drift.publish.github.client import Client
from drift.publish.github.marker import read
from drift.publish.github.model import Change, Issue, issue_of
from drift.publish.github.plan import doubles, plan
from drift.publish.github.world import World

COLOUR = "d93f0b"
_OPEN_PAGES = 20
_CLOSED_PAGES = 5  # the last 500: an event that moves again after that gets a new issue
_TRIES = 2


@dataclass(slots=True)
class Done:
    """What was done, by the issues' numbers."""

    opened: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def keep(client: Client, world: World, *, login: str, label: str) -> Done:
    """Open, change and close issues; a second time does nothing more.

    One that fails does not keep the others from being done.

    Raises:
        PublishError: GitHub could not be asked what there is.
    """
    done = Done()
    wanted = plan(world, _ours(client, login, label))
    if any(change.number is None for change in wanted):
        _label(client, label)
    for change in wanted:
        _do(client, change, done, login, label)
    if done.opened:  # another run may have been at it at the same time
        for change in doubles(world.fleet, _ours(client, login, label)):
            _do(client, change, done, login, label)
    return done


def _ours(client: Client, login: str, label: str) -> list[Issue]:
    """Drift's own issues: by label and author, each with a marker."""
    asked = {"labels": label, "sort": "updated", "direction": "desc"}
    found = [
        *client.pages("issues", _OPEN_PAGES, state="open", **asked),
        *client.pages("issues", _CLOSED_PAGES, state="closed", **asked),
    ]
    issues: dict[int, Issue] = {}
    for one in found:  # an issue that changes between two pages is listed twice
        issue = issue_of(one, login)
        if issue is not None:
            issues.setdefault(issue.number, issue)
    return list(issues.values())


def _label(client: Client, label: str) -> None:
    about = {"name": label, "color": COLOUR, "description": "What drift found, and keeps"}
    try:
        client.get(f"labels/{quote(label, safe='')}")
    except MissingError:
        try:
            client.post("labels", about)
        except UnsureError:
            return  # GitHub makes a label that an issue names, too
        except InvalidError:
            return  # another run made it first


def _do(client: Client, change: Change, done: Done, login: str, label: str) -> None:
    try:
        if change.number is None:
            done.opened.append(_open(client, change, login, label))
            return
        client.patch(f"issues/{change.number}", _fields(change))
        (done.closed if change.open is False else done.changed).append(change.number)
        if change.comment:
            client.post(f"issues/{change.number}/comments", {"body": change.comment})
    except PublishError as error:
        which = "a new issue" if change.number is None else f"issue {change.number}"
        done.failed.append(f"{which}: {error.message}")


def _fields(change: Change) -> dict[str, str]:
    fields = {"body": change.body, "title": change.title, "state_reason": change.reason}
    state = {True: "open", False: "closed", None: None}[change.open]
    return {key: value for key, value in {**fields, "state": state}.items() if value is not None}


def _open(client: Client, change: Change, login: str, label: str) -> int:
    """The new issue's number; where an answer was lost, the issue is looked for first."""
    body = {"title": change.title, "body": change.body, "labels": [label]}
    for _ in range(_TRIES):
        try:
            return _number(client.post("issues", body))
        except UnsureError:
            made = _made(_ours(client, login, label), change)
            if made is not None:
                return made
    raise PublishError("its answer was lost, and no such issue is there")


def _made(issues: Sequence[Issue], change: Change) -> int | None:
    wanted = read(change.body)
    return next((issue.number for issue in issues if issue.marker == wanted), None)


def _number(made: object) -> int:
    number = made.get("number") if isinstance(made, dict) else None
    if not isinstance(number, int):
        raise PublishError("GitHub's answer about a new issue has no number")
    return number

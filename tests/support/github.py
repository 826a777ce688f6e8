"""A GitHub of a test's own. Each request is held against GitHub's OpenAPI description.

A request that the description does not allow is a violation: it is answered with 400, and
:func:`running_github` fails at the end. GitHub's sizes are enforced, its pages are pages, and
``faults`` are answers that come in place of the right one.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema

from drift.publish.github.client import Client
from support.github_openapi import FILE
from support.serving import serving

TOKEN = "ghs_a-token-of-this-test"
REPOSITORY = "acme/fleet"
BOT = "github-actions[bot]"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
TITLE, BODY, LABELS, LABEL, ABOUT = 256, 65_536, 100, 50, 100


@dataclass
class Fault:
    """One answer in place of the right one; ``done`` says that the request is done all the same."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "no"
    method: str | None = None
    done: bool = False
    lost: bool = False  # the connection ends without an answer


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Github:
    """What there is, as the API shows it."""

    url: str = ""
    storage: str = ""
    login: str = BOT
    names_itself: bool = False
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    archives: dict[int, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda _method, _path: None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def open_issues(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues.values() if issue["state"] == "open"]

    def said(self, number: int) -> list[str]:
        """The comments on an issue."""
        return [c["body"] for c in self.comments.values() if c["issue"] == number]

    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.requests if request[0] != "GET"]

    def add_issue(self, title: str, body: str | None, **more: Any) -> dict[str, Any]:
        number = len(self.issues) + 1
        issue = {
            "number": number, "state": "open", "title": title, "body": body,
            "user": {"login": self.login}, "labels": [{"name": "drift"}], "state_reason": None,
        }  # fmt: skip
        self.issues[number] = {**issue, **more}
        return self.issues[number]

    def add_comment(self, issue: int, body: str, login: str | None = None) -> dict[str, Any]:
        number = len(self.comments) + 1000
        user = {"login": login or self.login}
        self.comments[number] = {"id": number, "body": body, "user": user, "issue": issue}
        return self.comments[number]

    def add_artifact(self, run: int, archive: bytes, **more: Any) -> None:
        number = 5000 + len(self.archives)
        listed = {
            "id": number, "name": "drift-pull-request", "size_in_bytes": len(archive),
            "expired": False,
        }  # fmt: skip
        self.artifacts.setdefault(run, []).append({**listed, **more})
        self.archives[number] = archive

    # The operations

    def get_user(self, _parts: list[str], _query: Mapping[str, str], _body: Any) -> Answer:
        if not self.names_itself:
            return Answer(403, {"message": "Resource not accessible by integration"})
        return Answer(200, {"login": self.login})

    def list_issues(self, _parts: list[str], query: Mapping[str, str], _body: Any) -> Answer:
        wanted = set(filter(None, query.get("labels", "").split(",")))
        state = query.get("state", "open")
        found = [
            issue
            for issue in sorted(self.issues.values(), key=lambda issue: -issue["number"])
            if state in ("all", issue["state"])
            and wanted <= {label["name"] for label in issue["labels"]}
        ]
        return _page(found, query)

    def create_issue(self, _parts: list[str], _query: Mapping[str, str], body: Any) -> Answer:
        if problem := _sizes(body):
            return problem
        labels = [{"name": name} for name in body.get("labels", [])]
        self.labels |= {label["name"] for label in labels}
        return Answer(201, self.add_issue(body["title"], body.get("body"), labels=labels))

    def update_issue(self, parts: list[str], _query: Mapping[str, str], body: Any) -> Answer:
        issue = self.issues.get(int(parts[0]))
        if issue is None:
            return Answer(404, {"message": "Not Found"})
        if problem := _sizes(body):
            return problem
        issue.update({key: body[key] for key in ("title", "body", "state") if key in body})
        issue["state_reason"] = body.get("state_reason", issue["state_reason"])
        return Answer(200, issue)

    def list_comments(self, parts: list[str], query: Mapping[str, str], _body: Any) -> Answer:
        return _page([c for c in self.comments.values() if c["issue"] == int(parts[0])], query)

    def create_comment(self, parts: list[str], _query: Mapping[str, str], body: Any) -> Answer:
        return _sizes(body) or Answer(201, self.add_comment(int(parts[0]), body["body"]))

    def update_comment(self, parts: list[str], _query: Mapping[str, str], body: Any) -> Answer:
        comment = self.comments[int(parts[0])]
        comment["body"] = body["body"]
        return _sizes(body) or Answer(200, comment)

    def get_label(self, parts: list[str], _query: Mapping[str, str], _body: Any) -> Answer:
        there = unquote(parts[0]) in self.labels
        return Answer(200, {"name": parts[0]}) if there else Answer(404, {"message": "Not Found"})

    def create_label(self, _parts: list[str], _query: Mapping[str, str], body: Any) -> Answer:
        if len(body["name"]) > LABEL or len(body.get("description", "")) > ABOUT:
            return Answer(422, {"message": "Validation Failed"})
        self.labels.add(body["name"])
        return Answer(201, {"name": body["name"]})

    def list_pulls(self, _parts: list[str], query: Mapping[str, str], _body: Any) -> Answer:
        head = query.get("head")
        return _page([pull for pull in self.pulls if head in (None, pull["label"])], query)

    def list_artifacts(self, parts: list[str], query: Mapping[str, str], _body: Any) -> Answer:
        listed = self.artifacts.get(int(parts[0]), [])
        named = [one for one in listed if query.get("name") in (None, one["name"])]
        return Answer(200, {"total_count": len(named), "artifacts": named})

    def download(self, parts: list[str], _query: Mapping[str, str], _body: Any) -> Answer:
        return Answer(302, None, {"Location": f"{self.storage}/{parts[0]}?signature=secret"})


def _page(found: list[Any], query: Mapping[str, str]) -> Answer:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    assert size <= 100
    return Answer(200, found[(page - 1) * size : page * size])


def _sizes(body: Mapping[str, Any]) -> Answer | None:
    """GitHub's refusal of what is too large."""
    too_large = (
        len(body.get("title") or "") > TITLE
        or len(body.get("body") or "") > BODY
        or len(body.get("labels") or []) > LABELS
    )
    return Answer(422, {"message": "Validation Failed: is too long"}) if too_large else None


HANDLERS = {
    ("GET", "/user"): Github.get_user,
    ("GET", "/repos/{owner}/{repo}/issues"): Github.list_issues,
    ("POST", "/repos/{owner}/{repo}/issues"): Github.create_issue,
    ("PATCH", "/repos/{owner}/{repo}/issues/{issue_number}"): Github.update_issue,
    ("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments"): Github.list_comments,
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"): Github.create_comment,
    ("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}"): Github.update_comment,
    ("GET", "/repos/{owner}/{repo}/labels/{name}"): Github.get_label,
    ("POST", "/repos/{owner}/{repo}/labels"): Github.create_label,
    ("GET", "/repos/{owner}/{repo}/pulls"): Github.list_pulls,
    ("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts"): Github.list_artifacts,
    (
        "GET",
        "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}",
    ): Github.download,
}


@cache
def operations() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FILE.read_text())["operations"]
    return found


def _operation(method: str, path: str) -> tuple[dict[str, Any], list[str]]:
    """The described operation that a request is, and the path's parts after the repository.

    Raises:
        ValueError: GitHub describes none.
    """
    for operation in operations():
        pattern = re.sub(r"\{[a-z_]+\}", "([^/]+)", operation["path"])
        match = re.fullmatch(pattern, path)
        if operation["method"] == method and match:
            names = re.findall(r"\{([a-z_]+)\}", operation["path"])
            values = dict(zip(names, match.groups(), strict=True))
            _check(operation, "path", {key: unquote(value) for key, value in values.items()})
            return operation, [v for k, v in values.items() if k not in ("owner", "repo")]
    raise ValueError(f"no such operation: {method} {path}")


def _check(operation: Mapping[str, Any], place: str, values: Mapping[str, str]) -> None:
    known = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == place}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"{operation['path']} has no {place} parameter {name}")
        typed: Any = int(value) if known[name].get("type") == "integer" else value
        jsonschema.validate(typed, known[name])


class _Handler(BaseHTTPRequestHandler):
    github: Github
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer is one packet

    def _serve(self) -> None:
        url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(size)
        self.github.before(self.command, url.path)
        with suppress(OSError), self.github.lock:
            if url.path.startswith("/storage/"):
                self._stored(url.path.rpartition("/")[2])
                return
            self.github.requests.append((self.command, url.path))
            try:
                answer = self._answer(url.path, dict(parse_qsl(url.query)), content)
            except (ValueError, AssertionError, KeyError, jsonschema.ValidationError) as error:
                self.github.violations.append(f"{self.command} {self.path}: {error}")
                answer = Answer(400, {"message": "a violation"})
            if answer is not None:
                self._send(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _answer(self, path: str, query: Mapping[str, str], content: bytes) -> Answer | None:
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        assert self.headers["Accept"] == "application/vnd.github+json"
        assert self.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert self.headers["User-Agent"]
        operation, parts = _operation(self.command, path)
        _check(operation, "query", query)
        body = self._body(operation, content)
        if operation["path"].startswith("/repos/"):
            assert path.startswith(f"/repos/{REPOSITORY}/")
        handler = HANDLERS[self.command, operation["path"]]
        faults = self.github.faults
        if faults and faults[0].method in (None, self.command):
            fault = faults.pop(0)
            if fault.done:
                handler(self.github, parts, query, body)
            if fault.lost:
                self.close_connection = True
                return None
            return Answer(fault.status, {"message": fault.message}, fault.headers)
        answer = handler(self.github, parts, query, body)
        assert str(answer.status) in operation["statuses"]
        if answer.status < 300:
            jsonschema.validate(answer.body, operation["answer"])
        return answer

    def _body(self, operation: Mapping[str, Any], content: bytes) -> Any:
        if operation["request"] is None:
            assert not content
            return None
        assert self.headers["Content-Type"] == "application/json"
        body = json.loads(content)
        jsonschema.validate(body, operation["request"])
        unknown = set(body) - set(operation["request"]["properties"])
        assert not unknown, f"fields that GitHub does not describe: {unknown}"
        return body

    def _stored(self, name: str) -> None:
        """GitHub's storage refuses a request that carries the API's token."""
        if "Authorization" in self.headers:
            self.github.violations.append("the token was sent to the storage")
        content = self.github.archives[int(name)]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send(self, answer: Answer) -> None:
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_github() -> Iterator[Github]:
    """GitHub on a loopback port; its storage has another name, as GitHub's has."""
    github = Github()
    with serving(_Handler, github=github) as port:
        github.url, github.storage = f"http://127.0.0.1:{port}", f"http://localhost:{port}/storage"
        yield github
        assert github.violations == []


@dataclass
class Slept:
    """A clock that is only waited on."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        if seconds:
            self.seconds.append(seconds)


def client_of(github: Github, slept: Slept | None = None) -> Client:
    return Client(
        github.url, REPOSITORY, TOKEN, pace=0.0, sleep=slept or Slept(), clock=lambda: 1_000_000.0
    )


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP archive in memory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()

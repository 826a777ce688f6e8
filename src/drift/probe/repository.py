"""Which commits a git repository's refs name, asked by ``git ls-remote``."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from drift.probe.answer import Answer
from drift.probe.limits import Limits
from drift.source.git import GitError, GitFailure, run_git

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_WHOLE = (40, 64)
_PROBLEMS = {
    GitFailure.NETWORK: "its host could not be reached",
    GitFailure.AUTHENTICATION: "it wants credentials, which a probe does not use",
    GitFailure.MISSING: "there is no such repository",
    GitFailure.REFUSED: "git refuses it",
    GitFailure.TIMEOUT: "it did not answer in time",
}


def ask(url: str, refs: Collection[str | None], limits: Limits) -> Mapping[str | None, Answer]:
    """The commit of each ref (None: HEAD), all by one request.

    A branch comes before a tag of the same name, an annotated tag is what it points to. A
    commit is its own answer: it does not move.
    """
    at = datetime.now(UTC)
    try:
        listed = _listed(url, refs, limits)
    except GitError as error:
        gone = error.failure is GitFailure.MISSING
        problem = _PROBLEMS.get(error.failure, "git could not ask it")
        return {ref: Answer(at, problem=problem, gone=gone) for ref in refs}
    return {ref: _answer(at, ref, listed) for ref in refs}


def _listed(url: str, refs: Collection[str | None], limits: Limits) -> dict[str, str]:
    patterns = sorted({pattern for ref in refs for pattern in _patterns(ref)})
    with tempfile.TemporaryDirectory(prefix="drift-probe-") as directory:
        output = run_git(
            Path(directory),
            "-c",
            "credential.helper=",
            "-c",
            "http.followRedirects=true",
            "ls-remote",
            "--quiet",
            "--end-of-options",
            url,
            *patterns,
            local=limits.files,
            timeout=limits.timeout,
        )
    lines = (line.split("\t", 1) for line in output.splitlines())
    return {line[1]: line[0] for line in lines if len(line) == 2 and _COMMIT.fullmatch(line[0])}


def _patterns(ref: str | None) -> tuple[str, ...]:
    if ref is None:
        return ("HEAD",)
    name = ref.lstrip("-")
    return (name, f"{name}^{{}}")


def _answer(at: datetime, ref: str | None, listed: Mapping[str, str]) -> Answer:
    names = ("HEAD",) if ref is None else (f"refs/heads/{ref}", f"refs/tags/{ref}", ref)
    for name in names:
        commit = listed.get(f"{name}^{{}}") or listed.get(name)
        if commit is not None:
            return Answer(at, commit)
    if ref is not None and _COMMIT.fullmatch(ref) and (len(ref) in _WHOLE):
        return Answer(at, ref)
    if ref is not None and _COMMIT.fullmatch(ref):
        return Answer(at, problem="a shortened commit cannot be asked for")
    return Answer(at, problem="there is no such ref", gone=True)

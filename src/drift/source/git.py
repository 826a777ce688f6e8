"""git, as drift calls it: never asking, bounded in time, deaf to hostile names.

What git says on failure is sorted into :class:`GitFailure`; a URL's credentials are in no
message. GitPython runs the commands; each has its arguments written out here or in
:mod:`drift.source.checkout`, behind ``--end-of-options`` where they are not ours.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import cast

from drift.errors import SourceError

NO_COMMIT = "0" * 40
"""git's null object id: a repository without a commit."""

TIMEOUT = 600.0
"""Seconds for one command."""

_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_OPTIONAL_LOCKS": "0",  # looking must not rewrite the index
    "LC_ALL": "C",
}


class GitFailure(StrEnum):
    """Why something could not be had from git."""

    NETWORK = "network"
    AUTHENTICATION = "authentication"
    MISSING = "missing"  # the repository, reference or commit is not there
    REFUSED = "refused"  # safe.directory, a transport that is not allowed, a malformed name
    TIMEOUT = "timeout"
    OTHER = "other"


class GitError(SourceError):
    """A git command failed; ``failure`` says how."""

    def __init__(self, message: str, failure: GitFailure, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or _HINTS.get(failure))
        self.failure = failure


_HINTS = {
    GitFailure.NETWORK: "check the network and the repository's host, then run drift again",
    GitFailure.AUTHENTICATION: "give git access: an SSH agent, or a credential helper for https",
    GitFailure.MISSING: "check the repository's URL and the revision",
    GitFailure.TIMEOUT: "the remote is slow or the repository large; try the same fetch by hand",
}
# What git exports to its hooks would turn us to another repository than the one named.
_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
_REMOTE = "https:http:ssh:git"
# The first that fits decides.
_SIGNS = (
    (GitFailure.REFUSED, r"dubious ownership|transport '.*' not allowed"),
    (
        GitFailure.AUTHENTICATION,
        r"Authentication failed|could not read (Username|Password)|Permission denied \(|"
        r"terminal prompts disabled|Host key verification failed|error: 40[13]|Invalid username",
    ),
    (
        GitFailure.NETWORK,
        r"Could not resolve|Connection (refused|reset|timed out)|Failed to connect|"
        r"unable to look up|Network is unreachable|Operation timed out|SSL|TLS|gnutls|"
        r"early EOF|error: (5\d\d|429)|unable to connect|Connection closed|hung up unexpectedly",
    ),
    (
        GitFailure.MISSING,
        r"couldn't find remote ref|not our ref|[Rr]epository .*not found|does not exist|"
        r"does not appear to be a git repository|unknown revision|Needed a single revision|"
        r"bad (object|revision)|not a valid object|not a git repository|error: 404|"
        r"reference is not a tree",
    ),
)


def without_credentials(text: str) -> str:
    """The text with the user part of every URL in it replaced."""
    return re.sub(r"(?<=://)[^/\s'\"]*@", "***@", text)


def run_git(
    directory: Path, *arguments: str, umask: int = -1, local: bool = True, timeout: float = TIMEOUT
) -> str:
    """Run git in a directory and return what it printed, without the last line's end.

    ``local`` allows repositories of this machine (``file``) as remotes and submodules.

    Raises:
        GitError: it failed; git's own last words are in the message.
        SourceError: there is no git, which says nothing of the repository.
    """
    try:
        import git
    except ImportError as error:  # GitPython looks for the program as soon as it is imported
        raise SourceError("git is not found", hint="install git, or add it to PATH") from error

    try:
        started = git.Git(directory).execute(
            [*_without_hook_variables(), "git", *arguments],
            # ext:: would run programs; what is not named here is refused.
            env=_ENVIRONMENT | {"GIT_ALLOW_PROTOCOL": _REMOTE + (":file" if local else "")},
            umask=umask,
            as_process=True,
            start_new_session=True,
        )
    except git.GitCommandNotFound as error:
        raise GitError(
            f"git cannot be run in {str(directory)!r}: it or the directory is missing",
            GitFailure.OTHER,
            hint="install git",
        ) from error
    process = cast("subprocess.Popen[bytes]", started.proc)  # ended where `started` is forgotten
    try:
        output, stderr = process.communicate(timeout=timeout)
    except BaseException as error:
        # With what it started: git-remote-https, ssh. GitPython's own timeout leaves these,
        # and a Ctrl-C leaves git as well.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise _failed(arguments, f"no end after {timeout:g} s", GitFailure.TIMEOUT) from None
    if process.returncode:
        raise _failed(arguments, os.fsdecode(stderr))
    return os.fsdecode(output).removesuffix("\n")


def _without_hook_variables() -> list[str]:
    # GitPython adds to the environment but takes nothing out of it.
    present = [f"-u{name}" for name in _HOOK_VARIABLES if name in os.environ]
    return ["env", *present] if present else []


def _failed(arguments: tuple[str, ...], stderr: str, failure: GitFailure | None = None) -> GitError:
    words = without_credentials(stderr.strip())
    failure = failure or next((f for f, sign in _SIGNS if re.search(sign, words)), GitFailure.OTHER)
    command = next((a for a in arguments if not a.startswith("-") and "=" not in a), "")
    hint = None
    if "dubious ownership" in words:
        where = re.search(r"safe\.directory (\S+)", words)
        hint = f"git config --global --add safe.directory {where[1] if where else 'PATH'}"
    return GitError(f"git {command} failed: {words[-2000:]}", failure, hint=hint)


def commit_of(git_directory: Path) -> str:
    """The commit that a ``.git`` (directory or file) has checked out, else forty zeros."""
    try:
        return run_git(
            git_directory.parent, "--git-dir", str(git_directory), "rev-parse", "--verify", "HEAD"
        )
    except GitError:
        return NO_COMMIT

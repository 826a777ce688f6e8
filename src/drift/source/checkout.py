"""Where the source is: a local tree as it stands, or a commit checked out of a repository.

A git URL is fetched into a bare repository in the cache, each night only what is new, and
checked out into a temporary tree without ``.git`` (as BuildKit has it). An earlier commit
of any repository is checked out the same way, borrowing its objects; the repository itself
gets no worktree, reference or configuration from us.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from drift.source.git import (
    NO_COMMIT,
    GitError,
    GitFailure,
    run_git,
    without_credentials,
)

_REFERENCE = re.compile(r"(?![-+])(?!.*\.\.)[^\s\x00-\x1f\x7f~^:?*\[\\]+")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GIT_URL = re.compile(
    r"(?:git@|git://|ssh://|file://|github\.com/)[^#]+(?:#.*)?|https?://[^#]+\.git(?:#.*)?"
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A tree to build from.

    ``path`` is the context; ``repository`` is where its commits are (None outside git) and
    ``subdirectory`` the context's place in its tree. ``revision`` is the whole commit, None
    outside git and before the first commit. ``dirty`` says that context or Dockerfile hold
    what the commit does not. ``remote`` is without credentials.
    """

    path: Path
    repository: Path | None = None
    revision: str | None = None
    dirty: bool = False
    remote: str | None = None
    shallow: bool = False
    subdirectory: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GitUrl:
    """docker's git contexts: ``URL#reference:subdirectory``."""

    url: str
    reference: str | None = None
    subdirectory: str = ""

    @classmethod
    def matches(cls, context: str) -> bool:
        """Whether docker would take this context for a git URL."""
        return _GIT_URL.fullmatch(context) is not None

    @classmethod
    def parse(cls, context: str, revision: str | None = None) -> Self:
        """Parse a context; ``revision`` is the configuration's own.

        Raises:
            GitError: it is no git URL, or the reference or directory is malformed, or both
                name a reference.
        """
        if not cls.matches(context):
            raise _refused(f"{without_credentials(context)!r} is not a git URL")
        url, _, fragment = context.partition("#")
        reference, _, subdirectory = fragment.partition(":")
        if reference and revision and reference != revision:
            raise _refused(f"the URL asks for {reference!r}, `revision` for {revision!r}")
        reference = reference or revision or ""
        if reference and _REFERENCE.fullmatch(reference) is None:
            raise _refused(f"{reference!r} is not a branch, tag or commit")
        if ".." in Path(subdirectory).parts or Path(subdirectory).is_absolute():
            raise _refused(f"the directory {subdirectory!r} leads out of the repository")
        if url.startswith("github.com/"):
            url = f"https://{url}"
        return cls(url, reference or None, subdirectory)


def _refused(message: str) -> GitError:
    return GitError(message, GitFailure.REFUSED, hint="check `context` and `revision`")


@contextmanager
def open_source(
    context: str,
    context_path: Path | None,
    revision: str | None,
    cache: Path,
    *,
    dockerfile: str = "Dockerfile",
    leave_out: Sequence[Path] = (),
) -> Iterator[Checkout]:
    """The tree of a context; one that was fetched is removed at the end.

    ``context_path`` is the directory where the context is local, None for a git URL.
    ``leave_out`` are paths that do not make the tree dirty.

    Raises:
        GitError: the repository or revision cannot be had; ``failure`` says why.
    """
    if context_path is not None:
        yield _local(context_path.resolve(), dockerfile, leave_out)
        return
    address = GitUrl.parse(context, revision)
    repository = _fetch(address, cache)
    commit = _commit(repository, "refs/drift/wanted")
    with checkout_revision(
        repository, commit, remote=address.url, keep_git=False, temporary=cache
    ) as tree:
        path = (tree / address.subdirectory).resolve()
        if not path.is_relative_to(tree) or not path.is_dir():
            raise GitError(
                f"there is no directory {address.subdirectory!r} at {commit[:12]}",
                GitFailure.MISSING,
            )
        yield Checkout(
            path=path,
            repository=repository,
            revision=commit,
            remote=without_credentials(address.url),
            subdirectory=address.subdirectory,
            notes=_lfs_notes(tree),
        )


def _local(path: Path, dockerfile: str, leave_out: Sequence[Path]) -> Checkout:
    if not any((above / ".git").exists() for above in (path, *path.parents)):
        return Checkout(path)
    try:
        top = Path(run_git(path, "rev-parse", "--show-toplevel"))
    except GitError as error:
        # An empty .git, or a directory inside of one: docker sends it like any other.
        if error.failure is GitFailure.MISSING or "work tree" in error.message:
            return Checkout(path)
        raise
    return Checkout(
        path=path,
        repository=top,
        revision=_head(top),
        dirty=_dirty(top, (path, (path / dockerfile).resolve()), leave_out),
        remote=_remote(top),
        shallow=_shallow(top),
        subdirectory="" if path == top else path.relative_to(top).as_posix(),
    )


def _head(top: Path) -> str | None:
    try:
        return _commit(top, "HEAD")
    except GitError as error:
        if error.failure is GitFailure.MISSING:
            return None  # no commit yet
        raise


def _commit(repository: Path, name: str) -> str:
    peeled = f"{name}^{{commit}}"
    return run_git(repository, "rev-parse", "--verify", "--end-of-options", peeled).split()[-1]


def _dirty(top: Path, paths: Sequence[Path], leave_out: Sequence[Path]) -> bool:
    """Whether git sees a change, staged or not, or a new file that is not ignored."""
    wanted = {path.relative_to(top).as_posix() for path in paths if path.is_relative_to(top)}
    ours = {p.relative_to(top).as_posix() for p in map(Path.resolve, leave_out) if top in p.parents}
    specs = [":(top)" if path == "." else f":(top,literal){path}" for path in sorted(wanted)]
    specs += [f":(top,literal,exclude){path}" for path in sorted(ours)]
    options = ("--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=none")
    return bool(run_git(top, "-c", "core.fsmonitor=false", "status", *options, "--", *specs))


def _remote(top: Path) -> str | None:
    try:
        return without_credentials(run_git(top, "config", "--get", "remote.origin.url"))
    except GitError:
        return None


def _shallow(repository: Path) -> bool:
    return run_git(repository, "rev-parse", "--is-shallow-repository") == "true"


def _fetch(address: GitUrl, cache: Path) -> Path:
    """The cached bare repository, with the wanted commit at ``refs/drift/wanted``."""
    name = hashlib.sha256(without_credentials(address.url).encode()).hexdigest()[:32]
    repository = cache / f"{name}.git"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (repository / "HEAD").exists():
            run_git(cache, "init", "--quiet", "--bare", "--template=", repository.name)
        reference = address.reference or "HEAD"
        _fetch_refs(repository, address.url, f"+{reference}:refs/drift/wanted")
    return repository


def _fetch_refs(repository: Path, url: str, wanted: str) -> None:
    """Fetch one reference; one that names no branch, tag or whole commit is looked up in all."""
    local = url.startswith("file://")
    options = ("fetch", "--quiet", "--force", "--no-tags", "--end-of-options", url)
    try:
        run_git(repository, *options, wanted, local=local)
    except GitError as error:
        if error.failure is not GitFailure.MISSING:
            raise
        every = ("+refs/heads/*:refs/drift/heads/*", "+refs/tags/*:refs/drift/tags/*")
        run_git(repository, *options, *every, local=local)
        source = wanted[1:].partition(":")[0]
        if re.fullmatch(r"[0-9a-f]{7,64}", source) is None:
            raise
        commit = _commit(repository, source)
        run_git(repository, "update-ref", "refs/drift/wanted", commit)


@contextmanager
def checkout_revision(
    repository: Path,
    revision: str,
    *,
    remote: str | None = None,
    keep_git: bool = True,
    temporary: Path | None = None,
) -> Iterator[Path]:
    """The whole tree of a commit, submodules and LFS files in it; removed at the end.

    Files get the umask that the repository's own tree was made with, so that an untouched
    clone and its replay have equal modes. ``remote`` is what relative submodule URLs mean.

    Raises:
        GitError: the commit is missing, or a submodule cannot be had.
    """
    if _REFERENCE.fullmatch(revision) is None:
        raise _refused(f"{revision!r} is not a branch, tag or commit")
    commit = _commit(repository, revision)
    with tempfile.TemporaryDirectory(
        prefix="drift-tree-", dir=temporary, ignore_cleanup_errors=True
    ) as directory:
        tree = Path(directory).resolve() / "tree"
        _check_out(repository, commit, remote or _raw_remote(repository), tree)
        if not keep_git:
            shutil.rmtree(tree / ".git")
        yield tree


def _check_out(repository: Path, commit: str, remote: str | None, tree: Path) -> None:
    umask = _umask_of(repository)
    local = remote is None or "://" not in remote or remote.startswith("file://")
    form = run_git(repository, "rev-parse", "--show-object-format")
    options = ("--quiet", "--template=", f"--object-format={form}")
    run_git(tree.parent, "init", *options, tree.name, umask=umask)
    (tree / ".git" / "objects" / "info").mkdir(exist_ok=True)
    objects = _git_path(repository, "objects")
    (tree / ".git/objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
    if (shallow := _git_path(repository, "shallow")).exists():
        shutil.copy(shallow, tree / ".git/shallow")
    if remote is not None:
        run_git(tree, "config", "remote.origin.url", remote)
    run_git(tree, "config", "lfs.storage", str(_git_path(repository, "lfs")))
    quiet = ("-c", "advice.detachedHead=false")
    run_git(tree, *quiet, "checkout", "--quiet", "--detach", commit, umask=umask, local=local)
    if (tree / ".gitmodules").is_file():
        update = ("submodule", "--quiet", "update", "--init", "--recursive")
        run_git(tree, *update, umask=umask, local=local)


def _git_path(repository: Path, name: str) -> Path:
    return (repository / run_git(repository, "rev-parse", "--git-path", name)).resolve()


def _raw_remote(repository: Path) -> str | None:
    try:
        return run_git(repository, "config", "--get", "remote.origin.url")
    except GitError:
        return str(repository)


def _umask_of(repository: Path) -> int:
    """The umask that git wrote the index with, which it does at each checkout; else 022."""
    try:
        mode = _git_path(repository, "index").stat().st_mode
    except (GitError, OSError):
        return 0o022
    umask = ~mode & 0o066
    return umask | (umask & 0o044) >> 2  # who may not read may not search either


def _lfs_notes(tree: Path) -> tuple[str, ...]:
    attributes = tree / ".gitattributes"
    if not attributes.is_file() or b"filter=lfs" not in attributes.read_bytes():
        return ()
    if shutil.which("git-lfs"):
        return ()
    return ("git-lfs is not installed: LFS files are their pointers in this context",)


def commit_at(repository: Path, revision: str) -> str:
    """The whole commit that a revision means to git: a name, ``HEAD~1``, an abbreviation.

    Raises:
        GitError: there is none such.
    """
    return _commit(repository, revision)


def deepen(repository: Path, revision: str) -> None:
    """Make sure that a whole commit is there; a shallow clone is deepened from its remote.

    Raises:
        GitError: it is not there and cannot be fetched.
    """
    if _COMMIT.fullmatch(revision) is None or revision == NO_COMMIT:
        raise _refused(f"{revision!r} is not a whole commit")
    if _has(repository, revision):
        return
    hint = "fetch the whole history (actions/checkout: `fetch-depth: 0`)"
    if not _shallow(repository):
        raise GitError(f"the repository has no commit {revision}", GitFailure.MISSING)
    try:
        run_git(repository, "fetch", "--quiet", "--unshallow", "origin")
    except GitError as error:
        message = f"commit {revision[:12]} is not in this shallow clone: {error.message}"
        raise GitError(message, error.failure, hint=hint) from error
    if not _has(repository, revision):
        message = f"commit {revision[:12]} is not in this clone, nor in its remote's branches"
        raise GitError(message, GitFailure.MISSING, hint=hint)


def _has(repository: Path, commit: str) -> bool:
    try:
        run_git(repository, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError:
        return False
    return True
